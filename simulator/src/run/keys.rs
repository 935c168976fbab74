//! Keys that change while a scenario runs.

use super::{Run, tasks::Task};
use crate::{
    engine::{HostId, Keys, Micros, SECOND},
    scenario::Event,
};

/// A node that may not take the keys of its file yet is asked again after this time, as operators do.
const AGAIN: Micros = SECOND;

impl Run<'_> {
    /// Hosts, running or not, get other keys: all at once, or one after the other in a random order. So do those that come later,
    /// unless the step names its hosts.
    pub(super) fn roll_keys(&mut self, n: usize) -> Result<(), String> {
        let event = &self.scenario.events[n];
        if event.who.nodes.is_none() {
            let keys = changed(event, self.world.newcomers_keys);
            self.world.newcomers_keys = keys.map_err(|why| format!("step {n}: {why}"))?;
        }
        let hosts = self.pick_known(&event.who);
        let stagger = event.stagger();
        for (place, &host) in (0u64..).zip(&hosts) {
            let after = stagger * place / hosts.len().max(1) as u64;
            self.plan(self.world.now() + after, Task::ChangeKeys(n, host));
        }
        Ok(())
    }

    /// A host's file changes, and its node takes what is in it.
    pub(super) fn change_keys(&mut self, n: usize, host: HostId) -> Result<(), String> {
        let event = &self.scenario.events[n];
        let keys = changed(event, self.world.hosts()[host as usize].keys)
            .map_err(|why| format!("step {n}: node-{host}: {why}"))?;
        self.take_keys(host, keys, event.force);
        Ok(())
    }

    /// A node takes what is in its file, unless that has changed since: then it was asked to take that.
    pub(super) fn take_keys(&mut self, host: HostId, keys: Keys, force: bool) {
        if self.world.set_keys(host, keys, force).is_err() {
            self.refused_keys += 1;
            self.plan(self.world.now() + AGAIN, Task::TakeKeys(host, keys));
        }
    }

    /// Asks a node again.
    pub(super) fn take_keys_again(&mut self, host: HostId, keys: Keys) {
        if self.world.hosts()[host as usize].keys == keys {
            self.take_keys(host, keys, false);
        }
    }
}

/// What a step makes of a host's keys.
fn changed(event: &Event, keys: Keys) -> Result<Keys, String> {
    let sealing = event.mode.map_or(keys.sealing, Into::into);
    let keys = match event.rotate {
        Some(rotate) => keys.turned(rotate.into())?,
        None => keys,
    };
    Keys::new(event.keys.as_deref().unwrap_or(keys.numbers()), sealing)
}
