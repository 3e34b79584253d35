//! What the gate signs: by the vectors of the RFCs, and judged by two verifiers, our own and one that is not ours.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use icegate::clock::UnixTime;
use icegate::jose::{
    Algorithm, Assertion, CompactJws, Crypto, KeySet, RustCrypto, SigningKey, jti_from, key_set,
};
use jwt_simple::prelude::*;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::jose_vectors::{RS256, rfc7515_ec, rfc7515_rsa};

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("golden/keys/", $name, ".pem"))
    };
}

const EC: &str = key!("rfc7515-a3.sec1");
const RSA: &str = key!("rfc7515-a2.pkcs8");

fn load(pem: &str) -> Box<dyn SigningKey> {
    RustCrypto.load_signing_key(pem).unwrap()
}

fn zeros(bytes: &mut [u8]) {
    bytes.fill(0);
}

/// Bytes that are never the same twice, and the same in every run.
fn counting() -> impl FnMut(&mut [u8]) {
    let mut calls = 0_u64;
    move |bytes| {
        for chunk in bytes.chunks_mut(32) {
            calls = calls.wrapping_add(1);
            chunk.copy_from_slice(&hmac_sha256::Hash::hash(&calls.to_be_bytes())[..chunk.len()]);
        }
    }
}

fn number(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

const ASSERTION: Assertion<'_> = Assertion {
    issuer: "https://gate.example",
    subject: "alice@gate",
    audience: "https://idp.example/realms/lake",
    issued_at: UnixTime::from_secs(1_800_000_000),
    life: Duration::from_secs(30),
    jti: "AAAAAAAAAAAAAAAAAAAAAA",
    actor: None,
};

/// Header and claims of a compact JWS.
fn parts(jws: &str) -> (Value, Value) {
    let part = |number: usize| {
        let part = jws.split('.').nth(number).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    (part(0), part(1))
}

fn verified_by_us(jws: &str, keys: &str) -> bool {
    let jws = CompactJws::parse(jws.as_bytes()).unwrap();
    let set = KeySet::parse(keys.as_bytes(), &RustCrypto).unwrap();
    set.verify(jws.header().algorithm().unwrap(), &jws).is_ok()
}

/// What jwt-simple makes of an assertion, with time, issuer and audience as a server would check them.
fn verified_by_another(jws: &str, key: &dyn SigningKey) -> JWTClaims<NoCustomClaims> {
    let jwk: Value = serde_json::from_str(&key.public_jwk("k")).unwrap();
    let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let options = VerificationOptions {
        artificial_time: Some(UnixTimeStamp::from_secs(1_800_000_000)),
        allowed_issuers: Some([ASSERTION.issuer.to_owned()].into()),
        allowed_audiences: Some([ASSERTION.audience.to_owned()].into()),
        time_tolerance: Some(jwt_simple::prelude::Duration::from_secs(0)),
        ..VerificationOptions::default()
    };
    match key.algorithm() {
        Algorithm::ES256 => {
            let point = [vec![4], member("x"), member("y")].concat();
            let key = ES256PublicKey::from_bytes(&point).unwrap();
            key.verify_token(jws, Some(options)).unwrap()
        }
        Algorithm::RS256 => {
            let key = RS256PublicKey::from_components(&member("n"), &member("e")).unwrap();
            key.verify_token(jws, Some(options)).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// RFC 6979 appendix A.2.5, with SHA-256.
#[test]
fn es256_signs_as_rfc_6979_says() {
    let key = load(key!("rfc6979-a25.pkcs8"));
    let jwk: Value = serde_json::from_str(&key.public_jwk("k")).unwrap();
    for (name, hex) in [
        (
            "x",
            "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
        ),
        (
            "y",
            "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
        ),
    ] {
        assert_eq!(jwk[name], URL_SAFE_NO_PAD.encode(number(hex)));
    }
    for (message, r, s) in [
        (
            "sample",
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
        (
            "test",
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        ),
    ] {
        let signature = key.sign(message.as_bytes(), &mut counting()).unwrap();
        assert_eq!(signature, [number(r), number(s)].concat(), "{message}");
    }
}

/// RFC 7515 appendix A.2.
#[test]
fn rs256_signs_as_rfc_7515_says() {
    let (input, signature) = RS256.rsplit_once('.').unwrap();
    for pem in [RSA, key!("rfc7515-a2.pkcs1")] {
        let key = load(pem);
        // The blinding is in no signature, and whatever was drawn it ends.
        for random in [&mut counting() as &mut dyn FnMut(&mut [u8]), &mut zeros] {
            let signed = key.sign(input.as_bytes(), random).unwrap();
            assert_eq!(URL_SAFE_NO_PAD.encode(signed), signature);
        }
    }
}

#[test]
fn the_blinding_is_drawn_for_each_signature() {
    let key = load(RSA);
    let mut drawn = Vec::new();
    for _ in 0..2 {
        key.sign(b"x", &mut |bytes| {
            drawn.push(bytes.len());
            bytes.fill(7);
        })
        .unwrap();
    }
    assert_eq!(drawn, [32, 32]);
}

#[test]
fn the_public_half_is_a_jwk_of_that_name() {
    for (pem, mut jwk, alg) in [
        (EC, rfc7515_ec(), "ES256"),
        (key!("rfc7515-a3.compressed"), rfc7515_ec(), "ES256"),
        (key!("rfc7515-a3.no-public"), rfc7515_ec(), "ES256"),
        (RSA, rfc7515_rsa(), "RS256"),
    ] {
        let key = load(pem);
        for kid in ["gate-1", "a\"},{\\\n é"] {
            for (name, value) in [("alg", alg), ("use", "sig"), ("kid", kid)] {
                jwk[name] = json!(value);
            }
            let written: Value = serde_json::from_str(&key.public_jwk(kid)).unwrap();
            assert_eq!(written, jwk);
        }
        assert_eq!(key.algorithm().name(), alg);
    }
    assert_eq!(
        load(EC).public_jwk("gate-1"),
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","alg":"ES256","use":"sig","kid":"gate-1"}"#
    );
}

#[test]
fn an_assertion_is_what_it_says_and_nothing_else() {
    let key = load(EC);
    let signed = ASSERTION.sign("gate-1", &*key, &mut counting()).unwrap();
    let (header, claims) = parts(signed.expose());
    assert_eq!(
        header,
        json!({"alg": "ES256", "typ": "JWT", "kid": "gate-1"})
    );
    assert_eq!(
        claims,
        json!({
            "iss": "https://gate.example", "sub": "alice@gate", "aud": "https://idp.example/realms/lake",
            "iat": 1_800_000_000, "exp": 1_800_000_030, "jti": "AAAAAAAAAAAAAAAAAAAAAA",
        })
    );
    assert_eq!(format!("{signed:?}"), "[secret]");
}

#[test]
fn an_assertion_never_lives_longer_than_a_minute() {
    let key = load(EC);
    for (life, seconds) in [
        (Duration::ZERO, 1),
        (Duration::from_millis(999), 1),
        (Duration::from_secs(1), 1),
        (Duration::from_secs(59), 59),
        (Duration::from_secs(60), 60),
        (Duration::from_secs(61), 60),
        (Duration::MAX, 60),
    ] {
        let assertion = Assertion { life, ..ASSERTION };
        let signed = assertion.sign("k", &*key, &mut counting()).unwrap();
        let (_, claims) = parts(signed.expose());
        assert_eq!(claims["exp"], 1_800_000_000 + seconds, "{life:?}");
    }
    let end = Assertion {
        issued_at: UnixTime::from_secs(u64::MAX),
        ..ASSERTION
    };
    assert!(end.sign("k", &*key, &mut counting()).is_some());
}

#[test]
fn no_value_leaves_its_place_in_an_assertion() {
    let text = "a\",\"sub\":\"root\"}\\\r\n\0 é\u{2028}";
    let assertion = Assertion {
        issuer: text,
        subject: text,
        audience: text,
        jti: text,
        ..ASSERTION
    };
    let signed = assertion.sign(text, &*load(EC), &mut counting()).unwrap();
    let (header, claims) = parts(signed.expose());
    assert_eq!(header["kid"], text);
    for name in ["iss", "sub", "aud", "jti"] {
        assert_eq!(claims[name], text);
    }
    assert_eq!(claims.as_object().unwrap().len(), 6);
}

#[test]
fn two_verifiers_take_what_was_signed() {
    for pem in [EC, RSA, key!("rsa-4096.pkcs1")] {
        let key = load(pem);
        let signed = ASSERTION.sign("gate-1", &*key, &mut counting()).unwrap();
        let keys = key_set(&[("gate-1", &*key)]);
        assert!(verified_by_us(signed.expose(), &keys));
        let claims = verified_by_another(signed.expose(), &*key);
        assert_eq!(claims.subject.as_deref(), Some("alice@gate"));
        let life = claims.expires_at.unwrap() - claims.issued_at.unwrap();
        assert_eq!(life.as_secs(), 30);

        // Another key of that name does not verify it.
        let other = load(key!("rfc6979-a25.pkcs8"));
        let keys = key_set(&[("gate-1", &*other)]);
        assert!(!verified_by_us(signed.expose(), &keys));
    }
}

#[test]
fn a_key_set_holds_the_keys_of_a_rotation() {
    let (old, new, rsa) = (load(EC), load(key!("rfc6979-a25.pkcs8")), load(RSA));
    let keys = key_set(&[("gate-1", &*old), ("gate-2", &*new), ("rsa", &*rsa)]);
    for (kid, key) in [("gate-1", &old), ("gate-2", &new), ("rsa", &rsa)] {
        let signed = ASSERTION.sign(kid, &**key, &mut counting()).unwrap();
        assert!(verified_by_us(signed.expose(), &keys), "{kid}");
    }
    let document: Value = serde_json::from_str(&keys).unwrap();
    assert_eq!(document["keys"].as_array().unwrap().len(), 3);
    assert_eq!(document.as_object().unwrap().len(), 1);
    for private in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\""] {
        assert!(!keys.contains(private), "{private}");
    }
    assert_eq!(key_set(&[]), r#"{"keys":[]}"#);
}

#[test]
fn a_jti_is_128_drawn_bits() {
    let mut random = counting();
    let (first, second) = (jti_from(&mut random), jti_from(&mut random));
    assert_ne!(first, second);
    for jti in [first, second] {
        assert_eq!(URL_SAFE_NO_PAD.decode(jti).unwrap().len(), 16);
    }
    assert_eq!(jti_from(&mut zeros), "AAAAAAAAAAAAAAAAAAAAAA");
}

#[test]
fn what_is_no_sound_key_is_not_loaded() {
    let pem = |label: &str, der: &[u8]| {
        let base64 = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
    };
    let key = |number: &[u8]| {
        let head = [0x30, 49, 2, 1, 1, 4, 32];
        let curve = [0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        pem("EC PRIVATE KEY", &[&head, number, &curve].concat())
    };
    let order = number("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
    let mut last = order.clone();
    *last.last_mut().unwrap() -= 1;
    assert!(RustCrypto.load_signing_key(&key(&last)).is_some());
    let other_point = {
        let der = |name: &str| {
            let base64: String = name.lines().filter(|line| !line.starts_with('-')).collect();
            base64::engine::general_purpose::STANDARD
                .decode(base64)
                .unwrap()
        };
        let (mut mine, theirs) = (
            der(key!("rfc7515-a3.pkcs8")),
            der(key!("rfc6979-a25.pkcs8")),
        );
        let point = mine.len() - 64;
        mine[point..].copy_from_slice(&theirs[point..]);
        pem("PRIVATE KEY", &mine)
    };
    for text in [
        key(&[0; 32]),
        key(&order),
        key(&[0xff; 32]),
        other_point,
        key!("rsa-1024.pkcs1").to_owned(),
        key!("rsa-5120.pkcs1").to_owned(),
        // Its primes have 128 and 1920 bits.
        key!("rsa-unbalanced.pkcs1").to_owned(),
        key!("p384.pkcs8").to_owned(),
        key!("secp256k1.pkcs8").to_owned(),
        key!("ed25519.pkcs8").to_owned(),
        key!("encrypted.pkcs8").to_owned(),
        key!("rfc7515-a3.public").to_owned(),
        String::new(),
    ] {
        assert!(RustCrypto.load_signing_key(&text).is_none(), "{text}");
    }
}

#[test]
fn debug_shows_the_algorithm_and_nothing_of_the_key() {
    for (pem, shown) in [(EC, "SigningKey(ES256)"), (RSA, "SigningKey(RS256)")] {
        assert_eq!(format!("{:?}", load(pem)), shown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a key of jwt-simple signs with is what ours signs with.
    #[test]
    fn any_key_signs_what_two_verifiers_take(seed in any::<[u8; 32]>(), subject in any::<String>()) {
        prop_assume!(ES256KeyPair::from_bytes(&seed).is_ok());
        let pem = ES256KeyPair::from_bytes(&seed).unwrap().to_pem().unwrap();
        let key = load(&pem);
        let assertion = Assertion { subject: &subject, ..ASSERTION };
        let signed = assertion.sign("k", &*key, &mut counting()).unwrap();
        prop_assert!(verified_by_us(signed.expose(), &key_set(&[("k", &*key)])));
        prop_assert_eq!(verified_by_another(signed.expose(), &*key).subject, Some(subject));
    }

    /// A broken key of an operator is no key, or one that signs or does not; it never ends the VM.
    #[test]
    fn a_damaged_key_does_not_panic(
        rsa in any::<bool>(), places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let pem = if rsa { RSA } else { EC };
        let label = pem.lines().next().unwrap().trim_matches('-').strip_prefix("BEGIN ").unwrap();
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let mut der = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
        for (place, byte) in places {
            let at = place.index(der.len());
            der[at] = byte;
        }
        let base64 = base64::engine::general_purpose::STANDARD.encode(der);
        let text = format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----");
        if let Some(key) = RustCrypto.load_signing_key(&text) {
            let _ = key.sign(b"x", &mut counting());
            let _ = key.public_jwk("k");
        }
    }
}
