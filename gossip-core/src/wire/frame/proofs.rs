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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        node::fuzzing::is_datagram,
        vocabulary::record::{
            Accusation, Fingerprint, Identity, Incarnation, Locality, NodeId, Record, Status, Versions,
        },
        wire::frame::{Frame, Header, accusations::Accused},
    };
    use quickcheck::QuickCheck;
    use std::vec::Vec;

    fn id(n: u64) -> NodeId {
        NodeId::from_u64(n + 1).unwrap()
    }

    fn aged(n: u8) -> Aged {
        let address = ([10, 0, 0, n], 7_946).into();
        let identity = Identity { id: id(n.into()), epoch: 7, address, locality: Locality::default() };
        Aged { record: Record::new(identity, Versions::OURS).with_status(Status::Alive), age: 9 }
    }

    #[test]
    fn each_record_is_read_with_its_own_proof_however_many_fit() {
        fn property(kinds: Vec<(bool, bool, bool)>, size: u16, accusers: u8) -> bool {
            let mut space = vec![0; 400 + usize::from(size % 1_000)];
            let header = Header { cluster: 1, sender: id(0), fingerprint: Fingerprint(0) };
            let mut draft = Draft::new(&mut space, &header);
            let accused = Accused { unsigned: 0, signed: accusers % 4 };
            let reserved = draft.reserve(accused);
            let parts: Vec<_> = (0..48u8).map(|n| ([n; 64], [n ^ 1; 32], [n ^ 2; 68])).collect();
            let proof = |n: usize, (signed, key, certificate): (bool, bool, bool)| {
                let (signature, of, by) = &parts[n];
                let (key, certificate) = (key.then_some(of), certificate.then_some(by));
                signed.then_some(Proof { signature, key, certificate })
            };
            let put = kinds
                .iter()
                .take(48)
                .enumerate()
                .take_while(|&(n, &kind)| draft.proven_record(&aged(n as u8), proof(n, kind).as_ref()));
            let put = put.count();
            if reserved {
                draft.release(accused);
            }
            let kept = if reserved { usize::from(accused.signed) } else { 0 };
            for (accuser, (signature, ..)) in (2..).zip(parts.iter().take(kept)) {
                let incarnation = Incarnation { epoch: 7, refutation: 0 };
                let accusation = Accusation { target: id(1), incarnation, accuser: id(accuser) };
                assert!(
                    draft.signed_accusation(&SignedAccusation::new(accusation, signature)),
                    "room is kept"
                );
            }
            let length = draft.finish();
            let contents = Frame::decode(&space[..length]).unwrap().contents().unwrap();
            let read: Vec<_> = contents.proven_records().collect();
            read.len() == put
                && read.iter().enumerate().all(|(n, one)| *one == (aged(n as u8), proof(n, kinds[n])))
                && is_datagram(&space[..length])
        }
        QuickCheck::new().quickcheck(property as fn(Vec<(bool, bool, bool)>, u16, u8) -> bool);
    }
}
