//! The calls that get gate tokens.

use std::time::Duration;

use super::request::{authentication, post};
use crate::config::{Client, GateTokens, Issuer};
use crate::oauth::{
    self, ClientCredentialsGrant, ExchangeWords, Impersonation, JwtBearerGrant,
    TOKEN_TYPE_ACCESS_TOKEN, TokenExchange,
};
use crate::wire::HttpCall;

/// What the identity provider is asked for a gate token with.
#[derive(Clone, Copy)]
pub enum GateGrant<'a> {
    /// An engine's own id and secret (RFC 6749 section 4.4).
    Login {
        /// `client_id`.
        id: &'a str,
        /// `client_secret`.
        secret: &'a str,
    },
    /// An assertion of the gate about a person (RFC 7523 section 2.1).
    Assertion(&'a str),
    /// The name of a person whom the gate's client may impersonate (Keycloak).
    Impersonation(&'a str),
    /// A token of the person or the program itself (RFC 8693).
    Exchange {
        /// `subject_token`, an access token.
        subject: &'a str,
        /// `actor_token`, an access token.
        actor: Option<&'a str>,
    },
}

/// The POST to the issuer's token endpoint at `token_path`; `None` when the gate has no client there and one is needed.
///
/// An engine's login goes with the engine's credentials and no others, everything else with those of the gate's client
/// for gate tokens.
pub fn gate_call(
    issuer: &Issuer,
    rule: &GateTokens,
    token_path: &str,
    scope: Option<&str>,
    grant: GateGrant<'_>,
    timeout: Duration,
) -> Option<HttpCall> {
    let (audiences, resources) = (&*rule.audiences, &*rule.resources);
    let ours = |form: &dyn Fn(oauth::ClientAuthentication<'_>) -> _| {
        let client: &Client = rule.client.as_ref()?;
        let proof = authentication(client);
        Some(post(&client.endpoint, token_path, proof, form(proof)))
    };
    let mut call = match grant {
        GateGrant::Login { id, secret } => {
            let proof = login(issuer, id, secret);
            let form = ClientCredentialsGrant {
                resources,
                audiences,
                scope,
                parameters: &[],
            };
            post(&rule.login, token_path, proof, form.to_form(proof))
        }
        GateGrant::Assertion(assertion) => {
            let form = JwtBearerGrant {
                assertion,
                resources,
                audiences,
                scope,
                parameters: &[],
            };
            ours(&|proof| form.to_form(proof))?
        }
        GateGrant::Impersonation(requested_subject) => {
            let form = Impersonation {
                requested_subject,
                audiences,
                scope,
                parameters: &[],
            };
            ours(&|proof| form.to_form(proof))?
        }
        GateGrant::Exchange { subject, actor } => {
            let form = TokenExchange {
                words: ExchangeWords::RFC8693,
                resources,
                audiences,
                scope,
                requested_token_type: Some(TOKEN_TYPE_ACCESS_TOKEN),
                subject_token: subject,
                subject_token_type: Some(TOKEN_TYPE_ACCESS_TOKEN),
                actor_token: actor,
                parameters: &[],
            };
            ours(&|proof| form.to_form(proof))?
        }
    };
    call.timeout = timeout;
    Some(call)
}

/// How an engine's credentials are sent on.
fn login<'a>(_issuer: &Issuer, id: &'a str, secret: &'a str) -> oauth::ClientAuthentication<'a> {
    oauth::ClientAuthentication::SecretBasic { id, secret }
}
