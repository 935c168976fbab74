//! What lies between the nodes: the queue of what is to happen, and links that lose, delay and repeat.

use super::Rng;
use gossip_core::Instant;
use std::{cmp::Ordering, collections::BinaryHeap, net::SocketAddr, time::Duration};

/// How every link behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// The shortest time from sending to arrival.
    pub(crate) latency: Duration,
    /// Added to it, evenly from zero to this.
    pub(crate) jitter: Duration,
    /// The share of datagrams lost.
    pub(crate) loss: f64,
    /// The share of datagrams that arrive twice.
    pub(crate) duplication: f64,
    /// The share of datagrams held back by up to `LATE`.
    pub(crate) reordering: f64,
}

/// How much later than it should a reordered or duplicated datagram may arrive.
const LATE: Duration = Duration::from_millis(400);

impl Link {
    /// 10 ms, and nothing goes wrong.
    pub(crate) const PERFECT: Self = Self {
        latency: Duration::from_millis(10),
        jitter: Duration::ZERO,
        loss: 0.0,
        duplication: 0.0,
        reordering: 0.0,
    };
    /// 1 to 3 ms, and nothing goes wrong.
    pub(crate) const LAN: Self =
        Self { latency: Duration::from_millis(1), jitter: Duration::from_millis(2), ..Self::PERFECT };
}

/// A datagram under way.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(super) enum Due {
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
pub(super) type Cut = Box<dyn Fn(SocketAddr, SocketAddr) -> bool>;
/// The longest datagram of the first that reaches the second.
pub(super) type Passes = Box<dyn Fn(SocketAddr, SocketAddr) -> usize>;

pub(super) struct Wire {
    pub(super) now: Instant,
    pub(super) rng: Rng,
    pub(super) link: Link,
    pub(super) cut: Cut,
    pub(super) passes: Passes,
    queue: BinaryHeap<Entry>,
    sequence: u64,
}

impl Wire {
    pub(super) fn new(seed: u64) -> Self {
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

    pub(super) fn schedule(&mut self, at: Instant, due: Due) {
        self.sequence += 1;
        self.queue.push(Entry { at, sequence: self.sequence, due });
    }

    /// Puts a datagram on its link, which decides whether, when and how often it arrives.
    pub(super) fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], forged: bool) {
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
    pub(super) fn next(&mut self, end: Instant) -> Option<Due> {
        if self.queue.peek().is_none_or(|entry| entry.at > end) {
            return None;
        }
        let entry = self.queue.pop()?;
        self.now = entry.at;
        Some(entry.due)
    }
}
