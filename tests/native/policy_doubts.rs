//! The same where nobody can be sure what a name is: dots, case, plus signs, and names of every kind of letter.

use icegate::identity::Caller;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::desk::{Desk, Request, robot};

/// Catalogs with a warehouse of acme's: name in the file, path, and the names that meet there.
const CATALOGS: [(&str, &str, &str, [&str; 6]); 3] = [
    (
        "rest",
        "big",
        "/rest/v1/big",
        ["a", "b", "a.b", "A", "a%1Fb", "."],
    ),
    (
        "keeper",
        "acme",
        "/catalog/v1/8c1f",
        ["a", "A", "%C3%A4", "%C3%84", "a%20", "s%C5%BF"],
    ),
    (
        "polaris",
        "acme_raw",
        "/api/catalog/v1/acme_raw",
        ["a", "a+b", "a%2Bb", "a%20b", "b", "a.b"],
    ),
];

fn desk(grants: &[Value]) -> Desk {
    Desk::with(&[
        (
            "/tenants/acme/reach/rest",
            json!([{"warehouse": "big", "prefix": "big"}]),
        ),
        (
            "/tenants/acme/reach/keeper",
            json!([{"warehouse": "acme", "prefix": "8c1f"}]),
        ),
        ("/grants", Value::from(grants)),
    ])
}

fn caller(desk: &Desk, catalog: usize) -> Caller {
    match catalog {
        0 => robot(&desk.config, "acme-bot"),
        _ => desk.alice(&[]),
    }
}

/// A level of a pattern, as the configuration writes names.
fn written(name: &str) -> Option<String> {
    let decoded = name
        .replace("%C3%A4", "ä")
        .replace("%C3%84", "Ä")
        .replace("%20", " ")
        .replace("%C5%BF", "ſ")
        .replace("%2B", "+");
    (!decoded.contains('.') && !decoded.contains('%')).then_some(decoded)
}

#[derive(Clone, Debug)]
struct Asked {
    catalog: usize,
    method: &'static str,
    path: String,
}

fn asked(catalog: usize) -> impl Strategy<Value = Asked> {
    let (_, _, base, names) = CATALOGS[catalog];
    let names = select(names.to_vec()).prop_filter("a path has it", |name| *name != ".");
    (names.clone(), names, 0_usize..5).prop_map(move |(space, name, shape)| {
        let name = name.replace("%1F", "");
        let (method, path) = match shape {
            0 => ("GET", format!("{base}/namespaces")),
            1 => ("GET", format!("{base}/namespaces/{space}")),
            2 => ("GET", format!("{base}/namespaces/{space}/tables/{name}")),
            3 => ("DELETE", format!("{base}/namespaces/{space}/tables/{name}")),
            _ => ("GET", format!("{base}/namespaces/{space}/views/{name}")),
        };
        Asked {
            catalog,
            method,
            path,
        }
    })
}

fn grants(catalog: usize) -> impl Strategy<Value = Vec<Value>> {
    let (name, warehouse, _, names) = CATALOGS[catalog];
    let names: Vec<String> = names
        .into_iter()
        .filter_map(written)
        .chain(["*".to_owned()])
        .collect();
    let pattern =
        (select(names.clone()), select(names), 0_usize..4).prop_map(|(space, name, shape)| {
            match shape {
                0 => json!([space]),
                1 => json!([space, "**"]),
                2 => json!({"namespace": [space], "table": name}),
                _ => json!(["**"]),
            }
        });
    let one = (
        pattern,
        select(vec!["may", "may", "deny"]),
        select(vec!["read", "write", "loadTable"]),
    );
    let one = one.prop_map(move |(pattern, key, action)| {
        json!({"tenant": "acme", "who": "all", key: [action], "at": {name: {warehouse: [pattern]}}})
    });
    prop::collection::vec(one, 1..5)
}

fn allows(grants: &[Value], asked: &Asked) -> bool {
    let desk = desk(grants);
    let request = Request {
        method: asked.method,
        path: &asked.path,
        body: None,
        delegation: None,
    };
    desk.ask(&caller(&desk, asked.catalog), &request).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn grants_add_and_denies_take_away(
        (grants, more, asked) in (0_usize..3).prop_flat_map(|catalog| (grants(catalog), grants(catalog), asked(catalog))),
    ) {
        let all: Vec<Value> = grants.iter().chain(&more).cloned().collect();
        let (before, after) = (allows(&grants, &asked), allows(&all, &asked));
        if more.iter().all(|grant| grant.get("may").is_some()) {
            prop_assert!(!before || after);
        }
        if more.iter().all(|grant| grant.get("deny").is_some()) {
            prop_assert!(before || !after);
        }
    }

    /// Whatever one spelling of a name is refused because of a deny, no other spelling that may be the same passes.
    #[test]
    fn no_spelling_walks_round_a_deny(
        (denied, asked) in (0_usize..3).prop_flat_map(|catalog| (Just(catalog), asked(catalog))),
        tree in any::<bool>(),
    ) {
        let (name, warehouse, base, _) = CATALOGS[denied];
        let may = json!({"tenant": "acme", "who": "all", "may": ["all"]});
        let levels = if tree { json!(["a", "**"]) } else { json!(["a"]) };
        let deny = json!({"tenant": "acme", "who": "all", "deny": ["all"], "at": {name: {warehouse: [levels]}}});
        let spaces: &[&str] = match name {
            // ["a.b"] may be ["a", "b"].
            "rest" => &["a"],
            "keeper" => &["a", "A", "a%20", "%C3%A4", "%C3%84", "s%C5%BF"],
            _ => &["a"],
        };
        let in_it = spaces.iter().any(|space| {
            let below = asked.path.strip_prefix(&format!("{base}/namespaces/{space}"));
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        if in_it {
            prop_assert!(!allows(&[may, deny], &asked));
        }
    }
}
