//! The border: which warehouse a request names, and whose it is.

use icegate::config::{Config, WarehouseId};
use icegate::policy::{Decision, Told, holds_prefix};
use serde_json::json;

use crate::desk::{Desk, get, person, robot};

/// Which of the two tenants' people may list the namespaces there.
fn open_to(desk: &Desk, path: &str) -> String {
    let mut open = String::new();
    for (caller, name) in [(desk.alice(&[]), "acme"), (desk.gwen(), "globex")] {
        let said = desk.says(&caller, "GET", path);
        match said.as_str() {
            "yes" => open.push_str(name),
            no => assert!(no.starts_with("outside_border: "), "{path}: {no}"),
        }
    }
    open
}

#[test]
fn prefixes_of_polaris() {
    let desk = Desk::with(&[(
        "/tenants/acme/reach/polaris/1",
        json!({"warehouse": "acme_mart", "prefix": "m art"}),
    )]);
    for (prefix, tenant) in [
        ("acme_raw", "acme"),
        ("acme%5Fraw", "acme"),
        ("m%20art", "acme"),
        ("globex_raw", "globex"),
        ("acme_mart", ""),
        ("m+art", ""),
        ("ACME_RAW", ""),
        ("acme_raw%20", ""),
        ("acme_ra", ""),
        ("umbrella", ""),
    ] {
        assert_eq!(
            open_to(&desk, &format!("/api/catalog/v1/{prefix}/namespaces")),
            tenant,
            "{prefix}"
        );
        // Polaris' own API has the same prefixes.
        let policies = format!("/api/catalog/polaris/v1/{prefix}/applicable-policies");
        assert_eq!(open_to(&desk, &policies), tenant, "{prefix}");
    }
}

#[test]
fn prefixes_of_nessie() {
    let desk = Desk::with(&[("/tenants/acme/reach/nessie/2", json!("feature/x|acme"))]);
    for (prefix, tenant) in [
        ("main%7Cacme", "acme"),
        ("main%7cacme", "acme"),
        ("m%61in%7Cacme", "acme"),
        ("main", "acme"),
        ("%7Cacme", "acme"),
        ("dev%7Cacme", "acme"),
        ("dev", "acme"),
        ("feature%1Fx%7Cacme", "acme"),
        ("feature%1Fx", "acme"),
        ("globex%7Cglobex", "globex"),
        // The default warehouse is acme's.
        ("globex", ""),
        ("%7Cglobex", ""),
        ("main%7Cglobex", ""),
        ("globex%7Cacme", ""),
        ("acme", ""),
        ("acme%7Cacme", ""),
        ("-", ""),
        ("-%7Cacme", ""),
        ("main%7C", ""),
        ("main@0011%7Cacme", ""),
        ("@0011%7Cacme", ""),
        ("main%40%7Cacme", ""),
        ("Main%7Cacme", ""),
        ("main%7CAcme", ""),
        ("main%7Cacme%7C", ""),
        ("dev%7Cs3%3A%2F%2Facme%2F", ""),
    ] {
        // Nessie's warehouse by its location has slashes, which no prefix can have.
        if prefix.contains("%2F") {
            continue;
        }
        assert_eq!(
            open_to(&desk, &format!("/iceberg/v1/{prefix}/namespaces")),
            tenant,
            "{prefix}"
        );
    }
}

#[test]
fn paths_without_a_prefix() {
    let desk = Desk::with(&[(
        "/tenants/acme/reach/rest/1",
        json!({"warehouse": "big", "prefix": ""}),
    )]);
    let (bot, other) = (
        robot(&desk.config, "acme-bot"),
        robot(&desk.config, "globex-bot"),
    );
    assert_eq!(desk.says(&bot, "GET", "/rest/v1/namespaces"), "yes");
    // A prefix that nobody knows is asked for.
    assert_eq!(
        desk.says(&bot, "GET", "/rest/v1/x/namespaces"),
        "ask for acme"
    );
    assert_eq!(
        desk.says(&other, "GET", "/rest/v1/namespaces"),
        "outside_border: globex-bot (tenant globex) may not use rest/: it is not within the tenant's border"
    );
}

#[test]
fn warehouses_of_the_configuration() {
    let desk = Desk::with(&[]);
    let table = [
        ("/api/catalog", "acme_raw", "acme"),
        ("/api/catalog", "acme%5fmart", "acme"),
        ("/api/catalog", "globex_raw", "globex"),
        ("/api/catalog", "Acme_raw", ""),
        ("/api/catalog", "umbrella", ""),
        ("/iceberg", "acme", "acme"),
        ("/iceberg", "globex", "globex"),
        ("/iceberg", "main%7Cacme", ""),
        ("/iceberg", "ACME", ""),
        ("/iceberg", "s3%3A%2F%2Facme%2F", ""),
        // Lakekeeper finds warehouses without regard to case.
        ("/catalog", "acme", "acme"),
        ("/catalog", "aCMe", "acme"),
        ("/catalog", "globex", "globex"),
        ("/catalog", "GLOBEX", "globex"),
        ("/catalog", "globex%20", ""),
    ];
    for (base, warehouse, tenant) in table {
        let path = format!("{base}/v1/config?warehouse={warehouse}");
        assert_eq!(open_to(&desk, &path), tenant, "{path}");
    }
}

#[test]
fn a_configuration_without_a_warehouse() {
    let desk = Desk::with(&[]);
    let (alice, gwen) = (desk.alice(&[]), desk.gwen());
    for path in [
        "/iceberg/v1/config",
        "/iceberg/v1/config?warehouse=",
        "/iceberg/v1/config?warehouse",
    ] {
        assert_eq!(desk.says(&alice, "GET", path), "yes");
        assert_eq!(
            desk.says(&gwen, "GET", path),
            "outside_border: gwen (tenant globex) may not use nessie/: it is not within the tenant's border"
        );
    }
    assert_eq!(
        desk.says(&alice, "GET", "/api/catalog/v1/config"),
        "warehouse_missing: alice names no warehouse of catalog 'polaris': set warehouse in the client (there are: \
         acme_raw, acme_mart)"
    );
    assert_eq!(
        desk.says(&gwen, "GET", "/catalog/v1/config?warehouse="),
        "warehouse_missing: gwen names no warehouse of catalog 'keeper': set warehouse in the client (there are: globex)"
    );
}

/// Somebody else's warehouse and none at all: the same words, the same reason.
#[test]
fn what_is_foreign_is_unknown() {
    let desk = Desk::with(&[]);
    let alice = desk.alice(&[]);
    let paths = |name: &str| {
        [
            format!("/api/catalog/v1/{name}/namespaces/sales/tables/t"),
            format!("/api/catalog/v1/config?warehouse={name}"),
            format!("/iceberg/v1/{name}%7C{name}/namespaces"),
            format!("/iceberg/v1/config?warehouse={name}"),
            format!("/catalog/v1/config?warehouse={name}"),
        ]
    };
    for (theirs, nobodys) in [("globex_raw", "umbrella_r"), ("globex", "umbrel")] {
        for (foreign, unknown) in paths(theirs).iter().zip(&paths(nobodys)) {
            let expected = desk.says(&alice, "GET", unknown).replace(nobodys, theirs);
            assert_eq!(desk.says(&alice, "GET", foreign), expected);
            assert!(
                expected.starts_with("outside_border: alice (tenant acme) may not use "),
                "{expected}"
            );
        }
    }
    assert_eq!(
        desk.says(&alice, "GET", "/api/catalog/v1/globex_raw/namespaces"),
        "outside_border: alice (tenant acme) may not use polaris/globex_raw: it is not within the tenant's border"
    );
    // What is shown of a name is safe to show.
    assert_eq!(
        desk.says(&alice, "GET", "/api/catalog/v1/%E2%80%AEx%27/namespaces"),
        "outside_border: alice (tenant acme) may not use polaris/_x_: it is not within the tenant's border"
    );
}

fn id_of(config: &Config, catalog: usize, warehouse: &str) -> WarehouseId {
    config.tenancy.as_ref().unwrap().borders[catalog].warehouses[warehouse]
}

#[test]
fn prefixes_that_a_catalog_tells() {
    let mut desk = Desk::with(&[]);
    let (alice, gwen) = (desk.alice(&[]), desk.gwen());
    let path = "/catalog/v1/8c1f/namespaces";
    assert_eq!(desk.says(&alice, "GET", path), "ask for acme");
    assert_eq!(desk.says(&gwen, "GET", path), "ask for Globex");
    let context = match desk.ask(&alice, &get(path)) {
        Ok(Decision::AskPrefix(_, context)) => desk.config.context(context).expect("a context"),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (context.catalog.0, context.tenant.map(|tenant| tenant.0)),
        (0, Some(0))
    );
    let (acme, globex) = (
        id_of(&desk.config, 0, "acme"),
        id_of(&desk.config, 0, "globex"),
    );
    desk.book
        .told
        .insert((0, "8c1f".to_owned()), Told::Is(acme));
    desk.book
        .told
        .insert((0, "99aa".to_owned()), Told::Is(globex));
    desk.book.silent = vec![acme, globex];
    let outside = |name: &str, tenant: &str, prefix: &str| {
        format!(
            "outside_border: {name} (tenant {tenant}) may not use keeper/{prefix}: it is not within the tenant's border"
        )
    };
    assert_eq!(desk.says(&alice, "GET", path), "yes");
    assert_eq!(
        desk.says(&alice, "GET", "/catalog/v1/8c1%66/namespaces"),
        "yes"
    );
    assert_eq!(
        desk.says(&gwen, "GET", path),
        outside("gwen", "globex", "8c1f")
    );
    assert_eq!(
        desk.says(&alice, "GET", "/catalog/v1/99aa/namespaces"),
        outside("alice", "acme", "99aa")
    );
    assert_eq!(
        desk.says(&alice, "GET", "/catalog/v1/8C1F/namespaces"),
        outside("alice", "acme", "8C1F")
    );
    // The name of a warehouse is not its prefix.
    assert_eq!(
        desk.says(&alice, "GET", "/catalog/v1/acme/namespaces"),
        outside("alice", "acme", "acme")
    );
    // What was told at one catalog says nothing about another.
    assert_eq!(
        desk.says(
            &robot(&desk.config, "acme-bot"),
            "GET",
            "/rest/v1/8c1f/namespaces"
        ),
        "ask for acme"
    );
}

#[test]
fn a_prefix_of_two_warehouses_is_nobody_s() {
    let mut desk = Desk::with(&[]);
    desk.book.told.insert((0, "8c1f".to_owned()), Told::Shared);
    for caller in [desk.alice(&[]), desk.gwen()] {
        assert_eq!(
            desk.says(&caller, "GET", "/catalog/v1/8c1f/namespaces"),
            "prefix_shared: catalog 'keeper' gives the prefix '8c1f' to two warehouses, so it is nobody's: its operator must \
             write the prefixes in reach"
        );
    }
    // Where it is written, nothing that is told counts.
    let big = Told::Is(id_of(&desk.config, 3, "globex"));
    desk.book.told.insert((3, "big".to_owned()), big);
    assert_eq!(
        desk.says(
            &robot(&desk.config, "acme-bot"),
            "GET",
            "/rest/v1/big/namespaces"
        ),
        "yes"
    );
}

#[test]
fn who_is_nobody_s_asks_no_catalog() {
    let desk = Desk::with(&[]);
    let mallory = person(&desk.config, "mallory", &["x"]);
    let said = desk.says(&mallory, "GET", "/catalog/v1/8c1f/namespaces");
    assert!(said.starts_with("tenant_none: "), "{said}");
}

#[test]
fn a_signature_without_a_prefix() {
    let desk = Desk::with(&[]);
    let (bot, alice) = (robot(&desk.config, "acme-bot"), desk.alice(&[]));
    let refused = |name: &str| {
        format!(
            "sign_without_prefix: {name} asks for a signature without naming a warehouse; with tenants the signing path must \
             have a prefix"
        )
    };
    assert_eq!(
        desk.says(&bot, "POST", "/rest/v1/aws/s3/sign"),
        refused("acme-bot")
    );
    assert_eq!(
        desk.says(&alice, "POST", "/catalog/v1/aws/s3/sign"),
        refused("alice")
    );
    // Even where paths without a prefix lead into a warehouse.
    let desk = Desk::with(&[(
        "/tenants/acme/reach/rest/1",
        json!({"warehouse": "big", "prefix": ""}),
    )]);
    assert_eq!(
        desk.says(&bot, "POST", "/rest/v1/aws/s3/sign"),
        refused("acme-bot")
    );
}

#[test]
fn prefixes_of_answers() {
    let desk = Desk::with(&[]);
    let holds = |catalog: usize, warehouse: &str, prefix: &str| {
        holds_prefix(
            &desk.config,
            id_of(&desk.config, catalog, warehouse),
            prefix,
        )
    };
    for (catalog, warehouse, prefix, expected) in [
        (2, "acme_raw", "acme_raw", true),
        (2, "acme_raw", "acme_mart", false),
        (2, "acme_raw", "globex_raw", false),
        (2, "acme_raw", "umbrella", false),
        (2, "acme_raw", "", false),
        (1, "acme", "main|acme", true),
        (1, "acme", "main", true),
        (1, "acme", "dev|acme", true),
        (1, "acme", "globex|globex", false),
        (1, "globex", "globex|globex", true),
        (1, "globex", "main|globex", false),
        // What is asked is whatever the catalog says.
        (0, "acme", "8c1f", true),
    ] {
        assert_eq!(
            holds(catalog, warehouse, prefix),
            expected,
            "{warehouse} {prefix}"
        );
    }
}
