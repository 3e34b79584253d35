//! What the end of an exchange means for those who waited for it, in words.

use crate::config::{Client, Config, ContextId, Grant, Issuer, Service, TokenRule};
use crate::dialect::ErrorTable;
use crate::exchange::{
    BackoffEffect, Inputs, MintedFault, Misconfiguration, Sorted, Unavailable, Whose,
};
use crate::refusal::{Reason, Refusal};
use crate::telemetry::ExchangeOutcome;

/// Everything about one exchange that the configuration says.
pub(super) struct Terms<'a> {
    pub(super) issuer: &'a Issuer,
    pub(super) client: &'a Client,
    pub(super) grant: Grant,
    pub(super) rule: &'a TokenRule,
    pub(super) catalog: &'a str,
    pub(super) tenant: Option<&'a str>,
    /// The program whose account it is.
    pub(super) service: Option<&'a str>,
    /// The client is another than the issuer's.
    pub(super) own_client: bool,
}

impl<'a> Terms<'a> {
    /// What goes into the call.
    pub(super) fn inputs(
        &self,
        generation: &'a [u8; 32],
        token_path: &'a str,
        subject_token: &'a str,
    ) -> Inputs<'a> {
        Inputs {
            generation,
            issuer: self.issuer,
            client: self.client,
            grant: self.grant,
            rule: self.rule,
            catalog: self.catalog,
            tenant: self.tenant,
            token_path,
            subject_token,
        }
    }

    /// What the errors of its answer mean.
    pub(super) fn errors(&self) -> ErrorTable {
        let dialect = self.issuer.profile.dialect();
        match self.grant {
            Grant::Exchange => dialect.exchange.errors,
            Grant::ClientCredentials => dialect.client_credentials.errors,
        }
    }

    /// Whose token is wanted.
    pub(super) fn whose(&self, config: &'a Config) -> Whose<'a> {
        match self.grant {
            Grant::Exchange => Whose::Callers,
            Grant::ClientCredentials => Whose::Clients {
                id: &self.client.id,
                config,
            },
        }
    }

    /// Where the way to the token stands in the configuration.
    fn place(&self) -> String {
        match (self.service, self.tenant) {
            (Some(service), _) => format!("services.{service}.token.client_credentials"),
            (None, Some(tenant)) if self.own_client => {
                format!("tenants.{tenant}.token.{}", self.catalog)
            }
            (None, _) => format!("catalogs.{}.token", self.catalog),
        }
    }

    /// Where its client stands there.
    fn client_place(&self) -> String {
        match (self.service, self.own_client) {
            (Some(_), _) => self.place(),
            (None, true) => format!("{}.client", self.place()),
            (None, false) => format!("issuers.{}.client", self.issuer.name),
        }
    }
}

pub(super) fn terms(config: &Config, id: ContextId) -> Option<Terms<'_>> {
    let context = config.context(id)?;
    let owns = |service: &&Service| service.own_account.values().any(|own| *own == id);
    let service = match context.grant {
        Grant::Exchange => None,
        Grant::ClientCredentials => Some(config.services.iter().find(owns)?),
    };
    Some(Terms {
        service: service.map(|service| &*service.name),
        own_client: context.client.is_some(),
        issuer: config.issuers.get(usize::from(context.token.at.0))?,
        client: config.client(context)?,
        grant: context.grant,
        rule: &context.token,
        catalog: &config.catalog(context.catalog)?.name,
        tenant: match context.tenant {
            Some(tenant) => Some(&config.tenant(tenant)?.name),
            None => None,
        },
    })
}

/// What an answer does to the identity provider's backoff. A program's own credential is nobody else's: that it is
/// refused, or may not ask for that, makes the others' exchanges wait for nothing.
pub(super) fn effect(sorted: &Sorted, terms: &Terms<'_>) -> BackoffEffect {
    match (terms.grant, sorted) {
        (
            Grant::ClientCredentials,
            Sorted::ClientRefused | Sorted::Misconfigured(Misconfiguration::Parameters),
        ) => BackoffEffect::None,
        _ => sorted.backoff_effect(),
    }
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
                "identity provider '{idp}' does not accept the gate's own client '{}': its operator must look at {}",
                terms.client.id,
                terms.client_place()
            ),
        ),
        Sorted::Misconfigured(what) => {
            let place = match what {
                Misconfiguration::Target => format!("{}.audience", terms.place()),
                Misconfiguration::Scope => format!("{}.scope", terms.place()),
                Misconfiguration::Parameters => terms.place(),
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
    let (idp, client, place) = (&terms.issuer.name, &terms.client.id, terms.client_place());
    let sentence = format!(
        "the gate cannot sign with the key of its client '{client}' at identity provider '{idp}': its operator must look \
         at {place}.key"
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

pub(super) fn no_token_path(issuer: &Issuer) -> Refusal {
    let idp = &issuer.name;
    let sentence = format!(
        "identity provider '{idp}' publishes no token endpoint that the gate may call: its operator must set \
         issuers.{idp}.token_path"
    );
    Refusal::new(Reason::ExchangeMisconfigured, sentence)
}
