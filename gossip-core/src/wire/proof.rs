//! Proofs of records, and signatures of accusations, on the wire.
//!
//! ```text
//! 34 proofs              proofs of the record of a join and of those of section 32, in their order
//! 35 signed accusations  accusations as in section 33, each with its accuser's signature 64
//!
//! proof   flags 1 · signature 64 · key 32 · certificate 68, each where it is flagged
//! flags   bit 0 signature, 1 key, 2 certificate, the rest zero; without a signature none of the others
//! ```
//!
//! A record that its owner has not signed, or for which there is no proof any more, has the proof 0. The key is there where it may be new to the receiver. Keys and
//! certificates are bytes here: whether they are good is `security/identity`'s to say.

use super::{
    codec::{Reader, Writer},
    record::{decode_accusation, encode_accusation},
};
use crate::vocabulary::{error::Malformed, record::Accusation};

/// The most bytes of a proof.
pub(crate) const MAX_PROOF: usize = 1 + 64 + 32 + 68;
const SIGNED: u8 = 1;
const KEY: u8 = 1 << 1;
const CERTIFICATE: u8 = 1 << 2;

/// That an owner has signed what a record says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Proof<'a> {
    pub(crate) signature: &'a [u8; 64],
    pub(crate) key: Option<&'a [u8; 32]>,
    /// The last epoch that it is good for, and the authority's signature.
    pub(crate) certificate: Option<&'a [u8; 68]>,
}

/// That a member accuses another, and has signed that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SignedAccusation<'a> {
    pub(crate) accusation: Accusation,
    pub(crate) signature: &'a [u8; 64],
}

impl<'a> SignedAccusation<'a> {
    pub(crate) const fn new(accusation: Accusation, signature: &'a [u8; 64]) -> Self {
        Self { accusation, signature }
    }
}

/// The next `N` bytes, where they stand.
fn part<'a, const N: usize>(reader: &mut Reader<'a>) -> Result<&'a [u8; N], Malformed> {
    let (part, rest) = reader.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
    reader.rest = rest;
    Ok(part)
}

/// `None` is the proof of a record that its owner has not signed.
pub(super) fn decode_proof<'a>(reader: &mut Reader<'a>) -> Result<Option<Proof<'a>>, Malformed> {
    let flags = reader.u8()?;
    if flags == 0 {
        return Ok(None);
    }
    if flags & SIGNED == 0 || flags & !(SIGNED | KEY | CERTIFICATE) != 0 {
        return Err(Malformed::Value);
    }
    let signature = part(reader)?;
    let key = if flags & KEY != 0 { Some(part(reader)?) } else { None };
    let certificate = if flags & CERTIFICATE != 0 { Some(part(reader)?) } else { None };
    Ok(Some(Proof { signature, key, certificate }))
}

pub(super) fn encode_proof(writer: &mut Writer<'_>, proof: Option<&Proof<'_>>) {
    let Some(Proof { signature, key, certificate }) = proof else {
        return writer.u8(0);
    };
    let flag = |is_there: bool, flag| if is_there { flag } else { 0 };
    writer.u8(SIGNED | flag(key.is_some(), KEY) | flag(certificate.is_some(), CERTIFICATE));
    writer.put(*signature);
    let (key, certificate) = (key.map(|key| &key[..]), certificate.map(|certificate| &certificate[..]));
    [key, certificate].into_iter().flatten().for_each(|part| writer.put(part));
}

pub(super) fn decode_signed_accusation<'a>(
    reader: &mut Reader<'a>,
) -> Result<SignedAccusation<'a>, Malformed> {
    Ok(SignedAccusation { accusation: decode_accusation(reader)?, signature: part(reader)? })
}

pub(super) fn encode_signed_accusation(writer: &mut Writer<'_>, signed: &SignedAccusation<'_>) {
    encode_accusation(writer, &signed.accusation);
    writer.put(signed.signature);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::record::{Incarnation, NodeId};
    use quickcheck::QuickCheck;
    use std::vec::Vec;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut bytes = [0; 256];
        let mut writer = Writer::new(&mut bytes);
        write(&mut writer);
        let length = writer.len();
        bytes[..length].to_vec()
    }

    /// Bytes that count up from this one.
    fn bytes<const N: usize>(first: u8) -> [u8; N] {
        core::array::from_fn(|i| first.wrapping_add(i as u8))
    }

    /// What a decoder makes of bytes, and how many it leaves.
    fn read<'a, T>(
        bytes: &'a [u8],
        decode: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
    ) -> Result<(T, usize), Malformed> {
        let mut reader = Reader { rest: bytes };
        decode(&mut reader).map(|value| (value, reader.rest.len()))
    }

    #[test]
    fn proofs_are_read_as_they_are_written_and_no_part_of_them_is() {
        fn property(has: (bool, bool, bool), first: u8) -> bool {
            let (signature, key, certificate) = (bytes(first), bytes(first ^ 0x55), bytes(first ^ 0xAA));
            let proof = has.0.then_some(Proof {
                signature: &signature,
                key: has.1.then_some(&key),
                certificate: has.2.then_some(&certificate),
            });
            let bytes = written(|writer| encode_proof(writer, proof.as_ref()));
            let length = match has {
                (false, ..) => 1,
                (true, key, certificate) => 65 + 32 * usize::from(key) + 68 * usize::from(certificate),
            };
            bytes.len() == length
                && read(&bytes, decode_proof) == Ok((proof, 0))
                && (0..length).all(|cut| read(&bytes[..cut], decode_proof) == Err(Malformed::Truncated))
        }
        QuickCheck::new().quickcheck(property as fn((bool, bool, bool), u8) -> bool);
    }

    #[test]
    fn unknown_flags_and_parts_without_a_signature_are_refused() {
        for flags in 0..=u8::MAX {
            let mut proof = [9; 165];
            proof[0] = flags;
            let known = matches!(flags, 0 | 1 | 3 | 5 | 7);
            assert_eq!(read(&proof, decode_proof).is_ok(), known, "{flags:#b}");
            assert!(known || read(&proof, decode_proof) == Err(Malformed::Value), "{flags:#b}");
        }
    }

    #[test]
    fn signed_accusations_are_read_as_they_are_written_and_no_part_of_them_is() {
        fn property(target: u64, accuser: u64, epoch: u32, refutation: u32, first: u8) -> bool {
            let [target, accuser] = [target | 1, accuser & !1 | 2].map(|n| NodeId::from_u64(n).unwrap());
            let incarnation = Incarnation {
                epoch: epoch.min(Incarnation::MAX_EPOCH),
                refutation: refutation.min(Incarnation::MAX_COUNT),
            };
            let accusation = Accusation { target, incarnation, accuser };
            let signed = SignedAccusation { accusation, signature: &bytes(first) };
            let bytes = written(|writer| encode_signed_accusation(writer, &signed));
            read(&bytes, decode_signed_accusation) == Ok((signed, 0))
                && (0..bytes.len())
                    .all(|cut| read(&bytes[..cut], decode_signed_accusation) == Err(Malformed::Truncated))
        }
        QuickCheck::new().quickcheck(property as fn(u64, u64, u32, u32, u8) -> bool);
    }

    #[test]
    fn no_bytes_panic_and_what_is_read_is_written_alike() {
        fn property(bytes: Vec<u8>, flags: u8) -> bool {
            // Long enough for a whole proof now and then.
            let bytes = [&[flags & 7][..], &bytes.repeat(8)].concat();
            let mut reader = Reader { rest: &bytes };
            let alike = decode_proof(&mut reader).map_or(true, |proof| {
                let taken = bytes.len() - reader.rest.len();
                written(|writer| encode_proof(writer, proof.as_ref())) == bytes[..taken]
            });
            let mut reader = Reader { rest: &bytes };
            let signed = decode_signed_accusation(&mut reader);
            alike
                && signed.map_or(true, |signed| {
                    let taken = bytes.len() - reader.rest.len();
                    written(|writer| encode_signed_accusation(writer, &signed)) == bytes[..taken]
                })
        }
        QuickCheck::new().tests(2_000).quickcheck(property as fn(Vec<u8>, u8) -> bool);
    }
}
