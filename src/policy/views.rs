//! As whom an engine runs what a view says. Trino keeps the view's owner in its properties (`trino.run-as-owner`), and
//! reads the tables of a view that has one as that owner, whoever queries it. So whoever could write another's name there,
//! or other SQL into another's view, would read as that other.

use crate::config::{Catalog, ViewOwner};
use crate::iceberg::{Operation, VIEW_OWNER};
use crate::identity::Caller;
use crate::policy::Asked;
use crate::refusal::{Reason, Refusal};
use crate::text::shown;

/// Whether such a request is read for it.
pub(super) fn depend_on_body(catalog: &Catalog, operation: Operation) -> bool {
    catalog.view_owner == ViewOwner::Caller
        && matches!(operation, Operation::CreateView | Operation::ReplaceView)
}

/// Whoever writes a view is its owner, or it has none. What a body does not say it may have from before.
pub(super) fn owner(caller: &Caller, catalog: &Catalog, asked: &Asked<'_>) -> Result<(), Refusal> {
    if catalog.view_owner == ViewOwner::Any {
        return Ok(());
    }
    let operation = asked.route.operation;
    let (what, then) = match (operation, asked.body) {
        (Operation::RegisterView, _) => (
            "register the files of a view, which may say that it runs as somebody else".to_owned(),
            "create it from its SQL",
        ),
        (Operation::CreateView | Operation::ReplaceView, Some(body)) => {
            let others = body
                .view_owners
                .iter()
                .find(|owner| **owner != *caller.name());
            if let Some(other) = others {
                (
                    format!("write a view that runs as '{}'", shown(other)),
                    "only its writer may be its owner",
                )
            } else if body.rewrites_view && body.view_owners.is_empty() && !body.disowns_view {
                (
                    "change what a view does and leave its owner as it is, who may be somebody else".to_owned(),
                    "write the owner too, or drop the view and create it anew",
                )
            } else {
                return Ok(());
            }
        }
        _ => return Ok(()),
    };
    Err(Refusal::new(
        Reason::ViewOwner,
        format!(
            "{} may not {what} ({VIEW_OWNER}): {then} (catalogs.{}.view_owner)",
            caller.log_name(),
            catalog.name
        ),
    ))
}
