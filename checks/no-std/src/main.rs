//! Proof that the core needs neither the standard library nor an allocator: it links, on the stable toolchain,
//! with a panic handler of our own. A dependency that brought `std` in would bring a second one (E0152); one
//! that brought `alloc` in would ask for a global allocator, and there is none.
//!
//! And it runs: two nodes on [`Inline`] memory meet. Exit status 0 says that each knows the other.

#![no_std]
#![no_main]

use core::net::SocketAddr;
use gossip_core::{
    Buffer, ClusterName, Config, Identity, Inline, Instant, Locality, Node, NodeId, Output, Status,
};

/// Steps of 10 ms within which the two must meet: five seconds of their time.
const STEPS: u64 = 500;
/// Datagrams that one direction holds; more are lost, as on any network.
const IN_FLIGHT: usize = 8;
/// Bytes of a datagram: the `max_datagram` of every preset.
const DATAGRAM: usize = 1_200;

#[link(name = "c")]
unsafe extern "C" {
    safe fn abort() -> !;
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // So that the name of every file in which a panic was left stands in the program, for `panic-files` to list.
    core::hint::black_box(info.location());
    abort()
}

// SAFETY: `main` is the symbol that the C runtime calls, its signature here is C's `int main(void)`, and
// nothing else in this program has that name. That it is called is tested by running the program.
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    match meet() {
        Some(()) => 0,
        None => 1,
    }
}

/// What is under way to one of the two nodes.
struct Wire {
    datagrams: [([u8; DATAGRAM], usize); IN_FLIGHT],
    count: usize,
}

impl Wire {
    const EMPTY: Self = Self { datagrams: [([0; DATAGRAM], 0); IN_FLIGHT], count: 0 };

    fn carry(&mut self, output: Output<'_>) {
        for packet in output.packets() {
            if let Some((bytes, len)) = self.datagrams.get_mut(self.count) {
                *len = packet.bytes.len();
                bytes[..*len].copy_from_slice(packet.bytes);
                self.count += 1;
            }
        }
    }

    fn arrived(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.datagrams[..self.count].iter_mut().map(|(bytes, len)| &mut bytes[..*len])
    }
}

fn address(which: usize) -> SocketAddr {
    ([10, 0, 0, 1 + which as u8], 7_946).into()
}

fn node(which: usize) -> Option<Node<Inline<8, 4>>> {
    let id = NodeId::from_u64(1 + which as u64)?;
    let identity = Identity { id, epoch: 1, address: address(which), locality: Locality::default() };
    let config = Config::lan(ClusterName::named("no-std").ok()?);
    let node = Node::new(config, identity, [1 + which as u8; 32], Inline::new(), Instant::ZERO).ok()?;
    seal(node)
}

#[cfg(not(feature = "sealed"))]
fn seal(node: Node<Inline<8, 4>>) -> Option<Node<Inline<8, 4>>> {
    Some(node)
}

#[cfg(feature = "sealed")]
fn seal(mut node: Node<Inline<8, 4>>) -> Option<Node<Inline<8, 4>>> {
    use gossip_core::{Key, KeyRing, Sealing};
    let key = Key::from_bytes(core::array::from_fn(|at| at as u8)).ok()?;
    let (ring, mut buffer) = (KeyRing::new(&[key]).ok()?, Buffer::<16, 128, 19_200>::new());
    let _ = node.set_keys(Instant::ZERO, ring, Sealing::Require, false, &mut buffer.outbox()).ok()?;
    Some(node)
}

fn meet() -> Option<()> {
    let mut nodes = [node(0)?, node(1)?];
    let ids = nodes.each_ref().map(|node| node.me().id());
    let mut wires = [Wire::EMPTY, Wire::EMPTY];
    let mut buffer = Buffer::<16, 128, 19_200>::new();
    let mut out = buffer.outbox_for(nodes[0].config()).ok()?;
    wires[1].carry(nodes[0].join(Instant::ZERO, &[address(1)], &mut out));
    for now in (0..STEPS).map(|step| Instant::from_millis(10 * step)) {
        for (me, other) in [(0, 1), (1, 0)] {
            let mut inbox = core::mem::replace(&mut wires[me], Wire::EMPTY);
            for datagram in inbox.arrived() {
                wires[other].carry(nodes[me].handle_datagram(now, address(other), datagram, &mut out));
            }
            wires[other].carry(nodes[me].tick(now, &mut out));
        }
        let knows = |me: usize, other: usize| {
            nodes[me].member(ids[other]).is_some_and(|member| member.status() == Status::Alive)
        };
        if knows(0, 1) && knows(1, 0) {
            return Some(());
        }
    }
    None
}
