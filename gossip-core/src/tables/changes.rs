//! What became news lately: the answer to a pull.

use crate::{
    tables::table::SlotId,
    vocabulary::{bounds::sized, time::Stamp},
};

/// Changes remembered: three datagrams of records, or one.
const MAX_CHANGES: usize = sized(64, 16);

/// What became news here, and when; each member once, the newest last.
#[derive(Clone)]
pub(crate) struct Changes(heapless::Vec<(SlotId, Stamp), MAX_CHANGES>);

impl Changes {
    pub(crate) const NONE: Self = Self(heapless::Vec::new());

    /// There is news of a member; the oldest change makes room.
    pub(crate) fn note(&mut self, slot: SlotId, now: Stamp) {
        self.forget(slot);
        if self.0.is_full() {
            self.0.remove(0);
        }
        let _ = self.0.push((slot, now));
    }

    /// A slot is about to be given to another member.
    pub(crate) fn forget(&mut self, slot: SlotId) {
        self.0.retain(|&(changed, _)| changed != slot);
    }

    /// Whose news they are, and since when, the oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (SlotId, Stamp)> + '_ {
        self.0.iter().copied()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The member of one of them, the oldest being the first.
    pub(crate) fn get(&self, at: usize) -> Option<SlotId> {
        self.0.get(at).map(|&(slot, _)| slot)
    }
}
