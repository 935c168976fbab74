//! The laws of membership, as properties over long random histories of a small cluster: whatever happens to
//! links and machines, in whatever order, they hold after every step.

use crate::support::{Datagram, Host, Input, Link, Network, Step, Watch, formed, lan, millis, secs};
use gossip_core::{
    Fingerprint, Health, Heap, Incarnation, Instant, Memory, Node, NodeId, Reachability, Record, Status,
    Verdict,
};
use quickcheck::{Arbitrary, Gen, QuickCheck};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
};

/// Hosts of a history's cluster, all of which may crash, move, leave and come back.
const HOSTS: usize = 7;
/// Recorded datagrams that a history may replay; the oldest go first.
const REMEMBERED: usize = 2_000;

/// What a node believed after its latest step.
#[derive(Clone, PartialEq, Debug)]
struct Belief {
    life: u32,
    own: Record,
    fingerprint: Fingerprint,
    members: BTreeMap<NodeId, (Record, Reachability)>,
}

impl Belief {
    fn of<M: Memory>(node: &Node<M>, life: u32) -> Self {
        let members = node.members().map(|m| (m.id(), (*m.record(), m.reachability()))).collect();
        Self { life, own: node.me(), fingerprint: node.fingerprint(), members }
    }

    /// What a fingerprint is made of, this node's own record included.
    fn live(&self) -> Vec<(NodeId, Incarnation, u32)> {
        let records = self.members.values().map(|(record, _)| record).chain([&self.own]);
        let live = records.filter(|record| record.status().is_live());
        let mut live: Vec<_> = live.map(|r| (r.id(), r.incarnation(), r.state_version())).collect();
        live.sort_unstable();
        live
    }
}

/// Checks the laws after every step.
#[derive(Default)]
struct Laws {
    max_datagram: usize,
    beliefs: BTreeMap<usize, Belief>,
    /// The newest that each observer has ever held of each member, even if it has forgotten it since.
    newest: BTreeMap<(usize, NodeId), Record>,
    /// The highest incarnation that each node has given itself.
    authored: BTreeMap<NodeId, Incarnation>,
    fingerprints: BTreeMap<Vec<(NodeId, Incarnation, u32)>, Fingerprint>,
    said: Vec<Datagram>,
    /// A hash of every byte sent, when, and where to.
    trace: DefaultHasher,
}

impl Laws {
    fn new() -> Self {
        Self { max_datagram: usize::from(lan().max_datagram), ..Self::default() }
    }

    fn nothing_goes_backwards(&mut self, host: usize, belief: &Belief) {
        for (record, _) in belief.members.values() {
            let newest = self.newest.entry((host, record.id())).or_insert(*record);
            let life = |r: &Record| (r.incarnation(), r.status());
            let word = |r: &Record| (r.incarnation().epoch, r.state_version());
            assert!(life(record) >= life(newest), "host {host}: {record:?} after {newest:?}");
            assert!(word(record) >= word(newest), "host {host}: {record:?} after {newest:?}");
            *newest = *record;
        }
    }

    fn only_its_owner_raises_an_incarnation(&mut self, belief: &Belief) {
        let own = belief.own;
        let authored = self.authored.entry(own.id()).or_default();
        *authored = own.incarnation().max(*authored);
        for (record, _) in belief.members.values() {
            let authored = self.authored.get(&record.id()).copied();
            assert!(Some(record.incarnation()) <= authored, "{record:?} though {authored:?} is its owner's");
        }
    }

    fn equal_sets_have_equal_fingerprints(&mut self, belief: &Belief) {
        let known = *self.fingerprints.entry(belief.live()).or_insert(belief.fingerprint);
        assert_eq!(known, belief.fingerprint, "two fingerprints of {:?}", belief.live());
    }

    fn what_is_not_accepted_changes_nothing<M>(&self, step: &Step<'_, M>, belief: &Belief) {
        let refused = step.input == Input::Datagram && step.output.verdict != Verdict::Accepted;
        if let (true, Some(before)) = (refused, self.beliefs.get(&step.host))
            && before.life == belief.life
        {
            assert_eq!(before, belief, "{:?} had an effect", step.output.verdict);
        }
    }

    fn a_step_keeps_its_bounds<M: Memory>(&self, step: &Step<'_, M>) {
        assert_eq!(step.output.next_tick, step.node.next_tick(), "the output and the node disagree");
        for packet in step.output.packets() {
            let len = packet.bytes.len();
            assert!((1..=self.max_datagram).contains(&len), "a packet of {len} bytes");
            assert_ne!(packet.to, step.address, "a packet to itself");
        }
    }
}

impl<M: Memory> Watch<M> for Laws {
    fn after(&mut self, step: &Step<'_, M>) {
        self.a_step_keeps_its_bounds(step);
        for packet in step.output.packets() {
            (step.now, step.address, packet.to, packet.bytes).hash(&mut self.trace);
            let bytes = packet.bytes.to_vec();
            self.said.push(Datagram { from: step.address, to: packet.to, bytes });
        }
        if self.said.len() > 2 * REMEMBERED {
            self.said.drain(..REMEMBERED);
        }
        let belief = Belief::of(step.node, step.life);
        if let Some(before) = self.beliefs.get(&step.host) {
            if before.life == belief.life {
                assert!(belief.own.incarnation() >= before.own.incarnation(), "its own incarnation fell");
            } else {
                self.newest.retain(|&(host, _), _| host != step.host);
            }
        }
        self.what_is_not_accepted_changes_nothing(step, &belief);
        self.only_its_owner_raises_an_incarnation(&belief);
        self.nothing_goes_backwards(step.host, &belief);
        self.equal_sets_have_equal_fingerprints(&belief);
        self.beliefs.insert(step.host, belief);
    }
}

/// One thing that happens to the cluster; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Happening {
    Pass {
        ms: u16,
    },
    Crash {
        host: u8,
    },
    Restart {
        host: u8,
        moves: bool,
    },
    Pause {
        host: u8,
        ms: u16,
    },
    Leave {
        host: u8,
    },
    Join {
        host: u8,
        seed: u8,
    },
    Health {
        host: u8,
        health: u8,
    },
    Announce {
        host: u8,
        seconds: u8,
    },
    /// One has another forgotten, if it is dead or has left there.
    Forget {
        host: u8,
        of: u8,
    },
    Weather {
        loss: u8,
        duplication: u8,
        reordering: u8,
    },
    Cut {
        from: u8,
        to: u8,
    },
    Mend,
    /// An old datagram again, sent to its receiver or to another host.
    Replay {
        which: u16,
        to: Option<u8>,
    },
}

impl Arbitrary for Happening {
    fn arbitrary(g: &mut Gen) -> Self {
        let host = u8::arbitrary(g);
        match u8::arbitrary(g) % 26 {
            0 | 1 => Self::Crash { host },
            2..=4 => Self::Restart { host, moves: bool::arbitrary(g) },
            5 => Self::Pause { host, ms: u16::arbitrary(g) % 5_000 },
            6 => Self::Leave { host },
            7 => Self::Join { host, seed: u8::arbitrary(g) },
            8 => Self::Health { host, health: u8::arbitrary(g) },
            9 => Self::Announce { host, seconds: u8::arbitrary(g) % 20 },
            10 => Self::Weather {
                loss: u8::arbitrary(g) % 60,
                duplication: u8::arbitrary(g) % 60,
                reordering: u8::arbitrary(g) % 60,
            },
            11 => Self::Cut { from: host, to: u8::arbitrary(g) },
            12 => Self::Mend,
            13 | 14 => Self::Forget { host, of: u8::arbitrary(g) },
            15..=19 => Self::Replay { which: u16::arbitrary(g), to: Option::arbitrary(g) },
            _ => Self::Pass { ms: u16::arbitrary(g) % 8_000 },
        }
    }
}

fn live(history: &[Happening], seed: u64) -> Network<Heap, Laws> {
    let mut network = formed(seed, HOSTS, lan(), Laws::new());
    let mut cuts: Vec<(SocketAddr, SocketAddr)> = Vec::new();
    for happening in history {
        happen(&mut network, happening, &mut cuts);
    }
    network.run_for(secs(5));
    network
}

fn happen(
    network: &mut Network<Heap, Laws>,
    happening: &Happening,
    cuts: &mut Vec<(SocketAddr, SocketAddr)>,
) {
    let nth = |n: u8| usize::from(n) % HOSTS;
    let running = |network: &Network<Heap, Laws>, n: u8| network.hosts[nth(n)].is_running();
    match *happening {
        Happening::Pass { ms } => network.run_for(millis(u64::from(ms))),
        Happening::Crash { host } => network.crash(nth(host)),
        Happening::Restart { host, moves } => {
            let address = if moves { network.fresh_address() } else { network.hosts[nth(host)].address };
            network.restart(nth(host), address);
            network.join(nth(host), &[(nth(host) + 1) % HOSTS, (nth(host) + 2) % HOSTS]);
        }
        Happening::Pause { host, ms } if running(network, host) => {
            network.pause(nth(host), millis(u64::from(ms)));
        }
        Happening::Leave { host } if running(network, host) => network.leave(nth(host)),
        Happening::Join { host, seed } if running(network, host) => network.join(nth(host), &[nth(seed)]),
        Happening::Health { host, health } if running(network, host) => {
            let health = [Health::Healthy, Health::Degraded, Health::Unhealthy][usize::from(health) % 3];
            network.command(nth(host), |node, now, out| node.set_health(now, health, out));
        }
        Happening::Announce { host, seconds } if running(network, host) => {
            let pause = secs(u64::from(seconds));
            network.command(nth(host), |node, now, out| node.announce_pause(now, pause, out));
        }
        Happening::Forget { host, of } if running(network, host) => {
            let id = network.hosts[nth(of)].id;
            let node = &network.hosts[nth(host)].node;
            let is_gone = node.member(id).is_some_and(|member| !member.status().is_live());
            if is_gone && node.me().id() != id && node.me().status().is_live() {
                network.command(nth(host), |node, now, out| match node.forget(now, id, out) {
                    Ok(output) => output,
                    Err(error) => panic!("{error}"),
                });
            }
        }
        Happening::Weather { loss, duplication, reordering } => {
            let share = |percent: u8| f64::from(percent) / 100.0;
            let (loss, duplication, reordering) = (share(loss), share(duplication), share(reordering));
            network.set_link(Link { loss, duplication, reordering, ..Link::LAN });
        }
        Happening::Cut { from, to } => {
            cuts.push((network.hosts[nth(from)].address, network.hosts[nth(to)].address));
            let cuts = cuts.clone();
            network.set_cut(move |from, to| cuts.contains(&(from, to)));
        }
        Happening::Mend => {
            cuts.clear();
            network.set_cut(|_, _| false);
            network.set_link(Link::LAN);
        }
        Happening::Replay { which, to } => {
            let said = &network.watch.said;
            let Some(old) = said.get(usize::from(which) % said.len().max(1)).cloned() else { return };
            let to = to.map_or(old.to, |to| network.hosts[nth(to)].address);
            network.send(&Datagram { to, ..old });
        }
        _ => {}
    }
}

/// Histories of up to 150 happenings; `QUICKCHECK_TESTS` runs more of them.
fn histories() -> QuickCheck {
    QuickCheck::new().rng(Gen::new(150))
}

#[test]
fn the_laws_hold_after_every_step_of_any_history() {
    fn property(history: Vec<Happening>, seed: u64) -> bool {
        live(&history, seed).watch.beliefs.len() == HOSTS
    }
    histories().quickcheck(property as fn(Vec<Happening>, u64) -> bool);
}

#[test]
fn the_same_seed_and_history_give_the_same_bytes() {
    fn property(history: Vec<Happening>, seed: u64) -> bool {
        let trace = || live(&history, seed).watch.trace.finish();
        trace() == trace()
    }
    histories().tests(20).quickcheck(property as fn(Vec<Happening>, u64) -> bool);
}

#[test]
fn no_history_revives_who_died() {
    fn property(history: Vec<Happening>, seed: u64, victim: u8) -> bool {
        let victim = usize::from(victim) % HOSTS;
        let mut network = formed(seed, HOSTS, lan(), Laws::new());
        network.crash(victim);
        let died = network.wait(secs(60), |n| n.all_say(victim, Status::Dead)).is_some();
        let mut cuts = Vec::new();
        // Who starts again has no memory, and may be told anything until others correct it.
        let keeps_memory = |happening: &&Happening| !matches!(happening, Happening::Restart { .. });
        for happening in history.iter().filter(keeps_memory) {
            happen(&mut network, happening, &mut cuts);
        }
        let id = network.hosts[victim].id;
        let is_dead = |host: &Host<Heap>| host.node.member(id).is_none_or(|m| m.status() == Status::Dead);
        died && network.running().all(is_dead)
    }
    histories().tests(50).quickcheck(property as fn(Vec<Happening>, u64, u8) -> bool);
}

#[test]
fn after_any_history_and_some_quiet_all_views_are_equal() {
    fn property(history: Vec<Happening>, seed: u64) -> bool {
        let mut network = live(&history, seed);
        happen(&mut network, &Happening::Mend, &mut Vec::new());
        for host in 0..HOSTS {
            let address = network.hosts[host].address;
            network.restart(host, address);
        }
        for host in 0..HOSTS {
            network.join(host, &[0, 1, 2]);
        }
        network.wait(secs(120), Network::is_formed).is_some()
    }
    histories().tests(50).quickcheck(property as fn(Vec<Happening>, u64) -> bool);
}

/// A change to a datagram's bytes.
#[derive(Clone, Debug)]
struct Damage {
    kind: u8,
    at: usize,
    byte: u8,
}

impl Arbitrary for Damage {
    fn arbitrary(g: &mut Gen) -> Self {
        Self { kind: u8::arbitrary(g), at: usize::arbitrary(g), byte: u8::arbitrary(g) }
    }
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = self.at % bytes.len().max(1);
        match self.kind % 6 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), self.byte),
            2 => bytes.extend_from_within(at..),
            3 if !bytes.is_empty() => drop(bytes.remove(at)),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= self.byte;
                }
            }
        }
    }
}

/// Hands bytes to a node. It may only change for what it accepts, and never panics.
fn offer(network: &mut Network<Heap, Said>, from: SocketAddr, bytes: &[u8]) -> bool {
    let before = Belief::of(&network.hosts[0].node, 0);
    let verdict = network.inject(0, from, bytes);
    verdict == Verdict::Accepted || before == Belief::of(&network.hosts[0].node, 0)
}

/// Keeps what was said, and sees to it that every packet fits.
#[derive(Default)]
struct Said(Vec<Datagram>);

impl<M> Watch<M> for Said {
    fn after(&mut self, step: &Step<'_, M>) {
        for packet in step.output.packets() {
            assert!(packet.bytes.len() <= usize::from(lan().max_datagram), "{} bytes", packet.bytes.len());
            let bytes = packet.bytes.to_vec();
            self.0.push(Datagram { from: step.address, to: packet.to, bytes });
        }
    }
}

#[test]
fn arbitrary_bytes_never_panic_and_change_nothing_unless_accepted() {
    fn property(datagrams: Vec<Vec<u8>>, seed: u64) -> bool {
        let mut network = formed(seed, 3, lan(), Said::default());
        let from = network.hosts[1].address;
        datagrams.iter().all(|bytes| {
            let ok = offer(&mut network, from, bytes);
            network.run_for(millis(10));
            ok
        })
    }
    QuickCheck::new().rng(Gen::new(200)).quickcheck(property as fn(Vec<Vec<u8>>, u64) -> bool);
}

#[test]
fn damaged_datagrams_never_panic_and_change_nothing_unless_accepted() {
    fn property(damages: Vec<(usize, Vec<Damage>)>, seed: u64) -> bool {
        let mut network = formed(seed, 4, lan(), Said::default());
        network.crash(3);
        network.run_for(secs(10));
        damages.iter().all(|(which, damage)| {
            let said = &network.watch.0;
            let mut datagram = said[which % said.len()].clone();
            damage.iter().take(4).for_each(|damage| damage.apply(&mut datagram.bytes));
            let ok = offer(&mut network, datagram.from, &datagram.bytes);
            network.run_for(millis(50));
            ok
        })
    }
    QuickCheck::new().rng(Gen::new(300)).quickcheck(property as fn(Vec<(usize, Vec<Damage>)>, u64) -> bool);
}

#[test]
fn a_tick_asks_for_one_in_the_future_and_early_ticks_are_harmless() {
    fn property(seed: u64) -> bool {
        let mut network = formed(seed, 5, lan(), Laws::new());
        for _ in 0..200 {
            network.run_for(millis(7));
            for host in 0..5 {
                let told = std::cell::Cell::new(Instant::ZERO);
                network.command(host, |node, now, out| {
                    let output = node.tick(now, out);
                    told.set(output.next_tick);
                    output
                });
                if told.get() <= network.now() {
                    return false;
                }
            }
        }
        network.deaths().is_empty() && network.is_formed()
    }
    QuickCheck::new().tests(20).quickcheck(property as fn(u64) -> bool);
}
