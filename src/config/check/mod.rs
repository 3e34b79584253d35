//! From blocks to the checked configuration: whatever one field says about another.

mod assertion;
mod catalogs;
mod clusters;
mod gate_tokens;
mod grants;
mod issuers;
mod known;
mod own_account;
mod own_key;
mod reach;
mod services;
mod speaks_for;
mod surroundings;
mod tenants;
mod tokens;
mod who;

use std::rc::Rc;

use super::fault::{Faults, Path};
use super::file::{File, LimitsBlock, WhoBlock};
use super::model::{
    Access, Audit, CatalogId, ClientAuthentication, Config, Context, Grant, Issuer, Limits, Loaded,
    Tenancy, ViewOwner, Warehouse, WhoId,
};
use super::node::{Field, Node};
use super::span::Span;
use super::texts::Audience;
use super::tree::{Object, Tree};
use super::values::Named;
use crate::iceberg::Kind;

use surroundings::Surroundings;
use who::Implied;

const LIMITS: Path<'static> = Path::Member(&Path::Whole, "limits");

/// The VM's environment.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Checks everything, and builds the configuration if nothing is missing.
pub(crate) fn config(
    file: File,
    root: &Object<'_>,
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
    let limits = file.limits.as_ref().and_then(|block| limits(block, faults));
    let (Some(issuers), Some(catalogs)) = (issuers, catalogs) else {
        return None;
    };
    let mut around = Surroundings::new(&file, &catalogs, env);
    let list = |name: &str| match root.get(name) {
        Some(Tree::List(values)) => &**values,
        _ => &[],
    };
    let mut border = tenants::check(&mut around, faults);
    if let Some(border) = &mut border
        && matches!(file.grants, Some(Some(_)))
    {
        border.tenancy.rules = grants::check(list("grants"), border, &mut around, faults);
    }
    grants::access(&around, faults);
    let denied = match file.denied {
        Some(Some(_)) => denied(list("denied"), &mut around, faults),
        _ => Box::default(),
    };
    let programs = gate_tokens::programs(&mut around);
    let services = services::check(border.as_ref(), &mut around, faults);
    clusters::check(&around, faults);
    gate_tokens::against_the_rest(&around, faults);
    let tenancy = border.map(|border| border.tenancy);
    let holds_bodies = file.allow_on_headers_stop_iteration?;
    if !holds_bodies {
        must_hold_bodies(&around, tenancy.as_ref(), faults);
    }
    let Surroundings { contexts, whos, .. } = around;
    let (catalogs, tokens) = whole(catalogs)?.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
    let of_catalogs = tokens
        .into_iter()
        .zip(0_u16..)
        .map(|(token, number)| Context {
            catalog: CatalogId(number),
            tenant: None,
            token,
            client: None,
            grant: Grant::Exchange,
        });
    let contexts: Vec<Context> = of_catalogs.chain(contexts).collect();
    let issuers = whole(issuers)?;
    let report_only = file.report_only.as_ref()?;
    let audit = file.audit.as_ref()?;
    let mut catalog_audiences: Vec<String> = contexts
        .iter()
        .flat_map(|context| {
            let token = &context.token;
            token.audiences.iter().chain([&token.expected_audience])
        })
        .cloned()
        .collect();
    catalog_audiences.sort_unstable();
    catalog_audiences.dedup();
    Some(Config {
        generation: generation(bytes, &issuers, &contexts),
        issuers,
        catalogs,
        contexts,
        access: file.access?,
        tenancy,
        whos,
        programs,
        services,
        catalog_audiences: catalog_audiences.into(),
        denied,
        grants_only_reported: report_only.grants?,
        delegation: file.delegation?,
        holds_bodies,
        audit: Audit {
            lines: audit.lines?,
            filter_state: audit.filter_state?,
        },
        limits: limits?,
        _only_load_makes_one: Loaded,
    })
}

/// The persons who are refused whatever else holds, sorted.
fn denied(blocks: &[Tree<'_>], around: &mut Surroundings<'_>, faults: &mut Faults) -> Box<[WhoId]> {
    const DENIED: Path<'static> = Path::Member(&Path::Whole, "denied");
    let mut denied = Vec::new();
    for (index, value) in blocks.iter().enumerate() {
        let path = Path::Element(&DENIED, index);
        if let Some(block) = WhoBlock::read(Node { path, value }, faults) {
            around.who(&block, path, Implied::None, &mut denied, faults);
        }
    }
    denied.sort_unstable();
    denied.dedup();
    denied.into()
}

/// What depends on a request's body does not load where Envoy would send it on before it is read.
fn must_hold_bodies(around: &Surroundings<'_>, tenancy: Option<&Tenancy>, faults: &mut Faults) {
    let nessie = |warehouse: &Warehouse| {
        let catalog = around.catalog(warehouse.catalog);
        catalog.is_some_and(|(catalog, _)| catalog.layout.kind() == Kind::Nessie)
    };
    let located = |tenancy: &Tenancy| {
        let mut tenants = tenancy.tenants.iter();
        tenants.any(|tenant| tenant.locations.is_some())
    };
    let mut blocks = around.issuer_blocks();
    let mut catalogs = around.catalogs.iter().flatten();
    let why = if tenancy.is_some() && around.file.access == Some(Access::Grants) {
        "access: grants cannot be held"
    } else if tenancy.is_some_and(located) {
        "locations of tenants cannot be held"
    } else if tenancy.is_some_and(|tenancy| tenancy.warehouses.iter().any(nessie)) {
        "tenants at a catalog of kind nessie, where a name in a body can lead to another reference, cannot be held"
    } else if catalogs.any(|(catalog, _)| catalog.view_owner == ViewOwner::Caller) {
        "view_owner: caller of a catalog cannot be held"
    } else if blocks.any(|(_, block)| matches!(block.gate_tokens, Some(Some(_)))) {
        "the token endpoint (gate_tokens of an issuer) cannot be answered"
    } else {
        return;
    };
    faults.add(
        Path::Whole.member("allow_on_headers_stop_iteration"),
        format!(
            "must be true, here and beside vm_config in Envoy's configuration of the filter; {why} without reading \
             requests' bodies"
        ),
    );
}

/// Checks every entry; `None` where one is faulty.
fn each<B, T>(
    named: &Named<B>,
    path: Path<'_>,
    faults: &mut Faults,
    mut check: impl FnMut(&Rc<str>, &B, Path<'_>, &mut Faults) -> Option<T>,
) -> Vec<Option<T>> {
    named
        .0
        .iter()
        .map(|(name, block)| check(name, block.as_ref()?, path.member(name), faults))
        .collect()
}

/// All or nothing.
fn whole<T>(checked: Vec<Option<T>>) -> Option<Vec<T>> {
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
        request_body: block.request_body?.0,
        guarded_answer: block.guarded_answer?.0,
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

/// SHA-256 over the configuration's bytes and the secrets that it names (of keys the public half), each after its length.
fn generation(bytes: &[u8], issuers: &[Issuer], contexts: &[Context]) -> [u8; 32] {
    let mut hash = hmac_sha256::Hash::new();
    let mut part = |bytes: &[u8]| {
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    };
    part(bytes);
    let gate_tokens = || {
        issuers
            .iter()
            .filter_map(|issuer| issuer.gate_tokens.as_ref())
    };
    let of_issuers = issuers.iter().filter_map(|issuer| issuer.client.as_ref());
    let of_gate_tokens = gate_tokens().filter_map(|gate_tokens| gate_tokens.client.as_ref());
    let of_contexts = contexts
        .iter()
        .filter_map(|context| context.client.as_ref());
    for client in of_issuers.chain(of_gate_tokens).chain(of_contexts) {
        match &client.authentication {
            ClientAuthentication::SecretBasic(secret)
            | ClientAuthentication::SecretPost(secret) => {
                part(secret.expose().as_bytes());
            }
            ClientAuthentication::PrivateKeyJwt { key, .. } => {
                // The public half tells which key it is.
                part(key.key.public_jwk(&key.id).as_bytes());
            }
            ClientAuthentication::TlsClientAuth | ClientAuthentication::Injected => part(b""),
        }
    }
    let assertions = gate_tokens().filter_map(|gate_tokens| gate_tokens.assertion.as_ref());
    for own in assertions.flat_map(|assertion| &assertion.keys) {
        // The public half tells which key it is.
        part(own.key.public_jwk(&own.id).as_bytes());
    }
    hash.finalize()
}
