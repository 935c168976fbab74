//! Healing: nodes try to reconnect to dead members for ever, so the sides of a partition find each other again
//! without help.
//!
//! A reconnect attempt is a ping that tells its target that it is dead here. A node that is up refutes, acks, and
//! tells the sender in turn what *its* record is; so both are members again on both sides after one round trip. Where
//! one came back, more will: both ends make further attempts, which multiply until they find no member that has not
//! been told. (Seeds and the last good addresses are contacted too, by `join`.)
//!
//! Tombstones end, and a partition may outlast them. So of the dead that are forgotten a few addresses are kept for as
//! long as the node runs, and half of the attempts, at random, go to them. A node at such an address answers, even
//! under another id: addresses are reused, and the sender introduces itself to the node that it finds there.

use crate::{
    kernel::{context::Context, peer::Peer, sending::Intent},
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

/// Time between two reconnect attempts of a node, in addition to its share of the whole cluster's.
const RECONNECT_GAP: Duration = Duration::from_secs(10);
/// Attempts that follow a successful one.
const RECONNECTS_THAT_FOLLOW: u8 = 2;
/// About how many members make attempts when all hear of a success. If all did, each returning member would have to
/// answer thousands of pings at once.
const MEMBERS_THAT_FOLLOW: u32 = 50;
/// The most attempts that may be scheduled.
const MAX_FOLLOWING: u8 = 64;
/// Draws for one attempt: members that left are not tried.
const DRAWS: usize = 8;
/// News of a death that is older than this comes from elsewhere: a member that died here was known to be dead before.
pub(crate) const OLD_DEATH: Duration = Duration::from_secs(10);

/// How many of the forgotten dead are kept; once full, a new one replaces a random one.
const MAX_LOST: usize = sized(8, 2);

/// When the next attempt is, and which members beside the tombstones it may go to.
#[derive(Clone, Debug)]
pub(crate) struct Healing {
    next: Instant,
    /// Attempts that follow successful ones.
    following: u8,
    /// Dead members that were forgotten, and where they were.
    lost: heapless::Vec<(NodeId, SocketAddr), MAX_LOST>,
    /// The latest attempt: its nonce and address.
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

    /// Whether a nonce is that of the attempt at this address.
    pub(crate) fn is_reconnect(&self, from: SocketAddr, nonce: Nonce) -> bool {
        self.latest == Some((nonce, from))
    }

    pub(crate) fn next(&self) -> Instant {
        self.next
    }
}

impl Membership {
    /// A member died: attempts begin.
    pub(crate) fn schedule_reconnect(&mut self, cx: &mut Context<'_, '_>) {
        if self.healing.next == Instant::NEVER {
            self.healing.next = cx.now() + self.reconnect_gap(cx);
        }
    }

    fn reconnect_gap(&mut self, cx: &mut Context<'_, '_>) -> Duration {
        if self.healing.following > 0 {
            // As often as rounds of gossip, which will have to spread what the attempts bring.
            let gap = micros(cx.kernel.config.gossip_interval) / 4;
            return Duration::from_micros(gap / 2 + cx.kernel.rng.below_u64(gap + 1));
        }
        RECONNECT_GAP + cx.contact_share()
    }

    /// Tries to reconnect to a dead member, if it is time to.
    pub(crate) fn reconnect(&mut self, cx: &mut Context<'_, '_>) {
        if self.healing.next > cx.now() {
            return;
        }
        self.healing.following = self.healing.following.saturating_sub(1);
        if let Some(target) = self.choose_reconnect(cx) {
            self.attempt(cx, target);
        }
        self.healing.next =
            if self.has_reconnect_target(cx) { cx.now() + self.reconnect_gap(cx) } else { Instant::NEVER };
    }

    /// One attempt, now, to a member that is dead here.
    pub(crate) fn reconnect_to(&mut self, cx: &mut Context<'_, '_>, id: NodeId) {
        let slot = cx.tables.members.find(id).filter(|&slot| cx.record(slot).status() == Status::Dead);
        if let Some(slot) = slot {
            self.attempt(cx, (id, cx.record(slot).address(), Some(slot)));
        }
    }

    fn attempt(
        &mut self,
        cx: &mut Context<'_, '_>,
        (target, to, about): (NodeId, SocketAddr, Option<SlotId>),
    ) {
        let nonce = self.fresh_nonce_of_no_probe(cx);
        self.healing.latest = Some((nonce, to));
        let intent = Intent::bare(Peer::new(target, to), Traffic::Suspicion, Message::Ping { nonce, target });
        cx.kernel.metrics.reconnects += 1;
        let _ = cx.send(Intent { about, ..intent });
    }

    fn has_reconnect_target(&self, cx: &Context<'_, '_>) -> bool {
        cx.tables.members.tombstones() > 0 || !self.healing.lost.is_empty()
    }

    /// The target of an attempt, its address, and what to tell it: a tombstone's or, half of the time, a forgotten
    /// member's.
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

    /// Whether this nonce from this address answers a ping of this node to that very address.
    pub(crate) fn has_pinged(&self, cx: &Context<'_, '_>, from: SocketAddr, nonce: Nonce) -> bool {
        self.healing.is_reconnect(from, nonce) || self.probes_at(cx, from, nonce)
    }

    /// A dead member is up, or this node is dead to a member: there will be more.
    pub(crate) fn note_returned(&mut self, cx: &mut Context<'_, '_>) {
        let healing = &mut self.healing;
        healing.following = (healing.following + RECONNECTS_THAT_FOLLOW).min(MAX_FOLLOWING);
        if self.has_reconnect_target(cx) {
            let next = cx.now() + self.reconnect_gap(cx);
            self.healing.next = self.healing.next.min(next);
        }
    }

    /// A dead member is alive, by news that every node hears: so only some, at random, make further attempts.
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
        let _ = cx.write(cx.peer(slot), Traffic::Suspicion, |draft, kernel, _| {
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
    fn some_forgotten_dead_are_still_tried() {
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
