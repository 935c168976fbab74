//! Random clusters, random faults, and laws that hold after every step.
//!
//! A seed decides a topology, a network, a configuration and a minute of operations and faults. After every step
//! the node that made it is held to these laws:
//!
//! - Only a node itself raises its incarnation and its state version, and only it says that it left.
//! - No record of a member goes backwards at any observer, except by being forgotten.
//! - A node's own incarnation does not go backwards within a life.
//! - A node finds every member that it lists, by its id, and never lists itself or someone who never was.
//! - Fingerprints are equal exactly where live members, their incarnations and state versions are (once a second).
//! - A node shows its own keys and values as they were written, and of other members nothing of a past epoch.
//! - A node delivers an event at most once in a life; while no host was cut from its socket or slow to read it, at most 30 s
//!   after it was sent, and none of before its life.
//! - What a node shows of a cluster-wide value only grows, and was written by whom it names.
//! - A pulse that a node shows was sent by the member that it is of, and no earlier one follows it (once a second, in every
//!   second cluster; the others have no pulses).
//! - Quarantines of a zone begin and end in turns; no one in a zone that is quarantined is routable.
//! - No node tells of more than `MAX_CHANGES` changes of one member's status in any minute.
//! - Every datagram that a node sends decodes.
//! - Tables, datagrams and packets per step keep to their bounds.
//!
//! Then all faults stop, and within four minutes all nodes must see the same, for good, and that must be exactly
//! who runs, with the keys and values that each of them has and the same cluster-wide values, and no zone held.

mod faults;
mod keeping;
mod laws;
mod sharing;

use crate::{
    engine::{Host, HostId, Jitter, Link, Micros, Newcomer, Origin, SECOND, Setup, Signers, World, Zones},
    measure::{self, Difference},
    rng::Rng,
};
use faults::Fault;
use gossip_core::{ClusterName, Config};
use keeping::Writes;
use laws::Laws;
use std::{fmt, time::Duration};

/// For how long faults come.
const FAULTS: Micros = 60 * SECOND;
/// Within which time of quiet all must see the same: a death that is held because most members were lost waits
/// for [`QUARANTINE`], twice if the trouble changes; a name whose epoch was lost comes back after the core's first
/// back-off, 30 s; and the lost are looked for once in a while.
const QUIET: Micros = 240 * SECOND;
/// `Config::quarantine` in swarms.
const QUARANTINE: Duration = Duration::from_secs(20);
/// For how long all must see the same without a break.
const AGREEMENT: Micros = 30 * SECOND;
/// The most changes of one member's status (up, suspected, cleared, down, left) that one node tells of in any minute,
/// within one life of each: most of them are a suspicion and its end. Three times what was found by trying: seeds 1 to 60
/// come to 20 (`simulator swarm --seeds 60 --json`). Links that come and go, and clusters that are not made up at random,
/// need fewer: 2 to 13 in the scenarios of pauses, crashes, one-way and flapping links.
const MAX_CHANGES: u32 = 60;
/// Bytes a second for pulses, in the clusters that have them.
const PULSE_BUDGET: u32 = 6_000;
/// How often the laws' verdict and the views are looked at.
const GLANCE: Micros = SECOND / 10;
/// How often hosts that have lost everyone look their seeds' addresses up again and join through them, as
/// adapters do ...
const RESOLVE: Micros = 5 * SECOND;
/// ... and the others: only every this many times.
const RESOLVE_SETTLED: u64 = 12;
/// The most nodes at the start; some join later.
const MAX_NODES: u64 = 32;
/// The most faults and operations.
const MAX_FAULTS: u64 = 40;
/// This many of the first hosts are the seeds.
const SEEDS: HostId = 3;
/// Lines of a failed run's trace that are kept, the last ones.
const MAX_TRACE: usize = 400;

/// What a seed's run was, when all was well.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Passed {
    /// Hosts that there ever were.
    pub hosts: usize,
    /// Steps that were checked.
    pub steps: u64,
    /// Seconds of virtual time.
    pub simulated_s: f64,
    /// Seconds of quiet until all saw the same.
    pub healed_s: f64,
    /// The most changes of one member's status that one node told of in any minute.
    pub status_changes_max: u32,
}

/// What went wrong, and how it came to that.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    /// Runs it again.
    pub seed: u64,
    /// When, in seconds.
    pub at_s: f64,
    /// Which law was broken, by whom.
    pub what: String,
    /// What happened before, the last few hundred lines; filled by [`replay`].
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {} at {:.3} s: {}", self.seed, self.at_s, self.what)
    }
}

/// Runs one seed.
///
/// # Errors
/// The first law that was broken.
pub fn run(seed: u64) -> Result<Passed, Failure> {
    Swarm::new(seed, false).and_then(Swarm::play).map_err(|failure| *failure)
}

/// Runs one seed again, and writes down what happens.
///
/// # Errors
/// The first law that was broken, with its trace.
pub fn replay(seed: u64) -> Result<Passed, Failure> {
    Swarm::new(seed, true).and_then(Swarm::play).map_err(|failure| *failure)
}

struct Swarm {
    seed: u64,
    rng: Rng,
    world: World<Laws>,
    /// What nodes write and send.
    writes: Writes,
    /// What ends a fault, and when.
    ends: Vec<(Micros, Fault)>,
}

type Checked<T> = Result<T, Box<Failure>>;

fn config(rng: &mut Rng) -> Result<Config, gossip_core::ConfigError> {
    let cluster = ClusterName::named("swarm")?;
    let preset = if rng.chance(0.5) { Config::lan(cluster) } else { Config::local(cluster) };
    Ok(preset.with(|c| {
        c.quarantine = QUARANTINE;
        c.fanout = 1 + rng.below(4) as u8;
        c.relays = rng.below(4) as u8;
        c.max_datagram = if rng.chance(0.3) { 400 } else { 1_200 };
        c.accusations_per_accuser = 1 + rng.below(8) as u8;
        c.max_tombstones = if rng.chance(0.2) { 2 } else { 1 << 16 };
    }))
}

fn link(rng: &mut Rng) -> Link {
    let latency = 100 + rng.below_u64(20_000);
    Link {
        latency,
        jitter: if rng.chance(0.5) { Jitter::Uniform(latency) } else { Jitter::Exponential(latency / 2) },
        duplicate: if rng.chance(0.3) { 0.1 } else { 0.0 },
        reorder: if rng.chance(0.3) { 0.1 } else { 0.0 },
        reorder_by: 30_000,
        ..Link::default()
    }
}

impl Swarm {
    fn new(seed: u64, tracing: bool) -> Checked<Self> {
        let mut rng = Rng::new(seed);
        let zones = Zones {
            regions: 1 + rng.below(3) as u8,
            zones: 1 + rng.below(3) as u8,
            racks: 1 + rng.below(2) as u8,
        };
        let (near, far) = (link(&mut rng), link(&mut rng));
        // Apart from what decides the rest, so that this stays what it is.
        let pulses = if seed.is_multiple_of(2) { PULSE_BUDGET } else { 0 };
        let config =
            config(&mut rng).map_err(|error| refused(seed, error))?.with(|c| c.budgets.pulses = pulses);
        let nodes = 3 + rng.below_u64(MAX_NODES - 2) as u32;
        let capacity = (MAX_NODES + MAX_FAULTS) as usize + 8;
        let origin = Origin::default();
        let setup = Setup {
            seed,
            config,
            zones,
            capacity,
            step_cost: 0,
            uplink: None,
            origin,
            keys: Vec::new(),
            signers: Signers::default(),
        };
        let laws = Laws::new(capacity, config.max_datagram.into(), tracing);
        let world = World::new(setup, |from, to| if from.domain() == to.domain() { near } else { far }, laws);
        let writes = Writes::new(seed, FAULTS);
        let mut swarm = Self { seed, rng, world, writes, ends: Vec::new() };
        swarm
            .world
            .watch
            .note(0, || format!("{nodes} nodes, {zones:?}, near {near:?}, far {far:?}, {config:?}"));
        if swarm.rng.chance(0.5) {
            swarm
                .world
                .form(nodes, &[(0..nodes).collect()], |_| Vec::new())
                .map_err(|error| refused(seed, error))?;
            swarm.started();
        } else {
            for _ in 0..nodes {
                swarm.add()?;
            }
        }
        Ok(swarm)
    }

    fn play(mut self) -> Checked<Passed> {
        let count = self.rng.below_u64(MAX_FAULTS);
        let mut times: Vec<Micros> = (0..count).map(|_| self.rng.below_u64(FAULTS)).collect();
        times.sort_unstable();
        for at in times {
            self.pass_until(at)?;
            self.fault()?;
        }
        self.pass_until(FAULTS)?;
        self.calm()?;
        let quiet = self.world.now();
        // Since when all see the same; what faults left behind may still break it.
        let mut agreed = quiet;
        let mut difference = Difference::default();
        while self.world.now() < agreed + AGREEMENT {
            if !measure::are_equal_and_right(&self.world)
                || !difference.is_none(&self.world)
                || !measure::values_are_equal(&self.world)
            {
                agreed = self.world.now() + GLANCE;
            }
            if agreed - quiet > QUIET {
                let what = format!(
                    "no lasting agreement after {} s of quiet:{} {}",
                    QUIET / SECOND,
                    self.disagreement(),
                    difference.told(&self.world)
                );
                return Err(self.failure(what));
            }
            self.pass_until(self.world.now() + GLANCE)?;
        }
        let hosts: Vec<HostId> = self.world.running().map(|(id, _)| id).collect();
        let holds = |&host: &HostId| !self.world.watch.quarantined(host).is_empty();
        if let Some(host) = hosts.into_iter().find(holds) {
            return Err(self.failure(format!("node-{host} still holds a zone, and all is well")));
        }
        Ok(Passed {
            hosts: self.world.hosts().len(),
            steps: self.world.counts().steps,
            simulated_s: measure::seconds(self.world.now()),
            healed_s: measure::seconds(agreed - quiet),
            status_changes_max: self.world.watch.status_changes(),
        })
    }

    /// Lets time pass, and stops at a broken law.
    fn pass_until(&mut self, end: Micros) -> Checked<()> {
        while self.world.now() < end {
            let now = self.world.now();
            self.end_faults();
            while self.writes.pop(now) {
                self.write();
            }
            let ends = self.ends.iter().map(|&(at, _)| at);
            let next = ends.chain(self.writes.next()).min().unwrap_or(end);
            self.world.run_until((now + GLANCE).min(next.max(now + 1)).min(end));
            if let Some((at, what)) = self.world.watch.broken() {
                return Err(Box::new(Failure { at_s: measure::seconds(at), ..*self.failure(what) }));
            }
            if self.world.counts().spins > 0 {
                return Err(self.failure("a node asks for tick after tick at one instant".into()));
            }
            if now / SECOND != self.world.now() / SECOND {
                laws::check_fingerprints(self.world.hosts()).map_err(|what| self.failure(what))?;
                let (laws, hosts) = self.world.watch_and_hosts();
                laws.shared.check_pulses(hosts).map_err(|what| self.failure(what))?;
            }
            if now / RESOLVE != self.world.now() / RESOLVE {
                self.resolve();
            }
        }
        Ok(())
    }

    /// Hosts look their seeds up again: those that have lost everyone, and of the others those whose turn it is.
    fn resolve(&mut self) {
        let (now, turn) = (self.world.now(), self.world.now() / RESOLVE);
        let alone = |host: &Host| !host.node.members().any(|member| member.status().is_live());
        let due = |id: HostId| (turn + u64::from(id)).is_multiple_of(RESOLVE_SETTLED);
        // A process that is paused does nothing of its own.
        let awake = self.world.running().filter(|(_, host)| !host.is_stopped(now));
        let rejoin: Vec<HostId> =
            awake.filter(|&(id, host)| due(id) || alone(host)).map(|(id, _)| id).collect();
        for host in rejoin {
            self.join(host);
        }
    }

    fn add(&mut self) -> Checked<HostId> {
        let host = self.world.add(Newcomer::default()).map_err(|error| refused(self.seed, error))?;
        self.started();
        self.join(host);
        Ok(host)
    }

    /// Hosts were started.
    fn started(&mut self) {
        let (laws, hosts) = self.world.watch_and_hosts();
        laws.start(hosts);
    }

    fn join(&mut self, host: HostId) {
        let seeds: Vec<HostId> = (0..SEEDS).filter(|&seed| seed != host).collect();
        let seeds = self.rng.sample(&seeds, seeds.len());
        self.world.join(host, &seeds);
    }

    fn failure(&mut self, what: String) -> Box<Failure> {
        let at_s = measure::seconds(self.world.now());
        Box::new(Failure { seed: self.seed, at_s, what, trace: self.world.watch.take_trace() })
    }

    /// Who does not see what they should, in words.
    fn disagreement(&self) -> String {
        let mut text = String::new();
        for (id, host) in self.world.running() {
            let sees =
                |other: &Host| host.node.member(other.id).is_some_and(|member| member.status().is_live());
            let wrong: Vec<String> = (0..)
                .zip(self.world.hosts())
                .filter(|&(other, there)| id != other && sees(there) != there.is_running())
                .map(|(other, there)| format!("node-{other} {:?}", host.node.member(there.id)))
                .collect();
            if !wrong.is_empty() {
                text += &format!("\n  node-{id} ({:?}) is wrong of {}", host.node.me(), wrong.join(", "));
            }
        }
        text
    }
}

fn refused(seed: u64, error: gossip_core::ConfigError) -> Box<Failure> {
    Box::new(Failure {
        seed,
        at_s: 0.0,
        what: format!("a configuration was refused: {error}"),
        trace: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
