//! What encodes decodes to itself, and what decodes encodes to itself.

mod answer;
mod event;
mod pulse;
mod vectors;

use super::{
    frame::{Draft, Frame, Header, accusations::Accused},
    message::{Message, Nonce},
    record::Aged,
    sieve::{Bits, Sieve},
    sync::{Digest, List, MAX_LISTED, Version},
    value::tests::Shared,
};
use crate::{
    node::fuzzing::is_datagram,
    tables::{
        events::event::{self as events, EventId, UserEvent},
        table::{index::Place, sums::Prefix},
    },
    vocabulary::{
        error::{Malformed, Verdict},
        record::{
            Accusation, Fingerprint, Health, Identity, Incarnation, Locality, NodeId, Record, Status,
            Versions,
        },
    },
};
use answer::OwnedReply;
use core::net::SocketAddr;
use quickcheck::{Arbitrary, Gen, TestResult, quickcheck};
use std::{boxed::Box, vec::Vec};

const MAX: usize = 1_200;

/// A sieve, with bits of its own.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    range: (Nonce, u32, u32),
    bits: Vec<u8>,
}

impl Owned {
    fn write(&self, draft: &mut Draft<'_>) -> bool {
        draft.sieve(self.range, self.bits.len(), |bits| bits.copy(&self.bits))
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Datagram {
    header: Header,
    limit: Option<u16>,
    sieve: Option<Owned>,
    message: Option<Message>,
    answer: Option<OwnedReply>,
    digests: Vec<Digest>,
    lists: Vec<List>,
    requests: Vec<NodeId>,
    records: Vec<Aged>,
    accusations: Vec<Accusation>,
    events: Vec<Told>,
    event_heads: Vec<events::Head>,
    event_wants: Vec<events::Want>,
    shared: Shared,
}

/// A user event, with a payload of its own.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    id: EventId,
    age: u32,
    payload: Vec<u8>,
}

impl Told {
    fn write(&self, draft: &mut Draft<'_>) -> bool {
        draft.user_event(&UserEvent { id: self.id, age: self.age, payload: &self.payload })
    }
}

impl Datagram {
    fn encode(&self) -> (Vec<u8>, Self) {
        let mut space = [0; MAX];
        let mut draft = Draft::new(&mut space, &self.header);
        let limit = self.limit.filter(|&limit| draft.limit(limit));
        let sieve = self.sieve.clone().filter(|sieve| sieve.write(&mut draft));
        let message = self.message.clone().filter(|message| draft.message(message));
        let answer = self.answer.clone().filter(|answer| draft.answer(&answer.reply()));
        let digests = self.digests.iter().filter(|digest| draft.digest(digest)).copied().collect();
        let lists = self.lists.iter().filter(|list| draft.list(list)).cloned().collect();
        let requests = self.requests.iter().filter(|&&id| draft.request(id)).copied().collect();
        let records = self.records.iter().filter(|record| draft.record(record)).copied().collect();
        let accusations = self.accusations.iter().filter(|entry| draft.accusation(entry));
        let accusations = accusations.copied().collect();
        let events = self.events.iter().filter(|event| event.write(&mut draft)).cloned().collect();
        let event_heads = self.event_heads.iter().filter(|head| draft.event_head(head)).copied().collect();
        let event_wants = self.event_wants.iter().filter(|want| draft.event_want(want)).copied().collect();
        let shared = self.shared.write(&mut draft);
        let len = draft.finish();
        (
            space[..len].to_vec(),
            Self {
                header: self.header,
                limit,
                sieve,
                message,
                answer,
                digests,
                lists,
                requests,
                records,
                accusations,
                events,
                event_heads,
                event_wants,
                shared,
            },
        )
    }

    fn decode(bytes: &[u8]) -> Result<Self, Verdict> {
        let frame = Frame::decode(bytes)?;
        let contents = frame.contents().map_err(Verdict::Malformed)?;
        Ok(Self {
            header: frame.header,
            limit: contents.limit,
            sieve: contents.sieve.map(|Sieve { nonce, from, until, bits }| Owned {
                range: (nonce, from, until),
                bits: bits.to_vec(),
            }),
            message: contents.message.clone(),
            answer: contents.answer.map(OwnedReply::of),
            digests: contents.digests().collect(),
            lists: contents.lists().collect(),
            requests: contents.requests().collect(),
            records: contents.records().collect(),
            accusations: contents.accusations().collect(),
            events: contents
                .user_events()
                .map(|UserEvent { id, age, payload }| Told { id, age, payload: payload.to_vec() })
                .collect(),
            event_heads: contents.event_heads().collect(),
            event_wants: contents.event_wants().collect(),
            shared: Shared::read(&contents),
        })
    }
}

fn id(g: &mut Gen) -> NodeId {
    NodeId::from_u64(u64::arbitrary(g).max(1)).unwrap()
}

fn incarnation(g: &mut Gen) -> Incarnation {
    Incarnation {
        epoch: u32::arbitrary(g).min(Incarnation::MAX_EPOCH),
        refutation: u32::arbitrary(g).min(Incarnation::MAX_COUNT),
    }
}

fn address(g: &mut Gen) -> SocketAddr {
    let port = u16::arbitrary(g).max(1);
    if bool::arbitrary(g) {
        ([10, u8::arbitrary(g), u8::arbitrary(g), 1], port).into()
    } else {
        ([0xFD00, u16::arbitrary(g), 0, 0, 0, 0, 0, u16::arbitrary(g).max(1)], port).into()
    }
}

fn aged(g: &mut Gen) -> Aged {
    let incarnation = incarnation(g);
    let locality = Locality { region: u8::arbitrary(g), zone: u8::arbitrary(g), rack: u8::arbitrary(g) };
    let identity = Identity { id: id(g), epoch: incarnation.epoch, address: address(g), locality };
    let health = Health::from_u8(u8::arbitrary(g) % 3).unwrap();
    let record = Record::new(identity, Versions { min: 1, max: 1 + u8::arbitrary(g) % 15 })
        .with_incarnation(incarnation)
        .with_status(Status::from_u8(u8::arbitrary(g) % 4).unwrap())
        .with_state(u32::arbitrary(g).min(Incarnation::MAX_COUNT), health, u8::arbitrary(g));
    Aged { record, age: u32::arbitrary(g) }
}

fn message(g: &mut Gen) -> Message {
    let nonce = u32::arbitrary(g);
    let place = |g: &mut Gen| Place { tag: u32::arbitrary(g), id: u64::arbitrary(g) };
    match u8::arbitrary(g) % 16 {
        0 => Message::Ping { nonce, target: id(g) },
        1 => Message::Ack { nonce },
        2 => Message::PingRequest { nonce, target: id(g) },
        3 => Message::RelayedAck { nonce },
        4 => Message::Nack { nonce },
        5 => Message::Join { nonce, token: u64::arbitrary(g), me: aged(g) },
        6 => Message::Challenge { nonce, token: u64::arbitrary(g) },
        7 => Message::Welcome { nonce, members: u32::arbitrary(g) },
        8 => {
            let others = (0..u8::arbitrary(g) % 5).map(|_| address(g)).collect();
            Message::Busy { nonce, others }
        }
        9 => Message::Fetch {
            nonce,
            token: u64::arbitrary(g),
            after: place(g),
            until: u32::arbitrary(g),
            window: u8::arbitrary(g),
        },
        10 => Message::Page { nonce, after: place(g), next: place(g), last: bool::arbitrary(g) },
        11 => Message::Pull,
        12 => Message::Observed { nonce, address: address(g) },
        13 => Message::Sifted { nonce },
        14 => Message::Ask { nonce, key: answer::key(g) },
        _ => Message::Repair,
    }
}

fn sieve(g: &mut Gen) -> Owned {
    let (a, b) = (u32::arbitrary(g), u32::arbitrary(g));
    let bits = (0..=u8::arbitrary(g)).map(|_| u8::arbitrary(g)).collect();
    Owned { range: (u32::arbitrary(g), a.min(b), a.max(b)), bits }
}

fn prefix(g: &mut Gen, levels: u8) -> Prefix {
    let level = u8::arbitrary(g) % levels;
    let tag = u32::arbitrary(g) & !(u32::MAX >> (3 + 4 * level));
    Prefix::new(level, tag).unwrap()
}

fn digest(g: &mut Gen) -> Digest {
    let prefix = prefix(g, 7);
    Digest { prefix, fresh: Option::arbitrary(g), sums: core::array::from_fn(|_| u64::arbitrary(g)) }
}

fn list(g: &mut Gen) -> List {
    let version = |g: &mut Gen| Version {
        id: id(g),
        incarnation: incarnation(g),
        state_version: u32::arbitrary(g).min(Incarnation::MAX_COUNT),
    };
    let versions: heapless::Vec<_, MAX_LISTED> = (0..u8::arbitrary(g) % 17).map(|_| version(g)).collect();
    let cut = |g: &mut Gen| bool::arbitrary(g) && !versions.is_empty();
    List { prefix: prefix(g, 8), late: cut(g), early: cut(g), versions }
}

fn accusation(g: &mut Gen) -> Accusation {
    let (target, accuser) = (id(g), id(g));
    let accuser = if accuser == target { NodeId::from_name("another").unwrap() } else { accuser };
    Accusation { target, incarnation: incarnation(g), accuser }
}

fn told(g: &mut Gen) -> Told {
    let sequence = u32::arbitrary(g).max(1) >> (u8::arbitrary(g) % 20);
    let id = EventId {
        origin: id(g),
        epoch: incarnation(g).epoch,
        sequence: sequence.clamp(1, Incarnation::MAX_COUNT),
    };
    let payload = (0..u16::arbitrary(g) % 300).map(|_| u8::arbitrary(g)).collect();
    Told { id, age: u32::arbitrary(g), payload }
}

fn event_want(g: &mut Gen) -> events::Want {
    let want = events::Want { epoch: incarnation(g).epoch, ..events::Want::REST };
    match u8::arbitrary(g) % 3 {
        0 => events::Want::REST,
        1 => events::Want { tag: u32::arbitrary(g), ..want },
        _ => events::Want { newest: u16::arbitrary(g), heard: u64::arbitrary(g) | 1, ..want },
    }
}

impl Arbitrary for Datagram {
    fn arbitrary(g: &mut Gen) -> Self {
        Self {
            header: Header {
                cluster: u32::arbitrary(g),
                sender: id(g),
                fingerprint: Fingerprint(u64::arbitrary(g)),
            },
            limit: bool::arbitrary(g).then(|| u16::arbitrary(g).max(400)),
            sieve: bool::arbitrary(g).then(|| sieve(g)),
            message: bool::arbitrary(g).then(|| message(g)),
            answer: bool::arbitrary(g).then(|| OwnedReply::arbitrary(g)),
            digests: (0..u8::arbitrary(g) % 4).map(|_| digest(g)).collect(),
            lists: (0..u8::arbitrary(g) % 4).map(|_| list(g)).collect(),
            requests: (0..u8::arbitrary(g) % 20).map(|_| id(g)).collect(),
            records: (0..u8::arbitrary(g) % 60).map(|_| aged(g)).collect(),
            accusations: (0..u8::arbitrary(g) % 60).map(|_| accusation(g)).collect(),
            events: (0..u8::arbitrary(g) % 4).map(|_| told(g)).collect(),
            event_heads: (0..u8::arbitrary(g) % 20).map(|_| told(g).id.head()).collect(),
            event_wants: (0..u8::arbitrary(g) % 10).map(|_| event_want(g)).collect(),
            shared: if bool::arbitrary(g) { Shared::arbitrary(g) } else { Shared::default() },
        }
    }
}

/// One call of a writer.
#[derive(Clone, Debug)]
enum Call {
    Limit(u16),
    Sieve(Owned),
    Message(Message),
    Answer(OwnedReply),
    ReserveMessage(Message),
    Digest(Digest),
    List(Box<List>),
    Request(NodeId),
    Record(Aged),
    Accusation(Accusation),
    Event(Told),
    EventHead(events::Head),
    EventWant(events::Want),
    /// Room for so many accusations is kept, or given free again.
    Reserve(Accused),
    Release,
}

impl Arbitrary for Call {
    fn arbitrary(g: &mut Gen) -> Self {
        match u8::arbitrary(g) % 34 {
            0 => Self::Message(message(g)),
            1 => Self::ReserveMessage(message(g)),
            2..5 => Self::Digest(digest(g)),
            5..8 => Self::List(Box::new(list(g))),
            8..11 => Self::Request(id(g)),
            11..16 => Self::Record(aged(g)),
            16..21 => Self::Accusation(accusation(g)),
            21..23 => Self::Reserve(Accused { unsigned: u8::arbitrary(g) % 5, signed: u8::arbitrary(g) % 5 }),
            24 => Self::Sieve(sieve(g)),
            26..28 => Self::Event(told(g)),
            28..30 => Self::EventHead(told(g).id.head()),
            30..32 => Self::EventWant(event_want(g)),
            32 => Self::Answer(OwnedReply::arbitrary(g)),
            23 => Self::Limit(u16::arbitrary(g).max(400)),
            _ => Self::Release,
        }
    }
}

/// Writes a datagram of at most `max` bytes by these calls; what is expected of it is what they said was written.
fn write(max: usize, calls: &[Call]) -> (Vec<u8>, Datagram) {
    let mut expected = datagram(None, vec![], vec![]);
    let mut space = vec![0; max];
    let mut draft = Draft::new(&mut space, &expected.header);
    let (mut reserved, mut reserved_message) = (vec![], None);
    for call in calls {
        match call {
            Call::Message(message) if draft.message(message) => {
                assert_eq!(expected.message.replace(message.clone()), None, "a second message was written");
            }
            Call::Answer(answer) if draft.answer(&answer.reply()) => {
                assert_eq!(expected.message, None, "an answer was written beside a message");
                assert_eq!(expected.answer.replace(answer.clone()), None, "a second answer was written");
            }
            Call::Limit(limit) if draft.limit(*limit) => {
                assert_eq!(expected.limit.replace(*limit), None, "a second limit was written");
            }
            Call::Sieve(sieve) if sieve.write(&mut draft) => {
                assert_eq!(expected.sieve.replace(sieve.clone()), None, "a second sieve was written");
            }
            Call::ReserveMessage(message) if reserved_message.is_none() && draft.reserve_message(message) => {
                reserved_message = Some(message);
            }
            Call::Digest(digest) if draft.digest(digest) => expected.digests.push(*digest),
            Call::List(list) if draft.list(list) => expected.lists.push((**list).clone()),
            Call::Request(id) if draft.request(*id) => expected.requests.push(*id),
            Call::Record(record) if draft.record(record) => expected.records.push(*record),
            Call::Accusation(accusation) if draft.accusation(accusation) => {
                expected.accusations.push(*accusation);
            }
            Call::Event(event) if event.write(&mut draft) => expected.events.push(event.clone()),
            Call::EventHead(head) if draft.event_head(head) => expected.event_heads.push(*head),
            Call::EventWant(want) if draft.event_want(want) => expected.event_wants.push(*want),
            Call::Reserve(accusations) if draft.reserve(*accusations) => reserved.push(*accusations),
            Call::Release => reserved.pop().into_iter().for_each(|accusations| draft.release(accusations)),
            _ => {}
        }
    }
    if let Some(message) = reserved_message {
        let written = draft.reserved_message(message);
        let has_none = expected.message.is_none() && expected.answer.is_none();
        assert_eq!(written, has_none, "there is room for what room was kept for");
        if written {
            expected.message = Some(message.clone());
        }
    }
    let len = draft.finish();
    space.truncate(len);
    (space, expected)
}

quickcheck! {
    fn whatever_a_writer_is_asked_for_decodes_to_what_it_wrote(max: u16, calls: Vec<Call>) -> bool {
        let (bytes, written) = write(400 + usize::from(max) % 1_001, &calls);
        Datagram::decode(&bytes) == Ok(written)
    }

    fn what_encodes_decodes_to_itself(datagram: Datagram) -> bool {
        let (bytes, written) = datagram.encode();
        bytes.len() <= MAX && Datagram::decode(&bytes) == Ok(written)
    }

    fn what_decodes_encodes_to_the_same_bytes(datagram: Datagram, changes: Vec<(u16, u8)>) -> TestResult {
        let mut bytes = datagram.encode().0;
        for (at, to) in changes.into_iter().take(4) {
            let at = usize::from(at) % bytes.len();
            bytes[at] = to;
        }
        if is_datagram(&bytes) { TestResult::passed() } else { TestResult::discard() }
    }

    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) -> bool {
        let _ = Datagram::decode(&bytes);
        let framed: Vec<u8> = [1, 0].into_iter().chain(bytes).collect();
        let _ = Datagram::decode(&framed);
        true
    }

    fn a_datagram_cut_short_is_never_taken_for_whole(datagram: Datagram, at: u16) -> bool {
        let (bytes, written) = datagram.encode();
        let cut = usize::from(at) % bytes.len();
        // Cut between two sections it is a shorter datagram, but never the same.
        Datagram::decode(&bytes[..cut]) != Ok(written) || bytes.len() == cut
    }
}

#[test]
fn a_sieve_has_what_was_added_and_little_else() {
    let mut rng = crate::vocabulary::rng::Rng::new([7; 32]);
    for nonce in 1..=20 {
        let shares: Vec<u64> = (0..1_000).map(|_| rng.next()).collect();
        let mut space = [0; MAX];
        let mut draft = Draft::new(&mut space, &bare_header());
        let fill = |bits: &mut Bits<'_>| shares.iter().for_each(|&share| bits.add(share));
        assert!(draft.sieve((nonce, 0, u32::MAX), shares.len() * 5 / 8, fill));
        let len = draft.finish();
        let sieve = Frame::decode(&space[..len]).unwrap().contents().unwrap().sieve.unwrap();
        assert!(shares.iter().all(|&share| sieve.has(share)));
        let confused = (0..10_000).filter(|_| sieve.has(rng.next())).count();
        // 9.2 % expected; a standard deviation is 0.3 %.
        assert!((750..1_100).contains(&confused), "{confused} of 10,000 with the nonce {nonce}");
    }
}

fn bare_header() -> Header {
    Header {
        cluster: crate::vocabulary::config::ClusterName::named("prod").unwrap().tag,
        sender: NodeId::from_name("db-1").unwrap(),
        fingerprint: Fingerprint(0x0102_0304_0506_0708),
    }
}

fn datagram(message: Option<Message>, records: Vec<Aged>, accusations: Vec<Accusation>) -> Datagram {
    let header = bare_header();
    let (digests, lists, requests) = (vec![], vec![], vec![]);
    Datagram {
        header,
        limit: None,
        sieve: None,
        message,
        answer: None,
        digests,
        lists,
        requests,
        records,
        accusations,
        events: vec![],
        event_heads: vec![],
        event_wants: vec![],
        shared: Shared::default(),
    }
}

fn identity() -> Identity {
    Identity {
        id: NodeId::from_name("db-2").unwrap(),
        epoch: 1_700_000_000,
        address: ([10, 0, 0, 2], 7_946).into(),
        locality: Locality { region: 1, zone: 2, rack: 3 },
    }
}

fn db_2() -> Aged {
    let record = Record::new(identity(), Versions::OURS)
        .with_incarnation(Incarnation { epoch: 1_700_000_000, refutation: 2 })
        .with_status(Status::Suspect)
        .with_state(300, Health::Degraded, 5);
    Aged { record, age: 250 }
}

#[test]
fn what_no_correct_node_sends_is_refused() {
    let ping = Message::Ping { nonce: 1, target: NodeId::from_name("db-2").unwrap() };
    let good = datagram(Some(ping), vec![db_2()], vec![]).encode().0;
    let record = good.len() - 29;
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        Datagram::decode(&bytes).err()
    };
    let malformed = |kind| Some(Verdict::Malformed(kind));
    assert!(Datagram::decode(&good).is_ok());
    assert_eq!(changed(0, 2), Some(Verdict::UnknownVersion(2)));
    assert_eq!(changed(1, 7), Some(Verdict::UnknownKey(7)));
    assert_eq!(changed(24, 11), malformed(Malformed::Section(1)), "a ping too short for its target");
    assert_eq!(changed(record + 12, 0xE1), malformed(Malformed::Value), "unused bits of the standing");
    assert_eq!(changed(record + 12, 0x0D), malformed(Malformed::Value), "an unknown health");
    assert_eq!(changed(record + 20, 224), malformed(Malformed::Value), "a multicast address");
    assert_eq!(changed(record + 13, 0x01), malformed(Malformed::Value), "versions from 0");
    assert_eq!(Datagram::decode(&[]).err(), malformed(Malformed::Truncated));
    assert_eq!(Datagram::decode(&good[..21]).err(), malformed(Malformed::Truncated));
}

#[test]
fn entries_of_one_kind_stand_in_one_section_however_they_come() {
    let incarnation = db_2().record.incarnation();
    let accused = |n: u64| NodeId::from_u64(n).unwrap();
    let accusation = |n| Accusation { target: accused(n), incarnation, accuser: accused(100) };
    let mut calls = vec![Call::Message(Message::Pull)];
    for n in 1..=9 {
        calls.extend([Call::Record(db_2()), Call::Accusation(accusation(n))]);
    }
    let (bytes, written) = write(MAX, &calls);
    assert_eq!((written.records.len(), written.accusations.len()), (9, 9));
    assert_eq!(Datagram::decode(&bytes), Ok(written));
    let (records, accusations) = (3 + 9 * 29, 3 + 9 * 21);
    assert_eq!(bytes.len(), 22 + 3 + records + accusations);
}

#[test]
fn a_section_that_this_version_does_not_know_is_skipped() {
    let known = datagram(Some(Message::Ack { nonce: 1 }), vec![db_2()], vec![]);
    let (mut bytes, written) = known.encode();
    bytes.extend([200, 0, 3, 1, 2, 3]);
    assert_eq!(Datagram::decode(&bytes), Ok(written));
}

#[test]
fn more_than_a_datagram_may_carry_is_refused() {
    let mut bytes = datagram(None, vec![], vec![]).encode().0;
    for _ in 0..17 {
        bytes.extend([200, 0, 0]);
    }
    assert_eq!(Datagram::decode(&bytes).err(), Some(Verdict::Malformed(Malformed::TooMany)));
    let mut bytes = datagram(Some(Message::Ack { nonce: 1 }), vec![], vec![]).encode().0;
    bytes.extend([2, 0, 4, 0, 0, 0, 2]);
    assert_eq!(Datagram::decode(&bytes).err(), Some(Verdict::Malformed(Malformed::TooMany)));
}
