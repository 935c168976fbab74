//! Damping: whoever refuted lately is judged more slowly.
//!
//! A refutation proves that a suspicion was wrong, so the next one weighs less: after its latest word a member is given time,
//! which doubles with each refutation up to [`Config::hold`], and is forgotten as slowly. It is not accused
//! meanwhile; to those who cannot reach it, it is unreachable and not dead. Whoever is restless is accused only after two
//! failed probes in a row.
//!
//! Refuted suspicions count up to [`MAX_SUSPICIONS`], or whoever forges refutations would keep the dead alive for long; refuted
//! deaths go on counting.

use crate::{record::Status, step::Step, table::SlotId, time::micros};

/// A refutation is forgotten after twice the time that it earns, ...
const CALM: u64 = 2;
/// ... and after this share of a hold at the least: a link that comes and goes by the minute is no news each time.
const CALM_SHARE: u64 = 8;
/// A refuted death counts as so many refuted suspicions: two of them in a row, and the third takes minutes.
const DEATH: u32 = 3;
/// Refutations of suspicions that count: four floors of time, some 13 s among a hundred.
const MAX_SUSPICIONS: u32 = 3;

/// Refutations from which on a member is restless. Whoever paused once is not.
const RESTLESS: u32 = 2;

impl Step<'_, '_> {
    /// For how long, in µs, a member is not judged after its latest word, if it refuted so often lately.
    fn patience_at(&self, slot: SlotId, level: u32) -> u64 {
        let Some(doublings) = level.checked_sub(1) else { return 0 };
        (self.suspicion_floor(slot) << doublings).min(micros(self.core.config.hold))
    }

    /// How often a member refuted lately, less what it has been forgiven since its latest word.
    pub(crate) fn damping_level(&self, slot: SlotId) -> u32 {
        let member = self.tables.members.slot(slot);
        let mut level = member.damping_level();
        if level == 0 || !self.core.config.mechanisms.damping {
            return 0;
        }
        let mut calm = u64::from(self.now().stamp().since(member.born)) * 1_000;
        let least = micros(self.core.config.hold) / CALM_SHARE;
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

    /// How many µs more a member is given, if any: because it asked, or because it refuted lately. Nobody wakes up on the dot:
    /// the pause that we tolerate unasked comes on top.
    pub(crate) fn patience(&self, slot: SlotId) -> Option<u64> {
        let member = self.tables.members.slot(slot);
        let pause = member.record.pause();
        let asked = if pause.is_zero() { 0 } else { micros(pause + self.core.config.pause_tolerance) };
        let waited = u64::from(self.now().stamp().since(member.born)) * 1_000;
        let damped = self.patience_at(slot, self.damping_level(slot));
        asked.max(damped).checked_sub(waited).filter(|&left| left > 0)
    }

    /// A member has said something, which is not dated yet; whether it refutes that it was suspect or dead.
    pub(crate) fn update_damping(&mut self, slot: SlotId, refutes: Option<Status>) {
        let level = self.damping_level(slot);
        let (weight, most) = match refutes {
            None => (0, u32::MAX),
            Some(Status::Dead) => (DEATH, u32::MAX),
            Some(_) => (1, MAX_SUSPICIONS),
        };
        let counts = level < most && self.patience_at(slot, level) < micros(self.core.config.hold);
        self.tables.members.slot_mut(slot).set_damping_level(level + if counts { weight } else { 0 });
    }
}
