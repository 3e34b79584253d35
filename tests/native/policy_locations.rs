//! Storage locations that a request names: within the tenant's, wherever they stand.

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::policy_grants::RAW;

fn desk(locations: Value) -> Desk {
    Desk::with(&[("/tenants/acme/locations", locations)])
}

fn said(desk: &Desk, path: &str, body: Value) -> String {
    desk.says_with(&desk.alice(&[]), path, body)
}

/// Every place of a body where a location stands.
fn everywhere(location: &str) -> Vec<(String, Value, &'static str)> {
    let commit = |update: Value| json!({"requirements": [], "updates": [update]});
    let namespace = format!("{RAW}/namespaces");
    let tables = format!("{RAW}/namespaces/db/tables");
    let table = format!("{tables}/t");
    let set = |name: &str| json!({"action": "set-properties", "updates": {name: location}});
    vec![
        (
            namespace.clone(),
            json!({"namespace": ["db"], "properties": {"location": location}}),
            "properties.location",
        ),
        (
            format!("{namespace}/db/properties"),
            json!({"updates": {"location": location}}),
            "updates.location",
        ),
        (
            tables.clone(),
            json!({"name": "t", "location": location}),
            "location",
        ),
        (
            tables,
            json!({"name": "t", "properties": {"write.data.path": location}}),
            "properties.write.data.path",
        ),
        (
            format!("{namespace}/db/register"),
            json!({"name": "t", "metadata-location": location}),
            "metadata-location",
        ),
        (
            format!("{namespace}/db/register-view"),
            json!({"name": "v", "metadata-location": location}),
            "metadata-location",
        ),
        (
            format!("{namespace}/db/views"),
            json!({"name": "v", "location": location}),
            "location",
        ),
        (
            table.clone(),
            commit(json!({"action": "set-location", "location": location})),
            "updates[0].location",
        ),
        (
            table.clone(),
            commit(set("write.metadata.path")),
            "updates[0].updates.write.metadata.path",
        ),
        (
            table.clone(),
            commit(set("write.secret.path")),
            "updates[0].updates.write.*.path",
        ),
        (
            table,
            commit(json!({"action": "add-snapshot", "snapshot": {"manifest-list": location}})),
            "updates[0].snapshot.manifest-list",
        ),
        (
            format!("{RAW}/transactions/commit"),
            json!({"table-changes": [
                {"identifier": {"namespace": ["db"], "name": "a"}, "updates": []},
                {"identifier": {"namespace": ["db"], "name": "t"}, "updates": [{"action": "set-location", "location": location}]},
            ]}),
            "table-changes[1].updates[0].location",
        ),
    ]
}

#[test]
fn wherever_they_stand() {
    let desk = desk(json!(["s3://acme/lake", "gs://acme"]));
    for location in ["s3://acme/lake", "s3a://acme/lake/db/t", "gs://acme/x/"] {
        for (path, body, _) in everywhere(location) {
            assert_eq!(said(&desk, &path, body), "yes", "{path} {location}");
        }
    }
    for location in [
        "s3://globex/t",
        "s3://acme/lakehouse/t",
        "s3://acme/t",
        "gs://acme2/t",
        "s3://acme/lake/../secret",
        "s3://acme/lake/%2e%2e/secret",
        "s3://acme/lake//t",
        "http://nessie:19120/catalog/v1/trees/globex/snapshot/secret.t?format=iceberg",
        "file:///etc",
        "/lake/t",
        "S3://acme/lake/t",
        "",
    ] {
        for (path, body, field) in everywhere(location) {
            assert_eq!(
                said(&desk, &path, body),
                format!(
                    "location_outside: alice (tenant acme) may not point to {location}: it is not within the tenant's \
                     locations ({field})"
                ),
                "{path}"
            );
        }
    }
}

#[test]
fn one_of_several_is_enough_to_refuse() {
    let desk = desk(json!("s3://acme/"));
    let body = json!({"name": "t", "location": "s3://acme/t", "properties": {"write.data.path": "s3://globex/t"}});
    assert_eq!(
        said(&desk, &format!("{RAW}/namespaces/db/tables"), body),
        "location_outside: alice (tenant acme) may not point to s3://globex/t: it is not within the tenant's locations \
         (properties.write.data.path)"
    );
}

#[test]
fn another_tenant_s_are_not_one_s_own() {
    let desk = Desk::with(&[]);
    let create = |location: &str| json!({"name": "t", "location": location});
    let globex = "/api/catalog/v1/globex_raw/namespaces/db/tables";
    let gwen = desk.gwen();
    assert_eq!(
        desk.says_with(&gwen, globex, create("s3://globex/t")),
        "yes"
    );
    assert!(
        desk.says_with(&gwen, globex, create("s3://acme/t"))
            .starts_with("location_outside: gwen (tenant globex)")
    );
}

#[test]
fn where_the_catalog_decides() {
    let desk = desk(json!("catalog_decides"));
    for (path, body, _) in everywhere("s3://globex/t") {
        let registers = path.contains("register");
        let expected = match registers {
            false => "yes",
            true => {
                "register_without_locations: alice (tenant acme) may not register existing files: the gate does not know where \
                 the tenant's files lie (tenants.acme.locations)"
            }
        };
        assert_eq!(said(&desk, &path, body), expected, "{path}");
    }
    // It is known before the body is.
    assert_eq!(
        desk.says(
            &desk.alice(&[]),
            "POST",
            &format!("{RAW}/namespaces/db/register")
        )
        .split(':')
        .next(),
        Some("register_without_locations")
    );
}

#[test]
fn they_are_held_without_grants_and_when_grants_are_only_reported() {
    let create = json!({"name": "t", "location": "s3://globex/t"});
    let path = format!("{RAW}/namespaces/db/tables");
    for changes in [
        vec![
            ("/access", json!("catalog_decides")),
            ("/grants", Value::Null),
        ],
        vec![
            ("/report_only", json!({"grants": true})),
            (
                "/grants",
                json!([{"tenant": "globex", "who": "all", "may": ["all"]}]),
            ),
        ],
    ] {
        let desk = Desk::with(&changes);
        assert!(said(&desk, &path, create.clone()).starts_with("location_outside: "));
        assert_eq!(
            said(
                &desk,
                &path,
                json!({"name": "t", "location": "s3://acme/t"})
            ),
            "yes"
        );
    }
}
