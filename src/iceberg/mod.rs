//! The Iceberg REST protocol: paths, operations, the error model. Knows nothing of tenants.

/// Which catalog it is; carries what the servers do differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The REST spec to the letter (Iceberg's own REST server).
    Iceberg,
    /// Project Nessie.
    Nessie,
    /// Apache Polaris.
    Polaris,
    /// Lakekeeper.
    Lakekeeper,
}

/// How a catalog's paths are read. Made by [`Layout::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    kind: Kind,
    base_path: String,
    separator: String,
}
