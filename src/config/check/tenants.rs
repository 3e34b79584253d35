//! Tenants: who belongs to them, what exists for them, and how their tokens are got.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::reach::Borders;
use super::who::{Issuers, who};
use super::{Environment, catalogs, issuers};
use crate::config::at::Locations;
use crate::config::fault::{Faults, Path};
use crate::config::file::{File, TenantBlock, TenantLimitsBlock, TenantTokenBlock};
use crate::config::model::{
    Catalog, CatalogId, Client, Context, ContextId, IssuerId, Prefix, Rules, Tenancy, Tenant,
    TenantId, TokenRule, WarehouseId, WhoId, Whos,
};
use crate::iceberg::StorageLocation;

/// Where they stand.
pub(super) const TENANTS: Path<'static> = Path::Member(&Path::Whole, "tenants");

/// What tenants are checked against, and what comes of them beside themselves.
pub(super) struct Surroundings<'a> {
    pub(super) file: &'a File,
    pub(super) catalogs: &'a [Catalog],
    pub(super) contexts: &'a mut Vec<Context>,
    pub(super) whos: &'a mut Whos,
    pub(super) env: Environment<'a>,
}

/// Checks all, and builds the border; grants come later.
pub(super) fn check(around: &mut Surroundings<'_>, faults: &mut Faults) -> Option<Tenancy> {
    let blocks = around.file.tenants.as_ref()?.as_ref()?;
    let mut borders = Borders::new(around.catalogs, around.file);
    let mut tenants = Vec::with_capacity(blocks.0.len());
    let mut members: BTreeMap<WhoId, Vec<TenantId>> = BTreeMap::new();
    let mut complete = true;
    for ((name, block), number) in blocks.0.iter().zip(0_u16..) {
        let Some(block) = block else {
            complete = false;
            continue;
        };
        let id = TenantId(number);
        let path = TENANTS.member(name);
        let (who, from) = people(block, path.member("who"), around, faults);
        if let Some(reach) = &block.reach {
            borders.add(id, name, reach, path.member("reach"), faults);
        }
        let contexts = contexts(id, block, path, around, faults);
        serves(&from, &contexts, path.member("who"), around, faults);
        for one in &who {
            members.entry(*one).or_default().push(id);
        }
        tenants.push(Tenant {
            name: Rc::clone(name),
            who: who.into(),
            locations: locations(block, path.member("locations"), blocks.0.len(), faults),
            contexts,
            cached_callers: cap(block, |limits| {
                limits.cached_callers.flatten().map(|most| most.0)
            }),
            exchanges_per_second: cap(block, |limits| {
                limits.exchanges_per_second.flatten().map(|most| most.0)
            }),
        });
    }
    apart(&tenants, faults);
    if !complete {
        return None;
    }
    let (warehouses, borders) = borders.finish();
    let mut asked: BTreeMap<_, Vec<WarehouseId>> = BTreeMap::new();
    for (warehouse, number) in warehouses.iter().zip(0_u32..) {
        if warehouse.prefix == Prefix::Asked {
            let key = (warehouse.catalog, warehouse.tenant);
            asked.entry(key).or_default().push(WarehouseId(number));
        }
    }
    Some(Tenancy {
        tenants,
        warehouses,
        borders,
        asked,
        members,
        rules: Rules::default(),
    })
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
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
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
    let issuers = Issuers::of(around.file);
    let (mut ids, mut from) = (Vec::new(), Vec::new());
    if let Some(conditions) = &block.who {
        for (index, condition) in conditions.0.iter().enumerate() {
            let place = conditions.place(&path, index);
            if let Some(condition) = condition {
                let (issuer, found) = who(condition, place, None, &issuers, around.whos, faults);
                ids.extend(found);
                from.extend(issuer);
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    from.sort_unstable();
    from.dedup();
    (ids, from)
}

/// One context for each catalog within the tenant's reach.
fn contexts(
    id: TenantId,
    block: &TenantBlock,
    path: Path<'_>,
    around: &mut Surroundings<'_>,
    faults: &mut Faults,
) -> BTreeMap<CatalogId, ContextId> {
    let mut made = BTreeMap::new();
    let overrides = block.token.iter().flatten();
    let overrides: BTreeMap<&str, _> = overrides
        .flat_map(|named| &named.0)
        .map(|(catalog, token)| (&**catalog, token.as_ref()))
        .collect();
    let reached = |name: &str| {
        block
            .reach
            .iter()
            .flat_map(|reach| &reach.0)
            .any(|(catalog, _)| &**catalog == name)
    };
    let token_path = path.member("token");
    for name in overrides.keys().filter(|name| !reached(name)) {
        faults.add(
            token_path.member(name),
            "is no catalog within this tenant's reach",
        );
    }
    for (catalog, number) in around.catalogs.iter().zip(0_u16..) {
        if !reached(&catalog.name) {
            continue;
        }
        let Some(base) = around.contexts.get(usize::from(number)) else {
            continue;
        };
        let place = token_path.member(&catalog.name);
        let issuers = around.file.issuers.as_ref();
        let (token, client) = match overrides.get(&*catalog.name) {
            None | Some(None) => (Some(base.token.clone()), None),
            Some(Some(token)) => (
                catalogs::tenant_rule(&base.token, token, place, issuers, faults),
                tenant_client(token, &base.token, place, around, faults),
            ),
        };
        let Some(token) = token else { continue };
        let context = ContextId(u32::try_from(around.contexts.len()).unwrap_or(u32::MAX));
        around.contexts.push(Context {
            catalog: CatalogId(number),
            tenant: Some(id),
            token,
            client,
        });
        made.insert(CatalogId(number), context);
    }
    made
}

/// A client of the tenant's own, at the issuer where its tokens are exchanged.
fn tenant_client(
    block: &TenantTokenBlock,
    base: &TokenRule,
    path: Path<'_>,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) -> Option<Client> {
    let client = block.client.as_ref()?.as_ref()?;
    let issuers = around.file.issuers.as_ref()?;
    let from = block.from.iter().flatten().next();
    let issuer = match from {
        Some(from) => issuers
            .0
            .iter()
            .find(|(name, _)| **name == **from)
            .and_then(|(_, block)| block.as_ref()),
        None => issuers
            .0
            .get(usize::from(base.from.0))
            .and_then(|(_, block)| block.as_ref()),
    }?;
    let path = path.member("client");
    issuers::own_cluster_of_tenant(client, path, issuers, faults);
    let endpoint = issuers::endpoint(issuer);
    issuers::client(client, path, endpoint.as_ref(), around.env, faults)
}

/// Each issuer of a tenant's people must be served at one of its catalogs, or they could do nothing.
fn serves(
    from: &[IssuerId],
    contexts: &BTreeMap<CatalogId, ContextId>,
    path: Path<'_>,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) {
    let served = |issuer: &IssuerId| {
        contexts.values().any(|id| {
            let context = usize::try_from(id.0)
                .ok()
                .and_then(|index| around.contexts.get(index));
            context.is_some_and(|context| context.token.from == *issuer)
        })
    };
    if contexts.is_empty() {
        return;
    }
    let issuers = Issuers::of(around.file);
    for issuer in from.iter().filter(|issuer| !served(issuer)) {
        faults.add(
            path,
            format!(
                "names people of issuer {}, and no catalog within this tenant's reach gets its tokens there \
                 (token.from); they would all be refused",
                issuers.name(*issuer)
            ),
        );
    }
}
