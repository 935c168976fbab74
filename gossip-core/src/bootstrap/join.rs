//! Joining: from a few addresses to a complete view.
//!
//! ```text
//! Idle ──join──▶ Asking ──challenge, join with token──▶ welcome ──▶ Fetching ──all ranges──▶ Idle (joined)
//!   ▲               ▲                                                  │
//!   └──lost all─────┴───────────────a range was given up───────────────┘
//!                   └──welcome in a crowd──▶ Sieving ──sieves bring no more──▶ Idle (joined)
//! ```
//!
//! The joiner asks two seeds at a time, and then fetches ranges of the id-hash space from as many members at once. It sets
//! the window and repeats what is lost, so a seed pays for one datagram. A member that is busy names others, or refuses a
//! range; the joiner asks those, or another member, at once. Where many nodes start together, most members that a joiner
//! meets are as new as it is: then sieves complete its view instead of fetches.
//!
//! A node that has joined visits a seed now and then, as long as it runs: two halves of a cluster that started while they
//! could not hear each other would otherwise never learn of one another. A seed that is no member by then, because its
//! answer was lost or came second, is visited after `join_retry`, and then less and less often.

mod fetch;

pub(crate) use fetch::MAX_WINDOW;

use crate::{
    kernel::{
        context::{Intent, Step, aged},
        outbox::{Event, Traffic},
    },
    tables::{memory::sized, table::ME},
    vocabulary::{
        diagnostics::debug,
        time::{Instant, micros},
    },
    wire::{
        codec::{canonical, is_unicast},
        message::{MAX_REFERRALS, Message, Nonce, Token},
    },
};
use core::{net::SocketAddr, time::Duration};
use fetch::{Early, Fetch, MAX_EARLY, MAX_FETCHES};

/// Seeds kept; the rest of a longer list is counted and ignored.
const MAX_SEEDS: usize = sized(16, 4);
/// Joins a round: two seeds, and those that busy ones named.
const MAX_ASKED: usize = 2 + MAX_REFERRALS;
/// Seeds asked at a time.
const ASK_AT_ONCE: usize = 2;
/// Addresses of members that answered lately, kept for when everybody is lost.
const MAX_GOOD: usize = 4;
/// Rounds of asking by a node that has a view and company: its seeds may be down for good.
const REJOIN_ROUNDS: u32 = 4;
/// Rounds of asking with half of the wait, the first with a quarter: what was lost costs little then. No more, and none after
/// a busy: where a round trip takes 200 ms, an answer would come when the next round has begun.
const QUICK_ROUNDS: u32 = 3;
/// Rounds of asking after the first whose wait is not doubled yet: a seed that is asked by everybody at once names others to about 500 a second
/// within the default budget.
const EVEN_ROUNDS: u32 = 20;
/// The most doublings of the wait between two rounds of asking: up to eight times `join_retry`.
const MAX_DOUBLINGS: u32 = 3;
/// Rounds of asking in a row that nobody named others in, after which a joiner that only met others without a view takes it
/// that there is no view to be had: a cluster begins. So does one that has looked for as long as [`LONE_TIME`] says.
const LONE_ROUNDS: u32 = 4;
/// How long a node without a view sends joiners to others that it met, who may have one. After that they most likely
/// ask each other, and it tells what it knows, as where a cluster begins: this long, and a share for each member met, up
/// to the most. A crowd of 1,000 that starts together has its views in half of that time (simulator, `cold-start`).
const LONE_TIME: Duration = Duration::from_secs(3);
const LONE_TIME_PER_MEMBER: Duration = Duration::from_millis(100);
const MAX_LONE_TIME: Duration = Duration::from_secs(30);
/// How long sieves may take to complete a view: a flood may leave them no budget.
const MAX_SIEVING: Duration = Duration::from_secs(10);
/// Members looked at to find out whether most are new.
const MAX_SEEN: usize = 32;
/// The nonce of a join that only introduces the sender, and asks for nothing.
pub(crate) const INTRODUCTION: Nonce = 0;
/// Time between two visits to a seed by a node that has company, beside its share of the whole cluster's.
const VISIT_GAP: Duration = Duration::from_secs(20);
/// So many visits to seeds that are no members come early, after `join_retry`, doubling each time. From then on one may
/// just be down, and has every second of the regular visits.
const EARLY_VISITS: u32 = 6;

/// What the joiner is waiting for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Nothing: it has joined, or was not asked to.
    Idle,
    /// A welcome.
    Asking,
    /// The pages of ranges.
    Fetching,
    /// What sieves bring, in a crowd that starts together.
    Sieving,
}

/// The joiner's state.
#[derive(Clone)]
pub(crate) struct Joining {
    phase: Phase,
    seeds: heapless::Vec<SocketAddr, MAX_SEEDS>,
    next_seed: usize,
    good: [Option<SocketAddr>; MAX_GOOD],
    next_good: usize,
    round: u32,
    /// Since when it has been asking, fetching included.
    since: Instant,
    retry: Instant,
    asked: heapless::Vec<(Nonce, SocketAddr), MAX_ASKED>,
    /// Who of those was shown its token: one at a time, since one welcome is enough.
    entering: Option<Nonce>,
    fetches: heapless::Vec<Fetch, MAX_FETCHES>,
    early: heapless::Vec<Early, MAX_EARLY>,
    /// There is a view: fetched, given by the host, or what a crowd can have.
    viewed: bool,
    /// When that happened; [`Instant::ZERO`] if it has not, or the host gave the view.
    viewed_at: Instant,
    /// Whoever was asked was busy, and named others.
    referred: bool,
    /// [`Event::Joined`] was raised.
    told: bool,
    next_visit: Instant,
    /// How many members there were when it was planned; none, if it was planned for a seed that is no member.
    visit_size: u32,
    /// The seeds at whose addresses no member is known: a bit for each.
    unmet: u16,
    /// Visits made to those.
    unmet_visits: u32,
}

const _: () = assert!(MAX_SEEDS <= u16::BITS as usize);

impl Joining {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Idle,
            seeds: heapless::Vec::new(),
            next_seed: 0,
            good: [None; MAX_GOOD],
            next_good: 0,
            round: 0,
            since: Instant::ZERO,
            retry: Instant::NEVER,
            asked: heapless::Vec::new(),
            entering: None,
            fetches: heapless::Vec::new(),
            early: heapless::Vec::new(),
            viewed: false,
            viewed_at: Instant::ZERO,
            referred: false,
            told: false,
            next_visit: Instant::NEVER,
            visit_size: 0,
            unmet: 0,
            unmet_visits: 0,
        }
    }

    /// A member is at this address.
    pub(crate) fn note_member_at(&mut self, address: SocketAddr) {
        if self.unmet != 0
            && let Some(seed) = self.seeds.iter().position(|&seed| seed == address)
        {
            self.unmet &= !(1 << seed);
        }
    }

    /// No member is at this address any more. It may be back some day, but there is no hurry.
    pub(crate) fn note_gone_from(&mut self, address: SocketAddr) {
        if let Some(seed) = self.seeds.iter().position(|&seed| seed == address) {
            self.unmet |= 1 << seed;
            self.unmet_visits = self.unmet_visits.max(EARLY_VISITS);
        }
    }

    /// A seed at whose address no member is known, if there is one: each in turn.
    fn unmet_seed(&self) -> Option<SocketAddr> {
        let unmet = || self.seeds.iter().enumerate().filter(|&(at, _)| self.unmet & 1 << at != 0);
        let which = self.unmet_visits as usize % unmet().count().max(1);
        unmet().nth(which).map(|(_, &seed)| seed)
    }

    /// Whether this node's view is as complete as it will get by joining: it has fetched one, or was never
    /// asked to.
    pub(crate) fn has_view(&self) -> bool {
        self.viewed || self.phase == Phase::Idle
    }

    /// Whether the first view was fetched less than so long ago.
    pub(crate) fn has_viewed_since(&self, now: Instant, age: Duration) -> bool {
        self.viewed_at != Instant::ZERO && now.since(self.viewed_at) < age
    }

    /// Whether the host was told that this node has joined.
    pub(crate) fn is_joined(&self) -> bool {
        self.told
    }

    /// Whether the first view is being fetched: there will soon be more to tell.
    pub(crate) fn is_filling(&self) -> bool {
        !self.viewed && self.phase == Phase::Fetching
    }

    /// Whether we have looked for a view for so long that there probably is none; each member `met` makes that longer.
    pub(crate) fn is_lone(&self, now: Instant, met: u32) -> bool {
        let enough = (LONE_TIME + LONE_TIME_PER_MEMBER * met).min(MAX_LONE_TIME);
        self.phase == Phase::Asking && now.since(self.since) >= enough
    }

    /// The view was given by the host.
    pub(crate) fn set_viewed(&mut self) {
        self.viewed = true;
    }

    /// A member answered at this address.
    pub(crate) fn note_good(&mut self, address: SocketAddr) {
        if !self.good.contains(&Some(address)) {
            self.good[self.next_good] = Some(address);
            self.next_good = (self.next_good + 1) % MAX_GOOD;
        }
    }

    /// Whom to ask next: the seeds in turn; when everybody is `lost`, the addresses that were good as well.
    /// Otherwise those would only welcome us to where we are.
    fn next_to_ask(&mut self, lost: bool) -> Option<SocketAddr> {
        let good = self.good.iter().copied().flatten().filter(|_| lost);
        let known = self.seeds.iter().copied().chain(good);
        let count = known.clone().count();
        let next = known.clone().nth(self.next_seed % count.max(1));
        self.next_seed = (self.next_seed + 1) % count.max(1);
        next
    }

    fn forget_asked(&mut self) {
        self.asked.clear();
        self.entering = None;
    }

    fn knows_whom_to_ask(&self) -> bool {
        !self.seeds.is_empty() || self.good.iter().any(Option::is_some)
    }

    /// Everything is to be learned anew; whom to ask is not forgotten.
    pub(crate) fn start_over(&mut self, now: Instant) {
        let phase = if self.knows_whom_to_ask() { Phase::Asking } else { Phase::Idle };
        let (seeds, good, next_visit) = (self.seeds.clone(), self.good, self.next_visit);
        let unmet = all(&seeds);
        *self = Self { phase, seeds, good, next_visit, unmet, since: now, retry: now, ..Self::new() };
    }

    /// When to ask again.
    pub(crate) fn next(&self) -> Instant {
        let fetches = self.fetches.iter().map(|fetch| fetch.due).min();
        match self.phase {
            Phase::Idle if !self.told => Instant::ZERO,
            Phase::Idle => self.next_visit,
            Phase::Asking => self.retry,
            Phase::Fetching => fetches.unwrap_or(Instant::ZERO),
            // Mostly with a sieve, before that.
            Phase::Sieving => self.viewed_at + MAX_SIEVING,
        }
    }

    /// Whether an answer with this nonce is awaited.
    pub(crate) fn awaits(&self, nonce: Nonce) -> bool {
        self.asked.iter().any(|&(asked, _)| asked == nonce)
            || self.fetches.iter().any(|fetch| fetch.nonce == nonce)
    }
}

/// A bit for each seed.
fn all(seeds: &[SocketAddr]) -> u16 {
    seeds.iter().enumerate().fold(0, |all, (at, _)| all | 1 << at)
}

impl Step<'_, '_> {
    /// Whom to join will be known later: until then this node looks for a view like one whose seeds do not answer.
    pub(crate) fn await_seeds(&mut self) {
        let now = self.now();
        let joining = &mut self.core.joining;
        if joining.phase == Phase::Idle && !joining.told {
            (joining.phase, joining.since, joining.retry) = (Phase::Asking, now, now);
        }
    }

    /// Takes seeds over and asks the first of them.
    pub(crate) fn begin_joining(&mut self, seeds: &[SocketAddr]) {
        let me = self.me().address();
        let joining = &mut self.core.joining;
        let met = |&(at, _): &(usize, &SocketAddr)| joining.unmet & 1 << at == 0;
        let met: heapless::Vec<SocketAddr, MAX_SEEDS> =
            joining.seeds.iter().enumerate().filter(met).map(|(_, &seed)| seed).collect();
        joining.seeds.clear();
        for seed in seeds.iter().copied().map(canonical).filter(|&seed| seed != me) {
            let kept = joining.seeds.contains(&seed) || is_unicast(seed) && joining.seeds.push(seed).is_ok();
            self.core.metrics.dropped_seeds += u64::from(!kept);
        }
        (joining.round, joining.next_seed) = (0, 0);
        (joining.unmet, joining.unmet_visits) = (all(&joining.seeds), 0);
        met.into_iter().for_each(|seed| joining.note_member_at(seed));
        for &slot in self.tables.members.live_slots() {
            joining.note_member_at(self.tables.members.record(slot).address());
        }
        if joining.phase == Phase::Asking && !joining.knows_whom_to_ask() {
            joining.phase = Phase::Idle;
        }
        self.plan_visit();
        let now = self.now();
        let joining = &mut self.core.joining;
        if joining.phase != Phase::Fetching && !joining.seeds.is_empty() {
            if joining.phase == Phase::Idle {
                joining.since = now;
            }
            joining.phase = Phase::Asking;
            self.ask_seeds();
        }
        self.tell_joined();
    }

    /// Who has nobody (more) to ask has joined: the host is told, once.
    fn tell_joined(&mut self) {
        let joining = &mut self.core.joining;
        if joining.phase == Phase::Idle && !joining.told {
            joining.told = true;
            debug!("joined; {} members", self.tables.members.size());
            self.raise(Event::Joined);
        }
    }

    /// Asks again where no answer came, and everybody anew when everybody was lost.
    pub(crate) fn advance_joining(&mut self) {
        let now = self.now();
        match self.core.joining.phase {
            Phase::Idle if self.tables.members.live() == 0 && self.core.joining.knows_whom_to_ask() => {
                self.ask_again();
            }
            Phase::Idle if self.core.joining.next_visit <= now => self.visit_seed(),
            Phase::Asking if self.core.joining.retry <= now => {
                let joining = &mut self.core.joining;
                // A view that the host gave may be of members who are all gone by now.
                let met = joining.told || joining.good.iter().any(Option::is_some);
                let company = joining.viewed && met && self.tables.members.live() > 0;
                if company && joining.round >= REJOIN_ROUNDS {
                    joining.phase = Phase::Idle;
                } else {
                    self.ask_seeds();
                }
            }
            Phase::Fetching => {
                for at in (0..self.core.joining.fetches.len()).rev() {
                    if self.core.joining.fetches.get(at).is_some_and(|fetch| fetch.due <= now) {
                        self.retry_fetch(at);
                    }
                }
                self.finish_fetching();
            }
            Phase::Sieving
                if self.core.sieves.are_vain() || !self.core.joining.has_viewed_since(now, MAX_SIEVING) =>
            {
                self.core.joining.phase = Phase::Idle;
            }
            _ => {}
        }
        self.tell_joined();
    }

    fn ask_again(&mut self) {
        let wait = self.jittered(self.core.config.join_retry);
        let joining = &mut self.core.joining;
        (joining.phase, joining.round, joining.retry) = (Phase::Asking, 0, self.core.clock.now() + wait);
    }

    /// Asks one seed although we have company: it may be in another, that formed or lived apart from ours.
    fn visit_seed(&mut self) {
        // Planned in a smaller cluster it comes too soon: whoever started together would visit together.
        // So does one to a seed that was no member and is one now.
        let grown = self.tables.members.size() > self.core.joining.visit_size.saturating_mul(2);
        self.plan_visit();
        if grown && self.core.joining.unmet == 0 {
            return;
        }
        self.ask_again();
        self.core.joining.round = REJOIN_ROUNDS;
        self.core.joining.forget_asked();
        let which = self.core.rng.below(self.core.joining.seeds.len() as u32) as usize;
        let turn = self.core.joining.unmet_visits < EARLY_VISITS || self.core.rng.below(2) == 0;
        let joining = &mut self.core.joining;
        let unmet = joining.unmet_seed().filter(|_| turn);
        joining.unmet_visits = joining.unmet_visits.saturating_add(u32::from(unmet.is_some()));
        if let Some(seed) = unmet.or(joining.seeds.get(which).copied()) {
            self.ask(seed);
        }
    }

    fn plan_visit(&mut self) {
        let mut size = self.tables.members.size();
        let mut gap = VISIT_GAP + self.visit_share();
        let doublings = self.core.joining.unmet_visits;
        if self.core.joining.unmet != 0 && doublings < EARLY_VISITS {
            gap = gap.min(self.jittered(self.core.config.join_retry * 2u32.pow(doublings)));
            size = 0;
        }
        let joining = &mut self.core.joining;
        joining.visit_size = size;
        joining.next_visit =
            if joining.seeds.is_empty() { Instant::NEVER } else { self.core.clock.now() + gap };
    }

    /// A quarter of jitter either way.
    fn jittered(&mut self, wait: Duration) -> Duration {
        let half = micros(wait) / 2;
        wait * 3 / 4 + Duration::from_micros(self.core.rng.below_u64(half))
    }

    fn ask_seeds(&mut self) {
        let doublings = self.core.joining.round.saturating_sub(EVEN_ROUNDS).min(MAX_DOUBLINGS);
        let round = self.core.joining.round;
        let quarters = match round {
            0 => 1,
            1..QUICK_ROUNDS => 2,
            _ => 4,
        };
        let wait = self.jittered(self.core.config.join_retry * 2u32.pow(doublings) * quarters / 4);
        let joining = &mut self.core.joining;
        joining.round = joining.round.saturating_add(1);
        joining.retry = self.core.clock.now() + wait;
        joining.forget_asked();
        let lost = self.tables.members.live() == 0;
        if !self.core.joining.viewed {
            for peer in self.settled_peers(1) {
                self.ask(self.record(peer).address());
            }
        }
        for _ in 0..ASK_AT_ONCE {
            if let Some(seed) = self.core.joining.next_to_ask(lost) {
                self.ask(seed);
            }
        }
    }

    fn ask(&mut self, seed: SocketAddr) {
        if self.core.joining.asked.iter().any(|&(_, asked)| asked == seed) {
            return;
        }
        let nonce = self.fresh_nonce();
        if self.core.joining.asked.push((nonce, seed)).is_ok() {
            self.introduce(seed, nonce, 0);
        }
    }

    /// A member of a cluster that remembers us has introduced itself: it has the view that we look for.
    pub(crate) fn ask_who_knows_us(&mut self, address: SocketAddr) {
        if self.core.joining.phase == Phase::Asking && !self.core.joining.viewed {
            self.ask(address);
        }
    }

    /// Sends our own record, with a token if we have one.
    pub(crate) fn introduce(&mut self, to: SocketAddr, nonce: Nonce, token: Token) {
        let me = aged(self.core, &self.tables, ME);
        let _ = self.send(Intent::bare(to, Traffic::Sync, Message::Join { nonce, token, me }));
    }

    /// A seed or a source wants the request again, with a token. False when we asked nothing of the kind.
    pub(crate) fn handle_join_challenge(&mut self, nonce: Nonce, token: Token) -> bool {
        if let Some(&(_, seed)) = self.core.joining.asked.iter().find(|&&(asked, _)| asked == nonce) {
            if self.core.joining.entering.is_none_or(|entering| entering == nonce) {
                self.core.joining.entering = Some(nonce);
                self.introduce(seed, nonce, token);
            }
            return true;
        }
        self.prove_to_source(nonce, token)
    }

    /// We are in; of `members`, some came along.
    pub(crate) fn handle_welcome(&mut self, from: SocketAddr, nonce: Nonce, members: u32) {
        let lone = self.core.joining.is_lone(self.now(), self.tables.members.live());
        let joining = &mut self.core.joining;
        if joining.phase != Phase::Asking || !joining.asked.iter().any(|&(asked, _)| asked == nonce) {
            return;
        }
        if members == 0 && !joining.viewed && joining.round < LONE_ROUNDS && !lone {
            joining.entering = None; // somebody else may have a view
            joining.asked.retain(|&(asked, _)| asked != nonce);
            self.ask_the_rest();
            return;
        }
        joining.forget_asked();
        joining.phase = Phase::Fetching;
        self.core.path.begin_join();
        joining.note_member_at(from);
        if self.tables.members.size() >= members {
            self.finish_fetching();
            return;
        }
        if self.is_in_crowd() {
            self.end_fetching(Phase::Sieving);
            return;
        }
        self.begin_fetching(from, members);
    }

    /// Whether most that we know of are as new as we are: they have no time to spare, and know no more than sieves bring.
    fn is_in_crowd(&self) -> bool {
        let known = self.tables.members.live_slots().iter().take(MAX_SEEN);
        let count = known.len();
        let new = known.filter(|&&slot| !self.is_settled(slot)).count();
        self.sends_sieves() && !self.core.joining.viewed && self.core.joining.referred && 2 * new > count
    }

    /// Whoever was asked in this round and has not answered may have a view: its challenge came while another was being
    /// answered, or was lost.
    fn ask_the_rest(&mut self) {
        for at in 0..self.core.joining.asked.len() {
            if let Some(&(nonce, seed)) = self.core.joining.asked.get(at) {
                self.introduce(seed, nonce, 0);
            }
        }
    }

    /// Whoever we asked has no time, but may know others.
    pub(crate) fn handle_busy(&mut self, nonce: Nonce, others: &[SocketAddr]) {
        if self.note_refusal(nonce) {
            return;
        }
        let joining = &mut self.core.joining;
        if !joining.asked.iter().any(|&(asked, _)| asked == nonce) {
            return;
        }
        joining.entering = joining.entering.filter(|&entering| entering != nonce);
        joining.round = joining.round.min(QUICK_ROUNDS); // it has a view
        joining.referred = true;
        others.iter().for_each(|&other| joining.note_good(other));
        let me = self.me().address();
        for &other in others.iter().filter(|&&other| other != me).take(ASK_AT_ONCE) {
            self.ask(other);
        }
    }

    /// There is a view: complete, or as complete as a crowd can have it, which goes on with sieves.
    fn end_fetching(&mut self, phase: Phase) {
        let joining = &mut self.core.joining;
        joining.phase = phase;
        if !core::mem::replace(&mut joining.viewed, true) {
            joining.viewed_at = self.core.clock.now();
            self.begin_sieving();
        }
        self.plan_visit();
    }
}
