//! The calls that get gate tokens, and what the answers mean.

use std::time::Duration;

use super::request::{
    Asking, CannotSign, Making, Target, client_credentials_call, own_call, word_call,
};
use crate::config::{Client, ClientAuthentication, GateTokens, Issuer};
use crate::dialect::{ErrorTable, Word};
use crate::secret::Secret;
use crate::wire::HttpCall;

/// What the identity provider is asked for a gate token with.
#[derive(Clone, Copy)]
pub enum GateGrant<'a> {
    /// An engine's own id and secret (RFC 6749 section 4.4).
    Login {
        /// `client_id`.
        id: &'a str,
        /// `client_secret`.
        secret: &'a Secret<String>,
    },
    /// An engine's word: an assertion of the gate about a person (RFC 7523 section 2.1), or the name of a person whom the
    /// gate's client may impersonate.
    Word(&'a Word, &'a str),
    /// A token of the person or the program itself (RFC 8693), an access token.
    Own(&'a str),
}

impl GateGrant<'_> {
    /// What the errors of its answer mean.
    pub fn errors(&self, issuer: &Issuer) -> ErrorTable {
        let dialect = issuer.profile.dialect();
        match self {
            Self::Login { .. } => dialect.client_credentials.errors,
            Self::Word(word, _) => word.errors,
            Self::Own(_) => dialect.exchange.errors,
        }
    }
}

/// The POST to the issuer's token endpoint at `token_path`. `Ok(None)`: the gate has no client there, and one is needed.
///
/// An engine's login goes with the engine's credentials and no others, everything else with those of the gate's client
/// for gate tokens.
///
/// # Errors
/// The client's private key does not sign.
pub fn gate_call(
    issuer: &Issuer,
    rule: &GateTokens,
    token_path: &str,
    scope: Option<&str>,
    grant: GateGrant<'_>,
    timeout: Duration,
    making: &mut Making<'_>,
) -> Result<Option<HttpCall>, CannotSign> {
    let target = Target {
        resources: &rule.resources,
        audiences: &rule.audiences,
        scope,
        parameters: &[],
    };
    let asking = |client| Asking {
        issuer,
        client,
        token_path,
    };
    let mut call = match (grant, &rule.client) {
        (GateGrant::Login { id, secret }, _) => {
            // Every server takes HTTP Basic.
            let engine = Client {
                id: id.into(),
                authentication: ClientAuthentication::SecretBasic(secret.clone()),
                endpoint: rule.login.clone(),
                subject_token_type: None,
            };
            client_credentials_call(asking(&engine), target, making)?
        }
        (GateGrant::Word(word, subject), Some(client)) => {
            word_call(asking(client), word, subject, target, making)?
        }
        (GateGrant::Own(token), Some(client)) => own_call(asking(client), token, target, making)?,
        (GateGrant::Word(..) | GateGrant::Own(_), None) => return Ok(None),
    };
    call.timeout = timeout;
    Ok(Some(call))
}
