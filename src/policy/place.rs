//! What a request wants to do where, and whether a pattern of a grant speaks of that place.

use crate::config::{LevelPattern, ObjectPattern, Pattern};
use crate::iceberg::{Noun, Operation};

/// A place in a warehouse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The namespace, level by level; none is the warehouse's root.
    pub levels: Vec<String>,
    /// The object in it.
    pub object: Option<(Noun, String)>,
    /// What is not known about it.
    pub doubt: Doubt,
}

/// How well a place is known. What is in doubt is granted only by what covers all that it may be, and denied
/// by anything that speaks of something it may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// The names are what the catalog takes them for.
    #[default]
    None,
    /// The catalog may take the object for another one.
    Object,
    /// The namespace and all that lies below it, whatever that is.
    Below,
    /// The catalog may take the namespace for another one, and the object with it.
    Namespace,
    /// Somewhere in the warehouse: the request does not say where.
    Anywhere,
}

/// One thing that a request wants: an operation at a place. All must be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// What.
    pub operation: Operation,
    /// Where.
    pub place: Place,
}

/// Which way a doubt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Only if the pattern certainly speaks of the place.
    Certainly,
    /// Also if it perhaps does.
    Perhaps,
}

/// The operations by which a client finds its way down to what it may use.
pub(super) const ON_THE_WAY: [Operation; 3] = [
    Operation::ListNamespaces,
    Operation::NamespaceExists,
    Operation::LoadNamespaceMetadata,
];

/// Whether a pattern speaks of a place.
pub(super) fn speaks_of(
    pattern: &Pattern,
    place: &Place,
    reading: Reading,
    ignore_case: bool,
) -> bool {
    let perhaps = reading == Reading::Perhaps;
    match place.doubt {
        _ if pattern.is_everything() => return true,
        Doubt::Anywhere | Doubt::Namespace => return perhaps,
        Doubt::Below => {
            let all = pattern.subtree
                && pattern.object.is_none()
                && pattern.levels.len() <= place.levels.len();
            return (all || perhaps) && begins(pattern, place, reading, ignore_case);
        }
        Doubt::None | Doubt::Object => {}
    }
    let enough = if pattern.subtree {
        place.levels.len() >= pattern.levels.len()
    } else {
        place.levels.len() == pattern.levels.len()
    };
    if !enough || !begins(pattern, place, reading, ignore_case) {
        return false;
    }
    match (&pattern.object, &place.object) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((noun, name)), Some((of, object))) => {
            noun == of
                && match name {
                    ObjectPattern::Any => true,
                    ObjectPattern::Exactly(_) if place.doubt == Doubt::Object => perhaps,
                    ObjectPattern::Exactly(name) => same(name, object, reading, ignore_case),
                }
        }
    }
}

/// Whether a place is a namespace, or the root, on the way to what a pattern speaks of, or its end: the wider a pattern, the
/// more places.
pub(super) fn leads_to(pattern: &Pattern, place: &Place, ignore_case: bool) -> bool {
    let near = pattern.subtree || place.levels.len() <= pattern.levels.len();
    pattern.is_everything()
        || (near
            && place.doubt == Doubt::None
            && begins(pattern, place, Reading::Certainly, ignore_case))
}

/// Whether the levels of both are the same as far as both go.
fn begins(pattern: &Pattern, place: &Place, reading: Reading, ignore_case: bool) -> bool {
    let pairs = pattern.levels.iter().zip(&place.levels);
    pairs.into_iter().all(|(pattern, level)| match pattern {
        LevelPattern::Any => true,
        LevelPattern::Exactly(name) => same(name, level, reading, ignore_case),
    })
}

/// Whether two names are one. Beyond ASCII nobody here knows which letters a catalog takes for the same, and what
/// ignores case ignores more: Hive takes spaces off both ends, MySQL off the end, and it knows no accents.
fn same(pattern: &str, name: &str, reading: Reading, ignore_case: bool) -> bool {
    let plain = |text: &str| text.is_ascii() && text.trim_ascii() == text;
    pattern == name
        || ignore_case
            && match plain(pattern) && plain(name) {
                true => pattern.eq_ignore_ascii_case(name),
                false => reading == Reading::Perhaps,
            }
}

impl Pattern {
    /// `["**"]`
    fn is_everything(&self) -> bool {
        self.subtree && self.levels.is_empty() && self.object.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(levels: &[&str], object: Option<(Noun, &str)>) -> Pattern {
        let subtree = levels.last() == Some(&"**");
        let levels = levels.iter().filter(|level| **level != "**");
        Pattern {
            levels: levels
                .map(|level| match *level {
                    "*" => LevelPattern::Any,
                    name => LevelPattern::Exactly(name.into()),
                })
                .collect(),
            subtree,
            object: object.map(|(noun, name)| match name {
                "*" => (noun, ObjectPattern::Any),
                name => (noun, ObjectPattern::Exactly(name.into())),
            }),
        }
    }

    fn place(levels: &[&str], table: Option<&str>, doubt: Doubt) -> Place {
        Place {
            levels: levels.iter().map(|level| (*level).to_owned()).collect(),
            object: table.map(|name| (Noun::Table, name.to_owned())),
            doubt,
        }
    }

    #[test]
    fn what_a_pattern_speaks_of() {
        let table = [
            // pattern, place, certainly
            (
                pattern(&["sales"], None),
                place(&["sales"], None, Doubt::None),
                true,
            ),
            (
                pattern(&["sales"], None),
                place(&["sales"], Some("t"), Doubt::None),
                true,
            ),
            (
                pattern(&["sales"], None),
                place(&["sales", "x"], None, Doubt::None),
                false,
            ),
            (
                pattern(&["sales"], None),
                place(&[], None, Doubt::None),
                false,
            ),
            (
                pattern(&["sales", "*"], None),
                place(&["sales", "x"], Some("t"), Doubt::None),
                true,
            ),
            (
                pattern(&["sales", "*"], None),
                place(&["sales"], None, Doubt::None),
                false,
            ),
            (
                pattern(&["sales", "**"], None),
                place(&["sales"], None, Doubt::None),
                true,
            ),
            (
                pattern(&["sales", "**"], None),
                place(&["sales", "x", "y"], Some("t"), Doubt::None),
                true,
            ),
            (
                pattern(&["sales", "**"], None),
                place(&["sale"], None, Doubt::None),
                false,
            ),
            (pattern(&["**"], None), place(&[], None, Doubt::None), true),
            (pattern(&[], None), place(&[], None, Doubt::None), true),
            (
                pattern(&[], None),
                place(&["sales"], None, Doubt::None),
                false,
            ),
            (
                pattern(&["*"], None),
                place(&["*"], None, Doubt::None),
                true,
            ),
            (
                pattern(&["sales"], Some((Noun::Table, "t"))),
                place(&["sales"], Some("t"), Doubt::None),
                true,
            ),
            (
                pattern(&["sales"], Some((Noun::Table, "t"))),
                place(&["sales"], Some("u"), Doubt::None),
                false,
            ),
            (
                pattern(&["sales"], Some((Noun::Table, "t"))),
                place(&["sales"], None, Doubt::None),
                false,
            ),
            (
                pattern(&["sales"], Some((Noun::View, "t"))),
                place(&["sales"], Some("t"), Doubt::None),
                false,
            ),
            (
                pattern(&["sales"], Some((Noun::Table, "*"))),
                place(&["sales"], Some("u"), Doubt::None),
                true,
            ),
        ];
        for (pattern, place, expected) in table {
            for reading in [Reading::Certainly, Reading::Perhaps] {
                assert_eq!(
                    speaks_of(&pattern, &place, reading, false),
                    expected,
                    "{pattern:?} {place:?} {reading:?}"
                );
            }
        }
    }

    #[test]
    fn a_doubt_grants_nothing_and_denies_what_it_may_be() {
        let sales = pattern(&["sales"], None);
        let one = pattern(&["sales"], Some((Noun::Table, "t")));
        let all = pattern(&["**"], None);
        let table = [
            (&sales, place(&[], None, Doubt::Anywhere), false, true),
            (&all, place(&[], None, Doubt::Anywhere), true, true),
            (
                &sales,
                place(&["other"], None, Doubt::Namespace),
                false,
                true,
            ),
            (&all, place(&["other"], None, Doubt::Namespace), true, true),
            (
                &sales,
                place(&["sales"], Some("u"), Doubt::Object),
                true,
                true,
            ),
            (
                &one,
                place(&["sales"], Some("u"), Doubt::Object),
                false,
                true,
            ),
            (
                &one,
                place(&["other"], Some("u"), Doubt::Object),
                false,
                false,
            ),
        ];
        for (pattern, place, certainly, perhaps) in table {
            assert_eq!(
                speaks_of(pattern, &place, Reading::Certainly, false),
                certainly,
                "{place:?}"
            );
            assert_eq!(
                speaks_of(pattern, &place, Reading::Perhaps, false),
                perhaps,
                "{place:?}"
            );
        }
    }

    #[test]
    fn where_case_says_nothing() {
        let pii = pattern(&["pii"], None);
        assert!(speaks_of(
            &pii,
            &place(&["PII"], None, Doubt::None),
            Reading::Certainly,
            true
        ));
        assert!(!speaks_of(
            &pii,
            &place(&["PII"], None, Doubt::None),
            Reading::Perhaps,
            false
        ));
        // FULLWIDTH LATIN SMALL LETTERS
        let wide = place(&["ｐｉｉ"], None, Doubt::None);
        assert!(!speaks_of(&pii, &wide, Reading::Certainly, true));
        assert!(speaks_of(&pii, &wide, Reading::Perhaps, true));
        // KELVIN SIGN, in the pattern
        let kelvin = pattern(&["\u{212a}"], None);
        let k = place(&["k"], None, Doubt::None);
        assert!(!speaks_of(&kelvin, &k, Reading::Certainly, true));
        assert!(speaks_of(&kelvin, &k, Reading::Perhaps, true));
        // What is the same is the same.
        let umlaut = pattern(&["größe"], None);
        let same = place(&["größe"], None, Doubt::None);
        assert!(speaks_of(&umlaut, &same, Reading::Certainly, true));
        assert!(!speaks_of(
            &umlaut,
            &place(&["grösse"], None, Doubt::None),
            Reading::Certainly,
            true
        ));
    }

    #[test]
    fn where_case_says_nothing_more_may_say_nothing() {
        for (written, asked) in [
            // Hive: normalizeIdentifier trims.
            ("pii", "pii "),
            ("pii", " PII"),
            ("pii ", "pii"),
            // MySQL's collations.
            ("café", "cafe"),
            ("straße", "STRASSE"),
        ] {
            let pattern = pattern(&[written], None);
            let asked = place(&[asked], None, Doubt::None);
            assert!(!speaks_of(&pattern, &asked, Reading::Certainly, true));
            assert!(speaks_of(&pattern, &asked, Reading::Perhaps, true));
            assert!(!speaks_of(&pattern, &asked, Reading::Perhaps, false));
        }
    }

    #[test]
    fn all_below_a_namespace() {
        let below = place(&["sales", "eu"], None, Doubt::Below);
        for (pattern, certainly, perhaps) in [
            (pattern(&["**"], None), true, true),
            (pattern(&["sales", "**"], None), true, true),
            (pattern(&["*", "eu", "**"], None), true, true),
            (pattern(&["sales", "eu"], None), false, true),
            (pattern(&["sales", "eu", "pii", "**"], None), false, true),
            (
                pattern(&["sales", "eu", "x"], Some((Noun::Table, "t"))),
                false,
                true,
            ),
            (pattern(&["sales", "us", "**"], None), false, false),
            (pattern(&["other"], None), false, false),
        ] {
            for (reading, expected) in
                [(Reading::Certainly, certainly), (Reading::Perhaps, perhaps)]
            {
                assert_eq!(
                    speaks_of(&pattern, &below, reading, false),
                    expected,
                    "{pattern:?} {reading:?}"
                );
            }
        }
    }

    #[test]
    fn the_way_to_what_is_granted() {
        let deep = pattern(&["a", "*", "c"], None);
        let object = pattern(&["a"], Some((Noun::Table, "t")));
        let tree = pattern(&["a", "**"], None);
        for (pattern, levels, expected) in [
            (&deep, &[] as &[&str], true),
            (&deep, &["a"], true),
            (&deep, &["a", "x"], true),
            (&deep, &["b"], false),
            (&deep, &["a", "x", "c"], true),
            (&deep, &["a", "x", "d"], false),
            (&deep, &["a", "x", "c", "d"], false),
            (&tree, &["a"], true),
            (&tree, &["a", "x", "y"], true),
            (&tree, &["b"], false),
            (&object, &["a"], true),
            (&object, &[], true),
            (&object, &["a", "b"], false),
        ] {
            let place = place(levels, None, Doubt::None);
            assert_eq!(leads_to(pattern, &place, false), expected, "{levels:?}");
        }
        let dotted = place(&["a"], None, Doubt::Namespace);
        assert!(!leads_to(&deep, &dotted, false));
        assert!(leads_to(&pattern(&["**"], None), &dotted, false));
    }
}
