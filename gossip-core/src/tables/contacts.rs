//! The members that answered this node lately.

use crate::{
    tables::table::SlotId,
    vocabulary::{
        bounds::sized,
        time::{Instant, Judged},
    },
};

/// Members remembered.
const MAX_CONTACTS: usize = sized(32, 12);

/// Members that answered us lately, and when by the judgement clock: a ring, each member once.
#[derive(Clone)]
pub(crate) struct Contacts {
    answers: [(SlotId, Judged<Instant>); MAX_CONTACTS],
    newest: usize,
    latest: SlotId,
}

const NOBODY: (SlotId, Judged<Instant>) = (SlotId::MAX, Judged::ZERO);

impl Contacts {
    pub(crate) const NONE: Self = Self { answers: [NOBODY; MAX_CONTACTS], newest: 0, latest: NOBODY.0 };

    pub(crate) fn note(&mut self, slot: SlotId, now: Judged<Instant>) {
        debug_assert_ne!(slot, NOBODY.0, "it names no member");
        let known = self.answers.iter().position(|&(contact, _)| contact == slot);
        let at = known.unwrap_or_else(|| {
            self.newest = (self.newest + 1) % MAX_CONTACTS;
            self.newest
        });
        self.answers[at] = (slot, now);
        self.latest = slot;
    }

    /// The slots that it names.
    #[cfg(fuzzing)]
    pub(crate) fn slots(&self) -> impl Iterator<Item = SlotId> {
        self.answers.iter().map(|&(slot, _)| slot).filter(|&slot| slot != NOBODY.0)
    }

    /// The member that answered last.
    pub(crate) fn latest(&self) -> Option<SlotId> {
        Some(self.latest).filter(|&slot| slot != NOBODY.0)
    }

    /// Whether a member has answered since then.
    pub(crate) fn has(&self, slot: SlotId, since: Judged<Instant>) -> bool {
        self.answers.iter().any(|&(contact, at)| contact == slot && at >= since)
    }

    /// Whether a member other than `slot` has answered since then.
    pub(crate) fn has_another(&self, slot: SlotId, since: Judged<Instant>) -> bool {
        let answered = |&(contact, at): &(SlotId, Judged<Instant>)| {
            contact != slot && contact != NOBODY.0 && at >= since
        };
        self.answers.iter().any(answered)
    }

    /// A slot is about to be given to another member.
    pub(crate) fn forget(&mut self, slot: SlotId) {
        if self.latest == slot {
            self.latest = NOBODY.0;
        }
        for contact in self.answers.iter_mut().filter(|contact| contact.0 == slot) {
            *contact = NOBODY;
        }
    }
}
