//! The body as a form: its type, encoding, repetitions, length.

use super::*;

#[test]
fn the_body_is_a_form_in_utf_8() {
    let read = |content_type: Option<&[u8]>| {
        let body = b"grant_type=client_credentials&client_id=a&client_secret=b";
        TokenRequest::read(content_type, Authorization::Missing, body).map(|_| ())
    };
    for good in [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-Urlencoded",
        " application/x-www-form-urlencoded ",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded;charset=\"utf-8\"",
        "application/x-www-form-urlencoded ;\tCharset=utf-8",
        "application/x-www-form-urlencoded; x=y; charset=utf-8;",
    ] {
        assert_eq!(read(Some(good.as_bytes())), Ok(()), "{good}");
    }
    for bad in [
        "",
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencodedx",
        "application/x-www-form-urlencoded, application/json",
        "application/x-www-form-urlencoded; charset=latin1",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset",
        "application/x-www-form-urlencoded; charset=utf-8; charset=latin1",
        "application/x-www-form-urlencoded; charset = latin1",
        "application/x-www-form-urlencoded\0",
    ] {
        assert_eq!(read(Some(bad.as_bytes())), Err(Fault::ContentType), "{bad}");
    }
    assert_eq!(read(Some(b"\xff")), Err(Fault::ContentType));
    assert_eq!(read(None), Err(Fault::ContentType));
}

#[test]
fn names_and_values_have_one_encoding() {
    for bad in [
        "&x=%",
        "&x=%4",
        "&x=%4g",
        "&x=%g4",
        "&x=%%41",
        "&x=%+1",
        "&x=%-1",
        "&%=x",
        "&x%4=y",
        "&x=%ff",
        "&x=%C3",
        "&x=%C3%28",
        "&x=%ED%A0%80",
        "&x=%C0%80",
        "&x=%00",
        "&x=%0A",
        "&x=%0d",
        "&x=%1b",
        "&x=%7F",
        "&x=%C2%85",
        "&%00=x",
        "&x=a b",
        "&x=a\tb",
        "&x=a\n",
        "\n",
        "&x=\0",
        "&x=é",
        "&é=x",
        "&x=\u{7f}",
    ] {
        assert_eq!(with(bad), Err(Fault::Encoding), "{bad:?}");
    }
    let body = b"grant_type=client_credentials&client_id=a&client_secret=\xff";
    let fault = TokenRequest::read(FORM, Authorization::Missing, body);
    assert_eq!(fault, Err(Fault::Encoding));
    for good in [
        "",
        "&",
        "&&",
        "&x",
        "&x=",
        "&=x",
        "&x=a=b",
        "&x=%C3%A9%2b+",
        "&x=;y",
        "&x=%F0%9F%98%80",
    ] {
        assert!(with(good).is_ok(), "{good:?}");
    }
    // A name is compared as it is once it is decoded.
    let body = "%67rant_type=client_credentials&client%5fid=a&client%5Fsecret=b";
    assert!(read("", body).is_ok());
    assert_eq!(
        read("", "Grant_Type=client_credentials"),
        Err(Fault::Missing("grant_type"))
    );
}

#[test]
fn nothing_but_targets_is_repeated() {
    let table = [
        ("&grant_type=client_credentials", Some("grant_type")),
        ("&grant_type=", Some("grant_type")),
        ("&%67rant_type=", Some("grant_type")),
        ("&client_id=a", Some("client_id")),
        ("&client_secret", Some("client_secret")),
        ("&scope=a&scope=a", Some("scope")),
        ("&scope=&scope=a", Some("scope")),
        ("&scope=a&scope=", Some("scope")),
        ("&x=&x=", None),
        ("&x&x", None),
        ("&CANARY=a&CANARY=b", None),
        ("&=&=", None),
        ("&=x&=y", None),
    ];
    for (parameters, name) in table {
        assert_eq!(with(parameters), Err(Fault::Repeated(name)), "{parameters}");
    }
    for name in ["subject_token", "subject_token_type"] {
        assert_eq!(
            refresh(&format!("&{name}=")),
            Err(Fault::Repeated(Some(name)))
        );
    }
    assert_eq!(with("&x=a&X=a").map(|_| ()), Ok(()));

    for name in ["audience", "resource"] {
        let eight = format!("&{name}=a&{name}=").repeat(4);
        assert!(with(&eight).is_ok());
        assert_eq!(with(&format!("{eight}&{name}=")), Err(Fault::TooMany(name)));
    }
    let body = "grant_type=client_credentials&client_id=a&client_secret=b\
                &audience=one&resource=urn:x&audience=&audience=two&audience=one&resource=urn:y";
    let request = credentials("", body);
    assert_eq!(request.audiences, ["one", "two", "one"]);
    assert_eq!(request.resources, ["urn:x", "urn:y"]);
}

#[test]
fn a_body_is_bounded() {
    let many = |count: usize| (0..count).map(|at| format!("&x{at}=y")).collect::<String>();
    assert!(with(&many(29)).is_ok());
    assert_eq!(with(&many(30)), Err(Fault::TooManyParameters));
    assert_eq!(with(&many(10_000)), Err(Fault::TooLong));

    let long = |length: usize| {
        let begin = "grant_type=client_credentials&client_id=a&client_secret=b&x=";
        format!("{begin}{}", "y".repeat(length.saturating_sub(begin.len())))
    };
    assert!(read("", &long(64 * 1024)).is_ok());
    assert_eq!(read("", &long(64 * 1024 + 1)), Err(Fault::TooLong));
    assert_eq!(
        read("", &"&".repeat(64 * 1024)),
        Err(Fault::Missing("grant_type"))
    );
}

#[test]
fn two_grants_are_answered() {
    for bad in [
        "password",
        "refresh_token",
        "authorization_code",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange ",
        "Client_Credentials",
        "client_credentials ",
        "token-exchange",
    ] {
        let body = format!(
            "grant_type={}&client_id=a&client_secret=b",
            bad.replace(' ', "+")
        );
        let fault = read("", &body).unwrap_err();
        assert_eq!(fault, Fault::GrantType, "{bad}");
        assert_eq!(fault.code(), ErrorCode::UnsupportedGrantType);
    }
    for none in [
        "",
        "grant_type",
        "grant_type=",
        "client_id=a",
        "Grant_type=password",
    ] {
        let fault = read("", none).unwrap_err();
        assert_eq!(fault, Fault::Missing("grant_type"), "{none}");
        assert_eq!(fault.code(), ErrorCode::InvalidRequest);
    }
}

#[test]
fn a_scope_is_names_with_one_space_between() {
    for good in [
        "catalog",
        "a b",
        "PRINCIPAL_ROLE:ALL",
        "!#[]~",
        &"s".repeat(4096),
    ] {
        let scope = good.replace(' ', "+").replace('#', "%23");
        let body =
            format!("grant_type=client_credentials&client_id=a&client_secret=b&scope={scope}");
        assert_eq!(credentials("", &body).scope.as_deref(), Some(good));
    }
    for bad in [
        "+",
        "a+",
        "+a",
        "a++b",
        "%22",
        "a%5Cb",
        "%C3%A9",
        &"s".repeat(4097),
    ] {
        let fault = with(&format!("&scope={bad}")).unwrap_err();
        assert_eq!(fault, Fault::Scope, "{bad}");
        assert_eq!(fault.code(), ErrorCode::InvalidScope);
        assert_eq!(refresh(&format!("&scope={bad}")), Err(Fault::Scope));
    }
    assert_eq!(
        credentials(
            "",
            "grant_type=client_credentials&client_id=a&client_secret=b&scope="
        )
        .scope,
        None
    );
}
