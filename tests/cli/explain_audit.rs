//! `icegate explain` by a line of the audit.

use expect_test::expect;
use icegate::audit::{Record, Who};
use icegate::identity::Proof;

use crate::explain::tool;
use crate::run::says;

/// What the gate writes about Bob's commit, by the code that writes it.
fn record() -> Record {
    Record {
        time: 1_795_650_125,
        reference: "8f2c".into(),
        caller: Some(Who {
            issuer: "corp".into(),
            subject: "77aa".into(),
            name: "bob".into(),
            proof: Proof::OwnToken,
            service: None,
            token_id: Some("onrtro:1".into()),
        }),
        tenant: Some("acme".into()),
        catalog: Some("polaris".into()),
        warehouse: Some("acme_raw".into()),
        operation: "updateTable",
        changes: true,
        places: vec!["updateTable .pii.t".to_owned()],
        refusal: Some("grant_missing"),
        generation: "0011223344556677".into(),
        ..Record::default()
    }
}

#[test]
fn a_refused_commit() {
    let line = record().line(Some(403));
    let tool = tool("audit");
    let ran = tool.run(&["explain", "gate.yaml", "--audit", &line]);
    says(
        &ran,
        &expect![[r#"
        request     at 2026-11-25T23:42:05Z (ref 8f2c)
        caller      bob (sub 77aa of corp), a person
        tenant      acme
        warehouse   polaris/acme_raw
        operation   updateTable
        refused     403 grant_missing: No grant allows it.
        demand      updateTable .pii.t
                      grants[1] allows it to: groups has /lake/engineer (corp), or groups has /lake/admin (corp)
        exchange    at corp (https://idp.example.com/realms/lake), the token endpoint of its metadata
                    client icegate (client_secret_basic), through cluster idp
                    audience: polaris
                    resource: https://polaris.example.com
                    scope: catalog
                    requested_token_type: urn:ietf:params:oauth:token-type:access_token
                    realm: lake
                    the token must name audience polaris
                    and must not have in preferred_username: root
        -> 3
    "#]],
    );
    // As it stands in Envoy's log.
    let logged = format!("[2026-11-25 23:42:05.000][12][info][wasm] wasm log icegate: {line}\n");
    let from_stdin = tool.run_with(&["explain", "gate.yaml", "--audit", "-"], &logged);
    assert_eq!(from_stdin.to_string(), ran.to_string());
}

#[test]
fn a_rule_that_decided() {
    let line = Record {
        operation: "loadCredentials",
        changes: false,
        places: vec!["loadCredentials .pii.t".to_owned()],
        refusal: Some("grant_denied"),
        grant: Some(2),
        ..record()
    };
    let ran = tool("audit_rule").run(&["explain", "gate.yaml", "--audit", &line.line(Some(403))]);
    says(
        &ran,
        &expect![[r#"
            request     at 2026-11-25T23:42:05Z (ref 8f2c)
            caller      bob (sub 77aa of corp), a person
            tenant      acme
            warehouse   polaris/acme_raw
            operation   loadCredentials
            refused     403 grant_denied: A grant denies it.
            rule        grants[2] decided, as they stood then
            demand      loadCredentials .pii.t
                          grants[1] allows it to: groups has /lake/engineer (corp), or groups has /lake/admin (corp)
                          grants[2] denies it to: all of the tenant's people
            exchange    at corp (https://idp.example.com/realms/lake), the token endpoint of its metadata
                        client icegate (client_secret_basic), through cluster idp
                        audience: polaris
                        resource: https://polaris.example.com
                        scope: catalog
                        requested_token_type: urn:ietf:params:oauth:token-type:access_token
                        realm: lake
                        the token must name audience polaris
                        and must not have in preferred_username: root
            -> 3
        "#]],
    );
}

#[test]
fn what_was_forwarded_and_what_this_configuration_does_not_know() {
    let tool = tool("audit_others");
    let forwarded = Record {
        refusal: None,
        report_only: Some("grant_missing"),
        warehouse: Some("gone".into()),
        ..record()
    };
    let ran = tool.run(&[
        "explain",
        "gate.yaml",
        "--audit",
        &forwarded.line(Some(200)),
    ]);
    says(
        &ran,
        &expect![[r#"
            request     at 2026-11-25T23:42:05Z (ref 8f2c)
            caller      bob (sub 77aa of corp), a person
            tenant      acme
            warehouse   not one of this tenant's in this configuration
            operation   updateTable
            forwarded   and the client got 200
            report_only grant_missing
            demand      updateTable .pii.t
            -> 0
        "#]],
    );
    let nobody = Record {
        caller: None,
        tenant: None,
        warehouse: None,
        places: Vec::new(),
        refusal: Some("token_missing"),
        ..record()
    };
    let ran = tool.run(&["explain", "gate.yaml", "--audit", &nobody.line(Some(401))]);
    says(
        &ran,
        &expect![[r#"
        request     at 2026-11-25T23:42:05Z (ref 8f2c)
        caller      nobody was recognised
        tenant      -
        warehouse   -
        operation   updateTable
        refused     401 token_missing: There is no `Authorization` header.
        -> 3
    "#]],
    );
}

#[test]
fn no_audit_line() {
    let tool = tool("audit_none");
    let mut text = String::new();
    for line in [
        "",
        "nothing",
        "{}",
        "{\"a\": 1",
        "{\"operation\": \"x\"}\n{}",
    ] {
        text.push_str(
            &tool
                .run(&["explain", "gate.yaml", "--audit", line])
                .to_string(),
        );
    }
    expect![[r#"
        ! icegate: --audit: there is no JSON in the line
        -> 2
        ! icegate: --audit: there is no JSON in the line
        -> 2
        ! icegate: --audit: the line is none of the gate's audit
        -> 2
        ! icegate: --audit: the line is JSON that ends too early (line 1, column 7)
        -> 2
        ! icegate: --audit: there is more than one line
        -> 2
    "#]]
    .assert_eq(&text);
}
