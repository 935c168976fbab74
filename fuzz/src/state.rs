//! A small cluster of honest nodes that publish, withdraw, set and delete cluster-wide values, send events and pulse, on links
//! that lose, repeat and reorder, while hosts crash, pause and restart. Then nobody writes any more, and the links are good.
//!
//! What holds throughout: a node shows of another's keys only what that one wrote, tells its host of an event at most once in
//! a life, and refuses a write without any effect. In the calm, within [`LIMIT`], all know the same of every owner as the owner
//! does, and hold the same cluster-wide values. (The core itself checks its tables after each step, when it is built for
//! fuzzing.)

use crate::{forge::until_the_end, step::cluster};
use arbitrary::{Arbitrary, Unstructured};
use gossip_core::{Config, Event, Heap, Instant, Memory, Node, NodeId, Outbox, Output, Status, Terms};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use testkit::{Link, Network, Step, Watch};

/// How long the calm may take: deaths are found, gaps asked for at doubling distances, and what nobody asks for is found by a
/// reconciliation.
const LIMIT: Duration = Duration::from_secs(600);
/// The longest time to live, in seconds; all of it is over when the calm begins to be judged.
const MAX_TTL: u8 = 60;
/// More happenings of one program are not looked at.
const MOST_HAPPENINGS: usize = 64;
const KEYS: [&str; 5] = ["name", "port", "flag", "load", "a-key-of-thirty-one-characters.."];

/// Something that happens to the cluster; numbers are taken modulo what there is.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub enum Happening {
    /// Nothing, for a while.
    Pass {
        /// How long.
        ms: u16,
    },
    /// See [`Node::publish`].
    Publish {
        /// Which host does.
        host: u8,
        /// Which of the keys.
        key: u8,
        /// Bytes of the value; those that are too many are refused.
        length: u16,
        /// See [`Terms::ttl`].
        ttl: Option<u8>,
    },
    /// See [`Node::withdraw`].
    Withdraw(u8, u8),
    /// See [`Node::set_value`], and [`Node::delete_value`] where there is no length.
    Value(u8, u8, Option<u16>),
    /// See [`Node::send_event`].
    Event(u8, u16),
    /// See [`Node::pulse`].
    Pulse(u8, u8),
    /// A host stops without a word.
    Crash(u8),
    /// A host starts again, in its next life.
    Restart(u8),
    /// A host stands still.
    Pause(u8, u16),
    /// Links lose, repeat and reorder, in percent.
    Weather(u8, u8, u8),
    /// Nothing comes through between the first so many hosts and the others.
    Cut(u8),
    /// The links are good again.
    Mend,
}

/// A whole run.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    /// Of the network, and of the nodes.
    pub seed: u16,
    /// How many hosts beyond three.
    pub size: u8,
    /// What happens.
    pub happenings: Vec<Happening>,
}

impl<'a> Arbitrary<'a> for Program {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let rest = u.len();
        Self::arbitrary_take_rest(Unstructured::new(u.bytes(rest)?))
    }

    fn arbitrary_take_rest(mut u: Unstructured<'a>) -> arbitrary::Result<Self> {
        let (seed, size) = u.arbitrary()?;
        Ok(Self { seed, size, happenings: until_the_end(u, MOST_HAPPENINGS)? })
    }
}

/// Which events each life of a host was told of.
#[derive(Default)]
struct Ears(BTreeSet<(usize, u32, NodeId, u32, u32)>);

impl<M: Memory> Watch<M> for Ears {
    fn after(&mut self, step: &Step<'_, M>) {
        for event in step.output.events() {
            let Event::UserEvent { origin, epoch, sequence, .. } = *event else { continue };
            let is_new = self.0.insert((step.host, step.life, origin, epoch, sequence));
            assert!(is_new, "host {} hears event {sequence} of {origin:?} twice", step.host);
        }
    }
}

/// What an owner said of itself.
#[derive(Default)]
struct Owner {
    /// In its present life; and whether it is to last.
    map: BTreeMap<&'static str, (Vec<u8>, bool)>,
    /// Ever.
    written: BTreeSet<(&'static str, Vec<u8>)>,
}

struct Rig {
    network: Network<Heap, Ears>,
    owners: Vec<Owner>,
    written: u32,
}

impl Rig {
    fn new(program: &Program) -> Self {
        let hosts = usize::from(3 + program.size % 3);
        let config =
            Config::local(cluster()).with(|c| c.budgets.pulses = u32::from(program.size % 2) * 6_000);
        let mut network =
            Network::new(program.seed.into(), config, || Heap::for_members(16), Ears::default());
        (0..hosts).for_each(|host| _ = network.add(&format!("node-{host}")));
        (0..hosts).for_each(|host| network.join(host, &[0, 1, 2]));
        Self { network, owners: (0..hosts).map(|_| Owner::default()).collect(), written: 0 }
    }

    fn is_up(&self, host: usize) -> bool {
        self.network.hosts[host].is_running()
    }

    fn up(&self) -> Vec<usize> {
        (0..self.owners.len()).filter(|&host| self.is_up(host)).collect()
    }

    /// A value that was not there before.
    fn fresh(&mut self, length: u16) -> Vec<u8> {
        self.written += 1;
        let mut value = self.written.to_le_bytes().to_vec();
        value.resize(4 + usize::from(length % 1_400), self.written as u8);
        value
    }

    /// A host calls its node; whether that took the call. If not, it only ticks.
    fn call<E>(
        &mut self,
        host: usize,
        call: impl for<'o> Fn(&mut Node<Heap>, Instant, &'o mut Outbox<'_>) -> Result<Output<'o>, E>,
    ) -> bool {
        let mut is_taken = false;
        self.network.command(host, |node, now, out| {
            is_taken = call(node, now, out).is_ok();
            node.tick(now, out)
        });
        is_taken
    }

    fn happen(&mut self, happening: &Happening) {
        let nth = |n: u8| usize::from(n) % self.owners.len();
        match *happening {
            Happening::Pass { ms } => self.network.run_for(Duration::from_millis(u64::from(ms % 8_192))),
            Happening::Mend => self.mend(),
            Happening::Weather(loss, duplication, reordering) => {
                let [loss, duplication, reordering] =
                    [loss, duplication, reordering].map(|percent| f64::from(percent % 60) / 100.0);
                self.network.set_link(Link { loss, duplication, reordering, ..Link::LAN });
            }
            Happening::Cut(first) => {
                let addresses = self.network.hosts.iter().map(|host| host.address);
                let side: BTreeSet<_> = addresses.take(nth(first)).collect();
                self.network.set_cut(move |from, to| side.contains(&from) != side.contains(&to));
            }
            Happening::Restart(host) => {
                let host = nth(host);
                let address = self.network.hosts[host].address;
                self.network.restart(host, address);
                self.owners[host].map.clear();
                self.network.join(host, &[0, 1, 2]);
            }
            Happening::Crash(host)
            | Happening::Pause(host, _)
            | Happening::Publish { host, .. }
            | Happening::Withdraw(host, _)
            | Happening::Value(host, ..)
            | Happening::Event(host, _)
            | Happening::Pulse(host, _) => {
                let host = nth(host);
                if self.is_up(host) {
                    self.act(host, happening);
                }
            }
        }
    }

    /// What only a running host does.
    fn act(&mut self, host: usize, happening: &Happening) {
        let key_of = |key: u8| KEYS[usize::from(key) % KEYS.len()];
        match *happening {
            Happening::Crash(_) => self.network.crash(host),
            Happening::Pause(_, ms) => self.network.pause(host, Duration::from_millis(u64::from(ms % 8_192))),
            Happening::Publish { key, length, ttl, .. } => {
                let (key, value) = (key_of(key), self.fresh(length));
                let terms = Terms { ttl: ttl.map(|ttl| u32::from(ttl % MAX_TTL) + 1), ..Terms::default() };
                if self.call(host, |node, now, out| node.publish(now, key, &value, terms, out)) {
                    self.owners[host].map.insert(key, (value.clone(), ttl.is_none()));
                    self.owners[host].written.insert((key, value));
                }
            }
            Happening::Withdraw(_, key) => {
                let key = key_of(key);
                if self.call(host, |node, now, out| node.withdraw(now, key, out)) {
                    self.owners[host].map.remove(key);
                }
            }
            Happening::Value(_, key, length) => {
                let (key, value) = (key_of(key), length.map(|length| self.fresh(length)));
                _ = match value {
                    Some(value) => self.call(host, |node, now, out| node.set_value(now, key, &value, out)),
                    None => self.call(host, |node, now, out| node.delete_value(now, key, out)),
                };
            }
            Happening::Event(_, length) => {
                let payload = self.fresh(length);
                _ = self.call(host, |node, now, out| node.send_event(now, &payload, out));
            }
            Happening::Pulse(_, length) => {
                let blob = self.fresh(length.into());
                _ = self.call(host, |node, now, out| node.pulse(now, &blob, out));
            }
            _ => {}
        }
    }

    /// What each that is up knows.
    fn views(&self) -> String {
        let view = |host: usize| {
            let node = &self.network.hosts[host].node;
            let states: Vec<_> = self.up().into_iter().map(|of| self.shown(host, of)).collect();
            let values: Vec<_> =
                node.values().map(|value| (value.key().to_owned(), value.revision())).collect();
            let members: Vec<_> = node.members().map(|member| (member.id(), member.status())).collect();
            format!("\n{host}: {states:?}, values {values:?}, {members:?}")
        };
        self.up().into_iter().map(view).collect()
    }

    fn mend(&mut self) {
        self.network.set_cut(|_, _| false);
        self.network.set_link(Link::LAN);
    }

    /// What one host shows of another.
    fn shown(&self, host: usize, of: usize) -> BTreeMap<String, Vec<u8>> {
        let mut space = [0; 1_200];
        let entries = self.network.hosts[host].node.state(self.network.hosts[of].id);
        entries
            .map(|entry| (entry.key().to_string(), entry.value(&mut space).unwrap_or_default().to_vec()))
            .collect()
    }

    /// Nobody shows what was never said.
    fn check(&self) {
        for host in self.up() {
            for of in 0..self.owners.len() {
                let written = &self.owners[of].written;
                for (key, value) in self.shown(host, of) {
                    let is_said = written.iter().any(|(said, was)| *said == key && *was == value);
                    assert!(is_said, "host {host} shows {value:?} for {key} of {of}");
                }
            }
        }
    }

    /// Whether all who are up know of each other what each said last, and hold the same values.
    fn agrees(&self) -> bool {
        let (hosts, up) = (&self.network.hosts, self.up());
        let Some(&first) = up.first() else { return true };
        up.iter().all(|&host| {
            let knows = |&of: &usize| {
                let lasting = self.owners[of].map.iter().filter(|(_, (_, lasts))| *lasts);
                let said: BTreeMap<_, _> =
                    lasting.map(|(key, (value, _))| (key.to_string(), value.clone())).collect();
                let sees = hosts[host].node.member(hosts[of].id).is_some_and(|m| m.status() == Status::Alive);
                (host == of || sees) && self.shown(host, of) == said
            };
            hosts[host].node.values_sum() == hosts[first].node.values_sum() && up.iter().all(knows)
        })
    }
}

/// Runs a program, and panics if something that must hold does not.
pub fn run(program: &Program) {
    let mut rig = Rig::new(program);
    rig.network.run_for(Duration::from_secs(2));
    for happening in &program.happenings {
        rig.happen(happening);
        rig.check();
    }
    rig.mend();
    // Pauses are over, so that all hear of their seeds.
    rig.network.run_for(Duration::from_secs(10));
    let up = rig.up();
    up.iter().for_each(|&host| rig.network.join(host, &up));
    rig.network.run_for(Duration::from_secs(u64::from(MAX_TTL) + 2));
    let calm = rig.network.now();
    while !rig.agrees() {
        let waited = rig.network.now().since(calm);
        assert!(waited < LIMIT, "no agreement after {waited:?}: {}", rig.views());
        rig.network.run_for(Duration::from_secs(1));
    }
    rig.check();
}
