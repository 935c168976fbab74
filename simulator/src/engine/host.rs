//! A host: the machine that a node runs on, and what can be wrong with it.

use super::{Keys, Micros, NEVER, Sybil, link::Pipe, packets::PacketId};
use gossip_core::{Credentials, Heap, Instant, Locality, Node, NodeId, Outbox, Signing};
use std::{collections::VecDeque, fmt, net::SocketAddr};

/// A host, by its place in [`World::hosts`](super::World::hosts).
pub type HostId = u32;

/// Whether a host's process runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It runs (it may be paused).
    Running,
    /// It crashed.
    Down,
    /// It left, and stopped.
    Gone,
}

/// The clock of a host: it may go too fast or too slow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// When its rate was set, by the true time and by its own.
    set: Micros,
    showed: Micros,
    /// Parts per million that it is too fast.
    drift_ppm: i32,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    /// A right one that shows this at the start of the run.
    pub(super) fn showing(uptime: Micros) -> Self {
        Self { showed: uptime, ..Self::default() }
    }

    pub(super) fn set_drift(&mut self, now: Micros, drift_ppm: i32) {
        *self = Self { set: now, showed: self.shows(now), drift_ppm };
    }

    fn shows(&self, now: Micros) -> Micros {
        let elapsed = i128::from(now.saturating_sub(self.set));
        self.showed + (elapsed * (MILLION + i128::from(self.drift_ppm)) / MILLION) as u64
    }

    /// What it shows at that time, as the node is told.
    pub(super) fn local(&self, now: Micros) -> Instant {
        Instant::from_micros(self.shows(now))
    }

    /// The first time at which it shows that.
    pub(super) fn global(&self, local: Instant) -> Micros {
        if local == Instant::NEVER {
            return NEVER;
        }
        let elapsed = local.as_micros().saturating_sub(self.showed);
        if self.drift_ppm == 0 {
            return self.set.saturating_add(elapsed);
        }
        let rate = MILLION + i128::from(self.drift_ppm);
        let true_time = (i128::from(elapsed) * MILLION + rate - 1) / rate;
        self.set.saturating_add(true_time as u64)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("id", &self.id).field("address", &self.address).finish_non_exhaustive()
    }
}

/// A machine with a real node on it.
pub struct Host {
    /// Whose id its node has, in every life.
    pub id: NodeId,
    /// Where it is reached in this life.
    pub address: SocketAddr,
    /// Where it was reached in its first life.
    pub first_address: SocketAddr,
    /// Where it runs.
    pub locality: Locality,
    /// The node itself; that of the last life, when the host is down.
    pub node: Node<Heap>,
    /// Whether its process runs.
    pub state: State,
    /// How often it has been started.
    pub life: u32,
    /// When this life began.
    pub born: Micros,
    /// The epoch that it has persisted.
    pub epoch: u32,
    /// What stands in the file of its keys.
    pub keys: Keys,
    /// What it asks of others, if it signs.
    pub signing: Option<Signing>,
    /// Whether it is an attacker's.
    pub sybil: Option<Sybil>,
    pub(super) clock: Clock,
    /// When the node wants its next tick.
    pub(super) next_tick: Micros,
    /// When the earliest wake-up stands in the queue that counts.
    pub(super) wake: Micros,
    /// Paused, or at work on a step, until then.
    pub(super) busy_until: Micros,
    /// Sends and receives nothing until then, although its timers run.
    pub(super) blocked_until: Micros,
    /// After a pause: whether the driver looks at its socket before its timer.
    pub(super) socket_first: bool,
    /// What one step costs.
    pub(super) step_cost: Micros,
    pub(super) uplink: Option<Pipe>,
    pub(super) uplink_free: Micros,
    /// The socket's buffer, while the node does not read it.
    pub(super) inbox: VecDeque<PacketId>,
    /// What it could not send while it was blocked.
    pub(super) outbox: VecDeque<PacketId>,
    /// When it last ticked, and how often at that time.
    pub(super) ticks: (Micros, u32),
    /// Its node as it once was.
    pub(super) snapshot: Option<Box<Node<Heap>>>,
}

impl Host {
    /// Whether its process runs; it may be paused.
    pub fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// Whether it is paused or cut from its socket at that time.
    pub fn is_stopped(&self, now: Micros) -> bool {
        self.busy_until > now || self.blocked_until > now
    }

    /// Gives its node, which has just begun and sends nothing yet, the keys of its file.
    pub(super) fn take_keys(&mut self, now: Micros, out: &mut Outbox<'_>) {
        let Some(ring) = self.keys.ring() else { return };
        let now = self.clock.local(now);
        if let Ok(output) = self.node.set_keys(now, ring, self.keys.sealing, true, out) {
            self.next_tick = self.clock.global(output.next_tick);
        }
    }

    /// Lets its node, which has just begun and sends nothing yet, sign.
    pub(super) fn take_identity(&mut self, now: Micros, credentials: Credentials, out: &mut Outbox<'_>) {
        let now = self.clock.local(now);
        if let Ok(output) = self.node.set_identity(now, credentials, true, out) {
            self.next_tick = self.clock.global(output.next_tick);
        }
    }

    /// When it has something to do.
    pub(super) fn due(&self, now: Micros) -> Micros {
        let mail = !self.inbox.is_empty() || !self.outbox.is_empty();
        let socket = if mail { self.blocked_until } else { NEVER };
        self.next_tick.min(socket).max(self.busy_until).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drifting_clock_shows_what_it_is_asked_for() {
        for drift in [-50_000, -3, 0, 7, 100, 30_000] {
            let mut clock = Clock::default();
            clock.set_drift(1_234_567, drift);
            for shown in [1_234_567u64, 1_234_568, 2_000_001, 987_654_321] {
                let at = clock.global(Instant::from_micros(shown));
                assert!(clock.local(at).as_micros() >= shown, "{drift} {shown}");
                assert!(at == 1_234_567 || clock.local(at - 1).as_micros() < shown, "{drift} {shown}");
            }
        }
        assert_eq!(Clock::default().global(Instant::NEVER), NEVER);
    }

    #[test]
    fn a_clock_does_not_jump_when_its_rate_changes() {
        let mut clock = Clock::default();
        clock.set_drift(0, 100_000);
        assert_eq!(clock.local(1_000_000).as_micros(), 1_100_000);
        clock.set_drift(1_000_000, 0);
        assert_eq!(clock.local(1_000_001).as_micros(), 1_100_001);
    }
}
