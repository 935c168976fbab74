//! The programs under comparison.

mod chitchat;
mod gossip;
mod serf;

use anyhow::Result;
use clap::ValueEnum;
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddrV4},
    process,
    sync::mpsc::Sender,
    thread,
    time::{Duration, Instant},
};

/// Between two rounds of gossip, for all of them. It is what serf's profile for local networks sets.
const GOSSIP_INTERVAL: Duration = Duration::from_millis(200);
/// The name of the tag that changes.
const TAG: &str = "tag";
/// The port that the nodes of the first program gossip on; each has one of its own.
const PORT: u16 = 7_946;

/// A cluster of one program on this machine. It ends when it is dropped.
pub(crate) trait Peer {
    /// Whether every node knows all the others.
    fn is_complete(&self) -> bool;

    /// Changes the tag of a node. All nodes report when they have it.
    ///
    /// # Errors
    /// The program's.
    fn set(&mut self, node: usize, value: &str) -> Result<()>;

    /// The bytes of tags that all nodes have sent, from a program that can tell. What changes cost in others is what they
    /// add to the traffic.
    fn state_bytes(&self) -> Option<u64> {
        None
    }
}

/// The bytes of a value.
const VALUE: usize = 50;
/// How many of them are the number of the change.
const DIGITS: usize = 5;

/// What a change sets the tag to: the number of the change, and characters that no compression shortens by much. The
/// first change is number 1; what a node has from its start has number 0.
pub(crate) fn value(number: u32) -> String {
    let mut text = format!("{number:0DIGITS$}");
    text.extend((text.len()..VALUE).map(|_| fastrand::alphanumeric()));
    text
}

/// The change that a value came with.
fn number_of(value: &str) -> Option<u32> {
    value.get(..DIGITS)?.parse().ok()
}

/// A node has a change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting {
    pub(crate) node: usize,
    pub(crate) number: u32,
    pub(crate) at: Instant,
}

impl Sighting {
    fn now(node: usize, number: u32) -> Self {
        Self { node, number, at: Instant::now() }
    }
}

/// One of the programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// chitchat, the crate: all nodes in this process.
    Chitchat,
    /// This project, on tokio: all nodes in this process.
    Gossip,
    /// serf, as Debian packages it: each node a process.
    Serf,
}

impl Kind {
    pub(crate) const ALL: &[Self] = &[Self::Gossip, Self::Chitchat, Self::Serf];

    /// Starts nodes that are to meet at the first one.
    ///
    /// # Errors
    /// The program's.
    pub(crate) fn start(self, nodes: usize, sightings: Sender<Sighting>) -> Result<Box<dyn Peer>> {
        Ok(match self {
            Self::Chitchat => Box::new(chitchat::Chitchat::start(nodes, &sightings)?),
            Self::Gossip => Box::new(gossip::Gossip::start(nodes, &sightings)?),
            Self::Serf => Box::new(serf::Serf::start(nodes, &sightings)?),
        })
    }

    /// The address of a node. All of 127.0.0.0/8 is this machine; the middle depends on the process, so that two that run
    /// at once do not meet.
    fn address(self, node: usize) -> SocketAddrV4 {
        let [.., high, low] = process::id().to_be_bytes();
        let host = u8::try_from(node + 1).unwrap_or(u8::MAX);
        SocketAddrV4::new(Ipv4Addr::new(127, high, low, host), PORT + self as u16)
    }

    /// Why it cannot run here.
    pub(crate) fn missing(self) -> Option<String> {
        match self {
            Self::Chitchat | Self::Gossip => None,
            Self::Serf => serf::missing(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chitchat => "chitchat 0.13",
            Self::Gossip => "gossip",
            Self::Serf => "serf",
        })
    }
}

/// Starts the nodes of a program that runs in this process, one after another, so that their rounds spread over the
/// interval as those of processes do.
fn staggered<T>(nodes: usize, mut start: impl FnMut(usize) -> Result<T>) -> Result<Vec<T>> {
    let spread = GOSSIP_INTERVAL / u32::try_from(nodes)?;
    let started = (0..nodes).map(|node| {
        thread::sleep(spread);
        start(node)
    });
    started.collect()
}

/// The name of a node.
fn name(node: usize) -> String {
    format!("node-{node}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_50_bytes_and_says_its_number() {
        for number in [0, 1, 1_000] {
            let value = value(number);
            assert_eq!((value.len(), number_of(&value)), (50, Some(number)));
        }
        assert_eq!(number_of("17"), None);
    }
}
