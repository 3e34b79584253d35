//! From blocks to the checked configuration: whatever one field says about another.

mod catalogs;
mod issuers;

use std::rc::Rc;

use super::fault::{Faults, Path};
use super::file::{File, LimitsBlock};
use super::model::{ClientAuthentication, Config, Issuer, Limits, Loaded};
use super::span::Span;
use super::texts::Audience;
use super::values::Named;

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
        issuers::distinct(issuers, faults);
        issuers::own_clusters(issuers, faults);
        each(
            issuers,
            issuers::ISSUERS,
            faults,
            |name, block, path, faults| issuers::check(name, block, path, env, faults),
        )
    });
    let catalogs = file.catalogs.as_ref().map(|catalogs| {
        catalogs::distinct_base_paths(catalogs, faults);
        each(
            catalogs,
            catalogs::CATALOGS,
            faults,
            |name, block, path, faults| {
                catalogs::check(name, block, path, file.issuers.as_ref(), faults)
            },
        )
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
