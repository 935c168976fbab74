//! The plane of membership: which members are alive, and what this node says of itself.

use crate::{
    membership::{
        detector::Detector, duplicates::AddressChanges, heal::Healing, identity::Lifecycle,
        quarantine::Quarantines, recheck::Rechecks, relays::Relays, sightings::Sightings, standing::Standing,
    },
    tables::table::SlotId,
    vocabulary::time::Instant,
};

/// Its state; the files of this folder are its parts.
#[derive(Clone)]
pub(crate) struct Membership {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) detector: Detector,
    pub(crate) relays: Relays,
    pub(crate) rechecks: Rechecks,
    pub(crate) address_changes: AddressChanges,
    pub(crate) quarantines: Quarantines,
    pub(crate) healing: Healing,
    pub(crate) standing: Standing,
    pub(crate) sightings: Sightings,
}

impl Membership {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            lifecycle: Lifecycle::new(now),
            detector: Detector::new(now),
            relays: Relays::default(),
            rechecks: Rechecks::new(),
            address_changes: AddressChanges::default(),
            quarantines: Quarantines::default(),
            healing: Healing::new(),
            standing: Standing::new(now),
            sightings: Sightings::new(now),
        }
    }

    /// All members are about to be forgotten: so are all probes of them.
    pub(super) fn forget_all_probes(&mut self, now: Instant) {
        self.detector.start_over(now);
        self.relays = Relays::default();
        self.rechecks = Rechecks::new();
        self.address_changes = AddressChanges::default();
    }

    /// A slot is about to be given to another member.
    pub(super) fn forget(&mut self, slot: SlotId) {
        self.relays.forget(slot);
        self.rechecks.forget(slot);
        self.address_changes.forget(slot);
        self.detector.forget(slot);
        self.lifecycle.forget(slot);
        self.sightings.forget(slot);
    }
}
