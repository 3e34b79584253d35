//! What a proven caller may do. Every request is decided on here, by facts alone, and the answer is never kept.
//!
//! In this order, and the first no ends it: is the caller denied; whose warehouse does the request name; do its
//! names mean what they say; is every place granted; does every storage location lie within the tenant's.

mod border;
mod demands;
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub mod explain;
mod grants;
mod place;
mod sentences;

pub use border::{Prefixes, Told, holds_prefix};
pub use place::{Demand, Doubt, Place};

use std::borrow::Cow;

use border::{Led, lead, overaged};
use demands::demands;
use grants::{Grants, Said};

use crate::config::{
    Access, Catalog, CatalogId, Config, ContextId, Delegation, Tenancy, Tenant, TenantId,
    WarehouseId,
};
use crate::iceberg::{
    Body, Kind, Noun, Operation, Query, Route, StorageLocation, Wishes, delegates, is_plain_name,
    names_in_body,
};
use crate::identity::Caller;
use crate::refusal::{Reason, Refusal};

/// What is decided on.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The catalog under whose base path the request lies.
    pub catalog: CatalogId,
    /// What its path says.
    pub route: &'a Route<'a>,
    /// What its query says.
    pub query: &'a Query,
    /// What it wishes to be handed for the storage.
    pub wishes: Wishes,
    /// What its body says, once it was read.
    pub body: Option<&'a Body>,
}

/// What was found out on the way to a decision, for the audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Whose warehouse it is.
    pub tenant: Option<TenantId>,
    /// Which one.
    pub warehouse: Option<WarehouseId>,
    /// What it wants where.
    pub demands: Vec<Demand>,
    /// The grant that decided, by its position.
    pub grant: Option<u32>,
    /// What the grants would have refused, if only they were held.
    pub reported: Option<Box<Refusal>>,
}

/// The yes to one caller for one operation at one catalog. Made by [`decide`] alone; without it nothing is
/// forwarded.
#[derive(Debug)]
pub struct Permit {
    catalog: CatalogId,
    operation: Operation,
    context: ContextId,
    delegation: Handed,
    findings: Findings,
}

/// What becomes of the wish for credentials and signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handed {
    /// The header that says so, in place of the client's. `None`: it stays as it is.
    pub header: Option<Option<&'static str>>,
    /// No credentials may come back.
    pub withhold_credentials: bool,
    /// No signer may come back.
    pub withhold_signing: bool,
}

impl Permit {
    /// The catalog that the yes is for.
    pub fn catalog(&self) -> CatalogId {
        self.catalog
    }

    /// The operation that the yes is for.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// How the token for it is got.
    pub fn context(&self) -> ContextId {
        self.context
    }

    /// What becomes of the wish for credentials and signatures.
    pub fn delegation(&self) -> Handed {
        self.delegation
    }

    /// What was found out.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }
}

/// What is decided.
#[derive(Debug)]
pub enum Decision {
    /// Yes.
    Yes(Permit),
    /// Yes as far as the path goes. What it names in its body is yet to be read; the token is got in this context
    /// meanwhile.
    ReadBody(ContextId),
    /// The catalog must be asked for this warehouse's prefix, with a token got in this context.
    AskPrefix(WarehouseId, ContextId),
}

/// A no, with what was found out before.
#[derive(Debug)]
pub struct Denial {
    /// Why, and what the client is told.
    pub refusal: Refusal,
    /// What was found out.
    pub findings: Findings,
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            findings: Findings::default(),
        }
    }
}

/// Whether the body of such a request is read before the request goes on, whoever the caller is. The host must
/// hold it back from the first byte, when nobody is recognised yet.
pub fn reads_body(config: &Config, catalog: CatalogId, route: &Route<'_>) -> bool {
    if !names_in_body(route.operation) {
        return false;
    }
    let (Some(tenancy), Some(own)) = (&config.tenancy, config.catalog(catalog)) else {
        return false;
    };
    let prefix = route
        .prefix
        .as_ref()
        .map(|prefix| prefix.decode())
        .unwrap_or_default();
    let border = tenancy.borders.get(usize::from(catalog.0));
    let known = border.and_then(|border| border.prefixes.get(&*prefix));
    let known = known.and_then(|id| config.tenant(config.warehouse(*id)?.tenant));
    match known {
        Some(tenant) => depends_on_body(config, own, tenant),
        None => border.is_some_and(|border| border.asks),
    }
}

/// Whether any rule for a tenant's people speaks of what stands in a request's body.
fn depends_on_body(config: &Config, catalog: &Catalog, tenant: &Tenant) -> bool {
    config.access == Access::Grants
        || tenant.locations.is_some()
        || catalog.layout.kind() == Kind::Nessie
}

/// Decides on one request. Runs on every request, cached or not; its answer is never kept.
///
/// # Errors
/// A refusal of one of the policy's reasons.
pub fn decide(
    config: &Config,
    prefixes: &dyn Prefixes,
    caller: &Caller,
    asked: &Asked<'_>,
) -> Result<Decision, Box<Denial>> {
    // A caller has a handful of conditions, and thousands may be denied.
    let denied = |who| config.denied.binary_search(who).is_ok();
    if caller.whos().iter().any(denied) {
        let sentence = format!(
            "{} is denied by the operator of this gate",
            caller.log_name()
        );
        return Err(Box::new(
            Refusal::new(Reason::CallerDenied, sentence).into(),
        ));
    }
    let Some(catalog) = config.catalog(asked.catalog) else {
        let sentence = "no catalog of this gate lies under this path";
        return Err(Box::new(Refusal::new(Reason::PathOutside, sentence).into()));
    };
    let Some(tenancy) = &config.tenancy else {
        // Without tenants a catalog has one context, in the same order.
        let context = ContextId(u32::from(asked.catalog.0));
        served(config, caller, catalog, context)?;
        return Ok(Decision::Yes(Permit {
            catalog: asked.catalog,
            operation: asked.route.operation,
            context,
            delegation: Handed::default(),
            findings: Findings::default(),
        }));
    };
    let led = lead(
        config,
        tenancy,
        prefixes,
        caller,
        asked.catalog,
        asked.route,
        asked.query,
    )
    .map_err(|refusal| denial(refusal, Findings::default()))?;
    let (Led::To(id) | Led::Ask(id)) = led;
    let found = config
        .warehouse(id)
        .and_then(|warehouse| Some((warehouse, config.tenant(warehouse.tenant)?)))
        .and_then(|(warehouse, tenant)| {
            let context = tenant.contexts.get(&asked.catalog)?;
            Some((warehouse, tenant, *context))
        });
    let Some((warehouse, tenant, context)) = found else {
        let sentence = "the gate lost its own configuration";
        return Err(Box::new(Refusal::new(Reason::HostFailed, sentence).into()));
    };
    let mut findings = Findings {
        tenant: Some(warehouse.tenant),
        warehouse: Some(id),
        ..Findings::default()
    };
    if let Err(refusal) = served(config, caller, catalog, context) {
        return Err(denial(*refusal, findings));
    }
    if led == Led::Ask(id) {
        return Ok(Decision::AskPrefix(id, context));
    }
    let within = Within {
        config,
        tenancy,
        caller,
        catalog,
        tenant,
        warehouse: id,
        asked,
    };
    findings.demands = demands(asked.route, asked.query, asked.body, catalog.layout.kind());
    let outcome = within
        .names(&findings.demands)
        .and_then(|()| within.locations());
    if let Err(refusal) = outcome {
        return Err(denial(refusal, findings));
    }
    let delegation = match within.grants(&mut findings) {
        Ok(delegation) => delegation,
        Err(refusal) if config.grants_only_reported => {
            findings.reported = Some(Box::new(refusal));
            Handed::default()
        }
        Err(refusal) => return Err(denial(refusal, findings)),
    };
    if asked.body.is_none() && within.depends_on_body() {
        return Ok(Decision::ReadBody(context));
    }
    Ok(Decision::Yes(Permit {
        catalog: asked.catalog,
        operation: asked.route.operation,
        context,
        delegation,
        findings,
    }))
}

fn denial(refusal: Refusal, findings: Findings) -> Box<Denial> {
    Box::new(Denial { refusal, findings })
}

/// Tokens for a context are got at one issuer: exchanging another issuer's there would let one identity provider
/// speak for another one's people.
fn served(
    config: &Config,
    caller: &Caller,
    catalog: &Catalog,
    context: ContextId,
) -> Result<(), Box<Refusal>> {
    let from = config.context(context).map(|context| context.token.from);
    if from == Some(caller.issuer()) {
        return Ok(());
    }
    Err(Box::new(Refusal::new(
        Reason::IssuerNotServed,
        format!(
            "{} comes from an identity provider that catalog '{}' does not serve",
            caller.log_name(),
            catalog.name
        ),
    )))
}

impl From<Box<Refusal>> for Box<Denial> {
    fn from(refusal: Box<Refusal>) -> Self {
        Box::new((*refusal).into())
    }
}

/// A request that names a warehouse of the caller's.
struct Within<'a> {
    config: &'a Config,
    tenancy: &'a Tenancy,
    caller: &'a Caller,
    catalog: &'a Catalog,
    tenant: &'a Tenant,
    warehouse: WarehouseId,
    asked: &'a Asked<'a>,
}

impl Within<'_> {
    fn depends_on_body(&self) -> bool {
        names_in_body(self.asked.route.operation)
            && depends_on_body(self.config, self.catalog, self.tenant)
    }

    /// Names that the catalog reads as expressions could lead out of the border.
    fn names(&self, demands: &[Demand]) -> Result<(), Refusal> {
        let kind = self.catalog.layout.kind();
        if kind != Kind::Nessie {
            return self.same_table(demands);
        }
        for demand in demands {
            let Some((noun, name)) = &demand.place.object else {
                continue;
            };
            if is_plain_name(kind, *noun, name) || self.references_own(*noun, name) {
                continue;
            }
            return Err(Refusal::new(
                Reason::NameExpression,
                format!(
                    "{}: Nessie would read the name as an expression that leads to another reference",
                    self.may_not(demand)
                ),
            ));
        }
        self.same_table(demands)
    }

    /// `table@reference` in the path, where the operator allows it and the reference is the tenant's too.
    fn references_own(&self, noun: Noun, name: &str) -> bool {
        let in_path = |name: &str| {
            let object = self.asked.route.object.as_ref();
            object.is_some_and(|object| object.decode() == name)
        };
        let Some((table, reference)) = name.split_once('@') else {
            return false;
        };
        self.catalog.table_references
            && in_path(name)
            && is_plain_name(Kind::Nessie, noun, table)
            && is_plain_name(Kind::Nessie, noun, reference)
            && self.reaches(reference).is_some()
    }

    /// The warehouse that this reference is with the same storage, if it is the same tenant's.
    fn reaches(&self, reference: &str) -> Option<WarehouseId> {
        let own = self.config.warehouse(self.warehouse)?;
        let border = self
            .tenancy
            .borders
            .get(usize::from(self.asked.catalog.0))?;
        let prefix = format!("{reference}|{}", own.asked_as);
        let id = *border.prefixes.get(prefix.as_str())?;
        let found = self.config.warehouse(id)?;
        (found.tenant == own.tenant).then_some(id)
    }

    /// Where a demand leads, and the grants there. What is named as `table@reference` is that reference's table:
    /// what is allowed at the reference of the path says nothing about it.
    fn leads<'d>(&self, grants: Grants<'d>, demand: &'d Demand) -> (Grants<'d>, Cow<'d, Demand>) {
        let elsewhere = || {
            let (noun, name) = demand.place.object.as_ref()?;
            let (table, reference) = name.split_once('@')?;
            let warehouse = self.reaches(reference)?;
            let place = Place::of(demand.place.levels.clone(), Some((*noun, table.to_owned())));
            let demand = Demand {
                operation: demand.operation,
                place,
            };
            Some((
                Grants {
                    warehouse,
                    ..grants
                },
                Cow::Owned(demand),
            ))
        };
        let found = match self.catalog.table_references {
            true => elsewhere(),
            false => None,
        };
        found.unwrap_or((grants, Cow::Borrowed(demand)))
    }

    /// A commit names its table in the path. Where its body names one too, that is the same.
    fn same_table(&self, demands: &[Demand]) -> Result<(), Refusal> {
        let operation = self.asked.route.operation;
        if !matches!(operation, Operation::UpdateTable | Operation::ReplaceView) {
            return Ok(());
        }
        match demands {
            [path, others @ ..] => {
                let differs = |other: &&Demand| {
                    other.operation == operation
                        && (other.place.levels != path.place.levels
                            || other.place.object != path.place.object)
                };
                match others.iter().find(differs) {
                    Some(other) => Err(Refusal::new(
                        Reason::BodyContradictsPath,
                        format!(
                            "{}: the body names another object than the path",
                            self.may_not(other)
                        ),
                    )),
                    None => Ok(()),
                }
            }
            [] => Ok(()),
        }
    }

    /// Storage locations, against the tenant's.
    fn locations(&self) -> Result<(), Refusal> {
        let operation = self.asked.route.operation;
        let registers = matches!(
            operation,
            Operation::RegisterTable | Operation::RegisterView
        );
        let Some(own) = &self.tenant.locations else {
            if registers {
                return Err(Refusal::new(
                    Reason::RegisterWithoutLocations,
                    format!(
                        "{} (tenant {}) may not register existing files: the gate does not know where the tenant's \
                         files lie (tenants.{}.locations)",
                        self.caller.log_name(),
                        self.tenant.name,
                        self.tenant.name
                    ),
                ));
            }
            return Ok(());
        };
        let locations = self.asked.body.into_iter().flat_map(|body| &body.locations);
        for location in locations {
            if !StorageLocation::any_holds(own, &location.uri) {
                return Err(self.outside_locations(location));
            }
        }
        Ok(())
    }

    /// The grants' word on every demand, and on what is handed out for the storage.
    fn grants(&self, findings: &mut Findings) -> Result<Handed, Refusal> {
        if self.config.access == Access::CatalogDecides {
            return Ok(Handed::default());
        }
        let grants = Grants {
            tenancy: self.tenancy,
            caller: self.caller,
            tenant: self
                .config
                .warehouse(self.warehouse)
                .map_or(TenantId(u16::MAX), |one| one.tenant),
            warehouse: self.warehouse,
            ignore_case: self.catalog.names_ignore_case,
        };
        self.full_claims(grants)?;
        for demand in &findings.demands {
            let (there, leads) = self.leads(grants, demand);
            match there.say(&leads) {
                Said::Granted(grant) => findings.grant = Some(grant),
                Said::Nothing if demand.operation == Operation::GetConfig => {}
                Said::Nothing => return Err(self.not_granted(grants, demand)),
                Said::Denied(grant) => {
                    findings.grant = Some(grant);
                    return Err(self.denied(grants, demand, grant));
                }
            }
        }
        self.no_wider(grants, &findings.demands)?;
        self.handed(grants, &findings.demands)
    }

    /// A deny cannot be held for a caller whose token leaves out the claim that it is about.
    fn full_claims(&self, grants: Grants<'_>) -> Result<(), Refusal> {
        let issuer = self.caller.issuer();
        for path in self.config.whos.claims(issuer) {
            if overaged(self.caller, path) && self.denies_by(grants, path) {
                return Err(Refusal::new(
                    Reason::ClaimLeftOut,
                    format!(
                        "{} (tenant {}): the token leaves out its claim {}, there is too much in it (overage), and a \
                         grant denies something by it; let the identity provider put only what the gate asks for into it",
                        self.caller.log_name(),
                        self.tenant.name,
                        path.0.join(".")
                    ),
                ));
            }
        }
        Ok(())
    }

    fn denies_by(&self, grants: Grants<'_>, path: &crate::config::ClaimPath) -> bool {
        let rules = self.tenancy.rules.of_tenant(grants.tenant);
        let about = |who: &Option<crate::config::WhoId>| {
            who.and_then(|who| self.config.whos.get(who))
                .is_some_and(|who| *who.claim == *path && who.issuer == self.caller.issuer())
        };
        rules
            .filter(|(_, rule)| !rule.deny.is_empty())
            .any(|(key, _)| about(&key.who))
    }

    /// Nobody moves a table to a place where he may do more with it than where it was. A registered table's
    /// files may have been anywhere in the warehouse.
    fn no_wider(&self, grants: Grants<'_>, demands: &[Demand]) -> Result<(), Refusal> {
        let anywhere = Place {
            doubt: Doubt::Anywhere,
            ..Place::default()
        };
        let (from, to) = match (self.asked.route.operation, demands) {
            (Operation::RenameTable | Operation::RenameView, [from, to, ..]) => (&from.place, to),
            (Operation::RegisterTable | Operation::RegisterView, [to, ..]) => (&anywhere, to),
            _ => return Ok(()),
        };
        let more = grants.allowed(&to.place).without(grants.allowed(from));
        if more.is_empty() {
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
        let (there, leads) = self.leads(grants, demand);
        let allowed = there.allowed(&leads.place);
        let credentials = allowed.has(Operation::LoadCredentials);
        let signing = allowed.has(Operation::SignRequest);
        let heard = self.asked.wishes.heard_by(kind);
        let granted = Wishes {
            said: true,
            credentials: heard.credentials && credentials,
            signing: heard.signing && signing,
        };
        let excess = heard.credentials != granted.credentials || heard.signing != granted.signing;
        if excess && self.asked.wishes.said && self.config.delegation == Delegation::Refuse {
            return Err(Refusal::new(
                Reason::DelegationRefused,
                format!(
                    "{}: no grant for the storage credentials or signatures that the client asks for \
                     (X-Iceberg-Access-Delegation)",
                    self.may_not(demand)
                ),
            ));
        }
        Ok(Handed {
            header: excess.then(|| granted.header(kind)),
            withhold_credentials: !credentials,
            withhold_signing: !signing,
        })
    }
}
