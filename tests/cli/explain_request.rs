//! `icegate explain`: what is read of a request, and what is missing of it.

use expect_test::expect;

use crate::check::TENANTS;
use crate::explain::{bob, reasons, tool};
use crate::run::says;

#[test]
fn what_never_comes_to_the_policy() {
    let tool = tool("path");
    let mut text = String::new();
    for request in [
        "GET /elsewhere",
        "GET /api/catalog/v1/acme_mart/namespaces/a%2Fb",
        "PATCH /api/catalog/v1/config",
        "POST /api/catalog/v1/oauth/tokens",
        "GET /api/catalog/v1/config?access_token=CANARY-query",
    ] {
        text.push_str(&reasons(&bob(&tool, request)));
        text.push('\n');
    }
    expect![[r#"
        request     GET /elsewhere
        refused     404 path_outside
        answer      {"error":{"code":404,"message":"no catalog of this gate lies under this path (ref x-request-id)","type":"NotFoundException"}}
        -> 3
        request     GET /api/catalog/v1/acme_mart/namespaces/a%2Fb
        catalog     polaris
        refused     400 path_encoded_slash
        answer      {"error":{"code":400,"message":"the path has an encoded slash (%2F); names with '/' cannot be told from two segments (ref x-request-id)","type":"BadRequestException"}}
        -> 3
        request     PATCH /api/catalog/v1/config
        catalog     polaris
        refused     404 wrong_method
        answer      {"error":{"code":404,"message":"the Iceberg REST catalog API has this path, but not with this method (ref x-request-id)","type":"NotFoundException"}}
        -> 3
        request     POST /api/catalog/v1/oauth/tokens
        catalog     polaris
        refused     400 token_endpoint_off
        answer      {"error":"unsupported_grant_type","error_description":"this gate does not answer the token endpoint: get a token for the gate at the identity provider (set oauth2-server-uri, or pass the token itself) (ref x-request-id)"}
        -> 3
        request     GET /api/catalog/v1/config
        catalog     polaris
        refused     400 path_token_in_query
        answer      {"error":{"code":400,"message":"the query has an access_token; send the token in the Authorization header (ref x-request-id)","type":"BadRequestException"}}
        -> 3
    "#]].assert_eq(&text);
}

#[test]
fn without_tenants() {
    let tool = tool("without");
    let request = "GET /iceberg/v1/config?warehouse=w";
    says(
        &tool.run(&["explain", "small.yaml", "--claims", "bob.json", request]),
        &expect![[r#"
            request     GET /iceberg/v1/config
            caller      bob (sub 77aa of corp), a person, if the token is genuine
            assumed     aud and exp: as they must be, they are not in the claims
            catalog     lake
            operation   getConfig (config)
            forwarded   with a token that the exchange below gives
            exchange    at corp (https://idp.example.com/realms/lake), the token endpoint of its metadata
                        client icegate (client_secret_basic), through cluster idp
                        audience: catalog
                        requested_token_type: urn:ietf:params:oauth:token-type:access_token
                        the token must name audience catalog
            -> 0
        "#]],
    );
}

/// Exit codes: what is undecided is no answer, and one refusal among several requests is one.
#[test]
fn several_requests() {
    let tool = tool("several_requests");
    let good = "GET /api/catalog/v1/acme_mart/namespaces";
    let bad = "GET /api/catalog/v1/other_raw/namespaces";
    let code = |requests: &[&str]| {
        let mut arguments = vec!["explain", "gate.yaml", "--claims", "bob.json"];
        arguments.extend(requests);
        tool.run(&arguments).code
    };
    assert_eq!(code(&[good, good]), 0);
    assert_eq!(code(&[good, bad]), 3);
    assert_eq!(code(&[bad, good]), 3);
    // As words of its own.
    let words: Vec<&str> = good.split(' ').collect();
    assert_eq!(code(&words), 0);
    assert_eq!(code(&[&format!("{good} HTTP/1.1")]), 0);
}

/// Lakekeeper's prefixes are told by the catalog.
#[test]
fn a_prefix_that_the_catalog_tells() {
    let asked = TENANTS
        .replace("kind: polaris", "kind: lakekeeper\n    cluster: lakekeeper")
        .replace("[acme_raw, acme_mart]", "[acme_mart]")
        .replace(", at: {polaris: {acme_raw: [[pii, \"**\"]]}}", "");
    let tool = tool("prefix").file("gate.yaml", asked);
    let request = "GET /api/catalog/v1/8b0a/namespaces/sales/tables/t";
    let start = ["explain", "gate.yaml", "--claims", "bob.json", request];
    expect![[r#"
        request     GET /api/catalog/v1/8b0a/namespaces/sales/tables/t
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   none of that name is written in any reach; within the caller's: polaris/acme_mart
        operation   loadTable (read)
        undecided   the gate asks the catalog for the prefix of polaris/acme_mart; give it with --prefix
        -> 2"#]].assert_eq(&reasons(&tool.run(&start)));
    let told = [&start[..], &["--prefix", "acme_mart=8b0a"]].concat();
    expect![[r#"
        request     GET /api/catalog/v1/8b0a/namespaces/sales/tables/t
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_mart
        operation   loadTable (read)
        demand      loadTable .sales.t: grants[0] allows it
        forwarded   with a token that the exchange below gives
        delegation  X-Iceberg-Access-Delegation becomes client-managed
                    credentials and signers for the storage are taken out of the answer
        -> 0"#]]
    .assert_eq(&reasons(&tool.run(&told)));
    let shared = [&told[..], &["--prefix", "other_raw=8b0a"]].concat();
    expect![[r#"
        request     GET /api/catalog/v1/8b0a/namespaces/sales/tables/t
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   none of that name is written in any reach; within the caller's: polaris/acme_mart
        operation   loadTable (read)
        refused     403 prefix_shared
        answer      {"error":{"code":403,"message":"catalog 'polaris' gives the prefix '8b0a' to two warehouses, so it is nobody's: its operator must write the prefixes in reach (ref x-request-id)","type":"ForbiddenException"}}
        -> 3"#]].assert_eq(&reasons(&tool.run(&shared)));
    let unknown = [&start[..], &["--prefix", "nothing=8b0a"]].concat();
    says(
        &tool.run(&unknown),
        &expect![[r#"
        ! icegate: --prefix: the configuration has no warehouse of that name, or several
        -> 2
    "#]],
    );
}

#[test]
fn a_faulty_configuration_is_told() {
    let tool = tool("faulty").file(
        "gate.yaml",
        TENANTS.replace("may: [read], at", "may: [], at"),
    );
    says(
        &bob(&tool, "GET /api/catalog/v1/acme_mart/namespaces"),
        &expect![[r#"
            grants[0].may: must hold 1 to 256
            -> 1
        "#]],
    );
}

/// What is wanted stands in the body: each place is decided on.
#[test]
fn what_stands_in_a_body() {
    let tool = tool("body")
        .file(
            "rename.json",
            r#"{"source": {"namespace": ["sales"], "name": "a"}, "destination": {"namespace": ["pii"], "name": "b"}}"#,
        )
        .file("create.json", r#"{"name": "t", "location": "s3://other/t", "schema": {}}"#)
        .file("broken.json", r#"{"name": "t", "name": "u"}"#);
    let rename = "POST /api/catalog/v1/acme_raw/tables/rename";
    let create = "POST /api/catalog/v1/acme_raw/namespaces/sales/tables";
    let mut text = reasons(&bob(&tool, rename));
    for (request, body) in [
        (rename, "rename.json"),
        (create, "create.json"),
        (create, "broken.json"),
    ] {
        let arguments = [
            "explain",
            "gate.yaml",
            "--claims",
            "bob.json",
            "--body",
            body,
            request,
        ];
        text.push_str(&format!("\n{}", reasons(&tool.run(&arguments))));
    }
    expect![[r#"
        request     POST /api/catalog/v1/acme_raw/tables/rename
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_raw
        operation   renameTable (write)
        undecided   the gate reads the body of such a request; give it with --body
        -> 2
        request     POST /api/catalog/v1/acme_raw/tables/rename
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_raw
        operation   renameTable (write)
        demand      renameTable .sales.a: no grant
                    renameTable .pii.b: no grant
        refused     403 grant_missing
        answer      {"error":{"code":403,"message":"bob (tenant acme) may not rename from or to polaris/acme_raw.sales.a: no grant (ref x-request-id)","type":"ForbiddenException"}}
        nearest     grants[1] would allow renameTable .sales.a to others, one needs: groups has /lake/engineer (corp), or groups has /lake/admin (corp)
                    grants[1] would allow renameTable .pii.b to others, one needs: groups has /lake/engineer (corp), or groups has /lake/admin (corp)
        -> 3
        request     POST /api/catalog/v1/acme_raw/namespaces/sales/tables
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_raw
        operation   createTable (write)
        demand      createTable .sales.t: no grant
        refused     403 location_outside
        answer      {"error":{"code":403,"message":"bob (tenant acme) may not point to s3://other/t: it is not within the tenant's locations (location) (ref x-request-id)","type":"ForbiddenException"}}
        nearest     the tenant's locations: s3://acme/
        -> 3
        request     POST /api/catalog/v1/acme_raw/namespaces/sales/tables
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_raw
        operation   createTable (write)
        refused     400 body_unreadable
        answer      {"error":{"code":400,"message":"a rule of this gate depends on the request's body, and the body has the same member twice in one object (ref x-request-id)","type":"BadRequestException"}}
        -> 3"#]].assert_eq(&text);
    let encoded = [
        "explain",
        "gate.yaml",
        "--claims",
        "bob.json",
        "--header",
        "Content-Encoding: gzip",
        create,
    ];
    expect![[r#"
        request     POST /api/catalog/v1/acme_raw/namespaces/sales/tables
        catalog     polaris
        refused     400 body_encoded
        answer      {"error":{"code":400,"message":"a rule of this gate depends on the request's body: send it without Content-Encoding, and as UTF-8 (ref x-request-id)","type":"BadRequestException"}}
        -> 3"#]].assert_eq(&reasons(&tool.run(&encoded)));
}

#[test]
fn the_warehouse_of_a_query() {
    let tool = tool("query");
    let mut text = String::new();
    for request in [
        "GET /api/catalog/v1/config?warehouse=acme_mart",
        "GET /api/catalog/v1/config?warehouse=other_raw",
        "GET /api/catalog/v1/config",
    ] {
        text.push_str(&format!("{}\n", reasons(&bob(&tool, request))));
    }
    expect![[r#"
        request     GET /api/catalog/v1/config
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_mart
        operation   getConfig (config)
        demand      getConfig (the root): needs no grant
        forwarded   with a token that the exchange below gives
        -> 0
        request     GET /api/catalog/v1/config
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/other_raw, which is tenant other's
        operation   getConfig (config)
        refused     403 outside_border
        answer      {"error":{"code":403,"message":"bob (tenant acme) may not use polaris/other_raw: it is not within the tenant's border (ref x-request-id)","type":"ForbiddenException"}}
        nearest     tenant other takes: groups has /t/other (corp)
        -> 3
        request     GET /api/catalog/v1/config
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   none of that name is written in any reach; within the caller's: polaris/acme_raw, polaris/acme_mart
        operation   getConfig (config)
        refused     400 warehouse_missing
        answer      {"error":{"code":400,"message":"bob names no warehouse of catalog 'polaris': set warehouse in the client (there are: acme_raw, acme_mart) (ref x-request-id)","type":"BadRequestException"}}
        -> 3
    "#]].assert_eq(&text);
}
