//! Kept state on the bare core: one node publishes its port, another one reads it. `cargo run -p gossip-core --example state`
//!
//! Both run in this program, in virtual time, and what they send is carried by hand. `by_hand.rs` has the loop around a
//! socket; the calls are the same.

use gossip_core::{
    Buffer, ClusterName, Config, ConfigError, Heap, Identity, Instant, Locality, Node, NodeId, Output, Terms,
};
use std::{collections::VecDeque, error::Error, net::SocketAddr};

/// Datagrams on their way: from, to, bytes.
type Wire = VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>;

fn node(name: &str, port: u16, config: Config) -> Result<Node<Heap>, ConfigError> {
    let address = ([127, 0, 0, 1], port).into();
    let identity =
        Identity { id: NodeId::from_name(name)?, epoch: 1, address, locality: Locality::default() };
    // Not for real: see `by_hand.rs`.
    Node::new(config, identity, [port as u8; 32], Heap::for_members(16), Instant::ZERO)
}

fn send(wire: &mut Wire, from: SocketAddr, output: &Output<'_>) {
    wire.extend(output.packets().map(|packet| (from, packet.to, packet.bytes.to_vec())));
}

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::local(ClusterName::named("state")?);
    let mut nodes = [node("db", 1, config)?, node("web", 2, config)?];
    let [db, web] = nodes.each_ref().map(|node| (node.me().id(), node.me().address()));
    let mut buffer = Buffer::<16, 128, 19_200>::new();
    let mut out = buffer.outbox_for(&config)?;
    let mut wire = Wire::new();

    // A write is a step like any other. It is refused if it breaks a limit, and the error names that.
    let output =
        nodes[0].publish(Instant::ZERO, "port", &5_432_u16.to_be_bytes(), Terms::default(), &mut out)?;
    send(&mut wire, db.1, &output);
    send(&mut wire, web.1, &nodes[1].join(Instant::ZERO, &[db.1], &mut out));

    for millis in 0..1_000 {
        let now = Instant::from_millis(millis);
        while let Some((from, to, mut bytes)) = wire.pop_front() {
            let node = &mut nodes[usize::from(to == web.1)];
            send(&mut wire, to, &node.handle_datagram(now, from, &mut bytes, &mut out));
        }
        for node in &mut nodes {
            if node.next_tick() <= now {
                let me = node.me().address();
                send(&mut wire, me, &node.tick(now, &mut out));
            }
        }

        let mut value = [0; 2];
        if nodes[1].read(db.0, "port", &mut value).is_some() {
            println!("web knows the port of db, {}, after {millis} ms", u16::from_be_bytes(value));
            return Ok(());
        }
    }
    Err("no port within a second".into())
}
