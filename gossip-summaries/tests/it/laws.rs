//! The laws of merging.

use crate::{distinct, histogram, top};
use gossip_summaries::{Distinct, Histogram, TopK};
use quickcheck::quickcheck;

/// A summary with another one merged into it.
macro_rules! merged {
    ($a:expr, $b:expr) => {{
        let mut merged = $a.clone();
        merged.merge(&$b);
        merged
    }};
}

/// Histograms of values that come often enough to stop their counts and sums.
fn heavy(records: &[(u64, u64)]) -> Histogram<8> {
    let mut histogram = Histogram::new();
    records.iter().for_each(|&(value, times)| histogram.record_n(value, times));
    histogram
}

fn weighted(records: &[(u8, u64)]) -> TopK<3> {
    let mut top = TopK::new();
    records.iter().for_each(|&(key, times)| top.add(key.into(), times));
    top
}

quickcheck! {
    fn histograms_merge_in_any_order_even_where_counts_stop(
        a: Vec<(u64, u64)>, b: Vec<(u64, u64)>, c: Vec<(u64, u64)>
    ) -> bool {
        let (x, y, z) = (heavy(&a), heavy(&b), heavy(&c));
        let whole = heavy(&[a, b, c].concat());
        merged!(merged!(x, y), z) == whole
            && merged!(x, merged!(y, z)) == whole
            && merged!(z, merged!(y, x)) == whole
            && merged!(x, Histogram::new()) == x
            && merged!(Histogram::new(), x) == x
    }

    fn every_size_of_histogram_merges_to_one_of_everything(a: Vec<u64>, b: Vec<u64>) -> bool {
        let both = [a.clone(), b.clone()].concat();
        merged!(histogram::<4>(&a), histogram::<4>(&b)) == histogram(&both)
            && merged!(histogram::<8>(&a), histogram::<8>(&b)) == histogram(&both)
            && merged!(histogram::<16>(&a), histogram::<16>(&b)) == histogram(&both)
    }

    fn distinct_counts_merge_in_any_order_and_any_number_of_times(
        a: Vec<u64>, b: Vec<u64>, c: Vec<u64>
    ) -> bool {
        let (x, y, z) = (distinct::<128>(&a), distinct(&b), distinct(&c));
        let whole = distinct(&[a, b, c].concat());
        merged!(merged!(x, y), z) == whole
            && merged!(x, merged!(y, z)) == whole
            && merged!(z, merged!(y, x)) == whole
            && merged!(whole, y) == whole
            && merged!(x, Distinct::new()) == x
            && merged!(Distinct::new(), x) == x
    }

    fn tops_merge_either_way_and_nothing_adds_nothing(a: Vec<(u8, u64)>, b: Vec<(u8, u64)>) -> bool {
        let (x, y) = (weighted(&a), weighted(&b));
        merged!(x, y) == merged!(y, x)
            && merged!(x, TopK::new()) == x
            && merged!(TopK::new(), x) == x
    }

    fn tops_with_room_for_every_key_are_exact(a: Vec<u8>, b: Vec<u8>) -> bool {
        let few = |keys: &[u8]| -> Vec<u64> { keys.iter().map(|key| u64::from(key % 32)).collect() };
        let (a, b) = (few(&a), few(&b));
        let both = merged!(top::<32>(&a), top::<32>(&b));
        let all = [a, b].concat();
        both == top(&all)
            && both.entries().iter().all(|entry| {
                entry.at_least() == all.iter().filter(|key| **key == entry.key).count() as u64
            })
    }
}
