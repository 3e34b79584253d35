//! The default provider: the verifiers of the `jwt-simple` crate, in Rust alone.
//!
//! `jwt-simple` does more than verify a signature, and all of that is switched off: it reads no clock
//! (its time is set, to one at which nothing has expired), accepts every lifetime, every length and every
//! `typ`. What stays is that it reads header and claims once more, after the signature for the claims;
//! it wants `cty`, `jku`, `x5u`, `x5t`, `x5t#S256`, `salt` to be strings and `x5c` an array of strings,
//! as RFC 7515 does, and a token that breaks this does not verify. Types that it wants of claims,
//! [`Claims::parse`](super::Claims::parse) has checked before. For an `aud` array it fills a standard hash
//! set, which draws its seed from the host once per VM; nothing else of the host is used (watched).

use jwt_simple::prelude::*;

use super::{Algorithm, CompactJws, Crypto, JwkMaterial, VerifyingKey};

/// Verification by `jwt-simple`. It loads RSA keys only with the exponent 65537.
#[derive(Clone, Copy, Debug, Default)]
pub struct JwtSimple;

impl Crypto for JwtSimple {
    fn load(&self, material: &JwkMaterial) -> Option<Box<dyn VerifyingKey>> {
        Some(match material {
            JwkMaterial::Rsa { n, e } => Box::new(Rsa::load(n, e)?),
            JwkMaterial::P256 { x, y } => {
                Box::new(P256(ES256PublicKey::from_bytes(&uncompressed(x, y)).ok()?))
            }
            JwkMaterial::P384 { x, y } => {
                Box::new(P384(ES384PublicKey::from_bytes(&uncompressed(x, y)).ok()?))
            }
            JwkMaterial::Ed25519 { x } => Box::new(Ed25519(Ed25519PublicKey::from_bytes(x).ok()?)),
        })
    }
}

/// One modulus and exponent, ready for each algorithm: the crate's types fix the algorithm.
struct Rsa {
    rs256: RS256PublicKey,
    rs384: RS384PublicKey,
    rs512: RS512PublicKey,
    ps256: PS256PublicKey,
    ps384: PS384PublicKey,
    ps512: PS512PublicKey,
}

struct P256(ES256PublicKey);
struct P384(ES384PublicKey);
struct Ed25519(Ed25519PublicKey);

impl Rsa {
    fn load(n: &[u8], e: &[u8]) -> Option<Self> {
        Some(Self {
            rs256: RS256PublicKey::from_components(n, e).ok()?,
            rs384: RS384PublicKey::from_components(n, e).ok()?,
            rs512: RS512PublicKey::from_components(n, e).ok()?,
            ps256: PS256PublicKey::from_components(n, e).ok()?,
            ps384: PS384PublicKey::from_components(n, e).ok()?,
            ps512: PS512PublicKey::from_components(n, e).ok()?,
        })
    }
}

impl VerifyingKey for Rsa {
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool {
        let (token, options) = (jws.text(), Some(signature_only(jws)));
        match algorithm {
            Algorithm::RS256 => self
                .rs256
                .verify_token::<NoCustomClaims>(token, options)
                .is_ok(),
            Algorithm::RS384 => self
                .rs384
                .verify_token::<NoCustomClaims>(token, options)
                .is_ok(),
            Algorithm::RS512 => self
                .rs512
                .verify_token::<NoCustomClaims>(token, options)
                .is_ok(),
            Algorithm::PS256 => self
                .ps256
                .verify_token::<NoCustomClaims>(token, options)
                .is_ok(),
            Algorithm::PS384 => self
                .ps384
                .verify_token::<NoCustomClaims>(token, options)
                .is_ok(),
            Algorithm::PS512 => self
                .ps512
                .verify_token::<NoCustomClaims>(token, options)
                .is_ok(),
            Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => false,
        }
    }
}

impl VerifyingKey for P256 {
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool {
        algorithm == Algorithm::ES256
            && self
                .0
                .verify_token::<NoCustomClaims>(jws.text(), Some(signature_only(jws)))
                .is_ok()
    }
}

impl VerifyingKey for P384 {
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool {
        algorithm == Algorithm::ES384
            && self
                .0
                .verify_token::<NoCustomClaims>(jws.text(), Some(signature_only(jws)))
                .is_ok()
    }
}

impl VerifyingKey for Ed25519 {
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool {
        // The crate would also take the name Ed25519 (RFC 9864).
        algorithm == Algorithm::EdDSA
            && jws.header().alg() == Algorithm::EdDSA.name()
            && self
                .0
                .verify_token::<NoCustomClaims>(jws.text(), Some(signature_only(jws)))
                .is_ok()
    }
}

fn signature_only(jws: &CompactJws<'_>) -> VerificationOptions {
    VerificationOptions {
        // In 1970 with no tolerance nothing has expired; what lies in the future is accepted.
        artificial_time: Some(UnixTimeStamp::from_secs(0)),
        time_tolerance: Some(Duration::from_secs(0)),
        accept_future: true,
        reject_before: None,
        max_validity: None,
        // Without this, a typ that is not JWT would be refused; compared with itself it always passes.
        required_signature_type: jws.header().typ().map(str::to_owned),
        max_token_length: None,
        max_header_length: Some(usize::MAX),
        required_subject: None,
        required_key_id: None,
        required_content_type: None,
        required_nonce: None,
        allowed_issuers: None,
        allowed_audiences: None,
    }
}

/// SEC 1 section 2.3.3.
fn uncompressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}
