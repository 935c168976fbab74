//! The network itself: hosts, time, and what can be done to them.

use crate::{
    Told,
    host::{Host, State, Tally},
    watch::{Input, Step, Watch},
    wire::{Datagram, Due, Link, Wire},
};
use gossip_core::{
    Buffer, Config, Event, Identity, Instant, Locality, Memory, Node, NodeId, Outbox, Output, Record, Status,
    Verdict,
};
use std::{collections::HashMap, fmt, net::SocketAddr, time::Duration};

/// Datagrams that wait in the socket of a paused host; more are lost.
const SOCKET_QUEUE: usize = 1_000;
/// More ticks at one instant than any cut work can ask for: the node spins.
const MAX_TICKS_AT_ONCE: u32 = 1_000;
/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(10);
/// What the first life of every host starts with.
pub const FIRST_EPOCH: u32 = 1_000;

/// An outbox of whatever size.
trait Lend {
    fn outbox(&mut self) -> Outbox<'_>;
}

impl<const P: usize, const E: usize, const B: usize> Lend for Buffer<P, E, B> {
    fn outbox(&mut self) -> Outbox<'_> {
        Buffer::outbox(self)
    }
}

/// What is done with a node before anything else.
type Prelude<M> = Box<dyn Fn(&mut Node<M>, Instant, &mut Outbox<'_>)>;

/// Real nodes over virtual links in virtual time. The same seed and calls: the same bytes.
pub struct Network<M, W = ()> {
    /// All hosts ever added, running or not.
    pub hosts: Vec<Host<M>>,
    /// Sees every step.
    pub watch: W,
    /// The configuration of hosts added from now on.
    pub config: Config,
    memory: Box<dyn Fn() -> M>,
    prelude: Prelude<M>,
    buffer: Box<dyn Lend>,
    wire: Wire,
    /// Only ever looked up, so that its order cannot matter.
    addresses: HashMap<SocketAddr, usize>,
    used_addresses: u32,
}

impl<M, W> fmt::Debug for Network<M, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("hosts", &self.hosts.len()).finish_non_exhaustive()
    }
}

impl<M: Memory, W: Watch<M>> Network<M, W> {
    /// A network without hosts, whose nodes keep their tables in what `memory` makes.
    pub fn new(seed: u64, config: Config, memory: impl Fn() -> M + 'static, watch: W) -> Self {
        Self {
            hosts: Vec::new(),
            watch,
            config,
            memory: Box::new(memory),
            prelude: Box::new(|_, _, _| {}),
            buffer: Box::new(Buffer::<64, 128, 76_800>::new()),
            wire: Wire::new(seed),
            addresses: HashMap::new(),
            used_addresses: 0,
        }
    }

    /// Does this with each node that starts from now on, before anything else.
    pub fn set_prelude(&mut self, prelude: impl Fn(&mut Node<M>, Instant, &mut Outbox<'_>) + 'static) {
        self.prelude = Box::new(prelude);
    }

    /// Uses another outbox from now on.
    pub fn lend<const P: usize, const E: usize, const B: usize>(&mut self, buffer: Buffer<P, E, B>) {
        self.buffer = Box::new(buffer);
    }

    /// The time that all hosts share.
    pub fn now(&self) -> Instant {
        self.wire.now
    }

    /// Makes all links like this one from now on.
    pub fn set_link(&mut self, link: Link) {
        self.wire.link = link;
    }

    /// Loses what the first of two addresses sends to the second, wherever `cut` says so.
    pub fn set_cut(&mut self, cut: impl Fn(SocketAddr, SocketAddr) -> bool + 'static) {
        self.wire.cut = Box::new(cut);
    }

    /// Loses what the first of two addresses sends to the second where it is longer than `passes` says.
    pub fn set_passes(&mut self, passes: impl Fn(SocketAddr, SocketAddr) -> usize + 'static) {
        self.wire.passes = Box::new(passes);
    }

    /// An address that no one has had yet.
    pub fn fresh_address(&mut self) -> SocketAddr {
        let n = self.used_addresses;
        self.used_addresses += 1;
        ([10, (n >> 16) as u8, (n >> 8) as u8, n as u8], 7_946).into()
    }

    /// Starts a host whose node knows no one.
    pub fn add(&mut self, name: &str) -> usize {
        self.add_at(name, Locality::default())
    }

    /// The same in a region, zone and rack.
    pub fn add_at(&mut self, name: &str, locality: Locality) -> usize {
        let (id, address, config) = (crate::id(name), self.fresh_address(), self.config);
        let identity = Identity { id, epoch: FIRST_EPOCH, address, locality };
        let node = self.start(config, identity);
        self.hosts.push(Host {
            id,
            address,
            epoch: FIRST_EPOCH,
            locality,
            config,
            node,
            sent: Tally::default(),
            events: Vec::new(),
            told: Told::default(),
            tick_grid: None,
            life: 1,
            state: State::Running,
            inbox: Vec::new(),
            wake: Instant::NEVER,
            ticks_now: (Instant::ZERO, 0),
        });
        let host = self.hosts.len() - 1;
        self.addresses.insert(address, host);
        self.wake(host);
        host
    }

    fn start(&mut self, config: Config, identity: Identity) -> Node<M> {
        let seed = self.wire.rng.node_seed();
        match Node::new(config, identity, seed, (self.memory)(), self.wire.now) {
            Ok(mut node) => {
                (self.prelude)(&mut node, self.wire.now, &mut self.buffer.outbox());
                node
            }
            Err(error) => panic!("a test's configuration: {error}"),
        }
    }

    /// Starts `n` hosts more, all of which join through the first three of the network.
    pub fn add_joined(&mut self, n: usize) {
        for _ in 0..n {
            let host = self.add(&format!("node-{}", self.hosts.len()));
            self.join(host, &[0, 1, 2]);
        }
    }

    /// Starts `n` hosts that know all of each other, as if they had persisted their views.
    pub fn add_restored(&mut self, n: usize) {
        let first = self.hosts.len();
        for i in 0..n {
            self.add(&format!("node-{}", first + i));
        }
        let records: Vec<Record> = self.hosts.iter().map(|host| host.node.me()).collect();
        for host in first..first + n {
            self.command(host, |node, now, out| node.restore(now, &records, out));
        }
    }

    /// Lets a host join through others, by their numbers.
    pub fn join(&mut self, host: usize, seeds: &[usize]) {
        let seeds: Vec<SocketAddr> =
            seeds.iter().filter_map(|&seed| self.hosts.get(seed)).map(|seed| seed.address).collect();
        self.command(host, |node, now, out| node.join(now, &seeds, out));
    }

    /// Lets a host leave.
    pub fn leave(&mut self, host: usize) {
        self.command(host, |node, now, out| node.leave(now, out));
    }

    /// Moves a host, which does not notice: its datagrams come from the new address from now on, and reach it there only.
    pub fn move_to(&mut self, host: usize, address: SocketAddr) {
        self.addresses.remove(&self.hosts[host].address);
        self.send_from(host, address);
    }

    /// Lets a host's datagrams come from another address from now on. It is reached there and where it was before.
    pub fn send_from(&mut self, host: usize, address: SocketAddr) {
        self.addresses.insert(address, host);
        self.hosts[host].address = address;
    }

    /// Stops a host without a word.
    pub fn crash(&mut self, host: usize) {
        // Another may have started there since.
        if self.addresses.get(&self.hosts[host].address) == Some(&host) {
            self.addresses.remove(&self.hosts[host].address);
        }
        self.hosts[host].state = State::Down;
        self.hosts[host].inbox.clear();
    }

    /// Starts a host again under its name, after a crash if it still runs, in the next life.
    pub fn restart(&mut self, host: usize, address: SocketAddr) {
        self.restart_in(host, address, self.hosts[host].epoch + 1);
    }

    /// Starts a host again in this epoch.
    pub fn restart_in(&mut self, host: usize, address: SocketAddr, epoch: u32) {
        self.crash(host);
        let Host { id, locality, config, .. } = self.hosts[host];
        let node = self.start(config, Identity { id, epoch, address, locality });
        self.addresses.insert(address, host);
        let at = &mut self.hosts[host];
        (at.node, at.address, at.epoch, at.state) = (node, address, epoch, State::Running);
        (at.wake, at.life, at.told) = (Instant::NEVER, at.life + 1, Told::default());
        self.wake(host);
    }

    /// Stops a host as a whole for a while: a long collection of garbage, a frozen machine.
    pub fn pause(&mut self, host: usize, pause: Duration) {
        let until = self.wire.now + pause;
        self.hosts[host].state = State::Paused { until };
        self.wire.schedule(until, Due::Resume { host });
    }

    /// Calls a step of a running host's node, and sends what it says.
    pub fn command(
        &mut self,
        host: usize,
        call: impl for<'o> FnOnce(&mut Node<M>, Instant, &'o mut Outbox<'_>) -> Output<'o>,
    ) -> Verdict {
        assert!(self.hosts[host].is_running(), "only a running host takes commands");
        self.step(host, Input::Command, call)
    }

    /// Hands a datagram to a host's node at once, whoever it is from.
    pub fn inject(&mut self, host: usize, from: SocketAddr, bytes: &[u8]) -> Verdict {
        let mut bytes = bytes.to_vec();
        self.step(host, Input::Datagram, |node, now, out| node.handle_datagram(now, from, &mut bytes, out))
    }

    /// Puts a datagram on its link, whoever made it.
    pub fn send(&mut self, datagram: &Datagram) {
        self.wire.send(datagram.from, datagram.to, &datagram.bytes, true);
    }

    fn step(
        &mut self,
        host: usize,
        input: Input,
        call: impl for<'o> FnOnce(&mut Node<M>, Instant, &'o mut Outbox<'_>) -> Output<'o>,
    ) -> Verdict {
        let (at, now) = (&mut self.hosts[host], self.wire.now);
        let mut outbox = self.buffer.outbox();
        self.watch.before();
        let output = call(&mut at.node, now, &mut outbox);
        let (life, address, node) = (at.life, at.address, &at.node);
        self.watch.after(&Step { now, host, life, address, input, node, output: &output });
        if input == Input::Command {
            at.node.members().for_each(|member| at.told.given(member.id(), member.status()));
        }
        for packet in output.packets() {
            at.sent.count(packet.class, packet.bytes.len());
            self.wire.send(address, packet.to, packet.bytes, false);
        }
        for &event in output.events() {
            if let Err(wrong) = at.told.note(event) {
                panic!("host {host} was told {wrong}");
            }
            at.events.push((now, event));
            if let Event::EpochBumped { epoch } = event {
                at.epoch = epoch;
            }
        }
        let verdict = output.verdict;
        self.wake(host);
        verdict
    }

    /// Sees to it that the host's next tick is in the queue.
    fn wake(&mut self, host: usize) {
        let at = &mut self.hosts[host];
        let due = at.tick_time(self.wire.now, at.node.next_tick());
        if due < at.wake {
            at.wake = due;
            self.wire.schedule(due, Due::Tick { host });
        }
    }

    fn tick(&mut self, host: usize) {
        let (at, now) = (&mut self.hosts[host], self.wire.now);
        at.ticks_now = if at.ticks_now.0 == now { (now, at.ticks_now.1 + 1) } else { (now, 1) };
        assert!(at.ticks_now.1 <= MAX_TICKS_AT_ONCE, "host {host} asks for tick after tick at {now:?}");
        self.step(host, Input::Tick, |node, now, out| node.tick(now, out));
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Deliver { datagram, forged } => {
                let verdict = self.deliver(datagram);
                let refused = matches!(verdict, Some(Verdict::Malformed(_)));
                assert!(forged || !refused, "a node's own datagram is refused: {verdict:?}");
            }
            Due::Tick { host } => {
                let at = &mut self.hosts[host];
                if at.wake != self.wire.now || !at.is_running() {
                    return;
                }
                at.wake = Instant::NEVER;
                if at.node.next_tick() <= self.wire.now { self.tick(host) } else { self.wake(host) }
            }
            Due::Resume { host } => self.resume(host),
        }
    }

    /// Hands a datagram to whoever is at its address, if it can be handed over at once.
    fn deliver(&mut self, datagram: Datagram) -> Option<Verdict> {
        let &host = self.addresses.get(&datagram.to)?;
        let at = &mut self.hosts[host];
        match at.state {
            State::Running => return Some(self.inject(host, datagram.from, &datagram.bytes)),
            State::Paused { .. } if at.inbox.len() < SOCKET_QUEUE => at.inbox.push(datagram),
            State::Paused { .. } | State::Down => {}
        }
        None
    }

    fn resume(&mut self, host: usize) {
        let at = &mut self.hosts[host];
        if at.state != (State::Paused { until: self.wire.now }) {
            return;
        }
        (at.state, at.wake) = (State::Running, Instant::NEVER);
        let inbox = std::mem::take(&mut at.inbox);
        // Which of its timer and its socket a driver sees first is luck.
        if self.wire.rng.chance(0.5) {
            self.tick(host);
        }
        for datagram in inbox {
            let _ = self.deliver(datagram);
        }
        self.wake(host);
    }

    /// Lets time pass.
    pub fn run_for(&mut self, span: Duration) {
        let end = self.wire.now + span;
        while let Some(due) = self.wire.next(end) {
            self.happen(due);
        }
        self.wire.now = end;
    }

    /// Runs until a condition holds, and says how long that took; `None` when it does not within `limit`.
    #[must_use]
    pub fn wait(&mut self, limit: Duration, condition: impl Fn(&Self) -> bool) -> Option<Duration> {
        let start = self.wire.now;
        while !condition(self) {
            if self.wire.now.since(start) >= limit {
                return None;
            }
            self.run_for(GLANCE);
        }
        Some(self.wire.now.since(start))
    }

    /// The hosts that run.
    pub fn running(&self) -> impl Iterator<Item = &Host<M>> {
        self.hosts.iter().filter(|host| host.is_running())
    }

    /// Every running host sees exactly the running hosts as alive, and all fingerprints are equal.
    pub fn is_formed(&self) -> bool {
        let others = self.running().count() - 1;
        let mut fingerprints = self.running().map(|host| host.node.fingerprint());
        let first = fingerprints.next();
        fingerprints.all(|fingerprint| Some(fingerprint) == first)
            && self.running().all(|host| {
                let alive = |status: Status| status == Status::Alive;
                host.node.members().filter(|member| alive(member.status())).count() == others
            })
    }

    /// Every other running host gives this one that status.
    pub fn all_say(&self, of: usize, status: Status) -> bool {
        let id = self.hosts[of].id;
        let says = |host: &Host<M>| host.node.member(id).is_some_and(|member| member.status() == status);
        self.running().filter(|host| host.id != id).all(says)
    }

    /// Who declared whom dead, or heard of it: observer, victim, when.
    pub fn deaths(&self) -> Vec<(NodeId, NodeId, Instant)> {
        let deaths = |host: &Host<M>| {
            let id = host.id;
            host.events.clone().into_iter().filter_map(move |(at, event)| match event {
                Event::Down(victim) => Some((id, victim, at)),
                _ => None,
            })
        };
        self.hosts.iter().flat_map(deaths).collect()
    }

    /// What every running host believes of this one: for messages of failed assertions.
    pub fn opinions(&self, of: usize) -> String {
        let id = self.hosts[of].id;
        self.running().map(|host| format!("\n  {}: {:?}", host.id, host.node.member(id))).collect()
    }
}
