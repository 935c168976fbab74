//! What summaries cost: recording, merging, and what is asked of them.
//!
//! `cargo bench -p gossip-summaries --bench summaries`

use divan::{Bencher, black_box};
use gossip_summaries::{Distinct, Histogram, TopK};

fn main() {
    divan::main();
}

/// Skewed values: the next one from the last.
fn next(value: &mut u64) -> u64 {
    *value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    *value >> (32 + (*value >> 59))
}

fn histogram() -> Histogram<8> {
    let (mut histogram, mut value) = (Histogram::new(), 1);
    (0..2_000).for_each(|_| histogram.record(next(&mut value)));
    histogram
}

fn distinct() -> Distinct<256> {
    let (mut distinct, mut value) = (Distinct::new(), 1);
    (0..2_000).for_each(|_| distinct.insert(&next(&mut value).to_be_bytes()));
    distinct
}

fn top() -> TopK<16> {
    let (mut top, mut value) = (TopK::new(), 1);
    (0..2_000).for_each(|_| top.add(next(&mut value) >> 16, 1));
    top
}

#[divan::bench]
fn histogram_record(bencher: Bencher<'_, '_>) {
    let (mut histogram, mut value) = (histogram(), 7);
    bencher.bench_local(|| histogram.record(next(&mut value)));
}

#[divan::bench]
fn histogram_merge(bencher: Bencher<'_, '_>) {
    let (mut into, from) = (histogram(), histogram());
    bencher.bench_local(|| into.merge(black_box(&from)));
}

#[divan::bench]
fn histogram_quantile(bencher: Bencher<'_, '_>) {
    let histogram = histogram();
    bencher.bench_local(|| black_box(&histogram).quantile(990));
}

#[divan::bench]
fn histogram_encode_and_decode(bencher: Bencher<'_, '_>) {
    let (histogram, mut wire) = (histogram(), [0; Histogram::<8>::MAX_ENCODED]);
    bencher.bench_local(|| {
        let length = histogram.encode(&mut wire).unwrap_or_default();
        wire.get(..length).map(Histogram::<8>::decode)
    });
}

#[divan::bench]
fn distinct_insert(bencher: Bencher<'_, '_>) {
    let (mut distinct, mut value) = (distinct(), 7);
    bencher.bench_local(|| distinct.insert(&next(&mut value).to_be_bytes()));
}

#[divan::bench]
fn distinct_estimate(bencher: Bencher<'_, '_>) {
    let distinct = distinct();
    bencher.bench_local(|| black_box(&distinct).estimate());
}

#[divan::bench]
fn top_add(bencher: Bencher<'_, '_>) {
    let (mut top, mut value) = (top(), 7);
    bencher.bench_local(|| top.add(next(&mut value) >> 16, 1));
}

#[divan::bench]
fn top_merge(bencher: Bencher<'_, '_>) {
    let (mut into, from) = (top(), top());
    bencher.bench_local(|| into.merge(black_box(&from)));
}
