//! A value, its version, and their hashes.

use super::limits::TOMBSTONE_TTL;
use crate::vocabulary::{key::ValueKey, record::NodeId};
use core::hash::Hasher;
use siphasher::sip::SipHasher13;

/// Whose word a value is. Any authority's wins over anyone else's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Rank {
    /// Any member.
    Anyone,
    /// An authority outside of the cluster.
    Authority {
        /// How often it was restored from an older state: its revisions before do not compare with those after.
        source: u32,
    },
}

/// Which of a key's values is the newest: the greatest. Compared field by field, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Version {
    pub(crate) rank: Rank,
    pub(crate) revision: u64,
    /// The node that wrote it, or passed it on for the authority.
    pub(crate) writer: NodeId,
    /// Of the content: see [`Content::hash`].
    pub(crate) hash: u64,
}

/// What is said of a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Content<'a> {
    /// It was deleted: a tombstone.
    Deleted,
    /// It has this value; may be empty.
    Value(&'a [u8]),
}

/// A key, what is said of it, and since when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) key: ValueKey,
    pub(crate) version: Version,
    pub(crate) content: Content<'a>,
    /// How many seconds ago it was written.
    pub(crate) age: u32,
}

impl<'a> Content<'a> {
    /// `sip(0, 3, 0)` of a tombstone, and `sip(0, 3, 1 ‖ value)` of a value.
    pub(crate) fn hash(self) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(0, 3);
        hasher.write(&[u8::from(self.value().is_some())]);
        hasher.write(self.value().unwrap_or_default());
        hasher.finish()
    }

    pub(crate) fn value(self) -> Option<&'a [u8]> {
        match self {
            Self::Deleted => None,
            Self::Value(bytes) => Some(bytes),
        }
    }
}

impl Version {
    /// What a key with this version adds to the sum: the low half of
    /// `sip(0, 4, rank ‖ source ‖ revision ‖ writer ‖ hash ‖ key)`, of 1 + 4 + 8 + 8 + 8 bytes and the key.
    pub(crate) fn share(&self, key: &ValueKey) -> u32 {
        let (rank, source) = match self.rank {
            Rank::Anyone => (0, 0),
            Rank::Authority { source } => (1, source),
        };
        let mut hasher = SipHasher13::new_with_keys(0, 4);
        hasher.write(&[rank]);
        hasher.write(&source.to_be_bytes());
        hasher.write(&self.revision.to_be_bytes());
        hasher.write(&self.writer.to_bytes());
        hasher.write(&self.hash.to_be_bytes());
        hasher.write(key.as_bytes());
        hasher.finish() as u32
    }
}

impl<'a> Value<'a> {
    pub(crate) fn new(
        key: ValueKey,
        (rank, revision, writer): (Rank, u64, NodeId),
        content: Content<'a>,
        age: u32,
    ) -> Self {
        Self { key, version: Version { rank, revision, writer, hash: content.hash() }, content, age }
    }

    /// Whether it is a tombstone whose time is over.
    pub(crate) fn is_over(&self) -> bool {
        self.content == Content::Deleted && self.age >= TOMBSTONE_TTL
    }

    /// Whether it wins over another value of its key. Where all of the versions is equal, hashes too, the bytes decide: so the
    /// order is total even if someone finds two values of one hash.
    pub(super) fn wins_over(&self, other: &Self) -> bool {
        (self.version, self.content) > (other.version, other.content)
    }

    /// Whether it and another value of its key were written without knowledge of each other.
    pub(super) fn conflicts_with(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.version, &other.version);
        // Many hosts may pass on what one authority says.
        let is_other_writer = ours.rank == Rank::Anyone && ours.writer != theirs.writer;
        (ours.rank, ours.revision) == (theirs.rank, theirs.revision)
            && (self.content != other.content || is_other_writer)
    }
}
