//! One request at the host.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::answer::Answer;
use super::gate::{Applied, Gate};
use super::goes::{DataGoes, HeadersGo, TrailersGo};
use super::imports::{self, Map};
use super::root::Root;
use crate::audit::Record;
use crate::broker::{ArrivedBody, Broker, StreamId, Ticket, Verdict};
use crate::refusal;
use crate::wire::{self, HeaderBlock, RequestHead};

/// Where a stream stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// Nothing was read yet.
    New,
    /// It waits for the broker's verdict.
    Parked,
    /// It went to the catalog.
    Forwarded(Ticket),
    /// The gate answered it.
    Answered,
}

/// What is known of a stream, shared with the gate while it waits.
pub(super) struct Flow {
    pub(super) phase: RefCell<Phase>,
    /// What is to be told when it has ended.
    pub(super) record: RefCell<Option<Box<Record>>>,
    /// The status that the client gets, for the record.
    pub(super) status: Cell<Option<u16>>,
}

/// A body, or as much of it as has come, taken out of Envoy.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) bytes: Vec<u8>,
}

impl Taken {
    /// Adds the piece of this callback. `false`: Envoy did not hand it over.
    pub(super) fn add(&mut self, piece: Option<Vec<u8>>) -> bool {
        match piece {
            Some(piece) if self.bytes.is_empty() => self.bytes = piece,
            Some(piece) => self.bytes.extend_from_slice(&piece),
            None => return false,
        }
        true
    }
}

pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) root: Rc<Root>,
    pub(super) gate: Option<Rc<Gate>>,
    pub(super) flow: Rc<Flow>,
    /// The request's body, while the broker wants to see it: at most so many bytes.
    wanted: Cell<Option<usize>>,
    body: RefCell<Taken>,
    pub(super) answer: RefCell<Answer>,
}

impl Stream {
    pub(super) fn new(id: u32, root: Rc<Root>) -> Self {
        Self {
            id,
            gate: root.newest_gate(),
            root,
            flow: Rc::new(Flow {
                phase: RefCell::new(Phase::New),
                record: RefCell::new(None),
                status: Cell::new(None),
            }),
            wanted: Cell::new(None),
            body: RefCell::default(),
            answer: RefCell::default(),
        }
    }

    pub(super) fn request_headers(&self, ended: bool) -> HeadersGo {
        let Some(gate) = &self.gate else {
            imports::send_reply(&refusal::host_failed());
            return self.enter(Phase::Answered);
        };
        let block = imports::headers(Map::Request);
        let Some(headers) = block.as_deref().and_then(HeaderBlock::new) else {
            gate.host_failed("the headers could not be read");
            return self.enter(Phase::Answered);
        };
        let mut head = RequestHead::read(headers.iter());
        let peer = gate.asks_peer.then(imports::peer).flatten();
        head.peer = peer.as_deref();
        let source = head.asks_for_token().then(imports::source).flatten();
        head.source = source.as_deref();
        if !head
            .stripped
            .iter()
            .all(|name| imports::remove(Map::Request, name))
        {
            gate.host_failed("a header could not be removed");
            return self.enter(Phase::Answered);
        }
        let verdict = self.tell(gate, |broker, now| {
            broker.request(now, StreamId(self.id), &head);
        });
        if verdict.is_some() {
            return self.decided(gate, verdict);
        }
        gate.park(self.id, &self.flow);
        self.enter(Phase::Parked);
        let Some(most) = gate.awaits_body(self.id) else {
            return HeadersGo::NotYet;
        };
        if ended {
            let verdict = self.show_body(gate, ArrivedBody::Whole(b""));
            return self.decided(gate, verdict);
        }
        self.wanted.set(Some(most));
        HeadersGo::AwaitBody
    }

    /// Carries out a verdict that came in the stream's own callback.
    fn decided(&self, gate: &Gate, verdict: Option<Verdict>) -> HeadersGo {
        let Some(verdict) = verdict else {
            return HeadersGo::NotYet;
        };
        gate.unpark(self.id);
        match gate.apply(&verdict, &self.flow) {
            Applied::Go(ticket) => self.enter(Phase::Forwarded(ticket)),
            Applied::Answered => self.enter(Phase::Answered),
        }
    }

    /// What is wanted of a body is taken out of Envoy piece by piece, and put back whole with its last one.
    pub(super) fn request_body(&self, size: usize, ended: bool) -> DataGoes {
        let Some(most) = self.wanted.get() else {
            return self.rest_of_body(size);
        };
        let Some(gate) = self.gate.as_ref().filter(|_| self.is_parked()) else {
            return self.rest_of_body(size);
        };
        if !self.body.borrow_mut().add(imports::request_body(size)) {
            return self.lost(gate, "the body could not be read");
        }
        let bytes = std::mem::take(&mut self.body.borrow_mut().bytes);
        if bytes.len() > most {
            self.wanted.set(None);
            let verdict = self.show_body(gate, ArrivedBody::TooLarge);
            self.decided(gate, verdict);
            return DataGoes::NotYet;
        }
        if !ended {
            self.body.borrow_mut().bytes = bytes;
            return DataGoes::Taken;
        }
        self.wanted.set(None);
        let verdict = self.show_body(gate, ArrivedBody::Whole(&bytes));
        if !imports::set_request_body(&bytes) {
            return self.lost(gate, "the body could not be put back");
        }
        self.decided(gate, verdict);
        if self.may_go() {
            DataGoes::On
        } else {
            DataGoes::NotYet
        }
    }

    /// The host did not do with a body what it was asked to: the request is answered, and its verdict is for nobody.
    fn lost(&self, gate: &Gate, what: &str) -> DataGoes {
        self.wanted.set(None);
        gate.host_failed(what);
        gate.unpark(self.id);
        gate.tell(|broker, now| broker.request_gone(now, StreamId(self.id)));
        self.enter(Phase::Answered);
        DataGoes::NotYet
    }

    /// A piece of which nobody wants anything, behind whatever was taken before that was known.
    fn rest_of_body(&self, size: usize) -> DataGoes {
        if !self.may_go() {
            return DataGoes::NotYet;
        }
        let mut taken = std::mem::take(&mut *self.body.borrow_mut());
        if !taken.bytes.is_empty() {
            let whole = taken.add(imports::request_body(size));
            if !whole || !imports::set_request_body(&taken.bytes) {
                return match &self.gate {
                    Some(gate) => self.lost(gate, "the body could not be put back"),
                    None => DataGoes::NotYet,
                };
            }
        }
        DataGoes::On
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
        // What was taken of a body cannot be put back behind its last piece.
        if self.wanted.take().is_some()
            && let Some(gate) = &self.gate
        {
            let verdict = self.show_body(gate, ArrivedBody::WithTrailers);
            self.decided(gate, verdict);
        }
        // Nor where the request went, or is about to, without anybody having asked for all of its body.
        let taken = std::mem::take(&mut *self.body.borrow_mut());
        if !taken.bytes.is_empty()
            && !matches!(*self.flow.phase.borrow(), Phase::Answered)
            && let Some(gate) = &self.gate
        {
            self.lost(gate, "a body that trailers end could not be put back");
        }
        if self.may_go() {
            TrailersGo::On
        } else {
            TrailersGo::NotYet
        }
    }

    fn show_body(&self, gate: &Rc<Gate>, body: ArrivedBody<'_>) -> Option<Verdict> {
        self.tell(gate, |broker, now| {
            broker.body(now, StreamId(self.id), body)
        })
    }

    pub(super) fn tell(
        &self,
        gate: &Rc<Gate>,
        fact: impl FnOnce(&mut Broker, crate::clock::Now),
    ) -> Option<Verdict> {
        let (verdict, record) = self.root.tell_from_stream(gate, self.id, fact)?;
        *self.flow.record.borrow_mut() = record;
        Some(verdict)
    }

    /// The request is over: what is to be told about it is told.
    pub(super) fn log(&self) {
        if let (Some(record), Some(gate)) = (self.flow.record.take(), &self.gate) {
            gate.tell_record(&record, self.flow.status.get());
        }
    }

    /// The context ends: whoever waited waits no more.
    pub(super) fn end(&self) {
        if let (Answer::Collected(_, taken), Some(gate)) = (&*self.answer.borrow(), &self.gate) {
            gate.let_go(taken.bytes.len());
        }
        if let Some(gate) = self.gate.as_ref().filter(|_| self.is_parked()) {
            gate.unpark(self.id);
            gate.tell(|broker, now| broker.request_gone(now, StreamId(self.id)));
        }
    }

    pub(super) fn enter(&self, phase: Phase) -> HeadersGo {
        *self.flow.phase.borrow_mut() = phase;
        if self.may_go() {
            HeadersGo::On
        } else {
            HeadersGo::NotYet
        }
    }

    fn is_parked(&self) -> bool {
        matches!(*self.flow.phase.borrow(), Phase::Parked)
    }

    /// Nothing goes upstream before the verdict.
    fn may_go(&self) -> bool {
        matches!(*self.flow.phase.borrow(), Phase::Forwarded(_))
    }
}

/// The headers of a request without a context: of no root, or of a root that has ended.
pub(super) fn stray() -> HeadersGo {
    imports::send_reply(&refusal::host_failed());
    HeadersGo::NotYet
}
