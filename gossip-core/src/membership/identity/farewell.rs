//! A leave under way: until when, and who has acknowledged it.

use crate::{tables::table::SlotId, vocabulary::time::Instant, wire::message::Nonce};
use core::time::Duration;

/// Leaving is done when this many others have acknowledged it, or all if they are fewer: one would do to tell the rest,
/// as with any news; the others are for what may happen to it.
pub(super) const ENOUGH_ACKS: u32 = 3;
/// Or after this.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// How far a leave has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Farewell {
    /// When it stops telling at the latest.
    pub(super) until: Instant,
    /// That of the pings which tell it.
    pub(super) nonce: Nonce,
    /// Who has acknowledged it; of the last one, which makes it enough, the count is all that matters.
    pub(super) by: [SlotId; ENOUGH_ACKS as usize - 1],
    pub(super) acknowledged: u8,
}

/// A place in [`Farewell::by`] without a member.
pub(super) const NOBODY: SlotId = SlotId::MAX;

impl Farewell {
    pub(super) fn new(now: Instant, nonce: Nonce) -> Self {
        let by = [NOBODY; ENOUGH_ACKS as usize - 1];
        Self { until: now + LEAVE_WITHIN, nonce, by, acknowledged: 0 }
    }

    pub(super) fn began(&self) -> Instant {
        self.until - LEAVE_WITHIN
    }

    /// A member has acknowledged it.
    pub(super) fn note(&mut self, member: SlotId) {
        if self.by.contains(&member) {
            return;
        }
        self.acknowledged = self.acknowledged.saturating_add(1);
        if let Some(free) = self.by.iter_mut().find(|by| **by == NOBODY) {
            *free = member;
        }
    }
}
