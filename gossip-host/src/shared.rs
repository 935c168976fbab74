//! What a node's handles, its watches and its engine share.

use crate::{
    board::Board, counters::HostMetrics, lock::lock, requests::Inbox, seeds::UnresolvedSeed,
    view::MemberView, view_file::Restored,
};
use gossip_core::{Heap, Node, NodeId};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

/// What handles, watches and the engine share. No two of its locks are ever taken together.
pub(crate) struct Shared {
    pub(crate) id: NodeId,
    pub(crate) local: SocketAddr,
    pub(crate) node: Mutex<Node<Heap>>,
    pub(crate) inbox: Inbox,
    pub(crate) board: Arc<Board>,
    pub(crate) metrics: Mutex<HostMetrics>,
    pub(crate) unresolved: Mutex<Vec<UnresolvedSeed>>,
    pub(crate) restored: Restored,
}

impl Shared {
    /// Every other member known.
    pub(crate) fn members(&self) -> Vec<MemberView> {
        lock(&self.node).members().map(MemberView::from).collect()
    }
}
