//! What members have signed: of each its latest claim's signature, and of those that were accused lately the accusations.

use crate::{
    tables::table::SlotId,
    vocabulary::record::{Accusation, Incarnation, NodeId},
};
use bytemuck::Zeroable;

/// Bytes of a signature, of a key, and of a certificate as a frame carries it.
pub(crate) const SIGNATURE: usize = 64;
pub(crate) const KEY: usize = 32;
pub(crate) const CERTIFICATE: usize = 68;
/// Signed accusations that are kept of one member: as many as accusers of a suspicion.
const MAX_KEPT: usize = super::table::pool::MAX_ACCUSERS;

/// That a member's owner has signed what the member's record says of it. All zero, it has not. 168 bytes.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(crate) struct Proven {
    pub(crate) signature: [u8; SIGNATURE],
    pub(crate) key: [u8; KEY],
    /// All zero, there is none.
    pub(crate) certificate: [u8; CERTIFICATE],
    /// Where its accusations are kept, plus one.
    testimony: u16,
    /// How many more rumors of it carry its key.
    keyed: u8,
    unused: u8,
}

impl Proven {
    pub(crate) const EMPTY: Self = Self {
        signature: [0; SIGNATURE],
        key: [0; KEY],
        certificate: [0; CERTIFICATE],
        testimony: 0,
        keyed: 0,
        unused: 0,
    };

    pub(crate) const fn new(
        signature: [u8; SIGNATURE],
        key: [u8; KEY],
        certificate: Option<[u8; CERTIFICATE]>,
    ) -> Self {
        let certificate = match certificate {
            Some(certificate) => certificate,
            None => [0; CERTIFICATE],
        };
        Self { signature, key, certificate, ..Self::EMPTY }
    }

    pub(crate) fn certificate(&self) -> Option<&[u8; CERTIFICATE]> {
        Some(&self.certificate).filter(|certificate| **certificate != [0; CERTIFICATE])
    }

    /// Whether there is one. A key of zeros is none.
    pub(crate) fn is_there(&self) -> bool {
        self.key != [0; KEY]
    }
}

/// The accusations against a member in one incarnation, with their accusers' signatures. All zero, it is unused. 304 bytes.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(crate) struct Testimony {
    target: [u8; 8],
    epoch: u32,
    refutation: u32,
    accusers: [[u8; 8]; MAX_KEPT],
    signatures: [[u8; SIGNATURE]; MAX_KEPT],
}

impl Testimony {
    pub(crate) const EMPTY: Self = Self {
        target: [0; 8],
        epoch: 0,
        refutation: 0,
        accusers: [[0; 8]; MAX_KEPT],
        signatures: [[0; SIGNATURE]; MAX_KEPT],
    };

    fn of(target: NodeId, incarnation: Incarnation) -> Self {
        let Incarnation { epoch, refutation } = incarnation;
        Self { target: target.to_bytes(), epoch, refutation, ..Self::EMPTY }
    }

    fn is_of(&self, target: NodeId, incarnation: Incarnation) -> bool {
        let Incarnation { epoch, refutation } = incarnation;
        self.target == target.to_bytes() && (self.epoch, self.refutation) == (epoch, refutation)
    }

    /// Who accuses it, each with its signature.
    fn accusations(&self) -> impl Iterator<Item = (NodeId, &[u8; SIGNATURE])> + Clone {
        let accusers = self.accusers.iter().zip(&self.signatures);
        accusers.filter_map(|(accuser, signature)| Some((NodeId::from_bytes(*accuser)?, signature)))
    }
}

/// The table, borrowed from its memory.
pub(crate) struct Proofs<'a> {
    /// By slot.
    pub(crate) of: &'a mut [Proven],
    /// A ring: the latest takes the place of the oldest.
    pub(crate) testimonies: &'a mut [Testimony],
    /// The place of the next.
    pub(crate) next: &'a mut u16,
}

impl Proofs<'_> {
    /// Forgets all but what is kept of this slot.
    pub(crate) fn forget_others(&mut self, slot: SlotId) {
        let others = self.of.iter_mut().enumerate().filter(|&(at, _)| at != slot as usize);
        others.for_each(|(_, proven)| *proven = Proven::EMPTY);
    }

    pub(crate) fn forget(&mut self, slot: SlotId) {
        if let Some(proven) = self.of.get_mut(slot as usize) {
            *proven = Proven::EMPTY;
        }
    }

    /// What the owner of a slot's record has signed, if it has.
    pub(crate) fn get(&self, slot: SlotId) -> Option<&Proven> {
        self.of.get(slot as usize).filter(|proven| proven.is_there())
    }

    /// Keeps what the owner of a slot's record has signed. `keyed` rumors of a member that was not proven before carry its key.
    pub(crate) fn keep(&mut self, slot: SlotId, proven: &Proven, keyed: u8) {
        if let Some(kept) = self.of.get_mut(slot as usize) {
            let keyed = if kept.is_there() { kept.keyed } else { keyed };
            *kept = Proven { testimony: kept.testimony, keyed, ..*proven };
        }
    }

    /// Lets this many rumors of a slot carry its key.
    pub(crate) fn show_key(&mut self, slot: SlotId, times: u8) {
        if let Some(kept) = self.of.get_mut(slot as usize) {
            kept.keyed = times;
        }
    }

    /// Whether a rumor of a slot is to carry its key.
    pub(crate) fn shows_key(&self, slot: SlotId) -> bool {
        self.get(slot).is_some_and(|proven| proven.keyed > 0)
    }

    /// A rumor of a slot has carried its key.
    pub(crate) fn count_shown(&mut self, slot: SlotId) {
        if let Some(kept) = self.of.get_mut(slot as usize) {
            kept.keyed = kept.keyed.saturating_sub(1);
        }
    }

    fn testimony(&self, slot: SlotId) -> Option<&Testimony> {
        let at = self.of.get(slot as usize)?.testimony;
        self.testimonies.get(usize::from(at).checked_sub(1)?)
    }

    /// The signed accusations against the member of a slot in this incarnation.
    pub(crate) fn accusations(
        &self,
        slot: SlotId,
        (target, incarnation): (NodeId, Incarnation),
    ) -> impl Iterator<Item = (NodeId, &[u8; SIGNATURE])> + Clone {
        let kept = self.testimony(slot).filter(|testimony| testimony.is_of(target, incarnation));
        kept.into_iter().flat_map(Testimony::accusations)
    }

    /// Keeps an accusation against the member of a slot; the fifth and later ones are not kept.
    pub(crate) fn testify(&mut self, slot: SlotId, accusation: &Accusation, signature: &[u8; SIGNATURE]) {
        let Accusation { target, incarnation, accuser } = *accusation;
        let is_open = self.testimony(slot).is_some_and(|testimony| testimony.is_of(target, incarnation));
        if !is_open {
            let at = usize::from(*self.next);
            let Some(place) = self.testimonies.get_mut(at) else { return };
            *place = Testimony::of(target, incarnation);
            *self.next = if at + 1 < self.testimonies.len() { *self.next + 1 } else { 0 };
            if let Some(proven) = self.of.get_mut(slot as usize) {
                proven.testimony = at as u16 + 1;
            }
        }
        let at = self.of.get(slot as usize).map_or(0, |proven| usize::from(proven.testimony));
        let kept = at.checked_sub(1).and_then(|at| self.testimonies.get_mut(at));
        let Some(Testimony { accusers, signatures, .. }) = kept else { return };
        let accuser = accuser.to_bytes();
        if accusers.contains(&accuser) {
            return;
        }
        let free = accusers.iter_mut().zip(signatures).find(|(place, _)| **place == [0; 8]);
        if let Some((place, kept)) = free {
            (*place, *kept) = (accuser, *signature);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    struct Memory {
        of: [Proven; 3],
        testimonies: [Testimony; 2],
        next: u16,
    }

    impl Memory {
        fn new() -> Self {
            Self { of: [Proven::EMPTY; 3], testimonies: [Testimony::EMPTY; 2], next: 0 }
        }

        fn proofs(&mut self) -> Proofs<'_> {
            Proofs { of: &mut self.of, testimonies: &mut self.testimonies, next: &mut self.next }
        }
    }

    fn id(n: u64) -> NodeId {
        NodeId::from_u64(n).unwrap()
    }

    fn accusation(target: u64, refutation: u32, accuser: u64) -> Accusation {
        Accusation {
            target: id(target),
            incarnation: Incarnation { epoch: 7, refutation },
            accuser: id(accuser),
        }
    }

    fn kept(proofs: &Proofs<'_>, slot: SlotId, accusation: Accusation) -> Vec<(NodeId, [u8; SIGNATURE])> {
        let accusations = proofs.accusations(slot, (accusation.target, accusation.incarnation));
        accusations.map(|(accuser, signature)| (accuser, *signature)).collect()
    }

    #[test]
    fn accusations_are_kept_by_incarnation_each_accuser_once_and_four_in_all() {
        let mut memory = Memory::new();
        let mut proofs = memory.proofs();
        for accuser in [1, 2, 1, 3, 4, 5] {
            proofs.testify(1, &accusation(9, 0, accuser), &[accuser as u8; SIGNATURE]);
        }
        let expected: Vec<_> = (1..=4).map(|n| (id(n), [n as u8; SIGNATURE])).collect();
        assert_eq!(kept(&proofs, 1, accusation(9, 0, 1)), expected);
        assert!(
            kept(&proofs, 1, accusation(9, 1, 1)).is_empty()
                && kept(&proofs, 2, accusation(9, 0, 1)).is_empty()
        );
        proofs.testify(1, &accusation(9, 1, 6), &[6; SIGNATURE]);
        assert_eq!(kept(&proofs, 1, accusation(9, 1, 6)), [(id(6), [6; SIGNATURE])]);
        assert!(kept(&proofs, 1, accusation(9, 0, 1)).is_empty(), "of an incarnation that is over");
    }

    #[test]
    fn the_oldest_accusations_make_room_and_are_no_others() {
        let mut memory = Memory::new();
        let mut proofs = memory.proofs();
        for (slot, target) in [(0, 10), (1, 11), (2, 12)] {
            proofs.testify(slot, &accusation(target, 0, 1), &[target as u8; SIGNATURE]);
        }
        assert!(kept(&proofs, 0, accusation(10, 0, 1)).is_empty());
        for (slot, target) in [(1, 11), (2, 12)] {
            assert_eq!(kept(&proofs, slot, accusation(target, 0, 1)), [(id(1), [target as u8; SIGNATURE])]);
        }
    }

    #[test]
    fn a_new_member_shows_its_key_so_often_and_one_that_is_known_does_not() {
        let mut memory = Memory::new();
        let mut proofs = memory.proofs();
        let proven = Proven::new([1; SIGNATURE], [2; KEY], None);
        proofs.keep(1, &proven, 2);
        for shown in [true, true, false] {
            assert_eq!(proofs.shows_key(1), shown);
            proofs.count_shown(1);
        }
        proofs.keep(1, &Proven::new([3; SIGNATURE], [2; KEY], None), 2);
        assert!(!proofs.shows_key(1) && proofs.get(1).is_some_and(|kept| kept.signature == [3; SIGNATURE]));
        proofs.forget(1);
        assert!(proofs.get(1).is_none());
    }
}
