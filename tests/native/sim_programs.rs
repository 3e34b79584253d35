//! Programs at the gate: exchanged, by an account of their own, or refused.

use icegate::broker::StreamId;
use icegate::identity::Proof;
use icegate::wire::RequestHead;
use serde_json::{Value, json};

use crate::sim::tenants::{ACME, GLOBEX, TABLE, programs};
use crate::sim::{Answer, CI, CORP, Mint, World};

const CONFIG: &str = "/iceberg/v1/config?warehouse=acme";

fn world() -> World {
    World::of(&programs(&json!({})))
}

fn changed(change: impl FnOnce(&mut Value)) -> World {
    let mut all = programs(&json!({}));
    change(&mut all);
    World::of(&all)
}

fn table() -> String {
    format!("{ACME}/namespaces/db/tables/t1")
}

fn message(world: &World, stream: StreamId) -> String {
    String::from_utf8(world.reply(stream).body.clone()).expect("text")
}

fn accounts(world: &mut World) -> Vec<String> {
    let asked = world.corp().asked.iter();
    asked.filter_map(|one| one.own.clone()).collect()
}

#[test]
fn a_program_is_exchanged_and_goes_by_its_account_where_it_shall() {
    let mut world = world();
    let engine = world.token("engine");
    for _ in 0..2 {
        let (config, read) = (
            world.send("GET", CONFIG, &engine),
            world.send("GET", &table(), &engine),
        );
        world.pass_s(1);
        world.assert_forwarded(config);
        world.assert_forwarded(read);
        assert_ne!(world.requests[&config].minted, world.requests[&read].minted);
    }
    // Each is cached for its own.
    assert_eq!(world.corp().asked.len(), 2);
    assert_eq!(accounts(&mut world), ["engine-own"]);
    // Another token of the same program asks anew: nothing that it gets lives longer than that.
    let other = world.token_of(CORP, "engine", 3000);
    let config = world.send("GET", CONFIG, &other);
    world.pass_s(1);
    world.assert_forwarded(config);
    assert_eq!(accounts(&mut world), ["engine-own", "engine-own"]);
}

/// Many at once are one call.
#[test]
fn one_flight_for_one_account() {
    let mut world = world();
    let engine = world.token("engine");
    let streams: Vec<StreamId> = (0..5).map(|_| world.send("GET", CONFIG, &engine)).collect();
    world.pass_s(1);
    for stream in streams {
        world.assert_forwarded(stream);
    }
    assert_eq!(accounts(&mut world).len(), 1);
}

/// Trino 483 with token exchange off puts its own token in the place of a user's that has expired (Iceberg bug 17600).
#[test]
fn an_engine_that_goes_on_as_its_own_account_is_stopped() {
    let mut world = changed(|all| all["services"]["engine"]["may"] = json!(["config"]));
    let alice = world.token_of(CORP, "alice", 60);
    let read = world.send("GET", &table(), &alice);
    world.pass_s(1);
    world.assert_forwarded(read);
    world.pass_s(120);
    let expired = world.send("GET", &table(), &alice);
    assert_eq!(world.refusal(expired), (401, "token_expired"));
    let (engine, before) = (world.token("engine"), world.corp().asked.len());
    for (method, path) in [
        ("GET", table()),
        ("GET", format!("{ACME}/namespaces/db/views/t1")),
        ("POST", table()),
        ("GET", format!("{GLOBEX}/namespaces")),
        ("POST", format!("{ACME}/namespaces/db/tables/t1/metrics")),
    ] {
        let stream = world.post_or_get(method, &path, &engine);
        assert_eq!(
            world.refusal(stream),
            (403, "service_may_not"),
            "{method} {path}"
        );
        let told = message(&world, stream);
        assert!(
            told.contains("the person's token has expired") && told.contains("sign in again"),
            "{told}"
        );
    }
    // Nobody was asked for anything.
    assert_eq!(world.corp().asked.len(), before);
    let config = world.send("GET", CONFIG, &engine);
    world.pass_s(1);
    world.assert_forwarded(config);
}

#[test]
fn a_program_that_nobody_listed_costs_nothing() {
    let mut world = world();
    let stray = world.token("stray");
    for _ in 0..2 {
        for path in [CONFIG, &table()] {
            let stream = world.send("GET", path, &stray);
            assert_eq!(world.refusal(stream), (403, "program_not_listed"));
            let record = world.requests[&stream].record.as_ref().expect("a record");
            let caller = record.caller.as_ref().expect("a caller");
            assert_eq!((caller.proof, &caller.service), (Proof::Program, &None));
        }
    }
    assert_eq!(world.corp().asked.len(), 0);
}

/// A wrong secret of one program is nobody else's outage, and the program does not ask again and again.
#[test]
fn a_bad_secret_of_its_own_is_the_operators_and_pauses_nobody() {
    let mut world = world();
    let bad = r#"{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}"#;
    world.corp().for_person = Some(("engine-own", Answer::says(401, bad)));
    let (engine, alice) = (world.token("engine"), world.token("alice"));
    let config = world.send("GET", CONFIG, &engine);
    world.pass_s(1);
    assert_eq!(world.refusal(config), (503, "client_refused"));
    let told = message(&world, config);
    assert!(told.contains("client 'engine-own'"), "{told}");
    assert!(
        told.contains("services.engine.token.client_credentials"),
        "{told}"
    );
    let again = world.send("GET", CONFIG, &engine);
    assert_eq!(world.refusal(again), (503, "client_refused"));
    assert_eq!(accounts(&mut world).len(), 1);
    for (token, path) in [(&alice, table()), (&engine, table())] {
        let read = world.send("GET", &path, token);
        world.pass_s(1);
        world.assert_forwarded(read);
    }
    // What an identity provider says of a caller's token is about the client here, who sent none.
    for (status, answer, reason) in [
        (
            400,
            r#"{"error":"invalid_request","error_description":"Invalid token"}"#,
            "exchange_misconfigured",
        ),
        (403, r#"{"error":"access_denied"}"#, "client_refused"),
        (400, r#"{"error":"invalid_grant"}"#, "client_refused"),
    ] {
        world.corp().for_person = Some(("engine-own", Answer::says(status, answer)));
        let life = 3000 + u64::try_from(world.requests.len()).expect("few");
        let engine = world.token_of(CORP, "engine", life);
        let config = world.send("GET", CONFIG, &engine);
        world.pass_s(1);
        assert_eq!(world.refusal(config), (503, reason));
        let told = message(&world, config);
        assert!(
            told.contains("services.engine.token.client_credentials"),
            "{told}"
        );
        let read = world.send("GET", &table(), &engine);
        world.pass_s(1);
        world.assert_forwarded(read);
    }
}

#[test]
fn an_account_is_its_clients_and_a_programs() {
    let mut world = world();
    let mint = |person: &str, audience: Value| {
        Answer::Mint(Mint {
            person: Some(person.to_owned()),
            audience: Some(audience),
            ..Mint::default()
        })
    };
    let good = || json!(["catalog-acme"]);
    for (answer, reason) in [
        (mint("bot-own", good()), "minted_other_subject"),
        (mint("alice", good()), "minted_other_subject"),
        (
            mint("engine-own", json!(["catalog-globex"])),
            "minted_other_audience",
        ),
        (
            mint("engine-own", json!(["catalog-acme", "icegate"])),
            "minted_our_audience",
        ),
        (
            Answer::Mint(Mint {
                opaque: true,
                ..Mint::default()
            }),
            "minted_opaque",
        ),
    ] {
        world.corp().next(answer);
        let life = 1000 + u64::try_from(world.requests.len()).expect("few");
        let engine = world.token_of(CORP, "engine", life);
        let config = world.send("GET", CONFIG, &engine);
        world.pass_s(1);
        assert_eq!(world.refusal(config), (503, reason));
    }
}

/// A robot of one identity provider with an account at another: what is got there goes with the keys of that one.
#[test]
fn an_account_goes_with_its_own_issuers_keys() {
    let mut world = World::of(&programs(&json!({"key_refresh": "30s"})));
    let bot = world.token_of(CI, "bot", 3600);
    let first = world.send("GET", &table(), &bot);
    world.pass_s(1);
    world.assert_forwarded(first);
    // Keys of both are read again and again: nothing is forgotten.
    world.pass_s(100);
    assert!(world.ci().key_calls > 2 && world.corp().key_calls > 2);
    let again = world.send("GET", &table(), &bot);
    world.assert_forwarded(again);
    assert_eq!((world.ci().asked.len(), accounts(&mut world).len()), (0, 1));
    // The key that signed it is withdrawn.
    world.corp().rotate(false);
    world.pass_s(35);
    let stream = world.send("GET", &table(), &bot);
    world.pass_s(1);
    world.assert_forwarded(stream);
    assert_ne!(
        world.requests[&stream].minted,
        world.requests[&again].minted
    );
    assert_eq!(accounts(&mut world).len(), 2);
}

/// Nothing that a program gets by its account outlives the token that it called with.
#[test]
fn an_account_ends_with_the_programs_own_token() {
    let mut world = world();
    let engine = world.token_of(CORP, "engine", 40);
    let config = world.send("GET", CONFIG, &engine);
    world.pass_s(1);
    world.assert_forwarded(config);
    // Within the leeway the token is still accepted, and nothing that was got for it.
    world.pass_s(45);
    let late = world.send("GET", CONFIG, &engine);
    assert_eq!(world.refusal(late), (401, "token_expired"));
}

#[test]
fn the_connection_is_looked_at_on_each_request_also_when_it_waits() {
    let spiffe = "spiffe://example.com/engine";
    let mut all = programs(&json!({}));
    all["services"]["engine"]["who"]["peer"] = spiffe.into();
    // Nothing is known yet: both wait for the keys.
    let mut world = World::cold_of(&all, |_| {});
    let engine = world.token("engine");
    let by = |world: &mut World, peer: Option<&[u8]>| world.send_by(peer, "GET", &table(), &engine);
    let (good, bad, none) = (
        by(&mut world, Some(spiffe.as_bytes())),
        by(&mut world, Some(b"spiffe://example.com/other")),
        by(&mut world, None),
    );
    world.pass_s(1);
    for _ in 0..2 {
        world.assert_forwarded(good);
        assert_eq!(world.refusal(bad), (403, "program_peer"));
        assert_eq!(world.refusal(none), (403, "program_peer"));
    }
    // The same from the cache: it is a fact of the request, and not of the token.
    let good = by(&mut world, Some(spiffe.as_bytes()));
    world.assert_forwarded(good);
    let stolen = by(&mut world, Some(b"spiffe://example.com/thief"));
    assert_eq!(world.refusal(stolen), (403, "program_peer"));
    // Persons come from anywhere.
    let alice = world.token("alice");
    let read = world.send("GET", &table(), &alice);
    world.pass_s(1);
    world.assert_forwarded(read);
}

#[test]
fn what_is_told_of_programs() {
    let mut world = world();
    let (engine, alice) = (world.token("engine"), world.token("alice"));
    let (config, read) = (
        world.send("GET", CONFIG, &engine),
        world.send("GET", &table(), &alice),
    );
    world.pass_s(1);
    let state = |stream: &StreamId| {
        let record = world.requests[stream].record.as_ref().expect("a record");
        let line: Value = serde_json::from_str(&record.line(Some(200))).expect("JSON");
        let state = record.state();
        let of = |name: &str| {
            let found = state.iter().find(|one| one.0 == format!("icegate.{name}"));
            found.map(|one| one.1.clone())
        };
        (
            [
                line["kind"].clone(),
                line["proof"].clone(),
                line["service"].clone(),
            ],
            [of("kind"), of("proof"), of("service")],
        )
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        state(&config),
        (
            [json!("program"), json!("program"), json!("engine")],
            [text("program"), text("program"), text("engine")]
        )
    );
    assert_eq!(
        state(&read),
        (
            [json!("person"), json!("own_token"), json!(null)],
            [text("person"), text("own_token"), None]
        )
    );
}

/// The body of a view is read where its owner matters, also without tenants.
#[test]
fn a_view_in_another_s_name_reaches_no_catalog() {
    let mut all = crate::sim::config(&json!({}));
    all["catalogs"]["lake"]["view_owner"] = "caller".into();
    all["allow_on_headers_stop_iteration"] = true.into();
    let mut world = World::of(&all);
    let alice = world.token("alice");
    let views = "/iceberg/v1/main/namespaces/db/views";
    let root = br#"{"name":"v","properties":{"trino.run-as-owner":"root"}}"#;
    let own = br#"{"name":"v","properties":{"trino.run-as-owner":"alice"}}"#;
    for _ in 0..2 {
        let stream = world.post(views, &alice);
        assert!(world.awaits_body(stream));
        world.pass_s(1);
        assert!(
            world.is_waiting(stream),
            "nothing goes on before its body was read"
        );
        world.show(stream, root);
        assert_eq!(world.refusal(stream), (403, "view_owner"));
        let stream = world.post_with(views, &alice, own);
        world.pass_s(1);
        world.assert_forwarded(stream);
    }
    // Of tables nothing is read.
    let tables = world.post("/iceberg/v1/main/namespaces/db/tables", &alice);
    assert!(!world.awaits_body(tables));
    world.assert_forwarded(tables);
    let unread = world.post_with(views, &alice, TABLE);
    world.assert_forwarded(unread);
}

impl World {
    /// A request arrives by a connection whose certificate names this.
    fn send_by(&mut self, peer: Option<&[u8]>, method: &str, path: &str, token: &str) -> StreamId {
        let authorization = format!("Bearer {token}");
        let headers: [(&[u8], &[u8]); 3] = [
            (b":method", method.as_bytes()),
            (b":path", path.as_bytes()),
            (b"authorization", authorization.as_bytes()),
        ];
        let mut head = RequestHead::read(headers.into_iter());
        head.peer = peer;
        self.send_head(&head, token)
    }

    fn post_or_get(&mut self, method: &str, path: &str, token: &str) -> StreamId {
        let stream = self.send(method, path, token);
        self.pass_s(1);
        self.show(stream, br#"{"requirements":[],"updates":[]}"#);
        stream
    }
}
