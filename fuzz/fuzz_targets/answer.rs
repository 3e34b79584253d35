//! Any bytes as an answer of a catalog: no panic, what is handed on is JSON in which nothing steers, and
//! guarding it again changes nothing.
#![no_main]

use icegate::guard::{AnswerKind, Terms, guard, locations};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

const KINDS: [AnswerKind; 5] =
    [AnswerKind::Config, AnswerKind::Table, AnswerKind::View, AnswerKind::Credentials, AnswerKind::Plan];

/// Names of which no value is any good.
const NEVER: [&str; 9] = [
    "token", "credential", "scope", "ssl", "auth", "rest.auth.type", "header.Authorization", "client.credentials-provider",
    "nessie.core-base-uri",
];

/// Names of which only the gate's address is any good.
const OWN: [&str; 3] = ["uri", "s3.signer.uri", "signer.uri"];

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    let kind = KINDS[usize::from(choice >> 3) % KINDS.len()];
    let terms = Terms {
        own_url: (choice & 1 == 0).then_some("https://gate/i"),
        base_path: "/i",
        withhold_credentials: choice & 2 != 0,
        withhold_signing: choice & 4 != 0,
        prefix: (choice & 128 != 0).then_some("own"),
    };
    let Ok(guarded) = guard(kind, body, &terms) else { return };
    let text = std::str::from_utf8(body).expect("what is read is UTF-8");
    // Another reader takes it for JSON, at any depth.
    serde_json::from_str::<&RawValue>(text).expect("what is read is JSON");
    assert_eq!(guarded.body.is_none(), guarded.removed.is_empty());
    let out = guarded.body.as_deref().unwrap_or(body);
    serde_json::from_slice::<&RawValue>(out).expect("what is handed on is JSON");
    let again = guard(kind, out, &terms).expect("what is handed on can be read");
    assert!(again.body.is_none() && again.prefix == guarded.prefix);
    let _ = locations(body);

    // Deeper than serde_json reads: nothing to look at.
    let Ok(value) = serde_json::from_slice::<Value>(out) else { return };
    let places: &[&str] = if kind == AnswerKind::Config { &["defaults", "overrides"] } else { &["config"] };
    for properties in places.iter().filter_map(|place| value[place].as_object()) {
        for (name, value) in properties {
            let name = name.to_ascii_lowercase();
            assert!(NEVER.iter().all(|never| never.to_ascii_lowercase() != name), "{name} survives");
            let own = value.as_str().is_some_and(|text| text.starts_with("https://gate/i"));
            assert!(own || !OWN.contains(&name.as_str()), "{name} leads to {value}");
        }
    }
    if terms.withhold_credentials && kind != AnswerKind::Config {
        assert!(value["storage-credentials"].as_array().is_none_or(Vec::is_empty));
    }
});
