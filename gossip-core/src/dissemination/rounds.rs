//! Gossip rounds: hot rumors go to `fanout` peers, most of them in our own zone. Half of the peers are neighbours, the
//! next members in the id-hash order; the others are random. The first round of fresh news comes at once, later ones
//! lazily. In [`Mode::Pull`] a round asks as many peers instead, whether there is news or not.

mod neighbours;
mod repeats;

use crate::{
    kernel::{
        choose::{self, Chosen},
        context::{Intent, Load, Step},
        outbox::Traffic,
    },
    membership::judgement::Doubt,
    tables::{
        queue::{Kind, MAX_SENDS},
        table::{ME, Table},
    },
    vocabulary::{
        config::{Config, Mode},
        record::Reachability,
        time::{Instant, micros},
    },
    wire::message::Message,
};
use core::time::Duration;
use neighbours::Neighbours;
use repeats::Repeats;

/// The eager first send of fresh news waits up to this long, so that the hops of a cluster do not beat in
/// time and news that arrives together leaves together.
const EAGER_JITTER: Duration = Duration::from_millis(4);

/// A member that is suspect stands for so many that are silent: where many crash at once, most of them are not suspect
/// yet, and what is sent to those is lost. With 8, three of 200 updates still missed somebody (simulator, `third-crash`).
const SILENT_PER_SUSPECT: u32 = 16;
/// Datagrams of the total that rounds leave to sieves and their answers, while there are such.
const LEFT_TO_SIEVES: u32 = 6;

/// When the rounds come.
#[derive(Clone)]
pub(crate) struct Gossip {
    next: Instant,
    last: Instant,
    /// The coming round is the second of fresh news, or later.
    lazy: bool,
    neighbours: Neighbours,
    repeats: Repeats,
}

impl Gossip {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        let next = if config.mode == Mode::Pull { now } else { Instant::NEVER };
        Self { next, last: Instant::ZERO, lazy: false, neighbours: Neighbours::NEW, repeats: Repeats::NONE }
    }

    /// Counts a ping of this node's own that was acked, or one that a member sent it: the first of a probe, or one sent
    /// `again`.
    pub(crate) fn note_ping(&mut self, again: bool) {
        self.repeats.note(again);
    }

    /// How often a rumor is sent: more often where pings are repeated, and up to twice as often if it is of the living and
    /// many are silent.
    pub(crate) fn sends(&self, kind: Kind, config: &Config, members: &Table<'_>) -> u8 {
        let n = members.size();
        let sends = self.repeats.sends(config.sends(n));
        let silent = match kind {
            Kind::Living => members.suspects().saturating_mul(SILENT_PER_SUSPECT).min(n),
            Kind::Silent => 0,
        };
        let more = u64::from(sends) * u64::from(silent) / u64::from(n);
        sends.saturating_add(more as u8).min(MAX_SENDS as u8)
    }

    /// When the next round is due.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }
}

impl Step<'_, '_> {
    /// There is fresh news: a round comes within a few milliseconds, or, if one just was, after half a
    /// gossip interval.
    pub(crate) fn schedule_round(&mut self) {
        if self.core.config.mode == Mode::Pull {
            self.core.gossip.next = self.core.gossip.next.min(self.now() + self.core.config.gossip_interval);
            return;
        }
        let jitter = micros(EAGER_JITTER.min(self.core.config.gossip_interval / 8));
        let eager = self.now() + Duration::from_micros(self.core.rng.below_u64(jitter + 1));
        let gossip = &mut self.core.gossip;
        let earliest = match gossip.last {
            Instant::ZERO => eager,
            last => eager.max(last + self.core.config.gossip_interval / 2),
        };
        gossip.next = gossip.next.min(earliest);
        gossip.lazy = false;
    }

    /// Does the round that is due, if one is.
    pub(crate) fn gossip_round(&mut self) {
        if self.core.gossip.next > self.now() {
            return;
        }
        match self.core.config.mode {
            Mode::Pull if self.core.life.farewell().is_none() => self.ask_peers(),
            Mode::Pull | Mode::Push | Mode::PushPull => self.tell_peers(),
        }
    }

    /// Peers for a round: reachable members, or any if none is reachable; with `neighbours`, those come first, and random
    /// members make up the rest. Who has acknowledged our leave is not told again while others have not.
    fn round_peers(&mut self, eager: bool, neighbours: bool) -> Chosen {
        let fanout = usize::from(self.core.config.fanout);
        let in_doubt = self.own_doubt() != Doubt::None;
        let members = &self.tables.members;
        let (doubts, life) = (&self.core.doubts, &self.core.life);
        let answers = |slot| {
            let member = members.slot(slot);
            member.reachability() != Reachability::Unreachable
                && !doubts.is_held(member.record.locality().domain())
                && !life.has_acknowledged(slot)
        };
        let mut peers = Chosen::new();
        // Neighbours are fixed, and the road to them may be what is broken.
        if neighbours && !in_doubt {
            let sends = usize::from(self.core.gossip.sends(Kind::Living, &self.core.config, members));
            let company = members.live_in(members.record(ME).locality().domain()) as usize;
            let along = &mut self.core.gossip.neighbours;
            let count = along.share(fanout, sends, company);
            peers = along.next(members, count, sends.div_ceil(2), answers);
        }
        choose::gossip(&mut peers, members, &mut self.core.rng, fanout, eager, answers);
        // Of those that seem reachable most may answer helpers only: what we accuse others of must reach somebody. And among
        // many that are silent chance does not find the few that answer.
        if in_doubt || peers.is_empty() {
            let latest = self.core.detector.latest_contact();
            if let Some(latest) = latest.filter(|slot| answers(*slot) && !peers.contains(slot)) {
                let _ = peers.pop();
                let _ = peers.push(latest);
            }
        }
        if peers.is_empty() { choose::peers(members, &mut self.core.rng, fanout, |_| true) } else { peers }
    }

    fn ask_peers(&mut self) {
        let (now, max) = (self.now(), u32::from(self.core.config.max_datagram));
        // What is left for joins is not spent on rounds: there may be more of those than the budget ever pays for.
        if !self.core.budgets.admit(Traffic::Sync, now, 2 * max) {
            self.core.gossip.next = now + self.core.budgets.wait(Traffic::Sync, 2 * max);
            return;
        }
        if !self.has_room_for(usize::from(self.core.config.fanout)) {
            return; // still due: the next tick is asked for at once
        }
        for peer in self.round_peers(false, false) {
            self.pull(peer);
        }
        let interval = self.core.config.gossip_interval;
        // A tenth of jitter either way: nodes that started together do not ask together for ever.
        let jitter = Duration::from_micros(self.core.rng.below_u64(micros(interval) / 5 + 1));
        (self.core.gossip.last, self.core.gossip.next) = (now, now + interval * 9 / 10 + jitter);
    }

    /// Whether there is something to tell of the living: our own leave, at least.
    fn has_living_to_tell(&self) -> bool {
        self.core.life.farewell().is_some() || self.tables.rumors.hot_of(Kind::Living) > 0
    }

    /// Whether there is something to tell that the budget lets out now.
    fn may_tell(&mut self) -> bool {
        let (now, max) = (self.now(), u32::from(self.core.config.max_datagram));
        let sieves = self.core.sieves.are_on();
        if sieves && !self.core.budgets.admit_beside(Traffic::Rumor, now, max, LEFT_TO_SIEVES) {
            return false;
        }
        match self.core.budgets.load(&self.core.config, self.core.clock.now()) {
            Load::Nothing => false,
            Load::Living => self.has_living_to_tell(),
            Load::All => self.has_living_to_tell() || self.tables.rumors.hot_of(Kind::Silent) > 0,
        }
    }

    /// Sends what is hot. Whoever leaves goes on with its own record, as a ping, until enough have acknowledged it.
    fn tell_peers(&mut self) {
        let now = self.now();
        let farewell = self.core.life.farewell();
        if self.tables.rumors.hot() == 0 && farewell.is_none() {
            self.core.gossip.next = Instant::NEVER;
            return;
        }
        if self.tables.members.live() == 0 {
            self.core.gossip.next = now + self.core.config.probe_interval;
            return;
        }
        let max = u32::from(self.core.config.max_datagram);
        if !self.may_tell() {
            let living = self.has_living_to_tell();
            let mut wait = self.core.budgets.wait_for_load(&self.core.config, living);
            if self.core.sieves.are_on() {
                wait = wait.max(self.core.budgets.wait_beside(Traffic::Rumor, max, LEFT_TO_SIEVES));
            }
            self.core.gossip.next = now + wait;
            return;
        }
        if !self.has_room_for(usize::from(self.core.config.fanout)) {
            return; // still due: the next tick is asked for at once
        }
        let eager = !self.core.gossip.lazy;
        for peer in self.round_peers(eager, self.core.config.mechanisms.neighbours) {
            if !self.may_tell() {
                break;
            }
            let (to, target) = (self.record(peer).address(), self.record(peer).id());
            let (message, about) = match farewell {
                Some(nonce) => (Some(Message::Ping { nonce, target }), Some(ME)),
                None => (None, None),
            };
            if !self.send(Intent { to, class: Traffic::Rumor, message, about, rumors: true }) {
                break;
            }
        }
        let interval = self.core.config.gossip_interval;
        let gossip = &mut self.core.gossip;
        gossip.last = now;
        gossip.next = now + if gossip.lazy { interval } else { interval / 2 };
        gossip.lazy = true;
    }
}
