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

/// Often enough for deadlines of seconds, and about a microsecond each.
const TICK: Duration = Duration::from_millis(100);

/// Ticks between two looks at Envoy's log level.
const LOG_LEVEL_TICKS: u32 = 10;

pub(super) struct Root {
    id: u32,
    gate: Option<Rc<Gate>>,
    /// Calls under way, by the host's number.
    calls: BTreeMap<u32, (Rc<Gate>, CallId, usize)>,
    ticks: u32,
}

impl Root {
    pub(super) fn new(id: u32) -> Self {
        Self {
            id,
            gate: None,
            calls: BTreeMap::new(),
            ticks: 0,
        }
    }

    /// Does everything that the broker asked for. A call that the host refuses to send makes new
    /// effects, so this goes on until there are none.
    fn drain(&mut self, gate: &Rc<Gate>) {
        loop {
            gate.sort_effects();
            gate.release_others();
            let calls = gate.take_calls();
            if calls.is_empty() {
                return;
            }
            for (id, call) in calls {
                match dispatch(&call) {
                    Some(token) => {
                        self.calls
                            .insert(token, (Rc::clone(gate), id, call.answer_limit));
                    }
                    None => {
                        gate.tell(|broker, now| broker.call_answered(now, id, CallAnswer::NotSent))
                    }
                }
            }
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
        self.drain(&gate);
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = self.get_plugin_configuration().unwrap_or_default();
        match config::load(&bytes, &|name| std::env::var(name).ok()) {
            Ok(config) => {
                let gate = Rc::new(Gate::new(config));
                gate.follow_log_level();
                self.gate = Some(Rc::clone(&gate));
                if hostcalls::set_tick_period(TICK).is_err() {
                    imports::log(
                        4,
                        "icegate: this host has no timers: deadlines cannot be kept",
                    );
                    return false;
                }
                self.drain(&gate);
                true
            }
            Err(faults) => {
                for fault in faults.iter() {
                    imports::log(4, &format!("icegate: configuration: {fault}"));
                }
                false
            }
        }
    }

    fn on_tick(&mut self) {
        let Some(gate) = self.gate.clone() else {
            return;
        };
        gate.tell(|broker, now| broker.tick(now));
        self.drain(&gate);
        if self.ticks == 0 {
            gate.follow_log_level();
        }
        self.ticks = self
            .ticks
            .wrapping_add(1)
            .checked_rem(LOG_LEVEL_TICKS)
            .unwrap_or(0);
        gate.flush();
    }

    fn on_queue_ready(&mut self, queue: u32) {
        if queue == DRAIN
            && let Some(gate) = self.gate.clone()
        {
            self.drain(&gate);
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(id, self.id, self.gate.clone())))
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
