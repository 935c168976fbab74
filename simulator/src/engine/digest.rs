//! What a run did, in 64 bits.

use super::{HostId, Micros};
use gossip_core::Event;
use siphasher::sip::SipHasher13;
use std::{fmt, hash::Hasher};

/// A hash of a whole trace: every packet and event, with its time and its host. Equal digests mean equal
/// runs, byte for byte; SipHash-1-3, fed little-endian, so the same on every machine.
#[derive(Clone, Debug)]
pub struct Digest(SipHasher13);

impl Digest {
    pub(super) fn new() -> Self {
        Self(SipHasher13::new())
    }

    pub(super) fn step(&mut self, now: Micros, host: HostId) {
        self.word(now);
        self.word(u64::from(host));
    }

    pub(super) fn packet(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    pub(super) fn event(&mut self, event: &Event) {
        match *event {
            Event::Up(id) => self.pair(1, id.as_u64()),
            Event::Suspected(id) => self.pair(2, id.as_u64()),
            Event::Cleared(id) => self.pair(3, id.as_u64()),
            Event::Down(id) => self.pair(4, id.as_u64()),
            Event::Left(id) => self.pair(5, id.as_u64()),
            Event::Updated(id) => self.pair(6, id.as_u64()),
            Event::Unreachable(id) => self.pair(7, id.as_u64()),
            Event::Reachable(id) => self.pair(8, id.as_u64()),
            Event::Joined => self.pair(9, 0),
            // Rare ones, and whatever a later core adds: by their text.
            other => self.0.write(format!("{other:?}").as_bytes()),
        }
    }

    fn pair(&mut self, tag: u64, value: u64) {
        self.word(tag);
        self.word(value);
    }

    fn word(&mut self, word: u64) {
        self.0.write(&word.to_le_bytes());
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0.finish())
    }
}
