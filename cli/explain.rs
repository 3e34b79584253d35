//! `icegate explain`: what the gate would decide on a request, and why.

use std::time::{SystemTime, UNIX_EPOCH};

use icegate::broker::explain::{End, Found, Question, explain};
use icegate::clock::UnixTime;
use icegate::config::{CatalogId, Config, WarehouseId};
use icegate::iceberg::read_prefix;
use icegate::policy::{Prefixes, Told};
use icegate::wire::{Authorization, RequestHead};

use crate::args::{Caller, Explain, RequestLine};
use crate::audited;
use crate::check::{faults, no_filter, open};
use crate::hosting::Findings;
use crate::input;
use crate::loaded::load_filter;
use crate::page::Page;
use crate::source::Filter;
use crate::subject::{Subject, of_claims, of_token};
use crate::{Exit, Said, exchange, nearest, reasons};

/// Answers for all requests.
pub(crate) fn run(args: &Explain) -> Said {
    let source = match open(&args.file) {
        Ok(source) => source,
        Err(said) => return said,
    };
    let found = source.found();
    let filter = match pick(&found.filters, args.filter.as_deref()) {
        Ok(Some(filter)) => filter,
        Ok(None) => return Said::complaint(no_filter(found.others)),
        Err(complaint) => return Said::complaint(complaint),
    };
    let loaded = load_filter(filter, args.secrets);
    let config = match &loaded.outcome {
        Ok(config) => config,
        Err(_) => {
            let mut page = Page::default();
            for fault in faults(filter, &loaded, &Findings::default()) {
                page.head(fault);
            }
            return Said::answer(page.into_text(), Exit::Faulty);
        }
    };
    answer(args, config).unwrap_or_else(Said::complaint)
}

/// The filter that is meant.
fn pick<'f, 'a>(
    filters: &'f [Filter<'a>],
    text: Option<&str>,
) -> Result<Option<&'f Filter<'a>>, String> {
    let fits = |filter: &&Filter<'_>| text.is_none_or(|text| filter.place().contains(text));
    let mut fitting = filters.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(Some(one)),
        (None, _) if filters.is_empty() => Ok(None),
        (first, _) => {
            let what = match first {
                Some(_) => "several filters are meant; choose one with --filter",
                None => "no filter's place holds the text of --filter",
            };
            let places: Vec<String> = filters.iter().map(Filter::place).collect();
            Err(format!("{what}:\n  {}", places.join("\n  ")))
        }
    }
}

fn answer(args: &Explain, config: &Config) -> Result<Said, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = UnixTime::from_epoch(now.unwrap_or_default());
    let subject = match &args.caller {
        Caller::Audit(line) => return audited::run(config, line),
        Caller::Claims(file) => of_claims(file, config, now)?,
        Caller::Token(file) => of_token(file)?,
    };
    let prefixes = Given::read(config, &args.prefixes)?;
    let body = match &args.body {
        Some(file) => {
            let body = input::file_or_stdin(file);
            Some(body.map_err(|error| format!("the body cannot be read: {error}"))?)
        }
        None => None,
    };
    let mut page = Page::default();
    let (mut refused, mut undecided) = (false, false);
    for (request, number) in args.requests.iter().zip(0..) {
        if number > 0 {
            page.head("");
        }
        let found = explain(
            config,
            &Question {
                head: head(request, args, &subject)?,
                body: body.as_deref(),
                prefixes: &prefixes,
                now,
            },
        );
        match found.end {
            End::Forwarded => {}
            End::Refused(_) => refused = true,
            End::NeedsBody | End::NeedsPrefix(_) => undecided = true,
        }
        show(&mut page, config, request, &subject, &found);
    }
    let exit = match (undecided, refused) {
        (true, _) => Exit::Unanswered,
        (false, true) => Exit::Refused,
        (false, false) => Exit::Good,
    };
    Ok(Said::answer(page.into_text(), exit))
}

/// The request as Envoy would hand it over.
fn head<'a>(
    request: &'a RequestLine,
    args: &'a Explain,
    subject: &'a Subject,
) -> Result<RequestHead<'a>, String> {
    let headers = &args.headers;
    if headers.iter().any(|(name, _)| name == "authorization") {
        return Err("--header: the token is named by --token".to_owned());
    }
    let own = [(":method", &request.method), (":path", &request.path)];
    let own = own.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let given = headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let mut head = RequestHead::read(own.into_iter().chain(given));
    head.authorization = Authorization::One(subject.authorization.expose().as_bytes());
    head.peer = args.peer.as_deref().map(str::as_bytes);
    Ok(head)
}

/// What an operator says that catalogs tell.
struct Given<'a> {
    config: &'a Config,
    prefixes: Vec<(WarehouseId, String)>,
}

impl<'a> Given<'a> {
    fn read(config: &'a Config, pairs: &[(String, String)]) -> Result<Self, String> {
        let warehouses = config
            .tenancy
            .iter()
            .flat_map(|tenancy| &tenancy.warehouses);
        let warehouses: Vec<_> = warehouses.zip(0_u32..).collect();
        let mut prefixes = Vec::new();
        for (name, prefix) in pairs {
            let mut named = warehouses.iter().filter(|(one, _)| *one.name == **name);
            let (Some((one, number)), None) = (named.next(), named.next()) else {
                return Err(
                    "--prefix: the configuration has no warehouse of that name, or several"
                        .to_owned(),
                );
            };
            let catalog = config.catalog(one.catalog).ok_or("--prefix: no catalog")?;
            let prefix = read_prefix(prefix, &catalog.layout)
                .map_err(|fault| format!("--prefix: no path can have it: {}", fault.describe()))?;
            prefixes.push((WarehouseId(*number), prefix));
        }
        Ok(Self { config, prefixes })
    }
}

impl Prefixes for Given<'_> {
    fn find(&self, catalog: CatalogId, prefix: &str) -> Told {
        let here = |id: WarehouseId| {
            let warehouse = self.config.warehouse(id);
            warehouse.is_some_and(|warehouse| warehouse.catalog == catalog)
        };
        let mut told = self.prefixes.iter();
        let mut told = told
            .by_ref()
            .filter(|(id, told)| told == prefix && here(*id));
        match (told.next(), told.next()) {
            (Some((id, _)), None) => Told::Is(*id),
            (Some(_), Some(_)) => Told::Shared,
            (None, _) => Told::Nothing,
        }
    }

    fn must_ask(&self, warehouse: WarehouseId) -> bool {
        !self.prefixes.iter().any(|(id, _)| *id == warehouse)
    }
}

fn show(page: &mut Page, config: &Config, request: &RequestLine, subject: &Subject, found: &Found) {
    // A query may hold what is not to be seen.
    let path = request.path.split('?').next().unwrap_or_default();
    page.line(
        "request",
        format!("{} {}", request.method, icegate::text::shown(path)),
    );
    reasons::caller(page, config, subject, found);
    reasons::place(page, config, found);
    reasons::demands(page, found);
    reasons::end(page, config, request, found);
    nearest::show(page, config, found);
    exchange::show(
        page,
        config,
        found.policy.as_ref().and_then(|policy| policy.context),
    );
}
