//! Sieves: what is missing is asked for, only what is missing is sent, and no one makes more of it than that.

use crate::support::{self, Host, Network, Recorder, across_seeds, forge, formed, lan, millis, secs, seeds};
use gossip_core::{Heap, Identity, Locality, Mechanisms, Metrics, Mode, Record, Traffic, Versions};

const SIEVE: u8 = 19;
const SIFTED: u8 = 20;
const NONCE: u32 = 0xDEAD_BEE8;

/// A member that exists in tables only.
fn member(n: u32) -> Record {
    let [_, _, c, d] = n.to_be_bytes();
    let identity = Identity {
        id: support::id(&format!("member-{n}")),
        epoch: 1_000,
        address: ([11, 0, c, d], 7_946).into(),
        locality: Locality::default(),
    };
    Record::new(identity, Versions::OURS)
}

/// A node that knows `known` members and one host, which is not asked for anything.
fn knowing(known: u32) -> Network<Heap, Recorder> {
    let mut network = Network::new(1, lan(), || Heap::for_members(2_048), Recorder::default());
    network.add("node-0");
    network.add("node-1");
    let other = network.hosts[1].node.me();
    let view: Vec<Record> = (0..known).map(member).chain([other]).collect();
    network.command(0, |node, now, out| node.restore(now, &view, out));
    network
}

/// A sieve of all tags, all of whose bits are the same.
fn sieve(bits: u8) -> forge::Section {
    let range = [&NONCE.to_be_bytes()[..], &[0; 4], &[0xFF; 4]].concat();
    (SIEVE, [range, vec![bits; 600]].concat())
}

/// The tags of a datagram's sections, with their bodies.
fn sections(datagram: &[u8]) -> Vec<(u8, &[u8])> {
    let (mut rest, mut sections) = (&datagram[22..], vec![]);
    while let [tag, high, low, more @ ..] = rest {
        let (body, later) = more.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        sections.push((*tag, body));
        rest = later;
    }
    sections
}

/// What node 0 has sent in answer to sieves.
fn sifted(network: &Network<Heap, Recorder>) -> Vec<Vec<u8>> {
    let from = network.hosts[0].address;
    let answers = network.watch.0.iter().filter(|datagram| datagram.from == from);
    let answers = answers.filter(|datagram| sections(&datagram.bytes).iter().any(|&(tag, _)| tag == SIFTED));
    answers.map(|datagram| datagram.bytes.clone()).collect()
}

/// How many records a datagram has, of members with addresses of four bytes: 24 bytes, and three counts.
fn records(datagram: &[u8]) -> usize {
    let bodies = sections(datagram).into_iter().filter(|&(tag, _)| tag == 32);
    bodies.map(|(_, body)| count(body)).sum()
}

fn count(mut body: &[u8]) -> usize {
    let mut records = 0;
    while !body.is_empty() {
        body = &body[24..];
        for _ in 0..3 {
            let length = body.iter().position(|&byte| byte < 0x80).map_or(body.len(), |at| at + 1);
            body = &body[length..];
        }
        records += 1;
    }
    records
}

/// Hands node 0 what the other host, at its address or from elsewhere, seems to send.
fn hand(network: &mut Network<Heap, Recorder>, at_home: bool, said: &[forge::Section]) {
    let (sender, address) = (network.hosts[1].node.me().id(), network.hosts[1].address);
    let from = if at_home { address } else { ([10, 9, 9, 9], 7_946).into() };
    let bytes = forge::datagram(&forge::head(lan()), sender, said);
    network.inject(0, from, &bytes);
}

#[test]
fn a_sieve_is_answered_with_what_it_lacks_and_under_its_nonce() {
    let mut network = knowing(100);
    hand(&mut network, true, &[sieve(0xFF)]);
    assert!(sifted(&network).is_empty(), "it has everything");
    hand(&mut network, true, &[sieve(0)]);
    let answers = sifted(&network);
    let nonces = answers.iter().flat_map(|bytes| sections(bytes)).filter(|&(tag, _)| tag == SIFTED);
    assert!(nonces.clone().all(|(_, nonce)| nonce == NONCE.to_be_bytes()));
    let told: usize = answers.iter().map(|bytes| records(bytes)).sum();
    assert_eq!(told, 102, "this node, the other host and the rest");
}

#[test]
fn a_sieve_from_another_address_gets_no_answer() {
    let mut network = knowing(100);
    hand(&mut network, false, &[sieve(0)]);
    assert!(sifted(&network).is_empty());
}

#[test]
fn a_sieve_draws_four_datagrams_and_all_together_draw_the_budget() {
    let mut network = knowing(2_000);
    hand(&mut network, true, &[sieve(0)]);
    assert_eq!(sifted(&network).iter().map(|bytes| records(bytes)).sum::<usize>(), 160);
    let before = network.hosts[0].sent.bytes_of(Traffic::Sync);
    for _ in 0..1_000 {
        hand(&mut network, true, &[sieve(0)]);
        network.run_for(millis(1));
    }
    let sent = network.hosts[0].sent.bytes_of(Traffic::Sync) - before;
    let budget = u64::from(lan().budgets.sync);
    // What it looks at is paid, too: 2,000 members cost as much as 500 bytes.
    assert!(sent < budget + 14 * 1_200, "{sent} bytes in a second, of {budget}");
    assert!(network.hosts[0].node.metrics().dropped_over_budget > 900);
}

#[test]
fn an_answer_to_a_sieve_that_was_not_sent_changes_nothing() {
    let mut network = knowing(10);
    let before = network.hosts[0].node.fingerprint();
    hand(&mut network, true, &[(SIFTED, NONCE.to_be_bytes().to_vec()), forge::records(&[member(99)], 0)]);
    assert_eq!(network.hosts[0].node.fingerprint(), before);
    assert_eq!(network.hosts[0].node.metrics().dropped_sifted, 1);
}

/// The nonce of the latest sieve that node 0 sent the other host.
fn last_asked(network: &Network<Heap, Recorder>) -> Option<Vec<u8>> {
    let (from, to) = (network.hosts[0].address, network.hosts[1].address);
    let sent = network.watch.0.iter().filter(|datagram| (datagram.from, datagram.to) == (from, to));
    let mut sieves = sent.flat_map(|datagram| sections(&datagram.bytes)).filter(|&(tag, _)| tag == SIEVE);
    sieves.next_back().map(|(_, body)| body[..4].to_vec())
}

#[test]
fn a_node_with_history_probes_an_unknown_member_that_a_sieve_brought() {
    let mut network = knowing(0);
    network.run_for(secs(2));
    // More news than can be told soon.
    for first in (100..400).step_by(30) {
        let news: Vec<Record> = (first..first + 30).map(member).collect();
        hand(&mut network, true, &[forge::records(&news, 0)]);
    }
    // Who challenges us does not know us yet: it is asked once we are introduced.
    hand(&mut network, true, &[(7, [&[0; 4][..], &[7; 8]].concat())]);
    let Some(nonce) = last_asked(&network) else { panic!("it is not asked") };
    let non_member = member(999);
    hand(&mut network, true, &[(SIFTED, nonce), forge::records(&[non_member], 0)]);
    network.run_for(millis(1));
    let here = network.hosts[0].address;
    let pinged = network.watch.0.iter().any(|datagram| {
        datagram.from == here
            && datagram.to == non_member.address()
            && sections(&datagram.bytes).iter().any(|&(tag, _)| tag == 1)
    });
    assert!(pinged, "it is believed unasked");
}

#[test]
fn joins_that_prove_no_address_make_nobody_sieve() {
    let mut network = formed(3, 1, lan(), ());
    network.run_for(secs(40));
    let before = network.hosts[0].node.metrics().sieves;
    for n in 0..3_000 {
        let non_member = forge::non_member(n);
        let bytes =
            forge::datagram(&forge::head(lan()), non_member.id(), &[forge::join(n + 1, 0, &non_member)]);
        network.inject(0, non_member.address(), &bytes);
        network.run_for(millis(1));
    }
    assert_eq!(network.hosts[0].node.metrics().sieves, before);
}

#[test]
fn a_crowd_that_sends_no_sieves_fetches_its_views() {
    let mechanisms = Mechanisms::ALL.with(|m| m.sieves = false);
    for config in [lan().with(|c| c.mechanisms = mechanisms), lan().with(|c| c.mode = Mode::Push)] {
        let mut network = Network::new(1, config, || Heap::for_members(128), ());
        (0..100).for_each(|n| _ = network.add(&format!("node-{n}")));
        (0..100).for_each(|n| network.join(n, &[0]));
        let took = network.wait(secs(30), Network::is_formed);
        let counted = |count: fn(&Metrics) -> u64| -> u64 {
            network.hosts.iter().map(|host| count(host.node.metrics())).sum()
        };
        let fetches = counted(|metrics| metrics.fetches_served);
        assert!(took.is_some() && fetches > 50, "after {took:?}, {fetches} fetches");
        assert_eq!(counted(|metrics| metrics.sieves), 0);
    }
}

#[test]
fn a_seed_that_was_there_before_a_crowd_came_knows_it_soon() {
    across_seeds(seeds().take(4), |seed| {
        let mut network = Network::new(seed, lan(), || Heap::for_members(256), ());
        (0..120).for_each(|n| _ = network.add(&format!("node-{n}")));
        network.run_for(secs(40));
        (1..120).for_each(|n| network.join(n, &[0]));
        let took = network.wait(secs(30), Network::is_formed);
        assert!(took.is_some_and(|took| took < millis(2_500)), "seed {seed}: {took:?}");
    });
}

#[test]
fn a_crowd_that_starts_at_once_has_its_views_soon_and_says_so_when_it_has() {
    const CROWD: usize = 150;
    across_seeds(seeds().take(4), |seed| {
        let mut network = Network::new(seed, lan(), || Heap::for_members(256), ());
        (0..CROWD).for_each(|n| _ = network.add(&format!("node-{n}")));
        (0..CROWD).for_each(|n| network.join(n, &[0]));
        let start = network.now();
        let mut known_when_joined = [0; CROWD];
        while !network.is_formed() || known_when_joined.contains(&0) {
            network.run_for(millis(20));
            let took = network.now().since(start);
            assert!(took < secs(4), "seed {seed}: not yet after {took:?}");
            for (host, known) in network.hosts.iter().zip(&mut known_when_joined) {
                if *known == 0 && host.node.is_joined() {
                    *known = host.node.members().len() + 1;
                }
            }
        }
        // The first ones join a few, and know all of those.
        let most = known_when_joined.iter().filter(|&&known| known * 10 > CROWD * 9).count();
        assert!(most * 10 > CROWD * 7, "seed {seed}: {known_when_joined:?}");
    });
}

#[test]
fn a_flood_that_takes_the_budget_does_not_keep_a_joiner_from_saying_so() {
    const CROWD: usize = 150;
    let mut network = Network::new(1, lan(), || Heap::for_members(256), ());
    (0..CROWD).for_each(|n| _ = network.add(&format!("node-{n}")));
    (0..CROWD).for_each(|n| network.join(n, &[0]));
    // Digests in the seed's name whose sums are all wrong: each is answered with the most that one can.
    let digests: Vec<u8> = (0..8u8).flat_map(|range| [&[0, range << 5][..], &[7; 128]].concat()).collect();
    let (seed, home) = (network.hosts[0].id, network.hosts[0].address);
    let forged = forge::datagram(&forge::head(lan()), seed, &[(14, digests)]);
    let sieves = |host: &Host<Heap>| !host.node.is_joined() && host.node.metrics().sieves > 0;
    assert!(network.wait(secs(4), |network| network.hosts.iter().any(sieves)).is_some());
    let joiners: Vec<usize> = (1..CROWD).filter(|&host| sieves(&network.hosts[host])).collect();
    for _ in 0..1_100 {
        joiners.iter().for_each(|&host| _ = network.inject(host, home, &forged));
        network.run_for(millis(10));
    }
    let waiting = joiners.iter().filter(|&&host| !network.hosts[host].node.is_joined()).count();
    assert_eq!(waiting, 0, "of {} have not joined after 11 s", joiners.len());
}

#[test]
fn nodes_whose_tables_are_full_do_not_go_on_sieving() {
    for room in [64, 100] {
        let mut network = Network::new(1, lan(), move || Heap::for_members(room), ());
        (0..150).for_each(|n| _ = network.add(&format!("node-{n}")));
        (0..150).for_each(|n| network.join(n, &[0]));
        network.run_for(secs(60));
        let sieves = |network: &Network<Heap>| -> u64 {
            network.hosts.iter().map(|host| host.node.metrics().sieves).sum()
        };
        let before = sieves(&network);
        network.run_for(secs(10));
        let a_second = (sieves(&network) - before) as f64 / 10.0 / 150.0;
        assert!(a_second < 1.0, "room for {room}: {a_second} sieves a node and second");
    }
}
