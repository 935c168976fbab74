//! What a datagram is for, by what it says: no datagram tells its class.

use super::{ACCUSATIONS, Contents, DIGESTS, LISTS, PULSES, RANGES, RECORDS, REQUESTS, SIEVE, Sections};
use crate::{vocabulary::traffic::Traffic, wire::message::Message};

impl Contents<'_> {
    /// The class of a datagram. A correction is as a round of gossip, and an attempt to reconnect as a probe.
    pub(crate) fn class(&self) -> Traffic {
        match &self.message {
            Some(message) => class_of(message),
            None if self.answer.is_some() => Traffic::State,
            None if self.has(&[DIGESTS, LISTS, REQUESTS, SIEVE, RANGES]) => Traffic::Sync,
            None if self.has(&[RECORDS, ACCUSATIONS]) => Traffic::Rumor,
            None if self.has(&[PULSES]) => Traffic::Pulse,
            None => Traffic::State,
        }
    }

    fn has(&self, tags: &[u8]) -> bool {
        Sections(self.sections).any(|section| section.is_ok_and(|(tag, _)| tags.contains(&tag)))
    }
}

fn class_of(message: &Message) -> Traffic {
    match message {
        Message::Ping { .. }
        | Message::Ack { .. }
        | Message::PingRequest { .. }
        | Message::RelayedAck { .. }
        | Message::Nack { .. } => Traffic::Probe,
        Message::Join { .. }
        | Message::Challenge { .. }
        | Message::Welcome { .. }
        | Message::Busy { .. }
        | Message::Fetch { .. }
        | Message::Page { .. }
        | Message::Pull
        | Message::Repair
        | Message::Observed { .. }
        | Message::Sifted { .. } => Traffic::Sync,
        Message::Ask { .. } => Traffic::State,
    }
}
