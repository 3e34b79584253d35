//! What holds for every body: reading is total, and readers of other schools agree on what is accepted.

#![allow(clippy::arithmetic_side_effects)]

use icegate::iceberg::{BodyFault, Operation, names_in_body, read_body};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::bodies::{School, Tree, found, lines_of};
use crate::iceberg_bodies::{GOLDEN, golden};

/// The text of a tree.
fn written(tree: &Tree) -> String {
    match tree {
        Tree::Other(text) => text.clone(),
        Tree::Text(text) => serde_json::to_string(text).expect("a text"),
        Tree::List(elements) => {
            let elements: Vec<String> = elements.iter().map(written).collect();
            format!("[{}]", elements.join(","))
        }
        Tree::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    let name = serde_json::to_string(name).expect("a name");
                    format!("{name}:{}", written(value))
                })
                .collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn read(operation: Operation, tree: &Tree) -> Result<Vec<String>, BodyFault> {
    read_body(operation, written(tree).as_bytes()).map(|body| lines_of(operation, &body))
}

/// The golden bodies of operations that name something, as trees.
fn examples() -> Vec<(Operation, Tree)> {
    GOLDEN
        .iter()
        .filter(|(_, operation, _)| names_in_body(*operation))
        .map(|(name, operation, _)| (*operation, Tree::of(&golden(name)).expect(name)))
        .collect()
}

/// What is done to the members of an object: one new tree or several.
type Change<'c> = &'c dyn Fn(&[(String, Tree)]) -> Vec<Tree>;

/// Calls `change` with every object of a copy of the tree, one after the other, and yields the copies.
fn each_object(tree: &Tree, change: Change<'_>) -> Vec<Tree> {
    match tree {
        Tree::Other(_) | Tree::Text(_) => Vec::new(),
        Tree::List(elements) => (0..elements.len())
            .flat_map(|at| {
                each_object(&elements[at], change)
                    .into_iter()
                    .map(move |changed| {
                        let mut copy = elements.clone();
                        copy[at] = changed;
                        Tree::List(copy)
                    })
            })
            .collect(),
        Tree::Object(members) => {
            let within = (0..members.len()).flat_map(|at| {
                each_object(&members[at].1, change)
                    .into_iter()
                    .map(move |changed| {
                        let mut copy = members.to_vec();
                        copy[at].1 = changed;
                        Tree::Object(copy)
                    })
            });
            let mut all = change(members);
            all.extend(within);
            all
        }
    }
}

/// A tree for each member, without it; in the same order as [`doubled`].
fn without(tree: &Tree) -> Vec<Tree> {
    each_object(tree, &|members| {
        (0..members.len())
            .map(|at| {
                let mut copy = members.to_vec();
                copy.remove(at);
                Tree::Object(copy)
            })
            .collect()
    })
}

/// A tree for each member, with it twice.
fn doubled(tree: &Tree) -> Vec<Tree> {
    each_object(tree, &|members| {
        (0..members.len())
            .map(|at| {
                let mut copy = members.to_vec();
                copy.push(members[at].clone());
                Tree::Object(copy)
            })
            .collect()
    })
}

/// A member whose absence changes anything may not stand there twice.
#[test]
fn a_needed_member_twice_is_a_fault() {
    let mut needed = 0;
    for (operation, tree) in examples() {
        let original = read(operation, &tree).expect("a golden body");
        let (without, doubled) = (without(&tree), doubled(&tree));
        assert_eq!(without.len(), doubled.len());
        for (without, doubled) in without.iter().zip(&doubled) {
            let outcome = read(operation, doubled);
            if read(operation, without) == Ok(original.clone()) {
                // Members that are read but had nothing to say may be refused as well.
                assert!(
                    outcome == Ok(original.clone()) || outcome == Err(BodyFault::DuplicateMember),
                    "{} {}",
                    operation.name(),
                    written(doubled)
                );
            } else {
                needed += 1;
                assert_eq!(
                    outcome,
                    Err(BodyFault::DuplicateMember),
                    "{} {}",
                    operation.name(),
                    written(doubled)
                );
            }
        }
    }
    assert!(needed > 100, "{needed}");
}

#[test]
fn a_body_that_is_cut_off_is_a_fault() {
    for (operation, tree) in examples() {
        let text = written(&tree);
        for end in 0..text.len() {
            assert_eq!(
                read_body(operation, &text.as_bytes()[..end]),
                Err(BodyFault::NotJson),
                "{} {end}",
                operation.name()
            );
        }
    }
}

/// Members in another order, and unknown ones among them, everywhere.
fn disturbed(tree: &Tree, order: &mut dyn Iterator<Item = usize>, junk: &Tree) -> Tree {
    match tree {
        Tree::Other(_) | Tree::Text(_) => tree.clone(),
        Tree::List(elements) => Tree::List(
            elements
                .iter()
                .map(|one| disturbed(one, order, junk))
                .collect(),
        ),
        Tree::Object(members) => {
            let mut rest: Vec<_> = members
                .iter()
                .map(|(name, value)| (name.clone(), disturbed(value, order, junk)))
                .collect();
            rest.push(("unknown-member".to_owned(), junk.clone()));
            let mut all = Vec::new();
            while !rest.is_empty() {
                let next = order.next().expect("no end") % rest.len();
                all.push(rest.remove(next));
            }
            Tree::Object(all)
        }
    }
}

fn anything() -> impl Strategy<Value = Tree> {
    let words: Vec<&str> = vec![
        "action",
        "ASSERT-create",
        "requirements",
        "uri",
        "add-snapshot",
        "catalog",
        "default-catalog",
        "default-namespace",
        "destination",
        "identifier",
        "location",
        "Location",
        "manifest-list",
        "manifests",
        "metadata",
        "metadata-file",
        "metadata-location",
        "metadata-log",
        "name",
        "NAME",
        "namespace",
        "overwrite",
        "partition-statistics",
        "path",
        "payload",
        "properties",
        "set-location",
        "set-properties",
        "snapshot",
        "snapshots",
        "source",
        "stage-create",
        "statistics",
        "statistics-path",
        "table-change",
        "table-changes",
        "table-like",
        "table-name",
        "target",
        "type",
        "updated",
        "updates",
        "view-version",
        "write.data.path",
        "write.x.path",
        "s3://b/t",
        "..",
        "a/b",
        "",
    ];
    let word = select(words).prop_map(str::to_owned);
    let leaf = prop_oneof![
        4 => word.clone().prop_map(Tree::Text),
        1 => select(vec!["null", "true", "false", "1", "1.5"]).prop_map(|one| Tree::Other(one.to_owned())),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Tree::List),
            proptest::collection::vec((word.clone(), inner), 0..6).prop_map(Tree::Object),
        ]
    })
}

/// A golden body in which some values are replaced and some members doubled or renamed.
fn nearly_golden() -> impl Strategy<Value = (Operation, Tree)> {
    let change = (any::<Index>(), 0..4_u8, anything());
    (select(examples()), proptest::collection::vec(change, 0..3)).prop_map(
        |((operation, mut tree), changes)| {
            for (pick, how, other) in changes {
                let changed = match how {
                    0 => doubled(&tree),
                    1 => without(&tree),
                    2 => each_object(&tree, &|members| {
                        (0..members.len())
                            .map(|at| {
                                let mut copy = members.to_vec();
                                copy[at].1 = other.clone();
                                Tree::Object(copy)
                            })
                            .collect()
                    }),
                    _ => each_object(&tree, &|members| {
                        (0..members.len())
                            .map(|at| {
                                let mut copy = members.to_vec();
                                let name = copy[at].0.to_uppercase();
                                copy.push((name, other.clone()));
                                Tree::Object(copy)
                            })
                            .collect()
                    }),
                };
                if !changed.is_empty() {
                    tree = pick.get(&changed).clone();
                }
            }
            (operation, tree)
        },
    )
}

fn operations() -> impl Strategy<Value = Operation> {
    let those: Vec<Operation> = Operation::ALL
        .iter()
        .copied()
        .filter(|operation| names_in_body(*operation))
        .collect();
    select(those)
}

fn schools_agree(operation: Operation, tree: &Tree) -> Result<(), TestCaseError> {
    if let Ok(lines) = read(operation, tree) {
        for school in School::ALL {
            prop_assert_eq!(
                &found(operation, tree, school),
                &lines,
                "{:?} {} {}",
                school,
                operation.name(),
                written(tree)
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_is_total(operation in operations(), bytes in proptest::collection::vec(any::<u8>(), 0..64), text in r#"[{}\[\]":,a-z0-9 \\]{0,64}"#) {
        let _ = read_body(operation, &bytes);
        let _ = read_body(operation, text.as_bytes());
    }

    #[test]
    fn schools_agree_on_any_body(operation in operations(), tree in anything()) {
        schools_agree(operation, &tree)?;
    }

    #[test]
    fn schools_agree_on_nearly_golden_bodies((operation, tree) in nearly_golden()) {
        schools_agree(operation, &tree)?;
    }

    #[test]
    fn order_and_unknown_members_do_not_matter(pick in any::<Index>(), order in proptest::collection::vec(0_usize..64, 1..32), junk in anything()) {
        let examples = examples();
        let (operation, tree) = pick.get(&examples);
        let mut order = order.into_iter().cycle();
        let other = disturbed(tree, &mut order, &junk);
        prop_assert_eq!(read(*operation, &other), read(*operation, tree), "{}", written(&other));
    }
}

/// The strategies above are worth something only when bodies of both verdicts come up, and the schools differ.
#[test]
fn the_generators_hit_both_sides() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut accepted, mut apart, mut faults) = (0, 0, std::collections::BTreeSet::new());
    for _ in 0..2000 {
        let (operation, tree) = nearly_golden()
            .new_tree(&mut runner)
            .expect("a value")
            .current();
        let readings = School::ALL.map(|school| found(operation, &tree, school));
        match read(operation, &tree) {
            Ok(_) => accepted += 1,
            Err(fault) => {
                faults.insert(fault.name());
                apart += usize::from(readings[0] != readings[1] || readings[1] != readings[2]);
            }
        }
    }
    assert!(accepted > 300 && apart > 100, "{accepted} {apart}");
    assert!(faults.len() > 6, "{faults:?}");
}
