//! The root context: configuration, ticks, calls to identity providers.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use super::gate::Gate;
use super::imports::{self, Map};
use super::stream::Stream;
use crate::broker::CallId;
use crate::config;
use crate::wire::{CallAnswer, HttpCall};

/// The number of no shared queue: by it a stream asks the root to do what only the root can.
pub(super) const DRAIN: u32 = u32::MAX;

/// Streams that are released in one callback (see [`Gate::release`]).
const RELEASES_PER_TURN: usize = 32;

/// Often enough for deadlines of seconds, and about a microsecond each.
const TICK: Duration = Duration::from_millis(100);

/// Ticks between two looks at Envoy's log level.
const LOG_LEVEL_TICKS: u32 = 10;

pub(super) struct Root {
    id: u32,
    /// The gate of the newest configuration stands last; those before it end with their last request.
    gates: Vec<Rc<Gate>>,
    /// Calls under way, by the host's number.
    calls: BTreeMap<u32, (Rc<Gate>, CallId, usize)>,
    /// Wakes this context for its next turn; without it the next tick does.
    queue: Option<u32>,
    turn_asked: bool,
    ticks: u32,
}

impl Root {
    pub(super) fn new(id: u32) -> Self {
        Self {
            id,
            gates: Vec::new(),
            calls: BTreeMap::new(),
            queue: None,
            turn_asked: false,
            ticks: 0,
        }
    }

    /// Does what the broker asked for, but releases no more than `releases` streams. A call that the host
    /// refuses to send makes new effects, so this goes on until there are no calls.
    fn drain(&mut self, gate: &Rc<Gate>, mut releases: usize) {
        loop {
            gate.sort_effects();
            gate.release(&mut releases);
            let calls = gate.take_calls();
            if calls.is_empty() {
                break;
            }
            for (id, call) in calls {
                match dispatch(&call) {
                    Some(token) => {
                        let call = (Rc::clone(gate), id, call.answer_limit);
                        self.calls.insert(token, call);
                    }
                    None => {
                        gate.tell(|broker, now| broker.call_answered(now, id, CallAnswer::NotSent))
                    }
                }
            }
        }
        if gate.has_more() && !self.turn_asked {
            self.turn_asked = self.queue.is_some_and(imports::enqueue);
        }
    }
}

impl Context for Root {
    fn on_http_call_response(
        &mut self,
        token: u32,
        headers: usize,
        body_size: usize,
        _trailers: usize,
    ) {
        let Some((gate, id, limit)) = self.calls.remove(&token) else {
            return;
        };
        let status;
        let retry_after;
        let body;
        let answer = if headers == 0 {
            CallAnswer::Broken
        } else if body_size > limit {
            CallAnswer::TooLarge
        } else {
            status = imports::header(Map::CallResponse, ":status")
                .and_then(|status| std::str::from_utf8(&status).ok()?.parse().ok());
            retry_after = imports::header(Map::CallResponse, "retry-after");
            body = if body_size == 0 {
                None
            } else {
                imports::call_response_body(body_size)
            };
            CallAnswer::Answered {
                status: status.unwrap_or(0),
                retry_after: retry_after.as_deref().filter(|value| !value.is_empty()),
                body: body.as_deref().unwrap_or_default(),
            }
        };
        gate.tell(|broker, now| broker.call_answered(now, id, answer));
        self.drain(&gate, RELEASES_PER_TURN);
    }

    fn on_done(&mut self) -> bool {
        self.gates.iter().for_each(|gate| gate.retire());
        true
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = self.get_plugin_configuration().unwrap_or_default();
        let config = match config::load(&bytes, &|name| std::env::var(name).ok()) {
            Ok(config) => config,
            Err(faults) => {
                for fault in faults.iter() {
                    imports::log(4, &format!("icegate: configuration: {fault}"));
                }
                return false;
            }
        };
        let mut name = [0; 16];
        if getrandom::fill(&mut name).is_err()
            || imports::unix_nanoseconds().is_none()
            || hostcalls::set_tick_period(TICK).is_err()
        {
            imports::log(4, "icegate: this host lacks randomness, a clock or timers");
            return false;
        }
        // Whoever registers a name last is woken: every VM has a name of its own.
        self.queue =
            imports::register_queue(&format!("icegate-{:032x}", u128::from_le_bytes(name)));
        let gate = Rc::new(Gate::new(config));
        gate.follow_log_level();
        self.gates.push(Rc::clone(&gate));
        self.drain(&gate, 0);
        true
    }

    fn on_tick(&mut self) {
        let newest = self.gates.len().saturating_sub(1);
        for (position, gate) in self.gates.clone().iter().enumerate() {
            gate.tell(|broker, now| broker.tick(now));
            self.drain(gate, RELEASES_PER_TURN);
            if self.ticks == 0 {
                gate.follow_log_level();
            }
            // Two are this list and its copy: no stream and no call refers to it any more.
            if position < newest && Rc::strong_count(gate) == 2 {
                gate.retire();
                self.gates.retain(|kept| !Rc::ptr_eq(kept, gate));
            } else {
                gate.flush();
            }
        }
        let next = self.ticks.wrapping_add(1).checked_rem(LOG_LEVEL_TICKS);
        self.ticks = next.unwrap_or(0);
    }

    fn on_queue_ready(&mut self, queue: u32) {
        let mut releases = 0;
        if queue != DRAIN {
            imports::empty_queue(queue);
            self.turn_asked = false;
            releases = RELEASES_PER_TURN;
        }
        for gate in self.gates.clone() {
            if queue != DRAIN {
                gate.tell(|broker, now| broker.turn(now));
            }
            self.drain(&gate, releases);
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(
            id,
            self.id,
            self.gates.last().cloned(),
        )))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// Sends a call. `None`: the host refused it.
fn dispatch(call: &HttpCall) -> Option<u32> {
    let mut headers = vec![
        (":method", call.method),
        (":scheme", call.scheme),
        (":authority", &*call.authority),
        (":path", &*call.path),
    ];
    headers.extend(
        call.headers
            .iter()
            .map(|(name, value)| (*name, value.expose().as_str())),
    );
    let body = call.body.expose();
    let body = (!body.is_empty()).then_some(body.as_slice());
    hostcalls::dispatch_http_call(&call.cluster, headers, body, Vec::new(), call.timeout).ok()
}
