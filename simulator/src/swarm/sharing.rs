//! The events and pulses that nodes of a swarm send, the cluster-wide values that they write, and the laws of all three.

use super::Swarm;
use crate::{
    engine::{Host, HostId, Step},
    measure::{SharedValues, UserEvents, Wrong},
};
use gossip_core::{Event, NodeId, ValueTag};
use std::collections::BTreeMap;

/// Cluster-wide keys: few, so that they are written again and deleted, by many.
const KEYS: u32 = 4;
/// The most bytes that an event or a value has beside its number; they fit the shortest datagrams.
const MAX_FILL: u32 = 50;

/// What all have sent and written.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) events: UserEvents,
    /// Whether a host was cut from its socket, or slow to read it: nobody knows for how long a datagram has waited there.
    ages_are_wrong: bool,
    values: SharedValues,
    /// By number: the key of a value, and who wrote it.
    written: Vec<(String, NodeId)>,
    /// By host: its life, and the sum of its values. While both stay, nothing has changed.
    sums: Vec<(u32, u32)>,
    /// By number: whose pulse it is, and of which of its lives.
    pulses: Vec<(NodeId, u32)>,
    /// What a host showed last of another: in which life of its own, and the pulse's number.
    shown: BTreeMap<(HostId, NodeId), (u32, usize)>,
}

impl Shared {
    /// An event comes at most once a life, in time, and to none that began after it was sent; and values only grow.
    pub(super) fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        for event in step.output.events() {
            if let Event::UserEvent { origin, .. } = event {
                if *origin == step.at().id {
                    return Err(format!("delivers its own {event:?}"));
                }
                match self.events.delivered(step, event) {
                    Err(Wrong::Late | Wrong::BeforeLife) if self.ages_are_wrong => {}
                    Err(why) => return Err(format!("delivers {event:?}: {why:?}")),
                    Ok(()) => {}
                }
            }
        }
        self.check_values(step)
    }

    /// What running nodes show of each other's pulses was sent by those, and grows no older while the node that shows it lives.
    pub(super) fn check_pulses(&mut self, hosts: &[Host]) -> Result<(), String> {
        for (id, host) in (0..).zip(hosts).filter(|(_, host)| host.is_running()) {
            for member in host.node.members().map(|member| member.id()) {
                let Some(pulse) = host.node.pulse_of(member) else { continue };
                let number = number_in(pulse.bytes());
                let sent = number.and_then(|number| self.pulses.get(number).map(|&sent| (number, sent)));
                let Some((number, (_, life))) = sent.filter(|(_, (sender, _))| *sender == member) else {
                    return Err(format!("node-{id} shows a pulse that {member} never sent: {pulse:?}"));
                };
                let shown = self.shown.insert((id, member), (host.life, number));
                if let Some((_, before)) = shown.filter(|&(before, _)| before == host.life)
                    && number < before
                    && self.pulses[before].1 >= life
                {
                    return Err(format!("node-{id} goes back to pulse {number} of {member} from {before}"));
                }
            }
        }
        Ok(())
    }

    /// A host is cut from its socket while its timers run, or so slow that datagrams wait there.
    pub(super) fn delays(&mut self) {
        self.ages_are_wrong = true;
    }

    fn check_values(&mut self, step: &Step<'_>) -> Result<(), String> {
        let (place, at) = (step.host as usize, step.at());
        if self.sums.len() <= place {
            self.sums.resize(place + 1, (0, 0));
        }
        let sum = (at.life, at.node.values_sum());
        if std::mem::replace(&mut self.sums[place], sum) == sum {
            return Ok(());
        }
        for value in at.node.values() {
            let written = number_in(value.bytes()).and_then(|number| self.written.get(number));
            if written.is_none_or(|(key, writer)| (key.as_str(), *writer) != (value.key(), value.writer())) {
                return Err(format!("shows {value:?}, which its writer never wrote"));
            }
        }
        for key in 0..KEYS {
            let key = name(key);
            if !self.values.note(step.host, at, ValueTag::of(&key)) {
                return Err(format!("goes back to {:?}", at.node.value(&key)));
            }
        }
        Ok(())
    }
}

fn name(key: u32) -> String {
    format!("value-{key}")
}

fn number_in(value: &[u8]) -> Option<usize> {
    std::str::from_utf8(value).ok()?.split(':').next()?.parse().ok()
}

impl Swarm {
    /// A host sends an event to all.
    pub(super) fn send_event(&mut self, host: HostId) {
        let (now, fill) = (self.world.now(), self.writes.below(MAX_FILL));
        let number = self.world.watch.shared.events.next();
        let mut payload = number.to_be_bytes().to_vec();
        payload.resize(payload.len() + fill as usize, b'x');
        self.world.watch.note(now, || format!("node-{host} sends event {number}"));
        if self.world.send_event(host, &payload).is_ok() {
            let (laws, hosts) = self.world.watch_and_hosts();
            laws.shared.events.follow(now, hosts, std::iter::empty());
        }
    }

    /// A host says its pulse, if its cluster has pulses.
    pub(super) fn pulse(&mut self, host: HostId) {
        let (now, fill) = (self.world.now(), self.writes.below(MAX_FILL));
        let (laws, hosts) = self.world.watch_and_hosts();
        let at = &hosts[host as usize];
        let number = laws.shared.pulses.len();
        laws.shared.pulses.push((at.id, at.life));
        laws.note(now, || format!("node-{host} pulses {number}"));
        let mut blob = format!("{number}:").into_bytes();
        blob.resize(blob.len() + fill as usize, b'x');
        let _refused = self.world.pulse(host, &blob);
    }

    /// A host sets or deletes a cluster-wide key.
    pub(super) fn write_value(&mut self, host: HostId) {
        let (now, key) = (self.world.now(), name(self.writes.below(KEYS)));
        let (is_set, fill) = (self.writes.below(10) < 7, self.writes.below(MAX_FILL));
        let (laws, hosts) = self.world.watch_and_hosts();
        let number = laws.shared.written.len();
        // The law is held against the step itself; what is refused leaves a number that nobody uses.
        laws.shared.written.push((key.clone(), hosts[host as usize].id));
        laws.note(now, || format!("node-{host} sets {key} to {number}, or deletes it: {}", !is_set));
        let value = is_set.then(|| {
            let mut value = format!("{number}:").into_bytes();
            value.resize(value.len() + fill as usize, b'x');
            value
        });
        let _refused = self.world.write_value(host, &key, value.as_deref());
    }
}
