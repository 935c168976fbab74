//! What the table is to do, said plainly: a map, and a list of what is pending.

use super::super::{
    limits::TTL,
    place::Place,
    pulse::Said,
    store::{Books, Heard, Pulses, View},
};
use crate::{tables::table::SlotId, vocabulary::time::Instant};
use quickcheck::{Arbitrary, Gen};
use std::{collections::BTreeMap, time::Duration, vec::Vec};

pub(super) const MEMBERS: SlotId = 5;
pub(super) const GAP: Duration = Duration::from_secs(1);

/// The memory of a table.
pub(super) struct Memory {
    places: Vec<Place>,
    books: Books,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { places: std::vec![Place::EMPTY; MEMBERS as usize], books: Books::EMPTY }
    }

    pub(super) fn pulses(&mut self) -> Pulses<'_> {
        Pulses::new(&mut self.places, &mut self.books)
    }

    pub(super) fn view(&self) -> View<'_> {
        View::new(&self.places)
    }
}

/// Something that befalls a table; ages and times in ms.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Write(Vec<u8>),
    TellOwn,
    Hear { slot: SlotId, epoch: u32, number: u32, age: u32, blob: Vec<u8> },
    Forget(SlotId),
    ForgetOthers,
    First(SlotId),
    Retire(usize),
    Wait(u32),
}

impl Arbitrary for Deed {
    fn arbitrary(g: &mut Gen) -> Self {
        let below = |g: &mut Gen, most: u32| u32::arbitrary(g) % most;
        let blob = |g: &mut Gen| Vec::arbitrary(g).into_iter().take(60).collect();
        // Mostly fresh, now and then near the end.
        let age = |g: &mut Gen| {
            let end = TTL.as_millis() as u32;
            if below(g, 4) == 0 { end - 2 + below(g, 4) } else { below(g, 3_000) }
        };
        match below(g, 12) {
            0 => Self::Write(blob(g)),
            1 => Self::TellOwn,
            2 => Self::Forget(below(g, MEMBERS)),
            3 => Self::First(below(g, MEMBERS)),
            4 => Self::Retire(below(g, 4) as usize),
            5 => Self::Wait(below(g, 1_500)),
            6 if below(g, 4) == 0 => Self::ForgetOthers,
            7 if below(g, 4) == 0 => Self::Wait(age(g)),
            _ => Self::Hear {
                slot: 1 + below(g, MEMBERS - 1),
                epoch: 1 + below(g, 2),
                number: 1 + below(g, 6),
                age: age(g),
                blob: blob(g),
            },
        }
    }
}

#[derive(Clone)]
struct Kept {
    epoch: u32,
    number: u32,
    /// In µs, before the clock began perhaps.
    born: i128,
    passed_on: Option<i128>,
    blob: Vec<u8>,
}

/// A model and the table that is held to it.
pub(super) struct Pair {
    memory: Memory,
    now: Instant,
    kept: BTreeMap<SlotId, Kept>,
    pending: Vec<SlotId>,
}

impl Pair {
    pub(super) fn new() -> Self {
        Self { memory: Memory::new(), now: Instant::ZERO, kept: BTreeMap::new(), pending: std::vec![] }
    }

    fn micros(&self) -> i128 {
        self.now.as_micros().into()
    }

    fn age(&self, kept: &Kept) -> u32 {
        ((self.micros() - kept.born) / 1_000).try_into().unwrap_or(u32::MAX)
    }

    fn is_over(&self, kept: &Kept) -> bool {
        u128::from(self.age(kept)) >= TTL.as_millis()
    }

    fn pass_on(&mut self, slot: SlotId) {
        let now = self.micros();
        self.pending.retain(|&other| other != slot);
        self.pending.insert(0, slot);
        if let Some(kept) = self.kept.get_mut(&slot) {
            kept.passed_on = Some(now);
        }
    }

    fn forget(&mut self, slot: SlotId) {
        self.kept.remove(&slot);
        self.pending.retain(|&other| other != slot);
    }

    fn hear(&mut self, slot: SlotId, (epoch, number): (u32, u32), age: u32, blob: &[u8]) -> Heard {
        if u128::from(age) >= TTL.as_millis() {
            return Heard::Expired;
        }
        let before = self.kept.get(&slot).cloned();
        let held = before.as_ref().filter(|kept| !self.is_over(kept));
        if held.is_some_and(|kept| (kept.epoch, kept.number) >= (epoch, number)) {
            return Heard::Known;
        }
        let passed_on = before.as_ref().and_then(|kept| kept.passed_on);
        let born = self.micros() - i128::from(age) * 1_000;
        self.kept.insert(slot, Kept { epoch, number, born, passed_on, blob: blob.to_vec() });
        let displaced = self.pending.contains(&slot);
        let is_soon = passed_on.is_some_and(|at| self.micros() - at < GAP.as_micros() as i128);
        if is_soon && !displaced {
            return Heard::TooSoon;
        }
        self.pass_on(slot);
        Heard::New { displaced }
    }

    /// Does something to both, and checks that they stay alike.
    pub(super) fn apply(&mut self, deed: &Deed) {
        let now = self.now;
        match deed {
            Deed::Write(blob) => {
                let number = self.kept.get(&0).map_or(0, |kept| kept.number);
                let passed_on = self.kept.get(&0).and_then(|kept| kept.passed_on);
                let kept = Kept { epoch: 1, number, born: self.micros(), passed_on, blob: blob.clone() };
                self.kept.insert(0, kept);
                let is_pending = self.memory.pulses().write(0, now, 1, blob);
                assert_eq!(is_pending, self.pending.contains(&0));
            }
            Deed::TellOwn => {
                let has = self.kept.contains_key(&0);
                assert_eq!(self.memory.pulses().tell_own(0, now), has);
                if has {
                    self.kept.entry(0).and_modify(|kept| kept.number += 1);
                    self.pass_on(0);
                }
            }
            Deed::Hear { slot, epoch, number, age, blob } => {
                let said = Said { epoch: *epoch, number: *number, age: *age, blob };
                let heard = self.memory.pulses().hear(*slot, now, &said, GAP);
                assert_eq!(heard, self.hear(*slot, (*epoch, *number), *age, blob));
            }
            Deed::Forget(slot) => {
                self.memory.pulses().forget(*slot);
                self.forget(*slot);
            }
            Deed::ForgetOthers => {
                self.memory.pulses().forget_others(0);
                (1..MEMBERS).for_each(|slot| self.forget(slot));
            }
            Deed::First(slot) => {
                let is_pending = self.pending.contains(slot);
                assert_eq!(self.memory.pulses().put_first(*slot), is_pending);
                if is_pending {
                    self.pending.retain(|other| other != slot);
                    self.pending.insert(0, *slot);
                }
            }
            Deed::Retire(count) => {
                self.memory.pulses().retire_newest(*count);
                self.pending.drain(..(*count).min(self.pending.len()));
            }
            Deed::Wait(millis) => self.now = self.now + Duration::from_millis((*millis).into()),
        }
        self.check();
    }

    fn check(&mut self) {
        let (now, pulses) = (self.now, self.memory.pulses());
        pulses.check(now);
        let listed: Vec<_> = pulses.newest(now).map(|(slot, _)| slot).collect();
        assert_eq!(listed, self.pending);
        for slot in 0..MEMBERS {
            let kept = self.kept.get(&slot).filter(|kept| !self.is_over(kept));
            let expected = kept.map(|kept| Said {
                epoch: kept.epoch,
                number: kept.number,
                age: self.age(kept),
                blob: &kept.blob,
            });
            assert_eq!(self.memory.view().get(slot, now), expected, "slot {slot}");
        }
    }
}
