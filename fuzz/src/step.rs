//! One node, and whatever may come: datagrams of any bytes, forged ones, answers to what the node asked, times in any
//! order, and its host's commands. After each step the promises of the core's contract hold. (The core itself checks
//! its tables after each step, when it is built for fuzzing.)

mod promises;
mod sealing;

use crate::{
    forge::{Bytes, CLUSTER, Damage, FIRST_EPOCH, Forgery, Message, NAMES, address, id, until_the_end},
    write::Write,
};
use arbitrary::{Arbitrary, Unstructured};
use gossip_core::{
    Buffer, ClusterName, Config, Event, Health, Heap, Identity, Incarnation, Instant, Locality, Node, NodeId,
    Outbox, Output, Question, Record, Sealing, Status, Versions,
};
use promises::{
    Belief, Came, FETCH, JOIN, Proof, no_answer_to_what_is_refused, no_unproven_address_gets_more_than_came,
    nothing_goes_backwards, section, what_is_not_accepted_changes_nothing,
};
use sealing::Insider;
use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    time::Duration,
};

/// The node under test is the first of the names; there are more of them than tables have room for.
const ME: u8 = 0;
const CAPACITIES: [usize; 4] = [12, 3, 40, 12];
/// More calls of one program are not made.
const MOST_CALLS: usize = 256;
/// Packets of the node that are remembered, to be answered or sent back.
const REMEMBERED: usize = 32;
/// Ticks at one time that cut work may ask for; a driver would call more of them spinning.
const MAX_TICKS_AT_ONCE: usize = 200;

/// One call into the node; numbers are taken modulo what there is.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub enum Call<'a> {
    /// Time passes, and the driver ticks whenever it is due.
    Pass {
        /// How much of it.
        ms: u16,
    },
    /// Ticks at any time, late or early: time may go backwards, too.
    Jump {
        /// How far: see [`far`].
        by: u64,
        /// Where to.
        back: bool,
    },
    /// Any bytes.
    Datagram {
        /// Where from.
        from: u8,
        /// The payload.
        bytes: Bytes<'a>,
    },
    /// A datagram that decodes.
    Forged {
        /// Where from.
        from: u8,
        /// What it says.
        forgery: Forgery,
    },
    /// What the one whom a packet of the node was for may have answered to it.
    Answer {
        /// Which of the last packets.
        which: u8,
        /// Which answer, if there are several.
        how: u8,
        /// What else is in the datagram.
        with: Forgery,
    },
    /// A packet of the node's comes back, under another name.
    Return {
        /// Which of the last packets.
        which: u8,
        /// Whose name, and where from.
        sender: u8,
        /// What happened to it on its way.
        damage: [Damage; 2],
    },
    /// See [`Node::join`].
    Join {
        /// A bit each for the first seeds.
        seeds: u8,
    },
    /// See [`Node::leave`].
    Leave,
    /// See [`Node::set_health`].
    Health(u8),
    /// See [`Node::announce_pause`].
    Pause {
        /// How long.
        seconds: u16,
    },
    /// See [`Node::reconfigure`].
    Reconfigure {
        /// Which preset, and what is on.
        preset: u8,
        /// See [`Config::fanout`].
        fanout: u8,
        /// See [`Config::max_tombstones`].
        tombstones: u8,
    },
    /// See [`Node::restore`].
    Restore {
        /// A bit each for the members.
        members: u64,
        /// With which refutation.
        refutation: u8,
        /// With which status.
        status: u8,
    },
    /// See [`Node::set_address`].
    Address(u8),
    /// What the host writes.
    Write(Write),
}

/// A whole run.
#[derive(Clone, PartialEq, Debug)]
pub struct Program<'a> {
    /// When the host's clock begins: see [`far`].
    pub start: u64,
    /// See [`config`]; and which of the capacities.
    pub preset: u8,
    /// What happens.
    pub calls: Vec<Call<'a>>,
}

impl<'a> Arbitrary<'a> for Program<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let rest = u.len();
        Self::arbitrary_take_rest(Unstructured::new(u.bytes(rest)?))
    }

    fn arbitrary_take_rest(mut u: Unstructured<'a>) -> arbitrary::Result<Self> {
        let (start, preset) = u.arbitrary()?;
        Ok(Self { start, preset, calls: until_the_end(u, MOST_CALLS)? })
    }
}

/// The cluster of all targets.
pub fn cluster() -> ClusterName {
    match ClusterName::named(CLUSTER) {
        Ok(cluster) => cluster,
        Err(error) => unreachable!("{error}"),
    }
}

/// µs of all sizes: a number shifted by its lowest six bits.
fn far(number: u64) -> u64 {
    number >> (number & 63)
}

/// The configuration under a number.
pub fn config(preset: u8) -> Config {
    let preset_of = [Config::lan, Config::local, Config::wan][usize::from(preset) % 3];
    let mut config = preset_of(cluster());
    config.quarantine = Duration::from_secs(5);
    if preset & 0x80 != 0 {
        config.mechanisms = gossip_core::Mechanisms::SWIM;
    }
    config.budgets.pulses = if preset & 0x40 == 0 { 6_000 } else { 0 };
    config.mode = match preset >> 4 & 3 {
        0 | 1 => gossip_core::Mode::PushPull,
        2 => gossip_core::Mode::Push,
        _ => gossip_core::Mode::Pull,
    };
    config
}

fn identity() -> Identity {
    Identity { id: id(ME), epoch: FIRST_EPOCH, address: address(ME), locality: Locality::default() }
}

/// Its seed.
const SEED: [u8; 32] = [7; 32];

/// The node under test, and its host.
pub struct Rig {
    node: Node<Heap>,
    capacity: usize,
    buffer: Box<Buffer<24, 128, 28_800>>,
    now: Instant,
    /// The latest time that the node was told.
    latest: Instant,
    began: Instant,
    before: Belief,
    /// The last packets of the node.
    pub sent: VecDeque<(SocketAddr, Vec<u8>)>,
    has_left: bool,
    /// Whom the node asked to take it in, or to tell it more.
    asked: BTreeSet<SocketAddr>,
    /// What its host was asked and has not answered.
    questions: VecDeque<Question>,
    /// The user events that it delivered, by origin, epoch and number.
    delivered: BTreeSet<(NodeId, u32, u32)>,
    /// Who seals what is forged, if the node has a key.
    insider: Option<Insider>,
}

impl Rig {
    /// A node that has just started.
    pub fn new(program: &Program<'_>) -> Self {
        let now = Instant::from_micros(far(program.start));
        let capacity = CAPACITIES[usize::from(program.preset >> 2 & 3)];
        let memory = Heap::for_members(capacity);
        let node = match Node::new(config(program.preset), identity(), SEED, memory, now) {
            Ok(node) => node,
            Err(error) => unreachable!("a good start: {error}"),
        };
        let before = Belief::of(&node);
        let buffer = Box::default();
        Self {
            node,
            capacity,
            buffer,
            now,
            latest: now,
            began: now,
            before,
            sent: VecDeque::new(),
            has_left: false,
            asked: BTreeSet::new(),
            questions: VecDeque::new(),
            delivered: BTreeSet::new(),
            insider: None,
        }
    }

    /// One that hears what is sealed alone.
    pub fn sealed(program: &Program<'_>) -> Self {
        let mut rig = Self::new(program);
        rig.insider = Some(Insider::new(cluster()));
        rig.step(None, |node, now, out| {
            match node.set_keys(now, Insider::ring(), Sealing::Require, false, out) {
                Ok(output) => output,
                Err(error) => unreachable!("{error}"),
            }
        });
        rig
    }

    /// Takes one step, and checks what it did; returns when the next is due.
    fn step(
        &mut self,
        came: Option<Came>,
        call: impl for<'o> FnOnce(&mut Node<Heap>, Instant, &'o mut Outbox<'_>) -> Output<'o>,
    ) -> Instant {
        self.step_if(came, |node, now, out| Some(call(node, now, out)))
    }

    /// The same for a call that the node may refuse.
    fn step_if(
        &mut self,
        came: Option<Came>,
        call: impl for<'o> FnOnce(&mut Node<Heap>, Instant, &'o mut Outbox<'_>) -> Option<Output<'o>>,
    ) -> Instant {
        let mut outbox = self.buffer.outbox();
        let output = call(&mut self.node, self.now, &mut outbox);
        // A call that is refused before its step does not tell the node the time.
        self.latest = self.latest.max(if output.is_some() { self.now } else { self.node.now() });
        let Some(output) = output else {
            self.before = Belief::of(&self.node);
            return self.node.next_tick();
        };
        assert_eq!(output.next_tick, self.node.next_tick());
        assert!(output.next_tick >= self.latest, "{:?} is over at {:?}", output.next_tick, self.latest);
        let after = Belief::of(&self.node);
        let max = usize::from(self.node.config().max_datagram);
        for packet in output.packets() {
            assert!((22..=max).contains(&packet.bytes.len()), "a packet of {} bytes", packet.bytes.len());
            assert_ne!(packet.to.port(), 0);
            let said = match &self.insider {
                None => packet.bytes.to_vec(),
                Some(insider) => match insider.open(packet.to, packet.bytes) {
                    Some(said) => said,
                    None => continue,
                },
            };
            if section(&said, JOIN).or(section(&said, FETCH)).is_some() {
                self.asked.insert(packet.to);
            }
            if self.sent.len() == REMEMBERED {
                self.sent.pop_front();
            }
            self.sent.push_back((packet.to, said));
        }
        if let Some(came) = came {
            let proof = Proof { asked: &self.asked, before: &self.before };
            no_unproven_address_gets_more_than_came(&proof, &came, &output);
            no_answer_to_what_is_refused(&output);
            what_is_not_accepted_changes_nothing(&output, &self.before, &after);
        }
        nothing_goes_backwards(&output, &self.before, &after);
        for event in output.events() {
            match *event {
                Event::UserEvent { origin, epoch, sequence, .. } => {
                    assert!(self.delivered.insert((origin, epoch, sequence)), "{event:?} a second time");
                }
                Event::Asked { question, .. } => self.questions.push_back(question),
                _ => {}
            }
        }
        assert!(after.members.len() < self.capacity, "{} members", after.members.len());
        let status = after.own.status();
        assert!(matches!(status, Status::Alive | Status::Left), "{status:?} by its own word");
        assert!(self.has_left || status == Status::Alive, "Left unasked");
        self.before = after;
        output.next_tick
    }

    /// Ticks until nothing is due; that must come to an end.
    fn tick(&mut self) {
        for _ in 0..MAX_TICKS_AT_ONCE {
            let next = self.step(None, Node::tick);
            if next > self.latest || next == Instant::NEVER {
                return;
            }
        }
        panic!("tick after tick at {:?}", self.latest);
    }

    /// Lets time pass with a driver that ticks in time.
    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while self.node.next_tick() <= end && self.node.next_tick() != Instant::NEVER {
            self.now = self.node.next_tick();
            self.tick();
        }
        self.now = end;
    }

    /// What is sent by whoever has the key, if the node has one; `how`, see [`Insider::seal`].
    fn said(&mut self, from: SocketAddr, how: u8, said: &[u8]) {
        let sealed = self.insider.as_mut().map(|insider| insider.seal(how, said));
        match sealed {
            None => self.datagram(from, said),
            Some(None) => {}
            Some(Some(mut bytes)) => {
                let came = Came { bytes: said.to_vec(), len: bytes.len() };
                self.step(Some(came), |node, now, out| node.handle_datagram(now, from, &mut bytes, out));
            }
        }
    }

    fn datagram(&mut self, from: SocketAddr, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        let came = Came { bytes: bytes.clone(), len: bytes.len() };
        self.step(Some(came), |node, now, out| node.handle_datagram(now, from, &mut bytes, out));
    }

    /// The budgets of the classes hold over any span, whatever came.
    fn budgets_hold(&self) {
        let (metrics, config) = (self.node.metrics(), self.node.config());
        let span = self.latest.since(self.began).as_secs_f64();
        let max = f64::from(config.max_datagram);
        // Challenges to non-members are of the class sync, and paid by the total alone: one of 37 bytes a call, and 32 more
        // where it is sealed.
        let challenges = 69.0 * MOST_CALLS as f64;
        for (class, sent, rate, at_once) in [
            // State rides on rumors, and is paid by its own budget.
            (
                "rumor",
                metrics.bytes_rumor,
                config.budgets.rumor.saturating_add(config.budgets.state),
                max * 12.0,
            ),
            // It pays for no headers.
            ("state", metrics.bytes_state - 22 * metrics.packets_state, config.budgets.state, max * 9.0),
            ("sync", metrics.bytes_sync, config.budgets.sync, max * 14.0 + challenges),
            ("suspicion", metrics.bytes_suspicion, config.budgets.suspicion, max * 3.0),
            ("pulse", metrics.bytes_pulse, config.budgets.pulses, max * 3.0),
        ] {
            let most = f64::from(rate) * span + at_once + 1.0;
            assert!(sent as f64 <= most, "{sent} bytes of {class} in {span} s, and {most} at the most");
        }
    }
}

/// The number at a place of a packet.
fn number(packet: &[u8], at: usize) -> u32 {
    packet.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// What may be answered to a packet of the node, if its first section is a question.
fn answer(packet: &[u8], how: u8, with: Message) -> Message {
    let nonce = number(packet, 25);
    let token = u64::from(number(packet, 29)) << 32 | u64::from(number(packet, 33));
    match (packet.get(22), with) {
        (Some(1), _) if how % 4 < 3 => Message::Ack { nonce },
        (Some(1), _) => Message::Challenge { nonce, token: u64::from(how) },
        (Some(3), _) if how.is_multiple_of(2) => Message::RelayedAck { nonce },
        (Some(3), _) => Message::Nack { nonce },
        (Some(6), _) if how.is_multiple_of(3) => Message::Challenge { nonce, token: u64::from(how) + 1 },
        (Some(6), Message::Busy { others, .. }) => Message::Busy { nonce, others },
        (Some(6), _) => Message::Welcome { nonce, members: u32::from(how) },
        (Some(7), Message::Fetch { after, until, window, .. }) => {
            Message::Fetch { nonce, token, after, until, window }
        }
        (Some(7), Message::Join { me, .. }) => Message::Join { nonce, token, me },
        (Some(10), _) if how.is_multiple_of(4) => Message::Challenge { nonce, token: u64::from(how) + 1 },
        (Some(10), Message::Busy { .. }) => Message::Busy { nonce, others: [how, how] },
        (Some(10), with) => {
            let place = |at: usize| {
                (
                    number(packet, at),
                    u64::from(number(packet, at + 4)) << 32 | u64::from(number(packet, at + 8)),
                )
            };
            let (after, until) = (place(37), number(packet, 49));
            match with {
                Message::Page { next, last, .. } => Message::Page { nonce, after, next, last },
                _ => Message::Page { nonce, after, next: (until, u64::MAX), last: how & 1 == 0 },
            }
        }
        (_, with) => with,
    }
}

/// Runs a program, and panics if the node breaks a promise.
pub fn run(program: &Program<'_>) {
    finish(Rig::new(program), program);
}

/// The same for a node with a key, among others that have it, and some that do not.
pub fn run_sealed(program: &Program<'_>) {
    finish(Rig::sealed(program), program);
}

fn finish(mut rig: Rig, program: &Program<'_>) {
    for call in &program.calls {
        rig.call(call);
    }
    rig.budgets_hold();
    rig.pass(Duration::from_secs(5));
    rig.budgets_hold();
}

impl Rig {
    /// Makes one call, and panics if the node breaks a promise.
    pub fn call(&mut self, call: &Call<'_>) {
        match call {
            Call::Pass { ms } => self.pass(Duration::from_millis(u64::from(ms % 8_192))),
            Call::Jump { by, back } => {
                let by = Duration::from_micros(far(*by));
                self.now = if *back { self.now - by } else { self.now + by };
                self.tick();
            }
            Call::Datagram { from, bytes } => self.datagram(address(*from), bytes.0),
            Call::Forged { from, forgery } => self.forged(address(*from), *from, forgery),
            Call::Answer { which, how, with } => self.answer(*which, *how, with),
            Call::Return { which, sender, damage } => {
                let Some((_, mut bytes)) = self.nth_sent(*which) else { return };
                Damage::Sender(*sender).apply(&mut bytes);
                damage.iter().for_each(|damage| damage.apply(&mut bytes));
                self.said(address(*sender), *which, &bytes);
            }
            Call::Join { seeds } => {
                let seeds: Vec<SocketAddr> =
                    (0..8).filter(|n| seeds >> n & 1 == 1).map(|n| address(n as u8)).collect();
                self.step(None, |node, now, out| node.join(now, &seeds, out));
            }
            Call::Leave => {
                self.has_left = true;
                self.step(None, Node::leave);
            }
            Call::Health(health) => {
                let health = [Health::Healthy, Health::Degraded, Health::Unhealthy][usize::from(*health) % 3];
                self.step(None, |node, now, out| node.set_health(now, health, out));
            }
            Call::Pause { seconds } => {
                let pause = Duration::from_secs(u64::from(*seconds));
                self.step(None, |node, now, out| node.announce_pause(now, pause, out));
            }
            Call::Reconfigure { preset, fanout, tombstones } => {
                let max_tombstones = 1 + u32::from(tombstones % 16);
                let config = config(*preset).with(|c| {
                    c.fanout = 1 + fanout % 8;
                    c.max_tombstones = max_tombstones;
                });
                self.step(None, |node, now, out| match node.reconfigure(now, config, out) {
                    Ok(output) => output,
                    Err(error) => panic!("{error}"),
                });
            }
            Call::Write(write) => {
                let question =
                    if matches!(write, Write::Answer(_)) { self.questions.pop_front() } else { None };
                self.step_if(None, |node, now, out| write.apply(node, now, question, out));
            }
            Call::Restore { members, refutation, status } => self.restore(*members, *refutation, *status),
            Call::Address(n) => {
                let address = address(*n);
                self.step(None, |node, now, out| match node.set_address(now, address, out) {
                    Ok(output) => output,
                    Err(error) => panic!("{error}"),
                });
            }
        }
    }

    fn nth_sent(&self, which: u8) -> Option<(SocketAddr, Vec<u8>)> {
        let newest = self.sent.len().checked_sub(1)?;
        self.sent.get(newest - usize::from(which) % self.sent.len()).cloned()
    }

    fn forged(&mut self, from: SocketAddr, how: u8, forgery: &Forgery) {
        let bytes = forgery.write(self.node.fingerprint().0);
        self.said(from, how, &bytes);
    }

    fn answer(&mut self, which: u8, how: u8, with: &Forgery) {
        let Some((to, packet)) = self.nth_sent(which) else { return };
        let SocketAddr::V4(v4) = to else { return };
        let said = with.message.clone().unwrap_or(Message::Pull);
        let message = Some(answer(&packet, how, said));
        let sender = v4.ip().octets()[3];
        self.forged(to, which, &Forgery { sender, message, ..with.clone() });
    }

    fn restore(&mut self, members: u64, refutation: u8, status: u8) {
        let status = [Status::Alive, Status::Suspect, Status::Dead, Status::Left][usize::from(status) % 4];
        let record = |n: u8| {
            let identity = Identity { id: id(n), address: address(n), ..identity() };
            let incarnation = Incarnation { epoch: FIRST_EPOCH, refutation: u32::from(refutation % 8) };
            Record::new(identity, Versions::OURS).with_incarnation(incarnation).with_status(status)
        };
        let records: Vec<Record> = (0..NAMES).filter(|n| members >> n & 1 == 1).map(record).collect();
        self.step(None, |node, now, out| node.restore(now, &records, out));
    }
}
