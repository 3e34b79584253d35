//! What a request for a token asks for, and who proves it.

use std::rc::Rc;

use super::chain::{Chain, needs_proof};
use super::grants::GrantOf;
use super::kept::Answer;
use super::outcome::login_refused;
use super::proof::unlisted;
use super::tries::Try;
use super::{Asked, GrantKey, TokenParked, TokenWait};
use crate::broker::{Broker, StreamId};
use crate::cache::SubjectToken;
use crate::clock::{Instant, Now};
use crate::config::{IssuerId, ServiceId};
use crate::exchange::GateToken;
use crate::identity::{Caller, Proof, Standing};
use crate::jose::{self, VerifyFault};
use crate::limits;
use crate::oauth::{self, ClientLogin, TokenRequest};
use crate::refusal::{Reason, Refusal};
use crate::secret::Secret;

/// How far a request for a token has come.
pub(super) enum Next {
    /// Its token is at hand.
    Give(Answer),
    /// The identity provider is to be asked.
    Ask(GrantKey, GrantOf),
}

/// Why it goes no further.
pub(super) enum Stop {
    /// It is refused.
    Refused(Refusal),
    /// There are no keys of an issuer yet.
    NoKeys(IssuerId),
    /// A token's key is not in its set.
    UnknownKey(IssuerId),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Broker {
    /// Moves a request for a token as far as it goes.
    pub(super) fn token_step(&mut self, now: Now, stream: StreamId, mut parked: TokenParked) {
        let Some(asked) = parked.asked.clone() else {
            let refusal = super::outcome::late();
            return self.refuse_token(now, stream, &parked, &refusal);
        };
        parked.awake = false;
        match self.next_token_step(now, &mut parked, &asked) {
            Ok(Next::Give(answer)) => self.issue(now, stream, &parked, &answer),
            Ok(Next::Ask(key, of)) => self.ask_grant(now, stream, parked, key, of, &asked),
            Err(Stop::Refused(refusal)) => self.refuse_token(now, stream, &parked, &refusal),
            Err(Stop::NoKeys(issuer)) => {
                parked.wait = TokenWait::FirstKeys(issuer);
                self.endpoint.insert(stream, parked);
            }
            Err(Stop::UnknownKey(issuer)) => self.wait_for_newer(now, stream, parked, issuer),
        }
    }

    fn next_token_step(
        &mut self,
        now: Now,
        parked: &mut TokenParked,
        asked: &Asked,
    ) -> Result<Next, Stop> {
        let exchange = match &asked.request {
            TokenRequest::ClientCredentials(request) => {
                return self.login(now, parked, &request.login, asked);
            }
            TokenRequest::Exchange(exchange) => exchange,
        };
        let subject = &exchange.subject_token;
        let unsecured = jose::is_unsecured(subject.expose().as_bytes());
        match (&exchange.proof, &exchange.actor_token) {
            (oauth::Proof::Actor, Some(actor)) => {
                let service = self.actor(now, parked, actor)?;
                parked.actor = Some(service);
                if unsecured {
                    let name = self.unsigned_word(service, subject, now)?;
                    return self.word(now, parked, service, &name, None, asked);
                }
                let caller = self.known(now, parked, subject)?;
                if let Some(name) = self.signed_word(service, &caller) {
                    return self.word(now, parked, service, &name, None, asked);
                }
                self.is_of_issuer(parked, &caller)?;
                parked.subject = Some(Rc::clone(&caller));
                match caller.standing() {
                    Standing::Person => {
                        self.continued(now, parked, service, caller, subject, asked)
                    }
                    // It shows itself twice, which proves no more than once.
                    Standing::Service(own) if own == service => {
                        self.renew(now, parked, caller, subject, asked)
                    }
                    Standing::Service(_) | Standing::Program => Err(unlisted(&caller).into()),
                }
            }
            _ if unsecured => Err(Refusal::new(
                Reason::SubjectTokenRefused,
                "the subject token is not signed, so it proves nothing: the gate takes such a token only from an engine \
                 that shows its own token as actor_token",
            )
            .into()),
            (oauth::Proof::Subject, _) => {
                let caller = self.known(now, parked, subject)?;
                self.is_of_issuer(parked, &caller)?;
                parked.subject = Some(Rc::clone(&caller));
                self.renew(now, parked, caller, subject, asked)
            }
            (oauth::Proof::Login(login), _) => {
                // An id that nobody has costs no signature.
                self.service_of(parked, login)?;
                let caller = self.once_known(now, parked, subject)?;
                parked.subject = Some(Rc::clone(&caller));
                self.renew_by_login(now, parked, caller, subject, login, asked)
            }
            // The reader makes no such request.
            (oauth::Proof::Actor, None) => Err(super::outcome::off().into()),
        }
    }

    // -- what is asked ------------------------------------------------------------------------------------------------

    /// A program's own login.
    fn login(
        &mut self,
        now: Now,
        parked: &mut TokenParked,
        login: &ClientLogin,
        asked: &Asked,
    ) -> Result<Next, Stop> {
        let service = self.service_of(parked, login)?;
        parked.actor = Some(service);
        self.has_peer(parked, service)
            .map_err(|_| login_refused(Reason::LoginRefused))?;
        let scope = asked.scope.as_deref().unwrap_or_default();
        let number = service.0.to_be_bytes();
        let key = self.digest(&[
            b"login",
            &number,
            login.id.as_bytes(),
            login.secret.expose().as_bytes(),
            scope.as_bytes(),
        ]);
        if let Some(answer) = self.got(now, parked, &key) {
            self.is_not_denied(answer.token.caller())?;
            return Ok(Next::Give(answer));
        }
        // One secret is one, whatever scopes it is tried with.
        let secret = self.digest(&[
            b"secret",
            &number,
            login.id.as_bytes(),
            login.secret.expose().as_bytes(),
        ]);
        if !self.endpoint.grants.contains_key(&key) {
            let tries = &mut self.endpoint.tries;
            let may = tries.may(now.instant, &secret.0, service, &parked.source);
            match may {
                Try::Ask => {}
                Try::Wrong => return Err(login_refused(Reason::LoginRefused).into()),
                Try::TooMany(rest) => {
                    let refusal = Refusal::new(
                        Reason::LoginTries,
                        "too many logins of this client with a wrong secret: try again",
                    );
                    return Err(refusal.after(rest).into());
                }
            }
        }
        let of = GrantOf::Login {
            service,
            id: login.id.as_str().into(),
            secret: login.secret.clone(),
            digest: secret.0,
        };
        Ok(Next::Ask(key, of))
    }

    /// The program that logs in by this id.
    fn service_of(&self, parked: &TokenParked, login: &ClientLogin) -> Result<ServiceId, Refusal> {
        let services = self.config.services.iter().zip(0_u16..);
        let found = services.into_iter().find(|(service, _)| {
            service.issuer == parked.issuer && service.client.as_deref() == Some(&*login.id)
        });
        match found {
            Some((_, position)) => Ok(ServiceId(position)),
            None => Err(login_refused(Reason::LoginUnknown)),
        }
    }

    /// A token of the caller itself, for another one of the same. `since`: the first of its chain was given then.
    pub(super) fn own(
        &mut self,
        now: Now,
        parked: &TokenParked,
        caller: Rc<Caller>,
        token: &Secret<String>,
        since: Option<Instant>,
        asked: &Asked,
    ) -> Result<Next, Stop> {
        self.is_not_denied(&caller)?;
        if self.rule(parked).is_none_or(|rule| rule.client.is_none()) {
            return Err(Refusal::new(
                Reason::GrantTypeUnsupported,
                "this gate exchanges no tokens for others here: its operator must set gate_tokens.client",
            )
            .into());
        }
        let scope = asked.scope.as_deref().unwrap_or_default();
        let actor = self.told_actor(parked, &caller, asked);
        let key = self.digest(&[
            b"own",
            token.expose().as_bytes(),
            scope.as_bytes(),
            actor.map_or("", |actor| actor.expose()).as_bytes(),
        ]);
        if let Some(answer) = self.got(now, parked, &key) {
            return Ok(Next::Give(answer));
        }
        if let Some(refusal) = self.endpoint.kept.refused(now, &key) {
            return Err(refusal.into());
        }
        let of = GrantOf::Own {
            caller,
            token: SubjectToken::new(token.expose()),
            actor: actor.map(|actor| SubjectToken::new(actor.expose())),
            since: since.unwrap_or(now.instant),
        };
        Ok(Next::Ask(key, of))
    }

    /// The token of the engine that acts for a person, where the identity provider is told.
    fn told_actor<'a>(
        &self,
        parked: &TokenParked,
        caller: &Caller,
        asked: &'a Asked,
    ) -> Option<&'a Secret<String>> {
        let tells = self.rule(parked).is_some_and(|rule| rule.delegation);
        match &asked.request {
            TokenRequest::Exchange(exchange) if tells && !caller.is_program() => {
                let acts = exchange.proof == oauth::Proof::Actor;
                exchange.actor_token.as_ref().filter(|_| acts)
            }
            _ => None,
        }
    }

    /// A token that shows itself, for a fresh one.
    fn renew(
        &mut self,
        now: Now,
        parked: &mut TokenParked,
        caller: Rc<Caller>,
        token: &Secret<String>,
        asked: &Asked,
    ) -> Result<Next, Stop> {
        if caller.standing() == Standing::Program {
            return Err(unlisted(&caller).into());
        }
        if let Standing::Service(service) = caller.standing() {
            self.has_peer(parked, service)?;
            // Whoever holds the token of such a program can be many people: it is not prolonged by showing itself.
            let service = self.config.service(service);
            if service.is_some_and(|service| service.speaks_for.is_some()) {
                return Err(needs_proof(&caller).into());
            }
        }
        match self.chain(now, parked, &caller, token)? {
            Chain::OfProvider => self.own(now, parked, caller, token, None, asked),
            Chain::Since(origin) => match origin.word {
                Some((service, name)) => {
                    // Nobody but the token's holder proves anything here, so at least the connection must.
                    self.has_peer(parked, service)?;
                    parked.actor = Some(service);
                    self.word(now, parked, service, &name, Some(origin.since), asked)
                }
                None => self.own(now, parked, caller, token, Some(origin.since), asked),
            },
            Chain::Unknown => Err(needs_proof(&caller).into()),
        }
    }

    /// A token that may have expired, with the engine's own login.
    fn renew_by_login(
        &mut self,
        now: Now,
        parked: &mut TokenParked,
        caller: Rc<Caller>,
        token: &Secret<String>,
        login: &ClientLogin,
        asked: &Asked,
    ) -> Result<Next, Stop> {
        if !parked.proven {
            let answer = match self.login(now, parked, login, asked)? {
                Next::Give(answer) => answer,
                ask @ Next::Ask(..) => return Ok(ask),
            };
            parked.proven = true;
            if parked
                .actor
                .is_some_and(|service| caller.standing() == Standing::Service(service))
            {
                return Ok(Next::Give(answer));
            }
        }
        self.after_login(now, parked, caller, token, asked)
    }

    /// The same, once the login has proved itself.
    fn after_login(
        &mut self,
        now: Now,
        parked: &TokenParked,
        caller: Rc<Caller>,
        token: &Secret<String>,
        asked: &Asked,
    ) -> Result<Next, Stop> {
        let Some(service) = parked.actor else {
            return Err(login_refused(Reason::LoginRefused).into());
        };
        if caller.is_program() {
            return Err(Refusal::new(
                Reason::SubjectTokenRefused,
                format!(
                    "the token is of {}, another program than the one that logs in",
                    caller.log_name()
                ),
            )
            .into());
        }
        if let Some(name) = self.word_behind(parked, &caller, token) {
            self.speaking_unsigned(service)?;
            return self.word(now, parked, service, &name, None, asked);
        }
        // A token by impersonation looks like the person's own, and whoever may impersonate says that name anyway.
        if let Some(name) = self.word_of(service, &caller) {
            return self.word(now, parked, service, &name, None, asked);
        }
        if now.unix >= caller.expires() {
            let service = self.config.service(service);
            let (engine, name) = (
                service.map_or("-", |service| &service.name),
                caller.log_name(),
            );
            return Err(Refusal::new(
                Reason::SessionOver,
                format!(
                    "the token of {name} has expired: sign in again. The gate does not let {engine} go on as itself in \
                     {name}'s session"
                ),
            )
            .into());
        }
        match self.chain(now, parked, &caller, token)? {
            Chain::Unknown if caller.proof() == Proof::EngineWord => {
                Err(needs_proof(&caller).into())
            }
            // Another worker may know since when.
            Chain::OfProvider | Chain::Unknown => self.own(now, parked, caller, token, None, asked),
            Chain::Since(origin) => self.own(now, parked, caller, token, Some(origin.since), asked),
        }
    }

    // -- what is at hand ----------------------------------------------------------------------------------------------

    /// The answer to the same question, if it is at hand.
    pub(super) fn got(&mut self, now: Now, parked: &TokenParked, key: &GrantKey) -> Option<Answer> {
        if let Some((landed, answer)) = &parked.landed
            && landed == key
        {
            return Some(answer.clone());
        }
        let issuers = &self.issuers;
        let holds = |token: &GateToken| {
            let caller = token.caller();
            let keys = issuers.get(usize::from(caller.issuer().0));
            keys.and_then(|keys| keys.set())
                .is_some_and(|set| set.contains(&caller.key()))
        };
        self.endpoint.kept.answer(now, key, holds)
    }

    fn wait_for_newer(
        &mut self,
        now: Now,
        stream: StreamId,
        mut parked: TokenParked,
        issuer: IssuerId,
    ) {
        let crowd = self.endpoint.requests.values();
        let crowd = crowd
            .filter(|other| matches!(other.wait, TokenWait::NewerKeys(at, _) if at == issuer))
            .count();
        let Some(keys) = self.issuers.get_mut(usize::from(issuer.0)) else {
            return;
        };
        let refused = match parked.wait {
            // A set that was fetched after this request came lacks the key as well.
            TokenWait::NewerKeys(at, started) if at == issuer => keys.finished() > started,
            TokenWait::FirstKeys(at) if at == issuer => true,
            _ => {
                parked.wait = TokenWait::NewerKeys(issuer, keys.started());
                crowd >= limits::UNKNOWN_KEY_WAITERS
            }
        };
        if refused {
            let refusal = VerifyFault::UnknownKey.into();
            return self.refuse_token(now, stream, &parked, &refusal);
        }
        keys.want_newer(now.instant);
        self.endpoint.insert(stream, parked);
        self.fetch_due_keys(now);
    }
}
