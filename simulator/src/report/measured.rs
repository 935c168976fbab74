//! The pictures of a measured run.

use super::{Chart, Matrix, Plot, Report, Series};
use crate::engine::Host;
use crate::measure::{CLASSES, Measure};

impl Report {
    /// A report of what was measured of some hosts, under a title and with figures of the caller's.
    #[must_use]
    pub fn of(title: String, facts: Vec<(String, String)>, measure: &Measure, hosts: &[Host]) -> Self {
        let charts = vec![
            informed(measure, hosts),
            detection(measure),
            bytes(measure),
            divergence(measure),
            routable(measure),
            accusations(measure, hosts),
        ];
        Self { title, facts, charts }
    }
}

fn chart(title: &str, caption: &str, (x, y): (&str, &str), plot: Plot) -> Chart {
    Chart { title: title.into(), caption: caption.into(), x: x.into(), y: y.into(), plot }
}

fn line(name: &str, points: Vec<(f64, f64)>) -> Series {
    Series { name: name.into(), points }
}

fn informed(measure: &Measure, hosts: &[Host]) -> Chart {
    let points = measure.spreads.curve(hosts);
    chart(
        "Share informed",
        "Who runs and holds the first change that was followed.",
        ("seconds since the change", "share of the nodes"),
        Plot::Steps(vec![line("informed", points)]),
    )
}

fn detection(measure: &Measure) -> Chart {
    chart(
        "Detection latency",
        "From a crash until a node holds the crashed one for dead; each crash at each node counts once.",
        ("seconds since the crash", "nodes that knew"),
        Plot::Histogram(measure.judgements.delays()),
    )
}

fn bytes(measure: &Measure) -> Chart {
    let seconds: Vec<[f64; CLASSES.len()]> = measure.sent.per_node().collect();
    let series = CLASSES.iter().enumerate().map(|(class, name)| {
        let points = seconds.iter().enumerate().map(|(second, bytes)| (second as f64, bytes[class]));
        line(name, points.collect())
    });
    chart(
        "Bytes sent",
        "Payload of UDP, mean of the nodes that ran.",
        ("seconds", "bytes per node per second"),
        Plot::Steps(series.collect()),
    )
}

fn divergence(measure: &Measure) -> Chart {
    chart(
        "View divergence",
        "Nodes whose view of who is alive is not the commonest one.",
        ("seconds", "share of the nodes"),
        Plot::Steps(vec![line("divergence", measure.views.divergence.clone())]),
    )
}

fn routable(measure: &Measure) -> Chart {
    let names = ["live", "reachable", "routable"];
    let series = measure.watches.curves().into_iter().flat_map(|(name, curve)| {
        let points = move |n: usize| curve.iter().map(|(second, shares)| (*second, shares[n])).collect();
        names.iter().enumerate().map(move |(n, what)| line(&format!("{name}: {what}"), points(n)))
    });
    chart(
        "Who can use whom",
        "Of all pairs of running nodes in each watch, those in which one sees the other so.",
        ("seconds", "share of the pairs"),
        Plot::Steps(series.collect()),
    )
}

fn accusations(measure: &Measure, hosts: &[Host]) -> Chart {
    let counts = measure.accusations.counts();
    chart(
        "Who accused whom",
        "What a node told others, in its own name, of a member that it probed in vain; each incarnation counts once.",
        ("accused", "accuser"),
        Plot::Matrix(Matrix { nodes: hosts.len() as u32, counts: counts.collect() }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_shown_as_nothing() {
        let report = Report::of("quiet".into(), Vec::new(), &Measure::default(), &[]);
        let html = report.to_html().unwrap();
        assert!(report.charts.iter().all(|chart| html.contains(&chart.title)));
        assert!(html.contains("Nothing to show") && !html.contains("<svg"));
    }
}
