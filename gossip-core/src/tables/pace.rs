//! A rate and a burst, in one number.

use crate::vocabulary::time::{Instant, micros};
use core::time::Duration;

/// When all that was taken will have been paid for: the virtual scheduling of the generic cell rate algorithm (ITU-T I.371).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace(Instant);

impl Pace {
    pub(crate) const RESTED: Self = Self(Instant::ZERO);

    /// Takes what is paid for in `cost`, if no more than `burst` is owed then.
    ///
    /// # Errors
    /// How long until it may be taken.
    pub(crate) fn take(&mut self, now: Instant, cost: Duration, burst: Duration) -> Result<(), Duration> {
        let paid = self.0.max(now) + cost;
        let wait = paid.since(now + burst);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.0 = paid;
        Ok(())
    }

    /// Whether as much could be taken.
    pub(crate) fn has(self, now: Instant, cost: Duration, burst: Duration) -> bool {
        let mut pace = self;
        pace.take(now, cost, burst).is_ok()
    }
}

/// How long `bytes` take at `per_second` bytes a second.
pub(crate) fn time_of(bytes: u32, per_second: u32) -> Duration {
    Duration::from_micros(u64::from(bytes) * micros(Duration::from_secs(1)) / u64::from(per_second))
}
