//! Narrow paths: what of `max_datagram` bytes passes between this node and the others.
//!
//! A tunnel or a wrong MTU loses every datagram above some size and lets all others pass: pings are answered, and
//! pages never come. So a joiner watches what becomes of its fetches. Where the member that it asks has shown that it
//! is there and its pages do not come, the fetch asks for shorter ones, down a ladder. Pages that came only when they
//! were shorter are evidence of a narrow path. With enough of it the node tells its host, and from then on sends
//! nothing longer, and says in all that it sends how long an answer may be.
//!
//! Without a fetch (the view came from the host; a path changed later), nothing is lost for long either: later pings
//! of a probe are short and ask for a short ack, and so does a reconciliation after one that repaired nothing.

use crate::{
    kernel::outbox::Event,
    vocabulary::{
        config::{Config, MIN_DATAGRAM},
        diagnostics::debug,
    },
};

/// What is tried below `max_datagram`: what passes where IPv6's least MTU does (1,280), MTUs of 1,100 and 848 under 48
/// bytes of headers, IPv4's least (576, 28 of headers), and what must pass everywhere.
const LADDER: [u16; 5] = [1_232, 1_052, 800, 548, MIN_DATAGRAM];
/// Requests in a row that bring nothing, from members that are there, before shorter pages are asked for. Where a fifth
/// of all datagrams is lost, one range in 25 gets there.
const SILENT_TRIES: u8 = 2;
/// The same where a single range is left, whose pages are all the evidence there will be: with a fifth of all datagrams
/// lost and a window with one full page, one such range in 60 gets there.
const SILENT_TRIES_ALONE: u8 = 4;
/// Requests that only shorter pages answered before the path is blamed; one is enough where a single range is left.
const NARROW_ENOUGH: u8 = 2;

/// A page with less room than this is full: the longest record (51 bytes), the head of a section (3) and a limit (5),
/// rounded up.
const FULL_WITHIN: usize = 64;

/// How long the pages of a fetch may be.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// In bytes; `u16::MAX` while nothing has been missed.
    limit: u16,
    /// Requests in a row that brought nothing.
    silent: u8,
    /// Whether a page is due: the member asked is up, and nothing has arrived yet.
    awaited: bool,
}

impl Size {
    pub(crate) const FULL: Self = Self { limit: u16::MAX, silent: 0, awaited: false };

    /// The longest page to ask for.
    pub(crate) fn limit(self) -> u16 {
        self.limit
    }

    /// Pages were requested; whether the member asked is known to be up.
    pub(crate) fn note_request(&mut self, is_there: bool) {
        self.awaited = is_there;
    }

    /// Nothing came in time; `passes` is the longest that is taken to pass, `alone` says that no other range is being
    /// fetched.
    pub(crate) fn note_silence(&mut self, passes: u16, alone: bool) {
        if !core::mem::take(&mut self.awaited) {
            return;
        }
        self.silent = self.silent.saturating_add(1);
        if self.silent >= if alone { SILENT_TRIES_ALONE } else { SILENT_TRIES } {
            let now = self.limit.min(passes);
            self.limit = LADDER.into_iter().find(|&shorter| shorter < now).unwrap_or(now);
        }
    }
}

/// What is known of the paths to others.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    /// The longest that passes; `u16::MAX` while nothing longer is missed.
    limit: u16,
    /// Requests of the present join that were answered only with shorter pages, ...
    narrow: u8,
    /// ... and with pages as long as they may be.
    wide: u8,
}

impl Path {
    pub(crate) const WIDE: Self = Self { limit: u16::MAX, narrow: 0, wide: 0 };

    /// The longest datagram to send, and to be sent.
    pub(crate) fn limit(&self, config: &Config) -> u16 {
        self.limit.min(config.max_datagram)
    }

    pub(crate) fn begin_join(&mut self) {
        (self.narrow, self.wide) = (0, 0);
    }

    /// A page of so many bytes came. Returns what the host must know, if it is clear by now that longer ones do not
    /// pass; `alone` says that no other range is being fetched.
    pub(crate) fn note_page(
        &mut self,
        size: &mut Size,
        bytes: usize,
        alone: bool,
        configured: u16,
    ) -> Option<Event> {
        let most = self.limit.min(configured);
        let full = bytes + FULL_WITHIN > usize::from(size.limit.min(most));
        if !full || !core::mem::take(&mut size.awaited) {
            return None; // the short end of a range passes anywhere
        }
        let missed = core::mem::take(&mut size.silent);
        if size.limit >= most {
            self.wide = self.wide.saturating_add(1);
            return None;
        }
        self.narrow = self.narrow.saturating_add(1);
        let enough = self.narrow >= NARROW_ENOUGH || alone && missed >= SILENT_TRIES_ALONE;
        if !enough || self.narrow.saturating_mul(2) <= self.wide {
            return None;
        }
        *self = Self { limit: size.limit, ..Self::WIDE };
        debug!("datagrams of {} bytes do not pass; {} do", configured, size.limit);
        Some(Event::NarrowPath { passes: size.limit, configured })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: u16 = 1_200;

    /// Asks again and again over a path that passes `passes` bytes; returns how often nothing came.
    fn fetch(path: &mut Path, size: &mut Size, passes: u16, only: bool) -> (u32, Option<Event>) {
        for tries in 0.. {
            size.note_request(true);
            let asked = size.limit().min(path.limit.min(FULL));
            if asked <= passes {
                return (tries, path.note_page(size, asked.into(), only, FULL));
            }
            size.note_silence(path.limit.min(FULL), only);
        }
        unreachable!()
    }

    #[test]
    fn the_longest_step_of_the_ladder_that_passes_is_found() {
        for (passes, found, tries) in
            [(1_199, 1_052, 4), (1_052, 1_052, 4), (1_051, 800, 5), (548, 548, 6), (400, 400, 7)]
        {
            let (mut path, mut size) = (Path::WIDE, Size::FULL);
            let narrow = Event::NarrowPath { passes: found, configured: FULL };
            assert_eq!(fetch(&mut path, &mut size, passes, true), (tries, Some(narrow)), "{passes}");
            assert_eq!(fetch(&mut path, &mut { Size::FULL }, passes, true), (0, None), "it is known by now");
        }
    }

    #[test]
    fn silence_of_who_may_not_be_there_says_nothing_of_sizes() {
        let mut size = Size::FULL;
        for _ in 0..10 {
            size.note_request(false);
            size.note_silence(FULL, false);
        }
        assert_eq!(size.limit(), u16::MAX);
    }

    #[test]
    fn one_range_among_many_is_no_evidence() {
        let mut path = Path::WIDE;
        for _ in 0..6 {
            assert_eq!(fetch(&mut path, &mut { Size::FULL }, FULL, false), (0, None));
        }
        for _ in 0..3 {
            assert_eq!(fetch(&mut path, &mut { Size::FULL }, 600, false).1, None);
        }
        assert!(fetch(&mut path, &mut { Size::FULL }, 600, false).1.is_some(), "most of the last ones are");
    }

    #[test]
    fn a_page_that_was_not_full_is_no_evidence() {
        let (mut path, mut size) = (Path::WIDE, Size { limit: 400, silent: 2, awaited: true });
        assert_eq!(path.note_page(&mut size, 300, true, FULL), None);
        assert_eq!(path.limit, u16::MAX);
    }
}
