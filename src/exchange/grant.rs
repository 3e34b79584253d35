//! The calls that get gate tokens.

use std::time::Duration;

use super::request::{Asking, CannotSign, Making, call, post, subject_token_type};
use crate::config::{GateTokens, Issuer, SpeaksBy};
use crate::dialect::{Dialect, ErrorTable, Parameter, Targets, Word, WordGrant};
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
        /// `actor_token`, an access token; it is sent where the dialect has it.
        actor: Option<&'a str>,
    },
}

/// Why there is no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoGateCall {
    /// The gate has no client for gate tokens there, and one is needed.
    NoClient,
    /// The dialect has no such grant.
    NoGrant,
    /// The private key of the gate's client does not sign.
    CannotSign,
}

impl From<CannotSign> for NoGateCall {
    fn from(_: CannotSign) -> Self {
        Self::CannotSign
    }
}

/// The POST to the issuer's token endpoint at `token_path`.
///
/// An engine's login goes with the engine's credentials and no others, everything else with those of the gate's client
/// for gate tokens.
pub fn gate_call(
    issuer: &Issuer,
    rule: &GateTokens,
    token_path: &str,
    scope: Option<&str>,
    grant: GateGrant<'_>,
    making: &mut Making<'_>,
    timeout: Duration,
) -> Result<HttpCall, NoGateCall> {
    let dialect = issuer.profile.dialect();
    let asking = || {
        let client = rule.client.as_ref().ok_or(NoGateCall::NoClient)?;
        Ok::<_, NoGateCall>(Asking {
            issuer,
            client,
            token_path,
        })
    };
    let made = match grant {
        GateGrant::Login { id, secret } => {
            // HTTP Basic is taken by every dialect.
            let proof = oauth::ClientAuthentication::SecretBasic { id, secret };
            let (audiences, resources) = asked(rule, &dialect.client_credentials.targets);
            let form = ClientCredentialsGrant {
                resources,
                audiences,
                scope,
                parameters: &[],
            };
            post(&rule.login, token_path, proof, form.to_form(proof))
        }
        GateGrant::Assertion(subject) => {
            let word = word(issuer, SpeaksBy::Assertion)?;
            word_call(asking()?, rule, word, subject, scope, making)?
        }
        GateGrant::Impersonation(subject) => {
            let word = word(issuer, SpeaksBy::Impersonation)?;
            word_call(asking()?, rule, word, subject, scope, making)?
        }
        GateGrant::Exchange { subject, actor } => {
            let asking = asking()?;
            let exchange = &dialect.exchange;
            let (audiences, resources) = asked(rule, &exchange.targets);
            let form = TokenExchange {
                words: exchange.words,
                resources,
                audiences,
                scope,
                requested_token_type: requested_token_type(dialect),
                subject_token: subject,
                subject_token_type: subject_token_type(dialect, asking.client),
                actor_token: actor.filter(|_| exchange.actor_token.is_ok()),
                parameters: &[],
            };
            call(asking, making, |proof| form.to_form(proof))?
        }
    };
    Ok(HttpCall { timeout, ..made })
}

/// What was asked with, without what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateGrantKind {
    /// [`GateGrant::Login`].
    Login,
    /// [`GateGrant::Assertion`] or [`GateGrant::Impersonation`].
    Word(SpeaksBy),
    /// [`GateGrant::Exchange`].
    Exchange,
}

/// What the errors of the answer to such a call mean, for [`sort_by`](super::sort_by).
pub fn gate_errors(issuer: &Issuer, kind: GateGrantKind) -> ErrorTable {
    let dialect = issuer.profile.dialect();
    match kind {
        GateGrantKind::Login => dialect.client_credentials.errors,
        // Without such a grant there was no call.
        GateGrantKind::Word(by) => match by.word(issuer.profile) {
            Ok(word) => word.errors,
            Err(_) => &[],
        },
        GateGrantKind::Exchange => dialect.exchange.errors,
    }
}

fn word(issuer: &Issuer, by: SpeaksBy) -> Result<&'static Word, NoGateCall> {
    by.word(issuer.profile).map_err(|_| NoGateCall::NoGrant)
}

/// The call on an engine's word. `subject`: the assertion that the gate signed, or for impersonation the person's name or
/// id there.
fn word_call(
    asking: Asking<'_>,
    rule: &GateTokens,
    word: &Word,
    subject: &str,
    scope: Option<&str>,
    making: &mut Making<'_>,
) -> Result<HttpCall, CannotSign> {
    let (audiences, resources) = asked(rule, &word.targets);
    match word.grant {
        WordGrant::JwtBearer => {
            let form = JwtBearerGrant {
                assertion: subject,
                resources,
                audiences,
                scope,
                parameters: &[],
            };
            call(asking, making, |proof| form.to_form(proof))
        }
        WordGrant::SubjectToken => {
            let dialect = asking.issuer.profile.dialect();
            let form = TokenExchange {
                words: ExchangeWords::RFC8693,
                resources,
                audiences,
                scope,
                requested_token_type: requested_token_type(dialect),
                subject_token: subject,
                subject_token_type: subject_token_type(dialect, asking.client),
                actor_token: None,
                parameters: &[],
            };
            call(asking, making, |proof| form.to_form(proof))
        }
        WordGrant::RequestedSubject => {
            let form = Impersonation {
                requested_subject: subject,
                audiences,
                scope,
                parameters: &[],
            };
            call(asking, making, |proof| form.to_form(proof))
        }
    }
}

/// Audiences and resources, as far as a grant has them: the rule is written once for all of them.
fn asked<'a>(rule: &'a GateTokens, targets: &Targets) -> (&'a [String], &'a [String]) {
    let sent = |parameter: Parameter, values: &'a [String]| match parameter.is_sent() {
        true => values,
        false => &[],
    };
    (
        sent(targets.audience, &rule.audiences),
        sent(targets.resource, &rule.resources),
    )
}

fn requested_token_type(dialect: &Dialect) -> Option<&'static str> {
    let sent = dialect.exchange.requested_token_type.is_sent();
    sent.then_some(TOKEN_TYPE_ACCESS_TOKEN)
}
