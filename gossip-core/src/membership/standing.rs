//! Standing: whether this node is fit to judge. It is not while its own trouble can explain what it sees.

use crate::{
    kernel::{context::Context, outbox::EVENTS_OF_STEP},
    membership::{
        judgement::{Quarantine, Signs, in_trouble},
        plane::Membership,
        quarantine::Cause,
    },
    tables::table::{ME, SlotId},
    vocabulary::time::{Instant, Judged, Stamp},
};
use core::time::Duration;

/// How many outcomes of probes are kept.
const FINDINGS: u32 = 8;
/// See [`Step::haste`].
const HASTE: u32 = 4;
/// Members that one tick of a roll call looks at.
const ROLL_STRIDE: u32 = 64;

/// What a node's finding that members are silent has proved to be worth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Untested,
    /// A relay could not reach a silent member either, or no relay is left to ask.
    Upheld,
    /// A member that we accused has refuted, or a relay reached one that we could not: that we hear nothing of members
    /// says nothing of them.
    Refuted,
}

/// What a node knows of its own fitness to judge.
#[derive(Clone)]
pub(crate) struct Standing {
    /// How the latest probes of members believed alive ended: a bit each, the newest lowest, set for a failure.
    findings: u8,
    /// Deaths less arrivals of this period, and of the one before.
    lost: [u32; 2],
    period_ends: Instant,
    /// How many were suspect or lost at the last look, and when that number last rose.
    count: u32,
    grew: Judged<Stamp>,
    /// What others have shown of this node's findings since its self-quarantine was exhausted.
    word: Word,
    /// How far the roll call has come.
    roll: u32,
}

impl Standing {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            findings: 0,
            lost: [0; 2],
            period_ends: now,
            count: 0,
            grew: Judged(now.stamp()),
            word: Word::Untested,
            roll: 0,
        }
    }

    /// A probe of a member that was believed alive has ended.
    pub(crate) fn note_finding(&mut self, failed: bool) {
        self.findings = self.findings << 1 | u8::from(failed);
    }

    /// A member died.
    pub(crate) fn note_lost(&mut self) {
        self.lost[0] += 1;
    }

    /// One came, or came back.
    pub(crate) fn note_arrival(&mut self) {
        let from = usize::from(self.lost[0] == 0);
        self.lost[from] = self.lost[from].saturating_sub(1);
    }
}

impl Membership {
    /// Where the quarantine of this node itself stands.
    pub(crate) fn own_quarantine(&self) -> Quarantine {
        self.quarantines.of(Cause::Own)
    }

    /// Forgets losses after one to two periods of two longest suspicions; but not while in self-quarantine, or a
    /// minority would forget its losses and think that it is all there is.
    pub(crate) fn forget_losses(&mut self, cx: &mut Context<'_, '_>) {
        let (now, floor) = (cx.now(), cx.suspicion_floor(ME));
        let period = Duration::from_micros(floor * 2) * u32::from(cx.kernel.config.suspicion_factor);
        let in_quarantine = self.own_quarantine() == Quarantine::Active;
        let standing = &mut self.standing;
        if !in_quarantine && now >= standing.period_ends {
            (standing.lost, standing.period_ends) = ([0, standing.lost[0]], now + period);
        }
    }

    /// How many of the latest probes of members believed alive count, and how many of those failed.
    fn findings(&self, cx: &Context<'_, '_>) -> (u32, u32) {
        let probed = cx.tables.members.live().clamp(FINDINGS / 2, FINDINGS);
        (probed, (u32::from(self.standing.findings) & ((1 << probed) - 1)).count_ones())
    }

    /// A member that we accuse has refuted, or a relay has reached one that we cannot reach.
    pub(crate) fn note_refuted(&mut self) {
        if self.own_quarantine() == Quarantine::Exhausted {
            self.standing.word = Word::Refuted;
        }
    }

    /// A probe of a member failed, although relays that answer tried, too, or because none is left to try.
    pub(crate) fn note_upheld(&mut self) {
        if self.stands_alone() {
            self.standing.word = Word::Upheld;
        }
    }

    /// Whether nothing contradicts this node's findings: its self-quarantine is exhausted, and they have not been
    /// refuted since.
    pub(crate) fn stands_alone(&self) -> bool {
        self.own_quarantine() == Quarantine::Exhausted && self.standing.word != Word::Refuted
    }

    /// Whether our own word was put to the test, too, since our self-quarantine was exhausted.
    pub(crate) fn is_upheld(&self) -> bool {
        self.own_quarantine() == Quarantine::Exhausted && self.standing.word == Word::Upheld
    }

    /// How much faster than usual members are probed: our self-quarantine is exhausted, and most probes find members
    /// that have fallen silent since we last came to them.
    pub(crate) fn haste(&self, cx: &Context<'_, '_>) -> u32 {
        let (probed, failed) = self.findings(cx);
        if self.stands_alone() && failed * 2 > probed { HASTE } else { 1 }
    }

    /// A probe has ended: what does that say of this node? If it failed, `asked` counts the members that it asked
    /// beside its target, and `answered` those of them that answered.
    pub(crate) fn look_for_own_trouble(&mut self, cx: &mut Context<'_, '_>, (asked, answered): (u32, u32)) {
        let members = &cx.tables.members;
        let quarantined = |&(zone, _): &(_, u32)| self.quarantines.is_quarantined(zone);
        let elsewhere: u32 = members.zones().filter(quarantined).map(|(_, live)| live).sum();
        let (live, suspects) = (members.live(), members.suspects());
        let floor = cx.suspicion_floor(ME);
        let now = cx.kernel.clock.judged_stamp();
        let standing = &mut self.standing;
        let lost = suspects + standing.lost[0] + standing.lost[1];
        if lost > core::mem::replace(&mut standing.count, lost) {
            standing.grew = now;
        }
        let (probed, failed) = self.findings(cx);
        let switches = cx.kernel.config.mechanisms;
        let signs = Signs {
            asked,
            answered,
            probed,
            failed: if switches.surprise { failed } else { 0 },
            kept: members.size().saturating_sub(suspects + elsewhere),
            lost: if switches.majority { lost } else { 0 },
            growing: u64::from(now.since(self.standing.grew)) * 1_000 < floor,
        };
        if self.own_quarantine() != Quarantine::Exhausted {
            self.standing.word = Word::Untested;
        }
        self.note_own_trouble(cx, live > 1 && in_trouble(&signs));
    }

    /// Whether a quarantine about this member is spent.
    pub(crate) fn was_questioned(&self, cx: &Context<'_, '_>, slot: SlotId) -> bool {
        self.stands_alone() || self.quarantines.of(Cause::Zone(cx.zone_of(slot))) == Quarantine::Exhausted
    }

    /// While a quarantine is exhausted, members that fell silent in it are accused, as many at once as can be
    /// suspected. To probe all of them again would take a lap. Members that are given patience are skipped, as when a
    /// probe of them fails.
    pub(crate) fn call_the_roll(&mut self, cx: &mut Context<'_, '_>) {
        if !cx.kernel.config.mechanisms.roll_call || !self.quarantines.any_exhausted() {
            return;
        }
        for _ in 0..ROLL_STRIDE.min(cx.tables.members.live()) {
            if cx.tables.suspicions.is_full() || cx.out.event_room() < EVENTS_OF_STEP {
                return;
            }
            let roll = (self.standing.roll + 1) % cx.tables.members.live();
            self.standing.roll = roll;
            let Some(&slot) = cx.tables.members.live_slots().get(roll as usize) else {
                return debug_assert!(false, "a roll beyond the live members");
            };
            if cx.tables.members.slot(slot).is_silent()
                && self.was_questioned(cx, slot)
                && !cx.accuses(ME, slot)
                && cx.patience(slot).is_none()
            {
                self.suspect(cx, slot, ME, cx.kernel.clock.judged_stamp());
                // Nobody else may say so: it has twice the time to refute.
                self.postpone(cx, slot, cx.suspicion_floor(slot) * 2);
            }
        }
    }
}
