//! Bearer tokens in HTTP (RFC 6750, RFC 9110 section 11): the `Authorization` header that a client
//! sends and the challenge that it gets.

use crate::limits::TOKEN_BYTES;

/// Why an `Authorization` value is not one bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BearerFault {
    /// There is no such header.
    Missing,
    /// The header is empty, or is the word `Bearer` with nothing behind it.
    Empty,
    /// Another scheme: `Basic`, `DPoP`, ...
    OtherScheme,
    /// More than one credential: proxies join several headers with commas.
    Several,
    /// Not `Bearer`, one space, token68.
    Malformed,
    /// The token is longer than [`TOKEN_BYTES`].
    TooLong,
}

const SCHEME: &[u8] = b"bearer";

/// Reads the bearer token out of an `Authorization` value (`None`: there is no header).
///
/// RFC 6750 section 2.1 has `"Bearer" 1*SP b64token`; this takes exactly one space, which is what
/// every client sends, because each further liberty is a chance for two readers to differ. The
/// scheme's case does not matter (RFC 9110 section 11.1).
pub fn bearer(value: Option<&[u8]>) -> Result<&str, BearerFault> {
    let value = value.ok_or(BearerFault::Missing)?;
    // "Bearer" and the space count too, so that nothing longer is looked at byte by byte.
    if value.len() > TOKEN_BYTES.saturating_add(SCHEME.len()).saturating_add(1) {
        return Err(BearerFault::TooLong);
    }
    let value = str::from_utf8(value).map_err(|_| BearerFault::Malformed)?;
    if !value
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        return Err(BearerFault::Malformed);
    }
    if value.is_empty() {
        return Err(BearerFault::Empty);
    }
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.is_empty() {
        return Err(BearerFault::Malformed);
    }
    if !is_bearer(scheme) {
        // A comma alone proves nothing: other schemes have parameters with commas between them.
        let joined = value
            .split(',')
            .any(|part| is_bearer(part.trim_start().split(' ').next().unwrap_or_default()));
        return Err(if joined {
            BearerFault::Several
        } else {
            BearerFault::OtherScheme
        });
    }
    if token.is_empty() {
        return Err(BearerFault::Empty);
    }
    if token.contains(',') || token.split(' ').any(is_bearer) {
        return Err(BearerFault::Several);
    }
    if !is_token68(token.as_bytes()) {
        return Err(BearerFault::Malformed);
    }
    Ok(token)
}

fn is_bearer(scheme: &str) -> bool {
    scheme.as_bytes().eq_ignore_ascii_case(SCHEME)
}

/// Whether these bytes are a `token68` (RFC 9110 section 11.2; `b64token` in RFC 6750): letters,
/// digits and `-._~+/`, at least one, then any number of `=`. Nothing in it can end a header or
/// begin a second value.
pub fn is_token68(bytes: &[u8]) -> bool {
    let end = bytes
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |last| last.saturating_add(1));
    let body = bytes.get(..end).unwrap_or_default();
    !body.is_empty()
        && body.iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
        })
}

/// Error codes of a resource server (RFC 6750 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BearerError {
    /// `invalid_request`: the request is malformed (400).
    InvalidRequest,
    /// `invalid_token`: expired, revoked, malformed, not for us (401). A fresh token helps.
    InvalidToken,
    /// `insufficient_scope`: more is needed than this token gives (403).
    InsufficientScope,
}

impl BearerError {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }
}

/// The value of `WWW-Authenticate` (RFC 6750 section 3):
/// `Bearer realm="...", error="...", error_description="..."`.
///
/// Without a credential in the request there should be no error (section 3.1), so it is optional;
/// a description stands only beside an error. Whatever the arguments hold, the result is one
/// header value in printable ASCII. A realm has `"` and `\` escaped (RFC 9110 section 5.6.4); in a
/// description they become `'` and `/`, because RFC 6750 does not allow them there; whatever is
/// not printable ASCII becomes `?`.
pub fn www_authenticate(realm: &str, error: Option<(BearerError, &str)>) -> String {
    let mut value = String::from("Bearer realm=\"");
    for character in realm.chars() {
        match character {
            '"' | '\\' => value.extend(['\\', character]),
            ' '..='~' => value.push(character),
            _ => value.push('?'),
        }
    }
    value.push('"');
    if let Some((error, description)) = error {
        value.push_str(", error=\"");
        value.push_str(error.as_str());
        value.push('"');
        if !description.is_empty() {
            value.push_str(", error_description=\"");
            value.extend(printable(description));
            value.push('"');
        }
    }
    value
}

/// The characters that RFC 6749 section 5.2 and RFC 6750 section 3 allow in an
/// `error_description` (`%x20-21 / %x23-5B / %x5D-7E`): `"` becomes `'`, `\` becomes `/`, anything
/// else outside of it `?`. So it needs no escape in a quoted string nor in JSON.
pub(super) fn printable(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().map(|character| match character {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => character,
        _ => '?',
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::BearerFault::*;
    use super::*;

    #[test]
    fn reads_one_bearer_token_and_nothing_else() {
        let cases: &[(&str, Result<&str, BearerFault>)] = &[
            ("Bearer mF_9.B5f-4.1JqM", Ok("mF_9.B5f-4.1JqM")), // RFC 6750 section 2.1
            ("bearer a", Ok("a")),
            ("BEARER a", Ok("a")),
            ("Bearer Aa0-._~+/==", Ok("Aa0-._~+/==")),
            ("", Err(Empty)),
            ("Bearer", Err(Empty)),
            ("Bearer ", Err(Empty)),
            (" ", Err(Malformed)),
            (" Bearer a", Err(Malformed)),
            ("Bearer  a", Err(Malformed)),
            ("Bearer a ", Err(Malformed)),
            ("Bearer\ta", Err(Malformed)),
            ("Bearer a b", Err(Malformed)),
            ("Bearer =", Err(Malformed)),
            ("Bearer a=b", Err(Malformed)),
            ("Bearer a\"", Err(Malformed)),
            ("Bearer a;b", Err(Malformed)),
            ("Bearer a:b", Err(Malformed)),
            ("Bearer a%20b", Err(Malformed)),
            ("Bearer a\r\nx: y", Err(Malformed)),
            ("Bearer a\0", Err(Malformed)),
            ("Bearer a\u{7f}", Err(Malformed)),
            ("Bearer é", Err(Malformed)),
            ("Bearer a,Bearer b", Err(Several)),
            ("Bearer a, Bearer b", Err(Several)),
            ("Bearer a,", Err(Several)),
            ("Bearer ,a", Err(Several)),
            ("Bearer a, Basic eDp5", Err(Several)),
            ("Basic eDp5,Bearer a", Err(Several)),
            ("Basic eDp5, bearer a", Err(Several)),
            ("Bearer,Bearer a", Err(Several)),
            ("Bearer a Bearer b", Err(Several)),
            ("Bearer Bearer a", Err(Several)),
            ("Basic eDp5", Err(OtherScheme)),
            ("DPoP a", Err(OtherScheme)),
            ("Digest username=\"a\", realm=\"b\"", Err(OtherScheme)),
            (
                "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c",
                Err(OtherScheme),
            ),
            ("Bearer2 a", Err(OtherScheme)),
            ("Bearera", Err(OtherScheme)),
            ("eyJhbGciOiJub25lIn0.e30.", Err(OtherScheme)),
        ];
        for (value, expected) in cases {
            assert_eq!(bearer(Some(value.as_bytes())), *expected, "{value:?}");
        }
        assert_eq!(bearer(None), Err(Missing));
        assert_eq!(bearer(Some(b"Bearer \xff")), Err(Malformed));
        assert_eq!(bearer(Some(b"\xff\xfe")), Err(Malformed));
    }

    #[test]
    fn the_longest_token_is_16_kib() {
        let longest = format!("Bearer {}", "a".repeat(16_384));
        assert_eq!(bearer(Some(longest.as_bytes())).map(str::len), Ok(16_384));
        assert_eq!(bearer(Some(format!("{longest}a").as_bytes())), Err(TooLong));
        assert_eq!(bearer(Some(&[0xff; 100_000])), Err(TooLong));
    }

    #[test]
    fn challenges_are_those_of_rfc_6750() {
        let cases = [
            // RFC 6750 section 3, both examples
            (
                www_authenticate("example", None),
                r#"Bearer realm="example""#,
            ),
            (
                www_authenticate(
                    "example",
                    Some((BearerError::InvalidToken, "The access token expired")),
                ),
                r#"Bearer realm="example", error="invalid_token", error_description="The access token expired""#,
            ),
            (
                www_authenticate("a\"b\\c\r\nd", Some((BearerError::InsufficientScope, ""))),
                r#"Bearer realm="a\"b\\c??d", error="insufficient_scope""#,
            ),
            (
                www_authenticate(
                    "r",
                    Some((BearerError::InvalidRequest, "a \"b\" \\ \r\nX: é")),
                ),
                r#"Bearer realm="r", error="invalid_request", error_description="a 'b' / ??X: ?""#,
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(value, expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(token in "[A-Za-z0-9._~+/-]{1,200}={0,3}") {
            let value = format!("Bearer {token}");
            prop_assert_eq!(bearer(Some(value.as_bytes())), Ok(token.as_str()));
        }

        /// The grammar, written a second time and differently.
        #[test]
        fn whatever_is_accepted_is_scheme_space_token68(value in prop::collection::vec(any::<u8>(), 0..24)) {
            let value = [b"Bearer ".as_slice(), &value].concat();
            if let Ok(token) = bearer(Some(&value)) {
                prop_assert!(token.trim_end_matches('=').chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c)));
                prop_assert_eq!(token.as_bytes(), &value[7..]);
            }
        }

        #[test]
        fn a_challenge_is_printable_whatever_it_is_made_of(realm in any::<String>(), description in any::<String>()) {
            let value = www_authenticate(&realm, Some((BearerError::InvalidToken, &description)));
            prop_assert!(value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
        }
    }
}
