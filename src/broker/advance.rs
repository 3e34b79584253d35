//! A request that is not decided at once: how far it goes, and what it waits for.

use std::rc::Rc;

use super::parked::{Held, Parked, RequestBody, Wait, waiters_full};
use super::request::expired;
use super::{Broker, StreamId};
use crate::cache::{Known, SubjectToken};
use crate::clock::Now;
use crate::config::{ContextId, IssuerId};
use crate::exchange::Minted;
use crate::iceberg::{self, read_query};
use crate::identity::{Caller, Presented};
use crate::jose::VerifyFault;
use crate::limits;
use crate::policy::{self, Decision, Denial};
use crate::refusal::{Reason, Refusal};
use crate::telemetry::CacheEvent;

/// Why a caller is not known yet.
pub(super) enum Unidentified {
    Refused(Refusal),
    /// It is known who it was.
    Expired(Rc<Caller>),
    NoKeys(IssuerId),
    UnknownKey(IssuerId),
}

impl Broker {
    /// Moves a request as far as it goes: to its release, or to what it has to wait for.
    pub(super) fn advance(&mut self, now: Now, stream: StreamId, mut parked: Parked) {
        if now.instant >= parked.deadline {
            let refusal = self.too_late(&parked);
            return self.refuse_parked(now, stream, &parked, &refusal);
        }
        parked.awake = false;
        match self.identify(now, &parked.token) {
            Ok(caller) => {
                parked.caller = Some(Rc::clone(&caller));
                self.go_on(now, stream, parked, caller);
            }
            Err(Unidentified::Refused(refusal)) => {
                self.refuse_parked(now, stream, &parked, &refusal)
            }
            Err(Unidentified::Expired(caller)) => {
                let refusal = expired(&caller, now);
                parked.caller = Some(caller);
                self.refuse_parked(now, stream, &parked, &refusal)
            }
            Err(Unidentified::NoKeys(issuer)) => {
                parked.wait = Wait::FirstKeys(issuer);
                self.park(now, stream, parked);
            }
            Err(Unidentified::UnknownKey(issuer)) => {
                self.wait_for_newer_keys(now, stream, parked, issuer)
            }
        }
    }

    /// The same, once the caller is known.
    pub(super) fn go_on(&mut self, now: Now, stream: StreamId, parked: Parked, caller: Rc<Caller>) {
        let decision = match self.decide(&caller, &parked) {
            Ok(decision) => decision,
            Err(denial) => return self.deny_parked(now, stream, &parked, &denial),
        };
        let context = match &decision {
            Decision::Yes(permit) => permit.context(),
            Decision::ReadBody(context) | Decision::AskPrefix(_, context) => *context,
        };
        let minted = match self.token_at_hand(now, &parked, context) {
            Some(Ok(minted)) => minted,
            Some(Err(refusal)) => return self.refuse_parked(now, stream, &parked, &refusal),
            None => {
                if parked.reads_body() && !parked.exchanged {
                    self.tally.cache(CacheEvent::Miss, 1);
                }
                return self.exchange(now, stream, parked, context, caller);
            }
        };
        match decision {
            Decision::Yes(permit) => {
                let subject = parked.token.clone();
                let about = parked.about();
                let cached = !parked.exchanged;
                if cached && parked.reads_body() {
                    self.tally.cache(CacheEvent::Hit, 1);
                }
                self.forward(
                    now, stream, &about, permit, minted, subject, &caller, cached,
                );
            }
            Decision::ReadBody(_) => {
                let tenant = self.config.context(context).and_then(|own| own.tenant);
                self.wait_for_body(now, stream, parked, tenant)
            }
            Decision::AskPrefix(warehouse, _) => {
                self.ask_prefix(now, stream, parked, warehouse, context, &caller, &minted)
            }
        }
    }

    /// Goes on with a token that has just been minted, whether or not the cache had room for it.
    pub(super) fn go_on_with(
        &mut self,
        now: Now,
        stream: StreamId,
        mut parked: Parked,
        caller: &Rc<Caller>,
        held: Held,
    ) {
        parked.minted = Some(held);
        parked.wait = Wait::Nothing;
        self.go_on(now, stream, parked, Rc::clone(caller));
    }

    /// Policy for a request that was parked: its route is read again from the same bytes.
    fn decide(&self, caller: &Caller, parked: &Parked) -> Result<Decision, Box<Denial>> {
        let refused = |refusal: Refusal| Box::new(Denial::from(refusal));
        let Some(catalog) = self.config.catalog(parked.catalog) else {
            let sentence = "no catalog of this gate lies under this path";
            return Err(refused(Refusal::new(Reason::PathOutside, sentence)));
        };
        let route = iceberg::route(parked.method, &parked.path, &catalog.layout);
        let route = route.map_err(|fault| refused(fault.into()))?;
        let query = match self.config.tenancy {
            Some(_) => {
                read_query(&route, &catalog.layout).map_err(|fault| refused(fault.into()))?
            }
            None => iceberg::Query::default(),
        };
        let asked = policy::Asked {
            catalog: parked.catalog,
            route: &route,
            query: &query,
            wishes: parked.wishes,
            body: match &parked.body {
                RequestBody::Read(body) => Some(body),
                RequestBody::NotRead | RequestBody::Awaited => None,
            },
            peer: parked.peer.as_deref(),
        };
        let seen = self.prefixes.seen(caller);
        policy::decide(&self.config, &seen, caller, &asked)
    }

    /// A minted token for this request that is alive, or the identity provider's no of a moment ago.
    fn token_at_hand(
        &mut self,
        now: Now,
        parked: &Parked,
        context: ContextId,
    ) -> Option<Result<Rc<Minted>, Refusal>> {
        if let Some(held) = &parked.minted
            && held.context == context
            && held.until.is_ahead_of(now)
            && self.signed_what_is_held(held)
        {
            return Some(Ok(Rc::clone(&held.minted)));
        }
        let (_, entry) = self.cache.get(parked.token.expose())?;
        match entry.at(context, now) {
            Known::Minted(minted) => Some(Ok(Rc::clone(minted))),
            Known::Refused(refusal) => Some(Err(refusal.clone())),
            Known::Nothing => None,
        }
    }

    /// Whether the key of a token that a request holds is still in the set. What is cached is dropped with its key;
    /// a request may hold its own for as long as its body takes.
    fn signed_what_is_held(&self, held: &Held) -> bool {
        let context = self.config.context(held.context);
        context.is_some_and(|own| self.has_key(own.token.at, held.minted.key()))
    }

    pub(super) fn identify(
        &mut self,
        now: Now,
        token: &SubjectToken,
    ) -> Result<Rc<Caller>, Unidentified> {
        if let Some((_, entry)) = self.cache.get(token.expose()) {
            let caller = Rc::clone(entry.caller());
            if now.unix < caller.accepted_until() {
                return Ok(caller);
            }
            return Err(Unidentified::Expired(caller));
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
        match presented.verify(&config, keys) {
            Ok(caller) => {
                let caller = Rc::new(caller);
                self.cache.put_caller(token, Rc::clone(&caller));
                Ok(caller)
            }
            Err(VerifyFault::UnknownKey) => Err(Unidentified::UnknownKey(issuer)),
            Err(fault) => Err(Unidentified::Refused(fault.into())),
        }
    }

    fn exchange(
        &mut self,
        now: Now,
        stream: StreamId,
        mut parked: Parked,
        context: ContextId,
        caller: Rc<Caller>,
    ) {
        // Nothing that is minted lives longer than the token that it is minted for: within the leeway
        // behind its end an exchange would be made in vain.
        if now.unix >= caller.expires() {
            let refusal = expired(&caller, now);
            return self.refuse_parked(now, stream, &parked, &refusal);
        }
        parked.exchanged = true;
        if self.parked.len() >= self.config.limits.waiters {
            return self.refuse_parked(now, stream, &parked, &waiters_full());
        }
        match self.join_or_lead(now, stream, context, &parked.token, caller) {
            Ok(key) => {
                parked.wait = Wait::Flight(key);
                self.insert_parked(stream, parked);
            }
            Err(refusal) => self.refuse_parked(now, stream, &parked, &refusal),
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
            Wait::Nothing
            | Wait::FirstKeys(_)
            | Wait::Flight(_)
            | Wait::Prefix(_)
            | Wait::Body(_) => {
                parked.wait = Wait::NewerKeys(issuer, keys.started());
                None
            }
        };
        match refusal {
            Some(refusal) => self.refuse_parked(now, stream, &parked, &refusal),
            None => {
                keys.want_newer(now.instant);
                self.park(now, stream, parked);
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
