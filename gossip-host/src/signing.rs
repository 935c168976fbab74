//! What a running node signs with.

use crate::{error::StartError, handle::Handle, lock::lock, options::Options};
use gossip_core::{Credentials, CredentialsError, Heap, Node, Outbox, Signing};
use std::{error::Error, fmt};

/// Gives a node the credentials that it starts with.
pub(crate) fn begin(
    node: &mut Node<Heap>,
    options: &Options,
    out: &mut Outbox<'_>,
) -> Result<(), StartError> {
    let Some(credentials) = &options.credentials else { return Ok(()) };
    // It knows no members yet, so there is nothing to force.
    let set = node.set_identity(node.now(), credentials.clone(), false, out);
    set.map(|_| ()).map_err(StartError::Credentials)
}

/// Whether a node signs, and who does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SigningView {
    /// Whether the node signs, and what it hears of others; `None`: it does not sign.
    pub signing: Option<Signing>,
    /// How many live members have not signed what is known of them, as far as this node has heard. One that does not sign itself
    /// keeps no signatures, and counts all.
    pub not_signed: u32,
}

impl SigningView {
    pub(crate) fn of(node: &Node<Heap>) -> Self {
        Self { signing: node.signing(), not_signed: node.members_not_signed() }
    }
}

impl Handle {
    /// Signs what this node says of itself, and hears of others as far as the credentials say, from now on. It is begun in two
    /// steps, each on all nodes before the next: all sign, and [accept](Signing::Accept) what is not signed; then all
    /// [require](Signing::Require) it.
    ///
    /// # Errors
    /// The key may not speak for this node's id; or signatures are to be required, and live members have not signed, who would be
    /// heard no more: `force` it where they should not be. [`SetIdentityError::Stopped`], if the node has stopped. Nothing has
    /// changed.
    pub fn set_identity(&self, credentials: Credentials, force: bool) -> Result<(), SetIdentityError> {
        let set = self.0.step(|node, now, out| node.set_identity(now, credentials, force, out));
        set.ok_or(SetIdentityError::Stopped)?.map_err(SetIdentityError::Credentials)
    }

    /// Whether this node signs, and how many live members have not.
    pub fn signing(&self) -> SigningView {
        SigningView::of(&lock(&self.0.node))
    }
}

/// Why a node does not sign with other credentials.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SetIdentityError {
    /// They are refused.
    Credentials(CredentialsError),
    /// The node has stopped.
    Stopped,
}

impl fmt::Display for SetIdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials(error) => error.fmt(f),
            Self::Stopped => f.write_str("this node has stopped"),
        }
    }
}

impl Error for SetIdentityError {}

#[cfg(test)]
mod tests;
