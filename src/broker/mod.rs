//! One request's way through the gate, as a state machine without IO.
//!
//! Facts go in by method calls, each with the time; effects come out of [`Broker::poll_effect`] until
//! it returns `None`, after every call. The broker never asks the host anything. `docs/design.md` has the
//! contract and the diagram.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::cache::{Cache, Dropped, SubjectToken};
use crate::clock::{Instant, Now};
use crate::config::{Config, TenantId, WarehouseId};
use crate::exchange::{ExchangeKey, Minted};
use crate::identity::Caller;
use crate::jose::Crypto;
use crate::limits;
use crate::telemetry::{CacheEvent, Tally};
use crate::wire::{CallAnswer, HttpCall};

mod advance;
mod answer;
mod bodies;
mod caps;
mod effect;
mod endpoint;
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub mod explain;
mod flight;
mod keys;
mod landing;
mod outcome;
mod parked;
mod prefixes;
mod record;
mod request;
mod row;

pub use answer::{AnswerBody, AnswerHead, AnswerStep};
pub use effect::{CallId, Effect, Forward, Level, StreamId, Ticket, Verdict};
pub use endpoint::Issued;
pub use request::ArrivedBody;

use bodies::Bodies;
use caps::Bucket;
use endpoint::{GrantKey, TokenEndpoint};
use flight::Flight;
use keys::IssuerKeys;
use parked::{Parked, Turn};
use prefixes::PrefixBook;

/// Where randomness comes from: keys of hashes, jitter.
pub trait Entropy {
    /// Fills the buffer with bytes that nobody can foresee.
    fn fill(&mut self, buffer: &mut [u8]);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Exchange(ExchangeKey),
    Metadata(usize),
    Keys(usize),
    /// A warehouse's prefix.
    Prefix(WarehouseId),
    /// A gate token.
    Grant(GrantKey),
}

/// A call under way.
#[derive(Clone, Copy, Debug)]
struct Pending {
    purpose: Purpose,
    /// When it is taken for lost.
    deadline: Instant,
}

/// The state machine. One for each worker and configuration; a new configuration is a new broker, and
/// the old one ends with its last request.
pub struct Broker {
    config: Rc<Config>,
    crypto: Rc<dyn Crypto>,
    entropy: Box<dyn Entropy>,
    exchange_key_secret: [u8; 32],
    cache: Cache<Caller, Minted>,
    cache_size: (usize, usize),
    issuers: Vec<IssuerKeys>,
    flights: BTreeMap<ExchangeKey, Flight>,
    parked: BTreeMap<StreamId, Parked>,
    bodies: Bodies,
    prefixes: PrefixBook,
    endpoint: TokenEndpoint,
    buckets: BTreeMap<TenantId, Bucket>,
    calls: BTreeMap<CallId, Pending>,
    turns: VecDeque<Turn>,
    last_call: u64,
    swept: Instant,
    effects: VecDeque<Effect>,
    verbosity: Level,
    tally: Tally,
}

/// Time between two sweeps of expired callers out of the cache.
const SWEEP: Duration = Duration::from_secs(30);

impl Broker {
    /// A broker that has no keys yet and asks for them at once.
    pub fn new(
        now: Now,
        config: Rc<Config>,
        crypto: Rc<dyn Crypto>,
        mut entropy: Box<dyn Entropy>,
    ) -> Self {
        let mut exchange_key_secret = [0; 32];
        entropy.fill(&mut exchange_key_secret);
        let hash_key = (draw_u64(&mut *entropy), draw_u64(&mut *entropy));
        let cache = Cache::new(
            config.limits.cached_callers,
            config.limits.cache_bytes,
            hash_key,
            Caller::footprint,
        );
        let issuers = config
            .issuers
            .iter()
            .map(|issuer| IssuerKeys::new(issuer, now.instant))
            .collect();
        let tally = Tally::new(&config);
        let endpoint = TokenEndpoint::new(&config);
        let mut broker = Self {
            config,
            crypto,
            entropy,
            exchange_key_secret,
            cache,
            cache_size: (0, 0),
            issuers,
            flights: BTreeMap::new(),
            parked: BTreeMap::new(),
            bodies: Bodies::default(),
            prefixes: PrefixBook::default(),
            endpoint,
            buckets: BTreeMap::new(),
            calls: BTreeMap::new(),
            turns: VecDeque::new(),
            last_call: 0,
            swept: now.instant,
            effects: VecDeque::new(),
            verbosity: Level::Debug,
            tally,
        };
        broker.fetch_due_keys(now);
        broker
    }

    /// The next thing for the host to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Lines above this level are not written, and not even put together.
    pub fn set_verbosity(&mut self, verbosity: Level) {
        self.verbosity = verbosity;
    }

    /// What was counted.
    pub fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// The configuration.
    pub fn config(&self) -> &Rc<Config> {
        &self.config
    }

    /// A parked stream went away. The flight that it waited for goes on.
    pub fn request_gone(&mut self, _now: Now, stream: StreamId) {
        if let Some(parked) = self.remove_parked(stream) {
            self.leave_flight(stream, &parked);
        }
        self.token_request_gone(stream);
    }

    /// An answer to a call arrived, or it could not be sent. Unknown calls are ignored.
    pub fn call_answered(&mut self, now: Now, call: CallId, answer: CallAnswer<'_>) {
        self.end_call(now, call, answer);
        self.settle();
    }

    fn end_call(&mut self, now: Now, call: CallId, answer: CallAnswer<'_>) {
        match self.calls.remove(&call).map(|pending| pending.purpose) {
            Some(Purpose::Exchange(key)) => self.exchange_answered(now, key, answer),
            Some(Purpose::Metadata(issuer)) => self.metadata_answered(now, issuer, answer),
            Some(Purpose::Keys(issuer)) => self.keys_answered(now, issuer, answer),
            Some(Purpose::Prefix(warehouse)) => self.prefix_answered(now, warehouse, answer),
            Some(Purpose::Grant(key)) => self.grant_answered(now, key, answer),
            None => {}
        }
    }

    /// Ends calls of which the host should have told the end long ago.
    fn expire_calls(&mut self, now: Now) {
        let lost: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, pending)| pending.deadline <= now.instant)
            .map(|(id, _)| *id)
            .collect();
        for id in lost {
            self.note(Level::Error, || {
                "the host did not tell how a call ended; it is taken for lost".to_owned()
            });
            self.end_call(now, id, CallAnswer::Broken);
        }
    }

    /// The catalog answered 401 to a request that was forwarded with this ticket: the minted token is
    /// dropped, at most once per token, catalog and [`limits::CATALOG_REFUSAL_REST`].
    pub fn catalog_unauthorized(&mut self, now: Now, ticket: &Ticket) {
        self.tally.catalog_unauthorized(ticket.catalog);
        let rest = limits::CATALOG_REFUSAL_REST;
        let dropped =
            self.cache
                .drop_minted(ticket.subject.expose(), ticket.context, now.instant, rest);
        if dropped == Dropped::Now {
            let name = match self.cache.get(ticket.subject.expose()) {
                Some((_, entry)) => entry.caller().log_name().to_owned(),
                None => "a caller".to_owned(),
            };
            let catalog = self.catalog_name(Some(ticket.catalog)).to_owned();
            self.note(Level::Warn, || {
                format!("catalog '{catalog}' does not accept '{name}' (401 to a minted token); the token was dropped")
            });
        }
        self.settle();
    }

    /// Time passed: deadlines are kept, keys refreshed, what has expired is swept out, and the next
    /// [`turn`](Self::turn) is taken.
    pub fn tick(&mut self, now: Now) {
        self.expire_parked(now);
        self.expire_calls(now);
        self.prefixes.expire(now.instant);
        self.expire_flights(now);
        self.expire_tokens(now);
        self.expire_keys(now);
        self.fetch_due_keys(now);
        self.take_turn(now);
        if now.instant.since(self.swept) >= SWEEP {
            self.swept = now.instant;
            self.cache
                .retain(|caller| now.unix < caller.accepted_until());
            self.forget_full_buckets(now);
            self.endpoint.sweep(now);
        }
        self.settle();
    }

    /// The earliest time at which [`tick`](Self::tick) has something to do.
    pub fn next_deadline(&self) -> Option<Instant> {
        let parked = self.parked.values().map(|parked| parked.deadline);
        let flights = self.flights.values().filter_map(Flight::deadline);
        let most = self.config.limits.key_max_age;
        let keys = self
            .issuers
            .iter()
            .filter_map(|keys| keys.next_deadline(most));
        let calls = self.calls.values().map(|pending| pending.deadline);
        let sweeps =
            !self.cache.is_empty() || !self.buckets.is_empty() || self.endpoint.keeps_something();
        let sweep = sweeps.then(|| self.swept.plus(SWEEP));
        parked
            .chain(flights)
            .chain(keys)
            .chain(calls)
            .chain(sweep)
            .chain(self.prefixes.next_expiry())
            .chain(self.endpoint.next_deadline())
            .min()
    }

    /// Numbers for the invariants of tests: what is parked, in flight, cached, called.
    pub fn census(&self) -> Census {
        Census {
            parked: self.parked.len(),
            parked_on_nothing: self
                .parked
                .iter()
                .filter(|(id, parked)| !self.is_alive(**id, parked))
                .count()
                .saturating_add(self.tokens_on_nothing()),
            flights: self.flights.len(),
            queued: self.issuers.iter().map(|keys| keys.row.queued()).sum(),
            calls: self.calls.len(),
            bodies: self.bodies.waiting(),
            body_bytes: self.bodies.bytes(),
            buckets: self.buckets.len(),
            token_requests: self.endpoint.waiting(),
            token_bytes: self.endpoint.bytes(),
            grants: self.endpoint.grants(),
            cached: self.cache.len(),
            cached_bytes: self.cache.bytes(),
        }
    }

    /// Ends every public call: the gauges follow the cache.
    fn settle(&mut self) {
        self.tally
            .cache(CacheEvent::Eviction, self.cache.take_evictions());
        let size = (self.cache.len(), self.cache.bytes());
        if size != self.cache_size {
            let difference = |new: usize, old: usize| {
                i64::try_from(new)
                    .unwrap_or(i64::MAX)
                    .saturating_sub(i64::try_from(old).unwrap_or(i64::MAX))
            };
            let (entries, bytes) = self.cache_size;
            self.tally
                .cache_size(difference(size.0, entries), difference(size.1, bytes));
            self.cache_size = size;
        }
    }

    fn call(&mut self, now: Now, purpose: Purpose, call: HttpCall) -> CallId {
        self.last_call = self.last_call.wrapping_add(1);
        let id = CallId(self.last_call);
        let deadline = now.instant.plus(call.timeout).plus(limits::CALL_LOST);
        self.calls.insert(id, Pending { purpose, deadline });
        self.effects.push_back(Effect::Call { id, call });
        id
    }

    fn note(&mut self, level: Level, text: impl FnOnce() -> String) {
        if level <= self.verbosity {
            self.effects.push_back(Effect::Note {
                level,
                text: text(),
            });
        }
    }

    fn draw_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.entropy.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("census", &self.census())
            .finish_non_exhaustive()
    }
}

/// How much of everything a broker holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// Requests that wait.
    pub parked: usize,
    /// Requests that wait for something that is not there. Always zero.
    pub parked_on_nothing: usize,
    /// Exchanges under way, and those that wait for a place.
    pub flights: usize,
    /// Exchanges that wait for a place.
    pub queued: usize,
    /// Calls under way.
    pub calls: usize,
    /// Requests that wait for their body and for nothing else.
    pub bodies: usize,
    /// Bytes that the bodies of all requests that wait may take.
    pub body_bytes: usize,
    /// Tenants whose exchanges are counted.
    pub buckets: usize,
    /// Requests for tokens that wait.
    pub token_requests: usize,
    /// Bytes that their forms may take.
    pub token_bytes: usize,
    /// Questions for gate tokens under way.
    pub grants: usize,
    /// Cached callers.
    pub cached: usize,
    /// Bytes that they take.
    pub cached_bytes: usize,
}

fn draw_u64(entropy: &mut dyn Entropy) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
