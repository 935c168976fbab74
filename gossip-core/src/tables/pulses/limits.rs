//! How large a pulse is, how long it lasts, and what it costs.

use core::time::Duration;

/// The most bytes of a pulse: a few numbers. What is larger is asked for, or kept state.
pub(crate) const MAX_BLOB: usize = 60;
/// From this age on a pulse is neither taken, told nor shown. Among 10,000 members at 6 kB/s a member is heard of every 75 s, in
/// all but one of a hundred cases within 225 s.
pub(crate) const TTL: Duration = Duration::from_secs(600);
/// How many members each member that hears a pulse tells it. Of all, the x of x = 1 - e^(-2x) hear it: 80 %.
pub(crate) const SENDS: usize = 2;
/// How many a member tells its own: at 20 % loss one pulse in 125 dies at once, and with two one in 25. Among many members it
/// costs nothing.
pub(crate) const SENDS_OF_OWN: usize = 3;
/// Pending pulses that are told without waiting for more: so many share the bytes of a header.
pub(crate) const BATCH: u32 = 8;

/// Pulses wait so long for each other that headers and sections, of [`HEADER`] bytes, take this part of the budget.
const HEADERS_PART: u64 = 8;
const HEADER: u64 = 22 + 3;

/// How long a pulse waits for others at the most, where all together have so many bytes a second: 67 ms at 6,000.
pub(crate) fn patience(budget: u32) -> Duration {
    let bytes = SENDS as u64 * HEADER * HEADERS_PART;
    Duration::from_micros((bytes * 1_000_000).checked_div(budget.into()).unwrap_or(0))
}

/// What a pulse takes in a datagram beside its blob, mostly: id 8, epoch 4, number 2, age 2, length 1.
const BESIDE_BLOB: u32 = 17;
/// The share of a datagram's header and section that a pulse has at each of its sends, times the [`REACHED`] sends.
const OF_HEADER: u32 = 5;
/// Sends of a pulse for each member, in tenths: two by each of the four fifths that hear it.
const REACHED: u32 = 16;

/// Bytes that a pulse of this length costs each member: 45 for one of 8 bytes.
pub(crate) fn cost(blob: usize) -> u32 {
    (BESIDE_BLOB + blob as u32) * REACHED / 10 + OF_HEADER
}
