//! The end of a node: by its own leave, or with its driver.

use super::board::{Board, Subscription};
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// Why a driver ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// The node left, and enough others know.
    Left,
    /// The time for leaving was over before enough others were known to know; they may see a crash.
    LeaveTimedOut,
}

/// What became of a leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaveOutcome {
    /// Enough others know.
    Left,
    /// The time was over before; others may see a crash.
    TimedOut,
    /// The driver was dropped: others see a crash.
    DriverDropped,
}

impl From<Stopped> for LeaveOutcome {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Left => Self::Left,
            Stopped::LeaveTimedOut => Self::TimedOut,
        }
    }
}

/// Resolves when the node has stopped. The node leaves whether or not this is awaited.
pub struct Leave(Subscription);

impl Leave {
    pub(super) fn new(board: Arc<Board>) -> Self {
        Self(Subscription::new(board).0)
    }
}

impl Future for Leave {
    type Output = LeaveOutcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LeaveOutcome> {
        self.0.poll(cx, |posted| posted.ended())
    }
}

impl fmt::Debug for Leave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leave").finish_non_exhaustive()
    }
}
