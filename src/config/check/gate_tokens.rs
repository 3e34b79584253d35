//! How gate tokens are got, and what they must not be.

use super::issuers::{self, ISSUERS};
use super::surroundings::Surroundings;
use super::{Environment, assertion, texts};
use crate::config::fault::{Faults, Path};
use crate::config::file::{GateTokensBlock, IssuerBlock};
use crate::config::model::{
    CatalogId, Client, Endpoint, GateTokens, IssuerId, Profile, TokenRule, WhoId,
};
use crate::config::texts::{Audience, Cluster};
use crate::dialect::Parameter;

/// Checks those of one issuer by themselves, and builds them if nothing is missing. `Some(None)`: there are none.
pub(super) fn check(
    issuer: &IssuerBlock,
    path: Path<'_>,
    endpoint: Option<&Endpoint>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Option<GateTokens>> {
    let Some(block) = issuer.gate_tokens.as_ref()? else {
        return Some(None);
    };
    let path = path.member("gate_tokens");
    if let Some(profile) = issuer.profile {
        fits(block, profile, path, faults);
    }
    let client = client(block, path, endpoint, env, faults);
    let assertion = assertion::check(block, issuer, path, env, faults);
    if let (Some(life), Some(session)) = (block.life, block.session)
        && session.0 < life.0
    {
        faults.add(
            path.member("session"),
            "must not be shorter than life; a session has at least one token",
        );
    }
    let cluster = block.cluster.as_ref()?.as_ref();
    let endpoint = endpoint?;
    let resources = block.resource.as_ref()?.iter().flat_map(|many| &many.0);
    Some(Some(GateTokens {
        client: client?,
        audiences: audiences(block).map(texts).unwrap_or_default(),
        resources: resources.map(|resource| resource.0.clone()).collect(),
        scopes: block.scopes.as_ref()?.0.clone(),
        login: Endpoint {
            cluster: cluster.map_or_else(|| endpoint.cluster.clone(), |Cluster(own)| own.clone()),
            ..endpoint.clone()
        },
        remember: block.remember?.0,
        life: block.life?.0,
        session: block.session?.0,
        delegation: block.delegation?,
        assertion: assertion?,
    }))
}

/// Whether the gate's client and what it asks for are what servers of this profile take. What is asked for goes by
/// exchange, and without `audience` a server gives what the client has.
fn fits(block: &GateTokensBlock, profile: Profile, path: Path<'_>, faults: &mut Faults) {
    let delegation = block.delegation == Some(true);
    if let (true, Err(why)) = (delegation, profile.dialect().exchange.actor_token) {
        let name = profile.dialect().name;
        faults.add(
            path.member("delegation"),
            format!("must be left out with profile {name}; {why}"),
        );
    }
    let Some(Some(client)) = &block.client else {
        if delegation && block.client.is_some() {
            faults.add(
                path.member("delegation"),
                "needs gate_tokens.client, which exchanges persons' tokens",
            );
        }
        return;
    };
    issuers::fits(client, profile, path.member("client"), faults);
    let targets = &profile.dialect().exchange.targets;
    let asked = [
        (
            "audience",
            targets.audience,
            matches!(block.audience, Some(Some(_))),
        ),
        (
            "resource",
            targets.resource,
            matches!(block.resource, Some(Some(_))),
        ),
    ];
    for (field, parameter, given) in asked {
        if let (Parameter::Never(why), true) = (parameter, given) {
            faults.add(path.member(field), format!("must be left out; {why}"));
        }
    }
    let mut scopes = block.scopes.iter().flat_map(|scopes| &scopes.0);
    if let Parameter::Required(why) = targets.scope
        && scopes.any(|(_, asked)| asked.is_empty())
    {
        faults.add(
            path.member("scopes"),
            format!("must name a scope in the place of each; {why}"),
        );
    }
}

fn audiences(block: &GateTokensBlock) -> Option<&[Audience]> {
    Some(&block.audience.as_ref()?.as_ref()?.0)
}

fn client(
    block: &GateTokensBlock,
    path: Path<'_>,
    endpoint: Option<&Endpoint>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Option<Client>> {
    let Some(client) = block.client.as_ref()? else {
        return Some(None);
    };
    issuers::client(client, path.member("client"), endpoint, env, faults).map(Some)
}

/// The marks of programs' tokens, sorted.
pub(super) fn programs(around: &mut Surroundings<'_>) -> Box<[WhoId]> {
    let file = around.file;
    let mut found = Vec::new();
    let issuers = file.issuers.iter().flat_map(|issuers| &issuers.0);
    for ((_, block), number) in issuers.zip(0_u16..) {
        let marks = block
            .iter()
            .filter_map(|block| block.programs.as_ref()?.as_ref());
        for mark in marks.flat_map(|marks| marks.0.iter().flatten()) {
            let (Some(claim), Some(has)) = (&mark.claim, &mark.has) else {
                continue;
            };
            let values = has.0.iter();
            found.extend(values.map(|value| around.whos.add(IssuerId(number), claim, &value.0)));
        }
    }
    found.sort_unstable();
    found.dedup();
    found.into()
}

/// What gate tokens and everything else say about each other.
pub(super) fn against_the_rest(around: &Surroundings<'_>, faults: &mut Faults) {
    let issuers = around.file.issuers.iter().flat_map(|issuers| &issuers.0);
    for ((name, block), number) in issuers.zip(0_u16..) {
        let Some(block) = block else { continue };
        let Some(Some(gate_tokens)) = &block.gate_tokens else {
            continue;
        };
        let issuer = Issuer {
            id: IssuerId(number),
            block,
            gate_tokens,
            path: ISSUERS.member(name),
            around,
        };
        issuer.answers_somewhere(faults);
        issuer.no_catalog_s_audience(faults);
        issuer.another_client(faults);
    }
    assertion::against_the_rest(around, faults);
}

/// An issuer with gate tokens, where it stands.
struct Issuer<'a> {
    id: IssuerId,
    block: &'a IssuerBlock,
    gate_tokens: &'a GateTokensBlock,
    path: Path<'a>,
    around: &'a Surroundings<'a>,
}

impl Issuer<'_> {
    /// The ways to tokens for catalogs, as far as they are without faults.
    fn tokens(&self) -> impl Iterator<Item = (CatalogId, &TokenRule)> {
        let catalogs = self.around.catalogs.iter().zip(0_u16..);
        let of_catalogs = catalogs.filter_map(|(catalog, number)| {
            let (_, token) = catalog.as_ref()?;
            Some((CatalogId(number), token))
        });
        let others = self.around.contexts.iter();
        of_catalogs.chain(others.map(|context| (context.catalog, &context.token)))
    }

    fn answers_somewhere(&self, faults: &mut Faults) {
        let mut catalogs = self.around.catalogs.iter();
        let answers = catalogs.any(|catalog| match catalog {
            Some((_, token)) => token.from == self.id,
            None => true,
        });
        if !answers {
            faults.add(
                self.path.member("gate_tokens"),
                "would never be used; the token endpoint of a catalog gives tokens of its token.from, and no catalog has \
                 this issuer there",
            );
        }
    }

    fn no_catalog_s_audience(&self, faults: &mut Faults) {
        let has = |token: &TokenRule, audience: &Audience| {
            token.expected_audience == audience.0 || token.audiences.contains(&audience.0)
        };
        let asked = audiences(self.gate_tokens).unwrap_or_default();
        let ours = self.block.audiences.as_ref().map(|audiences| &*audiences.0);
        // The same at this issuer has been reported at the catalog.
        let mut others = self.tokens().filter(|(_, token)| token.at != self.id);
        if let Some((catalog, _)) = self
            .tokens()
            .find(|(_, token)| asked.iter().any(|audience| has(token, audience)))
        {
            let path = self.path.member("gate_tokens");
            faults.add(
                path.member("audience"),
                format!(
                    "is an audience of {}; an engine must never hold a token that a catalog takes",
                    self.around.catalog_path(catalog)
                ),
            );
        }
        let ours = ours.unwrap_or_default();
        if let Some((catalog, _)) =
            others.find(|(_, token)| ours.iter().any(|audience| has(token, audience)))
        {
            faults.add(
                self.path.member("audiences"),
                format!(
                    "holds an audience of {}; with gate_tokens, an engine would hold a token that a catalog takes",
                    self.around.catalog_path(catalog)
                ),
            );
        }
    }

    /// Tokens of a client that exchanges for catalogs are refused at the gate.
    fn another_client(&self, faults: &mut Faults) {
        let Some(Some(own)) = &self.gate_tokens.client else {
            return;
        };
        let Some(id) = &own.id else { return };
        let exchanges = self.block.client.as_ref().and_then(Option::as_ref);
        let other = if exchanges.and_then(|client| client.id.as_ref()) == Some(id) {
            Some(self.path.member("client").to_string())
        } else {
            let mut contexts = self.around.contexts.iter();
            let same = contexts.find(|context| {
                let client = context.client.as_ref();
                context.token.at == self.id && client.is_some_and(|client| client.id == id.0)
            });
            same.map(|context| match context.tenant {
                Some(tenant) => format!("a client of {}", self.around.tenant_path(tenant)),
                None => "a client of services".to_owned(),
            })
        };
        if let Some(other) = other {
            let path = self.path.member("gate_tokens");
            let path = path.member("client");
            faults.add(
                path.member("id"),
                format!(
                    "is also {other}, which gets tokens for catalogs; tokens of that client are refused at the gate, so \
                     gate tokens need another one"
                ),
            );
        }
    }
}
