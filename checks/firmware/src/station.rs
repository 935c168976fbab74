//! A node with all that it needs, and the air between the three.

use core::net::SocketAddr;
use cortex_m_semihosting::hprintln;
use gossip_core::{
    Buffer, ClusterName, Config, Event, Identity, Inline, InlineState, Instant, Locality, Node, NodeId,
    Output, Record, Terms,
};

/// Members that each node has room for, itself included.
pub const MEMBERS: usize = 64;
/// Blocks of 64 bytes for kept state: one for each member, and half as many again.
const BLOCKS: usize = MEMBERS * 3 / 2;
/// Bytes of the largest datagram: fewer than the presets' 1,200, since a node holds three of them, two to send and one that
/// has come. All nodes of a cluster must agree on it.
pub const DATAGRAM: usize = 512;
/// Packets, events and bytes of an outbox: a probe's relays and controls, all that a datagram can raise, two datagrams.
pub type Mail = Buffer<8, 59, { 2 * DATAGRAM }>;
pub type Memory = Inline<MEMBERS, 16, InlineState<MEMBERS, BLOCKS>>;
/// No secret: it is published with this story.
#[cfg(feature = "sealed")]
const KEY: &str = "gossip-key-1-6fb1c80f2e7d43a5916a0d7be25c84f3a97e1650b3d2c8f4e0917a5d6c3b2e18";
/// An empty one.
pub const MEMORY: Memory = Memory::with_state(InlineState::new());

/// A node and its outbox and receive buffer. Its tables it borrows, so that nothing large moves over the stack.
pub struct Station {
    node: Option<Node<&'static mut Memory>>,
    mail: Mail,
    received: [u8; DATAGRAM],
}

impl Station {
    /// Bytes of statics that one takes, its tables included.
    pub const STATICS: usize = size_of::<Self>() + size_of::<Memory>();
    /// The same, part by part: tables, the node's own state, outbox, receive buffer.
    pub const PARTS: [usize; 4] =
        [size_of::<Memory>(), size_of::<Option<Node<&'static mut Memory>>>(), size_of::<Mail>(), DATAGRAM];
    pub const EMPTY: Self = Self { node: None, mail: Mail::new(), received: [0; DATAGRAM] };

    /// Puts the node in place; false if it was refused. Its number is its id, and decides its seed.
    #[inline(never)]
    pub fn start(&mut self, number: u8, memory: &'static mut Memory) -> bool {
        let Ok(cluster) = ClusterName::named("firmware") else { return false };
        let config = Config::lan(cluster).with(|c| c.max_datagram = DATAGRAM as u16);
        self.node = Node::new(config, identity(number), [number; 32], memory, Instant::ZERO).ok();
        self.seal()
    }

    #[cfg(not(feature = "sealed"))]
    fn seal(&self) -> bool {
        self.node.is_some()
    }

    /// Gives the node the key of all three; false if it was refused.
    #[cfg(feature = "sealed")]
    #[inline(never)]
    fn seal(&mut self) -> bool {
        let key = gossip_core::Key::parse(KEY);
        let ring = key.and_then(|key| gossip_core::KeyRing::new(&[key]));
        let (Some(node), Ok(ring)) = (&mut self.node, ring) else { return false };
        let require = gossip_core::Sealing::Require;
        node.set_keys(Instant::ZERO, ring, require, false, &mut self.mail.outbox()).is_ok()
    }

    pub fn node(&self) -> Option<&Node<&'static mut Memory>> {
        self.node.as_ref()
    }

    /// One step, whose packets go on the air and whose events are told.
    fn step(
        &mut self,
        now: Instant,
        air: &mut Air,
        step: impl for<'o> FnOnce(
            &mut Node<&'static mut Memory>,
            &mut [u8],
            &'o mut gossip_core::Outbox<'_>,
        ) -> Output<'o>,
    ) {
        let Some(node) = &mut self.node else { return };
        let me = node.me().address();
        let number = node.me().id().as_u64();
        let mut out = self.mail.outbox();
        let output = step(node, &mut self.received, &mut out);
        for packet in output.packets() {
            air.send(me, packet.to, packet.bytes);
        }
        for event in output.events() {
            tell(now, number, *event);
        }
    }

    #[inline(never)]
    pub fn join(&mut self, now: Instant, seed: SocketAddr, air: &mut Air) {
        self.step(now, air, |node, _, out| node.join(now, &[seed], out));
    }

    #[inline(never)]
    pub fn restore(&mut self, now: Instant, records: &[Record], air: &mut Air) {
        self.step(now, air, |node, _, out| node.restore(now, records, out));
    }

    /// Publishes a value; false if it was refused.
    #[inline(never)]
    pub fn publish(&mut self, now: Instant, key: &str, value: &[u8], air: &mut Air) -> bool {
        let Some(node) = &mut self.node else { return false };
        let (me, mut out) = (node.me().address(), self.mail.outbox());
        let Ok(output) = node.publish(now, key, value, Terms::default(), &mut out) else { return false };
        for packet in output.packets() {
            air.send(me, packet.to, packet.bytes);
        }
        true
    }

    /// Takes in what has arrived, then ticks if it is time.
    #[inline(never)]
    pub fn turn(&mut self, now: Instant, air: &mut Air) {
        let Some(me) = self.node.as_ref().map(|node| node.me().address()) else { return };
        while let Some((from, len)) = air.receive(me, &mut self.received) {
            self.step(now, air, |node, received, out| {
                node.handle_datagram(now, from, received.get_mut(..len).unwrap_or_default(), out)
            });
        }
        if self.node.as_ref().is_some_and(|node| node.next_tick() <= now) {
            self.step(now, air, |node, _, out| node.tick(now, out));
        }
    }
}

/// What stands for a number that is none.
const FIRST: NodeId = match NodeId::from_u64(1) {
    Some(id) => id,
    None => panic!("not zero"),
};

/// Where a node, or one that was never there, can be reached.
pub fn identity(number: u8) -> Identity {
    let address = ([10, 0, 0, number], 7_946).into();
    let id = NodeId::from_u64(number.max(1).into()).unwrap_or(FIRST);
    Identity { id, epoch: 1, address, locality: Locality::default() }
}

#[inline(never)]
fn tell(now: Instant, number: u64, event: Event) {
    let (seconds, millis) = (now.as_micros() / 1_000_000, now.as_micros() / 1_000 % 1_000);
    match event.member() {
        // What is given all at once is too much to tell.
        Some(member) if member.as_u64() > 3 => {}
        Some(member) => {
            let what = match event {
                Event::Up(_) => "is up",
                Event::Suspected(_) => "is suspected",
                Event::Cleared(_) => "answered: no longer suspected",
                Event::Down(_) => "is dead",
                Event::State(_) => "has something new to say",
                Event::Unreachable(_) => "cannot be reached",
                Event::Reachable(_) => "can be reached again",
                _ => "changed",
            };
            hprintln!("{:3}.{:03} s  node {}: node {} {}", seconds, millis, number, member.as_u64(), what);
        }
        // Comes and goes for minutes while most of the cluster is silent.
        None if matches!(event, Event::ZoneQuarantined(_) | Event::ZoneReleased { .. }) => {}
        None => hprintln!("{:3}.{:03} s  node {}: {:?}", seconds, millis, number, event),
    }
}

/// Datagrams under way; more are lost, as on any network.
const IN_FLIGHT: usize = 16;

#[derive(Clone, Copy)]
struct Datagram {
    from: SocketAddr,
    to: SocketAddr,
    len: usize,
    bytes: [u8; DATAGRAM],
}

/// What is on its way between the nodes.
pub struct Air {
    datagrams: [Option<Datagram>; IN_FLIGHT],
    /// Numbers of the nodes that can be reached.
    pub listeners: &'static [u8],
    /// Datagrams that found no room.
    pub lost: u32,
}

impl Air {
    pub const EMPTY: Self = Self { datagrams: [None; IN_FLIGHT], listeners: &[1, 2, 3], lost: 0 };

    /// Puts a packet on its way, if anyone listens at `to`.
    #[inline(never)]
    fn send(&mut self, from: SocketAddr, to: SocketAddr, packet: &[u8]) {
        if !self.listeners.iter().any(|&number| identity(number).address == to) {
            return;
        }
        let free = self.datagrams.iter_mut().find(|place| place.is_none());
        let (Some(place), true) = (free, packet.len() <= DATAGRAM) else {
            self.lost += 1;
            return;
        };
        let datagram = place.insert(Datagram { from, to, len: packet.len(), bytes: [0; DATAGRAM] });
        datagram.bytes[..packet.len()].copy_from_slice(packet);
    }

    /// The next datagram for `to`: where it came from, and its length.
    #[inline(never)]
    fn receive(&mut self, to: SocketAddr, into: &mut [u8; DATAGRAM]) -> Option<(SocketAddr, usize)> {
        let place = self.datagrams.iter_mut().find(|place| place.as_ref().is_some_and(|it| it.to == to))?;
        let found = place.as_ref().map(|it| {
            *into = it.bytes;
            (it.from, it.len)
        });
        *place = None;
        found
    }
}
