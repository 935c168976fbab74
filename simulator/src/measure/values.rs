//! How cluster-wide values spread: each write until all hold it or a greater one, what conflicts, and what comes back.

use super::delays::{ChangeFigures, Delays, Times};
use crate::engine::{Host, HostId, Micros, Step, Watch, World};
use gossip_core::{ClusterValue, NodeId, ValueTag};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What decides between two values of a key that members wrote: the greater wins.
type Version = (u64, NodeId);

/// One write.
#[derive(Debug)]
struct Change {
    writer: HostId,
    life: u32,
    write: Write,
    delays: Delays,
    /// Whether the writer has no value of the key any more. Then a host without one holds something later, too.
    is_over: bool,
}

/// What a host did to a key.
#[derive(Clone, Copy, Debug)]
enum Write {
    Set(Version),
    /// It had this.
    Deleted(Version),
}

/// What a host shows of a key.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    life: u32,
    /// The last value that it showed in this life.
    last: Option<Version>,
    /// Whether it has shown none since.
    is_gone: bool,
}

/// Writes of cluster-wide values under way and done.
#[derive(Debug, Default)]
pub struct SharedValues {
    open: HashMap<ValueTag, Vec<Change>>,
    done: Vec<Times>,
    /// By key, then host.
    shown: HashMap<ValueTag, Vec<Shown>>,
    /// Values that a host held when it wrote over them: they cannot win any more.
    replaced: HashSet<(ValueTag, Version)>,
    /// Values that a host showed again, or an older one, after it had shown something later.
    came_back: u64,
    conflicts: u64,
    reporters: BTreeSet<HostId>,
    /// Writes that nodes refused.
    pub refused: u64,
}

/// Cluster-wide values. Null or zero where none is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct ValueFigures {
    /// How soon writes were held, or greater ones.
    #[serde(flatten)]
    pub changes: ChangeFigures,
    /// Conflicts that nodes told of, and nodes that told of any.
    pub conflicts: u64,
    pub conflict_nodes: usize,
    /// Values that a node showed after it had shown something later of their key; and those that a node shows at the end
    /// though a host that held them wrote over them.
    pub came_back: u64,
    /// Whether, at the end, all that run hold the same values, byte for byte; and how long after the last fault they did.
    pub equal: Option<bool>,
    pub heal_s: Option<f64>,
    /// Keys that have a value at the end, at the node that has most.
    pub keys: usize,
    /// Writes that their nodes refused, and values for which others had no room.
    pub refused: u64,
    pub dropped: u64,
}

fn version(value: &ClusterValue<'_>) -> Version {
    (value.revision(), value.writer())
}

/// What a host has under a key.
pub(super) fn held(host: &Host, key: ValueTag) -> Option<Version> {
    host.node.tagged_value(key).as_ref().map(version)
}

impl SharedValues {
    /// Whether a scenario wrote any.
    pub fn is_any(&self) -> bool {
        !self.shown.is_empty() || self.refused > 0
    }

    /// A host has set or deleted a key just now, where it had what was `before`; these should get to know.
    pub(super) fn follow(
        &mut self,
        (now, hosts): (Micros, &[Host]),
        writer: HostId,
        (key, before): (ValueTag, Option<Version>),
        others: impl Iterator<Item = HostId>,
    ) {
        let Some(at) = hosts.get(writer as usize) else { return };
        // A host without a value has none to delete.
        let Some(write) = held(at, key).map(Write::Set).or(before.map(Write::Deleted)) else { return };
        self.replaced.extend(before.map(|before| (key, before)));
        let delays = Delays::new(now, hosts.len(), others);
        let change = Change { writer, life: at.life, write, delays, is_over: false };
        self.open.entry(key).or_default().push(change);
        let _ = self.note(writer, at, key);
        for (host, at) in (0..).zip(hosts).filter(|(_, host)| host.is_running()) {
            self.look((now, hosts), host, at, key);
        }
    }

    /// A node heard something of a key.
    pub(super) fn heard(&mut self, step: &Step<'_>, key: ValueTag) {
        let _ = self.note(step.host, step.at(), key);
        self.look((step.now, step.hosts), step.host, step.at(), key);
    }

    /// A node told of a conflict.
    pub(super) fn conflicted(&mut self, host: HostId) {
        self.conflicts += 1;
        let _ = self.reporters.insert(host);
    }

    /// What a host shows may have changed: false if it has not grown, but come back.
    pub fn note(&mut self, host: HostId, at: &Host, key: ValueTag) -> bool {
        let (place, held) = (host as usize, held(at, key));
        let all = self.shown.entry(key).or_default();
        if all.len() <= place {
            all.resize(place + 1, Shown::default());
        }
        let shown = &mut all[place];
        if shown.life != at.life {
            *shown = Shown { life: at.life, ..Shown::default() };
        }
        let falls = held < shown.last || held == shown.last && shown.is_gone;
        let comes_back = held.is_some() && falls;
        self.came_back += u64::from(comes_back);
        shown.is_gone = held.is_none() && shown.last.is_some();
        shown.last = shown.last.max(held);
        !comes_back
    }

    /// What a host shows counts for the writes under way.
    fn look(&mut self, (now, hosts): (Micros, &[Host]), host: HostId, at: &Host, key: ValueTag) {
        let Some(changes) = self.open.get_mut(&key) else { return };
        let here = held(at, key);
        for change in changes.iter_mut() {
            if change.is_held(here) {
                change.delays.note(now, host as usize);
            }
            if change.writer == host && change.life == at.life && here.is_none() && !change.is_over {
                change.is_over = true;
                let without = (0..).zip(hosts).filter(|(_, host)| held(host, key).is_none());
                without.for_each(|(other, _)| change.delays.note(now, other));
            }
        }
        let complete = changes.extract_if(.., |change| change.delays.missing() == 0);
        self.done.extend(complete.map(|change| change.delays.times(hosts)));
    }

    /// The figures, except for those of healing.
    pub fn figures<W: Watch>(&self, world: &World<W>) -> ValueFigures {
        let hosts = world.hosts();
        // What a life that has ended wrote last, others may never hear.
        let lasts = |change: &&Change| {
            let writer = hosts.get(change.writer as usize);
            writer.is_some_and(|writer| writer.is_running() && writer.life == change.life)
        };
        let mut all: Vec<(Times, usize)> = self.done.iter().map(|&times| (times, 0)).collect();
        let open = self.open.values().flatten().filter(lasts);
        all.extend(open.map(|change| (change.delays.times(hosts), change.delays.missed(hosts))));
        let values = world.running().flat_map(|(_, host)| host.node.values());
        let stale = values.filter(|value| self.replaced.contains(&(value.tag(), version(value)))).count();
        ValueFigures {
            changes: ChangeFigures::of(&all),
            conflicts: self.conflicts,
            conflict_nodes: self.reporters.len(),
            came_back: self.came_back + stale as u64,
            equal: None,
            heal_s: None,
            keys: world.running().map(|(_, host)| host.node.values().count()).max().unwrap_or_default(),
            refused: self.refused,
            dropped: world.running().map(|(_, host)| host.node.metrics().dropped_values).sum(),
        }
    }
}

impl Change {
    /// Whether a host that has this of the key holds the write, or something later.
    fn is_held(&self, here: Option<Version>) -> bool {
        match self.write {
            Write::Set(version) => here.map_or(self.is_over, |here| here >= version),
            // A greater value than that was written without knowledge of it: it may be greater than the deletion, too.
            Write::Deleted(before) => here.is_none_or(|here| here > before),
        }
    }
}

/// Whether all that run hold the same cluster-wide values, byte for byte, and have deleted the same.
pub fn are_equal<W: Watch>(world: &World<W>) -> bool {
    let mut running = world.running().map(|(_, host)| host);
    let Some(first) = running.next() else { return true };
    let all = |host: &Host| -> BTreeMap<String, (Version, Vec<u8>)> {
        let values = host.node.values();
        values.map(|value| (value.key().to_owned(), (version(&value), value.bytes().to_vec()))).collect()
    };
    let (sum, values) = (first.node.values_sum(), all(first));
    running.all(|host| host.node.values_sum() == sum && all(host) == values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Link, Origin, Rule, RuleId, SECOND, Setup, Signers, Zones},
        measure::{self, Measure},
    };
    use gossip_core::{ClusterName, Config};

    fn world() -> World<Measure> {
        let config = Config::lan(ClusterName::named("test").unwrap());
        let (zones, origin) = (Zones::ONE, Origin::default());
        let setup = Setup {
            seed: 1,
            config,
            zones,
            capacity: 8,
            step_cost: 0,
            uplink: None,
            origin,
            keys: Vec::new(),
            signers: Signers::default(),
        };
        let mut world = World::new(setup, |_, _| Link::default(), Measure::default());
        world.form(4, &[(0..4).collect()], |_| Vec::new()).unwrap();
        world.run_until(2 * SECOND);
        world
    }

    fn write(world: &mut World<Measure>, host: HostId, value: Option<&[u8]>) {
        measure::watch_value(world, host, "key", value);
    }

    fn figures(world: &mut World<Measure>, seconds: u64) -> ValueFigures {
        world.run_until(world.now() + seconds * SECOND);
        world.watch.values.figures(world)
    }

    fn cut(world: &mut World<Measure>) -> [RuleId; 2] {
        let sides = [(vec![0, 1], vec![2, 3]), (vec![2, 3], vec![0, 1])];
        sides.map(|(from, to)| world.add_rule(&Rule { from, to, loss: 1.0, ..Rule::default() }))
    }

    #[test]
    fn a_write_is_timed_until_all_hold_it_or_something_later() {
        let mut world = world();
        write(&mut world, 0, Some(b"one"));
        let found = figures(&mut world, 2);
        assert_eq!((found.changes.changes, found.changes.missed, found.keys), (1, 0, 1));
        write(&mut world, 1, Some(b"two"));
        write(&mut world, 1, None);
        write(&mut world, 1, None);
        let found = figures(&mut world, 2);
        // What has no value cannot be deleted once more.
        assert_eq!((found.changes.changes, found.changes.missed, found.keys), (3, 0, 0));
        assert!(found.changes.p100_s.is_some_and(|time| time < 1.0), "{found:?}");
        assert_eq!((found.came_back, found.conflicts), (0, 0));
        assert!(are_equal(&world));
    }

    #[test]
    fn what_others_never_hear_is_missed_and_shows_as_a_difference() {
        let mut world = world();
        let _ = cut(&mut world);
        write(&mut world, 0, Some(b"one"));
        let found = figures(&mut world, 2);
        assert_eq!((found.changes.missed, found.changes.p100_s), (2, None));
        assert!(!are_equal(&world));
    }

    #[test]
    fn writes_on_both_sides_of_a_cut_conflict_and_one_wins() {
        let mut world = world();
        let rules = cut(&mut world);
        write(&mut world, 0, Some(b"one"));
        write(&mut world, 2, Some(b"two"));
        world.run_until(world.now() + 2 * SECOND);
        rules.into_iter().for_each(|rule| world.remove_rule(rule));
        let found = figures(&mut world, 10);
        assert!(found.conflicts > 0 && found.conflict_nodes > 0 && are_equal(&world), "{found:?}");
        assert_eq!((found.changes.missed, found.came_back, found.keys), (0, 0, 1));
    }

    #[test]
    fn a_value_that_comes_back_is_told() {
        let mut world = world();
        let key = ValueTag::of("key");
        write(&mut world, 0, Some(b"one"));
        let _ = figures(&mut world, 2);
        // As if node 1 had shown that it is gone, and node 0 had written over it.
        world.watch.values.shown.get_mut(&key).unwrap()[1].is_gone = true;
        let (values, hosts) = world.watch_and_hosts();
        assert!(!values.values.note(1, &hosts[1], key));
        assert_eq!(figures(&mut world, 0).came_back, 1);
        let one = held(&world.hosts()[0], key).unwrap();
        let _ = world.watch.values.replaced.insert((key, one));
        assert_eq!(figures(&mut world, 0).came_back, 1 + 4);
    }
}
