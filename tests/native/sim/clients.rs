//! Clients: what they send, and what they got.

use icegate::broker::{Level, StreamId};
use icegate::wire::{Reply, RequestHead};

use super::world::{Outcome, Request, World, table};

impl World {
    /// A request arrives.
    pub(crate) fn send(&mut self, method: &str, path: &str, token: &str) -> StreamId {
        let authorization = format!("Bearer {token}");
        let headers: [(&[u8], &[u8]); 4] = [
            (b":method", method.as_bytes()),
            (b":path", path.as_bytes()),
            (b"authorization", authorization.as_bytes()),
            (b"x-request-id", b"r-1"),
        ];
        self.send_headers(&headers, token)
    }

    /// A request of any headers arrives.
    pub(crate) fn send_headers(&mut self, headers: &[(&[u8], &[u8])], token: &str) -> StreamId {
        self.send_head(&RequestHead::read(headers.iter().copied()), token)
    }

    /// A request with any head arrives.
    pub(crate) fn send_head(&mut self, head: &RequestHead<'_>, token: &str) -> StreamId {
        let stream = self.name_stream();
        self.send_head_as(stream, head, token)
    }

    pub(super) fn name_stream(&mut self) -> StreamId {
        if self.reuses_names {
            let free = |id: &u32| !self.waiting.contains(&StreamId(*id));
            StreamId((1..).find(free).expect("there are many"))
        } else {
            self.next_stream += 1;
            StreamId(self.next_stream)
        }
    }

    /// A request arrives under a name of the story's choice.
    pub(crate) fn send_as(
        &mut self,
        stream: StreamId,
        headers: &[(&[u8], &[u8])],
        token: &str,
    ) -> StreamId {
        self.send_head_as(stream, &RequestHead::read(headers.iter().copied()), token)
    }

    fn send_head_as(&mut self, stream: StreamId, head: &RequestHead<'_>, token: &str) -> StreamId {
        let request = Request {
            token: token.to_owned(),
            method: String::from_utf8_lossy(head.method).into_owned(),
            path: String::from_utf8_lossy(head.path).into_owned(),
            arrived: self.now.instant,
            outcome: Outcome::Waiting,
            minted: None,
            ticket: None,
            body: None,
            record: None,
            ask: None,
        };
        self.requests.insert(stream, request);
        self.waiting.insert(stream);
        self.broker.request(self.now, stream, head);
        self.settle();
        stream
    }

    /// A read at the lake.
    pub(crate) fn read(&mut self, token: &str) -> StreamId {
        self.send("GET", &table("iceberg"), token)
    }

    /// A commit at the lake.
    pub(crate) fn commit(&mut self, token: &str) -> StreamId {
        self.send("POST", &table("iceberg"), token)
    }

    /// The client hangs up.
    pub(crate) fn hang_up(&mut self, stream: StreamId) {
        if let Some(request) = self.requests.get_mut(&stream)
            && matches!(request.outcome, Outcome::Waiting)
        {
            request.outcome = Outcome::Gone;
            self.waiting.remove(&stream);
        }
        self.broker.request_gone(self.now, stream);
        self.settle();
    }

    /// The catalog answers 401.
    pub(crate) fn catalog_says_401(&mut self, stream: StreamId) {
        if let Some(ticket) = self.requests[&stream].ticket.clone() {
            self.broker.catalog_unauthorized(self.now, &ticket);
            self.settle();
        }
    }

    pub(crate) fn outcome(&self, stream: StreamId) -> &Outcome {
        &self.requests[&stream].outcome
    }

    pub(crate) fn is_waiting(&self, stream: StreamId) -> bool {
        matches!(self.outcome(stream), Outcome::Waiting)
    }

    #[track_caller]
    pub(crate) fn assert_forwarded(&self, stream: StreamId) {
        let outcome = self.outcome(stream);
        assert!(matches!(outcome, Outcome::Forwarded), "{outcome:?}");
    }

    /// Status and name of a refusal.
    #[track_caller]
    pub(crate) fn refusal(&self, stream: StreamId) -> (u16, &'static str) {
        match self.outcome(stream) {
            Outcome::Refused(reply) => (reply.status, reply.details),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn reply(&self, stream: StreamId) -> &Reply {
        match self.outcome(stream) {
            Outcome::Refused(reply) => reply,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// `Retry-After` of a refusal, in seconds.
    #[track_caller]
    pub(crate) fn retry_after(&self, stream: StreamId) -> u64 {
        let reply = self.reply(stream);
        let header = reply
            .headers
            .iter()
            .find(|(name, _)| *name == "retry-after");
        header.expect("Retry-After").1.parse().expect("a number")
    }

    pub(crate) fn count(&self, name: &str) -> i64 {
        let number = self.numbers.get(name);
        self.counts[*number.unwrap_or_else(|| panic!("no metric {name}"))]
    }

    /// The samples of a histogram.
    pub(crate) fn samples(&self, name: &str) -> Vec<u64> {
        let of_name = self
            .samples
            .iter()
            .filter(|(number, _)| self.metrics[*number] == name);
        of_name.map(|(_, milliseconds)| *milliseconds).collect()
    }

    pub(crate) fn noted(&self, level: Level, words: &str) -> usize {
        let hit = |note: &&(Level, String)| note.0 == level && note.1.contains(words);
        self.notes.iter().filter(hit).count()
    }
}
