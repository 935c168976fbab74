//! How user events are delivered: how soon, to how many, and never twice.

use super::delays::{ChangeFigures, Delays, Times};
use crate::engine::{Host, HostId, Micros, SECOND, Step};
use gossip_core::Event;
use serde::Serialize;

/// For how long after it was sent an event is delivered, as `Node::send_event` says.
const TTL: Micros = 30 * SECOND;
/// A node that began less than this before an event takes it, perhaps, for one of before its life: ages are too young by up to
/// 3.75 s.
const YOUNG: Micros = 4 * SECOND;
/// What an event begins with: its number among all that a run sends.
pub const NUMBER_BYTES: usize = size_of::<u64>();

/// Why an event should not have been delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// Nobody sent it.
    Unsent,
    /// It had been delivered in this life of the node.
    Again,
    /// This life of the node began after it was sent.
    BeforeLife,
    /// It was sent more than 30 s before.
    Late,
}

/// One event, and to whom it was delivered.
#[derive(Debug)]
struct Sent {
    delays: Delays,
    /// By host: the life in which it was delivered, counted from 1; 0 if it was not.
    delivered: Vec<u32>,
}

/// Events that steps of a scenario sent.
#[derive(Debug, Default)]
pub struct UserEvents {
    sent: Vec<Sent>,
    /// Those before this one are over.
    open: usize,
    /// Of those: how soon each was delivered, and to how many it was not.
    over: Vec<(Times, usize)>,
    /// Of those: nodes that should have got it, and nodes that did.
    pairs: [u64; 2],
    deliveries: u64,
    duplicates: u64,
    before_life: u64,
    late: u64,
    /// Events that nodes refused to send.
    pub refused: u64,
}

/// Events. Null or zero where none is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct EventFigures {
    pub sent: usize,
    /// To any node that was not the sender.
    pub deliveries: u64,
    /// Of all pairs of an event and a node that ran, in one life, from 4 s before it was sent until its ttl was over: the
    /// share in which the node got it, and the number in which it did not.
    pub share: Option<f64>,
    pub missed: usize,
    /// Seconds until half, 99 % and all of those had it: of several events the slowest, and the median.
    pub p50_s: Option<f64>,
    pub p99_s: Option<f64>,
    pub p100_s: Option<f64>,
    pub p99_median_s: Option<f64>,
    /// Deliveries of what was delivered in the same life before; to a life that began after it was sent; and later than its
    /// ttl allows.
    pub duplicates: u64,
    pub before_life: u64,
    pub late: u64,
    /// What a node sent of events and their heads, for each event, in bytes of UDP payload.
    pub bytes_per_event: Option<f64>,
    pub refused: u64,
}

impl UserEvents {
    /// The number of the next event.
    pub fn next(&self) -> u64 {
        self.sent.len() as u64
    }

    /// Whether a scenario sent any.
    pub fn is_any(&self) -> bool {
        !self.sent.is_empty() || self.refused > 0
    }

    /// The next event was sent just now; these should get it.
    pub fn follow(&mut self, now: Micros, hosts: &[Host], others: impl Iterator<Item = HostId>) {
        let is_young = |host: &Host| host.born > 0 && host.born + YOUNG > now;
        let others = others.filter(|&host| hosts.get(host as usize).is_some_and(|host| !is_young(host)));
        let delivered = vec![0; hosts.len()];
        self.sent.push(Sent { delays: Delays::new(now, hosts.len(), others), delivered });
    }

    /// A node delivered an event.
    ///
    /// # Errors
    /// Why it should not have.
    pub fn delivered(&mut self, step: &Step<'_>, event: &Event) -> Result<(), Wrong> {
        let number = step.output.payload(event).first_chunk().copied().map(u64::from_be_bytes);
        let sent = number.and_then(|number| self.sent.get_mut(usize::try_from(number).ok()?));
        let Some(sent) = sent else { return Err(Wrong::Unsent) };
        let (host, at) = (step.host as usize, step.at());
        if sent.delivered.len() <= host {
            sent.delivered.resize(host + 1, 0);
        }
        let is_again = sent.delivered[host] == at.life;
        let is_before_life = at.born > sent.delays.since();
        let is_late = step.now > sent.delays.since() + TTL;
        self.deliveries += 1;
        self.duplicates += u64::from(is_again);
        self.before_life += u64::from(is_before_life);
        self.late += u64::from(is_late);
        sent.delivered[host] = at.life;
        sent.delays.note(step.now, host);
        match (is_again, is_before_life, is_late) {
            (true, ..) => Err(Wrong::Again),
            (_, true, _) => Err(Wrong::BeforeLife),
            (.., true) => Err(Wrong::Late),
            _ => Ok(()),
        }
    }

    /// Counts what came of events whose time is over; called once a second.
    pub(super) fn look(&mut self, now: Micros, hosts: &[Host]) {
        while let Some(sent) = self.sent.get(self.open).filter(|sent| now >= sent.delays.since() + TTL) {
            let (found, [pairs, got]) = outcome(sent, hosts);
            self.over.push(found);
            self.pairs[0] += pairs;
            self.pairs[1] += got;
            self.open += 1;
        }
    }

    /// The figures, with those events whose time is not over as if it were; a node sent this many bytes for them.
    pub fn figures(&self, hosts: &[Host], bytes: f64) -> EventFigures {
        let mut pairs = self.pairs;
        let mut all = self.over.clone();
        for sent in &self.sent[self.open..] {
            let (found, more) = outcome(sent, hosts);
            all.push(found);
            pairs = [pairs[0] + more[0], pairs[1] + more[1]];
        }
        let times = ChangeFigures::of(&all);
        EventFigures {
            sent: self.sent.len(),
            deliveries: self.deliveries,
            share: (pairs[0] > 0).then(|| pairs[1] as f64 / pairs[0] as f64),
            missed: times.missed,
            p50_s: times.p50_s,
            p99_s: times.p99_s,
            p100_s: times.p100_s,
            p99_median_s: times.p99_median_s,
            duplicates: self.duplicates,
            before_life: self.before_life,
            late: self.late,
            bytes_per_event: (!all.is_empty()).then(|| super::thousandths(bytes / all.len() as f64)),
            refused: self.refused,
        }
    }
}

/// How soon an event was delivered and to how many it was not, with the nodes that should have got it and those that did.
fn outcome(sent: &Sent, hosts: &[Host]) -> ((Times, usize), [u64; 2]) {
    let (mut pairs, mut got) = (0, 0);
    for delay in sent.delays.counted(hosts) {
        pairs += 1;
        got += u64::from(delay.is_some_and(|delay| delay <= TTL));
    }
    ((sent.delays.times(hosts), (pairs - got) as usize), [pairs, got])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Address, Epoch, Link, Origin, Restart, Setup, Signers, World, Zones},
        measure::{self, Measure},
    };
    use gossip_core::{ClusterName, Config};

    fn world() -> World<Measure> {
        let config = Config::lan(ClusterName::named("test").unwrap());
        let (zones, origin) = (Zones::ONE, Origin::default());
        let setup = Setup {
            seed: 1,
            config,
            zones,
            capacity: 8,
            step_cost: 0,
            uplink: None,
            origin,
            keys: Vec::new(),
            signers: Signers::default(),
        };
        let mut world = World::new(setup, |_, _| Link::default(), Measure::default());
        world.form(4, &[(0..4).collect()], |_| Vec::new()).unwrap();
        world.run_until(5 * SECOND);
        world
    }

    fn send(world: &mut World<Measure>, host: HostId) {
        let payload = world.watch.events.next().to_be_bytes();
        world.send_event(host, &payload).unwrap();
        measure::watch_event(world, host);
    }

    fn figures(world: &mut World<Measure>, seconds: u64) -> EventFigures {
        for _ in 0..seconds {
            world.run_until(world.now() + SECOND);
            measure::look(world);
        }
        world.watch.events.figures(world.hosts(), 0.0)
    }

    #[test]
    fn an_event_is_counted_once_for_each_other_node() {
        let mut world = world();
        send(&mut world, 1);
        let found = figures(&mut world, 2);
        assert_eq!((found.sent, found.deliveries, found.share, found.missed), (1, 3, Some(1.0), 0));
        assert_eq!((found.duplicates, found.before_life, found.late), (0, 0, 0));
        assert!(found.p100_s.is_some_and(|time| time > 0.0 && time < 1.0), "{found:?}");
        // Nothing is different when its time is over.
        assert_eq!(figures(&mut world, 40), found);
    }

    #[test]
    fn what_comes_twice_or_late_or_to_a_later_life_is_told() {
        let mut world = world();
        send(&mut world, 1);
        let _ = figures(&mut world, 1);
        // The same number as another event of the core: as if that had come twice.
        world.send_event(1, &0u64.to_be_bytes()).unwrap();
        let found = figures(&mut world, 1);
        assert_eq!((found.duplicates, found.before_life), (3, 0));
        world.restart(2, Restart { address: Address::Own, epoch: Epoch::Persisted }).unwrap();
        world.join(2, &[0]);
        let _ = figures(&mut world, 32);
        world.send_event(1, &0u64.to_be_bytes()).unwrap();
        let found = figures(&mut world, 1);
        assert_eq!((found.duplicates, found.before_life, found.late), (5, 1, 3));
    }

    #[test]
    fn a_node_that_misses_an_event_lowers_the_share_one_that_stops_does_not() {
        let mut world = world();
        let cut = crate::engine::Rule { from: vec![0, 1, 2], to: vec![3], loss: 1.0, ..Default::default() };
        let _ = world.add_rule(&cut);
        send(&mut world, 1);
        let found = figures(&mut world, 1);
        assert_eq!((found.share, found.missed, found.p100_s), (Some(2.0 / 3.0), 1, None));
        world.crash(3);
        let found = figures(&mut world, 40);
        assert_eq!((found.share, found.missed), (Some(1.0), 0));
    }
}
