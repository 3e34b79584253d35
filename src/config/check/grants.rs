//! Grants: their people, their places, their parts.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::surroundings::Surroundings;
use super::tenants::Checked;
use super::who::Implied;
use crate::config::at::{AtBlock, AtCatalog};
use crate::config::fault::{Faults, Path};
use crate::config::file::GrantBlock;
use crate::config::model::{
    Access, CatalogId, IssuerId, LevelPattern, ObjectPattern, Pattern, Rule, RuleKey, Rules,
    TenantId, WarehouseId, WhoId,
};
use crate::config::node::{Field, Node};
use crate::config::tree::Tree;
use crate::config::who::GrantWho;
use crate::config::words::Actions;
use crate::iceberg::{Kind, OperationSet, is_plain_name};

const GRANTS: Path<'static> = Path::Member(&Path::Whole, "grants");

/// A tenant's warehouses by catalog and name.
type Names<'a> = BTreeMap<(TenantId, CatalogId, &'a str), WarehouseId>;

/// Where a rule holds.
type Spot = (Option<WarehouseId>, Option<Rc<Pattern>>);

/// Reads every grant, checks it against the border, and takes it apart.
pub(super) fn check(
    blocks: &[Tree<'_>],
    border: &Checked,
    around: &mut Surroundings<'_>,
    faults: &mut Faults,
) -> Rules {
    let warehouses = border.tenancy.warehouses.iter().zip(0_u32..);
    let mut grants = Grants {
        border,
        names: warehouses
            .map(|(warehouse, number)| {
                let key = (warehouse.tenant, warehouse.catalog, &*warehouse.name);
                (key, WarehouseId(number))
            })
            .collect(),
        around,
        rules: Vec::new(),
        people: Vec::new(),
        spots: Vec::new(),
    };
    for ((index, value), number) in blocks.iter().enumerate().zip(0_u32..) {
        let path = Path::Element(&GRANTS, index);
        if let Some(block) = GrantBlock::read(Node { path, value }, faults) {
            grants.take_apart(&block, number, path, faults);
        }
    }
    Rules::new(grants.rules)
}

struct Grants<'g, 'a> {
    border: &'g Checked,
    names: Names<'g>,
    around: &'g mut Surroundings<'a>,
    rules: Vec<(RuleKey, Rule)>,
    /// Of the grant at hand.
    people: Vec<WhoId>,
    spots: Vec<Spot>,
}

impl Grants<'_, '_> {
    fn take_apart(&mut self, block: &GrantBlock, number: u32, path: Path<'_>, faults: &mut Faults) {
        if matches!((&block.may, &block.deny), (Some(None), Some(None))) {
            faults.add(path, "must have may or deny, or both");
        }
        let Some(name) = &block.tenant else { return };
        let Some(tenant) = self.tenant(name, path.member("tenant"), faults) else {
            return;
        };
        let everybody = self.people(block, path.member("who"), tenant, faults);
        self.spots.clear();
        match &block.at {
            Some(Some(at)) => self.places(at, path.member("at"), tenant, faults),
            Some(None) => self.spots.push((None, None)),
            None => {}
        }
        let set = |actions: &Option<Option<Actions>>| match actions {
            Some(Some(Actions(set))) => *set,
            Some(None) | None => OperationSet::NONE,
        };
        let (may, deny) = (set(&block.may), set(&block.deny));
        let everybody = everybody.then_some(None);
        for who in self.people.iter().copied().map(Some).chain(everybody) {
            for (warehouse, pattern) in &self.spots {
                let key = RuleKey {
                    tenant,
                    who,
                    warehouse: *warehouse,
                };
                let rule = Rule {
                    grant: number,
                    may,
                    deny,
                    pattern: pattern.clone(),
                };
                self.rules.push((key, rule));
            }
        }
    }

    fn tenant(&self, name: &str, path: Path<'_>, faults: &mut Faults) -> Option<TenantId> {
        let tenants = &self.border.tenancy.tenants;
        let found = tenants.binary_search_by(|tenant| (*tenant.name).cmp(name));
        if found.is_err() {
            let known = &mut tenants.iter().map(|tenant| &*tenant.name);
            faults.nobodys(path, "names no tenant of this configuration", name, known);
        }
        u16::try_from(found.ok()?).ok().map(TenantId)
    }

    /// Whether everything that is said about a tenant could be read.
    fn is_sure(&self, tenant: TenantId) -> bool {
        let sure = self.border.sure.get(usize::from(tenant.0));
        sure.is_some_and(|sure| *sure)
    }

    /// Finds whose a grant is; `true` when it is everybody's.
    fn people(
        &mut self,
        block: &GrantBlock,
        path: Path<'_>,
        tenant: TenantId,
        faults: &mut Faults,
    ) -> bool {
        self.people.clear();
        let people = match &block.who {
            Some(GrantWho::All) => return true,
            Some(GrantWho::Some(people)) => people,
            None => return false,
        };
        let sure = self.is_sure(tenant);
        let issuers = self.issuers(tenant);
        let implied = match (sure, issuers.as_slice()) {
            (false, _) => Implied::Unsure,
            (true, [only]) => Implied::Is(*only),
            (true, _) => Implied::None,
        };
        for (index, condition) in people.conditions.iter().enumerate() {
            let place = people.place(&path, index);
            let Some(condition) = condition else { continue };
            let found = &mut self.people;
            let issuer = self.around.who(condition, place, implied, found, faults);
            if let Some(issuer) = issuer.filter(|issuer| sure && !issuers.contains(issuer)) {
                faults.add(
                    place.member("issuer"),
                    format!(
                        "is {}, from which none of the people of {} come; nobody would ever be meant",
                        self.around.issuer_name(issuer),
                        super::tenants::TENANTS.member(block.tenant.as_deref().unwrap_or("-"))
                    ),
                );
            }
        }
        self.people.sort_unstable();
        self.people.dedup();
        false
    }

    /// The issuers of a tenant's people.
    fn issuers(&self, tenant: TenantId) -> Vec<IssuerId> {
        let tenant = self.border.tenancy.tenants.get(usize::from(tenant.0));
        let whos = tenant.iter().flat_map(|tenant| tenant.who.iter());
        let mut issuers: Vec<IssuerId> = whos
            .filter_map(|id| self.around.whos.get(*id))
            .map(|who| who.issuer)
            .collect();
        issuers.sort_unstable();
        issuers.dedup();
        issuers
    }

    /// Finds where a grant holds: each warehouse with each of its patterns.
    fn places(&mut self, at: &AtBlock, path: Path<'_>, tenant: TenantId, faults: &mut Faults) {
        for (catalog, entry) in &at.0.0 {
            let path = path.member(catalog);
            let Some(id) = self.around.find_catalog(catalog, path, faults) else {
                continue;
            };
            match entry {
                Some(AtCatalog::Warehouses(warehouses)) => {
                    for (index, name) in warehouses.iter().enumerate() {
                        let place = Path::Element(&path, index);
                        let Some(name) = name else { continue };
                        let found = self.warehouse(tenant, id, &name.0, place, faults);
                        self.spots.extend(found.map(|found| (Some(found), None)));
                    }
                }
                Some(AtCatalog::Places(by_warehouse)) => {
                    for (name, patterns) in by_warehouse {
                        let place = path.member(name);
                        let found = self.warehouse(tenant, id, name, place, faults);
                        let patterns = patterns.iter().flat_map(|many| many.0.iter().enumerate());
                        for (index, pattern) in patterns {
                            let Some(pattern) = pattern else { continue };
                            self.plain(id, pattern, Path::Element(&place, index), faults);
                            let found = found.map(|found| (Some(found), Some(Rc::clone(pattern))));
                            self.spots.extend(found);
                        }
                    }
                }
                None => {}
            }
        }
    }

    fn warehouse(
        &self,
        tenant: TenantId,
        catalog: CatalogId,
        name: &str,
        path: Path<'_>,
        faults: &mut Faults,
    ) -> Option<WarehouseId> {
        let found = self.names.get(&(tenant, catalog, name)).copied();
        if found.is_none() && self.is_sure(tenant) {
            faults.add(
                path,
                "is no warehouse within the tenant's reach; write it as reach has it",
            );
        }
        found
    }

    /// A pattern that no request could ever match would deny nothing.
    fn plain(&self, catalog: CatalogId, pattern: &Pattern, path: Path<'_>, faults: &mut Faults) {
        let Some((catalog, _)) = self.around.catalog(catalog) else {
            return;
        };
        let dotted = |level: &LevelPattern| match level {
            LevelPattern::Any => false,
            LevelPattern::Exactly(name) => name.contains('.'),
        };
        match (catalog.layout.kind(), &pattern.object) {
            (Kind::Iceberg, _) if pattern.levels.iter().any(dotted) => faults.add(
                path,
                "has a level with a dot in it, which such a catalog takes for two levels; write them apart",
            ),
            (kind, Some((noun, ObjectPattern::Exactly(name)))) if !is_plain_name(kind, *noun, name) => faults.add(
                path,
                "has a name that Nessie reads as an expression; write the table's own name, and at which warehouse",
            ),
            _ => {}
        }
    }
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
