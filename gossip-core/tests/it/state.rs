//! What members publish of themselves: everyone knows it soon, and nothing of it comes back once it is gone.

use crate::support::{Link, Network, across_seeds, forge, lan, secs, seeds};
use gossip_core::{AfterDeath, Config, Health, Heap, StateError, Terms};
use std::time::Duration;

fn publish(network: &mut Network<Heap>, host: usize, key: &str, value: &[u8]) {
    publish_for(network, host, key, value, Terms::default());
}

fn publish_for(network: &mut Network<Heap>, host: usize, key: &str, value: &[u8], terms: Terms) {
    network.command(host, |node, now, out| match node.publish(now, key, value, terms, out) {
        Ok(output) => output,
        Err(error) => panic!("{key}: {error}"),
    });
}

fn withdraw(network: &mut Network<Heap>, host: usize, key: &str) {
    network.command(host, |node, now, out| match node.withdraw(now, key, out) {
        Ok(output) => output,
        Err(error) => panic!("{key}: {error}"),
    });
}

/// What a host knows of a key of another.
fn read(network: &Network<Heap>, host: usize, of: usize, key: &str) -> Option<Vec<u8>> {
    let mut space = [0; 1_200];
    network.hosts[host].node.read(network.hosts[of].id, key, &mut space).map(<[u8]>::to_vec)
}

/// Whether all running hosts have this value of a key of a host.
fn all_have(network: &Network<Heap>, of: usize, key: &str, value: Option<&[u8]>) -> bool {
    let running = (0..network.hosts.len()).filter(|&host| network.hosts[host].is_running());
    running.into_iter().all(|host| read(network, host, of, key).as_deref() == value)
}

/// Whether all running hosts know all keys of all of them as their owners do.
fn all_agree(network: &Network<Heap>) -> bool {
    let running: Vec<usize> =
        (0..network.hosts.len()).filter(|&host| network.hosts[host].is_running()).collect();
    let map = |host: usize, of: usize| -> Vec<(String, Vec<u8>)> {
        let mut space = [0; 1_200];
        let entries = network.hosts[host].node.state(network.hosts[of].id);
        entries
            .map(|entry| (entry.key().to_string(), entry.value(&mut space).unwrap_or_default().to_vec()))
            .collect()
    };
    running.iter().all(|&of| {
        let own = map(of, of);
        running.iter().all(|&host| map(host, of) == own)
    })
}

fn restored(seed: u64, nodes: usize, config: Config, link: Link) -> Network<Heap> {
    let mut network = Network::new(seed, config, move || Heap::for_members(nodes + 8), ());
    network.set_link(link);
    network.add_restored(nodes);
    network.run_for(secs(5));
    network
}

#[test]
fn what_a_member_publishes_is_known_to_all_at_once() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 200, lan(), Link::PERFECT);
        publish(&mut network, 7, "port", b"8080");
        let took = network.wait(secs(5), |network| all_have(network, 7, "port", Some(b"8080")));
        assert!(took.is_some_and(|took| took < Duration::from_millis(250)), "seed {seed}: {took:?}");
    });
}

#[test]
fn at_20_percent_loss_all_know_within_a_second() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 200, lan(), Link { loss: 0.2, ..Link::PERFECT });
        publish(&mut network, 7, "port", b"8080");
        let took = network.wait(secs(5), |network| all_have(network, 7, "port", Some(b"8080")));
        assert!(took.is_some_and(|took| took < Duration::from_millis(1_200)), "seed {seed}: {took:?}");
    });
}

#[test]
fn a_key_that_is_withdrawn_is_gone_everywhere_and_the_others_stay() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 60, lan(), Link { loss: 0.1, ..Link::PERFECT });
        for n in 0..10 {
            publish(&mut network, 3, &format!("key-{n}"), b"value");
        }
        network.run_for(secs(3));
        withdraw(&mut network, 3, "key-4");
        let gone = network.wait(secs(5), |network| all_have(network, 3, "key-4", None));
        assert!(gone.is_some(), "seed {seed}");
        assert!(all_have(&network, 3, "key-5", Some(b"value")), "seed {seed}");
        assert!(all_agree(&network), "seed {seed}");
    });
}

#[test]
fn a_joiner_learns_what_all_have_published() {
    across_seeds(seeds().take(3), |seed| {
        let mut network = restored(seed, 300, lan(), Link::PERFECT);
        for host in 0..300 {
            publish(&mut network, host, "name", format!("node-{host}").as_bytes());
        }
        network.run_for(secs(10));
        assert!(all_agree(&network), "seed {seed}");
        let joiner = network.add("late");
        publish(&mut network, joiner, "name", b"late");
        network.join(joiner, &[0, 1, 2]);
        let took = network.wait(secs(10), all_agree);
        assert!(took.is_some_and(|took| took < secs(3)), "seed {seed}: {took:?}");
    });
}

#[test]
fn a_joiner_does_not_tell_all_again_what_it_was_told_at_its_start() {
    // Both with few members, whose state is asked for one by one, and with many, asked for by ranges.
    for members in [40, 200] {
        let mut network = restored(1, members, lan(), Link::LAN);
        (0..members).for_each(|host| publish(&mut network, host, "role", b"db"));
        network.run_for(secs(20));
        let joiner = network.add("joiner");
        network.join(joiner, &[0]);
        publish(&mut network, joiner, "role", b"web");
        network.run_for(secs(10));
        assert!(all_agree(&network), "among {members}");
        let sent = network.hosts[joiner].node.metrics().items_sent;
        assert!(sent <= 16, "{sent} items of its own and of others, among {members}");
    }
}

#[test]
fn a_key_of_an_earlier_epoch_never_shows_again() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 40, lan(), Link { loss: 0.1, ..Link::PERFECT });
        publish(&mut network, 5, "shard", b"12");
        network.run_for(secs(3));
        let address = network.hosts[5].address;
        network.restart(5, address);
        network.join(5, &[0, 1, 2]);
        publish(&mut network, 5, "port", b"1");
        let took = network.wait(secs(20), |network| all_have(network, 5, "port", Some(b"1")));
        assert!(took.is_some(), "seed {seed}");
        assert!(all_have(&network, 5, "shard", None), "seed {seed}");
        network.run_for(secs(60));
        assert!(all_have(&network, 5, "shard", None) && all_agree(&network), "seed {seed}");
    });
}

#[test]
fn what_a_dead_member_published_is_hidden_unless_it_outlives_it() {
    let mut network = restored(1, 20, lan(), Link::PERFECT);
    publish(&mut network, 4, "port", b"1");
    let outlives = Terms { after_death: AfterDeath::Kept, ..Terms::default() };
    publish_for(&mut network, 4, "heir", b"node-9", outlives);
    network.run_for(secs(2));
    network.crash(4);
    let hidden = network.wait(secs(20), |network| all_have(network, 4, "port", None));
    assert!(hidden.is_some());
    network.run_for(secs(90));
    assert!(all_have(&network, 4, "heir", Some(b"node-9")));
}

#[test]
fn a_value_with_a_time_to_live_ends_everywhere() {
    let mut network = restored(1, 20, lan(), Link::PERFECT);
    publish_for(&mut network, 4, "lease", b"1", Terms { ttl: Some(10), ..Terms::default() });
    network.run_for(secs(5));
    assert!(all_have(&network, 4, "lease", Some(b"1")));
    network.run_for(secs(8));
    assert!(all_have(&network, 4, "lease", None));
}

#[test]
fn a_value_lasts_no_less_than_its_time_whatever_the_moment_of_the_write() {
    let mut network = restored(1, 2, lan(), Link::PERFECT);
    for part in 0..10 {
        network.run_for(Duration::from_millis(1_100));
        let key = format!("lease-{part}");
        publish_for(&mut network, 0, &key, b"1", Terms { ttl: Some(1), ..Terms::default() });
        network.run_for(Duration::from_millis(999));
        assert_eq!(read(&network, 0, 0, &key).as_deref(), Some(&b"1"[..]), "{key}");
        network.run_for(secs(3));
        assert_eq!(read(&network, 0, 0, &key), None, "{key}");
    }
}

#[test]
fn both_sides_of_a_partition_agree_soon_after_it() {
    across_seeds(seeds(), |seed| {
        let mut network = restored(seed, 60, lan(), Link::PERFECT);
        for host in 0..60 {
            publish(&mut network, host, "name", format!("node-{host}").as_bytes());
            publish(&mut network, host, "flag", b"on");
        }
        network.run_for(secs(5));
        let side = |address: std::net::SocketAddr| match address.ip() {
            std::net::IpAddr::V4(ip) => ip.octets()[3] < 30,
            std::net::IpAddr::V6(_) => false,
        };
        network.set_cut(move |from, to| side(from) != side(to));
        network.run_for(secs(60));
        for host in (0..60).step_by(3) {
            withdraw(&mut network, host, "flag");
            publish(&mut network, host, "name", b"other");
        }
        network.run_for(secs(60));
        network.set_cut(|_, _| false);
        let took = network.wait(secs(60), |network| network.is_formed() && all_agree(network));
        assert!(took.is_some_and(|took| took < secs(20)), "seed {seed}: {took:?}");
    });
}

#[test]
fn health_changes_leave_no_gaps_that_are_asked_for() {
    let mut network = restored(1, 60, lan(), Link::PERFECT);
    for host in 0..60 {
        publish(&mut network, host, "name", b"node");
    }
    network.run_for(secs(10));
    let wants = |network: &Network<Heap>| -> u64 {
        network.hosts.iter().map(|host| host.node.metrics().wants_sent).sum()
    };
    let before = wants(&network);
    for (at, health) in [Health::Degraded, Health::Healthy, Health::Unhealthy].into_iter().enumerate() {
        network.command(at, |node, now, out| node.set_health(now, health, out));
        network.run_for(secs(2));
    }
    assert!(wants(&network) - before < 60, "{}", wants(&network) - before);
    assert!(all_agree(&network));
}

#[test]
fn a_node_that_writes_all_the_time_tells_of_it_once_a_second() {
    let mut network = restored(1, 60, lan(), Link::PERFECT);
    let sent = |network: &Network<Heap>| -> u64 {
        network.hosts.iter().map(|host| host.node.metrics().bytes_of_state).sum()
    };
    for n in 0..400 {
        publish(&mut network, 3, "load", format!("{n:050}").as_bytes());
        network.run_for(Duration::from_millis(50));
    }
    let a_second = sent(&network) / 60 / 20;
    assert!(a_second < 600, "{a_second} bytes a node and second");
    network.run_for(secs(3));
    assert!(all_have(&network, 3, "load", Some(format!("{:050}", 399).as_bytes())));
}

#[test]
fn a_key_written_faster_than_it_spreads_reaches_all_meanwhile() {
    let mut network = restored(1, 60, lan(), Link::PERFECT);
    for n in 0..400_u32 {
        publish(&mut network, 3, "load", format!("{n:050}").as_bytes());
        network.run_for(Duration::from_millis(50));
        let write_seen_by = |host| -> Option<u32> {
            let held = read(&network, host, 3, "load")?;
            str::from_utf8(&held).ok()?.parse().ok()
        };
        // It is told once a second, and spreads in less than another.
        let stale = (0..60).find(|&host| n >= 40 && write_seen_by(host).is_none_or(|seen| seen + 40 < n));
        assert_eq!(stale.and_then(write_seen_by), None, "at write {n}");
        assert_eq!(stale, None, "at write {n}");
    }
}

#[test]
fn values_whose_time_is_over_make_room_for_others() {
    let brief = Terms { ttl: Some(3), ..Terms::default() };
    let mut network = restored(1, 4, lan(), Link::PERFECT);
    for n in 0..64 {
        publish_for(&mut network, 1, &format!("k{n}"), b"v", brief);
    }
    for n in 0..22 {
        publish_for(&mut network, 2, &format!("{n:0>31}"), b"1234", brief);
    }
    network.run_for(secs(200));
    publish(&mut network, 1, "new", b"value");
    publish(&mut network, 2, "new", &[7; 600]);
    network.run_for(secs(5));
    assert!(all_have(&network, 1, "new", Some(b"value")));
    assert!(all_have(&network, 2, "new", Some(&[7; 600])));
}

#[test]
fn a_few_withdrawn_keys_make_room_for_others() {
    let mut network = restored(1, 4, lan(), Link::PERFECT);
    for n in 0..64 {
        publish(&mut network, 1, &format!("k{n}"), b"v");
    }
    for n in 0..10 {
        withdraw(&mut network, 1, &format!("k{n}"));
    }
    network.run_for(secs(61));
    for n in 0..9 {
        publish(&mut network, 1, &format!("n{n}"), b"v");
    }
    network.run_for(secs(5));
    assert!(all_agree(&network) && all_have(&network, 1, "n8", Some(b"v")));
}

#[test]
fn a_quiet_cluster_sends_nothing_of_its_state() {
    let mut network = restored(1, 60, lan(), Link::PERFECT);
    for host in 0..60 {
        publish(&mut network, host, "name", b"node");
    }
    network.run_for(secs(30));
    let sent = |network: &Network<Heap>| -> u64 {
        network
            .hosts
            .iter()
            .map(|host| host.node.metrics().bytes_of_state + host.node.metrics().bytes_state)
            .sum()
    };
    let before = sent(&network);
    network.run_for(secs(600));
    assert_eq!(sent(&network), before);
}

#[test]
fn a_write_as_long_as_it_may_be_is_taken() {
    for max_datagram in [400, 430, 431, 432, 470, 1_200, 1_400] {
        let config = lan().with(|c| (c.max_datagram, c.state_per_member) = (max_datagram, 4_096));
        for ttl in [None, Some(1), Some(1_000), Some(1 << 24)] {
            let mut network = restored(1, 2, config, Link::PERFECT);
            let terms = Terms { ttl, ..Terms::default() };
            let mut write = |len: usize| {
                let (mut buffer, now) = (gossip_core::Buffer::<8, 128, 9_600>::new(), network.now());
                network.hosts[0].node.publish(now, "k", &vec![0; len], terms, &mut buffer.outbox()).map(drop)
            };
            let Err(StateError::TooLarge { most }) = write(2_000) else {
                panic!("too large for any datagram")
            };
            assert_eq!(write(most - 1), Ok(()), "{max_datagram} {ttl:?}");
            assert_eq!(write(most), Err(StateError::TooLarge { most }), "{max_datagram} {ttl:?}");
        }
    }
}

#[test]
fn a_write_that_breaks_a_limit_says_which_and_changes_nothing() {
    let mut network = restored(1, 2, lan(), Link::PERFECT);
    publish(&mut network, 0, "kept", b"1");
    let before = network.hosts[0].node.me();
    let mut refused = |key: &str, value: &[u8], terms: Terms| {
        let mut buffer = gossip_core::Buffer::<8, 128, 9_600>::new();
        let mut out = buffer.outbox();
        let now = network.now();
        network.hosts[0].node.publish(now, key, value, terms, &mut out).map(|_| ()).unwrap_err()
    };
    let long = "k".repeat(32);
    for key in ["", long.as_str(), "two words", "käse"] {
        assert_eq!(refused(key, b"1", Terms::default()), StateError::Key, "{key:?}");
    }
    let brief = Terms { ttl: Some(100), ..Terms::default() };
    let lasting = Terms { ttl: Some(1 << 24), ..Terms::default() };
    for (terms, most) in [(Terms::default(), 897), (brief, 896), (lasting, 893)] {
        assert_eq!(refused("large", &vec![0; most - 4], terms), StateError::TooLarge { most });
    }
    assert_eq!(refused("lease", b"1", Terms { ttl: Some(0), ..Terms::default() }), StateError::Ttl);
    assert_eq!(network.hosts[0].node.me(), before);
    for n in 0..63 {
        publish(&mut network, 0, &format!("{n}"), b"1");
    }
    let mut refused = |key: &str, value: &[u8]| {
        let mut buffer = gossip_core::Buffer::<8, 128, 9_600>::new();
        let mut out = buffer.outbox();
        let now = network.now();
        network.hosts[0].node.publish(now, key, value, Terms::default(), &mut out).map(|_| ()).unwrap_err()
    };
    assert_eq!(refused("one-more", b"1"), StateError::TooMany { most: 64 });
    assert_eq!(refused("kept", &[0; 600]), StateError::Full { most: 1_024 });
    assert_eq!(read(&network, 0, 0, "kept").as_deref(), Some(&b"1"[..]));
}

/// An item of a member, as anyone can write it: one entry, and a state version `ahead` of the owner's.
fn forged_item(network: &Network<Heap>, of: usize, ahead: u8) -> forge::Section {
    let owner = network.hosts[of].node.me();
    let top = owner.state_version() + u32::from(ahead);
    assert!(top < 128, "one byte");
    let entry = [1, 4, b'e', b'v', b'i', b'l', 1, b'1'];
    let numbers = [0, 0, top as u8, 0, 1, 0, entry.len() as u8];
    let ids = [&owner.id().as_u64().to_be_bytes()[..], &owner.incarnation().epoch.to_be_bytes()].concat();
    (48, [&ids[..], &numbers, &entry].concat())
}

/// Hands a host a section, in the name of another and from its address or from elsewhere.
fn say(
    network: &mut Network<Heap>,
    to: usize,
    by: usize,
    from: std::net::SocketAddr,
    section: forge::Section,
) {
    let bytes = forge::datagram(&forge::head(network.config), network.hosts[by].id, &[section]);
    network.inject(to, from, &bytes);
}

#[test]
fn forged_state_of_a_member_is_overwritten_by_its_owner_within_seconds() {
    across_seeds(seeds().take(5), |seed| {
        let mut network = restored(seed, 30, lan(), Link::PERFECT);
        publish(&mut network, 3, "port", b"8080");
        network.run_for(secs(3));
        let (section, from) = (forged_item(&network, 3, 2), network.hosts[2].address);
        say(&mut network, 1, 2, from, section);
        assert_eq!(read(&network, 1, 3, "evil").as_deref(), Some(&b"1"[..]), "nothing is signed");
        let gone = network.wait(secs(10), |network| all_have(network, 3, "evil", None) && all_agree(network));
        assert!(gone.is_some(), "seed {seed}");
        assert!(all_have(&network, 3, "port", Some(b"8080")), "seed {seed}");
    });
}

#[test]
fn forged_heads_cost_five_questions_a_member_and_change_nothing() {
    let mut network = restored(1, 30, lan(), Link::PERFECT);
    publish(&mut network, 3, "port", b"8080");
    network.run_for(secs(3));
    let before: Vec<_> = network.hosts.iter().map(|host| host.node.fingerprint()).collect();
    let wants = network.hosts[1].node.metrics().wants_sent;
    let from = network.hosts[2].address;
    for tag in 0..1_000u32 {
        let head = [&(tag << 22).to_be_bytes()[..], &[0, 200]].concat();
        say(&mut network, 1, 2, from, (49, head));
    }
    network.run_for(secs(20));
    assert!(
        network.hosts[1].node.metrics().wants_sent - wants <= 5 * 30,
        "asked of members that exist alone"
    );
    assert!(network.hosts.iter().map(|host| host.node.fingerprint()).eq(before));
}

#[test]
fn state_is_told_to_no_other_address_than_a_members_own() {
    let mut network = restored(1, 30, lan(), Link::PERFECT);
    for host in 0..30 {
        publish(&mut network, host, "name", &[7; 200]);
    }
    network.run_for(secs(60));
    let sent = |network: &Network<Heap>| network.hosts[1].sent.bytes();
    let all = (51, [[0; 4], [255; 4]].concat());
    let before = sent(&network);
    say(&mut network, 1, 2, ([10, 9, 9, 9], 7_946).into(), all.clone());
    assert_eq!(sent(&network), before);
    let from = network.hosts[2].address;
    for _ in 0..1_000 {
        say(&mut network, 1, 2, from, all.clone());
    }
    let answered = sent(&network) - before;
    assert!(
        answered > 4_000 && answered < 14 * 1_200 + 1_200,
        "{answered} bytes: what the budget lets out at once"
    );
}

#[test]
fn who_starts_again_in_a_past_epoch_is_heard_with_what_it_has_now() {
    for (back, writes, new, down) in
        [(1, 3, 1, 0), (1, 1, 3, 0), (500, 20, 2, 0), (1, 20, 2, 90), (0, 3, 1, 0), (0, 20, 2, 90)]
    {
        let mut network = restored(1, 20, lan(), Link::PERFECT);
        for n in 0..writes {
            publish(&mut network, 4, &format!("old-{}", n % 5), b"old");
            network.run_for(secs(1));
        }
        let (address, epoch) = (network.hosts[4].address, network.hosts[4].epoch);
        network.crash(4);
        network.run_for(secs(down));
        network.restart_in(4, address, epoch - back);
        for n in 0..new {
            publish(&mut network, 4, &format!("new-{n}"), b"new");
        }
        network.join(4, &[0]);
        network.run_for(secs(10));
        let case = (back, writes, new, down);
        assert!(all_agree(&network), "{case:?}");
        assert_eq!(network.hosts[0].node.state(network.hosts[4].id).count(), new, "{case:?}");
    }
}
