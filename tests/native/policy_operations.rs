//! Every operation of every catalog, one by one.

use std::collections::HashSet;

use icegate::config::CatalogId;
use icegate::iceberg::{Body, Kind, Method, Operation, Part, Place, Query, Wishes, route};
use icegate::policy::{Asked, Decision, decide};
use serde_json::json;

use crate::desk::{Desk, robot};

/// A path to a place, in a warehouse of acme's.
fn path(base: &str, place: &Place) -> String {
    let part = |part: &Part| match part {
        Part::Word(word) => word,
        Part::Prefix if base == "/iceberg" => "main",
        Part::Prefix if base == "/api/catalog" => "acme_raw",
        Part::Prefix => "p",
        Part::Namespace => "n",
        Part::Object(_) => "o",
        Part::Extra => "e",
    };
    let parts = place.parts.iter().flat_map(|one| ["/", part(one)]);
    [base].into_iter().chain(parts).collect()
}

/// With no grant at all, nothing but the configuration is allowed: whatever the operation, whether its body is awaited, or
/// came and names nothing.
#[test]
fn no_operation_is_forgotten() {
    let desk = Desk::with(&[
        (
            "/grants",
            json!([{"tenant": "globex", "who": "all", "may": ["all"]}]),
        ),
        (
            "/tenants/acme/reach/keeper",
            json!([{"warehouse": "acme", "prefix": "p"}]),
        ),
        (
            "/tenants/acme/reach/rest",
            json!([{"warehouse": "acme", "prefix": "p"}]),
        ),
    ]);
    let (alice, bot) = (desk.alice(&[]), robot(&desk.config, "acme-bot"));
    let bases = [
        (Kind::Lakekeeper, "/catalog", &alice, "acme"),
        (Kind::Nessie, "/iceberg", &alice, "acme"),
        (Kind::Polaris, "/api/catalog", &alice, "acme_raw"),
        (Kind::Iceberg, "/rest", &bot, "acme"),
    ];
    let mut seen = HashSet::new();
    for ((kind, base, caller, warehouse), (catalog, number)) in bases
        .into_iter()
        .zip(desk.config.catalogs.iter().zip(0_u16..))
    {
        assert_eq!(catalog.layout.kind(), kind);
        for place in Operation::PLACES
            .iter()
            .filter(|place| place.kinds.contains(&kind))
        {
            let path = path(base, place);
            let method = Method::from_bytes(place.method.name().as_bytes());
            let route = route(method, path.as_bytes(), &catalog.layout)
                .unwrap_or_else(|fault| panic!("{path}: {fault:?}"));
            let query = Query {
                warehouse: Some(warehouse.to_owned()),
                ..Query::default()
            };
            seen.insert(route.operation);
            for body in [None, Some(Body::default())] {
                let asked = Asked {
                    catalog: CatalogId(number),
                    route: &route,
                    query: &query,
                    wishes: Wishes::default(),
                    body: body.as_ref(),
                    peer: None,
                };
                let expected = match route.operation {
                    Operation::GetConfig => "yes",
                    Operation::GetToken => "token_endpoint_off",
                    Operation::SignS3Request if route.prefix.is_none() => "sign_without_prefix",
                    operation if body.is_none() && waits(operation) => "the body first",
                    _ => "grant_missing",
                };
                let said = match decide(&desk.config, &desk.book, caller, &asked) {
                    Ok(Decision::Yes(_)) => "yes",
                    Ok(Decision::ReadBody(_)) => "the body first",
                    Ok(Decision::AskPrefix(..)) => "ask",
                    Err(denial) => denial.refusal.reason.name(),
                };
                assert_eq!(said, expected, "{} {path} {body:?}", place.method.name());
            }
        }
    }
    assert_eq!(seen.len(), Operation::ALL.len());
}

/// Operations about which the path says nothing that could be decided on.
fn waits(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::CreateNamespace
            | Operation::CreateTable
            | Operation::CreateView
            | Operation::CreateGenericTable
            | Operation::CreatePolicy
            | Operation::CreateSemanticModel
            | Operation::RegisterTable
            | Operation::RegisterView
            | Operation::RenameTable
            | Operation::RenameView
            | Operation::CommitTransaction
    )
}

/// What is allowed in full is allowed: no operation is refused by a demand that nobody could be granted.
#[test]
fn every_operation_can_be_granted() {
    let desk = Desk::with(&[
        (
            "/tenants/acme/reach/keeper",
            json!([{"warehouse": "acme", "prefix": "p"}]),
        ),
        (
            "/tenants/acme/reach/rest",
            json!([{"warehouse": "acme", "prefix": "p"}]),
        ),
    ]);
    let (alice, bot) = (desk.alice(&[]), robot(&desk.config, "acme-bot"));
    for (catalog, number) in desk.config.catalogs.iter().zip(0_u16..) {
        let (kind, base) = (catalog.layout.kind(), catalog.layout.base_path());
        for place in Operation::PLACES
            .iter()
            .filter(|place| place.kinds.contains(&kind))
        {
            let path = path(base, place);
            let method = Method::from_bytes(place.method.name().as_bytes());
            let route = route(method, path.as_bytes(), &catalog.layout)
                .unwrap_or_else(|fault| panic!("{path}: {fault:?}"));
            if route.operation == Operation::GetToken || route.prefix.is_none() {
                continue;
            }
            let body = Body::default();
            let asked = Asked {
                catalog: CatalogId(number),
                route: &route,
                query: &Query::default(),
                wishes: Wishes::default(),
                body: Some(&body),
                peer: None,
            };
            let caller = if kind == Kind::Iceberg { &bot } else { &alice };
            let decision = decide(&desk.config, &desk.book, caller, &asked);
            assert!(
                matches!(decision, Ok(Decision::Yes(_))),
                "{path}: {decision:?}"
            );
        }
    }
}
