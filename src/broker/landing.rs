//! How flights end: with a token for all who wait, or with the same refusal for all.

use std::rc::Rc;

use super::Broker;
use super::flight::Flight;
use super::parked::Held;
use crate::cache::Until;
use crate::clock::Now;
use crate::config::IssuerId;
use crate::exchange::Minted;
use crate::identity::Caller;
use crate::jose::{Fingerprint, VerifyFault};
use crate::limits;
use crate::refusal::Refusal;
use crate::telemetry::ExchangeOutcome;

/// Whether the next try with the same token at the same catalog is refused for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remember {
    Yes,
    No,
}

impl Broker {
    pub(super) fn land_minted(&mut self, now: Now, flight: Flight, minted: Rc<Minted>) {
        let caller = Rc::clone(&flight.caller);
        // The key that the caller was verified with may have left the set while the flight was under way.
        if !self.is_known(&caller) {
            let refusal = VerifyFault::UnknownKey.into();
            let outcome = ExchangeOutcome::Minted;
            return self.land_refused(now, flight, outcome, refusal, Remember::No);
        }
        self.count(now, &flight, ExchangeOutcome::Minted);
        let bytes = minted.authorization().expose().len();
        let until = Until::after(now, minted.life());
        let kept = (Rc::clone(&caller), Rc::clone(&minted));
        self.cache
            .put_minted(&flight.token, kept.0, flight.context, kept.1, bytes, until);
        self.keep_cached_callers(flight.context);
        for stream in flight.waiters {
            let Some(parked) = self.remove_parked(stream) else {
                continue;
            };
            let held = Held {
                context: flight.context,
                minted: Rc::clone(&minted),
                until,
            };
            self.go_on_with(now, stream, parked, &caller, held);
        }
        self.start_queued(now, flight.issuer);
    }

    /// Whether the key that proved a caller is still in the issuer's set.
    pub(super) fn is_known(&self, caller: &Caller) -> bool {
        self.has_key(caller.issuer(), caller.key())
    }

    /// Whether a key is in an issuer's set now.
    pub(super) fn has_key(&self, issuer: IssuerId, key: Fingerprint) -> bool {
        self.issuers
            .get(usize::from(issuer.0))
            .and_then(|keys| keys.set())
            .is_some_and(|set| set.contains(&key))
    }

    /// Ends a flight without a token. What may be about this caller at this catalog is remembered for a
    /// moment, so that a client that tries again at once costs no exchange.
    pub(super) fn land_refused(
        &mut self,
        now: Now,
        flight: Flight,
        outcome: ExchangeOutcome,
        mut refusal: Refusal,
        remember: Remember,
    ) {
        self.count(now, &flight, outcome);
        if remember == Remember::Yes && self.is_known(&flight.caller) {
            refusal = refusal.not_before(limits::REFUSED_LIFE);
            let until = Until::after(now, limits::REFUSED_LIFE);
            let caller = Rc::clone(&flight.caller);
            self.cache.put_refused(
                &flight.token,
                caller,
                flight.context,
                refusal.clone(),
                until,
            );
        }
        let issuer = flight.issuer;
        self.refuse_waiters(now, flight, &refusal);
        self.start_queued(now, issuer);
    }

    pub(super) fn refuse_waiters(&mut self, now: Now, flight: Flight, refusal: &Refusal) {
        for stream in flight.waiters {
            if let Some(parked) = self.remove_parked(stream) {
                self.refuse_parked(now, stream, &parked, refusal);
            }
        }
    }

    /// A flight has ended: it is counted, and its place is free.
    fn count(&mut self, now: Now, flight: &Flight, outcome: ExchangeOutcome) {
        let took = now.instant.since(flight.started).as_millis();
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        self.tally.exchange(flight.issuer, outcome, took);
        if let Some(keys) = self.issuers.get_mut(usize::from(flight.issuer.0)) {
            keys.row.ended();
        }
    }
}
