//! What identity providers answer to questions for gate tokens, and what comes of it.

use std::rc::Rc;
use std::time::Duration;

use super::grants::{Credential, GrantOf, Granting, Stage, Terms, terms};
use super::kept::{Answer, Origin};
use super::outcome::{Issued, login_refused};
use super::{GrantKey, TokenParked};
use crate::broker::keys::finds_token_path;
use crate::broker::landing::Remember;
use crate::broker::record::Told;
use crate::broker::{Broker, Level, StreamId};
use crate::cache::SubjectToken;
use crate::clock::Now;
use crate::exchange::{
    self, BackoffEffect, GateToken, GateTokenFault, Misconfiguration, Sorted, Unavailable, Wanted,
};
use crate::limits;
use crate::oauth::TokenResponse;
use crate::refusal::{Reason, Refusal};
use crate::telemetry::{ExchangeOutcome, TokenOutcome};
use crate::wire::CallAnswer;

impl Broker {
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

    pub(super) fn check_grant(
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
    pub(super) fn land_grant_refused(
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
            let refusal = refusal.clone().not_before(limits::REFUSED_LIFE);
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
