//! What was asked for lately.

use super::{
    event::Head,
    limits::{ASK_AGAIN, MAX_ASKED},
};
use crate::vocabulary::time::Instant;

/// Heads that were asked about, each with the time from when on it may be asked about again; the latest last.
#[derive(Clone, Debug)]
pub(super) struct Asked(heapless::Vec<(Head, Instant), MAX_ASKED>);

impl Asked {
    pub(super) const NONE: Self = Self(heapless::Vec::new());

    /// Notes that a head is asked about; false if it was, just before.
    pub(super) fn note(&mut self, now: Instant, head: Head) -> bool {
        self.0.retain(|&(_, again)| again > now);
        if self.0.iter().any(|&(asked, _)| asked == head) {
            return false;
        }
        if self.0.is_full() {
            self.0.remove(0);
        }
        self.0.push((head, now + ASK_AGAIN)).is_ok()
    }
}
