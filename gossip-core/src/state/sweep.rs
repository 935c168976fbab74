//! Sweeps: where very much is missing, as after a join, a node asks for it range by range of the id-hash order, and not owner by
//! owner.

use crate::{
    kernel::{choose, context::Context, peer::Peer},
    state::plane::State,
    tables::table::{SlotId, index::Place},
    vocabulary::{bounds::sized, time::Instant, traffic::Traffic},
    wire::state::Range,
};
use core::time::Duration;

/// Gaps from which on ranges are asked for: as many wants fill two datagrams.
const MANY_GAPS: u32 = 128;
/// Members of a range, on average: with a name and three tags each, five datagrams answer it.
const MEMBERS_PER_RANGE: u32 = 64;
/// The time between two requests. An answer of five datagrams then makes 750 kB a second.
const GAP: Duration = Duration::from_millis(8);
/// How long it takes until most members know this node, in gossip intervals. One that does not know it does not answer it.
const INTRODUCED_INTERVALS: u32 = 2;
/// Ranges that are passed over in a step because nothing is missing of them.
const MAX_PASSED: u32 = 16;
/// How long the answers to a sweep may take before the next one, in gossip intervals. It doubles while sweeps bring little.
const REST_INTERVALS: u32 = 4;
const MAX_DOUBLINGS: u32 = 8;
/// Owners that answer a request.
const MAX_ANSWERED: usize = sized(192, 8);

/// A sweep under way, and what came of those before.
#[derive(Clone)]
pub(crate) struct Sweeps {
    /// The first tag of the next range; beyond the last where the sweep has come to its end and the answers are awaited.
    /// None while there is none.
    next: Option<u64>,
    due: Instant,
    /// Gaps that there were when it began.
    gaps: u32,
    /// Sweeps in a row that closed less than half of the gaps.
    vain: u32,
}

impl Sweeps {
    pub(super) fn new() -> Self {
        Self { next: None, due: Instant::NEVER, gaps: 0, vain: 0 }
    }

    /// Whether gaps are left to a sweep.
    pub(super) fn is_sweeping(&self) -> bool {
        self.next.is_some()
    }

    pub(super) fn next(&self) -> Instant {
        self.due
    }
}

impl State {
    /// Begins a sweep where it is worth it, and asks for the next range of one.
    pub(super) fn sweep(&mut self, cx: &mut Context<'_, '_>) {
        let (now, gaps) = (cx.now(), cx.tables.state.gaps());
        if self.has_to_sweep(cx) {
            let due = now + cx.kernel.config.gossip_interval * INTRODUCED_INTERVALS;
            self.sweeps = Sweeps { next: Some(0), due, gaps, vain: 0 };
        }
        if self.sweeps.due > now {
            return;
        }
        match self.sweeps.next {
            Some(from) if from >= 1 << 32 => self.end_sweep(cx),
            Some(from) => self.ask_for_range(cx, from as u32),
            None => self.sweeps.due = Instant::NEVER,
        }
    }

    /// Whether so much is missing that a sweep should begin.
    pub(super) fn has_to_sweep(&self, cx: &Context<'_, '_>) -> bool {
        !self.sweeps.is_sweeping() && cx.kernel.view.has && cx.tables.state.gaps() > MANY_GAPS
    }

    /// The answers have come: what is missing still is asked for in another sweep, or owner by owner.
    fn end_sweep(&mut self, cx: &mut Context<'_, '_>) {
        let (now, gaps) = (cx.now(), cx.tables.state.gaps());
        let Sweeps { gaps: before, vain, .. } = self.sweeps;
        let vain = if gaps > before / 2 { vain + 1 } else { 0 };
        let next = (gaps > MANY_GAPS && vain <= MAX_DOUBLINGS).then_some(0);
        self.sweeps = Sweeps { next, due: if next.is_some() { now } else { Instant::NEVER }, gaps, vain };
    }

    fn ask_for_range(&mut self, cx: &mut Context<'_, '_>, from: u32) {
        let now = cx.now();
        let ranges = (cx.tables.members.size() / MEMBERS_PER_RANGE).max(1);
        let width = (1u64 << 32).div_ceil(u64::from(ranges));
        let mut start = u64::from(from);
        for _ in 0..MAX_PASSED {
            let until = (start + width - 1).min(u64::from(u32::MAX)) as u32;
            let range = Range { from: start as u32, until };
            start += width;
            let lacks = Self::lacks_of(cx, range);
            if lacks {
                self.send_range(cx, range);
            }
            if lacks || start >= 1 << 32 {
                break;
            }
        }
        let rest =
            cx.kernel.config.gossip_interval * REST_INTERVALS * 2u32.pow(self.sweeps.vain.min(MAX_DOUBLINGS));
        let wait = if start >= 1 << 32 { rest } else { GAP };
        (self.sweeps.next, self.sweeps.due) = (Some(start), now + wait);
    }

    fn lacks_of(cx: &Context<'_, '_>, range: Range) -> bool {
        let members = &cx.tables.members;
        let mut slots = members.as_view().after(Place { tag: range.from, id: 0 }, range.until);
        slots.any(|(_, slot)| members.record(slot).status().is_live() && cx.tables.has_gap(slot))
    }

    fn send_range(&mut self, cx: &mut Context<'_, '_>, range: Range) {
        let Some(peer) = choose::well_peer(&cx.tables.members, &mut cx.kernel.rng) else { return };
        let sent = cx.write(cx.peer(peer), Traffic::Sync, |draft, _, _| {
            let _ = draft.range(&range);
        });
        cx.kernel.metrics.state_fetches += u64::from(sent);
    }

    /// Sends all that is known of the owners in a range, from a random place on.
    #[inline(never)]
    pub(crate) fn answer_range(&mut self, cx: &mut Context<'_, '_>, to: Peer, range: Range) {
        let mut owners = heapless::Vec::<(SlotId, Option<u32>), MAX_ANSWERED>::new();
        let members = &cx.tables.members;
        let slots = members.as_view().after(Place { tag: range.from, id: 0 }, range.until).take(MAX_ANSWERED);
        let live = slots.map(|(_, slot)| slot).filter(|&slot| members.record(slot).status().is_live());
        owners.extend(live.map(|slot| (slot, Some(0))));
        Self::send_items(cx, to, Traffic::Sync, &owners);
    }
}
