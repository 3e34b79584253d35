//! What all requests of the gate to a token endpoint have in common (RFC 6749 section 4): names, order, encoding.

use form_urlencoded::Serializer;

use super::client_authentication::ClientAuthentication;
use crate::secret::Secret;

/// `grant_type` of a token exchange (RFC 8693 section 2.1).
pub const GRANT_TYPE_TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// `grant_type` of a JWT authorization grant (RFC 7523 section 2.1).
pub const GRANT_TYPE_JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Token type identifier of an OAuth 2.0 access token (RFC 8693 section 3).
pub const TOKEN_TYPE_ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Token type identifier of an OpenID Connect ID token (RFC 8693 section 3).
pub const TOKEN_TYPE_ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// Token type identifier of a JWT (RFC 8693 section 3).
pub const TOKEN_TYPE_JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Parameters that a further parameter can never name: they are written by the grants and by
/// [`ClientAuthentication`], or would change who asks for whom. Sorted.
pub const RESERVED_PARAMETERS: [&str; 19] = [
    "actor_token",
    "actor_token_type",
    "assertion",
    "audience",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "grant_type",
    "password",
    "refresh_token",
    "requested_subject",
    "requested_token_type",
    "resource",
    "scope",
    "subject_token",
    "subject_token_type",
    "username",
];

/// The body of a request while it is written.
pub(super) struct GrantForm(Serializer<'static, String>);

impl GrantForm {
    /// Begins with `grant_type`. `longest` is the length of the token that it will hold.
    pub(super) fn new(grant_type: &str, longest: usize) -> Self {
        let mut form = Serializer::new(String::with_capacity(longest.saturating_add(512)));
        form.append_pair("grant_type", grant_type);
        Self(form)
    }

    pub(super) fn pair(&mut self, name: &str, value: &str) {
        self.0.append_pair(name, value);
    }

    pub(super) fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.pair(name, value);
        }
    }

    /// For what the token is asked, in the order of RFC 8693 section 2.1.
    pub(super) fn targets(
        &mut self,
        resources: &[String],
        audiences: &[String],
        scope: Option<&str>,
    ) {
        for resource in resources {
            self.pair("resource", resource);
        }
        for audience in audiences {
            self.pair("audience", audience);
        }
        self.optional("scope", scope);
    }

    /// Ends with the fixed parameters, the client's and the further ones, each name once.
    pub(super) fn finish(
        mut self,
        fixed: &[(&str, &str)],
        client: ClientAuthentication<'_>,
        parameters: &[(String, String)],
    ) -> Secret<Vec<u8>> {
        for (name, value) in fixed {
            self.pair(name, value);
        }
        client.write(&mut self.0);
        for (name, value) in parameters {
            let ours = RESERVED_PARAMETERS.contains(&name.as_str())
                || fixed.iter().any(|(fixed, _)| fixed == name);
            if !ours {
                self.pair(name, value);
            }
        }
        Secret::new(self.0.finish().into_bytes())
    }
}
