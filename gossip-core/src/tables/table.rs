//! The member table: a slot per member, found by id, walked in probe order, sorted by zone, summed into
//! fingerprints.
//!
//! Every operation is O(1), or O(zones) where a member comes, goes or moves, and allocates nothing. The node itself
//! has a slot, an index entry and its share of the sums like every member, but no place in the ring: no node probes
//! itself.

#[cfg(any(fuzzing, all(test, feature = "alloc")))]
mod check;
pub(crate) mod index;
pub(crate) mod pool;
mod ring;
pub(crate) mod sums;
mod zones;

use crate::vocabulary::{
    record::{Fingerprint, Merge, NodeId, Reachability, Record, Status},
    rng::Rng,
    time::Stamp,
};
use bytemuck::Zeroable;
use index::Place;
use sums::{Share, Sums};
use zones::Stretches;

/// Which slot of the table.
pub(crate) type SlotId = u32;

/// The node's own slot.
pub(crate) const ME: SlotId = 0;

/// See [`Slot::is_told`].
const TOLD: u8 = 4;
/// See [`Slot::has_answered`].
const ANSWERED: u8 = 8;

/// The most open suspicions that a slot can count for an accuser: four bits.
const MAX_OPEN: u8 = 15;
/// Members after this node that are looked at for its successor.
const MAX_SUCCESSORS: usize = 16;
/// The bits of [`Slot::ring`].
const POSITION: u32 = (1 << 27) - 1;
const SILENT: u32 = 1 << 27;
const DAMPING: u32 = 28;
/// See [`Slot::damping_level`]: four bits.
const MAX_DAMPING: u32 = 15;

/// What a node keeps of one member: the shared record, and 20 bytes of its own. 64 bytes, all zero when empty.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(crate) struct Slot {
    pub(crate) record: Record,
    /// Place in the ring in the low 27 bits; above it whether it is silent, and in the highest four its level of
    /// damping.
    ring: u32,
    /// Links of the one list that a slot is in: a rumor's bucket, the tombstones, or the free slots.
    /// `slot + 1`; zero is the end.
    pub(crate) previous: u32,
    pub(crate) next: u32,
    /// When the newest news of this member came into being, by our clock.
    pub(crate) born: Stamp,
    /// Its suspicion in the pool, plus one; zero is none.
    pub(crate) suspicion: u16,
    /// Which list: see `rumors`.
    pub(crate) list: u8,
    /// Reachability in bits 0 and 1; in bit 2 whether the host was told of it, in bit 3 whether it ever answered;
    /// suspicions in which it is an accuser in
    /// bits 4 to 7.
    local: u8,
}

const _: () = assert!(size_of::<Slot>() == 64);

impl Slot {
    pub(crate) const EMPTY: Self = Self {
        record: Record::EMPTY,
        ring: 0,
        previous: 0,
        next: 0,
        born: Stamp(0),
        suspicion: 0,
        list: 0,
        local: 0,
    };

    fn ring_position(&self) -> u32 {
        self.ring & POSITION
    }

    fn set_ring_position(&mut self, position: u32) {
        debug_assert!(position <= POSITION, "a position has 27 bits");
        self.ring = self.ring & !POSITION | position;
    }

    /// Whether our latest probe of this member failed, and nothing was heard from it since.
    pub(crate) fn is_silent(&self) -> bool {
        self.ring & SILENT != 0
    }

    pub(crate) fn set_silent(&mut self, silent: bool) {
        self.ring = self.ring & !SILENT | if silent { SILENT } else { 0 };
    }

    /// How often the member refuted lately, as `damping` counts.
    pub(crate) fn damping_level(&self) -> u32 {
        self.ring >> DAMPING
    }

    pub(crate) fn set_damping_level(&mut self, level: u32) {
        self.ring = self.ring & (POSITION | SILENT) | level.min(MAX_DAMPING) << DAMPING;
    }

    pub(crate) fn reachability(&self) -> Reachability {
        match self.local & 3 {
            1 => Reachability::Reachable,
            2 => Reachability::Unreachable,
            _ => Reachability::Unknown,
        }
    }

    pub(crate) fn set_reachability(&mut self, reachability: Reachability) {
        self.local = self.local & !3 | reachability as u8;
    }

    /// Whether the host knows of this member: it was told that it is up, or gave it itself.
    pub(crate) fn is_told(&self) -> bool {
        self.local & TOLD != 0
    }

    pub(crate) fn set_told(&mut self) {
        self.local |= TOLD;
    }

    /// To the host this member is as one that it never heard of.
    pub(crate) fn set_untold(&mut self) {
        self.local &= !TOLD;
    }

    /// Whether this member has ever answered this node.
    pub(crate) fn has_answered(&self) -> bool {
        self.local & ANSWERED != 0
    }

    pub(crate) fn set_answered(&mut self) {
        self.local |= ANSWERED;
    }

    /// Suspicions open in which this member is an accuser.
    pub(crate) fn open_accusations(&self) -> u8 {
        self.local >> 4
    }

    pub(crate) fn open_accusation(&mut self) {
        let open = (self.open_accusations() + 1).min(MAX_OPEN);
        self.local = self.local & 15 | open << 4;
    }

    pub(crate) fn close_accusation(&mut self) {
        let open = self.open_accusations().saturating_sub(1);
        self.local = self.local & 15 | open << 4;
    }
}

/// The table's scalars.
#[derive(Clone)]
pub(crate) struct TableState {
    /// Slots ever used; those beyond are fresh.
    used: u32,
    /// Head of the free slots, plus one.
    free: u32,
    /// Members but this node: live ones and tombstones.
    others: u32,
    /// Of those, tombstones that are hidden.
    hidden: u32,
    /// Live members but this node.
    live: u32,
    /// Of those, suspects.
    suspects: u32,
    /// Members of this lap already probed.
    cursor: u32,
    sums: Sums,
    stretches: Stretches,
    key: u64,
}

impl TableState {
    pub(crate) const EMPTY: Self = Self {
        used: 0,
        free: 0,
        others: 0,
        hidden: 0,
        live: 0,
        suspects: 0,
        cursor: 0,
        sums: Sums::EMPTY,
        stretches: Stretches::EMPTY,
        key: 0,
    };
}

/// The table, borrowed from its memory.
pub(crate) struct Table<'a> {
    pub(crate) slots: &'a mut [Slot],
    pub(crate) index: &'a mut [u64],
    pub(crate) ring: &'a mut [SlotId],
    /// The live members, by zone.
    pub(crate) zoned: &'a mut [SlotId],
    /// For each slot of a live member, where it stands in `zoned`.
    pub(crate) places: &'a mut [u32],
    pub(crate) state: &'a mut TableState,
}

/// Where a member stands in the index, or would: a look-up done once.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    place: Place,
    found: Result<(usize, SlotId), usize>,
}

impl Entry {
    pub(crate) fn slot(self) -> Option<SlotId> {
        self.found.ok().map(|(_, slot)| slot)
    }
}

/// What [`Table::apply`] did with a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Applied {
    /// The member was unknown and has a slot now.
    New(SlotId),
    /// The member was known, with this record before; the merge says the rest.
    Known { slot: SlotId, was: Record, merge: Merge },
    /// Unknown, and no slot is free.
    Full,
}

impl Table<'_> {
    /// Empties the table and gives the node itself its slot; `born` is when its record came into being.
    pub(in crate::tables) fn reset_to_self(&mut self, key: u64, me: &Record, born: Stamp) {
        debug_assert!(self.index.len() > self.slots.len(), "one entry of the index stays empty");
        debug_assert!(self.ring.len() == self.slots.len() && self.zoned.len() == self.slots.len());
        // Fresh memory is zero, and touching all of it would cost a small cluster its large cap.
        if self.state.used > 0 {
            self.slots.fill(Slot::EMPTY);
            self.index.fill(0);
        }
        *self.state = TableState { key, ..TableState::EMPTY };
        let place = sums::place(key, me.id());
        if let Err(at) = self.locate(place) {
            let _ = self.take_slot(me, place, at);
            self.slots[ME as usize].born = born;
        }
        debug_assert_eq!(self.find(me.id()), Some(ME), "the node's own slot is the first");
    }

    pub(crate) fn slot(&self, slot: SlotId) -> &Slot {
        &self.slots[slot as usize]
    }

    pub(crate) fn slot_mut(&mut self, slot: SlotId) -> &mut Slot {
        &mut self.slots[slot as usize]
    }

    pub(crate) fn record(&self, slot: SlotId) -> &Record {
        &self.slots[slot as usize].record
    }

    /// Live members, this node included.
    pub(crate) fn size(&self) -> u32 {
        self.state.live + 1
    }

    /// Live members but this node.
    pub(crate) fn live(&self) -> u32 {
        self.state.live
    }

    /// Live members that are suspect.
    pub(crate) fn suspects(&self) -> u32 {
        self.state.suspects
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.state.sums.root()
    }

    pub(crate) fn find(&self, id: NodeId) -> Option<SlotId> {
        self.as_view().find(id)
    }

    pub(crate) fn as_view(&self) -> View<'_> {
        View { slots: self.slots, index: self.index, ring: self.ring, state: self.state }
    }

    /// Where a member stands in the id-hash order.
    pub(crate) fn place(&self, id: NodeId) -> Place {
        sums::place(self.state.key, id)
    }

    /// What the identity of a live member contributes to the fingerprint.
    pub(crate) fn share_of(&self, slot: SlotId) -> Option<u64> {
        let record = self.record(slot);
        record.status().is_live().then(|| Share::of(self.state.key, record).identity)
    }

    /// Whether a member more finds a slot.
    pub(crate) fn has_free_slot(&self) -> bool {
        self.state.free != 0 || (self.state.used as usize) < self.slots.len()
    }

    /// The next live member after this node in the id-hash order that is not suspect and `fits`, of the first few.
    pub(crate) fn successor(&self, fits: impl Fn(&Record) -> bool) -> Option<SlotId> {
        let me = self.place(self.record(ME).id());
        let alive = |record: &Record| record.status() == Status::Alive && fits(record);
        let from = |place| self.as_view().after(place, u32::MAX).map(|(_, slot)| slot).take(MAX_SUCCESSORS);
        from(me).chain(from(Place::START)).find(|&slot| slot != ME && alive(self.record(slot)))
    }

    /// Where a member stands, or would. Outdated by the next change of the table.
    pub(crate) fn entry(&self, id: NodeId) -> Entry {
        let place = self.place(id);
        Entry { place, found: self.locate(place) }
    }

    /// Merges a record into its member's entry; the caller sees to rumors and suspicions.
    pub(in crate::tables) fn apply(&mut self, entry: Entry, record: &Record, rng: &mut Rng) -> Applied {
        debug_assert_eq!(entry.place, self.place(record.id()), "the entry is of another member");
        debug_assert_eq!(entry.slot(), self.find(record.id()), "the entry is outdated");
        match entry.found {
            Ok((_, slot)) => {
                let old = *self.record(slot);
                let mut new = old;
                let merge = new.merge(record);
                if merge.changed {
                    self.replace(slot, &new, rng);
                }
                Applied::Known { slot, was: old, merge }
            }
            Err(at) => {
                let Some(slot) = self.take_slot(record, entry.place, at) else { return Applied::Full };
                self.ring_insert(slot);
                self.state.suspects += u32::from(record.status() == Status::Suspect);
                if record.status().is_live() {
                    self.ring_revive(slot, rng);
                    self.zone_enter(slot);
                }
                Applied::New(slot)
            }
        }
    }

    /// Puts another record of the same member in a slot.
    pub(in crate::tables) fn replace(&mut self, slot: SlotId, new: &Record, rng: &mut Rng) {
        let old = *self.record(slot);
        debug_assert_eq!(old.id(), new.id(), "a slot is of one member until it is freed");
        self.slots[slot as usize].record = *new;
        let key = self.state.key;
        let tag = sums::place(key, new.id()).tag;
        self.state.sums.replace(tag, Share::of(key, &old), Share::of(key, new));
        if slot != ME {
            let suspect = |record: &Record| u32::from(record.status() == Status::Suspect);
            self.state.suspects = self.state.suspects + suspect(new) - suspect(&old);
            match (old.status().is_live(), new.status().is_live()) {
                (true, false) => {
                    self.ring_kill(slot);
                    self.zone_leave(slot);
                }
                (false, true) => {
                    self.ring_revive(slot, rng);
                    self.zone_enter(slot);
                }
                (true, true) if old.locality().domain() != new.locality().domain() => {
                    self.zone_leave(slot);
                    self.zone_enter(slot);
                }
                // It was back meanwhile: this is another death than the one that was to be forgotten.
                (false, false) if old.incarnation() != new.incarnation() => self.ring_show(slot),
                _ => {}
            }
            debug_assert!(self.state.suspects <= self.state.live, "suspects are live members");
        }
    }

    /// Frees the slot of a tombstone. It must be in no list and have no suspicion.
    pub(in crate::tables) fn forget(&mut self, slot: SlotId) {
        let record = *self.record(slot);
        debug_assert!(slot != ME && !record.status().is_live(), "only tombstones are forgotten");
        let Slot { list, suspicion, .. } = self.slots[slot as usize];
        debug_assert_eq!((list, suspicion), (0, 0), "it is still in a list, or suspected");
        self.ring_remove(slot);
        let place = sums::place(self.state.key, record.id());
        match self.locate(place) {
            Ok((at, _)) => index::remove(self.index, at),
            Err(_) => debug_assert!(false, "the index has every member"),
        }
        self.slots[slot as usize] = Slot { next: self.state.free, ..Slot::EMPTY };
        self.state.free = slot + 1;
    }

    fn locate(&self, place: Place) -> Result<(usize, SlotId), usize> {
        self.as_view().locate(place)
    }

    /// Gives a new member a slot; `at` is where the index wants it.
    fn take_slot(&mut self, record: &Record, place: Place, at: usize) -> Option<SlotId> {
        let slot = if self.state.free != 0 {
            let slot = self.state.free - 1;
            self.state.free = self.slots[slot as usize].next;
            slot
        } else if (self.state.used as usize) < self.slots.len() {
            self.state.used += 1;
            self.state.used - 1
        } else {
            return None;
        };
        let Slot { list, suspicion, .. } = self.slots[slot as usize];
        debug_assert_eq!((list, suspicion), (0, 0), "a free slot is in no list and not suspected");
        self.slots[slot as usize] = Slot { record: *record, ..Slot::EMPTY };
        index::insert(self.index, at, place.tag, slot);
        self.state.sums.replace(place.tag, Share::NONE, Share::of(self.state.key, record));
        Some(slot)
    }
}

/// The table, to read only.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) slots: &'a [Slot],
    pub(crate) index: &'a [u64],
    pub(crate) ring: &'a [SlotId],
    pub(crate) state: &'a TableState,
}

impl<'a> View<'a> {
    fn locate(self, place: Place) -> Result<(usize, SlotId), usize> {
        index::find(self.index, place, |slot| self.slots[slot as usize].record.id())
    }

    pub(crate) fn find(self, id: NodeId) -> Option<SlotId> {
        self.locate(sums::place(self.state.key, id)).ok().map(|(_, slot)| slot)
    }

    /// Live members but this node.
    pub(crate) fn live(self) -> u32 {
        self.state.live
    }

    pub(crate) fn fingerprint(self) -> Fingerprint {
        self.state.sums.root()
    }

    /// All members but this node: live ones, then tombstones; without the hidden ones.
    pub(crate) fn others(self) -> &'a [SlotId] {
        &self.ring[..(self.state.others - self.state.hidden) as usize]
    }

    /// Whether a member was forgotten while its tombstone is still kept.
    pub(crate) fn is_hidden(self, slot: SlotId) -> bool {
        slot != ME && self.slots[slot as usize].ring_position() >= self.state.others - self.state.hidden
    }

    /// The members after `after` with tags up to `until`, this node included, in id-hash order.
    pub(crate) fn after(self, after: Place, until: u32) -> After<'a> {
        After { range: index::range(self.index, after.tag, until), slots: self.slots, after }
    }
}

/// See [`View::after`].
pub(crate) struct After<'a> {
    range: index::Range<'a>,
    slots: &'a [Slot],
    after: Place,
}

impl After<'_> {
    /// Where to continue, if the scan ended at its bound and not at the end of the range.
    pub(crate) fn cut(&self) -> Option<Place> {
        self.range.cut().map(|tag| Place { tag, id: 0 })
    }
}

impl Iterator for After<'_> {
    type Item = (Place, SlotId);

    fn next(&mut self) -> Option<Self::Item> {
        let (slots, after) = (self.slots, self.after);
        self.range.by_ref().find_map(|(tag, slot)| {
            let place = Place { tag, id: slots[slot as usize].record.id().as_u64() };
            (place > after).then_some((place, slot))
        })
    }
}

#[cfg(test)]
#[cfg(feature = "alloc")]
mod tests;
