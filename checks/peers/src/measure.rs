//! One round: a cluster meets, idles, changes.

use crate::{
    peers::{Kind, Sighting, value},
    traffic::Traffic,
};
use anyhow::{Context as _, Result, ensure};
use std::{
    collections::BTreeSet,
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// How long nodes may take to meet, or a change to reach all of them, before the round fails. Far above what it does
/// take, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(120);
/// How often the nodes are asked whether they have met.
const PERIOD: Duration = Duration::from_millis(50);

/// What every program has to do in a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: usize,
    /// How long after the nodes have met the measurement of an idle cluster begins.
    pub(crate) settle: Duration,
    /// How long an idle cluster is measured.
    pub(crate) idle: Duration,
    pub(crate) changes: u32,
    /// How long is measured before each change, and from its beginning.
    pub(crate) window: Duration,
}

/// Traffic of all nodes in a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) traffic: Traffic,
    pub(crate) time: Duration,
}

/// A change, and the quiet time before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) quiet: Measured,
    pub(crate) busy: Measured,
    /// The bytes of tags that were sent, if the program tells.
    pub(crate) state_bytes: Option<u64>,
    /// From the change until the last node had it.
    pub(crate) known_to_all: Duration,
}

/// What a round measured.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) idle: Measured,
    pub(crate) changes: Vec<Change>,
}

/// Measures one cluster from its start to its end.
///
/// # Errors
/// The program's, or something takes longer than the limit.
pub(crate) fn round(kind: Kind, plan: &Plan) -> Result<Round> {
    let (sender, sightings) = mpsc::channel();
    let mut cluster = kind.start(plan.nodes, sender)?;
    let start = Instant::now();
    while !cluster.is_complete() {
        ensure!(start.elapsed() < LIMIT, "the nodes did not all meet within {LIMIT:?}");
        thread::sleep(PERIOD);
    }
    thread::sleep(plan.settle);
    let idle = quiet(plan.idle)?;
    let change = |number: u32| {
        let quiet = quiet(plan.window)?;
        let (owner, value) = (number as usize % plan.nodes, value(number));
        let (meter, before) = (Meter::start()?, cluster.state_bytes());
        cluster.set(owner, &value)?;
        let known_to_all = all_know(&sightings, plan.nodes, owner, number)? - meter.start;
        thread::sleep(plan.window.saturating_sub(meter.start.elapsed()));
        let (busy, after) = (meter.stop()?, cluster.state_bytes());
        let state_bytes = after.zip(before).map(|(after, before)| after.saturating_sub(before));
        Ok(Change { quiet, busy, state_bytes, known_to_all })
    };
    Ok(Round { idle, changes: (1..=plan.changes).map(change).collect::<Result<_>>()? })
}

/// Measures for so long what the nodes do of themselves.
fn quiet(time: Duration) -> Result<Measured> {
    let meter = Meter::start()?;
    thread::sleep(time);
    meter.stop()
}

/// Waits until all nodes but its owner have a change, and returns when the last one got it.
fn all_know(sightings: &Receiver<Sighting>, nodes: usize, owner: usize, number: u32) -> Result<Instant> {
    let mut missing: BTreeSet<usize> = (0..nodes).filter(|&node| node != owner).collect();
    let deadline = Instant::now() + LIMIT;
    let mut last = Instant::now();
    while !missing.is_empty() {
        let wait = deadline.saturating_duration_since(Instant::now());
        let failed = || format!("change {number} did not reach {} of {nodes} nodes", missing.len());
        let sighting = sightings.recv_timeout(wait).with_context(failed)?;
        if sighting.number == number && missing.remove(&sighting.node) {
            last = last.max(sighting.at);
        }
    }
    Ok(last)
}

/// A measurement that goes on.
struct Meter {
    start: Instant,
    before: Traffic,
}

impl Meter {
    fn start() -> Result<Self> {
        Ok(Self { before: Traffic::read()?, start: Instant::now() })
    }

    fn stop(&self) -> Result<Measured> {
        Ok(Measured { traffic: Traffic::read()? - self.before, time: self.start.elapsed() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn five_nodes_learn_two_changes(kind: Kind) -> Round {
        let time = Duration::from_millis(400);
        let plan = Plan { nodes: 5, settle: Duration::ZERO, idle: time, changes: 2, window: time };
        let round = round(kind, &plan).unwrap();
        assert_eq!(round.changes.len(), 2);
        assert!(round.idle.traffic.packets > 0);
        round
    }

    #[test]
    fn five_nodes_of_chitchat_all_learn_every_change() {
        let round = five_nodes_learn_two_changes(Kind::Chitchat);
        assert!(round.changes.iter().all(|change| change.state_bytes > Some(0)));
    }

    #[test]
    fn five_nodes_of_this_project_all_learn_every_change() {
        five_nodes_learn_two_changes(Kind::Gossip);
    }

    #[test]
    fn a_change_counts_once_per_node_and_the_last_one_decides() {
        let (sender, sightings) = mpsc::channel();
        let start = Instant::now();
        let seen = [(0, 7, 9), (1, 6, 8), (1, 7, 2), (1, 7, 6), (3, 7, 1), (2, 7, 4)];
        for (node, number, after) in seen {
            sender.send(Sighting { node, number, at: start + Duration::from_secs(3_600 + after) }).unwrap();
        }
        let last = all_know(&sightings, 4, 0, 7).unwrap();
        assert_eq!(last - start, Duration::from_secs(3_604));
        drop(sender);
        assert!(all_know(&sightings, 4, 0, 7).is_err(), "and nobody is invented");
    }
}
