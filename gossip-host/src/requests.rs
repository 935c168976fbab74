//! What the driver has to see to: what handles ask, and what resolvers found.

use crate::{
    lock::lock,
    seeds::{MAX_SEEDS, Seed},
};
use gossip_core::{Config, Health, Instant};
use std::{
    io,
    net::SocketAddr,
    sync::Mutex,
    task::{Context, Poll, Waker},
    time::Duration,
};

/// Packets that wait for the driver. It sends them in its next turn, which is due at once.
const MAX_PACKETS: usize = 64;

/// What was asked for and found since the driver last looked. One slot for each kind instead of a queue: it is
/// bounded by construction, nothing asked for is ever refused, and of two wishes for the same thing only
/// the later one matters.
#[derive(Default)]
pub(crate) struct Requests {
    /// Seeds to join through, besides those known already.
    pub(crate) join: Vec<Seed>,
    /// Seeds that newer ones took the place of.
    pub(crate) seeds_replaced: usize,
    /// Names of seeds, and their addresses; at most one for each look-up under way.
    pub(crate) found: Vec<(String, io::Result<Vec<SocketAddr>>)>,
    /// The view was written to its file, or could not be.
    pub(crate) view_written: Option<bool>,
    pub(crate) health: Option<Health>,
    pub(crate) pause: Option<Duration>,
    pub(crate) advertise: Option<SocketAddr>,
    pub(crate) config: Option<Config>,
    /// A handle has written to the node's own state: the node has another next tick.
    pub(crate) written: bool,
    /// Handles have asked questions.
    pub(crate) asks: bool,
    /// What steps of handles have to send: answers to questions, and pings to members that are to be forgotten.
    pub(crate) packets: Vec<(SocketAddr, Box<[u8]>)>,
    /// Such packets for which there was no room here.
    pub(crate) packets_dropped: u64,
    /// Raise an alarm at this time: the earliest that was asked for.
    pub(crate) alarm: Option<Instant>,
    /// Give a sign of life, once everything else is done.
    pub(crate) sign: bool,
    /// Leave, within this time; the shorter of two.
    pub(crate) leave: Option<Duration>,
}

impl Requests {
    pub(crate) fn add_seeds(&mut self, seeds: impl IntoIterator<Item = Seed>) {
        self.join.extend(seeds);
        let excess = self.join.len().saturating_sub(MAX_SEEDS);
        self.join.drain(..excess);
        self.seeds_replaced += excess;
    }

    pub(crate) fn add_packets(&mut self, packets: impl IntoIterator<Item = (SocketAddr, Box<[u8]>)>) {
        for packet in packets {
            if self.packets.len() < MAX_PACKETS {
                self.packets.push(packet);
            } else {
                self.packets_dropped += 1;
            }
        }
    }
}

/// The requests, and the waker for when there are some.
#[derive(Default)]
pub(crate) struct Inbox(Mutex<Slots>);

#[derive(Default)]
struct Slots {
    requests: Option<Requests>,
    driver: Option<Waker>,
}

impl Inbox {
    /// Changes the requests, and wakes the driver.
    pub(crate) fn ask(&self, change: impl FnOnce(&mut Requests)) {
        let driver = {
            let mut slots = lock(&self.0);
            change(slots.requests.get_or_insert_default());
            slots.driver.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    pub(crate) fn take(&self) -> Option<Requests> {
        lock(&self.0).requests.take()
    }

    /// Ready when there are requests; otherwise the task is woken once there are.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut slots = lock(&self.0);
        if slots.requests.is_some() {
            return Poll::Ready(());
        }
        let replaced = slots.driver.replace(cx.waker().clone());
        drop(slots);
        // A waker's destructor is foreign code: it runs after the lock is free.
        drop(replaced);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_wish_of_a_kind_counts() {
        let inbox = Inbox::default();
        inbox.ask(|requests| requests.health = Some(Health::Unhealthy));
        inbox.ask(|requests| requests.health = Some(Health::Degraded));
        assert_eq!(inbox.take().and_then(|requests| requests.health), Some(Health::Degraded));
        assert!(inbox.take().is_none());
    }

    #[test]
    fn seeds_asked_for_are_bounded_and_the_newest_stay() {
        let mut requests = Requests::default();
        let seed = |i: usize| Seed::from(std::net::SocketAddr::from(([10, 0, 0, 1], i as u16)));
        requests.add_seeds((0..MAX_SEEDS + 5).map(seed));
        assert_eq!((requests.join.len(), requests.seeds_replaced), (MAX_SEEDS, 5));
        assert_eq!(requests.join.last(), Some(&seed(MAX_SEEDS + 4)));
    }

    #[test]
    fn packets_that_wait_for_the_driver_are_bounded_and_the_rest_is_counted() {
        let mut requests = Requests::default();
        let packet = |i: u8| (([10, 0, 0, 1], 7).into(), Box::from([i]));
        requests.add_packets((0..MAX_PACKETS as u8 + 5).map(packet));
        assert_eq!((requests.packets.len(), requests.packets_dropped), (MAX_PACKETS, 5));
        assert_eq!(requests.packets.first(), Some(&packet(0)));
    }

    #[test]
    fn a_request_is_seen_whether_it_comes_before_or_after_waiting() {
        let inbox = Inbox::default();
        let cx = Context::from_waker(Waker::noop());
        assert!(inbox.poll(&cx).is_pending());
        inbox.ask(|requests| requests.pause = Some(Duration::from_secs(1)));
        assert!(inbox.poll(&cx).is_ready());
        assert!(inbox.poll(&cx).is_ready(), "until it is taken");
        assert!(inbox.take().is_some());
        assert!(inbox.poll(&cx).is_pending());
    }
}
