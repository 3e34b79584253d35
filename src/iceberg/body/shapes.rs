//! What a place in a body may hold, and what that means.

use super::super::operation::Noun;
use super::Role;

/// What may stand in a place. `null` is the same as nothing, as clients write it.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// An object.
    Object(&'static Members),
    /// An array whose elements are all the same; none may be `null`.
    List(&'static Shape),
    /// An object of properties, of which some are locations: those that are so everywhere, and these. One is the owner of
    /// a view.
    Properties(&'static [&'static str]),
    /// A location.
    Location,
    /// The name of the object that the members around are about.
    Name,
    /// The levels of the namespace that the members around are about.
    Levels,
    /// One of these levels.
    Level,
    /// One of these words.
    Word(Words),
    /// The name of a catalog.
    DefaultCatalog,
    /// An address of the storage's HTTP API, which stands for a location.
    Signed,
    /// The headers of a request that is to be signed. A source to copy from is another object, and stands for a place
    /// that no location holds: clients of Iceberg copy nothing.
    SignedHeaders,
    /// The type of a requirement; sets [`Body::creates`](super::Body::creates).
    Requirement,
    /// The owner of a view.
    ViewOwner,
    /// The key of a property that is removed.
    Removed,
    /// Sets [`Body::overwrites`](super::Body::overwrites).
    Overwrites,
    /// Sets [`Body::stages`](super::Body::stages).
    Stages,
}

/// The members of an object that are read; all others are skipped.
pub(super) struct Members {
    pub(super) members: &'static [Member],
    pub(super) means: Means,
}

/// A member that is read.
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

/// What the name and the levels of an object mean together.
#[derive(Clone, Copy)]
pub(super) enum Means {
    /// Nothing: what its members name was kept already.
    Nothing,
    /// An object, in the namespace of the path where there are no levels.
    Object(Role, &'static [Noun]),
    /// A namespace.
    Namespace(Role),
    /// A namespace, if there are any levels.
    NamespaceOrNothing(Role),
    /// A policy's target.
    Target,
}

/// A closed set of words.
#[derive(Clone, Copy)]
pub(super) enum Words {
    /// The `action` of an update.
    Actions,
    /// The `type` of a policy's target.
    Targets,
}

impl Words {
    pub(super) const fn all(self) -> &'static [&'static str] {
        match self {
            Self::Actions => ACTIONS,
            Self::Targets => &[TARGET_CATALOG, TARGET_NAMESPACE, TARGET_TABLE_LIKE],
        }
    }
}

pub(super) const TARGET_CATALOG: &str = "catalog";
pub(super) const TARGET_NAMESPACE: &str = "namespace";
pub(super) const TARGET_TABLE_LIKE: &str = "table-like";
/// What `table-like` stands for in Polaris' policy API.
pub(super) const TABLE_LIKE: &[Noun] = &[Noun::Table, Noun::View];

/// The actions of `TableUpdate` and `ViewUpdate`. `enable-row-lineage` stood there in Iceberg 1.8.
const ACTIONS: &[&str] = &[
    "add-encryption-key",
    "add-schema",
    "add-snapshot",
    "add-sort-order",
    "add-spec",
    "add-view-version",
    "assign-uuid",
    "enable-row-lineage",
    "remove-encryption-key",
    "remove-partition-specs",
    "remove-partition-statistics",
    "remove-properties",
    "remove-schemas",
    "remove-snapshot-ref",
    "remove-snapshots",
    "remove-statistics",
    "set-current-schema",
    "set-current-view-version",
    "set-default-sort-order",
    "set-default-spec",
    "set-location",
    "set-partition-statistics",
    "set-properties",
    "set-snapshot-ref",
    "set-statistics",
    "upgrade-format-version",
];

/// Those by which a view comes to say something else.
pub(super) const REWRITES_VIEW: &[&str] = &["add-view-version", "set-current-view-version"];
