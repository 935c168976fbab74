//! The only way from bytes to something believed: a datagram is decoded and checked as a whole before any of
//! it can change state.

// Untrusted bytes are read here. `.ci/run` checks in a linked program that nothing here can panic.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used,
        clippy::expect_used
    )
)]

use crate::{
    vocabulary::{
        address::is_unicast,
        config::Config,
        error::{Malformed, Verdict},
        record::{Fingerprint, NodeId},
    },
    wire::frame::{Contents, Frame},
};
use core::net::SocketAddr;

/// A datagram of our cluster, decoded from end to end. Its contents may be believed as far as the cluster's
/// name is known to friends only.
pub(crate) struct Authentic<'a> {
    pub(crate) sender: NodeId,
    /// What the sender knows.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) contents: Contents<'a>,
}

impl<'a> Authentic<'a> {
    /// # Errors
    /// The verdict on a datagram that must not change anything.
    pub(crate) fn open(from: SocketAddr, datagram: &'a mut [u8], config: &Config) -> Result<Self, Verdict> {
        // No answer would arrive there.
        if !is_unicast(from) {
            return Err(Verdict::Malformed(Malformed::Value));
        }
        if datagram.len() > usize::from(config.max_datagram) {
            return Err(Verdict::Malformed(Malformed::TooLong));
        }
        let frame = Frame::decode(datagram)?;
        if frame.header.cluster != config.cluster.tag {
            return Err(Verdict::ForeignCluster);
        }
        let contents = frame.contents().map_err(Verdict::Malformed)?;
        Ok(Self { sender: frame.header.sender, fingerprint: frame.header.fingerprint, contents })
    }
}
