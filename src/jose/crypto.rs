//! What the gate needs of a cryptographic library; handed in when the broker is built, so that another
//! library (or a host's own) can stand in.

use super::{Algorithm, CompactJws, JwkMaterial};

/// A provider of signature verification.
pub trait Crypto {
    /// Makes a key ready to verify with; `None` when the provider does not support it or the material
    /// is no valid key (a point off its curve, an exponent it refuses). Must not panic.
    fn load(&self, material: &JwkMaterial) -> Option<Box<dyn VerifyingKey>>;
}

/// A public key that is ready to verify with.
pub trait VerifyingKey {
    /// Whether the signature of `jws` is that of this key under `algorithm`. It judges the signature
    /// alone: no time, no claim, no header member but `alg`, which must be `algorithm`'s name. An
    /// algorithm of another kind of key is `false`. Must not panic.
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool;
}
