//! Audits: looks at a cluster in quiet windows of a long run. Is what can grow as small as before, do the nodes'
//! counters agree with what was seen of them, and does an hour cost what the first one cost?

use super::{CLASSES, Judgements, Measure, are_equal_and_right, class_of, seconds};
use crate::{
    engine::{Counts, Host, HostId, Input, Micros, Step, World},
    statistics::Summary,
};
use gossip_core::{Metrics, Status, Traffic};
use serde::Serialize;
use std::fs;

/// Broken laws that are kept in words.
const MAX_TOLD: usize = 20;

/// What was seen of a host's node in its present life, and what it counted itself by the last audit.
#[derive(Clone, Debug, Default)]
struct Ledger {
    /// Packets and bytes sent, by class.
    packets: [u64; CLASSES.len()],
    bytes: [u64; CLASSES.len()],
    datagrams: u64,
    counted: Vec<u64>,
}

/// One quiet window.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// When it ended.
    at: Micros,
    /// Bytes that a node sent in a second of it.
    bytes_per_node_s: f64,
    /// Whether, at its end, all views were equal and right.
    views_right: bool,
    /// The largest member table of any node, and how many of them are tombstones.
    members: usize,
    tombstones: usize,
    /// Packets under way, and all that is planned, a node.
    under_way: f64,
    planned: f64,
    /// False suspicions by then.
    false_suspicions: u64,
    /// Memory of this process, in kB, where the system tells.
    resident_kb: Option<u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Audits {
    ledgers: Vec<Ledger>,
    /// When the present window began, and the bytes sent by then.
    begun: Option<(Micros, u64)>,
    windows: Vec<Window>,
    laws_broken: u64,
    told: Vec<String>,
}

/// What came of all windows; the quarters are of their number. Null without windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct AuditFigures {
    pub windows: usize,
    /// Windows at whose end not all views were equal and right.
    pub views_wrong: Option<usize>,
    /// Counters that went back, contradict each other, or differ from what was seen.
    pub laws_broken: Option<u64>,
    /// Bytes of a node in a second: the median of the first quarter, and the last quarter's as a multiple of it.
    pub bytes_per_node_s: Option<f64>,
    pub bytes_drift: Option<f64>,
    /// False suspicions, and the median of the times until the first knows of a crash: those of the second half of the
    /// windows, as multiples of those of the first.
    pub false_suspicions_drift: Option<f64>,
    pub detection_drift: Option<f64>,
    /// The most members, tombstones included, that any node held, and the most tombstones of any in the last quarter.
    pub members_max: Option<usize>,
    pub tombstones_end: Option<usize>,
    /// The most packets under way, and the most planned in all, a node.
    pub under_way_max: Option<f64>,
    pub planned_max: Option<f64>,
    /// The most memory of the process in the last quarter, and how much that is above the most in the second
    /// (the first fills it), in MB.
    pub resident_mb: Option<f64>,
    pub resident_growth_mb: Option<f64>,
}

impl Audits {
    pub(super) fn stepped(&mut self, step: &Step<'_>) {
        if step.input == Input::Datagram {
            self.ledger(step.host).datagrams += 1;
        }
    }

    pub(super) fn sent(&mut self, host: HostId, class: Traffic, len: usize) {
        let (ledger, class) = (self.ledger(host), class_of(class));
        ledger.packets[class] += 1;
        ledger.bytes[class] += len as u64;
    }

    /// A host begins another life, and its node counts from zero.
    pub fn restarted(&mut self, host: HostId) {
        *self.ledger(host) = Ledger::default();
    }

    /// A cluster stands from the start: what its nodes were told before counts as seen.
    pub(super) fn formed(&mut self, hosts: &[Host]) {
        for (id, host) in (0..).zip(hosts) {
            let m = host.node.metrics();
            let ledger = self.ledger(id);
            ledger.datagrams = m.datagrams_received;
            ledger.packets = [
                m.packets_probe,
                m.packets_suspicion,
                m.packets_rumor,
                m.packets_state,
                m.packets_sync,
                m.packets_pulse,
            ];
            ledger.bytes =
                [m.bytes_probe, m.bytes_suspicion, m.bytes_rumor, m.bytes_state, m.bytes_sync, m.bytes_pulse];
        }
    }

    fn ledger(&mut self, host: HostId) -> &mut Ledger {
        let at = host as usize;
        if self.ledgers.len() <= at {
            self.ledgers.resize(at + 1, Ledger::default());
        }
        &mut self.ledgers[at]
    }

    /// A window begins, by when this many bytes were sent.
    pub(super) fn begin(&mut self, now: Micros, bytes: u64) {
        self.begun = Some((now, bytes));
    }

    /// It ends.
    pub(super) fn end(&mut self, mut window: Window, running: usize, bytes: u64) {
        let Some((began, before)) = self.begun.take() else { return };
        let lasted = seconds(window.at - began) * running.max(1) as f64;
        window.bytes_per_node_s = (bytes - before) as f64 / lasted;
        self.windows.push(window);
    }

    /// Holds what the nodes counted against what was seen of them.
    pub(super) fn check(&mut self, now: Micros, hosts: &[Host], counts: Counts, under_way: usize) {
        let mut broken: Vec<String> = packets_that_vanished(counts, under_way).into_iter().collect();
        for (n, host) in hosts.iter().enumerate().filter(|(_, host)| host.is_running()) {
            let ledger = self.ledger(n as HostId);
            let metrics = host.node.metrics();
            broken.extend(
                ledger
                    .contradicted(metrics)
                    .chain(contradictions(metrics))
                    .map(|what| format!("node-{n} at {:.3} s: {what}", seconds(now))),
            );
            self.ledger(n as HostId).counted = metrics.counters().map(|(_, count)| count).collect();
        }
        self.laws_broken += broken.len() as u64;
        let room = MAX_TOLD.saturating_sub(self.told.len());
        self.told.extend(broken.into_iter().take(room));
    }

    /// The first broken laws, in words.
    pub fn told(&self) -> &[String] {
        &self.told
    }

    /// What came of all.
    pub fn figures(&self, judgements: &Judgements) -> AuditFigures {
        let windows = &self.windows;
        let Some(end) = windows.last() else { return AuditFigures::default() };
        let half = &windows[(windows.len() - 1) / 2];
        let suspicions = (half.false_suspicions, end.false_suspicions - half.false_suspicions);
        let detection = |during| judgements.known_to_first(during);
        let ratio = |first: f64, last: f64| (first > 0.0).then(|| last / first);
        let quarter = windows.len().div_ceil(4);
        let (first, last) = (&windows[..quarter], &windows[windows.len() - quarter..]);
        let second = &windows[quarter.min(windows.len() - quarter)..][..quarter];
        let bytes = |of: &[Window]| median(of.iter().map(|window| window.bytes_per_node_s));
        let resident = |of: &[Window]| of.iter().filter_map(|window| window.resident_kb).max();
        let most = |figure: fn(&Window) -> f64| windows.iter().map(figure).reduce(f64::max);
        let megabytes = |kb: u64| kb as f64 / 1e3;
        AuditFigures {
            windows: windows.len(),
            views_wrong: Some(windows.iter().filter(|window| !window.views_right).count()),
            laws_broken: Some(self.laws_broken),
            bytes_per_node_s: bytes(first),
            bytes_drift: bytes(first).zip(bytes(last)).and_then(|(first, last)| ratio(first, last)),
            false_suspicions_drift: ratio(suspicions.0 as f64, suspicions.1 as f64),
            detection_drift: detection(0..half.at)
                .zip(detection(half.at..end.at))
                .and_then(|(first, last)| ratio(first, last)),
            members_max: windows.iter().map(|window| window.members).max(),
            tombstones_end: last.iter().map(|window| window.tombstones).max(),
            under_way_max: most(|window| window.under_way),
            planned_max: most(|window| window.planned),
            resident_mb: resident(last).map(megabytes),
            resident_growth_mb: resident(second)
                .zip(resident(last))
                .map(|(before, after)| megabytes(after) - megabytes(before)),
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    Summary::of(values).map(|values| values.quantile(0.5))
}

/// What a world looks like now, except for what was sent since the window began.
pub(super) fn window(world: &World<Measure>) -> Window {
    let dead = |host: &Host| host.node.members().filter(|member| member.status() >= Status::Dead).count();
    let running = world.running().count().max(1) as f64;
    let most = |count: &dyn Fn(&Host) -> usize| world.running().map(|(_, host)| count(host)).max();
    Window {
        at: world.now(),
        bytes_per_node_s: 0.0,
        views_right: are_equal_and_right(world),
        members: most(&|host| host.node.members().len()).unwrap_or_default(),
        tombstones: most(&dead).unwrap_or_default(),
        under_way: world.packets_under_way() as f64 / running,
        planned: world.planned() as f64 / running,
        false_suspicions: world.watch.judgements.false_suspicions,
        resident_kb: resident_kb(),
    }
}

/// Memory of this process, as Linux tells it.
fn resident_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Every packet has one end, or is under way.
fn packets_that_vanished(counts: Counts, under_way: usize) -> Option<String> {
    let Counts { sent, duplicated, delivered, lost, unheard, overflowed, dropped, .. } = counts;
    let ends = delivered + lost + unheard + overflowed + dropped + under_way as u64;
    (sent + duplicated != ends)
        .then(|| format!("{sent} packets and {duplicated} copies were sent, and {ends} have an end"))
}

impl Ledger {
    /// Where a node's counters went back since the last audit, or differ from what was seen of it.
    fn contradicted(&self, metrics: &Metrics) -> impl Iterator<Item = String> {
        let back = metrics
            .counters()
            .zip(&self.counted)
            .filter(|&((_, now), &before)| now < before)
            .map(|((name, now), before)| format!("{name} went back from {before} to {now}"));
        let seen = [
            ("datagrams_received", metrics.datagrams_received, self.datagrams),
            ("packets_probe", metrics.packets_probe, self.packets[0]),
            ("packets_suspicion", metrics.packets_suspicion, self.packets[1]),
            ("packets_rumor", metrics.packets_rumor, self.packets[2]),
            ("packets_state", metrics.packets_state, self.packets[3]),
            ("packets_sync", metrics.packets_sync, self.packets[4]),
            ("packets_pulse", metrics.packets_pulse, self.packets[5]),
            ("bytes_probe", metrics.bytes_probe, self.bytes[0]),
            ("bytes_suspicion", metrics.bytes_suspicion, self.bytes[1]),
            ("bytes_rumor", metrics.bytes_rumor, self.bytes[2]),
            ("bytes_state", metrics.bytes_state, self.bytes[3]),
            ("bytes_sync", metrics.bytes_sync, self.bytes[4]),
            ("bytes_pulse", metrics.bytes_pulse, self.bytes[5]),
        ];
        let differ = seen.into_iter().filter(|(_, counted, seen)| counted != seen);
        let differ = differ.map(|(name, counted, seen)| format!("{name} is {counted}, and {seen} were seen"));
        back.chain(differ).collect::<Vec<_>>().into_iter()
    }
}

/// Where a node's counters contradict each other.
fn contradictions(metrics: &Metrics) -> impl Iterator<Item = String> {
    let m = metrics;
    let at_most = [
        (
            "malformed + foreign + non_members",
            m.malformed + m.foreign + m.non_members,
            "datagrams_received",
            m.datagrams_received,
        ),
        (
            "fingerprints_equal + fingerprints_differed",
            m.fingerprints_equal + m.fingerprints_differed,
            "datagrams_received",
            m.datagrams_received,
        ),
        ("records_changed", m.records_changed, "records_received", m.records_received),
        ("records_repaired", m.records_repaired, "records_changed", m.records_changed),
        ("items_changed", m.items_changed, "items_received", m.items_received),
        ("probes_answered + probes_failed", m.probes_answered + m.probes_failed, "probes", m.probes),
        ("accusations_made", m.accusations_made, "probes_failed", m.probes_failed),
        ("suspicions_cleared", m.suspicions_cleared, "suspicions", m.suspicions),
        ("deaths_declared", m.deaths_declared, "suspicions", m.suspicions),
        ("lag_ms", m.lag_ms.count(), "records_changed", m.records_changed),
        (
            "own packets' classes",
            m.relayed_pings + m.reconnects,
            "packets",
            m.packets_probe + m.packets_suspicion,
        ),
    ];
    at_most
        .into_iter()
        .filter(|(_, less, _, more)| less > more)
        .map(|(small, less, large, more)| format!("{small} is {less}, above {large}, which is {more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(figure: impl Fn(u64, &mut Window)) -> AuditFigures {
        let mut audits = Audits::default();
        for n in 0..8 {
            let mut window = Window { at: (n + 1) * 100, views_right: true, ..Window::default() };
            figure(n, &mut window);
            audits.windows.push(window);
        }
        audits.figures(&Judgements::default())
    }

    #[test]
    fn a_drift_is_the_last_quarter_as_a_multiple_of_the_first() {
        let figures = hours(|n, window| {
            window.bytes_per_node_s = if n < 6 { 50.0 } else { 75.0 };
            window.false_suspicions = if n < 4 { n + 1 } else { 4 + 2 * (n - 3) };
            window.resident_kb = Some(if n == 7 { 9_000 } else { 7_000 });
            window.views_right = n != 5;
        });
        assert_eq!((figures.bytes_per_node_s, figures.bytes_drift), (Some(50.0), Some(1.5)));
        assert_eq!((figures.false_suspicions_drift, figures.views_wrong), (Some(2.0), Some(1)));
        assert_eq!((figures.resident_mb, figures.resident_growth_mb), (Some(9.0), Some(2.0)));
    }

    #[test]
    fn a_window_counts_what_was_sent_in_it() {
        let mut audits = Audits::default();
        audits.begin(10_000_000, 5_000);
        audits.end(Window { at: 14_000_000, ..Window::default() }, 10, 9_000);
        assert_eq!(audits.windows[0].bytes_per_node_s, 100.0);
        // One that never began is none.
        audits.end(Window::default(), 10, 9_000);
        assert_eq!(audits.windows.len(), 1);
    }

    #[test]
    fn counters_that_differ_from_what_was_seen_or_go_back_are_told() {
        let mut metrics = Metrics::default();
        let mut ledger = Ledger { datagrams: 3, ..Ledger::default() };
        (ledger.packets[2], ledger.bytes[2]) = (1, 100);
        let told: Vec<String> = ledger.contradicted(&metrics).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        (metrics.datagrams_received, metrics.packets_rumor, metrics.bytes_rumor) = (3, 1, 100);
        assert_eq!(ledger.contradicted(&metrics).count(), 0);
        ledger.counted = metrics.counters().map(|(_, count)| count).collect();
        ledger.counted[0] += 1;
        assert_eq!(ledger.contradicted(&metrics).count(), 1);
    }

    #[test]
    fn counters_that_contradict_each_other_are_told() {
        let mut metrics = Metrics::default();
        assert_eq!(contradictions(&metrics).count(), 0);
        (metrics.probes, metrics.probes_answered, metrics.probes_failed) = (2, 2, 1);
        assert_eq!(contradictions(&metrics).count(), 1);
    }

    #[test]
    fn a_packet_without_an_end_is_missed() {
        let counts =
            Counts { sent: 9, duplicated: 1, delivered: 5, lost: 2, dropped: 1, ..Counts::default() };
        assert_eq!(packets_that_vanished(counts, 2), None);
        assert!(packets_that_vanished(counts, 1).is_some());
    }
}
