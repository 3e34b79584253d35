//! What holds of programs for any configuration of them and any request.

use icegate::config::Grant;
use icegate::identity::{Caller, Standing};
use icegate::policy::Decision;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::desk::{Desk, Request};
use crate::policy_programs::{own, token};
use crate::policy_properties::{Asking, MORE, Outcome, grants, outcome, requests};

/// Two services by any of these subjects, with any `may`, border and account.
fn services() -> impl Strategy<Value = Value> {
    let one = (
        select(vec!["91aa", "alice", "dbt"]),
        select(vec![json!(null), json!("trino"), json!("engine-cli")]),
        subsequence(MORE.to_vec(), 1..4),
        select(vec![
            json!("acme"),
            json!("globex"),
            json!(["acme", "globex"]),
        ]),
        any::<bool>(),
    );
    let block = |(sub, azp, may, tenant, account): (&str, Value, Vec<&str>, Value, bool)| {
        let mut who = json!({"issuer": "corp", "sub": sub});
        if !azp.is_null() {
            who["azp"] = azp;
        }
        let mut block = json!({"who": who, "tenant": tenant, "may": may});
        if account {
            block["token"] = json!({"client_credentials": {"from": "corp", "id": "own", "secret": {"env": "ICEGATE_SECRET"}}});
        }
        block
    };
    one.prop_map(block)
}

/// Claims of corp's tokens: of persons and of programs, listed or not.
fn callers() -> impl Strategy<Value = (&'static str, Value)> {
    let subject = select(vec!["91aa", "alice", "bob", "dbt"]);
    let azp = select(vec!["trino", "engine-cli", "icegate-x"]);
    let groups = subsequence(vec!["/t/acme", "/t/globex", "g"], 0..3);
    let marked = select(vec![
        None,
        None,
        Some(("jti", "trrtcc:1")),
        Some(("idtyp", "app")),
        Some(("preferred_username", "service-account-x")),
    ]);
    (subject, azp, groups, marked).prop_map(|(subject, azp, groups, marked)| {
        let mut claims = json!({"azp": azp, "groups": groups});
        if let Some((claim, value)) = marked {
            claims[claim] = value.into();
        }
        (subject, claims)
    })
}

fn desk(grants: &[Value], services: Value, more: &[(&str, Value)]) -> Desk {
    let changes = [("/grants", Value::from(grants)), ("/services", services)];
    Desk::with(&[&changes, more].concat())
}

/// How a request goes on, with the grant that gets its token.
fn way(desk: &Desk, caller: &Caller, asking: &Asking) -> Option<Grant> {
    let request = Request {
        method: asking.method,
        path: &asking.path,
        body: asking.body.clone(),
        delegation: None,
    };
    let context = match desk.ask(caller, &request) {
        Ok(Decision::Yes(permit)) => permit.context(),
        Ok(Decision::ReadBody(context) | Decision::AskPrefix(_, context)) => context,
        Err(_) => return None,
    };
    Some(desk.config.context(context).expect("a context").grant)
}

fn marked(claims: &Value) -> bool {
    ["jti", "idtyp", "preferred_username"]
        .iter()
        .any(|claim| claims.get(claim).is_some())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_program_that_is_not_listed_never_passes(
        grants in grants(&MORE), service in services(), (subject, claims) in callers(), asking in requests(), reported in any::<bool>(),
    ) {
        let desk = desk(&grants, json!({ "one": service }), &[("/report_only", json!({ "grants": reported }))]);
        let caller = token(&desk, subject, &claims);
        if caller.standing() == Standing::Program {
            prop_assert_eq!(outcome(&desk, &caller, &asking).reason, Some("program_not_listed"));
        } else {
            prop_assert!(!marked(&claims) || matches!(caller.standing(), Standing::Service(_)));
        }
    }

    /// Services change nothing for whoever is none of them.
    #[test]
    fn a_service_changes_nothing_for_a_person(
        grants in grants(&MORE), service in services(), (subject, claims) in callers(), asking in requests(),
    ) {
        let with = desk(&grants, json!({ "one": service }), &[]);
        let without = Desk::granting(Value::from(grants));
        let (caller, before) = (token(&with, subject, &claims), token(&without, subject, &claims));
        if !matches!(caller.standing(), Standing::Service(_)) {
            prop_assert_eq!(caller.standing(), before.standing());
            prop_assert_eq!(outcome(&with, &caller, &asking), outcome(&without, &before, &asking));
        }
    }

    /// And nobody but a listed program goes by an account of a program's own.
    #[test]
    fn no_person_goes_by_a_programs_account(
        grants in grants(&MORE), service in services(), (subject, claims) in callers(), asking in requests(), alone in any::<bool>(),
    ) {
        let mut service = service;
        let mut more = vec![];
        if alone {
            service.as_object_mut().expect("a block").remove("tenant");
            more = vec![("/access", json!("catalog_decides")), ("/tenants", Value::Null), ("/grants", Value::Null)];
        }
        let desk = desk(&grants, json!({ "one": service }), &more);
        let caller = token(&desk, subject, &claims);
        let by_account = desk.config.services[0].by_own_account;
        if let Some(grant) = way(&desk, &caller, &asking) {
            prop_assert!(caller.standing() != Standing::Program);
            let own = matches!(caller.standing(), Standing::Service(_)) && !by_account.is_empty();
            prop_assert_eq!(grant == Grant::ClientCredentials, own);
        }
    }

    /// What is taken out of `may` is allowed no more, and nothing else is allowed for it, but for one thing, as with grants:
    /// a table may be moved from a place where something is denied, once that is nothing that the program may elsewhere.
    #[test]
    fn less_in_may_never_allows_more(
        grants in grants(&MORE), may in subsequence(MORE.to_vec(), 2..6), gone in any::<prop::sample::Index>(), asking in requests(),
        reported in any::<bool>(),
    ) {
        let mut less = may.clone();
        less.remove(gone.index(may.len()));
        let listing = |may: &[&str]| {
            let block = json!({"who": {"issuer": "corp", "sub": "91aa", "azp": "trino"}, "tenant": "acme", "may": may});
            let desk = desk(&grants, json!({ "trino": block }), &[("/report_only", json!({ "grants": reported }))]);
            let engine = token(&desk, "91aa", &own(json!({})));
            outcome(&desk, &engine, &asking)
        };
        let (all, less) = (listing(&may), listing(&less));
        if less.is_yes() && !all.is_yes() {
            prop_assert!(asking.moves());
            prop_assert_eq!(all.reason, Some("grant_widened"));
        }
        if less.is_yes() && all.is_yes() {
            for (all, less) in all.withheld.iter().zip(less.withheld) {
                prop_assert!(!all || less);
            }
        }
    }

    /// A program with all of `may` and no deny may what a person may to whom all is granted.
    #[test]
    fn a_program_is_held_by_the_same_border(asking in requests(), service in any::<bool>()) {
        let everything = json!([{"tenant": "acme", "who": "all", "may": ["all"]}]);
        let block = json!({"who": {"issuer": "corp", "sub": "91aa"}, "tenant": if service { "acme" } else { "globex" }, "may": ["all"]});
        let desk = desk(everything.as_array().expect("a list"), json!({ "trino": block }), &[]);
        let engine = token(&desk, "91aa", &own(json!({})));
        let expected = match service {
            true => outcome(&desk, &desk.alice(&[]), &asking),
            false => Outcome { reason: Some("outside_border"), withheld: [true; 2] },
        };
        prop_assert_eq!(outcome(&desk, &engine, &asking), expected);
    }
}
