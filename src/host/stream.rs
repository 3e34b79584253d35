//! One request at the host.

use std::cell::RefCell;
use std::rc::Rc;

use super::gate::{Applied, Gate, Phase};
use super::imports::{self, Map};
use super::root::Root;
use crate::broker::{Broker, StreamId, Ticket};
use crate::refusal;
use crate::wire::{self, HeaderBlock, RequestHead};

/// What becomes of headers: `FilterHeadersStatus` of Envoy, which has more values than `proxy_action_t` of
/// the ABI. docs/design.md, "The host, watched", tells what each came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadersGo {
    /// They go on.
    On = 0,
    /// They wait, and the body comes piece by piece. Without `allow_on_headers_stop_iteration` it does not
    /// come: then this is [`Self::NotYet`]. Never for headers that have no body behind them.
    #[expect(dead_code, reason = "for the rules about bodies")]
    AwaitBody = 1,
    /// They wait, and so does all that is behind them: the client is slowed down, and nothing is put by.
    NotYet = 4,
}

/// What becomes of a piece of a body: `FilterDataStatus` of Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataGoes {
    /// It goes on, and with it all that waited.
    On = 0,
    /// It waits at Envoy, which slows the sender down when that gets much, and never answers 413 for it.
    NotYet = 2,
    /// It was taken: Envoy forgets it. Whoever took all of a body puts it back with the last piece.
    #[expect(dead_code, reason = "for the rules about bodies")]
    Taken = 3,
}

/// What becomes of trailers: `FilterTrailersStatus` of Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrailersGo {
    /// They go on.
    On = 0,
    /// They wait.
    NotYet = 1,
}

pub(super) struct Stream {
    id: u32,
    root: Rc<Root>,
    gate: Option<Rc<Gate>>,
    phase: Rc<RefCell<Phase>>,
}

impl Stream {
    pub(super) fn new(id: u32, root: Rc<Root>) -> Self {
        Self {
            id,
            gate: root.newest_gate(),
            root,
            phase: Rc::new(RefCell::new(Phase::New)),
        }
    }

    pub(super) fn request_headers(&self) -> HeadersGo {
        let Some(gate) = &self.gate else {
            imports::send_reply(&refusal::host_failed());
            return self.enter(Phase::Answered);
        };
        let block = imports::headers(Map::Request);
        let Some(headers) = block.as_deref().and_then(HeaderBlock::new) else {
            gate.host_failed("the headers could not be read");
            return self.enter(Phase::Answered);
        };
        let head = RequestHead::read(headers.iter());
        if !head
            .stripped
            .iter()
            .all(|name| imports::remove(Map::Request, name))
        {
            gate.host_failed("a header could not be removed");
            return self.enter(Phase::Answered);
        }
        let fact = |broker: &mut Broker, now| broker.request(now, StreamId(self.id), &head);
        match self.root.tell_from_stream(gate, self.id, fact) {
            Some(verdict) => match gate.apply(&verdict) {
                Applied::Go(ticket) => self.enter(Phase::Forwarded(ticket)),
                Applied::Answered => self.enter(Phase::Answered),
            },
            None => {
                gate.park(self.id, &self.phase);
                self.enter(Phase::Parked)
            }
        }
    }

    pub(super) fn request_body(&self) -> DataGoes {
        if self.may_go() {
            DataGoes::On
        } else {
            DataGoes::NotYet
        }
    }

    pub(super) fn request_trailers(&self) -> TrailersGo {
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
        if self.may_go() {
            TrailersGo::On
        } else {
            TrailersGo::NotYet
        }
    }

    pub(super) fn response_headers(&self) -> HeadersGo {
        if let Some(ticket) = self.ticket()
            && let Some(gate) = &self.gate
            && imports::header(Map::Response, ":status").as_deref() == Some(b"401")
        {
            self.root.tell_from_stream(gate, self.id, |broker, now| {
                broker.catalog_unauthorized(now, &ticket);
            });
        }
        HeadersGo::On
    }

    /// The seam for what is read of answers.
    pub(super) fn response_body(&self) -> DataGoes {
        DataGoes::On
    }

    /// The seam for the audit: the request is over, its headers, its response's and properties are at hand.
    pub(super) fn log(&self) {}

    /// What the request went to the catalog with.
    fn ticket(&self) -> Option<Ticket> {
        match &*self.phase.borrow() {
            Phase::Forwarded(ticket) => Some(ticket.clone()),
            Phase::New | Phase::Parked | Phase::Answered => None,
        }
    }

    /// The context ends: whoever waited waits no more.
    pub(super) fn end(&self) {
        let waits = matches!(*self.phase.borrow(), Phase::Parked);
        if let Some(gate) = self.gate.as_ref().filter(|_| waits) {
            gate.unpark(self.id);
            gate.tell(|broker, now| broker.request_gone(now, StreamId(self.id)));
        }
    }

    fn enter(&self, phase: Phase) -> HeadersGo {
        *self.phase.borrow_mut() = phase;
        if self.may_go() {
            HeadersGo::On
        } else {
            HeadersGo::NotYet
        }
    }

    /// Nothing goes upstream before the verdict.
    fn may_go(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Forwarded(_))
    }
}

/// The headers of a request without a context: of no root, or of a root that has ended.
pub(super) fn stray() -> HeadersGo {
    imports::send_reply(&refusal::host_failed());
    HeadersGo::NotYet
}
