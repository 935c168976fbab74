//! What a host sees of the members: status, reachability and health, as three things.

use crate::{
    membership::quarantine::Quarantines,
    tables::table::{Slot, SlotId, View},
    vocabulary::record::{Health, Incarnation, Locality, NodeId, Reachability, Record, Status},
};
use core::net::SocketAddr;

/// A member as this node sees it: its shared record, and what this node has observed itself.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    slot: &'a Slot,
    quarantines: &'a Quarantines,
}

impl<'a> Member<'a> {
    pub(crate) fn new(view: View<'a>, slot: SlotId, quarantines: &'a Quarantines) -> Self {
        Self { slot: &view.slots[slot as usize], quarantines }
    }

    /// The shared part.
    pub fn record(&self) -> &'a Record {
        &self.slot.record
    }

    /// Who.
    pub fn id(&self) -> NodeId {
        self.record().id()
    }

    /// Where it is reached.
    pub fn address(&self) -> SocketAddr {
        self.record().address()
    }

    /// Where it runs.
    pub fn locality(&self) -> Locality {
        self.record().locality()
    }

    /// What the cluster believes of it.
    pub fn status(&self) -> Status {
        self.record().status()
    }

    /// Its epoch and refutations.
    pub fn incarnation(&self) -> Incarnation {
        self.record().incarnation()
    }

    /// Its own statement of its fitness to serve.
    pub fn health(&self) -> Health {
        self.record().health()
    }

    /// Whether it answered this node when it was last tried. No member of a quarantined zone counts as answering.
    pub fn reachability(&self) -> Reachability {
        if self.status().is_live() && self.quarantines.is_quarantined(self.locality().domain()) {
            Reachability::Unreachable
        } else {
            self.slot.reachability()
        }
    }

    /// Live, not found unreachable by this node, and not unhealthy: what a load balancer wants.
    pub fn is_routable(&self) -> bool {
        self.status().is_live()
            && self.reachability() != Reachability::Unreachable
            && self.health() != Health::Unhealthy
    }
}

impl core::fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?} {:?}", self.record(), self.reachability())
    }
}

/// The members of a node, as [`Node::members`](crate::Node::members) gives them.
#[derive(Clone)]
pub struct Members<'a> {
    ring: core::slice::Iter<'a, SlotId>,
    slots: &'a [Slot],
    quarantines: &'a Quarantines,
}

impl<'a> Members<'a> {
    pub(crate) fn new(view: View<'a>, quarantines: &'a Quarantines) -> Self {
        Self { ring: view.others().iter(), slots: view.slots, quarantines }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        self.ring
            .next()
            .map(|&slot| Member { slot: &self.slots[slot as usize], quarantines: self.quarantines })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ring.size_hint()
    }
}

impl ExactSizeIterator for Members<'_> {}

impl core::fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
