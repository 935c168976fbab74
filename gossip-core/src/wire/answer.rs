//! Answers on the wire.
//!
//! ```text
//! 62 answer   nonce 4 · status 1 (0 found, 1 unknown, 2 refused) · what was found
//! ```
//!
//! The question is a message: see `message`. An answer counts as one, too: a datagram has at most one of both.

use super::{
    codec::{Reader, Writer},
    message::Nonce,
};
use crate::vocabulary::{ask::Answer, error::Malformed};

/// Bytes of an answer beside what was found.
pub(crate) const BESIDE_FOUND: usize = 4 + 1;

/// What a member says to a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reply<'a> {
    pub(crate) nonce: Nonce,
    pub(crate) answer: Answer<'a>,
}

pub(super) fn encode_reply(writer: &mut Writer<'_>, reply: &Reply<'_>) {
    let (status, found): (u8, &[u8]) = match reply.answer {
        Answer::Found(bytes) => (0, bytes),
        Answer::Unknown => (1, &[]),
        Answer::Refused => (2, &[]),
    };
    writer.u32(reply.nonce);
    writer.u8(status);
    writer.put(found);
}

pub(super) fn decode_reply(body: &[u8]) -> Result<Reply<'_>, Malformed> {
    let mut reader = Reader { rest: body };
    let (nonce, status) = (reader.u32()?, reader.u8()?);
    let answer = match (status, reader.rest) {
        (0, bytes) => Answer::Found(bytes),
        (1, []) => Answer::Unknown,
        (2, []) => Answer::Refused,
        _ => return Err(Malformed::Value),
    };
    Ok(Reply { nonce, answer })
}
