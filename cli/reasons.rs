//! What was found out about a request, line by line.

use icegate::broker::explain::{End, Found};
use icegate::config::{Config, TenantId, WarehouseId, WhoId};
use icegate::identity::{Caller, Proof, Standing};
use icegate::policy::explain::{Explanation, Word};
use icegate::policy::{Demand, Handed};
use icegate::refusal::{Asked, Refusal};
use icegate::text::shown;

use crate::args::RequestLine;
use crate::page::Page;
use crate::show::{self, MOST};
use crate::subject::Subject;

/// Stands in an answer where Envoy's request id would.
const REFERENCE: &str = "x-request-id";

/// Who it is, and which of the configuration's conditions hold.
pub(crate) fn caller(page: &mut Page, config: &Config, subject: &Subject, found: &Found) {
    let Some(unproven) = &found.caller else {
        return;
    };
    let caller = unproven.caller();
    let issuer = config.issuers.get(usize::from(caller.issuer().0));
    let kind = match caller.proof() {
        Proof::OwnToken => "a person",
        Proof::EngineWord => "a person by the word of an engine",
        Proof::Program => "a program",
    };
    page.line(
        "caller",
        format!(
            "{} (sub {} of {}), {kind}, if the token is genuine",
            caller.log_name(),
            shown(caller.subject()),
            issuer.map_or("-", |issuer| &issuer.name),
        ),
    );
    if let Some(program) = program(config, caller) {
        page.line("program", program);
    }
    if let Some(fault) = unproven.out_of_time() {
        let told = fault.describe(config);
        page.line(
            "time",
            format!("{told}; what follows is for the time when it is good"),
        );
    }
    if !subject.assumed.is_empty() {
        let assumed = subject.assumed.join(" and ");
        page.line(
            "assumed",
            format!("{assumed}: as they must be, they are not in the claims"),
        );
    }
    for who in caller.whos() {
        let tenants = found
            .policy
            .as_ref()
            .map(|policy| policy.tenants.as_slice());
        let uses = uses(config, tenants.unwrap_or_default(), *who);
        page.line("holds", format!("{}: {uses}", show::who(config, *who)));
    }
    let missing = found
        .policy
        .iter()
        .flat_map(|policy| &policy.missing_claims);
    for (claim, overage) in missing {
        let why = match overage {
            true => "the token leaves it out, there is too much in it (overage)",
            false => "not in the token",
        };
        page.line("missing", format!("{}: {why}", show::claim(claim)));
    }
}

/// How a program is listed, and what it may.
fn program(config: &Config, caller: &Caller) -> Option<String> {
    match caller.standing() {
        Standing::Person => None,
        Standing::Program => Some("not listed under services: refused everywhere".to_owned()),
        Standing::Service(id) => config.service(id).map(show::service),
    }
}

/// What a condition is for within these tenants: `tenant acme, grants[0], grants[2]`.
fn uses(config: &Config, tenants: &[TenantId], who: WhoId) -> String {
    let mut uses = Vec::new();
    if config.denied.contains(&who) {
        uses.push("denied".to_owned());
    }
    let services = config.services.iter().filter(|one| one.who.contains(&who));
    uses.extend(services.map(|service| format!("services.{}", service.name)));
    if let Some(tenancy) = &config.tenancy {
        let entered = tenancy.members.get(&who).into_iter().flatten();
        uses.extend(entered.map(|id| format!("tenant {}", show::tenant(config, *id))));
        let mut grants: Vec<u32> = tenants
            .iter()
            .flat_map(|tenant| tenancy.rules.of_tenant(*tenant))
            .filter(|(key, _)| key.who == Some(who))
            .map(|(_, rule)| rule.grant)
            .collect();
        grants.sort_unstable();
        grants.dedup();
        uses.extend(grants.into_iter().map(|grant| format!("grants[{grant}]")));
    }
    match uses.is_empty() {
        true => "of no use within the caller's tenants".to_owned(),
        false => show::list(uses, MOST),
    }
}

/// Where the request leads: tenant, warehouse, operation.
pub(crate) fn place(page: &mut Page, config: &Config, found: &Found) {
    if let (Some(policy), Some(_)) = (&found.policy, &config.tenancy) {
        let names = policy.tenants.iter().map(|id| show::tenant(config, *id));
        page.line("tenant", show::list(names, MOST));
        page.line("warehouse", warehouse(config, policy, found));
    } else if let Some(catalog) = found.catalog.and_then(|id| config.catalog(id)) {
        page.line("catalog", &*catalog.name);
    }
    if let Some(operation) = found.operation {
        let class = operation.class().name();
        page.line("operation", format!("{} ({class})", operation.name()));
    }
}

fn warehouse(config: &Config, policy: &Explanation, found: &Found) -> String {
    let Some(id) = policy.named else {
        let reached = |(number, warehouse): (u32, &icegate::config::Warehouse)| {
            let own = policy.tenants.contains(&warehouse.tenant);
            let here = Some(warehouse.catalog) == found.catalog;
            (own && here).then(|| show::warehouse(config, WarehouseId(number)))
        };
        let all = config.tenancy.iter().flat_map(|one| &one.warehouses);
        let own = (0_u32..).zip(all).filter_map(reached);
        let own = show::list(own, MOST);
        return format!("none of that name is written in any reach; within the caller's: {own}");
    };
    let name = show::warehouse(config, id);
    let tenant = config.warehouse(id).map(|warehouse| warehouse.tenant);
    match tenant.filter(|tenant| !policy.tenants.contains(tenant)) {
        None => name,
        Some(other) => format!("{name}, which is tenant {}'s", show::tenant(config, other)),
    }
}

/// `updateTable .sales.orders`.
pub(crate) fn told(demand: &Demand) -> String {
    let operation = demand.operation.name();
    match demand.place.path().as_str() {
        "" => format!("{operation} (the root)"),
        path => format!("{operation} {path}"),
    }
}

/// Every demand with the grants' word.
pub(crate) fn demands(page: &mut Page, found: &Found) {
    for reasoned in found.policy.iter().flat_map(|policy| &policy.demands) {
        let demand = &reasoned.demand;
        let word = match reasoned.word {
            Word::CatalogDecides => "the catalog decides".to_owned(),
            Word::NeedsNone => "needs no grant".to_owned(),
            Word::Granted(grant) => format!("grants[{grant}] allows it"),
            Word::Denied(grant) => format!("grants[{grant}] denies it"),
            Word::ByProgram => "the program's may has it".to_owned(),
            Word::NotOfProgram => "the program's may does not have it".to_owned(),
            Word::Missing => "no grant".to_owned(),
        };
        page.line("demand", format!("{}: {word}", told(demand)));
    }
}

/// How it ends, as the client would see it.
pub(crate) fn end(page: &mut Page, config: &Config, request: &RequestLine, found: &Found) {
    match &found.end {
        End::Forwarded => {
            page.line("forwarded", "with a token that the exchange below gives");
            let permit = found
                .policy
                .as_ref()
                .and_then(|policy| match &policy.decision {
                    Ok(icegate::policy::Decision::Yes(permit)) => Some(permit),
                    _ => None,
                });
            let Some(permit) = permit else { return };
            if let Some(refusal) = &permit.findings().reported {
                page.line(
                    "report_only",
                    format!("{}: {}", refusal.reason.name(), refusal.sentence),
                );
            }
            handed(page, permit.delegation());
        }
        End::Refused(refusal) => answer(page, request, refusal),
        End::NeedsBody => page.line(
            "undecided",
            "the gate reads the body of such a request; give it with --body",
        ),
        End::NeedsPrefix(id) => page.line(
            "undecided",
            format!(
                "the gate asks the catalog for the prefix of {}; give it with --prefix",
                show::warehouse(config, *id)
            ),
        ),
    }
}

fn handed(page: &mut Page, handed: Handed) {
    match handed.header {
        Some(Some(words)) => page.line(
            "delegation",
            format!("X-Iceberg-Access-Delegation becomes {words}"),
        ),
        Some(None) => page.line("delegation", "X-Iceberg-Access-Delegation is taken off"),
        None => {}
    }
    let withheld = match (handed.withhold_credentials, handed.withhold_signing) {
        (true, true) => "credentials and signers",
        (true, false) => "credentials",
        (false, true) => "signers",
        (false, false) => return,
    };
    page.line(
        "delegation",
        format!("{withheld} for the storage are taken out of the answer"),
    );
}

fn answer(page: &mut Page, request: &RequestLine, refusal: &Refusal) {
    let head = request.method == "HEAD";
    let reply = refusal.reply(&Asked {
        token_endpoint: false,
        safe: head || request.method == "GET",
        head,
        reference: REFERENCE,
        jitter: 0,
    });
    page.line("refused", format!("{} {}", reply.status, reply.details));
    for (name, value) in &reply.headers {
        if !matches!(*name, "content-type" | "cache-control" | "pragma") {
            page.line("answer", format!("{name}: {value}"));
        }
    }
    page.line(
        "answer",
        match reply.body.as_slice() {
            [] => format!("(HEAD has no body) {}", refusal.sentence).into(),
            body => String::from_utf8_lossy(body),
        },
    );
}
