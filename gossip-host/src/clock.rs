//! The system's monotonic clock, as the core wants it.

use gossip_core::Instant;
use std::time;

/// The system's monotonic clock, counted from when this was made. Setting the time of day does not move it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: time::Instant,
}

impl Clock {
    /// A clock that shows zero now.
    #[expect(clippy::new_without_default, reason = "what begins now is no default")]
    pub fn new() -> Self {
        Self { start: time::Instant::now() }
    }

    /// What it shows.
    pub fn now(self) -> Instant {
        Instant::ZERO + self.start.elapsed()
    }
}
