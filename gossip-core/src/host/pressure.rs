//! What to do when the socket is full: bulk is dropped, probes wait.

use super::engine::Transport;
use crate::{Packet, Traffic};
use std::{collections::VecDeque, io, net::SocketAddr};

/// Packets kept for a full socket: some seconds' worth of a node's probes and acks. Older ones would arrive
/// after their time-out anyway.
const MAX_HELD: usize = 64;

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Sent,
    /// Waits until the socket takes it.
    Held,
    /// A packet of that class (this one, or an older one that made room) is lost to pressure.
    Dropped(Traffic),
    /// The socket refused it.
    Failed,
}

/// Probes and suspicions that wait for the socket, in order.
#[derive(Default)]
pub(super) struct Backlog {
    held: VecDeque<Held>,
}

struct Held {
    to: SocketAddr,
    bytes: Box<[u8]>,
    class: Traffic,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Sends a packet, or decides what happens to it instead. While packets wait, the socket counts as full.
    pub(super) fn send(&mut self, transport: &mut impl Transport, packet: Packet<'_>) -> Fate {
        if self.held.is_empty() {
            match transport.send(packet.bytes, packet.to) {
                Ok(()) => return Fate::Sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Fate::Failed,
            }
        }
        match packet.class {
            Traffic::Probe | Traffic::Suspicion => self.hold(packet),
            Traffic::Rumor | Traffic::Sync => Fate::Dropped(packet.class),
        }
    }

    /// Keeps a packet; the oldest makes room.
    fn hold(&mut self, packet: Packet<'_>) -> Fate {
        let evicted = if self.held.len() == MAX_HELD { self.held.pop_front() } else { None };
        self.held.push_back(Held { to: packet.to, bytes: packet.bytes.into(), class: packet.class });
        evicted.map_or(Fate::Held, |held| Fate::Dropped(held.class))
    }

    /// Tries the packet that waits longest; `None` if there is none, or the socket is still full.
    pub(super) fn retry(&mut self, transport: &mut impl Transport) -> Option<Fate> {
        let first = self.held.front()?;
        let fate = match transport.send(&first.bytes, first.to) {
            Ok(()) => Fate::Sent,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(_) => Fate::Failed,
        };
        self.held.pop_front();
        Some(fate)
    }
}
