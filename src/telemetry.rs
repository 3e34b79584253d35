//! What the gate counts. Every name is fixed when the configuration is loaded: labels come from the
//! configuration and from this code, never from a request, because a metric of Envoy lives for ever.

use crate::config::{CatalogId, Config, IssuerId};
use crate::guard::Why;
use crate::refusal::Reason;

/// What kind of Envoy metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Grows and shrinks; changed by differences, because all workers share it.
    Gauge,
    /// Distribution of milliseconds.
    Histogram,
}

/// A metric to define at the host. Its position is its number in [`Tally::drain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Kind.
    pub kind: MetricKind,
    /// Full name, labels included (`icegate_refusals.refusal.token_expired`).
    pub name: String,
}

macro_rules! outcomes {
    ($(#[$meta:meta])* $enum:ident { $($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $enum { $($(#[doc = $doc])+ $variant,)+ }

        impl $enum {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

outcomes! {
    /// How an exchange ended.
    ExchangeOutcome {
        /// A token was minted and passed every check.
        Minted = "minted",
        /// The caller's token was refused, or this caller is not served.
        CallerRefused = "caller_refused",
        /// Our credential or parameters were refused.
        OperatorFault = "operator_fault",
        /// The identity provider did not answer, or with a fault.
        IdpFault = "idp_fault",
        /// The minted token failed a check.
        CheckFailed = "check_failed",
    }
}

outcomes! {
    /// What happened at the cache.
    CacheEvent {
        /// A minted token was found.
        Hit = "hit",
        /// It was not.
        Miss = "miss",
        /// An entry went before its time, to make room.
        Eviction = "eviction",
    }
}

outcomes! {
    /// How a fetch of metadata or keys ended.
    FetchOutcome {
        /// It was read.
        Ok = "ok",
        /// It was not.
        Failed = "failed",
    }
}

outcomes! {
    /// What became of a request.
    RequestVerdict {
        /// Sent on with a minted token.
        Forwarded = "forwarded",
        /// Answered by the gate.
        Refused = "refused",
        /// A token was given.
        Issued = "issued",
    }
}

outcomes! {
    /// What became of a request for a gate token.
    TokenOutcome {
        /// One was given.
        Issued = "issued",
        /// It was one that had been got for the same question before.
        Kept = "kept",
    }
}

/// Differences since the last [`drain`](Tally::drain).
#[derive(Debug)]
pub struct Tally {
    metrics: Vec<Metric>,
    deltas: Vec<i64>,
    samples: Vec<(usize, u64)>,
    layout: Layout,
}

#[derive(Debug, Default)]
struct Layout {
    requests: usize,
    refusals: usize,
    reported: usize,
    removed: usize,
    exchanges: usize,
    exchange_ms: usize,
    tokens: usize,
    grants: usize,
    grant_ms: usize,
    cache: usize,
    cache_entries: usize,
    cache_bytes: usize,
    key_fetches: usize,
    catalog_unauthorized: usize,
}

/// Most samples kept between two drains; the host drains ten times a second.
const SAMPLES: usize = 4096;

impl Tally {
    /// Lays out every metric of a configuration.
    pub fn new(config: &Config) -> Self {
        let mut metrics = Vec::new();
        let mut add = |kind, name: String| metrics.push(Metric { kind, name });
        let mut layout = Layout::default();
        let mut next = 0_usize;
        let mut take = |count: usize| {
            let start = next;
            next = next.saturating_add(count);
            start
        };
        // Requests outside of every catalog are counted under a name that no catalog can have: theirs
        // are written in lower case.
        let catalogs = || {
            config
                .catalogs
                .iter()
                .map(|catalog| &*catalog.name)
                .chain(["NONE"])
        };
        let issuers = || config.issuers.iter().map(|issuer| &*issuer.name);

        layout.requests = take(catalogs().count().saturating_mul(RequestVerdict::ALL.len()));
        for catalog in catalogs() {
            for verdict in RequestVerdict::ALL {
                let verdict = verdict.name();
                add(
                    MetricKind::Counter,
                    format!("icegate_requests.catalog.{catalog}.verdict.{verdict}"),
                );
            }
        }
        layout.refusals = take(Reason::all().count());
        for reason in Reason::all() {
            add(
                MetricKind::Counter,
                format!("icegate_refusals.refusal.{}", reason.name()),
            );
        }
        layout.reported = take(Reason::REPORTED.len());
        for reason in Reason::REPORTED {
            add(
                MetricKind::Counter,
                format!("icegate_report_only.refusal.{}", reason.name()),
            );
        }
        layout.removed = take(Why::ALL.len());
        for why in Why::ALL {
            add(
                MetricKind::Counter,
                format!("icegate_answers_removed.why.{}", why.name()),
            );
        }
        layout.exchanges = take(issuers().count().saturating_mul(ExchangeOutcome::ALL.len()));
        for issuer in issuers() {
            for outcome in ExchangeOutcome::ALL {
                let outcome = outcome.name();
                add(
                    MetricKind::Counter,
                    format!("icegate_exchanges.issuer.{issuer}.outcome.{outcome}"),
                );
            }
        }
        layout.exchange_ms = take(issuers().count());
        for issuer in issuers() {
            add(
                MetricKind::Histogram,
                format!("icegate_exchange_ms.issuer.{issuer}"),
            );
        }
        layout.tokens = take(issuers().count().saturating_mul(TokenOutcome::ALL.len()));
        for issuer in issuers() {
            for outcome in TokenOutcome::ALL {
                let outcome = outcome.name();
                add(
                    MetricKind::Counter,
                    format!("icegate_gate_tokens.issuer.{issuer}.outcome.{outcome}"),
                );
            }
        }
        layout.grants = take(issuers().count().saturating_mul(ExchangeOutcome::ALL.len()));
        for issuer in issuers() {
            for outcome in ExchangeOutcome::ALL {
                let outcome = outcome.name();
                add(
                    MetricKind::Counter,
                    format!("icegate_grants.issuer.{issuer}.outcome.{outcome}"),
                );
            }
        }
        layout.grant_ms = take(issuers().count());
        for issuer in issuers() {
            add(
                MetricKind::Histogram,
                format!("icegate_grant_ms.issuer.{issuer}"),
            );
        }
        layout.cache = take(CacheEvent::ALL.len());
        for event in CacheEvent::ALL {
            add(
                MetricKind::Counter,
                format!("icegate_cache.event.{}", event.name()),
            );
        }
        layout.cache_entries = take(1);
        add(MetricKind::Gauge, "icegate_cache_entries".to_owned());
        layout.cache_bytes = take(1);
        add(MetricKind::Gauge, "icegate_cache_bytes".to_owned());
        layout.key_fetches = take(issuers().count().saturating_mul(FetchOutcome::ALL.len()));
        for issuer in issuers() {
            for outcome in FetchOutcome::ALL {
                let outcome = outcome.name();
                add(
                    MetricKind::Counter,
                    format!("icegate_key_fetches.issuer.{issuer}.outcome.{outcome}"),
                );
            }
        }
        layout.catalog_unauthorized = take(config.catalogs.len());
        for catalog in &config.catalogs {
            add(
                MetricKind::Counter,
                format!("icegate_catalog_unauthorized.catalog.{}", catalog.name),
            );
        }
        Self {
            deltas: vec![0; metrics.len()],
            metrics,
            samples: Vec::new(),
            layout,
        }
    }

    /// Every metric, in the order of its number.
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// Hands over what was counted: `(number, difference)` for counters and gauges, then
    /// `(number, milliseconds)` for histograms.
    pub fn drain(&mut self, mut count: impl FnMut(usize, i64), mut sample: impl FnMut(usize, u64)) {
        for (number, delta) in self.deltas.iter_mut().enumerate() {
            if *delta != 0 {
                count(number, std::mem::take(delta));
            }
        }
        for (number, milliseconds) in self.samples.drain(..) {
            sample(number, milliseconds);
        }
    }

    /// A request was decided. `None`: it lay outside of every catalog.
    pub fn request(
        &mut self,
        catalog: Option<CatalogId>,
        verdict: RequestVerdict,
        catalogs: usize,
    ) {
        let row = catalog.map_or(catalogs, |id| usize::from(id.0));
        self.add(
            self.layout.requests,
            row,
            RequestVerdict::ALL.len(),
            verdict as usize,
            1,
        );
    }

    /// A request was refused.
    pub fn refusal(&mut self, reason: Reason) {
        self.add(self.layout.refusals, reason.position(), 1, 0, 1);
    }

    /// An exchange ended after `milliseconds`.
    pub fn exchange(&mut self, issuer: IssuerId, outcome: ExchangeOutcome, milliseconds: u64) {
        let row = usize::from(issuer.0);
        self.add(
            self.layout.exchanges,
            row,
            ExchangeOutcome::ALL.len(),
            outcome as usize,
            1,
        );
        if self.samples.len() < SAMPLES {
            self.samples
                .push((self.layout.exchange_ms.saturating_add(row), milliseconds));
        }
    }

    /// A gate token was given, or found.
    pub fn token(&mut self, issuer: IssuerId, outcome: TokenOutcome) {
        let row = usize::from(issuer.0);
        let width = TokenOutcome::ALL.len();
        self.add(self.layout.tokens, row, width, outcome as usize, 1);
    }

    /// A question for a gate token ended after `milliseconds`.
    pub fn grant(&mut self, issuer: IssuerId, outcome: ExchangeOutcome, milliseconds: u64) {
        let row = usize::from(issuer.0);
        let width = ExchangeOutcome::ALL.len();
        self.add(self.layout.grants, row, width, outcome as usize, 1);
        if self.samples.len() < SAMPLES {
            self.samples
                .push((self.layout.grant_ms.saturating_add(row), milliseconds));
        }
    }

    /// Something was taken out of an answer of a catalog, so many times.
    pub fn removed(&mut self, why: Why, times: u32) {
        self.add(self.layout.removed, why as usize, 1, 0, i64::from(times));
    }

    /// Something would have been refused, and was only reported.
    pub fn reported(&mut self, reason: Reason) {
        let row = Reason::REPORTED.iter().position(|known| *known == reason);
        if let Some(row) = row {
            self.add(self.layout.reported, row, 1, 0, 1);
        }
    }

    /// Something happened at the cache, `times` times.
    pub fn cache(&mut self, event: CacheEvent, times: usize) {
        self.add(
            self.layout.cache,
            event as usize,
            1,
            0,
            i64::try_from(times).unwrap_or(i64::MAX),
        );
    }

    /// The cache grew or shrank by this many entries and bytes.
    pub fn cache_size(&mut self, entries: i64, bytes: i64) {
        self.add(self.layout.cache_entries, 0, 1, 0, entries);
        self.add(self.layout.cache_bytes, 0, 1, 0, bytes);
    }

    /// A fetch of an issuer's metadata or keys ended.
    pub fn key_fetch(&mut self, issuer: IssuerId, outcome: FetchOutcome) {
        let row = usize::from(issuer.0);
        self.add(
            self.layout.key_fetches,
            row,
            FetchOutcome::ALL.len(),
            outcome as usize,
            1,
        );
    }

    /// A catalog answered 401 to a minted token.
    pub fn catalog_unauthorized(&mut self, catalog: CatalogId) {
        self.add(
            self.layout.catalog_unauthorized,
            usize::from(catalog.0),
            1,
            0,
            1,
        );
    }

    fn add(&mut self, start: usize, row: usize, width: usize, column: usize, delta: i64) {
        let number = start
            .saturating_add(row.saturating_mul(width))
            .saturating_add(column);
        if let Some(total) = self.deltas.get_mut(number) {
            *total = total.saturating_add(delta);
        }
    }
}
