//! What a refusal says to the person in front of the engine: who, what, where, and which rule.

use super::grants::Grants;
use super::place::{Demand, Doubt, Place};
use super::{Asked, Within};
use crate::iceberg::{Class, Location, Noun, Operation};
use crate::refusal::{Reason, Refusal};
use crate::text::shown;

impl Within<'_> {
    /// `alice (tenant acme) may not commit to polaris/acme_raw.pii.t`.
    pub(super) fn may_not(&self, demand: &Demand) -> String {
        format!(
            "{} (tenant {}) may not {} {}",
            self.caller.log_name(),
            self.tenant.name,
            verb(demand.operation),
            self.show(&demand.place)
        )
    }

    pub(super) fn not_granted(&self, grants: Grants<'_>, demand: &Demand) -> Refusal {
        let sentence = format!("{}: no grant", self.may_not(demand));
        self.no(grants, demand, Reason::GrantMissing, sentence)
    }

    pub(super) fn denied(&self, grants: Grants<'_>, demand: &Demand, grant: u32) -> Refusal {
        let sentence = format!("{}: grants[{grant}] denies it", self.may_not(demand));
        self.no(grants, demand, Reason::GrantDenied, sentence)
    }

    /// Trino asks for the view of a name before it asks for the table: a 403 there would break every table.
    fn no(&self, grants: Grants<'_>, demand: &Demand, reason: Reason, sentence: String) -> Refusal {
        let table = match demand.operation {
            Operation::LoadView => Operation::LoadTable,
            Operation::ViewExists => Operation::TableExists,
            _ => return Refusal::new(reason, sentence),
        };
        let object = demand
            .place
            .object
            .clone()
            .map(|(_, name)| (Noun::Table, name));
        let place = Place {
            object,
            ..demand.place.clone()
        };
        let asked: &Asked<'_> = self.asked;
        if asked.route.operation == demand.operation && grants.allowed(&place).has(table) {
            return Refusal::new(Reason::ViewHidden, sentence);
        }
        Refusal::new(reason, sentence)
    }

    pub(super) fn outside_locations(&self, location: &Location) -> Refusal {
        Refusal::new(
            Reason::LocationOutside,
            format!(
                "{} (tenant {}) may not point to {}: it is not within the tenant's locations ({})",
                self.caller.log_name(),
                self.tenant.name,
                shown(&location.uri),
                shown(&location.field)
            ),
        )
    }

    /// `polaris/acme_raw.pii.t`, safe to show.
    pub(super) fn show(&self, place: &Place) -> String {
        let warehouse = self.config.warehouse(self.warehouse);
        let warehouse = warehouse.map_or("-", |warehouse| &warehouse.name);
        let mut text = format!("{}/{warehouse}", self.catalog.name);
        text.push_str(&place.path());
        text
    }
}

impl Place {
    /// The place below its warehouse, safe to show: `.sales.orders`, or nothing for the root.
    pub fn path(&self) -> String {
        if self.doubt == Doubt::Anywhere {
            return ".(somewhere)".to_owned();
        }
        let object = self.object.iter().map(|(_, name)| name);
        let mut text = String::new();
        for name in self.levels.iter().chain(object) {
            text.push('.');
            text.push_str(&shown(name));
        }
        if self.doubt == Doubt::Below {
            text.push_str(".**");
        }
        text
    }
}

fn verb(operation: Operation) -> &'static str {
    match operation.class() {
        Class::Config | Class::Token => "use",
        Class::Read => match operation {
            Operation::ListNamespaces
            | Operation::ListTables
            | Operation::ListViews
            | Operation::ListFunctions
            | Operation::ListGenericTables
            | Operation::ListPolicies
            | Operation::ListSemanticModels => "list",
            _ => "read",
        },
        Class::Write => match operation {
            Operation::DropNamespace
            | Operation::DropTable
            | Operation::DropView
            | Operation::UnregisterTable
            | Operation::DropGenericTable
            | Operation::DropSemanticModel => "drop",
            Operation::RenameTable | Operation::RenameView => "rename from or to",
            Operation::RegisterTable | Operation::RegisterView => "register",
            Operation::UpdateProperties | Operation::UpdateSemanticModel => "change",
            _ => "create",
        },
        Class::Commit => "commit to",
        Class::Admin => "administer",
        Class::Sign => "have requests signed for",
        Class::Credentials => "get storage credentials for",
    }
}
