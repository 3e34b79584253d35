//! JSON Object Signing: compact JWS (RFC 7515), JWK and JWK Set (RFC 7517), algorithms (RFC 7518,
//! RFC 8037), claims (RFC 7519).
//!
//! A token is read in steps, the cheap ones first: [`CompactJws::parse`] (form and header),
//! [`Claims::parse`] (payload), and only then [`KeySet::verify`] (signature). Nothing here looks at a
//! clock, follows a URL of a token, or knows which issuer may say what.
//!
//! Two things stand apart: [`UnsecuredJwt`], which proves nothing, and [`Assertion`], which the gate signs itself.

mod assertion;
mod base64url;
mod claims;
mod crypto;
mod der;
mod jwk;
mod jws;
mod key_set;
mod private_key;
mod rust_crypto;
mod rust_signing;
mod unsecured;

pub use assertion::{Assertion, jti_from, key_set};
pub use claims::{Claims, ClaimsFault};
pub use crypto::{Crypto, SigningKey, VerifyingKey};
pub use jwk::{Fingerprint, JwkMaterial};
pub use jws::{CompactJws, Header, JwsFault, Part};
pub use key_set::{Key, KeySet, KeySetFault, VerifyFault};
pub use rust_crypto::RustCrypto;
pub use unsecured::{UnsecuredFault, UnsecuredJwt, is_unsecured};

/// A signature algorithm, by its JWS name (RFC 7518 section 3.1, RFC 8037 section 3.1).
///
/// There is no variant for `none` and none for HMAC, so neither can be configured or verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 using SHA-256
    RS256,
    /// RSASSA-PKCS1-v1_5 using SHA-384
    RS384,
    /// RSASSA-PKCS1-v1_5 using SHA-512
    RS512,
    /// RSASSA-PSS using SHA-256
    PS256,
    /// RSASSA-PSS using SHA-384
    PS384,
    /// RSASSA-PSS using SHA-512
    PS512,
    /// ECDSA using P-256 and SHA-256
    ES256,
    /// ECDSA using P-384 and SHA-384
    ES384,
    /// EdDSA with Ed25519
    EdDSA,
}

impl Algorithm {
    /// Every algorithm, in the order of the RFCs.
    pub const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// The algorithm of that exact name; names are case-sensitive (RFC 7515 section 4.1.1).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Its name in `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn only_exact_names_of_signature_algorithms_are_known() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
        for name in [
            "none", "None", "nOnE", "", "HS256", "HS384", "HS512", "rs256", "RS256 ", "ES512",
            "ES256K",
        ] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }
}
