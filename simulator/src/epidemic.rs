//! The theory's epidemics: synchronous rounds on a complete graph, to ten million nodes.
//!
//! No membership, no timers, no packets: a node knows one rumor or does not. What the real cores do is held
//! against this, and this is held against what is published: Pittel, *On spreading a rumor* (SIAM J. Appl.
//! Math. 47, 1987); Karp, Schindelhauer, Shenker and Vöcking, *Randomized rumor spreading* (FOCS 2000);
//! Demers et al., *Epidemic algorithms for replicated database maintenance* (PODC 1987). Ring and random is that of
//! Voulgaris and van Steen, *Hybrid dissemination: adding determinism to probabilistic multicasting* (Middleware 2007).

mod ring;
mod study;
pub mod theory;

pub use study::{Study, Theory};

use crate::rng::Rng;
use serde::Serialize;

/// Most nodes of an epidemic: two bytes of memory each.
pub const MAX_NODES: u32 = 10_000_000;
/// Most peers that a node calls in one round; far above what any protocol uses.
pub const MAX_FANOUT: u32 = 32;
/// Rounds after which an epidemic is given up; only a loss near one comes near it.
pub const MAX_ROUNDS: u16 = 10_000;

/// Which way the rumor goes when one node calls another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Who knows calls others and tells them.
    Push,
    /// Who does not know calls others and asks them.
    Pull,
    /// Everyone calls others; each tells the other.
    PushPull,
    /// A node that knows tells the next few nodes in one order, and as many others at random.
    Ring,
}

impl Mode {
    /// All modes, in the order in which they are compared.
    pub const ALL: [Self; 4] = [Self::Push, Self::Pull, Self::PushPull, Self::Ring];

    fn calls(self, knows: bool) -> bool {
        match self {
            Self::Push | Self::Ring => knows,
            Self::Pull => !knows,
            Self::PushPull => true,
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::PushPull => "push-pull",
            Self::Ring => "ring",
        })
    }
}

/// One epidemic to run: how many nodes, and how they talk.
///
/// Each round every node that its mode lets call, calls `fanout` distinct others, chosen evenly; what is
/// learnt in a round is told from the next one on. A question is a datagram and so is its answer, and each
/// is lost on its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Epidemic {
    /// Nodes, of which the first knows the rumor at the start: 2 to [`MAX_NODES`].
    pub nodes: u32,
    /// Who tells whom.
    pub mode: Mode,
    /// Peers called by a node in a round: 1 to [`MAX_FANOUT`], and fewer than the nodes.
    pub fanout: u32,
    /// Share of the datagrams that is lost: 0 or more, below 1.
    pub loss: f64,
    /// Sends of a node in all, after which it falls silent; `None` is no limit. [`Mode::Push`] and [`Mode::Ring`] only.
    pub sends: Option<u32>,
    /// Share of the others that a node does not know, different ones for each node: 0 or more, below 1. [`Mode::Ring`]
    /// only: where all choices are random, it makes no difference.
    pub unknown: f64,
}

/// Why an epidemic cannot be run. Nothing has been done.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidEpidemic {
    /// Too few or too many nodes.
    #[error("an epidemic has 2 to {MAX_NODES} nodes, not {0}")]
    Nodes(u32),
    /// No peers, too many, or more than there are.
    #[error("a fanout is from 1 to {MAX_FANOUT} and below the number of nodes, not {0}")]
    Fanout(u32),
    /// Not a share that leaves anyone, or one where order does not matter.
    #[error("what is unknown is a share of at least 0 and below 1, and goes with ring alone; not {0}")]
    Unknown(f64),
    /// Not a share that lets anything through.
    #[error("a loss is at least 0 and below 1, not {0}")]
    Loss(f64),
    /// No sends, or a limit on sends where nodes ask.
    #[error("a limit on sends is at least 1 and goes with push or ring alone")]
    Sends,
}

/// What one run of an epidemic did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Nodes that knew after 0, 1, 2 … rounds; the last entry is the final state.
    pub informed: Vec<u32>,
    /// Copies of the rumor sent, lost ones included.
    pub copies: u64,
}

impl Course {
    /// Rounds until everyone knew; `None` when someone never did.
    #[must_use]
    pub fn rounds(&self, nodes: u32) -> Option<usize> {
        (self.informed.last() == Some(&nodes)).then(|| self.informed.len() - 1)
    }
}

impl Epidemic {
    /// Checks the ranges that the fields promise.
    ///
    /// # Errors
    /// [`InvalidEpidemic`] names the first field that is out of range.
    pub fn validate(&self) -> Result<(), InvalidEpidemic> {
        if !(2..=MAX_NODES).contains(&self.nodes) {
            return Err(InvalidEpidemic::Nodes(self.nodes));
        }
        if !(1..=MAX_FANOUT.min(self.nodes - 1)).contains(&self.fanout) {
            return Err(InvalidEpidemic::Fanout(self.fanout));
        }
        if !(0.0..1.0).contains(&self.loss) {
            return Err(InvalidEpidemic::Loss(self.loss));
        }
        let limits = matches!(self.mode, Mode::Push | Mode::Ring);
        if self.sends.is_some_and(|sends| sends == 0 || !limits) {
            return Err(InvalidEpidemic::Sends);
        }
        if !(0.0..1.0).contains(&self.unknown) || self.unknown > 0.0 && self.mode != Mode::Ring {
            return Err(InvalidEpidemic::Unknown(self.unknown));
        }
        Ok(())
    }

    /// Runs the epidemic until everyone knows or no one has anything left to send. The seed decides all.
    ///
    /// # Errors
    /// As [`Epidemic::validate`].
    pub fn run(&self, seed: u64) -> Result<Course, InvalidEpidemic> {
        self.validate()?;
        let mut crowd = Crowd::new(*self, seed);
        let mut informed = vec![1];
        let mut known = 1;
        for round in 1..=MAX_ROUNDS {
            if known == self.nodes || crowd.is_silent(round) {
                break;
            }
            known += crowd.round(round);
            informed.push(known);
        }
        Ok(Course { informed, copies: crowd.copies })
    }
}

/// A round that never came.
const NEVER: u16 = u16::MAX;

/// The nodes of a running epidemic.
struct Crowd {
    epidemic: Epidemic,
    /// The round in which each node heard the rumor, or [`NEVER`].
    heard: Vec<u16>,
    /// The latest round in which anyone heard it.
    last_heard: u16,
    copies: u64,
    rng: Rng,
    /// What decides who knows whom.
    views: u64,
}

impl Crowd {
    fn new(epidemic: Epidemic, seed: u64) -> Self {
        let mut heard = vec![NEVER; epidemic.nodes as usize];
        heard[0] = 0;
        Self { epidemic, heard, last_heard: 0, copies: 0, rng: Rng::new(seed), views: seed }
    }

    /// Calls that a node which heard the rumor in round `heard` makes in `round`.
    fn calls_left(&self, heard: u16, round: u16) -> u32 {
        let Epidemic { fanout, sends, .. } = self.epidemic;
        match sends {
            Some(sends) if heard < round => {
                sends.saturating_sub(fanout * u32::from(round - 1 - heard)).min(fanout)
            }
            _ => fanout,
        }
    }

    fn is_silent(&self, round: u16) -> bool {
        self.calls_left(self.last_heard, round) == 0
    }

    /// Everyone's calls of one round; returns how many nodes heard the rumor in it.
    fn round(&mut self, round: u16) -> u32 {
        let mut newly = 0;
        for node in 0..self.epidemic.nodes {
            let heard = self.heard[node as usize];
            let knows = heard < round;
            if !self.epidemic.mode.calls(knows) {
                continue;
            }
            let calls = self.calls_left(heard, round);
            let peers = match self.epidemic.mode {
                Mode::Ring => self.next_and_random(node, calls, round - heard - 1),
                Mode::Push | Mode::Pull | Mode::PushPull => self.peers(node, calls),
            };
            for &peer in peers.iter().take(calls as usize) {
                newly += u32::from(self.call(node, knows, peer, round));
            }
        }
        newly
    }

    /// One call; says whether it told someone who had not heard the rumor in this round yet.
    fn call(&mut self, caller: u32, knows: bool, peer: u32, round: u16) -> bool {
        self.copies += u64::from(knows);
        if self.is_lost() {
            return false;
        }
        match (knows, self.heard[peer as usize] < round) {
            (true, false) => self.hear(peer, round),
            (false, true) => {
                self.copies += 1;
                !self.is_lost() && self.hear(caller, round)
            }
            _ => false,
        }
    }

    fn hear(&mut self, node: u32, round: u16) -> bool {
        let heard = &mut self.heard[node as usize];
        let first = *heard == NEVER;
        *heard = round.min(*heard);
        self.last_heard = round;
        first
    }

    fn is_lost(&mut self) -> bool {
        self.epidemic.loss > 0.0 && self.rng.chance(self.epidemic.loss)
    }

    /// `calls` distinct nodes other than `node`, all sets of them equally likely (Floyd's sampling).
    fn peers(&mut self, node: u32, calls: u32) -> [u32; MAX_FANOUT as usize] {
        let mut peers = [0; MAX_FANOUT as usize];
        let others = self.epidemic.nodes - 1;
        for (slot, last) in (others - calls..others).enumerate() {
            let drawn = self.rng.below(last + 1);
            peers[slot] = if peers[..slot].contains(&drawn) { last } else { drawn };
        }
        for peer in &mut peers[..calls as usize] {
            *peer += u32::from(*peer >= node);
        }
        peers
    }
}

#[cfg(test)]
mod tests;
