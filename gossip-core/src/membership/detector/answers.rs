//! What comes back: acks, nacks, and what they say of members.

use super::{ATTEMPTS, CONTROL, Probe, Purpose, RELAY_ROUNDS, Stage, UNTIMED, relay_bit};
use crate::{
    kernel::{context::Context, outbox::Event},
    membership::plane::Membership,
    tables::table::SlotId,
    vocabulary::{
        record::{NodeId, Reachability},
        time::{Instant, Judged, micros},
    },
    wire::message::Nonce,
};
use core::time::Duration;

impl Membership {
    /// An ack came from a member.
    pub(crate) fn handle_ack(&mut self, cx: &mut Context<'_, '_>, sender: NodeId, nonce: Nonce) {
        let (base, attempt) = (nonce & !(ATTEMPTS - 1), nonce & (ATTEMPTS - 1));
        let probes = &self.detector.probes;
        let of_ours = |probe: &Probe| probe.nonce == base && probe.target == sender;
        let of_control = |probe: &Probe| probe.nonce == base && attempt >= CONTROL;
        if let Some(at) = probes.iter().position(of_ours) {
            if attempt < CONTROL {
                cx.kernel.repeats.note(attempt > 0);
            }
            self.answered(cx, at, Some(attempt as usize));
        } else if let Some(at) = probes.iter().position(of_control) {
            self.control_answered(cx, at, sender);
        } else {
            self.relay_answered(cx, sender, nonce);
        }
    }

    /// Whether an ack with this nonce, by this member, would be news: of a probe of ours, a control, a relayed ping, or our leave.
    pub(crate) fn awaits_ack(&self, cx: &Context<'_, '_>, sender: SlotId, nonce: Nonce) -> bool {
        let base = nonce & !(ATTEMPTS - 1);
        let of_probe =
            |probe: &Probe| probe.nonce == base && (probe.slot == sender || probe.controls.contains(&sender));
        self.detector.probes.iter().any(of_probe)
            || self.relays.awaits(sender, nonce)
            || self.lifecycle.farewell() == Some(nonce) && !self.lifecycle.has_acknowledged(sender)
            || self.healing.is_reconnect(cx.record(sender).address(), nonce)
    }

    /// Whether this member was asked to ping another, with this nonce.
    pub(crate) fn has_asked_relay(&self, relay: SlotId, nonce: Nonce) -> bool {
        let base = nonce & !(ATTEMPTS - 1);
        self.detector.probes.iter().any(|probe| probe.nonce == base && probe.asked & relay_bit(relay) != 0)
    }

    /// A control answered: the path to this zone works.
    fn control_answered(&mut self, cx: &mut Context<'_, '_>, at: usize, sender: NodeId) {
        let Some(control) = cx.tables.members.find(sender) else { return };
        let Some(probe) = self.detector.probes.get_mut(at) else {
            return debug_assert!(false, "no such probe");
        };
        if let Some(which) = probe.controls.iter().position(|&asked| asked == control) {
            probe.controlled |= 1 << which;
            self.reached(cx, control);
        }
    }

    /// A relay reached the target, so both are alive.
    pub(crate) fn handle_relayed_ack(&mut self, cx: &mut Context<'_, '_>, relay: SlotId, nonce: Nonce) {
        let base = nonce & !(ATTEMPTS - 1);
        let asked = |probe: &Probe| probe.nonce == base && probe.asked & relay_bit(relay) != 0;
        if let Some(at) = self.detector.probes.iter().position(asked) {
            self.answered(cx, at, None);
            self.note_refuted();
            // The relay goes last, as the latest contact: we may be unable to reach the target.
            self.reached(cx, relay);
        }
    }

    /// A probe was answered: directly, to this attempt of it, or through a relay.
    fn answered(&mut self, cx: &mut Context<'_, '_>, at: usize, attempt: Option<usize>) {
        let probe = self.detector.probes.swap_remove(at);
        if let Some(attempt) = attempt {
            let ping = probe.pings.get(attempt).copied().unwrap_or(UNTIMED);
            self.measure_round_trip(cx, probe.slot, probe.began, ping);
        }
        if probe.stage != Stage::Lingering {
            cx.kernel.metrics.probes_answered += 1;
            // Rechecks go to members that seem to be back, and are no sample of the cluster.
            if !probe.purpose.is_recheck() {
                self.standing.note_finding(false);
            }
            self.detector.health = self.detector.health.saturating_sub(1);
        }
        self.reached(cx, probe.slot);
        self.look_for_own_trouble(cx, (0, 0));
        match probe.purpose {
            Purpose::Check => self.check_passed(cx, probe.slot),
            Purpose::Newcomer => {
                let born = cx.tables.members.slot(probe.slot).born;
                cx.enqueue(probe.slot, born);
            }
            Purpose::Routine | Purpose::Confirm | Purpose::Recheck | Purpose::ZoneCheck => {}
        }
    }

    fn measure_round_trip(
        &mut self,
        cx: &mut Context<'_, '_>,
        slot: SlotId,
        began: Judged<Instant>,
        ping: u32,
    ) {
        if ping == UNTIMED {
            return;
        }
        let sent = began + Duration::from_micros(u64::from(ping));
        let rtt = micros(cx.kernel.clock.judged().since(sent));
        let zone = cx.zone_of(slot);
        if cx.kernel.config.mechanisms.round_trips {
            cx.kernel.round_trips.record(zone, rtt);
        }
        cx.kernel.metrics.rtt_us.record(u32::try_from(rtt).unwrap_or(u32::MAX));
    }

    /// A member has answered us: it is there, and so is its zone.
    pub(crate) fn reached(&mut self, cx: &mut Context<'_, '_>, slot: SlotId) {
        self.detector.contacts.note(slot, cx.kernel.clock.judged());
        self.release_zone_of(cx, slot);
        cx.kernel.seeds.note_good(cx.tables.members.record(slot).address());
        let member = cx.tables.members.slot_mut(slot);
        let was = member.reachability();
        member.set_reachability(Reachability::Reachable);
        member.set_silent(false);
        member.set_answered();
        if was == Reachability::Unreachable {
            let id = member.record.id();
            cx.raise(Event::Reachable(id));
        }
    }

    /// A relay could not reach the target either; but the relay answers.
    pub(crate) fn handle_nack(&mut self, cx: &mut Context<'_, '_>, relay: SlotId, nonce: Nonce) {
        let base = nonce & !(ATTEMPTS - 1);
        let judged = cx.kernel.clock.judged();
        let detector = &mut self.detector;
        let of_ours = |probe: &&mut Probe| probe.nonce == base && matches!(probe.stage, Stage::Relayed(_));
        let Some(probe) = detector.probes.iter_mut().find(of_ours) else { return };
        probe.nacks |= relay_bit(relay) & probe.asked;
        if probe.nacks == probe.asked {
            probe.stage = Stage::Relayed(RELAY_ROUNDS);
            // No relay is left to wait for; but a control may still answer in its time.
            if probe.controlled > 0 || probe.controls.is_empty() {
                probe.due = judged;
            }
        }
        self.reached(cx, relay);
    }

    /// Whether a member answered us within the shortest suspicion.
    pub(crate) fn just_heard_from(&self, cx: &Context<'_, '_>, slot: SlotId) -> bool {
        let window = Duration::from_micros(cx.suspicion_floor(slot));
        let since = cx.kernel.clock.judged() - window;
        self.detector.contacts.has(slot, since)
    }

    /// Whether others than a member have answered lately.
    pub(crate) fn is_in_touch(&self, cx: &Context<'_, '_>, slot: SlotId) -> bool {
        let config = &cx.kernel.config;
        let lately = config.probe_interval * 2 + config.ack_timeout_max;
        self.detector.contacts.has_another(slot, cx.kernel.clock.judged() - lately)
    }
}
