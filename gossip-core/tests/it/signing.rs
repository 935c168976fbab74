//! That a member which knows the cluster's key, or is in a cluster without one, speaks for itself alone where all sign.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use crate::support::{
    Host, Link, Network, Rng, across_seeds, cluster,
    forge::{self, datagram, head},
    form, formed, lan, millis, network, secs, seeds,
};
use gossip_core::{
    Accusation, Certificate, Claim, Credentials, CredentialsError, Distrust, Event, Health, Heap,
    Incarnation, Instant, Locality, Node, NodeId, Outbox, PublicKey, Record, Signing, SigningKey, Status,
    Terms, Trust, Verdict,
};

/// The key of the node with this id.
fn key(id: NodeId) -> SigningKey {
    let of = id.as_u64().to_be_bytes();
    SigningKey::from_bytes(&std::array::from_fn(|at| of[at % 8] ^ at as u8)).unwrap()
}

fn authority() -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|at| at as u8)).unwrap()
}

/// What a node signs with, certified up to this epoch.
fn certified(id: NodeId, signing: Signing, last_epoch: u32) -> Credentials {
    let key = key(id);
    let certificate = Certificate::issue(&authority(), cluster("test"), id, &key.public(), last_epoch);
    let trust = Trust::Authority(authority().public());
    Credentials { key, certificate: Some(certificate), trust, signing }
}

fn credentials(id: NodeId, signing: Signing) -> Credentials {
    certified(id, signing, Incarnation::MAX_EPOCH)
}

fn sign(signing: Signing) -> impl Fn(&mut Node<Heap>, Instant, &mut Outbox<'_>) {
    move |node, now, out| {
        let output = node.set_identity(now, credentials(node.me().id(), signing), false, out).unwrap();
        assert_eq!((output.verdict, output.packets().len()), (Verdict::Accepted, 0));
    }
}

/// A cluster of `n` that has formed, in the clear: every node is an insider.
fn signed(seed: u64, n: usize) -> Network<Heap> {
    let mut network = network(seed, lan(), ());
    network.set_prelude(sign(Signing::Require));
    form(&mut network, seed, n);
    network
}

fn sum(network: &Network<Heap>, name: &str) -> u64 {
    let of = |host: &Host<Heap>| host.node.metrics().counters().find(|(of, _)| *of == name).unwrap().1;
    network.hosts.iter().map(of).sum()
}

/// Puts words into a member's mouth, at one host: the insider knows all that a member knows.
fn say(network: &mut Network<Heap>, to: usize, as_if: usize, sections: &[forge::Section]) -> Verdict {
    let (sender, at) = (network.hosts[as_if].id, network.hosts[as_if].address);
    network.inject(to, at, &datagram(&head(lan()), sender, sections))
}

/// A record and its signature, as the owner of this key would send it.
fn claim(record: Record, by: &SigningKey) -> [forge::Section; 2] {
    let signature = Claim::of(&record).sign(cluster("test"), by);
    [forge::records(&[record], 0), forge::proofs(&[Some((signature, Some(by.public().to_bytes())))])]
}

fn accusation(network: &Network<Heap>, target: usize, accuser: usize) -> (Accusation, [u8; 64]) {
    let (target, accuser) = (network.hosts[target].node.me(), network.hosts[accuser].id);
    let accusation = Accusation { target: target.id(), incarnation: target.incarnation(), accuser };
    (accusation, accusation.sign(cluster("test"), &key(accuser)))
}

fn status(network: &Network<Heap>, at: usize, of: usize) -> Status {
    network.hosts[at].node.member(network.hosts[of].id).unwrap().status()
}

/// Whether all know of all others what these have signed, and nothing else.
fn all_have_signed(network: &Network<Heap>) -> bool {
    network.running().all(|host| {
        host.node.members().for_each(|member| {
            let Some(signed) = host.node.signed_record(member.id()) else { return };
            let public = key(member.id()).public();
            assert_eq!(signed.key, public.to_bytes());
            let claim = Claim::of(&signed.record);
            assert!(
                claim.verify(cluster("test"), &public, &signed.signature),
                "nobody said {:?}",
                signed.record
            );
        });
        host.node.members_not_signed() == 0
    })
}

#[test]
fn a_cluster_that_signs_forms_and_finds_deaths_as_one_that_does_not() {
    across_seeds(seeds(), |seed| {
        let mut network = signed(seed, 12);
        network.run_for(secs(20));
        assert!(network.is_formed() && all_have_signed(&network));
        network.crash(5);
        let found = network.wait(secs(30), |network| network.all_say(5, Status::Dead));
        assert!(found.is_some(), "{}", network.opinions(5));
        let address = network.fresh_address();
        network.restart(5, address);
        network.join(5, &[0, 1]);
        assert!(network.wait(secs(20), Network::is_formed).is_some());
        network.leave(3);
        assert!(network.wait(secs(20), |network| network.all_say(3, Status::Left)).is_some());
        for refused in ["signatures_refused", "dropped_unverified"] {
            assert_eq!(sum(&network, refused), 0, "{refused}");
        }
    });
}

#[test]
fn what_a_member_says_of_its_state_reaches_all_with_its_signature() {
    across_seeds(seeds(), |seed| {
        let mut network = signed(seed, 8);
        network.command(2, |node, now, out| node.set_health(now, Health::Degraded, out));
        network.command(3, |node, now, out| {
            node.publish(now, "service", b"web:80", Terms::default(), out).unwrap()
        });
        let (ill, web) = (network.hosts[2].id, network.hosts[3].id);
        let know = |network: &Network<Heap>| {
            network.hosts.iter().filter(|host| host.id != ill && host.id != web).all(|host| {
                let health = host.node.member(ill).map(|member| member.health());
                let value = host.node.read(web, "service", &mut [0; 32]).map(<[u8]>::to_vec);
                health == Some(Health::Degraded) && value.as_deref() == Some(b"web:80")
            })
        };
        assert!(network.wait(secs(10), know).is_some(), "seed {seed}");
        assert!(network.wait(secs(10), Network::is_formed).is_some() && all_have_signed(&network));
    });
}

#[test]
fn no_insider_says_of_another_that_it_left_moved_restarted_or_is_ill() {
    let mut network = signed(1, 5);
    let (victim, insider) = (network.hosts[2].node.me(), key(network.hosts[1].id));
    let later = Incarnation { refutation: victim.incarnation().refutation + 1, ..victim.incarnation() };
    let restarted = Incarnation { epoch: later.epoch + 9, refutation: 0 };
    let lies = [
        victim.with_status(Status::Left),
        victim.with_incarnation(later),
        victim.with_incarnation(restarted),
        victim.with_address(([10, 9, 9, 9], 7_946).into()),
        victim.with_locality(Locality { region: 9, ..victim.locality() }),
        victim.with_state(victim.state_version() + 1, Health::Unhealthy, 0),
        victim.with_state(victim.state_version(), victim.health(), 200),
    ];
    let before: Vec<_> = network.hosts.iter().map(|host| (host.node.me(), host.node.fingerprint())).collect();
    for lie in lies {
        for to in [0, 2, 3] {
            assert_eq!(say(&mut network, to, 1, &[forge::records(&[lie], 0)]), Verdict::Accepted);
            assert_eq!(say(&mut network, to, 1, &claim(lie, &insider)), Verdict::Accepted);
        }
    }
    let after: Vec<_> = network.hosts.iter().map(|host| (host.node.me(), host.node.fingerprint())).collect();
    assert_eq!(before, after);
    assert_eq!((sum(&network, "claims_not_signed"), sum(&network, "signatures_refused")), (21, 21));
    network.run_for(secs(5));
    assert!(network.is_formed() && all_have_signed(&network));
    assert_eq!(network.hosts[2].node.metrics().refutations, 0);
}

#[test]
fn what_its_owner_has_signed_is_heard_whoever_tells_it_and_once() {
    let mut network = signed(2, 4);
    let victim = network.hosts[2].node.me();
    let left = claim(victim.with_status(Status::Left), &key(victim.id()));
    let verified = sum(&network, "signatures_verified");
    for _ in 0..3 {
        assert_eq!(say(&mut network, 0, 1, &left), Verdict::Accepted);
        assert_eq!(status(&network, 0, 2), Status::Left);
    }
    assert_eq!(sum(&network, "signatures_verified"), verified + 1);
    assert_eq!(say(&mut network, 0, 1, &claim(victim, &key(victim.id()))), Verdict::Accepted);
    assert_eq!(status(&network, 0, 2), Status::Left, "what was said before is not heard again");
}

#[test]
fn one_insider_makes_a_suspect_and_it_takes_two_for_a_death() {
    let mut network = signed(3, 6);
    let victim = network.hosts[2].node.me();
    // The victim's answers and refutations are lost, so that only what others say counts.
    let address = network.hosts[2].address;
    network.set_cut(move |from, _| from == address);
    let dead = forge::records(&[victim.with_status(Status::Dead)], 0);
    let (first, second) = (accusation(&network, 2, 1), accusation(&network, 2, 3));
    let forged = (second.0, first.1);
    assert_eq!(say(&mut network, 0, 1, std::slice::from_ref(&dead)), Verdict::Accepted);
    assert_eq!(status(&network, 0, 2), Status::Alive, "nobody accuses it");
    let lie = [dead.clone(), forge::signed_accusations(&[forged])];
    assert_eq!(say(&mut network, 0, 1, &lie), Verdict::Accepted);
    assert_eq!(status(&network, 0, 2), Status::Alive, "who is said to accuse it does not");
    let unsigned = (33, forge::accusation(&second.0));
    assert_eq!(say(&mut network, 0, 1, &[unsigned, dead.clone()]), Verdict::Accepted);
    assert_eq!(status(&network, 0, 2), Status::Alive, "an accusation without a signature");
    assert_eq!(
        say(&mut network, 0, 1, &[forge::signed_accusations(&[first]), dead.clone()]),
        Verdict::Accepted
    );
    assert_eq!(status(&network, 0, 2), Status::Suspect);
    assert_eq!(
        say(&mut network, 0, 1, &[dead.clone(), forge::signed_accusations(&[first])]),
        Verdict::Accepted
    );
    assert_eq!(status(&network, 0, 2), Status::Suspect, "the same accuser again");
    assert_eq!(say(&mut network, 0, 1, &[dead, forge::signed_accusations(&[second])]), Verdict::Accepted);
    assert_eq!(status(&network, 0, 2), Status::Dead);
}

#[test]
fn who_is_accused_by_an_insider_refutes_and_stays() {
    let mut network = signed(4, 6);
    let told = forge::signed_accusations(&[accusation(&network, 2, 1)]);
    assert_eq!(say(&mut network, 0, 1, &[told]), Verdict::Accepted);
    assert_eq!(status(&network, 0, 2), Status::Suspect);
    assert!(network.wait(secs(5), |network| network.all_say(2, Status::Alive)).is_some());
    assert_eq!(network.hosts[2].node.metrics().refutations, 1);
    network.run_for(secs(5));
    assert!(network.is_formed());
}

#[test]
fn forged_refutations_hide_no_crash() {
    let mut network = signed(9, 8);
    network.run_for(secs(5));
    let (victim, insider) = (network.hosts[5].node.me(), key(network.hosts[1].id));
    network.crash(5);
    for n in 1..=60 {
        let Incarnation { epoch, refutation } = victim.incarnation();
        let alive = victim.with_incarnation(Incarnation { epoch, refutation: refutation + n });
        for to in [0, 2, 3, 4, 6, 7] {
            assert_eq!(say(&mut network, to, 1, &[forge::records(&[alive], 0)]), Verdict::Accepted);
            assert_eq!(say(&mut network, to, 1, &claim(alive, &insider)), Verdict::Accepted);
        }
        network.run_for(millis(500));
    }
    assert!(network.all_say(5, Status::Dead), "{}", network.opinions(5));
}

#[test]
fn digests_in_a_members_name_draw_signed_records_within_the_budget() {
    let mut network = signed(10, 12);
    network.run_for(secs(10));
    // Level 0, all eight ranges; no sum is right.
    let digests: Vec<u8> = (0..8u8).flat_map(|range| [&[0, range << 5][..], &[7; 128]].concat()).collect();
    let before = *network.hosts[0].node.metrics();
    for _ in 0..1_000 {
        assert_eq!(say(&mut network, 0, 1, &[(14, digests.clone())]), Verdict::Accepted);
        network.run_for(millis(10));
    }
    let after = network.hosts[0].node.metrics();
    let sync = after.bytes_sync - before.bytes_sync;
    let allowed = u64::from(lan().budgets.sync) * 20 + 14 * 1_200;
    assert!(sync <= allowed, "{sync} bytes");
    assert!(after.dropped_over_budget > before.dropped_over_budget, "the budget was never reached");
    assert!(network.is_formed() && all_have_signed(&network));
}

#[test]
fn who_lacks_published_state_believes_an_insider_up_to_its_version() {
    let mut network = signed(11, 4);
    let (owner, deaf) = (network.hosts[2].id, network.hosts[0].address);
    network.set_cut(move |_, to| to == deaf);
    network
        .command(2, |node, now, out| node.publish(now, "service", b"true", Terms::default(), out).unwrap());
    let me = network.hosts[2].node.me();
    let item = |version: u32, value: &[u8]| {
        let entry = (version, "service".to_owned(), value.to_vec());
        let owner = me.with_state(version, me.health(), 0);
        forge::items(&[forge::item(&owner, &[entry], 0)])
    };
    let read = |network: &Network<Heap>| {
        network.hosts[0].node.read(owner, "service", &mut [0; 32]).map(<[u8]>::to_vec)
    };
    let top = me.state_version();
    assert_eq!(say(&mut network, 0, 1, &[item(top, b"false")]), Verdict::Accepted);
    assert_eq!(read(&network), None, "its owner has not signed that it has it");
    assert_eq!(say(&mut network, 0, 1, &claim(me, &key(owner))), Verdict::Accepted);
    assert_eq!(say(&mut network, 0, 1, &[item(top, b"false")]), Verdict::Accepted);
    assert_eq!(read(&network).as_deref(), Some(&b"false"[..]));
    assert_eq!(say(&mut network, 0, 1, &[item(top + 1, b"more")]), Verdict::Accepted);
    assert_eq!(read(&network).as_deref(), Some(&b"false"[..]), "beyond what its owner has signed");
    network.set_cut(|_, _| false);
    network.run_for(secs(60));
    assert_eq!(
        read(&network).as_deref(),
        Some(&b"false"[..]),
        "repair compares versions, and this one is right"
    );
    network.command(2, |node, now, out| node.publish(now, "service", b"new", Terms::default(), out).unwrap());
    assert!(network.wait(secs(10), |network| read(network).as_deref() == Some(b"new")).is_some());
}

#[test]
fn an_owner_that_takes_its_words_back_splits_no_view() {
    across_seeds(seeds(), |seed| {
        let mut network = signed(seed, 6);
        let (me, own) = (network.hosts[2].node.me(), key(network.hosts[2].id));
        // Its claims are later by one part and earlier by another: no merge of both was signed.
        let Incarnation { epoch, refutation } = me.incarnation();
        let base = me.state_version();
        let one = me.with_incarnation(Incarnation { epoch, refutation: refutation + 1 }).with_state(
            base + 9,
            Health::Unhealthy,
            0,
        );
        let other = me.with_incarnation(Incarnation { epoch, refutation: refutation + 2 }).with_state(
            base,
            Health::Degraded,
            0,
        );
        for (to, said) in [(0, one), (1, other), (3, other), (4, one)] {
            assert_eq!(say(&mut network, to, 2, &claim(said, &own)), Verdict::Accepted);
        }
        assert!(network.wait(secs(20), Network::is_formed).is_some(), "seed {seed}: {}", network.opinions(2));
        assert!(all_have_signed(&network));
    });
}

#[test]
fn who_signs_and_who_does_not_are_one_cluster_until_all_must() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 8, lan(), ());
        let id = |network: &Network<Heap>, host: usize| network.hosts[host].id;
        let set = |network: &mut Network<Heap>, host: usize, signing| {
            let credentials = credentials(id(network, host), signing);
            let mut refused = None;
            network.command(host, |node, now, out| {
                match node.set_identity(now, credentials.clone(), false, out).map(|_| ()) {
                    Ok(()) => node.tick(now, out),
                    Err(error) => {
                        refused = Some(error);
                        node.tick(now, out)
                    }
                }
            });
            refused.map_or(Ok(()), Err)
        };
        let early = set(&mut network, 0, Signing::Require);
        assert_eq!(early, Err(CredentialsError::NotSigned { members: 7 }));
        assert_eq!(network.hosts[0].node.signing(), None, "a refusal changes nothing");
        for host in 0..8 {
            assert_eq!(set(&mut network, host, Signing::Accept), Ok(()));
            network.run_for(millis(700));
            assert!(network.is_formed(), "seed {seed}, host {host}");
        }
        assert!(network.wait(secs(20), all_have_signed).is_some(), "seed {seed}");
        for host in 0..8 {
            assert_eq!(set(&mut network, host, Signing::Require), Ok(()));
            network.run_for(millis(700));
            assert!(network.is_formed());
        }
        network.crash(5);
        assert!(network.wait(secs(30), |network| network.all_say(5, Status::Dead)).is_some());
    });
}

#[test]
fn where_signatures_are_accepted_who_has_signed_is_not_spoken_for() {
    let mut network = network(5, lan(), ());
    network.set_prelude(sign(Signing::Accept));
    form(&mut network, 5, 3);
    network.set_prelude(|_, _, _| {});
    network.add_joined(2);
    assert!(network.wait(secs(20), Network::is_formed).is_some());
    let [signs, does_not] = [2, 3].map(|host: usize| network.hosts[host].node.me().with_status(Status::Left));
    assert_eq!(say(&mut network, 0, 4, &[forge::records(&[signs, does_not], 0)]), Verdict::Accepted);
    assert_eq!((status(&network, 0, 2), status(&network, 0, 3)), (Status::Alive, Status::Left));
}

#[test]
fn nobody_is_let_in_without_a_certificate_that_is_good_for_its_epoch() {
    let mut network = signed(6, 3);
    network.set_prelude(|_, _, _| {});
    let unsigned = network.add("unsigned");
    network.set_prelude(|node, now, out| {
        let late = certified(node.me().id(), Signing::Accept, node.me().incarnation().epoch - 1);
        let refused = node.set_identity(now, late, false, out).map(|_| ()).unwrap_err();
        assert!(matches!(refused, CredentialsError::Distrusted(Distrust::Certificate(_))), "{refused}");
        let foreign = Credentials {
            key: authority(),
            certificate: None,
            trust: Trust::Listed(
                gossip_core::Listed::new(leak(node.me().id(), authority().public())).unwrap(),
            ),
            signing: Signing::Accept,
        };
        let _ = node.set_identity(now, foreign, false, out).unwrap();
    });
    let listed = network.add("listed");
    for host in [unsigned, listed] {
        network.join(host, &[0, 1, 2]);
    }
    network.run_for(secs(10));
    assert!(network.hosts[..3].iter().all(|host| host.node.members().len() == 2));
    assert!(sum(&network, "claims_not_signed") > 0 && sum(&network, "signatures_refused") > 0);
    assert!(!network.hosts[unsigned].events.iter().any(|(_, event)| *event == Event::Joined));
}

fn leak(id: NodeId, key: PublicKey) -> &'static [(NodeId, PublicKey)] {
    Box::leak(Box::new([(id, key)]))
}

#[test]
fn of_a_flood_of_signatures_two_thousand_a_second_are_verified() {
    let mut network = signed(7, 3);
    let insider = key(network.hosts[1].id);
    let victim = network.hosts[2].node.me();
    network.run_for(secs(2));
    let lie = victim.with_status(Status::Left);
    let signature = Claim::of(&lie).sign(cluster("test"), &insider);
    let lie = [forge::records(&[lie], 0), forge::proofs(&[Some((signature, None))])];
    let before = *network.hosts[0].node.metrics();
    for _ in 0..2_500 {
        assert_eq!(say(&mut network, 0, 1, &lie), Verdict::Accepted);
    }
    let after = network.hosts[0].node.metrics();
    assert_eq!(after.signatures_refused - before.signatures_refused, 2_000);
    assert_eq!(after.dropped_unverified - before.dropped_unverified, 500);
    network.run_for(secs(5));
    assert!(network.is_formed());
}

#[test]
fn a_view_is_restored_with_the_signatures_that_others_need() {
    let mut network = signed(8, 5);
    let kept: Vec<_> =
        network.hosts.iter().filter_map(|host| network.hosts[4].node.signed_record(host.id)).collect();
    assert_eq!(kept.len(), 5);
    let records: Vec<_> = kept.iter().map(|signed| signed.record).collect();
    let address = network.hosts[4].address;
    network.restart(4, address);
    network.command(4, |node, now, out| node.restore(now, &records, out));
    assert_eq!(network.hosts[4].node.members().len(), 0, "what was kept without signatures");
    network.command(4, |node, now, out| node.restore_signed(now, &kept, out));
    assert_eq!((network.hosts[4].node.members().len(), network.hosts[4].node.members_not_signed()), (4, 0));
    assert!(network.wait(secs(10), Network::is_formed).is_some());
    assert!(all_have_signed(&network));
}

/// Whatever hosts do and networks lose, all end up with what each member signed last, and with nothing that it did not say.
#[test]
fn whatever_befalls_a_cluster_views_become_equal_and_are_what_was_signed() {
    across_seeds(seeds().step_by(4), |seed| {
        let mut network = signed(seed, 8);
        let mut rng = Rng::new(seed);
        network.set_link(Link { loss: 0.1, ..Link::LAN });
        for _ in 0..40 {
            let host = rng.below(8) as usize;
            match (rng.below(6), network.hosts[host].is_running()) {
                (0, true) => {
                    let health =
                        [Health::Healthy, Health::Degraded, Health::Unhealthy][rng.below(3) as usize];
                    network.command(host, |node, now, out| node.set_health(now, health, out));
                }
                (1, true) => {
                    let value = [b'0' + rng.below(10) as u8];
                    // One that has left writes no more.
                    network.command(host, |node, now, out| {
                        match node.clone().publish(now, "key", &value, Terms::default(), out) {
                            Ok(_) => node.publish(now, "key", &value, Terms::default(), out).unwrap(),
                            Err(_) => node.tick(now, out),
                        }
                    });
                }
                (2, true) if network.running().count() > 5 => network.crash(host),
                (3, true) if network.running().count() > 5 => network.leave(host),
                (4, true) => network.pause(host, secs(3)),
                (_, false) | (5, true) => {
                    let address = network.fresh_address();
                    network.restart(host, address);
                    let others: Vec<usize> =
                        (0..8).filter(|&other| network.hosts[other].is_running()).collect();
                    network.join(host, &others);
                }
                _ => {}
            }
            network.run_for(millis(700));
            let _ = all_have_signed(&network);
        }
        network.set_link(Link::LAN);
        for host in 0..8 {
            let address = network.fresh_address();
            network.restart(host, address);
            let others: Vec<usize> = (0..8).filter(|&other| other != host).collect();
            network.join(host, &others);
            network.run_for(secs(1));
        }
        assert!(network.wait(secs(120), Network::is_formed).is_some(), "seed {seed}");
        assert!(all_have_signed(&network));
        assert_eq!(sum(&network, "signatures_refused"), 0, "seed {seed}");
    });
}
