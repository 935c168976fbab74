//! Datagrams from whoever may send them, written by hand after PROTOCOL.md: an encoder apart from the core's.
//!
//! Ids, addresses and counts come from small ranges, so that what is forged concerns the nodes under test; or from the
//! ends of what is believed.

use arbitrary::{Arbitrary, Unstructured};
use gossip_core::{Incarnation, NodeId};
use siphasher::sip::SipHasher13;
use std::{net::SocketAddr, sync::LazyLock};

/// The most ids that programs speak of.
pub const NAMES: u8 = 64;
/// Of those, the ones whose places are anywhere. The others are ground, as anybody can: they stand side by side.
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

/// A record that somebody claims.
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

/// What the first life of every node starts with.
pub const FIRST_EPOCH: u32 = 1_000;

impl Claim {
    fn incarnation(epoch: u8, refutation: u8) -> Incarnation {
        let epoch = match epoch {
            0..=199 => FIRST_EPOCH + u32::from(epoch % 8) - 1,
            _ => count(epoch, Incarnation::MAX_EPOCH),
        };
        Incarnation { epoch, refutation: count(refutation, Incarnation::MAX_COUNT) }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let Incarnation { epoch, refutation } = Self::incarnation(self.epoch, self.refutation);
        out.extend(id(self.id).as_u64().to_be_bytes());
        out.extend(epoch.to_be_bytes());
        let health = (self.standing >> 2 & 3).min(2);
        let (region, zone, rack) = (self.locality & 1, self.locality >> 1 & 3, self.locality >> 3 & 1);
        out.extend([self.standing & 3 | health << 2, 0x11, region, zone, rack, self.pause]);
        out.extend(7_946u16.to_be_bytes());
        out.extend([10, 0, 0, self.address % NAMES]);
        leb(out, refutation);
        leb(out, count(self.state_version, Incarnation::MAX_COUNT));
        leb(out, u32::from(self.age) * 16);
    }
}

fn leb(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
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
}

impl Message {
    /// Its tag, as in PROTOCOL.md, section 5.
    fn tag(&self) -> u8 {
        match self {
            Self::Ping { .. } => 1,
            Self::Ack { .. } => 2,
            Self::PingRequest { .. } => 3,
            Self::RelayedAck { .. } => 4,
            Self::Nack { .. } => 5,
            Self::Join { .. } => 6,
            Self::Challenge { .. } => 7,
            Self::Welcome { .. } => 8,
            Self::Busy { .. } => 9,
            Self::Fetch { .. } => 10,
            Self::Page { .. } => 11,
            Self::Pull => 12,
            Self::Repair => 13,
            Self::Observed { .. } => 18,
            Self::Sifted { .. } => 20,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ping { nonce, .. }
            | Self::Ack { nonce }
            | Self::PingRequest { nonce, .. }
            | Self::RelayedAck { nonce }
            | Self::Nack { nonce }
            | Self::Join { nonce, .. }
            | Self::Challenge { nonce, .. }
            | Self::Welcome { nonce, .. }
            | Self::Busy { nonce, .. }
            | Self::Fetch { nonce, .. }
            | Self::Page { nonce, .. }
            | Self::Observed { nonce, .. }
            | Self::Sifted { nonce } => out.extend(nonce.to_be_bytes()),
            Self::Pull | Self::Repair => {}
        }
        match self {
            Self::Ping { target, .. } | Self::PingRequest { target, .. } => {
                out.extend(id(*target).as_u64().to_be_bytes());
            }
            Self::Join { token, me, .. } => {
                out.extend(token.to_be_bytes());
                me.write(out);
            }
            Self::Challenge { token, .. } => out.extend(token.to_be_bytes()),
            Self::Welcome { members, .. } => out.extend(members.to_be_bytes()),
            Self::Busy { others, .. } => others.iter().for_each(|other| endpoint(out, *other)),
            Self::Fetch { token, after, until, window, .. } => {
                out.extend(token.to_be_bytes());
                place(out, *after);
                out.extend(until.to_be_bytes());
                out.push(*window);
            }
            Self::Page { after, next, last, .. } => {
                place(out, *after);
                place(out, *next);
                out.push(u8::from(*last));
            }
            Self::Observed { seen, .. } => endpoint(out, *seen),
            Self::Ack { .. }
            | Self::RelayedAck { .. }
            | Self::Nack { .. }
            | Self::Pull
            | Self::Repair
            | Self::Sifted { .. } => {}
        }
    }
}

fn place(out: &mut Vec<u8>, (tag, id): (u32, u64)) {
    out.extend(tag.to_be_bytes());
    out.extend(id.to_be_bytes());
}

/// The address of one of the names, with its family.
fn endpoint(out: &mut Vec<u8>, name: u8) {
    out.push(4);
    out.extend(7_946u16.to_be_bytes());
    out.extend([10, 0, 0, name % NAMES]);
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
}

impl Entry {
    fn write(&self, out: &mut Vec<u8>) -> u8 {
        let prefix = |out: &mut Vec<u8>, flags: u8, level: u8, tag: u32| {
            let bits = 3 + 4 * u32::from(level);
            out.push(level | flags);
            let kept = u32::MAX.checked_shl(32 - bits).unwrap_or(u32::MAX);
            out.extend(&(tag & kept).to_be_bytes()[..usize::from(1 + level / 2)]);
        };
        match self {
            Self::Record(claim) => {
                claim.write(out);
                32
            }
            Self::Accusation { target, epoch, refutation, accuser } => {
                let Incarnation { epoch, refutation } = Claim::incarnation(*epoch, *refutation);
                out.extend(id(*target).as_u64().to_be_bytes());
                out.extend(epoch.to_be_bytes());
                leb(out, refutation);
                out.extend(id(*accuser).as_u64().to_be_bytes());
                33
            }
            Self::Digest { level, tag, fresh, sum } => {
                prefix(out, if fresh.is_some() { 8 } else { 0 }, level % 7, *tag);
                fresh.iter().for_each(|fresh| out.extend(fresh.to_be_bytes()));
                (0..16).for_each(|_| out.extend(sum.to_be_bytes()));
                14
            }
            Self::List { level, tag, flags, first, count: versions, refutation, state_version } => {
                prefix(out, flags & 3 << 3, level % 8, *tag);
                out.push(versions % 17);
                for n in 0..versions % 17 {
                    out.extend(id(first.wrapping_add(n)).as_u64().to_be_bytes());
                    out.extend(FIRST_EPOCH.to_be_bytes());
                    let (state, refutation) = (state_version & 31, refutation % 5);
                    out.push(state | refutation.min(3) << 5);
                    if refutation >= 3 {
                        out.push(refutation - 3);
                    }
                }
                15
            }
            Self::Request { id: wanted } => {
                out.extend(id(*wanted).as_u64().to_be_bytes());
                16
            }
            Self::Sieve { nonce, from, until, bytes, bits } => {
                let parts = [*nonce, *from.min(until), *until.max(from)];
                parts.iter().for_each(|part| out.extend(part.to_be_bytes()));
                out.extend(core::iter::repeat_n(*bits, 1 + usize::from(bytes % 1_000)));
                19
            }
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
    /// Sections of their own, but for neighbours of one kind.
    pub entries: Vec<Entry>,
}

impl Forgery {
    /// The datagram; `view` is the receiver's fingerprint.
    pub fn write(&self, view: u64) -> Vec<u8> {
        let mut bytes = vec![1, 0];
        bytes.extend(CLUSTER_TAG);
        bytes.extend(id(self.sender).as_u64().to_be_bytes());
        bytes.extend(if self.same_view { view } else { !view }.to_be_bytes());
        let mut last = None;
        let mut section = |bytes: &mut Vec<u8>, tag: u8, body: &[u8]| {
            let start = match last {
                Some((open, start)) if open == tag => start,
                _ => {
                    bytes.extend([tag, 0, 0]);
                    bytes.len()
                }
            };
            bytes.extend(body);
            let length = ((bytes.len() - start) as u16).to_be_bytes();
            bytes[start - 2..start].copy_from_slice(&length);
            last = (tag > 13).then_some((tag, start));
        };
        let mut body = Vec::new();
        if let Some(message) = &self.message {
            message.write(&mut body);
            let tag = message.tag();
            section(&mut bytes, tag, &body);
        }
        for entry in &self.entries {
            body.clear();
            let tag = entry.write(&mut body);
            section(&mut bytes, tag, &body);
        }
        bytes
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
