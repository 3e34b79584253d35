//! What a configuration without faults becomes.

use std::time::Duration;

use icegate::config::{
    Access, ClaimPath, ClientAuthentication, Config, IssuerId, KeySource, Profile, Scheme, load,
    smallest,
};
use icegate::iceberg::{Kind, Layout};
use icegate::jose::Algorithm;
use serde_json::{Value, json};

use crate::support::{SECRET, changed, environment, load_value};

fn loaded(changes: &[(&str, Value)]) -> Config {
    load_value(&changed(changes)).unwrap_or_else(|faults| panic!("{faults}"))
}

fn claim(members: &[&str]) -> ClaimPath {
    ClaimPath(members.iter().map(|member| (*member).to_owned()).collect())
}

#[test]
fn the_smallest_one_and_every_default() {
    let config = loaded(&[]);

    assert_eq!(config.access, Access::CatalogDecides);
    let [issuer] = config.issuers.as_slice() else {
        panic!("one issuer")
    };
    assert_eq!(&*issuer.name, "corp");
    assert_eq!(issuer.profile, Profile::Keycloak);
    assert_eq!(&*issuer.issuer, "https://idp.example.com/realms/lake");
    assert_eq!(&*issuer.endpoint.cluster, "idp");
    assert_eq!(&*issuer.endpoint.authority, "idp.example.com");
    assert_eq!(issuer.endpoint.scheme, Scheme::Https);
    assert_eq!(issuer.keys, KeySource::OpenIdDiscovery);
    assert_eq!(issuer.token_path, None);
    assert_eq!(issuer.audiences, ["icegate"]);
    assert_eq!(
        issuer.algorithms,
        [
            Algorithm::RS256,
            Algorithm::PS256,
            Algorithm::ES256,
            Algorithm::EdDSA
        ]
    );
    assert_eq!(issuer.token_types, ["jwt", "at+jwt", ""]);
    assert_eq!(issuer.leeway, Duration::from_secs(30));
    assert_eq!(issuer.subject_claim, claim(&["sub"]));
    assert_eq!(issuer.name_claim, claim(&["preferred_username"]));
    let client = issuer.client.as_ref().expect("a client");
    assert_eq!(&*client.id, "icegate");
    assert_eq!(client.endpoint, issuer.endpoint);
    let ClientAuthentication::SecretBasic(secret) = &client.authentication else {
        panic!("{:?}", client.authentication)
    };
    assert_eq!(secret.expose(), SECRET);

    let [catalog] = config.catalogs.as_slice() else {
        panic!("one catalog")
    };
    assert_eq!(&*catalog.name, "lake");
    assert_eq!(
        Ok(&catalog.layout),
        Layout::new(Kind::Nessie, "/iceberg", "%1F").as_ref()
    );
    let token = &config.contexts[0].token;
    assert_eq!(token.from, IssuerId(0));
    assert_eq!(token.audiences, ["catalog"]);
    assert_eq!(token.expected_audience, "catalog");
    assert_eq!(token.resources, [""; 0]);
    assert_eq!(token.scope, None);
    assert_eq!(
        token.requested_token_type.as_deref(),
        Some("urn:ietf:params:oauth:token-type:access_token")
    );
    assert_eq!(token.parameters, []);
    assert_eq!(token.life, Duration::from_secs(300));

    assert_eq!(config.limits.cached_callers, 10_000);
    assert_eq!(config.limits.cache_bytes, 67_108_864);
    assert_eq!(config.limits.waiters, 4_096);
    assert_eq!(config.limits.exchanges_in_flight, 64);
    assert_eq!(config.limits.request_deadline, Duration::from_secs(10));
    assert_eq!(config.limits.exchange_timeout, Duration::from_secs(5));
    assert_eq!(config.limits.key_refresh, Duration::from_secs(300));
    assert_eq!(config.limits.key_max_age, Duration::from_secs(86_400));
}

#[test]
fn every_field_is_taken() {
    let config = load_value(&everything()).unwrap_or_else(|faults| panic!("{faults}"));

    let [ci, corp] = config.issuers.as_slice() else {
        panic!("two issuers")
    };
    assert_eq!((&*ci.name, &*corp.name), ("ci", "corp"));
    assert_eq!(ci.keys, KeySource::Path("/keys?v=1".into()));
    assert_eq!(ci.endpoint.scheme, Scheme::Http);
    assert_eq!(&*ci.endpoint.authority, "[::1]:8080");
    assert_eq!(ci.name_claim, claim(&["sub"]));
    assert!(ci.client.is_none());

    assert_eq!(corp.profile, Profile::Rfc8693);
    assert_eq!(&*corp.endpoint.authority, "idp.internal:8443");
    assert_eq!(corp.keys, KeySource::OauthDiscovery);
    assert_eq!(corp.token_path.as_deref(), Some("/oauth/token?tenant=1"));
    assert_eq!(corp.audiences, ["icegate", "https://icegate.example.com"]);
    assert_eq!(corp.algorithms, [Algorithm::ES384]);
    assert_eq!(corp.token_types, ["at+jwt"]);
    assert_eq!(corp.leeway, Duration::ZERO);
    assert_eq!(corp.subject_claim, claim(&["https://example.com/id"]));
    assert_eq!(corp.name_claim, claim(&["profile", "name"]));
    let client = corp.client.as_ref().expect("a client");
    assert!(matches!(
        client.authentication,
        ClientAuthentication::Injected
    ));
    assert_eq!(&*client.endpoint.cluster, "idp_exchange");
    assert_eq!(&*client.endpoint.authority, "idp.internal:8443");

    let [lake, _] = config.catalogs.as_slice() else {
        panic!("two catalogs")
    };
    assert_eq!(
        Ok(&lake.layout),
        Layout::new(Kind::Iceberg, "/lake", "%2E").as_ref()
    );
    let [lake_token, root_token] = [0, 1].map(|place: usize| &config.contexts[place].token);
    assert_eq!(lake_token.from, IssuerId(1));
    assert_eq!(lake_token.audiences, ["lake", "lake-admin"]);
    assert_eq!(lake_token.expected_audience, "https://lake.example.com");
    assert_eq!(lake_token.resources, ["https://lake.example.com/"]);
    assert_eq!(
        lake_token.scope.as_deref(),
        Some("catalog.read catalog.write")
    );
    assert_eq!(lake_token.requested_token_type, None);
    let parameters = [
        ("a".to_owned(), "1".to_owned()),
        ("b".to_owned(), String::new()),
    ];
    assert_eq!(lake_token.parameters, parameters);
    assert_eq!(lake_token.life, Duration::from_millis(1_500));
    assert_eq!(root_token.resources, ["urn:a", "urn:b"]);

    assert_eq!(config.limits.cached_callers, 1);
    assert_eq!(config.limits.cache_bytes, 2_000_000);
    assert_eq!(config.limits.waiters, 2);
    assert_eq!(config.limits.exchanges_in_flight, 3);
    assert_eq!(config.limits.request_deadline, Duration::from_secs(60));
    assert_eq!(config.limits.exchange_timeout, Duration::from_millis(250));
    assert_eq!(config.limits.key_refresh, Duration::from_secs(3_600));
    assert_eq!(config.limits.key_max_age, Duration::from_secs(3_600));
}

/// Every field, at a value that is not its default.
pub(crate) fn everything() -> Value {
    json!({
        "issuers": {
            "corp": {
                "profile": "rfc8693",
                "issuer": "https://idp.example.com/",
                "cluster": "outbound|443||idp.example.com",
                "authority": "idp.internal:8443",
                "audiences": ["icegate", "https://icegate.example.com"],
                "algorithms": ["ES384"],
                "token_types": ["application/AT+JWT"],
                "leeway": "0s",
                "keys": {"discovery": "oauth"},
                "token_path": "/oauth/token?tenant=1",
                "subject_claim": ["https://example.com/id"],
                "name_claim": "profile.name",
                "client": {"id": "icegate", "secret": "injected", "cluster": "idp_exchange"},
            },
            "ci": {
                "profile": "rfc8693",
                "issuer": "http://[::1]:8080/ci",
                "cluster": "ci",
                "audiences": ["icegate"],
                "keys": {"jwks_path": "/keys?v=1"},
            },
        },
        "catalogs": {
            "lake": {
                "kind": "iceberg",
                "base_path": "/lake",
                "namespace_separator": "%2E",
                "token": {
                    "from": "corp",
                    "audience": ["lake", "lake-admin"],
                    "expect_audience": "https://lake.example.com",
                    "resource": "https://lake.example.com/",
                    "scope": "catalog.read catalog.write",
                    "requested_token_type": "none",
                    "parameters": {"b": "", "a": "1"},
                    "life": "1.5s",
                },
            },
            "polaris": {
                "kind": "polaris",
                "base_path": "/lake2",
                "token": {"from": "corp", "audience": "polaris", "resource": ["urn:a", "urn:b"]},
            },
        },
        "access": "catalog_decides",
        "limits": {
            "cached_callers": 1,
            "cache_bytes": 2e6,
            "waiters": 2.0,
            "exchanges_in_flight": 3,
            "request_deadline": "1m",
            "exchange_timeout": "0.25s",
            "key_refresh": "1h",
            "key_max_age": "60m",
        },
    })
}

#[test]
fn the_secret_may_be_sent_in_the_body() {
    let config = loaded(&[(
        "/issuers/corp/client/authentication",
        json!("client_secret_post"),
    )]);
    let client = config.issuers[0].client.as_ref().expect("a client");
    assert!(matches!(
        client.authentication,
        ClientAuthentication::SecretPost(_)
    ));
}

#[test]
fn envoy_may_hand_on_a_struct_an_object_or_its_text() {
    for configuration in [smallest(), everything()] {
        let object = configuration.to_string();
        let text = Value::from(object.as_str()).to_string();
        for bytes in [
            object.into_bytes(),
            text.into_bytes(),
            members(&configuration),
        ] {
            let config = load(&bytes, &environment).unwrap_or_else(|faults| panic!("{faults}"));
            assert_eq!(
                config.issuers.len(),
                configuration["issuers"].as_object().unwrap().len()
            );
        }
    }
}

/// A field of a protocol buffers message that holds bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length > 0x7f {
        bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap());
    bytes.extend(content);
    bytes
}

/// `google.protobuf.Struct`: `map<string, Value> fields = 1`.
fn members(object: &Value) -> Vec<u8> {
    let entries = object.as_object().expect("an object").iter();
    let entries = entries.map(|(key, value)| {
        field(
            1,
            &[field(1, key.as_bytes()), field(2, &kind(value))].concat(),
        )
    });
    entries.collect::<Vec<_>>().concat()
}

/// `google.protobuf.Value`: every number is a double.
fn kind(value: &Value) -> Vec<u8> {
    match value {
        Value::Number(number) => {
            let mut bytes = vec![2 << 3 | 1];
            bytes.extend(number.as_f64().expect("a double").to_le_bytes());
            bytes
        }
        Value::String(text) => field(3, text.as_bytes()),
        Value::Object(_) => field(5, &members(value)),
        Value::Array(values) => {
            let values: Vec<Vec<u8>> = values.iter().map(|value| field(1, &kind(value))).collect();
            field(6, &values.concat())
        }
        Value::Null | Value::Bool(_) => panic!("no configuration holds {value}"),
    }
}

#[test]
fn the_generation_follows_the_bytes_and_the_secret() {
    let generation = |bytes: &str, secret: &str| {
        let environment = |_: &str| Some(secret.to_owned());
        load(bytes.as_bytes(), &environment)
            .expect("loads")
            .generation
    };
    let bytes = smallest().to_string();
    let first = generation(&bytes, "one");
    assert_eq!(first, generation(&bytes, "one"));
    assert_ne!(first, generation(&bytes, "two"));
    assert_ne!(first, generation(&format!("{bytes} "), "one"));
}

#[test]
fn no_secret_is_in_the_debug_text() {
    let shown = format!("{:?}", loaded(&[]));
    assert!(shown.contains("SecretBasic([secret])"), "{shown}");
    assert!(!shown.contains(SECRET));
}
