//! What is published about epidemics on a complete graph, as formulas.
//!
//! The leading terms are theorems: log₂ n + ln n for push (Pittel 1987), log₃ n + O(ln ln n) for push-pull
//! (Karp et al. 2000), and their like for a fanout of three. The constants added to them are fitted, good
//! to about 0.1 rounds from 1,000 to 100,000 nodes, so a comparison with them has to allow for that.

use super::Mode;

/// Rounds until everyone knows, on average; `None` where no formula is known.
///
/// Push has one for every fanout and loss (with loss to 0.3 rounds up to 20 %, to 1.2 at 50 %); pull and
/// push-pull have one for fanouts 1 and 3 without loss. That of the ring is a bound, 1 to 3 rounds above
/// the mean for fanouts from 2 on, and up to 7 above it for 1.
#[must_use]
pub fn rounds(mode: Mode, fanout: u32, loss: f64, nodes: u32) -> Option<f64> {
    let n = f64::from(nodes);
    let log = |base: f64| n.ln() / base.ln();
    let log_of_ln = |base: f64| n.ln().ln() / base.ln();
    let heard = f64::from(fanout) * (1.0 - loss);
    let lossless = loss == 0.0;
    match (mode, fanout) {
        (Mode::Push, _) => {
            let constant = match fanout {
                1 if lossless => 1.18,
                3 if lossless => 0.9,
                _ => 1.1,
            };
            Some(log(1.0 + heard) + n.ln() / heard + constant)
        }
        // An upper bound. At first news grows as in a push by the random half alone, since neighbours tell each other much
        // twice; in the end, a round leaves a share loss^(k/2) · e^(-(1-loss)k/2) of those that do not know yet.
        (Mode::Ring, _) => {
            let half = heard / 2.0;
            let left = half + f64::from(fanout) / 2.0 * (1.0 / loss.max(0.01)).ln();
            Some(log(1.0 + half) + n.ln() / left + 1.0)
        }
        (Mode::Pull, 1) if lossless => Some(log(2.0) + log_of_ln(2.0) + 1.0),
        (Mode::Pull, 3) if lossless => Some(log(4.0) + log_of_ln(4.0) + 0.65),
        (Mode::PushPull, 1) if lossless => Some(log(3.0) + log_of_ln(2.0)),
        (Mode::PushPull, 3) if lossless => Some(log(7.0) + log_of_ln(4.0) + 0.3),
        _ => None,
    }
}

/// Steps towards the fixed point of [`missed_by_ring`].
const STEPS: u32 = 100;
/// Predecessors that are summed over: farther ones know too many between.
const FARTHEST: u32 = 4_096;

/// About the share of a large crowd that ring and random never reach with `sends` sends a node, half of them to the next
/// in one order, where a share `loss` of the datagrams is lost and each node does not know a share `unknown` of the others.
///
/// A node is missed if neither a predecessor nor a random send reaches it. It is a neighbour of the node `d` places before
/// if that one knows it, and knows fewer than half of `sends` of the `d - 1` between them: with the probability q(d). These
/// add up to half of `sends`, whatever is unknown. Where everyone is known, q is 1 for the nearest and 0 for the rest, and
/// the missed share π solves π = (π + (1-π)·loss)^(sends/2) · e^(−(1−loss)(1−π)·sends/2). Missed predecessors share
/// predecessors of their own, which is left out: the estimate is good where few are missed.
#[must_use]
pub fn missed_by_ring(sends: u32, loss: f64, unknown: f64) -> f64 {
    let along = sends.div_ceil(2);
    let random = f64::from(sends - along);
    let known = 1.0 - unknown;
    // The probability that exactly this many of those between are known, for fewer than `along`.
    let mut between = vec![0.0; along as usize];
    between[0] = 1.0;
    let mut neighbour = Vec::new();
    for _ in 0..FARTHEST {
        let fewer: f64 = between.iter().sum();
        if fewer < 1e-12 {
            break;
        }
        neighbour.push(known * fewer);
        for count in (0..between.len()).rev() {
            let one_less = count.checked_sub(1).map_or(0.0, |less| between[less]);
            between[count] = between[count] * unknown + one_less * known;
        }
    }
    let mut missed = 0.0;
    for _ in 0..STEPS {
        let arrives = (1.0 - loss) * (1.0 - missed);
        let passed: f64 = neighbour.iter().map(|q| 1.0 - q * arrives).product();
        missed = passed * (-random * arrives).exp();
    }
    missed
}

/// Halvings of the interval that holds the missed share: as many as a float has bits.
const BISECTIONS: u32 = 60;

/// The share of a large crowd that a push of `sends` sends a node never reaches: the π below 1 that solves
/// π = e^(−L(1−π)) (Demers et al. 1987), or 1 when each node is heard by one other at most.
#[must_use]
pub fn missed_share(sends: f64) -> f64 {
    if sends <= 1.0 {
        return 1.0;
    }
    // e^(−L(1−π)) − π is convex, positive at 0 and zero at 1, so its other root lies below its minimum.
    let (mut low, mut high) = (0.0, 1.0 - sends.ln() / sends);
    for _ in 0..BISECTIONS {
        let middle = (low + high) / 2.0;
        if (-sends * (1.0 - middle)).exp() > middle { low = middle } else { high = middle }
    }
    low
}

/// The probability that a push of `sends` sends a node reaches everyone: exp(−n·e^(−L)), good where few are
/// missed (Demers et al. 1987, after Erdős and Rényi).
#[must_use]
pub fn all_reached(nodes: u32, sends: f64) -> f64 {
    (-f64::from(nodes) * (-sends).exp()).exp()
}
