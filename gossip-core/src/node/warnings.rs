//! When the host is told of what comes from outside.

use crate::vocabulary::time::Instant;

/// When the next events about what comes from outside may be raised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Warnings {
    pub(super) foreign: Instant,
    pub(super) key: Instant,
}

impl Warnings {
    pub(super) const fn new(now: Instant) -> Self {
        Self { foreign: now, key: now }
    }
}
