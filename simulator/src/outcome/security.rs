//! What nodes counted of sealing and of signatures.

use crate::{
    engine::World,
    measure::{Measure, thousandths},
    scenario::Scenario,
};
use serde::Serialize;

/// What the nodes counted of sealing in all of their lives, together. Null where nobody has a key.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
#[allow(missing_docs)]
pub struct SealingFigures {
    /// Of the datagrams that were heard, those that were sealed.
    pub share: Option<f64>,
    pub unknown_keys: Option<u64>,
    pub forged: Option<u64>,
    pub replayed: Option<u64>,
    pub unproven: Option<u64>,
    pub not_sealed: Option<u64>,
    pub dropped_unsealed: Option<u64>,
    /// Times that a node refused keys, since live members would have been cut off.
    pub refused_keys: Option<u64>,
}

impl SealingFigures {
    pub(super) fn of(scenario: &Scenario, world: &World<Measure>) -> Self {
        if !scenario.has_keys() {
            return Self::default();
        }
        let past = world.counts().sealing;
        let all = world.hosts().iter().fold(past, |sum, host| sum.and(host.node.metrics()));
        let heard = (all.received_sealed + all.received_clear) as f64;
        Self {
            share: (heard > 0.0).then(|| thousandths(all.received_sealed as f64 / heard)),
            unknown_keys: Some(all.unknown_keys),
            forged: Some(all.forged),
            replayed: Some(all.replayed),
            unproven: Some(all.unproven),
            not_sealed: Some(all.not_sealed),
            dropped_unsealed: Some(all.dropped_unsealed),
            refused_keys: None,
        }
    }
}

/// What the nodes counted of signatures in all of their lives, together. Null where nobody signs.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
#[allow(missing_docs)]
pub struct SigningFigures {
    pub signatures_verified: Option<u64>,
    pub signatures_refused: Option<u64>,
    pub claims_not_signed: Option<u64>,
    pub dropped_unverified: Option<u64>,
    /// At the end: pairs of a node that signs and a live member which has not signed what that node knows of it.
    pub members_not_signed: Option<u64>,
    /// Times that a node refused to require signatures, since live members would have been cut off.
    pub refused_credentials: Option<u64>,
}

impl SigningFigures {
    pub(super) fn of(scenario: &Scenario, world: &World<Measure>) -> Self {
        if !scenario.has_signatures() {
            return Self::default();
        }
        let past = world.counts().signing;
        let all = world.hosts().iter().fold(past, |sum, host| sum.and(host.node.metrics()));
        let signing = world.running().filter(|(_, host)| host.node.signing().is_some());
        let lacks = signing.map(|(_, host)| u64::from(host.node.members_not_signed())).sum();
        Self {
            signatures_verified: Some(all.signatures_verified),
            signatures_refused: Some(all.signatures_refused),
            claims_not_signed: Some(all.claims_not_signed),
            dropped_unverified: Some(all.dropped_unverified),
            members_not_signed: Some(lacks),
            refused_credentials: None,
        }
    }
}
