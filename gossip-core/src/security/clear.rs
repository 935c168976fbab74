//! The guard of nodes that cannot seal: what stands in for `guard` without the feature `seal`, and takes no memory.

use crate::{
    security::token::Secret,
    tables::{memory::Tables, table::SlotId},
    vocabulary::{config::ClusterName, error::Verdict, record::NodeId, time::Instant},
    wire::frame::Frame,
};
use core::net::SocketAddr;

/// How a packet goes out: as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Form;

impl Form {
    pub(crate) const CLEAR: Self = Self;
    /// Bytes in front of what is written in the clear, and behind it.
    pub(crate) const fn room(self) -> (usize, usize) {
        (0, 0)
    }
}

/// How a datagram came: as it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Provenance;

impl Provenance {
    pub(crate) const fn form(&self) -> Form {
        Form
    }

    pub(crate) const fn is_fresh(&self) -> bool {
        true
    }

    pub(crate) const fn is_for_anybody(&self) -> bool {
        false
    }
}

/// Whom a step answers: nothing follows from it.
pub(crate) struct Answered;

impl Answered {
    pub(crate) const NOBODY: Self = Self;

    pub(crate) const fn new(_: NodeId, _: Provenance) -> Self {
        Self
    }

    pub(crate) const fn form(&self, _: Option<NodeId>) -> Option<Form> {
        Some(Form)
    }

    pub(crate) const fn overhead(&self) -> usize {
        0
    }

    pub(crate) fn prove(&self, _: &mut Tables<'_>, _: SlotId, _: Option<u64>) {}
}

pub(crate) const fn is_published_keys(_: &[u8]) -> bool {
    false
}

/// What a node needs to seal and to open: nothing.
#[derive(Clone, Debug)]
pub(crate) struct Guard;

impl Guard {
    pub(crate) const fn new(_: ClusterName, _: NodeId, _: u32) -> Self {
        Self
    }

    pub(crate) const fn note_published_keys(&self, _: &mut Tables<'_>, _: SlotId, _: Instant) {}

    /// The most that sealing adds to a packet.
    pub(crate) const fn overhead(&self) -> usize {
        0
    }

    pub(crate) const fn form(&self, _: &Tables<'_>, _: Option<NodeId>, _: bool) -> Form {
        Form
    }

    /// # Errors
    /// The verdict on a datagram that must not change anything.
    pub(crate) fn open<'d>(
        &mut self,
        _: (Instant, SocketAddr),
        datagram: &'d mut [u8],
        _: ClusterName,
        _: &Secret,
        _: &mut Tables<'_>,
    ) -> Result<(Frame<'d>, Provenance), Verdict> {
        Ok((Frame::decode(datagram)?, Provenance))
    }
}
