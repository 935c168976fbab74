//! Pulses on the wire.
//!
//! ```text
//! 60 pulses   pulses, one after the other
//!
//! pulse   id 8 · epoch 4 · number LEB · age in ms LEB · length 1 · blob
//! ```
//!
//! Numbers begin at 1, and a blob has at most 60 bytes.

use super::{
    codec::{Reader, Writer},
    record::id,
};
use crate::{
    tables::pulses::{
        limits::MAX_BLOB,
        pulse::{Pulse, Said},
    },
    vocabulary::{error::Malformed, record::Incarnation},
};

/// The most bytes of a pulse beside its blob, before its [`TTL`](crate::tables::pulses::limits::TTL) is over.
pub(crate) const BESIDE_BLOB: usize = 8 + 4 + 5 + 3 + 1;

pub(super) fn encode_pulse(writer: &mut Writer<'_>, Pulse { origin, said }: &Pulse<'_>) {
    writer.put(&origin.to_bytes());
    writer.u32(said.epoch);
    writer.count(said.number);
    writer.count(said.age);
    writer.u8(said.blob.len() as u8);
    writer.put(said.blob);
}

pub(super) fn decode_pulse<'a>(reader: &mut Reader<'a>) -> Result<Pulse<'a>, Malformed> {
    let (origin, epoch) = (id(reader)?, reader.u32()?);
    let (number, age, length) = (reader.count()?, reader.count()?, usize::from(reader.u8()?));
    if epoch > Incarnation::MAX_EPOCH || number == 0 || length > MAX_BLOB {
        return Err(Malformed::Value);
    }
    let blob = reader.slice(length)?;
    Ok(Pulse { origin, said: Said { epoch, number, age, blob } })
}
