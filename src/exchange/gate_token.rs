//! The check that a gate token must pass before it is given to anybody.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::check::{is_usable, says_the_same};
use crate::clock::Now;
use crate::config::{Config, IssuerId, ServiceId};
use crate::identity::{Caller, Presented, Proof, Standing, TokenFault};
use crate::jose::{KeySet, VerifyFault};
use crate::limits::TOKEN_BYTES;
use crate::oauth::{ExpiresIn, TokenResponse, is_token68};
use crate::secret::Secret;

/// A token for the gate, in which everything was checked: the only kind that an engine ever holds. Only
/// [`check_gate_token`] makes one.
#[derive(Clone, Debug)]
pub struct GateToken {
    token: Secret<String>,
    caller: Rc<Caller>,
    life: Duration,
}

impl GateToken {
    /// What is given out.
    pub fn token(&self) -> &Secret<String> {
        &self.token
    }

    /// Whom it names: what the gate will make of it when it comes back.
    pub fn caller(&self) -> &Rc<Caller> {
        &self.caller
    }

    /// How long it may be used, from the time of the check; at least a second.
    pub fn life(&self) -> Duration {
        self.life
    }
}

/// Whom a gate token must name.
#[derive(Clone, Copy)]
pub enum Wanted<'a> {
    /// This program, and the client that logged in.
    Service(ServiceId, &'a str),
    /// A person of this name.
    Named(&'a str),
    /// The same as this caller.
    Same(&'a Caller),
}

/// Why a token is not given out. It holds nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateTokenFault {
    /// The answer says that it is no access token.
    IssuedTokenType,
    /// The gate would not take it from a caller.
    Unacceptable(TokenFault),
    /// Another issuer made it.
    OtherIssuer,
    /// It is also meant for a catalog, where an engine could go with it past the gate.
    CatalogAudience,
    /// It is not of the client that logged in.
    OtherClient,
    /// It is not of the gate's client for gate tokens, though it has no session of its own: it could not be told from one that
    /// came from a login.
    NotOurs,
    /// It is of a program that is not that service: its `who` does not match.
    OtherService(ServiceId),
    /// It names a program.
    NotAPerson,
    /// It names a person of another name.
    OtherName,
    /// It names somebody else than the one whose token was exchanged.
    OtherSubject,
    /// It has expired, or its answer says so.
    Expired,
    /// It is signed with a key that the set does not have; a newer set may.
    UnknownKey,
    /// Its signature is not the issuer's.
    Signature,
}

impl GateTokenFault {
    /// For people; continues "the token ...".
    pub fn describe(&self, config: &Config) -> String {
        match self {
            Self::IssuedTokenType => "is not an access token".to_owned(),
            Self::Unacceptable(fault) => format!(
                "would not be accepted by the gate itself: {}",
                fault.describe(config)
            ),
            Self::OtherIssuer => "is from another issuer (iss)".to_owned(),
            Self::CatalogAudience => {
                "is also meant for a catalog (aud), so that an engine could go there with it \
                                      past the gate"
                    .to_owned()
            }
            Self::OtherClient => "is not of the client that logged in (azp, client_id)".to_owned(),
            Self::NotOurs => "is not of the gate's client for gate tokens (azp, client_id), so that it could not be told from \
                              one that came from a login"
                .to_owned(),
            Self::OtherService(id) => {
                let name = config.service(*id).map_or("-", |service| &service.name);
                format!("does not match services.{name}.who")
            }
            Self::NotAPerson => "names a program, and a person was asked for".to_owned(),
            Self::OtherName => "has another name in it than the one that was asked for".to_owned(),
            Self::OtherSubject => "does not name who called".to_owned(),
            Self::Expired => "has expired".to_owned(),
            Self::UnknownKey => VerifyFault::UnknownKey.to_string(),
            Self::Signature => VerifyFault::BadSignature.to_string(),
        }
    }
}

/// Checks what the token endpoint of `issuer` answered when it was asked for a gate token. `keys` must be those of
/// `issuer`.
///
/// # Errors
/// The first check that fails, in the order below. After [`GateTokenFault::UnknownKey`] a newer key set may help, after the
/// others it will not.
pub fn check_gate_token(
    answer: &TokenResponse,
    config: &Config,
    issuer: IssuerId,
    keys: &KeySet,
    wanted: Wanted<'_>,
    now: Now,
) -> Result<GateToken, GateTokenFault> {
    // 1. An access token, by the answer's own word.
    if !answer.issued_token_type.as_deref().is_none_or(is_usable) {
        return Err(GateTokenFault::IssuedTokenType);
    }

    // 2. All that is checked of a caller's token: it will come back as one.
    let token = answer.access_token.expose().as_bytes();
    if token.len() > TOKEN_BYTES || !is_token68(token) {
        let form = TokenFault::Form(crate::jose::JwsFault::TooLong);
        return Err(GateTokenFault::Unacceptable(form));
    }
    let presented =
        Presented::inspect(token, config, now.unix).map_err(GateTokenFault::Unacceptable)?;
    if presented.issuer() != issuer {
        return Err(GateTokenFault::OtherIssuer);
    }

    // 3. For nobody behind the gate.
    let of_catalog = |audience: &String| config.catalog_audiences.binary_search(audience).is_ok();
    if presented.claims().audience().iter().any(of_catalog) {
        return Err(GateTokenFault::CatalogAudience);
    }

    // 4. Signed by the issuer.
    let caller = presented
        .verify(config, keys)
        .map_err(|fault| match fault {
            VerifyFault::UnknownKey => GateTokenFault::UnknownKey,
            VerifyFault::AmbiguousKey | VerifyFault::BadSignature => GateTokenFault::Signature,
        })?;

    // 5. Who was asked for.
    names(&caller, config, wanted)?;

    // 6. For a while.
    let own = caller.expires().since(now.unix);
    let life = match answer.expires_in {
        ExpiresIn::In(said) => said.min(own),
        ExpiresIn::Absent | ExpiresIn::Unreadable => own,
    };
    if life < Duration::from_secs(1) {
        return Err(GateTokenFault::Expired);
    }
    Ok(GateToken {
        token: answer.access_token.clone(),
        caller: Rc::new(caller),
        life,
    })
}

fn names(caller: &Caller, config: &Config, wanted: Wanted<'_>) -> Result<(), GateTokenFault> {
    match wanted {
        Wanted::Service(service, client) => {
            if caller.authorized_party() != Some(client) {
                return Err(GateTokenFault::OtherClient);
            }
            match caller.standing() == Standing::Service(service) {
                true => Ok(()),
                false => Err(GateTokenFault::OtherService(service)),
            }
        }
        Wanted::Named(name) => {
            if caller.is_program() {
                return Err(GateTokenFault::NotAPerson);
            }
            let issuer = config.issuers.get(usize::from(caller.issuer().0));
            let said = issuer.and_then(|issuer| caller.claims().string_at(&issuer.name_claim.0));
            if said != Some(name) {
                return Err(GateTokenFault::OtherName);
            }
            match caller.proof() {
                Proof::EngineWord => Ok(()),
                Proof::OwnToken | Proof::Program => Err(GateTokenFault::NotOurs),
            }
        }
        Wanted::Same(other) => {
            let issuer = config.issuers.get(usize::from(caller.issuer().0));
            let same = caller.same_person() == other.same_person()
                && caller.standing() == other.standing()
                && issuer.is_some_and(|issuer| {
                    let dialect = issuer.profile.dialect();
                    says_the_same(dialect, other.claims(), caller.claims())
                });
            if !same {
                return Err(GateTokenFault::OtherSubject);
            }
            let rule = issuer.and_then(|issuer| issuer.gate_tokens.as_ref());
            let client = rule.and_then(|rule| Some(&*rule.client.as_ref()?.id));
            let ours = client.is_some() && caller.authorized_party() == client;
            match ours || caller.claims().get("sid").is_some() {
                true => Ok(()),
                false => Err(GateTokenFault::NotOurs),
            }
        }
    }
}

impl fmt::Debug for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Service(..) => "Service",
            Self::Named(_) => "Named",
            Self::Same(_) => "Same",
        })
    }
}
