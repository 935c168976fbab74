//! Joining: from a few addresses to a complete view.
//!
//! ```text
//! Idle ──join──▶ Asking ──challenge, join with token──▶ welcome ──▶ Fetching ──all ranges──▶ Idle (joined)
//!   ▲               ▲                                                  │
//!   └──lost all─────┴───────────────a range was given up───────────────┘
//!                   └──welcome in a crowd──▶ Sieving ──sieves bring no more──▶ Idle (joined)
//! ```
//!
//! The joiner asks two seeds at a time, and then fetches ranges of the id-hash space from as many members at once. It
//! sets the window and repeats what is lost, so a seed pays for one datagram. A member that is busy names others, or
//! refuses a range; the joiner asks those, or another member, at once. Where many nodes start together, most members
//! that a joiner finds are as new as it is: then sieves complete its view instead of fetches.
//!
//! A node that has joined contacts a seed now and then, as long as it runs: two halves of a cluster that started
//! while they could not hear each other would otherwise never learn of one another. A seed that is no member by then,
//! because its answer was lost or came second, is contacted after `join_retry`, and then less and less often.

mod fetch;
mod phase;
mod questions;
mod ranges;

pub(crate) use fetch::MAX_WINDOW;

use crate::{
    bootstrap::plane::Bootstrap,
    kernel::{
        context::{Context, ViewState},
        outbox::Event,
        pace::sends_sieves,
        peer::Peer,
        seeds::EARLY_CONTACTS,
        sending::{Intent, aged},
    },
    tables::table::ME,
    vocabulary::{
        diagnostics::debug,
        time::{Instant, micros},
        traffic::Traffic,
    },
    wire::message::{MAX_REFERRALS, Message, Nonce, Token},
};
use core::{net::SocketAddr, time::Duration};
use phase::{Asking, Phase, Turn};
use questions::Questions;
use ranges::{Fetch, Ranges};

/// Joins a round: two seeds, and those that busy ones named.
const MAX_OF_ROUND: usize = 2 + MAX_REFERRALS;
/// Seeds asked at a time.
const ASK_AT_ONCE: usize = 2;
/// Rounds of asking by a node that has a view and company: its seeds may be down for good.
const REJOIN_ROUNDS: u32 = 4;
/// Rounds of asking with half of the wait, the first with a quarter: what was lost costs little then. No more, and
/// none after a busy: where a round trip takes 200 ms, an answer would come when the next round has begun.
const QUICK_ROUNDS: u32 = 3;
/// Rounds of asking after the first whose wait is not doubled yet: a seed that is asked by all nodes at once names
/// others to about 500 a second within the default budget.
const EVEN_ROUNDS: u32 = 20;
/// The most doublings of the wait between two rounds of asking, as well for seeds that do not answer as for those
/// that answer late: up to eight times `join_retry`.
const MAX_DOUBLINGS: u32 = 3;
/// Rounds in a row in which no node named others, after which a joiner that only found others without a view concludes
/// that there is no view: a cluster begins. So does one that has looked for as long as [`LONE_TIME`] says.
const LONE_ROUNDS: u32 = 4;
/// How long a node without a view sends joiners to others that it met, who may have one. After that they most likely
/// ask each other, and it tells what it knows, as where a cluster begins: this long, and a share for each member met,
/// up to the most. A crowd of 1,000 that starts together has its views in half of that time (simulator,
/// `cold-start`).
const LONE_TIME: Duration = Duration::from_secs(3);
const LONE_TIME_PER_MEMBER: Duration = Duration::from_millis(100);
const MAX_LONE_TIME: Duration = Duration::from_secs(30);
/// How long sieves may take to complete a view: a flood may leave them no budget.
const MAX_SIEVING: Duration = Duration::from_secs(10);
/// Members looked at to find out whether most are new.
const MAX_SEEN: usize = 32;
/// Time between two seed contacts of a node that has members, in addition to its share of the whole cluster's.
const SEED_CONTACT_GAP: Duration = Duration::from_secs(20);

/// The joiner's state.
#[derive(Clone)]
pub(crate) struct Joining {
    phase: Phase,
    /// Since when it has been asking, fetching included.
    since: Instant,
    questions: Questions,
    /// There is a view: fetched, given by the host, or what many that start together can have.
    viewed: bool,
    /// When that happened; [`Instant::ZERO`] if it has not, or the host gave the view.
    viewed_at: Instant,
    /// A node that was asked was busy, and named others.
    referred: bool,
    /// [`Event::Joined`] was raised.
    told: bool,
    next_seed_contact: Instant,
    /// How many members there were when it was planned; none, if it was planned for a seed that is no member.
    size_at_schedule: u32,
}

impl Joining {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Idle,
            since: Instant::ZERO,
            questions: Questions::NONE,
            viewed: false,
            viewed_at: Instant::ZERO,
            referred: false,
            told: false,
            next_seed_contact: Instant::NEVER,
            size_at_schedule: 0,
        }
    }

    /// Whether this node's view is as complete as it will get by joining: it has fetched one, or was never
    /// asked to.
    pub(crate) fn has_view(&self) -> bool {
        self.viewed || self.phase.is_idle()
    }

    /// Whether the first view was fetched less than so long ago.
    fn has_viewed_since(&self, now: Instant, age: Duration) -> bool {
        self.viewed_at != Instant::ZERO && now.since(self.viewed_at) < age
    }

    /// How far the view has come.
    pub(crate) fn view(&self) -> ViewState {
        let since = Some(self.viewed_at).filter(|&at| at != Instant::ZERO);
        ViewState { has: self.has_view(), since }
    }

    /// Whether the host was told that this node has joined.
    pub(crate) fn is_joined(&self) -> bool {
        self.told
    }

    /// Whether the first view is being fetched: there will soon be more to tell.
    pub(crate) fn is_filling(&self) -> bool {
        !self.viewed && self.phase.is_fetching()
    }

    /// Whether we have looked for a view for so long that there probably is none; each member `met` makes that longer.
    pub(crate) fn is_lone(&self, now: Instant, met: u32) -> bool {
        let enough = (LONE_TIME + LONE_TIME_PER_MEMBER * met).min(MAX_LONE_TIME);
        self.phase.is_asking() && now.since(self.since) >= enough
    }

    /// The view was given by the host.
    pub(crate) fn set_viewed(&mut self) {
        self.viewed = true;
    }

    fn turn(&mut self, turn: Turn) {
        self.phase.advance(turn);
    }

    /// The ranges that are being fetched; none in other phases.
    fn fetches(&self) -> &[Fetch] {
        match &self.phase {
            Phase::Fetching(ranges) => &ranges.fetches,
            _ => &[],
        }
    }

    fn ranges(&mut self) -> Option<&mut Ranges> {
        match &mut self.phase {
            Phase::Fetching(ranges) => Some(ranges),
            _ => None,
        }
    }

    fn fetch(&mut self, at: usize) -> Option<&mut Fetch> {
        self.ranges()?.fetches.get_mut(at)
    }

    /// The rounds of asking, while there are some.
    fn asking(&mut self) -> Option<&mut Asking> {
        match &mut self.phase {
            Phase::Asking(asking) => Some(asking),
            _ => None,
        }
    }

    /// Everything is to be learned anew; the addresses to ask are kept.
    pub(crate) fn start_over(&mut self, now: Instant, asks: bool) {
        let next_seed_contact = self.next_seed_contact;
        *self = Self { next_seed_contact, since: now, ..Self::new() };
        if asks {
            self.turn(Turn::Ask { retry: now });
        }
    }

    /// When to ask again.
    pub(crate) fn next(&self) -> Instant {
        match &self.phase {
            Phase::Idle if !self.told => Instant::ZERO,
            Phase::Idle => self.next_seed_contact,
            Phase::Asking(asking) => asking.retry,
            Phase::Fetching(ranges) => {
                ranges.fetches.iter().map(|fetch| fetch.due).min().unwrap_or(Instant::ZERO)
            }
            // Mostly with a sieve, before that.
            Phase::Sieving => self.viewed_at + MAX_SIEVING,
        }
    }

    /// Whether an answer with this nonce is awaited.
    pub(crate) fn awaits(&self, nonce: Nonce) -> bool {
        self.questions.await_answer(nonce) || self.fetches().iter().any(|fetch| fetch.nonce == nonce)
    }
}

impl Bootstrap {
    /// The addresses to join will be known later: until then this node looks for a view like one whose seeds do not
    /// answer.
    pub(crate) fn await_seeds(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.now();
        let joining = &mut self.joining;
        if joining.phase.is_idle() && !joining.told {
            joining.turn(Turn::Ask { retry: now });
            joining.since = now;
        }
    }

    /// Takes seeds over and asks the first of them.
    pub(crate) fn begin_joining(&mut self, cx: &mut Context<'_, '_>, seeds: &[SocketAddr]) {
        let dropped = cx.kernel.seeds.replace(seeds, cx.me().address());
        cx.kernel.metrics.dropped_seeds += dropped;
        for &slot in cx.tables.members.live_slots() {
            cx.kernel.seeds.note_member_at(cx.tables.members.record(slot).address());
        }
        if let Some(asking) = self.joining.asking() {
            asking.round = 0;
        }
        if !cx.kernel.seeds.knows_whom_to_ask() {
            self.joining.turn(Turn::NobodyToAsk);
        }
        self.schedule_seed_contact(cx);
        let now = cx.now();
        let joining = &mut self.joining;
        if !joining.phase.is_fetching() && !cx.kernel.seeds.list.is_empty() {
            if joining.phase.is_idle() {
                joining.since = now;
            }
            joining.turn(Turn::Ask { retry: now });
            self.ask_seeds(cx);
        }
        self.tell_joined(cx);
    }

    /// A node that has no one (left) to ask has joined: the host is told, once.
    fn tell_joined(&mut self, cx: &mut Context<'_, '_>) {
        let joining = &mut self.joining;
        if joining.phase.is_idle() && !joining.told {
            joining.told = true;
            debug!("joined; {} members", cx.tables.members.size());
            cx.raise(Event::Joined);
            // What this node has published already has someone to be told to.
            if cx.tables.state.pending() > 0 {
                cx.schedule_round();
            }
        }
    }

    /// Asks again where no answer came, and all seeds anew when all members were lost.
    pub(crate) fn advance_joining(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.now();
        match &self.joining.phase {
            Phase::Idle if cx.tables.members.live() == 0 && cx.kernel.seeds.knows_whom_to_ask() => {
                self.ask_again(cx);
            }
            Phase::Idle if self.joining.next_seed_contact <= now => self.contact_seed(cx),
            Phase::Asking(asking) if asking.retry <= now => {
                let (round, joining) = (asking.round, &mut self.joining);
                // A view that the host gave may be of members that are all gone by now.
                let met = joining.told || cx.kernel.seeds.has_good();
                let company = joining.viewed && met && cx.tables.members.live() > 0;
                if company && round >= REJOIN_ROUNDS {
                    joining.turn(Turn::Complete);
                } else {
                    self.ask_seeds(cx);
                }
            }
            Phase::Fetching(ranges) => {
                for at in (0..ranges.fetches.len()).rev() {
                    if self.joining.fetches().get(at).is_some_and(|fetch| fetch.due <= now) {
                        self.retry_fetch(cx, at);
                    }
                }
                self.finish_fetching(cx);
            }
            Phase::Sieving if cx.sieves_are_vain() || !self.joining.has_viewed_since(now, MAX_SIEVING) => {
                self.joining.turn(Turn::Complete);
            }
            _ => {}
        }
        self.tell_joined(cx);
    }

    fn ask_again(&mut self, cx: &mut Context<'_, '_>) {
        let wait = self.jittered(cx, cx.kernel.config.join_retry);
        self.joining.turn(Turn::Ask { retry: cx.kernel.clock.now() + wait });
    }

    /// Asks one seed although there are members: it may be in another cluster, which formed apart from this one.
    fn contact_seed(&mut self, cx: &mut Context<'_, '_>) {
        // Scheduled in a smaller cluster it comes too soon: nodes that started together would contact it together.
        // So does one to a seed that was no member and is one now.
        let grown = cx.tables.members.size() > self.joining.size_at_schedule.saturating_mul(2);
        self.schedule_seed_contact(cx);
        if grown && cx.kernel.seeds.unmet == 0 {
            return;
        }
        self.ask_again(cx);
        if let Some(asking) = self.joining.asking() {
            asking.round = REJOIN_ROUNDS;
        }
        self.joining.questions.clear();
        let which = cx.kernel.rng.below(cx.kernel.seeds.list.len() as u32) as usize;
        let turn = cx.kernel.seeds.unmet_contacts < EARLY_CONTACTS || cx.kernel.rng.below(2) == 0;
        let seeds = &mut cx.kernel.seeds;
        let unmet = seeds.unmet_seed().filter(|_| turn);
        seeds.unmet_contacts = seeds.unmet_contacts.saturating_add(u32::from(unmet.is_some()));
        if let Some(seed) = unmet.or(seeds.list.get(which).copied()) {
            self.ask(cx, seed);
        }
    }

    fn schedule_seed_contact(&mut self, cx: &mut Context<'_, '_>) {
        let mut size = cx.tables.members.size();
        let mut gap = SEED_CONTACT_GAP + cx.contact_share();
        let doublings = cx.kernel.seeds.unmet_contacts;
        if cx.kernel.seeds.unmet != 0 && doublings < EARLY_CONTACTS {
            gap = gap.min(
                self.jittered(cx, Duration::from_micros(micros(cx.kernel.config.join_retry) << doublings)),
            );
            size = 0;
        }
        let joining = &mut self.joining;
        joining.size_at_schedule = size;
        joining.next_seed_contact =
            if cx.kernel.seeds.list.is_empty() { Instant::NEVER } else { cx.kernel.clock.now() + gap };
    }

    /// A quarter of jitter either way.
    fn jittered(&mut self, cx: &mut Context<'_, '_>, wait: Duration) -> Duration {
        let wait = micros(wait);
        Duration::from_micros(wait * 3 / 4 + cx.kernel.rng.below_u64(wait / 2))
    }

    fn ask_seeds(&mut self, cx: &mut Context<'_, '_>) {
        let Some(&mut Asking { round, .. }) = self.joining.asking() else {
            return debug_assert!(false, "only who asks has rounds");
        };
        let doublings = round.saturating_sub(EVEN_ROUNDS) + self.joining.questions.doublings();
        let doublings = doublings.min(MAX_DOUBLINGS);
        let quarters = match round {
            0 => 1,
            1..QUICK_ROUNDS => 2,
            _ => 4,
        };
        let wait = (micros(cx.kernel.config.join_retry) << doublings) * quarters / 4;
        let wait = self.jittered(cx, Duration::from_micros(wait));
        let retry = cx.kernel.clock.now() + wait;
        if let Some(asking) = self.joining.asking() {
            *asking = Asking { round: round.saturating_add(1), retry };
        }
        self.joining.questions.begin_round();
        let lost = cx.tables.members.live() == 0;
        if !self.joining.viewed {
            for peer in self.established_peers(cx, 1) {
                self.ask(cx, cx.record(peer).address());
            }
        }
        for _ in 0..ASK_AT_ONCE {
            if let Some(seed) = cx.kernel.seeds.next_to_ask(lost) {
                self.ask(cx, seed);
            }
        }
    }

    fn ask(&mut self, cx: &mut Context<'_, '_>, seed: SocketAddr) {
        if !self.joining.questions.may_ask(seed) {
            return;
        }
        let nonce = cx.fresh_nonce();
        if self.joining.questions.add(nonce, seed) {
            self.introduce(cx, Peer::anybody_at(seed), nonce, 0);
        }
    }

    /// A member of a cluster that remembers us has introduced itself: it has the view that we look for.
    pub(crate) fn ask_who_knows_us(&mut self, cx: &mut Context<'_, '_>, address: SocketAddr) {
        if self.joining.phase.is_asking() && !self.joining.viewed {
            self.ask(cx, address);
        }
    }

    /// Sends our own record, with a token if we have one.
    pub(crate) fn introduce(&mut self, cx: &mut Context<'_, '_>, to: Peer, nonce: Nonce, token: Token) {
        let me = aged(cx.kernel, &cx.tables, ME);
        let _ = cx.send(Intent::bare(to, Traffic::Sync, Message::Join { nonce, token, me }));
    }

    /// A seed or a source wants the request again, with a token. False when we asked nothing of the kind.
    pub(crate) fn handle_join_challenge(
        &mut self,
        cx: &mut Context<'_, '_>,
        nonce: Nonce,
        token: Token,
    ) -> bool {
        if let Some(seed) = self.joining.questions.note_answer(nonce) {
            if self.joining.questions.enter(nonce) {
                self.introduce(cx, Peer::anybody_at(seed), nonce, token);
            }
            return true;
        }
        self.prove_to_source(cx, nonce, token)
    }

    /// We are in; of `members`, some came along.
    pub(crate) fn handle_welcome(
        &mut self,
        cx: &mut Context<'_, '_>,
        from: Peer,
        nonce: Nonce,
        members: u32,
    ) {
        let lone = self.joining.is_lone(cx.now(), cx.tables.members.live());
        let joining = &mut self.joining;
        let Some(&mut Asking { round, .. }) = joining.asking() else { return };
        if joining.questions.note_answer(nonce).is_none() {
            return;
        }
        if members == 0 && !joining.viewed && round < LONE_ROUNDS && !lone {
            joining.questions.drop_answered(nonce); // somebody else may have a view
            self.ask_the_rest(cx);
            return;
        }
        joining.questions.clear();
        joining.turn(Turn::Welcome);
        cx.kernel.path.begin_join();
        cx.kernel.seeds.note_member_at(from.address);
        if cx.tables.members.size() >= members {
            self.finish_fetching(cx);
            return;
        }
        if self.is_in_crowd(cx) {
            self.end_fetching(cx, Turn::Crowd);
            return;
        }
        self.begin_fetching(cx, from, members);
    }

    /// Whether most that we know of are as new as we are: they have no time to spare, and know no more than sieves
    /// bring.
    fn is_in_crowd(&self, cx: &Context<'_, '_>) -> bool {
        let known = cx.tables.members.live_slots().iter().take(MAX_SEEN);
        let count = known.len();
        let new = known.filter(|&&slot| !cx.is_established(slot)).count();
        sends_sieves(&cx.kernel.config) && !self.joining.viewed && self.joining.referred && 2 * new > count
    }

    /// A node that was asked in this round and has not answered may have a view: its challenge came while another was
    /// being answered, or was lost.
    fn ask_the_rest(&mut self, cx: &mut Context<'_, '_>) {
        for at in 0..self.joining.questions.of_this_round().len() {
            if let Some(&(nonce, seed)) = self.joining.questions.of_this_round().get(at) {
                self.introduce(cx, Peer::anybody_at(seed), nonce, 0);
            }
        }
    }

    /// A node that was asked has no time, but may know others.
    pub(crate) fn handle_busy(&mut self, cx: &mut Context<'_, '_>, nonce: Nonce, others: &[SocketAddr]) {
        if self.note_refusal(cx, nonce) {
            return;
        }
        let joining = &mut self.joining;
        if joining.questions.note_answer(nonce).is_none() {
            return;
        }
        joining.questions.note_refusal(nonce);
        if let Some(asking) = joining.asking() {
            asking.round = asking.round.min(QUICK_ROUNDS); // it has a view
        }
        joining.referred = true;
        others.iter().for_each(|&other| cx.kernel.seeds.note_good(other));
        let me = cx.me().address();
        for &other in others.iter().filter(|&&other| other != me).take(ASK_AT_ONCE) {
            self.ask(cx, other);
        }
    }

    /// There is a view: complete, or as complete as many that start together can have it, which continue with sieves.
    fn end_fetching(&mut self, cx: &mut Context<'_, '_>, turn: Turn) {
        let joining = &mut self.joining;
        joining.turn(turn);
        if !core::mem::replace(&mut joining.viewed, true) {
            joining.viewed_at = cx.kernel.clock.now();
            cx.begin_sieving();
        }
        self.schedule_seed_contact(cx);
    }
}
