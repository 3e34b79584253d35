//! A good token, what it makes, and how every other one is told apart from it.

use std::sync::LazyLock;
use std::time::Duration;

use icegate::clock::UnixTime;
use icegate::identity::{Presented, TokenFault, VerifyFault};
use icegate::jose::{Algorithm, ClaimsFault, CompactJws, JwtSimple, KeySet};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::idp::{CI, CI_ID, CORP, CORP_ID, KID, NOW, Refused, ci, config, corp, judge, judge_at};
use crate::tokens::{claims, key_set, mint};

fn alice() -> String {
    mint(&corp(), CORP, "icegate", "alice", NOW + 60)
}

static ALICE: LazyLock<String> = LazyLock::new(alice);

thread_local! {
    static KEYS: KeySet = KeySet::parse(key_set([&corp()]).as_bytes(), &JwtSimple).unwrap();
}

fn alice_with(changes: &Value) -> String {
    let mut claims = claims(CORP, "icegate", "alice", NOW + 60);
    claims
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    corp().sign(&claims)
}

fn fault(token: impl AsRef<[u8]>) -> TokenFault {
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
fn presented_tells_whose_keys_to_fetch() {
    let (config, token) = (config(), alice());
    let presented =
        Presented::inspect(token.as_bytes(), &config, UnixTime::from_secs(NOW)).unwrap();
    assert_eq!((presented.issuer(), presented.kid()), (CORP_ID, Some(KID)));
    assert_eq!(
        format!("{presented:?}"),
        "Presented { issuer: IssuerId(0), .. }"
    );
    let keys = |body: &str| KeySet::parse(body.as_bytes(), &JwtSimple).unwrap();
    assert_eq!(
        presented.verify(&keys(r#"{"keys":[]}"#)).unwrap_err(),
        VerifyFault::UnknownKey
    );
    assert!(
        presented.verify(&keys(&key_set([&corp()]))).is_ok(),
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
    let keys = KeySet::parse(key_set([&corp()]).as_bytes(), &JwtSimple).unwrap();
    assert!(presented.verify(&keys).is_ok());
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
        let keys = KeySet::parse(key_set([&corp()]).as_bytes(), &JwtSimple).unwrap();
        Ok(presented.verify(&keys).unwrap().same_person().to_owned())
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

#[test]
fn every_message_helps_and_quotes_nothing_of_the_token() {
    let told = |token: String| fault(&token).describe(&config());
    let header = |members: Value| {
        let mut header = json!({"alg": "ES256", "typ": "JWT", "kid": KID});
        header
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        corp().sign_with(&header, &claims(CORP, "icegate", "alice", NOW + 60))
    };
    let payload = |text: &str| corp().sign_text(r#"{"alg":"ES256"}"#, text);
    let table = [
        (told("CANARY".to_owned()), "the token is not a signed JWT"),
        (told("CANARY.CANARY.".to_owned()), "the token is not signed"),
        (
            told("a.b.c.d.e".to_owned()),
            "the token is encrypted; a signed JWT is needed",
        ),
        (
            told(format!("{}.", "C".repeat(17_000))),
            "the token is longer than 16384 bytes",
        ),
        (
            told("C=.e30.c2ln".to_owned()),
            "the token has a header that is not base64url",
        ),
        (
            told("e30.C.c2ln".to_owned()),
            "the token has a payload that is not base64url",
        ),
        (
            told("e30.e30.C".to_owned()),
            "the token has a signature that is not base64url",
        ),
        (
            told("W10.e30.c2ln".to_owned()),
            "the token has a header that is not a JSON object",
        ),
        (
            told("e30.e30.c2ln".to_owned()),
            "the token has a header whose alg is not a string",
        ),
        (
            told(header(json!({"crit": ["CANARY"]}))),
            "the token asks for an extension (crit) that is not understood",
        ),
        (
            told(header(json!({"jwk": {}}))),
            "the token brings its own key (jwk)",
        ),
        (
            told(header(json!({"alg": "none"}))),
            "the token's signature algorithm is never accepted",
        ),
        (
            told(header(json!({"alg": "PS512"}))),
            "the token's signature algorithm is not one of: ES256, RS256",
        ),
        (
            told(header(json!({"typ": "CANARY"}))),
            "the token's type (typ) is not one of: jwt, at+jwt, none",
        ),
        (
            told(payload("{CANARY")),
            "the token has a payload that is not JSON (line 1, column 2)",
        ),
        (
            told(payload(r#"{"CANARY":1,"CANARY":1}"#)),
            "the token has a payload that has the same member twice in one object (line 1, column 20)",
        ),
        (
            told(payload(r#"{"sub":7}"#)),
            "the token has a claim sub that is not a string",
        ),
        (
            told(payload(r#"{"exp":"7"}"#)),
            "the token has an exp that is not a number",
        ),
        (
            told(payload(r#"{"exp":-7}"#)),
            "the token has an exp that is out of range",
        ),
        (
            told(payload(r#"{"aud":7}"#)),
            "the token has an aud that is neither a string nor an array of strings",
        ),
        (
            told(alice_with(&json!({"aud": vec!["a"; 65]}))),
            "the token names more than 64 audiences",
        ),
        (told(payload("{}")), "the token has no issuer (iss)"),
        (
            told(alice_with(&json!({"iss": "CANARY"}))),
            "the token's issuer is not one of: https://idp.example.com/realms/lake, https://ci.example.com",
        ),
        (
            told(alice_with(&json!({"aud": "CANARY"}))),
            "the token's audience is not one of: icegate, https://gate.example.com",
        ),
        (
            told(payload(&format!(r#"{{"iss":"{CORP}","aud":"icegate"}}"#))),
            "the token never expires (no exp)",
        ),
        (
            told(alice_with(&json!({"exp": NOW - 42}))),
            "the token expired 42 s ago",
        ),
        (
            told(alice_with(&json!({"exp": NOW - 90_061}))),
            "the token expired 1 d 1 h ago",
        ),
        (
            told(alice_with(&json!({"nbf": NOW + 300}))),
            "the token is not valid for another 5 min",
        ),
        (
            told(alice_with(&json!({"iat": NOW + 300}))),
            "the token was issued in the future",
        ),
        (
            told(alice_with(&json!({"cnf": {}}))),
            "the token is bound to its sender (cnf), so the gate cannot pass it on",
        ),
        (
            told(alice_with(&json!({"azp": "icegate"}))),
            "the token was minted by the gate for a catalog",
        ),
        (
            told(alice_with(&json!({"typ": "ID"}))),
            "the token is not an access token",
        ),
        (
            told(alice_with(&json!({"sub": ""}))),
            "the token has no usable subject (sub)",
        ),
    ];
    for (message, expected) in table {
        assert_eq!(message, expected);
    }
    let mut config = config();
    config.issuers[0].subject_claim.0 = vec!["ids".to_owned(), "oid".to_owned()];
    assert_eq!(
        TokenFault::Person { issuer: CORP_ID }.describe(&config),
        "the token has no usable claim ids.oid, which says who the person is"
    );
    for (fault, expected) in [
        (
            VerifyFault::UnknownKey,
            "is signed with a key that its issuer does not publish",
        ),
        (
            VerifyFault::AmbiguousKey,
            "names no key (kid), and its issuer publishes several",
        ),
        (
            VerifyFault::BadSignature,
            "has a signature that is not its issuer's",
        ),
    ] {
        assert_eq!(fault.to_string(), expected);
    }
}

#[test]
fn every_single_flipped_bit_is_refused() {
    let (good, config, now) = (alice(), config(), UnixTime::from_secs(NOW));
    let keys = KeySet::parse(key_set([&corp()]).as_bytes(), &JwtSimple).unwrap();
    let accepted = |token: &[u8]| {
        Presented::inspect(token, &config, now)
            .is_ok_and(|presented| presented.verify(&keys).is_ok())
    };
    assert!(accepted(good.as_bytes()));
    for position in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone().into_bytes();
            bytes[position] ^= 1 << bit;
            assert!(!accepted(&bytes), "bit {bit} of byte {position}");
        }
    }
}

#[test]
fn every_other_last_character_of_a_part_is_refused() {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let good = alice();
    let ends: Vec<usize> = good
        .match_indices('.')
        .map(|(dot, _)| dot - 1)
        .chain([good.len() - 1])
        .collect();
    for end in ends {
        for other in ALPHABET
            .iter()
            .filter(|other| **other != good.as_bytes()[end])
        {
            let mut bytes = good.clone().into_bytes();
            bytes[end] = *other;
            assert!(
                judge(&bytes).is_err(),
                "byte {end} as {}",
                char::from(*other)
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_is_refused(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = ALICE.clone().into_bytes();
        let position = position.index(bytes.len());
        prop_assume!(bytes[position] != byte);
        bytes[position] = byte;
        prop_assert!(judge(&bytes).is_err());
    }

    #[test]
    fn any_inserted_or_lost_byte_is_refused(position in any::<prop::sample::Index>(), byte in any::<u8>(), insert in any::<bool>()) {
        let mut bytes = ALICE.clone().into_bytes();
        let position = position.index(bytes.len());
        if insert { bytes.insert(position, byte) } else { let _ = bytes.remove(position); }
        prop_assert!(judge(&bytes).is_err());
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(judge(&bytes).is_err());
        let _ = KeySet::parse(&bytes, &JwtSimple);
    }

    #[test]
    fn garbage_in_three_parts_never_panics(header in "\\PC{0,64}", payload in "\\PC{0,64}") {
        prop_assert!(judge(corp().sign_text(&header, &payload)).is_err());
    }

    /// Signed by the very key, so that the provider reads header and claims, too.
    #[test]
    fn signed_garbage_never_panics(first in json_text(), second in json_text(), steer in any::<bool>()) {
        let extra = if steer { format!(r#","x5c":{first},"jku":{second},"salt":{first}"#) } else { String::new() };
        let header = format!(r#"{{"alg":"ES256","kid":"{KID}"{extra}}}"#);
        let payload = format!(r#"{{"iat":{first},"exp":{second},"nonce":{first},"aud":{second},"x":{first}}}"#);
        let token = corp().sign_text(&header, &payload);
        if let Ok(jws) = CompactJws::parse(token.as_bytes()) {
            let _ = KEYS.with(|keys| keys.verify(Algorithm::ES256, &jws));
        }
        prop_assert!(judge(&token).is_err());
    }

    #[test]
    fn keys_of_garbage_never_panic(kty in "RSA|EC|OKP", crv in "P-256|P-384|Ed25519", x in ".{0,8}|[A-Za-z0-9_-]{43}|[A-Za-z0-9_-]{64}|[A-Za-z0-9_-]{342}", y in "[A-Za-z0-9_-]{43}|[A-Za-z0-9_-]{64}|AQAB") {
        let body = json!({"keys": [{"kty": kty, "crv": crv, "x": x, "y": y, "n": x, "e": y}]}).to_string();
        let set = KeySet::parse(body.as_bytes(), &JwtSimple).unwrap();
        let jws = CompactJws::parse(ALICE.as_bytes()).unwrap();
        for algorithm in Algorithm::ALL {
            prop_assert!(set.verify(algorithm, &jws).is_err());
        }
    }
}

/// The text of some JSON value.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    let tree = leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..6)
                .prop_map(|members| json!(members)),
        ]
    });
    tree.prop_map(|value| value.to_string())
}
