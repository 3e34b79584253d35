//! The token exchange request (RFC 8693 section 2.1) and client authentication (RFC 6749
//! section 2.3.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};

use crate::secret::Secret;

/// `grant_type` of a token exchange.
pub const GRANT_TYPE_TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// Token type identifier of an OAuth 2.0 access token (RFC 8693 section 3).
pub const TOKEN_TYPE_ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Token type identifier of a JWT (RFC 8693 section 3).
pub const TOKEN_TYPE_JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Parameters that an extra parameter can never name: they are written by [`TokenExchange`] and
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

/// A token exchange request, borrowed from its parts (RFC 8693 section 2.1).
#[derive(Clone, Copy)]
pub struct TokenExchange<'a> {
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
    /// `subject_token_type`.
    pub subject_token_type: &'a str,
    /// Further parameters of this server, in the order given. Those that [`RESERVED_PARAMETERS`]
    /// names are left out: a setting cannot turn the exchange into another grant.
    pub parameters: &'a [(String, String)],
}

impl TokenExchange<'_> {
    /// The body, `application/x-www-form-urlencoded`.
    ///
    /// The parameters stand in the order in which RFC 8693 section 2.1 lists them: `grant_type`,
    /// `resource`..., `audience`..., `scope`, `requested_token_type`, `subject_token`,
    /// `subject_token_type`, then `client_id` and `client_secret` when the client proves itself
    /// in the body, then the further ones. What is `None` is not written.
    pub fn to_form(&self, client: ClientAuthentication<'_>) -> Secret<Vec<u8>> {
        let mut form = Serializer::new(String::with_capacity(
            self.subject_token.len().saturating_add(512),
        ));
        form.append_pair("grant_type", GRANT_TYPE_TOKEN_EXCHANGE);
        for resource in self.resources {
            form.append_pair("resource", resource);
        }
        for audience in self.audiences {
            form.append_pair("audience", audience);
        }
        if let Some(scope) = self.scope {
            form.append_pair("scope", scope);
        }
        if let Some(token_type) = self.requested_token_type {
            form.append_pair("requested_token_type", token_type);
        }
        form.append_pair("subject_token", self.subject_token);
        form.append_pair("subject_token_type", self.subject_token_type);
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

/// How a client proves itself at the token endpoint (RFC 6749 section 2.3).
#[derive(Clone, Copy)]
pub enum ClientAuthentication<'a> {
    /// HTTP Basic.
    SecretBasic {
        /// `client_id`
        id: &'a str,
        /// `client_secret`
        secret: &'a str,
    },
    /// `client_id` and `client_secret` in the body.
    SecretPost {
        /// `client_id`
        id: &'a str,
        /// `client_secret`
        secret: &'a str,
    },
    /// Nothing is written: somebody behind us adds the credential.
    None,
}

impl ClientAuthentication<'_> {
    /// The value of the `Authorization` header, where this way has one.
    ///
    /// Both parts are form-encoded first and only then joined and put into base64 (RFC 6749
    /// section 2.3.1): servers decode them, so a secret with `+` or `%41`, or an id with `:`, that
    /// is sent raw is refused or, worse, read as another.
    pub fn authorization(&self) -> Option<Secret<String>> {
        let Self::SecretBasic { id, secret } = self else {
            return None;
        };
        let mut pair: String = byte_serialize(id.as_bytes()).collect();
        pair.push(':');
        pair.extend(byte_serialize(secret.as_bytes()));
        let mut value = String::from("Basic ");
        STANDARD.encode_string(pair, &mut value);
        Some(Secret::new(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    fn form(exchange: TokenExchange<'_>, client: ClientAuthentication<'_>) -> String {
        String::from_utf8(exchange.to_form(client).expose().clone()).unwrap()
    }

    const BARE: TokenExchange<'_> = TokenExchange {
        resources: &[],
        audiences: &[],
        scope: None,
        requested_token_type: None,
        subject_token: "t",
        subject_token_type: "urn:x",
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
            subject_token_type: "%0d%0a",
            parameters: &[("k=v&scope".to_owned(), "\0 +;".to_owned())],
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
    fn basic_is_form_encoded_before_base64() {
        let cases = [
            // RFC 6749 section 4.3.2
            (
                "s6BhdRkqt3",
                "gX1fBat3bV",
                "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW",
            ),
            // RFC 8693 section 2.3
            (
                "rs08",
                "long-secure-random-secret",
                "Basic cnMwODpsb25nLXNlY3VyZS1yYW5kb20tc2VjcmV0",
            ),
            // "a%3Ab:x%2By%2541+z"
            ("a:b", "x+y%41 z", "Basic YSUzQWI6eCUyQnklMjU0MSt6"),
            // "%C3%A9:"
            ("é", "", "Basic JUMzJUE5Og=="),
        ];
        for (id, secret, expected) in cases {
            let header = ClientAuthentication::SecretBasic { id, secret }
                .authorization()
                .unwrap();
            assert_eq!(header.expose(), expected);
        }
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
