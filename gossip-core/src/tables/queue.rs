//! What to push: which records are pending, and how often each was sent.
//!
//! A member has at most one rumor, its newest record, so superseding is a relink and no origin can crowd out the
//! rest. Pending slots stand in a list per [`Kind`] and number of sends, newest first. A rumor that had all its sends
//! is retired; a retired tombstone goes to the tombstones' list, oldest death first: its head is the next to be
//! forgotten.

use crate::{
    tables::table::{ME, Slot, SlotId},
    vocabulary::{
        bounds::{MAX_ENTRIES, MAX_SENDS, sized},
        record::{Record, Status},
        time::Stamp,
    },
};

/// Pending rumors of a kind, four datagrams full, above which there is more news than can be told soon.
const MANY: u32 = 128;
/// Tombstones passed to find a new one's place among them.
const MAX_STEPS_BACK: usize = 16;
/// The most rumors in one packet.
pub(crate) const MAX_TAKEN: usize = sized(MAX_ENTRIES, 16);

/// `Slot::list`: in no list.
const NONE: u8 = 0;
/// `Slot::list`: a tombstone. Pending slots have what [`Kind::list`] says.
const TOMBSTONE: u8 = u8::MAX;
/// How many kinds of rumors there are.
pub(crate) const KINDS: usize = 2;
/// How many lists of pending slots.
const LISTS: usize = KINDS * MAX_SENDS;

/// Which members a rumor is about. The kinds are told in turn: where many fall silent at once, news about them does not
/// keep the others from hearing of each other; nor the other way round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A member that is alive or has left, as it says itself.
    Living,
    /// A member that is suspect or dead, in those of others.
    Silent,
}

impl Kind {
    pub(crate) const ALL: [Self; KINDS] = [Self::Living, Self::Silent];

    pub(crate) fn of(record: &Record) -> Self {
        match record.status() {
            Status::Alive | Status::Left => Self::Living,
            Status::Suspect | Status::Dead => Self::Silent,
        }
    }

    /// `Slot::list` of a pending slot with this number of sends.
    fn list(self, sends: u8) -> u8 {
        debug_assert!(usize::from(sends) < MAX_SENDS, "a rumor with all its sends is retired");
        1 + sends + self as u8 * MAX_SENDS as u8
    }

    /// The kind of a pending slot, and its number of sends.
    fn of_list(list: u8) -> (Self, u8) {
        debug_assert!((1..=LISTS).contains(&usize::from(list)), "it is not pending");
        let kind = if list < Self::Silent.list(0) { Self::Living } else { Self::Silent };
        (kind, list - kind.list(0))
    }
}

/// Heads of the lists; slots hold the links. `slot + 1`; zero is the end.
#[derive(Clone)]
pub(crate) struct RumorState {
    heads: [u32; LISTS],
    pending: [u32; KINDS],
    oldest: u32,
    youngest: u32,
    tombstones: u32,
}

impl RumorState {
    pub(crate) const EMPTY: Self =
        Self { heads: [0; LISTS], pending: [0; KINDS], oldest: 0, youngest: 0, tombstones: 0 };

    /// How many rumors are pending.
    pub(crate) fn pending(&self) -> u32 {
        self.pending.iter().sum()
    }

    /// How many of one kind are.
    pub(crate) fn pending_of(&self, kind: Kind) -> u32 {
        self.pending[kind as usize]
    }

    /// Whether there is more news of a kind than can be told soon. Then hearing a rumor of it again counts as a send:
    /// half as many do, and who misses some asks for it.
    pub(crate) fn are_many(&self, kind: Kind) -> bool {
        self.pending_of(kind) > MANY
    }

    /// How many tombstones stand in the list (pending ones do not yet).
    pub(crate) fn tombstones(&self) -> u32 {
        self.tombstones
    }

    /// The tombstone of the oldest death.
    pub(crate) fn oldest_tombstone(&self) -> Option<SlotId> {
        self.oldest.checked_sub(1)
    }

    pub(crate) fn is_pending(slot: &Slot) -> bool {
        slot.list != NONE && slot.list != TOMBSTONE
    }

    /// Makes a slot's record news that came into being at `born`, to be sent from the beginning.
    pub(crate) fn enqueue(&mut self, slots: &mut [Slot], slot: SlotId, born: Stamp) {
        self.unlink(slots, slot);
        slots[slot as usize].born = born;
        let list = Kind::of(&slots[slot as usize].record).list(0);
        self.link_pending(slots, slot, list);
    }

    /// Takes a slot out of circulation; a tombstone joins the tombstones, by the time of its death.
    pub(crate) fn retire(&mut self, slots: &mut [Slot], slot: SlotId) {
        self.unlink(slots, slot);
        // A node's own record is never a tombstone to itself, not even after leaving.
        if slot != ME && !slots[slot as usize].record.status().is_live() {
            self.link_tombstone(slots, slot);
        }
    }

    fn link_tombstone(&mut self, slots: &mut [Slot], slot: SlotId) {
        debug_assert_eq!(slots[slot as usize].list, NONE, "a slot is in one list at a time");
        let born = slots[slot as usize].born;
        let (mut previous, mut next) = (self.youngest, 0);
        // Deaths become known nearly in order; one that is further out of order is placed where the steps end.
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

    /// Takes a slot out of the list that it is in, if any.
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
            self.pending[Kind::of_list(list).0 as usize] -= 1
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
        for (list, &head) in (1..).zip(&self.heads) {
            walk(list, head);
        }
        assert_eq!(walk(TOMBSTONE, self.oldest), self.youngest, "the last is the youngest");
        let mut named = [0u32; 256];
        slots.iter().for_each(|slot| named[usize::from(slot.list)] += 1);
        assert_eq!(named[1..], counts[1..], "slots that name a list, and those that it has");
        assert_eq!(self.tombstones, counts[usize::from(TOMBSTONE)]);
        let lists = |kind: Kind| (0..MAX_SENDS as u8).map(move |sends| usize::from(kind.list(sends)));
        assert_eq!(self.pending, Kind::ALL.map(|kind| lists(kind).map(|list| named[list]).sum::<u32>()));
    }

    fn link_pending(&mut self, slots: &mut [Slot], slot: SlotId, list: u8) {
        debug_assert_eq!(slots[slot as usize].list, NONE, "a slot is in one list at a time");
        let next = core::mem::replace(&mut self.heads[usize::from(list) - 1], slot + 1);
        if let Some(next) = next.checked_sub(1) {
            slots[next as usize].previous = slot + 1;
        }
        let entry = &mut slots[slot as usize];
        (entry.previous, entry.next, entry.list) = (0, next, list);
        self.pending[Kind::of_list(list).0 as usize] += 1;
    }

    /// The first pending slot of a kind with at least this number of sends.
    fn first(&self, kind: Kind, sends: u8) -> Option<SlotId> {
        let mut lists = (sends..MAX_SENDS as u8).map(|sends| usize::from(kind.list(sends)) - 1);
        lists.find_map(|list| self.heads[list].checked_sub(1))
    }

    /// The pending slot of the same kind that comes next.
    fn after(&self, slots: &[Slot], slot: SlotId) -> Option<SlotId> {
        let Slot { next, list, .. } = slots[slot as usize];
        let (kind, sends) = Kind::of_list(list);
        next.checked_sub(1).or_else(|| self.first(kind, sends + 1))
    }

    /// Offers pending slots of these kinds in turn, of each the fewest-sent first and the newest first, until `offer`
    /// refuses one or [`MAX_TAKEN`] are taken. Where its kind has a number of `sends`, each one taken counts a send;
    /// after so many it is retired. Returns how many were retired.
    ///
    /// O(slots offered).
    pub(crate) fn take(
        &mut self,
        slots: &mut [Slot],
        kinds: &[Kind],
        sends: [Option<u8>; KINDS],
        mut offer: impl FnMut(SlotId, &Slot) -> bool,
    ) -> u32 {
        let mut taken = heapless::Vec::<(SlotId, Kind), MAX_TAKEN>::new();
        let mut next = Kind::ALL.map(|kind| self.first(kind, 0).filter(|_| kinds.contains(&kind)));
        'full: while next != [None; KINDS] {
            for (next, kind) in next.iter_mut().zip(Kind::ALL) {
                let Some(slot) = *next else { continue };
                if taken.is_full() || !offer(slot, &slots[slot as usize]) {
                    break 'full;
                }
                let _ = taken.push((slot, kind));
                *next = self.after(slots, slot);
            }
        }
        let mut retired = 0;
        // Oldest first, so that the newest ends up first in the next list too.
        for &(slot, kind) in taken.iter().rev() {
            let Some(sends) = sends[kind as usize] else { continue };
            retired += u32::from(self.count_send(slots, slot, sends));
        }
        retired
    }

    /// Counts one send of a pending slot; true when it was the last.
    pub(crate) fn count_send(&mut self, slots: &mut [Slot], slot: SlotId, sends: u8) -> bool {
        let entry = &slots[slot as usize];
        if !Self::is_pending(entry) {
            return false;
        }
        let (kind, sent) = Kind::of_list(entry.list);
        if sent + 1 >= sends.min(MAX_SENDS as u8) {
            self.retire(slots, slot);
            return true;
        }
        self.unlink(slots, slot);
        self.link_pending(slots, slot, kind.list(sent + 1));
        false
    }
}
