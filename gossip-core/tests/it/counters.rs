//! That each counter counts: none stands for something that cannot happen.

use crate::support::{self, Link, Network, forge, lan, millis, secs};
use gossip_core::{Health, Heap, Locality, Metrics, Mode, Status, Verdict};

/// Counters of bounds that only a pressure of their own reaches: each has its test, in `rates.rs`, `limits.rs`, `cluster.rs`,
/// `user_events.rs`, `shared.rs`, `asks.rs` or `pulses.rs`.
const UNDER_PRESSURE: [&str; 35] = [
    "denied",
    "not_admitted",
    "signatures_verified",
    "signatures_refused",
    "claims_not_signed",
    "dropped_unverified",
    "forged",
    "replayed",
    "not_sealed",
    "received_sealed",
    "unproven",
    "dropped_unsealed",
    "asked_answered",
    "answers",
    "events_displaced",
    "dropped_pulses_off",
    "dropped_pulses_outside",
    "dropped_events_crowded",
    "dropped_events_over_rate",
    "dropped_values",
    "forged_values",
    "values_forgotten",
    "dropped_entries",
    "state_fetches",
    "dropped_outbox_full",
    "dropped_over_budget",
    "dropped_table_full",
    "dropped_suspicions_full",
    "dropped_relays_full",
    "dropped_accusations",
    "dropped_quarantines_full",
    "dropped_newcomers",
    "dropped_rechecks",
    "dropped_corrections",
    "dropped_seeds",
];

/// Hands one host a datagram of another, a member, from its advertised address.
fn say(network: &mut Network<Heap>, to: usize, from: usize, sections: &[forge::Section]) {
    let (id, address) = (network.hosts[from].id, network.hosts[from].address);
    let bytes = forge::datagram(&forge::head(network.config), id, sections);
    network.inject(to, address, &bytes);
}

/// A value that two hosts set without knowing of each other.
fn set_on_both_sides(network: &mut Network<Heap>) {
    for host in [0, 20] {
        network.command(host, |node, now, out| match node.set_value(now, "key", &[host as u8], out) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        });
    }
}

/// Non-members, other clusters, what is no datagram; more of them than are answered.
fn make_noise(network: &mut Network<Heap>) {
    let strange = forge::datagram(&forge::head(network.config), forge::id(7), &[]);
    let foreign = forge::head(network.config.with(|c| c.cluster = support::cluster("other")));
    let foreign = forge::datagram(&foreign, forge::id(7), &[]);
    for n in 0..1_100 {
        network.inject(0, ([10, 9, 9, 9], 7_946).into(), if n == 0 { &foreign } else { &strange });
    }
    network.inject(0, ([10, 9, 9, 9], 7_946).into(), &[1, 0]);
}

/// Events that are heard, missed and not taken.
fn make_events(network: &mut Network<Heap>) {
    network.set_link(Link { loss: 0.3, ..Link::LAN });
    for host in 0..8 {
        network.command(host, |node, now, out| match node.send_event(now, b"event", out) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        });
    }
    network.run_for(secs(5));
    network.set_link(Link::LAN);
    let (origin, now) = (network.hosts[2].id, network.hosts[2].epoch);
    let event = |epoch, number, age| forge::user_event(origin, epoch, number, age, b"");
    let non_member = forge::user_event(forge::id(77), 1, 1, 0, b"");
    for section in
        [event(now, 100, 0), event(now, 1, 0), event(now - 1, 1, 0), event(now, 101, 30_000), non_member]
    {
        say(network, 0, 1, &[section]);
    }
    let address = network.hosts[9].address;
    network.restart(9, address);
    network.join(9, &[0]);
    network.run_for(secs(2));
    say(network, 9, 0, &[event(now, 102, 1_000)]);
}

/// Pulses that are told, that come twice, too soon and too late, and of no member.
fn make_pulses(network: &mut Network<Heap>) {
    for n in 0..20 {
        for host in 0..8 {
            network.command(host, |node, now, out| match node.pulse(now, &[n], out) {
                Ok(output) => output,
                Err(error) => panic!("{error}"),
            });
        }
        network.run_for(millis(100));
    }
    network.run_for(secs(5));
    let (origin, epoch) = (network.hosts[2].id, network.hosts[2].epoch);
    let pulse = |number, age| forge::pulse(origin, epoch, number, age, b"");
    let non_member = forge::pulse(forge::id(77), 1, 1, 0, b"");
    for section in [pulse(1_000, 0), pulse(1_001, 0), non_member, pulse(1_002, 600_000)] {
        say(network, 0, 1, &[section]);
    }
    network.run_for(secs(1));
    say(network, 0, 1, &[pulse(1_003, 0)]);
    say(network, 0, 1, &[pulse(1_004, 0)]);
    network.run_for(millis(400));
    say(network, 0, 1, &[pulse(1_005, 0)]);
}

/// A question that gets no answer, one from elsewhere, and an answer to none.
fn ask_in_vain(network: &mut Network<Heap>) {
    let member = network.hosts[1].id;
    network.command(0, |node, now, out| match node.ask(now, member, "key", out) {
        Ok((_, output)) => output,
        Err(error) => panic!("{error}"),
    });
    network.run_for(secs(5));
    let question = forge::datagram(&forge::head(network.config), member, &[forge::ask(7, "key")]);
    network.inject(0, ([10, 9, 9, 9], 7_946).into(), &question);
    say(network, 0, 1, &[forge::answer(7, 0, b"value")]);
}

/// What happens to clusters, one after the other, by the counters that it moves.
/// Sends a node what is sealed, which it cannot open.
fn send_what_does_not_open(network: &mut Network<Heap>) {
    let non_member = network.fresh_address();
    let mut sealed = [forge::head(lan()), vec![7; 60]].concat();
    sealed[1] = 5;
    assert_eq!(network.inject(0, non_member, &sealed), Verdict::UnknownKey(5));
}

#[test]
fn in_an_eventful_life_every_counter_but_those_of_the_bounds_counts() {
    let budgets = lan().budgets.with(|b| (b.sync, b.pulses) = (12_000, 6_000));
    let config = lan().with(|c| {
        c.max_datagram = 400;
        c.max_tombstones = 2;
        c.admissions_per_second = 4;
        c.budgets = budgets;
    });
    let mut network = support::network(1, config, ());
    for n in 0..30u8 {
        let locality = Locality { region: 0, zone: n / 10, rack: 0 };
        // What one zone misses it does not pull: that is found by walks.
        network.config.mode = if n < 10 { Mode::Push } else { Mode::PushPull };
        let host = network.add_at(&format!("node-{n}"), locality);
        network.join(host, &[0, 1]);
    }
    assert!(network.wait(secs(60), Network::is_formed).is_some());
    network.run_for(secs(30));
    make_noise(&mut network);
    make_events(&mut network);
    make_pulses(&mut network);
    // A zone out of reach, changes that it misses, a pause of its own.
    let inside: Vec<_> = network.hosts[..10].iter().map(|host| host.address).collect();
    network.set_cut(move |from, to| inside.contains(&from) != inside.contains(&to));
    for host in 10..30 {
        network.command(host, |node, now, out| node.set_health(now, Health::Degraded, out));
    }
    set_on_both_sides(&mut network);
    network.run_for(secs(15));
    network.set_cut(|_, _| false);
    assert!(network.wait(secs(60), Network::is_formed).is_some());
    network.pause(3, secs(2));
    // A word against someone who has just answered, and an old one of someone.
    let (wrong, old) = (network.hosts[2].node.me().with_status(Status::Dead), network.hosts[12].node.me());
    (0..30).for_each(|host| say(&mut network, host, 1, &[forge::records(&[wrong], 0)]));
    let address = network.fresh_address();
    network.restart(12, address);
    network.join(12, &[0]);
    network.run_for(secs(10));
    say(&mut network, 0, 1, &[forge::records(&[old], 0)]);
    // State of no member: an item without entries.
    let item = [&forge::id(77).as_u64().to_be_bytes()[..], &[0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0]].concat();
    say(&mut network, 0, 1, &[(48, item)]);
    // An answer to no sieve.
    say(&mut network, 0, 1, &[(20, vec![0; 4])]);
    send_what_does_not_open(&mut network);
    // Something that repair brings.
    let me = network.hosts[5].node.me();
    let word = me.with_state(me.state_version() + 1, Health::Unhealthy, 0);
    say(&mut network, 0, 1, &[(13, vec![]), forge::records(&[word], 0)]);
    // Two of one name; deaths; the loss of most.
    let duplicate = network.add("node-4");
    network.join(duplicate, &[5]);
    network.run_for(secs(10));
    network.crash(duplicate);
    (4..8).for_each(|host| network.crash(host));
    network.run_for(secs(30));
    (12..20).chain(22..30).for_each(|host| network.crash(host));
    network.run_for(secs(60));
    ask_in_vain(&mut network);
    let counts = |name: &str| {
        let of =
            |host: &support::Host<Heap>| host.node.metrics().counters().any(|(of, n)| of == name && n > 0);
        network.hosts.iter().any(of)
    };
    let silent: Vec<&str> =
        Metrics::default().counters().map(|(name, _)| name).filter(|name| !counts(name)).collect();
    let unexpected: Vec<_> = silent.iter().filter(|name| !UNDER_PRESSURE.contains(name)).collect();
    assert!(unexpected.is_empty(), "never counted: {unexpected:?}");
}
