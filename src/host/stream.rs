//! One request at the host.

use std::cell::RefCell;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use super::gate::{Applied, Gate, Phase, apply};
use super::imports::{self, Map};
use crate::broker::StreamId;
use crate::refusal;
use crate::wire::{HeaderBlock, RequestHead};

pub(super) struct Stream {
    id: u32,
    root: u32,
    gate: Option<Rc<Gate>>,
    phase: Rc<RefCell<Phase>>,
}

impl Stream {
    pub(super) fn new(id: u32, root: u32, gate: Option<Rc<Gate>>) -> Self {
        Self {
            id,
            root,
            gate,
            phase: Rc::new(RefCell::new(Phase::New)),
        }
    }

    fn enter(&self, phase: Phase) {
        *self.phase.borrow_mut() = phase;
    }

    /// Nothing goes upstream, and no more of the body is taken, before the verdict.
    fn hold(&self) -> Action {
        match *self.phase.borrow() {
            Phase::Forwarded(_) => Action::Continue,
            Phase::New | Phase::Parked | Phase::Answered => Action::Pause,
        }
    }
}

impl Context for Stream {
    fn on_done(&mut self) -> bool {
        if matches!(*self.phase.borrow(), Phase::Parked)
            && let Some(gate) = &self.gate
        {
            gate.unpark(self.id);
            gate.tell(|broker, now| broker.request_gone(now, StreamId(self.id)));
        }
        true
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        let block = imports::headers(Map::Request);
        let headers = block.as_deref().and_then(HeaderBlock::new);
        let (Some(gate), Some(headers)) = (&self.gate, headers) else {
            imports::send_reply(&refusal::host_failed());
            self.enter(Phase::Answered);
            return Action::Pause;
        };
        let head = RequestHead::read(headers.iter());
        for name in &head.stripped {
            imports::remove_request_header(name);
        }
        let fact =
            |broker: &mut crate::broker::Broker, now| broker.request(now, StreamId(self.id), &head);
        match gate.tell_from_stream(self.root, self.id, fact) {
            Some(verdict) => match apply(&verdict) {
                Applied::Go(ticket) => self.enter(Phase::Forwarded(ticket)),
                Applied::Answered => self.enter(Phase::Answered),
            },
            None => {
                self.enter(Phase::Parked);
                gate.park(self.id, &self.phase);
            }
        }
        self.hold()
    }

    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        self.hold()
    }

    fn on_http_request_trailers(&mut self, _trailers: usize) -> Action {
        self.hold()
    }

    fn on_http_response_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        if let Phase::Forwarded(ticket) = &*self.phase.borrow()
            && let Some(gate) = &self.gate
            && imports::header(Map::Response, ":status").as_deref() == Some(b"401")
        {
            gate.tell_from_stream(self.root, self.id, |broker, now| {
                broker.catalog_unauthorized(now, ticket)
            });
        }
        Action::Continue
    }
}
