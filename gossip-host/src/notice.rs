//! What subscribers are told.

use crate::view::MemberView;
use gossip_core::{Event, Memory, Node};
use std::{fmt, time::SystemTime};

/// One event, with the member it is about as it looked right after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Notice {
    /// What happened.
    pub event: Event,
    /// The member that it happened to; `None` if the event is about this node, or the member is forgotten.
    pub member: Option<MemberView>,
    /// When it was noticed, by this machine's clock.
    pub at: SystemTime,
}

impl Notice {
    pub(crate) fn new<M: Memory>(event: Event, node: &Node<M>, at: SystemTime) -> Self {
        let member = event.member().and_then(|id| node.member(id)).map(MemberView::from);
        Self { event, member, at }
    }
}

/// This many notices were gone before the subscriber read them. Ask [`Handle::members`] for the present
/// state; the stream continues with the oldest notice that is left.
///
/// [`Handle::members`]: crate::Handle::members
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Lagged(pub u64);

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} notices missed", self.0)
    }
}

impl std::error::Error for Lagged {}
