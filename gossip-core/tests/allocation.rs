//! No step allocates, and a member costs no more than it may: measured by an allocator that counts.

#![cfg(feature = "alloc")]
#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use gossip_core::{Health, Heap};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    time::Duration,
};
use testkit::{Input, Link, Network, Step, Watch, forge, lan, secs};

/// The system's allocator, counting for each thread what it asks for.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    CALLS.set(CALLS.get() + 1);
    BYTES.set(BYTES.get() + bytes as u64);
}

// SAFETY: every call goes to `System` unchanged, which keeps the contract; counting touches constant-initialised
// thread-locals without destructors only, so it neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above; `memory` is `System`'s, since every allocation is.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn the_allocator_counts() {
    let before = (CALLS.get(), BYTES.get());
    let boxed = std::hint::black_box(Box::new([0u8; 100]));
    assert_eq!((CALLS.get() - before.0, BYTES.get() - before.1), (1, 100));
    drop(boxed);
}

/// Asserts after every step that it did not allocate.
#[derive(Default)]
struct Frugal {
    calls: u64,
    datagrams: u64,
    ticks: u64,
    commands: u64,
    events: u64,
}

impl<M> Watch<M> for Frugal {
    fn before(&mut self) {
        self.calls = CALLS.get();
    }

    fn after(&mut self, step: &Step<'_, M>) {
        let allocations = CALLS.get() - self.calls;
        assert_eq!(allocations, 0, "host {} allocated in a {:?} at {:?}", step.host, step.input, step.now);
        match step.input {
            Input::Datagram => self.datagrams += 1,
            Input::Tick => self.ticks += 1,
            Input::Command => self.commands += 1,
        }
        self.events += step.output.events().len() as u64;
    }
}

#[test]
fn no_step_allocates_in_a_busy_life_among_a_thousand_members() {
    let mut network = Network::new(7, lan(), || Heap::for_members(1_200), Frugal::default());
    network.set_link(Link { loss: 0.05, duplication: 0.05, reordering: 0.1, ..Link::LAN });
    network.add_restored(1_000);
    network.run_for(secs(2));
    network.add_joined(10);
    for victim in 500..520 {
        network.crash(victim);
    }
    for host in (0..100).step_by(10) {
        network.command(host, |node, now, out| node.set_health(now, Health::Degraded, out));
    }
    for host in (5..50).step_by(10) {
        network.command(host, |node, now, out| match node.send_event(now, b"moved", out) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        });
    }
    for (host, key) in (0..40).map(|n| (n, if n % 2 == 0 { "even" } else { "odd" })) {
        network.command(host, |node, now, out| match node.set_value(now, key, &[host as u8; 100], out) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        });
    }
    network.pause(600, secs(2));
    network.leave(700);
    network.command(800, |node, now, out| node.announce_pause(now, secs(5), out));
    network.run_for(secs(6));
    network.command(3, |node, now, out| match node.delete_value(now, "odd", out) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    });
    for back in 500..505 {
        let address = network.fresh_address();
        network.restart(back, address);
        network.join(back, &[0, 1, 2]);
    }
    network.run_for(secs(6));
    let Frugal { datagrams, ticks, commands, events, .. } = network.watch;
    assert!(datagrams > 50_000 && ticks > 10_000 && commands > 1_000 && events > 10_000, "not a busy life");
}

#[test]
fn no_step_allocates_in_a_flood_of_non_members() {
    let mut network = Network::new(7, lan(), || Heap::for_members(64), Frugal::default());
    testkit::form(&mut network, 7, 4);
    let head = forge::head(lan());
    for n in 0..20_000 {
        let me = forge::non_member(n);
        let sections = forge::all_sections(n, network.hosts[0].id, &me);
        let section = sections[n as usize % sections.len()].clone();
        network.inject(0, me.address(), &forge::datagram(&head, me.id(), &[section]));
        network.run_for(Duration::from_millis(1));
    }
    assert!(network.watch.datagrams > 20_000 && network.is_formed());
}

/// All memory of a member slot: its record, index, rings, rumor and share of suspicions, which of its sealed datagrams were heard,
/// what it has signed and a share of signed accusations, ...
const BYTES_PER_MEMBER: u64 = match (cfg!(feature = "seal"), cfg!(feature = "identity")) {
    (_, true) => 356,
    (true, false) => 112,
    (false, false) => 96,
};
/// ... and what is kept of its state, beside the room to edit one map and events.
const BYTES_OF_STATE: u64 = 320;
/// Its pulse: memory that is reserved, and not touched before there are any.
const BYTES_OF_PULSE: u64 = 96;
const SCRATCH: u64 = 4_096;
const EVENTS: u64 = 80 * 1_024;
/// Cluster-wide values: 64 slots, and 16 KiB.
const VALUES: u64 = 64 * 40 + 16_384;

#[test]
fn a_member_costs_no_more_bytes_than_promised() {
    let members = 10_000;
    let bytes_of = |memory: fn(usize) -> Heap| {
        let before = BYTES.get();
        let _memory = std::hint::black_box(memory(members));
        BYTES.get() - before
    };
    let (plain, keeping) = (bytes_of(Heap::without_state), bytes_of(Heap::for_members));
    println!("{plain} bytes for {members} members, {keeping} with state");
    assert!(plain <= BYTES_PER_MEMBER * members as u64, "{plain} bytes for {members} members");
    let state = keeping - plain;
    assert!(
        state <= (BYTES_OF_STATE + BYTES_OF_PULSE) * members as u64 + SCRATCH + EVENTS + VALUES,
        "{state} bytes of state for {members} members"
    );
}
