//! Pulses: each has one encoding, and what no correct node says is malformed.

use crate::{
    tables::pulses::{
        limits::{MAX_BLOB, TTL},
        pulse::{Pulse, Said},
    },
    vocabulary::{
        error::Malformed,
        record::{Incarnation, NodeId},
    },
    wire::{
        codec::{Reader, Writer},
        pulse::{BESIDE_BLOB, decode_pulse, encode_pulse},
    },
};
use quickcheck::quickcheck;
use std::vec::Vec;

fn encoded(pulse: &Pulse<'_>) -> Vec<u8> {
    let mut space = [0; 100];
    let mut writer = Writer::new(&mut space);
    assert!(writer.whole(|writer| encode_pulse(writer, pulse)));
    let len = writer.len();
    space[..len].to_vec()
}

quickcheck! {
    fn what_encodes_decodes_to_itself(
        origin: u64,
        numbers: (u32, u32, u32),
        blob: Vec<u8>,
        more: Vec<u8>
    ) -> bool {
        let blob = &blob[..blob.len().min(MAX_BLOB)];
        let (epoch, number) = (numbers.0.min(Incarnation::MAX_EPOCH), numbers.1.max(1));
        let said = Said { epoch, number, age: numbers.2, blob };
        let pulse = Pulse { origin: NodeId::from_u64(origin.max(1)).unwrap(), said };
        let (bytes, mut before) = (encoded(&pulse), 0);
        while before < bytes.len() {
            assert_eq!(decode_pulse(&mut Reader { rest: &bytes[..before] }), Err(Malformed::Truncated));
            before += 1;
        }
        let all = [&bytes[..], &more].concat();
        let mut reader = Reader { rest: &all };
        decode_pulse(&mut reader) == Ok(pulse) && reader.rest == more
    }

    fn what_decodes_encodes_to_itself(start: (u64, u16, u8), more: Vec<u8>) -> bool {
        let bytes = [&start.0.to_be_bytes()[..], &[0, 0], &start.1.to_be_bytes(), &[start.2], &more].concat();
        let mut reader = Reader { rest: &bytes };
        let Ok(pulse) = decode_pulse(&mut reader) else { return true };
        encoded(&pulse) == bytes[..bytes.len() - reader.rest.len()]
    }
}

#[test]
fn what_no_correct_node_says_is_malformed() {
    let pulse = |origin: u64, epoch: u32, rest: &[u8]| {
        let bytes = [&origin.to_be_bytes()[..], &epoch.to_be_bytes(), rest].concat();
        decode_pulse(&mut Reader { rest: &bytes }).map(|pulse| pulse.said.blob.len())
    };
    assert_eq!(pulse(1, 1, &[1, 0, 2, 7, 7]), Ok(2));
    assert_eq!(pulse(1, 1, &[1, 0, 0]), Ok(0));
    assert_eq!(pulse(0, 1, &[1, 0, 0]), Err(Malformed::Value), "no node has this id");
    assert_eq!(pulse(1, Incarnation::MAX_EPOCH + 1, &[1, 0, 0]), Err(Malformed::Value));
    assert_eq!(pulse(1, 1, &[0, 0, 0]), Err(Malformed::Value), "numbers begin at 1");
    assert_eq!(pulse(1, 1, &[1, 0x80, 0, 0]), Err(Malformed::Value), "an age has its shortest form");
    let longer = [&[1, 0, MAX_BLOB as u8 + 1][..], &[7; MAX_BLOB + 1]].concat();
    assert_eq!(pulse(1, 1, &longer), Err(Malformed::Value));
}

#[test]
fn a_pulse_that_is_told_takes_what_is_reckoned_at_the_most() {
    let age = TTL.as_millis() as u32 - 1;
    let said = Said { epoch: Incarnation::MAX_EPOCH, number: u32::MAX, age, blob: &[7; MAX_BLOB] };
    let pulse = Pulse { origin: NodeId::from_u64(u64::MAX).unwrap(), said };
    assert_eq!(encoded(&pulse).len(), BESIDE_BLOB + MAX_BLOB);
}
