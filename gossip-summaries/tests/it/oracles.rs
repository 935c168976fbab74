//! The same data in well-known implementations.

use crate::{Random, distinct, histogram};
use datasketches::hll::{HllSketch, HllType};
use quickcheck::quickcheck;

quickcheck! {
    fn quantiles_agree_with_hdr_histogram(seed: u64, length: u16) -> bool {
        let mut random = Random(seed);
        let values: Vec<u64> = (0..=length % 2_000).map(|_| random.skewed() >> 4).collect();
        let Ok(mut theirs) = hdrhistogram::Histogram::<u64>::new_with_bounds(1, u64::MAX / 2, 3) else {
            return false;
        };
        values.iter().for_each(|&value| theirs.record(value).unwrap());
        let ours = histogram::<8>(&values);
        ours.count() == theirs.len() && [1, 10, 250, 500, 900, 990, 999, 1_000].into_iter().all(|permille| {
            let theirs = theirs.value_at_quantile(f64::from(permille) / 1e3) as f64;
            let ours = ours.quantile(permille).unwrap_or_default() as f64;
            // Ours is within 6.25 %, theirs within 0.1 %.
            (ours - theirs).abs() <= theirs * 0.0645
        })
    }
}

#[test]
fn estimates_agree_with_those_of_datasketches() {
    let mut worst = 0.0_f64;
    for things in [1, 10, 100, 1_000, 5_000, 20_000] {
        for run in 0..10 {
            let mut random = Random(run);
            let values: Vec<u64> = (0..things).map(|_| random.next()).collect();
            let mut theirs = HllSketch::new(12, HllType::Hll8).unwrap();
            values.iter().for_each(|value| theirs.update(value));
            let ours = distinct::<1024>(&values).estimate() as f64;
            worst = worst.max((ours / theirs.estimate() - 1.0).abs());
        }
    }
    // Four standard errors: 3.25 % of ours, 1.6 % of theirs with four times as many registers.
    assert!(worst < 0.145, "{worst}");
}
