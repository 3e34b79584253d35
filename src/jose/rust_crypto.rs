//! The default provider: signatures of the RustCrypto project and of `ed25519-compact`.
//!
//! Called directly: a JWT library on top of them would read header and claims once more, by rules of its
//! own, and costs 180 KB of wasm.

use std::cell::OnceCell;

use ed25519_compact as ed25519;
use p256::ecdsa::signature::Verifier as _;
use rsa::signature::Verifier as _;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey, pss};
use sha2::digest::FixedOutputReset;
use sha2::digest::const_oid::AssociatedOid;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{Algorithm, CompactJws, Crypto, JwkMaterial, SigningKey, VerifyingKey, rust_signing};
use crate::limits;

/// Signatures in Rust alone: no clock, no randomness but what is handed in, no foreign code.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

impl Crypto for RustCrypto {
    fn load(&self, material: &JwkMaterial) -> Option<Box<dyn VerifyingKey>> {
        Some(match material {
            JwkMaterial::Rsa { n, e } => {
                let (n, e) = (BigUint::from_bytes_be(n), BigUint::from_bytes_be(e));
                let most = *limits::RSA_MODULUS_BITS.end();
                Box::new(Rsa {
                    key: RsaPublicKey::new_with_max_size(n, e, most).ok()?,
                    pss: PssKeys::default(),
                })
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

    fn load_signing_key(&self, pem: &str) -> Option<Box<dyn SigningKey>> {
        rust_signing::load(pem)
    }
}

struct Rsa {
    key: RsaPublicKey,
    pss: PssKeys,
}

struct P256(p256::ecdsa::VerifyingKey);
struct P384(p384::ecdsa::VerifyingKey);
struct Ed25519(ed25519::PublicKey);

/// The key for PSS, whose verifiers own a copy of it each: made when a token first asks for one.
#[derive(Default)]
struct PssKeys {
    sha256: OnceCell<pss::VerifyingKey<Sha256>>,
    sha384: OnceCell<pss::VerifyingKey<Sha384>>,
    sha512: OnceCell<pss::VerifyingKey<Sha512>>,
}

impl Rsa {
    // RFC 7518 section 3.3.
    fn pkcs1v15<D: Digest + AssociatedOid>(&self, jws: &CompactJws<'_>) -> bool {
        let digest = D::digest(jws.signing_input());
        let scheme = Pkcs1v15Sign::new::<D>();
        self.key.verify(scheme, &digest, jws.signature()).is_ok()
    }

    // RFC 7518 section 3.5: PSS with a salt as long as the hash. `RsaPublicKey::verify` would take a
    // signature that is not less than the modulus; the verifiers do not.
    fn pss<D: Digest + FixedOutputReset>(
        &self,
        cell: &OnceCell<pss::VerifyingKey<D>>,
        jws: &CompactJws<'_>,
    ) -> bool {
        let verifier = cell.get_or_init(|| pss::VerifyingKey::new(self.key.clone()));
        pss::Signature::try_from(jws.signature())
            .is_ok_and(|signature| verifier.verify(jws.signing_input(), &signature).is_ok())
    }
}

impl VerifyingKey for Rsa {
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool {
        match algorithm {
            Algorithm::RS256 => self.pkcs1v15::<Sha256>(jws),
            Algorithm::RS384 => self.pkcs1v15::<Sha384>(jws),
            Algorithm::RS512 => self.pkcs1v15::<Sha512>(jws),
            Algorithm::PS256 => self.pss(&self.pss.sha256, jws),
            Algorithm::PS384 => self.pss(&self.pss.sha384, jws),
            Algorithm::PS512 => self.pss(&self.pss.sha512, jws),
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
