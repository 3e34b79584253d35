//! Tokens and key sets, made as an identity provider makes them.
//!
//! Everything is a function of its arguments: the same signer signs the same claims to the same bytes, so
//! that a story that fails can be told again.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test crate uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the answer"
)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::algorithms::{ECDSAP256KeyPairLike, ECDSAP256PublicKeyLike, ES256KeyPair};
use serde_json::{Value, json};

/// A key pair of an identity provider, for ES256.
pub struct Signer {
    kid: String,
    key: ES256KeyPair,
}

impl Signer {
    /// The signer of that `kid`; the same one every time.
    pub fn new(kid: &str) -> Self {
        Self::with_seed(kid, kid)
    }

    /// A signer whose key comes of `seed`: two keys can have one `kid`, one key two.
    pub fn with_seed(kid: &str, seed: &str) -> Self {
        // Any digest is a valid private key, except for one in 2^32.
        let key = ES256KeyPair::from_bytes(&hmac_sha256::Hash::hash(seed.as_bytes())).unwrap();
        Self {
            kid: kid.to_owned(),
            key,
        }
    }

    /// Its public half.
    pub fn jwk(&self) -> Value {
        let point = self.key.public_key().public_key().to_bytes_uncompressed();
        let (x, y) = point[1..].split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
            "x": base64url(x), "y": base64url(y),
        })
    }

    /// A token of these claims, with the header that Keycloak writes.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(
            &json!({"alg": "ES256", "typ": "JWT", "kid": self.kid}),
            claims,
        )
    }

    /// A token with a header of its own. The signature is ES256, whatever the header says.
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// A token of two texts, well-formed or not.
    pub fn sign_text(&self, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", base64url(header), base64url(payload));
        let (signature, _) = self
            .key
            .key_pair()
            .as_ref()
            .sign_recoverable(input.as_bytes());
        format!("{input}.{}", base64url(signature.to_bytes()))
    }
}

/// The body of a key set.
pub fn key_set<'a>(signers: impl IntoIterator<Item = &'a Signer>) -> String {
    let keys: Vec<Value> = signers.into_iter().map(Signer::jwk).collect();
    json!({ "keys": keys }).to_string()
}

/// The claims of an access token as Keycloak writes them: issued 60 s before it ends, to the client
/// `engine-cli`, for the person `subject` whose name is the same.
pub fn claims(issuer: &str, audience: impl Into<Value>, subject: &str, expires: u64) -> Value {
    json!({
        "iss": issuer, "aud": audience.into(), "sub": subject, "exp": expires,
        "iat": expires.saturating_sub(60), "jti": format!("onrtro:{subject}-{expires}"), "typ": "Bearer",
        "azp": "engine-cli", "scope": "openid", "preferred_username": subject,
    })
}

/// A token of [`claims`].
pub fn mint(
    signer: &Signer,
    issuer: &str,
    audience: impl Into<Value>,
    subject: &str,
    expires: u64,
) -> String {
    signer.sign(&claims(issuer, audience, subject, expires))
}

/// A private key of the gate's own for ES256, as PEM on one line: PKCS#8 of a key that comes of `seed`.
pub fn private_key(seed: &str) -> String {
    const AHEAD: [u8; 35] = [
        0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a,
        0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
    ];
    let key = hmac_sha256::Hash::hash(seed.as_bytes());
    let der = [&AHEAD[..], &key].concat();
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----{text}-----END PRIVATE KEY-----")
}

/// base64url without padding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
