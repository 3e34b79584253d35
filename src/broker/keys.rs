//! The keys of each issuer: found, refreshed, kept through an outage, fetched again when a token names
//! a key that is not there.
//!
//! ```text
//!             due                  read                     read
//!   Idle ───────────▶ Metadata ───────────▶ Keys ─────────────────────▶ Idle (due in `key_refresh`)
//!    ▲    (discovery)     │                  │
//!    └────────────────────┴── failed ────────┘   (due after the pause; metadata anew)
//! ```

use std::rc::Rc;
use std::time::Duration;

use super::parked::Crowd;
use super::row::Row;
use super::{Broker, Level, Purpose};
use crate::backoff::Backoff;
use crate::clock::{Instant, Now};
use crate::config::{Issuer, IssuerId, KeySource};
use crate::jose::KeySet;
use crate::limits;
use crate::oauth::{Metadata, WellKnown, well_known_path};
use crate::secret::Secret;
use crate::telemetry::FetchOutcome;
use crate::wire::{CallAnswer, HttpCall};

/// What is known of one issuer.
#[derive(Debug)]
pub(super) struct IssuerKeys {
    set: Option<KeySet>,
    loaded: Instant,
    jwks_path: Option<Rc<str>>,
    token_path: Option<Rc<str>>,
    /// A call is under way.
    fetching: bool,
    due: Instant,
    started: u64,
    /// Number that `started` had when the last fetch began that brought a set.
    finished: u64,
    last_start: Option<Instant>,
    pause: Backoff,
    /// A call for the metadata is wanted before the next one for keys.
    read_metadata: bool,
    /// Key sets since metadata was read.
    refreshes: u32,
    /// The operator was told that metadata names no token endpoint that can be called.
    told: bool,
    /// The token endpoint's health.
    pub(super) exchanges: Backoff,
    pub(super) crowd: Crowd,
    pub(super) row: Row,
}

impl IssuerKeys {
    pub(super) fn new(issuer: &Issuer, now: Instant) -> Self {
        let jwks_path = match &issuer.keys {
            KeySource::Path(path) => Some(Rc::clone(path)),
            KeySource::OpenIdDiscovery | KeySource::OauthDiscovery => None,
        };
        Self {
            set: None,
            loaded: now,
            jwks_path,
            token_path: issuer.token_path.clone(),
            fetching: false,
            due: now,
            started: 0,
            finished: 0,
            last_start: None,
            pause: Backoff::default(),
            read_metadata: false,
            refreshes: 0,
            told: false,
            exchanges: Backoff::default(),
            crowd: Crowd::default(),
            row: Row::default(),
        }
    }

    pub(super) fn set(&self) -> Option<&KeySet> {
        self.set.as_ref()
    }

    pub(super) fn token_path(&self) -> Option<&Rc<str>> {
        self.token_path.as_ref()
    }

    /// Number of fetches that were begun.
    pub(super) fn started(&self) -> u64 {
        self.started
    }

    /// The number of the last fetch that brought a set.
    pub(super) fn finished(&self) -> u64 {
        self.finished
    }

    /// A token names a key that is not in the set: fetch as soon as the rate allows it.
    pub(super) fn want_newer(&mut self, now: Instant) {
        if self.fetching || !self.pause.pause_left(now).is_zero() {
            return;
        }
        let soonest = self
            .last_start
            .map_or(now, |last| last.plus(limits::KEY_REFETCH).max(now));
        self.due = self.due.min(soonest);
    }

    /// The token endpoint is not where it was: read metadata again as soon as the rate allows it.
    pub(super) fn want_metadata(&mut self, now: Instant) {
        self.read_metadata = true;
        self.want_newer(now);
    }

    /// When the next fetch begins, unless one is under way.
    pub(super) fn next_fetch(&self) -> Option<Instant> {
        (!self.fetching).then_some(self.due)
    }

    /// When a fetch is due, or the set has reached the age `most`.
    pub(super) fn next_deadline(&self, most: Duration) -> Option<Instant> {
        let too_old = self.set.is_some().then(|| self.loaded.plus(most));
        self.next_fetch().into_iter().chain(too_old).min()
    }
}

impl Broker {
    /// Begins every fetch whose time has come.
    pub(super) fn fetch_due_keys(&mut self, now: Now) {
        for index in 0..self.issuers.len() {
            let due = self
                .issuers
                .get(index)
                .is_some_and(|keys| !keys.fetching && keys.due <= now.instant);
            if due {
                self.begin_fetch(now, index);
            }
        }
    }

    fn begin_fetch(&mut self, now: Now, index: usize) {
        let (Some(keys), Some(issuer)) =
            (self.issuers.get_mut(index), self.config.issuers.get(index))
        else {
            return;
        };
        keys.fetching = true;
        keys.started = keys.started.saturating_add(1);
        keys.last_start = Some(now.instant);
        let finds_token_path = finds_token_path(issuer);
        let lacks_token_path = finds_token_path && keys.token_path.is_none();
        let again = discovers(issuer)
            && (lacks_token_path || keys.read_metadata || keys.refreshes >= limits::METADATA_EVERY);
        match keys.jwks_path.clone() {
            Some(path) if !again => self.fetch_keys(now, index, path),
            _ => self.fetch_metadata(now, index),
        }
    }

    fn fetch_keys(&mut self, now: Now, index: usize, path: Rc<str>) {
        let purpose = Purpose::Keys(index);
        self.fetch(now, index, purpose, path, limits::KEY_SET_BYTES);
    }

    fn fetch_metadata(&mut self, now: Now, index: usize) {
        let Some(issuer) = self.config.issuers.get(index) else {
            return;
        };
        let kind = match issuer.keys {
            KeySource::OauthDiscovery => WellKnown::OauthAuthorizationServer,
            KeySource::OpenIdDiscovery | KeySource::Path(_) => WellKnown::OpenIdConfiguration,
        };
        let path = well_known_path(url_path(&issuer.issuer), kind);
        self.fetch(
            now,
            index,
            Purpose::Metadata(index),
            path.into(),
            limits::METADATA_BYTES,
        );
    }

    fn fetch(
        &mut self,
        now: Now,
        index: usize,
        purpose: Purpose,
        path: Rc<str>,
        answer_limit: usize,
    ) {
        let Some(issuer) = self.config.issuers.get(index) else {
            return;
        };
        let call = HttpCall {
            cluster: Rc::clone(&issuer.endpoint.cluster),
            scheme: issuer.endpoint.scheme.as_str(),
            authority: Rc::clone(&issuer.endpoint.authority),
            method: "GET",
            path,
            headers: vec![("accept", Secret::new("application/json".to_owned()))],
            body: Secret::default(),
            timeout: limits::KEY_FETCH_TIMEOUT,
            answer_limit,
        };
        self.call(now, purpose, call);
    }

    pub(super) fn metadata_answered(&mut self, now: Now, index: usize, answer: CallAnswer<'_>) {
        let Some(issuer) = self.config.issuers.get(index) else {
            return;
        };
        let expected = Rc::clone(&issuer.issuer);
        let read = body(answer)
            .and_then(|body| {
                Metadata::read(body, &expected).map_err(|fault| format!("metadata: {fault}"))
            })
            .and_then(|metadata| match metadata.jwks_path {
                Ok(path) => Ok((path, metadata.token_path)),
                Err(fault) => Err(format!("metadata: jwks_uri {fault}: set jwks_path")),
            });
        match read {
            Ok((path, token_path)) => {
                let path: Rc<str> = path.into();
                self.tally.key_fetch(issuer_id(index), FetchOutcome::Ok);
                let needs_token_path = self.config.issuers.get(index).is_some_and(finds_token_path);
                let Some(keys) = self.issuers.get_mut(index) else {
                    return;
                };
                keys.jwks_path = Some(Rc::clone(&path));
                keys.read_metadata = false;
                keys.refreshes = 0;
                // What was read last stays in use, as the key set does.
                if let (true, Ok(token_path)) = (needs_token_path, &token_path) {
                    keys.token_path = Some(token_path.as_str().into());
                    keys.told = false;
                }
                if let (true, false, Err(fault)) = (needs_token_path, keys.told, token_path) {
                    keys.told = true;
                    let name = self.issuer_name(index);
                    self.note(Level::Error, || {
                        format!("issuer '{name}': metadata: token_endpoint {fault}: set issuers.{name}.token_path")
                    });
                }
                self.fetch_keys(now, index, path);
            }
            Err(why) => match self
                .issuers
                .get(index)
                .and_then(|keys| keys.jwks_path.clone())
            {
                // The keys are still where they were, as far as anybody knows.
                Some(path) => {
                    self.tally.key_fetch(issuer_id(index), FetchOutcome::Failed);
                    let name = self.issuer_name(index);
                    self.note(Level::Warn, || {
                        format!("issuer '{name}': {why}; what was read before stays in use")
                    });
                    self.fetch_keys(now, index, path);
                }
                None => self.fetch_failed(now, index, &why),
            },
        }
    }

    pub(super) fn keys_answered(&mut self, now: Now, index: usize, answer: CallAnswer<'_>) {
        let read = body(answer).and_then(|body| {
            KeySet::parse(body, &*self.crypto).map_err(|fault| format!("key set: {fault}"))
        });
        match read {
            // With no key nobody is recognised: whoever answers so has a fault of their own, and to
            // forget every caller for it would make an outage of it.
            Ok(set) if set.is_empty() => {
                let skipped = set.skipped();
                let why = format!("key set: it has no usable key ({skipped} skipped)");
                self.fetch_failed(now, index, &why);
            }
            Ok(set) => self.keys_loaded(now, index, set),
            Err(why) => self.fetch_failed(now, index, &why),
        }
    }

    fn keys_loaded(&mut self, now: Now, index: usize, set: KeySet) {
        let spread = self.draw_u32();
        let refresh = self.config.limits.key_refresh;
        let lacks_token_path = self.config.issuers.get(index).is_some_and(finds_token_path);
        let Some(keys) = self.issuers.get_mut(index) else {
            return;
        };
        let lacks_token_path = lacks_token_path && keys.token_path.is_none();
        let first = keys.set.is_none();
        keys.fetching = false;
        keys.loaded = now.instant;
        keys.finished = keys.started;
        // Workers that started together need not ask together for ever.
        let mut next = refresh.saturating_sub(tenth(refresh, spread));
        if lacks_token_path {
            next = next.min(limits::BACKOFF_MAX);
        }
        keys.due = now.instant.plus(next);
        keys.refreshes = keys.refreshes.saturating_add(1);
        keys.pause.success();
        self.tally.key_fetch(issuer_id(index), FetchOutcome::Ok);
        let id = issuer_id(index);
        self.cache
            .retain(|caller| caller.issuer() != id || set.contains(&caller.key()));
        self.cache
            .retain_minted(|minted| minted.issuer() != id || set.contains(&minted.key()));
        if first {
            let name = self.issuer_name(index);
            let (usable, skipped) = (set.len(), set.skipped());
            self.note(Level::Info, || {
                format!("issuer '{name}': {usable} keys loaded, {skipped} skipped")
            });
        }
        if let Some(keys) = self.issuers.get_mut(index) {
            keys.set = Some(set);
        }
        self.wake_for_keys(id);
        self.wake_flights(id);
        self.wake_tokens_for_keys(id);
        self.take_turn(now);
    }

    fn fetch_failed(&mut self, now: Now, index: usize, why: &str) {
        let jitter = self.draw_u32();
        self.tally.key_fetch(issuer_id(index), FetchOutcome::Failed);
        let discovers = self.config.issuers.get(index).is_some_and(discovers);
        let Some(keys) = self.issuers.get_mut(index) else {
            return;
        };
        keys.fetching = false;
        keys.pause.fault(now.instant, jitter, None);
        let pause = keys.pause.pause_left(now.instant);
        keys.due = now.instant.plus(pause);
        if discovers {
            // The address may have moved.
            keys.jwks_path = None;
        }
        let kept = keys
            .set
            .is_some()
            .then(|| now.instant.since(keys.loaded).as_secs());
        let name = self.issuer_name(index);
        self.note(Level::Warn, || {
            let held = match kept {
                Some(age) => format!("the last good set ({age} s old) stays in use"),
                None => "there is no key set yet, requests wait".to_owned(),
            };
            format!(
                "issuer '{name}': keys could not be fetched: {why}; {held}; next try in {} ms",
                pause.as_millis()
            )
        });
        let refusal = self.keys_unavailable(issuer_id(index)).after(pause);
        self.give_up_newer_keys(now, issuer_id(index), &refusal);
        self.flights_lack_keys(now, issuer_id(index), &refusal);
        self.tokens_lack_keys(now, issuer_id(index), &refusal);
    }

    /// Drops key sets that are too old, and everybody who was verified with them.
    pub(super) fn expire_keys(&mut self, now: Now) {
        let most = self.config.limits.key_max_age;
        for index in 0..self.issuers.len() {
            let Some(keys) = self.issuers.get_mut(index) else {
                continue;
            };
            if keys.set.is_some() && now.instant.since(keys.loaded) >= most {
                keys.set = None;
                let id = issuer_id(index);
                self.cache.retain(|caller| caller.issuer() != id);
                self.cache.retain_minted(|minted| minted.issuer() != id);
                let name = self.issuer_name(index);
                self.note(Level::Error, || {
                    format!("issuer '{name}': the last good key set is too old and was dropped; requests wait for keys")
                });
            }
        }
    }

    pub(super) fn issuer_name(&self, index: usize) -> Rc<str> {
        self.config
            .issuers
            .get(index)
            .map_or_else(|| "-".into(), |issuer| Rc::clone(&issuer.name))
    }
}

fn discovers(issuer: &Issuer) -> bool {
    !matches!(issuer.keys, KeySource::Path(_))
}

/// Whether the token endpoint's path comes from metadata.
pub(super) fn finds_token_path(issuer: &Issuer) -> bool {
    discovers(issuer) && issuer.token_path.is_none() && issuer.client.is_some()
}

/// The path of an issuer's URL, which the configuration checked to be one without query and fragment.
fn url_path(url: &str) -> &str {
    let behind_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    behind_scheme
        .find('/')
        .and_then(|start| behind_scheme.get(start..))
        .unwrap_or("")
}

/// Up to a tenth of `whole`.
fn tenth(whole: Duration, random: u32) -> Duration {
    whole
        .checked_div(10)
        .unwrap_or_default()
        .mul_f64(f64::from(random) / f64::from(u32::MAX))
}

pub(super) fn issuer_id(index: usize) -> IssuerId {
    IssuerId(u16::try_from(index).unwrap_or(u16::MAX))
}

/// The body of a 200. What else came is told in our words: Envoy's or the server's text could be long,
/// or hold what must not be logged.
fn body(answer: CallAnswer<'_>) -> Result<&[u8], String> {
    match answer {
        CallAnswer::Answered {
            status: 200, body, ..
        } => Ok(body),
        CallAnswer::Answered { status, .. } => Err(format!("it answered with status {status}")),
        CallAnswer::NotSent => Err("the cluster is unknown or has no healthy endpoint".to_owned()),
        CallAnswer::Broken => Err("the answer broke off".to_owned()),
        CallAnswer::TooLarge => Err("the answer is too large".to_owned()),
    }
}
