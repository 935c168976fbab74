//! In which order events are told, how often, and until when.

use super::rig::{ME, Rig, Took, event};
use crate::tables::events::{
    event::UserEvent,
    limits::{MAX_TAKEN, TTL, WHOLE_SENDS},
    store::Heard,
};
use core::time::Duration;
use std::{vec, vec::Vec};

#[test]
fn events_with_the_fewest_sends_go_first_and_of_those_the_newest() {
    let mut rig = Rig::ample();
    rig.send(b"1").unwrap();
    assert_eq!(rig.told(20).0, [1]);
    rig.send(b"2").unwrap();
    rig.send(b"3").unwrap();
    assert_eq!(rig.told(20).0, [3, 2, 1]);
    // What a datagram had no room for has had fewer sends.
    let (took, _) = rig.take(20, |took| matches!(took, Took::Whole(id, ..) if id.sequence != 2));
    assert_eq!(took.len(), 2);
    assert_eq!(rig.told(20).0, [2, 3, 1]);
}

#[test]
fn an_event_is_told_whole_and_then_by_its_head_until_it_is_retired() {
    let mut rig = Rig::ample();
    rig.send(b"payload").unwrap();
    for _ in 0..WHOLE_SENDS {
        rig.wait(Duration::from_millis(100));
        let age = 100 * (rig.now.since(Rig::ample().now).as_millis() as u32 / 100);
        let (took, retired) = rig.take(6, |_| true);
        assert_eq!(retired, 0);
        assert!(matches!(&took[..], [Took::Whole(id, told, payload)]
            if id.origin.as_u64() == ME && *told == age && payload == b"payload"));
    }
    assert_eq!(rig.told(6), (vec![], vec![1]));
    let (took, retired) = rig.take(6, |_| true);
    assert!(matches!(&took[..], [Took::Head(_)]));
    assert_eq!((retired, rig.events().pending()), (1, 0));
    assert_eq!(rig.told(6), (vec![], vec![]));
}

#[test]
fn where_few_sends_are_enough_an_event_is_retired_after_them() {
    let mut rig = Rig::ample();
    rig.send(b"1").unwrap();
    assert_eq!(rig.take(2, |_| true).1, 0);
    assert_eq!(rig.take(2, |_| true).1, 1);
    assert_eq!(rig.told(2), (vec![], vec![]));
}

#[test]
fn a_whole_without_room_is_passed_over_and_a_head_ends_it() {
    let mut rig = Rig::ample();
    rig.send(&[7; 10]).unwrap();
    rig.send(&[7; 400]).unwrap();
    let (took, _) = rig.take(20, |took| !matches!(took, Took::Whole(_, _, payload) if payload.len() > 100));
    assert!(matches!(&took[..], [Took::Whole(id, ..)] if id.sequence == 1));
    for _ in 0..WHOLE_SENDS {
        rig.told(20);
    }
    let mut offered = 0;
    let (took, _) = rig.take(20, |_| {
        offered += 1;
        false
    });
    assert_eq!((took.len(), offered), (0, 1));
}

#[test]
fn a_datagram_has_a_bounded_number_of_them() {
    let mut rig = Rig::with(4, 100, 0);
    for sequence in 1..=MAX_TAKEN as u32 + 10 {
        assert!(rig.is_new(&event(2, 1, sequence, 0)));
    }
    assert_eq!(rig.told(20).0.len(), MAX_TAKEN);
    // The rest comes first, then.
    let rest: Vec<_> = (1..=10).rev().collect();
    assert_eq!(rig.told(20).0[..rest.len()], rest);
}

#[test]
fn an_event_as_old_as_the_ttl_is_told_no_more() {
    let mut rig = Rig::ample();
    assert!(rig.is_new(&event(2, 1, 1, 10_000)));
    assert!(rig.is_new(&event(2, 1, 2, 0)));
    rig.wait(TTL - Duration::from_secs(10));
    assert_eq!(rig.told(20).0, [2]);
    assert_eq!(rig.events().pending(), 1);
    rig.wait(Duration::from_millis(9_999));
    assert_eq!(rig.told(20).0, [2]);
    rig.wait(Duration::from_millis(1));
    assert!(rig.told(20).0.is_empty());
    assert_eq!(rig.events().pending(), 0);
}

#[test]
fn an_event_is_told_on_with_its_age_and_the_time_that_it_was_held() {
    let mut rig = Rig::ample();
    assert!(rig.is_new(&event(2, 1, 1, 1_234)));
    rig.wait(Duration::from_micros(2_500));
    assert!(matches!(&rig.take(20, |_| true).0[..], [Took::Whole(_, 1_236, _)]));
}

#[test]
fn the_oldest_make_room_and_are_counted_if_they_were_to_be_told() {
    let mut rig = Rig::with(4, 8, 900);
    let payload = [1; 300];
    let big = |sequence| UserEvent { payload: &payload, ..event(2, 1, sequence, 0) };
    for sequence in 1..=3 {
        assert_eq!(rig.hear(&big(sequence)), Heard::New { displaced: 0 });
    }
    assert_eq!(rig.hear(&big(4)), Heard::New { displaced: 1 });
    assert_eq!(rig.told(1).0, [4, 3, 2]);
    // All are retired now: room is made, and nobody misses anything.
    assert_eq!(rig.hear(&big(5)), Heard::New { displaced: 0 });
    assert_eq!(rig.told(1).0, [5]);
}

#[test]
fn as_many_are_held_as_there_is_room_for_and_the_oldest_make_room() {
    let mut rig = Rig::with(4, 3, 1_000);
    for sequence in 1..=3 {
        assert_eq!(rig.hear(&event(2, 1, sequence, 0)), Heard::New { displaced: 0 });
    }
    assert_eq!(rig.hear(&event(2, 1, 4, 0)), Heard::New { displaced: 1 });
    assert_eq!(rig.told(20).0, [4, 3, 2]);
}
