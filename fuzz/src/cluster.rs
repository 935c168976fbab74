//! A small cluster of real nodes on a virtual network, and an attacker who sees every datagram, and may lose, delay,
//! repeat, redirect, damage, splice and forge what he likes, while hosts crash, pause, leave and come back. Then he
//! falls silent, and the links are good again.
//!
//! What holds then without cryptography, and is checked: no node panicked, span or broke the bounds of a step; and
//! within [`LIMIT`] all who are up see each other as alive, see no one as alive who is not up (whoever was invented is
//! found dead), and have equal views. Not so (SECURITY.md, "Threats") for a node that forged claims of its
//! later lives made passive: it must only not keep the others from agreeing.

use crate::{
    forge::{Damage, Forgery, until_the_end},
    step::cluster,
    write::Write,
};
use arbitrary::{Arbitrary, Unstructured};
use gossip_core::{Config, Event, Health, Heap, Incarnation, Memory, NodeId, Question, Record, Status};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    time::Duration,
};
use testkit::{Datagram, Link, Network, Step, Watch};

/// How long the calm may take to heal what the attack did: an announced pause that was forged holds a death back
/// for 255 s, an invented member that is heard of late as long again, and a death that is due is checked every few
/// seconds; visits and walks come every 10 s.
const LIMIT: Duration = Duration::from_secs(1_800);
/// More happenings of one program are not looked at.
const MOST_HAPPENINGS: usize = 64;
/// Datagrams that the attacker remembers.
const REMEMBERED: usize = 128;

/// Something that happens to the cluster; numbers are taken modulo what there is.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub enum Happening {
    /// Nothing, for a while.
    Pass {
        /// How long.
        ms: u16,
    },
    /// A host stops without a word.
    Crash(u8),
    /// A host starts again, in its next life.
    Restart {
        /// Which one.
        host: u8,
        /// At another address.
        moves: bool,
    },
    /// A host stands still.
    Pause {
        /// Which one.
        host: u8,
        /// How long.
        ms: u16,
    },
    /// A host leaves.
    Leave(u8),
    /// A host says how it is.
    Health(u8, u8),
    /// A host announces a pause.
    Announce(u8, u8),
    /// Links lose, repeat and delay, in percent.
    Weather {
        /// See [`Link`].
        loss: u8,
        /// See [`Link`].
        duplication: u8,
        /// See [`Link`].
        reordering: u8,
    },
    /// Nothing comes through from one host to another.
    Cut(u8, u8),
    /// The links are good again.
    Mend,
    /// An old datagram, changed or unchanged, sent to its receiver or to another host.
    Replay {
        /// Which of the last.
        which: u8,
        /// Redirected to this one.
        to: Option<u8>,
        /// From this one's address.
        from: Option<u8>,
        /// Changed.
        damage: [Option<Damage>; 2],
    },
    /// The sections of two datagrams in one.
    Splice {
        /// The one with the header.
        first: u8,
        /// The other.
        second: u8,
        /// Where the one ends and the other begins.
        at: u16,
    },
    /// Something that was never said.
    Forge {
        /// From whose address.
        from: u8,
        /// To whom.
        to: u8,
        /// What.
        forgery: Forgery,
    },
    /// A host writes, sends, asks or answers something.
    Write {
        /// Which one.
        host: u8,
        /// What.
        write: Write,
    },
    /// The same, from all hosts at once.
    AllWrite(Write),
}

/// A whole run.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    /// Of the network, and of the nodes.
    pub seed: u16,
    /// How many hosts beyond three, and in how many zones.
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

/// Remembers the last datagrams, and checks what holds after each step whoever said what.
#[derive(Default)]
struct Attacker {
    seen: VecDeque<Datagram>,
    own: BTreeMap<usize, (u32, Record)>,
    /// What each host was asked last in its present life.
    questions: BTreeMap<usize, (u32, Question)>,
    /// The user events that each host delivered in each life.
    delivered: BTreeSet<(usize, u32, NodeId, u32, u32)>,
}

impl<M: Memory> Watch<M> for Attacker {
    fn after(&mut self, step: &Step<'_, M>) {
        assert_eq!(step.output.next_tick, step.node.next_tick());
        assert!(step.output.next_tick >= step.now, "{:?} is over at {:?}", step.output.next_tick, step.now);
        let max = usize::from(step.node.config().max_datagram);
        for packet in step.output.packets() {
            assert!((22..=max).contains(&packet.bytes.len()), "a packet of {} bytes", packet.bytes.len());
            if self.seen.len() == REMEMBERED {
                self.seen.pop_front();
            }
            self.seen.push_back(Datagram { from: step.address, to: packet.to, bytes: packet.bytes.to_vec() });
        }
        for event in step.output.events() {
            match *event {
                Event::UserEvent { origin, epoch, sequence, .. } => {
                    let new = self.delivered.insert((step.host, step.life, origin, epoch, sequence));
                    assert!(new, "{event:?} a second time at {}", step.host);
                }
                Event::Asked { question, .. } => _ = self.questions.insert(step.host, (step.life, question)),
                _ => {}
            }
        }
        let me = step.node.me();
        assert!(matches!(me.status(), Status::Alive | Status::Left), "{me:?} by its own word");
        if let Some((life, before)) = self.own.insert(step.host, (step.life, me)) {
            assert!(life != step.life || before.incarnation() <= me.incarnation(), "{me:?} after {before:?}");
        }
    }
}

impl Attacker {
    fn nth(&self, which: u8) -> Option<Datagram> {
        let newest = self.seen.len().checked_sub(1)?;
        self.seen.get(newest - usize::from(which) % self.seen.len()).cloned()
    }
}

struct Rig {
    network: Network<Heap, Attacker>,
    cuts: Vec<(SocketAddr, SocketAddr)>,
    left: Vec<bool>,
}

fn config() -> Config {
    Config::local(cluster()).with(|c| {
        c.quarantine = Duration::from_secs(5);
        c.tombstone_ttl = Duration::from_secs(24 * 3_600);
        c.max_tombstones = 8;
    })
}

impl Rig {
    fn new(program: &Program) -> Self {
        let hosts = 3 + program.size % 4;
        let zones = 1 + program.size / 4 % 3;
        let seed = u64::from(program.seed);
        let mut network = Network::new(seed, config(), || Heap::for_members(16), Attacker::default());
        for host in 0..hosts {
            let locality = gossip_core::Locality { region: 0, zone: host % zones, rack: 0 };
            network.add_at(&format!("node-{host}"), locality);
        }
        let records: Vec<Record> = network.hosts.iter().map(|host| host.node.me()).collect();
        for host in 0..usize::from(hosts) {
            network.command(host, |node, now, out| node.restore(now, &records, out));
            network.join(host, &[0, 1, 2]);
        }
        Self { network, cuts: Vec::new(), left: vec![false; usize::from(hosts)] }
    }

    fn nth(&self, n: u8) -> usize {
        usize::from(n) % self.left.len()
    }

    fn address(&self, n: u8) -> SocketAddr {
        self.network.hosts[self.nth(n)].address
    }

    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Pass { ms } => self.network.run_for(Duration::from_millis(u64::from(ms % 8_192))),
            Happening::Crash(host) => self.network.crash(self.nth(*host)),
            Happening::Restart { host, moves } => self.restart(self.nth(*host), *moves),
            Happening::Weather { loss, duplication, reordering } => {
                let share = |percent: u8| f64::from(percent % 60) / 100.0;
                let (loss, duplication) = (share(*loss), share(*duplication));
                self.network.set_link(Link {
                    loss,
                    duplication,
                    reordering: share(*reordering),
                    ..Link::LAN
                });
            }
            Happening::Cut(from, to) => {
                self.cuts.push((self.address(*from), self.address(*to)));
                let cuts = self.cuts.clone();
                self.network.set_cut(move |from, to| cuts.contains(&(from, to)));
            }
            Happening::Mend => self.mend(),
            Happening::Replay { which, to, from, damage } => {
                let Some(mut datagram) = self.network.watch.nth(*which) else { return };
                datagram.to = to.map_or(datagram.to, |to| self.address(to));
                datagram.from = from.map_or(datagram.from, |from| self.address(from));
                damage.iter().flatten().for_each(|damage| damage.apply(&mut datagram.bytes));
                self.network.send(&datagram);
            }
            Happening::Splice { first, second, at } => {
                let watch = &self.network.watch;
                let (Some(mut first), Some(second)) = (watch.nth(*first), watch.nth(*second)) else { return };
                let end = 22.max(usize::from(*at) % first.bytes.len());
                first.bytes.truncate(end);
                first.bytes.extend(&second.bytes[22..]);
                self.network.send(&first);
            }
            Happening::Forge { from, to, forgery } => {
                let view = self.network.hosts[self.nth(*to)].node.fingerprint().0;
                let (from, to, bytes) = (self.address(*from), self.address(*to), forgery.write(view));
                self.network.send(&Datagram { from, to, bytes });
            }
            Happening::Write { host, write } => self.write(self.nth(*host), write),
            Happening::AllWrite(write) => (0..self.left.len()).for_each(|host| self.write(host, write)),
            Happening::Pause { host, .. }
            | Happening::Leave(host)
            | Happening::Health(host, _)
            | Happening::Announce(host, _) => {
                let host = self.nth(*host);
                if self.network.hosts[host].is_running() {
                    self.command(host, happening);
                }
            }
        }
    }

    fn write(&mut self, host: usize, write: &Write) {
        let asked = self.network.watch.questions.remove(&host);
        let network = &mut self.network;
        if !network.hosts[host].is_running() {
            return;
        }
        let life = network.hosts[host].life();
        let question = asked.filter(|(then, _)| *then == life).map(|(_, question)| question);
        // A packet of the step itself is lost, if there is one; and what breaks a limit is refused.
        network.command(host, |node, now, out| {
            let _ = write.apply(node, now, question, out);
            node.tick(now, out)
        });
    }

    /// What only a running host does.
    fn command(&mut self, host: usize, happening: &Happening) {
        match *happening {
            Happening::Pause { ms, .. } => {
                self.network.pause(host, Duration::from_millis(u64::from(ms % 8_192)))
            }
            Happening::Leave(_) => {
                self.left[host] = true;
                self.network.leave(host);
            }
            Happening::Health(_, health) => {
                let health = [Health::Healthy, Health::Degraded, Health::Unhealthy][usize::from(health) % 3];
                self.network.command(host, |node, now, out| node.set_health(now, health, out));
            }
            Happening::Announce(_, seconds) => {
                let pause = Duration::from_secs(u64::from(seconds % 20));
                self.network.command(host, |node, now, out| node.announce_pause(now, pause, out));
            }
            _ => {}
        }
    }

    fn restart(&mut self, host: usize, moves: bool) {
        let network = &mut self.network;
        // A host whose epochs were used up by forged claims has none to start with.
        if network.hosts[host].epoch == Incarnation::MAX_EPOCH {
            return;
        }
        let address = if moves { network.fresh_address() } else { network.hosts[host].address };
        network.restart(host, address);
        network.hosts[host].events.clear();
        self.left[host] = false;
        network.join(host, &[0, 1, 2]);
    }

    fn mend(&mut self) {
        self.cuts.clear();
        self.network.set_cut(|_, _| false);
        self.network.set_link(Link::LAN);
    }

    /// All who are up look their seeds up again: those that they began with may have moved since.
    fn find_seeds(&mut self) {
        let up: Vec<usize> = (0..self.left.len()).filter(|&host| self.is_up(host)).collect();
        up.iter().for_each(|&host| self.network.join(host, &up));
    }

    fn is_up(&self, host: usize) -> bool {
        self.network.hosts[host].is_running() && !self.left[host]
    }

    /// Up, and contradicting what is said of it.
    fn is_sound(&self, host: usize) -> bool {
        self.is_up(host) && !self.network.hosts[host].has_told(Event::DuplicateId)
    }

    /// Whether all that are sound agree on what is true.
    fn agrees(&self) -> bool {
        let hosts = &self.network.hosts;
        let sound: Vec<usize> = (0..hosts.len()).filter(|&host| self.is_sound(host)).collect();
        let up = (0..hosts.len()).filter(|&host| self.is_up(host));
        let up: Vec<NodeId> = up.map(|host| hosts[host].id).collect();
        let Some(&first) = sound.first() else { return true };
        sound.iter().all(|&host| {
            let node = &hosts[host].node;
            let sees = |other: &usize| {
                *other == host || node.member(hosts[*other].id).is_some_and(|m| m.status() == Status::Alive)
            };
            node.fingerprint() == hosts[first].node.fingerprint()
                && sound.iter().all(sees)
                && node.members().all(|member| !member.status().is_live() || up.contains(&member.id()))
        })
    }

    fn views(&self) -> String {
        let view = |(n, host): (usize, &testkit::Host<Heap>)| {
            let told: Vec<_> = host.events.iter().rev().take(12).collect();
            let members: Vec<_> = host.node.members().collect();
            let (me, is) = (host.node.me(), (self.is_sound(n), host.is_running(), self.left[n]));
            format!("\n{n} (sound, running, left) {is:?} {me:?} {members:#?} {told:?}")
        };
        self.network.hosts.iter().enumerate().map(view).collect()
    }
}

/// Runs a program, and panics if something that must hold does not.
pub fn run(program: &Program) {
    let mut rig = Rig::new(program);
    rig.network.run_for(Duration::from_secs(1));
    for happening in &program.happenings {
        rig.happen(happening);
    }
    rig.mend();
    let calm = rig.network.now();
    rig.network.run_for(Duration::from_secs(10));
    rig.find_seeds();
    while !rig.agrees() {
        let waited = rig.network.now().since(calm);
        assert!(waited < LIMIT, "no agreement after {waited:?}: {}", rig.views());
        rig.network.run_for(Duration::from_secs(1));
    }
}
