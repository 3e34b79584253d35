//! From blocks to the checked configuration: whatever one field says about another.

use std::rc::Rc;

use super::fault::{Faults, Path, nearest};
use super::file::{
    CatalogBlock, ClientBlock, File, IssuerBlock, KeysBlock, LimitsBlock, TokenBlock,
};
use super::model::{
    Catalog, ClaimPath, Client, ClientAuthentication, Config, Endpoint, Issuer, IssuerId,
    KeySource, Limits, Loaded, Profile, TokenRule,
};
use super::values::{Named, Span};
use super::words::{Audience, Authentication, Cluster, Discovery, SecretPlace};
use crate::iceberg::{DEFAULT_SEPARATOR, Kind, Layout, LayoutFault};
use crate::secret::Secret;

const ISSUERS: Path<'static> = Path::Member(&Path::Whole, "issuers");
const CATALOGS: Path<'static> = Path::Member(&Path::Whole, "catalogs");
const LIMITS: Path<'static> = Path::Member(&Path::Whole, "limits");

/// The VM's environment.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Checks everything, and builds the configuration if nothing is missing.
pub(crate) fn config(
    file: File,
    bytes: &[u8],
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Config> {
    let issuers = file.issuers.as_ref().map(|issuers| {
        distinct_issuers(issuers, faults);
        own_clusters(issuers, faults);
        each(issuers, ISSUERS, faults, |name, block, path, faults| {
            issuer(name, block, path, env, faults)
        })
    });
    let catalogs = file.catalogs.as_ref().map(|catalogs| {
        distinct_base_paths(catalogs, faults);
        each(catalogs, CATALOGS, faults, |name, block, path, faults| {
            catalog(name, block, path, file.issuers.as_ref(), faults)
        })
    });
    let limits = file.limits.as_ref().map(|block| limits(block, faults));
    let issuers = issuers??;
    Some(Config {
        generation: generation(bytes, &issuers),
        issuers,
        catalogs: catalogs??,
        access: file.access?,
        limits: limits??,
        _only_load_makes_one: Loaded,
    })
}

/// Checks every entry, and gives them all or nothing.
fn each<B, T>(
    named: &Named<B>,
    path: Path<'_>,
    faults: &mut Faults,
    mut check: impl FnMut(&Rc<str>, &B, Path<'_>, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    let checked: Vec<Option<T>> = named
        .0
        .iter()
        .map(|(name, block)| check(name, block.as_ref()?, path.member(name), faults))
        .collect();
    checked.into_iter().collect()
}

/// A token's `iss` picks the issuer, so that no two may have the same.
fn distinct_issuers(issuers: &Named<IssuerBlock>, faults: &mut Faults) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (name, block) in &issuers.0 {
        let Some(url) = block.as_ref().and_then(|block| block.issuer.as_ref()) else {
            continue;
        };
        match seen.iter().find(|(_, text)| *text == &*url.text) {
            Some((first, _)) => faults.add(
                ISSUERS.member(name).member("issuer"),
                format!("is also the issuer of issuers.{first}; a token could not be told apart"),
            ),
            None => seen.push((name, &url.text)),
        }
    }
}

/// Whatever goes through the cluster of an injected secret carries the gate's credential, so that
/// no other calls may go there.
fn own_clusters(issuers: &Named<IssuerBlock>, faults: &mut Faults) {
    let blocks = || {
        issuers
            .0
            .iter()
            .filter_map(|(name, block)| Some((name, block.as_ref()?)))
    };
    let client =
        |block: &IssuerBlock| Some(block.client.as_ref()?.as_ref()?.cluster.as_ref()?.clone());
    for (name, block) in blocks() {
        let path = ISSUERS.member(name);
        let path = path.member("client");
        let path = path.member("cluster");
        let Some(Some(own)) = &block.client else {
            continue;
        };
        if own.secret != Some(SecretPlace::Injected) {
            continue;
        }
        let Some(Some(cluster)) = &own.cluster else {
            if own.cluster.is_some() {
                faults.add(path, "must be set with secret: injected; a cluster of its own carries the gate's credential and nothing else");
            }
            continue;
        };
        for (other, block) in blocks() {
            if block.cluster.as_ref() == Some(cluster) {
                faults.add(path, format!("is also issuers.{other}.cluster; with secret: injected it must carry nothing but this client's exchanges"));
            }
            if other != name && client(block).flatten().as_ref() == Some(cluster) {
                faults.add(path, format!("is also issuers.{other}.client.cluster; with secret: injected it must carry nothing but this client's exchanges"));
            }
        }
    }
}

/// A path belongs to one catalog.
fn distinct_base_paths(catalogs: &Named<CatalogBlock>, faults: &mut Faults) {
    let paths: Vec<(&Rc<str>, &str)> = catalogs
        .0
        .iter()
        .filter_map(|(name, block)| Some((name, block.as_ref()?.base_path.as_deref()?)))
        .collect();
    for (index, (name, base)) in paths.iter().enumerate() {
        let path = CATALOGS.member(name);
        let path = path.member("base_path");
        for (other_index, (other, other_base)) in paths.iter().enumerate() {
            if index > other_index && base == other_base {
                faults.add(path, format!("is the same as catalogs.{other}.base_path; a request could not be told apart"));
            }
            if base
                .strip_prefix(other_base)
                .is_some_and(|rest| rest.starts_with('/'))
            {
                faults.add(
                    path,
                    format!(
                        "lies under catalogs.{other}.base_path; a request could not be told apart"
                    ),
                );
            }
        }
    }
}

fn issuer(
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
            "must be set with keys.jwks_path, because no metadata tells it then; the client exchanges there",
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
    })
}

fn endpoint(block: &IssuerBlock) -> Option<Endpoint> {
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

fn client(
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

/// The secret in this variable. It is never shown, nor is its length.
fn secret(
    variable: &str,
    path: Path<'_>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Secret<String>> {
    let secret = env(variable).filter(|secret| !secret.is_empty());
    match secret {
        Some(secret) if secret.contains(char::is_control) => faults.refuse(
            path,
            format!("environment variable {variable} holds a control character, perhaps the end of a line"),
        ),
        Some(secret) => Some(Secret::new(secret)),
        None => faults.refuse(
            path,
            format!(
                "environment variable {variable} is missing or empty; \
                 set it for Envoy and name it in vm_config.environment_variables.host_env_keys"
            ),
        ),
    }
}

fn catalog(
    name: &Rc<str>,
    block: &CatalogBlock,
    path: Path<'_>,
    issuers: Option<&Named<IssuerBlock>>,
    faults: &mut Faults,
) -> Option<Catalog> {
    let layout = layout(block, path, faults);
    let token = block
        .token
        .as_ref()
        .and_then(|token| token_rule(token, path.member("token"), issuers, faults));
    Some(Catalog {
        name: name.clone(),
        layout: layout?,
        token: token?,
    })
}

/// How the catalog's paths are read. Each of the two texts has its own faults, so that they are
/// tried apart before they are tried together.
fn layout(block: &CatalogBlock, path: Path<'_>, faults: &mut Faults) -> Option<Layout> {
    let kind = block.kind;
    let mut note =
        |field: &'static str, fault: LayoutFault| faults.add(path.member(field), fault.to_string());
    let lenient = kind.unwrap_or(Kind::Iceberg);
    if let Some(base_path) = &block.base_path
        && let Err(fault) = Layout::new(lenient, base_path, DEFAULT_SEPARATOR)
    {
        note("base_path", fault);
    }
    if let Some(separator) = &block.namespace_separator
        && let Err(fault) = Layout::new(lenient, "", separator)
    {
        note("namespace_separator", fault);
    }
    Layout::new(
        kind?,
        block.base_path.as_ref()?,
        block.namespace_separator.as_ref()?,
    )
    .ok()
}

fn token_rule(
    block: &TokenBlock,
    path: Path<'_>,
    issuers: Option<&Named<IssuerBlock>>,
    faults: &mut Faults,
) -> Option<TokenRule> {
    let from = match (&block.from, issuers) {
        (Some(from), Some(issuers)) => find_issuer(from, issuers, path.member("from"), faults),
        _ => None,
    };
    let own = from.and_then(|(_, issuer)| Some(&issuer?.audiences.as_ref()?.0));
    let mut refuse_own = |audience: &Audience, field: &'static str| {
        if own.is_some_and(|own| own.contains(audience)) {
            faults.add(
                path.member(field),
                "is an audience of the gate itself; a token that was made for the catalog could be replayed at the gate",
            );
        }
    };
    for audience in block.audience.iter().flat_map(|audiences| &audiences.0) {
        refuse_own(audience, "audience");
    }
    if let Some(Some(expected)) = &block.expect_audience {
        refuse_own(expected, "expect_audience");
    }
    let expected = match (
        block.expect_audience.as_ref()?,
        block
            .audience
            .as_ref()
            .map(|audience| audience.0.as_slice()),
    ) {
        (Some(expected), _) => Some(expected),
        (None, Some([only])) => Some(only),
        (None, Some(_)) => faults.refuse(
            path.member("expect_audience"),
            "must be set where audience names several; the minted token is checked for it",
        ),
        (None, None) => None,
    };
    Some(TokenRule {
        from: from?.0,
        audiences: texts(&block.audience.as_ref()?.0),
        expected_audience: expected?.0.clone(),
        resources: block
            .resource
            .as_ref()?
            .iter()
            .flat_map(|resources| &resources.0)
            .map(|resource| resource.0.clone())
            .collect(),
        scope: block.scope.as_ref()?.as_ref().map(|scope| scope.0.clone()),
        requested_token_type: block.requested_token_type.as_ref()?.0.clone(),
        parameters: block
            .parameters
            .as_ref()?
            .as_ref()
            .map(|parameters| parameters.0.clone())
            .unwrap_or_default(),
        life: block.life?.0,
    })
}

/// The issuer of this name, if it has a client.
fn find_issuer<'a>(
    from: &str,
    issuers: &'a Named<IssuerBlock>,
    path: Path<'_>,
    faults: &mut Faults,
) -> Option<(IssuerId, Option<&'a IssuerBlock>)> {
    let found = issuers
        .0
        .iter()
        .zip(0_u16..)
        .find(|((name, _), _)| &**name == from);
    let Some(((_, issuer), index)) = found else {
        let hint = nearest(from, issuers.0.iter().map(|(name, _)| &**name))
            .map(|meant| format!("; did you mean \"{meant}\"?"))
            .unwrap_or_default();
        return faults.refuse(path, format!("names no issuer of this configuration{hint}"));
    };
    if issuer
        .as_ref()
        .is_some_and(|issuer| matches!(issuer.client, Some(None)))
    {
        return faults.refuse(
            path,
            "names an issuer without a client; the gate could not exchange there",
        );
    }
    Some((IssuerId(index), issuer.as_ref()))
}

fn limits(block: &LimitsBlock, faults: &mut Faults) -> Option<Limits> {
    if let (Some(Span(timeout)), Some(Span(deadline))) =
        (block.exchange_timeout, block.request_deadline)
        && timeout >= deadline
    {
        faults.add(
            LIMITS.member("exchange_timeout"),
            "must be shorter than request_deadline; a request would be given up before its exchange",
        );
    }
    if let (Some(Span(refresh)), Some(Span(age))) = (block.key_refresh, block.key_max_age)
        && age < refresh
    {
        faults.add(
            LIMITS.member("key_max_age"),
            "must not be shorter than key_refresh; keys would be given up before they are refreshed",
        );
    }
    Some(Limits {
        cached_callers: block.cached_callers?.0,
        cache_bytes: block.cache_bytes?.0,
        waiters: block.waiters?.0,
        exchanges_in_flight: block.exchanges_in_flight?.0,
        request_deadline: block.request_deadline?.0,
        exchange_timeout: block.exchange_timeout?.0,
        key_refresh: block.key_refresh?.0,
        key_max_age: block.key_max_age?.0,
    })
}

fn texts(audiences: &[Audience]) -> Vec<String> {
    audiences
        .iter()
        .map(|audience| audience.0.clone())
        .collect()
}

/// SHA-256 over the configuration's bytes and the secrets that it names, each after its length.
fn generation(bytes: &[u8], issuers: &[Issuer]) -> [u8; 32] {
    let mut hash = hmac_sha256::Hash::new();
    let mut part = |bytes: &[u8]| {
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    };
    part(bytes);
    for client in issuers.iter().filter_map(|issuer| issuer.client.as_ref()) {
        match &client.authentication {
            ClientAuthentication::SecretBasic(secret)
            | ClientAuthentication::SecretPost(secret) => {
                part(secret.expose().as_bytes());
            }
            ClientAuthentication::Injected => part(b""),
        }
    }
    hash.finalize()
}
