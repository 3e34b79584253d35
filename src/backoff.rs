//! When to leave an identity provider that is at fault alone, and when to try it again.
//!
//! ```text
//!              fault                        pause is over, may_start
//!   Healthy ──────────▶ Pausing (Wait) ──────────────────────────────▶ Probing (Probe, then Wait)
//!      ▲                    ▲   └─ fault: same step                        │      │        │
//!      │                    └──────────── fault: next step ◀───────────────┘      │        │
//!      │                                                        probe_ended ──────┘        │
//!      └──────────────────────────── success, from anywhere ───────────────────────────────┘
//!                                                      (probe_ended: the next one may probe)
//! ```

use std::time::Duration;

use crate::clock::Instant;
use crate::limits::{BACKOFF_MAX, BACKOFF_MIN};

/// A probe that was not heard of for so long is given up, so that one lost answer cannot keep the
/// gate shut for ever. Longer than any timeout of a call that is sane.
const PROBE_LOST: Duration = Duration::from_secs(60);

/// The health of one identity provider, as its last answers showed it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Backoff {
    state: State,
    /// The last one, since the last success, whose call failed in a way that may be theirs alone.
    suspect: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
enum State {
    #[default]
    Healthy,
    Pausing {
        until: Instant,
        /// How often the pause was doubled.
        step: u32,
        /// The one call that goes first after the pause, given up at this instant.
        probe: Option<Instant>,
    },
}

/// Whether a call may start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Yes, as many as there are.
    Go,
    /// Yes, this one; the others wait for what becomes of it. Whoever gets this word must end it with
    /// [`Backoff::success`], [`Backoff::fault`] or [`Backoff::probe_ended`].
    Probe,
    /// No; ask again after this time. Never zero.
    Wait(Duration),
}

impl Backoff {
    /// The identity provider answered as one that works, whatever it said to this caller.
    pub fn success(&mut self) {
        self.state = State::Healthy;
        self.suspect = None;
    }

    /// A call ended in a way that makes more calls pointless for now.
    ///
    /// The pause is [`BACKOFF_MIN`] at first and doubles up to [`BACKOFF_MAX`]. Of it a random part,
    /// at most half, is left out (`jitter`: all 32 bits random), so that workers and gates do not
    /// come back in step. It is at least `at_least`, which is what the answer's `Retry-After` asks
    /// for. Faults during a pause are the rest of the burst that began it: they do not double it.
    pub fn fault(&mut self, now: Instant, jitter: u32, at_least: Option<Duration>) {
        let at_least = at_least.unwrap_or_default();
        let (until, step) = match self.state {
            State::Pausing { until, step, .. } if now < until => {
                (until.max(now.plus(at_least)), step)
            }
            State::Pausing { step, .. } => {
                let step = step.saturating_add(1);
                (now.plus(pause(step, jitter).max(at_least)), step)
            }
            State::Healthy => (now.plus(pause(0, jitter).max(at_least)), 0),
        };
        self.state = State::Pausing {
            until,
            step,
            probe: None,
        };
    }

    /// A call for `who` ended in a way that may be about them alone, or about everybody. It counts as a
    /// [`fault`](Self::fault) only when the call of somebody else ended so before, with no success in
    /// between; or when it is the first of them after a pause that had another cause. Whoever fails again
    /// and again shuts out nobody.
    pub fn suspicion(&mut self, now: Instant, jitter: u32, who: &str) {
        let again = self.suspect.as_deref() == Some(who);
        let first = self.suspect.is_none() && self.state == State::Healthy;
        if !again {
            self.suspect = Some(who.into());
        }
        if !again && !first {
            self.fault(now, jitter, None);
        }
    }

    /// How long a call would have to wait now; `None` when it may start. Changes nothing.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        match &self.state {
            State::Healthy => None,
            State::Pausing { until, .. } if now < *until => Some(until.since(now)),
            State::Pausing {
                probe: Some(lost_at),
                ..
            } if now < *lost_at => Some(BACKOFF_MIN),
            State::Pausing { .. } => None,
        }
    }

    /// What is left of the pause; zero when there is none.
    pub fn pause_left(&self, now: Instant) -> Duration {
        match self.state {
            State::Healthy => Duration::ZERO,
            State::Pausing { until, .. } => until.since(now),
        }
    }

    /// The probe ended and says nothing about the identity provider's health: the next call may be
    /// a probe at once. Without a probe under way this changes nothing.
    pub fn probe_ended(&mut self) {
        if let State::Pausing { probe, .. } = &mut self.state {
            *probe = None;
        }
    }

    /// Whether a call may start. After a pause exactly one caller is told [`Start::Probe`].
    pub fn may_start(&mut self, now: Instant) -> Start {
        if let Some(rest) = self.wait(now) {
            return Start::Wait(rest);
        }
        match &mut self.state {
            State::Healthy => Start::Go,
            State::Pausing { probe, .. } => {
                *probe = Some(now.plus(PROBE_LOST));
                Start::Probe
            }
        }
    }
}

/// The pause of a step: between a half and the whole of `BACKOFF_MIN * 2^step`, inside the bounds.
fn pause(step: u32, jitter: u32) -> Duration {
    let whole = BACKOFF_MIN
        .saturating_mul(2u32.saturating_pow(step))
        .min(BACKOFF_MAX);
    let random = whole.mul_f64(0.5 * f64::from(jitter) / f64::from(u32::MAX));
    whole.saturating_sub(random).max(BACKOFF_MIN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NO_JITTER: u32 = 0;

    fn at(milliseconds: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(milliseconds))
    }

    fn wait(milliseconds: u64) -> Start {
        Start::Wait(Duration::from_millis(milliseconds))
    }

    #[test]
    fn a_fault_a_probe_and_back_to_health() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.may_start(at(0)), Start::Go);
        backoff.fault(at(1000), NO_JITTER, None);
        assert_eq!(backoff.may_start(at(1000)), wait(250));
        assert_eq!(backoff.pause_left(at(1000)), Duration::from_millis(250));
        assert_eq!(backoff.may_start(at(1249)), wait(1));
        assert_eq!(backoff.may_start(at(1250)), Start::Probe);
        assert_eq!(backoff.pause_left(at(1250)), Duration::ZERO);
        assert_eq!(backoff.may_start(at(1250)), wait(250));
        assert_eq!(backoff.may_start(at(5000)), wait(250));
        backoff.success();
        assert_eq!(backoff.may_start(at(5000)), Start::Go);
        assert_eq!(backoff.may_start(at(5000)), Start::Go);
        assert_eq!(backoff, Backoff::default());
    }

    #[test]
    fn each_probe_that_fails_doubles_the_pause_up_to_ten_seconds() {
        let mut backoff = Backoff::default();
        let mut now = 0;
        for expected in [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000] {
            backoff.fault(at(now), NO_JITTER, None);
            assert_eq!(backoff.may_start(at(now)), wait(expected));
            now += expected;
            assert_eq!(backoff.may_start(at(now)), Start::Probe);
        }
    }

    #[test]
    fn a_burst_is_one_step() {
        let mut backoff = Backoff::default();
        for _ in 0..64 {
            backoff.fault(at(100), NO_JITTER, None);
        }
        assert_eq!(backoff.may_start(at(100)), wait(250));
        assert_eq!(backoff.may_start(at(350)), Start::Probe);
        backoff.fault(at(400), NO_JITTER, None);
        assert_eq!(backoff.may_start(at(400)), wait(500));
    }

    #[test]
    fn retry_after_is_honoured_and_never_shortens() {
        let mut backoff = Backoff::default();
        backoff.fault(at(0), NO_JITTER, Some(Duration::from_secs(30)));
        assert_eq!(backoff.may_start(at(0)), wait(30_000));
        backoff.fault(at(1000), NO_JITTER, Some(Duration::from_secs(1)));
        assert_eq!(backoff.may_start(at(1000)), wait(29_000));
        backoff.fault(at(1000), NO_JITTER, Some(Duration::from_secs(40)));
        assert_eq!(backoff.may_start(at(1000)), wait(40_000));
        backoff.fault(at(41_000), NO_JITTER, None);
        assert_eq!(backoff.may_start(at(41_000)), wait(500));
    }

    #[test]
    fn a_probe_that_says_nothing_makes_room_for_the_next() {
        let mut backoff = Backoff::default();
        backoff.probe_ended();
        assert_eq!(backoff.may_start(at(0)), Start::Go);
        backoff.fault(at(0), NO_JITTER, None);
        assert_eq!(backoff.may_start(at(250)), Start::Probe);
        backoff.probe_ended();
        assert_eq!(backoff.may_start(at(251)), Start::Probe);
        backoff.fault(at(252), NO_JITTER, None);
        assert_eq!(backoff.may_start(at(252)), wait(500));
    }

    #[test]
    fn a_probe_that_is_never_heard_of_again_is_given_up() {
        let mut backoff = Backoff::default();
        backoff.fault(at(0), NO_JITTER, None);
        assert_eq!(backoff.may_start(at(250)), Start::Probe);
        assert_eq!(backoff.may_start(at(60_249)), wait(250));
        assert_eq!(backoff.may_start(at(60_250)), Start::Probe);
        assert_eq!(backoff.may_start(at(60_250)), wait(250));
    }

    #[test]
    fn one_who_fails_again_and_again_makes_no_pause_and_a_second_one_does() {
        let mut backoff = Backoff::default();
        for n in 0..100 {
            backoff.suspicion(at(n), NO_JITTER, "bob");
            assert_eq!(backoff.may_start(at(n)), Start::Go);
        }
        // A success between the two says that it is about them.
        backoff.success();
        backoff.suspicion(at(100), NO_JITTER, "carol");
        assert_eq!(backoff.may_start(at(100)), Start::Go);
        backoff.suspicion(at(100), NO_JITTER, "bob");
        assert_eq!(backoff.may_start(at(100)), wait(250));
        // Bob's probe says nothing that was not known.
        assert_eq!(backoff.may_start(at(350)), Start::Probe);
        backoff.suspicion(at(400), NO_JITTER, "bob");
        backoff.probe_ended();
        assert_eq!(backoff.may_start(at(400)), Start::Probe);
        backoff.suspicion(at(450), NO_JITTER, "carol");
        assert_eq!(backoff.may_start(at(450)), wait(500));
    }

    #[test]
    fn a_suspicion_after_a_pause_of_another_cause_prolongs_it_once() {
        let mut backoff = Backoff::default();
        backoff.fault(at(0), NO_JITTER, None);
        assert_eq!(backoff.may_start(at(250)), Start::Probe);
        backoff.suspicion(at(250), NO_JITTER, "bob");
        assert_eq!(backoff.may_start(at(250)), wait(500));
        assert_eq!(backoff.may_start(at(750)), Start::Probe);
        backoff.suspicion(at(750), NO_JITTER, "bob");
        backoff.probe_ended();
        assert_eq!(backoff.may_start(at(750)), Start::Probe);
    }

    #[test]
    fn jitter_takes_off_at_most_half() {
        let cases = [
            (0, NO_JITTER, 250),
            (0, u32::MAX, 250),
            (1, u32::MAX, 250),
            (2, u32::MAX, 500),
            (2, 1 << 31, 750),
        ];
        for (step, jitter, expected) in cases {
            assert_eq!(pause(step, jitter).as_millis(), expected, "{step} {jitter}");
        }
        assert_eq!(pause(u32::MAX, u32::MAX), Duration::from_secs(5));
    }

    #[derive(Clone, Debug)]
    enum Event {
        Fault(u32, Option<u64>),
        Success,
        ProbeEnded,
        Start,
        Pass(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (any::<u32>(), prop::option::of(0..20_000u64))
                .prop_map(|(jitter, ms)| Event::Fault(jitter, ms)),
            Just(Event::Success),
            Just(Event::ProbeEnded),
            Just(Event::Start),
            (0..30_000u64).prop_map(Event::Pass),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_waits_are_bounded_and_it_recovers(events in prop::collection::vec(event(), 0..60)) {
            let mut backoff = Backoff::default();
            let mut now = at(0);
            let mut probing = false;
            for event in events {
                match event {
                    Event::Fault(jitter, ms) => {
                        let at_least = ms.map(Duration::from_millis);
                        backoff.fault(now, jitter, at_least);
                        probing = false;
                        let Start::Wait(rest) = backoff.clone().may_start(now) else {
                            return Err(TestCaseError::fail("a fault makes a pause"));
                        };
                        prop_assert!(rest >= at_least.unwrap_or_default());
                    }
                    Event::Success => {
                        backoff.success();
                        probing = false;
                    }
                    Event::ProbeEnded => {
                        backoff.probe_ended();
                        probing = false;
                    }
                    Event::Pass(ms) => now = now.plus(Duration::from_millis(ms)),
                    Event::Start => match backoff.may_start(now) {
                        Start::Probe => {
                            // Only a probe that was given up makes room for a second one.
                            probing = true;
                        }
                        Start::Go => prop_assert!(!probing),
                        Start::Wait(rest) => {
                            prop_assert!(!rest.is_zero());
                            prop_assert!(rest <= Duration::from_secs(20));
                        }
                    },
                }
            }
            // However it stands, after the longest pause somebody may try, and one success heals.
            let later = now.plus(Duration::from_secs(60));
            prop_assert!(!matches!(backoff.may_start(later), Start::Wait(_)));
            backoff.success();
            prop_assert_eq!(backoff.may_start(later), Start::Go);
        }

        #[test]
        fn pauses_are_bounded_and_monotone(step in 0..40u32, jitter in any::<u32>()) {
            prop_assert!((BACKOFF_MIN..=BACKOFF_MAX).contains(&pause(step, jitter)));
            prop_assert!(pause(step, jitter) <= pause(step.saturating_add(1), jitter));
            prop_assert!(pause(step, jitter) <= pause(step, 0));
        }

        #[test]
        fn one_probe_at_a_time(tries in 2..50usize, jitter in any::<u32>()) {
            let mut backoff = Backoff::default();
            backoff.fault(at(0), jitter, None);
            let started = (0..tries).filter(|_| backoff.may_start(at(10_000)) == Start::Probe).count();
            prop_assert_eq!(started, 1);
        }
    }
}
