//! What goes through which Envoy cluster, where gate tokens and programs' own accounts are concerned: whatever goes
//! through the cluster of an injected secret carries that client's credential.

use std::collections::BTreeMap;

use super::issuers;
use super::surroundings::Surroundings;
use crate::config::fault::{Faults, Path};
use crate::config::file::ClientBlock;
use crate::config::parts::ServiceToken;
use crate::config::texts::Cluster;

/// What goes through a cluster.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Traffic {
    /// Calls to which Envoy adds a client's credential: a secret, or the connection's certificate. This is how it is
    /// written.
    Carries(&'static str),
    /// Engines' logins, with their own credential.
    Login,
    /// Other calls to an identity provider.
    Plain,
    /// Calls to a catalog.
    Catalog,
}

impl Traffic {
    /// How a credential is added, if one is.
    fn how(self) -> Option<&'static str> {
        match self {
            Self::Carries(how) => Some(how),
            Self::Login | Self::Plain | Self::Catalog => None,
        }
    }
}

/// A use of a cluster, where it stands.
struct Use<'a> {
    place: Vec<&'a str>,
    traffic: Traffic,
    /// Whether it is checked here; what the others say of each other is checked beside them.
    ours: bool,
}

/// Every use of clusters, by cluster.
struct Uses<'a>(BTreeMap<&'a str, Vec<Use<'a>>>);

impl<'a> Uses<'a> {
    fn add(&mut self, cluster: &'a Cluster, traffic: Traffic, ours: bool, place: Vec<&'a str>) {
        let uses = self.0.entry(&cluster.0).or_default();
        uses.push(Use {
            place,
            traffic,
            ours,
        });
    }

    /// A client's, if it has one of its own.
    fn client(&mut self, client: Option<&'a ClientBlock>, ours: bool, mut place: Vec<&'a str>) {
        let Some(client) = client else { return };
        if let Some(Some(cluster)) = &client.cluster {
            place.push("cluster");
            self.add(cluster, traffic(client), ours, place);
        }
    }
}

fn traffic(client: &ClientBlock) -> Traffic {
    match issuers::credential_in_cluster(client) {
        Some(how) => Traffic::Carries(how),
        None => Traffic::Plain,
    }
}

/// Checks the clusters of gate tokens and of programs' own accounts.
pub(super) fn check(around: &Surroundings<'_>, faults: &mut Faults) {
    let file = around.file;
    let mut uses = Uses(BTreeMap::new());
    let mut alone = |client: &ClientBlock, place: &[&str]| {
        if let (Some(how), Some(None)) = (issuers::credential_in_cluster(client), &client.cluster) {
            let message = format!(
                "must be set with {how}; \
                 a cluster of its own carries the gate's credential and nothing else"
            );
            add(Path::Whole, place, message, faults);
        }
    };
    for (name, block) in around.catalog_blocks() {
        let used = block.and_then(|block| block.cluster.as_ref()?.as_ref());
        if let Some(cluster) = used {
            uses.add(cluster, Traffic::Catalog, false, vec!["catalogs", name]);
        }
    }
    for (name, block) in around.issuer_blocks() {
        if let Some(cluster) = &block.cluster {
            uses.add(
                cluster,
                Traffic::Plain,
                false,
                vec!["issuers", name, "cluster"],
            );
        }
        let client = block.client.iter().flatten().next();
        uses.client(client, false, vec!["issuers", name, "client"]);
        let Some(Some(gate_tokens)) = &block.gate_tokens else {
            continue;
        };
        if let Some(Some(cluster)) = &gate_tokens.cluster {
            let place = vec!["issuers", name, "gate_tokens", "cluster"];
            uses.add(cluster, Traffic::Login, true, place);
        }
        if let Some(Some(client)) = &gate_tokens.client {
            let place = ["issuers", name, "gate_tokens", "client"];
            alone(client, &[&place[..], &["cluster"]].concat());
            uses.client(Some(client), true, place.to_vec());
        }
    }
    let tenants = file.tenants.iter().flatten().flat_map(|tenants| &tenants.0);
    for (tenant, block) in tenants {
        let tokens = block
            .iter()
            .filter_map(|block| block.token.as_ref()?.as_ref());
        for (catalog, token) in tokens.flat_map(|named| &named.0) {
            let client = token
                .as_ref()
                .and_then(|token| token.client.as_ref()?.as_ref());
            let place = vec!["tenants", tenant, "token", catalog, "client"];
            uses.client(client, false, place);
        }
    }
    let services = file
        .services
        .iter()
        .flatten()
        .flat_map(|services| &services.0);
    for (name, block) in services {
        let token = block
            .as_ref()
            .and_then(|block| block.token.as_ref()?.as_ref());
        let Some(ServiceToken::OwnAccount(own)) = token else {
            continue;
        };
        let Some(account) = &own.client_credentials else {
            continue;
        };
        let place = ["services", name, "token", "client_credentials", "cluster"];
        let client = account.client();
        alone(&client, &place);
        if let Some(Some(cluster)) = &account.cluster {
            uses.add(cluster, traffic(&client), true, place.to_vec());
        }
    }
    for uses in uses.0.values() {
        apart(uses, faults);
    }
}

/// What may go through one cluster together.
fn apart(uses: &[Use<'_>], faults: &mut Faults) {
    for (index, own) in uses.iter().enumerate().filter(|(_, own)| own.ours) {
        let others = || {
            let others = uses.iter().enumerate();
            others
                .filter(move |(other, _)| *other != index)
                .map(|(_, other)| other)
        };
        let catalog = others().find(|other| other.traffic == Traffic::Catalog);
        let carries = || others().find_map(|other| Some((other, other.traffic.how()?)));
        let message = if let Some(catalog) = catalog {
            format!(
                "is a cluster of {} too; the catalog must get no call and no credential that is meant for the identity \
                 provider",
                shown(catalog)
            )
        } else if let (Traffic::Login, Some((carrying, _))) = (own.traffic, carries()) {
            format!(
                "is also {}, where Envoy adds the gate's credential; whoever logs in through it would get the gate's \
                 identity",
                shown(carrying)
            )
        } else if let Some((other, how)) = match own.traffic.how() {
            Some(how) => others().next().map(|other| (other, how)),
            None => carries(),
        } {
            format!(
                "is also {}; with {how} it must carry nothing but one client's calls",
                shown(other)
            )
        } else {
            continue;
        };
        add(Path::Whole, &own.place, message, faults);
    }
}

/// How messages name it.
fn shown(of: &Use<'_>) -> String {
    fn down(path: Path<'_>, rest: &[&str]) -> String {
        match rest {
            [first, rest @ ..] => down(path.member(first), rest),
            [] => path.to_string(),
        }
    }
    down(Path::Whole, &of.place)
}

/// Notes a fault at a place within `path`.
fn add(path: Path<'_>, rest: &[&str], message: String, faults: &mut Faults) {
    match rest {
        [first, rest @ ..] => add(path.member(first), rest, message, faults),
        [] => faults.add(path, message),
    }
}
