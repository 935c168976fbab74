//! Nodes that sign what they say, with keys that an authority has certified.

#![allow(missing_docs, reason = "the name of a promise says all of it")]

use crate::{Adapter, Running, cluster::until, eventually, options, start};
use gossip_core::{Certificate, ClusterName, Credentials, NodeId, Signing, SigningKey, Status, Trust};
use gossip_host::{MemberView, Options, StartError};

const NODES: usize = 3;
/// The key of the authority; those of nodes begin with 1.
const AUTHORITY: u8 = 0xa0;

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|i| n ^ (i as u8).wrapping_mul(7))).unwrap()
}

/// The credentials of a node that the authority vouches for, for as long as there are epochs.
fn certified(cluster: ClusterName, name: &str, n: u8, signing: Signing) -> Credentials {
    let id = NodeId::from_name(name).unwrap();
    let certificate = Certificate::issue(&key(AUTHORITY), cluster, id, &key(n).public(), u32::MAX >> 1);
    let trust = Trust::Authority(key(AUTHORITY).public());
    Credentials { key: key(n), certificate: Some(certificate), trust, signing }
}

fn joining(test: &str, name: &str, seed: Option<&Running>) -> Options {
    let seeds = seed.map(|node| node.handle.local_addr().into()).into_iter().collect();
    options(test, name).with(|o| o.seeds = seeds)
}

fn signed(test: &str, n: u8, signing: Option<Signing>, seed: Option<&Running>) -> Options {
    let name = format!("node-{n}");
    joining(test, &name, seed).with(|o| {
        o.credentials = signing.map(|signing| certified(o.config.cluster, &name, n, signing));
    })
}

fn formed<A: Adapter>(test: &str, signing: Option<Signing>) -> Vec<Running> {
    let mut nodes: Vec<Running> = Vec::new();
    for n in 1..=NODES as u8 {
        nodes.push(start::<A>(signed(test, n, signing, nodes.first())));
    }
    all_meet(&nodes);
    nodes
}

fn is_alive(member: &MemberView) -> bool {
    member.status() == Status::Alive
}

fn all_meet(nodes: &[Running]) {
    for node in nodes {
        until(&node.handle, |members| members.iter().filter(|m| is_alive(m)).count() == nodes.len() - 1);
    }
}

pub fn nodes_with_certificates_form_a_cluster_and_no_others_get_in<A: Adapter>() {
    let nodes = formed::<A>("certified", Some(Signing::Require));
    for node in &nodes {
        let view = node.handle.signing();
        assert_eq!((view.signing, view.not_signed), (Some(Signing::Require), 0));
        assert!(node.handle.metrics().signatures_verified > 0);
    }
    let without = start::<A>(joining("certified", "without", nodes.first()));
    let refused = || nodes.iter().map(|node| node.handle.metrics().claims_not_signed).sum::<u64>();
    eventually("it is refused", || (refused() > 0).then_some(()));
    let knows = |node: &Running| node.handle.member(without.handle.id()).is_some();
    assert!(!nodes.iter().any(knows), "it is no member");
    // Nor does one start whose certificate is another's.
    let uncertified = joining("certified", "another", nodes.first()).with(|o| {
        o.credentials = Some(certified(o.config.cluster, "node-1", 1, Signing::Require));
    });
    let refused = uncertified.check().unwrap_err();
    assert!(matches!(refused, StartError::Credentials(_)), "{refused:?}");
}

pub fn a_cluster_is_signed_node_by_node_and_nobody_is_lost<A: Adapter>() {
    let nodes = formed::<A>("sign", None);
    for signing in [Signing::Accept, Signing::Require] {
        for (n, node) in (1..).zip(&nodes) {
            let credentials =
                certified(ClusterName::named("sign").unwrap(), &format!("node-{n}"), n, signing);
            eventually("all others have signed", || {
                node.handle.set_identity(credentials.clone(), false).ok()
            });
        }
    }
    for node in &nodes {
        assert_eq!(node.handle.signing().not_signed, 0);
        assert!(node.handle.members().iter().all(is_alive) && node.handle.len() == NODES - 1, "all stayed");
    }
}

pub fn a_member_that_is_denied_is_none_until_it_is_allowed<A: Adapter>() {
    let nodes = formed::<A>("deny", Some(Signing::Require));
    let (last, others) = nodes.split_last().unwrap();
    let id = last.handle.id();
    for node in others {
        node.handle.deny(id).unwrap();
        assert_eq!(node.handle.denied(), [id]);
        assert!(node.handle.member(id).is_none());
    }
    let heard = || others.iter().all(|node| node.handle.metrics().denied > 0);
    eventually("it is heard no more", || heard().then_some(()));
    assert!(others.iter().all(|node| node.handle.member(id).is_none()), "it stays away");
    others.iter().for_each(|node| node.handle.allow(id));
    all_meet(&nodes);
}
