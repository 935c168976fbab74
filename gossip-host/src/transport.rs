//! What the engine asks of an adapter.

use gossip_core::Instant;
use std::{io, net::SocketAddr};

/// What an adapter brings: a clock, and a UDP socket that never blocks.
pub trait Transport {
    /// The time on a clock that never goes backwards, from any start.
    fn now(&self) -> Instant;

    /// Receives a datagram: its length and its sender. Longer ones are cut off.
    ///
    /// # Errors
    /// `WouldBlock` if there is none.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)>;

    /// Sends a datagram whole.
    ///
    /// # Errors
    /// `WouldBlock` if the socket is full.
    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()>;
}
