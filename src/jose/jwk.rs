//! The public material of a JWK (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use std::fmt;

use hmac_sha256::Hash;

use super::{Algorithm, base64url};
use crate::json::{Object, Value};
use crate::limits;

/// A public key as its JWK states it: decoded and of the right lengths, but not proven to be a valid key
/// (a point may lie off its curve). Private members of the JWK are not read.
#[derive(Clone, PartialEq, Eq)]
pub enum JwkMaterial {
    /// RSA; both numbers big-endian without leading zeros, both odd, `n` of
    /// [`RSA_MODULUS_BITS`](limits::RSA_MODULUS_BITS).
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The public exponent, at least 3.
        e: Vec<u8>,
    },
    /// A point of the curve P-256.
    P256 {
        /// First coordinate, big-endian.
        x: [u8; 32],
        /// Second coordinate, big-endian.
        y: [u8; 32],
    },
    /// A point of the curve P-384.
    P384 {
        /// First coordinate, big-endian.
        x: [u8; 48],
        /// Second coordinate, big-endian.
        y: [u8; 48],
    },
    /// An Ed25519 key in the encoding of RFC 8032.
    Ed25519 {
        /// The public key.
        x: [u8; 32],
    },
}

/// The thumbprint of a key (RFC 7638, with SHA-256): the same for the same key, whatever its `kid`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl JwkMaterial {
    /// Reads `kty` and the public members that belong to it; `None` for every other kind of key,
    /// symmetric ones included, and for members that break RFC 7518 section 6 or the limits.
    pub(super) fn read(jwk: &Object) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        match (text("kty")?, text("crv")) {
            ("RSA", _) => rsa(text("n")?, text("e")?),
            ("EC", Some("P-256")) => Some(Self::P256 {
                x: coordinate(text("x")?)?,
                y: coordinate(text("y")?)?,
            }),
            ("EC", Some("P-384")) => Some(Self::P384 {
                x: coordinate(text("x")?)?,
                y: coordinate(text("y")?)?,
            }),
            ("OKP", Some("Ed25519")) => Some(Self::Ed25519 {
                x: coordinate(text("x")?)?,
            }),
            _ => None,
        }
    }

    /// Whether a key of this kind signs with `algorithm`.
    pub const fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match self {
            Self::Rsa { .. } => matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512),
            Self::P256 { .. } => matches!(algorithm, ES256),
            Self::P384 { .. } => matches!(algorithm, ES384),
            Self::Ed25519 { .. } => matches!(algorithm, EdDSA),
        }
    }

    /// RFC 7638 section 3: the required members in the order of their names, without white space.
    pub fn fingerprint(&self) -> Fingerprint {
        let ec = |curve: &str, x: &[u8], y: &[u8]| {
            let (x, y) = (base64url::encode(x), base64url::encode(y));
            format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
        };
        let canonical = match self {
            Self::Rsa { n, e } => {
                let (n, e) = (base64url::encode(n), base64url::encode(e));
                format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
            }
            Self::P256 { x, y } => ec("P-256", x, y),
            Self::P384 { x, y } => ec("P-384", x, y),
            Self::Ed25519 { x } => {
                let x = base64url::encode(x);
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)
            }
        };
        Fingerprint(Hash::hash(canonical.as_bytes()))
    }
}

/// Shows the kind of key; its material would only fill a log.
impl fmt::Debug for JwkMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa { .. } => "RSA",
            Self::P256 { .. } => "P-256",
            Self::P384 { .. } => "P-384",
            Self::Ed25519 { .. } => "Ed25519",
        })
    }
}

impl Fingerprint {
    /// Stands where no key has proved anything: no key has it. For explanations alone.
    #[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
    pub(crate) const OF_NO_KEY: Self = Self([0; 32]);

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// As RFC 7638 writes it: base64url.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// RFC 7518 section 6.3.1. Leading zeros, which it forbids but some servers send, are dropped.
fn rsa(n: &str, e: &str) -> Option<JwkMaterial> {
    let number = |text: &str| {
        let bytes = base64url::decode(text)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..).map(<[u8]>::to_vec)
    };
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    let (n, e) = (number(n)?, number(e)?);
    let bits = n
        .len()
        .checked_mul(8)?
        .checked_sub(n.first()?.leading_zeros() as usize)?;
    let sound = limits::RSA_MODULUS_BITS.contains(&bits) && odd(&n) && odd(&e) && e != [1];
    sound.then_some(JwkMaterial::Rsa { n, e })
}

/// RFC 7518 section 6.2.1.2: exactly as many bytes as the curve's field has.
fn coordinate<const N: usize>(text: &str) -> Option<[u8; N]> {
    base64url::decode(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::JwkMaterial;
    use crate::jose::base64url;
    use crate::json;

    fn read(jwk: &str) -> Option<JwkMaterial> {
        JwkMaterial::read(&json::parse_object(jwk.as_bytes()).unwrap())
    }

    fn rsa(n: &[u8], e: &[u8]) -> Option<JwkMaterial> {
        let (n, e) = (base64url::encode(n), base64url::encode(e));
        read(&format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#))
    }

    /// An odd number of exactly so many bits.
    fn odd_number(bits: usize) -> Vec<u8> {
        let mut number = vec![0; bits.div_ceil(8)];
        *number.first_mut().unwrap() |= 1 << (bits.saturating_sub(1) % 8);
        *number.last_mut().unwrap() |= 1;
        number
    }

    #[test]
    fn the_fingerprint_is_the_thumbprint_of_the_rfcs() {
        // RFC 7638 section 3.1
        let rsa = read(
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
        )
        .unwrap();
        assert_eq!(
            rsa.fingerprint().to_string(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
        // RFC 8037 appendix A.3
        let ed25519 = read(
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        )
        .unwrap();
        assert_eq!(
            ed25519.fingerprint().to_string(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn rsa_moduli_stay_inside_of_the_limits() {
        for (bits, accepted) in [
            (1024, false),
            (2047, false),
            (2048, true),
            (3072, true),
            (4096, true),
            (4097, false),
            (16_384, false),
        ] {
            assert_eq!(
                rsa(&odd_number(bits), &[1, 0, 1]).is_some(),
                accepted,
                "{bits}"
            );
        }
        let mut even = odd_number(2048);
        *even.last_mut().unwrap() = 0;
        assert_eq!(rsa(&even, &[1, 0, 1]), None);
        assert_eq!(rsa(&[], &[1, 0, 1]), None);
        assert_eq!(rsa(&[0; 256], &[1, 0, 1]), None);
    }

    #[test]
    fn rsa_exponents_are_odd_and_at_least_3() {
        let n = odd_number(2048);
        for (e, accepted) in [
            (&[][..], false),
            (&[0], false),
            (&[1], false),
            (&[2], false),
            (&[3], true),
            (&[1, 0, 0], false),
            (&[1, 0, 1], true),
        ] {
            assert_eq!(rsa(&n, e).is_some(), accepted, "{e:?}");
        }
    }

    #[test]
    fn leading_zeros_do_not_make_another_key() {
        let n = odd_number(2048);
        let padded = [&[0, 0][..], &n].concat();
        assert_eq!(rsa(&padded, &[0, 1, 0, 1]), rsa(&n, &[1, 0, 1]));
    }

    #[test]
    fn other_keys_and_lengths_are_not_read() {
        let (x31, x32, x33) = (
            base64url::encode(&[7; 31]),
            base64url::encode(&[7; 32]),
            base64url::encode(&[7; 33]),
        );
        for jwk in [
            r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#.to_owned(),
            format!(r#"{{"kty":"ec","crv":"P-256","x":"{x32}","y":"{x32}"}}"#),
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{x31}","y":"{x32}"}}"#),
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{x32}","y":"{x33}"}}"#),
            format!(r#"{{"kty":"EC","crv":"P-384","x":"{x32}","y":"{x32}"}}"#),
            format!(r#"{{"kty":"EC","crv":"P-521","x":"{x32}","y":"{x32}"}}"#),
            format!(r#"{{"kty":"EC","crv":"secp256k1","x":"{x32}","y":"{x32}"}}"#),
            format!(r#"{{"kty":"EC","x":"{x32}","y":"{x32}"}}"#),
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{x32}"}}"#),
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{x32}=","y":"{x32}"}}"#),
            format!(r#"{{"kty":"OKP","crv":"X25519","x":"{x32}"}}"#),
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x33}"}}"#),
            format!(r#"{{"crv":"Ed25519","x":"{x32}"}}"#),
            format!(r#"{{"kty":["OKP"],"crv":"Ed25519","x":"{x32}"}}"#),
            r#"{"kty":"RSA","e":"AQAB"}"#.to_owned(),
            "{}".to_owned(),
        ] {
            assert_eq!(read(&jwk), None, "{jwk}");
        }
    }
}
