//! An attacker who knows the cluster's name and every record, and sends under any address.

use super::Run;
use crate::{
    engine::{Host, HostId},
    forge::{self, Section},
};
use gossip_core::{NodeId, Status};

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
            let mut forged = self.datagram(id, forge::records(&[record], 0));
            self.world.inject(host, address, &mut forged);
        }
    }

    /// This many non-members ask a host to let them in.
    pub(super) fn forge_joins(&mut self, host: HostId, count: u32) {
        for _ in 0..count {
            self.forger.non_members += 1;
            let non_member = forge::non_member(self.forger.non_members);
            let join = forge::join(self.forger.non_members, 0, &non_member);
            let mut forged = self.datagram(non_member.id(), join);
            self.forger.joins += forged.len() as u64;
            self.world.inject(host, non_member.address(), &mut forged);
        }
    }

    /// A datagram of `sender` with one section.
    fn datagram(&self, sender: NodeId, section: Section) -> Vec<u8> {
        let Some(host) = self.world.hosts().first() else { return Vec::new() };
        forge::datagram(&forge::head(*host.node.config()), sender, &[section])
    }
}
