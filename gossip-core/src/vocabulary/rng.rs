//! Seeded choice. Ours, so that a trace of one seed stays the same on every machine and release.

/// xoshiro256++ 1.0 (Blackman and Vigna, <https://prng.di.unimi.it/>), seeded by the host.
///
/// Deterministic and fast; not a cipher. It decides, and what it gives is never sent: what must be unguessable to an
/// attacker who reads the network comes from [`Secret`](crate::security::token::Secret).
#[derive(Clone, Debug)]
pub(crate) struct Rng([u64; 4]);

impl Rng {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let mut state = [0u64; 4];
        for (word, bytes) in state.iter_mut().zip(seed.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        if state == [0; 4] {
            // The one state that xoshiro cannot leave.
            state[0] = 0x9E37_79B9_7F4A_7C15;
        }
        let mut rng = Self(state);
        // Seeds that differ in few bits (a counter) diverge only after some steps.
        for _ in 0..16 {
            let _ = rng.next();
        }
        rng
    }

    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number in `0..bound`, or 0 when `bound` is 0. Lemire's multiplication without the rejection
    /// step: the bias is below `bound / 2^32`.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// A random number in `0..bound`, such as microseconds, for jitter.
    pub(crate) fn below_u64(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
impl Rng {
    pub(crate) fn state(&self) -> [u64; 4] {
        self.0
    }

    /// Undoes `steps` steps, as anyone who knows the state can.
    pub(crate) fn rewind(&mut self, steps: usize) {
        for _ in 0..steps {
            let [a, b, c, d] = self.0;
            let d = d.rotate_right(45);
            let a = a ^ d;
            let x = b ^ c; // what `b` was, and the same 17 bits further up
            let old_b = x ^ x << 17 ^ x << 34 ^ x << 51;
            let c = b ^ old_b;
            self.0 = [a, old_b, c ^ a, d ^ old_b];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zero_seed_is_not_stuck() {
        let mut rng = Rng::new([0; 32]);
        assert_ne!(rng.next(), rng.next());
    }

    #[test]
    fn one_seed_gives_one_sequence_for_ever() {
        let mut rng = Rng::new([7; 32]);
        let first: [u32; 4] = core::array::from_fn(|_| rng.below(1_000));
        assert_eq!(first, FIRST_OF_SEED_7);
    }

    /// Recorded once; a change here breaks every recorded trace.
    const FIRST_OF_SEED_7: [u32; 4] = [131, 553, 625, 262];

    #[test]
    fn its_steps_can_be_undone() {
        let mut rng = Rng::new([7; 32]);
        let before = rng.state();
        let first = rng.next();
        rng.rewind(1);
        assert_eq!((rng.state(), rng.next()), (before, first));
    }

    #[test]
    fn below_covers_its_range_evenly() {
        let mut rng = Rng::new([1; 32]);
        let mut seen = [0u32; 10];
        for _ in 0..100_000 {
            seen[rng.below(10) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| (9_500..10_500).contains(&n)), "{seen:?}");
        assert_eq!(rng.below(0), 0);
    }
}
