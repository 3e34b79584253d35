//! Places: namespaces level by level, the way to them, views and tables of one name, and names that ignore case.

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::policy_grants::{RAW, alices, raw};

#[test]
fn namespaces_level_by_level() {
    let table = |namespace: &str| format!("{RAW}/namespaces/{namespace}/tables/t");
    for (pattern, matching, others) in [
        (
            json!(["sales"]),
            vec!["sales"],
            vec![
                "sales%1Feu",
                "sale",
                "saless",
                "Sales",
                "sales.eu",
                "eu%1Fsales",
            ],
        ),
        (
            json!(["sales", "*"]),
            vec!["sales%1Feu", "sales%1F%2A"],
            vec!["sales", "sales%1Feu%1Fx", "x%1Feu"],
        ),
        (
            json!(["sales", "**"]),
            vec!["sales", "sales%1Feu", "sales%1Feu%1Fx"],
            vec!["sale", "x%1Fsales"],
        ),
        (json!(["*"]), vec!["sales", "x"], vec!["sales%1Feu"]),
        (
            json!(["*", "eu", "**"]),
            vec!["a%1Feu", "a%1Feu%1Fx"],
            vec!["eu", "a", "a%1Fx%1Feu"],
        ),
        (json!(["**"]), vec!["a", "a%1Fb%1Fc"], vec![]),
        // A dot is no separator here.
        (json!(["a.b"]), vec!["a.b", "a%2Eb"], vec!["a%1Fb"]),
        (json!([]), vec![], vec!["sales"]),
        (
            json!({"namespace": ["sales"], "table": "t"}),
            vec!["sales"],
            vec!["sales%1Feu", "x"],
        ),
        (
            json!({"namespace": ["sales", "**"], "table": "t"}),
            vec!["sales", "sales%1Feu"],
            vec!["x"],
        ),
        (
            json!({"namespace": ["sales"], "table": "*"}),
            vec!["sales"],
            vec!["x"],
        ),
        (
            json!({"namespace": ["sales"], "table": "u"}),
            vec![],
            vec!["sales"],
        ),
        (
            json!({"namespace": ["sales"], "view": "t"}),
            vec![],
            vec!["sales"],
        ),
    ] {
        for (may, yes) in [(true, "yes"), (false, "grant_denied")] {
            let all = json!({"tenant": "acme", "who": "all", "may": ["read"]});
            let one = match may {
                true => {
                    json!({"tenant": "acme", "who": "all", "may": ["loadTable"], "at": raw(json!([pattern]))})
                }
                false => {
                    json!({"tenant": "acme", "who": "all", "deny": ["loadTable"], "at": raw(json!([pattern]))})
                }
            };
            let (grants, no) = match may {
                true => (json!([one]), "grant_missing"),
                false => (json!([one, all]), "yes"),
            };
            let desk = Desk::granting(grants);
            let alice = desk.alice(&[]);
            let said = |namespace: &str| {
                let said = desk.says(&alice, "GET", &table(namespace));
                said.split(':').next().unwrap_or_default().to_owned()
            };
            for namespace in &matching {
                assert_eq!(said(namespace), yes, "{pattern} {namespace}");
            }
            for namespace in &others {
                assert_eq!(said(namespace), no, "{pattern} {namespace}");
            }
        }
    }
}

#[test]
fn the_way_to_what_may_be_read() {
    let may_read = |places: Value| json!([{"tenant": "acme", "who": "all", "may": ["loadTable"], "at": raw(places)}]);
    let way = [
        "/namespaces",
        "/namespaces?parent=sales",
        "/namespaces?parent=sales%1Feu",
        "/namespaces?parent=other",
        "/namespaces/sales",
        "/namespaces/sales%1Feu",
        "/namespaces/other",
        "/namespaces/sales/tables",
    ];
    for (places, expected) in [
        (json!([["sales", "eu"]]), "root, sales, eu; sales eu"),
        (
            json!([{"namespace": ["sales", "eu"], "table": "t"}]),
            "root, sales, eu; sales eu",
        ),
        (json!([["sales"]]), "root, sales; sales"),
        (json!([["sales", "**"]]), "root, sales, eu; sales eu"),
        (json!([[]]), "root"),
        (json!([["**"]]), "root, sales, eu, other; sales eu other"),
    ] {
        let desk = Desk::granting(may_read(places.clone()));
        let alice = desk.alice(&[]);
        let open = way.map(|path| desk.says(&alice, "GET", &format!("{RAW}{path}")) == "yes");
        let expected = match expected {
            "root" => [true, false, false, false, false, false, false, false],
            "root, sales; sales" => [true, true, false, false, true, false, false, false],
            "root, sales, eu; sales eu" => [true, true, true, false, true, true, false, false],
            _ => [true, true, true, true, true, true, true, false],
        };
        assert_eq!(open, expected, "{places}");
    }
    // Everywhere in the warehouse, or in all of them.
    for at in [json!({"polaris": ["acme_raw"]}), Value::Null] {
        let mut grant = json!({"tenant": "acme", "who": "all", "may": ["loadTable"]});
        if !at.is_null() {
            grant["at"] = at;
        }
        alices(
            json!([grant]),
            &[("GET", way[0], "yes"), ("HEAD", way[5], "yes")],
        );
    }
    // Who may only write does not need to look around; a deny closes the way.
    let writer = json!({"tenant": "acme", "who": "all", "may": ["write", "commit"], "at": raw(json!([["sales"]]))});
    let reader = json!({"tenant": "acme", "who": "all", "may": ["read"], "at": raw(json!([["sales", "eu"]]))});
    let closed =
        json!({"tenant": "acme", "who": "all", "deny": ["listNamespaces"], "at": raw(json!([[]]))});
    let no = "grant_missing: alice (tenant acme) may not list polaris/acme_raw: no grant";
    alices(json!([writer]), &[("GET", "/namespaces", no)]);
    let denied =
        "grant_denied: alice (tenant acme) may not list polaris/acme_raw: grants[1] denies it";
    alices(
        json!([reader, closed]),
        &[
            ("GET", "/namespaces", denied),
            ("GET", "/namespaces?parent=sales", "yes"),
        ],
    );
}

#[test]
fn a_view_with_the_name_of_a_table() {
    let grants = json!([{"tenant": "acme", "who": "all", "may": ["loadTable", "tableExists"], "at": raw(json!([["sales"]]))}]);
    alices(
        grants,
        &[
            (
                "GET",
                "/namespaces/sales/views/v",
                "view_hidden: alice (tenant acme) may not read polaris/acme_raw.sales.v: no grant",
            ),
            (
                "HEAD",
                "/namespaces/sales/views/v",
                "view_hidden: alice (tenant acme) may not read polaris/acme_raw.sales.v: no grant",
            ),
            // Not even the table.
            (
                "GET",
                "/namespaces/pii/views/v",
                "grant_missing: alice (tenant acme) may not read polaris/acme_raw.pii.v: no grant",
            ),
            // Only for looking.
            (
                "POST",
                "/namespaces/sales/views/v",
                "grant_missing: alice (tenant acme) may not commit to polaris/acme_raw.sales.v: no grant",
            ),
            (
                "DELETE",
                "/namespaces/sales/views/v",
                "grant_missing: alice (tenant acme) may not drop polaris/acme_raw.sales.v: no grant",
            ),
        ],
    );
    let deny = json!([
        {"tenant": "acme", "who": "all", "may": ["read"]},
        {"tenant": "acme", "who": "all", "deny": ["read"], "at": raw(json!([{"namespace": ["sales"], "view": "*"}]))},
    ]);
    alices(
        deny,
        &[(
            "GET",
            "/namespaces/sales/views/v",
            "view_hidden: alice (tenant acme) may not read polaris/acme_raw.sales.v: grants[1] denies it",
        )],
    );
    // Views that refer to what is loaded are not what was asked for.
    let desk = Desk::granting(
        json!([{"tenant": "acme", "who": "all", "may": ["loadTable"]},
        {"tenant": "acme", "who": "all", "may": ["loadView"], "at": raw(json!([{"namespace": ["sales"], "view": "v"}]))}]),
    );
    assert_eq!(
        desk.says(
            &desk.alice(&[]),
            "GET",
            &format!("{RAW}/namespaces/sales/views/v?referenced-by=pii%1Fw")
        ),
        "grant_missing: alice (tenant acme) may not read polaris/acme_raw.pii.w: no grant"
    );
}

#[test]
fn plans_tell_the_files_of_a_table() {
    let plan = |grants: Value| {
        let desk = Desk::granting(grants);
        let alice = desk.alice(&[]);
        let paths = [
            ("POST", "/plan"),
            ("GET", "/plan/p1"),
            ("DELETE", "/plan/p1"),
            ("POST", "/tasks"),
        ];
        paths.map(|(method, path)| {
            desk.says(
                &alice,
                method,
                &format!("{RAW}/namespaces/x/tables/t{path}"),
            )
        })
    };
    let all = |may: Value| json!([{"tenant": "acme", "who": "all", "may": may}]);
    assert_eq!(plan(all(json!(["read"]))), ["yes"; 4]);
    let no = "grant_missing: alice (tenant acme) may not read polaris/acme_raw.x.t: no grant";
    let planning = json!([
        "planTableScan",
        "fetchPlanningResult",
        "cancelPlanning",
        "fetchScanTasks"
    ]);
    assert_eq!(plan(all(planning)), [no; 4]);
    assert_eq!(plan(all(json!(["loadTable"]))), [no; 4]);
}

#[test]
fn where_case_says_nothing() {
    let deny = |catalog: &str, warehouse: &str| {
        json!([
            {"tenant": "acme", "who": "all", "may": ["read"]},
            {"tenant": "acme", "who": "all", "deny": ["read"], "at": {catalog: {warehouse: [["Pii", "**"], {"namespace": ["sales"], "table": "Card"}]}}},
        ])
    };
    let lakekeeper = (
        "/tenants/acme/reach/keeper/0",
        json!({"warehouse": "acme", "prefix": "8c1f"}),
    );
    for (ignore, path, closed) in [
        (Some(true), "pii/tables/t", true),
        (Some(true), "PII/tables/t", true),
        (Some(true), "PiI%1Fx/tables/t", true),
        (Some(true), "sales/tables/cArD", true),
        (Some(true), "sales/views/card", false),
        (Some(true), "sales/tables/cards", false),
        // Nobody knows what the catalog takes for the same beyond ASCII.
        (Some(true), "p%C3%AFi/tables/t", true),
        (Some(true), "%C3%9F/tables/t", true),
        (Some(false), "PII/tables/t", false),
        (Some(false), "Pii/tables/t", true),
        (Some(false), "p%C3%AFi/tables/t", false),
        (None, "pii/tables/t", true),
    ] {
        let mut changes = vec![("/grants", deny("keeper", "acme")), lakekeeper.clone()];
        if let Some(ignore) = ignore {
            changes.push(("/catalogs/keeper/names_ignore_case", json!(ignore)));
        }
        let desk = Desk::with(&changes);
        let said = desk.says(
            &desk.alice(&[]),
            "GET",
            &format!("/catalog/v1/8c1f/namespaces/{path}"),
        );
        let expected = if closed { "grant_denied" } else { "yes" };
        assert!(said.starts_with(expected), "{path} {ignore:?}: {said}");
    }
    // A grant is only for what it is certainly about.
    let may = json!([{"tenant": "acme", "who": "all", "may": ["read"], "at": {"keeper": {"acme": [["größe"], ["sales"]]}}}]);
    let desk = Desk::with(&[("/grants", may), lakekeeper]);
    for (namespace, open) in [
        ("sales", true),
        ("SALES", true),
        ("gr%C3%B6%C3%9Fe", true),
        ("GR%C3%96%C3%9FE", false),
        ("%C5%BFales", false),
    ] {
        let said = desk.says(
            &desk.alice(&[]),
            "GET",
            &format!("/catalog/v1/8c1f/namespaces/{namespace}/tables"),
        );
        assert_eq!(said == "yes", open, "{namespace}: {said}");
    }
}
