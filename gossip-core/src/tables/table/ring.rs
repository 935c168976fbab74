//! The probe order: one array, `[probed | to probe | tombstones | hidden tombstones]`.
//!
//! Hidden tombstones are those of members that an operator has had forgotten: they still keep old news from reviving
//! the member, and nobody sees them.
//!
//! A lap is a fresh permutation, made lazily: one Fisher-Yates step a probe, so no step is O(n). A new member
//! enters at a random place of the lap, so two nodes that learn of it together do not probe it together.

use super::{ME, SlotId, Table};
use crate::vocabulary::rng::Rng;

impl Table<'_> {
    fn put(&mut self, position: u32, slot: SlotId) {
        debug_assert_ne!(slot, ME, "nobody probes himself");
        self.ring[position as usize] = slot;
        self.slots[slot as usize].set_ring_position(position);
    }

    fn swap(&mut self, a: u32, b: u32) {
        let (at_a, at_b) = (self.ring[a as usize], self.ring[b as usize]);
        self.put(a, at_b);
        self.put(b, at_a);
    }

    /// Where the hidden tombstones begin.
    fn shown(&self) -> u32 {
        self.state.others - self.state.hidden
    }

    /// A new member enters among the tombstones; [`Self::ring_revive`] takes it from there.
    pub(super) fn ring_insert(&mut self, slot: SlotId) {
        let (position, end) = (self.shown(), self.state.others);
        self.state.others += 1;
        self.put(end, slot);
        self.swap(position, end);
    }

    pub(super) fn ring_remove(&mut self, slot: SlotId) {
        debug_assert!(self.is_among_tombstones(slot), "a live member is in the lap");
        self.ring_hide(slot);
        self.state.hidden -= 1;
        self.state.others -= 1;
        self.swap(self.slots[slot as usize].ring_position(), self.state.others);
    }

    /// From the tombstones to the hidden ones.
    pub(crate) fn ring_hide(&mut self, slot: SlotId) {
        debug_assert!(self.is_among_tombstones(slot), "a live member cannot be hidden");
        if !self.is_hidden(slot) {
            self.state.hidden += 1;
            self.swap(self.slots[slot as usize].ring_position(), self.shown());
        }
        debug_assert!(self.is_hidden(slot));
    }

    /// Back among the tombstones that are seen.
    pub(super) fn ring_show(&mut self, slot: SlotId) {
        if self.is_hidden(slot) {
            self.swap(self.slots[slot as usize].ring_position(), self.shown());
            self.state.hidden -= 1;
        }
        debug_assert!(!self.is_hidden(slot));
    }

    /// Whether a member was forgotten while its tombstone is still kept.
    pub(crate) fn is_hidden(&self, slot: SlotId) -> bool {
        self.as_view().is_hidden(slot)
    }

    fn is_among_tombstones(&self, slot: SlotId) -> bool {
        let position = self.slots[slot as usize].ring_position();
        (self.state.live..self.state.others).contains(&position) && self.ring[position as usize] == slot
    }

    /// From the lap to the tombstones.
    pub(super) fn ring_kill(&mut self, slot: SlotId) {
        debug_assert!(!self.is_among_tombstones(slot), "a tombstone does not die again");
        let mut position = self.slots[slot as usize].ring_position();
        if position < self.state.cursor {
            self.state.cursor -= 1;
            self.swap(position, self.state.cursor);
            position = self.state.cursor;
        }
        self.state.live -= 1;
        self.swap(position, self.state.live);
        debug_assert!(self.is_among_tombstones(slot) && self.state.cursor <= self.state.live);
    }

    /// From the tombstones to a random place of the lap.
    pub(super) fn ring_revive(&mut self, slot: SlotId, rng: &mut Rng) {
        debug_assert!(self.is_among_tombstones(slot), "a live member cannot revive");
        self.ring_show(slot);
        let entry = self.state.live;
        self.swap(self.slots[slot as usize].ring_position(), entry);
        self.state.live += 1;
        // Among those still to come the lazy shuffle makes its place random.
        if rng.below(self.state.live) < self.state.cursor {
            self.swap(entry, self.state.cursor);
            self.state.cursor += 1;
        }
        debug_assert!(self.state.cursor <= self.state.live, "the lap has live members only");
    }

    /// The next member of the lap.
    pub(crate) fn next_probe(&mut self, rng: &mut Rng) -> Option<SlotId> {
        if self.state.live == 0 {
            return None;
        }
        if self.state.cursor >= self.state.live {
            self.state.cursor = 0;
        }
        let cursor = self.state.cursor;
        let chosen = cursor + rng.below(self.state.live - cursor);
        debug_assert!(cursor <= chosen && chosen < self.state.live, "the lap has live members only");
        self.swap(cursor, chosen);
        self.state.cursor += 1;
        self.ring.get(cursor as usize).copied()
    }

    /// How many tombstones there are, without the hidden ones.
    pub(crate) fn tombstones(&self) -> u32 {
        self.shown() - self.state.live
    }

    /// A tombstone that is not hidden, evenly at random.
    pub(crate) fn random_tombstone(&self, rng: &mut Rng) -> Option<SlotId> {
        let position = self.state.live + rng.below(self.tombstones());
        self.ring[..self.shown() as usize].get(position as usize).copied()
    }

    /// The live members, in ring order.
    pub(crate) fn live_slots(&self) -> &[SlotId] {
        &self.ring[..self.state.live as usize]
    }
}
