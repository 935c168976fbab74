//! How news spreads, and how soon those who join see everyone.

use super::{joins::Joins, seconds};
use crate::{
    engine::{Host, HostId, Micros, Step},
    record::Spread,
};
use gossip_core::{NodeId, Record};
use std::collections::HashMap;

/// One change, and who holds it.
#[derive(Debug)]
struct Change {
    origin: HostId,
    record: Record,
    /// What it is a change of.
    what: &'static str,
    since: Micros,
    others: Vec<HostId>,
    heard: HashMap<HostId, Micros>,
}

/// Changes and joins under way.
#[derive(Debug, Default)]
pub struct Spreads {
    changes: HashMap<NodeId, Vec<Change>>,
    joins: Joins<()>,
}

/// Seconds until half, 99 % and all of those that run hold a change.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Times {
    /// Half.
    pub p50: Option<f64>,
    /// 99 %.
    pub p99: Option<f64>,
    /// All.
    pub p100: Option<f64>,
}

impl Spreads {
    pub(super) fn follow(
        &mut self,
        now: Micros,
        origin: HostId,
        (record, what): (Record, &'static str),
        others: Vec<HostId>,
    ) {
        let change = Change { origin, record, what, since: now, others, heard: HashMap::new() };
        self.changes.entry(record.id()).or_default().push(change);
    }

    pub(super) fn follow_join(&mut self, now: Micros, host: HostId) {
        self.joins.follow(now, host);
    }

    /// A node heard something of a member.
    pub(super) fn heard(&mut self, step: &Step<'_>, id: NodeId) {
        let Some(changes) = self.changes.get_mut(&id) else { return };
        let Some(member) = step.at().node.member(id) else { return };
        for change in changes {
            let held = word(member.record()) >= word(&change.record);
            if held {
                change.heard.entry(step.host).or_insert(step.now);
            }
        }
    }

    /// A node's view may have become full.
    pub(super) fn looked_around(&mut self, step: &Step<'_>, running: usize) {
        let is_joining = self.joins.progress(step.host).is_some();
        if !is_joining || step.at().node.members().len() + 1 < running {
            return;
        }
        let live = step.at().node.members().take_while(|member| member.status().is_live()).count();
        if live + 1 >= running {
            self.joins.finish(step.now, step.host);
        }
    }

    /// Seconds that joins took until the joiner saw everyone: the median and the longest. None if there was no
    /// join; the longest is missing, too, while a host that runs still misses someone.
    pub fn joins(&self, hosts: &[Host]) -> (Option<f64>, Option<f64>) {
        self.joins.times(hosts)
    }

    /// The changes of hosts that still run: news of the others may be lost with them.
    fn lasting(&self, hosts: &[Host]) -> impl Iterator<Item = &Change> {
        let runs = |change: &&Change| hosts.get(change.origin as usize).is_some_and(Host::is_running);
        self.changes.values().flatten().filter(runs)
    }

    /// Seconds until a share of the hosts that ran at the change, and still run, held it: of several changes,
    /// by hosts that still run, the slowest. A share that one of them never reached is missing.
    pub fn times(&self, hosts: &[Host]) -> Times {
        let mut worst: Option<[Option<f64>; 3]> = None;
        for change in self.lasting(hosts) {
            let times = change.times(hosts);
            worst = Some(match worst {
                None => times,
                Some(worst) => std::array::from_fn(|i| Some(worst[i]?.max(times[i]?))),
            });
        }
        let [p50, p99, p100] = worst.unwrap_or_default();
        Times { p50, p99, p100 }
    }

    /// Of all changes of hosts that run, how many of those that ran at the change, and still do, do not hold them
    /// now. The last words of the dead need no agreement.
    pub fn missed(&self, hosts: &[Host]) -> usize {
        let holds = |host: &Host, record: &Record| {
            host.node.member(record.id()).is_some_and(|member| word(member.record()) >= word(record))
        };
        let missed = |change: &Change| {
            let others = change.others.iter().filter_map(|&host| hosts.get(host as usize));
            others.filter(|host| host.is_running() && !holds(host, &change.record)).count()
        };
        self.lasting(hosts).map(missed).sum()
    }

    /// How long, in ms, each change took to each who heard of it.
    pub fn lags(&self) -> impl Iterator<Item = u64> {
        let changes = self.changes.values().flatten();
        changes.flat_map(|change| change.heard.values().map(|&at| (at - change.since) / 1_000))
    }

    /// How each change spread, in the order of their time.
    pub fn recorded(&self) -> Vec<Spread> {
        let mut all: Vec<&Change> = self.changes.values().flatten().collect();
        all.sort_by_key(|change| (change.since, change.origin));
        let recorded = all.into_iter().map(|change| Spread {
            since: change.since,
            origin: change.origin,
            what: change.what,
            heard: change.heard.clone(),
        });
        recorded.collect()
    }
}

/// What a change of its own raises.
fn word(record: &Record) -> (u32, u32) {
    (record.incarnation().epoch, record.state_version())
}

impl Change {
    /// Sorted delays of all that hold it, the origin included, and how many should.
    fn delays(&self, hosts: &[Host]) -> (Vec<Micros>, usize) {
        let runs = |host: &&HostId| hosts.get(**host as usize).is_some_and(Host::is_running);
        let population: Vec<HostId> = self.others.iter().filter(runs).copied().collect();
        let heard = population.iter().filter_map(|host| self.heard.get(host)).map(|&at| at - self.since);
        let mut delays: Vec<Micros> = std::iter::once(0).chain(heard).collect();
        delays.sort_unstable();
        (delays, population.len() + 1)
    }

    fn times(&self, hosts: &[Host]) -> [Option<f64>; 3] {
        let (delays, population) = self.delays(hosts);
        [0.5, 0.99, 1.0].map(|share| {
            let rank = (share * population as f64).ceil() as usize;
            delays.get(rank.saturating_sub(1)).copied().map(seconds)
        })
    }
}
