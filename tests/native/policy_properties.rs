//! What holds for any grants and any request.

use icegate::identity::Caller;
use icegate::policy::Decision;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::desk::{Desk, Request};
use crate::policy_grants::RAW;

/// The places of a grant: names from a small alphabet, so that they meet.
fn patterns() -> impl Strategy<Value = Value> {
    let level = select(vec!["a", "b", "*"]);
    let levels =
        (prop::collection::vec(level, 0..3), any::<bool>()).prop_map(|(levels, subtree)| {
            let mut levels: Vec<Value> = levels.into_iter().map(Value::from).collect();
            levels.extend(subtree.then(|| json!("**")));
            Value::from(levels)
        });
    let object = (
        levels.clone(),
        select(vec!["table", "view"]),
        select(vec!["t", "u", "*"]),
    );
    let object =
        object.prop_map(|(namespace, noun, name)| json!({"namespace": namespace, noun: name}));
    prop_oneof![3 => levels, 1 => object]
}

fn places() -> impl Strategy<Value = Option<Value>> {
    let lists = prop::collection::vec(patterns(), 1..3);
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(json!({"polaris": ["acme_raw"]}))),
        1 => Just(Some(json!({"polaris": ["acme_mart"], "nessie": ["main|acme"]}))),
        4 => lists.prop_map(|places| Some(json!({"polaris": {"acme_raw": places}}))),
    ]
}

const CLASSES: [&str; 6] = ["read", "write", "commit", "admin", "sign", "credentials"];
pub(crate) const MORE: [&str; 12] = [
    "read",
    "write",
    "commit",
    "sign",
    "credentials",
    "loadTable",
    "loadView",
    "updateTable",
    "commitTransaction",
    "renameTable",
    "listNamespaces",
    "all",
];

/// Grants of acme's; `actions` are what they are made of.
fn grant(
    actions: &'static [&'static str],
    keys: Vec<&'static str>,
) -> impl Strategy<Value = Value> {
    let who = |group: &str| json!({"issuer": "corp", "claim": "groups", "has": group});
    let whos = select(vec![
        json!("all"),
        who("g"),
        who("h"),
        json!([who("g"), who("x")]),
        json!({"issuer": "corp", "sub": "alice"}),
    ]);
    let actions = subsequence(actions.to_vec(), 1..4);
    (select(keys), whos, actions, places()).prop_map(|(key, who, actions, at)| {
        let mut grant = json!({"tenant": "acme", "who": who, key: actions});
        if let Some(at) = at {
            grant["at"] = at;
        }
        grant
    })
}

pub(crate) fn grants(actions: &'static [&'static str]) -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(grant(actions, vec!["may", "may", "may", "deny"]), 1..6)
}

fn namespaces() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(select(vec!["a", "b", "c"]), 1..3)
}

/// A request at `acme_raw`.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

impl Asking {
    /// Whether it moves a table to another place, where it must not be allowed more.
    pub(crate) fn moves(&self) -> bool {
        self.path.contains("/rename") || self.path.contains("/register")
    }
}

pub(crate) fn requests() -> impl Strategy<Value = Asking> {
    let shape = 0_usize..22;
    (shape, namespaces(), namespaces(), select(vec!["t", "u"])).prop_map(|(shape, from, to, name)| {
        let space = from.join("%1F");
        let (base, in_space) = (format!("{RAW}/namespaces"), format!("{RAW}/namespaces/{space}"));
        let named = |levels: &[&str]| json!({"namespace": levels, "name": name});
        let change = json!({"identifier": named(&from), "requirements": [], "updates": []});
        let other = json!({"identifier": named(&to), "requirements": [{"type": "assert-create"}], "updates": []});
        let ends = json!({"source": named(&from), "destination": named(&to)});
        let file = json!({"name": name, "metadata-location": "s3://acme/m", "overwrite": name == "u"});
        let (method, path, body) = match shape {
            0 => ("GET", base, None),
            1 => ("GET", format!("{base}?parent={space}"), None),
            2 => ("HEAD", in_space, None),
            3 => ("DELETE", in_space, None),
            4 => ("DELETE", format!("{in_space}?recursive=true"), None),
            5 => ("GET", format!("{in_space}/tables"), None),
            6 => ("GET", format!("{in_space}/tables/{name}"), None),
            7 => ("GET", format!("{in_space}/views/{name}"), None),
            8 => ("GET", format!("{in_space}/views/{name}?referenced-by={}%1Fv", to.join("%1F")), None),
            9 => ("DELETE", format!("{in_space}/tables/{name}"), None),
            10 => ("GET", format!("{in_space}/tables/{name}/credentials"), None),
            11 => ("GET", format!("{in_space}/tables/{name}/plan/p"), None),
            12 => ("POST", base, Some(json!({"namespace": from}))),
            13 => ("POST", format!("{in_space}/tables"), Some(json!({"name": name}))),
            14 => ("POST", format!("{in_space}/views"), Some(json!({"name": name, "view-version": {"default-namespace": to}}))),
            15 => ("POST", format!("{in_space}/tables/{name}"), Some(change)),
            16 => ("POST", format!("{RAW}/transactions/commit"), Some(json!({"table-changes": [change, other]}))),
            17 => ("POST", format!("{RAW}/transactions/commit"), Some(json!({"table-changes": []}))),
            18 => ("POST", format!("{RAW}/tables/rename"), Some(ends)),
            19 => ("POST", format!("{RAW}/views/rename"), Some(ends)),
            20 => ("POST", format!("{in_space}/register"), Some(file)),
            _ => ("POST", format!("{in_space}/register-view"), Some(file)),
        };
        Asking { method, path, body }
    })
}

/// A decision, as far as it may not depend on how the grants are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// `None`: yes.
    pub(crate) reason: Option<&'static str>,
    /// Nothing of this kind is handed out: credentials, signatures.
    pub(crate) withheld: [bool; 2],
}

impl Outcome {
    pub(crate) fn is_yes(&self) -> bool {
        self.reason.is_none()
    }
}

pub(crate) fn outcome(desk: &Desk, caller: &Caller, asking: &Asking) -> Outcome {
    let request = Request {
        method: asking.method,
        path: &asking.path,
        body: asking.body.clone(),
        delegation: Some("vended-credentials,remote-signing"),
    };
    match desk.ask(caller, &request) {
        Ok(Decision::Yes(permit)) => {
            let handed = permit.delegation();
            Outcome {
                reason: None,
                withheld: [handed.withhold_credentials, handed.withhold_signing],
            }
        }
        Ok(other) => panic!("{other:?}"),
        Err(denial) => Outcome {
            reason: Some(denial.refusal.reason.name()),
            withheld: [true; 2],
        },
    }
}

/// Alice in group g, with these grants.
fn decided(grants: &[Value], asking: &Asking) -> Outcome {
    let desk = Desk::granting(Value::from(grants));
    let alice = desk.alice(&["g"]);
    outcome(&desk, &alice, asking)
}

const NO: [&str; 4] = [
    "grant_missing",
    "grant_denied",
    "view_hidden",
    "grant_widened",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_request_is_decided(grants in grants(&MORE), asking in requests()) {
        let outcome = decided(&grants, &asking);
        prop_assert!(outcome.reason.is_none_or(|reason| NO.contains(&reason)), "{:?}", outcome.reason);
    }

    #[test]
    fn the_order_of_grants_says_nothing(grants in grants(&MORE).prop_flat_map(|grants| (Just(grants.clone()), Just(grants).prop_shuffle())), asking in requests()) {
        let (first, second) = (decided(&grants.0, &asking), decided(&grants.1, &asking));
        // Whether a grant denies or none allows, each has its place in the order of demands.
        prop_assert_eq!(first, second);
    }

    /// A deny never allows more.
    #[test]
    fn a_deny_allows_nothing(grants in grants(&MORE), deny in grant(&MORE, vec!["deny"]), at in any::<prop::sample::Index>(), asking in requests()) {
        let before = decided(&grants, &asking);
        let mut more = grants;
        more.insert(at.index(more.len().saturating_add(1)), deny);
        let after = decided(&more, &asking);
        prop_assert!(before.is_yes() || !after.is_yes());
        if after.is_yes() && before.is_yes() {
            for (before, after) in before.withheld.iter().zip(after.withheld) {
                prop_assert!(!before || after);
            }
        }
    }

    /// A may never allows less, but for one thing: a table may not be moved to where more is granted now.
    #[test]
    fn a_may_takes_nothing(grants in grants(&MORE), may in grant(&MORE, vec!["may"]), at in any::<prop::sample::Index>(), asking in requests()) {
        let before = decided(&grants, &asking);
        let mut more = grants;
        more.insert(at.index(more.len().saturating_add(1)), may);
        let after = decided(&more, &asking);
        if before.is_yes() && !after.is_yes() {
            prop_assert!(asking.moves());
            prop_assert_eq!(after.reason, Some("grant_widened"));
        }
        if after.is_yes() && before.is_yes() {
            for (before, after) in before.withheld.iter().zip(after.withheld) {
                prop_assert!(before == &after || *before);
            }
        }
    }

    /// The wider a may, the more is allowed.
    #[test]
    fn a_wider_may_takes_nothing(grants in grants(&MORE), may in grant(&MORE, vec!["may"]), asking in requests()) {
        let mut wide = may.clone();
        let members = wide.as_object_mut().unwrap();
        members.remove("at");
        members.insert("who".to_owned(), json!("all"));
        let narrow = decided(&[grants.clone(), vec![may]].concat(), &asking);
        let wide = decided(&[grants, vec![wide]].concat(), &asking);
        if narrow.is_yes() && !wide.is_yes() {
            prop_assert!(asking.moves());
            prop_assert_eq!(wide.reason, Some("grant_widened"));
        }
    }

    #[test]
    fn other_tenants_and_their_grants_change_nothing(grants in grants(&MORE), foreign in grants(&MORE), asking in requests()) {
        let foreign = foreign.into_iter().map(|mut grant| {
            grant["tenant"] = json!("globex");
            grant.as_object_mut().unwrap().remove("at");
            grant
        });
        let all: Vec<Value> = grants.iter().cloned().chain(foreign).collect();
        prop_assert_eq!(decided(&grants, &asking), decided(&all, &asking));
        let alone = Desk::with(&[("/tenants/globex", Value::Null), ("/grants", Value::from(grants.clone()))]);
        let alice = alone.alice(&["g"]);
        prop_assert_eq!(decided(&grants, &asking), outcome(&alone, &alice, &asking));
        // And who is of the other tenant may nothing here.
        let desk = Desk::granting(Value::from(all));
        let gwen = outcome(&desk, &desk.gwen(), &asking);
        prop_assert_eq!(gwen.reason, Some("outside_border"));
    }

    /// What the grants would refuse passes, and nothing else changes.
    #[test]
    fn what_is_reported_passes(grants in grants(&MORE), asking in requests()) {
        let held = decided(&grants, &asking);
        let desk = Desk::with(&[("/grants", Value::from(grants)), ("/report_only", json!({"grants": true}))]);
        let alice = desk.alice(&["g"]);
        let request = Request { method: asking.method, path: &asking.path, body: asking.body.clone(), delegation: None };
        let permit = desk.permit(&alice, &request);
        let reported = permit.findings().reported.as_ref().map(|refusal| refusal.reason.name());
        prop_assert_eq!(reported, held.reason);
    }

    /// A place is decided on in the same way wherever it stands: in the path, the body or the query. With classes of
    /// operations, so that two operations of one class are granted together.
    #[test]
    fn a_body_is_decided_on_as_a_path(grants in grants(&CLASSES), from in namespaces(), to in namespaces(), name in select(vec!["t", "u"])) {
        let desk = Desk::granting(Value::from(grants));
        let alice = desk.alice(&["g"]);
        let says = |method: &'static str, path: String, body: Option<Value>| {
            outcome(&desk, &alice, &Asking { method, path: format!("{RAW}{path}"), body })
        };
        let (space, there) = (format!("/namespaces/{}", from.join("%1F")), format!("/namespaces/{}", to.join("%1F")));
        let named = |levels: &[&str]| json!({"namespace": levels, "name": name});
        let commit = json!({"requirements": [], "updates": []});
        let change = |levels: &[&str]| json!({"identifier": named(levels), "requirements": [], "updates": []});

        // Commits.
        let here = says("POST", format!("{space}/tables/{name}"), Some(commit.clone()));
        let by_transaction = |changes: Value| says("POST", "/transactions/commit".to_owned(), Some(json!({"table-changes": changes})));
        prop_assert_eq!(by_transaction(json!([change(&from)])), here.clone());
        let also = says("POST", format!("{there}/tables/{name}"), Some(commit));
        let both = by_transaction(json!([change(&from), change(&to)]));
        prop_assert_eq!(both.is_yes(), here.is_yes() && also.is_yes());
        // Only what is somewhere is granted less, and denied more.
        let somewhere = by_transaction(json!([]));
        prop_assert!(!somewhere.is_yes() || here.is_yes());

        // Writes: what is made by its name in the body against what is dropped by its name in the path.
        let drop = |space: &str, noun: &str| says("DELETE", format!("{space}/{noun}/{name}"), None).reason;
        let made = |noun: &str, body: Value| says("POST", format!("{space}/{noun}"), Some(body)).reason;
        prop_assert_eq!(made("tables", json!({"name": name})), drop(&space, "tables"));
        prop_assert_eq!(made("views", json!({"name": name})), drop(&space, "views"));
        let namespace = says("POST", "/namespaces".to_owned(), Some(json!({"namespace": from}))).reason;
        prop_assert_eq!(namespace, says("DELETE", space.clone(), None).reason);
        for noun in ["tables", "views"] {
            let ends = json!({"source": named(&from), "destination": named(&to)});
            let moved = says("POST", format!("/{noun}/rename"), Some(ends)).reason;
            let may = drop(&space, noun).is_none() && drop(&there, noun).is_none();
            prop_assert_eq!(moved.is_none() || moved == Some("grant_widened"), may);
        }

        // Reads: a namespace in the query, in a view's body, and in the path.
        let look = says("HEAD", there.clone(), None).reason;
        prop_assert_eq!(says("GET", format!("/namespaces?parent={}", to.join("%1F")), None).reason, look);
        let view = json!({"name": name, "view-version": {"default-namespace": to}});
        let view = made("views", view);
        prop_assert_eq!(view.is_none(), drop(&space, "views").is_none() && look.is_none());
        let refers = says("GET", format!("{space}/tables/{name}?referenced-by={}%1F{name}", to.join("%1F")), None).reason;
        let load = |space: &str, noun: &str| says("GET", format!("{space}/{noun}/{name}"), None).reason;
        prop_assert_eq!(refers.is_none(), load(&space, "tables").is_none() && load(&there, "views").is_none());
    }
}
