//! The catalogs, and how their tokens are got.

use std::rc::Rc;

use super::texts;
use crate::config::fault::{Faults, Path, nearest};
use crate::config::file::{CatalogBlock, IssuerBlock, TokenBlock};
use crate::config::model::{Catalog, IssuerId, TokenRule};
use crate::config::texts::Audience;
use crate::config::values::Named;
use crate::iceberg::{DEFAULT_SEPARATOR, Kind, Layout, LayoutFault};

/// Where they stand.
pub(super) const CATALOGS: Path<'static> = Path::Member(&Path::Whole, "catalogs");

/// A path belongs to one catalog.
pub(super) fn distinct_base_paths(catalogs: &Named<CatalogBlock>, faults: &mut Faults) {
    let paths: Vec<(&Rc<str>, &str)> = catalogs
        .0
        .iter()
        .filter_map(|(name, block)| Some((name, block.as_ref()?.base_path.as_deref()?)))
        .collect();
    for (index, (name, base)) in paths.iter().enumerate() {
        for (other_index, (other, other_base)) in paths.iter().enumerate() {
            let under = base
                .strip_prefix(other_base)
                .is_some_and(|rest| rest.starts_with('/'));
            let relation = match () {
                () if under => "lies under",
                () if base == other_base && index > other_index => "is the same as",
                () => continue,
            };
            let other = CATALOGS.member(other);
            let other = other.member("base_path");
            faults.add(
                CATALOGS.member(name).member("base_path"),
                format!("{relation} {other}; a request could not be told apart"),
            );
        }
    }
}

/// Checks one, and builds it if nothing is missing.
pub(super) fn check(
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
                "is an audience of the gate itself; \
                 a token that was made for the catalog could be replayed at the gate",
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
            .map(|meant| format!("; did you mean {}?", Path::Whole.member(meant)))
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
