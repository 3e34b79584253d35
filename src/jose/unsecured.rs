//! The unsecured JWT (RFC 7519 section 6): claims without a signature.

use std::fmt;

use super::{Claims, ClaimsFault, Part, base64url};
use crate::json::{self, JsonFault, Object};
use crate::limits;

/// Claims that nobody signed. They prove nothing: anybody can write them.
///
/// It has one use, at the token endpoint: as the word of an engine about its user, whose worth is that of the engine's
/// own token beside it. It lives apart from [`CompactJws`](super::CompactJws), which never takes a token without a
/// signature, and cannot be verified or made one, so that neither is ever taken for the other.
///
/// `Debug` shows none of the claims.
pub struct UnsecuredJwt {
    claims: Claims,
}

/// Why bytes are no unsecured JWT. It holds nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsecuredFault {
    /// Longer than [`TOKEN_BYTES`](limits::TOKEN_BYTES).
    TooLong,
    /// Not three parts with dots between them.
    NotThreeParts,
    /// The third part is not empty: it is signed, or pretends to be.
    Signed,
    /// A part is not canonical base64url.
    Encoding(Part),
    /// The header is not a strict JSON object.
    Header(JsonFault),
    /// `alg` is not exactly `none`.
    Algorithm,
    /// The header has a member beside `alg` and `typ`, or a `typ` that is not `JWT`: there is no key to name, and no
    /// extension is understood.
    HeaderMember,
    /// The payload is not a set of claims.
    Claims(ClaimsFault),
}

/// Whether a token has the form of an unsecured one: three parts, the last one empty. Nothing is decoded.
pub fn is_unsecured(token: &[u8]) -> bool {
    token.ends_with(b".") && token.iter().filter(|byte| **byte == b'.').count() == 2
}

impl UnsecuredJwt {
    /// Reads a token's header and claims.
    ///
    /// # Errors
    ///
    /// The first [`UnsecuredFault`] that is met, in the order of the variants.
    pub fn parse(token: &[u8]) -> Result<Self, UnsecuredFault> {
        if token.len() > limits::TOKEN_BYTES {
            return Err(UnsecuredFault::TooLong);
        }
        let mut parts = token.split(|byte| *byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(UnsecuredFault::NotThreeParts);
        };
        if !signature.is_empty() {
            return Err(UnsecuredFault::Signed);
        }
        let header = base64url::decode(header).ok_or(UnsecuredFault::Encoding(Part::Header))?;
        let payload = base64url::decode(payload).ok_or(UnsecuredFault::Encoding(Part::Payload))?;
        check_header(&json::parse_object(&header).map_err(UnsecuredFault::Header)?)?;
        let claims = Claims::parse(&payload).map_err(UnsecuredFault::Claims)?;
        Ok(Self { claims })
    }

    /// The claims; proven by nothing.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

fn check_header(members: &Object) -> Result<(), UnsecuredFault> {
    let text = |name: &str| members.get(name).and_then(json::Value::as_str);
    if text("alg") != Some("none") {
        return Err(UnsecuredFault::Algorithm);
    }
    let typ = !members.contains_key("typ")
        || text("typ").is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"));
    let known = members
        .keys()
        .all(|name| matches!(name.as_str(), "alg" | "typ"));
    (typ && known)
        .then_some(())
        .ok_or(UnsecuredFault::HeaderMember)
}

impl fmt::Debug for UnsecuredJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsecuredJwt").finish_non_exhaustive()
    }
}

/// Continues "the token ...".
impl fmt::Display for UnsecuredFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "is longer than {} bytes", limits::TOKEN_BYTES),
            Self::NotThreeParts => f.write_str("is not a JWT"),
            Self::Signed => f.write_str("has a third part; an unsecured JWT ends with a dot"),
            Self::Encoding(Part::Payload) => f.write_str("has a payload that is not base64url"),
            Self::Encoding(_) => f.write_str("has a header that is not base64url"),
            Self::Header(fault) => write!(f, "has a header that {fault}"),
            Self::Algorithm => f.write_str("has a header whose alg is not none"),
            Self::HeaderMember => f.write_str("has a header with more than alg and typ (JWT)"),
            Self::Claims(fault) => write!(f, "{fault}"),
        }
    }
}

impl std::error::Error for UnsecuredFault {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{UnsecuredFault, UnsecuredJwt, is_unsecured};
    use crate::jose::{ClaimsFault, CompactJws, JwsFault, Part, base64url};
    use crate::json::JsonFaultKind;

    fn token(header: &str, payload: &str) -> String {
        let part = |text: &str| base64url::encode(text.as_bytes());
        format!("{}.{}.", part(header), part(payload))
    }

    fn fault(token: impl AsRef<[u8]>) -> UnsecuredFault {
        UnsecuredJwt::parse(token.as_ref()).expect_err("no unsecured JWT")
    }

    /// What Trino 481 writes for its user alice.
    const TRINO: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImlzcyI6IjQ4MSIsImlhdCI6MTc3MTIwMDAwMCwidXNlciI6ImFsaWNlIiwic291cmNlIjoidHJpbm8tY2xpIiwidHJpbm9DYXRhbG9nIjoibGFrZSIsInRyaW5vVmVyc2lvbiI6IjQ4MSJ9.";

    #[test]
    fn the_word_of_trino_is_read() {
        let jwt = UnsecuredJwt::parse(TRINO.as_bytes()).unwrap();
        assert_eq!(jwt.claims().sub(), Some("alice"));
        assert_eq!(jwt.claims().iss(), Some("481"));
        assert_eq!(
            jwt.claims().string_at(&["source".to_owned()]),
            Some("trino-cli")
        );
        assert_eq!(jwt.claims().expires(), None);
        assert_eq!(format!("{jwt:?}"), "UnsecuredJwt { .. }");
    }

    #[test]
    fn the_example_of_the_rfc_is_read() {
        // RFC 7519 section 6.1
        let jwt = UnsecuredJwt::parse(b"eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.").unwrap();
        assert_eq!(jwt.claims().iss(), Some("joe"));
        for header in [
            r#"{"alg":"none","typ":"JWT"}"#,
            r#"{"typ":"jwt","alg":"none"}"#,
        ] {
            assert!(
                UnsecuredJwt::parse(token(header, "{}").as_bytes()).is_ok(),
                "{header}"
            );
        }
    }

    #[test]
    fn every_fault_of_form_has_its_name() {
        let table: [(&[u8], UnsecuredFault); 14] = [
            (b"", UnsecuredFault::NotThreeParts),
            (b"opaque", UnsecuredFault::NotThreeParts),
            (b"eyJhbGciOiJub25lIn0.e30", UnsecuredFault::NotThreeParts),
            (b"eyJhbGciOiJub25lIn0.e30..", UnsecuredFault::NotThreeParts),
            (b"....", UnsecuredFault::NotThreeParts),
            (b"eyJhbGciOiJub25lIn0.e30.c2ln", UnsecuredFault::Signed),
            (b"eyJhbGciOiJub25lIn0.e30.=", UnsecuredFault::Signed),
            (b"eyJhbGciOiJub25lIn0.e30. ", UnsecuredFault::Signed),
            (
                b"eyJhbGciOiJub25lIn0=.e30.",
                UnsecuredFault::Encoding(Part::Header),
            ),
            (
                b" eyJhbGciOiJub25lIn0.e30.",
                UnsecuredFault::Encoding(Part::Header),
            ),
            (
                b"eyJhbGciOiJub25lIn0.e31.",
                UnsecuredFault::Encoding(Part::Payload),
            ),
            (
                b"eyJhbGciOiJub25lIn0.\xff.",
                UnsecuredFault::Encoding(Part::Payload),
            ),
            (b"e30.e30.", UnsecuredFault::Algorithm),
            (&[b'.'; 16 * 1024 + 1], UnsecuredFault::TooLong),
        ];
        for (token, expected) in table {
            assert_eq!(fault(token), expected, "{}", String::from_utf8_lossy(token));
        }
    }

    #[test]
    fn a_header_says_none_and_nothing_else() {
        for header in [
            r#"{"alg":"None"}"#,
            r#"{"alg":"NONE"}"#,
            r#"{"alg":"nOnE"}"#,
            r#"{"alg":"none "}"#,
            r#"{"alg":""}"#,
            r#"{"alg":null}"#,
            r#"{"alg":["none"]}"#,
            r#"{"Alg":"none"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"ES256"}"#,
        ] {
            assert_eq!(
                fault(token(header, "{}")),
                UnsecuredFault::Algorithm,
                "{header}"
            );
        }
        for member in [
            r#""crit":["exp"]"#,
            r#""crit":null"#,
            r#""b64":false"#,
            r#""jku":"https://evil.example/""#,
            r#""jwk":{}"#,
            r#""x5u":"https://evil.example/""#,
            r#""x5c":[]"#,
            r#""x5t":"-""#,
            r#""kid":"k""#,
            r#""cty":"JWT""#,
            r#""zip":"DEF""#,
            r#""enc":"A128GCM""#,
            r#""Alg":"ES256""#,
            r#""typ":"at+jwt""#,
            r#""typ":1"#,
            r#""typ":null"#,
        ] {
            let header = format!(r#"{{"alg":"none",{member}}}"#);
            assert_eq!(
                fault(token(&header, "{}")),
                UnsecuredFault::HeaderMember,
                "{header}"
            );
        }
        for (header, expected) in [
            (
                r#"{"alg":"none","alg":"none"}"#,
                JsonFaultKind::DuplicateMember,
            ),
            (
                r#"{"alg":"none","\u0061lg":"none"}"#,
                JsonFaultKind::DuplicateMember,
            ),
            (r#""none""#, JsonFaultKind::NotAnObject),
            ("", JsonFaultKind::Incomplete),
        ] {
            match fault(token(header, "{}")) {
                UnsecuredFault::Header(fault) => assert_eq!(fault.kind(), expected, "{header}"),
                other => panic!("{header}: {other:?}"),
            }
        }
    }

    #[test]
    fn claims_are_as_strict_as_those_of_a_signed_token() {
        let none = r#"{"alg":"none"}"#;
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(40), "]".repeat(40));
        for (payload, expected) in [
            (
                r#"{"sub":"alice","sub":"root"}"#,
                JsonFaultKind::DuplicateMember,
            ),
            (
                r#"{"sub":"alice","s\u0075b":"root"}"#,
                JsonFaultKind::DuplicateMember,
            ),
            (&deep, JsonFaultKind::TooDeep),
            ("[]", JsonFaultKind::NotAnObject),
            ("", JsonFaultKind::Incomplete),
        ] {
            match fault(token(none, payload)) {
                UnsecuredFault::Claims(ClaimsFault::Json(fault)) => {
                    assert_eq!(fault.kind(), expected, "{payload}");
                }
                other => panic!("{payload}: {other:?}"),
            }
        }
        assert_eq!(
            fault(token(none, r#"{"sub":["alice"]}"#)),
            UnsecuredFault::Claims(ClaimsFault::WrongType("sub"))
        );
    }

    #[test]
    fn no_token_is_both() {
        let signed = TRINO.replace("J9.", "J9.c2ln");
        assert!(is_unsecured(TRINO.as_bytes()) && !is_unsecured(signed.as_bytes()));
        assert_eq!(
            CompactJws::parse(TRINO.as_bytes()).err(),
            Some(JwsFault::Unsigned)
        );
        assert!(CompactJws::parse(signed.as_bytes()).is_ok());
        assert_eq!(fault(&signed), UnsecuredFault::Signed);
        for (token, expected) in [
            ("", false),
            (".", false),
            ("..", true),
            ("a.b.", true),
            ("a.b", false),
            ("a.b.c", false),
            ("a.b.c.", false),
            ("a..", true),
            ("a.b. ", false),
        ] {
            assert_eq!(is_unsecured(token.as_bytes()), expected, "{token}");
        }
    }

    #[test]
    fn a_fault_shows_nothing_of_the_token() {
        for token in [
            token(r#"{"alg":"none","CANARY":1}"#, "{}"),
            token(r#"{"alg":"CANARY"}"#, "{}"),
            token(r#"{"alg":"none"}"#, r#"{"CANARY":1,"CANARY":2}"#),
            "CANARY".to_owned(),
            "CANARY=.CANARY.".to_owned(),
        ] {
            let fault = fault(&token);
            assert!(!format!("{fault:?} {fault}").contains("CANARY"), "{fault}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_unsecured_and_never_signed(token in "[A-Za-z0-9_.=-]{0,60}|eyJhbGciOiJub25lIn0\\.[A-Za-z0-9_-]{0,8}\\.[a.]?") {
            if UnsecuredJwt::parse(token.as_bytes()).is_ok() {
                prop_assert!(is_unsecured(token.as_bytes()));
                prop_assert!(CompactJws::parse(token.as_bytes()).is_err());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(token in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = UnsecuredJwt::parse(&token);
            let _ = is_unsecured(&token);
        }
    }
}
