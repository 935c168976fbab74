//! What subscribers are told.

use crate::view::MemberView;
use gossip_core::{Event, Memory, Node};
use std::{fmt, time::SystemTime};

/// One event, with the member it is about as it looked right after it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Notice {
    /// What happened.
    pub event: Event,
    /// The member that it happened to; `None` if the event is about this node, or the member is forgotten.
    pub member: Option<MemberView>,
    /// When it was noticed, by this machine's clock.
    pub at: SystemTime,
}

impl Notice {
    pub(crate) fn new<M: Memory>(event: Event, node: &Node<M>, at: SystemTime) -> Self {
        let member = event.member().and_then(|id| node.member(id));
        let member = member.map(|member| MemberView::new(node, member));
        Self { event, member, at }
    }
}

/// This many notices, or user events, were gone before the subscriber read them. Ask [`Handle::members`] for the present
/// state; the stream continues with the oldest one that is left.
///
/// [`Handle::members`]: crate::Handle::members
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lagged(pub u64);

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events missed", self.0)
    }
}

impl std::error::Error for Lagged {}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::*;
    use gossip_core::{Identity, Locality, NodeId, Reachability, Record, Versions};
    use std::{net::Ipv4Addr, time::UNIX_EPOCH};

    #[test]
    fn a_notice_with_its_member_is_logged_as_json_and_read_back() {
        let id = NodeId::from_name("db-1").unwrap();
        let address = (Ipv4Addr::new(192, 0, 2, 7), 7_946).into();
        let identity = Identity { id, epoch: 9, address, locality: Locality::default() };
        let record = Record::new(identity, Versions { min: 1, max: 1 });
        let name = Some("db-1".to_owned());
        let member = MemberView {
            id,
            name,
            record,
            reachability: Reachability::Reachable,
            routable: true,
            accusers: vec![id],
        };
        for member in [None, Some(member)] {
            let notice = Notice { event: Event::Up(id), member, at: UNIX_EPOCH };
            let text = serde_json::to_string(&notice).unwrap();
            assert!(text.starts_with(&format!("{{\"event\":{{\"Up\":\"{id}\"}}")), "{text}");
            assert_eq!(serde_json::from_str::<Notice>(&text).unwrap(), notice, "{text}");
        }
    }
}
