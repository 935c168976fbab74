//! A cluster-wide value, copied out of the node.

use bytes::Bytes;
use gossip_core::{Authority, NodeId};
use std::time::Duration;

/// The value of a cluster-wide key, as this node knew it when it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ClusterValue<T> {
    /// The value.
    pub value: T,
    /// The member that set it, or passed it on for an authority.
    pub writer: NodeId,
    /// At which point of its authority's history it was said; `None` if a member set it on its own.
    pub authority: Option<Authority>,
    /// The number of the write. That of a later write is higher if its writer knew of this one. Revisions of an authority and
    /// those of members do not compare.
    pub revision: u64,
    /// How long ago it was set, in whole seconds, not counting the time that it spent on the network.
    pub age: Duration,
}

impl ClusterValue<Bytes> {
    pub(crate) fn of(value: &gossip_core::ClusterValue<'_>) -> Self {
        Self {
            value: Bytes::copy_from_slice(value.bytes()),
            writer: value.writer(),
            authority: value.authority(),
            revision: value.revision(),
            age: Duration::from_secs(value.age_seconds().into()),
        }
    }
}

impl<T> ClusterValue<T> {
    /// Converts the value, as when it is decoded from its bytes.
    pub(crate) fn try_map<U, E>(self, change: impl FnOnce(T) -> Result<U, E>) -> Result<ClusterValue<U>, E> {
        let Self { value, writer, authority, revision, age } = self;
        Ok(ClusterValue { value: change(value)?, writer, authority, revision, age })
    }
}
