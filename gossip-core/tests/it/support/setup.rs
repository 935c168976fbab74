//! What most tests start from.

use super::{Network, Watch};
#[cfg(feature = "alloc")]
use gossip_core::Heap;
use gossip_core::{ClusterName, Config, Memory, NodeId};
use std::{ops::Range, time::Duration};

/// The seeds that a whole-protocol test runs with: 20, or as many as the environment's `SEEDS` says.
pub(crate) fn seeds() -> Range<u64> {
    let wanted = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    0..wanted.unwrap_or(20)
}

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn cluster(name: &str) -> ClusterName {
    match ClusterName::named(name) {
        Ok(cluster) => cluster,
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn id(name: &str) -> NodeId {
    match NodeId::from_name(name) {
        Ok(id) => id,
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn lan() -> Config {
    Config::lan(cluster("test"))
}

/// Room for as many members as any small network here has.
#[cfg(feature = "alloc")]
pub(crate) fn network<W: Watch<Heap>>(seed: u64, config: Config, watch: W) -> Network<Heap, W> {
    Network::new(seed, config, || Heap::for_members(64), watch)
}

/// A cluster of `n` that has just formed, over links without faults.
#[cfg(feature = "alloc")]
pub(crate) fn formed<W: Watch<Heap>>(seed: u64, n: usize, config: Config, watch: W) -> Network<Heap, W> {
    let mut network = network(seed, config, watch);
    form(&mut network, seed, n);
    network
}

pub(crate) fn form<M: Memory, W: Watch<M>>(network: &mut Network<M, W>, seed: u64, n: usize) {
    network.add_joined(n);
    assert!(network.wait(secs(30), Network::is_formed).is_some(), "seed {seed}: {n} nodes did not form");
}
