//! What was asked for lately.

use super::{
    event::Head,
    limits::{ASK_AGAIN, MAX_ASKED, MAX_ASKS},
};
use crate::vocabulary::time::Instant;

/// A head that was asked about.
#[derive(Clone, Copy, Debug)]
struct Ask {
    head: Head,
    /// When it is asked about again.
    again: Instant,
    times: u8,
}

/// Heads that were asked about, each until it was heard or asked about often enough; the latest last.
#[derive(Clone, Debug)]
pub(super) struct Asked(heapless::Vec<Ask, MAX_ASKED>);

impl Asked {
    pub(super) const NONE: Self = Self(heapless::Vec::new());

    /// Notes that a head is asked about; false if it was, just before.
    pub(super) fn note(&mut self, now: Instant, head: Head) -> bool {
        if let Some(ask) = self.0.iter_mut().find(|ask| ask.head == head) {
            let is_due = ask.again <= now;
            if is_due {
                (ask.again, ask.times) = (now + ASK_AGAIN, ask.times.saturating_add(1));
            }
            return is_due;
        }
        if self.0.is_full() {
            self.0.remove(0);
        }
        self.0.push(Ask { head, again: now + ASK_AGAIN, times: 1 }).is_ok()
    }

    /// When the next head is asked about again.
    pub(super) fn next(&self) -> Instant {
        self.0.iter().map(|ask| ask.again).min().unwrap_or(Instant::NEVER)
    }

    /// Lets `ask` ask again about each head for which it is time. It is forgotten if that says that it need not be, or after
    /// the last time.
    pub(super) fn ask_again(&mut self, now: Instant, mut ask: impl FnMut(Head) -> bool) {
        self.0.retain_mut(|asked| {
            if asked.again > now {
                return true;
            }
            (asked.again, asked.times) = (now + ASK_AGAIN, asked.times.saturating_add(1));
            ask(asked.head) && asked.times < MAX_ASKS
        });
    }
}
