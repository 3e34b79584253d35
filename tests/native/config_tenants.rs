//! Every message that an operator can see about tenants, as it is shown: people, reach, locations, tokens.

use serde_json::{Value, json};

use crate::lake::{lake, with};
use crate::support::load_value;

const TAKE_AWAY: Value = Value::Null;

/// What loading the lake with these changes shows, line by line.
pub(crate) fn shown(changes: &[(&str, Value)]) -> Vec<String> {
    match load_value(&with(lake(), changes)) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.to_string().lines().map(str::to_owned).collect(),
    }
}

/// Each change, and the lines that it causes.
pub(crate) fn each_shows(table: &[(&str, Value, &str)]) {
    for (pointer, value, lines) in table {
        let shown = shown(&[(pointer, value.clone())]);
        assert_eq!(shown.join("\n"), *lines, "{pointer} {value}");
    }
}

#[test]
fn the_lake_loads() {
    assert_eq!(shown(&[]), [""; 0]);
}

#[test]
fn what_a_tenant_must_have() {
    each_shows(&[
        (
            "/tenants/acme",
            json!([]),
            "tenants.acme: must be an object, not a list",
        ),
        (
            "/tenants/acme/who",
            TAKE_AWAY,
            "tenants.acme.who: must be set; a tenant without people would be nobody's",
        ),
        (
            "/tenants/acme/reach",
            TAKE_AWAY,
            "tenants.acme.reach: must be set; what is not written does not exist for the tenant",
        ),
        (
            "/tenants/acme/locations",
            TAKE_AWAY,
            "tenants.acme.locations: must be set where there are several tenants, or one could point its tables at \
             another's files; write catalog_decides where the catalog sees to that",
        ),
        (
            "/tenants/acme/warehouses",
            json!([]),
            "tenants.acme.warehouses: is unknown; known here: who, reach, locations, token, limits",
        ),
        (
            "/tenants/Acme",
            json!({"who": {"issuer": "corp", "sub": "x"}, "reach": {"polaris": ["x"]}, "locations": "catalog_decides"}),
            "tenants.Acme: is no name: it stands in metrics and messages, so it must be 1 to 63 of a-z, 0-9, _ and -",
        ),
        (
            "/tenants/acme/limits",
            json!({"cached_callers": 0}),
            "tenants.acme.limits.cached_callers: must be a whole number between 1 and 1000000",
        ),
        (
            "/tenants/acme/limits",
            json!({"exchanges_per_second": 10_001}),
            "tenants.acme.limits.exchanges_per_second: must be a whole number between 1 and 10000",
        ),
    ]);
    let many: serde_json::Map<String, Value> =
        (0..4097).map(|n| (format!("t{n}"), json!({}))).collect();
    assert_eq!(
        shown(&[("/tenants", Value::Object(many)), ("/grants", json!([]))]),
        [
            "grants: must hold 1 to 65536",
            "tenants: must hold at most 4096"
        ]
    );
    assert_eq!(
        shown(&[("/tenants", json!({}))])[0],
        "grants[0].tenant: names no tenant of this configuration"
    );
}

#[test]
fn conditions_on_callers() {
    let who = "/tenants/acme/who";
    let corp = |more: Value| {
        let mut condition = json!({"issuer": "corp"});
        let members = condition.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        condition
    };
    each_shows(&[
        (
            who,
            json!([]),
            "tenants.acme.who: must not be an empty list",
        ),
        (
            who,
            json!("all"),
            "tenants.acme.who: must be an object, not text",
        ),
        (
            who,
            corp(json!({})),
            "tenants.acme.who: must have claim and has, or sub alone",
        ),
        (
            who,
            corp(json!({"claim": "groups"})),
            "tenants.acme.who.has: must be set with claim; a claim's value decides",
        ),
        (
            who,
            corp(json!({"has": "/t/acme"})),
            "tenants.acme.who.claim: must be set with has; it says whose value it is",
        ),
        (
            who,
            corp(json!({"claim": "groups", "has": "x", "sub": "y"})),
            "tenants.acme.who: must have claim and has, or sub alone",
        ),
        (
            who,
            corp(json!({"claim": "groups", "sub": "y"})),
            "tenants.acme.who: must have claim and has, or sub alone",
        ),
        (
            who,
            json!({"claim": "groups", "has": "x"}),
            "tenants.acme.who.issuer: must be set; a claim means what its issuer means by it",
        ),
        (
            who,
            json!([corp(json!({"sub": "a"})), {"sub": "b"}]),
            "tenants.acme.who[1].issuer: must be set; a claim means what its issuer means by it",
        ),
        // A list of one is a list.
        (
            who,
            json!([{"sub": "b"}]),
            "tenants.acme.who[0].issuer: must be set; a claim means what its issuer means by it",
        ),
        (
            who,
            json!({"issuer": "crop", "sub": "x"}),
            "tenants.acme.who.issuer: names no issuer of this configuration; did you mean corp?",
        ),
        (
            who,
            json!({"issuer": "entra", "sub": "x"}),
            "tenants.acme.who.issuer: names no issuer of this configuration",
        ),
        (
            who,
            corp(json!({"claim": "groups", "has": ""})),
            "tenants.acme.who.has: must be the exact value of a claim: not empty, no control character",
        ),
        (
            who,
            corp(json!({"claim": "groups", "has": ["a", "b\n"]})),
            "tenants.acme.who.has[1]: must be the exact value of a claim: not empty, no control character",
        ),
        (
            who,
            corp(json!({"claim": "groups", "has": ["a", "a"]})),
            "tenants.acme.who.has: holds the same twice",
        ),
        (
            who,
            corp(json!({"claim": "", "has": "a"})),
            "tenants.acme.who.claim: must name a claim, as in sub, realm_access.roles or [\"https://example.com/id\"]",
        ),
        (
            who,
            corp(json!({"claim": "groups", "has": "x", "matches": ".*"})),
            "tenants.acme.who.matches: is unknown; known here: issuer, claim, has, sub",
        ),
    ]);
    // The only catalog within reach gets its tokens at ci.
    assert_eq!(
        shown(&[
            (who, corp(json!({"sub": "alice"}))),
            ("/tenants/acme/reach", json!({"rest": ["acme"]})),
            ("/tenants/acme/locations", json!("catalog_decides")),
        ]),
        [
            "tenants.acme.who: names people of issuer corp, and no catalog within this tenant's reach gets its tokens there \
             (token.from); they would all be refused"
        ]
    );
}
