//! Any bytes as a body, as a query and as storage locations: no panic, and readers of other schools find in
//! what is accepted just what the gate found.
#![no_main]

use icegate::iceberg::{Kind, Layout, Method, Operation, StorageLocation, read_body, read_query, route};
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/native/support/bodies.rs"]
mod bodies;
#[path = "../../tests/native/support/locations.rs"]
mod locations;

use bodies::{School, Tree, found, lines_of};
use locations::resolved;

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let choice = usize::from(*choice);
    body(Operation::ALL[choice % Operation::ALL.len()], rest);
    query(choice, rest);
    if let Ok(text) = std::str::from_utf8(rest) {
        location(text);
    }
});

fn body(operation: Operation, text: &[u8]) {
    let Ok(body) = read_body(operation, text) else { return };
    for named in &body.names {
        let levels = named.namespace.iter().flatten();
        for name in levels.chain(named.object.as_ref().map(|object| &object.name)) {
            assert!(!name.is_empty() && !name.contains(['/', '\\']) && name != "." && name != "..");
            assert!(!name.chars().any(|one| one.is_ascii_control()));
        }
    }
    assert!(body.locations.iter().all(|location| location.field.is_ascii()));
    // None where a tree would be too deep.
    if let Some(tree) = Tree::of(text) {
        for school in School::ALL {
            assert_eq!(found(operation, &tree, school), lines_of(operation, &body), "{school:?}");
        }
    }
}

/// Every server takes a query for a form; `form_urlencoded` is one of them.
fn query(choice: usize, query: &[u8]) {
    const PATHS: [&str; 4] =
        ["/v1/config", "/v1/p/namespaces", "/v1/p/namespaces/a/tables/t", "/polaris/v1/p/applicable-policies"];
    let kind = Kind::ALL[choice % Kind::ALL.len()];
    let layout = Layout::new(kind, "", "%1F").unwrap();
    let target = [PATHS[(choice >> 2) % PATHS.len()].as_bytes(), b"?", query].concat();
    let Ok(route) = route(Method::Get, &target, &layout) else { return };
    let Ok(read) = read_query(&route, &layout) else { return };
    let form: Vec<(String, String)> = form_urlencoded::parse(query).into_owned().collect();
    let value = |name: &str| {
        let mut values = form.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        (values.next().cloned().unwrap_or_default(), values.next())
    };
    if let Some(warehouse) = read.warehouse {
        assert_eq!(value("warehouse"), (warehouse, None));
    }
    let spaces = |text: String| if kind == Kind::Lakekeeper { text.replace('+', " ") } else { text };
    if let Some(parent) = read.parent {
        let (text, second) = value("parent");
        assert_eq!((spaces(text), second), (parent.join("\u{1f}"), None));
    }
    if let Some(target) = read.target {
        let (namespace, second) = value("namespace");
        assert_eq!((spaces(namespace), second), (target.namespace.join("\u{1f}"), None));
        assert_eq!(value("target-name"), (target.name.unwrap_or_default(), None));
    }
    if !read.referenced_by.is_empty() {
        let views = read.referenced_by.iter().map(|view| {
            format!("{}\u{1f}{}", view.namespace.join("\u{1f}"), view.name)
        });
        assert_eq!(value("referenced-by"), (views.collect::<Vec<_>>().join(","), None));
    }
}

fn location(text: &str) {
    let (operator, asked) = text.split_once('\n').unwrap_or(("s3://b/acme/", text));
    let (Ok(border), Ok(place)) = (StorageLocation::parse(operator), StorageLocation::parse(asked)) else { return };
    assert!(border.holds(&border));
    // The reference reader decodes four times, so that an operator's own triplets mean nothing to it.
    if border.holds(&place) && !operator.contains('%') {
        let (border, place) = (resolved(operator), resolved(asked));
        assert!(place.starts_with(&border), "{asked} is not in {operator}");
    }
}
