//! Token buckets: what bounds every rate.

use crate::vocabulary::time::Instant;
use core::time::Duration;

/// Refills at a rate, holds at most so much. Tokens are bytes or requests; fractions are kept in millionths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    millionths: u64,
    rate: u32,
    capacity: u32,
    filled: Instant,
}

impl Bucket {
    /// A full bucket that refills `rate` tokens a second and holds `capacity`.
    pub(crate) fn new(rate: u32, capacity: u32, now: Instant) -> Self {
        Self { millionths: u64::from(capacity) * 1_000_000, rate, capacity, filled: now }
    }

    /// Another rate and capacity from now on.
    pub(crate) fn resize(&mut self, rate: u32, capacity: u32) {
        (self.rate, self.capacity) = (rate, capacity);
        self.millionths = self.millionths.min(u64::from(capacity) * 1_000_000);
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.as_micros().saturating_sub(self.filled.as_micros());
        let gained = elapsed.saturating_mul(u64::from(self.rate));
        self.millionths = self.millionths.saturating_add(gained).min(u64::from(self.capacity) * 1_000_000);
        self.filled = self.filled.max(now);
    }

    /// Takes `tokens`, if there are as many.
    pub(crate) fn take(&mut self, now: Instant, tokens: u32) -> bool {
        self.take_of(now, tokens, tokens)
    }

    /// Takes `tokens`, if there are as many, and no fewer than `least`: the rest is for others.
    pub(crate) fn take_of(&mut self, now: Instant, tokens: u32, least: u32) -> bool {
        let has = self.has(now, tokens.max(least));
        if has {
            self.spend(tokens);
        }
        has
    }

    /// Whether there are `tokens`.
    pub(crate) fn has(&mut self, now: Instant, tokens: u32) -> bool {
        self.refill(now);
        self.millionths >= u64::from(tokens) * 1_000_000
    }

    /// Takes `tokens`, or all there are.
    pub(crate) fn spend(&mut self, tokens: u32) {
        self.millionths = self.millionths.saturating_sub(u64::from(tokens) * 1_000_000);
    }

    /// How long until there are `tokens`.
    pub(crate) fn wait(&self, tokens: u32) -> Duration {
        let missing = (u64::from(tokens) * 1_000_000).saturating_sub(self.millionths);
        Duration::from_micros(missing.div_ceil(u64::from(self.rate.max(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(10, 5, Instant::ZERO);
        let taken = (0..10).filter(|_| bucket.take(Instant::ZERO, 1)).count();
        assert_eq!(taken, 5);
        assert_eq!(bucket.wait(1), Duration::from_millis(100));
        assert!(!bucket.take(Instant::from_millis(99), 1));
        assert!(bucket.take(Instant::from_millis(100), 1));
        // However long it rests, it holds no more than its burst.
        let later = Instant::NEVER;
        assert_eq!((0..10).filter(|_| bucket.take(later, 1)).count(), 5);
    }

    #[test]
    fn below_the_least_the_rest_is_left_to_others() {
        let mut bucket = Bucket::new(10, 8, Instant::ZERO);
        assert_eq!((0..10).filter(|_| bucket.take_of(Instant::ZERO, 2, 5)).count(), 2);
        assert_eq!((0..10).filter(|_| bucket.take(Instant::ZERO, 1)).count(), 4);
    }
}
