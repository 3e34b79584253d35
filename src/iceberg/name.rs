//! A name in a path: its bytes, and what the catalog understands by them.

use std::borrow::Cow;
use std::fmt;

use super::fault::PathFault;
use super::layout::{Kind, Layout, UNIT_SEPARATOR};
use super::operation::Noun;
use super::segment::{Marks, Segment, Unit, Units};

/// One segment of a path in the place of a prefix, namespace, object or opaque id. Made by
/// [`route`](super::route) only: the bytes were checked for that place.
///
/// Names are compared [decoded](Self::decode), never as bytes: `pii` and `p%69i` are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name<'p> {
    raw: &'p [u8],
    marks: Marks,
    kind: Kind,
    place: NamePlace,
}

/// Where a name stands; fixes, together with the kind, how it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamePlace {
    Prefix,
    /// With the catalog's separator.
    Namespace(u8),
    Object(Noun),
    Extra,
}

impl<'p> Name<'p> {
    /// Checks what only the place decides.
    pub(super) fn read(
        segment: Segment<'p>,
        place: NamePlace,
        layout: &Layout,
    ) -> Result<Self, PathFault> {
        let name = Self {
            raw: segment.raw,
            marks: segment.marks,
            kind: layout.kind(),
            place,
        };
        let marks = segment.marks;
        match (place, name.kind) {
            (NamePlace::Namespace(separator), _) => name.check_levels(separator)?,
            // Nessie writes a reference's '/' as %1F: feature%1Fx%7Cwarehouse.
            (NamePlace::Prefix, Kind::Nessie) => {}
            _ if marks.has(Marks::UNIT_SEPARATOR) => return Err(PathFault::ControlCharacter),
            _ => {}
        }
        if marks.has(Marks::DECODES_AGAIN) && name.is_decoded_twice_by_some() {
            return Err(PathFault::DoubleEncoding);
        }
        // In names, every catalog takes %3B for a ';' and no more (Nessie was watched). The border between
        // tenants does not rest on that.
        if marks.has(Marks::ENCODED_SEMICOLON) && place == NamePlace::Prefix {
            return Err(PathFault::MatrixParameter);
        }
        if marks.has(Marks::PLUS) && place == NamePlace::Prefix && name.kind == Kind::Iceberg {
            return Err(PathFault::PlusInPrefix);
        }
        Ok(name)
    }

    /// The bytes as they stand in the path.
    pub fn raw(&self) -> &'p [u8] {
        self.raw
    }

    /// The text, decoded exactly once in the way of the catalog's kind. Borrowed when there is nothing
    /// to decode. A namespace of several levels has the separator between them; see
    /// [`levels`](Self::levels).
    pub fn decode(&self) -> Cow<'p, str> {
        self.decode_part(self.raw)
    }

    /// The levels of a namespace, outermost first, each decoded; none is empty. A name that is not a
    /// namespace has one level.
    pub fn levels(&self) -> impl Iterator<Item = Cow<'p, str>> + use<'p> {
        let name = *self;
        Levels::of(self).map(move |(level, _)| name.decode_part(level))
    }

    /// What kind of thing it names, for an object.
    pub fn noun(&self) -> Option<Noun> {
        match self.place {
            NamePlace::Object(noun) => Some(noun),
            NamePlace::Prefix | NamePlace::Namespace(_) | NamePlace::Extra => None,
        }
    }

    /// Whether the catalog takes [`decode`](Self::decode) for the object's very name. A rule about
    /// single objects must refuse a name that is not plain, because it cannot know the object:
    ///
    /// - Nessie reads a table or view as an expression: `t@branch`, `t#hash`, `` `t` `` and `'t'`;
    /// - Polaris up to 1.4 decodes tables, views and policies as forms after they were decoded already,
    ///   so that `+` and `%2B` are spaces; from 1.5 on both are `+`.
    pub fn is_plain(&self) -> bool {
        match (self.kind, self.place) {
            (Kind::Nessie, NamePlace::Object(_)) => {
                let text = self.decode();
                let quoted = |quote: char| text.starts_with(quote) && text.ends_with(quote);
                !text.contains(['@', '#']) && !quoted('\'') && !quoted('`')
            }
            (Kind::Polaris, NamePlace::Object(Noun::Table | Noun::View | Noun::Policy)) => {
                !self.marks.has(Marks::PLUS.and(Marks::ENCODED_PLUS))
            }
            _ => true,
        }
    }

    /// Tables, views and policies of Polaris up to 1.4. Also every prefix: it is the border between
    /// tenants, and no catalog has one with a percent triplet in its name.
    fn is_decoded_twice_by_some(&self) -> bool {
        matches!(self.place, NamePlace::Prefix)
            || matches!(
                (self.kind, self.place),
                (Kind::Polaris, NamePlace::Object(_))
            )
    }

    fn check_levels(&self, separator: u8) -> Result<(), PathFault> {
        if separator == UNIT_SEPARATOR && !self.marks.has(Marks::UNIT_SEPARATOR) {
            return Ok(());
        }
        let (mut unit, mut own) = (false, false);
        for (level, end) in Levels::of(self) {
            if level.is_empty() {
                return Err(PathFault::EmptyLevel);
            }
            match end {
                Some(UNIT_SEPARATOR) => unit = true,
                Some(_) => own = true,
                None => {}
            }
        }
        if unit && own {
            Err(PathFault::MixedSeparators)
        } else {
            Ok(())
        }
    }

    fn decode_part(&self, raw: &'p [u8]) -> Cow<'p, str> {
        if !raw.iter().any(|byte| matches!(byte, b'%' | b'+')) {
            return String::from_utf8_lossy(raw);
        }
        let bytes: Vec<u8> = Units::of(raw)
            .map_while(Result::ok)
            .map(|unit| self.meaning(unit))
            .collect();
        match String::from_utf8(bytes) {
            Ok(text) => Cow::Owned(text),
            Err(fault) => Cow::Owned(String::from_utf8_lossy(fault.as_bytes()).into_owned()),
        }
    }

    /// What a decoded byte means to the catalog.
    fn meaning(&self, unit: Unit) -> u8 {
        let plus_is_space = match (self.kind, self.place) {
            (Kind::Iceberg, NamePlace::Namespace(_) | NamePlace::Object(_) | NamePlace::Extra) => {
                !unit.encoded
            }
            (Kind::Polaris, NamePlace::Object(Noun::Table | Noun::View | Noun::Policy)) => {
                !unit.encoded
            }
            (Kind::Lakekeeper, NamePlace::Namespace(_) | NamePlace::Object(_)) => true,
            _ => false,
        };
        match unit.byte {
            b'+' if plus_is_space => b' ',
            UNIT_SEPARATOR if self.kind == Kind::Nessie && self.place == NamePlace::Prefix => b'/',
            byte => byte,
        }
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(self.raw), f)
    }
}

/// The raw levels of a namespace, each with the separator that ended it.
struct Levels<'p> {
    rest: Option<&'p [u8]>,
    separator: Option<u8>,
}

impl<'p> Levels<'p> {
    fn of(name: &Name<'p>) -> Self {
        let separator = match name.place {
            NamePlace::Namespace(separator) => Some(separator),
            NamePlace::Prefix | NamePlace::Object(_) | NamePlace::Extra => None,
        };
        Self {
            rest: Some(name.raw),
            separator,
        }
    }

    /// A separator of the catalog's own is the same raw and encoded: `%2E` is `.` by RFC 3986
    /// section 2.3, and clients and proxies rewrite the one as the other.
    fn separates(&self, unit: Unit) -> bool {
        self.separator
            .is_some_and(|own| unit.byte == own || (unit.byte == UNIT_SEPARATOR && unit.encoded))
    }
}

impl<'p> Iterator for Levels<'p> {
    type Item = (&'p [u8], Option<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let whole = self.rest?;
        let mut at = 0_usize;
        for unit in Units::of(whole).map_while(Result::ok) {
            let width = if unit.encoded { 3 } else { 1 };
            if self.separates(unit) {
                let (level, separator_on) = whole.split_at_checked(at)?;
                self.rest = separator_on.get(width..);
                return Some((level, Some(unit.byte)));
            }
            at = at.saturating_add(width);
        }
        self.rest = None;
        Some((whole, None))
    }
}

/// x
pub fn is_plain_name(_kind: Kind, _noun: Noun, _text: &str) -> bool {
    true
}
