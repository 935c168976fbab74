//! Pings on behalf of others: what a helper does.
//!
//! A helper pings the target a few times, and sends a relayed ack, or a nack, which says at least that the helper is
//! alive. A nack accuses nobody: the helper then probes the target for itself, and may accuse it in its own name.

use crate::{
    kernel::{
        context::{Intent, Step},
        outbox::Traffic,
    },
    membership::{detector::Purpose, judgement::Doubt},
    tables::{
        memory::sized,
        table::{ME, SlotId},
    },
    vocabulary::{record::NodeId, time::Instant},
    wire::message::{Message, Nonce},
};

/// Pings under way on behalf of others.
const MAX_RELAYS: usize = sized(16, 6);

#[derive(Clone)]
struct Relay {
    requester: SlotId,
    theirs: Nonce,
    ours: Nonce,
    target: SlotId,
    sent: u8,
    /// By the judgement clock.
    due: Instant,
}

/// The helper's state.
#[derive(Clone, Default)]
pub(crate) struct Relays(heapless::Vec<Relay, MAX_RELAYS>);

impl Relays {
    /// When the next ack is overdue, by the judgement clock.
    pub(crate) fn next_due(&self) -> Instant {
        self.0.iter().map(|relay| relay.due).min().unwrap_or(Instant::NEVER)
    }

    /// The slots that it names.
    #[cfg(fuzzing)]
    pub(crate) fn slots(&self) -> impl Iterator<Item = SlotId> {
        self.0.iter().flat_map(|relay| [relay.requester, relay.target])
    }

    /// A slot is about to be given to somebody else.
    pub(crate) fn forget(&mut self, slot: SlotId) {
        self.0.retain(|relay| relay.target != slot && relay.requester != slot);
    }
}

impl Step<'_, '_> {
    /// Advances every relay whose time is up.
    pub(crate) fn advance_relays(&mut self) {
        let judged = self.core.clock.judged();
        // Backwards, since advancing may remove the one at hand.
        for at in (0..self.core.relays.0.len()).rev() {
            if !self.has_room_for_probe() {
                return;
            }
            if self.core.relays.0.get(at).is_some_and(|relay| relay.due <= judged) {
                self.advance_relay(at);
            }
        }
    }

    /// A member asks us to ping another.
    pub(crate) fn handle_ping_request(&mut self, requester: SlotId, nonce: Nonce, target: NodeId) {
        let judged = self.core.clock.judged();
        if target == self.my_id() {
            self.answer_requester(requester, Message::RelayedAck { nonce });
            return;
        }
        let known = self.tables.members.find(target).filter(|&slot| self.record(slot).status().is_live());
        let relays = &self.core.relays.0;
        if relays.iter().any(|relay| relay.requester == requester && relay.theirs == nonce) {
            return; // asked again before the answer was out
        }
        let (Some(target), false) = (known, relays.is_full()) else {
            self.core.metrics.dropped_relays_full += u64::from(known.is_some());
            self.refuse(requester, nonce);
            return;
        };
        let ours = self.fresh_nonce_of_no_probe();
        let relay = Relay { requester, theirs: nonce, ours, target, sent: 0, due: judged };
        let _ = self.core.relays.0.push(relay);
        self.advance_relay(self.core.relays.0.len() - 1);
    }

    fn advance_relay(&mut self, at: usize) {
        let judged = self.core.clock.judged();
        let Some(relay) = self.core.relays.0.get(at) else { return };
        let (slot, sent, ours) = (relay.target, relay.sent, relay.ours);
        if sent < self.core.config.helper_pings {
            let wait = self.ack_wait(slot, sent);
            if let Some(relay) = self.core.relays.0.get_mut(at) {
                (relay.sent, relay.due) = (sent + 1, judged + wait);
            }
            let target = self.record(slot).id();
            self.core.metrics.relayed_pings += 1;
            self.send_ping(slot, target, ours, sent > 0);
            return;
        }
        let relay = self.core.relays.0.swap_remove(at);
        self.refuse(relay.requester, relay.theirs);
        let enough = usize::from(self.core.config.confirmations);
        let accused = self.accusers(slot).len() > enough || self.accuses(ME, slot);
        if self.core.config.mechanisms.full_help
            && self.record(slot).status().is_live()
            && !accused
            && !self.is_restless(slot)
            && self.own_doubt() != Doubt::Open
        {
            let _ = self.probe(slot, Purpose::Confirm);
        }
    }

    /// An ack of a relayed ping came.
    pub(crate) fn relay_answered(&mut self, sender: NodeId, nonce: Nonce) {
        let found =
            self.core.relays.0.iter().position(|relay| {
                relay.ours == nonce && self.tables.members.record(relay.target).id() == sender
            });
        let Some(at) = found else { return };
        let relay = self.core.relays.0.swap_remove(at);
        self.reached(relay.target);
        self.answer_requester(relay.requester, Message::RelayedAck { nonce: relay.theirs });
    }

    /// Tells a requester that we could not reach its target.
    fn refuse(&mut self, requester: SlotId, nonce: Nonce) {
        if self.core.config.mechanisms.full_help {
            self.answer_requester(requester, Message::Nack { nonce });
        }
    }

    fn answer_requester(&mut self, requester: SlotId, message: Message) {
        let to = self.record(requester).address();
        let _ = self.send(Intent::laden(to, Traffic::Probe, message));
    }
}
