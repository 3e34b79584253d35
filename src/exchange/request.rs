//! The calls to a token endpoint.

use std::rc::Rc;

use super::Inputs;
use crate::clock::UnixTime;
use crate::config::{Client, ClientAuthentication, Endpoint, Grant, Issuer};
use crate::dialect::{AssertionAudience, Dialect, SubjectTokenType};
use crate::jose::{Assertion, jti_from};
use crate::limits::{ASSERTION_LIFE, EXCHANGE_TIMEOUT, TOKEN_ANSWER_BYTES};
use crate::oauth::{self, ClientCredentialsGrant, TOKEN_TYPE_ACCESS_TOKEN, TokenExchange};
use crate::secret::Secret;
use crate::wire::HttpCall;

const USER_AGENT: &str = concat!("icegate/", env!("CARGO_PKG_VERSION"));

/// Who asks where.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    /// Whose token endpoint it is.
    pub(super) issuer: &'a Issuer,
    /// The gate's client there.
    pub(super) client: &'a Client,
    /// Path and query of the token endpoint, set or from metadata.
    pub(super) token_path: &'a str,
}

/// What a call is made with beside its inputs. None of it changes the token that comes back.
pub struct Making<'a> {
    /// `iat` of a client assertion.
    pub now: UnixTime,
    /// Fills its argument with bytes that nobody can foresee.
    pub random: &'a mut dyn FnMut(&mut [u8]),
}

/// The private key of the gate's client does not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CannotSign;

/// The call that exchanges the subject token. A client that asks for its own account sends none, and asks for no token
/// type (RFC 6749 section 4.4.2).
pub fn exchange_call(inputs: &Inputs<'_>, making: &mut Making<'_>) -> Result<HttpCall, CannotSign> {
    let Inputs {
        issuer,
        client,
        grant,
        rule,
        token_path,
        subject_token,
        ..
    } = *inputs;
    let asking = Asking {
        issuer,
        client,
        token_path,
    };
    if grant == Grant::ClientCredentials {
        let own = ClientCredentialsGrant {
            resources: &rule.resources,
            audiences: &rule.audiences,
            scope: rule.scope.as_deref(),
            parameters: &rule.parameters,
        };
        return call(asking, making, |proof| own.to_form(proof));
    }
    let dialect = issuer.profile.dialect();
    let exchange = TokenExchange {
        words: dialect.exchange.words,
        resources: &rule.resources,
        audiences: &rule.audiences,
        scope: rule.scope.as_deref(),
        requested_token_type: rule.requested_token_type.as_deref(),
        subject_token,
        subject_token_type: subject_token_type(dialect, client),
        actor_token: None,
        parameters: &rule.parameters,
    };
    call(asking, making, |proof| exchange.to_form(proof))
}

/// `subject_token_type` of a client's exchanges; `None`: it is not sent.
pub(super) fn subject_token_type<'a>(dialect: &Dialect, client: &'a Client) -> Option<&'a str> {
    match dialect.exchange.subject_token_type {
        SubjectTokenType::None => None,
        SubjectTokenType::AccessToken => Some(TOKEN_TYPE_ACCESS_TOKEN),
        SubjectTokenType::Configurable { .. } => {
            let own = client.subject_token_type.as_deref();
            Some(own.unwrap_or(TOKEN_TYPE_ACCESS_TOKEN))
        }
    }
}

/// The call of a client of the gate. `form` writes the body, with what the client proves itself by.
pub(super) fn call(
    asking: Asking<'_>,
    making: &mut Making<'_>,
    form: impl FnOnce(oauth::ClientAuthentication<'_>) -> Secret<Vec<u8>>,
) -> Result<HttpCall, CannotSign> {
    let Asking {
        client, token_path, ..
    } = asking;
    let id = &client.id;
    let assertion;
    let proof = match &client.authentication {
        ClientAuthentication::SecretBasic(secret) => oauth::ClientAuthentication::SecretBasic {
            id,
            secret: secret.expose(),
        },
        ClientAuthentication::SecretPost(secret) => oauth::ClientAuthentication::SecretPost {
            id,
            secret: secret.expose(),
        },
        ClientAuthentication::PrivateKeyJwt { .. } => {
            assertion = client_assertion(asking, making).ok_or(CannotSign)?;
            oauth::ClientAuthentication::PrivateKeyJwt {
                id,
                assertion: assertion.expose(),
            }
        }
        ClientAuthentication::TlsClientAuth => oauth::ClientAuthentication::IdOnly { id },
        ClientAuthentication::Injected => oauth::ClientAuthentication::None,
    };
    Ok(post(&client.endpoint, token_path, proof, form(proof)))
}

/// The POST of a form to a token endpoint. Its timeout is the default; the configuration may have another.
///
/// Cluster, authority and scheme are the configuration's, never a document's or an answer's.
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

/// What a client with a key says about itself (RFC 7523 sections 2.2 and 3): to this server alone, for a minute, and
/// never the same twice. `None` where it has no key, or cannot sign.
fn client_assertion(asking: Asking<'_>, making: &mut Making<'_>) -> Option<Secret<String>> {
    let Asking {
        issuer,
        client,
        token_path,
    } = asking;
    let ClientAuthentication::PrivateKeyJwt { key, audience } = &client.authentication else {
        return None;
    };
    let audience = match (audience, issuer.profile.dialect().client.assertion_audience) {
        (Some(audience), _) => audience.to_string(),
        (None, AssertionAudience::Issuer) => issuer.issuer.to_string(),
        (None, AssertionAudience::TokenEndpoint) => {
            let (scheme, authority) = (client.endpoint.scheme, &client.endpoint.authority);
            format!("{}://{authority}{token_path}", scheme.as_str())
        }
    };
    let assertion = Assertion {
        issuer: &client.id,
        subject: &client.id,
        audience: &audience,
        issued_at: making.now,
        life: ASSERTION_LIFE,
        jti: &jti_from(making.random),
        actor: None,
    };
    assertion.sign(&key.id, &*key.key, making.random)
}
