//! Every way to say no, and what the client sees of it: the table of answers, written by hand.

use std::collections::BTreeSet;
use std::time::Duration;

use icegate::refusal::{Asked, Reason, Refusal, host_failed};
use icegate::wire::Reply;
use proptest::prelude::*;
use serde_json::Value;

/// Name, status for a read, status for everything else, Iceberg's exception for a read.
const TABLE: &[(&str, u16, u16, &str)] = &[
    ("malformed_head", 400, 400, "BadRequestException"),
    ("upgrade_refused", 400, 400, "BadRequestException"),
    ("token_missing", 401, 401, "NotAuthorizedException"),
    ("token_empty", 401, 401, "NotAuthorizedException"),
    ("scheme_not_bearer", 401, 401, "NotAuthorizedException"),
    ("credentials_several", 400, 400, "BadRequestException"),
    ("token_malformed", 400, 400, "BadRequestException"),
    ("token_too_long", 400, 400, "BadRequestException"),
    ("path_outside", 404, 404, "NotFoundException"),
    ("token_endpoint_off", 400, 400, "unsupported_grant_type"),
    ("token_request_malformed", 400, 400, "invalid_request"),
    ("grant_type_unsupported", 400, 400, "unsupported_grant_type"),
    ("scope_unknown", 400, 400, "invalid_scope"),
    ("login_malformed", 401, 401, "invalid_client"),
    ("login_unknown", 401, 401, "invalid_client"),
    ("login_refused", 401, 401, "invalid_client"),
    ("login_tries", 503, 429, "ServiceUnavailableException"),
    ("actor_refused", 400, 400, "unauthorized_client"),
    ("name_refused", 400, 400, "invalid_grant"),
    ("subject_token_refused", 400, 400, "invalid_grant"),
    ("session_over", 400, 400, "invalid_grant"),
    ("session_unproven", 400, 400, "invalid_grant"),
    ("gate_token_unfit", 503, 429, "ServiceUnavailableException"),
    ("jwt_malformed", 401, 401, "NotAuthorizedException"),
    ("algorithm_refused", 401, 401, "NotAuthorizedException"),
    ("critical_header", 401, 401, "NotAuthorizedException"),
    ("token_type_refused", 401, 401, "NotAuthorizedException"),
    ("issuer_unknown", 401, 401, "NotAuthorizedException"),
    ("audience_mismatch", 401, 401, "NotAuthorizedException"),
    ("token_expired", 401, 401, "NotAuthorizedException"),
    ("token_not_yet_valid", 401, 401, "NotAuthorizedException"),
    ("sender_constrained", 401, 401, "NotAuthorizedException"),
    ("own_client_token", 401, 401, "NotAuthorizedException"),
    ("claim_malformed", 401, 401, "NotAuthorizedException"),
    ("key_unknown", 401, 401, "NotAuthorizedException"),
    ("signature_bad", 401, 401, "NotAuthorizedException"),
    ("keys_unavailable", 503, 429, "ServiceUnavailableException"),
    ("issuer_not_served", 403, 403, "ForbiddenException"),
    ("caller_denied", 403, 403, "ForbiddenException"),
    ("program_not_listed", 403, 403, "ForbiddenException"),
    ("program_peer", 403, 403, "ForbiddenException"),
    ("service_may_not", 403, 403, "ForbiddenException"),
    ("tenant_none", 403, 403, "ForbiddenException"),
    ("outside_border", 403, 403, "ForbiddenException"),
    ("warehouse_missing", 400, 400, "BadRequestException"),
    ("sign_without_prefix", 403, 403, "ForbiddenException"),
    ("prefix_shared", 403, 403, "ForbiddenException"),
    (
        "prefix_unavailable",
        503,
        429,
        "ServiceUnavailableException",
    ),
    ("name_expression", 403, 403, "ForbiddenException"),
    ("grant_missing", 403, 403, "ForbiddenException"),
    ("grant_denied", 403, 403, "ForbiddenException"),
    ("view_hidden", 404, 404, "NoSuchViewException"),
    ("grant_widened", 403, 403, "ForbiddenException"),
    ("claim_left_out", 403, 403, "ForbiddenException"),
    ("delegation_refused", 403, 403, "ForbiddenException"),
    ("location_outside", 403, 403, "ForbiddenException"),
    ("register_without_locations", 403, 403, "ForbiddenException"),
    ("view_owner", 403, 403, "ForbiddenException"),
    ("query_ambiguous", 400, 400, "BadRequestException"),
    ("body_unreadable", 400, 400, "BadRequestException"),
    ("body_encoded", 400, 400, "BadRequestException"),
    ("body_too_large", 400, 400, "BadRequestException"),
    ("body_contradicts_path", 400, 400, "BadRequestException"),
    ("body_late", 503, 429, "ServiceUnavailableException"),
    ("bodies_full", 503, 429, "ServiceUnavailableException"),
    (
        "tenant_exchanges_full",
        503,
        429,
        "ServiceUnavailableException",
    ),
    ("subject_refused", 401, 401, "NotAuthorizedException"),
    ("exchange_forbidden", 403, 403, "ForbiddenException"),
    ("client_refused", 503, 429, "ServiceUnavailableException"),
    (
        "exchange_misconfigured",
        503,
        429,
        "ServiceUnavailableException",
    ),
    ("idp_rate_limited", 503, 429, "ServiceUnavailableException"),
    ("idp_unreachable", 503, 429, "ServiceUnavailableException"),
    ("idp_timeout", 503, 429, "ServiceUnavailableException"),
    ("idp_broken", 503, 429, "ServiceUnavailableException"),
    ("idp_paused", 503, 429, "ServiceUnavailableException"),
    ("deadline_passed", 503, 429, "ServiceUnavailableException"),
    ("minted_opaque", 503, 429, "ServiceUnavailableException"),
    (
        "minted_other_subject",
        503,
        429,
        "ServiceUnavailableException",
    ),
    (
        "minted_other_audience",
        503,
        429,
        "ServiceUnavailableException",
    ),
    ("minted_never_as", 403, 403, "ForbiddenException"),
    (
        "minted_our_audience",
        503,
        429,
        "ServiceUnavailableException",
    ),
    ("minted_expired", 503, 429, "ServiceUnavailableException"),
    ("minted_invalid", 503, 429, "ServiceUnavailableException"),
    ("answer_unreadable", 503, 429, "ServiceUnavailableException"),
    ("answer_too_large", 503, 429, "ServiceUnavailableException"),
    (
        "answer_outside_border",
        503,
        429,
        "ServiceUnavailableException",
    ),
    ("answer_separator", 503, 429, "ServiceUnavailableException"),
    ("waiters_full", 503, 429, "ServiceUnavailableException"),
    ("exchanges_full", 503, 429, "ServiceUnavailableException"),
    ("host_failed", 503, 429, "ServiceUnavailableException"),
    ("path_too_long", 400, 400, "BadRequestException"),
    ("path_not_origin_form", 400, 400, "BadRequestException"),
    ("path_outside_base", 400, 400, "BadRequestException"),
    ("path_empty_segment", 400, 400, "BadRequestException"),
    ("path_trailing_slash", 400, 400, "BadRequestException"),
    ("path_dot_segment", 400, 400, "BadRequestException"),
    ("path_backslash", 400, 400, "BadRequestException"),
    ("path_encoded_slash", 400, 400, "BadRequestException"),
    ("path_matrix_parameter", 400, 400, "BadRequestException"),
    ("path_fragment", 400, 400, "BadRequestException"),
    ("path_control_character", 400, 400, "BadRequestException"),
    ("path_illegal_character", 400, 400, "BadRequestException"),
    ("path_not_ascii", 400, 400, "BadRequestException"),
    ("path_bad_percent_encoding", 400, 400, "BadRequestException"),
    ("path_not_utf8", 400, 400, "BadRequestException"),
    ("path_double_encoding", 400, 400, "BadRequestException"),
    ("path_route_word_spelling", 400, 400, "BadRequestException"),
    ("path_too_many_segments", 400, 400, "BadRequestException"),
    ("path_empty_level", 400, 400, "BadRequestException"),
    ("path_mixed_separators", 400, 400, "BadRequestException"),
    ("path_plus_in_prefix", 400, 400, "BadRequestException"),
    ("path_ambiguous_prefix", 400, 400, "BadRequestException"),
    ("path_reference_form", 404, 404, "NotFoundException"),
    ("path_token_in_query", 400, 400, "BadRequestException"),
    ("path_query_duplicate", 400, 400, "BadRequestException"),
    ("path_query_spelling", 400, 400, "BadRequestException"),
    ("path_query_semicolon", 400, 400, "BadRequestException"),
    ("path_query_plus", 400, 400, "BadRequestException"),
    ("path_query_name", 400, 400, "BadRequestException"),
    ("path_query_referenced_by", 400, 400, "BadRequestException"),
    ("path_query_target", 400, 400, "BadRequestException"),
    ("unknown_operation", 404, 404, "NotFoundException"),
    ("wrong_method", 404, 404, "NotFoundException"),
];

const READ: Asked<'_> = Asked {
    safe: true,
    head: false,
    reference: "r-1",
    token_endpoint: false,
    jitter: 0,
};
const COMMIT: Asked<'_> = Asked {
    safe: false,
    ..READ
};
const HEAD: Asked<'_> = Asked { head: true, ..READ };
const TOKEN: Asked<'_> = Asked {
    token_endpoint: true,
    ..READ
};

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let mut of_name = reply.headers.iter().filter(|header| header.0 == name);
    let value = of_name.next().map(|header| header.1.as_str());
    assert!(of_name.next().is_none(), "{name} twice");
    value
}

#[test]
fn the_table_is_whole_and_names_are_unique_snake_case() {
    let names: Vec<&str> = Reason::all().map(Reason::name).collect();
    let table: Vec<&str> = TABLE.iter().map(|row| row.0).collect();
    assert_eq!(names, table);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for name in names {
        let word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        assert!(name.split('_').all(word), "{name}");
    }
}

#[test]
fn every_reason_has_its_position_and_its_meaning() {
    for (position, reason) in Reason::all().enumerate() {
        assert_eq!(reason.position(), position);
        assert!(reason.meaning().trim().len() > 10, "{reason:?}");
    }
}

#[test]
fn every_reason_has_its_answers() {
    for (reason, (name, to_read, to_commit, exception)) in Reason::all().zip(TABLE) {
        let refusal = Refusal::new(reason, "a sentence");
        let read = refusal.reply(&READ);
        let commit = refusal.reply(&COMMIT);
        let head = refusal.reply(&HEAD);
        assert_eq!(
            [read.status, head.status, commit.status],
            [*to_read, *to_read, *to_commit],
            "{name}"
        );
        assert!(head.body.is_empty(), "{name}: a body on HEAD");
        for reply in [&read, &commit, &head] {
            assert_eq!(reply.details, *name);
            assert!(
                matches!(reply.status, 400 | 401 | 403 | 404 | 429 | 503),
                "{name}"
            );
            let later = matches!(reply.status, 429 | 503);
            assert_eq!(header(reply, "retry-after").is_some(), later, "{name}");
            assert_eq!(
                header(reply, "www-authenticate").is_some(),
                reply.status == 401,
                "{name}"
            );
            assert_eq!(header(reply, "content-type"), Some("application/json"));
            assert_eq!(header(reply, "cache-control"), Some("no-store"));
        }
        for reply in [&read, &commit] {
            let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
            if !exception.ends_with("Exception") {
                // RFC 6749 section 5.2
                assert_eq!(body["error"], *exception);
                assert!(body["error_description"].is_string());
                continue;
            }
            let error = body["error"].as_object().expect("an object");
            assert_eq!(
                error.keys().collect::<BTreeSet<_>>(),
                ["code", "message", "type"]
                    .map(str::to_owned)
                    .iter()
                    .collect()
            );
            assert_eq!(error["code"], reply.status, "{name}");
            assert_eq!(error["message"], "a sentence (ref r-1)");
            let expected = if reply.status == 429 {
                "TooManyRequestsException"
            } else {
                exception
            };
            assert_eq!(error["type"], expected, "{name}");
        }
    }
}

/// Whatever is asked of the token endpoint is answered in the shape of RFC 6749, with its six codes: also what is wrong
/// with a token that is shown there.
#[test]
fn at_the_token_endpoint_every_reason_is_one_of_six_codes() {
    for (reason, (name, to_read, _, exception)) in Reason::all().zip(TABLE) {
        let reply = Refusal::new(reason, "a sentence").reply(&TOKEN);
        let (status, code) = match (*name, *to_read, *exception) {
            // Whoever tries secrets is slowed down; nobody is at fault.
            ("login_tries", ..) => (429, "invalid_request"),
            ("token_missing" | "token_empty" | "scheme_not_bearer", ..) => (401, "invalid_client"),
            (_, _, code) if !code.ends_with("Exception") => (*to_read, code),
            (_, 401 | 403, _) => (400, "invalid_grant"),
            (_, 503, _) => (503, "invalid_request"),
            _ => (400, "invalid_request"),
        };
        assert_eq!((reply.status, reply.details), (status, *name));
        let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        let members: BTreeSet<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(
            members,
            ["error", "error_description"]
                .map(str::to_owned)
                .iter()
                .collect()
        );
        assert_eq!(body["error"], code, "{name}");
        assert_eq!(body["error_description"], "a sentence (ref r-1)");
        assert_eq!(header(&reply, "content-type"), Some("application/json"));
        assert_eq!(header(&reply, "cache-control"), Some("no-store"));
        assert_eq!(header(&reply, "pragma"), Some("no-cache"));
        let later = matches!(reply.status, 429 | 503);
        assert_eq!(header(&reply, "retry-after").is_some(), later, "{name}");
        let challenge = (code == "invalid_client").then_some("Basic realm=\"icegate\"");
        assert_eq!(header(&reply, "www-authenticate"), challenge, "{name}");
    }
}

#[test]
fn the_challenge_says_what_is_wrong_with_a_token_and_nothing_when_there_was_none() {
    for reason in Reason::all() {
        let reply = Refusal::new(reason, "it \"expired\"\r\nx: y").reply(&READ);
        let Some(challenge) = header(&reply, "www-authenticate") else {
            continue;
        };
        // RFC 6750 section 3.1: no error code when the request lacks any authentication information.
        let expected = match reason {
            Reason::TokenMissing | Reason::TokenEmpty | Reason::SchemeNotBearer => {
                "Bearer realm=\"icegate\""
            }
            // RFC 6749 section 5.2: the scheme by which a client may log in.
            Reason::LoginMalformed | Reason::LoginUnknown | Reason::LoginRefused => {
                "Basic realm=\"icegate\""
            }
            _ => {
                "Bearer realm=\"icegate\", error=\"invalid_token\", error_description=\"it 'expired'??x: y\""
            }
        };
        assert_eq!(challenge, expected, "{reason:?}");
    }
}

#[test]
fn retry_after_is_rounded_up_and_at_least_one_second() {
    let cases = [
        (None, 0, "1"),
        (Some(0), 0, "1"),
        (Some(1), 0, "1"),
        (Some(1000), 0, "1"),
        (Some(1001), 0, "2"),
        (Some(60_000), 0, "60"),
        (Some(60_000), 1, "61"),
        (Some(60_000), 255, "60"),
        (Some(60_000), 254, "62"),
    ];
    for (milliseconds, jitter, expected) in cases {
        let mut refusal = Refusal::new(Reason::IdpPaused, "later");
        if let Some(milliseconds) = milliseconds {
            refusal = refusal.after(Duration::from_millis(milliseconds));
        }
        let reply = refusal.reply(&Asked { jitter, ..COMMIT });
        assert_eq!(
            header(&reply, "retry-after"),
            Some(expected),
            "{milliseconds:?} {jitter}"
        );
    }
}

#[test]
fn a_host_that_fails_is_answered_for_as_if_it_were_a_commit() {
    let reply = host_failed();
    assert_eq!((reply.status, reply.details), (429, "host_failed"));
    assert_eq!(header(&reply, "retry-after"), Some("1"));
}

proptest! {
    #[test]
    fn no_sentence_breaks_an_answer(
        sentence in any::<String>(), jitter: u8, safe: bool, token_endpoint: bool, pause: Option<u64>,
    ) {
        for reason in Reason::all() {
            let mut refusal = Refusal::new(reason, sentence.clone());
            refusal.retry_after = pause.map(Duration::from_secs);
            let reply = refusal.reply(&Asked { safe, jitter, token_endpoint, ..READ });
            prop_assert!(serde_json::from_slice::<Value>(&reply.body).is_ok());
            for (_, value) in &reply.headers {
                prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{value:?}");
            }
            if let Some(seconds) = header(&reply, "retry-after") {
                prop_assert!(seconds.parse::<u64>().expect("a number") >= 1);
            }
        }
    }
}
