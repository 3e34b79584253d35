//! The token exchange request (RFC 8693 section 2.1), and the same exchange in the words of other grants.

use super::client_authentication::ClientAuthentication;
use super::grant_form::{
    GRANT_TYPE_JWT_BEARER, GRANT_TYPE_TOKEN_EXCHANGE, GrantForm, TOKEN_TYPE_ACCESS_TOKEN,
};
use crate::secret::Secret;

/// The words in which a server takes an exchange: what differs between dialects, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeWords<'a> {
    /// `grant_type`.
    pub grant_type: &'a str,
    /// The name of the parameter that holds the subject token.
    pub subject: &'a str,
    /// Parameters that always stand there. A further parameter of the same name is left out.
    pub fixed: &'a [(&'a str, &'a str)],
}

impl ExchangeWords<'static> {
    /// RFC 8693 section 2.1.
    pub const RFC8693: Self = Self {
        grant_type: GRANT_TYPE_TOKEN_EXCHANGE,
        subject: "subject_token",
        fixed: &[],
    };

    /// Entra's on-behalf-of flow: the grant of RFC 7523 with a user's access token as the assertion. It knows no
    /// token types.
    pub const ON_BEHALF_OF: Self = Self {
        grant_type: GRANT_TYPE_JWT_BEARER,
        subject: "assertion",
        fixed: &[("requested_token_use", "on_behalf_of")],
    };
}

/// A token exchange request, borrowed from its parts (RFC 8693 section 2.1).
#[derive(Clone, Copy)]
pub struct TokenExchange<'a> {
    /// [`ExchangeWords::RFC8693`], or those of another dialect.
    pub words: ExchangeWords<'a>,
    /// `resource`, once for each.
    pub resources: &'a [String],
    /// `audience`, once for each.
    pub audiences: &'a [String],
    /// `scope`: names with spaces between them.
    pub scope: Option<&'a str>,
    /// `requested_token_type`.
    pub requested_token_type: Option<&'a str>,
    /// `subject_token`.
    pub subject_token: &'a str,
    /// `subject_token_type`. RFC 8693 requires it; other words have none.
    pub subject_token_type: Option<&'a str>,
    /// `actor_token`, an access token: who acts for the subject.
    pub actor_token: Option<&'a str>,
    /// Further parameters of this server, in the order given. Those that
    /// [`RESERVED_PARAMETERS`](super::RESERVED_PARAMETERS) names are left out: a setting cannot turn the exchange into
    /// another grant.
    pub parameters: &'a [(String, String)],
}

impl TokenExchange<'_> {
    /// The body, `application/x-www-form-urlencoded`.
    ///
    /// The parameters stand in the order in which RFC 8693 section 2.1 lists them: `grant_type`,
    /// `resource`..., `audience`..., `scope`, `requested_token_type`, `subject_token`,
    /// `subject_token_type`, `actor_token`, `actor_token_type`, then the fixed ones, what the client proves itself
    /// with in the body, then the further ones. What is `None` is not written.
    pub fn to_form(&self, client: ClientAuthentication<'_>) -> Secret<Vec<u8>> {
        let mut form = GrantForm::new(self.words.grant_type, self.subject_token.len());
        form.targets(self.resources, self.audiences, self.scope);
        form.optional("requested_token_type", self.requested_token_type);
        form.pair(self.words.subject, self.subject_token);
        form.optional("subject_token_type", self.subject_token_type);
        if let Some(actor) = self.actor_token {
            form.pair("actor_token", actor);
            form.pair("actor_token_type", TOKEN_TYPE_ACCESS_TOKEN);
        }
        form.finish(self.words.fixed, client, self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::super::RESERVED_PARAMETERS;
    use super::*;

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    fn form(exchange: TokenExchange<'_>, client: ClientAuthentication<'_>) -> String {
        String::from_utf8(exchange.to_form(client).expose().clone()).unwrap()
    }

    const BARE: TokenExchange<'_> = TokenExchange {
        words: ExchangeWords::RFC8693,
        resources: &[],
        audiences: &[],
        scope: None,
        requested_token_type: None,
        subject_token: "t",
        subject_token_type: Some("urn:x"),
        actor_token: None,
        parameters: &[],
    };

    #[test]
    fn every_part_stands_in_the_order_of_the_rfc() {
        let exchange = TokenExchange {
            resources: &strings(&["https://a.example/", "https://b.example/"]),
            audiences: &strings(&["one", "two"]),
            scope: Some("read write"),
            requested_token_type: Some("urn:r"),
            parameters: &[("connector_id".to_owned(), "ldap".to_owned())],
            ..BARE
        };
        assert_eq!(
            form(
                exchange,
                ClientAuthentication::SecretPost {
                    id: "gate",
                    secret: "s&s"
                }
            ),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &resource=https%3A%2F%2Fa.example%2F&resource=https%3A%2F%2Fb.example%2F\
             &audience=one&audience=two&scope=read+write&requested_token_type=urn%3Ar\
             &subject_token=t&subject_token_type=urn%3Ax\
             &client_id=gate&client_secret=s%26s&connector_id=ldap"
        );
    }

    #[test]
    fn no_value_leaves_its_place() {
        let exchange = TokenExchange {
            resources: &strings(&["r#f&resource=x"]),
            audiences: &strings(&["a=b&audience=root"]),
            scope: Some("a&grant_type=client_credentials"),
            requested_token_type: Some("é\r\n"),
            subject_token: "t&subject_token=u",
            subject_token_type: Some("%0d%0a"),
            parameters: &[("k=v&scope".to_owned(), "\0 +;".to_owned())],
            ..BARE
        };
        assert_eq!(
            form(exchange, ClientAuthentication::None),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &resource=r%23f%26resource%3Dx&audience=a%3Db%26audience%3Droot\
             &scope=a%26grant_type%3Dclient_credentials&requested_token_type=%C3%A9%0D%0A\
             &subject_token=t%26subject_token%3Du&subject_token_type=%250d%250a\
             &k%3Dv%26scope=%00+%2B%3B"
        );
    }

    #[test]
    fn an_actor_stands_behind_the_subject() {
        let exchange = TokenExchange {
            actor_token: Some("a&b"),
            ..BARE
        };
        assert_eq!(
            form(exchange, ClientAuthentication::IdOnly { id: "gate" }),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &subject_token=t&subject_token_type=urn%3Ax\
             &actor_token=a%26b&actor_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token\
             &client_id=gate"
        );
    }

    /// Entra's documentation of the on-behalf-of flow, with the parameters in the gate's order.
    #[test]
    fn other_words_make_another_request() {
        let parameters = [
            ("requested_token_use".to_owned(), "evil".to_owned()),
            ("x".to_owned(), "y".to_owned()),
        ];
        let exchange = TokenExchange {
            words: ExchangeWords::ON_BEHALF_OF,
            scope: Some("api://catalog/.default"),
            subject_token_type: None,
            parameters: &parameters,
            ..BARE
        };
        let client = ClientAuthentication::SecretPost {
            id: "gate",
            secret: "s",
        };
        assert_eq!(
            form(exchange, client),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&scope=api%3A%2F%2Fcatalog%2F.default\
             &assertion=t&requested_token_use=on_behalf_of&client_id=gate&client_secret=s&x=y"
        );
    }

    #[test]
    fn a_further_parameter_cannot_stand_for_one_of_ours() {
        let parameters: Vec<_> = RESERVED_PARAMETERS
            .iter()
            .map(|name| ((*name).to_owned(), "evil".to_owned()))
            .collect();
        let exchange = TokenExchange {
            parameters: &parameters,
            ..BARE
        };
        assert_eq!(
            form(exchange, ClientAuthentication::None),
            form(BARE, ClientAuthentication::None)
        );
        assert!(RESERVED_PARAMETERS.is_sorted());
    }

    #[test]
    fn the_secret_is_in_one_place_only() {
        let basic = ClientAuthentication::SecretBasic {
            id: "gate",
            secret: "CANARY",
        };
        let post = ClientAuthentication::SecretPost {
            id: "gate",
            secret: "CANARY",
        };
        assert!(!form(BARE, basic).contains("CANARY"));
        assert!(form(BARE, post).contains("CANARY"));
        assert_eq!(post.authorization(), None);
        assert_eq!(ClientAuthentication::None.authorization(), None);
        assert_eq!(
            format!("{:?} {:?}", BARE.to_form(post), basic.authorization()),
            "[secret] Some([secret])"
        );
    }
}
