//! Memory for a store, and short ways to use it.

use crate::tables::{
    state::{
        arena::{Block, Blocks, Books},
        desk::Desk,
        entry::{Content, Seconds, Stored},
        item::Item,
        limits::{Limits, Refusal},
        outcome::{Applied, Change, Outcome},
        owner::Owner,
        read::{Standing, View},
        store::Store,
        tell::{Tell, Told},
        write::{Terms, Written},
    },
    table::SlotId,
};
use std::{vec, vec::Vec};

impl Store<'_> {
    /// All maps, to read only.
    pub(super) fn view(&self) -> View<'_> {
        View { owners: self.owners, blocks: self.arena.view() }
    }

    pub(super) fn blocks(&self) -> Blocks<'_> {
        self.arena.view()
    }

    /// Makes tombstones of an owner's values whose time is over, as happens when room is needed; returns of how many.
    pub(super) fn expire(&mut self, owner: SlotId, now: Seconds) -> u32 {
        self.edit(owner, |_, map, _| map.expire(now)).unwrap_or_default()
    }
}

pub(super) const LIMITS: Limits = Limits { owner_bytes: 1_024, entry_bytes: 900 };
/// The one owner of most tests, and its epoch. It has not the first slot.
pub(super) const OWNER: SlotId = 1;
pub(super) const NOW: Seconds = Seconds(1_000);

#[derive(Clone)]
pub(super) struct Rig {
    owners: Vec<Owner>,
    blocks: Vec<Block>,
    links: Vec<u32>,
    books: Books,
    desk: Desk,
    scratch: Vec<u8>,
    pub(super) limits: Limits,
}

/// An item that owns its bytes.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) epoch: u32,
    pub(super) top: u32,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) entries: Vec<u8>,
}

impl Letter {
    pub(super) fn item(&self) -> Item<'_> {
        let Self { epoch, top, from, to, ref entries } = *self;
        Item { epoch, top, from, to, entries }
    }
}

/// An entry, as the tests compare it: what it says, without its expiry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Says {
    Value(Vec<u8>),
    Deleted,
    Floor(u32),
}

impl Rig {
    pub(super) fn new(owners: usize, blocks: usize, limits: Limits) -> Self {
        let mut rig = Self {
            owners: vec![Owner::EMPTY; owners],
            blocks: vec![Block::EMPTY; blocks],
            links: vec![0; blocks],
            books: Books::EMPTY,
            desk: Desk { limits, ..Desk::EMPTY },
            scratch: vec![0; usize::from(limits.owner_bytes)],
            limits,
        };
        (0..owners).for_each(|owner| rig.store().begin(owner as SlotId, 1));
        rig
    }

    pub(super) fn store(&mut self) -> Store<'_> {
        let arena = (&mut self.blocks[..], &mut self.links[..]);
        self.desk.limits = self.limits;
        Store::new(&mut self.owners, arena, &mut self.books, &mut self.scratch, &mut self.desk)
    }

    pub(super) fn known(&mut self) -> u32 {
        self.store().owner(OWNER).known()
    }

    pub(super) fn epoch(&mut self) -> u32 {
        self.store().owner(OWNER).epoch()
    }

    /// Sets a key of an owner, whose counter is what it knows.
    pub(super) fn set_of(&mut self, owner: SlotId, key: &[u8], value: &[u8]) -> Result<Written, Refusal> {
        let mut store = self.store();
        let counter = store.owner(owner).known();
        let written = store.set(owner, counter, (key, value), Terms::default(), NOW);
        if let Ok(Written::Version(version)) = written {
            store.advance(owner, version);
        }
        store.check();
        written
    }

    pub(super) fn set(&mut self, key: &[u8], value: &[u8]) {
        assert!(matches!(self.set_of(OWNER, key, value), Ok(Written::Version(_))), "{key:?}");
    }

    pub(super) fn delete(&mut self, key: &[u8]) {
        let counter = self.known();
        let deleted = self.store().delete(OWNER, counter, key, NOW);
        self.store().advance(OWNER, counter + 1);
        assert_eq!(deleted, Ok(Written::Version(counter + 1)));
    }

    pub(super) fn compact(&mut self) -> u32 {
        let counter = self.known();
        self.store().compact(OWNER, counter, NOW).unwrap()
    }

    /// What this one would tell, in this many bytes; `top` is what it knows.
    pub(super) fn tell(&mut self, tell: Tell, room: usize) -> Option<Letter> {
        let top = self.known();
        self.tell_at(tell, room, top, NOW)
    }

    pub(super) fn tell_at(&mut self, tell: Tell, room: usize, top: u32, now: Seconds) -> Option<Letter> {
        let mut entries = vec![0; room];
        let Told { from, to, len } = self.store().tell(OWNER, tell, now, &mut entries)?;
        entries.truncate(len);
        let letter = Letter { epoch: self.epoch(), top, from, to, entries };
        letter.item().check(|_| true).expect("what is told is well formed");
        Some(letter)
    }

    pub(super) fn apply(&mut self, letter: &Letter) -> Applied {
        self.apply_at(letter, letter.top, NOW, &mut |_, _| {})
    }

    pub(super) fn apply_at(
        &mut self,
        letter: &Letter,
        top: u32,
        now: Seconds,
        observe: &mut dyn FnMut(&[u8], Change),
    ) -> Applied {
        let mut store = self.store();
        let outcome = store.apply(OWNER, &letter.item(), top, now, observe);
        store.check();
        match outcome {
            Outcome::Applied(applied) => applied,
            other => panic!("{other:?}"),
        }
    }

    /// The map as it is stored.
    pub(super) fn raw(&mut self) -> Vec<u8> {
        let store = self.store();
        let owner = store.owner(OWNER);
        let mut bytes = vec![0; owner.bytes()];
        store.blocks().gather(owner.chain, &mut bytes);
        bytes
    }

    /// All entries, as they are at a time: key, version, what they say, and when they expire.
    pub(super) fn map(&mut self, now: Seconds) -> Vec<(Vec<u8>, u32, Says, Option<Seconds>)> {
        let raw = self.raw();
        let entries = Stored::new(&raw).map(|place| {
            let entry = place.entry.at(now);
            let (says, expires) = match entry.content {
                Content::Value { bytes, lasting } => (Says::Value(bytes.to_vec()), lasting.expires),
                Content::Deleted => (Says::Deleted, None),
                Content::Floor(below) => (Says::Floor(below), None),
            };
            (entry.key.to_vec(), entry.version, says, expires)
        });
        entries.collect()
    }

    /// Keys and values that a host sees.
    pub(super) fn shows(&mut self, standing: Standing, now: Seconds) -> Vec<(Vec<u8>, Vec<u8>)> {
        let store = self.store();
        let values = store.view().values(OWNER, standing, now);
        let shown = values.map(|held| {
            let mut value = vec![0; held.len()];
            assert_eq!(held.copy_to(&mut value).map(<[u8]>::len), Some(held.len()));
            (held.key().as_bytes().to_vec(), value)
        });
        shown.collect()
    }

    pub(super) fn read(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        let mut value = [0; 4_096];
        let store = self.store();
        let held = store.view().read(OWNER, key, Standing::Live, NOW)?;
        held.copy_to(&mut value).map(<[u8]>::to_vec)
    }
}
