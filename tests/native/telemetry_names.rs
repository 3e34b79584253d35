//! The names of metrics: fixed when the configuration is loaded, unique, and made of nothing that a request has.

use std::collections::BTreeSet;

use icegate::refusal::Reason;
use icegate::telemetry::{MetricKind, RequestVerdict, Tally};
use serde_json::json;

use crate::support::{changed, load_value};

fn tally(changes: &[(&str, serde_json::Value)]) -> Tally {
    let config = load_value(&changed(changes)).unwrap_or_else(|faults| panic!("{faults}"));
    Tally::new(&config)
}

fn names(tally: &Tally) -> Vec<&str> {
    tally
        .metrics()
        .iter()
        .map(|metric| metric.name.as_str())
        .collect()
}

#[test]
fn all_names_of_the_smallest_configuration_but_refusals() {
    let tally = tally(&[]);
    let names: Vec<&str> = names(&tally)
        .into_iter()
        .filter(|name| !name.starts_with("icegate_refusals."))
        .collect();
    assert_eq!(
        names,
        [
            "icegate_requests.catalog.lake.verdict.forwarded",
            "icegate_requests.catalog.lake.verdict.refused",
            "icegate_requests.catalog.lake.verdict.issued",
            "icegate_requests.catalog.NONE.verdict.forwarded",
            "icegate_requests.catalog.NONE.verdict.refused",
            "icegate_requests.catalog.NONE.verdict.issued",
            "icegate_report_only.refusal.grant_missing",
            "icegate_report_only.refusal.grant_denied",
            "icegate_report_only.refusal.view_hidden",
            "icegate_report_only.refusal.grant_widened",
            "icegate_report_only.refusal.claim_left_out",
            "icegate_report_only.refusal.delegation_refused",
            "icegate_answers_removed.why.address",
            "icegate_answers_removed.why.authentication",
            "icegate_answers_removed.why.header",
            "icegate_answers_removed.why.connection",
            "icegate_answers_removed.why.code",
            "icegate_answers_removed.why.credentials",
            "icegate_answers_removed.why.signing",
            "icegate_exchanges.issuer.corp.outcome.minted",
            "icegate_exchanges.issuer.corp.outcome.caller_refused",
            "icegate_exchanges.issuer.corp.outcome.operator_fault",
            "icegate_exchanges.issuer.corp.outcome.idp_fault",
            "icegate_exchanges.issuer.corp.outcome.check_failed",
            "icegate_exchange_ms.issuer.corp",
            "icegate_gate_tokens.issuer.corp.outcome.issued",
            "icegate_gate_tokens.issuer.corp.outcome.kept",
            "icegate_grants.issuer.corp.outcome.minted",
            "icegate_grants.issuer.corp.outcome.caller_refused",
            "icegate_grants.issuer.corp.outcome.operator_fault",
            "icegate_grants.issuer.corp.outcome.idp_fault",
            "icegate_grants.issuer.corp.outcome.check_failed",
            "icegate_grant_ms.issuer.corp",
            "icegate_cache.event.hit",
            "icegate_cache.event.miss",
            "icegate_cache.event.eviction",
            "icegate_cache_entries",
            "icegate_cache_bytes",
            "icegate_key_fetches.issuer.corp.outcome.ok",
            "icegate_key_fetches.issuer.corp.outcome.failed",
            "icegate_catalog_unauthorized.catalog.lake",
        ]
    );
}

#[test]
fn every_refusal_has_its_counter() {
    let tally = tally(&[]);
    let found: Vec<&str> = names(&tally)
        .into_iter()
        .filter_map(|name| name.strip_prefix("icegate_refusals.refusal."))
        .collect();
    assert_eq!(found, Reason::all().map(Reason::name).collect::<Vec<_>>());
}

#[test]
fn names_are_unique_whatever_the_catalogs_are_called() {
    // A catalog may have any of these names.
    let catalog = |path: &str| json!({"kind": "iceberg", "base_path": path, "token": {"from": "corp", "audience": "catalog"}});
    let tally = tally(&[
        ("/catalogs/-", catalog("/a")),
        ("/catalogs/none", catalog("/b")),
        ("/catalogs/_", catalog("/c")),
        ("/catalogs/catalog", catalog("/d")),
        ("/catalogs/verdict", catalog("/e")),
    ]);
    let names = names(&tally);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for name in names {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        assert!(name.bytes().all(allowed), "{name}");
    }
}

#[test]
fn what_is_counted_comes_out_once_under_its_number() {
    let mut tally = tally(&[]);
    let expect = |tally: &mut Tally, expected: &[(&str, i64)], samples: &[(&str, u64)]| {
        let metrics = tally.metrics().to_vec();
        let mut counted = Vec::new();
        let mut sampled = Vec::new();
        tally.drain(
            |number, delta| counted.push((metrics[number].name.clone(), delta)),
            |number, value| {
                assert_eq!(metrics[number].kind, MetricKind::Histogram);
                sampled.push((metrics[number].name.clone(), value));
            },
        );
        let counted: Vec<(&str, i64)> = counted
            .iter()
            .map(|(name, delta)| (name.as_str(), *delta))
            .collect();
        let sampled: Vec<(&str, u64)> = sampled
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        assert_eq!(counted, expected);
        assert_eq!(sampled, samples);
    };
    let (lake, corp) = (icegate::config::CatalogId(0), icegate::config::IssuerId(0));
    tally.request(Some(lake), RequestVerdict::Forwarded, 1);
    tally.request(Some(lake), RequestVerdict::Forwarded, 1);
    tally.request(None, RequestVerdict::Refused, 1);
    tally.request(Some(lake), RequestVerdict::Issued, 1);
    tally.token(corp, icegate::telemetry::TokenOutcome::Kept);
    tally.token(corp, icegate::telemetry::TokenOutcome::Issued);
    tally.grant(corp, icegate::telemetry::ExchangeOutcome::CallerRefused, 34);
    tally.refusal(Reason::PathOutside);
    tally.exchange(corp, icegate::telemetry::ExchangeOutcome::CheckFailed, 12);
    tally.cache(icegate::telemetry::CacheEvent::Eviction, 3);
    tally.cache_size(2, -5);
    tally.key_fetch(corp, icegate::telemetry::FetchOutcome::Failed);
    tally.catalog_unauthorized(lake);
    expect(
        &mut tally,
        &[
            ("icegate_requests.catalog.lake.verdict.forwarded", 2),
            ("icegate_requests.catalog.lake.verdict.issued", 1),
            ("icegate_requests.catalog.NONE.verdict.refused", 1),
            ("icegate_refusals.refusal.path_outside", 1),
            ("icegate_exchanges.issuer.corp.outcome.check_failed", 1),
            ("icegate_gate_tokens.issuer.corp.outcome.issued", 1),
            ("icegate_gate_tokens.issuer.corp.outcome.kept", 1),
            ("icegate_grants.issuer.corp.outcome.caller_refused", 1),
            ("icegate_cache.event.eviction", 3),
            ("icegate_cache_entries", 2),
            ("icegate_cache_bytes", -5),
            ("icegate_key_fetches.issuer.corp.outcome.failed", 1),
            ("icegate_catalog_unauthorized.catalog.lake", 1),
        ],
        &[
            ("icegate_grant_ms.issuer.corp", 34),
            ("icegate_exchange_ms.issuer.corp", 12),
        ],
    );
    expect(&mut tally, &[], &[]);
}

#[test]
fn samples_are_bounded_between_two_drains_and_counts_are_not_lost() {
    let mut tally = tally(&[]);
    for _ in 0..10_000 {
        tally.exchange(
            icegate::config::IssuerId(0),
            icegate::telemetry::ExchangeOutcome::Minted,
            1,
        );
    }
    let (mut count, mut samples) = (0, 0);
    tally.drain(|_, delta| count += delta, |_, _| samples += 1);
    assert_eq!((count, samples), (10_000, 4096));
}
