//! The one table of timers: what comes with time, when, and what is done then.

use crate::{
    dissemination::{proofs::ask_for_proofs, reconcile::Sync, rounds::Occasion},
    kernel::outbox::Event,
    membership::{identity::Phase, judgement::Quarantine, plane::Membership, quarantine::Cause},
    node::step::Step,
    vocabulary::time::Instant,
};
use core::time::Duration;

/// Everything that becomes due by time alone, the most urgent first. One tick does all of it that is due; each part
/// stops at its own bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timer {
    /// A quarantine has used up its time, or regained it.
    Quarantine,
    /// An ack is overdue: of a probe of our own, ...
    Ack,
    /// ... or of one on behalf of another.
    RelayedAck,
    Recheck,
    Suspicion,
    RoutineProbe,
    Round,
    Sieve,
    /// A joiner asks again, or a member contacts a seed.
    Join,
    Reconnect,
    Tombstone,
    /// What this node has written is told, or compacted.
    OwnState,
    /// A cluster-wide value that was deleted is forgotten.
    Value,
    /// What is missing of others' state is asked for, and that of the dead forgotten.
    Gap,
    /// Events that were announced and have not come are asked for, or that were missed during a pause of our own.
    EventAsk,
    /// A question has no answer yet.
    Ask,
    /// Pulses are told.
    Pulse,
    /// The pause that we announced is over.
    Pause,
    Leave,
}

impl Timer {
    const ALL: [Self; 19] = [
        Self::Quarantine,
        Self::Ack,
        Self::RelayedAck,
        Self::Recheck,
        Self::Suspicion,
        Self::RoutineProbe,
        Self::Round,
        Self::Sieve,
        Self::Join,
        Self::Reconnect,
        Self::Tombstone,
        Self::OwnState,
        Self::Value,
        Self::Gap,
        Self::EventAsk,
        Self::Ask,
        Self::Pulse,
        Self::Pause,
        Self::Leave,
    ];
}

impl Step<'_, '_> {
    /// One tick's work.
    pub(super) fn do_what_is_due(&mut self) {
        if self.membership.lifecycle.phase() == Phase::Gone {
            return;
        }
        if self.membership.is_out_of_touch(&self.cx) {
            self.start_over();
        }
        #[cfg(feature = "seal")]
        self.replace_worn_epoch();
        #[cfg(feature = "seal")]
        if self.cx.kernel.guard.is_unpublished {
            self.publish_keys();
        }
        Timer::ALL.into_iter().for_each(|timer| self.run(timer));
    }

    /// Begins another epoch before the counter of sealed datagrams is at its end.
    #[cfg(feature = "seal")]
    fn replace_worn_epoch(&mut self) {
        if self.cx.kernel.guard.is_worn() {
            let me = self.cx.me().incarnation();
            self.membership.bump_epoch(&mut self.cx, me);
        }
    }

    /// This node itself was paused, until this step came so late.
    #[inline(never)]
    pub(super) fn wake(&mut self, late: Duration) {
        if self.membership.lifecycle.phase() == Phase::Gone {
            return;
        }
        self.cx.kernel.metrics.local_pauses += 1;
        self.membership.worsen_health(1);
        self.membership.stop_timing_pings();
        self.cx.raise(Event::LocalPause { late });
        self.state.note_pause(&self.cx);
        if self.membership.is_out_of_touch(&self.cx) {
            self.start_over();
        }
    }

    /// When the next timer runs out.
    pub(super) fn next_deadline(&self) -> Instant {
        if self.membership.lifecycle.phase() == Phase::Gone {
            return Instant::NEVER;
        }
        Timer::ALL.map(|timer| self.due(timer)).into_iter().min().unwrap_or(Instant::NEVER)
    }

    /// When a timer runs out, by the host's clock.
    fn due(&self, timer: Timer) -> Instant {
        let (membership, cx) = (&self.membership, &self.cx);
        match timer {
            Timer::Quarantine => membership.next_quarantine(cx),
            Timer::Ack => cx.kernel.clock.real(membership.detector.next_due()),
            Timer::RelayedAck => cx.kernel.clock.real(membership.relays.next_due()),
            Timer::Recheck => membership.rechecks.next(),
            Timer::Suspicion => cx.next_expiry(),
            Timer::RoutineProbe => membership.detector.next_probe(),
            Timer::Round => cx.kernel.pace.round,
            Timer::Sieve => cx.kernel.pace.sieve,
            Timer::Join => self.bootstrap.joining.next(),
            Timer::Reconnect => membership.healing.next(),
            Timer::Tombstone => cx.next_forgetting(),
            Timer::OwnState => self.state.next_own(),
            Timer::Value => self.state.next_value(),
            Timer::Gap => self.state.next_gap(cx),
            Timer::EventAsk => self.state.next_event_ask(cx),
            Timer::Ask => self.state.next_ask(cx),
            Timer::Pulse => self.state.next_pulse(cx),
            Timer::Pause => membership.lifecycle.pause_ends(),
            Timer::Leave => membership.leave_ends(cx),
        }
    }

    /// Does what a timer is for, if it has run out.
    fn run(&mut self, timer: Timer) {
        let (membership, cx) = (&mut *self.membership, &mut self.cx);
        match timer {
            Timer::Quarantine => membership.pass_quarantines(cx),
            Timer::Ack => membership.advance_probes(cx),
            Timer::RelayedAck => membership.advance_relays(cx),
            Timer::Recheck => membership.begin_recheck(cx),
            Timer::Suspicion => membership.expire_suspicions(cx),
            Timer::RoutineProbe => {
                membership.begin_routine_probe(cx);
                ask_for_proofs(cx);
            }
            Timer::Round => self.gossip_round(),
            Timer::Sieve => self.dissemination.sieve(cx),
            Timer::Join => self.bootstrap.advance_joining(cx),
            Timer::Reconnect => membership.reconnect(cx),
            Timer::Tombstone => membership.forget_tombstones(cx),
            Timer::OwnState => self.state.advance_own(cx),
            Timer::Value => self.state.forget_values(cx),
            Timer::Gap => self.state.close_gaps(cx),
            Timer::EventAsk => self.state.ask_for_events(cx),
            Timer::Ask => self.state.advance_asks(cx),
            Timer::Pulse => {
                let quarantines = &membership.quarantines;
                self.state.send_pulses(cx, |zone| quarantines.is_quarantined(zone));
            }
            Timer::Pause => membership.end_pause(cx),
            Timer::Leave => membership.finish_leaving(cx),
        }
    }

    fn gossip_round(&mut self) {
        let Membership { lifecycle, quarantines, detector, .. } = &*self.membership;
        let is_passed_over =
            |slot, zone| quarantines.is_quarantined(zone) || lifecycle.has_acknowledged(slot);
        let occasion = Occasion {
            farewell: lifecycle.farewell(),
            in_quarantine: quarantines.of(Cause::Own) != Quarantine::None,
            latest_contact: detector.latest_contact(),
            is_passed_over: &is_passed_over,
        };
        self.dissemination.gossip_round(&mut self.cx, &occasion);
    }

    /// Forgets all members and joins anew, through the seeds and the last good addresses.
    pub(super) fn start_over(&mut self) {
        let now = self.cx.now();
        self.membership.forget_everybody(&mut self.cx);
        self.cx.kernel.seeds.start_over();
        let asks = self.cx.kernel.seeds.knows_whom_to_ask();
        self.bootstrap.joining.start_over(now, asks);
        self.dissemination.sync = Sync::new();
        self.state.start_over();
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;
    use crate::{
        node::api::Node,
        tables::memory::{Heap, Storage as _},
        vocabulary::{
            config::{ClusterName, Config},
            record::{Identity, Locality, NodeId},
        },
    };

    #[test]
    fn who_starts_over_names_no_slot_of_former_members() {
        let identity = |id: u64| Identity {
            id: NodeId::from_u64(id).unwrap(),
            epoch: 1,
            address: ([10, 0, 0, id as u8], 7_946).into(),
            locality: Locality::default(),
        };
        let config = Config::lan(ClusterName::named("test").unwrap());
        let mut node = Node::new(config, identity(1), [1; 32], Heap::for_members(8), Instant::ZERO).unwrap();
        let mut buffer = crate::Buffer::<16, 128, 19_200>::new();
        let mut out = buffer.outbox();
        let other = crate::Record::new(identity(2), crate::Versions { min: 1, max: 1 });
        let _ = node.restore(Instant::ZERO, &[other], &mut out);
        let slot = node.memory.views().members.find(other.id()).unwrap();
        node.kernel.changes.note(slot, Instant::ZERO.stamp());
        let Node { kernel, planes, memory, .. } = &mut node;
        Step::new(kernel, planes, memory.tables(), &mut out).start_over();
        assert!(memory.tables().members.find(other.id()).is_none());
        assert_eq!(kernel.changes.len(), 0, "a change names the slot of a member that was forgotten");
    }
}
