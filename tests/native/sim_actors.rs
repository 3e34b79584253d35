//! Stories of who acts for others at the token endpoint, and of signed tokens beside an actor.

use serde_json::json;

use crate::sim::engines::{ACCESS_TOKEN, Ask, Auth, FLINK, JWT, engines, trinos_word, unsigned};
use crate::sim::{Answer, CI, Mint, World};

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
