//! The pace of dissemination: when the next round of rumors and the next sieve go out. News brings them forward.

use crate::vocabulary::{
    config::{Config, Mode},
    rng::Rng,
    time::{Instant, micros},
};
use core::time::Duration;

/// The eager first send of fresh news waits up to this long, so that the hops of a cluster do not beat in
/// time and news that arrives together leaves together.
const EAGER_JITTER: Duration = Duration::from_millis(4);

/// Without an allocator, and so with a few dozen members, a node neither sends nor answers sieves: fetches and rounds
/// do as well, and 4 KiB of code are saved.
pub(crate) const SIEVES: bool = cfg!(feature = "alloc");

/// When the next round and the next sieve come.
#[derive(Clone)]
pub(crate) struct Pace {
    pub(crate) round: Instant,
    pub(crate) last_round: Instant,
    /// The coming round is the second of fresh news, or later.
    pub(crate) lazy: bool,
    /// Never in calm.
    pub(crate) sieve: Instant,
    /// Sieves since one brought something.
    pub(crate) vain: u32,
    /// When a cluster-wide value changed here last.
    pub(crate) values_changed: Instant,
    /// Whether the last packet with state had events in front.
    pub(crate) events_first: bool,
}

impl Pace {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        let round = if config.mode == Mode::Pull { now } else { Instant::NEVER };
        Self {
            round,
            last_round: Instant::ZERO,
            lazy: false,
            sieve: Instant::NEVER,
            vain: 0,
            values_changed: Instant::ZERO,
            events_first: false,
        }
    }

    /// Whether what is new is asked for with sieves, so that new members need be no rumors.
    pub(crate) fn is_sieving(&self) -> bool {
        self.sieve != Instant::NEVER
    }

    /// Fresh news: a round comes within a few milliseconds or, if one has just been made, after a quarter of a
    /// gossip interval.
    pub(crate) fn schedule_round(&mut self, config: &Config, rng: &mut Rng, now: Instant) {
        if config.mode == Mode::Pull {
            self.round = self.round.min(now + config.gossip_interval);
            return;
        }
        let jitter = micros(EAGER_JITTER.min(config.gossip_interval / 8));
        let eager = now + Duration::from_micros(rng.below_u64(jitter + 1));
        let earliest = match self.last_round {
            Instant::ZERO => eager,
            last => eager.max(last + config.gossip_interval / 8),
        };
        self.round = self.round.min(earliest);
        self.lazy = false;
    }

    /// More news than can be told soon, or a sieve that brought some: the next sieve comes soon.
    pub(crate) fn begin_sieving(&mut self, config: &Config, rng: &mut Rng, now: Instant) {
        if sends_sieves(config) {
            let first = now + Duration::from_micros(rng.below_u64(micros(sieve_gap(config)) + 1));
            (self.vain, self.sieve) = (0, self.sieve.min(first));
        }
    }
}

/// Whether a node sends sieves at all.
pub(crate) fn sends_sieves(config: &Config) -> bool {
    SIEVES && config.mode == Mode::PushPull && config.mechanisms.sieves
}

/// The time between two sieves, unless the budget or vain ones make it longer.
pub(crate) fn sieve_gap(config: &Config) -> Duration {
    config.gossip_interval * 3 / 2
}
