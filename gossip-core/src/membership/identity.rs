//! The node itself: what it says of itself, and how it answers what others say of it.
//!
//! Only the owner of a record raises its incarnation. News of a suspicion or a death at our incarnation is
//! refuted; news from a higher epoch means that an earlier epoch of this node (or a duplicate with its name) is
//! remembered, and a new epoch goes above it.

use crate::{
    kernel::{
        budget::Bucket,
        context::Context,
        outbox::Event,
        peer::Peer,
        sending::{Intent, aged},
    },
    membership::{plane::Membership, quarantine::Quarantines, standing::Standing},
    tables::{
        changes::Changes,
        table::{ME, SlotId},
    },
    vocabulary::{
        diagnostics::debug,
        record::{Health, Incarnation, Record, Status},
        time::Instant,
        traffic::Traffic,
    },
    wire::{
        frame::Draft,
        message::{INTRODUCTION, Message},
        record::Aged,
    },
};
use core::{cmp::Ordering, net::SocketAddr, time::Duration};
use leave::OthersLeaving;
pub(crate) use phase::Phase;
use phase::Turn;

mod farewell;
mod leave;
mod phase;

/// New epochs back off from this, doubling ...
const FIRST_BACKOFF: Duration = Duration::from_secs(30);
/// ... to this. An epoch that lasts this long ends the row.
const LAST_BACKOFF: Duration = Duration::from_secs(3_600);
/// This many new epochs in a row mean that two machines share a name.
const DUPLICATE_AFTER: u8 = 3;
/// A passive node takes its name back when the other one is dead or has left, and was not heard of as live for this
/// long.
const RECLAIM_AFTER: Duration = Duration::from_secs(30);
/// Time between two events about another node that uses our id.
const DUPLICATE_EVENT_GAP: Duration = Duration::from_secs(10);
/// Refutations a second, and at once. A cluster suspects a node far less often; a forger may try more.
const REFUTATIONS: u32 = 4;
/// The state of this node's lifecycle.
#[derive(Clone)]
pub(crate) struct Lifecycle {
    phase: Phase,
    began: Instant,
    /// When a member's datagram last came.
    heard: Instant,
    /// When the pause that we announced is over.
    pause_ends: Option<Instant>,
    restarts: u8,
    /// When the next event about another node that uses our id may be raised.
    duplicate_event: Instant,
    refutations: Bucket,
    others_leaving: OthersLeaving,
}

impl Lifecycle {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            phase: Phase::Running,
            began: now,
            heard: now,
            pause_ends: None,
            restarts: 0,
            duplicate_event: now,
            refutations: Bucket::new(REFUTATIONS, REFUTATIONS, now),
            others_leaving: OthersLeaving::new(now),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    fn turn(&mut self, turn: Turn) {
        self.phase = self.phase.after(turn);
    }

    /// When an announced pause is over.
    pub(crate) fn pause_ends(&self) -> Instant {
        self.pause_ends.unwrap_or(Instant::NEVER)
    }

    /// A member's datagram came.
    pub(crate) fn note_heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// How long an epoch must have lasted before the next one may begin.
    fn backoff(&self) -> Duration {
        match self.restarts {
            0 => Duration::ZERO,
            n => (FIRST_BACKOFF * 2u32.pow(u32::from(n - 1).min(8))).min(LAST_BACKOFF),
        }
    }
}

/// How much older than it is news of a node may seem, for what is rounded and lost on its way; ...
const AGES_DIFFER_BY: u32 = 1_000;
/// ... and the part of its age that two clocks may be apart: 2,000 ppm, where each may run 500 ppm wrong, which is as much as
/// clocks are slewed by (adjtimex(2)).
const CLOCKS_DIFFER_BY: u32 = 500;

/// Whether news that is so many ms old where it was kept is older than it can be where it came into being `age` ms ago.
fn is_older(kept: u32, age: u32) -> bool {
    kept > age.saturating_add(AGES_DIFFER_BY + age / CLOCKS_DIFFER_BY)
}

/// What news about oneself asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    /// This node's own news, or older.
    Silence,
    /// The same epoch, wrongly judged, or refuted further than this node remembers.
    Refute,
    /// The same epoch with a later state, which this node does not remember or never published.
    Reword,
    /// A later epoch, or a duplicate.
    Live,
}

fn answer(me: &Record, news: &Record) -> Answer {
    match news.incarnation().cmp(&me.incarnation()) {
        Ordering::Greater if news.incarnation().epoch > me.incarnation().epoch => Answer::Live,
        Ordering::Greater => Answer::Refute,
        Ordering::Equal if !news.same_fields(me) => Answer::Live,
        Ordering::Equal if news.status() > me.status() => Answer::Refute,
        _ if news.incarnation().epoch == me.incarnation().epoch && news.has_later_state_than(me) => {
            Answer::Reword
        }
        _ => Answer::Silence,
    }
}

impl Context<'_, '_> {
    /// Whether a node that says its news is of this `age` was known here before that, in the same epoch. Of interest where datagrams
    /// are sealed.
    pub(crate) fn has_had_an_earlier_life(&self, slot: SlotId, age: u32) -> bool {
        let known = self.now().stamp().since(self.tables.members.slot(slot).born);
        self.kernel.guard.overhead() > 0 && is_older(known, age)
    }
}

impl Membership {
    /// Takes in news of this node itself. True when the news is older than its own record, so that its
    /// teller should be corrected.
    pub(crate) fn hear_of_myself(&mut self, cx: &mut Context<'_, '_>, news: &Aged) -> bool {
        let Aged { record: news, age } = news;
        match self.lifecycle.phase {
            Phase::Gone => return false,
            Phase::Passive { heard } => {
                self.hear_of_the_other(cx, news, heard);
                return false;
            }
            Phase::Running | Phase::Leaving { .. } => {}
        }
        let me = *cx.me();
        match answer(&me, news) {
            Answer::Silence => return news.rank() < me.rank(),
            Answer::Refute => {
                self.refute(cx, news.incarnation());
                self.reclaim_state(cx, news);
                if news.status() == Status::Dead {
                    // The sender does not gossip with the dead: it hears of this from this node, or never.
                    self.note_returned(cx);
                    return true;
                }
            }
            Answer::Reword => self.reclaim_state(cx, news),
            Answer::Live => {
                self.tell_duplicate(cx, news, *age);
                self.bump_epoch(cx, news.incarnation());
            }
        }
        false
    }

    /// Another node said that it is alive under this id, elsewhere, after this epoch began: no earlier epoch of this
    /// node could.
    fn tell_duplicate(&mut self, cx: &mut Context<'_, '_>, news: &Record, age: u32) {
        let (now, lifecycle) = (cx.now(), &self.lifecycle);
        if u128::from(age) < now.since(lifecycle.began).as_millis() {
            let _ = self.tell_of_duplicate_at(cx, news);
        }
    }

    /// Tells the host, once in a while, that another node is alive under our id where this record says; whether it did.
    fn tell_of_duplicate_at(&mut self, cx: &mut Context<'_, '_>, record: &Record) -> bool {
        let (now, home) = (cx.now(), cx.me().address());
        let elsewhere = record.status() == Status::Alive && record.address() != home;
        let tells = elsewhere && now >= self.lifecycle.duplicate_event;
        if tells {
            self.lifecycle.duplicate_event = now + DUPLICATE_EVENT_GAP;
            cx.raise(Event::IdInUse { at: record.address().into() });
        }
        tells
    }

    /// Another node with our id asks us to let it join: both hosts are told. It gets our record, in no more bytes
    /// than it sent, and no more often than its own host could be told.
    pub(crate) fn meet_duplicate(
        &mut self,
        cx: &mut Context<'_, '_>,
        from: Peer,
        its: &Record,
        bytes: usize,
    ) {
        if its.id() != cx.my_id() || !self.tell_of_duplicate_at(cx, its) {
            return;
        }
        let me = aged(cx.kernel, &cx.tables, ME);
        let answer = Message::Join { nonce: INTRODUCTION, token: 0, me };
        if Draft::length_with(&answer) <= bytes {
            let _ = cx.send(Intent::bare(from, Traffic::Sync, answer));
        }
    }

    /// A passive node hears of its id. Once the other node is gone for good, it takes the id back, above the other's
    /// last epoch; should that one return, this node is passive again after the 60 s that a third epoch needs.
    fn hear_of_the_other(&mut self, cx: &mut Context<'_, '_>, news: &Record, heard: Instant) {
        let (me, now) = (*cx.me(), cx.now());
        if news.incarnation() < me.incarnation() {
            return;
        }
        if news.status().is_live() && !news.same_fields(&me) {
            self.lifecycle.turn(Turn::OtherLives(now));
        } else if !news.status().is_live()
            && now.since(heard) >= RECLAIM_AFTER
            && news.incarnation().epoch < Incarnation::MAX_EPOCH
        {
            self.lifecycle.turn(Turn::OtherGone);
            self.lifecycle.restarts = 0;
            self.bump_epoch(cx, news.incarnation());
            self.lifecycle.restarts = DUPLICATE_AFTER - 1;
        }
    }

    /// Contradicts a suspicion, an accusation or a death at `incarnation`, unless it is an old one.
    pub(crate) fn refute(&mut self, cx: &mut Context<'_, '_>, incarnation: Incarnation) {
        let (me, now) = (*cx.me(), cx.now());
        let phase = self.lifecycle.phase;
        if incarnation < me.incarnation() || matches!(phase, Phase::Passive { .. } | Phase::Gone) {
            return;
        }
        if incarnation.epoch > me.incarnation().epoch {
            self.bump_epoch(cx, incarnation);
        } else if self.lifecycle.refutations.take(now, 1) {
            let refutation = incarnation.refutation.saturating_add(1);
            if refutation > Incarnation::MAX_COUNT {
                self.bump_epoch(cx, incarnation);
                return;
            }
            cx.kernel.metrics.refutations += 1;
            debug!("refuting for the {}th time", refutation);
            self.worsen_health(1);
            self.say(cx, me.with_incarnation(Incarnation { refutation, ..incarnation }));
        }
    }

    /// Who is let in hears that it was known in this very epoch before that began here: the file with its epoch is lost, or the clock
    /// was set back. Where datagrams are sealed, it goes on above that: an epoch's counter begins once.
    pub(crate) fn outlive_earlier_self(&mut self, cx: &mut Context<'_, '_>, news: &Aged) {
        let (me, lasted) = (cx.me(), cx.now().since(self.lifecycle.began).as_millis());
        let same = news.record.id() == me.id() && news.record.incarnation().epoch == me.incarnation().epoch;
        let lasted = u32::try_from(lasted).unwrap_or(u32::MAX);
        if cx.kernel.guard.overhead() > 0 && same && is_older(news.age, lasted) {
            self.bump_epoch(cx, news.record.incarnation());
        }
    }

    /// Goes above an earlier epoch of this node, or of a duplicate; not too often. The latest state stays.
    pub(crate) fn bump_epoch(&mut self, cx: &mut Context<'_, '_>, above: Incarnation) {
        let me = *cx.me();
        self.begin_epoch(cx, above, me.with_state(0, me.health(), me.pause_seconds()));
    }

    /// Begins the next epoch with this record, if it is time for one.
    fn begin_epoch(&mut self, cx: &mut Context<'_, '_>, above: Incarnation, record: Record) {
        let now = cx.now();
        let lasted = now.since(self.lifecycle.began);
        if lasted >= LAST_BACKOFF {
            self.lifecycle.restarts = 0;
        }
        if lasted < self.lifecycle.backoff() || matches!(self.lifecycle.phase, Phase::Leaving(_)) {
            return;
        }
        let epoch = above.epoch.saturating_add(1);
        if self.lifecycle.restarts + 1 >= DUPLICATE_AFTER || epoch > Incarnation::MAX_EPOCH {
            self.lifecycle.turn(Turn::OtherLives(now));
            debug!("another node uses this node's id; passive from now on");
            cx.raise(Event::DuplicateId);
            return;
        }
        self.lifecycle.restarts += 1;
        self.lifecycle.began = now;
        self.say(cx, record.with_incarnation(Incarnation { epoch, refutation: 0 }));
        debug!("the cluster knew a later life of this id; going on in epoch {}", epoch);
        cx.raise(Event::EpochBumped { epoch });
    }

    /// Replaces our own record and makes it a rumor.
    fn say(&mut self, cx: &mut Context<'_, '_>, record: Record) {
        let (was, now) = (*cx.me(), cx.kernel.clock.now());
        cx.tables.replace_mine(&record, &mut cx.kernel.rng, now);
        let me = *cx.me();
        // A node without memory for state has its record to say it with; one that signs has signed its record.
        if !cx.keeps_state() || cx.kernel.signer.signs() || !me.differs_in_state_only(&was) {
            cx.enqueue(ME, now.stamp());
        }
        let is_restarted = me.incarnation().epoch != was.incarnation().epoch;
        if cx.keeps_state()
            && (me.state_version() != was.state_version() || is_restarted && me.state_version() > 0)
        {
            cx.kernel.metrics.state_written += 1;
            cx.enqueue_state(ME, if is_restarted { 0 } else { was.state_version() }, now.stamp());
        }
    }

    /// Says where we are reached from now on.
    pub(crate) fn say_address(&mut self, cx: &mut Context<'_, '_>, address: SocketAddr) {
        let me = *cx.me();
        if me.address() == address {
            return;
        }
        self.sightings.forget_ours();
        let (moved, at) = (me.with_address(address), me.incarnation());
        if at.refutation < Incarnation::MAX_COUNT {
            self.say(cx, moved.with_incarnation(Incarnation { refutation: at.refutation + 1, ..at }));
        } else {
            self.begin_epoch(cx, at, moved.with_state(0, me.health(), me.pause_seconds()));
        }
    }

    /// Publishes the fitness to serve; an announced pause continues.
    pub(crate) fn say_health(&mut self, cx: &mut Context<'_, '_>, health: Health) {
        let left = self.lifecycle.pause_ends().since(cx.now());
        let paused = self.lifecycle.pause_ends.is_some();
        if health != cx.me().health() {
            self.update_state(cx, health, if paused { left } else { Duration::ZERO });
        }
    }

    /// Asks for patience for so long from now on.
    pub(crate) fn say_pause(&mut self, cx: &mut Context<'_, '_>, pause: Duration) {
        if !pause.is_zero() || self.lifecycle.pause_ends.is_some() {
            self.update_state(cx, cx.me().health(), pause);
        }
    }

    /// Publishes a new state of this node within its epoch. The pause is in whole seconds, rounded up.
    fn update_state(&mut self, cx: &mut Context<'_, '_>, health: Health, pause: Duration) {
        let seconds = pause.as_secs().saturating_add(u64::from(pause.subsec_nanos() > 0));
        let pause_s = u8::try_from(seconds).unwrap_or(u8::MAX);
        let ends = cx.now() + Duration::from_secs(u64::from(pause_s));
        self.lifecycle.pause_ends = (pause_s > 0).then_some(ends);
        self.say_above(cx, cx.me().state_version(), health, pause_s);
    }

    /// Publishes this node's state under a state version above a known one; where there is none above it, in a
    /// new epoch.
    fn say_above(&mut self, cx: &mut Context<'_, '_>, version: u32, health: Health, pause_s: u8) {
        let me = *cx.me();
        if version < Incarnation::MAX_COUNT {
            self.say(cx, me.with_state(version + 1, health, pause_s));
        } else {
            self.begin_epoch(cx, me.incarnation(), me.with_state(0, health, pause_s));
        }
    }

    /// Publishes this node's state above a later one in news of this epoch: else that would win wherever both are
    /// known. As often as it refutes; a node that believes the other one tells it again.
    fn reclaim_state(&mut self, cx: &mut Context<'_, '_>, news: &Record) {
        let (me, now) = (*cx.me(), cx.now());
        if news.has_later_state_than(&me) && self.lifecycle.refutations.take(now, 1) {
            self.say_above(cx, news.state_version(), me.health(), me.pause_seconds());
        }
    }

    /// Takes the plea for patience back once its time is over.
    pub(crate) fn end_pause(&mut self, cx: &mut Context<'_, '_>) {
        if self.lifecycle.pause_ends.is_some_and(|end| cx.now() >= end) {
            self.update_state(cx, cx.me().health(), Duration::ZERO);
        }
    }

    /// Whether no member was heard from for so long that others may have forgotten deaths that this node has not
    /// heard of: what we know could then revive the dead.
    pub(crate) fn is_out_of_touch(&self, cx: &Context<'_, '_>) -> bool {
        let silent = cx.now().since(self.lifecycle.heard);
        cx.tables.members.live() > 0 && silent > cx.kernel.config.tombstone_ttl / 2
    }

    /// Forgets all members: what they are may have been forgotten elsewhere.
    pub(crate) fn forget_everybody(&mut self, cx: &mut Context<'_, '_>) {
        let me = *cx.me();
        let now = cx.now();
        *cx.tables.rumors = crate::tables::queue::RumorState::EMPTY;
        cx.tables.suspicions.clear();
        let born = cx.tables.members.slot(ME).born;
        cx.tables.reset_to_self(cx.kernel.config.cluster.key, &me, born);
        cx.kernel.changes = Changes::NONE;
        self.sightings.forget_ours();
        self.forget_all_probes(now);
        self.quarantines = Quarantines::default();
        self.healing.start_over();
        self.standing = Standing::new(now);
        self.lifecycle.heard = now;
        debug!("heard nobody for too long; starting over");
        cx.raise(Event::Reset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::record::{Identity, Locality, NodeId, Versions};

    fn me() -> Record {
        let identity = Identity {
            id: NodeId::from_name("me").unwrap(),
            epoch: 10,
            address: ([10, 0, 0, 1], 7946).into(),
            locality: Locality::default(),
        };
        Record::new(identity, Versions::OURS).with_incarnation(Incarnation { epoch: 10, refutation: 5 })
    }

    fn at(epoch: u32, refutation: u32) -> Record {
        me().with_incarnation(Incarnation { epoch, refutation })
    }

    #[test]
    fn only_news_that_is_not_ours_is_answered() {
        let elsewhere = me().with_address(([10, 0, 0, 2], 7946).into());
        for (news, expected) in [
            (me(), Answer::Silence),
            (at(10, 4).with_status(Status::Dead), Answer::Silence),
            (at(9, 9).with_status(Status::Left), Answer::Silence),
            (me().with_status(Status::Suspect), Answer::Refute),
            (me().with_status(Status::Left), Answer::Refute),
            (at(10, 6), Answer::Refute),
            (me().with_state(1, Health::Healthy, 0), Answer::Reword),
            (me().with_state(0, Health::Degraded, 0), Answer::Reword),
            (me().with_state(0, Health::Healthy, 1), Answer::Reword),
            (at(11, 0), Answer::Live),
            (elsewhere, Answer::Live),
        ] {
            assert_eq!(answer(&me(), &news), expected, "{news:?}");
        }
    }

    #[test]
    fn clocks_that_drift_apart_make_no_earlier_life_and_a_lost_epoch_does() {
        const DAY: u32 = 86_400_000;
        for lasted in [0, 100, 60_000, 3_600_000, DAY, 24 * DAY] {
            // 500 ppm fast there and slow here.
            let kept = (u64::from(lasted) * 10_010 / 10_000) as u32 + 900;
            assert!(!is_older(kept, lasted), "{lasted} ms");
            assert!(is_older(lasted + 1_500 + lasted / 400, lasted), "{lasted} ms");
        }
        assert!(is_older(5_000, 20), "it joins, and was known for five seconds");
    }

    #[test]
    fn who_has_left_refutes_nothing_about_this_life() {
        let left = me().with_status(Status::Left);
        assert_eq!(answer(&left, &me().with_status(Status::Dead)), Answer::Silence);
        assert_eq!(answer(&left, &me()), Answer::Silence);
    }

    #[test]
    fn new_lives_back_off_to_an_hour() {
        let mut lifecycle = Lifecycle::new(Instant::ZERO);
        let backoffs = [0, 1, 2, 7, 8, 255].map(|lives| {
            lifecycle.restarts = lives;
            lifecycle.backoff().as_secs()
        });
        assert_eq!(backoffs, [0, 30, 60, 1_920, 3_600, 3_600]);
    }
}
