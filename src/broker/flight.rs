//! Exchanges under way, one for each exchange key, each with everybody who waits for it.
//!
//! ```text
//!   lead ──▶ Calling ──answer──▶ sort ──▶ check ──▶ landed: waiters forwarded or refused
//!                                          │  ▲
//!                            key not there ▼  │ keys fetched
//!                                       AwaitingKeys
//! ```
//! A flight belongs to nobody: when every waiter has gone it still ends and fills the cache.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use super::outcome::{Terms, is_about_the_caller, no_terms, no_token_path, refused, terms, unfit};
use super::parked::{Parked, Turn};
use super::{Broker, CallId, Level, Purpose, StreamId};
use crate::backoff::Start;
use crate::cache::{SubjectToken, Until};
use crate::clock::{Instant, Now};
use crate::config::{CatalogId, IssuerId};
use crate::exchange::{self, BackoffEffect, ExchangeKey, Minted, MintedFault, Sorted};
use crate::identity::Caller;
use crate::jose::VerifyFault;
use crate::limits;
use crate::oauth::TokenResponse;
use crate::refusal::{Answer, Culprit, Reason, Refusal};
use crate::telemetry::ExchangeOutcome;
use crate::wire::CallAnswer;

/// An exchange under way.
#[derive(Debug)]
pub(super) struct Flight {
    catalog: CatalogId,
    issuer: IssuerId,
    token: SubjectToken,
    caller: Rc<Caller>,
    pub(super) waiters: BTreeSet<StreamId>,
    started: Instant,
    /// It goes first after a pause: others wait for its end.
    probe: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The token endpoint was called.
    Calling(#[allow(dead_code, reason = "seen in Debug")] CallId),
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
            Stage::Calling(_) => None,
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
        catalog: CatalogId,
        token: &SubjectToken,
        caller: Rc<Caller>,
    ) -> Result<ExchangeKey, Refusal> {
        let config = Rc::clone(&self.config);
        let issuer = caller.issuer();
        let index = usize::from(issuer.0);
        let terms = terms(&config, catalog).ok_or_else(no_terms)?;
        let token_path = self
            .issuers
            .get(index)
            .and_then(|keys| keys.token_path())
            .cloned();
        let token_path = token_path.ok_or_else(|| no_token_path(&terms))?;
        let inputs = exchange::Inputs {
            generation: &config.generation,
            issuer: terms.issuer,
            client: terms.client,
            token_path: &token_path,
            catalog: terms.catalog,
            rule: terms.rule,
            subject_token: token.expose(),
        };
        let key = exchange::exchange_key(&self.exchange_key_secret, &inputs);
        if let Some(flight) = self.flights.get_mut(&key) {
            flight.waiters.insert(stream);
            return Ok(key);
        }
        let under_way = self
            .flights
            .values()
            .filter(|flight| flight.issuer == issuer)
            .count();
        if under_way >= config.limits.exchanges_in_flight {
            return Err(Refusal::new(
                Reason::ExchangesFull,
                format!(
                    "too many token exchanges at '{}' are under way already: try again",
                    terms.issuer.name
                ),
            ));
        }
        let pause = self
            .issuers
            .get_mut(index)
            .map(|keys| keys.exchanges.may_start(now.instant));
        if let Some(Start::Wait(rest)) = pause {
            let sentence = format!(
                "identity provider '{}' failed a moment ago and is given a rest before {}'s token is exchanged: try again",
                terms.issuer.name,
                caller.log_name()
            );
            return Err(Refusal::new(Reason::IdpPaused, sentence).after(rest));
        }
        let mut call = exchange::exchange_call(&inputs);
        call.timeout = config.limits.exchange_timeout;
        let id = self.call(now, Purpose::Exchange(key), call);
        let flight = Flight {
            catalog,
            issuer,
            token: token.clone(),
            caller,
            waiters: BTreeSet::from([stream]),
            started: now.instant,
            probe: pause == Some(Start::Probe),
            stage: Stage::Calling(id),
        };
        self.flights.insert(key, flight);
        Ok(key)
    }

    /// A request no longer waits for its flight.
    pub(super) fn leave_flight(&mut self, stream: StreamId, parked: &Parked) {
        if let super::parked::Wait::Flight(key) = parked.wait
            && let Some(flight) = self.flights.get_mut(&key)
        {
            flight.waiters.remove(&stream);
        }
    }

    pub(super) fn exchange_answered(&mut self, now: Now, key: ExchangeKey, answer: CallAnswer<'_>) {
        let Some(flight) = self.flights.remove(&key) else {
            return;
        };
        let config = Rc::clone(&self.config);
        let Some(terms) = terms(&config, flight.catalog) else {
            return self.land_refused(now, flight, ExchangeOutcome::OperatorFault, no_terms());
        };
        match exchange::sort(terms.issuer.profile, answer) {
            Sorted::Minted(response) => {
                self.mind(now, &flight, BackoffEffect::Healthy);
                self.check(now, key, flight, Box::new(response), true);
            }
            sorted => {
                let (outcome, refusal) = self.sorted_refusal(now, &flight, &terms, &sorted);
                self.land_refused(now, flight, outcome, refusal);
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
        let pause = self.mind(now, flight, sorted.backoff_effect());
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
            (terms(&config, flight.catalog), self.issuers.get_mut(issuer))
        else {
            return self.land_refused(now, flight, ExchangeOutcome::OperatorFault, no_terms());
        };
        let checked = match keys.set() {
            Some(set) => exchange::check(
                &response,
                terms.rule,
                terms.issuer,
                set,
                &flight.caller,
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
                    return self.land_refused(now, flight, ExchangeOutcome::CallerRefused, refusal);
                }
                // Nobody may be left to be refused, and this must be seen all the same.
                let (name, sentence) = (refusal.reason.name(), refusal.sentence.clone());
                self.note(Level::Error, || {
                    format!("exchange failed refusal={name}: {sentence}")
                });
                self.land_refused(now, flight, ExchangeOutcome::CheckFailed, refusal);
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
                self.land_refused(now, flight, ExchangeOutcome::IdpFault, refusal.clone());
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
                self.land_refused(now, flight, ExchangeOutcome::IdpFault, refusal);
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

    fn land_minted(&mut self, now: Now, flight: Flight, minted: Rc<Minted>) {
        let caller = Rc::clone(&flight.caller);
        // The key that the caller was verified with may have left the set while the flight was under way.
        let known = self
            .issuers
            .get(usize::from(caller.issuer().0))
            .and_then(|keys| keys.set());
        if !known.is_some_and(|set| set.contains(&caller.key())) {
            let refusal = VerifyFault::UnknownKey.into();
            return self.land_refused(now, flight, ExchangeOutcome::Minted, refusal);
        }
        self.count(now, &flight, ExchangeOutcome::Minted);
        let bytes = minted.authorization().expose().len();
        let until = Until::after(now, minted.life());
        let kept = (Rc::clone(&caller), Rc::clone(&minted));
        self.cache
            .put_minted(&flight.token, kept.0, flight.catalog, kept.1, bytes, until);
        for stream in flight.waiters {
            let Some(parked) = self.parked.remove(&stream) else {
                continue;
            };
            match self.permit(&caller, &parked) {
                Ok(permit) => {
                    self.forward(stream, &permit, Rc::clone(&minted), parked.token.clone())
                }
                Err(refusal) => self.refuse(stream, &parked.about(), &refusal),
            }
        }
    }

    /// Ends a flight without a token. What says something about this caller at this catalog is remembered
    /// for a moment, so that a client that tries again at once costs no exchange; everything else has its
    /// own pause.
    fn land_refused(
        &mut self,
        now: Now,
        flight: Flight,
        outcome: ExchangeOutcome,
        mut refusal: Refusal,
    ) {
        self.count(now, &flight, outcome);
        if is_about_the_caller(&refusal) {
            if refusal.reason.answer() == Answer::Later {
                refusal = refusal.after(limits::REFUSED_LIFE);
            }
            let until = Until::after(now, limits::REFUSED_LIFE);
            let caller = Rc::clone(&flight.caller);
            self.cache.put_refused(
                &flight.token,
                caller,
                flight.catalog,
                refusal.clone(),
                until,
            );
        }
        for stream in flight.waiters {
            if let Some(parked) = self.parked.remove(&stream) {
                self.refuse(stream, &parked.about(), &refusal);
            }
        }
    }

    fn count(&mut self, now: Now, flight: &Flight, outcome: ExchangeOutcome) {
        let took = now.instant.since(flight.started).as_millis();
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        self.tally.exchange(flight.issuer, outcome, took);
    }

    /// What an answer means for the identity provider's next exchanges. Returns what is left of its pause.
    fn mind(&mut self, now: Now, flight: &Flight, effect: BackoffEffect) -> Duration {
        let jitter = self.draw_u32();
        let Some(keys) = self.issuers.get_mut(usize::from(flight.issuer.0)) else {
            return Duration::ZERO;
        };
        match effect {
            BackoffEffect::Healthy => keys.exchanges.success(),
            BackoffEffect::Pause { at_least } => {
                keys.exchanges.fault(now.instant, jitter, at_least)
            }
            // Another flight, from before the pause, does not end the probe.
            BackoffEffect::None if flight.probe => keys.exchanges.probe_ended(),
            BackoffEffect::None => {}
        }
        keys.exchanges.pause_left(now.instant)
    }
}
