//! Bytes are a summary or are refused; what decodes encodes to the same bytes, and keeps the laws of merging.

use gossip_summaries::{Distinct, Histogram, TopK};

/// Two summaries of one type: the first byte says how long the first of them is.
pub fn run(bytes: &[u8]) {
    let Some((&length, rest)) = bytes.split_first() else { return };
    let (one, other) = rest.split_at(usize::from(length).min(rest.len()));
    histogram::<4>(rest, one, other);
    histogram::<8>(rest, one, other);
    histogram::<16>(rest, one, other);
    distinct::<128>(rest, one);
    distinct::<256>(rest, one);
    distinct::<512>(rest, one);
    distinct::<1024>(rest, one);
    top::<2>(rest, one, other);
    top::<16>(rest, one, other);
}

fn histogram<const P: usize>(all: &[u8], one: &[u8], other: &[u8]) {
    let read = |bytes: &[u8]| {
        let histogram = Histogram::<P>::decode(bytes).ok()?;
        let mut wire = vec![0; Histogram::<P>::MAX_ENCODED];
        assert_eq!(histogram.encode(&mut wire), Ok(bytes.len()));
        assert_eq!(&wire[..bytes.len()], bytes);
        let quantiles = [0, 1, 500, 999, 1_000].map(|permille| histogram.quantile(permille));
        assert!(quantiles.is_sorted() && histogram.is_empty() == quantiles[0].is_none());
        Some(histogram)
    };
    read(all);
    let (Some(a), Some(b)) = (read(one), read(other)) else { return };
    let (mut one_way, mut other_way) = (a.clone(), b.clone());
    one_way.merge(&b);
    other_way.merge(&a);
    assert_eq!(one_way, other_way);
    assert_eq!(
        (one_way.count(), one_way.sum()),
        (a.count().saturating_add(b.count()), a.sum().saturating_add(b.sum()))
    );
    again(&one_way);
}

/// What was merged can be told on.
fn again<const P: usize>(histogram: &Histogram<P>) {
    let mut wire = vec![0; Histogram::<P>::MAX_ENCODED];
    let length = histogram.encode(&mut wire).unwrap_or(0);
    assert_eq!(Histogram::<P>::decode(&wire[..length]).as_ref(), Ok(histogram));
}

/// Two of them are too long for one length byte: the other one is made of the same bytes.
fn distinct<const R: usize>(all: &[u8], one: &[u8]) {
    let Ok(a) = Distinct::<R>::decode(all).or_else(|_| Distinct::<R>::decode(one)) else { return };
    let mut wire = vec![0; Distinct::<R>::ENCODED];
    assert_eq!(a.encode(&mut wire), Ok(Distinct::<R>::ENCODED));
    assert!(wire == all || wire == one);
    let mut b = Distinct::<R>::new();
    all.chunks(8).for_each(|chunk| b.insert(chunk));
    let (mut one_way, mut other_way) = (a.clone(), b.clone());
    one_way.merge(&b);
    other_way.merge(&a);
    assert_eq!(one_way, other_way);
    assert_eq!(a.is_empty(), a.estimate() == 0);
}

fn top<const K: usize>(all: &[u8], one: &[u8], other: &[u8]) {
    let read = |bytes: &[u8]| {
        let top = TopK::<K>::decode(bytes).ok()?;
        let mut wire = vec![0; TopK::<K>::MAX_ENCODED];
        assert_eq!(top.encode(&mut wire), Ok(bytes.len()));
        assert_eq!(&wire[..bytes.len()], bytes);
        has_its_bounds(&top);
        Some(top)
    };
    if let Some(mut top) = read(all) {
        one.chunks(2).for_each(|chunk| top.add(chunk[0].into(), chunk.len() as u64));
        has_its_bounds(&top);
    }
    let (Some(a), Some(b)) = (read(one), read(other)) else { return };
    let (mut one_way, mut other_way) = (a.clone(), b.clone());
    one_way.merge(&b);
    other_way.merge(&a);
    assert_eq!(one_way, other_way);
    assert_eq!(one_way.total(), a.total().saturating_add(b.total()));
    has_its_bounds(&one_way);
    for entry in one_way.entries() {
        let bounds =
            |top: &TopK<K>| top.get(entry.key).map_or((0, top.absent_at_most()), |e| (e.at_least(), e.count));
        let ((least_a, most_a), (least_b, most_b)) = (bounds(&a), bounds(&b));
        assert_eq!(entry.count, most_a.saturating_add(most_b));
        assert!(entry.count == u64::MAX || entry.at_least() == least_a + least_b);
    }
}

/// The bounds that hold until the total stops.
fn has_its_bounds<const K: usize>(top: &TopK<K>) {
    assert!(top.entries().len() <= K);
    assert!(top.entries().is_sorted_by(|a, b| (b.count, a.key) < (a.count, b.key)));
    if top.total() < u64::MAX {
        assert!(top.absent_at_most() <= top.total() / K as u64);
        assert!(top.entries().iter().all(|entry| entry.error <= top.absent_at_most()));
        let sum: u64 = top.entries().iter().map(|entry| entry.count).sum();
        assert!(sum <= top.total());
    }
    let mut wire = vec![0; TopK::<K>::MAX_ENCODED];
    let length = top.encode(&mut wire).unwrap_or(0);
    assert_eq!(TopK::<K>::decode(&wire[..length]).as_ref(), Ok(top));
}
