//! Four nodes that write, tell, lose, repeat and repair, with all laws checked after every step.

use super::rig::{Fact, Letter, NOW, Rig, key, node};
use crate::{
    tables::{
        state::entry::Seconds,
        values::{
            compare::{Difference, Span},
            limits::{Refusal, TOMBSTONE_TTL},
            value::{Content, Rank, Version},
        },
    },
    vocabulary::key::ValueKey,
};
use quickcheck::{Arbitrary, Gen, QuickCheck};
use std::{collections::BTreeMap, vec, vec::Vec};

const NODES: u8 = 4;
const KEYS: [&str; 6] = ["a", "b", "c", "held/a", "held/b", "long-key-of-a-value"];
/// Of an authority.
const PREFIX: &str = "held/";
const SENDS: u8 = 3;

#[derive(Clone, Debug)]
enum Operation {
    Set {
        who: u8,
        key: u8,
        fill: u8,
    },
    Delete {
        who: u8,
        key: u8,
    },
    Authority {
        who: u8,
        key: u8,
        at: (u8, u8),
        fill: Option<u8>,
    },
    /// One sends what is pending, as much as fits, to another; on its way from now on.
    Tell {
        from: u8,
        to: u8,
        room: u8,
    },
    Deliver {
        which: u8,
        again: bool,
    },
    Lose {
        which: u8,
    },
    /// One gets a list of another, and both answer.
    Repair {
        from: u8,
        to: u8,
        first: u8,
        listed: u8,
    },
    /// One begins anew, with nothing.
    Restart {
        who: u8,
    },
    Pass {
        seconds: u8,
    },
    /// A day passes, at whose beginning all hear of everything.
    Day,
}

impl Arbitrary for Operation {
    fn arbitrary(g: &mut Gen) -> Self {
        let mut byte = || u8::arbitrary(g);
        let (a, b, c, d) = (byte(), byte(), byte(), byte());
        match byte() % 40 {
            0..=6 => Self::Set { who: a % NODES, key: b, fill: c % 4 },
            7..=10 => Self::Delete { who: a % NODES, key: b },
            11..=13 => {
                let fill = Some(c % 3).filter(|&fill| fill > 0);
                Self::Authority { who: a % NODES, key: b, at: (d % 2, d / 2 % 4), fill }
            }
            14..=20 => Self::Tell { from: a % NODES, to: b % NODES, room: c },
            21..=29 => Self::Deliver { which: a, again: b % 4 == 0 },
            30 | 31 => Self::Lose { which: a },
            32..=36 => Self::Repair { from: a % NODES, to: b % NODES, first: c, listed: d % 6 + 1 },
            37 => Self::Restart { who: a % NODES },
            38 => Self::Pass { seconds: a },
            _ if a % 4 == 0 => Self::Day,
            _ => Self::Pass { seconds: 1 },
        }
    }
}

struct World {
    nodes: Vec<Rig>,
    flights: Vec<(usize, Letter)>,
    now: u32,
    /// The greatest version that was ever written of a key, since it was forgotten last.
    written: BTreeMap<ValueKey, (Version, Option<Vec<u8>>)>,
}

impl World {
    fn new() -> Self {
        let mut rig = Rig::new(8, 500);
        rig.values().reserve([key(PREFIX)].into_iter().collect());
        let nodes = (0..NODES).map(|_| rig.clone()).collect();
        Self { nodes, flights: vec![], now: NOW.0, written: BTreeMap::new() }
    }

    fn node(&mut self, who: u8) -> &mut Rig {
        &mut self.nodes[usize::from(who)]
    }

    fn run(&mut self, operations: &[Operation]) {
        for operation in operations {
            let before: Vec<_> = self.nodes.iter_mut().map(Rig::facts).collect();
            self.step(operation);
            let restarts = matches!(operation, Operation::Restart { .. } | Operation::Day);
            for (rig, before) in self.nodes.iter_mut().zip(before) {
                rig.values().check();
                let after = rig.facts();
                for (key, version, _) in before.iter().filter(|_| !restarts) {
                    let now = after.iter().find(|(other, ..)| other == key).map(|(_, version, _)| version);
                    assert!(now >= Some(version), "{key} went back by {operation:?}");
                }
            }
            self.check_that_nothing_is_invented();
        }
    }

    fn step(&mut self, operation: &Operation) {
        match *operation {
            Operation::Set { who, key, fill } => self.set(who, key, Some(fill)),
            Operation::Delete { who, key } => self.set(who, key, None),
            Operation::Authority { who, key, at, fill } => self.set_authority(who, key, at, fill),
            Operation::Tell { from, to, room } => {
                let (now, mut room) = (Seconds(self.now), usize::from(room));
                let mut told = vec![];
                self.node(from).values().take(SENDS, now, |value| {
                    let length = 24 + value.content.value().unwrap_or_default().len();
                    let fits = length <= room;
                    if fits {
                        room -= length;
                        told.push((usize::from(to), Letter::of(value)));
                    }
                    fits
                });
                self.flights.extend(told);
            }
            Operation::Deliver { which, again } => {
                if self.flights.is_empty() {
                    return;
                }
                let at = usize::from(which) % self.flights.len();
                let (to, letter) = self.flights[at].clone();
                if !again {
                    self.flights.swap_remove(at);
                }
                let _ = self.nodes[to].merge_at(&letter.value(), Seconds(self.now)).unwrap();
            }
            Operation::Lose { which } => {
                if !self.flights.is_empty() {
                    let at = usize::from(which) % self.flights.len();
                    self.flights.swap_remove(at);
                }
            }
            Operation::Repair { from, to, first, listed } => {
                let first = usize::from(first) % (KEYS.len() + 1);
                self.repair(usize::from(from), usize::from(to), first, usize::from(listed));
            }
            Operation::Restart { who } => self.restart(who),
            Operation::Pass { seconds } => self.now += u32::from(seconds),
            Operation::Day => {
                self.settle();
                self.now += TOMBSTONE_TTL;
                let now = Seconds(self.now);
                self.nodes.iter_mut().for_each(|rig| _ = rig.forget(now));
                self.written.retain(|_, (_, bytes)| bytes.is_some());
                let kept: Vec<_> = self
                    .written
                    .iter()
                    .map(|(key, (version, bytes))| (*key, *version, bytes.clone()))
                    .collect();
                assert!(
                    self.nodes.iter_mut().all(|rig| rig.facts() == kept),
                    "values stay, and tombstones go"
                );
            }
        }
    }

    /// What only it knew is gone for good, so it was never written.
    fn restart(&mut self, who: u8) {
        let mut values = self.nodes[usize::from(who)].values();
        values.clear(900);
        values.reserve([key(PREFIX)].into_iter().collect());
        let mut left: BTreeMap<ValueKey, (Version, Option<Vec<u8>>)> = BTreeMap::new();
        let on_their_way =
            self.flights.iter().map(|(_, letter)| (letter.key, letter.value().version, letter.bytes.clone()));
        let held = self.nodes.iter_mut().flat_map(Rig::facts);
        for (key, version, bytes) in on_their_way.chain(held) {
            let greatest = left.entry(key).or_insert_with(|| (version, bytes.clone()));
            *greatest = greatest.clone().max((version, bytes));
        }
        self.written = left;
    }

    fn note(&mut self, who: u8, text: &str) {
        let fact = self.node(who).facts().into_iter().find(|(other, ..)| *other == key(text));
        if let Some((key, version, bytes)) = fact {
            let greatest = self.written.entry(key).or_insert_with(|| (version, bytes.clone()));
            *greatest = greatest.clone().max((version, bytes));
        }
    }

    fn set(&mut self, who: u8, which: u8, fill: Option<u8>) {
        let (text, now) = (KEYS[usize::from(which) % KEYS.len()], Seconds(self.now));
        let bytes = fill.map(|fill| vec![fill; usize::from(fill) * 9]);
        let content = bytes.as_deref().map_or(Content::Deleted, Content::Value);
        let before = self.node(who).raw();
        let anyones =
            |(_, version, _): &Fact| Some(version.revision).filter(|_| version.rank == Rank::Anyone);
        let seen = before.1.iter().filter_map(anyones).max();
        match self.node(who).set_at(1 + u64::from(who), text, content, now) {
            Err(Refusal::Prefix) => {
                assert!(text.starts_with(PREFIX) && before == self.node(who).raw(), "nothing changes");
            }
            Err(Refusal::Outranked) => {
                assert_ne!(self.node(who).version(text).unwrap().rank, Rank::Anyone);
            }
            Err(refusal) => panic!("{refusal:?}"),
            Ok(merged) => {
                assert_eq!(self.node(who).get(text), bytes, "a node reads what it wrote");
                let revision = self.node(who).version(text).map(|version| version.revision);
                assert!(!merged.won || revision > seen, "above all that it has seen");
                self.note(who, text);
            }
        }
    }

    fn set_authority(&mut self, who: u8, which: u8, at: (u8, u8), fill: Option<u8>) {
        let (text, now) = (KEYS[usize::from(which) % KEYS.len()], Seconds(self.now));
        let bytes = fill.map(|fill| vec![fill; 5]);
        let content = bytes.as_deref().map_or(Content::Deleted, Content::Value);
        let origin = (u32::from(at.0), u64::from(at.1), node(1 + u64::from(who)));
        match self.node(who).values().set_authority(origin, key(text), content, now) {
            Ok(_) | Err(Refusal::Outdated) => self.note(who, text),
            Err(refusal) => panic!("{refusal:?}"),
        }
    }

    /// `to` lists a part of what it holds, `from` answers with what `to` lacks and asks for what it lacks itself, and `to` answers
    /// that.
    fn repair(&mut self, from: usize, to: usize, first: usize, listed: usize) {
        let now = Seconds(self.now);
        let list: Vec<_> = self.nodes[to].values().view().list(first, now).collect();
        let span = Span { late: first > 0, early: list.len() > listed };
        let list: Vec<_> = list.into_iter().take(listed).collect();
        if list.is_empty() && span != Span::default() {
            return;
        }
        let (mut lacked, mut ahead) = (vec![], vec![]);
        self.nodes[from].values().compare(span, list.iter().copied(), now, |difference| match difference {
            Difference::Lacked(key) => lacked.push(key),
            Difference::Ahead(value) => ahead.push(Letter::of(&value)),
        });
        for letter in ahead {
            let merged = self.nodes[to].merge_at(&letter.value(), now);
            assert!(merged.is_ok_and(|merged| merged.won), "only what is newer is told: {letter:?}");
        }
        for key in lacked {
            let value =
                self.nodes[to].values().view().held(&key, now).map(|value| Letter::of(&value)).unwrap();
            let merged = self.nodes[from].merge_at(&value.value(), now);
            assert!(merged.is_ok_and(|merged| merged.won), "only what is newer is asked for: {value:?}");
        }
    }

    /// All repair each other until no two differ.
    fn settle(&mut self) {
        self.flights.clear();
        self.keep_what_is_held();
        let count = self.nodes.len();
        for _ in 0..2 {
            for pair in 0..count * count {
                for first in 0..=KEYS.len() {
                    self.repair(pair / count, pair % count, first, 2);
                }
            }
        }
        let facts: Vec<_> = self.nodes.iter_mut().map(|rig| (rig.facts(), rig.sum())).collect();
        assert!(facts.windows(2).all(|pair| pair[0] == pair[1]), "{facts:?}");
        let greatest: Vec<_> =
            self.written.iter().map(|(key, (version, bytes))| (*key, *version, bytes.clone())).collect();
        assert_eq!(facts[0].0, greatest, "the greatest of all that was written is everywhere");
    }

    /// What was on its way only is lost.
    fn keep_what_is_held(&mut self) {
        let held: Vec<_> = self.nodes.iter_mut().flat_map(Rig::facts).collect();
        self.written.clear();
        for (key, version, bytes) in held {
            let greatest = self.written.entry(key).or_insert_with(|| (version, bytes.clone()));
            *greatest = greatest.clone().max((version, bytes));
        }
    }

    fn check_that_nothing_is_invented(&mut self) {
        let Self { nodes, written, .. } = self;
        for (key, version, bytes) in nodes.iter_mut().flat_map(Rig::facts) {
            let greatest = &written[&key];
            assert!((version, bytes) <= *greatest, "{key} is newer than what was written, or came back");
        }
    }
}

#[test]
fn any_history_keeps_the_laws_and_ends_with_equal_values() {
    fn history(operations: Vec<Operation>) -> bool {
        let mut world = World::new();
        world.run(&operations);
        world.settle();
        true
    }
    QuickCheck::new().rng(Gen::new(150)).tests(500).quickcheck(history as fn(Vec<Operation>) -> bool);
}
