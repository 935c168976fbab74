//! What a datagram full of records costs, a record: known ones, and new ones.
//!
//! `cargo bench -p gossip-core`

#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up should say why")]

use core::time::Duration;
use divan::{Bencher, counter::ItemsCount};
use gossip_core::{
    Buffer, ClusterName, Config, Heap, Identity, Instant, Locality, Node, NodeId, Record, Versions,
};

type Outbox = Buffer<16, 128, 19_200>;

fn main() {
    divan::main();
}

fn identity(n: u32) -> Identity {
    let [_, a, b, c] = n.to_be_bytes();
    let id = NodeId::from_name(&format!("node-{n}")).expect("a name");
    let address = ([10, a, b, c], 7946).into();
    Identity { id, epoch: 1_700_000_000, address, locality: Locality::default() }
}

fn config() -> Config {
    const MOST: u32 = u32::MAX;
    let cluster = ClusterName::named("bench").expect("a name");
    Config::lan(cluster).with(|c| {
        c.budgets = c.budgets.with(|b| (b.total, b.rumor, b.sync, b.suspicion) = (MOST, MOST, MOST, MOST));
    })
}

fn node(n: u32, members: u32, knows: impl Iterator<Item = u32>) -> Node<Heap> {
    let memory = Heap::for_members(members as usize + 8);
    let mut node = Node::new(config(), identity(n), [n as u8; 32], memory, Instant::ZERO).expect("a node");
    let records: Vec<Record> = knows.map(|n| Record::new(identity(n), Versions::OURS)).collect();
    let _ = node.restore(Instant::ZERO, &records, &mut Outbox::new().outbox());
    node
}

/// Every page of records with which node 1, which knows nodes 1 to `members`, answers a joiner, whomever that asks.
fn pages(members: u32) -> Vec<Vec<u8>> {
    let mut seed = node(1, members, 1..=members);
    let mut joiner = node(0, members, 0..0);
    let (mut buffer, mut pages) = (Outbox::new(), Vec::new());
    let (here, there) = (identity(0).address, identity(1).address);
    let take = |output: gossip_core::Output<'_>| -> Vec<Vec<u8>> {
        output.packets().map(|packet| packet.bytes.to_vec()).collect()
    };
    let mut now = Instant::ZERO;
    let mut asked = take(joiner.join(now, &[there], &mut buffer.outbox()));
    while let Some(mut question) = asked.pop() {
        // What the budgets let out at once is refilled meanwhile.
        now = now + Duration::from_millis(1);
        for mut answer in take(seed.handle_datagram(now, here, &mut question, &mut buffer.outbox())) {
            if answer.len() > 1_100 {
                pages.push(answer.clone());
            }
            asked.extend(take(joiner.handle_datagram(now, there, &mut answer, &mut buffer.outbox())));
        }
    }
    assert!(pages.len() > members as usize / 64, "{} pages of {members} members", pages.len());
    pages
}

/// A record of these takes 27 bytes, beside 22 of the header and 35 of the page's own.
fn records(page: &[u8]) -> usize {
    (page.len() - 57) / 27
}

#[divan::bench(args = [1_000, 10_000])]
fn known(bencher: Bencher<'_, '_>, members: u32) {
    let pages = pages(members);
    let mut node = node(2, members, 1..=members);
    let (mut buffer, mut turn) = (Outbox::new(), 0);
    let from = identity(1).address;
    bencher
        .counter(ItemsCount::new(records(&pages[0])))
        .with_inputs(|| {
            turn = (turn + 1) % pages.len();
            pages[turn].clone()
        })
        .bench_local_refs(|page| {
            node.handle_datagram(Instant::ZERO, from, page, &mut buffer.outbox()).verdict
        });
}

#[divan::bench(args = [1_000, 10_000])]
fn new(bencher: Bencher<'_, '_>, members: u32) {
    let pages = pages(members);
    let fresh = node(2, members, 1..=1);
    let mut node = fresh.clone();
    let (mut buffer, mut turn) = (Outbox::new(), 0);
    let from = identity(1).address;
    bencher
        .counter(ItemsCount::new(records(&pages[0])))
        .with_inputs(|| {
            turn = (turn + 1) % pages.len();
            (pages[turn].clone(), turn == 0)
        })
        .bench_local_values(|(mut page, start_over)| {
            if start_over {
                node = fresh.clone();
            }
            node.handle_datagram(Instant::ZERO, from, &mut page, &mut buffer.outbox()).verdict
        });
}
