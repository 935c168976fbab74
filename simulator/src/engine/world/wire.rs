//! What packets travel through: addresses, links, and the queue of what is to happen.

use super::{Address, Border, Counts};
use crate::{
    engine::{
        HostId, Micros,
        host::Host,
        link::{Fate, Network},
        packets::{Packet, PacketId, Packets},
        queue::Queue,
    },
    rng::Rng,
};
use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

/// The port of every node.
const PORT: u16 = 7_946;
/// Packets that an attacker remembers.
const MAX_RECORDED: usize = 4_096;
/// Addresses that there are: one /8.
const MAX_ADDRESSES: usize = 1 << 24;

/// What is to happen.
pub(super) enum Due {
    Deliver(PacketId),
    Wake(HostId),
}

/// What packets travel through.
pub(super) struct Wire {
    pub(super) now: Micros,
    pub(super) queue: Queue<Due>,
    pub(super) packets: Packets,
    pub(super) network: Network,
    pub(super) rng: Rng,
    /// Who has an address, by its number.
    pub(super) owners: Vec<HostId>,
    pub(super) counts: Counts,
    /// What an attacker on the way remembers, the latest last.
    pub(super) recorded: Option<VecDeque<Packet>>,
}

fn number_of(address: SocketAddr) -> usize {
    match address.ip() {
        IpAddr::V4(ip) => u32::from(ip) as usize & (MAX_ADDRESSES - 1),
        IpAddr::V6(_) => usize::MAX,
    }
}

impl Wire {
    pub(super) fn fresh_address(&mut self, owner: HostId) -> SocketAddr {
        let n = self.owners.len() % MAX_ADDRESSES;
        self.owners.push(owner);
        ([10, (n >> 16) as u8, (n >> 8) as u8, n as u8], PORT).into()
    }

    /// Gives a host that starts its address; `own` is the one that it had.
    pub(super) fn place(&mut self, host: HostId, address: Address, own: SocketAddr) -> SocketAddr {
        let address = match address {
            Address::New => return self.fresh_address(host),
            Address::Own => own,
            Address::At(address) => address,
        };
        if let Some(owner) = self.owners.get_mut(number_of(address)) {
            *owner = host;
        }
        address
    }

    pub(super) fn owner(&self, address: SocketAddr) -> Option<HostId> {
        self.owners.get(number_of(address)).copied()
    }

    /// What a packet to an address has to cross, if that was ever anyone's.
    pub(super) fn border(&self, hosts: &[Host], from: HostId, to: SocketAddr) -> Option<Border> {
        let (here, there) = (hosts.get(from as usize)?, hosts.get(self.owner(to)? as usize)?);
        Border::between(here.locality, there.locality)
    }

    /// Sends a packet from a host's socket.
    pub(super) fn send(&mut self, hosts: &mut [Host], from: HostId, to: SocketAddr, bytes: &[u8]) {
        if let Some(recorded) = &mut self.recorded {
            if recorded.len() == MAX_RECORDED {
                recorded.pop_front();
            }
            recorded.push_back(Packet { from: hosts[from as usize].address, to, bytes: bytes.to_vec() });
        }
        let Some(owner) = self.owner(to).filter(|&owner| hosts[owner as usize].address == to) else {
            self.counts.unheard += 1;
            self.counts.unheard_bytes += bytes.len() as u64;
            return;
        };
        let there = hosts[owner as usize].locality;
        let host = &mut hosts[from as usize];
        if host.blocked_until > self.now {
            let packet = self.packets.put(host.address, to, bytes);
            host.outbox.push_back(packet);
            return;
        }
        let left = match host.uplink {
            None => Some(self.now),
            Some(uplink) => uplink.pass(self.now, bytes.len(), &mut host.uplink_free),
        };
        let (here, address) = ((from, host.locality), host.address);
        let fate = left.map_or(Fate::Lost, |left| {
            self.network.fate(&mut self.rng, left, here, (owner, there), bytes.len())
        });
        let (at, second) = match fate {
            Fate::Lost => {
                self.counts.lost += 1;
                return;
            }
            Fate::Arrives(at) => (at, None),
            Fate::ArrivesTwice(first, second) => (first, Some(second)),
        };
        let mut changed = None;
        if self.network.has_tampering() {
            let packet = Packet { from: address, to, bytes: bytes.to_vec() };
            let (bytes, again) = self.network.tamper(&mut self.rng, (from, owner), &packet);
            changed = bytes;
            for Packet { from, to, bytes } in again {
                self.counts.duplicated += 1;
                self.arrive(at, from, to, &bytes);
            }
        }
        let bytes = changed.as_deref().unwrap_or(bytes);
        self.arrive(at, address, to, bytes);
        if let Some(second) = second {
            self.counts.duplicated += 1;
            self.arrive(second, address, to, bytes);
        }
    }

    fn arrive(&mut self, at: Micros, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let packet = self.packets.put(from, to, bytes);
        self.queue.push(at, Due::Deliver(packet));
    }
}
