//! Leaving: who must hear of it before this node may stop.

use super::{
    Lifecycle,
    farewell::{ENOUGH_ACKS, Farewell, NOBODY},
    phase::{Phase, Turn},
};
use crate::{
    kernel::{context::Context, outbox::Event, peer::Peer, sending::Intent},
    membership::plane::Membership,
    tables::table::{ME, SlotId},
    vocabulary::{config::Config, record::Status, time::Instant, traffic::Traffic},
    wire::message::Nonce,
};
use core::time::Duration;

/// Where others leave too, a leave that fewer have acknowledged takes this many gossip intervals: until then this
/// node answers the others, which would wait in vain otherwise; and those that stay have had the time to acknowledge
/// it.
const INTERVALS_TOGETHER: u32 = 4;
/// Where more others than this leave within a moment, all do, however many we still take for live: there may be more
/// leaves than can reach us in that time.
const CROWD: u32 = 8;

/// The other members that left lately, each within a moment of the one before.
#[derive(Clone)]
pub(super) struct OthersLeaving {
    count: u8,
    /// When the last one was heard to.
    last: Instant,
}

impl OthersLeaving {
    pub(super) fn new(now: Instant) -> Self {
        Self { count: 0, last: now }
    }

    fn note(&mut self, now: Instant, moment: Duration) {
        if now.since(self.last) > moment {
            self.count = 0;
        }
        (self.count, self.last) = (self.count.saturating_add(1), now);
    }

    /// How many left within a moment of `began`, or after it.
    fn since(&self, began: Instant, moment: Duration) -> u32 {
        if began.since(self.last) <= moment { u32::from(self.count) } else { 0 }
    }
}

/// A leave, and what it takes to end it.
struct Parting {
    farewell: Farewell,
    acknowledged: u32,
    /// How many others leave together with us.
    others: u32,
    /// How many we still take for live.
    live: u32,
    /// How long those who leave together wait for each other.
    moment: Duration,
}

impl Parting {
    /// Whether the whole cluster leaves, as far as is known: most of its members, or very many.
    fn is_of_all(&self) -> bool {
        self.others > self.live.min(CROWD)
    }

    /// When it is over; in the past if at once.
    fn ends(&self) -> Instant {
        let is_known = self.acknowledged >= self.live;
        if self.acknowledged >= ENOUGH_ACKS || (is_known && self.others == 0) {
            self.farewell.began()
        } else if is_known || self.is_of_all() {
            self.farewell.until.min(self.farewell.began() + self.moment)
        } else {
            self.farewell.until
        }
    }

    /// How many others know of it: those that stay; or, if all leave and no live member is left to stay, those that
    /// leave as well.
    fn known_to(&self) -> u32 {
        match self.acknowledged {
            0 if self.live > 0 && self.is_of_all() => self.others.min(ENOUGH_ACKS),
            acknowledged => acknowledged,
        }
    }
}

impl Lifecycle {
    fn parting(&self, live: u32, config: &Config) -> Option<Parting> {
        let Phase::Leaving(farewell) = self.phase else { return None };
        let moment = config.gossip_interval * INTERVALS_TOGETHER;
        let others = self.others_leaving.since(farewell.began(), moment);
        Some(Parting { farewell, acknowledged: farewell.acknowledged.into(), others, live, moment })
    }

    /// The nonce of the pings that tell of our leave, while there is one.
    pub(crate) fn farewell(&self) -> Option<Nonce> {
        match self.phase {
            Phase::Leaving(farewell) => Some(farewell.nonce),
            _ => None,
        }
    }

    /// How many others know of the leave, with `live` live members.
    pub(crate) fn acknowledged(&self, live: u32, config: &Config) -> u32 {
        self.parting(live, config).map_or(0, |parting| parting.known_to())
    }

    /// Whether a member has acknowledged our leave.
    pub(crate) fn has_acknowledged(&self, member: SlotId) -> bool {
        matches!(self.phase, Phase::Leaving(farewell) if farewell.by.contains(&member))
    }

    /// An ack came from a member; whether it was one of our leave.
    pub(crate) fn note_ack(&mut self, member: SlotId, nonce: Nonce) -> bool {
        match &mut self.phase {
            Phase::Leaving(farewell) if farewell.nonce == nonce => {
                farewell.note(member);
                true
            }
            _ => false,
        }
    }

    /// Another member has left.
    pub(crate) fn note_leave(&mut self, now: Instant, config: &Config) {
        self.others_leaving.note(now, config.gossip_interval * INTERVALS_TOGETHER);
    }

    /// A slot is about to be given to another member.
    pub(crate) fn forget(&mut self, slot: SlotId) {
        if let Phase::Leaving(farewell) = &mut self.phase {
            farewell.by.iter_mut().filter(|by| **by == slot).for_each(|by| *by = NOBODY);
        }
    }
}

impl Membership {
    /// Says that we leave.
    pub(crate) fn begin_leaving(&mut self, cx: &mut Context<'_, '_>) {
        if matches!(self.lifecycle.phase, Phase::Running | Phase::Passive { .. }) {
            let me = *cx.me();
            let nonce = self.fresh_nonce_of_no_probe(cx);
            self.lifecycle.turn(Turn::Leave(Farewell::new(cx.now(), nonce)));
            self.say(cx, me.with_status(Status::Left));
        }
    }

    /// Whether both we and this member are leaving.
    pub(crate) fn leaves_like(&self, cx: &Context<'_, '_>, member: SlotId) -> bool {
        self.lifecycle.farewell().is_some() && cx.record(member).status() == Status::Left
    }

    /// Another member that leaves told us so. We are gone in a moment, and count as none who knows; but it hears that
    /// we leave, and who else does, and does not wait for us.
    pub(crate) fn part_with(&mut self, cx: &mut Context<'_, '_>, to: Peer) {
        let _ = cx.send(Intent {
            to,
            class: Traffic::Probe,
            message: None,
            about: Some(ME),
            rumors: true,
            first: false,
        });
    }

    /// When our leave is over; in the past if at once.
    pub(crate) fn leave_ends(&self, cx: &Context<'_, '_>) -> Instant {
        let parting = self.lifecycle.parting(cx.tables.members.live(), &cx.kernel.config);
        parting.map_or(Instant::NEVER, |parting| parting.ends())
    }

    /// Ends the leave once enough know of it, or its time is over.
    pub(crate) fn finish_leaving(&mut self, cx: &mut Context<'_, '_>) {
        let Some(parting) = self.lifecycle.parting(cx.tables.members.live(), &cx.kernel.config) else {
            return;
        };
        if cx.now() >= parting.ends() {
            self.lifecycle.turn(Turn::Parted);
            cx.raise(Event::LeaveDone { acknowledged: parting.known_to() });
        }
    }
}
