//! Clients of the token endpoint: what they send, and what they got.

use base64::Engine as _;
use icegate::broker::{ArrivedBody, Issued, StreamId};
use icegate::wire::RequestHead;
use serde_json::{Value, json};

use super::desk::Given;
use super::engine_books::check_issued;
use super::engines::{ACCESS_TOKEN, Ask, Auth, claims_of, engines};
use super::world::{CORP, Outcome, Request, World};

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
