//! Which members to send to.

use crate::{
    tables::table::{ME, SlotId, Table},
    vocabulary::{
        config::PulseScope,
        record::{Reachability, Status, Zone},
        rng::Rng,
    },
};

/// The most peers chosen at once.
pub(crate) const MAX_CHOSEN: usize = 8;
/// Random draws per peer wanted; a draw that hits a peer twice, or an unsuited one, is lost.
const DRAWS_PER_PEER: usize = 4;
/// Packets that all nodes of a zone together send into other zones in one lazy round, on average. With the crossings of
/// eager rounds, 5 % of the bytes of gossip leave their zone, where evenly random peers would send 89 % out, and an
/// update reaches 99 % in 0.20 s (simulator, `three-regions`: 6,000 nodes in 9 zones).
const CROSSINGS: u32 = 6;

/// Controls of a failing probe. At 20 % loss both fail in 13 % of probes, and in 1.7 % when pinged twice; the
/// quarantine that follows ends with the zone's next answer.
pub(crate) const CONTROLS: usize = 2;

pub(crate) type Controls = heapless::Vec<SlotId, CONTROLS>;
pub(crate) type Chosen = heapless::Vec<SlotId, MAX_CHOSEN>;

/// `count` different live members that suit, evenly at random. In a cluster of up to four times as many, all
/// that suit are found; in a larger one perhaps fewer than wanted. O(count).
pub(crate) fn peers(
    members: &Table<'_>,
    rng: &mut Rng,
    count: usize,
    suits: impl Fn(SlotId) -> bool,
) -> Chosen {
    let mut chosen = Chosen::new();
    fill(&mut chosen, members.live_slots(), rng, count, suits);
    chosen
}

/// Adds random members of `target`'s zone that suit, but not `target`, until `total` are chosen: those of other
/// racks first, which are less likely to share its trouble.
fn fill_in_zone(
    chosen: &mut Chosen,
    members: &Table<'_>,
    rng: &mut Rng,
    total: usize,
    target: SlotId,
    suits: impl Fn(SlotId) -> bool,
) {
    let home = members.record(target).locality();
    let slots = members.live_slots_in(home.domain());
    let fit = |slot: SlotId| slot != target && suits(slot);
    fill(chosen, slots, rng, total, |slot| fit(slot) && members.record(slot).locality() != home);
    fill(chosen, slots, rng, total, fit);
}

/// Adds random ones of `slots` that suit, until `total` are chosen.
fn fill(chosen: &mut Chosen, slots: &[SlotId], rng: &mut Rng, total: usize, suits: impl Fn(SlotId) -> bool) {
    let mut offer = |slot: SlotId| {
        if chosen.len() < total && !chosen.contains(&slot) && suits(slot) {
            let _ = chosen.push(slot);
        }
        chosen.len() < total && !chosen.is_full()
    };
    let draws = total.min(MAX_CHOSEN) * DRAWS_PER_PEER;
    let len = slots.len();
    if len <= draws {
        // Few: go through all of them from a random start. A step that varies keeps neighbours from always being
        // chosen together.
        let start = rng.below(len as u32) as usize;
        let stride = if rng.below(2) == 0 { 1 } else { len.saturating_sub(1).max(1) };
        let _ = (0..len).all(|i| offer(slots[(start + i * stride) % len]));
    } else {
        let _ = (0..draws).all(|_| offer(slots[rng.below(len as u32) as usize]));
    }
}

/// Adds random peers for a round of gossip until `count` are chosen: perhaps one in another zone, then members of our
/// own, and any others where those are few. Without zones, any.
///
/// In an `eager` round, a node's first of fresh news, every second node crosses: so the first that know it need not
/// wait, and half as many packets enter each zone as it has members. Lazy rounds cross as often as [`CROSSINGS`]
/// says.
pub(crate) fn gossip(
    chosen: &mut Chosen,
    members: &Table<'_>,
    rng: &mut Rng,
    count: usize,
    eager: bool,
    suits: impl Fn(SlotId) -> bool,
) {
    let ours = members.record(ME).locality().domain();
    let company = members.live_in(ours);
    if company == members.live() {
        fill(chosen, members.live_slots(), rng, count, suits);
        return;
    }
    // At most half of our own: a member sent to in every round would know everything after the first.
    let mut near = chosen.len().max(company.div_ceil(2) as usize);
    if let Some(slot) = crossing(members, rng, ours, eager, &suits).filter(|slot| !chosen.contains(slot))
        && chosen.len() < count
    {
        let _ = chosen.push(slot);
        near += 1;
    }
    fill(chosen, members.live_slots_in(ours), rng, near.min(count), &suits);
    fill(chosen, members.live_slots(), rng, count, &suits);
}

/// A member of another zone, chosen by zone first so that small ones are reached as well; none as often as
/// keeps the packets that enter a zone within what its size and [`CROSSINGS`] say.
fn crossing(
    members: &Table<'_>,
    rng: &mut Rng,
    ours: Zone,
    eager: bool,
    suits: impl Fn(SlotId) -> bool,
) -> Option<SlotId> {
    let others = || members.zones().filter(|&(zone, _)| zone != ours);
    let (zone, live) = others().nth(rng.below(others().count() as u32) as usize)?;
    let wanted = CROSSINGS + if eager { live.div_ceil(2) } else { 0 };
    if rng.below(members.live_in(ours) + 1) >= wanted {
        return None;
    }
    (0..DRAWS_PER_PEER).filter_map(|_| members.random_in(zone, rng)).find(|&slot| suits(slot))
}

/// Relays to reach `target`: one in its zone, one in ours, the rest in zones of their own, as far as there are any;
/// none that we cannot reach ourselves or that is suspected, and members of quarantined zones last. `first` goes
/// before all of them if it is fit.
pub(crate) fn relays(
    members: &Table<'_>,
    is_quarantined: impl Fn(Zone) -> bool,
    rng: &mut Rng,
    count: usize,
    target: SlotId,
    first: Option<SlotId>,
) -> Chosen {
    let zone_of = |slot: SlotId| members.record(slot).locality().domain();
    let (theirs, ours) = (zone_of(target), zone_of(ME));
    let fit = |slot: SlotId| slot != target && is_well(members, slot) && !is_quarantined(zone_of(slot));
    let mut chosen: Chosen = first.filter(|&slot| count > 0 && fit(slot)).into_iter().collect();
    let with_one_of_theirs = count.min(chosen.len() + 1);
    fill_in_zone(&mut chosen, members, rng, with_one_of_theirs, target, fit);
    if ours != theirs {
        let with_one_of_ours = count.min(chosen.len() + 1);
        fill(&mut chosen, members.live_slots_in(ours), rng, with_one_of_ours, fit);
    }
    let others = members.zones().filter(|&(zone, _)| zone != theirs && zone != ours);
    let start = rng.below(others.clone().count() as u32) as usize;
    for (zone, _) in others.clone().skip(start).chain(others.take(start)) {
        let with_one_more = count.min(chosen.len() + 1);
        fill(&mut chosen, members.live_slots_in(zone), rng, with_one_more, fit);
    }
    // Where only members of quarantined zones are left, one of them may answer again.
    let well = |slot: SlotId| slot != target && is_well(members, slot);
    fill(&mut chosen, members.live_slots(), rng, count, fit);
    fill(&mut chosen, members.live_slots(), rng, count, well);
    chosen
}

/// Controls, to tell whether `target` or the path to its zone is down: [`CONTROLS`] others of its zone, of other
/// racks and well by all we know, if there are such.
pub(crate) fn controls(members: &Table<'_>, rng: &mut Rng, target: SlotId) -> Controls {
    let mut chosen = Chosen::new();
    fill_in_zone(&mut chosen, members, rng, CONTROLS, target, |slot| is_well(members, slot));
    fill_in_zone(&mut chosen, members, rng, CONTROLS, target, |_| true);
    chosen.into_iter().take(CONTROLS).collect()
}

/// A member to ask, at random: one that is well, mostly of our own zone.
pub(crate) fn well_peer(members: &Table<'_>, rng: &mut Rng) -> Option<SlotId> {
    let mut peers = Chosen::new();
    gossip(&mut peers, members, rng, 1, false, |slot| is_well(members, slot));
    peers.first().copied()
}

/// `count` different live members that suit, evenly at random among those in the scope of this node's pulses. As with [`peers`],
/// perhaps fewer.
pub(crate) fn in_scope(
    members: &Table<'_>,
    rng: &mut Rng,
    scope: PulseScope,
    count: usize,
    suits: impl Fn(SlotId) -> bool,
) -> Chosen {
    let ours = members.record(ME).locality();
    let suits = |slot| scope.spans(ours, members.record(slot).locality()) && suits(slot);
    let mut chosen = Chosen::new();
    match scope {
        PulseScope::Zone => fill(&mut chosen, members.live_slots_in(ours.domain()), rng, count, suits),
        PulseScope::Cluster => fill(&mut chosen, members.live_slots(), rng, count, suits),
        PulseScope::Region => {
            for _ in 0..count * DRAWS_PER_PEER {
                let slot = random_in_region(members, rng, ours.region);
                let fits = |slot: &SlotId| chosen.len() < count && !chosen.contains(slot) && suits(*slot);
                if let Some(slot) = slot.filter(fits) {
                    let _ = chosen.push(slot);
                }
            }
        }
    }
    chosen
}

/// A live member of a region but this node, evenly at random.
fn random_in_region(members: &Table<'_>, rng: &mut Rng, region: u8) -> Option<SlotId> {
    let zones = || members.zones().filter(|(zone, _)| zone.region == region);
    let mut at = rng.below(zones().map(|(_, live)| live).sum());
    for (zone, live) in zones() {
        match at.checked_sub(live) {
            Some(behind) => at = behind,
            None => return members.live_slots_in(zone).get(at as usize).copied(),
        }
    }
    None
}

/// Alive, and not found unreachable from here.
pub(crate) fn is_well(members: &Table<'_>, slot: SlotId) -> bool {
    let member = members.slot(slot);
    member.reachability() != Reachability::Unreachable && member.record.status() == Status::Alive
}

#[cfg(test)]
#[cfg(feature = "alloc")]
mod tests {
    use super::*;
    use crate::{
        tables::memory::{Heap, Storage},
        vocabulary::{
            record::{Identity, Locality, NodeId, Record, Versions},
            time::Stamp,
        },
    };
    use std::vec::Vec;

    /// A table of members, the first of which is the node itself: so many of each zone, in two racks.
    fn cluster(zones: &[u32]) -> (Heap, Rng) {
        let (mut memory, mut rng) = (Heap::for_members(2_000), Rng::new([9; 32]));
        let mut id = 0;
        for (zone, &count) in zones.iter().enumerate() {
            for _ in 0..count {
                id += 1;
                let identity = Identity {
                    id: NodeId::from_u64(id).unwrap(),
                    epoch: 1,
                    address: ([10, 0, 0, 1], 7).into(),
                    locality: Locality { region: 0, zone: zone as u8, rack: (id % 2) as u8 },
                };
                let record = Record::new(identity, Versions::OURS);
                let mut tables = memory.tables();
                if id == 1 {
                    tables.reset_to_self(1, &record, Stamp(0));
                } else {
                    let entry = tables.members.entry(record.id());
                    let _ = tables.apply(entry, &record, &mut rng, Stamp(0));
                }
            }
        }
        (memory, rng)
    }

    fn zone_of(members: &Table<'_>, slot: SlotId) -> u8 {
        members.record(slot).locality().zone
    }

    /// How many packets go into each zone in so many rounds.
    fn rounds(zones: &[u32], eager: bool, rounds: u32) -> Vec<u32> {
        let (mut memory, mut rng) = cluster(zones);
        let members = memory.tables().members;
        let mut sent = vec![0; zones.len()];
        for _ in 0..rounds {
            let mut chosen = Chosen::new();
            gossip(&mut chosen, &members, &mut rng, 3, eager, |_| true);
            assert!(chosen.iter().all(|&slot| slot != ME));
            assert!((1..chosen.len()).all(|at| !chosen[..at].contains(&chosen[at])), "{chosen:?}");
            assert_eq!(chosen.len() as u32, 3.min(members.live()));
            chosen.iter().for_each(|&slot| sent[usize::from(zone_of(&members, slot))] += 1);
        }
        sent
    }

    #[test]
    fn whoever_answered_last_helps_first_unless_it_is_the_target_or_suspect() {
        let (mut memory, mut rng) = cluster(&[50]);
        let mut tables = memory.tables();
        let [target, latest, suspect] =
            [3, 5, 7].map(|id| tables.members.find(NodeId::from_u64(id).unwrap()).unwrap());
        let accused = tables.members.record(suspect).with_status(Status::Suspect);
        tables.replace(suspect, &accused, &mut rng, Stamp(0));
        let members = tables.members;
        for _ in 0..100 {
            let mut ask = |count, first| relays(&members, |_| false, &mut rng, count, target, first);
            assert_eq!(ask(1, Some(latest)).as_slice(), [latest]);
            let asked = ask(3, Some(latest));
            assert_eq!((asked.len(), asked[0]), (3, latest));
            assert!(!asked[1..].contains(&latest), "{asked:?}");
            assert!(!ask(3, Some(target)).contains(&target));
            assert!(!ask(3, Some(suspect)).contains(&suspect));
            assert!(ask(0, Some(latest)).is_empty());
        }
    }

    #[test]
    fn half_of_the_eager_rounds_cross_and_no_zone_is_left_out() {
        let sent = rounds(&[300, 300, 300], true, 1_000);
        assert!((2_400..2_560).contains(&sent[0]), "{sent:?}");
        assert!(sent[1..].iter().all(|count| (200..320).contains(count)), "{sent:?}");
    }

    #[test]
    fn a_lazy_round_of_a_large_zone_stays_at_home_but_for_a_few_packets() {
        let (size, nodes) = (300, 3_000);
        let sent = rounds(&[size; 3], false, nodes);
        let crossed = sent[1] + sent[2];
        let expected = nodes * CROSSINGS / size;
        assert!((expected / 2..expected * 2).contains(&crossed), "{crossed} for {expected}");
    }

    #[test]
    fn a_zone_of_one_is_neither_forgotten_nor_flooded_by_a_large_one() {
        for eager in [true, false] {
            // Everybody of the large zone does a round.
            let sent = rounds(&[1_000, 1], eager, 1_000);
            assert!((1..=3 * CROSSINGS).contains(&sent[1]), "{sent:?}");
        }
    }

    #[test]
    fn where_each_zone_has_one_node_gossip_goes_to_anybody() {
        let sent = rounds(&[1; 12], false, 1_100);
        assert!(sent[1..].iter().all(|count| (200..400).contains(count)), "{sent:?}");
    }

    #[test]
    fn small_zones_do_not_send_all_rounds_to_the_same_few() {
        let sent = rounds(&[3, 3, 3], false, 1_000);
        assert!(sent[0] < 2_000 && sent[1] > 500 && sent[2] > 500, "{sent:?}");
        assert_eq!(rounds(&[1, 1], true, 10), [0, 10]);
        assert_eq!(rounds(&[2], true, 10), [10]);
    }

    #[test]
    fn relays_come_from_the_targets_zone_ours_and_others() {
        let (mut memory, mut rng) = cluster(&[20, 20, 20, 20, 20]);
        let members = memory.tables().members;
        let mut of_another_rack = 0;
        for _ in 0..200 {
            let target = members.live_slots_in(Zone { region: 0, zone: 1 })[0];
            let relays = relays(&members, |_| false, &mut rng, 4, target, None);
            let mut zones: Vec<u8> = relays.iter().map(|&slot| zone_of(&members, slot)).collect();
            assert_eq!(zones[..2], [1, 0]);
            zones.sort();
            zones.dedup();
            assert_eq!(zones.len(), 4, "{zones:?}");
            assert!(!relays.contains(&target));
            let rack = |slot| members.record(slot).locality().rack;
            of_another_rack += u32::from(rack(relays[0]) != rack(target));
        }
        assert!(of_another_rack > 160, "{of_another_rack}: four draws miss a rack of half the zone in 6 %");
    }

    #[test]
    fn a_small_cluster_gives_every_relay_there_is() {
        for zones in [&[4][..], &[2, 2], &[1, 1, 1, 1]] {
            let (mut memory, mut rng) = cluster(zones);
            let members = memory.tables().members;
            for &target in members.live_slots() {
                assert_eq!(relays(&members, |_| false, &mut rng, 3, target, None).len(), 2, "{zones:?}");
            }
        }
    }

    #[test]
    fn controls_are_of_the_targets_zone_and_another_rack_if_those_suffice() {
        for (zone, expected) in [(4, [false, false]), (3, [false, true]), (40, [false, false])] {
            let (mut memory, mut rng) = cluster(&[1, zone]);
            let members = memory.tables().members;
            let target = members.live_slots_in(Zone { region: 0, zone: 1 })[0];
            let rack = |slot| members.record(slot).locality().rack;
            let other_rack = members.live_slots().iter().filter(|&&slot| rack(slot) != rack(target)).count();
            let chosen = controls(&members, &mut rng, target);
            let alike: Vec<bool> = chosen.iter().map(|&slot| rack(slot) == rack(target)).collect();
            assert!(alike == expected || other_rack >= 2 && alike == [false, false], "{alike:?}");
            assert!(chosen.iter().all(|&slot| slot != target && zone_of(&members, slot) == 1));
        }
    }

    #[test]
    fn controls_that_are_not_well_are_taken_only_where_others_do_not_suffice() {
        let (mut memory, mut rng) = cluster(&[1, 4]);
        let mut members = memory.tables().members;
        let [target, ill, well, other] = *members.live_slots() else { panic!() };
        members.slot_mut(ill).set_reachability(Reachability::Unreachable);
        for _ in 0..50 {
            let chosen = controls(&members, &mut rng, target);
            assert!(chosen.len() == 2 && chosen.contains(&well) && chosen.contains(&other), "{chosen:?}");
        }
        members.slot_mut(other).set_reachability(Reachability::Unreachable);
        assert_eq!(controls(&members, &mut rng, target)[0], well);
    }
}
