//! Datagrams by hand: what an attacker writes who knows the protocol and the cluster's name.
//!
//! An encoder apart from the core's, written after PROTOCOL.md, sections 5 and 6: it can say what no node says.

use gossip_core::{
    Accusation, Buffer, Config, Identity, Incarnation, Inline, Instant, Locality, Node, NodeId, Record,
};
use std::net::{IpAddr, SocketAddr};

/// A section: its tag and its body.
pub type Section = (u8, Vec<u8>);
/// A place in the order of the table: a tag, and an id.
pub type Place = (u32, u64);

/// Where in an encoded record its port begins, and its address after it.
pub const PORT: usize = 18;
/// Version, key and cluster tag: what all datagrams of a cluster begin with.
const HEAD: usize = 6;

/// The first bytes of every datagram of the cluster: those of a node that is made for it, and asks to join.
///
/// # Panics
/// The configuration is not valid.
pub fn head(config: Config) -> Vec<u8> {
    let address = ([10, 255, 255, 254], 7_946).into();
    let identity = Identity { id: id(1), epoch: 1, address, locality: Locality::default() };
    let mut buffer = Buffer::<16, 128, 19_200>::new();
    let Ok(mut node) = Node::new(config, identity, [0; 32], Inline::<2, 1>::new(), Instant::ZERO) else {
        panic!("a cluster's configuration is valid")
    };
    let mut out = buffer.outbox();
    let output = node.join(Instant::ZERO, &[([10, 255, 255, 253], 7_946).into()], &mut out);
    let Some(packet) = output.packets().next() else { panic!("a join sends something") };
    packet.bytes[..HEAD].to_vec()
}

/// An id by its number, which is not 0.
///
/// # Panics
/// The number is 0.
pub fn id(id: u64) -> NodeId {
    match NodeId::from_u64(id) {
        Some(id) => id,
        None => panic!("0 is nobody"),
    }
}

/// Header of `sender` in the cluster of `sample` (any of its datagrams, or [`head`]) that shows no view, then sections.
pub fn datagram(sample: &[u8], sender: NodeId, sections: &[Section]) -> Vec<u8> {
    datagram_with(sample, sender, 0, sections)
}

/// The same with a fingerprint.
pub fn datagram_with(sample: &[u8], sender: NodeId, fingerprint: u64, sections: &[Section]) -> Vec<u8> {
    let mut bytes = sample[..HEAD].to_vec();
    bytes.extend(sender.as_u64().to_be_bytes());
    bytes.extend(fingerprint.to_be_bytes());
    for (tag, body) in sections {
        bytes.push(*tag);
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend(body);
    }
    bytes
}

/// A number as LEB128.
pub fn leb(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A port, and the address after it.
fn address(bytes: &mut Vec<u8>, address: SocketAddr) {
    bytes.extend(address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => bytes.extend(ip.octets()),
        IpAddr::V6(ip) => bytes.extend(ip.octets()),
    }
}

/// A family, then a port and an address.
fn endpoint(at: SocketAddr) -> Vec<u8> {
    let mut bytes = vec![if at.is_ipv6() { 6 } else { 4 }];
    address(&mut bytes, at);
    bytes
}

/// A record whose news is this many ms old.
pub fn record(record: &Record, age_ms: u32) -> Vec<u8> {
    let mut bytes = record.id().as_u64().to_be_bytes().to_vec();
    bytes.extend(record.incarnation().epoch.to_be_bytes());
    let v6 = u8::from(record.address().is_ipv6());
    bytes.push(record.status() as u8 | (record.health() as u8) << 2 | v6 << 4);
    bytes.push(0x11);
    bytes.extend([record.locality().region, record.locality().zone, record.locality().rack]);
    bytes.push(record.pause().as_secs() as u8);
    address(&mut bytes, record.address());
    bytes.extend(leb(record.incarnation().refutation));
    bytes.extend(leb(record.state_version()));
    bytes.extend(leb(age_ms));
    bytes
}

/// The section of records with these, whose news is this many ms old.
pub fn records(records: &[Record], age_ms: u32) -> Section {
    (32, records.iter().flat_map(|one| record(one, age_ms)).collect())
}

/// An owner's signature, and its key if that may be new.
pub type Proof = ([u8; 64], Option<[u8; 32]>);

/// The section of proofs with these; `None` where the owner has not signed.
pub fn proofs(proofs: &[Option<Proof>]) -> Section {
    let mut bytes = Vec::new();
    for proof in proofs {
        let Some((signature, key)) = proof else {
            bytes.push(0);
            continue;
        };
        bytes.push(1 | u8::from(key.is_some()) << 1);
        bytes.extend(signature);
        key.iter().for_each(|key| bytes.extend(key));
    }
    (34, bytes)
}

/// An accusation.
pub fn accusation(accusation: &Accusation) -> Vec<u8> {
    let Accusation { target, incarnation, accuser } = accusation;
    let mut bytes = target.as_u64().to_be_bytes().to_vec();
    bytes.extend(incarnation.epoch.to_be_bytes());
    bytes.extend(leb(incarnation.refutation));
    bytes.extend(accuser.as_u64().to_be_bytes());
    bytes
}

/// The section of accusations that carry their accusers' signatures, with these.
pub fn signed_accusations(accusations: &[(Accusation, [u8; 64])]) -> Section {
    let one = |(of, signature): &(Accusation, [u8; 64])| [&accusation(of)[..], signature].concat();
    (35, accusations.iter().flat_map(one).collect())
}

/// The section of user events with one of this origin, epoch and sequence number, which is this many ms old.
pub fn user_event(origin: NodeId, epoch: u32, sequence: u32, age_ms: u32, payload: &[u8]) -> Section {
    let mut bytes = origin.as_u64().to_be_bytes().to_vec();
    bytes.extend(epoch.to_be_bytes());
    [sequence, age_ms, payload.len() as u32].into_iter().for_each(|number| bytes.extend(leb(number)));
    bytes.extend(payload);
    (53, bytes)
}

/// A version, a key and its value.
pub type Entry = (u32, String, Vec<u8>);

/// An item of an owner with this record: these entries, in the order of their versions, are all that its map holds; the latest of
/// them is this many ms old.
pub fn item(owner: &Record, entries: &[Entry], age_ms: u32) -> Vec<u8> {
    let (mut last, mut written) = (0, Vec::new());
    for (version, key, value) in entries {
        written.extend(leb(version - last));
        written.push(key.len() as u8);
        written.extend(key.bytes());
        written.extend(leb(value.len() as u32));
        written.extend(value);
        last = *version;
    }
    let mut bytes = owner.id().as_u64().to_be_bytes().to_vec();
    bytes.extend(owner.incarnation().epoch.to_be_bytes());
    bytes.extend([owner.health() as u8, owner.pause().as_secs() as u8]);
    let top = owner.state_version();
    let numbers = [top, 0, top, age_ms, written.len() as u32];
    numbers.into_iter().for_each(|number| bytes.extend(leb(number)));
    [bytes, written].concat()
}

/// The section of items with these.
pub fn items(items: &[Vec<u8>]) -> Section {
    (48, items.concat())
}

/// The section of heads with one of the owners with this tag.
pub fn head_of(tag: u32, top: u16) -> Section {
    (49, [&tag.to_be_bytes()[..], &top.to_be_bytes()].concat())
}

/// A request for what an owner has above a version.
pub fn want(owner: NodeId, epoch: u32, known: u32) -> Section {
    (50, [&owner.as_u64().to_be_bytes()[..], &epoch.to_be_bytes(), &leb(known)].concat())
}

/// A request for all that the owners in a range have.
pub fn range(from: u32, until: u32) -> Section {
    (51, [from.to_be_bytes(), until.to_be_bytes()].concat())
}

/// How events name their origin: PROTOCOL.md, section 5.
fn event_tag(origin: NodeId) -> [u8; 4] {
    let id = origin.as_u64();
    ((id >> 32) as u32 ^ id as u32).to_be_bytes()
}

/// The section of event heads with one of this origin, epoch and number.
pub fn event_head(origin: NodeId, epoch: u32, number: u32) -> Section {
    (54, [&event_tag(origin)[..], &epoch.to_be_bytes(), &(number as u16).to_be_bytes()].concat())
}

/// A request for the events of an origin beside those that were heard.
pub fn event_want(origin: NodeId, epoch: u32, newest: u32, heard: u64) -> Section {
    let newest = (newest as u16).to_be_bytes();
    (55, [&event_tag(origin)[..], &epoch.to_be_bytes(), &newest, &heard.to_be_bytes()].concat())
}

/// The section of pulses with one of this origin, epoch and number, which is this many ms old.
pub fn pulse(origin: NodeId, epoch: u32, number: u32, age_ms: u32, blob: &[u8]) -> Section {
    let mut bytes = origin.as_u64().to_be_bytes().to_vec();
    bytes.extend(epoch.to_be_bytes());
    [number, age_ms, blob.len() as u32].into_iter().for_each(|number| bytes.extend(leb(number)));
    bytes.extend(blob);
    (60, bytes)
}

/// The section of accusations with one of each of these accusers against a target.
pub fn accusations(target: NodeId, at: Incarnation, accusers: &[NodeId]) -> Section {
    let one = |accuser: &NodeId| {
        let mut bytes = target.as_u64().to_be_bytes().to_vec();
        bytes.extend(at.epoch.to_be_bytes());
        bytes.extend(leb(at.refutation));
        bytes.extend(accuser.as_u64().to_be_bytes());
        bytes
    };
    (33, accusers.iter().flat_map(one).collect())
}

/// A message that begins with a nonce.
fn with(tag: u8, nonce: u32, parts: &[&[u8]]) -> Section {
    (tag, [&nonce.to_be_bytes()[..], &parts.concat()].concat())
}

fn place((tag, id): Place) -> Vec<u8> {
    [&tag.to_be_bytes()[..], &id.to_be_bytes()].concat()
}

/// A ping of a target.
pub fn ping(nonce: u32, target: NodeId) -> Section {
    with(1, nonce, &[&target.as_u64().to_be_bytes()])
}

/// The answer to a ping.
pub fn ack(nonce: u32) -> Section {
    with(2, nonce, &[])
}

/// A request to ping a target.
pub fn ping_request(nonce: u32, target: NodeId) -> Section {
    with(3, nonce, &[&target.as_u64().to_be_bytes()])
}

/// A relay reached the target.
pub fn relayed_ack(nonce: u32) -> Section {
    with(4, nonce, &[])
}

/// A relay did not reach the target.
pub fn nack(nonce: u32) -> Section {
    with(5, nonce, &[])
}

/// A join, with a token or 0.
pub fn join(nonce: u32, token: u64, me: &Record) -> Section {
    with(6, nonce, &[&token.to_be_bytes(), &record(me, 0)])
}

/// A token to be shown.
pub fn challenge(nonce: u32, token: u64) -> Section {
    with(7, nonce, &[&token.to_be_bytes()])
}

/// The answer to a join, by a node that knows this many members.
pub fn welcome(nonce: u32, members: u32) -> Section {
    with(8, nonce, &[&members.to_be_bytes()])
}

/// The answer of a node without time, which names others.
pub fn busy(nonce: u32, others: &[SocketAddr]) -> Section {
    with(9, nonce, &[&others.iter().flat_map(|&other| endpoint(other)).collect::<Vec<_>>()])
}

/// A request of a range, in a window of this many datagrams.
pub fn fetch(nonce: u32, token: u64, after: Place, until: u32, window: u8) -> Section {
    with(10, nonce, &[&token.to_be_bytes(), &place(after), &until.to_be_bytes(), &[window]])
}

/// A request of everything.
pub fn fetch_all(nonce: u32, token: u64) -> Section {
    fetch(nonce, token, (0, 0), u32::MAX, 4)
}

/// A page of a range.
pub fn page(nonce: u32, after: Place, next: Place, last: bool) -> Section {
    with(11, nonce, &[&place(after), &place(next), &[u8::from(last)]])
}

/// A question for what changed lately.
pub fn pull() -> Section {
    (12, vec![])
}

/// The mark of a datagram of repair.
pub fn repair() -> Section {
    (13, vec![])
}

/// What tells a node where its datagrams come from.
pub fn observed(nonce: u32, seen: SocketAddr) -> Section {
    with(18, nonce, &[&endpoint(seen)])
}

/// The mark of an answer to a sieve.
pub fn sifted(nonce: u32) -> Section {
    with(20, nonce, &[])
}

/// A prefix of the id-hash space, with flags beside its level.
fn prefix(flags: u8, level: u8, tag: u32) -> Vec<u8> {
    let kept = u32::MAX.checked_shl(32 - (3 + 4 * u32::from(level))).unwrap_or(u32::MAX);
    let mut bytes = vec![level | flags];
    bytes.extend(&(tag & kept).to_be_bytes()[..usize::from(1 + level / 2)]);
    bytes
}

/// A digest of a range, with 16 sums.
pub fn digest(level: u8, tag: u32, fresh: Option<u16>, sums: [u64; 16]) -> Section {
    let mut body = prefix(if fresh.is_some() { 8 } else { 0 }, level, tag);
    fresh.iter().for_each(|fresh| body.extend(fresh.to_be_bytes()));
    sums.iter().for_each(|sum| body.extend(sum.to_be_bytes()));
    (14, body)
}

/// A list of a range, with two flags and versions: an id, an epoch, five bits of the state version and a refutation.
pub fn list(level: u8, tag: u32, flags: u8, versions: &[(NodeId, u32, u8, u8)]) -> Section {
    let mut body = prefix((flags & 3) << 3, level, tag);
    body.push(versions.len() as u8);
    for &(id, epoch, state, refutation) in versions {
        body.extend(id.as_u64().to_be_bytes());
        body.extend(epoch.to_be_bytes());
        body.push((state & 31) | refutation.min(3) << 5);
        body.extend(refutation.checked_sub(3));
    }
    (15, body)
}

/// Requests for members' records.
pub fn requests(ids: &[NodeId]) -> Section {
    (16, ids.iter().flat_map(|id| id.as_u64().to_be_bytes()).collect())
}

/// The longest datagram that reaches the sender.
pub fn limit(bytes: u16) -> Section {
    (17, bytes.to_be_bytes().to_vec())
}

/// A sieve of a range.
pub fn sieve(nonce: u32, from: u32, until: u32, bits: &[u8]) -> Section {
    with(19, nonce, &[&from.to_be_bytes(), &until.to_be_bytes(), bits])
}

/// A cluster-wide value that a member has just set.
pub fn value(key: &str, revision: u64, writer: NodeId, bytes: &[u8]) -> Section {
    value_of(key, revision, writer, 0, Some(bytes))
}

/// A cluster-wide value that a member has set this many seconds ago, or deleted.
pub fn value_of(key: &str, revision: u64, writer: NodeId, age: u32, bytes: Option<&[u8]>) -> Section {
    let deleted = if bytes.is_none() { 1 << 5 } else { 0 };
    let version = [&revision.to_be_bytes()[..], &writer.as_u64().to_be_bytes()].concat();
    let mut body = [&[key.len() as u8 | deleted], key.as_bytes(), &version, &leb(age)].concat();
    if let Some(bytes) = bytes {
        body.extend(leb(bytes.len() as u32));
        body.extend(bytes);
    }
    (56, body)
}

/// The sum over all cluster-wide values.
pub fn sum(sum: u32) -> Section {
    (57, sum.to_be_bytes().to_vec())
}

/// A list of no cluster-wide values: all are lacked.
pub fn no_values() -> Section {
    (58, vec![0])
}

/// A request for the cluster-wide value of a key, this many times.
pub fn keys(key: &str, times: usize) -> Section {
    (59, [&[key.len() as u8], key.as_bytes()].concat().repeat(times))
}

/// A question for what a member has under a key.
pub fn ask(nonce: u32, key: &str) -> Section {
    with(61, nonce, &[key.as_bytes()])
}

/// The answer to a question: with a status, and what was found.
pub fn answer(nonce: u32, status: u8, found: &[u8]) -> Section {
    with(62, nonce, &[&[status], found])
}

/// One section of every tag that there is, with a nonce; `node` is who it goes to, `me` who claims to send it.
pub fn all_sections(nonce: u32, node: NodeId, me: &Record) -> Vec<Section> {
    vec![
        ping(nonce, node),
        ack(nonce),
        ping_request(nonce, node),
        relayed_ack(nonce),
        nack(nonce),
        join(nonce, 0, me),
        challenge(nonce, 0x0707_0707_0707_0707),
        welcome(nonce, 50),
        busy(nonce, &[([10, 0, 0, 1], 0x1F0A).into()]),
        fetch_all(nonce, 0),
        page(nonce, (0, 0), (0, 0), false),
        pull(),
        repair(),
        sifted(nonce),
        sieve(nonce, 0, u32::MAX, &[0]),
        observed(nonce, ([192, 0, 2, 99], 7_946).into()),
        digest(0, 0, None, [0x0101_0101_0101_0101; 16]),
        list(0, 0, 0, &[]),
        requests(&[node]),
        limit(400),
        records(&[*me], 0),
        accusations(node, me.incarnation(), &[me.id()]),
        value("key", 1, me.id(), b"value"),
        sum(1),
        no_values(),
        keys("key", 3),
        ask(nonce, "key"),
        answer(nonce, 0, b"value"),
        pulse(me.id(), me.incarnation().epoch, 1, 0, b"load"),
    ]
}

/// The `n`th of many who are no members, each with its own address.
pub fn non_member(n: u32) -> Record {
    let address: SocketAddr = ([203, (n >> 16) as u8, (n >> 8) as u8, n as u8], 7_946).into();
    let identity =
        Identity { id: id(1 << 32 | u64::from(n)), epoch: 1, address, locality: Locality::default() };
    Record::new(identity, gossip_core::Versions::OURS)
}
