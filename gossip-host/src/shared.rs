//! What a node's handles, its watches and its engine share.

use crate::{
    ask_error::AskError,
    asks::{Asks, Put},
    board::Board,
    cluster_value::ClusterValue,
    counters::HostMetrics,
    key::{DecodeError, Key},
    lock::lock,
    pressure::Fate,
    requests::Inbox,
    seeds::UnresolvedSeed,
    stopped::Stopped,
    value::Value,
    view::MemberView,
    view_file::Restored,
};
use bytes::Bytes;
use gossip_core::{Event, Heap, Instant, Node, NodeId, Question};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, atomic::AtomicU64},
};

/// What handles, watches and the engine share. No two of its locks are ever taken together.
pub(crate) struct Shared {
    pub(crate) id: NodeId,
    pub(crate) local: SocketAddr,
    pub(crate) node: Mutex<Node<Heap>>,
    pub(crate) clock: Box<dyn Fn() -> Instant + Send + Sync>,
    pub(crate) inbox: Inbox,
    pub(crate) board: Arc<Board>,
    pub(crate) asks: Asks,
    pub(crate) metrics: Mutex<HostMetrics>,
    pub(crate) unresolved: Mutex<Vec<UnresolvedSeed>>,
    pub(crate) restored: Restored,
    /// Signs of life that the driver has given.
    pub(crate) signs: AtomicU64,
}

impl Shared {
    /// Every other member known.
    pub(crate) fn members(&self) -> Vec<MemberView> {
        let node = lock(&self.node);
        node.members().map(|member| MemberView::new(&node, member)).collect()
    }

    /// Takes in what an event says of questions; returns one that nobody here answers.
    pub(crate) fn take_in(&self, event: &Event, payload: &[u8]) -> Option<Question> {
        match *event {
            Event::Answered { ask, .. } => self.asks.answered(ask, &Ok(Bytes::copy_from_slice(payload))),
            Event::AskFailed { ask, why, .. } => self.asks.answered(ask, &Err(AskError::Failed(why))),
            Event::Asked { question, .. } => {
                match self.asks.put(question, str::from_utf8(payload).unwrap_or_default()) {
                    Put::Waiting => {}
                    Put::Displaced => lock(&self.metrics).questions_dropped += 1,
                    Put::Unknown => return Some(question),
                }
            }
            _ => {}
        }
        None
    }

    /// The driver has ended.
    pub(crate) fn end(&self, stopped: Stopped) {
        self.board.end(stopped);
        self.asks.end();
    }

    /// Has the driver wake all that wait, at this time at the latest. It keeps the earliest that it is asked for: whoever is woken
    /// before his time asks again.
    pub(crate) fn wake_at(&self, time: Instant) {
        self.inbox.ask(|requests| requests.alarm = Some(requests.alarm.map_or(time, |at| at.min(time))));
    }

    /// Counts what became of a packet.
    pub(crate) fn count_fate(&self, fate: Fate) {
        if fate == Fate::Sent {
            return;
        }
        let mut metrics = lock(&self.metrics);
        match fate {
            Fate::Sent => {}
            Fate::Queued => metrics.queued += 1,
            Fate::Dropped(class) => *metrics.drop_of(class) += 1,
            Fate::Failed => metrics.send_errors += 1,
        }
    }

    /// The value of a key of a member, or of this node itself, as it is told, and the time of the node's last step.
    pub(crate) fn read(&self, member: NodeId, key: &str) -> Option<(Value<Bytes>, Instant)> {
        let node = lock(&self.node);
        let owner = node.member(member)?;
        let entry = node.entry(member, key)?;
        Some((Value::of(&entry, owner.record()), node.now()))
    }

    /// The value of a cluster-wide key, as it is told.
    pub(crate) fn cluster_value(&self, key: &str) -> Option<ClusterValue<Bytes>> {
        lock(&self.node).value(key).as_ref().map(ClusterValue::of)
    }

    /// A value as what it is. Not under the lock of the node: what a type does to decode itself is its own affair.
    pub(crate) fn decode<T>(&self, key: &Key<T>, bytes: &[u8]) -> Result<T, DecodeError> {
        let decoded = key.decode(bytes);
        if decoded.is_err() {
            lock(&self.metrics).values_undecoded += 1;
        }
        decoded
    }
}
