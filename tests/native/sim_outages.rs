//! When the identity provider is slow, says no, answers nonsense, goes away and comes back.

use std::time::Duration;

use icegate::broker::Level;
use serde_json::json;

use crate::sim::{Answer, CORP, Key, Mint, World, golden, table};

#[test]
fn every_answer_of_keycloak_has_its_status() {
    // (file, status at the identity provider, answers to GET and to a commit, name, remembered)
    let cases = [
        (
            "kc-400-invalid-token.json",
            400,
            [401, 401],
            "subject_refused",
            true,
        ),
        (
            "kc-403-not-in-audience.json",
            403,
            [403, 403],
            "exchange_forbidden",
            true,
        ),
        (
            "kc-400-audience-not-available.json",
            400,
            [503, 429],
            "exchange_misconfigured",
            true,
        ),
        (
            "kc-400-audience-not-found.json",
            400,
            [503, 429],
            "exchange_misconfigured",
            true,
        ),
        (
            "kc-400-scope-unknown.json",
            400,
            [503, 429],
            "exchange_misconfigured",
            true,
        ),
        (
            "kc-400-consent.json",
            400,
            [503, 429],
            "exchange_misconfigured",
            true,
        ),
        (
            "kc-400-exchange-not-enabled.json",
            400,
            [503, 429],
            "exchange_misconfigured",
            false,
        ),
        (
            "kc-400-duplicated.json",
            400,
            [503, 429],
            "exchange_misconfigured",
            false,
        ),
        (
            "kc-403-realm-disabled.json",
            403,
            [503, 429],
            "exchange_misconfigured",
            false,
        ),
        (
            "kc-404-realm.json",
            404,
            [503, 429],
            "exchange_misconfigured",
            false,
        ),
        (
            "kc-401-wrong-secret.json",
            401,
            [503, 429],
            "client_refused",
            false,
        ),
        (
            "kc-401-unknown-client.json",
            401,
            [503, 429],
            "client_refused",
            false,
        ),
        (
            "kc-400-client-assertion-expired.json",
            400,
            [503, 429],
            "client_refused",
            false,
        ),
        (
            "kc-400-unknown-error.json",
            400,
            [503, 429],
            "idp_broken",
            true,
        ),
        (
            "kc-x9-description.json",
            400,
            [503, 429],
            "exchange_misconfigured",
            false,
        ),
        ("kc-500.json", 500, [503, 429], "idp_broken", true),
        ("kc-503-bootstrap.txt", 503, [503, 429], "idp_broken", true),
        ("kc-200-id-token.json", 200, [503, 429], "idp_broken", true),
        (
            "envoy-503-connect.txt",
            503,
            [503, 429],
            "idp_unreachable",
            false,
        ),
        (
            "envoy-503-no-host.txt",
            503,
            [503, 429],
            "idp_unreachable",
            false,
        ),
        (
            "envoy-504-timeout.txt",
            504,
            [503, 429],
            "idp_timeout",
            false,
        ),
        ("x1-200-error.json", 200, [503, 429], "idp_broken", true),
        ("x1-200-login.html", 200, [503, 429], "idp_broken", true),
        ("x1-200-empty.json", 200, [503, 429], "idp_broken", true),
        ("x8-302.html", 302, [503, 429], "idp_broken", true),
        ("proxy-403.html", 403, [503, 429], "idp_broken", true),
        ("proxy-413.html", 413, [503, 429], "idp_broken", true),
    ];
    for (file, status, [to_read, to_commit], name, remembered) in cases {
        let mut world = World::new();
        let alice = world.token("alice");
        world.corp().next(Answer::says(status, golden(file)));
        let read = world.read(&alice);
        let commit = world.commit(&alice);
        let head = world.send("HEAD", &table("iceberg"), &alice);
        let delete = world.send("DELETE", &table("iceberg"), &alice);
        world.pass_ms(20);
        assert_eq!(world.refusal(read), (to_read, name), "{file}");
        assert_eq!(world.refusal(head), (to_read, name), "{file}");
        assert_eq!(world.refusal(commit), (to_commit, name), "{file}");
        assert_eq!(world.refusal(delete), (to_commit, name), "{file}");
        assert_eq!(world.corp().asked.len(), 1);
        let message = String::from_utf8_lossy(&world.reply(read).body).into_owned();
        for word in ["Invalid", "audience:", "description", "<html", "upstream"] {
            assert!(
                !message.contains(word),
                "the identity provider's own words: {message}"
            );
        }

        // The same again costs no exchange: it is remembered, or the identity provider has its pause.
        let again = world.read(&alice);
        let expected = if remembered {
            (to_read, name)
        } else {
            (503, "idp_paused")
        };
        assert_eq!(world.refusal(again), expected, "{file}");
        assert_eq!(world.corp().asked.len(), 1, "{file}");
        // Somebody else is served, unless it is about everybody.
        let bob = world.token("bob");
        let other = world.read(&bob);
        world.pass_ms(20);
        if remembered {
            world.assert_forwarded(other);
        } else {
            assert_eq!(world.refusal(other), (503, "idp_paused"), "{file}");
        }
        // And it ends: 3 s are longer than what is remembered and than the first pause.
        world.pass_s(3);
        let later = world.read(&alice);
        world.pass_ms(20);
        world.assert_forwarded(later);
    }
}

#[test]
fn a_no_is_remembered_for_three_seconds_and_at_its_catalog_alone() {
    let mut world = World::new();
    let alice = world.token("alice");
    world
        .corp()
        .next(Answer::says(400, golden("kc-400-invalid-token.json")));
    world.read(&alice);
    world.pass_ms(20);
    world.pass_ms(2999);
    let still = world.read(&alice);
    assert_eq!(world.refusal(still), (401, "subject_refused"));
    let elsewhere = world.send("GET", &table("mart"), &alice);
    assert!(world.is_waiting(elsewhere));
    world.pass_ms(1);
    let anew = world.read(&alice);
    assert!(world.is_waiting(anew));
    world.pass_s(1);
    world.assert_forwarded(anew);
}

#[test]
fn a_token_that_fails_its_check_is_not_forwarded_and_the_operator_hears_of_it() {
    let with = |change: fn(&mut Mint)| {
        let mut mint = Mint::default();
        change(&mut mint);
        mint
    };
    let cases = [
        (
            with(|mint| mint.person = Some("mallory".into())),
            "minted_other_subject",
        ),
        (
            with(|mint| mint.audience = Some("mart".into())),
            "minted_other_audience",
        ),
        (
            with(|mint| mint.audience = Some(json!(["catalog", "icegate"]))),
            "minted_our_audience",
        ),
        (with(|mint| mint.life = Some(-1)), "minted_expired"),
        (with(|mint| mint.life = Some(0)), "minted_expired"),
        (with(|mint| mint.opaque = true), "minted_opaque"),
    ];
    for (mint, name) in cases {
        let mut world = World::new();
        let alice = world.token("alice");
        world.corp().next(Answer::Mint(mint));
        let (read, commit) = (world.read(&alice), world.commit(&alice));
        world.pass_ms(20);
        assert_eq!(world.refusal(read), (503, name));
        assert_eq!(world.refusal(commit), (429, name));
        assert_eq!(
            world.noted(Level::Error, &format!("exchange failed refusal={name}")),
            1
        );
        assert_eq!(
            world.count("icegate_exchanges.issuer.corp.outcome.check_failed"),
            1
        );

        // A client that hammers costs no exchange, and others are not shut out.
        for _ in 0..20 {
            let again = world.read(&alice);
            assert_eq!(world.refusal(again), (503, name));
        }
        let bob = world.token("bob");
        let other = world.read(&bob);
        world.pass_ms(20);
        world.assert_forwarded(other);
        assert_eq!(world.corp().asked.len(), 2);
        world.pass_s(3);
        let later = world.read(&alice);
        world.pass_ms(20);
        world.assert_forwarded(later);
    }
}

#[test]
fn the_operator_hears_of_somebody_elses_token_even_when_nobody_waits_any_more() {
    let mut world = World::new();
    let alice = world.token("alice");
    world.corp().next(Answer::Mint(Mint {
        person: Some("mallory".to_owned()),
        ..Mint::default()
    }));
    let stream = world.read(&alice);
    world.hang_up(stream);
    world.pass_s(1);
    assert_eq!(world.noted(Level::Error, "refusal=minted_other_subject"), 1);
}

#[test]
fn ways_in_which_a_call_does_not_end_well() {
    let cases = [
        (Answer::NotSent, 0, "idp_unreachable", 1),
        (Answer::Broken, 20, "idp_broken", 1),
        // What may be about one person alone is remembered for three seconds.
        (Answer::TooLarge, 20, "idp_broken", 3),
        (Answer::Hangs, 5000, "idp_timeout", 1),
        (Answer::refused_connection(), 20, "idp_unreachable", 1),
    ];
    for (answer, after, name, least) in cases {
        let mut world = World::new();
        let alice = world.token("alice");
        world.corp().next(answer);
        let stream = world.commit(&alice);
        world.pass_ms(after);
        assert_eq!(world.refusal(stream), (429, name));
        assert!((least..=least + 2).contains(&world.retry_after(stream)));
    }
}

#[test]
fn an_outage_pauses_probes_and_ends_and_cached_callers_notice_nothing() {
    let mut world = World::new();
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    world.read(&alice);
    world.pass_s(1);
    world.corp().all(&Answer::refused_connection());
    let before = world.corp().asked.len();

    // Four minutes in which bob asks ten times a second.
    for tenth in 0..2400 {
        let stream = world.read(&bob);
        let cached = world.commit(&alice);
        world.assert_forwarded(cached);
        world.pass_ms(100);
        let (status, name) = world.refusal(stream);
        assert!(
            status == 503 && matches!(name, "idp_paused" | "idp_unreachable"),
            "{tenth}: {name}"
        );
    }
    let probes = world.corp().asked.len() - before;
    assert!(
        (24..=60).contains(&probes),
        "{probes} probes in four minutes"
    );

    world.corp().all(&Answer::Good);
    world.pass_s(11);
    let back = world.read(&bob);
    world.pass_ms(20);
    world.assert_forwarded(back);
    // All at once: there is no probe any more.
    let people: Vec<_> = (0..20)
        .map(|n| world.token(&format!("person-{n}")))
        .collect();
    let streams: Vec<_> = people.iter().map(|token| world.read(token)).collect();
    world.pass_ms(20);
    for stream in streams {
        world.assert_forwarded(stream);
    }
}

#[test]
fn after_a_pause_one_goes_first_and_the_others_are_told_to_wait() {
    let mut world = World::new();
    let tokens = ["alice", "bob", "carol"].map(|name| world.token(name));
    world.corp().next(Answer::refused_connection());
    world.read(&tokens[0]);
    world.pass_s(1);
    let probe = world.read(&tokens[0]);
    let follower = world.read(&tokens[0]);
    let other = world.read(&tokens[1]);
    assert_eq!(world.refusal(other), (503, "idp_paused"));
    world.pass_ms(20);
    world.assert_forwarded(probe);
    world.assert_forwarded(follower);
    let other = world.read(&tokens[2]);
    world.pass_ms(20);
    world.assert_forwarded(other);
}

#[test]
fn a_probe_that_is_refused_for_its_caller_lets_the_next_one_go() {
    let mut world = World::new();
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    world.corp().next(Answer::refused_connection());
    world.read(&alice);
    world.pass_s(1);
    world
        .corp()
        .next(Answer::says(400, golden("kc-400-audience-not-found.json")));
    let probe = world.read(&alice);
    world.pass_ms(20);
    assert_eq!(world.refusal(probe), (503, "exchange_misconfigured"));
    let next = world.read(&bob);
    world.pass_ms(20);
    world.assert_forwarded(next);
}

#[test]
fn retry_after_of_the_identity_provider_is_honoured_and_bounded() {
    let cases = [
        ("30", 30),
        ("0", 1),
        ("99999999", 60),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 1),
        ("-5", 1),
    ];
    for (said, least) in cases {
        let mut world = World::new();
        let (alice, bob) = (world.token("alice"), world.token("bob"));
        world.corp().next(Answer::Says {
            status: 429,
            retry_after: Some(said.to_owned()),
            body: b"slow down".to_vec(),
        });
        let stream = world.commit(&alice);
        world.pass_ms(20);
        assert_eq!(world.refusal(stream), (429, "idp_rate_limited"));
        assert!(
            (least..=least + 2).contains(&world.retry_after(stream)),
            "{said}"
        );
        let other = world.read(&bob);
        assert_eq!(world.refusal(other), (503, "idp_paused"));
        assert!(
            (least..=least + 2).contains(&world.retry_after(other)),
            "{said}"
        );
        world.pass_s(least);
        let other = world.read(&bob);
        world.pass_ms(20);
        world.assert_forwarded(other);
    }
}

#[test]
fn a_slow_exchange_outlives_its_waiter_and_fills_the_cache() {
    let mut world = World::cold_with(&json!({}), |idps| {
        idps[CORP].delay = Duration::from_millis(3900)
    });
    let alice = world.token("alice");
    let early = world.read(&alice);
    // Metadata and keys take 7.8 s together; the exchange begins then.
    world.pass_ms(7900);
    let later = world.commit(&alice);
    world.pass_ms(2099);
    assert!(world.is_waiting(early));
    world.pass_ms(1);
    assert_eq!(world.refusal(early), (503, "deadline_passed"));
    assert!(world.is_waiting(later));
    world.pass_s(2);
    world.assert_forwarded(later);
    let cached = world.read(&alice);
    world.assert_forwarded(cached);
    assert_eq!(world.corp().asked.len(), 1);
}

#[test]
fn a_call_that_the_host_forgets_does_not_keep_anybody_out_for_ever() {
    let mut world = World::new();
    let alice = world.token("alice");
    world.corp().next(Answer::Lost);
    let first = world.read(&alice);
    world.pass_s(10);
    let (status, _) = world.refusal(first);
    assert_eq!(status, 503);
    assert_eq!(world.broker.census().flights, 0);
    world.pass_s(1);
    let second = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(second);
    assert_eq!(world.noted(Level::Error, "taken for lost"), 1);
}

#[test]
fn a_fetch_of_keys_that_the_host_forgets_is_begun_again() {
    let mut world = World::cold_with(&json!({}), |idps| idps[CORP].metadata = Answer::Lost);
    let alice = world.token("alice");
    world.pass_s(5);
    let stream = world.read(&alice);
    world.corp().metadata = Answer::Good;
    world.pass_s(9);
    world.assert_forwarded(stream);
}

#[test]
fn a_flight_from_before_the_pause_does_not_end_the_probe() {
    let mut world = World::new();
    let tokens = ["alice", "bob", "carol", "dave"].map(|name| world.token(name));
    // Alice's takes long, and will say something about her alone; bob's fails at once.
    let odd = Answer::says(400, golden("kc-400-audience-not-found.json"));
    world.corp().next_after(Duration::from_millis(2000), odd);
    world.corp().next(Answer::refused_connection());
    world.read(&tokens[0]);
    world.read(&tokens[1]);
    world.pass_ms(1000);
    world
        .corp()
        .next_after(Duration::from_millis(3000), Answer::Good);
    let probe = world.read(&tokens[2]);
    assert!(world.is_waiting(probe));
    world.pass_ms(1500);
    let other = world.read(&tokens[3]);
    assert_eq!(world.refusal(other), (503, "idp_paused"));
    world.pass_s(3);
    world.assert_forwarded(probe);
}

#[test]
fn the_catalogs_401_costs_one_exchange_in_thirty_seconds() {
    let mut world = World::new();
    let alice = world.token("alice");
    for _ in 0..100 {
        let stream = world.read(&alice);
        world.pass_ms(20);
        world.assert_forwarded(stream);
        world.catalog_says_401(stream);
        world.pass_ms(80);
    }
    // Ten seconds: the first token, and the one after its 401.
    assert_eq!(world.corp().asked.len(), 2);
    assert_eq!(
        world.count("icegate_catalog_unauthorized.catalog.lake"),
        100
    );
    assert_eq!(world.noted(Level::Warn, "does not accept 'alice'"), 1);
    world.pass_s(30);
    let stream = world.read(&alice);
    world.catalog_says_401(stream);
    world.read(&alice);
    world.pass_s(1);
    assert_eq!(world.corp().asked.len(), 3);
}

#[test]
fn a_new_minted_token_after_the_catalogs_401_is_another_persons_business_not_at_all() {
    let mut world = World::new();
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    let (a, b) = (world.read(&alice), world.read(&bob));
    let mart = world.send("GET", &table("mart"), &alice);
    world.pass_s(1);
    world.catalog_says_401(a);
    for (path, token) in [("iceberg", &bob), ("mart", &alice)] {
        let stream = world.send("GET", &table(path), token);
        world.assert_forwarded(stream);
    }
    world.assert_forwarded(b);
    world.assert_forwarded(mart);
}

#[test]
fn a_new_configuration_is_a_new_broker_and_the_old_one_ends_in_peace() {
    let mut old = World::new();
    let alice = old.token("alice");
    old.read(&alice);
    old.pass_s(1);
    let bob = old.token("bob");
    old.corp()
        .next_after(Duration::from_millis(2000), Answer::Good);
    let waiting = old.read(&bob);

    let mut new = World::with(&json!({"waiters": 7}));
    assert_ne!(old.config.generation, new.config.generation);
    let same = new.token("alice");
    let stream = new.read(&same);
    assert!(
        new.is_waiting(stream),
        "what the old one knows is not shared"
    );
    new.pass_s(1);
    new.assert_forwarded(stream);

    old.pass_s(3);
    old.assert_forwarded(waiting);
    assert_eq!(old.broker.config().limits.waiters, 4096);
    assert_eq!(new.corp().asked.len(), 1);
}

#[test]
fn an_answer_signed_with_a_key_that_nobody_publishes_is_refused_after_one_fetch() {
    let mut world = World::new();
    world.pass_s(10);
    let alice = world.token("alice");
    let fetches = world.corp().key_calls;
    world.corp().next(Answer::Mint(Mint {
        signer: Some(Key("foreign")),
        ..Mint::default()
    }));
    let stream = world.commit(&alice);
    world.pass_s(1);
    assert_eq!(world.refusal(stream), (429, "keys_unavailable"));
    assert_eq!(world.corp().key_calls, fetches + 1);

    // Neither an exchange nor a fetch more for those who try again.
    let again = world.read(&alice);
    assert_eq!(world.refusal(again), (503, "keys_unavailable"));
    assert!((3..=5).contains(&world.retry_after(again)));
    assert_eq!(world.corp().asked.len(), 1);
    world.pass_s(3);
    let later = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(later);
}

#[test]
fn one_person_whose_exchange_always_fails_shuts_out_nobody() {
    for answer in [
        Answer::says(500, golden("kc-500.json")),
        Answer::says(200, golden("x1-200-login.html")),
    ] {
        let mut world = World::new();
        world.corp().for_person = Some(("bob", answer));
        let bob = world.token("bob");
        // A minute in which bob asks ten times a second, at two catalogs, and gets himself a new token now
        // and then; alice comes twice a second, each time with a new one.
        for tenth in 0..600 {
            let fresh = if tenth % 50 == 0 {
                world.token_of(CORP, "bob", 3000 + tenth)
            } else {
                bob.clone()
            };
            let his = [
                world.read(&fresh),
                world.send("GET", &table("mart"), &fresh),
            ];
            let alice = (tenth % 5 == 0).then(|| {
                let token = world.token_of(CORP, "alice", 3000 + tenth);
                world.read(&token)
            });
            world.pass_ms(100);
            for stream in his {
                assert_eq!(world.refusal(stream), (503, "idp_broken"), "{tenth}");
            }
            if let Some(alice) = alice {
                world.assert_forwarded(alice);
            }
        }
        // Alice's 120, and bob's: each of his tokens at each catalog once in three seconds.
        let asked = world.corp().asked.len();
        assert!((150..=190).contains(&asked), "{asked} exchanges");
    }
}

#[test]
fn when_two_people_fail_the_identity_provider_gets_its_rest() {
    let mut world = World::new();
    let tokens = ["alice", "bob", "carol"].map(|name| world.token(name));
    world.corp().exchanges = Answer::says(500, golden("kc-500.json"));
    let first = world.read(&tokens[0]);
    world.pass_ms(20);
    assert_eq!(world.refusal(first), (503, "idp_broken"));
    let second = world.read(&tokens[1]);
    world.pass_ms(20);
    assert_eq!(world.refusal(second), (503, "idp_broken"));
    let third = world.read(&tokens[2]);
    assert_eq!(world.refusal(third), (503, "idp_paused"));
    // Those who failed are remembered: somebody else is the probe.
    world.pass_s(1);
    let again = world.read(&tokens[1]);
    assert_eq!(world.refusal(again), (503, "idp_broken"));
    world.corp().exchanges = Answer::Good;
    let probe = world.read(&tokens[2]);
    world.pass_ms(20);
    world.assert_forwarded(probe);
    assert_eq!(world.corp().asked.len(), 3);
}

#[test]
fn those_who_wait_for_a_place_are_refused_when_the_identity_provider_gets_its_rest() {
    let mut world = World::with(&json!({"exchanges_in_flight": 2}));
    let tokens: Vec<_> = (0..6)
        .map(|n| world.token(&format!("person-{n}")))
        .collect();
    world.corp().exchanges = Answer::refused_connection();
    let streams: Vec<_> = tokens.iter().map(|token| world.read(token)).collect();
    assert_eq!(world.broker.census().queued, 4);
    world.pass_ms(20);
    assert_eq!(world.refusal(streams[0]), (503, "idp_unreachable"));
    for stream in &streams[2..] {
        assert_eq!(world.refusal(*stream), (503, "idp_paused"));
    }
    assert_eq!(world.corp().asked.len(), 2);
    assert_eq!(world.broker.census().queued, 0);
    world.corp().exchanges = Answer::Good;
    world.pass_s(1);
    let later = world.read(&tokens[5]);
    world.pass_ms(20);
    world.assert_forwarded(later);
}
