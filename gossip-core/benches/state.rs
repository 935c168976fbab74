//! What kept state costs: an entry that is applied, an item that is told, a key that is read.
//!
//! `cargo bench -p gossip-core --bench state`
//!
//! The store has no public door yet, so its files are compiled once more as a part of this program, with the few words of
//! the core that they use.

#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up should say why")]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    reason = "the store, with its tests, as it is"
)]

extern crate alloc;

#[path = "../src/vocabulary/bounds.rs"]
mod bounds;
#[path = "../src/vocabulary/codec.rs"]
mod codec;
#[path = "../src/tables/state/mod.rs"]
mod state;
#[path = "../src/vocabulary/time.rs"]
mod time;

mod tables {
    pub(crate) use crate::state;
    pub(crate) mod table {
        pub(crate) type SlotId = u32;
    }
}

mod vocabulary {
    pub(crate) use crate::{bounds, codec, time};
    pub(crate) mod error {
        pub(crate) use gossip_core::Malformed;
    }
    pub(crate) mod record {
        pub(crate) use gossip_core::Incarnation;
    }
}

use divan::{Bencher, counter::ItemsCount};
use std::hint::black_box;
use tables::{
    state::{
        arena::{Block, Books},
        desk::Desk,
        entry::Seconds,
        item::Item,
        limits::{DEFAULT_OWNER_BYTES, Limits},
        owner::Owner,
        read::{Standing, View},
        store::Store,
        tell::{Tell, Told},
        write::{Terms, Written},
    },
    table::SlotId,
};

/// Owners in each benchmark.
const OWNERS: [u32; 2] = [1_000, 10_000];
/// What is kept of an owner: a name, a port, tags, a revision and shards. 85 bytes of keys and values.
const KEYS: [&[u8]; 5] = [b"name", b"port", b"tags", b"rev", b"shards"];
const NOW: Seconds = Seconds(1_000);
/// Coprime to both numbers of owners: a step that visits them all, out of order.
const STRIDE: u32 = 7_919;

fn main() {
    divan::main();
}

#[derive(Clone)]
struct Memory {
    owners: Vec<Owner>,
    blocks: Vec<Block>,
    links: Vec<u32>,
    books: Books,
    desk: Desk,
    scratch: Vec<u8>,
}

/// An item's span and bytes; the owner's counter is where the span ends.
#[derive(Clone)]
struct Letter {
    from: u32,
    to: u32,
    bytes: Vec<u8>,
}

impl Memory {
    fn empty(owners: u32) -> Self {
        let (count, blocks) = (owners as usize, 4 * owners as usize);
        let mut memory = Self {
            owners: vec![Owner::EMPTY; count],
            blocks: vec![Block::EMPTY; blocks],
            links: vec![0; blocks],
            books: Books::EMPTY,
            desk: Desk::new(Limits::new(DEFAULT_OWNER_BYTES, 1_200)),
            scratch: vec![0; usize::from(DEFAULT_OWNER_BYTES)],
        };
        (0..owners).for_each(|owner| memory.store().begin(owner, 1));
        memory
    }

    fn filled(owners: u32) -> Self {
        let mut memory = Self::empty(owners);
        for owner in 0..owners {
            let name = format!("node-{owner:05}.rack-7.eu");
            let values: [&[u8]; 5] =
                [name.as_bytes(), &7_946u16.to_be_bytes(), b"web,canary", &42u64.to_be_bytes(), &[9; 24]];
            KEYS.into_iter().zip(values).for_each(|(key, value)| memory.set(owner, key, value));
        }
        memory
    }

    fn store(&mut self) -> Store<'_> {
        let arena = (&mut self.blocks[..], &mut self.links[..]);
        Store::new(&mut self.owners, arena, &mut self.books, &mut self.scratch, &mut self.desk)
    }

    fn set(&mut self, owner: SlotId, key: &[u8], value: &[u8]) {
        let mut store = self.store();
        let counter = store.owner(owner).known();
        let written = store.set(owner, counter, (key, value), Terms::default(), NOW);
        assert_eq!(written, Ok(Written::Version(counter + 1)));
        store.advance(owner, counter + 1);
    }

    fn tell(&mut self, owner: SlotId, tell: Tell) -> Letter {
        let mut bytes = vec![0; 1_100];
        let Told { from, to, len } =
            self.store().tell(owner, tell, NOW, &mut bytes).expect("something to tell");
        bytes.truncate(len);
        Letter { from, to, bytes }
    }

    fn apply(&mut self, owner: SlotId, told: &Letter) {
        let Letter { from, to, ref bytes } = *told;
        let item = Item { epoch: 1, top: to, from, to, entries: bytes };
        black_box(self.store().apply(owner, &item, to, NOW, &mut |_, _| {}));
    }
}

/// Owners in an order that has nothing to do with memory.
fn scattered(owners: u32) -> impl Iterator<Item = SlotId> {
    (0..).map(move |n: u32| n.wrapping_mul(STRIDE) % owners)
}

fn all(memory: &mut Memory, owners: u32) -> Vec<Letter> {
    (0..owners).map(|owner| memory.tell(owner, Tell::Missing { known: 0 })).collect()
}

/// Five entries of an owner of whom nothing was known, an entry.
#[divan::bench(args = OWNERS)]
fn applied_new(bencher: Bencher<'_, '_>, owners: u32) {
    let items = all(&mut Memory::filled(owners), owners);
    let empty = Memory::empty(owners);
    let mut memory = empty.clone();
    let (mut which, mut left) = (scattered(owners), owners);
    bencher
        .counter(ItemsCount::new(KEYS.len()))
        .with_inputs(|| {
            let is_full = left == 0;
            left = if is_full { owners } else { left } - 1;
            (which.next().expect("no end"), is_full)
        })
        .bench_local_values(|(owner, is_full)| {
            if is_full {
                memory.clone_from(&empty);
            }
            memory.apply(owner, &items[owner as usize]);
        });
}

/// The same item again, an entry.
#[divan::bench(args = OWNERS)]
fn applied_known(bencher: Bencher<'_, '_>, owners: u32) {
    let mut memory = Memory::filled(owners);
    let items = all(&mut memory, owners);
    let mut which = scattered(owners);
    bencher
        .counter(ItemsCount::new(KEYS.len()))
        .with_inputs(|| which.next().expect("no end"))
        .bench_local_values(|owner| memory.apply(owner, &items[owner as usize]));
}

/// One entry that changed, of five that are held.
#[divan::bench(args = OWNERS)]
fn applied_changed(bencher: Bencher<'_, '_>, owners: u32) {
    let mut source = Memory::filled(owners);
    let mut memory = source.clone();
    let (mut which, mut revision) = (scattered(owners), 42u64);
    bencher
        .with_inputs(|| {
            let owner = which.next().expect("no end");
            revision += 1;
            source.set(owner, b"rev", &revision.to_be_bytes());
            let since = source.owners[owner as usize].known() - 1;
            (owner, source.tell(owner, Tell::News { since }))
        })
        .bench_local_refs(|(owner, told)| memory.apply(*owner, told));
}

/// The latest of five entries.
#[divan::bench(args = OWNERS)]
fn told_one(bencher: Bencher<'_, '_>, owners: u32) {
    told(bencher, owners, Tell::News { since: 4 });
}

/// All five.
#[divan::bench(args = OWNERS)]
fn told_five(bencher: Bencher<'_, '_>, owners: u32) {
    told(bencher, owners, Tell::Missing { known: 0 });
}

fn told(bencher: Bencher<'_, '_>, owners: u32, tell: Tell) {
    let mut memory = Memory::filled(owners);
    let (mut which, mut out) = (scattered(owners), [0; 1_100]);
    bencher
        .with_inputs(|| which.next().expect("no end"))
        .bench_local_values(|owner| memory.store().tell(owner, tell, NOW, &mut out));
}

/// The last of five keys, and a copy of its value.
#[divan::bench(args = OWNERS)]
fn read(bencher: Bencher<'_, '_>, owners: u32) {
    let memory = Memory::filled(owners);
    let (mut which, mut value) = (scattered(owners), [0; 64]);
    let view = View::new(&memory.owners, (&memory.blocks, &memory.links));
    bencher.with_inputs(|| which.next().expect("no end")).bench_local_values(|owner| {
        let held = view.read(owner, b"shards", Standing::Live, NOW)?;
        held.copy_to(&mut value).map(<[u8]>::len)
    });
}

/// A write of an owner of 31 keys and 961 bytes, told and applied.
#[divan::bench]
fn written_told_and_applied_of_31_keys(bencher: Bencher<'_, '_>) {
    // Enough blocks that no one lacks a share.
    let (mut source, mut copy) = (Memory::empty(50), Memory::empty(50));
    (0..31u8).for_each(|key| source.set(0, &[b'k', key], &[key; 22]));
    let told = source.tell(0, Tell::Missing { known: 0 });
    copy.apply(0, &told);
    let mut turn = 0u32;
    bencher.bench_local(|| {
        turn += 1;
        let value: [u8; 22] = core::array::from_fn(|_| !(turn as u8));
        source.set(0, &[b'k', (turn % 31) as u8], &value);
        let since = source.owners[0].known() - 1;
        let told = source.tell(0, Tell::News { since });
        copy.apply(0, &told);
    });
    assert_eq!(source.owners[0].known(), copy.owners[0].known());
}
