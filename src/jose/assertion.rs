//! What the gate signs itself: assertions (RFC 7523 section 3), and the keys by which they are verified.

use std::time::Duration;

use super::{SigningKey, base64url};
use crate::clock::UnixTime;
use crate::json::Value;
use crate::limits;
use crate::secret::Secret;

/// The claims of an assertion: a short word of the gate to one authorization server, about itself (client
/// authentication) or about a user (JWT authorization grant), and then for whom. Nothing else stands in it.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// `iss`
    pub issuer: &'a str,
    /// `sub`
    pub subject: &'a str,
    /// `aud`: exactly one, as the server knows itself. One that is good at two servers could be replayed by either.
    pub audience: &'a str,
    /// `iat`
    pub issued_at: UnixTime,
    /// From `iat` to `exp`; at most [`ASSERTION_LIFE`](limits::ASSERTION_LIFE) of it counts, and at least a second.
    pub life: Duration,
    /// `jti`: a new one each time, from [`jti_from`].
    pub jti: &'a str,
    /// `client_id` of `act` (RFC 8693 sections 4.1 and 4.3): the program for which it is made, where there is one.
    pub actor: Option<&'a str>,
}

impl Assertion<'_> {
    /// The compact JWS (RFC 7515 section 3.1) with the header `alg`, `typ` and `kid`. `None` when the key cannot sign.
    pub fn sign(
        &self,
        kid: &str,
        key: &dyn SigningKey,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Option<Secret<String>> {
        let header = format!(
            r#"{{"alg":"{}","typ":"JWT","kid":{}}}"#,
            key.algorithm().name(),
            json_string(kid)
        );
        let life = self.life.min(limits::ASSERTION_LIFE).as_secs().max(1);
        let issued_at = self.issued_at.as_secs();
        let act = self.actor.map(|actor| {
            let actor = json_string(actor);
            format!(r#","act":{{"client_id":{actor}}}"#)
        });
        let payload = format!(
            r#"{{"iss":{},"sub":{},"aud":{},"iat":{issued_at},"exp":{},"jti":{}{}}}"#,
            json_string(self.issuer),
            json_string(self.subject),
            json_string(self.audience),
            issued_at.saturating_add(life),
            json_string(self.jti),
            act.unwrap_or_default(),
        );
        let mut jws = base64url::encode(header.as_bytes());
        jws.push('.');
        jws.push_str(&base64url::encode(payload.as_bytes()));
        let signature = key.sign(jws.as_bytes(), random)?;
        jws.push('.');
        jws.push_str(&base64url::encode(&signature));
        Some(Secret::new(jws))
    }
}

/// A `jti` that never comes again (RFC 7519 section 4.1.7): 128 random bits in base64url. `random` fills its argument
/// with random bytes.
pub fn jti_from(random: &mut dyn FnMut(&mut [u8])) -> String {
    let mut bits = [0; 16];
    random(&mut bits);
    base64url::encode(&bits)
}

/// The JWK Set (RFC 7517 section 5) of the public halves of these keys, each under its `kid`.
pub fn key_set(keys: &[(&str, &dyn SigningKey)]) -> String {
    let keys: Vec<String> = keys.iter().map(|(kid, key)| key.public_jwk(kid)).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn json_string(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}
