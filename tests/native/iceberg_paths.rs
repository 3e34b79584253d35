//! The zoo: spellings of paths, each with what the gate makes of it.

#![allow(clippy::arithmetic_side_effects, clippy::string_slice)]

use std::collections::BTreeSet;

use icegate::iceberg::{Kind, Layout, Method, Name, PathFault, Route, route};
use icegate::limits::PATH_BYTES;

const ZOO: &str = include_str!("golden/iceberg/zoo.txt");

fn layout(name: &str) -> Layout {
    let (kind, base_path, separator) = match name {
        "iceberg" => (Kind::Iceberg, "", "%1F"),
        "iceberg-dot" => (Kind::Iceberg, "", "%2e"),
        "nessie" => (Kind::Nessie, "/iceberg", "%1F"),
        "polaris" => (Kind::Polaris, "/api/catalog", "%1F"),
        "lakekeeper" => (Kind::Lakekeeper, "/catalog", "%1F"),
        other => panic!("no layout {other}"),
    };
    Layout::new(kind, base_path, separator).expect("a layout")
}

/// `\xNN` is a byte, `\\` a backslash.
fn bytes(written: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = written;
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend(before.as_bytes());
        if let Some(after) = escape.strip_prefix('\\') {
            bytes.push(b'\\');
            rest = after;
        } else {
            let hex = escape
                .strip_prefix('x')
                .and_then(|hex| hex.get(..2))
                .expect("\\xNN");
            bytes.push(u8::from_str_radix(hex, 16).expect("hex digits"));
            rest = &escape[3..];
        }
    }
    bytes.extend(rest.as_bytes());
    bytes
}

fn verdict(outcome: Result<Route<'_>, PathFault>) -> String {
    let found = match outcome {
        Ok(found) => found,
        Err(fault) => return fault.name().to_owned(),
    };
    let visible = |text: &str| text.replace(' ', "␣");
    let one = |label: &str, name: Option<Name<'_>>| {
        name.map(|name| format!(" {label}={}", visible(&name.decode())))
            .unwrap_or_default()
    };
    let mut verdict = found.operation.name().to_owned();
    verdict += &one("prefix", found.prefix);
    if let Some(namespace) = found.namespace {
        let levels: Vec<String> = namespace.levels().map(|level| visible(&level)).collect();
        verdict += &format!(" namespace=[{}]", levels.join(","));
    }
    verdict += &one("object", found.object);
    verdict += &one("extra", found.extra);
    if !found.query.is_empty() {
        verdict += &format!(" query={}", String::from_utf8_lossy(found.query));
    }
    let names = [found.prefix, found.namespace, found.object, found.extra];
    if names.into_iter().flatten().any(|name| !name.is_plain()) {
        verdict += " expression";
    }
    verdict
}

#[test]
fn the_zoo() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in ZOO
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (request, expected) = line.split_once(" => ").expect("an expectation");
        let mut parts = request.splitn(3, ' ');
        let (Some(name), Some(method), Some(target)) = (parts.next(), parts.next(), parts.next())
        else {
            panic!("not a request: {line}");
        };
        let target = bytes(target);
        let actual = verdict(route(
            Method::from_bytes(method.as_bytes()),
            &target,
            &layout(name),
        ));
        if actual != expected {
            wrong.push(format!("{line}\n  but it was: {actual}"));
        }
        assert!(seen.insert(request), "twice: {request}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen.len() >= 80);

    // Every fault has its spelling here; TooLong has its own test, and so have queries that name something.
    for fault in PathFault::ALL
        .iter()
        .filter(|fault| **fault != PathFault::TooLong && !fault.name().starts_with("path_query_"))
    {
        let ending = format!("=> {}", fault.name());
        assert!(
            ZOO.lines().any(|line| line.ends_with(&ending)),
            "no line for {fault:?}"
        );
    }
}

#[test]
fn a_path_has_a_longest_length() {
    let iceberg = layout("iceberg");
    let start = "/v1/config?";
    let longest = format!("{start}{}", "x".repeat(PATH_BYTES - start.len()));
    assert!(route(Method::Get, longest.as_bytes(), &iceberg).is_ok());
    let longer = format!("{longest}x");
    assert_eq!(
        route(Method::Get, longer.as_bytes(), &iceberg),
        Err(PathFault::TooLong)
    );
}

#[test]
fn faults_have_names_and_texts_of_their_own() {
    let names: BTreeSet<_> = PathFault::ALL.iter().map(|fault| fault.name()).collect();
    let texts: BTreeSet<_> = PathFault::ALL
        .iter()
        .map(|fault| fault.describe())
        .collect();
    assert_eq!(names.len(), PathFault::ALL.len());
    assert_eq!(texts.len(), PathFault::ALL.len());
    let unknown: Vec<_> = PathFault::ALL
        .iter()
        .filter(|fault| fault.is_unknown())
        .map(|fault| fault.name())
        .collect();
    assert_eq!(
        unknown,
        ["path_reference_form", "unknown_operation", "wrong_method"]
    );
}

/// Not a check: `cargo test --release --test native -- --ignored --nocapture route_takes`.
#[test]
#[ignore = "measures"]
fn route_takes() {
    let typical = [
        (
            "nessie",
            "/iceberg/v1/main%7Cwarehouse/namespaces/sales%1Femea/tables/orders_2026",
        ),
        (
            "polaris",
            "/api/catalog/v1/lake/namespaces/sales/tables/orders_2026",
        ),
        (
            "polaris",
            "/api/catalog/polaris/v1/lake/namespaces/sales/policies/keep",
        ),
        ("iceberg", "/v1/config?warehouse=lake"),
        (
            "iceberg",
            "/v1/namespaces/sales/tables/orders_2026?snapshots=all",
        ),
    ];
    for (name, path) in typical {
        let layout = layout(name);
        let rounds = 2_000_000_u32;
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            let outcome = route(Method::Get, std::hint::black_box(path.as_bytes()), &layout);
            assert!(std::hint::black_box(outcome).is_ok());
        }
        println!(
            "{:>4} ns {path}",
            start.elapsed().as_nanos() / u128::from(rounds)
        );
    }
}
