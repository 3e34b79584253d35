//! Token exchange: its parameters and its proof.

use super::*;

#[test]
fn an_exchange_says_all_that_it_must() {
    const EXCHANGE: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange";
    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
    let table = [
        (String::new(), Fault::Missing("subject_token")),
        (
            "&subject_token=".to_owned(),
            Fault::Missing("subject_token"),
        ),
        (
            format!("&subject_token_type={ACCESS}"),
            Fault::Missing("subject_token"),
        ),
        (
            "&subject_token=s".to_owned(),
            Fault::Missing("subject_token_type"),
        ),
        (
            "&subject_token=s&subject_token_type=".to_owned(),
            Fault::Missing("subject_token_type"),
        ),
    ];
    for (parameters, expected) in table {
        assert_eq!(
            read("Bearer s", &format!("{EXCHANGE}{parameters}")),
            Err(expected)
        );
    }
    for other in [
        "refresh_token",
        "saml2",
        "saml1",
        "Access_token",
        "access_token ",
        "",
    ] {
        let urn = format!(
            "urn:ietf:params:oauth:token-type:{}",
            other.replace(' ', "+")
        );
        let body = format!("{EXCHANGE}&subject_token=s&subject_token_type={urn}");
        assert_eq!(
            read("Bearer s", &body),
            Err(Fault::SubjectTokenType),
            "{other}"
        );
        let asked = refresh(&format!("&requested_token_type={urn}"));
        assert_eq!(asked, Err(Fault::RequestedTokenType), "{other}");
        let actor = refresh(&format!("&actor_token=a&actor_token_type={urn}"));
        assert_eq!(actor, Err(Fault::ActorTokenType), "{other}");
    }
    for other in ["id_token", "jwt"] {
        let urn = format!("urn:ietf:params:oauth:token-type:{other}");
        let asked = refresh(&format!("&requested_token_type={urn}"));
        assert_eq!(asked, Err(Fault::RequestedTokenType));
        let actor = refresh(&format!("&actor_token=a&actor_token_type={urn}"));
        assert_eq!(actor, Err(Fault::ActorTokenType));
    }
    for (parameters, expected) in [
        (
            "&actor_token=a".to_owned(),
            Fault::Missing("actor_token_type"),
        ),
        (
            "&actor_token=a&actor_token_type=".to_owned(),
            Fault::Missing("actor_token_type"),
        ),
        (
            format!("&actor_token_type={ACCESS}"),
            Fault::Missing("actor_token"),
        ),
        (
            format!("&actor_token=&actor_token_type={ACCESS}"),
            Fault::Missing("actor_token"),
        ),
    ] {
        assert_eq!(refresh(&parameters), Err(expected), "{parameters}");
    }
    assert!(refresh(&format!("&requested_token_type={ACCESS}")).is_ok());
    assert!(refresh("&requested_token_type=&actor_token=&actor_token_type=").is_ok());
}

#[test]
fn an_exchange_is_proven_in_one_way() {
    let exchange = |authorization: &str, parameters: &str| {
        let form = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=s\
                    &subject_token_type=urn:ietf:params:oauth:token-type:jwt";
        match read(authorization, &format!("{form}{parameters}")) {
            Ok(TokenRequest::Exchange(request)) => Ok(request.proof),
            Ok(TokenRequest::ClientCredentials(_)) => panic!("another grant"),
            Err(fault) => Err(fault),
        }
    };
    const ACTOR: &str =
        "&actor_token=a&actor_token_type=urn:ietf:params:oauth:token-type:access_token";
    const LOGIN: &str = "&client_id=i&client_secret=p";
    let both = format!("{ACTOR}{LOGIN}");
    let by_basic = basic("i:p");
    let table: &[(&str, &str, Result<Proof, Fault>)] = &[
        ("Bearer a", ACTOR, Ok(Proof::Actor)),
        ("bearer a", ACTOR, Ok(Proof::Actor)),
        ("Bearer s", ACTOR, Err(Fault::NotTheActor)),
        ("Bearer A", ACTOR, Err(Fault::NotTheActor)),
        ("Bearer a.", ACTOR, Err(Fault::NotTheActor)),
        ("", ACTOR, Err(Fault::NotTheActor)),
        (&by_basic, ACTOR, Err(Fault::NotTheActor)),
        ("", &both, Err(Fault::NotTheActor)),
        ("Bearer a", &both, Err(Fault::TwoClients)),
        ("Bearer s", "", Ok(Proof::Subject)),
        ("Bearer x", "", Err(Fault::NotTheSubject)),
        ("Bearer s", LOGIN, Err(Fault::TwoClients)),
        ("Bearer x", LOGIN, Err(Fault::TwoClients)),
        ("Bearer s", "&client_id=i", Err(Fault::NoClientSecret)),
        ("Bearer s", "&client_secret=p", Err(Fault::NoClientId)),
        (
            "Bearer s",
            "&client_assertion=e",
            Err(Fault::ClientAssertion),
        ),
        (&by_basic, "", Ok(Proof::Login(login("i", "p", true)))),
        (
            &by_basic,
            "&client_id=i",
            Ok(Proof::Login(login("i", "p", true))),
        ),
        (&by_basic, LOGIN, Err(Fault::TwoClients)),
        ("", LOGIN, Ok(Proof::Login(login("i", "p", false)))),
        ("", "", Err(Fault::NoClient)),
        ("DPoP s", "", Err(Fault::OtherScheme)),
        ("Bearer s, Bearer s", "", Err(Fault::SeveralAuthorizations)),
    ];
    for (authorization, parameters, expected) in table {
        let proof = exchange(authorization, parameters);
        assert_eq!(&proof, expected, "{authorization:?} {parameters}");
    }
}

#[test]
fn a_token_is_a_token68_of_16_kib_at_most() {
    let form = |name: &str, token: &str| {
        let (subject, actor) = match name {
            "subject_token" => (token, "a"),
            _ => ("s", token),
        };
        let body: String = Serializer::new(String::new())
            .append_pair("grant_type", GRANT_TYPE_TOKEN_EXCHANGE)
            .append_pair("subject_token", subject)
            .append_pair("subject_token_type", TOKEN_TYPE_JWT)
            .append_pair("actor_token", actor)
            .append_pair("actor_token_type", TOKEN_TYPE_ACCESS_TOKEN)
            .finish();
        read(&format!("Bearer {actor}"), &body)
    };
    for name in ["subject_token", "actor_token"] {
        for bad in ["a b", "a,b", "a\"b", "=", "a=b", "é", "a;b", "{}", "a:b"] {
            // An actor that is no token is refused before the bearer that is none.
            let fault = form(name, bad).unwrap_err();
            let bearer = matches!(fault, Fault::Authorization | Fault::SeveralAuthorizations);
            assert!(
                fault == Fault::NoToken(name) || name == "actor_token" && bearer,
                "{bad}: {fault:?}"
            );
        }
        for good in ["e30.e30.", "a", "Aa0-._~+/=="] {
            assert!(form(name, good).is_ok(), "{good}");
        }
        assert!(form(name, &"a".repeat(16 * 1024)).is_ok());
        let fault = form(name, &"a".repeat(16 * 1024 + 1)).unwrap_err();
        assert!(
            matches!(fault, Fault::TokenTooLong(_) | Fault::Authorization),
            "{fault:?}"
        );
    }
    let long = "s".repeat(16 * 1024 + 1);
    assert_eq!(
        refresh(&format!("&actor_token={long}")),
        Err(Fault::TokenTooLong("actor_token"))
    );
    assert_eq!(
        refresh("&actor_token=a%20b"),
        Err(Fault::NoToken("actor_token"))
    );
}
