//! What an owner says of itself, signed as a whole. The later claim replaces the earlier one together with its signature, so no
//! merge makes what nobody signed.
//!
//! ```text
//! label 16 · cluster 8 · id 8 · epoch 4 · refutation 4 · state version 4 · left 1
//! · ip 16 · port 2 · region 1 · zone 1 · rack 1 · versions 1 · health 1 · pause 1
//! ```
//!
//! An IPv4 address is signed as the IPv4-mapped one.

use super::{
    key::{PublicKey, SigningKey},
    text::{CLAIM, SIGNATURE, text},
};
use crate::vocabulary::{
    config::ClusterName,
    endpoint::Endpoint,
    record::{Health, Incarnation, Locality, NodeId, Record, Status},
};

/// Bytes of the text that is signed.
const BYTES: usize = 69;

/// All that an owner says of itself: its [`Record`] without the verdict of others on whether it is alive.
///
/// ```
/// # use gossip_core::{Claim, ClusterName, Heard, Identity, Incarnation, Locality, Record, SigningKey, Versions};
/// # let text = "gossip-identity-1-8f0c1d7a53e2b94460aa1f3e7c5d92b8e4f60713a2c9d58b1e6f70432d8c9ba5";
/// # let (cluster, key) = (ClusterName::named("doc").unwrap(), SigningKey::parse(text).unwrap());
/// # let address = ([10, 0, 0, 1], 7946).into();
/// # let identity = Identity { id: key.public().own_id(), epoch: 7, address, locality: Locality::default() };
/// let record = Record::new(identity, Versions::OURS);
/// let refuted = record.with_incarnation(Incarnation { epoch: 7, refutation: 1 });
/// let (known, later) = (Claim::of(&record), Claim::of(&refuted));
/// let signature = later.sign(cluster, &key);
/// assert_eq!(known.hear(cluster, &key.public(), &later, &signature), Heard::Later);
/// assert_eq!(known.hear(cluster, &key.public(), &later, &[0; 64]), Heard::Forged);
/// assert_eq!(later.hear(cluster, &key.public(), &known, &[0; 64]), Heard::Known);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Claim {
    id: NodeId,
    said: Said,
}

/// In this order claims are compared: an honest owner only raises the first four, and changes the others only with one of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Said {
    incarnation: Incarnation,
    state_version: u32,
    left: bool,
    address: [u8; 18],
    locality: Locality,
    versions: u8,
    health: Health,
    pause_s: u8,
}

/// What became of a claim that was heard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Heard {
    /// It is not later than what is known. Its signature was not looked at.
    Known,
    /// It is later, and its owner has signed it: it replaces what is known, together with its signature.
    Later,
    /// Its owner has not signed it, or it is another node's.
    Forged,
}

impl Claim {
    /// What the owner of this record says. It has not said that it is suspect or dead: a record with those statuses has the claim
    /// of a live one, and one that has left has not.
    pub fn of(record: &Record) -> Self {
        let said = Said {
            incarnation: record.incarnation(),
            state_version: record.state_version(),
            left: record.status() == Status::Left,
            address: Endpoint::from(record.address()).to_bytes(),
            locality: record.locality(),
            versions: record.versions().to_byte(),
            health: record.health(),
            pause_s: record.pause_seconds(),
        };
        Self { id: record.id(), said }
    }

    /// Whose claim it is.
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// Whether it replaces another claim of its owner.
    pub fn is_later_than(&self, other: &Self) -> bool {
        self.said > other.said
    }

    /// The owner's signature of it, for this cluster.
    pub fn sign(&self, cluster: ClusterName, owner: &SigningKey) -> [u8; SIGNATURE] {
        owner.sign(&self.text(cluster))
    }

    /// Whether the owner of this key has signed it, for this cluster. Whether the key may speak for the id is
    /// [`Trust`](crate::Trust)'s to say.
    pub fn verify(&self, cluster: ClusterName, owner: &PublicKey, signature: &[u8; SIGNATURE]) -> bool {
        owner.verify(&self.text(cluster), signature)
    }

    /// What becomes of another claim where this one is known, and `owner` is the key of the member. It verifies one signature at
    /// the most, and none of what is not later.
    pub fn hear(
        &self,
        cluster: ClusterName,
        owner: &PublicKey,
        claim: &Self,
        signature: &[u8; SIGNATURE],
    ) -> Heard {
        if claim.id != self.id {
            Heard::Forged
        } else if !claim.is_later_than(self) {
            Heard::Known
        } else if claim.verify(cluster, owner, signature) {
            Heard::Later
        } else {
            Heard::Forged
        }
    }

    fn text(&self, cluster: ClusterName) -> [u8; BYTES] {
        let Said { incarnation, state_version, left, address, locality, versions, health, pause_s } =
            self.said;
        let Incarnation { epoch, refutation } = incarnation;
        let Locality { region, zone, rack } = locality;
        text(
            CLAIM,
            &[
                &cluster.key().to_be_bytes(),
                &self.id.to_bytes(),
                &epoch.to_be_bytes(),
                &refutation.to_be_bytes(),
                &state_version.to_be_bytes(),
                &[u8::from(left)],
                &address,
                &[region, zone, rack, versions, health as u8, pause_s],
            ],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::key::tests::{VERIFIED, key},
        *,
    };
    use crate::vocabulary::record::{Identity, Versions};
    use quickcheck::{Arbitrary, Gen, QuickCheck, TestResult};
    use std::{boxed::Box, vec::Vec};

    fn cluster() -> ClusterName {
        ClusterName { tag: 0, key: 0x675E_8FF2_DB2C_18A1 }
    }

    /// What is kept of a member, and what becomes of it.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    struct Kept {
        claim: Claim,
        signature: [u8; SIGNATURE],
    }

    impl Kept {
        fn new(record: &Record, owner: &SigningKey) -> Self {
            let claim = Claim::of(record);
            Self { claim, signature: claim.sign(cluster(), owner) }
        }

        fn hear(&mut self, owner: &SigningKey, news: &Self) -> Heard {
            let heard = self.claim.hear(cluster(), &owner.public(), &news.claim, &news.signature);
            if heard == Heard::Later {
                *self = *news;
            }
            heard
        }
    }

    /// All that an honest owner says, one after the other, as `membership/identity.rs` says it.
    #[derive(Clone, Debug)]
    struct History(Vec<Record>);

    impl Arbitrary for History {
        fn arbitrary(g: &mut Gen) -> Self {
            let mut now = first();
            let mut all = vec![now];
            for _ in 0..u8::arbitrary(g) % 12 {
                let (action, n) = (u8::arbitrary(g) % 6, u8::arbitrary(g));
                let Incarnation { epoch, refutation } = now.incarnation();
                let address = ([10, 0, 0, n], 7946).into();
                let raised = Incarnation { epoch, refutation: refutation + 1 };
                let restarted = Incarnation { epoch: epoch + 1 + u32::from(n % 3), refutation: 0 };
                let version = now.state_version();
                let running = now.status() == Status::Alive;
                now = match action {
                    0 if running => now.with_incarnation(raised),
                    1 if running => now.with_incarnation(raised).with_address(address),
                    2 if running => now.with_status(Status::Left),
                    3 => now.with_status(Status::Alive).with_incarnation(restarted).with_state(
                        0,
                        now.health(),
                        0,
                    ),
                    4 => Record::new(
                        Identity { id: now.id(), epoch: restarted.epoch, address, locality: now.locality() },
                        Versions { min: 1, max: 1 + n % 2 },
                    )
                    .with_locality(Locality { rack: n, ..now.locality() }),
                    _ => now.with_state(version + 1 + u32::from(n % 3), Health::from_u8(n % 3).unwrap(), n),
                };
                all.push(now);
            }
            Self(all)
        }

        fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
            let mut shorter = self.clone();
            let _ = shorter.0.pop();
            let shrunk = (!shorter.0.is_empty()).then_some(shorter);
            Box::new(shrunk.into_iter())
        }
    }

    fn first() -> Record {
        let address = ([10, 0, 0, 1], 7946).into();
        let id = NodeId::from_u64(5).unwrap();
        Record::new(
            Identity { id, epoch: 100, address, locality: Locality { region: 1, zone: 2, rack: 3 } },
            Versions::OURS,
        )
    }

    /// Claims that each differ from the first in one part, and are later.
    fn later() -> [Record; 11] {
        let locality = first().locality();
        let incarnation = first().incarnation();
        [
            first().with_incarnation(Incarnation { epoch: 101, ..incarnation }),
            first().with_incarnation(Incarnation { refutation: 1, ..incarnation }),
            first().with_state(1, Health::Healthy, 0),
            first().with_status(Status::Left),
            first().with_address(([10, 0, 0, 2], 7946).into()),
            first().with_address(([10, 0, 0, 1], 7947).into()),
            first().with_locality(Locality { region: 2, ..locality }),
            first().with_locality(Locality { rack: 4, ..locality }),
            first().with_versions(Versions { min: 1, max: 2 }),
            first().with_state(0, Health::Degraded, 0),
            first().with_state(0, Health::Healthy, 1),
        ]
    }

    #[test]
    fn the_owner_is_believed_and_nobody_else() {
        let (owner, insider) = (key(1), key(2));
        let known = Kept::new(&first(), &owner);
        for record in later() {
            let told = Kept::new(&record, &owner);
            let elsewhere = ClusterName { key: cluster().key() ^ 1, ..cluster() };
            for (signature, whose) in [
                (Kept::new(&record, &insider).signature, "an insider's"),
                (known.signature, "that of another claim"),
                (told.claim.sign(elsewhere, &owner), "that of another cluster"),
                ([0; SIGNATURE], "none"),
            ] {
                let mut kept = known;
                assert_eq!(
                    kept.hear(&owner, &Kept { signature, ..told }),
                    Heard::Forged,
                    "{whose}: {record:?}"
                );
                assert_eq!(kept, known);
            }
            let mut kept = known;
            assert_eq!(kept.hear(&owner, &told), Heard::Later, "{record:?}");
            assert_eq!(kept, told);
        }
    }

    #[test]
    fn a_changed_bit_of_a_claim_its_id_or_its_cluster_is_refused() {
        let (owner, claim) = (key(1), Claim::of(&first()));
        let (signature, said) = (claim.sign(cluster(), &owner), claim.text(cluster()));
        assert!(owner.public().verify(&said, &signature));
        for bit in 0..8 * said.len() {
            let mut changed = said;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!owner.public().verify(&changed, &signature), "bit {bit}");
        }
    }

    #[test]
    fn claims_that_differ_have_texts_that_differ() {
        fn property(a: Record, b: Record, clusters: (u64, u64)) -> bool {
            let (one, other) = (Claim::of(&a), Claim::of(&b));
            let [here, there] = [clusters.0, clusters.1].map(|key| ClusterName { tag: 0, key });
            let same = |a: Claim, b: Claim| (a == b) == (a.text(here) == b.text(here));
            same(one, other)
                && (here.key() == there.key()) == (one.text(here) == one.text(there))
                && (one == other) == (living(a) == living(b))
        }
        fn living(record: Record) -> Record {
            if record.status() == Status::Left { record } else { record.with_status(Status::Alive) }
        }
        QuickCheck::new().tests(2_000).quickcheck(property as fn(Record, Record, (u64, u64)) -> bool);
    }

    #[test]
    fn that_others_suspect_it_is_not_in_a_claim_and_that_it_left_is() {
        let [alive, suspect, dead, left] = [Status::Alive, Status::Suspect, Status::Dead, Status::Left]
            .map(|status| Claim::of(&first().with_status(status)));
        assert_eq!([suspect, dead], [alive; 2]);
        assert!(left.is_later_than(&alive));
    }

    #[test]
    fn a_claim_of_one_node_does_not_verify_for_another() {
        fn property(a: u64, b: u64) -> TestResult {
            if a == b || a == 0 || b == 0 {
                return TestResult::discard();
            }
            let owner = key(1);
            let of = |id| {
                let identity = Identity {
                    id: NodeId::from_u64(id).unwrap(),
                    epoch: 101,
                    address: first().address(),
                    locality: first().locality(),
                };
                Claim::of(&Record::new(identity, Versions::OURS))
            };
            let (one, other) = (of(a), of(b));
            let signature = one.sign(cluster(), &owner);
            let heard = other.hear(cluster(), &owner.public(), &one, &signature);
            TestResult::from_bool(
                !other.verify(cluster(), &owner.public(), &signature) && heard == Heard::Forged,
            )
        }
        QuickCheck::new().quickcheck(property as fn(u64, u64) -> TestResult);
    }

    #[test]
    fn what_is_not_later_is_never_verified_and_what_is_later_once() {
        fn property(history: History, at: usize) -> bool {
            let owner = key(1);
            let claims: Vec<Kept> = history.0.iter().map(|record| Kept::new(record, &owner)).collect();
            let mut kept = claims[at % claims.len()];
            claims.iter().all(|news| {
                let later = news.claim.is_later_than(&kept.claim);
                VERIFIED.set(0);
                // What is not later has no signature: nobody looks.
                let news = if later { *news } else { Kept { signature: [0; SIGNATURE], ..*news } };
                let heard = kept.hear(&owner, &news);
                heard == if later { Heard::Later } else { Heard::Known } && VERIFIED.get() == u32::from(later)
            })
        }
        QuickCheck::new().quickcheck(property as fn(History, usize) -> bool);
    }

    #[test]
    fn claims_follow_each_other_as_records_of_an_honest_owner_merge() {
        fn property(history: History, turns: Vec<usize>) -> bool {
            let (owner, mut heard) = (key(1), history.0.clone());
            for (i, turn) in turns.into_iter().enumerate() {
                let (n, at) = (heard.len(), i % heard.len());
                heard.swap(at, turn % n);
                heard.push(heard[turn % n]);
            }
            let mut merged = heard[0];
            let mut kept = Kept::new(&merged, &owner);
            for record in &heard {
                let _ = merged.merge(record);
                let _ = kept.hear(&owner, &Kept::new(record, &owner));
            }
            kept == Kept::new(&merged, &owner) && merged == *history.0.last().unwrap()
        }
        QuickCheck::new().tests(300).quickcheck(property as fn(History, Vec<usize>) -> bool);
    }

    #[test]
    fn an_honest_owner_only_raises_its_claims() {
        fn property(history: History) -> bool {
            history.0.windows(2).all(|pair| {
                let [before, after] = [&pair[0], &pair[1]].map(Claim::of);
                !before.is_later_than(&after) && (before == after || after.is_later_than(&before))
            })
        }
        QuickCheck::new().tests(1_000).quickcheck(property as fn(History) -> bool);
    }

    #[test]
    fn of_two_claims_one_is_later_or_they_are_equal() {
        fn property(a: Record, b: Record, c: Record) -> bool {
            let [a, b, c] = [a, b, c].map(|record| Claim { id: first().id(), ..Claim::of(&record) });
            let later = |a: &Claim, b: &Claim| a.is_later_than(b);
            (a == b) == (!later(&a, &b) && !later(&b, &a))
                && !(later(&a, &b) && later(&b, &a))
                && (!(later(&a, &b) && later(&b, &c)) || later(&a, &c))
        }
        QuickCheck::new().tests(2_000).quickcheck(property as fn(Record, Record, Record) -> bool);
    }
}
