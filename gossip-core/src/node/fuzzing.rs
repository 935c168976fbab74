//! The door for the fuzz targets to what is private: compiled under `cfg(fuzzing)`, which cargo-fuzz sets, and for the
//! core's own tests. No part of the API.
//!
//! Under `cfg(fuzzing)` every step of a node ends with a check of all its tables, too: see `Node::check`.

#[cfg(feature = "seal")]
pub use sealed::{open, seal};

use crate::{
    vocabulary::{error::Verdict, record::Record},
    wire::frame::{Contents, Draft, Frame},
};
use alloc::{vec, vec::Vec};

/// Bytes of a datagram's header, and of a section's.
const HEADER: usize = 22;
const SECTION: usize = 3;
/// The first of the tags whose sections are lists of entries, and not messages.
const FIRST_LIST: u8 = 14;
const LIMIT: u8 = 17;
/// Messages above it, and what a sender has, between them.
const OBSERVED: u8 = 18;
const SIEVE: u8 = 19;
const SIFTED: u8 = 20;
const RECORDS: u8 = 32;
/// Who signed records and accusations.
const PROOFS: u8 = 34;
const SIGNED: u8 = 35;
/// The first of the sections of kept state.
const ITEMS: u8 = 48;
/// The first of those of user events.
const EVENTS: u8 = 53;
/// Sections of cluster-wide values.
const VALUES: u8 = 56;
const SUM: u8 = 57;
const VERSIONS: u8 = 58;
const KEYS: u8 = 59;
const PULSES: u8 = 60;
/// A question, and an answer.
const ASK: u8 = 61;
const ANSWER: u8 = 62;

/// Whether a datagram decodes, of any cluster. Panics if what decodes does not encode to itself, or if the decoder
/// would not have noticed a byte more or less.
pub fn is_datagram(bytes: &[u8]) -> bool {
    let Ok(again) = encode_again(bytes) else { return false };
    assert_eq!(again, normal_form(bytes), "every value has exactly one encoding");
    let more = [bytes, &[1, 0]].concat();
    for wrong in [&bytes[..bytes.len() - 1], &more[..bytes.len() + 1], &more] {
        assert!(encode_again(wrong).is_err(), "a datagram of {} bytes was taken for whole", wrong.len());
    }
    true
}

/// The records that a section of this body holds; none if it does not decode.
pub fn records(body: &[u8]) -> Vec<Record> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut datagram = [1; HEADER + SECTION];
    (datagram[1], datagram[HEADER]) = (0, RECORDS);
    datagram[HEADER + 1..].copy_from_slice(&length);
    let datagram = [&datagram, body].concat();
    let contents = Frame::decode(&datagram).ok().and_then(|frame| frame.contents().ok());
    contents.map_or_else(Vec::new, |contents| contents.records().map(|aged| aged.record).collect())
}

/// Decodes a datagram, and writes what it says as a node would, section by section.
fn encode_again(datagram: &[u8]) -> Result<Vec<u8>, Verdict> {
    let frame = Frame::decode(datagram)?;
    let _ = frame.contents().map_err(Verdict::Malformed)?;
    let mut space = vec![0; datagram.len()];
    let mut draft = Draft::new(&mut space, &frame.header);
    for section in sections(datagram) {
        let alone = [&datagram[..HEADER], section].concat();
        let contents = Frame::decode(&alone)?.contents().map_err(Verdict::Malformed)?;
        let fits = contents.message.iter().all(|message| draft.message(message))
            && contents.answer.iter().all(|reply| draft.answer(reply))
            && contents.limit.iter().all(|&limit| draft.limit(limit))
            && contents.sieve.iter().all(|sieve| {
                let range = (sieve.nonce, sieve.from, sieve.until);
                draft.sieve(range, sieve.bits.len(), |bits| bits.copy(sieve.bits))
            })
            && contents.digests().all(|digest| draft.digest(&digest))
            && contents.lists().all(|list| draft.list(&list))
            && contents.requests().all(|id| draft.request(id))
            && contents.records().all(|record| draft.record(&record))
            && contents.accusations().all(|accusation| draft.accusation(&accusation))
            && put_signatures(&contents, &mut draft)
            && contents.items().all(|notice| draft.notice(&notice))
            && contents.heads().all(|head| draft.head(&head))
            && contents.wants().all(|want| draft.want(&want))
            && contents.ranges().all(|range| draft.range(&range))
            && contents.user_events().all(|event| draft.user_event(&event))
            && contents.event_heads().all(|head| draft.event_head(&head))
            && contents.event_wants().all(|want| draft.event_want(&want))
            && contents.values().all(|value| draft.value(&value))
            && contents.sum.iter().all(|&sum| draft.sum(sum))
            && contents.versions.iter().all(|list| draft.listed(list.span, list.versions()))
            && contents.keys().all(|key| draft.key(&key))
            && contents.pulses().all(|pulse| draft.pulse(&pulse));
        assert!(fits, "what was decoded is longer than it was");
    }
    let len = draft.finish();
    space.truncate(len);
    Ok(space)
}

#[cfg(feature = "identity")]
fn put_signatures(contents: &Contents<'_>, draft: &mut Draft<'_>) -> bool {
    contents.proofs().all(|proof| draft.proof(proof.as_ref()))
        && contents.signed_accusations().all(|signed| draft.signed_accusation(&signed))
}

#[cfg(not(feature = "identity"))]
fn put_signatures(_: &Contents<'_>, _: &mut Draft<'_>) -> bool {
    true
}

/// A datagram that decodes without what a decoder skips (unknown sections and empty lists of entries), and with all
/// entries of a tag in one section, where the first of them stands.
fn normal_form(datagram: &[u8]) -> Vec<u8> {
    let mut whole: Vec<(u8, Vec<u8>)> = vec![];
    for section in sections(datagram) {
        let (tag, body) = (section[0], &section[SECTION..]);
        let is_list = matches!(tag, FIRST_LIST..=16 | RECORDS | 33 | ITEMS..=51 | EVENTS..=55 | VALUES | KEYS..=PULSES)
            || cfg!(feature = "identity") && matches!(tag, PROOFS | SIGNED);
        let is_one =
            matches!(tag, 1..FIRST_LIST | LIMIT | OBSERVED | SIEVE | SIFTED | SUM | VERSIONS | ASK | ANSWER);
        if !is_one && (!is_list || body.is_empty()) {
            continue;
        }
        match whole.iter_mut().find(|(other, _)| *other == tag) {
            Some((_, bodies)) => bodies.extend_from_slice(body),
            None => whole.push((tag, body.to_vec())),
        }
    }
    let mut normal = datagram[..HEADER].to_vec();
    for (tag, body) in whole {
        normal.push(tag);
        normal.extend_from_slice(&(body.len() as u16).to_be_bytes());
        normal.extend_from_slice(&body);
    }
    normal
}

/// The sections of a datagram that decodes, each with its tag and length.
fn sections(datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = &datagram[HEADER..];
    core::iter::from_fn(move || {
        let &[_, high, low, ..] = rest else { return None };
        let (section, later) = rest.split_at(SECTION + usize::from(u16::from_be_bytes([high, low])));
        rest = later;
        Some(section)
    })
}

/// What an insider does with the key.
#[cfg(feature = "seal")]
mod sealed {
    use crate::{
        security::{
            keyring::KeyRing,
            seal::{BODY, SealedHeader, Sealer, TAG},
        },
        vocabulary::{config::ClusterName, record::NodeId},
    };
    use alloc::{vec, vec::Vec};

    /// Where the fingerprint of a datagram in the clear stands.
    const FINGERPRINT: usize = 14;

    /// Seals a datagram that is in the clear, under its sender's name, with the first key; `None` if it is too short.
    pub fn seal(
        ring: &KeyRing,
        (epoch, counter): (u32, u32),
        to: Option<NodeId>,
        clear: &[u8],
    ) -> Option<Vec<u8>> {
        let (cluster, sender) = (clear.get(2..)?.first_chunk()?, clear.get(6..)?.first_chunk()?);
        let cluster = ClusterName { tag: u32::from_be_bytes(*cluster), key: 0 };
        let mut sealer = Sealer::at(cluster, NodeId::from_bytes(*sender)?, epoch, counter.checked_sub(1)?);
        let body = clear.get(FINGERPRINT..)?;
        let mut space = vec![0; BODY + body.len() + TAG];
        space.get_mut(BODY..)?.get_mut(..body.len())?.copy_from_slice(body);
        let _ = sealer.seal(ring, ring.ids().next()?, to, &mut space, body.len())?;
        Some(space)
    }

    /// Opens a datagram as this node, and gives it the form that it has in the clear.
    pub fn open(ring: &KeyRing, cluster: ClusterName, me: NodeId, sealed: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = sealed.to_vec();
        let header = SealedHeader::read(&bytes, cluster).ok()??;
        let body = header.open(ring, me, &mut bytes)?.to_vec();
        let mut clear = sealed.get(..FINGERPRINT)?.to_vec();
        *clear.get_mut(1)? = 0;
        Some([clear, body].concat())
    }
}
