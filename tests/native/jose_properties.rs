//! What holds for every token, key set and byte.

use std::sync::LazyLock;

use icegate::clock::UnixTime;
use icegate::identity::Presented;
use icegate::jose::{Algorithm, CompactJws, KeySet, RustCrypto};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::idp::{KID, NOW, config, corp, judge};
use crate::jose_tokens::alice;
use crate::tokens::key_set;

static ALICE: LazyLock<String> = LazyLock::new(alice);

thread_local! {
    static KEYS: KeySet = KeySet::parse(key_set([&corp()]).as_bytes(), &RustCrypto).unwrap();
}

#[test]
fn every_single_flipped_bit_is_refused() {
    let (good, config, now) = (alice(), config(), UnixTime::from_secs(NOW));
    let keys = KeySet::parse(key_set([&corp()]).as_bytes(), &RustCrypto).unwrap();
    let accepted = |token: &[u8]| {
        Presented::inspect(token, &config, now)
            .is_ok_and(|presented| presented.verify(&config, &keys).is_ok())
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
        let _ = KeySet::parse(&bytes, &RustCrypto);
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
        let set = KeySet::parse(body.as_bytes(), &RustCrypto).unwrap();
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
