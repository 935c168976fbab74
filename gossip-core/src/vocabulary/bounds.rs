//! Bounds that several planes share.

/// The bound of a list that a node keeps beside its tables: with an allocator, sized for 10,000 members; without one,
/// for 64 on a microcontroller, in 14 KiB of statics.
pub(crate) const fn sized(hosted: usize, embedded: usize) -> usize {
    if cfg!(feature = "alloc") { hosted } else { embedded }
}

/// The most sends of any rumor: `retransmit_factor` 4 at two million members, 6 at ten thousand; or 3 at 64, where
/// loss and silence ask for most.
pub(crate) const MAX_SENDS: usize = sized(30, 20);
/// The most entries (records and accusations) in one datagram, made or accepted.
pub(crate) const MAX_ENTRIES: usize = 48;
