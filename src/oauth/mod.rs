//! OAuth 2.0 on the wire, as pure functions: token exchange requests (RFC 8693), client
//! authentication, answers and errors of a token endpoint (RFC 6749), authorization server metadata
//! (RFC 8414, OpenID Connect Discovery 1.0), bearer tokens in HTTP (RFC 6750).
//!
//! Nothing here knows of tenants, of the configuration or of Envoy; what an answer *means* for a
//! caller is decided in [`exchange`](crate::exchange).

mod bearer;
mod error_response;
mod grants;
mod metadata;
mod token_exchange;
mod token_response;

pub use bearer::{BearerError, BearerFault, bearer, is_token68, www_authenticate};
pub use error_response::{ErrorCode, ErrorResponse, ErrorResponseFault, OAuthError};
pub use grants::ClientCredentialsGrant;
pub use metadata::{EndpointFault, Metadata, MetadataFault, WellKnown, well_known_path};
pub use token_exchange::{
    ClientAuthentication, GRANT_TYPE_TOKEN_EXCHANGE, RESERVED_PARAMETERS, TOKEN_TYPE_ACCESS_TOKEN,
    TOKEN_TYPE_JWT, TokenExchange,
};
pub use token_response::{ExpiresIn, TokenResponse, TokenResponseFault};
