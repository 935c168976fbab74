//! Time as the host tells it: microseconds since a start of the host's choosing.
//!
//! The core never reads a clock. A host passes an [`Instant`] to every step and is told, in the
//! same unit, when it must call again.

use core::{
    ops::{Add, Sub},
    time::Duration,
};

/// A point on the host's monotonic clock: microseconds since an arbitrary start.
///
/// Arithmetic saturates at both ends, so no clock reading can make the core overflow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct Instant(u64);

impl Instant {
    /// The start of the host's clock.
    pub const ZERO: Self = Self(0);
    /// Later than anything that happens: "no deadline".
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `micros` microseconds after the clock's start.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The instant `millis` milliseconds after the clock's start.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since the clock's start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    pub(crate) const fn stamp(self) -> Stamp {
        Stamp((self.0 / 1_000) as u32)
    }
}

/// A duration as whole microseconds, saturating.
// Where flash is scarce, once for all callers.
#[cfg_attr(not(feature = "alloc"), inline(never))]
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

/// A coarse point in time for the tables: milliseconds, modulo 2^32 (49.7 days).
///
/// Two stamps compare rightly while they lie less than 24.8 days apart. Suspicions and tombstones (two weeks at the
/// most) do. The news of a live member may be older; its age is then told as zero, which decides nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, bytemuck::Zeroable)]
#[repr(transparent)]
pub(crate) struct Stamp(pub(crate) u32);

impl Stamp {
    /// Milliseconds from `earlier` to `self`; zero when `earlier` is in fact the later one.
    pub(crate) fn since(self, earlier: Self) -> u32 {
        let elapsed = self.0.wrapping_sub(earlier.0);
        if elapsed > u32::MAX / 2 { 0 } else { elapsed }
    }

    pub(crate) fn is_before(self, other: Self) -> bool {
        other.0.wrapping_sub(self.0).wrapping_sub(1) < u32::MAX / 2
    }

    pub(crate) fn plus(self, millis: u32) -> Self {
        Self(self.0.wrapping_add(millis))
    }

    pub(crate) fn minus(self, millis: u32) -> Self {
        Self(self.0.wrapping_sub(millis))
    }
}

/// A point in time on the judgement clock, which stands still while this node itself was paused. It has no order with
/// the host's time: only the clock translates between the two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, bytemuck::Zeroable)]
#[repr(transparent)]
pub(crate) struct Judged<T>(pub(crate) T);

impl Judged<Instant> {
    /// No deadline.
    pub(crate) const NEVER: Self = Self(Instant::NEVER);
    pub(crate) const ZERO: Self = Self(Instant::ZERO);

    pub(crate) const fn since(self, earlier: Self) -> Duration {
        self.0.since(earlier.0)
    }

    pub(crate) const fn stamp(self) -> Judged<Stamp> {
        Judged(self.0.stamp())
    }
}

impl<T: Add<Duration, Output = T>> Add<Duration> for Judged<T> {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0 + duration)
    }
}

impl<T: Sub<Duration, Output = T>> Sub<Duration> for Judged<T> {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0 - duration)
    }
}

impl Judged<Stamp> {
    pub(crate) fn since(self, earlier: Self) -> u32 {
        self.0.since(earlier.0)
    }

    pub(crate) fn is_before(self, other: Self) -> bool {
        self.0.is_before(other.0)
    }

    pub(crate) fn plus(self, millis: u32) -> Self {
        Self(self.0.plus(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_saturate_at_both_ends() {
        assert_eq!(Instant::NEVER + Duration::MAX, Instant::NEVER);
        assert_eq!(Instant::ZERO - Duration::from_secs(1), Instant::ZERO);
        assert_eq!(Instant::ZERO.since(Instant::NEVER), Duration::ZERO);
    }

    #[test]
    fn stamps_keep_their_order_across_the_wrap() {
        let before = Stamp(u32::MAX - 5);
        let after = before.plus(10);
        assert!(before.is_before(after) && !after.is_before(before) && !after.is_before(after));
        assert_eq!((after.since(before), before.since(after)), (10, 0));
        assert_eq!(after.minus(10), before);
    }
}
