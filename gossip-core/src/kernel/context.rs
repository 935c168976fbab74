//! What every step works with, and how an intent becomes a packet.

use crate::{
    kernel::{
        agreement::Agreement,
        budget::Buckets,
        clock::Clock,
        gate::Gate,
        outbox::{Event, Outbox},
        pace::Pace,
        path::Path,
        peer::Peer,
        repeats::Repeats,
        seeds::Seeds,
    },
    security::{
        guard::{Answered, Form, Guard, Provenance},
        signer::{Attested, Signer},
        token::Secret,
    },
    tables::{
        changes::Changes,
        memory::Tables,
        queue::Kind,
        rtt::RoundTrips,
        table::{ME, SlotId},
    },
    vocabulary::{
        config::Config,
        metrics::Metrics,
        record::{Accusation, NodeId, Record, Zone},
        rng::Rng,
        time::{Instant, Stamp, micros},
    },
    wire::{frame::LIMIT_BYTES, message::Nonce, proof::Proof},
};
use core::{net::IpAddr, time::Duration};

/// What a node keeps beside its tables that any plane may use.
#[derive(Clone)]
pub(crate) struct Kernel {
    pub(crate) config: Config,
    pub(crate) rng: Rng,
    pub(crate) secret: Secret,
    pub(crate) guard: Guard,
    pub(crate) signer: Signer,
    pub(crate) gate: Gate,
    pub(crate) clock: Clock,
    pub(crate) budgets: Buckets,
    pub(crate) path: Path,
    pub(crate) pace: Pace,
    pub(crate) repeats: Repeats,
    pub(crate) round_trips: RoundTrips,
    pub(crate) changes: Changes,
    pub(crate) seeds: Seeds,
    pub(crate) view: ViewState,
    pub(crate) metrics: Metrics,
    pub(crate) agreement: Agreement,
}

/// What each member adds on average to the time between two reconnect attempts, or seed contacts: so the cluster as a
/// whole makes less than one a second of each, however large it is.
const CONTACT_GAP_PER_MEMBER: Duration = Duration::from_secs(1);

/// How far this node's view of the cluster has come.
#[derive(Clone, Copy)]
pub(crate) struct ViewState {
    /// As complete as it will get by joining: it was fetched, or the host never asked for one.
    pub(crate) has: bool,
    /// When the first one came, if it was fetched.
    pub(crate) since: Option<Instant>,
}

/// What a plane works on during one step: what all planes share, the node's tables and the caller's outbox.
pub(crate) struct Context<'s, 'o> {
    pub(crate) kernel: &'s mut Kernel,
    pub(crate) tables: Tables<'s>,
    pub(crate) out: &'s mut Outbox<'o>,
    /// The longest packet that reaches the node being answered, as far as is known.
    pub(super) most: u16,
    /// The longest that reaches this node; where that is less than `max_datagram`, its packets say so.
    reaches: u16,
    /// The node being answered, and how what it said came.
    answered: Answered,
}

impl<'s, 'o> Context<'s, 'o> {
    pub(crate) fn new(kernel: &'s mut Kernel, tables: Tables<'s>, out: &'s mut Outbox<'o>) -> Self {
        let limit = kernel.path.limit(&kernel.config);
        Self { kernel, tables, out, most: limit, reaches: limit, answered: Answered::NOBODY }
    }
}

impl Context<'_, '_> {
    /// The node being answered in this step says that nothing longer reaches it. The answer repeats that, so that
    /// answers to it are no longer either: a reconciliation that began short stays short, both ways.
    pub(crate) fn keep_within(&mut self, limit: u16) {
        (self.most, self.reaches) = (self.most.min(limit), self.reaches.min(limit));
    }

    /// What packets say of how long an answer may be; nothing, if it may be as long as any.
    pub(super) fn limit_to_say(&self) -> Option<u16> {
        Some(self.reaches).filter(|&reaches| reaches < self.kernel.config.max_datagram)
    }

    /// How much longer that makes them.
    pub(crate) fn bytes_of_limit(&self) -> usize {
        if self.limit_to_say().is_some() { LIMIT_BYTES } else { 0 }
    }

    /// How long packets may be before they are sealed, as far as is known.
    pub(crate) fn limit_of_path(&self) -> u16 {
        self.most.saturating_sub(self.kernel.guard.overhead() as u16)
    }

    /// What a node says is being answered: in the form in which it came, which that node understands for sure.
    pub(crate) fn begin_answering(&mut self, sender: NodeId, provenance: Provenance) {
        self.answered = Answered::new(sender, provenance);
    }

    /// The node being answered, in this slot, has proven that it speaks now: by a token of this period, or by a nonce of ours.
    pub(crate) fn prove(&mut self, slot: SlotId, token: Option<u64>) {
        self.answered.prove(&mut self.tables, slot, token);
    }

    /// A member has said something of its keys.
    pub(crate) fn note_published_keys(&mut self, slot: SlotId) {
        let now = self.kernel.clock.now();
        self.kernel.guard.note_published_keys(&mut self.tables, slot, now);
    }

    /// What becomes of a record of a member in this slot, if it is known, as far as its owner must have signed it.
    pub(crate) fn attest(
        &mut self,
        known: Option<SlotId>,
        record: &Record,
        proof: Option<&Proof<'_>>,
    ) -> Attested {
        let (now, Kernel { signer, config, metrics, .. }) = (self.now(), &mut *self.kernel);
        signer.attest((config.cluster, now), &self.tables, known, (record, proof), metrics)
    }

    /// Whether an accusation by the member in a slot counts.
    pub(crate) fn hears_accusation(
        &mut self,
        accuser: SlotId,
        accusation: &Accusation,
        signature: Option<&[u8; 64]>,
    ) -> bool {
        let (now, Kernel { signer, config, metrics, .. }) = (self.now(), &mut *self.kernel);
        let (of, proofs) = ((config.cluster, now), &self.tables.proofs);
        signer.hears_accusation(of, proofs, accuser, (accusation, signature), metrics)
    }

    /// Whether a node that is not known may become a member.
    pub(crate) fn admits(&self, record: &Record) -> bool {
        let most = usize::from(self.kernel.config.members_per_host);
        self.kernel.gate.admits(record) && (most == 0 || self.live_at(record.address().ip()) < most)
    }

    /// How many live members have this IP address, this node included.
    fn live_at(&self, ip: IpAddr) -> usize {
        let others = self.tables.members.live_slots().iter().map(|&slot| self.record(slot));
        others.chain([self.me()]).filter(|other| other.address().ip() == ip).count()
    }

    /// How long a datagram was that has so many bytes in the clear and is being answered.
    pub(crate) fn length_as_it_came(&self, bytes: usize) -> usize {
        bytes + self.answered.overhead()
    }

    /// How a packet goes out; `the_first` of several that ask the same may try another key than what follows.
    pub(super) fn form_for(&self, to: Option<NodeId>, the_first: bool) -> Form {
        self.answered.form(to).unwrap_or_else(|| self.kernel.guard.form(&self.tables, to, the_first))
    }

    /// The length of a datagram that has so many bytes in the clear, or more if it does not go out sealed.
    pub(crate) fn length_on_the_wire(&self, bytes: usize) -> usize {
        bytes + self.kernel.guard.overhead()
    }

    /// Sends packets that are no longer than `limit`, so that they arrive.
    pub(crate) fn within<T>(&mut self, limit: u16, send: impl FnOnce(&mut Self) -> T) -> T {
        let most = self.most;
        self.most = most.min(limit);
        let sent = send(self);
        self.most = most;
        sent
    }

    /// Sends packets that have no more than so many bytes before they are sealed.
    pub(crate) fn as_long_as<T>(&mut self, bytes: usize, send: impl FnOnce(&mut Self) -> T) -> T {
        self.within(u16::try_from(self.length_on_the_wire(bytes)).unwrap_or(u16::MAX), send)
    }

    /// Sends packets that are no longer than `limit`, and ask for answers that are not either.
    pub(crate) fn briefly<T>(&mut self, limit: u16, send: impl FnOnce(&mut Self) -> T) -> T {
        let reaches = self.reaches;
        self.reaches = reaches.min(limit);
        let sent = self.within(limit, send);
        self.reaches = reaches;
        sent
    }

    pub(crate) fn now(&self) -> Instant {
        self.kernel.clock.now()
    }

    /// This node's own record.
    pub(crate) fn me(&self) -> &Record {
        self.tables.members.record(ME)
    }

    pub(crate) fn my_id(&self) -> NodeId {
        self.me().id()
    }

    pub(crate) fn record(&self, slot: SlotId) -> &Record {
        self.tables.members.record(slot)
    }

    /// The member of a slot, at its advertised address.
    pub(crate) fn peer(&self, slot: SlotId) -> Peer {
        let record = self.record(slot);
        Peer::new(record.id(), record.address())
    }

    pub(crate) fn zone_of(&self, slot: SlotId) -> Zone {
        self.record(slot).locality().domain()
    }

    /// A nonce for a question, from which no other can be guessed. Never 0.
    pub(crate) fn fresh_nonce(&mut self) -> Nonce {
        let draw = self.kernel.rng.next();
        self.kernel.secret.nonce(draw)
    }

    /// A tick is under way: notes by how much it came late.
    pub(crate) fn note_lateness(&mut self) {
        if let Some(late) = self.kernel.clock.take_lateness() {
            self.kernel.metrics.late_us.record(u32::try_from(micros(late)).unwrap_or(u32::MAX));
        }
    }

    pub(crate) fn raise(&mut self, event: Event) {
        self.out.raise(event);
    }

    /// Makes the news in a slot a rumor, and sees that a round comes soon.
    pub(crate) fn enqueue(&mut self, slot: SlotId, born: Stamp) {
        self.tables.rumors.enqueue(self.tables.members.slots, slot, born);
        self.kernel.changes.note(slot, self.kernel.clock.now().stamp());
        if self.tables.rumors.are_many(Kind::Living) {
            self.begin_sieving();
        }
        self.schedule_round();
    }

    /// A node's share of the time between two attempts of the whole cluster. Uniform up to twice the mean: nodes that
    /// started together, or declared a member dead together, do not act together.
    pub(crate) fn contact_share(&mut self) -> Duration {
        let spread = micros(CONTACT_GAP_PER_MEMBER * 2 * self.tables.members.size());
        Duration::from_micros(self.kernel.rng.below_u64(spread))
    }

    /// Schedules a round soon: there is fresh news.
    pub(crate) fn schedule_round(&mut self) {
        let (now, Kernel { pace, config, rng, .. }) = (self.now(), &mut *self.kernel);
        pace.schedule_round(config, rng, now);
    }

    /// Schedules the next sieve soon: there is more news than can be told soon, or a sieve brought some.
    pub(crate) fn begin_sieving(&mut self) {
        let (now, Kernel { pace, config, rng, .. }) = (self.now(), &mut *self.kernel);
        pace.begin_sieving(config, rng, now);
    }

    /// Whether the outbox has room for this many packets. A step that has made none yet continues even if it has not,
    /// so that a small outbox does not stop the work for ever.
    pub(crate) fn has_room_for(&self, packets: usize) -> bool {
        self.out.is_unused() || self.out.room(usize::from(self.kernel.config.max_datagram)) >= packets
    }
}
