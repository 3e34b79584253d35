//! YAML as Envoy reads it: its rules for plain scalars, which are neither those of YAML 1.1 nor of 1.2, and the
//! line of every value. What two readers could take differently is a fault.

use std::fmt;

use icegate::json::{Object, Value};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::scalar::plain;

/// Containers inside of each other; Envoy's own files have some twenty.
const DEPTH: usize = 100;

/// Values of a file, those that aliases repeat among them.
const VALUES: usize = 2_000_000;

/// A value at its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Its line, from 1; 0 where nobody knows.
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// A member of an object.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.members()
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
    }

    /// A member of a member, and so on.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    pub(crate) fn members(&self) -> &[(String, Self)] {
        match &self.kind {
            Kind::Map(members) => members,
            _ => &[],
        }
    }

    pub(crate) fn elements(&self) -> &[Self] {
        match &self.kind {
            Kind::List(elements) => elements,
            _ => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        self.kind == Kind::Bool(true)
    }

    /// The same as JSON.
    pub(crate) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(elements) => elements.iter().map(Self::to_json).collect(),
            Kind::Map(members) => {
                let members = members.iter();
                let members = members.map(|(key, node)| (key.clone(), node.to_json()));
                Value::Object(members.collect::<Object>())
            }
        }
    }

    /// JSON as nodes, without lines.
    pub(crate) fn of_json(value: &Value) -> Self {
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Bool(*value),
            Value::Number(number) => Kind::Number(number.clone()),
            Value::String(text) => Kind::Text(text.clone()),
            Value::Array(elements) => Kind::List(elements.iter().map(Self::of_json).collect()),
            Value::Object(members) => Kind::Map(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), Self::of_json(value)))
                    .collect(),
            ),
        };
        Self { line: 0, kind }
    }
}

/// Why a text cannot be read. Holds nothing of its values.
#[derive(Debug)]
pub(crate) struct Fault {
    line: usize,
    what: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// The scanner's own words may quote the text; they are not shown.
impl From<ScanError> for Fault {
    fn from(error: ScanError) -> Self {
        Self {
            line: error.marker().line(),
            what: "is not YAML",
        }
    }
}

/// Reads all documents of a text.
pub(crate) fn read(text: &str) -> Result<Vec<Node>, Fault> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: Vec::new(),
        values: 0,
        line: 1,
    };
    let mut documents = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::Nothing | Event::DocumentEnd => {}
            Event::DocumentStart(_) => reader.anchors.clear(),
            other => {
                let node = reader.node(other, span, 0)?;
                // `---` at the end of a file is no document.
                if node.kind != Kind::Null {
                    documents.push(node);
                }
            }
        }
    }
    Ok(documents)
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: Vec<(usize, Node)>,
    values: usize,
    line: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Fault> {
        let next = self.parser.next_event().transpose()?;
        if let Some((_, span)) = &next {
            self.line = span.start.line();
        }
        Ok(next)
    }

    fn fault<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err(Fault {
            line: self.line,
            what,
        })
    }

    fn count(&mut self, values: usize) -> Result<(), Fault> {
        self.values = self.values.saturating_add(values);
        match self.values > VALUES {
            true => self.fault("the file holds too many values"),
            false => Ok(()),
        }
    }

    /// The value that begins with an event.
    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Fault> {
        self.count(1)?;
        if depth > DEPTH {
            return self.fault("the file is nested too deeply");
        }
        let line = span.start.line();
        let (kind, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor),
            Event::Scalar(text, style, anchor, _) => {
                let kind = match style {
                    ScalarStyle::Plain => plain(&text),
                    _ => Kind::Text(text.into_owned()),
                };
                (kind, anchor)
            }
            Event::SequenceStart(anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.map(depth)?, anchor),
            _ => return self.fault("is not YAML"),
        };
        let node = Node { line, kind };
        if anchor != 0 {
            self.anchors.push((anchor, node.clone()));
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize) -> Result<Node, Fault> {
        let found = self.anchors.iter().rev().find(|(id, _)| *id == anchor);
        let Some((_, node)) = found else {
            return self.fault("an alias stands within what it names");
        };
        let (node, size) = match size(node) {
            size if size > VALUES => return self.fault("the file holds too many values"),
            size => (node.clone(), size),
        };
        self.count(size)?;
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Fault> {
        let mut elements = Vec::new();
        loop {
            match self.next()? {
                Some((Event::SequenceEnd, _)) => return Ok(Kind::List(elements)),
                Some((event, span)) => {
                    elements.push(self.node(event, span, depth.saturating_add(1))?);
                }
                None => return self.fault("is not YAML"),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Fault> {
        let mut members: Vec<(String, Node)> = Vec::new();
        loop {
            let Some((event, _)) = self.next()? else {
                return self.fault("is not YAML");
            };
            let (key, ignored) = match event {
                Event::MappingEnd => return Ok(Kind::Map(members)),
                Event::Scalar(key, style, _, tag) => {
                    if style == ScalarStyle::Plain && key == "<<" {
                        return self.fault("merge keys (<<) are not read alike everywhere");
                    }
                    (key.into_owned(), tag.is_some_and(|tag| is_ignored(&tag)))
                }
                _ => return self.fault("a member's name must be text"),
            };
            if members.iter().any(|(known, _)| *known == key) {
                return self.fault("the same member stands twice in one object");
            }
            let Some((event, span)) = self.next()? else {
                return self.fault("is not YAML");
            };
            let node = self.node(event, span, depth.saturating_add(1))?;
            if !ignored {
                members.push((key, node));
            }
        }
    }
}

/// `!ignore` before a member: Envoy leaves it out. Its values are there for aliases.
fn is_ignored(tag: &Tag) -> bool {
    tag.handle == "!" && tag.suffix == "ignore"
}

fn size(node: &Node) -> usize {
    let inside = match &node.kind {
        Kind::List(elements) => elements.iter().map(size).sum(),
        Kind::Map(members) => members.iter().map(|(_, node)| size(node)).sum(),
        _ => 0_usize,
    };
    inside.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read;

    fn only(text: &str) -> serde_json::Value {
        let documents = read(text).unwrap();
        assert_eq!(documents.len(), 1, "{text}");
        documents[0].to_json()
    }

    #[test]
    fn aliases_and_what_envoy_leaves_out() {
        let text = "!ignore x: &x {a: [1, 2]}\nb: *x\n";
        assert_eq!(only(text), json!({"b": {"a": [1, 2]}}));
    }

    #[test]
    fn lines_are_those_of_the_values() {
        let documents = read("# c\na:\n  b: 1\n---\nc: 2\n").unwrap();
        assert_eq!(documents[0].at(&["a", "b"]).unwrap().line, 3);
        assert_eq!(documents[1].get("c").unwrap().line, 5);
    }

    #[test]
    fn what_is_refused() {
        let deep = format!("a: {}1{}", "[".repeat(200), "]".repeat(200));
        let mut bomb = String::from("a0: &a0 [x]\n");
        for i in 1..40 {
            bomb.push_str(&format!("a{i}: &a{i} [*a{0}, *a{0}]\n", i - 1));
        }
        for (text, fault) in [
            (
                "a: 1\nb: 2\na: 3\n",
                "line 3: the same member stands twice in one object",
            ),
            ("a: [1\nb: 2", "line 2: is not YAML"),
            (
                "b: {<<: {a: 1}}",
                "line 1: merge keys (<<) are not read alike everywhere",
            ),
            ("[a]: 1", "line 1: a member's name must be text"),
            ("a: &a [*a]", "line 1: an alias stands within what it names"),
            (&deep, "line 1: the file is nested too deeply"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), fault, "{text}");
        }
        let fault = read(&bomb).unwrap_err().to_string();
        assert!(fault.ends_with("the file holds too many values"), "{fault}");
    }
}
