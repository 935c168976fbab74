//! The value of one cluster-wide key, as it changes.

use crate::{
    board::Subscription, cluster_value::ClusterValue, key::Key, key_watch::WatchError, notice::Lagged,
    shared::Shared,
};
use gossip_core::{Event, NodeId, ValueTag};
#[cfg(feature = "stream")]
use std::pin::Pin;
use std::{
    fmt,
    future::poll_fn,
    hash::{BuildHasher as _, RandomState},
    mem,
    sync::Arc,
    task::{Context, Poll},
};

/// What became of a cluster-wide key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClusterChange<T> {
    /// It has this value.
    Set(ClusterValue<T>),
    /// It has none any more.
    Gone,
    /// Two values were set without knowledge of each other, or an authority said two things at one revision. One of them won,
    /// here and everywhere, and is told like any other. Of several conflicts between two reads only the last is told.
    Conflict {
        /// Who wrote the value that lost.
        loser: NodeId,
    },
}

/// The value of one cluster-wide key: first the present one, if there is one, and then each change, by whichever member, this
/// node included. Only the latest value is told: a reader that is slower than the changes does not see all of them, and a value
/// that is set again to what it was is not told again.
pub struct ClusterWatch<T> {
    shared: Arc<Shared>,
    key: Key<T>,
    subscription: Subscription,
    cursor: u64,
    /// Alarms seen: this node may have written the key.
    alarms: u64,
    /// The hash of the value that was told last.
    told: Option<u64>,
    is_due: bool,
    /// Who lost a conflict that is to be told.
    conflict: Option<NodeId>,
    hasher: RandomState,
}

/// What came of reading the board.
enum News {
    /// Something, after this many notices that were missed.
    Some { missed: u64 },
    /// The driver has ended.
    End,
}

impl<T> ClusterWatch<T> {
    pub(crate) fn new(shared: Arc<Shared>, key: Key<T>) -> Self {
        let (subscription, cursor) = Subscription::new(Arc::clone(&shared.board));
        let hasher = RandomState::new();
        Self {
            shared,
            key,
            subscription,
            cursor,
            alarms: 0,
            told: None,
            is_due: true,
            conflict: None,
            hasher,
        }
    }

    /// The next change, or an error after which it goes on; `None` once the driver has ended and all is told. Nothing is
    /// lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<ClusterChange<T>, WatchError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`ClusterWatch::next`] for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ClusterChange<T>, WatchError>>> {
        loop {
            if let Some(loser) = self.conflict.take() {
                return Poll::Ready(Some(Ok(ClusterChange::Conflict { loser })));
            }
            if mem::take(&mut self.is_due)
                && let Some(change) = self.look()
            {
                return Poll::Ready(Some(change));
            }
            match self.read_board(cx) {
                Poll::Ready(News::Some { missed: 0 }) => {}
                Poll::Ready(News::Some { missed }) => {
                    self.is_due = true;
                    return Poll::Ready(Some(Err(WatchError::Lagged(Lagged(missed)))));
                }
                Poll::Ready(News::End) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Reads all that is new on the board.
    fn read_board(&mut self, cx: &Context<'_>) -> Poll<News> {
        let tag = ValueTag::of(self.key.name());
        let Self { subscription, cursor, alarms, is_due, conflict, .. } = self;
        subscription.poll(cx, |posted| {
            if *alarms != posted.alarms() {
                *alarms = posted.alarms();
                *is_due = true;
            } else if *cursor == posted.total() {
                return posted.ended().map(|_| News::End);
            }
            let missed = posted.catch_up(cursor, |event| match event {
                Event::Value(value) => *is_due |= value == tag,
                Event::ValueConflict { value, loser } if value == tag => *conflict = Some(loser),
                _ => {}
            });
            Some(News::Some { missed })
        })
    }

    /// What is to be told of the key: its value, if it differs from the one that was told last.
    fn look(&mut self) -> Option<Result<ClusterChange<T>, WatchError>> {
        let Some(found) = self.shared.cluster_value(self.key.name()) else {
            return self.told.take().map(|_| Ok(ClusterChange::Gone));
        };
        let told = self.hasher.hash_one(&found.value);
        if self.told.replace(told) == Some(told) {
            return None;
        }
        let member = found.writer;
        let decoded = found.try_map(|bytes| self.shared.decode(&self.key, &bytes));
        Some(decoded.map(ClusterChange::Set).map_err(|error| WatchError::Decode { member, error }))
    }
}

/// The same as [`ClusterWatch::next`], for the adapters of `futures` (feature `stream`).
#[cfg(feature = "stream")]
impl<T> futures_core::Stream for ClusterWatch<T> {
    type Item = Result<ClusterChange<T>, WatchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ClusterWatch::poll_next(&mut self, cx)
    }
}

impl<T> fmt::Debug for ClusterWatch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterWatch").field("key", &self.key).finish_non_exhaustive()
    }
}
