//! Healing: the dead are visited for ever, so the sides of a partition find each other again without help.
//!
//! A visit is a ping that tells the visited that it is held dead. Whoever is there after all refutes, acks, and tells
//! the visitor in turn what *it* is held to be; so both are back on both sides with one round trip. Where one came
//! back, more will: each end of such a visit goes on to visit others, and the visits multiply until they meet nobody
//! who has not been told. (Seeds and the last good addresses are visited too, by `join`.)
//!
//! Tombstones end, and a partition may outlast them. So of the dead that are forgotten a few addresses are kept for as
//! long as the node runs, and half of the visits, at random, go to them. Whoever is at an address that is visited answers, even
//! under another id: addresses are used again, and the visitor introduces itself to whoever it finds there.

use crate::{
    kernel::{context::Context, sending::Intent},
    membership::{detector::Purpose, plane::Membership},
    tables::table::SlotId,
    vocabulary::{
        bounds::sized,
        record::{NodeId, Record, Status},
        rng::Rng,
        time::{Instant, micros},
        traffic::Traffic,
    },
    wire::{
        message::{Message, Nonce},
        record::Aged,
    },
};
use core::{net::SocketAddr, time::Duration};

/// Time between two visits of a node to the dead, beside its share of the whole cluster's.
const RECONNECT_GAP: Duration = Duration::from_secs(10);
/// Visits that follow one that met somebody alive.
const RECONNECTS_THAT_FOLLOW: u8 = 2;
/// About how many members make visits when all hear that one was met. If all did, each member that returns would have to
/// answer thousands of pings at once.
const MEMBERS_THAT_FOLLOW: u32 = 50;
/// The most visits that may follow, whatever was met.
const MAX_FOLLOWING: u8 = 64;
/// Draws for one visit: who left is not visited.
const DRAWS: usize = 8;
/// News of a death that is older than this comes from elsewhere: whoever died here was known dead before.
pub(crate) const OLD_DEATH: Duration = Duration::from_secs(10);

/// How many of the forgotten dead are kept; once full, a new one replaces a random one.
const MAX_LOST: usize = sized(8, 2);

/// When the next visit is, and whom beside the tombstones it may go to.
#[derive(Clone, Debug)]
pub(crate) struct Healing {
    next: Instant,
    /// Visits that follow those that met somebody.
    following: u8,
    /// Dead members that were forgotten, and where they were.
    lost: heapless::Vec<(NodeId, SocketAddr), MAX_LOST>,
    /// The last visit: its nonce, and where it went.
    latest: Option<(Nonce, SocketAddr)>,
}

impl Healing {
    pub(crate) const fn new() -> Self {
        Self { next: Instant::NEVER, following: 0, lost: heapless::Vec::new(), latest: None }
    }

    /// Everything is learned anew; only the list of lost members is kept.
    pub(crate) fn start_over(&mut self) {
        let lost = core::mem::take(&mut self.lost);
        *self = Self { lost, ..Self::new() };
    }

    /// A dead member is forgotten; it may be beyond a partition.
    pub(crate) fn note_lost(&mut self, record: &Record, rng: &mut Rng) {
        let entry = (record.id(), record.address());
        self.note_found(entry.0);
        if let Err(entry) = self.lost.push(entry) {
            let place = rng.below(MAX_LOST as u32) as usize;
            if let Some(kept) = self.lost.get_mut(place) {
                *kept = entry;
            }
        }
    }

    /// A member is known (again).
    pub(crate) fn note_found(&mut self, id: NodeId) {
        self.lost.retain(|&(lost, _)| lost != id);
    }

    /// Whether a nonce is that of the visit to this address.
    fn is_reconnect(&self, from: SocketAddr, nonce: Nonce) -> bool {
        self.latest == Some((nonce, from))
    }

    pub(crate) fn next(&self) -> Instant {
        self.next
    }
}

impl Membership {
    /// Somebody died: there is somebody to visit.
    pub(crate) fn schedule_reconnect(&mut self, cx: &mut Context<'_, '_>) {
        if self.healing.next == Instant::NEVER {
            self.healing.next = cx.now() + self.reconnect_gap(cx);
        }
    }

    fn reconnect_gap(&mut self, cx: &mut Context<'_, '_>) -> Duration {
        if self.healing.following > 0 {
            // As often as rounds of gossip, which will have to spread what the visits bring.
            let gap = micros(cx.kernel.config.gossip_interval) / 4;
            return Duration::from_micros(gap / 2 + cx.kernel.rng.below_u64(gap + 1));
        }
        RECONNECT_GAP + cx.contact_share()
    }

    /// Visits one of the dead, if it is time to.
    pub(crate) fn reconnect(&mut self, cx: &mut Context<'_, '_>) {
        if self.healing.next > cx.now() {
            return;
        }
        self.healing.following = self.healing.following.saturating_sub(1);
        if let Some((target, to, about)) = self.choose_reconnect(cx) {
            let nonce = self.fresh_nonce_of_no_probe(cx);
            self.healing.latest = Some((nonce, to));
            let intent = Intent::bare(to, Traffic::Suspicion, Message::Ping { nonce, target });
            cx.kernel.metrics.reconnects += 1;
            let _ = cx.send(Intent { about, ..intent });
        }
        self.healing.next =
            if self.has_reconnect_target(cx) { cx.now() + self.reconnect_gap(cx) } else { Instant::NEVER };
    }

    fn has_reconnect_target(&self, cx: &Context<'_, '_>) -> bool {
        cx.tables.members.tombstones() > 0 || !self.healing.lost.is_empty()
    }

    /// Whom to visit, where, and what to tell it: one of the dead, or, half of the time, one of those that were forgotten.
    fn choose_reconnect(&mut self, cx: &mut Context<'_, '_>) -> Option<(NodeId, SocketAddr, Option<SlotId>)> {
        let (members, rng) = (&cx.tables.members, &mut cx.kernel.rng);
        let dead = |slot: &SlotId| members.record(*slot).status() == Status::Dead;
        let lost = &self.healing.lost;
        let forgotten = lost.get(rng.below(lost.len() as u32) as usize).map(|&(id, at)| (id, at, None));
        if forgotten.is_some() && rng.below(2) == 0 {
            return forgotten;
        }
        let tombstone = (0..DRAWS).find_map(|_| members.random_tombstone(rng).filter(dead));
        let target = |slot: SlotId| (members.record(slot).id(), members.record(slot).address(), Some(slot));
        tombstone.map(target).or(forgotten)
    }

    /// Whether whoever sends this nonce from there answers a ping of ours that went to that very address.
    pub(crate) fn has_pinged(&self, cx: &Context<'_, '_>, from: SocketAddr, nonce: Nonce) -> bool {
        self.healing.is_reconnect(from, nonce) || self.probes_at(cx, from, nonce)
    }

    /// Somebody who was held dead is there, or holds us dead: there will be more.
    pub(crate) fn note_returned(&mut self, cx: &mut Context<'_, '_>) {
        let healing = &mut self.healing;
        healing.following = (healing.following + RECONNECTS_THAT_FOLLOW).min(MAX_FOLLOWING);
        if self.has_reconnect_target(cx) {
            let next = cx.now() + self.reconnect_gap(cx);
            self.healing.next = self.healing.next.min(next);
        }
    }

    /// News came that a member thought dead is alive. Everybody hears it, so only some, at random, go on to visit others.
    pub(crate) fn hear_returned(&mut self, cx: &mut Context<'_, '_>) {
        if cx.kernel.rng.below(cx.tables.members.size()) < MEMBERS_THAT_FOLLOW {
            self.note_returned(cx);
        }
    }

    /// Old news says that a member is dead which, for all we know, is there: it is asked, and told so that it can
    /// refute. Nothing is believed before it has failed to answer.
    pub(crate) fn question_death(&mut self, cx: &mut Context<'_, '_>, slot: SlotId, news: &Aged) {
        cx.kernel.metrics.deaths_questioned += 1;
        if !self.probe(cx, slot, Purpose::Check) {
            return; // it is being asked already, or too many are
        }
        let to = cx.record(slot).address();
        let _ = cx.write(to, Traffic::Suspicion, |draft, kernel, _| {
            kernel.metrics.records_sent += u64::from(draft.record(news));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::record::{Identity, Locality, Versions};

    fn record(n: u8) -> Record {
        let id = NodeId::from_u64(u64::from(n) + 1).unwrap();
        let address = ([10, 0, 0, n], 7946).into();
        Record::new(Identity { id, epoch: 1, address, locality: Locality::default() }, Versions::OURS)
    }

    #[test]
    fn some_forgotten_dead_are_still_visited() {
        let (mut healing, mut rng) = (Healing::new(), Rng::new([1; 32]));
        (0..200).for_each(|n| healing.note_lost(&record(n), &mut rng));
        assert_eq!(healing.lost.len(), MAX_LOST);
        let latest = healing.lost.iter().filter(|(id, _)| id.as_u64() > 200 - MAX_LOST as u64).count();
        assert!(latest < MAX_LOST, "the latest do not take all places");
        let (found, _) = healing.lost[0];
        healing.note_found(found);
        assert!(healing.lost.len() == MAX_LOST - 1 && healing.lost.iter().all(|&(id, _)| id != found));
        healing.start_over();
        assert_eq!(healing.lost.len(), MAX_LOST - 1, "whom to look for outlasts the view");
    }
}
