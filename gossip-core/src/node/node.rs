//! The public steps. Each body reads as the pipeline:
//! `&mut [u8] → Frame → Authentic → (news and a message) → Intent → Packet`.

use crate::{
    bootstrap::{
        admission::Admission,
        join::{INTRODUCTION, Joining},
    },
    dissemination::{reconcile::Sync, rounds::Gossip, sieve::Sieves},
    kernel::{
        clock::Clock,
        context::{Buckets, Core, Intent, Step},
        outbox::{Event, Outbox, Output, Traffic},
        path::Path,
    },
    membership::{
        detector::{self, Detector},
        duplicates::AddressChanges,
        heal::Healing,
        identity::{Life, Phase},
        news::{Corrections, Source},
        quarantine::Doubts,
        recheck::Rechecks,
        relays::Relays,
        sightings::Sightings,
        standing::Standing,
    },
    node::members::{Member, Members},
    security::{
        open::Authentic,
        token::{self, Secret},
    },
    tables::{
        memory::{MAX_MEMBERS, Memory},
        rtt::RoundTrips,
        table::{Applied, ME, SlotId},
    },
    vocabulary::{
        config::Config,
        error::{ConfigError, Verdict},
        metrics::Metrics,
        record::{
            Fingerprint, Health, Identity, Incarnation, NodeId, Reachability, Record, Status, Versions,
        },
        time::Instant,
    },
    wire::{
        codec::{canonical, is_unicast},
        message::{Message, Nonce},
        record::Aged,
    },
};
use core::{net::SocketAddr, time::Duration};

/// Time between two events about datagrams of another cluster.
const FOREIGN_EVENT_GAP: Duration = Duration::from_secs(60);

/// One participant: the protocol as a pure state machine over its memory.
///
/// Every call that changes anything is a *step* of one shape: it takes the time and an outbox, and returns the
/// packets to send, the events to tell and the time of the next [`tick`](Self::tick). The node does no I/O,
/// reads no clock, starts no thread and, after construction, allocates nothing.
#[derive(Clone)]
pub struct Node<M> {
    core: Core,
    memory: M,
    /// When the next event about a foreign cluster may be raised.
    foreign_event: Instant,
}

impl<M: Memory> Node<M> {
    /// A node that knows only itself.
    ///
    /// `seed` decides every random choice, the nonces of questions and the tokens that prove addresses. Take it from a
    /// source of entropy, as the operating system's: who can guess it can forge acks and tokens. It must differ from
    /// node to node and from start to start.
    ///
    /// # Errors
    /// A configuration that does not [validate](Config::validate), an address that others cannot reach, an
    /// epoch near its end, or a memory of an unusable size.
    pub fn new(
        config: Config,
        identity: Identity,
        seed: [u8; 32],
        mut memory: M,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        if !is_unicast(identity.address) {
            return Err(ConfigError::Address);
        }
        if identity.epoch > Incarnation::MAX_EPOCH {
            return Err(ConfigError::Epoch);
        }
        if !(2..=MAX_MEMBERS).contains(&memory.views().members.slots.len()) {
            return Err(ConfigError::Memory);
        }
        let me = Record::new(identity, Versions::OURS);
        let mut tables = memory.tables();
        *tables.rumors = crate::tables::queue::RumorState::EMPTY;
        tables.suspicions.clear();
        tables.members.found(config.cluster.key, &me, now.stamp());
        let core = Core {
            admission: Admission::new(&config, now),
            budgets: Buckets::new(&config, now),
            clock: Clock::new(now),
            life: Life::new(now),
            detector: Detector::new(now),
            relays: Relays::default(),
            rechecks: Rechecks::new(),
            address_changes: AddressChanges::default(),
            sightings: Sightings::new(now),
            doubts: Doubts::default(),
            healing: Healing::new(),
            standing: Standing::new(now),
            gossip: Gossip::new(&config, now),
            sync: Sync::new(),
            sieves: Sieves::new(),
            joining: Joining::new(),
            path: Path::WIDE,
            round_trips: RoundTrips::new(),
            metrics: Metrics::default(),
            config,
            rng: token::choices(&seed),
            secret: Secret::new(&seed),
        };
        Ok(Self { core, memory, foreign_event: now })
    }

    /// Takes in one datagram, in place, and answers it.
    ///
    /// It is decoded and checked as a whole before any of it changes anything; [`Output::verdict`] says what
    /// it was.
    pub fn handle_datagram<'o>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
        out: &'o mut Outbox<'_>,
    ) -> Output<'o> {
        let foreign_event = self.foreign_event;
        let output = self.step(now, out, |step| {
            let verdict = step.handle(from, datagram);
            if verdict == Verdict::ForeignCluster && step.now() >= foreign_event {
                step.raise(Event::ForeignCluster { from });
            }
            verdict
        });
        if output.events().iter().any(|event| matches!(event, Event::ForeignCluster { .. })) {
            self.foreign_event = self.core.clock.now() + FOREIGN_EVENT_GAP;
        }
        output
    }

    /// Does what is due. Idempotent; may come early, and should not come later than
    /// [`next_tick`](Self::next_tick).
    pub fn tick<'o>(&mut self, now: Instant, out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| {
            step.do_what_is_due();
            Verdict::Accepted
        })
    }

    /// Joins the cluster that these addresses belong to; asks them again until one answers, whenever everybody
    /// else was lost, and now and then for ever, in case there is company that we do not know. A later call
    /// replaces all addresses of the call before. One's own is ignored. At most 16 are kept, 4
    /// without `alloc`. The rest are ignored and counted, and so are those at which no single node can be: port 0,
    /// unspecified, multicast and broadcast ones.
    ///
    /// [`Event::Joined`] says that this node's own view is complete. With nobody to ask it comes at once.
    pub fn join<'o>(&mut self, now: Instant, seeds: &[SocketAddr], out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| step.if_active(|step| step.begin_joining(seeds)))
    }

    /// Says that whom to join will be known later, to a [`join`](Self::join): the host is still looking up names, say.
    /// Without this or a `join` before it, the first tick takes it that there is nobody to join, and raises
    /// [`Event::Joined`].
    pub fn await_seeds<'o>(&mut self, now: Instant, out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| step.if_active(Step::await_seeds))
    }

    /// Leaves the cluster, for good. [`Event::LeaveDone`] comes when enough others have acknowledged it, or after 5 s; where
    /// others leave at the same time, this node answers them for up to four gossip intervals first. After it this node
    /// does nothing any more.
    pub fn leave<'o>(&mut self, now: Instant, out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| step.if_active(|step| step.begin_leaving()))
    }

    /// Says how fit this node is to serve. Gossiped; decides nothing in the protocol.
    pub fn set_health<'o>(&mut self, now: Instant, health: Health, out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| step.if_active(|step| step.say_health(health)))
    }

    /// Asks the others for patience: this node expects not to answer for `pause` from now on, and nobody
    /// shall accuse it meanwhile. Rounded up to whole seconds, 255 at the most.
    pub fn announce_pause<'o>(
        &mut self,
        now: Instant,
        pause: Duration,
        out: &'o mut Outbox<'_>,
    ) -> Output<'o> {
        self.step(now, out, |step| step.if_active(|step| step.say_pause(pause)))
    }

    /// Says that others reach this node at another address from now on: it has moved, or was told that its datagrams come
    /// from there ([`Event::ObservedAddress`]). News like a refutation, so that it wins over whatever was believed.
    ///
    /// # Errors
    /// [`ConfigError::Address`]: nobody can be reached there. Nothing has changed.
    pub fn set_address<'o>(
        &mut self,
        now: Instant,
        address: SocketAddr,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, ConfigError> {
        if !is_unicast(address) {
            return Err(ConfigError::Address);
        }
        Ok(self.step(now, out, |step| step.if_active(|step| step.say_address(address))))
    }

    /// Takes another configuration over.
    ///
    /// # Errors
    /// A configuration that does not validate, or that differs in what is fixed at the start; nothing has
    /// changed.
    pub fn reconfigure<'o>(
        &mut self,
        now: Instant,
        config: Config,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, ConfigError> {
        self.core.config.check_change(&config)?;
        Ok(self.step(now, out, |step| {
            step.core.config = config;
            step.core.budgets.resize(&config);
            step.core.admission.resize(&config);
            step.schedule_round();
            Verdict::Accepted
        }))
    }

    /// Takes in records that the host kept from an earlier life, or was given: a view to start from, instead
    /// of (or before) joining. Raises no events about members. Suspects come back as alive, to be probed like
    /// everybody. [`Event::Joined`] comes with the next tick; or, where a [`join`](Self::join) follows, once one of the
    /// seeds has answered it, or a member has answered and the seeds do not.
    ///
    /// Unless this node's own record is among them, unchanged, it introduces itself to the others.
    pub fn restore<'o>(&mut self, now: Instant, records: &[Record], out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| step.if_active(|step| step.restore(records)))
    }

    /// One step: the clock first, then the work, then when to come again.
    fn step<'o>(
        &mut self,
        now: Instant,
        out: &'o mut Outbox<'_>,
        work: impl FnOnce(&mut Step<'_, '_>) -> Verdict,
    ) -> Output<'o> {
        out.clear();
        if !out.suffices(self.core.config.max_datagram) {
            let later = self.core.clock.deadline().max(now + self.core.config.probe_interval);
            self.core.clock.expect(later);
            return Output::new(out, Verdict::OutboxTooSmall, later);
        }
        let late = self.core.clock.observe(now, &self.core.config);
        let mut step = Step::new(&mut self.core, self.memory.tables(), out);
        if let Some(late) = late
            && step.core.life.phase() != Phase::Gone
        {
            step.core.metrics.own_pauses += 1;
            step.worsen_health(1);
            step.stop_timing_pings();
            step.raise(Event::OwnPause { late });
            if step.is_out_of_touch() {
                step.start_over();
            }
        }
        let verdict = work(&mut step);
        // What is overdue already is due now: it must not look like another pause to the next step.
        let next_tick = step.next_deadline().max(step.now());
        self.core.clock.expect(next_tick);
        #[cfg(fuzzing)]
        self.check();
        Output::new(out, verdict, next_tick)
    }

    /// Panics unless all that the node keeps fits together.
    #[cfg(fuzzing)]
    fn check(&mut self) {
        let tables = self.memory.tables();
        tables.check();
        let core = &self.core;
        core.detector.check(&tables.members);
        let named = core.relays.slots().chain(core.sync.slots()).chain(core.rechecks.slots());
        let named = named.chain(core.address_changes.slots());
        named.for_each(|slot| assert!(tables.members.is_used(slot), "slot {slot} is named, and free"));
    }

    /// When [`tick`](Self::tick) must be called at the latest; the same as the last step said.
    pub fn next_tick(&self) -> Instant {
        self.core.clock.deadline()
    }

    /// Everybody else that this node knows of: live members first, then tombstones.
    pub fn members(&self) -> Members<'_> {
        let view = self.memory.views().members;
        Members::new(view, &self.core.doubts)
    }

    /// A member by its id; this node itself is found, too.
    pub fn member(&self, id: NodeId) -> Option<Member<'_>> {
        let view = self.memory.views().members;
        view.find(id).map(|slot| Member::new(view, slot, &self.core.doubts))
    }

    /// This node's own record.
    pub fn me(&self) -> Record {
        self.memory.views().members.slots[ME as usize].record
    }

    /// Of all live records, this node's included: two nodes with equal fingerprints know the same.
    pub fn fingerprint(&self) -> Fingerprint {
        self.memory.views().members.fingerprint()
    }

    /// Whether this node's view is as complete as it gets: it fetched one, was given one, or has nobody to join.
    /// True from [`Event::Joined`] on, unless the node [starts over](Event::StartedOver).
    pub fn is_joined(&self) -> bool {
        self.core.joining.is_joined()
    }

    /// How many others are known to have heard that this node leaves, while it does: at most the three that are enough.
    pub fn leave_acknowledged(&self) -> u32 {
        self.core.life.acknowledged(self.memory.views().members.live(), &self.core.config)
    }

    /// Lifeguard's local health score: 0 is well, 8 is as slow as can be.
    pub fn local_health(&self) -> u8 {
        self.core.detector.health()
    }

    /// What this node has counted.
    pub fn metrics(&self) -> &Metrics {
        &self.core.metrics
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.core.config
    }
}

impl Step<'_, '_> {
    fn if_active(&mut self, work: impl FnOnce(&mut Self)) -> Verdict {
        if matches!(self.core.life.phase(), Phase::Running | Phase::Passive { .. }) {
            work(self);
            Verdict::Accepted
        } else {
            Verdict::Inactive
        }
    }

    #[inline(never)]
    fn handle(&mut self, from: SocketAddr, datagram: &mut [u8]) -> Verdict {
        let from = canonical(from);
        let bytes = datagram.len();
        self.core.metrics.datagrams_received += 1;
        self.core.metrics.bytes_received += bytes as u64;
        if self.core.life.phase() == Phase::Gone {
            return Verdict::Inactive;
        }
        let authentic = match Authentic::open(from, datagram, &self.core.config) {
            Ok(authentic) => authentic,
            Err(verdict) => {
                match verdict {
                    Verdict::Malformed(_) => self.core.metrics.malformed += 1,
                    _ => self.core.metrics.foreign += 1,
                }
                return verdict;
            }
        };
        if authentic.sender == self.my_id() {
            self.core.metrics.foreign += 1;
            if let Some(Message::Join { me, .. }) = &authentic.contents.message {
                self.meet_duplicate(from, &me.record, bytes);
            }
            return Verdict::OwnEcho;
        }
        if let Some(limit) = authentic.contents.limit {
            self.keep_within(limit);
        }
        match self.tables.members.find(authentic.sender) {
            Some(sender) => self.handle_member(from, sender, &authentic, bytes),
            None => self.handle_stranger(from, &authentic, bytes),
        }
    }

    fn handle_member(
        &mut self,
        from: SocketAddr,
        sender: SlotId,
        authentic: &Authentic<'_>,
        bytes: usize,
    ) -> Verdict {
        // Whatever costs more than it brought goes to the address that the member's record names, only.
        let at_home = self.record(sender).address() == from;
        let same_view = authentic.fingerprint == self.tables.members.fingerprint();
        self.core.metrics.fingerprints_equal += u64::from(same_view);
        self.core.metrics.fingerprints_differed += u64::from(!same_view);
        let now = self.now();
        self.core.life.note_heard(now);
        let mut corrections = Corrections::default();
        let road = self.core.round_trips.one_way_ms(self.zone_of(sender));
        self.hear_news(authentic, road, &mut corrections);
        // News may have taken the place of a sender that is a tombstone.
        let Some(sender) = self.tables.members.find(authentic.sender) else { return Verdict::Accepted };
        let same_view = same_view || authentic.fingerprint == self.tables.members.fingerprint();
        if let Some(message) = &authentic.contents.message {
            self.handle_message(from, sender, at_home, message, bytes);
        }
        self.correct_sender(sender, &mut corrections);
        if at_home {
            self.recheck(sender);
            let probing =
                matches!(authentic.contents.message, Some(Message::Ping { .. } | Message::Ack { .. }));
            let live = self.record(sender).status().is_live();
            self.core.sieves.note_heard(authentic, !same_view && live);
            if !same_view && probing && live {
                self.meet_difference(sender);
            }
            self.handle_sync(from, authentic);
            self.correct(from, &corrections);
        }
        Verdict::Accepted
    }

    /// Takes in the records and accusations of a datagram that was so many ms on its way.
    fn hear_news(&mut self, authentic: &Authentic<'_>, road: u32, corrections: &mut Corrections) {
        let source = match authentic.contents.message {
            Some(Message::Sifted { nonce }) => return self.hear_sifted(authentic, nonce, road, corrections),
            Some(Message::Welcome { .. } | Message::Page { .. }) => Source::Fetch,
            Some(Message::Repair) => Source::Repair,
            _ => Source::Gossip,
        };
        for Aged { record, age } in authentic.contents.records() {
            self.hear(&Aged { record, age: age.saturating_add(road) }, source, corrections);
        }
        for accusation in authentic.contents.accusations() {
            self.hear_accusation(accusation, corrections);
        }
    }

    fn handle_message(
        &mut self,
        from: SocketAddr,
        sender: SlotId,
        at_home: bool,
        message: &Message,
        bytes: usize,
    ) {
        let id = self.record(sender).id();
        match message {
            Message::Ping { nonce, target } if *target == self.my_id() => {
                if !at_home {
                    self.answer_unproven_ping(from, *nonce, bytes);
                } else if self.leaves_like(sender) {
                    self.part_with(from);
                } else {
                    if let Some(attempt) = detector::attempt_of(*nonce) {
                        self.core.gossip.note_ping(attempt > 0);
                    }
                    let ack = Message::Ack { nonce: *nonce };
                    let _ = self.send(Intent::laden(from, Traffic::Probe, ack));
                }
            }
            // An earlier member had this address. Whoever looks for it finds us instead, unless it knows us.
            Message::Ping { nonce, .. } if !(at_home && self.record(sender).status().is_live()) => {
                self.answer_misdirected_ping(from, *nonce, bytes);
            }
            Message::Ping { .. } => {}
            Message::Ack { nonce } => {
                if !self.core.life.note_ack(sender, *nonce) {
                    self.handle_ack(id, *nonce);
                }
            }
            Message::RelayedAck { nonce } => self.handle_relayed_ack(sender, *nonce),
            Message::Nack { nonce } => self.handle_nack(sender, *nonce),
            Message::PingRequest { nonce, target } if at_home => {
                self.handle_ping_request(sender, *nonce, *target);
            }
            Message::PingRequest { .. } => {}
            Message::Challenge { nonce, token } => {
                if !self.handle_join_challenge(*nonce, *token) {
                    // It does not know us (any more), and said so in answer to a ping or a rumor.
                    let introduces = at_home || self.has_pinged(from, *nonce);
                    self.handle_ack(id, *nonce);
                    if introduces && self.admits_request() {
                        self.introduce(from, INTRODUCTION, *token);
                        // Whoever has no room for us challenges us for ever.
                        let crowded = !self.tables.members.has_free_slot();
                        if *nonce == 0 && self.core.sieves.are_on() && !crowded {
                            self.sieve_from(sender);
                        }
                    }
                }
            }
            Message::Join { .. } | Message::Fetch { .. } => self.serve(from, id, message, bytes),
            Message::Welcome { .. } | Message::Busy { .. } | Message::Page { .. } => {
                self.handle_answer(from, message, bytes);
            }
            // From elsewhere it could be anybody's.
            Message::Observed { address, .. } if at_home => self.hear_where_seen(Some(sender), *address),
            Message::Observed { .. } | Message::Pull | Message::Repair | Message::Sifted { .. } => {}
        }
    }

    fn serve(&mut self, from: SocketAddr, sender: NodeId, message: &Message, bytes: usize) {
        match message {
            Message::Join { nonce, token, me } if me.record.id() == sender => {
                self.handle_join(from, (*nonce, *token), me, bytes);
            }
            Message::Join { .. } => {}
            _ => self.handle_fetch(from, message, bytes),
        }
    }

    fn handle_answer(&mut self, from: SocketAddr, message: &Message, bytes: usize) {
        match message {
            Message::Welcome { nonce, members } => self.handle_welcome(from, *nonce, *members),
            Message::Busy { nonce, others } => self.handle_busy(*nonce, others),
            Message::Page { nonce, after, next, last } => {
                self.handle_page(*nonce, (*after, *next), *last, bytes);
            }
            _ => {}
        }
    }

    /// A sender that is no member: its news counts for nothing, unless we asked it for them.
    #[inline(never)]
    fn handle_stranger(&mut self, from: SocketAddr, authentic: &Authentic<'_>, bytes: usize) -> Verdict {
        let Some(message) = &authentic.contents.message else {
            self.core.metrics.strangers += 1;
            if !self.admits_introduction() {
                return Verdict::Limited;
            }
            self.challenge(from, Traffic::Sync, 0, bytes);
            return Verdict::Stranger;
        };
        match message {
            Message::Welcome { nonce, .. } | Message::Busy { nonce, .. } | Message::Page { nonce, .. }
                if self.core.joining.awaits(*nonce) =>
            {
                let mut corrections = Corrections::default();
                self.hear_news(authentic, 0, &mut corrections);
                self.handle_answer(from, message, bytes);
                return Verdict::Accepted;
            }
            Message::Challenge { nonce, token } if self.core.joining.awaits(*nonce) => {
                let _ = self.handle_join_challenge(*nonce, *token);
                return Verdict::Accepted;
            }
            Message::Observed { nonce, address } if self.core.joining.awaits(*nonce) => {
                self.hear_where_seen(None, *address);
                return Verdict::Accepted;
            }
            Message::Join { .. } | Message::Fetch { .. } => {
                self.serve(from, authentic.sender, message, bytes);
                return Verdict::Accepted;
            }
            // Whom we do not know is where we pinged somebody: we introduce ourselves.
            Message::Challenge { nonce, token } if self.has_pinged(from, *nonce) && self.admits_request() => {
                self.introduce(from, INTRODUCTION, *token);
            }
            Message::Ping { nonce, target } if *target == self.my_id() => {
                self.answer_unproven_ping(from, *nonce, bytes);
            }
            Message::Ping { nonce, .. } => self.answer_misdirected_ping(from, *nonce, bytes),
            _ => {}
        }
        self.core.metrics.strangers += 1;
        Verdict::Stranger
    }

    /// Answers a ping from where no member is known to be. A challenge counts as an ack, is no longer than the ping, and
    /// makes whoever is there introduce itself: a stranger, or a member of which we believe another address.
    fn answer_unproven_ping(&mut self, from: SocketAddr, nonce: Nonce, bytes: usize) {
        if self.admits_introduction() {
            self.challenge(from, Traffic::Probe, nonce, bytes);
        } else {
            let _ = self.send_unpaid(from, Traffic::Probe, &Message::Ack { nonce });
        }
    }

    /// Answers a ping for another node, which had this address before: whoever sent it does not know that we have it now.
    fn answer_misdirected_ping(&mut self, from: SocketAddr, nonce: Nonce, bytes: usize) {
        if self.admits_introduction() {
            self.challenge(from, Traffic::Probe, nonce, bytes);
        }
    }

    /// One tick's work, most urgent first; each part stops at its own bound.
    fn do_what_is_due(&mut self) {
        if self.core.life.phase() == Phase::Gone {
            return;
        }
        if self.is_out_of_touch() {
            self.start_over();
        }
        self.pass_doubts();
        self.advance_probes();
        self.advance_relays();
        self.begin_recheck();
        self.expire_suspicions();
        self.begin_routine_probe();
        self.gossip_round();
        self.sieve();
        self.advance_joining();
        self.visit_dead();
        self.forget_tombstones();
        self.end_pause();
        self.finish_leaving();
    }

    fn next_deadline(&self) -> Instant {
        if self.core.life.phase() == Phase::Gone {
            return Instant::NEVER;
        }
        [
            self.leave_ends(),
            self.core.life.pause_ends(),
            self.core.detector.next_probe(),
            self.core.clock.real(self.core.detector.next_due().min(self.core.relays.next_due())),
            self.core.rechecks.next(),
            self.next_doubt(),
            self.core.healing.next(),
            self.next_expiry(),
            self.core.gossip.next(),
            self.core.sieves.next(),
            self.core.joining.next(),
            self.next_forgetting(),
        ]
        .into_iter()
        .min()
        .unwrap_or(Instant::NEVER)
    }

    fn restore(&mut self, records: &[Record]) {
        let me = *self.me();
        let mut announced = false;
        for record in records {
            if record.id() == me.id() {
                announced |= *record == me;
                continue;
            }
            let fit = record.is_credible() && is_unicast(record.address());
            if !fit {
                continue;
            }
            let record = match record.status() {
                Status::Suspect => record.with_status(Status::Alive),
                _ => *record,
            };
            let seat = self.tables.members.seat(record.id());
            match self.tables.members.apply(seat, &record, &mut self.core.rng) {
                Applied::New(slot) => self.settle(slot),
                Applied::Known { slot, was, merge } if merge.changed => {
                    if was.incarnation().epoch != record.incarnation().epoch {
                        self.tables.members.slot_mut(slot).set_reachability(Reachability::Unknown);
                    }
                    self.settle(slot);
                }
                Applied::Known { .. } => {}
                Applied::Full => self.core.metrics.dropped_table_full += 1,
            }
        }
        self.core.joining.set_viewed();
        if !announced {
            self.heat(ME, self.core.clock.now().stamp());
        }
    }
}
