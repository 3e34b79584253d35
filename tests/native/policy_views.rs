//! As whom a view runs: `view_owner`.

use icegate::iceberg::VIEW_OWNER;
use icegate::policy::Decision;
use serde_json::{Value, json};

use crate::desk::{Desk, Request};
use crate::lake::{lake, with};
use crate::support::load_value;

const VIEWS: &str = "/api/catalog/v1/acme_raw/namespaces/db/views";

fn caller_owns() -> (&'static str, Value) {
    ("/catalogs/polaris/view_owner", json!("caller"))
}

fn post(path: &str, body: Option<Value>) -> Request<'_> {
    Request {
        method: "POST",
        path,
        body,
        delegation: None,
    }
}

fn says(desk: &Desk, path: &str, body: Value) -> String {
    desk.says_with(&desk.alice(&[]), path, body)
}

#[test]
fn a_view_is_written_in_the_name_of_its_writer_alone() {
    let desk = Desk::with(&[caller_owns()]);
    let view = format!("{VIEWS}/v");
    let create = |owner: Value| json!({"name": "v", "properties": {VIEW_OWNER: owner}});
    let set = |owner: &str| json!({"action": "set-properties", "updates": {VIEW_OWNER: owner}});
    let removes = json!({"action": "remove-properties", "removals": [VIEW_OWNER]});
    let version = json!({"action": "add-view-version", "view-version": {}});
    let current = json!({"action": "set-current-view-version", "view-version-id": 1});
    let comment = json!({"action": "set-properties", "updates": {"comment": "c"}});
    let commit = |updates: Value| json!({"requirements": [], "updates": updates});
    for (body, expected) in [
        (create(json!("alice")), "yes"),
        (create(json!("root")), "view_owner"),
        (create(json!("Alice")), "view_owner"),
        (create(json!("")), "view_owner"),
        (json!({"name": "v"}), "yes"),
        (json!({"name": "v", "properties": {"comment": "c"}}), "yes"),
    ] {
        let said = says(&desk, VIEWS, body.clone());
        assert_eq!(said.split(':').next(), Some(expected), "{body}");
    }
    for (updates, expected) in [
        (json!([set("alice"), version, current]), "yes"),
        (json!([set("bob"), version, current]), "view_owner"),
        // Whichever the catalog takes in the end.
        (json!([set("alice"), set("bob")]), "view_owner"),
        (json!([set("bob"), set("alice")]), "view_owner"),
        (json!([set("bob"), removes]), "view_owner"),
        // Whose it was is not known: other SQL would run as them.
        (json!([version, current]), "view_owner"),
        (json!([current]), "view_owner"),
        (json!([version, comment]), "view_owner"),
        (json!([removes, version, current]), "yes"),
        (json!([comment]), "yes"),
        (json!([removes]), "yes"),
        (json!([set("alice")]), "yes"),
    ] {
        let said = says(&desk, &view, commit(updates.clone()));
        assert_eq!(said.split(':').next(), Some(expected), "{updates}");
    }
    assert_eq!(
        says(&desk, VIEWS, create(json!("ro\u{202e}ot"))),
        "view_owner: alice may not write a view that runs as 'ro_ot' (trino.run-as-owner): only its writer may be its owner \
         (catalogs.polaris.view_owner)"
    );
    assert_eq!(
        says(&desk, &view, commit(json!([version]))),
        "view_owner: alice may not change what a view does and leave its owner as it is, who may be somebody else \
         (trino.run-as-owner): write the owner too, or drop the view and create it anew (catalogs.polaris.view_owner)"
    );
    let register = "/api/catalog/v1/acme_raw/namespaces/db/register-view";
    assert_eq!(
        says(
            &desk,
            register,
            json!({"name": "v", "metadata-location": "s3://acme/v"})
        ),
        "view_owner: alice may not register the files of a view, which may say that it runs as somebody else \
         (trino.run-as-owner): create it from its SQL (catalogs.polaris.view_owner)"
    );
}

/// Any other catalog is not held, and no table is.
#[test]
fn only_views_of_that_catalog() {
    let desk = Desk::with(&[caller_owns()]);
    let properties = json!({VIEW_OWNER: "root"});
    for (path, body) in [
        (
            "/api/catalog/v1/acme_raw/namespaces/db/tables",
            json!({"name": "t", "properties": properties}),
        ),
        (
            "/api/catalog/v1/acme_raw/namespaces/db/tables/t",
            json!({"updates": [{"action": "set-properties", "updates": properties}]}),
        ),
        (
            "/iceberg/v1/main/namespaces/db/views",
            json!({"name": "v", "properties": properties}),
        ),
    ] {
        assert_eq!(says(&desk, path, body), "yes", "{path}");
    }
    let desk = Desk::with(&[]);
    assert_eq!(
        says(&desk, VIEWS, json!({"name": "v", "properties": properties})),
        "yes"
    );
}

/// Without tenants too, and whoever else decides; then the body is read for it.
#[test]
fn bodies_of_views_are_read_for_it() {
    let alone = [
        ("/access", json!("catalog_decides")),
        ("/tenants", Value::Null),
        ("/grants", Value::Null),
    ];
    let reported = [("/report_only", json!({"grants": true}))];
    for changes in [&alone[..], &reported[..]] {
        let desk = Desk::with(&[changes, &[caller_owns()]].concat());
        let alice = desk.alice(&[]);
        let request = |body| post(VIEWS, body);
        assert!(matches!(
            desk.ask(&alice, &request(None)),
            Ok(Decision::ReadBody(_))
        ));
        let root = json!({"name": "v", "properties": {VIEW_OWNER: "root"}});
        let denial = desk.ask(&alice, &request(Some(root))).expect_err("refused");
        assert_eq!(denial.refusal.reason.name(), "view_owner");
        let own = json!({"name": "v", "properties": {VIEW_OWNER: "alice"}});
        desk.permit(&alice, &request(Some(own)));
        // Of tables nothing is read without tenants.
        let tables = "/api/catalog/v1/acme_raw/namespaces/db/tables";
        let reads = matches!(
            desk.ask(&alice, &post(tables, None)),
            Ok(Decision::ReadBody(_))
        );
        assert_eq!(reads, desk.config.tenancy.is_some());
    }
}

#[test]
fn bodies_must_be_held_for_it() {
    let alone = [
        ("/access", json!("catalog_decides")),
        ("/tenants", Value::Null),
        ("/grants", Value::Null),
        ("/allow_on_headers_stop_iteration", json!(false)),
        caller_owns(),
    ];
    let faults = load_value(&with(lake(), &alone)).expect_err("a fault");
    assert_eq!(
        faults.to_string(),
        "allow_on_headers_stop_iteration: must be true, here and beside vm_config in Envoy's configuration of the filter; \
         view_owner: caller of a catalog cannot be held without reading requests' bodies"
    );
}
