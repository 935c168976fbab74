//! Encodings: there and back, exactly one each, and nothing that any bytes can break.

use crate::{Random, distinct, histogram, top};
use gossip_summaries::{DecodeError, Distinct, Histogram, NoRoom, TopK};
use quickcheck::quickcheck;

/// The encoding of a summary.
macro_rules! encoded {
    ($summary:expr) => {{
        let mut bytes = vec![0; 10_000];
        let length = $summary.encode(&mut bytes).unwrap();
        bytes.truncate(length);
        bytes
    }};
}

/// Whatever these bytes decode to encodes to the same bytes, and can be asked and merged.
macro_rules! total {
    ($type:ty, $bytes:expr, $ask:expr) => {
        if let Ok(mut summary) = <$type>::decode($bytes) {
            assert_eq!(encoded!(summary), $bytes);
            summary.merge(&summary.clone());
            $ask(&summary);
            assert_eq!(<$type>::decode(&encoded!(summary)).as_ref(), Ok(&summary));
        }
    };
}

fn decode_as_everything(bytes: &[u8]) {
    total!(Histogram<4>, bytes, |h: &Histogram<4>| h.quantile(990));
    total!(Histogram<8>, bytes, |h: &Histogram<8>| h.quantile(990));
    total!(Histogram<16>, bytes, |h: &Histogram<16>| h.quantile(990));
    total!(Distinct<128>, bytes, |d: &Distinct<128>| d.estimate());
    total!(Distinct<256>, bytes, |d: &Distinct<256>| d.estimate());
    total!(Distinct<512>, bytes, |d: &Distinct<512>| d.estimate());
    total!(Distinct<1024>, bytes, |d: &Distinct<1024>| d.estimate());
    total!(TopK<1>, bytes, |t: &TopK<1>| t.absent_at_most());
    total!(TopK<16>, bytes, |t: &TopK<16>| t.absent_at_most());
}

quickcheck! {
    fn any_bytes_are_decoded_or_refused(kind: u8, bytes: Vec<u8>) -> bool {
        decode_as_everything(&bytes);
        let kinds = [18, 19, 20, 39, 40, 41, 42, 48];
        let mut bytes = bytes;
        bytes.insert(0, kinds[usize::from(kind) % kinds.len()]);
        decode_as_everything(&bytes);
        if bytes.len() > 1 && bytes[0] == 48 {
            bytes[1] = if kind & 8 == 0 { 1 } else { 16 };
        }
        decode_as_everything(&bytes);
        true
    }

    fn damaged_encodings_are_decoded_or_refused(values: Vec<u64>, at: usize, with: u8, cut: usize) -> bool {
        for mut bytes in [
            encoded!(histogram::<8>(&values)),
            encoded!(distinct::<256>(&values)),
            encoded!(top::<16>(&values)),
        ] {
            let length = bytes.len();
            bytes[at % length] ^= with;
            decode_as_everything(&bytes);
            bytes.truncate(cut % length);
            decode_as_everything(&bytes);
        }
        true
    }

    fn histograms_come_back(records: Vec<(u64, u64)>) -> bool {
        let mut histogram = Histogram::<8>::new();
        records.iter().for_each(|&(value, times)| histogram.record_n(value, times));
        let bytes = encoded!(histogram);
        bytes.len() == histogram.encoded_len() && Histogram::decode(&bytes) == Ok(histogram)
    }

    fn distinct_counts_come_back(values: Vec<u64>) -> bool {
        let distinct = distinct::<256>(&values);
        let bytes = encoded!(distinct);
        bytes.len() == Distinct::<256>::ENCODED && Distinct::decode(&bytes) == Ok(distinct)
    }

    fn tops_come_back(a: Vec<(u8, u64)>, b: Vec<(u8, u32)>) -> bool {
        let (mut top, mut other) = (TopK::<5>::new(), TopK::new());
        a.iter().for_each(|&(key, times)| top.add(key.into(), times));
        b.iter().for_each(|&(key, times)| other.add(key.into(), times.into()));
        let (one, alone) = (encoded!(top), TopK::decode(&encoded!(other)) == Ok(other.clone()));
        let came_back = one.len() == top.encoded_len() && TopK::decode(&one) == Ok(top.clone());
        top.merge(&other);
        alone && came_back && TopK::decode(&encoded!(top)) == Ok(top)
    }
}

#[test]
fn the_longest_encodings_fit_the_constants() {
    let mut full = Histogram::<16>::new();
    let mut random = Random(1);
    (0..200_000).for_each(|_| full.record_n(random.skewed(), u64::MAX));
    assert!(encoded!(full).len() > 9_000 && encoded!(full).len() <= Histogram::<16>::MAX_ENCODED);
    let mut top = TopK::<32>::new();
    (0..64).for_each(|key| top.add(key, u64::MAX / 65));
    top.merge(&top.clone());
    assert!(encoded!(top).len() > 500 && encoded!(top).len() <= TopK::<32>::MAX_ENCODED);
}

#[test]
fn without_room_the_length_that_is_needed_is_told() {
    let histogram = histogram::<8>(&[1, 2, 3]);
    let needed = histogram.encoded_len();
    assert_eq!(histogram.encode(&mut vec![0; needed - 1]), Err(NoRoom { needed }));
    assert_eq!(histogram.encode(&mut vec![0; needed]), Ok(needed));
    assert_eq!(distinct::<128>(&[]).encode(&mut []), Err(NoRoom { needed: 97 }));
    assert_eq!(top::<4>(&[9]).encode(&mut [0; 12]), Err(NoRoom { needed: 13 }));
}

#[test]
fn the_wire_format_stays_as_it_is() {
    // Two values of 0, one of 9, three of 17 (in the bucket of 16 and 17): a sum of 60.
    assert_eq!(encoded!(histogram::<8>(&[0, 9, 0, 17, 17, 17])), [19, 60, 2, 0, 7, 1, 0, 5, 3]);
    assert_eq!(encoded!(Histogram::<4>::new()), [18, 0]);

    let mut registers = Distinct::<128>::new();
    registers.insert_hash(1 << 56);
    registers.insert_hash(1 << 57);
    registers.insert_hash(3 << 57);
    let bytes = encoded!(registers);
    assert_eq!((bytes[..4].to_vec(), bytes[4..].iter().max()), (vec![39, 0x07, 0xa0, 0x3a], Some(&0)));

    let mut top = TopK::<2>::new();
    for (key, times) in [(5, 300), (6, 7), (7, 1)] {
        top.add(key, times);
    }
    assert_eq!(
        encoded!(top),
        [48, 2, 0xb4, 2, 0, 0, 0, 0, 0, 0, 0, 5, 0xac, 2, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0xa4, 2, 7]
    );
}

#[test]
fn refusals_say_what_is_wrong() {
    use DecodeError::*;
    let histogram = |bytes: &[u8]| Histogram::<8>::decode(bytes).unwrap_err();
    assert_eq!(histogram(&[]), Truncated);
    assert_eq!(histogram(&[19]), Truncated);
    assert_eq!(histogram(&[19, 0x80]), Truncated);
    assert_eq!(histogram(&[18, 0]), OtherKind { expected: 19, found: 18 });
    assert_eq!(histogram(&[19, 0x80, 0]), BadNumber);
    assert_eq!(histogram(&[[19].as_slice(), &[0xff; 10]].concat()), BadNumber);
    assert_eq!(histogram(&[[19].as_slice(), &[0x80; 9], &[2]].concat()), BadNumber);
    assert_eq!(histogram(&[19, 0, 0, 3]), BadGap);
    assert_eq!(histogram(&[19, 9, 0, 3, 0, 4, 1]), BadGap);
    assert_eq!(histogram(&[19, 1, 1]), BadSum);
    assert_eq!(histogram(&[19, 0, 0, 0, 1]), BadSum);
    assert_eq!(histogram(&[19, 1, 0, 0x80, 0x7d, 1]), TooLong);
    assert_eq!(histogram(&[19, 1, 0, 0xef, 3, 1]), TooLong);

    let distinct = |bytes: &[u8]| Distinct::<128>::decode(bytes).unwrap_err();
    let mut registers = encoded!(Distinct::<128>::new());
    assert_eq!(distinct(&registers[1..]), OtherKind { expected: 39, found: 0 });
    assert_eq!(distinct(&registers[..96]), Truncated);
    registers[3] = 59;
    assert_eq!(distinct(&registers), BadRegister { index: 3, rank: 59 });
    registers[3] = 58;
    assert!(Distinct::<128>::decode(&registers).is_ok());
    registers.push(0);
    assert_eq!(distinct(&registers), TooLong);
}

#[test]
fn refused_tops_say_what_is_wrong() {
    use DecodeError::*;
    let entry = |key: u64, count: u8, error: u8| [key.to_be_bytes().as_slice(), &[count, error]].concat();
    let refused = |total: u8, entries: &[Vec<u8>]| {
        TopK::<2>::decode(&[vec![48, 2, total], entries.concat()].concat()).unwrap_err()
    };
    assert_eq!(TopK::<2>::decode(&[48, 3, 0]), Err(OtherCapacity { expected: 2, found: 3 }));
    assert_eq!(refused(1, &[]), BadTotal);
    assert_eq!(refused(5, &[vec![0; 8]]), Truncated);
    assert_eq!(refused(6, &[entry(1, 5, 0)]), BadTotal);
    assert_eq!(refused(8, &[entry(1, 5, 0), entry(2, 1, 0)]), BadTotal);
    assert_eq!(refused(0, &[entry(1, 0, 0)]), BadCount { key: 1 });
    assert_eq!(refused(5, &[entry(1, 5, 1)]), BadCount { key: 1 });
    assert_eq!(refused(9, &[entry(1, 5, 0), entry(2, 6, 0)]), BadCount { key: 2 });
    assert_eq!(refused(9, &[entry(1, 5, 4), entry(2, 2, 0)]), BadCount { key: 1 });
    assert_eq!(refused(10, &[entry(2, 5, 0), entry(1, 0, 0)]), BadOrder { key: 1 });
    assert_eq!(refused(9, &[entry(1, 5, 0), entry(1, 1, 0)]), BadOrder { key: 1 });
    assert_eq!(refused(9, &[entry(1, 3, 0), entry(2, 0, 0), entry(3, 0, 0)]), TooLong);
}
