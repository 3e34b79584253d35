//! What is nearest to a request that is refused: the grants, the tenants, and whom they are for.

use icegate::broker::explain::{End, Found};
use icegate::config::{Config, ContextId, Pattern, TenantId};
use icegate::policy::Demand;
use icegate::policy::explain::{Explanation, How, Near, Word};
use icegate::refusal::Reason;

use crate::page::Page;
use crate::reasons::told;
use crate::show::{self, MOST};

/// What would have to be different.
pub(crate) fn show(page: &mut Page, config: &Config, found: &Found) {
    let (End::Refused(refusal), Some(policy)) = (&found.end, &found.policy) else {
        return;
    };
    match refusal.reason {
        Reason::CallerDenied => {
            let caller = found.caller.as_ref().map(|unproven| unproven.caller());
            let whos = caller.map(|caller| caller.whos()).unwrap_or_default();
            for who in whos.iter().filter(|who| config.denied.contains(who)) {
                page.line(
                    "nearest",
                    format!("denied holds: {}", show::who(config, *who)),
                );
            }
        }
        Reason::TenantNone | Reason::OutsideBorder => tenants(page, config, policy, found),
        Reason::IssuerNotServed => {
            let from = policy
                .context
                .or(found.catalog.map(|id| ContextId(id.0.into())));
            let from = from
                .and_then(|id| config.context(id))
                .map(|one| one.token.from);
            let from = from.and_then(|id| config.issuers.get(usize::from(id.0)));
            let from = from.map_or("-", |issuer| &issuer.name);
            page.line(
                "nearest",
                format!("its tokens are got at issuer {from} (token.from)"),
            );
        }
        Reason::LocationOutside => {
            let tenant = policy
                .named
                .and_then(|id| config.tenant(config.warehouse(id)?.tenant));
            let locations = tenant.and_then(|tenant| tenant.locations.as_deref());
            let locations = locations.into_iter().flatten().map(ToString::to_string);
            let locations = show::list(locations, MOST);
            page.line("nearest", format!("the tenant's locations: {locations}"));
        }
        reason if Reason::REPORTED.contains(&reason) => grants(page, config, policy, found),
        _ => {}
    }
}

/// Who could go there.
fn tenants(page: &mut Page, config: &Config, policy: &Explanation, found: &Found) {
    let owner = policy.named.and_then(|id| config.warehouse(id));
    let tenants = config.tenancy.iter().flat_map(|one| &one.tenants);
    let fitting = tenants.zip(0_u16..).filter(|(tenant, number)| match owner {
        Some(warehouse) => warehouse.tenant == TenantId(*number),
        None => {
            policy.tenants.is_empty()
                && found
                    .catalog
                    .is_some_and(|id| tenant.contexts.contains_key(&id))
        }
    });
    let mut fitting = fitting.map(|(tenant, _)| tenant);
    for tenant in fitting.by_ref().take(MOST) {
        page.line(
            "nearest",
            format!(
                "tenant {} takes: {}",
                tenant.name,
                show::whos(config, &tenant.who)
            ),
        );
    }
    match fitting.count() {
        0 => {}
        more => page.line("nearest", format!("and {more} tenants more")),
    }
}

fn grants(page: &mut Page, config: &Config, policy: &Explanation, found: &Found) {
    let name = found
        .caller
        .as_ref()
        .map_or("-", |one| one.caller().log_name());
    for reasoned in &policy.demands {
        let demand = &reasoned.demand;
        match reasoned.word {
            Word::Denied(grant) => page.line(
                "nearest",
                format!(
                    "grants[{grant}] denies {}: deny wins over every may",
                    told(demand)
                ),
            ),
            Word::Missing if reasoned.near.is_empty() => page.line(
                "nearest",
                format!("no grant of the tenant comes near to {}", told(demand)),
            ),
            Word::Missing => {
                for near in reasoned.near.iter().take(MOST) {
                    page.line("nearest", near_text(config, name, demand, near));
                }
            }
            Word::CatalogDecides
            | Word::NeedsNone
            | Word::Granted(_)
            | Word::ByProgram
            | Word::NotOfProgram => {}
        }
    }
}

fn near_text(config: &Config, name: &str, demand: &Demand, near: &Near) -> String {
    let grant = near.grant;
    match &near.how {
        How::OtherPeople(whos) => format!(
            "grants[{grant}] would allow {} to others, one needs: {}",
            told(demand),
            show::whos(config, whos)
        ),
        How::Elsewhere(places) => {
            let pattern = |pattern: &Option<std::rc::Rc<Pattern>>| pattern.as_deref().cloned();
            let places = places
                .iter()
                .map(|(id, one)| show::place(config, *id, pattern(one).as_ref()));
            format!(
                "grants[{grant}] allows {name} {}, but at: {}",
                demand.operation.name(),
                show::list(places, MOST)
            )
        }
        How::OtherOperations(operations) => format!(
            "grants[{grant}] holds for {name} there, but allows: {}",
            show::operations(*operations)
        ),
    }
}
