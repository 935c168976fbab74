//! Who is alive: probes, suspicions, judgement, and what this node says of itself.

pub(crate) mod damping;
pub(crate) mod detector;
pub(crate) mod duplicates;
pub(crate) mod heal;
pub(crate) mod identity;
pub(crate) mod judgement;
pub(crate) mod news;
pub(crate) mod quarantine;
pub(crate) mod recheck;
pub(crate) mod relays;
pub(crate) mod sightings;
pub(crate) mod standing;
pub(crate) mod suspicion;
pub(crate) mod transitions;
