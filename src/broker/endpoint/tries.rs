//! Logins with wrong secrets: how many reach the identity provider.

use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;

use super::super::caps::Bucket;
use crate::clock::Instant;
use crate::config::ServiceId;
use crate::limits;

/// A digest of id and secret under a drawn key.
pub(super) type LoginDigest = [u8; 32];

/// Who an address is, without its port: each connection has another one. Envoy writes `10.0.0.9:41234` and
/// `[2001:db8::9]:41234`.
pub(super) fn without_port(address: &[u8]) -> &[u8] {
    let colon = address.iter().rposition(|byte| *byte == b':');
    match colon.and_then(|at| address.split_at_checked(at)) {
        Some((host, [_, port @ ..])) if !port.is_empty() && port.iter().all(u8::is_ascii_digit) => {
            host
        }
        _ => address,
    }
}

/// What is known of logins.
#[derive(Debug)]
pub(super) struct Tries {
    /// Those that were good, with the time.
    good: LruCache<LoginDigest, Instant>,
    /// Those that were not.
    bad: LruCache<LoginDigest, Instant>,
    /// By whom and from where.
    sources: LruCache<(ServiceId, Box<[u8]>), Bucket>,
    services: LruCache<ServiceId, Bucket>,
}

/// What is done about a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Try {
    /// The identity provider is asked.
    Ask,
    /// It was wrong a moment ago.
    Wrong,
    /// There were too many, and one more may be made after this time.
    TooMany(Duration),
}

fn cache<K: std::hash::Hash + Eq, V>(most: usize) -> LruCache<K, V> {
    LruCache::new(NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN))
}

impl Default for Tries {
    fn default() -> Self {
        Self {
            good: cache(limits::LOGINS_KNOWN),
            bad: cache(limits::LOGINS_KNOWN),
            sources: cache(limits::LOGIN_SOURCES),
            services: cache(limits::LOGIN_SOURCES),
        }
    }
}

impl Tries {
    /// What is to be done about a login of `service` from `source`. Asking is counted, unless it was good before.
    pub(super) fn may(
        &mut self,
        now: Instant,
        digest: &LoginDigest,
        service: ServiceId,
        source: &[u8],
    ) -> Try {
        let young = |at: Option<&Instant>, life| at.is_some_and(|at| now.since(*at) < life);
        if young(self.bad.get(digest), limits::WRONG_LOGIN_LIFE) {
            return Try::Wrong;
        }
        if young(self.good.get(digest), limits::GOOD_LOGIN_LIFE) {
            return Try::Ask;
        }
        let (rate, rate_of_all) = (limits::LOGINS_OF_SOURCE, limits::LOGINS_OF_SERVICE);
        let of_source = self
            .sources
            .get_or_insert_mut((service, source.into()), || Bucket::full(rate, now));
        if let Err(rest) = of_source.take(rate, now) {
            return Try::TooMany(rest);
        }
        let of_all = self
            .services
            .get_or_insert_mut(service, || Bucket::full(rate_of_all, now));
        match of_all.take(rate_of_all, now) {
            Ok(()) => Try::Ask,
            Err(rest) => Try::TooMany(rest),
        }
    }

    /// It was good.
    pub(super) fn was_good(&mut self, now: Instant, digest: LoginDigest) {
        self.bad.pop(&digest);
        self.good.put(digest, now);
    }

    /// It was not.
    pub(super) fn was_wrong(&mut self, now: Instant, digest: LoginDigest) {
        self.good.pop(&digest);
        self.bad.put(digest, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRINO: ServiceId = ServiceId(0);
    const SPARK: ServiceId = ServiceId(1);

    fn at(milliseconds: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(milliseconds))
    }

    fn digest(number: u32) -> LoginDigest {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        digest
    }

    /// Ten thousand wrong secrets within twenty seconds.
    fn attack(tries: &mut Tries, source: impl Fn(u32) -> Vec<u8>) -> usize {
        let mut asked = Vec::new();
        for number in 1..=10_000_u32 {
            let now = at(u64::from(number) * 2);
            if tries.may(now, &digest(number), TRINO, &source(number)) == Try::Ask {
                asked.push(number);
                tries.was_wrong(now, digest(number));
            }
        }
        asked.len()
    }

    #[test]
    fn an_address_is_the_same_on_every_port() {
        for (address, host) in [
            ("10.0.0.9:41234", "10.0.0.9"),
            ("10.0.0.9:1", "10.0.0.9"),
            ("[2001:db8::9]:41234", "[2001:db8::9]"),
            ("[::ffff:10.0.0.9]:80", "[::ffff:10.0.0.9]"),
            ("10.0.0.9", "10.0.0.9"),
            ("/run/envoy.sock", "/run/envoy.sock"),
            ("@internal:", "@internal:"),
            (":", ":"),
            ("", ""),
        ] {
            assert_eq!(
                without_port(address.as_bytes()),
                host.as_bytes(),
                "{address}"
            );
        }
    }

    #[test]
    fn wrong_secrets_from_one_address_cost_a_few_calls() {
        let mut tries = Tries::default();
        let asked = attack(&mut tries, |_| b"10.0.0.9".to_vec());
        assert!((20..=31).contains(&asked), "{asked}");
        // Another engine's logins, and one of the same id from elsewhere, are asked for.
        let now = at(20_000);
        assert_eq!(
            tries.may(now, &digest(20_000), SPARK, b"10.0.0.9"),
            Try::Ask
        );
        assert_eq!(
            tries.may(now, &digest(20_001), TRINO, b"10.0.0.1"),
            Try::Ask
        );
        let over = tries.may(now, &digest(20_002), TRINO, b"10.0.0.9");
        assert!(matches!(over, Try::TooMany(_)), "{over:?}");
    }

    #[test]
    fn wrong_secrets_from_everywhere_are_bounded_too() {
        let mut tries = Tries::default();
        let asked = attack(&mut tries, |number| number.to_be_bytes().to_vec());
        assert!((100..=151).contains(&asked), "{asked}");
    }

    #[test]
    fn a_secret_that_was_good_is_never_counted() {
        let mut tries = Tries::default();
        assert_eq!(tries.may(at(0), &digest(0), TRINO, b"a"), Try::Ask);
        tries.was_good(at(0), digest(0));
        attack(&mut tries, |_| b"a".to_vec());
        for _ in 0..1_000 {
            assert_eq!(tries.may(at(20_000), &digest(0), TRINO, b"a"), Try::Ask);
        }
        // Once it is wrong, it counts like any other.
        tries.was_wrong(at(20_000), digest(0));
        assert_eq!(tries.may(at(20_000), &digest(0), TRINO, b"a"), Try::Wrong);
    }

    #[test]
    fn a_wrong_secret_costs_one_call() {
        let mut tries = Tries::default();
        assert_eq!(tries.may(at(0), &digest(7), TRINO, b"a"), Try::Ask);
        tries.was_wrong(at(0), digest(7));
        for second in 0..59 {
            let now = at(second * 1_000);
            assert_eq!(tries.may(now, &digest(7), TRINO, b"a"), Try::Wrong);
        }
        // It may have become the right one.
        assert_eq!(tries.may(at(60_000), &digest(7), TRINO, b"a"), Try::Ask);
    }
}
