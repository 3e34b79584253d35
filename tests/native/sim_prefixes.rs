//! Warehouses whose prefix the catalog tells: asked once, by whoever may, and for as long as it holds.

use std::time::Duration;

use icegate::limits;
use serde_json::json;

use crate::sim::tenants::TABLE;
use crate::sim::{Answer, World};

fn world() -> World {
    World::with_tenants(&json!({}))
}

fn table(prefix: &str) -> String {
    format!("/mart/v1/{prefix}/namespaces/db/tables/t1")
}

fn asked(world: &World) -> Vec<(&str, &str)> {
    let asked = world.shop.asked.iter();
    asked
        .map(|(who, what)| (who.as_str(), what.as_str()))
        .collect()
}

#[test]
fn it_is_asked_once_for_all_who_wait() {
    let mut world = world();
    let (bob, fred) = (world.token("bob"), world.token("fred"));
    let path = table("p-g1");
    let streams = [
        world.send("GET", &path, &bob),
        world.send("GET", &path, &fred),
        world.send("GET", &path, &bob),
    ];
    let body = world.post_with("/mart/v1/p-g1/namespaces/db/tables", &fred, TABLE);
    world.pass_s(1);
    for stream in streams {
        world.assert_forwarded(stream);
    }
    world.assert_forwarded(body);
    assert_eq!(asked(&world), [("bob", "g1")]);
    let later = world.send("GET", &path, &fred);
    world.assert_forwarded(later);
    let catalog = &world.requests[&later]
        .record
        .as_ref()
        .expect("a record")
        .catalog;
    assert_eq!(catalog.as_deref(), Some("mart"));
}

#[test]
fn the_next_of_a_tenants_warehouses_is_asked_when_it_is_not_the_first() {
    let mut world = world();
    let bob = world.token("bob");
    let stream = world.send("GET", &table("p-g2"), &bob);
    world.pass_s(1);
    world.assert_forwarded(stream);
    assert_eq!(asked(&world), [("bob", "g1"), ("bob", "g2")]);
    // All are known now: nobody asks for a name that is none.
    let nobodys = world.send("GET", &table("p-g3"), &bob);
    assert_eq!(world.refusal(nobodys), (403, "outside_border"));
    assert_eq!(world.shop.asked.len(), 2);
}

#[test]
fn nobody_asks_for_the_warehouses_of_somebody_else() {
    let mut world = world();
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    let theirs = world.send("GET", &table("p-g1"), &alice);
    let own = world.send("GET", &table("p-g1"), &bob);
    world.pass_s(1);
    assert_eq!(world.refusal(theirs), (403, "outside_border"));
    world.assert_forwarded(own);
    assert_eq!(asked(&world), [("alice", "a1"), ("bob", "g1")]);
    let again = world.send("GET", &table("p-g1"), &alice);
    assert_eq!(world.refusal(again), (403, "outside_border"));
}

#[test]
fn who_asked_is_refused_and_the_others_ask_for_themselves() {
    let mut world = world();
    world.shop.refuses.insert("bob".to_owned());
    let (bob, fred) = (world.token("bob"), world.token("fred"));
    let path = table("p-g1");
    let refused = [
        world.send("GET", &path, &bob),
        world.send("GET", &path, &bob),
    ];
    let served = world.send("GET", &path, &fred);
    world.pass_s(1);
    for stream in refused {
        assert_eq!(world.refusal(stream), (403, "outside_border"));
    }
    world.assert_forwarded(served);
    // Both of bob's are refused with one question; g2 he may not hear of either.
    let of_bob = asked(&world)
        .iter()
        .filter(|(who, _)| *who == "bob")
        .count();
    assert_eq!(of_bob, 2);
}

#[test]
fn whoever_was_refused_is_not_asked_for_again_for_a_while() {
    let mut world = world();
    world.shop.refuses.insert("alice".to_owned());
    let alice = world.token("alice");
    for _ in 0..9 {
        let stream = world.send("GET", &table("p-a1"), &alice);
        world.pass_ms(100);
        assert_eq!(world.refusal(stream), (403, "outside_border"));
    }
    assert_eq!(world.shop.asked.len(), 1);
    world.shop.refuses.clear();
    world.pass(limits::PREFIX_REST);
    let stream = world.send("GET", &table("p-a1"), &alice);
    world.pass_s(1);
    world.assert_forwarded(stream);
}

#[test]
fn a_question_that_is_not_authorized_costs_the_minted_token() {
    let mut world = world();
    world.shop.answer = Answer::says(401, "who are you");
    let alice = world.token("alice");
    let stream = world.send("GET", &table("p-a1"), &alice);
    world.pass_s(1);
    assert_eq!(world.refusal(stream), (403, "outside_border"));
    world.shop.answer = Answer::Good;
    world.pass(limits::PREFIX_REST);
    let stream = world.send("GET", &table("p-a1"), &alice);
    world.pass_s(1);
    world.assert_forwarded(stream);
    assert_eq!(world.corp().asked.len(), 2);
}

#[test]
fn the_catalog_is_down_and_comes_back() {
    let mut world = world();
    world.shop.answer = Answer::refused_connection();
    let (alice, dave) = (world.token("alice"), world.token("dave"));
    let read = world.send("GET", &table("p-a1"), &alice);
    world.pass_ms(40);
    assert_eq!(world.refusal(read), (503, "prefix_unavailable"));
    assert!((5..=7).contains(&world.retry_after(read)));
    // It is left alone, whoever asks; what is left of the rest is told.
    world.shop.answer = Answer::Good;
    world.pass_s(2);
    let commit = world.post(&table("p-a1"), &dave);
    world.pass_s(1);
    assert_eq!(world.refusal(commit), (429, "prefix_unavailable"));
    assert!((3..=5).contains(&world.retry_after(commit)));
    assert_eq!(world.shop.asked.len(), 1);
    world.pass_s(2);
    let read = world.send("GET", &table("p-a1"), &dave);
    world.pass_s(1);
    world.assert_forwarded(read);
    assert_eq!(world.shop.asked.len(), 2);
}

#[test]
fn every_way_in_which_a_catalog_can_fail_ends() {
    let unusable = [
        Answer::NotSent,
        Answer::Broken,
        Answer::TooLarge,
        Answer::Hangs,
        Answer::Lost,
        Answer::says(200, "<html>"),
        Answer::says(200, r#"{"defaults":{},"overrides":{"prefix":"a/b"}}"#),
        Answer::says(
            200,
            json!({"overrides": {"prefix": "p".repeat(limits::PREFIX_LENGTH + 1)}}).to_string(),
        ),
        Answer::says(302, ""),
        Answer::says(429, ""),
    ];
    for answer in unusable {
        let mut world = world();
        world.shop.answer = answer.clone();
        let alice = world.token("alice");
        let stream = world.send("GET", &table("p-a1"), &alice);
        world.pass(limits::REQUEST_DEADLINE + limits::CALL_LOST);
        assert_eq!(
            world.refusal(stream),
            (503, "prefix_unavailable"),
            "{answer:?}"
        );
        world.shop.answer = Answer::Good;
        world.pass(limits::PREFIX_REST);
        let stream = world.send("GET", &table("p-a1"), &alice);
        world.pass_s(1);
        world.assert_forwarded(stream);
    }
}

#[test]
fn a_prefix_of_two_warehouses_is_nobodys() {
    let mut world = world();
    world.shop.prefixes.insert("g1", "p-a1".to_owned());
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    let own = world.send("GET", &table("p-a1"), &alice);
    world.pass_s(1);
    world.assert_forwarded(own);
    // Bob's question makes it known that it is shared.
    let theirs = world.send("GET", &table("p-g2"), &bob);
    world.pass_s(1);
    world.assert_forwarded(theirs);
    for token in [&alice, &bob] {
        let stream = world.send("GET", &table("p-a1"), token);
        assert_eq!(world.refusal(stream), (403, "prefix_shared"));
    }
}

#[test]
fn a_prefix_is_asked_anew_after_its_life() {
    let mut world = world();
    let alice = world.token_of(0, "alice", 7200);
    let stream = world.send("GET", &table("p-a1"), &alice);
    world.pass_s(1);
    world.assert_forwarded(stream);
    world.shop.prefixes.insert("a1", "p-new".to_owned());
    world.pass_s(3500);
    let before = world.send("GET", &table("p-a1"), &alice);
    world.pass_s(1);
    world.assert_forwarded(before);
    world.pass_s(100);
    let old = world.send("GET", &table("p-a1"), &alice);
    world.pass_s(1);
    assert_eq!(world.refusal(old), (403, "outside_border"));
    let new = world.send("GET", &table("p-new"), &alice);
    world.assert_forwarded(new);
    assert_eq!(world.shop.asked.len(), 2);
}

#[test]
fn a_body_that_waited_longer_than_a_prefix_lives_is_decided_by_the_new_one() {
    let mut world = world();
    let alice = world.token_of(0, "alice", 7200);
    let first = world.send("GET", &table("p-a1"), &alice);
    world.pass_s(1);
    world.assert_forwarded(first);
    world.shop.prefixes.insert("a1", "p-new".to_owned());
    world.pass_s(3590);
    let stream = world.post("/mart/v1/p-a1/namespaces/db/tables", &alice);
    world.pass_s(30);
    assert!(world.awaits_body(stream));
    world.show(stream, TABLE);
    world.pass_s(1);
    assert_eq!(world.refusal(stream), (403, "outside_border"));
}

#[test]
fn the_answer_comes_after_the_asker_has_gone() {
    let mut world = world();
    world.shop.delay = Duration::from_secs(1);
    let (bob, fred) = (world.token("bob"), world.token("fred"));
    let asker = world.send("GET", &table("p-g1"), &bob);
    let other = world.send("GET", &table("p-g1"), &fred);
    world.pass_ms(500);
    world.hang_up(asker);
    world.pass_s(1);
    world.assert_forwarded(other);
    assert_eq!(asked(&world), [("bob", "g1")]);
}

#[test]
fn a_name_that_is_used_again_is_not_blamed_for_the_refusal_of_the_request_before() {
    let mut world = world();
    world.reuse_names();
    world.shop.refuses.insert("bob".to_owned());
    let (bob, fred) = (world.token("bob"), world.token("fred"));
    let warm = world.send("GET", "/mart/v1/config?warehouse=g1", &fred);
    world.pass_s(1);
    world.assert_forwarded(warm);
    world.shop.delay = Duration::from_secs(1);
    let asker = world.send("GET", &table("p-g1"), &bob);
    world.pass_ms(500);
    world.hang_up(asker);
    let same_name = world.send("GET", &table("p-g1"), &fred);
    assert_eq!(asker, same_name);
    world.pass_s(4);
    world.assert_forwarded(same_name);
}

#[test]
fn whoever_waits_for_a_prefix_too_long_is_told_so() {
    let mut world =
        World::with_tenants(&json!({"request_deadline": "1s", "exchange_timeout": "900ms"}));
    world.shop.answer = Answer::Lost;
    let alice = world.token("alice");
    let stream = world.send("GET", &table("p-a1"), &alice);
    world.pass_s(1);
    assert_eq!(world.refusal(stream), (503, "prefix_unavailable"));
    world.pass_s(10);
    assert_eq!(world.broker.census().calls, 0);
}

#[test]
fn where_nothing_can_be_kept_requests_end_all_the_same() {
    // One caller is kept at a time: what the others were minted they hold themselves.
    let mut world = World::with_tenants(&json!({"cached_callers": 1}));
    let (bob, carol) = (world.token("bob"), world.token("carol"));
    let streams = [
        world.send("GET", &table("p-g2"), &bob),
        world.send("GET", &table("p-g2"), &carol),
        world.send("GET", &table("p-a1"), &carol),
    ];
    world.pass_s(3);
    for stream in streams {
        world.assert_forwarded(stream);
    }
}
