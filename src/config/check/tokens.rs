//! How tokens for the people of a tenant are got, where it is not as the catalog says.

use std::collections::BTreeMap;

use super::surroundings::Surroundings;
use super::tenants::{Contexts, TENANTS};
use super::{catalogs, issuers};
use crate::config::fault::{Faults, Path};
use crate::config::file::{ClientBlock, IssuerBlock, TenantBlock, TenantTokenBlock};
use crate::config::model::{CatalogId, Client, Context, Grant, IssuerId, TenantId};
use crate::config::texts::Cluster;

/// One context for each catalog within the tenant's reach.
pub(super) fn contexts(
    id: TenantId,
    block: &TenantBlock,
    path: Path<'_>,
    around: &mut Surroundings<'_>,
    faults: &mut Faults,
) -> Contexts {
    let mut contexts = Contexts {
        made: BTreeMap::new(),
        from: Vec::new(),
        whole: true,
    };
    let token_path = path.member("token");
    let overrides = block.token.iter().flatten().flat_map(|named| &named.0);
    let reach = block.reach.iter().flat_map(|reach| &reach.0);
    for (name, _) in overrides.clone() {
        if block.reach.is_some() && !reach.clone().any(|(reached, _)| reached == name) {
            faults.add(
                token_path.member(name),
                "is no catalog within this tenant's reach",
            );
        }
    }
    for (catalog, number) in around.catalog_blocks().map(|(name, _)| name).zip(0_u16..) {
        if !reach.clone().any(|(reached, _)| reached == catalog) {
            continue;
        }
        let Some((_, base)) = around.catalog(CatalogId(number)) else {
            contexts.whole = false;
            continue;
        };
        let place = token_path.member(catalog);
        let issuers = around.file.issuers.as_ref();
        let own = overrides.clone().find(|(name, _)| name == catalog);
        let (token, client) = match own {
            None => (Some(base.clone()), None),
            // It has been reported.
            Some((_, None)) => (None, None),
            Some((_, Some(token))) => (
                catalogs::tenant_rule(base, token, place, issuers, faults),
                client(token, base.at, place, around, faults),
            ),
        };
        let Some(token) = token else {
            contexts.whole = false;
            continue;
        };
        contexts.from.push(token.from);
        let context = around.next_context();
        around.contexts.push(Context {
            catalog: CatalogId(number),
            tenant: Some(id),
            token,
            client,
            grant: Grant::Exchange,
        });
        contexts.made.insert(CatalogId(number), context);
    }
    contexts
}

/// A client of the tenant's own, at the issuer where its tokens are exchanged.
fn client(
    block: &TenantTokenBlock,
    base: IssuerId,
    path: Path<'_>,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) -> Option<Client> {
    let client = block.client.as_ref()?.as_ref()?;
    let from = match block.from.as_ref()? {
        Some(from) => around.issuers.iter().position(|name| *name == from)?,
        None => usize::from(base.0),
    };
    let (_, issuer) = around.file.issuers.as_ref()?.0.get(from)?;
    let issuer = issuer.as_ref()?;
    let endpoint = issuers::endpoint(issuer);
    if let Some(profile) = issuer.profile {
        issuers::fits(client, profile, path.member("client"), faults);
    }
    issuers::client(
        client,
        path.member("client"),
        endpoint.as_ref(),
        around.env,
        faults,
    )
}

/// A client of a tenant's own, where it stands.
#[derive(Clone, Copy)]
struct Own<'a> {
    tenant: &'a str,
    catalog: &'a str,
    client: &'a ClientBlock,
}

impl Own<'_> {
    /// What makes its cluster carry the gate's credential, if anything does.
    fn credential(&self) -> Option<&'static str> {
        issuers::credential_in_cluster(self.client)
    }
}

/// Whatever goes through the cluster of an injected secret carries the gate's credential, so that no other calls may
/// go there; and no call to a catalog may go where identity providers are.
pub(super) fn own_clusters(around: &Surroundings<'_>, faults: &mut Faults) {
    let mut by_cluster: BTreeMap<&str, Vec<Own<'_>>> = BTreeMap::new();
    let tenants = around
        .file
        .tenants
        .iter()
        .flatten()
        .flat_map(|tenants| &tenants.0);
    for (tenant, block) in tenants {
        let tokens = block
            .iter()
            .filter_map(|block| block.token.as_ref()?.as_ref());
        for (catalog, token) in tokens.flat_map(|named| &named.0) {
            let client = token
                .as_ref()
                .and_then(|token| token.client.as_ref()?.as_ref());
            let Some(client) = client else { continue };
            let own = Own {
                tenant,
                catalog,
                client,
            };
            match &client.cluster {
                Some(Some(Cluster(cluster))) => by_cluster.entry(cluster).or_default().push(own),
                Some(None) => {
                    if let Some(how) = own.credential() {
                        let message = format!(
                            "must be set with {how}; \
                             a cluster of its own carries the gate's credential and nothing else"
                        );
                        refuse(own, faults, message);
                    }
                }
                None => {}
            }
        }
    }
    for (cluster, owns) in &by_cluster {
        for (name, block) in around.catalog_blocks() {
            let used = block.and_then(|block| block.cluster.as_ref()?.as_ref());
            if let Some(own) = owns
                .first()
                .filter(|_| used.is_some_and(|used| &*used.0 == *cluster))
            {
                refuse(
                    *own,
                    faults,
                    format!(
                        "is a cluster of {} too; the catalog must get no call and no credential that is meant for the \
                         identity provider",
                        catalogs::CATALOGS.member(name)
                    ),
                );
            }
        }
        let issuers = around.file.issuers.iter().flat_map(|issuers| &issuers.0);
        for (name, block) in issuers.filter_map(|(name, block)| Some((name, block.as_ref()?))) {
            let (uses, theirs) = uses(block, cluster);
            let how = |own: &Own<'_>| own.credential().filter(|_| uses).or(theirs);
            if let Some((own, how)) = owns.iter().find_map(|own| Some((own, how(own)?))) {
                shared(*own, issuers::ISSUERS.member(name), how, faults);
            }
        }
        let mut carries = owns.iter().filter_map(|own| Some((own, own.credential()?)));
        if let Some((first, how)) = carries.next()
            && let Some(other) = owns.iter().find(|own| {
                own.credential().is_none() || own.client.id.as_ref() != first.client.id.as_ref()
            })
        {
            shared(*first, TENANTS.member(other.tenant), how, faults);
        }
    }
}

/// Whether calls of an issuer go through a cluster, and what makes it carry a credential, if anything does.
fn uses(issuer: &IssuerBlock, cluster: &str) -> (bool, Option<&'static str>) {
    let client = issuer.client.as_ref().and_then(Option::as_ref);
    let own = client.and_then(|client| client.cluster.as_ref()?.as_ref());
    let own = own.is_some_and(|own| &*own.0 == cluster);
    let credential = client.and_then(issuers::credential_in_cluster);
    let uses = own
        || issuer
            .cluster
            .as_ref()
            .is_some_and(|used| &*used.0 == cluster);
    (uses, credential.filter(|_| own))
}

fn shared(own: Own<'_>, other: Path<'_>, how: &'static str, faults: &mut Faults) {
    refuse(
        own,
        faults,
        format!(
            "is a cluster of {other} too; with {how} it must carry nothing but one client's exchanges"
        ),
    );
}

fn refuse(own: Own<'_>, faults: &mut Faults, message: String) {
    let path = TENANTS.member(own.tenant);
    let path = path.member("token");
    let path = path.member(own.catalog);
    let path = path.member("client");
    faults.add(path.member("cluster"), message);
}
