//! Fetching: the first view, range by range of the id-hash space, from as many members at once.
//!
//! The joiner sets the window and repeats what is lost, so the member asked keeps no state. A busy member refuses a
//! range, which is then requested from another one.

use super::{
    phase::{Phase, Turn},
    ranges::{Early, Fetch, MAX_FETCHES, Ranges},
};
use crate::{
    bootstrap::plane::Bootstrap,
    kernel::{
        choose::{self, MAX_CHOSEN},
        context::Context,
        path::Size,
        peer::Peer,
        sending::Intent,
    },
    tables::table::{SlotId, index::Place},
    vocabulary::{
        time::{Instant, micros},
        traffic::Traffic,
    },
    wire::message::{Message, Nonce, Token},
};
use core::time::Duration;

/// Members per range, below which more ranges would cost more round trips than they save.
const MEMBERS_PER_FETCH: u32 = 64;
/// Datagrams that one request asks for, and that one answer sends at the most: what the default budget lets out
/// at once.
pub(crate) const MAX_WINDOW: u8 = 4;
/// Windows fetched from one member before another one is asked: what its budget lets out at once.
const WINDOWS_PER_PEER: u8 = 3;
/// The longest wait, drawn at random, before another member is asked for a range that was refused. Each request without
/// progress makes it as much longer.
const REFUSED_PAUSE: Duration = Duration::from_millis(25);
/// Retries without progress before all ranges are given up: the next one ends the fetch.
const MAX_TRIES: u8 = 12;
/// Requests without progress to one member before another one is asked.
const TRIES_PER_PEER: u8 = 2;

impl Bootstrap {
    /// Cuts the id-hash space into ranges and asks for each.
    pub(super) fn begin_fetching(&mut self, cx: &mut Context<'_, '_>, from: Peer, members: u32) {
        let ranges = (members / MEMBERS_PER_FETCH).clamp(1, MAX_FETCHES as u32);
        for range in 0..u64::from(ranges) {
            let bound = |n: u64| (n << 32) / u64::from(ranges);
            self.add_fetch(cx, from, bound(range) as u32, (bound(range + 1) - 1) as u32);
            self.ask_somebody(cx, range as usize);
        }
    }

    /// A source wants its request again, with a token. False when nothing of the kind was asked.
    pub(super) fn prove_to_source(&mut self, cx: &mut Context<'_, '_>, nonce: Nonce, token: Token) -> bool {
        let Some(Ranges { fetches, .. }) = self.joining.ranges() else { return false };
        let Some(at) = fetches.iter().position(|fetch| fetch.nonce == nonce) else { return false };
        // Once per member: a second challenge means that it does not take its own token.
        let fetch = &mut fetches[at];
        if fetch.token == 0 {
            fetch.token = token;
            self.request(cx, at);
        }
        true
    }

    /// A source has no time: another member is asked, soon. False when it was not asked for a range.
    pub(super) fn note_refusal(&mut self, cx: &mut Context<'_, '_>, nonce: Nonce) -> bool {
        let now = cx.now();
        let Some(Ranges { fetches, .. }) = self.joining.ranges() else { return false };
        let Some(fetch) = fetches.iter_mut().find(|fetch| fetch.nonce == nonce) else { return false };
        let most = micros(REFUSED_PAUSE) * (u64::from(fetch.tries) + 1);
        (fetch.refused, fetch.due) = (true, now + Duration::from_micros(cx.kernel.rng.below_u64(most)));
        true
    }

    fn add_fetch(&mut self, cx: &mut Context<'_, '_>, to: Peer, from_tag: u32, until: u32) {
        let after = Place { tag: from_tag, id: 0 };
        let (nonce, due) = (cx.fresh_nonce(), Instant::NEVER);
        let fetch = Fetch {
            nonce,
            to,
            token: 0,
            after,
            until,
            left: 0,
            due,
            tries: 0,
            windows: 0,
            size: Size::FULL,
            refused: false,
        };
        if let Some(ranges) = self.joining.ranges() {
            let _ = ranges.fetches.push(fetch);
        }
    }

    /// Asks a random member for a range, one that is not being asked for another if there is such, or the one that is
    /// asked already when we know no other.
    fn ask_somebody(&mut self, cx: &mut Context<'_, '_>, at: usize) {
        let Some(before) = self.joining.fetches().get(at).map(|fetch| fetch.to) else {
            return debug_assert!(false, "no such fetch");
        };
        let mut elsewhere = self.established_peers(cx, MAX_CHOSEN);
        if elsewhere.is_empty() {
            elsewhere = choose::peers(&cx.tables.members, &mut cx.kernel.rng, MAX_CHOSEN, |_| true);
        }
        let nonce = cx.fresh_nonce();
        let is_asked = |slot: SlotId| {
            let (address, mut fetches) = (cx.record(slot).address(), self.joining.fetches().iter());
            fetches.any(|fetch| fetch.to.address == address)
        };
        let free = elsewhere.iter().copied().find(|&slot| !is_asked(slot));
        let to = free.or(elsewhere.first().copied()).map_or(before, |slot| cx.peer(slot));
        let Some(fetch) = self.joining.fetch(at) else { return debug_assert!(false, "no such fetch") };
        (fetch.to, fetch.nonce, fetch.token) = (to, nonce, 0);
        (fetch.windows, fetch.refused) = (0, false);
        self.request(cx, at);
    }

    fn request(&mut self, cx: &mut Context<'_, '_>, at: usize) {
        let wait = self.joining.questions.wait(cx.kernel.config.ack_timeout_initial * 3);
        let wait = self.jittered(cx, wait);
        let now = cx.now();
        let Some(fetch) = self.joining.fetch(at) else {
            return debug_assert!(false, "no such fetch");
        };
        (fetch.left, fetch.due) = (MAX_WINDOW, now + wait);
        // What is asked for comes again.
        let asked = fetch.nonce;
        let Some(Ranges { fetches, early }) = self.joining.ranges() else { return };
        let others = |nonce: Nonce| nonce != asked && fetches.iter().any(|fetch| fetch.nonce == nonce);
        early.retain(|page| others(page.nonce));
        let Some(fetch) = self.joining.fetch(at) else { return debug_assert!(false, "no such fetch") };
        let Fetch { nonce, token, after, until, to, size, .. } = *fetch;
        let ask = Message::Fetch { nonce, token, after, until, window: MAX_WINDOW };
        let sent = cx.briefly(size.limit(), |cx| cx.send(Intent::bare(to, Traffic::Sync, ask)));
        if let Some(fetch) = self.joining.fetch(at) {
            fetch.size.note_request(sent && token != 0);
        }
    }

    pub(super) fn retry_fetch(&mut self, cx: &mut Context<'_, '_>, at: usize) {
        let alone = self.joining.fetches().len() == 1;
        let Some(fetch) = self.joining.fetch(at) else {
            return debug_assert!(false, "no such fetch");
        };
        fetch.tries += 1;
        if !fetch.refused {
            fetch.size.note_silence(cx.kernel.path.limit(&cx.kernel.config), alone);
        }
        if fetch.tries > MAX_TRIES {
            // The member asked is gone or overloaded: start over from the seeds, or leave the
            // rest to repair.
            if self.joining.viewed {
                self.joining.turn(Turn::Complete);
            } else {
                self.ask_again(cx);
            }
        } else if fetch.refused || fetch.tries % TRIES_PER_PEER == 0 {
            self.ask_somebody(cx, at);
        } else {
            self.request(cx, at);
        }
    }

    /// A page of a range came; its records are taken in already.
    pub(crate) fn handle_page(
        &mut self,
        cx: &mut Context<'_, '_>,
        nonce: Nonce,
        (after, next): (Place, Place),
        last: bool,
        bytes: usize,
    ) {
        let Some(at) = self.joining.fetches().iter().position(|fetch| fetch.nonce == nonce) else { return };
        if next < after || next == after && !last {
            return; // it leads nowhere
        }
        self.note_page(cx, at, bytes);
        let Some(Ranges { fetches, early }) = self.joining.ranges() else { return };
        if after > fetches[at].after {
            // One before it was lost, or is late.
            let _ = early.push(Early { nonce, after, next, last });
        } else if after == fetches[at].after {
            self.turn_page(cx, at, next, last);
        }
    }

    /// A page of so many bytes came.
    fn note_page(&mut self, cx: &mut Context<'_, '_>, at: usize, bytes: usize) {
        let alone = self.joining.fetches().len() == 1;
        let Some(fetch) = self.joining.fetch(at) else { return debug_assert!(false, "no such fetch") };
        let narrow = cx.kernel.path.note_page(&mut fetch.size, bytes, alone, cx.kernel.config.max_datagram);
        if let Some(event) = narrow {
            cx.raise(event);
        }
    }

    /// The range is complete up to `next`, and further with the pages that came early.
    fn turn_page(&mut self, cx: &mut Context<'_, '_>, at: usize, mut next: Place, mut last: bool) {
        let Some(Ranges { fetches, early }) = self.joining.ranges() else { return };
        let fetch = &mut fetches[at];
        let mut pages = 1;
        let follows = |page: &Early, next| page.nonce == fetch.nonce && page.after == next;
        while let Some(which) = early.iter().position(|page| follows(page, next)) {
            let page = early.swap_remove(which);
            (next, last, pages) = (page.next, page.last, pages + 1);
        }
        (fetch.after, fetch.tries, fetch.left) = (next, 0, fetch.left.saturating_sub(pages));
        if last || next.tag > fetch.until {
            fetches.swap_remove(at);
            self.finish_fetching(cx);
        } else if fetch.left == 0 {
            fetch.windows += 1;
            if fetch.windows < WINDOWS_PER_PEER { self.request(cx, at) } else { self.ask_somebody(cx, at) }
        }
    }

    pub(super) fn finish_fetching(&mut self, cx: &mut Context<'_, '_>) {
        if matches!(&self.joining.phase, Phase::Fetching(ranges) if ranges.fetches.is_empty()) {
            self.end_fetching(cx, Turn::Complete);
            self.tell_joined(cx);
        }
    }
}
