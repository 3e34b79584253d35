//! Two tenants at a catalog whose prefixes are known and at one that is asked for them, and the story's own books of
//! who may go where: nothing here knows of `policy`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use icegate::broker::{AnswerBody, AnswerHead, AnswerStep, ArrivedBody, CallId, StreamId};
use icegate::clock::Instant;
use icegate::limits;
use icegate::wire::HttpCall;
use serde_json::{Value, json};

use super::idp::Answer;
use super::invariants;
use super::world::{CORP, Kind, Outcome, Pending, Request, World, config};

/// Namespaces, tables and the like of acme and globex at the lake, where prefixes are known.
pub(crate) const ACME: &str = "/iceberg/v1/acme%7Cacme";
pub(crate) const GLOBEX: &str = "/iceberg/v1/globex%7Cglobex";

/// A table that its body names.
pub(crate) const TABLE: &[u8] = br#"{"name":"t9","schema":{"type":"struct","fields":[]}}"#;
/// A table that nobody of acme may touch at the lake.
pub(crate) const SECRET: &[u8] = br#"{"name":"secret","schema":{"type":"struct","fields":[]}}"#;

/// The tenants that a person belongs to, by the groups in the token.
pub(crate) fn groups(person: &str) -> Vec<&'static str> {
    match person {
        "alice" | "dave" | "mallory" => vec!["/t/acme", "/lake/analyst"],
        "bob" | "fred" => vec!["/t/globex"],
        "carol" => vec!["/t/acme", "/t/globex"],
        _ => vec!["/lake/analyst"],
    }
}

/// Whose token has marks of a program's: a listed one, and one that nobody listed.
pub(crate) fn is_marked(person: &str) -> bool {
    matches!(person, "engine" | "stray")
}

/// The account by which a program's request goes; `None`: its own token is exchanged, as everybody's.
pub(super) fn account(person: &str, path: &str) -> Option<&'static str> {
    match person {
        "engine" if path.contains("/v1/config") => Some("engine-own"),
        "bot" => Some("bot-own"),
        _ => None,
    }
}

/// The program whose account it is.
pub(super) fn owner_of_account(client: &str) -> Option<&'static str> {
    match client {
        "engine-own" => Some("engine"),
        "bot-own" => Some("bot"),
        _ => None,
    }
}

fn belongs(person: &str, tenant: &str) -> bool {
    match tenant {
        "acme" if matches!(person, "engine" | "bot" | "sa-trino" | "sa-spark") => true,
        "robots" => person == "robot",
        tenant => groups(person).contains(&format!("/t/{tenant}").as_str()),
    }
}

/// The configuration: acme and globex at the lake and at the mart, robots at bots. Each has an audience of its own at
/// each catalog, so that a token tells for which tenant it was minted.
pub(crate) fn tenants(limits: &Value) -> Value {
    let who =
        |tenant: &str| json!({"issuer": "corp", "claim": "groups", "has": format!("/t/{tenant}")});
    let token = |tenant: &str| json!({"lake": {"audience": format!("catalog-{tenant}")}, "mart": {"audience": format!("mart-{tenant}")}});
    let mut all = config(limits);
    all["catalogs"]["mart"] = json!({
        "kind": "lakekeeper", "base_path": "/mart", "cluster": "mart", "token": {"from": "corp", "audience": "mart"},
    });
    all["allow_on_headers_stop_iteration"] = true.into();
    all["access"] = "grants".into();
    all["audit"] = json!({"lines": "all"});
    all["tenants"] = json!({
        "acme": {"who": who("acme"), "reach": {"lake": ["acme|acme"], "mart": ["a1"]}, "locations": ["s3://acme/"],
                 "token": token("acme")},
        "globex": {"who": who("globex"), "reach": {"lake": ["globex|globex"], "mart": ["g1", "g2"]},
                   "locations": ["s3://globex/"], "token": token("globex")},
        "robots": {"who": {"issuer": "ci", "claim": "sub", "has": "robot"}, "locations": ["s3://bots/"],
                   "reach": {"bots": [{"warehouse": "bots", "prefix": ""}]}},
    });
    all["grants"] = json!([
        {"tenant": "acme", "who": "all", "may": ["read", "write", "commit"]},
        {"tenant": "acme", "who": "all", "deny": ["all"],
         "at": {"lake": {"acme|acme": [{"namespace": ["db"], "table": "secret"}]}}},
        {"tenant": "globex", "who": "all", "may": ["read", "write", "commit"]},
        {"tenant": "robots", "who": "all", "may": ["read", "write", "commit"]},
    ]);
    all["denied"] = json!([{"issuer": "corp", "sub": "mallory"}]);
    all
}

/// The same with programs of acme's: an engine at corp, with an account of its own for the configuration, and a robot of
/// ci's, with an account at corp for everything.
pub(crate) fn programs(limits: &Value) -> Value {
    let account = |id: &str| json!({"from": "corp", "id": id, "secret": {"env": "ICEGATE_SECRET"}});
    let mut all = tenants(limits);
    let mut engine = account("engine-own");
    engine["for"] = json!(["config"]);
    all["services"] = json!({
        "engine": {"who": {"issuer": "corp", "sub": "engine", "azp": "trino"}, "tenant": "acme", "may": ["config", "read"],
                   "token": {"client_credentials": engine}},
        "bot": {"who": {"issuer": "ci", "sub": "bot"}, "tenant": "acme", "may": ["config", "read", "write"],
                "token": {"client_credentials": account("bot-own")}},
    });
    all
}

/// A catalog that tells the prefixes of its warehouses.
pub(crate) struct Shop {
    /// By warehouse.
    pub(crate) prefixes: BTreeMap<&'static str, String>,
    /// Persons who are told nothing.
    pub(crate) refuses: BTreeSet<String>,
    /// What everybody gets.
    pub(crate) answer: Answer,
    pub(crate) delay: Duration,
    /// Who asked for what.
    pub(crate) asked: Vec<(String, String)>,
    /// What it told: prefix, warehouse, when.
    told: Vec<(String, String, Instant)>,
}

impl Default for Shop {
    fn default() -> Self {
        let prefixes = ["a1", "g1", "g2"].map(|name| (name, format!("p-{name}")));
        Self {
            prefixes: prefixes.into(),
            refuses: BTreeSet::new(),
            answer: Answer::Good,
            delay: Duration::from_millis(20),
            asked: Vec::new(),
            told: Vec::new(),
        }
    }
}

impl Shop {
    /// As it was at the beginning; what it told meanwhile is told.
    pub(crate) fn of_yesterday(today: &Self) -> Self {
        Self {
            told: today.told.clone(),
            asked: today.asked.clone(),
            ..Self::default()
        }
    }

    pub(super) fn answer(
        &mut self,
        now: Instant,
        warehouse: &str,
        person: &str,
        answer: Answer,
    ) -> Answer {
        match answer {
            Answer::Good | Answer::Mint(_) if self.refuses.contains(person) => {
                Answer::says(403, "no")
            }
            Answer::Good | Answer::Mint(_) => {
                let prefix = self.prefixes[warehouse].clone();
                let body = json!({"defaults": {}, "overrides": {"prefix": prefix}});
                self.told.push((prefix, warehouse.to_owned(), now));
                Answer::says(200, body.to_string())
            }
            Answer::Hangs | Answer::Lost => Answer::timeout(),
            answer => answer,
        }
    }

    /// Whose a prefix is by what was told and is not too old.
    fn owner(&self, now: Instant, prefix: &str) -> Option<&'static str> {
        let alive = |told: &&(String, String, Instant)| {
            told.0 == prefix && now.since(told.2) <= limits::PREFIX_LIFE
        };
        let warehouses: BTreeSet<&str> = self
            .told
            .iter()
            .filter(alive)
            .map(|told| told.1.as_str())
            .collect();
        match warehouses.into_iter().collect::<Vec<_>>()[..] {
            [only] => owner_of(only),
            _ => None,
        }
    }
}

fn owner_of(warehouse: &str) -> Option<&'static str> {
    match warehouse {
        "a1" => Some("acme"),
        "g1" | "g2" => Some("globex"),
        _ => None,
    }
}

/// The tenant whose warehouse a request names, by the story's books.
pub(super) fn owner(world: &World, path: &str) -> Option<&'static str> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut segments = path.split('/').skip(1);
    let (catalog, _, place) = (segments.next()?, segments.next()?, segments.next()?);
    match (catalog, place) {
        ("iceberg", "config") => match query {
            "warehouse=acme" => Some("acme"),
            "warehouse=globex" => Some("globex"),
            _ => None,
        },
        ("iceberg", "acme%7Cacme") => Some("acme"),
        ("iceberg", "globex%7Cglobex") => Some("globex"),
        ("mart", "config") => owner_of(query.strip_prefix("warehouse=")?),
        ("mart", prefix) => world.shop.owner(world.now.instant, prefix),
        ("bots", _) => Some("robots"),
        _ => None,
    }
}

/// Whether what a request is about stands in its body.
pub(crate) fn names_in_body(method: &str, path: &str) -> bool {
    let place: Vec<&str> = path.split('/').skip(4).collect();
    method == "POST"
        && matches!(
            place[..],
            ["namespaces"]
                | ["namespaces", _, "tables"]
                | ["namespaces", _, "tables", _]
                | ["tables", "rename"]
                | ["transactions", "commit"]
        )
}

/// A request went on: it was its caller's to send, and with a token for the tenant whose warehouse it names.
pub(super) fn check_forwarded(world: &World, request: &Request, person: &str) -> String {
    let (method, path) = (&request.method, &request.path);
    let tenant = owner(world, path).unwrap_or_else(|| panic!("nobody's: {path}"));
    assert!(belongs(person, tenant), "{person} went to {tenant}: {path}");
    assert!(!["mallory", "stray"].contains(&person), "denied");
    let reads = matches!(method.as_str(), "GET" | "HEAD");
    assert!(
        person != "engine" || reads,
        "an engine that may only read: {method} {path}"
    );
    if names_in_body(method, path) {
        let body = request.body.as_ref().expect("its body was seen before");
        let body = String::from_utf8(body.clone()).expect("text");
        let _: Value = serde_json::from_str(&body).expect("JSON");
        for (at, _) in body.match_indices("s3://") {
            let own = format!("s3://{tenant}/");
            assert!(body[at..].starts_with(&own), "outside of {own}: {body}");
        }
        let hidden = path.starts_with(ACME) && body.contains("secret");
        assert!(!hidden, "denied: {body}");
    }
    let hidden = path.starts_with(ACME) && path.contains("secret");
    assert!(!hidden, "denied: {path}");
    match path.split('/').nth(1).expect("a catalog") {
        "iceberg" => format!("catalog-{tenant}"),
        "mart" => format!("mart-{tenant}"),
        other => other.to_owned(),
    }
}

impl World {
    /// A gate with tenants that has its keys.
    pub(crate) fn with_tenants(limits: &Value) -> Self {
        Self::of(&tenants(limits))
    }

    /// The same with a configuration of the story's making.
    pub(crate) fn of(configuration: &Value) -> Self {
        let mut world = Self::cold_of(configuration, |_| {});
        world.pass_ms(100);
        world
    }

    /// The catalog is asked for a prefix.
    pub(super) fn dispatch_to_shop(&mut self, id: CallId, call: HttpCall) {
        let header = |name: &str| {
            let header = call.headers.iter().find(|header| header.0 == name);
            header.map(|header| header.1.expose().as_str())
        };
        assert_eq!(
            (call.method, header("accept")),
            ("GET", Some("application/json"))
        );
        let warehouse = call
            .path
            .strip_prefix("/mart/v1/config?warehouse=")
            .expect("a question");
        let tenant = owner_of(warehouse).expect("a warehouse");
        let token = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let minted = &self.idps[CORP].books[token.expect("a token")];
        let good = Value::from(format!("mart-{tenant}"));
        let names = minted.audience.as_array();
        assert!(minted.audience == good || names.is_some_and(|names| names.contains(&good)));
        let person = owner_of_account(&minted.person).unwrap_or(&minted.person);
        assert!(belongs(person, tenant), "{minted:?} asks {tenant}");
        assert!(self.clock_was_moved || self.true_seconds() < minted.expires);
        let (person, warehouse) = (minted.person.clone(), warehouse.to_owned());
        self.shop.asked.push((person.clone(), warehouse.clone()));
        let (delay, answer) = (self.shop.delay, self.shop.answer.clone());
        self.await_answer(
            id,
            call,
            CORP,
            Kind::Prefix { warehouse, person },
            delay,
            answer,
        );
    }

    /// A request arrives whose body is still to come.
    pub(crate) fn post(&mut self, path: &str, token: &str) -> StreamId {
        self.send("POST", path, token)
    }

    /// A request arrives, and its body at once.
    pub(crate) fn post_with(&mut self, path: &str, token: &str, body: &[u8]) -> StreamId {
        let stream = self.post(path, token);
        self.show(stream, body);
        stream
    }

    pub(crate) fn awaits_body(&self, stream: StreamId) -> bool {
        self.broker.awaits_body(stream).is_some()
    }

    /// A request's body comes, if the gate wants to see it.
    pub(crate) fn show(&mut self, stream: StreamId, body: &[u8]) {
        self.show_as(stream, ArrivedBody::Whole(body));
    }

    pub(crate) fn show_as(&mut self, stream: StreamId, body: ArrivedBody<'_>) {
        if self.awaits_body(stream) {
            let request = self.requests.get_mut(&stream).expect("a request");
            assert!(request.body.is_none(), "asked for twice");
            if let ArrivedBody::Whole(bytes) = body {
                request.body = Some(bytes.to_vec());
            }
        }
        self.broker.body(self.now, stream, body);
        self.settle();
        assert!(!self.awaits_body(stream));
    }

    /// The catalog answers a request that was forwarded.
    pub(crate) fn catalog_answers(
        &mut self,
        stream: StreamId,
        status: u16,
        body: &[u8],
    ) -> AnswerStep {
        let request = &self.requests[&stream];
        assert!(matches!(request.outcome, Outcome::Forwarded));
        let ticket = request.ticket.clone().expect("a ticket");
        let head = AnswerHead {
            status,
            content_encoding: None,
            content_length: u64::try_from(body.len()).ok(),
            ends: false,
        };
        let before = self.replaced();
        let mut step = self.broker.answer_head(self.now, &ticket, &head);
        if let AnswerStep::Collect(most) = step {
            let body = match body.len() > most {
                true => AnswerBody::TooLarge,
                false => AnswerBody::Whole(body),
            };
            step = self.broker.answer_body(&ticket, body);
        }
        // Counted before the tally is compared.
        self.withheld += usize::from(matches!(step, AnswerStep::Refuse(_)));
        self.settle_answer(before);
        match &step {
            AnswerStep::Replace(body) => {
                let body = String::from_utf8(body.clone()).expect("text");
                invariants::holds_no_secret(self, &body);
            }
            AnswerStep::Refuse(reply) => {
                invariants::holds_no_secret(self, &String::from_utf8_lossy(&reply.body));
            }
            AnswerStep::Pass => {}
            AnswerStep::Collect(_) => panic!("collected twice"),
        }
        step
    }

    fn replaced(&self) -> usize {
        let replaced =
            |note: &&(icegate::broker::Level, String)| note.1.starts_with("answer replaced");
        self.notes.iter().filter(replaced).count()
    }

    /// Of a change whose answer cannot be handed on the log tells, and a counter.
    fn settle_answer(&mut self, before: usize) {
        self.take_notes();
        self.withheld += self.replaced() - before;
        self.settle();
    }

    /// A call that is under way to a catalog.
    pub(crate) fn question(&self) -> CallId {
        let asks = |pending: &Pending| matches!(pending.kind, Kind::Prefix { .. });
        let call = self.calls.iter().find(|(_, pending)| asks(pending));
        *call.expect("a question").0
    }
}
