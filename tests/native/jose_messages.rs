//! What the person in front of the engine reads.

use icegate::identity::{TokenFault, VerifyFault};
use serde_json::{Value, json};

use crate::idp::{CORP, CORP_ID, KID, NOW, config, corp};
use crate::jose_tokens::{alice_with, fault};
use crate::tokens::claims;

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
