//! The key of a cluster, in the hands of whoever forges: what is forged for a sealed node is sealed, as an insider would.

use crate::forge::{FIRST_EPOCH, NAMES, address, id};
use gossip_core::{ClusterName, Key, KeyRing, fuzzing};
use std::net::SocketAddr;

/// Fewer bytes are no datagram in the clear.
const HEADER: usize = 22;

/// What an insider seals with: the key, and the counters of all whose names it uses.
pub(super) struct Insider {
    ring: KeyRing,
    cluster: ClusterName,
    counter: u32,
}

impl Insider {
    pub(super) fn new(cluster: ClusterName) -> Self {
        Self { ring: Self::ring(), cluster, counter: 100 }
    }

    /// The ring of the cluster.
    pub(super) fn ring() -> KeyRing {
        let key = Key::from_bytes(std::array::from_fn(|at| at as u8));
        match key.and_then(|key| KeyRing::new(&[key])) {
            Ok(ring) => ring,
            Err(error) => unreachable!("{error}"),
        }
    }

    /// Seals a datagram for the first of the names, with a counter that is the next, an earlier one, one long gone, or of another
    /// epoch: the highest two bits of `how` say so.
    pub(super) fn seal(&mut self, how: u8, clear: &[u8]) -> Option<Vec<u8>> {
        if clear.len() < HEADER {
            return None;
        }
        self.counter += 1;
        let (epoch, counter) = match how >> 6 {
            0 => (FIRST_EPOCH, self.counter),
            1 => (FIRST_EPOCH, self.counter.saturating_sub(u32::from(how & 7))),
            2 => (FIRST_EPOCH, self.counter.saturating_sub(64 + u32::from(how & 7))),
            _ => (FIRST_EPOCH + u32::from(how & 3), self.counter),
        };
        fuzzing::seal(&self.ring, (epoch, counter), Some(id(0)), clear)
    }

    /// A packet of the node in the clear, if it is known who is at an address.
    pub(super) fn open(&self, to: SocketAddr, packet: &[u8]) -> Option<Vec<u8>> {
        let there = (0..NAMES).filter(|&n| address(n) == to);
        there.map(id).find_map(|id| fuzzing::open(&self.ring, self.cluster, id, packet))
    }
}
