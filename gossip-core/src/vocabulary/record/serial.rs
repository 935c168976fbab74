//! Ids as text and records by their fields, for hosts that log or keep them (feature `serde`).

use super::{Health, Incarnation, Locality, NodeId, Record, Status, Versions};
use core::{fmt, net::SocketAddr};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// As 13 characters: numbers of 64 bits lose digits in JavaScript.
impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = NodeId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("13 characters of Crockford base32")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<NodeId, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// A record by its fields.
#[derive(Serialize, Deserialize)]
pub(super) struct Parts {
    id: NodeId,
    epoch: u32,
    refutation: u32,
    status: Status,
    address: SocketAddr,
    locality: Locality,
    versions: Versions,
    state_version: u32,
    health: Health,
    pause_s: u8,
}

impl From<Record> for Parts {
    fn from(record: Record) -> Self {
        let Incarnation { epoch, refutation } = record.incarnation();
        Self {
            id: record.id(),
            epoch,
            refutation,
            status: record.status(),
            address: record.address(),
            locality: record.locality(),
            versions: record.versions(),
            state_version: record.state_version(),
            health: record.health(),
            pause_s: record.pause_seconds(),
        }
    }
}

impl TryFrom<Parts> for Record {
    type Error = &'static str;

    fn try_from(parts: Parts) -> Result<Self, Self::Error> {
        let Parts { id, epoch, refutation, status, address, locality, versions, .. } = parts;
        let Parts { state_version, health, pause_s, .. } = parts;
        // Out of range, they would lose bits.
        if Versions::from_byte(versions.to_byte()) != Some(versions) {
            return Err("no such versions of the protocol");
        }
        let record = Self { id: id.to_bytes(), versions: versions.to_byte(), ..Self::EMPTY }
            .with_incarnation(Incarnation { epoch, refutation })
            .with_status(status)
            .with_address(address)
            .with_locality(locality)
            .with_state(state_version, health, pause_s);
        if record.is_credible() { Ok(record) } else { Err("no correct node has such a record") }
    }
}
