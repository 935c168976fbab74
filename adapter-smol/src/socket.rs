//! smol's socket and timers, as the host's loop wants them.

use async_io::{Async, Timer};
use futures_lite::future::yield_now;
use gossip_core::Instant;
use gossip_host::{AsyncTransport, Clock, Transport};
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    task::{Context, Poll},
};

/// A bound socket, and the clock.
pub(crate) struct Socket {
    pub(crate) udp: Async<UdpSocket>,
    pub(crate) clock: Clock,
}

impl Transport for Socket {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.udp.get_ref().recv_from(buffer)
    }

    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.udp.get_ref().send_to(bytes, to).map(drop)
    }
}

impl AsyncTransport for Socket {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.udp.poll_readable(cx).map(drop)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.udp.poll_writable(cx).map(drop)
    }

    fn sleep_until(&self, until: Instant) -> impl Future<Output = ()> + Send + use<> {
        let left = until.since(self.now());
        async move {
            if left.is_zero() {
                yield_now().await;
            } else {
                Timer::after(left).await;
            }
        }
    }
}
