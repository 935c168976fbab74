//! Datagrams from whoever may send them, written by the forger of the tests.
//!
//! Ids, addresses and counts come from small ranges, so that what is forged concerns the nodes under test; or from the
//! ends of what is believed.

mod state;

pub use state::{Kept, Said, Whose, key, value};

use arbitrary::{Arbitrary, Unstructured};
use gossip_core::{Health, Identity, Incarnation, Locality, NodeId, Record, Status, Versions};
use siphasher::sip::SipHasher13;
use std::{net::SocketAddr, sync::LazyLock};
use testkit::forge::{self, Section};

/// The most ids that programs speak of.
pub const NAMES: u8 = 64;
/// Of those, the ones whose places are anywhere. The others are ground, as anyone can: they stand side by side.
const APART: u8 = 24;

/// The name of every target's cluster, and its tag: PROTOCOL.md, section 2.
pub const CLUSTER: &str = "fuzz";
/// See [`CLUSTER`].
pub const CLUSTER_TAG: [u8; 4] = [0xD4, 0x46, 0x55, 0x4B];

/// Bytes of any length, read from the front of the input so that an encoder can write them.
#[derive(Clone, PartialEq, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Arbitrary<'a> for Bytes<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let len = usize::from(u16::arbitrary(u)?).min(u.len());
        Ok(Self(u.bytes(len)?))
    }
}

/// Elements until the input ends, `most` at the most: no bit between them ends a program early.
pub fn until_the_end<'a, T: Arbitrary<'a>>(
    mut u: Unstructured<'a>,
    most: usize,
) -> arbitrary::Result<Vec<T>> {
    let mut all = Vec::new();
    while !u.is_empty() && all.len() < most {
        all.push(u.arbitrary()?);
    }
    Ok(all)
}

static IDS: LazyLock<Vec<NodeId>> = LazyLock::new(|| {
    let apart = (0..APART).filter_map(|n| NodeId::from_name(&format!("node-{n}")).ok());
    let hash = |key: (u64, u64), bytes: &[u8]| SipHasher13::new_with_keys(key.0, key.1).hash(bytes);
    let cluster_key = hash((0, 2), CLUSTER.as_bytes());
    let is_in_the_crowd = |id: &NodeId| hash((cluster_key, 1), &id.as_u64().to_be_bytes()) >> 57 == 0;
    let crowd = (1..).filter_map(NodeId::from_u64).filter(is_in_the_crowd);
    apart.chain(crowd).take(NAMES.into()).collect()
});

/// The `n`th id.
pub fn id(n: u8) -> NodeId {
    IDS[usize::from(n % NAMES)]
}

/// The address of the `n`th node.
pub fn address(n: u8) -> SocketAddr {
    ([10, 0, 0, n % NAMES], 7_946).into()
}

/// A number near the beginning, or near the end, of what is believed.
fn count(n: u8, most: u32) -> u32 {
    match n {
        0..=199 => u32::from(n % 40),
        _ => most - u32::from(255 - n) % 4,
    }
}

/// A record that someone claims.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub struct Claim {
    /// Whose.
    pub id: u8,
    /// Above the first epoch of all nodes, or near the end.
    pub epoch: u8,
    /// See `epoch`.
    pub refutation: u8,
    /// Status and health, as the wire has them.
    pub standing: u8,
    /// See `epoch`.
    pub state_version: u8,
    /// Patience asked for.
    pub pause: u8,
    /// Region, zone, and rack.
    pub locality: u8,
    /// Whose address.
    pub address: u8,
    /// How old the news is, in 16 ms.
    pub age: u16,
}

/// What the first incarnation of every node starts with.
pub const FIRST_EPOCH: u32 = testkit::FIRST_EPOCH;

impl Claim {
    fn incarnation(epoch: u8, refutation: u8) -> Incarnation {
        let epoch = match epoch {
            0..=199 => FIRST_EPOCH + u32::from(epoch % 8) - 1,
            _ => count(epoch, Incarnation::MAX_EPOCH),
        };
        Incarnation { epoch, refutation: count(refutation, Incarnation::MAX_COUNT) }
    }

    fn age_ms(&self) -> u32 {
        u32::from(self.age) * 16
    }

    fn record(&self) -> Record {
        let health = [Health::Healthy, Health::Degraded, Health::Unhealthy, Health::Unhealthy];
        let status = [Status::Alive, Status::Suspect, Status::Dead, Status::Left];
        let incarnation = Self::incarnation(self.epoch, self.refutation);
        let locality = Locality {
            region: self.locality & 1,
            zone: self.locality >> 1 & 3,
            rack: self.locality >> 3 & 1,
        };
        let identity =
            Identity { id: id(self.id), epoch: incarnation.epoch, address: address(self.address), locality };
        let version = count(self.state_version, Incarnation::MAX_COUNT);
        Record::new(identity, Versions::OURS)
            .with_incarnation(incarnation)
            .with_status(status[usize::from(self.standing & 3)])
            .with_state(version, health[usize::from(self.standing >> 2 & 3)], self.pause)
    }
}

/// A message, with whatever nonce.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "fields are named as in PROTOCOL.md, section 5")]
pub enum Message {
    Ping { nonce: u32, target: u8 },
    Ack { nonce: u32 },
    PingRequest { nonce: u32, target: u8 },
    RelayedAck { nonce: u32 },
    Nack { nonce: u32 },
    Join { nonce: u32, token: u64, me: Claim },
    Challenge { nonce: u32, token: u64 },
    Welcome { nonce: u32, members: u32 },
    Busy { nonce: u32, others: [u8; 2] },
    Fetch { nonce: u32, token: u64, after: (u32, u64), until: u32, window: u8 },
    Page { nonce: u32, after: (u32, u64), next: (u32, u64), last: bool },
    Pull,
    Repair,
    Observed { nonce: u32, seen: u8 },
    Sifted { nonce: u32 },
    Ask { nonce: u32, key: u8 },
    Answer { nonce: u32, status: u8, len: u16 },
}

impl Message {
    fn section(&self) -> Section {
        match *self {
            Self::Ping { nonce, target } => forge::ping(nonce, id(target)),
            Self::Ack { nonce } => forge::ack(nonce),
            Self::PingRequest { nonce, target } => forge::ping_request(nonce, id(target)),
            Self::RelayedAck { nonce } => forge::relayed_ack(nonce),
            Self::Nack { nonce } => forge::nack(nonce),
            Self::Join { nonce, token, ref me } => {
                let (tag, mut body) = forge::join(nonce, token, &me.record());
                // The age is the last of it, and 0 there.
                body.pop();
                body.extend(forge::leb(me.age_ms()));
                (tag, body)
            }
            Self::Challenge { nonce, token } => forge::challenge(nonce, token),
            Self::Welcome { nonce, members } => forge::welcome(nonce, members),
            Self::Busy { nonce, others } => forge::busy(nonce, &others.map(address)),
            Self::Fetch { nonce, token, after, until, window } => {
                forge::fetch(nonce, token, after, until, window)
            }
            Self::Page { nonce, after, next, last } => forge::page(nonce, after, next, last),
            Self::Pull => forge::pull(),
            Self::Repair => forge::repair(),
            Self::Observed { nonce, seen } => forge::observed(nonce, address(seen)),
            Self::Sifted { nonce } => forge::sifted(nonce),
            Self::Ask { nonce, key } => forge::ask(nonce, &state::key(key)),
            Self::Answer { nonce, status, len } => {
                let found = if status % 3 == 0 { value(status, len) } else { Vec::new() };
                forge::answer(nonce, status % 3, &found)
            }
        }
    }
}

/// What goes with a message.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "fields are named as in PROTOCOL.md, section 5")]
pub enum Entry {
    Record(Claim),
    Accusation {
        target: u8,
        epoch: u8,
        refutation: u8,
        accuser: u8,
    },
    /// All sums alike.
    Digest {
        level: u8,
        tag: u32,
        fresh: Option<u16>,
        sum: u64,
    },
    /// Of the members from `first` on.
    List {
        level: u8,
        tag: u32,
        flags: u8,
        first: u8,
        count: u8,
        refutation: u8,
        state_version: u8,
    },
    Request {
        id: u8,
    },
    /// All its bytes alike.
    Sieve {
        nonce: u32,
        from: u32,
        until: u32,
        bytes: u16,
        bits: u8,
    },
    State(Said),
}

impl Entry {
    fn section(&self) -> Section {
        match *self {
            Self::Record(ref claim) => forge::records(&[claim.record()], claim.age_ms()),
            Self::Accusation { target, epoch, refutation, accuser } => {
                forge::accusations(id(target), Claim::incarnation(epoch, refutation), &[id(accuser)])
            }
            Self::Digest { level, tag, fresh, sum } => forge::digest(level % 7, tag, fresh, [sum; 16]),
            Self::List { level, tag, flags, first, count, refutation, state_version } => {
                let version =
                    |n| (id(first.wrapping_add(n)), FIRST_EPOCH, state_version & 31, refutation % 5);
                forge::list(level % 8, tag, flags >> 3, &(0..count % 17).map(version).collect::<Vec<_>>())
            }
            Self::Request { id: wanted } => forge::requests(&[id(wanted)]),
            Self::Sieve { nonce, from, until, bytes, bits } => {
                let bits = vec![bits; 1 + usize::from(bytes % 1_000)];
                forge::sieve(nonce, from.min(until), until.max(from), &bits)
            }
            Self::State(ref said) => said.section(),
        }
    }
}

/// A whole datagram.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub struct Forgery {
    /// Under whose id.
    pub sender: u8,
    /// Whose view it claims to have: the receiver's own, or another.
    pub same_view: bool,
    /// At most one, as the protocol wants it.
    pub message: Option<Message>,
    /// Sections of their own, except for neighbours of one kind.
    pub entries: Vec<Entry>,
}

impl Forgery {
    /// The datagram; `view` is the receiver's fingerprint.
    pub fn write(&self, view: u64) -> Vec<u8> {
        let head = [&[1, 0][..], &CLUSTER_TAG].concat();
        let mut sections: Vec<Section> = self.message.iter().map(Message::section).collect();
        let first = sections.len();
        for entry in &self.entries {
            let (tag, body) = entry.section();
            match sections.get_mut(first..).and_then(<[Section]>::last_mut).filter(|last| last.0 == tag) {
                Some((_, open)) => open.extend(body),
                None => sections.push((tag, body)),
            }
        }
        forge::datagram_with(&head, id(self.sender), if self.same_view { view } else { !view }, &sections)
    }
}

/// A change to a datagram's bytes; positions are taken modulo its length.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub enum Damage {
    /// Flips bits.
    Flip(u16, u8),
    /// Overwrites a number.
    Number(u16, u32),
    /// Puts a byte in.
    Insert(u16, u8),
    /// Takes a byte out.
    Remove(u16),
    /// Cuts the rest off.
    Cut(u16),
    /// Says the rest twice.
    Repeat(u16),
    /// Puts another id in the place of the sender's.
    Sender(u8),
    /// Claims another view.
    View(u64),
}

impl Damage {
    /// Does it.
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        let nth = |at: u16| usize::from(at) % bytes.len().max(1);
        let overwrite = |bytes: &mut Vec<u8>, at: usize, with: &[u8]| {
            bytes.iter_mut().skip(at).zip(with).for_each(|(byte, &with)| *byte = with);
        };
        match *self {
            Self::Flip(at, with) => {
                let at = nth(at);
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= with);
            }
            Self::Number(at, number) => {
                let at = nth(at);
                overwrite(bytes, at, &number.to_be_bytes());
            }
            Self::Insert(at, byte) => bytes.insert(nth(at), byte),
            Self::Remove(at) if !bytes.is_empty() => drop(bytes.remove(nth(at))),
            Self::Remove(_) => {}
            Self::Cut(at) => bytes.truncate(nth(at)),
            Self::Repeat(at) => bytes.extend_from_within(nth(at)..),
            Self::Sender(n) => overwrite(bytes, 6, &id(n).as_u64().to_be_bytes()),
            Self::View(view) => overwrite(bytes, 14, &view.to_be_bytes()),
        }
    }
}
