//! What hosts publish and withdraw, the events and pulses that they send, and the cluster-wide values that they write.

use super::Run;
use crate::{
    engine::{HostId, Published},
    measure::{self, StateVersion, Write},
    scenario::{Action, StateFile},
};
use gossip_core::Terms;

/// Bytes of a value or an event whose step does not say.
const BYTES: u16 = 50;
/// Those of a pulse.
const PULSE_BYTES: u16 = 8;

impl Run<'_> {
    /// Every host that a step picks writes a key of its own or of the cluster, or sends an event or a pulse.
    pub(super) fn write_all(&mut self, n: usize) {
        let event = &self.scenario.events[n];
        let default = if event.action == Action::Pulse { PULSE_BYTES } else { BYTES };
        let (key, bytes) = (event.key.clone().unwrap_or_default(), event.bytes.unwrap_or(default));
        for host in self.pick(&event.who) {
            match event.action {
                Action::Withdraw => self.withdraw(n, host, &key),
                Action::Event => self.send_event(host, bytes.into()),
                Action::Pulse => {
                    let blob = self.new_value(bytes.into());
                    measure::watch_pulse(&mut self.world, host, &blob);
                }
                Action::Value => {
                    let value = self.new_value(bytes.into());
                    measure::watch_value(&mut self.world, host, &key, Some(&value));
                }
                Action::DeleteValue => measure::watch_value(&mut self.world, host, &key, None),
                _ => self.publish(n, host, &key, bytes.into()),
            }
        }
    }

    /// A value of its own, as far as there is room for its number.
    fn new_value(&mut self, bytes: usize) -> Vec<u8> {
        self.published += 1;
        self.published.to_string().into_bytes().into_iter().cycle().take(bytes).collect()
    }

    fn send_event(&mut self, host: HostId, bytes: usize) {
        let mut payload = self.world.watch.events.next().to_be_bytes().to_vec();
        payload.resize(bytes, 0);
        if self.world.send_event(host, &payload).is_err() {
            self.world.watch.events.refused += 1;
        } else {
            measure::watch_event(&mut self.world, host);
        }
    }

    fn publish(&mut self, n: usize, host: HostId, key: &str, bytes: usize) {
        let value = self.new_value(bytes);
        if self.world.publish(host, key, &value, Terms::default()).is_err() {
            self.world.watch.states.refused += 1;
        } else if let Some(version) = self.version(host, key) {
            measure::watch_write(&mut self.world, n, host, key, Write::Published(version));
        }
    }

    fn withdraw(&mut self, n: usize, host: HostId, key: &str) {
        // A host without the key has nothing to withdraw.
        let Some(version) = self.version(host, key) else { return };
        if self.world.withdraw(host, key).is_err() {
            self.world.watch.states.refused += 1;
        } else {
            measure::watch_write(&mut self.world, n, host, key, Write::Withdrawn(version));
        }
    }

    /// The version of what a host has under a key of its own.
    fn version(&self, host: HostId, key: &str) -> Option<StateVersion> {
        let host = self.world.hosts().get(host as usize)?;
        measure::shown_state(host, host.id, key)
    }

    /// A host that starts publishes its name and its tags, where the scenario says so.
    pub(super) fn introduce(&mut self, host: HostId) {
        for (key, value) in introduction(self.scenario.state, host) {
            if self.world.publish(host, &key, value.as_bytes(), Terms::default()).is_err() {
                self.world.watch.states.refused += 1;
            }
        }
    }
}

/// The name and the tags of a host, as far as the scenario gives it any.
pub(super) fn introduction(state: StateFile, host: HostId) -> Published {
    let name = state.names.then(|| ("name".to_owned(), format!("node-{host}")));
    let tags = (0..state.tags).map(|tag| (format!("tag-{tag}"), format!("tag-{}", host % 10)));
    name.into_iter().chain(tags).collect()
}
