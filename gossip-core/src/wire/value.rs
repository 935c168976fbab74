//! Cluster-wide values on the wire.
//!
//! ```text
//! 56 values   values, one after the other
//! 57 sum      sum 4
//! 58 list     span 1 · versions, whose keys rise
//! 59 keys     keys that are asked for, one after the other
//!
//! value       head 1 · key · (source 4) · revision 8 · writer 8 · age in seconds LEB · (length LEB · bytes)
//! version     head 1 · key · (source 4) · revision 8 · writer 8 · hash 8
//! key         head 1 · key
//!   head      bits 0-4 length of the key (1 to 31), 5 set if it was deleted, 6 set for an authority's, with a source,
//!             the rest zero; of a version bit 5 is zero, and of a key all but the length
//!   span      bit 0 set if it begins late, 1 if it ends early, the rest zero
//! ```

use super::{
    codec::{Reader, Writer},
    record::id,
};
use crate::{
    tables::values::{
        compare::Span,
        value::{Content, Rank, Value, Version},
    },
    vocabulary::{error::Malformed, key::ValueKey},
};

const KEY_LENGTH: u8 = 0x1F;
const DELETED: u8 = 1 << 5;
const AUTHORITY: u8 = 1 << 6;
const LATE: u8 = 1 << 0;
const EARLY: u8 = 1 << 1;

fn encode_head(writer: &mut Writer<'_>, flags: u8, key: &ValueKey) {
    writer.u8(key.as_bytes().len() as u8 | flags);
    writer.put(key.as_bytes());
}

/// The key, and the bits of the head that are set beside its length.
fn decode_head(reader: &mut Reader<'_>, known: u8) -> Result<(ValueKey, u8), Malformed> {
    let head = reader.u8()?;
    let key = ValueKey::from_bytes(reader.slice(usize::from(head & KEY_LENGTH))?);
    let flags = head & !KEY_LENGTH;
    key.filter(|_| flags & !known == 0).map(|key| (key, flags)).ok_or(Malformed::Value)
}

fn authority(rank: Rank) -> u8 {
    if rank == Rank::Anyone { 0 } else { AUTHORITY }
}

fn encode_source(writer: &mut Writer<'_>, rank: Rank) {
    if let Rank::Authority { source } = rank {
        writer.u32(source);
    }
}

fn decode_rank(reader: &mut Reader<'_>, flags: u8) -> Result<Rank, Malformed> {
    Ok(if flags & AUTHORITY == 0 { Rank::Anyone } else { Rank::Authority { source: reader.u32()? } })
}

pub(super) fn encode_value(writer: &mut Writer<'_>, Value { key, version, content, age }: &Value<'_>) {
    let deleted = if *content == Content::Deleted { DELETED } else { 0 };
    encode_head(writer, authority(version.rank) | deleted, key);
    encode_source(writer, version.rank);
    writer.u64(version.revision);
    writer.put(&version.writer.to_bytes());
    writer.count(*age);
    if let Content::Value(bytes) = content {
        writer.count(bytes.len() as u32);
        writer.put(bytes);
    }
}

pub(super) fn decode_value<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Malformed> {
    let (key, flags) = decode_head(reader, DELETED | AUTHORITY)?;
    let origin = (decode_rank(reader, flags)?, reader.u64()?, id(reader)?);
    let age = reader.count()?;
    let content = if flags & DELETED == 0 {
        let length = reader.count()?;
        Content::Value(reader.slice(length as usize)?)
    } else {
        Content::Deleted
    };
    Ok(Value::new(key, origin, content, age))
}

pub(super) fn encode_sum(writer: &mut Writer<'_>, sum: u32) {
    writer.u32(sum);
}

pub(super) fn decode_sum(body: &[u8]) -> Result<u32, Malformed> {
    body.try_into().map(u32::from_be_bytes).map_err(|_| Malformed::Truncated)
}

/// How many versions, from the first, fit in `room` bytes, and of which part of the keys a list with them is; `None` if it would
/// say nothing: none of them fits, or there is none in the part that is left.
pub(super) fn fitting(
    late: bool,
    mut versions: impl Iterator<Item = (ValueKey, Version)>,
    room: usize,
) -> Option<(Span, usize)> {
    let (mut end, mut count) = (1, 0);
    let left_out = versions.find(|(key, version)| {
        end += version_len(key, version);
        count += usize::from(end <= room);
        end > room
    });
    let span = Span { late, early: left_out.is_some() };
    (count > 0 || span == Span::default()).then_some((span, count))
}

/// Writes a list of these versions, all of which fit.
pub(super) fn encode_list(
    writer: &mut Writer<'_>,
    span: Span,
    versions: impl Iterator<Item = (ValueKey, Version)>,
) {
    let late = if span.late { LATE } else { 0 };
    writer.u8(late | if span.early { EARLY } else { 0 });
    for (key, Version { rank, revision, writer: author, hash }) in versions {
        encode_head(writer, authority(rank), &key);
        encode_source(writer, rank);
        writer.u64(revision);
        writer.put(&author.to_bytes());
        writer.u64(hash);
    }
}

fn version_len(key: &ValueKey, version: &Version) -> usize {
    let source = if version.rank == Rank::Anyone { 0 } else { 4 };
    1 + key.as_bytes().len() + source + 8 + 8 + 8
}

/// What a node holds of a part of the keys, and of which part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct List<'a> {
    pub(crate) span: Span,
    versions: &'a [u8],
}

impl<'a> List<'a> {
    /// The versions, whose keys rise.
    pub(crate) fn versions(self) -> impl Iterator<Item = (ValueKey, Version)> + use<'a> {
        let mut reader = Reader { rest: self.versions };
        core::iter::from_fn(move || if reader.is_empty() { None } else { decode_version(&mut reader).ok() })
    }
}

fn decode_version(reader: &mut Reader<'_>) -> Result<(ValueKey, Version), Malformed> {
    let (key, flags) = decode_head(reader, AUTHORITY)?;
    let rank = decode_rank(reader, flags)?;
    Ok((key, Version { rank, revision: reader.u64()?, writer: id(reader)?, hash: reader.u64()? }))
}

/// The body of a list, decoded without fault to its end.
pub(super) fn decode_list(body: &[u8]) -> Result<List<'_>, Malformed> {
    let mut reader = Reader { rest: body };
    let flags = reader.u8()?;
    let list =
        List { span: Span { late: flags & LATE != 0, early: flags & EARLY != 0 }, versions: reader.rest };
    let mut last = None;
    while !reader.is_empty() {
        let (key, _) = decode_version(&mut reader)?;
        if last.replace(key).is_some_and(|last| last >= key) {
            return Err(Malformed::Value);
        }
    }
    // A part of the keys has a first and a last.
    let is_open = flags != 0 && last.is_none();
    if flags & !(LATE | EARLY) != 0 || is_open { Err(Malformed::Value) } else { Ok(list) }
}

pub(super) fn encode_key(writer: &mut Writer<'_>, key: &ValueKey) {
    encode_head(writer, 0, key);
}

pub(super) fn decode_key(reader: &mut Reader<'_>) -> Result<ValueKey, Malformed> {
    decode_head(reader, 0).map(|(key, _)| key)
}

#[cfg(test)]
pub(super) mod tests;
