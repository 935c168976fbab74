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
//! confirm. A timer that runs out does not declare a member dead: it makes this node check for itself. [`judge`] says
//! what follows; this file gathers the evidence and acts on the ruling.

use crate::{
    kernel::{
        context::Context,
        outbox::{EVENTS_OF_STEP, Event},
    },
    membership::{
        checks::MAX_DOUBLINGS,
        detector::Purpose,
        judgement::{Evidence, Reason, Ruling, judge},
        plane::Membership,
        quarantine::Cause,
    },
    tables::table::{
        ME, SlotId,
        pool::{Progress, Suspicion, Turn},
    },
    vocabulary::{
        diagnostics::debug,
        record::{Accusation, Reachability, Status},
        time::{Instant, Judged, Stamp, micros},
    },
};
use core::time::Duration;

/// Timers that one tick handles; more wait for the next, which is due at once.
const MAX_EXPIRIES: usize = 16;
/// Lifeguard's shrinking timeout: the share of the way from the longest to the floor that `c` of `k`
/// confirmations go, `ln(c + 1) / ln(k + 1)` in 1,024ths (arXiv 1707.00788, section IV-B).
const PROGRESS: [[u64; 4]; 4] =
    [[1_024, 1_024, 1_024, 1_024], [0, 1_024, 1_024, 1_024], [0, 646, 1_024, 1_024], [0, 512, 812, 1_024]];

impl Context<'_, '_> {
    fn suspicion_mut(&mut self, slot: SlotId) -> Option<&mut Suspicion> {
        self.tables.suspicions.get_mut(self.tables.members.slot(slot))
    }

    fn suspicion(&self, slot: SlotId) -> Option<&Suspicion> {
        self.tables.suspicions.get(self.tables.members.slot(slot))
    }

    /// The distinct accusers of a member.
    pub(crate) fn accusers(&self, slot: SlotId) -> &[SlotId] {
        self.suspicion(slot).map_or(&[], Suspicion::accusers)
    }

    pub(crate) fn accuses(&self, accuser: SlotId, slot: SlotId) -> bool {
        self.accusers(slot).contains(&accuser)
    }

    /// Signs that this node accuses a member.
    fn testify(&mut self, slot: SlotId) {
        let (record, accuser) = (self.record(slot), self.my_id());
        let accusation = Accusation { target: record.id(), incarnation: record.incarnation(), accuser };
        let signature = self.kernel.signer.sign_accusation(self.kernel.config.cluster, &accusation);
        if let Some(signature) = signature {
            self.tables.proofs.testify(slot, &accusation, &signature);
        }
    }

    /// The shortest suspicion of a member, in µs: longer where the round trip is.
    pub(crate) fn suspicion_floor(&self, slot: SlotId) -> u64 {
        let rtt = self.kernel.round_trips.smoothed(self.zone_of(slot));
        self.kernel.config.suspicion_floor(self.tables.members.size(), Duration::from_micros(u64::from(rtt)))
    }

    /// How long a member stays suspect, in µs, with this number of accusers.
    fn timeout(&self, slot: SlotId, accusers: usize) -> u64 {
        let floor = self.suspicion_floor(slot);
        let longest = floor * u64::from(self.kernel.config.suspicion_factor);
        if !self.kernel.config.mechanisms.confirmations || accusers == 0 {
            return longest;
        }
        let wanted = u32::from(self.kernel.config.confirmations).min(self.other_voters()) as usize;
        longest - (longest - floor) * PROGRESS[wanted][(accusers - 1).min(3)] / 1_024
    }

    /// How many other members could accuse a suspect: live ones that are not suspect themselves.
    fn other_voters(&self) -> u32 {
        self.tables.members.live().saturating_sub(self.tables.members.suspects().max(1))
    }

    /// When the next timer runs out, by the host's clock.
    pub(crate) fn next_expiry(&self) -> Instant {
        self.tables.suspicions.first().map_or(Instant::NEVER, |(due, _)| self.kernel.clock.real_stamp(due))
    }
}

impl Membership {
    /// Adds an accuser to a member that is Alive or Suspect in the accused incarnation.
    pub(crate) fn suspect(
        &mut self,
        cx: &mut Context<'_, '_>,
        slot: SlotId,
        accuser: SlotId,
        started: Judged<Stamp>,
    ) {
        if cx.accuses(accuser, slot) {
            return;
        }
        let cap = cx.kernel.config.accusations_per_accuser;
        if accuser != ME && cx.tables.members.slot(accuser).open_accusations() >= cap {
            cx.kernel.metrics.dropped_accusations += 1;
            return;
        }
        let mut news = false;
        if cx.record(slot).status() == Status::Alive {
            let suspect = cx.record(slot).with_status(Status::Suspect);
            cx.tables.replace(slot, &suspect, &mut cx.kernel.rng, cx.kernel.clock.now().stamp());
            cx.raise(Event::Suspected(suspect.id()));
            news = true;
        }
        if cx.tables.members.slot(slot).suspicion == 0 {
            self.open(cx, slot, started);
        }
        let accused = cx.tables.suspicions.accuse(cx.tables.members.slots, slot, accuser);
        if accused && accuser == ME {
            cx.testify(slot);
        }
        news |= accused;
        if news {
            self.reschedule(cx, slot);
            // Patience counts from the member's own update, not from an accusation.
            let member = cx.tables.members.slot(slot);
            let patient = !member.record.pause().is_zero() || cx.damping_level(slot) > 0;
            let born = if patient { member.born } else { cx.kernel.clock.now().stamp() };
            cx.enqueue(slot, born);
        }
    }

    /// Starts the timer of a member that became suspect.
    pub(crate) fn arm(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        self.open(cx, slot, cx.kernel.clock.judged_stamp());
        self.reschedule(cx, slot);
    }

    fn open(&mut self, cx: &mut Context<'_, '_>, slot: SlotId, started: Judged<Stamp>) {
        let members = &mut cx.tables.members;
        if cx.tables.suspicions.open(members.slots, slot, started, started) {
            cx.kernel.metrics.suspicions += 1;
        } else {
            cx.kernel.metrics.dropped_suspicions_full += 1;
        }
    }

    /// Sets a timer to what its accusers make it.
    fn reschedule(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        let Some(suspicion) = cx.suspicion(slot) else { return };
        let Progress::Pending { since } = suspicion.progress() else { return };
        let mut timeout = cx.timeout(slot, suspicion.accusers().len());
        let mechanisms = cx.kernel.config.mechanisms;
        if mechanisms.earned_death && mechanisms.early_check && suspicion.accusers().contains(&ME) {
            // An accuser's check takes about as long as a refutation takes to arrive, so that both end together. It
            // begins when `pause_tolerance` is over at the earliest.
            timeout -= cx.suspicion_floor(slot) - micros(cx.kernel.config.pause_tolerance);
        }
        let due = since.plus((timeout / 1_000) as u32);
        cx.tables.suspicions.schedule(cx.tables.members.slot(slot), due);
    }

    /// Lets a timer run out after `wait` µs from now.
    pub(crate) fn postpone(&mut self, cx: &mut Context<'_, '_>, slot: SlotId, by_micros: u64) {
        let due = cx.kernel.clock.judged_stamp().plus((by_micros / 1_000).max(1) as u32);
        cx.tables.suspicions.schedule(cx.tables.members.slot(slot), due);
    }

    /// Handles the timers that have run out.
    pub(crate) fn expire_suspicions(&mut self, cx: &mut Context<'_, '_>) {
        self.forget_losses(cx);
        self.call_the_roll(cx);
        for _ in 0..MAX_EXPIRIES {
            let Some((due, slot)) = cx.tables.suspicions.first() else { return };
            if cx.kernel.clock.judged_stamp().is_before(due) || cx.out.event_room() < EVENTS_OF_STEP {
                return;
            }
            self.expire(cx, slot);
        }
    }

    /// A timer has run out: accusers check at once, other nodes a little later, so that news of the first verdict
    /// spares the others the check.
    fn expire(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        let interval = micros(cx.kernel.config.probe_interval);
        if !cx.kernel.config.mechanisms.earned_death {
            self.declare(cx, slot);
            return;
        }
        let now = cx.kernel.clock.judged_stamp();
        let silent = cx.tables.members.slot(slot).is_silent() && self.was_questioned(cx, slot);
        let wait = match judge(&self.evidence(cx, slot, silent)) {
            Ruling::Dead => return self.declare(cx, slot),
            Ruling::Wait(Reason::Patience) => cx.patience(slot),
            // Jitter: not all suspects are due at once when the quarantine ends.
            Ruling::Wait(_) => Some(interval * 2 + cx.kernel.rng.below_u64(interval * 2)),
            Ruling::Check => None,
        };
        if let Some(wait) = wait {
            // Restart the overdue clock: no other node could have confirmed before then.
            if let Some(suspicion) = cx.suspicion_mut(slot) {
                suspicion.advance(Turn::Waits(now.plus((wait / 1_000) as u32)));
            }
            return self.postpone(cx, slot, wait);
        }
        let Some(suspicion) = cx.suspicion_mut(slot) else {
            return debug_assert!(false, "no suspicion is due");
        };
        suspicion.advance(Turn::Expired(now));
        let Progress::Due { checks, .. } = suspicion.progress() else {
            return debug_assert!(false, "an expired suspicion is due");
        };
        if checks == 1 && !suspicion.accusers().contains(&ME) {
            let jitter = interval / 2 + cx.kernel.rng.below_u64(interval);
            self.postpone(cx, slot, jitter);
        } else {
            let _ = self.probe(cx, slot, Purpose::Check);
            let again = 2 * interval + cx.kernel.rng.below_u64(interval);
            self.postpone(cx, slot, again << checks.saturating_sub(2).min(MAX_DOUBLINGS));
        }
    }

    /// A check of a suspect was answered: the suspicion starts over. The suspect heard of it with the ping, and will
    /// refute it.
    pub(crate) fn check_passed(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        let now = cx.kernel.clock.judged_stamp();
        let Some(suspicion) = cx.suspicion_mut(slot) else { return };
        suspicion.advance(Turn::Answered(now));
        self.reschedule(cx, slot);
    }

    /// Our own probe of a member failed: accuse it, and if its death is due, judge it. `silent`: the probe before
    /// failed, too.
    pub(crate) fn probe_failed(
        &mut self,
        cx: &mut Context<'_, '_>,
        slot: SlotId,
        started: Judged<Instant>,
        silent: bool,
    ) {
        if !cx.record(slot).status().is_live() || cx.patience(slot).is_some() {
            return;
        }
        if !cx.kernel.config.mechanisms.suspicion {
            self.declare(cx, slot);
            return;
        }
        if !cx.accuses(ME, slot) {
            if !silent && cx.is_restless(slot) {
                let _ = self.probe(cx, slot, Purpose::Check);
                return;
            }
            cx.kernel.metrics.accusations_made += 1;
            debug!("member {} accused", cx.record(slot).id().as_u64());
            let counts = cx.kernel.config.mechanisms.confirmations;
            let started = if counts { started } else { cx.kernel.clock.judged() };
            self.suspect(cx, slot, ME, started.stamp());
        }
        if !cx.suspicion(slot).is_some_and(Suspicion::is_due) {
            return;
        }
        if judge(&self.evidence(cx, slot, true)) == Ruling::Dead {
            return self.declare(cx, slot);
        }
        cx.kernel.metrics.deaths_withheld += 1;
        debug!("death of {} withheld", cx.record(slot).id().as_u64());
    }

    /// What is known of a suspect; `checked`: our own probe of it failed.
    fn evidence(&self, cx: &Context<'_, '_>, slot: SlotId, checked: bool) -> Evidence {
        let due_for = match cx.suspicion(slot).map(Suspicion::progress) {
            Some(Progress::Due { since, .. }) => cx.kernel.clock.judged_stamp().since(since),
            Some(Progress::Pending { .. }) | None => 0,
        };
        Evidence {
            patience: cx.patience(slot).is_some(),
            zone: self.quarantines.of(Cause::Zone(cx.zone_of(slot))),
            own: self.own_quarantine(),
            upheld: self.is_upheld(),
            checked,
            accusers: cx.accusers(slot).len() as u32,
            voters: cx.other_voters() + 1,
            overdue: u64::from(due_for) * 1_000 >= micros(cx.kernel.config.quarantine)
                && self.is_in_touch(cx, slot),
        }
    }

    /// Declares a member dead.
    fn declare(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        let dead = cx.record(slot).with_status(Status::Dead);
        cx.tables.suspicions.close(cx.tables.members.slots, slot);
        cx.tables.replace(slot, &dead, &mut cx.kernel.rng, cx.kernel.clock.now().stamp());
        cx.tables.members.slot_mut(slot).set_reachability(Reachability::Unreachable);
        cx.kernel.seeds.note_gone_from(dead.address());
        self.schedule_reconnect(cx);
        self.standing.note_lost();
        cx.kernel.metrics.deaths_declared += 1;
        debug!("member {} declared dead", dead.id().as_u64());
        cx.raise(Event::Down(dead.id()));
        cx.enqueue(slot, cx.kernel.clock.now().stamp());
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
}
