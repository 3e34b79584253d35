//! Errors of a token endpoint (RFC 6749 section 5.2), both ways: read from an identity provider,
//! and written where the gate itself is the endpoint.

use super::bearer::printable;
use crate::json::{self, Value};
use crate::secret::Secret;

/// Longest `error` that is looked at; the longest registered one has 29 characters.
const ERROR_BYTES: usize = 128;

/// As much of `error_description` is looked at; those that are told apart are far shorter.
const DESCRIPTION_BYTES: usize = 512;

/// An error that a token endpoint answered. Both texts are for telling errors apart and nothing
/// else: they are written by another party, which may put our token or markup into them, so they
/// are never repeated to anybody and do not print themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    error: Secret<String>,
    description: Secret<String>,
}

/// The body is not one JSON object without repeated members whose `error` is a text of sane length:
/// whoever answered, it was not a token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorResponseFault;

impl ErrorResponse {
    /// Reads the body of an answer whose status is not 200. The length is for the caller to bound.
    pub fn read(body: &[u8]) -> Result<Self, ErrorResponseFault> {
        let mut members = json::parse_object(body).map_err(|_| ErrorResponseFault)?;
        let error = match members.remove("error") {
            Some(Value::String(error)) if (1..=ERROR_BYTES).contains(&error.len()) => error,
            _ => return Err(ErrorResponseFault),
        };
        let description = match members.remove("error_description") {
            Some(Value::String(mut text)) => {
                text.truncate(text.floor_char_boundary(DESCRIPTION_BYTES));
                text
            }
            _ => String::new(),
        };
        Ok(Self {
            error: Secret::new(error),
            description: Secret::new(description),
        })
    }

    /// `error`, to be compared.
    pub fn error(&self) -> &str {
        self.error.expose()
    }

    /// The beginning of `error_description`, to be compared; empty when there is none.
    pub fn description(&self) -> &str {
        self.description.expose()
    }
}

/// The six codes of RFC 6749 section 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// `invalid_request`: a parameter is missing, repeated or malformed.
    InvalidRequest,
    /// `invalid_client`: client authentication failed.
    InvalidClient,
    /// `invalid_grant`: what the client presents as a grant is invalid, expired or revoked.
    InvalidGrant,
    /// `unauthorized_client`: this client may not use this grant type.
    UnauthorizedClient,
    /// `unsupported_grant_type`
    UnsupportedGrantType,
    /// `invalid_scope`: unknown, malformed, or more than was granted.
    InvalidScope,
}

impl ErrorCode {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
        }
    }

    /// The status that goes with the code: 401 for a client that is not known, 400 for all else.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            _ => 400,
        }
    }
}

/// An error that the gate answers as a token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthError {
    /// `error`
    pub code: ErrorCode,
    /// `error_description`, for the developer of the client; it is not written when it is empty.
    pub description: String,
}

impl OAuthError {
    /// The body, `application/json`. Characters that RFC 6749 does not allow in a description are
    /// replaced, so whatever it holds the body stays JSON.
    pub fn body(&self) -> Vec<u8> {
        let mut body = format!(r#"{{"error":"{}""#, self.code.as_str());
        if !self.description.is_empty() {
            body.push_str(r#","error_description":""#);
            body.extend(printable(&self.description));
            body.push('"');
        }
        body.push('}');
        body.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<(String, String)> {
        let error = ErrorResponse::read(body.as_bytes()).ok()?;
        Some((error.error().to_owned(), error.description().to_owned()))
    }

    fn pair(error: &str, description: &str) -> Option<(String, String)> {
        Some((error.to_owned(), description.to_owned()))
    }

    #[test]
    fn reads_error_and_description() {
        let long = "e".repeat(128);
        let cases = [
            (
                r#"{"error":"invalid_request"}"#.to_owned(),
                pair("invalid_request", ""),
            ),
            (
                r#"{"error":"a","error_description":"b"}"#.to_owned(),
                pair("a", "b"),
            ),
            (
                r#"{"error":"a","error_description":null}"#.to_owned(),
                pair("a", ""),
            ),
            (
                r#"{"error":"a","error_description":{"x":1}}"#.to_owned(),
                pair("a", ""),
            ),
            (format!(r#"{{"error":"{long}"}}"#), pair(&long, "")),
            (format!(r#"{{"error":"{long}e"}}"#), None),
            (r#"{"error":""}"#.to_owned(), None),
            (r#"{"error":400}"#.to_owned(), None),
            (
                r#"{"error":{"message":"m","type":"t","code":401}}"#.to_owned(),
                None,
            ),
            (r#"{"message":"Unauthorized"}"#.to_owned(), None),
            (r#"{"error":"a","error":"b"}"#.to_owned(), None),
            ("error=invalid_request".to_owned(), None),
            ("<html>".to_owned(), None),
            (String::new(), None),
        ];
        for (body, expected) in cases {
            assert_eq!(read(&body), expected, "{body}");
        }
    }

    #[test]
    fn a_long_description_is_cut_between_characters() {
        let body = format!(
            r#"{{"error":"a","error_description":"x{}"}}"#,
            "é".repeat(100_000)
        );
        let (_, description) = read(&body).unwrap();
        assert_eq!(description, format!("x{}", "é".repeat(255)));
    }

    #[test]
    fn debug_shows_nothing_of_either() {
        let error =
            ErrorResponse::read(br#"{"error":"CANARY","error_description":"CANARY"}"#).unwrap();
        assert!(!format!("{error:?}").contains("CANARY"));
    }

    #[test]
    fn our_own_errors() {
        let body = |code, description: &str| {
            String::from_utf8(
                OAuthError {
                    code,
                    description: description.to_owned(),
                }
                .body(),
            )
            .unwrap()
        };
        assert_eq!(
            body(ErrorCode::InvalidScope, ""),
            r#"{"error":"invalid_scope"}"#
        );
        assert_eq!(
            body(ErrorCode::UnsupportedGrantType, "\"}, \\u0041\r\né"),
            r#"{"error":"unsupported_grant_type","error_description":"'}, /u0041???"}"#
        );
        // RFC 6749 section 5.2
        for (code, name, status) in [
            (ErrorCode::InvalidRequest, "invalid_request", 400),
            (ErrorCode::InvalidClient, "invalid_client", 401),
            (ErrorCode::InvalidGrant, "invalid_grant", 400),
            (ErrorCode::UnauthorizedClient, "unauthorized_client", 400),
            (
                ErrorCode::UnsupportedGrantType,
                "unsupported_grant_type",
                400,
            ),
            (ErrorCode::InvalidScope, "invalid_scope", 400),
        ] {
            assert_eq!(
                body(code, "why"),
                format!(r#"{{"error":"{name}","error_description":"why"}}"#)
            );
            assert_eq!(code.status(), status);
        }
    }
}
