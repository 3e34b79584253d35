//! The root context: configuration, ticks, calls to identity providers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::gate::Gate;
use super::imports::{self, Map};
use crate::audit::Record;
use crate::broker::{Broker, CallId, Verdict};
use crate::clock::Now;
use crate::config;
use crate::wire::CallAnswer;

/// Streams that are released in one callback (see [`Gate::release`]).
const RELEASES_PER_TURN: usize = 32;

/// Often enough for deadlines of seconds, and about a microsecond each.
const TICK: Duration = Duration::from_millis(100);

/// Ticks between two looks at Envoy's log level.
const LOG_LEVEL_TICKS: u32 = 10;

/// A call under way: whose it is, and how long its answer may be.
struct Call {
    gate: Rc<Gate>,
    id: CallId,
    answer_limit: usize,
}

#[derive(Default)]
pub(super) struct Root {
    /// The gate of the newest configuration stands last; those before it end with their last request.
    gates: RefCell<Vec<Rc<Gate>>>,
    /// Calls under way, by the host's number.
    calls: RefCell<BTreeMap<u32, Call>>,
    /// Wakes this context for its next turn; without it the next tick does.
    queue: Cell<Option<u32>>,
    turn_asked: Cell<bool>,
    ticks: Cell<u32>,
}

impl Root {
    /// The gate that decides about new requests.
    pub(super) fn newest_gate(&self) -> Option<Rc<Gate>> {
        self.gates.borrow().last().cloned()
    }

    /// What holds while the configuration is looked at; nothing stays borrowed.
    fn gates(&self) -> Vec<Rc<Gate>> {
        self.gates.borrow().clone()
    }

    /// Tells a fact about the stream whose callback is running, and returns the verdict on it if it came at
    /// once. Others are released in a turn of their own.
    pub(super) fn tell_from_stream(
        &self,
        gate: &Rc<Gate>,
        stream: u32,
        fact: impl FnOnce(&mut Broker, Now),
    ) -> Option<(Verdict, Option<Box<Record>>)> {
        gate.enter(stream);
        gate.tell(fact);
        self.drain(gate, 0);
        gate.leave()
    }

    /// Does what the broker asked for, but releases no more than `releases` streams: none of them in a
    /// stream's own callback (see [`Gate::release`]). A call that the host refuses to send makes new effects,
    /// so this goes on until there are no calls.
    pub(super) fn drain(&self, gate: &Rc<Gate>, mut releases: usize) {
        loop {
            gate.sort_effects();
            gate.release(&mut releases);
            let calls = gate.take_calls();
            if calls.is_empty() {
                break;
            }
            for (id, call) in calls {
                match imports::call(&call) {
                    Some(token) => {
                        let call = Call {
                            gate: Rc::clone(gate),
                            id,
                            answer_limit: call.answer_limit,
                        };
                        self.calls.borrow_mut().insert(token, call);
                    }
                    None => {
                        gate.tell(|broker, now| broker.call_answered(now, id, CallAnswer::NotSent));
                    }
                }
            }
        }
        if gate.has_more() && !self.turn_asked.get() {
            let asked = self.queue.get().is_some_and(imports::enqueue);
            self.turn_asked.set(asked);
        }
    }

    /// Reads a configuration. `false`: it is not taken, and Envoy goes on with the one before.
    pub(super) fn configure(&self, size: usize) -> bool {
        let bytes = imports::configuration(size).unwrap_or_default();
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
            || !imports::set_tick_period(TICK)
        {
            imports::log(4, "icegate: this host lacks randomness, a clock or timers");
            return false;
        }
        // Whoever registers a name last is woken: every VM has a name of its own.
        let name = format!("icegate-{:032x}", u128::from_le_bytes(name));
        self.queue.set(imports::register_queue(&name));
        let gate = Rc::new(Gate::new(config));
        gate.follow_log_level();
        self.gates.borrow_mut().push(Rc::clone(&gate));
        self.drain(&gate, 0);
        true
    }

    /// An answer to a call came, or how it ended without one. Calls that nobody knows are nobody's.
    pub(super) fn call_answered(&self, token: u32, headers: u32, body_size: usize) {
        let Some(call) = self.take_call(token) else {
            return;
        };
        let status;
        let retry_after;
        let body;
        let answer = if headers == 0 {
            CallAnswer::Broken
        } else if body_size > call.answer_limit {
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
        call.gate
            .tell(|broker, now| broker.call_answered(now, call.id, answer));
        self.drain(&call.gate, RELEASES_PER_TURN);
    }

    fn take_call(&self, token: u32) -> Option<Call> {
        self.calls.borrow_mut().remove(&token)
    }

    /// Time passed.
    pub(super) fn tick(&self) {
        let gates = self.gates();
        let newest = gates.len().saturating_sub(1);
        for (position, gate) in gates.iter().enumerate() {
            gate.tell(|broker, now| broker.tick(now));
            self.drain(gate, RELEASES_PER_TURN);
            if self.ticks.get() == 0 {
                gate.follow_log_level();
            }
            // Two are the list and its copy: no stream and no call refers to it any more.
            if position < newest && Rc::strong_count(gate) == 2 {
                gate.retire();
                let mut kept = self.gates.borrow_mut();
                kept.retain(|kept| !Rc::ptr_eq(kept, gate));
            } else {
                gate.flush();
            }
        }
        let next = self
            .ticks
            .get()
            .wrapping_add(1)
            .checked_rem(LOG_LEVEL_TICKS);
        self.ticks.set(next.unwrap_or(0));
    }

    /// The event loop came around after somebody asked for it.
    pub(super) fn turn(&self, queue: u32) {
        imports::empty_queue(queue);
        self.turn_asked.set(false);
        for gate in self.gates() {
            gate.tell(|broker, now| broker.turn(now));
            self.drain(&gate, RELEASES_PER_TURN);
        }
    }

    /// The context ends.
    pub(super) fn end(&self) {
        self.gates().iter().for_each(|gate| gate.retire());
    }
}
