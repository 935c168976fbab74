//! What lies between the nodes: the queue of what is to happen, and links that lose, delay and repeat.

use crate::Rng;
use gossip_core::Instant;
use std::{cmp::Ordering, collections::BinaryHeap, net::SocketAddr, time::Duration};

/// How every link behaves.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// The shortest time from sending to arrival.
    pub latency: Duration,
    /// Added to it, evenly from zero to this.
    pub jitter: Duration,
    /// The share of datagrams lost.
    pub loss: f64,
    /// The share of datagrams that arrive twice.
    pub duplication: f64,
    /// The share of datagrams held back by up to `LATE`.
    pub reordering: f64,
}

/// How much later than it should a reordered or duplicated datagram may arrive.
const LATE: Duration = Duration::from_millis(400);

impl Link {
    /// 10 ms, and nothing goes wrong.
    pub const PERFECT: Self = Self {
        latency: Duration::from_millis(10),
        jitter: Duration::ZERO,
        loss: 0.0,
        duplication: 0.0,
        reordering: 0.0,
    };
    /// 1 to 3 ms, and nothing goes wrong.
    pub const LAN: Self =
        Self { latency: Duration::from_millis(1), jitter: Duration::from_millis(2), ..Self::PERFECT };
}

/// A datagram under way.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// From where.
    pub from: SocketAddr,
    /// Where to.
    pub to: SocketAddr,
    /// The payload.
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) enum Due {
    /// What a node made, or what a test forged.
    Deliver {
        datagram: Datagram,
        forged: bool,
    },
    Tick {
        host: usize,
    },
    Resume {
        host: usize,
    },
}

/// Ordered so that the heap's greatest is the earliest; the sequence makes the order total.
#[derive(Debug)]
struct Entry {
    at: Instant,
    sequence: u64,
    due: Due,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

/// Whether what the first sends to the second is lost.
pub(crate) type Cut = Box<dyn Fn(SocketAddr, SocketAddr) -> bool>;
/// The longest datagram of the first that reaches the second.
pub(crate) type Passes = Box<dyn Fn(SocketAddr, SocketAddr) -> usize>;

pub(crate) struct Wire {
    pub(crate) now: Instant,
    pub(crate) rng: Rng,
    pub(crate) link: Link,
    pub(crate) cut: Cut,
    pub(crate) passes: Passes,
    queue: BinaryHeap<Entry>,
    sequence: u64,
}

impl Wire {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            // Not zero: nothing may depend on the clock's start.
            now: Instant::from_millis(1_000_000),
            rng: Rng::new(seed),
            link: Link::LAN,
            cut: Box::new(|_, _| false),
            passes: Box::new(|_, _| usize::MAX),
            queue: BinaryHeap::new(),
            sequence: 0,
        }
    }

    pub(crate) fn schedule(&mut self, at: Instant, due: Due) {
        self.sequence += 1;
        self.queue.push(Entry { at, sequence: self.sequence, due });
    }

    /// Puts a datagram on its link, which decides whether, when and how often it arrives.
    pub(crate) fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], forged: bool) {
        let too_long = bytes.len() > (self.passes)(from, to);
        if too_long || (self.cut)(from, to) || self.rng.chance(self.link.loss) {
            return;
        }
        let copies = 1 + u8::from(self.rng.chance(self.link.duplication));
        for copy in 0..copies {
            let mut delay = self.link.latency + self.rng.up_to(self.link.jitter);
            if copy > 0 || self.rng.chance(self.link.reordering) {
                delay += self.rng.up_to(LATE);
            }
            let datagram = Datagram { from, to, bytes: bytes.to_vec() };
            self.schedule(self.now + delay, Due::Deliver { datagram, forged });
        }
    }

    /// Moves time to what happens next, if that is no later than `end`.
    pub(crate) fn next(&mut self, end: Instant) -> Option<Due> {
        if self.queue.peek().is_none_or(|entry| entry.at > end) {
            return None;
        }
        let entry = self.queue.pop()?;
        self.now = entry.at;
        Some(entry.due)
    }
}
