//! `icegate check`: every fault of a file, or what it holds.

use icegate::config::{Access, CatalogId, Config, Prefix};

use crate::args::Check;
use crate::hosting::{self, Findings};
use crate::loaded::{Loaded, Secrets, load_filter};
use crate::page::Page;
use crate::show::list;
use crate::source::{Filter, Source, Unread};
use crate::yaml::Node;
use crate::{Exit, Said};

/// Says everything about a file.
pub(crate) fn run(check: &Check) -> Said {
    let source = match open(&check.file) {
        Ok(source) => source,
        Err(said) => return said,
    };
    let found = source.found();
    if found.filters.is_empty() {
        return Said::complaint(no_filter(found.others));
    }
    let mut page = Page::default();
    let mut exit = Exit::Good;
    for filter in &found.filters {
        let loaded = load_filter(filter, check.secrets);
        let said = hosting::compare(&source, filter, &loaded.secrets);
        if say(&mut page, filter, &loaded, &said, check.secrets) == Exit::Faulty {
            exit = Exit::Faulty;
        }
    }
    if found.others > 0 {
        page.head(format!(
            "note: Wasm filters of other plugins, which were not checked: {}",
            found.others
        ));
    }
    Said::answer(page.into_text(), exit)
}

/// Reads the file, or says why not.
pub(crate) fn open(file: &str) -> Result<Source, Said> {
    Source::read(file).map_err(|unread| match unread {
        Unread::Io(error) => Said::complaint(format!("the file cannot be read: {error}")),
        Unread::Form(what) => Said::answer(format!("{what}\n"), Exit::Faulty),
    })
}

pub(crate) fn no_filter(others: usize) -> String {
    match others {
        0 => "the file holds no configuration of the gate".to_owned(),
        others => format!(
            "the file holds no configuration of the gate, but Wasm filters of other plugins: {others}"
        ),
    }
}

/// The faults of a filter, as lines: those of its configuration as the loader says them, then its surroundings'.
pub(crate) fn faults(filter: &Filter<'_>, loaded: &Loaded, said: &Findings) -> Vec<String> {
    let own = loaded.outcome.as_ref().err();
    let own = own.into_iter().flat_map(|faults| faults.iter());
    let own = own.map(ToString::to_string);
    let place = filter.place();
    own.chain(said.faults.iter().cloned())
        .map(|fault| match place.as_str() {
            "" => fault,
            place => format!("{place}: {fault}"),
        })
        .collect()
}

fn say(
    page: &mut Page,
    filter: &Filter<'_>,
    loaded: &Loaded,
    said: &Findings,
    secrets: Secrets,
) -> Exit {
    let place = filter.place();
    let faults = faults(filter, loaded, said);
    for fault in &faults {
        page.head(fault);
    }
    if faults.is_empty() {
        page.head(match place.as_str() {
            "" => "ok".to_owned(),
            place => format!("{place}: ok"),
        });
    }
    for note in &said.notes {
        page.head(match place.as_str() {
            "" => format!("note: {note}"),
            place => format!("note: {place}: {note}"),
        });
    }
    match &loaded.outcome {
        Ok(config) if faults.is_empty() => {
            summary(page, config, filter.configuration.tree().as_ref());
            page.line("secrets", told(&loaded.secrets, secrets));
            Exit::Good
        }
        _ => Exit::Faulty,
    }
}

fn told(names: &[String], from: Secrets) -> String {
    match (names, from) {
        ([], _) => "none".to_owned(),
        (names, Secrets::Placeholders) => format!(
            "{}: not read, placeholders stand for them (--env reads them)",
            list(names, 8)
        ),
        (names, Secrets::Environment) => format!("{}: read from the environment", list(names, 8)),
    }
}

fn summary(page: &mut Page, config: &Config, written: Option<&Node>) {
    page.line(
        "issuers",
        list(config.issuers.iter().map(|issuer| &*issuer.name), 8),
    );
    let catalogs = config
        .catalogs
        .iter()
        .map(|catalog| format!("{} ({})", catalog.name, catalog.layout.kind().name()));
    page.line("catalogs", list(catalogs, 8));
    match &config.tenancy {
        None => page.line("tenants", "none; every caller may name everything"),
        Some(tenancy) => {
            let names = tenancy.tenants.iter().map(|tenant| &*tenant.name);
            let asked = tenancy.warehouses.iter();
            let asked = asked.filter(|one| one.prefix == Prefix::Asked).count();
            let mut text = format!(
                "{}; warehouses: {}",
                list(names, 8),
                tenancy.warehouses.len()
            );
            if asked > 0 {
                text.push_str(&format!(", of which catalogs tell the prefix: {asked}"));
            }
            page.line("tenants", text);
        }
    }
    let grants = written
        .and_then(|tree| tree.get("grants"))
        .map(Node::elements);
    let grants = grants.unwrap_or_default().len();
    page.line(
        "grants",
        match config.access {
            Access::CatalogDecides => "none; the catalog decides".to_owned(),
            Access::Grants if config.grants_only_reported => {
                format!("{grants}; what they refuse is only reported")
            }
            Access::Grants => grants.to_string(),
        },
    );
    if !config.services.is_empty() {
        let names = config.services.iter().map(|service| &*service.name);
        page.line("services", list(names, 8));
    }
    let answers = |catalog: &u16| config.gate_tokens(CatalogId(*catalog)).is_some();
    let names = (0_u16..)
        .zip(&config.catalogs)
        .filter(|(id, _)| answers(id));
    let names: Vec<&str> = names.map(|(_, catalog)| &*catalog.name).collect();
    if !names.is_empty() {
        let names = list(names, 8);
        page.line(
            "tokens",
            format!("the token endpoint is answered at {names}"),
        );
    }
    page.line(
        "contexts",
        format!("{} (ways to get a token)", config.contexts.len()),
    );
    page.line(
        "bodies",
        match config.holds_bodies {
            true => "held where a rule depends on them; the catalog's answers are looked through",
            false => "not held; the catalog's answers are not looked through",
        },
    );
}
