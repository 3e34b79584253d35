//! Each identity provider's dialect, from the configuration to the wire: the golden requests, and what does not load.

use std::time::Duration;

use icegate::clock::UnixTime;
use icegate::config::{Config, Grant, Profile, SpeaksBy};
use icegate::exchange::{GateGrant, Inputs, Making, NoGateCall, exchange_call, gate_call};
use icegate::jose::{Algorithm, Claims, CompactJws, Crypto, KeySet, RustCrypto};
use icegate::wire::HttpCall;
use serde_json::{Value, json};

use crate::support::load_with;

const NOW: u64 = 1_800_000_000;
const SUBJECT: &str = "eyJh.eyJz.c2ln";
const ES256: &str = include_str!("golden/keys/rfc7515-a3.pkcs8.pem");
const RS256: &str = include_str!("golden/keys/rfc7515-a2.pkcs8.pem");

const KEYCLOAK: (&str, &str) = (
    "http://127.0.0.1:18080/realms/lake",
    "/realms/lake/protocol/openid-connect/token",
);
pub(crate) const ENTRA: (&str, &str) = (
    "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
    "/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token",
);
const GATE_AT_ENTRA: &str = "535fb089-9ff3-47b6-9bfb-4f1264799865";
pub(crate) const AUTH0: (&str, &str) = ("https://tenant.us.auth0.com/", "/oauth/token");

/// The variables that the configurations below name.
fn environment(name: &str) -> Option<String> {
    let value = match name {
        "ICEGATE_SECRET" => "icegate-secret",
        "ENTRA_SECRET" => "sampleCredentia1s",
        "OKTA_SECRET" => "okta-secret",
        "AUTH0_SECRET" => "auth0-secret",
        "TRINO_SECRET" => "trino-secret",
        "DBT_SECRET" => "dbt-secret",
        "RFC_SECRET" => "long-secure-random-secret",
        "ES256_KEY" => ES256,
        "RS256_KEY" => RS256,
        "NOT_A_KEY" => "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "EMPTY" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

/// One issuer and one catalog. Metadata is not read, so that the token path is here.
pub(crate) fn written(
    profile: &str,
    (issuer, path): (&str, &str),
    client: Value,
    token: Value,
) -> Value {
    let mut token = token;
    token["from"] = json!("corp");
    json!({
        "issuers": {"corp": {
            "profile": profile, "issuer": issuer, "cluster": "idp", "audiences": ["gate"],
            "token_path": path, "client": client,
        }},
        "catalogs": {"lake": {"kind": "iceberg", "base_path": "/iceberg", "token": token}},
        "access": "catalog_decides",
    })
}

/// Okta: an authorization server for the gate's audience, and one for the catalog's that trusts it.
pub(crate) fn okta(client: Value) -> Value {
    json!({
        "issuers": {
            "people": {
                "profile": "okta", "issuer": "https://example.okta.com/oauth2/default", "cluster": "okta",
                "audiences": ["api://gate"],
            },
            "lake": {
                "profile": "okta", "issuer": "https://example.okta.com/oauth2/aus9awb5qgcRPB2Ey9c5", "cluster": "okta",
                "audiences": ["api://gate"], "token_path": "/oauth2/aus9awb5qgcRPB2Ey9c5/v1/token", "client": client,
            },
        },
        "catalogs": {"lake": {"kind": "iceberg", "base_path": "/iceberg", "token": {
            "from": "people", "at": "lake", "audience": "com.api.atko", "scope": "api:access:read api:access:write",
        }}},
        "access": "catalog_decides",
    })
}

#[track_caller]
pub(crate) fn loaded(configuration: &Value) -> Config {
    load_with(configuration, &environment).unwrap_or_else(|faults| panic!("{faults}"))
}

/// What every draw of randomness gives: bytes of its number.
fn with<T>(then: impl FnOnce(&mut Making<'_>) -> T) -> T {
    let mut count = 0_u8;
    let mut making = Making {
        now: UnixTime::from_secs(NOW),
        random: &mut |bytes| {
            count = count.wrapping_add(1);
            bytes.fill(count);
        },
    };
    then(&mut making)
}

/// The call for the first catalog.
fn call(config: &Config, grant: Grant, making: &mut Making<'_>) -> HttpCall {
    let context = &config.contexts[0];
    let issuer = &config.issuers[usize::from(context.token.at.0)];
    let inputs = Inputs {
        generation: &config.generation,
        issuer,
        client: config.client(context).unwrap(),
        grant,
        rule: &context.token,
        catalog: "lake",
        tenant: None,
        token_path: issuer.token_path.as_deref().unwrap(),
        subject_token: SUBJECT,
    };
    exchange_call(&inputs, making).unwrap()
}

fn exchange(config: &Config) -> HttpCall {
    with(|making| call(config, Grant::Exchange, making))
}

/// The token of a program's own account.
fn own_account(config: &Config) -> HttpCall {
    with(|making| call(config, Grant::ClientCredentials, making))
}

/// The gate tokens of the issuer, by its client and what it asks for.
fn gate(mut configuration: Value, client: Value, asks: Value) -> Config {
    let mut gate_tokens = json!({"client": client, "scopes": {"catalog": ""}});
    let members = gate_tokens.as_object_mut().unwrap();
    members.extend(asks.as_object().unwrap().clone());
    configuration["issuers"]["corp"]["gate_tokens"] = gate_tokens;
    configuration["allow_on_headers_stop_iteration"] = json!(true);
    loaded(&configuration)
}

fn gate_token(
    config: &Config,
    scope: Option<&str>,
    grant: GateGrant<'_>,
) -> Result<HttpCall, NoGateCall> {
    let issuer = &config.issuers[0];
    let (rule, path) = (
        issuer.gate_tokens.as_ref().unwrap(),
        issuer.token_path.as_deref(),
    );
    with(|making| {
        gate_call(
            issuer,
            rule,
            path.unwrap(),
            scope,
            grant,
            making,
            Duration::from_secs(5),
        )
    })
}

/// The whole call, as HTTP/1.1, and its client assertion, which is left out.
fn wire(call: &HttpCall) -> (String, Option<String>) {
    let mut text = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\n",
        call.method, call.path, call.authority
    );
    for (name, value) in &call.headers {
        text.push_str(&format!("{name}: {}\r\n", value.expose()));
    }
    text.push_str("\r\n");
    let body = str::from_utf8(call.body.expose()).unwrap();
    match body.split_once("client_assertion=") {
        Some((before, assertion)) => {
            text.push_str(&format!("{before}client_assertion={{assertion}}"));
            (text, Some(assertion.to_owned()))
        }
        None => (text + body, None),
    }
}

fn golden(text: &str) -> String {
    text.replace("{version}", env!("CARGO_PKG_VERSION"))
}

macro_rules! golden {
    ($file:literal) => {
        golden(include_str!(concat!("golden/oauth/requests/", $file)))
    };
}

pub(crate) fn entra_written(client: Value) -> Value {
    let token = json!({"scope": "api://catalog/.default", "expect_audience": "catalog"});
    written("entra", ENTRA, client, token)
}

fn entra(client: Value) -> Config {
    loaded(&entra_written(client))
}

#[test]
fn entra_on_behalf_of() {
    let secret = json!({"env": "ENTRA_SECRET"});
    let post = entra(json!({
        "id": GATE_AT_ENTRA, "secret": secret, "authentication": "client_secret_post",
    }));
    assert_eq!(wire(&exchange(&post)).0, golden!("entra-post.http"));
    let basic = entra(json!({"id": GATE_AT_ENTRA, "secret": secret}));
    assert_eq!(wire(&exchange(&basic)).0, golden!("entra-basic.http"));
    assert_eq!(
        wire(&own_account(&post)).0,
        golden!("entra-client-credentials.http")
    );
    let asks = json!({"scopes": {"catalog": "api://gate/.default"}});
    let id = "8c1f0000-9ff3-47b6-9bfb-4f1264799865";
    let config = gate(
        entra_written(json!({"id": GATE_AT_ENTRA, "secret": secret})),
        json!({"id": id, "secret": secret}),
        asks,
    );
    let word = gate_token(&config, None, GateGrant::Assertion(SUBJECT));
    assert_eq!(word.unwrap_err(), NoGateCall::NoGrant);
    let issuer = &post.issuers[0];
    assert_eq!(issuer.subject_claim.0, ["oid"]);
    assert_eq!(issuer.name_claim.0, ["preferred_username"]);
}

#[test]
fn okta_on_behalf_of() {
    let id = "0oa9aw62CPUnXomeU9c5";
    let basic = loaded(&okta(json!({"id": id, "secret": {"env": "OKTA_SECRET"}})));
    assert_eq!(wire(&exchange(&basic)).0, golden!("okta-basic.http"));
    let by_key = loaded(&okta(json!({
        "id": id, "authentication": "private_key_jwt", "key": {"env": "RS256_KEY"}, "key_id": "gate-1",
    })));
    let (text, assertion) = wire(&exchange(&by_key));
    assert_eq!(text, golden!("okta-key.http"));
    let endpoint = "https://example.okta.com/oauth2/aus9awb5qgcRPB2Ey9c5/v1/token";
    is_assertion(
        &assertion.unwrap(),
        RS256,
        Algorithm::RS256,
        "gate-1",
        id,
        endpoint,
    );
    assert_eq!(by_key.issuers[0].name.as_ref(), "lake");
    assert_eq!(by_key.contexts[0].token.at.0, 0);
    assert_eq!(by_key.contexts[0].token.from.0, 1);
}

#[test]
fn auth0_on_behalf_of_and_custom() {
    let client = |id: &str, more: Value| {
        let mut client = json!({"id": id, "secret": {"env": "AUTH0_SECRET"}});
        let members = client.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        client
    };
    let post = json!({"authentication": "client_secret_post"});
    let token = json!({"audience": "https://my-api.example.com"});
    let on_behalf_of = loaded(&written(
        "auth0",
        AUTH0,
        client("mcp_server_client_id", post),
        token,
    ));
    assert_eq!(
        wire(&exchange(&on_behalf_of)).0,
        golden!("auth0-on-behalf-of.http")
    );

    let own_type = json!("urn:acme:external-idp-migration");
    let custom = json!({"authentication": "client_secret_post", "subject_token_type": own_type});
    let token = json!({
        "audience": "https://api.acme.com", "scope": "acme-scope1 acme-scope2",
        "parameters": {"organization": "periscope-acme"},
    });
    let custom = loaded(&written("auth0", AUTH0, client("acme", custom), token));
    assert_eq!(wire(&exchange(&custom)).0, golden!("auth0-custom.http"));

    let own_type = json!({"subject_token_type": own_type});
    let catalogs = written(
        "auth0",
        AUTH0,
        client("x", json!({})),
        json!({"audience": "https://api.acme.com"}),
    );
    let config = gate(
        catalogs,
        client("acme", own_type),
        json!({"audience": "icegate"}),
    );
    let word = gate_token(&config, None, GateGrant::Assertion(SUBJECT)).unwrap();
    assert_eq!(wire(&word).0, golden!("auth0-word.http"));
}

fn keycloak(client: Value, token: Value) -> Config {
    loaded(&written("keycloak", KEYCLOAK, client, token))
}

#[test]
fn keycloak_by_key_and_by_certificate() {
    let token = json!({"audience": "catalog"});
    let by_key = json!({
        "id": "icegate-jwt", "authentication": "private_key_jwt", "key": {"env": "ES256_KEY"}, "key_id": "icegate-jwt-1",
    });
    let config = keycloak(by_key.clone(), token.clone());
    let (text, assertion) = wire(&exchange(&config));
    assert_eq!(text, golden!("keycloak-key.http"));
    is_assertion(
        &assertion.unwrap(),
        ES256,
        Algorithm::ES256,
        "icegate-jwt-1",
        "icegate-jwt",
        KEYCLOAK.0,
    );
    let shown = format!("{config:?} {:?}", exchange(&config));
    assert!(
        !shown.contains("PRIVATE") && !shown.contains("eyJh"),
        "{shown}"
    );

    let mut elsewhere = by_key;
    elsewhere["assertion_audience"] = json!("https://idp.example.com/token");
    let (_, assertion) = wire(&exchange(&keycloak(elsewhere, token.clone())));
    let audience = "https://idp.example.com/token";
    is_assertion(
        &assertion.unwrap(),
        ES256,
        Algorithm::ES256,
        "icegate-jwt-1",
        "icegate-jwt",
        audience,
    );

    let by_certificate =
        json!({"id": "icegate-tls", "authentication": "tls_client_auth", "cluster": "idp-tls"});
    let call = exchange(&keycloak(by_certificate, token));
    assert_eq!(wire(&call).0, golden!("keycloak-certificate.http"));
    assert_eq!(&*call.cluster, "idp-tls");
}

#[test]
fn keycloak_on_an_engines_word() {
    let catalogs = || {
        let exchanges = json!({"id": "exchanges", "secret": {"env": "ICEGATE_SECRET"}});
        written(
            "keycloak",
            KEYCLOAK,
            exchanges,
            json!({"audience": "catalog"}),
        )
    };
    let icegate = json!({"id": "icegate", "secret": {"env": "ICEGATE_SECRET"}});
    // An audience is for the exchange; this grant ignores it.
    let config = gate(catalogs(), icegate, json!({"audience": "icegate"}));
    let assertion = gate_token(&config, Some("table.read"), GateGrant::Assertion(SUBJECT)).unwrap();
    assert_eq!(wire(&assertion).0, golden!("keycloak-word-assertion.http"));
    let exchange = GateGrant::Exchange {
        subject: SUBJECT,
        actor: None,
    };
    let exchange = gate_token(&config, None, exchange).unwrap();
    assert_eq!(wire(&exchange).0, golden!("keycloak-gate-token.http"));

    let trino = json!({"id": "trino", "secret": {"env": "TRINO_SECRET"}});
    let config = gate(catalogs(), trino, json!({"audience": "icegate"}));
    let impersonation = gate_token(&config, None, GateGrant::Impersonation("alice")).unwrap();
    assert_eq!(
        wire(&impersonation).0,
        golden!("keycloak-word-impersonation.http")
    );

    let login = GateGrant::Login {
        id: "dbt",
        secret: "dbt-secret",
    };
    let config = loaded(&{
        let mut configuration = catalogs();
        configuration["issuers"]["corp"]["gate_tokens"] =
            json!({"scopes": {"catalog": "to-catalog"}});
        configuration["allow_on_headers_stop_iteration"] = json!(true);
        configuration
    });
    let login = gate_token(&config, Some("to-catalog"), login).unwrap();
    assert_eq!(wire(&login).0, golden!("keycloak-client-credentials.http"));
    let word = gate_token(&config, None, GateGrant::Assertion(SUBJECT));
    assert_eq!(word.unwrap_err(), NoGateCall::NoClient);
}

/// The actor is sent where the dialect has it, and nowhere else.
#[test]
fn who_is_told_of_the_actor() {
    let client = |id: &str| json!({"id": id, "secret": {"env": "ICEGATE_SECRET"}});
    let actor = GateGrant::Exchange {
        subject: SUBJECT,
        actor: Some("eyJa.eyJj.dG9y"),
    };
    for (profile, told) in [("rfc8693", true), ("keycloak", false), ("auth0", false)] {
        let issuer = ("https://as.example.com", "/token");
        let catalogs = written(
            profile,
            issuer,
            client("catalogs"),
            json!({"audience": "catalog"}),
        );
        let config = gate(catalogs, client("gate"), json!({"audience": "gate"}));
        let (text, _) = wire(&gate_token(&config, None, actor).unwrap());
        let sent = "actor_token=eyJa.eyJj.dG9y&actor_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";
        assert_eq!(text.contains(sent), told, "{profile}");
        assert_eq!(text.contains("actor"), told, "{profile}");
    }
}

#[test]
fn a_server_of_the_rfcs_on_an_engines_word() {
    let client = |id: &str| json!({"id": id, "secret": {"env": "RFC_SECRET"}});
    let issuer = ("https://as.example.com", "/token.oauth2");
    let catalogs = written(
        "rfc8693",
        issuer,
        client("catalogs"),
        json!({"audience": "x"}),
    );
    let config = gate(catalogs, client("rs08"), json!({}));
    let assertion = gate_token(&config, None, GateGrant::Assertion(SUBJECT)).unwrap();
    assert_eq!(wire(&assertion).0, golden!("rfc7523-word.http"));
    let impersonation = gate_token(&config, None, GateGrant::Impersonation("alice"));
    assert_eq!(impersonation.unwrap_err(), NoGateCall::NoGrant);
}

/// RFC 7523 section 3, and what Keycloak wants beyond it: one audience, `jti`, `iat`, a minute.
#[track_caller]
fn is_assertion(
    text: &str,
    pem: &str,
    algorithm: Algorithm,
    kid: &str,
    client: &str,
    audience: &str,
) {
    let jws = CompactJws::parse(text.as_bytes()).unwrap();
    let header = jws.header();
    assert_eq!(
        (header.algorithm(), header.kid(), header.typ()),
        (Some(algorithm), Some(kid), Some("JWT"))
    );
    let claims = Claims::parse(jws.payload()).unwrap();
    assert_eq!((claims.iss(), claims.sub()), (Some(client), Some(client)));
    assert_eq!(claims.get("aud").unwrap().as_str(), Some(audience));
    assert_eq!(claims.issued_at(), Some(UnixTime::from_secs(NOW)));
    assert_eq!(claims.expires(), Some(UnixTime::from_secs(NOW + 60)));
    // 16 bytes of the first draw.
    assert_eq!(
        claims.get("jti").unwrap().as_str(),
        Some("AQEBAQEBAQEBAQEBAQEBAQ")
    );
    let public = RustCrypto.load_signing_key(pem).unwrap().public_jwk(kid);
    let keys = KeySet::parse(format!(r#"{{"keys":[{public}]}}"#).as_bytes(), &RustCrypto).unwrap();
    keys.verify(algorithm, &jws).unwrap();
}

/// Two calls of one exchange have two assertions, and one key.
#[test]
fn no_assertion_is_sent_twice() {
    let client = json!({
        "id": "icegate-jwt", "authentication": "private_key_jwt", "key": {"env": "ES256_KEY"}, "key_id": "1",
    });
    let config = keycloak(client, json!({"audience": "catalog"}));
    let calls = with(|making| {
        let mut assertion = || wire(&call(&config, Grant::Exchange, making)).1.unwrap();
        [assertion(), assertion()]
    });
    assert_ne!(calls[0], calls[1]);
}

/// A fault that a configuration has, with its whole text.
#[track_caller]
fn causes(configuration: &Value, expected: &[&str]) {
    let faults = load_with(configuration, &environment).expect_err("it has faults");
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, expected);
    let shown = faults.join(" ");
    for secret in ["sampleCredentia1s", "BEGIN", "AAAA"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn what_entra_does_not_take() {
    let client = json!({"id": GATE_AT_ENTRA, "secret": {"env": "ENTRA_SECRET"}});
    let of = |client: &Value, token: Value| written("entra", ENTRA, client.clone(), token);
    causes(
        &of(&client, json!({"audience": "catalog"})),
        &[
            "catalogs.lake.token.audience: must be left out; Entra takes no audience: scope names the resource",
            "catalogs.lake.token.scope: must be set; Entra gives a token for the resource that scope names, as in \
             api://catalog/.default",
        ],
    );
    causes(
        &of(
            &client,
            json!({
                "scope": "api://catalog/.default", "resource": "https://catalog.example.com",
                "requested_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "parameters": {"requested_token_use": "x", "claims": "y"},
            }),
        ),
        &[
            "catalogs.lake.token.expect_audience: must be set where no audience is sent; the minted token is checked for it",
            "catalogs.lake.token.parameters.requested_token_use: is reserved: the gate sends it itself",
            "catalogs.lake.token.requested_token_type: must be left out; Entra's on-behalf-of flow gives access tokens, and \
             has a use for it with SAML alone",
            "catalogs.lake.token.resource: must be left out; Entra takes no resource: scope names it",
        ],
    );
    let good = json!({"scope": "api://catalog/.default", "expect_audience": "catalog"});
    let by_key = json!({
        "id": GATE_AT_ENTRA, "authentication": "private_key_jwt", "key": {"env": "RS256_KEY"}, "key_id": "1",
        "subject_token_type": "urn:acme:x",
    });
    causes(
        &of(&by_key, good.clone()),
        &[
            "issuers.corp.client.authentication: is not possible with profile entra; Entra takes client_secret_basic, \
             client_secret_post from the gate",
            "issuers.corp.client.subject_token_type: must be left out with profile entra; Entra takes access tokens alone",
        ],
    );
    let mut version_1 = of(&client, good);
    version_1["issuers"]["corp"]["issuer"] =
        json!("https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/");
    causes(
        &version_1,
        &[
            "issuers.corp.issuer: must end in /v2.0 with profile entra; tokens for the gate must be of version 2.0 \
             (api.requestedAccessTokenVersion: 2 in the manifest of its application), since the metadata of version 1.0 \
             leads to a token endpoint on another host",
        ],
    );
}

#[test]
fn what_okta_and_auth0_do_not_take() {
    let client = json!({"id": "gate", "secret": {"env": "OKTA_SECRET"}});
    let mut configuration = okta(client.clone());
    let token = configuration.pointer_mut("/catalogs/lake/token").unwrap();
    *token = json!({"from": "people", "at": "lake", "expect_audience": "com.api.atko", "resource": "https://a.example/"});
    causes(
        &configuration,
        &[
            "catalogs.lake.token.audience: must be set; Okta wants the audience of the authorization server that gives the \
             token",
            "catalogs.lake.token.resource: must be left out; Okta's token exchange does not know it",
            "catalogs.lake.token.scope: must be set; Okta gives a token for the scopes that are asked for, and its access \
             policies look at them",
        ],
    );
    let mut by_certificate = client.clone();
    by_certificate["authentication"] = json!("tls_client_auth");
    by_certificate["cluster"] = json!("okta-tls");
    by_certificate.as_object_mut().unwrap().remove("secret");
    causes(
        &okta(by_certificate),
        &[
            "issuers.lake.client.authentication: is not possible with profile okta; Okta takes client_secret_basic, \
             client_secret_post, private_key_jwt from the gate",
        ],
    );
    let mut reserved = client;
    reserved["secret"] = json!({"env": "AUTH0_SECRET"});
    reserved["subject_token_type"] = json!("urn:ietf:params:oauth:token-type:jwt");
    causes(
        &written(
            "auth0",
            AUTH0,
            reserved,
            json!({"audience": "a", "resource": "https://a.example/"}),
        ),
        &[
            "catalogs.lake.token.resource: must be left out; Auth0 names an API by audience",
            "issuers.corp.client.subject_token_type: must not begin with urn:ietf with profile auth0; Auth0 keeps that for \
             itself, but for urn:ietf:params:oauth:token-type:access_token",
        ],
    );
}

#[test]
fn what_goes_with_a_key_and_what_does_not() {
    let of = |client: Value| written("keycloak", KEYCLOAK, client, json!({"audience": "catalog"}));
    causes(
        &of(
            json!({"id": "gate", "authentication": "private_key_jwt", "secret": {"env": "ICEGATE_SECRET"}}),
        ),
        &[
            "issuers.corp.client.key: must be set with authentication: private_key_jwt; the gate signs with it; \
             key: {env: NAME}",
            "issuers.corp.client.key_id: must be set with authentication: private_key_jwt; the identity provider finds the \
             key by it",
            "issuers.corp.client.secret: must be left out with authentication: private_key_jwt; the gate proves itself \
             otherwise",
        ],
    );
    causes(
        &of(json!({
            "id": "gate", "authentication": "private_key_jwt", "key": "-----BEGIN PRIVATE KEY-----", "key_id": "a b",
        })),
        &[
            "issuers.corp.client.key: must not hold the key: put it by name into the environment of the VM, \
             key: {env: NAME}; the configuration shows in Envoy's config_dump",
            "issuers.corp.client.key_id: must be a key's id: 1 to 128 visible ASCII characters",
        ],
    );
    for (variable, expected) in [
        (
            "NOT_A_KEY",
            "holds no private key that the gate can sign with; it must be one key in PEM",
        ),
        ("EMPTY", "is missing or empty; set it for Envoy"),
        ("NOWHERE", "is missing or empty; set it for Envoy"),
    ] {
        let client = json!({
            "id": "gate", "authentication": "private_key_jwt", "key": {"env": variable}, "key_id": "1",
        });
        let faults = load_with(&of(client), &environment)
            .expect_err(variable)
            .to_string();
        let start = format!("issuers.corp.client.key: environment variable {variable} {expected}");
        assert!(
            faults.contains(&start) && !faults.contains("AAAA"),
            "{faults}"
        );
    }
    causes(
        &of(json!({
            "id": "gate", "secret": {"env": "ICEGATE_SECRET"}, "key": {"env": "ES256_KEY"}, "key_id": "1",
            "assertion_audience": "https://idp.example.com",
        })),
        &[
            "issuers.corp.client.assertion_audience: says nothing without authentication: private_key_jwt, which signs with \
             a key",
            "issuers.corp.client.key: says nothing without authentication: private_key_jwt, which signs with a key",
            "issuers.corp.client.key_id: says nothing without authentication: private_key_jwt, which signs with a key",
        ],
    );
    causes(
        &of(json!({"id": "gate"})),
        &[
            "issuers.corp.client.secret: must be set; the gate must prove who it is; secret: {env: NAME} or secret: injected",
        ],
    );
    causes(
        &of(json!({"id": "gate", "authentication": "tls_client_auth"})),
        &[
            "issuers.corp.client.cluster: must be set with authentication: tls_client_auth; a cluster of its own carries the \
             gate's credential and nothing else",
        ],
    );
    causes(
        &of(json!({"id": "gate", "authentication": "tls_client_auth", "cluster": "idp"})),
        &[
            "issuers.corp.client.cluster: is also issuers.corp.cluster; with authentication: tls_client_auth it must carry \
             nothing but this client's exchanges",
        ],
    );
    causes(
        &of(
            json!({"id": "gate", "secret": {"env": "ICEGATE_SECRET"}, "subject_token_type": "urn:x:y"}),
        ),
        &[
            "issuers.corp.client.subject_token_type: must be left out with profile keycloak; Keycloak takes access tokens \
             alone",
        ],
    );
}

/// An identity provider is told who acts where the dialect has that.
#[test]
fn who_may_be_told_of_the_actor() {
    let of = |profile: &str, client: Option<Value>| {
        let catalogs = written(
            profile,
            KEYCLOAK,
            json!({"id": "icegate", "secret": {"env": "ICEGATE_SECRET"}}),
            json!({"audience": "catalog"}),
        );
        let mut configuration = catalogs;
        configuration["allow_on_headers_stop_iteration"] = json!(true);
        let mut gate_tokens = json!({"delegation": true});
        if let Some(client) = client {
            gate_tokens["client"] = client;
        }
        configuration["issuers"]["corp"]["gate_tokens"] = gate_tokens;
        configuration
    };
    let client = Some(json!({"id": "tokens", "secret": {"env": "ICEGATE_SECRET"}}));
    let config = loaded(&of("rfc8693", client.clone()));
    assert!(config.issuers[0].gate_tokens.as_ref().unwrap().delegation);
    causes(
        &of("keycloak", client.clone()),
        &[
            "issuers.corp.gate_tokens.delegation: must be left out with profile keycloak; Keycloak 26.7 ignores actor_token",
        ],
    );
    causes(
        &of("auth0", client),
        &[
            "issuers.corp.gate_tokens.delegation: must be left out with profile auth0; Auth0's custom token exchange takes an \
             ID token or a type of one's own as actor_token, and no access token",
        ],
    );
    causes(
        &of("rfc8693", None),
        &[
            "issuers.corp.gate_tokens.delegation: needs gate_tokens.client, which exchanges persons' tokens",
        ],
    );
}

/// Another issuer's tokens are exchanged where the dialect has that.
#[test]
fn where_tokens_of_another_issuer_are_exchanged() {
    let two = |profile: &str, people: Value, lake: Value, token: Value| {
        let issuer = |name: &str, more: Value| {
            let mut issuer = json!({
                "profile": profile, "issuer": format!("https://{name}.example.com/v2.0"), "cluster": "idp",
                "audiences": ["gate"],
            });
            issuer
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            issuer
        };
        json!({
            "issuers": {"people": issuer("people", people), "lake": issuer("lake", lake)},
            "catalogs": {"lake": {"kind": "iceberg", "base_path": "/iceberg", "token": token}},
            "access": "catalog_decides",
        })
    };
    let client = json!({"client": {"id": "gate", "secret": {"env": "ICEGATE_SECRET"}}});
    let token = json!({"from": "people", "at": "lake", "audience": "catalog", "scope": "x"});
    for profile in ["rfc8693", "okta", "auth0"] {
        let config = loaded(&two(profile, json!({}), client.clone(), token.clone()));
        let rule = &config.contexts[0].token;
        assert_eq!((rule.from.0, rule.at.0), (1, 0), "{profile}");
        assert_eq!(&*config.client(&config.contexts[0]).unwrap().id, "gate");
    }
    causes(
        &two("keycloak", json!({}), client.clone(), token.clone()),
        &[
            "catalogs.lake.token.at: must be left out with profile keycloak; Keycloak's standard token exchange takes the \
             tokens of its own realm alone",
        ],
    );
    causes(
        &two("rfc8693", client.clone(), json!({}), token.clone()),
        &[
            "catalogs.lake.token.at: names an issuer without a client; the gate could not exchange there",
        ],
    );
    let mut nobody = token.clone();
    nobody["at"] = json!("lakes");
    causes(
        &two("rfc8693", json!({}), client.clone(), nobody),
        &["catalogs.lake.token.at: names no issuer of this configuration; did you mean lake?"],
    );
    // It is the other issuer whose tokens must not come back.
    let mut replayed = token;
    replayed["audience"] = json!("gate");
    causes(
        &two("rfc8693", json!({}), client, replayed),
        &[
            "catalogs.lake.token.audience: is an audience of the gate itself; a token that was made for the catalog could be \
             replayed at the gate",
        ],
    );
}

/// A tenant's own issuer may speak another dialect than the catalog's.
#[test]
fn a_tenant_whose_issuer_speaks_otherwise() {
    let configuration = |token: Value| {
        json!({
            "issuers": {
                "corp": {"profile": "keycloak", "issuer": KEYCLOAK.0, "cluster": "idp", "audiences": ["gate"],
                    "client": {"id": "icegate", "secret": {"env": "ICEGATE_SECRET"}}},
                "ms": {"profile": "entra", "issuer": ENTRA.0, "cluster": "ms", "audiences": ["gate"],
                    "client": {"id": GATE_AT_ENTRA, "secret": {"env": "ENTRA_SECRET"}}},
            },
            "catalogs": {"lake": {"kind": "polaris", "base_path": "/iceberg",
                "token": {"from": "corp", "audience": "catalog", "resource": "https://catalog.example.com"}}},
            "tenants": {"acme": {"who": {"issuer": "ms", "claim": "groups", "has": "acme"}, "reach": {"lake": ["raw"]},
                "token": {"lake": token}}},
            "allow_on_headers_stop_iteration": true,
            "access": "catalog_decides",
        })
    };
    let token = json!({"from": "ms", "scope": "api://catalog/.default", "expect_audience": "6ae2"});
    let config = loaded(&configuration(token));
    let rule = &config.contexts[1].token;
    assert_eq!((rule.from.0, rule.at.0), (1, 1));
    assert!(rule.audiences.is_empty() && rule.resources.is_empty());
    assert_eq!(
        (rule.requested_token_type.as_deref(), rule.scope.as_deref()),
        (None, Some("api://catalog/.default"))
    );
    causes(
        &configuration(json!({"from": "ms", "audience": "6ae2", "client": {
            "id": "x", "authentication": "private_key_jwt", "key": {"env": "ES256_KEY"}, "key_id": "1",
        }})),
        &[
            "tenants.acme.token.lake.audience: must be left out; Entra takes no audience: scope names the resource",
            "tenants.acme.token.lake.client.authentication: is not possible with profile entra; Entra takes \
             client_secret_basic, client_secret_post from the gate",
            "tenants.acme.token.lake.scope: must be set; Entra gives a token for the resource that scope names, as in \
             api://catalog/.default",
        ],
    );
}

#[test]
fn who_takes_an_engines_word() {
    let ways = |profile: Profile| {
        [SpeaksBy::Assertion, SpeaksBy::Impersonation].map(|by| by.word(profile).is_ok())
    };
    assert_eq!(ways(Profile::Keycloak), [true, true]);
    assert_eq!(ways(Profile::Rfc8693), [true, false]);
    assert_eq!(ways(Profile::Entra), [false, false]);
    assert_eq!(ways(Profile::Okta), [false, false]);
    assert_eq!(ways(Profile::Auth0), [true, false]);
}
