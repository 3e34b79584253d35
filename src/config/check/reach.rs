//! The border: which names lead to which warehouse, and to whose.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::surroundings::Surroundings;
use super::tenants::TENANTS;
use crate::config::at::ReachEntry;
use crate::config::fault::{Faults, Path};
use crate::config::file::{CatalogBlock, TenantBlock};
use crate::config::model::{Border, Catalog, CatalogId, Prefix, TenantId, Warehouse, WarehouseId};
use crate::iceberg::Kind;

/// The borders of all catalogs while tenants are read.
pub(super) struct Borders<'a> {
    /// The names of the catalogs' default warehouses.
    defaults: Vec<Option<&'a str>>,
    warehouses: Vec<Warehouse>,
    borders: Vec<Border>,
    /// Nessie: whose a reference is.
    references: BTreeMap<(CatalogId, Rc<str>), TenantId>,
    names: Vec<&'a str>,
}

/// An entry of `reach`, where it stands.
struct Stands<'a, 'p> {
    tenant: TenantId,
    catalog: &'a Catalog,
    id: CatalogId,
    path: Path<'p>,
}

/// What an entry of `reach` comes to.
struct Spelled {
    asked_as: Rc<str>,
    prefix: Prefix,
    prefixes: Vec<Rc<str>>,
    reference: Option<Rc<str>>,
}

impl<'a> Borders<'a> {
    pub(super) fn new(around: &Surroundings<'a>) -> Self {
        let blocks = around.catalog_blocks();
        let default = |(_, block): (_, Option<&'a CatalogBlock>)| {
            Some(&*block?.default_warehouse.as_ref()?.as_ref()?.0)
        };
        let named = around
            .file
            .tenants
            .iter()
            .flatten()
            .flat_map(|tenants| &tenants.0);
        Self {
            defaults: blocks.map(default).collect(),
            warehouses: Vec::new(),
            borders: around.catalogs.iter().map(|_| Border::default()).collect(),
            references: BTreeMap::new(),
            names: named.map(|(name, _)| &**name).collect(),
        }
    }

    /// Adds what one tenant reaches.
    pub(super) fn add(
        &mut self,
        tenant: TenantId,
        block: &TenantBlock,
        path: Path<'_>,
        around: &Surroundings<'a>,
        faults: &mut Faults,
    ) {
        for (name, entries) in block.reach.iter().flat_map(|reach| &reach.0) {
            let path = path.member(name);
            let Some(id) = around.find_catalog(name, path, faults) else {
                continue;
            };
            let Some((catalog, _)) = around.catalog(id) else {
                continue;
            };
            for (index, entry) in entries.iter().flat_map(|many| many.0.iter().enumerate()) {
                let stands = Stands {
                    tenant,
                    catalog,
                    id,
                    path: Path::Element(&path, index),
                };
                if let Some(entry) = entry
                    && let Some(spelled) = self.spell(&stands, entry, faults)
                {
                    self.put(&stands, entry, spelled, faults);
                }
            }
        }
    }

    /// The default warehouse of a catalog, as [`Border::warehouses`] spells it.
    fn default(&self, id: CatalogId) -> Option<&'a str> {
        *self.defaults.get(usize::from(id.0))?
    }

    /// What an entry means at its kind of catalog.
    fn spell(
        &self,
        stands: &Stands<'_, '_>,
        entry: &ReachEntry,
        faults: &mut Faults,
    ) -> Option<Spelled> {
        let (catalog, path) = (stands.catalog, stands.path);
        let kind = catalog.layout.kind();
        let (asked_as, prefix) = match entry {
            ReachEntry::Name(name) => match kind {
                Kind::Nessie => {
                    let (_, warehouse) = halves(&name.0, path, faults)?;
                    (Rc::from(warehouse), Some(Rc::clone(&name.0)))
                }
                Kind::Polaris => (Rc::clone(&name.0), Some(Rc::clone(&name.0))),
                Kind::Lakekeeper | Kind::Iceberg => (Rc::clone(&name.0), None),
            },
            ReachEntry::Pair { warehouse, prefix } => (
                Rc::clone(&warehouse.0),
                prefix.as_deref().map(Rc::<str>::from),
            ),
        };
        let asked_as = spelled(kind, asked_as);
        let Some(prefix) = prefix else {
            if catalog.endpoint.is_none() {
                return faults.refuse(
                    path,
                    format!(
                        "has a prefix that is not known; write {{warehouse: ..., prefix: ...}}, or set \
                         catalogs.{}.cluster so that the gate can ask the catalog for it",
                        catalog.name
                    ),
                );
            }
            return Some(Spelled {
                asked_as,
                prefix: Prefix::Asked,
                prefixes: Vec::new(),
                reference: (kind == Kind::Nessie).then(|| Rc::clone(&catalog.default_branch)),
            });
        };
        if prefix.contains(char::is_control) || (prefix.is_empty() && kind != Kind::Iceberg) {
            return faults.refuse(path, "has a prefix that no path of this catalog can have");
        }
        let mut prefixes = vec![Rc::clone(&prefix)];
        let mut reference = None;
        if kind == Kind::Nessie {
            let (branch, warehouse) = halves(&prefix, path, faults)?;
            // The half behind the bar says where files go: it must be the tenant's as well.
            if warehouse != &*asked_as {
                return faults.refuse(path, "has a prefix with another warehouse");
            }
            if branch == &*catalog.default_branch {
                prefixes.push(format!("|{warehouse}").into());
            }
            if self.default(stands.id) == Some(warehouse) {
                prefixes.push(branch.into());
            }
            reference = Some(branch.into());
        }
        Some(Spelled {
            asked_as,
            prefix: Prefix::Known(prefix),
            prefixes,
            reference,
        })
    }

    fn put(
        &mut self,
        stands: &Stands<'_, '_>,
        entry: &ReachEntry,
        spelled: Spelled,
        faults: &mut Faults,
    ) {
        let (tenant, catalog, path) = (stands.tenant, stands.id, stands.path);
        if let Some(reference) = spelled.reference {
            let owner = *self
                .references
                .entry((catalog, reference))
                .or_insert(tenant);
            if owner != tenant {
                let message = format!(
                    "names a reference that {} reaches too; in Nessie a table belongs to its reference and not to a \
                     warehouse, so both would see each other's tables: give each tenant a branch of its own",
                    self.named(owner)
                );
                return faults.add(path, message);
            }
        }
        // Nessie: several references with one warehouse may be one tenant's, and the first written one is meant where
        // a client names the warehouse alone.
        let nessie = stands.catalog.layout.kind() == Kind::Nessie;
        let taken = |border: &Border| {
            let by_name = border.warehouses.get(&spelled.asked_as);
            let by_name = by_name.filter(|id| !nessie || self.owner(**id) != Some(tenant));
            let by_prefix = spelled
                .prefixes
                .iter()
                .find_map(|prefix| border.prefixes.get(prefix));
            by_name
                .or(by_prefix)
                .copied()
                .or_else(|| self.twice(tenant, catalog, entry.name()))
        };
        let border = self.borders.get(usize::from(catalog.0));
        if let Some(other) = border.and_then(taken) {
            let message = match self.owner(other) {
                Some(other) if other != tenant => format!(
                    "is within the reach of {} too; a request could not be told apart",
                    self.named(other)
                ),
                _ => "stands there twice".to_owned(),
            };
            return faults.add(path, message);
        }
        let id = WarehouseId(u32::try_from(self.warehouses.len()).unwrap_or(u32::MAX));
        let Some(border) = self.borders.get_mut(usize::from(catalog.0)) else {
            return;
        };
        border
            .warehouses
            .entry(Rc::clone(&spelled.asked_as))
            .or_insert(id);
        border
            .prefixes
            .extend(spelled.prefixes.into_iter().map(|prefix| (prefix, id)));
        border.asks |= spelled.prefix == Prefix::Asked;
        self.warehouses.push(Warehouse {
            tenant,
            catalog,
            name: entry.name().into(),
            asked_as: spelled.asked_as,
            prefix: spelled.prefix,
        });
    }

    /// The warehouse of this name that the tenant, the last one so far, has here already.
    fn twice(&self, tenant: TenantId, catalog: CatalogId, name: &str) -> Option<WarehouseId> {
        let known = self.warehouses.iter().enumerate().rev();
        let mut own = known.take_while(|(_, known)| known.tenant == tenant);
        let same = own.find(|(_, known)| known.catalog == catalog && *known.name == *name);
        let (index, _) = same?;
        u32::try_from(index).ok().map(WarehouseId)
    }

    fn owner(&self, id: WarehouseId) -> Option<TenantId> {
        let index = usize::try_from(id.0).ok()?;
        self.warehouses.get(index).map(|warehouse| warehouse.tenant)
    }

    /// A tenant's place in the file.
    fn named(&self, id: TenantId) -> Path<'a> {
        TENANTS.member(self.names.get(usize::from(id.0)).copied().unwrap_or("-"))
    }

    /// Every warehouse, and the borders by catalog.
    pub(super) fn finish(mut self, around: &Surroundings<'_>) -> (Vec<Warehouse>, Vec<Border>) {
        let borders = self.borders.iter_mut().zip(around.catalogs);
        for ((border, catalog), default) in borders.zip(&self.defaults) {
            if let (Some((catalog, _)), Some(default)) = (catalog, default) {
                let default = spelled(catalog.layout.kind(), (*default).into());
                border.default = border.warehouses.get(&default).copied();
            }
        }
        (self.warehouses, self.borders)
    }
}

/// A warehouse's name as [`Border::warehouses`] has it.
fn spelled(kind: Kind, name: Rc<str>) -> Rc<str> {
    let other = match kind.warehouse_name(&name) {
        Cow::Borrowed(_) => None,
        Cow::Owned(other) => Some(other.into()),
    };
    other.unwrap_or(name)
}

/// Nessie's `reference|warehouse`.
fn halves<'t>(text: &'t str, path: Path<'_>, faults: &mut Faults) -> Option<(&'t str, &'t str)> {
    match text.split_once('|') {
        Some((reference, warehouse))
            if !reference.is_empty()
                && reference != "-"
                && !reference.contains(['@', '#', '*'])
                && !warehouse.is_empty()
                && !warehouse.contains('|') =>
        {
            Some((reference, warehouse))
        }
        _ => faults.refuse(
            path,
            "must be reference|warehouse, both by their names, as in \"main|sales\"",
        ),
    }
}
