//! Waiting for the end of a node.

use crate::{
    board::{Board, Subscription},
    stopped::Stopped,
};
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// Resolves when the node has stopped. The node leaves whether or not this is awaited.
pub struct Leave(Subscription);

impl Leave {
    pub(crate) fn new(board: Arc<Board>) -> Self {
        Self(Subscription::new(board).0)
    }
}

impl Future for Leave {
    type Output = Stopped;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Stopped> {
        self.0.poll(cx, |posted| posted.ended())
    }
}

impl fmt::Debug for Leave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leave").finish_non_exhaustive()
    }
}
