//! News: what a datagram says of members, merged into the table.
//!
//! What changes something becomes a rumor; what is out of date is answered with what is newer, so that nobody
//! stays stuck with, or as, a stale record.

use crate::{
    kernel::{
        context::{Intent, Step, put_news},
        outbox::{Event, Traffic, events_of_datagram},
    },
    membership::{heal::OLD_DEATH, transitions},
    tables::{
        queue::Kind,
        table::{Applied, ME, Seat, SlotId},
    },
    vocabulary::{
        record::{Accusation, Merge, NodeId, Reachability, Record, Status},
        time::{Instant, micros},
    },
    wire::record::Aged,
};
use core::{net::SocketAddr, time::Duration};

/// The most corrections sent for one datagram.
const MAX_CORRECTIONS: usize = 8;
/// How old, in ms, a live record that the host gave counts as: it is of an earlier life, and no news.
const RESTORED_AGE: u32 = 3_600_000;
/// Tombstones that one step may forget for want of room.
const MAX_EVICTIONS: u8 = 4;

/// How a record came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// As a rumor: what is new is passed on.
    Gossip,
    /// From its owner, who introduces itself: passed on, too, but its age says nothing about rumors.
    Owner,
    /// In answer to a fetch or from the host: others know it; only what updates a record of ours is passed on.
    Fetch,
    /// In answer to a repair: what updates a record of ours is passed on; who was unknown to us, once it answers
    /// us. Others may have forgotten its death by now.
    Repair,
}

/// Members whose records go back to who offered older ones.
#[derive(Default)]
pub(crate) struct Corrections {
    of: heapless::Vec<NodeId, MAX_CORRECTIONS>,
    /// How many more there were.
    dropped: u32,
}

impl Corrections {
    pub(crate) fn add(&mut self, id: NodeId) {
        if !self.of.contains(&id) && self.of.push(id).is_err() {
            self.dropped += 1;
        }
    }
}

impl Step<'_, '_> {
    /// Hears a record.
    pub(crate) fn hear(&mut self, news: &Aged, source: Source, corrections: &mut Corrections) {
        self.core.metrics.records_received += 1;
        let seat = self.tables.members.seat(news.record.id());
        let known = seat.slot();
        if let Some(slot) = known.filter(|&slot| *self.record(slot) == news.record) {
            let kind = Kind::of(&news.record);
            if self.tables.rumors.are_many(kind) {
                self.hear_again(slot, kind);
            }
            return; // by far the most common
        }
        if known == Some(ME) {
            if self.hear_of_myself(news) {
                corrections.add(news.record.id());
            }
            return;
        }
        let Aged { mut record, age } = *news;
        if let Some(slot) = known.filter(|&slot| self.is_questionable(slot, news)) {
            self.question_death(slot, news);
            return;
        }
        if known.is_none()
            && !record.status().is_live()
            && (self.is_forgettable(age) || self.would_go_first(age))
        {
            return;
        }
        let doubted = known.filter(|&slot| self.doubts(slot, &record));
        if doubted.is_some() {
            self.core.metrics.deaths_doubted += 1;
            record = record.with_status(Status::Suspect);
        }
        match self.apply(seat, &record) {
            Applied::Full => self.core.metrics.dropped_table_full += 1,
            Applied::New(slot) => {
                self.note_repaired(source == Source::Repair);
                self.meet(slot, age, source);
                self.measure_lag(source == Source::Gossip, age, source);
            }
            Applied::Known { slot, was, merge } => {
                self.note_repaired(merge.changed && source == Source::Repair);
                self.relate(slot, &was, merge, age);
                self.measure_lag(merge.changed, age, source);
                if record.rank() < self.record(slot).rank() {
                    corrections.add(record.id());
                }
            }
        }
        if let Some(slot) = doubted {
            self.postpone(slot, self.suspicion_floor(slot));
            self.tell_the_accused(slot);
        }
    }

    /// There is more news than can be told soon, and somebody else tells this: that counts as if we had.
    fn hear_again(&mut self, slot: SlotId, kind: Kind) {
        let sends = self.core.gossip.sends(kind, &self.core.config, &self.tables.members);
        let cooled = self.tables.rumors.count_send(self.tables.members.slots, slot, sends);
        self.core.metrics.rumors_cooled += u64::from(cooled);
    }

    /// Merges a record in; room is made by forgetting the oldest tombstones.
    fn apply(&mut self, seat: Seat, record: &Record) -> Applied {
        let applied = self.tables.members.apply(seat, record, &mut self.core.rng);
        if applied == Applied::Full && self.forget_oldest() {
            let seat = self.tables.members.seat(record.id());
            return self.tables.members.apply(seat, record, &mut self.core.rng);
        }
        applied
    }

    /// A member that we did not know.
    fn meet(&mut self, slot: SlotId, age: u32, source: Source) {
        let status = self.record(slot).status();
        self.core.metrics.records_changed += 1;
        let record = self.tables.members.record(slot);
        self.core.healing.note_found(record.id());
        if status.is_live() {
            self.core.joining.note_member_at(record.address());
            self.core.standing.note_arrival();
        }
        // In a storm everybody asks for who is new.
        let asked_for = status.is_live() && self.core.sieves.are_on();
        self.date(slot, age, source == Source::Owner || source == Source::Gossip && !asked_for);
        self.tell_of(slot, None);
        if !status.is_live() && matches!(source, Source::Fetch | Source::Repair) {
            self.bury(slot);
        }
        if status == Status::Dead {
            self.plan_visit_of_dead();
        }
        if status == Status::Suspect {
            self.arm(slot);
        } else if status == Status::Alive && source == Source::Repair {
            self.probe_newcomer(slot);
        }
    }

    /// A member that we know, of which a record was heard.
    fn relate(&mut self, slot: SlotId, old: &Record, merge: Merge, age: u32) {
        let (before, was) = old.rank();
        self.core.metrics.conflicts += u64::from(merge.conflict);
        if !merge.changed {
            if merge.conflict {
                self.tell_conflict(old.id());
            }
            return;
        }
        self.core.metrics.records_changed += 1;
        let (incarnation, is) = self.record(slot).rank();
        if incarnation > before && self.accuses(ME, slot) {
            self.note_refuted();
        }
        // What was said of another incarnation, or of a member that is gone, is settled.
        if is != Status::Suspect || incarnation != before {
            self.tables.suspicions.close(self.tables.members.slots, slot);
        }
        if incarnation > before {
            self.tables.members.slot_mut(slot).set_silent(false);
        }
        if incarnation.epoch != before.epoch {
            let member = self.tables.members.slot_mut(slot);
            member.set_reachability(Reachability::Unknown);
            member.set_damping_level(0);
        } else {
            self.update_damping(slot, Some(was).filter(|_| incarnation > before));
        }
        if incarnation > before && incarnation.epoch == before.epoch {
            self.recheck(slot);
        }
        match (was.is_live(), is) {
            (true, Status::Dead) => self.core.standing.note_lost(),
            (false, Status::Alive | Status::Suspect) => self.core.standing.note_arrival(),
            _ => {}
        }
        self.date(slot, age, true);
        let address = self.record(slot).address();
        if was.is_live() && !(is.is_live() && address == old.address()) {
            self.core.joining.note_gone_from(old.address());
        }
        if is.is_live() && !(was.is_live() && address == old.address()) {
            self.core.joining.note_member_at(address);
        }
        if is == Status::Suspect && self.tables.members.slot(slot).suspicion == 0 {
            self.arm(slot);
        }
        match (was, is) {
            (Status::Dead, Status::Alive) if incarnation.epoch == before.epoch => self.heard_of_the_dead(),
            (_, Status::Dead) => self.plan_visit_of_dead(),
            _ => {}
        }
        let cleared = (was, is) == (Status::Suspect, Status::Alive);
        self.core.metrics.suspicions_cleared += u64::from(cleared);
        let (now, record) = (self.core.clock.now().stamp(), self.tables.members.record(slot));
        if self.core.address_changes.note(slot, old, record, now) || merge.conflict {
            self.tell_conflict(old.id());
        }
        self.tell_of(slot, Some(old));
    }

    /// Tells the host what changed of a member.
    fn tell_of(&mut self, slot: SlotId, was: Option<&Record>) {
        let member = self.tables.members.slot_mut(slot);
        let events = transitions::events(member.is_told(), was, &member.record);
        if member.record.status().is_live() {
            member.set_told();
        }
        events.into_iter().for_each(|event| self.raise(event));
    }

    /// Tells the host that two nodes use one id; once a step, whatever a datagram holds.
    fn tell_conflict(&mut self, id: NodeId) {
        if !self.out.has_raised(|event| matches!(event, Event::Conflict(_))) {
            self.raise(Event::Conflict(id));
        }
    }

    /// Notes how old news was when it came; what a joiner fetches was no news.
    fn measure_lag(&mut self, news: bool, age: u32, source: Source) {
        if news && source != Source::Owner {
            self.core.metrics.lag_ms.record(age);
        }
    }

    fn note_repaired(&mut self, mended: bool) {
        if mended {
            self.core.metrics.records_repaired += 1;
            self.core.sync.note_mended();
        }
    }

    /// Notes when a member's news came into being, and makes it a rumor.
    fn date(&mut self, slot: SlotId, age: u32, hot: bool) {
        let born = self.core.clock.now().stamp().minus(age);
        if hot {
            self.heat(slot, born);
        } else {
            self.tables.members.slot_mut(slot).born = born;
        }
    }

    /// Death news of a member that answered *us* just now: it is suspect at the most.
    fn doubts(&self, slot: SlotId, record: &Record) -> bool {
        let ours = self.record(slot);
        record.status() == Status::Dead
            && self.core.config.mechanisms.earned_death
            && ours.status().is_live()
            && record.rank() > ours.rank()
            && record.incarnation() == ours.incarnation()
            && self.just_heard_from(slot)
    }

    /// Death news that should have come long ago, of a member that we have not found unreachable: it is from where
    /// the member could not be reached, beyond a partition that has healed.
    fn is_questionable(&self, slot: SlotId, news: &Aged) -> bool {
        let (ours, record) = (self.record(slot), &news.record);
        record.status() == Status::Dead
            && self.core.joining.has_view()
            && u128::from(news.age) >= OLD_DEATH.as_millis()
            && self.core.config.mechanisms.earned_death
            && ours.status().is_live()
            && record.incarnation() == ours.incarnation()
            && !self.is_unreachable(slot)
    }

    /// Sends a suspect the accusations against it, so that it can refute them at once.
    fn tell_the_accused(&mut self, slot: SlotId) {
        let to = self.record(slot).address();
        let intent =
            Intent { to, class: Traffic::Suspicion, message: None, about: Some(slot), rumors: false };
        let _ = self.send(intent);
    }

    /// Hears that `accuser` cannot reach `target`.
    pub(crate) fn hear_accusation(&mut self, accusation: Accusation, corrections: &mut Corrections) {
        let Accusation { target, incarnation, accuser } = accusation;
        if target == self.my_id() {
            self.refute(incarnation);
            return;
        }
        let Some(slot) = self.tables.members.find(target) else { return };
        let Some(accuser) = self.tables.members.find(accuser) else {
            self.core.metrics.dropped_accusations += 1;
            return;
        };
        let ours = *self.record(slot);
        if incarnation < ours.incarnation() {
            corrections.add(target);
        } else if incarnation == ours.incarnation() && ours.status().is_live() && accuser != ME {
            self.suspect(slot, accuser, self.core.clock.judged_stamp());
        }
    }

    /// Sends what dominates the records that came from `to`.
    pub(crate) fn correct(&mut self, to: SocketAddr, corrections: &Corrections) {
        if corrections.of.is_empty() {
            return;
        }
        self.core.metrics.dropped_corrections += u64::from(corrections.dropped);
        let sent = self.write(to, Traffic::Suspicion, |draft, core, tables| {
            // One may have been forgotten since, to make room for another.
            for slot in corrections.of.iter().filter_map(|&id| tables.members.find(id)) {
                let _ = put_news(draft, core, tables, slot);
            }
        });
        if sent {
            self.core.metrics.corrections_sent += corrections.of.len() as u64;
        }
    }

    /// Adds a sender that does not know what is believed of it to those who are told.
    pub(crate) fn correct_sender(&self, sender: SlotId, corrections: &mut Corrections) {
        let status = self.record(sender).status();
        let told = status != Status::Suspect || self.core.config.mechanisms.tell_suspect;
        if status != Status::Alive && told {
            corrections.add(self.record(sender).id());
        }
    }

    /// A member is dead or has left, and the news of it does not have to be spread: it becomes a tombstone.
    fn bury(&mut self, slot: SlotId) {
        self.tables.rumors.cool(self.tables.members.slots, slot);
    }

    /// A record that the host gave was taken in: it is no rumor, and what was said of another is settled.
    pub(crate) fn settle(&mut self, slot: SlotId) {
        let members = &mut self.tables.members;
        members.slot_mut(slot).set_told();
        self.tables.suspicions.close(members.slots, slot);
        let status = members.record(slot).status();
        let age = if status.is_live() { RESTORED_AGE } else { 0 };
        members.slot_mut(slot).born = self.core.clock.now().stamp().minus(age);
        self.core.healing.note_found(members.record(slot).id());
        if status.is_live() {
            self.core.joining.note_member_at(members.record(slot).address());
            self.tables.rumors.unlink(members.slots, slot);
        } else {
            self.bury(slot);
        }
        if status == Status::Dead {
            self.plan_visit_of_dead();
        }
    }

    fn is_forgettable(&self, age_ms: u32) -> bool {
        u64::from(age_ms) >= micros(self.core.config.tombstone_ttl) / 1_000
    }

    /// Whether there are as many tombstones as may be, all of later deaths. What was forgotten for want of room must not
    /// come back as news: a cluster would tell it on for ever.
    fn would_go_first(&self, age_ms: u32) -> bool {
        let Some(oldest) = self.tables.rumors.oldest_tombstone() else { return false };
        let died = self.now().stamp().minus(age_ms);
        self.tables.rumors.tombstones() >= self.core.config.max_tombstones
            && died.is_before(self.tables.members.slot(oldest).born)
    }

    /// Forgets the tombstones that are too old or too many, a few a step.
    pub(crate) fn forget_tombstones(&mut self) {
        for _ in 0..MAX_EVICTIONS {
            let Some(slot) = self.tables.rumors.oldest_tombstone() else { return };
            let age = self.now().stamp().since(self.tables.members.slot(slot).born);
            let many = self.tables.rumors.tombstones() > self.core.config.max_tombstones;
            if !(many || self.is_forgettable(age)) || !self.forget_oldest() {
                return;
            }
        }
    }

    /// When the oldest tombstone will be forgotten.
    pub(crate) fn next_forgetting(&self) -> Instant {
        let Some(slot) = self.tables.rumors.oldest_tombstone() else { return Instant::NEVER };
        let age = self.now().stamp().since(self.tables.members.slot(slot).born);
        let age = Duration::from_millis(u64::from(age));
        // At the earliest in a second: one that an open suspicion still names must wait.
        let left = self.core.config.tombstone_ttl.saturating_sub(age);
        self.now() + left.max(Duration::from_secs(1))
    }

    /// Forgets the oldest tombstone; false when there is none to forget now.
    fn forget_oldest(&mut self) -> bool {
        // What one datagram may still raise comes first.
        if self.out.event_room() <= events_of_datagram(self.core.config.max_datagram) {
            return false;
        }
        let Some(slot) = self.tables.rumors.oldest_tombstone() else { return false };
        if self.tables.members.slot(slot).open_accusations() > 0 {
            // An open suspicion names it as an accuser; those last minutes, tombstones hours.
            self.tables.rumors.cool(self.tables.members.slots, slot);
            return false;
        }
        let id = self.record(slot).id();
        // Whoever never answered us may never have been there.
        if self.record(slot).status() == Status::Dead && self.tables.members.slot(slot).has_answered() {
            self.core.healing.note_lost(self.tables.members.record(slot), &mut self.core.rng);
            self.plan_visit_of_dead();
        }
        self.forget_probes_of(slot);
        self.core.sync.forget(slot);
        self.core.life.forget(slot);
        self.core.sightings.forget(slot);
        self.tables.rumors.unlink(self.tables.members.slots, slot);
        self.tables.members.forget(slot);
        self.core.metrics.tombstones_forgotten += 1;
        self.raise(Event::Forgotten(id));
        true
    }
}
