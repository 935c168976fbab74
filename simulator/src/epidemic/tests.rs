use super::*;

fn study(nodes: u32, mode: Mode, fanout: u32, loss: f64, sends: Option<u32>, runs: u64) -> Study {
    let epidemic = Epidemic { nodes, mode, fanout, loss, sends, unknown: 0.0 };
    let courses: Vec<Course> = (0..runs).map(|seed| epidemic.run(seed).unwrap()).collect();
    Study::of(epidemic, &courses).unwrap()
}

/// Mean rounds until everyone knows, at 1,000 and at 10,000 nodes, as simulated elsewhere and rounded to a
/// tenth; the formulas of [`theory::rounds`] were fitted to them.
const PUBLISHED: [(Mode, u32, [f64; 2]); 6] = [
    (Mode::Push, 1, [18.0, 23.7]),
    (Mode::Pull, 1, [13.8, 17.5]),
    (Mode::PushPull, 1, [9.2, 11.6]),
    (Mode::Push, 3, [8.2, 10.6]),
    (Mode::Pull, 3, [7.1, 8.9]),
    (Mode::PushPull, 3, [5.1, 6.7]),
];
/// Half of the last digit that the figures above are given to.
const ROUNDING: f64 = 0.05;

#[test]
fn rounds_agree_with_the_published_means_within_three_standard_errors() {
    for (mode, fanout, means) in PUBLISHED {
        for ((nodes, runs), published) in [(1_000, 400), (10_000, 100)].into_iter().zip(means) {
            let rounds = study(nodes, mode, fanout, 0.0, None, runs).rounds.unwrap();
            let off = (rounds.mean() - published).abs();
            let most = 3.0 * rounds.standard_error() + ROUNDING;
            assert!(off <= most, "{mode} {fanout} of {nodes}: {} rounds, not {published}", rounds.mean());
        }
    }
}

#[test]
fn the_formulas_give_the_published_means_to_two_tenths_of_a_round() {
    for (mode, fanout, means) in PUBLISHED {
        for (nodes, published) in [1_000, 10_000].into_iter().zip(means) {
            let formula = theory::rounds(mode, fanout, 0.0, nodes).unwrap();
            assert!((formula - published).abs() < 0.2, "{mode} {fanout} of {nodes}: {formula}");
        }
    }
    assert_eq!(theory::rounds(Mode::Pull, 2, 0.0, 1_000), None);
    assert_eq!(theory::rounds(Mode::Pull, 1, 0.1, 1_000), None);
}

#[test]
fn lossy_push_takes_exactly_the_rounds_of_its_markov_chain() {
    // The formula for loss is good to a few tenths only, so the chain itself is what is held against.
    for (fanout, loss) in [(1, 0.0), (1, 0.2), (3, 0.2), (3, 0.5)] {
        let nodes = 500;
        let exact = push_chain(nodes as usize, fanout as usize, loss);
        let rounds = study(nodes, Mode::Push, fanout, loss, None, 1_000).rounds.unwrap();
        let off = (rounds.mean() - exact).abs();
        assert!(off <= 3.0 * rounds.standard_error(), "{fanout}, {loss}: {} not {exact}", rounds.mean());
        let formula = theory::rounds(Mode::Push, fanout, loss, nodes).unwrap();
        assert!((formula - exact).abs() < 0.4, "{fanout}, {loss}: formula {formula}, exact {exact}");
    }
}

/// Expected rounds of a push, from the transition probabilities of the number of informed nodes.
fn push_chain(nodes: usize, fanout: usize, loss: f64) -> f64 {
    let tellings: Vec<Vec<f64>> = (0..nodes).map(|fresh| telling(nodes - 1, fresh, fanout, loss)).collect();
    let mut rounds = vec![0.0; nodes + 1];
    for informed in (1..nodes).rev() {
        let fresh = nodes - informed;
        let mut newly = vec![0.0; fresh + 1];
        newly[0] = 1.0;
        for _ in 0..informed {
            for already in (0..=fresh).rev().filter(|&already| already < fresh) {
                let weight = std::mem::take(&mut newly[already]);
                if weight < 1e-18 {
                    continue;
                }
                for (more, share) in tellings[fresh - already].iter().enumerate().take(fresh - already + 1) {
                    newly[already + more] += weight * share;
                }
            }
        }
        let onward: f64 = (1..=fresh).map(|more| newly[more] * rounds[informed + more]).sum();
        rounds[informed] = (1.0 + onward) / (1.0 - newly[0]);
    }
    rounds[1]
}

/// The probabilities that one caller of `fanout` distinct peers out of `others` tells 0, 1, 2 … of the
/// `fresh` ones among them.
fn telling(others: usize, fresh: usize, fanout: usize, loss: f64) -> Vec<f64> {
    // By fresh peers picked so far, and how many of those the rumor arrived at.
    let mut picked = vec![vec![0.0; fanout + 1]; fanout + 1];
    picked[0][0] = 1.0;
    for call in 0..fanout {
        let mut next = vec![vec![0.0; fanout + 1]; fanout + 1];
        for (hit, row) in picked.iter().enumerate().take(call + 1) {
            let chance = fresh.saturating_sub(hit) as f64 / (others - call) as f64;
            for (told, weight) in row.iter().enumerate().take(hit + 1) {
                next[hit][told] += weight * (1.0 - chance);
                next[hit + 1][told] += weight * chance * loss;
                next[hit + 1][told + 1] += weight * chance * (1.0 - loss);
            }
        }
        picked = next;
    }
    (0..=fanout).map(|told| picked.iter().map(|row| row[told]).sum()).collect()
}

#[test]
fn a_limited_push_misses_the_share_that_theory_gives() {
    for (sends, published) in [(3, 0.0595), (4, 0.0198), (6, 0.0025)] {
        assert!((theory::missed_share(f64::from(sends)) - published).abs() < 5e-5);
        for fanout in [1, 3] {
            let study = study(10_000, Mode::Push, fanout, 0.0, Some(sends), 100);
            let (missed, expected) = (&study.missed_share, study.theory.missed_share.unwrap());
            let off = (missed.mean() - expected).abs();
            assert!(off <= 3.0 * missed.standard_error(), "{sends}, {fanout}: {}", missed.mean());
        }
    }
}

#[test]
fn a_limited_push_reaches_everyone_as_often_as_theory_says() {
    let runs = 1_000;
    for (sends, loss) in [(7, 0.0), (8, 0.0), (10, 0.2)] {
        let study = study(1_000, Mode::Push, 1, loss, Some(sends), runs);
        let expected = study.theory.reached_all.unwrap();
        let error = (expected * (1.0 - expected) / runs as f64).sqrt();
        assert!((study.reached_all - expected).abs() <= 3.0 * error, "{sends}: {}", study.reached_all);
    }
}

#[test]
fn one_send_a_node_is_heard_by_almost_nobody_more() {
    assert_eq!(theory::missed_share(1.0), 1.0);
    assert!(theory::missed_share(1.001) > 0.99);
    assert!(theory::missed_share(40.0) < 1e-17);
}

#[test]
fn one_seed_gives_one_course_for_ever() {
    let epidemic =
        Epidemic { nodes: 100, mode: Mode::PushPull, fanout: 2, loss: 0.1, sends: None, unknown: 0.0 };
    let course = epidemic.run(1).unwrap();
    assert_eq!(course, epidemic.run(1).unwrap());
    assert_ne!(course, epidemic.run(2).unwrap());
    assert_eq!((course.informed, course.copies), (vec![1, 3, 11, 37, 84, 100], 355));
}

#[test]
fn a_course_counts_each_node_once_and_each_copy_sent() {
    for mode in Mode::ALL {
        let epidemic = Epidemic { nodes: 64, mode, fanout: 3, loss: 0.3, sends: None, unknown: 0.0 };
        let course = epidemic.run(5).unwrap();
        assert!(course.informed.is_sorted());
        assert_eq!(course.rounds(64), Some(course.informed.len() - 1));
        assert!(course.copies >= 63, "everyone but the first was told by a copy");
    }
    let two = Epidemic { nodes: 2, mode: Mode::Push, fanout: 1, loss: 0.0, sends: None, unknown: 0.0 };
    assert_eq!(two.run(0), Ok(Course { informed: vec![1, 2], copies: 1 }));
}

#[test]
fn a_node_sends_no_more_than_its_limit() {
    let epidemic =
        Epidemic { nodes: 1_000, mode: Mode::Push, fanout: 3, loss: 0.0, sends: Some(7), unknown: 0.0 };
    let course = epidemic.run(3).unwrap();
    let knew = *course.informed.last().unwrap();
    assert_eq!(course.copies, 7 * u64::from(knew));
}

#[test]
fn what_cannot_be_run_is_refused_with_the_reason() {
    let good = Epidemic { nodes: 10, mode: Mode::Push, fanout: 3, loss: 0.0, sends: None, unknown: 0.0 };
    assert_eq!(Epidemic { nodes: 1, ..good }.run(0), Err(InvalidEpidemic::Nodes(1)));
    assert_eq!(Epidemic { fanout: 10, ..good }.run(0), Err(InvalidEpidemic::Fanout(10)));
    assert_eq!(Epidemic { fanout: 0, ..good }.run(0), Err(InvalidEpidemic::Fanout(0)));
    assert_eq!(Epidemic { loss: 1.0, ..good }.run(0), Err(InvalidEpidemic::Loss(1.0)));
    assert!(matches!(Epidemic { loss: f64::NAN, ..good }.run(0), Err(InvalidEpidemic::Loss(_))));
    assert_eq!(Epidemic { sends: Some(0), ..good }.run(0), Err(InvalidEpidemic::Sends));
    let asked = Epidemic { mode: Mode::Pull, sends: Some(3), ..good };
    assert_eq!(asked.run(0), Err(InvalidEpidemic::Sends));
}

#[test]
fn a_course_that_loses_almost_everything_still_ends() {
    let epidemic =
        Epidemic { nodes: 3, mode: Mode::Pull, fanout: 1, loss: 0.999_999, sends: None, unknown: 0.0 };
    let course = epidemic.run(0).unwrap();
    assert_eq!(course.informed.len(), usize::from(MAX_ROUNDS) + 1);
    assert_eq!(course.rounds(3), None);
}

fn ring(nodes: u32, loss: f64, sends: u32, unknown: f64, runs: u64) -> Study {
    let epidemic = Epidemic { nodes, mode: Mode::Ring, fanout: 4, loss, sends: Some(sends), unknown };
    let courses: Vec<Course> = (0..runs).map(|seed| epidemic.run(seed).unwrap()).collect();
    Study::of(epidemic, &courses).unwrap()
}

#[test]
fn ring_and_random_misses_nobody_where_nothing_is_lost_and_all_are_known() {
    for nodes in [2, 5, 9, 100, 10_000] {
        let fanout = 4.min(nodes - 1);
        let epidemic = Epidemic { nodes, mode: Mode::Ring, fanout, loss: 0.0, sends: Some(8), unknown: 0.0 };
        for seed in 0..50 {
            let course = epidemic.run(seed).unwrap();
            assert!(course.rounds(nodes).is_some(), "{nodes} nodes, seed {seed}");
        }
    }
    assert_eq!(theory::missed_by_ring(8, 0.0, 0.0), 0.0);
}

#[test]
fn with_loss_and_different_views_the_ring_misses_what_its_formula_says() {
    for (loss, unknown, sends) in [(0.3, 0.0, 4), (0.4, 0.0, 6), (0.0, 0.3, 4), (0.0, 0.8, 4), (0.2, 0.2, 4)]
    {
        let study = ring(2_000, loss, sends, unknown, 60);
        let (missed, expected) = (study.missed_share.mean(), study.theory.missed_share.unwrap());
        let ratio = missed / expected;
        assert!((0.6..1.7).contains(&ratio), "{loss}, {unknown}, {sends}: {missed}, formula {expected}");
    }
}

#[test]
fn the_more_is_unknown_the_more_the_ring_becomes_a_push() {
    let missed = |unknown| theory::missed_by_ring(8, 0.0, unknown);
    let all = [0.0, 0.1, 0.3, 0.6, 0.9, 0.99].map(missed);
    assert!(all.is_sorted(), "{all:?}");
    assert!((all[5] / theory::missed_share(8.0) - 1.0).abs() < 0.1, "{all:?}");
}

#[test]
fn the_ring_takes_no_more_rounds_than_its_bound() {
    for (loss, nodes) in [(0.0, 1_000), (0.0, 10_000), (0.2, 1_000), (0.2, 10_000)] {
        let rounds = study(nodes, Mode::Ring, 4, loss, None, 100).rounds.unwrap();
        let bound = theory::rounds(Mode::Ring, 4, loss, nodes).unwrap();
        assert!(
            (0.0..3.0).contains(&(bound - rounds.mean())),
            "{loss}, {nodes}: {} of {bound}",
            rounds.mean()
        );
    }
}
