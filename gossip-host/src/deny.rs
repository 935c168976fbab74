//! Nodes that this one keeps out.

use crate::{handle::Handle, lock::lock};
use gossip_core::{NodeId, NotDenied};
use std::{error::Error, fmt};

impl Handle {
    /// Denies a node: it is not heard here any more, and nothing is heard of it. A live member is told as
    /// [down](gossip_core::Event::Down), and then in any case as [reaped](gossip_core::Event::Reaped). At most 64 nodes are denied at
    /// a time.
    ///
    /// This is of this node alone, for as long as it runs. Have all nodes deny it: views that differ are compared again and again.
    /// Without signatures whoever has the cluster's key can come back under another id.
    ///
    /// # Errors
    /// It is this node itself; as many are denied as there is room for; or this node has stopped. Nothing has changed.
    pub fn deny(&self, node: NodeId) -> Result<(), DenyError> {
        let denied = self.0.step(|own, now, out| own.deny(now, node, out));
        denied.ok_or(DenyError::Stopped)?.map_err(DenyError::Node)
    }

    /// Does not deny a node any more: it is a member again once it is heard of.
    pub fn allow(&self, node: NodeId) {
        lock(&self.0.node).allow(node);
    }

    /// The nodes that are denied, in the order of their ids.
    pub fn denied(&self) -> Vec<NodeId> {
        lock(&self.0.node).denied().to_vec()
    }
}

/// Why a node is not denied.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum DenyError {
    /// It is this node itself, there is no room, or this node is leaving.
    Node(NotDenied),
    /// This node has stopped.
    Stopped,
}

impl fmt::Display for DenyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(error) => error.fmt(f),
            Self::Stopped => f.write_str("this node has stopped"),
        }
    }
}

impl Error for DenyError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Options};
    use gossip_core::{ClusterName, Config, Event, Identity, Instant, Locality, Record, Versions};
    use std::task::{Context, Poll, Waker};

    fn id(n: u64) -> NodeId {
        NodeId::from_u64(n).unwrap()
    }

    #[test]
    fn who_is_denied_is_no_member_and_that_is_told() {
        let options = Options::new("node", Config::lan(ClusterName::named("deny").unwrap()));
        let (handle, engine) =
            Engine::start(options, ([127, 0, 0, 1], 7946).into(), || Instant::ZERO).unwrap();
        let identity = Identity {
            id: id(2),
            epoch: 7,
            address: ([127, 0, 0, 2], 7946).into(),
            locality: Locality::default(),
        };
        let records = [Record::new(identity, Versions::OURS)];
        let restored = handle.0.step::<()>(|node, now, out| Ok(node.restore(now, &records, out)));
        assert_eq!((restored, handle.len()), (Some(Ok(())), 1));
        let mut events = handle.events();
        assert_eq!(handle.deny(handle.id()), Err(DenyError::Node(NotDenied::Myself)));
        assert_eq!(handle.deny(id(2)), Ok(()));
        assert_eq!((handle.denied(), handle.len()), (vec![id(2)], 0));
        let mut cx = Context::from_waker(Waker::noop());
        let mut told = || match events.poll_next(&mut cx) {
            Poll::Ready(Some(Ok(notice))) => Some(notice.event),
            _ => None,
        };
        assert!(matches!(told(), Some(Event::Down(gone)) if gone == id(2)));
        assert!(matches!(told(), Some(Event::Reaped(_))) && told().is_none());
        handle.allow(id(2));
        assert_eq!(handle.denied(), []);
        drop(engine);
        assert_eq!(handle.deny(id(2)), Err(DenyError::Stopped));
    }

    #[test]
    fn there_is_a_bound_that_is_named() {
        let options = Options::new("node", Config::lan(ClusterName::named("deny").unwrap()));
        let (handle, _engine) =
            Engine::start(options, ([127, 0, 0, 1], 7946).into(), || Instant::ZERO).unwrap();
        assert!((1..=64).all(|n| handle.deny(id(n)).is_ok()));
        let refused = handle.deny(id(65)).unwrap_err();
        assert_eq!(refused, DenyError::Node(NotDenied::Full { most: 64 }));
        assert!(refused.to_string().starts_with("64 nodes are denied") && handle.denied().len() == 64);
    }
}
