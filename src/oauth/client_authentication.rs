//! How the gate proves itself as a client at a token endpoint (RFC 6749 section 2.3, RFC 7523 section 2.2, RFC 8705).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};

use crate::secret::Secret;

/// `client_assertion_type` of a JWT (RFC 7523 section 2.2).
const CLIENT_ASSERTION_TYPE_JWT_BEARER: &str =
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

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
    /// A JWT that the client signed (RFC 7523 section 2.2), with `client_id` beside it.
    PrivateKeyJwt {
        /// `client_id`
        id: &'a str,
        /// `client_assertion`
        assertion: &'a str,
    },
    /// `client_id` alone: the client's certificate proves it (RFC 8705 section 2), which Envoy's cluster holds.
    IdOnly {
        /// `client_id`
        id: &'a str,
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

    /// What the body says of the client.
    pub(super) fn write(&self, form: &mut Serializer<'_, String>) {
        let mut pair = |name: &str, value: &str| {
            form.append_pair(name, value);
        };
        match self {
            Self::SecretPost { id, secret } => {
                pair("client_id", id);
                pair("client_secret", secret);
            }
            Self::PrivateKeyJwt { id, assertion } => {
                pair("client_id", id);
                pair("client_assertion_type", CLIENT_ASSERTION_TYPE_JWT_BEARER);
                pair("client_assertion", assertion);
            }
            Self::IdOnly { id } => pair("client_id", id),
            Self::SecretBasic { .. } | Self::None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// What the client writes into a form of its own, and into the header.
    fn written(client: ClientAuthentication<'_>) -> (String, Option<String>) {
        let mut form = Serializer::new(String::new());
        client.write(&mut form);
        let header = client.authorization().map(|value| value.expose().clone());
        (form.finish(), header)
    }

    #[test]
    fn each_way_stands_in_one_place() {
        let (id, secret, assertion) = ("gate&x", "s=s", "e.e.e");
        let cases = [
            (
                ClientAuthentication::SecretBasic { id, secret },
                "",
                Some("Basic Z2F0ZSUyNng6cyUzRHM="),
            ),
            (
                ClientAuthentication::SecretPost { id, secret },
                "client_id=gate%26x&client_secret=s%3Ds",
                None,
            ),
            (
                ClientAuthentication::PrivateKeyJwt { id, assertion },
                "client_id=gate%26x\
                 &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
                 &client_assertion=e.e.e",
                None,
            ),
            (
                ClientAuthentication::IdOnly { id },
                "client_id=gate%26x",
                None,
            ),
            (ClientAuthentication::None, "", None),
        ];
        for (client, form, header) in cases {
            assert_eq!(
                written(client),
                (form.to_owned(), header.map(str::to_owned))
            );
        }
    }
}
