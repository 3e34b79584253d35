//! Every message that an operator can see, as it is shown.

use icegate::config::load;
use serde_json::{Value, json};

use crate::support::{SECRET, changed, environment, load_value};

/// What loading shows, line by line.
fn shown(configuration: &Value) -> Vec<String> {
    match load_value(configuration) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.to_string().lines().map(str::to_owned).collect(),
    }
}

/// One change of the smallest configuration, and the one line that it causes after its own path.
fn each_causes(table: &[(&str, Value, &str)]) {
    for (pointer, value, message) in table {
        let place = pointer.trim_start_matches('/').replace('/', ".");
        let lines = shown(&changed(&[(pointer, value.clone())]));
        assert_eq!(lines, [format!("{place}: {message}")], "{pointer} {value}");
    }
}

/// Several changes of the smallest configuration, and the lines that they cause.
fn together_cause(changes: &[(&str, Value)], lines: &[&str]) {
    assert_eq!(shown(&changed(changes)), lines, "{changes:?}");
}

const TAKE_AWAY: Value = Value::Null;

#[test]
fn what_must_be_there() {
    each_causes(&[
        (
            "/issuers",
            TAKE_AWAY,
            "must be set; without an issuer nobody's token would be accepted",
        ),
        (
            "/catalogs",
            TAKE_AWAY,
            "must be set; without a catalog every request would be refused",
        ),
        (
            "/access",
            TAKE_AWAY,
            "must be set; the gate does not guess who decides; write catalog_decides when the catalog does",
        ),
        (
            "/issuers/corp/profile",
            TAKE_AWAY,
            "must be set; identity providers say the same thing in different words, \
             and a guess would take one answer for another",
        ),
        (
            "/issuers/corp/issuer",
            TAKE_AWAY,
            "must be set; a token's issuer is compared with it, character by character",
        ),
        (
            "/issuers/corp/cluster",
            TAKE_AWAY,
            "must be set; keys and tokens are fetched through a cluster of Envoy",
        ),
        (
            "/issuers/corp/audiences",
            TAKE_AWAY,
            "must be set; without an audience tokens meant for somebody else would be accepted",
        ),
        (
            "/issuers/corp/client/id",
            TAKE_AWAY,
            "must be set; the identity provider must know who exchanges",
        ),
        (
            "/issuers/corp/client/secret",
            TAKE_AWAY,
            "must be set; the gate must prove who it is; secret: {env: NAME} or secret: injected",
        ),
        (
            "/catalogs/lake/kind",
            TAKE_AWAY,
            "must be set; catalogs read the same path differently, \
             and a guess would check another table than the one that is loaded",
        ),
        (
            "/catalogs/lake/base_path",
            TAKE_AWAY,
            "must be set; the gate must know which requests are the catalog's",
        ),
        (
            "/catalogs/lake/token",
            TAKE_AWAY,
            "must be set; no request reaches a catalog without a token that was made for it",
        ),
        (
            "/catalogs/lake/token/from",
            TAKE_AWAY,
            "must be set; the gate must know where to exchange",
        ),
        (
            "/catalogs/lake/token/audience",
            TAKE_AWAY,
            "must be set; a token for nobody in particular would be accepted anywhere",
        ),
    ]);
}

#[test]
fn what_is_unknown() {
    each_causes(&[
        ("/issuer", json!({}), "is unknown; did you mean issuers?"),
        (
            "/issuers/corp/audience",
            json!(["a"]),
            "is unknown; did you mean audiences?",
        ),
        (
            "/catalogs/lake/basePath",
            json!("/x"),
            "is unknown; did you mean base_path?",
        ),
    ]);
    together_cause(
        &[
            ("/issuers/corp/keys", json!({"uri": "/keys"})),
            ("/limits", json!({"": 1, "a\nb": 2})),
        ],
        &[
            "issuers.corp.keys.uri: is unknown; known here: discovery, jwks_path",
            "limits.\"\": is unknown; known here: cached_callers, cache_bytes, waiters, exchanges_in_flight, \
             request_deadline, exchange_timeout, request_body, guarded_answer, key_refresh, key_max_age",
            "limits.\"a\\nb\": is unknown; known here: cached_callers, cache_bytes, waiters, exchanges_in_flight, \
             request_deadline, exchange_timeout, request_body, guarded_answer, key_refresh, key_max_age",
        ],
    );
}

#[test]
fn what_is_of_another_type() {
    each_causes(&[
        ("/issuers", json!([]), "must be an object, not a list"),
        ("/issuers/corp", json!("x"), "must be an object, not text"),
        (
            "/issuers/corp/issuer",
            json!(1),
            "must be text, not a number",
        ),
        (
            "/issuers/corp/audiences",
            json!("icegate"),
            "must be a list, not text",
        ),
        (
            "/issuers/corp/leeway",
            json!(30),
            "must be text, not a number",
        ),
        (
            "/issuers/corp/keys",
            json!(true),
            "must be an object, not a truth value",
        ),
        (
            "/issuers/corp/subject_claim",
            json!({}),
            "must be text or a list, not an object",
        ),
        (
            "/catalogs/lake/token/audience",
            json!({}),
            "must be text or a list, not an object",
        ),
        (
            "/catalogs/lake/token/parameters",
            json!(["a"]),
            "must be an object, not a list",
        ),
        (
            "/access",
            json!({"allow": "all"}),
            "must be text, not an object",
        ),
        ("/limits", json!([]), "must be an object, not a list"),
    ]);
    together_cause(
        &[("/issuers/corp/audiences", json!(["a", 1, ["b"], "c"]))],
        &[
            "issuers.corp.audiences[1]: must be text, not a number",
            "issuers.corp.audiences[2]: must be text, not a list",
        ],
    );
    // YAML's `leeway:` without a value.
    let mut configuration = changed(&[]);
    configuration["issuers"]["corp"]["leeway"] = Value::Null;
    configuration["limits"] = json!({"waiters": "5"});
    assert_eq!(
        shown(&configuration),
        [
            "issuers.corp.leeway: is null; leave it out or give it a value",
            "limits.waiters: must be a whole number, not text",
        ]
    );
}

#[test]
fn words() {
    each_causes(&[
        (
            "/access",
            json!("everything"),
            "must be one of catalog_decides, grants",
        ),
        (
            "/issuers/corp/profile",
            json!("Keycloak"),
            "must be one of keycloak, rfc8693, entra, okta, auth0",
        ),
        (
            "/catalogs/lake/kind",
            json!("unity"),
            "must be one of iceberg, nessie, polaris, lakekeeper",
        ),
        (
            "/issuers/corp/client/authentication",
            json!("client_secret_jwt"),
            "must be one of client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth",
        ),
    ]);
    together_cause(
        &[("/issuers/corp/keys", json!({"discovery": "OIDC"}))],
        &["issuers.corp.keys.discovery: must be one of oidc, oauth"],
    );
    let symmetric =
        "a symmetric algorithm never verifies: whoever can check such a token can also write it";
    together_cause(
        &[(
            "/issuers/corp/algorithms",
            json!(["RS256", "none", "NoNe", "HS256", "HS512", "rs256"]),
        )],
        &[
            "issuers.corp.algorithms[1]: none never verifies: anybody could write such a token",
            "issuers.corp.algorithms[2]: none never verifies: anybody could write such a token",
            &format!("issuers.corp.algorithms[3]: {symmetric}"),
            &format!("issuers.corp.algorithms[4]: {symmetric}"),
            "issuers.corp.algorithms[5]: must be one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA",
        ],
    );
}

#[test]
fn lists() {
    each_causes(&[
        (
            "/issuers/corp/audiences",
            json!([]),
            "must name at least one audience; tokens meant for somebody else would be accepted",
        ),
        (
            "/issuers/corp/audiences",
            json!(["a", "b", "a"]),
            "holds the same twice",
        ),
        (
            "/issuers/corp/algorithms",
            json!([]),
            "must name at least one algorithm; no token would verify",
        ),
        (
            "/issuers/corp/token_types",
            json!([]),
            "must name at least one type; no token would be accepted",
        ),
        (
            "/issuers/corp/token_types",
            json!(["JWT", "application/jwt"]),
            "holds the same twice",
        ),
        (
            "/catalogs/lake/token/audience",
            json!([]),
            "must not be an empty list",
        ),
        (
            "/catalogs/lake/token/resource",
            json!(["urn:a", "urn:a"]),
            "holds the same twice",
        ),
    ]);
    together_cause(
        &[("/catalogs", json!({}))],
        &["catalogs: must hold at least one"],
    );
    let catalogs: serde_json::Map<String, Value> = (0..65)
        .map(|number| (format!("c{number}"), json!({})))
        .collect();
    together_cause(
        &[("/catalogs", Value::Object(catalogs))],
        &["catalogs: must hold at most 64"],
    );
}

#[test]
fn names_become_labels() {
    let lake = changed(&[])["catalogs"]["lake"].clone();
    let no_name =
        "is no name: it stands in metrics and messages, so it must be 1 to 63 of a-z, 0-9, _ and -";
    let long = "a".repeat(64);
    for (name, path) in [
        ("Lake", "catalogs.Lake"),
        ("", "catalogs.\"\""),
        ("a.b", "catalogs.\"a.b\""),
        ("é", "catalogs.\"é\""),
        (long.as_str(), &format!("catalogs.{long}")),
    ] {
        together_cause(
            &[("/catalogs", json!({name: lake}))],
            &[&format!("{path}: {no_name}")],
        );
    }
    for name in ["0", "a-b_c", &"a".repeat(63)] {
        together_cause(&[("/catalogs", json!({name: lake}))], &[]);
    }
}

#[test]
fn urls_and_what_calls_need() {
    let absolute = "must be an absolute URL that begins with https:// or http://";
    let plain = "must have no query, fragment or user name; it is compared with iss, character by character";
    let host = "must name a host, with a port where it is not the scheme's own";
    let character = "holds a character that no URL holds";
    for (url, message) in [
        ("", absolute),
        ("idp.example.com", absolute),
        ("HTTPS://idp.example.com", absolute),
        ("ftp://idp.example.com", absolute),
        ("https://idp.example.com?x=1", plain),
        ("https://idp.example.com/#top", plain),
        ("https://user:pass@idp.example.com", plain),
        ("https://", host),
        ("https:///realms", host),
        ("https://idp example", host),
        ("https://idp.example.com:", host),
        ("https://idp.example.com:0", host),
        ("https://idp.example.com:65536", host),
        ("https://idp.example.com:+1", host),
        ("https://::1/", host),
        ("https://[::1", host),
        ("https://[]/", host),
        ("https://[localhost]/", host),
        ("https://{realm}.example.com", host),
        ("https://idp.example.com/a b", character),
        ("https://idp.example.com/\n", character),
        ("https://idp.example.com/é", character),
        ("https://idp.example.com/<realm>", character),
        ("https://idp.example.com\\realm", host),
    ] {
        each_causes(&[("/issuers/corp/issuer", json!(url), message)]);
    }
    for url in [
        "http://localhost:8080/realms/x",
        "https://[::1]:65535",
        "https://a/",
        "http://idp.svc.cluster.local",
    ] {
        together_cause(&[("/issuers/corp/issuer", json!(url))], &[]);
    }

    let path = "must be a path that begins with one slash; the host is told by the authority";
    let cluster = "must be the name of an Envoy cluster: 1 to 255 visible ASCII characters";
    let authority = "must be a host, with a port where it is not the scheme's own";
    each_causes(&[
        ("/issuers/corp/cluster", json!(""), cluster),
        ("/issuers/corp/cluster", json!("a b"), cluster),
        ("/issuers/corp/cluster", json!("a".repeat(256)), cluster),
        ("/issuers/corp/client/cluster", json!("a\r\nb"), cluster),
        ("/issuers/corp/authority", json!("https://idp"), authority),
        ("/issuers/corp/authority", json!("idp\r\nx: y"), authority),
        ("/issuers/corp/authority", json!("a".repeat(254)), authority),
        ("/issuers/corp/token_path", json!("https://idp/token"), path),
        ("/issuers/corp/token_path", json!("//idp/token"), path),
        ("/issuers/corp/token_path", json!("/token\r\n"), path),
        ("/issuers/corp/token_path", json!("/token#x"), path),
        ("/issuers/corp/token_path", json!(""), path),
    ]);
}

#[test]
fn text_of_a_form() {
    let audience = "must be an audience: not empty, no space around it, no control character";
    let client = "must be a client id: printable ASCII, and not empty (RFC 6749 appendix A.1)";
    let scope = "must be scopes with one space between them (RFC 6749 section 3.3)";
    let resource = "must be an absolute URI without fragment (RFC 8707 section 2)";
    let claim = "must name a claim, as in sub, realm_access.roles or [\"https://example.com/id\"]";
    let access_token = "must ask for an access token; a catalog takes nothing else";
    let token_type = "must be a token type's URI (RFC 8693 section 3), or none to send none";
    each_causes(&[
        ("/catalogs/lake/token/audience", json!(""), audience),
        ("/catalogs/lake/token/audience", json!(" catalog"), audience),
        (
            "/catalogs/lake/token/expect_audience",
            json!("cata\u{0}log"),
            audience,
        ),
        ("/issuers/corp/client/id", json!(""), client),
        ("/issuers/corp/client/id", json!("é"), client),
        ("/catalogs/lake/token/scope", json!(""), scope),
        ("/catalogs/lake/token/scope", json!("a  b"), scope),
        ("/catalogs/lake/token/scope", json!("a\tb"), scope),
        ("/catalogs/lake/token/scope", json!("\"a\""), scope),
        ("/catalogs/lake/token/resource", json!("lake"), resource),
        (
            "/catalogs/lake/token/resource",
            json!("https://lake#x"),
            resource,
        ),
        ("/catalogs/lake/token/resource", json!("1:x"), resource),
        ("/catalogs/lake/token/resource", json!("urn:"), resource),
        ("/issuers/corp/subject_claim", json!(""), claim),
        ("/issuers/corp/subject_claim", json!("a..b"), claim),
        ("/issuers/corp/subject_claim", json!([]), claim),
        ("/issuers/corp/name_claim", json!(["a", ""]), claim),
        (
            "/catalogs/lake/token/requested_token_type",
            json!("urn:ietf:params:oauth:token-type:refresh_token"),
            access_token,
        ),
        (
            "/catalogs/lake/token/requested_token_type",
            json!("urn:ietf:params:oauth:token-type:id_token"),
            access_token,
        ),
        (
            "/catalogs/lake/token/requested_token_type",
            json!("access_token"),
            token_type,
        ),
        (
            "/catalogs/lake/token/requested_token_type",
            json!(""),
            token_type,
        ),
    ]);
    together_cause(
        &[("/issuers/corp/token_types", json!(["jwt", "a b"]))],
        &[
            "issuers.corp.token_types[1]: must be a media type, or the empty text for tokens without typ",
        ],
    );
}

#[test]
fn durations_and_counts() {
    let duration =
        "must be a duration: a number and its unit, as in \"5s\", \"250ms\", \"5m\", \"1h\"";
    each_causes(&[
        ("/issuers/corp/leeway", json!("30"), duration),
        ("/issuers/corp/leeway", json!("-1s"), duration),
        (
            "/issuers/corp/leeway",
            json!("61s"),
            "must be between 0s and 1m",
        ),
        (
            "/issuers/corp/leeway",
            json!("999999999h"),
            "must be between 0s and 1m",
        ),
        (
            "/catalogs/lake/token/life",
            json!("999ms"),
            "must be between 1s and 1h",
        ),
        (
            "/catalogs/lake/token/life",
            json!("3600.001s"),
            "must be between 1s and 1h",
        ),
    ]);
    together_cause(
        &[(
            "/limits",
            json!({
                "cached_callers": 0,
                "cache_bytes": 1_048_575,
                "waiters": 65_537,
                "exchanges_in_flight": 1.5,
                "request_deadline": "0.9s",
                "exchange_timeout": "31s",
                "key_refresh": "9s",
                "key_max_age": "169h",
            }),
        )],
        &[
            "limits.cache_bytes: must be a whole number between 1048576 and 536870912",
            "limits.cached_callers: must be a whole number between 1 and 1000000",
            "limits.exchange_timeout: must be between 100ms and 30s",
            "limits.exchanges_in_flight: must be a whole number between 1 and 1024",
            "limits.key_max_age: must be between 1m and 168h",
            "limits.key_refresh: must be between 10s and 24h",
            "limits.request_deadline: must be between 1s and 1m",
            "limits.waiters: must be a whole number between 1 and 65536",
        ],
    );
    for number in [json!(-1), json!(1e300), json!(u64::MAX), json!(-0.0)] {
        together_cause(
            &[("/limits", json!({"waiters": number}))],
            &["limits.waiters: must be a whole number between 1 and 65536"],
        );
    }
    together_cause(
        &[(
            "/limits",
            json!({"request_deadline": "5s", "exchange_timeout": "5s", "key_refresh": "2h", "key_max_age": "1h"}),
        )],
        &[
            "limits.exchange_timeout: must be shorter than request_deadline; \
             a request would be given up before its exchange",
            "limits.key_max_age: must not be shorter than key_refresh; \
             keys would be given up before they are refreshed",
        ],
    );
    // Against a default.
    together_cause(
        &[("/limits", json!({"request_deadline": "3s"}))],
        &[
            "limits.exchange_timeout: must be shorter than request_deadline; \
           a request would be given up before its exchange",
        ],
    );
}

#[test]
fn secrets_come_by_name() {
    let form = "must not hold the secret: put it by name into the environment of the VM, secret: {env: NAME}, \
                or leave it to Envoy's credential injector, secret: injected; \
                the configuration shows in Envoy's config_dump";
    let variable = "env must be the name of an environment variable: A-Z, 0-9 and _";
    let secret = "/issuers/corp/client/secret";
    each_causes(&[
        (secret, json!("canary"), form),
        (secret, json!(""), form),
        (secret, json!(12345), form),
        (secret, json!({}), form),
        (secret, json!({"canary": 1}), form),
        (secret, json!({"env": "ICEGATE_SECRET", "canary": 1}), form),
        (secret, json!({"env": "canary"}), variable),
        (secret, json!({"env": "CANARY value"}), variable),
        (secret, json!({"env": "1CANARY"}), variable),
        (secret, json!({"env": ""}), variable),
        (secret, json!({"env": 1}), variable),
        (
            secret,
            json!({"env": "NOT_SET"}),
            "environment variable NOT_SET is missing or empty; \
             set it for Envoy and name it in vm_config.environment_variables.host_env_keys",
        ),
    ]);
    for (value, message) in [
        (
            "",
            "is missing or empty; set it for Envoy and name it in vm_config.environment_variables.host_env_keys",
        ),
        (
            "canary\n",
            "holds a control character, perhaps the end of a line",
        ),
    ] {
        let environment = |_: &str| Some(value.to_owned());
        let faults = load(changed(&[]).to_string().as_bytes(), &environment).expect_err(message);
        assert_eq!(
            faults.to_string(),
            format!("issuers.corp.client.secret: environment variable ICEGATE_SECRET {message}")
        );
    }
}

#[test]
fn an_injected_secret_has_a_cluster_of_its_own() {
    let injected = ("/issuers/corp/client/secret", json!("injected"));
    let own = |cluster: &str| ("/issuers/corp/client/cluster", json!(cluster));
    let other = |cluster: &str, client: Value| {
        let url = "https://other.example.com";
        let issuer = json!({
            "profile": "rfc8693", "issuer": url, "cluster": cluster, "audiences": ["a"], "client": client,
        });
        ("/issuers/other", issuer)
    };
    let outside = json!({"id": "x", "secret": {"env": "ICEGATE_SECRET"}});
    let nothing_but = "with secret: injected it must carry nothing but this client's exchanges";

    together_cause(&[injected.clone(), own("exchange")], &[]);
    together_cause(
        std::slice::from_ref(&injected),
        &[
            "issuers.corp.client.cluster: must be set with secret: injected; \
           a cluster of its own carries the gate's credential and nothing else",
        ],
    );
    together_cause(
        &[injected.clone(), own("idp")],
        &[&format!(
            "issuers.corp.client.cluster: is also issuers.corp.cluster; {nothing_but}"
        )],
    );
    together_cause(
        &[
            injected.clone(),
            own("exchange"),
            other("exchange", outside.clone()),
        ],
        &[&format!(
            "issuers.corp.client.cluster: is also issuers.other.cluster; {nothing_but}"
        )],
    );
    let mut shared = outside;
    shared["cluster"] = json!("exchange");
    together_cause(
        &[injected.clone(), own("exchange"), other("idp2", shared)],
        &[&format!(
            "issuers.corp.client.cluster: is also issuers.other.client.cluster; {nothing_but}"
        )],
    );
    together_cause(
        &[
            injected,
            own("exchange"),
            (
                "/issuers/corp/client/authentication",
                json!("client_secret_post"),
            ),
        ],
        &[
            "issuers.corp.client.authentication: must be left out with secret: injected; \
           Envoy's credential injector sends the secret",
        ],
    );
}

#[test]
fn one_field_against_another() {
    each_causes(&[
        (
            "/catalogs/lake/token/from",
            json!("crop"),
            "names no issuer of this configuration; did you mean corp?",
        ),
        (
            "/catalogs/lake/token/from",
            json!("azure"),
            "names no issuer of this configuration",
        ),
        (
            "/issuers/corp/keys",
            json!({"discovery": "oidc", "jwks_path": "/keys"}),
            "must have discovery or jwks_path, not both",
        ),
        (
            "/catalogs/lake/token/audience",
            json!("icegate"),
            "is an audience of the gate itself; \
             a token that was made for the catalog could be replayed at the gate",
        ),
        (
            "/catalogs/lake/token/expect_audience",
            json!("icegate"),
            "is an audience of the gate itself; \
             a token that was made for the catalog could be replayed at the gate",
        ),
    ]);
    together_cause(
        &[("/issuers/corp/client", TAKE_AWAY)],
        &[
            "catalogs.lake.token.from: names an issuer without a client; the gate could not exchange there",
        ],
    );
    together_cause(
        &[("/issuers/corp/keys", json!({"jwks_path": "/keys"}))],
        &[
            "issuers.corp.token_path: must be set with keys.jwks_path, because no metadata tells it then; \
           the client exchanges there",
        ],
    );
    together_cause(
        &[("/catalogs/lake/token/audience", json!(["a", "b"]))],
        &[
            "catalogs.lake.token.expect_audience: must be set where audience names several; \
           the minted token is checked for it",
        ],
    );
    let twin = changed(&[])["issuers"]["corp"].clone();
    together_cause(
        &[("/issuers/twin", twin)],
        &[
            "issuers.twin.issuer: is also the issuer of issuers.corp; a token could not be told apart",
        ],
    );
}

#[test]
fn a_path_belongs_to_one_catalog() {
    let catalogs = |paths: &[(&str, &str)]| {
        let lake = changed(&[])["catalogs"]["lake"].clone();
        let catalogs: serde_json::Map<String, Value> = paths
            .iter()
            .map(|(name, path)| {
                let mut catalog = lake.clone();
                catalog["base_path"] = json!(path);
                ((*name).to_owned(), catalog)
            })
            .collect();
        [("/catalogs", Value::Object(catalogs))]
    };
    let apart = "a request could not be told apart";
    together_cause(
        &catalogs(&[("a", "/iceberg"), ("b", "/iceberg2"), ("c", "/ice")]),
        &[],
    );
    together_cause(
        &catalogs(&[("a", "/x"), ("b", "/y"), ("c", "/x")]),
        &[&format!(
            "catalogs.c.base_path: is the same as catalogs.a.base_path; {apart}"
        )],
    );
    together_cause(
        &catalogs(&[("a", "/x/y"), ("b", "/x"), ("c", "")]),
        &[
            &format!("catalogs.a.base_path: lies under catalogs.b.base_path; {apart}"),
            &format!("catalogs.a.base_path: lies under catalogs.c.base_path; {apart}"),
            &format!("catalogs.b.base_path: lies under catalogs.c.base_path; {apart}"),
        ],
    );
}

#[test]
fn how_paths_are_read() {
    together_cause(
        &[
            ("/catalogs/lake/base_path", json!("iceberg/")),
            ("/catalogs/lake/namespace_separator", json!(".")),
        ],
        &[
            "catalogs.lake.base_path: must begin with '/', as in \"/iceberg\", or be empty",
            "catalogs.lake.namespace_separator: must be one percent-encoded character, as in \"%1F\"",
        ],
    );
    each_causes(&[
        (
            "/catalogs/lake/base_path",
            json!("/x/"),
            "must not end with '/'; write \"\" for a catalog at the root",
        ),
        (
            "/catalogs/lake/namespace_separator",
            json!("%2E"),
            "must be \"%1F\" for this kind of catalog, which splits at nothing else",
        ),
    ]);
}

#[test]
fn parameters() {
    let own = "is reserved: the gate sends it itself, or must not send it";
    let credential = "is reserved: the configuration holds no credential, because it shows in Envoy's config_dump";
    for (name, message) in [
        ("grant_type", own),
        ("subject_token", own),
        ("subject_token_type", own),
        ("audience", own),
        ("resource", own),
        ("scope", own),
        ("requested_token_type", own),
        ("requested_subject", own),
        ("client_id", own),
        ("client_secret", credential),
        ("client_assertion", credential),
        ("client_assertion_type", credential),
        ("actor_token", credential),
        ("actor_token_type", credential),
        ("assertion", credential),
        ("password", credential),
        ("refresh_token", credential),
    ] {
        together_cause(
            &[("/catalogs/lake/token/parameters", json!({name: "x"}))],
            &[&format!("catalogs.lake.token.parameters.{name}: {message}")],
        );
    }
    together_cause(
        &[(
            "/catalogs/lake/token/parameters",
            json!({"": "x", "a b": "x", "c": 1, "fine": "\n&="}),
        )],
        &[
            "catalogs.lake.token.parameters.\"\": is no parameter's name: visible ASCII characters",
            "catalogs.lake.token.parameters.\"a b\": is no parameter's name: visible ASCII characters",
            "catalogs.lake.token.parameters.c: must be text, not a number",
        ],
    );
}

#[test]
fn what_is_no_configuration_at_all() {
    for (bytes, line) in [
        (
            "{",
            "is JSON that ends too early (line 1, column 2); it must be a Struct, or a StringValue that holds JSON",
        ),
        (
            "issuers:\n  corp: {}\n",
            "is not JSON (line 1, column 1); it must be a Struct, or a StringValue that holds JSON",
        ),
        (
            r#"{"access":1,"access":2}"#,
            "has the same member twice in one object (line 1, column 21); \
             it must be a Struct, or a StringValue that holds JSON",
        ),
        ("[]", "must be an object, not a list"),
        ("null", "is null; leave it out or give it a value"),
        // Text is looked into once.
        (r#""\"{}\"""#, "must be an object, not text"),
    ] {
        let faults = load(bytes.as_bytes(), &environment).expect_err(bytes);
        assert_eq!(
            faults.to_string(),
            format!("configuration: {line}"),
            "{bytes}"
        );
    }
}

#[test]
fn nothing_is_an_empty_struct() {
    let faults = load(b"", &environment).expect_err("nothing");
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "access: must be set; the gate does not guess who decides; \
             write catalog_decides when the catalog does",
            "catalogs: must be set; without a catalog every request would be refused",
            "issuers: must be set; without an issuer nobody's token would be accepted",
        ]
    );
}

#[test]
fn ten_faults_are_ten_lines() {
    let configuration = json!({
        "issuers": {
            "corp": {
                "profile": "ping",
                "issuer": "https://idp.example.com/realms/lake",
                "cluster": "idp",
                "audiences": [],
                "algoritms": ["RS256"],
                "leeway": "5m",
                "client": {"id": "icegate", "secret": "canary"},
            },
        },
        "catalogs": {
            "lake": {"kind": "nessie", "base_path": "/x", "token": {"from": "crop", "audience": "lake"}},
            "mart": {"kind": "nessie", "base_path": "/x", "token": {"from": "corp", "audience": ""}},
        },
        "limits": {"exchange_timeout": "20s"},
    });
    let faults = load_value(&configuration).expect_err("ten faults");
    assert_eq!(faults.len(), 10);
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "access",
            "catalogs.lake.token.from",
            "catalogs.mart.base_path",
            "catalogs.mart.token.audience",
            "issuers.corp.algoritms",
            "issuers.corp.audiences",
            "issuers.corp.client.secret",
            "issuers.corp.leeway",
            "issuers.corp.profile",
            "limits.exchange_timeout",
        ]
    );
    assert!(!faults.to_string().contains("canary"));
    assert!(!faults.to_string().contains(SECRET));
}
