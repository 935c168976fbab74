//! What encodes decodes to itself, and what decodes encodes to the same bytes.

use super::*;
use crate::{
    node::fuzzing::is_datagram,
    vocabulary::record::{Fingerprint, NodeId},
    wire::frame::{Contents, Draft, Frame, Header},
};
use quickcheck::{Arbitrary, Gen, TestResult, quickcheck};
use std::{collections::BTreeMap, format, vec, vec::Vec};

/// A value that owns its bytes; a tombstone has none.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::wire) struct Owned {
    pub(in crate::wire) key: ValueKey,
    pub(in crate::wire) rank: Rank,
    pub(in crate::wire) revision: u64,
    pub(in crate::wire) writer: NodeId,
    pub(in crate::wire) bytes: Option<Vec<u8>>,
    pub(in crate::wire) age: u32,
}

impl Owned {
    pub(in crate::wire) fn value(&self) -> Value<'_> {
        let content = self.bytes.as_deref().map_or(Content::Deleted, Content::Value);
        Value::new(self.key, (self.rank, self.revision, self.writer), content, self.age)
    }

    fn of(value: &Value<'_>) -> Self {
        let Version { rank, revision, writer, .. } = value.version;
        let bytes = value.content.value().map(<[u8]>::to_vec);
        Self { key: value.key, rank, revision, writer, bytes, age: value.age }
    }
}

fn key(g: &mut Gen) -> ValueKey {
    let bytes: Vec<u8> = (0..=u8::arbitrary(g) % 31).map(|_| b'!' + u8::arbitrary(g) % 94).collect();
    ValueKey::from_bytes(&bytes).unwrap()
}

fn rank(g: &mut Gen) -> Rank {
    if bool::arbitrary(g) { Rank::Anyone } else { Rank::Authority { source: u32::arbitrary(g) } }
}

fn node(g: &mut Gen) -> NodeId {
    NodeId::from_u64(u64::arbitrary(g).max(1)).unwrap()
}

impl Arbitrary for Owned {
    fn arbitrary(g: &mut Gen) -> Self {
        let bytes = Option::<Vec<u8>>::arbitrary(g).map(|mut bytes| {
            if u8::arbitrary(g) % 4 == 0 {
                bytes.resize(200, 7);
            }
            bytes
        });
        let (key, rank, revision) = (key(g), rank(g), u64::arbitrary(g));
        let age = u32::arbitrary(g) >> (u8::arbitrary(g) % 32);
        Self { key, rank, revision, writer: node(g), bytes, age }
    }
}

fn encode(values: &[Owned]) -> Vec<u8> {
    written(|writer| values.iter().for_each(|owned| encode_value(writer, &owned.value())))
}

fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut space = vec![0; 100_000];
    let mut writer = Writer::new(&mut space);
    write(&mut writer);
    let len = writer.len();
    space.truncate(len);
    space
}

/// All entries of a body, as `decode` reads them one after the other.
fn all<'a, T>(
    bytes: &'a [u8],
    mut decode: impl FnMut(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let mut reader = Reader { rest: bytes };
    let mut entries = vec![];
    while !reader.is_empty() {
        entries.push(decode(&mut reader)?);
    }
    Ok(entries)
}

fn decode(bytes: &[u8]) -> Result<Vec<Owned>, Malformed> {
    all(bytes, |reader| decode_value(reader).map(|value| Owned::of(&value)))
}

/// The body of a list of what fits.
fn list(
    late: bool,
    versions: impl Iterator<Item = (ValueKey, Version)> + Clone,
    room: usize,
) -> Option<Vec<u8>> {
    let (span, count) = fitting(late, versions.clone(), room)?;
    Some(written(|writer| encode_list(writer, span, versions.take(count))))
}

/// Versions by key, as a node holds them.
#[derive(Clone, Debug)]
struct Held(BTreeMap<ValueKey, Version>);

impl Held {
    fn versions(&self) -> impl Iterator<Item = (ValueKey, Version)> + Clone + '_ {
        self.0.iter().map(|(key, version)| (*key, *version))
    }
}

impl Arbitrary for Held {
    fn arbitrary(g: &mut Gen) -> Self {
        let values = Vec::<Owned>::arbitrary(g);
        Self(values.iter().map(|owned| (owned.key, owned.value().version)).collect())
    }
}

fn changed(mut bytes: Vec<u8>, changes: Vec<(u16, u8)>) -> Vec<u8> {
    for (at, to) in changes.into_iter().take(4) {
        let at = usize::from(at) % bytes.len().max(1);
        bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = to);
    }
    bytes
}

quickcheck! {
    fn values_decode_to_themselves(values: Vec<Owned>) -> bool {
        decode(&encode(&values)) == Ok(values)
    }

    fn what_decodes_as_values_encodes_to_the_same_bytes(values: Vec<Owned>, changes: Vec<(u16, u8)>) -> TestResult {
        let bytes = changed(encode(&values), changes);
        let Ok(values) = decode(&bytes) else { return TestResult::discard() };
        TestResult::from_bool(encode(&values) == bytes)
    }

    fn a_value_cut_short_is_never_taken_for_whole(value: Owned, at: u16) -> bool {
        let bytes = encode(&[value]);
        let cut = usize::from(at) % (bytes.len() - 1) + 1;
        decode(&bytes[..cut]) == Err(Malformed::Truncated)
    }

    fn a_list_is_what_fits_from_its_first_on(held: Held, late: bool, room: u16) -> bool {
        let room = usize::from(room % 2_000);
        let Some(bytes) = list(late, held.versions(), room) else {
            let first = held.versions().next().map(|(key, version)| 1 + version_len(&key, &version));
            return first.is_none_or(|first| first > room);
        };
        let list = decode_list(&bytes).unwrap();
        let listed: Vec<_> = list.versions().collect();
        let expected: Vec<_> = held.versions().take(listed.len()).collect();
        let next = held.versions().nth(listed.len()).map(|(key, version)| version_len(&key, &version));
        assert!(bytes.len() <= room.max(1) && next.is_none_or(|next| bytes.len() + next > room), "what fits");
        list.span == Span { late, early: next.is_some() } && listed == expected
    }

    fn what_decodes_as_a_list_encodes_to_the_same_bytes(held: Held, late: bool, changes: Vec<(u16, u8)>) -> TestResult {
        let bytes = changed(list(late, held.versions(), 2_000).unwrap_or_default(), changes);
        let Ok(list) = decode_list(&bytes) else { return TestResult::discard() };
        let again = written(|writer| encode_list(writer, list.span, list.versions()));
        TestResult::from_bool(again == bytes)
    }

    fn wants_decode_to_themselves_and_to_the_same_bytes(values: Vec<Owned>, changes: Vec<(u16, u8)>) -> bool {
        let encode = |keys: &[ValueKey]| written(|writer| keys.iter().for_each(|key| encode_key(writer, key)));
        let keys: Vec<ValueKey> = values.iter().map(|owned| owned.key).collect();
        let bytes = encode(&keys);
        let other = changed(bytes.clone(), changes);
        all(&bytes, decode_key) == Ok(keys)
            && all(&other, decode_key).map_or(true, |keys| encode(&keys) == other)
    }

    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) -> bool {
        let _ = decode(&bytes);
        let _ = all(&bytes, decode_key);
        let _ = decode_list(&bytes).map(|list| list.versions().count());
        true
    }
}

fn named(key: &str) -> ValueKey {
    ValueKey::from_bytes(key.as_bytes()).unwrap()
}

fn hex(bytes: &[u8]) -> std::string::String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_value_has_its_one_form() {
    let writer = NodeId::from_u64(0x0102_0304_0506_0708).unwrap();
    let value = |rank, bytes: Option<&[u8]>, age| {
        let bytes = bytes.map(<[u8]>::to_vec);
        Owned { key: named("a/b"), rank, revision: 9, writer, bytes, age }
    };
    let anyones = value(Rank::Anyone, Some(b"on"), 300);
    let body = "03612f62 0000000000000009 0102030405060708 ac02 02 6f6e".replace(' ', "");
    assert_eq!(hex(&encode(std::slice::from_ref(&anyones))), body);
    let deleted = value(Rank::Authority { source: 2 }, None, 0);
    let body = "63612f62 00000002 0000000000000009 0102030405060708 00".replace(' ', "");
    assert_eq!(hex(&encode(std::slice::from_ref(&deleted))), body);
    let version = |owned: &Owned| (owned.key, owned.value().version);
    let later = Owned { key: named("c"), ..deleted };
    let list = [version(&anyones), version(&later)];
    let bytes = self::list(true, list.into_iter(), 100).unwrap();
    let body = "01 03612f62 0000000000000009 0102030405060708 3d200ec1eead937f
        4163 00000002 0000000000000009 0102030405060708 3d81df5a4027cfa7";
    assert_eq!(hex(&bytes), body.replace([' ', '\n'], ""));
    assert_eq!(hex(&written(|writer| encode_key(writer, &named("a/b")))), "03612f62");
    assert_eq!(hex(&written(|writer| encode_sum(writer, 0x0A0B_0C0D))), "0a0b0c0d");
    assert_eq!(decode_sum(&[0x0A, 0x0B, 0x0C, 0x0D]), Ok(0x0A0B_0C0D));
    assert_eq!(decode_sum(&[0x0A, 0x0B, 0x0C]), Err(Malformed::Truncated));
}

#[test]
fn what_no_correct_node_sends_is_refused() {
    let writer = NodeId::from_u64(7).unwrap();
    let (key, bytes) = (named("k"), Some(vec![1, 2, 3]));
    let owned = Owned { key, rank: Rank::Anyone, revision: 1, writer, bytes, age: 5 };
    let good = encode(std::slice::from_ref(&owned));
    let with = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        decode(&bytes).err()
    };
    assert_eq!(with(0, 0x00), Some(Malformed::Value), "an empty key");
    assert_eq!(with(0, 0x81), Some(Malformed::Value), "an unknown bit");
    assert_eq!(with(1, b' '), Some(Malformed::Value), "a blank in a key");
    assert_eq!(with(17, 0), Some(Malformed::Value), "no writer");
    assert_eq!(with(19, 4), Some(Malformed::Truncated), "more bytes than there are");
    let mut list = list(false, [(key, owned.value().version)].into_iter(), 99).unwrap();
    let entry = list[1..].to_vec();
    assert!(decode_list(&list).is_ok());
    list.extend(entry);
    assert_eq!(decode_list(&list), Err(Malformed::Value), "keys that do not rise");
    for (span, error) in [(0, None), (1, Some(())), (2, Some(())), (4, Some(()))] {
        assert_eq!(decode_list(&[span]).err().map(|_| ()), error, "a list of nothing with the span {span}");
    }
    assert_eq!(decode_list(&[]), Err(Malformed::Truncated));
    list.truncate(27);
    list[1] |= DELETED;
    assert_eq!(decode_list(&list), Err(Malformed::Value), "a version that says that its key was deleted");
    assert_eq!(all(&[0x21, b'k'], decode_key), Err(Malformed::Value), "a key with more than its length");
}

/// What a datagram says of values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::wire) struct Shared {
    pub(in crate::wire) values: Vec<Owned>,
    pub(in crate::wire) sum: Option<u32>,
    pub(in crate::wire) list: Option<(Span, Vec<(ValueKey, Version)>)>,
    pub(in crate::wire) keys: Vec<ValueKey>,
}

impl Shared {
    /// Writes it, and returns what of it was written.
    pub(in crate::wire) fn write(&self, draft: &mut Draft<'_>) -> Self {
        Self {
            values: self.values.iter().filter(|owned| draft.value(&owned.value())).cloned().collect(),
            sum: self.sum.filter(|&sum| draft.sum(sum)),
            list: self.list.clone().filter(|(span, held)| draft.listed(*span, held.iter().copied())),
            keys: self.keys.iter().filter(|key| draft.key(key)).copied().collect(),
        }
    }

    pub(in crate::wire) fn read(contents: &Contents<'_>) -> Self {
        Self {
            values: contents.values().map(|value| Owned::of(&value)).collect(),
            sum: contents.sum,
            list: contents.versions.map(|list| (list.span, list.versions().collect())),
            keys: contents.keys().collect(),
        }
    }
}

impl Arbitrary for Shared {
    fn arbitrary(g: &mut Gen) -> Self {
        let few =
            |g: &mut Gen| -> Vec<Owned> { (0..u8::arbitrary(g) % 5).map(|_| Owned::arbitrary(g)).collect() };
        let held: BTreeMap<_, _> = few(g).iter().map(|owned| (owned.key, owned.value().version)).collect();
        let mut cut = || bool::arbitrary(g) && !held.is_empty();
        let span = Span { late: cut(), early: cut() };
        Self {
            values: few(g),
            sum: Option::arbitrary(g),
            list: bool::arbitrary(g).then(|| (span, held.into_iter().collect())),
            keys: few(g).iter().map(|owned| owned.key).collect(),
        }
    }
}

fn header() -> Header {
    Header { cluster: 1, sender: NodeId::from_u64(1).unwrap(), fingerprint: Fingerprint(2) }
}

quickcheck! {
    fn a_list_takes_the_room_that_a_datagram_has(before: Owned, late: bool, held: Held) -> bool {
        let mut space = [0; 400];
        let mut draft = Draft::new(&mut space, &header());
        let _ = draft.value(&before.value());
        let all = draft.lists_all(held.versions());
        let told = draft.versions(late, held.versions());
        assert!(!told || !draft.versions(late, held.versions()), "a list is told once");
        let len = draft.finish();
        assert!(is_datagram(&space[..len]));
        let contents = Frame::decode(&space[..len]).unwrap().contents().unwrap();
        let Some(list) = contents.versions else { return !told && (late || !all) };
        let listed = list.versions().count();
        told && list.span == (Span { late, early: !all }) && held.versions().take(listed).eq(list.versions())
            && all == (listed == held.0.len())
    }
}

#[test]
fn two_sums_or_two_lists_in_a_datagram_are_refused() {
    let datagram = |sections: &[u8]| {
        let mut space = [0; 400];
        let len = Draft::new(&mut space, &header()).finish();
        [&space[..len], sections].concat()
    };
    let contents = |bytes: &[u8]| Frame::decode(bytes).unwrap().contents().map(|_| ());
    let (sum, list) = ([57, 0, 4, 1, 2, 3, 4], [58, 0, 1, 0]);
    assert_eq!(contents(&datagram(&[&sum[..], &list[..]].concat())), Ok(()));
    assert_eq!(contents(&datagram(&sum.repeat(2))), Err(Malformed::TooMany));
    assert_eq!(contents(&datagram(&list.repeat(2))), Err(Malformed::TooMany));
    assert_eq!(contents(&datagram(&[57, 0, 3, 1, 2, 3])), Err(Malformed::Section(57)));
    assert_eq!(contents(&datagram(&[58, 0, 0])), Err(Malformed::Section(58)));
}
