//! How much is taken, sent and kept at the most.

use super::rig::{Rig, event};
use crate::{
    tables::events::{
        event::UserEvent,
        limits::{
            BESIDE_PAYLOAD, HEARD_BURST, HEARD_BYTES_PER_SECOND, MAX_PAYLOAD, SEND_BURST, SEND_INTERVAL,
            SLACK, TTL,
        },
        store::{Heard, Refusal},
    },
    vocabulary::time::Instant,
};
use core::time::Duration;
use quickcheck::quickcheck;

quickcheck! {
    fn an_origin_sends_a_burst_and_then_one_in_each_interval(waits: std::vec::Vec<u16>) -> bool {
        let mut rig = Rig::ample();
        let (start, mut sent) = (rig.now, 0u32);
        for wait in waits {
            match rig.send(b"") {
                Ok(told) => {
                    sent += 1;
                    assert_eq!(told.id.sequence, sent);
                }
                Err(Refusal::TooMany { wait }) => {
                    let mut later = rig.clone();
                    later.wait(wait - Duration::from_micros(1));
                    assert!(later.send(b"").is_err());
                    later.wait(Duration::from_micros(1));
                    assert!(later.send(b"").is_ok(), "it was told how long to wait");
                }
                Err(refusal) => panic!("{refusal:?}"),
            }
            let paid = rig.now.since(start).as_micros() / SEND_INTERVAL.as_micros();
            assert!(u128::from(sent) <= u128::from(SEND_BURST) + paid);
            rig.wait(Duration::from_millis(u64::from(wait) % 500));
        }
        true
    }

    fn no_more_bytes_are_heard_than_burst_and_rate_allow(floods: std::vec::Vec<(u16, u16)>) -> bool {
        let mut rig = Rig::ample();
        let (start, mut bytes, mut sequence) = (rig.now, 0, 0);
        let payload = [7; MAX_PAYLOAD];
        for (wait, length) in floods {
            for _ in 0..20 {
                sequence += 1;
                let payload = &payload[..usize::from(length) % (MAX_PAYLOAD + 1)];
                let flood = UserEvent { payload, ..event(2, 1, sequence, 0) };
                match rig.hear(&flood) {
                    Heard::New { .. } => bytes += BESIDE_PAYLOAD + payload.len() as u32,
                    heard => assert_eq!(heard, Heard::OverRate),
                }
                let time = rig.now.since(start).as_micros() as u64;
                // Less than a byte may be lost in rounding each time.
                let most = u64::from(HEARD_BURST) + time * u64::from(HEARD_BYTES_PER_SECOND) / 1_000_000;
                assert!(u64::from(bytes) <= most + u64::from(sequence) / 256 + 1, "{bytes} of {most}");
            }
            rig.wait(Duration::from_millis(u64::from(wait) % 500));
        }
        true
    }
}

#[test]
fn all_that_the_rate_allows_is_heard() {
    let mut rig = Rig::ample();
    let payload = [7; 232];
    let mut heard = 0;
    for sequence in 1..=1_000 {
        heard += u32::from(rig.is_new(&UserEvent { payload: &payload, ..event(2, 1, sequence, 0) }));
        rig.wait(Duration::from_millis(10));
    }
    // 256 bytes each, 100 a second offered for 10 s.
    assert!((HEARD_BURST / 256 + 79..=HEARD_BURST / 256 + 80).contains(&heard), "{heard}");
}

#[test]
fn what_was_over_the_rate_is_heard_later() {
    let mut rig = Rig::ample();
    let sequence = (1..1_000).find(|&sequence| !rig.is_new(&event(2, 1, sequence, 0))).unwrap();
    assert_eq!(rig.hear(&event(2, 1, sequence, 0)), Heard::OverRate);
    assert_eq!(rig.hear(&event(2, 1, sequence - 1, 0)), Heard::Duplicate, "what was heard is known as ever");
    rig.wait(Duration::from_secs(1));
    assert!(rig.is_new(&event(2, 1, sequence, 1_000)));
}

#[test]
fn a_payload_has_at_most_512_bytes_or_as_many_as_the_ring() {
    let mut rig = Rig::ample();
    assert_eq!(rig.send(&[0; MAX_PAYLOAD + 1]), Err(Refusal::TooLarge { most: MAX_PAYLOAD }));
    assert_eq!(rig.send(&[0; MAX_PAYLOAD]).map(|sent| sent.id.sequence), Ok(1), "a refusal takes no number");
    let mut rig = Rig::with(4, 4, 100);
    assert_eq!(rig.send(&[0; 101]), Err(Refusal::TooLarge { most: 100 }));
    assert!(rig.send(&[0; 100]).is_ok());
}

#[test]
fn numbers_begin_anew_with_each_epoch() {
    let mut rig = Rig::ample();
    let (me, now) = (event(1, 1, 1, 0).id.origin, rig.now);
    let numbers = [1, 1, 2, 2, 2].map(|epoch| rig.events().send(now, (me, epoch), b"").unwrap().id.sequence);
    assert_eq!(numbers, [1, 2, 1, 2, 3]);
}

#[test]
fn without_memory_events_are_refused_or_delivered_but_not_told_on() {
    let mut rig = Rig::with(0, 0, 0);
    assert_eq!(rig.hear(&event(2, 1, 1, 0)), Heard::Crowded);
    assert_eq!(rig.told(20), (vec![], vec![]));
    let mut rig = Rig::with(2, 4, 8);
    assert_eq!(rig.hear(&UserEvent { payload: &[1; 9], ..event(2, 1, 1, 0) }), Heard::New { displaced: 0 });
    assert_eq!(rig.hear(&UserEvent { payload: &[1; 9], ..event(2, 1, 1, 0) }), Heard::Duplicate);
    assert_eq!(rig.told(20), (vec![], vec![]));
}

#[test]
fn the_ends_of_clocks_and_numbers_do_no_harm() {
    let mut rig = Rig::newborn(4, 4, 100, Instant::ZERO);
    assert_eq!(rig.hear(&event(2, u32::MAX, u32::MAX, 0)), Heard::BeforeLife);
    rig.now = Instant::NEVER - TTL - SLACK;
    assert!(rig.is_new(&event(3, u32::MAX, u32::MAX, 29_999)));
    assert!(rig.is_new(&event(3, u32::MAX, u32::MAX - 63, 0)));
    assert_eq!(rig.hear(&event(3, u32::MAX, u32::MAX - 64, 0)), Heard::Behind);
    assert_eq!(rig.hear(&event(2, 1, 1, u32::MAX)), Heard::Expired);
    assert_eq!(rig.told(20).0, [u32::MAX - 63, u32::MAX]);
}
