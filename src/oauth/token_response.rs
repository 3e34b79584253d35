//! The successful answer of a token endpoint (RFC 6749 section 5.1, RFC 8693 section 2.2.1).

use std::time::Duration;

use crate::json::{self, Value};
use crate::secret::Secret;

/// A successful answer, read but not yet believed: the token in it may be anybody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenResponse {
    /// `access_token`. Not empty; nothing else is known of it, not even its characters.
    pub access_token: Secret<String>,
    /// `expires_in`.
    pub expires_in: ExpiresIn,
    /// `issued_token_type`. RFC 8693 requires it, not every server sends it.
    pub issued_token_type: Option<String>,
}

/// What an answer says about its token's life. Nothing that should be trusted without the token's
/// own `exp` beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiresIn {
    /// Nothing (RFC 6749 section 5.1 only recommends it).
    Absent,
    /// Something that is neither a number nor the text of one.
    Unreadable,
    /// So long. Zero when the answer says zero or less: the server counted down past the end.
    In(Duration),
}

/// Why the body of a 200 is no token. It holds nothing of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenResponseFault {
    /// Not one JSON object without repeated members.
    NotJson,
    /// It has an `error`, beside whatever else.
    IsAnError,
    /// No `access_token`, or one that is empty or no text.
    NoAccessToken,
    /// No `token_type`, or one that is no text.
    NoTokenType,
    /// `token_type` is `N_A` (RFC 8693 section 2.2.1): what stands in `access_token` is no access
    /// token. Keycloak answers so when it was asked for an ID token.
    NotAnAccessToken,
    /// Another `token_type`, such as `DPoP`: it cannot be used as a bearer token.
    OtherTokenType,
    /// `issued_token_type` is no text.
    IssuedTokenType,
}

impl TokenResponse {
    /// Reads the body of an answer whose status is 200. The length is for the caller to bound.
    pub fn read(body: &[u8]) -> Result<Self, TokenResponseFault> {
        let mut members = json::parse_object(body).map_err(|_| TokenResponseFault::NotJson)?;
        if members.get("error").is_some_and(|error| !error.is_null()) {
            return Err(TokenResponseFault::IsAnError);
        }
        match members.get("token_type") {
            Some(Value::String(name)) if name.eq_ignore_ascii_case("bearer") => {}
            Some(Value::String(name)) if name.eq_ignore_ascii_case("n_a") => {
                return Err(TokenResponseFault::NotAnAccessToken);
            }
            Some(Value::String(_)) => return Err(TokenResponseFault::OtherTokenType),
            _ => return Err(TokenResponseFault::NoTokenType),
        }
        let access_token = match members.remove("access_token") {
            Some(Value::String(token)) if !token.is_empty() => Secret::new(token),
            _ => return Err(TokenResponseFault::NoAccessToken),
        };
        let issued_token_type = match members.remove("issued_token_type") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(TokenResponseFault::IssuedTokenType),
        };
        Ok(Self {
            access_token,
            expires_in: ExpiresIn::read(members.get("expires_in")),
            issued_token_type,
        })
    }
}

impl ExpiresIn {
    fn read(value: Option<&Value>) -> Self {
        let seconds = match value {
            None | Some(Value::Null) => return Self::Absent,
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => number(text),
            Some(_) => None,
        };
        match seconds {
            Some(seconds) if seconds <= 0.0 => Self::In(Duration::ZERO),
            Some(seconds) if seconds > 0.0 => {
                Self::In(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
            }
            _ => Self::Unreadable,
        }
    }
}

/// A decimal number. Rust alone would also read `inf`, `NaN` and `+5`.
fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(expires_in: &str) -> ExpiresIn {
        let body =
            format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{expires_in}}}"#);
        TokenResponse::read(body.as_bytes()).unwrap().expires_in
    }

    #[test]
    fn absurd_lifetimes_are_read_and_none_is_long_by_mistake() {
        use ExpiresIn::*;
        let cases = [
            ("600", In(Duration::from_secs(600))),
            ("\"600\"", In(Duration::from_secs(600))),
            ("599.5", In(Duration::from_millis(599_500))),
            ("\"0.25\"", In(Duration::from_millis(250))),
            ("6e2", In(Duration::from_secs(600))),
            ("0", In(Duration::ZERO)),
            ("-0.0", In(Duration::ZERO)),
            ("-1", In(Duration::ZERO)),
            ("\"-600\"", In(Duration::ZERO)),
            ("-1e300", In(Duration::ZERO)),
            ("1e18", In(Duration::from_secs(1_000_000_000_000_000_000))),
            ("1e300", In(Duration::MAX)),
            ("18446744073709551616", In(Duration::MAX)),
            ("null", Absent),
            ("\"\"", Unreadable),
            ("\"NaN\"", Unreadable),
            ("\"inf\"", Unreadable),
            ("\"+600\"", Unreadable),
            ("\"1e9\"", Unreadable),
            ("\"0x10\"", Unreadable),
            ("\"600s\"", Unreadable),
            ("\" 600\"", Unreadable),
            ("\"1.2.3\"", Unreadable),
            ("true", Unreadable),
            ("[600]", Unreadable),
            ("{}", Unreadable),
        ];
        for (text, expected) in cases {
            assert_eq!(life(text), expected, "{text}");
        }
        let without =
            TokenResponse::read(br#"{"access_token":"a","token_type":"bearer"}"#).unwrap();
        assert_eq!(without.expires_in, Absent);
    }

    #[test]
    fn what_is_no_answer() {
        use TokenResponseFault::*;
        let cases: &[(&str, TokenResponseFault)] = &[
            ("", NotJson),
            ("<html><body>Sign in</body></html>", NotJson),
            ("\"token\"", NotJson),
            (r#"[{"access_token":"a","token_type":"Bearer"}]"#, NotJson),
            (r#"{"access_token":"a","token_type":"Bearer"} x"#, NotJson),
            (
                r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#,
                NotJson,
            ),
            (
                r#"{"access_token":"a","access\u005ftoken":"b","token_type":"Bearer"}"#,
                NotJson,
            ),
            (
                r#"{"access_token":"a","token_type":"Bearer","expires_in":NaN}"#,
                NotJson,
            ),
            (
                r#"{"access_token":"a","token_type":"Bearer","expires_in":1e400}"#,
                NotJson,
            ),
            (r#"{"error":"invalid_request"}"#, IsAnError),
            (
                r#"{"access_token":"a","token_type":"Bearer","error":"x"}"#,
                IsAnError,
            ),
            (r#"{"access_token":"a"}"#, NoTokenType),
            (r#"{"access_token":"a","token_type":null}"#, NoTokenType),
            (r#"{"access_token":"a","token_type":1}"#, NoTokenType),
            (
                r#"{"access_token":"a","token_type":"N_A"}"#,
                NotAnAccessToken,
            ),
            (
                r#"{"access_token":"a","token_type":"DPoP"}"#,
                OtherTokenType,
            ),
            (
                r#"{"access_token":"a","token_type":"Bearer "}"#,
                OtherTokenType,
            ),
            (r#"{"access_token":"a","token_type":""}"#, OtherTokenType),
            (r#"{"token_type":"Bearer"}"#, NoAccessToken),
            (
                r#"{"access_token":"","token_type":"Bearer"}"#,
                NoAccessToken,
            ),
            (
                r#"{"access_token":null,"token_type":"Bearer"}"#,
                NoAccessToken,
            ),
            (
                r#"{"access_token":["a"],"token_type":"Bearer"}"#,
                NoAccessToken,
            ),
            (
                r#"{"Access_Token":"a","token_type":"Bearer"}"#,
                NoAccessToken,
            ),
            (
                r#"{"access_token":"a","token_type":"Bearer","issued_token_type":1}"#,
                IssuedTokenType,
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(
                TokenResponse::read(body.as_bytes()),
                Err(*expected),
                "{body}"
            );
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_token() {
        let body =
            br#"{"access_token":"CANARY","token_type":"BEARER","issued_token_type":"urn:t"}"#;
        let response = TokenResponse::read(body).unwrap();
        assert_eq!(response.access_token.expose(), "CANARY");
        assert_eq!(
            format!("{response:?}"),
            "TokenResponse { access_token: [secret], expires_in: Absent, issued_token_type: Some(\"urn:t\") }"
        );
    }
}
