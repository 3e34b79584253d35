//! A gate between clients and two identity providers.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use icegate::broker::{Broker, CallId, Effect, Entropy, Level, StreamId, Ticket, Verdict};
use icegate::clock::{Instant, Now, UnixTime};
use icegate::config::{Config, load};
use icegate::wire::{CallAnswer, HttpCall, Reply, RequestHead};
use serde_json::{Value, json};

use super::idp::{Answer, Idp, Mint, Remembering, SECRET, sign, signer};
use super::invariants;
use crate::tokens;

/// When every story begins, in seconds since 1970.
pub(crate) const START: u64 = 1_800_000_000;

/// A read.
pub(crate) fn table(catalog: &str) -> String {
    format!("/{catalog}/v1/main/namespaces/db/tables/t1")
}

/// What became of a request.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Waiting,
    Forwarded,
    Refused(Reply),
    Gone,
}

pub(crate) struct Request {
    pub(crate) token: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) arrived: Instant,
    pub(crate) outcome: Outcome,
    /// What it was forwarded with.
    pub(crate) minted: Option<String>,
    pub(crate) ticket: Option<Ticket>,
}

/// A token that a client holds.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) person: String,
    pub(crate) issuer: &'static str,
    pub(crate) expires: u64,
    /// Whether anybody should accept it at all.
    pub(crate) genuine: bool,
}

pub(crate) struct Pending {
    pub(crate) call: HttpCall,
    pub(crate) idp: usize,
    pub(crate) kind: Kind,
    pub(crate) sent: Instant,
    due: Option<Instant>,
    answer: Answer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Exchange {
        subject_token: String,
        audience: String,
    },
    Metadata,
    Keys,
}

pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) config: Rc<Config>,
    /// What the gate's clocks show.
    pub(crate) now: Now,
    /// The identity providers' clock, which is right.
    true_time: Duration,
    pub(crate) idps: [Idp; 2],
    pub(crate) calls: BTreeMap<CallId, Pending>,
    pub(crate) requests: BTreeMap<StreamId, Request>,
    /// Those that wait.
    pub(crate) waiting: BTreeSet<StreamId>,
    pub(crate) forwarded: usize,
    pub(crate) refused: usize,
    next_stream: u32,
    pub(crate) subjects: HashMap<String, Subject>,
    /// The first characters of every part of every token.
    pub(crate) canaries: HashSet<String>,
    pub(crate) notes: Vec<(Level, String)>,
    /// Names of metrics, with what was counted.
    pub(crate) metrics: Vec<String>,
    pub(crate) counts: Vec<i64>,
    samples: Vec<(usize, u64)>,
    /// Calls are answered by hand, or when their timeout passes.
    by_hand: bool,
    /// Names of streams are used again as soon as they are free, as a host may do.
    reuses_names: bool,
    /// The broker gets its turns from [`World::turn`] and ticks alone.
    pub(crate) turns_by_hand: bool,
    last_answered: Option<CallId>,
    pub(crate) clock_was_moved: bool,
}

struct Seeded(u64);

impl Entropy for Seeded {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            // splitmix64
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (z ^ (z >> 31)) as u8;
        }
    }
}

/// Two identity providers and three catalogs: `/iceberg` and `/mart` for the people of corp, `/bots` for ci.
pub(crate) fn config(limits: &Value) -> Config {
    let client = json!({"id": "icegate", "secret": {"env": "ICEGATE_SECRET"}});
    let configuration = json!({
        "issuers": {
            "corp": {"profile": "keycloak", "issuer": "https://idp.example.com/realms/lake", "cluster": "corp",
                     "audiences": ["icegate"], "client": client},
            "ci": {"profile": "rfc8693", "issuer": "https://ci.example.com", "cluster": "ci",
                   "audiences": ["gate-of-ci"], "client": client, "token_path": "/token",
                   "keys": {"jwks_path": "/keys"}},
        },
        "catalogs": {
            "lake": {"kind": "nessie", "base_path": "/iceberg", "token": {"from": "corp", "audience": "catalog"}},
            "mart": {"kind": "iceberg", "base_path": "/mart", "token": {"from": "corp", "audience": "mart"}},
            "bots": {"kind": "iceberg", "base_path": "/bots", "token": {"from": "ci", "audience": "bots"}},
        },
        "access": "catalog_decides",
        "limits": limits,
    });
    let environment = |name: &str| (name == "ICEGATE_SECRET").then(|| SECRET.to_owned());
    load(configuration.to_string().as_bytes(), &environment)
        .unwrap_or_else(|faults| panic!("{faults}"))
}

pub(crate) const CORP: usize = 0;
pub(crate) const CI: usize = 1;

impl World {
    /// A gate that has just been started, and has no keys yet.
    pub(crate) fn cold(limits: &Value) -> Self {
        Self::cold_with(limits, |_| {})
    }

    /// The same with identity providers of the story's making: the first calls are sent at once.
    pub(crate) fn cold_with(limits: &Value, prepare: impl FnOnce(&mut [Idp; 2])) -> Self {
        let now = Now {
            instant: Instant::from_origin(Duration::from_secs(1000)),
            unix: UnixTime::from_secs(START),
        };
        let config = Rc::new(config(limits));
        let mut broker = Broker::new(
            now,
            Rc::clone(&config),
            Rc::new(Remembering),
            Box::new(Seeded(7)),
        );
        let metrics = broker.tally().metrics().iter();
        let metrics: Vec<String> = metrics.map(|metric| metric.name.clone()).collect();
        let mut idps = [
            Idp::new("corp", "https://idp.example.com/realms/lake", "icegate"),
            Idp::new("ci", "https://ci.example.com", "gate-of-ci"),
        ];
        prepare(&mut idps);
        let mut world = Self {
            broker,
            config,
            now,
            true_time: Duration::from_secs(START),
            idps,
            calls: BTreeMap::new(),
            requests: BTreeMap::new(),
            waiting: BTreeSet::new(),
            forwarded: 0,
            refused: 0,
            next_stream: 0,
            subjects: HashMap::new(),
            canaries: HashSet::new(),
            notes: Vec::new(),
            counts: vec![0; metrics.len()],
            metrics,
            samples: Vec::new(),
            by_hand: false,
            reuses_names: false,
            turns_by_hand: false,
            last_answered: None,
            clock_was_moved: false,
        };
        world.settle();
        world
    }

    /// A gate that has its keys.
    pub(crate) fn new() -> Self {
        Self::with(&json!({}))
    }

    /// The same with other limits.
    pub(crate) fn with(limits: &Value) -> Self {
        let mut world = Self::cold(limits);
        world.pass_ms(100);
        world
    }

    /// From now on names of streams are used again.
    pub(crate) fn reuse_names(&mut self) {
        self.reuses_names = true;
    }

    /// From now on every call waits for [`answer`](Self::answer), or for its timeout.
    pub(crate) fn by_hand(&mut self) {
        self.by_hand = true;
    }

    /// Ends [`by_hand`](Self::by_hand): what is under way is answered as scripted.
    pub(crate) fn by_script(&mut self) {
        self.by_hand = false;
        let ids: Vec<CallId> = self.calls.keys().copied().collect();
        for id in ids {
            self.deliver(id, Answer::Good);
        }
    }

    pub(crate) fn corp(&mut self) -> &mut Idp {
        &mut self.idps[CORP]
    }

    pub(crate) fn ci(&mut self) -> &mut Idp {
        &mut self.idps[CI]
    }

    pub(crate) fn true_seconds(&self) -> u64 {
        self.true_time.as_secs()
    }

    // Tokens

    /// A token of a person at corp, good for an hour.
    pub(crate) fn token(&mut self, person: &str) -> String {
        self.token_of(CORP, person, 3600)
    }

    /// A token that is good for `life` seconds.
    pub(crate) fn token_of(&mut self, idp: usize, person: &str, life: u64) -> String {
        let signer = Rc::clone(&self.idps[idp].signer);
        self.token_by(&signer, idp, person, life, true)
    }

    pub(crate) fn token_by(
        &mut self,
        signer: &Rc<tokens::Signer>,
        idp: usize,
        person: &str,
        life: u64,
        genuine: bool,
    ) -> String {
        let (issuer, gate) = (self.idps[idp].issuer, self.idps[idp].gate);
        let expires = self.true_seconds() + life;
        let mut claims = tokens::claims(issuer, gate, person, expires);
        claims["iat"] = self.true_seconds().into();
        let token = sign(signer, &claims);
        self.remember_subject(&token, person, issuer, expires, genuine);
        token
    }

    /// A token of these claims, which nobody should accept.
    pub(crate) fn forged(&mut self, claims: &Value) -> String {
        let signer = Rc::clone(&self.idps[CORP].signer);
        let token = sign(&signer, claims);
        self.remember_subject(&token, "nobody", self.idps[CORP].issuer, 0, false);
        token
    }

    /// A token whose `kid` no set has, without a real signature.
    pub(crate) fn unknown_kid(&mut self, kid: &str) -> String {
        let expires = self.true_seconds() + 3600;
        let idp = &self.idps[CORP];
        let mut claims = tokens::claims(idp.issuer, idp.gate, "mallory", expires);
        claims["iat"] = self.true_seconds().into();
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": kid});
        let token = format!(
            "{}.{}.{}",
            tokens::base64url(header.to_string()),
            tokens::base64url(claims.to_string()),
            tokens::base64url([7_u8; 64]),
        );
        self.remember_subject(&token, "mallory", self.idps[CORP].issuer, expires, false);
        token
    }

    fn remember_subject(
        &mut self,
        token: &str,
        person: &str,
        issuer: &'static str,
        expires: u64,
        genuine: bool,
    ) {
        self.plant(token);
        let subject = Subject {
            person: person.to_owned(),
            issuer,
            expires,
            genuine,
        };
        self.subjects.insert(token.to_owned(), subject);
    }

    fn plant(&mut self, token: &str) {
        self.canaries
            .extend(token.split('.').skip(1).filter_map(invariants::canary));
    }

    // Clients

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
        let stream = if self.reuses_names {
            let free = |id: &u32| !self.waiting.contains(&StreamId(*id));
            StreamId((1..).find(free).expect("there are many"))
        } else {
            self.next_stream += 1;
            StreamId(self.next_stream)
        };
        self.send_as(stream, headers, token)
    }

    /// A request arrives under a name of the story's choice.
    pub(crate) fn send_as(
        &mut self,
        stream: StreamId,
        headers: &[(&[u8], &[u8])],
        token: &str,
    ) -> StreamId {
        let head = RequestHead::read(headers.iter().copied());
        let request = Request {
            token: token.to_owned(),
            method: String::from_utf8_lossy(head.method).into_owned(),
            path: String::from_utf8_lossy(head.path).into_owned(),
            arrived: self.now.instant,
            outcome: Outcome::Waiting,
            minted: None,
            ticket: None,
        };
        self.requests.insert(stream, request);
        self.waiting.insert(stream);
        self.broker.request(self.now, stream, &head);
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
        let number = self.metrics.iter().position(|metric| metric == name);
        self.counts[number.unwrap_or_else(|| panic!("no metric {name}"))]
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

    // Time

    pub(crate) fn pass_ms(&mut self, milliseconds: u64) {
        self.pass(Duration::from_millis(milliseconds));
    }

    pub(crate) fn pass_s(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// Time passes: calls are answered, and the broker is ticked when it wants to be. That it is enough to
    /// tick it then is tested on the way: a tick before that does nothing.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.instant.plus(time);
        loop {
            let answer = self
                .calls
                .iter()
                .filter_map(|(id, pending)| Some((pending.due?, *id)))
                .min();
            let deadline = self.broker.next_deadline();
            let next = match (answer, deadline) {
                (Some((due, _)), Some(deadline)) => due.min(deadline),
                (Some((due, _)), None) => due,
                (None, Some(deadline)) => deadline,
                (None, None) => end,
            }
            .min(end);
            let early = next.since(self.now.instant) / 2;
            if !early.is_zero() {
                self.move_on(early);
                self.broker.tick(self.now);
                let effect = self.broker.poll_effect();
                assert!(effect.is_none(), "a tick before its time: {effect:?}");
            }
            self.move_on(next.since(self.now.instant));
            match answer {
                Some((due, id)) if due <= self.now.instant => {
                    let scripted = self.calls[&id].answer.clone();
                    self.deliver(id, scripted);
                }
                _ if deadline.is_some_and(|deadline| deadline <= self.now.instant) => {
                    self.broker.tick(self.now);
                    self.settle();
                    let next = self.broker.next_deadline();
                    assert!(
                        next.is_none_or(|next| next > self.now.instant),
                        "a tick leaves nothing undone"
                    );
                }
                _ => break,
            }
        }
        self.check();
    }

    fn move_on(&mut self, time: Duration) {
        self.now.instant = self.now.instant.plus(time);
        self.now.unix = self.now.unix.plus(time);
        self.true_time += time;
    }

    /// The gate's wall clock is set; the identity providers' is not.
    pub(crate) fn set_clock_forward(&mut self, by: Duration) {
        self.now.unix = self.now.unix.plus(by);
        self.clock_was_moved = true;
    }

    pub(crate) fn set_clock_back(&mut self, by: Duration) {
        self.now.unix = self.now.unix.minus(by);
        self.clock_was_moved = true;
    }

    // Calls

    /// Answers the oldest exchange that is under way, by hand.
    pub(crate) fn answer_exchange(&mut self, answer: Answer) -> bool {
        let exchange = |pending: &Pending| matches!(pending.kind, Kind::Exchange { .. });
        let id = self.calls.iter().find(|(_, pending)| exchange(pending));
        match id.map(|(id, _)| *id) {
            Some(id) => {
                self.deliver(id, answer);
                true
            }
            None => false,
        }
    }

    /// The `which`th call under way.
    pub(crate) fn nth_call(&self, which: usize) -> Option<CallId> {
        let count = self.calls.len();
        (count > 0).then(|| *self.calls.keys().nth(which % count).expect("it is there"))
    }

    pub(crate) fn deliver(&mut self, id: CallId, answer: Answer) {
        let pending = self.calls.remove(&id).expect("a call under way");
        self.last_answered = Some(id);
        let now = self.true_seconds();
        let idp = &mut self.idps[pending.idp];
        let answer = match (answer, &pending.kind) {
            (Answer::Good, Kind::Metadata) => Answer::says(200, idp.metadata_body()),
            (Answer::Good | Answer::Mint(_), Kind::Keys) => Answer::says(200, idp.jwks_body()),
            (Answer::Mint(_), Kind::Metadata) => Answer::says(200, idp.metadata_body()),
            (Answer::Hangs | Answer::Lost, _) => Answer::timeout(),
            (
                answer @ (Answer::Good | Answer::Mint(_)),
                Kind::Exchange {
                    subject_token,
                    audience,
                },
            ) => {
                let how = match answer {
                    Answer::Mint(how) => how,
                    _ => Mint::default(),
                };
                let person = self.subjects[subject_token].person.clone();
                let body = idp.mint(now, &person, audience, &how);
                let minted: Value = serde_json::from_slice(&body).expect("our own JSON");
                let token = minted["access_token"]
                    .as_str()
                    .expect("our own text")
                    .to_owned();
                self.canaries
                    .extend(token.split('.').skip(1).filter_map(invariants::canary));
                Answer::says(200, body)
            }
            (answer, _) => answer,
        };
        let wire = match &answer {
            Answer::NotSent => CallAnswer::NotSent,
            Answer::TooLarge => CallAnswer::TooLarge,
            Answer::Says {
                status,
                retry_after,
                body,
            } => CallAnswer::Answered {
                status: *status,
                retry_after: retry_after.as_deref().map(str::as_bytes),
                body,
            },
            _ => CallAnswer::Broken,
        };
        self.broker.call_answered(self.now, id, wire);
        self.settle();
    }

    /// The host tells the end of a call a second time.
    pub(crate) fn repeat_last_answer(&mut self) {
        if let Some(id) = self.last_answered {
            self.broker.call_answered(self.now, id, CallAnswer::Broken);
            let effect = self.broker.poll_effect();
            assert!(effect.is_none(), "a call ended twice: {effect:?}");
        }
    }

    fn dispatch(&mut self, id: CallId, call: HttpCall) {
        let idp = match &*call.cluster {
            "corp" => CORP,
            "ci" => CI,
            other => panic!("a call to {other}"),
        };
        let there = &mut self.idps[idp];
        let (kind, (delay, answer)) = if call.method == "POST" {
            let exchange = invariants::read_exchange(&call);
            there.asked.push(exchange.clone());
            let kind = Kind::Exchange {
                subject_token: exchange.subject_token,
                audience: exchange.audience,
            };
            there.token_paths.push(call.path.to_string());
            let person = &self.subjects[&there.asked[there.asked.len() - 1].subject_token].person;
            let scripted = match &there.for_person {
                Some((name, answer)) if name == person => Some((there.delay, answer.clone())),
                _ => there.script.pop_front(),
            };
            (
                kind,
                scripted.unwrap_or((there.delay, there.exchanges.clone())),
            )
        } else if call.path.contains("/.well-known/") {
            there.metadata_calls += 1;
            (Kind::Metadata, (there.delay, there.metadata.clone()))
        } else {
            there.key_calls += 1;
            (Kind::Keys, (there.delay, there.jwks.clone()))
        };
        let timeout = self.now.instant.plus(call.timeout);
        let (due, answer) = match answer {
            Answer::Lost => (None, answer),
            Answer::Hangs => (Some(timeout), Answer::timeout()),
            _ if self.by_hand => (Some(timeout), Answer::timeout()),
            _ if delay >= call.timeout => (Some(timeout), Answer::timeout()),
            answer => (Some(self.now.instant.plus(delay)), answer),
        };
        let at_once = matches!(answer, Answer::NotSent);
        let pending = Pending {
            call,
            idp,
            kind,
            sent: self.now.instant,
            due,
            answer,
        };
        self.calls.insert(id, pending);
        invariants::check_calls(self);
        if at_once {
            self.deliver(id, Answer::NotSent);
        }
    }

    /// Takes every effect, and checks what must always hold.
    pub(crate) fn settle(&mut self) {
        self.take_effects();
        while !self.turns_by_hand && self.broker.has_turn() {
            self.broker.turn(self.now);
            self.take_effects();
        }
    }

    /// The event loop comes around once.
    pub(crate) fn turn(&mut self) {
        self.broker.turn(self.now);
        self.take_effects();
    }

    fn take_effects(&mut self) {
        while let Some(effect) = self.broker.poll_effect() {
            invariants::holds_no_secret(self, &format!("{effect:?}"));
            match effect {
                Effect::Note { level, text } => {
                    invariants::holds_no_secret(self, &text);
                    self.notes.push((level, text));
                }
                Effect::Call { id, call } => self.dispatch(id, call),
                Effect::Release {
                    stream, verdict, ..
                } => self.release(stream, verdict),
            }
        }
        self.check();
    }

    fn release(&mut self, stream: StreamId, verdict: Verdict) {
        let request = self.requests.get_mut(&stream).expect("a request");
        let outcome = &request.outcome;
        assert!(
            matches!(outcome, Outcome::Waiting),
            "{stream:?}: again, after {outcome:?}"
        );
        self.waiting.remove(&stream);
        match verdict {
            Verdict::Refuse(reply) => {
                self.refused += 1;
                request.outcome = Outcome::Refused(reply);
                invariants::check_refused(self, stream);
            }
            Verdict::Forward(forward) => {
                self.forwarded += 1;
                let value = forward.authorization().to_vec();
                let value = String::from_utf8(value).expect("text");
                request.minted = value.strip_prefix("Bearer ").map(str::to_owned);
                request.ticket = Some(forward.ticket().clone());
                request.outcome = Outcome::Forwarded;
                invariants::check_forwarded(self, stream);
            }
        }
    }

    fn check(&mut self) {
        let counts = &mut self.counts;
        let samples = &mut self.samples;
        self.broker.tally().drain(
            |number, delta| counts[number] += delta,
            |number, milliseconds| samples.push((number, milliseconds)),
        );
        invariants::check(self);
    }

    /// Someone else's key, which no set has.
    pub(crate) fn foreign_signer() -> Rc<tokens::Signer> {
        signer("foreign")
    }
}

/// Text that the golden files of the token endpoint hold.
pub(crate) fn golden(file: &str) -> Vec<u8> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/native/golden/oauth/answers/"
    );
    std::fs::read(format!("{folder}{file}")).expect("a golden file")
}
