//! All that is kept of events, and what becomes of one that is sent or heard.

use super::{
    asked::Asked,
    event::{EventId, Head, UserEvent, Want, Wants},
    limits::{
        BESIDE_PAYLOAD, HEARD_BURST, HEARD_BYTES_PER_SECOND, MAX_PAYLOAD, MAX_WANTS, SEND_BURST,
        SEND_INTERVAL, SLACK, TTL,
    },
    places::{self, Misfit, Place},
    ring::{Held, Marks, Ring},
};
use crate::{
    tables::pace::{Pace, time_of},
    vocabulary::{
        record::{Incarnation, NodeId},
        time::Instant,
    },
};
use core::time::Duration;

/// What is kept beside places and payloads.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    marks: Marks,
    rest: Rest,
}

/// What of it is not the ring's.
#[derive(Clone, Debug)]
struct Rest {
    /// When this life of the node began.
    began: Instant,
    /// The epoch of the last event that was sent, and its number.
    sent: (u32, u32),
    sending: Pace,
    hearing: Pace,
    asked: Asked,
}

impl Books {
    pub(crate) const EMPTY: Self = Self { marks: Marks::EMPTY, rest: Rest::new(Instant::ZERO) };
}

impl Rest {
    const fn new(began: Instant) -> Self {
        Self { began, sent: (0, 0), sending: Pace::RESTED, hearing: Pace::RESTED, asked: Asked::NONE }
    }
}

/// Places, payloads and books, borrowed from their memory.
pub(crate) struct Events<'a> {
    pub(super) places: &'a mut [Place],
    pub(super) ring: Ring<'a>,
    rest: &'a mut Rest,
}

/// What became of an event that was told. Only [`Heard::New`] is delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// It was not heard before.
    New {
        /// Events that were to be told still, and made room for it.
        displaced: u32,
    },
    /// It was.
    Duplicate,
    /// Its time is over.
    Expired,
    /// It is older than this node's life, or may be: an earlier life may have delivered it. It is told on all the same, since
    /// where many nodes begin at once the others would not hear of it.
    BeforeLife,
    /// It is too far behind the newest of its origin to know whether it was heard.
    Behind,
    /// It is of an epoch before the newest heard of its origin.
    PastEpoch,
    /// There is no place for one more origin.
    Crowded,
    /// More is told than this node takes. It may be heard later.
    OverRate,
}

/// What became of an event that this node sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sent {
    pub(crate) id: EventId,
    /// See [`Heard::New`].
    pub(crate) displaced: u32,
}

/// Why an event was not sent. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// The payload is longer than this.
    TooLarge {
        /// The longest that is taken.
        most: usize,
    },
    /// Too many were sent just before.
    TooMany {
        /// How long until the next may be sent.
        wait: Duration,
    },
    /// The numbers of this epoch are used up.
    Numbers,
}

impl<'a> Events<'a> {
    /// Puts the events together from memory that is empty at first.
    pub(crate) fn new(
        places: &'a mut [Place],
        held: &'a mut [Held],
        bytes: &'a mut [u8],
        books: &'a mut Books,
    ) -> Self {
        let Books { marks, rest } = books;
        Self { places, ring: Ring { held, bytes, marks }, rest }
    }

    /// Whether there is memory for any.
    pub(crate) fn keeps(&self) -> bool {
        !self.places.is_empty() && !self.ring.held.is_empty() && !self.ring.bytes.is_empty()
    }

    /// A life of a node begins: nothing was heard in it.
    pub(crate) fn clear(&mut self, now: Instant) {
        self.places.fill(Place::EMPTY);
        *self.ring.marks = Marks::EMPTY;
        *self.rest = Rest::new(now);
    }

    /// Sends an event of this node itself in its present epoch.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        (me, epoch): (NodeId, u32),
        payload: &[u8],
    ) -> Result<Sent, Refusal> {
        let most = MAX_PAYLOAD.min(self.ring.bytes.len());
        if payload.len() > most {
            return Err(Refusal::TooLarge { most });
        }
        let last = self.sent_in(epoch);
        let burst = SEND_INTERVAL * SEND_BURST;
        let sequence = last + 1;
        if sequence > Incarnation::MAX_COUNT {
            return Err(Refusal::Numbers);
        }
        if let Err(wait) = self.rest.sending.take(now, SEND_INTERVAL, burst) {
            return Err(Refusal::TooMany { wait });
        }
        self.rest.sent = (epoch, sequence);
        let id = EventId { origin: me, epoch, sequence };
        Ok(Sent { id, displaced: self.ring.hold(id, now, payload) })
    }

    /// Hears of an event of this node itself in its present epoch. If it has not sent that, somebody else has in its name, or an
    /// earlier life of the same epoch: the numbers go on above it, since those below are not taken any more.
    pub(crate) fn hear_own(&mut self, EventId { epoch, sequence, .. }: EventId) {
        self.rest.sent = (epoch, sequence.max(self.sent_in(epoch)).min(Incarnation::MAX_COUNT));
    }

    /// The number of the last event of this node in an epoch.
    fn sent_in(&self, epoch: u32) -> u32 {
        if self.rest.sent.0 == epoch { self.rest.sent.1 } else { 0 }
    }

    /// Takes in an event that was told. Whoever calls leaves out the node's own.
    ///
    /// O(places + events held).
    pub(crate) fn hear(&mut self, now: Instant, event: &UserEvent<'_>) -> Heard {
        let age = Duration::from_millis(u64::from(event.age));
        if age >= TTL {
            return Heard::Expired;
        }
        let place = match places::find(self.places, now, event.id) {
            Ok(place) => place,
            Err(Misfit::Heard) => return Heard::Duplicate,
            Err(Misfit::Behind) => return Heard::Behind,
            Err(Misfit::PastEpoch) => return Heard::PastEpoch,
            Err(Misfit::Crowded) => return Heard::Crowded,
        };
        let bytes = BESIDE_PAYLOAD.saturating_add(event.payload.len() as u32);
        if self.rest.hearing.take(now, heard_time(bytes), heard_time(HEARD_BURST)).is_err() {
            return Heard::OverRate;
        }
        places::note(self.places, now, place, event.id);
        let displaced = self.ring.hold(event.id, now - age, event.payload);
        if age + SLACK >= now.since(self.rest.began) { Heard::BeforeLife } else { Heard::New { displaced } }
    }

    /// What to ask of a member that told these heads: of each origin with an event that is news, what was heard of it. The
    /// same event is not asked for again before an answer can be there.
    pub(crate) fn ask(&mut self, now: Instant, heads: impl Iterator<Item = Head>) -> Wants {
        let mut wants = Wants::new();
        if !self.takes_any(now) {
            return wants;
        }
        for head in heads {
            let Some(want) = places::want_after(self.places, now, head) else { continue };
            if wants.is_full() {
                break;
            }
            if self.rest.asked.note(now, head) && !wants.contains(&want) {
                let _ = wants.push(want);
            }
        }
        wants
    }

    /// What to ask of another member, where a teller was asked and its answer has not come.
    pub(crate) fn ask_again(&mut self, now: Instant) -> Wants {
        let (takes_any, places) = (self.takes_any(now), &*self.places);
        let mut wants = Wants::new();
        self.rest.asked.ask_again(now, |head| {
            let want = places::want_after(places, now, head);
            if let Some(want) = want.filter(|want| takes_any && !wants.contains(want)) {
                let _ = wants.push(want);
            }
            want.is_some()
        });
        wants
    }

    /// When to ask another member.
    pub(crate) fn next_ask(&self) -> Instant {
        self.rest.asked.next()
    }

    /// Whether any event would be taken.
    fn takes_any(&self, now: Instant) -> bool {
        let most = heard_time(BESIDE_PAYLOAD + MAX_PAYLOAD as u32);
        now.since(self.rest.began) > SLACK && self.rest.hearing.has(now, most, heard_time(HEARD_BURST))
    }

    /// All that was heard lately, for a member that is to tell the rest. If it is more than can be said, the rest is told
    /// again, in vain.
    pub(crate) fn wants(&self, now: Instant) -> Wants {
        let named = places::wants(self.places, now);
        core::iter::once(Want::REST).chain(named).take(MAX_WANTS).collect()
    }
}

fn heard_time(bytes: u32) -> Duration {
    time_of(bytes, HEARD_BYTES_PER_SECOND)
}
