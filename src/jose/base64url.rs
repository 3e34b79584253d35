//! base64url without padding (RFC 7515 section 2), in its one canonical spelling.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The bytes, or `None` for padding, white space, the characters of plain base64, and trailing bits
/// that are not zero: otherwise one token could be written in several ways.
pub(super) fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The canonical spelling.
pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn one_spelling_is_read() {
        assert_eq!(decode("-_8"), Some(vec![0xfb, 0xff]));
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
        assert_eq!(decode(""), Some(vec![]));
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for text in [
            "-_8=", "-_9", "-_-", "+/8", "-_ 8", "-_8\n", " -_8", "-", "-_8A-", "-_8\0", "\u{e9}",
        ] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
