//! Names that a catalog reads as expressions, or otherwise than they stand there.

use serde_json::{Value, json};

use crate::desk::{Desk, get, robot};

const MAIN: &str = "/iceberg/v1/main%7Cacme";

fn with_references(grants: Value) -> Desk {
    Desk::with(&[
        ("/catalogs/nessie/table_references", json!(true)),
        ("/grants", grants),
    ])
}

fn all() -> Value {
    json!([{"tenant": "acme", "who": "all", "may": ["all"]}])
}

fn refused(verb: &str, name: &str) -> String {
    format!(
        "name_expression: alice (tenant acme) may not {verb} nessie/main|acme.db.{name}: Nessie would read the name as an \
         expression that leads to another reference"
    )
}

#[test]
fn expressions_of_nessie_in_paths() {
    // With grants and without them.
    for changes in [
        vec![],
        vec![
            ("/access", json!("catalog_decides")),
            ("/grants", Value::Null),
        ],
    ] {
        let desk = Desk::with(&changes);
        let alice = desk.alice(&[]);
        for (raw, shown) in [
            ("t@globex", "t@globex"),
            ("t%40globex", "t@globex"),
            ("t@%67lobex", "t@globex"),
            ("t%230011", "t#0011"),
            ("t@dev", "t@dev"),
            ("t@main", "t@main"),
            ("%60t%60", "_t_"),
            ("%27t@globex%27", "_t@globex_"),
            ("@", "@"),
        ] {
            for (method, noun, verb) in [
                ("GET", "tables", "read"),
                ("HEAD", "tables", "read"),
                ("DELETE", "tables", "drop"),
                ("POST", "tables", "commit to"),
                ("GET", "views", "read"),
            ] {
                let path = format!("{MAIN}/namespaces/db/{noun}/{raw}");
                assert_eq!(
                    desk.says(&alice, method, &path),
                    refused(verb, shown),
                    "{path}"
                );
            }
        }
        for plain in ["t", "t%60", "it%27s", "t.x", "%22t%22", "t%3Bx"] {
            assert_eq!(
                desk.says(
                    &alice,
                    "GET",
                    &format!("{MAIN}/namespaces/db/tables/{plain}")
                ),
                "yes",
                "{plain}"
            );
        }
        // A namespace is never an expression.
        assert_eq!(
            desk.says(
                &alice,
                "GET",
                &format!("{MAIN}/namespaces/db@globex/tables")
            ),
            "yes"
        );
        // To the others these are names.
        assert_eq!(
            desk.says(
                &alice,
                "GET",
                "/api/catalog/v1/acme_raw/namespaces/db/tables/t@globex"
            ),
            "yes"
        );
    }
}

#[test]
fn expressions_of_nessie_in_bodies() {
    for references in [false, true] {
        let desk = Desk::with(&[("/catalogs/nessie/table_references", json!(references))]);
        let alice = desk.alice(&[]);
        let named = |name: &str| json!({"namespace": ["db"], "name": name});
        for name in ["x@globex", "x#0011", "`x`", "'x@dev'", "x@dev"] {
            let shown = name.replace(['`', '\''], "_");
            for (path, body, verb) in [
                ("/namespaces/db/tables", json!({"name": name}), "create"),
                ("/namespaces/db/views", json!({"name": name}), "create"),
                (
                    "/namespaces/db/register",
                    json!({"name": name, "metadata-location": "s3://acme/m"}),
                    "register",
                ),
                (
                    "/tables/rename",
                    json!({"source": named(name), "destination": named("t")}),
                    "rename from or to",
                ),
                (
                    "/tables/rename",
                    json!({"source": named("t"), "destination": named(name)}),
                    "rename from or to",
                ),
                (
                    "/transactions/commit",
                    json!({"table-changes": [{"identifier": named(name), "updates": []}]}),
                    "commit to",
                ),
            ] {
                let said = desk.says_with(&alice, &format!("{MAIN}{path}"), body);
                assert_eq!(said, refused(verb, &shown), "{path} {name}");
            }
        }
    }
}

#[test]
fn references_that_are_allowed() {
    let desk = with_references(all());
    let alice = desk.alice(&[]);
    let table = |name: &str| format!("{MAIN}/namespaces/db/tables/{name}");
    for (name, open) in [
        ("t@dev", true),
        ("t%40dev", true),
        ("t@main", true),
        // Somebody else's, nobody's, a commit, two, none.
        ("t@globex", false),
        ("t@other", false),
        ("t@DEV", false),
        ("t%230011", false),
        ("t@dev%230011", false),
        ("t@dev@main", false),
        ("t@", false),
        ("@dev", false),
        ("%60t@dev%60", false),
        ("t@dev%7Cacme", false),
    ] {
        let said = desk.says(&alice, "GET", &table(name));
        assert_eq!(said == "yes", open, "{name}: {said}");
        assert!(
            open || said.starts_with("name_expression: "),
            "{name}: {said}"
        );
    }
    // The reference goes with the warehouse of the prefix.
    let desk = Desk::with(&[
        ("/catalogs/nessie/table_references", json!(true)),
        (
            "/tenants/acme/reach/nessie",
            json!(["main|acme", "dev|acme2"]),
        ),
    ]);
    let said = desk.says(&desk.alice(&[]), "GET", &table("t@dev"));
    assert!(said.starts_with("name_expression: "), "{said}");
}

#[test]
fn what_a_reference_leads_to_is_granted_there() {
    let at = |places: Value| json!({"tenant": "acme", "who": "all", "may": ["read"], "at": {"nessie": places}});
    let only_main = json!([at(json!(["main|acme"]))]);
    let table_of_dev = json!([at(
        json!({"main|acme": [["x"]], "dev|acme": [{"namespace": ["db"], "table": "t"}]})
    )]);
    let denied_of_dev = json!([
        at(json!(["main|acme", "dev|acme"])),
        {"tenant": "acme", "who": "all", "deny": ["read"], "at": {"nessie": {"dev|acme": [["db"]]}}},
    ]);
    let no = "grant_missing: alice (tenant acme) may not read nessie/main|acme.db.t@dev: no grant";
    let denied = "grant_denied: alice (tenant acme) may not read nessie/main|acme.db.t@dev: grants[1] denies it";
    for (grants, plain, referred) in [
        (only_main, "yes", no),
        (
            table_of_dev,
            "grant_missing: alice (tenant acme) may not read nessie/main|acme.db.t: no grant",
            "yes",
        ),
        (denied_of_dev, "yes", denied),
    ] {
        let desk = with_references(grants);
        let alice = desk.alice(&[]);
        assert_eq!(
            desk.says(&alice, "GET", &format!("{MAIN}/namespaces/db/tables/t")),
            plain
        );
        assert_eq!(
            desk.says(&alice, "GET", &format!("{MAIN}/namespaces/db/tables/t@dev")),
            referred
        );
    }
}

#[test]
fn a_plus_that_polaris_may_take_for_a_space() {
    let raw = "/api/catalog/v1/acme_raw/namespaces/db/tables";
    let grants = |may: Value, deny: Value| {
        json!([
            {"tenant": "acme", "who": "all", "may": ["loadTable"], "at": {"polaris": {"acme_raw": may}}},
            {"tenant": "acme", "who": "all", "deny": ["loadTable"], "at": {"polaris": {"acme_raw": deny}}},
        ])
    };
    let table = |name: &str| json!([{"namespace": ["db"], "table": name}]);
    for (may, deny, expected) in [
        (json!([["db"]]), table("other"), "grant_denied"),
        (json!([["db"]]), json!([["pii"]]), "yes"),
        (
            json!([["db"]]),
            json!([{"namespace": ["db"], "view": "other"}]),
            "yes",
        ),
        (
            json!([{"namespace": ["db"], "table": "*"}]),
            json!([["pii"]]),
            "yes",
        ),
        (table("a b"), json!([["pii"]]), "grant_missing"),
        (table("a+b"), json!([["pii"]]), "grant_missing"),
    ] {
        let desk = Desk::granting(grants(may.clone(), deny.clone()));
        for name in ["a+b", "a%2Bb"] {
            let said = desk.says(&desk.alice(&[]), "GET", &format!("{raw}/{name}"));
            assert_eq!(
                said.split(':').next(),
                Some(expected),
                "{name} {may} {deny}"
            );
        }
    }
}

#[test]
fn a_dot_that_some_catalogs_take_for_a_separator() {
    let desk = |grants: Value| {
        Desk::with(&[
            (
                "/tenants/acme/reach/rest",
                json!([{"warehouse": "big", "prefix": "big"}]),
            ),
            ("/grants", grants),
        ])
    };
    let rest = |may: &str, places: Value| json!({"tenant": "acme", "who": "all", may: ["read", "write"], "at": {"rest": {"big": places}}});
    for (grants, dotted, apart) in [
        (json!([rest("may", json!([["**"]]))]), "yes", "yes"),
        (
            json!([rest("may", json!([["a", "**"]]))]),
            "grant_missing",
            "yes",
        ),
        (
            json!([rest("may", json!([["*", "*"], ["*"]]))]),
            "grant_missing",
            "yes",
        ),
        (
            json!([
                rest("may", json!([["**"]])),
                rest("deny", json!([["x", "y", "z"]]))
            ]),
            "grant_denied",
            "yes",
        ),
        (
            json!([
                rest("may", json!([["**"]])),
                rest("deny", json!([["a", "b"]]))
            ]),
            "grant_denied",
            "grant_denied",
        ),
    ] {
        let desk = desk(grants.clone());
        let bot = robot(&desk.config, "acme-bot");
        let load = |namespace: &str| {
            let said = desk.says(
                &bot,
                "GET",
                &format!("/rest/v1/big/namespaces/{namespace}/tables/t"),
            );
            said.split(':').next().unwrap_or_default().to_owned()
        };
        for spelling in ["a.b", "a%2Eb"] {
            assert_eq!(load(spelling), dotted, "{spelling} {grants}");
        }
        assert_eq!(load("a%1Fb"), apart, "{grants}");
        let create = |levels: Value| {
            let said = desk.says_with(
                &bot,
                "/rest/v1/big/namespaces",
                json!({"namespace": levels}),
            );
            said.split(':').next().unwrap_or_default().to_owned()
        };
        assert_eq!(create(json!(["a.b"])), dotted, "{grants}");
        assert_eq!(create(json!(["a", "b"])), apart, "{grants}");
    }
    // With dots between the levels a path has none in them.
    let grants = json!([rest("may", json!([["a", "b"]]))]);
    let desk = Desk::with(&[
        ("/catalogs/rest/namespace_separator", json!("%2E")),
        (
            "/tenants/acme/reach/rest",
            json!([{"warehouse": "big", "prefix": "big"}]),
        ),
        ("/grants", grants),
    ]);
    let bot = robot(&desk.config, "acme-bot");
    assert_eq!(
        desk.says(&bot, "GET", "/rest/v1/big/namespaces/a.b/tables/t"),
        "yes"
    );
    desk.permit(&bot, &get("/rest/v1/big/namespaces/a%1Fb/tables/t"));
}

#[test]
fn a_doubtful_place_is_not_gained_by_a_rename() {
    // What is certainly allowed at ["a.b"] is little; what may be allowed there, at ["a", "b"], is more.
    let rest = |may: Value, places: Value| json!({"tenant": "acme", "who": "all", "may": may, "at": {"rest": {"big": places}}});
    let grants = json!([
        rest(json!(["renameTable"]), json!([["**"]])),
        rest(json!(["commit"]), json!([["a", "b"]]))
    ]);
    let desk = Desk::with(&[
        (
            "/tenants/acme/reach/rest",
            json!([{"warehouse": "big", "prefix": "big"}]),
        ),
        ("/grants", grants),
    ]);
    let bot = robot(&desk.config, "acme-bot");
    let rename = |to: Value| json!({"source": {"namespace": ["x"], "name": "t"}, "destination": {"namespace": to, "name": "t"}});
    let said = |to: Value| desk.says_with(&bot, "/rest/v1/big/tables/rename", rename(to));
    assert_eq!(said(json!(["y"])), "yes");
    for to in [json!(["a", "b"]), json!(["a.b"])] {
        assert!(said(to.clone()).starts_with("grant_widened: "), "{to}");
    }
}
