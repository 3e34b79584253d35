//! Whether a caller is a person or a program, and who proved it.

use super::marks;
use crate::config::{Config, IssuerId, ServiceId, SpeaksBy, WhoId};
use crate::jose::Claims;

/// What a caller is. Found once, when its token is verified; a fact about the token, and no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Somebody.
    Person,
    /// A program that the configuration lists.
    Service(ServiceId),
    /// A program that it does not list: refused everywhere.
    Program,
}

/// Whose word it is that the caller is who the token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The person's own: a login at the identity provider.
    OwnToken,
    /// An engine's: the gate got the token because a service that may speak for others named the person.
    EngineWord,
    /// A program's own.
    Program,
}

impl Proof {
    /// Its name in audit lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OwnToken => "own_token",
            Self::EngineWord => "engine_word",
            Self::Program => "program",
        }
    }
}

/// What a caller with these claims is. `whos`: the conditions that hold for it, sorted. `client`: the client that its
/// token was issued to.
pub(super) fn standing(
    config: &Config,
    issuer: IssuerId,
    claims: &Claims,
    whos: &[WhoId],
    client: Option<&str>,
) -> Standing {
    let gates = gate_client(config, issuer);
    let is = |who: &WhoId| whos.binary_search(who).is_ok();
    let found = config.services.iter().zip(0_u16..).find(|(service, _)| {
        service.issuer == issuer
            && service.who.iter().any(is)
            // What the gate got for it in exchange for its own token was issued to the gate.
            && service
                .client
                .as_deref()
                .is_none_or(|own| client == Some(own) || client.is_some() && client == gates)
    });
    match found {
        Some((_, position)) => Standing::Service(ServiceId(position)),
        None if marks::is_program(config, issuer, claims, whos) => Standing::Program,
        None => Standing::Person,
    }
}

/// Who proved a caller of this standing.
pub(super) fn proof(
    config: &Config,
    issuer: IssuerId,
    claims: &Claims,
    standing: Standing,
    client: Option<&str>,
) -> Proof {
    if standing != Standing::Person {
        return Proof::Program;
    }
    let mut words = config
        .services
        .iter()
        .filter(|service| service.issuer == issuer)
        .filter_map(|service| service.speaks_for.as_ref());
    // An identity provider makes a session for whom it lets be impersonated, so that nothing tells such a token from one
    // that was exchanged for the person's own.
    let said = match claims.get("sid") {
        // Where nobody may speak for others, the gate's client got nothing on anybody's word.
        None => words.next().is_some(),
        Some(_) => words.any(|speaks| speaks.by == SpeaksBy::Impersonation),
    };
    let ours = client.is_some() && client == gate_client(config, issuer);
    // Who acted (`act`) says nothing of whose word it was.
    match ours && said {
        true => Proof::EngineWord,
        false => Proof::OwnToken,
    }
}

/// The gate's client for gate tokens at an issuer.
fn gate_client(config: &Config, issuer: IssuerId) -> Option<&str> {
    let issuer = config.issuers.get(usize::from(issuer.0))?;
    let client = issuer.gate_tokens.as_ref()?.client.as_ref()?;
    Some(&client.id)
}
