//! Several nodes that tell each other of events over a network which loses, copies and delays, and that restart: nothing
//! is delivered twice, and once nothing is lost any more, all hear what can be heard.

use super::rig::Rig;
use crate::{
    tables::events::{
        event::{EventId, Head, UserEvent, Wants, tag},
        limits::{MAX_PAYLOAD, SLACK, TTL},
        queue::Tell,
        store::{Heard, Sent},
    },
    vocabulary::{bounds::sized, record::NodeId, time::Instant},
};
use core::time::Duration;
use quickcheck::{Arbitrary, Gen, QuickCheck};
use std::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};

const NODES: usize = 4;
/// How often an event is told; few enough that not all hear it so.
const SENDS: u8 = 6;
/// Seconds until all that was sent in a short time is heard at the rate at which a node takes events.
const SETTLING: usize = sized(3, 12);
/// Bytes of a datagram.
const ROOM: usize = 600;

#[derive(Clone, Debug)]
enum Operation {
    Wait(Duration),
    Send(usize),
    /// From one to another.
    Tell(usize, usize),
    /// One asks another for all that it missed.
    CatchUp(usize, usize),
    /// A datagram arrives: which of those under way, by how much its ages are too young, and whether another copy of it
    /// stays under way.
    Deliver(usize, u32, bool),
    Lose(usize),
    Restart(usize),
}

impl Arbitrary for Operation {
    fn arbitrary(g: &mut Gen) -> Self {
        let node = |g: &mut Gen| usize::arbitrary(g) % NODES;
        match u32::arbitrary(g) % 64 {
            0..8 => Self::Wait(Duration::from_millis(u64::from(u32::arbitrary(g) % 500))),
            8..11 => Self::Wait(Duration::from_millis(u64::from(u32::arbitrary(g) % 12_000))),
            11..20 => Self::Send(node(g)),
            20..34 => Self::Tell(node(g), node(g)),
            34..36 => Self::CatchUp(node(g), node(g)),
            36..60 => Self::Deliver(usize::arbitrary(g), u32::arbitrary(g) % 4_000, bool::arbitrary(g)),
            60..63 => Self::Lose(usize::arbitrary(g)),
            _ => Self::Restart(node(g)),
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        quickcheck::empty_shrinker()
    }
}

#[derive(Clone, Debug)]
enum Says {
    Whole(EventId, u32),
    Head(Head),
}

/// A datagram under way.
#[derive(Clone, Debug)]
struct Letter {
    from: usize,
    to: usize,
    says: Vec<Says>,
    wants: Wants,
}

struct Node {
    rig: Rig,
    id: NodeId,
    epoch: u32,
    /// In all its lives.
    delivered: BTreeSet<EventId>,
}

struct World {
    now: Instant,
    nodes: Vec<Node>,
    letters: Vec<Letter>,
    born: BTreeMap<EventId, Instant>,
}

/// Of any length, and never mistaken for another's.
fn payload(id: EventId) -> Vec<u8> {
    let length = (id.origin.as_u64() as usize * 131 + id.sequence as usize * 37) % (MAX_PAYLOAD + 1);
    (0..length).map(|at| (at as u32 * 7 + id.sequence * 11 + id.epoch * 13) as u8).collect()
}

impl World {
    fn new(places: usize, held: usize, bytes: usize) -> Self {
        let node = |at: u64| Node {
            rig: Rig::with(places, held, bytes),
            id: NodeId::from_u64(at + 1).unwrap(),
            epoch: 1,
            delivered: BTreeSet::new(),
        };
        let nodes: Vec<_> = (0..NODES as u64).map(node).collect();
        Self { now: nodes[0].rig.now, nodes, letters: vec![], born: BTreeMap::new() }
    }

    fn run(&mut self, operations: &[Operation]) {
        for operation in operations {
            match *operation {
                Operation::Wait(time) => self.wait(time),
                Operation::Send(from) => self.send(from),
                Operation::Tell(from, to) if from != to => self.tell(from, to),
                Operation::CatchUp(from, to) if from != to => self.catch_up(from, to),
                Operation::Deliver(at, younger, copy) if !self.letters.is_empty() => {
                    let at = at % self.letters.len();
                    let letter = self.letters[at].clone();
                    if !copy {
                        self.letters.swap_remove(at);
                    }
                    self.deliver(&letter, younger);
                }
                Operation::Lose(at) if !self.letters.is_empty() => {
                    _ = self.letters.swap_remove(at % self.letters.len());
                }
                Operation::Restart(node) => {
                    self.nodes[node].rig.restart();
                    self.nodes[node].epoch += 1;
                }
                _ => {}
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.nodes.iter_mut().for_each(|node| node.rig.now = self.now);
    }

    fn send(&mut self, from: usize) {
        let Node { rig, id, epoch, .. } = &mut self.nodes[from];
        // The number that it is going to have decides its payload.
        let me = (*id, *epoch);
        let Ok(Sent { id, .. }) = rig.clone().events().send(self.now, me, b"") else { return };
        if rig.events().send(self.now, me, &payload(id)).is_ok() {
            self.born.insert(id, self.now);
        }
    }

    fn tell(&mut self, from: usize, to: usize) {
        let (mut says, mut bytes) = (vec![], 0);
        let now = self.now;
        self.nodes[from].rig.events().take(now, SENDS, |tell| {
            let (said, length) = match tell {
                Tell::Whole(event) => (whole(&event), 24 + event.payload.len()),
                Tell::Head(head) => (Says::Head(head), 10),
            };
            let fits = bytes + length <= ROOM;
            if fits {
                bytes += length;
                says.push(said);
            }
            fits
        });
        self.letters.push(Letter { from, to, says, wants: Wants::new() });
    }

    fn catch_up(&mut self, from: usize, to: usize) {
        let wants = self.nodes[from].rig.events().wants(self.now);
        self.letters.push(Letter { from, to, says: vec![], wants });
    }

    /// A datagram arrives, whose events seem `younger` by as many ms as that may be.
    fn deliver(&mut self, letter: &Letter, younger: u32) {
        let Letter { from, to, says, wants } = letter;
        for said in says {
            if let Says::Whole(id, told) = *said {
                self.hear(*to, id, told, younger);
            }
        }
        let heads = says.iter().filter_map(|said| match said {
            Says::Head(head) => Some(*head),
            Says::Whole(..) => None,
        });
        let (now, node) = (self.now, &mut self.nodes[*to]);
        let own = tag(node.id);
        let asks = node.rig.events().ask(now, heads.filter(|head| head.tag != own));
        if !asks.is_empty() {
            self.letters.push(Letter { from: *to, to: *from, says: vec![], wants: asks });
        }
        if !wants.is_empty() {
            let asker = self.nodes[*from].id;
            let answer =
                self.nodes[*to].rig.events().missing(now, asker, wants).map(|event| whole(&event)).collect();
            self.letters.push(Letter { from: *to, to: *from, says: answer, wants: Wants::new() });
        }
    }

    /// What is too young by more than the slack never comes: that much is promised by hosts and networks.
    fn hear(&mut self, to: usize, id: EventId, told: u32, younger: u32) {
        let age = self.now.since(self.born[&id]);
        let missed = age.saturating_sub(Duration::from_millis(u64::from(told)));
        let Some(left) = SLACK.checked_sub(missed) else { return };
        let age = told.saturating_sub(younger.min(left.as_millis() as u32));
        let node = &mut self.nodes[to];
        if id.origin == node.id {
            return;
        }
        let payload = payload(id);
        if let Heard::New { .. } = node.rig.hear(&UserEvent { id, age, payload: &payload }) {
            assert!(node.delivered.insert(id), "{id:?} is delivered to {to} twice");
        }
    }

    /// Nothing is lost any more, until all that can be heard is.
    fn settle(&mut self) {
        self.letters.clear();
        for _ in 0..SETTLING {
            for (from, to) in (0..NODES * NODES).map(|pair| (pair / NODES, pair % NODES)) {
                if from != to {
                    self.tell(from, to);
                    self.catch_up(from, to);
                }
            }
            while let Some(letter) = self.letters.pop() {
                self.deliver(&letter, 0);
            }
            self.wait(Duration::from_secs(1));
        }
    }

    /// What someone holds, is young, of its origin's last epoch and born in a node's life, was delivered to that node.
    fn check_delivered(&self) {
        for (&id, &born) in &self.born {
            let origin = self.nodes.iter().find(|node| node.id == id.origin).unwrap();
            let held = origin.rig.began <= born && origin.epoch == id.epoch;
            let is_young = self.now.since(born) < TTL;
            for node in self.nodes.iter().filter(|node| node.id != id.origin) {
                // Of the age told less may be missing than the slack, and up to twice that is doubted.
                if held && is_young && node.rig.began + SLACK * 2 < born {
                    assert!(node.delivered.contains(&id), "{id:?}, born at {born:?}, at {:?}", self.now);
                }
            }
        }
    }
}

/// An event as it is said, whose payload must be its own.
fn whole(event: &UserEvent<'_>) -> Says {
    assert_eq!(event.payload, payload(event.id), "{:?} has another's payload", event.id);
    Says::Whole(event.id, event.age)
}

fn check(history: fn(Vec<Operation>) -> bool) {
    QuickCheck::new().rng(Gen::new(300)).tests(1_000).quickcheck(history as fn(Vec<Operation>) -> bool);
}

#[test]
fn any_history_delivers_nothing_twice_and_at_last_everything() {
    fn history(operations: Vec<Operation>) -> bool {
        let mut world = World::new(8, 256, 1 << 16);
        world.run(&operations);
        world.settle();
        world.check_delivered();
        true
    }
    check(history);
}

#[test]
fn with_few_places_and_little_room_nothing_is_delivered_twice() {
    fn history(operations: Vec<Operation>) -> bool {
        let mut world = World::new(2, 5, 1_100);
        world.run(&operations);
        world.settle();
        true
    }
    check(history);
}
