//! Whom hosts keep out.

use crate::support::{Network, form, formed, lan, network, secs};
use gossip_core::{Event, Heap, NodeId, NotDenied, Record, Status, Verdict};

fn deny(network: &mut Network<Heap>, host: usize, id: NodeId) -> Result<(), NotDenied> {
    let mut refused = None;
    network.command(host, |node, now, out| match node.clone().deny(now, id, out).map(|_| ()) {
        Ok(()) => match node.deny(now, id, out) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        },
        Err(error) => {
            refused = Some(error);
            node.tick(now, out)
        }
    });
    refused.map_or(Ok(()), Err)
}

fn knows(network: &Network<Heap>, host: usize, id: NodeId) -> bool {
    network.hosts[host].node.member(id).is_some()
}

#[test]
fn who_is_denied_is_heard_no_more_and_nothing_is_heard_of_it() {
    let mut network = formed(1, 5, lan(), ());
    let out = network.hosts[3].id;
    let mut told = Vec::new();
    network.command(0, |node, now, outbox| match node.deny(now, out, outbox) {
        Ok(output) => {
            told = output.events().to_vec();
            output
        }
        Err(error) => panic!("{error}"),
    });
    assert_eq!(told, [Event::Down(out), Event::Reaped(out)]);
    network.run_for(secs(20));
    assert!(!knows(&network, 0, out), "the others tell of it, and it speaks for itself");
    assert!(network.hosts[0].node.metrics().denied > 0);
    for host in [1, 2, 4] {
        assert_eq!(network.hosts[host].node.member(out).map(|member| member.status()), Some(Status::Alive));
        assert_eq!(deny(&mut network, host, out), Ok(()));
    }
    network.run_for(secs(5));
    let fingerprints: Vec<_> =
        [0, 1, 2, 4].map(|host: usize| network.hosts[host].node.fingerprint()).to_vec();
    assert!(fingerprints.windows(2).all(|pair| pair[0] == pair[1]), "those that deny it agree");
    (0..5).filter(|&host| host != 3).for_each(|host| network.hosts[host].node.allow(out));
    let address = network.hosts[3].address;
    network.restart(3, address);
    network.join(3, &[0, 1]);
    assert!(network.wait(secs(20), Network::is_formed).is_some(), "it is a member again");
}

#[test]
fn no_node_denies_itself_or_more_than_there_is_room_for() {
    let mut network = formed(2, 3, lan(), ());
    let me = network.hosts[0].id;
    assert_eq!(deny(&mut network, 0, me), Err(NotDenied::Myself));
    let ids = (1..).filter_map(NodeId::from_u64);
    let mut denied = 0;
    let refused = ids.map(|id| deny(&mut network, 0, id)).find(|result| {
        denied += usize::from(result.is_ok());
        result.is_err()
    });
    assert_eq!(refused, Some(Err(NotDenied::Full { most: denied })));
    assert_eq!((denied, network.hosts[0].node.denied().len()), (64, 64));
    network.run_for(secs(5));
    assert!(network.is_formed());
    network.leave(0);
    assert_eq!(deny(&mut network, 0, me), Err(NotDenied::Inactive));
}

#[test]
fn so_many_members_are_let_in_at_one_address_and_no_more() {
    let mut network = network(3, lan().with(|c| c.members_per_host = 2), ());
    form(&mut network, 3, 3);
    let ip = network.hosts[0].address.ip();
    for port in 1..4u16 {
        let host = network.add(&format!("more-{port}"));
        network.crash(host);
        network.restart(host, (ip, port).into());
        network.join(host, &[1, 2]);
        network.run_for(secs(5));
    }
    let at = |host: usize| {
        let at_ip = |record: &Record| record.address().ip() == ip;
        network.hosts[host].node.members().filter(|member| at_ip(member.record())).count()
    };
    assert_eq!([at(1), at(2)], [2, 2]);
    assert!(network.hosts[1].node.metrics().not_admitted > 0);
}

#[test]
fn whom_the_host_does_not_admit_does_not_become_a_member() {
    let mut network = network(4, lan(), ());
    network.set_prelude(|node, _, _| node.set_admit(Some(|record| record.address().port() == 7_946)));
    form(&mut network, 4, 3);
    let host = network.add("elsewhere");
    network.crash(host);
    let ip = network.hosts[host].address.ip();
    network.restart(host, (ip, 80).into());
    network.join(host, &[0]);
    network.run_for(secs(10));
    assert!((0..3).all(|member| !knows(&network, member, network.hosts[host].id)));
    assert_eq!(
        network.inject(0, (ip, 80).into(), &[]),
        Verdict::Malformed(gossip_core::Malformed::Truncated)
    );
}
