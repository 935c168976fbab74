//! The guard: which datagrams are opened, which are heard, and how packets go out.
//!
//! ```text
//! datagram ──header──▶ mode, key, cluster ──window──▶ replayed? ──budgets──▶ opened ──▶ noted in the window ──▶ Frame, Provenance
//! ```
//!
//! | the datagram | is |
//! |---|---|
//! | in the clear, where sealed ones alone are heard | refused |
//! | sealed with another key | refused |
//! | fresh, and opens | heard |
//! | a replay | refused, unopened |
//! | unproven, and opens | heard as from a non-member, until its sender has proven that it speaks now |
//! | for anybody, and opens | heard if it is a join |

// Untrusted bytes are read here. `.ci/run` checks in a linked program that nothing here can panic.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used,
        clippy::expect_used
    )
)]

use super::{
    keyring::KeyRing,
    openings::{Claimed, Openings},
    published_keys::{KEYS, PublishedKeys},
    seal::{BODY, FINGERPRINT, SealedHeader, Sealer, TAG},
    token::Secret,
};
use crate::{
    tables::{
        memory::Tables,
        replay::{Freshness, Proof, Window},
        table::{ME, SlotId},
    },
    vocabulary::{
        config::ClusterName,
        error::Verdict,
        record::NodeId,
        sealing::{KeyId, Sealing},
        time::Instant,
    },
    wire::frame::{Frame, HEADER},
};
use core::net::SocketAddr;

/// Bytes that sealing adds in front of the sections. A datagram in the clear has its fingerprint in the header of equal length; a
/// sealed one has it in its body.
const FRONT: usize = BODY + FINGERPRINT - HEADER;

/// How a packet goes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Form(Option<KeyId>);

impl Form {
    pub(crate) const CLEAR: Self = Self(None);

    /// Bytes in front of what is written in the clear, and behind it.
    pub(crate) const fn room(self) -> (usize, usize) {
        if self.0.is_some() { (FRONT, TAG) } else { (0, 0) }
    }
}

/// How a datagram came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Provenance {
    form: Form,
    freshness: Freshness,
    for_anybody: bool,
    epoch: u32,
    counter: u32,
}

impl Provenance {
    const CLEAR: Self =
        Self { form: Form::CLEAR, freshness: Freshness::Fresh, for_anybody: false, epoch: 0, counter: 0 };

    /// The form of the datagram, in which it is answered.
    pub(crate) const fn form(&self) -> Form {
        self.form
    }

    /// Whether it is known to be said now, as far as the form can tell.
    pub(crate) fn is_fresh(&self) -> bool {
        self.freshness == Freshness::Fresh
    }

    /// Whether it was sent to an address, and to no node.
    pub(crate) const fn is_for_anybody(&self) -> bool {
        self.for_anybody
    }
}

/// The node that a step answers, and how its datagram came.
pub(crate) struct Answered(Option<(NodeId, Provenance)>);

impl Answered {
    pub(crate) const NOBODY: Self = Self(None);

    pub(crate) const fn new(sender: NodeId, provenance: Provenance) -> Self {
        Self(Some((sender, provenance)))
    }

    /// The form for a packet to this node, if it is the one that is answered.
    pub(crate) fn form(&self, to: Option<NodeId>) -> Option<Form> {
        self.0.filter(|&(sender, _)| to == Some(sender)).map(|(_, provenance)| provenance.form)
    }

    /// The node that is answered has this slot, and has proven that it speaks now: by a token of this period, or by a nonce of
    /// ours.
    pub(crate) fn prove(&self, tables: &mut Tables<'_>, slot: SlotId, token: Option<u64>) {
        let Some((_, Provenance { form: Form(Some(key)), freshness, epoch, counter, .. })) = self.0 else {
            return;
        };
        let proof = token.map_or(Proof::Nonce, |period| Proof::Token { period });
        let known = tables.members.record(slot).incarnation().epoch;
        match (window_of(tables, slot), freshness) {
            (Some(window), Freshness::Unproven) => {
                let _ = window.prove(known, (epoch, counter), key, proof);
            }
            // What was fresh proves nothing more; of a new member it is the first. Its token is of no use to who sends it again.
            (Some(window), _) => {
                window.commit(epoch, counter, key);
                let _ = token.map(|period| window.note_token(period));
            }
            (None, _) => {}
        }
    }

    /// Bytes that sealing added to what is answered.
    pub(crate) fn overhead(&self) -> usize {
        let (front, back) = self.0.map_or((0, 0), |(_, provenance)| provenance.form.room());
        front + back
    }
}

/// Whether a member publishes its keys under this key of kept state.
pub(crate) fn is_published_keys(key: &[u8]) -> bool {
    key == KEYS.as_bytes()
}

fn window_of<'t>(tables: &'t mut Tables<'_>, slot: SlotId) -> Option<&'t mut Window> {
    tables.windows.get_mut(slot as usize)
}

/// What a node needs to seal and to open.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    ring: Option<KeyRing>,
    sealing: Sealing,
    sealer: Sealer,
    openings: Openings,
    /// Which keys this node has is still to be published.
    pub(crate) is_unpublished: bool,
}

impl Guard {
    pub(crate) const fn new(cluster: ClusterName, me: NodeId, epoch: u32) -> Self {
        let sealer = Sealer::new(cluster, me, epoch);
        Self { ring: None, sealing: Sealing::Off, sealer, openings: Openings::RESTED, is_unpublished: false }
    }

    pub(crate) fn set(&mut self, ring: KeyRing, sealing: Sealing) {
        (self.ring, self.sealing) = (Some(ring), sealing);
    }

    pub(crate) const fn ring(&self) -> Option<&KeyRing> {
        self.ring.as_ref()
    }

    pub(crate) const fn sealing(&self) -> Sealing {
        self.sealing
    }

    /// Whether another epoch should begin, since the counter of this one nears its end.
    pub(crate) const fn is_worn(&self) -> bool {
        self.sealer.is_worn()
    }

    #[cfg(all(test, feature = "alloc"))]
    pub(crate) fn wear_out(&mut self) {
        self.sealer.wear_out();
    }

    /// The most that sealing adds to a packet.
    pub(crate) fn overhead(&self) -> usize {
        if self.sealing.hears_sealed() { FRONT + TAG } else { 0 }
    }

    /// A live member says which keys it has, or says so no more.
    pub(crate) fn note_published_keys(&self, tables: &mut Tables<'_>, slot: SlotId, now: Instant) {
        let published = PublishedKeys::of(tables.state.as_view(), slot, now.into());
        let shared = published.zip(self.ring.as_ref()).and_then(|(published, ring)| published.shares(ring));
        if let Some(window) = window_of(tables, slot) {
            window.prefer(shared);
        }
    }

    /// How a packet goes out that answers nothing: under the first of this node's keys that its receiver publishes as well. To a
    /// receiver that publishes none, it goes out under the key that this was last heard under, which it has for sure; `the_first`
    /// of several attempts goes out under this node's first key instead, to find out whether the receiver has that by now.
    pub(crate) fn form(&self, tables: &Tables<'_>, to: Option<NodeId>, the_first: bool) -> Form {
        let Some(ring) = self.ring.as_ref().filter(|_| self.sealing.seals()) else { return Form::CLEAR };
        let slot = to.and_then(|id| tables.members.find(id));
        let window = slot.and_then(|slot| tables.windows.get(slot as usize));
        let key = window.filter(|window| window.is_said() || !the_first).and_then(Window::key);
        Form(key.filter(|&key| ring.has(key)).or(ring.ids().next()))
    }

    /// Opens a datagram, and notes that it was heard.
    ///
    /// # Errors
    /// The verdict on a datagram that must not change anything.
    pub(crate) fn open<'d>(
        &mut self,
        (now, from): (Instant, SocketAddr),
        datagram: &'d mut [u8],
        cluster: ClusterName,
        secret: &Secret,
        tables: &mut Tables<'_>,
    ) -> Result<(Frame<'d>, Provenance), Verdict> {
        let Some(header) = SealedHeader::read(datagram, cluster)? else {
            let frame = Frame::decode(datagram)?;
            let ours = frame.header.cluster == cluster.tag;
            let heard = !ours || self.sealing.hears_clear();
            return if heard { Ok((frame, Provenance::CLEAR)) } else { Err(Verdict::NotSealed) };
        };
        let ring = self.ring.as_ref().filter(|ring| self.sealing.hears_sealed() && ring.has(header.key));
        let ring = ring.ok_or(Verdict::UnknownKey(header.key.get()))?;
        let me = tables.members.record(ME).id();
        let slot = tables.members.find(header.sender).filter(|&slot| slot != ME);
        let record = slot.map(|slot| *tables.members.record(slot));
        let window = slot.and_then(|slot| window_of(tables, slot));
        let freshness = match (&record, &window) {
            (Some(record), Some(window)) => {
                window.judge(record.incarnation().epoch, header.epoch, header.counter)
            }
            _ => Freshness::Fresh,
        };
        if freshness == Freshness::Replayed {
            return Err(Verdict::Replayed);
        }
        let from_advertised = record.is_some_and(|record| record.address() == from);
        let who = if from_advertised { Claimed::Member } else { Claimed::non_member(secret, from.ip()) };
        if !self.openings.has(now, who) {
            return Err(Verdict::Limited);
        }
        let Some(body) = header.open(ring, me, datagram) else {
            self.openings.charge(now, who);
            return Err(Verdict::Forged);
        };
        if let Some(window) = window.filter(|_| freshness == Freshness::Fresh) {
            window.commit(header.epoch, header.counter, header.key);
        }
        let SealedHeader { key, for_anybody, sender, epoch, counter } = header;
        let provenance = Provenance { form: Form(Some(key)), freshness, for_anybody, epoch, counter };
        Ok((Frame::of_body(cluster.tag, sender, body)?, provenance))
    }

    /// Seals a packet of this form, which stands behind the room for what goes in front of it, for `to`; false if it cannot be
    /// sent.
    pub(crate) fn seal(&mut self, (form, to): (Form, Option<NodeId>), packet: &mut [u8]) -> bool {
        let Some(key) = form.0 else { return true };
        let (Some(ring), Some(body)) = (&self.ring, packet.len().checked_sub(BODY + TAG)) else {
            return false;
        };
        self.sealer.seal(ring, key, to, packet, body).is_some()
    }

    /// This node's epoch, before anything is sealed in it.
    pub(crate) fn begin(&mut self, epoch: u32) {
        self.sealer.begin(epoch);
    }
}
