//! Kept state on the wire.
//!
//! ```text
//! 48 items    id 8 · epoch 4 · health 1 · pause in s 1 · top LEB · top - to LEB · to - from LEB · age in ms LEB
//!             · length LEB · entries (see `tables/state/item.rs`), one item after the other
//! 49 heads    tag 4 · top modulo 2^16 2, one after the other
//! 50 wants    id 8 · epoch 4 · known LEB, one after the other
//! 51 ranges   from: tag 4 · until: tag 4, one after the other
//! ```

use super::{
    codec::{Reader, Writer},
    record::id,
};
use crate::{
    tables::state::{item::Item, tell::Told},
    vocabulary::{
        error::Malformed,
        key::is_visible,
        record::{Health, Incarnation, NodeId, Record},
    },
};

/// Bytes of the longest item beside its entries.
const MAX_HEAD: usize = 8 + 4 + 1 + 1 + 4 * 5 + 3;
/// The most bytes that a section with one item takes beside its entries.
pub(crate) const BESIDE_ENTRIES: usize = MAX_HEAD + 3;
/// Bytes of the shortest item: without entries, its numbers of one byte each.
pub(crate) const MIN_ITEM: usize = 8 + 4 + 1 + 1 + 4 + 1;
/// Bytes of a head.
pub(crate) const HEAD_BYTES: usize = 4 + 2;

/// An item, and whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Notice<'a> {
    pub(crate) owner: NodeId,
    /// What the owner says of its fitness to serve, and for how long it asked for patience, at the item's `top`.
    pub(crate) health: Health,
    pub(crate) pause_s: u8,
    /// How many milliseconds ago the owner wrote the latest of it.
    pub(crate) age: u32,
    pub(crate) item: Item<'a>,
}

/// That there is news of the owners with this tag in the id-hash order: one of them has a state version that is `top`
/// modulo 2^16.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    pub(crate) tag: u32,
    pub(crate) top: u16,
}

/// A request for what an owner has above a version that is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Want {
    pub(crate) owner: NodeId,
    pub(crate) epoch: u32,
    pub(crate) known: u32,
}

/// A request for all that the owners have whose tags are in a range, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Range {
    pub(crate) from: u32,
    pub(crate) until: u32,
}

#[inline]
fn believed(count: u32) -> Result<u32, Malformed> {
    if count <= Incarnation::MAX_COUNT { Ok(count) } else { Err(Malformed::Value) }
}

fn epoch(reader: &mut Reader<'_>) -> Result<u32, Malformed> {
    let epoch = reader.u32()?;
    if epoch <= Incarnation::MAX_EPOCH { Ok(epoch) } else { Err(Malformed::Value) }
}

pub(super) fn decode_item<'a>(reader: &mut Reader<'a>) -> Result<Notice<'a>, Malformed> {
    let (owner, epoch) = (id(reader)?, epoch(reader)?);
    let (health, pause_s) = (Health::from_u8(reader.u8()?).ok_or(Malformed::Value)?, reader.u8()?);
    let top = believed(reader.count()?)?;
    let to = top.checked_sub(reader.count()?).ok_or(Malformed::Value)?;
    let from = to.checked_sub(reader.count()?).ok_or(Malformed::Value)?;
    let age = reader.count()?;
    let length = reader.count()? as usize;
    let item = Item { epoch, top, from, to, entries: reader.slice(length)? };
    // What ends too early within an item does not end the section too early.
    item.check(is_visible)
        .map_err(|error| if error == Malformed::Truncated { Malformed::Value } else { error })?;
    Ok(Notice { owner, health, pause_s, age, item })
}

/// Writes an item of an owner with this record. Its entries are written by `tell`, into the room that there is for them;
/// nothing is written when that has nothing to tell.
pub(super) fn encode_item(
    writer: &mut Writer<'_>,
    owner: &Record,
    age: u32,
    tell: impl FnOnce(&mut [u8]) -> Option<Told>,
) {
    let top = owner.state_version();
    let told = writer.in_room(|room| {
        let told = tell(room.get_mut(MAX_HEAD..)?)?;
        let mut head = [0; MAX_HEAD];
        let mut writer = Writer::new(&mut head);
        writer.put(&owner.id().to_bytes());
        writer.u32(owner.incarnation().epoch);
        writer.put(&[owner.health() as u8, owner.pause_seconds()]);
        writer.count(top);
        writer.count(top.checked_sub(told.to)?);
        writer.count(told.to.checked_sub(told.from)?);
        writer.count(age);
        writer.count(told.len as u32);
        let length = writer.len();
        room.get_mut(..length)?.copy_from_slice(head.get(..length)?);
        room.get_mut(length..MAX_HEAD + told.len)?.rotate_left(MAX_HEAD - length);
        Some(length + told.len)
    });
    debug_assert!(told.is_none_or(|length| length >= MIN_ITEM), "an item has its head");
}

#[cfg(any(fuzzing, test))]
pub(super) fn encode_notice(writer: &mut Writer<'_>, notice: &Notice<'_>) {
    let Notice { owner, health, pause_s, age, item } = *notice;
    writer.put(&owner.to_bytes());
    writer.u32(item.epoch);
    writer.put(&[health as u8, pause_s]);
    writer.count(item.top);
    writer.count(item.top - item.to);
    writer.count(item.to - item.from);
    writer.count(age);
    writer.count(item.entries.len() as u32);
    writer.put(item.entries);
}

pub(super) fn decode_head(reader: &mut Reader<'_>) -> Result<Head, Malformed> {
    Ok(Head { tag: reader.u32()?, top: reader.u16()? })
}

pub(super) fn encode_head(writer: &mut Writer<'_>, head: &Head) {
    writer.u32(head.tag);
    writer.u16(head.top);
}

pub(super) fn decode_want(reader: &mut Reader<'_>) -> Result<Want, Malformed> {
    Ok(Want { owner: id(reader)?, epoch: epoch(reader)?, known: believed(reader.count()?)? })
}

pub(super) fn encode_want(writer: &mut Writer<'_>, want: &Want) {
    writer.put(&want.owner.to_bytes());
    writer.u32(want.epoch);
    writer.count(want.known);
}

pub(super) fn decode_range(reader: &mut Reader<'_>) -> Result<Range, Malformed> {
    let range = Range { from: reader.u32()?, until: reader.u32()? };
    if range.from <= range.until { Ok(range) } else { Err(Malformed::Value) }
}

pub(super) fn encode_range(writer: &mut Writer<'_>, range: &Range) {
    writer.u32(range.from);
    writer.u32(range.until);
}
