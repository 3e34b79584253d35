//! Every message about how tokens for the people of one tenant are got.

use serde_json::{Value, json};

use crate::config_tenants::{each_shows, shown};

const TOKEN: &str = "/tenants/acme/token";

/// What loading shows with these overrides of acme's at one catalog.
fn at(catalog: &str, token: Value) -> String {
    shown(&[(TOKEN, json!({catalog: token}))]).join("\n")
}

fn at_polaris(message: &str) -> String {
    format!("tenants.acme.token.polaris.{message}")
}

#[test]
fn what_may_be_other_than_the_catalog_has_it() {
    assert_eq!(
        at(
            "polaris",
            json!({
                "from": "ci", "audience": ["polaris", "polaris-acme"], "expect_audience": "polaris-acme",
                "resource": "urn:acme", "scope": "acme", "parameters": {"tenant": "acme"}, "life": "60s",
                "client": {"id": "acme", "secret": {"env": "ICEGATE_SECRET"}, "cluster": "acme_idp"},
            })
        ),
        ""
    );
    each_shows(&[
        (
            TOKEN,
            json!({}),
            "tenants.acme.token: must hold at least one",
        ),
        (
            TOKEN,
            json!({"polarsi": {}}),
            "tenants.acme.token.polarsi: is no catalog within this tenant's reach",
        ),
        (
            TOKEN,
            json!({"polaris": {"requested_token_type": "none"}}),
            "tenants.acme.token.polaris.requested_token_type: is unknown; known here: from, audience, expect_audience, \
             resource, scope, parameters, life, client",
        ),
        (
            TOKEN,
            json!({"polaris": {"parameters": {"audience": "x"}}}),
            "tenants.acme.token.polaris.parameters.audience: is reserved: the gate sends it itself, or must not send it",
        ),
        (
            TOKEN,
            json!({"polaris": {"life": "2h"}}),
            "tenants.acme.token.polaris.life: must be between 1s and 1h",
        ),
    ]);
}

#[test]
fn another_issuer() {
    let table = [
        (
            json!({"from": "cop"}),
            "from: names no issuer of this configuration; did you mean corp?",
        ),
        (json!({"from": 1}), "from: must be text, not a number"),
    ];
    for (token, message) in table {
        assert_eq!(at("polaris", token), at_polaris(message));
    }
    let without_client = ("/issuers/ci/client", Value::Null);
    let from_ci = (TOKEN, json!({"polaris": {"from": "ci"}}));
    let rest = ("/catalogs/rest/token/from", json!("corp"));
    let bots = (
        "/tenants/globex/who/1",
        json!({"issuer": "corp", "sub": "globex-bot"}),
    );
    assert_eq!(
        shown(&[without_client.clone(), from_ci, rest.clone(), bots.clone()]),
        [at_polaris(
            "from: names an issuer without a client; the gate could not exchange there"
        )]
    );
    // A client of its own there will do.
    let client = json!({"polaris": {"from": "ci", "client": {"id": "acme", "secret": {"env": "ICEGATE_SECRET"}}}});
    assert_eq!(
        shown(&[without_client, (TOKEN, client), rest, bots]),
        [""; 0]
    );
}

#[test]
fn no_audience_is_the_gate_s_own() {
    let own = "is an audience of the gate itself; a token that was made for the catalog could be replayed at the gate";
    for (token, message) in [
        (json!({"audience": "icegate"}), format!("audience: {own}")),
        (json!({"expect_audience": "icegate"}), format!("expect_audience: {own}")),
        // ci's gate is another one, and with ci's tokens it is that one.
        (json!({"from": "ci", "audience": "icegate"}), String::new()),
        (json!({"from": "ci", "audience": "gate-of-ci"}), format!("audience: {own}")),
        (
            json!({"audience": ["polaris", "acme"]}),
            "expect_audience: must be set where audience names several; the minted token is checked for it".to_owned(),
        ),
    ] {
        let expected = match message.as_str() {
            "" => String::new(),
            message => at_polaris(message),
        };
        assert_eq!(at("polaris", token.clone()), expected, "{token}");
    }
    // What is harmless at the catalog's issuer need not be so at the tenant's.
    let gate_of_ci = ("/catalogs/polaris/token/audience", json!("gate-of-ci"));
    assert_eq!(shown(std::slice::from_ref(&gate_of_ci)), [""; 0]);
    assert_eq!(
        shown(&[
            gate_of_ci.clone(),
            (TOKEN, json!({"polaris": {"from": "ci"}}))
        ]),
        [at_polaris(
            "audience: must be set; what the catalog has here is an audience of the gate itself at this issuer, and a token \
             that was made for the catalog could be replayed at the gate"
        )]
    );
    assert_eq!(
        shown(&[
            gate_of_ci,
            (
                TOKEN,
                json!({"polaris": {"from": "ci", "audience": "polaris"}})
            )
        ]),
        [""; 0]
    );
}

fn injected(id: &str, cluster: Option<&str>) -> Value {
    match cluster {
        Some(cluster) => json!({"client": {"id": id, "secret": "injected", "cluster": cluster}}),
        None => json!({"client": {"id": id, "secret": "injected"}}),
    }
}

fn by_name(id: &str, cluster: &str) -> Value {
    json!({"client": {"id": id, "secret": {"env": "ICEGATE_SECRET"}, "cluster": cluster}})
}

#[test]
fn a_client_of_its_own() {
    for (client, message) in [
        (
            json!({}),
            "client.id: must be set; the identity provider must know who exchanges",
        ),
        (
            json!({"id": "acme", "secret": {"env": "NOT_THERE"}}),
            "client.secret: environment variable NOT_THERE is missing or empty; set it for Envoy and name it in \
             vm_config.environment_variables.host_env_keys",
        ),
        (
            json!({"id": "acme", "secret": "injected", "cluster": "x", "authentication": "client_secret_post"}),
            "client.authentication: must be left out with secret: injected; Envoy's credential injector sends the secret",
        ),
    ] {
        let lines = at("polaris", json!({"client": client}));
        let first = lines.lines().next();
        assert_eq!(first, Some(at_polaris(message).as_str()), "{client}");
    }
}

#[test]
fn what_carries_a_credential_carries_nothing_else() {
    let shared = |with: &str| {
        at_polaris(&format!(
            "client.cluster: is a cluster of {with} too; with secret: injected it must carry nothing but one client's \
             exchanges"
        ))
    };
    assert_eq!(
        at("polaris", injected("acme", None)),
        at_polaris(
            "client.cluster: must be set with secret: injected; a cluster of its own carries the gate's credential and \
             nothing else"
        )
    );
    assert_eq!(at("polaris", injected("acme", Some("acme_idp"))), "");
    assert_eq!(
        at("polaris", injected("acme", Some("idp"))),
        [shared("issuers.ci"), shared("issuers.corp")].join("\n")
    );
    // A secret by name may go where metadata comes from, but not where somebody else's is added.
    assert_eq!(at("polaris", by_name("acme", "idp")), "");
    let corp = (
        "/issuers/corp/client",
        json!({"id": "icegate", "secret": "injected", "cluster": "idp_exchange"}),
    );
    assert_eq!(
        shown(&[
            corp,
            (TOKEN, json!({"polaris": by_name("acme", "idp_exchange")}))
        ]),
        [shared("issuers.corp")]
    );
    let catalog = "is a cluster of catalogs.keeper too; the catalog must get no call and no credential that is meant for \
                   the identity provider";
    assert_eq!(
        at("polaris", by_name("acme", "keeper")),
        at_polaris(&format!("client.cluster: {catalog}"))
    );
    // One client at two catalogs is one client; two tenants' are two.
    let acme = injected("acme", Some("x"));
    let globex = "/tenants/globex/token";
    let both = (TOKEN, json!({"polaris": acme, "keeper": acme}));
    assert_eq!(shown(std::slice::from_ref(&both)), [""; 0]);
    for (other, lines) in [
        (injected("acme", Some("x")), vec![]),
        (
            injected("globex", Some("x")),
            vec![
                "tenants.acme.token.keeper.client.cluster: is a cluster of tenants.globex too; with secret: injected it \
                 must carry nothing but one client's exchanges",
            ],
        ),
        (
            by_name("acme", "x"),
            vec![
                "tenants.acme.token.keeper.client.cluster: is a cluster of tenants.globex too; with secret: injected it \
                 must carry nothing but one client's exchanges",
            ],
        ),
    ] {
        assert_eq!(
            shown(&[both.clone(), (globex, json!({"polaris": other}))]),
            lines,
            "{other}"
        );
    }
}
