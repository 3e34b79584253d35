//! Random stories: operations that are made of bytes, so that proptest and a fuzzer can both write them.

use std::time::Duration;

use icegate::broker::{ArrivedBody, StreamId};
use serde_json::json;

use super::engine_ops::{ask, tell_of_engines};
use super::idp::{Answer, Key, Mint};
use super::tenants::{self, ACME, GLOBEX, SECRET, TABLE};
use super::world::{CI, CORP, Outcome, World, table};

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// A person calls a catalog.
    Request { who: u8, catalog: u8, method: u8 },
    /// Somebody calls with a token that nobody should accept.
    Bad { kind: u8 },
    /// A client hangs up; not always one that is still there.
    HangUp { which: u8 },
    /// A call ends.
    Answer { which: u8, how: u8 },
    /// The host tells the end of the last call again.
    AnswerAgain,
    /// Time passes.
    Pass { ms: u16 },
    /// A longer time passes.
    PassLong { s: u16 },
    /// Somebody sets the gate's clock.
    SetClock { back: bool, s: u16 },
    /// An identity provider signs with a new key.
    Rotate { idp: u8, keep: bool },
    /// The catalog answers 401.
    Unauthorized { which: u8 },
    /// A person gets a fresh token.
    Renew { who: u8 },
    /// A request's body comes; not always of one that is to be seen.
    Body { which: u8, how: u8 },
    /// A catalog gives a warehouse another prefix, or refuses to tell somebody.
    Shop { what: u8 },
    /// The catalog answers a request that was forwarded.
    Served { which: u8, how: u8 },
    /// Somebody asks the token endpoint, and the form comes at once or later.
    Token { what: u8, who: u8, how: u8 },
    /// An engine's secret, a person or a link changes at the identity provider.
    Staff { what: u8 },
}

impl Op {
    /// The operation of four bytes. All bytes mean something.
    pub(crate) fn read([kind, a, b, c]: [u8; 4]) -> Self {
        let wide = u16::from_le_bytes([b, c]);
        match kind % 44 {
            0..=8 => Self::Request {
                who: a,
                catalog: b,
                method: c,
            },
            9 | 10 => Self::Bad { kind: a },
            11 | 12 => Self::HangUp { which: a },
            13..=21 => Self::Answer { which: a, how: b },
            22 => Self::AnswerAgain,
            23..=25 => Self::Pass { ms: wide % 6000 },
            26 => Self::PassLong { s: wide % 1000 },
            27 => Self::SetClock {
                back: a % 2 == 0,
                s: wide % 4000,
            },
            28 => Self::Rotate {
                idp: a,
                keep: b % 4 != 0,
            },
            29 | 30 => Self::Unauthorized { which: a },
            31 => Self::Renew { who: a },
            32..=39 => Self::Body { which: a, how: b },
            40 => Self::Shop { what: a },
            _ => Self::Served { which: a, how: b },
        }
    }

    /// The same where there are engines.
    fn read_of_engines(bytes: [u8; 4]) -> Self {
        let [kind, a, b, c] = bytes;
        match kind % 20 {
            0..=7 => Self::Token {
                what: a,
                who: b,
                how: c,
            },
            8 => Self::Staff { what: a },
            9 | 10 => Self::Body { which: a, how: b },
            11..=13 => Self::Answer { which: a, how: b },
            _ => Self::read([a, b, c, kind]),
        }
    }
}

/// Tells the story of these bytes. Panics where an invariant breaks.
pub(crate) fn run(bytes: &[u8]) {
    let ops: Vec<Op> = bytes
        .chunks_exact(4)
        .filter_map(|chunk| chunk.try_into().ok())
        .map(Op::read)
        .collect();
    match bytes.len() % 4 {
        0 => tell(&ops),
        1 => {
            let chunks = bytes.chunks_exact(4);
            let ops = chunks.filter_map(|chunk| chunk.try_into().ok());
            tell_of_engines(&ops.map(Op::read_of_engines).collect::<Vec<_>>());
        }
        _ => tell_of_tenants(&ops),
    }
}

/// Small bounds, so that a short story reaches them.
pub(super) fn limits() -> serde_json::Value {
    json!({"cached_callers": 4, "waiters": 6, "exchanges_in_flight": 3, "key_refresh": "60s", "key_max_age": "5m"})
}

/// What is asked for where there are tenants; the catalog of a request says how far into it.
const ASKED: [(&str, &str, &str); 16] = [
    ("POST", ACME, "/namespaces/db/tables"),
    ("POST", GLOBEX, "/namespaces/db/tables"),
    ("POST", "/mart/v1/p-a1", "/namespaces/db/tables"),
    ("POST", "/mart/v1/p-g1", "/namespaces/db/tables"),
    ("POST", "/mart/v1/p-g2", "/namespaces/db/tables"),
    ("GET", ACME, "/namespaces/db/tables/t1"),
    ("GET", GLOBEX, "/namespaces/db/tables/t1"),
    ("GET", "/mart/v1/p-a1", "/namespaces/db/tables/t1"),
    ("GET", "/mart/v1/p-g1", "/namespaces/db/tables/t1"),
    ("HEAD", "/mart/v1/p-x", "/namespaces/db/tables/t1"),
    ("POST", ACME, "/namespaces"),
    ("POST", GLOBEX, "/tables/rename"),
    ("GET", ACME, "/namespaces/db/tables/secret"),
    ("GET", "/iceberg/v1/config", "?warehouse=acme"),
    ("GET", "/mart/v1/config", "?warehouse=g1"),
    ("GET", "/bots/v1", "/namespaces/db/tables/t1"),
];

const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// Tells a story, then lets everything become well again: whatever happened, nobody waits for ever, and the next
/// person is served.
pub(crate) fn tell(ops: &[Op]) {
    let mut world = World::cold(&limits());
    world.by_hand();
    tell_in(&mut world, PEOPLE, ops);
    let clock_is_right = world.now.unix.as_secs().abs_diff(world.true_seconds()) <= 30;
    if clock_is_right {
        for (idp, catalog) in [(CORP, "iceberg"), (CORP, "mart"), (CI, "bots")] {
            let token = world.token_of(idp, "last", 300);
            let stream = world.send("GET", &table(catalog), &token);
            world.pass_s(9);
            world.assert_forwarded(stream);
        }
    }
}

/// The same with tenants, bodies, prefixes that are asked, and caps.
pub(crate) fn tell_of_tenants(ops: &[Op]) {
    let mut all = tenants::programs(&limits());
    all["limits"]["request_body"] = 2048.into();
    all["tenants"]["acme"]["limits"] = json!({"cached_callers": 1});
    all["tenants"]["globex"]["limits"] = json!({"exchanges_per_second": 1});
    let mut world = World::cold_of(&all, |_| {});
    match ops.len() % 6 {
        0 => _ = world.shop.prefixes.insert("g1", "p-a1".to_owned()),
        3 => _ = world.shop.prefixes.insert("g1", "p-g2".to_owned()),
        _ => {}
    }
    // Stories in which keys are there, calls are answered, and clocks are right come further.
    if ops.len() % 2 == 1 {
        world.by_hand();
    } else {
        world.pass_ms(100);
    }
    let calm = !ops.len().is_multiple_of(5);
    let ops: Vec<Op> = ops
        .iter()
        .filter_map(|op| match *op {
            Op::SetClock { .. } if calm => None,
            Op::PassLong { s } if calm => Some(Op::PassLong { s: s % 60 }),
            op => Some(op),
        })
        .collect();
    tell_in(&mut world, ["alice", "bob", "carol", "carol", "erin"], &ops);
    let clock_is_right = world.now.unix.as_secs().abs_diff(world.true_seconds()) <= 30;
    if clock_is_right {
        for (idp, person, path) in [
            (CORP, "alice", ACME),
            (CORP, "carol", GLOBEX),
            (CI, "robot", "/bots/v1"),
            (CI, "bot", ACME),
        ] {
            let token = world.token_of(idp, person, 300);
            let stream = world.post_with(&format!("{path}/namespaces/db/tables"), &token, TABLE);
            world.pass_s(9);
            world.assert_forwarded(stream);
        }
    }
}

pub(super) fn tell_in(world: &mut World, people: [&str; 5], ops: &[Op]) {
    world.reuse_names();
    // Robots have their tokens from ci.
    let mut people: Vec<String> = people
        .iter()
        .map(|name| world.token_of(CORP, name, 300))
        .collect();
    people.push(world.token_of(CI, "robot", 300));
    people.push(world.token_of(CORP, "hasty", 20));
    if world.config.tenancy.is_some() {
        people.push(world.token_of(CORP, "engine", 300));
        people.push(world.token_of(CI, "bot", 300));
        people.push(world.token_of(CORP, "stray", 300));
    }
    for op in ops {
        apply(world, &mut people, *op);
    }
    world.by_script();
    // Longer than a deadline, a body's deadline, a pause, and the watch over a lost call together.
    world.pass_s(180);
    for (stream, request) in &world.requests {
        assert!(
            !matches!(request.outcome, Outcome::Waiting),
            "{stream:?} waits for ever"
        );
    }
    let census = world.broker.census();
    let left = [
        census.parked,
        census.flights,
        census.bodies,
        census.body_bytes,
        census.token_requests,
        census.token_bytes,
        census.grants,
    ];
    assert_eq!(left, [0; 7]);
    assert_eq!(census.buckets, 0);
    assert_eq!(census.calls, world.calls.len());
}

fn apply(world: &mut World, people: &mut [String], op: Op) {
    match op {
        Op::Request {
            who,
            catalog,
            method,
        } => {
            let token = people[usize::from(who) % people.len()].clone();
            if world.config.tenancy.is_some() {
                let (method, base, rest) = ASKED[usize::from(catalog) % ASKED.len()];
                world.send(method, &format!("{base}{rest}"), &token);
                return;
            }
            let catalog = ["iceberg", "iceberg", "mart", "bots"][usize::from(catalog) % 4];
            let method = ["GET", "POST", "HEAD", "DELETE"][usize::from(method) % 4];
            world.send(method, &table(catalog), &token);
        }
        Op::Bad { kind } => bad(world, people, kind),
        Op::HangUp { which } => {
            if let Some(stream) = nth(world, which, |outcome| !matches!(outcome, Outcome::Gone)) {
                world.hang_up(stream);
            }
        }
        Op::Answer { which, how } => {
            if let Some(call) = world.nth_call(usize::from(which)) {
                world.deliver(call, answer(how));
            }
        }
        Op::AnswerAgain => world.repeat_last_answer(),
        Op::Pass { ms } => world.pass_ms(u64::from(ms)),
        Op::PassLong { s } => world.pass_s(u64::from(s)),
        Op::SetClock { back: true, s } => world.set_clock_back(Duration::from_secs(s.into())),
        Op::SetClock { back: false, s } => world.set_clock_forward(Duration::from_secs(s.into())),
        Op::Rotate { idp, keep } => world.idps[usize::from(idp) % 2].rotate(keep),
        Op::Unauthorized { which } => {
            if let Some(stream) = nth(world, which, |outcome| {
                matches!(outcome, Outcome::Forwarded)
            }) {
                world.catalog_says_401(stream);
            }
        }
        Op::Body { which, how } => {
            if let Some(stream) = nth(world, which, |outcome| matches!(outcome, Outcome::Waiting)) {
                show(world, stream, how);
            }
        }
        Op::Shop { what } => match what % 6 {
            0 => _ = world.shop.prefixes.insert("g1", "p-g2".to_owned()),
            1 => _ = world.shop.prefixes.insert("g1", "p-a1".to_owned()),
            2 => _ = world.shop.refuses.insert("bob".to_owned()),
            3 => _ = world.shop.refuses.insert("carol".to_owned()),
            _ => world.shop = super::tenants::Shop::of_yesterday(&world.shop),
        },
        Op::Served { which, how } => {
            if let Some(stream) = nth(world, which, |outcome| {
                matches!(outcome, Outcome::Forwarded)
            }) {
                let body: &[u8] = match how % 4 {
                    0 => br#"{"defaults":{},"overrides":{"prefix":"main%7Cacme"}}"#,
                    1 => br#"{"metadata-location":"s3://globex/x","metadata":{"location":"s3://globex/t"}}"#,
                    2 => b"{}",
                    _ => b"<html>",
                };
                let status = [200, 200, 401, 404, 307][usize::from(how / 4) % 5];
                world.catalog_answers(stream, status, body);
            }
        }
        Op::Token { what, who, how } => {
            let ask = ask(world, people, what, who, how);
            let stream = world.ask_head(&ask);
            if how < 200 {
                world.show_form(stream);
            }
        }
        Op::Staff { what } => {
            let desk = &mut world.corp().desk;
            match what % 6 {
                0 => desk.set_secret("trino", &format!("CANARY-{what}")),
                1 => desk.set_secret("spark", &format!("CANARY-{what}")),
                2 => _ = desk.ended.insert("alice".to_owned()),
                3 => _ = desk.ended.insert("sa-trino".to_owned()),
                4 => _ = desk.links.insert("Root".to_owned(), "root".to_owned()),
                _ => desk.ended.clear(),
            }
        }
        Op::Renew { who } => {
            let who = usize::from(who) % people.len();
            let (idp, life) = match who {
                5 | 8 => (CI, 300),
                6 => (CORP, 20),
                _ => (CORP, 300),
            };
            let name = world.subjects[&people[who]].person.clone();
            people[who] = world.token_of(idp, &name, life);
        }
    }
}

fn show(world: &mut World, stream: StreamId, how: u8) {
    if world.requests[&stream].ask.is_some() && how % 8 != 7 {
        return world.show_form(stream);
    }
    match how % 10 {
        0..=4 => world.show(stream, TABLE),
        5 => world.show(stream, SECRET),
        6 => world.show(
            stream,
            br#"{"name":"t9","location":"s3://globex/t9","schema":{}}"#,
        ),
        7 => world.show(stream, br#"{"name":"#),
        8 => world.show_as(stream, ArrivedBody::TooLarge),
        _ => world.show_as(stream, ArrivedBody::WithTrailers),
    }
}

fn nth(world: &World, which: u8, of: impl Fn(&Outcome) -> bool) -> Option<StreamId> {
    let those: Vec<StreamId> = world
        .requests
        .iter()
        .filter(|(_, request)| of(&request.outcome))
        .map(|(stream, _)| *stream)
        .collect();
    let place = usize::from(which).checked_rem(those.len())?;
    those.get(place).copied()
}

fn bad(world: &mut World, people: &[String], kind: u8) {
    let path = table("iceberg");
    match kind % 6 {
        0 => {
            let token = world.unknown_kid("nobody-has-it");
            world.send("GET", &path, &token);
        }
        1 => {
            let foreign = World::foreign_signer();
            let token = world.token_by(&foreign, CORP, "mallory", 300, false);
            world.send("GET", &path, &token);
        }
        2 => {
            // A token of a known key with a signature of another one.
            let (claims, _) = people[0].rsplit_once('.').expect("three parts");
            let (_, signature) = people[1].rsplit_once('.').expect("three parts");
            let token = format!("{claims}.{signature}");
            let subject = super::world::Subject {
                genuine: false,
                ..world.subjects[&people[0]].clone()
            };
            world.subjects.insert(token.clone(), subject);
            world.send("POST", &path, &token);
        }
        3 => {
            let minted = world
                .requests
                .values()
                .find_map(|request| request.minted.clone());
            if let Some(minted) = minted {
                let stream = world.send("GET", &path, &minted);
                assert_eq!(world.refusal(stream).0, 401);
            }
        }
        4 => {
            let headers: [(&[u8], &[u8]); 2] = [(b":method", b"HEAD"), (b":path", path.as_bytes())];
            let stream = world.send_headers(&headers, "");
            assert_eq!(world.refusal(stream), (401, "token_missing"));
        }
        _ => {
            let stream = world.send("GET", "/elsewhere/v1/config", &people[0]);
            assert_eq!(world.refusal(stream), (404, "path_outside"));
        }
    }
}

fn answer(how: u8) -> Answer {
    let mint = |mint: Mint| Answer::Mint(mint);
    match how % 28 {
        0..=9 => Answer::Good,
        // Of a gate token these are about who it names and for whom it is.
        24 => mint(Mint::with(
            json!({"azp": "icegate-tokens", "sub": "sa-spark"}),
        )),
        25 => mint(Mint::with(json!({"aud": ["icegate", "catalog"]}))),
        26 => mint(Mint::with(
            json!({"preferred_username": "root", "aud": "icegate"}),
        )),
        27 => mint(Mint::with(json!({"sid": null, "azp": "engine-cli"}))),
        10 => mint(Mint {
            person: Some("mallory".to_owned()),
            ..Mint::default()
        }),
        11 => mint(Mint {
            audience: Some(json!("elsewhere")),
            ..Mint::default()
        }),
        12 => mint(Mint {
            audience: Some(json!(["catalog", "mart", "bots", "icegate", "gate-of-ci"])),
            ..Mint::default()
        }),
        13 => mint(Mint {
            life: Some(-1),
            ..Mint::default()
        }),
        14 => mint(Mint {
            signer: Some(Key("foreign")),
            ..Mint::default()
        }),
        15 => mint(Mint {
            opaque: true,
            ..Mint::default()
        }),
        16 => Answer::says(
            400,
            r#"{"error":"invalid_request","error_description":"Invalid token"}"#,
        ),
        17 => Answer::says(
            403,
            r#"{"error":"access_denied","error_description":"Client is not within the token audience"}"#,
        ),
        18 => Answer::says(
            401,
            r#"{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}"#,
        ),
        19 => Answer::Says {
            status: 429,
            retry_after: Some("7".to_owned()),
            body: Vec::new(),
        },
        20 => Answer::NotSent,
        21 => Answer::Broken,
        22 => Answer::TooLarge,
        _ => Answer::says(200, r#"<html>eyJhbGciOiJub25lIn0</html>"#),
    }
}
