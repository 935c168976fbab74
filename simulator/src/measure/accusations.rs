//! Who accused whom: what nodes tell others in their own names, read off their packets.

use crate::engine::{HostId, Step};
use gossip_core::{Incarnation, NodeId};
use std::collections::{BTreeMap, HashSet};

/// The header of a datagram (PROTOCOL.md, section 5).
const HEADER: usize = 22;
/// The section of accusations.
const ACCUSATIONS: u8 = 33;
/// Accusations that are told apart; more are not counted.
const MAX_ACCUSATIONS: usize = 1 << 20;

/// See the module.
#[derive(Debug, Default)]
pub struct Accusations {
    /// Who, whom, in which incarnation: one accusation travels many times.
    told: HashSet<(HostId, HostId, Incarnation)>,
    counts: BTreeMap<(HostId, HostId), u32>,
}

impl Accusations {
    /// Reads the packets of a step if its node has ever accused anyone, and calls `see` with each member that it accuses for the
    /// first time.
    pub(super) fn stepped(&mut self, step: &Step<'_>, mut see: impl FnMut(HostId)) {
        let at = step.at();
        if at.node.metrics().accusations_made == 0 {
            return;
        }
        for packet in step.output.packets() {
            for (target, incarnation, accuser) in accusations(packet.bytes) {
                if let Some(&target) = step.ids.get(&target)
                    && accuser == at.id
                    && self.note(step.host, target, incarnation)
                {
                    see(target);
                }
            }
        }
    }

    /// Whether it is a new one.
    fn note(&mut self, accuser: HostId, target: HostId, incarnation: Incarnation) -> bool {
        let is_new = self.told.len() < MAX_ACCUSATIONS && self.told.insert((accuser, target, incarnation));
        if is_new {
            *self.counts.entry((accuser, target)).or_default() += 1;
        }
        is_new
    }

    /// How often who accused whom, each incarnation once.
    pub fn counts(&self) -> impl Iterator<Item = (HostId, HostId, u64)> {
        self.counts.iter().map(|(&(accuser, accused), &count)| (accuser, accused, count.into()))
    }
}

/// Of whom, in which incarnation, by whom.
type Accusation = (NodeId, Incarnation, NodeId);

/// All accusations in a datagram.
fn accusations(datagram: &[u8]) -> Vec<Accusation> {
    let mut found = Vec::new();
    let mut rest = datagram.get(HEADER..).unwrap_or_default();
    while let Some((&[tag, high, low], after)) = rest.split_first_chunk() {
        let Some((mut body, next)) = after.split_at_checked(u16::from_be_bytes([high, low]).into()) else {
            break;
        };
        rest = next;
        while tag == ACCUSATIONS
            && let Some((accusation, next)) = accusation(body)
        {
            found.push(accusation);
            body = next;
        }
    }
    found
}

/// The first accusation, and what follows it: target 8, epoch 4, refutation LEB128, accuser 8.
fn accusation(body: &[u8]) -> Option<(Accusation, &[u8])> {
    let (target, rest) = body.split_first_chunk()?;
    let (epoch, rest) = rest.split_first_chunk()?;
    let len = rest.iter().take(5).position(|byte| *byte < 0x80)? + 1;
    let (refutation, rest) = rest.split_at_checked(len)?;
    let refutation = refutation.iter().rev().fold(0u64, |count, byte| count << 7 | u64::from(byte & 0x7F));
    let (accuser, rest) = rest.split_first_chunk()?;
    let id = |bytes: &[u8; 8]| NodeId::from_u64(u64::from_be_bytes(*bytes));
    let incarnation = Incarnation { epoch: u32::from_be_bytes(*epoch), refutation: refutation as u32 };
    Some(((id(target)?, incarnation, id(accuser)?), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accusations_are_read_wherever_they_stand_in_a_datagram() {
        let id = |n: u64| NodeId::from_u64(n).unwrap();
        let entry = |target: u64, refutation: &[u8], accuser: u64| {
            [&target.to_be_bytes()[..], &7u32.to_be_bytes(), refutation, &accuser.to_be_bytes()].concat()
        };
        let two = [entry(1, &[0x81, 0x01], 2), entry(3, &[5], 4)].concat();
        let mut datagram = vec![0; HEADER];
        datagram.extend([12, 0, 0, 32, 0, 2, 9, 9]);
        datagram.extend([ACCUSATIONS, 0, two.len() as u8]);
        datagram.extend(&two);
        let incarnation = |refutation| Incarnation { epoch: 7, refutation };
        assert_eq!(
            accusations(&datagram),
            [(id(1), incarnation(129), id(2)), (id(3), incarnation(5), id(4))]
        );
        for len in 0..datagram.len() {
            assert!(accusations(&datagram[..len]).len() < 2, "{len}");
        }
    }
}
