//! Convergence lag: what the nodes measured of it, beside what was seen from outside.

use crate::engine::Host;
use gossip_core::Histogram;

/// Counts by the number of bits of a lag in ms, as [`Histogram`] has them.
pub type Buckets = [u64; Histogram::BUCKETS];

/// Both distributions. They are of the same news where nothing changes but what is followed; otherwise the nodes'
/// has the lags of all other news, too.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Lag {
    /// By all hosts' nodes, in their last lives.
    pub nodes: Buckets,
    /// From outside: of the changes that are followed.
    pub seen: Buckets,
}

impl Lag {
    /// Sums up what all nodes measured, and what was seen, in ms.
    pub fn of(hosts: &[Host], seen: impl IntoIterator<Item = u64>) -> Self {
        let mut lag = Self::default();
        for host in hosts {
            let measured = host.node.metrics().lag_ms.buckets();
            lag.nodes.iter_mut().zip(measured).for_each(|(sum, &count)| *sum += u64::from(count));
        }
        for ms in seen {
            let bucket = (u64::BITS - ms.leading_zeros()) as usize;
            lag.seen[bucket.min(Histogram::BUCKETS - 1)] += 1;
        }
        lag
    }
}

/// The upper end, in ms, of the bucket that holds the smallest lag that a share `q` (0 to 1) does not exceed;
/// none of none.
pub fn quantile(buckets: &Buckets, q: f64) -> Option<u64> {
    let wanted = ((q * buckets.iter().sum::<u64>() as f64).ceil() as u64).max(1);
    let mut below = 0;
    let bucket = buckets.iter().position(|count| {
        below += count;
        below >= wanted
    })?;
    Some((1 << bucket) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_upper_end_of_its_bucket() {
        let lag = Lag::of(&[], [0, 1, 5, 100]);
        assert_eq!(quantile(&Lag::default().seen, 0.5), None);
        let quantiles = [0.0, 0.25, 0.5, 0.75, 1.0].map(|q| quantile(&lag.seen, q));
        assert_eq!(quantiles, [Some(0), Some(0), Some(1), Some(7), Some(127)]);
    }
}
