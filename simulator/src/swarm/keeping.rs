//! What nodes of a swarm publish and withdraw, when they write anything, and the laws of what others show of it.

use super::Swarm;
use crate::{
    engine::{Host, HostId, Micros, Step},
    rng::Rng,
};
use gossip_core::{Event, NodeId, Terms};
use std::collections::{BTreeMap, BTreeSet};

/// The most writes, events, pulses and writes of cluster-wide values included.
const MAX_WRITES: u64 = 200;
/// Keys that a node writes: few, so that they are written again and withdrawn.
const KEYS: u32 = 6;
/// The longest value; it fits the shortest datagrams.
const MAX_BYTES: u32 = 60;

/// What one host has published.
#[derive(Clone, Debug, Default)]
struct Published {
    /// In its present life.
    life: u32,
    values: BTreeMap<String, Vec<u8>>,
    /// In which lives it used an epoch.
    lives: BTreeMap<u32, BTreeSet<u32>>,
}

/// What all have published: every value begins with the life in which that was.
#[derive(Debug, Default)]
pub(super) struct Ledger(Vec<Published>);

impl Ledger {
    /// A host says of itself that it is in this epoch.
    pub(super) fn hear(&mut self, host: HostId, at: &Host) {
        let place = host as usize;
        if self.0.len() <= place {
            self.0.resize(place + 1, Published::default());
        }
        let published = &mut self.0[place];
        if published.life != at.life {
            (published.life, published.values) = (at.life, BTreeMap::new());
        }
        let _ = published.lives.entry(at.node.me().incarnation().epoch).or_default().insert(at.life);
    }

    pub(super) fn write(&mut self, host: HostId, key: String, value: Option<Vec<u8>>) {
        let Some(published) = self.0.get_mut(host as usize) else { return };
        let _ = match value {
            Some(value) => published.values.insert(key, value),
            None => published.values.remove(&key),
        };
    }

    /// A node shows its own values as it wrote them, and of others nothing of a past epoch.
    pub(super) fn check(&self, step: &Step<'_>) -> Result<(), String> {
        let at = step.at();
        let mut space = [0; MAX_BYTES as usize];
        // Of itself, too, a node that has left shows nothing.
        let is_live = at.node.me().status().is_live();
        if let Some(published) = self.0.get(step.host as usize).filter(|_| is_live) {
            let shown = at
                .node
                .state(at.id)
                .map(|entry| (entry.key().to_string(), entry.value(&mut space).unwrap_or_default().to_vec()));
            let shown: BTreeMap<String, Vec<u8>> = shown.collect();
            if shown != published.values {
                return Err(format!("shows {shown:?} of itself, and has written {:?}", published.values));
            }
        }
        for event in step.output.events() {
            if let Event::State(id) | Event::Updated(id) | Event::Up(id) = *event {
                self.check_shown(step, id)?;
            }
        }
        Ok(())
    }

    fn check_shown(&self, step: &Step<'_>, id: NodeId) -> Result<(), String> {
        let Some((subject, published)) =
            step.ids.get(&id).and_then(|&subject| Some((subject, self.0.get(subject as usize)?)))
        else {
            return Ok(());
        };
        let Some(member) = step.at().node.member(id) else { return Ok(()) };
        let epoch = member.record().incarnation().epoch;
        let mut space = [0; MAX_BYTES as usize];
        for entry in step.at().node.state(id) {
            let value = entry.value(&mut space).unwrap_or_default();
            let life = life_of(value);
            if !published.lives.get(&epoch).is_some_and(|lives| life.is_some_and(|it| lives.contains(&it))) {
                let value = String::from_utf8_lossy(value);
                return Err(format!(
                    "shows {} = {value} of node-{subject} in epoch {epoch}, of another life",
                    entry.key()
                ));
            }
        }
        Ok(())
    }
}

fn life_of(value: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(value).ok()?;
    text.split(':').next()?.parse().ok()
}

/// When something is written, and what decides what: apart from the faults, so that those stay what they are.
pub(super) struct Writes {
    rng: Rng,
    times: Vec<Micros>,
}

impl Writes {
    pub(super) fn new(seed: u64, until: Micros) -> Self {
        let mut rng = Rng::new(!seed);
        let count = rng.below_u64(MAX_WRITES);
        let mut times: Vec<Micros> = (0..count).map(|_| rng.below_u64(until)).collect();
        times.sort_unstable_by(|a, b| b.cmp(a));
        Self { rng, times }
    }

    /// Whether one is due by then.
    pub(super) fn pop(&mut self, now: Micros) -> bool {
        let due = self.times.last().is_some_and(|&at| at <= now);
        due && self.times.pop().is_some()
    }

    pub(super) fn below(&mut self, limit: u32) -> u32 {
        self.rng.below(limit)
    }

    pub(super) fn next(&self) -> Option<Micros> {
        self.times.last().copied()
    }
}

impl Swarm {
    /// Some host publishes or withdraws something, sends an event, pulses, or writes a cluster-wide value.
    pub(super) fn write(&mut self) {
        // A process that is paused does nothing of its own.
        let now = self.world.now();
        let awake = self.world.running().filter(|(_, host)| !host.is_stopped(now));
        let running: Vec<HostId> = awake.map(|(id, _)| id).collect();
        let rng = &mut self.writes.rng;
        let Some(&host) = running.get(rng.index(running.len())) else { return };
        match rng.below(7) {
            0 => self.send_event(host),
            1 => self.write_value(host),
            2 | 3 => self.pulse(host),
            _ => self.write_key(host),
        }
    }

    fn write_key(&mut self, host: HostId) {
        let rng = &mut self.writes.rng;
        let key = format!("key-{}", rng.below(KEYS));
        let value = (!rng.chance(0.3)).then(|| {
            let (life, fill) = (self.world.hosts()[host as usize].life, rng.below(MAX_BYTES / 2));
            let mut value = format!("{life}:{}:", rng.below(1_000_000)).into_bytes();
            value.resize(value.len() + fill as usize, b'x');
            value
        });
        let (now, shown) = (self.world.now(), value.as_deref().map(String::from_utf8_lossy));
        self.world.watch.note(now, || format!("node-{host} writes {key}: {shown:?}"));
        // The law is held against the step itself; what is refused changes nothing.
        let before = self.world.watch.ledger.0.get(host as usize).cloned();
        self.world.watch.ledger.write(host, key.clone(), value.clone());
        let written = match &value {
            Some(value) => self.world.publish(host, &key, value, Terms::default()),
            None => self.world.withdraw(host, &key),
        };
        if written.is_err()
            && let (Some(before), Some(published)) =
                (before, self.world.watch.ledger.0.get_mut(host as usize))
        {
            *published = before;
        }
    }
}
