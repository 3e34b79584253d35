//! The JSON schema (`envoy/icegate.schema.json`) and the reference (`docs/configuration.md`), both
//! made from the blocks that read the configuration. Not compiled into the wasm module.

use serde_json::json;

use super::file::File;
use super::node::Field;
use super::shape::{Row, Rule, put};
use crate::json::Value;

/// The JSON schema of the configuration, draft 2020-12, as `envoy/icegate.schema.json` holds it.
pub fn schema() -> String {
    let mut schema = File::shape().schema;
    put(
        &mut schema,
        "$schema",
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    put(&mut schema, "title", "icegate".into());
    format!("{schema:#}\n")
}

/// The reference of the configuration, as `docs/configuration.md` holds it.
pub fn reference() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         <!-- Made from src/config/file.rs: ICEGATE_BLESS=1 cargo test --test native config_files -->\n",
    );
    let sections = File::shape().sections;
    let fields = sections.iter().flat_map(|section| &section.rows);
    let order: Vec<&str> = fields.map(|row| row.name).collect();
    let mut told = Vec::new();
    for section in &sections {
        // A block that stands in several places is told once.
        if told.contains(&section.place) {
            continue;
        }
        told.push(section.place);
        if !section.place.is_empty() {
            text.push_str(&format!("\n## `{}`\n", section.place));
        }
        text.push_str(&format!("\n{}\n\n", section.about));
        if section.place.is_empty() {
            text.push_str(&format!(
                "The smallest one:\n\n```yaml\n{}```\n\n",
                yaml(&smallest(), 0, &order)
            ));
        }
        text.push_str("| field | type | default | what it is | without it, and why |\n|---|---|---|---|---|\n");
        for row in &section.rows {
            text.push_str(&line(row));
        }
    }
    text
}

/// The smallest configuration, as the reference shows it; a test loads it.
pub fn smallest() -> Value {
    json!({
        "issuers": {"corp": {
            "profile": "keycloak",
            "issuer": "https://idp.example.com/realms/lake",
            "cluster": "idp",
            "audiences": ["icegate"],
            "client": {"id": "icegate", "secret": {"env": "ICEGATE_SECRET"}},
        }},
        "catalogs": {"lake": {
            "kind": "nessie",
            "base_path": "/iceberg",
            "token": {"from": "corp", "audience": "catalog"},
        }},
        "access": "catalog_decides",
    })
}

/// Block style for objects, flow style for the rest, in the order in which fields are declared.
/// Good enough for words, which is all that the example holds.
fn yaml(value: &Value, depth: usize, order: &[&str]) -> String {
    let Value::Object(members) = value else {
        return String::new();
    };
    let mut members: Vec<(&String, &Value)> = members.iter().collect();
    members.sort_by_key(|(key, _)| order.iter().position(|name| name == key));
    let indent = "  ".repeat(depth);
    let inner = depth.saturating_add(1);
    let lines = members.into_iter().map(|(key, value)| match value {
        Value::Object(_) => format!("{indent}{key}:\n{}", yaml(value, inner, order)),
        other => format!("{indent}{key}: {}\n", compact(other)),
    });
    lines.collect()
}

/// A row of a table.
fn line(row: &Row) -> String {
    let (default, without) = match &row.rule {
        Rule::Required(why) => ("required".to_owned(), format!("Does not load: {why}.")),
        Rule::Default(default, why) => (format!("`{}`", compact(default)), (*why).to_owned()),
        Rule::Block(what) => ("`{}`".to_owned(), sentence(what)),
        Rule::Optional(what, why) => ((*what).to_owned(), sentence(why)),
    };
    let cells = [
        format!("`{}`", row.name),
        row.shape.words.clone(),
        default,
        row.about.clone(),
        without,
    ];
    format!(
        "| {} |\n",
        cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
    )
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    let rest = chars.as_str();
    first
        .into_iter()
        .chain(rest.chars())
        .chain((!text.ends_with('.')).then_some('.'))
        .collect()
}

/// As one writes it in YAML.
fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(elements) => {
            let elements: Vec<String> = elements
                .iter()
                .map(|element| {
                    if element == "" {
                        "\"\"".to_owned()
                    } else {
                        compact(element)
                    }
                })
                .collect();
            format!("[{}]", elements.join(", "))
        }
        other => other.to_string(),
    }
}
