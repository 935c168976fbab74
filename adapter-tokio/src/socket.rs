//! tokio's socket and clock, as the engine wants them.

use gossip_core::{Instant, host::Transport};
use std::{io, net::SocketAddr};
use tokio::{net::UdpSocket, time};

/// A bound socket, and tokio's clock counted from the time it was bound.
pub(crate) struct Socket {
    pub(crate) udp: UdpSocket,
    pub(crate) clock: Clock,
}

/// tokio's clock: it stands still when tokio's is paused.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    start: time::Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { start: time::Instant::now() }
    }

    pub(crate) fn now(self) -> Instant {
        Instant::ZERO + self.start.elapsed()
    }

    pub(crate) async fn sleep_until(self, instant: Instant) {
        time::sleep(instant.since(self.now())).await;
    }
}

impl Transport for Socket {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.udp.try_recv_from(buffer)
    }

    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.udp.try_send_to(bytes, to).map(drop)
    }
}
