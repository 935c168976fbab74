//! Where datagrams come from, as the other end sees it.
//!
//! A node cannot see which address its own packets leave from: after a move under 0.0.0.0, behind address
//! translation, or with a wrong address given, it advertises one at which it cannot be reached. Others notice: a node
//! that has shown a token for the address that its datagrams come from, and has another one in its record, is told,
//! in fewer bytes than it sent. That is a hint for its host, who may change the address; nothing changes by itself,
//! so no forged hint can move a node.

use crate::{
    kernel::{context::Context, outbox::Event},
    membership::plane::Membership,
    tables::table::SlotId,
    vocabulary::{
        address::is_unicast,
        bounds::sized,
        endpoint::{Endpoint, Sighting},
        record::NodeId,
        time::{Instant, Stamp},
    },
};
use core::{hash::Hasher as _, net::SocketAddr, time::Duration};
use siphasher::sip::SipHasher13;

/// Members that must see the same address before the host is told of it; one is enough where no more are known.
const WITNESSES: u32 = 2;
/// Time between two events about our own address. A translation that changes that often cannot be followed.
const OWN_EVENT_GAP: Duration = Duration::from_secs(10);
/// Members seen elsewhere of which the host was told last, so that it is told once of each.
const MAX_TOLD: usize = sized(64, 2);
/// Milliseconds between two events about members, of whatever is seen of however many.
const MEMBER_EVENT_GAP_MS: u32 = 100;
/// No member in particular.
const NOBODY: SlotId = SlotId::MAX;

/// What is known of addresses that differ from the advertised ones.
#[derive(Clone)]
pub(crate) struct Sightings {
    /// Where we were last said to be, ...
    ours: Endpoint,
    /// ... by whom first, ...
    witness: SlotId,
    /// ... and whether the host knows.
    told: bool,
    /// When the host may be told of our own address again.
    next_own: Instant,
    /// Members and where they were seen, as hashes, the latest first.
    told_of: [u32; MAX_TOLD],
    /// When the host was told of a member last.
    told_at: Stamp,
}

impl Sightings {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            ours: Endpoint::NOWHERE,
            witness: NOBODY,
            told: false,
            next_own: now,
            told_of: [0; MAX_TOLD],
            told_at: now.stamp().minus(MEMBER_EVENT_GAP_MS),
        }
    }

    /// Takes note of a member seen elsewhere; whether the host is to be told.
    fn note(&mut self, now: Stamp, seen: u32) -> bool {
        if self.told_of.contains(&seen) || now.since(self.told_at) < MEMBER_EVENT_GAP_MS {
            return false;
        }
        self.told_of.rotate_right(1);
        (self.told_of[0], self.told_at) = (seen, now);
        true
    }

    /// Everything is to be seen anew.
    pub(crate) fn forget_ours(&mut self) {
        (self.ours, self.witness, self.told) = (Endpoint::NOWHERE, NOBODY, false);
    }

    /// A slot is about to be given to another member.
    pub(crate) fn forget(&mut self, slot: SlotId) {
        if self.witness == slot {
            self.forget_ours();
        }
    }
}

/// A member and where it was seen; never 0.
fn hash(member: NodeId, seen: Endpoint) -> u32 {
    let mut hasher = SipHasher13::new();
    hasher.write(&member.to_bytes());
    hasher.write(&seen.to_bytes());
    (hasher.finish() as u32).max(1)
}

impl Membership {
    /// The node at `from` has proven its address, and claims to be a node whose record has another one: the host is
    /// told, if that is a member.
    pub(crate) fn note_seen_elsewhere(&mut self, cx: &mut Context<'_, '_>, from: SocketAddr, node: NodeId) {
        let (now, observed) = (cx.now().stamp(), Endpoint::from(from));
        if cx.tables.members.find(node).is_some() && self.sightings.note(now, hash(node, observed)) {
            cx.raise(Event::MemberObserved(Sighting::new(node, observed)));
        }
    }

    /// A node says where this node's datagrams come from: a member, or one that was asked to let it in.
    pub(crate) fn hear_where_seen(
        &mut self,
        cx: &mut Context<'_, '_>,
        witness: Option<SlotId>,
        seen: SocketAddr,
    ) {
        let (now, advertised) = (cx.now(), cx.me().address());
        if seen == advertised || !is_unicast(seen) {
            return;
        }
        let (witness, observed) = (witness.unwrap_or(NOBODY), Endpoint::from(seen));
        let alone = cx.tables.members.live() < WITNESSES;
        let sightings = &mut self.sightings;
        let confirmed = sightings.ours == observed && sightings.witness != witness;
        if sightings.ours != observed {
            (sightings.ours, sightings.witness, sightings.told) = (observed, witness, false);
        }
        if sightings.told || !(confirmed || alone) || now < sightings.next_own {
            return;
        }
        (sightings.told, sightings.next_own) = (true, now + OWN_EVENT_GAP);
        cx.raise(Event::ObservedAddress { observed });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_told_once_of_each_member_and_address_and_not_too_often() {
        let mut sightings = Sightings::new(Instant::ZERO);
        let at = |millis| Stamp(millis);
        assert!(sightings.note(at(0), 7) && !sightings.note(at(1_000), 7), "told of twice");
        assert!(!sightings.note(at(50), 8) && sightings.note(at(100), 8), "within the gap");
        let told = (0..10_000).filter(|&i| sightings.note(at(200 + i), 100 + i)).count();
        assert_eq!(told, 100, "ten a second at the most");
    }
}
