//! Questions of one member to another, and how they end.

use crate::vocabulary::record::NodeId;

/// Names a question that this node has asked, in its events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AskId(pub(crate) u32);

/// A question of another member, for [`Node::answer`](crate::Node::answer).
///
/// It is valid for as long as that member waits, which is a fraction of a second, and takes no memory in the node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Question {
    pub(crate) from: NodeId,
    pub(crate) nonce: u32,
    /// The longest datagram that reaches the asker, in bytes, as far as is known.
    pub(crate) most: u16,
}

impl Question {
    /// Who asks.
    pub fn from(&self) -> NodeId {
        self.from
    }
}

/// What a host says to a question.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Answer<'a> {
    /// The answer: these bytes.
    Found(&'a [u8]),
    /// There is nothing of this name here.
    Unknown,
    /// The host does not tell, for now or for good.
    Refused,
}

/// Why a question has no answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum AskFailure {
    /// Nothing came back: the member or its host does not answer, is asked too much, or all tries were lost.
    Silent,
    /// The member has nothing of this name.
    Unknown,
    /// The member does not tell.
    Refused,
    /// The member has died or left.
    Gone,
}
