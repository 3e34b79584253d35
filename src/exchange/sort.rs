//! What an answer of the token endpoint means: whose fault it is, and what may be done next.
//!
//! A "no" about the caller is believed only from what is plainly a token endpoint: a 4xx with an
//! OAuth error in JSON, which a row of the dialect's table is about. Everything else,
//! be it Envoy's own `503 upstream connect error` or a login page, is the identity provider not
//! working. Descriptions are compared and then dropped; none leaves this file.

use std::time::Duration;

use crate::dialect::{ErrorTable, Meaning, Misconfiguration, Profile, meaning};
use crate::limits::{RETRY_AFTER_MAX, TOKEN_ANSWER_BYTES};
use crate::oauth::{ErrorResponse, TokenResponse, TokenResponseFault};
use crate::wire::CallAnswer;

/// An answer, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sorted {
    /// A token, not yet checked.
    Minted(TokenResponse),
    /// The caller's token is bad in the eyes of its issuer: expired, logged out, revoked. A fresh
    /// one helps.
    CallerRefused,
    /// The caller must sign in again at the identity provider and prove more than before: another factor, whatever a
    /// policy there asks for. What the caller has now is not enough, and the gate cannot add to it.
    InteractionRequired,
    /// The identity provider does not make this exchange for this caller. A fresh token of the same
    /// kind does not help.
    Forbidden,
    /// The gate's own client or its credential was refused: for the operator.
    ClientRefused,
    /// What the gate asks for was refused: for the operator.
    Misconfigured(Misconfiguration),
    /// 429.
    RateLimited {
        /// Its `Retry-After` in seconds, at most [`RETRY_AFTER_MAX`]; `None` when it has none or
        /// names a date.
        retry_after: Option<Duration>,
    },
    /// The identity provider does not work, or is not what answered.
    Unavailable(Unavailable),
}

/// In which way the identity provider does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unavailable {
    /// Envoy did not send the call: no such cluster, no healthy host, circuit breaker.
    NotSent,
    /// Envoy could not connect, or the connection broke before the answer.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The answer broke off.
    BrokenOff,
    /// The answer is longer than [`TOKEN_ANSWER_BYTES`].
    TooLarge,
    /// 5xx, or an OAuth error that says so.
    ServerError,
    /// 3xx. Never followed: the next place would get our credential and the caller's token.
    Redirect,
    /// A 4xx whose OAuth error nobody knows: neither about the caller nor about us.
    UnknownError,
    /// A 4xx that is about the size of this one request (413, 414, 431).
    RequestTooLarge,
    /// An answer that no token endpoint gives: HTML, no JSON, another status.
    NotATokenEndpoint,
    /// A 200 that is no token.
    BrokenAnswer(TokenResponseFault),
}

/// What an answer does to the identity provider's [`Backoff`](crate::backoff::Backoff).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackoffEffect {
    /// It works: [`success`](crate::backoff::Backoff::success).
    Healthy,
    /// Others would fare no better: [`fault`](crate::backoff::Backoff::fault) with `at_least`.
    Pause {
        /// What `Retry-After` asks for.
        at_least: Option<Duration>,
    },
    /// It may be about this caller alone, or about everybody:
    /// [`suspicion`](crate::backoff::Backoff::suspicion), and
    /// [`probe_ended`](crate::backoff::Backoff::probe_ended).
    Suspicion,
    /// It is about this exchange alone, so it must not shut out everybody:
    /// [`probe_ended`](crate::backoff::Backoff::probe_ended).
    None,
}

impl Sorted {
    /// What this answer does to the identity provider's backoff.
    pub fn backoff_effect(&self) -> BackoffEffect {
        match self {
            Self::Minted(_) | Self::CallerRefused | Self::InteractionRequired | Self::Forbidden => {
                BackoffEffect::Healthy
            }
            // One person without a role, or another catalog's wrong scope, stops nobody else.
            Self::Misconfigured(Misconfiguration::Target | Misconfiguration::Scope)
            | Self::Unavailable(Unavailable::UnknownError | Unavailable::RequestTooLarge) => {
                BackoffEffect::None
            }
            // Somebody answered. A server may fail over one person's groups again and again, and serve
            // everybody else.
            Self::Unavailable(
                Unavailable::TooLarge
                | Unavailable::ServerError
                | Unavailable::Redirect
                | Unavailable::NotATokenEndpoint
                | Unavailable::BrokenAnswer(_),
            ) => BackoffEffect::Suspicion,
            Self::ClientRefused
            | Self::Misconfigured(Misconfiguration::Parameters | Misconfiguration::Endpoint)
            | Self::Unavailable(
                Unavailable::NotSent
                | Unavailable::Unreachable
                | Unavailable::TimedOut
                | Unavailable::BrokenOff,
            ) => BackoffEffect::Pause { at_least: None },
            Self::RateLimited { retry_after } => BackoffEffect::Pause {
                at_least: *retry_after,
            },
        }
    }
}

/// Sorts the answer to an [`exchange_call`](super::exchange_call).
pub fn sort(profile: Profile, answer: CallAnswer<'_>) -> Sorted {
    sort_by(profile.dialect().exchange.errors, answer)
}

/// Sorts the answer to a call under any grant, whose errors mean what `errors` says.
pub fn sort_by(errors: ErrorTable, answer: CallAnswer<'_>) -> Sorted {
    let (status, retry_after, body) = match answer {
        CallAnswer::NotSent => return Sorted::Unavailable(Unavailable::NotSent),
        CallAnswer::Broken => return Sorted::Unavailable(Unavailable::BrokenOff),
        CallAnswer::TooLarge => return Sorted::Unavailable(Unavailable::TooLarge),
        CallAnswer::Answered {
            status,
            retry_after,
            body,
        } => (status, retry_after, body),
    };
    match status {
        429 => Sorted::RateLimited {
            retry_after: retry_after.and_then(seconds),
        },
        // Envoy's own: `upstream connect error or disconnect/reset before headers. ...`,
        // `no healthy upstream`, `upstream request timeout`.
        503 if body.starts_with(b"upstream connect error")
            || body.starts_with(b"no healthy upstream") =>
        {
            Sorted::Unavailable(Unavailable::Unreachable)
        }
        408 | 504 => Sorted::Unavailable(Unavailable::TimedOut),
        413 | 414 | 431 => Sorted::Unavailable(Unavailable::RequestTooLarge),
        300..=399 => Sorted::Unavailable(Unavailable::Redirect),
        500..=599 => Sorted::Unavailable(Unavailable::ServerError),
        200 | 400..=499 if body.len() > TOKEN_ANSWER_BYTES => {
            Sorted::Unavailable(Unavailable::TooLarge)
        }
        200 => match TokenResponse::read(body) {
            Ok(response) => Sorted::Minted(response),
            Err(fault) => Sorted::Unavailable(Unavailable::BrokenAnswer(fault)),
        },
        400..=499 => match ErrorResponse::read(body) {
            Ok(error) => refused(errors, status, &error),
            Err(_) => Sorted::Unavailable(Unavailable::NotATokenEndpoint),
        },
        _ => Sorted::Unavailable(Unavailable::NotATokenEndpoint),
    }
}

/// `Retry-After` as delay-seconds (RFC 9110 section 10.2.3). Dates are not read: the gate's and the
/// server's clocks differ by more than such pauses last.
fn seconds(value: &[u8]) -> Option<Duration> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = str::from_utf8(value).ok()?.parse().unwrap_or(u64::MAX);
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn refused(errors: ErrorTable, status: u16, error: &ErrorResponse) -> Sorted {
    // There is no such path, or it takes no POST; whoever says so, it is not about the caller.
    if matches!(status, 404 | 405) {
        return Sorted::Misconfigured(Misconfiguration::Endpoint);
    }
    match meaning(errors, status, error.error(), error.description()) {
        Some(Meaning::CallerRefused) => Sorted::CallerRefused,
        Some(Meaning::InteractionRequired) => Sorted::InteractionRequired,
        Some(Meaning::Forbidden) => Sorted::Forbidden,
        Some(Meaning::ClientRefused) => Sorted::ClientRefused,
        Some(Meaning::Misconfigured(what)) => Sorted::Misconfigured(what),
        Some(Meaning::ServerError) => Sorted::Unavailable(Unavailable::ServerError),
        None => Sorted::Unavailable(Unavailable::UnknownError),
    }
}

#[cfg(test)]
mod tests;
