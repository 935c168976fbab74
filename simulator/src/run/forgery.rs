//! An attacker who knows the cluster's name and every record, and sends under any address; with the key, if it is an insider.

use super::Run;
use crate::{
    engine::{Host, HostId, key_bytes},
    forge::{self, Section},
    scenario::Event,
    seal,
};
use gossip_core::{Accusation, Claim, ClusterName, Health, Incarnation, NodeId, Record, SigningKey, Status};
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

/// In whose name something is said, and the signing keys that the attacker has, of members' ids.
struct Liar<'k> {
    name: NodeId,
    cluster: ClusterName,
    keys: &'k [(NodeId, SigningKey)],
}

impl Liar<'_> {
    /// Records of others: unsigned, and, if there is a key, signed with that once more.
    fn records(&self, records: &[Record]) -> Vec<Section> {
        let Some((_, key)) = self.keys.first() else { return vec![forge::records(records, 0)] };
        let sign = |record: &Record| {
            Some((Claim::of(record).sign(self.cluster, key), Some(key.public().to_bytes())))
        };
        let proofs: Vec<_> = records.iter().map(|_| None).chain(records.iter().map(sign)).collect();
        vec![forge::records(&[records, records].concat(), 0), forge::proofs(&proofs)]
    }

    /// What the members whose keys there are say of a member that answers, each with its signature.
    fn accusations(&self, of: &Record) -> Option<Section> {
        let accuse = |(accuser, key): &(NodeId, SigningKey)| {
            let accusation = Accusation { target: of.id(), incarnation: of.incarnation(), accuser: *accuser };
            (accusation, accusation.sign(self.cluster, key))
        };
        let signed: Vec<_> = self.keys.iter().map(accuse).collect();
        (!signed.is_empty()).then(|| forge::signed_accusations(&signed))
    }
}

impl Run<'_> {
    /// Tells `count` others, or all, that a host has come to an end; each in another's name and from its address.
    pub(super) fn forge_end(&mut self, victim: HostId, status: Status, event: &Event) {
        let me = self.world.hosts()[victim as usize].node.me();
        self.forge_news(victim, event, |liar| {
            let mut sections = liar.records(&[me.with_status(status)]);
            if status == Status::Dead {
                sections.extend(liar.accusations(&me));
            }
            sections
        });
    }

    /// Tells others, in the same way, that a host has moved, has restarted and is ill.
    pub(super) fn forge_claims(&mut self, victim: HostId, event: &Event) {
        let me = self.world.hosts()[victim as usize].node.me();
        let Incarnation { epoch, refutation } = me.incarnation();
        let refuted = me.with_incarnation(Incarnation { epoch, refutation: refutation.saturating_add(1) });
        let claims = [
            refuted.with_address(forge::non_member(victim + 1).address()),
            refuted.with_state(me.state_version().saturating_add(AHEAD), Health::Unhealthy, 0),
            me.with_incarnation(Incarnation { epoch: epoch.saturating_add(1), refutation: 0 }),
        ];
        self.forge_news(victim, event, |liar| liar.records(&claims));
    }

    /// Tells others, in the same way, what a host never said: an entry of its state, an event, and that others accuse it.
    pub(super) fn forge_words(&mut self, victim: HostId, event: &Event) {
        let me = self.world.hosts()[victim as usize].node.me();
        let version = me.state_version().saturating_add(AHEAD);
        let entry = (version, "forged".to_owned(), b"word".to_vec());
        let item = forge::item(&me.with_state(version, me.health(), 0), &[entry], 0);
        let (id, at) = (me.id(), me.incarnation());
        self.forge_news(victim, event, |liar| {
            let mut sections = vec![
                forge::accusations(id, at, &[liar.name]),
                forge::items(std::slice::from_ref(&item)),
                forge::user_event(id, at.epoch, AHEAD, 0, b"forged event"),
            ];
            sections.extend(liar.accusations(&me));
            sections
        });
    }

    /// Tells others what `says` of a victim in the name of a liar: of each of the members whose signing keys the attacker has, or
    /// of anybody, if it has none.
    fn forge_news(&mut self, victim: HostId, event: &Event, says: impl Fn(&Liar<'_>) -> Vec<Section>) {
        let of = event.from.as_ref().map(|from| self.pick(from)).unwrap_or_default();
        let stolen: Vec<HostId> = of.into_iter().filter(|&host| host != victim).collect();
        if event.from.is_some() && stolen.is_empty() {
            return;
        }
        let running = self.world.running().map(|(id, _)| id);
        let others: Vec<HostId> = running.filter(|id| *id != victim && !stolen.contains(id)).collect();
        let count = event.count.map_or(others.len(), |count| count as usize);
        let cluster = self.world.cluster();
        let key = |&host: &HostId| (self.world.hosts()[host as usize].id, self.world.signing_key(host));
        let keys: Vec<(NodeId, SigningKey)> = stolen.iter().map(key).collect();
        let names = if stolen.is_empty() { others.clone() } else { stolen };
        for host in self.world.rng().sample(&others, count) {
            let Some(&liar) = self.world.rng().sample(&names, 2).iter().find(|&&liar| liar != host) else {
                return;
            };
            let Host { id, address, .. } = self.world.hosts()[liar as usize];
            let mut forged = self.datagram(id, &says(&Liar { name: id, cluster, keys: &keys }));
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
