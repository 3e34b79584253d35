//! Every place that a request names in its body or its query is decided on.

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::policy_grants::{RAW, raw};

/// Grants of acme's to everybody, each with its places in `acme_raw`.
pub(crate) fn everybody(grants: &[(Value, Value)]) -> Value {
    let grant = |(may, places): &(Value, Value)| json!({"tenant": "acme", "who": "all", "may": may, "at": raw(places.clone())});
    grants.iter().map(grant).collect()
}

/// What alice is told about a body, with these grants.
pub(crate) fn said(grants: &[(Value, Value)], path: &str, body: Value) -> String {
    let desk = Desk::granting(everybody(grants));
    desk.says_with(&desk.alice(&[]), &format!("{RAW}{path}"), body)
}

pub(crate) fn table(namespace: &[&str], name: &str) -> Value {
    json!({"namespace": namespace, "name": name})
}

#[test]
fn what_is_made_is_decided_on_by_its_own_name() {
    let sales = [(
        json!(["write"]),
        json!([["sales"], {"namespace": ["pii"], "table": "mine"}, {"namespace": ["pii"], "view": "mine"}]),
    )];
    let made = |path: &str, body: Value| said(&sales, path, body);
    let no = |verb: &str, what: &str| {
        format!(
            "grant_missing: alice (tenant acme) may not {verb} polaris/acme_raw.{what}: no grant"
        )
    };
    for (path, body, verb, what) in [
        (
            "/namespaces/NS/tables",
            json!({"name": "NAME"}),
            "create",
            "pii.NAME",
        ),
        (
            "/namespaces/NS/register",
            json!({"name": "NAME", "metadata-location": "s3://acme/m.json"}),
            "register",
            "pii.NAME",
        ),
        (
            "/namespaces/NS/views",
            json!({"name": "NAME"}),
            "create",
            "pii.NAME",
        ),
        (
            "/namespaces/NS/register-view",
            json!({"name": "NAME", "metadata-location": "s3://acme/m.json"}),
            "register",
            "pii.NAME",
        ),
    ] {
        let with = |text: &str, namespace: &str, name: &str| {
            text.replace("NS", namespace).replace("NAME", name)
        };
        let ask = |namespace: &str, name: &str| {
            let body: Value =
                serde_json::from_str(&with(&body.to_string(), namespace, name)).unwrap();
            made(&with(path, namespace, name), body)
        };
        assert_eq!(ask("pii", "t"), no(verb, &with(what, "pii", "t")), "{path}");
        // The namespace alone is not asked for; registering asks for more, because files come from anywhere.
        let yes = if verb == "register" {
            "grant_widened"
        } else {
            "yes"
        };
        for (namespace, name) in [("sales", "t"), ("pii", "mine")] {
            assert!(
                ask(namespace, name).starts_with(yes),
                "{path} {namespace}.{name}: {}",
                ask(namespace, name)
            );
        }
    }
    assert_eq!(made("/namespaces", json!({"namespace": ["sales"]})), "yes");
    assert_eq!(
        made("/namespaces", json!({"namespace": ["sales", "eu"]})),
        no("create", "sales.eu")
    );
    assert_eq!(
        made("/namespaces", json!({"namespace": ["pii"]})),
        no("create", "pii")
    );
}

#[test]
fn before_the_body_came() {
    let desk = Desk::granting(everybody(&[(json!(["all"]), json!([["sales"]]))]));
    let alice = desk.alice(&[]);
    let post = |path: &str| desk.says(&alice, "POST", &format!("{RAW}{path}"));
    for path in [
        "/namespaces",
        "/namespaces/pii/tables",
        "/namespaces/pii/views",
        "/tables/rename",
        "/views/rename",
        "/transactions/commit",
    ] {
        assert_eq!(post(path), "the body first");
    }
    // What the path says is decided on at once.
    assert_eq!(post("/namespaces/sales/tables/t"), "the body first");
    assert_eq!(
        post("/namespaces/pii/tables/t"),
        "grant_missing: alice (tenant acme) may not commit to polaris/acme_raw.pii.t: no grant"
    );
    assert_eq!(
        post("/namespaces/pii/properties"),
        "grant_missing: alice (tenant acme) may not change polaris/acme_raw.pii: no grant"
    );
    // Where nothing depends on the body, nobody waits for it.
    assert_eq!(post("/namespaces/sales/tables/t/metrics"), "yes");
    let free = [
        ("/access", json!("catalog_decides")),
        ("/grants", Value::Null),
        ("/tenants/acme/locations", json!("catalog_decides")),
    ];
    let desk = Desk::with(&free);
    let alice = desk.alice(&[]);
    assert_eq!(
        desk.says(&alice, "POST", &format!("{RAW}/transactions/commit")),
        "yes"
    );
    // At Nessie a name in the body may lead to another reference.
    assert_eq!(
        desk.says(&alice, "POST", "/iceberg/v1/main/transactions/commit"),
        "the body first"
    );
}

#[test]
fn every_table_of_a_transaction() {
    let change = |namespace: &str, name: &str| json!({"identifier": table(&[namespace], name), "requirements": [], "updates": []});
    let of = |changes: &[Value]| json!({"table-changes": changes});
    let path = "/transactions/commit";
    let sales = [(json!(["commit"]), json!([["sales"]]))];
    let no =
        "grant_missing: alice (tenant acme) may not commit to polaris/acme_raw.pii.t: no grant";
    assert_eq!(
        said(
            &sales,
            path,
            of(&[change("sales", "a"), change("sales", "b")])
        ),
        "yes"
    );
    assert_eq!(
        said(
            &sales,
            path,
            of(&[change("sales", "a"), change("pii", "t")])
        ),
        no
    );
    assert_eq!(
        said(
            &sales,
            path,
            of(&[change("pii", "t"), change("sales", "a")])
        ),
        no
    );
    // Both are asked for: that it is a transaction, and that the table is changed.
    for half in [json!(["commitTransaction"]), json!(["updateTable"])] {
        let half = [(half, json!([["pii"]]))];
        assert_eq!(said(&half, path, of(&[change("pii", "t")])), no);
    }
    // Without a change nobody knows where it is: somewhere.
    let nowhere = "grant_missing: alice (tenant acme) may not commit to polaris/acme_raw.(somewhere): no grant";
    assert_eq!(said(&sales, path, of(&[])), nowhere);
    assert_eq!(
        said(&[(json!(["commit"]), json!([["**"]]))], path, of(&[])),
        "yes"
    );
    // A table that a commit makes is made.
    let made = json!({"identifier": table(&["sales"], "a"), "requirements": [{"type": "assert-create"}], "updates": []});
    assert_eq!(
        said(&sales, path, of(std::slice::from_ref(&made))),
        "grant_missing: alice (tenant acme) may not create polaris/acme_raw.sales.a: no grant"
    );
    let both = [(json!(["commit", "createTable"]), json!([["sales"]]))];
    assert_eq!(said(&both, path, of(&[made])), "yes");
}

#[test]
fn a_commit_is_to_the_table_of_the_path() {
    let sales = [(json!(["commit"]), json!([["**"]]))];
    let commit =
        |identifier: Value| json!({"identifier": identifier, "requirements": [], "updates": []});
    let path = "/namespaces/sales/tables/t";
    assert_eq!(
        said(&sales, path, json!({"requirements": [], "updates": []})),
        "yes"
    );
    assert_eq!(said(&sales, path, commit(table(&["sales"], "t"))), "yes");
    for other in [
        table(&["sales"], "u"),
        table(&["pii"], "t"),
        table(&["sales", "t"], "t"),
    ] {
        let refused = said(&sales, path, commit(other.clone()));
        assert!(
            refused.starts_with("body_contradicts_path: alice (tenant acme) may not commit to "),
            "{other}: {refused}"
        );
    }
    let view = json!({"identifier": table(&["sales"], "w"), "updates": []});
    assert_eq!(
        said(&sales, "/namespaces/sales/views/v", view),
        "body_contradicts_path: alice (tenant acme) may not commit to polaris/acme_raw.sales.w: the body names another \
         object than the path"
    );
}

#[test]
fn the_default_namespace_of_a_view() {
    let view =
        |default: Value| json!({"name": "v", "view-version": {"default-namespace": default}});
    let path = "/namespaces/sales/views";
    let write = [(json!(["write"]), json!([["sales"]]))];
    assert_eq!(said(&write, path, view(json!([]))), "yes");
    assert_eq!(
        said(&write, path, view(json!(["pii"]))),
        "grant_missing: alice (tenant acme) may not read polaris/acme_raw.pii: no grant"
    );
    let read = [
        (json!(["write"]), json!([["sales"]])),
        (json!(["read"]), json!([["pii"]])),
    ];
    assert_eq!(said(&read, path, view(json!(["pii"]))), "yes");
    // On the way to what may be read is enough.
    let deep = [
        (json!(["write"]), json!([["sales"]])),
        (json!(["loadTable"]), json!([["pii", "x"]])),
    ];
    assert_eq!(said(&deep, path, view(json!(["pii"]))), "yes");
}

#[test]
fn policies_and_other_formats_of_polaris() {
    let path = "/api/catalog/polaris/v1/acme_raw";
    let desk = Desk::granting(everybody(&[(
        json!(["admin", "write", "read"]),
        json!([["sales"]]),
    )]));
    let alice = desk.alice(&[]);
    let policy = json!({"name": "p", "type": "system.data-compaction"});
    let target =
        |namespace: &str| json!({"target": {"type": "table-like", "path": [namespace, "t"]}});
    let catalog = json!({"target": {"type": "catalog", "path": []}});
    let no = |what: &str| {
        format!(
            "grant_missing: alice (tenant acme) may not administer polaris/acme_raw{what}: no grant"
        )
    };
    assert_eq!(
        desk.says_with(
            &alice,
            &format!("{path}/namespaces/sales/policies"),
            policy.clone()
        ),
        "yes"
    );
    assert_eq!(
        desk.says_with(&alice, &format!("{path}/namespaces/pii/policies"), policy),
        no(".pii.p")
    );
    let attach = format!("{path}/namespaces/sales/policies/p/mappings");
    assert_eq!(desk.says_with(&alice, &attach, target("sales")), "yes");
    assert_eq!(desk.says_with(&alice, &attach, target("pii")), no(".pii.t"));
    assert_eq!(desk.says_with(&alice, &attach, catalog), no(""));
    let generic = json!({"name": "g", "format": "delta"});
    assert_eq!(
        desk.says_with(
            &alice,
            &format!("{path}/namespaces/sales/generic-tables"),
            generic.clone()
        ),
        "yes"
    );
    assert_eq!(
        desk.says_with(
            &alice,
            &format!("{path}/namespaces/pii/generic-tables"),
            generic
        ),
        "grant_missing: alice (tenant acme) may not create polaris/acme_raw.pii.g: no grant"
    );
    for (query, expected) in [
        (
            "",
            "grant_missing: alice (tenant acme) may not read polaris/acme_raw: no grant",
        ),
        ("?namespace=sales", "yes"),
        (
            "?namespace=pii",
            "grant_missing: alice (tenant acme) may not read polaris/acme_raw.pii: no grant",
        ),
        ("?namespace=sales&target-name=t", "yes"),
        (
            "?namespace=pii&target-name=t",
            "grant_missing: alice (tenant acme) may not read polaris/acme_raw.pii.t: no grant",
        ),
    ] {
        assert_eq!(
            desk.says(&alice, "GET", &format!("{path}/applicable-policies{query}")),
            expected
        );
    }
}

#[test]
fn what_a_query_names() {
    let desk = Desk::granting(everybody(&[
        (json!(["read"]), json!([["sales", "**"], []])),
        (
            json!(["dropNamespace", "dropTable"]),
            json!([["sales", "**"]]),
        ),
    ]));
    let alice = desk.alice(&[]);
    for (method, path, expected) in [
        ("GET", "/namespaces", "yes"),
        ("GET", "/namespaces?parent=", "yes"),
        ("GET", "/namespaces?parent=sales%1Feu", "yes"),
        (
            "GET",
            "/namespaces?parent=pii",
            "grant_missing: alice (tenant acme) may not list polaris/acme_raw.pii: no grant",
        ),
        ("DELETE", "/namespaces/sales%1Feu", "yes"),
        // With all that is in it, whatever that is: also views, which alice may not drop.
        (
            "DELETE",
            "/namespaces/sales%1Feu?recursive=true",
            "grant_missing: alice (tenant acme) may not drop polaris/acme_raw.sales.eu.**: no grant",
        ),
        (
            "GET",
            "/namespaces/sales/tables/t?referenced-by=sales%1Fv",
            "yes",
        ),
        (
            "GET",
            "/namespaces/sales/tables/t?referenced-by=sales%1Fv,pii%1Fw",
            "grant_missing: alice (tenant acme) may not read polaris/acme_raw.pii.w: no grant",
        ),
    ] {
        assert_eq!(desk.says(&alice, method, &format!("{RAW}{path}")), expected);
    }
}

#[test]
fn a_signature_is_somewhere() {
    let nessie = |grants: Value, path: &str| {
        let desk = Desk::granting(grants);
        desk.says(&desk.alice(&[]), "POST", path)
    };
    let all = |may: Value| json!({"tenant": "acme", "who": "all", "may": may});
    let at = |key: &str, places: Value| json!({"tenant": "acme", "who": "all", key: ["sign"], "at": {"nessie": {"main|acme": places}}});
    let path = "/iceberg/v1/main%7Cacme/s3sign/opaque";
    let no = "grant_missing: alice (tenant acme) may not have requests signed for nessie/main|acme.(somewhere): no grant";
    let denied = "grant_denied: alice (tenant acme) may not have requests signed for nessie/main|acme.(somewhere): grants[1] denies it";
    let body = "the body first";
    assert_eq!(nessie(json!([all(json!(["sign"]))]), path), body);
    assert_eq!(
        nessie(
            json!([all(json!(["read", "credentials", "signRequest"]))]),
            path
        ),
        no
    );
    assert_eq!(nessie(json!([at("may", json!([["**"]]))]), path), body);
    assert_eq!(
        nessie(json!([at("may", json!([["sales", "**"]]))]), path),
        no
    );
    assert_eq!(nessie(json!([at("may", json!([["*"], []]))]), path), no);
    assert_eq!(
        nessie(
            json!([
                all(json!(["all"])),
                at("deny", json!([{"namespace": ["pii"], "table": "t"}]))
            ]),
            path
        ),
        denied
    );
    // A deny in another warehouse says nothing here.
    assert_eq!(
        nessie(
            json!([all(json!(["all"])), at("deny", json!([["pii"]]))]),
            "/iceberg/v1/dev/s3sign/opaque"
        ),
        body
    );
    // Where the path names the table, only that counts.
    let table =
        json!([{"tenant": "acme", "who": "all", "may": ["sign"], "at": raw(json!([["sales"]]))}]);
    let desk = Desk::granting(table);
    assert_eq!(
        desk.says(
            &desk.alice(&[]),
            "POST",
            &format!("{RAW}/namespaces/sales/tables/t/sign")
        ),
        body
    );
}
