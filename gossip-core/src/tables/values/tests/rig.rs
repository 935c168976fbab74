//! Memory for values, short ways to use it, and random values.

use crate::{
    tables::{
        state::entry::Seconds,
        values::{
            limits::Refusal,
            merge::Merged,
            store::{Books, Rules, Slot, Values},
            value::{Content, Rank, Value, Version},
        },
    },
    vocabulary::{key::ValueKey, record::NodeId},
};
use quickcheck::{Arbitrary, Gen};
use std::{vec, vec::Vec};

pub(super) const NOW: Seconds = Seconds(100);

pub(super) fn key(text: &str) -> ValueKey {
    ValueKey::from_bytes(text.as_bytes()).unwrap()
}

pub(super) fn node(number: u64) -> NodeId {
    NodeId::from_u64(number).unwrap()
}

/// What is held of a key, without its age.
pub(super) type Fact = (ValueKey, Version, Option<Vec<u8>>);

#[derive(Clone)]
pub(super) struct Rig {
    slots: Vec<Slot>,
    bytes: Vec<u8>,
    books: Books,
    pub(super) rules: Rules,
}

impl Rig {
    pub(super) fn new(slots: usize, bytes: usize) -> Self {
        Self {
            slots: vec![Slot::EMPTY; slots],
            bytes: vec![0; bytes],
            books: Books::EMPTY,
            rules: Rules { value_bytes: 900, ..Rules::EMPTY },
        }
    }

    pub(super) fn values(&mut self) -> Values<'_> {
        let Self { slots, bytes, books, rules } = self;
        Values { slots, bytes, books, rules }
    }

    pub(super) fn merge(&mut self, letter: &Letter) -> Result<Merged, Refusal> {
        self.merge_at(&letter.value(), NOW)
    }

    pub(super) fn merge_at(&mut self, value: &Value<'_>, now: Seconds) -> Result<Merged, Refusal> {
        let mut values = self.values();
        let merged = values.merge(value, now);
        values.check();
        merged
    }

    pub(super) fn set(&mut self, me: u64, text: &str, bytes: &[u8]) -> Result<Merged, Refusal> {
        self.set_at(me, text, Content::Value(bytes), NOW)
    }

    pub(super) fn delete(&mut self, me: u64, text: &str) -> Result<Merged, Refusal> {
        self.set_at(me, text, Content::Deleted, NOW)
    }

    pub(super) fn set_at(
        &mut self,
        me: u64,
        text: &str,
        content: Content<'_>,
        now: Seconds,
    ) -> Result<Merged, Refusal> {
        let mut values = self.values();
        let merged = values.set(node(me), key(text), content, now);
        values.check();
        merged
    }

    pub(super) fn forget(&mut self, now: Seconds) -> u32 {
        let mut values = self.values();
        let forgotten = values.forget(now);
        values.check();
        forgotten
    }

    pub(super) fn sum(&mut self) -> u32 {
        self.values().view().sum()
    }

    /// All that is held, tombstones too.
    pub(super) fn facts(&mut self) -> Vec<Fact> {
        let values = self.values();
        let entries = values.view().entries().map(|entry| entry.value(NOW));
        entries.map(|value| (value.key, value.version, value.content.value().map(<[u8]>::to_vec))).collect()
    }

    pub(super) fn version(&mut self, text: &str) -> Option<Version> {
        self.values().view().held(&key(text), NOW).map(|held| held.version)
    }

    /// Keys and values that a host sees.
    pub(super) fn shows(&mut self) -> Vec<(ValueKey, Vec<u8>)> {
        let values = self.values();
        let shown = values.view().values(NOW);
        shown.map(|value| (value.key, value.content.value().unwrap().to_vec())).collect()
    }

    pub(super) fn get(&mut self, text: &str) -> Option<Vec<u8>> {
        let values = self.values();
        let value = values.view().get(&key(text), NOW)?;
        Some(value.content.value().expect("a tombstone does not show").to_vec())
    }

    /// The bytes of all keys and values, and of their slots but for what depends on when they came.
    pub(super) fn raw(&mut self) -> (Vec<u8>, Vec<Fact>, u32, u64) {
        let values = self.values();
        let used = values.bytes[..usize::from(values.books.bytes)].to_vec();
        let (sum, seen) = (self.books.sum, self.books.seen);
        (used, self.facts(), sum, seen)
    }
}

/// A value that owns its bytes, one of few keys and versions, so that they meet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Letter {
    pub(super) key: ValueKey,
    pub(super) origin: (Rank, u64, NodeId),
    /// None of a tombstone.
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) age: u32,
}

impl Letter {
    pub(super) fn of(value: &Value<'_>) -> Self {
        let Version { rank, revision, writer, .. } = value.version;
        let bytes = value.content.value().map(<[u8]>::to_vec);
        Self { key: value.key, origin: (rank, revision, writer), bytes, age: value.age }
    }

    pub(super) fn value(&self) -> Value<'_> {
        let content = self.bytes.as_deref().map_or(Content::Deleted, Content::Value);
        Value::new(self.key, self.origin, content, self.age)
    }
}

impl Arbitrary for Letter {
    fn arbitrary(g: &mut Gen) -> Self {
        let mut byte = |below: u8| u8::arbitrary(g) % below;
        let rank = match byte(4) {
            0 => Rank::Authority { source: u32::from(byte(2)) },
            _ => Rank::Anyone,
        };
        let origin = (rank, u64::from(byte(4)), node(1 + u64::from(byte(3))));
        let longest = if byte(3) == 0 { 60 } else { 3 };
        let length = usize::from(byte(longest));
        let fill = byte(2);
        let bytes = if byte(4) == 0 { None } else { Some(vec![fill; length]) };
        let text = ["a", "b", "b/", "b/c", "c", "d/with-a-longer-key", "e"][usize::from(byte(7))];
        Self { key: key(text), origin, bytes, age: u32::from(byte(100)) }
    }

    fn shrink(&self) -> std::boxed::Box<dyn Iterator<Item = Self>> {
        let this = self.clone();
        std::boxed::Box::new(self.bytes.shrink().map(move |bytes| Self { bytes, ..this.clone() }))
    }
}
