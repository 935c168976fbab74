//! What becomes of each event that is heard is what a plain model says, which remembers everything.

use super::rig::{Rig, event, id};
use crate::{
    tables::events::{
        event::UserEvent,
        limits::{SLACK, TTL, WINDOW},
        store::Heard,
    },
    vocabulary::time::Instant,
};
use core::time::Duration;
use quickcheck::{Arbitrary, Gen, QuickCheck};
use std::{boxed::Box, collections::BTreeSet, vec, vec::Vec};

#[derive(Clone, Debug)]
enum Operation {
    Wait(Duration),
    /// Of origin, epoch, sequence and age.
    Hear(u64, u32, u32, u32),
    Restart,
}

impl Arbitrary for Operation {
    fn arbitrary(g: &mut Gen) -> Self {
        let any = u32::arbitrary(g);
        match any % 32 {
            0..6 => Self::Wait(Duration::from_millis(u64::from(u32::arbitrary(g) % 1_000))),
            6..8 => Self::Wait(Duration::from_millis(u64::from(u32::arbitrary(g) % 20_000))),
            8 => Self::Wait([SLACK, TTL, TTL + SLACK][any as usize / 32 % 3]),
            9 if any / 32 % 4 == 0 => Self::Restart,
            _ => {
                let ages = [0, 1_000, 26_249, 26_250, 29_999, 30_000, u32::arbitrary(g) % 31_000, u32::MAX];
                let sequences = [1, 63, 64, 65, 66, 1 + u32::arbitrary(g) % 140, 20_000 + any / 64 % 65];
                let (age, sequence) = (*g.choose(&ages).unwrap(), *g.choose(&sequences).unwrap());
                Self::Hear(1 + u64::arbitrary(g) % 4, 1 + u32::arbitrary(g) % 2, sequence, age)
            }
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        quickcheck::empty_shrinker()
    }
}

/// One origin's latest epoch: all its sequence numbers that were heard, and when the last was. It is remembered until another
/// needs its place.
struct Origin {
    origin: u64,
    epoch: u32,
    heard: BTreeSet<u32>,
    last: Instant,
}

struct Model {
    origins: Vec<Origin>,
    most: usize,
}

impl Model {
    fn hear(&mut self, now: Instant, began: Instant, event: &UserEvent<'_>) -> Heard {
        let age = Duration::from_millis(u64::from(event.age));
        let (origin, epoch, sequence) = (event.id.origin.as_u64(), event.id.epoch, event.id.sequence);
        if age >= TTL {
            return Heard::Expired;
        }
        let known = self.origins.iter().position(|known| known.origin == origin);
        if let Some(known) = known.map(|at| &self.origins[at]) {
            let newest = known.heard.last().copied().unwrap_or(0);
            if epoch < known.epoch {
                return Heard::PastEpoch;
            }
            if epoch == known.epoch && sequence <= newest.saturating_sub(u32::from(WINDOW)) {
                return Heard::Behind;
            }
            if epoch == known.epoch && known.heard.contains(&sequence) {
                return Heard::Duplicate;
            }
        }
        let at = match known {
            Some(at) => at,
            None => {
                let new = Origin { origin, epoch, heard: BTreeSet::new(), last: now };
                if self.origins.len() == self.most {
                    let oldest = (0..self.most).min_by_key(|&at| self.origins[at].last).unwrap();
                    if now.since(self.origins[oldest].last) < TTL + SLACK {
                        return Heard::Crowded;
                    }
                    self.origins[oldest] = new;
                    oldest
                } else {
                    self.origins.push(new);
                    self.origins.len() - 1
                }
            }
        };
        let place = &mut self.origins[at];
        if place.epoch < epoch {
            (place.epoch, place.heard) = (epoch, BTreeSet::new());
        }
        place.heard.insert(sequence);
        place.last = now;
        if age + SLACK >= now.since(began) { Heard::BeforeLife } else { Heard::New { displaced: 0 } }
    }
}

fn agrees(operations: Vec<Operation>, places: usize) -> bool {
    let mut rig = Rig::with(places, 256, 0);
    let mut model = Model { origins: vec![], most: places };
    for operation in operations {
        match operation {
            Operation::Wait(time) => rig.wait(time),
            Operation::Restart => {
                rig.restart();
                model.origins.clear();
            }
            Operation::Hear(origin, epoch, sequence, age) => {
                let event = event(origin, epoch, sequence, age);
                let expected = model.hear(rig.now, rig.began, &event);
                let heard = match rig.hear(&event) {
                    Heard::New { .. } => Heard::New { displaced: 0 },
                    other => other,
                };
                assert_eq!(heard, expected, "{event:?} at {:?}", rig.now);
                // The wants say the same of what they name.
                let now = rig.now;
                let wants = rig.events().wants(now);
                let lacks = wants.iter().find_map(|want| want.lacks(id(origin, epoch, sequence).head()));
                match expected {
                    Heard::Expired | Heard::Crowded => {}
                    _ => assert_ne!(lacks, Some(true), "{event:?} was dealt with"),
                }
            }
        }
    }
    true
}

#[test]
fn what_becomes_of_an_event_is_what_a_plain_model_says() {
    fn history(operations: Vec<Operation>) -> bool {
        agrees(operations, 4)
    }
    let check = history as fn(Vec<Operation>) -> bool;
    QuickCheck::new().rng(Gen::new(200)).tests(2_000).quickcheck(check);
}

#[test]
fn with_few_places_events_do_what_the_model_says_too() {
    fn history(operations: Vec<Operation>) -> bool {
        agrees(operations, 2)
    }
    let check = history as fn(Vec<Operation>) -> bool;
    QuickCheck::new().rng(Gen::new(200)).tests(2_000).quickcheck(check);
}
