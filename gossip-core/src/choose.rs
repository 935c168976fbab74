//! Whom to talk to.

use crate::{
    record::{Reachability, Status, Zone},
    rng::Rng,
    table::{SlotId, Table},
};

/// The most peers chosen at once.
pub(crate) const MAX_CHOSEN: usize = 8;
/// Random draws per peer wanted; a draw that hits a peer twice, or somebody unsuited, is lost.
const DRAWS_PER_PEER: usize = 4;

pub(crate) type Chosen = heapless::Vec<SlotId, MAX_CHOSEN>;

/// `count` different live members that suit, evenly at random. In a cluster of up to four times as many, all
/// that suit are found; in a larger one perhaps fewer than wanted. O(count).
pub(crate) fn peers(
    members: &Table<'_>,
    rng: &mut Rng,
    count: usize,
    suits: impl Fn(SlotId) -> bool,
) -> Chosen {
    let count = count.min(MAX_CHOSEN);
    let mut chosen = Chosen::new();
    let live = members.live_slots();
    if live.len() <= count * DRAWS_PER_PEER {
        // Few: walk them all from a random start. A step that varies keeps neighbours from always being
        // chosen together.
        let (start, len) = (rng.below(live.len() as u32) as usize, live.len());
        let stride = if rng.below(2) == 0 { 1 } else { len.saturating_sub(1).max(1) };
        for i in 0..len {
            let slot = live[(start + i * stride) % len];
            if chosen.len() < count && suits(slot) {
                let _ = chosen.push(slot);
            }
        }
        return chosen;
    }
    for _ in 0..count * DRAWS_PER_PEER {
        let Some(slot) = members.random_live(rng) else { break };
        if chosen.len() < count && !chosen.contains(&slot) && suits(slot) {
            let _ = chosen.push(slot);
        }
    }
    chosen
}

/// Helpers to reach `target`: one in its zone, one in ours, the rest anywhere; none that we cannot reach
/// ourselves or that is suspected.
pub(crate) fn helpers(
    members: &Table<'_>,
    rng: &mut Rng,
    count: usize,
    target: SlotId,
    ours: Zone,
) -> Chosen {
    let theirs = members.record(target).locality().domain();
    let fit = |slot: SlotId| {
        let member = members.slot(slot);
        slot != target
            && member.reachability() != Reachability::Unreachable
            && member.record.status() == Status::Alive
    };
    let mut chosen = Chosen::new();
    for zone in [Some(theirs), Some(ours), None] {
        let wanted = if zone.is_some() { 1 } else { count };
        let suits = |slot: SlotId| {
            fit(slot)
                && !chosen.contains(&slot)
                && zone.is_none_or(|zone| members.record(slot).locality().domain() == zone)
        };
        for slot in peers(members, rng, wanted, suits) {
            if chosen.len() < count.min(MAX_CHOSEN) {
                let _ = chosen.push(slot);
            }
        }
    }
    chosen
}

/// TEMP
pub(crate) fn controls(members: &Table<'_>, rng: &mut Rng, target: SlotId) -> heapless::Vec<SlotId, 2> {
    let zone = members.record(target).locality().domain();
    let mut out = heapless::Vec::new();
    for pass in 0..2 {
        for slot in peers(members, rng, 8, |slot| {
            let member = members.slot(slot);
            slot != target
                && member.record.locality().domain() == zone
                && (pass == 1
                    || member.reachability() != Reachability::Unreachable
                        && member.record.status() == Status::Alive)
        }) {
            if !out.contains(&slot) {
                let _ = out.push(slot);
            }
        }
    }
    out
}
impl Table<'_> {
    pub(crate) fn live_in(&self, zone: Zone) -> u32 {
        self.live_slots().iter().filter(|&&s| self.record(s).locality().domain() == zone).count() as u32
    }
    pub(crate) fn zones(&self) -> impl Iterator<Item = (Zone, u32)> {
        let mut all = heapless::Vec::<(Zone, u32), 64>::new();
        for &s in self.live_slots() {
            let z = self.record(s).locality().domain();
            match all.iter_mut().find(|x| x.0 == z) {
                Some(x) => x.1 += 1,
                None => {
                    let _ = all.push((z, 1));
                }
            }
        }
        all.into_iter()
    }
}
