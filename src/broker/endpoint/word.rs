//! An engine's word: whom it says that it acts for, without a token of that person.

use std::rc::Rc;

use super::grants::GrantOf;
use super::step::{Next, Stop};
use super::{Asked, TokenParked};
use crate::broker::Broker;
use crate::clock::{Instant, Now};
use crate::config::{Service, ServiceId, SpeaksFor, WhoId};
use crate::identity::{Caller, Proof};
use crate::jose::UnsecuredJwt;
use crate::limits;
use crate::policy;
use crate::refusal::{Reason, Refusal};
use crate::secret::Secret;
use crate::text::shown;

impl Broker {
    fn speaking(&self, service: ServiceId) -> Result<(&Service, &SpeaksFor), Refusal> {
        let service = self.config.service(service);
        // Where its own token is at hand, that is looked at too.
        let denied = |who: &WhoId| self.config.denied.binary_search(who).is_ok();
        if let Some(service) = service
            && service.who.iter().all(denied)
        {
            let sentence = format!(
                "program {} is denied by the operator of this gate",
                service.name
            );
            return Err(Refusal::new(Reason::CallerDenied, sentence));
        }
        let speaks = service.and_then(|service| Some((service, service.speaks_for.as_ref()?)));
        speaks.ok_or_else(|| {
            let name = service.map_or("-", |service| &service.name);
            Refusal::new(
                Reason::ActorRefused,
                format!(
                    "program {name} may not speak for others at this gate: pass the person's own token (in Trino the extra \
                     credential 'token'), or let the operator set services.{name}.speaks_for"
                ),
            )
        })
    }

    /// The same, where its word is taken unsigned.
    pub(super) fn speaking_unsigned(
        &self,
        service: ServiceId,
    ) -> Result<(&Service, &SpeaksFor), Refusal> {
        let (service, speaks) = self.speaking(service)?;
        if speaks.signed_by.is_some() {
            return Err(Refusal::new(
                Reason::SubjectTokenRefused,
                format!(
                    "the gate takes the word of program {} only when it is signed (services.{}.speaks_for.signed_by)",
                    service.name, service.name
                ),
            ));
        }
        Ok((service, speaks))
    }

    /// The name that an unsigned subject token says.
    pub(super) fn unsigned_word(
        &self,
        service: ServiceId,
        token: &Secret<String>,
        now: Now,
    ) -> Result<Rc<str>, Refusal> {
        self.speaking_unsigned(service)?;
        let malformed = || {
            Refusal::new(
                Reason::SubjectTokenRefused,
                "the unsigned subject token is not well-formed: it must name a person in sub",
            )
        };
        let word = UnsecuredJwt::parse(token.expose().as_bytes()).map_err(|_| malformed())?;
        let claims = word.claims();
        let name = claims.sub().filter(|name| is_name(name));
        let name = name.ok_or_else(malformed)?;
        // Trino says it twice.
        if claims
            .get("user")
            .is_some_and(|user| user.as_str() != Some(name))
        {
            return Err(malformed());
        }
        if claims.expires().is_some_and(|end| now.unix >= end)
            || claims.not_before().is_some_and(|start| start > now.unix)
        {
            return Err(Refusal::new(
                Reason::SubjectTokenRefused,
                "the unsigned subject token is out of its time",
            ));
        }
        Ok(name.into())
    }

    /// The name that a signed subject token says, where it is a word and not the person's own token.
    pub(super) fn signed_word(&self, service: ServiceId, caller: &Caller) -> Option<Rc<str>> {
        let (_, speaks) = self.speaking(service).ok()?;
        (speaks.signed_by == Some(caller.issuer()) && is_name(caller.subject()))
            .then(|| caller.subject().into())
    }

    /// The name that a service says once more, unsigned, where a token may have been got on its word.
    pub(super) fn word_of(&self, service: ServiceId, caller: &Caller) -> Option<Rc<str>> {
        let (_, speaks) = self.speaking_unsigned(service).ok()?;
        let name = self.said_name(caller)?;
        (caller.proof() == Proof::EngineWord && may_say(speaks, name)).then(|| name.into())
    }

    /// The name by which an engine named a person whose token it got.
    pub(super) fn said_name<'c>(&self, caller: &'c Caller) -> Option<&'c str> {
        let issuer = self.config.issuers.get(usize::from(caller.issuer().0))?;
        caller.claims().string_at(&issuer.name_claim.0)
    }

    /// A token of the person whom a service names. `since`: the first one was given then, and nobody proves the service now.
    pub(super) fn word(
        &mut self,
        now: Now,
        parked: &TokenParked,
        id: ServiceId,
        name: &Rc<str>,
        since: Option<Instant>,
        asked: &Asked,
    ) -> Result<Next, Stop> {
        let (service, speaks) = self.speaking(id)?;
        if !may_say(speaks, name) {
            return Err(name_refused(service, name).into());
        }
        let number = id.0.to_be_bytes();
        let scope = asked.scope.as_deref().unwrap_or_default();
        let key = self.digest(&[b"word", &number, name.as_bytes(), scope.as_bytes()]);
        if let Some(answer) = self.got(now, parked, &key) {
            // Whoever is proved by nothing but an old token must not get one that is taken for younger.
            if let Some(since) = since {
                let token = self.digest(&[b"token", answer.token.token().expose().as_bytes()]);
                self.endpoint.kept.began_by(&token, since);
            }
            return Ok(Next::Give(answer));
        }
        if let Some(refusal) = self.endpoint.kept.refused(now, &key) {
            return Err(refusal.into());
        }
        let of = GrantOf::Word {
            service: id,
            name: Rc::clone(name),
            since: since.unwrap_or(now.instant),
        };
        Ok(Next::Ask(key, of))
    }

    /// Whether the person of a token that was got on a service's word is one for whom it may speak.
    pub(super) fn may_speak_for(
        &self,
        id: ServiceId,
        name: &str,
        caller: &Caller,
    ) -> Result<(), Refusal> {
        let (service, speaks) = self.speaking(id)?;
        // It must not be learned either who is denied.
        self.is_not_denied(caller)
            .map_err(|denied| match denied.reason {
                Reason::CallerDenied => Refusal {
                    reason: denied.reason,
                    ..name_refused(service, name)
                },
                _ => denied,
            })?;
        let ours = self.said_name(caller);
        if ours.is_some_and(|ours| speaks.never.contains(&*ours.to_lowercase()))
            || !policy::may_be_spoken_for(&self.config, speaks, caller)
        {
            return Err(name_refused(service, name));
        }
        Ok(())
    }

    pub(super) fn name_refused(&self, id: ServiceId, name: &str) -> Refusal {
        match self.speaking(id) {
            Ok((service, _)) => name_refused(service, name),
            Err(refusal) => refusal,
        }
    }
}

fn may_say(speaks: &SpeaksFor, name: &str) -> bool {
    !speaks.never.contains(&*name.to_lowercase())
        && speaks
            .names
            .as_ref()
            .is_none_or(|names| names.contains(name))
}

/// One sentence for all reasons: whoever asks must not learn which names there are.
fn name_refused(service: &Service, name: &str) -> Refusal {
    Refusal::new(
        Reason::NameRefused,
        format!(
            "program {} may not speak for '{}': there is no such person at the identity provider who is linked to the gate, or \
             the operator does not let it (services.{}.speaks_for)",
            service.name,
            shown(name),
            service.name
        ),
    )
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= limits::SAID_NAME_BYTES && !name.chars().any(char::is_control)
}
