//! An identity provider that does what the story says, with real keys and real signatures.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use icegate::jose::{
    Algorithm, CompactJws, Crypto, Fingerprint, JwkMaterial, RustCrypto, SigningKey, VerifyingKey,
};
use serde_json::{Value, json};

use super::desk::Desk;
use crate::tokens::{self, Signer};

/// The secret of the gate's client, which must never be seen outside of a call.
pub(crate) const SECRET: &str = "CANARY-client-secret";

/// What an identity provider does with one call.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// What the call asks for.
    Good,
    /// A token that differs from what was asked for.
    Mint(Mint),
    /// These bytes.
    Says {
        status: u16,
        retry_after: Option<String>,
        body: Vec<u8>,
    },
    /// Envoy refuses to send the call.
    NotSent,
    /// No headers come back.
    Broken,
    /// More bytes than are read.
    TooLarge,
    /// Nothing, until Envoy's own timeout writes a 504.
    Hangs,
    /// Nothing at all: the host never comes back to this call.
    Lost,
}

impl Answer {
    pub(crate) fn says(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Says {
            status,
            retry_after: None,
            body: body.into(),
        }
    }

    /// Envoy's answer when nobody listens.
    pub(crate) fn refused_connection() -> Self {
        Self::says(
            503,
            "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
        )
    }

    /// Envoy's answer when its timeout passes.
    pub(crate) fn timeout() -> Self {
        Self::says(504, "upstream request timeout")
    }
}

/// How a minted token differs from the right one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mint {
    /// Its `sub`, when it is not the caller's.
    pub(crate) person: Option<String>,
    /// Its `aud`, when it is not the one that was asked for.
    pub(crate) audience: Option<Value>,
    /// Seconds to its `exp`; 600 when not said, as Keycloak has it. Negative: it has expired.
    pub(crate) life: Option<i64>,
    /// `expires_in`; the life when not said.
    pub(crate) expires_in: Option<Value>,
    /// A token that is no JWT.
    pub(crate) opaque: bool,
    /// Its signer, when it is not the current one.
    pub(crate) signer: Option<Key>,
    /// Claims in place of those that it would have; `null` takes one away.
    pub(crate) claims: Option<Value>,
}

impl Mint {
    /// One with other claims.
    pub(crate) fn with(claims: Value) -> Self {
        Self {
            claims: Some(claims),
            ..Self::default()
        }
    }
}

/// A signer, by its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(pub(crate) &'static str);

/// What a token that the gate may forward says, by the identity provider's own books.
#[derive(Clone, Debug)]
pub(crate) struct Minted {
    pub(crate) person: String,
    pub(crate) audience: Value,
    /// Seconds since 1970.
    pub(crate) expires: u64,
}

/// One token that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// Empty where a client asks for its own account.
    pub(crate) subject_token: String,
    pub(crate) audience: String,
    /// The client that asks for its own account.
    pub(crate) own: Option<String>,
}

/// For what the accounts of programs are good, since no audience is asked for.
const OWN_AUDIENCES: [&str; 5] = ["catalog", "mart", "bots", "catalog-acme", "mart-acme"];

pub(crate) struct Idp {
    pub(crate) name: &'static str,
    pub(crate) issuer: &'static str,
    /// The audience of the gate's own tokens.
    pub(crate) gate: &'static str,
    /// What the metadata calls its issuer.
    pub(crate) says_issuer: String,
    /// Published keys.
    pub(crate) keys: Vec<Rc<Signer>>,
    /// The key that signs.
    pub(crate) signer: Rc<Signer>,
    rotations: u32,
    /// What the next exchanges get, each with the time that it takes.
    pub(crate) script: VecDeque<(Duration, Answer)>,
    /// What every exchange for this person gets.
    pub(crate) for_person: Option<(&'static str, Answer)>,
    /// What they get when the script is at its end.
    pub(crate) exchanges: Answer,
    /// How fetches of metadata end.
    pub(crate) metadata: Answer,
    /// How fetches of keys end.
    pub(crate) jwks: Answer,
    /// The time that an answer takes.
    pub(crate) delay: Duration,
    /// Exchanges that were asked for.
    pub(crate) asked: Vec<Exchange>,
    /// Paths to which exchanges were sent.
    pub(crate) token_paths: Vec<String>,
    pub(crate) metadata_calls: usize,
    pub(crate) key_calls: usize,
    /// Everything that it minted, whether right or wrong.
    pub(crate) books: HashMap<String, Minted>,
    /// Where gate tokens are given.
    pub(crate) desk: Desk,
}

impl Idp {
    pub(crate) fn new(name: &'static str, issuer: &'static str, gate: &'static str) -> Self {
        let signer = signer(&format!("{name}-0"));
        Self {
            name,
            issuer,
            gate,
            says_issuer: issuer.to_owned(),
            keys: vec![Rc::clone(&signer)],
            signer,
            rotations: 0,
            script: VecDeque::new(),
            for_person: None,
            exchanges: Answer::Good,
            metadata: Answer::Good,
            jwks: Answer::Good,
            delay: Duration::from_millis(20),
            asked: Vec::new(),
            token_paths: Vec::new(),
            metadata_calls: 0,
            key_calls: 0,
            books: HashMap::new(),
            desk: Desk::default(),
        }
    }

    /// The next exchange gets this.
    pub(crate) fn next(&mut self, answer: Answer) {
        let delay = self.delay;
        self.script.push_back((delay, answer));
    }

    /// The next exchange gets this after a while.
    pub(crate) fn next_after(&mut self, delay: Duration, answer: Answer) {
        self.script.push_back((delay, answer));
    }

    /// Everything ends like this from now on.
    pub(crate) fn all(&mut self, answer: &Answer) {
        self.exchanges = answer.clone();
        self.desk.all = answer.clone();
        self.metadata = answer.clone();
        self.jwks = answer.clone();
    }

    /// Signs with a new key from now on. The old ones stay published, or not.
    pub(crate) fn rotate(&mut self, keep: bool) {
        self.rotations += 1;
        self.signer = signer(&format!("{}-{}", self.name, self.rotations));
        if !keep {
            self.keys.clear();
        }
        self.keys.push(Rc::clone(&self.signer));
    }

    pub(crate) fn metadata_body(&self) -> Vec<u8> {
        json!({
            "issuer": self.says_issuer,
            "jwks_uri": format!("{}/keys", self.issuer),
            "token_endpoint": format!("{}/token", self.issuer),
        })
        .to_string()
        .into_bytes()
    }

    pub(crate) fn jwks_body(&self) -> Vec<u8> {
        tokens::key_set(self.keys.iter().map(|key| &**key)).into_bytes()
    }

    /// A token of these claims, as far as `how` has no others.
    pub(super) fn sign(&self, claims: &mut Value, how: &Mint) -> String {
        let others = how.claims.iter().filter_map(Value::as_object).flatten();
        for (name, value) in others {
            claims[name] = value.clone();
        }
        if let Value::Object(claims) = claims {
            claims.retain(|_, value| !value.is_null());
        }
        let other = how.signer.map(|Key(name)| signer(name));
        sign(other.as_ref().unwrap_or(&self.signer), claims)
    }

    /// The answer with a token for `person`, or for the own account of the client of that name, entered in the books.
    pub(crate) fn mint(
        &mut self,
        now: u64,
        person: &str,
        audience: Option<&str>,
        how: &Mint,
    ) -> Vec<u8> {
        let person = how.person.as_deref().unwrap_or(person);
        let own = audience.is_none();
        let good = audience.map_or_else(|| json!(OWN_AUDIENCES), Value::from);
        let audience = how.audience.clone().unwrap_or(good);
        let life = how.life.unwrap_or(600);
        let expires = now.saturating_add_signed(life);
        let token = if how.opaque {
            format!("CANARY-opaque-{person}")
        } else {
            let mut claims = tokens::claims(self.issuer, audience.clone(), person, expires);
            claims["iat"] = now.min(expires).into();
            claims["azp"] = "icegate".into();
            claims["jti"] = format!("minted:{}", self.asked.len()).into();
            if own {
                claims["azp"] = person.into();
                claims["sub"] = format!("{person}-sa").into();
                claims["preferred_username"] = format!("service-account-{person}").into();
            }
            self.sign(&mut claims, how)
        };
        let book = Minted {
            person: person.to_owned(),
            audience,
            expires,
        };
        self.books.insert(token.clone(), book);
        let expires_in = how.expires_in.clone().unwrap_or_else(|| life.into());
        json!({
            "access_token": token, "expires_in": expires_in, "token_type": "Bearer",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        })
        .to_string()
        .into_bytes()
    }
}

thread_local! {
    static SIGNERS: RefCell<HashMap<String, Rc<Signer>>> = RefCell::default();
    static SIGNED: RefCell<HashMap<(usize, String), String>> = RefCell::default();
    static VERIFIED: RefCell<HashMap<(Fingerprint, String), bool>> = RefCell::default();
}

/// The signer of that name, made once.
pub(crate) fn signer(name: &str) -> Rc<Signer> {
    SIGNERS.with_borrow_mut(|signers| {
        let made = || Rc::new(Signer::new(name));
        Rc::clone(signers.entry(name.to_owned()).or_insert_with(made))
    })
}

/// A signature takes milliseconds in a build for tests, so each is made once. Signers of [`signer`] live as
/// long as the thread.
pub(crate) fn sign(signer: &Rc<Signer>, claims: &Value) -> String {
    let key = (Rc::as_ptr(signer) as usize, claims.to_string());
    SIGNED.with_borrow_mut(|signed| {
        bound(signed);
        signed
            .entry(key)
            .or_insert_with(|| signer.sign(claims))
            .clone()
    })
}

/// A fuzzer tells stories for hours.
fn bound<K, V>(remembered: &mut HashMap<K, V>) {
    if remembered.len() > 20_000 {
        remembered.clear();
    }
}

/// Real verification, each token with each key once.
pub(crate) struct Remembering;

struct RememberingKey(Fingerprint, Box<dyn VerifyingKey>);

impl Crypto for Remembering {
    fn load(&self, material: &JwkMaterial) -> Option<Box<dyn VerifyingKey>> {
        let key = RustCrypto.load(material)?;
        Some(Box::new(RememberingKey(material.fingerprint(), key)))
    }

    fn load_signing_key(&self, pem: &str) -> Option<Box<dyn SigningKey>> {
        RustCrypto.load_signing_key(pem)
    }
}

impl VerifyingKey for RememberingKey {
    fn verify(&self, algorithm: Algorithm, jws: &CompactJws<'_>) -> bool {
        let key = (self.0, jws.text().to_owned());
        let known = VERIFIED.with_borrow(|verified| verified.get(&key).copied());
        known.unwrap_or_else(|| {
            let verdict = self.1.verify(algorithm, jws);
            VERIFIED.with_borrow_mut(|verified| {
                bound(verified);
                verified.insert(key, verdict)
            });
            verdict
        })
    }
}
