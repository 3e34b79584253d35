//! The grants of the gate that are no exchange of a token: a client's own (RFC 6749 section 4.4), the one for an
//! assertion (RFC 7523 section 2.1), and impersonation as Keycloak has it.

use super::client_authentication::ClientAuthentication;
use super::grant_form::{
    GRANT_TYPE_JWT_BEARER, GRANT_TYPE_TOKEN_EXCHANGE, GrantForm, TOKEN_TYPE_ACCESS_TOKEN,
};
use crate::secret::Secret;

/// A client asks for a token of its own (RFC 6749 section 4.4.2).
#[derive(Clone, Copy)]
pub struct ClientCredentialsGrant<'a> {
    /// `resource`, once for each.
    pub resources: &'a [String],
    /// `audience`, once for each.
    pub audiences: &'a [String],
    /// `scope`: names with spaces between them.
    pub scope: Option<&'a str>,
    /// Further parameters of this server. Those that [`RESERVED_PARAMETERS`](super::RESERVED_PARAMETERS) names are left
    /// out.
    pub parameters: &'a [(String, String)],
}

impl ClientCredentialsGrant<'_> {
    /// The body, `application/x-www-form-urlencoded`.
    pub fn to_form(&self, client: ClientAuthentication<'_>) -> Secret<Vec<u8>> {
        let mut form = GrantForm::new("client_credentials", 0);
        form.targets(self.resources, self.audiences, self.scope);
        form.finish(&[], client, self.parameters)
    }
}

/// A token for whom a signed assertion names (RFC 7523 section 2.1).
#[derive(Clone, Copy)]
pub struct JwtBearerGrant<'a> {
    /// `assertion`
    pub assertion: &'a str,
    /// `resource`, once for each.
    pub resources: &'a [String],
    /// `audience`, once for each. Keycloak 26.7 ignores it.
    pub audiences: &'a [String],
    /// `scope`: names with spaces between them.
    pub scope: Option<&'a str>,
    /// Further parameters of this server. Those that [`RESERVED_PARAMETERS`](super::RESERVED_PARAMETERS) names are left
    /// out.
    pub parameters: &'a [(String, String)],
}

impl JwtBearerGrant<'_> {
    /// The body, `application/x-www-form-urlencoded`.
    pub fn to_form(&self, client: ClientAuthentication<'_>) -> Secret<Vec<u8>> {
        let mut form = GrantForm::new(GRANT_TYPE_JWT_BEARER, self.assertion.len());
        form.targets(self.resources, self.audiences, self.scope);
        form.pair("assertion", self.assertion);
        form.finish(&[], client, self.parameters)
    }
}

/// A token of somebody else for a client that may have it, without a token of theirs: the impersonation of Keycloak's
/// legacy token exchange (preview feature `token-exchange`, deprecated).
#[derive(Clone, Copy)]
pub struct Impersonation<'a> {
    /// `requested_subject`: a user's name or id.
    pub requested_subject: &'a str,
    /// `audience`, once for each. With one, Keycloak mints by the rules of that client.
    pub audiences: &'a [String],
    /// `scope`: names with spaces between them. Keycloak ignores unknown ones.
    pub scope: Option<&'a str>,
    /// Further parameters of this server. Those that [`RESERVED_PARAMETERS`](super::RESERVED_PARAMETERS) names are left
    /// out.
    pub parameters: &'a [(String, String)],
}

impl Impersonation<'_> {
    /// The body, `application/x-www-form-urlencoded`. It always asks for an access token: left to itself, Keycloak
    /// hands out a refresh token.
    pub fn to_form(&self, client: ClientAuthentication<'_>) -> Secret<Vec<u8>> {
        let mut form = GrantForm::new(GRANT_TYPE_TOKEN_EXCHANGE, 0);
        form.targets(&[], self.audiences, self.scope);
        form.pair("requested_token_type", TOKEN_TYPE_ACCESS_TOKEN);
        form.pair("requested_subject", self.requested_subject);
        form.finish(&[], client, self.parameters)
    }
}
