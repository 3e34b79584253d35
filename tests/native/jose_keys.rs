//! Which key of a set may have signed a token.

use icegate::jose::{Algorithm, CompactJws, KeySet, KeySetFault, RustCrypto, VerifyFault};
use icegate::json::JsonFaultKind;
use serde_json::{Value, json};

use crate::jose_vectors::{rfc7515_ec, rfc7515_rsa, rfc8037_okp};
use crate::tokens::{Signer, base64url};

fn read(keys: &Value) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), &RustCrypto).unwrap()
}

fn with(mut jwk: Value, members: &Value) -> Value {
    jwk.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    jwk
}

fn without(mut jwk: Value, member: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(member);
    jwk
}

fn verify(set: &KeySet, token: &str) -> Result<(), VerifyFault> {
    let jws = CompactJws::parse(token.as_bytes()).unwrap();
    set.verify(Algorithm::ES256, &jws).map(drop)
}

fn token(signer: &Signer) -> String {
    signer.sign(&json!({"sub": "alice"}))
}

fn token_without_kid(signer: &Signer) -> String {
    signer.sign_with(&json!({"alg": "ES256"}), &json!({"sub": "alice"}))
}

#[test]
fn one_bad_key_never_spoils_the_set() {
    let good = Signer::new("good").jwk();
    let rsa = rfc7515_rsa();
    let modulus = |bytes: Vec<u8>| with(rfc7515_rsa(), &json!({"n": base64url(bytes)}));
    let bad = [
        ("no object", json!("key")),
        ("null", Value::Null),
        ("an array", json!([])),
        ("no kty", without(good.clone(), "kty")),
        ("unknown kty", with(good.clone(), &json!({"kty": "AKP"}))),
        (
            "symmetric",
            json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}),
        ),
        (
            "unknown curve",
            with(good.clone(), &json!({"crv": "secp256k1"})),
        ),
        (
            "the curve of another key",
            with(good.clone(), &json!({"crv": "P-384"})),
        ),
        ("for encryption", with(good.clone(), &json!({"use": "enc"}))),
        (
            "use is no string",
            with(good.clone(), &json!({"use": ["sig"]})),
        ),
        (
            "not for verifying",
            with(good.clone(), &json!({"key_ops": ["sign"]})),
        ),
        ("for nothing", with(good.clone(), &json!({"key_ops": []}))),
        (
            "key_ops is no array",
            with(good.clone(), &json!({"key_ops": "verify"})),
        ),
        (
            "alg of another kind",
            with(good.clone(), &json!({"alg": "RS256"})),
        ),
        (
            "alg of another curve",
            with(good.clone(), &json!({"alg": "ES384"})),
        ),
        ("alg none", with(good.clone(), &json!({"alg": "none"}))),
        ("alg HS256", with(rsa.clone(), &json!({"alg": "HS256"}))),
        (
            "alg for encryption",
            with(rsa.clone(), &json!({"alg": "RSA-OAEP"})),
        ),
        ("kid is no string", with(good.clone(), &json!({"kid": 1}))),
        (
            "a point off the curve",
            with(good.clone(), &json!({"y": base64url([7; 32])})),
        ),
        (
            "the point zero",
            with(
                good.clone(),
                &json!({"x": base64url([0; 32]), "y": base64url([0; 32])}),
            ),
        ),
        (
            "padding",
            with(
                good.clone(),
                &json!({"x": format!("{}=", good["x"].as_str().unwrap())}),
            ),
        ),
        ("half a point", without(good.clone(), "y")),
        ("a small exponent", with(rsa.clone(), &json!({"e": "AQ"}))),
        ("an even exponent", with(rsa.clone(), &json!({"e": "AQAA"}))),
        (
            "1024 bits",
            modulus([[0xff; 1].as_slice(), &[0x11; 127]].concat()),
        ),
        (
            "8192 bits",
            modulus([[0xff; 1].as_slice(), &[0x11; 1023]].concat()),
        ),
        (
            "an even modulus",
            modulus([[0xff; 1].as_slice(), &[0x12; 255]].concat()),
        ),
        (
            "a weak Ed25519 key",
            with(rfc8037_okp(), &json!({"x": base64url([0; 32])})),
        ),
    ];
    for (what, bad) in bad {
        let set = read(&json!([bad, good]));
        assert_eq!((set.len(), set.skipped()), (1, 1), "{what}");
        assert_eq!(verify(&set, &token(&Signer::new("good"))), Ok(()), "{what}");
    }
}

#[test]
fn members_that_say_nothing_new_do_not_hurt() {
    let good = Signer::new("good").jwk();
    for jwk in [
        without(good.clone(), "use"),
        without(good.clone(), "alg"),
        with(good.clone(), &json!({"key_ops": ["verify"]})),
        with(good.clone(), &json!({"key_ops": ["sign", "verify"]})),
        with(
            good.clone(),
            &json!({"x5c": ["MIIB"], "x5t": "x", "x5u": "https://evil.example", "exp": 1, "d": 7, "k": {}}),
        ),
    ] {
        let set = read(&json!([jwk]));
        assert_eq!((set.len(), set.skipped()), (1, 0), "{jwk}");
        assert_eq!(verify(&set, &token(&Signer::new("good"))), Ok(()), "{jwk}");
    }
}

#[test]
fn the_kid_selects_the_key() {
    let (a, b, elsewhere) = (Signer::new("a"), Signer::new("b"), Signer::new("c"));
    let set = read(&json!([a.jwk(), b.jwk()]));
    assert_eq!(verify(&set, &token(&a)), Ok(()));
    assert_eq!(verify(&set, &token(&b)), Ok(()));
    assert_eq!(
        verify(&set, &token(&elsewhere)),
        Err(VerifyFault::UnknownKey)
    );
    assert_eq!(
        verify(&set, &token(&Signer::with_seed("a", "b"))),
        Err(VerifyFault::BadSignature),
        "b's key under a's kid"
    );
    assert_eq!(
        verify(&read(&json!([])), &token(&a)),
        Err(VerifyFault::UnknownKey)
    );
}

#[test]
fn a_kid_is_compared_to_the_letter() {
    let set = read(&json!([Signer::new("a").jwk(), rfc8037_okp()]));
    for kid in [
        "A",
        "a ",
        "",
        "../a",
        "a\0",
        "a\0b",
        "/dev/null",
        "' OR 1=1 --",
        &"a".repeat(10_000),
    ] {
        let token = Signer::with_seed(kid, "a").sign(&json!({"sub": "alice"}));
        assert_eq!(
            verify(&set, &token),
            Err(VerifyFault::UnknownKey),
            "{kid:?}"
        );
    }
}

#[test]
fn a_long_kid_is_a_kid() {
    let long = Signer::new(&"k".repeat(10_000));
    assert_eq!(verify(&read(&json!([long.jwk()])), &token(&long)), Ok(()));
}

#[test]
fn two_keys_of_one_kid_are_both_tried() {
    let (old, new) = (Signer::with_seed("k", "old"), Signer::with_seed("k", "new"));
    let set = read(&json!([old.jwk(), new.jwk()]));
    assert_eq!(verify(&set, &token(&old)), Ok(()));
    assert_eq!(verify(&set, &token(&new)), Ok(()));
    assert_eq!(
        verify(&set, &token(&Signer::with_seed("k", "other"))),
        Err(VerifyFault::BadSignature)
    );
}

#[test]
fn of_two_kinds_under_one_kid_the_one_that_fits_is_tried() {
    let ec = Signer::new("k");
    let set = read(&json!([
        with(rfc7515_rsa(), &json!({"kid": "k"})),
        ec.jwk()
    ]));
    assert_eq!(set.candidates(Some("k"), Algorithm::ES256).count(), 1);
    assert_eq!(set.candidates(Some("k"), Algorithm::RS256).count(), 1);
    assert_eq!(verify(&set, &token(&ec)), Ok(()));
}

#[test]
fn a_key_of_another_kind_never_verifies() {
    let set = read(&json!([with(rfc7515_rsa(), &json!({"kid": "rsa"}))]));
    let token = Signer::new("rsa").sign(&json!({"sub": "alice"}));
    assert_eq!(
        verify(&set, &token),
        Err(VerifyFault::BadSignature),
        "the kid is known; a refetch would not help"
    );
}

#[test]
fn without_kid_exactly_one_key_must_fit() {
    let (a, b) = (Signer::new("a"), Signer::new("b"));
    let alone = read(&json!([a.jwk(), rfc7515_rsa(), rfc8037_okp()]));
    assert_eq!(verify(&alone, &token_without_kid(&a)), Ok(()));
    assert_eq!(
        verify(&alone, &token_without_kid(&b)),
        Err(VerifyFault::BadSignature)
    );
    let two = read(&json!([a.jwk(), b.jwk()]));
    assert_eq!(
        verify(&two, &token_without_kid(&a)),
        Err(VerifyFault::AmbiguousKey)
    );
    let none = read(&json!([rfc7515_rsa()]));
    assert_eq!(
        verify(&none, &token_without_kid(&a)),
        Err(VerifyFault::UnknownKey)
    );
}

#[test]
fn a_key_without_kid_serves_tokens_without_kid() {
    let key = Signer::new("a");
    let set = read(&json!([without(key.jwk(), "kid")]));
    assert_eq!(verify(&set, &token_without_kid(&key)), Ok(()));
    assert_eq!(verify(&set, &token(&key)), Err(VerifyFault::UnknownKey));
}

#[test]
fn a_fingerprint_tells_whether_the_very_key_is_still_there() {
    let (old, new) = (Signer::with_seed("k", "old"), Signer::with_seed("k", "new"));
    let jws = token(&old);
    let jws = CompactJws::parse(jws.as_bytes()).unwrap();
    let used = read(&json!([old.jwk()]))
        .verify(Algorithm::ES256, &jws)
        .unwrap();
    assert!(read(&json!([new.jwk(), old.jwk()])).contains(&used));
    assert!(read(&json!([Signer::with_seed("renamed", "old").jwk()])).contains(&used));
    assert!(
        !read(&json!([new.jwk()])).contains(&used),
        "another key under the same kid"
    );
    assert!(
        !read(&json!([with(old.jwk(), &json!({"use": "enc"}))])).contains(&used),
        "no longer for signatures"
    );
    assert!(!read(&json!([])).contains(&used));
}

#[test]
fn a_set_keeps_64_keys() {
    let keys: Vec<Value> = (0..70)
        .map(|n| with(rfc7515_ec(), &json!({"kid": n.to_string()})))
        .collect();
    let set = read(&json!(keys));
    assert_eq!((set.len(), set.skipped()), (64, 6));
    assert_eq!(set.candidates(Some("63"), Algorithm::ES256).count(), 1);
    assert_eq!(set.candidates(Some("64"), Algorithm::ES256).count(), 0);
}

#[test]
fn what_is_no_key_set() {
    let read = |body: &str| KeySet::parse(body.as_bytes(), &RustCrypto).map(|set| set.len());
    for body in [
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"Keys":[]}"#,
        r#"{"error":"x"}"#,
    ] {
        assert_eq!(read(body), Err(KeySetFault::NoKeys), "{body}");
    }
    for (body, kind) in [
        ("", JsonFaultKind::Incomplete),
        ("<html>", JsonFaultKind::Malformed),
        (r#"{"keys":["#, JsonFaultKind::Incomplete),
        ("[]", JsonFaultKind::NotAnObject),
        (r#"{"keys":[],"keys":[]}"#, JsonFaultKind::DuplicateMember),
    ] {
        match read(body) {
            Err(KeySetFault::Json(fault)) => assert_eq!(fault.kind(), kind, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    assert_eq!(read(r#"{"keys":[]}"#), Ok(0));
    assert_eq!(
        read(&format!(r#"{{"keys":[]{}}}"#, " ".repeat(256 * 1024))),
        Err(KeySetFault::TooLong)
    );
}
