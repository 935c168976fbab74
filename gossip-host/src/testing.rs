//! A socket and a clock that tests steer.

use crate::transport::Transport;
use gossip_core::Instant;
use std::{collections::VecDeque, io, net::SocketAddr};

/// Where the peer of a [`FakeTransport`] is.
pub(crate) const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7);

/// Receives and sends as it is told, at a time that stands still.
#[derive(Default)]
pub(crate) struct FakeTransport {
    pub(crate) now: Instant,
    /// What every receive says; `None`: one more empty datagram.
    pub(crate) receive_error: Option<io::ErrorKind>,
    pub(crate) received: usize,
    /// What every send says; `None`: sent.
    pub(crate) send_error: Option<io::ErrorKind>,
    pub(crate) sent: VecDeque<Vec<u8>>,
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
