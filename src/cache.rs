//! Verified callers and their minted tokens, found by the bytes of the subject token.
//!
//! Only verified tokens take an entry, so nobody fills it with garbage. Bounded by entries and by
//! bytes; the entry that was not used for the longest time goes first.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::time::Duration;

use lru::LruCache;
use siphasher::sip::SipHasher13;

use crate::clock::{Instant, Now, UnixTime};
use crate::config::ContextId;
use crate::refusal::Refusal;

/// Bytes that an entry costs beside its tokens and what its caller claims, roughly: the maps' nodes, the
/// caller, the slot.
const ENTRY_OVERHEAD: usize = 1024;

/// A subject token, shared by everything that refers to it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SubjectToken(Rc<str>);

impl SubjectToken {
    /// Copies a token that came with a request.
    pub fn new(token: &str) -> Self {
        Self(token.into())
    }

    /// The token, for whoever must send or parse them.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for SubjectToken {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SubjectToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// SipHash under a key that is drawn when the cache is built, so that nobody can choose tokens that
/// fall together.
#[derive(Clone)]
struct Keyed(u64, u64);

impl BuildHasher for Keyed {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }
}

/// When something that is cached ends. It is alive while both clocks say so: the monotonic one cannot
/// be set back to prolong it, the wall clock is what the token itself speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until {
    /// End on the monotonic clock.
    pub instant: Instant,
    /// End on the wall clock.
    pub unix: UnixTime,
}

impl Until {
    /// `life` from now on both clocks.
    pub fn after(now: Now, life: Duration) -> Self {
        Self {
            instant: now.instant.plus(life),
            unix: now.unix.plus(life),
        }
    }

    /// Whether it has not come yet.
    pub fn is_ahead_of(self, now: Now) -> bool {
        now.instant < self.instant && now.unix < self.unix
    }
}

/// What is known about one caller at one catalog.
#[derive(Debug)]
pub enum Known<'a, M> {
    /// A minted token that is alive.
    Minted(&'a Rc<M>),
    /// The identity provider said a definite no a moment ago.
    Refused(&'a Refusal),
    /// Nothing.
    Nothing,
}

#[derive(Debug)]
enum State<M> {
    Empty,
    Minted {
        minted: Rc<M>,
        bytes: usize,
        until: Until,
    },
    Refused {
        refusal: Refusal,
        until: Until,
    },
}

#[derive(Debug)]
struct Slot<M> {
    state: State<M>,
    dropped: Option<Instant>,
}

/// A verified caller with what is known about it, catalog by catalog.
#[derive(Debug)]
pub struct Entry<C, M> {
    caller: Rc<C>,
    caller_bytes: usize,
    slots: BTreeMap<ContextId, Slot<M>>,
}

impl<C, M> Entry<C, M> {
    /// Who it is.
    pub fn caller(&self) -> &Rc<C> {
        &self.caller
    }

    /// What is known at a catalog.
    pub fn at(&self, context: ContextId, now: Now) -> Known<'_, M> {
        match self.slots.get(&context).map(|slot| &slot.state) {
            Some(State::Minted { minted, until, .. }) if until.is_ahead_of(now) => {
                Known::Minted(minted)
            }
            Some(State::Refused { refusal, until }) if until.is_ahead_of(now) => {
                Known::Refused(refusal)
            }
            _ => Known::Nothing,
        }
    }

    fn slot(&mut self, context: ContextId) -> &mut Slot<M> {
        self.slots.entry(context).or_insert(Slot {
            state: State::Empty,
            dropped: None,
        })
    }

    fn bytes(&self) -> usize {
        self.slots
            .values()
            .map(|slot| match &slot.state {
                State::Minted { bytes, .. } => *bytes,
                State::Empty | State::Refused { .. } => 0,
            })
            .fold(
                ENTRY_OVERHEAD.saturating_add(self.caller_bytes),
                usize::saturating_add,
            )
    }
}

/// What became of a wish to drop a minted token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It was dropped: the next request exchanges anew.
    Now,
    /// It was dropped a moment ago already, and a new one did not help.
    NotAgain,
    /// There is nothing to drop.
    Gone,
}

/// The cache. `C` is the verified caller, `M` the minted token.
pub struct Cache<C, M> {
    entries: LruCache<SubjectToken, Entry<C, M>, Keyed>,
    bytes: usize,
    most_entries: usize,
    most_bytes: usize,
    evictions: usize,
    /// Bytes that a caller takes.
    footprint: fn(&C) -> usize,
}

impl<C, M> fmt::Debug for Cache<C, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("entries", &self.entries.len())
            .field("bytes", &self.bytes)
            .finish()
    }
}

impl<C, M> Cache<C, M> {
    /// An empty cache. `hash_key` must be drawn at random; `footprint` says how many bytes a caller takes.
    pub fn new(
        most_entries: usize,
        most_bytes: usize,
        hash_key: (u64, u64),
        footprint: fn(&C) -> usize,
    ) -> Self {
        Self {
            entries: LruCache::unbounded_with_hasher(Keyed(hash_key.0, hash_key.1)),
            bytes: 0,
            most_entries,
            most_bytes,
            evictions: 0,
            footprint,
        }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes that the entries are reckoned to take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Entries that had to make room since the last call.
    pub fn take_evictions(&mut self) -> usize {
        std::mem::take(&mut self.evictions)
    }

    /// The entry of a token, which becomes the most recently used one, with the shared token.
    pub fn get(&mut self, token: &str) -> Option<(&SubjectToken, &Entry<C, M>)> {
        self.entries.get_key_value(token)
    }

    /// Forgets a token.
    pub fn forget(&mut self, token: &str) {
        if let Some((token, entry)) = self.entries.pop_entry(token) {
            self.bytes = self.bytes.saturating_sub(Self::cost(&token, &entry));
        }
    }

    /// Keeps a verified caller.
    pub fn put_caller(&mut self, token: &SubjectToken, caller: Rc<C>) {
        self.change(token, caller, |_| {});
    }

    /// Keeps a minted token of `bytes` bytes.
    pub fn put_minted(
        &mut self,
        token: &SubjectToken,
        caller: Rc<C>,
        context: ContextId,
        minted: Rc<M>,
        bytes: usize,
        until: Until,
    ) {
        self.change(token, caller, |entry| {
            entry.slot(context).state = State::Minted {
                minted,
                bytes,
                until,
            };
        });
    }

    /// Keeps a definite no.
    pub fn put_refused(
        &mut self,
        token: &SubjectToken,
        caller: Rc<C>,
        context: ContextId,
        refusal: Refusal,
        until: Until,
    ) {
        self.change(token, caller, |entry| {
            entry.slot(context).state = State::Refused { refusal, until };
        });
    }

    /// Drops a minted token that the catalog did not accept, at most once per `rest`.
    pub fn drop_minted(
        &mut self,
        token: &str,
        context: ContextId,
        now: Instant,
        rest: Duration,
    ) -> Dropped {
        let Some(entry) = self.entries.peek_mut(token) else {
            return Dropped::Gone;
        };
        let slot = entry.slot(context);
        let State::Minted { bytes, .. } = slot.state else {
            return Dropped::Gone;
        };
        if slot.dropped.is_some_and(|last| now.since(last) < rest) {
            return Dropped::NotAgain;
        }
        slot.dropped = Some(now);
        slot.state = State::Empty;
        self.bytes = self.bytes.saturating_sub(bytes);
        Dropped::Now
    }

    /// Drops minted tokens of these contexts, those of the callers first that were not seen for the longest time,
    /// until there are at most `most`.
    pub fn keep_at_most(&mut self, contexts: &[ContextId], most: usize) {
        let held = |entry: &Entry<C, M>| {
            let slots = contexts
                .iter()
                .filter_map(|context| entry.slots.get(context));
            slots
                .filter(|slot| matches!(slot.state, State::Minted { .. }))
                .count()
        };
        let mut excess = self
            .entries
            .iter()
            .map(|(_, entry)| held(entry))
            .fold(0, usize::saturating_add)
            .saturating_sub(most);
        let mut oldest = Vec::new();
        for (token, entry) in self.entries.iter().rev() {
            if excess == 0 {
                break;
            }
            let here = held(entry);
            if here > 0 {
                excess = excess.saturating_sub(here);
                oldest.push(token.clone());
            }
        }
        for token in oldest {
            if let Some(entry) = self.entries.peek_mut(token.expose()) {
                for context in contexts {
                    if let Some(slot) = entry.slots.get_mut(context)
                        && let State::Minted { bytes, .. } = slot.state
                    {
                        self.bytes = self.bytes.saturating_sub(bytes);
                        slot.state = State::Empty;
                        self.evictions = self.evictions.saturating_add(1);
                    }
                }
            }
        }
    }

    /// Forgets every caller that `keep` says no to.
    pub fn retain(&mut self, mut keep: impl FnMut(&C) -> bool) {
        let gone: Vec<SubjectToken> = self
            .entries
            .iter()
            .filter(|(_, entry)| !keep(&entry.caller))
            .map(|(token, _)| token.clone())
            .collect();
        for token in gone {
            self.forget(token.expose());
        }
    }

    /// Drops every minted token that `keep` says no to.
    pub fn retain_minted(&mut self, mut keep: impl FnMut(&M) -> bool) {
        for (_, entry) in self.entries.iter_mut() {
            for slot in entry.slots.values_mut() {
                if let State::Minted { minted, bytes, .. } = &slot.state
                    && !keep(minted)
                {
                    self.bytes = self.bytes.saturating_sub(*bytes);
                    slot.state = State::Empty;
                }
            }
        }
    }

    fn change(
        &mut self,
        token: &SubjectToken,
        caller: Rc<C>,
        change: impl FnOnce(&mut Entry<C, M>),
    ) {
        let mut entry = match self.entries.pop_entry(token.expose()) {
            Some((token, entry)) => {
                self.bytes = self.bytes.saturating_sub(Self::cost(&token, &entry));
                Entry {
                    caller_bytes: (self.footprint)(&caller),
                    caller,
                    slots: entry.slots,
                }
            }
            None => Entry {
                caller_bytes: (self.footprint)(&caller),
                caller,
                slots: BTreeMap::new(),
            },
        };
        change(&mut entry);
        let cost = Self::cost(token, &entry);
        if cost > self.most_bytes {
            // It fits in no cache of this size: nobody has to make room for it.
            self.evictions = self.evictions.saturating_add(1);
            return;
        }
        while self.entries.len() >= self.most_entries
            || self.bytes.saturating_add(cost) > self.most_bytes
        {
            let Some((oldest, evicted)) = self.entries.pop_lru() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(Self::cost(&oldest, &evicted));
            self.evictions = self.evictions.saturating_add(1);
        }
        if self.entries.len() < self.most_entries
            && self.bytes.saturating_add(cost) <= self.most_bytes
        {
            self.bytes = self.bytes.saturating_add(cost);
            self.entries.put(token.clone(), entry);
        }
    }

    fn cost(token: &SubjectToken, entry: &Entry<C, M>) -> usize {
        token.expose().len().saturating_add(entry.bytes())
    }
}
