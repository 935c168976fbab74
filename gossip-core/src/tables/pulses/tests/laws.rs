//! What holds in whichever order pulses come.

use super::{
    super::{limits::TTL, pulse::Said, store::Heard},
    model::{Deed, GAP, Memory, Pair},
};
use crate::vocabulary::time::Instant;
use quickcheck::quickcheck;
use std::{time::Duration, vec::Vec};

quickcheck! {
    fn whatever_comes_the_table_does_what_the_model_says(deeds: Vec<Deed>) -> bool {
        let mut pair = Pair::new();
        deeds.iter().for_each(|deed| pair.apply(deed));
        true
    }

    /// A member says something every 100 s; copies come at once, in any order.
    fn the_newest_wins_in_any_order(order: Vec<u8>) -> bool {
        let (mut memory, now) = (Memory::new(), Instant::from_millis(5));
        let said = |number: u32| Said { epoch: 1, number, age: 10 * 100_000 - number * 100_000, blob: &[] };
        let mut newest = None;
        for number in order.iter().map(|number| 1 + u32::from(number % 10)) {
            let heard = memory.pulses().hear(1, now, &said(number), GAP);
            let is_expired = u128::from(said(number).age) >= TTL.as_millis();
            assert_eq!(heard == Heard::Expired, is_expired);
            newest = newest.max(Some(number).filter(|_| !is_expired));
        }
        memory.pulses().check(now);
        memory.view().get(1, now).map(|said| said.number) == newest
    }

    fn nothing_shows_past_its_ttl(age: u32, wait: u32) -> bool {
        let (mut memory, start) = (Memory::new(), Instant::from_millis(5));
        let (age, wait) = (age % 1_000_000, wait % 1_000_000);
        let _ = memory.pulses().hear(1, start, &Said { epoch: 1, number: 1, age, blob: b"load" }, GAP);
        let shown = memory.view().get(1, start + Duration::from_millis(wait.into()));
        let is_over = u128::from(age + wait) >= TTL.as_millis();
        shown.map(|said| said.age) == Some(age + wait).filter(|_| !is_over)
    }
}
