//! Where in the body of each operation a name or a location stands: one table, from which bodies are read.

use super::super::operation::{Noun, Operation};
use super::Role;
use super::shapes::{Means, Member, Members, Shape, Words};

const TABLE: &[Noun] = &[Noun::Table];
const VIEW: &[Noun] = &[Noun::View];

const fn required(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        required: true,
        shape,
    }
}

const fn optional(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        required: false,
        shape,
    }
}

const fn made(noun: &'static [Noun]) -> Means {
    Means::Object(Role::Created, noun)
}

/// `TableIdentifier`, which views have as well.
const fn identifier(role: Role, noun: &'static [Noun]) -> Members {
    const IDENTIFIER: &[Member] = &[
        required("namespace", Shape::Levels),
        required("name", Shape::Name),
    ];
    Members {
        members: IDENTIFIER,
        means: Means::Object(role, noun),
    }
}

/// The shape of the body of an operation; `None` where it names nothing.
pub(super) fn of(operation: Operation) -> Option<&'static Members> {
    Some(match operation {
        Operation::CreateNamespace => &CREATE_NAMESPACE,
        Operation::UpdateProperties => &UPDATE_PROPERTIES,
        Operation::CreateTable => &CREATE_TABLE,
        Operation::RegisterTable => &REGISTER_TABLE,
        Operation::UpdateTable => &UPDATE_TABLE,
        Operation::RenameTable => &RENAME_TABLE,
        Operation::CommitTransaction => &COMMIT_TRANSACTION,
        Operation::CreateView => &CREATE_VIEW,
        Operation::RegisterView => &REGISTER_VIEW,
        Operation::ReplaceView => &REPLACE_VIEW,
        Operation::RenameView => &RENAME_VIEW,
        Operation::SendNotification => &SEND_NOTIFICATION,
        Operation::CreateGenericTable => &CREATE_GENERIC_TABLE,
        Operation::CreatePolicy => &CREATE_POLICY,
        Operation::AttachPolicy | Operation::DetachPolicy => &POLICY_MAPPING,
        Operation::CreateSemanticModel => &CREATE_SEMANTIC_MODEL,
        Operation::SignRequest | Operation::SignS3Request => &SIGN_REQUEST,
        // A body that names nothing; the module's documentation says why.
        Operation::GetToken
        | Operation::UnregisterTable
        | Operation::ReportMetrics
        | Operation::PlanTableScan
        | Operation::FetchScanTasks
        | Operation::UpdatePolicy
        | Operation::UpdateSemanticModel => return None,
        // GET, HEAD and DELETE have none.
        Operation::GetConfig
        | Operation::ListNamespaces
        | Operation::LoadNamespaceMetadata
        | Operation::NamespaceExists
        | Operation::DropNamespace
        | Operation::ListTables
        | Operation::LoadTable
        | Operation::DropTable
        | Operation::TableExists
        | Operation::LoadCredentials
        | Operation::FetchPlanningResult
        | Operation::CancelPlanning
        | Operation::ListViews
        | Operation::LoadView
        | Operation::DropView
        | Operation::ViewExists
        | Operation::ListFunctions
        | Operation::LoadFunction
        | Operation::ListGenericTables
        | Operation::LoadGenericTable
        | Operation::DropGenericTable
        | Operation::ListPolicies
        | Operation::LoadPolicy
        | Operation::DropPolicy
        | Operation::GetApplicablePolicies
        | Operation::ListSemanticModels
        | Operation::LoadSemanticModel
        | Operation::DropSemanticModel => return None,
    })
}

// The spec's schemas, each under its name there.

static CREATE_NAMESPACE: Members = Members {
    members: &[
        required("namespace", Shape::Levels),
        optional("properties", Shape::Properties(&[])),
    ],
    means: Means::Namespace(Role::Created),
};

/// `UpdateNamespacePropertiesRequest`.
static UPDATE_PROPERTIES: Members = Members {
    members: &[optional("updates", Shape::Properties(&[]))],
    means: Means::Nothing,
};

static CREATE_TABLE: Members = Members {
    members: &[
        required("name", Shape::Name),
        optional("location", Shape::Location),
        optional("stage-create", Shape::Stages),
        optional("properties", Shape::Properties(&[])),
    ],
    means: made(TABLE),
};

static REGISTER_TABLE: Members = Members {
    members: REGISTER,
    means: made(TABLE),
};

/// The spec has no `overwrite` for views; a catalog may have it all the same.
static REGISTER_VIEW: Members = Members {
    members: REGISTER,
    means: made(VIEW),
};

const REGISTER: &[Member] = &[
    required("name", Shape::Name),
    required("metadata-location", Shape::Location),
    optional("overwrite", Shape::Overwrites),
];

static RENAME_TABLE: Members = Members {
    members: &[
        required("source", Shape::Object(&TABLE_SOURCE)),
        required("destination", Shape::Object(&TABLE_DESTINATION)),
    ],
    means: Means::Nothing,
};
static TABLE_SOURCE: Members = identifier(Role::Source, TABLE);
static TABLE_DESTINATION: Members = identifier(Role::Destination, TABLE);

/// The same schema as for tables.
static RENAME_VIEW: Members = Members {
    members: &[
        required("source", Shape::Object(&VIEW_SOURCE)),
        required("destination", Shape::Object(&VIEW_DESTINATION)),
    ],
    means: Means::Nothing,
};
static VIEW_SOURCE: Members = identifier(Role::Source, VIEW);
static VIEW_DESTINATION: Members = identifier(Role::Destination, VIEW);

/// `CommitTableRequest`.
static UPDATE_TABLE: Members = Members {
    members: &[
        optional("identifier", Shape::Object(&CHANGED_TABLE)),
        optional("requirements", REQUIREMENTS),
        optional("updates", UPDATES),
    ],
    means: Means::Nothing,
};
static CHANGED_TABLE: Members = identifier(Role::Changed, TABLE);

/// `CommitTransactionRequest`, whose table changes must have an identifier.
static COMMIT_TRANSACTION: Members = Members {
    members: &[required(
        "table-changes",
        Shape::List(&Shape::Object(&TABLE_CHANGE)),
    )],
    means: Means::Nothing,
};
static TABLE_CHANGE: Members = Members {
    members: &[
        required("identifier", Shape::Object(&CHANGED_TABLE)),
        optional("requirements", REQUIREMENTS),
        optional("updates", UPDATES),
    ],
    means: Means::Nothing,
};

/// `CommitViewRequest`.
static REPLACE_VIEW: Members = Members {
    members: &[
        optional("identifier", Shape::Object(&CHANGED_VIEW)),
        optional("updates", UPDATES),
    ],
    means: Means::Nothing,
};
static CHANGED_VIEW: Members = identifier(Role::Changed, VIEW);

const REQUIREMENTS: Shape = Shape::List(&Shape::Object(&REQUIREMENT));

/// `TableRequirement`.
static REQUIREMENT: Members = Members {
    members: &[required("type", Shape::Requirement)],
    means: Means::Nothing,
};

const UPDATES: Shape = Shape::List(&Shape::Object(&UPDATE));

/// All of `TableUpdate` and `ViewUpdate` together. `action` may stand behind the others, and no member has
/// two types, so that they are read without regard to it: that finds too much rather than too little.
static UPDATE: Members = Members {
    members: &[
        required("action", Shape::Word(Words::Actions)),
        optional("location", Shape::Location),
        optional("updates", Shape::Properties(&[])),
        optional("updated", Shape::Properties(&[])),
        optional("removals", Shape::List(&Shape::Removed)),
        optional("snapshot", Shape::Object(&SNAPSHOT)),
        optional("statistics", Shape::Object(&STATISTICS_FILE)),
        optional("partition-statistics", Shape::Object(&STATISTICS_FILE)),
        optional("view-version", Shape::Object(&VIEW_VERSION)),
    ],
    means: Means::Nothing,
};

/// `manifests` is of format version 1, without a manifest list (table spec, "Snapshots").
static SNAPSHOT: Members = Members {
    members: &[
        optional("manifest-list", Shape::Location),
        optional("manifests", Shape::List(&Shape::Location)),
    ],
    means: Means::Nothing,
};

/// `StatisticsFile` and `PartitionStatisticsFile`.
static STATISTICS_FILE: Members = Members {
    members: &[optional("statistics-path", Shape::Location)],
    means: Means::Nothing,
};

static CREATE_VIEW: Members = Members {
    members: &[
        required("name", Shape::Name),
        optional("location", Shape::Location),
        optional("view-version", Shape::Object(&VIEW_VERSION)),
        optional("properties", Shape::Properties(&[])),
    ],
    means: made(VIEW),
};

/// An engine without a current namespace sends an empty one.
static VIEW_VERSION: Members = Members {
    members: &[
        optional("default-catalog", Shape::DefaultCatalog),
        optional("default-namespace", Shape::Levels),
    ],
    means: Means::NamespaceOrNothing(Role::DefaultNamespace),
};

// Polaris.

/// `NotificationRequest`.
static SEND_NOTIFICATION: Members = Members {
    members: &[required(
        "payload",
        Shape::Object(&TABLE_UPDATE_NOTIFICATION),
    )],
    means: Means::Nothing,
};
static TABLE_UPDATE_NOTIFICATION: Members = Members {
    members: &[
        required("table-name", Shape::Name),
        optional("metadata-location", Shape::Location),
        optional("metadata", Shape::Object(&TABLE_METADATA)),
    ],
    means: Means::Object(Role::Notified, TABLE),
};

/// The spec's `TableMetadata`. Older metadata files are removed when a table is purged.
static TABLE_METADATA: Members = Members {
    members: &[
        optional("location", Shape::Location),
        optional("properties", Shape::Properties(&[])),
        optional("snapshots", Shape::List(&Shape::Object(&SNAPSHOT))),
        optional("statistics", Shape::List(&Shape::Object(&STATISTICS_FILE))),
        optional(
            "partition-statistics",
            Shape::List(&Shape::Object(&STATISTICS_FILE)),
        ),
        optional(
            "metadata-log",
            Shape::List(&Shape::Object(&METADATA_LOG_ENTRY)),
        ),
    ],
    means: Means::Nothing,
};
static METADATA_LOG_ENTRY: Members = Members {
    members: &[optional("metadata-file", Shape::Location)],
    means: Means::Nothing,
};

/// Polaris' Spark plugin has the location of a generic table also as the property `path`.
static CREATE_GENERIC_TABLE: Members = Members {
    members: &[
        required("name", Shape::Name),
        optional("base-location", Shape::Location),
        optional("properties", Shape::Properties(&["path"])),
    ],
    means: made(&[Noun::GenericTable]),
};

static CREATE_POLICY: Members = Members {
    members: &[required("name", Shape::Name)],
    means: made(&[Noun::Policy]),
};

/// `AttachPolicyRequest` and `DetachPolicyRequest`.
static POLICY_MAPPING: Members = Members {
    members: &[required("target", Shape::Object(&POLICY_TARGET))],
    means: Means::Nothing,
};

/// `PolicyAttachmentTarget`.
static POLICY_TARGET: Members = Members {
    members: &[
        required("type", Shape::Word(Words::Targets)),
        optional("path", Shape::Levels),
    ],
    means: Means::Target,
};

/// `RemoteSignRequest`, and `S3SignRequest` of the older signer spec.
static SIGN_REQUEST: Members = Members {
    members: &[
        required("uri", Shape::Signed),
        optional("headers", Shape::SignedHeaders),
    ],
    means: Means::Nothing,
};

static CREATE_SEMANTIC_MODEL: Members = Members {
    members: &[required("name", Shape::Name)],
    means: made(&[Noun::SemanticModel]),
};

#[cfg(test)]
mod tests {
    use super::{Members, Operation, Shape, of};

    fn check(members: &Members) {
        // The reader has a bit for each.
        assert!(members.members.len() <= 32);
        for (at, member) in members.members.iter().enumerate() {
            let mut before = members.members.iter().take(at);
            assert!(before.all(|other| other.name != member.name));
            check_shape(member.shape);
        }
    }

    fn check_shape(shape: Shape) {
        match shape {
            Shape::Object(members) => check(members),
            Shape::List(element) => check_shape(*element),
            _ => {}
        }
    }

    #[test]
    fn objects_are_small_and_have_a_member_once() {
        for operation in Operation::ALL {
            if let Some(members) = of(*operation) {
                check(members);
            }
        }
    }
}
