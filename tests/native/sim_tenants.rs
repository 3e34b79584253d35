//! Two tenants at one gate: their tokens, their caps, and what the one does to the other.

use icegate::broker::AnswerStep;
use serde_json::{Value, json};

use crate::sim::tenants::{ACME, GLOBEX, TABLE, tenants};
use crate::sim::{CORP, World};

fn world() -> World {
    World::with_tenants(&json!({}))
}

fn changed(change: impl FnOnce(&mut Value)) -> World {
    let mut all = tenants(&json!({}));
    change(&mut all);
    World::of(&all)
}

fn table(base: &str) -> String {
    format!("{base}/namespaces/db/tables/t1")
}

#[test]
fn one_caller_in_two_tenants_has_two_tokens() {
    let mut world = world();
    let carol = world.token("carol");
    let (acme, globex) = (
        world.send("GET", &table(ACME), &carol),
        world.send("GET", &table(GLOBEX), &carol),
    );
    world.pass_s(1);
    world.assert_forwarded(acme);
    world.assert_forwarded(globex);
    let audiences: Vec<_> = world
        .corp()
        .asked
        .iter()
        .map(|one| one.audience.clone())
        .collect();
    assert_eq!(audiences, ["catalog-acme", "catalog-globex"]);
    // Each is cached for its own.
    for (base, first) in [(GLOBEX, globex), (ACME, acme)] {
        let again = world.send("GET", &table(base), &carol);
        world.assert_forwarded(again);
        assert_eq!(world.requests[&again].minted, world.requests[&first].minted);
    }
    assert_eq!(world.corp().asked.len(), 2);
}

#[test]
fn an_exchange_is_its_tenants_even_where_the_same_is_asked_for() {
    // The exchange of acme, under way or cached, is not globex's, though their parameters are the same.
    let mut world = changed(|all| {
        for tenant in ["acme", "globex"] {
            all["tenants"][tenant]["reach"]
                .as_object_mut()
                .expect("an object")
                .remove("mart");
            all["tenants"][tenant]["token"] = json!({"lake": {"audience": "catalog"}});
        }
    });
    let carol = world.token("carol");
    let acme = world.post(&format!("{ACME}/namespaces/db/tables"), &carol);
    world.pass_s(1);
    let globex = world.post(&format!("{GLOBEX}/namespaces/db/tables"), &carol);
    world.pass_s(1);
    assert_eq!(world.corp().asked.len(), 2);
    assert_eq!(world.broker.census().bodies, 2);
    // Let go before the books are looked into: they tell tenants apart by their audiences.
    world.hang_up(acme);
    world.hang_up(globex);
}

#[test]
fn nobody_comes_into_the_others_warehouse() {
    let mut world = world();
    let (alice, bob, erin) = (
        world.token("alice"),
        world.token("bob"),
        world.token("erin"),
    );
    for (token, base, name) in [
        (&alice, GLOBEX, "outside_border"),
        (&bob, ACME, "outside_border"),
        (&alice, "/iceberg/v1/main", "outside_border"),
        (&erin, ACME, "tenant_none"),
    ] {
        for _ in 0..2 {
            let stream = world.send("GET", &table(base), token);
            assert_eq!(world.refusal(stream), (403, name));
        }
    }
    assert_eq!(world.corp().asked.len(), 0);
}

#[test]
fn whoever_is_denied_is_refused_from_the_cache_too() {
    let mut world = world();
    let mallory = world.token("mallory");
    for _ in 0..2 {
        let stream = world.post(&table(ACME), &mallory);
        assert_eq!(world.refusal(stream), (403, "caller_denied"));
    }
    assert_eq!(world.corp().asked.len(), 0);
}

#[test]
fn what_is_only_reported_passes_and_is_told() {
    let mut world = changed(|all| {
        all["grants"] = json!([
            {"tenant": "acme", "who": "all", "may": ["read"]},
        ]);
        all["report_only"] = json!({"grants": true});
    });
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    let commit = world.post_with(&format!("{ACME}/namespaces/db/tables"), &alice, TABLE);
    world.pass_s(1);
    world.assert_forwarded(commit);
    let record = world.requests[&commit].record.as_ref().expect("a record");
    assert_eq!(record.report_only, Some("grant_missing"));
    assert_eq!(world.count("icegate_report_only.refusal.grant_missing"), 1);
    // The border is held all the same.
    let outside = world.send("GET", &table(ACME), &bob);
    assert_eq!(world.refusal(outside), (403, "outside_border"));
}

#[test]
fn a_tenant_that_has_used_up_its_exchanges_waits_and_the_other_does_not() {
    let mut world = changed(|all| {
        all["tenants"]["acme"]["limits"] = json!({"exchanges_per_second": 1});
    });
    let tokens: Vec<String> = (0..11)
        .map(|number| world.token_of(CORP, "alice", 3000 + number))
        .collect();
    let streams: Vec<_> = tokens
        .iter()
        .map(|token| world.send("GET", &table(ACME), token))
        .collect();
    assert_eq!(world.refusal(streams[10]), (503, "tenant_exchanges_full"));
    assert!((1..=3).contains(&world.retry_after(streams[10])));
    let bob = world.token("bob");
    let other = world.send("GET", &table(GLOBEX), &bob);
    world.pass_ms(40);
    for stream in streams.iter().take(10).chain([&other]) {
        world.assert_forwarded(*stream);
    }
    // What is cached costs none, and what joins a flight costs none.
    let cached = world.send("GET", &table(ACME), &tokens[0]);
    world.assert_forwarded(cached);
    assert_eq!(world.broker.census().buckets, 1);
    world.pass_s(1);
    let both = [0, 1].map(|_| world.send("GET", &table(ACME), &tokens[10]));
    let dave = world.token("dave");
    let next = world.post(&table(ACME), &dave);
    assert_eq!(world.refusal(next), (429, "tenant_exchanges_full"));
    world.pass_ms(40);
    for stream in both {
        world.assert_forwarded(stream);
    }
    world.pass_s(60);
    assert_eq!(world.broker.census().buckets, 0);
}

#[test]
fn exchanges_that_find_no_place_in_the_row_are_not_charged_to_the_tenant() {
    let mut all = tenants(&json!({"exchanges_in_flight": 1, "waiters": 5}));
    all["tenants"]["acme"]["limits"] = json!({"exchanges_per_second": 1});
    let mut world = World::of(&all);
    world.by_hand();
    let queued = [1000, 1001, 1002, 1003].map(|life| {
        let bob = world.token_of(CORP, "bob", life);
        world.send("GET", &table(GLOBEX), &bob)
    });
    assert_eq!(world.broker.census().queued, 3);
    let alice = world.token("alice");
    for _ in 0..20 {
        let stream = world.send("GET", &table(ACME), &alice);
        assert_eq!(world.refusal(stream), (503, "exchanges_full"));
    }
    assert_eq!(world.broker.census().buckets, 0);
    for stream in queued {
        world.hang_up(stream);
    }
    world.by_script();
    let stream = world.send("GET", &table(ACME), &alice);
    world.pass_s(1);
    world.assert_forwarded(stream);
}

#[test]
fn an_exchange_in_the_row_takes_off_for_its_own_tenant() {
    let mut world = World::of(&tenants(&json!({"exchanges_in_flight": 1})));
    let carol = world.token("carol");
    let (acme, globex) = (
        world.send("GET", &table(ACME), &carol),
        world.post_with(&format!("{GLOBEX}/namespaces/db/tables"), &carol, TABLE),
    );
    assert_eq!(world.broker.census().queued, 1);
    world.pass_ms(40);
    world.assert_forwarded(acme);
    world.assert_forwarded(globex);
}

#[test]
fn a_tenant_over_its_part_of_the_cache_loses_its_own_tokens() {
    let mut world = changed(|all| {
        all["tenants"]["acme"]["limits"] = json!({"cached_callers": 1});
    });
    let (alice, dave, bob) = (
        world.token("alice"),
        world.token("dave"),
        world.token("bob"),
    );
    for (token, base) in [(&bob, GLOBEX), (&alice, ACME), (&dave, ACME)] {
        let stream = world.send("GET", &table(base), token);
        world.pass_s(1);
        world.assert_forwarded(stream);
    }
    assert_eq!(world.count("icegate_cache.event.eviction"), 1);
    for (token, base) in [(&bob, GLOBEX), (&dave, ACME)] {
        let stream = world.send("GET", &table(base), token);
        world.assert_forwarded(stream);
    }
    let evicted = world.send("GET", &table(ACME), &alice);
    assert!(world.is_waiting(evicted));
    world.pass_s(1);
    world.assert_forwarded(evicted);
    assert_eq!(world.corp().asked.len(), 4);
}

#[test]
fn nessies_answer_leads_to_the_tenants_own_prefix() {
    let mut world = world();
    let alice = world.token("alice");
    let stream = world.send("GET", "/iceberg/v1/config?warehouse=acme", &alice);
    world.pass_s(1);
    world.assert_forwarded(stream);
    let answer = br#"{"defaults":{},"overrides":{"prefix":"main%7Cacme"}}"#;
    let AnswerStep::Replace(body) = world.catalog_answers(stream, 200, answer) else {
        panic!("the default branch is not acme's");
    };
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(body["overrides"]["prefix"], "acme%7Cacme");
    let theirs = world.send("GET", "/iceberg/v1/config?warehouse=globex", &alice);
    assert_eq!(world.refusal(theirs), (403, "outside_border"));
}

#[test]
fn nobody_is_sent_past_the_gate() {
    let mut world = world();
    let alice = world.token("alice");
    for (method, path, status) in [("GET", table(ACME), 503), ("DELETE", table(ACME), 429)] {
        let stream = world.send(method, &path, &alice);
        world.pass_s(1);
        for redirect in [300, 301, 307, 308, 399] {
            match world.catalog_answers(stream, redirect, b"") {
                AnswerStep::Refuse(reply) => assert_eq!(reply.status, status, "{method}"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(world.catalog_answers(stream, 304, b""), AnswerStep::Pass);
    }
}

#[test]
fn an_answer_that_nobody_can_read_is_not_handed_on() {
    let mut world = world();
    let alice = world.token("alice");
    let read = world.send("GET", &table(ACME), &alice);
    let made = world.post_with(&format!("{ACME}/namespaces/db/tables"), &alice, TABLE);
    world.pass_s(1);
    match world.catalog_answers(read, 200, b"<html>") {
        AnswerStep::Refuse(reply) => assert_eq!(reply.status, 503),
        other => panic!("{other:?}"),
    }
    match world.catalog_answers(made, 200, b"<html>") {
        // The table was made.
        AnswerStep::Replace(body) => assert!(!body.is_empty()),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.withheld, 2);
    assert_eq!(
        world.catalog_answers(read, 404, b"<html>"),
        AnswerStep::Pass
    );
}

#[test]
fn a_long_transaction_is_recorded_in_short() {
    let mut world = world();
    let alice = world.token("alice");
    let change = |number: usize| json!({"identifier": {"namespace": ["db"], "name": format!("t{number}")}, "requirements": [], "updates": []});
    let changes: Vec<Value> = (0..600).map(change).collect();
    let body = json!({"table-changes": changes}).to_string();
    let stream = world.post_with(
        &format!("{ACME}/transactions/commit"),
        &alice,
        body.as_bytes(),
    );
    world.pass_s(1);
    world.assert_forwarded(stream);
    let places = &world.requests[&stream]
        .record
        .as_ref()
        .expect("a record")
        .places;
    assert_eq!(places.len(), 17);
    assert_eq!(places[0], "commitTransaction .db.t0");
    assert_eq!(places[16], "and 1184 more");
}
