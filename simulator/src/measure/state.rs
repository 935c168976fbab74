//! How kept state spreads: each change until all hold it, and joiners until they hold everything.

use super::{
    delays::{ChangeFigures, Delays, Times},
    joins::Joins,
    seconds,
};
use crate::engine::{Host, HostId, Micros, Step, Watch, World};
use gossip_core::NodeId;
use std::collections::{BTreeMap, HashMap};

/// Room for any value: `Config::state_per_member` is 4,096 bytes at the most.
const VALUE: usize = 4_096;

/// The epoch of an owner, and the version of a value of its: in a new epoch, versions begin anew.
pub type StateVersion = (u32, u32);

/// What a host did to a key of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Write {
    /// The key has a new value, of this version.
    Published(StateVersion),
    /// The key is gone; its last value had this version.
    Withdrawn(StateVersion),
}

/// The version of what a host shows of a key of another, or of its own.
pub fn shown(at: &Host, owner: NodeId, key: &str) -> Option<StateVersion> {
    let record = if at.id == owner { at.node.me() } else { *at.node.member(owner)?.record() };
    let entry = at.node.state(owner).find(|entry| entry.key().as_str() == key)?;
    Some((record.incarnation().epoch, entry.version()))
}

/// One change, and when each host first held it.
#[derive(Debug)]
struct Change {
    /// The step of the scenario that made it.
    step: usize,
    owner: HostId,
    life: u32,
    key: String,
    write: Write,
    delays: Delays,
    /// Whether its owner has withdrawn the key since: a host that shows nothing then lacks nothing.
    is_over: bool,
}

/// Changes of kept state, and joins, under way and done.
#[derive(Debug, Default)]
pub struct States {
    open: HashMap<NodeId, Vec<Change>>,
    done: Vec<(usize, Times)>,
    /// All hosts before this place have been found to be known as they know themselves.
    joins: Joins<usize>,
    /// Writes that nodes refused.
    pub refused: u64,
    /// When the first and the last change were.
    period: Option<(Micros, Micros)>,
}

impl States {
    /// A host has changed a key of its own just now; these should get to know.
    pub(super) fn follow(
        &mut self,
        (now, hosts): (Micros, &[Host]),
        (step, owner): (usize, HostId),
        (key, write): (&str, Write),
        others: impl Iterator<Item = HostId>,
    ) {
        self.period = Some((self.period.map_or(now, |(first, _)| first), now));
        let Some(origin) = hosts.get(owner as usize) else { return };
        let delays = Delays::new(now, hosts.len(), others);
        let (key, life) = (key.to_owned(), origin.life);
        let changes = self.open.entry(origin.id).or_default();
        if matches!(write, Write::Withdrawn(_)) {
            changes.iter_mut().filter(|change| change.key == key).for_each(|change| change.is_over = true);
        }
        let of_key = key.clone();
        changes.push(Change { step, owner, life, key, write, delays, is_over: false });
        // A host without the key holds its withdrawal already, and its node tells no more of it.
        for change in changes.iter_mut().filter(|change| change.key == of_key) {
            hosts.iter().enumerate().for_each(|(host, at)| change.look(now, host, at, origin.id));
        }
        self.finish(origin.id, hosts);
    }

    /// Changes that all hold are done.
    fn finish(&mut self, owner: NodeId, hosts: &[Host]) {
        let Some(changes) = self.open.get_mut(&owner) else { return };
        let complete = changes.extract_if(.., |change| change.delays.missing() == 0);
        self.done.extend(complete.map(|change| (change.step, change.delays.times(hosts))));
    }

    pub(super) fn follow_join(&mut self, now: Micros, host: HostId) {
        self.joins.follow(now, host);
    }

    /// A node heard something of a member's state.
    pub(super) fn heard(&mut self, step: &Step<'_>, id: NodeId) {
        let Some(changes) = self.open.get_mut(&id) else { return };
        for change in changes.iter_mut() {
            change.look(step.now, step.host as usize, step.at(), id);
        }
        self.finish(id, step.hosts);
    }

    /// A joiner may hold everything now.
    pub(super) fn looked_around(&mut self, step: &Step<'_>) {
        let Some(next) = self.joins.progress(step.host) else { return };
        while let Some(owner) = step.hosts.get(*next)
            && (!owner.is_running() || is_held(step.at(), owner))
        {
            *next += 1;
        }
        if *next >= step.hosts.len() {
            self.joins.finish(step.now, step.host);
        }
    }

    /// Seconds that joins took until the joiner held everything: the median and the longest, which is missing while a host
    /// that runs still lacks something.
    pub fn joins(&self, hosts: &[Host]) -> (Option<f64>, Option<f64>) {
        self.joins.times(hosts)
    }

    /// Whether anything was followed.
    pub fn is_any(&self) -> bool {
        self.period.is_some() || !self.joins.is_empty() || self.refused > 0
    }

    /// Seconds from the first change to the last.
    pub fn period_s(&self) -> f64 {
        self.period.map_or(0.0, |(first, last)| seconds(last - first))
    }

    /// How many changes there were.
    pub fn changes(&self) -> usize {
        self.done.len() + self.open.values().map(Vec::len).sum::<usize>()
    }

    /// The figures of all changes, and those of each step.
    pub fn figures(&self, hosts: &[Host]) -> (ChangeFigures, BTreeMap<usize, ChangeFigures>) {
        // What a life that has ended changed last, its members may never hear.
        let lasts = |change: &&Change| {
            let owner = hosts.get(change.owner as usize);
            owner.is_some_and(|owner| owner.is_running() && owner.life == change.life)
        };
        let mut all: Vec<(usize, Times, usize)> = self.done.iter().map(|&(step, t)| (step, t, 0)).collect();
        let open = self.open.values().flatten().filter(lasts);
        all.extend(open.map(|change| (change.step, change.delays.times(hosts), change.delays.missed(hosts))));
        let mut by_step = BTreeMap::<usize, Vec<(Times, usize)>>::new();
        all.iter().for_each(|&(step, times, missed)| by_step.entry(step).or_default().push((times, missed)));
        let every: Vec<(Times, usize)> = all.iter().map(|&(_, times, missed)| (times, missed)).collect();
        (ChangeFigures::of(&every), by_step.iter().map(|(&step, of)| (step, ChangeFigures::of(of))).collect())
    }
}

impl Change {
    /// A host may hold it now.
    fn look(&mut self, now: Micros, host: usize, at: &Host, owner: NodeId) {
        if self.delays.lacks(host) && self.is_held(at, owner) {
            self.delays.note(now, host);
        }
    }

    fn is_held(&self, at: &Host, owner: NodeId) -> bool {
        let shown = shown(at, owner, &self.key);
        match self.write {
            Write::Published(version) => shown.map_or(self.is_over, |shown| shown >= version),
            Write::Withdrawn(version) => shown.is_none_or(|shown| shown > version),
        }
    }
}

/// Whether a host knows all keys and values of another as that does itself.
fn is_held(observer: &Host, owner: &Host) -> bool {
    if observer.id == owner.id {
        return true;
    }
    if observer.node.member(owner.id).is_none() {
        return false;
    }
    let (mut here, mut there) = ([0; VALUE], [0; VALUE]);
    let mut own = owner.node.state(owner.id);
    let mut copies = observer.node.state(owner.id);
    loop {
        match (own.next(), copies.next()) {
            (None, None) => return true,
            (Some(own), Some(copy)) => {
                let is_same = own.key() == copy.key()
                    && own.version() == copy.version()
                    && own.after_death() == copy.after_death()
                    && own.value(&mut there) == copy.value(&mut here);
                if !is_same {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// Where two hosts were found to differ: the place to look first the next time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Difference {
    observer: usize,
    owner: usize,
}

impl Difference {
    /// Whether all running hosts know all keys and values of each other as their owners do, byte for byte.
    pub fn is_none<W: Watch>(&mut self, world: &World<W>) -> bool {
        let running: Vec<&Host> = world.running().map(|(_, host)| host).collect();
        let count = running.len();
        for observers in 0..count {
            let observer = (self.observer + observers) % count;
            for owners in 0..count {
                let owner = (self.owner + owners) % count;
                if !is_held(running[observer], running[owner]) {
                    *self = Self { observer, owner };
                    return false;
                }
            }
        }
        true
    }

    /// What it is, in words.
    pub fn told<W: Watch>(&self, world: &World<W>) -> String {
        let running: Vec<&Host> = world.running().map(|(_, host)| host).collect();
        match (running.get(self.observer), running.get(self.owner)) {
            (Some(observer), Some(owner)) => format!(
                "{} shows {:?} of {}, which has {:?}",
                observer.address,
                observer.node.state(owner.id),
                owner.address,
                owner.node.state(owner.id)
            ),
            _ => String::new(),
        }
    }
}
