//! The tables against a plain, obvious model, under random operations.

use super::*;
use crate::{
    tables::{
        memory::{Heap, Inline, Storage, Tables},
        queue::{Kind, RumorState},
        table::{pool::MAX_ACCUSERS, zones::MAX_ZONES},
    },
    vocabulary::{
        record::{Identity, Incarnation, Locality, Status, Versions, Zone},
        time::{Instant, Judged},
    },
};
use quickcheck::{Arbitrary, Gen, QuickCheck};
use std::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

const KEY: u64 = 0x5EED;
const SENDS: u8 = 3;

/// One operation; ids are taken modulo twice the capacity, so that the table fills up.
#[derive(Clone, Debug)]
enum Operation {
    Apply { id: u16, refutation: u8, status: u8, state: u8, zone: u8 },
    Forget { id: u16 },
    Hide { id: u16 },
    Probe,
    Heat { id: u16 },
    Take { most: u8 },
    Suspect { id: u16, due: u16 },
    Accuse { id: u16, by: u16 },
    Clear { id: u16 },
}

impl Arbitrary for Operation {
    fn arbitrary(g: &mut Gen) -> Self {
        let id = u16::arbitrary(g);
        match u8::arbitrary(g) % 13 {
            0..=3 => Self::Apply {
                id,
                refutation: u8::arbitrary(g) % 4,
                status: u8::arbitrary(g) % 4,
                state: u8::arbitrary(g) % 3,
                zone: u8::arbitrary(g),
            },
            4 | 5 => Self::Forget { id },
            6 => Self::Probe,
            7 => Self::Heat { id },
            8 => Self::Take { most: u8::arbitrary(g) % 20 },
            9 => Self::Suspect { id, due: u16::arbitrary(g) },
            10 => Self::Accuse { id, by: u16::arbitrary(g) },
            11 => Self::Hide { id },
            _ => Self::Clear { id },
        }
    }
}

fn record(id: u64) -> Record {
    record_in(id, 0)
}

fn record_in(id: u64, zone: u8) -> Record {
    let identity = Identity {
        id: NodeId::from_u64(id).unwrap(),
        epoch: 1,
        address: ([10, 0, 0, 1], 7).into(),
        locality: Locality { region: zone % 2, zone, rack: zone % 3 },
    };
    Record::new(identity, Versions::OURS)
}

/// What the tables must agree with.
#[derive(Default)]
struct Model {
    records: BTreeMap<u64, Record>,
    /// What each was when it became a rumor, and how often it was sent.
    pending: BTreeMap<u64, (Kind, u8)>,
    due: BTreeMap<u64, u16>,
    accusers: BTreeMap<u64, Vec<u64>>,
    hidden: BTreeSet<u64>,
}

struct Rig<S> {
    memory: S,
    ids: Vec<u64>,
    /// How many zones records come from.
    zones: u8,
    rng: Rng,
    model: Model,
}

impl<S: Storage> Rig<S> {
    fn new(mut memory: S, ids: Vec<u64>) -> Self {
        let me = record(u64::MAX);
        memory.tables().reset_to_self(KEY, &me, Stamp(0));
        let mut model = Model::default();
        model.records.insert(u64::MAX, me);
        Self { memory, ids, zones: 3, rng: Rng::new([3; 32]), model }
    }

    fn id(&self, n: u16) -> u64 {
        self.ids[usize::from(n) % self.ids.len()]
    }

    fn slot(&mut self, n: u16) -> Option<(u64, SlotId)> {
        let id = self.id(n);
        let found = self.memory.tables().members.find(NodeId::from_u64(id).unwrap());
        assert_eq!(found.is_some(), self.model.records.contains_key(&id), "find {id}");
        found.map(|slot| (id, slot))
    }

    fn run(&mut self, operation: &Operation) {
        match *operation {
            Operation::Apply { id, refutation, status, state, zone } => {
                let record = record_in(self.id(id), zone % self.zones)
                    .with_incarnation(Incarnation { epoch: 1, refutation: u32::from(refutation) })
                    .with_status(Status::from_u8(status).unwrap())
                    .with_state(u32::from(state), Default::default(), 0);
                self.apply(&record);
            }
            Operation::Forget { id } => self.forget(id),
            Operation::Hide { id } => self.hide(id),
            Operation::Probe => self.probe(),
            Operation::Heat { id } => {
                if let Some((id, slot)) = self.slot(id) {
                    let Tables { members, rumors, .. } = self.memory.tables();
                    rumors.enqueue(members.slots, slot, Stamp(7));
                    let kind = Kind::of(&self.model.records[&id]);
                    self.model.pending.insert(id, (kind, 0));
                }
            }
            Operation::Take { most } => self.take(usize::from(most)),
            Operation::Suspect { id, due } => self.suspect(id, due),
            Operation::Accuse { id, by } => self.accuse(id, by),
            Operation::Clear { id } => {
                if let Some((id, slot)) = self.slot(id) {
                    self.close(id, slot);
                }
            }
        }
    }

    fn apply(&mut self, new: &Record) {
        let id = new.id().as_u64();
        let capacity = self.memory.tables().members.slots.len();
        let entry = self.memory.tables().members.entry(new.id());
        let applied = self.memory.tables().apply(entry, new, &mut self.rng, Stamp(0));
        match applied {
            Applied::Full => assert_eq!(self.model.records.len(), capacity),
            Applied::New(_) => assert!(self.model.records.insert(id, *new).is_none()),
            Applied::Known { slot, was, merge } => {
                let model = self.model.records.get_mut(&id).unwrap();
                assert_eq!(was, *model);
                assert_eq!(merge, model.merge(new));
                if model.status().is_live() || model.incarnation() != was.incarnation() {
                    self.model.hidden.remove(&id);
                }
                assert_eq!(self.memory.tables().members.record(slot), model);
            }
        }
    }

    fn forget(&mut self, n: u16) {
        let Some((id, slot)) = self.slot(n) else { return };
        let entry = *self.memory.tables().members.slot(slot);
        if slot == ME || entry.record.status().is_live() || entry.open_accusations() > 0 {
            return;
        }
        self.close(id, slot);
        let mut tables = self.memory.tables();
        tables.rumors.unlink(tables.members.slots, slot);
        tables.forget(slot);
        self.model.records.remove(&id);
        self.model.pending.remove(&id);
        self.model.hidden.remove(&id);
    }

    fn hide(&mut self, n: u16) {
        let Some((id, slot)) = self.slot(n) else { return };
        let mut members = self.memory.tables().members;
        if slot != ME && !members.record(slot).status().is_live() {
            members.ring_hide(slot);
            self.model.hidden.insert(id);
        }
    }

    fn probe(&mut self) {
        let probed = self.memory.tables().members.next_probe(&mut self.rng);
        let tables = self.memory.tables();
        assert_eq!(probed.is_some(), tables.members.live() > 0);
        assert!(probed.is_none_or(|slot| slot != ME && tables.members.record(slot).status().is_live()));
    }

    fn take(&mut self, most: usize) {
        // One kind alone, or both in turn; of the first kind, sends do not always count.
        let kinds = [&Kind::ALL[..], &Kind::ALL[..1]][most % 2];
        let sends = [Some(SENDS).filter(|_| !most.is_multiple_of(3)), Some(SENDS)];
        let Tables { members, rumors, .. } = self.memory.tables();
        let mut taken = Vec::new();
        let _ = rumors.take(members.slots, kinds, sends, |_, entry| {
            let room = taken.len() < most;
            if room {
                taken.push(entry.record.id().as_u64());
            }
            room
        });
        let of_kind = |kind: Kind| self.model.pending.values().filter(move |(of, _)| *of == kind);
        let there = Kind::ALL.map(|kind| if kinds.contains(&kind) { of_kind(kind).count() } else { 0 });
        assert_eq!(taken.len(), there.iter().sum::<usize>().min(most), "takes all that fit");
        let took = Kind::ALL.map(|kind| taken.iter().filter(|id| self.model.pending[*id].0 == kind).count());
        for (at, other) in [(0, 1), (1, 0)] {
            assert!(
                took[at] == there[at] || took[at] + 1 >= took[other],
                "{took:?} of {there:?} are in turn"
            );
        }
        let left = |kind: Kind| {
            let left = self.model.pending.iter().filter(|(id, rumor)| rumor.0 == kind && !taken.contains(id));
            left.map(|(_, rumor)| rumor.1).min()
        };
        let least_left = Kind::ALL.map(left);
        for id in &taken {
            let (kind, sent) = self.model.pending.remove(id).unwrap();
            assert!(least_left[kind as usize].is_none_or(|least| sent <= least), "fewest-sent first");
            let sent = sent + u8::from(sends[kind as usize].is_some());
            if sent < SENDS {
                self.model.pending.insert(*id, (kind, sent));
            }
        }
    }

    fn suspect(&mut self, n: u16, due: u16) {
        let Some((id, slot)) = self.slot(n) else { return };
        let Tables { members, mut suspicions, .. } = self.memory.tables();
        let stamp = Stamp(u32::from(due));
        if self.model.due.contains_key(&id) {
            suspicions.schedule(members.slot(slot), Judged(stamp));
        } else {
            let opened = suspicions.open(members.slots, slot, Judged(Stamp(0)), Judged(stamp));
            assert_eq!(opened, self.model.due.len() < suspicions.timers.len());
            if !opened {
                return;
            }
            self.model.accusers.insert(id, Vec::new());
        }
        self.model.due.insert(id, due);
    }

    fn accuse(&mut self, n: u16, by: u16) {
        let (Some((id, slot)), Some((accuser, by))) = (self.slot(n), self.slot(by)) else { return };
        let Tables { members, mut suspicions, .. } = self.memory.tables();
        let added = suspicions.accuse(members.slots, slot, by);
        let Some(accusers) = self.model.accusers.get_mut(&id) else {
            assert!(!added);
            return;
        };
        let zone = |id: &u64| self.model.records[id].locality().domain();
        let full = accusers.len() == MAX_ACCUSERS;
        let alike = accusers.iter().all(|other| zone(other) == zone(&accusers[0]));
        let brings_a_zone = full && alike && zone(&accuser) != zone(&accusers[0]);
        assert_eq!(added, !accusers.contains(&accuser) && (!full || brings_a_zone));
        if added {
            accusers.truncate(MAX_ACCUSERS - 1);
            accusers.push(accuser);
        }
    }

    fn close(&mut self, id: u64, slot: SlotId) {
        let Tables { members, mut suspicions, .. } = self.memory.tables();
        suspicions.close(members.slots, slot);
        self.model.due.remove(&id);
        self.model.accusers.remove(&id);
    }

    fn check(&mut self) {
        self.memory.tables().check(Instant::ZERO);
        self.check_members();
        self.check_order();
        self.check_zones();
        self.check_suspicions();
        self.check_lists();
    }

    fn check_members(&mut self) {
        let tables = self.memory.tables();
        let (table, model) = (&tables.members, &self.model.records);
        let live: Vec<&Record> = model.values().filter(|record| record.status().is_live()).collect();
        let me_live = u32::from(table.record(ME).status().is_live());
        assert_eq!(table.live() + me_live, live.len() as u32);
        let shown: BTreeSet<u64> =
            table.as_view().others().iter().map(|&slot| table.record(slot).id().as_u64()).collect();
        assert_eq!(shown.len(), table.as_view().others().len(), "each once");
        let seen = |id: &&u64| **id != u64::MAX && !self.model.hidden.contains(id);
        assert_eq!(shown, model.keys().filter(seen).copied().collect());
        assert_eq!(table.tombstones() as usize + table.live() as usize, shown.len());
        let mut ranges = [0u64; sums::RANGES];
        for record in live {
            let tag = sums::place(KEY, record.id()).tag;
            let range = &mut ranges[(tag >> 25) as usize];
            *range = range.wrapping_add(Share::of(KEY, record).sum());
        }
        let whole = model.values().map(|record| Share::of(KEY, record)).fold(Share::NONE, Share::plus);
        assert_eq!(table.fingerprint(), Fingerprint::new(whole.identity, whole.state));
        assert_eq!(table.state.sums.ranges(), &ranges[..]);
    }

    fn check_order(&mut self) {
        let mut places: Vec<Place> =
            self.model.records.values().map(|record| sums::place(KEY, record.id())).collect();
        places.sort();
        let (a, b) = (self.rng.next() as u32, self.rng.next() as u32);
        let middle = places[self.rng.below(places.len() as u32) as usize];
        let view = self.memory.views().members;
        for (after, until) in [
            (Place::START, u32::MAX),
            (Place { tag: a.min(b), id: 0 }, a.max(b)),
            (middle, u32::MAX),
            (Place { tag: a & 0xFE00_0000, id: 0 }, a | 0x01FF_FFFF),
            (Place { tag: middle.tag, id: 0 }, middle.tag),
        ] {
            let found: Vec<Place> = view.after(after, until).map(|(place, _)| place).collect();
            let within = |place: &&Place| **place > after && place.tag <= until;
            let expected: Vec<Place> = places.iter().filter(within).copied().collect();
            assert_eq!(found, expected, "{after:?}..{until:x}, capacity {}", view.index.len());
        }
    }

    fn check_zones(&mut self) {
        let table = self.memory.tables().members;
        let mut homes = BTreeMap::<Zone, BTreeSet<SlotId>>::new();
        for &slot in table.live_slots() {
            homes.entry(table.record(slot).locality().domain()).or_default().insert(slot);
        }
        let mut shared = BTreeSet::new();
        for (&zone, members) in &homes {
            let found: BTreeSet<SlotId> = table.live_slots_in(zone).iter().copied().collect();
            assert_eq!(found.len(), table.live_in(zone) as usize, "nobody stands in a zone twice");
            assert!(found.is_superset(members), "{zone}");
            assert!(table.random_in(zone, &mut self.rng).is_some_and(|slot| found.contains(&slot)));
            if found != *members {
                assert!(shared.is_empty() || shared == found, "two stretches are shared");
                shared = found;
            }
        }
        assert!(shared.is_empty() || usize::from(self.zones) > MAX_ZONES);
        let counts: Vec<(Zone, u32)> = table.zones().collect();
        assert_eq!(counts.iter().map(|(_, live)| live).sum::<u32>(), table.live());
        assert!(counts.iter().all(|&(zone, live)| live == table.live_in(zone)));
    }

    fn check_suspicions(&mut self) {
        let Tables { members, suspicions, .. } = self.memory.tables();
        assert_eq!(*suspicions.open as usize, self.model.due.len());
        let first = suspicions.first().map(|(due, _)| due);
        assert_eq!(first, self.model.due.values().min().map(|&due| Judged(Stamp(u32::from(due)))));
        let mut open = BTreeMap::<u64, u8>::new();
        for (&id, accusers) in &self.model.accusers {
            let slot = members.find(NodeId::from_u64(id).unwrap()).unwrap();
            let found = suspicions.get(members.slot(slot)).unwrap().accusers();
            let found: Vec<u64> = found.iter().map(|&slot| members.record(slot).id().as_u64()).collect();
            assert_eq!(&found, accusers);
            accusers.iter().for_each(|&accuser| *open.entry(accuser).or_default() += 1);
        }
        for &id in self.model.records.keys() {
            let slot = members.find(NodeId::from_u64(id).unwrap()).unwrap();
            let expected = open.get(&id).copied().unwrap_or(0);
            // The count saturates, and falls from there.
            let counted = members.slot(slot).open_accusations();
            assert!(counted == expected || expected >= MAX_OPEN || counted < expected, "{id}");
        }
    }

    fn check_lists(&mut self) {
        let Tables { members, rumors, .. } = self.memory.tables();
        assert_eq!(rumors.pending() as usize, self.model.pending.len());
        let mut tombstones = BTreeSet::new();
        for (&id, record) in &self.model.records {
            let slot = members.find(NodeId::from_u64(id).unwrap()).unwrap();
            let entry = members.slot(slot);
            assert_eq!(RumorState::is_pending(entry), self.model.pending.contains_key(&id));
            if entry.list == u8::MAX {
                tombstones.insert(slot);
            }
            assert_eq!(entry.record, *record);
        }
        assert_eq!(rumors.tombstones() as usize, tombstones.len());
        let mut walked = BTreeSet::new();
        let mut at = rumors.oldest_tombstone();
        while let Some(slot) = at {
            assert!(walked.insert(slot), "the tombstones' list has a loop");
            at = members.slot(slot).next.checked_sub(1);
        }
        assert_eq!(walked, tombstones);
    }
}

fn agree<S: Storage>(memory: S, ids: Vec<u64>, operations: &[Operation]) -> bool {
    agree_across(3, memory, ids, operations)
}

fn agree_across<S: Storage>(zones: u8, memory: S, ids: Vec<u64>, operations: &[Operation]) -> bool {
    let mut rig = Rig { zones, ..Rig::new(memory, ids) };
    rig.check();
    for operation in operations {
        rig.run(operation);
        rig.check();
    }
    true
}

fn long_histories() -> QuickCheck {
    QuickCheck::new().rng(Gen::new(400)).tests(60)
}

#[test]
fn tables_on_the_heap_agree_with_the_model_at_any_capacity() {
    fn property(operations: Vec<Operation>, capacity: u8) -> bool {
        let capacity = 2 + usize::from(capacity % 48);
        agree(Heap::for_members(capacity), (1..=2 * capacity as u64).collect(), &operations)
    }
    long_histories().quickcheck(property as fn(Vec<Operation>, u8) -> bool);
}

#[test]
fn tables_in_place_agree_with_the_model() {
    fn property(operations: Vec<Operation>) -> bool {
        agree(Inline::<12, 4>::new(), (1..=24).collect(), &operations)
            && agree(Inline::<2, 1>::new(), (1..=4).collect(), &operations)
    }
    long_histories().quickcheck(property as fn(Vec<Operation>) -> bool);
}

/// Ids ground so that all of them fall into one part of the hash space.
fn crowded(wanted: impl Fn(u32) -> bool, count: usize) -> Vec<u64> {
    let tag = |&id: &u64| wanted(sums::place(KEY, NodeId::from_u64(id).unwrap()).tag);
    (1..).filter(tag).take(count).collect()
}

#[test]
fn tables_agree_with_the_model_where_ids_crowd_and_runs_wrap_around() {
    fn property(operations: Vec<Operation>) -> bool {
        agree(Heap::for_members(40), crowded(|tag| tag >> 25 == 127, 80), &operations)
            && agree(Heap::for_members(40), crowded(|tag| tag >> 25 == 0, 80), &operations)
    }
    long_histories().tests(20).quickcheck(property as fn(Vec<Operation>) -> bool);
}

#[test]
fn tables_agree_with_the_model_where_there_are_more_zones_than_stretches() {
    fn property(operations: Vec<Operation>) -> bool {
        agree_across(u8::MAX, Heap::for_members(150), (1..=200).collect(), &operations)
    }
    QuickCheck::new().rng(Gen::new(1_000)).tests(20).quickcheck(property as fn(Vec<Operation>) -> bool);
}

#[test]
fn zones_beyond_those_that_have_a_stretch_share_the_last() {
    let mut rig = Rig::new(Heap::for_members(100), (1..=100).collect());
    (1..=70).for_each(|id| rig.apply(&record_in(id, id as u8)));
    let table = rig.memory.tables().members;
    let live_in = |zone| table.live_in(record_in(1, zone).locality().domain());
    assert_eq!(table.zones().count(), MAX_ZONES);
    assert_eq!((live_in(1), live_in(63), live_in(64), live_in(70)), (1, 1, 7, 7));
}

#[test]
fn a_table_that_starts_over_knows_no_zones() {
    let mut rig = Rig::new(Heap::for_members(8), (1..=8).collect());
    (1..=5).for_each(|id| rig.apply(&record_in(id, id as u8)));
    assert_eq!(rig.memory.tables().members.zones().count(), 5);
    rig.memory.tables().reset_to_self(KEY, &record(u64::MAX), Stamp(0));
    rig.model.records.retain(|&id, _| id == u64::MAX);
    rig.check();
    assert_eq!(rig.memory.tables().members.zones().count(), 0);
}

#[test]
fn a_random_member_of_a_zone_is_any_of_them_evenly() {
    let mut rig = Rig::new(Heap::for_members(64), (1..=40).collect());
    (1..=40).for_each(|id| rig.apply(&record_in(id, (id % 4) as u8)));
    let zone = record_in(1, 1).locality().domain();
    let mut drawn = BTreeMap::<SlotId, u32>::new();
    for _ in 0..10_000 {
        *drawn.entry(rig.memory.tables().members.random_in(zone, &mut rig.rng).unwrap()).or_default() += 1;
    }
    assert_eq!(drawn.len(), 10);
    assert!(drawn.values().all(|count| (850..1_150).contains(count)), "{drawn:?}");
}

#[test]
fn a_lap_probes_everybody_once_and_each_lap_in_another_order() {
    let mut rig = Rig::new(Heap::for_members(64), (1..=40).collect());
    (1..=40).for_each(|id| rig.apply(&record(id)));
    let mut lap = || -> Vec<SlotId> {
        (0..40).filter_map(|_| rig.memory.tables().members.next_probe(&mut rig.rng)).collect()
    };
    // Members entered while no lap was under way: the first lap starts now.
    let (first, second) = (lap(), lap());
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 40);
    assert_eq!(second.iter().collect::<BTreeSet<_>>().len(), 40);
    assert_ne!(first, second);
}

#[test]
fn a_node_is_found_in_a_crowd_without_walking_through_it() {
    let ids = crowded(|tag| tag >> 25 == 100, 3_000);
    let mut memory = Heap::for_members(4_000);
    memory.tables().reset_to_self(KEY, &record(u64::MAX), Stamp(0));
    let mut rng = Rng::new([1; 32]);
    for &id in &ids {
        let entry = memory.tables().members.entry(record(id).id());
        let applied = memory.tables().apply(entry, &record(id), &mut rng, Stamp(0));
        assert!(matches!(applied, Applied::New(_)));
    }
    let view = memory.views().members;
    for &id in &ids {
        let place = sums::place(KEY, NodeId::from_u64(id).unwrap());
        let looks = core::cell::Cell::new(0);
        let found = index::find(view.index, place, |slot| {
            looks.set(looks.get() + 1);
            view.slots[slot as usize].record.id()
        });
        assert!(found.is_ok());
        // A look at an id per comparison: the walk of 8, then twice the logarithm of the crowd.
        assert!(looks.get() <= 8 + 2 * 12 + 2, "{} looks", looks.get());
    }
}
