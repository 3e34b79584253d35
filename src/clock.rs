//! Time, handed in. Nothing in this library asks the host what time it is.
//!
//! Two clocks, because each is wrong where the other is right: deadlines and lifetimes of our own
//! are measured on the monotonic clock, which an NTP step or an operator's hand cannot move;
//! what tokens say about themselves (`exp`, `nbf`, `iat`) is compared with the wall clock.

use std::time::Duration;

/// The two readings that the host takes once for every event and hands to the [`Broker`].
///
/// [`Broker`]: crate::broker::Broker
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Monotonic clock: for deadlines, lifetimes, rates.
    pub instant: Instant,
    /// Wall clock: for what tokens say about themselves.
    pub unix: UnixTime,
}

/// A point on the monotonic clock, counted from an origin that only the host knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The instant `since_origin` after the clock's origin.
    pub const fn from_origin(since_origin: Duration) -> Self {
        Self(since_origin)
    }

    /// Time that passed since `earlier`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant moved forward, at the most to the end of the clock.
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

/// A point on the wall clock, as a duration since 1970-01-01T00:00:00Z without leap seconds
/// (the NumericDate of RFC 7519 section 2, which may have a fraction).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(Duration);

impl UnixTime {
    /// The time `since_epoch` after 1970.
    pub const fn from_epoch(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// The time that a NumericDate of whole seconds names.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Whole seconds since 1970.
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }

    /// Time that passed since `earlier`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// This time moved forward.
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// This time moved backward, at the most to 1970.
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by))
    }
}
