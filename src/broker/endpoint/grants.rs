//! Questions for gate tokens under way at identity providers, one for each that is the same.
//!
//! ```text
//!   ask ──▶ Calling ──answer──▶ sort ──▶ check ──▶ landed: whoever waits takes its next step, or is refused
//!                                        │  ▲
//!                          key not there ▼  │ keys fetched
//!                                     AwaitingKeys
//! ```
//! As with flights of exchanges, a question belongs to nobody and outlives whoever asked it first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::rc::Rc;

use super::tries::LoginDigest;
use super::{Asked, GrantKey, TokenParked, TokenWait};
use crate::backoff::Start;
use crate::broker::landing::Remember;
use crate::broker::outcome::no_token_path;
use crate::broker::parked::Turn;
use crate::broker::{Broker, CallId, Pending, Purpose, StreamId};
use crate::cache::SubjectToken;
use crate::clock::{Instant, Now};
use crate::config::{Config, GateTokens, Issuer, IssuerId, ServiceId, SpeaksBy};
use crate::dialect::ErrorTable;
use crate::exchange::{self, GateGrant, GateGrantKind};
use crate::identity::Caller;
use crate::jose::{Assertion, jti_from};
use crate::limits;
use crate::oauth::TokenResponse;
use crate::refusal::{Reason, Refusal};
use crate::secret::Secret;
use crate::telemetry::ExchangeOutcome;
use crate::wire::HttpCall;

/// What is asked.
pub(super) enum GrantOf {
    /// A program's own token, for its id and secret.
    Login {
        service: ServiceId,
        id: Rc<str>,
        secret: Secret<String>,
        /// By which it is known whether it was good.
        digest: LoginDigest,
    },
    /// A token of the person whom a program names.
    Word {
        service: ServiceId,
        name: Rc<str>,
        /// When the first one of its chain was asked for.
        since: Instant,
    },
    /// Another token of the same caller.
    Own {
        caller: Rc<Caller>,
        token: SubjectToken,
        /// That of the engine that acts for the caller, where the identity provider is told.
        actor: Option<SubjectToken>,
        /// When the first one of its chain was asked for.
        since: Instant,
    },
}

/// Whose credential a question is asked with. The identity provider may take the one and not the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Credential {
    /// The engine's own.
    Engines,
    /// That of the gate's client for gate tokens.
    Gates,
}

impl GrantOf {
    pub(super) fn credential(&self) -> Credential {
        match self {
            Self::Login { .. } => Credential::Engines,
            Self::Word { .. } | Self::Own { .. } => Credential::Gates,
        }
    }

    /// The chain of the same question's answer began no later than this one's.
    fn began_by(&mut self, other: &Self) {
        if let (
            Self::Word { since, .. } | Self::Own { since, .. },
            Self::Word { since: other, .. } | Self::Own { since: other, .. },
        ) = (self, other)
        {
            *since = (*since).min(*other);
        }
    }

    /// Whether both are asked by the same program, or about the same caller's own tokens.
    fn is_of_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Login { service, .. }, Self::Login { service: other, .. })
            | (Self::Word { service, .. }, Self::Word { service: other, .. }) => service == other,
            (Self::Own { caller, .. }, Self::Own { caller: other, .. }) => {
                caller.issuer() == other.issuer() && caller.same_person() == other.same_person()
            }
            _ => false,
        }
    }
}

impl fmt::Debug for GrantOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login { .. } => "Login",
            Self::Word { .. } => "Word",
            Self::Own { .. } => "Own",
        })
    }
}

/// A question under way.
#[derive(Debug)]
pub(super) struct Granting {
    pub(super) of: GrantOf,
    pub(super) issuer: IssuerId,
    pub(super) waiters: BTreeSet<StreamId>,
    pub(super) started: Instant,
    /// It goes first after a pause.
    pub(super) probe: bool,
    pub(super) stage: Stage,
}

#[derive(Debug)]
pub(super) enum Stage {
    Calling(CallId),
    AwaitingKeys {
        response: Box<TokenResponse>,
        started: u64,
        deadline: Instant,
        awake: bool,
    },
}

impl Granting {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Calling(_) => None,
            Stage::AwaitingKeys { deadline, .. } => Some(*deadline),
        }
    }

    /// Whether newer keys of an issuer wake it now.
    pub(super) fn wakes_for(&mut self, issuer: IssuerId) -> bool {
        match &mut self.stage {
            Stage::AwaitingKeys { awake, .. } if self.issuer == issuer && !*awake => {
                *awake = true;
                true
            }
            _ => false,
        }
    }

    /// Whether something will end it.
    pub(super) fn can_end(
        &self,
        calls: &BTreeMap<CallId, Pending>,
        turns: &VecDeque<Turn>,
        key: GrantKey,
    ) -> bool {
        match &self.stage {
            Stage::Calling(id) => calls.contains_key(id),
            Stage::AwaitingKeys { awake, .. } => !awake || turns.contains(&Turn::Grant(key)),
        }
    }
}

/// What a question is asked with.
pub(super) struct Terms<'a> {
    pub(super) issuer: &'a Issuer,
    rule: &'a GateTokens,
}

pub(super) fn terms(config: &Config, id: IssuerId) -> Option<Terms<'_>> {
    let issuer = config.issuers.get(usize::from(id.0))?;
    Some(Terms {
        issuer,
        rule: issuer.gate_tokens.as_ref()?,
    })
}

impl Broker {
    /// Puts a request on the question that it asks, which begins when it is not under way.
    pub(super) fn ask_grant(
        &mut self,
        now: Now,
        stream: StreamId,
        mut parked: TokenParked,
        key: GrantKey,
        of: GrantOf,
        asked: &Asked,
    ) {
        let issuer = parked.issuer;
        if let Some(grant) = self.endpoint.grants.get_mut(&key) {
            grant.of.began_by(&of);
        } else {
            match self.begin_grant(now, issuer, key, of, asked.scope.as_deref()) {
                Ok(grant) => {
                    self.endpoint.grants.insert(key, grant);
                }
                Err(refusal) => return self.refuse_token(now, stream, &parked, &refusal),
            }
        }
        if let Some(grant) = self.endpoint.grants.get_mut(&key) {
            grant.waiters.insert(stream);
        }
        parked.wait = TokenWait::Grant(key);
        self.endpoint.insert(stream, parked);
    }

    fn begin_grant(
        &mut self,
        now: Now,
        issuer: IssuerId,
        key: GrantKey,
        of: GrantOf,
        scope: Option<&str>,
    ) -> Result<Granting, Refusal> {
        let config = Rc::clone(&self.config);
        let terms = terms(&config, issuer).ok_or_else(super::outcome::off)?;
        let name = &terms.issuer.name;
        let under_way = self.endpoint.grants.values();
        let same = under_way.filter(|other| other.of.is_of_same(&of)).count();
        if self.endpoint.grants.len() >= limits::GRANTS_IN_FLIGHT || same >= limits::GRANTS_OF_ONE {
            let sentence =
                format!("too many questions to '{name}' are under way already: try again");
            return Err(Refusal::new(Reason::ExchangesFull, sentence));
        }
        let asks = (issuer, of.credential());
        let health = self.endpoint.health.entry(asks).or_default();
        if let Some(rest) = health.wait(now.instant) {
            let sentence = format!(
                "identity provider '{name}' failed a moment ago and is given a rest before the next token is asked for: \
                 try again"
            );
            return Err(Refusal::new(Reason::IdpPaused, sentence).after(rest));
        }
        let call = self.grant_call(now, &terms, issuer, &of, scope)?;
        let health = self.endpoint.health.entry(asks).or_default();
        let probe = health.may_start(now.instant) == Start::Probe;
        Ok(Granting {
            of,
            issuer,
            waiters: BTreeSet::new(),
            started: now.instant,
            probe,
            stage: Stage::Calling(self.call(now, Purpose::Grant(key), call)),
        })
    }

    fn grant_call(
        &mut self,
        now: Now,
        terms: &Terms<'_>,
        issuer: IssuerId,
        of: &GrantOf,
        scope: Option<&str>,
    ) -> Result<HttpCall, Refusal> {
        let Terms { issuer: own, rule } = *terms;
        let timeout = self.config.limits.exchange_timeout;
        let keys = self.issuers.get(usize::from(issuer.0));
        let token_path = keys.and_then(|keys| keys.token_path()).cloned();
        let token_path = token_path.ok_or_else(|| no_token_path(own))?;
        let nothing = || {
            Refusal::new(
                Reason::ExchangeMisconfigured,
                format!(
                    "the gate has nothing to ask identity provider '{}' for this token with: its operator must look at \
                     issuers.{}.gate_tokens",
                    own.name, own.name
                ),
            )
        };
        let (subject, assertion);
        let grant = match of {
            GrantOf::Login { id, secret, .. } => GateGrant::Login {
                id,
                secret: secret.expose(),
            },
            GrantOf::Own { token, actor, .. } => GateGrant::Exchange {
                subject: token.expose(),
                actor: actor.as_ref().map(SubjectToken::expose),
            },
            GrantOf::Word { service, name, .. } => {
                let service = self.config.service(*service);
                let speaks = service.and_then(|service| service.speaks_for.as_ref());
                let speaks = speaks.ok_or_else(nothing)?;
                let (before, after) = &speaks.subject;
                subject = [before, &**name, after].concat();
                // By its client, or where that is not written by its name here.
                let actor = service.map(|one| one.client.as_ref().unwrap_or(&one.name));
                let actor = actor.map(Rc::clone).unwrap_or_default();
                match speaks.by {
                    SpeaksBy::Impersonation => GateGrant::Impersonation(&subject),
                    SpeaksBy::Assertion => {
                        let signed = self.sign_assertion(now, rule, &subject, &actor);
                        assertion = signed.ok_or_else(nothing)?;
                        GateGrant::Assertion(assertion.expose())
                    }
                }
            }
        };
        let mut making = exchange::Making {
            now: now.unix,
            random: &mut |bytes| self.entropy.fill(bytes),
        };
        exchange::gate_call(own, rule, &token_path, scope, grant, &mut making, timeout)
            .map_err(|_| nothing())
    }

    /// What the errors of the answer to a question mean.
    pub(super) fn errors_of(&self, of: &GrantOf, issuer: &Issuer) -> ErrorTable {
        let kind = match of {
            GrantOf::Login { .. } => GateGrantKind::Login,
            GrantOf::Own { .. } => GateGrantKind::Exchange,
            GrantOf::Word { service, .. } => {
                let service = self.config.service(*service);
                match service.and_then(|service| service.speaks_for.as_ref()) {
                    Some(speaks) => GateGrantKind::Word(speaks.by),
                    None => GateGrantKind::Exchange,
                }
            }
        };
        exchange::gate_errors(issuer, kind)
    }

    /// An assertion about a person (RFC 7523 section 3), good for one use.
    fn sign_assertion(
        &mut self,
        now: Now,
        rule: &GateTokens,
        subject: &str,
        actor: &str,
    ) -> Option<Secret<String>> {
        let rule = rule.assertion.as_ref()?;
        let key = rule.keys.first()?;
        let entropy = &mut self.entropy;
        let mut random = |buffer: &mut [u8]| entropy.fill(buffer);
        let jti = jti_from(&mut random);
        let assertion = Assertion {
            issuer: &rule.issuer,
            subject,
            audience: &rule.audience,
            issued_at: now.unix,
            life: rule.life,
            jti: &jti,
            actor: Some(actor),
        };
        assertion.sign(&key.id, &*key.key, &mut random)
    }

    // -- keys ---------------------------------------------------------------------------------------------------------

    /// Checks a token again whose key was not there; `false` when it has ended meanwhile.
    pub(in crate::broker) fn turn_of_grant(&mut self, now: Now, key: GrantKey) -> bool {
        let Some(grant) = self.endpoint.grants.remove(&key) else {
            return false;
        };
        let (response, started) = match &grant.stage {
            Stage::AwaitingKeys {
                response,
                started,
                awake: true,
                ..
            } => (response.clone(), *started),
            _ => {
                self.endpoint.grants.insert(key, grant);
                return false;
            }
        };
        let finished = self
            .issuers
            .get(usize::from(grant.issuer.0))
            .map_or(0, |keys| keys.finished());
        self.check_grant(now, key, grant, response, finished <= started);
        true
    }

    pub(super) fn grants_lack_keys(&mut self, now: Now, issuer: IssuerId, refusal: &Refusal) {
        let waits = |grant: &Granting| {
            grant.issuer == issuer
                && matches!(grant.stage, Stage::AwaitingKeys { awake: false, .. })
        };
        for key in self.grants_that(waits) {
            if let Some(grant) = self.endpoint.grants.remove(&key) {
                let outcome = ExchangeOutcome::IdpFault;
                self.land_grant_refused(now, key, grant, outcome, refusal, Remember::No);
            }
        }
    }

    pub(super) fn expire_grants(&mut self, now: Now) {
        let late = |grant: &Granting| grant.deadline().is_some_and(|end| end <= now.instant);
        for key in self.grants_that(late) {
            if let Some(grant) = self.endpoint.grants.remove(&key) {
                let refusal = self.keys_unavailable(grant.issuer);
                let outcome = ExchangeOutcome::IdpFault;
                self.land_grant_refused(now, key, grant, outcome, &refusal, Remember::No);
            }
        }
    }

    fn grants_that(&self, holds: impl Fn(&Granting) -> bool) -> Vec<GrantKey> {
        let grants = self.endpoint.grants.iter();
        grants
            .filter(|(_, grant)| holds(grant))
            .map(|(key, _)| *key)
            .collect()
    }
}
