//! A node on `std::net::UdpSocket`, one thread and no adapter: `by_hand NAME IP:PORT [SEED ...]`.
//!
//! All that an adapter does for the protocol is in these lines. The address given must be the one that others see as the
//! source of this socket's packets.

use gossip_core::{
    Buffer, ClusterName, Config, Heap, Identity, Instant, Locality, Node, NodeId, Output, Terms,
};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::{env, error::Error, net::UdpSocket, time::SystemTime};

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: by_hand NAME IP:PORT [SEED ...]";
    let mut arguments = env::args().skip(1);
    let name = arguments.next().ok_or(usage)?;
    let socket = UdpSocket::bind(arguments.next().ok_or(usage)?)?;
    let seeds = arguments.map(|seed| seed.parse()).collect::<Result<Vec<_>, _>>()?;
    let start = std::time::Instant::now();
    let now = || Instant::ZERO + start.elapsed();

    let identity = Identity {
        id: NodeId::from_name(&name)?,
        epoch: SystemTime::UNIX_EPOCH.elapsed()?.as_secs() as u32,
        address: socket.local_addr()?,
        locality: Locality::default(),
    };
    // Every `RandomState` has keys of its own, from the operating system's randomness.
    let seed = std::array::from_fn(|_| RandomState::new().build_hasher().finish() as u8);
    let config = Config::local(ClusterName::named("by-hand")?);
    let mut node = Node::new(config, identity, seed, Heap::for_members(1_000), now())?;

    // The outbox is ours: a step fills it, and the node is free while we send.
    let mut buffer = Buffer::<64, 128, 76_800>::new();
    let mut out = buffer.outbox_for(&config)?;
    let carry_out = |output: Output<'_>| {
        for packet in output.packets() {
            let _ = socket.send_to(packet.bytes, packet.to); // lost like any datagram
        }
        for event in output.events() {
            println!("{event:?} {}", output.payload(event).escape_ascii());
        }
    };

    // What others find it by: `Node::name`.
    carry_out(node.publish(now(), "name", name.as_bytes(), Terms::default(), &mut out)?);
    carry_out(node.join(now(), &seeds, &mut out));
    let mut datagram = [0; 1_500];
    loop {
        let wait = node.next_tick().since(now());
        if wait.is_zero() {
            carry_out(node.tick(now(), &mut out));
            continue;
        }
        socket.set_read_timeout(Some(wait))?;
        // An error is a time-out, or news of an earlier send (ICMP): both are answered by the next tick.
        if let Ok((len, from)) = socket.recv_from(&mut datagram) {
            carry_out(node.handle_datagram(now(), from, &mut datagram[..len], &mut out));
        }
    }
}
