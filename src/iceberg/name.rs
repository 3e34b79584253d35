//! A name in a path: its bytes, and what the catalog understands by them.

use std::borrow::Cow;
use std::fmt;

use super::fault::PathFault;
use super::layout::{Kind, Layout, UNIT_SEPARATOR};
use super::operation::Noun;
use super::segment::{Marks, Segment, Unit, Units, is_encoded_dots};

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
    /// - Nessie reads a table or view as an expression ([`is_plain_name`]);
    /// - Polaris up to 1.4 decodes tables, views and policies as forms after they were decoded already,
    ///   so that `+` and `%2B` are spaces; from 1.5 on both are `+`.
    pub fn is_plain(&self) -> bool {
        match (self.kind, self.place) {
            (kind, NamePlace::Object(noun)) if !is_plain_name(kind, noun, &self.decode()) => false,
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
        Levels::of(self).check()
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

/// Whether a catalog of `kind` takes a name, decoded or out of a body, for the very name of the object.
///
/// Nessie (0.99 was watched) reads the names of tables and views as expressions, in paths and in bodies:
/// `t@branch` is `t` on another branch than the prefix says, `t#hash` an older state of it, and quotes
/// around all that are taken off: `` `t` ``, `'t'`. See [`NessieName`](super::NessieName).
pub fn is_plain_name(kind: Kind, noun: Noun, text: &str) -> bool {
    let quoted = |quote: char| text.starts_with(quote) && text.ends_with(quote);
    match (kind, noun) {
        // Nessie has no others than tables and views: whatever it may get later is an expression, too.
        (Kind::Nessie, _) => !text.contains(['@', '#']) && !quoted('\'') && !quoted('`'),
        (Kind::Iceberg | Kind::Polaris | Kind::Lakekeeper, _) => true,
    }
}

/// Whether a name out of a body or a query could stand in a path as well, where there is no way to say
/// `/`, `\`, control characters, `.` and `..` (also percent-encoded), or nothing. Catalogs make locations
/// out of names, so that `..` would lead elsewhere.
pub(super) fn can_stand_in_a_path(text: &str) -> bool {
    !text
        .bytes()
        .any(|byte| byte.is_ascii_control() || matches!(byte, b'/' | b'\\'))
        && !is_encoded_dots(text.as_bytes())
}

/// Whether some reader takes the name of a member or a parameter for `word`: Nessie's queries and Go's JSON
/// know no case (Go takes even `ſ` and the Kelvin sign), Python's models take `metadata_location` as well.
pub(super) fn looks_like(name: &str, word: &str) -> bool {
    fn folded(text: &str) -> impl Iterator<Item = char> {
        text.chars()
            .filter(|one| !matches!(one, '-' | '_'))
            .map(|one| match one {
                '\u{17f}' => 's',
                '\u{212a}' => 'k',
                one => one.to_ascii_lowercase(),
            })
    }
    folded(name).eq(folded(word))
}

/// The raw levels of a namespace, each with the separator that ended it.
#[derive(Clone, Copy)]
pub(super) struct Levels<'p> {
    rest: Option<&'p [u8]>,
    separator: Option<u8>,
}

impl<'p> Levels<'p> {
    /// Without a separator there is one level.
    pub(super) fn new(raw: &'p [u8], separator: Option<u8>) -> Self {
        Self {
            rest: Some(raw),
            separator,
        }
    }

    fn of(name: &Name<'p>) -> Self {
        let separator = match name.place {
            NamePlace::Namespace(separator) => Some(separator),
            NamePlace::Prefix | NamePlace::Object(_) | NamePlace::Extra => None,
        };
        Self::new(name.raw, separator)
    }

    /// No level is empty, and one separator stands between all of them.
    pub(super) fn check(self) -> Result<(), PathFault> {
        let (mut unit, mut own) = (false, false);
        for (level, end) in self {
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
