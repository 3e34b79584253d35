//! Who calls: of which tenant, of which issuer, and who is denied.

use serde_json::{Value, json};

use crate::desk::{Desk, get, person, person_with, robot};

#[test]
fn a_caller_of_two_tenants_is_led_by_the_warehouse() {
    let desk = Desk::with(&[]);
    let carol = person(&desk.config, "carol", &["/t/globex", "/t/acme", "other"]);
    for (path, tenant) in [
        ("/api/catalog/v1/acme_raw/namespaces", 0),
        ("/api/catalog/v1/globex_raw/namespaces", 1),
        ("/iceberg/v1/main/namespaces", 0),
        ("/iceberg/v1/globex%7Cglobex/namespaces", 1),
        ("/api/catalog/v1/config?warehouse=globex_raw", 1),
    ] {
        let permit = desk.permit(&carol, &get(path));
        let found = permit.findings();
        assert_eq!(found.tenant.map(|tenant| tenant.0), Some(tenant), "{path}");
        let context = desk.config.context(permit.context()).expect("a context");
        assert_eq!(
            context.tenant.map(|tenant| tenant.0),
            Some(tenant),
            "{path}"
        );
        assert_eq!(context.catalog, permit.catalog());
    }
    assert_eq!(
        desk.says(&carol, "GET", "/api/catalog/v1/umbrella/namespaces"),
        "outside_border: carol (tenant acme) may not use polaris/umbrella: it is not within the tenant's border"
    );
}

#[test]
fn nobody_s_people() {
    let desk = Desk::with(&[]);
    let path = "/api/catalog/v1/acme_raw/namespaces";
    let mallory =
        |claims: Value| desk.says(&person_with(&desk.config, "mallory", &claims), "GET", path);
    let asked_for = "tenant_none: mallory belongs to no tenant of this gate: no value that it asks for stands in the token's \
                     claim groups";
    for claims in [
        json!({}),
        json!({"groups": null}),
        json!({"groups": []}),
        json!({"groups": ["acme", "/t/acme2", "/T/ACME", " /t/acme"]}),
        json!({"groups": "/t/acme /t/globex"}),
        json!({"groups": "/t/acme,/t/globex"}),
        json!({"groups": [["/t/acme"]]}),
        json!({"groups": {"/t/acme": true}}),
        json!({"tenant": "/t/acme"}),
    ] {
        assert_eq!(mallory(claims.clone()), asked_for, "{claims}");
    }
    // One text is as good as a list of one.
    assert_eq!(mallory(json!({"groups": "/t/acme"})), "yes");
    let other = robot(&desk.config, "ci-bot");
    assert_eq!(
        desk.says(&other, "GET", "/rest/v1/big/namespaces"),
        "tenant_none: ci-bot belongs to no tenant of this gate: no value that it asks for stands in the token's claim sub"
    );
    let by_two_claims = [(
        "/tenants/globex/who",
        json!([
            {"issuer": "corp", "claim": "realm_access.roles", "has": "globex"},
            {"issuer": "corp", "claim": "groups", "has": "/t/globex"},
            {"issuer": "ci", "sub": "globex-bot"},
        ]),
    )];
    let desk = Desk::with(&by_two_claims);
    let mallory =
        |claims: Value| desk.says(&person_with(&desk.config, "mallory", &claims), "GET", path);
    assert_eq!(
        mallory(json!({})),
        format!("{asked_for} or realm_access.roles")
    );
    let none_of_ci = [
        (
            "/tenants/acme/who",
            json!({"issuer": "corp", "claim": "groups", "has": "/t/acme"}),
        ),
        (
            "/tenants/globex/who",
            json!({"issuer": "corp", "claim": "groups", "has": "/t/globex"}),
        ),
    ];
    let desk = Desk::with(&none_of_ci);
    assert_eq!(
        desk.says(
            &robot(&desk.config, "ci-bot"),
            "GET",
            "/rest/v1/big/namespaces"
        ),
        "tenant_none: ci-bot belongs to no tenant of this gate: none takes people of this identity provider"
    );
}

#[test]
fn too_many_groups_for_a_token() {
    let desk = Desk::with(&[]);
    let path = "/api/catalog/v1/acme_raw/namespaces";
    let overage = "tenant_none: mallory belongs to no tenant of this gate: the token does not list the groups, there are too \
                   many of them (group overage); let the identity provider put only the groups that the gate asks for into \
                   it";
    for claims in [
        json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph"}}}),
        json!({"hasgroups": true}),
    ] {
        let mallory = person_with(&desk.config, "mallory", &claims);
        assert_eq!(desk.says(&mallory, "GET", path), overage, "{claims}");
    }
    for claims in [
        json!({"_claim_names": {"roles": "src1"}}),
        json!({"hasgroups": false}),
        json!({"hasgroups": "true"}),
        json!({"hasgroups": true, "groups": ["x"]}),
    ] {
        let mallory = person_with(&desk.config, "mallory", &claims);
        let said = desk.says(&mallory, "GET", path);
        assert!(
            said.ends_with("stands in the token's claim groups"),
            "{claims}: {said}"
        );
    }
}

#[test]
fn an_issuer_that_a_catalog_does_not_serve() {
    let desk = Desk::with(&[]);
    // Acme's robot at a catalog that gets its tokens at corp, and acme's person at one that gets them at ci.
    assert_eq!(
        desk.says(
            &robot(&desk.config, "acme-bot"),
            "GET",
            "/api/catalog/v1/acme_raw/namespaces"
        ),
        "issuer_not_served: acme-bot comes from an identity provider that catalog 'polaris' does not serve"
    );
    assert_eq!(
        desk.says(&desk.alice(&[]), "GET", "/rest/v1/big/namespaces"),
        "issuer_not_served: alice comes from an identity provider that catalog 'rest' does not serve"
    );
    // Of a foreign warehouse it is not told which identity provider it has.
    assert_eq!(
        desk.says(
            &robot(&desk.config, "acme-bot"),
            "GET",
            "/api/catalog/v1/globex_raw/namespaces"
        ),
        "outside_border: acme-bot (tenant acme) may not use polaris/globex_raw: it is not within the tenant's border"
    );
    let own = [("/tenants/acme/token", json!({"polaris": {"from": "ci"}}))];
    let desk = Desk::with(&own);
    assert_eq!(
        desk.says(
            &robot(&desk.config, "acme-bot"),
            "GET",
            "/api/catalog/v1/acme_raw/namespaces"
        ),
        "yes"
    );
}

#[test]
fn whoever_is_denied_is_denied_everywhere() {
    let denied = json!([
        {"issuer": "corp", "sub": "alice"},
        {"issuer": "corp", "claim": "groups", "has": "offboarded"},
        {"issuer": "ci", "sub": "gwen"},
    ]);
    let desk = Desk::with(&[("/denied", denied)]);
    let paths = [
        "/api/catalog/v1/acme_raw/namespaces",
        "/api/catalog/v1/globex_raw/namespaces",
        "/api/catalog/v1/umbrella/namespaces",
        "/api/catalog/v1/config",
        "/catalog/v1/x/namespaces",
        "/catalog/v1/aws/s3/sign",
    ];
    let all = [
        (desk.alice(&[]), "alice"),
        (
            person(&desk.config, "bob", &["/t/acme", "offboarded"]),
            "bob",
        ),
        (person(&desk.config, "mallory", &["offboarded"]), "mallory"),
    ];
    for (caller, name) in &all {
        for path in paths {
            let method = if path.ends_with("sign") {
                "POST"
            } else {
                "GET"
            };
            assert_eq!(
                desk.says(caller, method, path),
                format!("caller_denied: {name} is denied by the operator of this gate")
            );
        }
    }
    // A condition is about one issuer's people.
    assert_eq!(
        desk.says(&desk.gwen(), "GET", "/api/catalog/v1/globex_raw/namespaces"),
        "yes"
    );
}

#[test]
fn denied_without_tenants() {
    let desk = Desk::with(&[
        ("/access", json!("catalog_decides")),
        ("/tenants", Value::Null),
        ("/grants", Value::Null),
        ("/denied", json!([{"issuer": "corp", "sub": "alice"}])),
    ]);
    let path = "/api/catalog/v1/whatever/namespaces";
    assert_eq!(
        desk.says(&desk.alice(&[]), "GET", path),
        "caller_denied: alice is denied by the operator of this gate"
    );
    // Everybody else may name everything, where their issuer is served.
    assert_eq!(desk.says(&desk.gwen(), "GET", path), "yes");
    assert_eq!(
        desk.says(&desk.gwen(), "POST", "/catalog/v1/aws/s3/sign"),
        "yes"
    );
    assert_eq!(
        desk.says(&robot(&desk.config, "gwen"), "GET", path),
        "issuer_not_served: gwen comes from an identity provider that catalog 'polaris' does not serve"
    );
}

#[test]
fn who_may_be_denied_is_refused() {
    let denied = json!([{"issuer": "corp", "claim": "groups", "has": "offboarded"}]);
    let by_sub = json!([{"issuer": "corp", "sub": "bob"}, {"issuer": "ci", "claim": "groups", "has": "offboarded"}]);
    let who = json!([{"issuer": "corp", "claim": "tenant", "has": "acme"}, {"issuer": "ci", "sub": "acme-bot"}]);
    for (denied, expected) in [
        (
            denied,
            "claim_left_out: the token of alice leaves out its claim groups, there is too much in it (overage), and the \
             operator denies some by it; let the identity provider put only what the gate asks for into it",
        ),
        (by_sub, "yes"),
    ] {
        let desk = Desk::with(&[("/tenants/acme/who", who.clone()), ("/denied", denied)]);
        let claims = json!({"tenant": "acme", "_claim_names": {"groups": "src1"}});
        let alice = person_with(&desk.config, "alice", &claims);
        assert_eq!(
            desk.says(&alice, "GET", "/api/catalog/v1/acme_raw/namespaces"),
            expected
        );
    }
}
