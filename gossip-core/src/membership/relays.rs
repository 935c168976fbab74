//! Pings on behalf of others: what a relay does.
//!
//! A relay pings the target a few times, and sends a relayed ack, or a nack, which says at least that the relay is
//! alive. A nack accuses no one: the relay then probes the target itself, and may accuse it in its own name.

use crate::{
    kernel::{context::Context, sending::Intent},
    membership::{detector::Purpose, judgement::Quarantine, plane::Membership},
    tables::table::{ME, SlotId},
    vocabulary::{
        bounds::sized,
        record::NodeId,
        time::{Instant, Judged},
        traffic::Traffic,
    },
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
    due: Judged<Instant>,
}

/// The relay's state.
#[derive(Clone, Default)]
pub(crate) struct Relays(heapless::Vec<Relay, MAX_RELAYS>);

impl Relays {
    /// When the next ack is overdue, by the judgement clock.
    pub(crate) fn next_due(&self) -> Judged<Instant> {
        self.0.iter().map(|relay| relay.due).min().unwrap_or(Judged::NEVER)
    }

    /// The slots that it names.
    #[cfg(fuzzing)]
    pub(crate) fn slots(&self) -> impl Iterator<Item = SlotId> {
        self.0.iter().flat_map(|relay| [relay.requester, relay.target])
    }

    /// A slot is about to be given to another member.
    pub(crate) fn forget(&mut self, slot: SlotId) {
        self.0.retain(|relay| relay.target != slot && relay.requester != slot);
    }
}

impl Relays {
    /// Whether this node pinged a member with this nonce on behalf of another.
    pub(crate) fn awaits(&self, target: SlotId, nonce: Nonce) -> bool {
        self.0.iter().any(|relay| relay.ours == nonce && relay.target == target)
    }
}

impl Membership {
    /// Advances every relay whose time is up.
    pub(crate) fn advance_relays(&mut self, cx: &mut Context<'_, '_>) {
        let judged = cx.kernel.clock.judged();
        // Backwards, since advancing may remove the one at hand.
        for at in (0..self.relays.0.len()).rev() {
            if !cx.has_room_for_probe() {
                return;
            }
            if self.relays.0.get(at).is_some_and(|relay| relay.due <= judged) {
                self.advance_relay(cx, at);
            }
        }
    }

    /// A member asks us to ping another.
    pub(crate) fn handle_ping_request(
        &mut self,
        cx: &mut Context<'_, '_>,
        requester: SlotId,
        nonce: Nonce,
        target: NodeId,
    ) {
        let judged = cx.kernel.clock.judged();
        if target == cx.my_id() {
            self.answer_requester(cx, requester, Message::RelayedAck { nonce });
            return;
        }
        let known = cx.tables.members.find(target).filter(|&slot| cx.record(slot).status().is_live());
        let relays = &self.relays.0;
        if relays.iter().any(|relay| relay.requester == requester && relay.theirs == nonce) {
            return; // asked again before the answer was out
        }
        let (Some(target), false) = (known, relays.is_full()) else {
            cx.kernel.metrics.dropped_relays_full += u64::from(known.is_some());
            self.refuse(cx, requester, nonce);
            return;
        };
        let ours = self.fresh_nonce_of_no_probe(cx);
        let relay = Relay { requester, theirs: nonce, ours, target, sent: 0, due: judged };
        let _ = self.relays.0.push(relay);
        self.advance_relay(cx, self.relays.0.len() - 1);
    }

    fn advance_relay(&mut self, cx: &mut Context<'_, '_>, at: usize) {
        let judged = cx.kernel.clock.judged();
        let Some(relay) = self.relays.0.get(at) else { return debug_assert!(false, "no such relayed ping") };
        let (slot, sent, ours) = (relay.target, relay.sent, relay.ours);
        if sent < cx.kernel.config.relay_pings {
            let wait = self.ack_wait(cx, slot, sent);
            if let Some(relay) = self.relays.0.get_mut(at) {
                (relay.sent, relay.due) = (sent + 1, judged + wait);
            }
            let target = cx.record(slot).id();
            cx.kernel.metrics.relayed_pings += 1;
            self.send_ping(cx, slot, target, ours, sent > 0);
            return;
        }
        let relay = self.relays.0.swap_remove(at);
        self.refuse(cx, relay.requester, relay.theirs);
        let enough = usize::from(cx.kernel.config.confirmations);
        let accused = cx.accusers(slot).len() > enough || cx.accuses(ME, slot);
        if cx.kernel.config.mechanisms.two_relay_rounds
            && cx.record(slot).status().is_live()
            && !accused
            && !cx.is_restless(slot)
            && self.own_quarantine() != Quarantine::Active
        {
            let _ = self.probe(cx, slot, Purpose::Confirm);
        }
    }

    /// An ack of a relayed ping came.
    pub(crate) fn relay_answered(&mut self, cx: &mut Context<'_, '_>, sender: NodeId, nonce: Nonce) {
        let found =
            self.relays.0.iter().position(|relay| {
                relay.ours == nonce && cx.tables.members.record(relay.target).id() == sender
            });
        let Some(at) = found else { return };
        let relay = self.relays.0.swap_remove(at);
        self.reached(cx, relay.target);
        self.answer_requester(cx, relay.requester, Message::RelayedAck { nonce: relay.theirs });
    }

    /// Tells a requester that we could not reach its target.
    fn refuse(&mut self, cx: &mut Context<'_, '_>, requester: SlotId, nonce: Nonce) {
        if cx.kernel.config.mechanisms.two_relay_rounds {
            self.answer_requester(cx, requester, Message::Nack { nonce });
        }
    }

    fn answer_requester(&mut self, cx: &mut Context<'_, '_>, requester: SlotId, message: Message) {
        let to = cx.peer(requester);
        let _ = cx.send(Intent::laden(to, Traffic::Probe, message));
    }
}
