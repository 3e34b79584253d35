//! What went wrong elsewhere (rows V1 to V13 of the list of traps), and the tricks with keys. Every token
//! here is signed well unless its row says otherwise, so that nothing but the row's trap refuses it.

use std::time::Duration;

use icegate::clock::UnixTime;
use icegate::identity::{TokenFault, VerifyFault};
use icegate::jose::{Algorithm, ClaimsFault, CompactJws, JwsFault, JwtSimple, KeySet, Part};
use icegate::json::JsonFaultKind;
use jwt_simple::claims::Claims as NewClaims;
use jwt_simple::prelude::{Duration as Lifetime, HS256Key, MACLike, RS256KeyPair, RSAKeyPairLike};
use serde_json::{Value, json};

use crate::idp::{CI, CI_ID, CORP, CORP_ID, KID, NOW, Refused, ci, corp, judge, judge_at};
use crate::jose_vectors::{rfc7515_rsa, rfc7515_rsa_pair};
use crate::tokens::{Signer, base64url, claims, key_set, mint};

/// Alice's good claims at corp, with changes; `null` takes a claim away.
fn alice(changes: &Value) -> Value {
    let mut claims = claims(CORP, "icegate", "alice", NOW + 60);
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn with_claims(changes: &Value) -> String {
    corp().sign(&alice(changes))
}

fn with_header(members: &Value) -> String {
    let mut header = json!({"alg": "ES256", "typ": "JWT", "kid": KID});
    header
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    corp().sign_with(&header, &alice(&json!({})))
}

fn with_payload(payload: &str) -> String {
    corp().sign_text(
        &json!({"alg": "ES256", "typ": "JWT", "kid": KID}).to_string(),
        payload,
    )
}

fn refused(token: impl AsRef<[u8]>) -> Refused {
    judge(token.as_ref())
        .map(|_| String::from_utf8_lossy(token.as_ref()).into_owned())
        .expect_err("refused")
}

fn check(row: &str, table: impl IntoIterator<Item = (&'static str, String, Refused)>) {
    for (what, token, expected) in table {
        assert_eq!(refused(token), expected, "{row}: {what}");
    }
}

fn form(fault: JwsFault) -> Refused {
    Refused::Token(TokenFault::Form(fault))
}

fn wrong_type(claim: &'static str) -> Refused {
    Refused::Token(TokenFault::Claims(ClaimsFault::WrongType(claim)))
}

fn json_fault(token: String) -> JsonFaultKind {
    match refused(token) {
        Refused::Token(
            TokenFault::Claims(ClaimsFault::Json(fault))
            | TokenFault::Form(JwsFault::Header(fault)),
        ) => fault.kind(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_token_that_every_row_changes_is_good() {
    assert_eq!(judge(with_claims(&json!({}))).unwrap().subject(), "alice");
    assert_eq!(judge(with_header(&json!({}))).unwrap().subject(), "alice");
    assert_eq!(
        judge(with_payload(&alice(&json!({})).to_string()))
            .unwrap()
            .subject(),
        "alice"
    );
}

#[test]
fn v1_not_any_bearer() {
    let good = with_claims(&json!({}));
    let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
    let stranger = Signer::with_seed(KID, "stranger");
    check(
        "V1",
        [
            ("empty", String::new(), form(JwsFault::NotThreeParts)),
            (
                "random",
                "6f1c7a9e3b".to_owned(),
                form(JwsFault::NotThreeParts),
            ),
            ("unsigned", unsigned, form(JwsFault::Unsigned)),
            (
                "expired",
                with_claims(&json!({"exp": NOW - 42})),
                Refused::Token(TokenFault::Expired {
                    issuer: CORP_ID,
                    expired_for: Duration::from_secs(42),
                }),
            ),
            (
                "of an unknown issuer",
                mint(
                    &stranger,
                    "https://elsewhere.example",
                    "icegate",
                    "alice",
                    NOW + 60,
                ),
                Refused::Token(TokenFault::UnknownIssuer),
            ),
            (
                "signed by somebody else",
                mint(&stranger, CORP, "icegate", "alice", NOW + 60),
                Refused::Verify(VerifyFault::BadSignature),
            ),
        ],
    );
}

#[test]
fn v2_the_algorithm_is_not_the_tokens_choice() {
    let rsa = RS256KeyPair::from_jwk(&rfc7515_rsa_pair().to_string()).unwrap();
    let never = || Refused::Token(TokenFault::UnknownAlgorithm);
    let names = [
        "none", "None", "nOnE", "NONE", "", "HS256", "HS384", "HS512", "es256", "ES512", "ES256K",
        "dir",
    ];
    for name in names {
        assert_eq!(
            refused(with_header(&json!({ "alg": name }))),
            never(),
            "V2: {name:?}"
        );
        let unsigned = format!("{}.e30.", base64url(json!({ "alg": name }).to_string()));
        assert_eq!(
            refused(unsigned),
            form(JwsFault::Unsigned),
            "V2: {name:?} without signature"
        );
    }
    check(
        "V2",
        [
            (
                "HMAC with the RSA key's PEM",
                hmac(rsa.public_key().to_pem().unwrap().as_bytes()),
                never(),
            ),
            (
                "HMAC with the RSA key's DER",
                hmac(&rsa.public_key().to_der().unwrap()),
                never(),
            ),
            (
                "HMAC with the RSA key's modulus",
                hmac(&rsa.public_key().to_components().n),
                never(),
            ),
            (
                "an algorithm that corp's list does not have",
                with_header(&json!({"alg": "ES384"})),
                Refused::Token(TokenFault::Algorithm { issuer: CORP_ID }),
            ),
            (
                "RS256 with the kid of an EC key",
                with_header(&json!({"alg": "RS256"})),
                Refused::Verify(VerifyFault::BadSignature),
            ),
        ],
    );
    let rsa_keys =
        json!({"keys": [{"kid": KID, "kty": "RSA", "n": rfc7515_rsa()["n"], "e": "AQAB"}]})
            .to_string();
    assert_eq!(
        judge_at(UnixTime::from_secs(NOW), with_claims(&json!({})), &rsa_keys).unwrap_err(),
        Refused::Verify(VerifyFault::BadSignature),
        "V2: ES256 with the kid of an RSA key"
    );
}

/// A token that `key` signs with HMAC: what an attacker can do who holds only public keys.
fn hmac(key: &[u8]) -> String {
    HS256Key::from_bytes(key)
        .authenticate(NewClaims::create(Lifetime::from_secs(60)).with_issuer(CORP))
        .unwrap()
}

#[test]
fn v2_a_key_set_never_takes_hmac_for_rsa() {
    let pair = RS256KeyPair::from_jwk(&rfc7515_rsa_pair().to_string()).unwrap();
    let set = KeySet::parse(
        json!({"keys": [rfc7515_rsa()]}).to_string().as_bytes(),
        &JwtSimple,
    )
    .unwrap();
    let good = pair
        .sign(NewClaims::create(Lifetime::from_secs(60)))
        .unwrap();
    assert!(
        set.verify(
            Algorithm::RS256,
            &CompactJws::parse(good.as_bytes()).unwrap()
        )
        .is_ok()
    );
    for key in [
        pair.public_key().to_pem().unwrap().into_bytes(),
        pair.public_key().to_der().unwrap(),
        pair.public_key().to_components().n,
    ] {
        let token = hmac(&key);
        let jws = CompactJws::parse(token.as_bytes()).unwrap();
        for algorithm in Algorithm::ALL {
            assert!(set.verify(algorithm, &jws).is_err(), "{algorithm:?}");
        }
    }
}

#[test]
fn v3_the_header_cannot_ask_for_anything() {
    let evil = Signer::with_seed(KID, "evil");
    let embedded = evil.sign_with(
        &json!({"alg": "ES256", "kid": KID, "jwk": evil.jwk()}),
        &alice(&json!({})),
    );
    let bad = || Refused::Verify(VerifyFault::BadSignature);
    let steered = |member: &str, value: Value| {
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": KID, member: value});
        evil.sign_with(&header, &alice(&json!({})))
    };
    check(
        "V3",
        [
            (
                "crit",
                with_header(&json!({"crit": ["exp"], "exp": 1})),
                form(JwsFault::Critical),
            ),
            (
                "crit of an unknown extension",
                with_header(&json!({"crit": ["x"], "x": 1})),
                form(JwsFault::Critical),
            ),
            (
                "crit, empty",
                with_header(&json!({"crit": []})),
                form(JwsFault::Critical),
            ),
            (
                "b64 false",
                with_header(&json!({"b64": false, "crit": ["b64"]})),
                form(JwsFault::Critical),
            ),
            (
                "b64 without crit",
                with_header(&json!({"b64": false})),
                form(JwsFault::Critical),
            ),
            ("a key of its own", embedded, form(JwsFault::EmbeddedKey)),
            (
                "jku",
                steered("jku", json!("https://evil.example/jwks")),
                bad(),
            ),
            (
                "x5u",
                steered("x5u", json!("https://evil.example/cert")),
                bad(),
            ),
            ("x5c", steered("x5c", json!(["MIIB"])), bad()),
        ],
    );
    assert!(
        judge(with_header(
            &json!({"jku": "https://elsewhere.example", "x5t": "eA"})
        ))
        .is_ok(),
        "not read at all"
    );
}

#[test]
fn v3_the_kid_is_a_name_and_nothing_else() {
    for kid in [
        "../../etc/passwd",
        "/dev/null",
        "key-1\0",
        "\0",
        "KEY-1",
        "' OR 1=1 --",
        "http://evil.example/",
        &"k".repeat(10_000),
    ] {
        assert_eq!(
            refused(with_header(&json!({ "kid": kid }))),
            Refused::Verify(VerifyFault::UnknownKey),
            "{kid:?}"
        );
    }
    check(
        "V3",
        [
            (
                "kid is a number",
                with_header(&json!({"kid": 1})),
                form(JwsFault::HeaderMember("kid")),
            ),
            (
                "kid of 20 KB",
                with_header(&json!({"kid": "k".repeat(20_000)})),
                form(JwsFault::TooLong),
            ),
        ],
    );
}

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
        KeySet::parse(body.as_bytes(), &JwtSimple).is_err(),
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
    let set = |signer: &Signer| KeySet::parse(key_set([signer]).as_bytes(), &JwtSimple).unwrap();
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

#[test]
fn the_spelling_of_a_token_is_canonical() {
    let good = with_claims(&json!({}));
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    check(
        "spelling",
        [
            (
                "padded signature",
                format!("{good}=="),
                form(JwsFault::Encoding(Part::Signature)),
            ),
            (
                "padded header",
                format!("{header}=.{payload}.{signature}"),
                form(JwsFault::Encoding(Part::Header)),
            ),
            (
                "white space",
                format!("{header}. {payload}.{signature}"),
                form(JwsFault::Encoding(Part::Payload)),
            ),
            (
                "a line break at the end",
                format!("{good}\n"),
                form(JwsFault::Encoding(Part::Signature)),
            ),
            (
                "a fourth part",
                format!("{good}."),
                form(JwsFault::NotThreeParts),
            ),
            ("encrypted", format!("{good}.."), form(JwsFault::Encrypted)),
        ],
    );
}
