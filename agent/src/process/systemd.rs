//! What systemd is told: that the node is ready, lives, reads its configuration again, and stops. Elsewhere nobody is told.

use adapter_tokio::Handle;
use sd_notify::{NotifyState, notify};
use std::time::{Duration, Instant};

/// A node that has not joined by then is ready all the same: it goes on to try, and starting again would not help.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// What the service manager has been told.
pub(crate) struct Service {
    started: Instant,
    has_seeds: bool,
    is_ready: bool,
    has_watchdog: bool,
    /// Signs of life that the node's loop had given at the last check.
    signs: u64,
}

impl Service {
    /// A service that has just started; `has_seeds`: it was told whom to join.
    pub(crate) fn starting(has_seeds: bool) -> Self {
        let has_watchdog = sd_notify::watchdog_enabled().is_some();
        Self { started: Instant::now(), has_seeds, is_ready: false, has_watchdog, signs: 0 }
    }

    /// To be called once a second.
    pub(crate) fn check(&mut self, handle: &Handle) {
        let is_late = self.started.elapsed() >= READY_LIMIT;
        if !self.is_ready && (!self.has_seeds || handle.is_joined() || is_late) {
            self.is_ready = true;
            let joined = !self.has_seeds || handle.is_joined();
            let status = if joined { "running" } else { "no seed has answered yet; still trying" };
            tell(&[NotifyState::Ready, NotifyState::Status(status)]);
        }
        if self.has_watchdog {
            // The node's own loop is what has to live: it may be on another thread, and stuck while this one is not.
            let signs = handle.check_driver();
            if signs != self.signs {
                tell(&[NotifyState::Watchdog]);
            }
            self.signs = signs;
        }
    }

    /// Tells that the configuration is being read again.
    pub(crate) fn begin_reload(&self) {
        // What the time is, newer managers want to know.
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            tell(&[NotifyState::Reloading, now]);
        }
    }

    /// Tells that this is done.
    pub(crate) fn end_reload(&self) {
        if self.is_ready {
            tell(&[NotifyState::Ready]);
        }
    }
}

/// Tells that the node leaves.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    // A manager that does not listen finds out by its own time-outs.
    let _ = notify(state);
}
