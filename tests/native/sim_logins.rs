//! Stories of engines that log in at the token endpoint with their id and secret.

use std::time::Duration;

use icegate::broker::Level;
use serde_json::{Value, json};

use crate::sim::desk::GrantOf;
use crate::sim::engines::{Ask, Auth, FLINK, engines};
use crate::sim::{Answer, CORP, Key, Mint, Outcome, World};

fn with_gate_tokens(change: impl FnOnce(&mut Value)) -> World {
    let mut all = engines(&json!({}));
    change(&mut all["issuers"]["corp"]["gate_tokens"]);
    World::of(&all)
}

fn invalid_client(reason: &'static str) -> (u16, String, &'static str) {
    (401, "invalid_client".to_owned(), reason)
}

fn unfit() -> (u16, String, &'static str) {
    (503, "invalid_request".to_owned(), "gate_token_unfit")
}

#[test]
fn an_engine_logs_in_by_form_and_by_basic_and_is_served_with_its_token() {
    let mut world = World::with_engines();
    let secret = world.secret("spark");
    for ask in [
        Ask::login("spark", &secret),
        Ask::login_by_basic("spark", &secret),
        // Iceberg Java adds the token of its catalog session.
        Ask::login("spark", &secret).authorized(Auth::Bearer("of-the-parent".to_owned())),
        Ask::login_by_basic("spark", &secret).with("client_id", "spark"),
    ] {
        let stream = world.get(&ask);
        let token = world.issued(stream);
        assert!((598..=600).contains(&world.expires_in(stream)));
        let stream = world.send("GET", "/iceberg/v1/config", &token);
        world.pass_ms(100);
        world.assert_forwarded(stream);
    }
    // All four asked the same.
    assert_eq!(world.corp().desk.logins(), 1);
    assert_eq!(world.corp().desk.asked[0].scope, None);
    assert_eq!(
        world.count("icegate_gate_tokens.issuer.corp.outcome.issued"),
        4
    );
    assert_eq!(
        world.count("icegate_gate_tokens.issuer.corp.outcome.kept"),
        3
    );
    assert_eq!(world.count("icegate_grants.issuer.corp.outcome.minted"), 1);
    assert_eq!(world.samples("icegate_grant_ms.issuer.corp"), [20]);
    assert_eq!(
        world.count("icegate_requests.catalog.lake.verdict.issued"),
        4
    );
}

#[test]
fn a_login_is_remembered_for_a_minute_by_id_secret_and_scope() {
    let mut world = World::with_engines();
    let secret = world.secret("spark");
    let ask = Ask::login("spark", &secret);
    let first = world.get(&ask);
    let token = world.issued(first);
    world.pass_s(59);
    let second = world.get(&ask);
    assert_eq!(world.issued(second), token);
    assert!((538..=541).contains(&world.expires_in(second)));
    assert_eq!(world.corp().desk.logins(), 1);
    // Another scope is another token.
    let scoped = world.get(&ask.clone().with("scope", "lake"));
    assert_ne!(world.issued(scoped), token);
    assert_eq!(world.corp().desk.logins(), 2);
    assert_eq!(
        world.corp().desk.asked[1].scope.as_deref(),
        Some("to-icegate lake")
    );
    world.pass_s(2);
    let third = world.get(&ask);
    assert_ne!(world.issued(third), token);
    assert_eq!(world.corp().desk.logins(), 3);
    // Two engines with one secret are two engines.
    world.corp().desk.set_secret("trino", &secret);
    let other = world.get(&Ask::login("trino", &secret));
    assert_ne!(world.issued(other), world.issued(third));
    assert_eq!(world.corp().desk.logins(), 4);
}

#[test]
fn without_remembering_every_login_is_asked_and_none_is_a_try() {
    let mut world = with_gate_tokens(|rule| rule["remember"] = "0s".into());
    let secret = world.secret("trino");
    for _ in 0..200 {
        let stream = world.ask(&Ask::login("trino", &secret));
        world.pass_ms(21);
        world.issued(stream);
    }
    assert_eq!(world.corp().desk.logins(), 200);
    assert_eq!(
        world.count("icegate_gate_tokens.issuer.corp.outcome.kept"),
        0
    );
}

#[test]
fn a_wrong_secret_is_asked_once_and_an_unknown_client_never() {
    let mut world = World::with_engines();
    let wrong = Ask::login("trino", "CANARY-wrong");
    assert_eq!(world.refused(&wrong), invalid_client("login_refused"));
    for _ in 0..58 {
        world.pass_ms(900);
        assert_eq!(world.refused(&wrong), invalid_client("login_refused"));
    }
    assert_eq!(world.corp().desk.logins(), 1);
    // It may have become the right one.
    world.corp().desk.set_secret("trino", "CANARY-wrong");
    world.pass_s(10);
    let stream = world.get(&wrong);
    world.issued(stream);
    // Nobody else is anybody, whatever the identity provider says.
    for id in [
        "rogue",
        "icegate",
        "icegate-tokens",
        "Trino",
        "trino ",
        "sa-trino",
    ] {
        let ask = Ask::login(id, "CANARY-any");
        assert_eq!(world.refused(&ask), invalid_client("login_unknown"), "{id}");
    }
    assert_eq!(world.corp().desk.logins(), 2);
    assert_eq!(
        world.count("icegate_grants.issuer.corp.outcome.caller_refused"),
        1
    );
}

/// Whoever tries ids and secrets learns nothing from the answers: status, headers and body are the same.
#[test]
fn whoever_is_refused_a_login_does_not_learn_why() {
    let mut world = World::with_engines();
    let good = world.secret("flink");
    let mut answers = Vec::new();
    for ask in [
        Ask::login("rogue", "CANARY-any"),
        Ask::login("spark", "CANARY-any"),
        // Over a connection that is not flink's, with a good secret and with a wrong one.
        Ask::login("flink", &good),
        Ask::login("flink", "CANARY-any"),
        Ask::login("flink", &good).over("spiffe://example.com/other"),
    ] {
        let stream = world.get(&ask);
        let mut reply = world.reply(stream).clone();
        reply.details = "-";
        answers.push(reply);
    }
    assert_eq!(answers[0].status, 401);
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    // Of flink's nothing was asked.
    assert_eq!(world.corp().desk.logins(), 1);
    let stream = world.get(&Ask::login("flink", &good).over(FLINK));
    world.issued(stream);
}

#[test]
fn ten_thousand_wrong_secrets_reach_the_identity_provider_a_few_times() {
    let mut world = World::with_engines();
    let [trino, spark] = ["trino", "spark"].map(|id| world.secret(id));
    let stream = world.get(&Ask::login("trino", &trino));
    world.issued(stream);
    // From one address, whose ports change, for twenty seconds.
    let (mut refused, mut limited) = (0, 0);
    for number in 0..10_000_u32 {
        let ask = Ask::login("trino", &format!("CANARY-{number}"))
            .from(format!("10.0.0.9:{}", 1_024 + number % 60_000));
        let stream = world.ask(&ask);
        world.pass_ms(2);
        if let Outcome::Refused(_) = world.outcome(stream) {
            match world.oauth_refusal(stream) {
                (401, _, "login_refused") => refused += 1,
                (429, _, "login_tries") => limited += 1,
                other => panic!("{other:?}"),
            }
        }
        if number % 1_000 == 999 {
            // The good secret goes through, from where the wrong ones come too; another engine as well.
            let ask = Ask::login("trino", &trino).from("10.0.0.9:9");
            for ask in [ask.clone(), ask.with("scope", "lake")] {
                let stream = world.get(&ask);
                world.issued(stream);
            }
            let ask = Ask::login("spark", &spark).from("10.0.0.9:9");
            let stream =
                world.get(&ask.with("scope", ["catalog", "lake"][number as usize / 1_000 % 2]));
            world.issued(stream);
        }
    }
    let wrong = world.corp().desk.count(
        |of| matches!(of, GrantOf::Login { id, secret } if id == "trino" && *secret != trino),
    );
    assert!((20..=32).contains(&wrong), "{wrong}");
    assert!(refused <= 32 && limited > 9_900, "{refused} {limited}");
    // Nobody's health suffered: it is not the identity provider's fault.
    let token = world.token("alice");
    let stream = world.read(&token);
    world.pass_ms(100);
    world.assert_forwarded(stream);
    assert_eq!(world.noted(Level::Warn, "gate token failed"), 0);
}

#[test]
fn wrong_secrets_from_everywhere_are_bounded_too() {
    let mut world = World::with_engines();
    let [trino, spark] = ["trino", "spark"].map(|id| world.secret(id));
    let stream = world.get(&Ask::login("trino", &trino));
    world.issued(stream);
    for number in 0..10_000_u32 {
        let source = format!("10.{}.{}.9:4711", number / 250, number % 250);
        world.ask(&Ask::login("trino", &format!("CANARY-{number}")).from(source));
        world.pass_ms(2);
    }
    let logins = world.corp().desk.logins();
    assert!((100..=152).contains(&logins), "{logins}");
    world.pass_s(60);
    let before = world.corp().desk.logins();
    for (id, secret) in [("trino", &trino), ("spark", &spark)] {
        let stream = world.get(&Ask::login(id, secret));
        world.issued(stream);
    }
    assert_eq!(world.corp().desk.logins(), before + 2);
}

/// The same wrong secret under many scopes is one secret.
#[test]
fn scopes_make_no_more_tries_of_one_secret() {
    let mut world = World::with_engines();
    let ask = Ask::login("trino", "CANARY-wrong");
    for scope in ["catalog", "lake", "lake catalog", "PRINCIPAL_ROLE:ALL", ""] {
        let ask = ask.clone().with("scope", scope);
        assert_eq!(world.refused(&ask), invalid_client("login_refused"));
    }
    assert_eq!(world.corp().desk.logins(), 1);
}

#[test]
fn a_secret_comes_to_the_identity_provider_as_the_engine_wrote_it() {
    let mut world = World::with_engines();
    let odd = "CANARY %41+b:c&d=e/ü\"'\\";
    world.corp().desk.set_secret("trino", odd);
    for ask in [Ask::login("trino", odd), Ask::login_by_basic("trino", odd)] {
        let stream = world.get(&ask);
        world.issued(stream);
    }
    let other = Ask::login_by_basic("trino", "CANARY %41+b:c&d=e/ü\"'\\\\");
    assert_eq!(world.refused(&other), invalid_client("login_refused"));
}

#[test]
fn a_secret_that_was_withdrawn_is_good_for_a_minute_at_most() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let stream = world.get(&Ask::login("trino", &secret));
    world.issued(stream);
    world.corp().desk.set_secret("trino", "CANARY-new");
    world.pass_s(30);
    let stream = world.get(&Ask::login("trino", &secret));
    world.issued(stream);
    world.pass_s(31);
    assert_eq!(
        world.refused(&Ask::login("trino", &secret)),
        invalid_client("login_refused")
    );
    let stream = world.get(&Ask::login("trino", "CANARY-new"));
    world.issued(stream);
}

#[test]
fn several_who_ask_the_same_wait_for_one_answer_and_survive_the_first_of_them() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let ask = Ask::login("trino", &secret);
    let leader = world.ask(&ask);
    let others: Vec<_> = (0..50).map(|_| world.ask(&ask)).collect();
    world.pass_ms(10);
    world.hang_up(leader);
    world.pass_ms(100);
    let tokens: Vec<String> = others.iter().map(|other| world.issued(*other)).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(world.corp().desk.logins(), 1);
    // The last one hangs up, and the answer is kept all the same.
    let ask = ask.with("scope", "lake");
    let alone = world.ask(&ask);
    world.hang_up(alone);
    world.pass_ms(100);
    let next = world.ask(&ask);
    world.issued(next);
    assert_eq!(world.corp().desk.logins(), 2);
}

#[test]
fn a_token_of_a_login_that_must_not_be_given_is_not_given() {
    for (what, how) in [
        (
            "catalog's audience",
            Mint {
                audience: Some(json!(["icegate", "catalog"])),
                ..Mint::default()
            },
        ),
        (
            "another catalog's audience",
            Mint {
                audience: Some(json!(["mart", "icegate"])),
                ..Mint::default()
            },
        ),
        (
            "another issuer's catalog's audience",
            Mint {
                audience: Some(json!(["icegate", "bots"])),
                ..Mint::default()
            },
        ),
        (
            "no audience of ours",
            Mint {
                audience: Some(json!("account")),
                ..Mint::default()
            },
        ),
        ("another client", Mint::with(json!({"azp": "spark"}))),
        ("no client", Mint::with(json!({"azp": null}))),
        (
            "a client that exchanges",
            Mint::with(json!({"azp": "icegate"})),
        ),
        (
            "the gate's client",
            Mint::with(json!({"azp": "icegate-tokens"})),
        ),
        ("another account", Mint::with(json!({"sub": "sa-spark"}))),
        (
            "a person",
            Mint::with(json!({"sub": "alice", "preferred_username": "alice"})),
        ),
        (
            "expired",
            Mint {
                life: Some(-40),
                ..Mint::default()
            },
        ),
        (
            "within the leeway",
            Mint {
                life: Some(-5),
                ..Mint::default()
            },
        ),
        (
            "expired by its answer",
            Mint {
                expires_in: Some(json!(0)),
                ..Mint::default()
            },
        ),
        (
            "counted down past its end",
            Mint {
                expires_in: Some(json!(-1)),
                ..Mint::default()
            },
        ),
        (
            "foreign",
            Mint {
                signer: Some(Key("foreign")),
                ..Mint::default()
            },
        ),
        (
            "opaque",
            Mint {
                opaque: true,
                ..Mint::default()
            },
        ),
        (
            "of another issuer",
            Mint::with(json!({"iss": "https://ci.example.com"})),
        ),
        (
            "bound to its sender",
            Mint::with(json!({"cnf": {"jkt": "x"}})),
        ),
        ("no access token", Mint::with(json!({"typ": "Refresh"}))),
    ] {
        let mut world = World::with_engines();
        let secret = world.secret("trino");
        let ask = Ask::login("trino", &secret);
        world.corp().desk.next(Answer::Mint(how));
        let stream = world.ask(&ask);
        // Of a foreign key newer ones are waited for.
        world.pass_s(9);
        let refusal = world.oauth_refusal(stream);
        match what {
            "foreign" => assert!(
                matches!(refusal.2, "gate_token_unfit" | "keys_unavailable"),
                "{refusal:?}"
            ),
            _ => assert_eq!(refusal, unfit(), "{what}"),
        }
        assert!(
            world.noted(Level::Error, "gate_token_unfit") > 0 || what == "foreign",
            "{what}"
        );
        assert_eq!(
            world.count("icegate_grants.issuer.corp.outcome.check_failed"),
            1,
            "{what}"
        );
        // The next one is as good as ever.
        let stream = world.get(&ask);
        world.issued(stream);
    }
}

#[test]
fn an_absurd_life_is_taken_from_the_token() {
    for expires_in in [
        json!(null),
        json!("600"),
        json!(1e18),
        json!(u64::MAX),
        json!("soon"),
        json!([600]),
    ] {
        let mut world = World::with_engines();
        let secret = world.secret("trino");
        world.corp().desk.next(Answer::Mint(Mint {
            expires_in: Some(expires_in.clone()),
            ..Mint::default()
        }));
        let stream = world.get(&Ask::login("trino", &secret));
        match world.outcome(stream) {
            Outcome::Issued { .. } => {
                assert!(
                    (598..=600).contains(&world.expires_in(stream)),
                    "{expires_in}"
                );
            }
            _ => panic!("{expires_in}: {:?}", world.oauth_refusal(stream)),
        }
    }
    // A day is told as an hour.
    let mut world = World::with_engines();
    world.corp().desk.life = 86_400;
    let secret = world.secret("trino");
    let stream = world.get(&Ask::login("trino", &secret));
    assert!((3_598..=3_600).contains(&world.expires_in(stream)));
}

#[test]
fn a_token_that_is_signed_with_a_newer_key_waits_for_it() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    world.corp().rotate(true);
    world.pass_s(10);
    let stream = world.ask(&Ask::login("trino", &secret));
    world.pass_ms(30);
    assert!(world.is_waiting(stream));
    world.pass_ms(100);
    world.issued(stream);
    // It is known already when it comes back.
    let fetched = world.corp().key_calls;
    let token = world.issued(stream);
    let stream = world.send("GET", "/iceberg/v1/config", &token);
    world.pass_ms(100);
    world.assert_forwarded(stream);
    assert_eq!(world.corp().key_calls, fetched);
}

#[test]
fn a_key_that_leaves_the_set_takes_the_kept_tokens_with_it() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let ask = Ask::login("trino", &secret);
    let first = world.get(&ask);
    let token = world.issued(first);
    world.corp().rotate(false);
    let unknown = world.unknown_kid("nobody-has-it");
    world.read(&unknown);
    world.pass_s(6);
    let second = world.get(&ask);
    assert_ne!(world.issued(second), token);
    assert_eq!(world.corp().desk.logins(), 2);
}

#[test]
fn what_is_kept_does_not_outlive_its_token_on_either_clock() {
    let mut world = World::with_engines();
    world.corp().desk.life = 30;
    let secret = world.secret("trino");
    let ask = Ask::login("trino", &secret);
    let first = world.get(&ask);
    assert!((29..=30).contains(&world.expires_in(first)));
    world.pass_s(31);
    let second = world.get(&ask);
    assert_ne!(world.issued(first), world.issued(second));
    // The clock goes forward: the wall clock says that it has ended.
    world.set_clock_forward(Duration::from_secs(100));
    world.corp().desk.life = 600;
    let third = world.get(&ask);
    assert_ne!(world.issued(third), world.issued(second));
    // And back: the other clock does.
    world.set_clock_back(Duration::from_secs(100));
    world.pass_s(61);
    let fourth = world.get(&ask);
    assert_ne!(world.issued(fourth), world.issued(third));
    assert_eq!(world.idps[CORP].desk.logins(), 4);
}
