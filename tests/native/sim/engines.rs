//! Engines at the token endpoint: what they send, what they got, and the story's own books of who may get what.

use base64::Engine as _;
use icegate::broker::{ArrivedBody, Issued, StreamId};
use icegate::identity::Proof;
use icegate::wire::RequestHead;
use serde_json::{Value, json};

use super::desk::{GATE, GATE_CLIENT, Given, LOGINS};
use super::invariants;
use super::tenants::{self, groups};
use super::world::{CI, CORP, Outcome, Request, World, config};
use crate::tokens::base64url;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// Where the gate's key set is.
pub(crate) const KEY_SET: &str = "/icegate/jwks.json";
/// The certificate that flink must connect with.
pub(crate) const FLINK: &str = "spiffe://example.com/flink";

/// Gate tokens of corp, and programs there:
///
/// - `trino` speaks for analysts, by assertion;
/// - `presto` speaks for alice and dave and whomever else its names hold, by impersonation;
/// - `dremio` speaks for alice and bob, where ci has signed it;
/// - `spark` speaks for nobody;
/// - `flink` calls over its own connection alone.
pub(crate) fn engines(limits: &Value) -> Value {
    let mut all = config(limits);
    add_engines(&mut all);
    all["denied"] = json!([{"issuer": "corp", "sub": "mallory"}]);
    all["audit"] = json!({"lines": "all"});
    all
}

/// The same beside tenants, where `trino` speaks for acme's people, and nobody else speaks.
pub(crate) fn engines_with_tenants(limits: &Value) -> Value {
    let mut all = tenants::tenants(limits);
    add_engines(&mut all);
    all["services"] = json!({
        "trino": {"who": {"issuer": "corp", "sub": "sa-trino", "azp": "trino"}, "may": ["config"], "tenant": "acme",
                  "speaks_for": {"by": "assertion", "tenants": ["acme"], "never": ["Root"]}},
        "spark": {"who": {"issuer": "corp", "sub": "sa-spark", "azp": "spark"}, "may": ["read"], "tenant": "acme"},
    });
    all
}

fn add_engines(all: &mut Value) {
    all["allow_on_headers_stop_iteration"] = true.into();
    all["issuers"]["corp"]["gate_tokens"] = json!({
        "client": {"id": GATE_CLIENT, "secret": {"env": "GATE_SECRET"}},
        "cluster": LOGINS,
        "scopes": {"catalog": "", "PRINCIPAL_ROLE:ALL": "", "lake": "to-icegate lake"},
        "assertion": {
            "issuer": GATE, "jwks_path": KEY_SET,
            "keys": [{"id": "g1", "key": {"env": "GATE_KEY"}}, {"id": "g2", "key": {"env": "GATE_NEXT_KEY"}}],
        },
    });
    let who = |id: &str| json!({"issuer": "corp", "sub": format!("sa-{id}"), "azp": id});
    all["services"] = json!({
        "trino": {"who": who("trino"), "may": ["config"],
                  "speaks_for": {"by": "assertion", "who": {"claim": "groups", "has": "/lake/analyst"}, "never": ["Root"]}},
        "presto": {"who": who("presto"), "may": ["config"],
                   "speaks_for": {"by": "impersonation",
                                  "names": ["alice", "dave", "nobody", "id-of-alice", "service-account-spark",
                                            "service-account-rogue"]}},
        "dremio": {"who": who("dremio"), "may": ["config"],
                   "speaks_for": {"by": "assertion", "names": ["alice", "bob"], "signed_by": "ci"}},
        "spark": {"who": who("spark"), "may": ["config", "read"]},
        "flink": {"who": {"issuer": "corp", "sub": "sa-flink", "azp": "flink", "peer": FLINK}, "may": ["config"],
                  "speaks_for": {"by": "assertion", "names": ["alice"]}},
    });
}

/// For whom a program's word may be taken, by the story's books. `signed`: it is.
fn may_speak(world: &World, program: &str, name: &str, signed: bool) -> bool {
    let of = |group: &str| groups(name).contains(&group);
    if matches!(name, "mallory" | "root") {
        return false;
    }
    match (program, world.config.tenancy.is_some()) {
        ("trino", true) => !signed && of("/t/acme") && !of("/t/globex"),
        ("trino", false) => !signed && of("/lake/analyst"),
        ("presto", false) => !signed && matches!(name, "alice" | "dave"),
        ("dremio", false) => signed && matches!(name, "alice" | "bob"),
        ("flink", false) => !signed && name == "alice",
        _ => false,
    }
}

/// How a client of the token endpoint proves itself in the header.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    Nothing,
    Bearer(String),
    Basic(String, String),
}

/// What is asked of the token endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) base: &'static str,
    pub(crate) auth: Auth,
    pub(crate) form: Vec<(&'static str, String)>,
    pub(crate) source: String,
    pub(crate) peer: Option<&'static str>,
}

impl Ask {
    fn new(auth: Auth, form: &[(&'static str, &str)]) -> Self {
        let form = form.iter();
        Self {
            base: "/iceberg",
            auth,
            form: form
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            source: "10.0.0.1:40000".to_owned(),
            peer: None,
        }
    }

    /// As Iceberg Java and PyIceberg log in.
    pub(crate) fn login(id: &str, secret: &str) -> Self {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("scope", "catalog"),
        ];
        Self::new(Auth::Nothing, &form)
    }

    /// As DuckDB does.
    pub(crate) fn login_by_basic(id: &str, secret: &str) -> Self {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "PRINCIPAL_ROLE:ALL"),
        ];
        Self::new(Auth::Basic(id.to_owned(), secret.to_owned()), &form)
    }

    /// An engine acts for whom a subject token names.
    pub(crate) fn act(actor: &str, subject: &str, kind: &str) -> Self {
        let form = [
            ("grant_type", EXCHANGE),
            ("scope", "catalog"),
            ("subject_token", subject),
            ("subject_token_type", kind),
            ("actor_token", actor),
            ("actor_token_type", ACCESS_TOKEN),
        ];
        Self::new(Auth::Bearer(actor.to_owned()), &form)
    }

    /// As Trino does for a user of whom it has no token.
    pub(crate) fn speak(actor: &str, name: &str) -> Self {
        Self::act(actor, &trinos_word(name, 1_771_200_000), JWT)
    }

    /// A token shows itself.
    pub(crate) fn refresh(token: &str) -> Self {
        let form = [
            ("grant_type", EXCHANGE),
            ("scope", "catalog"),
            ("subject_token", token),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        Self::new(Auth::Bearer(token.to_owned()), &form)
    }

    /// The same with the engine's login, as after its end.
    pub(crate) fn refresh_by(id: &str, secret: &str, token: &str) -> Self {
        Self {
            auth: Auth::Basic(id.to_owned(), secret.to_owned()),
            ..Self::refresh(token)
        }
    }

    pub(crate) fn at(self, base: &'static str) -> Self {
        Self { base, ..self }
    }

    pub(crate) fn from(self, source: impl Into<String>) -> Self {
        let source = source.into();
        Self { source, ..self }
    }

    pub(crate) fn over(self, peer: &'static str) -> Self {
        Self {
            peer: Some(peer),
            ..self
        }
    }

    /// With another value of a parameter; an empty one takes it away.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.form.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            self.form.push((name, value.to_owned()));
        }
        self
    }

    pub(crate) fn authorized(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }

    fn one(&self, name: &str) -> Option<&str> {
        let field = self.form.iter().find(|(known, _)| *known == name);
        field.map(|(_, value)| value.as_str())
    }

    pub(crate) fn body(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&self.form);
        form.finish()
    }

    /// Id and secret, wherever they stand.
    fn credentials(&self) -> Option<(String, String)> {
        match &self.auth {
            Auth::Basic(id, secret) => Some((id.clone(), secret.clone())),
            _ => Some((
                self.one("client_id")?.to_owned(),
                self.one("client_secret")?.to_owned(),
            )),
        }
    }
}

/// The unsigned word of Trino about its user.
pub(crate) fn trinos_word(name: &str, issued_at: u64) -> String {
    unsigned(&json!({
        "sub": name, "iss": "481", "iat": issued_at, "user": name, "source": "trino-cli", "trinoCatalog": "lake",
        "trinoVersion": "481",
    }))
}

/// An unsigned JWT of these claims.
pub(crate) fn unsigned(claims: &Value) -> String {
    let (header, claims) = (
        base64url(r#"{"alg":"none"}"#),
        base64url(claims.to_string()),
    );
    format!("{header}.{claims}.")
}

/// What a token says, signed or not.
pub(crate) fn claims_of(token: &str) -> Option<Value> {
    let part = token.split('.').nth(1)?;
    let part = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(part)
        .ok()?;
    serde_json::from_slice(&part).ok()
}

impl World {
    /// A gate with engines that has its keys.
    pub(crate) fn with_engines() -> Self {
        Self::of(&engines(&json!({})))
    }

    /// The gate's own key set, as it was configured.
    pub(super) fn gate_keys(&self) -> String {
        let mut issuers = self.config.issuers.iter();
        let rule = issuers.find_map(|issuer| issuer.gate_tokens.as_ref()?.assertion.as_ref());
        rule.map(icegate::config::AssertionRule::key_set)
            .unwrap_or_default()
    }

    /// The secret with which an engine logs in.
    pub(crate) fn secret(&self, id: &str) -> String {
        self.idps[CORP].desk.engines[id].clone()
    }

    /// An engine's own token, as the identity provider gives it for its login.
    pub(crate) fn program(&mut self, id: &str) -> String {
        self.program_with(id, 3600, &json!({}))
    }

    /// The same but for these claims.
    pub(crate) fn program_with(&mut self, id: &str, life: u64, others: &Value) -> String {
        let mut claims = json!({
            "azp": id, "preferred_username": format!("service-account-{id}"), "groups": null,
            "jti": format!("trrtcc:{}", self.true_seconds()),
        });
        for (name, value) in others.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        self.token_with(&format!("sa-{id}"), life, &claims)
    }

    /// A person's own token, of a session at the identity provider.
    pub(crate) fn signed_in(&mut self, person: &str, life: u64) -> String {
        self.token_with(
            person,
            life,
            &json!({"sid": format!("session-of-{person}")}),
        )
    }

    /// What a token is, by the identity provider's books or the story's.
    pub(super) fn given(&self, token: &str) -> Option<Given> {
        if let Some(given) = self.idps[CORP].desk.books.get(token) {
            return Some(given.clone());
        }
        let subject = self.subjects.get(token).filter(|subject| subject.genuine)?;
        let claims = claims_of(token)?;
        let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        Some(Given {
            who: subject.person.clone(),
            name: text("preferred_username"),
            program: subject.program,
            client: text("azp"),
            audience: claims["aud"].clone(),
            expires: subject.expires,
            session: subject.session,
        })
    }

    /// A request for a token arrives, and its form at once.
    pub(crate) fn ask(&mut self, ask: &Ask) -> StreamId {
        let stream = self.ask_head(ask);
        self.show_form(stream);
        stream
    }

    /// A request for a token arrives whose form is still to come.
    pub(crate) fn ask_head(&mut self, ask: &Ask) -> StreamId {
        let (path, length) = (
            format!("{}/v1/oauth/tokens", ask.base),
            ask.body().len().to_string(),
        );
        let authorization = match &ask.auth {
            Auth::Nothing => None,
            Auth::Bearer(token) => Some(format!("Bearer {token}")),
            Auth::Basic(id, secret) => Some(format!(
                "Basic {}",
                base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"))
            )),
        };
        let mut headers: Vec<(&[u8], &[u8])> = vec![
            (b":method", b"POST"),
            (b":path", path.as_bytes()),
            (b"x-request-id", b"r-1"),
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"content-length", length.as_bytes()),
        ];
        headers.extend(
            authorization
                .iter()
                .map(|value| (b"authorization".as_slice(), value.as_bytes())),
        );
        let mut head = RequestHead::read(headers.into_iter());
        head.source = Some(ask.source.as_bytes());
        head.peer = ask.peer.map(str::as_bytes);
        // A token that somebody sends must not be seen again.
        for token in [ask.one("subject_token"), ask.one("actor_token")] {
            self.plant(token.unwrap_or_default());
        }
        self.arrive(&head, path.clone(), ask.clone())
    }

    fn arrive(&mut self, head: &RequestHead<'_>, path: String, ask: Ask) -> StreamId {
        let stream = self.name_stream();
        let request = Request {
            token: String::new(),
            method: "POST".to_owned(),
            path,
            arrived: self.now.instant,
            outcome: Outcome::Waiting,
            minted: None,
            ticket: None,
            body: None,
            record: None,
            ask: Some(ask),
        };
        self.requests.insert(stream, request);
        self.waiting.insert(stream);
        self.broker.request(self.now, stream, head);
        self.settle();
        stream
    }

    /// A request for a token arrives with headers of the story's making.
    pub(crate) fn ask_headers(&mut self, headers: &[(&[u8], &[u8])]) -> StreamId {
        let head = RequestHead::read(headers.iter().copied());
        let path = String::from_utf8_lossy(head.path).into_owned();
        let ask = Ask::new(Auth::Nothing, &[]);
        self.arrive(&head, path, ask)
    }

    /// The form of a request for a token comes, if the gate wants to see it.
    pub(crate) fn show_form(&mut self, stream: StreamId) {
        let ask = self.requests[&stream].ask.as_ref().expect("a form");
        let body = ask.body();
        self.show_as(stream, ArrivedBody::Whole(body.as_bytes()));
    }

    /// The gate gave a token.
    pub(super) fn take_token(&mut self, stream: StreamId, issued: &Issued) {
        let head = issued.head();
        assert_eq!((head.status, head.details), (200, "token_issued"));
        let headers: Vec<(&str, &str)> = head
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(
            headers,
            [
                ("content-type", "application/json"),
                ("cache-control", "no-store"),
                ("pragma", "no-cache")
            ]
        );
        let body: Value = serde_json::from_slice(issued.body().expose()).expect("JSON");
        let members: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(
            members,
            [
                "access_token",
                "expires_in",
                "issued_token_type",
                "token_type"
            ]
        );
        assert_eq!(body["token_type"], "bearer");
        assert_eq!(body["issued_token_type"], ACCESS_TOKEN);
        let token = body["access_token"].as_str().expect("text").to_owned();
        // Iceberg Java reads it as a 32-bit number.
        let expires_in = body["expires_in"].as_i64().expect("an integer");
        let expires_in = u64::from(u32::try_from(expires_in).expect("a time"));
        check_issued(self, stream, &token, expires_in);
        let given = self.idps[CORP].desk.books[&token].clone();
        let subject = super::world::Subject {
            person: given.who,
            issuer: self.idps[CORP].issuer,
            expires: given.expires,
            genuine: true,
            program: given.program,
            session: given.session,
        };
        self.subjects.insert(token.clone(), subject);
        self.held.push(token.clone());
        let request = self.requests.get_mut(&stream).expect("a request");
        request.outcome = Outcome::Issued { token, expires_in };
    }

    /// The token that a request got.
    #[track_caller]
    pub(crate) fn issued(&self, stream: StreamId) -> String {
        match self.outcome(stream) {
            Outcome::Issued { token, .. } => token.clone(),
            other => panic!("no token: {other:?}"),
        }
    }

    /// For how long it is good, in seconds.
    #[track_caller]
    pub(crate) fn expires_in(&self, stream: StreamId) -> u64 {
        match self.outcome(stream) {
            Outcome::Issued { expires_in, .. } => *expires_in,
            other => panic!("no token: {other:?}"),
        }
    }

    /// Status, `error` and name of a refusal of the token endpoint.
    #[track_caller]
    pub(crate) fn oauth_refusal(&self, stream: StreamId) -> (u16, String, &'static str) {
        let reply = self.reply(stream);
        let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        let error = body["error"].as_str().expect("text").to_owned();
        (reply.status, error, reply.details)
    }

    /// Asks, and lets the identity provider answer.
    pub(crate) fn get(&mut self, ask: &Ask) -> StreamId {
        let stream = self.ask(ask);
        self.pass_ms(100);
        stream
    }

    /// Asks, and is refused.
    #[track_caller]
    pub(crate) fn refused(&mut self, ask: &Ask) -> (u16, String, &'static str) {
        let stream = self.get(ask);
        self.oauth_refusal(stream)
    }
}

/// A token that is given is the gate's and no catalog's, and names who was asked for by somebody who may.
fn check_issued(world: &World, stream: StreamId, token: &str, expires_in: u64) {
    let request = &world.requests[&stream];
    let ask = request.ask.as_ref().expect("a request for a token");
    let idp = &world.idps[CORP];
    let given = idp
        .desk
        .books
        .get(token)
        .expect("a token of the identity provider's");
    let audiences: Vec<&str> = match &given.audience {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    assert!(audiences.contains(&idp.gate), "not for the gate: {given:?}");
    let catalogs = ["catalog", "mart", "bots"];
    let of_catalog = |audience: &&str| catalogs.iter().any(|start| audience.starts_with(start));
    assert!(
        !audiences.iter().any(of_catalog),
        "for a catalog: {given:?}"
    );
    let now = world.now.unix.as_secs();
    assert!(
        expires_in >= 1 && expires_in <= (given.expires - now).max(1),
        "{expires_in} of {given:?}"
    );
    let kind = ask.one("grant_type").expect("a grant");
    if kind == "client_credentials" {
        let (id, secret) = ask.credentials().expect("credentials");
        assert!(idp.desk.ever_good.contains(&(id.clone(), secret)), "{id}");
        assert_eq!(
            (given.who.as_str(), given.client.as_str()),
            (format!("sa-{id}").as_str(), id.as_str())
        );
        assert!(given.program);
        return;
    }
    assert_eq!(kind, EXCHANGE);
    let token = ask.one("subject_token").expect("a subject");
    let subject = world.given(token);
    let claims = claims_of(token).expect("claims");
    let actor = ask.one("actor_token").map(|actor| {
        assert!(
            matches!(&ask.auth, Auth::Bearer(bearer) if bearer == actor),
            "another proof than the actor"
        );
        let subject = &world.subjects[actor];
        assert!(
            subject.genuine && subject.program,
            "the actor is {subject:?}"
        );
        assert!(now < subject.expires, "the actor is {subject:?}");
        subject
            .person
            .strip_prefix("sa-")
            .expect("a program")
            .to_owned()
    });
    match (&ask.auth, actor, &subject) {
        // An engine's word.
        (_, Some(actor), None) => {
            let signed = !token.ends_with('.');
            if signed {
                let subject = &world.subjects[token];
                assert!(
                    subject.genuine && subject.issuer == world.idps[CI].issuer,
                    "{subject:?}"
                );
            }
            let name = claims["sub"].as_str().expect("a name");
            assert_eq!(
                (given.name.as_str(), given.program),
                (name, false),
                "{given:?}"
            );
            assert!(
                may_speak(world, &actor, name, signed),
                "{actor} spoke for {name}"
            );
        }
        (auth, actor, Some(subject)) => {
            assert_eq!(
                (&given.who, given.program),
                (&subject.who, subject.program),
                "{given:?}"
            );
            let expired = now >= subject.expires;
            match (auth, actor) {
                (Auth::Bearer(bearer), None) => {
                    assert_eq!(bearer, token);
                    assert!(!expired, "{subject:?}");
                }
                (_, Some(_)) => assert!(!expired, "{subject:?}"),
                (_, None) => {
                    let login = ask.credentials().expect("a login");
                    assert!(idp.desk.ever_good.contains(&login), "{}", login.0);
                    let own = format!("sa-{}", login.0) == subject.who;
                    // What has ended goes on only as the engine itself, or where its word would be taken anyway.
                    let word = subject.client == GATE_CLIENT
                        && may_speak(world, &login.0, &subject.name, false);
                    assert!(!expired || own || word, "{} after {subject:?}", login.0);
                }
            }
        }
        other => panic!("given for {other:?}"),
    }
    assert_ne!(given.name, "mallory", "denied");
}

/// What a program may do at a catalog, where it is one.
pub(super) fn check_program(request: &Request, who: &str) {
    let Some(id) = who.strip_prefix("sa-") else {
        return;
    };
    let configures = request.path.contains("/v1/config");
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    let may = match id {
        "spark" => reads,
        "trino" | "presto" | "dremio" => configures,
        // Over its own connection alone, by which no request comes here.
        _ => false,
    };
    assert!(may, "{who}: {} {}", request.method, request.path);
}

/// Whether a request is for the token endpoint.
pub(super) fn is_for_token(request: &Request) -> bool {
    request.ask.is_some()
}

/// What is told of a request that got a token.
pub(super) fn check_record(world: &World, stream: StreamId) {
    let request = &world.requests[&stream];
    let (Some(record), Outcome::Issued { token, .. }) = (&request.record, &request.outcome) else {
        panic!("a record")
    };
    let given = &world.idps[CORP].desk.books[token];
    let caller = record.caller.as_ref().expect("a caller");
    assert_eq!(
        (&*caller.subject, caller.proof == Proof::Program),
        (given.who.as_str(), given.program)
    );
    assert!(record.issued && record.changes);
    assert_eq!((record.operation, record.refusal), ("getToken", None));
    invariants::holds_no_secret(world, &format!("{record:?}"));
    let ask = request.ask.as_ref().expect("a request for a token");
    let acts = ask.one("actor_token").is_some() || ask.credentials().is_some();
    // Where nobody proves an engine, a word is still that engine's.
    let word = caller.proof == Proof::EngineWord;
    assert!(record.actor.is_some() == acts || word, "{record:?}");
    let subject = ask.one("subject_token");
    if ask.one("actor_token").is_some() && world.given(subject.expect("a subject")).is_none() {
        assert_eq!(caller.proof, Proof::EngineWord, "{record:?}");
    }
}
