//! Stories of what is a request for a token, and of how many may wait.

use icegate::broker::ArrivedBody;

use crate::sim::engines::{Ask, Auth};
use crate::sim::{Answer, World};

fn invalid_client(reason: &'static str) -> (u16, String, &'static str) {
    (401, "invalid_client".to_owned(), reason)
}

#[test]
fn scopes_are_those_of_the_configuration() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let ask = Ask::login("trino", &secret);
    for (scope, sent) in [
        ("catalog", None),
        ("PRINCIPAL_ROLE:ALL", None),
        ("", None),
        ("lake", Some("to-icegate lake")),
        ("catalog lake", Some("to-icegate lake")),
        ("lake lake", Some("to-icegate lake")),
    ] {
        world.pass_s(61);
        let stream = world.get(&ask.clone().with("scope", scope));
        world.issued(stream);
        let asked = world.corp().desk.asked.last().expect("a login");
        assert_eq!(asked.scope.as_deref(), sent, "{scope}");
    }
    let before = world.corp().desk.logins();
    for scope in ["sign", "catalog openid", "Catalog", "to-icegate"] {
        let ask = ask.clone().with("scope", scope);
        assert_eq!(
            world.refused(&ask),
            (400, "invalid_scope".to_owned(), "scope_unknown"),
            "{scope}"
        );
    }
    assert_eq!(world.corp().desk.logins(), before);
}

#[test]
fn tokens_for_anybody_else_are_not_given() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let ask = Ask::login("trino", &secret);
    let stream = world.get(&ask.clone().with("audience", "icegate"));
    world.issued(stream);
    for (name, value) in [
        ("audience", "catalog"),
        ("audience", "ICEGATE"),
        ("resource", "icegate"),
        ("resource", "https://catalog.example.com/"),
    ] {
        let ask = ask.clone().with(name, value);
        assert_eq!(
            world.refused(&ask),
            (400, "invalid_request".to_owned(), "token_request_malformed"),
            "{name}={value}"
        );
    }
    assert_eq!(world.corp().desk.logins(), 1);
}

#[test]
fn what_is_no_request_for_a_token_is_told_so() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let login = Ask::login("trino", &secret);
    let malformed = |error: &str, reason: &'static str| (400, error.to_owned(), reason);
    for (ask, expected) in [
        (
            login.clone().with("grant_type", ""),
            malformed("invalid_request", "token_request_malformed"),
        ),
        (
            login.clone().with("grant_type", "password"),
            malformed("unsupported_grant_type", "grant_type_unsupported"),
        ),
        (
            login.clone().with("grant_type", "refresh_token"),
            malformed("unsupported_grant_type", "grant_type_unsupported"),
        ),
        (
            login.clone().with("client_secret", ""),
            invalid_client("login_malformed"),
        ),
        (
            login
                .clone()
                .with("client_id", "")
                .with("client_secret", ""),
            invalid_client("login_malformed"),
        ),
        (
            login
                .clone()
                .authorized(Auth::Basic("trino".to_owned(), secret.clone())),
            malformed("invalid_request", "token_request_malformed"),
        ),
        (
            Ask::login_by_basic("trino", &secret).with("client_id", "spark"),
            malformed("invalid_request", "token_request_malformed"),
        ),
        (
            Ask::login_by_basic("trino", "").with("client_id", "trino"),
            invalid_client("login_malformed"),
        ),
        (
            login.clone().with("client_assertion", "CANARY.a.b"),
            invalid_client("login_malformed"),
        ),
    ] {
        assert_eq!(world.refused(&ask), expected, "{ask:?}");
    }
    // Bodies that cannot be read.
    for body in [
        ArrivedBody::TooLarge,
        ArrivedBody::WithTrailers,
        ArrivedBody::Whole(b"\xff=%zz"),
    ] {
        let stream = world.ask_head(&login);
        world.show_as(stream, body);
        assert_eq!(
            world.oauth_refusal(stream),
            malformed("invalid_request", "token_request_malformed")
        );
    }
    assert_eq!(world.corp().desk.logins(), 0);
}

#[test]
fn a_form_that_does_not_come_is_waited_for_as_long_as_a_request_waits() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let ask = Ask::login("trino", &secret);
    let never = world.ask_head(&ask);
    let late = world.ask_head(&ask);
    world.pass_ms(9_900);
    assert!(world.is_waiting(never));
    assert_eq!(world.broker.census().token_requests, 2);
    world.show_form(late);
    world.pass_ms(200);
    world.issued(late);
    assert_eq!(
        world.oauth_refusal(never),
        (503, "invalid_request".to_owned(), "body_late")
    );
    assert_eq!(world.broker.census().token_bytes, 0);
    // A form that comes after that is nobody's.
    world.show_form(never);
}

#[test]
fn forms_that_wait_are_bounded_by_number_and_by_bytes() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let ask = Ask::login("trino", &secret);
    let many: Vec<_> = (0..1_024).map(|_| world.ask_head(&ask)).collect();
    // Whoever has withheld a form for the longest time makes room.
    let more = world.ask_head(&ask);
    assert!(world.is_waiting(more));
    assert_eq!(
        world.oauth_refusal(many[0]),
        (503, "invalid_request".to_owned(), "waiters_full")
    );
    world.hang_up(more);
    // People go on.
    let token = world.token("alice");
    let stream = world.read(&token);
    world.pass_ms(100);
    world.assert_forwarded(stream);
    world.hang_up(many[7]);
    let next = world.get(&ask);
    world.issued(next);
    for stream in many {
        world.hang_up(stream);
    }
    assert_eq!(world.broker.census().token_bytes, 0);
    // Without a length each counts as the longest form.
    let headers: [(&[u8], &[u8]); 3] = [
        (b":method", b"POST"),
        (b":path", b"/iceberg/v1/oauth/tokens"),
        (b"content-type", b"application/x-www-form-urlencoded"),
    ];
    let many: Vec<_> = (0..300).map(|_| world.ask_headers(&headers)).collect();
    let waits = |stream: &&_| world.is_waiting(**stream);
    assert_eq!(many.iter().filter(waits).count(), 256);
    assert_eq!(
        world.broker.census().token_bytes,
        icegate::limits::TOKEN_REQUESTS_BYTES
    );
}

#[test]
fn the_endpoint_is_where_gate_tokens_are_and_takes_post_alone() {
    let mut world = World::with_engines();
    let secret = world.secret("trino");
    let ask = Ask::login("trino", &secret);
    for base in ["/iceberg", "/mart"] {
        let stream = world.get(&ask.clone().at(base));
        world.issued(stream);
    }
    assert_eq!(world.corp().desk.logins(), 1);
    // ci gives none.
    assert_eq!(
        world.refused(&ask.clone().at("/bots")),
        (
            400,
            "unsupported_grant_type".to_owned(),
            "token_endpoint_off"
        )
    );
    let token = world.token("alice");
    for (method, path) in [
        ("GET", "/iceberg/v1/oauth/tokens"),
        ("PUT", "/iceberg/v1/oauth/tokens"),
        ("HEAD", "/iceberg/v1/oauth/tokens"),
        ("POST", "/iceberg/v1/oauth/tokens/"),
        ("POST", "/iceberg/v1/oauth/tokens/x"),
        ("POST", "/iceberg/v1/oauth//tokens"),
        ("POST", "/iceberg/v1/oauth/Tokens"),
        ("POST", "/iceberg/v1/oauth/tokens%2F"),
        ("POST", "/iceberg/v1/main/oauth/tokens"),
        ("POST", "/iceberg/oauth/tokens"),
        ("POST", "/elsewhere/v1/oauth/tokens"),
        ("POST", "/iceberg/v1/oauth/tokens?access_token=x"),
        ("POST", "/iceberg/v1/../v1/oauth/tokens"),
    ] {
        let stream = world.send(method, path, &token);
        world.pass_ms(100);
        assert!(
            matches!(world.refusal(stream).0, 400 | 404),
            "{method} {path}"
        );
        assert!(world.broker.awaits_body(stream).is_none());
    }
}

/// A client that hangs up with its form unsent, and one whose name the host uses again.
#[test]
fn a_stream_that_goes_leaves_nothing_behind() {
    let mut world = World::with_engines();
    world.reuse_names();
    world.by_hand();
    let secret = world.secret("trino");
    let ask = Ask::login("trino", &secret);
    let stream = world.ask_head(&ask);
    world.hang_up(stream);
    assert_eq!(world.broker.census().token_bytes, 0);
    let stream = world.ask(&ask);
    assert_eq!(world.broker.census().grants, 1);
    world.hang_up(stream);
    // The same name, another question.
    let token = world.token("alice");
    let again = world.read(&token);
    assert_eq!(again, stream);
    world.answer_grant(Answer::Good);
    assert!(world.is_waiting(again));
    world.answer_exchange(Answer::Good);
    world.assert_forwarded(again);
    assert_eq!(world.broker.census().grants, 0);
}
