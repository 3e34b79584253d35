//! What is wrong with a configuration: where, and what to do about it.

use std::borrow::Cow;
use std::fmt;

/// One fault of a configuration.
///
/// Neither part holds the text of any value of the configuration, because any of them may be a
/// secret in the wrong place. Names (keys, issuers, environment variables) are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where: `issuers.corp.audiences`; `configuration` is the whole.
    pub path: String,
    /// What is wrong and why it matters: `must name at least one audience; ...`.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Every fault of a configuration. Printed as one line each, in the order of their paths.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// The faults; in the order of their paths once [`load`](super::load) has returned them.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is wrong; never so for what [`load`](super::load) returns.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes a fault.
    pub(crate) fn add(&mut self, path: Path<'_>, message: impl Into<Cow<'static, str>>) {
        self.push(path, message.into());
    }

    /// Notes a fault and gives the nothing that a reader returns after it.
    pub(crate) fn refuse<T>(
        &mut self,
        path: Path<'_>,
        message: impl Into<Cow<'static, str>>,
    ) -> Option<T> {
        self.push(path, message.into());
        None
    }

    /// Notes that a name is nobody's, and which one was probably meant. The first few times: to look for it among
    /// thousands takes its time, and whoever wrote them all wrong knows what he meant.
    #[cold]
    #[inline(never)]
    pub(crate) fn nobodys(
        &mut self,
        path: Path<'_>,
        message: &'static str,
        name: &str,
        known: &mut dyn Iterator<Item = &str>,
    ) {
        const HINTS: usize = 64;
        let meant = match self.0.len() < HINTS {
            true => nearest(name, known),
            false => None,
        };
        match meant {
            Some(meant) => {
                let meant = Path::Whole.member(meant);
                self.add(path, format!("{message}; did you mean {meant}?"));
            }
            None => self.add(path, message),
        }
    }

    /// Out of line: it is called in a hundred places, and each copy would cost bytes of the module.
    #[cold]
    #[inline(never)]
    fn push(&mut self, path: Path<'_>, message: Cow<'static, str>) {
        self.0.push(Fault {
            path: path.to_string(),
            message: message.into_owned(),
        });
    }

    /// The faults in their final order, and at least one.
    pub(crate) fn finished(mut self) -> Self {
        if self.0.is_empty() {
            self.add(Path::Whole, "could not be read");
        }
        self.0.sort();
        self.0.dedup();
        self
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A place in the configuration. Lives on the stack of the reader: it costs nothing until a fault
/// is written down.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    /// The configuration itself.
    Whole,
    /// A member of an object.
    Member(&'a Path<'a>, &'a str),
    /// An element of a list.
    Element(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// The place of a member of the object that is here.
    pub(crate) fn member(&'a self, key: &'a str) -> Self {
        Path::Member(self, key)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Whole => f.write_str("configuration"),
            Path::Member(Path::Whole, key) => write_key(f, key),
            Path::Member(parent, key) => {
                write!(f, "{parent}.")?;
                write_key(f, key)
            }
            Path::Element(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Longest key that is shown whole.
const KEY_CHARS: usize = 64;

/// A key as a line of a log can bear it: what is not a plain word is quoted and escaped.
fn write_key(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.len() <= KEY_CHARS && key.bytes().all(plain) {
        return f.write_str(key);
    }
    f.write_str("\"")?;
    for char in key.chars().take(KEY_CHARS) {
        write!(f, "{}", char.escape_debug())?;
    }
    f.write_str(if key.chars().nth(KEY_CHARS).is_some() {
        "...\""
    } else {
        "\""
    })
}

/// The candidate that was probably meant by `word`: the one with the fewest differing letters,
/// when these are at most a third.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if word.len() > KEY_CHARS {
        return None;
    }
    let allowed = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance in bytes, one row of the table at a time; letters in another order count
/// as one difference.
fn distance(a: &str, b: &str) -> usize {
    let sorted = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.sort_unstable();
        bytes
    };
    if a != b && sorted(a) == sorted(b) {
        return 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, x) in a.bytes().enumerate() {
        let mut diagonal = above;
        let mut left = above.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let exchanged = diagonal.saturating_add(usize::from(x != y));
            let shifted = left.min(*cell).saturating_add(1);
            diagonal = *cell;
            left = exchanged.min(shifted);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Path, distance, nearest};

    #[test]
    fn paths_are_one_line_whatever_the_keys_are() {
        let whole = Path::Whole;
        let issuers = whole.member("issuers");
        let cases = [
            ("corp", "issuers.corp"),
            ("", "issuers.\"\""),
            ("a b", "issuers.\"a b\""),
            ("a\nb\"\u{1b}[31m", "issuers.\"a\\nb\\\"\\u{1b}[31m\""),
        ];
        for (key, shown) in cases {
            assert_eq!(issuers.member(key).to_string(), shown);
        }
        assert_eq!(Path::Element(&issuers, 3).to_string(), "issuers[3]");
        assert_eq!(whole.to_string(), "configuration");
        let long = "k".repeat(65);
        assert_eq!(
            whole.member(&long).to_string(),
            format!("\"{}...\"", "k".repeat(64))
        );
    }

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("audience", "audiences", 1),
            ("crop", "corp", 1),
            ("same", "same", 0),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn what_was_probably_meant() {
        let known = ["audiences", "algorithms", "issuer", "keys"];
        for (word, meant) in [
            ("audience", Some("audiences")),
            ("isuer", Some("issuer")),
            ("key", Some("keys")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
