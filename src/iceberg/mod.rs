//! The Iceberg REST protocol: paths, operations, the error model. Knows nothing of tenants.
//!
//! Source: the REST catalog spec (`open-api/rest-catalog-open-api.yaml`, apache/iceberg of August
//! 2026), the deprecated S3 signer spec beside it, and the published APIs of the catalogs that
//! [`Kind`] names. Where catalogs read the same bytes differently, the kind decides, and what two
//! readers of the *same* kind could take differently is refused.

mod body;
mod delegation;
mod error;
mod fault;
mod layout;
mod location;
mod name;
mod nessie;
mod operation;
mod operation_set;
mod path;
mod query;
mod segment;

pub use body::{
    Body, BodyFault, Location, Named, Object, Role, VIEW_OWNER, names_in_body, read_body,
};
pub use delegation::{DELEGATION_HEADER, GENERIC_DELEGATION_HEADER, Wishes, delegates};
pub use error::{ErrorType, error_body};
pub use fault::PathFault;
pub(crate) use fault::faults;
pub use layout::{DEFAULT_SEPARATOR, Kind, Layout, LayoutFault};
pub use location::{LocationFault, StorageLocation};
pub use name::{Name, is_plain_name};
pub use nessie::{NessieName, NessieNameFault};
pub use operation::{Class, Method, Noun, Operation, Part, Place};
pub use operation_set::OperationSet;
pub use path::{Route, SEGMENTS, is_plain_path, read_prefix, route};
pub use query::{PolicyTarget, Query, ReferencingView, read_query};
