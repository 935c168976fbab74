//! Datagrams by hand: what an attacker writes who knows the protocol and the cluster's name.

use gossip_core::{Buffer, Config, Identity, Incarnation, Inline, Instant, Locality, Node, NodeId, Record};
use std::net::{IpAddr, SocketAddr};

/// A section: its tag and its body.
pub(crate) type Section = (u8, Vec<u8>);

/// Where in an encoded record its port begins, and its address after it.
pub(crate) const PORT: usize = 18;

/// The first bytes of every datagram of the cluster: version, key, cluster tag.
pub(crate) fn head(config: Config) -> Vec<u8> {
    let address = ([10, 255, 255, 254], 7_946).into();
    let identity = Identity { id: id(1), epoch: 1, address, locality: Locality::default() };
    let mut buffer = Buffer::<16, 128, 19_200>::new();
    let Ok(mut node) = Node::new(config, identity, [0; 32], Inline::<2, 1>::new(), Instant::ZERO) else {
        panic!("a test's configuration")
    };
    let mut out = buffer.outbox();
    let output = node.join(Instant::ZERO, &[([10, 255, 255, 253], 7_946).into()], &mut out);
    let Some(packet) = output.packets().next() else { panic!("a join sends nothing") };
    packet.bytes[..6].to_vec()
}

pub(crate) fn id(id: u64) -> NodeId {
    match NodeId::from_u64(id) {
        Some(id) => id,
        None => panic!("0 is nobody"),
    }
}

/// Header of `sender` in the cluster of `sample` (any of its datagrams, or [`head`]), then sections.
pub(crate) fn datagram(sample: &[u8], sender: NodeId, sections: &[Section]) -> Vec<u8> {
    let mut bytes = sample[..6].to_vec();
    bytes.extend(sender.as_u64().to_be_bytes());
    bytes.extend([0; 8]);
    for (tag, body) in sections {
        bytes.push(*tag);
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend(body);
    }
    bytes
}

pub(crate) fn leb(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A record whose news is so many ms old.
pub(crate) fn record(record: &Record, age_ms: u32) -> Vec<u8> {
    let mut bytes = record.id().as_u64().to_be_bytes().to_vec();
    bytes.extend(record.incarnation().epoch.to_be_bytes());
    let v6 = u8::from(record.address().is_ipv6());
    bytes.push(record.status() as u8 | (record.health() as u8) << 2 | v6 << 4);
    bytes.push(0x11);
    bytes.extend([record.locality().region, record.locality().zone, record.locality().rack]);
    bytes.push(record.pause().as_secs() as u8);
    bytes.extend(record.address().port().to_be_bytes());
    match record.address().ip() {
        IpAddr::V4(ip) => bytes.extend(ip.octets()),
        IpAddr::V6(ip) => bytes.extend(ip.octets()),
    }
    bytes.extend(leb(record.incarnation().refutation));
    bytes.extend(leb(record.state_version()));
    bytes.extend(leb(age_ms));
    bytes
}

/// The section of records with these, whose news is so many ms old.
pub(crate) fn records(records: &[Record], age_ms: u32) -> Section {
    (32, records.iter().flat_map(|one| record(one, age_ms)).collect())
}

/// The section of accusations with one of each of these accusers against a target.
pub(crate) fn accusations(target: NodeId, at: Incarnation, accusers: &[NodeId]) -> Section {
    let one = |accuser: &NodeId| {
        let mut bytes = target.as_u64().to_be_bytes().to_vec();
        bytes.extend(at.epoch.to_be_bytes());
        bytes.extend(leb(at.refutation));
        bytes.extend(accuser.as_u64().to_be_bytes());
        bytes
    };
    (33, accusers.iter().flat_map(one).collect())
}

fn asked(tag: u8, nonce: u32, target: NodeId) -> Section {
    let mut body = nonce.to_be_bytes().to_vec();
    body.extend(target.as_u64().to_be_bytes());
    (tag, body)
}

pub(crate) fn ping(nonce: u32, target: NodeId) -> Section {
    asked(1, nonce, target)
}

pub(crate) fn ping_request(nonce: u32, target: NodeId) -> Section {
    asked(3, nonce, target)
}

pub(crate) fn join(nonce: u32, token: u64, me: &Record) -> Section {
    let mut body = nonce.to_be_bytes().to_vec();
    body.extend(token.to_be_bytes());
    body.extend(record(me, 0));
    (6, body)
}

/// A fetch of everything.
pub(crate) fn fetch(nonce: u32, token: u64) -> Section {
    let mut body = nonce.to_be_bytes().to_vec();
    body.extend(token.to_be_bytes());
    body.extend([0; 12]);
    body.extend([0xFF; 4]);
    body.push(4);
    (10, body)
}

/// What tells a node where its datagrams come from.
pub(crate) fn observed(nonce: u32, seen: SocketAddr) -> Section {
    let mut body = nonce.to_be_bytes().to_vec();
    body.push(if seen.is_ipv6() { 6 } else { 4 });
    body.extend(seen.port().to_be_bytes());
    match seen.ip() {
        IpAddr::V4(ip) => body.extend(ip.octets()),
        IpAddr::V6(ip) => body.extend(ip.octets()),
    }
    (18, body)
}

/// One section of every tag that there is, with a nonce; `node` is whom it goes to, `me` who says that it sends it.
pub(crate) fn all_sections(nonce: u32, node: NodeId, me: &Record) -> Vec<Section> {
    let nonce_only = |tag: u8| (tag, nonce.to_be_bytes().to_vec());
    let with = |tag: u8, more: &[u8]| (tag, [&nonce.to_be_bytes()[..], more].concat());
    let at = me.incarnation();
    vec![
        ping(nonce, node),
        nonce_only(2),
        ping_request(nonce, node),
        nonce_only(4),
        nonce_only(5),
        join(nonce, 0, me),
        with(7, &[7; 8]),
        with(8, &50u32.to_be_bytes()),
        with(9, &[4, 0x1F, 0x0A, 10, 0, 0, 1]),
        fetch(nonce, 0),
        with(11, &[0; 25]),
        (12, vec![]),
        (13, vec![]),
        nonce_only(20),
        // Nothing of everything.
        with(19, &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0]),
        observed(nonce, ([192, 0, 2, 99], 7_946).into()),
        // A digest of the range of level 0 that begins at 0; a list of it without a version.
        (14, [&[0, 0][..], &[1; 128]].concat()),
        (15, vec![0, 0, 0]),
        (16, node.as_u64().to_be_bytes().to_vec()),
        (17, 400u16.to_be_bytes().to_vec()),
        records(&[*me], 0),
        accusations(node, at, &[me.id()]),
    ]
}

/// The `n`th of many who are no members, each with an address of its own.
pub(crate) fn non_member(n: u32) -> Record {
    let address: SocketAddr = ([203, (n >> 16) as u8, (n >> 8) as u8, n as u8], 7_946).into();
    let identity =
        Identity { id: id(1 << 32 | u64::from(n)), epoch: 1, address, locality: Locality::default() };
    Record::new(identity, gossip_core::Versions::OURS)
}
