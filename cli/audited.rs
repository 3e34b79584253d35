//! `icegate explain --audit`: what an audit line tells, against the configuration of today.

use icegate::config::{Config, TenantId, WarehouseId, WhoId};
use icegate::iceberg::{Noun, Operation, Part};
use icegate::json::{self, Object, Value};
use icegate::policy::explain::{Speaking, speaking};
use icegate::policy::{Demand, Place};
use icegate::refusal::Reason;
use icegate::text::shown;

use crate::page::Page;
use crate::{Exit, Said, exchange, input, show};

/// Explains a line; `-` is standard input.
pub(crate) fn run(config: &Config, line: &str) -> Result<Said, String> {
    let read;
    let line = match line {
        "-" => {
            let bytes = input::file_or_stdin("-")
                .map_err(|error| format!("--audit: standard input cannot be read: {error}"))?;
            read = String::from_utf8(bytes).map_err(|_| "--audit: the line is not UTF-8")?;
            read.as_str()
        }
        line => line,
    };
    // Envoy writes its own words before the line.
    let start = line
        .find('{')
        .ok_or("--audit: there is no JSON in the line")?;
    let text = line.get(start..).unwrap_or_default().trim_end();
    if text.contains('\n') {
        return Err("--audit: there is more than one line".to_owned());
    }
    let members = json::parse_object(text.as_bytes())
        .map_err(|fault| format!("--audit: the line {fault}"))?;
    let line = Line(members);
    if line.text("decision").is_none() || line.text("operation").is_none() {
        return Err("--audit: the line is none of the gate's audit".to_owned());
    }
    Ok(explain(config, &line))
}

/// The members of a line, as `icegate::audit` writes them.
struct Line(Object);

impl Line {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn shown(&self, name: &str) -> String {
        self.text(name).map_or_else(|| "-".to_owned(), shown)
    }
}

fn explain(config: &Config, line: &Line) -> Said {
    let mut page = Page::default();
    page.line(
        "request",
        format!(
            "at {} (ref {})",
            line.shown("time"),
            line.shown("reference")
        ),
    );
    match line.text("subject") {
        Some(_) => page.line(
            "caller",
            format!(
                "{} (sub {} of {}), a {}{}",
                line.shown("name"),
                line.shown("subject"),
                line.shown("issuer"),
                line.shown("kind"),
                match line.text("proof") {
                    Some("engine_word") => " by the word of an engine",
                    _ => "",
                }
            ),
        ),
        None => page.line("caller", "nobody was recognised"),
    }
    let service = line.text("service");
    let listed = service.and_then(|name| config.services.iter().find(|one| *one.name == *name));
    match (service, listed) {
        (Some(_), Some(service)) => page.line("program", show::service(service)),
        (Some(name), None) => page.line(
            "program",
            format!("services.{} is not in this configuration", shown(name)),
        ),
        (None, _) => {}
    }
    let warehouse = warehouse(config, line);
    if config.tenancy.is_some() {
        page.line("tenant", line.shown("tenant"));
        page.line(
            "warehouse",
            match warehouse {
                Some(id) => show::warehouse(config, id),
                None if line.text("warehouse").is_some() => {
                    "not one of this tenant's in this configuration".to_owned()
                }
                None => "-".to_owned(),
            },
        );
    } else {
        page.line("catalog", line.shown("catalog"));
    }
    page.line("operation", line.shown("operation"));
    let exit = decision(&mut page, line);
    let places = line.0.get("places").and_then(Value::as_array);
    for text in places.into_iter().flatten().filter_map(Value::as_str) {
        demand(&mut page, config, warehouse, listed.is_some(), text);
    }
    let operation = line.text("operation").and_then(Operation::from_name);
    let context = warehouse.and_then(|id| {
        let warehouse = config.warehouse(id)?;
        let by_own = listed.filter(|service| {
            operation.is_some_and(|operation| service.by_own_account.has(operation))
        });
        match by_own {
            Some(service) => {
                let way = (Some(warehouse.tenant), warehouse.catalog);
                service.own_account.get(&way).copied()
            }
            None => {
                let tenant = config.tenant(warehouse.tenant)?;
                tenant.contexts.get(&warehouse.catalog).copied()
            }
        }
    });
    exchange::show(&mut page, config, context);
    Said::answer(page.into_text(), exit)
}

fn decision(page: &mut Page, line: &Line) -> Exit {
    let exit = match line.text("refusal") {
        Some(name) => {
            let reason = Reason::all().find(|reason| reason.name() == name);
            let meaning = reason.map_or("", |reason| reason.meaning().trim());
            let status = line.0.get("status").and_then(Value::as_u64);
            let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
            page.line("refused", format!("{status} {}: {meaning}", shown(name)));
            Exit::Refused
        }
        None => {
            let status = line.0.get("status").and_then(Value::as_u64);
            page.line(
                "forwarded",
                match status {
                    Some(status) => format!("and the client got {status}"),
                    None => "and the client got no answer".to_owned(),
                },
            );
            Exit::Good
        }
    };
    if let Some(name) = line.text("report_only") {
        page.line("report_only", shown(name));
    }
    if let Some(rule) = line.text("rule") {
        page.line(
            "rule",
            format!("{} decided, as they stood then", shown(rule)),
        );
    }
    exit
}

/// The warehouse by its names.
fn warehouse(config: &Config, line: &Line) -> Option<WarehouseId> {
    let (tenant, catalog) = (line.text("tenant")?, line.text("catalog")?);
    let name = line.text("warehouse")?;
    let tenancy = config.tenancy.as_ref()?;
    let tenant = (0_u16..)
        .zip(&tenancy.tenants)
        .find(|(_, one)| *one.name == *tenant)
        .map(|(number, _)| TenantId(number))?;
    (0_u32..)
        .zip(&tenancy.warehouses)
        .find(|(_, one)| {
            let at = config.catalog(one.catalog);
            one.tenant == tenant && *one.name == *name && at.is_some_and(|at| *at.name == *catalog)
        })
        .map(|(number, _)| WarehouseId(number))
}

/// What the grants of today say to `updateTable .sales.orders`. A name with a dot in it is taken for two levels.
/// Of a program only what denies is told: its `may` stands for what would allow it.
fn demand(
    page: &mut Page,
    config: &Config,
    warehouse: Option<WarehouseId>,
    program: bool,
    text: &str,
) {
    let (name, path) = text.split_once(' ').unwrap_or((text, ""));
    page.line("demand", shown(text));
    let operation = Operation::ALL.iter().find(|one| one.name() == name);
    let (Some(operation), Some(warehouse)) = (operation.copied(), warehouse) else {
        return;
    };
    if config.access == icegate::config::Access::CatalogDecides || path == ".(somewhere)" {
        return;
    }
    let mut levels: Vec<String> = path.split('.').skip(1).map(str::to_owned).collect();
    let object = noun(operation).and_then(|noun| Some((noun, levels.pop()?)));
    let demand = Demand {
        operation,
        place: Place {
            levels,
            object,
            ..Place::default()
        },
    };
    let mut speaking = speaking(config, warehouse, &demand);
    if program {
        speaking.retain(|grant| grant.denies);
    } else if speaking.iter().all(|grant| grant.denies) {
        page.line("demand", "  no grant allows it to anybody");
    }
    for Speaking {
        grant,
        denies,
        whos,
    } in speaking
    {
        let whos: Option<Vec<WhoId>> = whos.into_iter().collect();
        let people = match whos {
            Some(whos) => show::whos(config, &whos),
            None => "all of the tenant's people".to_owned(),
        };
        let word = if denies { "denies" } else { "allows" };
        page.line(
            "demand",
            format!("  grants[{grant}] {word} it to: {people}"),
        );
    }
}

/// What an operation is about, if it is an object.
fn noun(operation: Operation) -> Option<Noun> {
    match operation {
        Operation::CreateTable
        | Operation::RegisterTable
        | Operation::RenameTable
        | Operation::CommitTransaction => return Some(Noun::Table),
        Operation::CreateView | Operation::RegisterView | Operation::RenameView => {
            return Some(Noun::View);
        }
        _ => {}
    }
    let places = Operation::PLACES.iter();
    let mut places = places.filter(|place| place.operation == operation);
    places.find_map(|place| {
        place.parts.iter().find_map(|part| match part {
            Part::Object(noun) => Some(*noun),
            _ => None,
        })
    })
}
