//! What comes back: acks, nacks, and what they say of members.

use super::{ATTEMPTS, CONTROL, HELPER_ROUNDS, Probe, Purpose, Stage, UNTIMED, helper_bit};
use crate::{
    kernel::{context::Step, outbox::Event},
    tables::table::SlotId,
    vocabulary::{
        record::{NodeId, Reachability},
        time::{Instant, micros},
    },
    wire::message::Nonce,
};
use core::time::Duration;

impl Step<'_, '_> {
    /// An ack came from a member.
    pub(crate) fn handle_ack(&mut self, sender: NodeId, nonce: Nonce) {
        let (base, attempt) = (nonce & !(ATTEMPTS - 1), nonce & (ATTEMPTS - 1));
        let probes = &self.core.detector.probes;
        let of_ours = |probe: &Probe| probe.nonce == base && probe.target == sender;
        let of_control = |probe: &Probe| probe.nonce == base && attempt >= CONTROL;
        if let Some(at) = probes.iter().position(of_ours) {
            if attempt < CONTROL {
                self.core.gossip.note_ping(attempt > 0);
            }
            self.answered(at, Some(attempt as usize));
        } else if let Some(at) = probes.iter().position(of_control) {
            self.control_answered(at, sender);
        } else {
            self.relay_answered(sender, nonce);
        }
    }

    /// A control answered: the road to this zone is open.
    fn control_answered(&mut self, at: usize, sender: NodeId) {
        let Some(control) = self.tables.members.find(sender) else { return };
        let Some(probe) = self.core.detector.probes.get_mut(at) else { return };
        if let Some(which) = probe.controls.iter().position(|&asked| asked == control) {
            probe.controlled |= 1 << which;
            self.reached(control);
        }
    }

    /// A helper reached the target, so both are alive.
    pub(crate) fn handle_relayed_ack(&mut self, helper: SlotId, nonce: Nonce) {
        let base = nonce & !(ATTEMPTS - 1);
        let asked = |probe: &Probe| probe.nonce == base && probe.asked & helper_bit(helper) != 0;
        if let Some(at) = self.core.detector.probes.iter().position(asked) {
            self.answered(at, None);
            // The helper goes last, as the latest contact: we may be unable to reach the target.
            self.reached(helper);
        }
    }

    /// A probe was answered: directly, to this attempt of it, or through a helper.
    fn answered(&mut self, at: usize, attempt: Option<usize>) {
        let probe = self.core.detector.probes.swap_remove(at);
        if let Some(attempt) = attempt {
            let ping = probe.pings.get(attempt).copied().unwrap_or(UNTIMED);
            self.measure_round_trip(probe.slot, probe.began, ping);
        }
        if probe.stage != Stage::Lingering {
            self.core.metrics.probes_answered += 1;
            // Rechecks go to members that seem to be back, and are no sample of the cluster.
            if !probe.purpose.is_recheck() {
                self.core.standing.note_finding(false);
            }
            self.core.detector.health = self.core.detector.health.saturating_sub(1);
        }
        self.reached(probe.slot);
        self.look_for_own_trouble((0, 0));
        match probe.purpose {
            Purpose::Check => self.check_passed(probe.slot),
            Purpose::Newcomer => {
                let born = self.tables.members.slot(probe.slot).born;
                self.heat(probe.slot, born);
            }
            Purpose::Routine | Purpose::Confirm | Purpose::Recheck | Purpose::ZoneCheck => {}
        }
    }

    fn measure_round_trip(&mut self, slot: SlotId, began: Instant, ping: u32) {
        if ping == UNTIMED {
            return;
        }
        let sent = began + Duration::from_micros(u64::from(ping));
        let rtt = micros(self.core.clock.judged().since(sent));
        let zone = self.zone_of(slot);
        if self.core.config.mechanisms.round_trips {
            self.core.round_trips.record(zone, rtt);
        }
        self.core.metrics.rtt_us.record(u32::try_from(rtt).unwrap_or(u32::MAX));
    }

    /// A member has answered us: it is there, and so is its zone.
    pub(crate) fn reached(&mut self, slot: SlotId) {
        self.core.detector.contacts.note(slot, self.core.clock.judged());
        self.release_zone_of(slot);
        self.core.joining.note_good(self.tables.members.record(slot).address());
        let member = self.tables.members.slot_mut(slot);
        let was = member.reachability();
        member.set_reachability(Reachability::Reachable);
        member.set_silent(false);
        member.set_answered();
        if was == Reachability::Unreachable {
            let id = member.record.id();
            self.raise(Event::Reachable(id));
        }
    }

    /// A helper could not reach the target either; but the helper answers.
    pub(crate) fn handle_nack(&mut self, helper: SlotId, nonce: Nonce) {
        let base = nonce & !(ATTEMPTS - 1);
        let judged = self.core.clock.judged();
        let detector = &mut self.core.detector;
        let of_ours = |probe: &&mut Probe| probe.nonce == base && matches!(probe.stage, Stage::Helping(_));
        let Some(probe) = detector.probes.iter_mut().find(of_ours) else { return };
        probe.nacks |= helper_bit(helper) & probe.asked;
        if probe.nacks == probe.asked {
            probe.stage = Stage::Helping(HELPER_ROUNDS);
            // No helper is left to wait for; but a control may still answer in its time.
            if probe.controlled > 0 || probe.controls.is_empty() {
                probe.due = judged;
            }
        }
        self.reached(helper);
    }

    /// Whether a member answered us within the shortest suspicion.
    pub(crate) fn just_heard_from(&self, slot: SlotId) -> bool {
        let window = Duration::from_micros(self.suspicion_floor(slot));
        let since = self.core.clock.judged() - window;
        self.core.detector.contacts.has(slot, since)
    }

    /// Whether others than a member have answered lately.
    pub(crate) fn is_in_touch(&self, slot: SlotId) -> bool {
        let config = &self.core.config;
        let lately = config.probe_interval * 2 + config.ack_timeout_max;
        self.core.detector.contacts.has_another(slot, self.core.clock.judged() - lately)
    }
}
