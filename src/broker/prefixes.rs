//! Prefixes that catalogs tell: asked for once, with the token of whoever needs one, and kept for a while.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::parked::{Parked, Turn, Wait};
use super::{Broker, CallId, Level, Purpose, StreamId};
use crate::cache::SubjectToken;
use crate::clock::{Instant, Now};
use crate::config::{CatalogId, Config, ContextId, WarehouseId};
use crate::exchange::Minted;
use crate::guard;
use crate::iceberg::read_prefix;
use crate::limits;
use crate::policy::{Prefixes, Told};
use crate::refusal::{Reason, Refusal};
use crate::secret::Secret;
use crate::wire::{CallAnswer, HttpCall};

/// What catalogs told, and what they are being asked.
#[derive(Debug, Default)]
pub(super) struct PrefixBook {
    known: BTreeMap<WarehouseId, Entry>,
    told: BTreeMap<(CatalogId, String), Vec<WarehouseId>>,
    /// To whom a catalog refused to tell, oldest first.
    refused: VecDeque<Refused>,
    /// Nothing is too old before.
    next: Option<Instant>,
}

/// A catalog did not tell this caller a warehouse's prefix a moment ago.
#[derive(Debug)]
struct Refused {
    warehouse: WarehouseId,
    token: SubjectToken,
    until: Instant,
}

#[derive(Debug)]
enum Entry {
    /// A call is under way, with the token that was minted in this context for whoever asked first.
    Asking {
        call: CallId,
        asker: SubjectToken,
        context: ContextId,
    },
    /// It is this, or there is none.
    Told {
        prefix: Option<(CatalogId, String)>,
        until: Instant,
    },
    /// The catalog did not answer.
    Resting(Instant),
}

impl PrefixBook {
    /// Forgets what is too old.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.next.is_none_or(|next| next > now) {
            return;
        }
        while self.refused.front().is_some_and(|one| one.until <= now) {
            self.refused.pop_front();
        }
        let told = &mut self.told;
        self.known.retain(|warehouse, entry| match entry {
            Entry::Asking { .. } => true,
            Entry::Resting(until) => *until > now,
            Entry::Told { until, .. } if *until > now => true,
            Entry::Told { prefix, .. } => {
                if let Some(prefix) = prefix {
                    forget(told, prefix, *warehouse);
                }
                false
            }
        });
        let ends = self.known.values().filter_map(|entry| match entry {
            Entry::Asking { .. } => None,
            Entry::Resting(until) | Entry::Told { until, .. } => Some(*until),
        });
        self.next = ends.chain(self.refused.front().map(|one| one.until)).min();
    }

    /// When the next of what is known is too old.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.next
    }

    fn ends(&mut self, until: Instant) {
        self.next = Some(self.next.map_or(until, |next| next.min(until)));
    }

    /// The call by which a warehouse's prefix is being asked for.
    pub(super) fn asking(&self, warehouse: WarehouseId) -> Option<CallId> {
        match self.known.get(&warehouse) {
            Some(Entry::Asking { call, .. }) => Some(*call),
            _ => None,
        }
    }

    /// The book as a request with this token sees it.
    pub(super) fn seen<'a>(&'a self, token: &'a str) -> Seen<'a> {
        Seen { book: self, token }
    }

    /// How long the catalog is left alone.
    fn rest(&self, warehouse: WarehouseId) -> Option<Instant> {
        match self.known.get(&warehouse) {
            Some(Entry::Resting(until)) => Some(*until),
            _ => None,
        }
    }

    fn learn(
        &mut self,
        warehouse: WarehouseId,
        prefix: Option<(CatalogId, String)>,
        until: Instant,
    ) {
        if let Some(prefix) = &prefix {
            self.told.entry(prefix.clone()).or_default().push(warehouse);
        }
        self.known.insert(warehouse, Entry::Told { prefix, until });
        self.ends(until);
    }

    fn rest_until(&mut self, warehouse: WarehouseId, until: Instant) {
        self.known.insert(warehouse, Entry::Resting(until));
        self.ends(until);
    }

    fn refuse(&mut self, warehouse: WarehouseId, token: SubjectToken, until: Instant) {
        if self.refused.len() >= limits::PREFIX_REFUSALS {
            self.refused.pop_front();
        }
        self.refused.push_back(Refused {
            warehouse,
            token,
            until,
        });
        self.ends(until);
    }

    fn refused_to(&self, warehouse: WarehouseId, token: &str) -> bool {
        let hit = |one: &Refused| one.warehouse == warehouse && one.token.expose() == token;
        self.refused.iter().any(hit)
    }
}

fn forget(
    told: &mut BTreeMap<(CatalogId, String), Vec<WarehouseId>>,
    prefix: &(CatalogId, String),
    warehouse: WarehouseId,
) {
    if let Some(warehouses) = told.get_mut(prefix) {
        warehouses.retain(|other| *other != warehouse);
        if warehouses.is_empty() {
            told.remove(prefix);
        }
    }
}

/// The book as one request sees it: a warehouse of which the catalog told this caller nothing is not asked
/// for again.
pub(super) struct Seen<'a> {
    book: &'a PrefixBook,
    token: &'a str,
}

impl Prefixes for Seen<'_> {
    fn find(&self, catalog: CatalogId, prefix: &str) -> Told {
        match self
            .book
            .told
            .get(&(catalog, prefix.to_owned()))
            .map(Vec::as_slice)
        {
            Some([only]) => Told::Is(*only),
            Some([_, _, ..]) => Told::Shared,
            Some([]) | None => Told::Nothing,
        }
    }

    fn must_ask(&self, warehouse: WarehouseId) -> bool {
        !matches!(self.book.known.get(&warehouse), Some(Entry::Told { .. }))
            && !self.book.refused_to(warehouse, self.token)
    }
}

impl Broker {
    /// Lets a request wait for a warehouse's prefix, for which the catalog is asked unless it is already.
    pub(super) fn ask_prefix(
        &mut self,
        now: Now,
        stream: StreamId,
        mut parked: Parked,
        warehouse: WarehouseId,
        context: ContextId,
        minted: &Minted,
    ) {
        if let Some(until) = self.prefixes.rest(warehouse) {
            let refusal = unavailable(&self.config, warehouse).after(until.since(now.instant));
            return self.refuse_parked(now, stream, &parked, &refusal);
        }
        if self.prefixes.asking(warehouse).is_none() {
            let config = Rc::clone(&self.config);
            let Some(call) = question(&config, warehouse, minted) else {
                let refusal = unavailable(&config, warehouse);
                return self.refuse_parked(now, stream, &parked, &refusal);
            };
            let call = self.call(now, Purpose::Prefix(warehouse), call);
            let asking = Entry::Asking {
                call,
                asker: parked.token.clone(),
                context,
            };
            self.prefixes.known.insert(warehouse, asking);
        }
        parked.wait = Wait::Prefix(warehouse);
        self.park(now, stream, parked);
    }

    /// The catalog's answer, or none.
    pub(super) fn prefix_answered(
        &mut self,
        now: Now,
        warehouse: WarehouseId,
        answer: CallAnswer<'_>,
    ) {
        let Some(Entry::Asking { asker, context, .. }) = self.prefixes.known.remove(&warehouse)
        else {
            return;
        };
        if let CallAnswer::Answered { status: 401, .. } = answer {
            let rest = limits::CATALOG_REFUSAL_REST;
            let token = asker.expose();
            self.cache.drop_minted(token, context, now.instant, rest);
        }
        let config = Rc::clone(&self.config);
        let heard = hear(&config, warehouse, answer);
        if let Heard::Told(prefix) = &heard {
            let until = now.instant.plus(limits::PREFIX_LIFE);
            self.prefixes.learn(warehouse, prefix.clone(), until);
        }
        let waiters: Vec<StreamId> = self
            .parked
            .iter()
            .filter(|(_, parked)| parked.wait == Wait::Prefix(warehouse))
            .map(|(stream, _)| *stream)
            .collect();
        if let Heard::Nothing = &heard {
            let until = now.instant.plus(limits::PREFIX_REST);
            self.prefixes.rest_until(warehouse, until);
            let refusal = unavailable(&config, warehouse).after(limits::PREFIX_REST);
            self.note(Level::Warn, || {
                format!(
                    "prefix not told refusal={}: {}",
                    refusal.reason.name(),
                    refusal.sentence
                )
            });
            for stream in waiters {
                if let Some(parked) = self.remove_parked(stream) {
                    self.refuse_parked(now, stream, &parked, &refusal);
                }
            }
            return;
        }
        // Who asked was refused, and the others may still be heard: each asks for itself.
        for stream in waiters {
            let Some(parked) = self.parked.get_mut(&stream) else {
                continue;
            };
            if !parked.awake {
                parked.awake = true;
                self.turns.push_back(Turn::Request(stream));
            }
        }
        if matches!(heard, Heard::Refused) {
            let until = now.instant.plus(limits::PREFIX_REST);
            self.prefixes.refuse(warehouse, asker, until);
        }
        self.take_turn(now);
    }
}

/// What an answer says.
enum Heard {
    /// The prefix; `None`: paths have none.
    Told(Option<(CatalogId, String)>),
    /// Not to this caller.
    Refused,
    /// Nothing that could be understood.
    Nothing,
}

fn hear(config: &Config, warehouse: WarehouseId, answer: CallAnswer<'_>) -> Heard {
    let CallAnswer::Answered { status, body, .. } = answer else {
        return Heard::Nothing;
    };
    let Some(catalog) = config
        .warehouse(warehouse)
        .map(|warehouse| warehouse.catalog)
    else {
        return Heard::Nothing;
    };
    match status {
        200 => {}
        400 | 401 | 403 | 404 => return Heard::Refused,
        _ => return Heard::Nothing,
    }
    let Some(layout) = config.catalog(catalog).map(|catalog| &catalog.layout) else {
        return Heard::Nothing;
    };
    match guard::prefix(body) {
        Ok(None) => Heard::Told(Some((catalog, String::new()))),
        Ok(Some(prefix)) if prefix.len() > limits::PREFIX_LENGTH => Heard::Nothing,
        Ok(Some(prefix)) => match read_prefix(&prefix, layout) {
            Ok(prefix) => Heard::Told(Some((catalog, prefix))),
            Err(_) => Heard::Nothing,
        },
        Err(_) => Heard::Nothing,
    }
}

/// `GET /v1/config?warehouse=...` with the caller's minted token.
fn question(config: &Config, warehouse: WarehouseId, minted: &Minted) -> Option<HttpCall> {
    let warehouse = config.warehouse(warehouse)?;
    let catalog = config.catalog(warehouse.catalog)?;
    let endpoint = catalog.endpoint.as_ref()?;
    let name: String = form_urlencoded::byte_serialize(warehouse.asked_as.as_bytes()).collect();
    let path = format!(
        "{}/v1/config?warehouse={}",
        catalog.layout.base_path(),
        name.replace('+', "%20")
    );
    Some(HttpCall {
        cluster: Rc::clone(&endpoint.cluster),
        scheme: endpoint.scheme.as_str(),
        authority: Rc::clone(&endpoint.authority),
        method: "GET",
        path: path.into(),
        headers: vec![
            ("accept", Secret::new("application/json".to_owned())),
            ("authorization", minted.authorization().clone()),
        ],
        body: Secret::new(Vec::new()),
        timeout: config.limits.exchange_timeout,
        answer_limit: limits::PREFIX_ANSWER_BYTES,
    })
}

pub(super) fn unavailable(config: &Config, warehouse: WarehouseId) -> Refusal {
    let names = config.warehouse(warehouse).and_then(|warehouse| {
        let catalog = config.catalog(warehouse.catalog)?;
        Some((&*catalog.name, &*warehouse.name))
    });
    let (catalog, warehouse) = names.unwrap_or(("-", "-"));
    Refusal::new(
        Reason::PrefixUnavailable,
        format!(
            "catalog '{catalog}' does not tell the prefix of its warehouse '{warehouse}': try again"
        ),
    )
}
