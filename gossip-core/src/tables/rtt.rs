//! Round trips, per zone, and the ack timeouts that follow from them.

use crate::vocabulary::{bounds::sized, config::Config, record::Zone, time::micros};
use core::time::Duration;

/// Zones measured. Members of further ones get the longest timeout.
const ZONES: usize = sized(16, 4);
/// How many `ack_timeout_max` an ack may be in transit: a round trip of 10 s in a local network.
pub(crate) const LATE: u32 = 20;
/// Half-octave buckets, the first of which ends at 64 µs, the last at 3 s.
const BUCKETS: usize = 32;
const FIRST_BUCKET_LOG2: u32 = 6;

/// The round trips between this node and the members of one zone that it has probed: all of them together, since none is measured
/// alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RoundTrip {
    /// Where the members are.
    pub zone: Zone,
    /// RFC 6298's smoothed round trip, of the latest dozen or so.
    pub smoothed: Duration,
    /// RFC 6298's variation: by how much round trips differ from the smoothed one.
    pub variation: Duration,
    /// The 99th percentile, rounded up to the next of two steps an octave, from 64 µs to 3 s; older round trips count less.
    pub p99: Duration,
    /// How long a first ping waits for its ack, before jitter and [`Node::local_health`](crate::Node::local_health) add to it.
    pub ack_timeout: Duration,
}

/// RFC 6298's smoothed round trip and variation, and a fading histogram for the 99th percentile. 40 bytes.
#[derive(Clone, Copy)]
struct Estimate {
    /// µs; zero: nothing measured yet.
    smoothed: u32,
    variation: u32,
    buckets: [u8; BUCKETS],
}

impl Estimate {
    const NONE: Self = Self { smoothed: 0, variation: 0, buckets: [0; BUCKETS] };

    fn record(&mut self, rtt: u32) {
        let rtt = rtt.max(1);
        if self.smoothed == 0 {
            (self.smoothed, self.variation) = (rtt, rtt / 2);
        } else {
            // RFC 6298 section 2.3, with alpha = 1/8 and beta = 1/4.
            let deviation = self.smoothed.abs_diff(rtt);
            self.variation = self.variation - self.variation / 4 + deviation / 4;
            self.smoothed = (self.smoothed - self.smoothed / 8 + rtt / 8).max(1);
        }
        debug_assert_ne!(self.smoothed, 0, "zero is for what was never measured");
        let bucket = &mut self.buckets[bucket_of(rtt)];
        *bucket += 1;
        if *bucket == u8::MAX {
            self.buckets.iter_mut().for_each(|count| *count /= 2);
        }
    }

    /// The upper end of the bucket that holds the 99th percentile, in µs.
    fn p99(&self) -> u32 {
        let total: u32 = self.buckets.iter().map(|&count| u32::from(count)).sum();
        let mut above = 0;
        for (bucket, &count) in self.buckets.iter().enumerate().rev() {
            above += u32::from(count);
            if above * 100 > total {
                return upper_end(bucket);
            }
        }
        0
    }

    /// The larger of RFC 6298's timeout (section 2.2, K = 4) and the observed p99, within the configured limits; where the
    /// round trip itself is longer, a quarter more than it takes. In µs.
    fn timeout(&self, config: &Config) -> u64 {
        let (min, max) = (micros(config.ack_timeout_min), micros(config.ack_timeout_max));
        let rfc6298 = u64::from(self.smoothed) + 4 * u64::from(self.variation);
        let usual = rfc6298.max(u64::from(self.p99())).clamp(min, max);
        usual.max(u64::from(self.smoothed) * 5 / 4).min(max * u64::from(LATE))
    }
}

/// Two buckets an octave: the number of bits, and the bit below the highest.
fn bucket_of(rtt: u32) -> usize {
    let log2 = rtt.max(1 << FIRST_BUCKET_LOG2).ilog2();
    let half = rtt >> (log2 - 1) & 1;
    (((log2 - FIRST_BUCKET_LOG2) * 2 + half) as usize).min(BUCKETS - 1)
}

fn upper_end(bucket: usize) -> u32 {
    let base = 1u32 << (FIRST_BUCKET_LOG2 + bucket as u32 / 2);
    base + (base / 2) * (1 + bucket as u32 % 2)
}

/// The round trips of all zones, first come, first measured.
#[derive(Clone)]
pub(crate) struct RoundTrips {
    estimates: [Estimate; ZONES],
    zones: heapless::Vec<Zone, ZONES>,
}

impl RoundTrips {
    pub(crate) const fn new() -> Self {
        Self { estimates: [Estimate::NONE; ZONES], zones: heapless::Vec::new() }
    }

    fn position(&self, zone: Zone) -> Option<usize> {
        self.zones.iter().position(|&known| known == zone)
    }

    /// A ping to a member of this zone took `rtt` µs.
    pub(crate) fn record(&mut self, zone: Zone, rtt: u64) {
        let position = self.position(zone).or_else(|| {
            let fits = self.zones.push(zone).is_ok();
            fits.then(|| self.zones.len() - 1)
        });
        if let Some(estimate) = position.and_then(|position| self.estimates.get_mut(position)) {
            estimate.record(u32::try_from(rtt).unwrap_or(u32::MAX / 2).min(u32::MAX / 2));
        }
    }

    fn estimate(&self, zone: Zone) -> Option<&Estimate> {
        self.position(zone).and_then(|position| self.estimates.get(position))
    }

    /// How long to wait for an ack from this zone, in µs.
    pub(crate) fn timeout(&self, config: &Config, zone: Zone) -> u64 {
        match self.estimate(zone) {
            Some(estimate) => estimate.timeout(config),
            None if self.zones.is_full() => micros(config.ack_timeout_max),
            None => micros(config.ack_timeout_initial),
        }
    }

    /// What is measured, zone by zone.
    pub(crate) fn iter<'a>(&'a self, config: &'a Config) -> impl Iterator<Item = RoundTrip> + 'a {
        let trip = |(&zone, estimate): (&Zone, &Estimate)| RoundTrip {
            zone,
            smoothed: Duration::from_micros(estimate.smoothed.into()),
            variation: Duration::from_micros(estimate.variation.into()),
            p99: Duration::from_micros(estimate.p99().into()),
            ack_timeout: Duration::from_micros(estimate.timeout(config)),
        };
        self.zones.iter().zip(&self.estimates).map(trip)
    }

    /// The smoothed round trip to this zone, in µs; zero while nothing was measured.
    pub(crate) fn smoothed(&self, zone: Zone) -> u32 {
        self.estimate(zone).map_or(0, |estimate| estimate.smoothed)
    }

    /// How long a datagram from this zone is on its way, in ms: half of the smoothed round trip, to the
    /// nearest.
    pub(crate) fn one_way_ms(&self, zone: Zone) -> u32 {
        (self.smoothed(zone) / 2 + 500) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::config::ClusterName;
    use std::vec::Vec;

    const HERE: Zone = Zone { region: 0, zone: 0 };
    const THERE: Zone = Zone { region: 1, zone: 0 };

    fn config() -> Config {
        Config::lan(ClusterName::named("test").unwrap())
    }

    #[test]
    fn every_round_trip_lies_below_the_end_of_its_bucket() {
        for rtt in (0..20_000).chain((20_000..3_000_000).step_by(997)) {
            assert!(rtt < upper_end(bucket_of(rtt)), "{rtt}");
        }
    }

    #[test]
    fn the_timeout_covers_the_slowest_hundredth() {
        let (mut trips, config) = (RoundTrips::new(), config());
        for i in 0..1_000 {
            trips.record(HERE, if i % 50 == 0 { 150_000 } else { 2_000 });
        }
        assert!(trips.timeout(&config, HERE) >= 150_000);
    }

    #[test]
    fn zones_beyond_those_that_are_measured_are_waited_for_longest() {
        let (mut trips, config) = (RoundTrips::new(), config());
        for zone in 0..=ZONES as u8 {
            trips.record(Zone { region: zone, zone }, 1_000);
        }
        let timeout = |n| trips.timeout(&config, Zone { region: n, zone: n });
        assert_eq!(timeout(ZONES as u8 - 1), micros(config.ack_timeout_min));
        assert_eq!(timeout(ZONES as u8), micros(config.ack_timeout_max));
    }

    #[test]
    fn each_measured_zone_is_told_with_its_own_figures() {
        let (mut trips, config) = (RoundTrips::new(), config());
        assert_eq!(trips.iter(&config).count(), 0);
        for (zone, rtt) in [(HERE, 1_000), (THERE, 600_000)] {
            trips.record(zone, rtt);
        }
        let told: Vec<RoundTrip> = trips.iter(&config).collect();
        let us = Duration::from_micros;
        assert_eq!(told.iter().map(|trip| trip.zone).collect::<Vec<_>>(), [HERE, THERE]);
        assert_eq!((told[0].smoothed, told[0].variation, told[0].p99), (us(1_000), us(500), us(1_024)));
        assert_eq!(told[1].smoothed, us(600_000));
        for trip in told {
            assert_eq!(trip.ack_timeout, us(trips.timeout(&config, trip.zone)));
        }
    }

    #[test]
    fn one_way_is_half_of_the_round_trip_once_there_is_one() {
        let mut trips = RoundTrips::new();
        assert_eq!(trips.one_way_ms(HERE), 0);
        for (rtt, half) in [(400, 0), (20_900, 10), (21_100, 11)] {
            trips = RoundTrips::new();
            trips.record(HERE, rtt);
            assert_eq!((trips.one_way_ms(HERE), trips.one_way_ms(THERE)), (half, 0));
        }
    }

    #[test]
    fn zones_learn_apart_and_stay_within_the_limits() {
        let (mut trips, config) = (RoundTrips::new(), config());
        assert_eq!(trips.timeout(&config, HERE), micros(config.ack_timeout_initial));
        for _ in 0..100 {
            trips.record(HERE, 100);
            trips.record(THERE, 60_000_000);
        }
        assert_eq!(trips.timeout(&config, HERE), micros(config.ack_timeout_min));
        // A path slower than the limit still gets its time, but no longer than a late ack counts.
        assert_eq!(trips.timeout(&config, THERE), micros(config.ack_timeout_max) * u64::from(LATE));
    }
}
