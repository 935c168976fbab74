//! Waiting until the node has joined.

use crate::board::{Board, Subscription};
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// Resolves when the node has joined: it fetched a view, or there is no node to join. At once if it has already.
/// To await, or to poll with any waker (that of a mio loop, for one).
pub struct WaitJoined(Subscription);

impl WaitJoined {
    pub(crate) fn new(board: Arc<Board>) -> Self {
        Self(Subscription::new(board).0)
    }
}

impl Future for WaitJoined {
    type Output = Result<(), NotJoined>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx, |posted| match posted.ended() {
            _ if posted.is_joined() => Some(Ok(())),
            Some(_) => Some(Err(NotJoined)),
            None => None,
        })
    }
}

impl fmt::Debug for WaitJoined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitJoined").finish_non_exhaustive()
    }
}

/// The node stopped before it had joined.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NotJoined;

impl fmt::Display for NotJoined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the node stopped before it had joined")
    }
}

impl std::error::Error for NotJoined {}
