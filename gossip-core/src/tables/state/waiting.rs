//! What waits for its time: gaps to be asked for, and maps of the dead to be forgotten.
//!
//! A gap mostly closes by itself, since what is missing is on its way; so it is asked for only after a while, and then
//! again after longer and longer whiles, since a member may have no room for what it asks for. All that waits for the same
//! while stands in one list in the order in which it began, so the next that is due is the first of some list.

use super::{
    desk::Wait,
    owner::{Owner, Row},
    store::Store,
};
use crate::{tables::table::SlotId, vocabulary::time::Stamp};

impl Owner {
    /// What it waits for, if anything.
    pub(crate) fn wait(&self) -> Option<Wait> {
        Wait::ALL.get(usize::from(self.wait.checked_sub(1)?)).copied()
    }
}

impl Store<'_> {
    /// How many owners wait for a gap to close. Of some it may have closed already.
    pub(crate) fn gaps(&self) -> u32 {
        self.desk.waiting.gaps
    }

    /// The first that began to wait for this, and when it did.
    pub(crate) fn first_waiting(&self, wait: Wait) -> Option<(SlotId, Stamp)> {
        let slot = self.desk.waiting.lists.get(wait.list())?.first()?;
        Some((slot, self.owner(slot).waits_since))
    }

    /// An owner begins to wait, and for nothing else any more.
    pub(crate) fn wait_for(&mut self, slot: SlotId, wait: Wait, now: Stamp) {
        self.wait_no_more(slot);
        let (Some(owner), Some(list)) =
            (self.owners.get_mut(slot as usize), self.desk.waiting.lists.get_mut(wait.list()))
        else {
            return;
        };
        (owner.wait, owner.waits_since) = (wait.list() as u8 + 1, now);
        list.push_back(self.owners, Row::Waiting, slot);
        self.desk.waiting.gaps += u32::from(wait != Wait::Lingering);
    }

    /// An owner waits for nothing any more.
    pub(crate) fn wait_no_more(&mut self, slot: SlotId) {
        let Some(wait) = self.owner(slot).wait() else { return };
        if let Some(owner) = self.owners.get_mut(slot as usize) {
            owner.wait = 0;
        }
        if let Some(list) = self.desk.waiting.lists.get_mut(wait.list()) {
            list.remove(self.owners, Row::Waiting, slot);
        }
        self.desk.waiting.gaps -= u32::from(wait != Wait::Lingering);
    }
}
