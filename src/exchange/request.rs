//! The calls to a token endpoint.

use std::rc::Rc;

use super::Inputs;
use crate::clock::UnixTime;
use crate::config::{Client, ClientAuthentication, Grant, Issuer, TokenRule};
use crate::dialect::{
    AssertionAudience, Dialect, Parameter, SubjectTokenType, Targets, Word, WordGrant,
};
use crate::jose::{Assertion, jti_from};
use crate::limits::{ASSERTION_LIFE, EXCHANGE_TIMEOUT, TOKEN_ANSWER_BYTES};
use crate::oauth::{
    self, ClientCredentialsGrant, ExchangeWords, Impersonation, JwtBearerGrant,
    TOKEN_TYPE_ACCESS_TOKEN, TokenExchange,
};
use crate::secret::Secret;
use crate::wire::HttpCall;

const USER_AGENT: &str = concat!("icegate/", env!("CARGO_PKG_VERSION"));

/// Who asks where.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Whose token endpoint it is.
    pub issuer: &'a Issuer,
    /// The gate's client there.
    pub client: &'a Client,
    /// Path and query of the token endpoint, set or from metadata.
    pub token_path: &'a str,
}

/// For what a token is asked.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// `resource`, once for each.
    pub resources: &'a [String],
    /// `audience`, once for each.
    pub audiences: &'a [String],
    /// `scope`
    pub scope: Option<&'a str>,
    /// Further parameters.
    pub parameters: &'a [(String, String)],
}

impl<'a> From<&'a TokenRule> for Target<'a> {
    fn from(rule: &'a TokenRule) -> Self {
        Self {
            resources: &rule.resources,
            audiences: &rule.audiences,
            scope: rule.scope.as_deref(),
            parameters: &rule.parameters,
        }
    }
}

impl Target<'_> {
    /// Without what a grant does not have: gate tokens are asked for by several grants, and what for is written once.
    fn by(self, targets: &Targets) -> Self {
        let sent = |parameter: Parameter, values| match parameter.is_sent() {
            true => values,
            false => &[][..],
        };
        Self {
            resources: sent(targets.resource, self.resources),
            audiences: sent(targets.audience, self.audiences),
            ..self
        }
    }
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
        return client_credentials_call(asking, Target::from(rule), making);
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

/// The call that gets another token for the caller's own, an access token.
pub(super) fn own_call(
    asking: Asking<'_>,
    token: &str,
    target: Target<'_>,
    making: &mut Making<'_>,
) -> Result<HttpCall, CannotSign> {
    let dialect = asking.issuer.profile.dialect();
    let target = target.by(&dialect.exchange.targets);
    let exchange = TokenExchange {
        words: dialect.exchange.words,
        resources: target.resources,
        audiences: target.audiences,
        scope: target.scope,
        requested_token_type: dialect
            .exchange
            .requested_token_type
            .is_sent()
            .then_some(TOKEN_TYPE_ACCESS_TOKEN),
        subject_token: token,
        subject_token_type: subject_token_type(dialect, asking.client),
        actor_token: None,
        parameters: target.parameters,
    };
    call(asking, making, |proof| exchange.to_form(proof))
}

/// The call that gets a token on an engine's word. `subject`: the assertion that the gate signed, or for impersonation
/// the person's name or id there.
pub fn word_call(
    asking: Asking<'_>,
    word: &Word,
    subject: &str,
    target: Target<'_>,
    making: &mut Making<'_>,
) -> Result<HttpCall, CannotSign> {
    let Target {
        resources,
        audiences,
        scope,
        parameters,
    } = target.by(&word.targets);
    match word.grant {
        WordGrant::JwtBearer => {
            let grant = JwtBearerGrant {
                assertion: subject,
                resources,
                audiences,
                scope,
                parameters,
            };
            call(asking, making, |proof| grant.to_form(proof))
        }
        WordGrant::SubjectToken => {
            let dialect = asking.issuer.profile.dialect();
            let exchange = TokenExchange {
                words: ExchangeWords::RFC8693,
                resources,
                audiences,
                scope,
                requested_token_type: Some(TOKEN_TYPE_ACCESS_TOKEN),
                subject_token: subject,
                subject_token_type: subject_token_type(dialect, asking.client),
                actor_token: None,
                parameters,
            };
            call(asking, making, |proof| exchange.to_form(proof))
        }
        WordGrant::RequestedSubject => {
            let grant = Impersonation {
                requested_subject: subject,
                audiences,
                scope,
                parameters,
            };
            call(asking, making, |proof| grant.to_form(proof))
        }
    }
}

/// The call by which a client gets a token of its own (RFC 6749 section 4.4).
pub fn client_credentials_call(
    asking: Asking<'_>,
    target: Target<'_>,
    making: &mut Making<'_>,
) -> Result<HttpCall, CannotSign> {
    let dialect = asking.issuer.profile.dialect();
    let target = target.by(&dialect.client_credentials.targets);
    let grant = ClientCredentialsGrant {
        resources: target.resources,
        audiences: target.audiences,
        scope: target.scope,
        parameters: target.parameters,
    };
    call(asking, making, |proof| grant.to_form(proof))
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

/// The POST to the token endpoint. Its timeout is the default; the configuration may have another. `form` writes the body,
/// with what the client proves itself by.
///
/// Cluster, authority and scheme are the configuration's, never a document's or an answer's.
fn call(
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
    let mut headers = vec![
        (
            "content-type",
            Secret::new("application/x-www-form-urlencoded".to_owned()),
        ),
        ("accept", Secret::new("application/json".to_owned())),
        ("user-agent", Secret::new(USER_AGENT.to_owned())),
    ];
    headers.extend(proof.authorization().map(|value| ("authorization", value)));
    Ok(HttpCall {
        cluster: Rc::clone(&client.endpoint.cluster),
        scheme: client.endpoint.scheme.as_str(),
        authority: Rc::clone(&client.endpoint.authority),
        method: "POST",
        path: Rc::from(token_path),
        headers,
        body: form(proof),
        timeout: EXCHANGE_TIMEOUT,
        answer_limit: TOKEN_ANSWER_BYTES,
    })
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
    };
    assertion.sign(&key.id, &*key.key, making.random)
}
