//! Credentials and signatures for the storage, and what is only reported.

use icegate::policy::Handed;
use serde_json::{Value, json};

use crate::desk::{Desk, Request};

/// The permit's word on a load of acme's table at this catalog.
fn handed(desk: &Desk, catalog: &str, header: Option<&str>) -> Handed {
    desk.permit(&desk.alice(&[]), &load(path(catalog), header))
        .delegation()
}

fn load<'a>(path: &'a str, delegation: Option<&'a str>) -> Request<'a> {
    Request {
        method: "GET",
        path,
        body: None,
        delegation,
    }
}

fn path(catalog: &str) -> &'static str {
    match catalog {
        "polaris" => "/api/catalog/v1/acme_raw/namespaces/db/tables/t",
        "nessie" => "/iceberg/v1/main/namespaces/db/tables/t",
        "keeper" => "/catalog/v1/8c1f/namespaces/db/tables/t",
        other => panic!("{other}"),
    }
}

fn desk(may: Value, more: &[(&str, Value)]) -> Desk {
    let grants = json!([{"tenant": "acme", "who": "all", "may": may}]);
    let changes = [
        ("/grants", grants),
        (
            "/tenants/acme/reach/keeper",
            json!([{"warehouse": "acme", "prefix": "8c1f"}]),
        ),
    ];
    Desk::with(&[&changes, more].concat())
}

const BOTH: &str = "vended-credentials,remote-signing";

#[test]
fn what_no_grant_allows_is_taken_off_the_request() {
    // (what is granted, the client's header, the catalog's header, withheld: credentials, signing), by kind
    type Row = (
        &'static str,
        &'static [&'static str],
        Option<&'static str>,
        Option<Option<&'static str>>,
        bool,
        bool,
    );
    let table: &[Row] = &[
        (
            "polaris",
            &["credentials", "sign"],
            Some(BOTH),
            None,
            false,
            false,
        ),
        (
            "polaris",
            &["credentials"],
            Some(BOTH),
            Some(Some("vended-credentials")),
            false,
            true,
        ),
        (
            "polaris",
            &["sign"],
            Some(BOTH),
            Some(Some("remote-signing")),
            true,
            false,
        ),
        ("polaris", &[], Some(BOTH), Some(None), true, true),
        (
            "polaris",
            &[],
            Some("vended-credentials"),
            Some(None),
            true,
            true,
        ),
        (
            "polaris",
            &["sign"],
            Some("vended-credentials"),
            Some(None),
            true,
            false,
        ),
        (
            "polaris",
            &["credentials"],
            Some("VENDED-Credentials"),
            None,
            false,
            true,
        ),
        // Polaris takes silence for no wish.
        ("polaris", &[], None, None, true, true),
        ("polaris", &[], Some("nonsense"), None, true, true),
        ("nessie", &["credentials", "sign"], None, None, false, false),
        // Nessie takes silence for every wish.
        (
            "nessie",
            &["credentials"],
            None,
            Some(Some("vended-credentials")),
            false,
            true,
        ),
        (
            "nessie",
            &["sign"],
            None,
            Some(Some("remote-signing")),
            true,
            false,
        ),
        (
            "nessie",
            &[],
            None,
            Some(Some("client-managed")),
            true,
            true,
        ),
        (
            "nessie",
            &[],
            Some(BOTH),
            Some(Some("client-managed")),
            true,
            true,
        ),
        ("nessie", &[], Some("client-managed"), None, true, true),
        (
            "keeper",
            &[],
            None,
            Some(Some("client-managed")),
            true,
            true,
        ),
        (
            "keeper",
            &["credentials"],
            None,
            Some(Some("vended-credentials")),
            false,
            true,
        ),
    ];
    for (catalog, may, asks, header, credentials, signing) in table {
        let mut granted = vec!["read"];
        granted.extend(*may);
        let desk = desk(json!(granted), &[]);
        let expected = Handed {
            header: *header,
            withhold_credentials: *credentials,
            withhold_signing: *signing,
        };
        assert_eq!(
            handed(&desk, catalog, *asks),
            expected,
            "{catalog} {may:?} {asks:?}"
        );
    }
}

#[test]
fn or_the_request_is_refused() {
    let refuse = [("/delegation", json!("refuse"))];
    let refused = |catalog: &str| {
        format!(
            "delegation_refused: alice (tenant acme) may not read {catalog}.db.t: no grant for the storage credentials or \
             signatures that the client asks for (X-Iceberg-Access-Delegation)"
        )
    };
    let said = |may: Value, catalog: &str, header: Option<&str>| {
        let desk = desk(may, &refuse);
        match desk.ask(&desk.alice(&[]), &load(path(catalog), header)) {
            Ok(_) => "yes".to_owned(),
            Err(denial) => format!(
                "{}: {}",
                denial.refusal.reason.name(),
                denial.refusal.sentence
            ),
        }
    };
    let polaris = refused("polaris/acme_raw");
    assert_eq!(said(json!(["read"]), "polaris", Some(BOTH)), polaris);
    assert_eq!(
        said(json!(["read", "sign"]), "polaris", Some(BOTH)),
        polaris
    );
    assert_eq!(
        said(
            json!(["read", "sign", "credentials"]),
            "polaris",
            Some(BOTH)
        ),
        "yes"
    );
    assert_eq!(
        said(json!(["read"]), "polaris", Some("client-managed")),
        "yes"
    );
    assert_eq!(
        said(json!(["read"]), "nessie", Some("remote-signing")),
        refused("nessie/main|acme")
    );
    // Who says nothing asks for nothing, whatever the catalog makes of it.
    assert_eq!(said(json!(["read"]), "nessie", None), "yes");
    let desk = desk(json!(["read"]), &refuse);
    let withheld = Handed {
        header: Some(Some("client-managed")),
        withhold_credentials: true,
        withhold_signing: true,
    };
    assert_eq!(handed(&desk, "nessie", None), withheld);
}

#[test]
fn by_the_place_of_the_table() {
    let grants = |deny: Value| {
        json!([
            {"tenant": "acme", "who": "all", "may": ["read", "credentials", "sign"]},
            {"tenant": "acme", "who": "all", "deny": deny, "at": {"polaris": {"acme_raw": [["pii"]]}, "nessie": {"main|acme": [["pii"]]}}},
        ])
    };
    let handed_at = |desk: &Desk, path: &str| {
        desk.permit(&desk.alice(&[]), &load(path, Some(BOTH)))
            .delegation()
    };
    let desk = Desk::granting(grants(json!(["credentials", "sign"])));
    let raw = "/api/catalog/v1/acme_raw/namespaces";
    assert_eq!(
        handed_at(&desk, &format!("{raw}/db/tables/t")),
        Handed::default()
    );
    let nothing = Handed {
        header: Some(None),
        withhold_credentials: true,
        withhold_signing: true,
    };
    assert_eq!(handed_at(&desk, &format!("{raw}/pii/tables/t")), nothing);
    // Nessie's signing path says no table: nothing may be signed where something may not.
    let credentials = Handed {
        header: Some(Some("vended-credentials")),
        withhold_credentials: false,
        withhold_signing: true,
    };
    assert_eq!(
        handed_at(&desk, "/iceberg/v1/main/namespaces/db/tables/t"),
        credentials
    );
    assert_eq!(
        handed_at(&desk, "/iceberg/v1/dev/namespaces/db/tables/t"),
        Handed::default()
    );
}

#[test]
fn what_is_made_is_handed_out_for_as_well() {
    let desk = desk(json!(["write", "credentials"]), &[]);
    let create = Request {
        method: "POST",
        path: "/api/catalog/v1/acme_raw/namespaces/db/tables",
        body: Some(json!({"name": "t", "stage-create": true})),
        delegation: Some(BOTH),
    };
    let expected = Handed {
        header: Some(Some("vended-credentials")),
        withhold_credentials: false,
        withhold_signing: true,
    };
    assert_eq!(
        desk.permit(&desk.alice(&[]), &create).delegation(),
        expected
    );
    // Where nothing of the kind comes back, nothing is taken off.
    let list = load(
        "/api/catalog/v1/acme_raw/namespaces/db/tables/t/plan/p",
        Some(BOTH),
    );
    let read = self::desk(json!(["read"]), &[]);
    assert_eq!(
        read.permit(&read.alice(&[]), &list).delegation().header,
        Some(None)
    );
    let drop = Request {
        method: "DELETE",
        ..load(path("polaris"), Some(BOTH))
    };
    assert_eq!(
        desk.permit(&desk.alice(&[]), &drop).delegation(),
        Handed::default()
    );
}

#[test]
fn where_the_catalog_decides_nothing_is_touched() {
    let desk = Desk::with(&[
        ("/access", json!("catalog_decides")),
        ("/grants", Value::Null),
    ]);
    assert_eq!(handed(&desk, "polaris", Some(BOTH)), Handed::default());
    assert_eq!(handed(&desk, "nessie", None), Handed::default());
}

#[test]
fn what_the_grants_refuse_is_only_reported() {
    let report = [("/report_only", json!({"grants": true}))];
    let reported = |may: Value, more: &[(&str, Value)], request: &Request<'_>| {
        let desk = desk(may, &[&report, more].concat());
        let permit = desk.permit(&desk.alice(&[]), request);
        assert_eq!(permit.delegation(), Handed::default());
        let reported = permit.findings().reported.clone();
        reported.map(|refusal| format!("{}: {}", refusal.reason.name(), refusal.sentence))
    };
    let table = load(path("polaris"), Some(BOTH));
    assert_eq!(
        reported(json!(["write"]), &[], &table).as_deref(),
        Some("grant_missing: alice (tenant acme) may not read polaris/acme_raw.db.t: no grant")
    );
    // What would be taken off stays; only what would be refused is told.
    assert_eq!(reported(json!(["read"]), &[], &table), None);
    let refuse = [("/delegation", json!("refuse"))];
    let told = reported(json!(["read"]), &refuse, &table).unwrap_or_default();
    assert!(told.starts_with("delegation_refused: "), "{told}");
    let view = load("/api/catalog/v1/acme_raw/namespaces/db/views/v", None);
    let told = reported(json!(["loadTable"]), &[], &view).unwrap_or_default();
    assert!(told.starts_with("view_hidden: "), "{told}");
    let rename = Request {
        method: "POST",
        path: "/api/catalog/v1/acme_raw/tables/rename",
        body: Some(
            json!({"source": {"namespace": ["a"], "name": "t"}, "destination": {"namespace": ["b"], "name": "t"}}),
        ),
        delegation: None,
    };
    let wider = [(
        "/grants/1",
        json!({"tenant": "acme", "who": "all", "may": ["commit"], "at": {"polaris": {"acme_raw": [["b"]]}}}),
    )];
    let told = reported(json!(["write"]), &wider, &rename).unwrap_or_default();
    assert!(told.starts_with("grant_widened: "), "{told}");
}

#[test]
fn what_is_held_all_the_same() {
    let nothing = json!([{"tenant": "globex", "who": "all", "may": ["read"]}]);
    let desk = Desk::with(&[
        ("/report_only", json!({"grants": true})),
        ("/grants", nothing),
        ("/denied", json!([{"issuer": "corp", "sub": "bob"}])),
    ]);
    let alice = desk.alice(&[]);
    let bob = crate::desk::person(&desk.config, "bob", &["/t/acme"]);
    for (caller, method, path, expected) in [
        (
            &alice,
            "GET",
            "/api/catalog/v1/globex_raw/namespaces",
            "outside_border",
        ),
        (
            &alice,
            "GET",
            "/iceberg/v1/main/namespaces/db/tables/t@globex",
            "name_expression",
        ),
        (
            &alice,
            "POST",
            "/catalog/v1/aws/s3/sign",
            "sign_without_prefix",
        ),
        (&alice, "GET", "/api/catalog/v1/config", "warehouse_missing"),
        (
            &bob,
            "GET",
            "/api/catalog/v1/acme_raw/namespaces",
            "caller_denied",
        ),
        // The body is read all the same: locations stand in it.
        (
            &alice,
            "POST",
            "/api/catalog/v1/acme_raw/namespaces/db/tables",
            "the body first",
        ),
        (&alice, "GET", "/api/catalog/v1/acme_raw/namespaces", "yes"),
    ] {
        let said = desk.says(caller, method, path);
        assert_eq!(said.split(':').next(), Some(expected), "{path}");
    }
}
