use super::*;

const PROFILES: [Profile; 5] = Profile::ALL;

fn answered<'a>(status: u16, retry_after: Option<&'a str>, body: &'a [u8]) -> CallAnswer<'a> {
    CallAnswer::Answered {
        status,
        retry_after: retry_after.map(str::as_bytes),
        body,
    }
}

#[test]
fn what_is_no_answer_is_no_no() {
    for profile in PROFILES {
        for (answer, expected) in [
            (CallAnswer::NotSent, Unavailable::NotSent),
            (CallAnswer::Broken, Unavailable::BrokenOff),
            (CallAnswer::TooLarge, Unavailable::TooLarge),
            (answered(0, None, b""), Unavailable::NotATokenEndpoint),
            (answered(100, None, b""), Unavailable::NotATokenEndpoint),
            (answered(201, None, b"{}"), Unavailable::NotATokenEndpoint),
            (answered(600, None, b""), Unavailable::NotATokenEndpoint),
            (
                answered(408, None, b"{\"error\":\"invalid_grant\"}"),
                Unavailable::TimedOut,
            ),
            (answered(414, None, b""), Unavailable::RequestTooLarge),
            (answered(431, None, b""), Unavailable::RequestTooLarge),
            (
                answered(500, None, b"{\"error\":\"invalid_grant\"}"),
                Unavailable::ServerError,
            ),
            (
                answered(503, None, b"{\"error\":\"access_denied\"}"),
                Unavailable::ServerError,
            ),
            (
                answered(504, None, b"{\"error\":\"invalid_request\"}"),
                Unavailable::TimedOut,
            ),
        ] {
            assert_eq!(
                sort(profile, answer),
                Sorted::Unavailable(expected),
                "{answer:?}"
            );
        }
    }
}

/// Few sorts say something about the caller, and only a 4xx with a known word makes them.
#[test]
fn no_status_alone_blames_the_caller() {
    let bodies: [&[u8]; 5] = [
        b"",
        b"{}",
        b"[]",
        b"<html>",
        br#"{"error":"unheard_of","error_description":"Invalid token"}"#,
    ];
    for profile in PROFILES {
        for status in 0..=999 {
            for body in bodies {
                let sorted = sort(profile, answered(status, None, body));
                assert!(
                    !matches!(
                        sorted,
                        Sorted::CallerRefused
                            | Sorted::InteractionRequired
                            | Sorted::Forbidden
                            | Sorted::Minted(_)
                    ),
                    "{status} {body:?}"
                );
            }
        }
    }
}

#[test]
fn keycloak_blames_the_caller_in_exactly_these_words() {
    for (status, error, description, expected) in [
        (
            400,
            "invalid_request",
            "Invalid token",
            Sorted::CallerRefused,
        ),
        (
            400,
            "invalid_request",
            "invalid token",
            Sorted::Misconfigured(Misconfiguration::Parameters),
        ),
        (
            400,
            "invalid_request",
            "Invalid token ",
            Sorted::Misconfigured(Misconfiguration::Parameters),
        ),
        (
            400,
            "invalid_request",
            "",
            Sorted::Misconfigured(Misconfiguration::Parameters),
        ),
        (
            401,
            "invalid_request",
            "Invalid token",
            Sorted::Misconfigured(Misconfiguration::Parameters),
        ),
        (
            403,
            "access_denied",
            "Client is not within the token audience",
            Sorted::Forbidden,
        ),
        (403, "access_denied", "", Sorted::Forbidden),
    ] {
        let body = format!(r#"{{"error":"{error}","error_description":"{description}"}}"#);
        let sorted = sort(Profile::Keycloak, answered(status, None, body.as_bytes()));
        assert_eq!(sorted, expected, "{status} {body}");
    }
}

#[test]
fn retry_after_is_read_in_seconds_and_bounded() {
    for (value, expected) in [
        (None, None),
        (Some("0"), Some(0)),
        (Some("7"), Some(7)),
        (Some("60"), Some(60)),
        (Some("61"), Some(60)),
        (Some("99999999999999999999999999"), Some(60)),
        (Some(""), None),
        (Some("-1"), None),
        (Some("+1"), None),
        (Some("1.5"), None),
        (Some(" 1"), None),
        (Some("Wed, 21 Oct 2026 07:28:00 GMT"), None),
    ] {
        let sorted = sort(Profile::Keycloak, answered(429, value, b"<html>"));
        let retry_after = expected.map(Duration::from_secs);
        assert_eq!(sorted, Sorted::RateLimited { retry_after }, "{value:?}");
    }
}

#[test]
fn the_longest_answer_is_64_kib() {
    let body = |length: usize| {
        let mut body = br#"{"error":"access_denied"}"#.to_vec();
        body.resize(length, b' ');
        body
    };
    assert_eq!(
        sort(Profile::Rfc8693, answered(403, None, &body(65_536))),
        Sorted::Forbidden
    );
    for status in [200, 403] {
        let sorted = sort(Profile::Rfc8693, answered(status, None, &body(65_537)));
        assert_eq!(sorted, Sorted::Unavailable(Unavailable::TooLarge));
    }
}

/// What concerns one caller or one catalog never makes the others wait.
#[test]
fn only_faults_that_all_would_meet_make_a_pause() {
    use BackoffEffect::{Healthy, None as Nothing, Pause, Suspicion};
    let pause = Pause { at_least: None };
    let seven = Some(Duration::from_secs(7));
    for (sorted, expected) in [
        (Sorted::CallerRefused, Healthy),
        (Sorted::InteractionRequired, Healthy),
        (Sorted::Forbidden, Healthy),
        (Sorted::ClientRefused, pause),
        (Sorted::Misconfigured(Misconfiguration::Target), Nothing),
        (Sorted::Misconfigured(Misconfiguration::Scope), Nothing),
        (Sorted::Misconfigured(Misconfiguration::Parameters), pause),
        (Sorted::Misconfigured(Misconfiguration::Endpoint), pause),
        (Sorted::RateLimited { retry_after: None }, pause),
        (
            Sorted::RateLimited { retry_after: seven },
            Pause { at_least: seven },
        ),
        (Sorted::Unavailable(Unavailable::UnknownError), Nothing),
        (Sorted::Unavailable(Unavailable::RequestTooLarge), Nothing),
        (Sorted::Unavailable(Unavailable::NotSent), pause),
        (Sorted::Unavailable(Unavailable::Unreachable), pause),
        (Sorted::Unavailable(Unavailable::TimedOut), pause),
        (Sorted::Unavailable(Unavailable::BrokenOff), pause),
        (Sorted::Unavailable(Unavailable::TooLarge), Suspicion),
        (Sorted::Unavailable(Unavailable::ServerError), Suspicion),
        (Sorted::Unavailable(Unavailable::Redirect), Suspicion),
        (
            Sorted::Unavailable(Unavailable::NotATokenEndpoint),
            Suspicion,
        ),
        (
            Sorted::Unavailable(Unavailable::BrokenAnswer(TokenResponseFault::NotJson)),
            Suspicion,
        ),
    ] {
        assert_eq!(sorted.backoff_effect(), expected, "{sorted:?}");
    }
    let minted = sort(
        Profile::Keycloak,
        answered(200, None, br#"{"access_token":"a","token_type":"Bearer"}"#),
    );
    assert_eq!(minted.backoff_effect(), Healthy);
}
