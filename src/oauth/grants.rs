//! The client credentials grant (RFC 6749 section 4.4).

use form_urlencoded::Serializer;

use super::{ClientAuthentication, RESERVED_PARAMETERS};
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
    /// Further parameters of this server. Those that [`RESERVED_PARAMETERS`] names are left out.
    pub parameters: &'a [(String, String)],
}

impl ClientCredentialsGrant<'_> {
    /// The body, `application/x-www-form-urlencoded`.
    pub fn to_form(&self, client: ClientAuthentication<'_>) -> Secret<Vec<u8>> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for resource in self.resources {
            form.append_pair("resource", resource);
        }
        for audience in self.audiences {
            form.append_pair("audience", audience);
        }
        if let Some(scope) = self.scope {
            form.append_pair("scope", scope);
        }
        if let ClientAuthentication::SecretPost { id, secret } = client {
            form.append_pair("client_id", id);
            form.append_pair("client_secret", secret);
        }
        for (name, value) in self.parameters {
            if !RESERVED_PARAMETERS.contains(&name.as_str()) {
                form.append_pair(name, value);
            }
        }
        Secret::new(form.finish().into_bytes())
    }
}
