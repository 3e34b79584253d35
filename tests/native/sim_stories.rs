//! What happens on ordinary days: first and second requests, hang-ups, many at once, bounds.

use std::time::Duration;

use serde_json::json;

use crate::sim::{Answer, CI, CORP, Mint, World, table};

#[test]
fn the_first_request_is_exchanged_and_the_second_is_not() {
    let mut world = World::new();
    let alice = world.token("alice");
    let first = world.read(&alice);
    assert!(world.is_waiting(first));
    world.pass_ms(20);
    world.assert_forwarded(first);
    assert_eq!(world.corp().asked.len(), 1);

    let second = world.commit(&alice);
    world.assert_forwarded(second);
    assert_eq!(
        world.requests[&first].minted,
        world.requests[&second].minted
    );
    assert_eq!(world.corp().asked.len(), 1);
    assert_eq!(world.count("icegate_cache.event.hit"), 1);
    assert_eq!(world.count("icegate_cache.event.miss"), 1);
    assert_eq!(
        world.count("icegate_requests.catalog.lake.verdict.forwarded"),
        2
    );
    assert_eq!(
        world.count("icegate_exchanges.issuer.corp.outcome.minted"),
        1
    );
    assert_eq!(world.samples("icegate_exchange_ms.issuer.corp"), [20]);
}

#[test]
fn two_people_get_each_their_own_token() {
    let mut world = World::new();
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    let requests = [
        world.read(&alice),
        world.read(&bob),
        world.read(&alice),
        world.read(&bob),
    ];
    world.pass_s(1);
    let minted: Vec<_> = requests
        .iter()
        .map(|stream| world.requests[stream].minted.clone())
        .collect();
    assert!(minted[0].is_some() && minted[0] == minted[2] && minted[1] == minted[3]);
    assert_ne!(minted[0], minted[1]);
    assert_eq!(world.corp().asked.len(), 2);
}

#[test]
fn one_person_has_one_token_per_catalog() {
    let mut world = World::new();
    let alice = world.token("alice");
    let lake = world.send("GET", &table("iceberg"), &alice);
    let mart = world.send("GET", &table("mart"), &alice);
    world.pass_s(1);
    world.assert_forwarded(lake);
    world.assert_forwarded(mart);
    let audiences: Vec<_> = world
        .corp()
        .asked
        .iter()
        .map(|asked| asked.audience.clone())
        .collect();
    assert_eq!(audiences, ["catalog", "mart"]);
}

#[test]
fn each_issuer_has_its_own_catalogs() {
    let mut world = World::new();
    let (alice, robot) = (world.token("alice"), world.token_of(CI, "robot", 300));
    let at_home = world.send("GET", &table("bots"), &robot);
    let abroad = world.send("GET", &table("bots"), &alice);
    assert_eq!(world.refusal(abroad), (403, "issuer_not_served"));
    let abroad = world.send("POST", &table("iceberg"), &robot);
    assert_eq!(world.refusal(abroad), (403, "issuer_not_served"));
    world.pass_s(1);
    world.assert_forwarded(at_home);
    // Known at one catalog, still a stranger at the other.
    let abroad = world.send("GET", &table("mart"), &robot);
    assert_eq!(world.refusal(abroad), (403, "issuer_not_served"));
    assert_eq!((world.corp().asked.len(), world.ci().asked.len()), (0, 1));
}

#[test]
fn the_leader_hangs_up_and_its_followers_are_served() {
    let mut world = World::new();
    let alice = world.token("alice");
    let (leader, follower) = (world.read(&alice), world.commit(&alice));
    world.hang_up(leader);
    world.pass_s(1);
    world.assert_forwarded(follower);
    assert_eq!(world.corp().asked.len(), 1);
}

#[test]
fn everybody_hangs_up_and_the_flight_still_fills_the_cache() {
    let mut world = World::new();
    let alice = world.token("alice");
    for stream in [world.read(&alice), world.read(&alice)] {
        world.hang_up(stream);
    }
    world.pass_s(1);
    let late = world.read(&alice);
    world.assert_forwarded(late);
    assert_eq!(world.corp().asked.len(), 1);
}

#[test]
fn a_stream_may_go_twice_or_after_its_end_or_without_ever_having_come() {
    let mut world = World::new();
    let alice = world.token("alice");
    let (one, other) = (world.read(&alice), world.read(&alice));
    world.hang_up(one);
    world.hang_up(one);
    world
        .broker
        .request_gone(world.now, icegate::broker::StreamId(999));
    world.pass_s(1);
    world.hang_up(other);
    world.assert_forwarded(other);
}

#[test]
fn a_name_that_is_used_again_gets_nothing_of_the_request_before() {
    for says_goodbye in [true, false] {
        let mut world = World::new();
        let (alice, bob) = (world.token("alice"), world.token("bob"));
        let stream = world.read(&alice);
        if says_goodbye {
            world.hang_up(stream);
        }
        world.corp().delay = Duration::from_secs(1);
        let path = table("iceberg");
        let bearer = format!("Bearer {bob}");
        let headers: [(&[u8], &[u8]); 3] = [
            (b":method", b"GET"),
            (b":path", path.as_bytes()),
            (b"authorization", bearer.as_bytes()),
        ];
        world.send_as(stream, &headers, &bob);
        world.pass_ms(500);
        assert!(
            world.is_waiting(stream),
            "alice's exchange has ended, bob's has not"
        );
        world.pass_s(1);
        world.assert_forwarded(stream);
        let cached = world.read(&alice);
        world.assert_forwarded(cached);
    }
}

#[test]
fn a_call_ends_once() {
    let mut world = World::new();
    let alice = world.token("alice");
    let stream = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(stream);
    world.repeat_last_answer();
    world.pass_s(1);
    let again = world.read(&alice);
    world.assert_forwarded(again);
}

#[test]
fn a_thousand_waiters_cost_one_exchange() {
    let mut world = World::new();
    let alice = world.token("alice");
    let waiters: Vec<_> = (0..1000).map(|_| world.read(&alice)).collect();
    for stream in waiters.iter().step_by(3) {
        world.hang_up(*stream);
    }
    world.pass_s(1);
    for (place, stream) in waiters.iter().enumerate() {
        if place % 3 != 0 {
            world.assert_forwarded(*stream);
        }
    }
    assert_eq!(world.corp().asked.len(), 1);
}

#[test]
fn more_than_may_wait_are_told_to_come_again() {
    let mut world = World::with(&json!({"waiters": 3}));
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    let waiters = [world.read(&alice), world.read(&alice), world.read(&bob)];
    let read = world.read(&alice);
    let commit = world.commit(&bob);
    assert_eq!(world.refusal(read), (503, "waiters_full"));
    assert_eq!(world.refusal(commit), (429, "waiters_full"));
    // One goes, one may come.
    world.hang_up(waiters[0]);
    let next = world.read(&alice);
    assert!(world.is_waiting(next));
    world.pass_s(1);
    for stream in [waiters[1], waiters[2], next] {
        world.assert_forwarded(stream);
    }
    // Whoever is known waits for nobody.
    let other = world.token("carol");
    for _ in 0..3 {
        world.send("GET", &table("mart"), &other);
    }
    let known = world.read(&alice);
    world.assert_forwarded(known);
}

#[test]
fn more_exchanges_than_may_be_under_way_wait_for_a_place_first_come_first_served() {
    let mut world = World::with(&json!({"exchanges_in_flight": 2, "waiters": 9}));
    let names = ["alice", "bob", "carol", "dave", "erin", "fred", "grace"];
    let tokens = names.map(|name| world.token(name));
    let robot = world.token_of(CI, "robot", 300);
    let streams: Vec<_> = tokens.iter().map(|token| world.read(token)).collect();
    assert_eq!(world.broker.census().queued, 5);
    // Half of nine places, and no more; another issuer has its own.
    let hasty = world.token("hasty");
    let full = world.commit(&hasty);
    assert_eq!(world.refusal(full), (429, "exchanges_full"));
    let follower = world.commit(&tokens[4]);
    let elsewhere = world.send("GET", &table("bots"), &robot);
    // Whoever goes leaves the row; only the last of a flight takes the flight along.
    world.hang_up(streams[3]);
    world.hang_up(streams[4]);
    assert_eq!(world.broker.census().queued, 4);
    world.pass_ms(20);
    for stream in [streams[0], streams[1], elsewhere] {
        world.assert_forwarded(stream);
    }
    assert!(world.is_waiting(streams[2]) && world.is_waiting(follower));
    world.pass_ms(20);
    world.assert_forwarded(streams[2]);
    world.assert_forwarded(follower);
    assert!(world.is_waiting(streams[5]) && world.is_waiting(streams[6]));
    world.pass_ms(20);
    world.assert_forwarded(streams[5]);
    world.assert_forwarded(streams[6]);
    assert_eq!(world.corp().asked.len(), 6);
    assert_eq!(
        world.samples("icegate_exchange_ms.issuer.corp"),
        [20; 6],
        "the time in the row is not the identity provider's"
    );
}

#[test]
fn a_cold_start_with_more_people_than_exchanges_serves_them_all() {
    let mut world = World::cold(&json!({}));
    let tokens: Vec<_> = (0..150)
        .map(|n| world.token(&format!("person-{n}")))
        .collect();
    let streams: Vec<_> = tokens.iter().map(|token| world.read(token)).collect();
    world.corp().delay = Duration::from_millis(1500);
    world.pass_s(9);
    for stream in streams {
        world.assert_forwarded(stream);
    }
    assert_eq!(world.corp().asked.len(), 150);
}

#[test]
fn whoever_waits_for_a_place_too_long_is_refused_and_costs_no_exchange() {
    let mut world = World::with(&json!({"exchanges_in_flight": 1}));
    let tokens = ["alice", "bob", "carol", "dave"].map(|name| world.token(name));
    world.corp().delay = Duration::from_millis(4000);
    let streams = tokens.each_ref().map(|token| world.read(token));
    world.pass_s(10);
    world.assert_forwarded(streams[0]);
    world.assert_forwarded(streams[1]);
    assert_eq!(world.refusal(streams[2]), (503, "deadline_passed"));
    assert_eq!(world.refusal(streams[3]), (503, "deadline_passed"));
    world.pass_s(10);
    assert_eq!(world.corp().asked.len(), 3);
    assert_eq!(world.broker.census().flights, 0);
}

#[test]
fn a_token_that_ends_while_it_waits_for_a_place_is_not_exchanged() {
    let mut world = World::with(&json!({"exchanges_in_flight": 1}));
    let (alice, bob) = (world.token("alice"), world.token_of(CORP, "bob", 3));
    world.corp().delay = Duration::from_millis(4000);
    world.read(&alice);
    let stream = world.read(&bob);
    world.pass_s(4);
    assert_eq!(world.refusal(stream), (401, "token_expired"));
    assert_eq!(world.corp().asked.len(), 1);
}

#[test]
fn the_cache_forgets_who_was_not_seen_for_the_longest_time() {
    let mut world = World::with(&json!({"cached_callers": 2}));
    let tokens: Vec<_> = ["alice", "bob", "carol"]
        .map(|name| world.token(name))
        .into();
    for token in [&tokens[0], &tokens[1], &tokens[0], &tokens[2]] {
        world.read(token);
        world.pass_s(1);
    }
    assert_eq!(world.count("icegate_cache.event.eviction"), 1);
    assert_eq!(world.count("icegate_cache_entries"), 2);
    let alice = world.read(&tokens[0]);
    world.assert_forwarded(alice);
    let bob = world.read(&tokens[1]);
    assert!(world.is_waiting(bob));
}

#[test]
fn a_request_outside_of_everything_is_refused_without_a_call() {
    let mut world = World::new();
    let alice = world.token("alice");
    let path = table("iceberg");
    let bearer = format!("Bearer {alice}");
    let two = format!("Bearer {alice}, Bearer {alice}");
    type Headers<'a> = Vec<(&'a [u8], &'a [u8])>;
    let head = |method: &'static str, path: &'static str| -> Headers<'static> {
        vec![(b":method", method.as_bytes()), (b":path", path.as_bytes())]
    };
    let with = |mut headers: Headers<'static>, value: &'static str| {
        headers.push((b"authorization", value.as_bytes()));
        headers
    };
    let bearer: &'static str = bearer.leak();
    let two: &'static str = two.leak();
    let path: &'static str = path.leak();
    let cases: [(Headers<'_>, u16, &str); 13] = [
        (head("GET", path), 401, "token_missing"),
        (head("HEAD", path), 401, "token_missing"),
        (with(head("GET", path), "Bearer "), 401, "token_empty"),
        (
            with(head("GET", path), "Basic YTpi"),
            401,
            "scheme_not_bearer",
        ),
        (with(head("POST", path), two), 400, "credentials_several"),
        (
            with(head("GET", path), "Bearer a b"),
            400,
            "token_malformed",
        ),
        (with(head("GET", path), "Bearer abc"), 401, "jwt_malformed"),
        (
            with(head("GET", "/other/v1/config"), bearer),
            404,
            "path_outside",
        ),
        (
            with(head("HEAD", "/other/v1/config"), bearer),
            404,
            "path_outside",
        ),
        (
            with(head("GET", "/iceberg/v1//config"), bearer),
            400,
            "path_empty_segment",
        ),
        (with(head("PATCH", path), bearer), 404, "wrong_method"),
        (
            head("POST", "/iceberg/v1/oauth/tokens"),
            400,
            "token_endpoint_off",
        ),
        (vec![(b":path", path.as_bytes())], 400, "malformed_head"),
    ];
    for (headers, status, name) in cases {
        let stream = world.send_headers(&headers, &alice);
        assert_eq!(world.refusal(stream), (status, name));
    }
    let upgrade: Headers<'_> = vec![
        (b":method", b"GET"),
        (b":path", path.as_bytes()),
        (b"upgrade", b"websocket"),
        (b"authorization", bearer.as_bytes()),
    ];
    let stream = world.send_headers(&upgrade, &alice);
    assert_eq!(world.refusal(stream), (400, "upgrade_refused"));
    assert_eq!(world.corp().asked.len(), 0);
    assert_eq!(world.broker.census().cached, 0);
}

#[test]
fn what_was_minted_does_not_come_back_as_a_caller() {
    let mut world = World::new();
    let alice = world.token("alice");
    let stream = world.read(&alice);
    world.pass_s(1);
    let minted = world.requests[&stream].minted.clone().expect("forwarded");
    let back = world.read(&minted);
    assert_eq!(world.refusal(back), (401, "audience_mismatch"));

    // Not even when the identity provider would put both audiences into it.
    let mut claims = crate::tokens::claims(
        "https://idp.example.com/realms/lake",
        json!(["icegate", "catalog"]),
        "alice",
        world.true_seconds() + 300,
    );
    claims["iat"] = world.true_seconds().into();
    claims["azp"] = "icegate".into();
    let ours = world.forged(&claims);
    let back = world.read(&ours);
    assert_eq!(world.refusal(back), (401, "own_client_token"));
    assert_eq!(world.corp().asked.len(), 1);
}

#[test]
fn a_token_with_another_signature_is_refused_even_when_its_claims_are_known() {
    let mut world = World::new();
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    let stream = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(stream);
    let (claims, _) = alice.rsplit_once('.').expect("three parts");
    let (_, signature) = bob.rsplit_once('.').expect("three parts");
    let forged = format!("{claims}.{signature}");
    let stream = world.read(&forged);
    assert_eq!(world.refusal(stream), (401, "signature_bad"));
}

#[test]
fn a_token_minted_for_ten_minutes_is_used_only_as_long_as_the_callers_own() {
    let mut world = World::new();
    let alice = world.token_of(CORP, "alice", 40);
    world.read(&alice);
    world.pass_s(1);
    // 40 s, less the skew of 10 s.
    world.pass_s(28);
    let cached = world.read(&alice);
    world.assert_forwarded(cached);
    world.pass_s(2);
    let anew = world.read(&alice);
    assert!(world.is_waiting(anew));
    world.pass_s(1);
    assert_eq!(world.corp().asked.len(), 2);
}

#[test]
fn the_shortest_of_all_lives_counts() {
    // (life by exp, expires_in, seconds after which it is still used, and no longer used)
    let cases = [
        (Some(600), json!(600), 289, 291),
        (Some(120), json!(600), 109, 111),
        (Some(600), json!(60), 49, 51),
        (Some(600), json!("60"), 49, 51),
        (Some(600), json!(null), 289, 291),
        (Some(600), json!(1e18), 289, 291),
        (Some(6), json!(600), 2, 4),
        (Some(86_400 * 365), json!(86_400 * 365), 289, 291),
    ];
    for (life, expires_in, used, unused) in cases {
        let mut world = World::new();
        let alice = world.token("alice");
        world.corp().next(Answer::Mint(Mint {
            life,
            expires_in: Some(expires_in.clone()),
            ..Mint::default()
        }));
        world.read(&alice);
        world.pass(Duration::from_millis(20));
        world.pass_s(used);
        let stream = world.read(&alice);
        world.assert_forwarded(stream);
        world.pass_s(unused - used);
        let stream = world.read(&alice);
        assert!(world.is_waiting(stream), "{life:?} {expires_in}");
    }
}

#[test]
fn a_token_that_expires_while_its_caller_waits_is_not_forwarded() {
    let mut world = World::new();
    let alice = world.token_of(CORP, "alice", 3);
    world
        .corp()
        .next_after(Duration::from_millis(3500), Answer::Good);
    let read = world.read(&alice);
    world.pass_s(4);
    assert_eq!(world.refusal(read), (401, "token_expired"));
    assert_eq!(
        world.count("icegate_exchanges.issuer.corp.outcome.caller_refused"),
        1
    );
}

#[test]
fn behind_the_end_of_a_token_nothing_is_exchanged_in_vain() {
    let mut world = World::new();
    let alice = world.token_of(CORP, "alice", 10);
    let served = world.read(&alice);
    world.pass_s(1);
    world.assert_forwarded(served);
    // The leeway of 30 s has not passed.
    world.pass_s(15);
    for _ in 0..10 {
        let late = world.read(&alice);
        assert_eq!(world.refusal(late), (401, "token_expired"));
    }
    let stranger = world.token_of(CORP, "bob", 1);
    world.pass_s(2);
    let late = world.read(&stranger);
    assert_eq!(world.refusal(late), (401, "token_expired"));
    assert_eq!(world.corp().asked.len(), 1);
}

#[test]
fn callers_whose_token_has_expired_are_swept_out() {
    let mut world = World::new();
    let alice = world.token_of(CORP, "alice", 10);
    world.read(&alice);
    world.pass_s(1);
    assert_eq!(world.count("icegate_cache_entries"), 1);
    world.pass_s(75);
    assert_eq!(world.count("icegate_cache_entries"), 0);
    assert_eq!(world.count("icegate_cache_bytes"), 0);
    assert_eq!(world.count("icegate_cache.event.eviction"), 0);
}

#[test]
fn callers_with_long_claims_take_more_of_the_cache() {
    let mut world = World::new();
    let alice = world.token("alice");
    world.read(&alice);
    world.pass_s(1);
    let plain = world.broker.census().cached_bytes;
    let mut claims = crate::tokens::claims(
        "https://idp.example.com/realms/lake",
        json!("icegate"),
        "bob",
        world.true_seconds() + 60,
    );
    // Two bytes each in the token, and a whole value in memory.
    claims["groups"] = vec![0; 2000].into();
    let bob = world.forged(&claims);
    world.subjects.get_mut(&bob).expect("just made").genuine = true;
    let his = world.read(&bob);
    assert!(world.is_waiting(his), "{:?}", world.outcome(his));
    let long = world.broker.census().cached_bytes - plain;
    assert!(long > plain + bob.len() + 40_000, "{long} after {plain}");
}
