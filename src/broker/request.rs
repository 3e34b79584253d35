//! From a request's head to its first decision: read, parse, and what is at hand already.

use std::rc::Rc;

use super::bodies::bodies_full;
use super::parked::{Parked, RequestBody, Wait};
use super::record::Told;
use super::{Broker, StreamId};
use crate::cache::{Known, SubjectToken};
use crate::clock::Now;
use crate::config::{Catalog, CatalogId, Config};
use crate::iceberg::{self, Body, Method, Operation, PathFault, Query, Route, Wishes, read_query};
use crate::identity::Caller;
use crate::oauth::{self, BearerFault};
use crate::policy::{self, Decision};
use crate::refusal::{Reason, Refusal};
use crate::telemetry::CacheEvent;
use crate::wire::{Authorization, RequestHead};

/// What a refusal says about the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub(super) catalog: Option<CatalogId>,
    pub(super) operation: Option<Operation>,
    pub(super) safe: bool,
    pub(super) head: bool,
    pub(super) reference: &'a str,
    pub(super) traceparent: Option<&'a str>,
}

/// A request's head, read and parsed.
pub(super) struct Intake<'a> {
    pub(super) method: Method,
    pub(super) catalog: CatalogId,
    pub(super) route: Route<'a>,
    pub(super) query: Query,
    pub(super) wishes: Wishes,
    pub(super) token: &'a str,
    /// What the connection's certificate names, where a program is held to that.
    pub(super) peer: Option<Rc<str>>,
    pub(super) reads_body: bool,
    /// As many as its body has at most.
    pub(super) body_bytes: usize,
}

/// How a request's body came.
#[derive(Clone, Copy)]
pub enum ArrivedBody<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It is longer than was asked for.
    TooLarge,
    /// Trailers came behind it.
    WithTrailers,
}

impl Broker {
    /// A request's headers arrived. When it has not been released afterwards, [`awaits_body`](Self::awaits_body)
    /// says whether its body must be collected and held back.
    pub fn request(&mut self, now: Now, stream: StreamId, head: &RequestHead<'_>) {
        // Whoever had this name before has gone, even if nobody said so: their exchange must not answer
        // this request.
        self.request_gone(now, stream);
        let reference = harmless(head.request_id).unwrap_or("-");
        let traceparent = harmless(head.traceparent);
        let mut about = About {
            catalog: None,
            operation: None,
            safe: matches!(head.method, b"GET" | b"HEAD"),
            head: head.method == b"HEAD",
            reference,
            traceparent,
        };
        if self.serves_key_set(stream, head) {
            return self.settle();
        }
        if let Some(place) = self.token_endpoint_of(head) {
            about.catalog = Some(place.0);
            about.operation = Some(Operation::GetToken);
            about.safe = true;
            self.token_request(now, stream, head, &about, place);
            return self.settle();
        }
        match Self::intake(&self.config, head) {
            Ok(intake) => {
                about.catalog = Some(intake.catalog);
                about.operation = Some(intake.route.operation);
                if intake.reads_body && !self.bodies.take(intake.body_bytes) {
                    self.refuse(now, stream, &about, &bodies_full(), Told::default());
                } else if !self.decide_at_once(now, stream, &intake, &about) {
                    // Of a request with a body it is told when its token is looked for.
                    if !intake.reads_body {
                        self.tally.cache(CacheEvent::Miss, 1);
                    }
                    let parked = self.parked(now, head, &intake, &about);
                    self.advance(now, stream, parked);
                }
            }
            Err((catalog, refusal)) => {
                about.catalog = catalog;
                self.refuse(now, stream, &about, &refusal, Told::default());
            }
        }
        self.settle();
    }

    /// Whether a request that waits needs its body first, and at most how many bytes of it are read. Nothing of
    /// it goes to the catalog before the request is released.
    pub fn awaits_body(&self, stream: StreamId) -> Option<usize> {
        let Some(parked) = self.parked.get(&stream) else {
            return self.endpoint.awaits_form(stream);
        };
        matches!(parked.body, RequestBody::Awaited).then_some(parked.body_bytes)
    }

    /// The body arrived that [`awaits_body`](Self::awaits_body) asked for.
    pub fn body(&mut self, now: Now, stream: StreamId, body: ArrivedBody<'_>) {
        if self.token_form(now, stream, body) {
            return self.settle();
        }
        let waits = self.parked.get(&stream).map(|parked| &parked.body);
        if !matches!(waits, Some(RequestBody::Awaited)) {
            return;
        }
        let Some(mut parked) = self.remove_parked(stream) else {
            return;
        };
        let read = read_body(&self.config, parked.operation, body);
        match read {
            Ok(body) => {
                // The host puts the bytes back; what was read of them stays.
                parked.body_bytes = body.footprint();
                parked.body = RequestBody::Read(Box::new(body));
                match parked.wait {
                    Wait::Body(_) if now.instant < parked.deadline => {
                        // What is still to be waited for is the identity provider's time again.
                        parked.deadline = now.instant.plus(self.config.limits.request_deadline);
                        self.advance(now, stream, parked);
                    }
                    Wait::Body(_) => self.advance(now, stream, parked),
                    _ if self.bodies.keep(&parked) => self.insert_parked(stream, parked),
                    _ => {
                        self.leave_flight(stream, &parked);
                        self.refuse_parked(now, stream, &parked, &bodies_full());
                    }
                }
            }
            Err(refusal) => {
                self.leave_flight(stream, &parked);
                self.refuse(now, stream, &parked.about(), &refusal, Told::of(&parked));
            }
        }
        self.settle();
    }

    fn parked(
        &self,
        now: Now,
        head: &RequestHead<'_>,
        intake: &Intake<'_>,
        about: &About<'_>,
    ) -> Parked {
        Parked {
            method: intake.method,
            path: head.path.into(),
            catalog: intake.catalog,
            operation: intake.route.operation,
            wishes: intake.wishes,
            reference: about.reference.into(),
            traceparent: about.traceparent.map(Into::into),
            token: SubjectToken::new(intake.token),
            peer: intake.peer.clone(),
            caller: None,
            body: match intake.reads_body {
                true => RequestBody::Awaited,
                false => RequestBody::NotRead,
            },
            body_bytes: intake.body_bytes,
            exchanged: false,
            minted: None,
            deadline: now.instant.plus(self.config.limits.request_deadline),
            wait: Wait::Nothing,
            awake: false,
        }
    }

    /// Reads and parses a head. A refusal comes with the catalog, where one is known.
    pub(super) fn intake<'a>(
        config: &Config,
        head: &RequestHead<'a>,
    ) -> Result<Intake<'a>, (Option<CatalogId>, Refusal)> {
        if head.method.is_empty() || head.path.is_empty() {
            let sentence = "the request has no method or no path";
            return Err((None, Refusal::new(Reason::MalformedHead, sentence)));
        }
        if head.upgrade {
            let sentence = "the gate passes no upgrades to another protocol";
            return Err((None, Refusal::new(Reason::UpgradeRefused, sentence)));
        }
        let method = Method::from_bytes(head.method);
        let catalog = config
            .catalogs
            .iter()
            .zip(0_u16..)
            .find(|(catalog, _)| catalog.layout.owns(head.path))
            .map(|(catalog, position)| (CatalogId(position), catalog));
        let id = catalog.map(|(id, _)| id);
        let route = catalog.map(|(_, catalog)| iceberg::route(method, head.path, &catalog.layout));
        match &route {
            Some(Ok(Route {
                operation: Operation::GetToken,
                ..
            })) => {
                let sentence = "this gate does not answer the token endpoint: get a token for the gate at the \
                                identity provider (set oauth2-server-uri, or pass the token itself)";
                return Err((id, Refusal::new(Reason::TokenEndpointOff, sentence)));
            }
            Some(Err(fault @ PathFault::TokenInQuery)) => return Err((id, (*fault).into())),
            _ => {}
        }
        let token = read_bearer(head.authorization).map_err(|refusal| (id, refusal))?;
        let (catalog, route) = match (catalog, route) {
            (Some(catalog), Some(Ok(route))) => (catalog, route),
            (Some(_), Some(Err(fault))) => return Err((id, fault.into())),
            _ => {
                let sentence = "no catalog of this gate lies under this path";
                return Err((None, Refusal::new(Reason::PathOutside, sentence)));
            }
        };
        let mut intake = Intake {
            method,
            catalog: catalog.0,
            route,
            query: Query::default(),
            wishes: Wishes::default(),
            token,
            peer: head.peer.and_then(|named| config.peer(named)).cloned(),
            reads_body: false,
            body_bytes: 0,
        };
        Self::look_closer(config, head, &mut intake, catalog.1).map_err(|refusal| (id, refusal))?;
        Ok(intake)
    }

    /// What only some rules need.
    fn look_closer(
        config: &Config,
        head: &RequestHead<'_>,
        intake: &mut Intake<'_>,
        catalog: &Catalog,
    ) -> Result<(), Refusal> {
        if config.tenancy.is_some() {
            intake.query = read_query(&intake.route, &catalog.layout)?;
        }
        head.delegation
            .iter()
            .for_each(|line| intake.wishes.hear(line));
        intake.reads_body = policy::reads_body(config, intake.catalog, &intake.route);
        if !intake.reads_body {
            return Ok(());
        }
        // Some catalogs unpack bodies and guess their character set.
        if head.encoded || !head.content_type.is_none_or(is_utf8) {
            return Err(Refusal::new(
                Reason::BodyEncoded,
                "a rule of this gate depends on the request's body: send it without Content-Encoding, and as UTF-8",
            ));
        }
        let most = config.limits.request_body;
        intake.body_bytes = head.content_length.unwrap_or(most);
        if intake.body_bytes > most {
            return Err(body_too_large(config));
        }
        Ok(())
    }

    /// The hot path: caller, policy and minted token, if all is at hand. `false`: it is not, and nothing happened.
    fn decide_at_once(
        &mut self,
        now: Now,
        stream: StreamId,
        intake: &Intake<'_>,
        about: &About<'_>,
    ) -> bool {
        if intake.reads_body {
            return false;
        }
        let Some((subject, entry)) = self.cache.get(intake.token) else {
            return false;
        };
        let caller = entry.caller();
        if now.unix >= caller.accepted_until() {
            let (refusal, caller) = (expired(caller, now), Rc::clone(caller));
            self.cache.forget(intake.token);
            self.refuse(now, stream, about, &refusal, Told::caller(&caller));
            return true;
        }
        let seen = self.prefixes.seen(caller);
        let asked = policy::Asked {
            catalog: intake.catalog,
            route: &intake.route,
            query: &intake.query,
            wishes: intake.wishes,
            body: None,
            peer: intake.peer.as_deref(),
        };
        match policy::decide(&self.config, &seen, caller, &asked) {
            Ok(Decision::Yes(permit)) => match entry.at(permit.context(), now) {
                Known::Minted(minted) => {
                    let (minted, subject) = (Rc::clone(minted), subject.clone());
                    let caller = Rc::clone(caller);
                    self.tally.cache(CacheEvent::Hit, 1);
                    self.forward(now, stream, about, permit, minted, subject, &caller, true);
                    true
                }
                Known::Refused(refusal) => {
                    let (refusal, caller) = (refusal.clone(), Rc::clone(caller));
                    let told = Told::caller(&caller).found(permit.findings());
                    self.refuse(now, stream, about, &refusal, told);
                    true
                }
                Known::Nothing => false,
            },
            Ok(Decision::ReadBody(_) | Decision::AskPrefix(..)) => false,
            Err(denial) => {
                let caller = Rc::clone(caller);
                let told = Told::caller(&caller).found(&denial.findings);
                self.refuse(now, stream, about, &denial.refusal, told);
                true
            }
        }
    }
}

/// What a rule depends on in a request's body.
pub(super) fn read_body(
    config: &Config,
    operation: Operation,
    body: ArrivedBody<'_>,
) -> Result<Body, Refusal> {
    match body {
        ArrivedBody::Whole(bytes) => iceberg::read_body(operation, bytes).map_err(|fault| {
            let sentence = format!(
                "a rule of this gate depends on the request's body, and {}",
                fault.describe()
            );
            Refusal::new(Reason::BodyUnreadable, sentence)
        }),
        ArrivedBody::WithTrailers => Err(Refusal::new(
            Reason::BodyUnreadable,
            "a rule of this gate depends on the request's body, which ends with trailers: send none",
        )),
        ArrivedBody::TooLarge => Err(body_too_large(config)),
    }
}

fn body_too_large(config: &Config) -> Refusal {
    Refusal::new(
        Reason::BodyTooLarge,
        format!(
            "a rule of this gate depends on the request's body, which is longer than {} bytes \
             (limits.request_body)",
            config.limits.request_body
        ),
    )
}

/// `application/json` and the like, and no other character set than UTF-8.
fn is_utf8(content_type: &[u8]) -> bool {
    let lower = content_type.to_ascii_lowercase();
    let mut parameters = lower.split(|byte| *byte == b';').skip(1);
    parameters.all(|parameter| {
        let parameter = parameter.trim_ascii();
        match parameter.strip_prefix(b"charset=") {
            Some(charset) => matches!(charset, b"utf-8" | b"\"utf-8\"" | b"utf8"),
            None => !parameter.starts_with(b"charset"),
        }
    })
}

fn read_bearer(authorization: Authorization<'_>) -> Result<&str, Refusal> {
    let value = match authorization {
        Authorization::Missing => None,
        Authorization::One(value) => Some(value),
        Authorization::Several => return Err(BearerFault::Several.into()),
    };
    Ok(oauth::bearer(value)?)
}

pub(super) fn expired(caller: &Caller, now: Now) -> Refusal {
    let ago = now.unix.since(caller.expires()).as_secs();
    Refusal::new(
        Reason::TokenExpired,
        format!(
            "the token of {} expired {ago} s ago: get a fresh one",
            caller.log_name()
        ),
    )
}

/// An id that others gave out, such as Envoy's request id, where it is harmless text.
fn harmless(id: Option<&[u8]>) -> Option<&str> {
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let id = id.and_then(|id| std::str::from_utf8(id).ok())?;
    ((1..=64).contains(&id.len()) && id.bytes().all(|byte| harmless(&byte))).then_some(id)
}
