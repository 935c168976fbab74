//! Times of a scenario: seconds in its file, microseconds in the engine.

use crate::engine::Micros;

/// The longest run, in seconds of virtual time: a week.
pub(super) const MAX_DURATION_S: f64 = 604_800.0;

/// Seconds of a file as virtual time.
pub(super) fn micros(seconds: f64) -> Micros {
    (seconds * 1e6) as Micros
}
