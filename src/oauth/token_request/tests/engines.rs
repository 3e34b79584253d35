//! What engines send. The bodies are theirs, byte for byte, with short tokens.

use super::*;

#[test]
fn trino_asks_with_an_unsecured_jwt_and_its_own_token() {
    let request = exchange("Bearer eyJh.eyJz.c2ln", TRINO);
    assert_eq!(
        request,
        Exchange {
            subject_token: secret(
                "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImlzcyI6IjQ4MSIsImlhdCI6MTc3MTIwMDAwMCwidXNlciI6ImFsaWNlIiwic291cmNlIjoidHJpbm8tY2xpIiwidHJpbm9DYXRhbG9nIjoibGFrZSIsInRyaW5vVmVyc2lvbiI6IjQ4MSJ9."
            ),
            subject_token_type: SubjectTokenType::Jwt,
            actor_token: Some(secret("eyJh.eyJz.c2ln")),
            proof: Proof::Actor,
            scope: Some("catalog".to_owned()),
            audiences: vec![],
            resources: vec![],
        }
    );
    for authorization in [
        "",
        "Bearer eyJh.eyJz.c2lm",
        "Bearer eyJh.eyJz.c2ln1",
        "Basic dHJpbm86c2VjcmV0",
    ] {
        assert_eq!(read(authorization, TRINO), Err(Fault::NotTheActor));
    }
    // Nor is the user's word a proof of the engine.
    let subject = format!("Bearer {}", request.subject_token.expose());
    assert_eq!(read(&subject, TRINO), Err(Fault::NotTheActor));
}

#[test]
fn java_asks_for_its_catalog_with_a_secret_in_the_form() {
    let body = "grant_type=client_credentials&client_id=trino&client_secret=s3cr3t&scope=catalog";
    let expected = ClientCredentials {
        login: login("trino", "s3cr3t", false),
        scope: Some("catalog".to_owned()),
        audiences: vec![],
        resources: vec![],
    };
    assert_eq!(credentials("", body), expected);
    // A contextual `credential` comes with its parent's bearer; Trino with `session=NONE` sends the catalog's.
    assert_eq!(credentials("Bearer eyJh.eyJz.c2ln", body), expected);
    // URLEncoder writes a space as a plus.
    let body = "grant_type=client_credentials&client_id=a%3Ab+c&client_secret=s%2B%25+%26%3D%C3%A9&scope=a+b";
    let request = credentials("", body);
    assert_eq!(request.login, login("a:b c", "s+% &=é", false));
    assert_eq!(request.scope.as_deref(), Some("a b"));
}

#[test]
fn java_refreshes_with_the_token_itself_or_with_basic_once_it_has_expired() {
    let expected = Exchange {
        subject_token: secret("eyJh.eyJz.c2ln"),
        subject_token_type: SubjectTokenType::AccessToken,
        actor_token: None,
        proof: Proof::Subject,
        scope: Some("catalog".to_owned()),
        audiences: vec![],
        resources: vec![],
    };
    assert_eq!(exchange("Bearer eyJh.eyJz.c2ln", JAVA_REFRESH), expected);
    let request = exchange("Basic dHJpbm86c2VjcmV0", JAVA_REFRESH);
    assert_eq!(request.proof, Proof::Login(login("trino", "secret", true)));
    assert_eq!(
        Exchange {
            proof: Proof::Subject,
            ..request
        },
        expected
    );
    // The same with the secret in the form, as other clients would.
    let request = exchange(
        "",
        &format!("{JAVA_REFRESH}&client_id=trino&client_secret=x"),
    );
    assert_eq!(request.proof, Proof::Login(login("trino", "x", false)));
}

#[test]
fn java_exchanges_a_real_token_of_its_user() {
    for (name, expected) in [
        ("access_token", SubjectTokenType::AccessToken),
        ("id_token", SubjectTokenType::IdToken),
        ("jwt", SubjectTokenType::Jwt),
    ] {
        let body = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&scope=catalog&subject_token=e.e.e\
             &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3A{name}&actor_token=a.a.a\
             &actor_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&audience=lake&resource=https%3A%2F%2Flake.example%2F"
        );
        let request = exchange("Bearer a.a.a", &body);
        assert_eq!(request.subject_token_type, expected);
        assert_eq!(
            expected.as_str(),
            format!("urn:ietf:params:oauth:token-type:{name}")
        );
        assert_eq!(request.audiences, ["lake"]);
        assert_eq!(request.resources, ["https://lake.example/"]);
    }
}

#[test]
fn duckdb_sends_basic_as_it_is() {
    let body = "grant_type=client_credentials&scope=PRINCIPAL_ROLE%3AALL";
    let request = credentials(&basic("duck:s:e+c%41r é"), body);
    assert_eq!(request.login, login("duck", "s:e+c%41r é", true));
    assert_eq!(request.scope.as_deref(), Some("PRINCIPAL_ROLE:ALL"));
}

#[test]
fn pyiceberg_asks_again_with_its_old_bearer() {
    // requests writes the parameters in the order of a dict.
    let body = "grant_type=client_credentials&client_id=py&client_secret=s&scope=catalog";
    let request = credentials("Bearer old.and.expired", body);
    assert_eq!(request.login, login("py", "s", false));
    // Its `oauth2` manager sends Basic.
    let request = credentials(
        &basic("py:s"),
        "grant_type=client_credentials&scope=catalog",
    );
    assert_eq!(request.login, login("py", "s", true));
}

#[test]
fn a_credential_that_is_only_a_secret_is_told_what_is_missing() {
    let fault = read(
        "",
        "grant_type=client_credentials&client_secret=s3cr3t&scope=catalog",
    )
    .unwrap_err();
    assert_eq!(fault.code(), ErrorCode::InvalidClient);
    assert_eq!(
        fault.describe(),
        "client_id is missing: the credential of an Iceberg client has the form id:secret"
    );
}
