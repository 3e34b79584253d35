//! What the gate makes of a token that the identity provider answered: sent on, or refused, and for
//! how long it may be used.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "in a test a panic is the answer"
)]

use std::time::Duration;

use icegate::clock::{Instant, Now, UnixTime};
use icegate::config::{Config, IssuerId};
use icegate::exchange::{Minted, MintedFault, Whose, check};
use icegate::identity::{Caller, Presented};
use icegate::jose::{ClaimsFault, JwsFault, KeySet, RustCrypto};
use icegate::oauth::{ExpiresIn, TokenResponse};
use icegate::secret::Secret;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{changed, load_value};
use crate::tokens::{Signer, claims, key_set};

const NOW: u64 = 1_800_000_000;
const CORP: &str = "https://idp.example.com/realms/lake";
const CI: &str = "https://ci.example.com";

/// One exchange: everything is in order until a test changes it.
struct Story {
    config: Config,
    keys: KeySet,
    caller: Caller,
    answer: TokenResponse,
    now: Duration,
    whose: Whose<'static>,
}

fn corp() -> Signer {
    Signer::with_seed("key-1", "corp")
}

fn keys(signers: &[Signer]) -> KeySet {
    KeySet::parse(key_set(signers).as_bytes(), &RustCrypto).unwrap()
}

/// Two issuers; catalog `lake` takes tokens of corp.
fn config() -> Config {
    let ci = json!({"profile": "rfc8693", "issuer": CI, "cluster": "ci", "audiences": ["icegate"]});
    load_value(&changed(&[("/issuers/ci", ci)])).unwrap()
}

fn caller(config: &Config, issuer: &str, changes: &[(&str, Value)], expires: u64) -> Caller {
    let mut claims = claims(issuer, "icegate", "alice", expires);
    change(&mut claims, &[("iat", Value::Null)]);
    change(&mut claims, changes);
    let presented_at = UnixTime::from_secs(NOW.min(expires) - 1);
    let token = corp().sign(&claims);
    Presented::inspect(token.as_bytes(), config, presented_at)
        .unwrap()
        .verify(config, &keys(&[corp()]))
        .unwrap()
}

/// What Keycloak mints for alice and the catalog.
fn minted_claims(changes: &[(&str, Value)]) -> Value {
    let mut claims = claims(CORP, "catalog", "alice", NOW + 600);
    change(
        &mut claims,
        &[
            ("azp", json!("icegate")),
            ("iat", json!(NOW)),
            ("jti", json!("ntrtte:b2ef")),
        ],
    );
    change(&mut claims, changes);
    claims
}

/// Sets members; `null` takes them away.
fn change(claims: &mut Value, changes: &[(&str, Value)]) {
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes {
        match value {
            Value::Null => drop(members.remove(*name)),
            value => drop(members.insert((*name).to_owned(), value.clone())),
        }
    }
}

fn answer(token: impl Into<String>) -> TokenResponse {
    TokenResponse {
        access_token: Secret::new(token.into()),
        expires_in: ExpiresIn::In(Duration::from_secs(600)),
        issued_token_type: Some("urn:ietf:params:oauth:token-type:access_token".to_owned()),
    }
}

impl Story {
    fn of(token: impl Into<String>) -> Self {
        let config = config();
        Self {
            keys: keys(&[corp()]),
            caller: caller(&config, CORP, &[], NOW + 3600),
            answer: answer(token),
            now: Duration::from_secs(NOW),
            whose: Whose::Callers,
            config,
        }
    }

    fn with(changes: &[(&str, Value)]) -> Self {
        Self::of(corp().sign(&minted_claims(changes)))
    }

    fn end(&self) -> Result<Minted, MintedFault> {
        let rule = &self.config.contexts[0].token;
        let issuer = &self.config.issuers[usize::from(rule.from.0)];
        let now = Now {
            instant: Instant::from_origin(Duration::ZERO),
            unix: UnixTime::from_epoch(self.now),
        };
        check(
            &self.answer,
            rule,
            issuer,
            &self.keys,
            &self.caller,
            self.whose,
            now,
        )
    }

    #[track_caller]
    fn fault(&self) -> MintedFault {
        self.end().expect_err("the token is refused")
    }
}

/// What Keycloak gives a client for its own account.
fn own_claims(changes: &[(&str, Value)]) -> Value {
    let own = [
        ("azp", json!("dbt")),
        ("sub", json!("9d1c")),
        ("preferred_username", json!("service-account-dbt")),
        ("jti", json!("trrtcc:b2ef")),
        ("sid", Value::Null),
    ];
    minted_claims(&[&own, changes].concat())
}

/// The end of a client's asking for its own account.
fn account(
    config: &Config,
    changes: &[(&str, Value)],
    caller: Caller,
) -> Result<Minted, MintedFault> {
    let rule = &config.contexts[0].token;
    let issuer = &config.issuers[usize::from(rule.from.0)];
    let now = Now {
        instant: Instant::from_origin(Duration::ZERO),
        unix: UnixTime::from_secs(NOW),
    };
    let answer = answer(corp().sign(&own_claims(changes)));
    let whose = Whose::Clients { id: "dbt", config };
    check(&answer, rule, issuer, &keys(&[corp()]), &caller, whose, now)
}

#[test]
fn a_clients_own_account() {
    let config = config();
    let by = |changes: &[(&str, Value)]| {
        let engine = caller(&config, CORP, &[], NOW + 3600);
        account(&config, changes, engine).map(|minted| minted.issuer())
    };
    let corp_id = config.contexts[0].token.from;
    for (changes, expected) in [
        (vec![], Ok(corp_id)),
        // Whose account it is is not asked; only that it is this client's.
        (vec![("sub", json!("elsewhere"))], Ok(corp_id)),
        (
            vec![("azp", Value::Null), ("client_id", json!("dbt"))],
            Ok(corp_id),
        ),
        (vec![("azp", json!("dbt2"))], Err(MintedFault::OtherClient)),
        (
            vec![("azp", json!("icegate"))],
            Err(MintedFault::OtherClient),
        ),
        (vec![("azp", Value::Null)], Err(MintedFault::OtherClient)),
        (
            vec![("azp", json!("other")), ("client_id", json!("dbt"))],
            Err(MintedFault::OtherClient),
        ),
        // A person's, got through that client.
        (
            vec![
                ("preferred_username", json!("alice")),
                ("jti", json!("onrtro:1")),
            ],
            Err(MintedFault::NotAPrograms),
        ),
        // One mark is enough.
        (vec![("preferred_username", json!("dbt"))], Ok(corp_id)),
        (vec![("jti", json!("0f8f"))], Ok(corp_id)),
        (
            vec![("aud", json!("elsewhere"))],
            Err(MintedFault::OtherAudience),
        ),
        (
            vec![("aud", json!(["catalog", "icegate"]))],
            Err(MintedFault::OurAudience),
        ),
        (vec![("iss", json!(CI))], Err(MintedFault::OtherIssuer)),
        (vec![("exp", json!(NOW))], Err(MintedFault::Expired)),
        (
            vec![("cnf", json!({"jkt": "x"}))],
            Err(MintedFault::SenderConstrained),
        ),
    ] {
        assert_eq!(by(&changes), expected, "{changes:?}");
    }
}

/// The program's own token may be another identity provider's; its life bounds the account's all the same.
#[test]
fn an_account_for_a_program_of_another_issuer() {
    let config = config();
    let engine = |life| caller(&config, CI, &[("azp", json!("dbt"))], NOW + life);
    let life = |life| account(&config, &[], engine(life)).map(|minted| minted.life());
    assert_eq!(life(3600), Ok(Duration::from_secs(290)));
    assert_eq!(life(60), Ok(Duration::from_secs(50)));
    let mut story = Story::with(&[]);
    story.caller = engine(3600);
    assert_eq!(
        story.fault(),
        MintedFault::OtherIssuer,
        "which an exchange must not be"
    );
}

#[test]
fn a_good_token_is_sent_on() {
    let token = corp().sign(&minted_claims(&[]));
    let minted = Story::of(token.as_str()).end().unwrap();
    assert_eq!(minted.authorization().expose(), &format!("Bearer {token}"));
    assert_eq!(minted.jti(), Some("ntrtte:b2ef"));
    assert_eq!(minted.expires(), UnixTime::from_secs(NOW + 600));
    assert_eq!(minted.life(), Duration::from_secs(290));
    assert!(keys(&[corp()]).contains(&minted.key()));
    let shown = format!("{minted:?}");
    assert!(
        shown.contains("[secret]") && !shown.contains("eyJ"),
        "{shown}"
    );
}

#[test]
fn what_stands_in_the_claims_decides() {
    use MintedFault::*;
    let cases: &[(&str, Value, Result<(), MintedFault>)] = &[
        // issuer
        ("iss", json!(null), Err(OtherIssuer)),
        ("iss", json!(CI), Err(OtherIssuer)),
        (
            "iss",
            json!("https://idp.example.com/realms/lake/"),
            Err(OtherIssuer),
        ),
        // the person (trap X1)
        ("sub", json!("bob"), Err(OtherSubject)),
        ("sub", json!("Alice"), Err(OtherSubject)),
        ("sub", json!(""), Err(OtherSubject)),
        ("sub", json!(null), Err(OtherSubject)),
        ("preferred_username", json!("bob"), Ok(())),
        // the audience (trap X1)
        ("aud", json!(["catalog"]), Ok(())),
        ("aud", json!(["other", "catalog"]), Ok(())),
        ("aud", json!(null), Err(OtherAudience)),
        ("aud", json!([]), Err(OtherAudience)),
        ("aud", json!("catalog2"), Err(OtherAudience)),
        ("aud", json!("Catalog"), Err(OtherAudience)),
        ("aud", json!("catalog "), Err(OtherAudience)),
        ("aud", json!("icegate"), Err(OtherAudience)),
        ("aud", json!(["catalog", "icegate"]), Err(OurAudience)),
        (
            "aud",
            json!({"catalog": true}),
            Err(Claims(ClaimsFault::WrongType("aud"))),
        ),
        // bearer tokens, access tokens
        ("cnf", json!({"jkt": "x"}), Err(SenderConstrained)),
        ("cnf", json!({}), Err(SenderConstrained)),
        ("typ", json!("ID"), Err(NotAnAccessToken)),
        ("typ", json!("Refresh"), Err(NotAnAccessToken)),
        ("typ", json!(null), Ok(())),
        // time
        ("exp", json!(null), Err(NoExpiry)),
        ("exp", json!(NOW), Err(Expired)),
        ("exp", json!(NOW - 1), Err(Expired)),
        ("exp", json!(0), Err(Expired)),
        ("exp", json!(NOW + 1), Ok(())),
        (
            "exp",
            json!(NOW.to_string()),
            Err(Claims(ClaimsFault::WrongType("exp"))),
        ),
        (
            "exp",
            json!(1e18),
            Err(Claims(ClaimsFault::OutOfRange("exp"))),
        ),
        (
            "exp",
            json!(-1),
            Err(Claims(ClaimsFault::OutOfRange("exp"))),
        ),
        ("nbf", json!(NOW + 30), Ok(())),
        ("nbf", json!(NOW + 31), Err(NotYetValid)),
        ("iat", json!(NOW + 30), Ok(())),
        ("iat", json!(NOW + 31), Err(NotYetValid)),
        ("iat", json!(null), Ok(())),
    ];
    for (name, value, expected) in cases {
        let ended = Story::with(&[(name, value.clone())]).end().map(|_| ());
        assert_eq!(ended, *expected, "{name}: {value}");
    }
}

#[test]
fn nothing_that_could_break_a_header_is_sent_on() {
    use MintedFault::*;
    let good = corp().sign(&minted_claims(&[]));
    let cases = [
        // trap X2
        (format!("{good}\r\nx-evil: 1"), Characters),
        (format!("{good}\n"), Characters),
        (format!(" {good}"), Characters),
        (format!("{good} "), Characters),
        (format!("{good},{good}"), Characters),
        (format!("{good}\0"), Characters),
        (format!("{good}é"), Characters),
        (format!("Bearer {good}"), Characters),
        ("=".to_owned(), Characters),
        ("a".repeat(100 * 1024), TooLong),
        ("a".repeat(16 * 1024 + 1), TooLong),
        // not JWTs
        ("a".repeat(16 * 1024), Opaque),
        ("2YotnFZFEjr1zCsicMWpAA".to_owned(), Opaque),
        ("a.b".to_owned(), Opaque),
        ("a.b.c.d.e".to_owned(), Opaque),
        (
            format!("{good}="),
            Form(JwsFault::Encoding(icegate::jose::Part::Signature)),
        ),
        (
            format!("{}.", good.rsplit_once('.').unwrap().0),
            Form(JwsFault::Unsigned),
        ),
    ];
    for (token, expected) in cases {
        assert_eq!(
            Story::of(token.as_str()).fault(),
            expected,
            "{:.80}",
            token.escape_debug().to_string()
        );
    }
}

#[test]
fn only_algorithms_of_the_issuers_list_verify() {
    for alg in ["none", "None", "HS256", "RS384", "ES384", "es256", ""] {
        let token = corp().sign_with(
            &json!({"alg": alg, "typ": "JWT", "kid": "key-1"}),
            &minted_claims(&[]),
        );
        assert_eq!(Story::of(token).fault(), MintedFault::Algorithm, "{alg}");
    }
    let mut story = Story::with(&[]);
    story.config.issuers[1].algorithms.clear();
    assert_eq!(story.config.issuers[1].name.as_ref(), "corp");
    assert_eq!(story.fault(), MintedFault::Algorithm);
}

#[test]
fn the_signature_is_the_issuers() {
    let rotated = Signer::with_seed("key-2", "corp rotated");
    let mut story = Story::of(rotated.sign(&minted_claims(&[])));
    assert_eq!(story.fault(), MintedFault::UnknownKey);
    story.keys = keys(&[corp(), rotated]);
    assert!(story.end().is_ok());

    let other = Signer::with_seed("key-1", "ci");
    assert_eq!(
        Story::of(other.sign(&minted_claims(&[]))).fault(),
        MintedFault::Signature
    );

    story.keys = KeySet::default();
    assert_eq!(story.fault(), MintedFault::UnknownKey);
}

#[test]
fn the_answer_says_what_kind_of_token_it_is() {
    let fault = Err(MintedFault::IssuedTokenType);
    for (name, expected) in [
        (None, Ok(())),
        (
            Some("urn:ietf:params:oauth:token-type:access_token"),
            Ok(()),
        ),
        (Some("urn:ietf:params:oauth:token-type:jwt"), Ok(())),
        (Some("urn:example:token"), Ok(())),
        (Some("urn:ietf:params:oauth:token-type:id_token"), fault),
        (
            Some("urn:ietf:params:oauth:token-type:refresh_token"),
            fault,
        ),
        (Some("urn:ietf:params:oauth:token-type:saml2"), fault),
        (
            Some("urn:ietf:params:oauth:token-type:access_token "),
            fault,
        ),
    ] {
        let mut story = Story::with(&[]);
        story.answer.issued_token_type = name.map(str::to_owned);
        assert_eq!(story.end().map(|_| ()), expected, "{name:?}");
    }
}

#[test]
fn the_same_name_at_another_issuer_is_another_person() {
    let mut story = Story::with(&[]);
    story.caller = caller(&story.config, CI, &[], NOW + 3600);
    assert_ne!(story.caller.issuer(), IssuerId(1));
    assert_eq!(story.caller.same_person(), "alice");
    assert_eq!(story.fault(), MintedFault::OtherIssuer);
}

/// Entra's `sub` differs per application, its `oid` does not.
#[test]
fn the_configured_claim_says_who_the_person_is() {
    let with_oid = |oid: Value| {
        let mut story = Story::with(&[("sub", json!("pairwise-for-catalog")), ("oid", oid)]);
        story.config =
            load_value(&changed(&[("/issuers/corp/subject_claim", json!("oid"))])).unwrap();
        story.caller = caller(&story.config, CORP, &[("oid", json!("0f1e"))], NOW + 3600);
        story.end().map(|_| ())
    };
    assert_eq!(with_oid(json!("0f1e")), Ok(()));
    assert_eq!(with_oid(json!("ffff")), Err(MintedFault::OtherSubject));
    assert_eq!(with_oid(json!(["0f1e"])), Err(MintedFault::OtherSubject));
    assert_eq!(with_oid(Value::Null), Err(MintedFault::OtherSubject));
}

#[test]
fn a_jti_is_for_logs_only_when_it_is_harmless() {
    for (jti, expected) in [
        (json!("trrtcc:0-9_a"), Some("trrtcc:0-9_a")),
        (json!("a b"), None),
        (json!("a\nb"), None),
        (json!("é"), None),
        (json!(""), None),
        (json!("a".repeat(129)), None),
        (Value::Null, None),
    ] {
        assert_eq!(
            Story::with(&[("jti", jti.clone())]).end().unwrap().jti(),
            expected,
            "{jti}"
        );
    }
}

/// Seconds from now: what `expires_in` says, the token's own end, the caller's own end, the rule's
/// life; then the life in milliseconds.
#[test]
fn a_minted_token_lives_as_long_as_all_allow() {
    use ExpiresIn::{Absent, In, Unreadable};
    let secs = |seconds| In(Duration::from_secs(seconds));
    let cases = [
        // each bound in turn is the shortest
        (secs(100), 600, 3600, 300, Ok(90_000)),
        (secs(600), 100, 3600, 300, Ok(90_000)),
        (secs(600), 600, 100, 300, Ok(90_000)),
        (secs(600), 600, 3600, 100, Ok(90_000)),
        // Keycloak mints 600 s for a subject token with 4 s left
        (secs(600), 600, 4, 300, Ok(2_000)),
        // the skew is ten seconds, and never more than half
        (secs(21), 600, 3600, 300, Ok(11_000)),
        (secs(20), 600, 3600, 300, Ok(10_000)),
        (secs(19), 600, 3600, 300, Ok(9_500)),
        (secs(1), 600, 3600, 300, Ok(500)),
        // nothing, nonsense, and far too much: the others hold
        (Absent, 600, 3600, 3600, Ok(590_000)),
        (Unreadable, 600, 3600, 3600, Ok(590_000)),
        (
            secs(1_000_000_000_000_000_000),
            600,
            3600,
            3600,
            Ok(590_000),
        ),
        (In(Duration::MAX), 600, 3600, 3600, Ok(590_000)),
        (
            In(Duration::MAX),
            9_007_199_254_740_991 - NOW,
            3600,
            3600,
            Ok(3_590_000),
        ),
        // nothing is left
        (
            In(Duration::ZERO),
            600,
            3600,
            300,
            Err(MintedFault::Expired),
        ),
        (secs(600), 0, 3600, 300, Err(MintedFault::Expired)),
        (secs(600), 600, 0, 300, Err(MintedFault::SubjectExpired)),
    ];
    for (expires_in, own, subject, rule, expected) in cases {
        let mut story = Story::with(&[("exp", json!(NOW + own))]);
        story.answer.expires_in = expires_in;
        story.caller = caller(&story.config, CORP, &[], NOW + subject);
        story.config.contexts[0].token.life = Duration::from_secs(rule);
        let life = story.end().map(|minted| minted.life().as_millis());
        assert_eq!(
            life, expected,
            "{expires_in:?}, exp in {own} s, subject {subject} s, rule {rule} s"
        );
    }
}

#[test]
fn time_goes_on_while_a_key_is_fetched() {
    let mut story = Story::with(&[]);
    for (seconds, expected) in [
        (0, Ok(290)),
        (500, Ok(90)),
        (599, Ok(0)),
        (600, Err(MintedFault::Expired)),
    ] {
        story.now = Duration::from_secs(NOW + seconds);
        assert_eq!(
            story.end().map(|minted| minted.life().as_secs()),
            expected,
            "{seconds}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_life_is_zero_or_longer_than_any_bound(
        said in prop::option::of(0..2_000u64),
        own in 0..2_000u64,
        subject in 0..2_000u64,
        rule in 1..2_000u64,
        fraction in 0..1_000u64,
    ) {
        let mut story = Story::with(&[("exp", json!(NOW + own))]);
        story.answer.expires_in = said.map_or(ExpiresIn::Absent, |said| ExpiresIn::In(Duration::from_secs(said)));
        story.caller = caller(&story.config, CORP, &[], NOW + subject);
        story.config.contexts[0].token.life = Duration::from_secs(rule);
        story.now += Duration::from_millis(fraction);
        let least = [said.unwrap_or(u64::MAX), own, subject, rule].into_iter().min().unwrap();
        match story.end() {
            Ok(minted) => prop_assert!(!minted.life().is_zero() && minted.life() < Duration::from_secs(least)),
            Err(MintedFault::Expired | MintedFault::SubjectExpired) => prop_assert_eq!(least, 0),
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn any_flipped_bit_is_refused(place in any::<prop::sample::Index>(), bit in 0..7u8) {
        let mut token = corp().sign(&minted_claims(&[])).into_bytes();
        let place = place.index(token.len());
        token[place] ^= 1 << bit;
        prop_assert!(Story::of(String::from_utf8(token).unwrap()).end().is_err());
    }
}
