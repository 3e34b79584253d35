//! Two engines at the lake: what the tests of programs begin with.

use icegate::config::Config;
use serde_json::{Value, json};

use crate::lake::{lake, with};
use crate::support::load_value;

/// The lake, and:
///
/// - corp gives gate tokens, and takes the gate's assertions;
/// - `trino` of corp may configure itself, and speaks for acme's people;
/// - `dbt` of ci works within acme's border, with an account of its own at corp.
pub(crate) fn engines() -> Value {
    with(
        lake(),
        &[
            (
                "/issuers/corp/gate_tokens",
                json!({
                    "client": {"id": "icegate-tokens", "secret": {"env": "ICEGATE_SECRET"}},
                    "assertion": {
                        "issuer": "https://gate.example.com", "keys": [{"id": "k1", "key": {"env": "ICEGATE_ASSERTION_KEY"}}],
                    },
                }),
            ),
            (
                "/services",
                json!({
                    "trino": {
                        "who": {"issuer": "corp", "sub": "trino-account", "azp": "trino"}, "may": ["config"],
                        "speaks_for": {"by": "assertion", "tenants": ["acme"]},
                    },
                    "dbt": {
                        "who": {"issuer": "ci", "sub": "dbt-job"}, "tenant": "acme", "may": ["read", "write"],
                        "token": {"client_credentials": {"from": "corp", "id": "dbt", "secret": {"env": "ICEGATE_SECRET"}}},
                    },
                }),
            ),
        ],
    )
}

/// The lake with both, and something else at some places.
pub(crate) fn engines_with(changes: &[(&str, Value)]) -> Config {
    load_value(&with(engines(), changes)).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Every field that is about programs and gate tokens, at a value that is not its default.
pub(crate) fn every_program() -> Value {
    with(
        engines(),
        &[
            (
                "/issuers/ci/programs",
                json!([{"claim": "kind", "has": "robot"}, {"claim": ["a.b"], "has": ["c", "d"]}]),
            ),
            (
                "/issuers/corp/gate_tokens",
                json!({
                    "client": {
                        "id": "icegate-tokens", "secret": {"env": "ICEGATE_SECRET"}, "authentication": "client_secret_post",
                        "cluster": "idp_tokens",
                    },
                    "audience": "icegate",
                    "resource": ["https://gate.example.com/", "urn:gate"],
                    "scopes": {"catalog": "", "lake:read": "to-icegate profile"},
                    "cluster": "idp_logins",
                    "remember": "0s",
                    "life": "10m",
                    "session": "8h",
                    "assertion": {
                        "issuer": "https://gate.example.com",
                        "audience": "https://idp.example.com/token",
                        "keys": [
                            {"id": "k1", "key": {"env": "ICEGATE_ASSERTION_KEY"}},
                            {"id": "k2", "key": {"env": "ICEGATE_NEXT_KEY"}},
                        ],
                        "life": "30s",
                        "jwks_path": "/icegate/jwks.json",
                    },
                }),
            ),
            (
                "/services/trino",
                json!({
                    "who": {
                        "issuer": "corp", "sub": ["trino-account", "trino-blue"], "azp": "trino",
                        "peer": "spiffe://lake.example.com/trino",
                    },
                    "tenant": ["globex", "acme"],
                    "may": ["config", "read"],
                    "token": "exchange",
                    "speaks_for": {
                        "by": "impersonation",
                        "tenants": ["globex", "acme"],
                        "who": [{"claim": "groups", "has": ["/bi", "/dev"]}, {"issuer": "corp", "sub": "x"}],
                        "names": ["alice", "Bob"],
                        "never": ["root", "Admin"],
                        "subject": "lake-{user}@gate",
                        "signed_by": "ci",
                    },
                }),
            ),
            (
                "/services/dbt",
                json!({
                    "who": {"issuer": "ci", "claim": "project", "has": "data/dbt"},
                    "tenant": "acme",
                    "may": ["all"],
                    "token": {"client_credentials": {
                        "from": "corp", "id": "dbt", "secret": "injected", "cluster": "idp_dbt", "audience": ["dbt", "lake"],
                        "scope": "read write", "for": ["read", "createTable"],
                    }},
                }),
            ),
            (
                "/services/robot",
                json!({
                    "who": {"issuer": "ci", "sub": "robot"}, "may": ["read"],
                    "token": {"client_credentials": {
                        "from": "ci", "id": "robot", "secret": {"env": "ICEGATE_SECRET"},
                        "authentication": "client_secret_basic",
                    }},
                    "tenant": ["globex"],
                }),
            ),
        ],
    )
}
