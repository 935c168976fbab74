//! Gaps: what is missing of a member's state is noticed by its numbers, and asked for.
//!
//! ```text
//! a head tells of something new  ──────────▶ its sender is asked at once
//! a version is missing ──8 rounds' time────▶ any member is asked ──2 rounds' time, then more──▶ its owner ──▶ …
//! ```

use crate::{
    kernel::{choose, context::Context, peer::Peer, sending::put_news, telling::put_item},
    state::plane::State,
    tables::{
        state::{
            desk::{MAX_ANNOUNCED, Wait},
            tell::Tell,
        },
        table::{ME, SlotId, index::Place},
    },
    vocabulary::{
        bounds::sized,
        time::{Instant, micros},
        traffic::Traffic,
    },
    wire::state::{BESIDE_ENTRIES, Head, Want},
};
use core::time::Duration;

/// How long what is missing may be on its way, in gossip intervals.
const NOTICED_INTERVALS: u32 = 8;
/// The part of a gossip interval within which most wants are answered. A head of the same owner that comes later than that is
/// asked about again, so that what was lost is found without waiting.
const ANSWERED_WITHIN: u32 = 2;
/// How long the answer to a want may take, in gossip intervals. It doubles each time after the third: until then, the answer was
/// more likely lost than refused.
const ASKED_INTERVALS: u32 = 2;
const ASKED_EVENLY: u8 = 3;
/// How long the state of the dead is kept: they may come back.
const LINGER: Duration = Duration::from_secs(60);
/// Owners that are asked for at a time: a datagram full.
pub(crate) const MAX_WANTED: usize = sized(64, 8);
/// Owners that are looked at in a tick because their time has come.
const MAX_DUE: usize = 256;
/// Owners that are asked themselves in a tick, a datagram each.
const MAX_OWNERS_ASKED: usize = 8;
/// One in this many wants goes to the owner, which lacks nothing.
const ASKS_PER_OWNER: u8 = 4;
/// Members with the same tag that a head may be about.
const MAX_ALIKE: usize = 4;
/// Wants of one datagram that are answered: those of a full one.
const MAX_ANSWERED: usize = sized(96, 8);
/// Datagrams that answer one.
const MAX_ANSWERS: usize = 10;

impl State {
    /// How long an owner waits.
    fn patience(cx: &Context<'_, '_>, wait: Wait) -> Duration {
        let interval = cx.kernel.config.gossip_interval;
        match wait {
            Wait::Noticed => interval * NOTICED_INTERVALS,
            Wait::Announced(_) => interval * ASKED_INTERVALS,
            Wait::Asked(times) => {
                interval * ASKED_INTERVALS * 2u32.pow(times.saturating_sub(ASKED_EVENLY).into())
            }
            Wait::Lingering => LINGER,
        }
    }

    /// Whether what waits in this way may be dealt with now.
    fn is_handled(&self, wait: Wait) -> bool {
        wait == Wait::Lingering || !self.sweeps.is_sweeping()
    }

    /// When the first has waited long enough.
    pub(crate) fn next_gap(&self, cx: &Context<'_, '_>) -> Instant {
        let (now, stamp) = (cx.now(), cx.now().stamp());
        if self.has_to_sweep(cx) {
            return now;
        }
        let due = |wait| {
            let (_, since) = cx.tables.state.first_waiting(wait)?;
            let waited = Duration::from_millis(stamp.since(since).into());
            Some(now + Self::patience(cx, wait).saturating_sub(waited))
        };
        let handled = Wait::ALL.into_iter().filter(|&wait| self.is_handled(wait));
        handled.filter_map(due).min().unwrap_or(Instant::NEVER).min(self.sweeps.next())
    }

    /// Asks for what has been missing long enough, and forgets the state of those that have been dead long enough.
    pub(crate) fn close_gaps(&mut self, cx: &mut Context<'_, '_>) {
        self.sweep(cx);
        let mut due = heapless::Vec::<(SlotId, Wait), MAX_WANTED>::new();
        let (stamp, mut looked_at) = (cx.now().stamp(), 0);
        for wait in Wait::ALL.into_iter().filter(|&wait| self.is_handled(wait)) {
            let patience = micros(Self::patience(cx, wait)) / 1_000;
            while let Some((slot, since)) = cx.tables.state.first_waiting(wait)
                && u64::from(stamp.since(since)) >= patience
                && looked_at < MAX_DUE
                && !due.is_full()
            {
                looked_at += 1;
                if Self::is_asked_for(cx, slot, wait) {
                    cx.tables.state.wait_for(slot, wait.asked_again(), stamp);
                    let _ = due.push((slot, wait));
                }
            }
        }
        Self::ask_for(cx, &due);
    }

    /// What becomes of an owner that has waited long enough; whether it is to be asked for.
    fn is_asked_for(cx: &mut Context<'_, '_>, slot: SlotId, wait: Wait) -> bool {
        let is_live = cx.record(slot).status().is_live();
        if wait == Wait::Lingering && !is_live {
            cx.tables.state.bury(slot);
            cx.kernel.metrics.state_forgotten += 1;
        }
        let is_announced = matches!(wait, Wait::Announced(times) if times < MAX_ANNOUNCED);
        let is_gap = is_live && (cx.tables.has_gap(slot) || is_announced);
        if !is_gap {
            cx.tables.state.wait_no_more(slot);
        }
        if !is_live && wait != Wait::Lingering {
            cx.tables.state.wait_for(slot, Wait::Lingering, cx.now().stamp());
        }
        is_gap
    }

    fn ask_for(cx: &mut Context<'_, '_>, due: &[(SlotId, Wait)]) {
        let mut rest = heapless::Vec::<(SlotId, u32), MAX_WANTED>::new();
        let mut owners_asked = 0;
        for &(slot, wait) in due {
            let asks_owner = matches!(wait, Wait::Asked(times) if times % ASKS_PER_OWNER == 1);
            if asks_owner && owners_asked < MAX_OWNERS_ASKED && choose::is_well(&cx.tables.members, slot) {
                owners_asked += 1;
                Self::send_wants(cx, cx.peer(slot), &[(slot, cx.known(slot))]);
            } else {
                let _ = rest.push((slot, cx.known(slot)));
            }
        }
        if rest.is_empty() {
            return;
        }
        if let Some(peer) = choose::well_peer(&cx.tables.members, &mut cx.kernel.rng) {
            Self::send_wants(cx, cx.peer(peer), &rest);
        }
    }

    /// Asks for what is above these versions of the owners' maps.
    pub(crate) fn send_wants(cx: &mut Context<'_, '_>, to: Peer, wanted: &[(SlotId, u32)]) {
        let _ = cx.write(to, Traffic::State, |draft, kernel, tables| {
            for &(slot, known) in wanted {
                let record = tables.members.record(slot);
                let want = Want { owner: record.id(), epoch: record.incarnation().epoch, known };
                if !draft.want(&want) {
                    break;
                }
                kernel.metrics.wants_sent += 1;
            }
        });
    }

    /// A member has announced news of some owners. This node asks it for what it lacks.
    #[inline(never)]
    pub(crate) fn hear_heads(
        &mut self,
        cx: &mut Context<'_, '_>,
        from: Peer,
        heads: impl Iterator<Item = Head>,
    ) {
        let mut wanted = heapless::Vec::<(SlotId, u32), MAX_WANTED>::new();
        for head in heads {
            cx.kernel.metrics.heads_received += 1;
            let mut alike = heapless::Vec::<SlotId, MAX_ALIKE>::new();
            let place = Place { tag: head.tag, id: 0 };
            alike.extend(
                cx.tables.members.as_view().after(place, head.tag).map(|(_, slot)| slot).take(MAX_ALIKE),
            );
            for slot in alike {
                if self.is_news(cx, slot, head) && !wanted.is_full() {
                    let wait = if cx.tables.has_gap(slot) { Wait::Asked(1) } else { Wait::Announced(1) };
                    cx.tables.state.wait_for(slot, wait, cx.now().stamp());
                    let _ = wanted.push((slot, cx.known(slot)));
                }
            }
        }
        if !wanted.is_empty() {
            Self::send_wants(cx, from, &wanted);
        }
    }

    /// Whether a head tells of something that this node lacks, and has not asked for just now.
    fn is_news(&mut self, cx: &mut Context<'_, '_>, slot: SlotId, head: Head) -> bool {
        let record = cx.record(slot);
        if slot == ME || !record.status().is_live() || !cx.keeps_state() {
            return false;
        }
        let (top, owner) = (record.state_version(), cx.tables.state.owner(slot));
        let ahead = head.top.wrapping_sub(top as u16);
        if ahead >= 1 << 15 || ahead == 0 && owner.known() >= top {
            if ahead == 0 {
                self.hear_again(cx, slot);
            }
            return false;
        }
        let waited = u64::from(cx.now().stamp().since(owner.waits_since()));
        match owner.wait() {
            Some(Wait::Announced(_) | Wait::Asked(_)) => {
                waited >= micros(cx.kernel.config.gossip_interval / ANSWERED_WITHIN) / 1_000
            }
            _ => true,
        }
    }

    /// Sends what a member asks for: the items that it lacks, or the record of an owner that has a later epoch.
    #[inline(never)]
    pub(crate) fn answer_wants(
        &mut self,
        cx: &mut Context<'_, '_>,
        to: Peer,
        wants: impl Iterator<Item = Want>,
    ) {
        let mut wanted = heapless::Vec::<(SlotId, Option<u32>), MAX_ANSWERED>::new();
        for want in wants {
            let Some(slot) = cx.tables.members.find(want.owner) else { continue };
            let record = cx.record(slot);
            let epoch = record.incarnation().epoch;
            if epoch < want.epoch || !record.status().is_live() {
                continue;
            }
            let known = (epoch == want.epoch).then_some(want.known);
            if wanted.push((slot, known)).is_err() {
                break;
            }
        }
        cx.kernel.metrics.wants_answered += wanted.len() as u64;
        Self::send_items(cx, to, Traffic::State, &wanted);
    }

    /// Sends what a reader lacks that knows each owner up to a version, or the owner's record where that is `None`.
    pub(super) fn send_items(
        cx: &mut Context<'_, '_>,
        to: Peer,
        class: Traffic,
        wanted: &[(SlotId, Option<u32>)],
    ) {
        let mut rest = wanted;
        for _ in 0..MAX_ANSWERS {
            let has_more = |&(slot, known): &(SlotId, Option<u32>)| {
                known.is_none_or(|known| cx.tables.state.owner(slot).known() > known)
            };
            let Some(first) = rest.iter().position(has_more) else { break };
            rest = rest.get(first..).unwrap_or_default();
            let sent = cx.write(to, class, |draft, kernel, tables| {
                let empty = draft.room();
                let mut put = 0;
                for &(slot, known) in rest {
                    let owner = tables.state.owner(slot);
                    let room = draft.room();
                    // Whole maps as far as possible: what is cut costs another want.
                    if room < empty && room < BESIDE_ENTRIES + owner.bytes() {
                        break;
                    }
                    let is_put = match known {
                        None => put_news(draft, kernel, tables, slot),
                        Some(known) if owner.known() > known => {
                            let (tables, tell) =
                                ((&tables.members, &mut tables.state), Tell::Missing { known });
                            put_item(draft, kernel, tables, slot, tell, room)
                        }
                        Some(_) => true,
                    };
                    if !is_put {
                        break;
                    }
                    put += 1;
                }
                rest = rest.get(put.max(1)..).unwrap_or_default();
            });
            if !sent {
                break;
            }
        }
    }
}
