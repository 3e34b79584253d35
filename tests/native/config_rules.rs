//! What a configuration of tenants becomes: people, ways to tokens, rules.

use std::time::Duration;

use icegate::config::{
    CatalogId, ClaimPath, ClientAuthentication, ContextId, IssuerId, LevelPattern, ObjectPattern,
    RuleKey, TenantId, WhoId,
};
use icegate::iceberg::{Class, Noun, Operation, OperationSet};
use serde_json::json;

use crate::config_border::{POLARIS, tenancy};
use crate::lake::lake_with;

#[test]
fn people_are_conditions_each_once() {
    let config = lake_with(&[
        (
            "/grants/0/who",
            json!([{"issuer": "corp", "claim": "groups", "has": ["/t/acme", "x"]}, {"issuer": "corp", "claim": ["groups"], "has": "x"}]),
        ),
        (
            "/denied",
            json!([{"issuer": "corp", "sub": "b"}, {"issuer": "ci", "sub": ["acme-bot", "b"]}, {"issuer": "corp", "sub": "b"}]),
        ),
    ]);
    let shown = |id: WhoId| {
        let who = config.whos.get(id).unwrap();
        format!("{:?} {} {}", who.issuer, who.claim.0.join("."), who.has)
    };
    let tenancy = tenancy(&config);
    let who = |tenant: usize| {
        tenancy.tenants[tenant]
            .who
            .iter()
            .map(|id| shown(*id))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        who(0),
        ["IssuerId(1) groups /t/acme", "IssuerId(0) sub acme-bot"]
    );
    assert_eq!(
        who(1),
        ["IssuerId(1) groups /t/globex", "IssuerId(0) sub globex-bot"]
    );
    let denied: Vec<String> = config.denied.iter().map(|id| shown(*id)).collect();
    assert_eq!(
        denied,
        [
            "IssuerId(0) sub acme-bot",
            "IssuerId(1) sub b",
            "IssuerId(0) sub b"
        ]
    );
    assert!(config.denied.is_sorted());
    let of_grants: Vec<Option<String>> = tenancy
        .rules
        .of_tenant(TenantId(0))
        .map(|(key, _)| key.who.map(shown))
        .collect();
    assert_eq!(
        of_grants,
        [
            Some("IssuerId(1) groups /t/acme".to_owned()),
            Some("IssuerId(1) groups x".to_owned())
        ]
    );
    let claims: Vec<&ClaimPath> = config.whos.claims(IssuerId(1)).collect();
    assert_eq!(
        claims,
        [
            &ClaimPath(vec!["groups".to_owned()]),
            &ClaimPath(vec!["sub".to_owned()])
        ]
    );
    assert_eq!(tenancy.members[&tenancy.tenants[1].who[0]], [TenantId(1)]);
}

#[test]
fn ways_to_tokens() {
    let config = lake_with(&[
        (
            "/catalogs/polaris/never_as",
            json!({"claim": "preferred_username", "in": ["root"]}),
        ),
        (
            "/tenants/globex/token",
            json!({
                "polaris": {
                    "from": "ci", "audience": ["a", "b"], "expect_audience": "b", "resource": ["urn:x"], "scope": "s",
                    "parameters": {"p": "1"}, "life": "30s",
                    "client": {"id": "globex", "secret": "injected", "cluster": "globex_idp"},
                },
                "rest": {"audience": "only"},
            }),
        ),
    ]);
    // First one for each catalog, then the tenants'.
    let places: Vec<(u16, Option<TenantId>)> = config
        .contexts
        .iter()
        .map(|context| (context.catalog.0, context.tenant))
        .collect();
    let (acme, globex) = (Some(TenantId(0)), Some(TenantId(1)));
    assert_eq!(
        places,
        [
            (0, None),
            (1, None),
            (2, None),
            (3, None),
            (0, acme),
            (1, acme),
            (2, acme),
            (3, acme),
            (0, globex),
            (1, globex),
            (2, globex),
            (3, globex),
        ]
    );
    for (tenant, first) in [(0_usize, 4_u32), (1, 8)] {
        let contexts = &tenancy(&config).tenants[tenant].contexts;
        let expected: Vec<(CatalogId, ContextId)> = (0_u16..4)
            .zip(first..)
            .map(|(catalog, id)| (CatalogId(catalog), ContextId(id)))
            .collect();
        assert_eq!(
            contexts.iter().map(|(a, b)| (*a, *b)).collect::<Vec<_>>(),
            expected
        );
    }
    let acme = config.context(ContextId(6)).unwrap();
    assert_eq!(acme.token.from, IssuerId(1));
    assert_eq!(acme.token.audiences, ["polaris"]);
    assert_eq!(acme.token.life, Duration::from_secs(300));
    assert_eq!(&*config.client(acme).unwrap().id, "icegate");

    let globex = config.context(ContextId(10)).unwrap();
    assert_eq!(globex.token.from, IssuerId(0));
    assert_eq!(globex.token.audiences, ["a", "b"]);
    assert_eq!(globex.token.expected_audience, "b");
    assert_eq!(globex.token.resources, ["urn:x"]);
    assert_eq!(globex.token.scope.as_deref(), Some("s"));
    assert_eq!(globex.token.parameters, [("p".to_owned(), "1".to_owned())]);
    assert_eq!(globex.token.life, Duration::from_secs(30));
    let never = (
        ClaimPath(vec!["preferred_username".to_owned()]),
        vec!["root".to_owned()],
    );
    assert_eq!(globex.token.never_as.as_ref(), Some(&never));
    let client = config.client(globex).unwrap();
    assert_eq!(
        (&*client.id, &*client.endpoint.cluster),
        ("globex", "globex_idp")
    );
    assert_eq!(&*client.endpoint.authority, "ci.example.com");
    assert!(matches!(
        client.authentication,
        ClientAuthentication::Injected
    ));

    let rest = config.context(ContextId(11)).unwrap();
    assert_eq!(rest.token.audiences, ["only"]);
    assert_eq!(rest.token.expected_audience, "only");
}

#[test]
fn rules() {
    let config = lake_with(&[
        (
            "/grants/0",
            json!({
                "tenant": "acme", "who": "all", "may": ["read", "dropTable"], "deny": ["credentials"],
                "at": {
                    "polaris": {"acme_raw": [["sales", "*", "**"], {"namespace": [], "view": "*"}], "acme_mart": [[]]},
                    "rest": ["big"],
                },
            }),
        ),
        (
            "/grants/1",
            json!({"tenant": "globex", "who": {"issuer": "ci", "sub": "globex-bot"}, "may": ["all"]}),
        ),
    ]);
    let rules = &tenancy(&config).rules;
    assert_eq!((rules.len(), rules.is_empty()), (5, false));
    let of = |warehouse: &str| {
        let ids = &tenancy(&config).borders[POLARIS].prefixes;
        let key = RuleKey {
            tenant: TenantId(0),
            who: None,
            warehouse: Some(ids[warehouse]),
        };
        rules
            .of(key)
            .map(|rule| (rule.grant, rule.pattern.as_deref().cloned()))
            .collect::<Vec<_>>()
    };
    let [(0, Some(tree)), (0, Some(view))] = &of("acme_raw")[..] else {
        panic!("two rules")
    };
    assert_eq!(
        *tree.levels,
        [LevelPattern::Exactly("sales".into()), LevelPattern::Any]
    );
    assert!(tree.subtree && tree.object.is_none());
    assert!(view.levels.is_empty() && !view.subtree);
    assert_eq!(view.object, Some((Noun::View, ObjectPattern::Any)));
    let [(0, Some(root))] = &of("acme_mart")[..] else {
        panic!("one rule")
    };
    assert!(root.levels.is_empty() && !root.subtree && root.object.is_none());

    let (_, first) = rules.of_tenant(TenantId(0)).next().unwrap();
    let reads = OperationSet::of_class(Class::Read).and(OperationSet::one(Operation::DropTable));
    assert_eq!(
        (first.may, first.deny),
        (reads, OperationSet::one(Operation::LoadCredentials))
    );

    let everywhere: Vec<_> = rules.of_tenant(TenantId(1)).collect();
    let [(key, rule)] = &everywhere[..] else {
        panic!("one rule")
    };
    assert_eq!((key.warehouse, rule.grant, &rule.pattern), (None, 1, &None));
    assert_eq!(rule.may, OperationSet::ALL);
    assert_eq!(
        config.whos.get(key.who.unwrap()).unwrap().has.as_ref(),
        "globex-bot"
    );
}
