//! The plane of state: what members keep of each other.

use crate::{
    state::{asks::Asks, events::CatchUp, own::Own, pulses::Beat, sweep::Sweeps, values::Shared},
    vocabulary::time::Instant,
};

/// Its state; the files of this folder are its parts.
#[derive(Clone)]
pub(crate) struct State {
    pub(super) own: Own,
    /// When this node began.
    pub(super) began: Instant,
    pub(super) sweeps: Sweeps,
    pub(super) catch_up: CatchUp,
    pub(super) shared: Shared,
    pub(super) asks: Asks,
    pub(super) beat: Beat,
}

impl State {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            began: now,
            own: Own::new(now),
            sweeps: Sweeps::new(),
            catch_up: CatchUp::NONE,
            shared: Shared::new(),
            asks: Asks::new(now),
            beat: Beat::RESTED,
        }
    }

    /// All members are about to be forgotten. What this node publishes stays.
    pub(crate) fn start_over(&mut self) {
        self.sweeps = Sweeps::new();
    }
}
