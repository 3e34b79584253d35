//! Attacks on the token endpoint, by the facts that the host tells: who becomes whom, who keeps whom waiting.

#![allow(clippy::arithmetic_side_effects)]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::broker::{ArrivedBody, Broker, CallId, Effect, Entropy, StreamId, Verdict};
use crate::clock::{Instant, Now, UnixTime};
use crate::config::{self, Config};
use crate::jose::{
    Algorithm, CompactJws, Crypto, JwkMaterial, RustCrypto, SigningKey, VerifyingKey,
};
use crate::limits;
use crate::wire::{CallAnswer, HttpCall, RequestHead};

const ISSUER: &str = "http://idp.test/realms/lake";
const KEY: &str = include_str!("../../../tests/native/golden/keys/rfc7515-a3.pkcs8.pem");
/// Of everybody; it may stand in no log line.
const SECRET: &str = "CANARY";
const HOUR: u64 = 3_600;
const FAR: u64 = 100 * HOUR;

/// A signature is good when it says so, and each that is looked at is counted.
struct Signatures(Rc<Cell<usize>>);

impl Crypto for Signatures {
    fn load(&self, _: &JwkMaterial) -> Option<Box<dyn VerifyingKey>> {
        Some(Box::new(Self(Rc::clone(&self.0))))
    }

    fn load_signing_key(&self, pem: &str) -> Option<Box<dyn SigningKey>> {
        RustCrypto.load_signing_key(pem)
    }
}

impl VerifyingKey for Signatures {
    fn verify(&self, _: Algorithm, jws: &CompactJws<'_>) -> bool {
        self.0.set(self.0.get() + 1);
        jws.signature() == b"good"
    }
}

struct Counted(u8);

impl Entropy for Counted {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}

fn load(change: impl FnOnce(&mut Value)) -> Config {
    let mut file = json!({
        "issuers": {"corp": {
            "profile": "keycloak", "issuer": ISSUER, "cluster": "idp", "audiences": ["icegate"],
            "client": {"id": "icegate", "secret": {"env": "SECRET"}},
            "keys": {"jwks_path": "/jwks"}, "token_path": "/token",
            "gate_tokens": {
                "client": {"id": "icegate-tokens", "secret": {"env": "SECRET"}},
                "assertion": {"issuer": "https://gate.test", "keys": [{"id": "k1", "key": {"env": "KEY"}}]},
            },
        }},
        "catalogs": {"lake": {"kind": "nessie", "base_path": "/iceberg", "token": {"from": "corp", "audience": "catalog"}}},
        "access": "catalog_decides",
        "allow_on_headers_stop_iteration": true,
        "services": {
            "trino": {
                "who": {"issuer": "corp", "sub": "id-of-trino", "azp": "trino"}, "may": ["config"],
                "speaks_for": {"by": "assertion", "who": {"claim": "team", "has": "acme"}, "never": ["root"]},
            },
            "spark": {"who": {"issuer": "corp", "sub": "id-of-spark", "azp": "spark"}, "may": ["config"]},
        },
    });
    change(&mut file);
    let env = |name: &str| Some(if name == "KEY" { KEY } else { SECRET }.to_owned());
    match config::load(file.to_string().as_bytes(), &env) {
        Ok(config) => config,
        Err(faults) => panic!(
            "{:?}",
            faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        ),
    }
}

struct World {
    broker: Broker,
    seconds: u64,
    streams: u32,
    calls: Vec<(CallId, HttpCall)>,
    answers: BTreeMap<u32, (u16, Value)>,
    signatures: Rc<Cell<usize>>,
    tokens: u64,
}

fn basic(id: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{SECRET}")))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn form(pairs: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs);
    form.finish()
}

fn jwt(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (header, claims) = (header.to_string(), claims.to_string());
    [header.as_bytes(), claims.as_bytes(), signature]
        .map(part)
        .join(".")
}

fn unsigned(name: &str) -> String {
    jwt(
        &json!({"alg": "none"}),
        &json!({"sub": name, "user": name}),
        b"",
    )
}

/// As Iceberg refreshes.
fn refresh(token: &str) -> String {
    form(&[
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", token),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
    ])
}

/// As Iceberg exchanges for a session of its own.
fn exchange(subject: &str, actor: &str) -> String {
    form(&[
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", subject),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("actor_token", actor),
        (
            "actor_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
    ])
}

fn login(id: &str, secret: &str) -> String {
    form(&[
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
    ])
}

impl World {
    fn new(change: impl FnOnce(&mut Value)) -> Self {
        let signatures = Rc::new(Cell::new(0));
        let crypto = Rc::new(Signatures(Rc::clone(&signatures)));
        let config = Rc::new(load(change));
        let broker = Broker::new(at(0), config, crypto, Box::new(Counted(0)));
        let mut world = Self {
            broker,
            seconds: 0,
            streams: 0,
            calls: Vec::new(),
            answers: BTreeMap::new(),
            signatures,
            tokens: 0,
        };
        world.drain();
        let (keys, _) = world.calls.pop().unwrap();
        let set = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "k1",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]});
        world.end(keys, 200, &set);
        world
    }

    fn drain(&mut self) {
        while let Some(effect) = self.broker.poll_effect() {
            match effect {
                Effect::Call { id, call } => self.calls.push((id, call)),
                Effect::Note { text, .. } => assert!(!text.contains(SECRET), "{text}"),
                Effect::Release {
                    stream, verdict, ..
                } => {
                    let (status, body) = match verdict {
                        Verdict::Issue(issued) => (200, issued.body().expose().clone()),
                        Verdict::Refuse(reply) | Verdict::Answer(reply) => {
                            (reply.status, reply.body)
                        }
                        Verdict::Forward(_) => panic!("nothing of it goes to a catalog"),
                    };
                    let body = serde_json::from_slice(&body).unwrap();
                    assert!(self.answers.insert(stream.0, (status, body)).is_none());
                }
            }
        }
    }

    fn end(&mut self, call: CallId, status: u16, body: &Value) {
        let body = body.to_string();
        let answer = CallAnswer::Answered {
            status,
            retry_after: None,
            body: body.as_bytes(),
        };
        self.broker.call_answered(at(self.seconds), call, answer);
        self.drain();
    }

    /// Tokens of the identity provider. `more` is laid over what a person's have.
    fn token(&mut self, name: &str, azp: &str, more: Value) -> String {
        self.tokens += 1;
        let now = at(self.seconds).unix.as_secs();
        let mut claims = json!({
            "iss": ISSUER, "sub": format!("id-of-{name}"), "aud": ["icegate", "icegate-tokens"], "azp": azp,
            "typ": "Bearer", "preferred_username": name, "team": "acme", "iat": now, "exp": now + FAR,
            "jti": format!("t{}", self.tokens),
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        jwt(&json!({"alg": "ES256", "kid": "k1"}), &claims, b"good")
    }

    /// A program's own token, as a login brings it.
    fn of_program(&mut self, client: &str) -> String {
        let more = json!({"sub": format!("id-of-{client}")});
        self.token(&format!("service-account-{client}"), client, more)
    }

    /// Answers the one question that is under way with a token.
    fn gives(&mut self, token: &str) {
        assert_eq!(self.calls.len(), 1, "questions under way");
        let (call, _) = self.calls.pop().unwrap();
        self.end(
            call,
            200,
            &json!({"access_token": token, "token_type": "Bearer", "expires_in": FAR}),
        );
    }

    fn refuses(&mut self, status: u16, error: &str, description: &str) {
        let (call, _) = self.calls.pop().unwrap();
        let body = json!({"error": error, "error_description": description});
        self.end(call, status, &body);
    }

    /// The head of a request for a token arrives.
    fn head(&mut self, authorization: Option<&str>, source: &str, peer: Option<&str>) -> u32 {
        self.streams += 1;
        let mut headers: Vec<(&[u8], &[u8])> = vec![
            (b":method", b"POST"),
            (b":path", b"/iceberg/v1/oauth/tokens"),
            (b"content-type", b"application/x-www-form-urlencoded"),
        ];
        headers.extend(authorization.map(|value| (&b"authorization"[..], value.as_bytes())));
        let mut head = RequestHead::read(headers.into_iter());
        head.source = Some(source.as_bytes());
        head.peer = peer.map(str::as_bytes);
        self.broker
            .request(at(self.seconds), StreamId(self.streams), &head);
        self.drain();
        self.streams
    }

    fn body(&mut self, stream: u32, form: &str) {
        let body = ArrivedBody::Whole(form.as_bytes());
        self.broker.body(at(self.seconds), StreamId(stream), body);
        self.drain();
    }

    fn ask(&mut self, form: &str, authorization: Option<&str>) -> u32 {
        let stream = self.head(authorization, "10.0.0.1:1", None);
        self.body(stream, form);
        stream
    }

    /// The token that a request got.
    fn got(&self, stream: u32) -> &str {
        let (status, body) = &self.answers[&stream];
        assert_eq!(*status, 200, "{body}");
        body["access_token"].as_str().unwrap()
    }

    fn refused(&self, stream: u32) -> (u16, &str) {
        let (status, body) = &self.answers[&stream];
        (*status, body["error"].as_str().unwrap())
    }

    fn waits(&mut self, seconds: u64) {
        self.seconds += seconds;
        self.broker.tick(at(self.seconds));
        self.drain();
        // Whatever keys are fetched meanwhile is not the matter here.
        self.calls.retain(|(_, call)| call.method == "POST");
    }

    /// A token of a person on Trino's word.
    fn word(&mut self, name: &str) -> String {
        let actor = self.of_program("trino");
        let stream = self.ask(&exchange(&unsigned(name), &actor), Some(&bearer(&actor)));
        if !self.answers.contains_key(&stream) {
            let token = self.token(name, "icegate-tokens", json!({}));
            self.gives(&token);
        }
        self.got(stream).to_owned()
    }
}

fn at(seconds: u64) -> Now {
    Now {
        instant: Instant::from_origin(Duration::from_secs(seconds)),
        unix: UnixTime::from_secs(1_800_000_000 + seconds),
    }
}

// -- sessions ---------------------------------------------------------------------------------------------------------

#[test]
fn a_programs_token_that_shows_itself_twice_is_renewed_no_longer_than_one_that_does_once() {
    let mut world = World::new(|_| {});
    let stolen = world.of_program("spark");
    let twice = |token: &str| (exchange(token, token), bearer(token));
    let (form, proof) = twice(&stolen);
    let stream = world.ask(&form, Some(&proof));
    let more = json!({"sub": "id-of-spark"});
    let renewed = world.token("service-account-spark", "icegate-tokens", more);
    world.gives(&renewed);
    assert_eq!(world.got(stream), renewed);
    world.waits(10 * HOUR);
    let (form, proof) = twice(&renewed);
    let stream = world.ask(&form, Some(&proof));
    assert_eq!(world.refused(stream), (400, "invalid_grant"));
    assert!(world.calls.is_empty());
}

#[test]
fn the_token_of_a_program_that_speaks_for_people_is_not_renewed_by_itself() {
    let mut world = World::new(|_| {});
    let stolen = world.of_program("trino");
    for (form, proof) in [
        (refresh(&stolen), bearer(&stolen)),
        (exchange(&stolen, &stolen), bearer(&stolen)),
    ] {
        let stream = world.ask(&form, Some(&proof));
        assert_eq!(world.refused(stream), (400, "invalid_grant"));
    }
    assert!(world.calls.is_empty());
    // Its secret proves it.
    let stream = world.ask(&refresh(&stolen), Some(&basic("trino")));
    let fresh = world.of_program("trino");
    world.gives(&fresh);
    assert_eq!(world.got(stream), fresh);
}

#[test]
fn what_was_given_on_an_engines_word_needs_the_word_of_whoever_shows_it() {
    let mut world = World::new(|_| {});
    let alices = world.word("alice");
    let spark = world.of_program("spark");
    let stream = world.ask(&exchange(&alices, &spark), Some(&bearer(&spark)));
    assert_eq!(world.refused(stream), (400, "unauthorized_client"));
    let stream = world.ask(&refresh(&alices), Some(&basic("spark")));
    let own = world.of_program("spark");
    world.gives(&own);
    assert_eq!(world.refused(stream), (400, "unauthorized_client"));
    // Trino's word is good for it, and is at hand.
    let trino = world.of_program("trino");
    let stream = world.ask(&exchange(&alices, &trino), Some(&bearer(&trino)));
    assert_eq!(world.got(stream), alices);
    assert!(world.calls.is_empty());
}

#[test]
fn a_session_that_is_over_is_not_opened_again_by_an_engines_secret() {
    let mut world = World::new(|_| {});
    let began = at(0).unix.as_secs() - 11 * HOUR;
    let alices = world.token("alice", "console", json!({"sid": "s", "auth_time": began}));
    let stream = world.ask(&refresh(&alices), Some(&bearer(&alices)));
    assert_eq!(world.refused(stream), (400, "invalid_grant"));
    let stream = world.ask(&refresh(&alices), Some(&basic("spark")));
    let own = world.of_program("spark");
    world.gives(&own);
    assert_eq!(world.refused(stream), (400, "invalid_grant"));
    assert!(world.calls.is_empty());
}

#[test]
fn nobody_rides_on_a_younger_chain_than_the_own() {
    let mut world = World::new(|_| {});
    let stolen = world.word("alice");
    world.waits(9 * HOUR);
    // Alice works again: Trino says so, and it is another token.
    let fresh = world.word("alice");
    assert_ne!(stolen, fresh);
    let stream = world.ask(&refresh(&stolen), Some(&bearer(&stolen)));
    assert_eq!(
        world.got(stream),
        fresh,
        "the same for all who ask the same"
    );
    world.waits(HOUR);
    let stream = world.ask(&refresh(&fresh), Some(&bearer(&fresh)));
    assert_eq!(world.refused(stream), (400, "invalid_grant"));
    // The engine proves itself, and goes on.
    let stream = world.ask(&refresh(&fresh), Some(&basic("trino")));
    let own = world.of_program("trino");
    world.gives(&own);
    let again = world.token("alice", "icegate-tokens", json!({}));
    world.gives(&again);
    assert_eq!(world.got(stream), again);
}

#[test]
fn an_impersonated_session_is_not_prolonged_as_the_persons_own() {
    let mut world = World::new(|file| {
        file["services"]["trino"]["speaks_for"]["by"] = json!("impersonation");
        file["issuers"]["corp"]["gate_tokens"]["life"] = json!("10s");
    });
    let trino = world.of_program("trino");
    let stream = world.ask(&exchange(&unsigned("alice"), &trino), Some(&bearer(&trino)));
    // Keycloak makes a session for it.
    let alices = world.token("alice", "icegate-tokens", json!({"sid": "s"}));
    world.gives(&alices);
    assert_eq!(world.got(stream), alices);
    world.waits(9);
    world.ask(&refresh(&alices), Some(&bearer(&alices)));
    let (_, call) = world.calls.pop().unwrap();
    let asked = String::from_utf8(call.body.expose().clone()).unwrap();
    assert!(asked.contains("requested_subject=alice"), "{asked}");
}

#[test]
fn a_persons_token_of_a_bound_engine_is_renewed_over_its_connection_only() {
    let mut world = World::new(|file| {
        file["services"]["trino"]["who"]["peer"] = json!("spiffe://lake.test/trino")
    });
    let trino = world.of_program("trino");
    let form = exchange(&unsigned("alice"), &trino);
    let own = Some("spiffe://lake.test/trino");
    let stream = world.head(Some(&bearer(&trino)), "10.0.0.1:1", own);
    world.body(stream, &form);
    let alices = world.token("alice", "icegate-tokens", json!({}));
    world.gives(&alices);
    for (peer, status) in [
        (None, 400),
        (Some("spiffe://lake.test/other"), 400),
        (own, 200),
    ] {
        let stream = world.head(Some(&bearer(&alices)), "10.0.0.2:1", peer);
        world.body(stream, &refresh(&alices));
        assert_eq!(world.answers[&stream].0, status, "{peer:?}");
    }
    assert!(world.calls.is_empty());
}

#[test]
fn a_denied_engine_speaks_for_nobody_any_more() {
    let mut world =
        World::new(|file| file["denied"] = json!([{"issuer": "corp", "sub": "id-of-trino"}]));
    let trino = world.of_program("trino");
    let stream = world.ask(&exchange(&unsigned("alice"), &trino), Some(&bearer(&trino)));
    assert_eq!(world.refused(stream), (400, "invalid_grant"));
    let alices = world.token("alice", "icegate-tokens", json!({}));
    let stream = world.ask(&refresh(&alices), Some(&basic("trino")));
    world.gives(&trino);
    assert_eq!(world.refused(stream), (400, "invalid_grant"));
    let stream = world.ask(&login("trino", SECRET), None);
    assert_eq!(world.refused(stream), (400, "invalid_grant"));
    assert!(world.calls.is_empty());
}

// -- crowds -----------------------------------------------------------------------------------------------------------

#[test]
fn a_name_that_was_refused_costs_no_second_question_for_a_moment() {
    let mut world = World::new(|_| {});
    let trino = world.of_program("trino");
    let form = exchange(&unsigned("nobody"), &trino);
    for _ in 0..2 {
        let stream = world.ask(&form, Some(&bearer(&trino)));
        world.refuses(400, "invalid_grant", "User not found");
        assert_eq!(world.refused(stream), (400, "invalid_grant"));
        for _ in 0..100 {
            let stream = world.ask(&form, Some(&bearer(&trino)));
            assert_eq!(world.refused(stream), (400, "invalid_grant"));
        }
        assert!(world.calls.is_empty());
        world.waits(3);
    }
}

#[test]
fn a_name_over_which_the_identity_provider_stumbles_makes_nobody_wait() {
    for profile in ["keycloak", "rfc8693"] {
        let mut world = World::new(|file| {
            file["issuers"]["corp"]["profile"] = json!(profile);
            file["issuers"]["corp"]["name_claim"] = json!("preferred_username");
        });
        let trino = world.of_program("trino");
        for name in ["x", "y", "z"] {
            world.ask(&exchange(&unsigned(name), &trino), Some(&bearer(&trino)));
            world.refuses(400, "invalid_grant", "another text");
        }
        assert_eq!(world.word("alice").split('.').count(), 3);
    }
}

#[test]
fn a_persons_useless_token_costs_no_second_question_for_a_moment() {
    let mut world = World::new(|_| {});
    let alices = world.token("alice", "console", json!({"sid": "s"}));
    world.ask(&refresh(&alices), Some(&bearer(&alices)));
    world.refuses(400, "invalid_request", "Invalid token");
    for _ in 0..100 {
        let stream = world.ask(&refresh(&alices), Some(&bearer(&alices)));
        assert_eq!(world.answers[&stream].0, 400);
    }
    assert!(world.calls.is_empty());
}

#[test]
fn the_gates_own_wrong_secret_stops_no_login_and_no_login_hides_it() {
    let mut world = World::new(|_| {});
    let alices = world.token("alice", "console", json!({"sid": "s"}));
    let stream = world.ask(&refresh(&alices), Some(&bearer(&alices)));
    world.refuses(401, "unauthorized_client", "");
    assert_eq!(world.answers[&stream].0, 503);
    // A stranger's wrong secret says nothing of the gate's.
    world.ask(&login("spark", "wrong"), None);
    world.refuses(401, "unauthorized_client", "");
    let stream = world.ask(&refresh(&alices), Some(&bearer(&alices)));
    assert_eq!((world.answers[&stream].0, world.calls.len()), (503, 0));
    let stream = world.ask(&login("spark", SECRET), None);
    let own = world.of_program("spark");
    world.gives(&own);
    assert_eq!(world.got(stream), own);
}

#[test]
fn an_engine_with_all_its_people_leaves_room_for_the_others() {
    let mut world = World::new(|_| {});
    let trino = world.of_program("trino");
    for number in 0..1_000 {
        let form = exchange(&unsigned(&format!("u{number}")), &trino);
        world.ask(&form, Some(&bearer(&trino)));
    }
    assert_eq!(world.calls.len(), limits::GRANTS_OF_ONE);
    world.calls.clear();
    let stream = world.ask(&login("spark", SECRET), None);
    let own = world.of_program("spark");
    world.gives(&own);
    assert_eq!(world.got(stream), own);
}

#[test]
fn whoever_withholds_a_form_makes_room_for_who_sends_one() {
    let mut world = World::new(|_| {});
    let authorization = format!("Bearer {}", "x".repeat(60_000));
    for _ in 0..2_000 {
        world.head(Some(&authorization), "10.0.0.9:1", None);
    }
    let census = world.broker.census();
    assert!(census.token_requests <= limits::TOKEN_REQUESTS);
    assert!(census.token_bytes <= limits::TOKEN_REQUESTS_BYTES);
    let stream = world.ask(&login("spark", SECRET), None);
    assert!(!world.answers.contains_key(&stream));
    // Its form has come, and it is not the slowest any more.
    for _ in 0..2_000 {
        world.head(None, "10.0.0.9:1", None);
    }
    let own = world.of_program("spark");
    world.gives(&own);
    assert_eq!(world.got(stream), own);
    assert_eq!(world.broker.census().parked_on_nothing, 0);
}

#[test]
fn a_form_takes_what_it_has_and_not_what_it_might_have_had() {
    let mut world = World::new(|_| {});
    let form = login("spark", SECRET);
    world.ask(&form, None);
    assert_eq!(world.broker.census().token_bytes, form.len());
}

#[test]
fn wrong_secrets_over_ten_thousand_connections_are_of_one_address() {
    let mut world = World::new(|_| {});
    let mut questions = 0;
    for number in 0..10_000_u32 {
        let source = format!("10.0.0.9:{}", 1_024 + number);
        let stream = world.head(None, &source, None);
        world.body(stream, &login("trino", &format!("wrong-{number}")));
        if !world.calls.is_empty() {
            questions += 1;
            world.refuses(401, "unauthorized_client", "");
        }
    }
    assert!((10..20).contains(&questions), "{questions}");
    // The engine itself, which never logged in here before.
    let stream = world.ask(&login("trino", SECRET), None);
    let own = world.of_program("trino");
    world.gives(&own);
    assert_eq!(world.got(stream), own);
}

#[test]
fn a_client_that_nobody_knows_costs_no_signature() {
    let mut world = World::new(|_| {});
    let forged = world
        .token("alice", "console", json!({}))
        .replace("Z29vZA", "YmFk");
    let before = world.signatures.get();
    let stream = world.ask(&refresh(&forged), Some(&basic("nobody")));
    assert_eq!(world.refused(stream), (401, "invalid_client"));
    assert_eq!(world.signatures.get(), before);
}

#[test]
fn gate_tokens_are_kept_by_their_bytes_too() {
    let mut world = World::new(|_| {});
    let mut long = String::new();
    while long.len() < 10_000 {
        let _ = write!(long, "group-{} ", long.len());
    }
    for number in 0..1_500 {
        let name = format!("u{number}");
        let trino = world.of_program("trino");
        world.ask(&exchange(&unsigned(&name), &trino), Some(&bearer(&trino)));
        let token = world.token(&name, "icegate-tokens", json!({"groups": long}));
        world.gives(&token);
    }
    let kept = &world.broker.endpoint.kept;
    assert!(
        kept.bytes() <= limits::GATE_TOKENS_BYTES,
        "{}",
        kept.bytes()
    );
    assert!((500..1_500).contains(&kept.len()), "{}", kept.len());
}
