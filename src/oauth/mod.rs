//! OAuth 2.0 on the wire, as pure functions, both ways. As a client: token exchange requests (RFC 8693), other
//! grants (RFC 6749, RFC 7523), client authentication, answers and errors of a token endpoint, authorization server
//! metadata (RFC 8414, OpenID Connect Discovery 1.0). As a token endpoint: requests, answers and errors. Bearer
//! tokens in HTTP (RFC 6750).
//!
//! Nothing here knows of tenants, of the configuration or of Envoy; what an answer *means* for a
//! caller is decided in [`exchange`](crate::exchange).

mod bearer;
mod client_authentication;
mod client_login;
mod error_response;
mod form;
mod grant_form;
mod grants;
mod metadata;
mod token_answer;
mod token_exchange;
mod token_request;
mod token_response;

pub use bearer::{BearerError, BearerFault, bearer, is_token68, www_authenticate};
pub use client_authentication::ClientAuthentication;
pub use client_login::ClientLogin;
pub use error_response::{ErrorCode, ErrorResponse, ErrorResponseFault, OAuthError};
pub use grant_form::{
    GRANT_TYPE_JWT_BEARER, GRANT_TYPE_TOKEN_EXCHANGE, RESERVED_PARAMETERS, TOKEN_TYPE_ACCESS_TOKEN,
    TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_JWT,
};
pub use grants::{ClientCredentialsGrant, Impersonation, JwtBearerGrant};
pub use metadata::{EndpointFault, Metadata, MetadataFault, WellKnown, well_known_path};
pub use token_answer::TokenAnswer;
pub use token_exchange::{ExchangeWords, TokenExchange};
pub use token_request::{
    ClientCredentials, Exchange, Proof, SubjectTokenType, TokenRequest, TokenRequestFault,
};
pub use token_response::{ExpiresIn, TokenResponse, TokenResponseFault};
