//! Repair on the wire: what differs in a range of the id-hash order, level by level.
//!
//! ```text
//! 14 digests   digests, one after the other
//! 15 lists     lists, one after the other
//! 16 requests   ids 8, one after the other
//!
//! prefix       3 + 4 × level bits of the tag, left-aligned in as few bytes as possible, the rest zero
//! digest       head 1 · prefix 1-4 · (fresh 2) · sums 8 × 16
//!   head       bits 0-2 level (0 to 6), 3 set where `fresh` follows, the rest zero
//! list         head 1 · prefix 1-4 · count 1 · versions
//!   head       bits 0-2 level (0 to 7), 3 set if it begins late, 4 if it ends early, the rest zero
//! version      id 8 · epoch 4 · counts 1 · (state version / 32 LEB) · (refutation - 3 LEB)
//!   counts     bits 0-4 state version modulo 32, 5-6 refutation, 3 where more follows; 7 set where more of the
//!              state version follows, which is not zero then
//! ```

use super::{
    codec::{Reader, Writer},
    record::id,
};
use crate::{
    tables::table::sums::{Prefix, WAYS},
    vocabulary::{
        error::Malformed,
        record::{Incarnation, NodeId},
    },
};

/// The most members in a [`List`]; a range with more is cut into its parts.
pub(crate) const MAX_LISTED: usize = 16;

const FRESH: u8 = 1 << 3;
const LATE: u8 = 1 << 3;
const EARLY: u8 = 1 << 4;
const MORE_VERSIONS: u8 = 1 << 7;
const MORE_REFUTATIONS: u32 = 3;

/// The sums of a range's parts, as the sender has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Digest {
    pub(crate) prefix: Prefix,
    /// Parts that changed lately at the sender, a bit each, the first lowest: those, and those that changed
    /// lately at the receiver, are left for later. `None`: nothing is.
    pub(crate) fresh: Option<u16>,
    pub(crate) sums: [u64; WAYS],
}

/// What fingerprints sum of a live member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Version {
    pub(crate) id: NodeId,
    pub(crate) incarnation: Incarnation,
    pub(crate) state_version: u32,
}

/// The live members of a range, in order of place, as the sender knows them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct List {
    pub(crate) prefix: Prefix,
    /// It says nothing of the members before its first.
    pub(crate) late: bool,
    /// It says nothing of the members after its last.
    pub(crate) early: bool,
    pub(crate) versions: heapless::Vec<Version, MAX_LISTED>,
}

fn encode_prefix(writer: &mut Writer<'_>, flags: u8, prefix: Prefix) {
    writer.u8(prefix.level() | flags);
    prefix.low().to_be_bytes().iter().take(prefix.bytes()).for_each(|&byte| writer.u8(byte));
}

fn decode_prefix(reader: &mut Reader<'_>, flags: u8) -> Result<(Prefix, u8), Malformed> {
    let head = reader.u8()?;
    let level = head & 7;
    let mut tag = [0; 4];
    for (place, &byte) in tag.iter_mut().zip(reader.slice(Prefix::bytes_of(level))?) {
        *place = byte;
    }
    let prefix = Prefix::new(level, u32::from_be_bytes(tag)).ok_or(Malformed::Value)?;
    let set = head & !7;
    if set & !flags != 0 { Err(Malformed::Value) } else { Ok((prefix, set)) }
}

pub(super) fn encode_digest(writer: &mut Writer<'_>, Digest { prefix, fresh, sums }: &Digest) {
    encode_prefix(writer, if fresh.is_some() { FRESH } else { 0 }, *prefix);
    if let Some(fresh) = fresh {
        writer.u16(*fresh);
    }
    sums.iter().for_each(|&sum| writer.u64(sum));
}

pub(super) fn decode_digest(reader: &mut Reader<'_>) -> Result<Digest, Malformed> {
    let (prefix, flags) = decode_prefix(reader, FRESH)?;
    if !prefix.has_parts() {
        return Err(Malformed::Value);
    }
    let fresh = if flags & FRESH != 0 { Some(reader.u16()?) } else { None };
    let mut sums = [0; WAYS];
    for sum in &mut sums {
        *sum = reader.u64()?;
    }
    Ok(Digest { prefix, fresh, sums })
}

pub(super) fn encode_list(writer: &mut Writer<'_>, list: &List) {
    let late = if list.late { LATE } else { 0 };
    let early = if list.early { EARLY } else { 0 };
    encode_prefix(writer, late | early, list.prefix);
    writer.u8(list.versions.len() as u8);
    for version in &list.versions {
        encode_version(writer, version);
    }
}

fn encode_version(writer: &mut Writer<'_>, Version { id, incarnation, state_version }: &Version) {
    let (more, refutation) = (state_version >> 5, incarnation.refutation.min(MORE_REFUTATIONS));
    writer.put(&id.to_bytes());
    writer.u32(incarnation.epoch);
    let low = (state_version & 31 | refutation << 5) as u8;
    writer.u8(if more > 0 { low | MORE_VERSIONS } else { low });
    if more > 0 {
        writer.count(more);
    }
    if refutation == MORE_REFUTATIONS {
        writer.count(incarnation.refutation - MORE_REFUTATIONS);
    }
}

fn decode_version(reader: &mut Reader<'_>) -> Result<Version, Malformed> {
    let (id, epoch, counts) = (id(reader)?, reader.u32()?, reader.u8()?);
    let mut state_version = u64::from(counts & 31);
    if counts & MORE_VERSIONS != 0 {
        let more = reader.count()?;
        if more == 0 {
            return Err(Malformed::Value);
        }
        state_version |= u64::from(more) << 5;
    }
    let mut refutation = u64::from(counts >> 5 & 3);
    if refutation == u64::from(MORE_REFUTATIONS) {
        refutation += u64::from(reader.count()?);
    }
    let believed = |count: u64| {
        u32::try_from(count).ok().filter(|&count| count <= Incarnation::MAX_COUNT).ok_or(Malformed::Value)
    };
    let incarnation = Incarnation { epoch, refutation: believed(refutation)? };
    let state_version = believed(state_version)?;
    if incarnation.is_credible() {
        Ok(Version { id, incarnation, state_version })
    } else {
        Err(Malformed::Value)
    }
}

pub(super) fn decode_list(reader: &mut Reader<'_>) -> Result<List, Malformed> {
    let (prefix, flags) = decode_prefix(reader, LATE | EARLY)?;
    let count = reader.u8()?;
    let (late, early) = (flags & LATE != 0, flags & EARLY != 0);
    let mut list = List { prefix, late, early, versions: heapless::Vec::new() };
    for _ in 0..count {
        list.versions.push(decode_version(reader)?).map_err(|_| Malformed::TooMany)?;
    }
    if flags != 0 && list.versions.is_empty() {
        return Err(Malformed::Value);
    }
    Ok(list)
}

pub(super) fn encode_request(writer: &mut Writer<'_>, id: NodeId) {
    writer.put(&id.to_bytes());
}

pub(super) fn decode_request(reader: &mut Reader<'_>) -> Result<NodeId, Malformed> {
    id(reader)
}
