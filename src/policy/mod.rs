//! What a proven caller may do. Every request is decided on here, by facts alone, and the answer is never kept.
//!
//! In this order, and the first no ends it: is the caller denied; whose warehouse does the request name; do its
//! names mean what they say; is every place granted; does every storage location lie within the tenant's.

mod border;
mod demands;
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub mod explain;
mod grants;
mod held;
mod place;
mod sentences;
mod within;

pub use border::{Prefixes, Told, holds_prefix};
pub use grants::rules;
pub use place::{Demand, Doubt, Place};

use border::{Led, lead, overaged, prefix_of, tenants_of};
use demands::demands;
use within::Within;

use crate::config::{
    Access, Catalog, CatalogId, ClaimPath, Config, ContextId, SpeaksFor, Tenant, TenantId,
    WarehouseId, WhoId,
};
use crate::iceberg::{Body, Kind, Operation, Query, Route, Wishes, names_in_body};
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
    let prefix = prefix_of(route);
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
    denied(config, caller).map_err(|refusal| denial(refusal, Findings::default()))?;
    if asked.route.operation == Operation::GetToken {
        let sentence = "requests for a token are answered by the gate or by nobody";
        let refusal = Refusal::new(Reason::TokenEndpointOff, sentence);
        return Err(Box::new(refusal.into()));
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
    let delegation = match (within.grants(&mut findings), config.grants_only_reported) {
        (Ok(delegation), false) => delegation,
        // What the grants lack is not held, and so nothing is withheld either.
        (Ok(_), true) => Handed::default(),
        (Err(refusal), true) => {
            findings.reported = Some(Box::new(refusal));
            Handed::default()
        }
        (Err(refusal), false) => return Err(denial(refusal, findings)),
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

/// Whom the operator denies everything. A caller whose token leaves out the claim that says so may be one of them.
pub fn denied(config: &Config, caller: &Caller) -> Result<(), Refusal> {
    let whos = caller.whos().iter();
    if whos
        .into_iter()
        .any(|who| config.denied.binary_search(who).is_ok())
    {
        let sentence = format!(
            "{} is denied by the operator of this gate",
            caller.log_name()
        );
        return Err(Refusal::new(Reason::CallerDenied, sentence));
    }
    let denied = || config.denied.iter().copied();
    full_claims(config, caller, denied, "the operator denies some")
}

/// Whether a person is one for whom a program may speak: of its tenants and of no other, or its word would lead where it is
/// not trusted; and one of those whom it names.
pub fn may_be_spoken_for(config: &Config, speaks: &SpeaksFor, caller: &Caller) -> bool {
    let within = match &config.tenancy {
        None => true,
        Some(tenancy) => {
            let mut tenants = tenants_of(tenancy, caller).peekable();
            tenants.peek().is_some()
                && tenants.all(|tenant| speaks.tenants.binary_search(&tenant).is_ok())
        }
    };
    within && (speaks.who.is_empty() || speaks.who.iter().any(|who| caller.is(*who)))
}

/// Nobody knows whether a rule by a claim is about a caller whose token leaves the claim out. `whos`: the conditions of
/// the rules, which are gone through only for a token that leaves something out.
fn full_claims<W: Iterator<Item = WhoId>>(
    config: &Config,
    caller: &Caller,
    whos: impl Fn() -> W,
    rule: &str,
) -> Result<(), Refusal> {
    let issuer = caller.issuer();
    let about = |path: &ClaimPath, who: WhoId| {
        let who = config.whos.get(who);
        who.is_some_and(|who| *who.claim == *path && who.issuer == issuer)
    };
    let found = config
        .whos
        .claims(issuer)
        .filter(|path| overaged(caller, path))
        .find(|path| whos().any(|who| about(path, who)));
    let Some(path) = found else {
        return Ok(());
    };
    let sentence = format!(
        "the token of {} leaves out its claim {}, there is too much in it (overage), and {rule} by it; let the identity \
         provider put only what the gate asks for into it",
        caller.log_name(),
        path.0.join(".")
    );
    Err(Refusal::new(Reason::ClaimLeftOut, sentence))
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
