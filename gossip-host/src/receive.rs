//! Receive errors that must not spin.

use gossip_core::Instant;
use std::{io, time::Duration};

/// The first rest after an error that may come again at once, doubled up to [`MAX_REST`].
const MIN_REST: Duration = Duration::from_millis(10);
/// The longest rest. The kernel's buffer holds what arrives in the meantime, or drops it.
const MAX_REST: Duration = Duration::from_secs(1);

/// Passing errors in a row, with nothing else in between, that are believed to pass. Each is the echo of a
/// packet that this node sent, and a turn sends fewer.
const MAX_PASSING: u32 = 256;

/// When to look at the socket again.
#[derive(Default)]
pub(crate) struct Receiving {
    resting_until: Instant,
    rest: Duration,
    passing: u32,
}

impl Receiving {
    /// Nothing is read before this time.
    pub(crate) fn resting_until(&self) -> Instant {
        self.resting_until
    }

    /// A datagram came, or there is none: the socket works.
    pub(crate) fn works(&mut self) {
        (self.rest, self.passing) = (Duration::ZERO, 0);
    }

    /// Whether to go on reading. An ICMP error of an earlier send is taken off the socket by being reported;
    /// any other error may be there to stay, and is answered with a rest.
    pub(crate) fn failed(&mut self, now: Instant, error: &io::Error) -> bool {
        use io::ErrorKind::{
            ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkUnreachable,
        };
        let passing = matches!(
            error.kind(),
            ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable | Interrupted
        );
        self.passing = if passing { self.passing.saturating_add(1) } else { MAX_PASSING };
        let go_on = self.passing < MAX_PASSING;
        if !go_on {
            self.rest = (self.rest * 2).clamp(MIN_REST, MAX_REST);
            self.resting_until = now + self.rest;
        }
        go_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echoes_of_unreachable_peers_do_not_stop_reading() {
        let mut receiving = Receiving::default();
        let refused = io::ErrorKind::ConnectionRefused.into();
        for _ in 0..10 * MAX_PASSING {
            assert!(receiving.failed(Instant::ZERO, &refused));
            receiving.works();
        }
        assert_eq!(receiving.resting_until(), Instant::ZERO);
    }

    #[test]
    fn an_error_that_stays_is_met_with_ever_longer_rests() {
        let mut receiving = Receiving::default();
        let broken = io::ErrorKind::Other.into();
        let mut now = Instant::ZERO;
        let rests: Vec<_> = (0..9)
            .map(|_| {
                assert!(!receiving.failed(now, &broken));
                let rest = receiving.resting_until().since(now);
                now = receiving.resting_until();
                rest
            })
            .collect();
        assert!(rests.is_sorted() && rests[0] == MIN_REST && rests[8] == MAX_REST, "{rests:?}");
        receiving.works();
        assert!(!receiving.failed(now, &broken));
        assert_eq!(receiving.resting_until().since(now), MIN_REST);
    }

    #[test]
    fn an_error_that_should_pass_and_does_not_is_met_with_a_rest_too() {
        let mut receiving = Receiving::default();
        let refused = io::ErrorKind::ConnectionRefused.into();
        let read_on = (0..2 * MAX_PASSING).take_while(|_| receiving.failed(Instant::ZERO, &refused)).count();
        assert_eq!(read_on as u32, MAX_PASSING - 1);
        assert!(receiving.resting_until() > Instant::ZERO);
    }
}
