//! mio's socket, and the clock.

use gossip_core::Instant;
use gossip_host::{Clock, Transport};
use mio::net::UdpSocket;
use std::{io, net::SocketAddr};

/// A bound socket, and the clock.
pub(crate) struct Socket {
    pub(crate) udp: UdpSocket,
    pub(crate) clock: Clock,
}

impl Transport for Socket {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.udp.recv_from(buffer)
    }

    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.udp.send_to(bytes, to).map(drop)
    }
}
