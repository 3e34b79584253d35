//! The compact serialization of a JWS (RFC 7515 sections 3.1 and 7.1) and its header (section 4).

use std::fmt;

use super::{Algorithm, base64url};
use crate::json::{self, JsonFault, Object, Value};
use crate::limits;

/// A signed token in three well-formed parts, with its header read. Nothing is verified yet.
///
/// Borrows the token's text; `Debug` shows none of it.
pub struct CompactJws<'a> {
    text: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Why bytes are no compact JWS that is looked at any further. It holds nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsFault {
    /// Longer than [`TOKEN_BYTES`](limits::TOKEN_BYTES).
    TooLong,
    /// Not three parts with dots between them: an opaque token, or no token.
    NotThreeParts,
    /// Five parts: an encrypted token (RFC 7516 section 7.1), which the gate cannot read.
    Encrypted,
    /// The signature is empty, as in an unsecured JWS (RFC 7515 appendix A.5).
    Unsigned,
    /// A part is not canonical base64url.
    Encoding(Part),
    /// The header is not a strict JSON object.
    Header(JsonFault),
    /// `alg` is missing, or a member of the header that is read is not a string.
    HeaderMember(&'static str),
    /// `crit` or `b64` is there: an extension that must be understood (RFC 7515 section 4.1.11,
    /// RFC 7797), and none is.
    Critical,
    /// `jwk` is there: a key that the token's maker brings along (RFC 7515 section 4.1.3).
    EmbeddedKey,
}

/// A part of the compact serialization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The JOSE header.
    Header,
    /// The payload: the claims.
    Payload,
    /// The signature.
    Signature,
}

impl<'a> CompactJws<'a> {
    /// Reads a token's form and header.
    ///
    /// # Errors
    ///
    /// The first [`JwsFault`] that is met, in the order of the variants.
    pub fn parse(token: &'a [u8]) -> Result<Self, JwsFault> {
        if token.len() > limits::TOKEN_BYTES {
            return Err(JwsFault::TooLong);
        }
        let mut parts = token.split(|byte| *byte == b'.');
        let (header, payload, signature) =
            match (parts.next(), parts.next(), parts.next(), parts.count()) {
                (Some(header), Some(payload), Some(signature), 0) => (header, payload, signature),
                (_, _, _, 2) => return Err(JwsFault::Encrypted),
                _ => return Err(JwsFault::NotThreeParts),
            };
        if signature.is_empty() {
            return Err(JwsFault::Unsigned);
        }
        let header = base64url::decode(header).ok_or(JwsFault::Encoding(Part::Header))?;
        let payload = base64url::decode(payload).ok_or(JwsFault::Encoding(Part::Payload))?;
        let signature = base64url::decode(signature).ok_or(JwsFault::Encoding(Part::Signature))?;
        // All three parts were base64url, so this cannot fail.
        let text = std::str::from_utf8(token).map_err(|_| JwsFault::NotThreeParts)?;
        let header = Header::read(json::parse_object(&header).map_err(JwsFault::Header)?)?;
        Ok(Self {
            text,
            header,
            payload,
            signature,
        })
    }

    /// The token as it was sent.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// What the signature is over: header and payload as they were sent, with the dot between them
    /// (RFC 7515 section 5.2 step 8).
    pub fn signing_input(&self) -> &'a [u8] {
        self.text
            .rsplit_once('.')
            .map_or("", |(input, _)| input)
            .as_bytes()
    }

    /// The decoded signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The header; not yet proven to be the issuer's.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The decoded payload; not yet proven to be the issuer's.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

impl fmt::Debug for CompactJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompactJws").finish_non_exhaustive()
    }
}

/// The members of a JOSE header that are read. Those that lead to keys (`jku`, `x5u`, `x5c`, `x5t`) are
/// not among them: keys come from the issuer's key set alone.
pub struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
}

impl Header {
    fn read(members: Object) -> Result<Self, JwsFault> {
        if members.contains_key("crit") || members.contains_key("b64") {
            return Err(JwsFault::Critical);
        }
        if members.contains_key("jwk") {
            return Err(JwsFault::EmbeddedKey);
        }
        let string = |name: &'static str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(JwsFault::HeaderMember(name)),
        };
        Ok(Self {
            alg: string("alg")?.ok_or(JwsFault::HeaderMember("alg"))?,
            kid: string("kid")?,
            typ: string("typ")?,
        })
    }

    /// The algorithm that `alg` names, if it is one that can be verified.
    pub fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::from_name(&self.alg)
    }

    /// `alg` as written.
    pub fn alg(&self) -> &str {
        &self.alg
    }

    /// `kid` as written: a name to look up and nothing else.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// `typ` as written.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").finish_non_exhaustive()
    }
}

/// Continues "the token ...".
impl fmt::Display for JwsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "is longer than {} bytes", limits::TOKEN_BYTES),
            Self::NotThreeParts => f.write_str("is not a signed JWT"),
            Self::Encrypted => f.write_str("is encrypted; a signed JWT is needed"),
            Self::Unsigned => f.write_str("is not signed"),
            Self::Encoding(Part::Header) => f.write_str("has a header that is not base64url"),
            Self::Encoding(Part::Payload) => f.write_str("has a payload that is not base64url"),
            Self::Encoding(Part::Signature) => f.write_str("has a signature that is not base64url"),
            Self::Header(fault) => write!(f, "has a header that {fault}"),
            Self::HeaderMember(name) => write!(f, "has a header whose {name} is not a string"),
            Self::Critical => f.write_str("asks for an extension (crit) that is not understood"),
            Self::EmbeddedKey => f.write_str("brings its own key (jwk)"),
        }
    }
}

impl std::error::Error for JwsFault {}

#[cfg(test)]
mod tests {
    use super::{CompactJws, JwsFault, Part};
    use crate::jose::{Algorithm, base64url};
    use crate::json::JsonFaultKind;

    fn token(header: &str) -> String {
        format!("{}.e30.c2ln", base64url::encode(header.as_bytes()))
    }

    fn fault(token: impl AsRef<[u8]>) -> JwsFault {
        CompactJws::parse(token.as_ref()).expect_err("no compact JWS")
    }

    #[test]
    fn the_three_parts_of_a_token_are_read() {
        let token = token(r#"{"alg":"ES256","kid":"k-1","typ":"JWT","x5t":"-","extra":{"a":[1]}}"#);
        let jws = CompactJws::parse(token.as_bytes()).unwrap();
        assert_eq!(jws.header().algorithm(), Some(Algorithm::ES256));
        assert_eq!(jws.header().alg(), "ES256");
        assert_eq!(jws.header().kid(), Some("k-1"));
        assert_eq!(jws.header().typ(), Some("JWT"));
        assert_eq!(jws.payload(), b"{}");
        assert_eq!(jws.text(), token);
        assert_eq!(
            format!("{jws:?} {:?}", jws.header()),
            "CompactJws { .. } Header { .. }"
        );
    }

    #[test]
    fn kid_and_typ_may_be_absent() {
        let token = token(r#"{"alg":"none"}"#);
        let jws = CompactJws::parse(token.as_bytes()).unwrap();
        assert_eq!(
            (
                jws.header().algorithm(),
                jws.header().kid(),
                jws.header().typ()
            ),
            (None, None, None)
        );
    }

    #[test]
    fn every_fault_of_form_has_its_name() {
        let table: [(&[u8], JwsFault); 20] = [
            (b"", JwsFault::NotThreeParts),
            (b".", JwsFault::NotThreeParts),
            (b"opaque", JwsFault::NotThreeParts),
            (b"e30.e30", JwsFault::NotThreeParts),
            (b"e30.e30.c2ln.x", JwsFault::NotThreeParts),
            (b"a.b.c.d.e", JwsFault::Encrypted),
            (b"a.b.c.d.e.f", JwsFault::NotThreeParts),
            (b"..", JwsFault::Unsigned),
            (b"e30.e30.", JwsFault::Unsigned),
            (b"e3=.e30.c2ln", JwsFault::Encoding(Part::Header)),
            (b"e30=.e30.c2ln", JwsFault::Encoding(Part::Header)),
            (b"e30.e31.c2ln", JwsFault::Encoding(Part::Payload)),
            (b"e30.e30.c2l", JwsFault::Encoding(Part::Signature)),
            (b"e30.e30.c2ln\n", JwsFault::Encoding(Part::Signature)),
            (b" e30.e30.c2ln", JwsFault::Encoding(Part::Header)),
            (
                b"e30.e30.\xff\xff\xff\xff",
                JwsFault::Encoding(Part::Signature),
            ),
            (b"e30.e30.c2+n", JwsFault::Encoding(Part::Signature)),
            (b"e30.e30.c2ln", JwsFault::HeaderMember("alg")),
            (b"e30.e30.\0", JwsFault::Encoding(Part::Signature)),
            (&[b'a'; 16 * 1024 + 1], JwsFault::TooLong),
        ];
        for (token, expected) in table {
            assert_eq!(fault(token), expected, "{}", String::from_utf8_lossy(token));
        }
    }

    #[test]
    fn every_fault_of_the_header_has_its_name() {
        let table = [
            (r#"{"alg":"RS256","crit":["exp"]}"#, JwsFault::Critical),
            (r#"{"alg":"RS256","crit":[]}"#, JwsFault::Critical),
            (r#"{"alg":"RS256","crit":null}"#, JwsFault::Critical),
            (r#"{"alg":"RS256","b64":false}"#, JwsFault::Critical),
            (r#"{"alg":"RS256","b64":true}"#, JwsFault::Critical),
            (
                r#"{"alg":"RS256","jwk":{"kty":"oct"}}"#,
                JwsFault::EmbeddedKey,
            ),
            (r#"{"alg":["RS256"]}"#, JwsFault::HeaderMember("alg")),
            (r#"{"alg":null}"#, JwsFault::HeaderMember("alg")),
            (r#"{"Alg":"RS256"}"#, JwsFault::HeaderMember("alg")),
            (r#"{"alg":"RS256","kid":1}"#, JwsFault::HeaderMember("kid")),
            (r#"{"alg":"RS256","typ":{}}"#, JwsFault::HeaderMember("typ")),
        ];
        for (header, expected) in table {
            assert_eq!(fault(token(header)), expected, "{header}");
        }
        for (header, expected) in [
            (
                r#"{"alg":"RS256","alg":"none"}"#,
                JsonFaultKind::DuplicateMember,
            ),
            (
                r#"{"alg":"RS256","\u0061lg":"none"}"#,
                JsonFaultKind::DuplicateMember,
            ),
            (
                r#"{"alg":"RS256","x":{"a":1,"a":1}}"#,
                JsonFaultKind::DuplicateMember,
            ),
            (r#""RS256""#, JsonFaultKind::NotAnObject),
            ("", JsonFaultKind::Incomplete),
            (r#"{"alg":"RS256"} "x""#, JsonFaultKind::Malformed),
        ] {
            match fault(token(header)) {
                JwsFault::Header(fault) => assert_eq!(fault.kind(), expected, "{header}"),
                other => panic!("{header}: {other:?}"),
            }
        }
    }
}
