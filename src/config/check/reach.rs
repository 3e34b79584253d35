//! The border: which names lead to which warehouse, and to whose.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use super::tenants::TENANTS;
use crate::config::at::ReachEntry;
use crate::config::fault::{Faults, Path, nearest};
use crate::config::file::File;
use crate::config::model::{Border, Catalog, CatalogId, Prefix, TenantId, Warehouse, WarehouseId};
use crate::config::values::{Many, Named};
use crate::iceberg::Kind;

/// The borders of all catalogs while tenants are read.
pub(super) struct Borders<'a> {
    catalogs: &'a [Catalog],
    defaults: Vec<Option<Rc<str>>>,
    warehouses: Vec<Warehouse>,
    borders: Vec<Border>,
    /// Nessie: whose a reference is.
    references: BTreeMap<(CatalogId, Rc<str>), (TenantId, Rc<str>)>,
    names: Vec<Rc<str>>,
}

/// What an entry of `reach` comes to.
struct Spelled {
    asked_as: Rc<str>,
    prefix: Prefix,
    prefixes: Vec<Rc<str>>,
    reference: Option<Rc<str>>,
}

impl<'a> Borders<'a> {
    pub(super) fn new(catalogs: &'a [Catalog], file: &File) -> Self {
        let block = |name: &str| {
            let named = file.catalogs.iter().flat_map(|catalogs| &catalogs.0);
            let mut blocks = named.filter(|(known, _)| &**known == name);
            blocks.find_map(|(_, block)| block.as_ref())
        };
        let default = |catalog: &Catalog| {
            let default = block(&catalog.name)?.default_warehouse.as_ref()?.as_ref()?;
            Some(Rc::clone(&default.0))
        };
        let named = file.tenants.iter().flatten().flat_map(|tenants| &tenants.0);
        Self {
            catalogs,
            defaults: catalogs.iter().map(default).collect(),
            warehouses: Vec::new(),
            borders: catalogs.iter().map(|_| Border::default()).collect(),
            references: BTreeMap::new(),
            names: named.map(|(name, _)| Rc::clone(name)).collect(),
        }
    }

    /// Adds what one tenant reaches.
    pub(super) fn add(
        &mut self,
        tenant: TenantId,
        name: &Rc<str>,
        reach: &Named<Many<ReachEntry>>,
        path: Path<'_>,
        faults: &mut Faults,
    ) {
        for (catalog_name, entries) in &reach.0 {
            let path = path.member(catalog_name);
            let found = self.catalogs.iter().zip(0_u16..);
            let found = found.map(|(catalog, number)| (catalog, CatalogId(number)));
            let Some((catalog, id)) = found
                .into_iter()
                .find(|(catalog, _)| catalog.name == *catalog_name)
            else {
                let known = self.catalogs.iter().map(|catalog| &*catalog.name);
                let hint = nearest(catalog_name, known)
                    .map(|meant| format!("; did you mean {meant}?"))
                    .unwrap_or_default();
                faults.add(path, format!("is no catalog of this configuration{hint}"));
                continue;
            };
            for (index, entry) in entries.iter().flat_map(|many| many.0.iter().enumerate()) {
                let place = Path::Element(&path, index);
                if let Some(entry) = entry
                    && let Some(spelled) = self.spell(catalog, id, entry, place, faults)
                {
                    self.put(tenant, name, id, entry, spelled, place, faults);
                }
            }
        }
    }

    /// What an entry means at its kind of catalog.
    fn spell(
        &self,
        catalog: &Catalog,
        id: CatalogId,
        entry: &ReachEntry,
        path: Path<'_>,
        faults: &mut Faults,
    ) -> Option<Spelled> {
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
        // Lakekeeper finds warehouses without regard to case.
        let asked_as = match kind {
            Kind::Lakekeeper => Rc::from(asked_as.to_lowercase()),
            _ => asked_as,
        };
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
            if branch == &*catalog.default_branch {
                prefixes.push(format!("|{warehouse}").into());
            }
            let default = self
                .defaults
                .get(usize::from(id.0))
                .and_then(Option::as_deref);
            if default == Some(warehouse) {
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

    #[allow(
        clippy::too_many_arguments,
        reason = "one entry, with all that is said about it"
    )]
    fn put(
        &mut self,
        tenant: TenantId,
        name: &Rc<str>,
        catalog: CatalogId,
        entry: &ReachEntry,
        spelled: Spelled,
        path: Path<'_>,
        faults: &mut Faults,
    ) {
        if let Some(reference) = spelled.reference {
            match self.references.entry((catalog, reference)) {
                Entry::Vacant(free) => {
                    free.insert((tenant, Rc::clone(name)));
                }
                Entry::Occupied(taken) if taken.get().0 != tenant => {
                    let other = TENANTS.member(&taken.get().1);
                    faults.add(
                        path,
                        format!(
                            "names a reference that {other} reaches too; in Nessie a table belongs to its \
                             reference and not to a warehouse, so both would see each other's tables: give \
                             each tenant a branch of its own"
                        ),
                    );
                    return;
                }
                Entry::Occupied(_) => {}
            }
        }
        let twice = self
            .warehouses
            .iter()
            .rev()
            .take_while(|known| known.tenant == tenant);
        if twice
            .into_iter()
            .any(|known| known.catalog == catalog && *known.name == *entry.name())
        {
            return faults.add(path, "stands there twice");
        }
        let id = WarehouseId(u32::try_from(self.warehouses.len()).unwrap_or(u32::MAX));
        let Some(border) = self.borders.get_mut(usize::from(catalog.0)) else {
            return;
        };
        let warehouses = &self.warehouses;
        let owner = |id: &WarehouseId| {
            let index = usize::try_from(id.0).unwrap_or(usize::MAX);
            warehouses.get(index).map(|warehouse| warehouse.tenant)
        };
        let mut clash = |with: TenantId| {
            let other = self.names.get(usize::from(with.0)).map_or("-", |name| name);
            let other = TENANTS.member(other);
            let message = match with == tenant {
                true => "has a prefix that stands there twice".to_owned(),
                false => {
                    format!("is within the reach of {other} too; a request could not be told apart")
                }
            };
            faults.add(path, message);
        };
        // Several references of one warehouse may be one tenant's: the first written one is meant where a
        // client names the warehouse alone.
        match border.warehouses.get(&spelled.asked_as).and_then(owner) {
            Some(other) if other != tenant => return clash(other),
            Some(_) => {}
            None => {
                border.warehouses.insert(Rc::clone(&spelled.asked_as), id);
            }
        }
        for prefix in spelled.prefixes {
            if let Some(other) = border.prefixes.get(&prefix).and_then(owner) {
                return clash(other);
            }
            border.prefixes.insert(prefix, id);
        }
        border.asks |= spelled.prefix == Prefix::Asked;
        self.warehouses.push(Warehouse {
            tenant,
            catalog,
            name: entry.name().into(),
            asked_as: spelled.asked_as,
            prefix: spelled.prefix,
        });
    }

    /// Every warehouse, and the borders by catalog.
    pub(super) fn finish(mut self) -> (Vec<Warehouse>, Vec<Border>) {
        for (border, default) in self.borders.iter_mut().zip(&self.defaults) {
            let default = default.as_ref();
            border.default = default.and_then(|name| border.warehouses.get(name).copied());
        }
        (self.warehouses, self.borders)
    }
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
