//! What the end of an exchange means for those who waited for it, in words.

use crate::config::{Client, Config, ContextId, Issuer, IssuerId, TokenRule};
use crate::exchange::{MintedFault, Misconfiguration, Sorted, Unavailable};
use crate::refusal::{Reason, Refusal};
use crate::telemetry::ExchangeOutcome;

/// Everything about one exchange that the configuration says.
pub(super) struct Terms<'a> {
    pub(super) at: IssuerId,
    pub(super) issuer: &'a Issuer,
    pub(super) client: &'a Client,
    pub(super) rule: &'a TokenRule,
    pub(super) catalog: &'a str,
    pub(super) tenant: Option<&'a str>,
}

pub(super) fn terms(config: &Config, context: ContextId) -> Option<Terms<'_>> {
    let context = config.context(context)?;
    Some(Terms {
        at: context.token.at,
        issuer: config.issuers.get(usize::from(context.token.at.0))?,
        client: config.client(context)?,
        rule: &context.token,
        catalog: &config.catalog(context.catalog)?.name,
        tenant: match context.tenant {
            Some(tenant) => Some(&config.tenant(tenant)?.name),
            None => None,
        },
    })
}

/// An answer that is no token.
pub(super) fn refused(sorted: &Sorted, terms: &Terms<'_>, who: &str) -> (ExchangeOutcome, Refusal) {
    let idp = &terms.issuer.name;
    let (reason, sentence) = match sorted {
        Sorted::CallerRefused => (
            Reason::SubjectRefused,
            format!(
                "identity provider '{idp}' does not accept {who}'s token any more (signed out, disabled, or \
                 revoked): sign in again"
            ),
        ),
        Sorted::InteractionRequired => (
            Reason::SubjectRefused,
            format!(
                "identity provider '{idp}' wants {who} to sign in again and to prove more than before (another factor, or \
                 what its policy asks for), which the gate cannot do for anybody: sign in again"
            ),
        ),
        Sorted::Forbidden => (
            Reason::ExchangeForbidden,
            format!(
                "identity provider '{idp}' does not exchange {who}'s token for catalog '{}'",
                terms.catalog
            ),
        ),
        Sorted::ClientRefused => (
            Reason::ClientRefused,
            format!(
                "identity provider '{idp}' does not accept the gate's own client '{}': its operator must look at \
                 issuers.{idp}.client",
                terms.client.id
            ),
        ),
        Sorted::Misconfigured(what) => {
            let place = match what {
                Misconfiguration::Target => {
                    format!("catalogs.{}.token.audience", terms.catalog)
                }
                Misconfiguration::Scope => format!("catalogs.{}.token.scope", terms.catalog),
                Misconfiguration::Parameters => format!("catalogs.{}.token", terms.catalog),
                Misconfiguration::Endpoint => format!("issuers.{idp}.token_path"),
            };
            (
                Reason::ExchangeMisconfigured,
                format!(
                    "identity provider '{idp}' does not grant what the gate asks for catalog '{}': its operator \
                     must look at {place} and at client '{}' there",
                    terms.catalog, terms.client.id
                ),
            )
        }
        Sorted::RateLimited { .. } => (
            Reason::IdpRateLimited,
            format!(
                "identity provider '{idp}' asks for fewer requests, {who}'s token waits: try again"
            ),
        ),
        Sorted::Unavailable(Unavailable::Unreachable | Unavailable::NotSent) => (
            Reason::IdpUnreachable,
            format!("identity provider '{idp}' cannot be reached: try again"),
        ),
        Sorted::Unavailable(Unavailable::TimedOut) => (
            Reason::IdpTimeout,
            format!("identity provider '{idp}' did not answer in time: try again"),
        ),
        Sorted::Unavailable(_) | Sorted::Minted(_) => (
            Reason::IdpBroken,
            format!("identity provider '{idp}' gave no usable answer: try again"),
        ),
    };
    let outcome = match sorted {
        Sorted::CallerRefused | Sorted::InteractionRequired | Sorted::Forbidden => {
            ExchangeOutcome::CallerRefused
        }
        Sorted::ClientRefused | Sorted::Misconfigured(_) => ExchangeOutcome::OperatorFault,
        Sorted::RateLimited { .. } | Sorted::Unavailable(_) | Sorted::Minted(_) => {
            ExchangeOutcome::IdpFault
        }
    };
    (outcome, Refusal::new(reason, sentence))
}

/// A token that must not be used.
pub(super) fn unfit(fault: &MintedFault, terms: &Terms<'_>, who: &str) -> Refusal {
    let sentence = format!(
        "the token that identity provider '{}' made for {who} and catalog '{}' is refused: it {}",
        terms.issuer.name,
        terms.catalog,
        fault.describe()
    );
    Refusal::new(fault.into(), sentence)
}

/// The loader lets no key in that does not sign.
pub(super) fn cannot_sign(terms: &Terms<'_>) -> Refusal {
    let (idp, client) = (&terms.issuer.name, &terms.client.id);
    let sentence = format!(
        "the gate cannot sign with the key of its client '{client}' at identity provider '{idp}': its operator must look \
         at issuers.{idp}.client.key"
    );
    Refusal::new(Reason::ClientRefused, sentence)
}

/// The loader lets no catalog name an issuer without a client, so this does not happen.
pub(super) fn no_terms() -> Refusal {
    Refusal::new(
        Reason::ExchangeMisconfigured,
        "the gate has no client at the identity provider of this catalog",
    )
}

pub(super) fn no_token_path(terms: &Terms<'_>) -> Refusal {
    let idp = &terms.issuer.name;
    let sentence = format!(
        "identity provider '{idp}' publishes no token endpoint that the gate may call: its operator must set \
         issuers.{idp}.token_path"
    );
    Refusal::new(Reason::ExchangeMisconfigured, sentence)
}
