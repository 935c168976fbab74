//! tokio's socket and clock, as the host's loop wants them.

use gossip_core::Instant;
use gossip_host::{AsyncTransport, Transport};
use std::{
    io,
    net::{self, SocketAddr},
    task::{Context, Poll},
};
use tokio::{net::UdpSocket, task::yield_now, time};

/// tokio's clock, counted from when this was made: it stands still when tokio's is paused.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    start: time::Instant,
}

impl Clock {
    pub(crate) fn now(self) -> Instant {
        Instant::ZERO + self.start.elapsed()
    }
}

/// A bound socket, and the clock.
pub(crate) struct Socket {
    udp: UdpSocket,
    clock: Clock,
}

impl Socket {
    pub(crate) async fn new(udp: net::UdpSocket) -> io::Result<Self> {
        udp.set_nonblocking(true)?;
        let udp = UdpSocket::from_std(udp)?;
        // A socket that tokio's reactor has not yet seen counts as full, which would cost the first packets.
        udp.writable().await?;
        Ok(Self { udp, clock: Clock { start: time::Instant::now() } })
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
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

impl AsyncTransport for Socket {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.udp.poll_recv_ready(cx).map(drop)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.udp.poll_send_ready(cx).map(drop)
    }

    fn sleep_until(&self, until: Instant) -> impl Future<Output = ()> + Send + use<> {
        let left = until.since(self.now());
        async move {
            // Unlike a sleep that is over, this lets the reactor look at other sockets.
            if left.is_zero() { yield_now().await } else { time::sleep(left).await }
        }
    }
}
