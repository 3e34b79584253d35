//! Gate tokens that were given, so that the same question gets the same answer, and for a moment what was refused; and
//! since when a session lasts that only the gate knows of.

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
use crate::refusal::Refusal;

/// What an answer takes beyond its token and its caller's claims, roughly.
const ANSWER: usize = 512;

/// A gate token that is given to whoever asks the same.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) token: Rc<GateToken>,
    /// When it ends.
    pub(super) ends: Instant,
    /// It was at hand when it was asked for.
    pub(super) kept: bool,
    until: Until,
}

impl Answer {
    /// A token that was checked just now, kept for `keep`.
    pub(super) fn new(now: Now, token: Rc<GateToken>, most: Duration, keep: Duration) -> Self {
        let life = token.life().min(most);
        Self {
            ends: now.instant.plus(life),
            kept: false,
            until: Until::after(now, keep.min(life)),
            token,
        }
    }

    /// Bytes that it takes in memory, roughly.
    fn bytes(&self) -> usize {
        let token = self.token.token().expose().len();
        let caller = self.token.caller().footprint();
        token.saturating_add(caller).saturating_add(ANSWER)
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
    /// What the answers take.
    bytes: usize,
    refused: LruCache<GrantKey, (Refusal, Until)>,
    origins: LruCache<GrantKey, Origin>,
}

impl Default for Kept {
    fn default() -> Self {
        let most = |most| NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        Self {
            answers: LruCache::new(most(limits::GATE_TOKENS_KEPT)),
            bytes: 0,
            refused: LruCache::new(most(limits::GRANTS_REFUSED)),
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
            return Some(Answer {
                kept: true,
                ..answer.clone()
            });
        }
        self.forget(key);
        None
    }

    pub(super) fn keep(&mut self, key: GrantKey, answer: Answer) {
        self.bytes = self.bytes.saturating_add(answer.bytes());
        if let Some((_, old)) = self.answers.push(key, answer) {
            self.bytes = self.bytes.saturating_sub(old.bytes());
        }
        while self.bytes > limits::GATE_TOKENS_BYTES
            && let Some((_, oldest)) = self.answers.pop_lru()
        {
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
        }
    }

    fn forget(&mut self, key: &GrantKey) {
        if let Some(answer) = self.answers.pop(key) {
            self.bytes = self.bytes.saturating_sub(answer.bytes());
        }
    }

    /// The no that the same question got a moment ago.
    pub(super) fn refused(&mut self, now: Now, key: &GrantKey) -> Option<Refusal> {
        let (refusal, until) = self.refused.get(key)?;
        until.is_ahead_of(now).then(|| refusal.clone())
    }

    pub(super) fn refuse(&mut self, now: Now, key: GrantKey, refusal: Refusal) {
        let until = Until::after(now, limits::REFUSED_LIFE);
        self.refused.put(key, (refusal, until));
    }

    /// Where a token comes from, by its digest.
    pub(super) fn origin(&mut self, token: &GrantKey) -> Option<Origin> {
        self.origins.get(token).cloned()
    }

    /// A token is given once more, at the end of a chain that began by `since`.
    pub(super) fn began_by(&mut self, token: &GrantKey, since: Instant) {
        if let Some(origin) = self.origins.get_mut(token) {
            origin.since = origin.since.min(since);
        }
    }

    pub(super) fn put_origin(&mut self, token: GrantKey, origin: Origin) {
        self.origins.put(token, origin);
    }

    /// What has expired is let go.
    pub(super) fn sweep(&mut self, now: Now) {
        let answers = self.answers.iter();
        let old = answers.filter(|(_, answer)| !answer.until.is_ahead_of(now));
        let old: Vec<GrantKey> = old.map(|(key, _)| *key).collect();
        old.iter().for_each(|key| self.forget(key));
        let refused = self.refused.iter();
        let old = refused.filter(|(_, (_, until))| !until.is_ahead_of(now));
        let old: Vec<GrantKey> = old.map(|(key, _)| *key).collect();
        for key in old {
            self.refused.pop(&key);
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.answers.len().saturating_add(self.refused.len())
    }
}
