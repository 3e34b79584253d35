//! The caller: what a verified token says about who calls.

use std::fmt;

use crate::clock::UnixTime;
use crate::config::IssuerId;
use crate::jose::{Claims, Fingerprint};

/// Longest name of a caller in logs and messages, in characters.
const LOG_NAME_CHARS: usize = 128;

/// Who calls, proven by a signature. Only [`Presented::verify`](super::Presented::verify) makes one.
///
/// `Debug` shows issuer and log name, and no claims.
#[derive(Clone)]
pub struct Caller {
    pub(super) issuer: IssuerId,
    pub(super) subject: String,
    pub(super) log_name: String,
    pub(super) same_person: String,
    pub(super) authorized_party: Option<String>,
    pub(super) expires: UnixTime,
    pub(super) accepted_until: UnixTime,
    pub(super) claims: Claims,
    pub(super) key: Fingerprint,
    pub(super) footprint: usize,
}

impl Caller {
    /// The issuer that proved it.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// `sub`: not empty, at most 1 KiB, without control characters.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// How logs and messages name the caller: safe to write between quotes, at most 128 characters. Never
    /// a key for anything: two callers may have the same.
    pub fn log_name(&self) -> &str {
        &self.log_name
    }

    /// The value of the issuer's `subject_claim`, which a minted token for this person must have too.
    pub fn same_person(&self) -> &str {
        &self.same_person
    }

    /// The client that got the token: `azp`, else `client_id`.
    pub fn authorized_party(&self) -> Option<&str> {
        self.authorized_party.as_deref()
    }

    /// `exp`, to the letter: nothing that is minted for this caller lives longer.
    pub fn expires(&self) -> UnixTime {
        self.expires
    }

    /// `exp` with the issuer's leeway: the first time at which the caller is no longer accepted.
    pub fn accepted_until(&self) -> UnixTime {
        self.accepted_until
    }

    /// Everything that the token claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Bytes that it takes in memory beyond its own size, roughly: mostly its claims.
    pub fn footprint(&self) -> usize {
        self.footprint
    }

    /// The key that proved it. When it leaves the issuer's key set, the caller is to be forgotten.
    pub fn key(&self) -> Fingerprint {
        self.key
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("issuer", &self.issuer)
            .field("log_name", &self.log_name)
            .finish_non_exhaustive()
    }
}

/// Text of a token, made safe for a log line, a message and a terminal: what could end a quotation or a
/// line, or turn the direction of the text, becomes `_`, and what is too long is cut.
pub(super) fn log_name(text: &str) -> String {
    let unsafe_in_logs = |character: char| {
        character.is_control()
            || matches!(character, '"' | '\'' | '`' | '\\')
            // line and paragraph separators; zero-width, direction and other invisible characters
            || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars()
        .take(LOG_NAME_CHARS)
        .map(|character| {
            if unsafe_in_logs(character) {
                '_'
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::log_name;

    #[test]
    fn a_log_name_cannot_break_out_of_its_quotes() {
        let table = [
            ("alice", "alice"),
            (
                "Zoë Müller <zoe@example.com>",
                "Zoë Müller <zoe@example.com>",
            ),
            ("a'b\"c`d\\e", "a_b_c_d_e"),
            ("a\r\nb\0c\u{1b}[31m", "a__b_c_[31m"),
            ("a\u{85}b\u{2028}c\u{2029}d", "a_b_c_d"),
            ("\u{202e}ecila\u{200b}\u{feff}", "_ecila__"),
        ];
        for (text, expected) in table {
            assert_eq!(log_name(text), expected);
        }
    }

    #[test]
    fn a_log_name_ends_after_128_characters() {
        assert_eq!(log_name(&"ü".repeat(129)), "ü".repeat(128));
    }
}
