//! User events on the wire.
//!
//! ```text
//! 53 events        events, one after the other
//! 54 event heads   heads, one after the other
//! 55 event wants   wants, one after the other
//!
//! event   origin 8 · epoch 4 · sequence LEB · age in ms LEB · length LEB · payload
//! head    tag 4 · epoch 4 · sequence modulo 2^16 2
//! want    tag 4 · epoch 4 · newest sequence modulo 2^16 2 · heard 8
//! ```
//!
//! Sequence numbers begin at 1 and end 2^16 below 2^32 - 1, and a payload has at most 512 bytes. A tag is the origin's id, its upper half added to its
//! lower by exclusive or. Of what is `heard`, the lowest bit stands for the newest and is set, unless nothing was heard: then
//! the number is zero, too. A want of zeros stands for all origins that no other want names.

use super::{
    codec::{Reader, Writer},
    record::id,
};
use crate::{
    tables::events::{
        event::{EventId, Head, UserEvent, Want},
        limits::MAX_PAYLOAD,
    },
    vocabulary::{error::Malformed, record::Incarnation},
};

/// Bytes of a want.
pub(crate) const WANT_BYTES: usize = 4 + 4 + 2 + 8;

fn epoch(reader: &mut Reader<'_>) -> Result<u32, Malformed> {
    let epoch = reader.u32()?;
    if epoch > Incarnation::MAX_EPOCH { Err(Malformed::Value) } else { Ok(epoch) }
}

pub(super) fn encode_event(writer: &mut Writer<'_>, UserEvent { id, age, payload }: &UserEvent<'_>) {
    writer.put(&id.origin.to_bytes());
    writer.u32(id.epoch);
    writer.count(id.sequence);
    writer.count(*age);
    writer.count(payload.len() as u32);
    writer.put(payload);
}

pub(super) fn decode_event<'a>(reader: &mut Reader<'a>) -> Result<UserEvent<'a>, Malformed> {
    let (origin, epoch, sequence) = (id(reader)?, epoch(reader)?, reader.count()?);
    let (age, length) = (reader.count()?, reader.count()? as usize);
    if !(1..=Incarnation::MAX_COUNT).contains(&sequence) || length > MAX_PAYLOAD {
        return Err(Malformed::Value);
    }
    let payload = reader.slice(length)?;
    Ok(UserEvent { id: EventId { origin, epoch, sequence }, age, payload })
}

pub(super) fn encode_head(writer: &mut Writer<'_>, &Head { tag, epoch, sequence }: &Head) {
    writer.u32(tag);
    writer.u32(epoch);
    writer.u16(sequence);
}

pub(super) fn decode_head(reader: &mut Reader<'_>) -> Result<Head, Malformed> {
    Ok(Head { tag: reader.u32()?, epoch: epoch(reader)?, sequence: reader.u16()? })
}

pub(super) fn encode_want(writer: &mut Writer<'_>, &Want { tag, epoch, newest, heard }: &Want) {
    writer.u32(tag);
    writer.u32(epoch);
    writer.u16(newest);
    writer.u64(heard);
}

pub(super) fn decode_want(reader: &mut Reader<'_>) -> Result<Want, Malformed> {
    let (tag, epoch, newest, heard) = (reader.u32()?, epoch(reader)?, reader.u16()?, reader.u64()?);
    let want = Want { tag, epoch, newest, heard };
    if want.is_valid() { Ok(want) } else { Err(Malformed::Value) }
}
