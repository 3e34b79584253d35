//! Programs: whoever is not listed may do nothing, and a listed one what its `may` says, within the border.

use super::place::Demand;
use crate::config::{CatalogId, Config, ContextId, Service, TenantId};
use crate::iceberg::{Kind, Operation, OperationSet};
use crate::identity::{Caller, Standing};
use crate::refusal::{Reason, Refusal};
use crate::text::shown;

/// A listed program that came by the connection that it must come by. Only from it leads a way to a program's own
/// account at a catalog: a person's request has none.
#[derive(Clone, Copy)]
pub(super) struct Program<'a>(&'a Service);

impl<'a> Program<'a> {
    /// The program that calls; `None`: it is a person.
    ///
    /// # Errors
    /// A program that is not listed, or comes by another connection.
    pub(super) fn of(
        config: &'a Config,
        caller: &Caller,
        peer: Option<&str>,
    ) -> Result<Option<Self>, Refusal> {
        let listed = match caller.standing() {
            Standing::Person => return Ok(None),
            Standing::Service(id) => config.service(id),
            Standing::Program => None,
        };
        let Some(service) = listed else {
            return Err(not_listed(config, caller));
        };
        if let Some(own) = service.peer.as_deref()
            && peer != Some(own)
        {
            let name = &service.name;
            return Err(Refusal::new(
                Reason::ProgramPeer,
                format!(
                    "program {name} calls by a connection whose certificate does not name it, or that has none \
                     (services.{name}.who.peer)"
                ),
            ));
        }
        Ok(Some(Self(service)))
    }

    /// What it may do.
    pub(super) fn may(self) -> OperationSet {
        self.0.may
    }

    /// Whether it may do such a thing at all. Engines ask for the view of a name before they ask for its table: where
    /// the table may be loaded there is no such view.
    pub(super) fn check(self, operation: Operation) -> Result<(), Refusal> {
        let table = match operation {
            Operation::LoadView => Operation::LoadTable,
            Operation::ViewExists => Operation::TableExists,
            operation => operation,
        };
        let reason = match self.0.may.has(table) {
            true => Reason::ViewHidden,
            false => Reason::ServiceMayNot,
        };
        self.held(operation, reason)
    }

    /// Whether it may all that a request wants.
    pub(super) fn check_demands(self, demands: &[Demand]) -> Result<(), Refusal> {
        let mut demands = demands.iter();
        demands.try_for_each(|demand| self.held(demand.operation, Reason::ServiceMayNot))
    }

    fn held(self, operation: Operation, reason: Reason) -> Result<(), Refusal> {
        if self.0.may.has(operation) {
            return Ok(());
        }
        let (name, may) = (&self.0.name, self.0.may.words().join(", "));
        Err(Refusal::new(
            reason,
            format!(
                "program {name} may not {}, only: {may} (services.{name}.may); if this is a person's query, the person's \
                 token has expired and the engine has gone on as its own account: sign in again",
                operation.name()
            ),
        ))
    }

    /// Whether credentials and signatures may be handed to it.
    pub(super) fn may_have(self, kind: Kind) -> [bool; 2] {
        let may = self.0.may;
        let signs = may.has(Operation::SignRequest)
            && (kind != Kind::Nessie || may.has(Operation::SignS3Request));
        [may.has(Operation::LoadCredentials), signs]
    }

    /// How a token of its own account is got, where an operation goes by that. `None`: its own token is exchanged, as for all
    /// other operations and at catalogs to which the account does not lead.
    ///
    /// # Errors
    /// A program with an account is listed with its tenants. It may be of another one's people besides: there is no account
    /// for that border, and nothing stands in for it.
    pub(super) fn own_account(
        self,
        operation: Operation,
        tenant: Option<TenantId>,
        catalog: CatalogId,
    ) -> Result<Option<ContextId>, Refusal> {
        if !self.0.by_own_account.has(operation) {
            return Ok(None);
        }
        let own = self.0.own_account.get(&(tenant, catalog));
        if own.is_some() || tenant.is_none_or(|tenant| self.0.tenants.contains(&tenant)) {
            return Ok(own.copied());
        }
        let name = &self.0.name;
        let sentence = format!(
            "program {name} has no account of its own within this tenant's border (services.{name}.tenant)"
        );
        Err(Refusal::new(Reason::ServiceMayNot, sentence))
    }

    /// Its name in the configuration.
    pub(super) fn name(self) -> &'a str {
        &self.0.name
    }
}

fn not_listed(config: &Config, caller: &Caller) -> Refusal {
    let issuer = config.issuers.get(usize::from(caller.issuer().0));
    let issuer = issuer.map_or("-", |issuer| &issuer.name);
    Refusal::new(
        Reason::ProgramNotListed,
        format!(
            "{} is a program of identity provider '{issuer}' that this gate does not list: its operator must write it \
             under services, with who: {{issuer: {issuer}, sub: {}}} and what it may do (may); if this is a person's query, \
             the person's token has expired and the engine has gone on as its own account: sign in again",
            caller.log_name(),
            shown(caller.subject()),
        ),
    )
}
