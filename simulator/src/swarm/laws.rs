//! The laws of a swarm, which its own documentation lists, and what is remembered to hold steps against them.

use super::{MAX_CHANGES, MAX_TRACE, keeping::Ledger, sharing::Shared};
use crate::{
    engine::{Host, HostId, Micros, Step, Watch},
    measure::{self, FlapCounter, Flaps},
};
use gossip_core::{Event, Fingerprint, Incarnation, NodeId, Record, Status, Traffic, Zone};
use std::collections::{BTreeSet, VecDeque};

/// Packets that the engine's outbox holds.
const MAX_PACKETS: usize = 64;

/// What a host's node itself has said so far, in all its lives.
#[derive(Clone, Copy, Default)]
struct Said {
    /// The highest incarnation.
    incarnation: Incarnation,
    /// The highest (epoch, state version).
    word: (u32, u32),
    /// In which epoch it has left.
    left: Option<u32>,
    /// Its incarnation in this life.
    life: (u32, Incarnation),
}

/// What is remembered of all hosts, to hold the next step against.
pub(super) struct Laws {
    capacity: usize,
    max_datagram: usize,
    said: Vec<Said>,
    /// By observer, then subject: the record, and the observer's life in which it was seen.
    views: Vec<Vec<Option<(u32, Record)>>>,
    leaving: Vec<bool>,
    /// What hosts have published.
    pub(super) ledger: Ledger,
    /// What hosts have sent, and written for all.
    pub(super) shared: Shared,
    /// By observer: the zones that it holds, as its events say.
    quarantined: Vec<BTreeSet<Zone>>,
    flaps: FlapCounter,
    max_changes: u32,
    broken: Option<(Micros, String)>,
    trace: Option<VecDeque<String>>,
}

impl Laws {
    pub(super) fn new(capacity: usize, max_datagram: usize, tracing: bool) -> Self {
        Self {
            capacity,
            max_datagram,
            said: Vec::new(),
            views: Vec::new(),
            leaving: Vec::new(),
            ledger: Ledger::default(),
            shared: Shared::default(),
            quarantined: Vec::new(),
            flaps: FlapCounter::default(),
            max_changes: MAX_CHANGES,
            broken: None,
            trace: tracing.then(VecDeque::new),
        }
    }

    /// Hosts were started, or started again: what they say of themselves counts from before their first step.
    pub(super) fn start(&mut self, hosts: &[Host]) {
        self.said.resize(hosts.len(), Said::default());
        self.views.resize(hosts.len(), Vec::new());
        self.leaving.resize(hosts.len(), false);
        self.quarantined.resize(hosts.len(), BTreeSet::new());
        for (n, host) in hosts.iter().enumerate() {
            if self.said[n].life.0 != host.life {
                self.leaving[n] = false;
                self.quarantined[n].clear();
                self.said[n].life = (host.life, Incarnation::default());
            }
            self.said[n].hear(&host.node.me());
            self.ledger.hear(n as HostId, host);
        }
    }

    pub(super) fn leaves(&mut self, host: HostId) {
        self.leaving[host as usize] = true;
    }

    /// The zones that a host holds.
    pub(super) fn quarantined(&self, host: HostId) -> &BTreeSet<Zone> {
        &self.quarantined[host as usize]
    }

    /// The most changes of one member's status that one node told of in any minute.
    pub(super) fn status_changes(&self) -> u32 {
        self.flaps.worst().map_or(0, |worst| worst.changes)
    }

    /// The first law that was broken, and when.
    pub(super) fn broken(&self) -> Option<(Micros, String)> {
        self.broken.clone()
    }

    pub(super) fn note(&mut self, now: Micros, what: impl FnOnce() -> String) {
        let Some(trace) = &mut self.trace else { return };
        if trace.len() == MAX_TRACE {
            trace.pop_front();
        }
        trace.push_back(format!("{:10.6} s  {}", measure::seconds(now), what()));
    }

    pub(super) fn take_trace(&mut self) -> Vec<String> {
        self.trace.take().map(Vec::from).unwrap_or_default()
    }

    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        self.check_self(step)?;
        self.ledger.hear(step.host, step.at());
        self.ledger.check(step)?;
        self.shared.check(step)?;
        self.check_quarantines(step)?;
        self.flaps.stepped(step);
        self.check_flaps()?;
        let forgotten =
            |record: &Record| step.output.events().iter().any(|event| *event == Event::Reaped(record.id()));
        let at = step.at();
        let view = &mut self.views[step.host as usize];
        view.resize(self.said.len(), None);
        let mut listed = 0;
        for member in at.node.members() {
            listed += 1;
            let record = *member.record();
            let Some(&subject) = step.ids.get(&record.id()) else {
                return Err(format!("lists {record:?}, who never was"));
            };
            if subject == step.host
                || at.node.member(record.id()).map(|found| *found.record()) != Some(record)
            {
                return Err(format!("lists {record:?}, and does not find it (or it is itself)"));
            }
            self.said[subject as usize].allows(&record)?;
            let before = view[subject as usize].replace((at.life, record));
            if let Some((life, before)) = before
                && life == at.life
                && before != record
                && goes_back(&before, &record)
                && !forgotten(&record)
            {
                return Err(format!("goes back from {before:?} to {record:?}"));
            }
        }
        if listed > self.capacity {
            return Err(format!("lists {listed} members, and has room for {}", self.capacity));
        }
        for event in step.output.events() {
            if let Event::Reaped(id) = event
                && let Some(&subject) = step.ids.get(id)
                && at.node.member(*id).is_none()
            {
                view[subject as usize] = None;
            }
        }
        let packets = step.output.packets();
        if packets.len() > MAX_PACKETS {
            return Err(format!("sends {} packets in a step", packets.len()));
        }
        match packets.map(|packet| packet.bytes.len()).max() {
            Some(longest) if longest > self.max_datagram => {
                Err(format!("sends a datagram of {longest} bytes"))
            }
            _ => Ok(()),
        }
    }

    /// No node changes its mind about another more often than [`MAX_CHANGES`] in a minute.
    fn check_flaps(&self) -> Result<(), String> {
        match self.flaps.worst() {
            Some(Flaps { changes, member, .. }) if changes > self.max_changes => {
                Err(format!("tells of {changes} changes of node-{member}'s status within a minute"))
            }
            _ => Ok(()),
        }
    }

    /// Holds begin and end in turns, and no one in a zone that is quarantined is routable.
    fn check_quarantines(&mut self, step: &Step<'_>) -> Result<(), String> {
        let quarantined = &mut self.quarantined[step.host as usize];
        for event in step.output.events() {
            let in_turn = match event {
                Event::ZoneQuarantined(zone) => quarantined.insert(*zone),
                Event::ZoneReleased { zone, .. } => quarantined.remove(zone),
                _ => true,
            };
            if !in_turn {
                return Err(format!("says {event:?} out of turn"));
            }
        }
        let mut members = step.at().node.members();
        match members.find(|member| member.is_routable() && quarantined.contains(&member.locality().domain()))
        {
            Some(member) => Err(format!("routes to {member:?}, whose zone is quarantined")),
            None => Ok(()),
        }
    }

    fn check_self(&mut self, step: &Step<'_>) -> Result<(), String> {
        let (me, at) = (step.at().node.me(), step.at());
        let said = &mut self.said[step.host as usize];
        let (life, before) = said.life;
        if life == at.life && me.incarnation() < before {
            return Err(format!("goes back itself, from {before:?} to {me:?}"));
        }
        if me.id() != at.id || !matches!(me.status(), Status::Alive | Status::Left) {
            return Err(format!("says of itself {me:?}"));
        }
        if at.node.metrics().malformed > 0 {
            return Err("was sent a datagram that it does not decode".into());
        }
        if me.status() == Status::Left {
            if !self.leaving[step.host as usize] {
                return Err("says that it left, and nobody told it to".into());
            }
            said.left = said.left.max(Some(me.incarnation().epoch));
        }
        said.hear(&me);
        Ok(())
    }
}

/// Holds all running nodes to the law of fingerprints: they are equal exactly where what they stand for is, the
/// live members' ids, incarnations and state versions, its own included.
pub(super) fn check_fingerprints(hosts: &[Host]) -> Result<(), String> {
    let mut seen: Vec<(HostId, Fingerprint, BTreeSet<Live>)> = Vec::new();
    for (n, host) in (0..).zip(hosts).filter(|(_, host)| host.is_running()) {
        let (fingerprint, live) = (host.node.fingerprint(), live(host));
        for (other, its_fingerprint, its_live) in &seen {
            if (fingerprint == *its_fingerprint) != (live == *its_live) {
                return Err(format!(
                    "node-{n} and node-{other} agree in their fingerprints or in their views, not both"
                ));
            }
        }
        if !seen.iter().any(|(_, known, _)| *known == fingerprint) {
            seen.push((n, fingerprint, live));
        }
    }
    Ok(())
}

/// What a live record adds to a fingerprint.
type Live = (NodeId, Incarnation, u32);

fn live(host: &Host) -> BTreeSet<Live> {
    let others = host.node.members().map(|member| *member.record());
    let all = others.chain([host.node.me()]).filter(|record| record.status().is_live());
    all.map(|record| (record.id(), record.incarnation(), record.state_version())).collect()
}

fn goes_back(before: &Record, after: &Record) -> bool {
    let life = |record: &Record| (record.incarnation(), record.status());
    let word = |record: &Record| (record.incarnation().epoch, record.state_version());
    life(after) < life(before) || word(after) < word(before)
}

impl Said {
    fn hear(&mut self, me: &Record) {
        self.incarnation = self.incarnation.max(me.incarnation());
        self.word = self.word.max((me.incarnation().epoch, me.state_version()));
        self.life.1 = self.life.1.max(me.incarnation());
    }

    /// Whether someone else may hold that record of it.
    fn allows(&self, record: &Record) -> Result<(), String> {
        let word = (record.incarnation().epoch, record.state_version());
        if record.incarnation() > self.incarnation || word > self.word {
            return Err(format!("holds {record:?}, which its owner never said"));
        }
        if record.status() == Status::Left && self.left < Some(record.incarnation().epoch) {
            return Err(format!("holds {record:?}, whose owner never left"));
        }
        Ok(())
    }
}

impl Watch for Laws {
    fn step(&mut self, step: &Step<'_>) {
        if self.broken.is_some() {
            return;
        }
        if self.trace.is_some() {
            for event in step.output.events() {
                self.note(step.now, || format!("node-{} {}", step.host, words(step, event)));
            }
        }
        if let Err(what) = self.check(step) {
            let what = format!("node-{} ({:?}) {what}", step.host, step.input);
            self.note(step.now, || what.clone());
            self.broken = Some((step.now, what));
        }
    }

    fn sent(&mut self, _: Micros, _: HostId, _: Traffic, _: usize) {}
}

/// An event with hosts' names for ids.
fn words(step: &Step<'_>, event: &Event) -> String {
    let of = |what: &str, id| match step.ids.get(id) {
        Some(host) => format!("{what} node-{host} ({:?})", step.at().node.member(*id)),
        None => format!("{what} {id}"),
    };
    match event {
        Event::Up(id) => of("up:", id),
        Event::Suspected(id) => of("suspects", id),
        Event::Cleared(id) => of("clears", id),
        Event::Down(id) => of("down:", id),
        Event::Left(id) => of("left:", id),
        Event::Updated(id) => of("updated:", id),
        Event::Unreachable(id) => of("cannot reach", id),
        Event::Reachable(id) => of("reaches again", id),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gossip_core::{Identity, Locality, Versions};

    impl Laws {
        /// Makes whatever a host said look as if it never had.
        pub(in crate::swarm) fn forget_what_was_said(&mut self, host: HostId) {
            self.said[host as usize] = Said::default();
        }

        /// Holds nodes to fewer changes of a status in a minute.
        pub(in crate::swarm) fn allow_changes(&mut self, most: u32) {
            self.max_changes = most;
        }

        /// Makes a host look as if it had written that.
        pub(in crate::swarm) fn expect_value(&mut self, host: HostId, key: &str, value: &[u8]) {
            self.ledger.write(host, key.into(), Some(value.into()));
        }

        /// Makes a host look as if it held a zone.
        pub(in crate::swarm) fn quarantine(&mut self, host: HostId, zone: Zone) {
            self.quarantined[host as usize].insert(zone);
        }
    }

    fn record(epoch: u32, refutation: u32) -> Record {
        let (id, address) = (NodeId::from_name("x").unwrap(), ([10, 0, 0, 1], 1).into());
        let identity = Identity { id, epoch, address, locality: Locality::default() };
        Record::new(identity, Versions::OURS).with_incarnation(Incarnation { epoch, refutation })
    }

    #[test]
    fn only_what_its_owner_said_may_be_held() {
        let mut said = Said::default();
        said.hear(&record(5, 1));
        assert!(said.allows(&record(5, 1)).is_ok() && said.allows(&record(4, 9)).is_ok());
        assert!(said.allows(&record(5, 1).with_status(Status::Dead)).is_ok());
        assert!(said.allows(&record(5, 2)).is_err() && said.allows(&record(6, 0)).is_err());
        assert!(said.allows(&record(5, 1).with_status(Status::Left)).is_err());
        said.left = Some(5);
        assert!(said.allows(&record(5, 1).with_status(Status::Left)).is_ok());
    }

    #[test]
    fn neither_life_nor_word_goes_back() {
        let before = record(5, 1).with_state(3, gossip_core::Health::Healthy, 0);
        assert!(goes_back(&before, &record(5, 0)) && goes_back(&before, &record(5, 1)));
        assert!(goes_back(&before.with_status(Status::Dead), &before));
        assert!(!goes_back(&before, &record(6, 0)));
    }
}
