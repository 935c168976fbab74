//! The only way from bytes to something believed: a datagram is opened, decoded and checked as a whole before any of
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
    security::{
        guard::{Guard, Provenance},
        token::Secret,
    },
    tables::memory::Tables,
    vocabulary::{
        address::is_unicast,
        config::Config,
        error::{Malformed, Verdict},
        record::{Fingerprint, NodeId},
        time::Instant,
    },
    wire::{frame::Contents, message::Message},
};
use core::net::SocketAddr;

/// A datagram of our cluster, decoded from end to end. Its contents may be believed as far as its provenance goes: of one
/// in the clear, as far as the cluster's name is known to friends only.
pub(crate) struct Authentic<'a> {
    pub(crate) sender: NodeId,
    /// What the sender knows.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) contents: Contents<'a>,
    pub(crate) provenance: Provenance,
}

impl<'a> Authentic<'a> {
    /// # Errors
    /// The verdict on a datagram that must not change anything.
    pub(crate) fn open(
        (now, from): (Instant, SocketAddr),
        datagram: &'a mut [u8],
        config: &Config,
        (guard, secret): (&mut Guard, &Secret),
        tables: &mut Tables<'_>,
    ) -> Result<Self, Verdict> {
        // No answer would arrive there.
        if !is_unicast(from) {
            return Err(Verdict::Malformed(Malformed::Value));
        }
        if datagram.len() > usize::from(config.max_datagram) {
            return Err(Verdict::Malformed(Malformed::TooLong));
        }
        let (frame, provenance) = guard.open((now, from), datagram, config.cluster, secret, tables)?;
        if frame.header.cluster != config.cluster.tag {
            return Err(Verdict::ForeignCluster);
        }
        let contents = frame.contents().map_err(Verdict::Malformed)?;
        if provenance.is_for_anybody() && !matches!(contents.message, Some(Message::Join { .. })) {
            return Err(Verdict::Malformed(Malformed::Value));
        }
        Ok(Self { sender: frame.header.sender, fingerprint: frame.header.fingerprint, contents, provenance })
    }
}
