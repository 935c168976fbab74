//! Eyes on every step of every node.

use crate::Datagram;
use gossip_core::{Instant, Node, Output};
use std::{fmt, net::SocketAddr};

/// What a step was called with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// A datagram.
    Datagram,
    /// A tick.
    Tick,
    /// Anything else.
    Command,
}

/// One step just taken.
pub struct Step<'a, M> {
    /// When.
    pub now: Instant,
    /// Which host.
    pub host: usize,
    /// How often that has been started.
    pub life: u32,
    /// Where the host is reached.
    pub address: SocketAddr,
    /// What called it.
    pub input: Input,
    /// The node after it.
    pub node: &'a Node<M>,
    /// What came of it.
    pub output: &'a Output<'a>,
}

impl<M> fmt::Debug for Step<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("host", &self.host).field("output", &self.output).finish_non_exhaustive()
    }
}

/// An observer of a network; it may assert.
pub trait Watch<M> {
    /// Called before each step.
    fn before(&mut self) {}
    /// Called after each step.
    fn after(&mut self, _step: &Step<'_, M>) {}
}

impl<M> Watch<M> for () {}

/// Keeps a copy of everything sent.
#[derive(Default, Debug)]
pub struct Recorder(
    /// In the order in which they were sent.
    pub Vec<Datagram>,
);

impl<M> Watch<M> for Recorder {
    /// Called after each step.
    fn after(&mut self, step: &Step<'_, M>) {
        self.0.extend(step.output.packets().map(|packet| Datagram {
            from: step.address,
            to: packet.to,
            bytes: packet.bytes.to_vec(),
        }));
    }
}
