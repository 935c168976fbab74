//! What a cluster of a thousand nodes on the LAN preset does, in virtual time over links of 10 ms; the
//! targets are asserted. `cargo test -p gossip-core --test it figures -- --nocapture` prints the figures.

use crate::support::{self, Link, Network, Step, Watch, across_seeds, lan, millis, secs};
use gossip_core::{Event, Heap, Instant};
use std::time::Duration;

const NODES: usize = 1_000;

/// When each host first told of an event.
#[derive(Default)]
struct Heard {
    event: Option<Event>,
    by: Vec<(usize, Instant)>,
}

impl Heard {
    fn listen_for(&mut self, event: Event) {
        *self = Self { event: Some(event), by: Vec::with_capacity(NODES) };
    }

    /// How long after `start` this many hosts had heard; `None` if they have not.
    fn after(&self, start: Instant, hosts: usize) -> Option<Duration> {
        self.by.get(hosts.checked_sub(1)?).map(|(_, at)| at.since(start))
    }
}

impl<M> Watch<M> for Heard {
    fn after(&mut self, step: &Step<'_, M>) {
        let Some(event) = self.event else { return };
        if step.output.events().contains(&event) && self.by.iter().all(|&(host, _)| host != step.host) {
            self.by.push((step.host, step.now));
        }
    }
}

fn thousand(seed: u64) -> Network<Heap, Heard> {
    let mut network = Network::new(seed, lan(), || Heap::for_members(NODES + 50), Heard::default());
    network.set_link(Link::PERFECT);
    network.add_restored(NODES);
    network.run_for(secs(5));
    network
}

fn seconds(took: Option<Duration>) -> f64 {
    took.map_or(f64::INFINITY, |took| took.as_secs_f64())
}

#[test]
fn a_joiner_sees_all_and_is_seen_by_all_in_time() {
    across_seeds(0..3, |seed| {
        let mut network = thousand(seed);
        let id = support::id("joiner");
        network.watch.listen_for(Event::Up(id));
        let joiner = network.add("joiner");
        let start = network.now();
        network.join(joiner, &[17, 400, 800]);
        let own = seconds(network.wait(secs(10), |n| n.hosts[joiner].node.members().len() == NODES));
        network.run_for(secs(5));
        let admitted = network.watch.by.first().map_or(start, |&(_, at)| at);
        let most = seconds(network.watch.after(admitted, NODES * 99 / 100));
        let all = seconds(network.watch.after(admitted, NODES));
        let admission = seconds(Some(admitted.since(start)));
        println!(
            "seed {seed}: joiner's view complete after {own:.3} s; admitted after {admission:.3} s, \
             then known to 99 % after {most:.3} s and to all after {all:.3} s"
        );
        assert!(own <= 2.0, "seed {seed}: the joiner's view took {own:.3} s");
        assert!(admission <= 0.2, "seed {seed}: admitted after {admission:.3} s");
        assert!(most <= 0.3, "seed {seed}: known to 99 % after {most:.3} s");
        assert!(all <= 0.8, "seed {seed}: known to all after {all:.3} s");
    });
}

#[test]
fn a_crash_is_known_to_all_in_time() {
    across_seeds(0..3, |seed| {
        let mut network = thousand(seed);
        let victim = 500 + seed as usize;
        network.watch.listen_for(Event::Down(network.hosts[victim].id));
        let start = network.now();
        network.crash(victim);
        let all = seconds(network.wait(secs(30), |n| n.watch.by.len() == NODES - 1));
        let first = seconds(network.watch.after(start, 1));
        println!("seed {seed}: crash declared after {first:.3} s, known to all after {all:.3} s");
        assert!(all <= 8.0, "seed {seed}: known to all after {all:.3} s");
        assert_eq!(network.deaths().len(), NODES - 1, "seed {seed}: somebody else was declared dead");
    });
}

#[test]
fn an_idle_node_is_quiet() {
    const IDLE: u64 = 30;
    across_seeds(0..2, |seed| {
        let mut network = thousand(seed);
        network.run_for(secs(10));
        let sent = |n: &Network<_, _>| {
            let hosts = n.hosts.iter().map(|host: &support::Host<Heap>| host.sent);
            hosts.fold((0, 0), |sum, tally| (sum.0 + tally.packets(), sum.1 + tally.bytes()))
        };
        let before = sent(&network);
        network.run_for(secs(IDLE));
        let after = sent(&network);
        let mean = |total: u64| total as f64 / (IDLE * NODES as u64) as f64;
        let (packets, bytes) = (mean(after.0 - before.0), mean(after.1 - before.1));
        println!("seed {seed}: an idle node sends {packets:.2} packets and {bytes:.1} bytes a second");
        assert!(
            packets <= 2.2 && bytes <= 100.0,
            "seed {seed}: {packets:.2} packets, {bytes:.1} bytes a second"
        );
        assert!(packets > 1.0, "seed {seed}: nobody probes");
    });
}

#[test]
fn a_change_of_health_reaches_all_in_time() {
    across_seeds(0..2, |seed| {
        let mut network = thousand(seed);
        let id = network.hosts[42].id;
        network.watch.listen_for(Event::Updated(id));
        let start = network.now();
        network.command(42, |node, now, out| node.set_health(now, gossip_core::Health::Degraded, out));
        network.run_for(millis(2_000));
        let most = seconds(network.watch.after(start, NODES * 99 / 100));
        let all = seconds(network.watch.after(start, NODES - 1));
        println!("seed {seed}: an update reached 99 % after {most:.3} s and all after {all:.3} s");
        assert!(most <= 0.3 && all <= 0.8, "seed {seed}: 99 % after {most:.3} s, all after {all:.3} s");
    });
}

#[test]
fn a_tenth_of_the_nodes_paused_for_two_seconds_kills_nobody() {
    across_seeds(0..2, |seed| {
        let mut network = thousand(seed);
        for host in (0..NODES).step_by(10) {
            network.pause(host, secs(2));
        }
        network.run_for(secs(20));
        assert_eq!(network.deaths(), [], "seed {seed}");
    });
}

#[test]
fn a_minute_of_a_fifth_of_loss_kills_nobody_and_hides_no_crash() {
    across_seeds(0..1, |seed| {
        let mut network = thousand(seed);
        network.set_link(Link { loss: 0.2, ..Link::PERFECT });
        network.run_for(secs(60));
        let suspicions: u64 = network.hosts.iter().map(|host| host.node.metrics().accusations_made).sum();
        println!("seed {seed}: {suspicions} accusations among {NODES} nodes in a minute of 20 % loss");
        assert_eq!(network.deaths(), [], "seed {seed}");
        network.watch.listen_for(Event::Down(network.hosts[77].id));
        network.crash(77);
        let all = seconds(network.wait(secs(60), |n| n.watch.by.len() == NODES - 1));
        println!("seed {seed}: crash known to all after {all:.3} s at 20 % loss");
        assert!(all <= 20.0, "seed {seed}: known to all after {all:.3} s");
    });
}
