//! Eyes on every step of every node.

use super::Datagram;
use gossip_core::{Instant, Node, Output};
use std::net::SocketAddr;

/// What a step was called with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    Datagram,
    Tick,
    Command,
}

/// One step just taken.
pub(crate) struct Step<'a, M> {
    pub(crate) now: Instant,
    /// Which host, and how often it has been started.
    pub(crate) host: usize,
    pub(crate) life: u32,
    pub(crate) address: SocketAddr,
    pub(crate) input: Input,
    pub(crate) node: &'a Node<M>,
    pub(crate) output: &'a Output<'a>,
}

/// An observer of a network; it may assert.
pub(crate) trait Watch<M> {
    fn before(&mut self) {}
    fn after(&mut self, _step: &Step<'_, M>) {}
}

impl<M> Watch<M> for () {}

/// Keeps a copy of everything sent.
#[derive(Default)]
pub(crate) struct Recorder(pub(crate) Vec<Datagram>);

impl<M> Watch<M> for Recorder {
    fn after(&mut self, step: &Step<'_, M>) {
        self.0.extend(step.output.packets().map(|packet| Datagram {
            from: step.address,
            to: packet.to,
            bytes: packet.bytes.to_vec(),
        }));
    }
}
