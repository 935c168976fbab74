//! Records and accusations on the wire.
//!
//! ```text
//! record      id 8 · epoch 4 · standing 1 · versions 1 · region 1 · zone 1 · rack 1 · pause 1 · port 2 · ip 4|16
//!             · refutation LEB · state version LEB · age in ms LEB
//! standing    bits 0-1 status, 2-3 health, 4 set for a 16-byte address, the rest zero
//! accusation  target 8 · epoch 4 · refutation LEB · accuser 8
//! ```

use super::codec::{Reader, Writer, is_v6};
use crate::vocabulary::{
    error::Malformed,
    record::{Accusation, Health, Incarnation, Locality, NodeId, Record, Status, Versions},
};

const V6: u8 = 1 << 4;
const UNUSED: u8 = 0b1110_0000;

/// A record, and how many milliseconds ago its news came into being.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Aged {
    pub(crate) record: Record,
    pub(crate) age: u32,
}

#[inline]
pub(super) fn id(reader: &mut Reader<'_>) -> Result<NodeId, Malformed> {
    NodeId::from_bytes(reader.bytes()?).ok_or(Malformed::Value)
}

#[inline]
fn incarnation(reader: &mut Reader<'_>) -> Result<Incarnation, Malformed> {
    let incarnation = Incarnation { epoch: reader.u32()?, refutation: reader.count()? };
    if incarnation.is_credible() { Ok(incarnation) } else { Err(Malformed::Value) }
}

#[inline]
pub(super) fn decode_record(reader: &mut Reader<'_>) -> Result<Aged, Malformed> {
    // What every record has, in one piece: one check of the length instead of ten.
    let [
        i0,
        i1,
        i2,
        i3,
        i4,
        i5,
        i6,
        i7,
        e0,
        e1,
        e2,
        e3,
        standing,
        versions,
        region,
        zone,
        rack,
        pause,
        p0,
        p1,
    ] = reader.bytes()?;
    let id = NodeId::from_bytes([i0, i1, i2, i3, i4, i5, i6, i7]);
    let address = reader.ip(standing & V6 != 0)?;
    let refutation = reader.count()?;
    let state_version = reader.count()?;
    let age = reader.count()?;
    let (status, health) = (Status::from_u8(standing & 3), Health::from_u8(standing >> 2 & 3));
    let (Some(id), Some(status), Some(health), Some(versions)) =
        (id, status, health, Versions::from_byte(versions))
    else {
        return Err(Malformed::Value);
    };
    let incarnation = Incarnation { epoch: u32::from_be_bytes([e0, e1, e2, e3]), refutation };
    let port = u16::from_be_bytes([p0, p1]);
    let credible = incarnation.is_credible() && state_version <= Incarnation::MAX_COUNT;
    if standing & UNUSED != 0 || port == 0 || !credible {
        return Err(Malformed::Value);
    }
    let locality = Locality { region, zone, rack };
    let state = (state_version, health, pause);
    let record = Record::from_parts(id, incarnation, status, (address, port), locality, versions, state);
    Ok(Aged { record, age })
}

pub(super) fn encode_record(writer: &mut Writer<'_>, Aged { record, age }: &Aged) {
    let Incarnation { epoch, refutation } = record.incarnation();
    let address = record.address();
    writer.put(&record.id().to_bytes());
    writer.u32(epoch);
    let v6 = if is_v6(address) { V6 } else { 0 };
    let standing = record.status() as u8 | (record.health() as u8) << 2 | v6;
    let Locality { region, zone, rack } = record.locality();
    writer.put(&[standing, record.versions().to_byte(), region, zone, rack, record.pause_seconds()]);
    writer.u16(address.port());
    writer.ip(address);
    writer.count(refutation);
    writer.count(record.state_version());
    writer.count(*age);
}

pub(super) fn decode_accusation(reader: &mut Reader<'_>) -> Result<Accusation, Malformed> {
    let (target, incarnation, accuser) = (id(reader)?, incarnation(reader)?, id(reader)?);
    if target == accuser { Err(Malformed::Value) } else { Ok(Accusation { target, incarnation, accuser }) }
}

pub(super) fn encode_accusation(writer: &mut Writer<'_>, accusation: &Accusation) {
    let Incarnation { epoch, refutation } = accusation.incarnation;
    writer.put(&accusation.target.to_bytes());
    writer.u32(epoch);
    writer.count(refutation);
    writer.put(&accusation.accuser.to_bytes());
}
