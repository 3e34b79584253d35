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
use std::time::Duration;

use super::kept::{Answer, Origin};
use super::outcome::{Issued, login_refused};
use super::tries::LoginDigest;
use super::{Asked, GrantKey, TokenParked, TokenWait};
use crate::backoff::Start;
use crate::broker::keys::finds_token_path;
use crate::broker::landing::Remember;
use crate::broker::parked::Turn;
use crate::broker::record::Told;
use crate::broker::{Broker, CallId, Level, Pending, Purpose, StreamId};
use crate::cache::SubjectToken;
use crate::clock::{Instant, Now};
use crate::config::{Config, GateTokens, Issuer, IssuerId, ServiceId, SpeaksBy};
use crate::dialect::ErrorTable;
use crate::exchange::{
    self, BackoffEffect, GateGrant, GateGrantKind, GateToken, GateTokenFault, Misconfiguration,
    Sorted, Unavailable, Wanted,
};
use crate::identity::Caller;
use crate::jose::{Assertion, jti_from};
use crate::limits;
use crate::oauth::TokenResponse;
use crate::refusal::{Reason, Refusal};
use crate::secret::Secret;
use crate::telemetry::{ExchangeOutcome, TokenOutcome};
use crate::wire::{CallAnswer, HttpCall};

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
    fn credential(&self) -> Credential {
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
    of: GrantOf,
    issuer: IssuerId,
    pub(super) waiters: BTreeSet<StreamId>,
    started: Instant,
    /// It goes first after a pause.
    probe: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
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
struct Terms<'a> {
    issuer: &'a Issuer,
    rule: &'a GateTokens,
}

fn terms(config: &Config, id: IssuerId) -> Option<Terms<'_>> {
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
        let token_path = token_path.ok_or_else(|| {
            Refusal::new(
                Reason::ExchangeMisconfigured,
                format!(
                    "identity provider '{}' publishes no token endpoint that the gate may call: its operator must set \
                     issuers.{}.token_path",
                    own.name, own.name
                ),
            )
        })?;
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
    fn errors_of(&self, of: &GrantOf, issuer: &Issuer) -> ErrorTable {
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

    // -- answers ------------------------------------------------------------------------------------------------------

    /// The identity provider answered a question, or did not.
    pub(in crate::broker) fn grant_answered(
        &mut self,
        now: Now,
        key: GrantKey,
        answer: CallAnswer<'_>,
    ) {
        let Some(grant) = self.endpoint.grants.remove(&key) else {
            return;
        };
        let config = Rc::clone(&self.config);
        let Some(terms) = terms(&config, grant.issuer) else {
            let outcome = ExchangeOutcome::OperatorFault;
            let refusal = super::outcome::off();
            return self.land_grant_refused(now, key, grant, outcome, &refusal, Remember::No);
        };
        let sorted = exchange::sort_by(self.errors_of(&grant.of, terms.issuer), answer);
        if let Sorted::Minted(response) = sorted {
            self.mind_grant(now, &grant, BackoffEffect::Healthy);
            if let GrantOf::Login { digest, .. } = &grant.of {
                self.endpoint.tries.was_good(now.instant, *digest);
            }
            return self.check_grant(now, key, grant, Box::new(response), true);
        }
        let (outcome, refusal) = self.sorted_grant(now, &grant, &terms, &sorted);
        if matches!(sorted, Sorted::Misconfigured(Misconfiguration::Endpoint))
            && finds_token_path(terms.issuer)
            && let Some(keys) = self.issuers.get_mut(usize::from(grant.issuer.0))
        {
            keys.want_metadata(now.instant);
            self.fetch_due_keys(now);
        }
        // As with exchanges: what has no pause of its own must not cost a call each time.
        let remember = match effect(&sorted) {
            BackoffEffect::Pause { .. } => Remember::No,
            _ => Remember::Yes,
        };
        self.land_grant_refused(now, key, grant, outcome, &refusal, remember);
    }

    /// Turns an answer that is no token into what the waiters get, and draws the consequences.
    fn sorted_grant(
        &mut self,
        now: Now,
        grant: &Granting,
        terms: &Terms<'_>,
        sorted: &Sorted,
    ) -> (ExchangeOutcome, Refusal) {
        let no = matches!(
            sorted,
            Sorted::CallerRefused
                | Sorted::InteractionRequired
                | Sorted::Forbidden
                | Sorted::ClientRefused
        );
        let person = no && *sorted != Sorted::ClientRefused;
        match &grant.of {
            // An engine's wrong secret says nothing about the identity provider.
            GrantOf::Login { digest, .. } if no => {
                if *sorted != Sorted::Forbidden {
                    self.endpoint.tries.was_wrong(now.instant, *digest);
                }
                self.mind_grant(now, grant, BackoffEffect::Healthy);
                let refusal = login_refused(Reason::LoginRefused);
                return (ExchangeOutcome::CallerRefused, refusal);
            }
            GrantOf::Word { service, name, .. } if person => {
                self.mind_grant(now, grant, BackoffEffect::Healthy);
                let refusal = self.name_refused(*service, name);
                return (ExchangeOutcome::CallerRefused, refusal);
            }
            GrantOf::Own { caller, .. } if person => {
                self.mind_grant(now, grant, BackoffEffect::Healthy);
                let sentence = format!(
                    "identity provider '{}' gives no further token for that of {} (signed out, disabled, revoked, or not \
                     meant for the gate's client): sign in again",
                    terms.issuer.name,
                    caller.log_name()
                );
                let refusal = Refusal::new(Reason::SubjectRefused, sentence);
                return (ExchangeOutcome::CallerRefused, refusal);
            }
            _ => {}
        }
        let (outcome, refusal) = fault(sorted, terms);
        let pause = self.mind_grant(now, grant, effect(sorted));
        let level = match outcome {
            ExchangeOutcome::OperatorFault => Level::Error,
            _ => Level::Warn,
        };
        let (name, sentence) = (refusal.reason.name(), refusal.sentence.clone());
        let (of, pause_ms) = (&grant.of, pause.as_millis());
        self.note(level, || {
            format!(
                "gate token failed asked={of:?} refusal={name} answer={sorted:?} pause_ms={pause_ms}: {sentence}"
            )
        });
        match pause.is_zero() {
            true => (outcome, refusal),
            false => (outcome, refusal.after(pause)),
        }
    }

    fn check_grant(
        &mut self,
        now: Now,
        key: GrantKey,
        grant: Granting,
        response: Box<TokenResponse>,
        may_wait: bool,
    ) {
        let config = Rc::clone(&self.config);
        let Some(keys) = self.issuers.get_mut(usize::from(grant.issuer.0)) else {
            return;
        };
        let wanted = match &grant.of {
            GrantOf::Login { service, id, .. } => Wanted::Service(*service, id),
            GrantOf::Word { name, .. } => Wanted::Named(name),
            GrantOf::Own { caller, .. } => Wanted::Same(caller),
        };
        let checked = match keys.set() {
            Some(set) => {
                exchange::check_gate_token(&response, &config, grant.issuer, set, wanted, now)
            }
            None => Err(GateTokenFault::UnknownKey),
        };
        match checked {
            Ok(token) => self.land_grant(now, key, grant, Rc::new(token)),
            Err(GateTokenFault::UnknownKey) if may_wait => {
                keys.want_newer(now.instant);
                let started = keys.started();
                let deadline = now.instant.plus(self.config.limits.request_deadline);
                let stage = Stage::AwaitingKeys {
                    response,
                    started,
                    deadline,
                    awake: false,
                };
                let waiting = Granting { stage, ..grant };
                self.endpoint.grants.insert(key, waiting);
                self.fetch_due_keys(now);
            }
            Err(fault) => self.unfit_grant(now, key, grant, fault),
        }
    }

    /// A token that must not be given out.
    fn unfit_grant(&mut self, now: Now, key: GrantKey, grant: Granting, fault: GateTokenFault) {
        // Whoever says a program's name, or an id, gets what the identity provider makes of it, and it is nobody's fault.
        if let (
            GrantOf::Word { service, name, .. },
            GateTokenFault::NotAPerson | GateTokenFault::OtherName,
        ) = (&grant.of, fault)
        {
            let refusal = self.name_refused(*service, name);
            let outcome = ExchangeOutcome::CallerRefused;
            return self.land_grant_refused(now, key, grant, outcome, &refusal, Remember::Yes);
        }
        let issuer = self.config.issuers.get(usize::from(grant.issuer.0));
        let name = issuer.map_or("-", |issuer| &issuer.name);
        let refusal = Refusal::new(
            Reason::GateTokenUnfit,
            format!(
                "the token that identity provider '{name}' made for the gate is not given out: it {}",
                fault.describe(&self.config)
            ),
        );
        let sentence = refusal.sentence.clone();
        self.note(Level::Error, || {
            format!("gate token failed refusal=gate_token_unfit: {sentence}")
        });
        let outcome = ExchangeOutcome::CheckFailed;
        self.land_grant_refused(now, key, grant, outcome, &refusal, Remember::Yes);
    }

    fn land_grant(&mut self, now: Now, key: GrantKey, grant: Granting, token: Rc<GateToken>) {
        if let GrantOf::Word { service, name, .. } = &grant.of
            && let Err(refusal) = self.may_speak_for(*service, name, token.caller())
        {
            let outcome = ExchangeOutcome::CallerRefused;
            return self.land_grant_refused(now, key, grant, outcome, &refusal, Remember::Yes);
        }
        self.count_grant(now, &grant, ExchangeOutcome::Minted);
        let (most, remember) = self
            .config
            .issuers
            .get(usize::from(grant.issuer.0))
            .and_then(|issuer| issuer.gate_tokens.as_ref())
            .map_or((Duration::ZERO, Duration::ZERO), |rule| {
                (rule.life, rule.remember)
            });
        let keep = match &grant.of {
            GrantOf::Login { .. } => remember,
            // Iceberg clients ask anew when a tenth of a token's life is left, at most.
            GrantOf::Word { .. } | GrantOf::Own { .. } => {
                let fifth = token.life().min(most).checked_div(5).unwrap_or_default();
                token.life().min(most).saturating_sub(fifth)
            }
        };
        let answer = Answer::new(now, Rc::clone(&token), most, keep);
        if !keep.is_zero() {
            self.endpoint.kept.keep(key, answer.clone());
        }
        // Impersonation makes a session at the identity provider, which is no session of the person's own.
        if matches!(grant.of, GrantOf::Word { .. }) || token.caller().claims().get("sid").is_none()
        {
            let digest = self.digest(&[b"token", token.token().expose().as_bytes()]);
            let origin = match &grant.of {
                GrantOf::Login { .. } => None,
                GrantOf::Word {
                    service,
                    name,
                    since,
                } => Some(Origin {
                    word: Some((*service, Rc::clone(name))),
                    since: *since,
                }),
                GrantOf::Own { since, .. } => Some(Origin {
                    word: None,
                    since: *since,
                }),
            };
            if let Some(origin) = origin {
                self.endpoint.kept.put_origin(digest, origin);
            }
        }
        // It comes back as a caller's, and its signature need not be verified again.
        let subject = SubjectToken::new(token.token().expose());
        self.cache.put_caller(&subject, Rc::clone(token.caller()));
        for stream in grant.waiters {
            if let Some(mut parked) = self.endpoint.remove(stream) {
                parked.landed = Some((key, answer.clone()));
                self.token_step(now, stream, parked);
            }
        }
    }

    /// Ends a question without a token. Wrong logins are remembered elsewhere, and for longer.
    fn land_grant_refused(
        &mut self,
        now: Now,
        key: GrantKey,
        grant: Granting,
        outcome: ExchangeOutcome,
        refusal: &Refusal,
        remember: Remember,
    ) {
        self.count_grant(now, &grant, outcome);
        if remember == Remember::Yes && grant.of.credential() == Credential::Gates {
            let mut refusal = refusal.clone();
            if refusal.reason.answer() == crate::refusal::Answer::Later {
                let pause = refusal.retry_after.unwrap_or_default();
                refusal = refusal.after(pause.max(limits::REFUSED_LIFE));
            }
            self.endpoint.kept.refuse(now, key, refusal);
        }
        for stream in grant.waiters {
            if let Some(parked) = self.endpoint.remove(stream) {
                self.refuse_token(now, stream, &parked, refusal);
            }
        }
    }

    fn count_grant(&mut self, now: Now, grant: &Granting, outcome: ExchangeOutcome) {
        let took = now.instant.since(grant.started).as_millis();
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        self.tally.grant(grant.issuer, outcome, took);
    }

    /// What an answer means for the next questions. Returns what is left of the pause.
    fn mind_grant(&mut self, now: Now, grant: &Granting, effect: BackoffEffect) -> Duration {
        let jitter = self.draw_u32();
        let asked = (grant.issuer, grant.of.credential());
        let health = self.endpoint.health.entry(asked).or_default();
        match effect {
            BackoffEffect::Healthy => health.success(),
            BackoffEffect::Pause { at_least } => health.fault(now.instant, jitter, at_least),
            BackoffEffect::Suspicion => {
                let who = match &grant.of {
                    GrantOf::Login { id, .. } => id,
                    GrantOf::Word { name, .. } => name,
                    GrantOf::Own { caller, .. } => caller.subject(),
                };
                health.suspicion(now.instant, jitter, who);
                if grant.probe {
                    health.probe_ended();
                }
            }
            BackoffEffect::None if grant.probe => health.probe_ended(),
            BackoffEffect::None => {}
        }
        health.pause_left(now.instant)
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

    // -- the answer ---------------------------------------------------------------------------------------------------

    /// Gives a token out.
    pub(super) fn issue(
        &mut self,
        now: Now,
        stream: StreamId,
        parked: &TokenParked,
        answer: &Answer,
    ) {
        self.tally.token(parked.issuer, TokenOutcome::Issued);
        if answer.kept {
            self.tally.token(parked.issuer, TokenOutcome::Kept);
        }
        let about = parked.about();
        // Whatever clock says less.
        let own = answer.token.caller().expires().since(now.unix);
        let left = answer.ends.since(now.instant).min(own).as_secs().max(1);
        let issued = Issued::new(answer.token.token(), left, None);
        let told = Told::token(Some(answer.token.caller()), parked.actor);
        self.release_issued(now, stream, &about, issued, told);
    }
}

/// What an answer that is no token does to the backoff. That one question cannot be asked so may be about the person whom
/// it names, and says nothing of the other grants: it makes nobody wait.
fn effect(sorted: &Sorted) -> BackoffEffect {
    match sorted {
        Sorted::Misconfigured(Misconfiguration::Parameters) => BackoffEffect::None,
        sorted => sorted.backoff_effect(),
    }
}

/// An identity provider's answer that is neither a token nor about whoever asks.
fn fault(sorted: &Sorted, terms: &Terms<'_>) -> (ExchangeOutcome, Refusal) {
    let name = &terms.issuer.name;
    let (reason, sentence) = match sorted {
        Sorted::ClientRefused => (
            Reason::ClientRefused,
            format!(
                "identity provider '{name}' does not accept the gate's own client for gate tokens: its operator must look \
                 at issuers.{name}.gate_tokens.client"
            ),
        ),
        Sorted::Misconfigured(what) => {
            let place = match what {
                Misconfiguration::Target => "gate_tokens.audience",
                Misconfiguration::Scope => "gate_tokens.scopes",
                Misconfiguration::Parameters => "gate_tokens",
                Misconfiguration::Endpoint => "token_path",
            };
            (
                Reason::ExchangeMisconfigured,
                format!(
                    "identity provider '{name}' does not grant what the gate asks for gate tokens: its operator must look \
                     at issuers.{name}.{place}"
                ),
            )
        }
        Sorted::RateLimited { .. } => (
            Reason::IdpRateLimited,
            format!("identity provider '{name}' asks for fewer requests: try again"),
        ),
        Sorted::Unavailable(Unavailable::Unreachable | Unavailable::NotSent) => (
            Reason::IdpUnreachable,
            format!("identity provider '{name}' cannot be reached: try again"),
        ),
        Sorted::Unavailable(Unavailable::TimedOut) => (
            Reason::IdpTimeout,
            format!("identity provider '{name}' did not answer in time: try again"),
        ),
        Sorted::Unavailable(_)
        | Sorted::Minted(_)
        | Sorted::CallerRefused
        | Sorted::InteractionRequired
        | Sorted::Forbidden => (
            Reason::IdpBroken,
            format!("identity provider '{name}' gave no usable answer: try again"),
        ),
    };
    let outcome = match sorted {
        Sorted::ClientRefused | Sorted::Misconfigured(_) => ExchangeOutcome::OperatorFault,
        _ => ExchangeOutcome::IdpFault,
    };
    (outcome, Refusal::new(reason, sentence))
}
