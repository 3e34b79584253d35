//! Grants: their people, their places, their parts.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::tenants::Surroundings;
use super::who::{Issuers, who};
use crate::config::at::{AtBlock, AtCatalog};
use crate::config::fault::{Faults, Path, nearest};
use crate::config::file::GrantBlock;
use crate::config::model::{
    Access, CatalogId, IssuerId, Pattern, Rule, RuleKey, Rules, Tenancy, TenantId, WarehouseId,
    WhoId,
};
use crate::config::values::Many;
use crate::config::who::GrantWho;
use crate::config::words::Allowed;
use crate::iceberg::OperationSet;

const GRANTS: Path<'static> = Path::Member(&Path::Whole, "grants");

/// A tenant's warehouses by catalog and name.
type Names<'a> = BTreeMap<(TenantId, CatalogId, &'a str), WarehouseId>;

/// Checks every grant against the border, and takes them apart.
pub(super) fn check(
    tenancy: &Tenancy,
    around: &mut Surroundings<'_>,
    faults: &mut Faults,
) -> Rules {
    let names: Names<'_> = tenancy
        .warehouses
        .iter()
        .zip(0_u32..)
        .map(|(warehouse, number)| {
            let key = (warehouse.tenant, warehouse.catalog, &*warehouse.name);
            (key, WarehouseId(number))
        })
        .collect();
    let mut rules = Vec::new();
    let file = around.file;
    let blocks = file.grants.iter().flatten().flat_map(|grants| &grants.0);
    for (block, number) in blocks.zip(0_u32..) {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let path = Path::Element(&GRANTS, index);
        if let Some(block) = block {
            grant(
                block, number, path, tenancy, &names, around, &mut rules, faults,
            );
        }
    }
    Rules::new(rules)
}

#[allow(
    clippy::too_many_arguments,
    reason = "one grant, with all that it is checked against"
)]
fn grant(
    block: &GrantBlock,
    number: u32,
    path: Path<'_>,
    tenancy: &Tenancy,
    names: &Names<'_>,
    around: &mut Surroundings<'_>,
    rules: &mut Vec<(RuleKey, Rule)>,
    faults: &mut Faults,
) {
    let set = |allowed: &Option<Option<Many<Allowed>>>| {
        let allowed = allowed.iter().flatten().flat_map(Many::iter);
        allowed.fold(OperationSet::NONE, |set, Allowed(more)| set.and(*more))
    };
    if matches!((&block.may, &block.deny), (Some(None), Some(None))) {
        faults.add(path, "must have may or deny, or both");
    }
    let tenant = block.tenant.as_deref().and_then(|name| {
        let found = tenancy
            .tenants
            .binary_search_by(|tenant| (*tenant.name).cmp(name));
        if let Ok(index) = found {
            return u16::try_from(index).ok().map(TenantId);
        }
        let known = tenancy.tenants.iter().map(|tenant| &*tenant.name);
        let hint = nearest(name, known)
            .map(|meant| format!("; did you mean {meant}?"))
            .unwrap_or_default();
        faults.refuse(
            path.member("tenant"),
            format!("names no tenant of this configuration{hint}"),
        )
    });
    let Some(tenant) = tenant else { return };
    let people = people(block, path.member("who"), tenant, tenancy, around, faults);
    let places = match &block.at {
        Some(Some(at)) => places(at, path.member("at"), tenant, names, around, faults),
        Some(None) => vec![(None, None)],
        None => Vec::new(),
    };
    let (may, deny) = (set(&block.may), set(&block.deny));
    for who in &people {
        for (warehouse, pattern) in &places {
            let key = RuleKey {
                tenant,
                who: *who,
                warehouse: *warehouse,
            };
            let rule = Rule {
                grant: number,
                may,
                deny,
                pattern: pattern.clone(),
            };
            rules.push((key, rule));
        }
    }
}

/// Whose a grant is.
fn people(
    block: &GrantBlock,
    path: Path<'_>,
    tenant: TenantId,
    tenancy: &Tenancy,
    around: &mut Surroundings<'_>,
    faults: &mut Faults,
) -> Vec<Option<WhoId>> {
    let conditions = match &block.who {
        Some(GrantWho::All) => return vec![None],
        Some(GrantWho::Some(conditions)) => conditions,
        None => return Vec::new(),
    };
    let implied = only_issuer(tenant, tenancy, around);
    let issuers = Issuers::of(around.file);
    let mut people = Vec::new();
    for (index, condition) in conditions.0.iter().enumerate() {
        if let Some(condition) = condition {
            let place = conditions.place(&path, index);
            let (_, found) = who(condition, place, implied, &issuers, around.whos, faults);
            people.extend(found.into_iter().map(Some));
        }
    }
    people.sort_unstable();
    people.dedup();
    people
}

/// The issuer of a tenant's people, if they have one.
fn only_issuer(tenant: TenantId, tenancy: &Tenancy, around: &Surroundings<'_>) -> Option<IssuerId> {
    let tenant = tenancy.tenants.get(usize::from(tenant.0))?;
    let mut issuers = tenant
        .who
        .iter()
        .filter_map(|id| around.whos.get(*id))
        .map(|who| who.issuer);
    let first = issuers.next()?;
    issuers.all(|issuer| issuer == first).then_some(first)
}

/// Where a grant holds: each warehouse with each of its patterns.
fn places(
    at: &AtBlock,
    path: Path<'_>,
    tenant: TenantId,
    names: &Names<'_>,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) -> Vec<(Option<WarehouseId>, Option<Rc<Pattern>>)> {
    let mut places = Vec::new();
    for (catalog, entry) in &at.0.0 {
        let path = path.member(catalog);
        let mut catalogs = around.catalogs.iter().zip(0_u16..);
        let Some((_, number)) = catalogs.find(|(known, _)| known.name == *catalog) else {
            faults.add(path, "is no catalog of this configuration");
            continue;
        };
        let id = CatalogId(number);
        let mut find = |name: &str, path: Path<'_>| {
            let found = names.get(&(tenant, id, name)).copied();
            if found.is_none() {
                faults.add(
                    path,
                    "is no warehouse within the tenant's reach; write it as reach has it",
                );
            }
            found
        };
        match entry {
            Some(AtCatalog::Warehouses(warehouses)) => {
                for (index, name) in warehouses.iter().enumerate() {
                    if let Some(name) = name
                        && let Some(id) = find(&name.0, Path::Element(&path, index))
                    {
                        places.push((Some(id), None));
                    }
                }
            }
            Some(AtCatalog::Places(by_warehouse)) => {
                for (name, patterns) in by_warehouse {
                    if let Some(id) = find(name, path.member(name)) {
                        let patterns = patterns.iter().flat_map(Many::iter);
                        places.extend(
                            patterns.map(|pattern| (Some(id), Some(Rc::new(pattern.clone())))),
                        );
                    }
                }
            }
            None => {}
        }
    }
    places
}

/// What `access` asks of the rest.
pub(super) fn access(around: &Surroundings<'_>, faults: &mut Faults) {
    let file = around.file;
    let at = |name: &'static str| Path::Member(&Path::Whole, name);
    let (tenants, grants) = (&file.tenants, &file.grants);
    let reported = file.report_only.as_ref().and_then(|block| block.grants);
    match file.access {
        Some(Access::Grants) => {
            if matches!(tenants, Some(None)) {
                faults.add(
                    at("tenants"),
                    "must be set with access: grants; grants hold within a tenant's border",
                );
            }
            if matches!(grants, Some(None)) {
                faults.add(
                    at("grants"),
                    "must be set with access: grants; nothing would be allowed",
                );
            }
        }
        Some(Access::CatalogDecides) => {
            if matches!(grants, Some(Some(_))) {
                faults.add(
                    at("grants"),
                    "says nothing with access: catalog_decides; write access: grants, or leave it out",
                );
            }
            if reported == Some(true) {
                faults.add(
                    Path::Member(&at("report_only"), "grants"),
                    "says nothing with access: catalog_decides",
                );
            }
        }
        None => {}
    }
}
