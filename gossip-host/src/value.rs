//! What a member publishes, copied out of the node, and why something was not published.

use crate::key::{Key, VALUE_ROOM};
use bytes::Bytes;
use gossip_core::{Entry, Record, StateError, Status, ValueError};
use std::{error::Error, fmt, time::Duration};

/// The value of a key of a member, as this node knew it when it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Value<T> {
    /// The value.
    pub value: T,
    /// What the cluster believes of the member. If it is dead or has left, only values that
    /// [outlive](gossip_core::AfterDeath::Kept) it are shown.
    pub status: Status,
    /// The member's epoch: each restart begins a new one, without values.
    pub epoch: u32,
    /// The number of the member's write that made it; a later one is higher, within an epoch.
    pub version: u32,
    /// For how long it is still shown, in whole seconds, if it has a time to live.
    pub left: Option<Duration>,
}

impl Value<Bytes> {
    /// An entry of the member that has this record.
    pub(crate) fn of(entry: &Entry<'_>, owner: &Record) -> Self {
        let mut value = vec![0; entry.value_len()];
        entry.value(&mut value);
        let left = entry.seconds_left().map(|seconds| Duration::from_secs(seconds.into()));
        let (status, epoch) = (owner.status(), owner.incarnation().epoch);
        Self { value: value.into(), status, epoch, version: entry.version(), left }
    }
}

impl<T> Value<T> {
    /// Converts the value, as when it is decoded from its bytes.
    pub(crate) fn try_map<U, E>(self, change: impl FnOnce(T) -> Result<U, E>) -> Result<Value<U>, E> {
        let Self { value, status, epoch, version, left } = self;
        Ok(Value { value: change(value)?, status, epoch, version, left })
    }
}

/// A value as its key encodes it, in `room` if it is encoded.
pub(crate) fn encoded<'a, T>(
    key: &Key<T>,
    value: &'a T,
    room: &'a mut [u8; VALUE_ROOM],
) -> Result<&'a [u8], PublishError> {
    let encoded = key.encode(value, room);
    encoded.map_err(|reason| PublishError::Encode { key: key.name().to_owned(), reason })
}

/// Why something was not published, set for the cluster, sent or answered, and what to do about it. Nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PublishError {
    /// The node refused it: a limit was met, which the error names.
    State(StateError),
    /// The node refused a cluster-wide value: a limit was met, or an authority stands above this node.
    Value(ValueError),
    /// The value cannot be encoded with postcard, which takes no sequences or maps of unknown length.
    Encode {
        /// The key.
        key: String,
        /// What postcard said.
        reason: String,
    },
    /// `name` is the key of the node's name, which is fixed.
    Name,
    /// `gossip.keys` says which of the cluster's keys a node has, and is published by the node itself.
    Keys,
    /// An event with this key is one that nodes themselves send and take in.
    Reserved {
        /// The key.
        key: String,
    },
    /// This node answers questions for this key already.
    Answered {
        /// The key.
        key: String,
    },
    /// This node answers questions for as many keys as it may.
    TooManyAnswered {
        /// The most keys.
        most: usize,
    },
    /// The node has stopped.
    Stopped,
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(error) => error.fmt(f),
            Self::Value(error) => error.fmt(f),
            Self::Encode { key, reason } => write!(f, "the value of `{key}` cannot be encoded: {reason}"),
            Self::Name => f.write_str("the key `name` is that of the node's own name: choose another"),
            Self::Keys => f.write_str(
                "the key `gossip.keys` says which of the cluster's keys a node has: choose another",
            ),
            Self::Reserved { key } => write!(f, "events `{key}` are the nodes' own: choose another key"),
            Self::Answered { key } => {
                write!(f, "`{key}` is answered already: drop the `Questions` of it, or share them")
            }
            Self::TooManyAnswered { most } => {
                write!(f, "a node answers {most} keys at the most: put several values under one")
            }
            Self::Stopped => f.write_str("this node has stopped"),
        }
    }
}

impl Error for PublishError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // These two are shown as themselves.
            Self::State(error) => error.source(),
            Self::Value(error) => error.source(),
            _ => None,
        }
    }
}

impl From<StateError> for PublishError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<ValueError> for PublishError {
    fn from(error: ValueError) -> Self {
        Self::Value(error)
    }
}
