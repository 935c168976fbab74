//! What is forged of state: of kept entries, events, cluster-wide values and pulses.

use super::{Claim, count, id};
use arbitrary::Arbitrary;
use gossip_core::{Incarnation, NodeId};
use testkit::forge::{self, Section};

/// The keys that programs speak of, more than an owner may have.
const KEYS: u8 = 80;
/// The longest value that they speak of: with its key it is longer than any entry may be.
const MAX_VALUE: u16 = 1_200;

/// The `n`th key.
pub fn key(n: u8) -> String {
    format!("key-{}", n % KEYS)
}

/// A value of this length, or nearly, whose bytes tell it from others.
pub fn value(n: u8, len: u16) -> Vec<u8> {
    vec![n; usize::from(len % MAX_VALUE)]
}

/// Whose state, and when.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub struct Whose {
    /// The owner, origin or writer.
    pub who: u8,
    /// See [`Claim::epoch`].
    pub epoch: u8,
    /// Near the first or the last: a version, a revision or a number.
    pub number: u8,
    /// How old it is, in 16 ms.
    pub age: u16,
}

impl Whose {
    fn id(&self) -> NodeId {
        id(self.who)
    }

    fn epoch(&self) -> u32 {
        Claim::incarnation(self.epoch, 0).epoch
    }

    fn version(&self) -> u32 {
        count(self.number, Incarnation::MAX_COUNT)
    }

    /// From 1 on, and up to the end.
    fn counted(&self) -> u32 {
        count(self.number, u32::MAX).max(1)
    }

    fn age_ms(&self) -> u32 {
        u32::from(self.age) * 16
    }
}

/// An entry of an item, by what it differs in from the one before.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
pub struct Kept {
    /// Versions above it.
    pub after: u8,
    /// See [`key()`]; a floor where it is 255.
    pub key: u8,
    /// Deleted, lasting for a time, outliving its owner: the highest three bits.
    pub flags: u8,
    /// Bytes of its value.
    pub len: u16,
}

impl Kept {
    fn write(&self, version: u32) -> Vec<u8> {
        if self.key == u8::MAX {
            let below = version.saturating_sub(1 + u32::from(self.flags % 8));
            return [&[0, 4][..], &below.to_be_bytes()].concat();
        }
        let (name, flags) = (key(self.key), self.flags & 0xE0);
        let mut bytes = vec![name.len() as u8 | flags];
        bytes.extend(name.bytes());
        let is_deleted = flags & 0x20 != 0;
        if flags & 0x40 != 0 {
            bytes.extend(forge::leb(1 + u32::from(self.len)));
        }
        if !is_deleted {
            let value = value(self.flags, self.len % 300);
            bytes.extend(forge::leb(value.len() as u32));
            bytes.extend(value);
        }
        bytes
    }
}

/// Something that is said of state.
#[derive(Arbitrary, Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "fields are named as in PROTOCOL.md, section 5")]
pub enum Said {
    /// `behind` is how far it ends below its top.
    Item {
        owner: Whose,
        behind: u8,
        span: u8,
        entries: [Option<Kept>; 3],
    },
    /// Of the tag that an owner has in the order, as far as the program knows it.
    Head {
        tag: u32,
        top: u16,
    },
    Want {
        owner: Whose,
    },
    Range {
        from: u32,
        until: u32,
    },
    Event {
        origin: Whose,
        len: u16,
    },
    EventHead {
        origin: Whose,
    },
    EventWant {
        origin: Whose,
        heard: u64,
    },
    /// Deleted without a length.
    Value {
        key: u8,
        writer: Whose,
        len: Option<u16>,
    },
    Sum(u32),
    NoValues,
    Keys {
        key: u8,
        times: u8,
    },
    Pulse {
        origin: Whose,
        len: u8,
    },
}

impl Said {
    pub(super) fn section(&self) -> Section {
        match self {
            Self::Item { owner, behind, span, entries } => item(owner, (*behind, *span), entries),
            Self::Head { tag, top } => forge::head_of(*tag, *top),
            Self::Want { owner } => forge::want(owner.id(), owner.epoch(), owner.version()),
            Self::Range { from, until } => forge::range(*from.min(until), *from.max(until)),
            Self::Event { origin, len } => {
                let payload = value(origin.number, len % 513);
                forge::user_event(
                    origin.id(),
                    origin.epoch(),
                    origin.version().max(1),
                    origin.age_ms(),
                    &payload,
                )
            }
            Self::EventHead { origin } => forge::event_head(origin.id(), origin.epoch(), origin.counted()),
            Self::EventWant { origin, heard } => {
                let newest = if *heard == 0 { 0 } else { origin.counted() };
                let heard = if *heard == 0 { 0 } else { heard | 1 };
                forge::event_want(origin.id(), origin.epoch(), newest, heard)
            }
            Self::Value { key: name, writer, len } => {
                let bytes = len.map(|len| value(writer.number, len));
                forge::value_of(
                    &key(*name),
                    writer.counted().into(),
                    writer.id(),
                    writer.age.into(),
                    bytes.as_deref(),
                )
            }
            Self::Sum(sum) => forge::sum(*sum),
            Self::NoValues => forge::no_values(),
            Self::Keys { key: name, times } => forge::keys(&key(*name), usize::from(times % 16)),
            Self::Pulse { origin, len } => {
                let blob = value(origin.number, u16::from(len % 61));
                forge::pulse(origin.id(), origin.epoch(), origin.counted(), origin.age_ms(), &blob)
            }
        }
    }
}

fn item(owner: &Whose, (behind, span): (u8, u8), entries: &[Option<Kept>]) -> Section {
    let top = owner.version();
    let to = top.saturating_sub(u32::from(behind % 8));
    let from = to.saturating_sub(u32::from(span));
    let (mut last, mut written) = (from, Vec::new());
    for kept in entries.iter().flatten() {
        let version = last + 1 + u32::from(kept.after % 4);
        if version > to {
            break;
        }
        written.extend(forge::leb(version - last));
        written.extend(kept.write(version));
        last = version;
    }
    let mut bytes = owner.id().as_u64().to_be_bytes().to_vec();
    bytes.extend(owner.epoch().to_be_bytes());
    bytes.extend([0, 0]);
    let numbers = [top, top - to, to - from, owner.age_ms(), written.len() as u32];
    numbers.into_iter().for_each(|number| bytes.extend(forge::leb(number)));
    bytes.extend(written);
    (48, bytes)
}
