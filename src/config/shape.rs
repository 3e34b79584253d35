//! What the values and blocks of the configuration look like, for `reference`.
//! Not compiled into the wasm module.

use serde_json::json;

use super::node::Field;
use crate::json::{Object, Value};

/// What a value looks like.
pub(crate) struct Shape {
    /// Its JSON schema (draft 2020-12).
    pub(crate) schema: Value,
    /// Its type, in words.
    pub(super) words: String,
    /// The blocks in it, outermost first.
    pub(super) sections: Vec<Section>,
}

/// A block, as the reference shows it.
pub(super) struct Section {
    pub(super) place: &'static str,
    pub(super) about: String,
    pub(super) rows: Vec<Row>,
}

/// A field of a block.
pub(crate) struct Row {
    pub(super) name: &'static str,
    pub(super) about: String,
    pub(super) shape: Shape,
    pub(super) rule: Rule,
}

/// What happens without a field.
pub(super) enum Rule {
    Required(&'static str),
    Default(Value, &'static str),
    Optional(&'static str, &'static str),
    Block(&'static str),
}

/// A default that can be shown.
pub(crate) trait Show {
    /// As it would be written.
    fn show(&self) -> Value;
}

impl Show for String {
    fn show(&self) -> Value {
        Value::from(self.as_str())
    }
}

/// The paragraphs of a documentation comment, one line.
fn one_line(doc: &[&str]) -> String {
    doc.iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join(" ")
}

impl Row {
    fn new<T: Field>(name: &'static str, about: &[&str], rule: Rule) -> Self {
        Self {
            name,
            about: one_line(about),
            shape: T::shape(),
            rule,
        }
    }

    /// A field that must be there.
    pub(crate) fn required<T: Field>(
        name: &'static str,
        about: &[&str],
        why: &'static str,
    ) -> Self {
        Self::new::<T>(name, about, Rule::Required(why))
    }

    /// A field with a default.
    pub(crate) fn default<T: Field + Show>(
        name: &'static str,
        about: &[&str],
        default: T,
        why: &'static str,
    ) -> Self {
        Self::new::<T>(name, about, Rule::Default(default.show(), why))
    }

    /// A field that may be left out.
    pub(crate) fn optional<T: Field>(
        name: &'static str,
        about: &[&str],
        what: &'static str,
        why: &'static str,
    ) -> Self {
        Self::new::<T>(name, about, Rule::Optional(what, why))
    }

    /// A block whose fields may all be left out.
    pub(crate) fn block<T: Field>(name: &'static str, about: &[&str], what: &'static str) -> Self {
        Self::new::<T>(name, about, Rule::Block(what))
    }

    fn schema(&self) -> Value {
        let mut schema = self.shape.schema.clone();
        let about = match self.rule {
            Rule::Required(_) | Rule::Default(..) | Rule::Block(_) => self.about.clone(),
            Rule::Optional(what, _) => format!("{} Without it: {what}.", self.about),
        };
        put(&mut schema, "description", about.into());
        if let Rule::Default(default, _) = &self.rule {
            put(&mut schema, "default", default.clone());
        }
        schema
    }
}

pub(super) fn put(schema: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = schema {
        members.insert(key.to_owned(), value);
    }
}

/// How GitHub and mdBook name the anchor of a heading that is code.
fn anchor(place: &str) -> String {
    place
        .chars()
        .filter(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-'))
        .collect::<String>()
        .to_lowercase()
}

/// What names in a map look like.
const NAME_PATTERN: &str = "^[a-z0-9_-]{1,63}$";

impl Shape {
    fn leaf(schema: Value, words: &str) -> Self {
        Self {
            schema,
            words: words.to_owned(),
            sections: Vec::new(),
        }
    }

    /// Text, of a form where there is a pattern.
    pub(crate) fn text(words: &str, pattern: Option<&str>) -> Self {
        let mut schema = json!({"type": "string"});
        if let Some(pattern) = pattern {
            put(&mut schema, "pattern", pattern.into());
        }
        Self::leaf(schema, words)
    }

    /// One of a few words.
    pub(crate) fn words(words: &[&str]) -> Self {
        let shown: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        Self::leaf(json!({"enum": words}), &shown.join(", "))
    }

    /// A whole number.
    pub(crate) fn count(min: usize, max: usize) -> Self {
        let schema = json!({"type": "integer", "minimum": min, "maximum": max});
        Self::leaf(schema, &format!("number, {min} to {max}"))
    }

    /// A variable of the VM's environment.
    pub(crate) fn variable() -> Self {
        let variable = json!({"type": "string", "pattern": "^[A-Z_][A-Z0-9_]{0,127}$"});
        let by_name = json!({
            "type": "object", "properties": {"env": variable}, "required": ["env"], "additionalProperties": false,
        });
        Self::leaf(by_name, "`{env: NAME}`")
    }

    /// Where a secret is.
    pub(crate) fn secret() -> Self {
        let by_name = Self::variable().schema;
        Self::leaf(
            json!({"oneOf": [by_name, {"const": "injected"}]}),
            "`{env: NAME}` or `injected`",
        )
    }

    /// Scopes by the scopes in whose place they are asked for.
    pub(crate) fn scopes(most: usize) -> Self {
        let schema = json!({
            "type": "object", "additionalProperties": {"type": "string"},
            "propertyNames": {"pattern": "^[!#-\\[\\]-~]+$"}, "minProperties": 1, "maxProperties": most,
        });
        Self::leaf(schema, "map of scopes")
    }

    /// Text by name.
    pub(crate) fn parameters() -> Self {
        let schema = json!({
            "type": "object", "additionalProperties": {"type": "string"}, "propertyNames": {"pattern": "^[!-~]+$"},
        });
        Self::leaf(schema, "map of text")
    }

    /// Yes or no.
    pub(crate) fn truth() -> Self {
        Self::leaf(json!({"type": "boolean"}), "`true` or `false`")
    }

    /// Classes and operations: too many to name them all in words.
    pub(crate) fn actions(words: &[&str]) -> Self {
        Self::leaf(json!({"enum": words}), "class or operation")
    }

    /// This word, or that.
    pub(crate) fn word_or(word: &str, other: Self) -> Self {
        Self {
            schema: json!({"anyOf": [{"const": word}, other.schema]}),
            words: format!("`{word}`, {}", other.words),
            sections: other.sections,
        }
    }

    /// A warehouse within a tenant's reach.
    pub(crate) fn reach() -> Self {
        let pair = json!({
            "type": "object", "required": ["warehouse"], "additionalProperties": false,
            "properties": {"warehouse": {"type": "string", "minLength": 1}, "prefix": {"type": "string"}},
        });
        Self::leaf(
            json!({"oneOf": [{"type": "string", "minLength": 1}, pair]}),
            "name or `{warehouse, prefix}`",
        )
    }

    /// The places of a grant, by catalog.
    pub(crate) fn at() -> Self {
        let levels = json!({"type": "array", "items": {"type": "string", "minLength": 1}});
        let name = json!({"type": "string", "minLength": 1});
        let object = json!({
            "type": "object", "required": ["namespace"], "additionalProperties": false,
            "properties": {"namespace": levels, "table": name, "view": name},
            "oneOf": [{"required": ["table"]}, {"required": ["view"]}],
        });
        let places = json!({"type": "array", "minItems": 1, "items": {"oneOf": [levels, object]}});
        let catalog = json!({"oneOf": [
            {"type": "array", "minItems": 1, "items": name},
            {"type": "object", "minProperties": 1, "additionalProperties": places},
        ]});
        Self::leaf(
            json!({"type": "object", "minProperties": 1, "additionalProperties": catalog}),
            "map of lists of warehouses, or of places by warehouse",
        )
    }

    /// A list of at least one of these.
    pub(crate) fn many(self) -> Self {
        Self {
            schema: json!({"type": "array", "items": self.schema, "minItems": 1}),
            words: format!("list of {}", self.words),
            sections: self.sections,
        }
    }

    /// A list of at least one of these, all different.
    pub(crate) fn listed(self) -> Self {
        let words = format!("list of {}", self.words);
        Self {
            schema: list(&self.schema),
            words,
            sections: self.sections,
        }
    }

    /// One of these, or a list of at least one.
    pub(crate) fn one_or_more(self) -> Self {
        let words = format!("{} or a list of it", self.words);
        let schema = json!({"oneOf": [self.schema, list(&self.schema)]});
        Self {
            schema,
            words,
            sections: self.sections,
        }
    }

    /// One of these, or a list of at least one; two may be the same.
    pub(crate) fn one_or_many(self) -> Self {
        let words = format!("{} or a list of it", self.words);
        let many = json!({"type": "array", "items": self.schema, "minItems": 1});
        Self {
            schema: json!({"oneOf": [self.schema, many]}),
            words,
            sections: self.sections,
        }
    }

    /// This text, or a list of texts.
    pub(crate) fn or_list(self) -> Self {
        let texts =
            json!({"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1});
        Self {
            schema: json!({"oneOf": [self.schema, texts]}),
            ..self
        }
    }

    /// Several of these, by name.
    pub(crate) fn named(self, most: usize) -> Self {
        let schema = json!({
            "type": "object",
            "additionalProperties": self.schema,
            "propertyNames": {"pattern": NAME_PATTERN},
            "minProperties": 1,
            "maxProperties": most,
        });
        Self {
            schema,
            words: format!("map of {}", self.words),
            sections: self.sections,
        }
    }

    /// A block.
    pub(crate) fn block(place: &'static str, about: &[&str], mut rows: Vec<Row>) -> Self {
        let properties: Object = rows
            .iter()
            .map(|row| (row.name.to_owned(), row.schema()))
            .collect();
        let required: Vec<&str> = rows
            .iter()
            .filter(|row| matches!(row.rule, Rule::Required(_)))
            .map(|row| row.name)
            .collect();
        let mut schema = json!({
            "type": "object", "description": one_line(about), "properties": properties, "additionalProperties": false,
        });
        if !required.is_empty() {
            put(&mut schema, "required", required.into());
        }
        let inner: Vec<Section> = rows
            .iter_mut()
            .flat_map(|row| std::mem::take(&mut row.shape.sections))
            .collect();
        let mut sections = vec![Section {
            place,
            about: one_line(about),
            rows,
        }];
        sections.extend(inner);
        Self {
            schema,
            words: format!("[block](#{})", anchor(place)),
            sections,
        }
    }

    /// A block in which at least one of these must be there.
    pub(crate) fn with_one_of(mut self, fields: &[&str]) -> Self {
        let ways: Vec<Value> = fields
            .iter()
            .map(|field| json!({"required": [field]}))
            .collect();
        put(&mut self.schema, "anyOf", ways.into());
        self
    }
}

fn list(schema: &Value) -> Value {
    json!({"type": "array", "items": schema, "minItems": 1, "uniqueItems": true})
}
