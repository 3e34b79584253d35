//! `icegate explain` by a token, which is read and neither believed nor shown.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use expect_test::expect;

use crate::explain::{BOB, tool};
use crate::run::Ran;

/// A token of Bob's with changed claims and header, and a signature that is none.
pub(crate) fn token(header: &str, claims: &[(&str, serde_json::Value)]) -> String {
    let mut all: serde_json::Value = serde_json::from_str(BOB).expect("JSON");
    all["aud"] = "icegate".into();
    // 2100-01-01
    all["exp"] = 4_102_444_800_u64.into();
    for (name, value) in claims {
        all[*name] = value.clone();
    }
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        part(header),
        part(&all.to_string()),
        part("CANARY-signature")
    )
}

pub(crate) const HEADER: &str = r#"{"alg":"RS256","typ":"JWT","kid":"k"}"#;

const REQUEST: &str = "GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t";

fn said(token: &str) -> String {
    let tool = tool("token").file("token", format!("{token}\n"));
    let ran: Ran = tool.run(&["explain", "gate.yaml", "--token", "token", REQUEST]);
    assert_eq!(ran.err, "");
    let out = ran.out.split("\nexchange ").next().unwrap_or_default();
    format!("{}\n-> {}", out.trim_end(), ran.code)
}

#[test]
fn from_a_file_and_from_standard_input() {
    let good = token(HEADER, &[]);
    let from_file = said(&good);
    expect![[r#"
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t
        caller      bob (sub 77aa of corp), a person, if the token is genuine
        holds       groups has /t/acme (corp): tenant acme
                    groups has /lake/analyst (corp): grants[0]
        tenant      acme
        warehouse   polaris/acme_mart
        operation   loadTable (read)
        demand      loadTable .sales.t: grants[0] allows it
        forwarded   with a token that the exchange below gives
        delegation  credentials and signers for the storage are taken out of the answer
        -> 0"#]]
    .assert_eq(&from_file);
    for stdin in [good.clone(), format!("Bearer {good}\r\n")] {
        let tool = tool("token_stdin");
        let ran = tool.run_with(&["explain", "gate.yaml", "--token", "-", REQUEST], &stdin);
        assert!(
            ran.out
                .starts_with(from_file.split("-> ").next().expect("text")),
            "{ran}"
        );
        assert_eq!(ran.code, 0);
    }
}

#[test]
fn a_token_that_the_gate_would_refuse() {
    let none = r#"{"alg":"none"}"#;
    let refused = [
        token(HEADER, &[("aud", "somebody-else".into())]),
        token(HEADER, &[("iss", "https://evil.example.net".into())]),
        token(HEADER, &[("typ", "ID".into())]),
        token(HEADER, &[("azp", "icegate".into())]),
        token(none, &[]),
        "CANARY-opaque".to_owned(),
        String::new(),
    ];
    let text: Vec<String> = refused.iter().map(|token| said(token)).collect();
    expect![[r#"
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t
        catalog     polaris
        operation   loadTable (read)
        refused     401 audience_mismatch
        answer      www-authenticate: Bearer realm="icegate", error="invalid_token", error_description="the token's audience is not one of: icegate"
                    {"error":{"code":401,"message":"the token's audience is not one of: icegate (ref x-request-id)","type":"NotAuthorizedException"}}
        -> 3
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t
        catalog     polaris
        operation   loadTable (read)
        refused     401 issuer_unknown
        answer      www-authenticate: Bearer realm="icegate", error="invalid_token", error_description="the token's issuer is not one of: https://idp.example.com/realms/lake"
                    {"error":{"code":401,"message":"the token's issuer is not one of: https://idp.example.com/realms/lake (ref x-request-id)","type":"NotAuthorizedException"}}
        -> 3
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t
        catalog     polaris
        operation   loadTable (read)
        refused     401 token_type_refused
        answer      www-authenticate: Bearer realm="icegate", error="invalid_token", error_description="the token is not an access token"
                    {"error":{"code":401,"message":"the token is not an access token (ref x-request-id)","type":"NotAuthorizedException"}}
        -> 3
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t
        catalog     polaris
        operation   loadTable (read)
        refused     401 own_client_token
        answer      www-authenticate: Bearer realm="icegate", error="invalid_token", error_description="the token was minted by the gate for a catalog"
                    {"error":{"code":401,"message":"the token was minted by the gate for a catalog (ref x-request-id)","type":"NotAuthorizedException"}}
        -> 3
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t
        catalog     polaris
        operation   loadTable (read)
        refused     401 algorithm_refused
        answer      www-authenticate: Bearer realm="icegate", error="invalid_token", error_description="the token's signature algorithm is never accepted"
                    {"error":{"code":401,"message":"the token's signature algorithm is never accepted (ref x-request-id)","type":"NotAuthorizedException"}}
        -> 3
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t
        catalog     polaris
        operation   loadTable (read)
        refused     401 jwt_malformed
        answer      www-authenticate: Bearer realm="icegate", error="invalid_token", error_description="the token is not a signed JWT"
                    {"error":{"code":401,"message":"the token is not a signed JWT (ref x-request-id)","type":"NotAuthorizedException"}}
        -> 3
        request     GET /api/catalog/v1/acme_mart/namespaces/sales/tables/t
        catalog     polaris
        refused     401 token_empty
        answer      www-authenticate: Bearer realm="icegate"
                    {"error":{"code":401,"message":"'Authorization: Bearer' came without a token (ref x-request-id)","type":"NotAuthorizedException"}}
        -> 3"#]].assert_eq(&text.join("\n"));
}

/// Explanations are asked for afterwards: the time is told, and decides nothing.
#[test]
fn a_token_out_of_its_time() {
    let told = |token: String| {
        let said = said(&token);
        let time = said.lines().find(|line| line.starts_with("time "));
        let time = time.expect("the time is told").to_owned();
        assert!(said.ends_with("-> 0"), "{said}");
        time.replace(|char: char| char.is_ascii_digit(), "#")
    };
    let past = told(token(HEADER, &[("exp", 1_700_000_000_u64.into())]));
    assert!(
        past.starts_with("time        the token expired #"),
        "{past}"
    );
    assert!(
        past.ends_with(" ago; what follows is for the time when it is good"),
        "{past}"
    );
    let early = told(token(HEADER, &[("nbf", 4_102_444_000_u64.into())]));
    assert!(
        early.starts_with("time        the token is not valid for another #"),
        "{early}"
    );
}
