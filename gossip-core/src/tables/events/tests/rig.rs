//! Memory for one node's events, and short ways to use it.

use crate::{
    tables::events::{
        event::{EventId, UserEvent},
        limits::{MAX_HELD, MAX_ORIGINS, RING_BYTES, SLACK, TTL},
        places::Place,
        queue::Tell,
        ring::Held,
        store::{Books, Events, Heard, Refusal, Sent},
    },
    vocabulary::{record::NodeId, time::Instant},
};
use core::time::Duration;
use std::{vec, vec::Vec};

/// The node whose memory it is.
pub(super) const ME: u64 = 1;
pub(super) const EPOCH: u32 = 7;

#[derive(Clone)]
pub(super) struct Rig {
    places: Vec<Place>,
    held: Vec<Held>,
    bytes: Vec<u8>,
    books: Books,
    pub(super) now: Instant,
    /// When its life began.
    pub(super) began: Instant,
}

/// What [`Rig::take`] took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Took {
    Whole(EventId, u32, Vec<u8>),
    Head(EventId),
}

impl Rig {
    /// A node whose life begins.
    pub(super) fn newborn(places: usize, held: usize, bytes: usize, now: Instant) -> Self {
        let mut rig = Self {
            places: vec![Place::EMPTY; places],
            held: vec![Held::EMPTY; held],
            bytes: vec![0; bytes],
            books: Books::EMPTY,
            now,
            began: now,
        };
        rig.restart();
        rig
    }

    /// A node that has lived for long enough to take events of any age.
    pub(super) fn with(places: usize, held: usize, bytes: usize) -> Self {
        let mut rig = Self::newborn(places, held, bytes, Instant::from_millis(1_000));
        rig.wait(TTL + SLACK);
        rig
    }

    pub(super) fn ample() -> Self {
        Self::with(MAX_ORIGINS, MAX_HELD, RING_BYTES)
    }

    pub(super) fn events(&mut self) -> Events<'_> {
        Events::new(&mut self.places, &mut self.held, &mut self.bytes, &mut self.books)
    }

    pub(super) fn restart(&mut self) {
        self.began = self.now;
        let now = self.now;
        self.events().clear(now);
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    pub(super) fn send(&mut self, payload: &[u8]) -> Result<Sent, Refusal> {
        let now = self.now;
        let sent = self.events().send(now, (NodeId::from_u64(ME).unwrap(), EPOCH), payload);
        self.events().check(now);
        sent
    }

    pub(super) fn hear(&mut self, event: &UserEvent<'_>) -> Heard {
        let now = self.now;
        let heard = self.events().hear(now, event);
        self.events().check(now);
        heard
    }

    pub(super) fn is_new(&mut self, event: &UserEvent<'_>) -> bool {
        matches!(self.hear(event), Heard::New { .. })
    }

    /// What is told in one datagram that takes all that `fits`, and how much of it is retired then.
    pub(super) fn take(&mut self, sends: u8, mut fits: impl FnMut(&Took) -> bool) -> (Vec<Took>, u32) {
        let (now, mut took) = (self.now, vec![]);
        let ids: Vec<_> = self.held.iter().map(Held::id).collect();
        let retired = self.events().take(now, sends, |tell| {
            let tell = match tell {
                Tell::Whole(UserEvent { id, age, payload }) => Took::Whole(id, age, payload.to_vec()),
                Tell::Head(head) => Took::Head(*ids.iter().find(|id| id.head() == head).unwrap()),
            };
            let fits = fits(&tell);
            if fits {
                took.push(tell);
            }
            fits
        });
        self.events().check(now);
        (took, retired)
    }

    /// The sequence numbers of what is told, wholes and heads.
    pub(super) fn told(&mut self, sends: u8) -> (Vec<u32>, Vec<u32>) {
        let (mut wholes, mut heads) = (vec![], vec![]);
        for took in self.take(sends, |_| true).0 {
            match took {
                Took::Whole(id, ..) => wholes.push(id.sequence),
                Took::Head(id) => heads.push(id.sequence),
            }
        }
        (wholes, heads)
    }
}

pub(super) fn id(origin: u64, epoch: u32, sequence: u32) -> EventId {
    EventId { origin: NodeId::from_u64(origin).unwrap(), epoch, sequence }
}

/// An event of this age in ms, without a payload.
pub(super) fn event(origin: u64, epoch: u32, sequence: u32, age: u32) -> UserEvent<'static> {
    UserEvent { id: id(origin, epoch, sequence), age, payload: &[] }
}
