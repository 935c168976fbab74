//! How long the checks of a suspect take.

use crate::vocabulary::config::Config;
use core::time::Duration;

/// Doublings of the time between two checks of a suspect whose death is due, but not earned.
pub(crate) const MAX_DOUBLINGS: u8 = 2;
/// Between two checks of a suspect lie at most this many probe intervals and the check itself, ...
const CHECK_INTERVALS: u32 = 3 << MAX_DOUBLINGS;
/// ... whose waits local health multiplies by at most this.
const SLOWEST: u32 = 9;

/// The most ack timeouts that a check of a suspect waits: 11 in the presets, 21 at the knobs' limits.
fn check_waits(config: &Config) -> u32 {
    // In half timeouts: the first ping waits two, each further one half a timeout longer.
    let pings = |count: u8| u32::from(count) * (u32::from(count) + 3) / 2;
    let relays = 2 + pings(config.relay_pings);
    // The first round of relays has half of its time. All waits may be a tenth longer.
    ((pings(config.direct_pings) * 2 + relays * 3) * 11).div_ceil(4 * 10)
}

/// How long two checks of a suspect take, one after the other, at the slowest.
pub(crate) fn two_checks(config: &Config) -> Duration {
    (config.probe_interval * CHECK_INTERVALS + config.ack_timeout_max * check_waits(config) * SLOWEST) * 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::config::ClusterName;

    #[test]
    fn a_check_waits_as_long_as_its_pings_and_two_rounds_of_relays() {
        let presets = Config::lan(ClusterName::named("test").unwrap());
        // 1 + 1.5 + 2 for the pings, 3.5 for the relays, half of it in the first round, and a tenth: 10.7.
        assert_eq!(check_waits(&presets), 11);
        assert_eq!(check_waits(&Config { direct_pings: 5, relay_pings: 3, ..presets }), 21);
    }
}
