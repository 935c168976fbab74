//! Rechecks: an unreachable member is probed again as soon as something is heard from it or of it.
//!
//! Routine probes come back to a member once a lap, which in a large cluster takes minutes. So a live member that is
//! marked unreachable is rechecked when it refutes a suspicion, or when a datagram comes straight from its address:
//! neither proves that it hears us, but either is worth a ping. And while a zone is quarantined, a member of it is
//! pinged every probe interval, so that the zone is released within an interval once the path works again.
//!
//! Rechecks are paced, and accuse no one. Whatever arrives in a member's name, it is not rechecked again within
//! 2 × `ack_timeout_max` of a failed recheck, unless that probe had to make room for others.

use crate::{
    kernel::context::Context,
    membership::{detector::Purpose, plane::Membership},
    tables::table::SlotId,
    vocabulary::{bounds::sized, record::Reachability, time::Instant},
};
use core::time::Duration;

/// Members that wait for their recheck. Further ones are counted, and found by the next lap at the latest.
const MAX_QUEUED: usize = sized(64, 4);
/// Time between two rechecks: at most 20 a second, some 1.3 kB/s with their acks.
const PACE: Duration = Duration::from_millis(50);
/// Draws, in each zone, for a member that was not just rechecked.
const DRAWS: u32 = 4;
/// Quarantined zones of which a member is pinged in one probe interval.
const ZONES_AT_ONCE: usize = sized(4, 2);

/// The members to be rechecked.
#[derive(Clone)]
pub(crate) struct Rechecks {
    queue: heapless::Deque<SlotId, MAX_QUEUED>,
    /// When the next one may begin.
    next: Instant,
}

impl Rechecks {
    pub(crate) const fn new() -> Self {
        Self { queue: heapless::Deque::new(), next: Instant::ZERO }
    }

    /// When the next recheck begins.
    pub(crate) fn next(&self) -> Instant {
        if self.queue.is_empty() { Instant::NEVER } else { self.next }
    }

    /// The slots that it names.
    #[cfg(fuzzing)]
    pub(crate) fn slots(&self) -> impl Iterator<Item = SlotId> {
        self.queue.iter().copied()
    }

    /// A slot is about to be given to another member.
    pub(crate) fn forget(&mut self, slot: SlotId) {
        self.queue.retain(|&queued| queued != slot);
    }
}

impl Membership {
    /// Whether this node takes a member for unreachable. The quarantine of a zone counts for all its members, and is
    /// stored in none of them.
    pub(crate) fn is_unreachable(&self, cx: &Context<'_, '_>, slot: SlotId) -> bool {
        cx.tables.members.slot(slot).reachability() == Reachability::Unreachable
            || self.quarantines.is_quarantined(cx.zone_of(slot))
    }

    /// A member was heard from or of: if it counts as unreachable, it is probed soon.
    pub(crate) fn recheck(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        if !cx.record(slot).status().is_live() || !self.is_unreachable(cx, slot) || self.was_rechecked(slot) {
            return;
        }
        // One answer releases the whole zone.
        let zone = Some(cx.zone_of(slot)).filter(|&zone| self.quarantines.is_quarantined(zone));
        let waits = |&queued: &SlotId| queued == slot || zone == Some(cx.zone_of(queued));
        if self.rechecks.queue.iter().any(waits) {
            return;
        }
        if self.rechecks.queue.push_back(slot).is_err() {
            cx.kernel.metrics.dropped_rechecks += 1;
        }
    }

    /// Rechecks a random member of each quarantined zone, in at most [`ZONES_AT_ONCE`] of them.
    pub(crate) fn recheck_quarantined_zones(&mut self, cx: &mut Context<'_, '_>) {
        let quarantined = self.quarantines.active().count();
        let first = cx.kernel.rng.below(quarantined as u32) as usize;
        for at in (first..quarantined).chain(0..first).take(ZONES_AT_ONCE) {
            let Some(zone) = self.quarantines.active().nth(at) else {
                return debug_assert!(false, "fewer quarantines than were counted");
            };
            for _ in 0..DRAWS {
                let Some(slot) = cx.tables.members.random_in(zone, &mut cx.kernel.rng) else { break };
                if !self.was_rechecked(slot) {
                    self.recheck(cx, slot);
                    break;
                }
            }
        }
    }

    /// Begins the recheck that is due, if one is.
    pub(crate) fn begin_recheck(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.now();
        if self.rechecks.next > now || !cx.has_room_for_probe() {
            return;
        }
        if !self.may_recheck() {
            self.rechecks.next = now + PACE;
            return;
        }
        while let Some(slot) = self.rechecks.queue.pop_front() {
            if !cx.record(slot).status().is_live() || !self.is_unreachable(cx, slot) {
                continue; // answered meanwhile, or gone
            }
            self.rechecks.next = now + PACE;
            let quarantined = self.quarantines.is_quarantined(cx.zone_of(slot));
            let purpose = if quarantined { Purpose::ZoneCheck } else { Purpose::Recheck };
            let _ = self.probe(cx, slot, purpose);
            return;
        }
    }
}
