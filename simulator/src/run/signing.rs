//! Hosts that begin to sign, or to require signatures, while a scenario runs.

use super::{Run, tasks::Task};
use crate::engine::{HostId, Micros, SECOND};
use gossip_core::Signing;

/// A node that may not require signatures yet is asked again after this time, as operators do.
const AGAIN: Micros = SECOND;

impl Run<'_> {
    /// Hosts, running or not, sign from now on: all at once, or one after the other in a random order. So do those that come
    /// later, unless the step names its hosts.
    pub(super) fn roll_signing(&mut self, n: usize) -> Result<(), String> {
        let event = &self.scenario.events[n];
        let signing = event.mode.map_or(Ok(None), |mode| mode.signing());
        let Some(signing) = signing.map_err(|why| format!("step {n}: {why}"))? else { return Ok(()) };
        if event.who.nodes.is_none() {
            self.world.newcomers_signing = Some(signing);
        }
        let hosts = self.pick_known(&event.who);
        let stagger = event.stagger();
        for (place, &host) in (0u64..).zip(&hosts) {
            let after = stagger * place / hosts.len().max(1) as u64;
            self.plan(self.world.now() + after, Task::Sign(host, signing, event.force));
        }
        Ok(())
    }

    /// A host signs; if it refuses, it is asked again, unless it has been asked for something else since.
    pub(super) fn sign(&mut self, host: HostId, signing: Signing, force: bool) {
        if self.world.sign(host, signing, force).is_err() {
            self.refused_credentials += 1;
            self.plan(self.world.now() + AGAIN, Task::SignAgain(host, signing));
        }
    }

    /// Asks a node again.
    pub(super) fn sign_again(&mut self, host: HostId, signing: Signing) {
        if self.world.hosts()[host as usize].signing == Some(signing) {
            self.sign(host, signing, false);
        }
    }
}
