//! What a configuration of tenants becomes: the spellings of warehouses, and the switches.

use std::collections::BTreeMap;
use std::rc::Rc;

use icegate::config::{
    Access, Border, CatalogId, Config, Delegation, Lines, Prefix, Tenancy, TenantId, WarehouseId,
};
use serde_json::{Value, json};

use crate::lake::{lake, lake_with};
use crate::support::load_value;

const KEEPER: usize = 0;
const NESSIE: usize = 1;
pub(crate) const POLARIS: usize = 2;
const REST: usize = 3;

pub(crate) fn tenancy(config: &Config) -> &Tenancy {
    config.tenancy.as_ref().expect("tenants")
}

/// The spellings of a border, each with the warehouse's name in the file.
fn spellings(
    config: &Config,
    of: impl Fn(&Border) -> &BTreeMap<Rc<str>, WarehouseId>,
    catalog: usize,
) -> Vec<(String, String)> {
    of(&tenancy(config).borders[catalog])
        .iter()
        .map(|(spelling, id)| {
            (
                spelling.to_string(),
                config.warehouse(*id).unwrap().name.to_string(),
            )
        })
        .collect()
}

fn warehouses(config: &Config, catalog: usize) -> Vec<(String, String)> {
    spellings(config, |border| &border.warehouses, catalog)
}

fn prefixes(config: &Config, catalog: usize) -> Vec<(String, String)> {
    spellings(config, |border| &border.prefixes, catalog)
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[test]
fn spellings_of_each_kind() {
    let config = lake_with(&[]);
    let polaris = [
        ("acme_mart", "acme_mart"),
        ("acme_raw", "acme_raw"),
        ("globex_raw", "globex_raw"),
    ];
    assert_eq!(warehouses(&config, POLARIS), pairs(&polaris));
    assert_eq!(prefixes(&config, POLARIS), pairs(&polaris));
    // Where a client names the warehouse alone, the first written branch is meant.
    assert_eq!(
        warehouses(&config, NESSIE),
        pairs(&[("acme", "main|acme"), ("globex", "globex|globex")])
    );
    assert_eq!(
        prefixes(&config, NESSIE),
        pairs(&[
            ("dev", "dev|acme"),
            ("dev|acme", "dev|acme"),
            ("globex|globex", "globex|globex"),
            ("main", "main|acme"),
            ("main|acme", "main|acme"),
            ("|acme", "main|acme"),
        ])
    );
    assert_eq!(
        warehouses(&config, KEEPER),
        pairs(&[("acme", "acme"), ("globex", "Globex")])
    );
    assert_eq!(prefixes(&config, KEEPER), []);
    assert_eq!(
        warehouses(&config, REST),
        pairs(&[("acme", "acme"), ("big", "big"), ("globex", "globex")])
    );
    assert_eq!(prefixes(&config, REST), pairs(&[("big", "big")]));
    let asks: Vec<bool> = tenancy(&config)
        .borders
        .iter()
        .map(|border| border.asks)
        .collect();
    assert_eq!(asks, [true, false, false, true]);
}

#[test]
fn defaults_of_nessie() {
    let prefixes_with = |changes: &[(&str, Value)]| -> Vec<String> {
        let config = lake_with(changes);
        prefixes(&config, NESSIE)
            .into_iter()
            .map(|(spelling, _)| spelling)
            .collect()
    };
    // No default warehouse: no short form without one.
    assert_eq!(
        prefixes_with(&[("/catalogs/nessie/default_warehouse", Value::Null)]),
        ["dev|acme", "globex|globex", "main|acme", "|acme"]
    );
    assert_eq!(
        prefixes_with(&[("/catalogs/nessie/default_branch", json!("dev"))]),
        [
            "dev",
            "dev|acme",
            "globex|globex",
            "main",
            "main|acme",
            "|acme"
        ]
    );
    assert_eq!(
        prefixes_with(&[("/catalogs/nessie/default_warehouse", json!("globex"))]),
        ["dev|acme", "globex", "globex|globex", "main|acme", "|acme"]
    );
}

#[test]
fn the_default_warehouse_is_somebody_s_or_nobody_s() {
    let default = |catalog: usize, changes: &[(&str, Value)]| {
        let config = lake_with(changes);
        let default = tenancy(&config).borders[catalog].default;
        default.map(|id| config.warehouse(id).unwrap().name.to_string())
    };
    assert_eq!(default(NESSIE, &[]).as_deref(), Some("main|acme"));
    assert_eq!(default(POLARIS, &[]), None);
    let set = |catalog: &str, name: &str| {
        [(
            format!("/catalogs/{catalog}/default_warehouse"),
            json!(name),
        )]
    };
    for (catalog, number, name, expected) in [
        ("polaris", POLARIS, "globex_raw", Some("globex_raw")),
        ("polaris", POLARIS, "GLOBEX_RAW", None),
        ("polaris", POLARIS, "umbrella", None),
        ("keeper", KEEPER, "gLOBEX", Some("Globex")),
    ] {
        let changes = set(catalog, name);
        let [(pointer, value)] = &changes;
        assert_eq!(
            default(number, &[(pointer, value.clone())]).as_deref(),
            expected,
            "{catalog} {name}"
        );
    }
}

#[test]
fn warehouses_and_what_is_asked() {
    let config = lake_with(&[]);
    let tenancy = tenancy(&config);
    let names: Vec<&str> = tenancy.tenants.iter().map(|tenant| &*tenant.name).collect();
    assert_eq!(names, ["acme", "globex"]);
    let asked: Vec<(CatalogId, TenantId, Vec<&str>)> = tenancy
        .asked
        .iter()
        .map(|((catalog, tenant), ids)| {
            let names = ids
                .iter()
                .map(|id| &*config.warehouse(*id).unwrap().asked_as);
            (*catalog, *tenant, names.collect())
        })
        .collect();
    assert_eq!(
        asked,
        [
            (CatalogId(0), TenantId(0), vec!["acme"]),
            // As Lakekeeper is asked for it.
            (CatalogId(0), TenantId(1), vec!["globex"]),
            (CatalogId(3), TenantId(0), vec!["acme"]),
            (CatalogId(3), TenantId(1), vec!["globex"]),
        ]
    );
    let big = tenancy.borders[REST].prefixes["big"];
    let big = config.warehouse(big).unwrap();
    assert_eq!((big.tenant, big.catalog), (TenantId(0), CatalogId(3)));
    assert_eq!((&*big.name, &*big.asked_as), ("big", "big"));
    assert_eq!(big.prefix, Prefix::Known("big".into()));
}

#[test]
fn the_switches() {
    let config = lake_with(&[]);
    assert_eq!(config.access, Access::Grants);
    assert!(config.holds_bodies && !config.grants_only_reported && config.denied.is_empty());
    assert_eq!(config.delegation, Delegation::Remove);
    assert_eq!(
        (
            config.audit.lines,
            config.audit.filter_state,
            config.audit.is_on()
        ),
        (Lines::None, false, false)
    );
    assert_eq!(
        (config.limits.request_body, config.limits.guarded_answer),
        (4_194_304, 4_194_304)
    );
    let ignores: Vec<bool> = config
        .catalogs
        .iter()
        .map(|catalog| catalog.names_ignore_case)
        .collect();
    assert_eq!(ignores, [true, false, false, false]);
    assert_eq!(&*config.catalogs[NESSIE].default_branch, "main");
    assert_eq!(
        config.catalogs[KEEPER]
            .endpoint
            .as_ref()
            .unwrap()
            .authority
            .as_ref(),
        "keeper"
    );
    assert!(config.catalogs[POLARIS].endpoint.is_none());

    let config = lake_with(&[
        ("/delegation", json!("refuse")),
        ("/report_only", json!({"grants": true})),
        ("/audit", json!({"lines": "commits", "filter_state": true})),
        (
            "/limits",
            json!({"request_body": 2048, "guarded_answer": 4096}),
        ),
        (
            "/tenants/acme/limits",
            json!({"cached_callers": 5, "exchanges_per_second": 6}),
        ),
        ("/catalogs/keeper/names_ignore_case", json!(false)),
        (
            "/catalogs/keeper/authority",
            json!("keeper.example.com:8181"),
        ),
        ("/catalogs/nessie/table_references", json!(true)),
        (
            "/catalogs/nessie/public_url",
            json!("https://gate.example.com/iceberg"),
        ),
    ]);
    assert!(config.grants_only_reported);
    assert_eq!(config.delegation, Delegation::Refuse);
    assert_eq!(
        (
            config.audit.lines,
            config.audit.filter_state,
            config.audit.is_on()
        ),
        (Lines::Commits, true, true)
    );
    assert_eq!(
        (config.limits.request_body, config.limits.guarded_answer),
        (2048, 4096)
    );
    let [acme, globex] = &tenancy(&config).tenants[..] else {
        panic!("two tenants")
    };
    assert_eq!(
        (acme.cached_callers, acme.exchanges_per_second),
        (Some(5), Some(6))
    );
    assert_eq!(
        (globex.cached_callers, globex.exchanges_per_second),
        (None, None)
    );
    let locations: Vec<String> = acme
        .locations
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    assert_eq!(locations, ["s3://acme/"]);
    assert!(!config.catalogs[KEEPER].names_ignore_case && config.catalogs[NESSIE].table_references);
    assert_eq!(
        config.catalogs[KEEPER]
            .endpoint
            .as_ref()
            .unwrap()
            .authority
            .as_ref(),
        "keeper.example.com:8181"
    );
    assert_eq!(
        config.catalogs[NESSIE].public_url.as_deref(),
        Some("https://gate.example.com/iceberg")
    );
}

/// The larger sketch of the design. Otherwise here: a cluster and a client stand at the issuer, as everywhere, and what
/// gives gate tokens there; with grants the host's switch must be declared.
#[test]
fn the_larger_sketch_loads() {
    let sketch = json!({
        "issuers": {
            "corp": {
                "profile": "keycloak", "issuer": "https://idp.example.com/realms/lake", "cluster": "idp",
                "audiences": ["icegate"], "client": {"id": "icegate", "secret": {"env": "ICEGATE_SECRET"}},
                "gate_tokens": {
                    "client": {"id": "icegate-tokens", "secret": {"env": "ICEGATE_SECRET"}},
                    "assertion": {
                        "issuer": "https://gate.example.com",
                        "keys": [{"id": "k1", "key": {"env": "ICEGATE_ASSERTION_KEY"}}],
                    },
                },
            },
            "ci": {"profile": "rfc8693", "issuer": "https://git.example.com", "cluster": "git", "audiences": ["icegate"]},
        },
        "catalogs": {
            "polaris": {
                "kind": "polaris", "base_path": "/api/catalog", "token": {"from": "corp", "audience": "polaris"},
                "never_as": {"claim": "preferred_username", "in": ["root"]},
            },
            "nessie": {"kind": "nessie", "base_path": "/iceberg", "token": {"from": "corp", "audience": "nessie"}},
        },
        "access": "grants",
        "tenants": {
            "acme": {
                "who": {"issuer": "corp", "claim": "groups", "has": "/t/acme"},
                "reach": {"polaris": ["acme_raw", "acme_mart"], "nessie": ["main|acme"]}, "locations": ["s3://acme/"],
            },
        },
        "grants": [
            {"tenant": "acme", "who": {"claim": "groups", "has": "/lake/analyst"}, "may": ["read"],
             "at": {"polaris": ["acme_mart"]}},
            {"tenant": "acme", "who": {"claim": "groups", "has": "/lake/engineer"},
             "may": ["read", "write", "commit", "credentials"]},
            {"tenant": "acme", "who": "all", "deny": ["credentials"], "at": {"polaris": {"acme_raw": [["pii", "**"]]}}},
        ],
        "denied": [{"issuer": "corp", "sub": "8e1d..."}],
        "report_only": {"grants": true},
        "services": {
            "trino": {
                "who": {"issuer": "corp", "sub": "91aa...", "azp": "trino"}, "may": ["config"],
                "speaks_for": {"by": "assertion", "tenants": ["acme"], "never": ["root"]},
            },
            "dbt": {
                "who": {"issuer": "ci", "sub": "project_path:data/dbt:ref:main"}, "tenant": "acme",
                "may": ["read", "write", "commit"],
                "token": {"client_credentials": {"from": "corp", "id": "dbt", "secret": {"env": "ICEGATE_SECRET"}}},
            },
        },
        "allow_on_headers_stop_iteration": true,
    });
    let config = load_value(&sketch).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(tenancy(&config).rules.len(), 3);
    assert_eq!(config.denied.len(), 1);
    let [dbt, trino] = config.services.as_slice() else {
        panic!("two services")
    };
    assert!(dbt.own_account.len() == 2 && trino.speaks_for.is_some());
    assert!(load_value(&lake()).is_ok());
}
