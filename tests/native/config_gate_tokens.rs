//! Every message about gate tokens, the gate's own keys, and marks of programs.

use icegate::config::load;
use serde_json::{Value, json};

use crate::lake::with;
use crate::programs::engines;
use crate::support::{changed, environment, load_value};

const TOKENS: &str = "/issuers/corp/gate_tokens";
const TAKE_AWAY: Value = Value::Null;

/// What loading both engines with these changes shows, line by line.
pub(crate) fn shown(changes: &[(&str, Value)]) -> Vec<String> {
    match load_value(&with(engines(), changes)) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.to_string().lines().map(str::to_owned).collect(),
    }
}

/// Each change below `base`, and the one line that it causes, after its own path or after the one that is told.
pub(crate) fn each_causes(base: &str, table: &[(&str, Value, &str, &str)]) {
    for (pointer, value, place, message) in table {
        let pointer = format!("{base}{pointer}");
        let path = match *place {
            "" => pointer.as_str(),
            place => place,
        };
        let path = path.trim_start_matches('/').replace('/', ".");
        let lines = shown(&[(&pointer, value.clone())]);
        assert_eq!(lines, [format!("{path}: {message}")], "{pointer} {value}");
    }
}

#[test]
fn the_engines_load() {
    assert_eq!(shown(&[]), [""; 0]);
}

#[test]
fn what_must_be_there_and_in_which_form() {
    let scope = "must be scopes with one space between them (RFC 6749 section 3.3)";
    let path = "must be a path as in \"/icegate/jwks.json\": its segments have only letters, digits, '-', '.', '_' and '~'";
    let id = "must be a key's id: 1 to 128 visible ASCII characters";
    each_causes(
        TOKENS,
        &[
            (
                "/clients",
                json!({}),
                "",
                "is unknown; did you mean client?",
            ),
            (
                "/audience",
                json!(""),
                "",
                "must be an audience: not empty, no space around it, no control character",
            ),
            (
                "/resource",
                json!("x"),
                "",
                "must be an absolute URI without fragment (RFC 8707 section 2)",
            ),
            (
                "/cluster",
                json!("a b"),
                "",
                "must be the name of an Envoy cluster: 1 to 255 visible ASCII characters",
            ),
            ("/remember", json!("61s"), "", "must be between 0s and 1m"),
            ("/life", json!("0s"), "", "must be between 1s and 24h"),
            ("/session", json!("169h"), "", "must be between 1s and 168h"),
            (
                "/session",
                json!("59m"),
                "",
                "must not be shorter than life; a session has at least one token",
            ),
            (
                "/life",
                json!("11h"),
                "/issuers/corp/gate_tokens/session",
                "must not be shorter than life; a session has at least one token",
            ),
            ("/scopes", json!({}), "", "must hold 1 to 64"),
            (
                "/scopes",
                json!(["catalog"]),
                "",
                "must be an object, not a list",
            ),
            (
                "/scopes",
                json!({"catalog": "a  b"}),
                "/issuers/corp/gate_tokens/scopes/catalog",
                scope,
            ),
            (
                "/scopes",
                json!({"catalog": 1}),
                "/issuers/corp/gate_tokens/scopes/catalog",
                "must be text, not a number",
            ),
            (
                "/scopes",
                json!({"a b": ""}),
                "issuers.corp.gate_tokens.scopes.\"a b\"",
                "is no scope (RFC 6749 section 3.3)",
            ),
            (
                "/client",
                json!({"secret": {"env": "ICEGATE_SECRET"}}),
                "/issuers/corp/gate_tokens/client/id",
                "must be set; the identity provider must know who exchanges",
            ),
            (
                "/assertion/issuer",
                TAKE_AWAY,
                "",
                "must be set; the identity provider knows the gate's keys by it",
            ),
            (
                "/assertion/issuer",
                json!("gate"),
                "",
                "must be an absolute URL that begins with https:// or http://",
            ),
            (
                "/assertion/keys",
                TAKE_AWAY,
                "",
                "must be set; an assertion is worth what its signature is worth",
            ),
            ("/assertion/keys", json!([]), "", "must hold 1 to 4"),
            (
                "/assertion/life",
                json!("61s"),
                "",
                "must be between 1s and 1m",
            ),
            (
                "/assertion/life",
                json!("0s"),
                "",
                "must be between 1s and 1m",
            ),
            ("/assertion/jwks_path", json!("jwks.json"), "", path),
            ("/assertion/jwks_path", json!("/"), "", path),
            ("/assertion/jwks_path", json!("//jwks.json"), "", path),
            ("/assertion/jwks_path", json!("/a/../jwks.json"), "", path),
            ("/assertion/jwks_path", json!("/jwks.json?x"), "", path),
            ("/assertion/jwks_path", json!("/jwks%2Ejson"), "", path),
            (
                "/assertion/keys/0/id",
                TAKE_AWAY,
                "issuers.corp.gate_tokens.assertion.keys[0].id",
                "must be set; the identity provider finds the key by it",
            ),
            (
                "/assertion/keys/0/id",
                json!(""),
                "issuers.corp.gate_tokens.assertion.keys[0].id",
                id,
            ),
            (
                "/assertion/keys/0/id",
                json!("a b"),
                "issuers.corp.gate_tokens.assertion.keys[0].id",
                id,
            ),
            (
                "/assertion/keys/0/key",
                TAKE_AWAY,
                "issuers.corp.gate_tokens.assertion.keys[0].key",
                "must be set; the gate signs with it; key: {env: NAME}",
            ),
            (
                "/assertion/keys/1",
                json!({"id": "k1", "key": {"env": "ICEGATE_NEXT_KEY"}}),
                "issuers.corp.gate_tokens.assertion.keys[1].id",
                "is also that of another key here; a key is found by it",
            ),
        ],
    );
    let five: Vec<Value> = (0..5)
        .map(|n| json!({"id": format!("k{n}"), "key": {"env": "ICEGATE_NEXT_KEY"}}))
        .collect();
    each_causes(
        TOKENS,
        &[("/assertion/keys", json!(five), "", "must hold 1 to 4")],
    );
    let scopes: serde_json::Map<String, Value> =
        (0..65).map(|n| (format!("s{n}"), json!(""))).collect();
    each_causes(
        TOKENS,
        &[("/scopes", Value::Object(scopes), "", "must hold 1 to 64")],
    );
}

#[test]
fn keys_come_by_name_and_are_never_shown() {
    let place = "issuers.corp.gate_tokens.assertion.keys[0].key";
    let form = "must not hold the key: put it by name into the environment of the VM, key: {env: NAME}; \
                the configuration shows in Envoy's config_dump";
    let variable = "env must be the name of an environment variable: A-Z, 0-9 and _";
    for (value, message) in [
        (json!("CANARY"), form),
        // Envoy injects no signatures.
        (json!("injected"), form),
        (json!({"CANARY": 1}), form),
        (json!({"env": "canary"}), variable),
        (
            json!({"env": "NOT_THERE"}),
            "environment variable NOT_THERE is missing or empty; set it for Envoy and name it in \
             vm_config.environment_variables.host_env_keys",
        ),
        (
            json!({"env": "ICEGATE_SECRET"}),
            "environment variable ICEGATE_SECRET holds no private key that the gate can sign with; it must be one key in \
             PEM, without a password: EC P-256 (ES256), or RSA of 2048 to 4096 bits (RS256)",
        ),
    ] {
        each_causes(TOKENS, &[("/assertion/keys/0/key", value, place, message)]);
    }
    let configuration = engines().to_string();
    for pem in [
        "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
        // The number zero.
        "-----BEGIN PRIVATE KEY-----\nMEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCAAAAAAAAAAAAAAAAAA\n\
         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n-----END PRIVATE KEY-----\n",
    ] {
        let environment = |name: &str| match name {
            "ICEGATE_ASSERTION_KEY" => Some(pem.to_owned()),
            name => environment(name),
        };
        let faults = load(configuration.as_bytes(), &environment)
            .expect_err(pem)
            .to_string();
        assert!(
            faults.starts_with(&format!(
                "{place}: environment variable ICEGATE_ASSERTION_KEY holds no"
            )),
            "{faults}"
        );
        assert_eq!(faults.lines().count(), 1);
        assert!(!faults.contains("CANARY"));
    }
}

#[test]
fn the_token_endpoint_reads_bodies() {
    let must = "must be true, here and beside vm_config in Envoy's configuration of the filter;";
    // With grants that is said already.
    assert_eq!(
        shown(&[("/allow_on_headers_stop_iteration", json!(false))]),
        [format!(
            "allow_on_headers_stop_iteration: {must} access: grants cannot be held without reading requests' bodies"
        )]
    );
    let small = changed(&[("/issuers/corp/gate_tokens", json!({}))]);
    assert_eq!(
        load_value(&small).expect_err("bodies").to_string(),
        format!(
            "allow_on_headers_stop_iteration: {must} the token endpoint (gate_tokens of an issuer) cannot be answered \
             without reading requests' bodies"
        )
    );
    let held = with(small, &[("/allow_on_headers_stop_iteration", json!(true))]);
    assert!(load_value(&held).is_ok());
}

#[test]
fn it_must_answer_somewhere() {
    assert_eq!(
        shown(&[
            ("/issuers/ci/gate_tokens", json!({})),
            ("/catalogs/rest/token/from", json!("corp")),
            (
                "/tenants/acme/who",
                json!({"issuer": "corp", "claim": "groups", "has": "/t/acme"})
            ),
            (
                "/tenants/globex/who",
                json!({"issuer": "corp", "claim": "groups", "has": "/t/globex"})
            ),
        ]),
        [
            "issuers.ci.gate_tokens: would never be used; the token endpoint of a catalog gives tokens of its token.from, \
             and no catalog has this issuer there"
        ]
    );
    assert_eq!(shown(&[("/issuers/ci/gate_tokens", json!({}))]), [""; 0]);
}

#[test]
fn no_gate_token_is_good_for_a_catalog() {
    let never = |catalog: &str| {
        format!(
            "is an audience of {catalog}; an engine must never hold a token that a catalog takes"
        )
    };
    for (audience, catalog) in [("nessie", "catalogs.nessie"), ("rest", "catalogs.rest")] {
        each_causes(
            TOKENS,
            &[
                ("/audience", json!(audience), "", &never(catalog)),
                (
                    "/audience",
                    json!(["icegate", audience]),
                    "",
                    &never(catalog),
                ),
            ],
        );
    }
    assert_eq!(
        shown(&[("/issuers/corp/gate_tokens/audience", json!("icegate"))]),
        [""; 0]
    );
    // A tenant's, and that of an account.
    assert_eq!(
        shown(&[
            ("/issuers/corp/gate_tokens/audience", json!("x")),
            (
                "/tenants/globex/token",
                json!({"polaris": {"audience": ["x", "y"], "expect_audience": "y"}})
            ),
        ]),
        [format!(
            "issuers.corp.gate_tokens.audience: {}",
            never("catalogs.polaris")
        )]
    );
    assert_eq!(
        shown(&[
            ("/issuers/corp/gate_tokens/audience", json!("x")),
            (
                "/services/dbt/token/client_credentials/audience",
                json!("x")
            ),
        ]),
        [format!(
            "issuers.corp.gate_tokens.audience: {}",
            never("catalogs.keeper")
        )]
    );
    // The gate's own audience at one issuer may be a catalog's at another, but not where engines get tokens for it.
    assert_eq!(
        shown(&[("/catalogs/rest/token/audience", json!("icegate"))]),
        [
            "issuers.corp.audiences: holds an audience of catalogs.rest; with gate_tokens, an engine would hold a token \
             that a catalog takes"
        ]
    );
}

#[test]
fn gate_tokens_have_a_client_of_their_own() {
    let message = |other: &str| {
        format!(
            "issuers.corp.gate_tokens.client.id: is also {other}, which gets tokens for catalogs; tokens of that client are \
             refused at the gate, so gate tokens need another one"
        )
    };
    let id = "/issuers/corp/gate_tokens/client/id";
    assert_eq!(
        shown(&[(id, json!("icegate"))]),
        [message("issuers.corp.client")]
    );
    let own = json!({"nessie": {"client": {"id": "acme", "secret": {"env": "ICEGATE_SECRET"}}}});
    assert_eq!(
        shown(&[(id, json!("acme")), ("/tenants/acme/token", own.clone())]),
        [message("a client of tenants.acme")]
    );
    assert_eq!(
        shown(&[(id, json!("dbt"))]),
        [message("a client of tenants.acme")]
    );
    // At another issuer it is another client.
    let at_ci = json!({"nessie": {"from": "ci", "client": {"id": "acme", "secret": {"env": "ICEGATE_SECRET"}}}});
    assert_eq!(
        shown(&[(id, json!("acme")), ("/tenants/acme/token", at_ci)]),
        [""; 0]
    );
    let small = changed(&[
        ("/allow_on_headers_stop_iteration", json!(true)),
        (
            "/issuers/corp/gate_tokens",
            json!({"client": {"id": "dbt", "secret": {"env": "ICEGATE_SECRET"}}}),
        ),
        (
            "/services",
            json!({"dbt": {
                "who": {"issuer": "corp", "sub": "dbt"}, "may": ["read"],
                "token": {"client_credentials": {"from": "corp", "id": "dbt", "secret": {"env": "ICEGATE_SECRET"}}},
            }}),
        ),
    ]);
    let faults = load_value(&small).expect_err("one client").to_string();
    assert_eq!(faults, message("a client of services"));
}

#[test]
fn where_logins_go_nobody_s_credential_is_added() {
    let login = |other: &str| {
        format!(
            "issuers.corp.gate_tokens.cluster: is also {other}, where Envoy adds the gate's credential; whoever logs in \
             through it would get the gate's identity"
        )
    };
    let cluster = ("/issuers/corp/gate_tokens/cluster", json!("x"));
    assert_eq!(shown(std::slice::from_ref(&cluster)), [""; 0]);
    let injected = json!({"id": "icegate", "secret": "injected", "cluster": "x"});
    for issuer in ["corp", "ci"] {
        let client = format!("/issuers/{issuer}/client");
        assert_eq!(
            shown(&[cluster.clone(), (&client, injected.clone())]),
            [login(&format!("issuers.{issuer}.client.cluster"))]
        );
    }
    assert_eq!(
        shown(&[
            cluster.clone(),
            (
                "/tenants/acme/token",
                json!({"polaris": {"client": injected}})
            )
        ]),
        [login("tenants.acme.token.polaris.client.cluster")]
    );
    let carry = "with secret: injected it must carry nothing but one client's calls";
    let own = json!({"id": "icegate-tokens", "secret": "injected", "cluster": "x"});
    assert_eq!(
        shown(&[
            cluster.clone(),
            ("/issuers/corp/gate_tokens/client", own.clone())
        ]),
        [
            format!(
                "issuers.corp.gate_tokens.client.cluster: is also issuers.corp.gate_tokens.cluster; {carry}"
            ),
            login("issuers.corp.gate_tokens.client.cluster"),
        ]
    );
    let account = json!({"from": "corp", "id": "dbt", "secret": "injected", "cluster": "x"});
    assert_eq!(
        shown(&[
            cluster.clone(),
            ("/services/dbt/token/client_credentials", account.clone())
        ]),
        [
            login("services.dbt.token.client_credentials.cluster"),
            format!(
                "services.dbt.token.client_credentials.cluster: is also issuers.corp.gate_tokens.cluster; {carry}"
            ),
        ]
    );
    // Without a cluster of its own a login goes where the issuer is, and that is no injected client's either.
    let mut at_idp = account;
    at_idp["cluster"] = json!("idp");
    assert_eq!(
        shown(&[("/services/dbt/token/client_credentials", at_idp)]),
        [format!(
            "services.dbt.token.client_credentials.cluster: is also issuers.ci.cluster; {carry}"
        )]
    );
    assert_eq!(
        shown(&[("/issuers/corp/gate_tokens/cluster", json!("keeper"))]),
        [
            "issuers.corp.gate_tokens.cluster: is a cluster of catalogs.keeper too; the catalog must get no call and \
             no credential that is meant for the identity provider"
        ]
    );
}

#[test]
fn an_injected_client_has_a_cluster_of_its_own() {
    let carry = "with secret: injected it must carry nothing but one client's calls";
    let client = "/issuers/corp/gate_tokens/client";
    let injected =
        |cluster: &str| json!({"id": "icegate-tokens", "secret": "injected", "cluster": cluster});
    let line =
        |other: &str| format!("issuers.corp.gate_tokens.client.cluster: is also {other}; {carry}");
    assert_eq!(shown(&[(client, injected("x"))]), [""; 0]);
    assert_eq!(
        shown(&[(
            client,
            json!({"id": "icegate-tokens", "secret": "injected"})
        )]),
        [
            "issuers.corp.gate_tokens.client.cluster: must be set with secret: injected; a cluster of its own carries the \
             gate's credential and nothing else"
        ]
    );
    assert_eq!(
        shown(&[(client, injected("idp"))]),
        [line("issuers.ci.cluster")]
    );
    // Two clients, both injected or one of them.
    let exchanges = json!({"id": "icegate", "secret": "injected", "cluster": "x"});
    for own in [
        injected("x"),
        json!({"id": "icegate-tokens", "secret": {"env": "ICEGATE_SECRET"}, "cluster": "x"}),
    ] {
        assert_eq!(
            shown(&[(client, own), ("/issuers/corp/client", exchanges.clone())]),
            [line("issuers.corp.client.cluster")]
        );
    }
    let account = |cluster: Option<&str>| {
        let mut account = json!({"from": "corp", "id": "dbt", "secret": "injected"});
        if let Some(cluster) = cluster {
            account["cluster"] = json!(cluster);
        }
        ("/services/dbt/token/client_credentials", account)
    };
    assert_eq!(
        shown(&[account(None)]),
        [
            "services.dbt.token.client_credentials.cluster: must be set with secret: injected; a cluster of its own carries \
             the gate's credential and nothing else"
        ]
    );
    assert_eq!(shown(&[account(Some("x"))]), [""; 0]);
    assert_eq!(
        shown(&[account(Some("x")), (client, injected("x"))]),
        [
            line("services.dbt.token.client_credentials.cluster"),
            format!(
                "services.dbt.token.client_credentials.cluster: is also issuers.corp.gate_tokens.client.cluster; {carry}"
            ),
        ]
    );
}

#[test]
fn what_the_gate_signs_is_nobody_s_token() {
    let issuer = "/issuers/corp/gate_tokens/assertion/issuer";
    for name in ["ci", "corp"] {
        let url = engines()["issuers"][name]["issuer"].clone();
        assert_eq!(
            shown(&[(issuer, url)]),
            [format!(
                "issuers.corp.gate_tokens.assertion.issuer: is also the issuer of issuers.{name}; what the gate signs is no \
                 token of anybody"
            )]
        );
    }
}

#[test]
fn a_key_set_s_path_is_no_catalog_s() {
    let path = "/issuers/corp/gate_tokens/assertion/jwks_path";
    let line = |relation: &str, catalog: &str| {
        format!(
            "issuers.corp.gate_tokens.assertion.jwks_path: {relation} catalogs.{catalog}.base_path; a request could not be \
             told apart"
        )
    };
    for (value, lines) in [
        ("/icegate/jwks.json", vec![]),
        ("/iceberg2", vec![]),
        ("/iceberg", vec![line("lies under", "nessie")]),
        ("/iceberg/jwks.json", vec![line("lies under", "nessie")]),
        ("/api", vec![line("lies above", "polaris")]),
    ] {
        assert_eq!(shown(&[(path, json!(value))]), lines, "{value}");
    }
    // A catalog at the root has the paths that begin as its own do.
    let small = |path: &str| {
        changed(&[
            ("/allow_on_headers_stop_iteration", json!(true)),
            ("/catalogs/lake/base_path", json!("")),
            (
                "/issuers/corp/gate_tokens",
                json!({"assertion": {
                    "issuer": "https://gate.example.com", "keys": [{"id": "k1", "key": {"env": "ICEGATE_ASSERTION_KEY"}}],
                    "jwks_path": path,
                }}),
            ),
        ])
    };
    for good in ["/icegate/jwks.json", "/v1jwks", "/jwks.json"] {
        assert!(load_value(&small(good)).is_ok(), "{good}");
    }
    for bad in ["/v1", "/v1/jwks.json", "/polaris/jwks.json"] {
        let faults = load_value(&small(bad)).expect_err(bad).to_string();
        assert_eq!(faults, line("lies under", "lake"), "{bad}");
    }
    // One key set at a path.
    let at_ci = json!({"assertion": {
        "issuer": "https://gate.example.com", "keys": [{"id": "k1", "key": {"env": "ICEGATE_ASSERTION_KEY"}}],
        "jwks_path": "/icegate/jwks.json",
    }});
    assert_eq!(
        shown(&[
            (path, json!("/icegate/jwks.json")),
            ("/issuers/ci/gate_tokens", at_ci)
        ]),
        [
            "issuers.corp.gate_tokens.assertion.jwks_path: is also that of issuers.ci; one key set is served at a path"
        ]
    );
}

#[test]
fn marks_of_programs() {
    let place = "issuers.ci.programs";
    let value = "must be the exact value of a claim: not empty, no control character";
    each_causes(
        "/issuers/ci",
        &[
            ("/programs", json!([]), "", "must hold 1 to 256"),
            (
                "/programs",
                json!({"claim": "a", "has": "b"}),
                "",
                "must be a list, not an object",
            ),
            (
                "/programs",
                json!([{"has": "b"}]),
                &format!("{place}[0].claim"),
                "must be set; the gate must know where the mark is",
            ),
            (
                "/programs",
                json!([{"claim": "a"}]),
                &format!("{place}[0].has"),
                "must be set; a claim's value decides",
            ),
            (
                "/programs",
                json!([{"claim": "a", "has": "b"}, {"claim": "a", "has": ""}]),
                &format!("{place}[1].has"),
                value,
            ),
            (
                "/programs",
                json!([{"claim": "a", "has": "b", "sub": "c"}]),
                &format!("{place}[0].sub"),
                "is unknown; known here: claim, has",
            ),
        ],
    );
}
