//! Summaries of what a node sees, small enough to publish and mergeable without a coordinator.
//!
//! | type | answers | size in memory | encoded | error |
//! |---|---|---|---|---|
//! | [`Histogram`] | how are these values distributed? | 4 kB with 8 buckets an octave | about 70 B for latencies | at most 6.25 % of a quantile |
//! | [`Distinct`] | how many different things were there? | 256 B with 256 registers | 193 B | standard error 6.5 % |
//! | [`TopK`] | which keys came most often? | 400 B with 16 keys | about 166 B | at most 1/16 of the total, bounded for each key |
//!
//! Each node records into its own summary. Whoever wants to know about the whole cluster collects the summaries, in any
//! order and over any path, and merges them. Merging two histograms, or two distinct counts, equals recording
//! everything in one. [`TopK`] depends on the order of merges, but its error bounds do not.
//!
//! Merging a distinct count twice changes nothing. Merging a histogram or a [`TopK`] twice counts it twice: keep the
//! latest summary of each node, and merge those.
//!
//! Nothing here allocates or uses floating point. Counts stop at [`u64::MAX`] instead of wrapping. The same records
//! always give the same summary, and the same summary always gives the same bytes.
//!
//! ```
//! use gossip_summaries::Histogram;
//!
//! // On each node: latencies in microseconds.
//! let mut here = Histogram::<8>::new();
//! for micros in [1_200, 900, 1_500, 31_000] {
//!     here.record(micros);
//! }
//! let mut wire = [0; 64];
//! let length = here.encode(&mut wire)?;
//!
//! // On the reader.
//! let mut all = Histogram::<8>::new();
//! all.record(1_000);
//! all.merge(&Histogram::decode(&wire[..length])?);
//! assert_eq!(all.count(), 5);
//! let median = all.quantile(500).unwrap_or_default();
//! assert!(median.abs_diff(1_200) * 10_000 <= 1_200 * 625);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Wire format
//!
//! A summary fills its bytes from the first to the last; a container has to say how long it is. Fixed-width numbers are
//! big-endian. `LEB` is an unsigned LEB128 number of at most 64 bits in its shortest form. Every summary has exactly one
//! encoding, and decoders refuse everything else.
//!
//! ```text
//! histogram   16 + log2(buckets an octave) · sum LEB · buckets from the lowest; nothing after the last that is not empty
//!             bucket: count LEB, if not 0;  empty buckets: 0 · how many more are empty LEB
//! distinct    32 + log2(registers) · registers, 6 bits each, the first one in the high bits
//! top         48 · K · total LEB · entries, from the highest count; of equal counts the lowest key first
//!             entry: key 8 · count LEB in the first, otherwise by how much it is below the one before · error LEB
//! ```

#![forbid(unsafe_code)]
#![warn(missing_copy_implementations)]
#![no_std]

mod codec;
mod distinct;
mod error;
mod histogram;
mod logarithm;
mod top;

pub use distinct::{Distinct, hash};
pub use error::{DecodeError, NoRoom};
pub use histogram::Histogram;
pub use top::{Counted, TopK};
