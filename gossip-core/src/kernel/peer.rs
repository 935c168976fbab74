//! Who is at the other end of a packet.

use crate::vocabulary::record::NodeId;
use core::net::SocketAddr;

/// Another node: where it is, and which one it is, as far as is known. A sealed packet is bound to that one; one for an address
/// alone opens for anybody. Without the feature `seal` the id is of no use, and would cost stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    #[cfg(feature = "seal")]
    id: Option<NodeId>,
}

impl Peer {
    #[cfg_attr(not(feature = "seal"), allow(unused_variables, reason = "only who seals has a use for it"))]
    pub(crate) const fn new(id: NodeId, address: SocketAddr) -> Self {
        Self {
            address,
            #[cfg(feature = "seal")]
            id: Some(id),
        }
    }

    /// Whoever is there.
    pub(crate) const fn anybody_at(address: SocketAddr) -> Self {
        Self {
            address,
            #[cfg(feature = "seal")]
            id: None,
        }
    }

    /// Which node it is, if that is known.
    pub(crate) const fn id(&self) -> Option<NodeId> {
        #[cfg(feature = "seal")]
        return self.id;
        #[cfg(not(feature = "seal"))]
        None
    }
}
