//! What a datagram says of who signed its records and accusations.

use super::{Contents, Draft, PROOFS, SIGNED_ACCUSATIONS, entries};
use crate::wire::{
    message::Message,
    proof::{
        MAX_PROOF, Proof, SignedAccusation, decode_proof, decode_signed_accusation, encode_proof,
        encode_signed_accusation,
    },
    record::Aged,
};

impl<'a> Contents<'a> {
    /// The proofs, in order.
    pub(crate) fn proofs(&self) -> impl Iterator<Item = Option<Proof<'a>>> + use<'a> {
        entries(self.sections, PROOFS, decode_proof)
    }

    fn is_join(&self) -> bool {
        matches!(self.message, Some(Message::Join { .. }))
    }

    /// The proof of the joiner's record, if the message is a join.
    pub(crate) fn proof_of_joiner(&self) -> Option<Proof<'a>> {
        self.proofs().next().filter(|_| self.is_join()).flatten()
    }

    /// The records, each with its proof, in order: the second pass.
    pub(crate) fn proven_records(&self) -> impl Iterator<Item = (Aged, Option<Proof<'a>>)> + use<'a> {
        let mut proofs = self.proofs().skip(usize::from(self.is_join()));
        self.records().map(move |record| (record, proofs.next().flatten()))
    }

    /// The signed accusations, in order.
    pub(crate) fn signed_accusations(&self) -> impl Iterator<Item = SignedAccusation<'a>> + use<'a> {
        entries(self.sections, SIGNED_ACCUSATIONS, decode_signed_accusation)
    }
}

impl Draft<'_> {
    /// Adds a proof, of the joiner's record or of the record that was added before it; false when it does not fit.
    pub(crate) fn proof(&mut self, proof: Option<&Proof<'_>>) -> bool {
        self.append(PROOFS, |writer| encode_proof(writer, proof))
    }

    /// Adds a record with its proof; false, and neither is added, when they do not fit or the datagram has its entries.
    pub(crate) fn proven_record(&mut self, record: &Aged, proof: Option<&Proof<'_>>) -> bool {
        let room = self.room_for_proof(proof);
        if !self.reserve_bytes(room) {
            return false;
        }
        let put = self.record(record);
        self.release_bytes(room);
        put && self.proof(proof)
    }

    fn room_for_proof(&self, proof: Option<&Proof<'_>>) -> usize {
        let section = if self.has(PROOFS) { 0 } else { super::SECTION };
        let parts = proof.map_or(0, |Proof { key, certificate, .. }| {
            64 + key.map_or(0, |key| key.len()) + certificate.map_or(0, |certificate| certificate.len())
        });
        debug_assert!(parts < MAX_PROOF);
        section + 1 + parts
    }

    /// Adds a signed accusation; false when it does not fit or the datagram has its entries.
    pub(crate) fn signed_accusation(&mut self, signed: &SignedAccusation<'_>) -> bool {
        self.entry(SIGNED_ACCUSATIONS, |writer| encode_signed_accusation(writer, signed))
    }
}
