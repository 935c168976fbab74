//! What a member publishes, copied out of the node, and why something was not published.

use bytes::Bytes;
use gossip_core::{Entry, Record, StateError, Status};
use std::{error::Error, fmt, time::Duration};

/// The value of a key of a member, as this node knew it when it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Value<T> {
    /// The value.
    pub value: T,
    /// What the cluster believes of the member. Of one that is dead or has left only values show that
    /// [outlive](gossip_core::AfterDeath::Kept) it.
    pub status: Status,
    /// The member's epoch: each restart begins a new one, without values.
    pub epoch: u32,
    /// The number of the member's write that made it; a later one is higher, within an epoch.
    pub version: u32,
    /// For how long it still shows, in whole seconds, if it has a time to live.
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
    /// The same of what `change` makes of its bytes, say.
    pub(crate) fn try_map<U, E>(self, change: impl FnOnce(T) -> Result<U, E>) -> Result<Value<U>, E> {
        let Self { value, status, epoch, version, left } = self;
        Ok(Value { value: change(value)?, status, epoch, version, left })
    }
}

/// Why something was not published, and what to do. Nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PublishError {
    /// The node refused it: a limit was met, which the error names.
    State(StateError),
    /// The value cannot be encoded with postcard, which knows no sequences or maps whose length is not known beforehand.
    Encode {
        /// The key.
        key: String,
        /// What postcard said.
        reason: String,
    },
    /// `name` is the key of the node's name, which is fixed.
    Name,
    /// The node has stopped.
    Stopped,
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(error) => error.fmt(f),
            Self::Encode { key, reason } => write!(f, "the value of `{key}` cannot be encoded: {reason}"),
            Self::Name => f.write_str("the key `name` is that of the node's own name: choose another"),
            Self::Stopped => f.write_str("this node has stopped"),
        }
    }
}

impl Error for PublishError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // It is shown as itself.
            Self::State(error) => error.source(),
            _ => None,
        }
    }
}

impl From<StateError> for PublishError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}
