//! Records and accusations on the wire.
//!
//! ```text
//! record      id 8 · epoch 4 · refutation LEB · standing 1 · ip 4|16 · port 2 · region 1 · zone 1 · rack 1
//!             · versions 1 · state version LEB · pause 1 · age in ms LEB
//! standing    bits 0-1 status, 2-3 health, 4 set for a 16-byte address, the rest zero
//! accusation  target 8 · epoch 4 · refutation LEB · accuser 8
//! ```

use super::codec::{Reader, Writer, is_v6};
use crate::{
    error::Malformed,
    record::{Accusation, Health, Identity, Incarnation, Locality, NodeId, Record, Status, Versions},
};

const V6: u8 = 1 << 4;
const UNUSED: u8 = 0b1110_0000;

/// A record, and how many milliseconds ago its news came into being.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Aged {
    pub(crate) record: Record,
    pub(crate) age: u32,
}

pub(super) fn id(reader: &mut Reader<'_>) -> Result<NodeId, Malformed> {
    NodeId::from_bytes(reader.bytes()?).ok_or(Malformed::Value)
}

fn incarnation(reader: &mut Reader<'_>) -> Result<Incarnation, Malformed> {
    let incarnation = Incarnation { epoch: reader.u32()?, refutation: reader.count()? };
    if incarnation.is_credible() { Ok(incarnation) } else { Err(Malformed::Value) }
}

pub(super) fn decode_record(reader: &mut Reader<'_>) -> Result<Aged, Malformed> {
    let id = id(reader)?;
    let incarnation = incarnation(reader)?;
    let standing = reader.u8()?;
    let status = Status::from_u8(standing & 3).ok_or(Malformed::Value)?;
    let health = Health::from_u8(standing >> 2 & 3).ok_or(Malformed::Value)?;
    if standing & UNUSED != 0 {
        return Err(Malformed::Value);
    }
    let address = reader.address(standing & V6 != 0)?;
    let [region, zone, rack, versions] = reader.bytes()?;
    let versions = Versions::from_byte(versions).ok_or(Malformed::Value)?;
    let state_version = reader.count()?;
    let [pause] = reader.bytes()?;
    let age = reader.count()?;
    if state_version > Incarnation::MAX_COUNT {
        return Err(Malformed::Value);
    }
    let identity =
        Identity { id, epoch: incarnation.epoch, address, locality: Locality { region, zone, rack } };
    let record = Record::new(identity, versions)
        .with_incarnation(incarnation)
        .with_status(status)
        .with_state(state_version, health, pause);
    Ok(Aged { record, age })
}

pub(super) fn encode_record(writer: &mut Writer<'_>, Aged { record, age }: &Aged) {
    let Incarnation { epoch, refutation } = record.incarnation();
    let address = record.address();
    writer.put(&record.id().to_bytes());
    writer.u32(epoch);
    writer.count(refutation);
    let v6 = if is_v6(address) { V6 } else { 0 };
    writer.u8(record.status() as u8 | (record.health() as u8) << 2 | v6);
    writer.address(address);
    let Locality { region, zone, rack } = record.locality();
    writer.put(&[region, zone, rack, record.versions().to_byte()]);
    writer.count(record.state_version());
    writer.u8(record.pause_seconds());
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
