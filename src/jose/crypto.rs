//! What the gate needs of a cryptographic library; handed in when the broker is built, so that another
//! library (or a host's own) can stand in.

use std::fmt;

use super::{Algorithm, CompactJws, JwkMaterial};

/// A provider of signatures, made and verified.
pub trait Crypto {
    /// Makes a key ready to verify with; `None` when the provider does not support it or the material
    /// is no valid key (a point off its curve, an exponent it refuses). Must not panic.
    fn load(&self, material: &JwkMaterial) -> Option<Box<dyn VerifyingKey>>;

    /// Makes a private key ready to sign with, from its PEM text (RFC 7468): `PRIVATE KEY` (PKCS #8), `EC PRIVATE KEY`
    /// (RFC 5915) or `RSA PRIVATE KEY` (PKCS #1). A variable of the environment often has it with `\n` as two characters,
    /// or with no line breaks at all; both are taken. `None` when it is no such text, or no key that is supported.
    /// Must not panic.
    fn load_signing_key(&self, pem: &str) -> Option<Box<dyn SigningKey>>;
}

/// A public key that is ready to verify with.
pub trait VerifyingKey {
    /// Whether the signature of `jws` is that of this key under `algorithm`. It judges the signature
    /// alone: no time, no claim, no header member but `alg`, which must be `algorithm`'s name. An
    /// algorithm of another kind of key is `false`. Must not panic.
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool;
}

/// A private key that is ready to sign with: one of the gate's own.
pub trait SigningKey {
    /// The one algorithm that this key signs with.
    fn algorithm(&self) -> Algorithm;

    /// The signature over `input`, in the form that a JWS has (RFC 7518 section 3): R and S for ES256. `random` fills
    /// its argument with random bytes. `None` when it cannot be made. Must not panic.
    fn sign(&self, input: &[u8], random: &mut dyn FnMut(&mut [u8])) -> Option<Vec<u8>>;

    /// The public half as a JWK (RFC 7517 section 4): the members of its kind, `alg`, `use` (`sig`) and `kid`.
    fn public_jwk(&self, kid: &str) -> String;
}

/// Shows the algorithm, and nothing of the key.
impl fmt::Debug for dyn SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm().name())
    }
}
