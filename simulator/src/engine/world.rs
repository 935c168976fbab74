//! The world: hosts, the network, and time.

mod commands;
mod formed;
mod wire;

pub use commands::{Address, Epoch, Restart};
pub use formed::Published;

use super::{
    Counts, Digest, HostId, Keys, Link, Micros, NEVER, SECOND, Signers, State, Sybil, Zones,
    host::{Clock, Host},
    link::{Network, Pipe},
    packets::{Packet, PacketId, Packets},
    queue::Queue,
    signing::Notary,
};
use crate::rng::Rng;
use gossip_core::{
    Buffer, ClusterName, Config, ConfigError, Event, Heap, Identity, Incarnation, Locality, Node, NodeId,
    Outbox, Output, Record, Signing, Traffic,
};
use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    fmt,
    net::SocketAddr,
};
use wire::{Due, Wire};

/// Datagrams that wait in the socket of a host that does not read it; more are lost. What Linux keeps by
/// default: 212,992 bytes (`net.core.rmem_default`), each datagram counted with about 832 bytes of memory.
const SOCKET_QUEUE: usize = 256;
/// More ticks at one instant than any work that was cut at its bound can ask for.
const MAX_TICKS_AT_ONCE: u32 = 1_000;
/// How long a node that spins has to wait for its next tick.
const SPIN_PENALTY: Micros = 1_000;
type Out = Buffer<64, 128, 76_800>;

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Decides everything that is random.
    pub seed: u64,
    /// Every node's.
    pub config: Config,
    /// How hosts are spread.
    pub zones: Zones,
    /// Room in every node's tables, itself included.
    pub capacity: usize,
    /// What one step costs a host; zero for nothing.
    pub step_cost: Micros,
    /// Every host's way out.
    pub uplink: Option<Pipe>,
    /// What clocks and counters begin with.
    pub origin: Origin,
    /// The keys of the first hosts; see [`World::newcomers_keys`] for those that come later.
    pub keys: Vec<Keys>,
    /// What hosts sign, and whose keys are believed.
    pub signers: Signers,
}

/// What clocks and counters begin with: near the ends of their ranges, a run sees what happens there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// What the hosts' monotonic clocks show at the start of the run.
    pub uptime: Micros,
    /// What their wall clocks show at the start of the run, in Unix seconds: the first epochs.
    pub unix: u32,
    /// The refutation that a formed cluster remembers of each host. The host itself does not, and goes above it.
    pub refutation: u32,
    /// The same of its state version.
    pub state_version: u32,
}

impl Origin {
    /// What the cluster remembers of a host that says this of itself.
    fn remembered(self, me: Record) -> Record {
        let incarnation = Incarnation { refutation: self.refutation, ..me.incarnation() };
        me.with_incarnation(incarnation).with_state(
            self.state_version.max(me.state_version()),
            me.health(),
            0,
        )
    }
}

impl Default for Origin {
    fn default() -> Self {
        Self { uptime: 0, unix: 1_800_000_000, refutation: 0, state_version: 0 }
    }
}

/// What called a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// A datagram came.
    Datagram,
    /// A deadline came.
    Tick,
    /// The host said so.
    Command,
}

/// A step that was just made.
#[derive(Debug)]
pub struct Step<'a> {
    /// When.
    pub now: Micros,
    /// Where.
    pub host: HostId,
    /// What called it.
    pub input: Input,
    /// All hosts, after the step.
    pub hosts: &'a [Host],
    /// What came of it.
    pub output: &'a Output<'a>,
    /// Whose host an id is.
    pub ids: &'a HashMap<NodeId, HostId>,
}

impl Step<'_> {
    /// The host that made it.
    pub fn at(&self) -> &Host {
        &self.hosts[self.host as usize]
    }
}

/// Sees every step.
pub trait Watch {
    /// A step was made.
    fn step(&mut self, step: &Step<'_>);
    /// A packet was sent, whatever becomes of it.
    fn sent(&mut self, now: Micros, host: HostId, class: Traffic, len: usize);
    /// The packet that was just sent goes to another zone.
    fn crossed(&mut self, _border: Border, _class: Traffic, _len: usize) {}
}

/// What lies between two zones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Border {
    /// They are zones of one region.
    Zone,
    /// They are in two regions.
    Region,
}

impl Border {
    fn between(a: Locality, b: Locality) -> Option<Self> {
        match a.region == b.region {
            true => (a.domain() != b.domain()).then_some(Self::Zone),
            false => Some(Self::Region),
        }
    }
}

impl Watch for () {
    fn step(&mut self, _: &Step<'_>) {}
    fn sent(&mut self, _: Micros, _: HostId, _: Traffic, _: usize) {}
}

/// How a new host differs from the one that its number makes it.
#[derive(Clone, Copy, Default, Debug)]
pub struct Newcomer {
    /// Whose name it has, too.
    pub name_of: Option<HostId>,
    /// Whose former address it has.
    pub address: Option<SocketAddr>,
    /// Where it runs.
    pub locality: Option<Locality>,
    /// Whether it is an attacker's.
    pub sybil: Option<Sybil>,
}

impl<W> fmt::Debug for World<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("hosts", &self.hosts.len()).finish_non_exhaustive()
    }
}

/// Real nodes over virtual links in virtual time. Same seed and calls, same bytes.
pub struct World<W = ()> {
    hosts: Vec<Host>,
    /// Sees every step.
    pub watch: W,
    /// The keys of hosts that are not among the first.
    pub newcomers_keys: Keys,
    /// What such hosts ask of others, if they sign.
    pub newcomers_signing: Option<Signing>,
    notary: Notary,
    setup: Setup,
    buffer: Box<Out>,
    wire: Wire,
    ids: HashMap<NodeId, HostId>,
    digest: Digest,
    /// Who is said to have sent what a host just got by hand, and the bytes that went there in return.
    drawn: Option<(SocketAddr, usize)>,
}

impl<W: Watch> World<W> {
    /// A world without hosts, with a link for each pair of zones (sender's, receiver's).
    pub fn new(setup: Setup, link: impl Fn(Locality, Locality) -> Link, watch: W) -> Self {
        let wire = Wire {
            now: 0,
            queue: Queue::new(),
            packets: Packets::default(),
            network: Network::new(setup.zones, link),
            rng: Rng::new(setup.seed),
            owners: Vec::new(),
            counts: Counts::default(),
            recorded: None,
        };
        Self {
            hosts: Vec::new(),
            watch,
            newcomers_keys: Keys::default(),
            newcomers_signing: None,
            notary: Notary::new(setup.seed, setup.config.cluster, &setup.signers),
            setup,
            buffer: Box::new(Out::new()),
            wire,
            ids: HashMap::new(),
            digest: Digest::new(),
            drawn: None,
        }
    }

    /// All hosts, those that are down included; a [`HostId`] is a place in it.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The hosts that run.
    pub fn running(&self) -> impl Iterator<Item = (HostId, &Host)> {
        (0..).zip(&self.hosts).filter(|(_, host)| host.is_running())
    }

    /// Lets an attacker on the way remember the latest packets.
    pub(crate) fn begin_recording(&mut self) {
        self.wire.recorded.get_or_insert_default();
    }

    /// What that one remembers.
    pub(crate) fn recorded(&self) -> &VecDeque<Packet> {
        const NONE: &VecDeque<Packet> = &VecDeque::new();
        self.wire.recorded.as_ref().unwrap_or(NONE)
    }

    /// The time.
    pub fn now(&self) -> Micros {
        self.wire.now
    }

    /// The watch, to be told something of the hosts beside it.
    pub fn watch_and_hosts(&mut self) -> (&mut W, &[Host]) {
        (&mut self.watch, &self.hosts)
    }

    /// What all nodes are in.
    pub(crate) fn cluster(&self) -> ClusterName {
        self.setup.config.cluster
    }

    /// How hosts are spread.
    pub fn zones(&self) -> Zones {
        self.setup.zones
    }

    /// A hash of all that happened so far.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What happened to packets.
    pub fn counts(&self) -> Counts {
        self.wire.counts
    }

    /// Packets under way, those in sockets included.
    pub fn packets_under_way(&self) -> usize {
        self.wire.packets.len()
    }

    /// What is planned: arrivals, and hosts that wake up, at times that no longer count, too.
    pub fn planned(&self) -> usize {
        self.wire.queue.len()
    }

    /// Random choices for whoever drives this world, from the same seed.
    pub(crate) fn rng(&mut self) -> &mut Rng {
        &mut self.wire.rng
    }

    /// Unix seconds as a right clock shows them.
    fn unix(&self) -> u32 {
        self.setup.origin.unix + (self.wire.now / SECOND) as u32
    }

    /// Starts a new host whose node knows no one.
    ///
    /// # Errors
    /// A configuration that the core refuses.
    pub fn add(&mut self, newcomer: Newcomer) -> Result<HostId, ConfigError> {
        let host = self.found(self.wire.now, newcomer)?;
        self.equip(host, self.wire.now);
        self.schedule(host);
        Ok(host)
    }

    /// Gives a host's node, which has just begun and sends nothing yet, its keys and its credentials.
    fn equip(&mut self, host: HostId, now: Micros) {
        let Self { hosts, buffer, notary, ids, .. } = self;
        let at = &mut hosts[host as usize];
        // Who has another's name has a copy of its key, too.
        let owner = ids.get(&at.id).copied().unwrap_or(host);
        at.take_keys(now, &mut buffer.outbox());
        let credentials =
            at.signing.and_then(|signing| notary.credentials((at.id, owner), signing, at.sybil));
        if let Some(credentials) = credentials {
            at.take_identity(now, credentials, &mut buffer.outbox());
        }
    }

    fn found(&mut self, begin: Micros, newcomer: Newcomer) -> Result<HostId, ConfigError> {
        let host = self.hosts.len() as HostId;
        let duplicate = newcomer.name_of.and_then(|host| self.hosts.get(host as usize));
        let id = match duplicate {
            Some(duplicate) => duplicate.id,
            None => self.notary.id(host)?,
        };
        let locality = newcomer.locality.unwrap_or_else(|| self.setup.zones.locality(host));
        let keys = self.setup.keys.get(host as usize).copied().unwrap_or(self.newcomers_keys);
        let signing = self.setup.signers.first.get(host as usize).copied().unwrap_or(self.newcomers_signing);
        let fresh = self.wire.fresh_address(host);
        let address = self.wire.place(host, newcomer.address.map_or(Address::Own, Address::At), fresh);
        let (clock, epoch) = (Clock::showing(self.setup.origin.uptime), self.unix());
        let node = self.start(Identity { id, epoch, address, locality }, clock, begin)?;
        self.ids.entry(id).or_insert(host);
        self.hosts.push(Host {
            id,
            address,
            first_address: address,
            locality,
            next_tick: clock.global(node.next_tick()),
            node,
            state: State::Running,
            life: 1,
            born: self.wire.now,
            epoch,
            keys,
            signing,
            sybil: newcomer.sybil,
            clock,
            wake: NEVER,
            busy_until: 0,
            blocked_until: 0,
            socket_first: false,
            step_cost: self.setup.step_cost,
            uplink: self.setup.uplink,
            uplink_free: 0,
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
            ticks: (0, 0),
            snapshot: None,
        });
        Ok(host)
    }

    fn start(&mut self, identity: Identity, clock: Clock, begin: Micros) -> Result<Node<Heap>, ConfigError> {
        let memory = Heap::for_members(self.setup.capacity);
        Node::new(self.setup.config, identity, self.wire.rng.node_seed(), memory, clock.local(begin))
    }

    /// Lets time pass until `end`, that instant included.
    pub fn run_until(&mut self, end: Micros) {
        while let Some((at, due)) = self.wire.queue.pop_until(end) {
            self.wire.now = at;
            match due {
                Due::Deliver(packet) => self.deliver(packet),
                Due::Wake(host) => {
                    if self.hosts[host as usize].wake == at {
                        self.hosts[host as usize].wake = NEVER;
                        self.work(host);
                    }
                }
            }
        }
        self.wire.now = self.wire.now.max(end);
    }

    fn deliver(&mut self, packet: PacketId) {
        let to = self.wire.packets.get(packet).to;
        let listening = self.wire.owner(to).filter(|&host| {
            let at = &self.hosts[host as usize];
            at.is_running() && at.address == to
        });
        let Some(host) = listening else {
            self.wire.counts.unheard += 1;
            self.wire.packets.free(packet);
            return;
        };
        let at = &mut self.hosts[host as usize];
        if at.inbox.is_empty() && !at.is_stopped(self.wire.now) {
            self.hand_over(host, packet);
        } else if at.inbox.len() < SOCKET_QUEUE {
            at.inbox.push_back(packet);
        } else {
            self.wire.counts.overflowed += 1;
            self.wire.packets.free(packet);
        }
        self.schedule(host);
    }

    fn hand_over(&mut self, host: HostId, packet: PacketId) {
        self.wire.counts.delivered += 1;
        let place = self.wire.packets.get_mut(packet);
        let (from, mut bytes) = (place.from, std::mem::take(&mut place.bytes));
        self.step(host, Input::Datagram, |node, now, out| node.handle_datagram(now, from, &mut bytes, out));
        self.wire.packets.get_mut(packet).bytes = bytes;
        self.wire.packets.free(packet);
    }

    /// Lets a host do what it can do now.
    fn work(&mut self, host: HostId) {
        loop {
            let now = self.wire.now;
            let at = &mut self.hosts[host as usize];
            if !at.is_running() || at.busy_until > now {
                break;
            }
            let blocked = at.blocked_until > now;
            if !blocked && !at.outbox.is_empty() {
                self.flush(host);
                continue;
            }
            let mail = !blocked && !at.inbox.is_empty();
            let due = at.next_tick <= now;
            if mail && (at.socket_first || !due) {
                if let Some(packet) = at.inbox.pop_front() {
                    self.hand_over(host, packet);
                }
                continue;
            }
            at.socket_first = false;
            if !due {
                break;
            }
            self.tick(host);
        }
        self.schedule(host);
    }

    fn tick(&mut self, host: HostId) {
        let now = self.wire.now;
        let at = &mut self.hosts[host as usize];
        at.ticks = if at.ticks.0 == now { (now, at.ticks.1 + 1) } else { (now, 1) };
        self.step(host, Input::Tick, |node, now, out| node.tick(now, out));
        let at = &mut self.hosts[host as usize];
        if at.ticks.1 >= MAX_TICKS_AT_ONCE && at.next_tick <= now {
            self.wire.counts.spins += 1;
            at.next_tick = now + SPIN_PENALTY;
        }
    }

    /// Sends what a host could not send while it was blocked.
    fn flush(&mut self, host: HostId) {
        let waiting = std::mem::take(&mut self.hosts[host as usize].outbox);
        for packet in waiting {
            let place = self.wire.packets.get_mut(packet);
            let (to, bytes) = (place.to, std::mem::take(&mut place.bytes));
            self.wire.send(&mut self.hosts, host, to, &bytes);
            self.wire.packets.get_mut(packet).bytes = bytes;
            self.wire.packets.free(packet);
        }
    }

    fn step(
        &mut self,
        host: HostId,
        input: Input,
        call: impl for<'o> FnOnce(&mut Node<Heap>, gossip_core::Instant, &'o mut Outbox<'_>) -> Output<'o>,
    ) {
        let Ok(()) = self.try_step(host, input, |node, now, out| Ok::<_, Infallible>(call(node, now, out)));
    }

    /// A step that the node may refuse; then nothing has happened.
    fn try_step<E>(
        &mut self,
        host: HostId,
        input: Input,
        call: impl for<'o> FnOnce(
            &mut Node<Heap>,
            gossip_core::Instant,
            &'o mut Outbox<'_>,
        ) -> Result<Output<'o>, E>,
    ) -> Result<(), E> {
        let now = self.wire.now;
        self.wire.counts.steps += 1;
        let at = &mut self.hosts[host as usize];
        let mut outbox = self.buffer.outbox();
        let malformed = at.node.metrics().malformed;
        let output = call(&mut at.node, at.clock.local(now), &mut outbox)?;
        self.wire.counts.malformed += at.node.metrics().malformed - malformed;
        at.next_tick = at.clock.global(output.next_tick);
        if at.step_cost > 0 {
            at.busy_until = at.busy_until.max(now + at.step_cost);
        }
        for event in output.events() {
            match *event {
                Event::EpochBumped { epoch } => at.epoch = epoch,
                Event::LeaveDone { .. } => at.state = State::Gone,
                _ => {}
            }
        }
        if output.packets().len() > 0 || !output.events().is_empty() {
            self.digest.step(now, host);
        }
        for packet in output.packets() {
            self.wire.counts.sent += 1;
            self.digest.packet(packet.bytes);
            if let Some((_, drawn)) = self.drawn.as_mut().filter(|(from, _)| *from == packet.to) {
                *drawn += packet.bytes.len();
            }
            self.watch.sent(now, host, packet.class, packet.bytes.len());
            if let Some(border) = self.wire.border(&self.hosts, host, packet.to) {
                self.watch.crossed(border, packet.class, packet.bytes.len());
            }
            self.wire.send(&mut self.hosts, host, packet.to, packet.bytes);
        }
        for event in output.events() {
            self.digest.event(event);
        }
        self.watch.step(&Step { now, host, input, hosts: &self.hosts, output: &output, ids: &self.ids });
        Ok(())
    }

    /// Sees to it that the host wakes up in time.
    fn schedule(&mut self, host: HostId) {
        let at = &mut self.hosts[host as usize];
        if !at.is_running() {
            return;
        }
        let due = at.due(self.wire.now);
        if due < at.wake {
            at.wake = due;
            self.wire.queue.push(due, Due::Wake(host));
        }
    }
}
