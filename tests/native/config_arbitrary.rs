//! Whatever is handed in: no panic, no secret in a message, and a schema that agrees.

use icegate::config::{load, schema};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::config_load::everything;
use crate::json_schema::fits;
use crate::lake::every_rule;
use crate::programs::every_program;
use crate::support::{SECRET, changed, environment, load_value};

/// A word that stands in no name, and in no message unless a value is shown.
const CANARY: &str = "canary-value";

/// Every place in a tree, as a JSON pointer; keys here need no escaping.
fn places(value: &Value, place: &str, into: &mut Vec<String>) {
    into.push(place.to_owned());
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                places(value, &format!("{place}/{key}"), into);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                places(value, &format!("{place}/{index}"), into);
            }
        }
        _ => {}
    }
}

/// Between them they have every field.
fn whole_ones() -> [Value; 4] {
    [changed(&[]), everything(), every_rule(), every_program()]
}

fn all_places(value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    places(value, "", &mut all);
    all
}

/// A configuration with something else at one place.
fn with(mut configuration: Value, place: &str, value: Value) -> Value {
    if let Some(found) = configuration.pointer_mut(place) {
        *found = value;
    }
    configuration
}

fn schema_value() -> Value {
    serde_json::from_str(&schema()).expect("the schema is JSON")
}

#[test]
fn no_message_holds_the_text_of_a_value() {
    for configuration in whole_ones() {
        for place in all_places(&configuration) {
            for value in [
                json!(CANARY),
                json!([CANARY]),
                json!([[CANARY]]),
                json!(format!("https://u:{CANARY}@x?{CANARY}")),
                json!(format!("{CANARY}\n")),
                json!({"env": CANARY}),
            ] {
                let result = load_value(&with(configuration.clone(), &place, value));
                let shown = result.err().map(|faults| format!("{faults} {faults:?}"));
                let shown = shown.unwrap_or_default();
                assert!(!shown.contains(CANARY), "{place}: {shown}");
                assert!(!shown.contains(SECRET), "{place}: {shown}");
            }
        }
    }
}

#[test]
fn the_schema_takes_what_the_loader_takes() {
    let schema = schema_value();
    for configuration in whole_ones() {
        assert!(load_value(&configuration).is_ok());
        assert!(fits(&schema, &configuration));
    }
}

#[test]
fn the_schema_refuses_what_is_unknown_missing_or_of_another_type() {
    let schema = schema_value();
    let refuses = |configuration: &Value| !fits(&schema, configuration);
    for configuration in whole_ones() {
        for place in all_places(&configuration) {
            let here = configuration.pointer(&place).expect("a place");
            let other = match here.is_boolean() {
                true => json!({}),
                false => json!(true),
            };
            assert!(
                refuses(&with(configuration.clone(), &place, other.clone())),
                "{place} {other}"
            );
            assert!(
                refuses(&with(configuration.clone(), &place, Value::Null)),
                "{place} null"
            );
            // A warehouse's root is a namespace without levels.
            let levels = !here.is_string() && place.contains("/acme_raw/");
            assert!(
                levels || refuses(&with(configuration.clone(), &place, json!([]))),
                "{place} []"
            );
            let maps = [
                "issuers",
                "catalogs",
                "tenants",
                "reach",
                "parameters",
                "at",
                "scopes",
                "services",
            ];
            let (parent, key) = place.rsplit_once('/').unwrap_or_default();
            let map = match key {
                "token" => parent.starts_with("/tenants"),
                "polaris" => parent.ends_with("/at"),
                key => maps.contains(&key),
            };
            if let Some(members) = here.as_object().filter(|_| !map) {
                let mut more = members.clone();
                more.insert("unknown_field".to_owned(), json!("x"));
                assert!(
                    refuses(&with(configuration.clone(), &place, Value::Object(more))),
                    "{place}"
                );
            }
        }
    }
    // Every field of the smallest configuration is required, but for the client.
    let smallest = changed(&[]);
    for place in all_places(&smallest) {
        let Some((parent, key)) = place.rsplit_once('/') else {
            continue;
        };
        let mut less = smallest.clone();
        let removed = less
            .pointer_mut(parent)
            .and_then(Value::as_object_mut)
            .map(|members| members.remove(key));
        if removed.is_some() && key != "client" {
            assert!(refuses(&less), "{place}");
        }
    }
}

/// JSON with the configuration's own names in it, so that its readers are reached.
fn trees() -> impl Strategy<Value = Value> {
    let texts = prop_oneof![
        Just("injected".to_owned()),
        Just("corp".to_owned()),
        Just("acme".to_owned()),
        Just("main|acme".to_owned()),
        Just("read".to_owned()),
        Just("**".to_owned()),
        Just("all".to_owned()),
        Just("s3://acme/x".to_owned()),
        Just("keycloak".to_owned()),
        Just("5s".to_owned()),
        Just("ICEGATE_ASSERTION_KEY".to_owned()),
        Just("assertion".to_owned()),
        Just("{user}".to_owned()),
        Just("exchange".to_owned()),
        Just("/x".to_owned()),
        Just("https://idp.example.com".to_owned()),
        any::<String>(),
    ];
    let leaves = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        texts.prop_map(Value::from),
    ];
    let names: Vec<String> = whole_ones()
        .iter()
        .flat_map(all_places)
        .filter_map(|place| place.rsplit_once('/').map(|(_, key)| key.to_owned()))
        .collect();
    let keys = prop_oneof![4 => proptest::sample::select(names), 1 => any::<String>()];
    leaves.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// What holds for every answer of the loader.
fn is_calm(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Err(faults) = load(bytes, &environment) {
        prop_assert!(!faults.is_empty());
        let lines = faults.to_string();
        prop_assert_eq!(lines.lines().count(), faults.len());
        prop_assert!(
            !lines.contains(|char: char| char.is_control() && char != '\n'),
            "{lines}"
        );
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        prop_assert!(paths.is_sorted() && paths.iter().all(|path| !path.is_empty()));
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        is_calm(&bytes)?;
    }

    #[test]
    fn arbitrary_trees(tree in trees()) {
        is_calm(tree.to_string().as_bytes())?;
    }

    #[test]
    fn a_configuration_with_anything_at_any_place(
        (configuration, place) in proptest::sample::select(whole_ones().to_vec())
            .prop_flat_map(|base| (Just(base.clone()), proptest::sample::select(all_places(&base)))),
        tree in trees(),
    ) {
        let configuration = with(configuration, &place, tree);
        is_calm(configuration.to_string().as_bytes())?;
        if load_value(&configuration).is_ok() {
            prop_assert!(fits(&schema_value(), &configuration), "the schema refuses {configuration}");
        }
    }
}
