//! How many datagrams that do not open a node opens in a second.
//!
//! What opens is not charged, so only a sender without the key uses up a budget. All that claims to come from members, at their
//! advertised addresses, has one budget; all others share another, of which one source has a part. A flood from elsewhere leaves
//! members alone; one that forges both the id and the address of a member uses up the budget of all members.

use super::token::Secret;
use crate::{
    tables::pace::Pace,
    vocabulary::{
        bounds::sized,
        time::{Instant, micros},
    },
};
use core::{net::IpAddr, time::Duration};

/// Failures a second in the names of members, from their advertised addresses: an eighth of a core, at 1.2 µs each.
const OF_MEMBERS: u32 = sized(100_000, 100) as u32;
/// Failures a second of all others: a hundredth of a core.
const OF_NON_MEMBERS: u32 = sized(10_000, 100) as u32;
/// The part of these that one source may use.
const PART_OF_SOURCE: u32 = 16;
/// What may come at once, of any of these.
const BURST: Duration = Duration::from_millis(250);
/// Sources told apart; those that share a cell share its rate.
const CELLS: usize = sized(1_024, 32);
/// Microseconds in a unit of time of a cell: 32 bits of it last for three days.
const UNIT: u64 = 64;

/// Until when the failures of a source are paid for, in units; see [`Pace`], of which it is the half.
#[derive(Clone, Copy, Debug)]
struct Cell(u32);

impl Cell {
    fn owes(self, now: Instant) -> u32 {
        let owed = self.0.wrapping_sub((now.as_micros() / UNIT) as u32);
        // More than it can ever owe: it is days old.
        if owed > burst() + cost() { 0 } else { owed }
    }

    fn has(self, now: Instant) -> bool {
        self.owes(now) + cost() <= burst()
    }

    fn charge(&mut self, now: Instant) {
        let owed = (self.owes(now) + cost()).min(burst());
        self.0 = ((now.as_micros() / UNIT) as u32).wrapping_add(owed);
    }
}

fn burst() -> u32 {
    (micros(BURST) / UNIT) as u32
}

/// Of one failure of a source, in units.
fn cost() -> u32 {
    (1_000_000 / UNIT) as u32 * PART_OF_SOURCE / OF_NON_MEMBERS
}

/// Who claims to have sent a datagram that is to be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Claimed {
    /// A member, from its advertised address.
    Member,
    /// Anybody else, a member from another address included, in this cell.
    NonMember(usize),
}

impl Claimed {
    pub(super) fn non_member(secret: &Secret, from: IpAddr) -> Self {
        Self::NonMember((secret.source(from) % CELLS as u64) as usize)
    }
}

/// What is left of the budgets for datagrams that do not open.
#[derive(Clone, Debug)]
pub(super) struct Openings {
    members: Pace,
    non_members: Pace,
    cells: [Cell; CELLS],
}

impl Openings {
    pub(super) const RESTED: Self =
        Self { members: Pace::RESTED, non_members: Pace::RESTED, cells: [Cell(0); CELLS] };

    /// Whether a datagram may be opened.
    pub(super) fn has(&self, now: Instant, who: Claimed) -> bool {
        match who {
            Claimed::Member => self.members.has(now, every(OF_MEMBERS), BURST),
            Claimed::NonMember(cell) => {
                self.non_members.has(now, every(OF_NON_MEMBERS), BURST)
                    && self.cells.get(cell).is_some_and(|cell| cell.has(now))
            }
        }
    }

    /// It did not open.
    pub(super) fn charge(&mut self, now: Instant, who: Claimed) {
        match who {
            Claimed::Member => _ = self.members.take(now, every(OF_MEMBERS), BURST),
            Claimed::NonMember(cell) => {
                let _ = self.non_members.take(now, every(OF_NON_MEMBERS), BURST);
                self.cells.get_mut(cell).into_iter().for_each(|cell| cell.charge(now));
            }
        }
    }
}

fn every(per_second: u32) -> Duration {
    Duration::from_secs(1) / per_second
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many failures pass in a second that begins at `from`, if there are as many as can be.
    fn failures(openings: &mut Openings, from: u64, who: impl Fn(u64) -> Claimed) -> u32 {
        let mut failures = 0;
        for n in 0..200_000 {
            let now = Instant::from_micros(from + n * 5);
            if openings.has(now, who(n)) {
                openings.charge(now, who(n));
                failures += 1;
            }
        }
        failures
    }

    #[test]
    fn failures_are_bounded_by_who_is_said_to_have_sent_them() {
        let within = |failures, rate: u32| (rate..=rate + rate / 4 + 1).contains(&failures);
        let mut openings = Openings::RESTED;
        assert!(within(failures(&mut openings, 0, |_| Claimed::Member), OF_MEMBERS));
        let of_one = failures(&mut openings, 0, |_| Claimed::NonMember(7));
        assert!(within(of_one, OF_NON_MEMBERS / PART_OF_SOURCE), "{of_one}");
        let of_all = failures(&mut openings, 1_000_000, |n| Claimed::NonMember(n as usize % CELLS));
        assert!(within(of_all, OF_NON_MEMBERS), "{of_all}");
    }

    #[test]
    fn one_source_leaves_the_others_their_part() {
        let mut openings = Openings::RESTED;
        let now = Instant::from_micros(1_000_000);
        while openings.has(now, Claimed::NonMember(3)) {
            openings.charge(now, Claimed::NonMember(3));
        }
        assert!(openings.has(now, Claimed::NonMember(4)) && openings.has(now, Claimed::Member));
    }

    #[test]
    fn a_source_that_paused_for_any_time_may_fail_again() {
        for pause in [1, 3_600, 38 * 3_600, 76 * 3_600, 77 * 3_600, 1_000_000] {
            let mut openings = Openings::RESTED;
            let _ = failures(&mut openings, 0, |_| Claimed::NonMember(7));
            let later = Instant::from_micros((1 + pause) * 1_000_000);
            assert!(openings.has(later, Claimed::NonMember(7)), "after {pause} s");
        }
    }
}
