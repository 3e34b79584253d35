//! The Iceberg REST protocol: paths, operations, the error model. Knows nothing of tenants.
//!
//! Source: the REST catalog spec (`open-api/rest-catalog-open-api.yaml`, apache/iceberg of August
//! 2026), the deprecated S3 signer spec beside it, and the published APIs of the catalogs that
//! [`Kind`] names. Where catalogs read the same bytes differently, the kind decides, and what two
//! readers of the *same* kind could take differently is refused.

mod error;
mod fault;
mod layout;
mod name;
mod operation;
mod path;
mod query;
mod segment;

pub use error::{ErrorType, error_body};
pub use fault::PathFault;
pub use layout::{DEFAULT_SEPARATOR, Kind, Layout, LayoutFault};
pub use name::Name;
pub use operation::{Class, Method, Noun, Operation, Part, Place};
pub use path::{Route, SEGMENTS, is_plain_path, route};
