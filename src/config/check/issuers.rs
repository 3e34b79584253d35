//! The identity providers, and the gate's clients at them.

use std::rc::Rc;

use super::own_key::signing_key;
use super::{Environment, gate_tokens, texts};
use crate::config::fault::{Faults, Path};
use crate::config::file::{ClientBlock, IssuerBlock, KeysBlock};
use crate::config::model::{
    ClaimPath, Client, ClientAuthentication, Endpoint, Issuer, KeySource, OwnKey, Profile,
};
use crate::config::parts::SecretPlace;
use crate::config::texts::Cluster;
use crate::config::values::Named;
use crate::config::words::Discovery;
use crate::dialect::{ClientMethod, SubjectTokenType};
use crate::oauth::TOKEN_TYPE_ACCESS_TOKEN;
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

/// What makes a client's cluster carry the gate's credential, if anything does.
pub(super) fn credential_in_cluster(client: &ClientBlock) -> Option<&'static str> {
    match (&client.secret, client.authentication) {
        (Some(Some(SecretPlace::Injected)), _) => Some("secret: injected"),
        (_, Some(Some(ClientMethod::TlsClientAuth))) => Some("authentication: tls_client_auth"),
        _ => None,
    }
}

/// Whatever goes through the cluster of an injected secret, or of a client's certificate, carries the gate's credential,
/// so that no other calls may go there.
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
        let Some(how) = credential_in_cluster(client) else {
            continue;
        };
        let path = ISSUERS.member(name);
        let path = path.member("client");
        let path = path.member("cluster");
        let own = match &client.cluster {
            Some(Some(cluster)) => cluster,
            Some(None) => {
                faults.add(
                    path,
                    format!(
                        "must be set with {how}; \
                         a cluster of its own carries the gate's credential and nothing else"
                    ),
                );
                continue;
            }
            None => continue,
        };
        let mut refuse = |other: Path<'_>| {
            let message = format!(
                "is also {other}; \
                 with {how} it must carry nothing but this client's exchanges"
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
    let tokens = &profile.dialect().tokens;
    if let Some(url) = &block.issuer
        && let Some((end, why)) = tokens.issuer_ends
        && !url.text.ends_with(end)
    {
        faults.add(
            path.member("issuer"),
            format!(
                "must end in {end} with profile {}; {why}",
                profile.dialect().name
            ),
        );
    }
    if let Some(Some(client)) = &block.client {
        fits(client, profile, path.member("client"), faults);
    }
    let or = |given: Option<ClaimPath>, default: &str| given.unwrap_or_else(|| default.into());
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
        subject_claim: or(block.subject_claim.clone()?, tokens.subject_claim),
        name_claim: or(block.name_claim.clone()?, tokens.name_claim),
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

/// Whether a client proves itself as servers of this profile take it.
pub(super) fn fits(block: &ClientBlock, profile: Profile, path: Path<'_>, faults: &mut Faults) {
    let dialect = profile.dialect();
    if let Some(Some(method)) = block.authentication
        && !dialect.client.methods.contains(&method)
    {
        let taken: Vec<&str> = dialect
            .client
            .methods
            .iter()
            .map(|one| one.name())
            .collect();
        faults.add(
            path.member("authentication"),
            format!(
                "is not possible with profile {}; {} takes {} from the gate",
                dialect.name,
                dialect.title,
                taken.join(", ")
            ),
        );
    }
    let Some(Some(kind)) = &block.subject_token_type else {
        return;
    };
    let path = path.member("subject_token_type");
    match dialect.exchange.subject_token_type {
        SubjectTokenType::None | SubjectTokenType::AccessToken => faults.add(
            path,
            format!(
                "must be left out with profile {}; {} takes access tokens alone",
                dialect.name, dialect.title
            ),
        ),
        SubjectTokenType::Configurable { reserved } => {
            let begins = |start: &&str| kind.0.starts_with(*start);
            if &*kind.0 != TOKEN_TYPE_ACCESS_TOKEN
                && let Some(start) = reserved.iter().copied().find(|start| begins(start))
            {
                faults.add(
                    path,
                    format!(
                        "must not begin with {start} with profile {}; {} keeps that for itself, but for \
                         {TOKEN_TYPE_ACCESS_TOKEN}",
                        dialect.name, dialect.title
                    ),
                );
            }
        }
    }
}

/// Checks a client by itself, and builds it if nothing is missing. Whether it fits its issuer's profile: [`fits`].
pub(super) fn client(
    block: &ClientBlock,
    path: Path<'_>,
    issuer: Option<&Endpoint>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Client> {
    let authentication = authentication(block, path, env, faults);
    let cluster = block.cluster.as_ref()?.as_ref();
    let subject_token_type = block.subject_token_type.as_ref()?.as_ref();
    let issuer = issuer?;
    Some(Client {
        id: block.id.as_ref()?.0.clone(),
        authentication: authentication?,
        subject_token_type: subject_token_type.map(|kind| kind.0.clone()),
        endpoint: Endpoint {
            cluster: cluster.map_or_else(|| issuer.cluster.clone(), |Cluster(own)| own.clone()),
            ..issuer.clone()
        },
    })
}

fn authentication(
    block: &ClientBlock,
    path: Path<'_>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<ClientAuthentication> {
    let given = block.authentication?;
    let method = given.unwrap_or(ClientMethod::SecretBasic);
    let by_key = method == ClientMethod::PrivateKeyJwt;
    let idle = [
        ("key", matches!(block.key, Some(Some(_)))),
        ("key_id", matches!(block.key_id, Some(Some(_)))),
        (
            "assertion_audience",
            matches!(block.assertion_audience, Some(Some(_))),
        ),
    ];
    for (field, _) in idle.into_iter().filter(|(_, set)| *set && !by_key) {
        faults.add(
            path.member(field),
            "says nothing without authentication: private_key_jwt, which signs with a key",
        );
    }
    let by_secret = matches!(method, ClientMethod::SecretBasic | ClientMethod::SecretPost);
    if !by_secret && matches!(block.secret, Some(Some(_))) {
        faults.add(
            path.member("secret"),
            format!(
                "must be left out with authentication: {}; the gate proves itself otherwise",
                method.name()
            ),
        );
    }
    match method {
        ClientMethod::SecretBasic | ClientMethod::SecretPost => match block.secret.as_ref()? {
            None => faults.refuse(
                path.member("secret"),
                "must be set; the gate must prove who it is; secret: {env: NAME} or secret: injected",
            ),
            Some(SecretPlace::Injected) if given.is_some() => faults.refuse(
                path.member("authentication"),
                "must be left out with secret: injected; Envoy's credential injector sends the secret",
            ),
            Some(SecretPlace::Injected) => Some(ClientAuthentication::Injected),
            Some(SecretPlace::Environment(variable)) => {
                let secret = secret(variable, path.member("secret"), env, faults)?;
                Some(match method {
                    ClientMethod::SecretPost => ClientAuthentication::SecretPost(secret),
                    _ => ClientAuthentication::SecretBasic(secret),
                })
            }
        },
        ClientMethod::PrivateKeyJwt => {
            let (key, id) = (block.key.as_ref()?, block.key_id.as_ref()?);
            let lacks = |field| format!("must be set with authentication: private_key_jwt; {field}");
            if key.is_none() {
                faults.add(path.member("key"), lacks("the gate signs with it; key: {env: NAME}"));
            }
            if id.is_none() {
                faults.add(path.member("key_id"), lacks("the identity provider finds the key by it"));
            }
            let key = signing_key(key.as_ref()?, path.member("key"), env, faults)?;
            let id = id.as_ref()?.0.clone();
            let key = OwnKey { id, key };
            let audience = block.assertion_audience.as_ref()?.as_ref();
            let audience = audience.map(|audience| audience.0.as_str().into());
            Some(ClientAuthentication::PrivateKeyJwt { key, audience })
        }
        ClientMethod::TlsClientAuth => Some(ClientAuthentication::TlsClientAuth),
    }
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
