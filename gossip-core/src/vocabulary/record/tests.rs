use super::*;
use quickcheck::{Arbitrary, Gen, quickcheck};
use std::{string::ToString as _, vec::Vec};

impl Arbitrary for Record {
    /// Values from small ranges, so that ties, conflicts and dominance all happen.
    fn arbitrary(g: &mut Gen) -> Self {
        let mut pick = |n: u8| u8::arbitrary(g) % n;
        let identity = Identity {
            id: NodeId::from_u64(1 + u64::from(pick(2))).unwrap(),
            epoch: u32::from(pick(3)),
            address: ([10, 0, 0, 1 + pick(2)], 1 + u16::from(pick(2))).into(),
            locality: Locality { region: pick(2), zone: pick(2), rack: 0 },
        };
        let incarnation = Incarnation { epoch: identity.epoch, refutation: u32::from(pick(3)) };
        let health = Health::ALL[usize::from(pick(3))];
        Self::new(identity, Versions { min: 1, max: 1 + pick(2) })
            .with_incarnation(incarnation)
            .with_status(Status::ALL[usize::from(pick(4))])
            .with_state(u32::from(pick(3)), health, pick(2))
    }
}

#[test]
fn a_record_is_credible_only_where_a_correct_node_could_have_said_it() {
    let identity = Identity {
        id: NodeId::from_u64(1).unwrap(),
        epoch: Incarnation::MAX_EPOCH,
        address: ([10, 0, 0, 1], 7_946).into(),
        locality: Locality::default(),
    };
    let record = Record::new(identity, Versions::OURS);
    let most = Incarnation::MAX_COUNT;
    assert!(record.with_state(most, Health::Healthy, 0).is_credible());
    for not in [
        record.with_incarnation(Incarnation { epoch: Incarnation::MAX_EPOCH + 1, refutation: 0 }),
        record.with_incarnation(Incarnation { epoch: 1, refutation: most + 1 }),
        record.with_state(most + 1, Health::Healthy, 0),
        record.with_versions(Versions { min: 2, max: 1 }),
        record.with_versions(Versions { min: 0, max: 1 }),
        record.with_address(([224, 0, 0, 1], 7_946).into()),
        record.with_address(([10, 0, 0, 1], 0).into()),
    ] {
        assert!(!not.is_credible(), "{not:?}");
    }
}

#[test]
fn racks_of_a_zone_share_a_failure_domain_and_zones_of_two_regions_do_not() {
    let at = |region, zone, rack| Locality { region, zone, rack }.domain();
    assert_eq!(at(3, 1, 0), at(3, 1, 7));
    assert_ne!(at(3, 1, 0), at(2, 1, 0));
    assert_eq!(at(3, 1, 0).to_string(), "3/1");
}

fn merged(records: &[Record]) -> Record {
    let mut all = records[0];
    for record in &records[1..] {
        let _ = all.merge(&Record { id: all.id, ..*record });
    }
    all
}

quickcheck! {
    fn merge_is_commutative(a: Record, b: Record) -> bool {
        merged(&[a, b]) == merged(&[Record { id: a.id, ..b }, a])
    }

    fn merge_is_associative(a: Record, b: Record, c: Record) -> bool {
        merged(&[merged(&[a, b]), c]) == merged(&[a, merged(&[Record { id: a.id, ..b }, c])])
    }

    fn merge_is_idempotent(a: Record) -> bool {
        let mut merged = a;
        merged.merge(&a) == Merge::default() && merged == a
    }

    fn merge_says_truly_what_it_did(a: Record, b: Record) -> bool {
        let b = Record { id: a.id, ..b };
        let mut merged = a;
        let did = merged.merge(&b);
        did.changed == (merged != a)
            && did.dominates == (merged != b)
            && did.conflict == (a.incarnation() == b.incarnation() && !a.same_fields(&b))
    }

    fn any_order_with_any_duplicates_ends_in_the_same_record(history: Vec<Record>, turns: Vec<usize>) -> bool {
        if history.is_empty() {
            return true;
        }
        let mut shuffled: Vec<Record> = history.iter().map(|r| Record { id: history[0].id, ..*r }).collect();
        for (i, turn) in turns.iter().enumerate() {
            let (n, j) = (shuffled.len(), i % shuffled.len());
            shuffled.swap(j, turn % n);
            shuffled.push(shuffled[turn % n]);
        }
        merged(&history) == merged(&shuffled)
    }

    fn merge_never_goes_backwards(a: Record, b: Record) -> bool {
        let mut merged = a;
        let _ = merged.merge(&Record { id: a.id, ..b });
        merged.rank() >= a.rank() && merged.rank() >= b.rank()
    }

    fn ids_print_and_parse_alike(id: u64) -> bool {
        NodeId::from_u64(id).is_none_or(|id| {
            let text = format!("{id}");
            text.len() == 13 && text.parse() == Ok(id) && text.to_lowercase().parse() == Ok(id)
        })
    }
}

#[test]
fn what_is_no_id_does_not_parse() {
    for text in ["", "0000000000000", "ZZZZZZZZZZZZZ", "000000000000U", "00000000000001", "000000000001"] {
        assert_eq!(text.parse::<NodeId>(), Err(ParseNodeIdError), "{text}");
    }
}

#[test]
fn the_id_of_a_name_never_changes() {
    assert_eq!(NodeId::from_name("db-1").unwrap().to_string(), "BMBVNXHTPWDGT");
}
