//! The core without an allocator: a five-node cluster on memory that the caller owns, lent by `&mut`.
//! The only allocations here are the virtual network's own.

use crate::support::{Network, across_seeds, form, lan, secs, seeds};
use gossip_core::{Inline, Status};

type Memory = Inline<8>;

fn formed(seed: u64) -> Network<Memory> {
    let mut network = Network::new(seed, lan(), Memory::new, ());
    form(&mut network, seed, 5);
    network
}

#[test]
fn five_nodes_without_an_allocator_form_a_cluster() {
    across_seeds(seeds(), |seed| {
        let network = formed(seed);
        for host in network.running() {
            assert_eq!(host.node.members().len(), 4, "seed {seed}");
        }
    });
}

#[test]
fn five_nodes_without_an_allocator_notice_a_crash_and_a_restart() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed);
        network.crash(2);
        assert!(network.wait(secs(60), |n| n.all_say(2, Status::Dead)).is_some(), "seed {seed}");
        let address = network.fresh_address();
        network.restart(2, address);
        network.join(2, &[0]);
        assert!(network.wait(secs(8), Network::is_formed).is_some(), "seed {seed}");
    });
}

#[test]
fn five_nodes_without_an_allocator_see_one_leave() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed);
        network.leave(4);
        assert!(network.wait(secs(5), |n| n.hosts[4].left().is_some()).is_some(), "seed {seed}");
        network.crash(4);
        assert!(network.wait(secs(5), |n| n.all_say(4, Status::Left)).is_some(), "seed {seed}");
    });
}

#[test]
fn memory_may_be_a_static_lent_to_the_node() {
    use gossip_core::{Buffer, Identity, Instant, Locality, Node, NodeId};
    let mut memory = Memory::new();
    let identity = Identity {
        id: NodeId::from_name("sensor").unwrap(),
        epoch: 1,
        address: ([10, 0, 0, 1], 7_946).into(),
        locality: Locality::default(),
    };
    let Ok(mut node) = Node::new(lan(), identity, [1; 32], &mut memory, Instant::ZERO) else {
        panic!("a good start was refused")
    };
    let mut buffer = Buffer::<8, 128, 9_600>::new();
    let mut out = buffer.outbox();
    let seed = ([10, 0, 0, 2], 7_946).into();
    let output = node.join(Instant::ZERO, &[seed], &mut out);
    let to: Vec<_> = output.packets().map(|packet| packet.to).collect();
    assert_eq!(to, [seed], "a join asks its seed");
}
