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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::TokenAnswer;
    use crate::oauth::{ExpiresIn, TokenResponse};
    use crate::secret::Secret;

    fn written(token: &str, expires_in: u64, scope: Option<&str>) -> String {
        let token = Secret::new(token.to_owned());
        let answer = TokenAnswer {
            access_token: &token,
            expires_in,
            scope,
        };
        String::from_utf8(answer.to_json().expose().clone()).unwrap()
    }

    #[test]
    fn an_answer_has_what_iceberg_clients_read() {
        assert_eq!(
            written("eyJh.eyJz.c2ln", 300, None),
            r#"{"access_token":"eyJh.eyJz.c2ln","token_type":"bearer","expires_in":300,"issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}"#
        );
        assert_eq!(
            written("a", 0, Some("catalog PRINCIPAL_ROLE:ALL")),
            r#"{"access_token":"a","token_type":"bearer","expires_in":0,"issued_token_type":"urn:ietf:params:oauth:token-type:access_token","scope":"catalog PRINCIPAL_ROLE:ALL"}"#
        );
    }

    /// The greatest that `JsonUtil.getInt` of Iceberg Java reads.
    #[test]
    fn expires_in_is_a_32_bit_number() {
        for (seconds, expected) in [
            (2_147_483_647, "2147483647"),
            (2_147_483_648, "2147483647"),
            (u64::MAX, "2147483647"),
        ] {
            let body = written("a", seconds, None);
            assert!(
                body.contains(&format!(r#""expires_in":{expected},"#)),
                "{body}"
            );
        }
    }

    #[test]
    fn whatever_it_holds_it_is_json_and_reads_back() {
        let odd = "a\"},{\\\r\n\0 é";
        let body = written(odd, 60, Some(odd));
        let read = TokenResponse::read(body.as_bytes()).unwrap();
        assert_eq!(read.access_token.expose(), odd);
        assert_eq!(read.expires_in, ExpiresIn::In(Duration::from_secs(60)));
        assert_eq!(
            read.issued_token_type.as_deref(),
            Some("urn:ietf:params:oauth:token-type:access_token")
        );
    }

    #[test]
    fn debug_shows_nothing_of_the_token() {
        let token = Secret::new("CANARY".to_owned());
        let answer = TokenAnswer {
            access_token: &token,
            expires_in: 1,
            scope: None,
        };
        assert!(!format!("{answer:?} {:?}", answer.to_json()).contains("CANARY"));
    }
}
