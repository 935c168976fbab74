//! The share of pings that are repeated: a measure of loss, and of the additional sends that make up for it.
//!
//! Only pings that arrive count: a ping without an ack may have gone to a dead member, which is no sign of loss.

use crate::{
    tables::{queue::Kind, table::Table},
    vocabulary::{bounds::MAX_SENDS, config::Config},
};

/// Additional sends, in per cent, where every ping is repeated. At 20 % loss 36 % are, so a rumor gets half as many
/// sends again.
const MORE: u32 = 150;
/// A share of 1, in the fixed point of [`Repeats`].
const ALL: u32 = 4_096;

/// Each suspect member stands for this many silent ones: where many crash at once, most of them are not suspect yet,
/// and what is sent to those is lost. With 8, three of 200 updates still missed a member (simulator, `third-crash`).
const SILENT_PER_SUSPECT: u32 = 16;

/// The share of repeated pings among the latest: this node's own, and those that others sent it. A moving average,
/// with a weight of 1/8 for the latest, in parts of [`ALL`].
#[derive(Clone, Copy)]
pub(crate) struct Repeats(u32);

impl Repeats {
    pub(crate) const NONE: Self = Self(0);

    /// A ping arrived: the first of a probe, or one that was sent `again`.
    pub(crate) fn note(&mut self, again: bool) {
        self.0 = (self.0 * 7 + if again { ALL } else { 0 }) / 8;
    }

    /// How often a rumor is sent: more often where pings are repeated, and up to twice as often if it is of the
    /// living and many are silent.
    pub(crate) fn sends_of(self, kind: Kind, config: &Config, members: &Table<'_>) -> u8 {
        let n = members.size();
        let sends = self.sends(config.sends(n));
        let silent = match kind {
            Kind::Living => members.suspects().saturating_mul(SILENT_PER_SUSPECT).min(n),
            Kind::Silent => 0,
        };
        let more = u64::from(sends) * u64::from(silent) / u64::from(n);
        sends.saturating_add(more as u8).min(MAX_SENDS as u8)
    }

    /// The number of sends that makes up for loss, where `calm` are enough without any.
    fn sends(self, calm: u8) -> u8 {
        let more = (u32::from(calm) * self.0 * MORE).div_ceil(100 * ALL);
        u8::try_from(u32::from(calm) + more).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_repeats_there_are_no_more_sends_and_none_stay() {
        assert_eq!(Repeats::NONE.sends(8), 8);
        let mut repeats = Repeats(ALL);
        assert_eq!(repeats.sends(8), 20);
        (0..80).for_each(|_| repeats.note(false));
        assert_eq!(repeats.sends(8), 8);
    }

    #[test]
    fn a_share_of_repeats_is_found_and_bounded() {
        let mut repeats = Repeats::NONE;
        (0..400).for_each(|at| repeats.note(at % 3 == 0));
        assert!((ALL / 4..ALL / 2).contains(&repeats.0), "{}", repeats.0);
        assert!((11..15).contains(&repeats.sends(8)));
        (0..400).for_each(|_| repeats.note(true));
        assert!(repeats.0 <= ALL && repeats.sends(8) <= 20 && repeats.sends(30) <= 75);
    }
}
