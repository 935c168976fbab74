//! Fingerprints: keyed hash-sums of the live records, one for all and one for each of 128 ranges.

use super::index::Place;
use crate::record::{Fingerprint, NodeId, Record};
use siphasher::sip::SipHasher13;

/// Ranges of the first level; a range is the top seven bits of the tag.
pub(crate) const RANGES: usize = 128;
const RANGE_SHIFT: u32 = 32 - RANGES.ilog2();

/// The sums, kept per change. Addition modulo 2^64: O(1) to add, remove and replace.
#[derive(Clone)]
pub(crate) struct Sums {
    root: u64,
    ranges: [u64; RANGES],
}

impl Sums {
    pub(crate) const EMPTY: Self = Self { root: 0, ranges: [0; RANGES] };

    pub(crate) fn root(&self) -> Fingerprint {
        Fingerprint(self.root)
    }

    #[cfg(all(test, feature = "alloc"))]
    pub(crate) fn range(&self, range: usize) -> Fingerprint {
        Fingerprint(self.ranges[range])
    }

    /// Replaces what a member at `tag` contributes.
    pub(super) fn replace(&mut self, tag: u32, old: u64, new: u64) {
        let difference = new.wrapping_sub(old);
        let range = &mut self.ranges[(tag >> RANGE_SHIFT) as usize];
        *range = range.wrapping_add(difference);
        self.root = self.root.wrapping_add(difference);
    }
}

/// Where a member stands in the id-hash order: SipHash-1-3 of its id under the cluster's key, the top
/// 32 bits. The same on every node, and never rotated.
pub(crate) fn place(key: u64, id: NodeId) -> Place {
    let hash = SipHasher13::new_with_keys(key, 1).hash(&id.to_bytes());
    Place { tag: (hash >> 32) as u32, id: id.as_u64() }
}

/// What a record contributes to the sums: nothing unless it is live.
pub(crate) fn contribution(key: u64, record: &Record) -> u64 {
    if !record.status().is_live() {
        return 0;
    }
    let mut input = [0u8; 20];
    let incarnation = record.incarnation();
    input[..8].copy_from_slice(&record.id().to_bytes());
    input[8..12].copy_from_slice(&incarnation.epoch.to_be_bytes());
    input[12..16].copy_from_slice(&incarnation.refutation.to_be_bytes());
    input[16..].copy_from_slice(&record.state_version().to_be_bytes());
    SipHasher13::new_with_keys(key, 2).hash(&input)
}
