//! A member, copied out of the node.

use gossip_core::{Health, Member, NodeId, Reachability, Record, Status};
use std::net::SocketAddr;

/// What this node knew of a member when it was asked: a copy, without any tie to the node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MemberView {
    /// Who.
    pub id: NodeId,
    /// The shared part: address, status, health, incarnation, locality.
    pub record: Record,
    /// What this node has observed itself.
    pub reachability: Reachability,
    /// Live, reachable from here and not unhealthy: what a load balancer wants.
    pub routable: bool,
}

impl MemberView {
    /// Where it is reached.
    pub fn address(&self) -> SocketAddr {
        self.record.address()
    }

    /// What the cluster believes of it.
    pub fn status(&self) -> Status {
        self.record.status()
    }

    /// Its own statement of its fitness to serve.
    pub fn health(&self) -> Health {
        self.record.health()
    }
}

impl From<Member<'_>> for MemberView {
    fn from(member: Member<'_>) -> Self {
        Self {
            id: member.id(),
            record: *member.record(),
            reachability: member.reachability(),
            routable: member.is_routable(),
        }
    }
}
