//! Members that an operator has forgotten before their time, at all nodes.
//!
//! The others are told by an event, which the engine of each takes in itself:
//!
//! ```text
//! name    gossip.forget
//! value   schema 1 (0) · id 8 · epoch LEB · refutation LEB
//! ```
//!
//! What it names is forgotten where it is dead or has left, in that incarnation or an earlier one. So the worst that a false
//! one does is to hide a tombstone.

use crate::{
    board::{Posted, Subscription},
    handle::Handle,
    key::Key,
    lock::lock,
    shared::Shared,
    user_event::UserEvent,
    value::PublishError,
};
use gossip_core::{Heap, Incarnation, Instant, Node, NodeId, NotForgotten, StateError, Status};
use std::{error::Error, fmt, future::poll_fn, sync::Arc, time::Duration};

/// The event that tells the others.
const FORGET: Key<Told> = Key::new("gossip.forget");
/// What it says: the id, the epoch and the refutation.
type Told = ([u8; 8], u32, u32);

/// How long a member that is to be forgotten has to show that it is there: many round trips, even between continents, and
/// the pause of a garbage collection.
const PATIENCE: Duration = Duration::from_secs(2);

/// A member in an incarnation that is to be forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Forgotten {
    pub(crate) id: NodeId,
    incarnation: Incarnation,
}

impl Forgotten {
    /// Whether this event is one that tells of a member to be forgotten, well-formed or not. Its name is reserved.
    pub(crate) fn is_told_by(name: &str) -> bool {
        name == FORGET.name()
    }

    /// What such an event tells.
    pub(crate) fn of(event: &UserEvent) -> Option<Self> {
        let (id, epoch, refutation) = event.value(&FORGET).ok().flatten()?;
        let id = NodeId::from_u64(u64::from_be_bytes(id))?;
        Some(Self { id, incarnation: Incarnation { epoch, refutation } })
    }

    /// Whether a node knows the member in a later incarnation: what is told is outdated.
    pub(crate) fn is_outdated_for(&self, node: &Node<Heap>) -> bool {
        node.member(self.id).is_some_and(|member| member.incarnation() > self.incarnation)
    }
}

impl Handle {
    /// Forgets a member that is dead or has left, here and at all members that hear of it: it is shown no more, and no node
    /// tries to reach it. Use it for a machine that is gone for good. Any other dead member is forgotten after `tombstone_ttl`.
    ///
    /// A member that is dead here is tried once more, and is not forgotten if it answers within two seconds. Others that know it as
    /// live do not forget it, either. If it comes back later, it is told as up, like any new member. The future does nothing
    /// until it is awaited; dropped before it resolves, it has changed nothing.
    ///
    /// # Errors
    /// The member is live or unknown here, or it answered; it could not be tried, or the others could not be told: the error says
    /// what to do. The member is still known then.
    pub async fn forget(&self, member: NodeId) -> Result<(), ForgetError> {
        if let Some(until) = self.try_to_reach(member)? {
            self.answers_before(member, until).await?;
        }
        let incarnation = match self.0.gone(member) {
            // Somebody else has had it forgotten meanwhile.
            Err(ForgetError::Node(NotForgotten::NoMember)) => return Ok(()),
            gone => gone?.1,
        };
        let told: Told = (member.as_u64().to_be_bytes(), incarnation.epoch, incarnation.refutation);
        self.send_reserved(&FORGET, &told).map_err(|error| match error {
            PublishError::State(error) => ForgetError::NotTold(error),
            // The value is of three numbers, which can be encoded.
            _ => ForgetError::Stopped,
        })?;
        let forgotten = self.0.step(|node, now, out| node.forget(now, member, out));
        forgotten.ok_or(ForgetError::Stopped)?.map_err(ForgetError::Node)
    }

    /// Tries to reach a member that is dead; returns until when it may answer, or `None` if it has left, and said so itself.
    fn try_to_reach(&self, member: NodeId) -> Result<Option<Instant>, ForgetError> {
        if self.0.gone(member)?.0 == Status::Left {
            return Ok(None);
        }
        let mut until = Err(ForgetError::Stopped);
        let _ = self.0.step::<NotForgotten>(|node, now, out| {
            let output = node.reconnect(now, member, out);
            let is_sent = output.packets().next().is_some();
            until = if is_sent { Ok(now + PATIENCE) } else { Err(ForgetError::NotTried) };
            Ok(output)
        });
        until.map(Some)
    }

    /// Waits for a dead member to answer, which is an error.
    async fn answers_before(&self, member: NodeId, until: Instant) -> Result<(), ForgetError> {
        let (subscription, _) = Subscription::new(Arc::clone(&self.0.board));
        let seen = |posted: &Posted| (posted.total(), posted.alarms());
        let mut last = None;
        while lock(&self.0.node).now() < until {
            match self.0.gone(member) {
                Err(ForgetError::Node(NotForgotten::Live)) => return Err(ForgetError::Answers),
                Err(ForgetError::Node(NotForgotten::NoMember)) => return Ok(()),
                gone => gone?,
            };
            self.0.wake_at(until);
            let has_ended = poll_fn(|cx| {
                subscription.poll(cx, |posted| {
                    let is_new = last.replace(seen(posted)) != Some(seen(posted));
                    posted.ended().map(|_| true).or(is_new.then_some(false))
                })
            });
            if has_ended.await {
                return Err(ForgetError::Stopped);
            }
        }
        Ok(())
    }
}

impl Shared {
    /// The status and incarnation of another member that is dead or has left.
    fn gone(&self, member: NodeId) -> Result<(Status, Incarnation), ForgetError> {
        let node = lock(&self.node);
        let known = node.member(member).filter(|_| member != self.id);
        let known = known.ok_or(ForgetError::Node(NotForgotten::NoMember))?;
        if known.status().is_live() {
            return Err(ForgetError::Node(NotForgotten::Live));
        }
        Ok((known.status(), known.incarnation()))
    }
}

/// Why a member was not forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ForgetError {
    /// It is live or unknown here, or this node is leaving.
    Node(NotForgotten),
    /// It was dead here, and has answered.
    Answers,
    /// It could not be tried: this node's budget for such attempts is spent.
    NotTried,
    /// The others could not be told.
    NotTold(StateError),
    /// The node has stopped.
    Stopped,
}

impl fmt::Display for ForgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(error) => error.fmt(f),
            Self::Answers => f.write_str("the member was dead here, but it answers: it is a member again"),
            Self::NotTried => {
                f.write_str("the member could not be tried, since the budget is spent: try again in a second")
            }
            Self::NotTold(error) => write!(f, "the others could not be told: {error}"),
            Self::Stopped => f.write_str("this node has stopped"),
        }
    }
}

impl Error for ForgetError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Options, testing::FakeTransport, user_event::payload};
    use bytes::Bytes;
    use gossip_core::{ClusterName, Config, Identity, Locality, Record, Versions};
    use std::time::SystemTime;
    use std::{
        ops::ControlFlow,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    fn event(name: &str, bytes: &[u8]) -> UserEvent {
        let origin = NodeId::from_u64(1).unwrap();
        let (name, bytes, at) = (name.to_owned(), Bytes::copy_from_slice(bytes), SystemTime::UNIX_EPOCH);
        UserEvent { origin, epoch: 1, sequence: 1, name, bytes, at }
    }

    /// A node that knows a dead member, and one that is live.
    fn started() -> (Handle, Engine, [Record; 2]) {
        let options = Options::new("node", Config::lan(ClusterName::named("forget").unwrap()));
        let (handle, mut engine) =
            Engine::start(options, ([127, 0, 0, 1], 7946).into(), || Instant::ZERO).unwrap();
        let record = |id: u8| {
            let id = NodeId::from_u64(id.into()).unwrap();
            let address = ([127, 0, 0, id.as_u64() as u8], 7946).into();
            Record::new(Identity { id, epoch: 7, address, locality: Locality::default() }, Versions::OURS)
        };
        let records = [record(2).with_status(Status::Dead), record(3)];
        let restored = handle.0.step::<()>(|node, now, out| Ok(node.restore(now, &records, out)));
        assert_eq!(restored, Some(Ok(())));
        let receive_error = Some(std::io::ErrorKind::WouldBlock);
        let _ = engine.turn(&mut FakeTransport { receive_error, ..FakeTransport::default() });
        (handle, engine, records)
    }

    #[test]
    fn members_that_are_tried_one_after_the_other_are_each_forgotten_in_time() {
        let (handle, mut engine, [dead, other]) = started();
        let died = [other.with_status(Status::Dead)];
        let restored = handle.0.step::<()>(|node, now, out| Ok(node.restore(now, &died, out)));
        assert_eq!(restored, Some(Ok(())));
        let receive_error = Some(std::io::ErrorKind::WouldBlock);
        let mut transport = FakeTransport { receive_error, ..FakeTransport::default() };
        let mut cx = Context::from_waker(Waker::noop());
        let (mut first, mut again) = (pin!(handle.forget(dead.id())), pin!(handle.forget(dead.id())));
        let mut second = pin!(handle.forget(other.id()));
        assert!(first.as_mut().poll(&mut cx).is_pending() && again.as_mut().poll(&mut cx).is_pending());
        let mut run_until = |end: Instant| loop {
            let ControlFlow::Continue(turn) = engine.turn(&mut transport) else { panic!("it has stopped") };
            if transport.now >= end {
                return;
            }
            transport.now = turn.until.min(end);
        };
        run_until(Instant::ZERO + PATIENCE / 4);
        assert!(second.as_mut().poll(&mut cx).is_pending());
        let tried = lock(&handle.0.node).now();
        run_until(Instant::ZERO + PATIENCE);
        let done = Poll::Ready(Ok(()));
        assert!(second.as_mut().poll(&mut cx).is_pending());
        assert_eq!(first.as_mut().poll(&mut cx), done);
        assert_eq!(again.as_mut().poll(&mut cx), done, "it is forgotten, as was asked");
        let alarms = |handle: &Handle| handle.0.board.alarms();
        let before = alarms(&handle);
        run_until(tried + PATIENCE);
        assert_eq!(alarms(&handle), before + 1, "it is woken");
        assert_eq!(second.as_mut().poll(&mut cx), done);
        assert!(handle.is_empty());
    }

    fn told(of: &Record, epoch: u32) -> UserEvent {
        let value: Told = (of.id().as_u64().to_be_bytes(), epoch, 0);
        let mut room = [0; 64];
        event(FORGET.name(), FORGET.encode(&value, &mut room).unwrap())
    }

    #[test]
    fn what_is_told_has_the_bytes_that_the_protocol_names() {
        let (_, _, [dead, _]) = started();
        let event = told(&dead, 300);
        let bytes = payload(&event.name, &event.bytes);
        assert_eq!(bytes[..14], *b"\x0dgossip.forget");
        assert_eq!(bytes[14..], [0, 0, 0, 0, 0, 0, 0, 0, 2, 0xAC, 2, 0]);
    }

    #[test]
    fn what_is_told_of_a_live_member_or_of_a_later_death_changes_nothing() {
        let (handle, engine, [dead, live]) = started();
        let malformed = event(FORGET.name(), b"\0short");
        for (n, event) in (1..).zip([told(&dead, 6), told(&live, 7), malformed]) {
            engine.forget(&event);
            assert_eq!(handle.host_metrics().forgets_refused, n, "{event:?}");
            assert_eq!(handle.len(), 2);
        }
        engine.forget(&told(&dead, 7));
        engine.forget(&told(&dead, 7));
        assert_eq!((handle.host_metrics().forgets_refused, handle.member(dead.id())), (3, None));
    }
}
