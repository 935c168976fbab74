//! The ranges that are being fetched, and the pages of them that overtook others.

use crate::{
    kernel::{path::Size, peer::Peer},
    tables::table::index::Place,
    vocabulary::{bounds::sized, time::Instant},
    wire::message::{Nonce, Token},
};

/// Ranges fetched at a time.
pub(super) const MAX_FETCHES: usize = sized(8, 2);
/// Pages kept that overtook others; one more is fetched again.
pub(super) const MAX_EARLY: usize = sized(8, 2);

/// A range being fetched.
#[derive(Clone)]
pub(super) struct Fetch {
    pub(super) nonce: Nonce,
    pub(super) to: Peer,
    pub(super) token: Token,
    /// Everything up to here has come.
    pub(super) after: Place,
    pub(super) until: u32,
    /// Datagrams still to come of the window.
    pub(super) left: u8,
    pub(super) due: Instant,
    pub(super) tries: u8,
    /// Windows that the member asked has sent.
    pub(super) windows: u8,
    /// How long its pages may be.
    pub(super) size: Size,
    /// The member asked has no time.
    pub(super) refused: bool,
}

/// A page that overtook one before it.
#[derive(Clone)]
pub(super) struct Early {
    pub(super) nonce: Nonce,
    pub(super) after: Place,
    pub(super) next: Place,
    pub(super) last: bool,
}

/// What is being fetched.
#[derive(Clone)]
pub(super) struct Ranges {
    pub(super) fetches: heapless::Vec<Fetch, MAX_FETCHES>,
    pub(super) early: heapless::Vec<Early, MAX_EARLY>,
}

impl Ranges {
    pub(super) const NONE: Self = Self { fetches: heapless::Vec::new(), early: heapless::Vec::new() };
}
