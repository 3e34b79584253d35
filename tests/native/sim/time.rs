//! Time passes, and clocks are set.

use std::time::Duration;

use super::world::World;

impl World {
    pub(crate) fn pass_ms(&mut self, milliseconds: u64) {
        self.pass(Duration::from_millis(milliseconds));
    }

    pub(crate) fn pass_s(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// Time passes: calls are answered, and the broker is ticked when it wants to be. That it is enough to
    /// tick it then is tested on the way: a tick before that does nothing.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.instant.plus(time);
        loop {
            let answer = self
                .calls
                .iter()
                .filter_map(|(id, pending)| Some((pending.due?, *id)))
                .min();
            let deadline = self.broker.next_deadline();
            let next = match (answer, deadline) {
                (Some((due, _)), Some(deadline)) => due.min(deadline),
                (Some((due, _)), None) => due,
                (None, Some(deadline)) => deadline,
                (None, None) => end,
            }
            .min(end);
            let early = next.since(self.now.instant) / 2;
            if !early.is_zero() {
                self.move_on(early);
                self.broker.tick(self.now);
                let effect = self.broker.poll_effect();
                assert!(effect.is_none(), "a tick before its time: {effect:?}");
            }
            self.move_on(next.since(self.now.instant));
            match answer {
                Some((due, id)) if due <= self.now.instant => {
                    let scripted = self.calls[&id].answer.clone();
                    self.deliver(id, scripted);
                }
                _ if deadline.is_some_and(|deadline| deadline <= self.now.instant) => {
                    self.broker.tick(self.now);
                    self.settle();
                    let next = self.broker.next_deadline();
                    assert!(
                        next.is_none_or(|next| next > self.now.instant),
                        "a tick leaves nothing undone"
                    );
                }
                _ => break,
            }
        }
        self.check();
    }

    fn move_on(&mut self, time: Duration) {
        self.now.instant = self.now.instant.plus(time);
        self.now.unix = self.now.unix.plus(time);
        self.true_time += time;
    }

    /// The gate's wall clock is set; the identity providers' is not.
    pub(crate) fn set_clock_forward(&mut self, by: Duration) {
        self.now.unix = self.now.unix.plus(by);
        self.clock_was_moved = true;
    }

    pub(crate) fn set_clock_back(&mut self, by: Duration) {
        self.now.unix = self.now.unix.minus(by);
        self.clock_was_moved = true;
    }
}
