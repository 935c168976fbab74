//! Messages: what a datagram asks or answers, a section each.
//!
//! ```text
//!  1 ping          nonce 4 · target 8
//!  2 ack           nonce 4
//!  3 ping request  nonce 4 · target 8
//!  4 relayed ack   nonce 4
//!  5 nack          nonce 4
//!  6 join          nonce 4 · token 8 · record
//!  7 challenge     nonce 4 · token 8
//!  8 welcome       nonce 4 · members 4
//!  9 busy          nonce 4 · (family 1, 4 or 6 · port 2 · ip 4|16) × 0 to 4
//! 10 fetch         nonce 4 · token 8 · after: tag 4, id 8 · until: tag 4 · window 1
//! 11 page          nonce 4 · after: tag 4, id 8 · next: tag 4, id 8 · last 1
//! 12 pull          nothing
//! 13 repair        nothing
//! 18 observed      nonce 4 · family 1, 4 or 6 · port 2 · ip 4|16
//! 20 sifted        nonce 4
//! 61 ask           nonce 4 · key 1 to 31
//! ```

use super::{
    codec::{Reader, Writer, is_v6},
    record::{Aged, decode_record, encode_record, id},
};
use crate::{
    tables::table::index::Place,
    vocabulary::{error::Malformed, key::ValueKey, record::NodeId},
};
use core::net::SocketAddr;

/// Matches an answer to its question.
pub(crate) type Nonce = u32;

/// The nonce of a join that only introduces the sender, and asks for nothing.
pub(crate) const INTRODUCTION: Nonce = 0;
/// Proves that its bearer receives at an address; zero is none.
pub(crate) type Token = u64;

/// The most addresses in a [`Message::Busy`].
pub(crate) const MAX_REFERRALS: usize = 4;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Message {
    /// Answer me, if you are `target`.
    Ping { nonce: Nonce, target: NodeId },
    /// I am.
    Ack { nonce: Nonce },
    /// Ping `target` for me.
    PingRequest { nonce: Nonce, target: NodeId },
    /// It answered me.
    RelayedAck { nonce: Nonce },
    /// It did not; but I am here.
    Nack { nonce: Nonce },
    /// A request to be let in, with the joiner's record.
    Join { nonce: Nonce, token: Token, me: Aged },
    /// Ask again with this token. Counts as an ack of the ping with the same nonce.
    Challenge { nonce: Nonce, token: Token },
    /// You are in; we are `members`. Records follow.
    Welcome { nonce: Nonce, members: u32 },
    /// Not now; ask these.
    Busy { nonce: Nonce, others: heapless::Vec<SocketAddr, MAX_REFERRALS> },
    /// Send me the records after `after` up to the tag `until`, at most `window` datagrams.
    Fetch { nonce: Nonce, token: Token, after: Place, until: u32, window: u8 },
    /// Here are all that I know after `after` up to and with `next`; `last`: and up to your `until`.
    Page { nonce: Nonce, after: Place, next: Place, last: bool },
    /// Tell me what changed lately.
    Pull,
    /// The records with this are what you lack.
    Repair,
    /// Your datagram, which has another address in its record, came from here.
    Observed { nonce: Nonce, address: SocketAddr },
    /// The records with this were not in your sieve.
    Sifted { nonce: Nonce },
    /// Tell me what you have under this key.
    Ask { nonce: Nonce, key: ValueKey },
}

impl Message {
    pub(super) fn tag(&self) -> u8 {
        match self {
            Self::Ping { .. } => 1,
            Self::Ack { .. } => 2,
            Self::PingRequest { .. } => 3,
            Self::RelayedAck { .. } => 4,
            Self::Nack { .. } => 5,
            Self::Join { .. } => 6,
            Self::Challenge { .. } => 7,
            Self::Welcome { .. } => 8,
            Self::Busy { .. } => 9,
            Self::Fetch { .. } => 10,
            Self::Page { .. } => 11,
            Self::Pull => 12,
            Self::Repair => 13,
            Self::Observed { .. } => 18,
            Self::Sifted { .. } => 20,
            Self::Ask { .. } => 61,
        }
    }

    /// The length of the body.
    pub(super) fn len(&self) -> usize {
        let mut space = [0; 128];
        let mut writer = Writer::new(&mut space);
        self.encode(&mut writer);
        writer.len()
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Ping { nonce, target } | Self::PingRequest { nonce, target } => {
                writer.u32(*nonce);
                writer.put(&target.to_bytes());
            }
            Self::Ack { nonce }
            | Self::RelayedAck { nonce }
            | Self::Nack { nonce }
            | Self::Sifted { nonce } => writer.u32(*nonce),
            Self::Join { nonce, token, me } => {
                writer.u32(*nonce);
                writer.u64(*token);
                encode_record(writer, me);
            }
            Self::Challenge { nonce, token } => {
                writer.u32(*nonce);
                writer.u64(*token);
            }
            Self::Welcome { nonce, members } => {
                writer.u32(*nonce);
                writer.u32(*members);
            }
            Self::Busy { nonce, others } => {
                writer.u32(*nonce);
                others.iter().for_each(|&address| encode_address(writer, address));
            }
            Self::Fetch { nonce, token, after, until, window } => {
                writer.u32(*nonce);
                writer.u64(*token);
                encode_place(writer, *after);
                writer.u32(*until);
                writer.u8(*window);
            }
            Self::Page { nonce, after, next, last } => {
                writer.u32(*nonce);
                encode_place(writer, *after);
                encode_place(writer, *next);
                writer.u8(u8::from(*last));
            }
            Self::Pull | Self::Repair => {}
            Self::Observed { nonce, address } => {
                writer.u32(*nonce);
                encode_address(writer, *address);
            }
            Self::Ask { nonce, key } => {
                writer.u32(*nonce);
                writer.put(key.as_bytes());
            }
        }
    }

    /// The message in a section; `None` for a tag that this version does not know.
    pub(super) fn decode(tag: u8, body: &[u8]) -> Result<Option<Self>, Malformed> {
        let mut reader = Reader { rest: body };
        let message = Self::decode_body(tag, &mut reader).map_err(|error| match error {
            Malformed::Truncated => Malformed::Section(tag),
            other => other,
        })?;
        if message.is_some() && !reader.is_empty() {
            return Err(Malformed::Section(tag));
        }
        Ok(message)
    }

    fn decode_body(tag: u8, reader: &mut Reader<'_>) -> Result<Option<Self>, Malformed> {
        match tag {
            1..=11 | 18 | 20 | 61 => {}
            12 => return Ok(Some(Self::Pull)),
            13 => return Ok(Some(Self::Repair)),
            _ => return Ok(None),
        }
        let nonce = reader.u32()?;
        Ok(Some(match tag {
            1 => Self::Ping { nonce, target: id(reader)? },
            2 => Self::Ack { nonce },
            3 => Self::PingRequest { nonce, target: id(reader)? },
            4 => Self::RelayedAck { nonce },
            5 => Self::Nack { nonce },
            6 => Self::Join { nonce, token: reader.u64()?, me: decode_record(reader)? },
            7 => Self::Challenge { nonce, token: reader.u64()? },
            8 => Self::Welcome { nonce, members: reader.u32()? },
            9 => {
                let mut others = heapless::Vec::new();
                while !reader.is_empty() {
                    others.push(decode_address(reader)?).map_err(|_| Malformed::TooMany)?;
                }
                Self::Busy { nonce, others }
            }
            10 => Self::Fetch {
                nonce,
                token: reader.u64()?,
                after: decode_place(reader)?,
                until: reader.u32()?,
                window: reader.u8()?,
            },
            20 => Self::Sifted { nonce },
            61 => {
                let key = ValueKey::from_bytes(core::mem::take(&mut reader.rest)).ok_or(Malformed::Value)?;
                Self::Ask { nonce, key }
            }
            18 => Self::Observed { nonce, address: decode_address(reader)? },
            _ => {
                let (after, next) = (decode_place(reader)?, decode_place(reader)?);
                let last = match reader.u8()? {
                    0 => false,
                    1 => true,
                    _ => return Err(Malformed::Value),
                };
                Self::Page { nonce, after, next, last }
            }
        }))
    }
}

fn encode_place(writer: &mut Writer<'_>, place: Place) {
    writer.u32(place.tag);
    writer.u64(place.id);
}

fn decode_place(reader: &mut Reader<'_>) -> Result<Place, Malformed> {
    Ok(Place { tag: reader.u32()?, id: reader.u64()? })
}

fn encode_address(writer: &mut Writer<'_>, address: SocketAddr) {
    writer.u8(if is_v6(address) { 6 } else { 4 });
    writer.address(address);
}

fn decode_address(reader: &mut Reader<'_>) -> Result<SocketAddr, Malformed> {
    match reader.u8()? {
        4 => reader.address(false),
        6 => reader.address(true),
        _ => Err(Malformed::Value),
    }
}
