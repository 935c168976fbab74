//! A machine of the virtual network: a node, its socket's queue, and its driver's habits.

use super::{Datagram, Told};
use gossip_core::{Config, Event, Instant, Locality, Node, NodeId, Traffic};
use std::{net::SocketAddr, time::Duration};

/// Packets and bytes, by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    packets: [u64; 4],
    bytes: [u64; 4],
}

impl Tally {
    pub(super) fn count(&mut self, class: Traffic, bytes: usize) {
        self.packets[class as usize] += 1;
        self.bytes[class as usize] += bytes as u64;
    }

    pub(crate) fn packets(&self) -> u64 {
        self.packets.iter().sum()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.iter().sum()
    }

    pub(crate) fn bytes_of(&self, class: Traffic) -> u64 {
        self.bytes[class as usize]
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Running,
    /// Stopped as a whole, its socket's queue filling up.
    Paused {
        until: Instant,
    },
    Down,
}

/// A machine that runs one node.
pub(crate) struct Host<M> {
    pub(crate) id: NodeId,
    pub(crate) address: SocketAddr,
    pub(crate) epoch: u32,
    pub(crate) locality: Locality,
    pub(crate) config: Config,
    pub(crate) node: Node<M>,
    pub(crate) sent: Tally,
    /// Everything that its node told, with the time.
    pub(crate) events: Vec<(Instant, Event)>,
    /// What it was told of members, to check the order.
    pub(super) told: Told,
    /// When its driver ticks: whenever it is due, or only at multiples of this.
    pub(crate) tick_grid: Option<Duration>,
    /// How often it has been started.
    pub(super) life: u32,
    pub(super) state: State,
    pub(super) inbox: Vec<Datagram>,
    /// The earliest tick in the queue.
    pub(super) wake: Instant,
    /// Ticks taken at one instant.
    pub(super) ticks_now: (Instant, u32),
}

impl<M> Host<M> {
    pub(crate) fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// How often it has been started.
    pub(crate) fn life(&self) -> u32 {
        self.life
    }

    /// When its driver gets round to a tick that is due at `due`.
    pub(super) fn tick_time(&self, now: Instant, due: Instant) -> Instant {
        let due = due.max(now);
        match self.tick_grid {
            None => due,
            Some(grid) => {
                let grid = grid.as_micros() as u64;
                Instant::from_micros(due.as_micros().saturating_add(grid - 1) / grid * grid)
            }
        }
    }

    pub(crate) fn has_told(&self, event: Event) -> bool {
        self.events.iter().any(|&(_, told)| told == event)
    }

    /// How many others had acknowledged its leave when it was done, if it is.
    pub(crate) fn left(&self) -> Option<u32> {
        self.events.iter().find_map(|&(_, event)| match event {
            Event::LeaveDone { acknowledged } => Some(acknowledged),
            _ => None,
        })
    }
}
