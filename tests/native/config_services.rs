//! What a configuration of programs and of the token endpoint becomes.

use serde_json::json;

use crate::support::changed;

#[test]
fn first() {
    let pem = "-----BEGIN PRIVATE KEY-----MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ==-----END PRIVATE KEY-----";
    let env = |name: &str| {
        Some(if name == "KEY" {
            pem.to_owned()
        } else {
            name.to_owned()
        })
    };
    let configuration = changed(&[
        ("/allow_on_headers_stop_iteration", json!(true)),
        (
            "/issuers/corp/gate_tokens",
            json!({
                "client": {"id": "icegate-tokens", "secret": {"env": "X"}},
                "assertion": {"issuer": "https://gate.example.com", "keys": [{"id": "k1", "key": {"env": "KEY"}}], "jwks_path": "/icegate/jwks.json"},
            }),
        ),
        (
            "/services",
            json!({
                "trino": {"who": {"issuer": "corp", "sub": "91aa", "azp": "trino", "peer": "spiffe://x"}, "may": ["config"],
                    "speaks_for": {"by": "assertion", "who": {"claim": "groups", "has": "a"}, "names": ["alice"], "never": ["Root"], "subject": "{user}@gate"}},
                "dbt": {"who": {"issuer": "corp", "sub": "dbt"}, "may": ["read", "write"],
                    "token": {"client_credentials": {"from": "corp", "id": "dbt", "secret": {"env": "DBT"}, "for": ["read"]}}},
            }),
        ),
    ]);
    let config = icegate::config::load(configuration.to_string().as_bytes(), &env)
        .unwrap_or_else(|f| panic!("{f}"));
    println!(
        "{:#?}\n{:#?}\n{:#?}",
        config.services, config.issuers[0].gate_tokens, config.contexts
    );
}
