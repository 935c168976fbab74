//! Ring and random: half of the calls go to the next nodes in one order, which all nodes share.

use super::{Crowd, MAX_FANOUT};
use crate::rng::mix;

/// How many neighbours a node calls in turn where nothing limits its sends.
const SPAN_UNLIMITED: u32 = 4;

impl Crowd {
    /// Whether a node knows a peer: by a hash of both, so that it stays the same in a run without being stored.
    fn knows(&self, node: u32, peer: u32) -> bool {
        let views = (self.views << 1 | 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let hash = mix(views ^ (u64::from(node) << 32 | u64::from(peer)));
        let share = (hash >> 11) as f64 / (1u64 << 53) as f64;
        self.epidemic.unknown == 0.0 || share >= self.epidemic.unknown
    }

    /// A node's calls in its `turn`th round: the next neighbours that it knows, in turn, and others at random.
    pub(super) fn next_and_random(&mut self, node: u32, calls: u32, turn: u16) -> [u32; MAX_FANOUT as usize] {
        let nodes = self.epidemic.nodes;
        let fanout = self.epidemic.fanout;
        let along = fanout / 2 + (fanout & u32::from(turn)) % 2;
        let before = u32::from(turn) * fanout / 2;
        let span = self.epidemic.sends.map_or(SPAN_UNLIMITED, |sends| sends.div_ceil(2)).min(nodes - 1);
        let mut peers = [node; MAX_FANOUT as usize];
        let (next, random) = peers[..calls as usize].split_at_mut(along.min(calls) as usize);
        for (slot, peer) in (before..).zip(next) {
            let known =
                (1..nodes).map(|step| ((u64::from(node) + u64::from(step)) % u64::from(nodes)) as u32);
            let mut known = known.filter(|&peer| self.knows(node, peer));
            *peer = known.nth((slot % span) as usize).unwrap_or(node);
        }
        for peer in random {
            // A node that knows hardly any others may draw none of them.
            for _ in 0..MAX_FANOUT {
                let drawn = self.rng.below(nodes - 1);
                let drawn = drawn + u32::from(drawn >= node);
                if self.knows(node, drawn) {
                    *peer = drawn;
                    break;
                }
            }
        }
        peers
    }
}
