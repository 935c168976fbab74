//! Three nodes in one Cortex-M image, on [`Inline`] memory and without an allocator. Datagrams go through a queue in the
//! image, and time is virtual, so that each run tells the same story, by semihosting:
//!
//! 1. the three form a cluster, and know what the second publishes;
//! 2. the third falls silent, and the others declare it dead;
//! 3. the third is back, and the first is given as many members of an earlier life as its tables hold.
//!
//! Then the image says what it took of statics, stack and flash, and exits: with success only if the story came true
//! and all three keep to their bounds.

#![no_std]
#![no_main]

mod footprint;
mod station;

use core::panic::PanicInfo;
use cortex_m as _;
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use gossip_core::{Instant, Record, Status, Versions};
use station::{Air, MEMBERS, MEMORY, Memory, Station, identity};

const NODES: usize = 3;
/// Time between two looks at the air.
const STEP_MS: u64 = 10;
/// Within which each chapter of the story must come true.
const CHAPTER_MS: u64 = 60_000;
/// How long the story goes on after its end, for the stack to get as deep as it gets.
const AFTERWARDS_MS: u64 = 300_000;
/// Members of an earlier life: with the nodes themselves they fill the tables.
const GHOSTS: usize = MEMBERS - NODES;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    exit(false)
}

fn exit(success: bool) -> ! {
    loop {
        debug::exit(if success { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    }
}

#[entry]
fn main() -> ! {
    static mut MEMORIES: [Memory; NODES] = [const { MEMORY }; NODES];
    static mut STATIONS: [Station; NODES] = [const { Station::EMPTY }; NODES];
    static mut AIR: Air = Air::EMPTY;

    let started =
        STATIONS.iter_mut().zip(MEMORIES).zip(1..).all(|((at, memory), number)| at.start(number, memory));
    let told = started && Story { stations: STATIONS, air: AIR, millis: 0 }.tell();
    exit(footprint::report() && told)
}

struct Story {
    stations: &'static mut [Station; NODES],
    air: &'static mut Air,
    millis: u64,
}

impl Story {
    fn tell(&mut self) -> bool {
        let came_true = self.form() && self.publish() && self.fall_silent() && self.come_back();
        self.go_on();
        hprintln!("-- Datagrams lost for want of room on the air: {}", self.air.lost);
        came_true
    }

    #[inline(never)]
    fn form(&mut self) -> bool {
        hprintln!("-- Nodes 2 and 3 join through node 1.");
        for station in &mut self.stations[1..] {
            station.join(Instant::ZERO, identity(1).address, self.air);
        }
        self.until(|story| (0..NODES).all(|at| story.lives(at) == NODES - 1) && story.views_are_equal())
    }

    #[inline(never)]
    fn publish(&mut self) -> bool {
        hprintln!("-- Node 2 says where its service listens.");
        let now = self.now();
        self.stations[1].publish(now, "port", b"8080", self.air)
            && self.until(|story| (0..NODES).all(|at| story.reads(at, 2, "port", b"8080")))
    }

    fn reads(&self, at: usize, of: u8, key: &str, value: &[u8]) -> bool {
        let mut space = [0; 8];
        let node = self.stations[at].node();
        node.is_some_and(|node| node.read(identity(of).id, key, &mut space) == Some(value))
    }

    #[inline(never)]
    fn fall_silent(&mut self) -> bool {
        hprintln!("-- Node 3 falls silent.");
        self.air.listeners = &[1, 2];
        self.until(|story| (0..NODES - 1).all(|at| story.says(at, NODES as u8, Status::Dead)))
    }

    #[inline(never)]
    fn come_back(&mut self) -> bool {
        hprintln!("-- Node 3 is back; node 1 remembers {} members of an earlier life.", GHOSTS);
        self.remember();
        self.air.listeners = &[1, 2, 3];
        self.until(|story| (0..NODES - 1).all(|at| story.says(at, NODES as u8, Status::Alive)))
    }

    /// The first node's tables fill.
    #[inline(never)]
    fn remember(&mut self) {
        for number in (1 + NODES as u8..).take(GHOSTS) {
            let record = Record::new(identity(number), Versions::OURS);
            self.stations[0].restore(self.now(), &[record], self.air);
        }
    }

    /// The members that no one answers for are probed, suspected and held, since most of the cluster would be lost, and
    /// repaired into the other nodes: the deepest that the stack gets.
    fn go_on(&mut self) {
        for _ in 0..AFTERWARDS_MS / STEP_MS {
            self.pass();
        }
    }

    fn says(&self, at: usize, of: u8, status: Status) -> bool {
        let member = self.stations[at].node().and_then(|node| node.member(identity(of).id));
        member.is_some_and(|member| member.status() == status)
    }

    #[inline(never)]
    fn pass(&mut self) {
        self.millis += STEP_MS;
        let now = self.now();
        for station in &mut self.stations[..self.air.listeners.len()] {
            station.turn(now, self.air);
        }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.millis)
    }

    /// Goes on until something is true; false if it takes too long.
    fn until(&mut self, wanted: impl Fn(&Self) -> bool) -> bool {
        let end = self.millis + CHAPTER_MS;
        while !wanted(self) {
            if self.millis >= end {
                hprintln!("   It did not come true.");
                return false;
            }
            self.pass();
        }
        true
    }

    fn lives(&self, at: usize) -> usize {
        let members = self.stations[at].node().map(|node| node.members());
        members.map_or(0, |members| members.filter(|member| member.status() == Status::Alive).count())
    }

    fn views_are_equal(&self) -> bool {
        let mut views = self.stations.iter().map(|station| station.node().map(|node| node.fingerprint()));
        let first = views.next();
        views.all(|view| Some(view) == first)
    }
}
