//! An owner and three copies in virtual time, with clocks of their own, and all laws checked after every step.

use super::rig::{Letter, OWNER, Rig, Says};
use crate::tables::state::{
    entry::{AfterDeath, Seconds},
    limits::{Limits, Refusal},
    outcome::{Change, Gap, Outcome},
    read::Standing,
    tell::Tell,
    write::{Terms, Written},
};
use quickcheck::{Arbitrary, Gen};
use std::{
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};

/// The owner is the first.
pub(super) const NODES: usize = 4;
/// The keys of the owner.
const KEYS: u8 = 8;
/// No value lasts longer, in seconds.
const LONGEST_TTL: u8 = 30;
/// Datagrams that are under way for longer are lost.
const MAX_FLIGHT_MS: u64 = 2_000;

#[derive(Clone, Debug)]
pub(super) enum Operation {
    Set {
        key: u8,
        len: u8,
        ttl: u8,
        outlives: bool,
    },
    Delete {
        key: u8,
    },
    /// The owner's counter rises without a write.
    Advance,
    Compact,
    RestartOwner,
    /// One tells another what it holds as news; on its way from now on.
    News {
        from: u8,
        to: u8,
        back: u8,
        room: u8,
    },
    /// One asks another, whose answer is on its way from now on.
    Ask {
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
    /// One hears the owner's counter from another, without entries.
    Hear {
        from: u8,
        to: u8,
    },
    RestartCopy {
        who: u8,
    },
    /// One takes the owner for dead, for long enough.
    Bury {
        who: u8,
    },
    Pass {
        millis: u16,
    },
    Expire {
        who: u8,
    },
}

impl Arbitrary for Operation {
    fn arbitrary(g: &mut Gen) -> Self {
        let mut byte = || u8::arbitrary(g);
        let (a, b, c, d) = (byte(), byte(), byte(), byte());
        match byte() % 36 {
            0..=7 => Self::Set { key: a % KEYS, len: b % 40, ttl: c, outlives: d % 4 == 0 },
            8..=10 => Self::Delete { key: a % KEYS },
            11 => Self::Advance,
            12 | 13 => Self::Compact,
            14 if a % 8 == 0 => Self::RestartOwner,
            15..=19 => Self::News { from: a, to: b, back: c % 6, room: d },
            20..=22 => Self::Ask { from: a, to: b, room: c },
            23 => Self::Lose { which: a },
            24 => Self::Hear { from: a, to: b },
            25 if a % 4 == 0 => Self::RestartCopy { who: b },
            26 if a % 4 == 0 => Self::Bury { who: b },
            27 => Self::Pass { millis: u16::from(a) * 50 },
            28 => Self::Expire { who: a },
            _ => Self::Deliver { which: a, again: b % 4 == 0 },
        }
    }
}

/// What a world promises beside what all do.
#[derive(Clone, Copy)]
pub(super) struct Promises {
    /// Values may have a time to live.
    pub(super) expiry: bool,
    /// Everything fits everywhere, so that nothing is refused and nothing vanishes for want of room.
    pub(super) ample: bool,
}

struct Node {
    rig: Rig,
    /// How far its clock is ahead, in milliseconds.
    clock: u64,
    /// The owner's counter, as far as it has heard.
    top: u32,
    gap: Gap,
    /// Keys that it shows, and that the owner has had ever since: they must go on being shown.
    shown: BTreeSet<Vec<u8>>,
    /// Keys that its observer was told of.
    observed: BTreeSet<Vec<u8>>,
}

struct Flight {
    to: usize,
    sent: u64,
    letter: Letter,
}

pub(super) struct World {
    promises: Promises,
    nodes: Vec<Node>,
    flights: Vec<Flight>,
    now: u64,
    stamp: u32,
    /// When the owner's value of an epoch and a version ends, in true time.
    ends: BTreeMap<(u32, u32), u64>,
    /// Tellings that a value can have gone through, one after the other.
    hops: u64,
}

fn key(n: u8) -> Vec<u8> {
    vec![b'k', n]
}

impl World {
    pub(super) fn new(limits: Limits, blocks: [usize; NODES], promises: Promises) -> Self {
        let node = |(n, blocks)| Node {
            rig: Rig::new(2, blocks, limits),
            clock: 7_000_000 + n as u64 * 1_000_350,
            top: 0,
            gap: Gap::None,
            shown: BTreeSet::new(),
            observed: BTreeSet::new(),
        };
        let nodes = blocks.into_iter().enumerate().map(node).collect();
        let hops = NODES as u64;
        Self { promises, nodes, flights: vec![], now: 0, stamp: 0, ends: BTreeMap::new(), hops }
    }

    fn seconds(&self, node: usize) -> Seconds {
        Seconds(((self.now + self.nodes[node].clock) / 1_000) as u32)
    }

    /// How much earlier a copy's value may end than the owner's: less than a second for each telling.
    fn early(&self) -> u64 {
        self.hops * 1_000
    }

    /// And how much later: that, and the time that it was under way.
    fn late(&self) -> u64 {
        self.hops * (1_000 + MAX_FLIGHT_MS)
    }

    pub(super) fn run(&mut self, operations: &[Operation]) {
        for operation in operations {
            self.step(operation);
            self.check();
        }
    }

    fn step(&mut self, operation: &Operation) {
        let pick = |n: u8| usize::from(n) % NODES;
        match *operation {
            Operation::Set { .. }
            | Operation::Delete { .. }
            | Operation::Advance
            | Operation::Compact
            | Operation::RestartOwner => self.owner_does(operation),
            Operation::News { from, to, back, room } => {
                let since = self.nodes[pick(from)].rig.known().saturating_sub(u32::from(back));
                self.send(pick(from), pick(to), Tell::News { since }, usize::from(room));
            }
            Operation::Ask { from, to, room } => {
                let Node { rig, gap, .. } = &mut self.nodes[pick(from)];
                let known = match *gap {
                    Gap::After { version } => version,
                    Gap::None => rig.known(),
                };
                let epoch = rig.epoch();
                if self.nodes[pick(to)].rig.epoch() == epoch {
                    self.send(pick(to), pick(from), Tell::Missing { known }, usize::from(room));
                }
            }
            Operation::Deliver { which, again } if !self.flights.is_empty() => {
                let which = usize::from(which) % self.flights.len();
                self.deliver(which, again);
            }
            Operation::Lose { which } if !self.flights.is_empty() => {
                let which = usize::from(which) % self.flights.len();
                self.flights.swap_remove(which);
            }
            Operation::Hear { from, to } => self.hear(pick(from), pick(to)),
            Operation::RestartCopy { who } if pick(who) != 0 => {
                let epoch = self.nodes[pick(who)].rig.epoch();
                self.begin(pick(who), epoch);
                self.hops += 1;
            }
            Operation::Bury { who } if pick(who) != 0 => self.bury(pick(who)),
            Operation::Pass { millis } => self.pass(u64::from(millis)),
            Operation::Expire { who } => self.expire(pick(who)),
            _ => {}
        }
    }

    fn owner_does(&mut self, operation: &Operation) {
        let now = self.seconds(0);
        let counter = self.nodes[0].rig.known();
        let rig = &mut self.nodes[0].rig;
        match *operation {
            Operation::Set { key: n, len, ttl, outlives } => {
                self.stamp += 1;
                let mut value = vec![n; usize::from(len)];
                value.extend(rig.epoch().to_be_bytes());
                value.extend(self.stamp.to_be_bytes());
                let lasts = self.promises.expiry && (1..LONGEST_TTL).contains(&ttl);
                let after_death = if outlives { AfterDeath::Kept } else { AfterDeath::Hidden };
                let terms = Terms { ttl: lasts.then_some(u32::from(ttl)), after_death };
                let written = rig.store().set(OWNER, counter, (&key(n), &value), terms, now);
                assert!(!self.promises.ample || written == Ok(Written::Version(counter + 1)));
                told(rig, written);
            }
            Operation::Delete { key: n } => {
                let written = rig.store().delete(OWNER, counter, &key(n), now);
                assert!(written.is_ok(), "there is always room to delete");
                told(rig, written);
            }
            Operation::Advance => rig.store().advance(OWNER, counter + 1),
            Operation::Compact => {
                let compacted = rig.store().compact(OWNER, counter, now);
                assert!(compacted.is_ok(), "there is always room to compact");
            }
            _ => {
                let epoch = rig.epoch() + 1;
                self.begin(0, epoch);
            }
        }
        let Node { rig, top, clock, .. } = &mut self.nodes[0];
        *top = rig.known();
        let epoch = rig.epoch();
        for (_, version, _, expires) in rig.map(now) {
            if let Some(Seconds(end)) = expires {
                self.ends.insert((epoch, version), u64::from(end) * 1_000 - *clock);
            }
        }
    }

    fn begin(&mut self, who: usize, epoch: u32) {
        let node = &mut self.nodes[who];
        node.rig.store().begin(OWNER, epoch);
        (node.top, node.gap) = (0, Gap::None);
        node.shown.clear();
        node.observed.clear();
    }

    fn bury(&mut self, who: usize) {
        let now = self.seconds(who);
        let node = &mut self.nodes[who];
        let kept = node.rig.shows(Standing::Gone, now);
        node.rig.store().bury(OWNER);
        assert_eq!(node.rig.shows(Standing::Live, now), kept, "what outlives its owner is kept");
        node.gap = Gap::After { version: 0 };
        node.shown.clear();
        node.observed = kept.into_iter().map(|(key, _)| key).collect();
        self.hops += 1;
    }

    fn expire(&mut self, who: usize) {
        let now = self.seconds(who);
        let rig = &mut self.nodes[who].rig;
        let shown = rig.shows(Standing::Live, now);
        rig.store().expire(OWNER, now);
        assert_eq!(rig.shows(Standing::Live, now), shown, "readers see no difference");
    }

    pub(super) fn pass(&mut self, millis: u64) {
        self.now += millis;
        let now = self.now;
        self.flights.retain(|flight| now - flight.sent <= MAX_FLIGHT_MS);
    }

    fn send(&mut self, from: usize, to: usize, tell: Tell, room: usize) {
        let now = self.seconds(from);
        let Node { rig, top, .. } = &mut self.nodes[from];
        let Some(letter) = rig.tell_at(tell, room, *top, now) else { return };
        assert!(letter.to <= *top, "nobody tells above what is known");
        self.flights.push(Flight { to, sent: self.now, letter });
    }

    fn deliver(&mut self, which: usize, again: bool) {
        let Flight { to, letter, .. } = &self.flights[which];
        let (to, letter) = (*to, letter.clone());
        if !again {
            self.flights.swap_remove(which);
        }
        // The owner takes none of its own state from others.
        if to == 0 {
            return;
        }
        let now = self.seconds(to);
        let epoch = self.nodes[to].rig.epoch();
        if letter.epoch != epoch {
            let before = self.nodes[to].rig.raw();
            let outcome =
                self.nodes[to].rig.store().apply(OWNER, &letter.item(), letter.top, now, &mut |_, _| {});
            assert_eq!(outcome, if letter.epoch < epoch { Outcome::Past } else { Outcome::Later });
            assert_eq!(self.nodes[to].rig.raw(), before, "an item of another epoch changes nothing");
            if letter.epoch < epoch {
                return;
            }
            self.begin(to, letter.epoch);
        }
        let Node { rig, top, gap, observed, .. } = &mut self.nodes[to];
        *top = (*top).max(letter.top);
        let before = rig.known();
        let held: BTreeSet<_> = rig.map(now).into_iter().map(|(key, version, ..)| (key, version)).collect();
        let applied = rig.apply_at(&letter, *top, now, &mut |key, change| {
            let is_there = match change {
                Change::New => observed.insert(key.to_vec()),
                Change::Changed => observed.contains(key),
                Change::Gone => observed.remove(key),
            };
            // No one is told of expiry.
            assert!(is_there || change == Change::New, "{change:?} of {key:?}, which did not show");
        });
        *gap = applied.gap;
        let known = rig.known();
        assert!(known >= before, "knowledge never shrinks");
        for (key, version, ..) in rig.map(now) {
            let is_old = version <= before && !held.contains(&(key.clone(), version));
            assert!(!is_old, "node {to} knew {before} and takes {key:?} of {version} back");
        }
        assert!(applied.refused.is_none() || !self.promises.ample, "there is room for all");
        assert!(applied.refused.is_none_or(|refused| known < refused.first || known == before));
        assert_eq!(applied.gap == Gap::None, known >= *top, "a gap is noticed");
    }

    fn hear(&mut self, from: usize, to: usize) {
        let (epoch, top) = (self.nodes[from].rig.epoch(), self.nodes[from].top);
        if to != 0 && self.nodes[to].rig.epoch() == epoch {
            self.nodes[to].top = self.nodes[to].top.max(top);
        }
    }

    /// All laws, of all copies.
    fn check(&mut self) {
        let now = self.seconds(0);
        let (epoch, counter) = (self.nodes[0].rig.epoch(), self.nodes[0].rig.known());
        let truth: BTreeMap<Vec<u8>, (u32, Says)> = self.nodes[0]
            .rig
            .map(now)
            .into_iter()
            .map(|(key, version, says, _)| (key, (version, says)))
            .collect();
        for who in 0..NODES {
            self.nodes[who].rig.store().check();
            self.check_times(who);
            let held = self.nodes[who].rig.epoch();
            assert!(held <= epoch, "nobody invents epochs");
            if held == epoch {
                assert!(self.nodes[who].rig.known() <= counter, "nobody knows more than there is");
                self.check_against(who, epoch, &truth);
                self.check_shown(who, epoch, &truth);
            }
        }
    }

    /// Nothing of another epoch, nothing long after its time, and nothing that no one was told of.
    fn check_times(&mut self, who: usize) {
        let (now, late, seconds) = (self.now, self.late(), self.seconds(who));
        let epoch = self.nodes[who].rig.epoch();
        for (key, version, says, _) in self.nodes[who].rig.map(seconds) {
            let Says::Value(value) = says else { continue };
            let stamped = &value[value.len() - 8..value.len() - 4];
            assert_eq!(stamped, epoch.to_be_bytes(), "nothing of a past epoch");
            let end = self.ends.get(&(epoch, version));
            assert!(end.is_none_or(|end| now <= end + late), "node {who}: {key:?} is long over");
        }
        let node = &mut self.nodes[who];
        let shows: BTreeSet<_> =
            node.rig.shows(Standing::Live, seconds).into_iter().map(|(key, _)| key).collect();
        if who != 0 {
            let agrees =
                if self.promises.expiry { shows.is_subset(&node.observed) } else { shows == node.observed };
            assert!(agrees, "node {who} shows {shows:?} and was told of {:?}", node.observed);
        }
    }

    fn check_against(&mut self, who: usize, epoch: u32, truth: &BTreeMap<Vec<u8>, (u32, Says)>) {
        let (now, early, late, seconds) = (self.now, self.early(), self.late(), self.seconds(who));
        let Node { rig, top, .. } = &mut self.nodes[who];
        let (known, top) = (rig.known(), *top);
        let held: BTreeMap<_, _> =
            rig.map(seconds).into_iter().map(|(key, version, says, _)| (key, (version, says))).collect();
        let end = |version| self.ends.get(&(epoch, version)).copied();
        for (key, (version, says)) in truth.iter().filter(|(_, (version, _))| *version <= known) {
            let Some((copied, copy)) = held.get(key) else {
                panic!("node {who} knows {known} and lacks {key:?} of {version}");
            };
            assert_eq!(copied, version, "known means held: node {who}, {key:?}");
            let is_over_earlier =
                *copy == Says::Deleted && end(*version).is_some_and(|end| end <= now + early);
            let is_over_later = *says == Says::Deleted && end(*version).is_some_and(|end| now <= end + late);
            assert!(
                copy == says || is_over_earlier || is_over_later,
                "node {who}: {key:?}, {copy:?}, {says:?}"
            );
        }
        for (key, (version, _)) in &held {
            let owners = truth.get(key).map(|(version, _)| version);
            assert!(owners.is_none_or(|owners| owners >= version), "nobody invents versions");
            if let (Some((floor, Says::Floor(below))), true) = (held.get(&vec![]), known >= top) {
                assert!(*floor > known || version > below, "node {who}: {key:?} is below a known floor");
            }
        }
    }

    /// What a copy has shown goes on being shown as long as the owner has the key.
    fn check_shown(&mut self, who: usize, epoch: u32, truth: &BTreeMap<Vec<u8>, (u32, Says)>) {
        let (now, early, seconds) = (self.now, self.early(), self.seconds(who));
        let lives = |key: &Vec<u8>| match truth.get(key) {
            Some((version, Says::Value(_))) => {
                self.ends.get(&(epoch, *version)).is_none_or(|end| now + early < *end)
            }
            _ => false,
        };
        let shows = self.nodes[who].rig.map(seconds);
        let shows: BTreeMap<_, _> = shows
            .into_iter()
            .filter(|(.., says, _)| matches!(says, Says::Value(_)))
            .map(|(key, version, ..)| (key, version))
            .collect();
        let node = &mut self.nodes[who];
        node.shown.retain(lives);
        if self.promises.ample {
            // Where an old value had a shorter time than its successor, it may end before that arrives.
            for key in node.shown.iter().filter(|_| !self.promises.expiry) {
                assert!(shows.contains_key(key), "a living value vanished: node {who}, {key:?}");
            }
        }
        let present = |(key, version): (&Vec<u8>, &u32)| {
            truth.get(key).is_some_and(|(now, _)| now == version).then(|| key.clone())
        };
        node.shown.extend(shows.iter().filter_map(present).filter(|key| lives(key)));
    }

    /// Everything is told: then all copies show the same, and once all times are over they are the same byte for byte.
    pub(super) fn settle(&mut self) {
        while !self.flights.is_empty() {
            self.deliver(0, false);
            self.check();
        }
        self.repair();
        if !self.promises.expiry {
            self.all_are_equal();
        }
        let longest = u64::from(LONGEST_TTL) * 1_000 + self.late();
        self.pass(longest);
        self.check();
        (0..NODES).for_each(|who| self.expire(who));
        self.check();
        self.repair();
        self.all_are_equal();
    }

    fn all_are_equal(&mut self) {
        let raw = self.nodes[0].rig.raw();
        for who in 1..NODES {
            assert_eq!(self.nodes[who].rig.raw(), raw, "node {who} differs");
        }
    }

    /// Everyone asks, in small datagrams, the owner and the others in turn, until no one lacks anything.
    fn repair(&mut self) {
        let (epoch, counter) = (self.nodes[0].rig.epoch(), self.nodes[0].rig.known());
        let max_rounds = 400;
        for round in 0..max_rounds {
            let mut all_know = true;
            for who in 1..NODES {
                if self.nodes[who].rig.epoch() < epoch {
                    self.begin(who, epoch);
                }
                self.nodes[who].top = counter;
                let known = self.nodes[who].rig.known();
                if known == counter {
                    continue;
                }
                all_know = false;
                let asked = if round % 2 == 0 { 0 } else { who % (NODES - 1) + 1 };
                // Beyond what it has no room for it asks the same one at once.
                let mut next = Some(known);
                while let Some(known) = next {
                    self.nodes[who].gap = Gap::None;
                    self.send(asked, who, Tell::Missing { known }, 70);
                    while !self.flights.is_empty() {
                        self.deliver(0, false);
                        self.check();
                    }
                    let held = self.nodes[who].rig.known();
                    next = match self.nodes[who].gap {
                        Gap::After { version } if version > known.max(held) => Some(version),
                        Gap::After { .. } | Gap::None => None,
                    };
                }
            }
            if all_know {
                return;
            }
            // A copy whose clock is behind may have no room until a value is over there, too.
            self.pass(50);
        }
        panic!("repair ends");
    }
}

/// The owner lets others know of what it has written.
fn told(rig: &mut Rig, written: Result<Written, Refusal>) {
    if let Ok(Written::Version(version)) = written {
        rig.store().advance(OWNER, version);
    }
}
