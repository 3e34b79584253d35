//! JSON read in place: one value after the other, without a tree.
//!
//! For texts of which most is passed on as it is. What is not asked for is still held to JSON's grammar, so that
//! whoever reads the text behind us sees the same members in the same places. Depth costs one byte a level.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::str::Chars;

use super::{JsonFault, JsonFaultKind, Place};

/// Reads a text from its begin to its end.
#[derive(Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// An object that is being read.
#[derive(Debug, Default)]
pub struct Members<'a> {
    names: BTreeSet<Cow<'a, str>>,
    begun: bool,
}

/// An array that is being read.
#[derive(Debug, Default)]
pub struct Elements {
    begun: bool,
}

/// The begin of a member; its value is read next.
#[derive(Debug)]
pub struct Member<'a> {
    /// Its name, unescaped.
    pub name: Cow<'a, str>,
    /// Position of its name's first quote. Its value begins where the scanner stands.
    pub start: usize,
}

impl<'a> Scanner<'a> {
    /// Stands before the first value.
    ///
    /// # Errors
    ///
    /// [`JsonFaultKind::NotUtf8`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, JsonFault> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, at: 0 }),
            Err(_) => Err(JsonFault::nowhere(JsonFaultKind::NotUtf8)),
        }
    }

    /// The text as a whole.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The position, in bytes: behind the value that was read last, or before the next one.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// The first byte of the value that is read next.
    pub fn upcoming(&mut self) -> Option<u8> {
        self.space();
        self.peek()
    }

    /// Enters an object.
    ///
    /// # Errors
    ///
    /// [`JsonFaultKind::NotAnObject`] for another value, or what makes it none.
    pub fn object(&mut self) -> Result<Members<'a>, JsonFault> {
        if self.upcoming() != Some(b'{') {
            let fault = self.fault(JsonFaultKind::NotAnObject);
            self.skip()?;
            return Err(fault);
        }
        self.step(1);
        Ok(Members::default())
    }

    /// The next member of an object; `None` behind the last one. Its value must have been read, or skipped, before the
    /// member after it is asked for.
    ///
    /// # Errors
    ///
    /// What breaks the grammar, and a name that stood in this object before, however it is spelled.
    pub fn member(&mut self, members: &mut Members<'a>) -> Result<Option<Member<'a>>, JsonFault> {
        if !self.more(&mut members.begun, b'}')? {
            return Ok(None);
        }
        self.space();
        let start = self.at;
        let name = self.text_of_string()?;
        if !members.names.insert(name.clone()) {
            return Err(self.fault(JsonFaultKind::DuplicateMember));
        }
        self.colon()?;
        self.space();
        Ok(Some(Member { name, start }))
    }

    /// Enters an array; `None`, and nothing is read, where the value is none.
    pub fn array(&mut self) -> Option<Elements> {
        (self.upcoming() == Some(b'[')).then(|| {
            self.step(1);
            Elements::default()
        })
    }

    /// Whether an array goes on; then its next element must be read, or skipped.
    ///
    /// # Errors
    ///
    /// What breaks the grammar.
    pub fn element(&mut self, elements: &mut Elements) -> Result<bool, JsonFault> {
        let more = self.more(&mut elements.begun, b']')?;
        self.space();
        Ok(more)
    }

    /// Reads a string; `None`, and nothing is read, where the value is none.
    ///
    /// # Errors
    ///
    /// What breaks the grammar.
    pub fn string(&mut self) -> Result<Option<Cow<'a, str>>, JsonFault> {
        match self.upcoming() {
            Some(b'"') => self.text_of_string().map(Some),
            _ => Ok(None),
        }
    }

    /// Reads past one value of any type and depth.
    ///
    /// # Errors
    ///
    /// What breaks the grammar.
    pub fn skip(&mut self) -> Result<(), JsonFault> {
        // What closes each container that is open.
        let mut open = Vec::new();
        loop {
            let close = match self.upcoming() {
                Some(b'{') => b'}',
                Some(b'[') => b']',
                _ => 0,
            };
            if close == 0 {
                self.scalar()?;
            } else {
                self.step(1);
                open.push(close);
                if self.upcoming() != Some(close) {
                    self.name_in(close)?;
                    continue;
                }
            }
            // Behind a value, or at the end of an empty container.
            loop {
                let Some(close) = open.last().copied() else {
                    return Ok(());
                };
                match self.upcoming() {
                    Some(byte) if byte == close => {
                        self.step(1);
                        open.pop();
                    }
                    Some(b',') => {
                        self.step(1);
                        self.name_in(close)?;
                        break;
                    }
                    _ => return Err(self.broken()),
                }
            }
        }
    }

    /// Nothing but space stands behind the value.
    ///
    /// # Errors
    ///
    /// [`JsonFaultKind::Malformed`].
    pub fn end(&mut self) -> Result<(), JsonFault> {
        match self.upcoming() {
            None => Ok(()),
            Some(_) => Err(self.broken()),
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    // A large configuration asks this ten million times, and an optimiser for size does not see that.
    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn skip_while(&mut self, wanted: impl Fn(&u8) -> bool) -> usize {
        let rest = self.rest();
        let count = rest
            .iter()
            .position(|byte| !wanted(byte))
            .unwrap_or(rest.len());
        self.step(count);
        count
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.step(1);
        }
    }

    fn colon(&mut self) -> Result<(), JsonFault> {
        if self.upcoming() != Some(b':') {
            return Err(self.broken());
        }
        self.step(1);
        Ok(())
    }

    /// The name of a member that is skipped; nothing in an array.
    fn name_in(&mut self, close: u8) -> Result<(), JsonFault> {
        if close == b'}' {
            self.space();
            self.quoted()?;
            self.colon()?;
        }
        Ok(())
    }

    /// Past the comma before the next member or element; or past the end of the container.
    fn more(&mut self, begun: &mut bool, close: u8) -> Result<bool, JsonFault> {
        let first = !std::mem::replace(begun, true);
        match self.upcoming() {
            Some(byte) if byte == close => {
                self.step(1);
                Ok(false)
            }
            Some(_) if first => Ok(true),
            Some(b',') => {
                self.step(1);
                Ok(true)
            }
            _ => Err(self.broken()),
        }
    }

    fn scalar(&mut self) -> Result<(), JsonFault> {
        match self.peek() {
            Some(b'"') => self.quoted().map(|_| ()),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), JsonFault> {
        for byte in word {
            if self.peek() != Some(*byte) {
                return Err(self.broken());
            }
            self.step(1);
        }
        Ok(())
    }

    /// RFC 8259 section 6.
    fn number(&mut self) -> Result<(), JsonFault> {
        if self.peek() == Some(b'-') {
            self.step(1);
        }
        if self.peek() == Some(b'0') {
            self.step(1);
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.step(1);
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.step(1);
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.step(1);
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonFault> {
        match self.skip_while(u8::is_ascii_digit) {
            0 => Err(self.broken()),
            _ => Ok(()),
        }
    }

    /// Past a string (RFC 8259 section 7). Gives its text with both quotes, and whether it has escapes.
    fn quoted(&mut self) -> Result<(&'a str, bool), JsonFault> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.broken());
        }
        self.step(1);
        let mut escaped = false;
        loop {
            self.skip_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f));
            match self.peek() {
                Some(b'"') => {
                    self.step(1);
                    let text = self.text.get(start..self.at).unwrap_or_default();
                    return Ok((text, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.step(1);
                    self.escape()?;
                }
                _ => return Err(self.broken()),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonFault> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.step(1),
            Some(b'u') => {
                self.step(1);
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.broken());
                    }
                    self.step(1);
                }
            }
            _ => return Err(self.broken()),
        }
        Ok(())
    }

    fn text_of_string(&mut self) -> Result<Cow<'a, str>, JsonFault> {
        let (quoted, escaped) = self.quoted()?;
        let inner = quoted
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or_default();
        if !escaped {
            return Ok(Cow::Borrowed(inner));
        }
        // Half a surrogate is refused here; in what is skipped it is nobody's name.
        match unescaped(inner) {
            Some(text) => Ok(Cow::Owned(text)),
            None => Err(self.fault(JsonFaultKind::Malformed)),
        }
    }

    /// The text ends here, or goes on as no JSON does.
    fn broken(&self) -> JsonFault {
        self.fault(match self.peek() {
            None => JsonFaultKind::Incomplete,
            Some(_) => JsonFaultKind::Malformed,
        })
    }

    fn fault(&self, kind: JsonFaultKind) -> JsonFault {
        let before = self.text.as_bytes().get(..self.at).unwrap_or_default();
        let lines = before.split(|byte| *byte == b'\n');
        let (line, last) = lines.fold((0_usize, 0), |(count, _), line| {
            (count.saturating_add(1), line.len())
        });
        JsonFault {
            kind,
            place: Some(Place {
                line,
                column: last.saturating_add(1),
            }),
        }
    }
}

/// A string without its escapes, which are known to be well-formed; `None` for half a surrogate. `serde_json` would do it
/// as well, and bring 20 KB of formatting of floating point numbers for its messages.
fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        plain.push(match character {
            '\\' => match rest.next()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => unicode(&mut rest)?,
                itself => itself,
            },
            plain => plain,
        });
    }
    Some(plain)
}

fn unicode(rest: &mut Chars<'_>) -> Option<char> {
    let first = code_unit(rest)?;
    if let Some(character) = char::from_u32(first.into()) {
        return Some(character);
    }
    let escape = (rest.next()?, rest.next()?);
    let second = (escape == ('\\', 'u')).then(|| code_unit(rest))??;
    char::decode_utf16([first, second]).next()?.ok()
}

fn code_unit(rest: &mut Chars<'_>) -> Option<u16> {
    let digits = rest.as_str().get(..4)?;
    rest.nth(3)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(text: &str) -> Result<(), String> {
        let mut scanner = Scanner::new(text.as_bytes()).unwrap();
        scanner
            .skip()
            .and_then(|()| scanner.end())
            .map_err(|fault| fault.to_string())
    }

    #[test]
    fn every_value_is_skipped() {
        for text in [
            " null ",
            "true",
            "false",
            "0",
            "-0",
            "-0.0",
            "18446744073709551616",
            "1e400",
            "1.5E-7",
            "\"\"",
            "\"a\\\"b\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\ud800 \u{e9}\u{7f}\"",
            "[]",
            "[ ]",
            "{}",
            "{\n}",
            "[[],{},[{}]]",
            "{\"a\":1,\"a\":2 , \"b\" : [1 , 2]}",
            "\t\r\n[null]\t\r\n",
        ] {
            assert_eq!(skipped(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_where_it_breaks() {
        for (text, message) in [
            ("", "is JSON that ends too early (line 1, column 1)"),
            ("[1,", "is JSON that ends too early (line 1, column 4)"),
            ("{\"a\"", "is JSON that ends too early (line 1, column 5)"),
            ("\"a", "is JSON that ends too early (line 1, column 3)"),
            ("tru", "is JSON that ends too early (line 1, column 4)"),
            ("-", "is JSON that ends too early (line 1, column 2)"),
            ("\"\\u12", "is JSON that ends too early (line 1, column 6)"),
            ("[1,]", "is not JSON (line 1, column 4)"),
            ("[1 2]", "is not JSON (line 1, column 4)"),
            ("[1}", "is not JSON (line 1, column 3)"),
            ("{\"a\":1]", "is not JSON (line 1, column 7)"),
            ("{\"a\":1,}", "is not JSON (line 1, column 8)"),
            ("{\"a\" 1}", "is not JSON (line 1, column 6)"),
            ("{a:1}", "is not JSON (line 1, column 2)"),
            ("{'a':1}", "is not JSON (line 1, column 2)"),
            ("01", "is not JSON (line 1, column 2)"),
            ("+1", "is not JSON (line 1, column 1)"),
            (".5", "is not JSON (line 1, column 1)"),
            ("1.", "is JSON that ends too early (line 1, column 3)"),
            ("1.x", "is not JSON (line 1, column 3)"),
            ("1e", "is JSON that ends too early (line 1, column 3)"),
            ("NaN", "is not JSON (line 1, column 1)"),
            ("nul1", "is not JSON (line 1, column 4)"),
            ("\"\\x\"", "is not JSON (line 1, column 3)"),
            ("\"\\u12g4\"", "is not JSON (line 1, column 6)"),
            ("[\n\"a\nb\"]", "is not JSON (line 2, column 3)"),
            ("1 x", "is not JSON (line 1, column 3)"),
            ("\u{feff}{}", "is not JSON (line 1, column 1)"),
            ("[1]\0", "is not JSON (line 1, column 4)"),
            ("// a\n1", "is not JSON (line 1, column 1)"),
        ] {
            assert_eq!(skipped(text), Err(message.to_owned()), "{text}");
        }
        let fault = Scanner::new(b"\"\xff\"").unwrap_err();
        assert_eq!(fault.kind(), JsonFaultKind::NotUtf8);
    }

    #[test]
    fn depth_does_not_use_the_stack() {
        let depth = 1_000_000;
        let arrays = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(skipped(&arrays), Ok(()));
        let objects = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert_eq!(skipped(&objects), Ok(()));
    }

    #[test]
    fn members_come_with_their_names_and_places() {
        let text = " { \"a\" : 1 , \"\\u0062\\/\":[ \"x\" , 2 ]} ";
        let mut scanner = Scanner::new(text.as_bytes()).unwrap();
        let mut members = scanner.object().unwrap();

        let first = scanner.member(&mut members).unwrap().unwrap();
        assert_eq!(
            (&*first.name, first.start, scanner.at()),
            ("a", 3, 9),
            "{text}"
        );
        scanner.skip().unwrap();
        assert_eq!(scanner.at(), 10);

        let second = scanner.member(&mut members).unwrap().unwrap();
        assert_eq!((&*second.name, second.start), ("b/", 13));
        let mut elements = scanner.array().unwrap();
        assert!(scanner.element(&mut elements).unwrap());
        assert_eq!(scanner.string().unwrap().as_deref(), Some("x"));
        assert!(scanner.element(&mut elements).unwrap());
        assert_eq!(scanner.string().unwrap(), None);
        scanner.skip().unwrap();
        assert!(!scanner.element(&mut elements).unwrap());

        assert!(scanner.member(&mut members).unwrap().is_none());
        scanner.end().unwrap();
    }

    #[test]
    fn a_member_stands_once_in_an_object_that_is_read() {
        for text in [
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "{\"\\u0061\":1,\"b\":2,\"a\":3}",
        ] {
            let mut scanner = Scanner::new(text.as_bytes()).unwrap();
            let mut members = scanner.object().unwrap();
            let fault = loop {
                match scanner.member(&mut members) {
                    Ok(member) => drop(member.expect("a duplicate comes")),
                    Err(fault) => break fault,
                }
                scanner.skip().unwrap();
            };
            assert_eq!(fault.kind(), JsonFaultKind::DuplicateMember, "{text}");
        }
    }

    #[test]
    fn strings_are_read_without_their_escapes() {
        let read = |text: &str| {
            let mut scanner = Scanner::new(text.as_bytes()).unwrap();
            scanner.string().map(|text| text.unwrap().into_owned())
        };
        for (text, plain) in [
            (r#""""#, ""),
            ("\"a\u{e9}\u{1f600}\"", "a\u{e9}\u{1f600}"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (
                r#""\u0074ok\u00e9\u00E9\uFFFD\u0000""#,
                "tok\u{e9}\u{e9}\u{fffd}\0",
            ),
            (r#""\ud83d\ude00\uDBFF\uDFFF""#, "\u{1f600}\u{10ffff}"),
            (r#""\\u0041""#, "\\u0041"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(plain), "{text}");
        }
        for half in [
            r#""\ud800""#,
            r#""\ud800x\udc00""#,
            r#""\ud800\n""#,
            r#""\ud800\ud800""#,
            r#""\ud800\u0041""#,
            r#""\udc00\ud800""#,
        ] {
            let fault = read(half).unwrap_err();
            assert_eq!(fault.kind(), JsonFaultKind::Malformed, "{half}");
        }
    }

    #[test]
    fn only_an_object_is_entered_as_one() {
        for (text, kind) in [
            ("[]", JsonFaultKind::NotAnObject),
            ("\"{}\"", JsonFaultKind::NotAnObject),
            ("null", JsonFaultKind::NotAnObject),
            ("  ", JsonFaultKind::Incomplete),
            ("<html>", JsonFaultKind::Malformed),
        ] {
            let mut scanner = Scanner::new(text.as_bytes()).unwrap();
            assert_eq!(scanner.object().unwrap_err().kind(), kind, "{text}");
        }
    }
}
