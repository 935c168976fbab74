//! What the summaries promise: laws of merging, error bounds, and encodings that survive anything.

mod bounds;
mod laws;
mod oracles;
mod wire;

use gossip_summaries::{Distinct, Histogram, TopK};

/// SplitMix64, so that tests do not depend on chance.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Many small values and a few large ones, of all magnitudes.
    pub(crate) fn skewed(&mut self) -> u64 {
        let magnitude = self.below(64);
        self.next() >> magnitude
    }
}

pub(crate) fn histogram<const P: usize>(values: &[u64]) -> Histogram<P> {
    let mut histogram = Histogram::new();
    values.iter().for_each(|&value| histogram.record(value));
    histogram
}

pub(crate) fn distinct<const R: usize>(values: &[u64]) -> Distinct<R> {
    let mut distinct = Distinct::new();
    values.iter().for_each(|value| distinct.insert(&value.to_be_bytes()));
    distinct
}

pub(crate) fn top<const K: usize>(keys: &[u64]) -> TopK<K> {
    let mut top = TopK::new();
    keys.iter().for_each(|&key| top.add(key, 1));
    top
}
