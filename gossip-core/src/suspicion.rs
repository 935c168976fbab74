//! Suspicion: who accuses whom, how long a suspect has to refute, and who may declare it dead.
//!
//! ```text
//!            accused                 timer runs out               check fails, and death is earned
//! Alive ───────────────▶ Suspect ─────────────────▶ (overdue) ─────────────────────────────────────▶ Dead
//!   ▲                        │                          │
//!   └────── refutes ─────────┴──────────────────────────┘
//! ```
//!
//! Timers run on every node that hears of a suspicion, from the longest down to the floor as distinct accusers
//! confirm. A timer that runs out declares nobody: it makes this node check for itself.

use crate::{
    config::Config,
    detector::Purpose,
    diagnostics::debug,
    holds::MIN_CONTROLS,
    outbox::{EVENTS_OF_STEP, Event},
    record::{Reachability, Status, Zone},
    step::Step,
    table::{ME, SlotId},
    time::{Instant, Stamp, micros},
};
use core::time::Duration;

/// Timers that one tick lets run out; more wait for the next, which is asked for at once.
const MAX_EXPIRIES: usize = 16;
/// Doublings of the time between two checks of a suspect whose death is due, but not earned.
const MAX_DOUBLINGS: u8 = 2;
/// Between two checks of a suspect lie at most so many probe intervals, and the check itself ...
const CHECK_INTERVALS: u32 = 3 << MAX_DOUBLINGS;
/// ... whose pings and helpers take some 11 waits in the presets (20 at the most that their knobs allow), at the slowest
/// ninefold.
const CHECK_WAITS: u32 = 15 * 9;
/// Accusers that a death takes; zones that they must be of, where there are as many.
const MIN_ACCUSERS: u32 = 2;
/// Clusters smaller than this are too small for "most members lost" to mean our own trouble.
const MIN_FOR_MAJORITY: u32 = 4;

/// Lifeguard's shrinking timeout: the share of the way from the longest to the floor that `c` of `k`
/// confirmations go, `ln(c + 1) / ln(k + 1)` in 1,024ths (arXiv 1707.00788, section IV-B).
const PROGRESS: [[u64; 4]; 4] =
    [[1_024, 1_024, 1_024, 1_024], [0, 1_024, 1_024, 1_024], [0, 646, 1_024, 1_024], [0, 512, 812, 1_024]];

/// What a node knows of its own fitness to judge.
#[derive(Clone)]
pub(crate) struct Judgement {
    /// The most live members of this hold period, and of the one before.
    peaks: [u32; 2],
    period_ends: Instant,
    /// Deaths that were due are held: since when, and the latest.
    held: Option<(Instant, Instant)>,
    /// Since when this node learns whom there is.
    since_start: Instant,
}

impl Judgement {
    pub(crate) fn new(now: Instant) -> Self {
        Self { peaks: [0; 2], period_ends: now, held: None, since_start: now }
    }

    /// All members are about to be forgotten; how many there were is not.
    pub(crate) fn start_over(&mut self, now: Instant) {
        (self.held, self.since_start) = (None, now);
    }

    /// A death that is due is held; returns for how long that has been going on, without a break of `lull`.
    fn hold(&mut self, now: Instant, lull: Duration) -> Duration {
        let going_on = self.held.filter(|&(_, latest)| now.since(latest) <= lull);
        let since = going_on.map_or(now, |(since, _)| since);
        self.held = Some((since, now));
        now.since(since)
    }

    /// Notes how many members are live.
    fn note_live(&mut self, now: Instant, live: u32, hold: Duration) {
        if now >= self.period_ends {
            self.peaks = [0, self.peaks[0]];
            self.period_ends = now + hold;
        }
        self.peaks[0] = self.peaks[0].max(live);
    }

    fn peak(&self) -> u32 {
        self.peaks[0].max(self.peaks[1])
    }
}

/// Why a death that is due is not declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unearned {
    /// Fewer distinct accusers than it takes.
    Accusers,
    /// All of them of one zone, while others can be reached.
    OneZone,
    /// This node may be the one in trouble: it reached nobody, lost most members, or does not know them yet.
    OwnTrouble,
}

/// How long two checks of a suspect take, one after the other, where this node is at its slowest.
pub(crate) fn two_checks(config: &Config) -> Duration {
    (config.probe_interval * CHECK_INTERVALS + config.ack_timeout_max * CHECK_WAITS) * 2
}

impl Step<'_, '_> {
    /// Takes an accusation in: the target is alive or suspect in the accused incarnation.
    pub(crate) fn suspect(&mut self, slot: SlotId, accuser: SlotId, started: Stamp) {
        let known = self.tables.suspicions.get(self.tables.members.slot(slot));
        if known.is_some_and(|suspicion| suspicion.accusers().contains(&accuser)) {
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
            // The patience that a member asked for counts from its asking, not from an accusation.
            let member = self.tables.members.slot(slot);
            let paused = !member.record.pause().is_zero();
            let born = if paused { member.born } else { self.core.clock.now().stamp() };
            self.heat(slot, born);
        }
    }

    /// Starts the timer of a member that was heard to be suspect for `age` ms.
    pub(crate) fn arm(&mut self, slot: SlotId, age: u32) {
        let floor = self.core.config.suspicion_floor(self.tables.members.size());
        // News that took longer than spreading takes was held up, or was told of another time: it says nothing of the
        // present, and confirmations that came with it must not shorten the pause that we tolerate from now on.
        let spread = (floor - micros(self.core.config.pause_tolerance)) / 1_000;
        let lead = if u64::from(age) <= spread { age } else { 0 };
        self.open(slot, self.core.clock.judged_stamp().minus(lead));
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

    fn longest(&self, floor: u64) -> u64 {
        floor.saturating_mul(u64::from(self.core.config.suspicion_factor))
    }

    /// How long a member stays suspect, in µs, with the accusers that it has.
    fn timeout(&self, slot: SlotId) -> u64 {
        let Some(suspicion) = self.tables.suspicions.get(self.tables.members.slot(slot)) else { return 0 };
        let floor = self.core.config.suspicion_floor(self.tables.members.size());
        let longest = self.longest(floor);
        if !self.core.config.mechanisms.confirmations {
            return longest;
        }
        let wanted = u32::from(self.core.config.confirmations).min(self.other_accusers()) as usize;
        let mut had = suspicion.accusers().len().saturating_sub(1).min(3);
        if had >= wanted && wanted > 0 && !self.is_confirmed_across_zones(suspicion.accusers()) {
            had = wanted - 1; // the last step to the floor takes another zone's word
        }
        let progress = if suspicion.accusers().is_empty() { 0 } else { PROGRESS[wanted][had] };
        longest - (longest - floor) * progress / 1_024
    }

    /// Whether accusers are of distinct zones, as far as there are zones that can be reached. Zones that are too small to
    /// be held do not count: whether they can be reached cannot be told.
    fn is_confirmed_across_zones(&self, accusers: &[SlotId]) -> bool {
        let Some((&first, others)) = accusers.split_first() else { return false };
        let zone = self.zone_of(first);
        if others.iter().any(|&accuser| self.zone_of(accuser) != zone) {
            return true;
        }
        let (mine, holds) = (self.zone_of(ME), &self.core.holds);
        let reached = |(other, live): (Zone, u32)| {
            let live = live + u32::from(other == mine);
            other != zone && live > MIN_CONTROLS && !holds.is_silent(other)
        };
        !self.tables.members.zones().any(reached)
    }

    /// How many beside this node could accuse a suspect: live members that are not suspect themselves.
    fn other_accusers(&self) -> u32 {
        self.tables.members.live().saturating_sub(self.tables.suspicions.len().max(1))
    }

    /// Sets a timer to what its accusers make it.
    fn reschedule(&mut self, slot: SlotId) {
        let mut timeout = self.timeout(slot);
        let member = self.tables.members.slot(slot);
        let Some(suspicion) = self.tables.suspicions.get(member) else { return };
        if suspicion.checks == 0 {
            if self.core.config.mechanisms.earned_death && suspicion.accusers().contains(&ME) {
                // An accuser's check takes about as long as a refutation's way: both end together. At the earliest
                // it begins when the pause that we tolerate is over.
                let n = self.tables.members.size();
                timeout -= self.core.config.suspicion_floor(n) - micros(self.core.config.pause_tolerance);
            }
            let due = suspicion.started.plus((timeout / 1_000) as u32);
            self.tables.suspicions.schedule(member, due);
        }
    }

    /// Lets a member stay suspect for the floor's time at the most.
    pub(crate) fn hasten(&mut self, slot: SlotId) {
        let floor = self.core.config.suspicion_floor(self.tables.members.size());
        self.postpone(slot, floor);
    }

    fn postpone(&mut self, slot: SlotId, by_micros: u64) {
        let due = self.core.clock.judged_stamp().plus((by_micros / 1_000).max(1) as u32);
        self.tables.suspicions.schedule(self.tables.members.slot(slot), due);
    }

    /// When the next timer runs out, by the host's clock.
    pub(crate) fn next_expiry(&self) -> Instant {
        self.tables.suspicions.first().map_or(Instant::NEVER, |(due, _)| self.core.clock.real_stamp(due))
    }

    /// Lets the timers run out that are due.
    pub(crate) fn expire_suspicions(&mut self) {
        let (now, live) = (self.now(), self.tables.members.live());
        self.core.judgement.note_live(now, live, self.core.config.hold);
        if self.tables.suspicions.len() == 0 {
            self.core.judgement.held = None; // whatever it was is over; the next trouble is another
        }
        for _ in 0..MAX_EXPIRIES {
            let Some((due, slot)) = self.tables.suspicions.first() else { return };
            if self.core.clock.judged_stamp().is_before(due) || self.out.event_room() < EVENTS_OF_STEP {
                return;
            }
            self.expire(slot);
        }
    }

    /// A timer has run out: accusers check at once, everybody else a little later, so that the news of
    /// the first who succeeds spares the rest the trouble.
    fn expire(&mut self, slot: SlotId) {
        let interval = micros(self.core.config.probe_interval);
        if !self.core.config.mechanisms.earned_death {
            self.declare(slot);
            return;
        }
        let now = self.core.clock.judged_stamp();
        if let Some(patience) = self.patience(slot) {
            self.be_due_since(slot, now.plus((patience / 1_000) as u32));
            self.postpone(slot, patience);
            return;
        }
        if self.core.holds.is_held(self.zone_of(slot)) {
            // Its time stands still. What comes after the hold is not all due at once.
            self.be_due_since(slot, now);
            let wait = interval * 2 + self.core.rng.below_u64(interval * 2);
            self.postpone(slot, wait);
            return;
        }
        let members = &self.tables.members;
        let Some(suspicion) = self.tables.suspicions.get_mut(members.slot(slot)) else { return };
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

    /// Until then nobody could join in: how long a death has been due counts from there, if it is due.
    fn be_due_since(&mut self, slot: SlotId, since: Stamp) {
        let members = &self.tables.members;
        let suspicion = self.tables.suspicions.get_mut(members.slot(slot));
        if let Some(due) = suspicion.filter(|suspicion| suspicion.checks > 0) {
            due.started = since;
        }
    }

    /// A check of an overdue suspect was answered: the suspicion starts over, and the suspect, who heard of
    /// it with the ping, will refute it.
    pub(crate) fn check_passed(&mut self, slot: SlotId) {
        let now = self.core.clock.judged_stamp();
        let members = &self.tables.members;
        let Some(suspicion) = self.tables.suspicions.get_mut(members.slot(slot)) else { return };
        (suspicion.checks, suspicion.started) = (0, now);
        self.reschedule(slot);
    }

    /// Our own probe of a member failed: accuse it; declare it dead if that is due and earned.
    pub(crate) fn probe_failed_of(&mut self, slot: SlotId, started: Instant) {
        if !self.record(slot).status().is_live() || self.patience(slot).is_some() {
            return;
        }
        if !self.core.config.mechanisms.suspicion {
            self.declare(slot);
            return;
        }
        let known = self.tables.suspicions.get(self.tables.members.slot(slot));
        if !known.is_some_and(|suspicion| suspicion.accusers().contains(&ME)) {
            self.core.metrics.accusations_made += 1;
            debug!("member {} accused", self.record(slot).id().as_u64());
            self.suspect(slot, ME, started.stamp());
        }
        let member = self.tables.members.slot(slot);
        if self.tables.suspicions.get(member).is_some_and(|suspicion| suspicion.checks > 0) {
            match self.earned(slot) {
                Ok(()) => self.declare(slot),
                Err(why) => self.hold(slot, why),
            }
        }
    }

    /// How many µs more a member that asked for patience is given, if any. Nobody wakes up on the dot: the pause
    /// that we tolerate unasked comes on top.
    fn patience(&self, slot: SlotId) -> Option<u64> {
        let member = self.tables.members.slot(slot);
        let pause = member.record.pause();
        if pause.is_zero() {
            return None;
        }
        let asked = micros(pause + self.core.config.pause_tolerance);
        let waited = u64::from(self.now().stamp().since(member.born)) * 1_000;
        asked.checked_sub(waited).filter(|&left| left > 0)
    }

    /// Whether this node may declare a member dead, now that its own check of it has just failed.
    fn earned(&mut self, slot: SlotId) -> Result<(), Unearned> {
        if !self.core.config.mechanisms.earned_death {
            return Ok(());
        }
        let suspicion = self.tables.suspicions.get(self.tables.members.slot(slot));
        let accusers = suspicion.map_or(&[][..], |suspicion| suspicion.accusers());
        let wanted = self.other_accusers().saturating_add(1).min(MIN_ACCUSERS);
        if (accusers.len() as u32) < wanted {
            return if self.stays_alone(slot) { Ok(()) } else { Err(Unearned::Accusers) };
        }
        if wanted == MIN_ACCUSERS && !self.is_confirmed_across_zones(accusers) {
            return Err(Unearned::OneZone);
        }
        if !self.in_trouble(slot) {
            self.core.judgement.held = None;
            return Ok(());
        }
        // Deaths that are held belong to one trouble if no more lies between them than a zone's hold, in which nobody is
        // judged, and two checks.
        let lull = self.core.config.hold + two_checks(&self.core.config);
        let held = self.core.judgement.hold(self.core.clock.now(), lull);
        if held >= self.core.config.hold { Ok(()) } else { Err(Unearned::OwnTrouble) }
    }

    /// Whether a death has been due for as long as a trouble is held, and this node reaches others, but none of them has
    /// joined in. Who knew the member would have: they have forgotten it, or have no room for it.
    fn stays_alone(&self, slot: SlotId) -> bool {
        let Some(suspicion) = self.tables.suspicions.get(self.tables.members.slot(slot)) else {
            return false;
        };
        let due = u64::from(self.core.clock.judged_stamp().since(suspicion.started)) * 1_000;
        due >= micros(self.core.config.hold) && self.reached_another(slot, self.lately())
    }

    /// Since when somebody must have answered, by the judgement clock, for this node to be in touch.
    fn lately(&self) -> Instant {
        let config = &self.core.config;
        self.core.clock.judged() - (config.probe_interval * 2 + config.ack_timeout_max)
    }

    /// Whether what we see can be explained by our own isolation.
    fn in_trouble(&self, slot: SlotId) -> bool {
        let config = &self.core.config;
        if self.tables.members.live() <= 1 {
            return false; // there is nobody else to reach, or to lose
        }
        if !self.reached_another(slot, self.lately()) {
            return true;
        }
        if self.core.holds.is_served(self.zone_of(slot)) {
            return false; // its loss was taken for our trouble for long enough
        }
        let unsettled = !self.core.joining.has_view();
        if unsettled && self.now().since(self.core.judgement.since_start) < config.hold {
            return true;
        }
        let peak = self.core.judgement.peak();
        let kept = self.tables.members.live().saturating_sub(self.tables.suspicions.len());
        let lost_most = kept * 2 < peak || self.core.detector.mostly_fails();
        peak + 1 >= MIN_FOR_MAJORITY && (lost_most || self.tables.suspicions.is_full())
    }

    fn hold(&mut self, slot: SlotId, why: Unearned) {
        self.core.metrics.deaths_held += 1;
        match why {
            Unearned::Accusers => {
                // Others may not have heard us: where many died at once, most of what we sent went to the dead.
                let born = self.tables.members.slot(slot).born;
                self.heat(slot, born);
                debug!("death of {} held: too few accusers", self.record(slot).id().as_u64());
            }
            Unearned::OneZone => {
                debug!("death of {} held: all accusers are of one zone", self.record(slot).id().as_u64());
            }
            Unearned::OwnTrouble => {
                debug!("death of {} held: the trouble may be ours", self.record(slot).id().as_u64());
            }
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
        self.core.metrics.deaths_declared += 1;
        debug!("member {} declared dead", dead.id().as_u64());
        self.raise(Event::Down(dead.id()));
        self.heat(slot, self.core.clock.now().stamp());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmations_shrink_a_suspicion_as_lifeguard_says() {
        for (wanted, row) in PROGRESS.iter().enumerate().skip(1) {
            for (had, &progress) in row.iter().enumerate() {
                let share = ((had.min(wanted) + 1) as f64).ln() / ((wanted + 1) as f64).ln();
                assert!((share * 1_024.0 - progress as f64).abs() <= 1.0, "{wanted} {had} {progress}");
            }
        }
    }

    #[test]
    fn a_trouble_that_was_over_long_ago_does_not_count_for_the_next() {
        let (mut judgement, lull) = (Judgement::new(Instant::ZERO), Duration::from_secs(60));
        let mut held = |s: u64| judgement.hold(Instant::from_millis(s * 1_000), lull).as_secs();
        assert_eq!([held(0), held(30), held(90), held(600), held(610)], [0, 30, 90, 0, 10]);
    }

    #[test]
    fn the_peak_forgets_after_two_holds() {
        let hold = Duration::from_secs(60);
        let mut judgement = Judgement::new(Instant::ZERO);
        judgement.note_live(Instant::ZERO, 100, hold);
        judgement.note_live(Instant::from_millis(61_000), 10, hold);
        assert_eq!(judgement.peak(), 100);
        judgement.note_live(Instant::from_millis(122_000), 10, hold);
        assert_eq!(judgement.peak(), 10);
    }
}
