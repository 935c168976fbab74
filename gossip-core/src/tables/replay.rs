//! Which counters of a member's epoch were heard already: nothing sealed is heard twice.
//!
//! | epoch against the record's | counter | is |
//! |---|---|---|
//! | equal | above the highest, or less than 64 behind it and not heard | fresh |
//! | equal | heard | a replay |
//! | equal | 64 or more behind the highest | unproven |
//! | equal | nothing was heard of this epoch | fresh; unproven if a proof of another epoch set the window |
//! | lower or higher | | unproven |

use crate::vocabulary::sealing::KeyId;
use bytemuck::Zeroable;

/// How a datagram stands to what its sender said before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Freshness {
    /// It was not heard before.
    Fresh,
    /// It was heard before, and is not opened.
    Replayed,
    /// It cannot be told: the sender is treated as a non-member until it has proven that it speaks now.
    Unproven,
}

/// What shows that a sender speaks now, whatever was heard of it before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proof {
    /// An answer with a nonce of ours that nobody answered before: it counts once.
    Nonce,
    /// A join with a token that was made in this period: see [`Window::note_token`].
    Token {
        /// The number of the period.
        period: u64,
    },
}

/// The counters of a member that were heard. 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Zeroable)]
pub(crate) struct Window {
    /// Bit *n*: `highest - n` was heard. The highest was in any case: where bit 0 is clear, a proof of another epoch than the
    /// record's set the window, and which counters of the record's were heard is lost.
    heard: u64,
    highest: u32,
    /// The low half of the epoch.
    epoch: u16,
    /// Below bit 7 the key that the member was last heard under, or, with bit 7, the one that suits what it says of its keys; 0 is
    /// none.
    key: u8,
    /// Bit 7: something was heard. Below it the period whose token set the window last, modulo 127, plus one.
    state: u8,
}

const _: () = assert!(size_of::<Window>() == 16);
/// See [`Window::state`].
const OPEN: u8 = 0x80;
/// See [`Window::key`].
const SAID: u8 = 0x80;

impl Window {
    /// Nothing was heard.
    pub(crate) const EMPTY: Self = Self { heard: 0, highest: 0, epoch: 0, key: 0, state: 0 };

    /// What a datagram of this epoch and counter is, where the sender's record has the epoch `known`.
    pub(crate) fn judge(&self, known: u32, epoch: u32, counter: u32) -> Freshness {
        if epoch != known {
            return Freshness::Unproven;
        }
        if !self.is_of(epoch) {
            return if self.is_astray() { Freshness::Unproven } else { Freshness::Fresh };
        }
        if counter > self.highest {
            return Freshness::Fresh;
        }
        // The window is as wide as `heard`.
        match (self.heard | 1).checked_shr(self.highest - counter) {
            None => Freshness::Unproven,
            Some(heard) if heard & 1 == 1 => Freshness::Replayed,
            Some(_) => Freshness::Fresh,
        }
    }

    /// Notes a datagram that was fresh, and opened.
    pub(crate) fn commit(&mut self, epoch: u32, counter: u32, key: KeyId) {
        self.note_key(key);
        if !self.is_of(epoch) {
            self.restart(epoch, counter);
        } else if counter > self.highest {
            let ahead = counter - self.highest;
            self.heard = (self.heard | 1).checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = counter;
        } else if let Some(bit) = 1u64.checked_shl(self.highest - counter) {
            self.heard |= bit | 1;
        }
    }

    /// Sets the window to a datagram that was unproven, has opened, and proves itself; the sender's record has the epoch `known`.
    /// False, and nothing has changed, where a token is of another epoch than that, or one as late was shown before.
    #[must_use]
    pub(crate) fn prove(
        &mut self,
        known: u32,
        (epoch, counter): (u32, u32),
        key: KeyId,
        proof: Proof,
    ) -> bool {
        if let Proof::Token { period } = proof
            && (epoch != known || !self.note_token(period))
        {
            return false;
        }
        self.note_key(key);
        self.restart(epoch, counter);
        if epoch != known {
            self.heard = 0;
        }
        true
    }

    /// Notes a token of this period. False, and nothing has changed, where one of it, or of the one after it, was shown before: a join
    /// can be sent again while its token is valid, which is in its own period and in the next.
    pub(crate) fn note_token(&mut self, period: u64) -> bool {
        let place = |period: u64| (period % 127) as u8 + 1;
        let latest = self.state & !OPEN;
        let is_news = latest != place(period) && latest != place(period + 1);
        if is_news {
            self.state = self.state & OPEN | place(period);
        }
        is_news
    }

    /// The key for the member: the one that suits what it says, or that it was last heard under.
    pub(crate) fn key(&self) -> Option<KeyId> {
        KeyId::from_u8(self.key & !SAID)
    }

    /// Whether that follows from what the member says of its keys.
    pub(crate) fn is_said(&self) -> bool {
        self.key & SAID != 0
    }

    /// The member says that it has this key; or nothing any more.
    pub(crate) fn prefer(&mut self, key: Option<KeyId>) {
        self.key = key.map_or(self.key & !SAID, |key| key.get() | SAID);
    }

    fn note_key(&mut self, key: KeyId) {
        if !self.is_said() {
            self.key = key.get();
        }
    }

    fn is_of(&self, epoch: u32) -> bool {
        self.state & OPEN != 0 && self.epoch == epoch as u16
    }

    fn is_astray(&self) -> bool {
        self.state & OPEN != 0 && self.heard & 1 == 0
    }

    fn restart(&mut self, epoch: u32, counter: u32) {
        (self.highest, self.heard, self.epoch) = (counter, 1, epoch as u16);
        self.state |= OPEN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Freshness::{Fresh, Replayed, Unproven};
    use quickcheck::QuickCheck;
    use std::{collections::BTreeSet, vec::Vec};

    const EPOCH: u32 = 1_700_000_000;
    /// Counters that are told apart: the highest, and those behind it.
    const SPAN: u32 = 64;

    fn key() -> KeyId {
        KeyId::from_u8(9).unwrap()
    }

    fn heard(counters: &[u32]) -> Window {
        let mut window = Window::EMPTY;
        counters.iter().for_each(|&counter| window.commit(EPOCH, counter, key()));
        window
    }

    #[test]
    fn nothing_is_heard_twice_in_any_order() {
        fn property(counters: Vec<u8>, base: u32) -> bool {
            let mut window = Window::EMPTY;
            let (mut taken, mut highest) = (BTreeSet::new(), None::<u32>);
            for counter in counters.into_iter().map(|counter| (base % (u32::MAX - 300)) + u32::from(counter))
            {
                let expected = match highest {
                    Some(highest) if counter <= highest && highest - counter >= SPAN => Unproven,
                    _ if taken.contains(&counter) => Replayed,
                    _ => Fresh,
                };
                if window.judge(EPOCH, EPOCH, counter) != expected {
                    return false;
                }
                if expected == Fresh {
                    window.commit(EPOCH, counter, key());
                    taken.insert(counter);
                    highest = highest.max(Some(counter));
                }
            }
            true
        }
        QuickCheck::new().tests(2_000).quickcheck(property as fn(Vec<u8>, u32) -> bool);
    }

    #[test]
    fn the_edges_of_the_window_are_where_they_are_said_to_be() {
        let window = heard(&[100]);
        let judged = [101, 100, 99, 37, 36, 0].map(|counter| window.judge(EPOCH, EPOCH, counter));
        assert_eq!(judged, [Fresh, Replayed, Fresh, Fresh, Unproven, Unproven]);
        let window = heard(&[100, 163]);
        assert_eq!(window.judge(EPOCH, EPOCH, 100), Replayed, "63 behind");
        assert_eq!(heard(&[100, 164]).judge(EPOCH, EPOCH, 100), Unproven, "64 behind");
        assert_eq!(heard(&[1, u32::MAX]).judge(EPOCH, EPOCH, u32::MAX), Replayed);
    }

    #[test]
    fn another_epoch_is_unproven_until_the_record_has_it() {
        let mut window = heard(&[5]);
        for epoch in [EPOCH - 1, EPOCH + 1, EPOCH + 0x1_0000] {
            assert_eq!(window.judge(EPOCH, epoch, 6), Unproven);
        }
        assert_eq!(window.judge(EPOCH + 1, EPOCH + 1, 1), Fresh);
        window.commit(EPOCH + 1, 1, key());
        assert_eq!(window.judge(EPOCH + 1, EPOCH + 1, 1), Replayed);
        assert_eq!(window.judge(EPOCH + 1, EPOCH, 6), Unproven);
    }

    #[test]
    fn what_a_member_says_of_its_keys_counts_more_than_what_is_heard() {
        let (said, other) = (KeyId::from_u8(3).unwrap(), key());
        let mut window = heard(&[5]);
        window.prefer(Some(said));
        window.commit(EPOCH, 6, other);
        assert!(window.prove(EPOCH, (EPOCH, 8), other, Proof::Nonce));
        assert_eq!((window.key(), window.is_said()), (Some(said), true));
        window.prefer(None);
        window.commit(EPOCH, 9, other);
        assert_eq!((window.key(), window.is_said()), (Some(other), false));
    }

    #[test]
    fn a_poisoned_window_is_set_back_by_a_proof() {
        let mut window = heard(&[7, u32::MAX]);
        assert_eq!(window.judge(EPOCH, EPOCH, 8), Unproven);
        assert!(window.prove(EPOCH, (EPOCH, 8), key(), Proof::Token { period: 40 }));
        assert_eq!([8, 9].map(|counter| window.judge(EPOCH, EPOCH, counter)), [Replayed, Fresh]);
        window.commit(EPOCH, 9, key());
        let before = window;
        assert!(!window.prove(EPOCH, (EPOCH, 8), key(), Proof::Token { period: 40 }), "the same join again");
        assert_eq!(window, before);
        assert!(window.prove(EPOCH, (EPOCH, 20), key(), Proof::Nonce));
        assert!(window.prove(EPOCH, (EPOCH, 21), key(), Proof::Token { period: 41 }));
        assert_eq!(window.key(), Some(key()));
    }

    #[test]
    fn a_proof_of_another_epoch_opens_no_door_to_what_was_heard() {
        for other in [EPOCH + 1, EPOCH - 1] {
            let mut window = heard(&[5, 6]);
            assert!(window.prove(EPOCH, (other, 1), key(), Proof::Nonce));
            assert_eq!(window.key(), Some(key()));
            for counter in [5, 6, 7] {
                assert_eq!(window.judge(EPOCH, EPOCH, counter), Unproven, "{counter}");
            }
            let risen = [1, 2].map(|counter| window.judge(other, other, counter));
            assert_eq!(risen, [Replayed, Fresh], "the record has the epoch that was proven");
            assert!(window.prove(EPOCH, (EPOCH, 7), key(), Proof::Nonce));
            assert_eq!([7, 8].map(|counter| window.judge(EPOCH, EPOCH, counter)), [Replayed, Fresh]);
        }
    }

    #[test]
    fn another_implementation_keeps_the_same_window() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../checks/interop/sealing.txt");
        let (mut window, mut heard) = (Window::EMPTY, 0);
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let words: Vec<_> = line.split(' ').collect();
            let number = |at: usize| words[at].parse::<u32>().unwrap();
            match words[0] {
                "window" => window = Window::EMPTY,
                "proves" => {
                    assert!(window.prove(number(1), (number(2), number(3)), key(), Proof::Nonce));
                }
                "hears" => {
                    let expected = match words[4] {
                        "fresh" => Fresh,
                        "replay" => Replayed,
                        "unproven" => Unproven,
                        other => panic!("{other}"),
                    };
                    assert_eq!(window.judge(number(1), number(2), number(3)), expected, "{line}");
                    if expected == Fresh {
                        window.commit(number(2), number(3), key());
                    }
                    heard += 1;
                }
                _ => {}
            }
        }
        assert!(heard > 0, "no line says hears");
    }
}
