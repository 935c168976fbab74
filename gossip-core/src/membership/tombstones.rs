//! Tombstones: how long the dead and those that left are remembered, and how an operator has one forgotten before.
//!
//! What is forgotten by age or for want of room is gone. What a host has forgotten is *hidden*: nobody sees it and
//! nothing is sent to it, but its tombstone stays until its time, so that old news cannot revive the member.

use crate::{
    kernel::{
        context::Context,
        outbox::{Event, events_of_datagram},
    },
    membership::plane::Membership,
    tables::table::ME,
    vocabulary::{
        error::NotForgotten,
        record::{NodeId, Reachability, Status},
        time::{Instant, micros},
    },
};
use core::time::Duration;

/// Tombstones that one step may forget for want of room.
const MAX_EVICTIONS: u8 = 4;

impl Membership {
    /// Forgets a member that is dead or has left; its tombstone is hidden.
    pub(crate) fn forget_member(&mut self, cx: &mut Context<'_, '_>, id: NodeId) -> Result<(), NotForgotten> {
        let slot =
            cx.tables.members.find(id).filter(|&slot| slot != ME && !cx.tables.members.is_hidden(slot));
        let slot = slot.ok_or(NotForgotten::NoMember)?;
        if cx.record(slot).status().is_live() {
            return Err(NotForgotten::Live);
        }
        // Nobody is to hear of it from us.
        cx.tables.rumors.retire(cx.tables.members.slots, slot);
        cx.kernel.changes.forget(slot);
        cx.tables.members.ring_hide(slot);
        cx.tables.members.slot_mut(slot).set_untold();
        cx.kernel.metrics.tombstones_forgotten += 1;
        cx.raise(Event::Reaped(id));
        Ok(())
    }

    /// A member is one no more, live or not, whatever it says: this node tells nobody.
    pub(crate) fn expel(&mut self, cx: &mut Context<'_, '_>, id: NodeId) {
        let Some(slot) = cx.tables.members.find(id).filter(|&slot| slot != ME) else { return };
        let was = *cx.record(slot);
        if was.status().is_live() {
            cx.tables.suspicions.close(cx.tables.members.slots, slot);
            let now = cx.now().stamp();
            cx.tables.replace(slot, &was.with_status(Status::Dead), &mut cx.kernel.rng, now);
            cx.tables.members.slot_mut(slot).set_reachability(Reachability::Unreachable);
            cx.kernel.seeds.note_gone_from(was.address());
            self.tell_of(cx, slot, Some(&was));
        }
        let _ = self.forget_member(cx, id);
    }

    /// Forgets the tombstones that are too old or too many, a few a step.
    pub(crate) fn forget_tombstones(&mut self, cx: &mut Context<'_, '_>) {
        for _ in 0..MAX_EVICTIONS {
            let Some(slot) = cx.tables.rumors.oldest_tombstone() else { return };
            let age = cx.now().stamp().since(cx.tables.members.slot(slot).born);
            let many = cx.tables.rumors.tombstones() > cx.kernel.config.max_tombstones;
            if !(many || cx.is_forgettable(age)) || !self.forget_oldest(cx) {
                return;
            }
        }
    }

    /// Forgets the oldest tombstone; false when there is none to forget now.
    pub(super) fn forget_oldest(&mut self, cx: &mut Context<'_, '_>) -> bool {
        // What one datagram may still raise comes first.
        if cx.out.event_room() <= events_of_datagram(cx.kernel.config.max_datagram) {
            return false;
        }
        let Some(slot) = cx.tables.rumors.oldest_tombstone() else { return false };
        if cx.tables.members.slot(slot).open_accusations() > 0 {
            // An open suspicion names it as an accuser; those last minutes, tombstones hours.
            cx.tables.rumors.retire(cx.tables.members.slots, slot);
            return false;
        }
        let id = cx.record(slot).id();
        let is_hidden = cx.tables.members.is_hidden(slot);
        // A member that never answered may never have existed.
        if cx.record(slot).status() == Status::Dead
            && cx.tables.members.slot(slot).has_answered()
            && !is_hidden
        {
            self.healing.note_lost(cx.tables.members.record(slot), &mut cx.kernel.rng);
            self.schedule_reconnect(cx);
        }
        self.forget(slot);
        cx.kernel.changes.forget(slot);
        cx.tables.rumors.unlink(cx.tables.members.slots, slot);
        cx.tables.forget(slot);
        if !is_hidden {
            cx.kernel.metrics.tombstones_forgotten += 1;
            cx.raise(Event::Reaped(id));
        }
        true
    }
}

impl Context<'_, '_> {
    pub(super) fn is_forgettable(&self, age_ms: u32) -> bool {
        u64::from(age_ms) >= micros(self.kernel.config.tombstone_ttl) / 1_000
    }

    /// Whether there are as many tombstones as may be, all of later deaths. What was forgotten for want of room must
    /// not come back as news: a cluster would tell it on for ever.
    pub(super) fn would_go_first(&self, age_ms: u32) -> bool {
        let Some(oldest) = self.tables.rumors.oldest_tombstone() else { return false };
        let died = self.now().stamp().minus(age_ms);
        self.tables.rumors.tombstones() >= self.kernel.config.max_tombstones
            && died.is_before(self.tables.members.slot(oldest).born)
    }

    /// When the oldest tombstone will be forgotten.
    pub(crate) fn next_forgetting(&self) -> Instant {
        let Some(slot) = self.tables.rumors.oldest_tombstone() else { return Instant::NEVER };
        let age = self.now().stamp().since(self.tables.members.slot(slot).born);
        let age = Duration::from_millis(u64::from(age));
        // At the earliest in a second: one that an open suspicion still names must wait.
        let left = self.kernel.config.tombstone_ttl.saturating_sub(age);
        self.now() + left.max(Duration::from_secs(1))
    }
}
