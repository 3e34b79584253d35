//! What a proven caller may do. Today the gate knows one rule, `access: catalog_decides`; the place
//! where every request is decided on, and the only maker of a [`Permit`], are here from the first day.

use crate::config::{Access, Catalog, CatalogId, Config};
use crate::iceberg::{Operation, Route};
use crate::identity::Caller;
use crate::refusal::{Reason, Refusal};

/// The yes to one caller for one operation at one catalog. Made by [`decide`] alone; without it
/// nothing is forwarded.
#[derive(Debug)]
pub struct Permit {
    catalog: CatalogId,
    operation: Operation,
}

impl Permit {
    /// The catalog that the yes is for.
    pub fn catalog(&self) -> CatalogId {
        self.catalog
    }

    /// The operation that the yes is for.
    pub fn operation(&self) -> Operation {
        self.operation
    }
}

/// Decides on one request. Runs on every request, cached or not; its answer is never kept.
///
/// # Errors
/// [`Reason::IssuerNotServed`] when tokens for this catalog are got from another issuer than the
/// caller's: exchanging there would let one identity provider speak for another one's people.
pub fn decide(
    config: &Config,
    caller: &Caller,
    catalog_id: CatalogId,
    catalog: &Catalog,
    route: &Route<'_>,
) -> Result<Permit, Refusal> {
    if catalog.token.from != caller.issuer() {
        return Err(Refusal::new(
            Reason::IssuerNotServed,
            format!(
                "{} comes from an identity provider that catalog '{}' does not serve",
                caller.log_name(),
                catalog.name
            ),
        ));
    }
    match config.access {
        Access::CatalogDecides => Ok(Permit {
            catalog: catalog_id,
            operation: route.operation,
        }),
    }
}
