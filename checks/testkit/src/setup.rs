//! What most tests start from.

use crate::{Network, Watch};
use gossip_core::{ClusterName, Config, Memory, NodeId};
use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

/// The seeds that a whole-protocol test runs with: 20, or as many as the environment's `SEEDS` says.
pub fn seeds() -> Range<u64> {
    let wanted = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    0..wanted.unwrap_or(20)
}

/// Checks a property for each seed; where it panics, says for which.
pub fn across_seeds(seeds: impl IntoIterator<Item = u64>, mut property: impl FnMut(u64)) {
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| property(seed))) {
            eprintln!("with seed {seed}");
            resume_unwind(panic);
        }
    }
}

/// A duration in seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A duration in milliseconds.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A cluster by its name.
///
/// # Panics
/// It breaks the rule for names.
pub fn cluster(name: &str) -> ClusterName {
    match ClusterName::named(name) {
        Ok(cluster) => cluster,
        Err(error) => panic!("{error}"),
    }
}

/// An id by its name.
///
/// # Panics
/// It breaks the rule for names.
pub fn id(name: &str) -> NodeId {
    match NodeId::from_name(name) {
        Ok(id) => id,
        Err(error) => panic!("{error}"),
    }
}

/// The preset for data centres, in the cluster of all tests.
pub fn lan() -> Config {
    Config::lan(cluster("test"))
}

/// Adds `n` hosts that join, and waits until they are a cluster.
///
/// # Panics
/// They are none after 30 s.
pub fn form<M: Memory, W: Watch<M>>(network: &mut Network<M, W>, seed: u64, n: usize) {
    network.add_joined(n);
    assert!(network.wait(secs(30), Network::is_formed).is_some(), "seed {seed}: {n} nodes did not form");
}
