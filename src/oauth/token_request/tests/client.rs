//! Client authentication.

use super::*;

#[test]
fn a_client_proves_itself_once() {
    let good = basic("a:b");
    let table: &[(&str, &str, Result<ClientLogin, Fault>)] = &[
        // The one, or the other.
        (&good, "", Ok(login("a", "b", true))),
        ("basic YTpi", "", Ok(login("a", "b", true))),
        (&good, "&client_id=a", Ok(login("a", "b", true))),
        (
            &good,
            "&client_id=&client_secret=",
            Ok(login("a", "b", true)),
        ),
        (
            "",
            "&client_id=a&client_secret=b",
            Ok(login("a", "b", false)),
        ),
        (
            "Bearer x",
            "&client_id=a&client_secret=b",
            Ok(login("a", "b", false)),
        ),
        // Both.
        (
            &good,
            "&client_id=a&client_secret=b",
            Err(Fault::TwoClients),
        ),
        (&good, "&client_secret=b", Err(Fault::TwoClients)),
        (&good, "&client_id=b", Err(Fault::OtherClientId)),
        (&good, "&client_id=A", Err(Fault::OtherClientId)),
        // Neither.
        ("", "", Err(Fault::NoClient)),
        ("Bearer x", "", Err(Fault::NoClient)),
        ("", "&client_id=&client_secret=", Err(Fault::NoClient)),
        // Half of one.
        ("", "&client_id=a", Err(Fault::NoClientSecret)),
        (
            "",
            "&client_id=a&client_secret=",
            Err(Fault::NoClientSecret),
        ),
        ("", "&client_secret=b", Err(Fault::NoClientId)),
        ("Bearer x", "&client_secret=b", Err(Fault::NoClientId)),
        (&basic(":b"), "", Err(Fault::NoClientId)),
        (&basic("a:"), "", Err(Fault::NoClientSecret)),
        (&basic(":"), "", Err(Fault::NoClientId)),
        // Another one.
        ("", "&client_assertion=e.e.e", Err(Fault::ClientAssertion)),
        (
            &good,
            "&client_assertion_type=urn:x",
            Err(Fault::ClientAssertion),
        ),
        (
            "",
            "&client_id=a&client_secret=b&client_assertion=e",
            Err(Fault::ClientAssertion),
        ),
        (
            "DPoP x",
            "&client_id=a&client_secret=b",
            Err(Fault::OtherScheme),
        ),
        ("Negotiate YTpi", "", Err(Fault::OtherScheme)),
        ("Basicx YTpi", "", Err(Fault::OtherScheme)),
        // None that is well formed.
        ("Basic", "", Err(Fault::Basic)),
        ("Basic ", "", Err(Fault::Basic)),
        ("Basic  YTpi", "", Err(Fault::Basic)),
        ("Basic YTpi ", "", Err(Fault::Basic)),
        ("Basic YTpi=", "", Err(Fault::Basic)),
        ("Basic YTpiYg", "", Err(Fault::Basic)),
        ("Basic YTpiYh==", "", Err(Fault::Basic)),
        ("Basic YTpi_-__", "", Err(Fault::Basic)),
        ("Basic a:b", "", Err(Fault::Basic)),
        (&basic("ab"), "", Err(Fault::Basic)),
        (&basic(""), "", Err(Fault::Basic)),
        (&basic(b"a:\xff"), "", Err(Fault::Basic)),
        (&basic("a:b\0"), "", Err(Fault::Basic)),
        (&basic("a\r:b"), "", Err(Fault::Basic)),
        (&basic("a:\u{85}"), "", Err(Fault::Basic)),
        (
            "Bearer",
            "&client_id=a&client_secret=b",
            Err(Fault::Authorization),
        ),
        (
            "Bearer  x",
            "&client_id=a&client_secret=b",
            Err(Fault::Authorization),
        ),
        (
            "Bearer a\"b",
            "&client_id=a&client_secret=b",
            Err(Fault::Authorization),
        ),
        (" Basic YTpi", "", Err(Fault::Authorization)),
        ("Basic\tYTpi", "", Err(Fault::Authorization)),
        // Several.
        (
            "Basic YTpi,Basic YTpi",
            "",
            Err(Fault::SeveralAuthorizations),
        ),
        (
            "Basic YTpi, Bearer x",
            "",
            Err(Fault::SeveralAuthorizations),
        ),
        (
            "Bearer x, Basic YTpi",
            "",
            Err(Fault::SeveralAuthorizations),
        ),
        (
            "Bearer x,Bearer x",
            "&client_id=a&client_secret=b",
            Err(Fault::SeveralAuthorizations),
        ),
    ];
    for (authorization, parameters, expected) in table {
        let body = format!("grant_type=client_credentials{parameters}");
        let read = read(authorization, &body).map(|request| match request {
            TokenRequest::ClientCredentials(request) => request.login,
            TokenRequest::Exchange(_) => panic!("another grant"),
        });
        assert_eq!(&read, expected, "{authorization:?} {parameters}");
    }
    let body = b"grant_type=client_credentials&client_id=a&client_secret=b";
    for (authorization, expected) in [
        (Authorization::Several, Fault::SeveralAuthorizations),
        (Authorization::One(b""), Fault::Authorization),
        (Authorization::One(b"Basic \xff"), Fault::Authorization),
    ] {
        assert_eq!(TokenRequest::read(FORM, authorization, body), Err(expected));
    }
}

#[test]
fn an_id_and_a_secret_are_bounded() {
    let body = |id: usize, secret: usize| {
        let (id, secret) = ("i".repeat(id), "s".repeat(secret));
        format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")
    };
    let header =
        |id: usize, secret: usize| basic(format!("{}:{}", "i".repeat(id), "s".repeat(secret)));
    for (id, secret, expected) in [
        (256, 1024, None),
        (257, 1024, Some(Fault::ClientTooLong("client_id"))),
        (256, 1025, Some(Fault::ClientTooLong("client_secret"))),
    ] {
        assert_eq!(read("", &body(id, secret)).err(), expected);
        let read = read(&header(id, secret), "grant_type=client_credentials");
        assert_eq!(read.err(), expected);
    }
    let endless = header(1, 100_000);
    assert_eq!(
        read(&endless, "grant_type=client_credentials"),
        Err(Fault::Authorization)
    );
}
