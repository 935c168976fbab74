//! How large summaries are, and how wrong, over simulated nodes: the figures of the book.
//!
//! `cargo run -p gossip-summaries --example figures`

use gossip_summaries::{Distinct, Histogram, TopK, hash};
use std::collections::BTreeMap;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        hash(&self.0.to_be_bytes())
    }

    /// In (0, 1].
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

fn main() {
    println!("histogram of 2,000 latencies a node, log-normal, median 2 ms, sigma 0.8; 200 nodes");
    latencies::<4>();
    latencies::<8>();
    latencies::<16>();
    println!("distinct, 20 nodes that saw 15,000 things in all, each of them on two nodes; 100 runs");
    different::<128>();
    different::<256>();
    different::<512>();
    different::<1024>();
    println!("top of 2,000 keys a node, Zipf 1.1, of which the first 50 are on all of 100 nodes");
    heaviest::<8>();
    heaviest::<16>();
    heaviest::<32>();
}

/// The median and the largest.
fn middle_and_last(mut lengths: Vec<usize>) -> (usize, usize) {
    lengths.sort_unstable();
    let at = |index: usize| lengths.get(index).copied().unwrap_or_default();
    (at(lengths.len() / 2), at(lengths.len() - 1))
}

fn latencies<const P: usize>() {
    let (mut random, mut merged, mut all, mut lengths) = (Random(7), Histogram::<P>::new(), vec![], vec![]);
    for _ in 0..200 {
        let mut node = Histogram::<P>::new();
        for _ in 0..2_000 {
            let micros = (2_000.0 * (random.normal() * 0.8).exp()) as u64;
            node.record(micros);
            all.push(micros);
        }
        lengths.push(node.encoded_len());
        merged.merge(&node);
    }
    all.sort_unstable();
    let error = |permille: usize| {
        let exact = all.get((all.len() * permille).div_ceil(1_000) - 1).copied().unwrap_or(1) as f64;
        let found = merged.quantile(permille as u32).unwrap_or_default() as f64;
        (found / exact - 1.0).abs() * 100.0
    };
    let (median, most) = middle_and_last(lengths);
    let worst = (1..=1_000).map(error).fold(0.0, f64::max);
    println!(
        "  {P:2} an octave: {:4} B in memory; {median} B encoded, at most {most}, merged {}; error p50 {:.1} %, p99 {:.1} %, \
         p99.9 {:.1} %, worst of all {worst:.1} %, bound {:.1} %",
        size_of::<Histogram<P>>(),
        merged.encoded_len(),
        error(500),
        error(990),
        error(999),
        50.0 / P as f64,
    );
}

fn different<const R: usize>() {
    const RUNS: u64 = 100;
    const THINGS: u64 = 15_000;
    let mut squares = 0.0;
    for run in 0..RUNS {
        let mut merged = Distinct::<R>::new();
        for node in 0..20 {
            let mut summary = Distinct::<R>::new();
            for thing in node * 750..node * 750 + 1_500 {
                let thing = (run << 32) | (thing % THINGS);
                summary.insert(&thing.to_be_bytes());
            }
            merged.merge(&summary);
        }
        squares += (merged.estimate() as f64 / THINGS as f64 - 1.0).powi(2);
    }
    println!(
        "  {R:4} registers: {} B encoded; standard error {:.1} %, by the paper {:.1} %",
        Distinct::<R>::ENCODED,
        (squares / RUNS as f64).sqrt() * 100.0,
        104.0 / (R as f64).sqrt(),
    );
}

/// The ten highest counts and their keys.
fn first_ten(counts: &BTreeMap<u64, u64>) -> Vec<(u64, u64)> {
    let mut counts: Vec<(u64, u64)> = counts.iter().map(|(&key, &count)| (count, key)).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts.truncate(10);
    counts
}

/// Keys by Zipf's law, with exponent 1.1.
fn zipf() -> Vec<f64> {
    let weights = (1..=5_000).map(|rank| 1.0 / f64::from(rank).powf(1.1));
    let mut shares: Vec<f64> = weights
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    let total = shares.last().copied().unwrap_or(1.0);
    shares.iter_mut().for_each(|share| *share /= total);
    shares
}

fn heaviest<const K: usize>() {
    let (shares, mut random) = (zipf(), Random(7));
    let (mut merged, mut lengths) = (TopK::<K>::new(), vec![]);
    let (mut exact, mut added) = (BTreeMap::<u64, u64>::new(), BTreeMap::<u64, u64>::new());
    for node in 0..100_u64 {
        let mut summary = TopK::<K>::new();
        for _ in 0..2_000 {
            let chance = random.unit();
            let rank = shares.partition_point(|&share| share < chance) as u64;
            let key = if rank < 50 { rank } else { rank + node * 10_000 };
            let key = hash(&key.to_be_bytes());
            summary.add(key, 1);
            *exact.entry(key).or_default() += 1;
        }
        lengths.push(summary.encoded_len());
        merged.merge(&summary);
        summary.entries().iter().for_each(|entry| *added.entry(entry.key).or_default() += entry.count);
    }
    let heaviest = first_ten(&exact);
    let found =
        heaviest.iter().filter(|(_, key)| merged.entries().iter().take(10).any(|e| e.key == *key)).count();
    let added = first_ten(&added);
    let found_by_adding =
        heaviest.iter().filter(|(_, key)| added.iter().any(|(_, other)| other == key)).count();
    let off =
        heaviest.iter().filter_map(|&(count, key)| Some(merged.get(key)?.count as f64 / count as f64 - 1.0));
    let (median, most) = middle_and_last(lengths);
    println!(
        "  top {K:2}: {:3} B in memory; {median} B encoded, at most {most}; {found} of the true top 10 lead, {found_by_adding} where all entries are added up by key; their counts are up to \
         {:.0} % too high; an absent key came at most {} of {} times",
        size_of::<TopK<K>>(),
        off.fold(0.0, f64::max) * 100.0,
        merged.absent_at_most(),
        merged.total(),
    );
}
