//! What travels of events: a whole, its head, and what was heard of an origin.

use super::limits::{MAX_WANTS, WINDOW};
use crate::vocabulary::record::NodeId;
use core::cmp::Ordering;

/// Which event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct EventId {
    pub(crate) origin: NodeId,
    /// The origin's epoch.
    pub(crate) epoch: u32,
    /// Counted by the origin within its epoch, from 1 on.
    pub(crate) sequence: u32,
}

/// An event as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct UserEvent<'a> {
    pub(crate) id: EventId,
    /// Milliseconds since it was born.
    pub(crate) age: u32,
    /// At most [`MAX_PAYLOAD`](super::limits::MAX_PAYLOAD) bytes.
    pub(crate) payload: &'a [u8],
}

/// The name of an event in ten bytes. Two events may share one: then a node that lacks only one of them may not ask for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    /// See [`tag`].
    pub(crate) tag: u32,
    /// The origin's epoch.
    pub(crate) epoch: u32,
    /// The sequence number, modulo 2^16.
    pub(crate) sequence: u16,
}

/// What a node that wants the rest has heard of an origin in an epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Want {
    /// See [`tag`].
    pub(crate) tag: u32,
    /// The newest epoch that was heard of.
    pub(crate) epoch: u32,
    /// The newest sequence number, modulo 2^16; zero where nothing was heard.
    pub(crate) newest: u16,
    /// A bit for the newest, the lowest, and one for each of the 63 before it: set if it was heard.
    pub(crate) heard: u64,
}

/// What is wanted of others, or by them.
pub(crate) type Wants = heapless::Vec<Want, MAX_WANTS>;

/// What stands for an origin in heads and wants.
pub(crate) fn tag(origin: NodeId) -> u32 {
    // Ids that a host chose may differ in either half alone.
    let id = origin.as_u64();
    (id ^ id >> 32) as u32
}

impl EventId {
    pub(crate) fn head(&self) -> Head {
        Head { tag: tag(self.origin), epoch: self.epoch, sequence: self.sequence as u16 }
    }
}

impl Want {
    /// Beside others: and everything of origins that are not named.
    pub(crate) const REST: Self = Self { tag: 0, epoch: 0, newest: 0, heard: 0 };

    /// Whether a correct node can want this.
    pub(crate) fn is_valid(&self) -> bool {
        if self.heard == 0 { self.newest == 0 } else { self.heard & 1 == 1 }
    }

    /// Whether an event is wanted; `None` if it is of another origin.
    pub(crate) fn lacks(&self, event: Head) -> Option<bool> {
        if self.tag != event.tag {
            return None;
        }
        // An origin takes hours for 2^15 events, and none is told after the ttl.
        let ahead = event.sequence.wrapping_sub(self.newest) as i16;
        let is_heard = |back: u16| back >= WINDOW || self.heard >> back & 1 == 1;
        Some(match event.epoch.cmp(&self.epoch) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => self.heard == 0 || ahead > 0 || !is_heard(ahead.unsigned_abs()),
        })
    }
}
