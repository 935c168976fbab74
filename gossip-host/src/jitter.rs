//! Waits of different lengths.

use std::time::Duration;

/// Draws waits that differ from node to node, so that those started together do not ask together. `SplitMix64`
/// (<https://prng.di.unimi.it/splitmix64.c>): its draws are seen by no one and decide nothing but times.
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let words = seed.as_chunks::<8>().0.iter();
        Self(words.fold(0, |state, word| mixed(state ^ u64::from_le_bytes(*word))))
    }

    /// Between three and five quarters of `wait`.
    pub(crate) fn around(&mut self, wait: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let drawn = (mixed(self.0) >> 55) as u32;
        wait * 3 / 4 + wait * drawn / 1_024
    }
}

/// Every bit of the result depends on every bit of `word`.
fn mixed(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_fill_the_middle_half_around_what_was_asked_for() {
        let mut jitter = Jitter::new([3; 32]);
        let wait = Duration::from_millis(1_024);
        let mut counts = [0u32; 512];
        for _ in 0..100 * counts.len() {
            let extra = jitter.around(wait) - wait * 3 / 4;
            counts[extra.as_millis() as usize] += 1;
        }
        assert!(counts.iter().all(|count| (50..200).contains(count)), "{counts:?}");
    }

    #[test]
    fn nodes_of_different_seeds_wait_differently() {
        let first = |seed: u8| Jitter::new([seed; 32]).around(Duration::from_secs(60));
        let waits: std::collections::BTreeSet<_> = (0..=255).map(first).collect();
        // Of 512 lengths, 256 draws meet about 200.
        assert!(waits.len() > 170, "{}", waits.len());
    }
}
