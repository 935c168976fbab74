//! Fingerprints: keyed hash-sums of the live records, one for all and one for each of 128 ranges.
//!
//! Ranges are made of tag bits: a [`Prefix`] of 3 bits, and of 4 more at each level. With an allocator, and so
//! thousands of members, the sums of the parts of the first level are kept per change; all others are summed up when
//! asked for.

use super::{SlotId, View, index::Place};
use crate::vocabulary::{
    bounds::sized,
    record::{Fingerprint, NodeId, Record},
};
use siphasher::sip::SipHasher13;

/// Ranges of the first level; a range is the top seven bits of the tag.
pub(crate) const RANGES: usize = 128;
/// Those whose sums are kept: without an allocator none, since 1 KiB is a lot where walking over 64 members is not.
const KEPT: usize = sized(RANGES, 0);
const RANGE_SHIFT: u32 = 32 - RANGES.ilog2();

/// The sums, kept per change. Addition modulo 2^64: O(1) to add, remove and replace.
#[derive(Clone)]
pub(crate) struct Sums {
    whole: Share,
    ranges: [u64; KEPT],
}

impl Sums {
    pub(crate) const EMPTY: Self = Self { whole: Share::NONE, ranges: [0; KEPT] };

    pub(crate) fn root(&self) -> Fingerprint {
        Fingerprint::new(self.whole.identity, self.whole.state)
    }

    #[cfg(any(fuzzing, all(test, feature = "alloc")))]
    pub(super) fn ranges(&self) -> &[u64] {
        &self.ranges
    }

    /// The sums of a range's parts, if they are kept.
    fn parts(&self, prefix: Prefix) -> Option<[u64; WAYS]> {
        let octants = self.ranges.as_chunks::<WAYS>().0;
        octants.get((prefix.low >> 29) as usize).copied().filter(|_| prefix.level == 0)
    }

    /// Replaces what a member at `tag` contributes.
    pub(super) fn replace(&mut self, tag: u32, old: Share, new: Share) {
        let difference = new.minus(old);
        if let Some(range) = self.ranges.get_mut((tag >> RANGE_SHIFT) as usize) {
            *range = range.wrapping_add(difference.sum());
        }
        self.whole = self.whole.plus(difference);
    }
}

/// What a member contributes to the sums: keyed hashes of its identity and of its state, which differ for different
/// reasons. Both are zero unless it is live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Share {
    /// Of its id, epoch and refutation.
    pub(crate) identity: u64,
    /// Of its id, epoch and state version.
    pub(crate) state: u64,
}

impl Share {
    pub(crate) const NONE: Self = Self { identity: 0, state: 0 };

    /// The share of a record.
    pub(crate) fn of(key: u64, record: &Record) -> Self {
        if !record.status().is_live() {
            return Self::NONE;
        }
        let hash = |purpose, count: u32| {
            let mut input = [0u8; 16];
            input[..8].copy_from_slice(&record.id().to_bytes());
            input[8..12].copy_from_slice(&record.incarnation().epoch.to_be_bytes());
            input[12..].copy_from_slice(&count.to_be_bytes());
            SipHasher13::new_with_keys(key, purpose).hash(&input)
        };
        Self { identity: hash(2, record.incarnation().refutation), state: hash(3, record.state_version()) }
    }

    /// What it contributes to the sums of ranges.
    pub(crate) fn sum(self) -> u64 {
        self.identity.wrapping_add(self.state)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            identity: self.identity.wrapping_add(other.identity),
            state: self.state.wrapping_add(other.state),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            identity: self.identity.wrapping_sub(other.identity),
            state: self.state.wrapping_sub(other.state),
        }
    }
}

/// Where a member stands in the id-hash order: SipHash-1-3 of its id under the cluster's key, the top
/// 32 bits. The same on every node, and never rotated.
pub(crate) fn place(key: u64, id: NodeId) -> Place {
    let hash = SipHasher13::new_with_keys(key, 1).hash(&id.to_bytes());
    Place { tag: (hash >> 32) as u32, id: id.as_u64() }
}

/// Parts of a range, one level down.
pub(crate) const WAYS: usize = 16;
/// Ranges of level 0, which are everything.
pub(crate) const OCTANTS: u32 = 8;
/// The level whose ranges have no parts.
const LAST_LEVEL: u8 = 7;

/// A range of the id-hash order: all tags that begin with certain bits, 3 at level 0 and 4 more at each level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Prefix {
    level: u8,
    low: u32,
}

impl Prefix {
    /// The range of that level from the tag `low` on; `None` where no range begins.
    pub(crate) fn new(level: u8, low: u32) -> Option<Self> {
        let prefix = Self { level, low };
        (level <= LAST_LEVEL && low & (u32::MAX >> prefix.bits()) == 0).then_some(prefix)
    }

    /// The eight ranges of level 0.
    pub(crate) fn octants() -> impl Iterator<Item = Self> {
        (0..OCTANTS).map(|n| Self { level: 0, low: n << 29 })
    }

    fn bits(self) -> u32 {
        3 + 4 * u32::from(self.level)
    }

    pub(crate) fn level(self) -> u8 {
        self.level
    }

    /// The first tag.
    pub(crate) fn low(self) -> u32 {
        self.low
    }

    /// The last tag.
    pub(crate) fn high(self) -> u32 {
        self.low | u32::MAX >> self.bits()
    }

    /// How many bytes hold the bits of a prefix of `level`.
    pub(crate) fn bytes_of(level: u8) -> usize {
        1 + usize::from(level & LAST_LEVEL) / 2
    }

    pub(crate) fn bytes(self) -> usize {
        Self::bytes_of(self.level)
    }

    pub(crate) fn has_parts(self) -> bool {
        self.level < LAST_LEVEL
    }

    /// The parts, in order; none of a range that has none.
    pub(crate) fn parts(self) -> impl Iterator<Item = Self> {
        let parts = if self.has_parts() { WAYS as u32 } else { 0 };
        (0..parts).map(move |n| Self { level: self.level + 1, low: self.low | n << (28 - self.bits()) })
    }

    /// Which part a tag of this range is in.
    fn part_of(self, tag: u32) -> usize {
        (tag >> 28u32.saturating_sub(self.bits())) as usize % WAYS
    }

    /// Of the first level's parts, 128 bits, those that are of this range; nothing below level 0.
    pub(crate) fn of_all(self, ranges: u128) -> u16 {
        if self.level == 0 { (ranges >> ((self.low >> 29) * WAYS as u32)) as u16 } else { 0 }
    }
}

/// What one scan of a range found.
pub(crate) struct Survey<const FIRST: usize> {
    /// The sums of its parts.
    pub(crate) sums: [u64; WAYS],
    /// Its first live members.
    pub(crate) first: heapless::Vec<SlotId, FIRST>,
    /// It has more, or may have: not all of it was looked at.
    pub(crate) more: bool,
}

impl View<'_> {
    /// Looks at a range, tombstones left out; `scanned` grows by the members looked at. O(members of the range),
    /// but of a range whose sums are kept only the first are looked at.
    pub(crate) fn survey<const FIRST: usize>(self, prefix: Prefix, scanned: &mut usize) -> Survey<FIRST> {
        let kept = self.state.sums.parts(prefix);
        let mut survey = Survey { sums: kept.unwrap_or([0; WAYS]), first: heapless::Vec::new(), more: false };
        let mut members = self.after(Place { tag: prefix.low, id: 0 }, prefix.high());
        for (place, slot) in members.by_ref() {
            *scanned += 1;
            let record = &self.slots[slot as usize].record;
            if !record.status().is_live() {
                continue;
            }
            survey.more |= survey.first.push(slot).is_err();
            if kept.is_some() && survey.more {
                break;
            }
            if kept.is_none() {
                let sum = &mut survey.sums[prefix.part_of(place.tag)];
                *sum = sum.wrapping_add(Share::of(self.state.key, record).sum());
            }
        }
        // Only ranges of level 0 are that long, in the largest tables.
        survey.more |= members.cut().is_some();
        survey
    }
}
