//! Duplicate ids, seen by the others: a member that moves to another address in a new epoch, and then back, is two
//! nodes under one id, each of which goes above the other.

use crate::{
    tables::table::SlotId,
    vocabulary::{bounds::sized, record::Record, time::Stamp},
};

/// AddressChanges remembered; the oldest makes room. A duplicate moves every few seconds at first.
const MAX_CHANGES: usize = sized(16, 2);
/// A member that returns to an earlier address within this time, in ms, is two nodes. Duplicates outbid each other at
/// once, and again after half a minute; one that really moves and moves back within a minute is reported in error.
const WINDOW: u32 = 60_000;

/// A member left an address for another, in a new epoch.
#[derive(Clone, Copy)]
struct AddressChange {
    slot: SlotId,
    /// A hash of the address that it left.
    left: u32,
    at: Stamp,
}

/// The latest changes.
#[derive(Clone, Default)]
pub(crate) struct AddressChanges(heapless::Deque<AddressChange, MAX_CHANGES>);

impl AddressChanges {
    /// Notes that a member's record changed; true if that shows that two nodes use its id.
    pub(crate) fn note(&mut self, slot: SlotId, was: &Record, is: &Record, now: Stamp) -> bool {
        if was.incarnation().epoch == is.incarnation().epoch || was.address() == is.address() {
            return false;
        }
        let back = |of: &AddressChange| {
            of.slot == slot && of.left == is.address_hash() && now.since(of.at) <= WINDOW
        };
        let returned = self.0.iter().any(back);
        if self.0.is_full() {
            let _ = self.0.pop_front();
        }
        let _ = self.0.push_back(AddressChange { slot, left: was.address_hash(), at: now });
        returned
    }

    /// A slot is about to be given to another member.
    pub(crate) fn forget(&mut self, slot: SlotId) {
        self.0.retain(|of| of.slot != slot);
    }

    /// The slots that it names.
    #[cfg(fuzzing)]
    pub(crate) fn slots(&self) -> impl Iterator<Item = SlotId> {
        self.0.iter().map(|of| of.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::record::{Identity, Incarnation, Locality, NodeId, Versions};

    fn record(epoch: u32, host: u8) -> Record {
        let identity = Identity {
            id: NodeId::from_u64(7).unwrap(),
            epoch,
            address: ([10, 0, 0, host], 7946).into(),
            locality: Locality::default(),
        };
        Record::new(identity, Versions::OURS)
    }

    #[test]
    fn only_a_return_within_the_window_is_a_duplicate() {
        let mut moves = AddressChanges::default();
        let at = |s: u32| Stamp(s * 1_000);
        assert!(!moves.note(3, &record(1, 1), &record(2, 2), at(0)), "it moved");
        assert!(!moves.note(3, &record(2, 2), &record(3, 2), at(1)), "it restarted in place");
        assert!(!moves.note(3, &record(3, 2), &record(4, 3), at(2)), "it moved on");
        assert!(!moves.note(4, &record(1, 3), &record(2, 1), at(3)), "another member moved");
        assert!(moves.note(3, &record(4, 3), &record(5, 2), at(4)), "it is back");
        assert!(!moves.note(3, &record(5, 2), &record(6, 1), at(61)), "that was long ago");
        let refuted = record(6, 2).with_incarnation(Incarnation { epoch: 6, refutation: 1 });
        assert!(!moves.note(3, &record(6, 1), &refuted, at(62)), "in one epoch it is a conflict anyway");
    }

    #[test]
    fn the_oldest_move_makes_room() {
        let mut moves = AddressChanges::default();
        for slot in 0..=MAX_CHANGES as SlotId {
            assert!(!moves.note(slot, &record(1, 1), &record(2, 2), Stamp(0)));
        }
        assert!(!moves.note(0, &record(2, 2), &record(3, 1), Stamp(1)), "forgotten");
        assert!(moves.note(MAX_CHANGES as SlotId, &record(2, 2), &record(3, 1), Stamp(1)));
    }
}
