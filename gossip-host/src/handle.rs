//! The user's side of a running node.

use crate::{
    board::Board,
    counters::HostMetrics,
    events::Events,
    join::WaitJoined,
    leave::Leave,
    lock::lock,
    options::with_port,
    seeds::{Seed, UnresolvedSeed},
    shared::Shared,
    view::MemberView,
    view_file::Restored,
    watch::Watch,
};
use gossip_core::{
    Config, ConfigError, Endpoint, Fingerprint, Health, Member, Metrics, NodeId, Record, RoundTrip, Zone,
};
use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// A running node, as its host sees it: ask for its view, subscribe to changes, and tell it what to do.
///
/// Clones are cheap and are all the same node. Reading copies what is there now. Requests return at once and
/// are carried out by the driver; of several not yet carried out the last of a kind counts. Dropping handles
/// changes nothing: the node runs until it leaves or its driver is dropped, and then the futures made here
/// resolve.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Shared>);

impl Handle {
    /// The node's id.
    pub fn id(&self) -> NodeId {
        self.0.id
    }

    /// The address that the socket is bound to. Others reach the node at `me().address()`.
    pub fn local_addr(&self) -> SocketAddr {
        self.0.local
    }

    /// Every other member known: the live ones first, then those that are dead or left and still remembered.
    pub fn members(&self) -> Vec<MemberView> {
        self.0.members()
    }

    /// How many other members are known: as many as [`members`](Self::members) returns.
    pub fn len(&self) -> usize {
        lock(&self.0.node).members().len()
    }

    /// Whether no other member is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The members to send requests to: live, reachable from here and not unhealthy.
    pub fn routable(&self) -> Vec<MemberView> {
        let node = lock(&self.0.node);
        node.members().filter(Member::is_routable).map(|member| MemberView::new(&node, member)).collect()
    }

    /// Shows every other member known, in the order of [`members`](Self::members), and copies nothing.
    ///
    /// The node waits until `see` has seen them all: do little in it, and call no method of a handle.
    pub fn for_each_member(&self, see: impl FnMut(Member<'_>)) {
        lock(&self.0.node).members().for_each(see);
    }

    /// One member, or this node itself.
    pub fn member(&self, id: NodeId) -> Option<MemberView> {
        let node = lock(&self.0.node);
        node.member(id).map(|member| MemberView::new(&node, member))
    }

    /// This node's own record, as it is told to others.
    pub fn me(&self) -> Record {
        lock(&self.0.node).me()
    }

    /// The fingerprint of all live records, this node's included: equal on two nodes that agree.
    pub fn fingerprint(&self) -> Fingerprint {
        lock(&self.0.node).fingerprint()
    }

    /// The zones that are silent as a whole, seen from here, and whose members are not accused for now.
    pub fn quarantined_zones(&self) -> Vec<Zone> {
        lock(&self.0.node).quarantined_zones().collect()
    }

    /// Whether the node has joined: the first fetch of the members is done, or there is no node to join. True once
    /// [`Event::Joined`](gossip_core::Event::Joined) was raised, unless the node started over since.
    pub fn is_joined(&self) -> bool {
        lock(&self.0.node).is_joined()
    }

    /// Waits until the node has joined. A node without seeds (or with none but itself) has as soon as its driver runs.
    ///
    /// While no seed answers, this waits: use a timeout if that is an error, and see
    /// [`unresolved_seeds`](Self::unresolved_seeds) for names that cannot be looked up.
    pub fn wait_joined(&self) -> WaitJoined {
        WaitJoined::new(self.board())
    }

    /// How slow this node thinks it is itself: 0 (well) to 8.
    pub fn local_health(&self) -> u8 {
        lock(&self.0.node).local_health()
    }

    /// Whether this node suspects itself of being cut off, and accuses nobody therefore.
    pub fn is_self_quarantined(&self) -> bool {
        lock(&self.0.node).is_self_quarantined()
    }

    /// The round trips that its probes have measured, by zone: of the first 16 zones that answered. A zone's figures are those of
    /// all its members together.
    pub fn round_trips(&self) -> Vec<RoundTrip> {
        let mut trips: Vec<RoundTrip> = lock(&self.0.node).round_trips().collect();
        trips.sort_by_key(|trip| trip.zone);
        trips
    }

    /// What the node counted.
    pub fn metrics(&self) -> Metrics {
        *lock(&self.0.node).metrics()
    }

    /// What its host counted.
    pub fn host_metrics(&self) -> HostMetrics {
        let (events_lagged, user_events_lagged) = self.0.board.lagged();
        HostMetrics { events_lagged, user_events_lagged, ..*lock(&self.0.metrics) }
    }

    /// The seeds whose name could not be looked up the last time, and why; and those that were never found so far.
    pub fn unresolved_seeds(&self) -> Vec<UnresolvedSeed> {
        lock(&self.0.unresolved).clone()
    }

    /// What the file of the view was good for when the node started.
    pub fn restored(&self) -> &Restored {
        &self.0.restored
    }

    /// The latest view, and when it changes.
    pub fn watch(&self) -> Watch {
        Watch::new(Arc::clone(&self.0))
    }

    /// What happens from now on, other than [what members send to all](Self::user_events).
    pub fn events(&self) -> Events {
        Events::new(self.board())
    }

    /// Joins through these seeds too, now and whenever the node has lost all members.
    pub fn join(&self, seeds: impl IntoIterator<Item = Seed>) {
        self.0.inbox.ask(|requests| requests.add_seeds(seeds));
    }

    /// Says how fit this node is to serve.
    pub fn set_health(&self, health: Health) {
        self.0.inbox.ask(|requests| requests.health = Some(health));
    }

    /// Asks the others for patience: this node expects not to answer for `pause`, at most 255 s.
    pub fn announce_pause(&self, pause: Duration) {
        self.0.inbox.ask(|requests| requests.pause = Some(pause));
    }

    /// Advertises another address from now on: the machine has moved, or others say that its datagrams come from there
    /// ([`Event::ObservedAddress`](gossip_core::Event::ObservedAddress)). Port 0 stands for the bound port. The socket stays
    /// as it is. Within seconds all members know.
    ///
    /// # Errors
    /// No node can be reached there. Nothing changes then.
    pub fn set_advertise(&self, address: SocketAddr) -> Result<(), ConfigError> {
        let address = with_port(address, self.0.local);
        if !Endpoint::from(address).is_unicast() {
            return Err(ConfigError::Address);
        }
        self.0.inbox.ask(|requests| requests.advertise = Some(address));
        Ok(())
    }

    /// Takes another configuration over.
    ///
    /// # Errors
    /// It is invalid, or changes what is fixed while the node runs. Nothing changes then.
    pub fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        lock(&self.0.node).config().check_change(&config)?;
        self.0.inbox.ask(|requests| requests.config = Some(config));
        Ok(())
    }

    /// Asks the driver for a sign of life, and returns how many it has given so far.
    ///
    /// For watchdogs: a driver gives one at the end of its next turn, for which this wakes it, however many were asked for by
    /// then. Where the count is the same a second later, its loop is stuck or has ended.
    pub fn check_driver(&self) -> u64 {
        self.0.inbox.ask(|requests| requests.sign = true);
        self.0.signs.load(Ordering::Relaxed)
    }

    /// Leaves: tells the others, and stops when enough have acknowledged it, or after `timeout`, at most 5 s. It
    /// begins with this call and cannot be taken back; the future only waits for the end, and says how many know.
    /// The time counts from when the driver sees it: a node whose driver does not run leaves once it does.
    pub fn leave(&self, timeout: Duration) -> Leave {
        self.0.inbox.ask(|requests| {
            requests.leave = Some(requests.leave.map_or(timeout, |other| other.min(timeout)));
        });
        Leave::new(self.board())
    }

    pub(crate) fn board(&self) -> Arc<Board> {
        Arc::clone(&self.0.board)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("id", &self.0.id).field("local", &self.0.local).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    #[test]
    fn a_handle_may_be_shared_by_threads_and_an_engine_moved_to_one() {
        fn is_shared<T: Clone + Send + Sync + 'static>() {}
        fn is_moved<T: Send + 'static>() {}
        is_shared::<Handle>();
        is_moved::<(Engine, Events, Watch, WaitJoined, Leave)>();
    }
}
