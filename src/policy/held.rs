//! The grants' word on a whole request: on every demand, on what is moved, and on what is handed out for the storage.

use super::grants::{Grants, Said};
use super::place::{Demand, Place};
use super::program::Program;
use super::within::Within;
use super::{Findings, Handed, full_claims};
use crate::config::{Access, Config, Delegation, TenantId};
use crate::iceberg::{Kind, Operation, Wishes, delegates};
use crate::refusal::{Reason, Refusal};

impl Within<'_> {
    /// A program's own word on every demand: its border, which holds whoever decides otherwise.
    pub(super) fn program_may(&self, demands: &[Demand]) -> Result<(), Refusal> {
        match self.program {
            Some(program) => program.check_demands(demands),
            None => Ok(()),
        }
    }

    /// What is handed out for the storage where no grant is held.
    pub(super) fn without_grants(&self, demands: &[Demand]) -> Result<Handed, Refusal> {
        match (self.program, demands.first()) {
            (Some(program), Some(demand)) if delegates(self.asked.route.operation) => {
                let kind = self.catalog.layout.kind();
                self.hand(demand, program.may_have(kind))
            }
            _ => Ok(Handed::default()),
        }
    }

    /// The grants' word on every demand, and on what is handed out for the storage.
    pub(super) fn grants(&self, findings: &mut Findings) -> Result<Handed, Refusal> {
        if self.config.access == Access::CatalogDecides {
            return self.without_grants(&findings.demands);
        }
        let own = self.config.warehouse(self.warehouse);
        let grants = Grants {
            tenancy: self.tenancy,
            caller: self.caller,
            tenant: own.map_or(TenantId(u16::MAX), |own| own.tenant),
            warehouse: self.warehouse,
            ignore_case: self.catalog.names_ignore_case,
            program: self.program.map(Program::may),
        };
        let denying = || {
            let rules = self.tenancy.rules.of_tenant(grants.tenant);
            rules
                .filter(|(_, rule)| !rule.deny.is_empty())
                .filter_map(|(key, _)| key.who)
        };
        full_claims(
            self.config,
            self.caller,
            denying,
            "a grant denies something",
        )?;
        for (index, demand) in findings.demands.iter().enumerate() {
            let (warehouse, place) = self.meant(demand);
            let grants = Grants {
                warehouse,
                ..grants
            };
            match grants.say(demand.operation, &place) {
                Said::Granted(grant) => findings.grant = Some(grant),
                Said::ByProgram => {}
                Said::Nothing if demand.operation == Operation::GetConfig => {}
                Said::Nothing => {
                    let hides = index == 0 && grants.hides(demand.operation, &place);
                    return Err(self.not_granted(demand, hides));
                }
                Said::Denied(grant) => {
                    findings.grant = Some(grant);
                    let hides = index == 0 && grants.hides(demand.operation, &place);
                    return Err(self.denied(demand, grant, hides));
                }
            }
        }
        self.no_wider(grants, &findings.demands)?;
        self.handed(grants, &findings.demands)
    }

    /// Nobody moves a table to a place where he may do more with it than where it was. A registered table's
    /// files may have been anywhere in the warehouse.
    fn no_wider(&self, grants: Grants<'_>, demands: &[Demand]) -> Result<(), Refusal> {
        let anywhere = Place::anywhere();
        let (from, to) = match (self.asked.route.operation, demands) {
            (Operation::RenameTable | Operation::RenameView, [from, to, ..]) => (&from.place, to),
            (Operation::RegisterTable | Operation::RegisterView, [to, ..]) => (&anywhere, to),
            _ => return Ok(()),
        };
        if !grants.widens(from, &to.place) {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::GrantWidened,
            format!(
                "{}: more would be allowed there than where it comes from",
                self.may_not(to)
            ),
        ))
    }

    /// What is handed out for the storage of the table.
    fn handed(&self, grants: Grants<'_>, demands: &[Demand]) -> Result<Handed, Refusal> {
        let operation = self.asked.route.operation;
        let Some(demand) = demands.first().filter(|_| delegates(operation)) else {
            return Ok(Handed::default());
        };
        let kind = self.catalog.layout.kind();
        let (warehouse, place) = self.meant(demand);
        let grants = Grants {
            warehouse,
            ..grants
        };
        let allowed = grants.at_least(&place);
        let credentials = allowed.has(Operation::LoadCredentials);
        let signing = allowed.has(Operation::SignRequest) && self.can_sign(grants, kind);
        self.hand(demand, [credentials, signing])
    }

    fn hand(&self, demand: &Demand, allowed: [bool; 2]) -> Result<Handed, Refusal> {
        let (config, kind) = (self.config, self.catalog.layout.kind());
        handed(config, kind, self.asked.wishes, allowed, || {
            self.may_not(demand)
        })
    }

    /// Nessie's signing path does not say which table it is about, so that it must be granted for all of them: a signer
    /// that would be refused afterwards is not handed out.
    fn can_sign(&self, grants: Grants<'_>, kind: Kind) -> bool {
        kind != Kind::Nessie
            || grants
                .at_least(&Place::anywhere())
                .has(Operation::SignS3Request)
    }
}

/// What becomes of a wish where so much is allowed: credentials, signatures. `who`: `alice may not read ...`.
pub(super) fn handed(
    config: &Config,
    kind: Kind,
    wishes: Wishes,
    allowed: [bool; 2],
    who: impl FnOnce() -> String,
) -> Result<Handed, Refusal> {
    let [credentials, signing] = allowed;
    let heard = wishes.heard_by(kind);
    let granted = Wishes {
        said: true,
        credentials: heard.credentials && credentials,
        signing: heard.signing && signing,
    };
    let excess = heard.credentials != granted.credentials || heard.signing != granted.signing;
    if excess && wishes.said && config.delegation == Delegation::Refuse {
        return Err(Refusal::new(
            Reason::DelegationRefused,
            format!(
                "{}: no grant for the storage credentials or signatures that the client asks for \
                 (X-Iceberg-Access-Delegation)",
                who()
            ),
        ));
    }
    Ok(Handed {
        header: excess.then(|| granted.header(kind)),
        withhold_credentials: !credentials,
        withhold_signing: !signing,
    })
}
