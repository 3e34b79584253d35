//! A gate between clients and two identity providers.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use icegate::audit::Record;
use icegate::broker::{Broker, CallId, Effect, Entropy, Level, StreamId, Ticket, Verdict};
use icegate::clock::{Instant, Now, UnixTime};
use icegate::config::{Config, load};
use icegate::wire::{HttpCall, Reply};
use serde_json::{Value, json};

use super::desk::{GATE_SECRET, Grant};
use super::engines::Ask;
use super::idp::{Answer, Idp, Mint, Remembering, SECRET, sign, signer};
use super::invariants;
use super::tenants::{self, Shop};
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
    /// With what everybody may know.
    Answered(Reply),
    /// It got this gate token, for so many seconds.
    Issued {
        token: String,
        expires_in: u64,
    },
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
    /// Its body, as far as it was shown to the gate.
    pub(crate) body: Option<Vec<u8>>,
    /// What is told about it.
    pub(crate) record: Option<Box<Record>>,
    /// What it asks the token endpoint for.
    pub(crate) ask: Option<Ask>,
}

/// A token that a client holds.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) person: String,
    pub(crate) issuer: &'static str,
    pub(crate) expires: u64,
    /// Whether anybody should accept it at all.
    pub(crate) genuine: bool,
    /// It is a program's.
    pub(crate) program: bool,
    /// It belongs to a session at the identity provider.
    pub(crate) session: bool,
}

pub(crate) struct Pending {
    pub(crate) call: HttpCall,
    pub(crate) idp: usize,
    pub(crate) kind: Kind,
    pub(crate) sent: Instant,
    pub(super) due: Option<Instant>,
    pub(super) answer: Answer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Exchange {
        subject_token: String,
        audience: String,
    },
    /// For a gate token.
    Grant(Grant),
    /// The own account of a program's client.
    Own {
        client: String,
    },
    Metadata,
    Keys,
    /// A warehouse's prefix, with a token for this person.
    Prefix {
        warehouse: String,
        person: String,
    },
}

pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) config: Rc<Config>,
    /// What the gate's clocks show.
    pub(crate) now: Now,
    /// The identity providers' clock, which is right.
    pub(super) true_time: Duration,
    pub(crate) idps: [Idp; 2],
    pub(crate) calls: BTreeMap<CallId, Pending>,
    pub(crate) requests: BTreeMap<StreamId, Request>,
    /// Those that wait.
    pub(crate) waiting: BTreeSet<StreamId>,
    pub(crate) forwarded: usize,
    pub(crate) refused: usize,
    pub(crate) issued: usize,
    /// Answers of the catalog that were not handed on.
    pub(crate) withheld: usize,
    /// The catalog that is asked for prefixes.
    pub(crate) shop: Shop,
    pub(super) next_stream: u32,
    pub(crate) subjects: HashMap<String, Subject>,
    /// Gate tokens that were given.
    pub(crate) held: Vec<String>,
    /// The first characters of every part of every token.
    pub(crate) canaries: HashSet<String>,
    pub(crate) notes: Vec<(Level, String)>,
    /// Names of metrics, with what was counted.
    pub(crate) metrics: Vec<String>,
    pub(crate) counts: Vec<i64>,
    /// The numbers of metrics, by their names.
    pub(super) numbers: HashMap<String, usize>,
    pub(super) samples: Vec<(usize, u64)>,
    /// Calls are answered by hand, or when their timeout passes.
    pub(super) by_hand: bool,
    /// Names of streams are used again as soon as they are free, as a host may do.
    pub(super) reuses_names: bool,
    /// The broker gets its turns from [`World::turn`] and ticks alone.
    pub(crate) turns_by_hand: bool,
    pub(super) last_answered: Option<CallId>,
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
pub(crate) fn config(limits: &Value) -> Value {
    let client = json!({"id": "icegate", "secret": {"env": "ICEGATE_SECRET"}});
    json!({
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
    })
}

fn loaded(configuration: &Value) -> Config {
    let environment = |name: &str| match name {
        "ICEGATE_SECRET" => Some(SECRET.to_owned()),
        "GATE_SECRET" => Some(GATE_SECRET.to_owned()),
        "GATE_KEY" | "GATE_NEXT_KEY" => Some(tokens::private_key(name)),
        _ => None,
    };
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
        Self::cold_of(&config(limits), prepare)
    }

    /// The same with a configuration of the story's making.
    pub(crate) fn cold_of(configuration: &Value, prepare: impl FnOnce(&mut [Idp; 2])) -> Self {
        let now = Now {
            instant: Instant::from_origin(Duration::from_secs(1000)),
            unix: UnixTime::from_secs(START),
        };
        let config = Rc::new(loaded(configuration));
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
            issued: 0,
            withheld: 0,
            shop: Shop::default(),
            next_stream: 0,
            subjects: HashMap::new(),
            held: Vec::new(),
            canaries: HashSet::new(),
            notes: Vec::new(),
            counts: vec![0; metrics.len()],
            numbers: metrics.iter().cloned().zip(0..).collect(),
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
        if self.config.tenancy.is_some() || !self.config.services.is_empty() {
            claims["groups"] = tenants::groups(person).into();
        }
        if tenants::is_marked(person) {
            claims["azp"] = "trino".into();
            claims["preferred_username"] = format!("service-account-{person}").into();
            claims["jti"] = format!("trrtcc:{person}-{expires}").into();
        }
        let token = sign(signer, &claims);
        self.remember_subject(&token, person, issuer, expires, genuine);
        token
    }

    /// A token of corp's, as it is but for these claims.
    pub(crate) fn token_with(&mut self, person: &str, life: u64, others: &Value) -> String {
        let idp = &self.idps[CORP];
        let expires = self.true_seconds() + life;
        let mut claims = tokens::claims(idp.issuer, idp.gate, person, expires);
        claims["iat"] = self.true_seconds().into();
        claims["groups"] = tenants::groups(person).into();
        let how = Mint::with(others.clone());
        let token = idp.sign(&mut claims, &how);
        let expires = claims["exp"].as_u64().unwrap_or_default();
        let session = claims["sid"].is_string();
        self.remember_subject(&token, person, self.idps[CORP].issuer, expires, true);
        let subject = self.subjects.get_mut(&token).expect("it was remembered");
        subject.session = session;
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
            program: person.starts_with("sa-"),
            session: false,
        };
        self.subjects.insert(token.to_owned(), subject);
    }

    pub(super) fn plant(&mut self, token: &str) {
        self.canaries
            .extend(token.split('.').skip(1).filter_map(invariants::canary));
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

    /// Takes notes, where there can be nothing else.
    pub(super) fn take_notes(&mut self) {
        while let Some(effect) = self.broker.poll_effect() {
            let Effect::Note { level, text } = effect else {
                panic!("{effect:?}");
            };
            invariants::holds_no_secret(self, &text);
            self.notes.push((level, text));
        }
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
                    stream,
                    verdict,
                    record,
                } => self.release(stream, verdict, record),
            }
        }
        self.check();
    }

    fn release(&mut self, stream: StreamId, verdict: Verdict, record: Option<Box<Record>>) {
        let request = self.requests.get_mut(&stream).expect("a request");
        let outcome = &request.outcome;
        assert!(
            matches!(outcome, Outcome::Waiting),
            "{stream:?}: again, after {outcome:?}"
        );
        self.waiting.remove(&stream);
        request.record = record;
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
            Verdict::Answer(reply) => request.outcome = Outcome::Answered(reply),
            Verdict::Issue(issued) => {
                self.issued += 1;
                self.take_token(stream, &issued);
            }
        }
        invariants::check_record(self, stream);
    }

    pub(super) fn check(&mut self) {
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
