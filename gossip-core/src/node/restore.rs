//! A view that the host gives.

use crate::{
    node::step::Step,
    security::signer::Attested,
    tables::{
        proofs::Proven,
        table::{Applied, ME},
    },
    vocabulary::record::{Reachability, Record, Status},
};

impl Step<'_, '_> {
    /// Takes over records that the host kept, those that were signed with the proofs of it; introduces this node, unless its own is
    /// among them.
    pub(super) fn restore<'r>(&mut self, records: impl Iterator<Item = (&'r Record, Option<Proven>)>) {
        let me = *self.cx.me();
        let mut announced = false;
        for (record, proven) in records {
            if record.id() == me.id() {
                announced |= *record == me;
                continue;
            }
            if !record.is_credible() {
                continue;
            }
            // Of a member that has signed, what it signed is heard alone.
            let known = self.cx.tables.members.find(record.id());
            let believed =
                proven.is_some() || matches!(self.cx.attest(known, record, None), Attested::Unsigned);
            if !believed {
                continue;
            }
            let record = match record.status() {
                Status::Suspect => record.with_status(Status::Alive),
                _ => *record,
            };
            let (entry, now) =
                (self.cx.tables.members.entry(record.id()), self.cx.kernel.clock.now().stamp());
            match self.cx.tables.apply_signed(entry, &record, proven.as_ref(), &mut self.cx.kernel.rng, now) {
                Applied::New(slot) => self.membership.adopt(&mut self.cx, slot),
                Applied::Known { slot, was, merge } if merge.changed => {
                    if was.incarnation().epoch != record.incarnation().epoch {
                        self.cx.tables.members.slot_mut(slot).set_reachability(Reachability::Unknown);
                    }
                    self.membership.adopt(&mut self.cx, slot);
                }
                Applied::Known { .. } => {}
                Applied::Full => self.cx.kernel.metrics.dropped_table_full += 1,
            }
        }
        self.bootstrap.joining.set_viewed();
        if !announced {
            self.cx.enqueue(ME, self.cx.kernel.clock.now().stamp());
        }
    }
}
