//! Requests whose places stand in their bodies: in whatever order body, keys, token and prefix come.

use std::time::Duration;

use icegate::broker::ArrivedBody;
use icegate::limits;
use serde_json::json;

use crate::sim::tenants::{ACME, GLOBEX, SECRET, TABLE, tenants};
use crate::sim::{Answer, World, table};

fn tables(base: &str) -> String {
    format!("{base}/namespaces/db/tables")
}

fn world() -> World {
    World::with_tenants(&json!({}))
}

/// A world in which a person's token for the lake is in the cache.
fn known(person: &str, base: &str) -> (World, String) {
    let mut world = world();
    let token = world.token(person);
    let first = world.send("GET", &format!("{base}/namespaces"), &token);
    world.pass_s(1);
    world.assert_forwarded(first);
    (world, token)
}

#[test]
fn the_body_comes_before_the_token() {
    let mut world = world();
    let alice = world.token("alice");
    let stream = world.post_with(&tables(ACME), &alice, TABLE);
    assert!(world.is_waiting(stream));
    world.pass_ms(20);
    world.assert_forwarded(stream);
    let record = world.requests[&stream].record.as_ref();
    assert_eq!(record.expect("a record").places, ["createTable .db.t9"]);
}

#[test]
fn the_token_comes_before_the_body() {
    let mut world = world();
    let alice = world.token("alice");
    let stream = world.post(&tables(ACME), &alice);
    world.pass_s(30);
    assert!(world.is_waiting(stream));
    assert_eq!(world.broker.census().bodies, 1);
    world.show(stream, TABLE);
    world.assert_forwarded(stream);
    assert_eq!(world.corp().asked.len(), 1);
    assert_eq!(world.broker.census().body_bytes, 0);
}

#[test]
fn the_body_comes_while_the_keys_are_missing() {
    let mut world = World::cold_of(&tenants(&json!({})), |idps| {
        idps[0].delay = Duration::from_secs(2);
    });
    let alice = world.token("alice");
    let stream = world.post(&tables(ACME), &alice);
    world.pass_s(1);
    world.show(stream, TABLE);
    world.pass_s(8);
    world.assert_forwarded(stream);
}

#[test]
fn an_empty_body_and_a_get_wait_for_nothing() {
    let (mut world, alice) = known("alice", ACME);
    let read = world.send("GET", &tables(ACME), &alice);
    world.assert_forwarded(read);
    let empty = world.post_with(&tables(ACME), &alice, b"");
    assert_eq!(world.refusal(empty), (400, "body_unreadable"));
}

#[test]
fn of_a_body_it_is_counted_whether_its_token_was_at_hand() {
    let (mut world, alice) = known("alice", ACME);
    let cached = world.post_with(&tables(ACME), &alice, TABLE);
    world.assert_forwarded(cached);
    let bob = world.token("bob");
    let exchanged = world.post_with(&tables(GLOBEX), &bob, TABLE);
    world.pass_s(1);
    world.assert_forwarded(exchanged);
    // Alice's first, and bob's.
    assert_eq!(world.count("icegate_cache.event.miss"), 2);
    assert_eq!(world.count("icegate_cache.event.hit"), 1);
    let record = |stream| world.requests[&stream].record.as_ref().expect("a record");
    assert_eq!(record(cached).cached, Some(true));
    assert_eq!(record(exchanged).cached, Some(false));
}

#[test]
fn a_body_that_is_too_large_ends_its_request_and_not_the_flight() {
    let mut world = world();
    let alice = world.token("alice");
    let large = world.post(&tables(ACME), &alice);
    let other = world.post_with(&tables(ACME), &alice, TABLE);
    world.show_as(large, ArrivedBody::TooLarge);
    assert_eq!(world.refusal(large), (400, "body_too_large"));
    world.pass_ms(20);
    world.assert_forwarded(other);
    assert_eq!(world.corp().asked.len(), 1);
}

#[test]
fn what_announces_to_be_too_large_is_not_waited_for() {
    let mut world = world();
    let alice = world.token("alice");
    let path = tables(ACME);
    let bearer = format!("Bearer {alice}");
    let headers = |length: &'static [u8]| -> [(&[u8], &[u8]); 4] {
        [
            (b":method", b"POST"),
            (b":path", path.as_bytes()),
            (b"authorization", bearer.as_bytes()),
            (b"content-length", length),
        ]
    };
    let large = world.send_headers(&headers(b"4194305"), &alice);
    assert_eq!(world.refusal(large), (400, "body_too_large"));
    let stream = world.send_headers(&headers(b"4194304"), &alice);
    assert_eq!(world.broker.awaits_body(stream), Some(4_194_304));
    let small = world.send_headers(&headers(b"52"), &alice);
    assert_eq!(world.broker.awaits_body(small), Some(52));
    assert_eq!(world.broker.census().body_bytes, 4_194_356);
}

#[test]
fn trailers_are_refused() {
    let mut world = world();
    let alice = world.token("alice");
    let stream = world.post(&tables(ACME), &alice);
    world.show_as(stream, ArrivedBody::WithTrailers);
    assert_eq!(world.refusal(stream), (400, "body_unreadable"));
}

#[test]
fn a_refusal_by_the_path_does_not_wait_for_the_body() {
    let (mut world, alice) = known("alice", ACME);
    let stream = world.post(&tables(GLOBEX), &alice);
    assert_eq!(world.refusal(stream), (403, "outside_border"));
    world.show(stream, TABLE);
    let stranger = world.token("erin");
    let stream = world.post(&tables(ACME), &stranger);
    assert_eq!(world.refusal(stream), (403, "tenant_none"));
    // The path alone is denied.
    let commit = world.post(&format!("{}/secret", tables(ACME)), &alice);
    assert_eq!(world.refusal(commit), (403, "grant_denied"));
}

#[test]
fn a_refusal_by_the_body_comes_after_the_exchange_or_before() {
    for body_first in [true, false] {
        let mut world = world();
        let alice = world.token("alice");
        let stream = world.post(&tables(ACME), &alice);
        if body_first {
            world.show(stream, SECRET);
        }
        world.pass_ms(20);
        world.show(stream, SECRET);
        assert_eq!(world.refusal(stream), (403, "grant_denied"));
        let record = world.requests[&stream].record.as_ref().expect("a record");
        assert_eq!(record.places, ["createTable .db.secret"]);
        assert_eq!(record.tenant.as_deref(), Some("acme"));
    }
}

#[test]
fn a_location_of_the_other_tenants() {
    let (mut world, alice) = known("alice", ACME);
    let theirs =
        br#"{"name":"t9","location":"s3://globex/t9","schema":{"type":"struct","fields":[]}}"#;
    let stream = world.post_with(&tables(ACME), &alice, theirs);
    assert_eq!(world.refusal(stream), (403, "location_outside"));
}

#[test]
fn the_client_hangs_up_in_every_wait() {
    // For keys.
    let mut world = World::cold_of(&tenants(&json!({})), |_| {});
    let alice = world.token("alice");
    let stream = world.post(&tables(ACME), &alice);
    world.hang_up(stream);
    assert_eq!(world.broker.census().body_bytes, 0);
    world.pass_s(1);
    // For the exchange, with and without its body.
    let (bare, shown) = (
        world.post(&tables(ACME), &alice),
        world.post(&tables(ACME), &alice),
    );
    world.show(shown, TABLE);
    world.hang_up(bare);
    world.hang_up(shown);
    assert_eq!(world.broker.census().body_bytes, 0);
    world.pass_s(1);
    // For the body.
    let stream = world.post(&tables(ACME), &alice);
    assert_eq!(world.broker.census().bodies, 1);
    world.hang_up(stream);
    world.show(stream, TABLE);
    // For a prefix.
    let stream = world.post(&tables("/mart/v1/p-a1"), &alice);
    world.shop.delay = Duration::from_secs(1);
    world.pass_ms(500);
    world.hang_up(stream);
    world.pass_s(3);
    let census = world.broker.census();
    assert_eq!((census.parked, census.bodies, census.body_bytes), (0, 0, 0));
    assert_eq!((census.flights, census.calls), (0, 0));
}

#[test]
fn a_body_that_never_comes() {
    let (mut world, alice) = known("alice", ACME);
    let stream = world.post(&tables(ACME), &alice);
    world.pass(limits::BODY_DEADLINE - Duration::from_millis(1));
    assert!(world.is_waiting(stream));
    world.pass_ms(1);
    assert_eq!(world.refusal(stream), (429, "body_late"));
    world.show(stream, TABLE);
}

#[test]
fn a_body_that_comes_before_anything_else_ends_with_the_identity_providers_time() {
    let mut world = world();
    world.corp().all(&Answer::Hangs);
    let alice = world.token("alice");
    let stream = world.post(&tables(ACME), &alice);
    world.pass_s(5);
    // The exchange has ended; nobody has to wait for the body to tell.
    assert_eq!(world.refusal(stream), (429, "idp_timeout"));
}

#[test]
fn the_token_ends_while_the_body_is_awaited() {
    let mut world = world();
    let hasty = world.token_of(0, "alice", 20);
    let stream = world.post(&tables(ACME), &hasty);
    // Within the leeway the token is still accepted, and nothing can be exchanged any more.
    world.pass_s(25);
    assert!(world.is_waiting(stream));
    world.show(stream, TABLE);
    assert_eq!(world.refusal(stream), (401, "token_expired"));
    let hasty = world.token_of(0, "alice", 20);
    let stream = world.post(&tables(ACME), &hasty);
    world.pass_s(55);
    world.show(stream, TABLE);
    assert_eq!(world.refusal(stream), (401, "token_expired"));
}

#[test]
fn the_minted_token_ends_while_the_body_is_awaited() {
    let mut world = world();
    let short = crate::sim::Mint {
        life: Some(30),
        ..Default::default()
    };
    world.corp().next(Answer::Mint(short));
    let alice = world.token("alice");
    let stream = world.post(&tables(ACME), &alice);
    world.pass_s(59);
    // A second before its time is up it gets the identity provider's time anew.
    world.corp().delay = Duration::from_secs(3);
    world.show(stream, TABLE);
    world.pass_s(3);
    world.assert_forwarded(stream);
    assert_eq!(world.corp().asked.len(), 2);
}

#[test]
fn the_minted_tokens_key_leaves_while_the_body_is_awaited() {
    // Nothing is kept but what the request holds itself.
    let mut world = World::with_tenants(&json!({"key_refresh": "20s"}));
    let alice = world.token("alice");
    world.corp().rotate(true);
    world.corp().next(Answer::Good);
    let stream = world.post(&tables(ACME), &alice);
    world.pass_s(30);
    assert!(world.is_waiting(stream));
    // The key that minted is withdrawn, the one of alice's own token is not.
    world.corp().keys.pop();
    world.corp().signer = std::rc::Rc::clone(&world.corp().keys[0]);
    world.pass_s(21);
    world.show(stream, TABLE);
    assert!(world.is_waiting(stream), "it is exchanged anew");
    world.pass_ms(20);
    world.assert_forwarded(stream);
    assert_eq!(world.corp().asked.len(), 2);
}

#[test]
fn the_callers_key_leaves_while_the_body_is_awaited() {
    let mut world = World::with_tenants(&json!({"key_refresh": "20s"}));
    let alice = world.token("alice");
    let stream = world.post(&tables(ACME), &alice);
    world.pass_s(1);
    world.corp().rotate(false);
    world.pass_s(21);
    world.show(stream, TABLE);
    world.pass_s(9);
    assert_eq!(world.refusal(stream), (401, "key_unknown"));
}

#[test]
fn where_no_rule_depends_on_it_the_body_streams() {
    let mut all = tenants(&json!({}));
    all["access"] = "catalog_decides".into();
    all.as_object_mut().expect("an object").remove("grants");
    for tenant in ["acme", "globex"] {
        all["tenants"][tenant]["locations"] = "catalog_decides".into();
        all["tenants"][tenant]["reach"] = json!({"lake": [format!("{tenant}|{tenant}")]});
        all["tenants"][tenant]["token"]
            .as_object_mut()
            .expect("an object")
            .remove("mart");
    }
    all["tenants"]["robots"]["locations"] = "catalog_decides".into();
    let mut world = World::of(&all);
    let robot = world.token_of(1, "robot", 300);
    let stream = world.send("DELETE", "/bots/v1/namespaces/db/tables/t1", &robot);
    assert!(!world.awaits_body(stream));
    let create = format!("{}/namespaces/db/tables", "/bots/v1");
    let stream = world.post(&create, &robot);
    assert!(!world.awaits_body(stream));
    // At Nessie a name can be an expression.
    let alice = world.token("alice");
    let lake = world.post(&tables(ACME), &alice);
    assert!(world.awaits_body(lake));
    let elsewhere = br#"{"name":"t@globex","schema":{"type":"struct","fields":[]}}"#;
    world.show(lake, elsewhere);
    world.hang_up(stream);
    world.pass_s(1);
    assert_eq!(world.refusal(lake), (403, "name_expression"));
}

#[test]
fn without_tenants_no_body_is_read() {
    let mut world = World::new();
    let alice = world.token("alice");
    let stream = world.send("POST", &table("iceberg"), &alice);
    assert!(!world.awaits_body(stream));
    world.show(stream, b"{");
    world.pass_s(1);
    world.assert_forwarded(stream);
}

#[test]
fn bodies_take_a_part_of_the_memory_and_no_tenant_all_of_it() {
    // 64 MiB each: two are half of what there is.
    let mut world = World::with_tenants(&json!({"request_body": 67_108_864}));
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    let first = world.post(&tables(ACME), &alice);
    world.pass_s(1);
    let second = world.post(&tables(ACME), &alice);
    let third = world.post(&tables(ACME), &alice);
    assert_eq!(world.refusal(third), (429, "bodies_full"));
    let theirs = world.post(&tables(GLOBEX), &bob);
    world.pass_s(1);
    assert!(world.is_waiting(second) && world.is_waiting(theirs));
    assert_eq!(world.broker.census().bodies, 3);
    // What comes frees its place.
    world.show(first, TABLE);
    world.assert_forwarded(first);
    let next = world.post_with(&tables(ACME), &alice, TABLE);
    world.assert_forwarded(next);
}

#[test]
fn all_bodies_together_stay_within_their_part() {
    let mut world = World::with_tenants(&json!({"request_body": 67_108_864}));
    let alice = world.token("alice");
    world.by_hand();
    let waiting: Vec<_> = (0..4).map(|_| world.post(&tables(ACME), &alice)).collect();
    assert!(waiting.iter().all(|stream| world.is_waiting(*stream)));
    let fifth = world.post(&tables(ACME), &alice);
    assert_eq!(world.refusal(fifth), (429, "bodies_full"));
    // A read needs no room.
    let read = world.send("GET", &tables(ACME), &alice);
    assert!(world.is_waiting(read));
    world.hang_up(waiting[0]);
    let sixth = world.post(&tables(ACME), &alice);
    assert!(world.is_waiting(sixth));
}

#[test]
fn strangers_get_a_quarter() {
    let mut world = World::with_tenants(&json!({"request_body": 67_108_864}));
    let alice = world.token("alice");
    let (one, other) = (world.unknown_kid("a"), world.unknown_kid("b"));
    let first = world.post(&tables(ACME), &one);
    let second = world.post(&tables(ACME), &other);
    assert!(world.is_waiting(first));
    assert_eq!(world.refusal(second), (429, "bodies_full"));
    let known = world.post_with(&tables(ACME), &alice, TABLE);
    world.pass_s(1);
    world.assert_forwarded(known);
}

#[test]
fn slow_bodies_leave_half_of_the_places_to_those_who_wait_for_keys_and_tokens() {
    let mut world = World::with_tenants(&json!({"waiters": 8}));
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    for (token, path) in [(&alice, tables(ACME)), (&bob, tables(GLOBEX))] {
        let first = world.send("GET", &path, token);
        world.pass_s(1);
        world.assert_forwarded(first);
    }
    for _ in 0..2 {
        let stream = world.post(&tables(ACME), &alice);
        assert!(world.is_waiting(stream));
    }
    // Half of the places for bodies, of which there are several tenants.
    let third = world.post(&tables(ACME), &alice);
    assert_eq!(world.refusal(third), (429, "bodies_full"));
    let theirs = world.post(&tables(GLOBEX), &bob);
    assert!(world.is_waiting(theirs));
    let newcomer = world.token("dave");
    let read = world.send("GET", &tables(ACME), &newcomer);
    world.pass_s(1);
    world.assert_forwarded(read);
}
