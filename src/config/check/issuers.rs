//! The identity providers, and the gate's clients at them.

use std::rc::Rc;

use super::{Environment, gate_tokens, texts};
use crate::config::fault::{Faults, Path};
use crate::config::file::{ClientBlock, IssuerBlock, KeysBlock};
use crate::config::model::{
    ClaimPath, Client, ClientAuthentication, Endpoint, Issuer, KeySource, Profile,
};
use crate::config::parts::SecretPlace;
use crate::config::texts::Cluster;
use crate::config::values::Named;
use crate::config::words::{Authentication, Discovery};
use crate::secret::Secret;

/// Where they stand.
pub(super) const ISSUERS: Path<'static> = Path::Member(&Path::Whole, "issuers");

/// A token's `iss` picks the issuer, so that no two may have the same.
pub(super) fn distinct(issuers: &Named<IssuerBlock>, faults: &mut Faults) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (name, block) in &issuers.0 {
        let Some(url) = block.as_ref().and_then(|block| block.issuer.as_ref()) else {
            continue;
        };
        match seen.iter().find(|(_, text)| *text == &*url.text) {
            Some((first, _)) => faults.add(
                ISSUERS.member(name).member("issuer"),
                format!(
                    "is also the issuer of {}; a token could not be told apart",
                    ISSUERS.member(first)
                ),
            ),
            None => seen.push((name, &url.text)),
        }
    }
}

/// Whatever goes through the cluster of an injected secret carries the gate's credential, so that
/// no other calls may go there.
pub(super) fn own_clusters(issuers: &Named<IssuerBlock>, faults: &mut Faults) {
    let blocks = || {
        issuers
            .0
            .iter()
            .filter_map(|(name, block)| Some((name, block.as_ref()?)))
    };
    for (name, block) in blocks() {
        let Some(Some(client)) = &block.client else {
            continue;
        };
        if client.secret != Some(SecretPlace::Injected) {
            continue;
        }
        let path = ISSUERS.member(name);
        let path = path.member("client");
        let path = path.member("cluster");
        let own = match &client.cluster {
            Some(Some(cluster)) => cluster,
            Some(None) => {
                faults.add(
                    path,
                    "must be set with secret: injected; \
                     a cluster of its own carries the gate's credential and nothing else",
                );
                continue;
            }
            None => continue,
        };
        let mut refuse = |other: Path<'_>| {
            let message = format!(
                "is also {other}; \
                 with secret: injected it must carry nothing but this client's exchanges"
            );
            faults.add(path, message);
        };
        for (other, block) in blocks() {
            let other_path = ISSUERS.member(other);
            if block.cluster.as_ref() == Some(own) {
                refuse(other_path.member("cluster"));
            }
            let client = block.client.as_ref().and_then(Option::as_ref);
            let cluster = client.and_then(|client| client.cluster.as_ref()?.as_ref());
            if other != name && cluster == Some(own) {
                refuse(other_path.member("client").member("cluster"));
            }
        }
    }
}

/// Checks one, and builds it if nothing is missing.
pub(super) fn check(
    name: &Rc<str>,
    block: &IssuerBlock,
    path: Path<'_>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Issuer> {
    let keys = block
        .keys
        .as_ref()
        .and_then(|keys| key_source(keys, path.member("keys"), faults));
    if let (Some(KeySource::Path(_)), Some(None), Some(Some(_))) =
        (&keys, &block.token_path, &block.client)
    {
        faults.add(
            path.member("token_path"),
            "must be set with keys.jwks_path, because no metadata tells it then; \
             the client exchanges there",
        );
    }
    let endpoint = endpoint(block);
    let client = match &block.client {
        Some(Some(client)) => self::client(
            client,
            path.member("client"),
            endpoint.as_ref(),
            env,
            faults,
        )
        .map(Some),
        Some(None) => Some(None),
        None => None,
    };
    let gate_tokens = gate_tokens::check(block, path, endpoint.as_ref(), env, faults);
    let profile = block.profile?;
    let default_name = ClaimPath::from(match profile {
        Profile::Keycloak => "preferred_username",
        Profile::Rfc8693 => "sub",
    });
    Some(Issuer {
        name: name.clone(),
        profile,
        issuer: block.issuer.as_ref()?.text.clone(),
        endpoint: endpoint?,
        keys: keys?,
        token_path: block
            .token_path
            .as_ref()?
            .as_ref()
            .map(|path| path.0.clone()),
        audiences: texts(&block.audiences.as_ref()?.0),
        algorithms: block.algorithms.as_ref()?.0.clone(),
        token_types: block
            .token_types
            .as_ref()?
            .0
            .iter()
            .map(|kind| kind.0.clone())
            .collect(),
        leeway: block.leeway?.0,
        subject_claim: block.subject_claim.clone()?,
        name_claim: block.name_claim.clone()?.unwrap_or(default_name),
        client: client?,
        gate_tokens: gate_tokens?,
    })
}

pub(super) fn endpoint(block: &IssuerBlock) -> Option<Endpoint> {
    let url = block.issuer.as_ref()?;
    let authority = block.authority.as_ref()?.as_ref();
    Some(Endpoint {
        cluster: block.cluster.as_ref()?.0.clone(),
        authority: authority.map_or_else(|| url.authority.clone(), |authority| authority.0.clone()),
        scheme: url.scheme,
    })
}

fn key_source(block: &KeysBlock, path: Path<'_>, faults: &mut Faults) -> Option<KeySource> {
    match (block.discovery.as_ref()?, block.jwks_path.as_ref()?) {
        (Some(_), Some(_)) => faults.refuse(path, "must have discovery or jwks_path, not both"),
        (None, Some(path)) => Some(KeySource::Path(path.0.clone())),
        (Some(Discovery::Oauth), None) => Some(KeySource::OauthDiscovery),
        (Some(Discovery::Oidc) | None, None) => Some(KeySource::OpenIdDiscovery),
    }
}

pub(super) fn client(
    block: &ClientBlock,
    path: Path<'_>,
    issuer: Option<&Endpoint>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Client> {
    let authentication = match (block.secret.as_ref(), block.authentication) {
        (Some(SecretPlace::Injected), Some(Some(_))) => faults.refuse(
            path.member("authentication"),
            "must be left out with secret: injected; Envoy's credential injector sends the secret",
        ),
        (Some(SecretPlace::Injected), Some(None)) => Some(ClientAuthentication::Injected),
        (Some(SecretPlace::Environment(variable)), given) => {
            let secret = secret(variable, path.member("secret"), env, faults);
            match given? {
                Some(Authentication::Post) => secret.map(ClientAuthentication::SecretPost),
                Some(Authentication::Basic) | None => secret.map(ClientAuthentication::SecretBasic),
            }
        }
        _ => None,
    };
    let cluster = block.cluster.as_ref()?.as_ref();
    let issuer = issuer?;
    Some(Client {
        id: block.id.as_ref()?.0.clone(),
        authentication: authentication?,
        endpoint: Endpoint {
            cluster: cluster.map_or_else(|| issuer.cluster.clone(), |Cluster(own)| own.clone()),
            ..issuer.clone()
        },
    })
}

/// The secret in this variable: one line. It is never shown, nor is its length.
fn secret(
    variable: &str,
    path: Path<'_>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Secret<String>> {
    let secret = in_variable(variable, path, env, faults)?;
    if secret.expose().contains(char::is_control) {
        return faults.refuse(
            path,
            format!(
                "environment variable {variable} holds a control character, \
                 perhaps the end of a line"
            ),
        );
    }
    Some(secret)
}

/// What this variable holds.
pub(super) fn in_variable(
    variable: &str,
    path: Path<'_>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Secret<String>> {
    let secret = env(variable).filter(|secret| !secret.is_empty());
    if secret.is_none() {
        faults.add(
            path,
            format!(
                "environment variable {variable} is missing or empty; \
                 set it for Envoy and name it in vm_config.environment_variables.host_env_keys"
            ),
        );
    }
    secret.map(Secret::new)
}
