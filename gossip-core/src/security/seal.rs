//! Sealed datagrams: how they are made for one receiver, and opened by it.
//!
//! ```text
//! header  version 1 · key 1 · cluster tag 4 · sender 8 · epoch 4 · counter 4    22 bytes, in the clear, authenticated
//! hedge   8                                                                     in the clear, the end of the nonce
//! body    fingerprint 8 · sections                                              encrypted
//! tag     16
//! ```
//!
//! XChaCha20-Poly1305. The nonce is `sender · epoch · counter · hedge`, 24 bytes as they stand. The associated data are the header
//! and the receiver's id, which is not sent: what was sealed for one opens nowhere else. Where only an address is known, bit 7
//! of `key` is set, and the id is 0.
//!
//! In one process an epoch and a counter come once. In clones, restored snapshots and after a lost epoch file they may come
//! again: then the hedge, a keyed hash of all that is sealed, keeps nonces apart. *m* texts under one counter share a nonce with a
//! probability of m² / 2^65.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used,
        clippy::expect_used
    )
)]

use super::{key::Derived, keyring::KeyRing};
use crate::vocabulary::{
    config::ClusterName,
    error::{Malformed, Verdict},
    record::{Incarnation, NodeId},
    sealing::KeyId,
};
use chacha20poly1305::aead::{AeadInOut as _, inout::InOutBuf};
use core::hash::Hasher as _;

/// The version of the format.
const VERSION: u8 = 1;
/// Set in `key` of what is for whoever is at an address.
const FOR_ANYBODY: u8 = 0x80;
const HEADER: usize = 22;
const HEDGE: usize = 8;
pub(crate) const TAG: usize = 16;
const NONCE: usize = 24;
/// Bytes of a fingerprint, which every body begins with.
pub(super) const FINGERPRINT: usize = 8;
/// Where the body stands in a sealed datagram.
pub(crate) const BODY: usize = HEADER + HEDGE;
/// What sealing adds: in the clear the header, of the same length, has the fingerprint.
const _: () = assert!(BODY + FINGERPRINT + TAG - HEADER == 32);
/// Counters that are left to an epoch when it should end.
const RESERVE: u32 = 1 << 16;

/// The clear part of a sealed datagram. Nothing of it is believed before the datagram was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SealedHeader {
    /// The key that it says it is sealed with.
    pub(crate) key: KeyId,
    /// Whether it is for whoever is at the address that it came to.
    pub(crate) for_anybody: bool,
    /// Who says that it sent it.
    pub(crate) sender: NodeId,
    /// The sender's epoch.
    pub(crate) epoch: u32,
    /// The number of the datagram in that epoch.
    pub(crate) counter: u32,
}

impl SealedHeader {
    /// The header of a sealed datagram of this cluster; `None` of one in the clear.
    ///
    /// # Errors
    /// What is wrong with it, as far as can be told without a key.
    pub(crate) fn read(datagram: &[u8], cluster: ClusterName) -> Result<Option<Self>, Verdict> {
        let truncated = Verdict::Malformed(Malformed::Truncated);
        let [version, key] = take(datagram, 0).ok_or(truncated)?;
        if version != VERSION {
            return Err(Verdict::UnknownVersion(version));
        }
        if key == 0 {
            return Ok(None);
        }
        if datagram.len() < BODY + FINGERPRINT + TAG {
            return Err(truncated);
        }
        let number = |at| take(datagram, at).map(u32::from_be_bytes).ok_or(truncated);
        if number(2)? != cluster.tag {
            return Err(Verdict::ForeignCluster);
        }
        let value = Verdict::Malformed(Malformed::Value);
        let (epoch, counter) = (number(14)?, number(18)?);
        if epoch > Incarnation::MAX_EPOCH {
            return Err(value);
        }
        let key_id = KeyId::from_u8(key & !FOR_ANYBODY).ok_or(value)?;
        let sender = take(datagram, 6).and_then(NodeId::from_bytes).ok_or(value)?;
        Ok(Some(Self { key: key_id, for_anybody: key & FOR_ANYBODY != 0, sender, epoch, counter }))
    }

    /// Opens a datagram that has this header, in place: its body. `None` if it was changed, was made without the key, or is for
    /// another node; its bytes are worthless then.
    pub(crate) fn open<'d>(
        &self,
        ring: &KeyRing,
        me: NodeId,
        datagram: &'d mut [u8],
    ) -> Option<&'d mut [u8]> {
        let key = ring.find(self.key)?;
        let header: [u8; HEADER] = take(datagram, 0)?;
        let to = if self.for_anybody { None } else { Some(me) };
        let nonce: [u8; NONCE] = take(datagram, 6)?;
        let (_, sealed) = datagram.split_at_mut_checked(BODY)?;
        let (body, tag) = sealed.split_at_mut_checked(sealed.len().checked_sub(TAG)?)?;
        let tag: [u8; TAG] = take(tag, 0)?;
        let text = InOutBuf::from(&mut *body);
        key.aead.decrypt_inout_detached((&nonce).into(), &bound(&header, to), text, (&tag).into()).ok()?;
        Some(body)
    }
}

/// What a node seals with beside its keys: who it is, and how many datagrams it has sealed. It is no `Copy`: two that count
/// apart use one counter twice.
#[derive(Clone, Debug)]
#[allow(missing_copy_implementations)]
pub(crate) struct Sealer {
    cluster: u32,
    me: NodeId,
    epoch: u32,
    /// The number of the latest datagram; one count for all receivers.
    counter: u32,
}

impl Sealer {
    /// Of a node at the start of an epoch.
    pub(crate) const fn new(cluster: ClusterName, me: NodeId, epoch: u32) -> Self {
        Self { cluster: cluster.tag, me, epoch, counter: 0 }
    }

    /// A later epoch begins, and counts from one. An earlier one, or the same, does not begin again.
    pub(crate) fn begin(&mut self, epoch: u32) {
        if epoch > self.epoch {
            (self.epoch, self.counter) = (epoch, 0);
        }
    }

    /// Of a node that has sealed so many.
    #[cfg(any(fuzzing, test))]
    pub(crate) const fn at(cluster: ClusterName, me: NodeId, epoch: u32, counter: u32) -> Self {
        Self { cluster: cluster.tag, me, epoch, counter }
    }

    /// Uses up all counters but the reserve.
    #[cfg(all(test, feature = "alloc"))]
    pub(super) fn wear_out(&mut self) {
        self.counter = u32::MAX - RESERVE + 1;
    }

    /// Whether the counter nears its end, so that another epoch should begin.
    pub(crate) const fn is_worn(&self) -> bool {
        self.counter > u32::MAX - RESERVE
    }

    /// Seals the `body` bytes that stand at [`BODY`] in `space`, which begin with a fingerprint; the datagram's length. `to` is
    /// `None` where only an address is known. `None` if the ring lacks the key, `space` has no room for header, hedge and tag, or
    /// the counter is at its end.
    #[must_use]
    pub(crate) fn seal(
        &mut self,
        ring: &KeyRing,
        key: KeyId,
        to: Option<NodeId>,
        space: &mut [u8],
        body: usize,
    ) -> Option<usize> {
        let key = ring.find(key)?;
        let counter = self.counter.checked_add(1)?;
        let length = BODY.checked_add(body)?.checked_add(TAG)?;
        let (head, sealed) = space.get_mut(..length)?.split_at_mut_checked(BODY)?;
        let (text, tag) = sealed.split_at_mut_checked(body)?;
        let header = self.header(key.id, counter, to);
        let bound = bound(&header, to);
        let (begin, hedge) = head.split_first_chunk_mut::<HEADER>()?;
        *begin = header;
        hedge.first_chunk_mut::<HEDGE>()?.copy_from_slice(&hash(key, &bound, text).to_be_bytes());
        let nonce: [u8; NONCE] = take(head, 6)?;
        let made = key.aead.encrypt_inout_detached((&nonce).into(), &bound, InOutBuf::from(text)).ok()?;
        tag.first_chunk_mut::<TAG>()?.copy_from_slice(&made);
        self.counter = counter;
        Some(length)
    }

    fn header(&self, key: KeyId, counter: u32, to: Option<NodeId>) -> [u8; HEADER] {
        let for_anybody = if to.is_none() { FOR_ANYBODY } else { 0 };
        let [t0, t1, t2, t3] = self.cluster.to_be_bytes();
        let [s0, s1, s2, s3, s4, s5, s6, s7] = self.me.to_bytes();
        let [e0, e1, e2, e3] = self.epoch.to_be_bytes();
        let [c0, c1, c2, c3] = counter.to_be_bytes();
        let key = key.get() | for_anybody;
        [VERSION, key, t0, t1, t2, t3, s0, s1, s2, s3, s4, s5, s6, s7, e0, e1, e2, e3, c0, c1, c2, c3]
    }
}

/// The associated data: the header, and who is to open it.
fn bound(header: &[u8; HEADER], to: Option<NodeId>) -> [u8; HEADER + 8] {
    let mut bound = [0; HEADER + 8];
    if let Some((begin, end)) = bound.split_first_chunk_mut::<HEADER>() {
        *begin = *header;
        end.copy_from_slice(&to.map_or([0; 8], NodeId::to_bytes));
    }
    bound
}

/// The hedge of a datagram.
fn hash(key: &Derived, bound: &[u8], text: &[u8]) -> u64 {
    let mut hasher = key.hedge();
    hasher.write(bound);
    hasher.write(text);
    hasher.finish()
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

#[cfg(test)]
mod tests {
    use super::{super::key::Key, *};
    use quickcheck::QuickCheck;
    use std::{collections::BTreeMap, string::String, vec, vec::Vec};

    const EPOCH: u32 = 1_700_000_000;

    fn cluster() -> ClusterName {
        ClusterName { tag: 0x2DD6_ABFA, key: 0 }
    }

    fn id(n: u64) -> NodeId {
        NodeId::from_u64(n).unwrap()
    }

    fn key(first: u8) -> Key {
        let mut bytes = [1; 32];
        bytes[0] = first;
        Key::from_bytes(bytes).unwrap()
    }

    fn ring(first: &[u8]) -> KeyRing {
        KeyRing::new(&first.iter().map(|&first| key(first)).collect::<Vec<_>>()).unwrap()
    }

    fn sealed(sealer: &mut Sealer, first: u8, to: Option<NodeId>, text: &[u8]) -> Vec<u8> {
        let mut space = vec![0; BODY + text.len() + TAG];
        space[BODY..][..text.len()].copy_from_slice(text);
        let length = sealer.seal(&ring(&[first]), key(first).id(), to, &mut space, text.len());
        assert_eq!(length, Some(space.len()));
        space
    }

    fn opened(ring: &KeyRing, me: NodeId, datagram: &[u8]) -> Option<Vec<u8>> {
        let mut datagram = datagram.to_vec();
        let header = SealedHeader::read(&datagram, cluster()).ok()??;
        header.open(ring, me, &mut datagram).map(|body| body.to_vec())
    }

    /// The worked example of PROTOCOL.md, computed by an implementation that shares no code with this one.
    fn documented() -> Vec<u8> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../PROTOCOL.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (_, example) = text.split_once("**Worked example.** The key is").unwrap();
        let block = example.split("```").nth(1).unwrap();
        let hex = block
            .lines()
            .skip(1)
            .filter_map(|line| line.split("  ").next())
            .collect::<String>()
            .replace(' ', "");
        let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        hex.as_bytes().as_chunks::<2>().0.iter().map(byte).collect()
    }

    #[test]
    fn a_sealed_datagram_has_the_bytes_that_another_implementation_gives_it() {
        let mut sealer = Sealer::new(cluster(), id(0xBA2F_75EC_756E_361A), EPOCH);
        let datagram = sealed(&mut sealer, 8, Some(id(0x20B2_D74B_1193_4B02)), &[0x11; 23]);
        assert_eq!(datagram, documented());
    }

    /// What the second implementation says that sealing makes of what; its head describes the lines.
    fn vectors() -> Vec<Vec<String>> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../checks/interop/sealing.txt");
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split(' ').map(String::from).collect()).collect()
    }

    fn fields<'v>(vectors: &'v [Vec<String>], word: &str) -> Vec<Vec<&'v str>> {
        let fields = |line: &'v Vec<String>| line[1..].iter().map(String::as_str).collect();
        let found: Vec<_> = vectors.iter().filter(|line| line[0] == word).map(fields).collect();
        assert!(!found.is_empty(), "no line says {word}");
        found
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digits).collect()
    }

    fn number(hex: &str) -> u64 {
        u64::from_str_radix(hex, 16).unwrap()
    }

    fn their_ring(vectors: &[Vec<String>]) -> KeyRing {
        let keys = fields(vectors, "key").into_iter().map(|fields| {
            let key = Key::parse(fields[0]).unwrap();
            assert_eq!(key.id().get(), number(fields[1]) as u8, "{}", fields[0]);
            key
        });
        KeyRing::new(&keys.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn what_another_implementation_seals_is_sealed_and_opened_alike() {
        let vectors = vectors();
        let ring = their_ring(&vectors);
        for line in fields(&vectors, "sealed") {
            let &[key, tag, sender, epoch, counter, receiver, text, datagram] = line.as_slice() else {
                panic!("{line:?}");
            };
            let (text, datagram) = (bytes(text), bytes(datagram));
            let cluster = ClusterName { tag: number(tag) as u32, key: 0 };
            let (key, sender) = (KeyId::from_u8(number(key) as u8).unwrap(), id(number(sender)));
            let (epoch, counter) = (epoch.parse().unwrap(), counter.parse::<u32>().unwrap());
            let to = NodeId::from_u64(number(receiver));

            let mut space = vec![0; datagram.len()];
            space[BODY..][..text.len()].copy_from_slice(&text);
            let mut sealer = Sealer::at(cluster, sender, epoch, counter - 1);
            let length = sealer.seal(&ring, key, to, &mut space, text.len());
            assert_eq!((length, &space), (Some(datagram.len()), &datagram));

            let header = SealedHeader::read(&datagram, cluster).unwrap().unwrap();
            assert_eq!(header, SealedHeader { key, for_anybody: to.is_none(), sender, epoch, counter });
            assert_eq!(header.open(&ring, to.unwrap_or(id(3)), &mut space), Some(&mut text.clone()[..]));
        }
    }

    #[test]
    fn what_another_implementation_refuses_is_refused_for_the_same_reason() {
        let vectors = vectors();
        let ring = their_ring(&vectors);
        for line in fields(&vectors, "refused") {
            let me = id(number(line[1]));
            let mut datagram = bytes(line[2]);
            let why = match SealedHeader::read(&datagram, cluster()) {
                Err(Verdict::UnknownVersion(_)) => "version",
                Err(Verdict::ForeignCluster) => "cluster",
                Err(Verdict::Malformed(_)) => "malformed",
                Err(verdict) => panic!("{verdict:?}: {line:?}"),
                Ok(None) => "clear",
                Ok(Some(header)) if !ring.has(header.key) => "unknown-key",
                Ok(Some(header)) if header.open(&ring, me, &mut datagram).is_none() => "forged",
                Ok(Some(_)) => "opened",
            };
            assert_eq!(why, line[0], "{line:?}");
        }
    }

    #[test]
    fn what_is_sealed_for_one_opens_only_there_and_only_with_its_key() {
        fn property(text: Vec<u8>, to: Option<u64>) -> bool {
            let text = [&[0; FINGERPRINT][..], &text].concat();
            let (to, other) = (to.map(|to| id(to | 1)), id(2));
            let me = to.unwrap_or(other);
            let datagram = sealed(&mut Sealer::new(cluster(), id(7), EPOCH), 8, to, &text);
            opened(&ring(&[3, 8]), me, &datagram) == Some(text.clone())
                && (to.is_none() == (opened(&ring(&[8]), other, &datagram) == Some(text)) || me == other)
                && opened(&ring(&[3]), me, &datagram).is_none()
        }
        QuickCheck::new().quickcheck(property as fn(Vec<u8>, Option<u64>) -> bool);
    }

    #[test]
    fn a_changed_bit_or_a_missing_byte_keeps_a_datagram_shut() {
        let datagram = sealed(&mut Sealer::new(cluster(), id(7), EPOCH), 8, Some(id(9)), b"prints..sections");
        for bit in 0..8 * datagram.len() {
            let mut changed = datagram.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(opened(&ring(&[8]), id(9), &changed), None, "bit {bit}");
        }
        for length in 0..datagram.len() {
            assert_eq!(opened(&ring(&[8]), id(9), &datagram[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn no_nonce_belongs_to_two_texts_not_even_in_clones() {
        let mut texts = BTreeMap::new();
        // Two processes that began with the same state: the counter goes along, and what they say differs.
        let clones = [Sealer::new(cluster(), id(7), EPOCH), Sealer::new(cluster(), id(7), EPOCH)];
        for (clone, mut sealer) in clones.into_iter().enumerate() {
            for n in 0..1_000u32 {
                let text = [&[clone as u8; FINGERPRINT][..], &n.to_be_bytes()].concat();
                let datagram = sealed(&mut sealer, 8, Some(id(9)), &text);
                let nonce: [u8; NONCE] = take(&datagram, 6).unwrap();
                assert!(texts.insert(nonce, text).is_none(), "clone {clone}, datagram {n}");
            }
        }
    }

    #[test]
    fn an_epoch_counts_from_one_and_none_begins_twice() {
        let mut sealer = Sealer::new(cluster(), id(7), EPOCH);
        let next = |sealer: &mut Sealer| {
            let datagram = sealed(sealer, 8, None, &[0; FINGERPRINT]);
            let header = SealedHeader::read(&datagram, cluster()).unwrap().unwrap();
            (header.epoch, header.counter)
        };
        assert_eq!([next(&mut sealer), next(&mut sealer)], [(EPOCH, 1), (EPOCH, 2)]);
        sealer.begin(EPOCH);
        sealer.begin(EPOCH - 1);
        assert_eq!(next(&mut sealer), (EPOCH, 3));
        sealer.begin(EPOCH + 1);
        assert_eq!(next(&mut sealer), (EPOCH + 1, 1));
    }

    #[test]
    fn a_counter_at_its_end_seals_nothing_more() {
        let mut sealer = Sealer { counter: u32::MAX - RESERVE, ..Sealer::new(cluster(), id(7), EPOCH) };
        assert!(!sealer.is_worn());
        sealed(&mut sealer, 8, None, &[0; FINGERPRINT]);
        assert!(sealer.is_worn());
        sealer.counter = u32::MAX;
        let mut space = [0; 64];
        assert_eq!(sealer.seal(&ring(&[8]), key(8).id(), None, &mut space, FINGERPRINT), None);
        assert_eq!(space, [0; 64], "nothing was written");
        sealer.begin(EPOCH + 1);
        assert!(sealer.seal(&ring(&[8]), key(8).id(), None, &mut space, FINGERPRINT).is_some());
    }

    #[test]
    fn what_cannot_be_sealed_is_not_sealed_in_part() {
        let mut sealer = Sealer::new(cluster(), id(7), EPOCH);
        let mut space = [0; BODY + FINGERPRINT + TAG - 1];
        assert_eq!(sealer.seal(&ring(&[8]), key(8).id(), None, &mut space, FINGERPRINT), None);
        assert_eq!(sealer.seal(&ring(&[8]), key(3).id(), None, &mut [0; 64], FINGERPRINT), None);
        assert_eq!(sealer.seal(&ring(&[8]), key(8).id(), None, &mut space, usize::MAX), None);
        assert_eq!((sealer.counter, space), (0, [0; BODY + FINGERPRINT + TAG - 1]));
    }

    #[test]
    fn no_bytes_make_the_header_panic_and_each_fault_has_its_verdict() {
        fn property(bytes: Vec<u8>) -> bool {
            let mut bytes = [&[1, 8][..], &bytes].concat();
            let header = SealedHeader::read(&bytes, ClusterName { tag: 0, key: 0 });
            header.ok().flatten().and_then(|header| header.open(&ring(&[8]), id(1), &mut bytes)).is_none()
        }
        QuickCheck::new().tests(2_000).quickcheck(property as fn(Vec<u8>) -> bool);
        let good = sealed(&mut Sealer::new(cluster(), id(7), EPOCH), 8, None, &[0; FINGERPRINT]);
        let verdict = |at: usize, bytes: &[u8]| {
            let mut datagram = good.clone();
            datagram[at..][..bytes.len()].copy_from_slice(bytes);
            SealedHeader::read(&datagram, cluster()).map(|header| header.is_some())
        };
        let value = Err(Verdict::Malformed(Malformed::Value));
        assert_eq!(verdict(0, &[1]), Ok(true));
        assert_eq!(verdict(1, &[0]), Ok(false));
        assert_eq!(verdict(0, &[2]), Err(Verdict::UnknownVersion(2)));
        assert_eq!(verdict(1, &[FOR_ANYBODY]), value);
        assert_eq!(verdict(2, &[0]), Err(Verdict::ForeignCluster));
        assert_eq!(verdict(6, &[0; 8]), value);
        assert_eq!(verdict(14, &[0xFF; 4]), value);
        assert_eq!(SealedHeader::read(&good[..45], cluster()), Err(Verdict::Malformed(Malformed::Truncated)));
    }
}
