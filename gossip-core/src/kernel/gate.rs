//! The gate: who may be a member here, by what the host says.

use crate::vocabulary::{
    bounds::sized,
    record::{NodeId, Record},
};

/// Ids that can be denied at a time.
pub(crate) const MAX_DENIED: usize = sized(64, 8);

/// Ids that are not heard, nor heard of, and whom the host admits of others.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    /// In their order.
    denied: heapless::Vec<NodeId, MAX_DENIED>,
    admit: Option<fn(&Record) -> bool>,
}

impl Gate {
    pub(crate) const OPEN: Self = Self { denied: heapless::Vec::new(), admit: None };

    pub(crate) fn denies(&self, id: NodeId) -> bool {
        self.denied.binary_search(&id).is_ok()
    }

    pub(crate) fn denied(&self) -> &[NodeId] {
        &self.denied
    }

    /// Denies an id from now on; false when there is no room for it.
    pub(crate) fn deny(&mut self, id: NodeId) -> bool {
        self.denied.binary_search(&id).err().is_none_or(|at| self.denied.insert(at, id).is_ok())
    }

    /// Does not deny an id any more.
    pub(crate) fn allow(&mut self, id: NodeId) {
        self.denied.retain(|denied| *denied != id);
    }

    /// What the host says of a node that would become a member.
    pub(crate) fn admits(&self, record: &Record) -> bool {
        self.admit.is_none_or(|admit| admit(record))
    }

    pub(crate) fn set_admit(&mut self, admit: Option<fn(&Record) -> bool>) {
        self.admit = admit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> NodeId {
        NodeId::from_u64(n).unwrap()
    }

    #[test]
    fn what_is_denied_is_denied_until_it_is_allowed_and_there_is_a_bound() {
        let mut gate = Gate::OPEN;
        let many = MAX_DENIED as u64;
        assert!((1..=many).rev().all(|n| gate.deny(id(n))));
        assert!(gate.deny(id(3)), "it is denied already");
        assert!(!gate.deny(id(many + 1)) && !gate.denies(id(many + 1)), "there is no room");
        gate.allow(id(3));
        assert!(!gate.denies(id(3)) && gate.denies(id(2)) && gate.denies(id(4)));
        assert!(gate.deny(id(many + 1)) && gate.denies(id(many + 1)));
    }
}
