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
