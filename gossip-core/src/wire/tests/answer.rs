//! Questions and answers, as tests make them.

use super::Nonce;
use crate::{
    vocabulary::{ask::Answer, key::ValueKey},
    wire::answer::Reply,
};
use quickcheck::{Arbitrary, Gen};
use std::vec::Vec;

/// An answer, with bytes of its own.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OwnedReply {
    pub(super) nonce: Nonce,
    pub(super) status: u8,
    pub(super) found: Vec<u8>,
}

impl OwnedReply {
    pub(super) fn of(reply: Reply<'_>) -> Self {
        let (status, found) = match reply.answer {
            Answer::Found(found) => (0, found.to_vec()),
            Answer::Unknown => (1, vec![]),
            Answer::Refused => (2, vec![]),
        };
        Self { nonce: reply.nonce, status, found }
    }

    pub(super) fn reply(&self) -> Reply<'_> {
        let answer = match self.status {
            0 => Answer::Found(&self.found),
            1 => Answer::Unknown,
            _ => Answer::Refused,
        };
        Reply { nonce: self.nonce, answer }
    }
}

impl Arbitrary for OwnedReply {
    fn arbitrary(g: &mut Gen) -> Self {
        let (nonce, status) = (u32::arbitrary(g), u8::arbitrary(g) % 3);
        Self { nonce, status, found: if status == 0 { Vec::arbitrary(g) } else { vec![] } }
    }
}

pub(super) fn key(g: &mut Gen) -> ValueKey {
    let key: Vec<u8> = (0..=u8::arbitrary(g) % 31).map(|_| b'!' + u8::arbitrary(g) % 94).collect();
    ValueKey::from_bytes(&key).unwrap()
}
