//! A JSON schema validator for the words that `envoy/icegate.schema.json` uses, patterns aside:
//! enough to see that the schema and the loader agree on the structure.

use serde_json::{Map, Value};

/// Whether the value fits the schema. Panics on a word that it does not know, so that no part of the
/// schema goes untested in silence.
pub(crate) fn fits(schema: &Value, value: &Value) -> bool {
    let words = schema.as_object().expect("a schema is an object");
    words
        .iter()
        .all(|(word, argument)| holds(words, word, argument, value))
}

fn holds(words: &Map<String, Value>, word: &str, argument: &Value, value: &Value) -> bool {
    let list = || argument.as_array().expect("a list");
    match word {
        "$schema" | "title" | "description" | "default" | "pattern" | "propertyNames" => true,
        "type" => match argument.as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            other => panic!("unknown type {other:?}"),
        },
        "enum" => list().contains(value),
        "const" => argument == value,
        "oneOf" => list().iter().filter(|schema| fits(schema, value)).count() == 1,
        "anyOf" => list().iter().any(|schema| fits(schema, value)),
        "minimum" => value.as_f64() >= argument.as_f64(),
        "maximum" => value.as_f64() <= argument.as_f64(),
        "minLength" => value.as_str().map(|text| text.len() as u64) >= argument.as_u64(),
        "items" => value
            .as_array()
            .is_none_or(|items| items.iter().all(|item| fits(argument, item))),
        "minItems" => value
            .as_array()
            .is_none_or(|items| items.len() as u64 >= argument.as_u64().expect("a count")),
        "uniqueItems" => value.as_array().is_none_or(|items| {
            items
                .iter()
                .enumerate()
                .all(|(index, item)| !items[..index].contains(item))
        }),
        "properties" => value.as_object().is_none_or(|members| {
            let properties = argument.as_object().expect("an object");
            members
                .iter()
                .all(|(key, value)| properties.get(key).is_none_or(|schema| fits(schema, value)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|members| {
            let known = words.get("properties").and_then(Value::as_object);
            let mut other = members
                .iter()
                .filter(|(key, _)| known.is_none_or(|known| !known.contains_key(*key)));
            match argument {
                Value::Bool(allowed) => *allowed || other.next().is_none(),
                schema => other.all(|(_, value)| fits(schema, value)),
            }
        }),
        "required" => value.as_object().is_none_or(|members| {
            list()
                .iter()
                .all(|key| members.contains_key(key.as_str().expect("a name")))
        }),
        "minProperties" => value
            .as_object()
            .is_none_or(|members| members.len() as u64 >= argument.as_u64().expect("a count")),
        "maxProperties" => value
            .as_object()
            .is_none_or(|members| members.len() as u64 <= argument.as_u64().expect("a count")),
        _ => panic!("the validator does not know {word}"),
    }
}
