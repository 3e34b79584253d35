//! The examples of the RFCs.
//!
//! What cannot pass, and why: RFC 7515 A.4 is ES512, which is not offered, and A.5 is unsecured. The payload
//! of RFC 8037 A.4 is not a set of claims: its signature verifies, and no caller comes of it.

use icegate::jose::{Algorithm, Claims, CompactJws, JwsFault, KeySet, RustCrypto, VerifyFault};
use jwt_simple::claims::Claims as NewClaims;
use jwt_simple::prelude::*;
use serde_json::{Value, json};

pub(crate) const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const HS256: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const UNSECURED: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
const ED25519: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

/// RFC 7515 A.2.1, the public half.
pub(crate) fn rfc7515_rsa() -> Value {
    json!({"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"})
}

/// RFC 7515 A.2.1, all of it.
pub(crate) fn rfc7515_rsa_pair() -> Value {
    let mut pair = rfc7515_rsa();
    for (name, value) in [
        (
            "d",
            "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
        ),
        (
            "p",
            "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
        ),
        (
            "q",
            "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
        ),
        (
            "dp",
            "BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
        ),
        (
            "dq",
            "h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
        ),
        (
            "qi",
            "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U",
        ),
    ] {
        pair[name] = json!(value);
    }
    pair
}

/// RFC 7515 A.3.1
pub(crate) fn rfc7515_ec() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
}

/// RFC 8037 A.2
pub(crate) fn rfc8037_okp() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}

/// RFC 8037 A.1
fn rfc8037_okp_pair() -> Value {
    let mut pair = rfc8037_okp();
    pair["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    pair
}

/// Reads a set of keys, all of which can be used.
pub(crate) fn set(keys: &[Value]) -> KeySet {
    let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), &RustCrypto).unwrap();
    assert_eq!(set.skipped(), 0);
    set
}

/// Verifies with the algorithm that the token names.
pub(crate) fn verify(set: &KeySet, token: &str) -> Result<(), VerifyFault> {
    let jws = CompactJws::parse(token.as_bytes()).unwrap();
    set.verify(jws.header().algorithm().unwrap(), &jws)
        .map(drop)
}

#[test]
fn rfc_7515_a2_rs256() {
    assert_eq!(verify(&set(&[rfc7515_rsa()]), RS256), Ok(()));
}

#[test]
fn rfc_7515_a3_es256() {
    assert_eq!(verify(&set(&[rfc7515_ec()]), ES256), Ok(()));
}

#[test]
fn rfc_7515_a2_and_a3_find_their_keys_in_one_set() {
    let set = set(&[rfc8037_okp(), rfc7515_rsa(), rfc7515_ec()]);
    assert_eq!(verify(&set, RS256), Ok(()));
    assert_eq!(verify(&set, ES256), Ok(()));
}

#[test]
fn rfc_7515_the_claims_of_the_examples() {
    let jws = CompactJws::parse(RS256.as_bytes()).unwrap();
    let claims = Claims::parse(jws.payload()).unwrap();
    assert_eq!(claims.iss(), Some("joe"));
    assert_eq!(claims.expires().unwrap().as_secs(), 1_300_819_380);
    assert_eq!(claims.get("http://example.com/is_root"), Some(&json!(true)));
}

#[test]
fn rfc_7515_a1_hmac_has_no_algorithm() {
    assert_eq!(
        CompactJws::parse(HS256.as_bytes())
            .unwrap()
            .header()
            .algorithm(),
        None
    );
}

#[test]
fn rfc_7515_a5_unsecured_is_not_signed() {
    assert_eq!(
        CompactJws::parse(UNSECURED.as_bytes()).unwrap_err(),
        JwsFault::Unsigned
    );
}

#[test]
fn rfc_7517_a1_the_key_for_encryption_is_skipped() {
    let body = json!({"keys": [
        {"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "use": "enc", "kid": "1"},
        {"kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"},
    ]});
    let set = KeySet::parse(body.to_string().as_bytes(), &RustCrypto).unwrap();
    assert_eq!((set.len(), set.skipped()), (1, 1));
    assert_eq!(
        set.candidates(Some("2011-04-29"), Algorithm::RS256).count(),
        1
    );
    assert_eq!(
        set.candidates(Some("2011-04-29"), Algorithm::PS256).count(),
        0,
        "its alg says RS256"
    );
    assert_eq!(set.candidates(Some("1"), Algorithm::ES256).count(), 0);
}

#[test]
fn rfc_7517_a2_private_members_are_not_read() {
    let public = set(&[rfc7515_rsa()]);
    let private = set(&[rfc7515_rsa_pair()]);
    let fingerprint = public
        .candidates(None, Algorithm::RS256)
        .next()
        .unwrap()
        .fingerprint();
    assert!(private.contains(&fingerprint));
    assert_eq!(verify(&private, RS256), Ok(()));
}

#[test]
fn rfc_7517_a3_symmetric_keys_are_skipped() {
    let body = json!({"keys": [
        {"kty": "oct", "alg": "A128KW", "k": "GawgguFyGrWKav7AX4VKUg"},
        {"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow", "kid": "HMAC key used in JWS spec Appendix A.1 example"},
    ]});
    let set = KeySet::parse(body.to_string().as_bytes(), &RustCrypto).unwrap();
    assert_eq!((set.len(), set.skipped()), (0, 2));
}

/// The signature of RFC 8037 A.4 is good, and its payload is a sentence: no claims, so no caller.
#[test]
fn rfc_8037_a4_verifies_and_is_no_jwt() {
    let jws = CompactJws::parse(ED25519.as_bytes()).unwrap();
    assert_eq!(jws.payload(), b"Example of Ed25519 signing");
    assert_eq!(verify(&set(&[rfc8037_okp()]), ED25519), Ok(()));
    assert!(Claims::parse(jws.payload()).is_err());
}

#[test]
fn rfc_8037_a1_the_key_signs_claims() {
    let token = Ed25519KeyPair::from_jwk(&rfc8037_okp_pair().to_string())
        .unwrap()
        .sign(some_claims())
        .unwrap();
    assert_eq!(verify(&set(&[rfc8037_okp()]), &token), Ok(()));
}

/// RFC 7518 section 3.5: the salt is as long as the digest.
#[test]
fn every_algorithm_verifies_its_own_and_nothing_else() {
    let rsa = rfc7515_rsa_pair().to_string();
    let p384 = ES384KeyPair::from_bytes(&[7; 48]).unwrap();
    let p384_jwk: Value = serde_json::from_str(&p384.public_key().to_jwk()).unwrap();
    let okp = Ed25519KeyPair::from_jwk(&rfc8037_okp_pair().to_string()).unwrap();
    let okp_jwk: Value = serde_json::from_str(&okp.public_key().to_jwk()).unwrap();
    let p256 = ES256KeyPair::from_bytes(&[7; 32]).unwrap();
    let p256_jwk: Value = serde_json::from_str(&p256.public_key().to_jwk()).unwrap();
    let set = set(&[rfc7515_rsa(), p256_jwk, p384_jwk, okp_jwk]);

    let claims = some_claims;
    let tokens = [
        (
            Algorithm::RS256,
            RS256KeyPair::from_jwk(&rsa)
                .unwrap()
                .sign(claims())
                .unwrap(),
        ),
        (
            Algorithm::RS384,
            RS384KeyPair::from_jwk(&rsa)
                .unwrap()
                .sign(claims())
                .unwrap(),
        ),
        (
            Algorithm::RS512,
            RS512KeyPair::from_jwk(&rsa)
                .unwrap()
                .sign(claims())
                .unwrap(),
        ),
        (
            Algorithm::PS256,
            PS256KeyPair::from_jwk(&rsa)
                .unwrap()
                .sign(claims())
                .unwrap(),
        ),
        (
            Algorithm::PS384,
            PS384KeyPair::from_jwk(&rsa)
                .unwrap()
                .sign(claims())
                .unwrap(),
        ),
        (
            Algorithm::PS512,
            PS512KeyPair::from_jwk(&rsa)
                .unwrap()
                .sign(claims())
                .unwrap(),
        ),
        (Algorithm::ES256, p256.sign(claims()).unwrap()),
        (Algorithm::ES384, p384.sign(claims()).unwrap()),
        (Algorithm::EdDSA, okp.sign(claims()).unwrap()),
    ];
    for (algorithm, token) in &tokens {
        let jws = CompactJws::parse(token.as_bytes()).unwrap();
        assert_eq!(jws.header().algorithm(), Some(*algorithm));
        for asked in Algorithm::ALL {
            assert_eq!(
                set.verify(asked, &jws).is_ok(),
                asked == *algorithm,
                "{algorithm:?} as {asked:?}"
            );
        }
    }
}

fn some_claims() -> JWTClaims<NoCustomClaims> {
    NewClaims::create(Duration::from_secs(60))
}
