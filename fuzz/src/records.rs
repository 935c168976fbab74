//! Records that decode keep the laws of the merge, and a view does not depend on the order in which they came.

use gossip_core::{
    Buffer, ClusterName, Config, Fingerprint, Heap, Identity, Instant, Locality, Merge, Node, NodeId, Record,
    Status, Versions,
};

/// More records than this are not looked at: all triples are.
const MOST: usize = 5;

/// Checks the laws on the records that a section of this body holds.
pub fn run(body: &[u8]) {
    let records = gossip_core::fuzzing::records(body);
    let mut records: Vec<Record> = records.into_iter().take(MOST).collect();
    views_do_not_depend_on_the_order(&mut records);
    let alike: Vec<Record> = records.iter().map(of_one_member).collect();
    for a in &alike {
        idempotent(a);
        for b in &alike {
            commutative(a, b);
            says_what_it_did(a, b);
            alike.iter().for_each(|c| associative(a, b, c));
        }
    }
}

/// The same record of another member: only records of one member are merged.
fn of_one_member(record: &Record) -> Record {
    let Ok(id) = NodeId::from_name("one") else { unreachable!("a good name") };
    let identity = Identity {
        id,
        epoch: record.incarnation().epoch,
        address: record.address(),
        locality: record.locality(),
    };
    Record::new(identity, record.versions())
        .with_incarnation(record.incarnation())
        .with_status(record.status())
        .with_state(record.state_version(), record.health(), record.pause().as_secs() as u8)
}

fn merged(a: &Record, b: &Record) -> Record {
    let mut a = *a;
    let _ = a.merge(b);
    a
}

fn idempotent(a: &Record) {
    let mut twice = *a;
    assert_eq!(twice.merge(a), Merge::default());
    assert_eq!(twice, *a);
}

fn commutative(a: &Record, b: &Record) {
    assert_eq!(merged(a, b), merged(b, a));
}

fn associative(a: &Record, b: &Record, c: &Record) {
    assert_eq!(merged(&merged(a, b), c), merged(a, &merged(b, c)));
}

/// What comes out is not below either of the two, and the merge knows what it did.
fn says_what_it_did(a: &Record, b: &Record) {
    let mut both = *a;
    let did = both.merge(b);
    assert_eq!((did.changed, did.dominates), (both != *a, both != *b));
    assert_eq!(merged(&both, a), both);
    assert_eq!(merged(&both, b), both);
    for one in [a, b] {
        assert!((both.incarnation(), both.status()) >= (one.incarnation(), one.status()));
        let word = |r: &Record| (r.incarnation().epoch, r.state_version());
        assert!(word(&both) >= word(one));
    }
}

/// A node that was given the records, and what it knows then.
fn view(records: &[Record]) -> (Vec<Record>, Fingerprint) {
    let Ok(cluster) = ClusterName::named("fuzz") else { unreachable!("a good name") };
    let Ok(id) = NodeId::from_name("me") else { unreachable!("a good name") };
    let me = Identity { id, epoch: 1, address: ([10, 0, 0, 1], 1).into(), locality: Locality::default() };
    let memory = Heap::for_members(2 * MOST);
    let Ok(mut node) = Node::new(Config::lan(cluster), me, [7; 32], memory, Instant::ZERO) else {
        unreachable!("a good start")
    };
    let mut buffer = Buffer::<4, 128, 4_800>::new();
    let _ = node.restore(Instant::ZERO, records, &mut buffer.outbox());
    let mut members: Vec<Record> = node.members().map(|member| *member.record()).collect();
    members.sort_by_key(Record::id);
    (members, node.fingerprint())
}

fn views_do_not_depend_on_the_order(records: &mut [Record]) {
    // A host's suspects come back as alive.
    records
        .iter_mut()
        .filter(|r| r.status() == Status::Suspect)
        .for_each(|r| *r = r.with_status(Status::Alive));
    records.iter_mut().for_each(|record| *record = record.with_versions(Versions::OURS));
    let one_way = view(records);
    records.reverse();
    assert_eq!(view(records), one_way);
    let twice = [&*records, records].concat();
    assert_eq!(view(&twice), one_way);
}
