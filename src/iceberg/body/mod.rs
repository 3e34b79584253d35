//! placeholder
use super::operation::{Noun, Operation};

/// x
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyFault;
impl BodyFault {
    /// x
    pub const fn describe(self) -> &'static str {
        "x"
    }
}

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
    /// `stage-create`: the table is not made yet, but credentials for its location may be given out.
    pub stages: bool,
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
    {
        let _ = operation;
        false
    }
}

/// Reads the body of a request. An operation that names nothing in its body has an empty [`Body`], whatever
/// was sent.
///
/// # Errors
/// The first [`BodyFault`] that is found.
pub fn read_body(operation: Operation, body: &[u8]) -> Result<Body, BodyFault> {
    let _ = (operation, body);
    Ok(Body::default())
}
