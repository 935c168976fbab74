//! What a cluster promises, without any cryptography, against floods and against who wants to use it as an amplifier
//! or a reflector: how many bytes a datagram draws, to whom, and what the members notice of it.

use crate::support::{
    self, Network, Recorder, Step, Watch, across_seeds,
    forge::{
        self, Section, all_sections, datagram, fetch_all, head, join, non_member, ping, ping_request, records,
    },
    formed, lan, millis, secs, seeds,
};
use gossip_core::{Config, Event, Health, Heap, NodeId, Status, Traffic, Verdict};
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

/// What non-members sent and were sent, in bytes, and of all how many packets.
#[derive(Default)]
struct Ledger {
    /// By address: sent from there, and to there.
    bytes: BTreeMap<SocketAddr, (u64, u64)>,
    /// Packets to non-members, other than acks and challenges to pings.
    answers: u64,
    packets: u64,
    /// The last token that each of them was sent.
    tokens: BTreeMap<SocketAddr, u64>,
}

fn is_non_member(address: SocketAddr) -> bool {
    matches!(address, SocketAddr::V4(v4) if v4.ip().octets()[0] == 203)
}

impl<M> Watch<M> for Ledger {
    fn after(&mut self, step: &Step<'_, M>) {
        for packet in step.output.packets().filter(|packet| is_non_member(packet.to)) {
            self.bytes.entry(packet.to).or_default().1 += packet.bytes.len() as u64;
            self.answers += u64::from(packet.class != Traffic::Probe);
            self.packets += 1;
            if let [7, _, _, _, _, _, _, token @ ..] = &packet.bytes[22..] {
                let token = token.first_chunk().map_or(0, |token| u64::from_be_bytes(*token));
                self.tokens.insert(packet.to, token);
            }
        }
    }
}

impl Ledger {
    fn sent(&self) -> u64 {
        self.bytes.values().map(|&(sent, _)| sent).sum()
    }

    fn drawn(&self) -> u64 {
        self.bytes.values().map(|&(_, drawn)| drawn).sum()
    }

    /// Bytes drawn for each byte sent.
    fn factor(&self) -> f64 {
        self.drawn() as f64 / self.sent() as f64
    }

    fn assert_even(&self, what: &str) {
        for (address, &(sent, drawn)) in &self.bytes {
            assert!(drawn <= sent, "{what}: {drawn} bytes to {address} for {sent} from there");
        }
    }
}

type Flooded = Network<Heap, Ledger>;

/// Sends a host what claims to be from an address, and writes it down.
fn send(network: &mut Flooded, host: usize, from: SocketAddr, bytes: &[u8]) -> Verdict {
    network.watch.bytes.entry(from).or_default().0 += bytes.len() as u64;
    network.inject(host, from, bytes)
}

/// Datagrams so short that a welcome does not hold all members, and that whatever is longer than it should be shows.
fn short() -> Config {
    lan().with(|c| c.max_datagram = 400)
}

/// Nothing happened to the members.
fn assert_undisturbed(network: &Flooded, members: usize, what: &str) {
    for host in &network.hosts[..members] {
        let trouble =
            |event: &Event| matches!(event, Event::Suspected(_) | Event::Down(_) | Event::Conflict(_));
        let events: Vec<_> = host.events.iter().filter(|(_, event)| trouble(event)).collect();
        assert!(events.is_empty(), "{what}: {} told {events:?}", host.id);
        assert_eq!(host.node.members().len(), members - 1, "{what}: {} knows others", host.id);
    }
    assert!(network.is_formed(), "{what}");
}

#[test]
fn whatever_a_non_member_sends_draws_no_more_bytes_than_it_has() {
    let (mut most, mut drawn) = (0.0f64, 0);
    for kind in 0..all_sections(0, forge::id(1), &non_member(1)).len() {
        for fill in [false, true] {
            let mut network = formed(kind as u64, 24, short(), Ledger::default());
            let head = head(short());
            for n in 0..600u32 {
                // In turn: each another non_member, one again and again, and a member's id from elsewhere.
                let me = non_member(if n % 3 == 1 { 1 } else { n });
                let host = (n % 4) as usize;
                let sections = all_sections(8 * n, network.hosts[host].id, &me);
                let mut told: Vec<Section> = vec![sections[kind].clone()];
                if fill && !matches!(told[0].0, 32 | 33) {
                    told.extend_from_slice(&sections[16..]);
                }
                let records = told.iter().any(|(tag, _)| *tag == 32);
                let claimed = if n % 3 == 2 && !records { network.hosts[5].id } else { me.id() };
                send(&mut network, host, me.address(), &datagram(&head, claimed, &told));
                network.watch.assert_even(&format!("section {}", told[0].0));
                network.run_for(millis(5));
            }
            network.run_for(secs(30));
            let tag = kind + 1;
            network.watch.assert_even(&format!("{tag}th kind"));
            most = most.max(network.watch.factor());
            drawn += network.watch.drawn();
            assert_undisturbed(&network, 24, &format!("{tag}th kind"));
        }
    }
    println!("at the most {most:.3} bytes drawn for each byte sent, over a flood of one kind");
    assert!(drawn > 0 && most <= 1.0, "{drawn} bytes, {most}");
}

#[test]
fn a_flood_of_joins_with_spoofed_addresses_amplifies_nothing() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 24, short(), Ledger::default());
        let head = head(short());
        for n in 0..10_000 {
            let me = non_member(n);
            let bytes = datagram(&head, me.id(), &[join(n | 1, 0, &me)]);
            send(&mut network, (n % 24) as usize, me.address(), &bytes);
            network.run_for(Duration::from_micros(500));
        }
        network.run_for(secs(30));
        network.watch.assert_even(&format!("seed {seed}"));
        let Ledger { answers, .. } = network.watch;
        let factor = network.watch.factor();
        println!(
            "10,000 joins from as many spoofed addresses: {answers} answers, {factor:.3} bytes for each byte"
        );
        assert!(answers > 0 && factor <= 1.0, "seed {seed}: {factor}");
        assert_undisturbed(&network, 24, &format!("seed {seed}"));
    });
}

/// The source is the attacker's own, the address in the record the victim's: what is drawn goes to the victim.
#[test]
fn joins_in_a_victims_name_draw_no_more_bytes_than_they_have() {
    across_seeds(seeds(), |seed| {
        let mut network = formed(seed, 24, short(), Ledger::default());
        let (head, victim) = (head(short()), non_member(0));
        let mut sent = 0;
        for n in 1..2_000u32 {
            let bytes = datagram(&head, victim.id(), &[join(n, u64::from(n), &victim)]);
            sent += bytes.len() as u64;
            network.inject((n % 24) as usize, non_member(n).address(), &bytes);
            network.run_for(millis(1));
            assert!(network.watch.drawn() <= sent, "seed {seed}: {} bytes for {sent}", network.watch.drawn());
        }
        assert!(network.watch.drawn() > 0, "seed {seed}");
        assert_undisturbed(&network, 24, &format!("seed {seed}"));
    });
}

#[test]
fn a_part_of_a_non_members_datagram_gets_no_more_bytes_than_it_has() {
    let mut network = formed(1, 3, short(), Ledger::default());
    let (head, me) = (head(short()), non_member(1));
    for section in all_sections(8, network.hosts[0].id, &me) {
        let whole = datagram(&head, me.id(), &[section]);
        for len in 0..=whole.len() {
            send(&mut network, 0, me.address(), &whole[..len]);
            network.watch.assert_even("a part");
            network.run_for(millis(20));
        }
    }
    assert_undisturbed(&network, 3, "parts");
}

#[test]
fn a_flood_of_non_members_is_answered_at_a_bounded_rate() {
    across_seeds(seeds(), |seed| {
        let config = short().with(|c| c.non_members_per_second = 50);
        let mut network = formed(seed, 4, config, Ledger::default());
        let head = head(config);
        for n in 0..5_000 {
            let me = non_member(n);
            let sections = all_sections(n, network.hosts[1].id, &me);
            let section = sections[n as usize % sections.len()].clone();
            send(&mut network, 1, me.address(), &datagram(&head, me.id(), &[section]));
            network.run_for(millis(1));
        }
        let (answers, allowed) = (network.watch.answers, 50 * (5 + 1));
        assert!((1..=allowed).contains(&answers), "seed {seed}: {answers} answers in 5 s");
        assert!(network.hosts[1].node.metrics().limited > 0, "seed {seed}: nothing was counted as dropped");
        network.run_for(secs(5));
        assert_undisturbed(&network, 4, &format!("seed {seed}"));
    });
}

#[test]
fn twenty_thousand_non_members_leave_the_members_alone() {
    let mut network = formed(1, 8, lan(), Ledger::default());
    let head = head(lan());
    let quiet = network.hosts[0].node.metrics().packets_probe;
    for n in 0..20_000 {
        let me = non_member(n);
        let section = match n % 4 {
            0 => ping(8 * n, network.hosts[0].id),
            1 => join(n, 0, &me),
            2 => fetch_all(n, 0),
            _ => records(&[me], 0),
        };
        send(&mut network, 0, me.address(), &datagram(&head, me.id(), &[section]));
        network.run_for(millis(1));
    }
    network.run_for(secs(30));
    network.watch.assert_even("20,000 non-members");
    assert_undisturbed(&network, 8, "20,000 non-members");
    let metrics = network.hosts[0].node.metrics();
    println!("{} packets, {:.3} bytes for each", network.watch.packets, network.watch.factor());
    assert!(metrics.non_members >= 10_000, "{}", metrics.non_members);
    // One answer to a datagram at the most, and challenges to a thousand a second of those that are no pings.
    assert!(network.watch.packets <= 20_000 && network.watch.answers <= 1_000 * 21);
    assert!(metrics.packets_probe - quiet <= 5_000 + 200, "{}", metrics.packets_probe - quiet);
    network.crash(7);
    let noticed = network.wait(secs(15), |n| n.all_say(7, Status::Dead));
    assert!(noticed.is_some(), "a crash after the flood goes unnoticed");
}

/// Who can receive at many addresses gets in under as many ids; but no faster than `admissions_per_second`, and no
/// further than the table.
#[test]
fn many_identities_enter_within_the_admission_rate_and_the_table() {
    let config = lan().with(|c| c.admissions_per_second = 5);
    let mut network: Flooded = Network::new(1, config, || Heap::for_members(64), Ledger::default());
    support::form(&mut network, 1, 4);
    network.run_for(secs(10));
    let head = head(config);
    for n in 0..20_000u32 {
        let me = non_member(n);
        let token = network.watch.tokens.get(&me.address()).copied().unwrap_or(0);
        network.inject(0, me.address(), &datagram(&head, me.id(), &[join(n | 1, token, &me)]));
        let again = network.watch.tokens.get(&me.address()).copied().unwrap_or(0);
        if again != token {
            network.inject(0, me.address(), &datagram(&head, me.id(), &[join(n | 1, again, &me)]));
        }
        network.run_for(millis(1));
        let entered = network.hosts[0].node.members().len() - 3;
        let allowed = 5 * (1 + n as usize / 1_000) + 5;
        assert!(entered <= allowed && entered <= 60, "{entered} after {n} ms");
    }
    let metrics = network.hosts[0].node.metrics();
    let came = network.hosts[0].node.members().len() - 3;
    println!("{came} invented ones came in; {} welcomes", metrics.welcomes);
    assert!(came > 30, "{came}");
    assert!(metrics.dropped_table_full > 0 && metrics.limited > 0, "nothing was counted as dropped");
    let took = network.wait(secs(3_600), |n| {
        let ids: Vec<NodeId> = n.hosts.iter().map(|host| host.id).collect();
        n.running().all(|host| {
            host.node.members().all(|member| ids.contains(&member.id()) == (member.status() == Status::Alive))
        })
    });
    println!("the invented ones are dead at all after {took:?}");
    assert!(took.is_some(), "{}", network.opinions(0));
}

/// A thousand datagrams a second at every member, of one kind, from non-members who are not there.
fn flood(network: &mut Flooded, head: &[u8], kind: u32, ms: u32) {
    for host in 0..8 {
        let me = non_member(ms * 8 + host);
        let section = match kind {
            0 => ping(8 * ms, network.hosts[host as usize].id),
            1 => join(ms | 1, 0, &me),
            2 => join(0, 0, &me),
            3 => fetch_all(ms, 0),
            _ => records(&[me], 0),
        };
        network.inject(host as usize, me.address(), &datagram(head, me.id(), &[section]));
    }
    network.run_for(millis(1));
}

#[test]
fn a_flood_of_non_members_delays_neither_news_nor_joins_for_long() {
    let head = head(lan());
    let mut late = vec![];
    for kind in 0..5 {
        let (mut latest_news, mut latest_join) = (0, 0);
        across_seeds(0..5, |seed| {
            let mut network = formed(seed, 8, lan(), Ledger::default());
            let joiner = network.add("joiner");
            network.command(joiner, |node, now, out| node.await_seeds(now, out));
            let (mut news, mut joined) = (None, None);
            for ms in 0..60_000 {
                if ms == 5_000 {
                    network.join(joiner, &[0, 1, 2]);
                    network.command(3, |node, now, out| node.set_health(now, Health::Degraded, out));
                }
                flood(&mut network, &head, kind, ms);
                let id = network.hosts[3].id;
                let knows = |host: &support::Host<Heap>| {
                    host.id == id
                        || host.node.member(id).is_some_and(|m| m.record().health() == Health::Degraded)
                };
                if ms > 5_000 && news.is_none() && network.hosts[..8].iter().all(knows) {
                    news = Some(ms - 5_000);
                }
                if network.hosts[joiner].has_told(Event::Joined) {
                    joined = joined.or(Some(ms - 5_000));
                }
                if news.is_some() && joined.is_some() {
                    break;
                }
            }
            let (news, joined) = (news.unwrap_or(u32::MAX), joined.unwrap_or(u32::MAX));
            (latest_news, latest_join) = (latest_news.max(news), latest_join.max(joined));
        });
        println!("flood {kind}: news after {latest_news} ms, joined after {latest_join} ms");
        if latest_news > 1_000 || latest_join > 15_000 {
            late.push((kind, latest_news, latest_join));
        }
    }
    assert_eq!(late, [], "(flood, ms until news, ms until joined)");
}

/// From one real address, with a token of each, under one id: every join draws a welcome, and a correction once the others
/// hold that id dead.
#[test]
fn a_flood_of_joins_with_tokens_silences_no_member() {
    across_seeds(0..5, |seed| {
        let mut network = formed(seed, 24, lan(), Ledger::default());
        network.run_for(secs(10));
        let (head, me) = (head(lan()), non_member(1));
        let (mut tokens, mut slowest) = ([0; 24], 0);
        for ms in 0..40_000u32 {
            for (host, token) in tokens.iter_mut().enumerate().filter(|_| ms % 5 == 0) {
                network.watch.tokens.clear();
                let again = datagram(&head, me.id(), &[join(ms | 1, *token, &me)]);
                network.inject(host, me.address(), &again);
                *token = network.watch.tokens.get(&me.address()).copied().unwrap_or(*token);
            }
            if ms == 30_000 {
                network.command(0, |node, now, out| node.set_health(now, Health::Degraded, out));
            }
            let id = network.hosts[0].id;
            let health = |host: &support::Host<Heap>| host.node.member(id).map(|m| m.record().health());
            if ms > 30_000 && network.hosts.iter().any(|host| health(host) != Some(Health::Degraded)) {
                slowest = ms - 30_000;
            }
            network.run_for(millis(1));
        }
        let welcomes: u64 = network.hosts.iter().map(|host| host.node.metrics().welcomes).sum();
        println!("news through {welcomes} welcomes: {slowest} ms");
        assert!(welcomes > 10_000 && slowest <= 2_000, "seed {seed}: {welcomes} welcomes, {slowest} ms");
        let buried = network.deaths().into_iter().filter(|death| death.1 != me.id()).count();
        assert_eq!(buried, 0, "seed {seed}");
    });
}

fn to(network: &Network<Heap, Recorder>, address: SocketAddr) -> (usize, usize) {
    let sent = network.watch.0.iter().filter(|datagram| datagram.to == address);
    sent.fold((0, 0), |(packets, bytes), datagram| (packets + 1, bytes + datagram.bytes.len()))
}

#[test]
fn no_non_member_and_no_member_from_elsewhere_is_helped_to_ping() {
    let mut network = formed(1, 8, lan(), Recorder::default());
    let head = head(lan());
    let (target, member) = (network.hosts[2].id, network.hosts[1].id);
    network.watch.0.clear();
    for n in 0..1_000 {
        let elsewhere = non_member(n);
        for claimed in [elsewhere.id(), member] {
            let request = datagram(&head, claimed, &[ping_request(8 * n + 7, target)]);
            network.inject(0, elsewhere.address(), &request);
        }
    }
    assert_eq!(network.watch.0.len(), 0, "helped");
    assert_eq!(network.hosts[0].node.metrics().relayed_pings, 0);
}

/// Ping requests with a member's id and its address forged: the one way to make a node ping another on demand.
#[test]
fn ping_requests_in_a_members_name_draw_two_pings_each_sixteen_at_a_time() {
    for silent in [false, true] {
        let mut network = formed(1, 8, lan(), Recorder::default());
        network.run_for(secs(10));
        let head = head(lan());
        let (target, at) = (network.hosts[2].id, network.hosts[2].address);
        let (member, home) = (network.hosts[1].id, network.hosts[1].address);
        if silent {
            network.crash(2);
        }
        network.watch.0.clear();
        let mut sent = 0;
        for n in 0..1_000 {
            let request = datagram(&head, member, &[ping_request(8 * n + 7, target)]);
            sent += request.len();
            network.inject(0, home, &request);
            network.run_for(millis(2));
        }
        let (packets, bytes) = to(&network, at);
        println!("{sent} bytes of ping requests: {packets} packets, {bytes} bytes (silent: {silent})");
        // Beside the requests, its own routine probes; and rumors, within their budget.
        let rumors = (2 * lan().budgets.rumor + 4 * 1_200) as usize;
        assert!((16..=2 * 1_000 + 20).contains(&packets), "{packets}");
        assert!(bytes <= packets * 120 + rumors, "{bytes}");
        if silent {
            assert!(network.hosts[0].node.metrics().dropped_relays_full > 0, "sixteen at a time");
        }
    }
}

/// Digests with a member's id and address forged, in which all sums are wrong: each asks for the most that one can.
#[test]
fn digests_in_a_members_name_draw_ten_datagrams_each_within_the_budget() {
    // This many members that each answer is a digest.
    let mut network = Network::new(1, lan(), || Heap::for_members(4_000), Recorder::default());
    support::form(&mut network, 1, 3);
    let others: Vec<_> = (0..3_000).map(non_member).collect();
    network.command(0, |node, now, out| node.restore(now, &others, out));
    let (head, member, home) = (head(lan()), network.hosts[1].id, network.hosts[1].address);
    // Level 0, all eight ranges; no sum is right.
    let digests: Vec<u8> = (0..8u8).flat_map(|range| [&[0, range << 5][..], &[7; 128]].concat()).collect();
    let forged = datagram(&head, member, &[(14, digests)]);
    network.watch.0.clear();
    assert_eq!(network.inject(0, home, &forged), Verdict::Accepted);
    let (packets, bytes) = to(&network, home);
    println!("{} bytes of digests: {packets} datagrams, {bytes} bytes", forged.len());
    assert!((2..=10).contains(&packets), "{packets}");
    network.watch.0.clear();
    for _ in 0..1_000 {
        network.inject(0, home, &forged);
        network.run_for(millis(10));
    }
    let sync = network.hosts[0].node.metrics().bytes_sync;
    let allowed = u64::from(lan().budgets.sync) * 20 + 14 * 1_200;
    println!("1,000 of them in 10 s: {sync} bytes of sync in all");
    assert!(sync <= allowed, "{sync} bytes");
    assert!(network.hosts[0].node.metrics().dropped_over_budget > 0, "the budget was never reached");
}

/// What the whole cluster sends to an address that a forged record names.
#[test]
fn a_forged_records_address_is_probed_until_its_invented_owner_is_dead() {
    let mut network = formed(1, 24, lan(), Recorder::default());
    network.run_for(secs(10));
    let (head, invented) = (head(lan()), non_member(1));
    let member = network.hosts[1].id;
    let forged = datagram(&head, member, &[records(&[invented], 0)]);
    network.watch.0.clear();
    network.inject(0, non_member(2).address(), &forged);
    network.run_for(secs(60));
    let dead = |n: &Network<Heap, Recorder>| {
        n.running().all(|h| h.node.member(invented.id()).is_some_and(|m| m.status() == Status::Dead))
    };
    assert!(dead(&network), "alive after a minute");
    let (packets, bytes) = to(&network, invented.address());
    println!("one forged record of {} bytes: {packets} packets, {bytes} bytes in a minute", forged.len());
    assert!((1..=600).contains(&packets) && bytes <= 60_000, "{packets} packets, {bytes} bytes");
    network.watch.0.clear();
    network.run_for(secs(600));
    let (packets, bytes) = to(&network, invented.address());
    println!("then {packets} packets, {bytes} bytes of reconnect attempts in 10 min");
    assert!(packets < 600, "more than one a second");
}

/// Tells every running node of eight more members that do not exist.
fn invent(network: &mut Network<Heap>, first: u32) {
    let invented: Vec<_> = (first..first + 8).map(non_member).collect();
    let head = head(network.config);
    for host in (0..8).filter(|&host| network.hosts[host].is_running()).collect::<Vec<_>>() {
        let liar = &network.hosts[usize::from(host == 0)];
        let (id, home) = (liar.id, liar.address);
        network.inject(host, home, &datagram(&head, id, &[records(&invented, 0)]));
    }
}

/// To a node it looks as if it were cut off with the smaller part.
#[test]
fn as_many_invented_members_as_real_ones_delay_deaths_by_a_quarantine() {
    let quarantine = lan().quarantine;
    for goes_on in [false, true] {
        let mut longest = Duration::ZERO;
        across_seeds(seeds(), |seed| {
            let mut network = Network::new(seed, lan(), || Heap::for_members(1_024), ());
            support::form(&mut network, seed, 8);
            network.run_for(secs(10));
            invent(&mut network, 0);
            network.run_for(secs(5));
            network.crash(7);
            let crashed = network.now();
            let mut rounds = 0;
            while network.wait(secs(30), |n| n.all_say(7, Status::Dead)).is_none() {
                rounds += 1;
                assert!(rounds < 60, "seed {seed}: alive for ever: {}", network.opinions(7));
                if goes_on {
                    invent(&mut network, 8 * rounds);
                }
            }
            longest = longest.max(network.now().since(crashed));
            assert_eq!(network.buried_alive(), [], "seed {seed}");
        });
        let more = if goes_on { "eight each half a minute" } else { "no more" };
        println!(
            "eight invented members, then {more}: a crash is known everywhere after {longest:?} at most"
        );
        assert!((quarantine - secs(10)..=quarantine + secs(30)).contains(&longest), "{longest:?}");
    }
}
