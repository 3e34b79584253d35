//! Strict JSON (RFC 8259, with the rules of I-JSON, RFC 7493, that two readers could differ on).
//!
//! Tokens, key sets, answers of identity providers and the configuration are all read here. What two
//! parsers could read differently is refused: a member that stands twice in one object (compared after
//! unescaping, so `"\u0073ub"` is `"sub"`), text that is not UTF-8, anything behind the value.
//!
//! The tree that is handed out is at most [`JSON_DEPTH`](crate::limits::JSON_DEPTH) containers deep.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::limits;

pub use serde_json::Value;

pub mod scan;

/// The members of a JSON object.
pub type Object = serde_json::Map<String, Value>;

/// Why a text is no JSON document that may be read, and where. It holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonFault {
    kind: JsonFaultKind,
    place: Option<Place>,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonFaultKind {
    /// A byte sequence that is not UTF-8.
    NotUtf8,
    /// The text breaks JSON's grammar, or something stands behind the value.
    Malformed,
    /// The text ends too early.
    Incomplete,
    /// A number beyond what a double holds, as `1e400`.
    NumberOutOfRange,
    /// A member stands twice in one object.
    DuplicateMember,
    /// More containers inside of each other than [`JSON_DEPTH`](crate::limits::JSON_DEPTH).
    TooDeep,
    /// A value of another type where an object is needed.
    NotAnObject,
}

/// Both count from 1; a column counts bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

impl JsonFault {
    /// What is wrong.
    pub const fn kind(&self) -> JsonFaultKind {
        self.kind
    }

    const fn nowhere(kind: JsonFaultKind) -> Self {
        Self { kind, place: None }
    }
}

/// Continues "it ..." and "the answer ...": `is not JSON (line 1, column 9)`.
impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            JsonFaultKind::NotUtf8 => f.write_str("is not UTF-8")?,
            JsonFaultKind::Malformed => f.write_str("is not JSON")?,
            JsonFaultKind::Incomplete => f.write_str("is JSON that ends too early")?,
            JsonFaultKind::NumberOutOfRange => f.write_str("has a number that is out of range")?,
            JsonFaultKind::DuplicateMember => {
                f.write_str("has the same member twice in one object")?
            }
            JsonFaultKind::TooDeep => {
                write!(f, "is nested deeper than {} levels", limits::JSON_DEPTH)?
            }
            JsonFaultKind::NotAnObject => f.write_str("is not a JSON object")?,
        }
        match self.place {
            Some(Place { line, column }) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for JsonFault {}

/// Reads one JSON value that fills the whole text.
///
/// # Errors
///
/// Any [`JsonFaultKind`] but `NotAnObject`.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonFault> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| JsonFault::nowhere(JsonFaultKind::NotUtf8))?;
    let refused = Cell::new(None);
    let strict = Strict {
        depth_left: limits::JSON_DEPTH,
        refused: &refused,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    strict
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| JsonFault {
            kind: refused.get().unwrap_or_else(|| kind_of(&error)),
            place: (error.line() > 0).then(|| Place {
                line: error.line(),
                column: error.column(),
            }),
        })
}

/// Reads one JSON object that fills the whole text.
///
/// # Errors
///
/// Any [`JsonFaultKind`].
pub fn parse_object(bytes: &[u8]) -> Result<Object, JsonFault> {
    match parse(bytes)? {
        Value::Object(members) => Ok(members),
        _ => Err(JsonFault::nowhere(JsonFaultKind::NotAnObject)),
    }
}

fn kind_of(error: &serde_json::Error) -> JsonFaultKind {
    match error.classify() {
        Category::Eof => JsonFaultKind::Incomplete,
        // serde_json has no code for it that can be asked for; its syntax errors quote nothing.
        _ if error.to_string().starts_with("number out of range") => {
            JsonFaultKind::NumberOutOfRange
        }
        _ => JsonFaultKind::Malformed,
    }
}

/// Builds a [`Value`] and refuses on the way what `serde_json` alone lets pass. The reason goes into
/// `refused`, because a custom serde error carries nothing but text.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth_left: usize,
    refused: &'a Cell<Option<JsonFaultKind>>,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(&self, kind: JsonFaultKind) -> E {
        self.refused.set(Some(kind));
        E::custom("refused")
    }

    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left, ..self }),
            None => Err(self.refuse(JsonFaultKind::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| self.refuse(JsonFaultKind::NumberOutOfRange))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inside)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut object = Object::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.refuse(JsonFaultKind::DuplicateMember));
            }
            let value = members.next_value_seed(inside)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{JsonFaultKind::*, parse, parse_object};

    #[test]
    fn every_type_of_value_is_read() {
        let text = br#" {"a": [null, true, -1, 18446744073709551615, 1.5, "\u00e9\ud83d\ude00"], "": {}} "#;
        let value = json!({"a": [null, true, -1, 18_446_744_073_709_551_615_u64, 1.5, "\u{e9}\u{1f600}"], "": {}});
        assert_eq!(parse(text), Ok(value));
    }

    #[test]
    fn what_two_parsers_could_read_differently_is_refused() {
        let table: [(&[u8], _, &str); 20] = [
            (
                br#"{"sub":"a","sub":"b"}"#,
                DuplicateMember,
                "has the same member twice in one object (line 1, column 16)",
            ),
            (
                br#"{"sub":"a","\u0073ub":"b"}"#,
                DuplicateMember,
                "has the same member twice in one object (line 1, column 21)",
            ),
            (
                br#"{"a":[{"b":{"c":1,"c":1}}]}"#,
                DuplicateMember,
                "has the same member twice in one object (line 1, column 21)",
            ),
            (
                b"{\n \"a\":1,\n \"a\":2}",
                DuplicateMember,
                "has the same member twice in one object (line 3, column 4)",
            ),
            (br#"{"a":1}x"#, Malformed, "is not JSON (line 1, column 8)"),
            (
                br#"{"a":1}{"a":1}"#,
                Malformed,
                "is not JSON (line 1, column 8)",
            ),
            (b"{\"a\":1}\0", Malformed, "is not JSON (line 1, column 8)"),
            (br#"{"a":1,}"#, Malformed, "is not JSON (line 1, column 8)"),
            (br#"{'a':1}"#, Malformed, "is not JSON (line 1, column 2)"),
            (br#"{"a":01}"#, Malformed, "is not JSON (line 1, column 7)"),
            (br#"{"a":NaN}"#, Malformed, "is not JSON (line 1, column 6)"),
            (
                b"{\"a\":\"\n\"}",
                Malformed,
                "is not JSON (line 2, column 0)",
            ),
            (br#""\ud800""#, Malformed, "is not JSON (line 1, column 8)"),
            (
                b"\xef\xbb\xbf{}",
                Malformed,
                "is not JSON (line 1, column 1)",
            ),
            (
                br#"{"a":1e400}"#,
                NumberOutOfRange,
                "has a number that is out of range (line 1, column 10)",
            ),
            (
                br#"{"a":-1e400}"#,
                NumberOutOfRange,
                "has a number that is out of range (line 1, column 11)",
            ),
            (
                b"",
                Incomplete,
                "is JSON that ends too early (line 1, column 0)",
            ),
            (
                br#"{"a":"#,
                Incomplete,
                "is JSON that ends too early (line 1, column 5)",
            ),
            (b"{\"a\":\"\xff\"}", NotUtf8, "is not UTF-8"),
            (b"\"\xed\xa0\x80\"", NotUtf8, "is not UTF-8"),
        ];
        for (text, kind, message) in table {
            let shown = String::from_utf8_lossy(text);
            let fault = parse(text).expect_err(&shown);
            assert_eq!(
                (fault.kind(), fault.to_string().as_str()),
                (kind, message),
                "{shown}"
            );
        }
    }

    #[test]
    fn names_that_differ_in_case_are_two_members() {
        assert_eq!(
            parse(br#"{"sub":1,"Sub":2}"#),
            Ok(json!({"sub": 1, "Sub": 2}))
        );
    }

    #[test]
    fn the_same_name_in_two_objects_is_no_duplicate() {
        assert_eq!(
            parse(br#"[{"a":1},{"a":{"a":2}}]"#),
            Ok(json!([{"a": 1}, {"a": {"a": 2}}]))
        );
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let arrays = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        assert!(parse(arrays(32).as_bytes()).is_ok());
        assert!(parse(objects(32).as_bytes()).is_ok());
        for text in [
            arrays(33),
            objects(33),
            arrays(100_000),
            "[".repeat(100_000),
            objects(100_000),
        ] {
            assert_eq!(
                parse(text.as_bytes()).map_err(|fault| fault.kind()),
                Err(TooDeep)
            );
        }
    }

    #[test]
    fn an_object_is_asked_for() {
        for text in ["[]", "null", "1", "\"{}\""] {
            let fault = parse_object(text.as_bytes()).expect_err(text);
            assert_eq!(
                (fault.kind(), fault.to_string().as_str()),
                (NotAnObject, "is not a JSON object")
            );
        }
        assert_eq!(parse_object(b"{}"), Ok(super::Object::new()));
    }
}
