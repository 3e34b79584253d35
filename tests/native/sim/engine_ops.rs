//! Random stories of engines at the token endpoint.

use serde_json::json;

use super::engines::{self, Ask};
use super::ops::{Op, limits, tell_in};
use super::tenants::ACME;
use super::world::{CI, Outcome, World, table};

/// A story of engines at the token endpoint, with tenants or without.
pub(super) fn tell_of_engines(ops: &[Op]) {
    let tenants = ops.len().is_multiple_of(3);
    let mut all = match tenants {
        true => engines::engines_with_tenants(&limits()),
        false => engines::engines(&limits()),
    };
    let rule = &mut all["issuers"]["corp"]["gate_tokens"];
    if ops.len() % 4 == 1 {
        rule["remember"] = "0s".into();
    }
    if ops.len() % 5 < 3 {
        rule["session"] = "15m".into();
        rule["life"] = "5m".into();
    }
    let mut world = World::cold_of(&all, |_| {});
    if ops.len() % 2 == 1 {
        world.by_hand();
    } else {
        world.pass_ms(100);
    }
    tell_in(
        &mut world,
        ["alice", "bob", "carol", "dave", "mallory"],
        ops,
    );
    let clock_is_right = world.now.unix.as_secs().abs_diff(world.true_seconds()) <= 10;
    if !clock_is_right {
        return;
    }
    world.corp().desk.ended.clear();
    for id in ["trino", "spark"] {
        let secret = world.secret(id);
        // Tries of a secret that was wrong before may be used up.
        for turn in 0.. {
            let stream = world.get(&Ask::login(id, &secret));
            match world.outcome(stream) {
                Outcome::Issued { .. } => break,
                _ => assert!(turn < 70, "{:?}", world.oauth_refusal(stream)),
            }
            world.pass_s(2);
        }
    }
    let trino = world.program("trino");
    let stream = world.get(&Ask::speak(&trino, "alice"));
    let token = world.issued(stream);
    let path = match tenants {
        true => format!("{ACME}/namespaces/db/tables/t1"),
        false => table("iceberg"),
    };
    let stream = world.send("GET", &path, &token);
    world.pass_s(9);
    world.assert_forwarded(stream);
}

/// What somebody asks the token endpoint for.
pub(super) fn ask(world: &mut World, people: &[String], what: u8, who: u8, how: u8) -> Ask {
    const IDS: [&str; 6] = ["trino", "spark", "presto", "dremio", "flink", "rogue"];
    const NAMES: [&str; 12] = [
        "alice",
        "dave",
        "alice",
        "bob",
        "carol",
        "mallory",
        "root",
        "Root",
        "nobody",
        "id-of-alice",
        "service-account-spark",
        "erin",
    ];
    let pick = |from: &[&'static str], by: u8| from[usize::from(by) % from.len()];
    let id = pick(&IDS, how);
    let secret = match (world.corp().desk.engines.get(id), what % 4) {
        (Some(secret), 0..=2) => secret.clone(),
        _ => "CANARY-wrong".to_owned(),
    };
    // What somebody holds: tokens of people, and those that the gate gave.
    let held: Vec<&String> = people
        .iter()
        .chain(world.held.iter().rev().take(6))
        .collect();
    let token = held[usize::from(who) % held.len()].clone();
    let other = held[usize::from(who / 16) % held.len()].clone();
    let ask = match what / 4 % 10 {
        0 => Ask::login(id, &secret),
        1 => Ask::login_by_basic(id, &secret),
        2 | 3 => {
            let actor = world.program_with(id, 300, &json!({"jti": "trrtcc:steady", "iat": 1}));
            Ask::speak(&actor, pick(&NAMES, who))
        }
        4 => {
            let actor = world.program_with(id, 300, &json!({"jti": "trrtcc:steady", "iat": 1}));
            Ask::act(&actor, &token, engines::ACCESS_TOKEN)
        }
        5 => {
            let word = world.token_of(CI, pick(&NAMES, who), 300);
            let actor =
                world.program_with("dremio", 300, &json!({"jti": "trrtcc:steady", "iat": 1}));
            Ask::act(&actor, &word, engines::JWT)
        }
        6 => Ask::refresh(&token),
        7 | 8 => Ask::refresh_by(id, &secret, &token),
        // Whatever is held, beside whatever else.
        _ => Ask::act(&other, &token, engines::ACCESS_TOKEN),
    };
    let ask = match how / 6 % 4 {
        0 => ask.with("scope", "lake"),
        1 => ask.over(engines::FLINK),
        _ => ask,
    };
    match how / 24 % 4 {
        0 => ask.at("/mart"),
        1 => ask.from("10.0.0.2:7"),
        _ => ask,
    }
}
