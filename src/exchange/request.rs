//! The call that makes an exchange.

use std::rc::Rc;

use super::Inputs;
use crate::config::{Client, ClientAuthentication, Endpoint, Grant};
use crate::limits::{EXCHANGE_TIMEOUT, TOKEN_ANSWER_BYTES};
use crate::oauth::{
    self, ClientCredentialsGrant, ExchangeWords, TOKEN_TYPE_ACCESS_TOKEN, TokenExchange,
};
use crate::secret::Secret;
use crate::wire::HttpCall;

const USER_AGENT: &str = concat!("icegate/", env!("CARGO_PKG_VERSION"));

/// The POST to the token endpoint. Its timeout is the default; the configuration may have another.
///
/// The subject token is always an access token (`urn:ietf:params:oauth:token-type:access_token`). A client that asks for
/// its own account sends none, and asks for no token type (RFC 6749 section 4.4.2).
/// Cluster, authority and scheme are the configuration's, never a document's or an answer's.
pub fn exchange_call(inputs: &Inputs<'_>) -> HttpCall {
    let Inputs {
        client,
        grant,
        rule,
        token_path,
        subject_token,
        ..
    } = *inputs;
    let proof = authentication(client);
    let form = match grant {
        Grant::Exchange => TokenExchange {
            words: ExchangeWords::RFC8693,
            resources: &rule.resources,
            audiences: &rule.audiences,
            scope: rule.scope.as_deref(),
            requested_token_type: rule.requested_token_type.as_deref(),
            subject_token,
            subject_token_type: Some(TOKEN_TYPE_ACCESS_TOKEN),
            actor_token: None,
            parameters: &rule.parameters,
        }
        .to_form(proof),
        Grant::ClientCredentials => ClientCredentialsGrant {
            resources: &rule.resources,
            audiences: &rule.audiences,
            scope: rule.scope.as_deref(),
            parameters: &rule.parameters,
        }
        .to_form(proof),
    };
    post(&client.endpoint, token_path, proof, form)
}

/// How a client of the gate proves itself.
pub(super) fn authentication(client: &Client) -> oauth::ClientAuthentication<'_> {
    match &client.authentication {
        ClientAuthentication::SecretBasic(secret) => oauth::ClientAuthentication::SecretBasic {
            id: &client.id,
            secret: secret.expose(),
        },
        ClientAuthentication::SecretPost(secret) => oauth::ClientAuthentication::SecretPost {
            id: &client.id,
            secret: secret.expose(),
        },
        ClientAuthentication::Injected => oauth::ClientAuthentication::None,
    }
}

/// A form to a token endpoint.
pub(super) fn post(
    endpoint: &Endpoint,
    token_path: &str,
    proof: oauth::ClientAuthentication<'_>,
    form: Secret<Vec<u8>>,
) -> HttpCall {
    let mut headers = vec![
        (
            "content-type",
            Secret::new("application/x-www-form-urlencoded".to_owned()),
        ),
        ("accept", Secret::new("application/json".to_owned())),
        ("user-agent", Secret::new(USER_AGENT.to_owned())),
    ];
    headers.extend(proof.authorization().map(|value| ("authorization", value)));
    HttpCall {
        cluster: Rc::clone(&endpoint.cluster),
        scheme: endpoint.scheme.as_str(),
        authority: Rc::clone(&endpoint.authority),
        method: "POST",
        path: Rc::from(token_path),
        headers,
        body: form,
        timeout: EXCHANGE_TIMEOUT,
        answer_limit: TOKEN_ANSWER_BYTES,
    }
}
