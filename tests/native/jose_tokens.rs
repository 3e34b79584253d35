//! A good token, what it makes, and how every other one is told apart from it.

use std::time::Duration;

use icegate::clock::UnixTime;
use icegate::identity::{Presented, TokenFault, VerifyFault};
use icegate::jose::{ClaimsFault, KeySet, RustCrypto};
use serde_json::{Value, json};

use crate::idp::{CI, CI_ID, CORP, CORP_ID, KID, NOW, Refused, ci, config, corp, judge, judge_at};
use crate::tokens::{claims, key_set, mint};

pub(crate) fn alice() -> String {
    mint(&corp(), CORP, "icegate", "alice", NOW + 60)
}

pub(crate) fn alice_with(changes: &Value) -> String {
    let mut claims = claims(CORP, "icegate", "alice", NOW + 60);
    claims
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    corp().sign(&claims)
}

pub(crate) fn fault(token: impl AsRef<[u8]>) -> TokenFault {
    match judge(token) {
        Err(Refused::Token(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_token_makes_a_caller() {
    let caller = judge(alice_with(
        &json!({"sub": "c2347aab", "preferred_username": "Alice \"A\"\n"}),
    ))
    .unwrap();
    assert_eq!(caller.issuer(), CORP_ID);
    assert_eq!(caller.subject(), "c2347aab");
    assert_eq!(caller.same_person(), "c2347aab");
    assert_eq!(caller.log_name(), "Alice _A__");
    assert_eq!(caller.authorized_party(), Some("engine-cli"));
    assert_eq!(caller.expires(), UnixTime::from_secs(NOW + 60));
    assert_eq!(caller.claims().get("scope"), Some(&json!("openid")));
    assert_eq!(
        format!("{caller:?}"),
        r#"Caller { issuer: IssuerId(0), log_name: "Alice _A__", .. }"#
    );
}

#[test]
fn the_subject_stands_in_for_a_name_that_is_absent() {
    let mut claims = claims(CI, "gate-of-ci", "robot'7", NOW + 60);
    for name in ["preferred_username", "azp"] {
        claims.as_object_mut().unwrap().remove(name);
    }
    claims["client_id"] = json!("pipeline");
    let caller = judge(ci().sign(&claims)).unwrap();
    assert_eq!(caller.issuer(), CI_ID);
    assert_eq!(
        (caller.subject(), caller.log_name()),
        ("robot'7", "robot_7")
    );
    assert_eq!(caller.authorized_party(), Some("pipeline"));
}

#[test]
fn azp_goes_before_client_id() {
    let caller = judge(alice_with(&json!({"azp": "trino", "client_id": "spark"}))).unwrap();
    assert_eq!(caller.authorized_party(), Some("trino"));
}

#[test]
fn presented_tells_whose_keys_to_fetch() {
    let (config, token) = (config(), alice());
    let presented =
        Presented::inspect(token.as_bytes(), &config, UnixTime::from_secs(NOW)).unwrap();
    assert_eq!((presented.issuer(), presented.kid()), (CORP_ID, Some(KID)));
    assert_eq!(
        format!("{presented:?}"),
        "Presented { issuer: IssuerId(0), .. }"
    );
    let keys = |body: &str| KeySet::parse(body.as_bytes(), &RustCrypto).unwrap();
    let again = Presented::inspect(token.as_bytes(), &config, UnixTime::from_secs(NOW)).unwrap();
    assert_eq!(
        again.verify(&config, &keys(r#"{"keys":[]}"#)).unwrap_err(),
        VerifyFault::UnknownKey
    );
    assert!(
        presented
            .verify(&config, &keys(&key_set([&corp()])))
            .is_ok(),
        "the same token again, after a refetch"
    );
}

#[test]
fn the_times_of_a_token_have_sharp_edges() {
    // The leeway is 30 s. Each row: a claim, its value relative to now in ms, and whether it passes.
    let table = [
        ("exp", 1, true),
        ("exp", 0, true),
        ("exp", -29_999, true),
        ("exp", -30_000, false),
        ("exp", -86_400_000, false),
        ("nbf", -1, true),
        ("nbf", 30_000, true),
        ("nbf", 30_001, false),
        ("iat", 30_000, true),
        ("iat", 30_001, false),
        ("iat", -1_000_000_000, true),
    ];
    for (claim, offset, passes) in table {
        let millis = i64::try_from(NOW).unwrap() * 1_000 + offset;
        let seconds = millis as f64 / 1_000.0;
        let now = UnixTime::from_epoch(Duration::from_secs(NOW));
        let judged = judge_at(
            now,
            alice_with(&json!({ claim: seconds })),
            &key_set([&corp()]),
        );
        assert_eq!(judged.is_ok(), passes, "{claim} {offset}: {judged:?}");
    }
}

#[test]
fn the_clock_of_the_gate_is_handed_in() {
    let judged =
        |now: u64| judge_at(UnixTime::from_secs(now), alice(), &key_set([&corp()])).map(drop);
    assert_eq!(judged(NOW + 89), Ok(()));
    let expired_for = Duration::from_secs(30);
    assert_eq!(
        judged(NOW + 90),
        Err(Refused::Token(TokenFault::Expired {
            issuer: CORP_ID,
            expired_for
        }))
    );
    assert_eq!(
        judged(0),
        Err(Refused::Token(TokenFault::IssuedInFuture {
            issuer: CORP_ID
        }))
    );
    let mut of_1970 = claims(CORP, "icegate", "alice", 60);
    of_1970.as_object_mut().unwrap().remove("iat");
    let judged = judge_at(
        UnixTime::from_secs(30),
        corp().sign(&of_1970),
        &key_set([&corp()]),
    );
    assert!(judged.is_ok(), "no second clock has a say: {judged:?}");
}

#[test]
fn token_types_are_media_types() {
    let typed = |typ: Value| {
        let mut header = json!({"alg": "ES256", "kid": KID, "typ": typ});
        if header["typ"].is_null() {
            header.as_object_mut().unwrap().remove("typ");
        }
        judge(corp().sign_with(&header, &claims(CORP, "icegate", "alice", NOW + 60))).map(drop)
    };
    for typ in [
        json!("JWT"),
        json!("jwt"),
        json!("at+jwt"),
        json!("AT+JWT"),
        json!("application/at+jwt"),
        json!("Application/JWT"),
        Value::Null,
    ] {
        assert_eq!(typed(typ.clone()), Ok(()), "{typ}");
    }
    for typ in [
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "JWS",
        "JOSE",
        "jwt ",
        "application/application/jwt",
        "text/jwt",
        "at + jwt",
    ] {
        assert_eq!(
            typed(json!(typ)),
            Err(Refused::Token(TokenFault::TokenType { issuer: CORP_ID })),
            "{typ}"
        );
    }
}

#[test]
fn a_configured_type_needs_not_end_in_jwt() {
    let mut config = config();
    config.issuers[0].token_types = vec!["access".to_owned()];
    let header = json!({"alg": "ES256", "kid": KID, "typ": "Access"});
    let token = corp().sign_with(&header, &claims(CORP, "icegate", "alice", NOW + 60));
    let presented =
        Presented::inspect(token.as_bytes(), &config, UnixTime::from_secs(NOW)).unwrap();
    let keys = KeySet::parse(key_set([&corp()]).as_bytes(), &RustCrypto).unwrap();
    assert!(presented.verify(&config, &keys).is_ok());
}

#[test]
fn what_the_gate_minted_is_not_presented_to_it() {
    for claim in ["azp", "client_id", "appid", "cid"] {
        let token = alice_with(&json!({ claim: "icegate" }));
        assert_eq!(
            fault(token),
            TokenFault::OwnClientToken { issuer: CORP_ID },
            "{claim}"
        );
    }
    for claim in ["azp", "client_id"] {
        let token = alice_with(&json!({ claim: ["icegate"] }));
        assert_eq!(
            fault(token),
            TokenFault::Claims(ClaimsFault::WrongType(claim)),
            "{claim}"
        );
    }
    assert!(
        judge(alice_with(
            &json!({"azp": "Icegate", "client_id": "icegate2"})
        ))
        .is_ok()
    );
}

#[test]
fn keycloaks_other_tokens_are_not_access_tokens() {
    for typ in ["ID", "Refresh", "Offline", "Logout", "DPoP", "", "bearer "] {
        assert_eq!(
            fault(alice_with(&json!({ "typ": typ }))),
            TokenFault::NotAnAccessToken { issuer: CORP_ID },
            "{typ}"
        );
    }
    assert_eq!(
        fault(alice_with(&json!({"typ": ["Bearer"]}))),
        TokenFault::NotAnAccessToken { issuer: CORP_ID }
    );
    assert!(judge(alice_with(&json!({"typ": "bearer"}))).is_ok());
    let mut of_ci = claims(CI, "gate-of-ci", "robot", NOW + 60);
    of_ci["typ"] = json!("ID");
    assert!(
        judge(ci().sign(&of_ci)).is_ok(),
        "the claim means nothing elsewhere"
    );
}

#[test]
fn a_subject_is_somebody() {
    for sub in ["", "a\0", "\u{7f}", "a\nb", "\u{85}", &"s".repeat(1_025)] {
        assert_eq!(
            fault(alice_with(&json!({ "sub": sub }))),
            TokenFault::Subject { issuer: CORP_ID },
            "{sub:?}"
        );
    }
    for sub in [
        " ",
        "s",
        "auth0|5f7c8ec7",
        "CN=Zoë,O=Lake",
        &"s".repeat(1_024),
    ] {
        assert_eq!(
            judge(alice_with(&json!({ "sub": sub }))).unwrap().subject(),
            sub
        );
    }
}

#[test]
fn the_same_person_is_named_by_the_configured_claim() {
    let mut config = config();
    config.issuers[0].subject_claim.0 = vec!["ids".to_owned(), "oid".to_owned()];
    let person = |ids: Value| {
        let token = alice_with(&json!({ "ids": ids }));
        let presented = Presented::inspect(token.as_bytes(), &config, UnixTime::from_secs(NOW))?;
        let keys = KeySet::parse(key_set([&corp()]).as_bytes(), &RustCrypto).unwrap();
        Ok(presented
            .verify(&config, &keys)
            .unwrap()
            .same_person()
            .to_owned())
    };
    assert_eq!(person(json!({"oid": "00aa"})), Ok("00aa".to_owned()));
    for ids in [
        json!({}),
        json!({"oid": ""}),
        json!({"oid": 7}),
        json!({"oid": ["00aa"]}),
        json!({"oid": "a\nb"}),
        json!("00aa"),
    ] {
        assert_eq!(
            person(ids.clone()),
            Err(TokenFault::Person { issuer: CORP_ID }),
            "{ids}"
        );
    }
}

#[test]
fn cheap_checks_come_in_a_fixed_order() {
    // Each token breaks the rule of its row and of all rows below.
    let breaks: [(&str, Value); 7] = [
        ("iss", json!("https://evil.example")),
        ("aud", json!("catalog")),
        ("exp", json!(NOW - 100)),
        ("nbf", json!(NOW + 100)),
        ("cnf", json!({})),
        ("azp", json!("icegate")),
        ("sub", json!("")),
    ];
    let order = [
        TokenFault::UnknownIssuer,
        TokenFault::Audience { issuer: CORP_ID },
        TokenFault::Expired {
            issuer: CORP_ID,
            expired_for: Duration::from_secs(100),
        },
        TokenFault::NotYetValid {
            issuer: CORP_ID,
            valid_in: Duration::from_secs(100),
        },
        TokenFault::SenderConstrained { issuer: CORP_ID },
        TokenFault::OwnClientToken { issuer: CORP_ID },
        TokenFault::Subject { issuer: CORP_ID },
    ];
    for (first, expected) in order.into_iter().enumerate() {
        let changes: serde_json::Map<String, Value> = breaks
            .iter()
            .skip(first)
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        assert_eq!(fault(alice_with(&Value::Object(changes))), expected);
    }
}
