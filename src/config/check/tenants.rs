//! Tenants: who belongs to them, what exists for them, and where their files lie.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::reach::Borders;
use super::surroundings::Surroundings;
use super::tokens;
use super::who::Implied;
use crate::config::at::Locations;
use crate::config::fault::{Faults, Path};
use crate::config::file::{TenantBlock, TenantLimitsBlock};
use crate::config::model::{
    CatalogId, ContextId, IssuerId, Prefix, Rules, Tenancy, Tenant, TenantId, WarehouseId, WhoId,
};
use crate::iceberg::StorageLocation;

/// Where they stand.
pub(super) const TENANTS: Path<'static> = Path::Member(&Path::Whole, "tenants");

/// The border, as far as it is without faults.
pub(super) struct Checked {
    pub(super) tenancy: Tenancy,
    /// By tenant: whether everything that is said about it could be read.
    pub(super) sure: Vec<bool>,
}

/// Checks all, and builds the border; grants come later.
pub(super) fn check(around: &mut Surroundings<'_>, faults: &mut Faults) -> Option<Checked> {
    let blocks = around.file.tenants.as_ref()?.as_ref()?;
    let mut borders = Borders::new(around);
    let mut tenants = Vec::with_capacity(blocks.0.len());
    let mut sure = Vec::with_capacity(blocks.0.len());
    let mut members: BTreeMap<WhoId, Vec<TenantId>> = BTreeMap::new();
    for ((name, block), number) in blocks.0.iter().zip(0_u16..) {
        let id = TenantId(number);
        let before = faults.len();
        let Some(block) = block else {
            tenants.push(nobody(name));
            sure.push(false);
            continue;
        };
        let path = TENANTS.member(name);
        let (who, from) = people(block, path.member("who"), around, faults);
        borders.add(id, block, path.member("reach"), around, faults);
        let contexts = tokens::contexts(id, block, path, around, faults);
        let locations = locations(block, path.member("locations"), blocks.0.len(), faults);
        let whole = faults.len() == before && block.is_whole() && contexts.whole;
        if whole {
            serves(&from, &contexts.from, path.member("who"), around, faults);
        }
        for one in &who {
            members.entry(*one).or_default().push(id);
        }
        sure.push(whole);
        tenants.push(Tenant {
            name: Rc::clone(name),
            who: who.into(),
            locations,
            contexts: contexts.made,
            cached_callers: cap(block, |limits| {
                limits.cached_callers.flatten().map(|most| most.0)
            }),
            exchanges_per_second: cap(block, |limits| {
                limits.exchanges_per_second.flatten().map(|most| most.0)
            }),
        });
    }
    tokens::own_clusters(around, faults);
    apart(&tenants, faults);
    let (warehouses, borders) = borders.finish(around);
    let mut asked: BTreeMap<_, Vec<WarehouseId>> = BTreeMap::new();
    for (warehouse, number) in warehouses.iter().zip(0_u32..) {
        if warehouse.prefix == Prefix::Asked {
            let key = (warehouse.catalog, warehouse.tenant);
            asked.entry(key).or_default().push(WarehouseId(number));
        }
    }
    let tenancy = Tenancy {
        tenants,
        warehouses,
        borders,
        asked,
        members,
        rules: Rules::default(),
    };
    Some(Checked { tenancy, sure })
}

/// Stands in for a tenant that could not be read, so that the others keep their numbers.
fn nobody(name: &Rc<str>) -> Tenant {
    Tenant {
        name: Rc::clone(name),
        who: Box::default(),
        locations: None,
        contexts: BTreeMap::new(),
        cached_callers: None,
        exchanges_per_second: None,
    }
}

impl TenantBlock {
    /// Whether its people and its reach could be read.
    fn is_whole(&self) -> bool {
        let who = self.who.as_ref();
        let mut reach = self.reach.iter().flat_map(|reach| &reach.0).peekable();
        who.is_some_and(|who| who.conditions.iter().all(Option::is_some))
            && reach.peek().is_some()
            && reach.all(|(_, entries)| {
                let entries = entries.as_ref();
                entries.is_some_and(|many| many.0.iter().all(Option::is_some))
            })
    }
}

/// Where its files may lie.
fn locations(
    block: &TenantBlock,
    path: Path<'_>,
    tenants: usize,
    faults: &mut Faults,
) -> Option<Box<[StorageLocation]>> {
    match &block.locations {
        Some(Some(Locations::In(locations))) => Some(locations.iter().flatten().cloned().collect()),
        Some(None) if tenants > 1 => faults.refuse(
            path,
            "must be set where there are several tenants, or one could point its tables at another's files; \
             write catalog_decides where the catalog sees to that",
        ),
        Some(None | Some(Locations::CatalogDecides)) | None => None,
    }
}

/// No tenant's locations lie in another's. In the order of their texts, whatever lies in a location follows it.
fn apart(tenants: &[Tenant], faults: &mut Faults) {
    let mut all: Vec<(String, &Tenant)> = tenants
        .iter()
        .flat_map(|tenant| {
            let locations = tenant.locations.iter().flatten();
            locations.map(move |location| (location.to_string(), tenant))
        })
        .collect();
    all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let mut outer: Option<&(String, &Tenant)> = None;
    for inner in &all {
        match outer {
            Some((text, owner)) if inner.0.starts_with(text.as_str()) => {
                if owner.name != inner.1.name {
                    faults.add(
                        TENANTS.member(&inner.1.name).member("locations"),
                        format!(
                            "has a location within one of {}; each could read and write the other's files",
                            TENANTS.member(&owner.name)
                        ),
                    );
                }
            }
            _ => outer = Some(inner),
        }
    }
}

fn cap(block: &TenantBlock, of: impl Fn(&TenantLimitsBlock) -> Option<usize>) -> Option<usize> {
    block.limits.as_ref().and_then(of)
}

/// The conditions of a tenant, sorted, and the issuers that they speak of.
fn people(
    block: &TenantBlock,
    path: Path<'_>,
    around: &mut Surroundings<'_>,
    faults: &mut Faults,
) -> (Vec<WhoId>, Vec<IssuerId>) {
    let (mut ids, mut from) = (Vec::new(), Vec::new());
    if let Some(people) = &block.who {
        for (index, condition) in people.conditions.iter().enumerate() {
            let place = people.place(&path, index);
            if let Some(condition) = condition {
                from.extend(around.who(condition, place, Implied::None, &mut ids, faults));
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    from.sort_unstable();
    from.dedup();
    (ids, from)
}

/// Each issuer of a tenant's people must be served at one of its catalogs, or they could do nothing.
fn serves(
    people: &[IssuerId],
    served: &[IssuerId],
    path: Path<'_>,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) {
    for issuer in people.iter().filter(|issuer| !served.contains(issuer)) {
        faults.add(
            path,
            format!(
                "names people of issuer {}, and no catalog within this tenant's reach gets its tokens there \
                 (token.from); they would all be refused",
                around.issuer_name(*issuer)
            ),
        );
    }
}

/// The ways to a tenant's tokens.
pub(super) struct Contexts {
    pub(super) made: BTreeMap<CatalogId, ContextId>,
    /// The issuers where they are got.
    pub(super) from: Vec<IssuerId>,
    /// Whether there is one for each catalog within reach.
    pub(super) whole: bool,
}
