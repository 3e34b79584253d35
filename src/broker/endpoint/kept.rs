//! Gate tokens that were given, so that the same question gets the same answer; and since when a session lasts that
//! only the gate knows of.

use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use lru::LruCache;

use super::GrantKey;
use crate::cache::Until;
use crate::clock::{Instant, Now};
use crate::config::ServiceId;
use crate::exchange::GateToken;
use crate::limits;

/// A gate token that is given to whoever asks the same.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) token: Rc<GateToken>,
    /// When it ends.
    pub(super) ends: Instant,
    until: Until,
}

impl Answer {
    /// A token that was checked just now, kept for `keep`.
    pub(super) fn new(now: Now, token: Rc<GateToken>, most: Duration, keep: Duration) -> Self {
        let life = token.life().min(most);
        Self {
            ends: now.instant.plus(life),
            until: Until::after(now, keep.min(life)),
            token,
        }
    }
}

/// Where a gate token comes from that was given on an engine's word, or has no session at the identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The engine on whose word it was given, and the name that it said; `None`: for a token of the same caller.
    pub(super) word: Option<(ServiceId, Rc<str>)>,
    /// When the first one of its chain was given.
    pub(super) since: Instant,
}

#[derive(Debug)]
pub(super) struct Kept {
    answers: LruCache<GrantKey, Answer>,
    origins: LruCache<GrantKey, Origin>,
}

impl Default for Kept {
    fn default() -> Self {
        let most = |most| NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        Self {
            answers: LruCache::new(most(limits::GATE_TOKENS_KEPT)),
            origins: LruCache::new(most(limits::GATE_TOKEN_ORIGINS)),
        }
    }
}

impl Kept {
    /// The answer to the same question, if there is one that is alive and that `holds`.
    pub(super) fn answer(
        &mut self,
        now: Now,
        key: &GrantKey,
        holds: impl FnOnce(&GateToken) -> bool,
    ) -> Option<Answer> {
        let answer = self.answers.get(key)?;
        if answer.until.is_ahead_of(now) && holds(&answer.token) {
            return Some(answer.clone());
        }
        self.answers.pop(key);
        None
    }

    pub(super) fn keep(&mut self, key: GrantKey, answer: Answer) {
        self.answers.put(key, answer);
    }

    /// Where a token comes from, by its digest.
    pub(super) fn origin(&mut self, token: &GrantKey) -> Option<Origin> {
        self.origins.get(token).cloned()
    }

    pub(super) fn put_origin(&mut self, token: GrantKey, origin: Origin) {
        self.origins.put(token, origin);
    }

    /// What has expired is let go.
    pub(super) fn sweep(&mut self, now: Now) {
        let old: Vec<GrantKey> = self
            .answers
            .iter()
            .filter(|(_, answer)| !answer.until.is_ahead_of(now))
            .map(|(key, _)| *key)
            .collect();
        for key in old {
            self.answers.pop(&key);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }
}
