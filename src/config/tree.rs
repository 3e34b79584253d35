//! The configuration before it is read: a tree whose texts stay where they are.
//!
//! A thousand tenants with their grants are megabytes of text, and a VM of a worker has to load them while Envoy waits.
//! What is costly there is memory: it grows in small steps and never shrinks again.

use std::borrow::Cow;
use std::fmt;

use crate::json::JsonFault;
use crate::json::scan::Scanner;
use crate::limits;

/// A value. Borrows from the configuration's bytes.
#[derive(Debug)]
pub(crate) enum Tree<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits, or some other number: the configuration has no use for those.
    Number(Option<usize>),
    /// Text, without its escapes.
    Text(Cow<'a, str>),
    /// A list.
    List(Box<[Tree<'a>]>),
    /// An object.
    Object(Object<'a>),
}

/// The members of an object, in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Object<'a>(Box<[(Cow<'a, str>, Tree<'a>)]>);

impl<'a> Object<'a> {
    /// Sorts them. `None` when two have one name.
    pub(super) fn new(mut members: Vec<(Cow<'a, str>, Tree<'a>)>) -> Option<Self> {
        members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut pairs = members.iter().zip(members.iter().skip(1));
        if pairs.any(|((a, _), (b, _))| a == b) {
            return None;
        }
        Some(Self(members.into()))
    }

    /// The member of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Tree<'a>> {
        let found = self.0.binary_search_by(|(known, _)| (**known).cmp(name));
        self.0.get(found.ok()?).map(|(_, value)| value)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Tree<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Why a text is no tree.
#[derive(Debug)]
pub(super) enum TreeFault {
    Json(JsonFault),
    /// Deeper than [`limits::JSON_DEPTH`].
    Depth,
}

impl From<JsonFault> for TreeFault {
    fn from(fault: JsonFault) -> Self {
        Self::Json(fault)
    }
}

impl fmt::Display for TreeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(fault) => fault.fmt(f),
            Self::Depth => write!(f, "is nested deeper than {} levels", limits::JSON_DEPTH),
        }
    }
}

/// Reads one JSON value that fills the whole text.
pub(super) fn parse(bytes: &[u8]) -> Result<Tree<'_>, TreeFault> {
    let mut scanner = Scanner::new(bytes)?;
    let tree = read(&mut scanner, limits::JSON_DEPTH)?;
    scanner.end()?;
    Ok(tree)
}

fn read<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Result<Tree<'a>, TreeFault> {
    let first = scanner.upcoming();
    let inside = match first {
        Some(b'{' | b'[') => depth.checked_sub(1).ok_or(TreeFault::Depth)?,
        _ => depth,
    };
    if let Some(mut elements) = scanner.array() {
        let mut list = Vec::new();
        while scanner.element(&mut elements)? {
            list.push(read(scanner, inside)?);
        }
        return Ok(Tree::List(list.into()));
    }
    if first == Some(b'{') {
        let mut members = scanner.object()?;
        let mut found = Vec::new();
        while let Some(member) = scanner.member(&mut members)? {
            found.push((member.name, read(scanner, inside)?));
        }
        return Ok(Tree::Object(Object::new(found).unwrap_or_default()));
    }
    if let Some(text) = scanner.string()? {
        return Ok(Tree::Text(text));
    }
    let start = scanner.at();
    scanner.skip()?;
    Ok(match scanner.text().get(start..scanner.at()) {
        Some("null") | None => Tree::Null,
        Some("true") => Tree::Bool(true),
        Some("false") => Tree::Bool(false),
        Some(number) => Tree::Number(serde_json::from_str(number).ok().and_then(whole)),
    })
}

/// A double as the whole number that it is. Doubles hold every one up to 2^53, far above all bounds.
pub(super) fn whole(number: f64) -> Option<usize> {
    const MOST: f64 = u32::MAX as f64;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked first"
    )]
    (number.fract() == 0.0 && (0.0..=MOST).contains(&number)).then_some(number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text.as_bytes()) {
            Ok(tree) => format!("{tree:?}"),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn every_kind_of_value_is_read() {
        for (text, expected) in [
            ("null", "Null"),
            (" true ", "Bool(true)"),
            ("false", "Bool(false)"),
            (r#""\u00e4\n""#, r#"Text("ä\n")"#),
            ("[]", "List([])"),
            (r#"[1,"a"]"#, r#"List([Number(Some(1)), Text("a")])"#),
            ("{}", "Object(Object([]))"),
            (
                r#"{"b":null,"a":{}}"#,
                r#"Object(Object([("a", Object(Object([]))), ("b", Null)]))"#,
            ),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn whole_numbers() {
        for (text, expected) in [
            ("0", Some(0_usize)),
            ("2e6", Some(2_000_000)),
            ("3.0", Some(3)),
            ("4294967295", Some(4_294_967_295)),
            ("4294967296", None),
            ("-0", Some(0)),
            ("-1", None),
            ("0.5", None),
            ("1e400", None),
        ] {
            assert_eq!(shown(text), format!("Number({expected:?})"), "{text}");
        }
        assert_eq!(whole(f64::NAN), None);
        assert_eq!(whole(f64::INFINITY), None);
    }

    #[test]
    fn what_is_no_tree() {
        for (text, expected) in [
            ("", "is JSON that ends too early (line 1, column 1)"),
            ("nul", "is JSON that ends too early (line 1, column 4)"),
            ("1 2", "is not JSON (line 1, column 3)"),
            ("[1,]", "is not JSON (line 1, column 4)"),
            ("{\"a\":1}\0", "is not JSON (line 1, column 8)"),
            (
                r#"{"a":1,"\u0061":2}"#,
                "has the same member twice in one object (line 1, column 16)",
            ),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert_eq!(parse(b"\"\xff\"").unwrap_err().to_string(), "is not UTF-8");
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(32).as_bytes()).is_ok());
        assert_eq!(shown(&nested(33)), "is nested deeper than 32 levels");
        // However deep: nothing overflows.
        assert_eq!(
            shown(&"{\"a\":".repeat(100_000)),
            "is nested deeper than 32 levels"
        );
    }

    #[test]
    fn members_are_found_by_name() {
        let Ok(Tree::Object(members)) = parse(br#"{"b":1,"a":2,"c":3}"#) else {
            panic!("an object")
        };
        assert_eq!(members.len(), 3);
        assert!(matches!(members.get("c"), Some(Tree::Number(Some(3)))));
        assert!(members.get("d").is_none() && members.get("").is_none());
        let names: Vec<&str> = members.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
