//! Events that members send to all, as a bounded stream for each subscriber.

use crate::{
    board::{Board, Subscription},
    forget::Forgotten,
    handle::Handle,
    key::{Key, VALUE_ROOM, is_name},
    notice::Lagged,
    user_event::{UserEvent, payload},
    value::{PublishError, encoded},
};
use gossip_core::StateError;
#[cfg(feature = "stream")]
use std::pin::Pin;
use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

/// One-shot events, for what is of interest only now: a shard moved, a cache is to be dropped. For what is to last, see
/// [`publish`](Handle::publish) and [`Cluster::set`](crate::Cluster::set).
impl Handle {
    /// Sends an event to all members that are live now, once. Name and value together have at most 511 bytes; a node may send one
    /// event a second, and eight at once.
    ///
    /// Others hear it at most once, in any order with other events, and at the latest 30 s after this call. A member that cannot
    /// be reached for that long misses it, and so does one that starts later, or started less than four seconds before. This
    /// node's own subscribers are not told.
    ///
    /// # Errors
    /// The event is too large, its key is not 1 to 31 visible ASCII characters or is `gossip.forget`, or its value cannot be
    /// encoded; or this node has sent too many events, and the error says how long to wait. Nothing is sent then.
    pub fn send_event<T>(&self, key: &Key<T>, value: &T) -> Result<(), PublishError> {
        if Forgotten::is_told_by(key.name()) {
            return Err(PublishError::Reserved { key: key.name().to_owned() });
        }
        self.send_reserved(key, value)
    }

    /// The same for an event that nodes themselves take in.
    pub(crate) fn send_reserved<T>(&self, key: &Key<T>, value: &T) -> Result<(), PublishError> {
        let mut room = [0; VALUE_ROOM];
        let value = encoded(key, value, &mut room)?;
        if !is_name(key.name()) {
            return Err(StateError::Key.into());
        }
        let payload = payload(key.name(), value);
        self.0.write(|node, now, out| node.send_event(now, &payload, out))
    }

    /// What the other members send to all from now on.
    pub fn user_events(&self) -> UserEvents {
        UserEvents::new(self.board())
    }
}

/// What members send to all from now on, in the order in which it comes. Each subscriber has its own position in it, and none
/// can hold up the node or another subscriber: [`Options::event_capacity`](crate::Options::event_capacity) events are kept, and
/// a subscriber that falls further behind loses the oldest.
pub struct UserEvents {
    subscription: Subscription,
    cursor: u64,
}

impl UserEvents {
    fn new(board: Arc<Board>) -> Self {
        let (subscription, cursor) = Subscription::to_user_events(board);
        Self { subscription, cursor }
    }

    /// The next event, or how many were missed; `None` once the driver has ended and all is read. Nothing is lost when the
    /// future is dropped.
    pub async fn next(&mut self) -> Option<Result<UserEvent, Lagged>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`UserEvents::next`] for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<UserEvent, Lagged>>> {
        let cursor = &mut self.cursor;
        self.subscription.poll(cx, |posted| match posted.read_user_event(cursor) {
            Some(next) => Some(Some(next)),
            None => posted.ended().map(|_| None),
        })
    }
}

/// The same as [`UserEvents::next`], for the adapters of `futures` (feature `stream`).
#[cfg(feature = "stream")]
impl futures_core::Stream for UserEvents {
    type Item = Result<UserEvent, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        UserEvents::poll_next(&mut self, cx)
    }
}

impl fmt::Debug for UserEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserEvents").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bytes, Engine, Options};
    use gossip_core::{ClusterName, Config, Instant};

    const DROP: Key<String> = Key::new("cache/drop");
    const BLOB: Key<Bytes> = Key::raw("blob");

    #[test]
    fn an_event_that_breaks_a_limit_is_refused_with_that_limit() {
        let options = Options::new("node", Config::lan(ClusterName::named("events").unwrap()));
        let (node, engine) = Engine::start(options, ([127, 0, 0, 1], 7946).into(), || Instant::ZERO).unwrap();
        let blob = |bytes: usize| Bytes::from(vec![7; bytes]);
        let most = 512 - 1 - BLOB.name().len();
        node.send_event(&BLOB, &blob(most)).unwrap();
        let refused = [
            (node.send_event(&BLOB, &blob(most + 1)), "512 bytes at the most"),
            (node.send_event(&DROP, &"x".repeat(10_000)), "512 bytes at the most"),
            (node.send_event(&DROP.named(""), &"x".into()), "1 to 31 visible ASCII characters"),
            (node.send_event(&DROP.named("gossip.forget"), &"x".into()), "nodes' own: choose another"),
            (node.send_event(&DROP.named("a".repeat(300)), &"x".into()), "1 to 31 visible ASCII characters"),
        ];
        for (refused, limit) in refused {
            let text = refused.expect_err(limit).to_string();
            assert!(text.contains(limit), "{text}");
        }
        for user in 1..8 {
            node.send_event(&DROP, &format!("user {user}")).unwrap();
        }
        let busy = node.send_event(&DROP, &"user 8".into()).unwrap_err();
        assert!(busy.to_string().contains("eight at once: wait for 1s"), "{busy}");
        drop(engine);
        assert_eq!(node.send_event(&DROP, &"user 9".into()), Err(PublishError::Stopped));
    }
}
