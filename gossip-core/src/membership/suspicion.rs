//! Suspicion: accusers, how long a suspect has to refute, and what follows if it does not.
//!
//! ```text
//!            accused                 timer runs out              check fails, and the ruling is death
//! Alive ───────────────▶ Suspect ─────────────────▶ (due) ───────────────────────────────────────────▶ Dead
//!   ▲                        │                        │
//!   └────── refutes ─────────┴────────────────────────┘
//! ```
//!
//! Timers run on every node that hears of a suspicion, from the longest down to the floor as distinct accusers
//! confirm. A timer that runs out does not declare anybody dead: it makes this node check for itself. [`judge`] says what
//! follows; this file gathers the evidence and acts on the ruling.

use crate::{
    kernel::{
        context::Step,
        outbox::{EVENTS_OF_STEP, Event},
    },
    membership::{
        detector::Purpose,
        judgement::{Evidence, Reason, Ruling, judge},
        quarantine::Cause,
    },
    tables::table::{ME, SlotId, pool::Suspicion},
    vocabulary::{
        config::Config,
        diagnostics::debug,
        record::{Reachability, Status},
        time::{Instant, Stamp, micros},
    },
};
use core::time::Duration;

/// Timers that one tick handles; more wait for the next, which is due at once.
const MAX_EXPIRIES: usize = 16;
/// Doublings of the time between two checks of a suspect whose death is due, but not earned.
const MAX_DOUBLINGS: u8 = 2;
/// Between two checks of a suspect lie at most so many probe intervals and the check itself, ...
const CHECK_INTERVALS: u32 = 3 << MAX_DOUBLINGS;
/// ... whose waits local health multiplies by at most this.
const SLOWEST: u32 = 9;

/// Lifeguard's shrinking timeout: the share of the way from the longest to the floor that `c` of `k`
/// confirmations go, `ln(c + 1) / ln(k + 1)` in 1,024ths (arXiv 1707.00788, section IV-B).
const PROGRESS: [[u64; 4]; 4] =
    [[1_024, 1_024, 1_024, 1_024], [0, 1_024, 1_024, 1_024], [0, 646, 1_024, 1_024], [0, 512, 812, 1_024]];

/// The most ack timeouts that a check of a suspect waits: 11 in the presets, 21 at the knobs' limits.
fn check_waits(config: &Config) -> u32 {
    // In half timeouts: the first ping waits two, each further one half a timeout longer.
    let pings = |count: u8| u32::from(count) * (u32::from(count) + 3) / 2;
    let helpers = 2 + pings(config.helper_pings);
    // The first round of helpers has half of its time. All waits may be a tenth longer.
    ((pings(config.direct_pings) * 2 + helpers * 3) * 11).div_ceil(4 * 10)
}

/// How long two checks of a suspect take, one after the other, at the slowest.
pub(crate) fn two_checks(config: &Config) -> Duration {
    (config.probe_interval * CHECK_INTERVALS + config.ack_timeout_max * check_waits(config) * SLOWEST) * 2
}

impl Step<'_, '_> {
    fn suspicion(&self, slot: SlotId) -> Option<&Suspicion> {
        self.tables.suspicions.get(self.tables.members.slot(slot))
    }

    fn suspicion_mut(&mut self, slot: SlotId) -> Option<&mut Suspicion> {
        self.tables.suspicions.get_mut(self.tables.members.slot(slot))
    }

    /// The distinct accusers of a member.
    pub(crate) fn accusers(&self, slot: SlotId) -> &[SlotId] {
        self.suspicion(slot).map_or(&[], Suspicion::accusers)
    }

    pub(crate) fn accuses(&self, accuser: SlotId, slot: SlotId) -> bool {
        self.accusers(slot).contains(&accuser)
    }

    /// Adds an accuser to a member that is Alive or Suspect in the accused incarnation.
    pub(crate) fn suspect(&mut self, slot: SlotId, accuser: SlotId, started: Stamp) {
        if self.accuses(accuser, slot) {
            return;
        }
        let cap = self.core.config.accusations_per_accuser;
        if accuser != ME && self.tables.members.slot(accuser).open_accusations() >= cap {
            self.core.metrics.dropped_accusations += 1;
            return;
        }
        let mut news = false;
        if self.record(slot).status() == Status::Alive {
            let suspect = self.record(slot).with_status(Status::Suspect);
            self.tables.members.replace(slot, &suspect, &mut self.core.rng);
            self.raise(Event::Suspected(suspect.id()));
            news = true;
        }
        if self.tables.members.slot(slot).suspicion == 0 {
            self.open(slot, started);
        }
        news |= self.tables.suspicions.accuse(self.tables.members.slots, slot, accuser);
        if news {
            self.reschedule(slot);
            // Patience counts from the member's own update, not from an accusation.
            let member = self.tables.members.slot(slot);
            let patient = !member.record.pause().is_zero() || self.damping_level(slot) > 0;
            let born = if patient { member.born } else { self.core.clock.now().stamp() };
            self.heat(slot, born);
        }
    }

    /// Starts the timer of a member that was heard to be suspect.
    pub(crate) fn arm(&mut self, slot: SlotId) {
        self.open(slot, self.core.clock.judged_stamp());
        self.reschedule(slot);
    }

    fn open(&mut self, slot: SlotId, started: Stamp) {
        let members = &mut self.tables.members;
        if self.tables.suspicions.open(members.slots, slot, started, started) {
            self.core.metrics.suspicions += 1;
        } else {
            self.core.metrics.dropped_suspicions_full += 1;
        }
    }

    /// The shortest suspicion of a member, in µs: longer where the round trip is.
    pub(crate) fn suspicion_floor(&self, slot: SlotId) -> u64 {
        let rtt = self.core.round_trips.smoothed(self.zone_of(slot));
        self.core.config.suspicion_floor(self.tables.members.size(), Duration::from_micros(u64::from(rtt)))
    }

    /// How long a member stays suspect, in µs, with so many accusers.
    fn timeout(&self, slot: SlotId, accusers: usize) -> u64 {
        let floor = self.suspicion_floor(slot);
        let longest = floor * u64::from(self.core.config.suspicion_factor);
        if !self.core.config.mechanisms.confirmations || accusers == 0 {
            return longest;
        }
        let wanted = u32::from(self.core.config.confirmations).min(self.other_voters()) as usize;
        longest - (longest - floor) * PROGRESS[wanted][(accusers - 1).min(3)] / 1_024
    }

    /// How many other members could accuse a suspect: live ones that are not suspect themselves.
    fn other_voters(&self) -> u32 {
        self.tables.members.live().saturating_sub(self.tables.members.suspects().max(1))
    }

    /// Sets a timer to what its accusers make it.
    fn reschedule(&mut self, slot: SlotId) {
        let Some(suspicion) = self.suspicion(slot).filter(|suspicion| !suspicion.is_due()) else { return };
        let mut timeout = self.timeout(slot, suspicion.accusers().len());
        let mechanisms = self.core.config.mechanisms;
        if mechanisms.earned_death && mechanisms.early_check && suspicion.accusers().contains(&ME) {
            // An accuser's check takes about as long as a refutation takes to arrive, so that both end together. It begins
            // when `pause_tolerance` is over at the earliest.
            timeout -= self.suspicion_floor(slot) - micros(self.core.config.pause_tolerance);
        }
        let due = suspicion.started.plus((timeout / 1_000) as u32);
        self.tables.suspicions.schedule(self.tables.members.slot(slot), due);
    }

    /// Lets a timer run out after so many µs from now.
    pub(crate) fn postpone(&mut self, slot: SlotId, by_micros: u64) {
        let due = self.core.clock.judged_stamp().plus((by_micros / 1_000).max(1) as u32);
        self.tables.suspicions.schedule(self.tables.members.slot(slot), due);
    }

    /// When the next timer runs out, by the host's clock.
    pub(crate) fn next_expiry(&self) -> Instant {
        self.tables.suspicions.first().map_or(Instant::NEVER, |(due, _)| self.core.clock.real_stamp(due))
    }

    /// Handles the timers that have run out.
    pub(crate) fn expire_suspicions(&mut self) {
        self.forget_losses();
        self.call_the_roll();
        for _ in 0..MAX_EXPIRIES {
            let Some((due, slot)) = self.tables.suspicions.first() else { return };
            if self.core.clock.judged_stamp().is_before(due) || self.out.event_room() < EVENTS_OF_STEP {
                return;
            }
            self.expire(slot);
        }
    }

    /// A timer has run out: accusers check at once, everybody else a little later, so that news of the first verdict
    /// spares the others the check.
    fn expire(&mut self, slot: SlotId) {
        let interval = micros(self.core.config.probe_interval);
        if !self.core.config.mechanisms.earned_death {
            self.declare(slot);
            return;
        }
        let now = self.core.clock.judged_stamp();
        let silent = self.tables.members.slot(slot).is_silent() && self.was_doubted(slot);
        let wait = match judge(&self.evidence(slot, silent)) {
            Ruling::Dead => return self.declare(slot),
            Ruling::Wait(Reason::Patience) => self.patience(slot),
            // Jitter: not all suspects are due at once when the doubt ends.
            Ruling::Wait(_) => Some(interval * 2 + self.core.rng.below_u64(interval * 2)),
            Ruling::Check => None,
        };
        if let Some(wait) = wait {
            // Restart the overdue clock: nobody could join in before then.
            if let Some(overdue) = self.suspicion_mut(slot).filter(|suspicion| suspicion.is_due()) {
                overdue.started = now.plus((wait / 1_000) as u32);
            }
            return self.postpone(slot, wait);
        }
        let Some(suspicion) = self.suspicion_mut(slot) else { return };
        let checks = suspicion.checks;
        suspicion.checks = checks.saturating_add(1);
        if checks == 0 {
            suspicion.started = now;
        }
        if checks == 0 && !suspicion.accusers().contains(&ME) {
            let jitter = interval / 2 + self.core.rng.below_u64(interval);
            self.postpone(slot, jitter);
        } else {
            let _ = self.probe(slot, Purpose::Check);
            let again = 2 * interval + self.core.rng.below_u64(interval);
            self.postpone(slot, again << checks.saturating_sub(1).min(MAX_DOUBLINGS));
        }
    }

    /// A check of a suspect was answered: the suspicion starts over. The suspect heard of it with the ping, and will refute
    /// it.
    pub(crate) fn check_passed(&mut self, slot: SlotId) {
        let now = self.core.clock.judged_stamp();
        let Some(suspicion) = self.suspicion_mut(slot) else { return };
        (suspicion.checks, suspicion.started) = (0, now);
        self.reschedule(slot);
    }

    /// Our own probe of a member failed: accuse it, and if its death is due, judge it. `silent`: the probe before failed,
    /// too.
    pub(crate) fn probe_failed(&mut self, slot: SlotId, started: Instant, silent: bool) {
        if !self.record(slot).status().is_live() || self.patience(slot).is_some() {
            return;
        }
        if !self.core.config.mechanisms.suspicion {
            self.declare(slot);
            return;
        }
        if !self.accuses(ME, slot) {
            if !silent && self.is_restless(slot) {
                let _ = self.probe(slot, Purpose::Check);
                return;
            }
            self.core.metrics.accusations_made += 1;
            debug!("member {} accused", self.record(slot).id().as_u64());
            let counts = self.core.config.mechanisms.confirmations;
            let started = if counts { started } else { self.core.clock.judged() };
            self.suspect(slot, ME, started.stamp());
        }
        if !self.suspicion(slot).is_some_and(Suspicion::is_due) {
            return;
        }
        if judge(&self.evidence(slot, true)) == Ruling::Dead {
            return self.declare(slot);
        }
        self.core.metrics.deaths_held += 1;
        debug!("death of {} withheld", self.record(slot).id().as_u64());
    }

    /// What is known of a suspect; `checked`: our own probe of it failed.
    fn evidence(&self, slot: SlotId, checked: bool) -> Evidence {
        let since = |due: &Suspicion| self.core.clock.judged_stamp().since(due.started);
        let due_for = self.suspicion(slot).filter(|suspicion| suspicion.is_due()).map_or(0, since);
        Evidence {
            patience: self.patience(slot).is_some(),
            zone: self.core.doubts.of(Cause::Zone(self.zone_of(slot))),
            own: self.own_doubt(),
            refuted: self.core.standing.refuted,
            checked,
            accusers: self.accusers(slot).len() as u32,
            voters: self.other_voters() + 1,
            overdue: u64::from(due_for) * 1_000 >= micros(self.core.config.hold) && self.is_in_touch(slot),
        }
    }

    /// Declares a member dead.
    fn declare(&mut self, slot: SlotId) {
        let dead = self.record(slot).with_status(Status::Dead);
        self.tables.suspicions.close(self.tables.members.slots, slot);
        self.tables.members.replace(slot, &dead, &mut self.core.rng);
        self.tables.members.slot_mut(slot).set_reachability(Reachability::Unreachable);
        self.core.joining.note_gone_from(dead.address());
        self.plan_visit_of_dead();
        self.core.standing.note_lost();
        self.core.metrics.deaths_declared += 1;
        debug!("member {} declared dead", dead.id().as_u64());
        self.raise(Event::Down(dead.id()));
        self.heat(slot, self.core.clock.now().stamp());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::config::Cluster;

    #[test]
    fn a_check_waits_as_long_as_its_pings_and_two_rounds_of_helpers() {
        let presets = Config::lan(Cluster::named("test").unwrap());
        // 1 + 1.5 + 2 for the pings, 3.5 for the helpers, half of it in the first round, and a tenth: 10.7.
        assert_eq!(check_waits(&presets), 11);
        assert_eq!(check_waits(&Config { direct_pings: 5, helper_pings: 3, ..presets }), 21);
    }

    #[test]
    fn confirmations_shrink_a_suspicion_as_lifeguard_says() {
        for (wanted, row) in PROGRESS.iter().enumerate().skip(1) {
            for (had, &progress) in row.iter().enumerate() {
                let share = ((had.min(wanted) + 1) as f64).ln() / ((wanted + 1) as f64).ln();
                assert!((share * 1_024.0 - progress as f64).abs() <= 1.0, "{wanted} {had} {progress}");
            }
        }
    }
}
