//! A member, copied out of the node.

use gossip_core::{Health, Member, Memory, Node, NodeId, Reachability, Record, Status};
use std::net::SocketAddr;

/// The most bytes that the rule for names allows.
const MAX_NAME_BYTES: usize = 255;

/// What this node knew of a member when it was asked: a copy, without any tie to the node.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MemberView {
    /// Who.
    pub id: NodeId,
    /// Its name, at most 255 bytes, from which its id follows. It arrives a moment after the member itself, and is `None` for
    /// good of one whose id is not that of a name.
    pub name: Option<String>,
    /// The shared part: address, status, health, incarnation, locality.
    pub record: Record,
    /// What this node has observed itself.
    pub reachability: Reachability,
    /// Live, reachable from here and not unhealthy: what a load balancer wants.
    pub routable: bool,
    /// Who accuses it, the first accuser first, this node itself perhaps among them; empty for all but suspects.
    pub accusers: Vec<NodeId>,
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

    pub(crate) fn new<M: Memory>(node: &Node<M>, member: Member<'_>) -> Self {
        // Only suspects have accusers, and few members are suspects: the others need no look-up.
        let is_suspect = member.status() == Status::Suspect;
        let accusers = if is_suspect { node.accusers(member.id()).collect() } else { Vec::new() };
        Self {
            id: member.id(),
            name: name_of(node, member.id()),
            record: *member.record(),
            reachability: member.reachability(),
            routable: member.is_routable(),
            accusers,
        }
    }
}

/// The name that a member has published. One that breaks the rule for names, or is another's, does not count.
pub(crate) fn name_of<M: Memory>(node: &Node<M>, id: NodeId) -> Option<String> {
    let mut room = [0; MAX_NAME_BYTES];
    let name = node.name(id, &mut room)?;
    (NodeId::from_name(name) == Ok(id)).then(|| name.to_owned())
}
