//! The failure detector: probes.
//!
//! One member a probe interval is pinged; a probe retransmits, then asks relays, and only then fails:
//!
//! ```text
//! Direct(1) ─▶ Direct(2) ─▶ Direct(3) ─▶ Relayed(1) ─▶ Relayed(2) ─▶ Lingering (failed) ─▶ forgotten
//!     └────────────┴────────────┴────────────┴─────────────┴──────────────┴──ack──▶ answered
//! ```
//!
//! Acks match by a random nonce. A late ack still teaches the round trip and still clears the member.
//!
//! Is the member down, or the path to it? At the same time as the relays are asked, two others in the member's zone
//! are pinged as controls. If one answers, the member is at fault; if neither does, its whole zone is silent, and is
//! quarantined (see `quarantines`).

mod answers;
mod stage;

use crate::{
    kernel::{
        choose::{self, CONTROLS, Controls},
        context::Context,
        outbox::Event,
        peer::Peer,
        sending::Intent,
    },
    membership::{
        judgement::{Quarantine, too_few_answered},
        plane::Membership,
        quarantine::Cause,
    },
    tables::{
        contacts::Contacts,
        rtt::LATE,
        table::{ME, SlotId},
    },
    vocabulary::{
        bounds::sized,
        config::MIN_DATAGRAM,
        record::{Incarnation, NodeId, Reachability, Record, Status},
        time::{Instant, Judged, micros},
        traffic::Traffic,
    },
    wire::message::{Message, Nonce},
};
use core::{net::SocketAddr, time::Duration};
pub(crate) use stage::Purpose;
use stage::{Effort, Move, RELAY_ROUNDS, Stage};

/// Probes under way or lingering.
const MAX_PROBES: usize = sized(16, 7);
/// Of those, probes of members that came by repair. Members beyond that are not gossiped.
const MAX_NEWCOMERS: usize = sized(4, 2);
/// Of those, checks and confirmations under way: where hundreds are lost at once, each one that fails costs some 15
/// packets here, and as many at its relays.
const MAX_HURRIED: usize = sized(6, 4);
/// Of those, rechecks.
const MAX_RECHECKS: usize = sized(4, 2);
/// A recheck that failed lingers for this many `ack_timeout_max`.
const RECHECK_LINGERS: u32 = 2;
/// One in this many members of quarantined zones on the ring is probed. A probe that fails costs some 15 packets,
/// including those of its relays.
const FULL_PROBES_OF_HELD_ZONES: u32 = 16;
/// Members of the ring that one routine probe looks at, at most.
const LAP_STRIDE: u32 = 8;
/// The low bits of a probe's nonce say which of its pings is acked.
const ATTEMPTS: u32 = 8;
/// The attempt that stands for the first of the controls; direct pings are five at the most.
const CONTROL: u32 = 5;
/// The attempt that stands for the relays' pings, and for all pings that belong to no probe.
const HELPED: u32 = 7;
/// Of this many routine probes two go to this node's successor, so that at most two others lie between.
const TURNS: u8 = 5;
/// Zone quarantined, unreachable, suspected, down: the most events that the end of one probe can raise.
const EVENTS_PER_PROBE: usize = 4;
/// A ping that was not sent, or that was under way while this node slept, so that its ack may have waited.
const UNTIMED: u32 = u32::MAX;
/// Lifeguard's saturation of the local health score (arXiv 1707.00788, section IV-A: S = 8).
const MAX_HEALTH: u8 = 8;

#[derive(Clone)]
struct Probe {
    slot: SlotId,
    target: NodeId,
    /// Silence in one incarnation says nothing of the next.
    incarnation: Incarnation,
    purpose: Purpose,
    /// Whether the target was believed alive.
    believed: bool,
    effort: Effort,
    stage: Stage,
    /// The lowest three bits are zero.
    nonce: Nonce,
    /// On the judgement clock, as is `due`.
    began: Judged<Instant>,
    due: Judged<Instant>,
    /// When the direct pings were sent, in µs after `began`; [`UNTIMED`] for those that measure nothing.
    pings: [u32; CONTROL as usize],
    /// Which relays were asked, and which nacked: a bit for `slot % 32`, so that a duplicate counts once.
    asked: u32,
    nacks: u32,
    controls: Controls,
    /// Which controls answered: a bit for each.
    controlled: u8,
}

/// The detector's state.
#[derive(Clone)]
pub(crate) struct Detector {
    next_probe: Instant,
    probes: heapless::Vec<Probe, MAX_PROBES>,
    contacts: Contacts,
    /// Lifeguard's local health: 0 is well.
    health: u8,
    /// Routine probes since that of the successor.
    turn: u8,
}

/// How many probes of such purposes are under way.
fn under_way(probes: &[Probe], such: fn(Purpose) -> bool) -> usize {
    probes.iter().filter(|probe| probe.stage != Stage::Lingering && such(probe.purpose)).count()
}

/// The attempt that a ping with this nonce is, from 0; `None` unless it is a direct ping of a probe.
pub(crate) fn attempt_of(nonce: Nonce) -> Option<u32> {
    Some(nonce & (ATTEMPTS - 1)).filter(|&attempt| attempt < CONTROL)
}

fn relay_bit(relay: SlotId) -> u32 {
    1 << (relay % 32)
}

impl Detector {
    pub(crate) fn new(now: Instant) -> Self {
        Self { next_probe: now, probes: heapless::Vec::new(), contacts: Contacts::NONE, health: 0, turn: 0 }
    }

    pub(crate) fn health(&self) -> u8 {
        self.health
    }

    /// The member that answered us last.
    pub(crate) fn latest_contact(&self) -> Option<SlotId> {
        self.contacts.latest()
    }

    /// When the next probe begins, by the host's clock.
    pub(crate) fn next_probe(&self) -> Instant {
        self.next_probe
    }

    /// When the next ack is overdue, by the judgement clock.
    pub(crate) fn next_due(&self) -> Judged<Instant> {
        self.probes.iter().map(|probe| probe.due).min().unwrap_or(Judged::NEVER)
    }

    /// All members are about to be forgotten. Our local health is kept.
    pub(crate) fn start_over(&mut self, now: Instant) {
        *self = Self { health: self.health, ..Self::new(now) };
    }

    /// A slot is about to be given to another member.
    pub(crate) fn forget(&mut self, slot: SlotId) {
        self.probes.retain(|probe| probe.slot != slot);
        for probe in &mut self.probes {
            probe.controls.retain(|&control| control != slot);
        }
        self.contacts.forget(slot);
    }

    /// Panics unless probes and contacts are of members that the table has.
    #[cfg(fuzzing)]
    pub(crate) fn check(&self, members: &crate::tables::table::Table<'_>) {
        for probe in &self.probes {
            assert_eq!(members.record(probe.slot).id(), probe.target, "a probe of a slot's former member");
            let controls = probe.controls.iter();
            controls.for_each(|&slot| assert!(members.is_used(slot), "a control is free slot {slot}"));
        }
        self.contacts
            .slots()
            .for_each(|slot| assert!(members.is_used(slot), "a contact is free slot {slot}"));
    }
}

impl Membership {
    /// Begins the probe whose turn it is.
    pub(crate) fn begin_routine_probe(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.now();
        if self.detector.next_probe > now {
            return;
        }
        // In self-quarantine no member is judged, or every one: either way all must be probed.
        let slowness = if self.own_quarantine() == Quarantine::None { self.slowness(cx) } else { 1 };
        let interval = cx.kernel.config.probe_interval * slowness / self.haste(cx);
        // A tenth of jitter either way: nodes that started together do not stay in cx.
        let jitter = cx.kernel.rng.below_u64(micros(interval) / 5);
        self.detector.next_probe = now + interval * 9 / 10 + Duration::from_micros(jitter);
        if let Some(slot) = self.choose_probed(cx) {
            let _ = self.probe(cx, slot, Purpose::Routine);
        }
        self.recheck_quarantined_zones(cx);
    }

    /// Whose turn it is. Of five probes three go round the ring, and two to this node's successor, so that a crash is
    /// first probed within three intervals, whatever the ring's order. Members of quarantined zones are passed over,
    /// since no node judges them anyway, and the lap is as short as what is left. Now and then one is probed all the
    /// same, in case another zone reaches it again before we do.
    fn choose_probed(&mut self, cx: &mut Context<'_, '_>) -> Option<SlotId> {
        let turn = (self.detector.turn + 1) % TURNS;
        self.detector.turn = turn;
        let ours = cx.zone_of(ME);
        let (members, quarantines) = (&mut cx.tables.members, &self.quarantines);
        let judged = |record: &Record| {
            let zone = record.locality().domain();
            zone == ours || !quarantines.is_quarantined(zone)
        };
        let neighbours = cx.kernel.config.mechanisms.successor
            && matches!(turn, 0 | 2)
            && quarantines.of(Cause::Own) == Quarantine::None;
        if let Some(slot) = neighbours.then(|| members.successor(judged)).flatten() {
            return Some(slot);
        }
        for _ in 0..LAP_STRIDE {
            let slot = members.next_probe(&mut cx.kernel.rng)?;
            if judged(members.record(slot)) || cx.kernel.rng.below(FULL_PROBES_OF_HELD_ZONES) == 0 {
                return Some(slot);
            }
        }
        None
    }

    /// Lifeguard's local health multiplier.
    fn slowness(&self, cx: &Context<'_, '_>) -> u32 {
        if cx.kernel.config.mechanisms.local_health { u32::from(self.detector.health) + 1 } else { 1 }
    }

    /// Raises the local health score: this node seems slow.
    pub(crate) fn worsen_health(&mut self, by: u8) {
        let detector = &mut self.detector;
        detector.health = detector.health.saturating_add(by).min(MAX_HEALTH);
    }

    /// Probes a member that came by repair, unless many are probed already.
    pub(crate) fn probe_newcomer(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        let probes = self.detector.probes.iter();
        let newcomers = probes.filter(|probe| probe.purpose == Purpose::Newcomer).count();
        if newcomers >= MAX_NEWCOMERS || !self.probe(cx, slot, Purpose::Newcomer) {
            cx.kernel.metrics.dropped_newcomers += 1;
        }
    }

    /// A nonce for pings that belong to no probe: they say nothing about loss, however often they are sent.
    pub(crate) fn fresh_nonce_of_no_probe(&mut self, cx: &mut Context<'_, '_>) -> Nonce {
        cx.fresh_nonce() | HELPED
    }

    /// Probes a member; false when a probe of it is under way, or too many are.
    pub(crate) fn probe(&mut self, cx: &mut Context<'_, '_>, slot: SlotId, purpose: Purpose) -> bool {
        let (judged, nonce) = (cx.kernel.clock.judged(), cx.fresh_nonce() & !(ATTEMPTS - 1));
        let probes = &mut self.detector.probes;
        if !purpose.is_recheck() {
            // Otherwise a peer that makes us recheck a member could keep us from checking it.
            probes.retain(|probe| probe.slot != slot || !probe.purpose.is_recheck());
        }
        if probes.iter().any(|probe| probe.slot == slot && probe.stage != Stage::Lingering) {
            return false;
        }
        let yields = purpose != Purpose::Routine && !purpose.is_recheck();
        if yields && under_way(probes, Purpose::is_hurried) >= MAX_HURRIED {
            return false;
        }
        if probes.is_full() {
            // Probes that only wait for a late ack make room: the oldest first, but routine probes last, since they
            // measure how late acks are.
            let lingers = |probe: &Probe| probe.stage == Stage::Lingering;
            let hurried = |probe: &Probe| lingers(probe) && probe.purpose != Purpose::Routine;
            let oldest = probes.iter().position(hurried).or_else(|| probes.iter().position(lingers));
            let Some(oldest) = oldest else { return false };
            probes.remove(oldest);
        }
        let (record, member) = (cx.tables.members.record(slot), cx.tables.members.slot(slot));
        let quarantined =
            purpose == Purpose::Routine && self.quarantines.of(Cause::Own) == Quarantine::Active;
        let effort = match (quarantined, member.is_silent()) {
            (false, _) => Effort::Full,
            (true, false) => Effort::OneRound,
            (true, true) => Effort::Brief,
        };
        let probe = Probe {
            slot,
            target: record.id(),
            incarnation: record.incarnation(),
            purpose,
            believed: record.status() == Status::Alive,
            effort,
            stage: Stage::Direct(0),
            nonce,
            began: judged,
            due: judged,
            pings: [UNTIMED; CONTROL as usize],
            asked: 0,
            nacks: 0,
            controls: heapless::Vec::new(),
            controlled: 0,
        };
        let at = probes.len();
        let _ = probes.push(probe);
        cx.kernel.metrics.probes += 1;
        self.advance_probe(cx, at);
        true
    }

    /// Advances every probe whose time is up.
    pub(crate) fn advance_probes(&mut self, cx: &mut Context<'_, '_>) {
        let judged = cx.kernel.clock.judged();
        // Backwards, since advancing may remove the one at hand.
        for at in (0..self.detector.probes.len()).rev() {
            if !cx.has_room_for_probe() {
                return;
            }
            if self.detector.probes.get(at).is_some_and(|probe| probe.due <= judged) {
                self.advance_probe(cx, at);
            }
        }
    }

    fn advance_probe(&mut self, cx: &mut Context<'_, '_>, at: usize) {
        let Some(probe) = self.detector.probes.get(at) else { return debug_assert!(false, "no such probe") };
        match probe.stage.next(probe.purpose, probe.effort, &cx.kernel.config) {
            Move::Ping => self.ping(cx, at),
            Move::LastPing => {
                self.ping(cx, at);
                self.ping_controls(cx, at);
            }
            Move::AskRelays => {
                self.ping_controls(cx, at);
                self.ask_relays(cx, at);
            }
            Move::Fail => self.fail(cx, at),
            Move::Forget => {
                self.detector.probes.swap_remove(at);
            }
        }
    }

    /// How long to wait for the ack of a member's `attempt`th ping: longer each time, with a tenth of jitter.
    pub(crate) fn ack_wait(&mut self, cx: &mut Context<'_, '_>, slot: SlotId, attempt: u8) -> Duration {
        let zone = cx.zone_of(slot);
        let timeout = cx.kernel.round_trips.timeout(&cx.kernel.config, zone);
        let backed_off = timeout * u64::from(2 + attempt) / 2 * u64::from(self.slowness(cx));
        Duration::from_micros(backed_off + cx.kernel.rng.below_u64(backed_off / 10 + 1))
    }

    fn ping(&mut self, cx: &mut Context<'_, '_>, at: usize) {
        let judged = cx.kernel.clock.judged();
        let Some(probe) = self.detector.probes.get(at) else { return debug_assert!(false, "no such probe") };
        let (slot, target, Stage::Direct(sent)) = (probe.slot, probe.target, probe.stage) else {
            return debug_assert!(false, "the probe is past its direct pings");
        };
        let wait = self.ack_wait(cx, slot, sent);
        let Some(probe) = self.detector.probes.get_mut(at) else {
            return debug_assert!(false, "no such probe");
        };
        if let Some(ping) = probe.pings.get_mut(usize::from(sent)) {
            *ping = u32::try_from(micros(judged.since(probe.began))).unwrap_or(UNTIMED);
        }
        probe.stage = probe.stage.after(Move::Ping);
        probe.due = judged + wait;
        let nonce = probe.nonce | u32::from(sent);
        self.send_ping(cx, slot, target, nonce, sent > 0);
    }

    /// Sends a ping; one to a suspect carries the accusation, so that it can refute at once. One that is sent `again`
    /// is short, has no rumors, and asks for a short ack: the first may have been too long for the path.
    pub(crate) fn send_ping(
        &mut self,
        cx: &mut Context<'_, '_>,
        slot: SlotId,
        target: NodeId,
        nonce: Nonce,
        again: bool,
    ) {
        let record = cx.record(slot);
        let (to, suspect) = (Peer::new(target, record.address()), record.status() != Status::Alive);
        let about = (suspect && cx.kernel.config.mechanisms.tell_suspect).then_some(slot);
        let ping = Message::Ping { nonce, target };
        // Most that do not answer are dead.
        let answers = cx.tables.members.slot(slot).reachability() != Reachability::Unreachable;
        let rumors = answers && !again;
        let intent = Intent { about, rumors, first: !again, ..Intent::bare(to, Traffic::Probe, ping) };
        let limit = if again { MIN_DATAGRAM } else { cx.kernel.config.max_datagram };
        let _ = cx.briefly(limit, |cx| cx.send(intent));
    }

    /// Pings two others in the zone of a member that does not answer, the same two each time.
    fn ping_controls(&mut self, cx: &mut Context<'_, '_>, at: usize) {
        if !cx.kernel.config.mechanisms.quarantines {
            return;
        }
        let Some(probe) = self.detector.probes.get(at) else { return debug_assert!(false, "no such probe") };
        let (slot, nonce) = (probe.slot, probe.nonce);
        if probe.effort == Effort::Brief {
            return;
        }
        let mut controls = probe.controls.clone();
        if controls.is_empty() {
            controls = choose::controls(&cx.tables.members, &mut cx.kernel.rng, slot);
        }
        for (control, attempt) in controls.iter().zip(CONTROL..) {
            self.send_ping(cx, *control, cx.record(*control).id(), nonce | attempt, true);
        }
        if let Some(probe) = self.detector.probes.get_mut(at) {
            probe.controls = controls;
        }
    }

    fn ask_relays(&mut self, cx: &mut Context<'_, '_>, at: usize) {
        let judged = cx.kernel.clock.judged();
        let Some(probe) = self.detector.probes.get(at) else { return debug_assert!(false, "no such probe") };
        let (slot, target, nonce, effort) = (probe.slot, probe.target, probe.nonce | HELPED, probe.effort);
        let stage = probe.stage.after(Move::AskRelays);
        let again = stage.next(probe.purpose, effort, &cx.kernel.config) == Move::AskRelays;
        let all = usize::from(cx.kernel.config.relays);
        let count = if effort == Effort::Brief { all.min(1) } else { all };
        // Most of those that seem reachable may answer relays only: the member that answered last can probe for this
        // node.
        let latest = self.detector.latest_contact().filter(|_| self.stands_alone());
        let (members, rng) = (&cx.tables.members, &mut cx.kernel.rng);
        let relays = if cx.kernel.config.mechanisms.two_relay_rounds {
            choose::relays(members, |zone| self.quarantines.is_quarantined(zone), rng, count, slot, latest)
        } else {
            choose::peers(members, rng, count, |relay| relay != slot)
        };
        if relays.is_empty() {
            self.wait_for_controls(cx, at);
            return;
        }
        let (mut longest, mut asked) = (Duration::ZERO, 0);
        for &relay in &relays {
            let to = cx.peer(relay);
            if cx.send(Intent::laden(to, Traffic::Probe, Message::PingRequest { nonce, target })) {
                asked |= relay_bit(relay);
            }
            longest = longest.max(self.ack_wait(cx, relay, 0));
        }
        // The round trip to the relay, and its pings.
        let pings: Duration =
            (0..cx.kernel.config.relay_pings).map(|attempt| self.ack_wait(cx, slot, attempt)).sum();
        let wait = longest + pings;
        if let Some(probe) = self.detector.probes.get_mut(at) {
            probe.stage = stage;
            probe.asked |= asked;
            // The second round is asked before the first has had all its time, since a request may just have been lost.
            probe.due = judged + if again { wait / 2 } else { wait };
        }
    }

    /// There is no relay to ask; but the controls get the time of a ping.
    fn wait_for_controls(&mut self, cx: &mut Context<'_, '_>, at: usize) {
        let judged = cx.kernel.clock.judged();
        let Some(probe) = self.detector.probes.get(at) else { return debug_assert!(false, "no such probe") };
        if probe.controls.is_empty() || probe.controlled > 0 {
            self.fail(cx, at);
            return;
        }
        let wait = self.ack_wait(cx, probe.slot, 0);
        if let Some(probe) = self.detector.probes.get_mut(at) {
            (probe.stage, probe.due) = (Stage::Relayed(RELAY_ROUNDS), judged + wait);
        }
    }

    fn fail(&mut self, cx: &mut Context<'_, '_>, at: usize) {
        let (judged, longest) = (cx.kernel.clock.judged(), cx.kernel.config.ack_timeout_max);
        let Some(probe) = self.detector.probes.get_mut(at) else {
            return debug_assert!(false, "no such probe");
        };
        // A member is not rechecked again while its last recheck lingers.
        let linger = longest * if probe.purpose.is_recheck() { RECHECK_LINGERS } else { LATE };
        (probe.stage, probe.due) = (probe.stage.after(Move::Fail), judged + linger);
        let Probe { slot, began, purpose, incarnation, believed, effort, asked, nacks, .. } = *probe;
        let brief = effort == Effort::Brief;
        let controlled = probe.controlled > 0 || !cx.kernel.config.mechanisms.quarantines;
        let answers = (nacks & asked).count_ones() + probe.controlled.count_ones();
        let beside = (asked.count_ones() + probe.controls.len() as u32, answers);
        let asked_beside = if cx.kernel.config.mechanisms.answers { beside } else { (0, 0) };
        // Lifeguard: relays that did not even nack suggest that we cannot be reached.
        let missing = if asked == 0 { 1 } else { (asked & !nacks).count_ones() as u8 };
        cx.kernel.metrics.probes_failed += 1;
        if purpose.is_recheck() {
            return;
        }
        let (ours, zone) = (cx.zone_of(ME), cx.zone_of(slot));
        // If our own zone is silent, we may be the cause.
        let quarantined = !controlled && !brief && zone != ours && self.quarantine_zone_of(cx, slot);
        // Silence in an announced pause is expected, so it is no sign of our own trouble.
        if believed && !quarantined && !cx.is_paused(slot) {
            self.standing.note_finding(true);
        }
        self.look_for_own_trouble(cx, asked_beside);
        let explained = quarantined
            || brief
            || (zone != ours && self.quarantines.of(Cause::Zone(zone)) != Quarantine::None);
        if purpose == Purpose::Routine && !explained {
            self.worsen_health(missing.min(cx.kernel.config.relays.max(1)));
        }
        if cx.tables.members.slot(slot).record.incarnation() != incarnation {
            return;
        }
        // Relays failed as well, or no other member answers. A lesser probe may not have asked those that do.
        if effort == Effort::Full && (nacks & asked != 0 || !self.is_in_touch(cx, slot)) {
            self.note_upheld();
        }
        let silent = cx.tables.members.slot(slot).is_silent();
        cx.tables.members.slot_mut(slot).set_silent(true);
        if quarantined || self.quarantines.is_quarantined(zone) {
            return; // the quarantine says it for all members of the zone, until one answers
        }
        self.found_unreachable(cx, slot);
        // A brief probe asks no controls: it cannot tell a member of another zone from the path there.
        let uncontrolled = brief && zone != ours;
        let withheld = uncontrolled
            || too_few_answered(asked_beside)
            || (!controlled && self.own_quarantine() == Quarantine::Active);
        if withheld {
            cx.kernel.metrics.deaths_withheld += 1;
        } else if purpose != Purpose::Newcomer {
            // (Accusing a newcomer would tell others of a member that they may have forgotten as dead.)
            self.probe_failed(cx, slot, began, silent);
        }
    }

    fn found_unreachable(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        let member = cx.tables.members.slot_mut(slot);
        if member.reachability() != Reachability::Unreachable {
            member.set_reachability(Reachability::Unreachable);
            let id = member.record.id();
            cx.raise(Event::Unreachable(id));
        }
    }

    /// Whether another recheck may begin.
    pub(crate) fn may_recheck(&self) -> bool {
        under_way(&self.detector.probes, Purpose::is_recheck) < MAX_RECHECKS
    }

    /// Whether a member is being rechecked, or was a moment ago.
    pub(crate) fn was_rechecked(&self, slot: SlotId) -> bool {
        self.detector.probes.iter().any(|probe| probe.slot == slot && probe.purpose.is_recheck())
    }

    /// Whether a probe has this nonce, and its target or one of its controls is at this address.
    pub(crate) fn probes_at(&self, cx: &Context<'_, '_>, address: SocketAddr, nonce: Nonce) -> bool {
        let base = nonce & !(ATTEMPTS - 1);
        let at = |&slot: &SlotId| cx.record(slot).address() == address;
        let pinged = |probe: &Probe| {
            probe.nonce == base && core::iter::once(&probe.slot).chain(&probe.controls).any(at)
        };
        self.detector.probes.iter().any(pinged)
    }

    /// This node slept, and acks may have waited for it: pings under way measure no round trips.
    pub(crate) fn stop_timing_pings(&mut self) {
        for probe in &mut self.detector.probes {
            probe.pings = [UNTIMED; CONTROL as usize];
        }
    }
}

impl Context<'_, '_> {
    /// Whether the outbox has room for all that one probe can send and raise. What has no room waits for the next tick,
    /// which is due at once.
    pub(crate) fn has_room_for_probe(&self) -> bool {
        let packets = usize::from(self.kernel.config.relays) + CONTROLS;
        self.out.event_room() >= EVENTS_PER_PROBE && self.has_room_for(packets)
    }
}
