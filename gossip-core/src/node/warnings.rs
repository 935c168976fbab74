//! When the host is told of what comes from outside.

use crate::vocabulary::{bounds::sized, endpoint::Endpoint, time::Instant};
use core::time::Duration;

/// Time between two events of one kind about one sender.
const EVENT_GAP: Duration = Duration::from_secs(60);
/// How many senders the host is told of in that time, by events of one kind.
const SENDERS: usize = sized(8, 1);

/// Which senders the host was told of.
#[derive(Clone, Debug)]
pub(super) struct Warnings {
    /// One at a time: those of another cluster have nothing to do with this one, and may be many.
    pub(super) foreign: Told<1>,
    pub(super) keys: Told<SENDERS>,
    pub(super) clear: Told<SENDERS>,
}

impl Warnings {
    pub(super) const fn new(now: Instant) -> Self {
        Self { foreign: Told::new(now), keys: Told::new(now), clear: Told::new(now) }
    }
}

/// Senders that events of one kind were about, and until when there is no other one. Where there is no room for one more, the host
/// is not told of it.
#[derive(Clone, Debug)]
pub(super) struct Told<const N: usize>([(Endpoint, u8, Instant); N]);

impl<const N: usize> Told<N> {
    const fn new(now: Instant) -> Self {
        Self([(Endpoint::NOWHERE, 0, now); N])
    }

    /// Whether the host is to be told of a sender now, and of the key that it uses.
    pub(super) fn admits(&mut self, now: Instant, from: Endpoint, key: u8) -> bool {
        if self.0.iter().any(|&(known, of, until)| (known, of) == (from, key) && now < until) {
            return false;
        }
        let free = self.0.iter_mut().find(|(_, _, until)| *until <= now);
        let admits = free.is_some();
        free.into_iter().for_each(|place| *place = (from, key, now + EVENT_GAP));
        admits
    }
}
