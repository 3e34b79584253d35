//! Stories of engines that speak for their users at the token endpoint.

use std::time::Duration;

use icegate::broker::Level;
use serde_json::{Value, json};

use crate::sim::desk::GrantOf;
use crate::sim::engines::{Ask, JWT, engines, engines_with_tenants, trinos_word, unsigned};
use crate::sim::{Answer, CORP, Key, Mint, Outcome, World, table};
use crate::tokens;

type Expected = (u16, String, &'static str);

fn invalid_grant(reason: &'static str) -> Expected {
    (400, "invalid_grant".to_owned(), reason)
}

fn with_services(change: impl FnOnce(&mut Value)) -> World {
    let mut all = engines(&json!({}));
    change(&mut all["services"]);
    World::of(&all)
}

#[test]
fn an_engine_speaks_for_its_user_and_the_catalog_sees_that_person() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    let stream = world.get(&Ask::speak(&trino, "alice"));
    let token = world.issued(stream);
    assert!((598..=600).contains(&world.expires_in(stream)));
    let stream = world.read(&token);
    world.pass_ms(100);
    world.assert_forwarded(stream);
    let record = world.requests[&stream].record.as_ref().expect("a record");
    assert_eq!(&*record.caller.as_ref().expect("alice").subject, "alice");
    // The unsigned word was good for nothing else.
    let word = trinos_word("alice", 1);
    let asked = world.corp().asked.len();
    for path in [
        table("iceberg"),
        table("mart"),
        "/iceberg/v1/config".to_owned(),
    ] {
        let stream = world.send("GET", &path, &word);
        assert_eq!(world.refusal(stream), (401, "algorithm_refused"), "{path}");
    }
    assert_eq!(world.corp().asked.len(), asked);
}

/// Trino 483 says a new `iat` for each query.
#[test]
fn five_hundred_queries_of_five_users_cost_five_grants() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    let people = ["alice", "dave", "grace", "erin", "frank"];
    for name in people {
        let links = &mut world.corp().desk.links;
        links.insert(name.to_owned(), name.to_owned());
    }
    for query in 0..500_u64 {
        let word = trinos_word(people[query as usize % 5], 1_771_200_000 + query);
        let stream = world.ask(&Ask::act(&trino, &word, JWT));
        world.pass_ms(if query < 10 { 30 } else { 700 });
        world.issued(stream);
    }
    // 350 seconds have passed, and a token has 600.
    assert_eq!(world.corp().desk.words(), 5);
    // Not even an actor's fresh token makes another question.
    let again = world.program_with("trino", 1800, &json!({}));
    assert_ne!(again, trino);
    let stream = world.ask(&Ask::speak(&again, "alice"));
    let token = world.issued(stream);
    assert_eq!(world.corp().desk.words(), 5);
    // When a fifth of its life is left it is taken anew.
    world.pass_s(140);
    let stream = world.get(&Ask::speak(&again, "alice"));
    assert_ne!(world.issued(stream), token);
    assert_eq!(world.corp().desk.words(), 6);
}

#[test]
fn a_word_is_one_by_actor_name_and_scope() {
    let mut world = World::with_engines();
    let [trino, presto] = ["trino", "presto"].map(|id| world.program(id));
    let ask = Ask::speak(&trino, "alice");
    let mut tokens = Vec::new();
    for ask in [
        ask.clone(),
        ask.clone().with("scope", "lake"),
        Ask::speak(&trino, "dave"),
        Ask::speak(&presto, "alice"),
    ] {
        let stream = world.get(&ask);
        tokens.push(world.issued(stream));
        // `catalog` stands for nothing.
        let stream = world.get(&ask.at("/mart"));
        tokens.push(world.issued(stream));
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 4);
    assert_eq!(world.corp().desk.words(), 4);
    assert_eq!(
        world.corp().desk.asked[1].scope.as_deref(),
        Some("to-icegate lake")
    );
}

#[test]
fn two_who_wait_for_one_word_share_it_and_survive_the_first() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    let leader = world.ask(&Ask::speak(&trino, "alice"));
    let other = world.ask(&Ask::act(&trino, &trinos_word("alice", 7), JWT));
    world.hang_up(leader);
    world.pass_ms(100);
    world.issued(other);
    assert_eq!(world.corp().desk.words(), 1);
    // Both go, and the answer is there for the next one.
    let alone = world.ask(&Ask::speak(&trino, "dave"));
    world.hang_up(alone);
    world.pass_ms(100);
    let next = world.ask(&Ask::speak(&trino, "dave"));
    world.issued(next);
    assert_eq!(world.corp().desk.words(), 2);
}

#[test]
fn a_name_that_may_not_be_said_is_refused_and_nobody_is_asked() {
    let mut world = World::with_engines();
    let [trino, presto, dremio] = ["trino", "presto", "dremio"].map(|id| world.program(id));
    for (actor, name) in [
        (&trino, "root"),
        (&trino, "Root"),
        (&trino, "ROOT"),
        (&presto, "bob"),
        (&presto, "Alice"),
        (&presto, "alice "),
        (&presto, "root"),
    ] {
        assert_eq!(
            world.refused(&Ask::speak(actor, name)),
            invalid_grant("name_refused"),
            "{name}"
        );
    }
    // dremio's word must be signed.
    assert_eq!(
        world.refused(&Ask::speak(&dremio, "alice")),
        invalid_grant("subject_token_refused")
    );
    assert_eq!(world.corp().desk.asked, []);
}

/// What the identity provider gives is somebody else than was said, or nobody.
#[test]
fn a_name_must_be_just_the_persons_who_is_given() {
    let mut world = World::with_engines();
    let [trino, presto] = ["trino", "presto"].map(|id| world.program(id));
    let links = &mut world.corp().desk.links;
    for (subject, name) in [
        ("Alice", "alice"),
        ("alice@example.com", "alice"),
        ("rööt", "root"),
    ] {
        links.insert(subject.to_owned(), name.to_owned());
    }
    for (actor, name) in [
        // An id is not a name, nor is another spelling of one.
        (&presto, "id-of-alice"),
        (&trino, "id-of-alice"),
        (&trino, "Alice"),
        (&trino, "alice@example.com"),
        (&trino, "rööt"),
        // Programs are never spoken for, listed or not.
        (&presto, "service-account-spark"),
        (&presto, "service-account-rogue"),
        (&trino, "service-account-spark"),
        // Nobody.
        (&presto, "nobody"),
        (&trino, "nobody"),
        // Not one of those for whom trino speaks.
        (&trino, "bob"),
        (&trino, "fred"),
    ] {
        let refusal = world.refused(&Ask::speak(actor, name));
        assert_eq!(refusal, invalid_grant("name_refused"), "{name}");
    }
    assert_eq!(
        world.refused(&Ask::speak(&trino, "mallory")),
        (400, "invalid_grant".to_owned(), "caller_denied")
    );
    // Whoever was disabled is nobody; and nothing of all this is anybody's fault.
    world.corp().desk.ended.insert("dave".to_owned());
    for actor in [&trino, &presto] {
        assert_eq!(
            world.refused(&Ask::speak(actor, "dave")),
            invalid_grant("name_refused")
        );
    }
    assert_eq!(world.noted(Level::Warn, "gate token failed"), 0);
    assert_eq!(world.noted(Level::Error, "gate token failed"), 0);
    for actor in [&trino, &presto] {
        let stream = world.get(&Ask::speak(actor, "alice"));
        world.issued(stream);
    }
}

/// All who may not be spoken for get the same words, so that nobody learns which names there are.
#[test]
fn the_answer_does_not_tell_which_names_there_are() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    let mut texts = Vec::new();
    for name in [
        "root",
        "nobody",
        "bob",
        "service-account-spark",
        "id-of-alice",
        "mallory",
    ] {
        let stream = world.get(&Ask::speak(&trino, name));
        let reply = world.reply(stream).clone();
        let body = String::from_utf8(reply.body).expect("text");
        texts.push((reply.status, reply.headers, body.replace(name, "NAME")));
    }
    for text in &texts {
        assert_eq!(text, &texts[0]);
    }
}

#[test]
fn what_is_said_is_bounded_and_clean() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    let now = world.true_seconds();
    let long = "x".repeat(257);
    for claims in [
        json!({}),
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"sub": ["alice"]}),
        json!({"sub": "al\nice"}),
        json!({"sub": "alice\u{0}"}),
        json!({"sub": long}),
        // Trino says it twice; another name in one of the two is a forgery of somebody's.
        json!({"sub": "alice", "user": "bob"}),
        json!({"sub": "alice", "user": ["alice"]}),
        json!({"sub": "alice", "exp": now - 1}),
        json!({"sub": "alice", "exp": "never"}),
        json!({"sub": "alice", "nbf": now + 100}),
    ] {
        let ask = Ask::act(&trino, &unsigned(&claims), JWT);
        let refusal = world.refused(&ask);
        assert_eq!(refusal, invalid_grant("subject_token_refused"), "{claims}");
    }
    for word in [
        // Another algorithm, an extension, a key, a fourth part.
        format!(
            "{}.{}.",
            tokens::base64url(r#"{"alg":"HS256"}"#),
            tokens::base64url(r#"{"sub":"alice"}"#)
        ),
        format!(
            "{}.{}.",
            tokens::base64url(r#"{"alg":"None"}"#),
            tokens::base64url(r#"{"sub":"alice"}"#)
        ),
        format!(
            "{}.{}.",
            tokens::base64url(r#"{"alg":"none","crit":["x"]}"#),
            tokens::base64url(r#"{"sub":"alice"}"#)
        ),
        format!(
            "{}.{}.",
            tokens::base64url(r#"{"alg":"none","kid":"x"}"#),
            tokens::base64url(r#"{"sub":"alice"}"#)
        ),
        format!(
            "{}.{}.",
            tokens::base64url(r#"{"alg":"none"}"#),
            tokens::base64url(r#"{"sub":"alice","sub":"bob"}"#)
        ),
        format!("{}..", tokens::base64url(r#"{"alg":"none"}"#)),
        "..".to_owned(),
    ] {
        let refusal = world.refused(&Ask::act(&trino, &word, JWT));
        assert_eq!(refusal, invalid_grant("subject_token_refused"), "{word}");
    }
    assert_eq!(world.corp().desk.asked, []);
    // Times that are said and kept are no fault.
    let word =
        unsigned(&json!({"sub": "alice", "exp": now + 60, "nbf": now - 60, "iat": now + 3600}));
    let stream = world.get(&Ask::act(&trino, &word, JWT));
    world.issued(stream);
}

#[test]
fn a_person_of_another_tenant_is_not_spoken_for() {
    let mut world = World::of(&engines_with_tenants(&json!({})));
    let trino = world.program("trino");
    for (name, expected) in [
        ("alice", None),
        ("dave", None),
        // globex's, of both, of none, denied, on `never`, and a program.
        ("bob", Some("name_refused")),
        ("carol", Some("name_refused")),
        ("erin", Some("name_refused")),
        ("mallory", Some("caller_denied")),
        ("root", Some("name_refused")),
        ("service-account-spark", Some("name_refused")),
    ] {
        let stream = world.get(&Ask::speak(&trino, name));
        match expected {
            None => drop(world.issued(stream)),
            Some(reason) => {
                assert_eq!(world.oauth_refusal(stream), invalid_grant(reason), "{name}")
            }
        }
    }
    // What alice gets is within acme's border and nowhere else.
    let stream = world.ask(&Ask::speak(&trino, "alice"));
    let token = world.issued(stream);
    let acme = world.send("GET", "/iceberg/v1/acme%7Cacme/namespaces", &token);
    let globex = world.send("GET", "/iceberg/v1/globex%7Cglobex/namespaces", &token);
    world.pass_ms(100);
    world.assert_forwarded(acme);
    assert_eq!(world.refusal(globex), (403, "outside_border"));
}

#[test]
fn a_token_on_a_word_that_must_not_be_given_is_not_given() {
    for (what, how, reason) in [
        (
            "catalog's audience",
            Mint::with(json!({"aud": ["icegate", "catalog"]})),
            "gate_token_unfit",
        ),
        (
            "without our audience",
            Mint::with(json!({"aud": "account"})),
            "gate_token_unfit",
        ),
        (
            "for the client that exchanges",
            Mint::with(json!({"azp": "icegate"})),
            "gate_token_unfit",
        ),
        (
            // Nothing would tell it from the person's own.
            "of a client of the person's",
            Mint::with(json!({"azp": "engine-cli"})),
            "gate_token_unfit",
        ),
        (
            "of the engine's client",
            Mint::with(json!({"azp": "trino"})),
            "gate_token_unfit",
        ),
        (
            "of nobody's client",
            Mint::with(json!({"azp": null})),
            "gate_token_unfit",
        ),
        (
            "another person",
            Mint::with(json!({"sub": "dave", "preferred_username": "dave"})),
            "name_refused",
        ),
        (
            "another name",
            Mint::with(json!({"preferred_username": "Alice"})),
            "name_refused",
        ),
        (
            "no name",
            Mint::with(json!({"preferred_username": null})),
            "name_refused",
        ),
        (
            "a name that is no text",
            Mint::with(json!({"preferred_username": ["alice"]})),
            "name_refused",
        ),
        (
            "a program of that name",
            Mint::with(json!({"sub": "sa-spark"})),
            "name_refused",
        ),
        (
            "a program that is not listed",
            Mint::with(json!({"gty": "client-credentials"})),
            "name_refused",
        ),
        (
            "a person who is denied",
            Mint::with(json!({"sub": "mallory"})),
            "caller_denied",
        ),
        (
            "of nobody's groups",
            Mint::with(json!({"groups": []})),
            "name_refused",
        ),
        (
            "of another issuer",
            Mint::with(json!({"iss": "https://ci.example.com"})),
            "gate_token_unfit",
        ),
        (
            "opaque",
            Mint {
                opaque: true,
                ..Mint::default()
            },
            "gate_token_unfit",
        ),
        (
            "expired",
            Mint {
                life: Some(-1),
                ..Mint::default()
            },
            "gate_token_unfit",
        ),
        (
            "of a foreign key",
            Mint {
                signer: Some(Key("foreign")),
                ..Mint::default()
            },
            "gate_token_unfit",
        ),
    ] {
        let mut world = World::with_engines();
        let trino = world.program("trino");
        world.corp().desk.next(Answer::Mint(how));
        let stream = world.ask(&Ask::speak(&trino, "alice"));
        world.pass_s(9);
        assert_eq!(world.reply(stream).details, reason, "{what}");
        // The next one is as good as ever: nothing was kept.
        let stream = world.get(&Ask::speak(&trino, "alice"));
        world.issued(stream);
    }
}

#[test]
fn the_name_becomes_a_subject_as_the_operator_says() {
    let mut world = with_services(|services| {
        services["trino"]["speaks_for"]["subject"] = "lake-{user}@gate".into();
        services["presto"]["speaks_for"]["subject"] = "{user}.x".into();
    });
    let links = &mut world.corp().desk.links;
    links.clear();
    links.insert("lake-alice@gate".to_owned(), "alice".to_owned());
    links.insert("alice.x".to_owned(), "alice".to_owned());
    let [trino, presto] = ["trino", "presto"].map(|id| world.program(id));
    for actor in [&trino, &presto] {
        let stream = world.get(&Ask::speak(actor, "alice"));
        world.issued(stream);
    }
    for name in ["lake-alice@gate", "alice@gate", "alice.x"] {
        assert_eq!(
            world.refused(&Ask::speak(&trino, name)),
            invalid_grant("name_refused"),
            "{name}"
        );
    }
}

/// An assertion is of the gate's wall clock, and an identity provider compares it with its own.
#[test]
fn clocks_that_differ_too_much_are_told_by_the_identity_provider() {
    let mut world = World::with_engines();
    let issued_at = world.true_seconds() - 1_000;
    let trino = world.program_with("trino", 3600, &json!({"iat": issued_at}));
    world.set_clock_back(Duration::from_secs(300));
    let (status, ..) = world.refused(&Ask::speak(&trino, "alice"));
    assert!(matches!(status, 400 | 503));
    assert!(matches!(
        world.corp().desk.asked[0].of,
        GrantOf::Assertion { good: false, .. }
    ));
    world.set_clock_forward(Duration::from_secs(300));
    world.pass_s(20);
    let stream = world.get(&Ask::speak(&trino, "alice"));
    world.issued(stream);
    // What is kept ends on both clocks.
    world.set_clock_forward(Duration::from_secs(590));
    let trino = world.program("trino");
    let again = world.get(&Ask::speak(&trino, "alice"));
    assert!(matches!(world.outcome(again), Outcome::Refused(_)));
    world.set_clock_back(Duration::from_secs(590));
    world.pass_s(20);
    let third = world.get(&Ask::speak(&trino, "alice"));
    world.issued(third);
    assert_eq!(world.idps[CORP].desk.words(), 4);
}
