//! Accounts of programs' own, with which the gate gets tokens for catalogs.

use std::collections::BTreeMap;

use super::catalogs::Given;
use super::services::Ways;
use super::surroundings::Surroundings;
use super::{catalogs, issuers, texts};
use crate::config::fault::{Faults, Path};
use crate::config::file::{ClientCredentialsBlock, IssuerBlock, OwnAccountBlock};
use crate::config::model::{CatalogId, Client, Context, ContextId, Grant, TenantId, TokenRule};
use crate::config::words::Actions;
use crate::iceberg::OperationSet;
use crate::limits;

/// For what an account is used, and the ways to its tokens.
#[derive(Default)]
pub(super) struct OwnAccount {
    pub(super) operations: OperationSet,
    pub(super) contexts: BTreeMap<(Option<TenantId>, CatalogId), ContextId>,
}

/// Checks the account of the service at `path`, and adds its contexts. `may`: what the service may do.
pub(super) fn check(
    block: &OwnAccountBlock,
    path: Path<'_>,
    may: Option<OperationSet>,
    ways: &Ways,
    around: &mut Surroundings<'_>,
    faults: &mut Faults,
) -> Option<OwnAccount> {
    let block = block.client_credentials.as_ref()?;
    let token = path.member("token");
    let place = token.member("client_credentials");
    let operations = operations(block, may, place, faults);
    let from = block.from.as_ref();
    let from = from.and_then(|name| around.issuer(name, place.member("from"), faults));
    let issuer = from.and_then(|from| around.issuer_block(from));
    if let Some(issuer) = issuer {
        at_issuer(block, issuer, place, faults);
    }
    // For its faults, also where it leads nowhere.
    client(block, issuer, place, around, faults);
    let ways = match ways {
        Ways::These(ways) => ways.as_slice(),
        Ways::OfItsTenants => {
            return faults.refuse(
                path.member("tenant"),
                "must be set with an account of its own, which is used within one tenant's border or another's",
            );
        }
        Ways::Unsure => return None,
    };
    let mut contexts = BTreeMap::new();
    let mut sure = true;
    for way in ways {
        let Some(base) = around.token(way.context) else {
            sure = false;
            continue;
        };
        if from.is_some_and(|from| from != base.at) {
            continue;
        }
        let token = rule(block, base)?;
        around.own_accounts = around.own_accounts.saturating_add(1);
        if around.own_accounts > limits::OWN_ACCOUNTS {
            return faults.refuse(
                place,
                format!(
                    "is one too many; accounts of programs' own lead to at most {} catalogs of tenants, all together",
                    limits::OWN_ACCOUNTS
                ),
            );
        }
        let id = around.next_context();
        let client = client(block, issuer, place, around, faults);
        around.contexts.push(Context {
            catalog: way.catalog,
            tenant: way.tenant,
            token,
            client: Some(client?),
            grant: Grant::ClientCredentials,
        });
        contexts.insert((way.tenant, way.catalog), id);
    }
    if contexts.is_empty() && sure && from.is_some() {
        return faults.refuse(
            place.member("from"),
            "names an issuer from which no catalog that it can reach gets its tokens (token.from); the account would \
             never be used",
        );
    }
    Some(OwnAccount {
        operations: operations?,
        contexts,
    })
}

/// The operations for which it is used.
fn operations(
    block: &ClientCredentialsBlock,
    may: Option<OperationSet>,
    path: Path<'_>,
    faults: &mut Faults,
) -> Option<OperationSet> {
    match (block.r#for?, may?) {
        (None, may) => Some(may),
        (Some(Actions(own)), may) if own.without(may).is_empty() => Some(own),
        (Some(_), _) => faults.refuse(
            path.member("for"),
            "holds what may does not; an account allows nothing by itself",
        ),
    }
}

/// What it needs of its issuer.
fn at_issuer(
    block: &ClientCredentialsBlock,
    issuer: &IssuerBlock,
    path: Path<'_>,
    faults: &mut Faults,
) {
    let keys = issuer.keys.as_ref();
    let no_metadata = keys.is_some_and(|keys| matches!(keys.jwks_path, Some(Some(_))));
    if no_metadata && matches!(issuer.token_path, Some(None)) {
        faults.add(
            path.member("from"),
            "names an issuer with keys.jwks_path and without token_path; nothing tells where the account's tokens are got",
        );
    }
    if let Some(profile) = issuer.profile {
        issuers::fits(&block.client(), profile, path, faults);
        let given = Given {
            audience: block.audience.as_ref().map(Option::is_some),
            // These are the catalog's.
            resource: None,
            scope: None,
        };
        let targets = &profile.dialect().client_credentials.targets;
        catalogs::fits(targets, given, path, faults);
    }
    let mut asked = block.audience.iter().flatten().flat_map(|many| &many.0);
    if asked.any(|audience| is_of_the_gate(issuer, &audience.0)) {
        faults.add(path.member("audience"), catalogs::OUR_OWN);
    }
}

fn is_of_the_gate(issuer: &IssuerBlock, audience: &str) -> bool {
    let own = issuer.audiences.as_ref();
    own.is_some_and(|own| own.0.iter().any(|own| own.0 == audience))
}

/// The catalog's rule for an account: what belongs to the exchange is left out.
fn rule(block: &ClientCredentialsBlock, base: &TokenRule) -> Option<TokenRule> {
    let audiences = block.audience.as_ref()?.as_ref();
    let scope = block.scope.as_ref()?.as_ref();
    Some(TokenRule {
        audiences: audiences.map(|many| texts(&many.0)).unwrap_or_default(),
        scope: scope
            .map(|scope| scope.0.clone())
            .or_else(|| base.scope.clone()),
        requested_token_type: None,
        parameters: Vec::new(),
        ..base.clone()
    })
}

fn client(
    block: &ClientCredentialsBlock,
    issuer: Option<&IssuerBlock>,
    path: Path<'_>,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) -> Option<Client> {
    let endpoint = issuer.and_then(issuers::endpoint);
    issuers::client(&block.client(), path, endpoint.as_ref(), around.env, faults)
}
