//! Requests that wait, and what ends their waiting.

use std::rc::Rc;

use super::bodies::bodies_full;
use super::endpoint::GrantKey;
use super::prefixes::unavailable;
use super::request::About;
use super::{Broker, Purpose, StreamId};
use crate::cache::{SubjectToken, Until};
use crate::clock::{Instant, Now};
use crate::config::{CatalogId, ContextId, IssuerId, TenantId, WarehouseId};
use crate::exchange::{ExchangeKey, Minted};
use crate::iceberg::{Body, Method, Operation, Wishes};
use crate::identity::Caller;
use crate::limits;
use crate::refusal::{Reason, Refusal};

/// A request that waits. It owns what it needs, since the host's buffers are gone by then.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) method: Method,
    pub(super) path: Box<[u8]>,
    pub(super) catalog: CatalogId,
    pub(super) operation: Operation,
    pub(super) wishes: Wishes,
    pub(super) reference: Box<str>,
    pub(super) traceparent: Option<Box<str>>,
    pub(super) token: SubjectToken,
    /// What its connection's certificate names, where a program is held to that.
    pub(super) peer: Option<Rc<str>>,
    /// Who it is, once that is known.
    pub(super) caller: Option<Rc<Caller>>,
    pub(super) body: RequestBody,
    /// What its body takes, or may take, in memory.
    pub(super) body_bytes: usize,
    /// Its token was not at hand.
    pub(super) exchanged: bool,
    /// The token that was minted while it waited.
    pub(super) minted: Option<Held>,
    pub(super) deadline: Instant,
    pub(super) wait: Wait,
    /// What it waited for has come, and its turn has not.
    pub(super) awake: bool,
}

impl Parked {
    /// Whether a rule depends on its body.
    pub(super) fn reads_body(&self) -> bool {
        !matches!(self.body, RequestBody::NotRead)
    }

    pub(super) fn about(&self) -> About<'_> {
        About {
            catalog: Some(self.catalog),
            operation: Some(self.operation),
            safe: self.method.is_safe(),
            head: self.method == Method::Head,
            reference: &self.reference,
            traceparent: self.traceparent.as_deref(),
        }
    }
}

/// What is known of a request's body.
#[derive(Debug)]
pub(super) enum RequestBody {
    /// Nothing depends on it: it streams.
    NotRead,
    /// It is on its way, and held back.
    Awaited,
    /// What it names.
    Read(Box<Body>),
}

/// A minted token that a request holds itself.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) context: ContextId,
    pub(super) minted: Rc<Minted>,
    pub(super) until: Until,
}

/// What a parked request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Nothing: it has just arrived.
    Nothing,
    /// The first key set of an issuer.
    FirstKeys(IssuerId),
    /// A key set that was asked for after the `started`th fetch: its own may lack the token's key.
    NewerKeys(IssuerId, u64),
    /// An exchange.
    Flight(ExchangeKey),
    /// A prefix that the catalog is asked for.
    Prefix(WarehouseId),
    /// Its own body; all else is there. With whose request it is, where there are tenants.
    Body(Option<TenantId>),
}

/// How many wait for an issuer's keys.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crowd {
    pub(super) first_keys: usize,
    pub(super) newer_keys: usize,
}

/// Work that waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// A request that is awake.
    Request(StreamId),
    /// A flight that is awake.
    Flight(ExchangeKey),
    /// A request for a token that is awake.
    Token(StreamId),
    /// A question for a gate token that is awake.
    Grant(GrantKey),
}

impl Broker {
    pub(super) fn park(&mut self, now: Now, stream: StreamId, parked: Parked) {
        let crowded = match parked.wait {
            Wait::FirstKeys(issuer) => self
                .crowd(issuer)
                .is_some_and(|crowd| crowd.first_keys >= limits::FIRST_KEYS_WAITERS),
            _ => false,
        };
        if !self.bodies.keep(&parked) {
            self.refuse_parked(now, stream, &parked, &bodies_full());
        } else if crowded || self.parked.len() >= self.config.limits.waiters {
            self.refuse_parked(now, stream, &parked, &waiters_full());
        } else {
            self.insert_parked(stream, parked);
        }
    }

    pub(super) fn insert_parked(&mut self, stream: StreamId, parked: Parked) {
        if let Some(count) = self.place_in_crowd(parked.wait) {
            *count = count.saturating_add(1);
        }
        self.bodies.enter(&parked);
        self.parked.insert(stream, parked);
    }

    pub(super) fn remove_parked(&mut self, stream: StreamId) -> Option<Parked> {
        let parked = self.parked.remove(&stream)?;
        self.bodies.leave(&parked);
        if let Some(count) = self.place_in_crowd(parked.wait) {
            *count = count.saturating_sub(1);
        }
        Some(parked)
    }

    pub(super) fn crowd(&self, issuer: IssuerId) -> Option<&Crowd> {
        Some(&self.issuers.get(usize::from(issuer.0))?.crowd)
    }

    fn place_in_crowd(&mut self, wait: Wait) -> Option<&mut usize> {
        let (Wait::FirstKeys(issuer) | Wait::NewerKeys(issuer, _)) = wait else {
            return None;
        };
        let crowd = &mut self.issuers.get_mut(usize::from(issuer.0))?.crowd;
        Some(match wait {
            Wait::NewerKeys(..) => &mut crowd.newer_keys,
            _ => &mut crowd.first_keys,
        })
    }

    /// Wakes everybody who waits for keys of an issuer: each goes on when its turn comes.
    pub(super) fn wake_for_keys(&mut self, issuer: IssuerId) {
        for (stream, parked) in &mut self.parked {
            let waits = match parked.wait {
                Wait::FirstKeys(at) | Wait::NewerKeys(at, _) => at == issuer,
                _ => false,
            };
            if waits && !parked.awake {
                parked.awake = true;
                self.turns.push_back(Turn::Request(*stream));
            }
        }
    }

    /// Whether there is work left that needs no new fact. The host then calls [`turn`](Self::turn) in the next
    /// turn of its event loop, so that others come in between.
    pub fn has_turn(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Does the next part of the work that is left: at most [`limits::VERIFICATIONS_PER_TURN`] signatures.
    pub fn turn(&mut self, now: Now) {
        self.take_turn(now);
        self.settle();
    }

    pub(super) fn take_turn(&mut self, now: Now) {
        let mut left = limits::VERIFICATIONS_PER_TURN;
        while left > 0
            && let Some(turn) = self.turns.pop_front()
        {
            let done = match turn {
                Turn::Request(stream) => self.turn_of_request(now, stream),
                Turn::Flight(key) => self.turn_of_flight(now, key),
                Turn::Token(stream) => self.turn_of_token(now, stream),
                Turn::Grant(key) => self.turn_of_grant(now, key),
            };
            left = left.saturating_sub(usize::from(done));
        }
    }

    /// Whoever has gone meanwhile has left its place in the row: that takes nobody's turn.
    fn turn_of_request(&mut self, now: Now, stream: StreamId) -> bool {
        if !self.parked.get(&stream).is_some_and(|parked| parked.awake) {
            return false;
        }
        if let Some(parked) = self.remove_parked(stream) {
            self.advance(now, stream, parked);
        }
        true
    }

    /// Refuses everybody who waits for a newer key set of an issuer that cannot be fetched.
    pub(super) fn give_up_newer_keys(&mut self, now: Now, issuer: IssuerId, refusal: &Refusal) {
        let gone: Vec<StreamId> = self
            .parked
            .iter()
            .filter(|(_, parked)| {
                !parked.awake && matches!(parked.wait, Wait::NewerKeys(at, _) if at == issuer)
            })
            .map(|(stream, _)| *stream)
            .collect();
        for stream in gone {
            if let Some(parked) = self.remove_parked(stream) {
                self.refuse_parked(now, stream, &parked, refusal);
            }
        }
    }

    pub(super) fn expire_parked(&mut self, now: Now) {
        let late: Vec<StreamId> = self
            .parked
            .iter()
            .filter(|(_, parked)| parked.deadline <= now.instant)
            .map(|(stream, _)| *stream)
            .collect();
        for stream in late {
            if let Some(parked) = self.remove_parked(stream) {
                self.leave_flight(stream, &parked);
                let refusal = self.too_late(&parked);
                self.refuse_parked(now, stream, &parked, &refusal);
            }
        }
    }

    pub(super) fn too_late(&self, parked: &Parked) -> Refusal {
        match parked.wait {
            Wait::FirstKeys(issuer) | Wait::NewerKeys(issuer, _) if !parked.awake => {
                self.keys_unavailable(issuer)
            }
            Wait::Nothing | Wait::FirstKeys(_) | Wait::NewerKeys(..) => Refusal::new(
                Reason::DeadlinePassed,
                "the keys of the identity provider came late, and too many wait for them: try again",
            ),
            Wait::Prefix(warehouse) => unavailable(&self.config, warehouse),
            Wait::Body(_) => Refusal::new(
                Reason::BodyLate,
                "a rule of this gate depends on the request's body, which did not come: try again",
            ),
            Wait::Flight(_) => Refusal::new(
                Reason::DeadlinePassed,
                "the identity provider takes too long to exchange the token: try again",
            ),
        }
    }

    /// Whether what a parked request waits for can still happen.
    pub(super) fn is_alive(&self, stream: StreamId, parked: &Parked) -> bool {
        match parked.wait {
            _ if parked.awake => self.turns.contains(&Turn::Request(stream)),
            Wait::Nothing => false,
            Wait::Body(_) => matches!(parked.body, RequestBody::Awaited),
            Wait::Prefix(warehouse) => self
                .prefixes
                .asking(warehouse)
                .is_some_and(|call| self.calls.contains_key(&call)),
            Wait::FirstKeys(issuer) | Wait::NewerKeys(issuer, _) => self.keys_may_come(issuer),
            Wait::Flight(key) => self
                .flights
                .get(&key)
                .is_some_and(|flight| flight.waiters.contains(&stream) && self.can_end(flight)),
        }
    }
}

impl Broker {
    /// Whether an issuer's keys are being fetched, or will be.
    pub(super) fn keys_may_come(&self, issuer: IssuerId) -> bool {
        let index = usize::from(issuer.0);
        let keys = self.issuers.get(index);
        keys.is_some_and(|keys| keys.next_fetch().is_some())
            || self.calls.values().any(|pending| {
                matches!(pending.purpose, Purpose::Keys(at) | Purpose::Metadata(at) if at == index)
            })
    }
}

pub(super) fn waiters_full() -> Refusal {
    Refusal::new(
        Reason::WaitersFull,
        "too many requests wait for the identity provider already: try again",
    )
}
