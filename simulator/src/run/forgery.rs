//! An attacker who knows the cluster's name and every record, and sends under any address; with the key, if it is an insider.

use super::Run;
use crate::{
    engine::{Host, HostId, key_bytes},
    forge::{self, Section},
    scenario::Event,
    seal,
};
use gossip_core::{NodeId, Status};
use std::net::SocketAddr;

/// Where the counters of an insider begin: above those of the members in whose name it speaks.
const FIRST_COUNTER: u32 = 1 << 30;
/// Bytes of a datagram of garbage.
const GARBAGE: usize = 120;
/// How far ahead of a member's own numbers forged ones are.
const AHEAD: u32 = 3;

/// What was forged.
#[derive(Default)]
pub(super) struct Forger {
    non_members: u32,
    /// Bytes of the joins of non-members.
    joins: u64,
    /// The most bytes that one datagram drew to an address where nobody is, for each of its own.
    amplification_max: Option<f64>,
    /// Datagrams that an insider sealed.
    sealed: u32,
}

impl Forger {
    /// Bytes drawn by each byte of forged joins.
    pub(super) fn amplification(&self, drawn: u64) -> Option<f64> {
        (self.joins > 0).then(|| drawn as f64 / self.joins as f64)
    }

    /// The most bytes drawn by each byte of one datagram from an address where nobody is.
    pub(super) fn amplification_max(&self) -> Option<f64> {
        self.amplification_max
    }
}

impl Run<'_> {
    /// Tells `count` others, or all, that a host has come to an end; each in another's name and from its address.
    pub(super) fn forge_end(&mut self, victim: HostId, status: Status, event: &Event) {
        let record = self.world.hosts()[victim as usize].node.me().with_status(status);
        self.forge_news(victim, event, |_| vec![forge::records(&[record], 0)]);
    }

    /// Tells others, in the same way, what a host never said: an entry of its state, an event, and that others accuse it.
    pub(super) fn forge_words(&mut self, victim: HostId, event: &Event) {
        let me = self.world.hosts()[victim as usize].node.me();
        let version = me.state_version().saturating_add(AHEAD);
        let entry = (version, "forged".to_owned(), b"word".to_vec());
        let item = forge::item(&me.with_state(version, me.health(), 0), &[entry], 0);
        let (id, at) = (me.id(), me.incarnation());
        self.forge_news(victim, event, |liar| {
            vec![
                forge::accusations(id, at, &[liar]),
                forge::items(std::slice::from_ref(&item)),
                forge::user_event(id, at.epoch, AHEAD, 0, b"forged event"),
            ]
        });
    }

    /// Tells others what `says` of a victim in the name of a liar.
    fn forge_news(&mut self, victim: HostId, event: &Event, says: impl Fn(NodeId) -> Vec<Section>) {
        let running = self.world.running().map(|(id, _)| id);
        let others: Vec<HostId> = running.filter(|&id| id != victim).collect();
        let count = event.count.map_or(others.len(), |count| count as usize);
        for host in self.world.rng().sample(&others, count) {
            let Some(&liar) = self.world.rng().sample(&others, 2).iter().find(|&&liar| liar != host) else {
                return;
            };
            let Host { id, address, .. } = self.world.hosts()[liar as usize];
            let mut forged = self.datagram(id, &says(id));
            if event.insider {
                forged = self.sealed(&forged, (liar, host), None);
            }
            self.world.inject(host, address, &mut forged);
        }
    }

    /// This many non-members ask a host to let them in.
    pub(super) fn forge_joins(&mut self, host: HostId, count: u32) {
        for _ in 0..count {
            self.forger.non_members += 1;
            let non_member = forge::non_member(self.forger.non_members);
            let join = forge::join(self.forger.non_members, 0, &non_member);
            let forged = self.datagram(non_member.id(), &[join]);
            self.forger.joins += forged.len() as u64;
            self.inject_from_nowhere(host, non_member.address(), forged);
        }
    }

    /// This many datagrams of who has no key: garbage; under the header of a member, sealed and in the clear, from its address
    /// and from others; and for whoever is there.
    pub(super) fn flood(&mut self, host: HostId, count: u32) {
        let others: Vec<HostId> =
            self.world.running().map(|(id, _)| id).filter(|&other| other != host).collect();
        let number = self.world.hosts()[host as usize].keys.numbers().first().copied().unwrap_or(1);
        for n in 0..count {
            let Some(&member) = self.world.rng().sample(&others, 1).first() else { return };
            let Host { id, address, epoch, .. } = self.world.hosts()[member as usize];
            let mut bytes: Vec<u8> = (0..GARBAGE).map(|_| self.world.rng().below(256) as u8).collect();
            let head = self.datagram(id, &[]);
            let (front, place) = (&head[..14], n % 5);
            match place {
                0 => {}
                1 => bytes[..14].copy_from_slice(front),
                _ => {
                    bytes[..14].copy_from_slice(front);
                    bytes[1] = if place == 4 { number | 0x80 } else { number };
                    bytes[14..18].copy_from_slice(&epoch.to_be_bytes());
                }
            }
            if place == 3 {
                self.world.inject(host, address, &mut bytes);
            } else {
                self.forger.non_members += 1;
                let nowhere = forge::non_member(self.forger.non_members).address();
                self.inject_from_nowhere(host, nowhere, bytes);
            }
        }
    }

    /// This many recorded datagrams arrive again: at their receiver, or `misdirected` at another one; from where they came, or
    /// `spoofed` from where nobody is.
    pub(super) fn replay(&mut self, host: HostId, event: &Event) {
        let address = self.world.hosts()[host as usize].address;
        let recorded = self.world.recorded();
        let fits = recorded.iter().filter(|sent| (sent.to != address) == event.misdirected);
        let fits: Vec<(SocketAddr, Vec<u8>)> = fits.map(|sent| (sent.from, sent.bytes.clone())).collect();
        let places: Vec<usize> = (0..fits.len()).collect();
        for place in self.world.rng().sample(&places, event.count.unwrap_or(1) as usize) {
            let (from, mut bytes) = fits[place].clone();
            if event.spoofed {
                self.forger.non_members += 1;
                let nowhere = forge::non_member(self.forger.non_members).address();
                self.inject_from_nowhere(host, nowhere, bytes);
            } else {
                self.world.inject(host, from, &mut bytes);
            }
        }
    }

    /// An insider says something harmless to a host in the name of each of some members, with the highest counter that there is.
    pub(super) fn poison(&mut self, host: HostId, victims: &[HostId]) {
        for &victim in victims.iter().filter(|&&victim| victim != host) {
            let Host { id, address, .. } = self.world.hosts()[victim as usize];
            let clear = self.datagram(id, &[forge::repair()]);
            let mut forged = self.sealed(&clear, (victim, host), Some(u32::MAX));
            self.world.inject(host, address, &mut forged);
        }
    }

    /// What an insider makes of a datagram: sealed with the key of who is to hear it, or as it is, if that one has none.
    fn sealed(&mut self, clear: &[u8], (from, to): (HostId, HostId), counter: Option<u32>) -> Vec<u8> {
        let (from, to) = (&self.world.hosts()[from as usize], &self.world.hosts()[to as usize]);
        let Some(&number) = to.keys.numbers().first() else { return clear.to_vec() };
        self.forger.sealed += 1;
        let counter = counter.unwrap_or(FIRST_COUNTER + self.forger.sealed);
        let epoch = from.node.me().incarnation().epoch;
        seal::sealed((number, key_bytes(number)), clear, to.id, epoch, counter)
    }

    /// Hands a host a datagram from where nobody is, and notes what that draws.
    fn inject_from_nowhere(&mut self, host: HostId, from: SocketAddr, mut bytes: Vec<u8>) {
        let len = bytes.len();
        let drawn = self.world.inject(host, from, &mut bytes);
        let share = drawn as f64 / len as f64;
        self.forger.amplification_max = Some(self.forger.amplification_max.unwrap_or_default().max(share));
    }

    /// A datagram of `sender` with these sections.
    fn datagram(&self, sender: NodeId, sections: &[Section]) -> Vec<u8> {
        let Some(host) = self.world.hosts().first() else { return Vec::new() };
        forge::datagram(&forge::head(*host.node.config()), sender, sections)
    }
}
