//! A thousand tenants with twenty grants each: what a decision looks at, and what loading them costs. In a crate of its own,
//! because everything that is allocated here is counted.
//!
//! `cargo test --release --test scale -- --nocapture` shows the figures.

#![cfg(test)]
#![allow(unsafe_code, reason = "an allocator that counts is one that allocates")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "in a test a panic is the answer"
)]
#![allow(dead_code, reason = "of what the tests share, this one uses a part")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use icegate::config::{Config, load};
use icegate::identity::Caller;
use icegate::policy::{Decision, rules};
use serde_json::{Value, json};

use crate::desk::{Book, Desk, Request, person};
use crate::lake::{lake, with};
use crate::support::environment;

#[path = "native/support/desk.rs"]
mod desk;
#[path = "native/support/idp.rs"]
mod idp;
#[path = "native/support/lake.rs"]
mod lake;
#[path = "native/support.rs"]
mod support;
#[path = "native/support/tokens.rs"]
mod tokens;

thread_local! {
    static COUNTED: Cell<Counted> = const { Cell::new(Counted { blocks: 0, bytes: 0, most: 0 }) };
}

/// Of one thread, since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    /// Blocks that were asked for.
    blocks: usize,
    /// Bytes that are in use, and were at most.
    bytes: isize,
    most: isize,
}

struct Counting;

impl Counting {
    fn note(blocks: usize, bytes: isize) {
        // A thread that ends has nothing left to count with.
        let _ = COUNTED.try_with(|counted| {
            let before = counted.get();
            let bytes = before.bytes.saturating_add(bytes);
            counted.set(Counted {
                blocks: before.blocks.saturating_add(blocks),
                bytes,
                most: before.most.max(bytes),
            });
        });
    }
}

fn signed(size: usize) -> isize {
    isize::try_from(size).unwrap_or(isize::MAX)
}

// SAFETY: every call is the system allocator's own, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::note(1, signed(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        Self::note(0, signed(layout.size()).saturating_neg());
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::note(1, signed(size).saturating_sub(signed(layout.size())));
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a piece of work allocates: blocks, bytes that stay, bytes at most.
fn counted<T>(work: impl FnOnce() -> T) -> (T, Counted) {
    let before = COUNTED.with(|counted| {
        let start = Counted {
            most: counted.get().bytes,
            ..counted.get()
        };
        counted.set(start);
        start
    });
    let result = work();
    let after = COUNTED.with(Cell::get);
    let counted = Counted {
        blocks: after.blocks.saturating_sub(before.blocks),
        bytes: after.bytes.saturating_sub(before.bytes),
        most: after.most.saturating_sub(before.bytes),
    };
    (result, counted)
}

const GRANTS: usize = 20;

/// The lake, with acme as it is and so many tenants besides, each with two warehouses of Polaris, a branch of Nessie, and
/// twenty grants of two places each.
fn configuration(tenants: usize) -> Value {
    let mut configuration = with(lake(), &[("/grants", json!([]))]);
    for number in 0..tenants {
        let name = format!("t{number:04}");
        configuration["tenants"][&name] = json!({
            "who": {"issuer": "corp", "claim": "groups", "has": format!("/t/{name}")},
            "reach": {"polaris": [format!("{name}_raw"), format!("{name}_mart")], "nessie": [format!("{name}|{name}")]},
            "locations": [format!("s3://lake-{name}/")],
        });
    }
    let names = (0..tenants).map(|number| (format!("t{number:04}"), format!("t{number:04}_mart")));
    let all = names.chain([("acme".to_owned(), "acme_mart".to_owned())]);
    let grants = all.flat_map(|(name, mart)| {
        (0..GRANTS).map(move |number| {
            json!({
                "tenant": name,
                "who": {"issuer": "corp", "claim": "groups", "has": format!("/lake/{name}/role{number:02}")},
                "may": ["read", "write", "commit"], "deny": ["credentials"],
                "at": {"polaris": {&mart: [[format!("ns{number:02}"), "**"], ["shared"]]}},
            })
        })
    });
    configuration["grants"] = grants.collect();
    configuration["denied"] = (0..tenants.max(1))
        .map(|number| json!({"issuer": "corp", "sub": format!("gone-{number}")}))
        .collect();
    configuration
}

fn loaded(bytes: &[u8]) -> Config {
    load(bytes, &environment).unwrap_or_else(|faults| panic!("{faults}"))
}

fn desk(tenants: usize) -> Desk {
    Desk {
        config: loaded(configuration(tenants).to_string().as_bytes()),
        book: Book::default(),
        peer: None,
    }
}

/// Alice of acme, in two of the roles of acme's and in many groups that nobody asks for.
fn alice(desk: &Desk) -> Caller {
    let others: Vec<String> = (0..50).map(|number| format!("/other/{number}")).collect();
    let mut groups = vec!["/t/acme", "/lake/acme/role03", "/lake/acme/role07"];
    groups.extend(others.iter().map(String::as_str));
    person(&desk.config, "alice", &groups)
}

const PATHS: [(&str, &str, &str); 8] = [
    (
        "GET",
        "/api/catalog/v1/acme_mart/namespaces/ns03/tables/t",
        "yes",
    ),
    (
        "GET",
        "/api/catalog/v1/acme_mart/namespaces/shared/views/v",
        "yes",
    ),
    (
        "DELETE",
        "/api/catalog/v1/acme_mart/namespaces/ns07%1Fx/tables/t",
        "yes",
    ),
    (
        "GET",
        "/api/catalog/v1/acme_mart/namespaces/ns04/tables/t",
        "grant_missing",
    ),
    (
        "GET",
        "/api/catalog/v1/acme_mart/namespaces/ns03/tables/t/credentials",
        "grant_denied",
    ),
    (
        "GET",
        "/api/catalog/v1/acme_raw/namespaces",
        "grant_missing",
    ),
    (
        "GET",
        "/api/catalog/v1/t0000_mart/namespaces",
        "outside_border",
    ),
    ("GET", "/api/catalog/v1/config", "warehouse_missing"),
];

#[test]
fn a_decision_looks_at_the_caller_s_own_rules_alone() {
    let steps = |tenants: usize| {
        let desk = desk(tenants);
        let alice = alice(&desk);
        let tenancy = desk.config.tenancy.as_ref().expect("tenants");
        assert_eq!(tenancy.tenants.len(), tenants + 2);
        assert_eq!(tenancy.rules.len(), (tenants + 1) * GRANTS * 2);
        let mart = tenancy.borders[2].prefixes["acme_mart"];
        // Two roles of two places each, of 40 rules of her tenant's and 40,000 of the others'.
        assert_eq!(rules(&desk.config, &alice, mart).count(), 4);
        assert_eq!(alice.whos().len(), 3);
        PATHS.map(|(method, path, expected)| {
            let request = Request {
                method,
                path,
                body: None,
                delegation: None,
            };
            let (decision, counted) = counted(|| desk.ask(&alice, &request));
            let said = match &decision {
                Ok(Decision::Yes(_)) => "yes",
                Ok(_) => panic!("{path}"),
                Err(denial) => denial.refusal.reason.name(),
            };
            assert_eq!(said, expected, "{path}");
            (path, counted.blocks, counted.most)
        })
    };
    let few = steps(1);
    assert_eq!(few, steps(100));
    assert_eq!(few, steps(1_000));
    println!("{few:?}");
}

/// What cannot be counted in blocks and rules: nothing else of a decision grows with the tenants, but for the depth of a few
/// binary searches.
#[test]
fn a_decision_takes_no_longer_among_a_thousand() {
    let fastest = |tenants: usize| {
        let desk = desk(tenants);
        let alice = alice(&desk);
        PATHS.map(|(method, path, _)| {
            let request = Request {
                method,
                path,
                body: None,
                delegation: None,
            };
            let round = || {
                let begun = Instant::now();
                for _ in 0..20 {
                    let _ = desk.ask(&alice, &request);
                }
                begun.elapsed() / 20
            };
            (0..100).map(|_| round()).min().unwrap_or_default()
        })
    };
    let (few, thousand) = (fastest(1), fastest(1_000));
    println!("{few:?}\n{thousand:?}");
    for ((few, thousand), (_, path, _)) in few.iter().zip(thousand).zip(PATHS) {
        assert!(
            thousand < *few * 3,
            "{path}: {few:?} among 3 tenants, {thousand:?} among 1,002"
        );
    }
}

#[test]
fn loading_a_thousand_tenants() {
    let bytes = |tenants: usize| configuration(tenants).to_string().into_bytes();
    let mut figures = Vec::new();
    for tenants in [125, 250, 500, 1_000] {
        let bytes = bytes(tenants);
        let begun = Instant::now();
        let (config, counted) = counted(|| loaded(&bytes));
        let time = begun.elapsed();
        println!(
            "{tenants} tenants, {} KB: {time:?}, {} KB kept, {} KB at most, {} blocks",
            bytes.len() / 1024,
            counted.bytes / 1024,
            counted.most / 1024,
            counted.blocks
        );
        drop(config);
        figures.push((time, counted));
    }
    // Without the configuration's own text, which the host holds: 300 bytes a rule, and half of that in the VM.
    let (time, thousand) = figures[3];
    assert!(
        thousand.bytes < 13_000_000,
        "{} bytes are kept",
        thousand.bytes
    );
    assert!(
        thousand.most < 34_000_000,
        "{} bytes at most",
        thousand.most
    );
    // Nothing grows with the square of the tenants: eight times as many blocks for eight times as many tenants, and time
    // that a slow machine without optimisation has plenty of.
    let (_, few) = figures[0];
    assert!(thousand.blocks < few.blocks * 9);
    assert!(time < Duration::from_secs(20), "{time:?}");
}

#[test]
fn what_is_wrong_a_thousand_times_is_told_in_time() {
    let mut configuration = configuration(1_000);
    let grants = configuration["grants"].as_array_mut().expect("a list");
    for grant in grants.iter_mut() {
        grant["tenant"] = json!("nobody-of-this-name");
    }
    let bytes = configuration.to_string();
    let begun = Instant::now();
    let faults = load(bytes.as_bytes(), &environment).expect_err("20,020 faults");
    assert_eq!(faults.len(), 1_001 * GRANTS);
    assert!(begun.elapsed() < Duration::from_secs(20));
}
