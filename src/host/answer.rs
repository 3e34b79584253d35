//! The catalog's answer to one request at the host.

use super::goes::{DataGoes, HeadersGo, TrailersGo};
use super::imports::{self, Map};
use super::stream::{Phase, Stream, Taken};
use crate::broker::{AnswerBody, AnswerHead, AnswerStep, Ticket};
use crate::wire::Reply;

/// What becomes of an answer's body.
#[derive(Debug, Default)]
pub(super) enum Answer {
    /// It streams.
    #[default]
    Streams,
    /// It is taken out of Envoy, at most so many bytes of it.
    Collected(usize, Taken),
    /// It is taken and dropped; this takes its place.
    Replaced(Vec<u8>),
    /// The gate has answered in its place.
    Refused,
}

impl Stream {
    /// The headers of an answer: the catalog's, or the gate's own on their way to the client.
    pub(super) fn response_headers(&self, ended: bool) -> HeadersGo {
        let ticket = self.ticket();
        let wants_status = ticket.is_some() || self.flow.record.borrow().is_some();
        let status = wants_status.then(|| imports::header(Map::Response, ":status"));
        let status = status
            .flatten()
            .and_then(|status| number(&status))
            .and_then(|status| u16::try_from(status).ok());
        self.flow.status.set(status);
        let status = status.unwrap_or(0);
        let (Some(ticket), Some(gate)) = (ticket, &self.gate) else {
            return HeadersGo::On;
        };
        if !ticket.looks_at(status) {
            return HeadersGo::On;
        }
        let guarded = ticket.is_guarded();
        let read = |name: &str| {
            guarded
                .then(|| imports::header(Map::Response, name))
                .flatten()
        };
        let encoding = read("content-encoding");
        let head = AnswerHead {
            status,
            content_encoding: encoding.as_deref(),
            content_length: read("content-length").and_then(|length| number(&length)),
            ends: ended,
        };
        let mut step = AnswerStep::Pass;
        self.tell(gate, |broker, now| {
            step = broker.answer_head(now, &ticket, &head)
        });
        let answer = match step {
            AnswerStep::Pass => return HeadersGo::On,
            AnswerStep::Collect(most) => Answer::Collected(most, Taken::default()),
            AnswerStep::Replace(body) => {
                imports::remove(Map::Response, b"content-encoding");
                Answer::Replaced(body)
            }
            AnswerStep::Refuse(reply) => {
                self.refuse_answer(&reply);
                return HeadersGo::NotYet;
            }
        };
        *self.answer.borrow_mut() = answer;
        HeadersGo::AwaitBody
    }

    /// A piece of an answer's body.
    pub(super) fn response_body(&self, size: usize, ended: bool) -> DataGoes {
        let answer = std::mem::take(&mut *self.answer.borrow_mut());
        match answer {
            Answer::Streams => DataGoes::On,
            Answer::Refused => DataGoes::NotYet,
            Answer::Replaced(body) => self.replace(body, ended),
            Answer::Collected(most, mut taken) => {
                let before = taken.bytes.len();
                if !taken.add(imports::response_body(size)) {
                    return self.go_on(AnswerBody::Lost, &taken.bytes, ended);
                }
                let piece = taken.bytes.len().saturating_sub(before);
                let has_room = self.gate.as_ref().is_some_and(|gate| gate.hold(piece));
                if taken.bytes.len() > most || !has_room {
                    return self.go_on(AnswerBody::TooLarge, &taken.bytes, ended);
                }
                if ended {
                    return self.go_on(AnswerBody::Whole(&taken.bytes), &taken.bytes, ended);
                }
                *self.answer.borrow_mut() = Answer::Collected(most, taken);
                DataGoes::Taken
            }
        }
    }

    /// Does what the broker makes of a body; `bytes`: what has been taken of it, the piece of this callback at its
    /// end.
    fn go_on(&self, body: AnswerBody<'_>, bytes: &[u8], ended: bool) -> DataGoes {
        let (Some(ticket), Some(gate)) = (self.ticket(), &self.gate) else {
            return DataGoes::On;
        };
        let mut step = AnswerStep::Pass;
        self.tell(gate, |broker, _| step = broker.answer_body(&ticket, body));
        gate.let_go(bytes.len());
        match step {
            AnswerStep::Pass | AnswerStep::Collect(_) => {
                imports::set_response_body(bytes);
                DataGoes::On
            }
            AnswerStep::Replace(body) => self.replace(body, ended),
            AnswerStep::Refuse(reply) => {
                self.refuse_answer(&reply);
                DataGoes::NotYet
            }
        }
    }

    /// Trailers end an answer whose body was taken and cannot be put back any more: the gate gives the same answer
    /// itself.
    pub(super) fn response_trailers(&self) -> TrailersGo {
        let answer = std::mem::take(&mut *self.answer.borrow_mut());
        let (body, step) = match answer {
            Answer::Streams => return TrailersGo::On,
            Answer::Refused => return TrailersGo::NotYet,
            Answer::Replaced(body) => (Vec::new(), AnswerStep::Replace(body)),
            Answer::Collected(_, taken) => {
                let mut step = AnswerStep::Pass;
                if let (Some(ticket), Some(gate)) = (self.ticket(), &self.gate) {
                    let body = AnswerBody::Whole(&taken.bytes);
                    self.tell(gate, |broker, _| step = broker.answer_body(&ticket, body));
                    gate.let_go(taken.bytes.len());
                }
                (taken.bytes, step)
            }
        };
        let body = match step {
            AnswerStep::Pass | AnswerStep::Collect(_) => body,
            AnswerStep::Replace(body) => body,
            AnswerStep::Refuse(reply) => {
                self.refuse_answer(&reply);
                return TrailersGo::NotYet;
            }
        };
        self.answer_instead(body);
        TrailersGo::NotYet
    }

    /// The gate gives the catalog's answer itself, with this body.
    fn answer_instead(&self, body: Vec<u8>) {
        *self.answer.borrow_mut() = Answer::Refused;
        imports::send_reply(&Reply {
            status: self.flow.status.get().unwrap_or(200),
            headers: vec![("content-type", "application/json".to_owned())],
            body,
            details: "answer_without_trailers",
        });
    }

    fn refuse_answer(&self, reply: &Reply) {
        self.enter(Phase::Answered);
        *self.answer.borrow_mut() = Answer::Refused;
        // Envoy shows the gate no headers of an answer in place of another.
        self.flow.status.set(Some(reply.status));
        if let Some(record) = &mut *self.flow.record.borrow_mut() {
            record.refusal = Some(reply.details);
        }
        imports::send_reply(reply);
    }

    /// The other body goes with the last piece; its length is told while the headers still wait.
    fn replace(&self, body: Vec<u8>, ended: bool) -> DataGoes {
        if !ended {
            *self.answer.borrow_mut() = Answer::Replaced(body);
            return DataGoes::Taken;
        }
        imports::set_header(
            Map::Response,
            "content-length",
            body.len().to_string().as_bytes(),
        );
        if !imports::set_response_body(&body) {
            self.answer_instead(body);
            return DataGoes::NotYet;
        }
        DataGoes::On
    }

    /// What the request went to the catalog with.
    fn ticket(&self) -> Option<Ticket> {
        match &*self.flow.phase.borrow() {
            Phase::Forwarded(ticket) => Some(ticket.clone()),
            Phase::New | Phase::Parked | Phase::Answered => None,
        }
    }
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}
