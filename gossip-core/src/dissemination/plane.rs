//! The plane of dissemination: how news reaches all members.

use crate::dissemination::{reconcile::Sync, rounds::Gossip, sieve::Sieves};

/// Its state; the files of this folder are its parts.
#[derive(Clone)]
pub(crate) struct Dissemination {
    pub(crate) gossip: Gossip,
    pub(crate) sync: Sync,
    pub(crate) sieves: Sieves,
}

impl Dissemination {
    pub(crate) fn new() -> Self {
        Self { gossip: Gossip::new(), sync: Sync::new(), sieves: Sieves::new() }
    }
}
