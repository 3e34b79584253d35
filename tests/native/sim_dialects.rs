//! Stories of identity providers that speak otherwise: where tokens are exchanged at another issuer, and where a caller
//! must prove more.

use icegate::identity::Proof;
use serde_json::{Value, json};

use crate::sim::desk::GrantOf;
use crate::sim::engines::{ACCESS_TOKEN, Ask, engines};
use crate::sim::{Answer, CI, Key, Mint, World, table};

/// The two identity providers and their catalogs, with changes.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut configuration = crate::sim::config(&json!({}));
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let parent = configuration.pointer_mut(parent).expect("it is there");
        let members = parent.as_object_mut().expect("an object");
        members.insert(key.to_owned(), value.clone());
    }
    configuration
}

fn world(changes: &[(&str, Value)]) -> World {
    let mut world = World::cold_of(&with(changes), |_| {});
    world.pass_s(1);
    world
}

/// Callers of corp, whose tokens are exchanged at ci: it must give them the keys, the path and the pauses.
#[test]
fn tokens_are_exchanged_at_another_issuer() {
    let mut world = world(&[
        ("/catalogs/mart/token/at", json!("ci")),
        ("/limits/key_refresh", json!("60s")),
    ]);
    let alice = world.token("alice");
    let read = world.send("GET", &table("mart"), &alice);
    world.pass_s(1);
    world.assert_forwarded(read);
    assert_eq!((world.corp().asked.len(), world.ci().asked.len()), (0, 1));

    // A refresh of the callers' keys drops nothing that the other issuer made.
    let fetched = world.corp().key_calls;
    world.corp().rotate(true);
    world.pass_s(61);
    assert!(world.corp().key_calls > fetched);
    let read = world.send("GET", &table("mart"), &alice);
    world.pass_s(1);
    world.assert_forwarded(read);
    assert_eq!(world.ci().asked.len(), 1);

    // Its own keys do: what they signed is not good any more.
    let bob = world.token("bob");
    let first = world.send("GET", &table("mart"), &bob);
    world.pass_s(1);
    world.assert_forwarded(first);
    let before = world.ci().asked.len();
    world.ci().rotate(false);
    world.pass_s(61);
    let again = world.send("GET", &table("mart"), &bob);
    world.pass_s(1);
    world.assert_forwarded(again);
    assert_eq!(world.ci().asked.len(), before + 1);

    // Its outage stops its exchanges alone.
    world.ci().all(&Answer::refused_connection());
    let carol = world.token("carol");
    let (mart, lake) = (
        world.send("GET", &table("mart"), &carol),
        world.send("GET", &table("iceberg"), &carol),
    );
    world.pass_s(1);
    assert_eq!(world.refusal(mart), (503, "idp_unreachable"));
    world.assert_forwarded(lake);
}

#[test]
fn a_caller_of_the_other_issuer_is_none_of_the_catalogs() {
    let mut world = world(&[("/catalogs/mart/token/at", json!("ci"))]);
    let bot = world.token_of(CI, "bot", 3600);
    let read = world.send("GET", &table("mart"), &bot);
    world.pass_s(1);
    assert_eq!(world.refusal(read), (403, "issuer_not_served"));
    assert_eq!(world.ci().asked.len(), 0);
}

#[test]
fn who_must_prove_more_signs_in_again_and_pauses_nobody() {
    let mut world = world(&[("/issuers/ci/profile", json!("auth0"))]);
    let mfa = r#"{"error":"mfa_required","error_description":"Multifactor authentication required","mfa_token":"CANARY-mfa"}"#;
    world.ci().next(Answer::says(403, mfa));
    let bot = world.token_of(CI, "bot", 3600);
    let read = world.send("GET", &table("bots"), &bot);
    world.pass_s(1);
    assert_eq!(world.refusal(read), (401, "subject_refused"));
    let body = String::from_utf8(world.reply(read).body.clone()).expect("text");
    assert!(
        body.contains("sign in again and to prove more") && !body.contains("CANARY"),
        "{body}"
    );
    let other = world.token_of(CI, "other", 3600);
    let read = world.send("GET", &table("bots"), &other);
    world.pass_s(1);
    world.assert_forwarded(read);
}

/// What the other issuer answers must be its own: the callers' cannot stand in.
#[test]
fn the_minted_token_is_the_other_issuers() {
    let mut world = world(&[("/catalogs/mart/token/at", json!("ci"))]);
    let forged = Mint {
        signer: Some(Key("corp-0")),
        ..Mint::default()
    };
    world.ci().next(Answer::Mint(forged));
    let alice = world.token("alice");
    let read = world.send("GET", &table("mart"), &alice);
    world.pass_s(10);
    assert_eq!(world.refusal(read).0, 503);
    assert_eq!(world.forwarded, 0);
}

/// Gate tokens of a server of RFC 8693, which is told who acts.
fn world_of_delegation() -> World {
    let mut all = engines(&json!({}));
    let corp = &mut all["issuers"]["corp"];
    corp["profile"] = json!("rfc8693");
    corp["name_claim"] = json!("preferred_username");
    corp["gate_tokens"]["delegation"] = json!(true);
    let services = all["services"].as_object_mut().expect("an object");
    // It speaks by impersonation, which is Keycloak's own.
    services.remove("presto");
    World::of(&all)
}

#[test]
fn the_identity_provider_is_told_which_engine_acts() {
    let mut world = world_of_delegation();
    let (spark, trino) = (world.program("spark"), world.program("trino"));
    let bob = world.signed_in("bob", 300);
    let acts = |actor: &str| Ask::act(actor, &bob, ACCESS_TOKEN);
    for actor in [&spark, &trino, &spark] {
        let stream = world.get(&acts(actor));
        let token = world.issued(stream);
        let claims = crate::sim::engines::claims_of(&token).expect("claims");
        let engine = if actor == &spark {
            "sa-spark"
        } else {
            "sa-trino"
        };
        assert_eq!(claims["act"], json!({"sub": engine}));
        // The person proved itself, whoever acts.
        let record = world.requests[&stream].record.as_ref().expect("a record");
        let caller = record.caller.as_ref().expect("a caller");
        assert_eq!((&*caller.name, caller.proof), ("bob", Proof::OwnToken));
        let read = world.send("GET", &table("iceberg"), &token);
        world.pass_ms(100);
        world.assert_forwarded(read);
    }
    // An answer to one is none to the other, and the same question is asked once.
    let told: Vec<Option<String>> = exchanged(&mut world);
    assert_eq!(told, [Some(spark.clone()), Some(trino)]);

    // Nobody acts for who shows itself, alone or twice.
    let renewed = world.get(&Ask::refresh(&bob));
    world.issued(renewed);
    let itself = world.get(&Ask::act(&spark, &spark, ACCESS_TOKEN));
    world.issued(itself);
    assert_eq!(exchanged(&mut world)[2..], [None, None]);
}

/// Who was said to act, in each exchange.
fn exchanged(world: &mut World) -> Vec<Option<String>> {
    let asked = world.corp().desk.asked.iter();
    let actors = asked.filter_map(|grant| match &grant.of {
        GrantOf::Own { actor, .. } => Some(actor.clone()),
        _ => None,
    });
    actors.collect()
}

/// Who acted says nothing of whose word it was, whether or not the gate told the identity provider.
#[test]
fn a_token_that_names_an_actor_is_still_its_persons_own() {
    for mut world in [world_of_delegation(), World::with_engines()] {
        let token = world.token_with("bob", 300, &json!({"sid": "s", "act": {"sub": "somebody"}}));
        let read = world.send("GET", &table("iceberg"), &token);
        world.pass_ms(100);
        let record = world.requests[&read].record.as_ref().expect("a record");
        let caller = record.caller.as_ref().expect("a caller");
        assert_eq!(caller.proof, Proof::OwnToken);
    }
}
