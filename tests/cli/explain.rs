//! `icegate explain` by claims.

use expect_test::expect;

use crate::check::{SMALL, TENANTS};
use crate::run::{Ran, Tool, says};

/// Bob of acme, an analyst.
pub(crate) const BOB: &str = r#"{"iss": "https://idp.example.com/realms/lake", "sub": "77aa", "preferred_username": "bob",
    "groups": ["/t/acme", "/lake/analyst", "/not/ours"], "email": "CANARY-email"}"#;

pub(crate) fn tool(name: &str) -> Tool {
    Tool::new(name)
        .file("gate.yaml", TENANTS)
        .file("small.yaml", SMALL)
        .file("bob.json", BOB)
}

pub(crate) fn bob(tool: &Tool, request: &str) -> Ran {
    tool.run(&["explain", "gate.yaml", "--claims", "bob.json", request])
}

/// A run without the exchange, which is the same everywhere.
pub(crate) fn reasons(ran: &Ran) -> String {
    let out = ran.out.split("\nexchange ").next().unwrap_or_default();
    format!("{}\n-> {}", out.trim_end(), ran.code)
}

/// Bob with other groups, and the reasons.
fn with_groups(name: &str, groups: &str, request: &str) -> String {
    let claims = BOB.replace(r#""/lake/analyst", "/not/ours""#, groups);
    let tool = tool(name).file("bob.json", claims);
    reasons(&bob(&tool, request))
}

#[test]
fn forwarded() {
    let ran = bob(
        &tool("forwarded"),
        "GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t",
    );
    says(
        &ran,
        &expect![[r#"
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_mart
        operation   loadTable (read)
        demand      loadTable .sales.t: grants[0] allows it
        forwarded   with a token that the exchange below gives
        delegation  credentials and signers for the storage are taken out of the answer
        exchange    at corp (https://idp.example.com/realms/lake), the token endpoint of its metadata
                    client icegate (client_secret_basic), through cluster idp
                    audience: polaris
                    resource: https://polaris.example.com
                    scope: catalog
                    requested_token_type: urn:ietf:params:oauth:token-type:access_token
                    realm: lake
                    the token must name audience polaris
                    and must not have in preferred_username: root
        -> 0
    "#]],
    );
}

#[test]
fn no_grant_and_the_group_that_would_allow() {
    let request = "POST /api/catalog/v1/acme_raw/namespaces/pii/tables/t";
    says(
        &bob(&tool("no_grant"), request),
        &expect![[r#"
            request     POST /api/catalog/v1/acme_raw/namespaces/pii/tables/t
            caller      bob (sub 77aa of corp), a person, if the token is genuine
            assumed     aud and exp: as they must be, they are not in the claims
            holds       groups has /t/acme (corp): tenant acme
                        groups has /lake/analyst (corp): grants[0]
            tenant      acme
            warehouse   polaris/acme_raw
            operation   updateTable (commit)
            demand      updateTable .pii.t: no grant
            refused     403 grant_missing
            answer      {"error":{"code":403,"message":"bob (tenant acme) may not commit to polaris/acme_raw.pii.t: no grant (ref x-request-id)","type":"ForbiddenException"}}
            nearest     grants[1] would allow updateTable .pii.t to others, one needs: groups has /lake/engineer (corp), or groups has /lake/admin (corp)
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

/// The advice holds: with the group that is named, the same request is forwarded.
#[test]
fn the_group_that_is_named_does_allow() {
    let request = "HEAD /api/catalog/v1/acme_raw/namespaces/pii/tables/t";
    let refused = with_groups("advice", r#""/lake/analyst""#, request);
    expect![[r#"
        request     HEAD /api/catalog/v1/acme_raw/namespaces/pii/tables/t
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_raw
        operation   tableExists (read)
        demand      tableExists .pii.t: no grant
        refused     403 grant_missing
        answer      (HEAD has no body) bob (tenant acme) may not read polaris/acme_raw.pii.t: no grant
        nearest     grants[1] would allow tableExists .pii.t to others, one needs: groups has /lake/engineer (corp), or groups has /lake/admin (corp)
                    grants[0] allows bob tableExists, but at: polaris/acme_mart
        -> 3"#]].assert_eq(&refused);
    let allowed = with_groups("advice", r#""/lake/engineer""#, request);
    expect![[r#"
        request     HEAD /api/catalog/v1/acme_raw/namespaces/pii/tables/t
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/engineer (corp): grants[1]
        tenant      acme
        warehouse   polaris/acme_raw
        operation   tableExists (read)
        demand      tableExists .pii.t: grants[1] allows it
        forwarded   with a token that the exchange below gives
        -> 0"#]]
    .assert_eq(&allowed);
}

#[test]
fn deny_wins() {
    let request = "GET /api/catalog/v1/acme_raw/namespaces/pii/tables/t/credentials";
    expect![[r#"
        request     GET /api/catalog/v1/acme_raw/namespaces/pii/tables/t/credentials
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/engineer (corp): grants[1]
        tenant      acme
        warehouse   polaris/acme_raw
        operation   loadCredentials (credentials)
        demand      loadCredentials .pii.t: grants[2] denies it
        refused     403 grant_denied
        answer      {"error":{"code":403,"message":"bob (tenant acme) may not get storage credentials for polaris/acme_raw.pii.t: grants[2] denies it (ref x-request-id)","type":"ForbiddenException"}}
        nearest     grants[2] denies loadCredentials .pii.t: deny wins over every may
        -> 3"#]].assert_eq(&with_groups("deny", r#""/lake/engineer""#, request));
}

#[test]
fn nobody_comes_near() {
    let request = "DELETE /api/catalog/polaris/v1/acme_raw/namespaces/a/policies/p";
    expect![[r#"
        request     DELETE /api/catalog/polaris/v1/acme_raw/namespaces/a/policies/p
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_raw
        operation   dropPolicy (admin)
        demand      dropPolicy .a.p: no grant
        refused     403 grant_missing
        answer      {"error":{"code":403,"message":"bob (tenant acme) may not administer polaris/acme_raw.a.p: no grant (ref x-request-id)","type":"ForbiddenException"}}
        nearest     no grant of the tenant comes near to dropPolicy .a.p
        -> 3"#]].assert_eq(&with_groups("nobody", r#""/lake/analyst""#, request));
    let request = "POST /api/catalog/v1/acme_raw/namespaces/a/tables/t/notifications";
    expect![[r#"
        request     POST /api/catalog/v1/acme_raw/namespaces/a/tables/t/notifications
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/engineer (corp): grants[1]
        tenant      acme
        warehouse   polaris/acme_raw
        operation   sendNotification (admin)
        demand      sendNotification .a.t: no grant
        refused     403 grant_missing
        answer      {"error":{"code":403,"message":"bob (tenant acme) may not administer polaris/acme_raw.a.t: no grant (ref x-request-id)","type":"ForbiddenException"}}
        nearest     grants[1] holds for bob there, but allows: read, write, commit, credentials
        -> 3"#]].assert_eq(&with_groups("nobody", r#""/lake/engineer""#, request));
}

#[test]
fn another_tenants_warehouse_and_none_at_all() {
    let tool = tool("border");
    let ran = bob(&tool, "GET /api/catalog/v1/other_raw/namespaces");
    expect![[r#"
        request     GET /api/catalog/v1/other_raw/namespaces
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/other_raw, which is tenant other's
        operation   listNamespaces (read)
        refused     403 outside_border
        answer      {"error":{"code":403,"message":"bob (tenant acme) may not use polaris/other_raw: it is not within the tenant's border (ref x-request-id)","type":"ForbiddenException"}}
        nearest     tenant other takes: groups has /t/other (corp)
        -> 3"#]].assert_eq(&reasons(&ran));
    let ran = bob(&tool, "GET /api/catalog/v1/nothing/namespaces");
    expect![[r#"
        request     GET /api/catalog/v1/nothing/namespaces
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   none of that name is written in any reach; within the caller's: polaris/acme_raw, polaris/acme_mart
        operation   listNamespaces (read)
        refused     403 outside_border
        answer      {"error":{"code":403,"message":"bob (tenant acme) may not use polaris/nothing: it is not within the tenant's border (ref x-request-id)","type":"ForbiddenException"}}
        -> 3"#]].assert_eq(&reasons(&ran));
}

#[test]
fn nobodys_tenant() {
    let request = "GET /api/catalog/v1/acme_raw/namespaces";
    let claims = BOB.replace("/t/acme", "/t/none");
    let tool = tool("nobodys").file("bob.json", claims);
    expect![[r#"
        request     GET /api/catalog/v1/acme_raw/namespaces
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /lake/analyst (corp): of no use within the caller's tenants
        tenant      none
        warehouse   polaris/acme_raw, which is tenant acme's
        operation   listNamespaces (read)
        refused     403 tenant_none
        answer      {"error":{"code":403,"message":"bob belongs to no tenant of this gate: no value that it asks for stands in the token's claim groups or sub (ref x-request-id)","type":"ForbiddenException"}}
        nearest     tenant acme takes: groups has /t/acme (corp)
        -> 3"#]].assert_eq(&reasons(&bob(&tool, request)));
    let claims = BOB.replace(r#""groups""#, r#""hasgroups": true, "roles""#);
    let tool = tool.file("bob.json", claims);
    expect![[r#"
        request     GET /api/catalog/v1/acme_raw/namespaces
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        missing     groups: the token leaves it out, there is too much in it (overage)
        tenant      none
        warehouse   polaris/acme_raw, which is tenant acme's
        operation   listNamespaces (read)
        refused     403 tenant_none
        answer      {"error":{"code":403,"message":"bob belongs to no tenant of this gate: the token does not list the groups, there are too many of them (group overage); let the identity provider put only the groups that the gate asks for into it (ref x-request-id)","type":"ForbiddenException"}}
        nearest     tenant acme takes: groups has /t/acme (corp)
        -> 3"#]].assert_eq(&reasons(&bob(&tool, request)));
}

#[test]
fn a_view_that_hides_behind_its_table() {
    let only_tables = TENANTS.replace(
        "may: [read], at: {polaris: [acme_mart]}",
        "may: [loadTable], at: {polaris: [acme_mart]}",
    );
    let tool = tool("view").file("gate.yaml", only_tables);
    let ran = bob(
        &tool,
        "GET /api/catalog/v1/acme_mart/namespaces/sales/views/t",
    );
    expect![[r#"
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/views/t
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_mart
        operation   loadView (read)
        demand      loadView .sales.t: no grant
        refused     404 view_hidden
        answer      {"error":{"code":404,"message":"bob (tenant acme) may not read polaris/acme_mart.sales.t: no grant (ref x-request-id)","type":"NoSuchViewException"}}
        nearest     grants[1] would allow loadView .sales.t to others, one needs: groups has /lake/engineer (corp), or groups has /lake/admin (corp)
                    grants[0] holds for bob there, but allows: loadTable
        -> 3"#]].assert_eq(&reasons(&ran));
}

#[test]
fn the_denied() {
    let tool = tool("denied").file("bob.json", BOB.replace("77aa", "mallory"));
    let ran = bob(&tool, "GET /api/catalog/v1/acme_mart/namespaces");
    expect![[r#"
        request     GET /api/catalog/v1/acme_mart/namespaces
        caller      bob (sub mallory of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
                    sub is mallory (corp): denied
        tenant      acme
        warehouse   polaris/acme_mart
        operation   listNamespaces (read)
        demand      listNamespaces (the root): grants[0] allows it
        refused     403 caller_denied
        answer      {"error":{"code":403,"message":"bob is denied by the operator of this gate (ref x-request-id)","type":"ForbiddenException"}}
        nearest     denied holds: sub is mallory (corp)
        -> 3"#]].assert_eq(&reasons(&ran));
}

#[test]
fn only_reported() {
    let reported = format!("{TENANTS}report_only: {{grants: true}}\n");
    let tool = tool("reported").file("gate.yaml", reported);
    let ran = bob(
        &tool,
        "GET /api/catalog/v1/acme_raw/namespaces/pii/tables/t",
    );
    expect![[r#"
        request     GET /api/catalog/v1/acme_raw/namespaces/pii/tables/t
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_raw
        operation   loadTable (read)
        demand      loadTable .pii.t: no grant
        forwarded   with a token that the exchange below gives
        report_only grant_missing: bob (tenant acme) may not read polaris/acme_raw.pii.t: no grant
        -> 0"#]]
    .assert_eq(&reasons(&ran));
}

#[test]
fn the_wish_for_credentials() {
    let tool = tool("wishes");
    let request = "GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t";
    let header = "X-Iceberg-Access-Delegation: vended-credentials";
    let arguments = [
        "explain",
        "gate.yaml",
        "--claims",
        "bob.json",
        "--header",
        header,
        request,
    ];
    expect![[r#"
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_mart
        operation   loadTable (read)
        demand      loadTable .sales.t: grants[0] allows it
        forwarded   with a token that the exchange below gives
        delegation  X-Iceberg-Access-Delegation is taken off
                    credentials and signers for the storage are taken out of the answer
        -> 0"#]]
    .assert_eq(&reasons(&tool.run(&arguments)));
    let tool = tool.file("gate.yaml", format!("{TENANTS}delegation: refuse\n"));
    expect![[r#"
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        assumed     aud and exp: as they must be, they are not in the claims
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_mart
        operation   loadTable (read)
        demand      loadTable .sales.t: grants[0] allows it
        refused     403 delegation_refused
        answer      {"error":{"code":403,"message":"bob (tenant acme) may not read polaris/acme_mart.sales.t: no grant for the storage credentials or signatures that the client asks for (X-Iceberg-Access-Delegation) (ref x-request-id)","type":"ForbiddenException"}}
        -> 3"#]].assert_eq(&reasons(&tool.run(&arguments)));
}
