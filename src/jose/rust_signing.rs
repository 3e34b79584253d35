//! The private keys of the default provider: ES256 and RS256, of the RustCrypto project.

use p256::ecdsa::signature::Signer as _;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::{ObjectIdentifier, PrivateKeyInfo};
use rsa::rand_core::{CryptoRng, RngCore};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{Pkcs1v15Sign, RsaPrivateKey, pkcs1, rand_core};
use sha2::{Digest, Sha256};

use super::pem::PrivateKeyDer;
use super::{Algorithm, SigningKey, base64url};
use crate::json::Value;
use crate::limits;

/// `id-ecPublicKey` (RFC 5480 section 2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// `secp256r1`, which is P-256 (RFC 5480 section 2.1.1.1).
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// Reads a private key of P-256, or an RSA key of [`RSA_MODULUS_BITS`](limits::RSA_MODULUS_BITS).
pub(super) fn load(pem: &str) -> Option<Box<dyn SigningKey>> {
    match PrivateKeyDer::read(pem)? {
        PrivateKeyDer::Sec1(der) => P256::read(&der),
        PrivateKeyDer::Pkcs1(der) => Rsa::checked(RsaPrivateKey::from_pkcs1_der(&der).ok()?),
        PrivateKeyDer::Pkcs8(der) => {
            let info = PrivateKeyInfo::try_from(der.as_slice()).ok()?;
            match info.algorithm.oids().ok()? {
                (EC_PUBLIC_KEY, Some(SECP256R1)) => P256::read(info.private_key),
                (pkcs1::ALGORITHM_OID, _) => Rsa::checked(RsaPrivateKey::try_from(info).ok()?),
                _ => None,
            }
        }
    }
}

struct P256(p256::ecdsa::SigningKey);

impl P256 {
    /// An `ECPrivateKey` (RFC 5915), whose public half, if it is there, must be the right one.
    fn read(der: &[u8]) -> Option<Box<dyn SigningKey>> {
        let key = p256::SecretKey::from_sec1_der(der).ok()?;
        Some(Box::new(Self(key.into())))
    }
}

impl SigningKey for P256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }

    /// Deterministic (RFC 6979): a nonce of weak randomness would give the key away.
    fn sign(&self, input: &[u8], _random: &mut dyn FnMut(&mut [u8])) -> Option<Vec<u8>> {
        let signature: p256::ecdsa::Signature = self.0.try_sign(input).ok()?;
        Some(signature.to_bytes().to_vec())
    }

    fn public_jwk(&self, kid: &str) -> String {
        let point = self.0.verifying_key().to_sec1_point(false);
        let coordinate = |bytes: Option<&p256::FieldBytes>| {
            base64url::encode(bytes.map(AsRef::as_ref).unwrap_or_default())
        };
        format!(
            r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"{}","alg":"ES256","use":"sig","kid":{}}}"#,
            coordinate(point.x()),
            coordinate(point.y()),
            json_string(kid),
        )
    }
}

struct Rsa(RsaPrivateKey);

impl Rsa {
    fn checked(key: RsaPrivateKey) -> Option<Box<dyn SigningKey>> {
        let sound = limits::RSA_MODULUS_BITS.contains(&key.n().bits()) && key.d() < key.n();
        sound.then(|| Box::new(Self(key)) as Box<dyn SigningKey>)
    }
}

impl SigningKey for Rsa {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }

    /// Always blinded, because of RUSTSEC-2023-0071: the arithmetic below takes longer for some numbers than for others.
    /// That is acceptable here: what is signed is the gate's own assertion with a drawn `jti`, so nobody outside
    /// chooses a message, and nobody sees how long one took. ES256 has no such trouble and is the better choice.
    fn sign(&self, input: &[u8], random: &mut dyn FnMut(&mut [u8])) -> Option<Vec<u8>> {
        let scheme = Pkcs1v15Sign::new::<Sha256>();
        let mut blinding = Blinding::new(random);
        self.0
            .sign_with_rng(&mut blinding, scheme, &Sha256::digest(input))
            .ok()
    }

    fn public_jwk(&self, kid: &str) -> String {
        format!(
            r#"{{"kty":"RSA","n":"{}","e":"{}","alg":"RS256","use":"sig","kid":{}}}"#,
            base64url::encode(&self.0.n().to_bytes_be()),
            base64url::encode(&self.0.e().to_bytes_be()),
            json_string(kid),
        )
    }
}

/// The randomness of one blinding: 32 bytes that were drawn once, stretched by SHA-256. The search for a blinding factor
/// ends whatever was drawn; with bytes that are all the same it would not.
struct Blinding {
    seed: [u8; 32],
    blocks: u64,
}

impl Blinding {
    fn new(random: &mut dyn FnMut(&mut [u8])) -> Self {
        let mut seed = [0; 32];
        random(&mut seed);
        Self { seed, blocks: 0 }
    }
}

impl CryptoRng for Blinding {}

impl RngCore for Blinding {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, into: &mut [u8]) {
        for chunk in into.chunks_mut(32) {
            let block = hmac_sha256::HMAC::mac(self.blocks.to_le_bytes(), self.seed);
            self.blocks = self.blocks.wrapping_add(1);
            for (byte, random) in chunk.iter_mut().zip(block) {
                *byte = random;
            }
        }
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(into);
        Ok(())
    }
}

fn json_string(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}
