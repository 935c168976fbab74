//! What to push: which records are hot, and how often each was sent.
//!
//! A member has at most one rumor, its newest record, so superseding is a relink and no origin can crowd out
//! the rest. Hot slots stand in a list per number of sends, newest first. A rumor that had all its sends cools;
//! a cool tombstone goes to the tombstones' list, oldest death first: its head is the next to be forgotten.

use crate::{
    memory::sized,
    table::{ME, Slot, SlotId},
    time::Stamp,
};

/// The most sends of any rumor: `retransmit_factor` 4 at two million members, 6 at ten thousand.
pub(crate) const MAX_SENDS: usize = 30;
/// Tombstones passed to find a new one's place among them.
const MAX_STEPS_BACK: usize = 16;
/// The most rumors in one packet.
pub(crate) const MAX_TAKEN: usize = sized(crate::outbox::MAX_ENTRIES, 16);

/// `Slot::list`: in no list.
const NONE: u8 = 0;
/// `Slot::list`: a tombstone. Hot slots have their number of sends, plus one.
const TOMBSTONE: u8 = u8::MAX;

/// Heads of the lists; slots hold the links. `slot + 1`; zero is the end.
#[derive(Clone)]
pub(crate) struct RumorState {
    heads: [u32; MAX_SENDS],
    hot: u32,
    oldest: u32,
    youngest: u32,
    tombstones: u32,
}

impl RumorState {
    pub(crate) const EMPTY: Self =
        Self { heads: [0; MAX_SENDS], hot: 0, oldest: 0, youngest: 0, tombstones: 0 };

    /// How many rumors are hot.
    pub(crate) fn hot(&self) -> u32 {
        self.hot
    }

    /// How many tombstones stand in the list (hot ones do not yet).
    pub(crate) fn tombstones(&self) -> u32 {
        self.tombstones
    }

    /// The tombstone of the oldest death.
    pub(crate) fn oldest_tombstone(&self) -> Option<SlotId> {
        self.oldest.checked_sub(1)
    }

    pub(crate) fn is_hot(slot: &Slot) -> bool {
        slot.list != NONE && slot.list != TOMBSTONE
    }

    /// Makes a slot's record news that came into being at `born`, to be sent from the beginning.
    pub(crate) fn heat(&mut self, slots: &mut [Slot], slot: SlotId, born: Stamp) {
        self.unlink(slots, slot);
        slots[slot as usize].born = born;
        self.link_hot(slots, slot, 0);
    }

    /// Takes a slot out of circulation; a tombstone joins the tombstones, by the time of its death.
    pub(crate) fn cool(&mut self, slots: &mut [Slot], slot: SlotId) {
        self.unlink(slots, slot);
        // One's own record is never a tombstone to oneself, not even after leaving.
        if slot != ME && !slots[slot as usize].record.status().is_live() {
            self.link_tombstone(slots, slot);
        }
    }

    fn link_tombstone(&mut self, slots: &mut [Slot], slot: SlotId) {
        let born = slots[slot as usize].born;
        let (mut previous, mut next) = (self.youngest, 0);
        // Deaths are heard of nearly in order; one that is out of it by more stands where the steps end.
        for _ in 0..MAX_STEPS_BACK {
            let Some(before) = previous.checked_sub(1) else { break };
            if !born.is_before(slots[before as usize].born) {
                break;
            }
            (previous, next) = (slots[before as usize].previous, previous);
        }
        match previous.checked_sub(1) {
            Some(previous) => slots[previous as usize].next = slot + 1,
            None => self.oldest = slot + 1,
        }
        match next.checked_sub(1) {
            Some(next) => slots[next as usize].previous = slot + 1,
            None => self.youngest = slot + 1,
        }
        let entry = &mut slots[slot as usize];
        (entry.previous, entry.next, entry.list) = (previous, next, TOMBSTONE);
        self.tombstones += 1;
    }

    /// Takes a slot out of whatever list it is in.
    pub(crate) fn unlink(&mut self, slots: &mut [Slot], slot: SlotId) {
        let Slot { previous, next, list, .. } = slots[slot as usize];
        if list == NONE {
            return;
        }
        match previous.checked_sub(1) {
            Some(previous) => slots[previous as usize].next = next,
            None if list == TOMBSTONE => self.oldest = next,
            None => self.heads[usize::from(list) - 1] = next,
        }
        match next.checked_sub(1) {
            Some(next) => slots[next as usize].previous = previous,
            None if list == TOMBSTONE => self.youngest = previous,
            None => {}
        }
        if list == TOMBSTONE {
            self.tombstones -= 1
        } else {
            self.hot -= 1
        }
        let entry = &mut slots[slot as usize];
        (entry.previous, entry.next, entry.list) = (0, 0, NONE);
    }

    /// Panics unless every slot is in the list that it says, once, and the counts are right.
    #[cfg(any(fuzzing, all(test, feature = "alloc")))]
    pub(crate) fn check(&self, slots: &[Slot]) {
        let mut counts = [0u32; 256];
        let mut walk = |list: u8, head: u32| {
            let (mut before, mut at) = (0, head);
            while let Some(slot) = at.checked_sub(1) {
                let entry = &slots[slot as usize];
                assert_eq!((entry.list, entry.previous), (list, before), "slot {slot}");
                counts[usize::from(list)] += 1;
                assert!(counts[usize::from(list)] as usize <= slots.len(), "a list has a loop");
                (before, at) = (at, entry.next);
            }
            before
        };
        for (sends, &head) in self.heads.iter().enumerate() {
            walk(sends as u8 + 1, head);
        }
        assert_eq!(walk(TOMBSTONE, self.oldest), self.youngest, "the last is the youngest");
        let mut named = [0u32; 256];
        slots.iter().for_each(|slot| named[usize::from(slot.list)] += 1);
        assert_eq!(named[1..], counts[1..], "slots that name a list, and those that it has");
        assert_eq!(self.tombstones, counts[usize::from(TOMBSTONE)]);
        assert_eq!(self.hot, slots.len() as u32 - named[0] - self.tombstones);
    }

    fn link_hot(&mut self, slots: &mut [Slot], slot: SlotId, sends: u8) {
        let next = core::mem::replace(&mut self.heads[usize::from(sends)], slot + 1);
        if let Some(next) = next.checked_sub(1) {
            slots[next as usize].previous = slot + 1;
        }
        let entry = &mut slots[slot as usize];
        (entry.previous, entry.next, entry.list) = (0, next, sends + 1);
        self.hot += 1;
    }

    /// Offers hot slots, fewest-sent first and newest first, until `offer` refuses one or [`MAX_TAKEN`] are
    /// taken. Each one taken counts a send; after `sends` of them it cools. Returns how many cooled.
    ///
    /// O(slots offered).
    pub(crate) fn take(
        &mut self,
        slots: &mut [Slot],
        sends: u8,
        mut offer: impl FnMut(SlotId, &Slot) -> bool,
    ) -> u32 {
        let mut taken = heapless::Vec::<SlotId, MAX_TAKEN>::new();
        'full: for head in self.heads {
            let mut at = head;
            while let Some(slot) = at.checked_sub(1) {
                let entry = &slots[slot as usize];
                if taken.is_full() || !offer(slot, entry) {
                    break 'full;
                }
                let _ = taken.push(slot);
                at = entry.next;
            }
        }
        let mut cooled = 0;
        // Oldest first, so that the newest ends up first in the next list too.
        for &slot in taken.iter().rev() {
            cooled += u32::from(self.count_send(slots, slot, sends));
        }
        cooled
    }

    /// Counts one send of a hot slot; true when it was the last.
    pub(crate) fn count_send(&mut self, slots: &mut [Slot], slot: SlotId, sends: u8) -> bool {
        let sent = slots[slot as usize].list; // sends so far, plus one: the new count
        if !Self::is_hot(&slots[slot as usize]) {
            return false;
        }
        if sent >= sends.min(MAX_SENDS as u8) {
            self.cool(slots, slot);
            return true;
        }
        self.unlink(slots, slot);
        self.link_hot(slots, slot, sent);
        false
    }
}
