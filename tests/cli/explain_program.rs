//! `icegate explain` of programs.

use expect_test::expect;

use crate::check::TENANTS;
use crate::explain::reasons;
use crate::run::{Tool, says};

const TRINO: &str = r#"{"iss": "https://idp.example.com/realms/lake", "sub": "91aa", "azp": "trino",
    "preferred_username": "service-account-trino"}"#;

const SERVICES: &str = r#"
services:
  trino:
    who: {issuer: corp, sub: 91aa, azp: trino, peer: "spiffe://example.com/trino"}
    tenant: acme
    may: [config, loadTable]
    token: {client_credentials: {from: corp, id: trino-lake, secret: {env: TRINO_LAKE}, for: [config]}}
"#;

fn tool(name: &str) -> Tool {
    Tool::new(name)
        .file("gate.yaml", TENANTS)
        .file("listed.yaml", format!("{TENANTS}{SERVICES}"))
        .file("trino.json", TRINO)
}

fn trino(tool: &Tool, file: &str, more: &[&str]) -> String {
    let args = ["explain", file, "--claims", "trino.json"];
    reasons(&tool.run(&[&args, more].concat()))
}

#[test]
fn a_program_that_is_not_listed() {
    let request = "GET /api/catalog/v1/config?warehouse=acme_raw";
    expect![[r#"
        request     GET /api/catalog/v1/config
        caller      service-account-trino (sub 91aa of corp), a program, if the token is genuine
        program     not listed under services: refused everywhere
        assumed     aud and exp: as they must be, they are not in the claims
        missing     groups: not in the token
        tenant      none
        warehouse   polaris/acme_raw, which is tenant acme's
        operation   getConfig (config)
        refused     403 program_not_listed
        answer      {"error":{"code":403,"message":"service-account-trino is a program of identity provider 'corp' that this gate does not list: its operator must write it under services, with who: {issuer: corp, sub: 91aa} and what it may do (may); if this is a person's query, the person's token has expired and the engine has gone on as its own account: sign in again (ref x-request-id)","type":"ForbiddenException"}}
        -> 3"#]].assert_eq(&trino(&tool("not_listed"), "gate.yaml", &[request]));
}

#[test]
fn a_program_that_is_listed() {
    let tool = tool("listed");
    let peer = ["--peer", "spiffe://example.com/trino"];
    let drop = "DELETE /api/catalog/v1/acme_raw/namespaces/db/tables/t";
    expect![[r#"
        request     DELETE /api/catalog/v1/acme_raw/namespaces/db/tables/t
        caller      service-account-trino (sub 91aa of corp), a program, if the token is genuine
        program     listed as services.trino, which may only: config, loadTable; by an account of its own: config; only where its connection's certificate names spiffe://example.com/trino
        assumed     aud and exp: as they must be, they are not in the claims
        holds       sub is 91aa (corp): services.trino
        missing     groups: not in the token
        tenant      acme
        warehouse   polaris/acme_raw
        operation   dropTable (write)
        demand      dropTable .db.t: the program's may does not have it
        refused     403 service_may_not
        answer      {"error":{"code":403,"message":"program trino may not dropTable, only: config, loadTable (services.trino.may); if this is a person's query, the person's token has expired and the engine has gone on as its own account: sign in again (ref x-request-id)","type":"ForbiddenException"}}
        -> 3"#]].assert_eq(&trino(&tool, "listed.yaml", &[&peer[..], &[drop]].concat()));
    let config = "GET /api/catalog/v1/config?warehouse=acme_raw";
    expect![[r#"
        request     GET /api/catalog/v1/config
        caller      service-account-trino (sub 91aa of corp), a program, if the token is genuine
        program     listed as services.trino, which may only: config, loadTable; by an account of its own: config; only where its connection's certificate names spiffe://example.com/trino
        assumed     aud and exp: as they must be, they are not in the claims
        holds       sub is 91aa (corp): services.trino
        missing     groups: not in the token
        tenant      acme
        warehouse   polaris/acme_raw
        operation   getConfig (config)
        demand      getConfig (the root): the program's may has it
        refused     403 program_peer
        answer      {"error":{"code":403,"message":"program trino calls by a connection whose certificate does not name it, or that has none (services.trino.who.peer) (ref x-request-id)","type":"ForbiddenException"}}
        -> 3"#]].assert_eq(&trino(&tool, "listed.yaml", &[config]));
    let args = ["explain", "listed.yaml", "--claims", "trino.json"];
    let ran = tool.run(&[&args, &peer[..], &[config]].concat());
    says(
        &ran,
        &expect![[r#"
        request     GET /api/catalog/v1/config
        caller      service-account-trino (sub 91aa of corp), a program, if the token is genuine
        program     listed as services.trino, which may only: config, loadTable; by an account of its own: config; only where its connection's certificate names spiffe://example.com/trino
        assumed     aud and exp: as they must be, they are not in the claims
        holds       sub is 91aa (corp): services.trino
        missing     groups: not in the token
        tenant      acme
        warehouse   polaris/acme_raw
        operation   getConfig (config)
        demand      getConfig (the root): the program's may has it
        forwarded   with a token that the exchange below gives
        exchange    at corp (https://idp.example.com/realms/lake), the token endpoint of its metadata
                    client trino-lake (client_secret_basic), through cluster idp
                    for the client's own account (client_credentials): the caller's token is not sent
                    resource: https://polaris.example.com
                    scope: catalog
                    the token must name audience polaris
                    and must not have in preferred_username: root
        -> 0
    "#]],
    );
}

#[test]
fn by_a_line_of_the_audit() {
    let line = r#"{"time":"2026-11-25T23:42:05Z","reference":"6b1c","issuer":"corp","subject":"91aa","name":"service-account-trino",
        "kind":"program","proof":"program","service":"trino","tenant":"acme","catalog":"polaris","warehouse":"acme_raw",
        "operation":"getConfig","places":["getConfig"],"decision":"forwarded","refusal":null,"status":200}"#;
    let line = line.replace('\n', "");
    let tool = tool("program_audit");
    says(
        &tool.run(&["explain", "listed.yaml", "--audit", &line]),
        &expect![[r#"
            request     at 2026-11-25T23:42:05Z (ref 6b1c)
            caller      service-account-trino (sub 91aa of corp), a program
            program     listed as services.trino, which may only: config, loadTable; by an account of its own: config; only where its connection's certificate names spiffe://example.com/trino
            tenant      acme
            warehouse   polaris/acme_raw
            operation   getConfig
            forwarded   and the client got 200
            demand      getConfig
            exchange    at corp (https://idp.example.com/realms/lake), the token endpoint of its metadata
                        client trino-lake (client_secret_basic), through cluster idp
                        for the client's own account (client_credentials): the caller's token is not sent
                        resource: https://polaris.example.com
                        scope: catalog
                        the token must name audience polaris
                        and must not have in preferred_username: root
            -> 0
        "#]],
    );
    let spoken = line
        .replace(r#""service":"trino""#, r#""service":"gone""#)
        .replace(r#""proof":"program""#, r#""proof":"engine_word""#)
        .replace(r#""kind":"program""#, r#""kind":"person""#);
    expect![[r#"
        request     at 2026-11-25T23:42:05Z (ref 6b1c)
        caller      service-account-trino (sub 91aa of corp), a person by the word of an engine
        program     services.gone is not in this configuration
        tenant      acme
        warehouse   polaris/acme_raw
        operation   getConfig
        forwarded   and the client got 200
        demand      getConfig
                      no grant allows it to anybody
        -> 0"#]]
    .assert_eq(&reasons(&tool.run(&[
        "explain",
        "listed.yaml",
        "--audit",
        &spoken,
    ])));
}
