//! Stories of the token endpoint while the identity provider is down, slow or broken; and of the gate's own keys.

use std::time::Duration;

use icegate::broker::Level;
use serde_json::{Value, json};

use crate::sim::desk::GrantOf;
use crate::sim::engines::{Ask, KEY_SET, engines, unsigned};
use crate::sim::{Answer, Key, Mint, Outcome, World, golden};

type Expected = (u16, String, &'static str);

fn later(reason: &'static str) -> Expected {
    (503, "invalid_request".to_owned(), reason)
}

/// A login, a word and a refresh, each of somebody who was not seen before.
fn three(world: &mut World, turn: usize) -> [Ask; 3] {
    let ids = ["trino", "spark"];
    let people = ["alice", "dave", "erin"];
    let secret = world.secret(ids[turn % 2]);
    let login = Ask::login(ids[turn % 2], &secret).with("scope", ["catalog", "lake"][turn / 2 % 2]);
    let trino = world.program("trino");
    let word = Ask::speak(&trino, people[turn % 3]);
    let own = world.token_with(
        "bob",
        3600,
        &json!({"sid": "s", "jti": format!("onrtro:{turn}-{}", world.true_seconds())}),
    );
    [login, word, Ask::refresh(&own)]
}

#[test]
fn whatever_the_identity_provider_is_at_fault_with_is_a_503_that_says_when() {
    for (what, answer, reason) in [
        (
            "connection",
            Answer::refused_connection(),
            "idp_unreachable",
        ),
        ("not sent", Answer::NotSent, "idp_unreachable"),
        ("timeout", Answer::timeout(), "idp_timeout"),
        ("hangs", Answer::Hangs, "idp_timeout"),
        ("broken", Answer::Broken, "idp_broken"),
        ("too large", Answer::TooLarge, "idp_broken"),
        ("500", Answer::says(500, "oops"), "idp_broken"),
        ("502", Answer::says(502, "<html>"), "idp_broken"),
        (
            "a login page",
            Answer::says(200, "<html>CANARY</html>"),
            "idp_broken",
        ),
        ("no token", Answer::says(200, "{}"), "idp_broken"),
        ("a redirect", Answer::says(302, ""), "idp_broken"),
        (
            "429",
            Answer::Says {
                status: 429,
                retry_after: Some("7".to_owned()),
                body: Vec::new(),
            },
            "idp_rate_limited",
        ),
        (
            "an unknown error",
            Answer::says(400, r#"{"error":"CANARY-odd"}"#),
            "idp_broken",
        ),
        (
            "no such path",
            Answer::says(404, r#"{"error":"not_found"}"#),
            "exchange_misconfigured",
        ),
    ] {
        for turn in 0..3 {
            let mut world = World::with_engines();
            let ask = three(&mut world, 0)[turn].clone();
            world.corp().desk.all = answer.clone();
            let stream = world.ask(&ask);
            world.pass_s(7);
            assert_eq!(world.oauth_refusal(stream), later(reason), "{what} {turn}");
            let wait = world.retry_after(stream);
            let least = if what == "429" { 7 } else { 1 };
            assert!((least..=12).contains(&wait), "{what}: {wait}");
            assert!(
                world.noted(Level::Warn, "gate token failed")
                    + world.noted(Level::Error, "gate token failed")
                    > 0,
                "{what}"
            );
            // And it is well again by itself.
            world.corp().desk.all = Answer::Good;
            world.pass_s(12);
            let stream = world.get(&ask);
            world.issued(stream);
        }
    }
}

#[test]
fn the_gates_own_credential_is_the_operators() {
    for answer in [
        golden("kc-401-wrong-secret.json"),
        br#"{"error":"invalid_client","error_description":"Invalid client or Invalid client credentials"}"#.to_vec(),
    ] {
        let mut world = World::with_engines();
        let [login, word, own] = three(&mut world, 0);
        for ask in [word, own] {
            world.corp().desk.next(Answer::says(401, answer.clone()));
            assert_eq!(world.refused(&ask), later("client_refused"));
            world.pass_s(1);
        }
        assert_eq!(world.noted(Level::Error, "issuers.corp.gate_tokens.client"), 4);
        // The engines' own logins have nothing to do with it.
        let stream = world.get(&login);
        world.issued(stream);
    }
}

#[test]
fn after_a_fault_it_is_given_a_rest_and_tried_once() {
    let mut world = World::with_engines();
    world.corp().desk.all = Answer::refused_connection();
    let trino = world.program("trino");
    let stream = world.get(&Ask::speak(&trino, "alice"));
    assert_eq!(world.oauth_refusal(stream).2, "idp_unreachable");
    // Nobody is asked about anybody while it lasts.
    for name in ["dave", "erin", "alice"] {
        let stream = world.ask(&Ask::speak(&trino, name));
        assert_eq!(world.oauth_refusal(stream).2, "idp_paused");
    }
    assert_eq!(world.corp().desk.words(), 1);
    world.corp().desk.all = Answer::Good;
    world.by_hand();
    world.pass_ms(400);
    // One goes first.
    let first = world.ask(&Ask::speak(&trino, "alice"));
    let second = world.ask(&Ask::speak(&trino, "dave"));
    assert!(world.is_waiting(first));
    assert_eq!(world.oauth_refusal(second).2, "idp_paused");
    world.answer_grant(Answer::Good);
    world.issued(first);
    world.by_script();
    let second = world.get(&Ask::speak(&trino, "dave"));
    world.issued(second);
    assert_eq!(world.corp().desk.words(), 3);
}

/// Engines' logins fare by themselves, and so do questions with the gate's credential; neither touches the exchanges for
/// catalogs, nor they them.
#[test]
fn what_pauses_one_credential_pauses_no_other() {
    let stopped = |world: &mut World, ask: &Ask| {
        let stream = world.get(ask);
        matches!(world.outcome(stream), Outcome::Refused(_))
    };
    for faulty in 0..3 {
        let mut world = World::with_engines();
        let asks = three(&mut world, 0);
        world.corp().desk.next(Answer::refused_connection());
        assert!(stopped(&mut world, &asks[faulty]));
        let more = three(&mut world, 3);
        world.by_hand();
        let waits = more.map(|ask| world.ask(&ask));
        for (kind, stream) in waits.into_iter().enumerate() {
            let same = (kind == 0) == (faulty == 0);
            assert_eq!(world.is_waiting(stream), !same, "{faulty} {kind}");
        }
        world.by_script();
        let token = world.token("alice");
        let stream = world.read(&token);
        world.pass_ms(100);
        world.assert_forwarded(stream);
    }
    // The other way round.
    let mut world = World::with_engines();
    world.corp().exchanges = Answer::refused_connection();
    let token = world.token("alice");
    let stream = world.read(&token);
    world.pass_ms(50);
    assert_eq!(world.refusal(stream).1, "idp_unreachable");
    for ask in three(&mut world, 0) {
        let stream = world.get(&ask);
        world.issued(stream);
    }
}

/// A wrong secret is an engine's, a wrong name a person's, an ended session its owner's: however many come, nobody else is
/// held up.
#[test]
fn nobodys_faults_pause_anybody() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    world.corp().desk.ended.insert("carol".to_owned());
    for number in 0..60 {
        let ask = match number % 3 {
            0 => Ask::login("spark", &format!("CANARY-{number}")),
            1 => Ask::speak(&trino, &format!("nobody-{number}")),
            _ => {
                let own = world.token_with("carol", 3600 + number, &json!({"sid": "s"}));
                Ask::refresh(&own)
            }
        };
        let stream = world.get(&ask);
        let (status, ..) = world.oauth_refusal(stream);
        assert!(matches!(status, 400 | 401 | 429));
        if number % 10 == 9 {
            for ask in three(&mut world, number as usize) {
                let stream = world.get(&ask);
                world.issued(stream);
            }
        }
    }
    assert_eq!(world.noted(Level::Warn, "gate token failed"), 0);
}

/// A server that fails over one user again and again shuts out nobody else.
#[test]
fn one_user_over_whom_the_server_fails_is_alone() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    for _ in 0..5 {
        world.corp().desk.next(Answer::says(500, "oops"));
        let stream = world.get(&Ask::speak(&trino, "alice"));
        assert_eq!(world.oauth_refusal(stream).2, "idp_broken");
        // The same question is not asked again at once.
        world.pass_s(4);
    }
    assert_eq!(world.corp().desk.words(), 5);
    let stream = world.get(&Ask::speak(&trino, "dave"));
    world.issued(stream);
}

#[test]
fn who_has_a_kept_token_notices_no_outage() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let stream = world.get(&Ask::login("trino", &secret));
    let trino = world.issued(stream);
    let stream = world.get(&Ask::speak(&trino, "alice"));
    let token = world.issued(stream);
    world.corp().all(&Answer::refused_connection());
    for second in 0..45 {
        for ask in [
            Ask::login("trino", &secret),
            Ask::speak(&trino, "alice"),
            Ask::refresh(&token),
        ] {
            let stream = world.ask(&ask);
            assert!(
                matches!(world.outcome(stream), Outcome::Issued { .. }),
                "{second}"
            );
        }
        world.pass_s(1);
    }
}

#[test]
fn before_the_first_keys_requests_wait_for_them() {
    let mut world = World::cold_of(&engines(&json!({})), |idps| {
        idps[0].delay = Duration::from_secs(2);
    });
    let secret = world.secret("trino");
    let trino = world.program("trino");
    let own = world.signed_in("bob", 3600);
    let word = Ask::speak(&trino, "alice");
    let own = Ask::refresh(&own);
    // Metadata, and then the keys.
    let streams = [&word, &own].map(|ask| world.ask(ask));
    let login = world.ask(&Ask::login("trino", &secret));
    assert_eq!(world.oauth_refusal(login).2, "exchange_misconfigured");
    world.corp().delay = Duration::from_millis(20);
    world.pass_s(5);
    for stream in streams {
        world.issued(stream);
    }
    world.corp().delay = Duration::from_millis(20);
    let login = world.get(&Ask::login("trino", &secret));
    world.issued(login);
}

#[test]
fn without_keys_nobody_waits_longer_than_a_request_does() {
    let mut world = World::cold_of(&engines(&json!({})), |idps| {
        idps[0].all(&Answer::refused_connection());
    });
    let trino = world.program("trino");
    let stream = world.ask(&Ask::speak(&trino, "alice"));
    world.pass_ms(9_900);
    assert!(world.is_waiting(stream));
    world.pass_ms(200);
    assert_eq!(world.oauth_refusal(stream), later("keys_unavailable"));
    // Keys that come are there for the next.
    world.corp().all(&Answer::Good);
    world.pass_s(15);
    let stream = world.get(&Ask::speak(&trino, "alice"));
    world.issued(stream);
}

#[test]
fn forged_keys_are_looked_for_at_a_bounded_rate() {
    let mut world = World::with_engines();
    world.pass_s(10);
    let fetched = world.corp().key_calls;
    for number in 0..400 {
        let forged = world.unknown_kid(&format!("kid-{number}"));
        let stream = world.ask(&Ask::refresh(&forged));
        if number >= 256 {
            assert_eq!(world.oauth_refusal(stream).2, "key_unknown");
        }
    }
    assert_eq!(world.broker.census().token_requests, 256);
    // Those that came while a set was on its way wait for the next one.
    world.pass_s(6);
    assert_eq!(world.broker.census().token_requests, 0);
    assert_eq!(world.corp().key_calls, fetched + 2);
    assert_eq!(world.corp().desk.asked, []);
}

#[test]
fn a_token_whose_key_never_comes_is_not_given() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    let foreign = Answer::Mint(Mint {
        signer: Some(Key("foreign")),
        ..Mint::default()
    });
    world.pass_s(10);
    // The key set does not have it.
    world.corp().desk.next(foreign.clone());
    let stream = world.get(&Ask::speak(&trino, "alice"));
    assert_eq!(world.oauth_refusal(stream), later("gate_token_unfit"));
    // The key set does not come.
    world.pass_s(10);
    world.corp().jwks = Answer::refused_connection();
    world.corp().metadata = Answer::refused_connection();
    world.corp().desk.next(foreign);
    let stream = world.get(&Ask::speak(&trino, "alice"));
    assert_eq!(world.oauth_refusal(stream), later("keys_unavailable"));
    assert_eq!(world.broker.census().grants, 0);
}

#[test]
fn a_call_that_the_host_loses_is_given_up() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    world.corp().desk.next(Answer::Lost);
    let stream = world.ask(&Ask::speak(&trino, "alice"));
    world.pass_ms(9_990);
    assert!(world.is_waiting(stream));
    world.pass_s(1);
    assert!(matches!(
        world.oauth_refusal(stream).2,
        "idp_broken" | "deadline_passed"
    ));
    assert_eq!(world.broker.census().grants, 0);
    world.pass_s(2);
    let stream = world.get(&Ask::speak(&trino, "alice"));
    world.issued(stream);
}

#[test]
fn questions_that_are_under_way_are_bounded() {
    let mut world = World::with_engines();
    world.by_hand();
    let trino = world.program("trino");
    let mut full = 0;
    for number in 0..300 {
        let name = format!("user-{number}");
        world.corp().desk.links.insert(name.clone(), name.clone());
        let stream = world.ask(&Ask::speak(&trino, &name));
        full += usize::from(!world.is_waiting(stream));
        if let Outcome::Refused(_) = world.outcome(stream) {
            assert_eq!(world.oauth_refusal(stream), later("exchanges_full"));
        }
    }
    // One engine leaves room for the others.
    assert_eq!(full, 300 - icegate::limits::GRANTS_OF_ONE);
    let others = three(&mut world, 0);
    for ask in [&others[0], &others[2]] {
        let stream = world.ask(ask);
        assert!(world.is_waiting(stream));
    }
    // What waits for an answer that is under way already needs no place.
    let stream = world.ask(&Ask::speak(&trino, "user-0"));
    assert!(world.is_waiting(stream));
    world.by_script();
    world.issued(stream);
}

#[test]
fn clocks_that_are_set_leave_nothing_for_ever() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let trino = world.program("trino");
    let stream = world.get(&Ask::speak(&trino, "alice"));
    let token = world.issued(stream);
    world.set_clock_back(Duration::from_secs(1_000));
    // By the gate's wall clock nothing ends now; by its other one it does.
    world.pass_s(590);
    let stream = world.get(&Ask::refresh(&token));
    if let Outcome::Issued { token: again, .. } = world.outcome(stream) {
        assert_ne!(*again, token);
    }
    world.set_clock_forward(Duration::from_secs(1_000));
    let stream = world.get(&Ask::login("trino", &secret));
    world.issued(stream);
}

/// An identity provider moves its token endpoint.
#[test]
fn a_token_endpoint_that_is_not_there_is_looked_up_again() {
    let mut world = World::with_engines();
    let trino = world.program("trino");
    world.pass_s(10);
    let read = world.corp().metadata_calls;
    world
        .corp()
        .desk
        .next(Answer::says(404, r#"{"error":"not_found"}"#));
    assert_eq!(
        world.refused(&Ask::speak(&trino, "alice")),
        later("exchange_misconfigured")
    );
    assert_eq!(world.corp().metadata_calls, read + 1);
    world.pass_s(1);
    let stream = world.get(&Ask::speak(&trino, "alice"));
    world.issued(stream);
}

// -- the gate's own keys --------------------------------------------------------------------------------------------------

fn served(world: &mut World, method: &str, path: &str) -> Option<(String, Value)> {
    let headers: [(&[u8], &[u8]); 2] =
        [(b":method", method.as_bytes()), (b":path", path.as_bytes())];
    let stream = world.send_headers(&headers, "");
    let Outcome::Answered(reply) = world.outcome(stream) else {
        return None;
    };
    assert_eq!((reply.status, reply.details), (200, "key_set"));
    let kind = &reply
        .headers
        .iter()
        .find(|(name, _)| *name == "content-type");
    let kind = kind.expect("a type").1.clone();
    let body = match reply.body.as_slice() {
        [] => Value::Null,
        body => serde_json::from_slice(body).expect("JSON"),
    };
    Some((kind, body))
}

#[test]
fn the_gates_key_set_is_served_to_everybody_at_its_path_alone() {
    let mut world = World::with_engines();
    let (kind, set) = served(&mut world, "GET", KEY_SET).expect("a key set");
    assert_eq!(kind, "application/jwk-set+json");
    let keys = set["keys"].as_array().expect("keys");
    let ids: Vec<&Value> = keys.iter().map(|key| &key["kid"]).collect();
    assert_eq!(ids, ["g1", "g2"]);
    for key in keys {
        let mut members: Vec<&String> = key.as_object().expect("a key").keys().collect();
        members.sort();
        // The public half, and nothing of the other (`d`).
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        assert_eq!((&key["alg"], &key["use"]), (&json!("ES256"), &json!("sig")));
    }
    assert_eq!(
        served(&mut world, "HEAD", KEY_SET),
        Some((kind, Value::Null))
    );
    for (method, path) in [
        ("POST", KEY_SET),
        ("PUT", KEY_SET),
        ("OPTIONS", KEY_SET),
        ("get", KEY_SET),
        ("GET", "/icegate/jwks.json/"),
        ("GET", "/icegate/jwks.jsonx"),
        ("GET", "/icegate/jwks.json?x=1"),
        ("GET", "/icegate/jwks.json#x"),
        ("GET", "/icegate/jwks"),
        ("GET", "/icegate/JWKS.json"),
        ("GET", "/icegate/%6awks.json"),
        ("GET", "//icegate/jwks.json"),
        ("GET", "/icegate/../icegate/jwks.json"),
        ("GET", "/iceberg/icegate/jwks.json"),
    ] {
        assert_eq!(served(&mut world, method, path), None, "{method} {path}");
    }
    // With it or without, the calls of people are not touched; and a gate without one serves none.
    let token = world.token("alice");
    let stream = world.read(&token);
    world.pass_ms(100);
    world.assert_forwarded(stream);
    let mut other = World::new();
    assert_eq!(served(&mut other, "GET", KEY_SET), None);
}

#[test]
fn the_first_key_signs_and_its_set_has_both() {
    let signs = |all: &Value| {
        let mut world = World::of(all);
        let trino = world.program("trino");
        // The simulated identity provider verifies with the set, by the key's id.
        let stream = world.get(&Ask::speak(&trino, "alice"));
        world.issued(stream);
        assert!(matches!(
            world.corp().desk.asked[0].of,
            GrantOf::Assertion { good: true, .. }
        ));
    };
    let mut all = engines(&json!({}));
    signs(&all);
    let keys = &mut all["issuers"]["corp"]["gate_tokens"]["assertion"]["keys"];
    let (first, second) = (keys[0].clone(), keys[1].clone());
    *keys = json!([second, first]);
    signs(&all);
    all["issuers"]["corp"]["gate_tokens"]["assertion"]["keys"] = json!([second]);
    signs(&all);
}

#[test]
fn an_unsigned_actor_or_subject_never_comes_to_the_identity_provider() {
    let mut world = World::with_engines();
    let word = unsigned(&json!({
        "iss": "https://idp.example.com/realms/lake", "aud": "icegate", "sub": "sa-trino", "azp": "trino",
        "exp": world.true_seconds() + 600, "preferred_username": "service-account-trino",
    }));
    let secret = world.secret("trino");
    for ask in [
        Ask::refresh(&word),
        Ask::act(&word, &word, crate::sim::engines::JWT),
        Ask::speak(&word, "alice"),
        Ask::refresh_by("trino", &secret, &word),
    ] {
        let (status, error, _) = world.refused(&ask);
        assert_eq!((status, error.as_str()), (400, "invalid_grant"));
    }
    assert_eq!(world.corp().desk.asked, []);
    assert_eq!(world.corp().asked.len(), 0);
}
