//! Stories of tokens that come to their end at the token endpoint.

use std::time::Duration;

use icegate::broker::StreamId;
use serde_json::{Value, json};

use crate::sim::engines::{ACCESS_TOKEN, Ask, Auth, FLINK, engines};
use crate::sim::{Answer, Outcome, World};

fn invalid_grant(reason: &'static str) -> (u16, String, &'static str) {
    (400, "invalid_grant".to_owned(), reason)
}

fn unauthorized() -> (u16, String, &'static str) {
    (400, "unauthorized_client".to_owned(), "actor_refused")
}

/// A token that an engine got on its word, and the engine's own.
fn spoken(world: &mut World, engine: &str, name: &str) -> String {
    let actor = world.program(engine);
    let stream = world.get(&Ask::speak(&actor, name).over(FLINK));
    world.issued(stream)
}

/// The same configuration in another worker: what one has given, the other has not.
fn other_worker(world: &World, token: &str) -> World {
    let mut other = World::with_engines();
    let subject = world.subjects[token].clone();
    other.subjects.insert(token.to_owned(), subject);
    let given = world.idps[crate::sim::CORP].desk.books.get(token);
    if let Some(given) = given {
        other
            .corp()
            .desk
            .books
            .insert(token.to_owned(), given.clone());
    }
    other
}

fn forwarded(world: &mut World, token: &str) -> StreamId {
    let stream = world.read(token);
    world.pass_ms(100);
    world.assert_forwarded(stream);
    stream
}

#[test]
fn a_person_who_signed_in_is_renewed_as_long_as_the_session_lasts() {
    let mut world = World::with_engines();
    let mut token = world.signed_in("bob", 300);
    // Two hours, over many lifetimes.
    for turn in 1..=13 {
        let stream = world.get(&Ask::refresh(&token));
        token = world.issued(stream);
        assert_eq!(world.corp().desk.exchanges(), turn);
        forwarded(&mut world, &token);
        world.pass_s(540);
    }
    // What was got has a session too, wherever it is shown.
    let mut other = other_worker(&world, &token);
    other.pass_s(world.true_seconds() - other.true_seconds());
    let stream = other.get(&Ask::refresh(&token));
    other.issued(stream);
    // Signed out.
    world.corp().desk.ended.insert("bob".to_owned());
    assert_eq!(
        world.refused(&Ask::refresh(&token)),
        invalid_grant("subject_refused")
    );
    // Nobody's word was ever needed, and trino's is none for bob.
    assert_eq!(world.corp().desk.words(), 0);
}

#[test]
fn the_same_refresh_gets_the_same_answer() {
    let mut world = World::with_engines();
    let token = world.signed_in("bob", 300);
    let leader = world.ask(&Ask::refresh(&token));
    let other = world.ask(&Ask::refresh(&token));
    world.hang_up(leader);
    world.pass_ms(100);
    let first = world.issued(other);
    let stream = world.ask(&Ask::refresh(&token));
    assert_eq!(world.issued(stream), first);
    assert_eq!(world.corp().desk.exchanges(), 1);
    // Another scope is another token.
    let stream = world.get(&Ask::refresh(&token).with("scope", "lake"));
    assert_ne!(world.issued(stream), first);
}

#[test]
fn who_signed_in_too_long_ago_signs_in_again() {
    let mut world = World::with_engines();
    let now = world.true_seconds();
    for (auth_time, over) in [
        (json!(now - 35_990), false),
        (json!(now - 36_001), true),
        (json!(0), true),
        (json!(-1e300), true),
        (json!(1e300), false),
        (json!(now + 1e9 as u64), false),
        (json!("long ago"), false),
    ] {
        let token = world.token_with("bob", 300, &json!({"sid": "s", "auth_time": auth_time}));
        let stream = world.get(&Ask::refresh(&token));
        match (world.outcome(stream), over) {
            (Outcome::Issued { .. }, false) => {}
            (_, true) => {
                assert_eq!(
                    world.oauth_refusal(stream),
                    invalid_grant("session_over"),
                    "{auth_time}"
                );
            }
            (other, _) => panic!("{auth_time}: {other:?}"),
        }
    }
}

/// A program's first refresh exchanges the token that it logged in for; what comes of it is the gate's client's, and goes
/// on only where the gate knows since when.
#[test]
fn a_program_is_renewed_within_its_session_by_who_remembers_it() {
    let mut world = World::with_engines();
    let secret = world.secret("spark");
    let stream = world.get(&Ask::login("spark", &secret));
    let login = world.issued(stream);
    let stream = world.get(&Ask::refresh(&login));
    let first = world.issued(stream);
    assert_ne!(first, login);
    world.pass_s(500);
    let stream = world.get(&Ask::refresh(&first));
    let mut token = world.issued(stream);
    assert_eq!(world.corp().desk.exchanges(), 2);
    // Another worker does not know it.
    let mut other = other_worker(&world, &first);
    other.pass_s(500);
    assert_eq!(
        other.refused(&Ask::refresh(&first)),
        invalid_grant("session_unproven")
    );
    assert_eq!(other.corp().desk.asked, []);
    // The engine proves itself by its login, and goes on with a token that has nothing behind it.
    let stream = other.get(&Ask::refresh_by("spark", &secret, &first));
    let fresh = other.issued(stream);
    assert_eq!(
        (other.corp().desk.logins(), other.corp().desk.exchanges()),
        (1, 0)
    );
    let stream = other.get(&Ask::refresh(&fresh));
    other.issued(stream);
    // Ten hours after the first one it is over.
    let mut turns = 0;
    while turns < 100 {
        world.pass_s(500);
        turns += 1;
        let stream = world.get(&Ask::refresh(&token));
        if let Outcome::Issued { .. } = world.outcome(stream) {
            token = world.issued(stream);
            continue;
        }
        assert_eq!(world.oauth_refusal(stream), invalid_grant("session_over"));
        break;
    }
    assert_eq!(turns, 71, "36,000 seconds");
    let stream = world.get(&Ask::refresh_by("spark", &secret, &token));
    world.issued(stream);
}

#[test]
fn what_was_given_on_a_word_is_the_word_again() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    let stream = world.get(&Ask::speak(&trino, "alice"));
    let first = world.issued(stream);
    // 483 refreshes every past query's session: the same answer for all.
    for _ in 0..20 {
        let stream = world.ask(&Ask::refresh(&first));
        assert_eq!(world.issued(stream), first);
    }
    assert_eq!(
        (world.corp().desk.words(), world.corp().desk.exchanges()),
        (1, 0)
    );
    world.pass_s(540);
    let stream = world.get(&Ask::refresh(&first));
    let second = world.issued(stream);
    assert_ne!(second, first);
    let stream = world.ask(&Ask::speak(&trino, "alice"));
    assert_eq!(world.issued(stream), second);
    assert_eq!(
        (world.corp().desk.words(), world.corp().desk.exchanges()),
        (2, 0)
    );
    forwarded(&mut world, &second);
    // Whom it may no longer say is not said again.
    world.corp().desk.ended.insert("alice".to_owned());
    world.pass_s(540);
    assert_eq!(
        world.refused(&Ask::refresh(&second)),
        invalid_grant("name_refused")
    );
    // Another worker does not know whose word it was.
    let mut other = other_worker(&world, &first);
    assert_eq!(
        other.refused(&Ask::refresh(&first)),
        invalid_grant("session_unproven")
    );
    assert_eq!(other.corp().desk.asked, []);
}

#[test]
fn a_word_that_nobody_proves_anew_ends_with_its_session() {
    let mut all = engines(&json!({}));
    all["issuers"]["corp"]["gate_tokens"]["session"] = "30m".into();
    all["issuers"]["corp"]["gate_tokens"]["life"] = "15m".into();
    let mut world = World::of(&all);
    let first = spoken(&mut world, "trino", "alice");
    let mut token = first;
    for _ in 0..3 {
        world.pass_s(500);
        let stream = world.get(&Ask::refresh(&token));
        token = world.issued(stream);
    }
    world.pass_s(400);
    assert_eq!(
        world.refused(&Ask::refresh(&token)),
        invalid_grant("session_over")
    );
    // The engine itself may go on, with what is kept at first: whoever shows only that does not begin anew by it.
    let words = world.corp().desk.words();
    assert_eq!(spoken(&mut world, "trino", "alice"), token);
    assert_eq!(world.corp().desk.words(), words);
    assert_eq!(
        world.refused(&Ask::refresh(&token)),
        invalid_grant("session_over")
    );
    world.pass_s(500);
    let token = spoken(&mut world, "trino", "alice");
    world.pass_s(500);
    let stream = world.get(&Ask::refresh(&token));
    world.issued(stream);
}

/// Each way to show a token that has no session at the identity provider, and none of them begins a chain anew.
#[test]
fn no_way_of_showing_a_token_prolongs_it_beyond_its_session() {
    let mut all = engines(&json!({}));
    all["issuers"]["corp"]["gate_tokens"]["session"] = "20m".into();
    all["issuers"]["corp"]["gate_tokens"]["life"] = "15m".into();
    let secret = |world: &World, id: &str| world.secret(id);
    type Show = fn(&mut World, &str, &str, &str) -> Ask;
    let shows: [(&str, Show); 4] = [
        ("itself", |_, token, _, _| Ask::refresh(token)),
        ("as its own actor", |_, token, _, _| {
            Ask::act(token, token, ACCESS_TOKEN)
        }),
        ("beside another program", |world, token, other, _| {
            let other = world.program(other);
            Ask::act(&other, token, ACCESS_TOKEN)
        }),
        ("with another program's login", |_, token, other, secret| {
            Ask::refresh_by(other, secret, token)
        }),
    ];
    for of_program in [true, false] {
        for (how, show) in shows {
            let mut world = World::of(&all);
            let other = if of_program { "trino" } else { "spark" };
            let others = secret(&world, other);
            let first = match of_program {
                // A token that was stolen from spark, and nothing else of spark's.
                true => {
                    let login = world.program_with("spark", 300, &json!({}));
                    let stream = world.get(&Ask::refresh(&login));
                    world.issued(stream)
                }
                false => spoken(&mut world, "trino", "alice"),
            };
            let mut token = first;
            let mut last = 0;
            for second in (0..7_200).step_by(300) {
                let ask = show(&mut world, &token, other, &others);
                let stream = world.get(&ask);
                if let Outcome::Issued { .. } = world.outcome(stream) {
                    token = world.issued(stream);
                    last = second;
                }
                world.pass_s(300);
            }
            // Twenty minutes, and the life of the last one.
            assert!(
                last <= 1_200,
                "{how}: {last} seconds, a program's: {of_program}"
            );
        }
    }
}

#[test]
fn after_its_end_a_program_goes_on_as_itself_by_its_login() {
    let mut world = World::with_engines();
    let secret = world.secret("spark");
    let stream = world.get(&Ask::login("spark", &secret));
    let login = world.issued(stream);
    let stream = world.get(&Ask::refresh(&login));
    let exchanged = world.issued(stream);
    world.pass_s(700);
    for token in [&login, &exchanged] {
        assert_eq!(
            world.refused(&Ask::refresh(token)),
            invalid_grant("token_expired")
        );
        let stream = world.get(&Ask::refresh_by("spark", &secret, token));
        let fresh = world.issued(stream);
        assert_ne!(fresh, *token);
    }
    // One login for both, and no exchange of what has ended.
    assert_eq!(
        (world.corp().desk.logins(), world.corp().desk.exchanges()),
        (2, 1)
    );
    // Before its end it may prove itself so, too.
    let stream = world.get(&Ask::login("spark", &secret));
    let login = world.issued(stream);
    let stream = world.get(&Ask::refresh_by("spark", &secret, &login));
    assert_eq!(world.issued(stream), login);
    // As somebody else's program it gets nothing.
    let trino = world.secret("trino");
    assert_eq!(
        world.refused(&Ask::refresh_by("trino", &trino, &login)),
        invalid_grant("subject_token_refused")
    );
    // What ended too long ago is nobody's.
    world.pass_s(37_000);
    assert_eq!(
        world.refused(&Ask::refresh_by("spark", &secret, &login)),
        invalid_grant("token_expired")
    );
}

#[test]
fn after_its_end_a_word_is_taken_again_by_who_may_say_it() {
    let mut world = World::with_engines();
    let token = spoken(&mut world, "trino", "alice");
    world.pass_s(700);
    let [trino, spark, presto, dremio] =
        ["trino", "spark", "presto", "dremio"].map(|id| world.secret(id));
    // In another worker as well.
    let mut other = other_worker(&world, &token);
    other.pass_s(700);
    for world in [&mut world, &mut other] {
        let before = world.corp().desk.words();
        let stream = world.get(&Ask::refresh_by("trino", &trino, &token));
        let fresh = world.issued(stream);
        forwarded(world, &fresh);
        assert_eq!(world.corp().desk.words(), before + 1);
        assert_eq!(world.corp().desk.exchanges(), 0);
        // Somebody else's login says nothing of alice, where it may not; nor does dremio's, which must be signed.
        assert_eq!(
            world.refused(&Ask::refresh_by("spark", &spark, &token)),
            unauthorized()
        );
        assert_eq!(
            world.refused(&Ask::refresh_by("dremio", &dremio, &token)),
            invalid_grant("subject_token_refused")
        );
        // presto may name alice.
        let stream = world.get(&Ask::refresh_by("presto", &presto, &token));
        world.issued(stream);
    }
    // carol's was never one.
    let carol = world.token_with("carol", 0, &json!({"azp": "icegate-tokens"}));
    assert_eq!(
        world.refused(&Ask::refresh_by("trino", &trino, &carol)),
        invalid_grant("name_refused")
    );
}

/// An engine that has got people by impersonation: what it got has a session at the identity provider.
#[test]
fn a_word_by_impersonation_is_renewed_like_any_other() {
    let mut world = World::with_engines();
    let first = spoken(&mut world, "presto", "alice");
    world.pass_s(500);
    let stream = world.get(&Ask::refresh(&first));
    let second = world.issued(stream);
    assert_ne!(second, first);
    assert_eq!(
        (world.corp().desk.words(), world.corp().desk.exchanges()),
        (2, 0)
    );
    // Another worker exchanges it within its session.
    let mut other = other_worker(&world, &second);
    other.pass_s(500);
    let stream = other.get(&Ask::refresh(&second));
    other.issued(stream);
    assert_eq!(
        (other.corp().desk.words(), other.corp().desk.exchanges()),
        (0, 1)
    );
    // After its end presto says it again; nobody else may.
    world.pass_s(700);
    let [presto, spark] = ["presto", "spark"].map(|id| world.secret(id));
    let stream = world.get(&Ask::refresh_by("presto", &presto, &second));
    world.issued(stream);
    assert_eq!(
        world.refused(&Ask::refresh_by("spark", &spark, &second)),
        unauthorized()
    );
    other.pass_s(700);
    assert_eq!(
        other.refused(&Ask::refresh_by("spark", &spark, &second)),
        invalid_grant("session_over")
    );
    let stream = other.get(&Ask::refresh_by("presto", &presto, &second));
    other.issued(stream);
}

/// Trino 483 without token exchange, and every client that goes on by its own login when a person's token has expired
/// (Iceberg issue 17600): it must not become the engine.
#[test]
fn a_persons_session_never_becomes_a_programs() {
    let mut world = World::with_engines();
    let ids = ["trino", "presto", "dremio", "spark", "flink"];
    let secrets = ids.map(|id| world.secret(id));
    for id in ids {
        for (number, claims) in [
            // As people sign in, through a client of their own or the engine's; with a session or without.
            json!({"sid": "s"}),
            json!({"sid": "s", "azp": id}),
            json!({"azp": id}),
            json!({}),
            json!({"azp": id, "client_id": id}),
            json!({"azp": null, "client_id": id, "sid": "s"}),
        ]
        .into_iter()
        .enumerate()
        {
            let secret = secrets[ids.iter().position(|one| *one == id).expect("one")].clone();
            let token = world.token_with(
                "bob",
                200,
                &json!({"jti": format!("onrtro:{id}-{number}")})
                    .as_object()
                    .into_iter()
                    .chain(claims.as_object())
                    .flatten()
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect::<serde_json::Map<String, Value>>()
                    .into(),
            );
            // Before its end the person goes on as that person.
            let ask = Ask::refresh_by(id, &secret, &token).over(FLINK);
            let stream = world.get(&ask);
            let fresh = world.issued(stream);
            assert_eq!(world.subjects[&fresh].person, "bob");
            world.pass_s(240);
            // After it nobody does, and nobody is asked for anything but the engine's own login.
            let (exchanges, words) = (world.corp().desk.exchanges(), world.corp().desk.words());
            let stream = world.get(&ask);
            assert_eq!(
                world.oauth_refusal(stream),
                invalid_grant("session_over"),
                "{id} {claims}"
            );
            let body = String::from_utf8_lossy(&world.reply(stream).body).into_owned();
            assert!(
                body.contains("sign in again") && body.contains("bob") && body.contains(id),
                "{body}"
            );
            assert_eq!(
                world.refused(&Ask::refresh(&token)),
                invalid_grant("token_expired")
            );
            let desk = &world.corp().desk;
            assert_eq!((desk.exchanges(), desk.words()), (exchanges, words));
        }
    }
    assert_eq!(
        world.count("icegate_refusals.refusal.session_over"),
        i64::try_from(ids.len() * 6).expect("few")
    );
}

/// What a person holds of the gate's client, by a session of the person's own.
#[test]
fn a_renewed_person_whose_token_has_expired_signs_in_again() {
    for engine in ["trino", "spark"] {
        let mut all = engines(&json!({}));
        // Where somebody is impersonated, nothing tells the two apart.
        all["services"]
            .as_object_mut()
            .expect("services")
            .remove("presto");
        let mut world = World::of(&all);
        let secret = world.secret(engine);
        let own = world.signed_in("alice", 300);
        let stream = world.get(&Ask::refresh(&own));
        let renewed = world.issued(stream);
        world.pass_s(700);
        assert_eq!(
            world.refused(&Ask::refresh_by(engine, &secret, &renewed)),
            invalid_grant("session_over"),
            "{engine}"
        );
        assert_eq!(world.corp().desk.words(), 0);
    }
}

#[test]
fn a_bad_login_gets_nothing_for_any_token() {
    let mut world = World::with_engines();
    let word = spoken(&mut world, "trino", "alice");
    let own = world.signed_in("alice", 3600);
    let trino = world.program("trino");
    let asked = world.corp().desk.asked.len();
    let invalid_client = |reason| (401, "invalid_client".to_owned(), reason);
    for token in [&word, &own, &trino] {
        assert_eq!(
            world.refused(&Ask::refresh_by("trino", "CANARY-wrong", token)),
            invalid_client("login_refused")
        );
        assert_eq!(
            world.refused(&Ask::refresh_by("rogue", "CANARY-wrong", token)),
            invalid_client("login_unknown")
        );
    }
    // Once, for one wrong secret.
    assert_eq!(world.corp().desk.asked.len(), asked + 1);
    // And a bad token nothing for any login.
    let secret = world.secret("trino");
    let foreign = World::foreign_signer();
    let forged = world.token_by(&foreign, crate::sim::CORP, "alice", 600, false);
    let stream = world.ask(&Ask::refresh_by("trino", &secret, &forged));
    world.pass_s(9);
    assert_eq!(world.oauth_refusal(stream), invalid_grant("key_unknown"));
    let (claims, _) = own.rsplit_once('.').expect("three parts");
    let (_, signature) = trino.rsplit_once('.').expect("three parts");
    assert_eq!(
        world.refused(&Ask::refresh_by(
            "trino",
            &secret,
            &format!("{claims}.{signature}")
        )),
        invalid_grant("signature_bad")
    );
    assert_eq!(world.corp().desk.asked.len(), asked + 1);
}

#[test]
fn a_refresh_shows_the_token_itself_or_a_login() {
    let mut world = World::with_engines();
    let [own, other] = ["alice", "bob"].map(|person| world.signed_in(person, 3600));
    let spark = world.program("spark");
    let malformed = (400, "invalid_request".to_owned(), "token_request_malformed");
    for bearer in [&other, &spark] {
        let ask = Ask::refresh(&own).authorized(Auth::Bearer(bearer.clone()));
        assert_eq!(world.refused(&ask), malformed);
    }
    assert_eq!(
        world.refused(&Ask::refresh(&own).authorized(Auth::Nothing)),
        (401, "invalid_client".to_owned(), "login_malformed")
    );
    // Logins in the form are as good as those by Basic.
    let secret = world.secret("spark");
    let ask = Ask::refresh(&own)
        .authorized(Auth::Nothing)
        .with("client_id", "spark")
        .with("client_secret", &secret);
    let stream = world.get(&ask);
    world.issued(stream);
    // Programs that nobody lists, and people who are denied, are renewed by nobody.
    let rogue = world.program("rogue");
    assert_eq!(world.refused(&Ask::refresh(&rogue)), unauthorized());
    let denied = world.signed_in("mallory", 3600);
    for ask in [
        Ask::refresh(&denied),
        Ask::refresh_by("spark", &secret, &denied),
    ] {
        assert_eq!(world.refused(&ask), invalid_grant("caller_denied"));
    }
}

/// A token that was stolen from an engine is renewed over the engine's connection alone.
#[test]
fn a_connection_that_is_not_the_engines_renews_nothing_of_it() {
    let mut world = World::with_engines();
    let word = spoken(&mut world, "flink", "alice");
    let flink = world.program("flink");
    for token in [&word, &flink] {
        assert_eq!(
            world.refused(&Ask::refresh(token)),
            invalid_grant("program_peer")
        );
    }
    let stream = world.get(&Ask::refresh(&word).over(FLINK));
    world.issued(stream);
    assert_eq!(
        world.refused(&Ask::refresh(&flink).over(FLINK)),
        invalid_grant("session_unproven")
    );
    let secret = world.secret("flink");
    assert_eq!(
        world.refused(&Ask::refresh_by("flink", &secret, &flink)),
        (401, "invalid_client".to_owned(), "login_refused")
    );
}

#[test]
fn a_refresh_that_waits_twice_is_answered_in_its_time() {
    let mut all = engines(&json!({"request_deadline": "6s"}));
    all["issuers"]["corp"]["gate_tokens"]["remember"] = "0s".into();
    let mut world = World::of(&all);
    let token = spoken(&mut world, "trino", "alice");
    world.pass_s(700);
    let secret = world.secret("trino");
    let ask = Ask::refresh_by("trino", &secret, &token);
    // The login takes four seconds, and then the word four more.
    for _ in 0..2 {
        world
            .corp()
            .desk
            .next_after(Duration::from_secs(4), Answer::Good);
    }
    let stream = world.ask(&ask);
    world.pass_s(7);
    assert_eq!(
        world.oauth_refusal(stream),
        (503, "invalid_request".to_owned(), "deadline_passed")
    );
    // The word came all the same, and is there for the next try.
    world.pass_s(5);
    let words = world.corp().desk.words();
    let stream = world.get(&ask);
    world.issued(stream);
    assert_eq!(world.corp().desk.words(), words);
}
