//! The one way to change a record: what is kept of the member beside it follows.

#[cfg(feature = "seal")]
use crate::tables::replay::Window;
use crate::{
    tables::{
        memory::Tables,
        proofs::Proven,
        state::desk::Wait,
        table::{Applied, Entry, ME, SlotId},
    },
    vocabulary::{
        record::{Merge, Record, Status},
        rng::Rng,
        time::{Instant, Stamp},
    },
};

/// So many rumors of a member that others may not know carry its key: as many as a rumor is sent in a cluster of 10,000.
pub(crate) const KEYED_RUMORS: u8 = 16;

impl Tables<'_> {
    /// Empties the table of members and gives the node itself its slot; `born` is when its record came into being. Of kept
    /// state only the node's own is left.
    pub(crate) fn reset_to_self(&mut self, key: u64, me: &Record, born: Stamp) {
        let owners = self.state.owners.len() as SlotId;
        (ME + 1..owners).filter(|_| self.members.size() > 0).for_each(|slot| self.state.forget(slot));
        if self.state.owner(ME).epoch() != me.incarnation().epoch {
            self.state.begin(ME, me.incarnation().epoch);
        }
        self.pulses.forget_others(ME);
        #[cfg(feature = "seal")]
        self.windows.fill(Window::EMPTY);
        self.proofs.forget_others(ME);
        self.members.reset_to_self(key, me, born);
    }

    /// Merges a record into its member's entry; the caller sees to rumors and suspicions.
    pub(crate) fn apply(&mut self, entry: Entry, record: &Record, rng: &mut Rng, now: Stamp) -> Applied {
        let applied = self.members.apply(entry, record, rng);
        match applied {
            Applied::New(slot) => self.follow(slot, now),
            Applied::Known { slot, merge, .. } if merge.changed => self.follow(slot, now),
            Applied::Known { .. } | Applied::Full => {}
        }
        applied
    }

    /// The same with what the member's owner has signed, if it is `proven`. Then it takes the place of what is known, as a whole:
    /// a merge of two signed records could be one that nobody signed.
    #[inline]
    pub(crate) fn apply_signed(
        &mut self,
        entry: Entry,
        record: &Record,
        proven: Option<&Proven>,
        rng: &mut Rng,
        now: Stamp,
    ) -> Applied {
        let applied = match (entry.slot(), proven) {
            (Some(slot), Some(_)) => {
                let was = *self.members.record(slot);
                let is = record.with_verdict_of(&was);
                self.replace(slot, &is, rng, now);
                let conflict = was.incarnation() == is.incarnation() && !was.same_fields(&is);
                Applied::Known { slot, was, merge: Merge { changed: is != was, dominates: false, conflict } }
            }
            _ => self.apply(entry, record, rng, now),
        };
        if let (Applied::New(slot) | Applied::Known { slot, .. }, Some(proven)) = (applied, proven) {
            self.proofs.keep(slot, proven, KEYED_RUMORS);
        }
        applied
    }

    /// Puts another record of the same member in a slot, which is not the node's own.
    pub(crate) fn replace(&mut self, slot: SlotId, record: &Record, rng: &mut Rng, now: Stamp) {
        debug_assert_ne!(slot, ME, "see `replace_mine`");
        self.members.replace(slot, record, rng);
        self.follow(slot, now);
    }

    /// Frees the slot of a tombstone. It must be in no list of rumors and have no suspicion.
    pub(crate) fn forget(&mut self, slot: SlotId) {
        self.state.forget(slot);
        self.pulses.forget(slot);
        #[cfg(feature = "seal")]
        self.windows.get_mut(slot as usize).into_iter().for_each(|window| *window = Window::EMPTY);
        self.proofs.forget(slot);
        self.members.forget(slot);
    }

    /// Replaces the node's own record. Its state version rises further where what is kept of its own state asks for that:
    /// in a new epoch all values are written anew, and so they are above a state version that others claimed.
    pub(crate) fn replace_mine(&mut self, record: &Record, rng: &mut Rng, now: Instant) {
        let (version, epoch) = (record.state_version(), record.incarnation().epoch);
        if !self.pulses.is_of(ME, epoch) {
            self.pulses.forget(ME);
        }
        let known = if epoch != self.members.record(ME).incarnation().epoch {
            self.state.restart(ME, epoch).max(version)
        } else {
            self.state.overtake(ME, version, now.into())
        };
        self.state.advance(ME, known);
        self.members.replace(ME, &record.with_state(known, record.health(), record.pause_seconds()), rng);
    }

    /// A record has changed, or is new.
    fn follow(&mut self, slot: SlotId, now: Stamp) {
        let record = self.members.record(slot);
        let epoch = record.incarnation().epoch;
        if self.state.owner(slot).epoch() != epoch {
            self.state.retire(slot);
            self.state.begin(slot, epoch);
            // What it said before is not said any more.
            #[cfg(feature = "seal")]
            self.windows.get_mut(slot as usize).into_iter().for_each(|window| window.prefer(None));
        }
        if !record.status().is_live() || !self.pulses.is_of(slot, epoch) {
            self.pulses.forget(slot);
        }
        match record.status() {
            Status::Alive | Status::Suspect => self.note_gap(slot, now),
            Status::Left => {
                self.state.retire(slot);
                self.state.wait_no_more(slot);
                self.state.bury(slot);
            }
            Status::Dead => {
                self.state.retire(slot);
                if self.state.owner(slot).wait() != Some(Wait::Lingering) {
                    self.state.wait_for(slot, Wait::Lingering, now);
                }
            }
        }
    }

    /// Whether something of an owner's state is missing, by what its record says.
    pub(crate) fn has_gap(&self, slot: SlotId) -> bool {
        self.state.owner(slot).known() < self.members.record(slot).state_version()
    }

    /// Notices whether something of a live owner's state is missing.
    pub(crate) fn note_gap(&mut self, slot: SlotId, now: Stamp) {
        let wait = self.state.owner(slot).wait();
        if !self.has_gap(slot) {
            self.state.wait_no_more(slot);
        } else if matches!(wait, None | Some(Wait::Lingering | Wait::Announced(_))) {
            self.state.wait_for(slot, Wait::Noticed, now);
        }
    }
}
