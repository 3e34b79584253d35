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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::RESERVED_PARAMETERS;

    const POST: ClientAuthentication<'_> = ClientAuthentication::SecretPost {
        id: "gate",
        secret: "CANARY",
    };

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    fn text(form: Secret<Vec<u8>>) -> String {
        assert_eq!(format!("{form:?}"), "[secret]");
        String::from_utf8(form.expose().clone()).unwrap()
    }

    #[test]
    fn every_part_stands_in_its_order() {
        let (resources, audiences) = (strings(&["urn:r", "urn:s"]), strings(&["a", "b"]));
        let parameters = [("tenant".to_owned(), "acme".to_owned())];
        let targets = "&resource=urn%3Ar&resource=urn%3As&audience=a&audience=b&scope=x+y";
        let own = ClientCredentialsGrant {
            resources: &resources,
            audiences: &audiences,
            scope: Some("x y"),
            parameters: &parameters,
        };
        assert_eq!(
            text(own.to_form(POST)),
            format!(
                "grant_type=client_credentials{targets}&client_id=gate&client_secret=CANARY&tenant=acme"
            )
        );
        let assertion = JwtBearerGrant {
            assertion: "e.e.e",
            resources: &resources,
            audiences: &audiences,
            scope: Some("x y"),
            parameters: &parameters,
        };
        assert_eq!(
            text(assertion.to_form(POST)),
            format!(
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer{targets}&assertion=e.e.e\
                 &client_id=gate&client_secret=CANARY&tenant=acme"
            )
        );
        let impersonation = Impersonation {
            requested_subject: "alice",
            audiences: &audiences,
            scope: Some("x y"),
            parameters: &parameters,
        };
        assert_eq!(
            text(impersonation.to_form(POST)),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&audience=a&audience=b&scope=x+y\
             &requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&requested_subject=alice\
             &client_id=gate&client_secret=CANARY&tenant=acme"
        );
    }

    #[test]
    fn no_value_leaves_its_place_and_no_parameter_stands_for_one_of_ours() {
        let parameters: Vec<_> = RESERVED_PARAMETERS
            .iter()
            .map(|name| ((*name).to_owned(), "evil".to_owned()))
            .collect();
        let client = ClientAuthentication::None;
        let own = ClientCredentialsGrant {
            resources: &[],
            audiences: &[],
            scope: None,
            parameters: &parameters,
        };
        assert_eq!(text(own.to_form(client)), "grant_type=client_credentials");
        let assertion = JwtBearerGrant {
            assertion: "e&assertion=f",
            resources: &[],
            audiences: &[],
            scope: None,
            parameters: &parameters,
        };
        assert_eq!(
            text(assertion.to_form(client)),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=e%26assertion%3Df"
        );
        let impersonation = Impersonation {
            requested_subject: "alice&requested_subject=root",
            audiences: &[],
            scope: None,
            parameters: &parameters,
        };
        assert_eq!(
            text(impersonation.to_form(client)),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token\
             &requested_subject=alice%26requested_subject%3Droot"
        );
    }
}
