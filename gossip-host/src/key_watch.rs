//! The values of one key, as they change.

use crate::{
    board::Subscription,
    key::{DecodeError, Key},
    lock::lock,
    notice::Lagged,
    shared::Shared,
    value::Value,
};
use bytes::Bytes;
use gossip_core::{Event, Instant, NodeId};
#[cfg(feature = "stream")]
use std::pin::Pin;
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt,
    future::poll_fn,
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
    task::{Context, Poll},
};

/// What a watch of a key tells: a member and its value, `None` if it has none any more; or an error.
pub type Change<T> = Result<(NodeId, Option<T>), WatchError>;

/// The values that the other members have for one key: first the present ones, and then each change. Only the latest value of
/// each member is told: a reader that is slower than the changes does not see all of them. A value that is set again to what it
/// was is not told again. One that is withdrawn, expires or ends with its member is told as `None`.
///
/// It keeps some 50 bytes for each member that has the key, and no values.
pub struct KeyWatch<T> {
    shared: Arc<Shared>,
    key: Key<T>,
    subscription: Subscription,
    cursor: u64,
    /// Alarms seen: values may have come to their end.
    alarms: u64,
    /// What was told last of each member that has the key.
    told: BTreeMap<NodeId, Told>,
    /// Members to look at.
    due: BTreeSet<NodeId>,
    hasher: RandomState,
}

#[derive(Clone, Copy)]
struct Told {
    hash: u64,
    /// When the value is gone at the latest.
    end: Instant,
}

/// What came of reading the board.
enum News {
    /// Something.
    Some {
        /// Any member may have changed.
        all: bool,
        /// Values may have come to their end.
        alarm: bool,
        missed: u64,
    },
    /// The driver has ended.
    End,
}

impl<T> KeyWatch<T> {
    pub(crate) fn new(shared: Arc<Shared>, key: Key<T>) -> Self {
        let (subscription, cursor) = Subscription::new(Arc::clone(&shared.board));
        let (told, due) = (BTreeMap::new(), BTreeSet::new());
        let mut watch =
            Self { shared, key, subscription, cursor, alarms: 0, told, due, hasher: RandomState::new() };
        watch.look_at_all();
        watch
    }

    /// The next change, or an error after which it goes on; `None` once the driver has ended and all is told. Nothing is
    /// lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Change<T>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`KeyWatch::next`] for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Change<T>>> {
        loop {
            while let Some(id) = self.due.pop_first() {
                if let Some(change) = self.look(id) {
                    return Poll::Ready(Some(change));
                }
            }
            match self.read_board(cx) {
                Poll::Ready(News::Some { all, alarm, missed }) => {
                    if all {
                        self.look_at_all();
                    } else if alarm {
                        self.look_at_ended();
                    }
                    if missed > 0 {
                        return Poll::Ready(Some(Err(WatchError::Lagged(Lagged(missed)))));
                    }
                }
                Poll::Ready(News::End) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Reads all that is new on the board: members that it is about are due.
    fn read_board(&mut self, cx: &Context<'_>) -> Poll<News> {
        let Self { subscription, cursor, alarms, due, .. } = self;
        subscription.poll(cx, |posted| {
            let alarm = *alarms != posted.alarms();
            *alarms = posted.alarms();
            if *cursor == posted.total() && !alarm {
                return posted.ended().map(|_| News::End);
            }
            let mut all = false;
            let missed = posted.catch_up(cursor, |event| match event {
                Event::State(id)
                | Event::Up(id)
                | Event::Down(id)
                | Event::Left(id)
                | Event::Updated(id)
                | Event::Reaped(id) => {
                    due.insert(id);
                }
                Event::Reset => all = true,
                _ => {}
            });
            Some(News::Some { all: all || missed > 0, alarm, missed })
        })
    }

    /// What is to be told of a member: its value, if it differs from the one that was told last.
    fn look(&mut self, id: NodeId) -> Option<Change<T>> {
        let Some((found, now)) = self.shared.read(id, self.key.name()) else {
            return self.told.remove(&id).map(|_| Ok((id, None)));
        };
        let told = Told { hash: self.hasher.hash_one(&found.value), end: self.end_of(&found, now) };
        if self.told.insert(id, told).is_some_and(|before| before.hash == told.hash) {
            return None;
        }
        let decoded = self.shared.decode(&self.key, &found.value);
        Some(match decoded {
            Ok(value) => Ok((id, Some(value))),
            Err(error) => Err(WatchError::Decode { member: id, error }),
        })
    }

    /// When a value is gone at the latest. The driver wakes all watches then, since no event tells of it.
    fn end_of(&self, found: &Value<Bytes>, now: Instant) -> Instant {
        let Some(left) = found.left else { return Instant::NEVER };
        let end = now + left;
        self.shared.wake_at(end);
        end
    }

    fn look_at_all(&mut self) {
        let node = lock(&self.shared.node);
        let with_key = node.members().map(|member| member.id());
        self.due.extend(with_key.filter(|&id| node.entry(id, self.key.name()).is_some()));
        self.due.extend(self.told.keys());
    }

    fn look_at_ended(&mut self) {
        let now = lock(&self.shared.node).now();
        let ended = self.told.iter().filter(|(_, told)| told.end <= now);
        self.due.extend(ended.map(|(id, _)| id));
        let next = self.told.values().map(|told| told.end).filter(|&end| end > now && end != Instant::NEVER);
        if let Some(next) = next.min() {
            self.shared.wake_at(next);
        }
    }
}

/// The same as [`KeyWatch::next`], for the adapters of `futures` (feature `stream`).
#[cfg(feature = "stream")]
impl<T> futures_core::Stream for KeyWatch<T> {
    type Item = Change<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        KeyWatch::poll_next(&mut self, cx)
    }
}

impl<T> fmt::Debug for KeyWatch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.told.len();
        f.debug_struct("KeyWatch").field("key", &self.key).field("members", &members).finish_non_exhaustive()
    }
}

/// Why a watch could not tell of one change. It goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum WatchError {
    /// The watch was read so slowly that it missed what happened. It looks at everything again: the latest values follow,
    /// and no more than values between, and conflicts of cluster-wide ones, are lost.
    Lagged(Lagged),
    /// The value of a member, or one that it set for the cluster, is not of the key's type.
    Decode {
        /// The member.
        member: NodeId,
        /// What is wrong.
        error: DecodeError,
    },
}

impl fmt::Display for WatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lagged(lagged) => lagged.fmt(f),
            Self::Decode { member, error } => write!(f, "member {member}: {error}"),
        }
    }
}

impl Error for WatchError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Options, testing::FakeTransport};
    use gossip_core::{ClusterName, Config};
    use std::{io, ops::ControlFlow, time::Duration};

    #[test]
    fn a_watch_is_woken_at_the_time_that_it_asked_for_and_ends_with_the_node() {
        let options = Options::new("node", Config::lan(ClusterName::named("alarm").unwrap()));
        let local = ([127, 0, 0, 1], 7946).into();
        let (node, mut engine) = Engine::start(options, local, || Instant::ZERO).unwrap();
        let mut transport =
            FakeTransport { receive_error: Some(io::ErrorKind::WouldBlock), ..FakeTransport::default() };
        let port = Key::<u16>::new("port");
        let mut watch = node.watch_key(&port);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(watch.poll_next(&mut cx).is_pending());

        node.publish_for(&port, &1, Duration::from_secs(5)).unwrap();
        // A watch does not show the node's own keys, but what it would do with one is the same.
        assert_eq!(watch.look(node.id()), Some(Ok((node.id(), Some(1)))));
        assert_eq!(watch.look(node.id()), None, "it is told once");
        let alarm = Instant::from_millis(5_000);
        while transport.now < alarm {
            let ControlFlow::Continue(turn) = engine.turn(&mut transport) else { panic!("it has stopped") };
            assert!(watch.poll_next(&mut cx).is_pending());
            assert!(turn.until <= alarm, "{turn:?}");
            transport.now = turn.until;
        }
        let _ = engine.turn(&mut transport);
        assert_eq!(watch.poll_next(&mut cx), Poll::Ready(Some(Ok((node.id(), None)))));
        drop(engine);
        assert_eq!(watch.poll_next(&mut cx), Poll::Ready(None));
    }

    #[test]
    fn a_watch_is_woken_in_time_where_another_was_woken_before() {
        let options = Options::new("node", Config::lan(ClusterName::named("alarms").unwrap()));
        let (node, mut engine) =
            Engine::start(options, ([127, 0, 0, 1], 7946).into(), || Instant::ZERO).unwrap();
        let receive_error = Some(io::ErrorKind::WouldBlock);
        let mut transport = FakeTransport { receive_error, ..FakeTransport::default() };
        let keys = [Key::<u16>::new("port"), Key::new("load")];
        let mut watches = keys.clone().map(|key| node.watch_key(&key));
        for (seconds, (key, watch)) in [5, 9].into_iter().zip(keys.iter().zip(&mut watches)) {
            node.publish_for(key, &1, Duration::from_secs(seconds)).unwrap();
            assert_eq!(watch.look(node.id()), Some(Ok((node.id(), Some(1)))));
        }
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let [first, second] = &mut watches;
        let gone = Poll::Ready(Some(Ok((node.id(), None))));
        for (watch, end) in [(first, 5_000), (second, 9_000)] {
            let end = Instant::from_millis(end);
            loop {
                let ControlFlow::Continue(turn) = engine.turn(&mut transport) else {
                    panic!("it has stopped")
                };
                if transport.now >= end {
                    break;
                }
                assert!(watch.poll_next(&mut cx).is_pending());
                assert!(turn.until <= end, "{turn:?}");
                transport.now = turn.until;
            }
            assert_eq!(watch.poll_next(&mut cx), gone);
        }
    }
}
