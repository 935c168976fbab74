//! What holds of the tables between any two operations: checked by the unit tests after each operation, and under
//! `cfg(fuzzing)` after each step of a node.

use super::{
    ME, SlotId, Table,
    index::Place,
    sums::{self, Share},
};
use crate::{
    tables::memory::Tables,
    vocabulary::{
        record::{Fingerprint, Status},
        time::Instant,
    },
};
use alloc::{collections::BTreeSet, vec::Vec};

impl Tables<'_> {
    /// Panics unless all tables agree with each other.
    pub(crate) fn check(&self, now: Instant) {
        self.members.check();
        self.members.check_zones();
        self.rumors.check(self.members.slots);
        self.suspicions.check(self.members.slots);
        self.state.check();
        self.values.check();
        self.check_followed();
        self.events.check(now);
        self.pulses.check(now);
        self.check_pulses();
    }
}

impl Tables<'_> {
    /// What is kept of a member is of its epoch, and whatever is missing of a live one is waited for.
    fn check_followed(&self) {
        for (slot, owner) in (0..).zip(self.state.owners.iter()) {
            if !self.members.is_used(slot) {
                assert_eq!(
                    (owner.bytes(), owner.wait(), owner.is_pending()),
                    (0, None, false),
                    "slot {slot} is free"
                );
                continue;
            }
            let record = self.members.record(slot);
            assert_eq!(owner.epoch(), record.incarnation().epoch, "state of slot {slot} is of another epoch");
            if slot != ME && record.status().is_live() && self.has_gap(slot) {
                assert!(owner.wait().is_some(), "a gap of slot {slot} is not waited for");
            }
        }
    }
}

impl Tables<'_> {
    /// What is held is of a live member's present epoch.
    fn check_pulses(&self) {
        for slot in (0..self.members.slots.len() as SlotId).filter(|&slot| self.pulses.has(slot)) {
            assert!(self.members.is_used(slot), "slot {slot} is free, and has a pulse");
            let record = self.members.record(slot);
            let is_live = slot == ME || record.status().is_live();
            assert!(
                is_live && self.pulses.is_of(slot, record.incarnation().epoch),
                "the pulse of {record:?}"
            );
        }
    }
}

impl Table<'_> {
    /// Whether a slot is a member's, or the node's own.
    pub(crate) fn is_used(&self, slot: SlotId) -> bool {
        let entry = self.slot(slot);
        slot == ME || self.everybody().get(entry.ring_position() as usize) == Some(&slot)
    }

    /// All members but this node, hidden ones included.
    fn everybody(&self) -> &[SlotId] {
        &self.ring[..self.state.others as usize]
    }

    fn check(&self) {
        self.check_slots();
        self.check_ring();
        self.check_index();
        self.check_sums();
    }

    /// Each slot is in use, free, or fresh.
    fn check_slots(&self) {
        let mut free = BTreeSet::new();
        let mut at = self.state.free;
        while let Some(slot) = at.checked_sub(1) {
            assert!(free.insert(slot), "the list of free slots has a loop");
            assert!(!self.is_used(slot), "slot {slot} is free, and used");
            at = self.slot(slot).next;
        }
        assert_eq!(self.state.used as usize, 1 + self.state.others as usize + free.len());
        assert!(self.state.used as usize <= self.slots.len());
    }

    fn check_ring(&self) {
        let suspect = |slot: &&SlotId| self.record(**slot).status() == Status::Suspect;
        assert_eq!(
            self.state.suspects as usize,
            self.live_slots().iter().filter(suspect).count(),
            "suspects"
        );
        assert!(self.state.cursor <= self.state.live && self.state.live <= self.state.others);
        assert!(self.state.hidden <= self.state.others - self.state.live, "live members are never hidden");
        for (position, &slot) in self.everybody().iter().enumerate() {
            let entry = self.slot(slot);
            assert_eq!(entry.ring_position() as usize, position, "slot {slot}");
            let live = entry.record.status().is_live();
            assert_eq!(live, position < self.state.live as usize, "slot {slot} of {}", self.state.live);
        }
    }

    /// Every member is found, and the index is in the order of places.
    fn check_index(&self) {
        let walked: Vec<Place> =
            self.as_view().after(Place::START, u32::MAX).map(|(place, _)| place).collect();
        assert!(walked.is_sorted_by(|a, b| a < b), "the index is out of order");
        assert_eq!(walked.len(), 1 + self.state.others as usize);
        assert_eq!(self.index.iter().filter(|&&entry| entry != 0).count(), walked.len());
        for &slot in self.everybody().iter().chain([&ME]) {
            assert_eq!(self.find(self.record(slot).id()), Some(slot));
        }
    }

    /// The sums are those of the records.
    fn check_sums(&self) {
        let (mut whole, mut ranges) = (Share::NONE, [0u64; sums::RANGES]);
        for &slot in self.everybody().iter().chain([&ME]) {
            let record = self.record(slot);
            let share = Share::of(self.state.key, record);
            let range = &mut ranges[(self.place(record.id()).tag >> 25) as usize];
            (whole, *range) = (whole.plus(share), range.wrapping_add(share.sum()));
        }
        assert_eq!(self.fingerprint(), Fingerprint::new(whole.identity, whole.state));
        assert_eq!(self.state.sums.ranges(), &ranges[..]);
    }
}
