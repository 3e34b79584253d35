//! Where an identity provider gives gate tokens: engines log in, the gate asserts or impersonates, tokens are exchanged.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use icegate::wire::HttpCall;
use jwt_simple::algorithms::{ECDSAP256PublicKeyLike, ES256PublicKey};
use jwt_simple::claims::NoCustomClaims;
use jwt_simple::common::VerificationOptions;
use jwt_simple::prelude::Duration as Time;
use serde_json::{Value, json};

use super::engines::ACCESS_TOKEN;
use super::idp::{Answer, Idp, Mint, SECRET};
use super::tenants;
use crate::tokens;

/// The gate's client for gate tokens.
pub(crate) const GATE_CLIENT: &str = "icegate-tokens";
pub(crate) const GATE_SECRET: &str = "CANARY-gate-client-secret";
/// The cluster for engines' logins, which adds no credential.
pub(crate) const LOGINS: &str = "corp-logins";
/// `iss` of the gate's assertions.
pub(crate) const GATE: &str = "https://gate.example.com";

/// What is asked for with a call for a gate token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) of: GrantOf,
    pub(crate) scope: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GrantOf {
    /// An engine's own login.
    Login { id: String, secret: String },
    /// An assertion of the gate's; `good`: it is verified, and of its time.
    Assertion { subject: String, good: bool },
    /// Somebody is to be impersonated.
    Impersonation { subject: String },
    /// A token is exchanged, for whom an engine acts that shows its own.
    Own {
        token: String,
        actor: Option<String>,
    },
}

/// A token that was given, by the identity provider's own books.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// `sub`.
    pub(crate) who: String,
    /// `preferred_username`.
    pub(crate) name: String,
    pub(crate) program: bool,
    pub(crate) client: String,
    pub(crate) audience: Value,
    /// Seconds since 1970.
    pub(crate) expires: u64,
    /// It belongs to a session.
    pub(crate) session: bool,
}

pub(crate) struct Desk {
    /// Secrets of engines, by their ids.
    pub(crate) engines: BTreeMap<&'static str, String>,
    /// Every id and secret that was good once.
    pub(crate) ever_good: BTreeSet<(String, String)>,
    /// Whom the subject of an assertion is linked to, and who is impersonated by a name or an id.
    pub(crate) links: BTreeMap<String, String>,
    /// Persons and programs who have signed out, or were disabled.
    pub(crate) ended: BTreeSet<String>,
    /// What the next calls get, each with the time that it takes.
    pub(crate) script: VecDeque<(Duration, Answer)>,
    /// What they get when the script is at its end.
    pub(crate) all: Answer,
    /// Seconds to the `exp` of what is given.
    pub(crate) life: i64,
    /// Everything that was asked for.
    pub(crate) asked: Vec<Grant>,
    /// Every `jti` of an assertion.
    seen: HashSet<String>,
    /// Everything that was given, whether right or wrong.
    pub(crate) books: HashMap<String, Given>,
}

impl Default for Desk {
    fn default() -> Self {
        let engines = ["trino", "presto", "dremio", "spark", "flink"];
        let engines = engines.map(|id| (id, format!("CANARY-secret-of-{id}")));
        let people = ["alice", "bob", "carol", "dave", "erin", "mallory", "root"];
        let people = people.map(|name| (name.to_owned(), name.to_owned()));
        let others = [
            ("service-account-spark", "service-account-spark"),
            ("service-account-rogue", "service-account-rogue"),
            ("id-of-alice", "alice"),
        ]
        .map(|(subject, name)| (subject.to_owned(), name.to_owned()));
        let ever_good = engines.iter();
        Self {
            ever_good: ever_good
                .map(|(id, secret)| ((*id).to_owned(), secret.clone()))
                .collect(),
            engines: engines.into(),
            links: people.into_iter().chain(others).collect(),
            ended: BTreeSet::new(),
            script: VecDeque::new(),
            all: Answer::Good,
            life: 600,
            asked: Vec::new(),
            seen: HashSet::new(),
            books: HashMap::new(),
        }
    }
}

impl Desk {
    /// The next call gets this.
    pub(crate) fn next(&mut self, answer: Answer) {
        self.script.push_back((Duration::from_millis(20), answer));
    }

    /// The next call gets this after a while.
    pub(crate) fn next_after(&mut self, delay: Duration, answer: Answer) {
        self.script.push_back((delay, answer));
    }

    /// An engine's secret is another one from now on.
    pub(crate) fn set_secret(&mut self, id: &'static str, secret: &str) {
        self.engines.insert(id, secret.to_owned());
        self.ever_good.insert((id.to_owned(), secret.to_owned()));
    }

    /// How many such questions came.
    pub(crate) fn count(&self, of: impl Fn(&GrantOf) -> bool) -> usize {
        self.asked.iter().filter(|grant| of(&grant.of)).count()
    }

    pub(crate) fn logins(&self) -> usize {
        self.count(|of| matches!(of, GrantOf::Login { .. }))
    }

    pub(crate) fn words(&self) -> usize {
        self.count(|of| {
            matches!(
                of,
                GrantOf::Assertion { .. } | GrantOf::Impersonation { .. }
            )
        })
    }

    pub(crate) fn exchanges(&self) -> usize {
        self.count(|of| matches!(of, GrantOf::Own { .. }))
    }
}

/// `id:secret` of HTTP Basic, each part form-encoded (RFC 6749 section 2.3.1).
fn basic(call: &HttpCall) -> (String, String) {
    use base64::Engine as _;
    let mut headers = call.headers.iter();
    let header = headers.find(|header| header.0 == "authorization");
    let header = header.expect("a client proves itself").1.expose();
    let encoded = header.strip_prefix("Basic ").expect("Basic");
    let pair = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .expect("base64");
    let pair = String::from_utf8(pair).expect("text");
    let (id, secret) = pair.split_once(':').expect("a pair");
    let decode = |part: &str| {
        let part = format!("x={part}");
        let mut parts = form_urlencoded::parse(part.as_bytes());
        parts.next().expect("a part").1.into_owned()
    };
    (decode(id), decode(secret))
}

/// A call for a gate token as it goes over the wire, with what every one must have; `None`: it is for a catalog. `now`:
/// the identity provider's time.
pub(super) fn read_grant(idp: &mut Idp, keys: &str, call: &HttpCall, now: u64) -> Option<Grant> {
    let (id, secret) = basic(call);
    let login = &*call.cluster == LOGINS;
    if !login && id != GATE_CLIENT {
        return None;
    }
    let body = call.body.expose();
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let one = |name: &str| {
        let mut values = form.iter().filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| value.clone());
        assert!(values.next().is_none(), "{name} twice");
        value
    };
    for credential in ["client_id", "client_secret", "client_assertion"] {
        assert_eq!(one(credential), None, "two proofs of one client");
    }
    let of = match one("grant_type").as_deref() {
        Some("client_credentials") => {
            assert!(login, "a login through a cluster of the gate's");
            assert!(
                id != GATE_CLIENT && id != "icegate" && secret != SECRET && secret != GATE_SECRET,
                "the gate logs in as an engine"
            );
            GrantOf::Login { id, secret }
        }
        kind => {
            assert_eq!((id.as_str(), secret.as_str()), (GATE_CLIENT, GATE_SECRET));
            assert!(!login, "the gate through the cluster of logins");
            match kind {
                Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => {
                    idp.assertion(keys, &one("assertion").expect("an assertion"), now)
                }
                Some("urn:ietf:params:oauth:grant-type:token-exchange") => {
                    match (one("subject_token"), one("requested_subject")) {
                        (Some(token), None) => {
                            let actor = one("actor_token");
                            let kind = one("actor_token_type");
                            assert_eq!(kind.as_deref(), actor.as_ref().map(|_| ACCESS_TOKEN));
                            GrantOf::Own { token, actor }
                        }
                        (None, Some(subject)) => GrantOf::Impersonation { subject },
                        _ => panic!("an exchange of nothing"),
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    };
    Some(Grant {
        of,
        scope: one("scope"),
    })
}

impl Idp {
    /// Reads and verifies an assertion of the gate's with another implementation of JWT than the gate's.
    #[allow(
        clippy::result_large_err,
        reason = "an answer is what a refusal is here"
    )]
    fn assertion(&mut self, keys: &str, assertion: &str, now: u64) -> GrantOf {
        let part = |number: usize| -> Value {
            use base64::Engine as _;
            let part = assertion.split('.').nth(number).expect("three parts");
            let part = base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(part)
                .expect("base64url");
            serde_json::from_slice(&part).expect("JSON")
        };
        let (header, claims) = (part(0), part(1));
        let keys: Value = serde_json::from_str(keys).expect("a key set");
        let mut keys = keys["keys"].as_array().expect("keys").iter();
        let key = keys.find(|key| key["kid"] == header["kid"]);
        let key = key.expect("the gate publishes the key that it signs with");
        assert_eq!(header["alg"], key["alg"]);
        let coordinate = |name: &str| {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(key[name].as_str().expect("a coordinate"))
                .expect("base64url")
        };
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let key = ES256PublicKey::from_bytes(&point).expect("a point");
        // Times are compared below, with the identity provider's clock.
        let options = VerificationOptions {
            artificial_time: claims["iat"].as_u64().map(Time::from_secs),
            ..VerificationOptions::default()
        };
        let verified = key.verify_token::<NoCustomClaims>(assertion, Some(options));
        assert!(verified.is_ok(), "{verified:?}");
        let mut members: Vec<&String> = claims.as_object().expect("claims").keys().collect();
        members.sort();
        assert_eq!(members, ["act", "aud", "exp", "iat", "iss", "jti", "sub"]);
        assert!(claims["act"]["client_id"].is_string(), "who acts: {claims}");
        assert_eq!(claims["iss"], GATE);
        assert_eq!(claims["aud"], self.issuer, "one audience, exactly");
        let number = |name: &str| claims[name].as_u64().expect("a time");
        let (issued, expires) = (number("iat"), number("exp"));
        assert!((1..=60).contains(&(expires - issued)), "{claims}");
        let jti = claims["jti"].as_str().expect("text");
        assert!(self.desk.seen.insert(jti.to_owned()), "{jti} again");
        GrantOf::Assertion {
            subject: claims["sub"].as_str().expect("text").to_owned(),
            good: now < expires && issued <= now + 15,
        }
    }

    /// What it says to a question for a gate token. `subject`: what its books or the story's say of a token that is exchanged;
    /// `actor`: who acts.
    #[allow(
        clippy::result_large_err,
        reason = "an answer is what a refusal is here"
    )]
    pub(super) fn give(
        &mut self,
        now: u64,
        grant: &Grant,
        subject: Option<Given>,
        actor: Option<&str>,
        how: &Mint,
    ) -> Result<(Vec<u8>, String), Answer> {
        let gate = Value::from(self.gate);
        let error = |status: u16, error: &str, description: &str| {
            let body = json!({"error": error, "error_description": description});
            Answer::says(status, body.to_string())
        };
        let (mut given, grade) = match &grant.of {
            GrantOf::Login { id, secret } => match self.desk.engines.get(id.as_str()) {
                Some(good) if good == secret => {
                    let given = Given {
                        who: format!("sa-{id}"),
                        name: format!("service-account-{id}"),
                        program: true,
                        client: id.clone(),
                        audience: gate,
                        expires: 0,
                        session: false,
                    };
                    (given, "trrtcc")
                }
                Some(_) => {
                    return Err(error(
                        401,
                        "unauthorized_client",
                        "Invalid client or Invalid client credentials",
                    ));
                }
                None => {
                    return Err(error(
                        401,
                        "invalid_client",
                        "Invalid client or Invalid client credentials",
                    ));
                }
            },
            GrantOf::Assertion { good: false, .. } => {
                return Err(error(400, "invalid_grant", "Token is not active"));
            }
            GrantOf::Assertion { subject, .. } => match self.desk.links.get(subject) {
                Some(name) if !self.desk.ended.contains(name) => {
                    (named(name, gate, false), "trrtag")
                }
                Some(_) => return Err(error(400, "invalid_grant", "User is not enabled")),
                None => return Err(error(400, "invalid_grant", "User not found")),
            },
            GrantOf::Impersonation { subject } => match self.desk.links.get(subject) {
                // A session is made for it.
                Some(name) if !self.desk.ended.contains(name) => {
                    (named(name, gate, true), "onrtte")
                }
                _ => {
                    return Err(error(
                        403,
                        "access_denied",
                        "Client not allowed to exchange",
                    ));
                }
            },
            GrantOf::Own { .. } => match subject {
                Some(subject)
                    if now < subject.expires && !self.desk.ended.contains(&subject.who) =>
                {
                    let given = Given {
                        client: GATE_CLIENT.to_owned(),
                        audience: gate,
                        ..subject
                    };
                    (given, "onrtte")
                }
                _ => return Err(error(400, "invalid_request", "Invalid token")),
            },
        };
        if let Some(person) = &how.person {
            given.who.clone_from(person);
            given.name.clone_from(person);
        }
        if let Some(audience) = &how.audience {
            given.audience = audience.clone();
        }
        let life = how.life.unwrap_or(self.desk.life);
        given.expires = now.saturating_add_signed(life);
        let number = self.desk.books.len();
        let token = if how.opaque {
            format!("CANARY-opaque-{number}")
        } else {
            let mut claims = tokens::claims(
                self.issuer,
                given.audience.clone(),
                &given.who,
                given.expires,
            );
            claims["iat"] = now.min(given.expires).into();
            claims["azp"] = given.client.as_str().into();
            claims["preferred_username"] = given.name.as_str().into();
            claims["jti"] = format!("{grade}:{number}").into();
            if given.session {
                claims["sid"] = format!("session-of-{}", given.who).into();
            }
            if let Some(actor) = actor {
                claims["act"] = json!({"sub": actor});
            }
            if !given.program {
                claims["groups"] = tenants::groups(&given.who).into();
            }
            let token = self.sign(&mut claims, how);
            let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
            (given.who, given.name) = (text("sub"), text("preferred_username"));
            (given.client, given.audience) = (text("azp"), claims["aud"].clone());
            given.session = claims["sid"].is_string();
            token
        };
        self.desk.books.insert(token.clone(), given);
        let expires_in = how.expires_in.clone().unwrap_or_else(|| life.into());
        let body = json!({
            "access_token": token, "expires_in": expires_in, "refresh_expires_in": 0, "token_type": "Bearer",
            "not-before-policy": 0, "scope": "to-icegate",
        });
        Ok((body.to_string().into_bytes(), token))
    }
}

fn named(name: &str, audience: Value, session: bool) -> Given {
    let program = name.strip_prefix("service-account-");
    Given {
        who: program.map_or_else(|| name.to_owned(), |id| format!("sa-{id}")),
        name: name.to_owned(),
        program: program.is_some(),
        client: GATE_CLIENT.to_owned(),
        audience,
        expires: 0,
        session,
    }
}
