//! What a refusal says to the person in front of the engine: who, what, where, and which rule.

use super::place::{Demand, Doubt, Place};
use super::within::Within;
use crate::iceberg::{Class, Location, Operation};
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

    /// `hides`: whether it is a view, with the name of a table that may be loaded.
    pub(super) fn not_granted(&self, demand: &Demand, hides: bool) -> Refusal {
        let reason = match hides {
            true => Reason::ViewHidden,
            false => Reason::GrantMissing,
        };
        Refusal::new(reason, format!("{}: no grant", self.may_not(demand)))
    }

    /// The same, by a grant that denies it.
    pub(super) fn denied(&self, demand: &Demand, grant: u32, hides: bool) -> Refusal {
        let reason = match hides {
            true => Reason::ViewHidden,
            false => Reason::GrantDenied,
        };
        let sentence = format!("{}: grants[{grant}] denies it", self.may_not(demand));
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
