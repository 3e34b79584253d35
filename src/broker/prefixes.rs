//! Prefixes that catalogs tell: asked for once, with the token of whoever needs one, and kept for a while.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::parked::{Parked, Turn, Wait};
use super::{Broker, CallId, Level, Purpose, StreamId};
use crate::cache::SubjectToken;
use crate::clock::{Instant, Now};
use crate::config::{CatalogId, Config, ContextId, IssuerId, WarehouseId};
use crate::exchange::Minted;
use crate::guard;
use crate::iceberg::read_prefix;
use crate::identity::Caller;
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
    /// Whom a catalog refused to tell, and until when they do not make the gate ask again.
    refused: BTreeMap<Refused, Instant>,
    /// Nothing is too old before.
    next: Option<Instant>,
}

/// A warehouse, and a person by issuer and `sub`.
type Refused = (WarehouseId, IssuerId, Box<str>);

#[derive(Debug)]
enum Entry {
    /// A call is under way, with the token that was minted in this context for whoever asked first.
    Asking {
        call: CallId,
        asker: Refused,
        token: SubjectToken,
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
        self.refused.retain(|_, until| *until > now);
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
        self.next = ends.chain(self.refused.values().copied()).min();
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

    /// The book as a request of this caller sees it.
    pub(super) fn seen<'a>(&'a self, caller: &'a Caller) -> Seen<'a> {
        Seen { book: self, caller }
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

    /// The catalog does not tell this caller. The memory is bounded: the one that would end first makes room.
    fn refuse(&mut self, asker: Refused, until: Instant) {
        if self.refused.len() >= limits::PREFIX_REFUSALS {
            let first = self.refused.iter().min_by_key(|(_, until)| **until);
            let first = first.map(|(key, _)| key.clone());
            first.and_then(|key| self.refused.remove(&key));
        }
        self.refused.insert(asker, until);
        self.ends(until);
    }
}

fn key(warehouse: WarehouseId, caller: &Caller) -> Refused {
    (warehouse, caller.issuer(), caller.subject().into())
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
    caller: &'a Caller,
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
            && !self.book.refused.contains_key(&key(warehouse, self.caller))
    }

    fn rests(&self, warehouse: WarehouseId) -> bool {
        self.book.rest(warehouse).is_some()
    }
}

impl Broker {
    /// Lets a request wait for a warehouse's prefix, for which the catalog is asked unless it is already.
    #[allow(
        clippy::too_many_arguments,
        reason = "a request with all that was found for it"
    )]
    pub(super) fn ask_prefix(
        &mut self,
        now: Now,
        stream: StreamId,
        mut parked: Parked,
        warehouse: WarehouseId,
        context: ContextId,
        caller: &Caller,
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
                asker: key(warehouse, caller),
                token: parked.token.clone(),
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
        let asking = self.prefixes.known.remove(&warehouse);
        let Some(Entry::Asking {
            asker,
            token,
            context,
            ..
        }) = asking
        else {
            return;
        };
        if let CallAnswer::Answered { status: 401, .. } = answer {
            let rest = limits::CATALOG_REFUSAL_REST;
            self.cache
                .drop_minted(token.expose(), context, now.instant, rest);
        }
        let config = Rc::clone(&self.config);
        let rest = now.instant.plus(limits::PREFIX_REST);
        match hear(&config, warehouse, answer) {
            Heard::Told(prefix) => {
                let until = now.instant.plus(limits::PREFIX_LIFE);
                self.prefixes.learn(warehouse, prefix, until);
            }
            Heard::Refused => self.prefixes.refuse(asker, rest),
            Heard::Nothing => {
                self.prefixes.rest_until(warehouse, rest);
                let refusal = unavailable(&config, warehouse);
                self.note(Level::Warn, || {
                    format!(
                        "prefix not told refusal={}: {}",
                        refusal.reason.name(),
                        refusal.sentence
                    )
                });
            }
        }
        // Whoever waited looks again: for its prefix, for another warehouse to ask for, or for itself.
        for (stream, parked) in &mut self.parked {
            if parked.wait == Wait::Prefix(warehouse) && !parked.awake {
                parked.awake = true;
                self.turns.push_back(Turn::Request(*stream));
            }
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
    let path = format!(
        "{}/v1/config?warehouse={}",
        catalog.layout.base_path(),
        percent_encoded(&warehouse.asked_as)
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

/// As it stands in a path and in a query: a space of forms is a plus in a path.
pub(super) fn percent_encoded(text: &str) -> String {
    let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    form.replace('+', "%20")
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
