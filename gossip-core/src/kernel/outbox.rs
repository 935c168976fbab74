//! Caller-owned memory that a step fills, and what a step returns.

use crate::kernel::peer::Peer;
#[cfg(feature = "seal")]
use crate::security::guard::{Form, Guard};
use crate::vocabulary::{
    ask::{AskFailure, AskId, Question},
    bounds::MAX_ENTRIES,
    config::Config,
    endpoint::{Endpoint, Sighting},
    error::{ConfigError, Verdict},
    key::ValueTag,
    record::{NodeId, Zone},
    time::Instant,
    traffic::Traffic,
};
use core::{
    fmt,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    time::Duration,
};

/// Something the host may want to know. What a member looks like now, `Node::member` tells.
///
/// Of a member, `Up` comes first, unless the host restored it; then `Suspected` and `Cleared` in turn; then `Down`,
/// or `Left`, or `Left` after `Down`; then `Up` again, or `Reaped`, which ends the row. None of them comes twice in a
/// row, and no change of what a host sees of a live member comes without `Updated`, whatever else it is told:
///
/// | after | may come |
/// |---|---|
/// | nothing, `Reaped`, `Reset` | `Up` |
/// | `Up`, `Cleared` | `Suspected`, `Down`, `Left`, `Updated` |
/// | `Suspected` | `Cleared`, `Down`, `Left`, `Updated` |
/// | `Down` | `Up`, `Left`, `Reaped` |
/// | `Left` | `Up`, `Reaped` |
///
/// Within one epoch, `Unreachable` and `Reachable` alternate beside that, and `Conflict` may come at any time. A
/// tombstone that came as history, of a member that this node never knew as live, raises only `Reaped`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Event {
    /// A member is up: new to us, or back after `Down` or `Left`.
    Up(NodeId),
    /// A member is accused of not answering.
    Suspected(NodeId),
    /// A suspicion ended with the member alive.
    Cleared(NodeId),
    /// A member was declared dead, by this node or by others.
    Down(NodeId),
    /// A member left, and said so itself.
    Left(NodeId),
    /// The record of a live member changed otherwise than by its status; or by its status, which `Suspected` or
    /// `Cleared` told just before, and its address, locality, versions, health or epoch as well. An `Unreachable` of
    /// an earlier epoch is void.
    Updated(NodeId),
    /// Keys of a live member are new, have other values, or were deleted. No such event tells that keys end with `Down`, `Left`,
    /// a new epoch (which `Updated` tells), or their time to live.
    State(NodeId),
    /// A member sent an event to all: see `Node::send_event`. It comes at most once, for at most 30 s after it was sent, and
    /// in any order with others.
    UserEvent {
        /// Who sent it.
        origin: NodeId,
        /// In which epoch of its own.
        epoch: u32,
        /// The number of the event, from 1 on in each epoch: one that is missing may come yet, or was lost.
        sequence: u32,
        /// What it says: see [`Output::payload`].
        #[cfg_attr(feature = "serde", serde(skip))]
        payload: Payload,
    },
    /// A cluster-wide value is new, has changed, or is gone: [`Node::tagged_value`](crate::Node::tagged_value).
    Value(ValueTag),
    /// Two values of one key were written without knowledge of each other, or an authority said two things at one revision.
    /// One of them won, here and everywhere. Once for each revision.
    ValueConflict {
        /// Whose key.
        value: ValueTag,
        /// Who wrote the value that lost.
        loser: NodeId,
    },
    /// A member asks for something by a name, which [`Output::payload`] returns: see `Node::answer`. While it waits, it asks
    /// again, with an equal question.
    Asked {
        /// What to answer.
        question: Question,
        /// The name: 1 to 31 visible ASCII characters.
        #[cfg_attr(feature = "serde", serde(skip))]
        key: Payload,
    },
    /// The answer to a question of this node: see [`Output::payload`].
    Answered {
        /// Which question is answered.
        ask: AskId,
        /// Who answered it.
        member: NodeId,
        /// The answer.
        #[cfg_attr(feature = "serde", serde(skip))]
        payload: Payload,
    },
    /// A question of this node has no answer. Each question ends once, with this or with `Answered`, unless this node leaves
    /// before.
    AskFailed {
        /// Which question.
        ask: AskId,
        /// Who was asked.
        member: NodeId,
        /// Why it has no answer.
        why: AskFailure,
    },
    /// This node's own probe of a member failed.
    Unreachable(NodeId),
    /// A member that this node could not reach answers again.
    Reachable(NodeId),
    /// A zone is silent as a whole, seen from here: it is quarantined, its members count as unreachable, and nobody
    /// in it is accused for now.
    ZoneQuarantined(Zone),
    /// The quarantine of a zone has ended.
    ZoneReleased {
        /// Which zone.
        zone: Zone,
        /// Whether it answered; if not, `Config::quarantine` is over, and its members will be judged like any others.
        answered: bool,
    },
    /// Two nodes use this id: there are two sets of fields under one incarnation, or its address goes back and forth
    /// under rising epochs. At most one a step.
    Conflict(NodeId),
    /// A member that was dead or had left is forgotten: by age, for want of room, or because the host
    /// [said so](crate::Node::forget).
    Reaped(NodeId),
    /// This node's own view is as complete as it gets: the first fetch is done, or there is no node to join. Raised
    /// once, and once more after each [`Event::Reset`].
    Joined,
    /// This node has left, and may stop: enough others have acknowledged it, there is no other node, or its time is
    /// over.
    LeaveDone {
        /// How many surely know: three, or all if they are fewer, unless the time was over before. They tell the rest.
        /// Where all leave together and none stays to acknowledge it: those that are known to leave, at most three.
        acknowledged: u32,
    },
    /// This node goes on under a new epoch, above one that the cluster knew of its id: of an earlier epoch, or of
    /// another node with this id, which [`Self::IdInUse`] says if it is certain. Persist it.
    EpochBumped {
        /// The epoch to persist.
        epoch: u32,
    },
    /// Another node uses this node's id: it has said so since this node began. Give one of the two another name. At
    /// most one in 10 s.
    IdInUse {
        /// Where the other node is.
        at: Endpoint,
    },
    /// Another node has gone above this node's epoch for the third time in a row. This node is passive from now on:
    /// it answers, but no longer contradicts, until the other is dead or has left and is silent for 30 s; then it
    /// takes its id back ([`Self::EpochBumped`]). Give one of the two another name.
    DuplicateId,
    /// This node heard from no member for so long (half of `tombstone_ttl`) that its view is no longer safe to
    /// tell: it has forgotten all members, without further events, and joins anew.
    Reset,
    /// This node itself was paused; no member is judged by it.
    LocalPause {
        /// How late the step was.
        late: Duration,
    },
    /// Datagrams as long as `max_datagram` do not pass between this node and others, as when a tunnel on the way
    /// takes less; shorter ones do, and this node uses no others from now on. Set `max_datagram` to what passes, on
    /// all nodes.
    NarrowPath {
        /// The longest that is known to pass, in bytes of UDP payload.
        passes: u16,
        /// What `max_datagram` is.
        configured: u16,
    },
    /// This node's datagrams come from another address than it advertises, say two others that saw it (or the only
    /// one there is): answers to the one in its record do not arrive, which `Node::me` has. `Node::set_address` is
    /// the remedy. A hint that can be forged; once for each address observed, and at most every 10 s.
    ObservedAddress {
        /// Where its datagrams come from.
        observed: Endpoint,
    },
    /// The datagrams of a member, or of one that uses its id, come from another address than its record has. It was
    /// told. Once for each address observed, and at most ten a second.
    MemberObserved(Sighting),
    /// Datagrams of another cluster arrive: a wrong cluster name, here or there. At most one a minute.
    ForeignCluster {
        /// Where from.
        from: SocketAddr,
    },
    /// Datagrams arrive that are sealed with a key with which this node opens none: it lacks the present key, the sender has
    /// one that is gone, or this node's sealing is off. A hint that can be forged. It comes at most once a minute for each key and
    /// sender, and for at most eight senders a minute; without the feature `alloc`, for one.
    UnknownKey {
        /// The id of the key, 1 to 127.
        key: u8,
        /// Where from.
        from: Endpoint,
    },
    /// Datagrams of this cluster arrive in the clear, and this node hears sealed ones alone: the sender lacks the keys, or is not
    /// as far in sealing. A hint that can be forged; bounded as [`Self::UnknownKey`].
    NotSealed {
        /// Where from.
        from: Endpoint,
    },
}

/// Outboxes hold many of them, in 14 KiB of statics.
const _: () = assert!(size_of::<Event>() <= 32);

impl Event {
    /// The member that the event is about; `None` for this node itself.
    pub fn member(self) -> Option<NodeId> {
        match self {
            Self::Up(id)
            | Self::Suspected(id)
            | Self::Cleared(id)
            | Self::Down(id)
            | Self::Left(id)
            | Self::Updated(id)
            | Self::State(id)
            | Self::UserEvent { origin: id, .. }
            | Self::Answered { member: id, .. }
            | Self::AskFailed { member: id, .. }
            | Self::Unreachable(id)
            | Self::Reachable(id)
            | Self::Conflict(id)
            | Self::Reaped(id) => Some(id),
            Self::MemberObserved(sighting) => Some(sighting.member()),
            Self::Asked { question, .. } => Some(question.from()),
            Self::Joined
            | Self::LeaveDone { .. }
            | Self::EpochBumped { .. }
            | Self::IdInUse { .. }
            | Self::DuplicateId
            | Self::ZoneQuarantined(_)
            | Self::ZoneReleased { .. }
            | Self::Reset
            | Self::LocalPause { .. }
            | Self::NarrowPath { .. }
            | Self::ObservedAddress { .. }
            | Self::Value(_)
            | Self::ValueConflict { .. }
            | Self::ForeignCluster { .. }
            | Self::UnknownKey { .. }
            | Self::NotSealed { .. } => None,
        }
    }
}

/// At most this many events tell of one record: of its status, and of what else changed.
const EVENTS_OF_ENTRY: usize = 2;
/// What a step raises beside what entries tell: own pause, started over, two of who answers (reachable, zone
/// released), conflict, new epoch, id in use, and what its message may (joined, where a datagram was seen to come
/// from, a question or an answer); a tick stops for more room before anything that raises several.
pub(crate) const EVENTS_OF_STEP: usize = 8;

/// The most events that entries of one datagram raise. An item, which can raise two, has 19 bytes at least; a record,
/// which can as well, 27; an accusation, which can raise one, 21; a user event, which can, too, 15.
pub(crate) const fn events_of_datagram(max_datagram: u16) -> usize {
    let entries = (max_datagram as usize).saturating_sub(SMALLEST_HEADER);
    let (events, most) = (entries * EVENTS_OF_ENTRY / SMALLEST_ENTRY, EVENTS_OF_ENTRY * MAX_ENTRIES);
    if events < most { events } else { most }
}

/// Header of a datagram and of a section.
const SMALLEST_HEADER: usize = 22 + 3;
const SMALLEST_ENTRY: usize = 19;
/// What the smallest datagrams take.
const MIN_EVENTS: usize = events_of_datagram(400) + EVENTS_OF_STEP;

/// Where in an [`Output`] the payload of an event is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Payload {
    start: u32,
    len: u16,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    to: SocketAddr,
    start: u32,
    len: u16,
    class: Traffic,
    /// How it is to be sealed, and who is to open it.
    #[cfg(feature = "seal")]
    seal: (Form, Option<NodeId>),
}

const NO_PACKET: Sent = Sent {
    to: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)),
    start: 0,
    len: 0,
    class: Traffic::Probe,
    #[cfg(feature = "seal")]
    seal: (Form::CLEAR, None),
};

/// The memory of an [`Outbox`]: `PACKETS` packets of `BYTES` bytes together, and `EVENTS` events.
///
/// Sizes are checked at compile time: at least 2 packets of 400 bytes, and 47 events, which is what a datagram of 400
/// bytes and its step can raise. `BYTES` must hold `max_datagram` bytes, and `EVENTS` what one datagram can raise, or
/// every step is refused ([`Verdict::OutboxTooSmall`]): 59 events for 512 bytes, 104 for 1,200 and more. Where a
/// step has more packets to send than there is room for, a tick leaves the rest to the next, which it asks for at
/// once; anything else drops them, and counts it.
///
/// ```
/// use gossip_core::Buffer;
/// let mut buffer = Buffer::<16, 128, 19_200>::new();
/// let mut out = buffer.outbox();
/// ```
pub struct Buffer<const PACKETS: usize, const EVENTS: usize, const BYTES: usize> {
    packets: [Sent; PACKETS],
    events: [Event; EVENTS],
    bytes: [u8; BYTES],
}

impl<const PACKETS: usize, const EVENTS: usize, const BYTES: usize> Buffer<PACKETS, EVENTS, BYTES> {
    /// Empty; `const`, so it can be a static.
    pub const fn new() -> Self {
        const {
            assert!(PACKETS >= 2 && BYTES >= 800, "a step needs room for two packets");
            assert!(EVENTS >= MIN_EVENTS, "a datagram and its step can raise 47 events");
        }
        Self { packets: [NO_PACKET; PACKETS], events: [Event::Joined; EVENTS], bytes: [0; BYTES] }
    }

    /// Lends the memory to the steps of a node with this configuration.
    ///
    /// # Errors
    /// [`ConfigError::Outbox`], with what one step may need: every step would be refused.
    pub fn outbox_for(&mut self, config: &Config) -> Result<Outbox<'_>, ConfigError> {
        let out = self.outbox();
        if out.suffices(config.max_datagram) {
            return Ok(out);
        }
        let bytes = usize::from(config.max_datagram);
        Err(ConfigError::Outbox { events: events_of_datagram(config.max_datagram) + EVENTS_OF_STEP, bytes })
    }

    /// Lends the memory to steps. Those of a node whose datagrams or events do not fit are refused
    /// ([`Verdict::OutboxTooSmall`]): [`outbox_for`](Self::outbox_for) says so at the start.
    pub fn outbox(&mut self) -> Outbox<'_> {
        Outbox {
            packets: &mut self.packets,
            sent: 0,
            events: &mut self.events,
            raised: 0,
            bytes: &mut self.bytes,
            used: 0,
            kept: 0,
        }
    }
}

impl<const PACKETS: usize, const EVENTS: usize, const BYTES: usize> Default
    for Buffer<PACKETS, EVENTS, BYTES>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const PACKETS: usize, const EVENTS: usize, const BYTES: usize> fmt::Debug
    for Buffer<PACKETS, EVENTS, BYTES>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("packets", &PACKETS)
            .field("events", &EVENTS)
            .field("bytes", &BYTES)
            .finish_non_exhaustive()
    }
}

/// Where a step puts its packets and events. Cleared at the start of every step.
pub struct Outbox<'a> {
    packets: &'a mut [Sent],
    sent: usize,
    events: &'a mut [Event],
    raised: usize,
    bytes: &'a mut [u8],
    /// Bytes of packets, at the front.
    used: usize,
    /// Bytes of events' payloads, at the end.
    kept: usize,
}

impl fmt::Debug for Outbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("packets", &self.packets.get(..self.sent).unwrap_or_default())
            .field("events", &self.events.get(..self.raised).unwrap_or_default())
            .finish_non_exhaustive()
    }
}

impl Outbox<'_> {
    pub(crate) fn clear(&mut self) {
        (self.sent, self.raised, self.used, self.kept) = (0, 0, 0, 0);
    }

    fn free(&self) -> usize {
        self.bytes.len().saturating_sub(self.used + self.kept)
    }

    /// How many more packets of `max` bytes fit.
    pub(crate) fn room(&self, max: usize) -> usize {
        (self.packets.len() - self.sent).min(self.free() / max.max(1))
    }

    /// Whether this step has made no packet yet.
    pub(crate) fn is_unused(&self) -> bool {
        self.sent == 0
    }

    /// Whether one datagram of `max_datagram` bytes, or what it may make a node send, fits.
    pub(crate) fn suffices(&self, max_datagram: u16) -> bool {
        self.room(usize::from(max_datagram)) > 0
            && self.event_room() >= events_of_datagram(max_datagram) + EVENTS_OF_STEP
    }

    /// Whether this step has raised such an event.
    pub(crate) fn has_raised(&self, such: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().take(self.raised).any(such)
    }

    /// Room for more events.
    pub(crate) fn event_room(&self) -> usize {
        self.events.len() - self.raised
    }

    pub(crate) fn raise(&mut self, event: Event) {
        debug_assert!(self.raised < self.events.len(), "a step raised more events than it may");
        if let Some(place) = self.events.get_mut(self.raised) {
            *place = event;
            self.raised += 1;
        }
    }

    /// The free memory for one packet; `None` when there is no room for one of `max` bytes.
    pub(crate) fn space(&mut self, max: usize) -> Option<&mut [u8]> {
        if self.sent == self.packets.len() {
            return None;
        }
        let end = self.bytes.len().saturating_sub(self.kept);
        self.bytes.get_mut(self.used..end)?.get_mut(..max)
    }

    /// Whether there is room for an event with a payload of this length, and for a packet of `max` bytes beside it.
    pub(crate) fn has_room_for_payload(&self, len: usize, max: usize) -> bool {
        self.event_room() > EVENTS_OF_STEP && self.free() >= len + max
    }

    /// Keeps the payload of an event that is raised; there must be room.
    pub(crate) fn keep_payload(&mut self, payload: &[u8]) -> Payload {
        let end = self.bytes.len().saturating_sub(self.kept);
        let start = end.saturating_sub(payload.len());
        match self.bytes.get_mut(start..end) {
            Some(place) if place.len() == payload.len() => place.copy_from_slice(payload),
            _ => debug_assert!(false, "there is room for a payload"),
        }
        self.kept += payload.len();
        Payload { start: start as u32, len: payload.len() as u16 }
    }

    /// Makes the first `len` bytes of the free memory a packet.
    pub(crate) fn commit(
        &mut self,
        to: Peer,
        len: usize,
        class: Traffic,
        #[cfg(feature = "seal")] form: Form,
    ) {
        if let Some(place) = self.packets.get_mut(self.sent) {
            *place = Sent {
                to: to.address,
                start: self.used as u32,
                len: len as u16,
                class,
                #[cfg(feature = "seal")]
                seal: (form, to.id()),
            };
            self.sent += 1;
            self.used += len;
        }
    }

    /// Seals the packets of a step, at its end. One that cannot be sealed is not sent; returns how many.
    #[cfg(feature = "seal")]
    pub(crate) fn seal(&mut self, guard: &mut Guard) -> u64 {
        let mut sealed = 0;
        for at in 0..self.sent {
            let Some(&packet) = self.packets.get(at) else { break };
            let start = packet.start as usize;
            let bytes = self.bytes.get_mut(start..start + usize::from(packet.len)).unwrap_or_default();
            if guard.seal(packet.seal, bytes)
                && let Some(place) = self.packets.get_mut(sealed)
            {
                *place = packet;
                sealed += 1;
            }
        }
        let lost = self.sent - sealed;
        self.sent = sealed;
        lost as u64
    }
}

/// What a step returns: packets to send, events to tell, and when to call `tick` next.
///
/// It borrows the outbox, not the node: the node is free while the packets are sent.
#[must_use = "unsent packets are lost; call `tick` no later than `next_tick`"]
pub struct Output<'o> {
    /// What the input was.
    pub verdict: Verdict,
    /// Call `tick` at this time at the latest; now, if it is not in the future.
    pub next_tick: Instant,
    packets: &'o [Sent],
    events: &'o [Event],
    bytes: &'o [u8],
}

impl<'o> Output<'o> {
    pub(crate) fn new(out: &'o Outbox<'_>, verdict: Verdict, next_tick: Instant) -> Self {
        Self {
            verdict,
            next_tick,
            packets: &out.packets[..out.sent],
            events: &out.events[..out.raised],
            bytes: out.bytes,
        }
    }

    /// The packets to send, in order.
    pub fn packets(&self) -> impl ExactSizeIterator<Item = Packet<'o>> + use<'o> {
        let bytes = self.bytes;
        self.packets.iter().map(move |sent| {
            let start = sent.start as usize;
            let bytes = bytes.get(start..start + usize::from(sent.len)).unwrap_or_default();
            Packet { to: sent.to, bytes, class: sent.class }
        })
    }

    /// What happened, in order.
    pub fn events(&self) -> &'o [Event] {
        self.events
    }

    /// What a [`UserEvent`](Event::UserEvent) of this output says, the name that [one](Event::Asked) asks for, or what it
    /// [answers](Event::Answered); nothing for other events.
    pub fn payload(&self, event: &Event) -> &'o [u8] {
        let (Event::UserEvent { payload, .. }
        | Event::Asked { key: payload, .. }
        | Event::Answered { payload, .. }) = event
        else {
            return &[];
        };
        let start = payload.start as usize;
        self.bytes.get(start..start + usize::from(payload.len)).unwrap_or_default()
    }
}

/// Shows packets without their bytes; [`Packet`] has those.
impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("verdict", &self.verdict)
            .field("next_tick", &self.next_tick)
            .field("packets", &self.packets)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

/// A datagram to send.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Packet<'o> {
    /// Where to.
    pub to: SocketAddr,
    /// The whole payload, at most `max_datagram` bytes.
    pub bytes: &'o [u8],
    /// What it is for: under send pressure drop the later classes first.
    pub class: Traffic,
}
