//! What the client of the token endpoint is told.

use std::collections::BTreeMap;

use crate::limits;
use crate::oauth::{ErrorCode, TokenAnswer, TokenRequestFault};
use crate::refusal::{Reason, Refusal};
use crate::secret::Secret;
use crate::text::shown;
use crate::wire::Reply;

/// How long others may keep a key set of the gate's own, in seconds. Keys are rotated with both in the set.
const KEY_SET_AGE: u32 = 300;

/// A token that is given out: the only answer of the gate that holds one.
#[derive(Debug)]
pub struct Issued {
    body: Secret<Vec<u8>>,
}

impl Issued {
    pub(super) fn new(token: &Secret<String>, expires_in: u64, scope: Option<&str>) -> Self {
        let answer = TokenAnswer {
            access_token: token,
            expires_in,
            scope,
        };
        Self {
            body: answer.to_json(),
        }
    }

    /// The body, JSON.
    pub fn body(&self) -> &Secret<Vec<u8>> {
        &self.body
    }

    /// All else of the answer (RFC 6749 section 5.1).
    pub fn head(&self) -> Reply {
        Reply {
            status: 200,
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("cache-control", "no-store".to_owned()),
                ("pragma", "no-cache".to_owned()),
            ],
            body: Vec::new(),
            details: "token_issued",
        }
    }
}

/// The gate's own key set (RFC 7517 section 8.5.2).
pub(super) fn key_set(body: Vec<u8>) -> Reply {
    Reply {
        status: 200,
        headers: vec![
            ("content-type", "application/jwk-set+json".to_owned()),
            ("cache-control", format!("public, max-age={KEY_SET_AGE}")),
        ],
        body,
        details: "key_set",
    }
}

pub(super) fn off() -> Refusal {
    Refusal::new(
        Reason::TokenEndpointOff,
        "this gate does not answer the token endpoint: get a token for the gate at the identity provider (set \
         oauth2-server-uri, or pass the token itself)",
    )
}

pub(super) fn malformed(fault: &TokenRequestFault) -> Refusal {
    let reason = match fault.code() {
        ErrorCode::InvalidClient => Reason::LoginMalformed,
        ErrorCode::UnsupportedGrantType => Reason::GrantTypeUnsupported,
        _ => Reason::TokenRequestMalformed,
    };
    Refusal::new(reason, fault.describe())
}

pub(super) fn too_large() -> Refusal {
    Refusal::new(
        Reason::TokenRequestMalformed,
        format!(
            "a request for a token has at most {} bytes",
            limits::TOKEN_REQUEST_BYTES
        ),
    )
}

pub(super) fn encoded() -> Refusal {
    Refusal::new(
        Reason::TokenRequestMalformed,
        "a request for a token is sent as it is, without Content-Encoding",
    )
}

pub(super) fn trailers() -> Refusal {
    Refusal::new(
        Reason::TokenRequestMalformed,
        "a request for a token has no trailers",
    )
}

pub(super) fn late() -> Refusal {
    Refusal::new(
        Reason::BodyLate,
        "the form of the request for a token did not come: try again",
    )
}

pub(super) fn full() -> Refusal {
    Refusal::new(
        Reason::WaitersFull,
        "too many requests for tokens wait already: try again",
    )
}

pub(super) fn other_target() -> Refusal {
    Refusal::new(
        Reason::TokenRequestMalformed,
        "this endpoint gives tokens for the gate and for nobody else: leave audience and resource out",
    )
}

/// What the identity provider is asked for in place of what the client wishes (RFC 6749 section 3.3).
pub(super) fn scope(
    known: &BTreeMap<Box<str>, Box<str>>,
    wished: Option<&str>,
) -> Result<Option<String>, Refusal> {
    let mut asked: Vec<&str> = Vec::new();
    for name in wished.unwrap_or_default().split(' ') {
        if name.is_empty() {
            continue;
        }
        let Some(instead) = known.get(name) else {
            return Err(Refusal::new(
                Reason::ScopeUnknown,
                format!(
                    "the gate knows no scope '{}': its operator must list it in gate_tokens.scopes",
                    shown(name)
                ),
            ));
        };
        for one in instead.split(' ') {
            if !one.is_empty() && !asked.contains(&one) {
                asked.push(one);
            }
        }
    }
    Ok((!asked.is_empty()).then(|| asked.join(" ")))
}

/// Why a login is refused does not matter to whoever sent it, and must not be told apart.
pub(super) fn login_refused(reason: Reason) -> Refusal {
    Refusal::new(
        reason,
        "the client is not known, its secret is wrong, or it may not log in at this gate (services)",
    )
}
