//! Grants: whose they are, where they hold, and what they add up to.

use serde_json::{Value, json};

use crate::desk::{Desk, get, person_with};

pub(crate) const RAW: &str = "/api/catalog/v1/acme_raw";

/// A grant of acme's to those of corp's people who are in a group.
fn to(group: &str, more: Value) -> Value {
    let mut grant =
        json!({"tenant": "acme", "who": {"issuer": "corp", "claim": "groups", "has": group}});
    for (name, value) in more.as_object().unwrap() {
        grant[name] = value.clone();
    }
    grant
}

/// Places in `acme_raw`.
pub(crate) fn raw(places: Value) -> Value {
    json!({"polaris": {"acme_raw": places}})
}

/// What alice may do, in no group besides.
pub(crate) fn alices(grants: Value, table: &[(&str, &str, &str)]) {
    let desk = Desk::granting(grants);
    let alice = desk.alice(&[]);
    for (method, path, expected) in table {
        let path = format!("{RAW}{path}");
        assert_eq!(
            desk.says(&alice, method, &path),
            *expected,
            "{method} {path}"
        );
    }
}

#[test]
fn nothing_is_granted_that_is_not_written() {
    let desk = Desk::granting(json!([{"tenant": "globex", "who": "all", "may": ["all"]}]));
    let alice = desk.alice(&[]);
    for (method, path, expected) in [
        (
            "GET",
            "/namespaces",
            "grant_missing: alice (tenant acme) may not list polaris/acme_raw: no grant",
        ),
        (
            "GET",
            "/namespaces?parent=a%1Fb",
            "grant_missing: alice (tenant acme) may not list polaris/acme_raw.a.b: no grant",
        ),
        (
            "HEAD",
            "/namespaces/pii",
            "grant_missing: alice (tenant acme) may not read polaris/acme_raw.pii: no grant",
        ),
        (
            "GET",
            "/namespaces/pii/tables",
            "grant_missing: alice (tenant acme) may not list polaris/acme_raw.pii: no grant",
        ),
        (
            "GET",
            "/namespaces/pii/tables/t",
            "grant_missing: alice (tenant acme) may not read polaris/acme_raw.pii.t: no grant",
        ),
        (
            "POST",
            "/namespaces/pii/tables/t",
            "grant_missing: alice (tenant acme) may not commit to polaris/acme_raw.pii.t: no grant",
        ),
        (
            "DELETE",
            "/namespaces/pii/tables/t",
            "grant_missing: alice (tenant acme) may not drop polaris/acme_raw.pii.t: no grant",
        ),
        (
            "DELETE",
            "/namespaces/pii",
            "grant_missing: alice (tenant acme) may not drop polaris/acme_raw.pii: no grant",
        ),
        (
            "POST",
            "/namespaces/pii/properties",
            "grant_missing: alice (tenant acme) may not change polaris/acme_raw.pii: no grant",
        ),
        (
            "GET",
            "/namespaces/pii/tables/t/credentials",
            "grant_missing: alice (tenant acme) may not get storage credentials for polaris/acme_raw.pii.t: no grant",
        ),
        (
            "POST",
            "/namespaces/pii/tables/t/sign",
            "grant_missing: alice (tenant acme) may not have requests signed for polaris/acme_raw.pii.t: no grant",
        ),
        (
            "POST",
            "/namespaces/pii/tables/t/notifications",
            "grant_missing: alice (tenant acme) may not administer polaris/acme_raw.pii.t: no grant",
        ),
        (
            "GET",
            "/namespaces/pii/views/v",
            "grant_missing: alice (tenant acme) may not read polaris/acme_raw.pii.v: no grant",
        ),
    ] {
        assert_eq!(desk.says(&alice, method, &format!("{RAW}{path}")), expected);
    }
    // Whoever belongs to the tenant may ask how to speak with its warehouses.
    assert_eq!(
        desk.says(&alice, "GET", "/api/catalog/v1/config?warehouse=acme_raw"),
        "yes"
    );
}

#[test]
fn a_union_over_all_that_holds_for_a_caller() {
    let desk = Desk::granting(json!([
        to("readers", json!({"may": ["read"]})),
        to(
            "writers",
            json!({"may": ["commit"], "at": {"polaris": ["acme_raw"]}})
        ),
        to(
            "droppers",
            json!({"may": ["dropTable"], "at": raw(json!([["tmp"]]))})
        ),
    ]));
    let tables = |namespace: &str| format!("{RAW}/namespaces/{namespace}/tables/t");
    let table = [
        // groups, read pii, commit to pii, drop in pii, drop in tmp
        (&[][..], [false; 4]),
        (&["readers"], [true, false, false, false]),
        (&["writers"], [false, true, false, false]),
        (&["readers", "writers"], [true, true, false, false]),
        (&["droppers"], [false, false, false, true]),
        (
            &["droppers", "writers", "readers"],
            [true, true, false, true],
        ),
        (&["Readers", "reader", "readers "], [false; 4]),
    ];
    for (groups, expected) in table {
        let alice = desk.alice(groups);
        let found = [
            ("GET", "pii"),
            ("POST", "pii"),
            ("DELETE", "pii"),
            ("DELETE", "tmp"),
        ]
        .map(|(method, namespace)| {
            let said = desk.says(&alice, method, &tables(namespace));
            // A commit is decided on in full with its body.
            said == "yes" || said == "the body first"
        });
        assert_eq!(found, expected, "{groups:?}");
    }
}

#[test]
fn where_a_grant_holds() {
    let desk = Desk::granting(json!([
        to(
            "mart",
            json!({"may": ["read"], "at": {"polaris": ["acme_mart"]}})
        ),
        to(
            "nessie",
            json!({"may": ["read"], "at": {"nessie": ["dev|acme"], "polaris": {"acme_raw": [["x"]]}}})
        ),
        to("everywhere", json!({"may": ["read"]})),
    ]));
    let places = [
        "/api/catalog/v1/acme_mart/namespaces/x/tables",
        "/api/catalog/v1/acme_raw/namespaces/x/tables",
        "/api/catalog/v1/acme_raw/namespaces/y/tables",
        "/iceberg/v1/main%7Cacme/namespaces/x/tables",
        "/iceberg/v1/dev/namespaces/x/tables",
    ];
    for (group, expected) in [
        ("mart", [true, false, false, false, false]),
        ("nessie", [false, true, false, false, true]),
        ("everywhere", [true; 5]),
        ("nowhere", [false; 5]),
    ] {
        let alice = desk.alice(&[group]);
        assert_eq!(
            places.map(|path| desk.says(&alice, "GET", path) == "yes"),
            expected,
            "{group}"
        );
    }
}

#[test]
fn deny_wins_wherever_it_stands() {
    let may = to("/t/acme", json!({"may": ["read"]}));
    let deny = json!({"tenant": "acme", "who": "all", "deny": ["loadTable"], "at": raw(json!([["pii", "**"]]))});
    let both = to(
        "/t/acme",
        json!({"may": ["loadTable"], "deny": ["loadTable"], "at": raw(json!([["pii"]]))}),
    );
    for (grants, number) in [
        (json!([may, deny]), 1),
        (json!([deny, may]), 0),
        (json!([may, both]), 1),
        (json!([both, may, deny]), 0),
    ] {
        let denied = format!(
            "grant_denied: alice (tenant acme) may not read polaris/acme_raw.pii.t: grants[{number}] denies it"
        );
        alices(
            grants,
            &[
                ("GET", "/namespaces/pii/tables/t", &denied),
                ("GET", "/namespaces/pii/tables", "yes"),
                ("GET", "/namespaces/sales/tables/t", "yes"),
            ],
        );
    }
}

#[test]
fn who_decides_is_named() {
    let desk = Desk::granting(json!([
        to("a", json!({"may": ["loadTable"]})),
        to("b", json!({"may": ["read"]})),
    ]));
    let path = format!("{RAW}/namespaces/x/tables/t");
    let found = desk
        .permit(&desk.alice(&["b"]), &get(&path))
        .findings()
        .clone();
    assert_eq!(
        (found.grant, found.demands.len(), found.reported),
        (Some(1), 1, None)
    );
    assert_eq!(found.demands[0].place.path(), ".x.t");
    let found = desk
        .permit(&desk.alice(&["b", "a"]), &get(&path))
        .findings()
        .clone();
    assert_eq!(found.grant, Some(0));
}

#[test]
fn a_deny_by_a_claim_that_the_token_leaves_out() {
    let who = json!([{"issuer": "corp", "claim": "tenant", "has": "acme"}, {"issuer": "ci", "sub": "acme-bot"}]);
    let may = json!({"tenant": "acme", "who": "all", "may": ["read"]});
    let deny = |who: Value| json!({"tenant": "acme", "who": who, "deny": ["loadTable"], "at": raw(json!([["pii"]]))});
    let groups = json!({"issuer": "corp", "claim": "groups", "has": "interns"});
    let left_out = "claim_left_out: the token of alice leaves out its claim groups, there is too much in it (overage), and a \
                    grant denies something by it; let the identity provider put only what the gate asks for into it";
    for (grants, expected) in [
        (json!([may, deny(groups)]), left_out),
        (
            json!([
                may,
                deny(json!({"issuer": "corp", "claim": "roles", "has": "intern"}))
            ]),
            "yes",
        ),
        (
            json!([may, deny(json!({"issuer": "corp", "sub": "bob"}))]),
            "yes",
        ),
        (
            json!([may, to("interns", json!({"may": ["write"]}))]),
            "yes",
        ),
        // Another tenant's deny is about nobody here.
        (
            json!([may, {"tenant": "globex", "who": {"issuer": "corp", "claim": "groups", "has": "x"}, "deny": ["read"]}]),
            "yes",
        ),
    ] {
        let desk = Desk::with(&[
            ("/tenants/acme/who", who.clone()),
            ("/grants", grants.clone()),
        ]);
        let alice = person_with(
            &desk.config,
            "alice",
            &json!({"tenant": "acme", "_claim_names": {"groups": "src1"}}),
        );
        assert_eq!(
            desk.says(&alice, "GET", &format!("{RAW}/namespaces/x/tables/t")),
            expected,
            "{grants}"
        );
    }
}
