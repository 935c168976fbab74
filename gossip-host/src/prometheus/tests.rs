use super::{
    prometheus_client::encoding::{prometheus_text, text},
    snapshot::census,
    *,
};
use crate::{Engine, Options};
use gossip_core::{ClusterName, Config, Instant, Reachability, Status, Zone};
use std::collections::BTreeSet;

fn handle() -> (Handle, Engine) {
    let config = Config::lan(ClusterName::named("test").unwrap());
    let options = Options::new("a\"b", config).with(|o| o.bind = ([127, 0, 0, 1], 7_946).into());
    Engine::start(options, ([127, 0, 0, 1], 7_946).into(), || Instant::ZERO).unwrap()
}

fn exposition(handle: &Handle) -> String {
    let mut registry = Registry::default();
    register(&mut registry, handle);
    let mut text = String::new();
    text::encode(&mut text, &registry).unwrap();
    text
}

#[test]
fn every_counter_of_node_and_host_is_told_once() {
    let (handle, _engine) = handle();
    let told = exposition(&handle);
    let samples: Vec<&str> = told.lines().filter(|line| !line.starts_with('#')).collect();
    let unique: BTreeSet<&str> =
        samples.iter().filter_map(|line| line.rsplit_once(' ')).map(|x| x.0).collect();
    assert_eq!(unique.len(), samples.len(), "a series is there twice");
    let types: Vec<&str> = told.lines().filter(|line| line.starts_with("# TYPE")).collect();
    assert_eq!(types.iter().collect::<BTreeSet<_>>().len(), types.len(), "a metric is there twice");
    for series in [
        "gossip_node_info{id=",
        "name=\"a\\\"b\"",
        "gossip_members{status=\"alive\",reachability=\"reachable\",zone=\"0/0\"} 1",
        "gossip_members{status=\"dead\",reachability=\"unreachable\",zone=\"0/0\"} 0",
        "gossip_packets_total{class=\"rumor\",direction=\"sent\"} 0",
        "gossip_packet_bytes_total{class=\"unreadable\",direction=\"received\"} 0",
        "gossip_budget_used_bytes_total{budget=\"total\"} 0",
        "gossip_dropped_total{cause=\"socket_full_probe\"} 0",
        "gossip_dropped_total{cause=\"table_full\"} 0",
        "gossip_dropped_total{cause=\"events_lagged\"} 0",
        "gossip_false_suspicions_total 0",
        "gossip_send_errors_total 0",
        "gossip_views_met_total{view=\"different\"} 0",
        "gossip_tick_lateness_seconds_bucket{le=\"+Inf\"} 0",
    ] {
        assert!(told.contains(series), "{series} is missing in\n{told}");
    }
    let counters = handle.metrics().counters().count() + handle.host_metrics().counters().count();
    let told = samples.iter().filter(|line| line.contains("_total")).count();
    // Budgets are no counters of node and host. Of what was received in all, what cannot be read is told instead: one series
    // for packets, and one for bytes.
    assert_eq!(told, counters + 6);
}

#[test]
fn nodes_that_agree_on_whom_to_send_to_tell_the_same_number() {
    let node = |name: &str, port: u16| {
        let config = Config::lan(ClusterName::named("test").unwrap());
        Engine::start(Options::new(name, config), ([127, 0, 0, 1], port).into(), || Instant::ZERO).unwrap()
    };
    let ((first, _a), (second, _b)) = (node("first", 1), node("second", 2));
    let number = |handle: &Handle| {
        let told = exposition(handle);
        let line = told.lines().find(|line| line.starts_with("gossip_routable_view_fingerprint ")).unwrap();
        line.split_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    let restore = |handle: &Handle, other: &Handle| {
        let mut buffer = gossip_core::Buffer::<32, 256, 44_800>::default();
        let mut node = crate::lock::lock(&handle.0.node);
        let _ = node.restore(Instant::ZERO, &[other.me()], &mut buffer.outbox());
    };
    assert_ne!(number(&first), number(&second));
    restore(&first, &second);
    assert_ne!(number(&first), number(&second));
    restore(&second, &first);
    assert_eq!(number(&first), number(&second));
    assert_eq!(number(&first) as f64 as u64, number(&first), "a double holds all of it");
}

#[test]
fn descriptions_are_plain_text() {
    let (handle, _engine) = handle();
    for line in exposition(&handle).lines().filter(|line| line.starts_with("# HELP")) {
        assert!(!line.contains(['[', ']', '`']) && !line.ends_with('.') && !line.contains("  "), "{line}");
        assert!(line.split(' ').count() > 3, "{line}");
    }
}

#[test]
fn the_format_of_older_readers_is_there_as_well() {
    let (handle, _engine) = handle();
    let mut registry = Registry::default();
    register(registry.sub_registry_with_label(("node".into(), "first".into())), &handle);
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).unwrap();
    assert!(
        text.contains("# TYPE gossip_probes_total counter\ngossip_probes_total{node=\"first\"} 0\n"),
        "{text}"
    );
}

#[test]
fn zones_beyond_the_named_ones_are_added_up_under_other() {
    let alive = (Status::Alive, Reachability::Reachable);
    let zones = (0..3).flat_map(|region| (0..20).map(move |zone| Zone { region, zone }));
    let seen: Vec<_> =
        zones.flat_map(|zone| [(zone, alive), (zone, (Status::Dead, Reachability::Unknown))]).collect();
    let census = census(&seen);
    assert_eq!(census.len(), MAX_ZONES + 1);
    let count = |zone| census[&zone].iter().map(|(_, count)| count).sum::<u32>();
    assert_eq!((count(Some(Zone { region: 1, zone: 11 })), count(None)), (2, 2 * (60 - MAX_ZONES as u32)));
    assert!(!census.contains_key(&Some(Zone { region: 1, zone: 12 })));
    let of_other = |kind| census[&None].iter().find(|(other, _)| *other == kind).map(|(_, count)| *count);
    assert_eq!(of_other(alive), Some(28));
    assert_eq!(of_other((Status::Left, Reachability::Unknown)), Some(0));
}
