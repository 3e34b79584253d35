//! The catalogs, and how their tokens are got.

use std::rc::Rc;

use super::texts;
use crate::config::fault::{Faults, Path};
use crate::config::file::{CatalogBlock, IssuerBlock, TenantTokenBlock, TokenBlock};
use crate::config::model::{Catalog, Endpoint, IssuerId, Scheme, TokenRule};
use crate::config::parts::Parameters;
use crate::config::texts::{Audience, RequestedType, Resource};
use crate::config::values::{Named, OneOrMore};
use crate::dialect::{Exchange, Parameter, Targets};
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

/// Checks one, and builds it with the way to its tokens if nothing is missing.
pub(super) fn check(
    name: &Rc<str>,
    block: &CatalogBlock,
    path: Path<'_>,
    issuers: Option<&Named<IssuerBlock>>,
    faults: &mut Faults,
) -> Option<(Catalog, TokenRule)> {
    let layout = layout(block, path, faults);
    let token = block
        .token
        .as_ref()
        .and_then(|token| token_rule(token, path.member("token"), issuers, faults));
    only_nessie(block, path, faults);
    let endpoint = endpoint(block, path, issuers, faults);
    let never_as = block.never_as.as_ref()?.as_ref().map(|never| {
        let values = never.r#in.as_ref()?.0.iter();
        let values = values.map(|value| value.0.as_ref().to_owned()).collect();
        Some((never.claim.clone()?, values))
    });
    let layout = layout?;
    let ignore_case = block.names_ignore_case?;
    let catalog = Catalog {
        name: name.clone(),
        public_url: block.public_url.as_ref()?.as_ref().map(|url| url.0.clone()),
        endpoint: endpoint?,
        table_references: block.table_references?,
        names_ignore_case: ignore_case.unwrap_or(layout.kind() == Kind::Lakekeeper),
        default_branch: match block.default_branch.as_ref()? {
            Some(branch) => branch.0.clone(),
            None => "main".into(),
        },
        view_owner: block.view_owner?,
        layout,
    };
    let token = TokenRule {
        never_as: match never_as {
            Some(never_as) => Some(never_as?),
            None => None,
        },
        ..token?
    };
    Some((catalog, token))
}

/// What only Nessie has.
fn only_nessie(block: &CatalogBlock, path: Path<'_>, faults: &mut Faults) {
    if block.kind.is_none_or(|kind| kind == Kind::Nessie) {
        return;
    }
    let message = "is for catalogs of kind nessie; no other has references";
    if matches!(block.default_branch, Some(Some(_))) {
        faults.add(path.member("default_branch"), message);
    }
    if block.table_references == Some(true) {
        faults.add(path.member("table_references"), message);
    }
}

/// Where the catalog is asked. Through a cluster that adds the gate's own credential it would see that.
fn endpoint(
    block: &CatalogBlock,
    path: Path<'_>,
    issuers: Option<&Named<IssuerBlock>>,
    faults: &mut Faults,
) -> Option<Option<Endpoint>> {
    let (cluster, authority) = (block.cluster.as_ref()?, block.authority.as_ref()?);
    let Some(cluster) = cluster else {
        if authority.is_some() {
            faults.add(
                path.member("authority"),
                "says nothing without cluster, by which the catalog is asked",
            );
        }
        return Some(None);
    };
    let taken = issuers.into_iter().flat_map(|issuers| &issuers.0);
    for (issuer, other) in taken.filter_map(|(name, block)| Some((name, block.as_ref()?))) {
        let client = other.client.as_ref().and_then(Option::as_ref);
        let own = client.and_then(|client| client.cluster.as_ref()?.as_ref());
        if other.cluster.as_ref() == Some(cluster) || own == Some(cluster) {
            faults.add(
                path.member("cluster"),
                format!(
                    "is a cluster of {} too; the catalog must get no call and no credential that is meant for the \
                     identity provider",
                    super::issuers::ISSUERS.member(issuer)
                ),
            );
        }
    }
    Some(Some(Endpoint {
        cluster: cluster.0.clone(),
        authority: authority
            .as_ref()
            .map_or_else(|| cluster.0.clone(), |authority| authority.0.clone()),
        scheme: Scheme::Http,
    }))
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
    let at = block.at.as_ref().and_then(Option::as_ref);
    let from = match (&block.from, issuers) {
        (Some(from), Some(issuers)) => {
            let found = find(from, issuers, path.member("from"), faults);
            match (at, found) {
                (None, Some((_, issuer))) => {
                    has_client(issuer, path.member("from"), faults).and(found)
                }
                _ => found,
            }
        }
        _ => None,
    };
    let at = match (at, issuers) {
        (None, _) => from,
        (Some(at), Some(issuers)) => find_issuer(at, issuers, path.member("at"), faults),
        (Some(_), None) => None,
    };
    let own = at.and_then(|(_, issuer)| issuer);
    let audience = block.audience.as_ref().and_then(Option::as_ref);
    not_our_own(audience, block.expect_audience.as_ref(), own, path, faults);
    let exchange = own.and_then(|issuer| Some(&issuer.profile?.dialect().exchange));
    let given = Given {
        audience: block.audience.as_ref().map(Option::is_some),
        resource: block.resource.as_ref().map(Option::is_some),
        scope: block.scope.as_ref().map(Option::is_some),
    };
    if let Some(exchange) = exchange {
        fits(&exchange.targets, given, path, faults);
        free(exchange, block.parameters.as_ref(), path, faults);
    }
    if let (Some((from, _)), Some((at, Some(block)))) = (from, at)
        && from != at
        && let Some(profile) = block.profile
        && let Err(why) = profile.dialect().exchange.others_tokens
    {
        let name = profile.dialect().name;
        let message = format!("must be left out with profile {name}; {why}");
        faults.add(path.member("at"), message);
    }
    let asked = block.requested_token_type.as_ref();
    let never = exchange.and_then(|exchange| match exchange.requested_token_type {
        Parameter::Never(why) => Some(why),
        Parameter::Optional | Parameter::Required(_) => None,
    });
    if let (Some(why), Some(asked)) = (never, asked)
        && asked
            .0
            .as_deref()
            .is_some_and(|kind| kind != RequestedType::ACCESS_TOKEN)
    {
        faults.add(
            path.member("requested_token_type"),
            format!("must be left out; {why}"),
        );
    }
    let expected = match (
        block.expect_audience.as_ref()?,
        audience.map(|audience| audience.0.as_slice()),
    ) {
        (Some(expected), _) => Some(expected),
        (None, Some([only])) => Some(only),
        (None, Some(_)) => faults.refuse(
            path.member("expect_audience"),
            "must be set where audience names several; the minted token is checked for it",
        ),
        (None, None) => exchange
            .filter(|exchange| !exchange.targets.audience.is_sent())
            .and_then(|_| {
                faults.refuse(
                    path.member("expect_audience"),
                    "must be set where no audience is sent; the minted token is checked for it",
                )
            }),
    };
    Some(TokenRule {
        from: from?.0,
        at: at?.0,
        audiences: audience.map(|many| texts(&many.0)).unwrap_or_default(),
        expected_audience: expected?.0.clone(),
        resources: resources(block.resource.as_ref()?.as_ref()),
        scope: block.scope.as_ref()?.as_ref().map(|scope| scope.0.clone()),
        requested_token_type: asked?.0.clone().filter(|_| never.is_none()),
        parameters: parameters(block.parameters.as_ref()?.as_ref()),
        life: block.life?.0,
        never_as: None,
    })
}

/// Which of the parameters that say for what a token is asked are there; `None`: that one is faulty.
#[derive(Clone, Copy)]
pub(super) struct Given {
    pub(super) audience: Option<bool>,
    pub(super) resource: Option<bool>,
    pub(super) scope: Option<bool>,
}

/// Whether a server takes what it is asked for.
pub(super) fn fits(targets: &Targets, given: Given, path: Path<'_>, faults: &mut Faults) {
    for (field, parameter, given) in [
        ("audience", targets.audience, given.audience),
        ("resource", targets.resource, given.resource),
        ("scope", targets.scope, given.scope),
    ] {
        match (parameter, given) {
            (Parameter::Required(why), Some(false)) => {
                faults.add(path.member(field), format!("must be set; {why}"));
            }
            (Parameter::Never(why), Some(true)) => {
                faults.add(path.member(field), format!("must be left out; {why}"));
            }
            _ => {}
        }
    }
}

/// No further parameter is one that the exchange has anyway.
fn free(
    exchange: &Exchange,
    parameters: Option<&Option<Parameters>>,
    path: Path<'_>,
    faults: &mut Faults,
) {
    let written = parameters.and_then(Option::as_ref);
    for (name, _) in written.into_iter().flat_map(|parameters| &parameters.0) {
        if exchange.words.fixed.iter().any(|(fixed, _)| fixed == name) {
            faults.add(
                path.member("parameters").member(name),
                "is reserved: the gate sends it itself",
            );
        }
    }
}

/// The catalog's rule with what a tenant has otherwise.
pub(super) fn tenant_rule(
    base: &TokenRule,
    block: &TenantTokenBlock,
    path: Path<'_>,
    issuers: Option<&Named<IssuerBlock>>,
    faults: &mut Faults,
) -> Option<TokenRule> {
    // The second is the issuer where the tokens are exchanged.
    let (from, at) = match (block.from.as_ref()?, issuers) {
        (Some(from), Some(issuers)) => {
            let own_client = matches!(block.client, Some(Some(_)));
            let found = find(from, issuers, path.member("from"), faults)?;
            if !own_client {
                has_client(found.1, path.member("from"), faults)?;
            }
            (found.0, found)
        }
        (None, Some(issuers)) => {
            let (_, issuer) = issuers.0.get(usize::from(base.at.0))?;
            (base.from, (base.at, issuer.as_ref()))
        }
        (_, None) => return None,
    };
    let (audience, expected) = (
        block.audience.as_ref()?.as_ref(),
        block.expect_audience.as_ref()?,
    );
    not_our_own(audience, block.expect_audience.as_ref(), at.1, path, faults);
    let gate = at.1.and_then(|issuer| issuer.audiences.as_ref());
    let ours =
        |audience: &String| gate.is_some_and(|gate| gate.0.iter().any(|own| own.0 == *audience));
    if at.0 != base.at && audience.is_none() && base.audiences.iter().any(ours) {
        faults.add(
            path.member("audience"),
            "must be set; what the catalog has here is an audience of the gate itself at this issuer, and a token that \
             was made for the catalog could be replayed at the gate",
        );
    }
    let expected = match (expected, audience.map(|audience| audience.0.as_slice())) {
        (Some(expected), _) => expected.0.clone(),
        (None, Some([only])) => only.0.clone(),
        (None, Some(_)) => {
            return faults.refuse(
                path.member("expect_audience"),
                "must be set where audience names several; the minted token is checked for it",
            );
        }
        (None, None) => base.expected_audience.clone(),
    };
    let mut rule = TokenRule {
        from,
        at: at.0,
        expected_audience: expected,
        ..base.clone()
    };
    let exchange =
        at.1.and_then(|issuer| Some(&issuer.profile?.dialect().exchange));
    if let Some(exchange) = exchange {
        // What the catalog has, for its own issuer, is not sent to another that does not take it.
        if !exchange.targets.audience.is_sent() {
            rule.audiences.clear();
        }
        if !exchange.targets.resource.is_sent() {
            rule.resources.clear();
        }
        if !exchange.requested_token_type.is_sent() {
            rule.requested_token_type = None;
        }
    }
    if let Some(audience) = audience {
        rule.audiences = texts(&audience.0);
    }
    if let Some(own) = block.resource.as_ref()? {
        rule.resources = resources(Some(own));
    }
    if let Some(scope) = block.scope.as_ref()? {
        rule.scope = Some(scope.0.clone());
    }
    if let Some(own) = block.parameters.as_ref()? {
        rule.parameters = parameters(Some(own));
    }
    if let Some(life) = block.life? {
        rule.life = life.0;
    }
    if let Some(exchange) = exchange {
        let given = Given {
            audience: Some(!rule.audiences.is_empty()),
            resource: Some(!rule.resources.is_empty()),
            scope: Some(rule.scope.is_some()),
        };
        fits(&exchange.targets, given, path, faults);
        free(exchange, block.parameters.as_ref(), path, faults);
    }
    Some(rule)
}

/// Why no audience of the gate is asked for.
pub(super) const OUR_OWN: &str = "is an audience of the gate itself; a token that was made for the catalog could be replayed at the gate";

/// A token that was made for the catalog must be worth nothing at the gate.
fn not_our_own(
    audience: Option<&OneOrMore<Audience>>,
    expected: Option<&Option<Audience>>,
    issuer: Option<&IssuerBlock>,
    path: Path<'_>,
    faults: &mut Faults,
) {
    let own = issuer.and_then(|issuer| Some(&issuer.audiences.as_ref()?.0));
    let mut refuse_own = |audience: &Audience, field: &'static str| {
        if own.is_some_and(|own| own.contains(audience)) {
            faults.add(path.member(field), OUR_OWN);
        }
    };
    for audience in audience.iter().flat_map(|audiences| &audiences.0) {
        refuse_own(audience, "audience");
    }
    if let Some(Some(expected)) = expected {
        refuse_own(expected, "expect_audience");
    }
}

fn resources(resources: Option<&OneOrMore<Resource>>) -> Vec<String> {
    let resources = resources.into_iter().flat_map(|resources| &resources.0);
    resources.map(|resource| resource.0.clone()).collect()
}

fn parameters(parameters: Option<&Parameters>) -> Vec<(String, String)> {
    parameters
        .map(|parameters| parameters.0.clone())
        .unwrap_or_default()
}

/// The issuer of this name, if it has a client.
fn find_issuer<'a>(
    from: &str,
    issuers: &'a Named<IssuerBlock>,
    path: Path<'_>,
    faults: &mut Faults,
) -> Option<(IssuerId, Option<&'a IssuerBlock>)> {
    let found = find(from, issuers, path, faults)?;
    has_client(found.1, path, faults)?;
    Some(found)
}

/// The issuer of this name.
fn find<'a>(
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
        let known = &mut issuers.0.iter().map(|(name, _)| &**name);
        faults.nobodys(path, "names no issuer of this configuration", from, known);
        return None;
    };
    Some((IssuerId(index), issuer.as_ref()))
}

fn has_client(issuer: Option<&IssuerBlock>, path: Path<'_>, faults: &mut Faults) -> Option<()> {
    if issuer.is_some_and(|issuer| matches!(issuer.client, Some(None))) {
        return faults.refuse(
            path,
            "names an issuer without a client; the gate could not exchange there",
        );
    }
    Some(())
}
