//! A cluster that stands from the start: all know each other, and what the others have published.

use super::{Newcomer, Out, Watch, World};
use crate::{
    engine::{HostId, host::Host, key_bytes},
    forge, seal,
};
use gossip_core::{Certificate, Claim, ConfigError, Record, SignedRecord, Signing, Terms};
use std::thread;

/// Keys and values that a host has published.
pub type Published = Vec<(String, String)>;

/// How old what hosts have published is at the start, in ms: too old to be told on.
const AGE_MS: u32 = 60_000;
/// Bytes of a datagram beside its items.
const BESIDE_ITEMS: usize = 64;
/// Items in one datagram.
const MAX_ITEMS: usize = 32;

/// What the hosts of a group remember.
#[derive(Default)]
struct Memory {
    records: Vec<Record>,
    /// Of those, what was signed, and what was not.
    signed: Vec<SignedRecord>,
    unsigned: Vec<Record>,
    /// Items of what they have published, as many as a datagram takes in each section.
    items: Vec<forge::Section>,
}

impl<W: Watch> World<W> {
    /// Starts this many hosts, and lets each know all of its group, as if it had persisted its view, and what all of them have
    /// published, which `published` says; groups hold places among the new hosts. Who is in no group knows no one. All take
    /// their first probes at random times of the first probe interval.
    ///
    /// # Errors
    /// A configuration that the core refuses.
    pub fn form(
        &mut self,
        hosts: u32,
        groups: &[Vec<HostId>],
        published: impl Fn(HostId) -> Published,
    ) -> Result<(), ConfigError> {
        let first = self.hosts.len();
        let interval = self.setup.config.probe_interval.as_micros() as u64;
        for _ in 0..hosts {
            let phase = self.wire.rng.below_u64(interval);
            let host = self.found(self.wire.now + phase, Newcomer::default())?;
            publish(&mut self.hosts[host as usize], &published(host), &mut self.buffer);
            // Which keys it has is published, too.
            self.equip(host, 0);
        }
        let nothing = Memory::default();
        let memories: Vec<Memory> = groups.iter().map(|group| self.remembered(first, group)).collect();
        let mut known = vec![&nothing; hosts as usize];
        for (group, memory) in groups.iter().zip(&memories) {
            group.iter().for_each(|&host| known[host as usize] = memory);
        }
        let sample = forge::head(self.setup.config);
        let founded = &mut self.hosts[first..];
        let share = founded.len().div_ceil(thread::available_parallelism().map_or(1, usize::from)).max(1);
        // Each node remembers for itself, so the number of threads changes nothing.
        thread::scope(|scope| {
            for (part, known) in founded.chunks_mut(share).zip(known.chunks(share)) {
                let sample = &sample;
                scope.spawn(move || {
                    let mut out = Box::new(Out::new());
                    let remembering =
                        part.iter_mut().zip(known).filter(|(_, memory)| !memory.records.is_empty());
                    remembering.for_each(|(host, memory)| remember(host, memory, sample, &mut out));
                });
            }
        });
        for host in first..self.hosts.len() {
            self.schedule(host as HostId);
        }
        Ok(())
    }

    /// A record as its host signs it, if it does.
    fn signed(&self, host: HostId, record: Record) -> Option<SignedRecord> {
        let founded = &self.hosts[host as usize];
        let credentials = self.notary.credentials((founded.id, host), founded.signing?, founded.sybil)?;
        Some(SignedRecord {
            record,
            signature: Claim::of(&record).sign(self.setup.config.cluster, &credentials.key),
            key: credentials.key.public().to_bytes(),
            certificate: credentials.certificate.as_ref().map(Certificate::to_wire),
        })
    }

    fn remembered(&self, first: usize, group: &[HostId]) -> Memory {
        let room = usize::from(self.setup.config.max_datagram).saturating_sub(BESIDE_ITEMS);
        let mut memory = Memory::default();
        let mut items: Vec<Vec<u8>> = Vec::new();
        for &host in group {
            let founded = &self.hosts[first + host as usize];
            let record = self.setup.origin.remembered(founded.node.me());
            memory.records.push(record);
            match self.signed(first as HostId + host, record) {
                Some(signed) => memory.signed.push(signed),
                None => memory.unsigned.push(record),
            }
            let held = founded.node.state(founded.id).map(|entry| {
                let mut value = vec![0; entry.value_len()];
                let _ = entry.value(&mut value);
                (entry.version(), entry.key().as_str().to_owned(), value)
            });
            let held: Vec<forge::Entry> = held.collect();
            if held.is_empty() {
                continue;
            }
            let item = forge::item(&record, &held, AGE_MS);
            let taken: usize = items.iter().map(Vec::len).sum();
            if items.len() == MAX_ITEMS || taken + item.len() > room {
                memory.items.push(forge::items(&items));
                items.clear();
            }
            items.push(item);
        }
        if !items.is_empty() {
            memory.items.push(forge::items(&items));
        }
        memory
    }
}

/// What a host publishes before it is known to anyone; what its limits forbid is left out.
fn publish(host: &mut Host, published: &[(String, String)], out: &mut Out) {
    let now = host.clock.local(0);
    for (key, value) in published {
        let _ = host.node.publish(now, key, value.as_bytes(), Terms::default(), &mut out.outbox());
    }
}

/// Lets a node know what its group remembers. What it would send is not sent: the others know it.
fn remember(host: &mut Host, memory: &Memory, sample: &[u8], out: &mut Out) {
    // At the time of its birth, which may lie ahead: the core's clock never goes back.
    let now = host.clock.local(0);
    let mut outbox = out.outbox();
    let mut next_tick = match host.node.signing() {
        None => host.node.restore(now, &memory.records, &mut outbox).next_tick,
        Some(signing) => {
            if signing == Signing::Accept && !memory.unsigned.is_empty() {
                // Without its own it would introduce itself.
                let records = [&memory.unsigned[..], &[host.node.me()]].concat();
                let _ = host.node.restore(now, &records, &mut outbox);
            }
            host.node.restore_signed(now, &memory.signed, &mut outbox).next_tick
        }
    };
    let mut tellers = memory.records.iter().filter(|record| record.id() != host.id);
    if let Some(mut teller) = tellers.next() {
        let sealing = host.keys.numbers().first().filter(|_| !host.keys.sealing.hears_clear());
        for items in &memory.items {
            let mut datagram = forge::datagram(sample, teller.id(), std::slice::from_ref(items));
            if let Some(&number) = sealing {
                // Each of another member, with the counter before its first: what they say themselves is news then.
                let epoch = teller.incarnation().epoch;
                datagram = seal::sealed((number, key_bytes(number)), &datagram, host.id, epoch, 0);
            }
            next_tick =
                host.node.handle_datagram(now, teller.address(), &mut datagram, &mut outbox).next_tick;
            if sealing.is_some() {
                teller = tellers.next().unwrap_or(teller);
            }
        }
    }
    host.next_tick = host.clock.global(next_tick);
}
