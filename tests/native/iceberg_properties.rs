//! What holds for every path: readers of other schools agree with the router on what it accepts.

#![allow(clippy::arithmetic_side_effects, clippy::string_slice)]

use icegate::iceberg::{
    Kind, Layout, Method, Name, Noun, Operation, Part, PathFault, Place, Route, route,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn layouts() -> Vec<Layout> {
    [
        (Kind::Iceberg, "", "%1F"),
        (Kind::Iceberg, "/rest", "%2E"),
        (Kind::Nessie, "/iceberg", "%1F"),
        (Kind::Polaris, "/api/catalog", "%1F"),
        (Kind::Lakekeeper, "/catalog", "%1F"),
    ]
    .map(|(kind, base, separator)| Layout::new(kind, base, separator).expect("a layout"))
    .to_vec()
}

// Reference readers, written from their standards.

/// RFC 3986 section 2.1, each triplet once; anything else as it is.
fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let hex = text
            .get(at + 1..at + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.map(|hex| u8::from_str_radix(hex, 16)) {
            Some(Ok(byte)) if text[at] == b'%' => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(text[at]);
                at += 1;
            }
        }
    }
    decoded
}

/// The URL standard's path state for a special scheme (`http`): the segments after parsing.
fn whatwg_segments(target: &str) -> Vec<String> {
    let target: String = target
        .chars()
        .filter(|one| !matches!(one, '\t' | '\n' | '\r'))
        .collect();
    let path = target.split(['?', '#']).next().expect("a first part");
    let mut segments: Vec<String> = Vec::new();
    let mut parts = path.split(['/', '\\']).skip(1).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part.to_ascii_lowercase().as_str() {
            ".." | ".%2e" | "%2e." | "%2e%2e" => {
                segments.pop();
                if last {
                    segments.push(String::new());
                }
            }
            "." | "%2e" => {
                if last {
                    segments.push(String::new());
                }
            }
            _ => segments.push(
                part.chars()
                    .map(|one| match one {
                        ' ' | '"' | '<' | '>' | '`' | '^' | '{' | '}' => {
                            format!("%{:02X}", u32::from(one))
                        }
                        '\u{0}'..='\u{1f}' | '\u{7f}'.. => "encoded".to_owned(),
                        _ => one.to_string(),
                    })
                    .collect(),
            ),
        }
    }
    segments
}

/// `java.net.URI`: refuses what is no `pchar`, then `getPath()` decodes and the servlet splits.
fn java_segments(path: &str) -> Option<Vec<String>> {
    let legal = |one: char| one.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%/".contains(one);
    if !path.chars().all(legal) {
        return None;
    }
    let decoded = String::from_utf8(percent_decode(path.as_bytes())).ok()?;
    Some(decoded.split('/').skip(1).map(str::to_owned).collect())
}

/// RFC 3986 section 5.2.4 on the path, after runs of slashes were merged as Envoy does.
fn normalized(path: &str) -> String {
    let mut merged = String::new();
    for one in path.chars() {
        if !(one == '/' && merged.ends_with('/')) {
            merged.push(one);
        }
    }
    let mut input = merged.as_str();
    let mut output = String::new();
    while !input.is_empty() {
        if let Some(rest) = input
            .strip_prefix("../")
            .or_else(|| input.strip_prefix("./"))
        {
            input = rest;
        } else if input.starts_with("/./") {
            input = &input[2..];
        } else if input == "/." {
            input = "/";
        } else if input.starts_with("/../") || input == "/.." {
            input = if input == "/.." { "/" } else { &input[3..] };
            output.truncate(output.rfind('/').unwrap_or(0));
        } else if input == "." || input == ".." {
            input = "";
        } else {
            let end = input[1..].find('/').map_or(input.len(), |end| end + 1);
            output.push_str(&input[..end]);
            input = &input[end..];
        }
    }
    output
}

/// `java.net.URLEncoder`, which Iceberg's Java client uses for names.
fn java_encode(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Python's `urllib.parse.quote(name, safe="")`, which PyIceberg uses.
fn python_quote(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'~' | b'_' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

// What is generated.

/// Pieces out of which paths go wrong.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&'static [u8]> = vec![
        b"/",
        b"//",
        b".",
        b"..",
        b"/./",
        b"/../",
        b"%2e",
        b"%2E",
        b"%252e",
        b"%2f",
        b"%2F",
        b"%5c",
        b"\\",
        b";",
        b";a=b",
        b"%3b",
        b"#",
        b"?",
        b"&",
        b"+",
        b"%2B",
        b"%20",
        b" ",
        b"%1F",
        b"%1f",
        b"\x1f",
        b"%00",
        b"%25",
        b"%2541",
        b"41",
        b"%",
        b"%4",
        b"%zz",
        b"%C3%A4",
        b"%C3",
        b"%c0%af",
        b"\xc3\xa4",
        b"%7C",
        b"|",
        b"@",
        b"%23",
        b"'",
        b"`",
        b"*",
        b"~",
        b"v1",
        b"V1",
        b"namespaces",
        b"%6Eamespaces",
        b"tables",
        b"views",
        b"config",
        b"rename",
        b"polaris",
        b"access_token=",
        b"a",
        b"x y",
        b"\t",
        b"http://x",
    ];
    prop_oneof![
        8 => select(known).prop_map(<[u8]>::to_vec),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ]
}

/// The path of a place with pieces in the place of names, and perhaps more pieces thrown in.
fn target(layout: Layout) -> impl Strategy<Value = (Layout, Method, Vec<u8>)> {
    let name = proptest::collection::vec(piece(), 1..4).prop_map(|pieces| pieces.concat());
    let quiet_name = "[a-c.+%~@*']{0,2}[a-c]";
    let names = proptest::collection::vec(
        prop_oneof![1 => name, 3 => quiet_name.prop_map(|name| name.replace('%', "%25").into_bytes())],
        9,
    );
    let thrown = proptest::collection::vec((any::<Index>(), piece()), 0..3);
    (
        select(Operation::PLACES),
        names,
        thrown,
        any::<bool>(),
        prop_oneof![3 => Just(true), 1 => Just(false)],
    )
        .prop_map(
            move |(place, names, thrown, prefix, calm): (Place, _, _, _, _)| {
                let mut path = layout.base_path().as_bytes().to_vec();
                for (part, name) in place.parts.iter().zip(names) {
                    if *part == Part::Prefix && !prefix {
                        continue;
                    }
                    path.push(b'/');
                    match part {
                        Part::Word(word) => path.extend(word.as_bytes()),
                        _ => path.extend(name),
                    }
                }
                for (at, piece) in thrown.into_iter().filter(|_| !calm) {
                    let at = at.index(path.len() + 1);
                    path.splice(at..at, piece);
                }
                (layout.clone(), place.method, path)
            },
        )
}

fn targets() -> impl Strategy<Value = (Layout, Method, Vec<u8>)> {
    select(layouts()).prop_flat_map(target)
}

/// A name that a person could give: no control characters, nothing that the gate refuses in names.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_. +%@|*~'\"!:;,?#\\[\\]{}()&=<>$^-]{1,8}",
        "[\u{20}-\u{7e}\u{a1}-\u{2ff}\u{4e00}-\u{4e20}\u{1f600}-\u{1f64f}]{1,6}",
    ]
    .prop_map(|name| name.replace(['/', '\\'], "-"))
    .prop_filter("a dot segment, or one encoded on purpose", |name| {
        let undone = name.to_lowercase().replace("%25", "%").replace("%2e", ".");
        !matches!(undone.as_str(), "." | "..")
    })
}

fn method_target(operation: Operation, kind: Kind, base: &str, names: [Option<&str>; 3]) -> String {
    let [prefix, namespace, object] = names;
    let place = Operation::PLACES
        .iter()
        .find(|place| place.operation == operation && place.kinds.contains(&kind))
        .expect("a place");
    let mut path = base.to_owned();
    for part in place.parts {
        let text = match part {
            Part::Word(word) => Some(*word),
            Part::Prefix => prefix,
            Part::Namespace => namespace,
            Part::Object(_) => object,
            Part::Extra => Some("extra"),
        };
        if let Some(text) = text {
            path.push('/');
            path.push_str(text);
        }
    }
    path
}

fn levels(name: Option<Name<'_>>) -> Vec<String> {
    name.into_iter()
        .flat_map(|name| {
            name.levels()
                .map(|level| level.into_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The raw segments that the route claims to have seen, for the place that it claims.
fn claimed(found: &Route<'_>, layout: &Layout, path: &str) -> bool {
    Operation::PLACES
        .iter()
        .filter(|place| place.operation == found.operation && place.kinds.contains(&layout.kind()))
        .any(|place| {
            let mut claim = layout.base_path().to_owned();
            for part in place.parts {
                let name = match part {
                    Part::Word(word) => {
                        claim += &format!("/{word}");
                        continue;
                    }
                    Part::Prefix => found.prefix,
                    Part::Namespace => found.namespace,
                    Part::Object(_) => found.object,
                    Part::Extra => found.extra,
                };
                if let Some(name) = name {
                    claim += &format!("/{}", String::from_utf8_lossy(name.raw()));
                }
            }
            claim == path
        })
}

/// What other readers must make of an accepted target.
fn agreed(layout: &Layout, found: &Route<'_>, raw: &[u8]) -> Result<(), TestCaseError> {
    let text = std::str::from_utf8(raw).expect("accepted targets are ASCII");
    let path = text.split('?').next().expect("a first part");

    let segments: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
    prop_assert!(
        claimed(found, layout, path),
        "{found:?} does not make up {path}"
    );
    prop_assert_eq!(&whatwg_segments(text), &segments);
    let decoded: Vec<String> = segments
        .iter()
        .map(|one| String::from_utf8(percent_decode(one.as_bytes())).expect("UTF-8"))
        .collect();
    prop_assert_eq!(java_segments(path), Some(decoded));
    prop_assert_eq!(normalized(path), path);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(raw in proptest::collection::vec(any::<u8>(), 0..64), pick in any::<Index>()) {
        let layouts = layouts();
        let layout = pick.get(&layouts);
        let _ = route(Method::Get, &raw, layout);
        let mut below = format!("{}/v1/", layout.base_path()).into_bytes();
        below.extend(raw);
        if let Ok(found) = route(Method::Get, &below, layout) {
            agreed(layout, &found, &below)?;
        }
    }

    #[test]
    fn accepted_paths_are_the_same_to_every_reader((layout, method, raw) in targets()) {
        if let Ok(found) = route(method, &raw, &layout) {
            agreed(&layout, &found, &raw)?;
            for name in [found.prefix, found.namespace, found.object, found.extra].into_iter().flatten() {
                prop_assert!(!name.decode().is_empty());
                prop_assert!(name.levels().all(|level| !level.is_empty()));
                let only_unit_separators = |one: char| !one.is_control() || one == '\u{1f}';
                prop_assert!(name.decode().chars().filter(char::is_ascii).all(only_unit_separators));
            }
        }
    }

    /// Whatever is in the query, the operation and the names come from the path alone.
    #[test]
    fn the_query_changes_nothing((layout, method, raw) in targets(), query in "[ -~]{0,20}") {
        prop_assume!(!raw.contains(&b'?'));
        let with_query = [raw.as_slice(), b"?", query.as_bytes()].concat();
        if let Ok(found) = route(method, &with_query, &layout) {
            let without = route(method, &raw, &layout).expect("accepted with a query");
            prop_assert_eq!(Route { query: b"", ..found }, without);
            prop_assert_eq!(found.query, query.as_bytes());
        }
    }

    /// Java's and Python's spellings of a name mean that name, in the place where the catalog can tell.
    #[test]
    fn what_clients_encode_is_what_they_meant(
        outer in name(), inner in name(), object in name(), pick in any::<Index>(), view in any::<bool>(), java in any::<bool>(),
    ) {
        let layouts = layouts();
        let layout = pick.get(&layouts);
        let kind = layout.kind();
        let has = |one: char| [&outer, &inner, &object].iter().any(|name| name.contains(one));
        // No way to say it in these catalogs' paths.
        prop_assume!(kind != Kind::Lakekeeper || !has('+'));
        prop_assume!(!(java && kind == Kind::Nessie && has(' ')));
        prop_assume!(!(java && kind == Kind::Polaris && (outer.contains(' ') || inner.contains(' '))));
        prop_assume!(layout.separator() != "%2E" || !(outer.contains('.') || inner.contains('.')));

        let encode = if java { java_encode } else { python_quote };
        let namespace = format!("{}{}{}", encode(&outer), layout.separator(), encode(&inner));
        let operation = if view { Operation::LoadView } else { Operation::LoadTable };
        let path = method_target(operation, kind, layout.base_path(), [Some("p"), Some(&namespace), Some(&encode(&object))]);
        let again = |name: &str| {
            let bytes = name.as_bytes();
            (0..bytes.len()).any(|at| bytes[at] == b'%' && bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)))
        };
        match route(Method::Get, path.as_bytes(), layout) {
            Ok(found) => {
                prop_assert_eq!(found.operation, operation);
                prop_assert_eq!(levels(found.namespace), vec![outer, inner]);
                prop_assert_eq!(found.object.expect("an object").decode(), object);
                prop_assert_eq!(found.prefix.expect("a prefix").decode(), "p");
            }
            Err(fault) => {
                prop_assert_eq!(fault, PathFault::DoubleEncoding, "{}", path);
                prop_assert!(kind == Kind::Polaris && again(&object), "{}", path);
            }
        }
    }

    /// A letter that is percent-encoded in a name is the same name; in a word of the route it is refused.
    #[test]
    fn encoded_letters((layout, method, raw) in targets(), at in any::<Index>()) {
        if let Ok(found) = route(method, &raw, &layout) {
            let base = layout.base_path().len();
            prop_assume!(raw.len() > base);
            let at = base + at.index(raw.len() - base);
            let digit_of_triplet = raw[..at].iter().rev().take(2).any(|byte| *byte == b'%');
            prop_assume!(raw[at].is_ascii_alphabetic() && !digit_of_triplet && !raw[..at].contains(&b'?'));
            let encoded = [&raw[..at], format!("%{:02x}", raw[at]).as_bytes(), &raw[at + 1..]].concat();
            match route(method, &encoded, &layout) {
                Ok(other) => {
                    prop_assert_eq!(other.operation, found.operation);
                    for (one, two) in [(found.prefix, other.prefix), (found.object, other.object), (found.extra, other.extra)] {
                        prop_assert_eq!(one.map(|name| name.decode()), two.map(|name| name.decode()));
                    }
                    prop_assert_eq!(levels(found.namespace), levels(other.namespace));
                }
                Err(fault) => prop_assert_eq!(fault, PathFault::RouteWordSpelling),
            }
        }
    }
}

/// The strategies above are worth something only when both verdicts come up often.
#[test]
fn the_generator_hits_both_sides() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut accepted, mut faults) = (0, std::collections::BTreeSet::new());
    for _ in 0..4000 {
        let (layout, method, raw) = targets().new_tree(&mut runner).expect("a value").current();
        match route(method, &raw, &layout) {
            Ok(_) => accepted += 1,
            Err(fault) => {
                faults.insert(fault.name());
            }
        }
    }
    assert!(accepted > 400, "{accepted} accepted");
    assert!(faults.len() > 18, "{faults:?}");
}

/// The reference readers do see differences, so that their agreement means something.
#[test]
fn the_reference_readers_are_no_yes_men() {
    assert_eq!(whatwg_segments("/a/x/%2e%2E/b\\c#d"), ["a", "b", "c"]);
    assert_eq!(
        java_segments("/a%2Fb"),
        Some(vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(java_segments("/a|b"), None);
    assert_eq!(normalized("/a//b/./c/../d"), "/a/b/d");
    assert_eq!(java_encode("a b+*~ä"), "a+b%2B*%7E%C3%A4");
    assert_eq!(python_quote("a b+*~ä"), "a%20b%2B%2A~%C3%A4");
}

#[test]
fn objects_of_every_noun_are_met() {
    let nouns: Vec<Noun> = [
        Noun::Table,
        Noun::View,
        Noun::Function,
        Noun::GenericTable,
        Noun::Policy,
        Noun::SemanticModel,
    ]
    .to_vec();
    for noun in nouns {
        assert!(
            Operation::PLACES
                .iter()
                .any(|place| place.parts.contains(&Part::Object(noun))),
            "{noun:?}"
        );
    }
}
