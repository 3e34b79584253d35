//! Why the policy says what it says, for the operator: every demand with the grant that decides on it, and the
//! grants that come near. Compiled for the command-line tool alone; [`decide`] does all the deciding.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::border::{of_config, overaged, prefix_of, tenants_of};
use super::demands::demands;
use super::grants::{Grants, Said, allows, covers, denies};
use super::place::{Place, Reading};
use super::within::Within;
use super::{Asked, Decision, Demand, Denial, Prefixes, Told, decide};
use crate::config::{
    Access, ClaimPath, Config, ContextId, Pattern, Rule, RuleKey, Tenancy, TenantId, WarehouseId,
    WhoId,
};
use crate::iceberg::{Operation, OperationSet};
use crate::identity::{Caller, Standing};

/// What is decided on one request, and why.
#[derive(Debug)]
pub struct Explanation {
    /// What [`decide`] says.
    pub decision: Result<Decision, Box<Denial>>,
    /// The tenants that the caller belongs to.
    pub tenants: Vec<TenantId>,
    /// The warehouse that the request names, whosever it is; `None` where no tenant reaches one of that name.
    pub named: Option<WarehouseId>,
    /// How the token for it is got; `None` where the request leads to no catalog and warehouse of the caller's.
    pub context: Option<ContextId>,
    /// What the request wants, each with the grants' word; empty where it does not come to that.
    pub demands: Vec<Reasoned>,
    /// The claims that conditions speak of and that the caller's token does not have; `true`: it says itself that
    /// it leaves them out (overage).
    pub missing_claims: Vec<(ClaimPath, bool)>,
}

/// One demand with the grants' word.
#[derive(Debug)]
pub struct Reasoned {
    /// What is wanted where.
    pub demand: Demand,
    /// What the grants say.
    pub word: Word,
    /// The grants that come near, in the order in which they help; only where it is not granted.
    pub near: Vec<Near>,
}

/// What the grants say to a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing: there are no grants, the catalog decides.
    CatalogDecides,
    /// Nothing, and it needs none: whoever belongs to the tenant may.
    NeedsNone,
    /// This one allows it.
    Granted(u32),
    /// The program's `may` has it, and no grant denies it.
    ByProgram,
    /// The program's `may` does not have it.
    NotOfProgram,
    /// This one denies it.
    Denied(u32),
    /// None allows it.
    Missing,
}

/// A grant that comes near to a demand.
#[derive(Debug)]
pub struct Near {
    /// Its position in `grants`.
    pub grant: u32,
    /// How near.
    pub how: How,
}

/// What keeps a grant from being the one.
#[derive(Debug)]
pub enum How {
    /// It is about this operation at this place, and about other people: those of whom one of these holds.
    OtherPeople(Vec<WhoId>),
    /// It is about this caller and this operation, elsewhere; `None`: in all warehouses, or everywhere in one.
    Elsewhere(Vec<(Option<WarehouseId>, Option<Rc<Pattern>>)>),
    /// It is about this caller at this place, and about other operations: these.
    OtherOperations(OperationSet),
}

/// Explains the decision on one request.
pub fn explain(
    config: &Config,
    prefixes: &dyn Prefixes,
    caller: &Caller,
    asked: &Asked<'_>,
) -> Explanation {
    let decision = decide(config, prefixes, caller, asked);
    let mut explanation = Explanation {
        tenants: Vec::new(),
        named: None,
        context: match &decision {
            Ok(Decision::Yes(permit)) => Some(permit.context()),
            Ok(Decision::ReadBody(context) | Decision::AskPrefix(_, context)) => Some(*context),
            Err(_) => None,
        },
        demands: Vec::new(),
        missing_claims: missing_claims(config, caller),
        decision,
    };
    let (Some(tenancy), Some(catalog)) = (&config.tenancy, config.catalog(asked.catalog)) else {
        return explanation;
    };
    let tenants: BTreeSet<TenantId> = tenants_of(config, tenancy, caller).collect();
    explanation.named = named(config, tenancy, prefixes, asked);
    let own = explanation.named.and_then(|id| {
        let tenant = config.warehouse(id)?.tenant;
        tenants.contains(&tenant).then_some((id, tenant))
    });
    explanation.tenants = tenants.into_iter().collect();
    let Some((warehouse, tenant)) = own else {
        return explanation;
    };
    let contexts = config.tenant(tenant).map(|tenant| &tenant.contexts);
    let context = contexts.and_then(|contexts| contexts.get(&asked.catalog).copied());
    explanation.context = explanation.context.or(context);
    let grants = Grants {
        tenancy,
        caller,
        tenant,
        warehouse,
        ignore_case: catalog.names_ignore_case,
        program: program_may(config, caller),
    };
    let Some(own) = config.tenant(tenant) else {
        return explanation;
    };
    let within = Within {
        config,
        tenancy,
        caller,
        // Only names and places are asked of it.
        program: None,
        catalog,
        tenant: own,
        warehouse,
        asked,
    };
    let wanted = demands(asked.route, asked.query, asked.body, catalog.layout.kind());
    let reasoned = |demand: Demand| {
        let (warehouse, place) = within.meant(&demand);
        let place = place.into_owned();
        reasoned(
            config.access,
            Grants {
                warehouse,
                ..grants
            },
            demand,
            &place,
        )
    };
    explanation.demands = wanted.into_iter().map(reasoned).collect();
    explanation
}

/// A grant that speaks of a demand, whoever makes it.
#[derive(Debug)]
pub struct Speaking {
    /// Its position in `grants`.
    pub grant: u32,
    /// Whether it says no.
    pub denies: bool,
    /// Whose it is; `None`: all of the tenant's people.
    pub whos: Vec<Option<WhoId>>,
}

/// The grants of a tenant that speak of a demand, by their positions. For an audit line, which says who asked, and
/// not what stood in the token.
pub fn speaking(config: &Config, warehouse: WarehouseId, demand: &Demand) -> Vec<Speaking> {
    let (Some(tenancy), Some(own)) = (&config.tenancy, config.warehouse(warehouse)) else {
        return Vec::new();
    };
    let catalog = config.catalog(own.catalog);
    let ignore_case = catalog.is_some_and(|catalog| catalog.names_ignore_case);
    let mut found: BTreeMap<(u32, bool), BTreeSet<Option<WhoId>>> = BTreeMap::new();
    for (key, rule) in here(tenancy, own.tenant, warehouse) {
        let (operation, place) = (demand.operation, &demand.place);
        if allows(rule, operation, place, ignore_case) {
            found
                .entry((rule.grant, false))
                .or_default()
                .insert(key.who);
        }
        if denies(rule, operation, place, ignore_case) {
            found.entry((rule.grant, true)).or_default().insert(key.who);
        }
    }
    let speaking = |((grant, denies), whos): (_, BTreeSet<_>)| Speaking {
        grant,
        denies,
        whos: whos.into_iter().collect(),
    };
    found.into_iter().map(speaking).collect()
}

fn missing_claims(config: &Config, caller: &Caller) -> Vec<(ClaimPath, bool)> {
    let claims = config.whos.claims(caller.issuer());
    claims
        .filter(|path| caller.claims().at(&path.0).is_none())
        .map(|path| (path.clone(), overaged(caller, path)))
        .collect()
}

/// The warehouse that a request names, whosever it is.
fn named(
    config: &Config,
    tenancy: &Tenancy,
    prefixes: &dyn Prefixes,
    asked: &Asked<'_>,
) -> Option<WarehouseId> {
    let border = tenancy.borders.get(usize::from(asked.catalog.0))?;
    if asked.route.operation == Operation::GetConfig {
        let kind = config.catalog(asked.catalog)?.layout.kind();
        return of_config(border, kind, asked.query).0;
    }
    let prefix = prefix_of(asked.route);
    let known = border.prefixes.get(&*prefix).copied();
    known.or_else(|| match prefixes.find(asked.catalog, &prefix) {
        Told::Is(id) => Some(id),
        Told::Nothing | Told::Shared => None,
    })
}

/// What a listed program may; `None` for everybody else.
fn program_may(config: &Config, caller: &Caller) -> Option<OperationSet> {
    match caller.standing() {
        Standing::Service(id) => Some(config.service(id)?.may),
        Standing::Person | Standing::Program => None,
    }
}

fn reasoned(access: Access, grants: Grants<'_>, demand: Demand, place: &Place) -> Reasoned {
    let of_program = grants.program.map(|may| may.has(demand.operation));
    let word = match access {
        _ if of_program == Some(false) => Word::NotOfProgram,
        Access::CatalogDecides if of_program.is_some() => Word::ByProgram,
        Access::CatalogDecides => Word::CatalogDecides,
        Access::Grants => match grants.say(demand.operation, place) {
            Said::Granted(grant) => Word::Granted(grant),
            Said::ByProgram => Word::ByProgram,
            Said::Denied(grant) => Word::Denied(grant),
            Said::Nothing if demand.operation == Operation::GetConfig => Word::NeedsNone,
            Said::Nothing => Word::Missing,
        },
    };
    let near = match word {
        Word::Missing => near(grants, demand.operation, place),
        _ => Vec::new(),
    };
    Reasoned { demand, word, near }
}

/// The rules of a tenant that hold in a warehouse.
fn here(
    tenancy: &Tenancy,
    tenant: TenantId,
    warehouse: WarehouseId,
) -> impl Iterator<Item = &(RuleKey, Rule)> {
    let rules = tenancy.rules.of_tenant(tenant);
    rules.filter(move |(key, _)| key.warehouse.is_none_or(|id| id == warehouse))
}

/// The grants that come near to a demand that none allows.
fn near(grants: Grants<'_>, operation: Operation, place: &Place) -> Vec<Near> {
    let about_caller = |key: &RuleKey| key.who.is_none_or(|who| grants.caller.is(who));
    let here = || here(grants.tenancy, grants.tenant, grants.warehouse);
    let denied: BTreeSet<Option<WhoId>> = here()
        .filter(|(_, rule)| denies(rule, operation, place, grants.ignore_case))
        .map(|(key, _)| key.who)
        .collect();
    let mut people: BTreeMap<u32, Vec<WhoId>> = BTreeMap::new();
    for (key, rule) in here().filter(|(key, _)| !about_caller(key)) {
        // Of people who are denied the same it would not help to be one.
        if let Some(who) = key.who
            && !denied.contains(&key.who)
            && allows(rule, operation, place, grants.ignore_case)
        {
            people.entry(rule.grant).or_default().push(who);
        }
    }
    let mut places: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    let mut operations: BTreeMap<u32, OperationSet> = BTreeMap::new();
    let rules = grants.tenancy.rules.of_tenant(grants.tenant);
    for (key, rule) in rules.filter(|(key, _)| about_caller(key)) {
        if rule.may.has(operation) {
            let places = places.entry(rule.grant).or_default();
            let place = (key.warehouse, rule.pattern.clone());
            if !places.contains(&place) {
                places.push(place);
            }
        } else if !rule.may.is_empty()
            && key.warehouse.is_none_or(|id| id == grants.warehouse)
            && covers(rule, place, Reading::Certainly, grants.ignore_case)
        {
            operations.insert(rule.grant, rule.may);
        }
    }
    let near = |(grant, how)| Near { grant, how };
    let people = people.into_iter().map(|(grant, mut whos)| {
        whos.sort_unstable();
        whos.dedup();
        (grant, How::OtherPeople(whos))
    });
    let places = places
        .into_iter()
        .map(|(grant, places)| (grant, How::Elsewhere(places)));
    let operations = operations
        .into_iter()
        .map(|(grant, operations)| (grant, How::OtherOperations(operations)));
    people.chain(places).chain(operations).map(near).collect()
}
