//! What went wrong elsewhere (rows V1 to V3 of the list of traps; V4 to V13 are in jose_traps_claims.rs), and the tricks with keys. Every token
//! here is signed well unless its row says otherwise, so that nothing but the row's trap refuses it.

use std::time::Duration;

use icegate::clock::UnixTime;
use icegate::identity::{TokenFault, VerifyFault};
use icegate::jose::{Algorithm, ClaimsFault, CompactJws, JwsFault, KeySet, Part, RustCrypto};
use icegate::json::JsonFaultKind;
use jwt_simple::claims::Claims as NewClaims;
use jwt_simple::prelude::{Duration as Lifetime, HS256Key, MACLike, RS256KeyPair, RSAKeyPairLike};
use serde_json::{Value, json};

use crate::idp::{CORP, CORP_ID, KID, NOW, Refused, corp, judge, judge_at};
use crate::jose_vectors::{rfc7515_rsa, rfc7515_rsa_pair};
use crate::tokens::{Signer, base64url, claims, mint};

/// Alice's good claims at corp, with changes; `null` takes a claim away.
pub(crate) fn alice(changes: &Value) -> Value {
    let mut claims = claims(CORP, "icegate", "alice", NOW + 60);
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

pub(crate) fn with_claims(changes: &Value) -> String {
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

pub(crate) fn with_payload(payload: &str) -> String {
    corp().sign_text(
        &json!({"alg": "ES256", "typ": "JWT", "kid": KID}).to_string(),
        payload,
    )
}

pub(crate) fn refused(token: impl AsRef<[u8]>) -> Refused {
    judge(token.as_ref())
        .map(|_| String::from_utf8_lossy(token.as_ref()).into_owned())
        .expect_err("refused")
}

pub(crate) fn check(row: &str, table: impl IntoIterator<Item = (&'static str, String, Refused)>) {
    for (what, token, expected) in table {
        assert_eq!(refused(token), expected, "{row}: {what}");
    }
}

pub(crate) fn form(fault: JwsFault) -> Refused {
    Refused::Token(TokenFault::Form(fault))
}

pub(crate) fn wrong_type(claim: &'static str) -> Refused {
    Refused::Token(TokenFault::Claims(ClaimsFault::WrongType(claim)))
}

pub(crate) fn json_fault(token: String) -> JsonFaultKind {
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
        &RustCrypto,
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
