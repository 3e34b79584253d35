//! A request that names a warehouse of the caller's: what holds for it whether there are grants or not.

use std::borrow::Cow;

use super::place::{Demand, Doubt, Place};
use super::program::Program;
use super::{Asked, depends_on_body, views};
use crate::config::{Catalog, Config, Tenancy, Tenant, WarehouseId};
use crate::iceberg::{Kind, Noun, Operation, StorageLocation, is_plain_name, names_in_body};
use crate::identity::Caller;
use crate::refusal::{Reason, Refusal};

/// A request that names a warehouse of the caller's.
pub(super) struct Within<'a> {
    pub(super) config: &'a Config,
    pub(super) tenancy: &'a Tenancy,
    pub(super) caller: &'a Caller,
    /// The caller, where it is one.
    pub(super) program: Option<Program<'a>>,
    pub(super) catalog: &'a Catalog,
    pub(super) tenant: &'a Tenant,
    pub(super) warehouse: WarehouseId,
    pub(super) asked: &'a Asked<'a>,
}

impl Within<'_> {
    pub(super) fn depends_on_body(&self) -> bool {
        let operation = self.asked.route.operation;
        names_in_body(operation)
            && (depends_on_body(self.config, self.catalog, self.tenant)
                || views::depend_on_body(self.catalog, operation))
    }

    /// Names that the catalog reads as expressions could lead out of the border.
    pub(super) fn names(&self, demands: &[Demand]) -> Result<(), Refusal> {
        let kind = self.catalog.layout.kind();
        for demand in demands.iter().filter(|_| kind == Kind::Nessie) {
            let Some((noun, name)) = &demand.place.object else {
                continue;
            };
            if is_plain_name(kind, *noun, name) || self.refers(*noun, name).is_some() {
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

    /// The warehouse and the place that a demand is about. `table@reference` lies with the reference.
    pub(super) fn meant<'d>(&self, demand: &'d Demand) -> (WarehouseId, Cow<'d, Place>) {
        let place = &demand.place;
        let object = place.object.as_ref();
        let referred = object.and_then(|(noun, name)| Some((*noun, self.refers(*noun, name)?)));
        match referred {
            None => (self.warehouse, Cow::Borrowed(place)),
            Some((noun, (table, warehouse))) => {
                let place = Place {
                    levels: place.levels.clone(),
                    object: Some((noun, table.to_owned())),
                    doubt: Doubt::None,
                };
                (warehouse, Cow::Owned(place))
            }
        }
    }

    /// `table@reference` in the path, where the operator allows it and the tenant has the reference with the same
    /// warehouse: the table, and that entry of its reach.
    fn refers<'n>(&self, noun: Noun, name: &'n str) -> Option<(&'n str, WarehouseId)> {
        if !self.catalog.table_references {
            return None;
        }
        let (table, reference) = name.split_once('@')?;
        let in_path = self.asked.route.object.as_ref()?.decode() == name;
        let plain = |name: &str| !name.is_empty() && is_plain_name(Kind::Nessie, noun, name);
        if !in_path || !plain(table) || !plain(reference) {
            return None;
        }
        let own = self.config.warehouse(self.warehouse)?;
        let border = self
            .tenancy
            .borders
            .get(usize::from(self.asked.catalog.0))?;
        let prefix = format!("{reference}|{}", own.asked_as);
        let found = *border.prefixes.get(prefix.as_str())?;
        let same = self.config.warehouse(found)?.tenant == own.tenant;
        same.then_some((table, found))
    }

    /// A commit names its table in the path. Where its body names one too, that is the same.
    fn same_table(&self, demands: &[Demand]) -> Result<(), Refusal> {
        let operation = self.asked.route.operation;
        if !matches!(operation, Operation::UpdateTable | Operation::ReplaceView) {
            return Ok(());
        }
        let Some((path, others)) = demands.split_first() else {
            return Ok(());
        };
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

    /// Storage locations, against the tenant's.
    pub(super) fn locations(&self) -> Result<(), Refusal> {
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
}
