//! The table of operations against the specs, and every row through the router.

#![allow(clippy::arithmetic_side_effects)]

use std::collections::BTreeSet;

use icegate::iceberg::{Class, Kind, Layout, Method, Operation, Part, PathFault, route};

const TABLE: &str = include_str!("golden/iceberg/operations.txt");

/// The hand-written table, a line per kind.
fn expected() -> BTreeSet<String> {
    TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .flat_map(|line| {
            let (row, kinds) = line.rsplit_once(' ').expect("kinds at the end");
            let kinds: Vec<&str> = match kinds {
                "all" => Kind::ALL.map(Kind::name).to_vec(),
                one => vec![one],
            };
            kinds.into_iter().map(move |kind| format!("{row} {kind}"))
        })
        .collect()
}

#[test]
fn the_table_is_the_specs() {
    let mut actual = BTreeSet::new();
    for place in Operation::PLACES {
        for kind in place.kinds {
            let operation = place.operation;
            let row = format!(
                "{} {} {} {:?} {}",
                place.method.name(),
                place.pattern(),
                operation.name(),
                operation.class(),
                kind.name()
            );
            assert!(actual.insert(row), "twice: {place:?}");
        }
    }
    assert_eq!(actual, expected());
}

#[test]
fn names_are_the_variants_in_camel_case() {
    for operation in Operation::ALL {
        let variant = format!("{operation:?}");
        let (first, rest) = variant.split_at(1);
        assert_eq!(operation.name(), format!("{}{rest}", first.to_lowercase()));
    }
}

#[test]
fn only_get_and_head_are_safe() {
    let safe: Vec<&str> = Operation::ALL
        .iter()
        .filter(|one| one.is_safe())
        .map(|one| one.name())
        .collect();
    assert_eq!(
        safe,
        [
            "getConfig",
            "listNamespaces",
            "loadNamespaceMetadata",
            "namespaceExists",
            "listTables",
            "loadTable",
            "tableExists",
            "loadCredentials",
            "fetchPlanningResult",
            "listViews",
            "loadView",
            "viewExists",
            "listFunctions",
            "loadFunction",
            "listGenericTables",
            "loadGenericTable",
            "listPolicies",
            "loadPolicy",
            "getApplicablePolicies",
            "listSemanticModels",
            "loadSemanticModel",
        ]
    );
    assert!(
        Operation::ALL
            .iter()
            .filter(|one| one.class() == Class::Commit)
            .all(|one| !one.is_safe())
    );
}

#[test]
fn methods() {
    for (bytes, method) in [
        ("GET", Method::Get),
        ("HEAD", Method::Head),
        ("POST", Method::Post),
        ("PUT", Method::Put),
        ("DELETE", Method::Delete),
        ("PATCH", Method::Other),
        ("get", Method::Other),
        ("GET ", Method::Other),
        ("", Method::Other),
    ] {
        assert_eq!(Method::from_bytes(bytes.as_bytes()), method, "{bytes:?}");
    }
}

const METHODS: [Method; 6] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Delete,
    Method::Other,
];

/// The path of a place with these names; none where the prefix is left out.
fn written(parts: &[Part], prefix: bool) -> String {
    let mut path = String::new();
    for part in parts {
        let text = match part {
            Part::Word(word) => word,
            Part::Prefix if prefix => "the-prefix",
            Part::Prefix => continue,
            Part::Namespace => "outer%1Finner",
            Part::Object(_) => "the%20object",
            Part::Extra => "the-extra",
        };
        path.push('/');
        path.push_str(text);
    }
    path
}

/// Every operation x with and without prefix x every kind x every method.
#[test]
fn every_place_is_routed() {
    let mut routed = 0;
    for kind in Kind::ALL {
        let layout = Layout::new(kind, "/base", "%1F").expect("a layout");
        for place in Operation::PLACES {
            let own = place.kinds.contains(&kind);
            let prefixed = place.parts.contains(&Part::Prefix);
            for with_prefix in [true, false] {
                if !with_prefix && !prefixed {
                    continue;
                }
                let path = format!("/base{}?q=1", written(place.parts, with_prefix));
                let outcome = route(place.method, path.as_bytes(), &layout);
                if !own || (!with_prefix && kind != Kind::Iceberg) {
                    let fault = outcome.expect_err(&path);
                    assert_eq!(fault, PathFault::UnknownOperation, "{} {path}", kind.name());
                    continue;
                }
                let found =
                    outcome.unwrap_or_else(|fault| panic!("{} {path}: {fault}", kind.name()));
                assert_eq!(found.operation, place.operation, "{} {path}", kind.name());
                let text = |name: Option<icegate::iceberg::Name<'_>>| {
                    name.map(|name| name.decode().into_owned())
                };
                let has = |wanted: fn(&Part) -> bool| place.parts.iter().any(wanted);
                assert_eq!(
                    text(found.prefix).as_deref(),
                    (prefixed && with_prefix).then_some("the-prefix")
                );
                assert_eq!(
                    text(found.object).as_deref(),
                    has(|part| matches!(part, Part::Object(_))).then_some("the object")
                );
                assert_eq!(
                    text(found.extra).as_deref(),
                    has(|part| *part == Part::Extra).then_some("the-extra")
                );
                let levels: Option<Vec<String>> = found
                    .namespace
                    .map(|name| name.levels().map(|level| level.into_owned()).collect());
                let expected = has(|part| *part == Part::Namespace)
                    .then(|| vec!["outer".to_owned(), "inner".to_owned()]);
                assert_eq!(levels, expected);
                assert_eq!(found.query, b"q=1");
                routed += 1;

                for method in METHODS {
                    let sibling = Operation::PLACES.iter().find(|other| {
                        other.parts == place.parts
                            && other.method == method
                            && other.kinds.contains(&kind)
                    });
                    let outcome =
                        route(method, path.as_bytes(), &layout).map(|route| route.operation);
                    let expected = sibling
                        .map(|other| other.operation)
                        .ok_or(PathFault::WrongMethod);
                    assert_eq!(outcome, expected, "{} {path}", method.name());
                }
            }
        }
    }
    // 35 operations of the spec: 2 have no prefix and 33 an optional one for kind Iceberg; the others
    // must have it. On top: signS3Request (1, 2 and 3 places) and Polaris' own 18.
    assert_eq!(routed, (2 + 2 * 33 + 1) + (35 + 2) + (35 + 18) + (35 + 3));
}

/// No path belongs to two places of a kind, whatever the names in it are.
#[test]
fn no_two_places_overlap() {
    for kind in Kind::ALL {
        let places: Vec<_> = Operation::PLACES
            .iter()
            .filter(|place| place.kinds.contains(&kind))
            .collect();
        for (at, one) in places.iter().enumerate() {
            for other in places.iter().skip(at + 1) {
                let overlap = one.method == other.method
                    && one.parts.len() == other.parts.len()
                    && one.parts.iter().zip(other.parts).all(|pair| match pair {
                        (Part::Word(left), Part::Word(right)) => left == right,
                        _ => true,
                    });
                assert!(
                    !overlap,
                    "{} {}: {} and {}",
                    kind.name(),
                    one.method.name(),
                    one.pattern(),
                    other.pattern()
                );
            }
        }
    }
}
