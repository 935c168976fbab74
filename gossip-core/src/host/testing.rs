//! A socket and a clock that tests steer.

use super::transport::Transport;
use crate::Instant;
use std::{collections::VecDeque, io, net::SocketAddr};

/// Where the peer of a [`FakeTransport`] is.
pub(super) const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7);

/// Receives and sends as it is told, at a time that stands still.
#[derive(Default)]
pub(super) struct FakeTransport {
    pub(super) now: Instant,
    /// What every receive says; `None`: one more empty datagram.
    pub(super) receive_error: Option<io::ErrorKind>,
    pub(super) received: usize,
    /// What every send says; `None`: sent.
    pub(super) send_error: Option<io::ErrorKind>,
    pub(super) sent: VecDeque<Vec<u8>>,
}

impl Transport for FakeTransport {
    fn now(&self) -> Instant {
        self.now
    }

    fn receive(&mut self, _: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.received += 1;
        self.receive_error.map_or(Ok((0, PEER)), |kind| Err(kind.into()))
    }

    fn send(&mut self, bytes: &[u8], _: SocketAddr) -> io::Result<()> {
        if let Some(kind) = self.send_error {
            return Err(kind.into());
        }
        self.sent.push_back(bytes.to_vec());
        Ok(())
    }
}
