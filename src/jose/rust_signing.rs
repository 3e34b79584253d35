//! The private keys of the default provider: ES256 and RS256, of the RustCrypto project.

use p256::ecdsa::signature::Signer as _;
use rsa::rand_core::{CryptoRng, RngCore};
use rsa::traits::PublicKeyParts as _;
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey, rand_core};
use sha2::{Digest, Sha256};

use super::private_key::PrivateKey;
use super::{Algorithm, SigningKey, base64url};
use crate::json::Value;
use crate::limits;

/// Reads a private key of P-256, or an RSA key of [`RSA_MODULUS_BITS`](limits::RSA_MODULUS_BITS).
pub(super) fn load(pem: &str) -> Option<Box<dyn SigningKey>> {
    Some(match PrivateKey::read(pem)? {
        PrivateKey::P256 { d, point } => {
            let key = p256::ecdsa::SigningKey::from_slice(d.expose()).ok()?;
            let own = key.verifying_key();
            let same = |point: &[u8]| own.to_sec1_point(point.len() < 65).as_bytes() == point;
            if !point.as_deref().is_none_or(same) {
                return None;
            }
            Box::new(P256(key))
        }
        PrivateKey::Rsa { n, e, d, primes } => {
            let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
            let (n, d) = (number(&n), number(d.expose()));
            let primes = primes.expose().each_ref().map(|prime| number(prime));
            let [p, q] = primes.each_ref().map(BigUint::bits);
            // Where one prime is far greater than the other, the arithmetic below takes that many steps: for ever.
            let alike = p.abs_diff(q) <= 4;
            if !alike || !limits::RSA_MODULUS_BITS.contains(&n.bits()) || d >= n {
                return None;
            }
            let (e, primes) = (number(&e), primes.to_vec());
            // It holds the parts against each other.
            Box::new(Rsa(RsaPrivateKey::from_components(n, e, d, primes).ok()?))
        }
    })
}

struct P256(p256::ecdsa::SigningKey);
struct Rsa(RsaPrivateKey);

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

impl SigningKey for Rsa {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }

    /// Always blinded, because of RUSTSEC-2023-0071: the arithmetic below takes longer for some numbers than for others.
    /// That is acceptable here, because what the gate signs is an assertion of its own with 128 drawn bits: nobody
    /// outside chooses the number, and who measures an answer's time measures a call to the authorization server with
    /// it. ES256 has no such trouble and is the better choice, also for speed: in the VM it takes 2 ms, this 18 ms
    /// with 2048 bits and 130 ms with 4096.
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
