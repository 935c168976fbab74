//! What is kept of one member.

use super::{
    limits::{MAX_BLOB, TTL},
    pulse::Said,
};
use crate::vocabulary::time::{Instant, micros};
use bytemuck::Zeroable;

/// The places before and behind in the list: `slot + 1`, or zero at an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Zeroable)]
#[repr(C)]
pub(super) struct Links {
    pub(super) previous: u32,
    pub(super) next: u32,
}

impl Links {
    pub(super) const NONE: Self = Self { previous: 0, next: 0 };
}

/// A member's latest pulse. All zero while there is none.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(crate) struct Place {
    /// When it was said, in µs of the host's clock modulo 2^64: before that began, perhaps.
    born: u64,
    /// When one of the member became pending last, in the same way.
    pub(super) passed_on: u64,
    pub(super) epoch: u32,
    /// Zero while none was told, and none heard.
    pub(super) number: u32,
    pub(super) links: Links,
    len: u8,
    is_held: u8,
    pub(super) is_pending: u8,
    /// In three parts, since `Zeroable` is not implemented for an array of this length.
    blob: [[u8; MAX_BLOB / 3]; 3],
}

const _: () = assert!(size_of::<Place>() == 96);

impl Place {
    pub(crate) const EMPTY: Self = Self {
        born: 0,
        passed_on: 0,
        epoch: 0,
        number: 0,
        links: Links::NONE,
        len: 0,
        is_held: 0,
        is_pending: 0,
        blob: [[0; MAX_BLOB / 3]; 3],
    };

    pub(super) fn is_held(&self) -> bool {
        self.is_held != 0
    }

    pub(super) fn is_pending(&self) -> bool {
        self.is_pending != 0
    }

    pub(super) fn said(&self, now: Instant) -> Said<'_> {
        let age = now.as_micros().wrapping_sub(self.born) / 1_000;
        Said {
            epoch: self.epoch,
            number: self.number,
            age: u32::try_from(age).unwrap_or(u32::MAX),
            blob: self.blob.as_flattened().get(..usize::from(self.len)).unwrap_or_default(),
        }
    }

    pub(super) fn put(&mut self, now: Instant, said: &Said<'_>) {
        self.born = now.as_micros().wrapping_sub(u64::from(said.age) * 1_000);
        (self.epoch, self.number) = (said.epoch, said.number);
        debug_assert!(said.blob.len() <= MAX_BLOB, "a longer one is refused before");
        let len = said.blob.len().min(MAX_BLOB);
        (self.len, self.is_held) = (len as u8, 1);
        for (place, byte) in self.blob.as_flattened_mut().iter_mut().zip(said.blob) {
            *place = *byte;
        }
    }
}

/// Whether a pulse has come to its end.
pub(crate) fn is_over(said: &Said<'_>) -> bool {
    u64::from(said.age) * 1_000 >= micros(TTL)
}
