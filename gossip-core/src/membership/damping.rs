//! Damping: a member that refuted lately is judged more slowly.
//!
//! A refutation proves that a suspicion was wrong, so the next one weighs less. After its latest update such a member
//! is given time, which doubles with each refutation up to [`Config::quarantine`], and is forgotten as slowly. Until
//! then it is not accused: to a node that cannot reach it, it is unreachable and not dead. A restless member is
//! accused only after two failed probes in a row.
//!
//! Refuted suspicions count up to [`MAX_SUSPICIONS`], or forged refutations would keep the dead alive for long; refuted
//! deaths go on counting.

use crate::{
    kernel::context::Context,
    membership::plane::Membership,
    tables::table::SlotId,
    vocabulary::{record::Status, time::micros},
};

/// A refutation is forgotten after twice the time that it earns, ...
const CALM: u64 = 2;
/// ... and after this share of a quarantine at the least: a link that comes and goes by the minute is no news each
/// time.
const CALM_SHARE: u64 = 8;
/// A refuted death counts as this many refuted suspicions: after two in a row the third takes more than a minute.
const DEATH: u32 = 3;
/// Refutations of suspicions that count: four floors of time, 10 s among a hundred on a LAN.
const MAX_SUSPICIONS: u32 = 3;

/// The level from which a member is restless. A single pause does not make it so.
const RESTLESS: u32 = 2;

impl Context<'_, '_> {
    /// For how long, in µs, a member of this level is not judged after its latest update.
    fn patience_at(&self, slot: SlotId, level: u32) -> u64 {
        let Some(doublings) = level.checked_sub(1) else { return 0 };
        (self.suspicion_floor(slot) << doublings).min(micros(self.kernel.config.quarantine))
    }

    /// How often a member refuted lately, less what was forgotten since its latest update.
    pub(crate) fn damping_level(&self, slot: SlotId) -> u32 {
        let member = self.tables.members.slot(slot);
        let mut level = member.damping_level();
        if level == 0 || !self.kernel.config.mechanisms.damping {
            return 0;
        }
        let mut calm = u64::from(self.now().stamp().since(member.born)) * 1_000;
        let least = micros(self.kernel.config.quarantine) / CALM_SHARE;
        while level > 0
            && let Some(left) = calm.checked_sub((self.patience_at(slot, level) * CALM).max(least))
        {
            (calm, level) = (left, level - 1);
        }
        level
    }

    /// Whether a member refuted so often lately that a single failed probe says little.
    pub(crate) fn is_restless(&self, slot: SlotId) -> bool {
        self.damping_level(slot) >= RESTLESS
    }

    /// How many µs more a member is given, if any: because it asked, or because it refuted lately. Pauses do not end
    /// on the dot, so `pause_tolerance` is added to what it asked for.
    pub(crate) fn patience(&self, slot: SlotId) -> Option<u64> {
        let damped = self.patience_at(slot, self.damping_level(slot));
        self.asked_patience(slot).max(damped).checked_sub(self.waited(slot)).filter(|&left| left > 0)
    }

    /// Whether a member is in a pause that it announced.
    pub(crate) fn is_paused(&self, slot: SlotId) -> bool {
        self.asked_patience(slot) > self.waited(slot)
    }

    fn asked_patience(&self, slot: SlotId) -> u64 {
        let pause = self.record(slot).pause();
        if pause.is_zero() || !self.kernel.config.mechanisms.announced_pauses {
            return 0;
        }
        micros(pause + self.kernel.config.pause_tolerance)
    }

    /// The time since a member's latest update, in µs.
    fn waited(&self, slot: SlotId) -> u64 {
        u64::from(self.now().stamp().since(self.tables.members.slot(slot).born)) * 1_000
    }
}

impl Membership {
    /// An update of a member came, which is not dated yet. If it is a refutation, `refutes` is the status that it
    /// refutes.
    pub(crate) fn update_damping(&mut self, cx: &mut Context<'_, '_>, slot: SlotId, refutes: Option<Status>) {
        let level = cx.damping_level(slot);
        let (weight, most) = match refutes {
            None => (0, u32::MAX),
            Some(Status::Dead) => (DEATH, u32::MAX),
            Some(_) => (1, MAX_SUSPICIONS),
        };
        let counts = level < most && cx.patience_at(slot, level) < micros(cx.kernel.config.quarantine);
        cx.tables.members.slot_mut(slot).set_damping_level(level + if counts { weight } else { 0 });
    }
}
