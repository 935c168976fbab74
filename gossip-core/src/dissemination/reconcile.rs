//! Anti-entropy: what rumors leave behind is pulled, and what that leaves is repaired.
//!
//! ```text
//! a ping or an ack shows another fingerprint
//!   ├─ pull ─────▶ ─── its latest changes ──▶                   at once, unless our own news explains it
//!   └─ digests ──▶ ─── digests one level down, lists of what is small
//!                  ◀── lists ────────────────
//!                  ─── records, requests ──────▶
//!                  ◀── records ──────────────
//! ```
//!
//! A reconciliation has no state but its datagrams: each says which range it is about, and its receiver answers from
//! what it knows at that time. So every datagram makes progress alone, what is lost is found again by the next one,
//! and unsolicited answers do no harm. Each answer is one step further down, and records draw no answer, so every
//! reconciliation ends.

use crate::{
    dissemination::plane::Dissemination,
    kernel::{
        context::{Context, Kernel},
        peer::Peer,
        sending::{Intent, put_accusations, put_news},
        telling::put_item,
    },
    security::open::Authentic,
    tables::{
        memory::Tables,
        state::tell::Tell,
        table::{
            ME, SlotId,
            index::Place,
            sums::{Prefix, Survey},
        },
    },
    vocabulary::{
        bounds::sized,
        config::{MIN_DATAGRAM, Mode},
        record::{NodeId, Record},
        time::{Instant, micros},
        traffic::Traffic,
    },
    wire::{
        frame::{Contents, Draft},
        message::Message,
        sync::{Digest, List, MAX_LISTED, Version},
    },
};
use core::time::Duration;

/// How long news takes to reach all members, in gossip intervals: 0.6 s on a LAN at 20 % loss, and as much again.
const SPREAD_INTERVALS: u32 = 16;
/// Meetings of members that differ belong together if they lie no further apart than this many probe intervals.
/// About two members a probe interval are met.
const LULL_PROBES: u32 = 4;
/// Time between two pulls, in gossip intervals.
const PULL_INTERVALS: u32 = 4;
/// Time between two reconciliations, unless `anti_entropy_interval` is shorter: the answers have come and been passed
/// on.
const WALK_GAP: Duration = Duration::from_secs(3);
/// Doublings of that time, up to `anti_entropy_interval`, while reconciliations repair nothing.
const MAX_DOUBLINGS: u32 = 8;
/// One in this many reconciliations leaves nothing for later: members that change all the time must not hide their
/// neighbours.
const THOROUGH: u32 = 2;
/// One in this many members of other zones that differ is reconciled with; all those of the node's own zone are.
const ACROSS: u32 = 8;
/// Datagrams that answer one. 100 differences among 10,000 members touch 70 of 128 ranges: nine datagrams.
const MAX_ANSWERS: usize = 10;
/// Ranges that can differ by one datagram of digests: nine digests of sixteen parts; three where datagrams are of 512
/// bytes.
const MAX_RANGES: usize = sized(144, 40);
/// Members looked at for one datagram, after which no further range is begun; each costs about 50 ns. 100 differences
/// among 10,000 members take 5,500.
pub(crate) const MAX_SCANNED: usize = 8_192;
/// Members looked at that cost the budget for sync as much as a byte.
pub(crate) const SCANNED_PER_BYTE: u32 = 4;
/// What passing as many empty entries of the index as one stretch may costs, in members looked at.
const SCANNED_PER_CUT: usize = 1_024;
/// Records that answer one datagram: seven datagrams full, or two of 512 bytes.
const MAX_RECORDS: usize = sized(256, 24);
/// Records asked for by one datagram; a datagram of lists has at most 83 versions, 35 where it is of 512 bytes.
const MAX_WANTED: usize = sized(96, 24);

/// Members that know something else have been met lately.
#[derive(Clone, Copy)]
struct Difference {
    since: Instant,
    latest: Instant,
    /// A reconciliation must begin by then, even while news is pending.
    overdue: Instant,
}

/// The state of anti-entropy.
#[derive(Clone)]
pub(crate) struct Sync {
    difference: Option<Difference>,
    next_pull: Instant,
    next_reconcile: Instant,
    walks: u32,
    /// Reconciliations in a row that repaired nothing.
    vain: u32,
}

impl Sync {
    pub(crate) fn new() -> Self {
        Self { difference: None, next_pull: Instant::ZERO, next_reconcile: Instant::ZERO, walks: 0, vain: 0 }
    }

    /// A reconciliation repaired something.
    pub(crate) fn note_mended(&mut self) {
        self.vain = 0;
    }
}

/// How a version of a member compares with this node's record: whether to send the record, and whether to request
/// theirs.
fn compare(ours: &Record, theirs: &Version) -> (bool, bool) {
    let incarnation = ours.incarnation();
    if !ours.status().is_live() {
        // A tombstone is above the live record of its incarnation, whose owner's state counts no more.
        return (incarnation >= theirs.incarnation, incarnation < theirs.incarnation);
    }
    let state = (incarnation.epoch, ours.state_version());
    let their_state = (theirs.incarnation.epoch, theirs.state_version);
    (
        incarnation > theirs.incarnation || state > their_state,
        incarnation < theirs.incarnation || state < their_state,
    )
}

impl Context<'_, '_> {
    fn spread_time(&self) -> Duration {
        self.kernel.config.gossip_interval * SPREAD_INTERVALS
    }

    /// Which parts of level 0's ranges changed within the spread time; of what was dropped from the changes
    /// nothing is known.
    fn fresh_parts(&self) -> u128 {
        let (now, spread) = (self.now().stamp(), micros(self.spread_time()) / 1_000);
        let recent = self.kernel.changes.iter().filter(|&(_, at)| u64::from(now.since(at)) < spread);
        let members = &self.tables.members;
        recent.fold(0, |fresh, (slot, _)| fresh | 1 << (members.place(members.record(slot).id()).tag >> 25))
    }

    /// Whether an unknown member would be taken in.
    fn has_place(&self) -> bool {
        self.tables.members.has_free_slot() || self.tables.rumors.tombstones() > 0
    }

    /// Adds our live members of a list's range that the list lacks.
    fn find_unlisted(&self, list: &List, told: &mut heapless::Vec<SlotId, MAX_RECORDS>, scanned: &mut usize) {
        let members = &self.tables.members;
        let place = |version: Option<&Version>| version.map(|version| members.place(version.id));
        let first = place(list.versions.first().filter(|_| list.late));
        let last = place(list.versions.last().filter(|_| list.early));
        let mut next = Some(Place { tag: list.prefix.low(), id: 0 });
        while let Some(start) = next {
            let mut stretch = members.as_view().after(start, list.prefix.high());
            for (place, slot) in stretch.by_ref() {
                *scanned += 1;
                let covered =
                    first.is_none_or(|first| place >= first) && last.is_none_or(|last| place <= last);
                let record = members.record(slot);
                let listed = || list.versions.iter().any(|version| version.id == record.id());
                if covered && record.status().is_live() && !listed() && told.push(slot).is_err()
                    || *scanned >= MAX_SCANNED
                {
                    return;
                }
            }
            next = stretch.cut();
            *scanned += if next.is_some() { SCANNED_PER_CUT } else { 0 };
        }
    }
}

impl Dissemination {
    /// A quarter of jitter, downwards.
    fn sooner(&mut self, cx: &mut Context<'_, '_>, wait: Duration) -> Duration {
        wait - Duration::from_micros(cx.kernel.rng.below_u64(micros(wait) / 4 + 1))
    }

    /// A member pinged or acked from its advertised address, and has another view. Where it knows the same members, and only
    /// states differ, these are mostly on their way, and asked for by themselves; what was missed altogether is reconciled.
    pub(crate) fn meet_difference(&mut self, cx: &mut Context<'_, '_>, with: SlotId, same_members: bool) {
        let now = cx.now();
        let lull = cx.spread_time().max(cx.kernel.config.probe_interval * LULL_PROBES);
        let overdue = now + self.sooner(cx, cx.kernel.config.anti_entropy_interval);
        let sync = &mut self.sync;
        let difference = match sync.difference {
            Some(difference) if now.since(difference.latest) <= lull => {
                Difference { latest: now, ..difference }
            }
            _ => {
                sync.vain = 0;
                Difference { since: now, latest: now, overdue }
            }
        };
        sync.difference = Some(difference);
        let rumors = cx.tables.rumors.pending() > 0;
        let explained = rumors || cx.tables.state.pending() > 0;
        let going_on = now.since(difference.since) >= cx.spread_time();
        let pulls = cx.kernel.config.mode == Mode::PushPull && !same_members;
        if pulls && (going_on || !rumors) && now >= self.sync.next_pull {
            let gap = self.sooner(cx, cx.kernel.config.gossip_interval * PULL_INTERVALS);
            self.sync.next_pull = now + gap;
            if cx.is_young() {
                self.sieve_from(cx, with);
            } else {
                self.pull(cx, with);
            }
        }
        let steady = going_on && !explained;
        if (steady && now >= self.sync.next_reconcile || now >= difference.overdue) && self.suits(cx, with) {
            self.begin_reconcile(cx, with);
        }
    }

    /// Whether to reconcile with a member: with those of the node's own zone, and now and then with another.
    fn suits(&mut self, cx: &mut Context<'_, '_>, with: SlotId) -> bool {
        let near = cx.zone_of(with) == cx.zone_of(ME);
        cx.kernel.config.mechanisms.repair && cx.kernel.view.has && (near || cx.kernel.rng.below(ACROSS) == 0)
    }

    /// Asks a member for its latest changes.
    pub(crate) fn pull(&mut self, cx: &mut Context<'_, '_>, with: SlotId) {
        let to = cx.peer(with);
        cx.kernel.metrics.pulls += 1;
        let _ = cx.send(Intent::bare(to, Traffic::Sync, Message::Pull));
    }

    fn begin_reconcile(&mut self, cx: &mut Context<'_, '_>, with: SlotId) {
        let (now, interval) = (cx.now(), cx.kernel.config.anti_entropy_interval);
        // Where reconciliations repair nothing (a full table, a difference that only others have), they may be rare.
        let doublings = self.sync.vain.min(MAX_DOUBLINGS);
        let gap = (WALK_GAP * 2u32.pow(doublings)).min(interval);
        let (gap, overdue) = (self.sooner(cx, gap), self.sooner(cx, interval));
        let sync = &mut self.sync;
        (sync.next_reconcile, sync.walks, sync.vain) = (now + gap, sync.walks.wrapping_add(1), doublings + 1);
        if let Some(difference) = &mut sync.difference {
            difference.overdue = now + overdue;
        }
        let thorough = sync.walks.is_multiple_of(THOROUGH);
        cx.kernel.metrics.reconciliations += 1;
        let fresh = (!thorough).then(|| cx.fresh_parts());
        let everything: heapless::Vec<Prefix, 8> = Prefix::octants().collect();
        let to = cx.peer(with);
        // The one before may have been too long for the path.
        let limit = if doublings > 0 { MIN_DATAGRAM } else { cx.kernel.config.max_datagram };
        cx.briefly(limit, |cx| self.send_ranges(cx, to, &everything, fresh, 0));
    }

    /// Answers requests and ranges that a member sends from its advertised address.
    pub(crate) fn handle_sync(&mut self, cx: &mut Context<'_, '_>, from: Peer, datagram: &Authentic<'_>) {
        let Contents { message, .. } = &datagram.contents;
        let ours = cx.tables.members.fingerprint();
        let same_members = datagram.fingerprint.has_same_identities(ours);
        // Where nothing is pushed, a pull is for states, too.
        let same = same_members && (cx.kernel.config.mode != Mode::Pull || datagram.fingerprint == ours);
        if *message == Some(Message::Pull) && !same {
            self.tell_changes(cx, from);
        }
        if let Some(sieve) = &datagram.contents.sieve
            && !same_members
        {
            self.answer_sieve(cx, from, sieve);
        }
        if datagram.contents.digests().next().is_some() {
            self.answer_digests(cx, from, datagram.contents.digests());
        }
        self.answer_lists(cx, from, datagram.contents.lists());
        self.answer_requests(cx, from, datagram);
    }

    /// Sends the records that are asked for.
    #[inline(never)]
    fn answer_requests(&mut self, cx: &mut Context<'_, '_>, to: Peer, datagram: &Authentic<'_>) {
        let mut wanted = heapless::Vec::<SlotId, MAX_RECORDS>::new();
        wanted.extend(
            datagram.contents.requests().filter_map(|id| cx.tables.members.find(id)).take(MAX_RECORDS),
        );
        if !wanted.is_empty() {
            self.sync.note_mended();
            self.send_records(cx, to, &Message::Repair, &[], &wanted);
        }
    }

    /// Sends the latest changes, as many as fit one datagram.
    fn tell_changes(&mut self, cx: &mut Context<'_, '_>, to: Peer) {
        if cx.kernel.changes.len() == 0 {
            return;
        }
        let _ = cx.write(to, Traffic::Sync, |draft, kernel, tables| {
            for at in (0..kernel.changes.len()).rev() {
                let Some(slot) = kernel.changes.get(at) else {
                    debug_assert!(false, "fewer changes than were counted");
                    break;
                };
                if !put_news(draft, kernel, tables, slot) {
                    break;
                }
                put_accusations(draft, kernel, tables, slot);
                if kernel.config.mode == Mode::Pull {
                    let tell = Tell::News { since: tables.state.owner(slot).since() };
                    let room = draft.room();
                    let _ = put_item(draft, kernel, (&tables.members, &mut tables.state), slot, tell, room);
                }
            }
        });
    }

    /// For each part that differs and need not wait: its list, if it is small here, or its digest.
    #[inline(never)]
    fn answer_digests(&mut self, cx: &mut Context<'_, '_>, to: Peer, digests: impl Iterator<Item = Digest>) {
        let ours_fresh = cx.fresh_parts();
        let mut ranges = heapless::Vec::<Prefix, MAX_RANGES>::new();
        let mut scanned = 0;
        for Digest { prefix, fresh, sums } in digests {
            if scanned >= MAX_SCANNED {
                break;
            }
            let ours: Survey<0> = cx.tables.members.as_view().survey(prefix, &mut scanned);
            let later = fresh.map_or(0, |theirs| theirs | prefix.of_all(ours_fresh));
            let parts = prefix.parts().enumerate().zip(ours.sums.iter().zip(&sums));
            for ((n, part), (ours, theirs)) in parts {
                if ours != theirs && later >> n & 1 == 0 {
                    let _ = ranges.push(part);
                }
            }
        }
        // What cannot all be answered is answered in turns.
        let start = cx.kernel.rng.below(ranges.len() as u32) as usize;
        ranges.rotate_left(start);
        self.send_ranges(cx, to, &ranges, None, scanned);
    }

    /// Sends lists of what is small here, and digests of the rest, up to the bounds of one answer.
    fn send_ranges(
        &mut self,
        cx: &mut Context<'_, '_>,
        to: Peer,
        ranges: &[Prefix],
        fresh: Option<u128>,
        mut scanned: usize,
    ) {
        let mut rest = ranges;
        for _ in 0..MAX_ANSWERS {
            if rest.is_empty() || scanned >= MAX_SCANNED {
                break;
            }
            let mut done = 0;
            let sent = cx.write(to, Traffic::Sync, |draft, kernel, tables| {
                for &range in rest {
                    if scanned >= MAX_SCANNED || !put_range(draft, kernel, tables, range, fresh, &mut scanned)
                    {
                        break;
                    }
                    done += 1;
                }
            });
            if !sent || done == 0 {
                break;
            }
            rest = &rest[done..];
        }
        let now = cx.now();
        cx.kernel.budgets.charge(Traffic::Sync, now, scanned as u32 / SCANNED_PER_BYTE);
    }

    /// For each member listed, and each that is missing in a list: our record where it is newer, a wish where
    /// theirs is.
    #[inline(never)]
    fn answer_lists(&mut self, cx: &mut Context<'_, '_>, to: Peer, mut lists: impl Iterator<Item = List>) {
        let mut told = heapless::Vec::<SlotId, MAX_RECORDS>::new();
        let mut wanted = heapless::Vec::<NodeId, MAX_WANTED>::new();
        let mut scanned = 0;
        while let Some(list) = &lists.next() {
            if scanned >= MAX_SCANNED || told.is_full() {
                break;
            }
            for theirs in &list.versions {
                let ours = cx.tables.members.find(theirs.id);
                let (send, request) = match ours {
                    Some(slot) => compare(cx.record(slot), theirs),
                    None => (false, cx.has_place()),
                };
                if let Some(slot) = ours.filter(|_| send) {
                    let _ = told.push(slot);
                }
                if request {
                    let _ = wanted.push(theirs.id);
                }
            }
            cx.find_unlisted(list, &mut told, &mut scanned);
        }
        let now = cx.now();
        cx.kernel.budgets.charge(Traffic::Sync, now, scanned as u32 / SCANNED_PER_BYTE);
        self.send_records(cx, to, &Message::Repair, &wanted, &told);
    }

    /// Sends records with a message, and wishes with the first of them.
    pub(crate) fn send_records(
        &mut self,
        cx: &mut Context<'_, '_>,
        to: Peer,
        message: &Message,
        wanted: &[NodeId],
        slots: &[SlotId],
    ) {
        let (mut wanted, mut rest) = (wanted, slots);
        for _ in 0..MAX_ANSWERS {
            if wanted.is_empty() && rest.is_empty() {
                break;
            }
            let sent = cx.write(to, Traffic::Sync, |draft, kernel, tables| {
                let asked = wanted.iter().take_while(|&&id| draft.request(id)).count();
                wanted = &wanted[asked..];
                if !rest.is_empty() {
                    let _ = draft.message(message);
                    let put = rest.iter().take_while(|&&slot| put_news(draft, kernel, tables, slot)).count();
                    rest = &rest[put..];
                }
            });
            if !sent {
                break;
            }
        }
    }
}

fn version(tables: &Tables<'_>, slot: SlotId) -> Version {
    let record = tables.members.record(slot);
    let (id, incarnation) = (record.id(), record.incarnation());
    Version { id, incarnation, state_version: record.state_version() }
}

/// Writes what is known of a range; false when that does not fit.
#[inline(never)]
fn put_range(
    draft: &mut Draft<'_>,
    kernel: &mut Kernel,
    tables: &Tables<'_>,
    prefix: Prefix,
    fresh: Option<u128>,
    scanned: &mut usize,
) -> bool {
    let view = tables.members.as_view();
    let Survey::<MAX_LISTED> { sums, first, more } = view.survey(prefix, scanned);
    if more && prefix.has_parts() {
        let fresh = fresh.map(|fresh| prefix.of_all(fresh));
        return draft.digest(&Digest { prefix, fresh, sums });
    }
    if !more {
        return put_list(draft, tables, prefix, &first);
    }
    put_stretch(draft, kernel, tables, prefix, scanned)
}

/// A list of all live members of a range.
#[inline(never)]
fn put_list(draft: &mut Draft<'_>, tables: &Tables<'_>, prefix: Prefix, slots: &[SlotId]) -> bool {
    let mut list = List { prefix, late: false, early: false, versions: heapless::Vec::new() };
    list.versions.extend(slots.iter().map(|&slot| version(tables, slot)));
    draft.list(&list)
}

/// A list of a random stretch of a range without parts that has too many: ids were ground until they share 31 bits of a
/// hash.
#[inline(never)]
fn put_stretch(
    draft: &mut Draft<'_>,
    kernel: &mut Kernel,
    tables: &Tables<'_>,
    prefix: Prefix,
    scanned: &mut usize,
) -> bool {
    let view = tables.members.as_view();
    let start = Place { tag: prefix.low(), id: 0 };
    let live = || {
        view.after(start, prefix.high()).filter(|&(_, slot)| tables.members.record(slot).status().is_live())
    };
    let (count, most) = (live().count(), MAX_LISTED);
    *scanned += 2 * count;
    let skip = kernel.rng.below((count - most) as u32 + 1) as usize;
    let (late, early) = (skip > 0, skip + most < count);
    let mut list = List { prefix, late, early, versions: heapless::Vec::new() };
    list.versions.extend(live().skip(skip).take(most).map(|(_, slot)| version(tables, slot)));
    draft.list(&list)
}
