//! Admission: how this node serves joiners and non-members.
//!
//! Until an address has shown a token, which it can only have received there, it gets no more bytes than it
//! sent. A non-member's datagram changes nothing; beyond its ack it is asked to introduce itself.

use crate::{
    bootstrap::{join::MAX_WINDOW, plane::Bootstrap},
    kernel::{
        budget::Bucket,
        choose::{self, Chosen, MAX_CHOSEN},
        context::{Context, Kernel},
        peer::Peer,
        sending::{Intent, put_news},
    },
    security::token::Secret,
    tables::{
        memory::Tables,
        table::{ME, SlotId, Table, index::Place},
    },
    vocabulary::{
        config::{Config, MIN_DATAGRAM},
        record::Status,
        time::{Instant, Stamp},
        traffic::Traffic,
    },
    wire::{
        frame::Draft,
        message::{INTRODUCTION, MAX_REFERRALS, Message, Nonce, Token},
        record::Aged,
    },
};
use core::{net::SocketAddr, time::Duration};

/// A token is taken for this long at least, twice as long at the most, in µs.
const TOKEN_PERIOD: u64 = 30_000_000;
/// Of the joiners beyond the admission rate, one in this many is challenged all the same.
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
/// Tombstones younger than this are part of a view: a node that missed the news of a death learns of it. By then
/// all others have found out by probing.
const TOMBSTONE_IS_NEWS: Duration = Duration::from_secs(600);

/// The state of serving non-members.
#[derive(Clone)]
pub(crate) struct Admission {
    /// Challenges to joiners: more than can be welcomed are told at once that we are busy.
    invitations: Bucket,
    /// New members.
    admissions: Bucket,
    /// Requests of non-members.
    non_members: Bucket,
}

impl Admission {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        let (joins, requests) = (u32::from(config.admissions_per_second), config.non_members_per_second);
        Self {
            invitations: Bucket::new(joins, joins, now),
            admissions: Bucket::new(joins, joins, now),
            non_members: Bucket::new(requests, requests, now),
        }
    }

    pub(crate) fn resize(&mut self, config: &Config) {
        let (joins, requests) = (u32::from(config.admissions_per_second), config.non_members_per_second);
        self.invitations.resize(joins, joins);
        self.admissions.resize(joins, joins);
        self.non_members.resize(requests, requests);
    }
}

/// The number of the period in which a token is made now.
fn token_period(now: Instant) -> u64 {
    now.as_micros() / TOKEN_PERIOD
}

/// Whether a token, which is a keyed hash of the address and of the time, was made for that address lately.
fn is_valid(secret: &Secret, token: Token, address: SocketAddr, now: Instant) -> bool {
    period_of(secret, token, address, now).is_some()
}

/// The period in which that was.
fn period_of(secret: &Secret, token: Token, address: SocketAddr, now: Instant) -> Option<u64> {
    let period = token_period(now);
    [period, period.saturating_sub(1)].into_iter().find(|&period| token == secret.token(address, period))
}

/// What is left to do for a node that wants to join, or introduces itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Served {
    /// Nothing: it was answered, or is not.
    Done,
    /// It has proven that it is not where its record says. It was told; our host may want to know.
    SeenElsewhere,
    /// It has proven its address, by a token of this period: its record is to be taken in.
    Enters(u64),
}

impl Bootstrap {
    /// Whether a request from an unproven address may cost anything now.
    pub(crate) fn admits_request(&mut self, cx: &mut Context<'_, '_>) -> bool {
        self.admits_at(cx, 1, 1)
    }

    /// Whether a request that counts as `price` joins may, where `least` are left.
    fn admits_at(&mut self, cx: &mut Context<'_, '_>, price: u32, least: u32) -> bool {
        let (now, most) = (cx.now(), cx.kernel.config.non_members_per_second);
        let admitted = self.admission.non_members.take_of(now, price.min(most), least);
        cx.kernel.metrics.limited += u64::from(!admitted);
        admitted
    }

    /// The same for one who may introduce itself another time: half of the rate is left to who wants in.
    pub(crate) fn admits_introduction(&mut self, cx: &mut Context<'_, '_>) -> bool {
        let half = cx.kernel.config.non_members_per_second / 2;
        self.admits_at(cx, OF_INTRODUCTION, half + 1)
    }

    /// Asks the node at `to` to repeat, with a token, what it said in `bytes` bytes; never with more.
    pub(crate) fn challenge(
        &mut self,
        cx: &mut Context<'_, '_>,
        to: Peer,
        class: Traffic,
        nonce: Nonce,
        bytes: usize,
    ) {
        let period = token_period(cx.now());
        let challenge = Message::Challenge { nonce, token: cx.kernel.secret.token(to.address, period) };
        if Draft::length_with(&challenge) <= bytes {
            cx.send_challenge(to, class, &challenge);
        }
    }

    /// A node wants to join, or introduces itself (with [`INTRODUCTION`]). `bytes` is the length of its datagram.
    pub(crate) fn handle_join(
        &mut self,
        cx: &mut Context<'_, '_>,
        from: Peer,
        (nonce, token): (Nonce, Token),
        joiner: &Aged,
        bytes: usize,
    ) -> Served {
        let (now, home) = (cx.now(), Peer::new(joiner.record.id(), joiner.record.address()));
        // The answer goes to where the joiner says that it is, so the token proves that very address.
        let period = period_of(&cx.kernel.secret, token, home.address, now);
        let proven = period.is_some();
        let introduction = nonce == INTRODUCTION;
        if joiner.record.status() != Status::Alive || joiner.record.id() == cx.my_id() {
            return Served::Done;
        }
        let admitted =
            proven || if introduction { self.admits_introduction(cx) } else { self.admits_request(cx) };
        if !admitted {
            return Served::Done;
        }
        if !proven {
            let mut served = Served::Done;
            if from.address != home.address {
                if is_valid(&cx.kernel.secret, token, from.address, now) {
                    // Shorter than any join. As with challenges, floods of it must not use up what members need.
                    let seen = Message::Observed { nonce, address: from.address };
                    cx.send_challenge(from, Traffic::Sync, &seen);
                    let known = cx.tables.members.find(joiner.record.id());
                    served = Served::SeenElsewhere;
                    if introduction && known.is_some_and(|slot| *cx.record(slot) == joiner.record) {
                        return served;
                    }
                } else if !introduction && cx.kernel.rng.below(2) == 0 {
                    // It may be there too; or it advertises a wrong address, and will have to be told. For that it must
                    // prove where it is.
                    self.challenge(cx, from, Traffic::Sync, nonce, bytes);
                    return served;
                }
            }
            if introduction || self.can_welcome(cx) && self.invites(cx) {
                self.challenge(cx, home, Traffic::Sync, nonce, bytes);
            } else {
                self.refer(cx, home, nonce, bytes);
            }
            return served;
        }
        let known = cx.tables.members.find(joiner.record.id());
        let admitted = known.is_some() || self.admission.admissions.take(now, 1);
        if !(admitted && (introduction || self.can_welcome(cx))) {
            // More want in than get in here: others take them in, and most of what is new is there.
            cx.begin_sieving();
            self.refer(cx, home, nonce, bytes);
            return Served::Done;
        }
        period.map_or(Served::Done, Served::Enters)
    }

    /// Whether one more joiner is asked to prove its address. Beyond the rate a few are, too: where most that ask are
    /// not there, the node at the record's address would hardly ever be asked otherwise.
    fn invites(&mut self, cx: &mut Context<'_, '_>) -> bool {
        let now = cx.now();
        self.admission.invitations.take(now, 1) || cx.kernel.rng.below(ONE_IN) == 0
    }

    /// Whether a joiner would be served here: not by a node that has no view but knows some that have, nor over the
    /// budget.
    fn can_welcome(&mut self, cx: &mut Context<'_, '_>) -> bool {
        let (now, max) = (cx.now(), u32::from(cx.kernel.config.max_datagram));
        let best = self.joining.has_view()
            || !self.joining.is_filling()
                && (self.joining.is_lone(now, cx.tables.members.live())
                    || self.established_peers(cx, 1).is_empty());
        best && cx.kernel.budgets.admit(Traffic::Sync, now, max)
    }

    /// Too many at once: names others to ask, in no more bytes than it was asked with, and only out of what
    /// welcomes leave of the budget.
    fn refer(&mut self, cx: &mut Context<'_, '_>, to: Peer, nonce: Nonce, bytes: usize) {
        let (now, max) = (cx.now(), u32::from(cx.kernel.config.max_datagram));
        let peers = self.peers_with_view(cx, 2);
        let to_name =
            peers.iter().map(|&slot| cx.record(slot).address()).filter(|&other| other != to.address);
        let mut others: heapless::Vec<SocketAddr, MAX_REFERRALS> = to_name.collect();
        let most = bytes.saturating_sub(cx.bytes_of_limit());
        while !others.is_empty()
            && Draft::length_with(&Message::Busy { nonce, others: others.clone() }) > most
        {
            others.pop();
        }
        let spare = cx.kernel.budgets.has_left(Traffic::Sync, now, 2 * max);
        if others.is_empty() || nonce == INTRODUCTION || !spare {
            cx.kernel.metrics.limited += 1;
            return;
        }
        cx.kernel.metrics.busy += 1;
        let _ = cx.send(Intent::bare(to, Traffic::Sync, Message::Busy { nonce, others }));
    }

    /// Random members that most likely have a view. In a cluster that has just begun that is any member; which have
    /// no view itself cannot tell.
    pub(crate) fn peers_with_view(&mut self, cx: &mut Context<'_, '_>, count: usize) -> Chosen {
        let established = self.established_peers(cx, count);
        if established.is_empty() && self.joining.has_view() {
            return choose::peers(&cx.tables.members, &mut cx.kernel.rng, count, |_| true);
        }
        established
    }

    /// Random members that have been there for a while.
    pub(crate) fn established_peers(&mut self, cx: &mut Context<'_, '_>, count: usize) -> Chosen {
        let (members, now) = (&cx.tables.members, cx.kernel.clock.now().stamp());
        let established = |slot| choose::is_well(members, slot) && is_established(members, slot, now);
        // With draws enough for where most members are new.
        let mut chosen = choose::peers(members, &mut cx.kernel.rng, MAX_CHOSEN, established);
        chosen.truncate(count);
        chosen
    }

    /// Tells a joiner how many we are, what we know of it if that is not what it says, and of some members:
    /// a stretch of the id-hash order from a random place, which is a sample across zones.
    pub(crate) fn welcome(
        &mut self,
        cx: &mut Context<'_, '_>,
        to: Peer,
        nonce: Nonce,
        joiner: Option<SlotId>,
    ) {
        cx.kernel.metrics.welcomes += 1;
        let members = if self.joining.has_view() { cx.tables.members.size() } else { 0 };
        let start = Place { tag: cx.kernel.rng.next() as u32, id: 0 };
        // It must arrive: who gets no welcome cannot find out what does.
        let _ = cx.within(MIN_DATAGRAM, |cx| {
            cx.write(to, Traffic::Sync, |draft, kernel, tables| {
                let _ = draft.message(&Message::Welcome { nonce, members });
                let first = joiner.into_iter().chain([ME]);
                for slot in first {
                    let _ = put_news(draft, kernel, tables, slot);
                }
                let view = tables.members.as_view();
                let stretch = view.after(start, u32::MAX).chain(view.after(Place::START, start.tag));
                let told = stretch
                    .take(MAX_SCANNED)
                    .map(|(_, slot)| slot)
                    .filter(|&slot| slot != ME && Some(slot) != joiner);
                let mut left = MAX_SAMPLE;
                for slot in told {
                    if left > 0 && is_told(kernel, tables, slot) {
                        left = if put_news(draft, kernel, tables, slot) { left - 1 } else { 0 };
                    }
                }
            })
        });
    }

    /// A node requests a range of the table. It is told if the range is not served, so that it asks elsewhere at once.
    pub(crate) fn handle_fetch(
        &mut self,
        cx: &mut Context<'_, '_>,
        from: Peer,
        message: &Message,
        bytes: usize,
    ) {
        let &Message::Fetch { nonce, token, after, until, window } = message else {
            return debug_assert!(false, "only fetches come here");
        };
        if !self.joining.has_view() {
            if self.admits_request(cx) {
                self.decline(cx, from, nonce);
            }
            return;
        }
        if !is_valid(&cx.kernel.secret, token, from.address, cx.now()) {
            if self.admits_at(cx, OF_FETCH, 1) {
                self.challenge(cx, from, Traffic::Sync, nonce, bytes);
            }
            return;
        }
        cx.kernel.metrics.fetches_served += 1;
        if !self.serve_pages(cx, from, nonce, (after, until), window) {
            self.decline(cx, from, nonce);
        }
    }

    /// Sends up to `window` pages of a range; false when the budget did not suffice.
    fn serve_pages(
        &mut self,
        cx: &mut Context<'_, '_>,
        to: Peer,
        nonce: Nonce,
        (mut after, until): (Place, u32),
        window: u8,
    ) -> bool {
        let (now, max) = (cx.now(), u32::from(cx.kernel.config.max_datagram));
        let room = cx.out.room(max as usize);
        for _ in 0..usize::from(window.min(MAX_WINDOW)).min(room) {
            let mut page = (after, false);
            // Pages are to be had elsewhere; the way in may not.
            let spare = cx.kernel.budgets.has_left(Traffic::Sync, now, 2 * max);
            let sent = spare
                && cx.write(to, Traffic::Sync, |draft, kernel, tables| {
                    page = put_page(draft, kernel, tables, nonce, after, until);
                });
            if !sent || page.1 {
                return sent;
            }
            after = page.0;
        }
        true
    }

    /// No (more) pages now. Shorter than any fetch, so that it needs no token.
    fn decline(&mut self, cx: &mut Context<'_, '_>, to: Peer, nonce: Nonce) {
        cx.kernel.metrics.busy += 1;
        let others = heapless::Vec::new();
        let _ = cx.send(Intent::bare(to, Traffic::Sync, Message::Busy { nonce, others }));
    }
}

impl Context<'_, '_> {
    /// Whether there has been no news of a member for a while.
    pub(crate) fn is_established(&self, slot: SlotId) -> bool {
        is_established(&self.tables.members, slot, self.kernel.clock.now().stamp())
    }
}

fn is_established(members: &Table<'_>, slot: SlotId, now: Stamp) -> bool {
    u128::from(now.since(members.slot(slot).born)) >= SETTLED.as_millis()
}

/// Whether a member is part of what a joiner is told: live, or dead not for long and not forgotten.
fn is_told(kernel: &Kernel, tables: &Tables<'_>, slot: SlotId) -> bool {
    let member = tables.members.slot(slot);
    let age = kernel.clock.now().stamp().since(member.born);
    let is_news = u128::from(age) < TOMBSTONE_IS_NEWS.as_millis() && !tables.members.is_hidden(slot);
    member.record.status().is_live() || is_news
}

/// Writes one page: the members after `after` up to the tag `until` that are live or died lately, as many as fit.
/// Returns where it ends, and whether the range does.
fn put_page(
    draft: &mut Draft<'_>,
    kernel: &mut Kernel,
    tables: &Tables<'_>,
    nonce: Nonce,
    after: Place,
    until: u32,
) -> (Place, bool) {
    let page = |next, last| Message::Page { nonce, after, next, last };
    let _ = draft.reserve_message(&page(after, false));
    let mut members = tables.members.as_view().after(after, until);
    let (mut next, mut scanned, mut full) = (after, 0, false);
    for (place, slot) in members.by_ref() {
        full =
            scanned == MAX_SCANNED || is_told(kernel, tables, slot) && !put_news(draft, kernel, tables, slot);
        if full {
            break;
        }
        (next, scanned) = (place, scanned + 1);
    }
    let cut = members.cut();
    let (next, last) = (cut.unwrap_or(next), cut.is_none() && !full);
    let _ = draft.reserved_message(&page(next, last));
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
