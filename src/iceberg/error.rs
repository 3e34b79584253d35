//! The error model of the spec: `{"error":{"message","type","code"}}`.

use serde_json::json;

/// The exception that the body names. It fixes the status: clients choose what to throw by the body's
/// `code` (Java) or by the HTTP status (PyIceberg, DuckDB), so that the two must be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// 400
    BadRequest,
    /// 401: a fresh token may help.
    NotAuthorized,
    /// 403: no token of this caller will help.
    Forbidden,
    /// 404 for what is no operation. Iceberg's Java client throws `NotFoundException` where it loads a
    /// table and the "no such ..." of the thing it asked for elsewhere; a commit ends cleanly.
    NotFound,
    /// 404 for a view: Trino then goes on to ask for a table of that name.
    NoSuchView,
    /// 429: the Java client retries every method.
    TooManyRequests,
    /// 503: only with `Retry-After`, and never on a commit, which would end in an unknown state.
    ServiceUnavailable,
}

impl ErrorType {
    /// The `type` member: Iceberg's Java exceptions by their simple names, except for 429, for which
    /// Iceberg has none.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequestException",
            Self::NotAuthorized => "NotAuthorizedException",
            Self::Forbidden => "ForbiddenException",
            Self::NotFound => "NotFoundException",
            Self::NoSuchView => "NoSuchViewException",
            Self::TooManyRequests => "TooManyRequestsException",
            Self::ServiceUnavailable => "ServiceUnavailableException",
        }
    }

    /// The `code` member and the HTTP status.
    pub const fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::NotAuthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound | Self::NoSuchView => 404,
            Self::TooManyRequests => 429,
            Self::ServiceUnavailable => 503,
        }
    }
}

/// An `IcebergErrorResponse` (`application/json`). Not for the token endpoint, which speaks OAuth, and
/// not for `HEAD`, which has no body.
pub fn error_body(message: &str, error: ErrorType) -> Vec<u8> {
    json!({"error": {"message": message, "type": error.name(), "code": error.code()}})
        .to_string()
        .into_bytes()
}
