//! From a request's head to its release: read, parse, identify, decide, and wait where something is
//! missing.

use std::rc::Rc;

use super::parked::{Parked, Wait, waiters_full};
use super::{Broker, StreamId};
use crate::cache::{Known, SubjectToken};
use crate::clock::Now;
use crate::config::{CatalogId, IssuerId};
use crate::exchange::Minted;
use crate::iceberg::{self, Method, Operation, PathFault, Route};
use crate::identity::{Caller, Presented};
use crate::jose::VerifyFault;
use crate::limits;
use crate::oauth::{self, BearerFault};
use crate::policy;
use crate::refusal::{Reason, Refusal};
use crate::telemetry::CacheEvent;
use crate::wire::{Authorization, RequestHead};

/// What a refusal says about the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub(super) catalog: Option<CatalogId>,
    pub(super) operation: &'a str,
    pub(super) safe: bool,
    pub(super) head: bool,
    pub(super) reference: &'a str,
}

/// Why a caller is not known yet.
enum Unidentified {
    Refused(Refusal),
    NoKeys(IssuerId),
    UnknownKey(IssuerId),
}

/// A request's head, read and parsed.
struct Intake<'a> {
    method: Method,
    catalog: CatalogId,
    route: Route<'a>,
    token: &'a str,
}

impl Broker {
    /// A request's headers arrived.
    pub fn request(&mut self, now: Now, stream: StreamId, head: &RequestHead<'_>) {
        // Whoever had this name before has gone, even if nobody said so: their exchange must not answer
        // this request.
        self.request_gone(now, stream);
        let reference = reference(head.request_id);
        let intake = match self.intake(head) {
            Ok(intake) => intake,
            Err((catalog, refusal)) => {
                let safe = matches!(head.method, b"GET" | b"HEAD");
                let about = About {
                    catalog,
                    operation: "-",
                    safe,
                    head: head.method == b"HEAD",
                    reference,
                };
                self.refuse(stream, &about, &refusal);
                return;
            }
        };
        match self.cached(now, &intake) {
            Some(Ok((permit, minted, subject))) => {
                self.tally.cache(CacheEvent::Hit, 1);
                self.forward(stream, &permit, minted, subject);
            }
            Some(Err(refusal)) => {
                let about = About {
                    catalog: Some(intake.catalog),
                    operation: intake.route.operation.name(),
                    safe: intake.method.is_safe(),
                    head: intake.method == Method::Head,
                    reference,
                };
                self.refuse(stream, &about, &refusal);
            }
            None => {
                self.tally.cache(CacheEvent::Miss, 1);
                let parked = Parked {
                    method: intake.method,
                    path: head.path.into(),
                    catalog: intake.catalog,
                    operation: intake.route.operation,
                    reference: reference.into(),
                    token: SubjectToken::new(intake.token),
                    deadline: now.instant.plus(self.config.limits.request_deadline),
                    wait: Wait::Nothing,
                    awake: false,
                };
                self.advance(now, stream, parked);
            }
        }
        self.settle();
    }

    /// Reads and parses a head. A refusal comes with the catalog, where one is known.
    fn intake<'a>(
        &self,
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
        let catalog = self
            .config
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
        match (id, route) {
            (Some(catalog), Some(Ok(route))) => Ok(Intake {
                method,
                catalog,
                route,
                token,
            }),
            (Some(_), Some(Err(fault))) => Err((id, fault.into())),
            _ => {
                let sentence = "no catalog of this gate lies under this path";
                Err((None, Refusal::new(Reason::PathOutside, sentence)))
            }
        }
    }

    /// The hot path: the caller, the policy's yes, and the minted token, if all is at hand.
    #[allow(
        clippy::type_complexity,
        reason = "three things that are only ever taken apart at once"
    )]
    fn cached(
        &mut self,
        now: Now,
        intake: &Intake<'_>,
    ) -> Option<Result<(policy::Permit, Rc<Minted>, SubjectToken), Refusal>> {
        let (subject, entry) = self.cache.get(intake.token)?;
        if now.unix >= entry.caller().accepted_until() {
            let refusal = expired(entry.caller(), now);
            self.cache.forget(intake.token);
            return Some(Err(refusal));
        }
        let catalog = self.config.catalogs.get(usize::from(intake.catalog.0))?;
        let permit = match policy::decide(
            &self.config,
            entry.caller(),
            intake.catalog,
            catalog,
            &intake.route,
        ) {
            Ok(permit) => permit,
            Err(refusal) => return Some(Err(refusal)),
        };
        match entry.at(intake.catalog, now) {
            Known::Minted(minted) => Some(Ok((permit, Rc::clone(minted), subject.clone()))),
            Known::Refused(refusal) => Some(Err(refusal.clone())),
            Known::Nothing => None,
        }
    }

    /// Moves a request as far as it goes: to its release, or to what it has to wait for.
    pub(super) fn advance(&mut self, now: Now, stream: StreamId, mut parked: Parked) {
        if now.instant >= parked.deadline {
            let refusal = self.too_late(&parked);
            return self.refuse(stream, &parked.about(), &refusal);
        }
        parked.awake = false;
        match self.identify(now, &parked.token) {
            Ok(caller) => match self.permit(&caller, &parked) {
                Ok(permit) => self.exchange(now, stream, parked, caller, &permit),
                Err(refusal) => self.refuse(stream, &parked.about(), &refusal),
            },
            Err(Unidentified::Refused(refusal)) => self.refuse(stream, &parked.about(), &refusal),
            Err(Unidentified::NoKeys(issuer)) => {
                parked.wait = Wait::FirstKeys(issuer);
                self.park(stream, parked);
            }
            Err(Unidentified::UnknownKey(issuer)) => {
                self.wait_for_newer_keys(now, stream, parked, issuer)
            }
        }
    }

    fn identify(&mut self, now: Now, token: &SubjectToken) -> Result<Rc<Caller>, Unidentified> {
        if let Some((_, entry)) = self.cache.get(token.expose()) {
            let caller = Rc::clone(entry.caller());
            if now.unix < caller.accepted_until() {
                return Ok(caller);
            }
            return Err(Unidentified::Refused(expired(&caller, now)));
        }
        let config = Rc::clone(&self.config);
        let presented =
            Presented::inspect(token.expose().as_bytes(), &config, now.unix).map_err(|fault| {
                Unidentified::Refused(Refusal::new((&fault).into(), fault.describe(&config)))
            })?;
        let issuer = presented.issuer();
        let keys = self
            .issuers
            .get(usize::from(issuer.0))
            .and_then(|keys| keys.set());
        let Some(keys) = keys else {
            return Err(Unidentified::NoKeys(issuer));
        };
        match presented.verify(keys) {
            Ok(caller) => {
                let caller = Rc::new(caller);
                self.cache.put_caller(token, Rc::clone(&caller));
                Ok(caller)
            }
            Err(VerifyFault::UnknownKey) => Err(Unidentified::UnknownKey(issuer)),
            Err(fault) => Err(Unidentified::Refused(fault.into())),
        }
    }

    /// Policy for a request that was parked: its route is read again from the same bytes.
    pub(super) fn permit(
        &self,
        caller: &Caller,
        parked: &Parked,
    ) -> Result<policy::Permit, Refusal> {
        let catalog = self.config.catalogs.get(usize::from(parked.catalog.0));
        let route = catalog.map(|catalog| {
            (
                catalog,
                iceberg::route(parked.method, &parked.path, &catalog.layout),
            )
        });
        match route {
            Some((catalog, Ok(route))) => {
                policy::decide(&self.config, caller, parked.catalog, catalog, &route)
            }
            Some((_, Err(fault))) => Err(fault.into()),
            None => Err(Refusal::new(
                Reason::PathOutside,
                "no catalog of this gate lies under this path",
            )),
        }
    }

    fn exchange(
        &mut self,
        now: Now,
        stream: StreamId,
        mut parked: Parked,
        caller: Rc<Caller>,
        permit: &policy::Permit,
    ) {
        let known = self.cache.get(parked.token.expose()).map(|(_, entry)| {
            match entry.at(parked.catalog, now) {
                Known::Minted(minted) => Some(Ok(Rc::clone(minted))),
                Known::Refused(refusal) => Some(Err(refusal.clone())),
                Known::Nothing => None,
            }
        });
        match known.flatten() {
            Some(Ok(minted)) => return self.forward(stream, permit, minted, parked.token.clone()),
            Some(Err(refusal)) => return self.refuse(stream, &parked.about(), &refusal),
            None => {}
        }
        // Nothing that is minted lives longer than the token that it is minted for: within the leeway
        // behind its end an exchange would be made in vain.
        if now.unix >= caller.expires() {
            let refusal = expired(&caller, now);
            return self.refuse(stream, &parked.about(), &refusal);
        }
        if self.parked.len() >= self.config.limits.waiters {
            return self.refuse(stream, &parked.about(), &waiters_full());
        }
        match self.join_or_lead(now, stream, parked.catalog, &parked.token, caller) {
            Ok(key) => {
                parked.wait = Wait::Flight(key);
                self.insert_parked(stream, parked);
            }
            Err(refusal) => self.refuse(stream, &parked.about(), &refusal),
        }
    }

    fn wait_for_newer_keys(
        &mut self,
        now: Now,
        stream: StreamId,
        mut parked: Parked,
        issuer: IssuerId,
    ) {
        let crowd = self.crowd(issuer).map_or(0, |crowd| crowd.newer_keys);
        let Some(keys) = self.issuers.get_mut(usize::from(issuer.0)) else {
            return;
        };
        let refusal = match parked.wait {
            // A set that was fetched after this request came lacks the key as well.
            Wait::NewerKeys(at, started) if at == issuer && keys.finished() > started => {
                Some(VerifyFault::UnknownKey.into())
            }
            _ if crowd >= limits::UNKNOWN_KEY_WAITERS => Some(VerifyFault::UnknownKey.into()),
            Wait::NewerKeys(..) => None,
            // The first set came while this request waited, and lacks the key.
            Wait::FirstKeys(at) if at == issuer => Some(VerifyFault::UnknownKey.into()),
            Wait::Nothing | Wait::FirstKeys(_) | Wait::Flight(_) => {
                parked.wait = Wait::NewerKeys(issuer, keys.started());
                None
            }
        };
        match refusal {
            Some(refusal) => self.refuse(stream, &parked.about(), &refusal),
            None => {
                keys.want_newer(now.instant);
                self.park(stream, parked);
                self.fetch_due_keys(now);
            }
        }
    }

    pub(super) fn keys_unavailable(&self, issuer: IssuerId) -> Refusal {
        let name = self
            .config
            .issuers
            .get(usize::from(issuer.0))
            .map_or("-", |issuer| &issuer.name);
        Refusal::new(
            Reason::KeysUnavailable,
            format!(
                "the keys of identity provider '{name}' cannot be fetched, so nobody can be recognised: try again"
            ),
        )
    }
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

/// What finds the log line: Envoy's request id where it is harmless text.
fn reference(request_id: Option<&[u8]>) -> &str {
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match request_id.and_then(|id| std::str::from_utf8(id).ok()) {
        Some(id) if (1..=64).contains(&id.len()) && id.bytes().all(|byte| harmless(&byte)) => id,
        _ => "-",
    }
}
