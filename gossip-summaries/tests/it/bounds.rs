//! The error bounds that the documentation gives.

use crate::{Random, distinct, histogram};
use gossip_summaries::{Distinct, Histogram, TopK, hash};
use quickcheck::{TestResult, quickcheck};
use std::collections::BTreeMap;

/// The value at a rank, as `Histogram::quantile` defines it.
fn exact_quantile(sorted: &[u64], permille: u32) -> Option<u64> {
    let rank = (sorted.len() * permille.min(1_000) as usize).div_ceil(1_000).max(1);
    sorted.get(rank - 1).copied()
}

/// Whether a quantile is within 1 / (2 · buckets an octave) of the exact one.
fn is_close(found: Option<u64>, exact: Option<u64>, per_octave: u128) -> bool {
    match (found, exact) {
        (Some(found), Some(exact)) => u128::from(found.abs_diff(exact)) * 2 * per_octave <= u128::from(exact),
        (found, exact) => found == exact,
    }
}

quickcheck! {
    fn quantiles_are_as_close_as_promised(seed: u64, length: u8, permille: u16) -> bool {
        let mut random = Random(seed);
        let mut values: Vec<u64> = (0..length).map(|_| random.skewed()).collect();
        let found = (
            histogram::<4>(&values).quantile(permille.into()),
            histogram::<8>(&values).quantile(permille.into()),
            histogram::<16>(&values).quantile(permille.into()),
        );
        values.sort_unstable();
        let exact = exact_quantile(&values, permille.into());
        is_close(found.0, exact, 4) && is_close(found.1, exact, 8) && is_close(found.2, exact, 16)
    }

    fn a_single_value_is_found_within_its_bucket(value: u64) -> bool {
        let exact = Some(value);
        is_close(histogram::<4>(&[value]).quantile(500), exact, 4)
            && is_close(histogram::<8>(&[value]).quantile(500), exact, 8)
            && is_close(histogram::<16>(&[value]).quantile(500), exact, 16)
    }

    fn tops_keep_their_bounds_in_any_tree_of_merges(nodes: Vec<Vec<(u8, u16)>>, tree: u64) -> TestResult {
        check_top::<1>(&nodes, tree);
        check_top::<4>(&nodes, tree);
        check_top::<16>(&nodes, tree);
        TestResult::passed()
    }
}

/// Counts what each node saw, merges in the order that `tree` gives, and compares with exact counts.
fn check_top<const K: usize>(nodes: &[Vec<(u8, u16)>], tree: u64) {
    let mut exact = BTreeMap::<u64, u64>::new();
    let mut tops: Vec<TopK<K>> = nodes.iter().map(|node| seen(node, &mut exact)).collect();
    let mut random = Random(tree);
    while tops.len() > 1 {
        let from = tops.swap_remove(random.below(tops.len() as u64) as usize);
        let into = random.below(tops.len() as u64) as usize;
        tops[into].merge(&from);
        // Merged summaries go on counting.
        tops[into].add(into as u64, 2);
        *exact.entry(into as u64).or_default() += 2;
    }
    let Some(top) = tops.pop() else { return };
    let total: u64 = exact.values().sum();
    assert_eq!(top.total(), total);
    assert!(top.absent_at_most() <= total / K as u64);
    for entry in top.entries() {
        let truth = exact.get(&entry.key).copied().unwrap_or_default();
        assert!(entry.at_least() <= truth && truth <= entry.count, "{entry:?} came {truth} times");
        assert!(entry.error <= total / K as u64);
    }
    for (&key, &truth) in exact.iter().filter(|(key, _)| top.get(**key).is_none()) {
        assert!(truth <= top.absent_at_most(), "{key} came {truth} times, and is absent");
    }
}

fn seen<const K: usize>(node: &[(u8, u16)], exact: &mut BTreeMap<u64, u64>) -> TopK<K> {
    let mut top = TopK::new();
    for &(key, times) in node {
        top.add(key.into(), times.into());
        *exact.entry(key.into()).or_default() += u64::from(times);
    }
    top
}

#[test]
fn the_edges_of_all_buckets_are_in_range() {
    let mut values = vec![0, u64::MAX];
    for power in 0..64 {
        values.extend([(1_u64 << power) - 1, 1 << power, (1 << power) + 1]);
    }
    for value in values {
        assert!(is_close(histogram::<4>(&[value]).quantile(0), Some(value), 4), "{value}");
        assert!(is_close(histogram::<8>(&[value]).quantile(0), Some(value), 8), "{value}");
        assert!(is_close(histogram::<16>(&[value]).quantile(0), Some(value), 16), "{value}");
    }
}

#[test]
fn small_values_are_exact() {
    for value in 0..16 {
        assert_eq!(histogram::<8>(&[value]).quantile(500), Some(value));
    }
}

#[test]
fn an_empty_histogram_has_no_quantiles() {
    let empty = Histogram::<8>::new();
    assert!(empty.is_empty());
    assert_eq!((empty.quantile(0), empty.quantile(1_000), empty.count(), empty.sum()), (None, None, 0, 0));
}

#[test]
fn counts_and_sums_stop_instead_of_wrapping() {
    let mut histogram = Histogram::<8>::new();
    histogram.record_n(u64::MAX, u64::MAX);
    histogram.record_n(1, u64::MAX);
    histogram.record(1);
    assert_eq!((histogram.count(), histogram.sum()), (u64::MAX, u64::MAX));
    assert_eq!(histogram.quantile(500), Some(1));
    assert!(histogram.quantile(501).is_some_and(|value| value > u64::MAX / 16 * 15));

    let mut top = TopK::<2>::new();
    (1..5).for_each(|key| top.add(key, u64::MAX));
    top.merge(&top.clone());
    assert_eq!((top.total(), top.absent_at_most()), (u64::MAX, u64::MAX));
}

#[test]
fn nothing_is_estimated_as_nothing_and_few_things_exactly() {
    assert_eq!(Distinct::<256>::new().estimate(), 0);
    assert_eq!(distinct::<256>(&[7, 7, 7]).estimate(), 1);
    let ten = distinct::<1024>(&(0..10).collect::<Vec<_>>());
    assert_eq!(ten.estimate(), 10);
}

#[test]
fn full_registers_give_the_highest_estimate() {
    let mut full = Distinct::<128>::new();
    (0..128_u64).for_each(|index| full.insert_hash(index << 57));
    assert_eq!(full.estimate(), u64::MAX);
}

#[test]
fn an_estimate_without_empty_registers_is_the_formula_of_the_paper() {
    /// All registers at 3, so that the sum of 2^-register is an eighth of their number.
    fn check<const R: usize>() {
        let mut distinct = Distinct::<R>::new();
        let bits = R.trailing_zeros();
        (0..R as u64).for_each(|index| distinct.insert_hash(index << (64 - bits) | 1 << (61 - bits)));
        let registers = R as f64;
        let alpha = 0.7213 / (1.0 + 1.079 / registers);
        assert_eq!(distinct.estimate(), (alpha * registers * registers / (registers / 8.0)) as u64);
    }
    check::<128>();
    check::<256>();
    check::<512>();
    check::<1024>();
}

/// The root mean square of the relative error over 200 summaries of different things, and the mean, in thousandths.
fn error_of<const R: usize>(things: u64) -> (f64, f64) {
    const RUNS: u64 = 200;
    let (mut squares, mut sum) = (0.0, 0.0);
    for run in 0..RUNS {
        let mut random = Random(run << 32 | things);
        let mut distinct = Distinct::<R>::new();
        (0..things).for_each(|_| distinct.insert_hash(random.next()));
        let error = distinct.estimate() as f64 / things as f64 - 1.0;
        squares += error * error;
        sum += error;
    }
    ((squares / RUNS as f64).sqrt() * 1e3, sum / RUNS as f64 * 1e3)
}

#[test]
fn estimates_have_the_standard_error_of_the_paper() {
    // 1.04/√R, and a fifth for chance in 200 runs and for the bias where the two estimates meet.
    for things in [20, 100, 300, 600, 1_000, 3_000, 10_000] {
        for (registers, (error, mean)) in [
            (128, error_of::<128>(things)),
            (256, error_of::<256>(things)),
            (512, error_of::<512>(things)),
            (1_024, error_of::<1024>(things)),
        ] {
            let promised = 1_040.0 / f64::from(registers).sqrt();
            assert!(error < 1.2 * promised, "{registers} registers, {things} things: {error} of {promised}");
            assert!(mean.abs() < promised / 2.0, "{registers} registers, {things} things: biased by {mean}");
        }
    }
}

#[test]
fn the_built_in_hash_is_fnv_1a_mixed_by_splitmix64() {
    // The well-known values of FNV-1a: cbf29ce484222325 of nothing, af63dc4c8601ec8c of "a", 85944171f73967e8 of "foobar".
    for (text, fnv) in
        [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8_u64)]
    {
        let mixed = Random(fnv.wrapping_sub(0x9e37_79b9_7f4a_7c15)).next();
        assert_eq!(hash(text.as_bytes()), mixed);
    }
    assert_eq!(Random(0).next(), 0xe220_a839_7b1d_cdaf, "SplitMix64 itself");
}
