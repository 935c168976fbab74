//! Numbers, ends of what is kept, and what a pulse costs.

use super::{
    super::{
        limits::{MAX_BLOB, TTL, cost, patience},
        pulse::Said,
        store::Heard,
    },
    model::{GAP, Memory},
};
use crate::vocabulary::time::Instant;
use std::{time::Duration, vec::Vec};

fn said(number: u32) -> Said<'static> {
    Said { epoch: 1, number, age: 0, blob: b"load" }
}

const NEW: Heard = Heard::New { displaced: false };

#[test]
fn a_forged_number_spoils_a_members_pulses_for_the_ttl_and_no_longer() {
    let (mut memory, start) = (Memory::new(), Instant::ZERO);
    assert_eq!(memory.pulses().hear(1, start, &said(u32::MAX), GAP), NEW);
    memory.pulses().retire_newest(1);
    let last = start + TTL - Duration::from_millis(1);
    assert_eq!(memory.pulses().hear(1, last, &said(7), GAP), Heard::Known);
    assert_eq!(memory.pulses().hear(1, start + TTL, &said(8), GAP), NEW);
    assert_eq!(memory.view().get(1, start + TTL).map(|said| said.number), Some(8));
}

#[test]
fn a_member_that_pulses_without_end_is_heard_and_told_on_once_in_a_gap() {
    let (mut memory, mut told) = (Memory::new(), 0);
    for number in 1..=1_000 {
        let now = Instant::from_millis(u64::from(number) * 10);
        let heard = memory.pulses().hear(1, now, &said(number), GAP);
        told += u32::from(heard == NEW);
        assert_eq!(memory.view().get(1, now).map(|said| said.number), Some(number), "the latest is held");
        memory.pulses().retire_newest(1);
    }
    assert_eq!(told, 10, "in 10 s");
}

#[test]
fn the_last_number_of_an_epoch_is_told_once() {
    let (mut memory, now) = (Memory::new(), Instant::ZERO);
    assert_eq!(memory.pulses().hear(1, now, &said(u32::MAX - 1), GAP), NEW);
    assert!(memory.pulses().tell_own(1, now), "the last one");
    assert!(!memory.pulses().tell_own(1, now), "there is none behind it");
}

#[test]
fn the_longest_blob_fits_and_is_read_back() {
    let (mut memory, now, blob) = (Memory::new(), Instant::ZERO, [7; MAX_BLOB]);
    memory.pulses().write(0, now, 1, &blob);
    memory.pulses().write(0, now, 1, &[1]);
    assert_eq!(memory.view().get(0, now).map(|said| said.blob), Some(&[1][..]));
    memory.pulses().write(0, now, 1, &blob);
    assert_eq!(memory.view().get(0, now).map(|said| said.blob), Some(&blob[..]));
}

#[test]
fn memory_is_reused_from_empty() {
    let (mut memory, now) = (Memory::new(), Instant::ZERO);
    (0..5).for_each(|slot| _ = memory.pulses().hear(slot, now, &said(1), GAP));
    memory.pulses().clear();
    memory.pulses().check(now);
    assert!((0..5).all(|slot| memory.view().get(slot, now).is_none()));
    let again: Vec<Heard> = (0..5).map(|slot| memory.pulses().hear(slot, now, &said(1), GAP)).collect();
    assert_eq!(again, [NEW; 5]);
}

#[test]
fn a_pulse_of_8_bytes_costs_45() {
    assert_eq!([0, 8, MAX_BLOB].map(cost), [32, 45, 128]);
}

#[test]
fn pulses_wait_for_each_other_no_longer_than_headers_make_it_worth_it() {
    assert_eq!([0, 1_400, 6_000, 100_000].map(|budget| patience(budget).as_millis()), [0, 285, 66, 4]);
}
