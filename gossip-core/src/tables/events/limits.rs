//! How long events last, and how much of them there may be.

use crate::vocabulary::bounds::sized;
use core::time::Duration;

/// The longest payload. Anything larger belongs in a transfer of its own, which an event can announce.
pub(crate) const MAX_PAYLOAD: usize = 512;
/// From this age on an event is neither taken nor told.
pub(crate) const TTL: Duration = Duration::from_secs(30);
/// How much too young a told age may be in all: an eighth of the ttl.
pub(crate) const SLACK: Duration = Duration::from_millis(3_750);
/// How many sequence numbers behind the newest one an event may be, plus one: the bits of a place.
pub(crate) const WINDOW: u16 = 64;

/// Origins that are heard of at a time, on the heap.
#[cfg(any(feature = "alloc", test))]
pub(crate) const MAX_ORIGINS: usize = 256;
/// Events that are kept there to be told: as many as eight a second are within the ttl.
#[cfg(any(feature = "alloc", test))]
pub(crate) const MAX_HELD: usize = 256;
/// Bytes of their payloads.
#[cfg(any(feature = "alloc", test))]
pub(crate) const RING_BYTES: usize = 64 * 1_024;

/// Sends of an event as a whole, before its head is told. A rumor that each hearer sends four times reaches 98 % of all (the
/// x of x = 1 - e^(-4x)); the rest ask.
pub(crate) const WHOLE_SENDS: u8 = 4;
/// The most events and heads in one datagram.
pub(crate) const MAX_TAKEN: usize = sized(64, 16);
/// The most origins that are asked about in one datagram.
pub(crate) const MAX_WANTS: usize = sized(64, 16);
/// How long an answer may take before the same event is asked for again.
pub(crate) const ASK_AGAIN: Duration = Duration::from_millis(400);
/// How often it is asked for: of 12 questions and answers one arrives even where a fifth of all datagrams is lost.
pub(crate) const MAX_ASKS: u8 = 12;
/// Events that are remembered to have been asked for.
pub(crate) const MAX_ASKED: usize = sized(16, 4);

/// What an origin sends in the long run: one event in this time.
pub(crate) const SEND_INTERVAL: Duration = Duration::from_secs(1);
/// What it may send at once.
pub(crate) const SEND_BURST: u32 = 8;
/// Bytes a second that a node takes of all origins together: eight events a second of 200 bytes, of which each costs a node
/// 1 kB.
pub(crate) const HEARD_BYTES_PER_SECOND: u32 = 2_048;
/// Bytes that it takes at once.
pub(crate) const HEARD_BURST: u32 = sized(16 * 1_024, 4 * 1_024) as u32;
/// What an event counts beside its payload, and takes at the most in a datagram, with the section around it.
pub(crate) const BESIDE_PAYLOAD: u32 = 25;
/// What a head takes there.
pub(crate) const HEAD_BYTES: usize = 13;
