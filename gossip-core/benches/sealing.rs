//! What sealing costs: a ping opened and acked, in the clear and sealed; and a forgery refused.
//!
//! `cargo bench -p gossip-core --features seal --bench sealing`, with `RUSTFLAGS='--cfg poly1305_backend="soft"'` as in programs.

#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up should say why")]

use core::time::Duration;
use divan::Bencher;
use gossip_core::{
    Buffer, ClusterName, Config, Heap, Identity, Instant, Key, KeyRing, Locality, Node, NodeId, Output,
    Record, Sealing, Verdict, Versions,
};
use std::net::SocketAddr;

type Outbox = Buffer<16, 128, 19_200>;

/// Pings recorded, each of which opens once.
const PINGS: usize = 4_000;

fn main() {
    divan::main();
}

fn identity(n: u8) -> Identity {
    let id = NodeId::from_name(&format!("node-{n}")).expect("a name");
    Identity {
        id,
        epoch: 1_700_000_000,
        address: ([10, 0, 0, n], 7_946).into(),
        locality: Locality::default(),
    }
}

fn ring() -> KeyRing {
    KeyRing::new(&[Key::from_bytes(core::array::from_fn(|at| at as u8)).expect("a key")]).expect("a ring")
}

fn node(n: u8, sealed: bool) -> Node<Heap> {
    let config = Config::lan(ClusterName::named("bench").expect("a name"));
    let mut node =
        Node::new(config, identity(n), [n; 32], Heap::for_members(8), Instant::ZERO).expect("a node");
    let mut buffer = Outbox::new();
    let mut out = buffer.outbox();
    if sealed {
        let _ = node.set_keys(Instant::ZERO, ring(), Sealing::Require, true, &mut out).expect("keys");
    }
    let records = [1, 2].map(|n| Record::new(identity(n), Versions::OURS));
    let _ = node.restore(Instant::ZERO, &records, &mut out);
    node
}

fn packets(output: &Output<'_>) -> Vec<Vec<u8>> {
    output.packets().map(|packet| packet.bytes.to_vec()).collect()
}

fn address(n: u8) -> SocketAddr {
    identity(n).address
}

/// Pings of node 1 to node 2, bare ones, with the time of each.
fn pings(sealed: bool) -> Vec<(Instant, Vec<u8>)> {
    let (mut from, mut to) = (node(1, sealed), node(2, sealed));
    let (mut buffer, mut pings) = (Outbox::new(), Vec::new());
    let mut now = Instant::ZERO;
    while pings.len() < PINGS {
        now = now + Duration::from_millis(100);
        for mut sent in packets(&from.tick(now, &mut buffer.outbox())) {
            pings.push((now, sent.clone()));
            for mut answer in packets(&to.handle_datagram(now, address(1), &mut sent, &mut buffer.outbox())) {
                let _ = from.handle_datagram(now, address(2), &mut answer, &mut buffer.outbox());
            }
        }
        for mut sent in packets(&to.tick(now, &mut buffer.outbox())) {
            let _ = from.handle_datagram(now, address(2), &mut sent, &mut buffer.outbox());
        }
    }
    // The first ones have more to tell.
    pings.split_off(200)
}

#[divan::bench(args = [false, true], sample_count = 200, sample_size = 100)]
fn ping_acked(bencher: Bencher<'_, '_>, sealed: bool) {
    let pings = pings(sealed);
    let fresh = node(2, sealed);
    let mut node = fresh.clone();
    let (mut buffer, mut turn) = (Outbox::new(), 0);
    bencher
        .with_inputs(|| {
            turn = (turn + 1) % pings.len();
            let (now, ping) = &pings[turn];
            (turn == 0, *now, ping.clone())
        })
        .bench_local_values(|(again, now, mut ping)| {
            if again {
                node = fresh.clone();
            }
            let mut out = buffer.outbox();
            let output = node.handle_datagram(now, address(1), &mut ping, &mut out);
            debug_assert_eq!((output.verdict, output.packets().len()), (Verdict::Accepted, 1));
            output.packets().len()
        });
}

/// Of a length, under a member's name and from its address, so that no budget spares the work.
#[divan::bench(args = [60, 200, 1_200])]
fn forgery_refused(bencher: Bencher<'_, '_>, length: usize) {
    let mut node = node(2, true);
    let mut buffer = Outbox::new();
    let (_, mut forgery) = pings(true).swap_remove(0);
    forgery.resize(length, 7);
    if let Some(last) = forgery.last_mut() {
        *last ^= 1;
    }
    let mut micros = 0;
    bencher.with_inputs(|| forgery.clone()).bench_local_values(|mut forgery| {
        // Slow enough for the budget of failures.
        micros += 20;
        let now = Instant::from_micros(micros);
        node.handle_datagram(now, address(1), &mut forgery, &mut buffer.outbox()).verdict
    });
}
