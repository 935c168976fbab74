//! What rumors leave behind is found and cured: what that costs, and that nothing keeps it from ending.

use crate::support::{self, Link, Network, Recorder, across_seeds, forge, lan, millis, secs, seeds};
use gossip_core::{
    Config, Health, Heap, Identity, Incarnation, Locality, Mechanisms, Mode, Record, Status, Traffic,
    Versions,
};
use quickcheck::{Arbitrary, Gen, QuickCheck};
use std::{cell::Cell, time::Duration};

/// Two nodes that hear no one else: probes go to members that do not exist, and wait for longer than any test. So
/// deaths are believed as they are told, and not asked about first.
fn quiet() -> Config {
    let s = secs(10);
    let waits = lan().with(|c| {
        c.ack_timeout_initial = s;
        c.ack_timeout_max = secs(30);
        c.direct_pings = 5;
    });
    let mechanisms = Mechanisms::ALL.with(|m| m.earned_death = false);
    waits.with(|c| {
        c.mode = Mode::Push;
        c.probe_interval = secs(60);
        c.mechanisms = mechanisms;
    })
}

/// A member that exists in tables only.
fn member(n: u32) -> Record {
    let [a, b, c, d] = n.to_be_bytes();
    let identity = Identity {
        id: support::id(&format!("member-{n}")),
        epoch: 1_000,
        address: ([11 + a, b, c, d], 7_946).into(),
        locality: Locality::default(),
    };
    Record::new(identity, Versions::OURS)
}

fn refuted(record: Record, refutation: u32) -> Record {
    record.with_incarnation(Incarnation { epoch: 1_000, refutation })
}

type Pair = Network<Heap, Recorder>;

/// Two nodes with these views; what they said of themselves at the start is no news any more.
fn pair(seed: u64, config: Config, rooms: [usize; 2], views: [&[Record]; 2]) -> Pair {
    let next = Cell::new(0);
    let memory = move || {
        next.set(next.get() + 1);
        Heap::for_members(rooms[(next.get() - 1) % 2])
    };
    let mut network = Network::new(seed, config, memory, Recorder::default());
    network.set_link(Link::PERFECT);
    for host in 0..2 {
        network.add(&format!("node-{host}"));
    }
    for (host, view) in views.into_iter().enumerate() {
        let other = network.hosts[1 - host].node.me();
        let view: Vec<Record> = view.iter().copied().chain([other]).collect();
        network.command(host, |node, now, out| node.restore(now, &view, out));
    }
    network.run_for(secs(8));
    network
}

/// Hands one node an ack of the other, with its fingerprint.
fn meet(network: &mut Pair, host: usize, other: usize) {
    let (from, fingerprint) = (network.hosts[other].address, network.hosts[other].node.fingerprint());
    let Some(said) = network.watch.0.iter().find(|datagram| datagram.from == from) else {
        panic!("it has said nothing yet");
    };
    let mut bytes = said.bytes[..14].to_vec();
    bytes.extend(fingerprint.0.to_be_bytes());
    bytes.extend([2, 0, 4, 0, 0, 0, 8]);
    network.inject(host, from, &bytes);
}

/// Lets the two meet once a second, each the other, until their views are equal.
fn heal(network: &mut Pair, limit: Duration) -> Option<Duration> {
    let start = network.now();
    while network.now().since(start) < limit {
        meet(network, 0, 1);
        meet(network, 1, 0);
        network.run_for(secs(1));
        if are_equal(network) {
            return Some(network.now().since(start));
        }
    }
    None
}

fn are_equal(network: &Pair) -> bool {
    network.hosts[0].node.fingerprint() == network.hosts[1].node.fingerprint()
}

fn sync_bytes(network: &Pair) -> u64 {
    network
        .hosts
        .iter()
        .map(|host| host.sent.bytes_of(Traffic::Sync) + host.sent.bytes_of(Traffic::Suspicion))
        .sum()
}

/// Two views of `n` members with `d` differences of all kinds: a later word or a later incarnation on one side,
/// a member that the other side lacks.
fn differing(n: u32, d: u32) -> [Vec<Record>; 2] {
    let mut views = [Vec::new(), Vec::new()];
    for i in 0..n {
        let record = member(i);
        let step = n / d.max(1);
        let differs = i % step == step / 2 && i / step < d;
        let (here, there) = match (differs, (i / step) % 4) {
            (false, _) => (Some(record), Some(record)),
            (true, 0) => (Some(record.with_state(1, Health::Degraded, 0)), Some(record)),
            (true, 1) => (Some(record), Some(refuted(record, 1))),
            (true, 2) => (None, Some(record)),
            (true, _) => (Some(record), None),
        };
        views[0].extend(here);
        views[1].extend(there);
    }
    views
}

/// Bytes until all that differs is known to one of the two, bytes until both agree, and flights until then.
fn walk(seed: u64, d: u32) -> (u64, u64, u32) {
    let views = differing(10_000, d);
    let mut network = pair(seed, quiet(), [10_200, 16_000], [&views[0], &views[1]]);
    meet(&mut network, 0, 1);
    network.run_for(secs(3));
    let before = sync_bytes(&network);
    meet(&mut network, 0, 1);
    // Digests, digests a level down, lists: three flights of 10 ms.
    network.run_for(millis(25));
    let found = sync_bytes(&network) - before;
    let mut flights = 2;
    while !are_equal(&network) && flights < 20 {
        network.run_for(millis(10));
        flights += 1;
    }
    network.run_for(millis(100));
    (found, sync_bytes(&network) - before, flights)
}

#[test]
fn differences_among_ten_thousand_members_are_repaired_for_few_bytes() {
    for (d, find, cure) in [(1, 1_500, 1_600), (10, 3_500, 4_200), (100, 19_000, 24_000)] {
        across_seeds(0..3, |seed| {
            let (found, cured, flights) = walk(seed, d);
            println!(
                "seed {seed}: {d} differences: {found} bytes to find, {cured} to cure, {flights} flights"
            );
            assert!(found <= find, "seed {seed}: {found} bytes to find {d} differences");
            assert!(cured <= cure, "seed {seed}: {cured} bytes to cure {d} differences");
            assert!(flights <= 5, "seed {seed}: {d} differences took {flights} flights");
        });
    }
}

#[test]
fn loss_slows_repair_and_does_not_stop_it() {
    across_seeds(seeds(), |seed| {
        let views = differing(2_000, 100);
        let mut network = pair(seed, quiet(), [2_100; 2], [&views[0], &views[1]]);
        network.set_link(Link { loss: 0.3, ..Link::PERFECT });
        let took = heal(&mut network, secs(300));
        assert!(took.is_some(), "seed {seed}: still different");
    });
}

#[test]
fn nothing_is_sent_between_equal_views() {
    let views = differing(1_000, 0);
    let mut network = pair(1, quiet(), [1_100; 2], [&views[0], &views[1]]);
    let before = sync_bytes(&network);
    assert_eq!(heal(&mut network, secs(1)), Some(secs(1)));
    for _ in 0..100 {
        meet(&mut network, 0, 1);
        meet(&mut network, 1, 0);
        network.run_for(millis(500));
    }
    assert_eq!(sync_bytes(&network), before);
}

#[test]
fn nodes_of_different_capacity_agree() {
    for rooms in [[300, 299], [300, 10_007], [65_536, 300]] {
        let views = differing(290, 145);
        let mut network = pair(3, quiet(), rooms, [&views[0], &views[1]]);
        let took = heal(&mut network, secs(60));
        assert!(took.is_some(), "{rooms:?}: still different");
    }
}

#[test]
fn one_that_has_no_room_for_the_rest_does_not_ask_for_it_again_and_again() {
    let views = differing(400, 0);
    let mut network = pair(4, quiet(), [420, 300], [&views[0], &views[1][..250]]);
    let _ = heal(&mut network, secs(30));
    let before = sync_bytes(&network);
    assert_eq!(heal(&mut network, secs(60)), None);
    let rate = (sync_bytes(&network) - before) / 60;
    assert!(rate <= 600, "{rate} bytes a second for nothing");
    assert_eq!(network.hosts[1].node.members().len(), 299);
}

#[test]
fn a_member_that_came_by_repair_is_told_on_once_it_answers() {
    for exists in [false, true] {
        let mut network = pair(5, quiet(), [300; 2], [&[], &[]]);
        let ghost = if exists {
            let host = network.add("ghost");
            network.hosts[host].node.me()
        } else {
            member(1)
        };
        network.command(0, |node, now, out| node.restore(now, &[ghost], out));
        network.run_for(secs(3));
        network.watch.0.truncate(8);
        assert!(heal(&mut network, secs(20)).is_some(), "still different");
        network.run_for(secs(10));
        let told = network.hosts[1].address;
        let record = [&ghost.id().as_u64().to_be_bytes()[..], &1_000u32.to_be_bytes()].concat();
        let tells =
            network.watch.0.iter().filter(|datagram| datagram.from == told && datagram.bytes[22] == 32);
        let tells = tells.filter(|datagram| datagram.bytes.windows(12).any(|bytes| bytes == record)).count();
        assert_eq!(tells > 0, exists, "{tells} rumors");
    }
}

/// What a view holds of one of 200 members.
#[derive(Clone, Debug)]
struct Held {
    n: u8,
    refutation: u8,
    version: u8,
    status: u8,
}

impl Arbitrary for Held {
    fn arbitrary(g: &mut Gen) -> Self {
        let small = |g: &mut Gen| u8::arbitrary(g) % 3;
        Self {
            n: u8::arbitrary(g) % 200,
            refutation: small(g),
            version: small(g),
            status: u8::arbitrary(g) % 6,
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let held = self.clone();
        Box::new(self.refutation.shrink().map(move |refutation| Self { refutation, ..held.clone() }))
    }
}

impl Held {
    fn record(&self) -> Record {
        let status = [Status::Alive, Status::Dead, Status::Left].get(usize::from(self.status)).copied();
        // A version names one word: the same health wherever it is held.
        refuted(member(u32::from(self.n)), u32::from(self.refutation))
            .with_status(status.unwrap_or(Status::Alive))
            .with_state(u32::from(self.version), Health::Healthy, 0)
    }
}

#[test]
fn any_two_views_become_equal() {
    fn property(here: Vec<Held>, there: Vec<Held>, seed: u64) -> bool {
        let view = |held: &[Held]| held.iter().map(Held::record).collect::<Vec<_>>();
        let (here, there) = (view(&here), view(&there));
        let mut network = pair(seed, quiet(), [210, 211], [&here, &there]);
        heal(&mut network, secs(80)).is_some()
    }
    QuickCheck::new().rng(Gen::new(300)).quickcheck(property as fn(Vec<Held>, Vec<Held>, u64) -> bool);
}

/// How long node 0 of 300 takes to learn of an update that it missed, if it does within a minute and a half. Others
/// change 20 times a second meanwhile, or not at all.
fn missed_update(seed: u64, config: Config, news: bool) -> Option<Duration> {
    const NODES: usize = 300;
    let mut network = Network::new(seed, config, || Heap::for_members(NODES + 10), ());
    network.set_link(Link::PERFECT);
    network.add_restored(NODES);
    network.run_for(secs(4));
    let deaf = network.hosts[0].address;
    network.set_cut(move |_, to| to == deaf);
    network.command(7, |node, now, out| node.set_health(now, Health::Unhealthy, out));
    network.run_for(millis(2_500));
    network.set_cut(|_, _| false);
    let missed = network.hosts[7].id;
    for change in 0..1_800 {
        let host = 10 + change % 250;
        let health = if (change / 250) % 2 == 0 { Health::Degraded } else { Health::Healthy };
        if news {
            network.command(host, |node, now, out| node.set_health(now, health, out));
        }
        network.run_for(millis(50));
        let member = network.hosts[0].node.member(missed);
        if member.is_some_and(|member| member.health() == Health::Unhealthy) {
            return Some(millis(50) * (change as u32 + 1));
        }
    }
    None
}

/// How long node 0 of 100 takes to learn that another has refuted, if it does within ten seconds: it was deaf then.
fn missed_refutation(seed: u64, config: Config) -> Option<Duration> {
    let mut network = Network::new(seed, config, || Heap::for_members(110), ());
    network.set_link(Link::PERFECT);
    network.add_restored(100);
    network.run_for(secs(4));
    let deaf = network.hosts[0].address;
    network.set_cut(move |_, to| to == deaf);
    let (accused, from) = (network.hosts[7].node.me().with_status(Status::Suspect), &network.hosts[8]);
    let (id, address) = (from.id, from.address);
    let says = forge::datagram(&forge::head(config), id, &[forge::records(&[accused], 0)]);
    network.inject(7, address, &says);
    network.run_for(millis(2_500));
    network.set_cut(|_, _| false);
    network.wait(secs(10), |network| {
        let member = network.hosts[0].node.member(accused.id());
        member.is_some_and(|member| member.incarnation() > accused.incarnation())
    })
}

#[test]
fn constant_news_does_not_starve_repair() {
    across_seeds(0..5, |seed| {
        let took = missed_update(seed, lan().with(|c| c.mode = Mode::Push), true);
        println!("seed {seed}: repaired after {took:?} at 20 changes a second");
        assert!(took.is_some(), "seed {seed}: an update is missed still");
    });
}

#[test]
fn without_repair_what_was_missed_stays_missed() {
    let mut config = lan().with(|c| c.mode = Mode::Push);
    config.mechanisms.repair = false;
    assert_eq!(missed_update(0, config, false), None);
}

#[test]
fn a_pull_brings_what_was_just_missed() {
    across_seeds(0..3, |seed| {
        let mut config = lan();
        config.mechanisms.repair = false;
        let took = missed_refutation(seed, config);
        println!("seed {seed}: pulled after {took:?}");
        assert!(took.is_some_and(|took| took <= secs(5)), "seed {seed}: {took:?}");
    });
}

#[test]
fn reconciliations_see_all_of_a_large_and_nearly_empty_table() {
    for rooms in [[1 << 20, 1 << 20], [64, 1 << 20], [1 << 20, 64]] {
        let records: Vec<Record> = (0..40).map(member).collect();
        let mut network = pair(1, quiet(), rooms, [&records, &[]]);
        assert!(heal(&mut network, secs(60)).is_some(), "{rooms:?}");
    }
}

// That all of it decodes, the virtual network checks. Here is what is hardest to get right: suspects and their accusers
// among other news, and ranges of which some are told by a list and some by a digest.

#[test]
fn answers_to_pulls_decode_however_many_are_suspected() {
    for (seed, max_datagram) in seeds().zip([400, 1_200, 1_400].into_iter().cycle()) {
        let mut network = support::network(
            seed,
            lan().with(|c| {
                c.mode = Mode::Pull;
                c.max_datagram = max_datagram;
            }),
            (),
        );
        network.add_restored(30);
        network.run_for(secs(5));
        (10..22).for_each(|host| network.crash(host));
        network.run_for(secs(20));
        let pulled = network.running().all(|host| host.node.metrics().suspicions > 4);
        assert!(pulled, "seed {seed}: there was nothing to tell");
    }
}

#[test]
fn repair_decodes_however_lists_and_digests_alternate() {
    for max_datagram in [400, 1_200, 1_400] {
        let views = differing(2_000, 500);
        let config = quiet().with(|c| c.max_datagram = max_datagram);
        let mut network = pair(1, config, [4_096, 4_096], [&views[0], &views[1]]);
        assert!(heal(&mut network, secs(300)).is_some(), "at {max_datagram} bytes");
    }
}
