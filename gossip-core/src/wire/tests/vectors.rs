//! The datagrams that PROTOCOL.md shows, byte by byte: in its blocks of `vectors`, as they are read here.

use super::*;
use crate::{
    tables::{
        pulses::pulse::{self, Pulse},
        state::entry::{AfterDeath, Content, Lasting, Seconds},
        table::sums::{Share, place},
        values::{compare::Span, value::Rank},
    },
    vocabulary::key::ValueKey,
    wire::{
        frame::Contents,
        state::{Head, Notice, Range, Want},
        value::tests::Owned,
    },
};
use std::{collections::BTreeMap, fs, path::Path, string::String, vec::Vec};

/// What a name in the document stands for.
enum Expected {
    /// A datagram that a node writes.
    Written(Datagram),
    /// One that a node takes in, and would write otherwise.
    Read(Datagram),
    Refused(Malformed),
    /// Sections of state, of which this holds.
    State(Holds),
}

fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../PROTOCOL.md");
    fs::read_to_string(path).expect("PROTOCOL.md is beside the crates")
}

/// The blocks of `vectors` of the document: names, and the bytes of what follows them. On a line, two spaces and what
/// follows them are a comment.
fn document() -> BTreeMap<String, Vec<u8>> {
    let text = text();
    let mut vectors = BTreeMap::<String, Vec<u8>>::new();
    for block in text.split("```vectors\n").skip(1) {
        let mut name = None;
        for line in block.lines().take_while(|line| !line.starts_with("```")) {
            if let Some(next) = line.strip_suffix(':') {
                assert!(vectors.insert(next.into(), vec![]).is_none(), "{next} is there twice");
                name = Some(next);
            } else if let Some(bytes) = name.and_then(|name| vectors.get_mut(name)) {
                bytes.extend(bytes_of(line));
            }
        }
    }
    vectors
}

fn bytes_of(line: &str) -> Vec<u8> {
    let hex: String = line.trim_start().split("  ").next().unwrap_or_default().split(' ').collect();
    let digits: Vec<u8> = hex.bytes().map(|digit| (digit as char).to_digit(16).expect(line) as u8).collect();
    let (pairs, []) = digits.as_chunks::<2>() else { panic!("half a byte in {line}") };
    pairs.iter().map(|[high, low]| high << 4 | low).collect()
}

fn bare() -> Datagram {
    datagram(None, vec![], vec![])
}

fn with(message: Message) -> Datagram {
    datagram(Some(message), vec![], vec![])
}

fn name(name: &str) -> NodeId {
    NodeId::from_name(name).unwrap()
}

/// A record with all counts at their highest.
fn highest() -> Aged {
    let incarnation = Incarnation { epoch: Incarnation::MAX_EPOCH, refutation: Incarnation::MAX_COUNT };
    let record = db_2().record.with_incarnation(incarnation).with_status(Status::Left);
    Aged { record: record.with_state(Incarnation::MAX_COUNT, Health::Unhealthy, 255), age: u32::MAX }
}

fn accusation() -> Accusation {
    Accusation { target: name("db-2"), incarnation: db_2().record.incarnation(), accuser: name("db-1") }
}

fn event() -> Told {
    let id = EventId { origin: name("db-2"), epoch: 1_700_000_000, sequence: 300 };
    Told { id, age: 250, payload: b"moved".to_vec() }
}

/// Number 300 was heard, and so were 299 and 297.
fn event_want() -> events::Want {
    let events::Head { tag, epoch, sequence } = event().id.head();
    events::Want { tag, epoch, newest: sequence, heard: 0b1011 }
}

fn version(state_version: u32, refutation: u32) -> Version {
    let incarnation = Incarnation { epoch: 1_700_000_000, refutation };
    Version { id: name("db-2"), incarnation, state_version }
}

fn list(prefix: Prefix, (late, early): (bool, bool), versions: &[Version]) -> Datagram {
    let list = List { prefix, late, early, versions: versions.iter().copied().collect() };
    Datagram { lists: vec![list], ..bare() }
}

/// Of the second half of all tags, in which there is `db-2`, in as few bytes as it takes.
fn sieve() -> Datagram {
    let range = (0xDEAD_BEE8, 0x8000_0000, 0xFFFF_FFFF);
    let prod = crate::vocabulary::config::ClusterName::named("prod").unwrap();
    let record = Record::new(Identity { epoch: 1_700_000_001, ..identity() }, Versions::OURS);
    let (mut space, header) = ([0; MAX], bare().header);
    let mut draft = Draft::new(&mut space, &header);
    assert!(draft.sieve(range, 2, |bits| bits.add(Share::of(prod.key, &record).identity)));
    let len = draft.finish();
    Datagram::decode(&space[..len]).unwrap()
}

/// Two values, one of a member and one that an authority has deleted; and what says that they are held.
fn shared() -> Shared {
    let owned = |key: &[u8], rank, bytes: Option<&[u8]>, age| Owned {
        key: ValueKey::from_bytes(key).unwrap(),
        rank,
        revision: 9,
        writer: name("db-2"),
        bytes: bytes.map(<[u8]>::to_vec),
        age,
    };
    let anyones = owned(b"a/b", Rank::Anyone, Some(b"on"), 300);
    Shared { values: vec![anyones, owned(b"c", Rank::Authority { source: 2 }, None, 0)], ..Shared::default() }
}

fn values() -> Vec<(&'static str, Datagram)> {
    let Shared { values, .. } = shared();
    let keys: Vec<_> = values.iter().map(|owned| owned.key).collect();
    let held: Vec<_> = values.iter().map(|owned| (owned.key, owned.value().version)).collect();
    let sum = held.iter().fold(0u32, |sum, (key, version)| sum.wrapping_add(version.share(key)));
    let (late, whole) = (Span { late: true, early: false }, Span::default());
    let with = |shared| Datagram { shared, ..bare() };
    vec![
        ("values", with(shared())),
        ("sum of values", with(Shared { sum: Some(sum), ..Shared::default() })),
        ("list of values", with(Shared { list: Some((late, held)), ..Shared::default() })),
        ("list of values, empty", with(Shared { list: Some((whole, vec![])), ..Shared::default() })),
        ("keys of values", with(Shared { keys, ..Shared::default() })),
    ]
}

fn digest(prefix: Prefix, fresh: Option<u16>) -> Datagram {
    let sums = core::array::from_fn(|n| if n == 6 { 0x0102_0304_0506_0708 } else { n as u64 });
    Datagram { digests: vec![Digest { prefix, fresh, sums }], ..bare() }
}

fn messages() -> Vec<(&'static str, Datagram)> {
    let (nonce, target, token) = (0xDEAD_BEE8, name("db-2"), 0x1122_3344_5566_7788);
    let v6 = db_2().record.with_address(([0xFD00, 0, 0, 0, 0, 0, 0, 2], 7_946).into());
    let (after, next) = (Place { tag: 1, id: 2 }, Place { tag: 0x8000_0000, id: 3 });
    let busy = |others: &[SocketAddr]| Message::Busy { nonce, others: others.iter().copied().collect() };
    let two: [SocketAddr; 2] = [([10, 0, 0, 2], 7_946).into(), ([0xFD00, 0, 0, 0, 0, 0, 0, 2], 7_946).into()];
    vec![
        ("ping", with(Message::Ping { nonce, target })),
        ("ack", with(Message::Ack { nonce })),
        ("ping request", with(Message::PingRequest { nonce: nonce | 7, target })),
        ("relayed ack", with(Message::RelayedAck { nonce: nonce | 7 })),
        ("nack", with(Message::Nack { nonce: nonce | 7 })),
        ("join", with(Message::Join { nonce, token: 0, me: Aged { record: v6, age: 0 } })),
        ("challenge", with(Message::Challenge { nonce, token })),
        ("welcome", datagram(Some(Message::Welcome { nonce, members: 1_000 }), vec![db_2()], vec![])),
        ("busy", with(busy(&two))),
        ("busy, for a fetch", with(busy(&[]))),
        ("fetch", with(Message::Fetch { nonce, token, after, until: 0x1FFF_FFFF, window: 4 })),
        ("page", with(Message::Page { nonce, after, next, last: false })),
        ("page, the last, without members", with(Message::Page { nonce, after: next, next, last: true })),
        ("pull", with(Message::Pull)),
        ("repair", datagram(Some(Message::Repair), vec![db_2()], vec![])),
        ("sifted", datagram(Some(Message::Sifted { nonce }), vec![db_2()], vec![])),
        ("observed", with(Message::Observed { nonce: 0, address: two[0] })),
    ]
}

/// A question, and its answers.
fn exchange() -> Vec<(&'static str, Datagram)> {
    let nonce = 0xDEAD_BEE8;
    let answer = |status, found: &[u8]| Datagram {
        answer: Some(OwnedReply { nonce, status, found: found.to_vec() }),
        ..bare()
    };
    vec![
        ("ask", with(Message::Ask { nonce, key: ValueKey::from_bytes(b"load").unwrap() })),
        ("answer", answer(0, &[7, 8])),
        ("answer of no bytes", answer(0, &[])),
        ("answer: unknown", answer(1, &[])),
        ("answer: refused", answer(2, &[])),
    ]
}

fn entries() -> Vec<(&'static str, Datagram)> {
    let prefix = |level, tag| Prefix::new(level, tag).unwrap();
    let long = [version(300, 2), version(Incarnation::MAX_COUNT, Incarnation::MAX_COUNT), version(31, 3)];
    vec![
        ("nothing but a header", bare()),
        ("rumor", datagram(None, vec![db_2()], vec![accusation()])),
        ("record with the highest counts", datagram(None, vec![highest()], vec![])),
        ("limit, and a pull", Datagram { limit: Some(1_052), ..with(Message::Pull) }),
        ("digest", digest(prefix(0, 0xC000_0000), Some(0b0101))),
        ("digest of level 2", digest(prefix(2, 0xC6E0_0000), None)),
        ("list", list(prefix(1, 0xC600_0000), (false, true), &[version(300, 2)])),
        ("list of level 7, empty", list(prefix(7, 0xC6ED_78EE), (false, false), &[])),
        ("list with long counts", list(prefix(2, 0xC6E0_0000), (true, false), &long)),
        ("sieve", sieve()),
        ("request", Datagram { requests: vec![name("db-2")], ..bare() }),
        ("event", Datagram { events: vec![event()], ..bare() }),
        ("event head", Datagram { event_heads: vec![event().id.head()], ..bare() }),
        ("event wants", Datagram { event_wants: vec![event_want(), events::Want::REST], ..bare() }),
    ]
}

/// What is read and never written so.
fn read_only() -> Vec<(&'static str, Datagram)> {
    vec![
        ("unknown section", with(Message::Ack { nonce: 0xDEAD_BEE8 })),
        ("records in two sections", datagram(None, vec![db_2(), db_2()], vec![accusation()])),
        ("empty sections", bare()),
    ]
}

fn refused_exchange() -> Vec<(&'static str, Malformed)> {
    let (value, many) = (Malformed::Value, Malformed::TooMany);
    vec![
        ("an ask without a key", value),
        ("an ask for a key of 32 bytes", value),
        ("an ask for a key with a blank", value),
        ("an answer without a status", Malformed::Section(62)),
        ("an answer of status 3", value),
        ("a refusal with bytes", value),
        ("two answers", many),
        ("an answer beside a message", many),
        ("a pulse that ends too early", Malformed::Section(60)),
        ("a pulse with the number 0", value),
        ("a pulse of 61 bytes", value),
    ]
}

fn refused() -> Vec<(&'static str, Malformed)> {
    let (value, many) = (Malformed::Value, Malformed::TooMany);
    vec![
        ("ends within a section's head", Malformed::Truncated),
        ("ends within a section", Malformed::Truncated),
        ("a body too short", Malformed::Section(1)),
        ("a body too long", Malformed::Section(2)),
        ("ends within a record", Malformed::Section(32)),
        ("seventeen sections", many),
        ("two messages", many),
        ("two limits", many),
        ("five addresses", many),
        ("two sieves", many),
        ("seventeen versions", many),
        ("a limit below 400", value),
        ("a sieve without bits", Malformed::Section(19)),
        ("a sieve of a range that ends before it begins", value),
        ("an id of 0", value),
        ("an epoch above its limit", value),
        ("a refutation above its limit", value),
        ("a state version above its limit", value),
        ("a health of 3", value),
        ("an unused bit of a standing", value),
        ("versions from 0", value),
        ("versions out of order", value),
        ("a port of 0", value),
        ("a multicast address", value),
        ("an IPv4 address in 16 bytes", value),
        ("a number not in its shortest form", value),
        ("a number above 32 bits", value),
        ("an accusation of oneself", value),
        ("an address of family 5", value),
        ("a last of 2", value),
        ("a digest of level 7", value),
        ("a prefix with a bit too many", value),
        ("a list that begins late without a version", value),
        ("a more of 0", value),
        ("an item that begins after it ends", value),
        ("an entry above its item's span", value),
        ("entries whose versions do not rise", value),
        ("a key that is not visible", value),
        ("an entry that ends too early", value),
        ("a floor above its own version", value),
        ("a range that ends before it begins", value),
        ("an event that ends too early", Malformed::Section(53)),
        ("an event with the number 0", value),
        ("a want that did not hear its newest", value),
        ("a want of a number, where nothing was heard", value),
        ("two sums of values", many),
        ("two lists of values", many),
        ("a sum of values too short", Malformed::Section(57)),
        ("a list of values that begins late without one", value),
        ("a list of values whose keys do not rise", value),
        ("a value of a key with a blank", value),
        ("a value without a key", value),
        ("a value of no writer", value),
        ("a value that was deleted, in a list", value),
        ("a key of values with an unused bit", value),
    ]
}

/// What is to hold of a datagram.
type Holds = fn(&Contents<'_>) -> bool;

/// Whether the sections of state say what the protocol says they do.
fn state() -> Vec<(&'static str, Holds)> {
    type Said<'a> = Vec<(u32, &'a [u8], Content<'a>)>;
    fn said<'a>(contents: &Contents<'a>) -> (Notice<'a>, Said<'a>) {
        let notice = contents.items().next().unwrap();
        let entries = notice.item.entries(Seconds(1_000)).map(Result::unwrap);
        (notice, entries.map(|entry| (entry.version, entry.key, entry.content)).collect())
    }
    fn span(notice: &Notice<'_>) -> (u32, u32, u32, u32) {
        (notice.item.top, notice.item.to, notice.item.from, notice.age)
    }
    vec![
        ("item", |contents| {
            let (notice, entries) = said(contents);
            let lasting = Lasting { expires: Some(Seconds(1_300)), after_death: AfterDeath::Hidden };
            let port = (298, &b"port"[..], Content::Value { bytes: b"8080", lasting });
            (notice.owner, notice.item.epoch) == (name("db-2"), 1_700_000_000)
                && (notice.health, notice.pause_s) == (Health::Degraded, 5)
                && span(&notice) == (300, 299, 297, 250)
                && entries == [port, (299, b"flag", Content::Deleted)]
        }),
        ("item of a value that outlives its owner, and a floor", |contents| {
            let (notice, entries) = said(contents);
            let lasting = Lasting { expires: None, after_death: AfterDeath::Kept };
            let value = (9, &b"k"[..], Content::Value { bytes: b"v", lasting });
            span(&notice) == (9, 9, 6, 0) && entries == [(7, &b""[..], Content::Floor(5)), value]
        }),
        ("item without entries", |contents| {
            let (notice, entries) = said(contents);
            span(&notice) == (1, 1, 0, 0) && entries.is_empty()
        }),
        ("heads", |contents| {
            let heads = [Head { tag: 0xC6ED_78EE, top: 300 }, Head { tag: 1, top: u16::MAX }];
            contents.heads().eq(heads)
        }),
        ("want", |contents| {
            contents.wants().eq([Want { owner: name("db-2"), epoch: 1_700_000_000, known: 297 }])
        }),
        ("pulses", |contents| {
            let said = |number, age, blob| pulse::Said { epoch: 1_700_000_000, number, age, blob };
            let pulses = [(name("db-2"), said(300, 250, &[7, 8][..])), (name("db-1"), said(1, 0, &[]))];
            contents.pulses().eq(pulses.map(|(origin, said)| Pulse { origin, said }))
        }),
        ("range", |contents| contents.ranges().eq([Range { from: 0xC000_0000, until: u32::MAX }])),
    ]
}

fn expected() -> BTreeMap<&'static str, Expected> {
    let written = messages()
        .into_iter()
        .chain(entries())
        .chain(values())
        .chain(exchange())
        .map(|(name, datagram)| (name, Expected::Written(datagram)));
    let read = read_only().into_iter().map(|(name, datagram)| (name, Expected::Read(datagram)));
    let refused =
        refused().into_iter().chain(refused_exchange()).map(|(name, kind)| (name, Expected::Refused(kind)));
    let state = state().into_iter().map(|(name, holds)| (name, Expected::State(holds)));
    written.chain(read).chain(refused).chain(state).collect()
}

#[test]
fn the_bytes_are_those_of_the_protocol() {
    let (mut vectors, expected) = (document(), expected());
    let header = vectors.remove("header").expect("the header that all the others begin with");
    assert!(
        vectors.keys().map(String::as_str).eq(expected.keys().copied()),
        "the names there and here differ"
    );
    for (name, expected) in expected {
        let bytes = [&header[..], &vectors[name]].concat();
        let decoded = Datagram::decode(&bytes);
        match expected {
            Expected::Written(datagram) => {
                assert_eq!(hex(&datagram.encode().0), hex(&bytes), "{name}");
                assert_eq!(decoded, Ok(datagram), "{name}");
            }
            Expected::Read(datagram) => assert_eq!(decoded, Ok(datagram), "{name}"),
            Expected::Refused(kind) => assert_eq!(decoded, Err(Verdict::Malformed(kind)), "{name}"),
            Expected::State(holds) => {
                assert!(is_datagram(&bytes), "{name}: it is written as it is read");
                let contents = Frame::decode(&bytes).unwrap().contents().unwrap();
                assert!(holds(&contents), "{name}");
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_hashes_are_those_of_the_protocol() {
    let prod = crate::vocabulary::config::ClusterName::named("prod").unwrap();
    let share = |of: &str, epoch| {
        let identity = Identity { id: name(of), epoch, ..identity() };
        Share::of(prod.key, &Record::new(identity, Versions::OURS))
    };
    let shares = [share("db-1", 1_700_000_000), share("db-2", 1_700_000_001)];
    let both = shares[0].plus(shares[1]);
    let both = Fingerprint::new(both.identity, both.state);
    let text = text();
    for (what, value) in [
        ("id of \"db-1\"", format!("{:016x}    shown as {}", name("db-1").as_u64(), name("db-1"))),
        ("id of \"db-2\"", format!("{:016x}    shown as {}", name("db-2").as_u64(), name("db-2"))),
        ("cluster tag", format!("{:08x}", prod.tag)),
        ("cluster key", format!("{:016x}", prod.key)),
        ("tag of db-1", format!("{:08x}", place(prod.key, name("db-1")).tag)),
        ("tag of db-2", format!("{:08x}", place(prod.key, name("db-2")).tag)),
        ("db-1, epoch 1700000000", format!("{:016x} {:016x}", shares[0].identity, shares[0].state)),
        ("db-2, epoch 1700000001", format!("{:016x} {:016x}", shares[1].identity, shares[1].state)),
        ("fingerprint of the two", format!("{:016x}", both.0)),
    ] {
        let line = text.lines().find_map(|line| line.strip_prefix(what)).map(str::trim);
        assert_eq!(line, Some(value.as_str()), "{what}");
    }
}
