//! The default provider: the verifiers of the RustCrypto project and of `ed25519-compact`.
//!
//! Called directly: a JWT library on top of them would read header and claims once more, by rules of its
//! own, and costs 180 KB of wasm.

use ed25519_compact as ed25519;
use p256::ecdsa::signature::Verifier as _;
use rsa::signature::Verifier as _;
use rsa::{BigUint, RsaPublicKey, pkcs1v15, pss};
use sha2::{Sha256, Sha384, Sha512};

use super::{Algorithm, CompactJws, Crypto, JwkMaterial, VerifyingKey};
use crate::limits;

/// Verification in Rust alone: no clock, no randomness, no foreign code.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

impl Crypto for RustCrypto {
    fn load(&self, material: &JwkMaterial) -> Option<Box<dyn VerifyingKey>> {
        Some(match material {
            JwkMaterial::Rsa { n, e } => {
                let (n, e) = (BigUint::from_bytes_be(n), BigUint::from_bytes_be(e));
                let most = *limits::RSA_MODULUS_BITS.end();
                Box::new(Rsa(RsaPublicKey::new_with_max_size(n, e, most).ok()?))
            }
            JwkMaterial::P256 { x, y } => {
                let point = uncompressed(x, y);
                Box::new(P256(
                    p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?,
                ))
            }
            JwkMaterial::P384 { x, y } => {
                let point = uncompressed(x, y);
                Box::new(P384(
                    p384::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?,
                ))
            }
            JwkMaterial::Ed25519 { x } => {
                let key = ed25519::PublicKey::from_slice(x).ok()?;
                // Under a key of small order anybody can sign.
                key.validate().ok()?;
                Box::new(Ed25519(key))
            }
        })
    }
}

struct Rsa(RsaPublicKey);
struct P256(p256::ecdsa::VerifyingKey);
struct P384(p384::ecdsa::VerifyingKey);
struct Ed25519(ed25519::PublicKey);

impl VerifyingKey for Rsa {
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool {
        let input = jws.signing_input();
        // RFC 7518 section 3.3: PKCS1-v1_5; section 3.5: PSS with a salt as long as the hash.
        let pkcs1v15 = || pkcs1v15::Signature::try_from(jws.signature()).ok();
        let pss = || pss::Signature::try_from(jws.signature()).ok();
        let key = self.0.clone();
        match algorithm {
            Algorithm::RS256 => pkcs1v15().is_some_and(|s| {
                pkcs1v15::VerifyingKey::<Sha256>::new(key)
                    .verify(input, &s)
                    .is_ok()
            }),
            Algorithm::RS384 => pkcs1v15().is_some_and(|s| {
                pkcs1v15::VerifyingKey::<Sha384>::new(key)
                    .verify(input, &s)
                    .is_ok()
            }),
            Algorithm::RS512 => pkcs1v15().is_some_and(|s| {
                pkcs1v15::VerifyingKey::<Sha512>::new(key)
                    .verify(input, &s)
                    .is_ok()
            }),
            Algorithm::PS256 => pss().is_some_and(|s| {
                pss::VerifyingKey::<Sha256>::new(key)
                    .verify(input, &s)
                    .is_ok()
            }),
            Algorithm::PS384 => pss().is_some_and(|s| {
                pss::VerifyingKey::<Sha384>::new(key)
                    .verify(input, &s)
                    .is_ok()
            }),
            Algorithm::PS512 => pss().is_some_and(|s| {
                pss::VerifyingKey::<Sha512>::new(key)
                    .verify(input, &s)
                    .is_ok()
            }),
            Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => false,
        }
    }
}

// RFC 7518 section 3.4: a signature is R and S, each as long as the curve's order, and nothing else.
impl VerifyingKey for P256 {
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool {
        algorithm == Algorithm::ES256
            && p256::ecdsa::Signature::from_slice(jws.signature())
                .is_ok_and(|signature| self.0.verify(jws.signing_input(), &signature).is_ok())
    }
}

impl VerifyingKey for P384 {
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool {
        algorithm == Algorithm::ES384
            && p384::ecdsa::Signature::from_slice(jws.signature())
                .is_ok_and(|signature| self.0.verify(jws.signing_input(), &signature).is_ok())
    }
}

impl VerifyingKey for Ed25519 {
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool {
        algorithm == Algorithm::EdDSA
            && ed25519::Signature::from_slice(jws.signature())
                .is_ok_and(|signature| self.0.verify(jws.signing_input(), &signature).is_ok())
    }
}

/// SEC 1 section 2.3.3.
fn uncompressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}
