//! Events, as a bounded stream for each subscriber.

use crate::{
    board::{Board, Subscription},
    notice::{Lagged, Notice},
};
#[cfg(feature = "stream")]
use std::pin::Pin;
use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

/// What happens from now on, in order, other than user events and questions, which have streams of their own
/// ([`UserEvents`](crate::UserEvents), [`Questions`](crate::Questions)). Each subscriber has its own position in it, and none can hold up
/// the node or another subscriber.
pub struct Events {
    subscription: Subscription,
    cursor: u64,
}

impl Events {
    pub(crate) fn new(board: Arc<Board>) -> Self {
        let (subscription, cursor) = Subscription::new(board);
        Self { subscription, cursor }
    }

    /// The next notice, or how many were missed; `None` once the driver has ended and all is read. Nothing is
    /// lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<Notice, Lagged>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`Events::next`] for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Notice, Lagged>>> {
        let cursor = &mut self.cursor;
        self.subscription.poll(cx, |posted| match posted.read(cursor) {
            Some(next) => Some(Some(next)),
            None => posted.ended().map(|_| None),
        })
    }
}

/// The same as [`Events::next`], for the adapters of `futures` (feature `stream`).
#[cfg(feature = "stream")]
impl futures_core::Stream for Events {
    type Item = Result<Notice, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Events::poll_next(&mut self, cx)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "stream"))]
mod tests {
    use super::*;
    use crate::stopped::Left;
    use futures_core::Stream as _;
    use gossip_core::Event;
    use std::{pin::pin, task::Waker, time::SystemTime};

    #[test]
    fn events_are_a_stream_that_ends_with_the_node() {
        let board = Arc::new(Board::new(4));
        let mut events = pin!(Events::new(Arc::clone(&board)));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(events.as_mut().poll_next(&mut cx).is_pending());
        let notice = Notice { event: Event::Joined, member: None, at: SystemTime::UNIX_EPOCH };
        board.post([notice.clone()].into_iter());
        board.end(Ok(Left { acknowledged: 0 }));
        assert_eq!(events.as_mut().poll_next(&mut cx), Poll::Ready(Some(Ok(notice))));
        assert_eq!(events.as_mut().poll_next(&mut cx), Poll::Ready(None));
    }
}
