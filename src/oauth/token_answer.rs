//! The successful answer of the gate's own token endpoint (RFC 6749 section 5.1, RFC 8693 section 2.2.1).

use super::TOKEN_TYPE_ACCESS_TOKEN;
use crate::json::Value;
use crate::secret::Secret;

/// Iceberg Java reads `expires_in` as a 32-bit number and fails on a greater one.
const EXPIRES_IN_MAX: u64 = i32::MAX as u64;

/// A gate token on its way to a client.
#[derive(Clone, Copy, Debug)]
pub struct TokenAnswer<'a> {
    /// `access_token`
    pub access_token: &'a Secret<String>,
    /// `expires_in`, in seconds.
    pub expires_in: u64,
    /// `scope`; it is not written when it is `None`.
    pub scope: Option<&'a str>,
}

impl TokenAnswer<'_> {
    /// The body, `application/json`; it goes out with `Cache-Control: no-store` (RFC 6749 section 5.1).
    ///
    /// `issued_token_type` always stands there: Iceberg Java remembers what it was not told, and its second refresh
    /// fails for it.
    pub fn to_json(&self) -> Secret<Vec<u8>> {
        let text = |text: &str| Value::String(text.to_owned()).to_string();
        let mut body = format!(
            r#"{{"access_token":{},"token_type":"bearer","expires_in":{},"issued_token_type":"{TOKEN_TYPE_ACCESS_TOKEN}""#,
            text(self.access_token.expose()),
            self.expires_in.min(EXPIRES_IN_MAX),
        );
        if let Some(scope) = self.scope {
            body.push_str(r#","scope":"#);
            body.push_str(&text(scope));
        }
        body.push('}');
        Secret::new(body.into_bytes())
    }
}
