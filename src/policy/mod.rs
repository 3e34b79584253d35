//! What a proven caller may do. Every request is decided on here, by facts alone, and the answer is never kept.
//!
//! In this order, and the first no ends it: is the caller denied; is it a program, and may that do such a thing; whose
//! warehouse does the request name; do its names mean what they say; does every storage location lie within the tenant's;
//! does a view name nobody else; is every place granted.

mod border;
mod demands;
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub mod explain;
mod grants;
mod held;
mod place;
mod program;
mod sentences;
mod views;
mod within;

pub use border::{Prefixes, Told, holds_prefix};
pub use grants::rules;
pub use place::{Demand, Doubt, Place};

use border::{Led, lead, overaged, prefix_of, tenants_of};
use demands::demands;
use program::Program;
use within::Within;

use crate::config::{
    Access, Catalog, CatalogId, ClaimPath, Config, ContextId, Grant, IssuerId, SpeaksFor, Tenant,
    TenantId, WarehouseId, WhoId,
};
use crate::iceberg::{
    Body, Kind, Operation, Query, Route, Wishes, delegates, names_in_body, read_query,
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
    /// What the certificate of its connection names, where a program is held to that ([`Config::peer`]).
    pub peer: Option<&'a str>,
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
    let Some(own) = config.catalog(catalog) else {
        return false;
    };
    if views::depend_on_body(own, route.operation) {
        return true;
    }
    let Some(tenancy) = &config.tenancy else {
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
    let operation = asked.route.operation;
    if operation == Operation::GetToken {
        let sentence = "requests for a token are answered by the gate or by nobody";
        let refusal = Refusal::new(Reason::TokenEndpointOff, sentence);
        return Err(Box::new(refusal.into()));
    }
    let program = Program::of(config, caller, asked.peer)
        .map_err(|refusal| denial(refusal, Findings::default()))?;
    let Some(catalog) = config.catalog(asked.catalog) else {
        let sentence = "no catalog of this gate lies under this path";
        return Err(Box::new(Refusal::new(Reason::PathOutside, sentence).into()));
    };
    // Before the border: an engine that has gone on as its own account must be told that, wherever it goes.
    if let Some(program) = program {
        program.check(operation).map_err(|refusal| {
            let kind = catalog.layout.kind();
            let demands = demands(asked.route, asked.query, asked.body, kind);
            denial(
                refusal,
                Findings {
                    demands,
                    ..Findings::default()
                },
            )
        })?;
    }
    let Some(tenancy) = &config.tenancy else {
        return decide_without_tenants(config, caller, program, catalog, asked);
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
        .and_then(|warehouse| Some((warehouse, config.tenant(warehouse.tenant)?)));
    let Some((warehouse, tenant)) = found else {
        return Err(lost());
    };
    let mut findings = Findings {
        tenant: Some(warehouse.tenant),
        warehouse: Some(id),
        ..Findings::default()
    };
    let own = || tenant.contexts.get(&asked.catalog).copied();
    let way = Way {
        config,
        caller,
        program,
        catalog,
        asked,
    };
    let context = match way.context(Some(warehouse.tenant), own) {
        Ok(context) => context,
        Err(refusal) => return Err(denial(*refusal, findings)),
    };
    if led == Led::Ask(id) {
        return Ok(Decision::AskPrefix(id, context));
    }
    let within = Within {
        config,
        tenancy,
        caller,
        program,
        catalog,
        tenant,
        warehouse: id,
        asked,
    };
    findings.demands = demands(asked.route, asked.query, asked.body, catalog.layout.kind());
    let outcome = within
        .names(&findings.demands)
        .and_then(|()| within.locations())
        .and_then(|()| views::owner(caller, catalog, asked))
        .and_then(|()| within.program_may(&findings.demands));
    if let Err(refusal) = outcome {
        return Err(denial(refusal, findings));
    }
    let delegation = match (within.grants(&mut findings), config.grants_only_reported) {
        (Err(refusal), false) => Err(refusal),
        (Ok(delegation), false) => Ok(delegation),
        // What the grants lack is not held, and so nothing is withheld for it either.
        (held, true) => {
            findings.reported = held.err().map(Box::new);
            within.without_grants(&findings.demands)
        }
    };
    let delegation = match delegation {
        Ok(delegation) => delegation,
        Err(refusal) => return Err(denial(refusal, findings)),
    };
    if asked.body.is_none() && within.depends_on_body() {
        return Ok(Decision::ReadBody(context));
    }
    Ok(Decision::Yes(Permit {
        catalog: asked.catalog,
        operation,
        context,
        delegation,
        findings,
    }))
}

/// Without tenants the catalog alone decides what a person may; a program is held to its `may`, as far as path and query
/// tell what it does.
fn decide_without_tenants(
    config: &Config,
    caller: &Caller,
    program: Option<Program<'_>>,
    catalog: &Catalog,
    asked: &Asked<'_>,
) -> Result<Decision, Box<Denial>> {
    let way = Way {
        config,
        caller,
        program,
        catalog,
        asked,
    };
    // A catalog has one context, in the same order.
    let own = || Some(ContextId(u32::from(asked.catalog.0)));
    let context = way.context(None, own)?;
    views::owner(caller, catalog, asked).map_err(Box::new)?;
    let mut permit = Permit {
        catalog: asked.catalog,
        operation: asked.route.operation,
        context,
        delegation: Handed::default(),
        findings: Findings::default(),
    };
    if let Some(program) = program {
        let (kind, findings) = (catalog.layout.kind(), &mut permit.findings);
        let query = read_query(asked.route, &catalog.layout)
            .map_err(|fault| Box::new(Refusal::from(fault)))?;
        findings.demands = demands(asked.route, &query, None, kind);
        let outcome = program.check_demands(&findings.demands);
        let delegation = outcome.and_then(|()| {
            if !delegates(asked.route.operation) {
                return Ok(Handed::default());
            }
            held::handed(config, kind, asked.wishes, program.may_have(kind), || {
                format!("program {} may not have", program.name())
            })
        });
        match delegation {
            Ok(delegation) => permit.delegation = delegation,
            Err(refusal) => return Err(denial(refusal, permit.findings)),
        }
    }
    if asked.body.is_none() && views::depend_on_body(catalog, asked.route.operation) {
        return Ok(Decision::ReadBody(context));
    }
    Ok(Decision::Yes(permit))
}

/// How a token for a request is got.
struct Way<'a> {
    config: &'a Config,
    caller: &'a Caller,
    program: Option<Program<'a>>,
    catalog: &'a Catalog,
    asked: &'a Asked<'a>,
}

impl Way<'_> {
    /// The program's own account, where it has one for this operation; otherwise everybody's way, which exchanges.
    fn context(
        &self,
        tenant: Option<TenantId>,
        everybodys: impl FnOnce() -> Option<ContextId>,
    ) -> Result<ContextId, Box<Refusal>> {
        let (operation, id) = (self.asked.route.operation, self.asked.catalog);
        let own = match self.program {
            Some(program) => program.own_account(operation, tenant, id)?,
            None => None,
        };
        let (context, grant) = match own {
            Some(own) => (Some(own), Grant::ClientCredentials),
            None => (everybodys(), Grant::Exchange),
        };
        let Some(found) = context.and_then(|id| Some((id, self.config.context(id)?))) else {
            return Err(Box::new(lost_way()));
        };
        match found {
            (_, context) if context.grant != grant || context.tenant != tenant => {
                Err(Box::new(lost_way()))
            }
            (id, _) if grant == Grant::ClientCredentials => Ok(id),
            (id, context) => served(self.caller, self.catalog, context.token.from).map(|()| id),
        }
    }
}

fn lost_way() -> Refusal {
    Refusal::new(Reason::HostFailed, "the gate lost its own configuration")
}

fn lost() -> Box<Denial> {
    Box::new(lost_way().into())
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
            let mut tenants = tenants_of(config, tenancy, caller).peekable();
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

/// Tokens are exchanged at one issuer: exchanging another issuer's there would let one identity provider speak for
/// another one's people.
fn served(caller: &Caller, catalog: &Catalog, from: IssuerId) -> Result<(), Box<Refusal>> {
    if from == caller.issuer() {
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
