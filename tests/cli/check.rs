//! `icegate check` of a configuration alone.

use expect_test::expect;

use crate::run::{Tool, says};

/// One identity provider, one catalog.
pub(crate) const SMALL: &str = r#"
issuers:
  corp:
    profile: keycloak
    issuer: https://idp.example.com/realms/lake
    cluster: idp
    audiences: [icegate]
    client: {id: icegate, secret: {env: ICEGATE_SECRET}}
catalogs:
  lake:
    kind: nessie
    base_path: /iceberg
    token: {from: corp, audience: catalog}
access: catalog_decides
"#;

/// Two tenants at one Polaris, with grants.
pub(crate) const TENANTS: &str = r#"
issuers:
  corp:
    profile: keycloak
    issuer: https://idp.example.com/realms/lake
    cluster: idp
    audiences: [icegate]
    client: {id: icegate, secret: {env: ICEGATE_SECRET}}
catalogs:
  polaris:
    kind: polaris
    base_path: /api/catalog
    token: {from: corp, audience: polaris, scope: catalog, resource: "https://polaris.example.com",
            parameters: {realm: lake}}
    never_as: {claim: preferred_username, in: [root]}
access: grants
allow_on_headers_stop_iteration: true
tenants:
  acme:
    who: {issuer: corp, claim: groups, has: /t/acme}
    reach: {polaris: [acme_raw, acme_mart]}
    locations: ["s3://acme/"]
  other:
    who: {issuer: corp, claim: groups, has: /t/other}
    reach: {polaris: [other_raw]}
    locations: ["s3://other/"]
grants:
  - {tenant: acme, who: {claim: groups, has: /lake/analyst}, may: [read], at: {polaris: [acme_mart]}}
  - {tenant: acme, who: {claim: groups, has: [/lake/engineer, /lake/admin]}, may: [read, write, commit, credentials]}
  - {tenant: acme, who: all, deny: [credentials, dropTable], at: {polaris: {acme_raw: [[pii, "**"]]}}}
  - {tenant: other, who: all, may: [all]}
denied: [{issuer: corp, sub: mallory}]
"#;

#[test]
fn a_good_one() {
    let tool = Tool::new("a_good_one").file("gate.yaml", SMALL);
    says(
        &tool.run(&["check", "gate.yaml"]),
        &expect![[r#"
        ok
        issuers     corp
        catalogs    lake (nessie)
        tenants     none; every caller may name everything
        grants      none; the catalog decides
        contexts    1 (ways to get a token)
        bodies      not held; the catalog's answers are not looked through
        secrets     ICEGATE_SECRET: not read, placeholders stand for them (--env reads them)
        -> 0
    "#]],
    );
    let tool = Tool::new("a_good_one").file("gate.yaml", TENANTS);
    says(
        &tool.run(&["check", "gate.yaml"]),
        &expect![[r#"
            ok
            issuers     corp
            catalogs    polaris (polaris)
            tenants     acme, other; warehouses: 3
            grants      4
            contexts    3 (ways to get a token)
            bodies      held where a rule depends on them; the catalog's answers are looked through
            secrets     ICEGATE_SECRET: not read, placeholders stand for them (--env reads them)
            -> 0
        "#]],
    );
}

/// Programs, and gate tokens at one of two catalogs: a placeholder stands for the gate's own key too.
#[test]
fn programs_and_gate_tokens() {
    let programs = SMALL.replace(
        "catalogs:",
        r#"    gate_tokens:
      client: {id: icegate-tokens, secret: {env: TOKENS_SECRET}}
      assertion: {issuer: https://gate.example.com, keys: [{id: k1, key: {env: ASSERTION_KEY}}]}
  ci: {profile: rfc8693, issuer: https://ci.example.com, cluster: ci, audiences: [icegate],
       client: {id: icegate, secret: {env: ICEGATE_SECRET}}}
allow_on_headers_stop_iteration: true
services:
  trino: {who: {issuer: corp, sub: 91aa, azp: trino}, may: [config], speaks_for: {by: assertion, names: [alice]}}
  dbt: {who: {issuer: corp, sub: dbt}, may: [read],
        token: {client_credentials: {from: corp, id: dbt, secret: {env: DBT}}}}
catalogs:
  other: {kind: polaris, base_path: /other, token: {from: ci, audience: other}}"#,
    );
    let tool = Tool::new("programs").file("gate.yaml", programs);
    says(
        &tool.run(&["check", "gate.yaml"]),
        &expect![[r#"
        ok
        issuers     ci, corp
        catalogs    lake (nessie), other (polaris)
        tenants     none; every caller may name everything
        grants      none; the catalog decides
        services    dbt, trino
        tokens      the token endpoint is answered at lake
        contexts    3 (ways to get a token)
        bodies      held where a rule depends on them; the catalog's answers are looked through
        secrets     ASSERTION_KEY, DBT, ICEGATE_SECRET, TOKENS_SECRET: not read, placeholders stand for them (--env reads them)
        -> 0
    "#]],
    );
    let tool = tool
        .variable("ICEGATE_SECRET", "x")
        .variable("TOKENS_SECRET", "x")
        .variable("DBT", "x");
    let tool = tool.variable("ASSERTION_KEY", "CANARY-key");
    says(
        &tool.run(&["check", "--env", "gate.yaml"]),
        &expect![[r#"
        issuers.corp.gate_tokens.assertion.keys[0].key: environment variable ASSERTION_KEY holds no private key that the gate can sign with; it must be one key in PEM, without a password: EC P-256 (ES256), or RSA of 2048 to 4096 bits (RS256)
        -> 1
    "#]],
    );
}

#[test]
fn from_standard_input_and_as_json() {
    let json = r#"{"issuers": {"corp": {"profile": "keycloak", "issuer": "https://idp.example.com/realms/lake",
        "cluster": "idp", "audiences": ["icegate"], "client": {"id": "icegate", "secret": "injected", "cluster": "own"}}},
        "catalogs": {"lake": {"kind": "nessie", "base_path": "/iceberg", "token": {"from": "corp", "audience": "catalog"}}},
        "access": "catalog_decides"}"#;
    let tool = Tool::new("stdin");
    says(
        &tool.run_with(&["check", "-"], json),
        &expect![[r#"
        ok
        issuers     corp
        catalogs    lake (nessie)
        tenants     none; every caller may name everything
        grants      none; the catalog decides
        contexts    1 (ways to get a token)
        bodies      not held; the catalog's answers are not looked through
        secrets     none
        -> 0
    "#]],
    );
}

#[test]
fn every_fault_as_the_loader_says_it() {
    let faulty = TENANTS
        .replace("audiences: [icegate]", "audiences: []")
        .replace("may: [read], at", "may: [reed], at")
        .replace("sub: mallory", "sub: no")
        .replace(
            "reach: {polaris: [other_raw]}",
            "reach: {polaris: [acme_raw]}",
        );
    let tool = Tool::new("every_fault").file("gate.yaml", faulty);
    says(
        &tool.run(&["check", "gate.yaml"]),
        &expect![[r#"
        denied[0].sub: must be text or a list, not a truth value
        grants[0].may[0]: must be a class (read, write, commit, admin, sign, credentials, config, all) or an operation by its name in the REST spec, as loadTable
        issuers.corp.audiences: must name at least one audience; tokens meant for somebody else would be accepted
        tenants.other.reach.polaris[0]: is within the reach of tenants.acme too; a request could not be told apart
        -> 1
    "#]],
    );
}

#[test]
fn what_cannot_be_read() {
    let tool = Tool::new("cannot_be_read")
        .file("broken.yaml", "issuers: {corp: [}\n")
        .file("twice.yaml", "access: grants\naccess: catalog_decides\n")
        .file("broken.json", "{\"access\": \"grants\",}")
        .file("bytes.yaml", b"access: \xff")
        .file("empty.yaml", "# nothing\n")
        .file("list.yaml", "[1, 2]")
        .file("bootstrap.yaml", "static_resources: {listeners: []}");
    let mut text = String::new();
    for file in [
        "broken.yaml",
        "twice.yaml",
        "broken.json",
        "bytes.yaml",
        "empty.yaml",
        "list.yaml",
        "bootstrap.yaml",
        "nowhere.yaml",
    ] {
        text.push_str(&format!("{file}: {}", tool.run(&["check", file])));
    }
    expect![[r#"
        broken.yaml: line 1: is not YAML
        -> 1
        twice.yaml: line 2: the same member stands twice in one object
        -> 1
        broken.json: catalogs: must be set; without a catalog every request would be refused
        issuers: must be set; without an issuer nobody's token would be accepted
        -> 1
        bytes.yaml: is not UTF-8
        -> 1
        empty.yaml: ! icegate: the file holds no configuration of the gate
        -> 2
        list.yaml: ! icegate: the file holds no configuration of the gate
        -> 2
        bootstrap.yaml: ! icegate: the file holds no configuration of the gate
        -> 2
        nowhere.yaml: ! icegate: the file cannot be read: No such file or directory (os error 2)
        -> 2
    "#]]
    .assert_eq(&text);
}

#[test]
fn secrets_from_the_environment() {
    let tool = Tool::new("environment").file("gate.yaml", SMALL);
    says(
        &tool.run(&["check", "--env", "gate.yaml"]),
        &expect![[r#"
        issuers.corp.client.secret: environment variable ICEGATE_SECRET is missing or empty; set it for Envoy and name it in vm_config.environment_variables.host_env_keys
        -> 1
    "#]],
    );
    let tool = tool.variable("ICEGATE_SECRET", "CANARY-secret");
    says(
        &tool.run(&["check", "--env", "gate.yaml"]),
        &expect![[r#"
        ok
        issuers     corp
        catalogs    lake (nessie)
        tenants     none; every caller may name everything
        grants      none; the catalog decides
        contexts    1 (ways to get a token)
        bodies      not held; the catalog's answers are not looked through
        secrets     ICEGATE_SECRET: read from the environment
        -> 0
    "#]],
    );
}
