//! Who proves itself at the token endpoint: tokens that are verified, with and without their end.

use std::rc::Rc;

use super::TokenParked;
use super::step::Stop;
use crate::broker::Broker;
use crate::broker::advance::Unidentified;
use crate::broker::request::expired;
use crate::cache::SubjectToken;
use crate::clock::Now;
use crate::config::{GateTokens, IssuerId, Service, ServiceId};
use crate::identity::{self, Caller, Standing};
use crate::jose::VerifyFault;
use crate::policy;
use crate::refusal::{Reason, Refusal};
use crate::secret::Secret;

impl Broker {
    /// The program whose token this is, verified in full.
    pub(super) fn actor(
        &mut self,
        now: Now,
        parked: &TokenParked,
        token: &Secret<String>,
    ) -> Result<ServiceId, Stop> {
        let caller = self.known(now, parked, token)?;
        self.is_of_issuer(parked, &caller)?;
        self.is_not_denied(&caller)?;
        match caller.standing() {
            Standing::Service(service) => {
                self.has_peer(parked, service)?;
                Ok(service)
            }
            Standing::Program => Err(unlisted(&caller).into()),
            Standing::Person => Err(Refusal::new(
                Reason::ActorRefused,
                format!(
                    "the actor token is {}'s, a person's; only a program that the gate's operator lists under services \
                     may act for others",
                    caller.log_name()
                ),
            )
            .into()),
        }
    }

    /// The certificate of the connection, where the service is bound to one.
    pub(super) fn has_peer(&self, parked: &TokenParked, service: ServiceId) -> Result<(), Refusal> {
        let service = self.config.service(service);
        let Some(wanted) = service.and_then(|service| service.peer.as_deref()) else {
            return Ok(());
        };
        if parked.peer.as_deref() == Some(wanted.as_bytes()) {
            return Ok(());
        }
        let name = service.map_or("-", |service| &service.name);
        Err(Refusal::new(
            Reason::ProgramPeer,
            format!(
                "program {name} must call over a connection whose client certificate names it (services.{name}.who.peer)"
            ),
        ))
    }

    /// Whoever a token names, verified in full; not expired.
    pub(super) fn known(
        &mut self,
        now: Now,
        parked: &TokenParked,
        token: &Secret<String>,
    ) -> Result<Rc<Caller>, Stop> {
        let caller = match self.identify(now, &SubjectToken::new(token.expose())) {
            Ok(caller) => caller,
            Err(Unidentified::Refused(refusal)) => return Err(Stop::Refused(refusal)),
            Err(Unidentified::Expired(caller)) => return Err(expired(&caller, now).into()),
            Err(Unidentified::NoKeys(issuer)) => return Err(self.no_keys(parked, issuer)),
            Err(Unidentified::UnknownKey(issuer)) => return Err(self.unknown_key(parked, issuer)),
        };
        match now.unix < caller.expires() {
            true => Ok(caller),
            false => Err(expired(&caller, now).into()),
        }
    }

    /// Whoever a token named, even if it has expired since.
    pub(super) fn once_known(
        &mut self,
        now: Now,
        parked: &TokenParked,
        token: &Secret<String>,
    ) -> Result<Rc<Caller>, Stop> {
        if let Some(caller) = &parked.subject {
            return Ok(Rc::clone(caller));
        }
        let config = Rc::clone(&self.config);
        let rule = self.rule(parked).ok_or_else(super::outcome::off)?;
        let bytes = token.expose().as_bytes();
        let presented =
            identity::Presented::inspect_expired(bytes, &config, now.unix, rule.session)
                .map_err(|fault| Refusal::new((&fault).into(), fault.describe(&config)))?;
        let issuer = presented.issuer();
        let keys = self.issuers.get(usize::from(issuer.0));
        let Some(keys) = keys.and_then(|keys| keys.set()) else {
            return Err(self.no_keys(parked, issuer));
        };
        let caller = match presented.verify(&config, keys) {
            Ok(caller) => Rc::new(caller),
            Err(VerifyFault::UnknownKey) => return Err(self.unknown_key(parked, issuer)),
            Err(fault) => return Err(Stop::Refused(fault.into())),
        };
        self.is_of_issuer(parked, &caller)?;
        Ok(caller)
    }

    /// Keys are waited for where they can be of use: those of the issuer whose tokens are given here, and of whoever signs
    /// an engine's word.
    fn no_keys(&self, parked: &TokenParked, issuer: IssuerId) -> Stop {
        match self.is_of_use(parked, issuer) {
            true => Stop::NoKeys(issuer),
            false => Stop::Refused(self.keys_unavailable(issuer)),
        }
    }

    fn unknown_key(&self, parked: &TokenParked, issuer: IssuerId) -> Stop {
        match self.is_of_use(parked, issuer) {
            true => Stop::UnknownKey(issuer),
            false => Stop::Refused(VerifyFault::UnknownKey.into()),
        }
    }

    fn is_of_use(&self, parked: &TokenParked, issuer: IssuerId) -> bool {
        let signs = |service: &Service| {
            let speaks = service.speaks_for.as_ref();
            service.issuer == parked.issuer
                && speaks.is_some_and(|speaks| speaks.signed_by == Some(issuer))
        };
        issuer == parked.issuer || self.config.services.iter().any(signs)
    }

    pub(super) fn is_of_issuer(
        &self,
        parked: &TokenParked,
        caller: &Caller,
    ) -> Result<(), Refusal> {
        if caller.issuer() == parked.issuer {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::SubjectTokenRefused,
            format!(
                "{} comes from an identity provider whose tokens this token endpoint does not exchange",
                caller.log_name()
            ),
        ))
    }

    pub(super) fn is_not_denied(&self, caller: &Caller) -> Result<(), Refusal> {
        policy::denied(&self.config, caller)
    }

    pub(super) fn rule(&self, parked: &TokenParked) -> Option<&GateTokens> {
        let issuer = self.config.issuers.get(usize::from(parked.issuer.0))?;
        issuer.gate_tokens.as_ref()
    }
}

pub(super) fn unlisted(caller: &Caller) -> Refusal {
    Refusal::new(
        Reason::ActorRefused,
        format!(
            "{} is a program that the gate's operator does not list under services",
            caller.log_name()
        ),
    )
}
