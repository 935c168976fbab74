//! An attacker who knows the cluster's name and every record, and sends under any address.

use super::Run;
use crate::engine::{Host, HostId};
use gossip_core::{
    Buffer, Config, Identity, Incarnation, Inline, Instant, Locality, Node, NodeId, Record, Status, Versions,
};
use std::net::{IpAddr, SocketAddr};

/// Sections of the wire format (PROTOCOL.md, section 5).
const JOIN: u8 = 6;
const RECORDS: u8 = 32;
/// Version, key and cluster tag: what all datagrams of a cluster begin with.
const HEAD: usize = 6;

/// What was forged.
#[derive(Default)]
pub(super) struct Forger {
    non_members: u32,
    /// Bytes of the joins of non-members.
    joins: u64,
}

impl Forger {
    /// Bytes drawn by each byte of forged joins.
    pub(super) fn amplification(&self, drawn: u64) -> Option<f64> {
        (self.joins > 0).then(|| drawn as f64 / self.joins as f64)
    }

    /// Somebody who does not exist, at an address that nobody has.
    fn non_member(&mut self) -> Record {
        self.non_members += 1;
        let [_, a, b, c] = self.non_members.to_be_bytes();
        let Ok(id) = NodeId::from_name(&format!("stranger-{}", self.non_members)) else {
            unreachable!("a good name")
        };
        let identity =
            Identity { id, epoch: 1, address: ([203, a, b, c], 7_946).into(), locality: Locality::default() };
        Record::new(identity, Versions::OURS)
    }
}

impl Run<'_> {
    /// Tells `count` others, or all, that a host has come to an end; each in another's name and from its address.
    pub(super) fn forge_end(&mut self, victim: HostId, status: Status, count: Option<u32>) {
        let record = self.world.hosts()[victim as usize].node.me().with_status(status);
        let running = self.world.running().map(|(id, _)| id);
        let others: Vec<HostId> = running.filter(|&id| id != victim).collect();
        let count = count.map_or(others.len(), |count| count as usize);
        for host in self.world.rng().sample(&others, count) {
            let Some(&liar) = self.world.rng().sample(&others, 2).iter().find(|&&liar| liar != host) else {
                return;
            };
            let Host { id, address, .. } = self.world.hosts()[liar as usize];
            let mut forged = self.datagram(id, RECORDS, &encode(&record));
            self.world.inject(host, address, &mut forged);
        }
    }

    /// So many non-members ask a host to let them in.
    pub(super) fn forge_joins(&mut self, host: HostId, count: u32) {
        for _ in 0..count {
            let non_member = self.forger.non_member();
            let nonce = self.forger.non_members.to_be_bytes();
            let mut forged =
                self.datagram(non_member.id(), JOIN, &[&nonce[..], &[0; 8], &encode(&non_member)].concat());
            self.forger.joins += forged.len() as u64;
            self.world.inject(host, non_member.address(), &mut forged);
        }
    }

    /// A datagram of `sender` with one section.
    fn datagram(&self, sender: NodeId, tag: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = self.world.hosts().first().map_or_else(Vec::new, |host| head(*host.node.config()));
        bytes.extend(sender.as_u64().to_be_bytes());
        bytes.extend([0; 8]);
        bytes.push(tag);
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend(body);
        bytes
    }
}

/// The start of any datagram of the cluster: that of a node's which is made for it, and says one word.
fn head(config: Config) -> Vec<u8> {
    let there = |last| SocketAddr::from(([203, 0, 113, last], 7_946));
    let Ok(id) = NodeId::from_name("forger") else { return Vec::new() };
    let identity = Identity { id, epoch: 1, address: there(1), locality: Locality::default() };
    let mut buffer = Buffer::<16, 128, 24_000>::new();
    let mut out = buffer.outbox();
    let node = Node::new(config, identity, [0; 32], Inline::<2, 1>::new(), Instant::ZERO);
    let Ok(mut node) = node else { return Vec::new() };
    let output = node.join(Instant::ZERO, &[there(2)], &mut out);
    output.packets().next().map_or_else(Vec::new, |packet| packet.bytes[..HEAD].to_vec())
}

/// A record as it travels, its news of no age.
fn encode(record: &Record) -> Vec<u8> {
    let Incarnation { epoch, refutation } = record.incarnation();
    let (address, Locality { region, zone, rack }) = (record.address(), record.locality());
    let mut bytes = record.id().as_u64().to_be_bytes().to_vec();
    bytes.extend(epoch.to_be_bytes());
    bytes.push(record.status() as u8 | (record.health() as u8) << 2 | u8::from(address.is_ipv6()) << 4);
    bytes.extend([0x11, region, zone, rack, record.pause().as_secs() as u8]);
    bytes.extend(address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => bytes.extend(ip.octets()),
        IpAddr::V6(ip) => bytes.extend(ip.octets()),
    }
    for mut count in [refutation, record.state_version(), 0] {
        while count >= 0x80 {
            bytes.push(count as u8 | 0x80);
            count >>= 7;
        }
        bytes.push(count as u8);
    }
    bytes
}
