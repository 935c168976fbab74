//! Many courses of one epidemic, in figures, beside what theory says.

use super::{Course, Epidemic, Mode, theory};
use crate::statistics::Summary;
use serde::Serialize;

/// What many runs of one epidemic did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Study {
    /// What was run.
    #[serde(flatten)]
    pub epidemic: Epidemic,
    /// Runs, each of another seed.
    pub runs: usize,
    /// Rounds until everyone knew, of the runs that got there; `None` when none did.
    pub rounds: Option<Summary>,
    /// Share of the runs in which everyone knew in the end.
    pub reached_all: f64,
    /// Share of the nodes that never knew.
    pub missed_share: Summary,
    /// Copies of the rumor sent by a node on average, lost ones included.
    pub copies_per_node: f64,
    /// What theory expects.
    pub theory: Theory,
    /// Share of the nodes that knew after 0, 1, 2 … rounds, mean of the runs.
    pub informed: Vec<f64>,
}

/// What theory expects of an epidemic; `None` where it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Theory {
    /// Mean rounds until everyone knows.
    pub rounds: Option<f64>,
    /// Share of the nodes that never know.
    pub missed_share: Option<f64>,
    /// Probability that everyone knows in the end.
    pub reached_all: Option<f64>,
}

impl Theory {
    /// What theory expects of this epidemic.
    #[must_use]
    pub fn of(epidemic: &Epidemic) -> Self {
        let Epidemic { nodes, mode, fanout, loss, sends, unknown } = *epidemic;
        if mode == Mode::Ring {
            let missed = sends.map(|sends| theory::missed_by_ring(sends, loss, unknown));
            return Self {
                rounds: theory::rounds(mode, fanout, loss, nodes)
                    .filter(|_| sends.is_none() && unknown == 0.0),
                missed_share: missed,
                reached_all: missed.map(|missed| (-f64::from(nodes) * missed).exp()),
            };
        }
        let arriving = sends.filter(|_| mode == Mode::Push).map(|sends| f64::from(sends) * (1.0 - loss));
        Self {
            rounds: sends.is_none().then(|| theory::rounds(mode, fanout, loss, nodes)).flatten(),
            missed_share: arriving.map(theory::missed_share),
            reached_all: arriving.map(|sends| theory::all_reached(nodes, sends)),
        }
    }
}

impl Study {
    /// Sums up courses of one epidemic; `None` when there are none.
    #[must_use]
    pub fn of(epidemic: Epidemic, courses: &[Course]) -> Option<Self> {
        let nodes = f64::from(epidemic.nodes);
        let finals = courses.iter().filter_map(|c| c.informed.last());
        let missed_share = Summary::of(finals.map(|&known| 1.0 - f64::from(known) / nodes))?;
        let copies = Summary::of(courses.iter().map(|c| c.copies as f64))?;
        let rounds: Vec<usize> = courses.iter().filter_map(|c| c.rounds(epidemic.nodes)).collect();
        let longest = courses.iter().map(|c| c.informed.len()).max().unwrap_or(0);
        let informed = (0..longest).filter_map(|round| {
            let after = |c: &Course| c.informed.get(round).or(c.informed.last()).copied();
            Summary::of(courses.iter().filter_map(after).map(f64::from)).map(|known| known.mean() / nodes)
        });
        Some(Self {
            epidemic,
            runs: courses.len(),
            reached_all: rounds.len() as f64 / courses.len() as f64,
            rounds: Summary::of(rounds.iter().map(|&rounds| rounds as f64)),
            missed_share,
            copies_per_node: copies.mean() / nodes,
            theory: Theory::of(&epidemic),
            informed: informed.collect(),
        })
    }
}
