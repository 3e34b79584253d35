//! One request at the host.

use std::cell::RefCell;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use super::gate::{Applied, Gate, Phase};
use super::imports::{self, Map};
use crate::broker::StreamId;
use crate::refusal;
use crate::wire::{self, HeaderBlock, RequestHead};

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

    fn answered(&self) -> Action {
        self.enter(Phase::Answered);
        Action::Pause
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
        let Some(gate) = &self.gate else {
            imports::send_reply(&refusal::host_failed());
            return self.answered();
        };
        let Some(headers) = headers else {
            gate.host_failed("the headers could not be read");
            return self.answered();
        };
        let head = RequestHead::read(headers.iter());
        if !head
            .stripped
            .iter()
            .all(|name| imports::remove(Map::Request, name))
        {
            gate.host_failed("a header could not be removed");
            return self.answered();
        }
        let fact =
            |broker: &mut crate::broker::Broker, now| broker.request(now, StreamId(self.id), &head);
        match gate.tell_from_stream(self.root, self.id, fact) {
            Some(verdict) => match gate.apply(&verdict) {
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
        // No client of Iceberg sends trailers; what may not stand in a header may not stand here.
        let block = imports::headers(Map::RequestTrailers);
        for (name, _) in block
            .as_deref()
            .and_then(HeaderBlock::new)
            .iter()
            .flat_map(HeaderBlock::iter)
        {
            if wire::is_stripped(name) || name.eq_ignore_ascii_case(b"authorization") {
                imports::remove(Map::RequestTrailers, name);
            }
        }
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
