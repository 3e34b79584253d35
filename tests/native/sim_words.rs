//! Stories of engines that speak for their users at the token endpoint.

use std::time::Duration;

use icegate::broker::Level;
use serde_json::{Value, json};

use crate::sim::desk::GrantOf;
use crate::sim::engines::{
    ACCESS_TOKEN, Ask, Auth, FLINK, JWT, engines, engines_with_tenants, trinos_word, unsigned,
};
use crate::sim::{Answer, CI, CORP, Key, Mint, Outcome, World, table};
use crate::tokens;

type Expected = (u16, String, &'static str);

fn invalid_grant(reason: &'static str) -> Expected {
    (400, "invalid_grant".to_owned(), reason)
}

fn unauthorized(reason: &'static str) -> Expected {
    (400, "unauthorized_client".to_owned(), reason)
}

fn malformed() -> Expected {
    (400, "invalid_request".to_owned(), "token_request_malformed")
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
fn only_a_listed_program_that_may_speak_is_an_actor() {
    let mut world = World::with_engines();
    let word = trinos_word("alice", 1);
    let trino = world.program("trino");
    let foreign = World::foreign_signer();
    let spark = world.program("spark");
    let rogue = world.program("rogue");
    let person = world.token("alice");
    // A person who logged in through the engine's own client.
    let through_trino = world.token_with("bob", 3600, &json!({"azp": "trino", "sid": "s"}));
    // The engine's account by name, through another client; and the engine's client with another account.
    let other_client = world.program_with("trino", 3600, &json!({"azp": "spark"}));
    let other_account = world.token_with(
        "sa-other",
        3600,
        &json!({"azp": "trino", "preferred_username": "service-account-trino"}),
    );
    let of_ci = world.token_of(CI, "sa-trino", 3600);
    let expired = world.program_with("trino", 0, &json!({"jti": "trrtcc:expired"}));
    let forged = {
        let claims = json!({
            "iss": "https://idp.example.com/realms/lake", "aud": "icegate", "sub": "sa-trino", "azp": "trino",
            "exp": world.true_seconds() + 600, "iat": world.true_seconds(), "typ": "Bearer",
        });
        foreign.sign(&claims)
    };
    let unsigned_actor = unsigned(&json!({
        "iss": "https://idp.example.com/realms/lake", "aud": "icegate", "sub": "sa-trino", "azp": "trino",
        "exp": world.true_seconds() + 600,
    }));
    let other_audience = world.program_with("trino", 3600, &json!({"aud": "catalog"}));
    let of_the_gate = world.program_with("trino", 3600, &json!({"azp": "icegate"}));
    for (what, actor, expected) in [
        ("speaks for nobody", &spark, unauthorized("actor_refused")),
        ("is not listed", &rogue, unauthorized("actor_refused")),
        ("is a person", &person, unauthorized("actor_refused")),
        (
            "is a person of the client",
            &through_trino,
            unauthorized("actor_refused"),
        ),
        (
            "is of another client",
            &other_client,
            unauthorized("actor_refused"),
        ),
        (
            "is another account",
            &other_account,
            unauthorized("actor_refused"),
        ),
        (
            "is of another issuer",
            &of_ci,
            invalid_grant("subject_token_refused"),
        ),
        ("has expired", &expired, invalid_grant("token_expired")),
        (
            "is unsigned",
            &unsigned_actor,
            invalid_grant("algorithm_refused"),
        ),
        (
            "is for a catalog",
            &other_audience,
            invalid_grant("audience_mismatch"),
        ),
        (
            "is of the gate's client",
            &of_the_gate,
            invalid_grant("own_client_token"),
        ),
        ("is forged", &forged, invalid_grant("signature_bad")),
    ] {
        if what == "is forged" {
            continue;
        }
        let refusal = world.refused(&Ask::act(actor, &word, JWT));
        assert_eq!(refusal, expected, "whose actor {what}");
    }
    // The signature of another token.
    let (claims, _) = trino.rsplit_once('.').expect("three parts");
    let (_, signature) = spark.rsplit_once('.').expect("three parts");
    assert_eq!(
        world.refused(&Ask::speak(&format!("{claims}.{signature}"), "alice")),
        invalid_grant("signature_bad")
    );
    let stream = world.ask(&Ask::speak(&forged, "alice"));
    world.pass_s(9);
    assert_eq!(world.oauth_refusal(stream), invalid_grant("key_unknown"));
    assert_eq!(world.corp().desk.asked, []);
}

#[test]
fn the_header_is_just_the_actor_token() {
    let mut world = World::with_engines();
    let [trino, spark] = ["trino", "spark"].map(|id| world.program(id));
    let secret = world.secret("trino");
    let alice = world.token("alice");
    let ask = Ask::speak(&trino, "alice");
    for auth in [
        Auth::Nothing,
        Auth::Bearer(spark),
        Auth::Bearer(alice),
        Auth::Bearer(format!("{trino}x")),
        Auth::Basic("trino".to_owned(), secret.clone()),
    ] {
        let refusal = world.refused(&ask.clone().authorized(auth));
        assert_eq!(refusal, malformed());
    }
    // A login beside it is a second proof.
    let both = ask
        .clone()
        .with("client_id", "trino")
        .with("client_secret", &secret);
    assert_eq!(world.refused(&both), malformed());
    assert_eq!(
        world.refused(&ask.clone().with("actor_token_type", JWT)),
        malformed()
    );
    assert_eq!(
        world.refused(&ask.clone().with("actor_token", "")),
        malformed()
    );
    assert_eq!(world.corp().desk.asked, []);
    let stream = world.get(&ask);
    world.issued(stream);
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
fn an_unsigned_token_alone_proves_nothing() {
    let mut world = World::with_engines();
    let word = trinos_word("alice", 1);
    let secret = world.secret("trino");
    for ask in [
        Ask::refresh(&word),
        Ask::refresh_by("trino", &secret, &word),
        Ask::refresh_by("trino", "CANARY-wrong", &word),
        Ask::refresh(&word).with("subject_token_type", JWT),
        Ask::act(&word, &word, JWT),
    ] {
        let (status, error, reason) = world.refused(&ask);
        assert_eq!((status, error.as_str()), (400, "invalid_grant"));
        assert!(
            matches!(reason, "subject_token_refused" | "algorithm_refused"),
            "{reason}"
        );
    }
    assert_eq!(world.corp().desk.asked, []);
    assert_eq!(world.corp().asked.len(), 0);
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

#[test]
fn an_engine_that_is_bound_to_its_connection_speaks_over_no_other() {
    let mut world = World::with_engines();
    let flink = world.program("flink");
    let ask = Ask::speak(&flink, "alice");
    for ask in [
        ask.clone(),
        ask.clone().over("spiffe://example.com/Flink"),
        ask.clone().over(""),
        ask.clone().over("spiffe://example.com/flink,spiffe://x"),
    ] {
        assert_eq!(world.refused(&ask), invalid_grant("program_peer"));
    }
    assert_eq!(world.corp().desk.asked, []);
    let stream = world.get(&ask.clone().over(FLINK));
    world.issued(stream);
    // The answer is kept, and given over flink's connection alone.
    assert_eq!(world.refused(&ask), invalid_grant("program_peer"));
    let stream = world.ask(&ask.over(FLINK));
    world.issued(stream);
}

#[test]
fn a_word_that_another_issuer_signed() {
    let mut world = World::with_engines();
    let [trino, dremio] = ["trino", "dremio"].map(|id| world.program(id));
    let word = world.token_of(CI, "bob", 3600);
    let stream = world.get(&Ask::act(&dremio, &word, JWT));
    world.issued(stream);
    // Only dremio's word is taken so, and only of those whom it may name.
    for (actor, name) in [(&trino, "alice"), (&dremio, "dave"), (&dremio, "root")] {
        let word = world.token_of(CI, name, 3600);
        let (status, error, reason) = world.refused(&Ask::act(actor, &word, JWT));
        assert_eq!((status, error.as_str()), (400, "invalid_grant"), "{name}");
        assert!(
            matches!(reason, "name_refused" | "subject_token_refused"),
            "{reason}"
        );
    }
    // It must be good: of its time, for the gate, and really signed.
    let expired = world.token_of(CI, "alice", 0);
    assert_eq!(
        world.refused(&Ask::act(&dremio, &expired, JWT)),
        invalid_grant("token_expired")
    );
    let foreign = World::foreign_signer();
    let forged = world.token_by(&foreign, CI, "alice", 600, false);
    let stream = world.ask(&Ask::act(&dremio, &forged, JWT));
    world.pass_s(9);
    assert!(matches!(
        world.reply(stream).details,
        "key_unknown" | "keys_unavailable"
    ));
    // And it is no refresh, whoever shows it.
    assert_eq!(
        world.refused(&Ask::refresh(&word)),
        invalid_grant("subject_token_refused")
    );
    let secret = world.secret("dremio");
    assert_eq!(
        world.refused(&Ask::refresh_by("dremio", &secret, &word)),
        invalid_grant("subject_token_refused")
    );
    // A person's own token beside dremio is that person's own.
    let own = world.signed_in("carol", 3600);
    let stream = world.get(&Ask::act(&dremio, &own, ACCESS_TOKEN));
    world.issued(stream);
    assert_eq!(world.corp().desk.exchanges(), 1);
}

/// The key of whoever signs words may be changed like any other.
#[test]
fn a_word_that_was_signed_with_a_newer_key_waits_for_it() {
    let mut world = World::with_engines();
    let dremio = world.program("dremio");
    world.pass_s(10);
    world.ci().rotate(true);
    let word = world.token_of(CI, "alice", 3600);
    let ask = Ask::act(&dremio, &word, JWT);
    let first = world.get(&ask);
    world.issued(first);
}

#[test]
fn a_signed_token_beside_an_actor_proves_itself() {
    let mut world = World::with_engines();
    let [trino, spark] = ["trino", "spark"].map(|id| world.program(id));
    // bob is none for whom trino speaks, and nobody on `never` needs to be spoken for.
    for (actor, person) in [(&trino, "bob"), (&spark, "alice"), (&trino, "root")] {
        let own = world.signed_in(person, 3600);
        for kind in [ACCESS_TOKEN, JWT] {
            let stream = world.get(&Ask::act(actor, &own, kind));
            let token = world.issued(stream);
            let stream = world.read(&token);
            world.pass_ms(100);
            world.assert_forwarded(stream);
        }
    }
    assert_eq!(
        (world.corp().desk.exchanges(), world.corp().desk.words()),
        (3, 0)
    );
    // Somebody who is denied, has expired or signed out gets nothing; nor does another program.
    let denied = world.signed_in("mallory", 3600);
    let expired = world.signed_in("alice", 0);
    let gone = world.signed_in("erin", 3600);
    world.corp().desk.ended.insert("erin".to_owned());
    let rogue = world.program("rogue");
    for (subject, expected) in [
        (&denied, invalid_grant("caller_denied")),
        (&expired, invalid_grant("token_expired")),
        (&gone, invalid_grant("subject_refused")),
        (&rogue, unauthorized("actor_refused")),
        (&spark, unauthorized("actor_refused")),
    ] {
        assert_eq!(
            world.refused(&Ask::act(&trino, subject, ACCESS_TOKEN)),
            expected
        );
    }
    // The token of its own that an engine shows is its own; that of one that speaks for people is renewed by its secret
    // alone.
    let stream = world.get(&Ask::act(&spark, &spark, ACCESS_TOKEN));
    world.issued(stream);
    assert_eq!(
        world.refused(&Ask::act(&trino, &trino, ACCESS_TOKEN)),
        invalid_grant("session_unproven")
    );
}

#[test]
fn another_persons_token_than_was_exchanged_is_not_given() {
    for (what, how) in [
        ("somebody else", Mint::with(json!({"sub": "dave"}))),
        ("a program", Mint::with(json!({"sub": "sa-spark"}))),
        (
            "of a login's client, without a session",
            Mint::with(json!({"azp": "engine-cli", "sid": null})),
        ),
        (
            "a program by its mark",
            Mint::with(json!({"preferred_username": "service-account-x"})),
        ),
        (
            "a catalog's",
            Mint::with(json!({"aud": ["icegate", "mart"]})),
        ),
        (
            "of the client that exchanges",
            Mint::with(json!({"azp": "icegate"})),
        ),
    ] {
        let mut world = World::with_engines();
        let trino = world.program("trino");
        let own = world.signed_in("bob", 3600);
        world.corp().desk.next(Answer::Mint(how));
        let ask = Ask::act(&trino, &own, ACCESS_TOKEN);
        assert_eq!(
            world.refused(&ask),
            (503, "invalid_request".to_owned(), "gate_token_unfit"),
            "{what}"
        );
        // It is not asked again at once.
        world.pass_s(4);
        let stream = world.get(&ask);
        world.issued(stream);
    }
}

/// Off unless it is configured.
#[test]
fn without_a_client_for_gate_tokens_nothing_but_logins_is_answered() {
    let mut all = engines(&json!({}));
    let rule = all["issuers"]["corp"]["gate_tokens"]
        .as_object_mut()
        .expect("a block");
    rule.remove("client");
    rule.remove("assertion");
    for service in all["services"]
        .as_object_mut()
        .expect("services")
        .values_mut()
    {
        service
            .as_object_mut()
            .expect("a block")
            .remove("speaks_for");
    }
    let mut world = World::of(&all);
    let secret = world.secret("trino");
    let stream = world.get(&Ask::login("trino", &secret));
    let trino = world.issued(stream);
    let own = world.signed_in("alice", 3600);
    assert_eq!(
        world.refused(&Ask::speak(&trino, "alice")),
        unauthorized("actor_refused")
    );
    for ask in [
        Ask::refresh(&own),
        Ask::refresh(&trino),
        Ask::act(&trino, &own, ACCESS_TOKEN),
    ] {
        assert_eq!(
            world.refused(&ask),
            (
                400,
                "unsupported_grant_type".to_owned(),
                "grant_type_unsupported"
            )
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
