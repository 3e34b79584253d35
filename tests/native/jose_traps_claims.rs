//! What went wrong elsewhere with claims, issuers and keys (rows V4 to V13 of the list of traps). Every
//! token here is signed well, so that nothing but the row's trap refuses it.

use icegate::clock::UnixTime;
use icegate::identity::{TokenFault, VerifyFault};
use icegate::jose::{ClaimsFault, JwsFault, KeySet, RustCrypto};
use icegate::json::JsonFaultKind;
use serde_json::json;

use crate::idp::{CI, CI_ID, CORP, CORP_ID, KID, NOW, Refused, ci, corp, judge, judge_at};
use crate::jose_traps::{
    alice, check, form, json_fault, refused, with_claims, with_payload, wrong_type,
};
use crate::tokens::{Signer, claims, key_set, mint};

#[test]
fn v4_a_date_of_the_wrong_type_is_not_absent() {
    for claim in ["exp", "nbf", "iat"] {
        for value in [
            json!("9999999999"),
            json!(true),
            json!([]),
            json!({}),
            json!([9_999_999_999_u64]),
        ] {
            assert_eq!(
                refused(with_claims(&json!({ claim: value }))),
                wrong_type(claim),
                "V4: {claim} {value}"
            );
        }
        for value in [
            json!(-1),
            json!(1_u64 << 53),
            json!(u64::MAX),
            json!(1e18),
            json!(1e308),
            json!(-0.5),
        ] {
            let expected = Refused::Token(TokenFault::Claims(ClaimsFault::OutOfRange(claim)));
            assert_eq!(
                refused(with_claims(&json!({ claim: value }))),
                expected,
                "V4: {claim} {value}"
            );
        }
        let text = alice(&json!({ claim: null })).to_string();
        let twice = format!(
            r#"{{"{claim}":{NOW},"{claim}":9999999999,{}"#,
            text.strip_prefix('{').unwrap()
        );
        assert_eq!(
            json_fault(with_payload(&twice)),
            JsonFaultKind::DuplicateMember,
            "V4: {claim} twice"
        );
        let null = format!(r#"{{"{claim}":null,{}"#, text.strip_prefix('{').unwrap());
        assert_eq!(
            refused(with_payload(&null)),
            wrong_type(claim),
            "V4: {claim} null"
        );
        for (literal, kind) in [
            ("1e400", JsonFaultKind::NumberOutOfRange),
            ("NaN", JsonFaultKind::Malformed),
            ("Infinity", JsonFaultKind::Malformed),
        ] {
            let payload = format!(
                r#"{{"{claim}":{literal},{}"#,
                text.strip_prefix('{').unwrap()
            );
            assert_eq!(
                json_fault(with_payload(&payload)),
                kind,
                "V4: {claim} {literal}"
            );
        }
    }
    check(
        "V4",
        [(
            "no exp",
            with_claims(&json!({"exp": null})),
            Refused::Token(TokenFault::NoExpiry { issuer: CORP_ID }),
        )],
    );
    assert!(
        judge(with_claims(
            &json!({"exp": NOW as f64 + 0.5, "iat": NOW as f64 - 0.5})
        ))
        .is_ok(),
        "V4: fractions"
    );
}

#[test]
fn v5_the_audience_is_one_of_ours_to_the_letter() {
    let none_of_ours = Refused::Token(TokenFault::Audience { issuer: CORP_ID });
    for audience in [
        json!("catalog"),
        json!(["x", "catalog"]),
        json!([]),
        json!(""),
        json!("icegate "),
        json!(" icegate"),
        json!("icegate/"),
        json!("Icegate"),
        json!("icegate,catalog"),
        json!("icegate catalog"),
        json!("icegat"),
        json!("icegates"),
        json!("\u{456}cegate"),
        json!("icegate\0"),
        json!("gate-of-ci"),
        json!("https://gate.example.com/"),
    ] {
        assert_eq!(
            refused(with_claims(&json!({ "aud": audience }))),
            none_of_ours,
            "V5: {audience}"
        );
    }
    for audience in [
        json!({"icegate": 1}),
        json!([["icegate"]]),
        json!(["icegate", 1]),
        json!(["icegate", null]),
        json!(1),
        json!(true),
    ] {
        assert_eq!(
            refused(with_claims(&json!({ "aud": audience }))),
            wrong_type("aud"),
            "V5: {audience}"
        );
    }
    check(
        "V5",
        [
            ("absent", with_claims(&json!({"aud": null})), none_of_ours),
            (
                "too many",
                with_claims(&json!({"aud": vec!["icegate"; 65]})),
                Refused::Token(TokenFault::Claims(ClaimsFault::TooManyAudiences)),
            ),
            (
                "10,000 of them",
                with_claims(&json!({"aud": vec!["icegate"; 10_000]})),
                form(JwsFault::TooLong),
            ),
        ],
    );
    for audience in [
        json!("icegate"),
        json!(["catalog", "icegate"]),
        json!("https://gate.example.com"),
    ] {
        assert!(
            judge(with_claims(&json!({ "aud": audience }))).is_ok(),
            "V5: {audience}"
        );
    }
}

#[test]
fn v6_an_issuer_has_keys_and_rules_of_its_own() {
    for issuer in [
        "https://idp.example.com",
        "https://idp.example.com/realms/lake/",
        "https://idp.example.com/realms/lake.evil",
        "https://idp.example.com.evil/realms/lake",
        "HTTPS://idp.example.com/realms/lake",
        "https://idp.example.com:443/realms/lake",
        "https://idp.example.com/realms/lak",
        "https://idp.example.com/realms/lake\0",
        "",
    ] {
        assert_eq!(
            refused(with_claims(&json!({ "iss": issuer }))),
            Refused::Token(TokenFault::UnknownIssuer),
            "V6: {issuer:?}"
        );
    }
    check(
        "V6",
        [
            (
                "absent",
                with_claims(&json!({"iss": null})),
                Refused::Token(TokenFault::NoIssuer),
            ),
            (
                "an array",
                with_claims(&json!({"iss": [CORP]})),
                wrong_type("iss"),
            ),
            (
                "ci's name on corp's token, the same kid in both sets",
                mint(&corp(), CI, "gate-of-ci", "alice", NOW + 60),
                Refused::Verify(VerifyFault::BadSignature),
            ),
            (
                "corp's name on ci's token",
                mint(&ci(), CORP, "icegate", "alice", NOW + 60),
                Refused::Verify(VerifyFault::BadSignature),
            ),
            (
                "corp's audience at ci",
                mint(&ci(), CI, "icegate", "alice", NOW + 60),
                Refused::Token(TokenFault::Audience { issuer: CI_ID }),
            ),
            (
                "corp's algorithm at ci",
                ci().sign_with(
                    &json!({"alg": "RS256", "kid": KID}),
                    &claims(CI, "gate-of-ci", "alice", NOW + 60),
                ),
                Refused::Token(TokenFault::Algorithm { issuer: CI_ID }),
            ),
        ],
    );
    assert_eq!(
        judge(mint(&ci(), CI, "gate-of-ci", "alice", NOW + 60))
            .unwrap()
            .issuer(),
        CI_ID
    );
}

#[test]
fn v7_without_keys_there_is_no_fallback() {
    let now = UnixTime::from_secs(NOW);
    let refused = judge_at(now, with_claims(&json!({})), r#"{"keys":[]}"#).unwrap_err();
    assert_eq!(refused, Refused::Verify(VerifyFault::UnknownKey));
}

// V8 (floods of unknown kids) is the broker's: it counts fetches.

#[test]
fn v9_sizes_and_depths_are_bounded() {
    let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    check(
        "V9",
        [
            (
                "a header of 1 MiB",
                format!("{}.e30.c2ln", "A".repeat(1 << 20)),
                form(JwsFault::TooLong),
            ),
            (
                "one byte too long",
                format!("{}.e30.c2ln", "A".repeat(16 * 1024 + 1 - 9)),
                form(JwsFault::TooLong),
            ),
        ],
    );
    for levels in [32, 1_000, 5_000] {
        assert_eq!(
            json_fault(with_payload(&deep(levels))),
            JsonFaultKind::TooDeep,
            "V9: claims, {levels}"
        );
        let header = corp().sign_text(&deep(levels), "{}");
        assert_eq!(
            json_fault(header),
            JsonFaultKind::TooDeep,
            "V9: header, {levels}"
        );
    }
    let body = format!(r#"{{"keys":{}}}"#, "[".repeat(100_000));
    assert!(
        KeySet::parse(body.as_bytes(), &RustCrypto).is_err(),
        "V9: key set"
    );
}

#[test]
fn v10_no_member_stands_twice_and_case_matters() {
    let claims = alice(&json!({})).to_string();
    let rest = claims.strip_prefix('{').unwrap();
    for extra in [
        r#""sub":"root","#,
        r#""\u0073ub":"root","#,
        r#""iss":"x","#,
        r#""exp":1,"#,
        r#""x":{"a":1,"a":2},"#,
    ] {
        assert_eq!(
            json_fault(with_payload(&format!("{{{extra}{rest}"))),
            JsonFaultKind::DuplicateMember,
            "V10: {extra}"
        );
    }
    let header = format!(r#"{{"alg":"none","alg":"ES256","kid":"{KID}"}}"#);
    assert_eq!(
        json_fault(corp().sign_text(&header, &claims)),
        JsonFaultKind::DuplicateMember,
        "V10: header"
    );
    let caller = judge(with_payload(&format!(
        r#"{{"Sub":"root","SUB":"root",{rest}"#
    )))
    .unwrap();
    assert_eq!(caller.subject(), "alice", "V10: other case, other claim");
    let only_capital = with_claims(&json!({"sub": null, "Sub": "root"}));
    assert_eq!(
        refused(only_capital),
        Refused::Token(TokenFault::Subject { issuer: CORP_ID })
    );
}

// V11 (verdicts that outlive the token) is the cache's; what it needs of here:
#[test]
fn v11_a_caller_knows_its_end_and_its_key() {
    let caller = judge(with_claims(&json!({}))).unwrap();
    assert_eq!(caller.expires(), UnixTime::from_secs(NOW + 60));
    assert_eq!(caller.accepted_until(), UnixTime::from_secs(NOW + 90));
    let set = |signer: &Signer| KeySet::parse(key_set([signer]).as_bytes(), &RustCrypto).unwrap();
    assert!(set(&corp()).contains(&caller.key()));
    assert!(!set(&Signer::with_seed(KID, "rotated")).contains(&caller.key()));
}

#[test]
fn v12_lists_and_texts_are_different_things() {
    let caller = judge(with_claims(
        &json!({"groups": ["a b", "c"], "scope": "a b"}),
    ))
    .unwrap();
    let path = |name: &str| vec![name.to_owned()];
    assert_eq!(
        caller.claims().string_at(&path("groups")),
        None,
        "V12: never joined"
    );
    assert_eq!(
        caller.claims().at(&path("groups")),
        Some(&json!(["a b", "c"]))
    );
    assert_eq!(
        caller.claims().string_at(&path("scope")),
        Some("a b"),
        "V12: never split"
    );
}

#[test]
fn v13_a_token_that_is_bound_to_its_sender_is_no_bearer_token() {
    for cnf in [
        json!({"jkt": "x"}),
        json!({"x5t#S256": "x"}),
        json!({}),
        json!("x"),
        json!(false),
    ] {
        let expected = Refused::Token(TokenFault::SenderConstrained { issuer: CORP_ID });
        assert_eq!(
            refused(with_claims(&json!({ "cnf": cnf }))),
            expected,
            "V13: {cnf}"
        );
    }
    let text = alice(&json!({})).to_string();
    let null = format!(r#"{{"cnf":null,{}"#, text.strip_prefix('{').unwrap());
    assert_eq!(
        refused(with_payload(&null)),
        Refused::Token(TokenFault::SenderConstrained { issuer: CORP_ID })
    );
}
