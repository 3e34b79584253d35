//! The assertions that the gate signs, its keys, and where it serves their public halves.

use std::rc::Rc;

use super::Environment;
use super::catalogs::CATALOGS;
use super::issuers::ISSUERS;
use super::own_key::signing_key;
use super::surroundings::Surroundings;
use crate::config::fault::{Faults, Path};
use crate::config::file::{AssertionBlock, GateTokensBlock, IssuerBlock};
use crate::config::model::{AssertionRule, OwnKey};
use crate::config::texts::KeyId;

/// Checks those of one issuer by themselves, and builds the rule if nothing is missing. `Some(None)`: there is none.
pub(super) fn check(
    block: &GateTokensBlock,
    issuer: &IssuerBlock,
    path: Path<'_>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Option<AssertionRule>> {
    let Some(block) = block.assertion.as_ref()? else {
        return Some(None);
    };
    let path = path.member("assertion");
    let keys = own_keys(block, path.member("keys"), env, faults);
    let audience: Rc<str> = match block.audience.as_ref()? {
        Some(audience) => audience.0.as_str().into(),
        None => issuer.issuer.as_ref()?.text.clone(),
    };
    let jwks_path = block.jwks_path.as_ref()?.as_ref();
    Some(Some(AssertionRule {
        issuer: block.issuer.as_ref()?.text.clone(),
        audience,
        keys: keys?,
        life: block.life?.0,
        jwks_path: jwks_path.map(|path| path.0.clone()),
    }))
}

/// The gate's own keys. Nothing of what a variable holds is ever shown.
fn own_keys(
    block: &AssertionBlock,
    path: Path<'_>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Vec<OwnKey>> {
    let mut keys = Vec::new();
    let mut ids: Vec<&str> = Vec::new();
    let blocks = &block.keys.as_ref()?.0;
    for (index, block) in blocks.iter().enumerate() {
        let Some(block) = block else { continue };
        let path = Path::Element(&path, index);
        if let Some(KeyId(id)) = &block.id {
            if ids.contains(&&**id) {
                faults.add(
                    path.member("id"),
                    "is also that of another key here; a key is found by it",
                );
            }
            ids.push(id);
        }
        let key = block.key.as_ref();
        let key = key.and_then(|place| signing_key(place, path.member("key"), env, faults));
        if let (Some(key), Some(KeyId(id))) = (key, &block.id) {
            let id = id.clone();
            keys.push(OwnKey { id, key });
        }
    }
    (keys.len() == blocks.len()).then_some(keys)
}

/// What assertions and everything else say about each other.
pub(super) fn against_the_rest(around: &Surroundings<'_>, faults: &mut Faults) {
    let mut served: Vec<(&str, &str)> = Vec::new();
    for (name, block) in around.issuer_blocks() {
        let gate_tokens = block.gate_tokens.iter().flatten().next();
        let assertion = gate_tokens.and_then(|block| block.assertion.as_ref()?.as_ref());
        let Some(assertion) = assertion else { continue };
        let path = ISSUERS.member(name);
        let path = path.member("gate_tokens");
        let path = path.member("assertion");
        for (other, block) in around.issuer_blocks() {
            let url = block.issuer.as_ref();
            if url.is_some() && url == assertion.issuer.as_ref() {
                faults.add(
                    path.member("issuer"),
                    format!(
                        "is also the issuer of {}; what the gate signs is no token of anybody",
                        ISSUERS.member(other)
                    ),
                );
            }
        }
        let Some(Some(jwks_path)) = &assertion.jwks_path else {
            continue;
        };
        let place = path.member("jwks_path");
        match served.iter().find(|(_, path)| *path == &*jwks_path.0) {
            Some((other, _)) => faults.add(
                place,
                format!(
                    "is also that of {}; one key set is served at a path",
                    ISSUERS.member(other)
                ),
            ),
            None => served.push((name, &jwks_path.0)),
        }
        apart_from_catalogs(&jwks_path.0, place, around, faults);
    }
}

/// A path belongs to one catalog or to none.
fn apart_from_catalogs(
    jwks_path: &str,
    place: Path<'_>,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) {
    for (name, block) in around.catalog_blocks() {
        let Some(base) = block.and_then(|block| block.base_path.as_deref()) else {
            continue;
        };
        let under = |base: &str| {
            let rest = jwks_path.strip_prefix(base);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let relation = match base {
            // At the root a catalog has these of all paths.
            "" if !under("/v1") && !under("/polaris") => continue,
            _ if under(base) => "lies under",
            _ if base
                .strip_prefix(jwks_path)
                .is_some_and(|rest| rest.starts_with('/')) =>
            {
                "lies above"
            }
            _ => continue,
        };
        let catalog = CATALOGS.member(name);
        faults.add(
            place,
            format!(
                "{relation} {}; a request could not be told apart",
                catalog.member("base_path")
            ),
        );
    }
}
