//! A pulse as it travels.

use crate::vocabulary::record::NodeId;

/// A pulse, and whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pulse<'a> {
    pub(crate) origin: NodeId,
    pub(crate) said: Said<'a>,
}

/// A pulse without its origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Said<'a> {
    /// The origin's epoch.
    pub(crate) epoch: u32,
    /// Counted by the origin within its epoch, from 1 on.
    pub(crate) number: u32,
    /// Milliseconds since it was said.
    pub(crate) age: u32,
    /// At most [`MAX_BLOB`](super::limits::MAX_BLOB) bytes.
    pub(crate) blob: &'a [u8],
}
