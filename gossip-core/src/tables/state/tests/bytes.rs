//! Bytes from anyone.

use super::rig::{LIMITS, NOW, OWNER, Rig, Says};
use crate::{
    tables::state::{
        entry::{AfterDeath, Content, Entry, Lasting, Seconds},
        item::{self, Item, MAX_ITEM_ENTRIES},
        limits::MAX_TTL,
        tell::Tell,
    },
    vocabulary::{error::Malformed, record::Incarnation},
};
use quickcheck::{Gen, QuickCheck};
use std::{vec, vec::Vec};

fn item(entries: &[u8]) -> Item<'_> {
    Item { epoch: 1, top: 10, from: 0, to: 10, entries }
}

#[test]
fn an_entry_has_the_bytes_that_its_layout_says() {
    let lease = Lasting { expires: Some(Seconds(NOW.0 + 300)), after_death: AfterDeath::Kept };
    let value = |bytes, lasting| Content::Value { bytes, lasting };
    for (version, key, content, bytes) in [
        (1, &b"port"[..], value(b"\x1f\x0a", Lasting::default()), &b"\x01\x04port\x02\x1f\x0a"[..]),
        (2, b"k", value(b"", Lasting::default()), b"\x02\x01k\x00"),
        (3, b"k", value(b"v", lease), b"\x03\xc1k\xac\x02\x01v"),
        (4, b"k", Content::Deleted, b"\x04\x21k"),
        (200, b"", Content::Floor(199), b"\xc8\x01\x00\x04\x00\x00\x00\xc7"),
    ] {
        let entry = Entry { version, key, content };
        let mut out = [0; 64];
        let len = item::put(&entry, 0, NOW, &mut out).unwrap();
        assert_eq!(&out[..len], bytes);
        let item = Item { top: version, to: version, ..item(bytes) };
        assert_eq!(item.check(|_| true), Ok(()));
        assert_eq!(item.entries(NOW).collect::<Vec<_>>(), [Ok(entry)]);
        for room in 0..len {
            assert_eq!(item::put(&entry, 0, NOW, &mut out[..room]), None);
        }
        for cut in 1..bytes.len() {
            let check = Item { entries: &bytes[..cut], ..item }.check(|_| true);
            assert!(check.is_err(), "{cut} bytes of {bytes:?}");
        }
    }
}

#[test]
fn what_no_correct_node_sends_is_malformed() {
    for (what, entries) in [
        ("a version that does not rise", &b"\x00\x01k\x00"[..]),
        ("the second does not rise", b"\x01\x01k\x00\x00\x01l\x00"),
        ("a version above the span", b"\x0b\x01k\x00"),
        ("a version in two bytes that fits into one", b"\x81\x00\x01k\x00"),
        ("a version above 32 bits", b"\xff\xff\xff\xff\x1f\x01k\x00"),
        ("a tombstone that expires", b"\x01\x61k\x01"),
        ("a tombstone that outlives its owner", b"\x01\xa1k"),
        ("a tombstone with a value", b"\x01\x21k\x01v"),
        ("a tombstone of no key", b"\x01\x20"),
        ("a floor of three bytes", b"\x02\x00\x03\x00\x00\x01"),
        ("a floor that expires", b"\x02\x40\x01\x04\x00\x00\x00\x01"),
        ("a floor that is not below itself", b"\x02\x00\x04\x00\x00\x00\x02"),
        ("no time to live", b"\x01\x41k\x00\x00"),
        ("too long a time to live", b"\x01\x41k\x81\x80\x80\x08\x00"),
        ("a value that ends early", b"\x01\x01k\x02v"),
    ] {
        assert!(item(entries).check(|_| true).is_err(), "{what}");
    }
    assert_eq!(item(b"\x01\x41k\x80\x80\x80\x08\x00").check(|_| true), Ok(()), "{MAX_TTL} seconds");
    let spans = [(5, 4, 10), (0, 11, 10), (0, 10, Incarnation::MAX_COUNT + 1)];
    for (from, to, top) in spans {
        assert_eq!(Item { from, to, top, ..item(b"") }.check(|_| true), Err(Malformed::Value));
    }
    let many = |count| vec![[1, 0x21, b'k']; count].concat();
    let check = |count| Item { top: 100, to: 100, ..item(&many(count)) }.check(|_| true);
    assert_eq!((check(MAX_ITEM_ENTRIES), check(MAX_ITEM_ENTRIES + 1)), (Ok(()), Err(Malformed::TooMany)));
}

/// Whatever decodes is applied, twice, among what is there, and told on.
#[test]
fn any_bytes_are_read_without_panic_and_keep_the_books() {
    fn any(bytes: Vec<u8>, from: u8, to: u8, known: u8, blocks: u8) -> bool {
        // Mostly small numbers, or nothing would decode.
        let bend = |(at, byte): (usize, u8)| if at % 3 == 0 { byte % 8 } else { byte };
        let bytes: Vec<u8> = bytes.into_iter().enumerate().map(bend).collect();
        let mut rig = Rig::new(2, 2 + usize::from(blocks % 20), LIMITS);
        for n in 0..known % 8 {
            let _ = rig.set_of(OWNER, &[n % 5], &[n; 30]);
        }
        let (from, to) = (u32::from(from % 16), u32::from(to % 64));
        let item = Item { epoch: 1, top: to + 1, from, to, entries: &bytes };
        if item.check(|_| true).is_ok() {
            for top in [to + 1, to] {
                let before = rig.known();
                let _ = rig.store().apply(OWNER, &item, top, NOW, &mut |_, _| {});
                rig.store().check();
                assert!(rig.known() >= before && rig.known() <= before.max(to));
            }
        }
        for room in [20, 1_200] {
            let _ = rig.tell(Tell::Missing { known: 0 }, room);
            let _ = rig.tell(Tell::News { since: 0 }, room);
        }
        true
    }
    let any = any as fn(Vec<u8>, u8, u8, u8, u8) -> bool;
    QuickCheck::new().rng(Gen::new(60)).tests(50_000).quickcheck(any);
}

/// What decodes encodes to the same bytes again.
#[test]
fn every_entry_has_one_encoding() {
    fn any(bytes: Vec<u8>) -> bool {
        let bend = |(at, byte): (usize, u8)| if at % 3 == 0 { byte % 8 } else { byte };
        let bytes: Vec<u8> = bytes.into_iter().enumerate().map(bend).collect();
        let item = Item { top: 1_000, to: 1_000, ..item(&bytes) };
        let (mut again, mut last) = (vec![], 0);
        for entry in item.entries(NOW) {
            let Ok(entry) = entry else { return true };
            let mut out = [0; 300];
            let len = item::put(&entry, last, NOW, &mut out).unwrap();
            again.extend_from_slice(&out[..len]);
            last = entry.version;
            assert_eq!(bytes[..again.len()], again);
        }
        true
    }
    QuickCheck::new().rng(Gen::new(40)).tests(50_000).quickcheck(any as fn(Vec<u8>) -> bool);
}

#[test]
fn a_forged_floor_drops_what_is_not_above_it_and_no_more() {
    let mut rig = Rig::new(2, 8, LIMITS);
    rig.set(b"a", b"1");
    rig.set(b"b", b"2");
    let forged = Item { epoch: 1, top: 9, from: 2, to: 9, entries: b"\x01\x00\x04\x00\x00\x00\x01" };
    assert_eq!(forged.check(|_| true), Ok(()));
    let _ = rig.store().apply(OWNER, &forged, 9, NOW, &mut |_, _| {});
    let held: Vec<Says> = rig.map(NOW).into_iter().map(|(.., says, _)| says).collect();
    assert_eq!(held, [Says::Value(b"2".to_vec()), Says::Floor(1)]);
}
