//! That nobody without the key is heard, whatever it says: outsiders are a whole cluster of nodes with the names and addresses of
//! the members, once in the clear and once under a key of their own. What they say comes as true as it can be made.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::{
    sealing::{begin, sealed, sum},
    support::{Datagram, Network, Recorder, form, lan, millis, network, secs},
};
use gossip_core::{Event, Heap, Sealing, Status, Verdict};

/// Members, and outsiders.
const NODES: usize = 6;
const SEED: u64 = 20;

/// What outsiders tell the first node while something happens among them.
fn said(happens: impl Fn(&mut Network<Heap, Recorder>)) -> Vec<Datagram> {
    let mut said = Vec::new();
    for key in [None, Some(&[2])] {
        let mut outsiders = network(SEED, lan(), Recorder::default());
        if let Some(key) = key {
            outsiders.set_prelude(begin(key, Sealing::Require));
        }
        form(&mut outsiders, SEED, NODES);
        let before = outsiders.watch.0.len();
        happens(&mut outsiders);
        let to = outsiders.hosts[0].address;
        let heard: Vec<Datagram> =
            outsiders.watch.0[before..].iter().filter(|sent| sent.to == to).cloned().collect();
        assert!(heard.len() > 10, "{} datagrams", heard.len());
        said.extend(heard);
    }
    said
}

/// The members, of whom each has the name and the address of an outsider.
fn members() -> Network<Heap, Recorder> {
    let members = sealed(SEED, NODES);
    let mut outsiders = network(SEED, lan(), ());
    form(&mut outsiders, SEED, NODES);
    for (member, outsider) in members.hosts.iter().zip(&outsiders.hosts) {
        assert_eq!((member.id, member.address), (outsider.id, outsider.address));
    }
    members
}

/// Tells the first member all that outsiders have said.
fn tell(members: &mut Network<Heap, Recorder>, said: &[Datagram]) {
    let before = sum(members, "not_sealed") + sum(members, "unknown_keys");
    for sent in said {
        let verdict = members.inject(0, sent.from, &sent.bytes);
        assert!(matches!(verdict, Verdict::NotSealed | Verdict::UnknownKey(_)), "{verdict:?}");
    }
    let refused = sum(members, "not_sealed") + sum(members, "unknown_keys") - before;
    assert_eq!(refused, said.len() as u64, "all were refused, and counted");
}

/// What the first member says of others, in events.
fn news(members: &Network<Heap, Recorder>) -> Vec<Event> {
    let events = members.hosts[0].events.iter().map(|(_, event)| *event);
    events.filter(|event| event.member().is_some()).collect()
}

#[test]
fn no_outsider_moves_a_member_or_has_it_leave() {
    let mut members = members();
    let said = said(|outsiders| {
        outsiders.leave(1);
        let elsewhere = outsiders.fresh_address();
        outsiders.restart(2, elsewhere);
        outsiders.join(2, &[0, 3]);
        assert!(outsiders.wait(secs(20), |outsiders| outsiders.all_say(1, Status::Left)).is_some());
        outsiders.run_for(secs(10));
        let moved = outsiders.hosts[0].node.member(outsiders.hosts[2].id).unwrap();
        assert_eq!(moved.address(), elsewhere);
    });
    let (id, at) = (members.hosts[2].id, members.hosts[2].address);
    let before = news(&members);
    tell(&mut members, &said);
    assert_eq!(news(&members), before);
    assert_eq!(members.hosts[0].node.member(id).unwrap().address(), at);
    members.run_for(secs(5));
    assert!(members.is_formed(), "{}", members.opinions(1));
}

#[test]
fn no_outsider_buries_who_is_alive() {
    let mut members = members();
    let said = said(|outsiders| {
        outsiders.crash(3);
        assert!(outsiders.wait(secs(60), |outsiders| outsiders.all_say(3, Status::Dead)).is_some());
        outsiders.run_for(secs(2));
    });
    let before = news(&members);
    tell(&mut members, &said);
    assert_eq!(news(&members), before, "nobody is suspected either");
    members.run_for(secs(5));
    assert!(members.is_formed(), "{}", members.opinions(3));
}

#[test]
fn no_outsider_hides_a_crash() {
    let mut members = members();
    let said = said(|outsiders| outsiders.run_for(secs(20)));
    members.crash(3);
    // The dead one's own datagrams among them, again and again.
    let (id, from) = (members.hosts[3].id, members.hosts[3].address);
    assert!(said.iter().filter(|sent| sent.from == from).count() > 10);
    for part in said.chunks(said.len().div_ceil(600)) {
        tell(&mut members, part);
        members.run_for(millis(50));
    }
    assert_eq!(members.hosts[0].node.member(id).unwrap().status(), Status::Dead);
    assert!(members.all_say(3, Status::Dead), "{}", members.opinions(3));
}

#[test]
fn no_outsider_invents_a_member() {
    let mut members = members();
    let said = said(|outsiders| {
        for n in 0..5 {
            let invented = outsiders.add(&format!("invented-{n}"));
            outsiders.join(invented, &[0, 1]);
        }
        assert!(outsiders.wait(secs(20), Network::is_formed).is_some());
        assert_eq!(outsiders.hosts[0].node.members().len(), NODES + 4);
    });
    tell(&mut members, &said);
    members.run_for(secs(5));
    assert!(members.hosts.iter().all(|host| host.node.members().len() == NODES - 1));
    assert!(members.is_formed());
}
