//! What the gate makes of a token that it was given for an engine: given out, or not.

use std::time::Duration;

use icegate::clock::{Instant, Now, UnixTime};
use icegate::config::{Config, IssuerId, ServiceId};
use icegate::exchange::{GateToken, GateTokenFault, Wanted, check_gate_token};
use icegate::identity::{Caller, Presented, Proof, Standing, TokenFault};
use icegate::jose::{ClaimsFault, JwsFault, KeySet, RustCrypto};
use icegate::oauth::{ExpiresIn, TokenResponse};
use icegate::secret::Secret;
use serde_json::{Value, json};

use crate::dialects::{ENTRA, entra_written};
use crate::programs::engines_with;
use crate::support::load_value;
use crate::tokens::{Signer, base64url, key_set};

const NOW: u64 = 1_800_000_000;
const CORP: &str = "https://idp.example.com/realms/lake";
const CI: &str = "https://ci.example.com";

fn corp() -> Signer {
    Signer::with_seed("key-1", "corp")
}

fn keys(signers: &[Signer]) -> KeySet {
    KeySet::parse(key_set(signers).as_bytes(), &RustCrypto).unwrap()
}

fn at(seconds: u64) -> Now {
    Now {
        instant: Instant::from_origin(Duration::ZERO),
        unix: UnixTime::from_secs(seconds),
    }
}

fn id(config: &Config, issuer: &str) -> IssuerId {
    let position = config.issuers.iter().position(|one| &*one.issuer == issuer);
    IssuerId(u16::try_from(position.unwrap()).unwrap())
}

fn service(config: &Config, name: &str) -> ServiceId {
    let position = config.services.iter().position(|one| &*one.name == name);
    ServiceId(u16::try_from(position.unwrap()).unwrap())
}

/// What Keycloak gives the gate on trino's word about alice.
fn of_alice() -> Value {
    json!({
        "iss": CORP, "aud": "icegate", "sub": "c2347aab", "exp": NOW + 600, "iat": NOW, "jti": "trrtag:b2ef",
        "typ": "Bearer", "azp": "icegate-tokens", "preferred_username": "alice", "groups": ["/t/acme"],
    })
}

/// What it gives trino for its login.
fn of_trino() -> Value {
    json!({
        "iss": CORP, "aud": ["account", "icegate"], "sub": "trino-account", "exp": NOW + 300, "iat": NOW,
        "jti": "trrtcc:b2ef", "typ": "Bearer", "azp": "trino", "preferred_username": "service-account-trino",
    })
}

/// These claims with changes; `null` takes one away.
fn but(mut claims: Value, changes: &Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(members.remove(name)),
            value => drop(members.insert(name.clone(), value.clone())),
        }
    }
    claims
}

fn answer(token: impl Into<String>) -> TokenResponse {
    TokenResponse {
        access_token: Secret::new(token.into()),
        expires_in: ExpiresIn::In(Duration::from_secs(600)),
        issued_token_type: None,
    }
}

struct Story {
    config: Config,
    keys: KeySet,
}

impl Story {
    fn new() -> Self {
        Self::of(engines_with(&[]))
    }

    fn of(config: Config) -> Self {
        Self {
            config,
            keys: keys(&[corp()]),
        }
    }

    fn end(
        &self,
        answer: &TokenResponse,
        wanted: Wanted<'_>,
        now: u64,
    ) -> Result<GateToken, GateTokenFault> {
        let issuer = id(&self.config, CORP);
        check_gate_token(answer, &self.config, issuer, &self.keys, wanted, at(now))
    }

    fn alice(&self, changes: &Value) -> Result<GateToken, GateTokenFault> {
        let token = corp().sign(&but(of_alice(), changes));
        self.end(&answer(token), Wanted::Named("alice"), NOW)
    }

    fn trino(&self, changes: &Value) -> Result<GateToken, GateTokenFault> {
        let token = corp().sign(&but(of_trino(), changes));
        let trino = service(&self.config, "trino");
        self.end(&answer(token), Wanted::Service(trino, "trino"), NOW)
    }

    fn caller(&self, claims: &Value) -> Caller {
        let token = corp().sign(claims);
        Presented::inspect(token.as_bytes(), &self.config, UnixTime::from_secs(NOW))
            .unwrap()
            .verify(&self.config, &self.keys)
            .unwrap()
    }

    fn same(&self, caller: &Value, changes: &Value) -> Result<GateToken, GateTokenFault> {
        let caller = self.caller(caller);
        let token = corp().sign(&but(of_alice(), changes));
        self.end(&answer(token), Wanted::Same(&caller), NOW)
    }
}

#[test]
fn what_is_given_out_is_what_the_gate_will_take() {
    let story = Story::new();
    let token = story.alice(&json!({})).unwrap();
    assert_eq!(token.life(), Duration::from_secs(600));
    let caller = token.caller();
    assert_eq!(
        (caller.subject(), caller.standing()),
        ("c2347aab", Standing::Person)
    );
    assert_eq!(caller.proof(), Proof::EngineWord);
    let again = Presented::inspect(
        token.token().expose().as_bytes(),
        &story.config,
        UnixTime::from_secs(NOW),
    );
    let again = again.unwrap().verify(&story.config, &story.keys).unwrap();
    assert_eq!(again.subject(), caller.subject());
    let token = story.trino(&json!({})).unwrap();
    let trino = service(&story.config, "trino");
    assert_eq!(token.caller().standing(), Standing::Service(trino));
    assert_eq!(token.life(), Duration::from_secs(300));
    // Nothing of a token is shown.
    assert!(!format!("{token:?}").contains("eyJ"));
}

#[test]
fn every_fault_of_a_word() {
    let story = Story::new();
    let issuer = id(&story.config, CORP);
    let unacceptable = GateTokenFault::Unacceptable;
    for (changes, expected) in [
        (
            json!({"aud": ["icegate", "nessie"]}),
            GateTokenFault::CatalogAudience,
        ),
        (
            json!({"aud": ["polaris", "x", "icegate"]}),
            GateTokenFault::CatalogAudience,
        ),
        // Of a catalog that takes another issuer's tokens, too.
        (
            json!({"aud": ["rest", "icegate"]}),
            GateTokenFault::CatalogAudience,
        ),
        (
            json!({"aud": "nessie"}),
            unacceptable(TokenFault::Audience { issuer }),
        ),
        (
            json!({"aud": null}),
            unacceptable(TokenFault::Audience { issuer }),
        ),
        (json!({"iss": null}), unacceptable(TokenFault::NoIssuer)),
        (
            json!({"iss": "https://idp.example.com/realms/Lake"}),
            unacceptable(TokenFault::UnknownIssuer),
        ),
        (
            json!({"iss": 7}),
            unacceptable(TokenFault::Claims(ClaimsFault::WrongType("iss"))),
        ),
        (
            json!({"exp": null}),
            unacceptable(TokenFault::NoExpiry { issuer }),
        ),
        (
            json!({"exp": NOW - 100}),
            unacceptable(TokenFault::Expired {
                issuer,
                expired_for: Duration::from_secs(100),
            }),
        ),
        // What is left of it within the leeway is nothing.
        (json!({"exp": NOW}), GateTokenFault::Expired),
        (json!({"exp": NOW - 10}), GateTokenFault::Expired),
        (
            json!({"nbf": NOW + 100}),
            unacceptable(TokenFault::NotYetValid {
                issuer,
                valid_in: Duration::from_secs(100),
            }),
        ),
        (
            json!({"iat": NOW + 100}),
            unacceptable(TokenFault::IssuedInFuture { issuer }),
        ),
        (
            json!({"cnf": {"jkt": "x"}}),
            unacceptable(TokenFault::SenderConstrained { issuer }),
        ),
        (
            json!({"azp": "icegate"}),
            unacceptable(TokenFault::OwnClientToken { issuer }),
        ),
        (
            json!({"typ": "ID"}),
            unacceptable(TokenFault::NotAnAccessToken { issuer }),
        ),
        (
            json!({"sub": null}),
            unacceptable(TokenFault::Subject { issuer }),
        ),
        (json!({"azp": null}), GateTokenFault::NotOurs),
        (json!({"azp": "engine-cli"}), GateTokenFault::NotOurs),
        (json!({"azp": "trino"}), GateTokenFault::NotOurs),
        (json!({"sid": "s"}), GateTokenFault::NotOurs),
        (
            json!({"preferred_username": null}),
            GateTokenFault::OtherName,
        ),
        (
            json!({"preferred_username": "Alice"}),
            GateTokenFault::OtherName,
        ),
        (
            json!({"preferred_username": "alice "}),
            GateTokenFault::OtherName,
        ),
        (
            json!({"preferred_username": "c2347aab"}),
            GateTokenFault::OtherName,
        ),
        (
            json!({"preferred_username": ["alice"]}),
            GateTokenFault::OtherName,
        ),
        (
            json!({"sub": "alice", "preferred_username": null}),
            GateTokenFault::OtherName,
        ),
        (json!({"sub": "trino-account"}), GateTokenFault::NotAPerson),
        (json!({"jti": "trrtcc:b2ef"}), GateTokenFault::NotAPerson),
        (
            json!({"preferred_username": "service-account-x"}),
            GateTokenFault::NotAPerson,
        ),
    ] {
        assert_eq!(story.alice(&changes).unwrap_err(), expected, "{changes}");
    }
    // Who acted says nothing of whose word it was.
    let acted = json!({"act": {"sub": "trino-account"}, "azp": "engine-cli"});
    assert_eq!(story.alice(&acted).unwrap_err(), GateTokenFault::NotOurs);
    let acted = json!({"act": {"sub": "trino-account"}});
    assert!(story.alice(&acted).is_ok());
}

#[test]
fn every_fault_of_a_login() {
    let story = Story::new();
    let trino = service(&story.config, "trino");
    for (changes, expected) in [
        (json!({"azp": "spark"}), GateTokenFault::OtherClient),
        (json!({"azp": null}), GateTokenFault::OtherClient),
        (
            json!({"azp": "icegate-tokens"}),
            GateTokenFault::OtherClient,
        ),
        (
            json!({"azp": null, "client_id": "trino", "sub": "x"}),
            GateTokenFault::OtherService(trino),
        ),
        (
            json!({"sub": "another-account"}),
            GateTokenFault::OtherService(trino),
        ),
        // A person who logged in through trino's client.
        (
            json!({"sub": "c2347aab", "preferred_username": "alice", "jti": "onrtro:x"}),
            GateTokenFault::OtherService(trino),
        ),
        (
            json!({"aud": ["icegate", "nessie"]}),
            GateTokenFault::CatalogAudience,
        ),
    ] {
        assert_eq!(story.trino(&changes).unwrap_err(), expected, "{changes}");
    }
    assert!(
        story
            .trino(&json!({"azp": null, "client_id": "trino"}))
            .is_ok()
    );
}

#[test]
fn every_fault_of_an_exchange() {
    let story = Story::new();
    let alice = but(of_alice(), &json!({"azp": "engine-cli", "sid": "s"}));
    for changes in [
        json!({}),
        json!({"sid": "s"}),
        json!({"sid": "s", "azp": "engine-cli"}),
        json!({"preferred_username": "x"}),
    ] {
        assert!(story.same(&alice, &changes).is_ok(), "{changes}");
    }
    for (changes, expected) in [
        (json!({"sub": "another"}), GateTokenFault::OtherSubject),
        (json!({"sub": "C2347AAB"}), GateTokenFault::OtherSubject),
        // The same account, and a program by its marks.
        (json!({"jti": "trrtcc:x"}), GateTokenFault::OtherSubject),
        (json!({"azp": "engine-cli"}), GateTokenFault::NotOurs),
        (json!({"azp": null}), GateTokenFault::NotOurs),
        (
            json!({"aud": ["icegate", "nessie"]}),
            GateTokenFault::CatalogAudience,
        ),
    ] {
        assert_eq!(
            story.same(&alice, &changes).unwrap_err(),
            expected,
            "{changes}"
        );
    }
    // A program stays that program, and a person none.
    let exchanged = json!({"sub": "trino-account", "preferred_username": "service-account-trino", "jti": "onrtte:x"});
    assert!(story.same(&of_trino(), &exchanged).is_ok());
    assert_eq!(
        story.same(&of_trino(), &json!({})).unwrap_err(),
        GateTokenFault::OtherSubject
    );
    assert_eq!(
        story.same(&alice, &exchanged).unwrap_err(),
        GateTokenFault::OtherSubject
    );
}

/// Of two faults the one that is told is that whose check comes first.
#[test]
fn the_order_of_the_checks() {
    let story = Story::new();
    let issuer = id(&story.config, CORP);
    let foreign = Signer::with_seed("key-9", "foreign");
    let forged = Signer::with_seed("key-1", "foreign");
    let wanted = Wanted::Named("alice");
    // From the last to the first: each fault beside all that come after it.
    let mut claims = but(of_alice(), &json!({"exp": NOW - 1}));
    let check = |answer: &TokenResponse| story.end(answer, wanted, NOW).unwrap_err();
    assert_eq!(
        check(&answer(corp().sign(&claims))),
        GateTokenFault::Expired
    );
    claims = but(claims, &json!({"preferred_username": "bob"}));
    assert_eq!(
        check(&answer(corp().sign(&claims))),
        GateTokenFault::OtherName
    );
    claims = but(claims, &json!({"jti": "trrtcc:x"}));
    assert_eq!(
        check(&answer(corp().sign(&claims))),
        GateTokenFault::NotAPerson
    );
    assert_eq!(
        check(&answer(forged.sign(&claims))),
        GateTokenFault::Signature
    );
    assert_eq!(
        check(&answer(foreign.sign(&claims))),
        GateTokenFault::UnknownKey
    );
    claims = but(claims, &json!({"aud": ["icegate", "nessie"]}));
    assert_eq!(
        check(&answer(foreign.sign(&claims))),
        GateTokenFault::CatalogAudience
    );
    let other = json!({
        "iss": CI, "aud": ["gate", "rest"], "sub": "alice", "exp": NOW + 600, "azp": "x",
    });
    let other = but(
        other,
        &json!({"aud": story.config.issuers[usize::from(id(&story.config, CI).0)].audiences.first()}),
    );
    assert_eq!(
        check(&answer(foreign.sign(&other))),
        GateTokenFault::OtherIssuer
    );
    claims = but(claims, &json!({"aud": "x"}));
    let audience = GateTokenFault::Unacceptable(TokenFault::Audience { issuer });
    assert_eq!(check(&answer(foreign.sign(&claims))), audience);
    let mut typed = answer(foreign.sign(&claims));
    typed.issued_token_type = Some("urn:ietf:params:oauth:token-type:refresh_token".to_owned());
    assert_eq!(check(&typed), GateTokenFault::IssuedTokenType);
    // One that cannot be a token at all is told so, whatever it would say.
    let form = |fault| GateTokenFault::Unacceptable(TokenFault::Form(fault));
    for token in ["", "two words", "a\r\nx: y", "CANARY\u{e9}"] {
        assert_eq!(check(&answer(token)), form(JwsFault::TooLong), "{token:?}");
    }
    assert_eq!(
        check(&answer("x".repeat(16 * 1024 + 1))),
        form(JwsFault::TooLong)
    );
    assert_eq!(
        check(&answer("CANARY-opaque")),
        form(JwsFault::NotThreeParts)
    );
    let unsigned = format!(
        "{}.{}.",
        base64url(r#"{"alg":"none"}"#),
        base64url(of_alice().to_string())
    );
    let refused = check(&answer(unsigned));
    assert!(
        matches!(refused, GateTokenFault::Unacceptable(_)),
        "{refused:?}"
    );
}

#[test]
fn types_that_answers_say() {
    let story = Story::new();
    let token = corp().sign(&of_alice());
    for (kind, good) in [
        (None, true),
        (Some("urn:ietf:params:oauth:token-type:access_token"), true),
        (Some("urn:ietf:params:oauth:token-type:jwt"), true),
        (Some("https://example.com/types/own"), true),
        (Some("urn:ietf:params:oauth:token-type:id_token"), false),
        (
            Some("urn:ietf:params:oauth:token-type:refresh_token"),
            false,
        ),
        (Some("urn:ietf:params:oauth:token-type:saml2"), false),
        (Some("urn:ietf:params:oauth:token-type:"), false),
    ] {
        let mut answer = answer(token.as_str());
        answer.issued_token_type = kind.map(str::to_owned);
        let outcome = story.end(&answer, Wanted::Named("alice"), NOW);
        assert_eq!(outcome.is_ok(), good, "{kind:?}");
    }
}

#[test]
fn its_life_is_the_shorter_of_the_two_that_are_told() {
    let story = Story::new();
    let token = corp().sign(&of_alice());
    let seconds = Duration::from_secs;
    for (expires_in, now, expected) in [
        (ExpiresIn::In(seconds(600)), NOW, Some(seconds(600))),
        (ExpiresIn::In(seconds(60)), NOW, Some(seconds(60))),
        (ExpiresIn::In(Duration::MAX), NOW, Some(seconds(600))),
        (ExpiresIn::Absent, NOW, Some(seconds(600))),
        (ExpiresIn::Unreadable, NOW + 100, Some(seconds(500))),
        (ExpiresIn::In(seconds(600)), NOW + 599, Some(seconds(1))),
        (ExpiresIn::In(seconds(600)), NOW + 600, None),
        (ExpiresIn::In(seconds(600)), NOW + 620, None),
        (ExpiresIn::In(Duration::ZERO), NOW, None),
        (ExpiresIn::In(Duration::from_millis(999)), NOW, None),
    ] {
        let mut answer = answer(token.as_str());
        answer.expires_in = expires_in;
        let outcome = story.end(&answer, Wanted::Named("alice"), now);
        match expected {
            Some(life) => assert_eq!(outcome.unwrap().life(), life, "{expires_in:?}"),
            None => assert_eq!(
                outcome.unwrap_err(),
                GateTokenFault::Expired,
                "{expires_in:?}"
            ),
        }
    }
}

/// The name is where the issuer has it, and nowhere else.
#[test]
fn a_name_is_read_from_the_claim_that_the_operator_names() {
    let story = Story::of(engines_with(&[(
        "/issuers/corp/name_claim",
        json!("email"),
    )]));
    assert!(
        story
            .alice(&json!({"email": "alice", "preferred_username": "bob"}))
            .is_ok()
    );
    for changes in [
        json!({}),
        json!({"email": "bob"}),
        json!({"email": null, "sub": "alice"}),
    ] {
        assert_eq!(
            story.alice(&changes).unwrap_err(),
            GateTokenFault::OtherName,
            "{changes}"
        );
    }
}

/// Who speaks by impersonation gets tokens that have a session.
#[test]
fn a_session_is_no_fault_where_people_are_impersonated() {
    let story = Story::of(engines_with(&[(
        "/services/trino/speaks_for/by",
        json!("impersonation"),
    )]));
    for changes in [json!({}), json!({"sid": "s"})] {
        let token = story.alice(&changes).unwrap();
        assert_eq!(token.caller().proof(), Proof::EngineWord, "{changes}");
    }
    let elsewhere = story.alice(&json!({"azp": "engine-cli", "sid": "s"}));
    assert_eq!(elsewhere.unwrap_err(), GateTokenFault::NotOurs);
}

/// At Entra a person is `oid` and `tid` together.
#[test]
fn the_same_person_is_all_that_the_profile_says() {
    let gate = "535fb089-9ff3-47b6-9bfb-4f1264799865";
    let mut configuration = entra_written(json!({"id": gate, "secret": {"env": "ICEGATE_SECRET"}}));
    configuration["issuers"]["corp"]["audiences"] = json!([gate]);
    configuration["issuers"]["corp"]["gate_tokens"] = json!({
        "client": {"id": "8c1f", "secret": {"env": "ICEGATE_SECRET"}}, "scopes": {"catalog": "api://gate/.default"},
    });
    configuration["allow_on_headers_stop_iteration"] = true.into();
    let config = load_value(&configuration).unwrap_or_else(|faults| panic!("{faults}"));
    let claims = json!({
        "aud": gate, "iss": ENTRA.0, "iat": NOW - 60, "exp": NOW + 3600, "azp": "b1f1", "oid": "d5e979c7", "tid": "72f988bf",
        "sub": "s1", "preferred_username": "alice@contoso.com", "ver": "2.0",
    });
    let inspected = corp().sign(&claims);
    let caller =
        Presented::inspect(inspected.as_bytes(), &config, UnixTime::from_secs(NOW)).unwrap();
    let caller = caller.verify(&config, &keys(&[corp()])).unwrap();
    for (changes, good) in [
        (json!({}), true),
        (json!({"oid": "another"}), false),
        (json!({"tid": "another"}), false),
        (json!({"tid": null}), false),
    ] {
        let given = but(claims.clone(), &json!({"azp": "8c1f", "sub": "s2"}));
        let token = answer(corp().sign(&but(given, &changes)));
        let outcome = check_gate_token(
            &token,
            &config,
            IssuerId(0),
            &keys(&[corp()]),
            Wanted::Same(&caller),
            at(NOW),
        );
        match good {
            true => drop(outcome.unwrap()),
            false => assert_eq!(
                outcome.unwrap_err(),
                GateTokenFault::OtherSubject,
                "{changes}"
            ),
        }
    }
}

#[test]
fn every_fault_is_a_sentence_that_helps_and_holds_nothing_of_the_token() {
    let story = Story::new();
    let trino = service(&story.config, "trino");
    let form = TokenFault::Form(JwsFault::TooLong);
    for fault in [
        GateTokenFault::IssuedTokenType,
        GateTokenFault::Unacceptable(form),
        GateTokenFault::OtherIssuer,
        GateTokenFault::CatalogAudience,
        GateTokenFault::OtherClient,
        GateTokenFault::NotOurs,
        GateTokenFault::OtherService(trino),
        GateTokenFault::NotAPerson,
        GateTokenFault::OtherName,
        GateTokenFault::OtherSubject,
        GateTokenFault::Expired,
        GateTokenFault::UnknownKey,
        GateTokenFault::Signature,
    ] {
        let sentence = fault.describe(&story.config);
        assert!(
            sentence.len() > 10 && !sentence.contains("  "),
            "{fault:?}: {sentence}"
        );
        assert!(!sentence.ends_with('.'), "{sentence}");
    }
    assert!(
        GateTokenFault::OtherService(trino)
            .describe(&story.config)
            .contains("services.trino.who")
    );
}
