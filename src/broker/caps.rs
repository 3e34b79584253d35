//! Caps of one tenant, so that none starves another.

use std::time::Duration;

use super::Broker;
use super::outcome::Terms;
use crate::clock::{Instant, Now};
use crate::config::{ContextId, TenantId};
use crate::refusal::{Reason, Refusal};

/// Exchanges that a tenant may still begin. It holds what ten seconds fill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// In thousandths of an exchange.
    left: u64,
    filled: Instant,
}

/// Seconds whose exchanges may come at once.
const BURST: u64 = 10;

impl Bucket {
    pub(super) fn full(rate: u64, now: Instant) -> Self {
        Self {
            left: rate.saturating_mul(1_000).saturating_mul(BURST),
            filled: now,
        }
    }

    fn fill(&mut self, rate: u64, now: Instant) {
        let passed = u64::try_from(now.since(self.filled).as_millis()).unwrap_or(u64::MAX);
        self.left = self
            .left
            .saturating_add(passed.saturating_mul(rate))
            .min(Self::full(rate, now).left);
        self.filled = now;
    }

    fn is_full(mut self, rate: u64, now: Instant) -> bool {
        self.fill(rate, now);
        self.left == Self::full(rate, now).left
    }

    /// Takes one exchange out, or says how long it takes until there is one.
    pub(super) fn take(&mut self, rate: u64, now: Instant) -> Result<(), Duration> {
        self.fill(rate, now);
        match self.left.checked_sub(1_000) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let missing = 1_000_u64.saturating_sub(self.left);
                Err(Duration::from_millis(missing.div_ceil(rate.max(1))))
            }
        }
    }
}

impl Broker {
    /// A bucket that is full again is as good as none.
    pub(super) fn forget_full_buckets(&mut self, now: Now) {
        let config = std::rc::Rc::clone(&self.config);
        self.buckets.retain(|id, bucket| {
            let rate = config.tenant(*id).and_then(|own| own.exchanges_per_second);
            rate.and_then(|rate| u64::try_from(rate).ok())
                .is_some_and(|rate| !bucket.is_full(rate, now.instant))
        });
    }

    /// Whether the tenant of a context may begin one more exchange; it is counted then.
    pub(super) fn may_exchange(
        &mut self,
        now: Now,
        context: ContextId,
        terms: &Terms<'_>,
    ) -> Result<(), Refusal> {
        let tenant = self
            .config
            .context(context)
            .and_then(|context| context.tenant);
        let Some((id, rate)) = tenant.and_then(|id| self.rate(id)) else {
            return Ok(());
        };
        let bucket = self
            .buckets
            .entry(id)
            .or_insert_with(|| Bucket::full(rate, now.instant));
        bucket.take(rate, now.instant).map_err(|rest| {
            let sentence = format!(
                "tenant {} has used up its token exchanges of this second (tenants.{}.limits): try again",
                terms.tenant.unwrap_or("-"),
                terms.tenant.unwrap_or("-"),
            );
            Refusal::new(Reason::TenantExchangesFull, sentence).after(rest)
        })
    }

    fn rate(&self, tenant: TenantId) -> Option<(TenantId, u64)> {
        let rate = self.config.tenant(tenant)?.exchanges_per_second?;
        Some((tenant, u64::try_from(rate).ok()?))
    }

    /// Keeps the tenant of a context within its part of the cache.
    pub(super) fn keep_cached_callers(&mut self, context: ContextId) {
        let config = std::rc::Rc::clone(&self.config);
        let id = config.context(context).and_then(|context| context.tenant);
        let tenant = id.and_then(|id| config.tenant(id));
        let Some((tenant, most)) = tenant.and_then(|tenant| Some((tenant, tenant.cached_callers?)))
        else {
            return;
        };
        let of_programs = config.services.iter().flat_map(|one| &one.own_account);
        let of_programs = of_programs.filter(|((tenant, _), _)| *tenant == id);
        let of_programs = of_programs.map(|(_, context)| *context);
        let contexts: Vec<ContextId> = tenant
            .contexts
            .values()
            .copied()
            .chain(of_programs)
            .collect();
        self.cache.keep_at_most(&contexts, most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_ten_seconds_and_fills_again() {
        let at = |milliseconds| Instant::from_origin(Duration::from_millis(milliseconds));
        let mut bucket = Bucket::full(2, at(0));
        for _ in 0..20 {
            assert_eq!(bucket.take(2, at(0)), Ok(()));
        }
        assert_eq!(bucket.take(2, at(0)), Err(Duration::from_millis(500)));
        assert_eq!(bucket.take(2, at(400)), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(2, at(500)), Ok(()));
        assert_eq!(bucket.take(2, at(500)), Err(Duration::from_millis(500)));
        // However long it was left alone, it holds no more than before.
        for _ in 0..20 {
            assert_eq!(bucket.take(2, at(10_000_000)), Ok(()));
        }
        assert!(bucket.take(2, at(10_000_000)).is_err());
    }
}
