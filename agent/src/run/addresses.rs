//! Who is where, so that two members at one address are noticed: only one of them can be reached there.

use adapter_tokio::{Handle, MemberView, NodeId};
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
};

/// Pairs that were told of and are remembered, so that they are not told of again whenever one of them comes back.
const MAX_TOLD: usize = 256;

/// The addresses of the live members, this node included.
#[derive(Default)]
pub(crate) struct Addresses {
    of: HashMap<NodeId, SocketAddr>,
    /// The last one that was heard to be there.
    at: HashMap<SocketAddr, NodeId>,
    told: HashSet<[NodeId; 2]>,
}

impl Addresses {
    /// All that a node knows now.
    pub(crate) fn known_to(handle: &Handle) -> Self {
        let mut addresses = Self::default();
        let me = handle.member(handle.id());
        for member in handle.members().iter().chain(me.as_ref()) {
            addresses.note(member);
        }
        addresses
    }

    /// Takes down where a member is, or that it is gone. Returns another live one at its address, once for each two.
    pub(crate) fn note(&mut self, member: &MemberView) -> Option<NodeId> {
        let (id, address) = (member.id, member.address());
        let is_live = member.status().is_live();
        let before = if is_live { self.of.insert(id, address) } else { self.of.remove(&id) };
        if let Some(before) = before
            && (before != address || !is_live)
            && self.at.get(&before) == Some(&id)
        {
            self.at.remove(&before);
        }
        if !is_live {
            return None;
        }
        let other = self.at.insert(address, id).filter(|&other| other != id)?;
        if self.told.len() == MAX_TOLD {
            self.told.clear();
        }
        self.told.insert([id.min(other), id.max(other)]).then_some(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapter_tokio::{Identity, Versions};
    use adapter_tokio::{Locality, Reachability, Record, Status};

    fn member(name: &str, port: u16, status: Status) -> MemberView {
        let id = NodeId::from_name(name).unwrap();
        let address = ([10, 0, 0, 1], port).into();
        let identity = Identity { id, epoch: 1, address, locality: Locality::default() };
        let record = Record::new(identity, Versions::OURS).with_status(status);
        MemberView {
            id,
            name: Some(name.to_owned()),
            record,
            reachability: Reachability::Unknown,
            routable: true,
            accusers: Vec::new(),
        }
    }

    #[test]
    fn two_live_members_at_one_address_are_told_of_once() {
        let mut addresses = Addresses::default();
        let [a, b] = ["a", "b"].map(|name| member(name, 1, Status::Alive));
        assert_eq!(addresses.note(&a), None);
        assert_eq!(addresses.note(&b), Some(a.id));
        assert_eq!((addresses.note(&a), addresses.note(&b)), (None, None));
    }

    #[test]
    fn an_address_is_free_again_when_who_was_there_is_gone() {
        let mut addresses = Addresses::default();
        for gone in
            [member("a", 1, Status::Dead), member("a", 1, Status::Left), member("a", 2, Status::Alive)]
        {
            assert_eq!(addresses.note(&member("a", 1, Status::Alive)), None);
            assert_eq!(addresses.note(&gone), None);
            assert_eq!(addresses.note(&member("b", 1, Status::Alive)), None, "{gone:?}");
            assert_eq!(addresses.note(&member("b", 1, Status::Left)), None);
        }
        assert_eq!((addresses.of.len(), addresses.at.len()), (1, 1), "nothing is kept of who is gone");
    }
}
