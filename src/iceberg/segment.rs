//! One segment of a path, looked at byte by byte, and the units of percent-encoding.

use std::slice::Iter;

use super::fault::PathFault;

/// What a segment has that only some places may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    /// A percent-encoded byte.
    pub(super) const PERCENT: Self = Self(1);
    /// A raw `+`.
    pub(super) const PLUS: Self = Self(1 << 1);
    /// `%2B`.
    pub(super) const ENCODED_PLUS: Self = Self(1 << 2);
    /// `%1F`.
    pub(super) const UNIT_SEPARATOR: Self = Self(1 << 3);
    /// Decodes to a text that has a percent triplet again.
    pub(super) const DECODES_AGAIN: Self = Self(1 << 4);
    /// `%3B`.
    pub(super) const ENCODED_SEMICOLON: Self = Self(1 << 5);

    /// A byte that no segment may have; never kept.
    const ILLEGAL: Self = Self(1 << 7);

    /// Whether any of `marks` is set.
    pub(super) const fn has(self, marks: Self) -> bool {
        self.0 & marks.0 != 0
    }

    /// Both.
    pub(super) const fn and(self, marks: Self) -> Self {
        Self(self.0 | marks.0)
    }
}

/// A segment that was looked at. Its bytes are ASCII, its triplets are well-formed UTF-8.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'p> {
    pub(super) raw: &'p [u8],
    pub(super) marks: Marks,
}

impl<'p> Segment<'p> {
    /// Stands where no segment is.
    pub(super) const NONE: Self = Self {
        raw: b"",
        marks: Marks(0),
    };

    /// Looks at the bytes between two slashes.
    pub(super) fn read(raw: &'p [u8]) -> Result<Self, PathFault> {
        let mut marks = Marks::default();
        for byte in raw {
            marks = marks.and(marks_of(*byte));
        }
        if marks.has(Marks::ILLEGAL) {
            return Err(raw
                .iter()
                .find_map(|byte| illegal(*byte))
                .unwrap_or(PathFault::IllegalCharacter));
        }
        match raw {
            b"" => return Err(PathFault::EmptySegment),
            b"." | b".." => return Err(PathFault::DotSegment),
            _ => {}
        }
        if marks.has(Marks::PERCENT) {
            marks = marks.and(read_encoded(raw)?);
            if is_encoded_dots(raw) {
                return Err(PathFault::DotSegment);
            }
        }
        Ok(Self { raw, marks })
    }
}

/// RFC 3986 `pchar` without `;`: what may stand raw in a segment.
#[inline]
const fn marks_of(byte: u8) -> Marks {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => Marks(0),
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b',' | b'=' | b':' | b'@' => Marks(0),
        b'%' => Marks::PERCENT,
        b'+' => Marks::PLUS,
        _ => Marks::ILLEGAL,
    }
}

/// What is wrong with a byte that may not stand raw in a segment.
fn illegal(byte: u8) -> Option<PathFault> {
    match byte {
        b'\\' => Some(PathFault::Backslash),
        b';' => Some(PathFault::MatrixParameter),
        b'#' => Some(PathFault::Fragment),
        0x00..=0x1f | 0x7f => Some(PathFault::ControlCharacter),
        0x80..=0xff => Some(PathFault::NotAscii),
        _ if marks_of(byte).has(Marks::ILLEGAL) => Some(PathFault::IllegalCharacter),
        _ => None,
    }
}

/// A segment with percent-encoding, decoded on the fly.
fn read_encoded(raw: &[u8]) -> Result<Marks, PathFault> {
    let mut marks = Marks::default();
    let mut characters = Characters::default();
    // How much of "%", hex digit, hex digit the decoded text just had.
    let mut triplet = 0_u8;
    for unit in Units::of(raw) {
        let unit = unit?;
        if unit.encoded {
            marks = marks.and(match unit.byte {
                b'/' => return Err(PathFault::EncodedSlash),
                b'\\' => return Err(PathFault::Backslash),
                b';' => Marks::ENCODED_SEMICOLON,
                0x1f => Marks::UNIT_SEPARATOR,
                0x00..=0x1e | 0x7f => return Err(PathFault::ControlCharacter),
                b'+' => Marks::ENCODED_PLUS,
                _ => Marks(0),
            });
        }
        characters.push(unit.byte)?;
        triplet = match (triplet, unit.byte) {
            (_, b'%') => 1,
            (1, byte) if byte.is_ascii_hexdigit() => 2,
            (2, byte) if byte.is_ascii_hexdigit() => {
                marks = marks.and(Marks::DECODES_AGAIN);
                0
            }
            _ => 0,
        };
    }
    characters.end()?;
    Ok(marks)
}

/// Whether a segment is empty, `.` or `..` to somebody who decodes it, once or any number of times:
/// each dot is `.`, `%2e`, `%252e`, `%25252e`, ...
pub(super) fn is_encoded_dots(raw: &[u8]) -> bool {
    let mut dots = 0_u8;
    let mut rest = raw;
    while let Some((first, mut after)) = rest.split_first() {
        match first {
            b'.' => {}
            b'%' => {
                while let Some(deeper) = after.strip_prefix(b"25") {
                    after = deeper;
                }
                match after.split_at_checked(2) {
                    Some((hex, deeper)) if hex.eq_ignore_ascii_case(b"2e") => after = deeper,
                    _ => return false,
                }
            }
            _ => return false,
        }
        dots = dots.saturating_add(1);
        rest = after;
    }
    dots <= 2
}

/// One byte of the decoded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) byte: u8,
    /// Whether it stood as a triplet.
    pub(super) encoded: bool,
}

/// The bytes that a percent-encoded text means, decoded exactly once.
#[derive(Clone, Debug)]
pub(super) struct Units<'p>(Iter<'p, u8>);

impl<'p> Units<'p> {
    pub(super) fn of(raw: &'p [u8]) -> Self {
        Self(raw.iter())
    }
}

impl Iterator for Units<'_> {
    type Item = Result<Unit, PathFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let byte = *self.0.next()?;
        if byte != b'%' {
            return Some(Ok(Unit {
                byte,
                encoded: false,
            }));
        }
        let high = self.0.next().copied().and_then(hex_digit);
        let low = self.0.next().copied().and_then(hex_digit);
        Some(match (high, low) {
            (Some(high), Some(low)) => Ok(Unit {
                byte: (high << 4) | low,
                encoded: true,
            }),
            _ => Err(PathFault::BadPercentEncoding),
        })
    }
}

/// The value of a hex digit, at most 15.
fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Checks UTF-8 one character at a time, without a buffer for the whole.
#[derive(Default)]
struct Characters {
    bytes: [u8; 4],
    have: usize,
    want: usize,
}

impl Characters {
    fn push(&mut self, byte: u8) -> Result<(), PathFault> {
        if self.have == 0 {
            self.want = match byte {
                0x00..=0x7f => return Ok(()),
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => return Err(PathFault::NotUtf8),
            };
        }
        *self.bytes.get_mut(self.have).ok_or(PathFault::NotUtf8)? = byte;
        self.have = self.have.saturating_add(1);
        if self.have < self.want {
            return Ok(());
        }
        let character = self.bytes.get(..self.have).ok_or(PathFault::NotUtf8)?;
        self.have = 0;
        std::str::from_utf8(character)
            .map(|_| ())
            .map_err(|_| PathFault::NotUtf8)
    }

    fn end(self) -> Result<(), PathFault> {
        if self.have == 0 {
            Ok(())
        } else {
            Err(PathFault::NotUtf8)
        }
    }
}
