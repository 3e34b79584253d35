//! DER (X.690), as much of it as a private key needs: elements of known tags, one after the other.
//!
//! By hand: the readers that come with the curves and with RSA, of two generations, cost 50 KB more of the module.

/// `INTEGER`
const INTEGER: u8 = 0x02;

/// Tags of the elements that are read.
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// `[0]` and `[1]`, constructed.
pub(super) const CONTEXT_0: u8 = 0xa0;
pub(super) const CONTEXT_1: u8 = 0xa1;

/// What is still to be read of an element's contents.
#[derive(Clone, Copy)]
pub(super) struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The one `SEQUENCE` that fills `bytes`.
    pub(super) fn sequence(bytes: &'a [u8]) -> Option<Self> {
        let mut whole = Self(bytes);
        let contents = whole.next(SEQUENCE)?;
        whole.0.is_empty().then_some(Self(contents))
    }

    /// The contents of the next element, which must have this tag.
    pub(super) fn next(&mut self, tag: u8) -> Option<&'a [u8]> {
        let rest = self.0.strip_prefix(&[tag])?;
        let (length, rest) = length(rest)?;
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(contents)
    }

    /// The next element as what it is made of.
    pub(super) fn inside(&mut self, tag: u8) -> Option<Self> {
        self.next(tag).map(Self)
    }

    /// The next element, an `INTEGER` that is not negative: big-endian, without leading zeros.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        match self.next(INTEGER)? {
            [0] => Some(&[]),
            [0, number @ ..] if matches!(number, [0x80..=0xff, ..]) => Some(number),
            number @ [1..=0x7f, ..] => Some(number),
            _ => None,
        }
    }
}

/// The shortest form alone (X.690 section 10.1).
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [length @ ..=0x7f, rest @ ..] => Some((usize::from(*length), rest)),
        [0x81, length @ 0x80..=0xff, rest @ ..] => Some((usize::from(*length), rest)),
        [0x82, high @ 1..=0xff, low, rest @ ..] => {
            Some((usize::from(u16::from_be_bytes([*high, *low])), rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Der, OCTET_STRING, SEQUENCE};

    fn integer(bytes: &[u8]) -> Option<&[u8]> {
        let mut der = Der(bytes);
        let number = der.integer()?;
        der.0.is_empty().then_some(number)
    }

    #[test]
    fn numbers_have_one_spelling_and_are_not_negative() {
        let table: [(&[u8], Option<&[u8]>); 12] = [
            (&[2, 1, 0], Some(&[])),
            (&[2, 1, 1], Some(&[1])),
            (&[2, 1, 0x7f], Some(&[0x7f])),
            (&[2, 2, 0, 0x80], Some(&[0x80])),
            (&[2, 2, 1, 0], Some(&[1, 0])),
            (&[2, 0], None),
            (&[2, 1, 0x80], None),
            (&[2, 1, 0xff], None),
            (&[2, 2, 0, 0], None),
            (&[2, 2, 0, 0x7f], None),
            (&[2, 2, 1], None),
            (&[3, 1, 1], None),
        ];
        for (bytes, expected) in table {
            assert_eq!(integer(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn lengths_have_one_spelling() {
        for length in [0_usize, 1, 0x7f, 0x80, 0xff, 0x100, 0x1234, 0xffff] {
            let bytes = length.to_be_bytes();
            let low = bytes.last().copied().unwrap();
            let high = bytes.get(bytes.len() - 2).copied().unwrap();
            let spellings = [vec![low], vec![0x81, low], vec![0x82, high, low]];
            let shortest = match length {
                0..=0x7f => 0,
                0x80..=0xff => 1,
                _ => 2,
            };
            for (place, spelling) in spellings.into_iter().enumerate() {
                let element = [&[OCTET_STRING], &*spelling, &vec![7; length]].concat();
                let read = Der(&element).next(OCTET_STRING).map(<[u8]>::len);
                if place >= shortest {
                    let expected = (place == shortest).then_some(length);
                    assert_eq!(read, expected, "{length} as {spelling:?}");
                }
            }
        }
        for bytes in [
            &[OCTET_STRING][..],
            &[OCTET_STRING, 0x80],
            &[OCTET_STRING, 0x80, 0, 0],
            &[OCTET_STRING, 0x83, 0, 0, 1, 7],
            &[OCTET_STRING, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[OCTET_STRING, 0xff],
            &[OCTET_STRING, 0x81],
            &[OCTET_STRING, 0x82, 1],
        ] {
            assert_eq!(Der(bytes).next(OCTET_STRING), None, "{bytes:?}");
        }
    }

    #[test]
    fn one_sequence_fills_the_whole() {
        assert!(Der::sequence(&[SEQUENCE, 0]).is_some());
        assert!(Der::sequence(&[SEQUENCE, 0, 0]).is_none());
        assert!(Der::sequence(&[SEQUENCE, 1]).is_none());
        assert!(Der::sequence(&[OCTET_STRING, 0]).is_none());
        assert!(Der::sequence(&[]).is_none());
    }

    #[test]
    fn elements_come_one_after_the_other() {
        let mut der = Der::sequence(&[SEQUENCE, 8, 2, 1, 5, SEQUENCE, 3, 2, 1, 6]).unwrap();
        assert!(der.next(OCTET_STRING).is_none());
        assert_eq!(der.integer(), Some(&[5][..]));
        assert_eq!(der.inside(SEQUENCE).unwrap().integer(), Some(&[6][..]));
        assert_eq!(der.integer(), None);
    }
}
