//! What holds for every answer, whatever stands in it and however it is written.

use icegate::guard::{AnswerKind, Terms, guard};
use icegate::json::scan::Scanner;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

const TERMS: Terms<'_> = Terms {
    own_url: Some("https://gate.example.com/iceberg"),
    base_path: "/iceberg",
    withhold_credentials: false,
    withhold_signing: false,
    prefix: None,
};

/// Names that never survive with a value that leads elsewhere; written by hand from the clients' sources.
const STEERING: &[&str] = &[
    "uri",
    "token",
    "credential",
    "oauth2-server-uri",
    "scope",
    "audience",
    "resource",
    "auth",
    "auth.type",
    "ssl",
    "ssl.cabundle",
    "rest.auth.type",
    "rest.auth.basic.password",
    "rest.sigv4-enabled",
    "rest.signing-name",
    "rest.client.proxy.hostname",
    "rest.client.tls.configurer-impl",
    "header.Authorization",
    "header.Host",
    "header.Cookie",
    "signer.uri",
    "s3.signer.uri",
    "s3.signer.endpoint",
    "signer.endpoint",
    "credentials.uri",
    "client.refresh-credentials-endpoint",
    "gcs.oauth2.refresh-credentials-endpoint",
    "adls.refresh-credentials-endpoint",
    "client.credentials-provider",
    "client.credentials-provider.uri",
    "adls.token-credential-provider",
    "io-impl",
    "py-io-impl",
    "metrics-reporter-impl",
    "nessie.core-base-uri",
    "nessie.authentication.type",
    "urn:ietf:params:oauth:token-type:jwt",
    "token-exchange-enabled",
    "disable-header-redaction",
];

/// Names that always survive, with any value.
const HARMLESS: &[&str] = &[
    "warehouse",
    "client.region",
    "s3.endpoint",
    "s3.path-style-access",
    "s3.access-key-id",
    "rest-page-size",
    "rest.client.max-retries",
    "header.X-Iceberg-Access-Delegation",
    "nessie.is-nessie-catalog",
    "io.manifest.cache-enabled",
    "write.parquet.compression-codec",
    "",
    "\u{e9}\u{1f600}\"\\",
];

/// A string as JSON, with each character escaped or not as `escapes` says.
fn quoted(text: &str, escapes: u64) -> String {
    let mut out = String::from("\"");
    for (position, unit) in text.chars().enumerate() {
        let escape = escapes >> (position % 64) & 1 == 1;
        if escape || unit < ' ' || unit == '"' || unit == '\\' {
            for half in unit.encode_utf16(&mut [0; 2]) {
                out += &format!("\\u{half:04X}");
            }
        } else {
            out.push(unit);
        }
    }
    out + "\""
}

fn hostile_value() -> impl Strategy<Value = String> {
    select(vec![
        "\"https://evil.test/iceberg\"",
        "\"//evil.test\"",
        "\"test.evil//Class\"",
        "\"../..\"",
        "null",
        "true",
        "{\"token\":[{}]}",
        "[\"https://evil.test\"]",
        "1.50",
    ])
    .prop_map(str::to_owned)
}

#[derive(Clone, Debug)]
struct Property {
    name: String,
    steers: bool,
    value: String,
    escapes: u64,
    space: &'static str,
}

fn property() -> impl Strategy<Value = Property> {
    let name = prop_oneof![
        select(STEERING).prop_map(|name| (name, true)),
        select(HARMLESS).prop_map(|name| (name, false)),
    ];
    let space = select(vec!["", " ", "\n\t", "\r\n  "]);
    let escapes = prop_oneof![Just(0), any::<u64>()];
    (name, any::<bool>(), hostile_value(), escapes, space).prop_map(
        |((name, steers), upper, value, escapes, space)| Property {
            name: match upper && steers {
                true => name.to_ascii_uppercase(),
                false => name.to_owned(),
            },
            steers,
            value,
            escapes,
            space,
        },
    )
}

/// Properties as an object; each name once.
fn object(properties: &[Property]) -> String {
    let mut names = Vec::new();
    let mut members = Vec::new();
    for property in properties {
        if !names.contains(&&property.name) {
            names.push(&property.name);
            let name = quoted(&property.name, property.escapes);
            let space = property.space;
            members.push(format!(
                "{space}{name}{space}:{space}{}{space}",
                property.value
            ));
        }
    }
    format!("{{{}}}", members.join(","))
}

/// The harmless members, in their order, as they are written.
fn harmless(properties: &[Property]) -> Map<String, Value> {
    let mut kept = Map::new();
    for property in properties.iter().filter(|property| !property.steers) {
        if !kept.contains_key(&property.name) {
            let value = serde_json::from_str(&property.value).unwrap();
            kept.insert(property.name.clone(), value);
        }
    }
    kept
}

proptest! {
    #[test]
    fn nothing_that_steers_survives_and_nothing_else_is_lost(
        first in vec(property(), 0..12),
        second in vec(property(), 0..12),
        swapped in any::<bool>(),
    ) {
        let parts = [(AnswerKind::Config, "defaults", "overrides"), (AnswerKind::Table, "config", "unread")];
        for (kind, one, other) in parts {
            let (left, right) = if swapped { (other, one) } else { (one, other) };
            let body = format!("{{ \"{left}\" : {} , \"{right}\":{}}}", object(&first), object(&second));
            let guarded = guard(kind, body.as_bytes(), &TERMS).unwrap();
            let out = guarded.body.as_deref().unwrap_or(body.as_bytes());
            let value: Value = serde_json::from_slice(out).unwrap();
            for (name, properties) in [(left, &first), (right, &second)] {
                if name == "unread" {
                    let read: Value = serde_json::from_str(&object(properties)).unwrap();
                    prop_assert_eq!(&value[name], &read);
                } else {
                    prop_assert_eq!(value[name].as_object().unwrap(), &harmless(properties));
                }
            }
            let touched = |name: &str, list: &[Property]| name != "unread" && list.iter().any(|p| p.steers);
            prop_assert_eq!(guarded.body.is_some(), touched(left, &first) || touched(right, &second));
            let again = guard(kind, out, &TERMS).unwrap();
            prop_assert_eq!(again.body, None);
        }
    }

    #[test]
    fn members_that_stay_keep_their_bytes(properties in vec(property(), 1..12)) {
        let body = format!("{{\"overrides\":{}}}", object(&properties));
        let guarded = guard(AnswerKind::Config, body.as_bytes(), &TERMS).unwrap();
        let out = String::from_utf8(guarded.body.unwrap_or_else(|| body.clone().into_bytes())).unwrap();
        let mut seen = Vec::new();
        for property in &properties {
            if !property.steers && !seen.contains(&&property.name) {
                let name = quoted(&property.name, property.escapes);
                let member = format!("{name}{0}:{0}{1}", property.space, property.value);
                prop_assert!(out.contains(&member), "{} lacks {}", out, member);
            }
            seen.push(&property.name);
        }
    }

    #[test]
    fn any_bytes_are_an_answer_or_a_fault(bytes in vec(any::<u8>(), 0..64)) {
        for kind in [AnswerKind::Config, AnswerKind::Table, AnswerKind::Plan] {
            let _ = guard(kind, &bytes, &TERMS);
        }
    }

    #[test]
    fn what_is_handed_on_is_json_to_another_reader(
        properties in vec(property(), 0..6), at in any::<prop::sample::Index>(), byte in "[\\x00-\\x7f]",
    ) {
        let mut body = format!("{{\"config\":{0},\"metadata\":{{\"properties\":{0}}}}}", object(&properties));
        let place = at.index(body.len());
        if body.get(place..=place).is_some() {
            body.replace_range(place..=place, &byte);
        }
        let other = serde_json::from_str::<IgnoredAny>(&body).is_ok();
        let mut scanner = Scanner::new(body.as_bytes()).unwrap();
        let ours = scanner.skip().and_then(|()| scanner.end()).is_ok();
        prop_assert_eq!(ours, other, "{}", body);
        if let Ok(guarded) = guard(AnswerKind::Table, body.as_bytes(), &TERMS) {
            prop_assert!(other);
            let out = guarded.body.unwrap_or(body.into_bytes());
            prop_assert!(serde_json::from_slice::<IgnoredAny>(&out).is_ok());
        }
    }
}
