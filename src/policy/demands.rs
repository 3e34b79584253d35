//! From a request to its demands: every place that it names, with what it wants to do there.

use super::place::{Demand, Doubt, Place};
use crate::iceberg::{Body, Kind, Name, Named, Noun, Operation, Query, Role, Route};

/// What a request wants. `None` in `body`: it was not read (yet), and what stands in it is left out.
pub(super) fn demands(
    route: &Route<'_>,
    query: &Query,
    body: Option<&Body>,
    kind: Kind,
) -> Vec<Demand> {
    let operation = route.operation;
    let mut demands = Demands {
        kind,
        list: Vec::new(),
    };
    let path = demands.of_path(route);
    match operation {
        // Whoever belongs to the tenant may ask how to speak with its warehouses.
        Operation::GetConfig => demands.add(operation, Place::default()),
        // Nobody's to grant; the gate does not forward it.
        Operation::GetToken => {}
        Operation::ListNamespaces => {
            let levels = query.parent.clone().unwrap_or_default();
            demands.add(operation, Place::of(levels, None));
        }
        Operation::LoadNamespaceMetadata
        | Operation::NamespaceExists
        | Operation::UpdateProperties
        | Operation::ListTables
        | Operation::ListViews
        | Operation::ListFunctions
        | Operation::ListGenericTables
        | Operation::ListPolicies
        | Operation::ListSemanticModels
        | Operation::TableExists
        | Operation::ViewExists
        | Operation::DropTable
        | Operation::UnregisterTable
        | Operation::DropView
        | Operation::ReportMetrics
        | Operation::SignRequest
        | Operation::LoadFunction
        | Operation::LoadGenericTable
        | Operation::DropGenericTable
        | Operation::LoadPolicy
        | Operation::UpdatePolicy
        | Operation::DropPolicy
        | Operation::LoadSemanticModel
        | Operation::UpdateSemanticModel
        | Operation::DropSemanticModel
        | Operation::SendNotification
        | Operation::LoadTable
        | Operation::LoadView
        | Operation::LoadCredentials
        | Operation::UpdateTable
        | Operation::ReplaceView => demands.add(operation, path.clone()),
        // With all that is in it, whoever may drop what.
        Operation::DropNamespace if query.recursive => {
            for operation in [operation, Operation::DropTable, Operation::DropView] {
                demands.add(
                    operation,
                    Place {
                        doubt: Doubt::Below,
                        ..path.clone()
                    },
                );
            }
        }
        Operation::DropNamespace => demands.add(operation, path.clone()),
        // Plans and their tasks tell the files of a table.
        Operation::PlanTableScan
        | Operation::FetchPlanningResult
        | Operation::CancelPlanning
        | Operation::FetchScanTasks => {
            demands.add(operation, path.clone());
            demands.add(Operation::LoadTable, path.clone());
        }
        // What they are about stands in the body.
        Operation::CreateNamespace
        | Operation::CreateTable
        | Operation::RegisterTable
        | Operation::CreateView
        | Operation::RegisterView
        | Operation::RenameTable
        | Operation::RenameView
        | Operation::CommitTransaction
        | Operation::CreateGenericTable
        | Operation::CreatePolicy
        | Operation::CreateSemanticModel => {}
        // The path says which policy, the body what it is laid on.
        Operation::AttachPolicy | Operation::DetachPolicy => demands.add(operation, path.clone()),
        Operation::GetApplicablePolicies => {
            let place = match &query.target {
                Some(target) => {
                    let object = target.name.clone().map(|name| (Noun::Table, name));
                    Place::of(target.namespace.clone(), object)
                }
                None => Place::default(),
            };
            demands.add(operation, place);
        }
        // The catalog's own words for an object; they cannot be read.
        Operation::SignS3Request => demands.add(operation, Place::anywhere()),
    }
    for view in &query.referenced_by {
        let object = Some((Noun::View, view.name.clone()));
        let place = Place::of(view.namespace.clone(), object);
        demands.add(Operation::LoadView, place);
    }
    // However a client orders its members: what is renamed comes before what it becomes.
    let (last, first): (Vec<&Named>, Vec<&Named>) = body
        .into_iter()
        .flat_map(|body| &body.names)
        .partition(|named| named.role == Role::Destination);
    for named in first.into_iter().chain(last) {
        demands.of_body(operation, &path, named);
    }
    let made = |demand: &&Demand| demand.operation == operation;
    // A body that names nothing, as a transaction without changes: then nobody knows where.
    if body.is_some() && !demands.list.iter().any(|demand| made(&demand)) {
        demands.add(operation, Place::anywhere());
    }
    let changed = |demand: &&Demand| demand.operation == Operation::UpdateTable;
    if body.is_some_and(|body| body.overwrites)
        && let Some(made) = demands.list.iter().find(made).cloned()
    {
        demands.add(Operation::UpdateTable, made.place);
    }
    // A commit that asserts that there is no such table makes it.
    if body.is_some_and(|body| body.creates) {
        let changed: Vec<Demand> = demands.list.iter().filter(changed).cloned().collect();
        for demand in changed {
            demands.add(Operation::CreateTable, demand.place);
        }
    }
    demands.list
}

impl Place {
    /// Somewhere in the warehouse.
    pub(super) fn anywhere() -> Self {
        Self {
            doubt: Doubt::Anywhere,
            ..Self::default()
        }
    }

    /// A place of these names.
    pub(super) fn of(levels: Vec<String>, object: Option<(Noun, String)>) -> Self {
        Self {
            levels,
            object,
            doubt: Doubt::None,
        }
    }
}

struct Demands {
    kind: Kind,
    list: Vec<Demand>,
}

impl Demands {
    fn add(&mut self, operation: Operation, place: Place) {
        let doubt = self.doubt(&place);
        self.list.push(Demand {
            operation,
            place: Place {
                doubt: place.doubt.max(doubt),
                ..place
            },
        });
    }

    /// The place that the path names, whatever is done there.
    fn of_path(&self, route: &Route<'_>) -> Place {
        let levels = |name: &Name<'_>| name.levels().map(|level| level.into_owned()).collect();
        let object = route.object.as_ref().and_then(|name| {
            let noun = name.noun()?;
            Some((noun, name.decode().into_owned()))
        });
        let plain = route.object.as_ref().is_none_or(Name::is_plain);
        Place {
            levels: route.namespace.as_ref().map(levels).unwrap_or_default(),
            object,
            doubt: if plain { Doubt::None } else { Doubt::Object },
        }
    }

    fn of_body(&mut self, operation: Operation, path: &Place, named: &Named) {
        let levels = match &named.namespace {
            Some(levels) => levels.clone(),
            None => path.levels.clone(),
        };
        let Some(object) = &named.object else {
            return self.of_role(operation, named.role, Place::of(levels, None));
        };
        for noun in object.nouns {
            let object = Some((*noun, object.name.clone()));
            self.of_role(operation, named.role, Place::of(levels.clone(), object));
        }
    }

    fn of_role(&mut self, operation: Operation, role: Role, place: Place) {
        match role {
            Role::Created | Role::Source | Role::Destination | Role::Target | Role::Notified => {
                self.add(operation, place)
            }
            // One table of a transaction is a commit to that table.
            Role::Changed if operation == Operation::CommitTransaction => {
                self.add(operation, place.clone());
                self.add(Operation::UpdateTable, place);
            }
            Role::Changed => self.add(operation, place),
            Role::DefaultNamespace if place.levels.is_empty() => {}
            Role::DefaultNamespace => self.add(Operation::LoadNamespaceMetadata, place),
        }
    }

    /// What the catalog may understand otherwise. Catalogs of kind Iceberg over a database join the levels with
    /// dots, so that a level with a dot in it may be two.
    fn doubt(&self, place: &Place) -> Doubt {
        if self.kind == Kind::Iceberg && place.levels.iter().any(|level| level.contains('.')) {
            return Doubt::Namespace;
        }
        Doubt::None
    }
}
