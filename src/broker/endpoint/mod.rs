//! The token endpoint: a second, smaller state machine beside that of requests to catalogs. `docs/design.md`, "The token
//! endpoint", has the diagram and the reasons.
//!
//! ```text
//!   Form ──arrived──▶ step ──▶ Keys ──fetched──▶ step ──▶ Grant ──landed──▶ step ──▶ released
//! ```
//! Every step begins anew with what the form says: nothing that was decided is kept, only who was recognised.

mod answers;
mod chain;
mod grants;
mod intake;
mod kept;
mod outcome;
mod proof;
mod step;
#[cfg(test)]
mod tests;
mod tries;
mod word;

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use hmac_sha256::HMAC;

use super::parked::Turn;
use super::record::Told;
use super::request::About;
use super::{Broker, StreamId};
use crate::backoff::Backoff;
use crate::clock::{Instant, Now};
use crate::config::{CatalogId, Config, IssuerId, ServiceId};
use crate::iceberg::Operation;
use crate::identity::Caller;
use crate::limits;
use crate::oauth::TokenRequest;
use crate::refusal::{Reason, Refusal};
use crate::secret::Secret;
use crate::wire::{Authorization, Reply};

pub use outcome::Issued;

use grants::{Credential, Granting};
use kept::{Answer, Kept};
use tries::Tries;

/// Digest over everything that a gate token depends on, and over gate tokens, under the broker's drawn key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GrantKey([u8; 32]);

impl fmt::Debug for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantKey")
    }
}

/// All that the token endpoint holds.
#[derive(Debug, Default)]
pub(super) struct TokenEndpoint {
    requests: BTreeMap<StreamId, TokenParked>,
    grants: BTreeMap<GrantKey, Granting>,
    kept: Kept,
    tries: Tries,
    /// How the gate's client for gate tokens, and engines' logins, fare at each issuer.
    health: BTreeMap<(IssuerId, Credential), Backoff>,
    /// What the forms of all requests may take.
    bytes: usize,
    /// The gate's own key sets, by their paths.
    key_sets: Vec<(Rc<str>, String)>,
}

/// A request for a token that waits.
struct TokenParked {
    catalog: CatalogId,
    issuer: IssuerId,
    reference: Box<str>,
    traceparent: Option<Box<str>>,
    content_type: Option<Box<[u8]>>,
    authorization: Presented,
    /// Where it comes from.
    source: Box<[u8]>,
    /// Whom the certificate of its connection names.
    peer: Option<Box<[u8]>>,
    bytes: usize,
    /// What its form says, once that has come.
    asked: Option<Rc<Asked>>,
    /// Whom its subject token names, once that is known.
    subject: Option<Rc<Caller>>,
    /// The engine that proves itself.
    actor: Option<ServiceId>,
    /// Its login was good.
    proven: bool,
    /// What was got while it waited, and for which question.
    landed: Option<(GrantKey, Answer)>,
    deadline: Instant,
    wait: TokenWait,
    /// What it waited for has come, and its turn has not.
    awake: bool,
}

/// Longest `Authorization` and `Content-Type` that are kept until the form comes: those that are taken are shorter.
const AUTHORIZATION_BYTES: usize = limits::TOKEN_BYTES + 64;
const CONTENT_TYPE_BYTES: usize = 256;

/// `Authorization`, kept until the form comes.
enum Presented {
    Missing,
    One(Secret<Vec<u8>>),
    Several,
}

impl Presented {
    fn keep(authorization: Authorization<'_>) -> Self {
        match authorization {
            Authorization::Missing => Self::Missing,
            // Of what is too long for a token, enough is kept to see that.
            Authorization::One(value) => {
                let kept = value.get(..AUTHORIZATION_BYTES).unwrap_or(value);
                Self::One(Secret::new(kept.to_vec()))
            }
            Authorization::Several => Self::Several,
        }
    }

    fn show(&self) -> Authorization<'_> {
        match self {
            Self::Missing => Authorization::Missing,
            Self::One(value) => Authorization::One(value.expose()),
            Self::Several => Authorization::Several,
        }
    }
}

/// What a form asks for.
struct Asked {
    request: TokenRequest,
    /// `scope` of what the identity provider is asked for.
    scope: Option<String>,
}

/// What a request for a token waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenWait {
    /// Its form.
    Form,
    /// The first key set of an issuer.
    FirstKeys(IssuerId),
    /// A newer one than its `started`th fetch brought.
    NewerKeys(IssuerId, u64),
    /// The identity provider's answer.
    Grant(GrantKey),
}

impl TokenParked {
    fn about(&self) -> About<'_> {
        About {
            catalog: Some(self.catalog),
            operation: Some(Operation::GetToken),
            safe: true,
            head: false,
            reference: &self.reference,
            traceparent: self.traceparent.as_deref(),
        }
    }
}

impl fmt::Debug for TokenParked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenParked")
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

impl TokenEndpoint {
    pub(super) fn new(config: &Config) -> Self {
        let rules = config
            .issuers
            .iter()
            .filter_map(|issuer| issuer.gate_tokens.as_ref()?.assertion.as_ref());
        Self {
            key_sets: rules
                .filter_map(|rule| Some((Rc::clone(rule.jwks_path.as_ref()?), rule.key_set())))
                .collect(),
            ..Self::default()
        }
    }

    fn insert(&mut self, stream: StreamId, parked: TokenParked) {
        self.bytes = self.bytes.saturating_add(parked.bytes);
        self.requests.insert(stream, parked);
    }

    fn remove(&mut self, stream: StreamId) -> Option<TokenParked> {
        let parked = self.requests.remove(&stream)?;
        self.bytes = self.bytes.saturating_sub(parked.bytes);
        Some(parked)
    }

    /// Whoever has waited for its form for the longest time.
    fn slowest(&self) -> Option<StreamId> {
        let waits = |parked: &TokenParked| parked.wait == TokenWait::Form;
        let forms = self.requests.iter().filter(|(_, parked)| waits(parked));
        let slowest = forms.min_by_key(|(_, parked)| parked.deadline);
        slowest.map(|(stream, _)| *stream)
    }

    /// At most how many bytes of a request's form are read, where it waits for that.
    pub(super) fn awaits_form(&self, stream: StreamId) -> Option<usize> {
        let parked = self.requests.get(&stream)?;
        (parked.wait == TokenWait::Form).then_some(parked.bytes)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let requests = self.requests.values().map(|parked| parked.deadline);
        let grants = self.grants.values().filter_map(Granting::deadline);
        requests.chain(grants).min()
    }

    pub(super) fn sweep(&mut self, now: Now) {
        self.kept.sweep(now);
    }

    /// Whether there is anything that a sweep could end.
    pub(super) fn keeps_something(&self) -> bool {
        self.kept.len() > 0
    }

    pub(super) fn waiting(&self) -> usize {
        self.requests.len()
    }

    pub(super) fn grants(&self) -> usize {
        self.grants.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Broker {
    /// A stream went away, or has a new owner.
    pub(super) fn token_request_gone(&mut self, stream: StreamId) {
        if let Some(parked) = self.endpoint.remove(stream) {
            self.leave_grant(stream, &parked);
        }
    }

    fn leave_grant(&mut self, stream: StreamId, parked: &TokenParked) {
        if let TokenWait::Grant(key) = parked.wait
            && let Some(grant) = self.endpoint.grants.get_mut(&key)
        {
            grant.waiters.remove(&stream);
        }
    }

    /// Wakes everybody who waits for keys of an issuer: each goes on when its turn comes.
    pub(super) fn wake_tokens_for_keys(&mut self, issuer: IssuerId) {
        for (stream, parked) in &mut self.endpoint.requests {
            let waits = match parked.wait {
                TokenWait::FirstKeys(at) | TokenWait::NewerKeys(at, _) => at == issuer,
                TokenWait::Form | TokenWait::Grant(_) => false,
            };
            if waits && !parked.awake {
                parked.awake = true;
                self.turns.push_back(Turn::Token(*stream));
            }
        }
        for (key, grant) in &mut self.endpoint.grants {
            if grant.wakes_for(issuer) {
                self.turns.push_back(Turn::Grant(*key));
            }
        }
    }

    /// Goes on with a request that is awake; `false` when it has gone meanwhile.
    pub(super) fn turn_of_token(&mut self, now: Now, stream: StreamId) -> bool {
        let waits = self.endpoint.requests.get(&stream);
        if !waits.is_some_and(|parked| parked.awake) {
            return false;
        }
        if let Some(parked) = self.endpoint.remove(stream) {
            self.token_step(now, stream, parked);
        }
        true
    }

    /// The issuer's keys cannot be fetched: whoever waits for newer ones is refused.
    pub(super) fn tokens_lack_keys(&mut self, now: Now, issuer: IssuerId, refusal: &Refusal) {
        let waiting: Vec<StreamId> = self
            .endpoint
            .requests
            .iter()
            .filter(|(_, parked)| {
                !parked.awake && matches!(parked.wait, TokenWait::NewerKeys(at, _) if at == issuer)
            })
            .map(|(stream, _)| *stream)
            .collect();
        for stream in waiting {
            if let Some(parked) = self.endpoint.remove(stream) {
                self.refuse_token(now, stream, &parked, refusal);
            }
        }
        self.grants_lack_keys(now, issuer, refusal);
    }

    /// Ends what has waited as long as it may.
    pub(super) fn expire_tokens(&mut self, now: Now) {
        let late: Vec<StreamId> = self
            .endpoint
            .requests
            .iter()
            .filter(|(_, parked)| parked.deadline <= now.instant)
            .map(|(stream, _)| *stream)
            .collect();
        for stream in late {
            if let Some(parked) = self.endpoint.remove(stream) {
                self.leave_grant(stream, &parked);
                let refusal = match parked.wait {
                    TokenWait::Form => outcome::late(),
                    TokenWait::FirstKeys(at) | TokenWait::NewerKeys(at, _) => {
                        self.keys_unavailable(at)
                    }
                    TokenWait::Grant(_) => Refusal::new(
                        Reason::DeadlinePassed,
                        "the identity provider takes too long to give a token: try again",
                    ),
                };
                self.refuse_token(now, stream, &parked, &refusal);
            }
        }
        self.expire_grants(now);
    }

    /// How many wait for something that cannot come. Always zero.
    pub(super) fn tokens_on_nothing(&self) -> usize {
        let alive = |stream: &StreamId, parked: &TokenParked| match parked.wait {
            _ if parked.awake => self.turns.contains(&Turn::Token(*stream)),
            TokenWait::Form => true,
            TokenWait::FirstKeys(at) | TokenWait::NewerKeys(at, _) => self.keys_may_come(at),
            TokenWait::Grant(key) => self.endpoint.grants.get(&key).is_some_and(|grant| {
                grant.waiters.contains(stream) && grant.can_end(&self.calls, &self.turns, key)
            }),
        };
        let requests = self.endpoint.requests.iter();
        requests
            .filter(|(stream, parked)| !alive(stream, parked))
            .count()
    }

    fn refuse_token(
        &mut self,
        now: Now,
        stream: StreamId,
        parked: &TokenParked,
        refusal: &Refusal,
    ) {
        // Whose login was refused is what the client says, and nobody has proved it.
        let claimed = matches!(
            refusal.reason,
            Reason::LoginRefused | Reason::LoginTries | Reason::LoginUnknown
        );
        let actor = parked.actor.filter(|_| !claimed);
        let told = Told::token(parked.subject.as_deref(), actor);
        self.refuse(now, stream, &parked.about(), refusal, told);
    }

    /// A digest of parts under the drawn key, each after its length.
    fn digest(&self, parts: &[&[u8]]) -> GrantKey {
        let mut mac = HMAC::new(self.exchange_key_secret);
        for part in parts {
            mac.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        GrantKey(mac.finalize())
    }

    fn answer(&mut self, stream: StreamId, reply: Reply) {
        self.effects.push_back(super::Effect::Release {
            stream,
            verdict: super::Verdict::Answer(reply),
            record: None,
        });
    }
}
