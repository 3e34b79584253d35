//! What people who mean harm send to the token endpoint, beside the stories of what it is for.

use serde_json::json;

use crate::sim::desk::GrantOf;
use crate::sim::engines::{ACCESS_TOKEN, Ask, Auth, JWT, engines, trinos_word, unsigned};
use crate::sim::{Answer, CI, CORP, Mint, Outcome, World};

/// Nobody without a credential makes the gate ask anything, whatever the form says.
#[test]
fn whoever_has_no_credential_costs_no_call() {
    let mut world = World::with_engines();
    world.pass_s(10);
    let foreign = World::foreign_signer();
    let expires = world.true_seconds() + 600;
    let forged = foreign.sign(&json!({
        "iss": "https://idp.example.com/realms/lake", "aud": "icegate", "sub": "sa-trino", "azp": "trino", "exp": expires,
        "typ": "Bearer", "preferred_username": "service-account-trino",
    }));
    let word = trinos_word("alice", 1);
    let bare = unsigned(&json!({
        "iss": "https://idp.example.com/realms/lake", "aud": "icegate", "sub": "sa-trino", "azp": "trino", "exp": expires,
    }));
    let expired = world.signed_in("alice", 0);
    let elsewhere = world.token_with("alice", 600, &json!({"aud": "elsewhere"}));
    let before = (world.corp().key_calls, world.corp().metadata_calls);
    let mut asks = vec![
        Ask::login("rogue", "CANARY-x"),
        Ask::login("icegate-tokens", "CANARY-x"),
        Ask::login_by_basic("", "CANARY-x"),
        Ask::act(&word, &word, JWT),
        Ask::act(&bare, &word, JWT),
        Ask::act(&forged, &word, JWT),
        Ask::act("CANARY-opaque", &word, JWT),
    ];
    for token in [&word, &bare, &forged, &expired, &elsewhere] {
        asks.push(Ask::refresh(token));
        asks.push(Ask::refresh_by("rogue", "CANARY-x", token));
        asks.push(Ask::act(token, token, ACCESS_TOKEN));
        asks.push(Ask::speak(token, "alice"));
    }
    for ask in asks {
        let stream = world.ask(&ask);
        world.pass_s(11);
        let (status, ..) = world.oauth_refusal(stream);
        assert!(matches!(status, 400 | 401), "{ask:?}");
    }
    assert_eq!(world.corp().desk.asked, []);
    assert_eq!(world.corp().asked.len(), 0);
    // Forged keys are looked for, as they are anywhere: not more often than every five seconds.
    let after = (world.corp().key_calls, world.corp().metadata_calls);
    assert!(
        after.0 - before.0 <= 10 && after.1 - before.1 <= 1,
        "{before:?} {after:?}"
    );
}

/// A token that was minted for a catalog (out of a catalog's log) is good for nothing here.
#[test]
fn a_minted_token_is_neither_subject_nor_actor_nor_proof() {
    let mut world = World::with_engines();
    let own = world.signed_in("alice", 600);
    let stream = world.read(&own);
    world.pass_ms(100);
    world.assert_forwarded(stream);
    let minted = world.requests[&stream]
        .minted
        .clone()
        .expect("a minted token");
    let trino = world.program("trino");
    let secret = world.secret("trino");
    for ask in [
        Ask::refresh(&minted),
        Ask::refresh_by("trino", &secret, &minted),
        Ask::act(&trino, &minted, ACCESS_TOKEN),
        Ask::act(&minted, &own, ACCESS_TOKEN),
        Ask::speak(&minted, "alice"),
    ] {
        let (status, error, reason) = world.refused(&ask);
        assert_eq!((status, error.as_str()), (400, "invalid_grant"), "{ask:?}");
        assert!(
            matches!(reason, "audience_mismatch" | "own_client_token"),
            "{reason}"
        );
    }
    assert_eq!(world.corp().desk.asked, []);
}

/// A token that the gate gave is a person's or a program's, and never more than that.
#[test]
fn what_was_given_acts_for_nobody_else() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    let stream = world.get(&Ask::speak(&trino, "alice"));
    let alice = world.issued(stream);
    let own = world.signed_in("bob", 600);
    let stream = world.get(&Ask::refresh(&own));
    let bob = world.issued(stream);
    let asked = world.corp().desk.asked.len();
    for actor in [&alice, &bob] {
        for ask in [
            Ask::speak(actor, "dave"),
            Ask::speak(actor, "alice"),
            Ask::act(actor, &own, ACCESS_TOKEN),
            Ask::act(actor, actor, ACCESS_TOKEN),
            Ask::act(actor, &trino, ACCESS_TOKEN),
        ] {
            let (status, error, reason) = world.refused(&ask);
            assert_eq!(
                (status, error.as_str(), reason),
                (400, "unauthorized_client", "actor_refused")
            );
        }
    }
    assert_eq!(world.corp().desk.asked.len(), asked);
}

/// A name is one text from the engine's word to the identity provider, whatever stands in it.
#[test]
fn no_name_leaves_its_place() {
    let mut all = engines(&json!({}));
    all["services"]["trino"]["speaks_for"]["subject"] = "u:{user}:g".into();
    let names = [
        "alice\",\"sub\":\"root",
        "alice\\",
        "alice&audience=catalog&requested_subject=root",
        "{user}",
        "{user}{user}",
        "alice%00",
        "alice;bob",
        "alice=",
        "../root",
        "\u{202e}ecila",
        "ａｌｉｃｅ",
        "alice\u{2028}",
        "🙂",
    ];
    let presto = &mut all["services"]["presto"]["speaks_for"];
    presto["who"] = json!({"claim": "groups", "has": "/lake/analyst"});
    presto.as_object_mut().expect("a block").remove("names");
    let mut world = World::of(&all);
    let [trino, presto] = ["trino", "presto"].map(|id| world.program(id));
    for name in names {
        for (actor, before, after) in [(&trino, "u:", ":g"), (&presto, "", "")] {
            let (status, ..) = world.refused(&Ask::speak(actor, name));
            assert_eq!(status, 400, "{name}");
            let subject = match &world.corp().desk.asked.last().expect("a question").of {
                GrantOf::Assertion { subject, .. } | GrantOf::Impersonation { subject } => {
                    subject.clone()
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(subject, format!("{before}{name}{after}"));
        }
    }
    assert_eq!(world.corp().desk.asked.len(), 2 * names.len());
}

/// Somebody's answer is nobody else's: not that of another engine, another name, another scope, another secret.
#[test]
fn what_is_kept_is_given_to_whoever_asks_the_same_and_to_nobody_else() {
    let mut world = World::with_engines();
    let [trino, presto, spark] = ["trino", "presto", "spark"].map(|id| world.program(id));
    let secret = world.secret("trino");
    let stream = world.get(&Ask::login("trino", &secret));
    let login = world.issued(stream);
    let stream = world.get(&Ask::speak(&trino, "alice"));
    let alice = world.issued(stream);
    let own = world.signed_in("bob", 600);
    let stream = world.get(&Ask::refresh(&own));
    let bob = world.issued(stream);
    world.by_hand();
    let given = [&login, &alice, &bob];
    for ask in [
        Ask::login("trino", "CANARY-x"),
        Ask::login("trino", &format!("{secret} ")),
        Ask::login("spark", &secret),
        Ask::login("trino", &secret).with("scope", "lake"),
        Ask::speak(&trino, "dave"),
        Ask::speak(&trino, "Alice"),
        Ask::speak(&trino, "alice").with("scope", "lake"),
        Ask::speak(&presto, "alice"),
        Ask::speak(&spark, "alice"),
        Ask::refresh(&own).with("scope", "lake"),
        Ask::refresh(&format!("{own}x")),
    ] {
        let stream = world.ask(&ask);
        if let Outcome::Issued { token, .. } = world.outcome(stream) {
            assert!(!given.contains(&token), "{ask:?}");
            panic!("{ask:?}");
        }
    }
}

/// A token that the identity provider gives must not go on to break the answer, or anything that it is put into.
#[test]
fn a_token_that_is_no_token_is_not_given() {
    for token in [
        "a b",
        "a\"b",
        "a\r\nset-cookie: x",
        "",
        "a,b",
        "eyJ\u{0}",
        "ü",
    ] {
        let mut world = World::with_engines();
        let trino = world.program("trino");
        let body = json!({"access_token": token, "expires_in": 600, "token_type": "Bearer"});
        world.corp().desk.next(Answer::says(200, body.to_string()));
        let (status, error, reason) = world.refused(&Ask::speak(&trino, "alice"));
        assert_eq!(
            (status, error.as_str()),
            (503, "invalid_request"),
            "{token:?}"
        );
        assert!(
            matches!(reason, "gate_token_unfit" | "idp_broken"),
            "{token:?}: {reason}"
        );
    }
}

/// An identity provider that is not itself any more gives whatever helps an attacker; none of it is given.
#[test]
fn an_identity_provider_that_lies_gets_nobody_in() {
    let steps: [fn(&mut World) -> Ask; 3] = [
        |world| Ask::login("spark", &world.secret("spark")),
        |world| Ask::speak(&world.program("trino"), "alice"),
        |world| Ask::refresh(&world.signed_in("bob", 600)),
    ];
    for (number, ask) in steps.into_iter().enumerate() {
        for claims in [
            // Somebody else, a program in a person's place and the other way round, by every claim that says who.
            json!({"sub": "root", "preferred_username": "root"}),
            json!({"sub": "root", "preferred_username": null}),
            json!({"sub": "sa-trino", "preferred_username": "service-account-trino", "azp": "trino"}),
            json!({"sub": "sa-trino", "azp": "icegate-tokens"}),
            json!({"sub": "mallory"}),
            json!({"sub": ""}),
            json!({"sub": null}),
            json!({"sub": ["alice", "root"]}),
            // For a catalog, beside the gate or alone.
            json!({"aud": ["icegate", "catalog"]}),
            json!({"aud": ["icegate", "mart"]}),
            json!({"aud": ["icegate", "bots"]}),
            json!({"aud": "catalog"}),
            // Of another issuer.
            json!({"iss": "https://ci.example.com", "aud": "gate-of-ci"}),
            json!({"iss": "https://evil.example.com"}),
            // Of the client that exchanges, of nobody's.
            json!({"azp": "icegate"}),
            json!({"client_id": "icegate"}),
            json!({"azp": null, "sid": null}),
            // Not for use.
            json!({"typ": "ID"}),
            json!({"exp": 1}),
            json!({"nbf": 4_000_000_000_u64}),
            json!({"cnf": {"jkt": "x"}}),
        ] {
            let mut world = World::with_engines();
            let ask = ask(&mut world);
            world
                .corp()
                .desk
                .next(Answer::Mint(Mint::with(claims.clone())));
            let stream = world.get(&ask);
            assert!(
                matches!(world.outcome(stream), Outcome::Refused(_)),
                "{number} {claims}: {:?}",
                world.outcome(stream)
            );
            assert_eq!(world.held.len(), 0);
        }
    }
}

/// The endpoint is asked in the name of others' issuers.
#[test]
fn tokens_of_other_issuers_get_nothing_of_this_one() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    let secret = world.secret("trino");
    // Somebody of ci's who is called like people and programs of corp's.
    for name in ["alice", "sa-trino", "trino", "service-account-trino"] {
        let token = world.token_of(CI, name, 600);
        for ask in [
            Ask::refresh(&token),
            Ask::refresh_by("trino", &secret, &token),
            Ask::act(&trino, &token, ACCESS_TOKEN),
            Ask::act(&token, &token, ACCESS_TOKEN),
            Ask::speak(&token, "alice"),
        ] {
            let (status, error, reason) = world.refused(&ask);
            assert_eq!(
                (status, error.as_str(), reason),
                (400, "invalid_grant", "subject_token_refused"),
                "{ask:?}"
            );
        }
    }
    assert!(world.idps[CORP].desk.asked.is_empty() && world.idps[CI].desk.asked.is_empty());
}

/// Headers that are longer than anything that is taken.
#[test]
fn what_is_cut_off_is_not_taken_for_what_it_began_with() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let trino = world.program("trino");
    let long = "x".repeat(40_000);
    for auth in [
        Auth::Bearer(format!("{trino}{long}")),
        Auth::Bearer(format!("{trino}, Bearer {long}")),
        Auth::Bearer(format!("{trino} {long}")),
        Auth::Basic("trino".to_owned(), format!("{secret}{long}")),
        Auth::Basic(format!("trino{long}"), secret.clone()),
    ] {
        for ask in [Ask::speak(&trino, "alice"), Ask::refresh(&trino)] {
            let (status, ..) = world.refused(&ask.authorized(auth.clone()));
            assert!(matches!(status, 400 | 401), "{auth:?}");
        }
    }
    assert_eq!(world.corp().desk.asked, []);
}

/// A login with a wrong secret beside one with the good one, both under way: neither gets what is the other's.
#[test]
fn a_wrong_secret_does_not_ride_on_a_good_one() {
    let mut world = World::with_engines();
    world.by_hand();
    let secret = world.secret("trino");
    let good = world.ask(&Ask::login("trino", &secret));
    let wrong = world.ask(&Ask::login("trino", "CANARY-wrong"));
    // The first answer is the good one's.
    world.answer_grant(Answer::Good);
    world.issued(good);
    assert!(world.is_waiting(wrong));
    world.answer_grant(Answer::Good);
    assert_eq!(world.oauth_refusal(wrong).2, "login_refused");
    // And the good one is known as such.
    let again = world.ask(&Ask::login("trino", &secret));
    world.issued(again);
}

/// What others learn of a refusal is what the engine may tell its user: no token, no secret, no text of the identity
/// provider's, no name of anybody but the one who was named.
#[test]
fn refusals_tell_nothing_of_others() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    let evil = "CANARY-of-the-provider: alice's password is hunter2";
    for (status, error) in [
        (400, "invalid_grant"),
        (400, "invalid_request"),
        (403, "access_denied"),
        (500, "server_error"),
    ] {
        let body = json!({"error": error, "error_description": evil});
        world
            .corp()
            .desk
            .next(Answer::says(status, body.to_string()));
        let stream = world.get(&Ask::speak(&trino, "erin"));
        let text = String::from_utf8(world.reply(stream).body.clone()).expect("text");
        assert!(
            !text.contains("hunter2") && !text.contains("alice"),
            "{text}"
        );
        assert!(
            world
                .notes
                .iter()
                .all(|(_, note)| !note.contains("hunter2"))
        );
        world.pass_s(15);
    }
}
