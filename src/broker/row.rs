//! Exchanges that wait for a place, since so many are under way at their issuer: first come, first served.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::flight::{Flight, Stage};
use super::outcome::{Terms, cannot_sign, no_terms, no_token_path, terms};
use super::request::expired;
use super::{Broker, Purpose};
use crate::backoff::Start;
use crate::clock::Now;
use crate::config::{Config, IssuerId};
use crate::exchange::{self, ExchangeKey};
use crate::jose::VerifyFault;
use crate::refusal::{Reason, Refusal};
use crate::wire::HttpCall;

/// An issuer's exchanges: how many are under way, and those that wait for a place.
#[derive(Debug, Default)]
pub(super) struct Row {
    under_way: usize,
    queued: BTreeMap<u64, ExchangeKey>,
    last: u64,
}

impl Row {
    pub(super) fn is_full(&self, most: usize) -> bool {
        self.under_way >= most
    }

    pub(super) fn started(&mut self) {
        self.under_way = self.under_way.saturating_add(1);
    }

    pub(super) fn ended(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// The number of a place at the end, unless `most` wait already.
    pub(super) fn queue(&mut self, key: ExchangeKey, most: usize) -> Option<u64> {
        if self.queued.len() >= most {
            return None;
        }
        self.last = self.last.saturating_add(1);
        self.queued.insert(self.last, key);
        Some(self.last)
    }

    pub(super) fn leave(&mut self, number: u64) {
        self.queued.remove(&number);
    }

    pub(super) fn queued(&self) -> usize {
        self.queued.len()
    }
}

impl Broker {
    /// Gives the places that are free to those who wait for one. While the issuer pauses they are refused, as
    /// new ones are.
    pub(super) fn start_queued(&mut self, now: Now, issuer: IssuerId) {
        let config = Rc::clone(&self.config);
        loop {
            let Some(keys) = self.issuers.get_mut(usize::from(issuer.0)) else {
                return;
            };
            let rest = keys.exchanges.wait(now.instant);
            if rest.is_none() && keys.row.is_full(config.limits.exchanges_in_flight) {
                return;
            }
            let Some((_, key)) = keys.row.queued.pop_first() else {
                return;
            };
            let Some(mut flight) = self.flights.remove(&key) else {
                continue;
            };
            match self.may_take_off(now, &config, &flight, rest) {
                Ok(mut call) => {
                    call.timeout = config.limits.exchange_timeout;
                    if let Some(keys) = self.issuers.get_mut(usize::from(issuer.0)) {
                        flight.probe = keys.exchanges.may_start(now.instant) == Start::Probe;
                        keys.row.started();
                    }
                    flight.started = now.instant;
                    flight.stage = Stage::Calling(self.call(now, Purpose::Exchange(key), call));
                    self.flights.insert(key, flight);
                }
                Err(refusal) => self.refuse_waiters(now, flight, &refusal),
            }
        }
    }

    /// The call of a flight that was queued: what it was queued with may have changed.
    fn may_take_off(
        &mut self,
        now: Now,
        config: &Config,
        flight: &Flight,
        pause: Option<Duration>,
    ) -> Result<HttpCall, Refusal> {
        let terms = terms(config, flight.context).ok_or_else(no_terms)?;
        if let Some(rest) = pause {
            return Err(paused(&terms, flight.caller.log_name(), rest));
        }
        if now.unix >= flight.caller.expires() {
            return Err(expired(&flight.caller, now));
        }
        if !self.is_known(&flight.caller) {
            return Err(VerifyFault::UnknownKey.into());
        }
        let token_path = self
            .issuers
            .get(usize::from(flight.issuer.0))
            .and_then(|keys| keys.token_path())
            .ok_or_else(|| no_token_path(terms.issuer))?;
        let inputs = terms.inputs(&config.generation, token_path, flight.token.expose());
        let mut making = exchange::Making {
            now: now.unix,
            random: &mut |bytes| self.entropy.fill(bytes),
        };
        exchange::exchange_call(&inputs, &mut making).map_err(|_| cannot_sign(&terms))
    }

    /// Whether something will end a flight: a call, a deadline, or for a queued one another flight.
    pub(super) fn can_end(&self, flight: &Flight) -> bool {
        let row = self
            .issuers
            .get(usize::from(flight.issuer.0))
            .map(|keys| &keys.row);
        match flight.stage {
            Stage::Queued(number) => {
                row.is_some_and(|row| row.under_way > 0 && row.queued.contains_key(&number))
            }
            Stage::Calling(id) => self.calls.contains_key(&id),
            Stage::AwaitingKeys { .. } => true,
        }
    }
}

pub(super) fn paused(terms: &Terms<'_>, who: &str, rest: Duration) -> Refusal {
    let sentence = format!(
        "identity provider '{}' failed a moment ago and is given a rest before {who}'s token is exchanged: try again",
        terms.issuer.name,
    );
    Refusal::new(Reason::IdpPaused, sentence).after(rest)
}

pub(super) fn exchanges_full(terms: &Terms<'_>) -> Refusal {
    Refusal::new(
        Reason::ExchangesFull,
        format!(
            "too many token exchanges at '{}' are under way already: try again",
            terms.issuer.name
        ),
    )
}
