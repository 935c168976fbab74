//! What to do when the socket is full: bulk is dropped, probes wait.

use crate::transport::Transport;
use gossip_core::{Packet, Traffic};
use std::{collections::VecDeque, io, net::SocketAddr};

/// Packets kept for a full socket: some seconds' worth of a node's probes and acks. Older ones would arrive
/// after their time-out anyway.
const MAX_QUEUED: usize = 64;

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Sent,
    /// Waits until the socket takes it.
    Queued,
    /// A packet of that class (this one, or an older one that made room) is lost to pressure.
    Dropped(Traffic),
    /// The socket refused it.
    Failed,
}

/// Probes and suspicions that wait for the socket, in order.
#[derive(Default)]
pub(crate) struct Backlog {
    queued: VecDeque<Queued>,
}

struct Queued {
    to: SocketAddr,
    bytes: Box<[u8]>,
    class: Traffic,
}

impl Backlog {
    pub(crate) fn is_empty(&self) -> bool {
        self.queued.is_empty()
    }

    /// Sends a packet, or decides what happens to it instead. While packets wait, the socket counts as full.
    pub(crate) fn send(&mut self, transport: &mut impl Transport, packet: Packet<'_>) -> Fate {
        if self.queued.is_empty() {
            match transport.send(packet.bytes, packet.to) {
                Ok(()) => return Fate::Sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Fate::Failed,
            }
        }
        match packet.class {
            Traffic::Probe | Traffic::Suspicion => self.queue(packet),
            Traffic::Rumor | Traffic::State | Traffic::Sync | Traffic::Pulse => Fate::Dropped(packet.class),
        }
    }

    /// Keeps a packet; the oldest makes room.
    fn queue(&mut self, packet: Packet<'_>) -> Fate {
        let evicted = if self.queued.len() == MAX_QUEUED { self.queued.pop_front() } else { None };
        self.queued.push_back(Queued { to: packet.to, bytes: packet.bytes.into(), class: packet.class });
        evicted.map_or(Fate::Queued, |oldest| Fate::Dropped(oldest.class))
    }

    /// Tries the packet that waits longest; `None` if there is none, or the socket is still full.
    pub(crate) fn retry(&mut self, transport: &mut impl Transport) -> Option<Fate> {
        let first = self.queued.front()?;
        let fate = match transport.send(&first.bytes, first.to) {
            Ok(()) => Fate::Sent,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(_) => Fate::Failed,
        };
        self.queued.pop_front();
        Some(fate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeTransport, PEER};

    fn packet(bytes: &[u8], class: Traffic) -> Packet<'_> {
        Packet { to: PEER, bytes, class }
    }

    fn full() -> FakeTransport {
        FakeTransport { send_error: Some(io::ErrorKind::WouldBlock), ..FakeTransport::default() }
    }

    #[test]
    fn a_full_socket_costs_bulk_and_keeps_probes() {
        let (mut backlog, mut transport) = (Backlog::default(), full());
        let mut send = |class| backlog.send(&mut transport, packet(b"x", class));
        assert_eq!(send(Traffic::Sync), Fate::Dropped(Traffic::Sync));
        assert_eq!(send(Traffic::Rumor), Fate::Dropped(Traffic::Rumor));
        assert_eq!(send(Traffic::Suspicion), Fate::Queued);
        assert_eq!(send(Traffic::Probe), Fate::Queued);
    }

    #[test]
    fn what_waited_is_sent_first_and_in_order() {
        let (mut backlog, mut transport) = (Backlog::default(), full());
        for bytes in [b"1", b"2"] {
            assert_eq!(backlog.send(&mut transport, packet(bytes, Traffic::Probe)), Fate::Queued);
        }
        transport.send_error = None;
        let overtaking = backlog.send(&mut transport, packet(b"bulk", Traffic::Sync));
        assert_eq!(overtaking, Fate::Dropped(Traffic::Sync), "nothing overtakes what waits");
        assert_eq!(backlog.send(&mut transport, packet(b"3", Traffic::Probe)), Fate::Queued);
        while let Some(fate) = backlog.retry(&mut transport) {
            assert_eq!(fate, Fate::Sent);
        }
        assert_eq!(transport.sent, [b"1", b"2", b"3"]);
        assert_eq!(backlog.send(&mut transport, packet(b"bulk", Traffic::Sync)), Fate::Sent);
    }

    #[test]
    fn the_oldest_makes_room_and_is_counted() {
        let (mut backlog, mut transport) = (Backlog::default(), full());
        assert_eq!(backlog.send(&mut transport, packet(b"old", Traffic::Suspicion)), Fate::Queued);
        for _ in 1..MAX_QUEUED {
            assert_eq!(backlog.send(&mut transport, packet(b"new", Traffic::Probe)), Fate::Queued);
        }
        let fate = backlog.send(&mut transport, packet(b"new", Traffic::Probe));
        assert_eq!(fate, Fate::Dropped(Traffic::Suspicion));
        transport.send_error = None;
        let sent = std::iter::from_fn(|| backlog.retry(&mut transport)).count();
        assert_eq!(sent, MAX_QUEUED);
        assert!(transport.sent.iter().all(|bytes| bytes == b"new"));
    }

    #[test]
    fn an_address_that_cannot_be_sent_to_holds_up_nobody() {
        let (mut backlog, mut transport) = (Backlog::default(), full());
        for _ in 0..2 {
            assert_eq!(backlog.send(&mut transport, packet(b"x", Traffic::Probe)), Fate::Queued);
        }
        transport.send_error = Some(io::ErrorKind::NetworkUnreachable);
        assert_eq!(backlog.retry(&mut transport), Some(Fate::Failed));
        assert_eq!(backlog.retry(&mut transport), Some(Fate::Failed));
        assert!(backlog.is_empty());
    }
}
