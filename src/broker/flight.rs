//! Exchanges under way, one for each exchange key, each with everybody who waits for it.
//!
//! ```text
//!   lead ──▶ Queued ──a place is free──▶ Calling ──answer──▶ sort ──▶ check ──▶ landed: waiters forwarded or refused
//!                                                                     │  ▲
//!                                                       key not there ▼  │ keys fetched
//!                                                                  AwaitingKeys
//! ```
//! A flight belongs to nobody: when every waiter has gone it still ends and fills the cache. Only one that is
//! still queued ends with its last waiter.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use super::keys::finds_token_path;
use super::landing::Remember;
use super::outcome::{Terms, cannot_sign, effect, no_terms, no_token_path, refused, terms, unfit};
use super::parked::{Parked, Turn};
use super::row::{exchanges_full, paused};
use super::{Broker, CallId, Level, Purpose, StreamId};
use crate::backoff::Start;
use crate::cache::SubjectToken;
use crate::clock::{Instant, Now};
use crate::config::{ContextId, IssuerId};
use crate::exchange::{self, BackoffEffect, ExchangeKey, MintedFault, Misconfiguration, Sorted};
use crate::identity::Caller;
use crate::oauth::TokenResponse;
use crate::refusal::{Culprit, Refusal};
use crate::telemetry::ExchangeOutcome;
use crate::wire::CallAnswer;

/// An exchange under way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) context: ContextId,
    pub(super) issuer: IssuerId,
    pub(super) token: SubjectToken,
    pub(super) caller: Rc<Caller>,
    pub(super) waiters: BTreeSet<StreamId>,
    pub(super) started: Instant,
    /// It goes first after a pause: others wait for its end.
    pub(super) probe: bool,
    pub(super) stage: Stage,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// It waits for a place, by its number in the issuer's [`Row`](super::row::Row).
    Queued(u64),
    /// The token endpoint was called.
    Calling(CallId),
    /// The answer came, signed with a key that is not in the set; a newer set was asked for.
    AwaitingKeys {
        response: Box<TokenResponse>,
        started: u64,
        deadline: Instant,
        /// The newer set came, and this flight's turn has not.
        awake: bool,
    },
}

impl Flight {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Queued(_) | Stage::Calling(_) => None,
            Stage::AwaitingKeys { deadline, .. } => Some(*deadline),
        }
    }
}

impl Broker {
    /// Puts a request on the flight for its exchange, which it starts when there is none.
    pub(super) fn join_or_lead(
        &mut self,
        now: Now,
        stream: StreamId,
        context: ContextId,
        token: &SubjectToken,
        caller: Rc<Caller>,
    ) -> Result<ExchangeKey, Refusal> {
        let config = Rc::clone(&self.config);
        let terms = terms(&config, context).ok_or_else(no_terms)?;
        // It may be another than the caller's.
        let issuer = terms.rule.at;
        let index = usize::from(issuer.0);
        let token_path = self
            .issuers
            .get(index)
            .and_then(|keys| keys.token_path())
            .cloned();
        let token_path = token_path.ok_or_else(|| no_token_path(terms.issuer))?;
        let inputs = terms.inputs(&config.generation, &token_path, token.expose());
        let key = exchange::exchange_key(&self.exchange_key_secret, &inputs);
        if let Some(flight) = self.flights.get_mut(&key) {
            flight.waiters.insert(stream);
            return Ok(key);
        }
        let limits = &config.limits;
        let Some(keys) = self.issuers.get_mut(index) else {
            return Err(no_terms());
        };
        if let Some(rest) = keys.exchanges.wait(now.instant) {
            return Err(paused(&terms, caller.log_name(), rest));
        }
        let most = limits.waiters.div_ceil(2);
        if keys.row.is_full(limits.exchanges_in_flight) && keys.row.queued() >= most {
            return Err(exchanges_full(&terms));
        }
        self.may_exchange(now, context, &terms)?;
        let Some(keys) = self.issuers.get_mut(index) else {
            return Err(no_terms());
        };
        let mut flight = Flight {
            context,
            issuer,
            token: token.clone(),
            caller,
            waiters: BTreeSet::from([stream]),
            started: now.instant,
            probe: false,
            stage: Stage::Queued(0),
        };
        if keys.row.is_full(limits.exchanges_in_flight) {
            let number = keys.row.queue(key, most);
            flight.stage = Stage::Queued(number.ok_or_else(|| exchanges_full(&terms))?);
            self.flights.insert(key, flight);
            return Ok(key);
        }
        let mut making = exchange::Making {
            now: now.unix,
            random: &mut |bytes| self.entropy.fill(bytes),
        };
        let call = exchange::exchange_call(&inputs, &mut making);
        let mut call = call.map_err(|_| cannot_sign(&terms))?;
        call.timeout = limits.exchange_timeout;
        flight.probe = keys.exchanges.may_start(now.instant) == Start::Probe;
        keys.row.started();
        flight.stage = Stage::Calling(self.call(now, Purpose::Exchange(key), call));
        self.flights.insert(key, flight);
        Ok(key)
    }

    /// A request no longer waits for its flight.
    pub(super) fn leave_flight(&mut self, stream: StreamId, parked: &Parked) {
        if let super::parked::Wait::Flight(key) = parked.wait
            && let Some(flight) = self.flights.get_mut(&key)
        {
            flight.waiters.remove(&stream);
            if let Stage::Queued(number) = flight.stage
                && flight.waiters.is_empty()
            {
                let issuer = usize::from(flight.issuer.0);
                self.flights.remove(&key);
                if let Some(keys) = self.issuers.get_mut(issuer) {
                    keys.row.leave(number);
                }
            }
        }
    }

    pub(super) fn exchange_answered(&mut self, now: Now, key: ExchangeKey, answer: CallAnswer<'_>) {
        let Some(flight) = self.flights.remove(&key) else {
            return;
        };
        let config = Rc::clone(&self.config);
        let Some(terms) = terms(&config, flight.context) else {
            let outcome = ExchangeOutcome::OperatorFault;
            return self.land_refused(now, flight, outcome, no_terms(), Remember::No);
        };
        match exchange::sort_by(terms.errors(), answer) {
            Sorted::Minted(response) => {
                self.mind(now, &flight, BackoffEffect::Healthy);
                self.check(now, key, flight, Box::new(response), true);
            }
            sorted => {
                let (outcome, refusal) = self.sorted_refusal(now, &flight, &terms, &sorted);
                // Whoever fails so must not be the one who tries again next; everything else has its pause.
                let remember = match effect(&sorted, &terms) {
                    BackoffEffect::Pause { .. } => Remember::No,
                    _ => Remember::Yes,
                };
                if matches!(sorted, Sorted::Misconfigured(Misconfiguration::Endpoint))
                    && finds_token_path(terms.issuer)
                    && let Some(keys) = self.issuers.get_mut(usize::from(flight.issuer.0))
                {
                    keys.want_metadata(now.instant);
                    self.fetch_due_keys(now);
                }
                self.land_refused(now, flight, outcome, refusal, remember);
            }
        }
    }

    /// Turns an answer that is no token into what the waiters get, and draws the consequences.
    fn sorted_refusal(
        &mut self,
        now: Now,
        flight: &Flight,
        terms: &Terms<'_>,
        sorted: &Sorted,
    ) -> (ExchangeOutcome, Refusal) {
        let (outcome, refusal) = refused(sorted, terms, flight.caller.log_name());
        let pause = self.mind(now, flight, effect(sorted, terms));
        if outcome == ExchangeOutcome::CallerRefused {
            return (outcome, refusal);
        }
        let level = if outcome == ExchangeOutcome::OperatorFault {
            Level::Error
        } else {
            Level::Warn
        };
        let sentence = refusal.sentence.clone();
        self.note(level, || {
            let (name, pause) = (refusal.reason.name(), pause.as_millis());
            format!("exchange failed refusal={name} answer={sorted:?} pause_ms={pause}: {sentence}")
        });
        if pause.is_zero() {
            return (outcome, refusal);
        }
        (outcome, refusal.after(pause))
    }

    fn check(
        &mut self,
        now: Now,
        key: ExchangeKey,
        flight: Flight,
        response: Box<TokenResponse>,
        may_wait: bool,
    ) {
        let config = Rc::clone(&self.config);
        let issuer = usize::from(flight.issuer.0);
        let (Some(terms), Some(keys)) =
            (terms(&config, flight.context), self.issuers.get_mut(issuer))
        else {
            let outcome = ExchangeOutcome::OperatorFault;
            return self.land_refused(now, flight, outcome, no_terms(), Remember::No);
        };
        let checked = match keys.set() {
            Some(set) => exchange::check(
                &response,
                terms.rule,
                terms.issuer,
                set,
                &flight.caller,
                terms.whose(&config),
                now,
            ),
            None => Err(MintedFault::UnknownKey),
        };
        match checked {
            Ok(minted) => self.land_minted(now, flight, Rc::new(minted)),
            Err(MintedFault::UnknownKey) if may_wait => {
                keys.want_newer(now.instant);
                let started = keys.started();
                let deadline = now.instant.plus(self.config.limits.request_deadline);
                let stage = Stage::AwaitingKeys {
                    response,
                    started,
                    deadline,
                    awake: false,
                };
                self.flights.insert(key, Flight { stage, ..flight });
                self.fetch_due_keys(now);
            }
            Err(fault) => {
                let refusal = unfit(&fault, &terms, flight.caller.log_name());
                if refusal.reason.culprit() == Culprit::Caller {
                    let outcome = ExchangeOutcome::CallerRefused;
                    let remember = match fault {
                        MintedFault::NeverAs => Remember::Yes,
                        _ => Remember::No,
                    };
                    return self.land_refused(now, flight, outcome, refusal, remember);
                }
                // Nobody may be left to be refused, and this must be seen all the same.
                let (name, sentence) = (refusal.reason.name(), refusal.sentence.clone());
                self.note(Level::Error, || {
                    format!("exchange failed refusal={name}: {sentence}")
                });
                let outcome = ExchangeOutcome::CheckFailed;
                self.land_refused(now, flight, outcome, refusal, Remember::Yes);
            }
        }
    }

    /// A newer key set came: flights that waited for it are checked again when their turn comes.
    pub(super) fn wake_flights(&mut self, issuer: IssuerId) {
        for (key, flight) in &mut self.flights {
            if flight.issuer == issuer
                && let Stage::AwaitingKeys {
                    awake: awake @ false,
                    ..
                } = &mut flight.stage
            {
                *awake = true;
                self.turns.push_back(Turn::Flight(*key));
            }
        }
    }

    /// Checks a flight that is awake again; `false` when it has ended meanwhile.
    pub(super) fn turn_of_flight(&mut self, now: Now, key: ExchangeKey) -> bool {
        let Some(flight) = self.flights.remove(&key) else {
            return false;
        };
        let (response, started) = match &flight.stage {
            Stage::AwaitingKeys {
                response,
                started,
                awake: true,
                ..
            } => (response.clone(), *started),
            _ => {
                self.flights.insert(key, flight);
                return false;
            }
        };
        let finished = self
            .issuers
            .get(usize::from(flight.issuer.0))
            .map_or(0, |keys| keys.finished());
        self.check(now, key, flight, response, finished <= started);
        true
    }

    /// Keys cannot be fetched: flights that wait for them end.
    pub(super) fn flights_lack_keys(&mut self, now: Now, issuer: IssuerId, refusal: &Refusal) {
        for key in self.flights_awaiting_keys(issuer) {
            if let Some(flight) = self.flights.remove(&key) {
                let outcome = ExchangeOutcome::IdpFault;
                self.land_refused(now, flight, outcome, refusal.clone(), Remember::No);
            }
        }
    }

    /// Ends flights that waited for keys as long as they may.
    pub(super) fn expire_flights(&mut self, now: Now) {
        let late = |flight: &Flight| {
            flight
                .deadline()
                .is_some_and(|deadline| deadline <= now.instant)
        };
        let gone: Vec<ExchangeKey> = self
            .flights
            .iter()
            .filter(|(_, flight)| late(flight))
            .map(|(key, _)| *key)
            .collect();
        for key in gone {
            if let Some(flight) = self.flights.remove(&key) {
                let refusal = self.keys_unavailable(flight.issuer);
                let outcome = ExchangeOutcome::IdpFault;
                self.land_refused(now, flight, outcome, refusal, Remember::No);
            }
        }
    }

    fn flights_awaiting_keys(&self, issuer: IssuerId) -> Vec<ExchangeKey> {
        self.flights
            .iter()
            .filter(|(_, flight)| {
                flight.issuer == issuer
                    && matches!(flight.stage, Stage::AwaitingKeys { awake: false, .. })
            })
            .map(|(key, _)| *key)
            .collect()
    }

    /// What an answer means for the identity provider's next exchanges. Returns what is left of its pause.
    fn mind(&mut self, now: Now, flight: &Flight, effect: BackoffEffect) -> Duration {
        let jitter = match effect {
            BackoffEffect::Pause { .. } | BackoffEffect::Suspicion => self.draw_u32(),
            BackoffEffect::Healthy | BackoffEffect::None => 0,
        };
        let Some(keys) = self.issuers.get_mut(usize::from(flight.issuer.0)) else {
            return Duration::ZERO;
        };
        match effect {
            BackoffEffect::Healthy => keys.exchanges.success(),
            BackoffEffect::Pause { at_least } => {
                keys.exchanges.fault(now.instant, jitter, at_least)
            }
            BackoffEffect::Suspicion => {
                let who = flight.caller.subject();
                keys.exchanges.suspicion(now.instant, jitter, who);
                if flight.probe {
                    keys.exchanges.probe_ended();
                }
            }
            // Another flight, from before the pause, does not end the probe.
            BackoffEffect::None if flight.probe => keys.exchanges.probe_ended(),
            BackoffEffect::None => {}
        }
        keys.exchanges.pause_left(now.instant)
    }
}
