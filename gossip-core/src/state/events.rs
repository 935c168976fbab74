//! User events: heard, delivered, and told on.
//!
//! ```text
//! a whole that is news ──▶ host, and pending
//! a head that is news ──want──▶ its sender ──0.4 s──▶ any member ──0.4 s──▶ …
//! after a pause of this node ──all that was heard──▶ a member ──▶ what is missing
//! ```

use crate::wire::{event::WANT_BYTES, frame::BESIDE_SECTIONS};
use crate::{
    kernel::{choose, context::Context, outbox::Event, peer::Peer},
    state::plane::State,
    tables::events::{
        event::{Head, UserEvent, Want, Wants, tag},
        limits::BESIDE_PAYLOAD,
        store::{Heard, Refusal},
    },
    vocabulary::{
        error::StateError,
        record::NodeId,
        time::{Instant, micros},
        traffic::Traffic,
    },
};
use core::time::Duration;

/// How long after a pause of its own a node asks what it missed: what waited in its socket is handled before.
const CATCH_UP_AFTER: Duration = Duration::from_millis(200);
/// How many members it asks, one after the other: a datagram may be lost.
const CATCH_UPS: u8 = 2;
/// The time between them.
const CATCH_UP_GAP: Duration = Duration::from_secs(1);

/// When this node asks what events it missed.
#[derive(Clone)]
pub(super) struct CatchUp {
    due: Instant,
    left: u8,
}

impl CatchUp {
    pub(super) const NONE: Self = Self { due: Instant::NEVER, left: 0 };
}

impl State {
    /// Sends an event of this node to all members.
    pub(crate) fn send_event(&mut self, cx: &mut Context<'_, '_>, payload: &[u8]) -> Result<(), StateError> {
        if !cx.tables.events.keeps() {
            return Err(StateError::NoMemory);
        }
        let (now, me) = (cx.now(), *cx.me());
        let from = (me.id(), me.incarnation().epoch);
        let sent = cx.tables.events.send(now, from, payload).map_err(|refusal| match refusal {
            Refusal::TooLarge { most } => StateError::EventTooLarge { most },
            Refusal::TooMany { wait } => StateError::Busy { wait },
            Refusal::Numbers => StateError::Exhausted,
        })?;
        cx.kernel.metrics.events_sent += 1;
        cx.kernel.metrics.events_displaced += u64::from(sent.displaced);
        cx.schedule_round();
        Ok(())
    }

    /// Takes in an event that was born `age` ms ago or up to `SLACK` before.
    pub(crate) fn hear_event(&mut self, cx: &mut Context<'_, '_>, event: &UserEvent<'_>, age: u32) {
        cx.kernel.metrics.events_received += 1;
        let (now, id, max) = (cx.now(), event.id, usize::from(cx.kernel.config.max_datagram));
        if id.origin == cx.my_id() {
            if id.epoch == cx.me().incarnation().epoch {
                cx.tables.events.hear_own(id);
            }
            return;
        }
        // The origin must be a member, so that only members take places, and in an epoch that it is known to have: an event
        // forged beyond that would keep out the true ones. And there must be room to deliver it. What is dropped for these
        // reasons may come again.
        let origin = cx.tables.members.find(id.origin);
        let is_known = origin.is_some_and(|slot| id.epoch <= cx.record(slot).incarnation().epoch);
        if !is_known || !cx.tables.events.keeps() {
            cx.kernel.metrics.dropped_events_unknown += 1;
            return;
        }
        if !cx.out.has_room_for_payload(event.payload.len(), max) {
            cx.kernel.metrics.dropped_outbox_full += 1;
            return;
        }
        let metrics = &mut cx.kernel.metrics;
        match cx.tables.events.hear(now, &UserEvent { age, ..*event }) {
            Heard::New { displaced } => {
                metrics.events_delivered += 1;
                metrics.events_displaced += u64::from(displaced);
                let payload = cx.out.keep_payload(event.payload);
                cx.raise(Event::UserEvent {
                    origin: id.origin,
                    epoch: id.epoch,
                    sequence: id.sequence,
                    payload,
                });
                cx.schedule_round();
            }
            Heard::Duplicate => {}
            Heard::Expired => metrics.dropped_events_expired += 1,
            Heard::BeforeLife => {
                metrics.dropped_events_before_life += 1;
                cx.schedule_round();
            }
            Heard::Behind => metrics.dropped_events_behind += 1,
            Heard::PastEpoch => metrics.dropped_events_past_epoch += 1,
            Heard::Crowded => metrics.dropped_events_crowded += 1,
            Heard::OverRate => metrics.dropped_events_over_rate += 1,
        }
    }

    /// How old an event is at least that was told to be of this `age`, after `road` ms on its way.
    pub(crate) fn age_here(cx: &Context<'_, '_>, age: u32, road: u32) -> u32 {
        let waited = micros(cx.kernel.clock.may_have_waited()) / 1_000;
        age.saturating_add(road).saturating_add(u32::try_from(waited).unwrap_or(u32::MAX))
    }

    /// A member says which events it knows of: what is news of it, this node asks for.
    #[inline(never)]
    pub(crate) fn hear_event_heads(
        &mut self,
        cx: &mut Context<'_, '_>,
        from: Peer,
        heads: impl Iterator<Item = Head>,
    ) {
        let (now, own) = (cx.now(), tag(cx.my_id()));
        let wants = cx.tables.events.ask(now, heads.filter(|head| head.tag != own));
        if !wants.is_empty() {
            Self::send_event_wants(cx, from, &wants);
        }
    }

    fn send_event_wants(cx: &mut Context<'_, '_>, to: Peer, wants: &Wants) {
        // No longer than it must be: so it goes out, too, where the budget has no more.
        let len = BESIDE_SECTIONS + wants.len() * WANT_BYTES;
        cx.as_long_as(len, |cx| {
            let _ = cx.write(to, Traffic::State, |draft, kernel, _| {
                let put = wants.iter().take_while(|want| draft.event_want(want)).count();
                kernel.metrics.event_wants_sent += put as u64;
            });
        });
    }

    /// Sends a member the events that it lacks, as many as one datagram takes.
    #[inline(never)]
    pub(crate) fn answer_event_wants(
        &mut self,
        cx: &mut Context<'_, '_>,
        (to, asker): (Peer, NodeId),
        wants: impl Iterator<Item = Want>,
    ) {
        let now = cx.now();
        let mut wanted = Wants::new();
        for want in wants {
            if wanted.push(want).is_err() {
                break;
            }
        }
        let missing = cx.tables.events.missing(now, asker, &wanted);
        let len: usize = missing.map(|event| BESIDE_PAYLOAD as usize + event.payload.len()).sum();
        if wanted.is_empty() || len == 0 {
            return;
        }
        cx.as_long_as(BESIDE_SECTIONS + len, |cx| {
            let _ = cx.write(to, Traffic::State, |draft, kernel, tables| {
                let missing = tables.events.missing(now, asker, &wanted);
                let put = missing.filter(|event| draft.user_event(event)).count();
                kernel.metrics.event_wants_answered += put as u64;
            });
        });
    }

    /// This node was paused: it asks others for the events that it missed.
    pub(crate) fn note_pause(&mut self, cx: &Context<'_, '_>) {
        if cx.tables.events.keeps() && self.catch_up.due == Instant::NEVER {
            self.catch_up = CatchUp { due: cx.now() + CATCH_UP_AFTER, left: CATCH_UPS };
        }
    }

    /// When events are asked for.
    pub(crate) fn next_event_ask(&self, cx: &Context<'_, '_>) -> Instant {
        self.catch_up.due.min(cx.tables.events.next_ask())
    }

    /// Asks a member for events that were announced and have not come, and for those that this node missed.
    pub(crate) fn ask_for_events(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.now();
        if self.next_event_ask(cx) > now {
            return;
        }
        let mut wants = cx.tables.events.ask_again(now);
        if self.catch_up.due <= now {
            let left = self.catch_up.left.saturating_sub(1);
            self.catch_up = if left > 0 { CatchUp { due: now + CATCH_UP_GAP, left } } else { CatchUp::NONE };
            wants = cx.tables.events.wants(now);
        }
        let peer = choose::well_peer(&cx.tables.members, &mut cx.kernel.rng);
        if let Some(peer) = peer.filter(|_| !wants.is_empty()) {
            Self::send_event_wants(cx, cx.peer(peer), &wants);
        }
    }
}
