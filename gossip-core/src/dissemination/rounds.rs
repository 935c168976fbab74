//! Gossip rounds: pending rumors go to `fanout` peers, most of them in our own zone. Half of the peers are
//! neighbours, the next members in the id-hash order; the others are random. The first round of fresh news comes at
//! once, later ones lazily. In [`Mode::Pull`] a round asks as many peers instead, with or without news.

mod neighbours;

use crate::{
    dissemination::plane::Dissemination,
    kernel::{
        budget::Load,
        choose::{self, Chosen},
        context::Context,
        sending::Intent,
    },
    tables::{
        queue::Kind,
        table::{ME, SlotId},
    },
    vocabulary::{
        config::Mode,
        record::{Reachability, Zone},
        time::{Instant, micros},
        traffic::Traffic,
    },
    wire::message::{Message, Nonce},
};
use core::time::Duration;
use neighbours::Neighbours;

/// Datagrams of the total that rounds leave to sieves and their answers, while there are such.
const LEFT_TO_SIEVES: u32 = 6;

/// The state of the rounds.
#[derive(Clone)]
pub(crate) struct Gossip {
    neighbours: Neighbours,
}

impl Gossip {
    pub(crate) fn new() -> Self {
        Self { neighbours: Neighbours::NEW }
    }
}

/// What a round has to know of membership.
pub(crate) struct Occasion<'a> {
    /// The nonce of the pings that announce the leave, while the node leaves.
    pub(crate) farewell: Option<Nonce>,
    /// Whether this node may be in trouble itself.
    pub(crate) in_quarantine: bool,
    /// Who answered us last.
    pub(crate) latest_contact: Option<SlotId>,
    /// Whether a member, of this zone, is not sent to while there are others.
    pub(crate) is_passed_over: &'a dyn Fn(SlotId, Zone) -> bool,
}

impl Occasion<'_> {
    /// Whether there is news of the living to tell, or the node's own leave.
    fn has_living_to_tell(&self, cx: &Context<'_, '_>) -> bool {
        self.farewell.is_some() || cx.tables.rumors.pending_of(Kind::Living) > 0
    }
}

impl Dissemination {
    /// Does the round that is due, if one is.
    pub(crate) fn gossip_round(&mut self, cx: &mut Context<'_, '_>, occasion: &Occasion<'_>) {
        if cx.kernel.pace.round > cx.now() {
            return;
        }
        match cx.kernel.config.mode {
            Mode::Pull if occasion.farewell.is_none() => self.ask_peers(cx, occasion),
            Mode::Pull | Mode::Push | Mode::PushPull => self.tell_peers(cx, occasion),
        }
    }

    /// Peers for a round: reachable members, or any if none is reachable; with `neighbours`, those come first, and
    /// random members make up the rest. Members that have acknowledged the leave are not told again while others have
    /// not.
    fn round_peers(
        &mut self,
        cx: &mut Context<'_, '_>,
        occasion: &Occasion<'_>,
        eager: bool,
        neighbours: bool,
    ) -> Chosen {
        let fanout = usize::from(cx.kernel.config.fanout);
        let in_quarantine = occasion.in_quarantine;
        let members = &cx.tables.members;
        let answers = |slot| {
            let member = members.slot(slot);
            member.reachability() != Reachability::Unreachable
                && !(occasion.is_passed_over)(slot, member.record.locality().domain())
        };
        let mut peers = Chosen::new();
        // Neighbours are fixed, and the path to them may be broken.
        if neighbours && !in_quarantine {
            let sends = usize::from(cx.kernel.repeats.sends_of(Kind::Living, &cx.kernel.config, members));
            let company = members.live_in(members.record(ME).locality().domain()) as usize;
            let along = &mut self.gossip.neighbours;
            let count = along.share(fanout, sends, company);
            peers = along.next(members, count, sends.div_ceil(2), answers);
        }
        choose::gossip(&mut peers, members, &mut cx.kernel.rng, fanout, eager, answers);
        // Most of those that seem reachable may answer relays only, and accusations must reach some member. And among
        // many that are silent chance does not find the few that answer.
        let latest = occasion.latest_contact.filter(|_| in_quarantine || peers.is_empty());
        if let Some(latest) = latest.filter(|slot| answers(*slot) && !peers.contains(slot)) {
            let _ = peers.pop();
            let _ = peers.push(latest);
        }
        if peers.is_empty() { choose::peers(members, &mut cx.kernel.rng, fanout, |_| true) } else { peers }
    }

    fn ask_peers(&mut self, cx: &mut Context<'_, '_>, occasion: &Occasion<'_>) {
        let (now, max) = (cx.now(), u32::from(cx.kernel.config.max_datagram));
        // What is left for joins is not spent on rounds: there may be more of those than the budget ever pays for.
        if !cx.kernel.budgets.admit(Traffic::Sync, now, 2 * max) {
            cx.kernel.pace.round = now + cx.kernel.budgets.wait(Traffic::Sync, now, 2 * max);
            return;
        }
        if !cx.has_room_for(usize::from(cx.kernel.config.fanout)) {
            return; // still due: the next tick is asked for at once
        }
        for peer in self.round_peers(cx, occasion, false, false) {
            self.pull(cx, peer);
        }
        let interval = cx.kernel.config.gossip_interval;
        // A tenth of jitter either way: nodes that started together do not ask together for ever.
        let jitter = Duration::from_micros(cx.kernel.rng.below_u64(micros(interval) / 5 + 1));
        (cx.kernel.pace.last_round, cx.kernel.pace.round) = (now, now + interval * 9 / 10 + jitter);
    }

    /// As what a packet may go out now that has something to tell: with rumors, or with state alone.
    fn may_tell(cx: &mut Context<'_, '_>, occasion: &Occasion<'_>) -> Option<Traffic> {
        if Self::may_tell_rumors(cx, occasion) {
            return Some(Traffic::Rumor);
        }
        let may = cx.has_state_to_tell()
            && cx.kernel.budgets.may_tell_state(&cx.kernel.config, cx.kernel.clock.now());
        may.then_some(Traffic::State)
    }

    /// Whether there are rumors to tell that the budget allows now.
    fn may_tell_rumors(cx: &mut Context<'_, '_>, occasion: &Occasion<'_>) -> bool {
        let (now, max) = (cx.now(), u32::from(cx.kernel.config.max_datagram));
        let sieves = cx.kernel.pace.is_sieving();
        if sieves && !cx.kernel.budgets.admit_beside(Traffic::Rumor, now, max, LEFT_TO_SIEVES) {
            return false;
        }
        match cx.kernel.budgets.load(&cx.kernel.config, cx.kernel.clock.now()) {
            Load::Nothing => false,
            Load::Living => occasion.has_living_to_tell(cx),
            Load::All => occasion.has_living_to_tell(cx) || cx.tables.rumors.pending_of(Kind::Silent) > 0,
        }
    }

    /// Sends what is pending. A leaving node repeats its own record, in pings, until enough members have acknowledged
    /// it.
    fn tell_peers(&mut self, cx: &mut Context<'_, '_>, occasion: &Occasion<'_>) {
        let now = cx.now();
        let farewell = occasion.farewell;
        let (rumors, state) = (cx.tables.rumors.pending() > 0, cx.has_state_to_tell());
        if !rumors && !state && farewell.is_none() {
            cx.kernel.pace.round = Instant::NEVER;
            return;
        }
        if cx.tables.members.live() == 0 {
            cx.kernel.pace.round = now + cx.kernel.config.probe_interval;
            return;
        }
        let max = u32::from(cx.kernel.config.max_datagram);
        if Self::may_tell(cx, occasion).is_none() {
            let living = occasion.has_living_to_tell(cx);
            let mut wait = cx.kernel.budgets.wait_for_load(&cx.kernel.config, now, living);
            if cx.kernel.pace.is_sieving() {
                wait = wait.max(cx.kernel.budgets.wait_beside(Traffic::Rumor, now, max, LEFT_TO_SIEVES));
            }
            let wait_for_state = cx.kernel.budgets.wait_for_state(&cx.kernel.config, now);
            let wait = match (rumors || farewell.is_some(), state) {
                (true, true) => wait.min(wait_for_state),
                (true, false) => wait,
                (false, _) => wait_for_state,
            };
            cx.kernel.pace.round = now + wait;
            return;
        }
        if !cx.has_room_for(usize::from(cx.kernel.config.fanout)) {
            return; // still due: the next tick is asked for at once
        }
        let eager = !cx.kernel.pace.lazy;
        for peer in self.round_peers(cx, occasion, eager, cx.kernel.config.mechanisms.neighbours) {
            let Some(class) = Self::may_tell(cx, occasion) else { break };
            let (to, target) = (cx.peer(peer), cx.record(peer).id());
            let (message, about) = match farewell {
                Some(nonce) => (Some(Message::Ping { nonce, target }), Some(ME)),
                None => (None, None),
            };
            if !cx.send(Intent { to, class, message, about, rumors: true, first: false }) {
                break;
            }
        }
        let interval = cx.kernel.config.gossip_interval;
        let pace = &mut cx.kernel.pace;
        pace.last_round = now;
        pace.round = now + if pace.lazy { interval } else { interval / 2 };
        pace.lazy = true;
    }
}
