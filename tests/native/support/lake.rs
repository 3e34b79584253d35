//! Two tenants at one catalog of each kind: what the tests of tenants begin with.

use icegate::config::Config;
use serde_json::{Value, json};

use crate::idp::{CI, CORP};
use crate::support::load_value;

/// Acme's people come from corp (`groups` has `/t/acme`) and from ci (its robot `acme-bot`), Globex' from corp.
///
/// | catalog | kind | acme | globex |
/// |---|---|---|---|
/// | polaris | polaris | `acme_raw`, `acme_mart` | `globex_raw` |
/// | nessie | nessie; `acme` is the default warehouse | `main\|acme`, `dev\|acme` | `globex\|globex` |
/// | keeper | lakekeeper, asked | `acme` | `Globex` |
/// | rest | iceberg, asked | `acme`, `big` with prefix `big` | `globex` |
pub(crate) fn lake() -> Value {
    let issuer = |profile: &str, issuer: &str, audience: &str| {
        json!({
            "profile": profile, "issuer": issuer, "cluster": "idp", "audiences": [audience],
            "client": {"id": "icegate", "secret": {"env": "ICEGATE_SECRET"}},
        })
    };
    json!({
        "issuers": {
            "ci": issuer("rfc8693", CI, "gate-of-ci"),
            "corp": issuer("keycloak", CORP, "icegate"),
        },
        "catalogs": {
            "keeper": {
                "kind": "lakekeeper", "base_path": "/catalog", "token": {"from": "corp", "audience": "keeper"},
                "cluster": "keeper",
            },
            "nessie": {
                "kind": "nessie", "base_path": "/iceberg", "token": {"from": "corp", "audience": "nessie"},
                "default_warehouse": "acme",
            },
            "polaris": {
                "kind": "polaris", "base_path": "/api/catalog", "token": {"from": "corp", "audience": "polaris"},
            },
            "rest": {
                "kind": "iceberg", "base_path": "/rest", "token": {"from": "ci", "audience": "rest"},
                "cluster": "rest",
            },
        },
        "access": "grants",
        "tenants": {
            "acme": {
                "who": [
                    {"issuer": "corp", "claim": "groups", "has": "/t/acme"},
                    {"issuer": "ci", "sub": "acme-bot"},
                ],
                "reach": {
                    "polaris": ["acme_raw", "acme_mart"],
                    "nessie": ["main|acme", "dev|acme"],
                    "keeper": ["acme"],
                    "rest": ["acme", {"warehouse": "big", "prefix": "big"}],
                },
                "locations": ["s3://acme/"],
            },
            "globex": {
                "who": [
                    {"issuer": "corp", "claim": "groups", "has": "/t/globex"},
                    {"issuer": "ci", "sub": "globex-bot"},
                ],
                "reach": {
                    "polaris": ["globex_raw"],
                    "nessie": ["globex|globex"],
                    "keeper": ["Globex"],
                    "rest": ["globex"],
                },
                "locations": ["s3://globex/"],
            },
        },
        "grants": [
            {"tenant": "acme", "who": "all", "may": ["all"]},
            {"tenant": "globex", "who": "all", "may": ["all"]},
        ],
        "allow_on_headers_stop_iteration": true,
    })
}

/// A configuration with something else at some places; `null` takes the member away. The parent must be there, and an
/// index may be one behind the end.
pub(crate) fn with(mut configuration: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        match configuration.pointer_mut(parent) {
            Some(Value::Object(members)) if value.is_null() => {
                members.remove(key).expect("the member exists");
            }
            Some(Value::Object(members)) => {
                members.insert(key.to_owned(), value.clone());
            }
            Some(Value::Array(elements)) => {
                let index: usize = key.parse().expect("an index");
                match elements.get_mut(index) {
                    Some(element) => *element = value.clone(),
                    None => elements.push(value.clone()),
                }
            }
            _ => panic!("{parent} is not there"),
        }
    }
    configuration
}

/// The lake with something else at some places.
pub(crate) fn lake_with(changes: &[(&str, Value)]) -> Config {
    load_value(&with(lake(), changes)).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The lake with every field that is about tenants.
pub(crate) fn every_rule() -> Value {
    let client = json!({"id": "acme", "secret": "injected", "cluster": "acme_idp"});
    with(
        lake(),
        &[
            ("/catalogs/keeper/authority", json!("keeper.example.com")),
            (
                "/catalogs/keeper/public_url",
                json!("https://gate.example.com/catalog"),
            ),
            ("/catalogs/nessie/default_branch", json!("main")),
            ("/catalogs/nessie/table_references", json!(true)),
            (
                "/catalogs/polaris/never_as",
                json!({"claim": "preferred_username", "in": ["root"]}),
            ),
            ("/catalogs/polaris/names_ignore_case", json!(true)),
            (
                "/tenants/acme/token",
                json!({"polaris": {
                    "from": "ci", "audience": ["a", "b"], "expect_audience": "b", "resource": "urn:x", "scope": "s",
                    "parameters": {"p": "1"}, "life": "30s", "client": client,
                }}),
            ),
            (
                "/tenants/acme/limits",
                json!({"cached_callers": 5, "exchanges_per_second": 6}),
            ),
            (
                "/grants/0",
                json!({
                    "tenant": "acme", "who": [{"issuer": "corp", "claim": ["groups"], "has": ["a", "b"]}, {"issuer": "ci", "sub": "x"}],
                    "may": ["read", "loadTable"], "deny": ["credentials"],
                    "at": {
                        "nessie": ["main|acme"],
                        "polaris": {"acme_raw": [["sales", "*", "**"], {"namespace": ["sales"], "table": "t"}, {"namespace": [], "view": "*"}]},
                    },
                }),
            ),
            (
                "/denied",
                json!([{"issuer": "corp", "sub": ["x", "y"]}, {"issuer": "ci", "claim": "a.b", "has": "c"}]),
            ),
            ("/report_only", json!({"grants": true})),
            ("/delegation", json!("refuse")),
            ("/audit", json!({"lines": "all", "filter_state": true})),
            (
                "/limits",
                json!({"request_body": 2048, "guarded_answer": 4096}),
            ),
        ],
    )
}
