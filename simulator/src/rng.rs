//! Seeded choice. Ours, so that a trace of one seed stays the same on every machine and release.

/// The finalizer of SplitMix64: each bit of the result depends on every bit of `z`.
pub(crate) fn mix(z: u64) -> u64 {
    let mixed = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// SplitMix64 (Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014): one
/// word of state, every seed as good as the next.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Self(seed);
        // Seeds are counted upwards, and two whose difference is a multiple of the step below would share
        // one sequence at two places; a mixed seed is as good as a random place in it.
        rng.0 = rng.next();
        rng
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number in `0..bound`, or 0 when `bound` is 0. The bias of the multiplication is below `bound / 2^64`.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u32
    }

    /// True in a share of `probability` (0 to 1) of all calls.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        // 53 bits are what a float holds exactly, so that every machine compares the same numbers.
        ((self.next() >> 11) as f64) < probability * (1u64 << 53) as f64
    }

    /// A number in `0..bound`, or 0 when `bound` is 0; for times.
    pub(crate) fn below_u64(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A place in a slice of that length; 0 when it is empty.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        self.below_u64(len as u64) as usize
    }

    /// An exponentially distributed number of that mean. The logarithm is `libm`'s, which gives the same bits
    /// on every machine.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        -libm::log(1.0 - unit) * mean
    }

    /// `count` different elements (all, if there are fewer), evenly at random, in random order.
    pub(crate) fn sample<T: Copy>(&mut self, from: &[T], count: usize) -> Vec<T> {
        let mut pool = from.to_vec();
        let count = count.min(pool.len());
        for i in 0..count {
            let other = i + self.index(pool.len() - i);
            pool.swap(i, other);
        }
        pool.truncate(count);
        pool
    }

    /// A seed for a node of its own.
    pub(crate) fn node_seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        for word in seed.chunks_exact_mut(8) {
            word.copy_from_slice(&self.next().to_le_bytes());
        }
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence_for_ever() {
        let mut rng = Rng::new(7);
        let first: [u32; 4] = std::array::from_fn(|_| rng.below(1_000));
        assert_eq!(first, FIRST_OF_SEED_7);
    }

    /// Recorded once; a change here breaks every recorded trace.
    const FIRST_OF_SEED_7: [u32; 4] = [721, 649, 549, 604];

    #[test]
    fn below_covers_its_range_evenly_and_chance_keeps_its_share() {
        let mut rng = Rng::new(1);
        let mut seen = [0u32; 10];
        let mut hits = 0;
        for _ in 0..100_000 {
            seen[rng.below(10) as usize] += 1;
            hits += u32::from(rng.chance(0.2));
        }
        assert!(seen.iter().all(|n| (9_500..10_500).contains(n)), "{seen:?}");
        assert!((19_500..20_500).contains(&hits), "{hits}");
        assert!(!rng.chance(0.0));
        assert!(rng.chance(1.0));
    }

    #[test]
    fn samples_have_no_element_twice() {
        let mut rng = Rng::new(3);
        let mut sample = rng.sample(&[1, 2, 3, 4, 5, 6, 7, 8], 6);
        sample.sort_unstable();
        sample.dedup();
        assert_eq!((sample.len(), rng.sample(&[1, 2], 9).len()), (6, 2));
    }

    #[test]
    fn exponentials_have_their_mean() {
        let mut rng = Rng::new(5);
        let mean = (0..100_000).map(|_| rng.exponential(3.0)).sum::<f64>() / 100_000.0;
        assert!((2.95..3.05).contains(&mean), "{mean}");
    }
}
