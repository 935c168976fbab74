//! Neighbours: the next live members of the node's own zone in the id-hash order.
//!
//! Random sends miss any one member with probability e^-sends. Where every node sends to the next few members of one
//! order, each member has a few predecessors that always send to it. Half of the sends do this; the other half stays
//! random: it makes news grow exponentially, crosses zones, and does not depend on views being equal.

use crate::{
    kernel::choose::{Chosen, MAX_CHOSEN},
    tables::table::{ME, SlotId, Table, index::Place},
};

/// The position in the order. It moves on from round to round, and starts over after half as many members as
/// a rumor has sends: so whenever a rumor's rounds begin, they go to all of those members.
#[derive(Clone)]
pub(super) struct Neighbours {
    /// The member sent to or passed over last; `None` after starting over.
    last: Option<Place>,
    /// Members sent to since then.
    taken: usize,
    /// Where the fanout is odd, the larger half of the last round was random. The halves take turns.
    more_random: bool,
}

impl Neighbours {
    pub(super) const NEW: Self = Self { last: None, taken: 0, more_random: false };

    /// How many of a round's `fanout` peers are neighbours: half, but no more than it takes for a rumor with `sends` to
    /// reach each of `company` members once.
    pub(super) fn share(&mut self, fanout: usize, sends: usize, company: usize) -> usize {
        self.more_random = !self.more_random;
        let half = (fanout + usize::from(!self.more_random)) / 2;
        if company == 0 { half } else { half.min((company * fanout).div_ceil(sends.max(1))) }
    }

    /// The next `count` neighbours that fit, out of the first `span`; fewer if there are not that many.
    pub(super) fn next(
        &mut self,
        members: &Table<'_>,
        count: usize,
        span: usize,
        fits: impl Fn(SlotId) -> bool,
    ) -> Chosen {
        let me = members.place(members.record(ME).id());
        let mut chosen = Chosen::new();
        while chosen.len() < count.min(MAX_CHOSEN) {
            if self.taken >= span {
                (self.last, self.taken) = (None, 0);
            }
            match members.next_of_zone(self.last.unwrap_or(me), &fits) {
                Ok((_, ME)) => {
                    // Once around the whole order.
                    let nobody = self.taken == 0;
                    (self.last, self.taken) = (None, 0);
                    if nobody {
                        break;
                    }
                }
                Ok((_, slot)) if chosen.contains(&slot) => break,
                Ok((place, slot)) => {
                    let _ = chosen.push(slot);
                    (self.last, self.taken) = (Some(place), self.taken + 1);
                }
                // The search was cut short: the next round continues from there.
                Err(passed) => {
                    self.last = Some(passed);
                    break;
                }
            }
        }
        chosen
    }
}

#[cfg(test)]
#[cfg(feature = "alloc")]
mod tests {
    use super::*;
    use crate::{
        tables::memory::{Heap, Storage},
        vocabulary::{
            record::{Identity, Locality, NodeId, Record, Status, Versions},
            rng::Rng,
            time::Stamp,
        },
    };
    use quickcheck::quickcheck;
    use std::vec::Vec;

    /// The key of the id-hash order in these tests.
    const KEY: u64 = 7;

    fn record(id: u64, zone: u8) -> Record {
        let identity = Identity {
            id: NodeId::from_u64(id).unwrap(),
            epoch: 1,
            address: ([10, 0, 0, 1], 7).into(),
            locality: Locality { region: 0, zone, rack: 0 },
        };
        Record::new(identity, Versions::OURS)
    }

    /// The memory of node `me` in a cluster with ids from 1 on, each in its zone of `zones`; those in `dead` are dead.
    fn view(me: u64, zones: &[u8], dead: &[u64]) -> Heap {
        let mut memory = Heap::for_members(zones.len() + 1);
        let (mut tables, mut rng) = (memory.tables(), Rng::new([9; 32]));
        tables.reset_to_self(KEY, &record(me, zones[me as usize - 1]), Stamp(0));
        for (id, &zone) in (1..).zip(zones).filter(|&(id, _)| id != me) {
            let status = if dead.contains(&id) { Status::Dead } else { Status::Alive };
            let entry = tables.members.entry(NodeId::from_u64(id).unwrap());
            let _ = tables.apply(entry, &record(id, zone).with_status(status), &mut rng, Stamp(0));
        }
        memory
    }

    /// All ids but `me`, as they follow it in the id-hash order.
    fn order(me: u64, count: u64) -> Vec<u64> {
        let place = |id: &u64| crate::tables::table::sums::place(KEY, NodeId::from_u64(*id).unwrap());
        let mut ids: Vec<u64> = (1..=count).collect();
        ids.sort_by_key(place);
        let at = ids.iter().position(|&id| id == me).unwrap();
        ids.rotate_left(at);
        ids.split_off(1)
    }

    /// The ids that a node sends to in `rounds` rounds of `count`, in turn.
    fn rounds(memory: &mut Heap, rounds: usize, count: usize, span: usize) -> Vec<u64> {
        let (members, mut neighbours) = (memory.tables().members, Neighbours::NEW);
        let mut sent = Vec::new();
        for _ in 0..rounds {
            let chosen = neighbours.next(&members, count, span, |_| true);
            sent.extend(chosen.iter().map(|&slot| members.record(slot).id().as_u64()));
        }
        sent
    }

    #[test]
    fn every_member_is_sent_to_by_its_four_predecessors() {
        let mut senders = vec![Vec::new(); 61];
        for me in 1..=60 {
            let sent = rounds(&mut view(me, &[0; 60], &[]), 2, 2, 4);
            assert_eq!(sent, order(me, 60)[..4]);
            sent.iter().for_each(|&id| senders[id as usize].push(me));
        }
        assert!(senders[1..].iter().all(|senders| senders.len() == 4), "{senders:?}");
    }

    #[test]
    fn dead_and_unsuited_neighbours_are_passed_over() {
        let dead = &order(5, 30)[..4];
        let mut memory = view(5, &[0; 30], dead);
        assert_eq!(rounds(&mut memory, 2, 2, 4), order(5, 30)[4..8]);
        let members = memory.tables().members;
        let odd = |slot: SlotId| !members.record(slot).id().as_u64().is_multiple_of(2);
        let mut neighbours = Neighbours::NEW;
        let chosen = neighbours.next(&members, 8, 8, odd);
        assert!(chosen.len() == 8 && chosen.iter().all(|&slot| odd(slot)), "{chosen:?}");
    }

    #[test]
    fn neighbours_are_never_of_another_zone() {
        let zones: Vec<u8> = (0..90).map(|n| n % 9).collect();
        for me in 1..=90 {
            let sent = rounds(&mut view(me, &zones, &[]), 5, 2, 10);
            let ours: Vec<u64> = order(me, 90).into_iter().filter(|id| id % 9 == me % 9).collect();
            assert_eq!(sent.len(), 10);
            assert_eq!((&sent[..9], sent[9]), (&ours[..], ours[0]), "nine, and then the first again");
        }
    }

    #[test]
    fn members_that_are_alone_in_their_zones_are_neighbours() {
        let zones = [0, 0, 0, 1, 2, 3, 4, 5];
        let sent = rounds(&mut view(6, &zones, &[]), 1, 4, 4);
        assert_eq!(sent.len(), 4);
        assert!(sent.iter().all(|&id| id >= 4 && id != 6), "{sent:?}");
        assert_eq!(
            rounds(&mut view(4, &zones[..4], &[]), 3, 2, 4),
            [0u64; 0],
            "alone among others that are not"
        );
    }

    #[test]
    fn among_many_dead_the_search_goes_on_round_by_round() {
        let dead: Vec<u64> = (10..=3_000).collect();
        let mut sent = rounds(&mut view(1, &[0; 3_000], &dead), 200, 2, 4);
        sent.sort_unstable();
        sent.dedup();
        assert_eq!(sent.len(), 4, "{sent:?}");
    }

    #[test]
    fn half_of_a_round_are_neighbours_and_fewer_in_a_small_zone() {
        let shares = |fanout, sends, company| {
            let mut neighbours = Neighbours::NEW;
            [(); 4].map(|()| neighbours.share(fanout, sends, company))
        };
        assert_eq!(shares(4, 8, 999), [2, 2, 2, 2]);
        assert_eq!(shares(3, 8, 999), [1, 2, 1, 2]);
        assert_eq!(shares(1, 8, 999), [0, 1, 0, 1]);
        assert_eq!(shares(4, 8, 2), [1, 1, 1, 1]);
        assert_eq!(shares(4, 8, 0), [2, 2, 2, 2]);
    }

    quickcheck! {
        fn any_rounds_in_a_row_go_to_the_first_neighbours_in_turn(n: u8, count: u8, span: u8) -> bool {
            let n = 2 + u64::from(n % 40);
            let (count, span) = (1 + usize::from(count % 4), 1 + usize::from(span % 15));
            let ring = order(1, n);
            let ring = &ring[..span.min(ring.len())];
            let sent = rounds(&mut view(1, &vec![0; n as usize], &[]), 12, count, span);
            // Where all of them fit one round, none is in it twice.
            let in_turn = sent.iter().enumerate().all(|(at, &id)| id == ring[at % ring.len()]);
            if count <= ring.len() {
                in_turn && sent.len() == 12 * count
            } else {
                sent.iter().all(|id| ring.contains(id)) && sent.len() >= ring.len()
            }
        }
    }
}
