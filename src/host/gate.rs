//! The broker with its surroundings in one VM: clocks, parked streams, metrics.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use super::imports::{self, Map};
use super::stream::{Flow, Phase};
use crate::audit::Record;
use crate::broker::{Broker, CallId, Effect, Entropy, Forward, Level, StreamId, Ticket, Verdict};
use crate::clock::{Instant, Now, UnixTime};
use crate::config::Config;
use crate::iceberg::{DELEGATION_HEADER, GENERIC_DELEGATION_HEADER};
use crate::jose::RustCrypto;
use crate::limits;
use crate::refusal::{self, Reason};
use crate::telemetry::MetricKind;
use crate::wire::HttpCall;

/// How a request was decided, and what is to be told about it.
type Release = (Verdict, Option<Box<Record>>);

/// One configuration's broker.
pub(super) struct Gate {
    broker: RefCell<Broker>,
    parked: RefCell<BTreeMap<u32, Rc<Flow>>>,
    /// The stream whose callback is running, and the verdict on it if it came meanwhile.
    current: Cell<Option<u32>>,
    own: RefCell<Option<Release>>,
    calls: RefCell<Vec<(CallId, HttpCall)>>,
    releases: RefCell<VecDeque<(u32, Release)>>,
    metrics: Vec<Option<u32>>,
    shows_state: bool,
    /// The certificates of connections matter.
    pub(super) asks_peer: bool,
    /// Bytes of answers that are being collected.
    held: Cell<usize>,
    started: std::time::Instant,
}

impl Gate {
    pub(super) fn new(config: Config) -> Self {
        let started = std::time::Instant::now();
        let crypto = Rc::new(RustCrypto);
        let (shows_state, asks_peer) = (config.audit.filter_state, config.asks_peer());
        let mut broker = Broker::new(now(started), Rc::new(config), crypto, Box::new(HostEntropy));
        let metrics = broker
            .tally()
            .metrics()
            .iter()
            .map(|metric| {
                let kind = match metric.kind {
                    MetricKind::Counter => 0,
                    MetricKind::Gauge => 1,
                    MetricKind::Histogram => 2,
                };
                imports::define_metric(kind, &metric.name)
            })
            .collect();
        Self {
            broker: RefCell::new(broker),
            parked: RefCell::default(),
            current: Cell::new(None),
            own: RefCell::new(None),
            calls: RefCell::default(),
            releases: RefCell::default(),
            metrics,
            shows_state,
            asks_peer,
            held: Cell::new(0),
            started,
        }
    }

    /// Tells the broker a fact.
    pub(super) fn tell(&self, fact: impl FnOnce(&mut Broker, Now)) {
        let now = now(self.started);
        fact(&mut self.broker.borrow_mut(), now);
    }

    /// A stream's callback runs: a verdict on it is kept for [`Self::leave`].
    pub(super) fn enter(&self, stream: u32) {
        self.current.set(Some(stream));
    }

    /// The stream's callback is about to end. The verdict on it, if it came meanwhile.
    pub(super) fn leave(&self) -> Option<Release> {
        self.current.set(None);
        self.own.borrow_mut().take()
    }

    /// Takes the broker's effects: log lines are written, the rest is laid out.
    pub(super) fn sort_effects(&self) {
        while let Some(effect) = self.next_effect() {
            match effect {
                Effect::Note { level, text } => imports::log(abi_level(level), &text),
                Effect::Call { id, call } => self.calls.borrow_mut().push((id, call)),
                Effect::Release {
                    stream: StreamId(id),
                    verdict,
                    record,
                } if self.current.get() == Some(id) => {
                    *self.own.borrow_mut() = Some((verdict, record));
                }
                Effect::Release {
                    stream: StreamId(id),
                    verdict,
                    record,
                } => {
                    let release = (id, (verdict, record));
                    self.releases.borrow_mut().push_back(release);
                }
            }
        }
    }

    fn next_effect(&self) -> Option<Effect> {
        self.broker.borrow_mut().poll_effect()
    }

    pub(super) fn take_calls(&self) -> Vec<(CallId, HttpCall)> {
        std::mem::take(&mut *self.calls.borrow_mut())
    }

    /// Whether something is left for the next turn of the event loop.
    pub(super) fn has_more(&self) -> bool {
        !self.releases.borrow().is_empty() || self.broker.borrow().has_turn()
    }

    /// Releases at most `most` parked streams. Must run on the root context, outside of any stream's
    /// callback: Envoy carries out what is asked here after the callback, one inside the other, and about
    /// three hundred of them overflow the VM's stack.
    pub(super) fn release(&self, most: &mut usize) {
        while *most > 0 {
            let Some((id, (verdict, record))) = self.releases.borrow_mut().pop_front() else {
                return;
            };
            let Some(flow) = self.parked.borrow_mut().remove(&id) else {
                continue;
            };
            if !imports::set_effective_context(id) {
                continue;
            }
            *most = most.saturating_sub(1);
            *flow.record.borrow_mut() = record;
            match self.apply(&verdict, &flow) {
                Applied::Go(ticket) => {
                    *flow.phase.borrow_mut() = Phase::Forwarded(ticket);
                    imports::continue_request();
                }
                Applied::Answered => *flow.phase.borrow_mut() = Phase::Answered,
            }
        }
    }

    /// Carries out a verdict on the effective stream. A request whose `Authorization` could not be set is
    /// answered, never forwarded.
    pub(super) fn apply(&self, verdict: &Verdict, flow: &Flow) -> Applied {
        if self.shows_state
            && let Some(record) = &*flow.record.borrow()
        {
            for (name, value) in record.state() {
                imports::set_filter_state(name, value.as_bytes());
            }
        }
        match verdict {
            Verdict::Forward(forward) => {
                if rewrite(forward) {
                    return Applied::Go(forward.ticket().clone());
                }
                self.host_failed("a header could not be set");
            }
            Verdict::Refuse(reply) | Verdict::Answer(reply) => imports::send_reply(reply),
            Verdict::Issue(issued) => imports::send_token(issued),
        }
        Applied::Answered
    }

    /// More bytes of an answer are held. `false`: that is too much, and they must not be.
    pub(super) fn hold(&self, bytes: usize) -> bool {
        let held = self.held.get().saturating_add(bytes);
        self.held.set(held);
        held <= limits::HELD_ANSWERS
    }

    /// They are held no more.
    pub(super) fn let_go(&self, bytes: usize) {
        self.held.set(self.held.get().saturating_sub(bytes));
    }

    /// Whether a request that waits needs its body, and at most how much of it.
    pub(super) fn awaits_body(&self, stream: u32) -> Option<usize> {
        self.broker.borrow().awaits_body(StreamId(stream))
    }

    /// Writes the line about a request that has ended, if there is to be one.
    pub(super) fn tell_record(&self, record: &Record, status: Option<u16>) {
        let audit = self.broker.borrow().config().audit;
        if record.has_line(audit) {
            imports::log(2, &format!("icegate audit {}", record.line(status)));
        }
    }

    /// Answers the effective stream for what Envoy did not do.
    pub(super) fn host_failed(&self, what: &str) {
        self.broker.borrow_mut().tally().refusal(Reason::HostFailed);
        imports::log(4, &format!("refused refusal=host_failed: {what}"));
        imports::send_reply(&refusal::host_failed());
    }

    pub(super) fn park(&self, stream: u32, flow: &Rc<Flow>) {
        self.parked.borrow_mut().insert(stream, Rc::clone(flow));
    }

    pub(super) fn unpark(&self, stream: u32) {
        self.parked.borrow_mut().remove(&stream);
    }

    /// Hands what was counted to Envoy.
    pub(super) fn flush(&self) {
        let id = |number: usize| self.metrics.get(number).copied().flatten();
        self.broker.borrow_mut().tally().drain(
            |number, delta| {
                if let Some(id) = id(number) {
                    imports::increment_metric(id, delta);
                }
            },
            |number, value| {
                if let Some(id) = id(number) {
                    imports::record_metric(id, value);
                }
            },
        );
    }

    /// Takes this cache out of the gauges, which outlive it: its context ends.
    pub(super) fn retire(&self) {
        let census = self.broker.borrow().census();
        let minus = |count: usize| 0_i64.saturating_sub(i64::try_from(count).unwrap_or(i64::MAX));
        let (entries, bytes) = (minus(census.cached), minus(census.cached_bytes));
        self.broker.borrow_mut().tally().cache_size(entries, bytes);
        self.flush();
    }

    /// Follows Envoy's log level, so that lines which nobody reads are not put together.
    pub(super) fn follow_log_level(&self) {
        let verbosity = match imports::log_level() {
            Some(0 | 1) => Level::Debug,
            Some(2) | None => Level::Info,
            Some(3) => Level::Warn,
            Some(_) => Level::Error,
        };
        self.broker.borrow_mut().set_verbosity(verbosity);
    }
}

/// Writes what the catalog is to see of a request's headers. Whether all of it was written.
fn rewrite(forward: &Forward) -> bool {
    let delegation = match forward.delegation() {
        None => true,
        Some(words) => {
            let generic = GENERIC_DELEGATION_HEADER.as_bytes();
            imports::remove(Map::Request, generic);
            match words {
                Some(words) => {
                    imports::set_header(Map::Request, DELEGATION_HEADER, words.as_bytes())
                }
                None => imports::remove(Map::Request, DELEGATION_HEADER.as_bytes()),
            }
        }
    };
    // An answer that is looked through must come as it is.
    if forward.ticket().is_guarded() {
        imports::remove(Map::Request, b"accept-encoding");
    }
    delegation && imports::set_header(Map::Request, "authorization", forward.authorization())
}

/// What a verdict came to at the host.
pub(super) enum Applied {
    /// The headers are ready: the request may go on.
    Go(Ticket),
    /// It was answered.
    Answered,
}

fn now(started: std::time::Instant) -> Now {
    Now {
        instant: Instant::from_origin(started.elapsed()),
        // Without a clock every token has expired.
        unix: UnixTime::from_epoch(Duration::from_nanos(
            imports::unix_nanoseconds().unwrap_or(u64::MAX),
        )),
    }
}

const fn abi_level(level: Level) -> u32 {
    match level {
        Level::Debug => 1,
        Level::Info => 2,
        Level::Warn => 3,
        Level::Error => 4,
    }
}

/// The VM's own source of randomness (WASI `random_get`).
struct HostEntropy;

impl Entropy for HostEntropy {
    fn fill(&mut self, buffer: &mut [u8]) {
        // Tried when the configuration was loaded; Envoy's `random_get` fails for buffers over 64 KiB only.
        if getrandom::fill(buffer).is_err() {
            imports::log(5, "icegate: the host gives no randomness");
        }
    }
}
