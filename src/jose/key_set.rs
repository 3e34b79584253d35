//! A JWK Set (RFC 7517 section 5), and which of its keys may have signed a token.

use std::fmt;

use super::{Algorithm, CompactJws, Crypto, Fingerprint, JwkMaterial, VerifyingKey};
use crate::json::{self, JsonFault, Object, Value};
use crate::limits;

/// The keys of one issuer that signatures are verified with. A key never serves another issuer, because
/// every issuer has a set of its own.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    skipped: usize,
}

/// A key of a set.
pub struct Key {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    material: JwkMaterial,
    fingerprint: Fingerprint,
    ready: Box<dyn VerifyingKey>,
}

/// Why a document is no JWK Set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySetFault {
    /// Longer than [`KEY_SET_BYTES`](limits::KEY_SET_BYTES).
    TooLong,
    /// Not a strict JSON object.
    Json(JsonFault),
    /// `keys` is missing or is not an array.
    NoKeys,
}

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyFault {
    /// The set has no key of the token's `kid`, or for a token without `kid` none that fits its
    /// algorithm. A newer key set may have it.
    UnknownKey,
    /// The token has no `kid` and several keys of the set fit its algorithm.
    AmbiguousKey,
    /// The key is there and the signature is not its own, or the key is not one for this algorithm.
    BadSignature,
}

impl KeySet {
    /// Reads a JWK Set. Keys that cannot be used are skipped and counted, as RFC 7517 section 5 asks: one
    /// of them never spoils the set. Those are keys for other uses, of unknown kinds, symmetric, broken,
    /// outside of the limits, refused by `crypto`, and all past the first
    /// [`KEYS_PER_SET`](limits::KEYS_PER_SET) usable ones.
    ///
    /// A set without a single usable key is no fault: [`is_empty`](Self::is_empty) tells.
    ///
    /// # Errors
    ///
    /// Only when the document as a whole is no JWK Set.
    pub fn parse(body: &[u8], crypto: &dyn Crypto) -> Result<Self, KeySetFault> {
        if body.len() > limits::KEY_SET_BYTES {
            return Err(KeySetFault::TooLong);
        }
        let mut set = json::parse_object(body).map_err(KeySetFault::Json)?;
        let Some(Value::Array(jwks)) = set.remove("keys") else {
            return Err(KeySetFault::NoKeys);
        };
        let count = jwks.len();
        let keys: Vec<Key> = jwks
            .iter()
            .filter_map(|jwk| Key::read(jwk, crypto))
            .take(limits::KEYS_PER_SET)
            .collect();
        let skipped = count.saturating_sub(keys.len());
        Ok(Self { keys, skipped })
    }

    /// Proves that a key of this set signed `jws` with `algorithm`, and tells which.
    ///
    /// # Errors
    ///
    /// See [`VerifyFault`].
    pub fn verify(
        &self,
        algorithm: Algorithm,
        jws: &CompactJws<'_>,
    ) -> Result<Fingerprint, VerifyFault> {
        let kid = jws.header().kid();
        let mut candidates = self.candidates(kid, algorithm).peekable();
        if candidates.peek().is_none() {
            return Err(match kid {
                Some(kid) if self.keys.iter().any(|key| key.kid() == Some(kid)) => {
                    VerifyFault::BadSignature
                }
                None if self.keys.iter().any(|key| key.fits(algorithm)) => {
                    VerifyFault::AmbiguousKey
                }
                _ => VerifyFault::UnknownKey,
            });
        }
        candidates
            .find(|key| key.ready.verify(algorithm, jws))
            .map(|key| key.fingerprint)
            .ok_or(VerifyFault::BadSignature)
    }

    /// The keys that may have signed a token of this `kid` and algorithm: all of that `kid` that fit the
    /// algorithm; without `kid` the one key that fits, and none when several do.
    pub fn candidates<'k>(
        &'k self,
        kid: Option<&'k str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'k Key> {
        let fitting = move || self.keys.iter().filter(move |key| key.fits(algorithm));
        let alone = kid.is_none() && fitting().count() == 1;
        fitting().filter(move |key| alone || (kid.is_some() && key.kid() == kid))
    }

    /// Whether the very key is (still) in the set, whatever its `kid`.
    pub fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.keys.iter().any(|key| key.fingerprint == *fingerprint)
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used, so that every token is refused.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys of the document were skipped.
    pub fn skipped(&self) -> usize {
        self.skipped
    }
}

impl Key {
    fn read(jwk: &Value, crypto: &dyn Crypto) -> Option<Self> {
        let jwk = jwk.as_object()?;
        if !for_signatures(jwk)? {
            return None;
        }
        let kid = optional_string(jwk, "kid")?.map(str::to_owned);
        let material = JwkMaterial::read(jwk)?;
        let algorithm = match optional_string(jwk, "alg")? {
            Some(name) => {
                Some(Algorithm::from_name(name).filter(|algorithm| material.fits(*algorithm))?)
            }
            None => None,
        };
        let ready = crypto.load(&material)?;
        Some(Self {
            kid,
            algorithm,
            fingerprint: material.fingerprint(),
            material,
            ready,
        })
    }

    /// Its `kid`.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether it may have signed with `algorithm`: by its kind, and by its own `alg` if it has one.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.material.fits(algorithm) && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// The same for the same key in every set.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("kind", &self.material)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3), each only when it is there; `None` for members of
/// another type than the RFC says.
fn for_signatures(jwk: &Object) -> Option<bool> {
    let by_use = optional_string(jwk, "use")?.is_none_or(|text| text == "sig");
    let by_operations = match jwk.get("key_ops") {
        None => true,
        Some(operations) => operations
            .as_array()?
            .iter()
            .any(|operation| operation == "verify"),
    };
    Some(by_use && by_operations)
}

/// `None` for a member that is there and is not a string.
#[allow(clippy::option_option, reason = "outer: readable, inner: there")]
fn optional_string<'j>(jwk: &'j Object, name: &str) -> Option<Option<&'j str>> {
    match jwk.get(name) {
        None => Some(None),
        Some(value) => value.as_str().map(Some),
    }
}

/// Continues "the key set ...".
impl fmt::Display for KeySetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "is longer than {} bytes", limits::KEY_SET_BYTES),
            Self::Json(fault) => fault.fmt(f),
            Self::NoKeys => f.write_str("has no array named keys"),
        }
    }
}

impl std::error::Error for KeySetFault {}

/// Continues "the token ...".
impl fmt::Display for VerifyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownKey => "is signed with a key that its issuer does not publish",
            Self::AmbiguousKey => "names no key (kid), and its issuer publishes several",
            Self::BadSignature => "has a signature that is not its issuer's",
        })
    }
}

impl std::error::Error for VerifyFault {}
