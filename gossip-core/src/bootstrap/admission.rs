//! Admission: how this node serves joiners and strangers.
//!
//! Until an address has shown a token, which it can only have received there, it gets no more bytes than it
//! sent. A stranger's datagram changes nothing; beyond its ack it is asked to introduce itself.

use crate::{
    bootstrap::join::{INTRODUCTION, MAX_WINDOW},
    kernel::{
        budget::Bucket,
        choose::{self, Chosen, MAX_CHOSEN},
        context::{Core, Intent, Step, put_news},
        outbox::Traffic,
    },
    membership::news::{Corrections, Source},
    security::token::Secret,
    tables::{
        memory::Tables,
        table::{ME, SlotId, Table, index::Place},
    },
    vocabulary::{
        config::{Config, MIN_DATAGRAM},
        record::Status,
        time::{Instant, Stamp},
    },
    wire::{
        frame::Draft,
        message::{MAX_REFERRALS, Message, Nonce, Token},
        record::Aged,
    },
};
use core::{net::SocketAddr, time::Duration};

/// A token is taken for this long at least, twice as long at the most, in µs.
const TOKEN_PERIOD: u64 = 30_000_000;
/// Of the joiners beyond the admission rate, one in so many is challenged all the same.
const ONE_IN: u32 = 8;
/// How many joins count as much as one request that always draws a challenge: of a fetch, and of what only makes its
/// sender introduce itself. So no flood of them draws more than 60 % of the default total.
const OF_FETCH: u32 = 2;
const OF_INTRODUCTION: u32 = 3;
/// Members told in a welcome: enough to fetch from many at once, at half the bytes of a full datagram.
const MAX_SAMPLE: usize = 16;
/// Members whose news is younger than this may have just begun to join themselves, and know little.
const SETTLED: Duration = Duration::from_secs(5);
/// Index entries looked at for one page; tombstones are skipped but cost time.
const MAX_SCANNED: usize = 1_024;
/// Tombstones younger than this are part of a view: whoever missed the news of a death learns of it. By then
/// everybody else has found out by probing.
const TOMBSTONE_IS_NEWS: Duration = Duration::from_secs(600);

/// The state of serving strangers.
#[derive(Clone)]
pub(crate) struct Admission {
    /// Challenges to joiners: more than can be welcomed are told at once that we are busy.
    invitations: Bucket,
    /// New members.
    admissions: Bucket,
    /// Requests of those who are not members.
    strangers: Bucket,
}

impl Admission {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        let (joins, requests) = (u32::from(config.admissions_per_second), config.strangers_per_second);
        Self {
            invitations: Bucket::new(joins, joins, now),
            admissions: Bucket::new(joins, joins, now),
            strangers: Bucket::new(requests, requests, now),
        }
    }

    pub(crate) fn resize(&mut self, config: &Config) {
        let (joins, requests) = (u32::from(config.admissions_per_second), config.strangers_per_second);
        self.invitations.resize(joins, joins);
        self.admissions.resize(joins, joins);
        self.strangers.resize(requests, requests);
    }
}

/// Whether a token, which is a keyed hash of the address and of the time, was made for that address lately.
fn is_valid(secret: &Secret, token: Token, address: SocketAddr, now: Instant) -> bool {
    let period = now.as_micros() / TOKEN_PERIOD;
    token == secret.token(address, period) || token == secret.token(address, period.saturating_sub(1))
}

impl Step<'_, '_> {
    /// Whether a request of somebody unproven may cost us anything now.
    pub(crate) fn admits_request(&mut self) -> bool {
        self.admits_at(1, 1)
    }

    /// Whether a request that counts as `price` joins may, where `least` are left.
    fn admits_at(&mut self, price: u32, least: u32) -> bool {
        let (now, most) = (self.now(), self.core.config.strangers_per_second);
        let admitted = self.core.admission.strangers.take_of(now, price.min(most), least);
        self.core.metrics.limited += u64::from(!admitted);
        admitted
    }

    /// The same for one who may introduce itself another time: half of the rate is left to who wants in.
    pub(crate) fn admits_introduction(&mut self) -> bool {
        let half = self.core.config.strangers_per_second / 2;
        self.admits_at(OF_INTRODUCTION, half + 1)
    }

    /// Asks whoever is at `to` to say again, with a token, what it said in `bytes` bytes; never with more.
    pub(crate) fn challenge(&mut self, to: SocketAddr, class: Traffic, nonce: Nonce, bytes: usize) {
        let period = self.now().as_micros() / TOKEN_PERIOD;
        let challenge = Message::Challenge { nonce, token: self.core.secret.token(to, period) };
        if Draft::length_with(&challenge) <= bytes {
            self.send_challenge(to, class, &challenge);
        }
    }

    /// Somebody wants in, or introduces itself (with [`INTRODUCTION`]). `bytes` is the length of its datagram.
    pub(crate) fn handle_join(
        &mut self,
        from: SocketAddr,
        (nonce, token): (Nonce, Token),
        joiner: &Aged,
        bytes: usize,
    ) {
        let (now, address) = (self.now(), joiner.record.address());
        // The answer goes to where the joiner says that it is, so the token proves that very address.
        let proven = is_valid(&self.core.secret, token, address, now);
        let introduction = nonce == INTRODUCTION;
        if joiner.record.status() != Status::Alive || joiner.record.id() == self.my_id() {
            return;
        }
        let admitted =
            proven || if introduction { self.admits_introduction() } else { self.admits_request() };
        if !admitted {
            return;
        }
        if !proven {
            if from != address && self.is_elsewhere(from, (nonce, token), joiner, bytes) {
                return;
            }
            if introduction || self.can_welcome() && self.invites() {
                self.challenge(address, Traffic::Sync, nonce, bytes);
            } else {
                self.refer(address, nonce, bytes);
            }
            return;
        }
        let known = self.tables.members.find(joiner.record.id());
        let admitted = known.is_some() || self.core.admission.admissions.take(now, 1);
        if !(admitted && (introduction || self.can_welcome())) {
            // More want in than get in here: others take them in, and most of what is new is there.
            self.begin_sieving();
            self.refer(address, nonce, bytes);
            return;
        }
        let mut corrections = Corrections::default();
        self.hear(joiner, Source::Owner, &mut corrections);
        let known = self.tables.members.find(joiner.record.id());
        let otherwise = known.filter(|&slot| self.record(slot) != &joiner.record);
        if introduction {
            if otherwise.is_some() {
                corrections.add(joiner.record.id());
            }
            self.correct(address, &corrections);
            self.ask_who_knows_us(address);
            return;
        }
        self.welcome(address, nonce, otherwise);
    }

    /// Deals with a joiner whose datagram does not come from the address that its record has. It may be there too, and is
    /// challenged there as ever, every second time; or it advertises a wrong one, and will have to be told. For that it
    /// must prove where it is. Whether that was all.
    fn is_elsewhere(
        &mut self,
        from: SocketAddr,
        (nonce, token): (Nonce, Token),
        joiner: &Aged,
        bytes: usize,
    ) -> bool {
        let (now, id) = (self.now(), joiner.record.id());
        if is_valid(&self.core.secret, token, from, now) {
            self.tell_where_seen(from, id, nonce);
            let believed =
                self.tables.members.find(id).is_some_and(|slot| *self.record(slot) == joiner.record);
            return nonce == INTRODUCTION && believed;
        }
        let asks_there = nonce != INTRODUCTION && self.core.rng.below(2) == 0;
        if asks_there {
            self.challenge(from, Traffic::Sync, nonce, bytes);
        }
        asks_there
    }

    /// Whether one more joiner is asked to prove its address. Beyond the rate a few are, too: where most that ask are not
    /// there, whoever is would else hardly ever be asked.
    fn invites(&mut self) -> bool {
        let now = self.now();
        self.core.admission.invitations.take(now, 1) || self.core.rng.below(ONE_IN) == 0
    }

    /// Whether a joiner would be served here: not by who has no view but knows who has, nor over the budget.
    fn can_welcome(&mut self) -> bool {
        let (now, max) = (self.now(), u32::from(self.core.config.max_datagram));
        let best = self.core.joining.has_view()
            || !self.core.joining.is_filling()
                && (self.core.joining.is_lone(now, self.tables.members.live())
                    || self.settled_peers(1).is_empty());
        best && self.core.budgets.admit(Traffic::Sync, now, max)
    }

    /// Too many at once: names others to ask, in no more bytes than it was asked with, and only out of what
    /// welcomes leave of the budget.
    fn refer(&mut self, to: SocketAddr, nonce: Nonce, bytes: usize) {
        let (now, max) = (self.now(), u32::from(self.core.config.max_datagram));
        let peers = self.peers_with_view(2);
        let to_name = peers.iter().map(|&slot| self.record(slot).address()).filter(|&other| other != to);
        let mut others: heapless::Vec<SocketAddr, MAX_REFERRALS> = to_name.collect();
        let most = bytes.saturating_sub(self.bytes_of_limit());
        while !others.is_empty()
            && Draft::length_with(&Message::Busy { nonce, others: others.clone() }) > most
        {
            others.pop();
        }
        let spare = self.core.budgets.has_left(Traffic::Sync, now, 2 * max);
        if others.is_empty() || nonce == INTRODUCTION || !spare {
            self.core.metrics.limited += 1;
            return;
        }
        self.core.metrics.busy += 1;
        let _ = self.send(Intent::bare(to, Traffic::Sync, Message::Busy { nonce, others }));
    }

    /// Random members that most likely have a view. In a cluster that has just begun that is anybody; who has
    /// no view itself cannot tell.
    pub(crate) fn peers_with_view(&mut self, count: usize) -> Chosen {
        let settled = self.settled_peers(count);
        if settled.is_empty() && self.core.joining.has_view() {
            return choose::peers(&self.tables.members, &mut self.core.rng, count, |_| true);
        }
        settled
    }

    /// Whether there has been no news of a member for a while.
    pub(crate) fn is_settled(&self, slot: SlotId) -> bool {
        is_settled(&self.tables.members, slot, self.core.clock.now().stamp())
    }

    /// Random members that have been there for a while.
    pub(crate) fn settled_peers(&mut self, count: usize) -> Chosen {
        let (members, now) = (&self.tables.members, self.core.clock.now().stamp());
        let settled = |slot| choose::is_well(members, slot) && is_settled(members, slot, now);
        // With draws enough for where most members are new.
        let mut chosen = choose::peers(members, &mut self.core.rng, MAX_CHOSEN, settled);
        chosen.truncate(count);
        chosen
    }

    /// Tells a joiner how many we are, what we know of it if that is not what it says, and of some members:
    /// a stretch of the id-hash order from a random place, which is a sample across zones.
    fn welcome(&mut self, to: SocketAddr, nonce: Nonce, joiner: Option<SlotId>) {
        self.core.metrics.welcomes += 1;
        let members = if self.core.joining.has_view() { self.tables.members.size() } else { 0 };
        let start = Place { tag: self.core.rng.next() as u32, id: 0 };
        // It must arrive: who gets no welcome cannot find out what does.
        let _ = self.within(MIN_DATAGRAM, |step| {
            step.write(to, Traffic::Sync, |draft, core, tables| {
                let _ = draft.message(&Message::Welcome { nonce, members });
                let first = joiner.into_iter().chain([ME]);
                for slot in first {
                    let _ = put_news(draft, core, tables, slot);
                }
                let view = tables.members.as_view();
                let stretch = view.after(start, u32::MAX).chain(view.after(Place::START, start.tag));
                let told = stretch
                    .take(MAX_SCANNED)
                    .map(|(_, slot)| slot)
                    .filter(|&slot| slot != ME && Some(slot) != joiner);
                let mut left = MAX_SAMPLE;
                for slot in told {
                    if left > 0 && is_told(core, tables, slot) {
                        left = if put_news(draft, core, tables, slot) { left - 1 } else { 0 };
                    }
                }
            })
        });
    }

    /// Somebody wants a range of our table. What is not served is said to be, so that it asks elsewhere at once.
    pub(crate) fn handle_fetch(&mut self, from: SocketAddr, message: &Message, bytes: usize) {
        let &Message::Fetch { nonce, token, after, until, window } = message else { return };
        if !self.core.joining.has_view() {
            if self.admits_request() {
                self.decline(from, nonce);
            }
            return;
        }
        if !is_valid(&self.core.secret, token, from, self.now()) {
            if self.admits_at(OF_FETCH, 1) {
                self.challenge(from, Traffic::Sync, nonce, bytes);
            }
            return;
        }
        self.core.metrics.fetches_served += 1;
        if !self.serve_pages(from, nonce, (after, until), window) {
            self.decline(from, nonce);
        }
    }

    /// Sends up to `window` pages of a range; false when the budget did not suffice.
    fn serve_pages(
        &mut self,
        to: SocketAddr,
        nonce: Nonce,
        (mut after, until): (Place, u32),
        window: u8,
    ) -> bool {
        let (now, max) = (self.now(), u32::from(self.core.config.max_datagram));
        let room = self.out.room(max as usize);
        for _ in 0..usize::from(window.min(MAX_WINDOW)).min(room) {
            let mut page = (after, false);
            // Pages are to be had elsewhere; the way in may not.
            let spare = self.core.budgets.has_left(Traffic::Sync, now, 2 * max);
            let sent = spare
                && self.write(to, Traffic::Sync, |draft, core, tables| {
                    page = put_page(draft, core, tables, nonce, after, until);
                });
            if !sent || page.1 {
                return sent;
            }
            after = page.0;
        }
        true
    }

    /// No (more) pages now. Shorter than any fetch, so that it needs no token.
    fn decline(&mut self, to: SocketAddr, nonce: Nonce) {
        self.core.metrics.busy += 1;
        let others = heapless::Vec::new();
        let _ = self.send(Intent::bare(to, Traffic::Sync, Message::Busy { nonce, others }));
    }
}

fn is_settled(members: &Table<'_>, slot: SlotId, now: Stamp) -> bool {
    u128::from(now.since(members.slot(slot).born)) >= SETTLED.as_millis()
}

/// Whether a member is part of what a joiner is told: live, or dead not for long.
fn is_told(core: &Core, tables: &Tables<'_>, slot: SlotId) -> bool {
    let member = tables.members.slot(slot);
    let age = core.clock.now().stamp().since(member.born);
    member.record.status().is_live() || u128::from(age) < TOMBSTONE_IS_NEWS.as_millis()
}

/// Writes one page: the members after `after` up to the tag `until` that are live or died lately, as many as fit. Returns where it
/// ends, and whether the range does.
fn put_page(
    draft: &mut Draft<'_>,
    core: &mut Core,
    tables: &Tables<'_>,
    nonce: Nonce,
    after: Place,
    until: u32,
) -> (Place, bool) {
    let page = |next, last| Message::Page { nonce, after, next, last };
    let _ = draft.hold_message(&page(after, false));
    let mut members = tables.members.as_view().after(after, until);
    let (mut next, mut scanned, mut full) = (after, 0, false);
    for (place, slot) in members.by_ref() {
        full = scanned == MAX_SCANNED || is_told(core, tables, slot) && !put_news(draft, core, tables, slot);
        if full {
            break;
        }
        (next, scanned) = (place, scanned + 1);
    }
    let cut = members.cut();
    let (next, last) = (cut.unwrap_or(next), cut.is_none() && !full);
    let _ = draft.held_message(&page(next, last));
    (next, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_proves_one_address_for_a_while() {
        let secret = Secret::new(&[1; 32]);
        let here: SocketAddr = ([10, 0, 0, 1], 1).into();
        let start = Instant::from_micros(TOKEN_PERIOD * 7);
        let token = secret.token(here, 7);
        let is_valid_at = |address, us| is_valid(&secret, token, address, Instant::from_micros(us));
        assert!(is_valid(&secret, token, here, start));
        assert!(is_valid_at(here, TOKEN_PERIOD * 9 - 1));
        assert!(!is_valid_at(here, TOKEN_PERIOD * 9));
        assert!(!is_valid(&secret, token, ([10, 0, 0, 2], 1).into(), start));
        assert!(!is_valid(&secret, token, ([10, 0, 0, 1], 2).into(), start));
        assert!(!is_valid(&Secret::new(&[2; 32]), token, here, start));
    }
}
