//! What a configuration of programs and of gate tokens becomes.

use std::time::Duration;

use icegate::config::{
    CatalogId, ClaimPath, ClientAuthentication, Config, ContextId, Grant, IssuerId, Service,
    ServiceId, SpeaksBy, TenantId, WhoId, load,
};
use icegate::iceberg::{Class, Operation, OperationSet};
use icegate::jose::Algorithm;
use serde_json::{Value, json};

use crate::lake::{lake, with};
use crate::programs::{engines, engines_with, every_program};
use crate::support::{SECRET, changed, environment, load_value};

const CI: IssuerId = IssuerId(0);
const CORP: IssuerId = IssuerId(1);
const ACME: TenantId = TenantId(0);
const GLOBEX: TenantId = TenantId(1);

fn loaded(configuration: &Value) -> Config {
    load_value(configuration).unwrap_or_else(|faults| panic!("{faults}"))
}

fn service<'a>(config: &'a Config, name: &str) -> &'a Service {
    let found = config.services.iter().find(|one| &*one.name == name);
    found.unwrap_or_else(|| panic!("{name}"))
}

fn conditions(config: &Config, whos: &[WhoId]) -> Vec<String> {
    assert!(whos.is_sorted());
    let shown = |id: &WhoId| {
        let who = config.whos.get(*id).unwrap();
        format!("{} {} {}", who.issuer.0, who.claim.0.join("."), who.has)
    };
    whos.iter().map(shown).collect()
}

#[test]
fn without_them_there_are_none() {
    let config = loaded(&lake());
    assert!(config.services.is_empty() && config.programs.is_empty());
    assert!(
        config
            .issuers
            .iter()
            .all(|issuer| issuer.gate_tokens.is_none())
    );
    assert!(config.gate_tokens(CatalogId(0)).is_none());
}

#[test]
fn every_default_of_gate_tokens() {
    let config = engines_with(&[]);
    let (issuer, tokens) = config.gate_tokens(CatalogId(0)).expect("gate tokens");
    assert_eq!(issuer, CORP);
    let client = tokens.client.as_ref().expect("a client");
    assert_eq!(
        (&*client.id, &*client.endpoint.cluster),
        ("icegate-tokens", "idp")
    );
    assert!(tokens.audiences.is_empty() && tokens.resources.is_empty());
    let scopes: Vec<(&str, &str)> = tokens.scopes.iter().map(|(a, b)| (&**a, &**b)).collect();
    assert_eq!(
        scopes,
        [("PRINCIPAL_ROLE:ALL", ""), ("catalog", ""), ("sign", "")]
    );
    assert_eq!(tokens.login, config.issuers[1].endpoint);
    assert_eq!(tokens.remember, Duration::from_secs(60));
    assert_eq!(tokens.life, Duration::from_secs(3_600));
    assert_eq!(tokens.session, Duration::from_secs(36_000));
    let assertion = tokens.assertion.as_ref().expect("assertions");
    assert_eq!(&*assertion.issuer, "https://gate.example.com");
    assert_eq!(assertion.audience, config.issuers[1].issuer);
    assert_eq!(assertion.life, Duration::from_secs(60));
    assert_eq!(assertion.jwks_path, None);
    let [key] = assertion.keys.as_slice() else {
        panic!("one key")
    };
    assert_eq!((&*key.id, key.key.algorithm()), ("k1", Algorithm::ES256));

    // The catalog `rest` gets its tokens at ci, which gives none.
    assert!(config.gate_tokens(CatalogId(3)).is_none());
    // Without a client there are only engines' logins.
    let login = engines_with(&[
        ("/issuers/corp/gate_tokens", json!({})),
        ("/services/trino/speaks_for", Value::Null),
    ]);
    let (_, tokens) = login.gate_tokens(CatalogId(0)).expect("gate tokens");
    assert!(tokens.client.is_none() && tokens.assertion.is_none());
}

#[test]
fn every_field_of_gate_tokens_is_taken() {
    let config = loaded(&every_program());
    let (_, tokens) = config.gate_tokens(CatalogId(0)).expect("gate tokens");
    let client = tokens.client.as_ref().expect("a client");
    assert!(
        matches!(&client.authentication, ClientAuthentication::SecretPost(secret) if secret.expose() == SECRET)
    );
    assert_eq!(&*client.endpoint.cluster, "idp_tokens");
    assert_eq!(tokens.audiences, ["icegate"]);
    assert_eq!(tokens.resources, ["https://gate.example.com/", "urn:gate"]);
    let scopes: Vec<(&str, &str)> = tokens.scopes.iter().map(|(a, b)| (&**a, &**b)).collect();
    assert_eq!(
        scopes,
        [("catalog", ""), ("lake:read", "to-icegate profile")]
    );
    assert_eq!(&*tokens.login.cluster, "idp_logins");
    assert_eq!(tokens.login.authority, config.issuers[1].endpoint.authority);
    assert_eq!(tokens.remember, Duration::ZERO);
    assert_eq!(tokens.life, Duration::from_secs(600));
    assert_eq!(tokens.session, Duration::from_secs(28_800));
    let assertion = tokens.assertion.as_ref().expect("assertions");
    assert_eq!(&*assertion.audience, "https://idp.example.com/token");
    let ids: Vec<&str> = assertion.keys.iter().map(|key| &*key.id).collect();
    assert_eq!(ids, ["k1", "k2"]);
    assert_eq!(assertion.life, Duration::from_secs(30));
    assert_eq!(assertion.jwks_path.as_deref(), Some("/icegate/jwks.json"));
    let marks = conditions(&config, &config.programs);
    assert_eq!(marks, ["0 kind robot", "0 a.b c", "0 a.b d"]);
}

#[test]
fn every_default_of_a_service() {
    let config = engines_with(&[("/services/trino/who/azp", Value::Null)]);
    let names: Vec<&str> = config.services.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["dbt", "trino"]);
    assert_eq!(&*config.service(ServiceId(1)).unwrap().name, "trino");
    let trino = service(&config, "trino");
    assert_eq!(trino.issuer, CORP);
    assert_eq!(conditions(&config, &trino.who), ["1 sub trino-account"]);
    assert!(trino.client.is_none() && trino.peer.is_none() && trino.tenants.is_empty());
    assert_eq!(trino.may, OperationSet::of_class(Class::Config));
    assert!(trino.by_own_account.is_empty() && trino.own_account.is_empty());
    let speaks = trino.speaks_for.as_ref().expect("speaks");
    assert_eq!(
        (speaks.by, &*speaks.tenants),
        (SpeaksBy::Assertion, &[ACME][..])
    );
    assert!(speaks.who.is_empty() && speaks.names.is_none() && speaks.never.is_empty());
    assert_eq!(speaks.subject, ("".into(), "".into()));
    assert!(speaks.signed_by.is_none());
    assert!(service(&config, "dbt").speaks_for.is_none());
}

#[test]
fn every_field_of_a_service_is_taken() {
    let config = loaded(&every_program());
    let trino = service(&config, "trino");
    assert_eq!(
        conditions(&config, &trino.who),
        ["1 sub trino-account", "1 sub trino-blue"]
    );
    assert_eq!(trino.client.as_deref(), Some("trino"));
    assert_eq!(
        trino.peer.as_deref(),
        Some("spiffe://lake.example.com/trino")
    );
    assert_eq!(*trino.tenants, [ACME, GLOBEX]);
    let may = OperationSet::of_class(Class::Config).and(OperationSet::of_class(Class::Read));
    assert_eq!(trino.may, may);
    assert!(trino.by_own_account.is_empty() && trino.own_account.is_empty());
    let speaks = trino.speaks_for.as_ref().expect("speaks");
    assert_eq!(speaks.by, SpeaksBy::Impersonation);
    assert_eq!(*speaks.tenants, [ACME, GLOBEX]);
    assert_eq!(
        conditions(&config, &speaks.who),
        ["1 groups /bi", "1 groups /dev", "1 sub x"]
    );
    let names: Vec<&str> = speaks.names.iter().flatten().map(|name| &**name).collect();
    assert_eq!(names, ["Bob", "alice"]);
    let never: Vec<&str> = speaks.never.iter().map(|name| &**name).collect();
    assert_eq!(never, ["admin", "root"]);
    assert_eq!(speaks.subject, ("lake-".into(), "@gate".into()));
    assert_eq!(speaks.signed_by, Some(CI));

    let dbt = service(&config, "dbt");
    assert_eq!((dbt.issuer, dbt.may), (CI, OperationSet::ALL));
    assert_eq!(conditions(&config, &dbt.who), ["0 project data/dbt"]);
    let own = OperationSet::of_class(Class::Read).and(OperationSet::one(Operation::CreateTable));
    assert_eq!(dbt.by_own_account, own);
}

/// Their contexts stand behind those of catalogs and tenants; each asks for what the catalog's exchange would ask for, but
/// for what belongs to the exchange alone.
#[test]
fn accounts_of_programs_own() {
    let config = engines_with(&[
        (
            "/tenants/acme/token",
            json!({"polaris": {"scope": "acme", "resource": "urn:acme", "parameters": {"p": "1"}, "life": "30s",
                "client": {"id": "acme", "secret": {"env": "ICEGATE_SECRET"}}}}),
        ),
        (
            "/catalogs/polaris/never_as",
            json!({"claim": "preferred_username", "in": ["root"]}),
        ),
    ]);
    let dbt = service(&config, "dbt");
    assert_eq!(dbt.by_own_account, dbt.may);
    // Not to `rest`, which takes ci's tokens.
    let expected: Vec<((Option<TenantId>, CatalogId), ContextId)> = (0_u16..3)
        .zip(12..)
        .map(|(catalog, context)| ((Some(ACME), CatalogId(catalog)), ContextId(context)))
        .collect();
    let contexts: Vec<_> = dbt
        .own_account
        .iter()
        .map(|(key, id)| (*key, *id))
        .collect();
    assert_eq!(contexts, expected);
    assert_eq!(config.contexts.len(), 15);

    let polaris = config.context(ContextId(14)).unwrap();
    assert_eq!(
        (polaris.catalog, polaris.tenant),
        (CatalogId(2), Some(ACME))
    );
    assert_eq!(polaris.grant, Grant::ClientCredentials);
    let client = config.client(polaris).unwrap();
    assert_eq!((&*client.id, &*client.endpoint.cluster), ("dbt", "idp"));
    let token = &polaris.token;
    assert_eq!(token.from, CORP);
    assert!(token.audiences.is_empty() && token.parameters.is_empty());
    assert_eq!(token.requested_token_type, None);
    assert_eq!(token.expected_audience, "polaris");
    assert_eq!(token.scope.as_deref(), Some("acme"));
    assert_eq!(token.resources, ["urn:acme"]);
    assert_eq!(token.life, Duration::from_secs(30));
    let never = (
        ClaimPath(vec!["preferred_username".to_owned()]),
        vec!["root".to_owned()],
    );
    assert_eq!(token.never_as, Some(never));
    let exchanged = config.contexts.iter().take(12);
    assert!(
        exchanged
            .clone()
            .all(|context| context.grant == Grant::Exchange)
    );

    let config = loaded(&every_program());
    let dbt = service(&config, "dbt");
    let context = config
        .context(dbt.own_account[&(Some(ACME), CatalogId(2))])
        .unwrap();
    assert_eq!(context.token.audiences, ["dbt", "lake"]);
    assert_eq!(context.token.scope.as_deref(), Some("read write"));
    let client = config.client(context).unwrap();
    assert!(matches!(
        client.authentication,
        ClientAuthentication::Injected
    ));
    assert_eq!(&*client.endpoint.cluster, "idp_dbt");
    assert!(config.catalog_audiences.is_sorted());
    for audience in ["dbt", "lake", "polaris", "nessie", "keeper", "rest"] {
        assert!(
            config.catalog_audiences.contains(&audience.to_owned()),
            "{audience}"
        );
    }
    let robot = service(&config, "robot");
    let keys: Vec<_> = robot.own_account.keys().copied().collect();
    assert_eq!(keys, [(Some(GLOBEX), CatalogId(3))]);
}

#[test]
fn without_tenants_an_account_leads_to_every_catalog() {
    let configuration = changed(&[(
        "/services",
        json!({"dbt": {
            "who": {"issuer": "corp", "sub": "dbt"}, "may": ["read"],
            "token": {"client_credentials": {"from": "corp", "id": "dbt", "secret": {"env": "ICEGATE_SECRET"}}},
        }}),
    )]);
    let config = loaded(&configuration);
    let dbt = service(&config, "dbt");
    let contexts: Vec<_> = dbt
        .own_account
        .iter()
        .map(|(key, id)| (*key, *id))
        .collect();
    assert_eq!(contexts, [((None, CatalogId(0)), ContextId(1))]);
    assert_eq!(config.contexts.len(), 2);
}

#[test]
fn the_generation_follows_every_secret_and_every_key() {
    let configuration = with(
        every_program(),
        &[
            (
                "/issuers/corp/gate_tokens/client/secret/env",
                json!("TOKENS"),
            ),
            (
                "/services/robot/token/client_credentials/secret/env",
                json!("ROBOT"),
            ),
        ],
    );
    let generation = |changed: &str| {
        let environment = |name: &str| match name == changed {
            // The other key, or another secret.
            true => environment(match name {
                "ICEGATE_ASSERTION_KEY" => "ICEGATE_NEXT_KEY",
                "ICEGATE_NEXT_KEY" => "ICEGATE_ASSERTION_KEY",
                _ => "ICEGATE_SECRET",
            }),
            false => environment(name).or(Some("another".to_owned())),
        };
        let config = load(configuration.to_string().as_bytes(), &environment);
        config
            .unwrap_or_else(|faults| panic!("{faults}"))
            .generation
    };
    let first = generation("");
    assert_eq!(first, generation("NOBODY"));
    for name in [
        "TOKENS",
        "ROBOT",
        "ICEGATE_ASSERTION_KEY",
        "ICEGATE_NEXT_KEY",
    ] {
        assert_ne!(first, generation(name), "{name}");
    }
}

#[test]
fn no_secret_and_no_key_is_in_the_debug_text() {
    let shown = format!("{:?}", loaded(&every_program()));
    assert!(
        shown.contains(r#"OwnKey { id: "k1", key: SigningKey(ES256), .. }"#),
        "{shown}"
    );
    assert!(!shown.contains(SECRET) && !shown.contains("PRIVATE") && !shown.contains("MEECAQ"));
    assert!(engines().to_string().len() < shown.len());
}
