//! The joins whose answers are awaited: of the present round, and of those before it.

use super::{MAX_DOUBLINGS, MAX_OF_ROUND};
use crate::{
    vocabulary::{bounds::sized, time::micros},
    wire::message::Nonce,
};
use core::{net::SocketAddr, time::Duration};

/// Joins of this round and of those before whose answers are awaited.
const MAX_ASKED: usize = sized(3, 1) * MAX_OF_ROUND;

/// The nodes that were asked to let this one in.
#[derive(Clone)]
pub(super) struct Questions {
    /// The oldest first.
    asked: heapless::Vec<(Nonce, SocketAddr), MAX_ASKED>,
    /// How many of those are of earlier rounds, ...
    before: u8,
    /// ... and of those before the last one.
    long_before: u8,
    /// How often the waits double, since answers came more than a round late.
    lateness: u8,
    /// Who of those was shown its token: one at a time, since one welcome is enough.
    entering: Option<Nonce>,
}

impl Questions {
    pub(super) const NONE: Self =
        Self { asked: heapless::Vec::new(), before: 0, long_before: 0, lateness: 0, entering: None };

    /// A round begins. Answers to earlier rounds are still awaited: they may just be slow.
    pub(super) fn begin_round(&mut self) {
        (self.long_before, self.before) = (self.before, self.asked.len() as u8);
        self.entering = None;
    }

    /// Whether an answer with this nonce is awaited.
    pub(super) fn await_answer(&self, nonce: Nonce) -> bool {
        self.asked.iter().any(|&(asked, _)| asked == nonce)
    }

    /// The nodes asked in this round.
    pub(super) fn of_this_round(&self) -> &[(Nonce, SocketAddr)] {
        self.asked.get(usize::from(self.before)..).unwrap_or_default()
    }

    /// Whether a seed may be asked in this round: it was not yet, and the round is not full.
    pub(super) fn may_ask(&self, seed: SocketAddr) -> bool {
        let asked = self.of_this_round();
        asked.len() < MAX_OF_ROUND && asked.iter().all(|&(_, asked)| asked != seed)
    }

    /// Notes a question of this round; the oldest of an earlier one makes room. False when there is no room.
    pub(super) fn add(&mut self, nonce: Nonce, seed: SocketAddr) -> bool {
        if self.asked.is_full() && self.before > 0 {
            self.asked.remove(0);
            self.before -= 1;
            self.long_before = self.long_before.saturating_sub(1);
        }
        self.asked.push((nonce, seed)).is_ok()
    }

    /// Who answers with this nonce, if it is the answer to a question. Where it comes more than a round late, the waits
    /// double from here on.
    pub(super) fn note_answer(&mut self, nonce: Nonce) -> Option<SocketAddr> {
        let at = self.asked.iter().position(|&(asked, _)| asked == nonce)?;
        if at < usize::from(self.long_before) {
            self.lateness = (self.lateness + 1).min(MAX_DOUBLINGS as u8);
            self.long_before = 0; // once a round
        }
        self.asked.get(at).map(|&(_, seed)| seed)
    }

    /// Whether a token may be shown to the sender of this nonce; if so, no other node is shown one meanwhile.
    pub(super) fn enter(&mut self, nonce: Nonce) -> bool {
        let enters = self.entering.is_none_or(|entering| entering == nonce);
        if enters {
            self.entering = Some(nonce);
        }
        enters
    }

    /// The node that was shown a token has no view, or no time: another may be shown one.
    pub(super) fn note_refusal(&mut self, nonce: Nonce) {
        self.entering = self.entering.filter(|&entering| entering != nonce);
    }

    /// Who answered with this nonce has no view to give: it is not asked again, and another may be shown a token.
    pub(super) fn drop_answered(&mut self, nonce: Nonce) {
        self.entering = None;
        self.asked.retain(|&(asked, _)| asked != nonce);
    }

    /// No answer is awaited any more; how late they came is remembered.
    pub(super) fn clear(&mut self) {
        *self = Self { lateness: self.lateness, ..Self::NONE };
    }

    /// How often waits for answers are doubled.
    pub(super) fn doublings(&self) -> u32 {
        u32::from(self.lateness)
    }

    /// A wait for answers, doubled as often as they have been late.
    pub(super) fn wait(&self, wait: Duration) -> Duration {
        Duration::from_micros(micros(wait) << self.lateness)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(n: u8) -> SocketAddr {
        ([10, 0, 0, n], 7_946).into()
    }

    #[test]
    fn answers_more_than_a_round_late_double_the_waits_once_a_round() {
        let mut questions = Questions::NONE;
        questions.begin_round();
        assert!(questions.add(1, seed(1)) && questions.add(2, seed(2)));
        questions.begin_round();
        assert_eq!(questions.note_answer(1), Some(seed(1)));
        assert_eq!(questions.doublings(), 0, "a round late");
        questions.begin_round();
        assert_eq!((questions.note_answer(1), questions.note_answer(2)), (Some(seed(1)), Some(seed(2))));
        assert_eq!((questions.doublings(), questions.note_answer(3)), (1, None));
        questions.clear();
        assert!(!questions.await_answer(1) && questions.doublings() == 1);
    }

    #[test]
    fn a_seed_is_asked_once_a_round_and_one_at_a_time_is_shown_its_token() {
        let mut questions = Questions::NONE;
        questions.begin_round();
        assert!(questions.may_ask(seed(1)) && questions.add(1, seed(1)) && !questions.may_ask(seed(1)));
        assert!(questions.add(2, seed(2)));
        assert!(questions.enter(1) && !questions.enter(2) && questions.enter(1));
        questions.note_refusal(2);
        assert!(!questions.enter(2), "it was not the one");
        questions.note_refusal(1);
        assert!(questions.enter(2));
        (3..).zip(3..).take(MAX_OF_ROUND - 2).for_each(|(n, at)| assert!(questions.add(n, seed(at))));
        assert!(!questions.may_ask(seed(99)), "the round is full");
    }
}
