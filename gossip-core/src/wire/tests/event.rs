//! User events: each value has one encoding, and what no correct node says is malformed.

use crate::{
    tables::events::{
        event::{EventId, Head, UserEvent, Want},
        limits::MAX_PAYLOAD,
    },
    vocabulary::{
        error::Malformed,
        record::{Incarnation, NodeId},
    },
    wire::{
        codec::{Reader, Writer},
        event::{decode_event, decode_head, decode_want, encode_event, encode_head, encode_want},
    },
};
use core::fmt::Debug;
use quickcheck::quickcheck;
use std::vec::Vec;

const SPACE: usize = 600;

fn encoded(encode: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut space = [0; SPACE];
    let mut writer = Writer::new(&mut space);
    assert!(writer.whole(encode), "{SPACE} bytes are enough");
    let len = writer.len();
    space[..len].to_vec()
}

/// Whether a value decodes from its bytes, from no fewer, and leaves alone what follows.
fn is_read_back<'a, T: PartialEq + Debug>(
    value: T,
    bytes: &'a [u8],
    more: &'a [u8],
    decode: impl Fn(&mut Reader<'a>) -> Result<T, Malformed>,
) {
    let mut reader = Reader { rest: more };
    assert_eq!(decode(&mut reader).as_ref(), Ok(&value));
    assert_eq!(reader.rest.len(), more.len() - bytes.len());
    for len in 0..bytes.len() {
        assert_eq!(decode(&mut Reader { rest: &bytes[..len] }), Err(Malformed::Truncated));
    }
}

/// Checks that whatever decodes from bytes takes these bytes when it is encoded; returns whether anything did.
fn is_encoded_again<'a, T>(
    bytes: &'a [u8],
    decode: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
    encode: impl FnOnce(&mut Writer<'_>, &T),
) -> bool {
    let mut reader = Reader { rest: bytes };
    let Ok(value) = decode(&mut reader) else { return false };
    let again = encoded(|writer| encode(writer, &value));
    assert_eq!(again, bytes[..bytes.len() - reader.rest.len()]);
    true
}

fn epoch(epoch: u32) -> u32 {
    epoch.min(Incarnation::MAX_EPOCH)
}

/// A number of any length.
fn any((number, shift): (u32, u8)) -> u32 {
    number >> (shift % 32)
}

quickcheck! {
    fn what_encodes_decodes_to_itself(
        origin: u64,
        numbers: (u32, (u32, u8), (u32, u8)),
        payload: Vec<u8>,
        more: Vec<u8>
    ) -> bool {
        let origin = NodeId::from_u64(origin.max(1)).unwrap();
        let id = EventId { origin, epoch: epoch(numbers.0), sequence: any(numbers.1).clamp(1, Incarnation::MAX_COUNT) };
        let event = UserEvent { id, age: any(numbers.2), payload: &payload[..payload.len().min(MAX_PAYLOAD)] };
        let bytes = encoded(|writer| encode_event(writer, &event));
        is_read_back(event, &bytes, &[&bytes[..], &more].concat(), decode_event);
        let bytes = encoded(|writer| encode_head(writer, &id.head()));
        is_read_back(id.head(), &bytes, &[&bytes[..], &more].concat(), decode_head);
        true
    }

    fn what_is_wanted_decodes_to_itself(tag: u32, at: u32, newest: u16, heard: u64, more: Vec<u8>) -> bool {
        let want = Want { tag, epoch: epoch(at), newest, heard: heard | 1 };
        for want in [want, Want { newest: 0, heard: 0, ..want }, Want::REST] {
            let bytes = encoded(|writer| encode_want(writer, &want));
            is_read_back(want, &bytes, &[&bytes[..], &more].concat(), decode_want);
        }
        true
    }

    fn what_decodes_encodes_to_itself(start: (u64, u16, u8), more: Vec<u8>) -> bool {
        // Mostly small numbers, so that some of it decodes.
        let (origin, epoch, small) = start;
        let bytes = [&origin.to_be_bytes()[..], &[0, 0], &epoch.to_be_bytes(), &[small], &more].concat();
        is_encoded_again(&bytes, decode_event, encode_event);
        is_encoded_again(&bytes, decode_head, encode_head);
        is_encoded_again(&bytes, decode_want, encode_want);
        true
    }
}

#[test]
fn what_no_correct_node_says_is_malformed() {
    let event = |origin: u64, epoch: u32, rest: &[u8]| {
        let bytes = [&origin.to_be_bytes()[..], &epoch.to_be_bytes(), rest].concat();
        decode_event(&mut Reader { rest: &bytes }).map(|event| event.payload.len())
    };
    assert_eq!(event(1, 1, &[1, 0, 2, 7, 7]), Ok(2));
    assert_eq!(event(0, 1, &[1, 0, 0]), Err(Malformed::Value), "no node has this id");
    assert_eq!(event(1, Incarnation::MAX_EPOCH + 1, &[1, 0, 0]), Err(Malformed::Value));
    assert_eq!(event(1, 1, &[0, 0, 0]), Err(Malformed::Value), "numbers begin at 1");
    assert_eq!(event(1, 1, &[0x81, 0, 0, 0]), Err(Malformed::Value), "a number has its shortest form");
    let longest = [&[1, 0, 0x80, 4][..], &[7; MAX_PAYLOAD]].concat();
    assert_eq!(event(1, 1, &longest), Ok(MAX_PAYLOAD));
    let longer = [&[1, 0, 0x81, 4][..], &[7; MAX_PAYLOAD + 1]].concat();
    assert_eq!(event(1, 1, &longer), Err(Malformed::Value));

    let want = |epoch: u32, newest: u16, heard: u64| {
        let want = Want { tag: 7, epoch, newest, heard };
        decode_want(&mut Reader { rest: &encoded(|writer| encode_want(writer, &want)) })
    };
    assert_eq!(want(1, 3, 0b101).map(|want| want.heard), Ok(0b101));
    assert_eq!(want(1, 3, 0b100), Err(Malformed::Value), "the newest was heard");
    assert_eq!(want(1, 3, 0), Err(Malformed::Value), "there is no newest where nothing was heard");
    assert_eq!(want(Incarnation::MAX_EPOCH + 1, 0, 0), Err(Malformed::Value));
    let head = Head { tag: 7, epoch: Incarnation::MAX_EPOCH + 1, sequence: 1 };
    let bytes = encoded(|writer| encode_head(writer, &head));
    assert_eq!(decode_head(&mut Reader { rest: &bytes }), Err(Malformed::Value));
}
