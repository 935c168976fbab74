//! What is to be told of whom: each owner at most once, however much of it is new, so that no owner crowds out the others.
//!
//! An owner's news is told a number of times: first its entries, then only that there are some ([`Form`]). Members that have
//! them already, more and more of all, then cost six bytes each; those that do not have them ask at once.

use super::{owner::Row, store::Store};
use crate::{
    tables::table::SlotId,
    vocabulary::{
        bounds::{MAX_SENDS, sized},
        time::Stamp,
    },
};

/// The most owners told of in one packet.
const MAX_TAKEN: usize = sized(96, 12);

/// In which form an owner's news is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// An item with its entries.
    Payload,
    /// That there is news.
    Head,
}

impl Store<'_> {
    /// How many owners are pending.
    pub(crate) fn pending(&self) -> u32 {
        self.desk.pending.count
    }

    /// There is news of an owner, above the version `since`, that came into being at `born`: it is told from the
    /// beginning.
    pub(crate) fn enqueue(&mut self, slot: SlotId, since: u32, born: Stamp) {
        let was_pending = self.owner(slot).is_pending();
        self.retire(slot);
        let Some(owner) = self.owners.get_mut(slot as usize) else { return };
        owner.since = if was_pending { owner.since.min(since) } else { since };
        owner.born = born;
        self.link(slot, 0);
    }

    /// Whether an owner's news waits for its first send.
    pub(crate) fn is_untold(&self, slot: SlotId) -> bool {
        self.owner(slot).sends == 1
    }

    /// Nothing more is to be told of an owner.
    pub(crate) fn retire(&mut self, slot: SlotId) {
        let Some(owner) = self.owners.get_mut(slot as usize) else { return };
        let Some(sends) = core::mem::take(&mut owner.sends).checked_sub(1) else { return };
        if let Some(list) = self.desk.pending.list(sends) {
            list.remove(self.owners, Row::Pending, slot);
            self.desk.pending.count -= 1;
        }
    }

    fn link(&mut self, slot: SlotId, sends: u8) {
        let Some(list) = self.desk.pending.list(sends) else {
            return debug_assert!(false, "there is a list for each number of sends");
        };
        list.push_front(self.owners, Row::Pending, slot);
        self.desk.pending.count += 1;
        if let Some(owner) = self.owners.get_mut(slot as usize) {
            owner.sends = sends + 1;
        }
    }

    fn after(&self, slot: SlotId) -> Option<SlotId> {
        let owner = self.owner(slot);
        owner.pending.next.checked_sub(1).or_else(|| self.desk.pending.first(owner.sends))
    }

    /// Offers pending owners, the fewest-told first and the newest first, until `offer` refuses one. If it `counts`, each
    /// one taken has had a send; after `sends`, the last of which tell `heads`, it is retired. Returns how many were retired.
    pub(crate) fn take(
        &mut self,
        (sends, heads): (u8, u8),
        counts: bool,
        mut offer: impl FnMut(&mut Self, SlotId, Form) -> bool,
    ) -> u32 {
        let mut taken = heapless::Vec::<SlotId, MAX_TAKEN>::new();
        let mut next = self.desk.pending.first(0);
        while let Some(slot) = next.filter(|_| !taken.is_full()) {
            let told = self.owner(slot).sends.saturating_sub(1);
            let form = if told < sends.saturating_sub(heads) { Form::Payload } else { Form::Head };
            if !offer(self, slot, form) {
                break;
            }
            let _ = taken.push(slot);
            next = self.after(slot);
        }
        // The oldest first, so that the newest ends up first in the next list, too.
        let before = self.pending();
        taken.iter().rev().filter(|_| counts).for_each(|&slot| self.count_send(slot, sends));
        before - self.pending()
    }

    /// Counts a send of a pending owner, which is retired after `sends`.
    pub(crate) fn count_send(&mut self, slot: SlotId, sends: u8) {
        let told = self.owner(slot).sends;
        self.retire(slot);
        if told < sends.min(MAX_SENDS as u8) {
            self.link(slot, told);
        }
    }
}
