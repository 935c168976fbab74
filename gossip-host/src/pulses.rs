//! Pulses: what each member says of itself every now and then, as a host says and reads it.

use crate::{
    handle::Handle,
    key::{DecodeError, Key, VALUE_ROOM},
    lock::lock,
    value::{PublishError, encoded},
};
use bytes::Bytes;
use gossip_core::NodeId;
use std::time::Duration;

/// The latest pulse of a member that this node had heard when it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Pulse<T> {
    /// What the member said.
    pub value: T,
    /// How long ago it said so, as of this node's last step.
    pub age: Duration,
}

/// Pulses, for what changes all the time and may be missed, such as a load or the length of a queue. They are off unless
/// [`Budgets::pulses`](gossip_core::Budgets::pulses) is set, on all nodes alike.
impl Handle {
    /// Tells the members of this node's [scope](gossip_core::PulseScope) how it is right now, by a value of up to 60 bytes, the
    /// byte of its schema included. It replaces the pulse before, whatever its key; all nodes should use the same key, since its
    /// name does not travel.
    ///
    /// May be called as often as there is something new: the latest value is sent once per
    /// [`pulse_interval`](Self::pulse_interval). Repeat it about that often for as long as it is true: one member in five misses
    /// a pulse, and a pulse ends after ten minutes.
    ///
    /// # Errors
    /// Pulses are off, the value is too long, or it cannot be encoded. Nothing changes then.
    pub fn pulse<T>(&self, key: &Key<T>, value: &T) -> Result<(), PublishError> {
        let mut room = [0; VALUE_ROOM];
        let bytes = encoded(key, value, &mut room)?;
        self.0.write(|node, now, out| node.pulse(now, bytes, out))
    }

    /// The latest pulse of a live member, or of this node itself; `None` if none that was heard is younger than ten minutes.
    ///
    /// # Errors
    /// The member has sent a value of another type or schema.
    pub fn pulse_of<T>(&self, member: NodeId, key: &Key<T>) -> Result<Option<Pulse<T>>, DecodeError> {
        let found = lock(&self.0.node)
            .pulse_of(member)
            .map(|pulse| (Bytes::copy_from_slice(pulse.bytes()), pulse.age()));
        found.map(|(bytes, age)| Ok(Pulse { value: self.0.decode(key, &bytes)?, age })).transpose()
    }

    /// The interval at which a pulse of this many bytes is sent at present; `None` while pulses are off.
    pub fn pulse_interval(&self, bytes: usize) -> Option<Duration> {
        lock(&self.0.node).pulse_interval(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Options};
    use gossip_core::{ClusterName, Config, Instant, StateError};

    const LOAD: Key<u16> = Key::new("load");
    const BLOB: Key<Bytes> = Key::raw("blob");

    fn started(pulses: u32) -> (Handle, Engine) {
        let config = Config::lan(ClusterName::named("pulses").unwrap());
        let mut options = Options::new("node", config.with(|c| c.budgets.pulses = pulses));
        options.capacity = 16;
        Engine::start(options, ([127, 0, 0, 1], 7946).into(), || Instant::ZERO).unwrap()
    }

    #[test]
    fn a_node_reads_its_own_latest_pulse() {
        let (node, engine) = started(6_000);
        let me = node.id();
        assert_eq!(node.pulse_of(me, &LOAD), Ok(None));
        node.pulse(&LOAD, &7).unwrap();
        node.pulse(&LOAD, &8).unwrap();
        assert_eq!(node.pulse_of(me, &LOAD), Ok(Some(Pulse { value: 8, age: Duration::ZERO })));
        assert!(node.pulse_of(me, &Key::<u16>::with_schema("load", 1)).is_err(), "another schema");
        assert_eq!(node.host_metrics().values_undecoded, 1);
        assert!(node.pulse_interval(3).is_some());
        drop(engine);
        assert_eq!(node.pulse(&LOAD, &9), Err(PublishError::Stopped));
    }

    #[test]
    fn what_cannot_be_said_is_refused_and_changes_nothing() {
        let (node, _engine) = started(6_000);
        node.pulse(&BLOB, &Bytes::from(vec![7; 60])).unwrap();
        let error = node.pulse(&BLOB, &Bytes::from(vec![8; 61])).unwrap_err();
        assert_eq!(error, PublishError::State(StateError::PulseTooLarge { most: 60 }));
        assert_eq!(node.pulse_of(node.id(), &BLOB).unwrap().unwrap().value, vec![7; 60]);
        let (node, _engine) = started(0);
        assert_eq!(node.pulse(&LOAD, &7), Err(PublishError::State(StateError::PulsesOff)));
        assert!(node.pulse_interval(3).is_none());
    }
}
