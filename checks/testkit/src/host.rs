//! A machine of the virtual network: a node, its socket's queue, and its driver's habits.

use crate::{Datagram, Told};
use gossip_core::{Config, Event, Instant, Locality, Node, NodeId, Traffic};
use std::{fmt, net::SocketAddr, time::Duration};

/// Packets and bytes, by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    packets: [u64; 6],
    bytes: [u64; 6],
}

impl Tally {
    pub(crate) fn count(&mut self, class: Traffic, bytes: usize) {
        self.packets[class as usize] += 1;
        self.bytes[class as usize] += bytes as u64;
    }

    /// All packets.
    pub fn packets(&self) -> u64 {
        self.packets.iter().sum()
    }

    /// All bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes.iter().sum()
    }

    /// The bytes of one class.
    pub fn bytes_of(&self, class: Traffic) -> u64 {
        self.bytes[class as usize]
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Running,
    /// Stopped as a whole, its socket's queue filling up.
    Paused {
        until: Instant,
    },
    Down,
}

/// A machine that runs one node.
pub struct Host<M> {
    /// Its id, in every incarnation.
    pub id: NodeId,
    /// Where it is reached now.
    pub address: SocketAddr,
    /// The epoch of its node.
    pub epoch: u32,
    /// Where it runs.
    pub locality: Locality,
    /// The configuration that it starts with.
    pub config: Config,
    /// Its node.
    pub node: Node<M>,
    /// What it has sent.
    pub sent: Tally,
    /// Everything that its node told, with the time.
    pub events: Vec<(Instant, Event)>,
    /// What it was told of members, to check the order.
    pub(crate) told: Told,
    /// When its driver ticks: whenever it is due, or only at multiples of this.
    pub tick_grid: Option<Duration>,
    /// How often it has been started.
    pub(crate) life: u32,
    pub(crate) state: State,
    pub(crate) inbox: Vec<Datagram>,
    /// The earliest tick in the queue.
    pub(crate) wake: Instant,
    /// Ticks taken at one instant.
    pub(crate) ticks_now: (Instant, u32),
}

impl<M> fmt::Debug for Host<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("id", &self.id).field("address", &self.address).finish_non_exhaustive()
    }
}

impl<M> Host<M> {
    /// Whether it runs and is not paused.
    pub fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// How often it has been started.
    pub fn life(&self) -> u32 {
        self.life
    }

    /// When its driver gets round to a tick that is due at `due`.
    pub(crate) fn tick_time(&self, now: Instant, due: Instant) -> Instant {
        let due = due.max(now);
        match self.tick_grid {
            None => due,
            Some(grid) => {
                let grid = grid.as_micros() as u64;
                Instant::from_micros(due.as_micros().saturating_add(grid - 1) / grid * grid)
            }
        }
    }

    /// Whether its node has raised this event.
    pub fn has_told(&self, event: Event) -> bool {
        self.events.iter().any(|&(_, told)| told == event)
    }

    /// How many others had acknowledged its leave when it was done, if it is.
    pub fn left(&self) -> Option<u32> {
        self.events.iter().find_map(|&(_, event)| match event {
            Event::LeaveDone { acknowledged } => Some(acknowledged),
            _ => None,
        })
    }
}
