//! `google.protobuf.Struct` on the wire, as far as a configuration needs it.
//!
//! Envoy's documentation says that it hands a Struct to the filter as JSON; Envoy 1.40 hands over the
//! message's own bytes. So both are read. Source: `google/protobuf/struct.proto` and the encoding of
//! protocol buffers.

use std::borrow::Cow;

use super::tree::{Object, Tree, whole};
use crate::limits;

/// With which every Struct begins that is not empty: the tag of its first member.
pub(super) const FIRST_BYTE: u8 = 1 << 3 | 2;

/// Reads a Struct. `None` when the bytes are no Struct, name a member twice, nest deeper than
/// [`limits::JSON_DEPTH`], or hold a number that JSON does not have.
pub(super) fn parse(bytes: &[u8]) -> Option<Tree<'_>> {
    fields(bytes, limits::JSON_DEPTH)
}

/// `map<string, Value> fields = 1`
fn fields(mut bytes: &[u8], depth: usize) -> Option<Tree<'_>> {
    let depth = depth.checked_sub(1)?;
    let mut members = Vec::new();
    while !bytes.is_empty() {
        let Part::Bytes(1, entry) = part(&mut bytes)? else {
            return None;
        };
        members.push(member(entry, depth)?);
    }
    Object::new(members).map(Tree::Object)
}

/// An entry of the map: `string key = 1`, `Value value = 2`. An absent part is the default of its type.
fn member(mut entry: &[u8], depth: usize) -> Option<(Cow<'_, str>, Tree<'_>)> {
    let (mut name, mut content) = (Cow::Borrowed(""), Tree::Null);
    while !entry.is_empty() {
        match part(&mut entry)? {
            Part::Bytes(1, key) => name = text(key)?,
            Part::Bytes(2, bytes) => content = value(bytes, depth)?,
            _ => return None,
        }
    }
    Some((name, content))
}

/// `oneof kind { null = 1, number = 2, string = 3, bool = 4, struct = 5, list = 6 }`
fn value(mut bytes: &[u8], depth: usize) -> Option<Tree<'_>> {
    let mut read = Tree::Null;
    while !bytes.is_empty() {
        read = match part(&mut bytes)? {
            Part::Varint(1, _) => Tree::Null,
            Part::Double(2, number) if number.is_finite() => Tree::Number(whole(number)),
            Part::Bytes(3, bytes) => Tree::Text(text(bytes)?),
            Part::Varint(4, bool) => Tree::Bool(bool != 0),
            Part::Bytes(5, bytes) => fields(bytes, depth)?,
            Part::Bytes(6, bytes) => list(bytes, depth)?,
            _ => return None,
        };
    }
    Some(read)
}

/// `repeated Value values = 1`
fn list(mut bytes: &[u8], depth: usize) -> Option<Tree<'_>> {
    let depth = depth.checked_sub(1)?;
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let Part::Bytes(1, bytes) = part(&mut bytes)? else {
            return None;
        };
        values.push(value(bytes, depth)?);
    }
    Some(Tree::List(values.into()))
}

/// One field of a message: its number and content.
enum Part<'a> {
    Varint(u64, u64),
    Double(u64, f64),
    Bytes(u64, &'a [u8]),
}

fn part<'a>(bytes: &mut &'a [u8]) -> Option<Part<'a>> {
    let tag = varint(bytes)?;
    let number = tag >> 3;
    match tag & 7 {
        0 => Some(Part::Varint(number, varint(bytes)?)),
        1 => {
            let (double, rest) = bytes.split_first_chunk::<8>()?;
            *bytes = rest;
            Some(Part::Double(number, f64::from_le_bytes(*double)))
        }
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (content, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Some(Part::Bytes(number, content))
        }
        _ => None,
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    // Nearly every tag and length.
    if let Some((byte @ ..=0x7f, rest)) = bytes.split_first() {
        *bytes = rest;
        return Some(u64::from(*byte));
    }
    let mut value = 0_u64;
    for shift in (0_u32..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;
    use proptest::prelude::*;

    /// Field 1, length-delimited.
    fn block(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        let mut length = content.len();
        while length > 0x7f {
            bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
        bytes.extend(content);
        bytes
    }

    fn entry(name: &str, value: &[u8]) -> Vec<u8> {
        block(1, &[block(1, name.as_bytes()), block(2, value)].concat())
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let mut half = vec![2 << 3 | 1];
        half.extend(0.5_f64.to_le_bytes());
        let mut three = vec![2 << 3 | 1];
        three.extend(3.0_f64.to_le_bytes());
        let list = block(6, &[block(1, &block(3, b"x")), block(1, &three)].concat());
        let bytes = [
            entry("null", &[1 << 3, 0]),
            entry("half", &half),
            entry("text", &block(3, "\u{e4}".as_bytes())),
            entry("yes", &[4 << 3, 1]),
            entry("inner", &block(5, &entry("a", &block(3, b"b")))),
            entry("list", &list),
            entry("empty", &block(5, b"")),
        ]
        .concat();
        let expected = r#"{"null": null, "half": 0.5, "text": "\u00e4", "yes": true,
            "inner": {"a": "b"}, "list": ["x", 3], "empty": {}}"#;
        let expected = tree::parse(expected.as_bytes()).unwrap();
        assert_eq!(
            format!("{:?}", parse(&bytes).unwrap()),
            format!("{expected:?}")
        );
    }

    #[test]
    fn what_is_no_struct_is_refused() {
        let twice = [entry("a", &[4 << 3, 1]), entry("a", &[4 << 3, 1])].concat();
        assert!(parse(&twice).is_none());
        assert!(parse(b"{\"a\": 1}").is_none());
        assert!(
            parse(&[
                0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
            ])
            .is_none()
        );
        let mut nan = vec![2 << 3 | 1];
        nan.extend(f64::NAN.to_le_bytes());
        assert!(parse(&entry("n", &nan)).is_none());
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested =
            |depth: usize| (0..depth).fold(b"".to_vec(), |inner, _| entry("", &block(5, &inner)));
        assert!(parse(&nested(8)).is_some());
        assert!(parse(&nested(20)).is_some());
        assert!(parse(&nested(limits::JSON_DEPTH + 1)).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = parse(&bytes);
        }
    }
}
