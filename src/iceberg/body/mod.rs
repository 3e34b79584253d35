//! What the body of a request names: namespaces, tables, views, ..., and storage locations.
//!
//! Source: the schemas of the REST spec, of Polaris' generic table, policy, notification and semantic
//! model APIs, and what the servers' own readers take beyond them: Iceberg's Java and Nessie read
//! `updated` for `updates` in `set-properties`.
//!
//! A body is read in one pass and without a tree: the members on the way to a name or a location are read,
//! all others are skipped, however large and deep they are (schemas have no greatest depth). Only what every
//! reader of JSON understands in the same way is accepted. Nessie was watched to take the last of two
//! members of one name, and to ignore what stands behind the body.
//!
//! # What is not looked at
//!
//! - Files that a commit adds: their names stand in the manifests, which are files themselves. The same
//!   for what the metadata file of a registered table or view points at.
//! - The SQL of views and the content of policies and semantic models: texts that the catalog stores and
//!   does not follow. Whoever queries a view loads its tables as a caller of his own.
//! - Schemas, specs, orders, requirements (but `assert-create`), summaries, encryption keys: they name nothing of the
//!   catalog.
//! - Properties, other than those that steer where files go (`location`, `default_location`,
//!   `write.*.path`; `path` for generic tables) and the owner of a view ([`VIEW_OWNER`]). `write.location-provider.impl` names a class that
//!   could write anywhere; it has to be in the engine's class path.
//! - Plans of scans, their tasks and metrics: they belong to the table of the path; tasks are opaque.
//! - The headers of requests for a signature, but for the one that names another object to copy from
//!   (`x-amz-copy-source`). Their `uri` is read as the location that it addresses: see [`signed`].

mod fault;
mod keys;
mod reader;
mod shapes;
mod signed;
mod table;

use super::operation::{Noun, Operation};

pub use fault::BodyFault;

/// What a body names, in the order in which it stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Namespaces, and objects in them.
    pub names: Vec<Named>,
    /// Where files are or shall be.
    pub locations: Vec<Location>,
    /// `default-catalog` of view versions: catalogs by the names that engines have for them, which say
    /// nothing about prefixes and warehouses.
    pub default_catalogs: Vec<String>,
    /// `overwrite` of a register: an existing table is pointed at other metadata.
    pub overwrites: bool,
    /// `assert-create` among the requirements of a commit: it makes the table.
    pub creates: bool,
    /// `stage-create`: the table is not made yet, but credentials for its location may be given out.
    pub stages: bool,
    /// Every value of the property [`VIEW_OWNER`] that is set.
    pub view_owners: Vec<String>,
    /// [`VIEW_OWNER`] is among the properties that are removed.
    pub disowns_view: bool,
    /// A view gets another version, or goes back to one.
    pub rewrites_view: bool,
}

/// The property of a view that names whom Trino runs it as (Trino's `AbstractTrinoCatalog`). It stands in the properties
/// of the view alone: Trino reads no summary of a version for it.
pub const VIEW_OWNER: &str = "trino.run-as-owner";

impl Body {
    /// Bytes that it takes in memory, roughly. Short texts take many times what they have in the body: an empty one
    /// of `manifests` has three bytes there, and a place and the name of that here.
    pub fn footprint(&self) -> usize {
        /// Of a text, or a list, on the heap.
        const PIECE: usize = 16;
        let text = |text: &str| text.len().saturating_add(PIECE);
        let level = |level: &String| text(level).saturating_add(size_of::<String>());
        let name = |named: &Named| {
            let levels = named.namespace.iter().flatten().map(level);
            let object = named.object.as_ref().map(|object| text(&object.name));
            levels
                .chain(object)
                .fold(PIECE, usize::saturating_add)
                .saturating_add(size_of::<Named>())
        };
        let location = |location: &Location| {
            text(&location.field)
                .saturating_add(text(&location.uri))
                .saturating_add(size_of::<Location>())
        };
        let names = self.names.iter().map(name);
        let locations = self.locations.iter().map(location);
        let catalogs = self
            .default_catalogs
            .iter()
            .chain(&self.view_owners)
            .map(level);
        names
            .chain(locations)
            .chain(catalogs)
            .fold(0, usize::saturating_add)
    }
}

/// A namespace, or an object, that a body names. Compared by exact text, as catalogs do in bodies: nothing
/// is decoded there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What the operation does with it.
    pub role: Role,
    /// The levels, outermost first, none empty. `None`: the namespace of the path. No levels: the
    /// warehouse as a whole, only with [`Role::Target`].
    pub namespace: Option<Vec<String>>,
    /// The object in that namespace; `None` where the namespace itself is meant.
    pub object: Option<Object>,
}

/// A table, view, ... by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is; several where the body does not tell, and it is one of them.
    pub nouns: &'static [Noun],
    /// Its name; see [`is_plain_name`](super::is_plain_name).
    pub name: String,
}

/// What an operation does with what its body names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It is made: created or registered.
    Created,
    /// It is renamed, and gone afterwards.
    Source,
    /// It is what the source becomes.
    Destination,
    /// It is committed to. In `updateTable` and `replaceView` the catalogs go by the path and do not look
    /// here (Nessie was watched): whoever decides must hold it equal to the path's.
    Changed,
    /// Names in a view's SQL without a namespace are looked for here.
    DefaultNamespace,
    /// A policy is attached to it or detached from it.
    Target,
    /// Something was told about it. Polaris goes by the path: it must be equal to the path's.
    Notified,
}

/// A storage location that a body names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Where it stands: `updates[3].location`. Made of the spec's words and of numbers alone, never of the
    /// client's text, so that it may be logged; the key of a property that is not in the spec's list
    /// stands there as `write.*.path`.
    pub field: Box<str>,
    /// The text as it came; see [`StorageLocation`](super::StorageLocation).
    pub uri: String,
}

/// Whether what a request of this operation names, or a location, stands in its body.
pub fn names_in_body(operation: Operation) -> bool {
    table::of(operation).is_some()
}

/// Reads the body of a request. An operation that names nothing in its body has an empty [`Body`], whatever
/// was sent.
///
/// # Errors
/// The first [`BodyFault`] that is found.
pub fn read_body(operation: Operation, body: &[u8]) -> Result<Body, BodyFault> {
    match table::of(operation) {
        Some(shape) => reader::read(shape, body),
        None => Ok(Body::default()),
    }
}
