//! Token requests as engines send them, and everything that none of them sends.

mod client;
mod engines;
mod exchange;
mod form;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use proptest::prelude::*;

use super::*;
use crate::oauth::ErrorCode;

const FORM: Option<&[u8]> = Some(b"application/x-www-form-urlencoded");

fn read(authorization: &str, body: &str) -> Result<TokenRequest, Fault> {
    let authorization = match authorization {
        "" => Authorization::Missing,
        value => Authorization::One(value.as_bytes()),
    };
    TokenRequest::read(FORM, authorization, body.as_bytes())
}

fn credentials(authorization: &str, body: &str) -> ClientCredentials {
    match read(authorization, body) {
        Ok(TokenRequest::ClientCredentials(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn exchange(authorization: &str, body: &str) -> Exchange {
    match read(authorization, body) {
        Ok(TokenRequest::Exchange(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn login(id: &str, password: &str, by_basic: bool) -> ClientLogin {
    ClientLogin {
        id: id.to_owned(),
        secret: secret(password),
        by_basic,
    }
}

fn basic(pair: impl AsRef<[u8]>) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

/// A `client_credentials` form with a good login and these parameters behind.
fn with(parameters: &str) -> Result<TokenRequest, Fault> {
    read(
        "",
        &format!("grant_type=client_credentials&client_id=a&client_secret=b{parameters}"),
    )
}

/// An exchange of `s` with itself as bearer, and these parameters behind.
fn refresh(parameters: &str) -> Result<TokenRequest, Fault> {
    let form = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=s\
                &subject_token_type=urn:ietf:params:oauth:token-type:access_token";
    read("Bearer s", &format!("{form}{parameters}"))
}

/// Trino 481, `session=USER`, in the form that Iceberg Java gives it.
const TRINO: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&scope=catalog&subject_token=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImlzcyI6IjQ4MSIsImlhdCI6MTc3MTIwMDAwMCwidXNlciI6ImFsaWNlIiwic291cmNlIjoidHJpbm8tY2xpIiwidHJpbm9DYXRhbG9nIjoibGFrZSIsInRyaW5vVmVyc2lvbiI6IjQ4MSJ9.&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&actor_token=eyJh.eyJz.c2ln&actor_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";

/// A refresh of Iceberg Java.
const JAVA_REFRESH: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&scope=catalog&subject_token=eyJh.eyJz.c2ln&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";

#[test]
fn every_fault_has_a_sentence_that_may_stand_in_an_answer() {
    use ErrorCode::{InvalidClient, InvalidRequest, InvalidScope, UnsupportedGrantType};
    let all = [
        (Fault::ContentType, InvalidRequest),
        (Fault::TooLong, InvalidRequest),
        (Fault::TooManyParameters, InvalidRequest),
        (Fault::Encoding, InvalidRequest),
        (Fault::Repeated(Some("scope")), InvalidRequest),
        (Fault::Repeated(None), InvalidRequest),
        (Fault::TooMany("audience"), InvalidRequest),
        (Fault::Missing("subject_token"), InvalidRequest),
        (Fault::GrantType, UnsupportedGrantType),
        (Fault::Scope, InvalidScope),
        (Fault::SeveralAuthorizations, InvalidRequest),
        (Fault::Authorization, InvalidRequest),
        (Fault::OtherScheme, InvalidClient),
        (Fault::Basic, InvalidClient),
        (Fault::ClientAssertion, InvalidClient),
        (Fault::NoClient, InvalidClient),
        (Fault::NoClientId, InvalidClient),
        (Fault::NoClientSecret, InvalidClient),
        (Fault::ClientTooLong("client_id"), InvalidClient),
        (Fault::TwoClients, InvalidRequest),
        (Fault::OtherClientId, InvalidRequest),
        (Fault::SubjectTokenType, InvalidRequest),
        (Fault::ActorTokenType, InvalidRequest),
        (Fault::RequestedTokenType, InvalidRequest),
        (Fault::NoToken("subject_token"), InvalidRequest),
        (Fault::TokenTooLong("actor_token"), InvalidRequest),
        (Fault::NotTheActor, InvalidRequest),
        (Fault::NotTheSubject, InvalidRequest),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for (fault, code) in all {
        let sentence = fault.describe();
        assert_eq!(fault.code(), code, "{sentence}");
        // RFC 6749 section 5.2
        let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(
            sentence.bytes().all(allowed) && !sentence.contains("  "),
            "{sentence}"
        );
        assert!(
            seen.insert(sentence.clone()),
            "{sentence} stands for two faults"
        );
    }
}

#[test]
fn nothing_shows_a_secret_or_a_token() {
    let body = |parameters: &str| {
        format!("client_secret=CANARY&subject_token=CANARY&actor_token=CANARY{parameters}")
    };
    let shown = [
        read(
            "",
            "grant_type=client_credentials&client_id=a&client_secret=CANARY",
        ),
        read(&basic("a:CANARY"), "grant_type=client_credentials"),
        read(
            "Bearer CANARY",
            &JAVA_REFRESH.replace("eyJh.eyJz.c2ln", "CANARY"),
        ),
        read("Bearer CANARY", &TRINO.replace("eyJh.eyJz.c2ln", "CANARY")),
        read(
            &basic("a:CANARY"),
            &JAVA_REFRESH.replace("eyJh.eyJz.c2ln", "CANARY"),
        ),
        read("Bearer CANARY", &body("")),
        read("Bearer CANARY", &body("&grant_type=CANARY")),
        read("Bearer CANARY", &body("&CANARY=CANARY&CANARY=CANARY")),
        read("Bearer CANARY", &body("&CANARY=%CANARY")),
        read("CANARY CANARY", &body("&grant_type=client_credentials")),
        with("&scope=%22CANARY"),
        refresh("&subject_token_type=CANARY"),
        refresh("&actor_token=CANARY&actor_token_type=CANARY"),
    ];
    assert_eq!(shown.iter().filter(|read| read.is_ok()).count(), 5);
    for read in shown {
        let text = match &read {
            Ok(request) => format!("{request:?}"),
            Err(fault) => format!("{fault:?} {fault} {}", fault.describe()),
        };
        assert!(!text.contains("CANARY"), "{text}");
    }
    let form = Form::read(b"CANARY=CANARY").unwrap();
    assert!(!format!("{form:?}").contains("CANARY"));
}

/// A text that a form may hold, not empty.
fn value() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,20}"
}

proptest! {
    #[test]
    fn any_request_is_read_or_refused(
        content_type in prop::option::of(prop::collection::vec(any::<u8>(), 0..60)),
        authorization in prop::collection::vec(any::<u8>(), 0..60), body in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = TokenRequest::read(content_type.as_deref(), Authorization::One(&authorization), &body);
        let _ = TokenRequest::read(FORM, Authorization::One(&authorization), &body);
        let body = [b"grant_type=client_credentials&".as_slice(), &body].concat();
        let _ = TokenRequest::read(FORM, Authorization::One(&[b"Basic ".as_slice(), &authorization].concat()), &body);
    }

    /// What a library writes is what is read, in its order.
    #[test]
    fn a_form_reads_back_as_it_was_written(pairs in prop::collection::btree_map(value(), value(), 1..20)) {
        let body = Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let form = Form::read(body.as_bytes()).unwrap();
        for (name, value) in &pairs {
            prop_assert_eq!(form.one(name), Some(value.as_str()));
        }
    }

    /// Whatever is taken, another reader finds the same in it.
    #[test]
    fn another_reader_finds_the_same(body in "([a-c+%=&]|%4[0-9a-fA-F]|%C3%A9){0,40}") {
        if let Ok(form) = Form::read(body.as_bytes()) {
            for (name, value) in form_urlencoded::parse(body.as_bytes()) {
                if !value.is_empty() {
                    prop_assert_eq!(form.one(&name), Some(&*value));
                }
            }
        }
    }

    #[test]
    fn a_repeated_parameter_is_refused_wherever_it_stands(
        names in prop::collection::btree_set("[a-z_]{1,8}", 1..12), chosen in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(), again in prop::option::of(value()),
    ) {
        let mut pairs: Vec<(String, String)> = names.into_iter().map(|name| (name, "x".to_owned())).collect();
        let name = chosen.get(&pairs).0.clone();
        prop_assume!(name != "audience" && name != "resource");
        pairs.insert(place.index(pairs.len()), (name, again.unwrap_or_default()));
        let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
        prop_assert!(matches!(Form::read(body.as_bytes()), Err(Fault::Repeated(_))));
    }

    /// Basic is read as it was written, split at the first colon.
    #[test]
    fn a_login_reads_back_by_both_ways(id in "[^\\p{Cc}:]{1,40}", password in value()) {
        let header = basic(format!("{id}:{password}"));
        let request = credentials(&header, "grant_type=client_credentials");
        prop_assert_eq!(&request.login, &login(&id, &password, true));
        let body = Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &id)
            .append_pair("client_secret", &password)
            .finish();
        prop_assert_eq!(credentials("", &body).login, login(&id, &password, false));
    }
}
