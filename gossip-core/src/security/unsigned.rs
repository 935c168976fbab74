//! The signer of nodes that cannot sign: what stands in for `identity/signer.rs` without the feature `identity`, and takes no
//! memory. Whoever knows the cluster's key is believed.

use crate::{
    tables::{
        memory::Tables,
        proofs::{Proofs, Proven},
        table::SlotId,
    },
    vocabulary::{
        config::ClusterName,
        metrics::Metrics,
        record::{Accusation, Record},
        time::Instant,
    },
    wire::proof::Proof,
};

/// What becomes of a record: it is heard as it stands.
pub(crate) enum Attested {
    Unsigned,
    #[expect(dead_code, reason = "nothing is verified")]
    Signed(Proven),
    #[expect(dead_code, reason = "nothing is verified")]
    Known,
    #[expect(dead_code, reason = "nothing is verified")]
    Earlier,
    #[expect(dead_code, reason = "nothing is verified")]
    Refused,
}

/// What a node needs to sign and to verify: nothing.
#[derive(Clone, Debug)]
pub(crate) struct Signer;

impl Signer {
    pub(crate) const NONE: Self = Self;

    pub(crate) const fn signs(&self) -> bool {
        false
    }

    pub(crate) const fn requires(&self) -> bool {
        false
    }

    pub(crate) const fn most_bytes(&self) -> usize {
        0
    }

    pub(crate) fn sign_mine(&mut self, _: ClusterName, _: &mut Tables<'_>) {}

    pub(crate) fn sign_accusation(&self, _: ClusterName, _: &Accusation) -> Option<[u8; 64]> {
        None
    }

    pub(crate) fn attest(
        &mut self,
        _: (ClusterName, Instant),
        _: &Tables<'_>,
        _: Option<SlotId>,
        _: (&Record, Option<&Proof<'_>>),
        _: &mut Metrics,
    ) -> Attested {
        Attested::Unsigned
    }

    pub(crate) fn hears_accusation(
        &mut self,
        _: (ClusterName, Instant),
        _: &Proofs<'_>,
        _: SlotId,
        _: (&Accusation, Option<&[u8; 64]>),
        _: &mut Metrics,
    ) -> bool {
        true
    }
}

/// What goes with a record whose owner has signed it.
pub(crate) fn proof_of<'p>(_: &'p Proofs<'_>, _: SlotId, _: bool) -> Option<Proof<'p>> {
    None
}
