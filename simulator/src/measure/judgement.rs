//! Suspicions and deaths: which were true, which were false, which were missed.

use super::{Population, seconds};
use crate::{
    engine::{Host, HostId, Micros, Step},
    statistics::Summary,
};
use gossip_core::{Incarnation, NodeId};
use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

/// A crash, and who knows of it.
#[derive(Debug)]
struct Crash {
    host: HostId,
    since: Micros,
    /// Those that ran when it happened, and held it alive.
    observers: Vec<HostId>,
    known: HashMap<HostId, Micros>,
    /// The host runs again: who has not heard of the death need not any more.
    over: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Judgements {
    crashes: HashMap<NodeId, Vec<Crash>>,
    suspected: HashSet<(NodeId, Incarnation)>,
    dead: HashSet<(NodeId, Incarnation)>,
    /// Lives suspected of whose host ran and was not cut off from who suspected it first.
    pub false_suspicions: u64,
    /// Lives declared dead whose host ran and was not cut off from who declared it first.
    pub false_deaths: u64,
    /// Lives declared dead whose host ran, by someone who was cut off from it.
    pub cut_off_deaths: u64,
    /// Of the false deaths: those of hosts that the scenario never paused, blocked or slowed.
    pub undisturbed_deaths: u64,
    /// Lives of such hosts that another such host held dead.
    believed: HashSet<(NodeId, Incarnation)>,
    /// The first of the false deaths: when, who declared it or heard of it first, of whom.
    pub told: Vec<(Micros, HostId, HostId)>,
}

/// False deaths that are kept one by one.
const MAX_TOLD: usize = 20;

/// Seconds from a crash until the first, and until all that run, know of it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Detection {
    /// The first, in half of all crashes.
    pub first_p50: Option<f64>,
    /// The first, in 99 % of all crashes.
    pub first_p99: Option<f64>,
    /// All, in half of all crashes.
    pub all_p50: Option<f64>,
    /// All, in 99 % of all crashes.
    pub all_p99: Option<f64>,
    /// Crashes that someone who ran through did not know of at the end; none if no one crashed.
    pub missed: Option<u64>,
}

impl Judgements {
    pub(super) fn crashed(&mut self, now: Micros, host: HostId, id: NodeId, observers: Vec<HostId>) {
        let crash = Crash { host, since: now, observers, known: HashMap::new(), over: false };
        self.crashes.entry(id).or_default().push(crash);
    }

    /// A host runs again; what was not known of its crash is no longer missed.
    pub fn restarted(&mut self, id: NodeId) {
        for crash in self.crashes.get_mut(&id).into_iter().flatten() {
            crash.over = true;
        }
    }

    pub(super) fn suspected(&mut self, step: &Step<'_>, id: NodeId, population: &Population) {
        let Some(member) = step.at().node.member(id) else { return };
        let Some(&host) = step.ids.get(&id) else { return };
        let first = self.suspected.insert((id, member.incarnation()));
        if first
            && is_life_of(step, host, member.incarnation())
            && !population.is_cut(step.now, step.host, host)
        {
            self.false_suspicions += 1;
        }
    }

    pub(super) fn down(&mut self, step: &Step<'_>, id: NodeId, population: &Population) {
        let Some(member) = step.at().node.member(id) else { return };
        let Some(&host) = step.ids.get(&id) else { return };
        for crash in self.crashes.get_mut(&id).into_iter().flatten().filter(|crash| !crash.over) {
            crash.known.entry(step.host).or_insert(step.now);
        }
        let first = self.dead.insert((id, member.incarnation()));
        if !is_life_of(step, host, member.incarnation()) {
            return;
        }
        if population.is_cut(step.now, step.host, host) {
            self.cut_off_deaths += u64::from(first);
            return;
        }
        if !population.was_disturbed(host) && !population.was_disturbed(step.host) {
            self.believed.insert((id, member.incarnation()));
        }
        if !first {
            return;
        }
        self.false_deaths += 1;
        if self.told.len() < MAX_TOLD {
            self.told.push((step.now, step.host, host));
        }
        self.undisturbed_deaths += u64::from(!population.was_disturbed(host));
    }

    /// Lives of hosts that ran and that the scenario never disturbed, held dead by another such host
    /// that was not cut off from them.
    pub fn undisturbed_deaths_at_undisturbed(&self) -> u64 {
        self.believed.len() as u64
    }

    /// Lives of hosts that were suspected by anyone.
    pub fn suspicions(&self) -> u64 {
        self.suspected.len() as u64
    }

    fn open(&self) -> impl Iterator<Item = &Crash> {
        // Where everyone held it dead already there was nothing to find out.
        self.crashes.values().flatten().filter(|crash| !crash.over && !crash.observers.is_empty())
    }

    fn settled(&self, hosts: &[Host]) -> impl Iterator<Item = (Option<Micros>, Option<Micros>)> {
        self.open().map(|crash| (crash.first_knows(), crash.all_know(hosts).map(|at| at - crash.since)))
    }

    /// Seconds until the first knew of a crash in a stretch of time, the median. (Until all knew it would be of few: many
    /// that ran then are down by the end of a long run.)
    pub fn known_to_first(&self, during: Range<Micros>) -> Option<f64> {
        let crashes = self.open().filter(|crash| during.contains(&crash.since));
        let delays = crashes.filter_map(|crash| crash.first_knows().map(seconds));
        Summary::of(delays).map(|delays| delays.quantile(0.5))
    }

    /// What came of all crashes of hosts that stayed down.
    pub fn detection(&self, hosts: &[Host]) -> Detection {
        let (mut first, mut all) = (Vec::new(), Vec::new());
        let mut missed = 0;
        for (by_one, by_all) in self.settled(hosts) {
            first.extend(by_one.map(seconds));
            all.extend(by_all.map(seconds));
            missed += u64::from(by_all.is_none());
        }
        let quantile = |times: Vec<f64>, q| Summary::of(times).map(|times| times.quantile(q));
        Detection {
            first_p50: quantile(first.clone(), 0.5),
            first_p99: quantile(first, 0.99),
            all_p50: quantile(all.clone(), 0.5),
            all_p99: quantile(all, 0.99),
            missed: (!self.crashes.is_empty()).then_some(missed),
        }
    }
}

/// Whether that is the life that the host lives now: it runs, under this epoch or an earlier incarnation of it
/// that it has refuted since.
fn is_life_of(step: &Step<'_>, host: HostId, incarnation: Incarnation) -> bool {
    step.hosts.get(host as usize).is_some_and(|host| host.is_running() && host.epoch == incarnation.epoch)
}

impl Crash {
    /// How long it took until the first knew.
    fn first_knows(&self) -> Option<Micros> {
        self.known.values().min().map(|&at| at - self.since)
    }

    /// When the last of those knew that ran through.
    fn all_know(&self, hosts: &[Host]) -> Option<Micros> {
        let ran_through = |id: &HostId| {
            hosts.get(*id as usize).is_some_and(|host| host.is_running() && host.born <= self.since)
        };
        debug_assert!(!self.observers.contains(&self.host));
        let observers = self.observers.iter().filter(|&id| ran_through(id));
        observers.map(|id| self.known.get(id).copied()).try_fold(self.since, |last, at| Some(last.max(at?)))
    }
}
