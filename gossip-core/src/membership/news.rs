//! News: what a datagram says of members, merged into the table.
//!
//! What changes something becomes a rumor; what is out of date is answered with what is newer, so that no node
//! stays stuck with, or as, a stale record.

use crate::{
    kernel::{
        context::Context,
        outbox::Event,
        peer::Peer,
        sending::{Intent, put_news},
    },
    membership::{heal::OLD_DEATH, judgement::MIN_ACCUSERS, plane::Membership, transitions},
    security::signer::Attested,
    tables::{
        proofs::Proven,
        queue::Kind,
        table::{Applied, Entry, ME, SlotId},
    },
    vocabulary::{
        record::{Accusation, Merge, NodeId, Reachability, Record, Status},
        traffic::Traffic,
    },
    wire::{proof::Proof, record::Aged},
};

/// The most corrections sent for one datagram.
const MAX_CORRECTIONS: usize = 8;
/// How old, in ms, a live record that the host gave counts as: it is of an earlier epoch, and no news.
const RESTORED_AGE: u32 = 3_600_000;

/// How a record came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// As a rumor: what is new is passed on.
    Gossip,
    /// From its owner, who introduces itself: passed on, too, but its age says nothing about rumors.
    Owner,
    /// In answer to a fetch or from the host: others know it; only updates of known records are passed on.
    Fetch,
    /// In answer to a repair: updates of known records are passed on, and unknown members once they answer
    /// us. Others may have forgotten its death by now.
    Repair,
    /// With an item of its owner's state, which is passed on instead of the record.
    State,
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

impl Membership {
    /// Takes in a record, as far as its owner has signed it where that is asked for; says whether it was heard.
    pub(crate) fn hear(
        &mut self,
        cx: &mut Context<'_, '_>,
        news: &Aged,
        proof: Option<&Proof<'_>>,
        source: Source,
        corrections: &mut Corrections,
    ) -> bool {
        cx.kernel.metrics.records_received += 1;
        if cx.kernel.gate.denies(news.record.id()) {
            cx.kernel.metrics.denied += 1;
            return false;
        }
        let entry = cx.tables.members.entry(news.record.id());
        let known = entry.slot();
        if let Some(slot) = known.filter(|&slot| *cx.record(slot) == news.record) {
            let kind = Kind::of(&news.record);
            if cx.tables.rumors.are_many(kind) {
                self.hear_again(cx, slot, kind);
            }
            if proof.is_none() || cx.tables.proofs.get(slot).is_some() {
                return true; // by far the most common
            }
        }
        let attested = cx.attest(known, &news.record, proof);
        if known == Some(ME) {
            let is_heard = !matches!(attested, Attested::Refused);
            if is_heard && self.hear_of_myself(cx, news) {
                corrections.add(news.record.id());
            }
            return is_heard;
        }
        let mut news = *news;
        let proven = match attested {
            Attested::Unsigned => None,
            // Who tells of a death does not make a member known by that.
            Attested::Signed(_) if known.is_none() && news.record.status() == Status::Dead => return true,
            Attested::Signed(proven) => {
                news.record = news.record.without_verdict();
                Some(proven)
            }
            Attested::Known => {
                news.record = news.record.without_verdict();
                None
            }
            Attested::Earlier => {
                if known.is_some_and(|slot| news.record.rank() < cx.record(slot).rank()) {
                    corrections.add(news.record.id());
                }
                return true;
            }
            Attested::Refused => return false,
        };
        self.take_in(cx, (entry, &mut news), proven.as_ref(), source, corrections);
        true
    }

    /// Takes in, after the accusations that came with it, that a member is dead whose owner has signed what is known of it: two
    /// accusers must be known for that, of which this node may be one. Otherwise it finds out by itself.
    pub(crate) fn hear_death(
        &mut self,
        cx: &mut Context<'_, '_>,
        news: &Aged,
        source: Source,
        corrections: &mut Corrections,
    ) {
        let entry = cx.tables.members.entry(news.record.id());
        let Some(slot) = entry.slot().filter(|&slot| slot != ME) else { return };
        let ours = *cx.record(slot);
        let is_current = ours.status().is_live() && ours.incarnation() == news.record.incarnation();
        if cx.tables.proofs.get(slot).is_none() || !is_current {
            return;
        }
        if cx.accusers(slot).len() < MIN_ACCUSERS as usize {
            return self.question_death(cx, slot, news);
        }
        let mut dead = Aged { record: ours.with_status(Status::Dead), age: news.age };
        self.take_in(cx, (entry, &mut dead), None, source, corrections);
    }

    /// Takes in a record that may be heard.
    #[inline]
    fn take_in(
        &mut self,
        cx: &mut Context<'_, '_>,
        (entry, news): (Entry, &mut Aged),
        proven: Option<&Proven>,
        source: Source,
        corrections: &mut Corrections,
    ) {
        let known = entry.slot();
        let age = news.age;
        if let Some(slot) = known.filter(|&slot| self.is_questionable(cx, slot, news)) {
            self.question_death(cx, slot, news);
            return;
        }
        if known.is_none()
            && !news.record.status().is_live()
            && (cx.is_forgettable(age) || cx.would_go_first(age))
        {
            return;
        }
        if known.is_none() && !cx.admits(&news.record) {
            cx.kernel.metrics.not_admitted += 1;
            return;
        }
        let questioned = known.filter(|&slot| self.questions(cx, slot, &news.record));
        if questioned.is_some() {
            cx.kernel.metrics.deaths_questioned += 1;
            news.record = news.record.with_status(Status::Suspect);
        }
        match self.apply(cx, entry, &news.record, proven) {
            Applied::Full => cx.kernel.metrics.dropped_table_full += 1,
            Applied::New(slot) => {
                cx.kernel.metrics.records_repaired += u64::from(source == Source::Repair);
                self.meet(cx, slot, age, source);
                self.measure_lag(cx, source == Source::Gossip, age, source);
            }
            Applied::Known { slot, was, merge } => {
                cx.kernel.metrics.records_repaired += u64::from(merge.changed && source == Source::Repair);
                self.relate(cx, slot, &was, merge, (age, source));
                self.measure_lag(cx, merge.changed, age, source);
                if news.record.rank() < cx.record(slot).rank() {
                    corrections.add(news.record.id());
                }
            }
        }
        if let Some(slot) = questioned {
            self.postpone(cx, slot, cx.suspicion_floor(slot));
            self.tell_the_accused(cx, slot);
        }
    }

    /// Under load, hearing a pending rumor from another node counts as sending it.
    fn hear_again(&mut self, cx: &mut Context<'_, '_>, slot: SlotId, kind: Kind) {
        let sends = cx.kernel.repeats.sends_of(kind, &cx.kernel.config, &cx.tables.members);
        let retired = cx.tables.rumors.count_send(cx.tables.members.slots, slot, sends);
        cx.kernel.metrics.rumors_retired += u64::from(retired);
    }

    /// Merges a record in, or puts it in the place of what is known if its owner has signed it; room is made by forgetting the
    /// oldest tombstones.
    fn apply(
        &mut self,
        cx: &mut Context<'_, '_>,
        entry: Entry,
        record: &Record,
        proven: Option<&Proven>,
    ) -> Applied {
        let now = cx.kernel.clock.now().stamp();
        let mut applied = cx.tables.apply_signed(entry, record, proven, &mut cx.kernel.rng, now);
        if applied == Applied::Full && self.forget_oldest(cx) {
            let entry = cx.tables.members.entry(record.id());
            applied = cx.tables.apply_signed(entry, record, proven, &mut cx.kernel.rng, now);
        }
        applied
    }

    /// A member that we did not know.
    fn meet(&mut self, cx: &mut Context<'_, '_>, slot: SlotId, age: u32, source: Source) {
        let status = cx.record(slot).status();
        cx.kernel.metrics.records_changed += 1;
        let record = cx.tables.members.record(slot);
        self.healing.note_found(record.id());
        if status.is_live() {
            cx.kernel.seeds.note_member_at(record.address());
            self.standing.note_arrival();
        }
        // In a storm of news all nodes ask for new members.
        let asked_for = status.is_live() && cx.kernel.pace.is_sieving();
        self.date(cx, slot, age, source == Source::Owner || source == Source::Gossip && !asked_for);
        self.tell_of(cx, slot, None);
        if !status.is_live() && matches!(source, Source::Fetch | Source::Repair) {
            self.bury(cx, slot);
        }
        if status == Status::Dead {
            self.schedule_reconnect(cx);
        }
        if status == Status::Suspect {
            self.arm(cx, slot);
        } else if status == Status::Alive && source == Source::Repair {
            self.probe_newcomer(cx, slot);
        }
    }

    /// A record of a known member was received.
    fn relate(
        &mut self,
        cx: &mut Context<'_, '_>,
        slot: SlotId,
        old: &Record,
        merge: Merge,
        (age, source): (u32, Source),
    ) {
        let (before, was) = old.rank();
        cx.kernel.metrics.conflicts += u64::from(merge.conflict);
        if !merge.changed {
            if merge.conflict {
                self.tell_conflict(cx, old.id());
            }
            return;
        }
        cx.kernel.metrics.records_changed += 1;
        let (incarnation, is) = cx.record(slot).rank();
        if incarnation > before && cx.accuses(ME, slot) {
            self.note_refuted();
        }
        // What was said of another incarnation, or of a member that is gone, is obsolete.
        if is != Status::Suspect || incarnation != before {
            cx.tables.suspicions.close(cx.tables.members.slots, slot);
        }
        if incarnation > before {
            cx.tables.members.slot_mut(slot).set_silent(false);
        }
        if incarnation.epoch != before.epoch {
            let member = cx.tables.members.slot_mut(slot);
            member.set_reachability(Reachability::Unknown);
            member.set_damping_level(0);
        } else {
            self.update_damping(cx, slot, Some(was).filter(|_| incarnation > before));
        }
        if incarnation > before && incarnation.epoch == before.epoch {
            self.recheck(cx, slot);
        }
        match (was.is_live(), is) {
            (true, Status::Dead) => self.standing.note_lost(),
            (false, Status::Alive | Status::Suspect) => self.standing.note_arrival(),
            _ => {}
        }
        self.date(cx, slot, age, source != Source::State || !cx.keeps_state());
        let address = cx.record(slot).address();
        if was.is_live() && !(is.is_live() && address == old.address()) {
            cx.kernel.seeds.note_gone_from(old.address());
        }
        if is.is_live() && !(was.is_live() && address == old.address()) {
            cx.kernel.seeds.note_member_at(address);
        }
        if is == Status::Suspect && cx.tables.members.slot(slot).suspicion == 0 {
            self.arm(cx, slot);
        }
        match (was, is) {
            (Status::Dead, Status::Alive) if incarnation.epoch == before.epoch => {
                cx.kernel.metrics.deaths_refuted += 1;
                self.hear_returned(cx);
            }
            (_, Status::Dead) => self.schedule_reconnect(cx),
            _ => {}
        }
        let cleared = (was, is) == (Status::Suspect, Status::Alive);
        cx.kernel.metrics.suspicions_cleared += u64::from(cleared);
        let (now, record) = (cx.kernel.clock.now().stamp(), cx.tables.members.record(slot));
        if self.address_changes.note(slot, old, record, now) || merge.conflict {
            self.tell_conflict(cx, old.id());
        }
        self.tell_of(cx, slot, Some(old));
    }

    /// Tells the host what changed of a member.
    pub(super) fn tell_of(&mut self, cx: &mut Context<'_, '_>, slot: SlotId, was: Option<&Record>) {
        let member = cx.tables.members.slot_mut(slot);
        let events = transitions::events(member.is_told(), was, &member.record);
        if member.record.status().is_live() {
            member.set_told();
        }
        for event in events {
            if matches!(event, Event::Left(_)) {
                self.lifecycle.note_leave(cx.kernel.clock.now(), &cx.kernel.config);
            }
            cx.raise(event);
        }
    }

    /// Tells the host that two nodes use one id; once a step, whatever the datagram contains.
    fn tell_conflict(&mut self, cx: &mut Context<'_, '_>, id: NodeId) {
        if !cx.out.has_raised(|event| matches!(event, Event::Conflict(_))) {
            cx.raise(Event::Conflict(id));
        }
    }

    /// Notes how old news was when it came; what a joiner fetches was no news.
    fn measure_lag(&mut self, cx: &mut Context<'_, '_>, news: bool, age: u32, source: Source) {
        if news && source != Source::Owner {
            cx.kernel.metrics.lag_ms.record(age);
        }
    }

    /// Notes when a member's news came into being, and makes it a rumor.
    fn date(&mut self, cx: &mut Context<'_, '_>, slot: SlotId, age: u32, pending: bool) {
        let born = cx.kernel.clock.now().stamp().minus(age);
        if pending {
            cx.enqueue(slot, born);
        } else {
            cx.tables.members.slot_mut(slot).born = born;
        }
    }

    /// Death news of a member that answered *us* just now: it is suspect at the most.
    fn questions(&self, cx: &Context<'_, '_>, slot: SlotId, record: &Record) -> bool {
        let ours = cx.record(slot);
        record.status() == Status::Dead
            && cx.kernel.config.mechanisms.earned_death
            && ours.status().is_live()
            && record.rank() > ours.rank()
            && record.incarnation() == ours.incarnation()
            && self.just_heard_from(cx, slot)
    }

    /// Death news that should have come long ago, of a member that we have not found unreachable: it is from where
    /// the member could not be reached, beyond a partition that has healed.
    fn is_questionable(&self, cx: &Context<'_, '_>, slot: SlotId, news: &Aged) -> bool {
        let (ours, record) = (cx.record(slot), &news.record);
        record.status() == Status::Dead
            && cx.kernel.view.has
            && u128::from(news.age) >= OLD_DEATH.as_millis()
            && cx.kernel.config.mechanisms.earned_death
            && ours.status().is_live()
            && record.incarnation() == ours.incarnation()
            && !self.is_unreachable(cx, slot)
    }

    /// Sends a suspect the accusations against it, so that it can refute them at once.
    fn tell_the_accused(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        let to = cx.peer(slot);
        let intent = Intent {
            to,
            class: Traffic::Suspicion,
            message: None,
            about: Some(slot),
            rumors: false,
            first: false,
        };
        let _ = cx.send(intent);
    }

    /// Takes in that `accuser` cannot reach `target`, with its signature if there is one.
    pub(crate) fn hear_accusation(
        &mut self,
        cx: &mut Context<'_, '_>,
        accusation: Accusation,
        signature: Option<&[u8; 64]>,
        corrections: &mut Corrections,
    ) {
        let Accusation { target, incarnation, accuser } = accusation;
        let Some(slot) = cx.tables.members.find(target) else { return };
        if slot == ME && !cx.kernel.signer.signs() {
            return self.refute(cx, incarnation);
        }
        let Some(accuser) = cx.tables.members.find(accuser) else {
            cx.kernel.metrics.dropped_accusations += 1;
            return;
        };
        let (ours, status) = cx.record(slot).rank();
        if incarnation < ours && slot != ME {
            return corrections.add(target);
        }
        let is_current =
            incarnation == ours && status.is_live() && accuser != ME || slot == ME && incarnation >= ours;
        if !is_current || cx.accuses(accuser, slot) {
            return;
        }
        if !cx.hears_accusation(accuser, &accusation, signature) {
            cx.kernel.metrics.dropped_accusations += 1;
        } else if slot == ME {
            self.refute(cx, incarnation);
        } else {
            self.suspect(cx, slot, accuser, cx.kernel.clock.judged_stamp());
            if let Some(signature) = signature.filter(|_| cx.accuses(accuser, slot)) {
                cx.tables.proofs.testify(slot, &accusation, signature);
            }
        }
    }

    /// Sends what dominates the records that came from `to`.
    pub(crate) fn correct(&mut self, cx: &mut Context<'_, '_>, to: Peer, corrections: &Corrections) {
        if corrections.of.is_empty() {
            return;
        }
        cx.kernel.metrics.dropped_corrections += u64::from(corrections.dropped);
        let sent = cx.write(to, Traffic::Suspicion, |draft, kernel, tables| {
            // One may have been forgotten since, to make room for another.
            for slot in corrections.of.iter().filter_map(|&id| tables.members.find(id)) {
                let _ = put_news(draft, kernel, tables, slot);
            }
        });
        if sent {
            cx.kernel.metrics.corrections_sent += corrections.of.len() as u64;
        }
    }

    /// A member is dead or has left, and the news of it does not have to be spread: it becomes a tombstone.
    fn bury(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        cx.tables.rumors.retire(cx.tables.members.slots, slot);
    }

    /// A record that the host gave was taken in: it is no rumor, and accusations of another are obsolete.
    pub(crate) fn adopt(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        let members = &mut cx.tables.members;
        members.slot_mut(slot).set_told();
        cx.tables.suspicions.close(members.slots, slot);
        let status = members.record(slot).status();
        let age = if status.is_live() { RESTORED_AGE } else { 0 };
        members.slot_mut(slot).born = cx.kernel.clock.now().stamp().minus(age);
        self.healing.note_found(members.record(slot).id());
        if status.is_live() {
            cx.kernel.seeds.note_member_at(members.record(slot).address());
            cx.tables.rumors.unlink(members.slots, slot);
        } else {
            self.bury(cx, slot);
        }
        if status == Status::Dead {
            self.schedule_reconnect(cx);
        }
    }
}

impl Context<'_, '_> {
    /// Adds a sender that does not know its record here to those that are told.
    pub(crate) fn correct_sender(&self, sender: SlotId, corrections: &mut Corrections) {
        let status = self.record(sender).status();
        let told = status != Status::Suspect || self.kernel.config.mechanisms.tell_suspect;
        if status != Status::Alive && told {
            corrections.add(self.record(sender).id());
        }
    }
}
