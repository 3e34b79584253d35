//! Keys: the first ones, rotation, unknown ones, outages; and clocks that are set.

use std::time::Duration;

use icegate::broker::Level;
use serde_json::json;

use crate::sim::{Answer, CI, CORP, World, golden, table};

#[test]
fn requests_that_come_before_the_first_keys_wait_for_them() {
    let mut world = World::cold_with(&json!({}), |idps| {
        idps[CORP].delay = Duration::from_millis(1500);
    });
    let alice = world.token("alice");
    let streams = [world.read(&alice), world.commit(&alice), world.read(&alice)];
    world.pass_s(3);
    assert!(streams.iter().all(|stream| world.is_waiting(*stream)));
    world.pass_s(2);
    for stream in streams {
        world.assert_forwarded(stream);
    }
    assert_eq!(world.corp().asked.len(), 1);
    assert_eq!(
        (world.corp().metadata_calls, world.corp().key_calls),
        (1, 1)
    );
    assert_eq!(world.noted(Level::Info, "issuer 'corp': 1 keys loaded"), 1);
}

#[test]
fn an_identity_provider_that_comes_up_late_is_waited_for() {
    let mut world = World::cold_with(&json!({}), |idps| idps[CORP].all(&Answer::NotSent));
    let alice = world.token("alice");
    let (read, commit) = (world.read(&alice), world.commit(&alice));
    world.pass_s(4);
    assert!(world.is_waiting(read));
    world.corp().all(&Answer::Good);
    world.pass_s(5);
    world.assert_forwarded(read);
    world.assert_forwarded(commit);
}

#[test]
fn without_keys_nobody_waits_longer_than_the_deadline() {
    let mut world = World::cold_with(&json!({}), |idps| {
        idps[CORP].all(&Answer::refused_connection())
    });
    let alice = world.token("alice");
    let (read, commit) = (world.read(&alice), world.commit(&alice));
    world.pass_ms(9_999);
    assert!(world.is_waiting(read) && world.is_waiting(commit));
    world.pass_ms(1);
    assert_eq!(world.refusal(read), (503, "keys_unavailable"));
    assert_eq!(world.refusal(commit), (429, "keys_unavailable"));
    // Another issuer has nothing to do with it.
    let robot = world.token_of(CI, "robot", 300);
    let stream = world.send("GET", &table("bots"), &robot);
    world.pass_s(1);
    world.assert_forwarded(stream);
    // Ten seconds of trying: 250 ms, 500 ms, ... 10 s, less jitter.
    assert!(
        (4..=12).contains(&world.corp().metadata_calls),
        "{}",
        world.corp().metadata_calls
    );
}

#[test]
fn metadata_of_another_issuer_is_never_accepted() {
    for issuer in [
        "https://idp.example.com/realms/lake/",
        "https://idp.example.com/realms/LAKE",
        "",
    ] {
        let mut world = World::cold_with(&json!({}), |idps| {
            idps[CORP].says_issuer = issuer.to_owned();
        });
        let alice = world.token("alice");
        let stream = world.read(&alice);
        world.pass_s(60);
        assert_eq!(world.refusal(stream), (503, "keys_unavailable"));
        assert_eq!(world.corp().key_calls, 0);
    }
}

#[test]
fn a_key_set_without_a_usable_key_is_a_failed_fetch() {
    let mut world = World::new();
    let alice = world.token("alice");
    world.read(&alice);
    world.pass_s(1);
    for body in [r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#] {
        world.corp().jwks = Answer::says(200, body);
        world.pass_s(400);
        assert!(world.noted(Level::Warn, "no usable key") > 0);
        let stream = world.read(&alice);
        world.pass_s(1);
        world.assert_forwarded(stream);
    }
}

#[test]
fn ways_in_which_keys_do_not_come() {
    let says = Answer::says;
    let cases = [
        (Answer::NotSent, "no healthy endpoint"),
        (Answer::Broken, "broke off"),
        (Answer::TooLarge, "too large"),
        (Answer::Hangs, "status 504"),
        (says(500, ""), "status 500"),
        (says(302, ""), "status 302"),
        (says(200, "<html>"), "key set: "),
        (says(200, r#"{"keys":{}}"#), "key set: "),
    ];
    for (answer, why) in cases {
        let mut world = World::new();
        let alice = world.token("alice");
        world.corp().jwks = answer;
        world.pass_s(310);
        assert!(world.noted(Level::Warn, why) > 0, "{why}");
        assert!(world.count("icegate_key_fetches.issuer.corp.outcome.failed") > 0);
        // The last good set stays.
        let stream = world.read(&alice);
        world.pass_s(1);
        world.assert_forwarded(stream);
    }
}

#[test]
fn a_rotation_is_one_fetch_and_those_who_are_known_are_not_touched() {
    let mut world = World::new();
    let alice = world.token("alice");
    world.read(&alice);
    world.pass_s(10);
    world.corp().rotate(true);
    let bob = world.token("bob");
    let streams = [world.read(&bob), world.commit(&bob)];
    world.pass_s(1);
    for stream in streams {
        world.assert_forwarded(stream);
    }
    assert_eq!(world.corp().key_calls, 2);
    let known = world.read(&alice);
    world.assert_forwarded(known);
    assert_eq!(world.corp().asked.len(), 2);
}

#[test]
fn a_key_that_leaves_the_set_takes_its_callers_with_it() {
    let mut world = World::new();
    let (alice, robot) = (world.token("alice"), world.token_of(CI, "robot", 3600));
    world.read(&alice);
    world.send("GET", &table("bots"), &robot);
    world.pass_s(10);
    assert_eq!(world.broker.census().cached, 2);
    world.corp().rotate(false);
    // The next refresh of the background.
    world.pass_s(300);
    assert_eq!(world.broker.census().cached, 1);
    let stream = world.read(&alice);
    world.pass_s(6);
    assert_eq!(world.refusal(stream), (401, "key_unknown"));
    let fresh = world.token("alice");
    let stream = world.read(&fresh);
    world.pass_s(1);
    world.assert_forwarded(stream);
}

#[test]
fn a_caller_whose_key_leaves_while_the_exchange_is_under_way_is_not_served() {
    let mut world = World::new();
    world.pass_s(10);
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    world
        .corp()
        .next_after(Duration::from_millis(3000), Answer::Good);
    let stream = world.read(&alice);
    world.corp().rotate(false);
    // Somebody with a new token makes the gate look.
    let carol = world.token("carol");
    let new = world.read(&carol);
    world.pass_s(1);
    world.assert_forwarded(new);
    world.pass_s(3);
    assert_eq!(world.refusal(stream), (401, "key_unknown"));
    let stream = world.read(&bob);
    world.pass_s(6);
    assert_eq!(world.refusal(stream), (401, "key_unknown"));
}

#[test]
fn a_minted_token_that_is_signed_with_a_new_key_waits_for_the_new_keys() {
    let mut world = World::new();
    world.pass_s(10);
    let alice = world.token("alice");
    world.corp().rotate(true);
    let (read, commit) = (world.read(&alice), world.commit(&alice));
    world.pass_s(1);
    world.assert_forwarded(read);
    world.assert_forwarded(commit);
    assert_eq!(world.corp().key_calls, 2);
    assert_eq!(world.corp().asked.len(), 1);
}

#[test]
fn a_fetch_that_began_before_the_rotation_does_not_end_the_wait_for_the_new_keys() {
    let mut world = World::new();
    world.pass_s(10);
    let alice = world.token("alice");
    let old = world.corp().jwks_body();
    world.corp().jwks = Answer::says(200, old);
    world.corp().delay = Duration::from_secs(3);
    let unknown = world.unknown_kid("nobody-has-it");
    world.read(&unknown);

    world.corp().jwks = Answer::Good;
    world.corp().delay = Duration::from_millis(20);
    world.corp().rotate(true);
    let stream = world.read(&alice);
    world.pass_s(4);
    assert!(
        world.is_waiting(stream),
        "the old set came, and the next one may be asked for in a second"
    );
    world.pass_s(2);
    world.assert_forwarded(stream);
    assert_eq!(world.corp().asked.len(), 1);
}

#[test]
fn whoever_joins_while_a_flight_waits_for_keys_is_served_with_it() {
    let mut world = World::new();
    world.pass_s(10);
    let alice = world.token("alice");
    world.corp().rotate(true);
    let answer = world.corp().jwks.clone();
    world.corp().jwks = Answer::Hangs;
    let first = world.read(&alice);
    world.pass_s(1);
    assert_eq!(world.broker.census().flights, 1);
    let second = world.commit(&alice);
    world.hang_up(first);
    world.corp().jwks = answer;
    // The fetch fails: they are refused, and the next ones are served.
    world.pass_s(5);
    assert_eq!(world.refusal(second), (429, "keys_unavailable"));
    assert_eq!(
        world.count("icegate_exchanges.issuer.corp.outcome.idp_fault"),
        1
    );
    world.pass_s(2);
    let third = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(third);
}

#[test]
fn ten_thousand_unknown_keys_cost_a_bounded_number_of_fetches() {
    let mut world = World::new();
    let alice = world.token("alice");
    world.read(&alice);
    world.pass_s(10);
    let before = world.corp().key_calls;
    for n in 0..10_000 {
        let token = world.unknown_kid(&format!("kid-{n}"));
        world.read(&token);
        if n % 100 == 0 {
            world.pass_ms(200);
            let known = world.commit(&alice);
            world.assert_forwarded(known);
        }
    }
    // Twenty seconds: one at once, and one each five seconds.
    let fetches = world.corp().key_calls - before;
    assert!((4..=5).contains(&fetches), "{fetches} fetches");
}

#[test]
fn those_who_wait_for_an_unknown_key_are_bounded_and_the_next_are_refused_at_once() {
    let mut world = World::new();
    let tokens: Vec<_> = (0..260)
        .map(|n| world.unknown_kid(&format!("kid-{n}")))
        .collect();
    // The first keys came a moment ago: the next fetch is five seconds away.
    let streams: Vec<_> = tokens.iter().map(|token| world.read(token)).collect();
    assert_eq!(world.broker.census().parked, 256);
    for stream in &streams[256..] {
        assert_eq!(world.refusal(*stream), (401, "key_unknown"));
    }
    assert_eq!(world.corp().key_calls, 1);
    world.pass_s(6);
    for stream in &streams[..256] {
        assert_eq!(world.refusal(*stream), (401, "key_unknown"));
    }
    assert_eq!(world.corp().key_calls, 2);
}

#[test]
fn unknown_keys_while_the_fetches_fail_cost_no_more_than_the_pauses_allow() {
    let mut world = World::new();
    world.pass_s(10);
    world.corp().all(&Answer::refused_connection());
    let before = (world.corp().metadata_calls, world.corp().key_calls);
    for n in 0..600 {
        let token = world.unknown_kid(&format!("kid-{n}"));
        let stream = world.read(&token);
        world.pass_ms(100);
        if n % 50 == 0 && !world.is_waiting(stream) {
            assert!(matches!(
                world.refusal(stream).1,
                "keys_unavailable" | "key_unknown"
            ));
        }
    }
    let after = (world.corp().metadata_calls, world.corp().key_calls);
    let calls = after.0 + after.1 - before.0 - before.1;
    assert!((8..=18).contains(&calls), "{calls} calls in a minute");
}

#[test]
fn a_failing_refresh_does_not_end_those_who_wait_for_the_first_keys() {
    let mut world = World::cold_with(&json!({}), |idps| idps[CORP].jwks = Answer::says(500, ""));
    let alice = world.token("alice");
    let unknown = world.unknown_kid("nobody-has-it");
    let (stream, other) = (world.read(&alice), world.read(&unknown));
    world.pass_s(3);
    assert!(world.is_waiting(stream) && world.is_waiting(other));
    world.corp().jwks = Answer::Good;
    world.pass_s(6);
    world.assert_forwarded(stream);
    world.pass_s(5);
    let (status, _) = world.refusal(other);
    assert!(matches!(status, 401 | 503), "{status}");
}

#[test]
fn keys_are_used_through_an_outage_but_not_for_ever() {
    let mut world = World::with(&json!({"key_refresh": "60s", "key_max_age": "10m"}));
    world.corp().all(&Answer::refused_connection());
    world.corp().exchanges = Answer::Good;
    world.pass_s(590);
    let alice = world.token("alice");
    let served = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(served);

    world.pass_s(70);
    assert_eq!(world.noted(Level::Error, "too old and was dropped"), 1);
    assert_eq!(world.broker.census().cached, 0);
    let waits = world.read(&alice);
    assert!(world.is_waiting(waits));
    world.pass_s(10);
    assert_eq!(world.refusal(waits), (503, "keys_unavailable"));

    world.corp().all(&Answer::Good);
    world.pass_s(11);
    let served = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(served);
}

#[test]
fn keys_are_fetched_again_in_the_background_each_five_minutes() {
    let mut world = World::new();
    world.pass_s(4000);
    // 300 s less up to a tenth.
    assert!(
        (14..=15).contains(&world.corp().key_calls),
        "{}",
        world.corp().key_calls
    );
    // Each twelfth time metadata is read again.
    assert_eq!(world.corp().metadata_calls, 2);
    assert_eq!(world.ci().metadata_calls, 0);
}

#[test]
fn a_jwks_that_moves_is_found_again_by_metadata() {
    let mut world = World::new();
    world.corp().jwks = Answer::says(404, "");
    world.pass_s(310);
    let calls = world.corp().metadata_calls;
    assert!(calls > 1, "metadata is read anew after a failure");
    world.corp().jwks = Answer::Good;
    world.pass_s(20);
    world.corp().rotate(true);
    world.pass_s(5);
    let bob = world.token("bob");
    let stream = world.read(&bob);
    world.pass_s(6);
    world.assert_forwarded(stream);
}

#[test]
fn metadata_without_a_token_endpoint_is_the_operators_to_mend() {
    let body = json!({
        "issuer": "https://idp.example.com/realms/lake",
        "jwks_uri": "https://idp.example.com/realms/lake/keys",
        "token_endpoint": "https://elsewhere.example.com/token",
    });
    let mut world = World::cold_with(&json!({}), |idps| {
        idps[CORP].metadata = Answer::says(200, body.to_string());
    });
    world.pass_s(1);
    let alice = world.token("alice");
    let stream = world.commit(&alice);
    assert_eq!(world.refusal(stream), (429, "exchange_misconfigured"));
    assert!(world.noted(Level::Error, "set issuers.corp.token_path") > 0);
}

#[test]
fn a_token_endpoint_that_was_known_stays_known() {
    let mut world = World::new();
    let body = json!({
        "issuer": "https://idp.example.com/realms/lake",
        "jwks_uri": "https://idp.example.com/realms/lake/keys",
    });
    world.corp().metadata = Answer::says(200, body.to_string());
    world.corp().jwks = Answer::says(500, "");
    world.pass_s(310);
    world.corp().jwks = Answer::Good;
    world.pass_s(20);
    let alice = world.token("alice");
    let stream = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(stream);
}

#[test]
fn a_clock_that_is_set_back_prolongs_nothing_that_was_minted() {
    let mut world = World::new();
    let alice = world.token("alice");
    world.read(&alice);
    world.pass_s(1);
    world.set_clock_back(Duration::from_secs(3600));
    let stream = world.read(&alice);
    world.assert_forwarded(stream);
    world.pass_s(290);
    // Five minutes by the monotonic clock, whatever the other one says. The identity provider's new
    // token is issued in the future then, and not believed.
    let stream = world.read(&alice);
    assert!(world.is_waiting(stream));
    world.pass_s(1);
    assert_eq!(world.refusal(stream), (503, "minted_expired"));
    world.set_clock_forward(Duration::from_secs(3600));
    world.pass_s(4);
    let stream = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(stream);
}

#[test]
fn a_clock_that_is_set_forward_by_a_day_ends_tokens_and_nothing_else() {
    let mut world = World::new();
    let alice = world.token("alice");
    world.read(&alice);
    world.pass_s(1);
    world
        .corp()
        .next_after(Duration::from_millis(500), Answer::Good);
    let bob = world.token("bob");
    let waiting = world.read(&bob);
    world.set_clock_forward(Duration::from_secs(86_400));
    let stream = world.read(&alice);
    assert_eq!(world.refusal(stream), (401, "token_expired"));
    world.pass_s(1);
    // His token ended while he waited, by this clock.
    assert!(matches!(world.refusal(waiting).0, 401 | 503));
    world.pass_s(31);
    assert_eq!(world.broker.census().cached, 0);

    world.set_clock_back(Duration::from_secs(86_400));
    let stream = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(stream);
    // Nothing of it reached the keys.
    assert_eq!(world.corp().key_calls, 1);
}

#[test]
fn a_crowd_that_waits_for_the_first_keys_is_verified_in_turns() {
    let mut world = World::cold(&json!({}));
    world.turns_by_hand = true;
    let tokens: Vec<_> = (0..40)
        .map(|n| world.token(&format!("person-{n}")))
        .collect();
    let streams: Vec<_> = tokens.iter().map(|token| world.read(token)).collect();
    assert!(!world.broker.has_turn());
    // Metadata and keys take 20 ms each.
    world.pass_ms(40);
    assert_eq!(world.broker.census().cached, 16);
    assert!(world.broker.has_turn());
    // Some do not wait for their turn, and one name is used again.
    for stream in &streams[20..30] {
        world.hang_up(*stream);
    }
    world.corp().delay = Duration::from_millis(100);
    let bearer = format!("Bearer {}", tokens[0]);
    let path = table("iceberg");
    let headers: [(&[u8], &[u8]); 3] = [
        (b":method", b"GET"),
        (b":path", path.as_bytes()),
        (b"authorization", bearer.as_bytes()),
    ];
    world.send_as(streams[20], &headers, &tokens[0]);
    world.turn();
    assert_eq!(
        world.broker.census().cached,
        30,
        "whoever has gone takes no turn"
    );
    assert!(!world.broker.has_turn());
    world.pass_s(1);
    for stream in streams[..21].iter().chain(&streams[30..]) {
        world.assert_forwarded(*stream);
    }
}

#[test]
fn whoever_waits_for_a_turn_too_long_is_told_to_come_again() {
    let mut world = World::cold_with(
        &json!({"request_deadline": "1s", "exchange_timeout": "900ms"}),
        |idps| {
            idps[CORP].delay = Duration::from_millis(400);
        },
    );
    world.turns_by_hand = true;
    let tokens: Vec<_> = (0..17)
        .map(|n| world.token(&format!("person-{n}")))
        .collect();
    let streams: Vec<_> = tokens.iter().map(|token| world.read(token)).collect();
    world.pass_ms(800);
    assert!(world.broker.has_turn());
    world.now.instant = world.now.instant.plus(Duration::from_millis(200));
    world.broker.tick(world.now);
    world.settle();
    for stream in &streams {
        assert_eq!(world.refusal(*stream), (503, "deadline_passed"));
    }
    assert_eq!(world.broker.census().cached, 16);
}

#[test]
fn a_tick_takes_a_turn() {
    let mut world = World::cold(&json!({}));
    world.turns_by_hand = true;
    let tokens: Vec<_> = (0..20)
        .map(|n| world.token(&format!("person-{n}")))
        .collect();
    for token in &tokens {
        world.read(token);
    }
    world.pass_ms(40);
    assert_eq!(world.broker.census().cached, 16);
    world.broker.tick(world.now);
    world.settle();
    assert_eq!(world.broker.census().cached, 20);
    assert!(!world.broker.has_turn());
}

#[test]
fn a_key_that_the_first_set_lacks_is_refused_when_that_set_comes() {
    let mut world = World::cold(&json!({}));
    let token = world.unknown_kid("nobody-has-it");
    let stream = world.read(&token);
    world.pass_ms(40);
    assert_eq!(world.refusal(stream), (401, "key_unknown"));
    world.pass_s(6);
    assert_eq!(world.corp().key_calls, 1);
}

#[test]
fn forged_tokens_that_wait_for_the_first_keys_leave_room_for_others() {
    let mut world = World::cold_with(&json!({}), |idps| {
        idps[CORP].metadata = Answer::Hangs;
    });
    world.pass_s(1);
    let forged: Vec<_> = (0..1025)
        .map(|n| world.unknown_kid(&format!("kid-{n}")))
        .collect();
    let streams: Vec<_> = forged.iter().map(|token| world.read(token)).collect();
    assert_eq!(world.broker.census().parked, 1024);
    assert_eq!(world.refusal(streams[1024]), (503, "waiters_full"));
    let robot = world.token_of(CI, "robot", 300);
    let stream = world.send("GET", &table("bots"), &robot);
    world.pass_ms(20);
    world.assert_forwarded(stream);
    // One goes, one may come.
    world.hang_up(streams[0]);
    let alice = world.token("alice");
    let stream = world.read(&alice);
    assert!(world.is_waiting(stream));
}

#[test]
fn a_caller_whose_key_left_is_not_remembered_for_a_no() {
    let mut world = World::new();
    world.pass_s(10);
    let alice = world.token("alice");
    world.corp().next_after(
        Duration::from_millis(3000),
        Answer::says(400, golden("kc-400-invalid-token.json")),
    );
    let stream = world.read(&alice);
    world.corp().rotate(false);
    let fresh = world.token("carol");
    let new = world.read(&fresh);
    world.pass_s(1);
    world.assert_forwarded(new);
    assert_eq!(world.broker.census().cached, 1);
    world.pass_s(3);
    assert_eq!(world.refusal(stream), (401, "subject_refused"));
    assert_eq!(world.broker.census().cached, 1);
}

#[test]
fn a_minted_token_whose_key_leaves_the_set_is_not_used_any_more() {
    let mut world = World::with(&json!({"key_refresh": "60s"}));
    world.pass_s(10);
    let alice = world.token("alice");
    let old = world.corp().signer.clone();
    world.corp().rotate(true);
    let stream = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(stream);
    // The new key is taken back.
    world.corp().keys.pop();
    world.corp().signer = old;
    world.pass_s(61);
    assert_eq!(world.broker.census().cached, 1);
    let stream = world.read(&alice);
    assert!(world.is_waiting(stream));
    world.pass_s(1);
    world.assert_forwarded(stream);
}

/// Metadata of corp.
fn metadata(token_endpoint: Option<&str>) -> Answer {
    let mut body = json!({
        "issuer": "https://idp.example.com/realms/lake",
        "jwks_uri": "https://idp.example.com/realms/lake/keys",
    });
    if let Some(path) = token_endpoint {
        body["token_endpoint"] = format!("https://idp.example.com{path}").into();
    }
    Answer::says(200, body.to_string())
}

#[test]
fn metadata_that_is_mended_is_seen_ten_seconds_later() {
    let mut world = World::cold_with(&json!({}), |idps| idps[CORP].metadata = metadata(None));
    world.pass_s(60);
    let alice = world.token("alice");
    let stream = world.read(&alice);
    assert_eq!(world.refusal(stream), (503, "exchange_misconfigured"));
    assert_eq!(world.noted(Level::Error, "metadata: token_endpoint"), 1);
    let calls = world.corp().metadata_calls;
    assert!((6..=7).contains(&calls), "{calls} in a minute");
    world.corp().metadata = metadata(Some("/realms/lake/token"));
    world.pass_s(10);
    world.pass_ms(40);
    let stream = world.read(&alice);
    world.pass_ms(20);
    world.assert_forwarded(stream);
    // All is well: the next refresh is five minutes away.
    let calls = world.corp().metadata_calls;
    world.pass_s(200);
    assert_eq!(world.corp().metadata_calls, calls);
}

#[test]
fn a_token_endpoint_that_moves_is_followed() {
    let mut world = World::new();
    world.pass_s(10);
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    world.corp().metadata = metadata(Some("/moved/token"));
    world
        .corp()
        .next(Answer::says(404, golden("kc-404-realm.json")));
    let stream = world.read(&alice);
    world.pass_ms(100);
    assert_eq!(world.refusal(stream), (503, "exchange_misconfigured"));
    world.pass_s(1);
    let stream = world.read(&bob);
    world.pass_ms(20);
    world.assert_forwarded(stream);
    assert_eq!(
        world.corp().token_paths,
        ["/realms/lake/token", "/moved/token"]
    );
}

#[test]
fn metadata_that_cannot_be_read_again_does_not_stop_the_keys() {
    let mut world = World::cold_with(&json!({}), |idps| idps[CORP].metadata = metadata(None));
    world.pass_s(1);
    world.corp().metadata = Answer::says(500, "");
    let fetches = world.count("icegate_key_fetches.issuer.corp.outcome.failed");
    world.pass_s(30);
    assert!(world.count("icegate_key_fetches.issuer.corp.outcome.failed") > fetches);
    assert!(world.noted(Level::Warn, "what was read before stays in use") > 0);
    world.corp().rotate(false);
    world.pass_s(11);
    // The new keys are known without anybody's asking for them.
    let calls = world.corp().key_calls;
    let alice = world.token("alice");
    let stream = world.read(&alice);
    assert_eq!(world.refusal(stream), (503, "exchange_misconfigured"));
    assert_eq!(world.corp().key_calls, calls);
}
