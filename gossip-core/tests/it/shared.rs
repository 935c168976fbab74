//! Cluster-wide values: all members end with the same, whatever was lost, and nothing that was deleted comes back.

use crate::support::{Link, Network, across_seeds, forge, lan, secs, seeds};
use gossip_core::{
    Authority, Config, Event, Heap, Inline, InlineState, Instant, Mode, Node, NodeId, Traffic, ValueError,
    ValueTag, Verdict,
};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn set(network: &mut Network<Heap>, host: usize, key: &str, value: &[u8]) {
    network.command(host, |node, now, out| match node.set_value(now, key, value, out) {
        Ok(output) => output,
        Err(error) => panic!("{key}: {error}"),
    });
}

fn delete(network: &mut Network<Heap>, host: usize, key: &str) {
    network.command(host, |node, now, out| match node.delete_value(now, key, out) {
        Ok(output) => output,
        Err(error) => panic!("{key}: {error}"),
    });
}

fn reserve(network: &mut Network<Heap>, host: usize, prefix: &str) {
    network.command(host, |node, now, out| match node.reserve_values(now, &[prefix], out) {
        Ok(output) => output,
        Err(error) => panic!("{prefix}: {error}"),
    });
}

fn pass_on(network: &mut Network<Heap>, host: usize, key: &str, value: Option<&[u8]>, revision: u64) {
    let at = Authority { source: 1, revision };
    network.command(host, |node, now, out| match node.set_authority_value(now, key, value, at, out) {
        Ok(output) => output,
        Err(error) => panic!("{key}: {error}"),
    });
}

/// Keys and values of a host, with revisions and writers.
type Values = Vec<(String, Vec<u8>, u64, NodeId)>;

fn values(network: &Network<Heap>, host: usize) -> Values {
    let values = network.hosts[host].node.values();
    values
        .map(|value| (value.key().to_owned(), value.bytes().to_vec(), value.revision(), value.writer()))
        .collect()
}

fn running(network: &Network<Heap>) -> impl Iterator<Item = usize> + '_ {
    (0..network.hosts.len()).filter(|&host| network.hosts[host].is_running())
}

fn all_have(network: &Network<Heap>, key: &str, value: Option<&[u8]>) -> bool {
    running(network).all(|host| {
        network.hosts[host].node.value(key).map(|value| value.bytes().to_vec()).as_deref() == value
    })
}

/// Whether all running hosts hold the same, byte for byte.
fn all_agree(network: &Network<Heap>) -> bool {
    let held = |host: usize| (network.hosts[host].node.values_sum(), values(network, host));
    let first = running(network).next().map(held);
    running(network).all(|host| Some(held(host)) == first)
}

fn restored(seed: u64, nodes: usize, config: Config, link: Link) -> Network<Heap> {
    let mut network = Network::new(seed, config, move || Heap::for_members(nodes + 8), ());
    network.set_link(link);
    network.add_restored(nodes);
    network.run_for(secs(5));
    network
}

/// Cuts the hosts below `at` off from the others, both ways.
fn part(network: &mut Network<Heap>, at: usize) {
    let low: Vec<_> = network.hosts[..at].iter().map(|host| host.address).collect();
    network.set_cut(move |a, b| low.contains(&a) != low.contains(&b));
}

fn heal(network: &mut Network<Heap>) {
    network.set_cut(|_, _| false);
}

#[test]
fn a_value_is_known_to_all_at_once() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 200, lan(), Link::PERFECT);
        set(&mut network, 7, "flags/dark", b"on");
        let took = network.wait(secs(5), |network| all_have(network, "flags/dark", Some(b"on")));
        assert!(took.is_some_and(|took| took < Duration::from_millis(250)), "seed {seed}: {took:?}");
        set(&mut network, 9, "flags/dark", b"off");
        let took = network.wait(secs(5), |network| all_have(network, "flags/dark", Some(b"off")));
        assert!(took.is_some_and(|took| took < Duration::from_millis(250)), "seed {seed}: {took:?}");
    });
}

#[test]
fn at_20_percent_loss_all_know_a_value_within_seconds() {
    let (mut longest, mut longest_of_many) = (Duration::ZERO, Duration::ZERO);
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 200, lan(), Link { loss: 0.2, ..Link::PERFECT });
        set(&mut network, 7, "flags/dark", b"on");
        let took = network.wait(secs(20), |network| all_have(network, "flags/dark", Some(b"on")));
        longest = longest.max(took.unwrap_or(MINUTE));
        for n in 0..10 {
            set(&mut network, n, &format!("key-{n}"), &[n as u8; 300]);
        }
        let took = network.wait(secs(30), all_agree);
        longest_of_many = longest_of_many.max(took.unwrap_or(MINUTE));
        assert_eq!(values(&network, 0).len(), 11, "seed {seed}");
    });
    println!("all know one after {longest:?}, and ten of 300 bytes after {longest_of_many:?}, at the most");
    assert!(longest < secs(2) && longest_of_many < secs(8), "{longest:?}, {longest_of_many:?}");
}

#[test]
fn values_reach_all_where_nothing_is_pushed() {
    across_seeds(seeds(), |seed| {
        let config = lan().with(|c| c.mode = Mode::Pull);
        let mut network = restored(seed, 30, config, Link { loss: 0.05, ..Link::PERFECT });
        for n in 0..5 {
            set(&mut network, n, &format!("key-{n}"), b"value");
        }
        let took = network.wait(MINUTE, all_agree);
        assert!(took.is_some_and(|took| took < secs(20)), "seed {seed}: {took:?}");
        assert_eq!(values(&network, 29).len(), 5, "seed {seed}");
    });
}

#[test]
fn a_cluster_without_values_says_nothing_of_them() {
    let mut network = restored(1, 8, lan(), Link::PERFECT);
    network.run_for(MINUTE);
    assert!(network.hosts.iter().all(|host| host.node.metrics().bytes_of_state == 0));
    set(&mut network, 0, "k", b"v");
    network.run_for(MINUTE);
    let before: u64 = network.hosts.iter().map(|host| host.node.metrics().bytes_of_state).sum();
    network.run_for(MINUTE);
    let after: u64 = network.hosts.iter().map(|host| host.node.metrics().bytes_of_state).sum();
    // A sum of seven bytes with one ping of four, and a ping a second.
    assert!((60..160).contains(&((after - before) / 8)), "{} bytes a minute and node", (after - before) / 8);
}

#[test]
fn a_partition_with_writes_on_both_sides_ends_with_equal_bytes() {
    let mut longest = Duration::ZERO;
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 30, lan(), Link { loss: 0.05, ..Link::PERFECT });
        for text in ["both", "left", "right", "gone", "kept"] {
            set(&mut network, 3, text, b"before");
        }
        network.run_for(secs(5));
        part(&mut network, 12);
        network.run_for(secs(20));
        for round in 0..5u8 {
            set(&mut network, 2, "both", &[b'l', round]);
            set(&mut network, 4, "left", &[b'l', round]);
            set(&mut network, 20, "right", &[b'r', round]);
            network.run_for(MINUTE);
        }
        // The right side has written it more often, so its last write has the greatest version.
        for round in 0..9u8 {
            set(&mut network, 25, "both", &[b'r', round]);
            network.run_for(secs(1));
        }
        delete(&mut network, 22, "gone");
        set(&mut network, 5, "new", b"n");
        network.run_for(secs(5));
        let address = network.hosts[21].address;
        network.restart(21, address);
        network.join(21, &[20, 22]);
        network.run_for(secs(5));
        let greatest = network.hosts[20].node.value("both").map(|value| value.revision());
        assert!(greatest > network.hosts[2].node.value("both").map(|value| value.revision()), "seed {seed}");
        heal(&mut network);
        let took = network.wait(MINUTE * 2, |network| network.is_formed());
        let more = network.wait(secs(60), all_agree);
        longest = longest.max(more.unwrap_or(MINUTE));
        assert!(
            took.is_some() && more.is_some_and(|more| more < secs(10)),
            "seed {seed}: {took:?}, {more:?}"
        );
        let bytes = |key: &str| network.hosts[0].node.value(key).map(|value| value.bytes().to_vec());
        assert_eq!(bytes("both"), Some(vec![b'r', 8]), "seed {seed}");
        assert_eq!(
            (bytes("left"), bytes("right")),
            (Some(vec![b'l', 4]), Some(vec![b'r', 4])),
            "seed {seed}"
        );
        assert_eq!(
            (bytes("new"), bytes("kept")),
            (Some(b"n".to_vec()), Some(b"before".to_vec())),
            "seed {seed}"
        );
        assert_eq!(bytes("gone"), None, "seed {seed}");
    });
    println!("equal {longest:?} after the views are, at the most");
}

/// It is told on by rounds, and not found by one after the other.
#[test]
fn what_comes_by_repair_is_told_on() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 60, lan(), Link::PERFECT);
        part(&mut network, 1);
        network.run_for(secs(10));
        set(&mut network, 0, "k", b"v");
        network.run_for(MINUTE);
        heal(&mut network);
        let has = |network: &Network<Heap>, count| {
            (0..60).filter(|&host| network.hosts[host].node.value("k").is_some()).count() >= count
        };
        assert!(network.wait(MINUTE * 5, |network| has(network, 2)).is_some(), "seed {seed}");
        let took = network.wait(MINUTE, |network| has(network, 60));
        assert!(took.is_some_and(|took| took < secs(2)), "seed {seed}: {took:?}");
    });
}

#[test]
fn repair_is_as_quick_however_often_it_was_needed() {
    let mut network = restored(1, 2, lan(), Link::PERFECT);
    for round in 0..12u8 {
        part(&mut network, 1);
        network.run_for(secs(2));
        set(&mut network, 0, "k", &[round]);
        network.run_for(secs(20));
        heal(&mut network);
        let took = network.wait(MINUTE * 5, all_agree);
        assert!(took.is_some_and(|took| took < secs(20)), "round {round}: {took:?}");
        network.run_for(secs(30));
    }
}

/// The one that was cut off holds the value all the time, and has never heard of the deletion.
#[test]
fn a_deleted_value_does_not_come_back() {
    across_seeds(0..3, |seed| {
        let mut network = restored(seed, 4, lan(), Link::PERFECT);
        set(&mut network, 2, "k", b"v");
        network.run_for(secs(5));
        part(&mut network, 1);
        network.run_for(secs(10));
        delete(&mut network, 2, "k");
        network.run_for(HOUR * 23);
        assert!(network.hosts[0].node.value("k").is_some(), "seed {seed}");
        heal(&mut network);
        let gone = network.wait(HOUR, |network| all_have(network, "k", None));
        assert!(gone.is_some(), "seed {seed}");
        // Everyone forgets the deletion at its time, and nobody has the value.
        network.run_for(HOUR * 2);
        assert!(all_have(&network, "k", None), "seed {seed}");
        assert!(running(&network).all(|host| network.hosts[host].node.values_sum() == 0), "seed {seed}");
        set(&mut network, 0, "k", b"again");
        network.run_for(secs(5));
        assert!(all_have(&network, "k", Some(b"again")), "seed {seed}");
    });
}

#[test]
fn a_joiner_learns_all_values_and_does_not_spread_them_anew() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 20, lan(), Link::PERFECT);
        for n in 0..60 {
            set(&mut network, n % 20, &format!("key-{n:02}"), &[n as u8; 200]);
            network.run_for(secs(1));
        }
        network.run_for(secs(30));
        assert!(all_agree(&network), "seed {seed}");
        let joiner = network.add("late");
        network.join(joiner, &[0, 1, 2]);
        let took = network.wait(MINUTE, |network| network.hosts[joiner].node.values().count() == 60);
        assert!(took.is_some_and(|took| took < secs(30)), "seed {seed}: {took:?}");
        network.run_for(secs(20));
        assert!(all_agree(&network), "seed {seed}");
        let sent = network.hosts[joiner].node.metrics().values_sent;
        assert!(sent < 60, "seed {seed}: {sent} values sent by a joiner");
    });
}

#[test]
fn what_members_set_at_once_is_a_conflict_that_is_told_once() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 20, lan(), Link::PERFECT);
        set(&mut network, 3, "k", b"three");
        set(&mut network, 4, "k", b"four");
        network.run_for(secs(10));
        assert!(all_agree(&network), "seed {seed}");
        let winner = values(&network, 0)[0].3;
        let [three, four] = [3, 4].map(|host: usize| network.hosts[host].id);
        assert_eq!(winner, three.max(four), "seed {seed}");
        let conflict = Event::ValueConflict { value: ValueTag::of("k"), loser: three.min(four) };
        for host in &network.hosts {
            let told = host.events.iter().filter(|(_, event)| *event == conflict).count();
            assert!(told <= 1 && host.node.metrics().value_conflicts == told as u64, "seed {seed}: {told}");
        }
        let told = network.hosts.iter().filter(|host| host.has_told(conflict)).count();
        assert!(told >= 2, "seed {seed}: the two that have set it know at least");
        let changed = Event::Value(ValueTag::of("k"));
        assert!(network.hosts[9].has_told(changed), "seed {seed}");
        let held = network.hosts[9].node.tagged_value(ValueTag::of("k")).map(|value| value.key().to_owned());
        assert_eq!(held.as_deref(), Some("k"), "seed {seed}");
    });
}

#[test]
fn a_forged_value_under_an_authoritys_prefix_changes_nothing() {
    let mut network = restored(1, 8, lan(), Link::PERFECT);
    for host in 0..8 {
        reserve(&mut network, host, "etcd/");
    }
    pass_on(&mut network, 2, "etcd/a", Some(b"true"), 7);
    network.run_for(secs(5));
    assert!(all_have(&network, "etcd/a", Some(b"true")));
    let refused = network.hosts[0].node.values_sum();
    let liar = (network.hosts[5].id, network.hosts[5].address);
    let sections = [
        forge::value("etcd/a", u64::MAX, liar.0, b"false"),
        forge::value("etcd/new", 1, liar.0, b"false"),
        forge::value("free", 1, liar.0, b"taken in"),
    ];
    for section in sections {
        let datagram = forge::datagram(&forge::head(network.config), liar.0, &[section]);
        assert_eq!(network.inject(0, liar.1, &datagram), Verdict::Accepted);
    }
    assert_eq!(network.hosts[0].node.metrics().forged_values, 2);
    network.run_for(secs(5));
    assert!(all_have(&network, "etcd/a", Some(b"true")) && all_have(&network, "etcd/new", None));
    assert!(all_have(&network, "free", Some(b"taken in")) && all_agree(&network));
    assert_ne!(network.hosts[0].node.values_sum(), refused);
    let by_hand = network.hosts[0].node.metrics().values_written;
    network.command(0, |node, now, out| {
        assert_eq!(node.set_value(now, "etcd/a", b"mine", out).err(), Some(ValueError::Reserved));
        assert_eq!(node.delete_value(now, "etcd/a", out).err(), Some(ValueError::Reserved));
        node.tick(now, out)
    });
    assert_eq!(network.hosts[0].node.metrics().values_written, by_hand);
}

/// Hands a section to the first host in the name of the last, from where that is or from elsewhere; what it says to that, in
/// bytes.
fn bytes_drawn(network: &mut Network<Heap>, section: &forge::Section, at_home: bool) -> u64 {
    let last = network.hosts.len() - 1;
    let (claimed, home) = (network.hosts[last].id, network.hosts[last].address);
    let from = if at_home { home } else { ([203, 0, 113, 66], 666).into() };
    let datagram = forge::datagram(&forge::head(network.config), claimed, std::slice::from_ref(section));
    let before = network.hosts[0].sent.bytes();
    assert_eq!(network.inject(0, from, &datagram), Verdict::Accepted);
    network.hosts[0].sent.bytes() - before
}

/// Sixty of 200 bytes, at eight hosts.
fn with_many_values() -> Network<Heap> {
    let mut network = restored(1, 8, lan(), Link::PERFECT);
    for n in 0..60 {
        set(&mut network, n % 8, &format!("key-{n:02}"), &[n as u8; 200]);
        network.run_for(secs(1));
    }
    network.run_for(MINUTE);
    assert!(all_agree(&network));
    network
}

#[test]
fn only_a_members_own_address_gets_answers_about_values() {
    let mut network = with_many_values();
    for section in [forge::sum(1), forge::no_values(), forge::keys("key-00", 3)] {
        assert_eq!(bytes_drawn(&mut network, &section, false), 0);
        assert!(bytes_drawn(&mut network, &section, true) > 0);
        network.run_for(MINUTE);
    }
}

#[test]
fn a_list_or_keys_draw_eight_datagrams_and_all_together_the_budget() {
    for section in [forge::no_values(), forge::keys("key-00", 100)] {
        let mut network = with_many_values();
        let drawn = bytes_drawn(&mut network, &section, true);
        assert!((4_000..=8 * 1_200).contains(&drawn), "{drawn} bytes");
        let mut total = drawn;
        for _ in 0..100 {
            network.run_for(Duration::from_millis(100));
            total += bytes_drawn(&mut network, &section, true);
        }
        assert!(total < 8 * 1_200 + 11 * 8_000, "{total} bytes in 10 s");
    }
}

#[test]
fn a_revision_at_its_end_spoils_one_key_until_an_authority_deletes_it() {
    let mut network = restored(1, 8, lan(), Link::PERFECT);
    let liar = network.hosts[7].id;
    let _ = bytes_drawn(&mut network, &forge::value("a", u64::MAX, liar, b"mine for ever"), true);
    network.run_for(secs(5));
    network.command(3, |node, now, out| {
        assert_eq!(node.set_value(now, "a", b"3", out).err(), Some(ValueError::Exhausted));
        assert_eq!(node.delete_value(now, "a", out).err(), Some(ValueError::Exhausted));
        node.tick(now, out)
    });
    for n in 0..3u8 {
        set(&mut network, 3, "b", &[n]);
        network.run_for(secs(1));
        assert!(all_have(&network, "b", Some(&[n])));
    }
    pass_on(&mut network, 2, "a", None, 1);
    network.run_for(HOUR * 25);
    set(&mut network, 3, "a", b"3");
    network.run_for(secs(1));
    assert!(all_have(&network, "a", Some(b"3")));
}

#[test]
fn an_authoritys_value_is_one_whoever_passes_it_on() {
    let mut network = restored(1, 12, lan(), Link::PERFECT);
    set(&mut network, 1, "k", b"mine");
    network.run_for(secs(2));
    for host in [2, 5, 9] {
        pass_on(&mut network, host, "k", Some(b"1"), 7);
    }
    network.run_for(secs(10));
    assert!(all_have(&network, "k", Some(b"1")) && all_agree(&network));
    assert!(network.hosts.iter().all(|host| host.node.metrics().value_conflicts == 0));
    let at = network.hosts[0].node.value("k").and_then(|value| value.authority());
    assert_eq!(at, Some(Authority { source: 1, revision: 7 }));
    network.command(3, |node, now, out| {
        assert_eq!(node.set_value(now, "k", b"mine", out).err(), Some(ValueError::Outranked));
        let earlier = Authority { source: 1, revision: 6 };
        let told = node.set_authority_value(now, "k", Some(b"0"), earlier, out).err();
        assert_eq!(told, Some(ValueError::Outdated));
        node.tick(now, out)
    });
    pass_on(&mut network, 9, "k", None, 8);
    network.run_for(secs(5));
    assert!(all_have(&network, "k", None) && all_agree(&network));
}

#[test]
fn a_full_memory_refuses_what_is_more_and_loses_nothing() {
    let mut network = restored(1, 6, lan(), Link::PERFECT);
    part(&mut network, 3);
    network.run_for(secs(20));
    for n in 0..40 {
        set(&mut network, 0, &format!("left-{n:02}"), b"l");
        set(&mut network, 5, &format!("right-{n:02}"), b"r");
    }
    network.run_for(secs(20));
    heal(&mut network);
    assert!(network.wait(MINUTE * 2, |network| network.is_formed()).is_some());
    network.run_for(MINUTE);
    for host in 0..6 {
        let held = values(&network, host);
        let own = if host < 3 { "left" } else { "right" };
        assert_eq!(held.len(), 64, "host {host} takes what fits");
        assert_eq!(held.iter().filter(|(key, ..)| key.starts_with(own)).count(), 40, "and keeps what it had");
    }
    let dropped: u64 = network.hosts.iter().map(|host| host.node.metrics().dropped_values).sum();
    assert!(dropped > 0);
    network.command(0, |node, now, out| {
        let error = node.set_value(now, "more", b"m", out).err();
        assert_eq!(error, Some(ValueError::TooMany { most: 64 }));
        node.tick(now, out)
    });
    // They differ for good, and hardly speak of it.
    let state = |network: &Network<Heap>| -> u64 {
        network.hosts.iter().map(|host| host.sent.bytes_of(Traffic::State)).sum()
    };
    network.run_for(MINUTE * 5);
    let before = state(&network);
    network.run_for(MINUTE * 10);
    let each = (state(&network) - before) / 6 / 600;
    assert!(each < 40, "{each} bytes a second and node");
    // With room, they agree again.
    for n in 0..40 {
        delete(&mut network, 0, &format!("left-{n:02}"));
    }
    network.run_for(HOUR * 25);
    assert!(all_agree(&network));
    assert_eq!(values(&network, 0).len(), 40);
}

/// Room for two values of this size in all that a node without an allocator has is enough to see what becomes of a third.
#[test]
fn values_in_place_are_as_good_as_those_on_the_heap() {
    type Memory = Inline<8, 4, InlineState<8, 8>>;
    let memory = || Inline::with_state(InlineState::new());
    let mut network: Network<Memory> = Network::new(1, lan(), memory, ());
    network.add_restored(4);
    network.command(1, |node, now, out| match node.set_value(now, "k", b"v", out) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    });
    network.run_for(secs(5));
    let has = |node: &Node<Memory>| node.value("k").is_some_and(|value| value.bytes() == b"v");
    assert!(network.hosts.iter().all(|host| has(&host.node)));
}

#[test]
fn a_write_that_cannot_be_says_which_limit_it_met() {
    let mut network = restored(1, 2, lan(), Link::PERFECT);
    network.command(0, |node, now, out| {
        assert_eq!(node.set_value(now, "", b"", out).err(), Some(ValueError::Key));
        assert_eq!(node.set_value(now, "a b", b"", out).err(), Some(ValueError::Key));
        let long = [0; 901];
        let error = node.set_value(now, "k", &long, out).err();
        assert_eq!(error, Some(ValueError::TooLarge { most: 900 }));
        assert!(node.set_value(now, "k", &long[..900], out).is_ok());
        let prefixes = ["a", "b", "c", "d", "e"];
        let error = node.reserve_values(now, &prefixes, out).err();
        assert_eq!(error, Some(ValueError::Prefixes { most: 4 }));
        node.tick(now, out)
    });
    for n in 0..17 {
        set(&mut network, 0, &format!("key-{n:02}"), &[1; 900]);
    }
    network.command(0, |node, now, out| {
        let error = node.set_value(now, "key-17", &[1; 900], out).err();
        assert_eq!(error, Some(ValueError::Full { most: 16_384 }));
        node.tick(now, out)
    });
    network.run_for(secs(30));
    assert!(all_agree(&network));
    assert_eq!(values(&network, 1).len(), 18);
    let without = Heap::without_state(4);
    let identity = gossip_core::Identity {
        id: network.hosts[0].id,
        epoch: 1,
        address: network.hosts[0].address,
        locality: gossip_core::Locality::default(),
    };
    let mut node = Node::new(lan(), identity, [1; 32], without, Instant::ZERO).expect("it is a good one");
    let mut buffer = gossip_core::Buffer::<16, 128, 19_200>::new();
    let error = node.set_value(Instant::ZERO, "k", b"v", &mut buffer.outbox()).err();
    assert_eq!(error, Some(ValueError::NoMemory));
}
