//! The public steps.
use crate::*;
use core::net::SocketAddr;
use core::time::Duration;

/// One participant: the protocol as a pure state machine over its memory.
pub struct Node<M> { config: Config, memory: M }

/// A member as this node sees it: its record, and what this node observed itself.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> { record: &'a Record, reachability: Reachability }
impl<'a> Member<'a> {
    /// The shared part.
    pub fn record(&self) -> &'a Record { self.record }
    /// Who.
    pub fn id(&self) -> NodeId { self.record.id() }
    /// Where it is reached.
    pub fn address(&self) -> SocketAddr { self.record.address() }
    /// Where it runs
    pub fn locality(&self) -> Locality { self.record.locality() }
    /// What the cluster believes of it.
    pub fn status(&self) -> Status { self.record.status() }
    /// Which life.
    pub fn incarnation(&self) -> Incarnation { self.record.incarnation() }
    /// What it says of its own fitness.
    pub fn health(&self) -> Health { self.record.health() }
    /// What this node observed.
    pub fn reachability(&self) -> Reachability { self.reachability }
    /// Live, not locally unreachable, and not unhealthy: what a load balancer wants.
    pub fn is_routable(&self) -> bool { todo!() }
}
/// Members
#[derive(Clone, Debug)]
pub struct Members<'a> { slots: core::slice::Iter<'a, Record> }
impl<'a> Iterator for Members<'a> { type Item = Member<'a>; fn next(&mut self) -> Option<Member<'a>> { todo!() } }
impl ExactSizeIterator for Members<'_> {}

impl<M: Memory> Node<M> {
    /// A node that knows only itself. `seed` must differ from node to node and from start to start.
    pub fn new(config: Config, identity: Identity, seed: [u8; 32], memory: M, now: Instant) -> Result<Self, ConfigError> { todo!() }
    /// Takes in one datagram; it is opened in place.
    pub fn handle_datagram<'o>(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8], out: &'o mut Outbox<'_>) -> Output<'o> { todo!() }
    /// Does what is due.
    pub fn tick<'o>(&mut self, now: Instant, out: &'o mut Outbox<'_>) -> Output<'o> { todo!() }
    /// Starts (or restarts) joining through these addresses; may be called again with fresh ones at any time. Own address is ignored; at most 16 are kept.
    pub fn join<'o>(&mut self, now: Instant, seeds: &[SocketAddr], out: &'o mut Outbox<'_>) -> Output<'o> { todo!() }
    /// Leaves: tells others; `Event::LeaveDone` when enough know.
    pub fn leave<'o>(&mut self, now: Instant, out: &'o mut Outbox<'_>) -> Output<'o> { todo!() }
    /// Says how fit this node is to serve.
    pub fn set_health<'o>(&mut self, now: Instant, health: Health, out: &'o mut Outbox<'_>) -> Output<'o> { todo!() }
    /// Asks others for patience: this node expects not to answer for `pause` (rounded up to seconds, at most 255).
    pub fn announce_pause<'o>(&mut self, now: Instant, pause: Duration, out: &'o mut Outbox<'_>) -> Output<'o> { todo!() }
    /// Takes another configuration over. Cluster and max_datagram are fixed.
    pub fn reconfigure<'o>(&mut self, now: Instant, config: Config, out: &'o mut Outbox<'_>) -> Result<Output<'o>, ConfigError> { todo!() }
    /// Takes in records persisted earlier (a view to start from).
    pub fn restore<'o>(&mut self, now: Instant, records: &[Record], out: &'o mut Outbox<'_>) -> Output<'o> { todo!() }
    /// When `tick` must be called at the latest.
    pub fn next_tick(&self) -> Instant { todo!() }
    /// All known others: live first, then tombstones.
    pub fn members(&self) -> Members<'_> { todo!() }
    /// One of them (or this node itself).
    pub fn member(&self, id: NodeId) -> Option<Member<'_>> { todo!() }
    /// This node's own record
    pub fn identity(&self) -> Record { todo!() }
    /// Of all live records, this node's included.
    pub fn fingerprint(&self) -> Fingerprint { todo!() }
    /// Whether the first fetch is done (true as well for a node that never joined anyone?)
    pub fn is_joined(&self) -> bool { todo!() }
    /// Lifeguard's local health score, 0 (well) to 8.
    pub fn local_health(&self) -> u8 { todo!() }
    /// What it counted.
    pub fn metrics(&self) -> &Metrics { todo!() }
    /// config
    pub fn config(&self) -> &Config { &self.config }
}
