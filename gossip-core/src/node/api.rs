//! The public steps. Each body reads as the pipeline:
//! `&mut [u8] → Frame → Authentic → (news and a message) → Intent → Packet`.

use crate::{
    bootstrap::plane::Bootstrap,
    dissemination::plane::Dissemination,
    kernel::{
        agreement::Agreement,
        budget::Buckets,
        clock::Clock,
        context::{Kernel, ViewState},
        gate::Gate,
        outbox::{Outbox, Output},
        pace::Pace,
        path::Path,
        repeats::Repeats,
        seeds::Seeds,
    },
    membership::{judgement::Quarantine, plane::Membership, quarantine::Cause},
    node::{
        members::{Member, Members},
        step::{Planes, Step},
        warnings::Warnings,
    },
    security::{
        guard::Guard,
        signer::Signer,
        token::{self, Secret},
    },
    state::plane::State,
    tables::{
        changes::Changes,
        memory::{MAX_MEMBERS, Memory, Views},
        rtt::{RoundTrip, RoundTrips},
        state::limits::{DATAGRAM_RESERVE, Limits},
        table::{ME, pool::of_member},
    },
    vocabulary::{
        address::is_unicast,
        config::Config,
        error::{ConfigError, Verdict},
        metrics::{BudgetsUsed, Metrics},
        record::{Fingerprint, Health, Identity, Incarnation, NodeId, Record, Versions, Zone},
        time::Instant,
    },
};
use core::{fmt, net::SocketAddr, time::Duration};

/// One participant: the protocol as a pure state machine over its memory.
///
/// Every call that changes anything is a *step* of one shape: it takes the time and an outbox, and returns the
/// packets to send, the events to tell and the time of the next [`tick`](Self::tick). The node does no I/O,
/// reads no clock, starts no thread and, after construction, allocates nothing.
#[derive(Clone)]
pub struct Node<M> {
    pub(super) kernel: Kernel,
    pub(super) planes: Planes,
    pub(super) memory: M,
}

impl<M: Memory> fmt::Debug for Node<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.members().count();
        f.debug_struct("Node").field("me", &self.me()).field("members", &members).finish_non_exhaustive()
    }
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
        let Views { members, state, .. } = memory.views();
        if !(2..=MAX_MEMBERS).contains(&members.slots.len()) {
            return Err(ConfigError::Memory);
        }
        if !state.owners.is_empty() && state.owners.len() != members.slots.len() {
            return Err(ConfigError::StateMemory);
        }
        let me = Record::new(identity, Versions::OURS);
        let mut tables = memory.tables();
        *tables.rumors = crate::tables::queue::RumorState::EMPTY;
        tables.suspicions.clear();
        tables.state.clear();
        tables.events.clear(now);
        tables.pulses.clear();
        tables.state.desk.limits = Limits::new(config.state_per_member, usize::from(config.max_datagram));
        tables.reset_to_self(config.cluster.key, &me, now.stamp());
        tables.proofs.forget(ME);
        tables.values.clear(usize::from(config.max_datagram).saturating_sub(DATAGRAM_RESERVE));
        let kernel = Kernel {
            budgets: Buckets::new(&config, now),
            clock: Clock::new(now),
            path: Path::WIDE,
            pace: Pace::new(&config, now),
            repeats: Repeats::NONE,
            round_trips: RoundTrips::new(),
            changes: Changes::NONE,
            seeds: Seeds::NONE,
            view: ViewState { has: true, since: None },
            metrics: Metrics::default(),
            agreement: Agreement::NONE,
            rng: token::choices(&seed),
            secret: Secret::new(&seed),
            guard: Guard::new(config.cluster, identity.id, identity.epoch),
            signer: Signer::NONE,
            gate: Gate::OPEN,
            config,
        };
        let planes = Planes {
            membership: Membership::new(now),
            dissemination: Dissemination::new(),
            bootstrap: Bootstrap::new(&config, now),
            state: State::new(now),
            warnings: Warnings::new(now),
        };
        Ok(Self { kernel, planes, memory })
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
        self.step(now, out, |step| step.handle(from, datagram))
    }

    /// Does what is due. Idempotent; may come early, and should not come later than
    /// [`next_tick`](Self::next_tick).
    pub fn tick<'o>(&mut self, now: Instant, out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| {
            step.cx.note_lateness();
            step.do_what_is_due();
            Verdict::Accepted
        })
    }

    /// Joins the cluster that these addresses belong to; asks them again until one answers, whenever all others were
    /// lost, and now and then for ever, in case there are members that this node does not know. A later call replaces
    /// all addresses of the call before. The node's own is ignored. At most 16 are kept, 4 without `alloc`. The rest
    /// are ignored and counted, and so are those at which no single node can be: port 0, unspecified, multicast and
    /// broadcast ones.
    ///
    /// [`Event::Joined`](crate::Event::Joined) says that this node's own view is complete. Without an address to ask it
    /// comes at once.
    pub fn join<'o>(&mut self, now: Instant, seeds: &[SocketAddr], out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| step.if_active(|step| step.bootstrap.begin_joining(&mut step.cx, seeds)))
    }

    /// Announces that the addresses to join will be given later, to a [`join`](Self::join): the host is still looking
    /// up names, say. Without this or a `join` before it, the first tick concludes that there is no node to join, and
    /// raises [`Event::Joined`](crate::Event::Joined).
    pub fn await_seeds<'o>(&mut self, now: Instant, out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| step.if_active(|step| step.bootstrap.await_seeds(&mut step.cx)))
    }

    /// Leaves the cluster, for good. [`Event::LeaveDone`](crate::Event::LeaveDone) comes when enough others have
    /// acknowledged it, or after 5 s; where others leave at the same time, this node answers them for up to four gossip
    /// intervals first. After it this node does nothing any more.
    pub fn leave<'o>(&mut self, now: Instant, out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| step.if_active(|step| step.membership.begin_leaving(&mut step.cx)))
    }

    /// Says how fit this node is to serve. Gossiped; decides nothing in the protocol.
    pub fn set_health<'o>(&mut self, now: Instant, health: Health, out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| step.if_active(|step| step.membership.say_health(&mut step.cx, health)))
    }

    /// Asks the others for patience: this node expects not to answer for `pause` from now on, and no member
    /// shall accuse it meanwhile. Rounded up to whole seconds, 255 at the most.
    pub fn announce_pause<'o>(
        &mut self,
        now: Instant,
        pause: Duration,
        out: &'o mut Outbox<'_>,
    ) -> Output<'o> {
        self.step(now, out, |step| step.if_active(|step| step.membership.say_pause(&mut step.cx, pause)))
    }

    /// Says that others reach this node at another address from now on: it has moved, or was told that its datagrams come
    /// from there ([`Event::ObservedAddress`](crate::Event::ObservedAddress)). News like a refutation, so that it wins
    /// over earlier ones.
    ///
    /// # Errors
    /// [`ConfigError::Address`]: no node can be reached there. Nothing has changed.
    pub fn set_address<'o>(
        &mut self,
        now: Instant,
        address: SocketAddr,
        out: &'o mut Outbox<'_>,
    ) -> Result<Output<'o>, ConfigError> {
        if !is_unicast(address) {
            return Err(ConfigError::Address);
        }
        Ok(self
            .step(now, out, |step| step.if_active(|step| step.membership.say_address(&mut step.cx, address))))
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
        self.kernel.config.check_change(&config)?;
        Ok(self.step(now, out, |step| {
            step.state.reconfigure_pulses(&mut step.cx, &config);
            step.cx.kernel.config = config;
            step.cx.kernel.budgets.resize(&config);
            step.bootstrap.admission.resize(&config);
            step.cx.schedule_round();
            Verdict::Accepted
        }))
    }

    /// Takes in records that the host kept from an earlier epoch, or was given: a view to start from, instead of (or
    /// before) joining. Raises no events about members. Suspects come back as alive, to be probed like every member.
    /// [`Event::Joined`](crate::Event::Joined) comes with the next tick; or, where a [`join`](Self::join) follows, once
    /// one of the seeds has answered it, or a member has answered and the seeds do not.
    ///
    /// Unless this node's own record is among them, unchanged, it introduces itself to the others.
    pub fn restore<'o>(&mut self, now: Instant, records: &[Record], out: &'o mut Outbox<'_>) -> Output<'o> {
        self.step(now, out, |step| {
            step.if_active(|step| step.restore(records.iter().map(|record| (record, None))))
        })
    }

    /// One step: the clock first, then the work, then when to come again.
    pub(super) fn step<'o>(
        &mut self,
        now: Instant,
        out: &'o mut Outbox<'_>,
        work: impl FnOnce(&mut Step<'_, '_>) -> Verdict,
    ) -> Output<'o> {
        out.clear();
        if !out.suffices(self.kernel.config.max_datagram) {
            let later = self.kernel.clock.deadline().max(now + self.kernel.config.probe_interval);
            self.kernel.clock.expect(later);
            return Output::new(out, Verdict::OutboxTooSmall, later);
        }
        let late = self.kernel.clock.observe(now, &self.kernel.config);
        let mut step = Step::new(&mut self.kernel, &mut self.planes, self.memory.tables(), out);
        if let Some(late) = late {
            step.wake(late);
        }
        let verdict = work(&mut step);
        step.cx.kernel.view = step.bootstrap.joining.view();
        // What is overdue already is due now: it must not look like another pause to the next step.
        let next_tick = step.next_deadline().max(step.cx.now());
        self.kernel.clock.expect(next_tick);
        #[cfg(feature = "seal")]
        self.seal(out);
        #[cfg(fuzzing)]
        self.check();
        Output::new(out, verdict, next_tick)
    }

    /// Seals what the step has made. Here the stack is shallow, which on bare metal counts.
    #[cfg(feature = "seal")]
    fn seal(&mut self, out: &mut Outbox<'_>) {
        let epoch = self.memory.views().members.slots[ME as usize].record.incarnation().epoch;
        self.kernel.guard.begin(epoch);
        self.kernel.metrics.dropped_unsealed += out.seal(&mut self.kernel.guard);
    }

    /// Panics unless all that the node keeps fits together.
    #[cfg(fuzzing)]
    fn check(&mut self) {
        let tables = self.memory.tables();
        tables.check(self.kernel.clock.now());
        let Membership { detector, relays, rechecks, address_changes, .. } = &self.planes.membership;
        detector.check(&tables.members);
        let changed = self.kernel.changes.iter().map(|(slot, _)| slot);
        let named = relays.slots().chain(rechecks.slots()).chain(address_changes.slots()).chain(changed);
        named.for_each(|slot| assert!(tables.members.is_used(slot), "slot {slot} is named, and free"));
    }

    /// When [`tick`](Self::tick) must be called at the latest; the same as the last step said.
    pub fn next_tick(&self) -> Instant {
        self.kernel.clock.deadline()
    }

    /// The time of the last step.
    pub fn now(&self) -> Instant {
        self.kernel.clock.now()
    }

    /// All other members that this node knows of: live members first, then those that are dead or have left, until they are
    /// [forgotten](Self::forget).
    pub fn members(&self) -> Members<'_> {
        let view = self.memory.views().members;
        Members::new(view, &self.planes.membership.quarantines)
    }

    /// A member by its id; this node itself is found, too.
    pub fn member(&self, id: NodeId) -> Option<Member<'_>> {
        let view = self.memory.views().members;
        let slot = view.find(id).filter(|&slot| !view.is_hidden(slot))?;
        Some(Member::new(view, slot, &self.planes.membership.quarantines))
    }

    /// Who accuses a suspect, the first accuser first; this node itself may be among them.
    ///
    /// At most four are kept. There is none for a member that is no suspect, nor for one that was
    /// learned as a suspect and has not been accused since.
    pub fn accusers(&self, suspect: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let views = self.memory.views();
        let slot = views.members.find(suspect).map(|slot| &views.members.slots[slot as usize]);
        let suspicion = slot.and_then(|slot| of_member(views.suspicions, slot));
        let accusers = suspicion.map_or(&[][..], |suspicion| suspicion.accusers());
        accusers.iter().map(move |&accuser| views.members.slots[accuser as usize].record.id())
    }

    /// This node's own record.
    pub fn me(&self) -> Record {
        self.memory.views().members.slots[ME as usize].record
    }

    /// Of all live records, this node's included: two nodes with equal fingerprints know the same.
    pub fn fingerprint(&self) -> Fingerprint {
        self.memory.views().members.fingerprint()
    }

    /// Whether this node's view is as complete as it gets: it fetched one, was given one, or has no node to join.
    /// True from [`Event::Joined`](crate::Event::Joined) on, unless the node [starts over](crate::Event::Reset).
    pub fn is_joined(&self) -> bool {
        self.planes.bootstrap.joining.is_joined()
    }

    /// How many others are known to have heard that this node leaves, while it does: at most the three that are enough.
    pub fn leave_acknowledged(&self) -> u32 {
        self.planes.membership.lifecycle.acknowledged(self.memory.views().members.live(), &self.kernel.config)
    }

    /// Lifeguard's local health score: 0 is well, 8 is as slow as can be.
    pub fn local_health(&self) -> u8 {
        self.planes.membership.detector.health()
    }

    /// The round trips that its probes have measured, zone by zone, in the order in which zones first answered: of the first 16
    /// zones, 4 without `alloc`. There are none with [`Mechanisms::round_trips`](crate::Mechanisms) off.
    pub fn round_trips(&self) -> impl Iterator<Item = RoundTrip> + '_ {
        self.kernel.round_trips.iter(&self.kernel.config)
    }

    /// For how long another member's view has differed from this node's at the least: the longest time for which some member, every
    /// time that it was heard, had another [fingerprint](Self::fingerprint). Zero, if none differs that was heard in the last
    /// minute.
    ///
    /// At most 16 members are watched at a time (4 without `alloc`); in a cluster of hundreds that is a sample.
    pub fn longest_difference(&self) -> Duration {
        self.kernel.agreement.longest(self.kernel.clock.now())
    }

    /// The zones that are quarantined: they are silent as a whole, and none of their members is accused for it.
    pub fn quarantined_zones(&self) -> impl Iterator<Item = Zone> + '_ {
        self.planes.membership.quarantines.active()
    }

    /// Whether this node suspects itself of being cut off, and accuses nobody therefore.
    pub fn is_self_quarantined(&self) -> bool {
        self.planes.membership.quarantines.of(Cause::Own) == Quarantine::Active
    }

    /// What its budgets have paid for.
    pub fn budgets_used(&self) -> BudgetsUsed {
        self.kernel.budgets.used()
    }

    /// What this node has counted.
    pub fn metrics(&self) -> &Metrics {
        &self.kernel.metrics
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.kernel.config
    }
}
