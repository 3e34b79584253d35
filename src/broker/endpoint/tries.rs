//! Logins with wrong secrets: how many reach the identity provider.

use std::net::Ipv6Addr;
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;

use super::super::caps::Bucket;
use crate::clock::Instant;
use crate::config::ServiceId;
use crate::limits;

/// A digest of id and secret under a drawn key.
pub(super) type LoginDigest = [u8; 32];

/// What is known of logins.
#[derive(Debug)]
pub(super) struct Tries {
    /// Those that were good, with the time.
    good: LruCache<LoginDigest, Instant>,
    /// Those that were not.
    bad: LruCache<LoginDigest, Instant>,
    /// By whom and from which [`network`].
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

/// Where somebody is who calls from this address: `source.address` as Envoy has it, with the port (`10.0.0.9:4711`,
/// `[2001:db8::1]:4711`), which is another one for each connection. Of an IPv6 address its first 64 bits: the others are
/// for whoever is there to choose.
pub(super) fn network(address: &[u8]) -> Box<[u8]> {
    let colon = address.iter().rposition(|byte| *byte == b':');
    let host = match colon.and_then(|at| address.split_at_checked(at)) {
        Some((host, [_, port @ ..])) if port.iter().all(u8::is_ascii_digit) => host,
        _ => address,
    };
    let inner = host
        .strip_prefix(b"[")
        .and_then(|host| host.strip_suffix(b"]"));
    let inner = inner.and_then(|host| std::str::from_utf8(host).ok()?.parse::<Ipv6Addr>().ok());
    match inner {
        Some(six) if six.to_ipv4_mapped().is_none() => {
            let network = six.octets().into_iter().take(8);
            std::iter::once(b'[').chain(network).collect()
        }
        _ => host.into(),
    }
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
    fn a_network_is_not_left_by_a_new_connection() {
        let same = |one: &[u8], other: &[u8]| network(one) == network(other);
        assert_eq!(&*network(b"10.0.0.9:4711"), b"10.0.0.9");
        assert!(same(b"10.0.0.9:4711", b"10.0.0.9:4712"));
        assert!(!same(b"10.0.0.9:4711", b"10.0.0.8:4711"));
        assert!(same(b"[2001:db8::1]:1", b"[2001:db8::ffff:1:2:3]:2"));
        assert!(!same(b"[2001:db8::1]:1", b"[2001:db8:0:1::1]:1"));
        assert!(!same(b"[::ffff:10.0.0.9]:1", b"[::ffff:10.0.0.8]:1"));
        // What is no such address stays whole.
        for odd in [
            &b""[..],
            b":",
            b"/run/envoy.sock",
            b"a:b",
            b"[x]:1",
            b"[2001:db8::1",
        ] {
            let _ = network(odd);
        }
        assert_eq!(&*network(b"/run/envoy.sock"), b"/run/envoy.sock");
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
