//! What holds of every step, whatever came.

use gossip_core::{Event, Fingerprint, Memory, Node, NodeId, Output, Reachability, Record, Verdict};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

/// What a node believed after its latest step.
pub(super) struct Belief {
    pub(super) own: Record,
    pub(super) fingerprint: Fingerprint,
    pub(super) members: BTreeMap<NodeId, (Record, Reachability)>,
    pub(super) counters: Vec<u64>,
}

impl Belief {
    pub(super) fn of<M: Memory>(node: &Node<M>) -> Self {
        Self {
            own: node.me(),
            fingerprint: node.fingerprint(),
            members: node.members().map(|m| (m.id(), (*m.record(), m.reachability()))).collect(),
            counters: node.metrics().counters().map(|(_, count)| count).collect(),
        }
    }

    /// Whether an address is a member's.
    fn has(&self, address: SocketAddr) -> bool {
        self.members.values().any(|(record, _)| record.address() == address)
    }
}

/// A datagram just handed in.
pub(super) struct Came {
    /// What it says, in the clear.
    pub(super) bytes: Vec<u8>,
    /// How long it was.
    pub(super) len: usize,
}

/// Tags of sections: PROTOCOL.md, section 5.
pub(super) const JOIN: u8 = 6;
const WELCOME: u8 = 8;
pub(super) const FETCH: u8 = 10;
const PAGE: u8 = 11;
const RECORDS: u8 = 32;

/// The body of a section of a datagram.
pub(super) fn section(datagram: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut rest = datagram.get(22..)?;
    while let &[tag, high, low, ref later @ ..] = rest {
        let (body, next) = later.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        if tag == wanted {
            return Some(body);
        }
        rest = next;
    }
    None
}

/// The token in a join or a fetch.
fn token(body: &[u8]) -> Option<[u8; 8]> {
    body.get(4..)?.first_chunk().copied()
}

/// What may prove that someone wants packets at an address.
pub(super) struct Proof<'a> {
    pub(super) asked: &'a BTreeSet<SocketAddr>,
    pub(super) before: &'a Belief,
}

impl Proof<'_> {
    /// A member's address; one that the node asked itself; any, where a known sender or an answer brings records, whose
    /// addresses are not proven (SECURITY.md, "Threats"); or any with a token: the fuzzer learns those that are good,
    /// from recordings and from seeing the node compare.
    fn covers(&self, to: SocketAddr, came: &Came) -> bool {
        let has = |tags: &[u8]| tags.iter().find_map(|&tag| section(&came.bytes, tag));
        let sender = came.bytes.get(6..14).and_then(|id| id.try_into().ok()).map(u64::from_be_bytes);
        let known = sender.and_then(NodeId::from_u64).is_some_and(|id| self.before.members.contains_key(&id));
        let heard = known || has(&[WELCOME, PAGE]).is_some();
        let with_token = has(&[JOIN, FETCH]).and_then(token).is_some_and(|token| token != [0; 8]);
        let with_news = heard && has(&[RECORDS]).is_some();
        self.asked.contains(&to) || with_token || with_news || self.before.has(to)
    }
}

pub(super) fn no_unproven_address_gets_more_than_came(proof: &Proof<'_>, came: &Came, output: &Output<'_>) {
    for to in output.packets().map(|packet| packet.to) {
        let answers = output.packets().filter(|packet| packet.to == to);
        let answered: usize = answers.map(|packet| packet.bytes.len()).sum();
        let fair = answered <= came.len || proof.covers(to, came);
        assert!(fair, "{answered} bytes to {to} for {}", came.len);
    }
}

pub(super) fn no_answer_to_what_is_refused(output: &Output<'_>) {
    let refused = matches!(
        output.verdict,
        Verdict::Malformed(_)
            | Verdict::ForeignCluster
            | Verdict::UnknownVersion(_)
            | Verdict::UnknownKey(_)
            | Verdict::Forged
            | Verdict::Replayed
            | Verdict::NotSealed
            | Verdict::Denied
    );
    assert!(!refused || output.packets().len() == 0, "an answer to {:?}", output.verdict);
}

pub(super) fn what_is_not_accepted_changes_nothing(output: &Output<'_>, before: &Belief, after: &Belief) {
    // A late step is a pause, whatever came with it.
    let own = |event: &Event| matches!(event, Event::LocalPause { .. } | Event::Reset);
    if output.verdict != Verdict::Accepted && !output.events().iter().any(own) {
        assert_eq!(before.own, after.own, "{:?} had an effect", output.verdict);
        assert_eq!(before.fingerprint, after.fingerprint, "{:?} had an effect", output.verdict);
        assert_eq!(before.members, after.members, "{:?} had an effect", output.verdict);
    }
}

pub(super) fn nothing_goes_backwards(output: &Output<'_>, before: &Belief, after: &Belief) {
    let counted = before.counters.iter().zip(&after.counters);
    counted.for_each(|(before, after)| assert!(before <= after, "a counter fell from {before} to {after}"));
    let life = |r: &Record| (r.incarnation(), r.status());
    let word = |r: &Record| (r.incarnation().epoch, r.state_version());
    assert!(before.own.incarnation() <= after.own.incarnation(), "{:?} after {:?}", after.own, before.own);
    assert!(word(&before.own) <= word(&after.own), "{:?} after {:?}", after.own, before.own);
    if output.events().contains(&Event::Reset) {
        return;
    }
    for (id, (was, _)) in &before.members {
        let forgotten = output.events().contains(&Event::Reaped(*id));
        match after.members.get(id) {
            Some((is, _)) => {
                assert!(forgotten || life(is) >= life(was), "{is:?} after {was:?}");
                assert!(forgotten || word(is) >= word(was), "{is:?} after {was:?}");
            }
            None => assert!(forgotten, "{was:?} vanished without a word"),
        }
    }
}
