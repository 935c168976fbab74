//! What scenarios can say: each word does what it says, and figures show it.
#![allow(clippy::unwrap_used, reason = "a test may")]

use serde_json::Value;
use simulator::{outcome::Outcome, run::run, scenario::Plan};

/// What comes of a scenario of so many nodes and seconds.
fn outcome(nodes: u32, duration_s: u32, more: &str) -> Outcome {
    tried(nodes, duration_s, more).unwrap()
}

fn tried(nodes: u32, duration_s: u32, more: &str) -> Result<Outcome, String> {
    let text = format!("about = 'x'\nnodes = {nodes}\nduration_s = {duration_s}\n{more}");
    let plan = Plan::parse("test", &text).map_err(|error| error.to_string())?;
    let scenario = plan.variants().map_err(|error| error.to_string())?.remove(0);
    run(&scenario, 1, &mut |_| ()).map_err(|error| error.to_string())
}

fn figure(outcome: &Outcome, name: &str) -> Value {
    let figures = outcome.figures();
    figures.into_iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1
}

fn number(outcome: &Outcome, name: &str) -> f64 {
    figure(outcome, name).as_f64().unwrap_or_else(|| panic!("{name} was not measured\n{}", outcome.json()))
}

const ZONES: &str = "[topology]\nzones = 3\n";
const CUT: &str = "[[step]]\ndo = 'cut'\nat_s = 5\nfor_s = 30\nwho = { zone = 1 }\n";

#[test]
fn a_watch_shows_who_can_use_whom_across_a_cut_and_after_it() {
    let watches = "[[step]]\ndo = 'watch'\nname = 'cut'\nat_s = 25\nfor_s = 10\nwho = { zone = 1 }\n\
        [[step]]\ndo = 'watch'\nname = 'within'\nat_s = 25\nfor_s = 10\nwho = { zone = 0 }\nfrom = { zone = 2 }\n\
        [[step]]\ndo = 'watch'\nname = 'after'\nat_s = 35\nwho = { zone = 1 }\n";
    let outcome = outcome(18, 120, &format!("{ZONES}{CUT}{watches}"));
    assert_eq!(number(&outcome, "watch.cut.routable.min"), 0.0);
    assert_eq!(number(&outcome, "watch.within.routable.min"), 1.0);
    assert_eq!(number(&outcome, "watch.within.live.p99_s"), 0.0);
    assert_eq!(figure(&outcome, "watch.cut.routable.p99_s"), Value::Null);
    assert_eq!(number(&outcome, "watch.after.reachable.start"), 0.0);
    assert_eq!(number(&outcome, "watch.after.routable.end"), 1.0);
    let back = number(&outcome, "watch.after.routable.p99_s");
    assert!(back > 0.0 && back < 85.0, "{back}");
}

#[test]
fn one_direction_of_views_is_watched_alone() {
    // Nobody hears zone 1, which hears all: its members are dead to the others, and not the other way round.
    let deaf = CUT.replace("'cut'", "'cut'\ndirection = 'outbound'");
    let watch = |name: &str, direction: &str| {
        format!(
            "[[step]]\ndo = 'watch'\nname = '{name}'\nat_s = 0\nfor_s = 35\nwho = {{ zone = 1 }}\n\
            direction = '{direction}'\n"
        )
    };
    let watches = [watch("theirs", "outbound"), watch("others", "inbound"), watch("both", "both")].concat();
    let outcome = outcome(18, 40, &format!("{ZONES}{deaf}{watches}"));
    let events = |name: &str| {
        let figures = outcome.figures().into_iter();
        let of = figures.filter(|(figure, _)| figure.starts_with(&format!("watch.{name}.events.")));
        of.map(|(_, count)| count.as_u64().unwrap()).sum::<u64>()
    };
    assert!(events("others") > 0);
    assert_eq!(events("theirs") + events("others"), events("both"));
    let share = |name: &str| number(&outcome, &format!("watch.{name}.reachable.end"));
    assert_eq!((share("theirs") + share("others")) / 2.0, share("both"));
}

#[test]
fn events_are_counted_by_kind_and_the_most_of_any_pair_is_told() {
    let steps = "[[step]]\ndo = 'watch'\nname = 'all'\nat_s = 0\n\
        [[step]]\ndo = 'watch'\nname = 'before'\nat_s = 0\nfor_s = 4\n\
        [[step]]\ndo = 'crash'\nat_s = 5\nwho = { nodes = [3] }\n\
        [[step]]\ndo = 'update'\nat_s = 5\nevery_s = 5\nuntil_s = 10\nwho = { nodes = [4] }\n";
    let outcome = outcome(6, 40, steps);
    assert_eq!(number(&outcome, "watch.all.events.down"), 5.0);
    assert_eq!(number(&outcome, "watch.all.most.down"), 1.0);
    assert_eq!(number(&outcome, "watch.all.most.updated"), 2.0);
    assert_eq!(number(&outcome, "watch.before.events.down"), 0.0);
}

#[test]
fn the_nth_death_is_timed_from_the_start_of_its_watch() {
    let steps = "[[step]]\ndo = 'watch'\nname = 'all'\nat_s = 5\ndeaths = [1, 2, 3]\n\
        [[step]]\ndo = 'crash'\nat_s = 5\nevery_s = 30\nuntil_s = 35\nwho = { count = 1 }\n";
    let outcome = outcome(10, 80, steps);
    let (first, second) =
        (number(&outcome, "watch.all.deaths_s.1"), number(&outcome, "watch.all.deaths_s.2"));
    assert!(first > 0.0 && first < 15.0 && second > 30.0 && second < 45.0, "{first} {second}");
    assert_eq!(figure(&outcome, "watch.all.deaths_s.3"), Value::Null);
}

#[test]
fn bytes_of_a_window_are_those_of_its_time_and_its_nodes() {
    let steps = "[[step]]\ndo = 'watch'\nname = 'all'\nat_s = 0\n\
        [[step]]\ndo = 'watch'\nname = 'one'\nat_s = 0\nwho = { nodes = [0] }\ndirection = 'outbound'\n\
        [[step]]\ndo = 'watch'\nname = 'rest'\nat_s = 0\nwho = { nodes = [0] }\ndirection = 'inbound'\n";
    let outcome = outcome(8, 20, steps);
    let rate = |name: &str, class: &str| number(&outcome, &format!("watch.{name}.bytes_per_node_s.{class}"));
    let all = rate("all", "all");
    let classes = ["probe", "suspicion", "rumor", "sync"].map(|class| rate("all", class));
    assert!((classes.iter().sum::<f64>() - all).abs() < 0.01 && classes[0] > 0.0);
    assert!((number(&outcome, "sent.bytes_per_node_s_mean") - all).abs() < 0.01);
    assert!((rate("one", "all") + 7.0 * rate("rest", "all") - 8.0 * all).abs() < 0.1);
}

#[test]
fn windows_of_one_watch_come_again_and_the_worst_counts() {
    let watch = "[[step]]\ndo = 'watch'\nname = 'w'\nat_s = 0\nevery_s = 10\nfor_s = 10\n";
    let crash = "[[step]]\ndo = 'crash'\nat_s = 15\nwho = { count = 1 }\n\
        [[step]]\ndo = 'cut'\nat_s = 32\nfor_s = 15\n";
    let outcome = outcome(6, 60, &format!("{watch}{crash}"));
    assert_eq!(number(&outcome, "watch.w.events.down"), 5.0);
    assert_eq!(number(&outcome, "watch.w.routable.start"), number(&outcome, "watch.w.routable.end"));
    assert!(number(&outcome, "watch.w.routable.min") < 1.0);
    assert_eq!(figure(&outcome, "watch.w.routable.p99_s"), Value::Null, "the cut outlasts a window");
}

#[test]
fn a_cut_of_everybody_cuts_each_from_each() {
    let steps = "[[step]]\ndo = 'cut'\nat_s = 0\nloss = 0.5\n";
    let lost = number(&outcome(10, 30, steps), "lost");
    let sent = number(&outcome(10, 30, ""), "sent.packets_per_node_s_mean") * 10.0 * 30.0;
    assert!(lost > 0.2 * sent, "{lost} of {sent}");
}

#[test]
fn what_is_expected_of_no_figure_is_refused_before_the_run() {
    let refused = |expect: &str| tried(5, 2, &format!("[expect]\n{expect}\n")).unwrap_err();
    assert!(refused("fals_deaths = 0").contains("did you mean false_deaths?"));
    assert!(refused("'watch.x.routable.min' = 1").contains("watch.x.routable.min"));
    assert!(refused("suspicions = { min = 3, max = 1 }").contains("suspicions"));
    let watch =
        "[[step]]\ndo = 'watch'\nname = 'x'\nat_s = 0\n[expect]\n'watch.x.routable.min' = 1\nmalformed = 0\n";
    assert_eq!(tried(5, 2, watch).unwrap().failures, [""; 0]);
}
