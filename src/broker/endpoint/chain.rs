//! Chains of tokens: each was given for the one before it, and none of them outlives its session.

use std::rc::Rc;

use super::kept::Origin;
use super::step::{Next, Stop};
use super::{Asked, TokenParked};
use crate::broker::Broker;
use crate::clock::{Now, UnixTime};
use crate::config::ServiceId;
use crate::identity::{Caller, Proof};
use crate::refusal::{Reason, Refusal};
use crate::secret::Secret;

/// How long tokens have followed on each other.
pub(super) enum Chain {
    /// The identity provider knows: it has a session, or the token came from a login of its own.
    OfProvider,
    /// This worker gave the token.
    Since(Origin),
    /// The gate's own client got the token, without a session, and this worker does not know when.
    Unknown,
}

impl Broker {
    /// What is known of the chain of tokens at whose end this one stands. Refused when it has lasted as long as it may.
    pub(super) fn chain(
        &mut self,
        now: Now,
        parked: &TokenParked,
        caller: &Caller,
        token: &Secret<String>,
    ) -> Result<Chain, Stop> {
        let session = self.rule(parked).map(|rule| rule.session);
        let session = session.ok_or_else(super::outcome::off)?;
        let began = caller.claims().get("auth_time");
        let began = began.and_then(|time| time.as_f64());
        if let Some(began) = began
            && now.unix >= UnixTime::from_secs(began.max(0.0) as u64).plus(session)
        {
            return Err(session_over(caller).into());
        }
        match self.origin(token) {
            Some(origin) if now.instant.since(origin.since) >= session => {
                Err(session_over(caller).into())
            }
            Some(origin) => Ok(Chain::Since(origin)),
            None if self.lacks_session(parked, caller) => Ok(Chain::Unknown),
            None => Ok(Chain::OfProvider),
        }
    }

    fn origin(&mut self, token: &Secret<String>) -> Option<Origin> {
        let digest = self.digest(&[b"token", token.expose().as_bytes()]);
        self.endpoint.kept.origin(&digest)
    }

    /// A person's token that has not expired, shown by an engine's own token beside it. What was given on an engine's word
    /// needs this one's word.
    pub(super) fn continued(
        &mut self,
        now: Now,
        parked: &TokenParked,
        service: ServiceId,
        caller: Rc<Caller>,
        token: &Secret<String>,
        asked: &Asked,
    ) -> Result<Next, Stop> {
        if let Some(name) = self.word_behind(parked, &caller, token) {
            self.speaking_unsigned(service)?;
            return self.word(now, parked, service, &name, None, asked);
        }
        match self.chain(now, parked, &caller, token)? {
            Chain::OfProvider => self.own(now, parked, caller, token, None, asked),
            Chain::Since(origin) => self.own(now, parked, caller, token, Some(origin.since), asked),
            Chain::Unknown => Err(needs_proof(&caller).into()),
        }
    }

    /// The name that an engine said when this person's token was given on its word.
    pub(super) fn word_behind(
        &mut self,
        parked: &TokenParked,
        caller: &Caller,
        token: &Secret<String>,
    ) -> Option<Rc<str>> {
        if let Some(Origin { word, .. }) = self.origin(token) {
            return word.map(|(_, name)| name);
        }
        match caller.proof() {
            // With a session it may as well be the person's own.
            Proof::EngineWord if self.lacks_session(parked, caller) => {
                self.said_name(caller).map(Rc::<str>::from)
            }
            Proof::EngineWord | Proof::OwnToken | Proof::Program => None,
        }
    }

    /// Whether a token was got by the gate's own client and has no session at the identity provider, so that it could be
    /// prolonged for ever.
    fn lacks_session(&self, parked: &TokenParked, caller: &Caller) -> bool {
        let client = self.rule(parked).and_then(|rule| rule.client.as_ref());
        let ours = client.is_some_and(|client| caller.authorized_party() == Some(&client.id));
        ours && caller.claims().get("sid").is_none()
    }
}

pub(super) fn needs_proof(caller: &Caller) -> Refusal {
    Refusal::new(
        Reason::SessionUnproven,
        format!(
            "{} has no session at the identity provider that could be prolonged: the engine must prove itself by its id and \
             secret",
            caller.log_name()
        ),
    )
}

fn session_over(caller: &Caller) -> Refusal {
    Refusal::new(
        Reason::SessionOver,
        format!(
            "the session of {} has lasted as long as it may: sign in again",
            caller.log_name()
        ),
    )
}
