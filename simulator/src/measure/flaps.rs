//! How often one node changes its mind about another: changes of a member's status that it told of in a minute.

use crate::engine::{HostId, Micros, SECOND, Step};
use gossip_core::Event;
use std::collections::HashMap;

/// A minute is counted in slices of this length, so it begins at a multiple of it.
const SLICE: Micros = 5 * SECOND;
/// Slices of a minute.
const SLICES: usize = 12;
/// Pairs of an observer and a member of which changes are counted at once; with more, the figure is not measured.
const MAX_PAIRS: usize = 1 << 22;
/// Pairs above which those without a change in the last minute are dropped.
const MANY_PAIRS: usize = 1 << 12;

/// One pair's last minute.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    /// The lives of the observer and of the member: what a restart changes is no change of mind.
    lives: (u32, u32),
    /// The latest slice, counted from the start of the run.
    latest: u64,
    /// By the slices' numbers modulo [`SLICES`].
    counts: [u16; SLICES],
}

impl Minute {
    /// Counts a change; returns how many there were in the minute that ends with this slice.
    fn count(&mut self, slice: u64) -> u32 {
        let passed = slice.saturating_sub(self.latest).min(SLICES as u64);
        for gone in 0..passed {
            self.counts[((slice - gone) % SLICES as u64) as usize] = 0;
        }
        self.latest = slice;
        let now = &mut self.counts[(slice % SLICES as u64) as usize];
        *now = now.saturating_add(1);
        self.counts.iter().map(|&count| u32::from(count)).sum()
    }
}

/// The most changes of a member's status that a node told of in a minute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flaps {
    /// How many.
    pub changes: u32,
    /// When the last of them came.
    pub at: Micros,
    /// Who told of them.
    pub observer: HostId,
    /// Of whom.
    pub member: HostId,
}

/// Counts the changes of status that each node tells of each other: `Up`, `Suspected`, `Cleared`, `Down` and `Left`,
/// in any minute that begins at a multiple of five seconds. A life of either node is counted on its own.
#[derive(Debug)]
pub struct FlapCounter {
    pairs: HashMap<(HostId, HostId), Minute>,
    /// Above this many pairs the quiet ones are dropped.
    room: usize,
    worst: Option<Flaps>,
    overflowed: bool,
}

impl Default for FlapCounter {
    fn default() -> Self {
        Self { pairs: HashMap::new(), room: MANY_PAIRS, worst: None, overflowed: false }
    }
}

impl FlapCounter {
    /// Counts what a step tells of others.
    pub fn stepped(&mut self, step: &Step<'_>) {
        for event in step.output.events() {
            let (Event::Up(id)
            | Event::Suspected(id)
            | Event::Cleared(id)
            | Event::Down(id)
            | Event::Left(id)) = event
            else {
                continue;
            };
            if let Some(&member) = step.ids.get(id) {
                let life = |host: HostId| step.hosts.get(host as usize).map_or(0, |host| host.life);
                self.note(step.now, (step.host, member), (life(step.host), life(member)));
            }
        }
    }

    fn note(&mut self, now: Micros, pair: (HostId, HostId), lives: (u32, u32)) {
        if self.overflowed {
            return;
        }
        let slice = now / SLICE;
        let minute = self.pairs.entry(pair).or_default();
        if minute.lives != lives {
            *minute = Minute { lives, latest: slice, ..Minute::default() };
        }
        let changes = minute.count(slice);
        if self.worst.is_none_or(|worst| changes > worst.changes) {
            let (observer, member) = pair;
            self.worst = Some(Flaps { changes, at: now, observer, member });
        }
        if self.pairs.len() > self.room {
            self.pairs.retain(|_, minute| minute.latest + SLICES as u64 > slice);
            self.room = MANY_PAIRS.max(2 * self.pairs.len());
            self.overflowed = self.pairs.len() > MAX_PAIRS;
        }
    }

    /// The most in any minute so far; none if there was no change.
    pub fn worst(&self) -> Option<Flaps> {
        self.worst
    }

    /// The same as a figure; none if more pairs changed within a minute than can be counted.
    pub fn most(&self) -> Option<u32> {
        (!self.overflowed).then(|| self.worst.map_or(0, |worst| worst.changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVES: (u32, u32) = (0, 0);

    #[test]
    fn changes_are_counted_within_a_minute() {
        let mut counter = FlapCounter::default();
        for second in [0, 10, 59] {
            counter.note(second * SECOND, (1, 2), LIVES);
        }
        assert_eq!(counter.most(), Some(3));
        // The first has left the window, the second with the next.
        counter.note(61 * SECOND, (1, 2), LIVES);
        counter.note(71 * SECOND, (1, 2), LIVES);
        assert_eq!(counter.most(), Some(3));
        counter.note(72 * SECOND, (1, 2), LIVES);
        assert_eq!(counter.most(), Some(4));
        let worst = Flaps { changes: 4, at: 72 * SECOND, observer: 1, member: 2 };
        assert_eq!(counter.worst(), Some(worst));
    }

    #[test]
    fn pairs_directions_and_lives_are_counted_apart() {
        let mut counter = FlapCounter::default();
        for (pair, lives) in [((1, 2), LIVES), ((2, 1), LIVES), ((1, 3), LIVES), ((1, 2), (0, 1))] {
            counter.note(SECOND, pair, lives);
        }
        assert_eq!(counter.most(), Some(1));
        counter.note(2 * SECOND, (1, 2), (0, 1));
        assert_eq!(counter.most(), Some(2));
    }

    #[test]
    fn after_a_long_silence_nothing_is_left_of_an_earlier_minute() {
        let mut counter = FlapCounter::default();
        for minutes in 0..20 {
            counter.note(minutes * 60 * SECOND, (1, 2), LIVES);
        }
        assert_eq!(counter.most(), Some(1));
    }

    #[test]
    fn quiet_pairs_are_dropped() {
        let mut counter = FlapCounter::default();
        for n in 0..10 * MANY_PAIRS as u32 {
            counter.note(u64::from(n) * SECOND, (n, 0), LIVES);
        }
        assert!(counter.pairs.len() <= MANY_PAIRS);
        assert_eq!(counter.most(), Some(1));
    }
}
