//! Healing: the dead are visited for ever, so the sides of a partition find each other again without help.
//!
//! A visit is a ping that tells the visited that it is held dead. Whoever is there after all refutes, acks, and tells
//! the visitor in turn what *it* is held to be; so both are back on both sides with one round trip. Where one came
//! back, more will: each end of such a visit goes on to visit others, and the visits multiply until they meet nobody
//! who has not been told. (Seeds and the last good addresses are visited too, by `join`.)

use crate::{
    detector::Purpose,
    outbox::Traffic,
    record::Status,
    step::{Intent, Step},
    table::SlotId,
    time::{Instant, micros},
    wire::{message::Message, record::Aged},
};
use core::time::Duration;

/// Time between two visits of a node to the dead, beside its share of the whole cluster's.
const VISIT_GAP: Duration = Duration::from_secs(10);
/// What each member adds on average to the time between two visits, to the dead or to seeds: so the cluster as a whole
/// makes less than one a second of each, however large it is.
const VISIT_GAP_PER_MEMBER: Duration = Duration::from_secs(1);
/// Visits that follow one that met somebody alive.
const VISITS_THAT_FOLLOW: u8 = 2;
/// The most visits that may follow, whatever was met.
const MAX_FOLLOWING: u8 = 64;
/// Draws for one visit: who left is not visited.
const DRAWS: usize = 8;
/// News of a death that is older than this comes from elsewhere: whoever died here was known dead before.
pub(crate) const OLD_DEATH: Duration = Duration::from_secs(10);

/// When the next visit is.
#[derive(Clone, Debug)]
pub(crate) struct Healing {
    next: Instant,
    /// Visits that follow those that met somebody.
    following: u8,
}

impl Healing {
    pub(crate) fn new() -> Self {
        Self { next: Instant::NEVER, following: 0 }
    }

    pub(crate) fn next(&self) -> Instant {
        self.next
    }
}

impl Step<'_, '_> {
    /// Somebody died: there is somebody to visit.
    pub(crate) fn plan_visit_of_dead(&mut self) {
        if self.core.healing.next == Instant::NEVER {
            self.core.healing.next = self.now() + self.visit_gap();
        }
    }

    fn visit_gap(&mut self) -> Duration {
        if self.core.healing.following > 0 {
            // As often as rounds of gossip, which will have to spread what the visits bring.
            let gap = micros(self.core.config.gossip_interval) / 4;
            return Duration::from_micros(gap / 2 + self.core.rng.below_u64(gap + 1));
        }
        VISIT_GAP + self.visit_share()
    }

    /// A node's share of the time between two visits of the whole cluster. Even over twice the mean: nodes that started
    /// together, or buried somebody together, do not visit together.
    pub(crate) fn visit_share(&mut self) -> Duration {
        let spread = micros(VISIT_GAP_PER_MEMBER * 2 * self.tables.members.size());
        Duration::from_micros(self.core.rng.below_u64(spread))
    }

    /// Visits one of the dead, if it is time to.
    pub(crate) fn visit_dead(&mut self) {
        if self.core.healing.next > self.now() {
            return;
        }
        self.core.healing.following = self.core.healing.following.saturating_sub(1);
        let rng = &mut self.core.rng;
        let members = &self.tables.members;
        let dead = (0..DRAWS).find_map(|_| {
            members.random_tombstone(rng).filter(|&slot| members.record(slot).status() == Status::Dead)
        });
        if let Some(slot) = dead {
            let (to, target) = (self.record(slot).address(), self.record(slot).id());
            let ping = Message::Ping { nonce: self.fresh_nonce(), target };
            let intent = Intent::bare(to, Traffic::Suspicion, ping);
            self.core.metrics.visits += 1;
            let _ = self.send(Intent { about: Some(slot), ..intent });
        }
        self.core.healing.next =
            if self.tables.members.tombstones() > 0 { self.now() + self.visit_gap() } else { Instant::NEVER };
    }

    /// Somebody who was held dead is there, or holds us dead: there will be more.
    pub(crate) fn met_the_dead(&mut self) {
        let healing = &mut self.core.healing;
        healing.following = (healing.following + VISITS_THAT_FOLLOW).min(MAX_FOLLOWING);
        if self.tables.members.tombstones() > 0 {
            let next = self.now() + self.visit_gap();
            self.core.healing.next = self.core.healing.next.min(next);
        }
    }

    /// Old news says that a member is dead which, for all we know, is there: it is asked, and told so that it can
    /// refute. Nothing is believed before it has failed to answer.
    pub(crate) fn question_death(&mut self, slot: SlotId, news: &Aged) {
        self.core.metrics.deaths_doubted += 1;
        if !self.probe(slot, Purpose::Check) {
            return; // it is being asked already, or too many are
        }
        let to = self.record(slot).address();
        let _ = self.write(to, Traffic::Suspicion, |draft, core, _| {
            core.metrics.records_sent += u64::from(draft.record(news));
        });
    }
}
