//! A node as firmware runs it: `no_std`, no allocator, all memory inside one value.
//!
//! `Station` is what a microcontroller would have, and `Radio` what its driver would do. Here two stations share the air
//! in virtual time, and only `main` uses the standard library, to print.

#![no_std]
extern crate std;

use core::{net::SocketAddr, time::Duration};
use gossip_core::{
    Buffer, ClusterName, Config, ConfigError, Identity, Inline, Instant, Locality, Node, NodeId, Output,
};

/// Bytes of the largest datagram. Small ones need less memory; all nodes of a cluster must use the same.
const DATAGRAM: usize = 512;

/// A driver for whatever carries datagrams.
trait Radio {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]);
}

/// Tables for 8 members, of which 4 may be suspected at a time, and room for what one step sends and tells.
struct Station {
    node: Node<Inline<8, 4>>,
    buffer: Buffer<8, 64, { 8 * DATAGRAM }>,
    wake_at: Instant,
}

impl Station {
    fn new(name: &str, address: SocketAddr, seed: [u8; 32]) -> Result<Self, ConfigError> {
        // A real station keeps its epoch in flash, one higher at each start, and takes its seed from a hardware generator.
        let identity =
            Identity { id: NodeId::from_name(name)?, epoch: 1, address, locality: Locality::default() };
        let config = Config::lan(ClusterName::named("stations")?).with(|c| c.max_datagram = DATAGRAM as u16);
        let node = Node::new(config, identity, seed, Inline::new(), Instant::ZERO)?;
        let mut buffer = Buffer::new();
        let _ = buffer.outbox_for(&config)?; // checked once, so that no step is refused
        Ok(Self { node, buffer, wake_at: Instant::ZERO })
    }

    fn join(&mut self, now: Instant, seed: SocketAddr, radio: &mut impl Radio) {
        let mut out = self.buffer.outbox();
        self.wake_at = carry_out(&self.node.join(now, &[seed], &mut out), radio);
    }

    /// What the interrupt of the radio calls.
    fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8], radio: &mut impl Radio) {
        let mut out = self.buffer.outbox();
        self.wake_at = carry_out(&self.node.handle_datagram(now, from, datagram, &mut out), radio);
    }

    /// What the timer calls: at `wake_at`, or any time before.
    fn tick(&mut self, now: Instant, radio: &mut impl Radio) {
        if now >= self.wake_at {
            let mut out = self.buffer.outbox();
            self.wake_at = carry_out(&self.node.tick(now, &mut out), radio);
        }
    }
}

fn carry_out(output: &Output<'_>, radio: &mut impl Radio) -> Instant {
    output.packets().for_each(|packet| radio.send(packet.to, packet.bytes));
    output.next_tick
}

/// What was sent and has not arrived; what does not fit is lost, as on any air.
#[derive(Default)]
struct Air(heapless::Vec<(SocketAddr, heapless::Vec<u8, DATAGRAM>), 8>);

impl Radio for Air {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        if let Ok(bytes) = heapless::Vec::from_slice(datagram) {
            let _ = self.0.push((to, bytes));
        }
    }
}

fn main() -> Result<(), ConfigError> {
    let addresses: [SocketAddr; 2] = [([10, 0, 0, 1], 7_946).into(), ([10, 0, 0, 2], 7_946).into()];
    let mut stations =
        [Station::new("ada", addresses[0], [1; 32])?, Station::new("bob", addresses[1], [2; 32])?];
    let mut air = Air::default();
    let mut now = Instant::ZERO;
    stations[1].join(now, addresses[0], &mut air);
    while stations.iter().any(|station| station.node.members().len() == 0) {
        now = now + Duration::from_millis(1);
        for (to, mut datagram) in core::mem::take(&mut air.0) {
            let at = usize::from(to == addresses[1]);
            stations[at].receive(now, addresses[1 - at], &mut datagram, &mut air);
        }
        stations.iter_mut().for_each(|station| station.tick(now, &mut air));
        assert!(now < Instant::from_millis(10_000), "they do not find each other");
    }
    for station in &stations {
        let known = station.node.members().map(|member| member.id());
        known.for_each(|id| {
            std::println!(
                "{} knows {id}, {} ms after the start",
                station.node.me().id(),
                now.as_micros() / 1_000
            )
        });
    }
    Ok(())
}
