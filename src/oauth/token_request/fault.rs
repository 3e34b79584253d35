//! What is wrong with a token request.

use std::fmt;

use crate::limits;
use crate::oauth::ErrorCode;

/// Why a token request is not answered with a token, found in the request alone. It holds nothing of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenRequestFault {
    /// No `content-type`, or not `application/x-www-form-urlencoded` in UTF-8.
    ContentType,
    /// The body is longer than [`TOKEN_REQUEST_BYTES`](limits::TOKEN_REQUEST_BYTES).
    TooLong,
    /// More parameters than [`TOKEN_REQUEST_PARAMETERS`](limits::TOKEN_REQUEST_PARAMETERS).
    TooManyParameters,
    /// A name or a value has a bad percent sequence, is not UTF-8, or has control characters.
    Encoding,
    /// A parameter stands twice. Its name, where it is one that is known.
    Repeated(Option<&'static str>),
    /// `audience` or `resource` more often than [`TOKEN_REQUEST_TARGETS`](limits::TOKEN_REQUEST_TARGETS).
    TooMany(&'static str),
    /// A parameter is missing or has no value.
    Missing(&'static str),
    /// `grant_type` is another one.
    GrantType,
    /// `scope` is malformed or longer than [`SCOPE_BYTES`](limits::SCOPE_BYTES).
    Scope,
    /// More than one `Authorization`, in two headers or with a comma.
    SeveralAuthorizations,
    /// `Authorization` is empty, malformed or too long.
    Authorization,
    /// `Authorization` has a scheme that is neither Basic nor Bearer.
    OtherScheme,
    /// HTTP Basic that is not base64 of `id:secret`.
    Basic,
    /// `client_assertion`, which is not taken here.
    ClientAssertion,
    /// No client authentication at all.
    NoClient,
    /// A `client_secret` without `client_id`, or Basic with an empty id.
    NoClientId,
    /// A `client_id` without `client_secret`, or Basic with an empty secret.
    NoClientSecret,
    /// `client_id` or `client_secret` is longer than [`CLIENT_ID_BYTES`](limits::CLIENT_ID_BYTES) or
    /// [`CLIENT_SECRET_BYTES`](limits::CLIENT_SECRET_BYTES).
    ClientTooLong(&'static str),
    /// The client proves itself in two ways at once (RFC 6749 section 2.3).
    TwoClients,
    /// HTTP Basic names one client and `client_id` another.
    OtherClientId,
    /// `subject_token_type` is none of those that are taken.
    SubjectTokenType,
    /// `actor_token_type` is not that of an access token.
    ActorTokenType,
    /// `requested_token_type` is not that of an access token.
    RequestedTokenType,
    /// A token has characters that no token has (RFC 9110 section 11.2).
    NoToken(&'static str),
    /// A token is longer than [`TOKEN_BYTES`](limits::TOKEN_BYTES).
    TokenTooLong(&'static str),
    /// There is an actor token, and `Authorization` is not `Bearer` with just this token.
    NotTheActor,
    /// There is no actor token, and the bearer token is another one than the subject token.
    NotTheSubject,
}

impl TokenRequestFault {
    /// The error code that is answered (RFC 6749 section 5.2, RFC 8693 section 2.2.2).
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::GrantType => ErrorCode::UnsupportedGrantType,
            Self::Scope => ErrorCode::InvalidScope,
            Self::OtherScheme
            | Self::Basic
            | Self::ClientAssertion
            | Self::NoClient
            | Self::NoClientId
            | Self::NoClientSecret
            | Self::ClientTooLong(_) => ErrorCode::InvalidClient,
            Self::ContentType
            | Self::TooLong
            | Self::TooManyParameters
            | Self::Encoding
            | Self::Repeated(_)
            | Self::TooMany(_)
            | Self::Missing(_)
            | Self::SeveralAuthorizations
            | Self::Authorization
            | Self::TwoClients
            | Self::OtherClientId
            | Self::SubjectTokenType
            | Self::ActorTokenType
            | Self::RequestedTokenType
            | Self::NoToken(_)
            | Self::TokenTooLong(_)
            | Self::NotTheActor
            | Self::NotTheSubject => ErrorCode::InvalidRequest,
        }
    }

    /// A sentence for the developer of the client, in the characters of an `error_description`.
    pub fn describe(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for TokenRequestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentType => {
                f.write_str("the body must be application/x-www-form-urlencoded in UTF-8")
            }
            Self::TooLong => write!(
                f,
                "the body is longer than {} bytes",
                limits::TOKEN_REQUEST_BYTES
            ),
            Self::TooManyParameters => write!(
                f,
                "the body has more than {} parameters",
                limits::TOKEN_REQUEST_PARAMETERS
            ),
            Self::Encoding => f.write_str(
                "the body is not form-encoded: a name or a value has a bad percent sequence, a raw space, \
                 a control character or bytes that are not UTF-8",
            ),
            Self::Repeated(Some(name)) => write!(f, "{name} stands more than once"),
            Self::Repeated(None) => f.write_str("a parameter stands more than once"),
            Self::TooMany(name) => write!(
                f,
                "{name} stands more than {} times",
                limits::TOKEN_REQUEST_TARGETS
            ),
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::GrantType => f.write_str(
                "grant_type must be client_credentials or urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            Self::Scope => f.write_str("scope is malformed: it is names with one space between them"),
            Self::SeveralAuthorizations => f.write_str("there is more than one Authorization"),
            Self::Authorization => f.write_str("the Authorization header is malformed"),
            Self::OtherScheme => {
                f.write_str("the scheme of the Authorization header must be Basic or Bearer")
            }
            Self::Basic => f.write_str("HTTP Basic must be the base64 of id:secret in UTF-8"),
            Self::ClientAssertion => f.write_str(
                "client_assertion is not taken here: use HTTP Basic, or client_id and client_secret",
            ),
            Self::NoClient => f.write_str(
                "there is no client authentication: use HTTP Basic, or client_id and client_secret",
            ),
            Self::NoClientId => f.write_str(
                "client_id is missing: the credential of an Iceberg client has the form id:secret",
            ),
            Self::NoClientSecret => f.write_str(
                "client_secret is missing: the credential of an Iceberg client has the form id:secret",
            ),
            Self::ClientTooLong(name) => write!(f, "{name} is too long"),
            Self::TwoClients => f.write_str("the client authenticates in two ways at once"),
            Self::OtherClientId => {
                f.write_str("client_id is another one than that of the Authorization header")
            }
            Self::SubjectTokenType => f.write_str(
                "subject_token_type must be access_token, id_token or jwt of urn:ietf:params:oauth:token-type",
            ),
            Self::ActorTokenType => f.write_str(
                "actor_token_type must be urn:ietf:params:oauth:token-type:access_token",
            ),
            Self::RequestedTokenType => f.write_str(
                "requested_token_type must be urn:ietf:params:oauth:token-type:access_token",
            ),
            Self::NoToken(name) => write!(f, "{name} has characters that no token has"),
            Self::TokenTooLong(name) => {
                write!(f, "{name} is longer than {} bytes", limits::TOKEN_BYTES)
            }
            Self::NotTheActor => {
                f.write_str("with an actor_token, Authorization must be Bearer with just this token")
            }
            Self::NotTheSubject => f.write_str(
                "without an actor_token, the bearer token of Authorization must be the subject_token",
            ),
        }
    }
}

impl std::error::Error for TokenRequestFault {}
