//! What scenarios can say: each word does what it says, and figures show it.
#![allow(clippy::unwrap_used, reason = "a test may")]

use serde_json::Value;
use simulator::{outcome::Outcome, run::run, scenario::Plan};

/// What comes of a scenario of this many nodes and seconds.
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
    // In words, too; but not each kind of event that never happened.
    let told =
        |name: &str| outcome.facts().into_iter().find(|(known, _)| known == name).map(|(_, value)| value);
    assert_eq!(told("watch.cut.routable.min").as_deref(), Some("0"));
    assert_eq!(told("watch.cut.events.duplicate"), None);
}

#[test]
fn one_direction_of_views_is_watched_alone() {
    // No one hears zone 1, which hears all: its members are dead to the others, and not the other way round.
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

#[test]
fn nodes_that_restart_together_can_swap_their_addresses() {
    let steps = "[[step]]\ndo = 'watch'\nname = 'all'\nat_s = 1\n\
        [[step]]\ndo = 'restart'\nat_s = 1\nfor_s = 1\nwho = { nodes = [0, 1, 2] }\naddress_of = { nodes = [0, 1, 2] }\n\
        through = { nodes = [3] }\n";
    let outcome = outcome(8, 60, steps);
    assert_eq!(figure(&outcome, "views_equal"), true);
    // To the others, that is news of them; no one died of it.
    assert_eq!(
        (number(&outcome, "watch.all.most.updated"), number(&outcome, "watch.all.most.down")),
        (1.0, 0.0)
    );
    let own = tried(8, 60, &steps.replace("address_of = { nodes = [0, 1, 2] }\n", "")).unwrap();
    assert_ne!(figure(&outcome, "trace_digest"), figure(&own, "trace_digest"));
}

#[test]
fn whoever_is_left_without_an_address_hears_nothing() {
    let taken = "[[step]]\ndo = 'restart'\nat_s = 1\nwho = { nodes = [0] }\naddress_of = { nodes = [5] }\n\
        [[step]]\ndo = 'watch'\nname = 'five'\nat_s = 0\nwho = { nodes = [5] }\ndirection = 'inbound'\n";
    let outcome = outcome(8, 60, taken);
    assert!(number(&outcome, "watch.five.events.suspected") > 0.0);
    let few = taken.replace("{ nodes = [0] }", "{ nodes = [0, 1] }");
    assert!(tried(8, 60, &few).unwrap_err().contains("2 hosts want the addresses of 1"));
}

#[test]
fn a_new_name_can_have_the_address_of_a_dead_one() {
    let steps = "[[step]]\ndo = 'crash'\nat_s = 1\nwho = { nodes = [5] }\n\
        [[step]]\ndo = 'join'\nat_s = 20\naddress_of = { nodes = [5] }\n";
    let outcome = outcome(8, 60, steps);
    assert_eq!(figure(&outcome, "views_equal"), true);
    assert!(number(&outcome, "join.full_view_max_s") < 5.0);
}

#[test]
fn a_joiner_can_have_the_name_of_another() {
    let steps = "[[step]]\ndo = 'watch'\nname = 'all'\nat_s = 0\n\
        [[step]]\ndo = 'join'\nat_s = 5\nname_of = { nodes = [3] }\n";
    let outcome = outcome(6, 60, steps);
    let told = ["conflict", "duplicate_id", "epoch_bumped"]
        .map(|kind| number(&outcome, &format!("watch.all.events.{kind}")));
    assert!(told.iter().sum::<f64>() > 0.0, "{told:?}");
}

#[test]
fn two_formed_clusters_become_one_through_a_chosen_member() {
    let start = "start = [{ region = 0 }, { region = 1 }]\n[topology]\nregions = 2\n";
    let watch = "[[step]]\ndo = 'watch'\nname = 'across'\nat_s = 0\nwho = { region = 0 }\n";
    let apart = outcome(10, 40, &format!("{start}{watch}"));
    assert_eq!(number(&apart, "watch.across.live.end"), 0.0);
    let step = "[[step]]\ndo = 'rejoin'\nat_s = 10\nwho = { nodes = [4] }\nthrough = { nodes = [7] }\n";
    let one = outcome(10, 40, &format!("{start}{watch}{step}"));
    assert_eq!(number(&one, "watch.across.live.start"), 0.0);
    assert_eq!(number(&one, "watch.across.live.end"), 1.0);
    assert_eq!(figure(&one, "views_equal"), true);
}

#[test]
fn who_starts_in_no_group_is_alone_until_it_joins() {
    let lone = "start = [{ nodes = [0, 1, 2] }]\n";
    let step = "[[step]]\ndo = 'rejoin'\nat_s = 5\nwho = { nodes = [4] }\nthrough = { nodes = [2] }\n\
        [[step]]\ndo = 'watch'\nname = 'four'\nat_s = 20\nfor_s = 5\nwho = { nodes = [4] }\nfrom = { nodes = [0] }\n\
        [[step]]\ndo = 'watch'\nname = 'three'\nat_s = 20\nfor_s = 5\nwho = { nodes = [3] }\n";
    let outcome = outcome(5, 30, &format!("{lone}{step}"));
    assert_eq!(number(&outcome, "watch.four.routable.min"), 1.0);
    assert_eq!(number(&outcome, "watch.three.live.end"), 0.0);
}

#[test]
fn who_restarts_without_seeds_or_with_stale_ones_stays_alone() {
    let views = |through: &str, moved: &str| {
        // The seed has moved before; the others find it, and the one that restarts is not told where.
        let steps = format!(
            "seeds = 1\n{moved}[[step]]\ndo = 'restart'\nat_s = 20\nfor_s = 1\nwho = {{ nodes = [3] }}\n\
            new_address = true\n{through}\n[[step]]\ndo = 'watch'\nname = 'three'\nat_s = 24\nfor_s = 1\n\
            who = {{ nodes = [3] }}\ndirection = 'outbound'\n"
        );
        number(&outcome(6, 30, &steps), "watch.three.live.end")
    };
    let moved = "[[step]]\ndo = 'restart'\nat_s = 1\nwho = { nodes = [0] }\nnew_address = true\nthrough = { nodes = [1] }\n";
    assert_eq!(views("", moved), 1.0);
    assert_eq!(views("stale = true", moved), 0.0);
    assert_eq!(views("stale = true", ""), 1.0);
    assert_eq!(views("through = { count = 0 }", ""), 0.0);
}

#[test]
fn all_but_a_few_crash() {
    let steps = "[[step]]\ndo = 'crash'\nat_s = 5\nwho = { seeds = false, but = 1 }\n\
        [[step]]\ndo = 'watch'\nname = 'left'\nat_s = 6\n";
    let outcome = outcome(8, 20, steps);
    // Three seeds and one more.
    assert_eq!(number(&outcome, "watch.left.live.end"), 1.0);
    let crashed = number(&outcome, "missed_deaths") + number(&outcome, "watch.left.events.down") / 4.0;
    assert!((4.0..=8.0).contains(&crashed), "{crashed}");
}

#[test]
fn joiners_run_where_they_are_told_to() {
    let steps = "[topology]\nzones = 3\n[[step]]\ndo = 'join'\nat_s = 2\nzone = 2\ncount = 4\n\
        [[step]]\ndo = 'join'\nat_s = 1\nzone = 0\n\
        [[step]]\ndo = 'watch'\nname = 'w'\nat_s = 8\nfor_s = 1\nwho = { nodes = [6] }\nfrom = { nodes = [7, 8, 9, 10] }\n\
        [[step]]\ndo = 'cut'\nat_s = 0\nwho = { zone = 2 }\n";
    // Node 6 joins first, in zone 0; 7 to 10 are in the zone that is cut off, where no seed but one is.
    let outcome = outcome(6, 10, steps);
    assert_eq!(number(&outcome, "watch.w.live.end"), 0.0);
    let near = steps.replace("zone = 2\ncount", "zone = 1\ncount");
    assert_eq!(number(&tried(6, 10, &near).unwrap(), "watch.w.live.end"), 1.0);
}

#[test]
fn a_full_table_takes_nobody_in() {
    let joins = "[[step]]\ndo = 'join'\nat_s = 2\ncount = 4\n[[step]]\ndo = 'watch'\nname = 'w'\nat_s = 20\n";
    let share = |capacity: &str| {
        let text = format!("[host]\n{capacity}\n{joins}");
        number(&outcome(6, 25, &text), "watch.w.live.end")
    };
    assert_eq!(share(""), 1.0);
    assert!(share("capacity = 7") < 0.8);
}

#[test]
fn links_get_slower_and_lossier_for_a_while() {
    let slow = "[[step]]\ndo = 'cut'\nat_s = 10\nfor_s = 20\ndelay_ms = 40\njitter_ms = 20\nloss = 0.1\n\
        [[step]]\ndo = 'update'\nat_s = 15\nwho = { count = 1 }\n";
    let spread = |steps: &str| number(&outcome(20, 60, steps), "spread.p99_s");
    let (before, during) = (spread(&slow.replace("at_s = 15", "at_s = 5")), spread(slow));
    assert!(before < 0.5 && during > before + 0.04, "{before} {during}");
    assert_eq!(number(&outcome(20, 60, slow), "false_deaths"), 0.0);
}

#[test]
fn packets_are_corrupted_spliced_and_sent_again_by_the_seed() {
    let step = |what: &str| format!("[[step]]\ndo = 'cut'\nat_s = 2\n{what}\n");
    let tampered = outcome(10, 30, &step("corrupt = 0.2\nsplice = 0.2\nreplay = 0.2"));
    assert!(number(&tampered, "malformed") > 10.0);
    assert_eq!(number(&tampered, "lost"), 0.0);
    let again = outcome(10, 30, &step("corrupt = 0.2\nsplice = 0.2\nreplay = 0.2"));
    assert_eq!(figure(&tampered, "trace_digest"), figure(&again, "trace_digest"));
    // A datagram that comes again is a good one.
    let replayed = outcome(10, 30, &step("replay = 0.5"));
    assert_eq!((number(&replayed, "malformed"), figure(&replayed, "views_equal")), (0.0, true.into()));
    let plain = figure(&outcome(10, 30, ""), "trace_digest");
    assert_ne!(figure(&replayed, "trace_digest"), plain);
}

#[test]
fn a_pair_that_is_on_both_sides_counts_once() {
    let steps = "[[step]]\ndo = 'cut'\nat_s = 0\nwho = { nodes = [3] }\n\
        [[step]]\ndo = 'watch'\nname = 'w'\nat_s = 25\nfor_s = 4\nwho = { nodes = [0, 1, 2] }\nfrom = { nodes = [1, 2, 3] }\n";
    // Of the six pairs, either way, the three without node 3 are well.
    let outcome = outcome(6, 30, steps);
    assert_eq!(number(&outcome, "watch.w.reachable.end"), 0.5);
    // Alone, node 3 buries no one.
    assert_eq!(number(&outcome, "watch.w.live.start"), 0.75);
}

#[test]
fn every_figure_of_a_run_can_be_expected() {
    let steps = "[[step]]\ndo = 'watch'\nname = 'w'\nat_s = 0\ndeaths = [1]\n\
        [[step]]\ndo = 'forge-join'\nat_s = 2\nwho = { count = 1 }\n\
        [[step]]\ndo = 'audit'\nat_s = 3\nfor_s = 2\n";
    let figures = outcome(5, 10, steps).figures();
    let expected: String = figures.iter().map(|(name, _)| format!("'{name}' = {{}}\n")).collect();
    assert!(figures.iter().any(|(name, _)| name == "amplification"));
    assert!(tried(5, 10, &format!("{steps}[expect]\n{expected}")).is_ok());
}

#[test]
fn changes_of_a_members_status_are_counted_at_one_node_in_a_minute() {
    let most = |steps: &str| number(&outcome(10, 200, steps), "status_changes_max");
    assert_eq!(most(""), 0.0);
    // Suspected, down; and what changes two minutes later is of another minute.
    let crash =
        |at: u32, node: u32| format!("[[step]]\ndo = 'crash'\nat_s = {at}\nwho = {{ nodes = [{node}] }}\n");
    assert_eq!(most(&[crash(5, 8), crash(130, 9)].concat()), 2.0);
    // Whoever is away for longer than is tolerated is suspected, down, and up again.
    let away = "[[step]]\ndo = 'block-io'\nat_s = 5\nfor_s = 3\nwho = { nodes = [9] }\n";
    assert_eq!(most(away), 3.0);
}

#[test]
fn changes_of_kept_state_are_timed_and_counted_and_names_tell_them_apart() {
    let steps = "[[step]]\ndo = 'publish'\nname = 'one'\nkey = 'port'\nbytes = 10\nat_s = 2\nwho = { nodes = [1] }\n\
        [[step]]\ndo = 'publish'\nname = 'two'\nkey = 'flag'\nat_s = 3\nwho = { nodes = [2, 3] }\n\
        [[step]]\ndo = 'withdraw'\nkey = 'port'\nat_s = 5\n\
        [[step]]\ndo = 'watch'\nname = 'all'\nat_s = 0\n";
    let outcome = outcome(8, 10, steps);
    let changes = |of: &str| number(&outcome, &format!("{of}.changes"));
    // Who does not have a key has nothing to withdraw.
    assert_eq!((changes("state"), changes("publish.one"), changes("publish.two")), (4.0, 1.0, 2.0));
    assert_eq!((number(&outcome, "state.missed"), number(&outcome, "state.refused")), (0.0, 0.0));
    assert_eq!(figure(&outcome, "state.equal"), Value::Bool(true));
    let slowest = number(&outcome, "state.p100_s");
    assert!(slowest > 0.0 && slowest < 1.0, "{slowest}");
    // Four changes at seven others.
    assert_eq!(number(&outcome, "watch.all.events.state"), 28.0);
}

#[test]
fn values_that_are_too_large_are_refused_and_counted() {
    let outcome = outcome(3, 5, "[[step]]\ndo = 'publish'\nkey = 'k'\nbytes = 2000\nat_s = 2\n");
    assert_eq!(figure(&outcome, "state.changes"), Value::from(0));
    assert_eq!(number(&outcome, "state.refused"), 3.0);
}

#[test]
fn joiners_are_timed_until_they_know_all_names_and_tags() {
    let steps = "[state]\nnames = true\ntags = 2\n[[step]]\ndo = 'join'\nat_s = 5\n";
    let outcome = outcome(6, 15, steps);
    let joined = number(&outcome, "state.join_max_s");
    assert!(joined > 0.0 && joined < 2.0, "{joined}");
    assert_eq!(figure(&outcome, "state.equal"), Value::Bool(true));
}

#[test]
fn events_are_counted_at_all_others_and_none_comes_twice() {
    let steps = "[[step]]\ndo = 'event'\nbytes = 20\nat_s = 5\nwho = { nodes = [1] }\n\
        [[step]]\ndo = 'event'\nbytes = 600\nat_s = 6\n\
        [[step]]\ndo = 'event'\nat_s = 7\nwho = { nodes = [2, 3] }\n";
    let outcome = outcome(8, 12, steps);
    let events = |of: &str| number(&outcome, &format!("events.{of}"));
    assert_eq!((events("sent"), events("deliveries"), events("share")), (3.0, 21.0, 1.0));
    // Of 600 bytes there are none.
    assert_eq!((events("refused"), events("duplicates"), events("missed")), (8.0, 0.0, 0.0));
    assert!(events("p100_s") > 0.0 && events("p100_s") < 1.0);
    assert!(events("bytes_per_event") > 20.0);
}

#[test]
fn cluster_wide_values_are_timed_until_all_hold_them_and_deleted_for_all() {
    let steps = "[[step]]\ndo = 'value'\nkey = 'limit'\nat_s = 2\nwho = { nodes = [1] }\n\
        [[step]]\ndo = 'value'\nkey = 'flag'\nbytes = 2\nat_s = 3\nwho = { nodes = [2] }\n\
        [[step]]\ndo = 'delete-value'\nkey = 'limit'\nat_s = 5\nwho = { nodes = [3] }\n\
        [[step]]\ndo = 'value'\nkey = 'no key'\nat_s = 5\nwho = { nodes = [3] }\n";
    let outcome = outcome(8, 10, steps);
    let values = |of: &str| number(&outcome, &format!("values.{of}"));
    assert_eq!((values("changes"), values("missed"), values("keys")), (3.0, 0.0, 1.0));
    assert_eq!((values("refused"), values("came_back"), values("conflicts")), (1.0, 0.0, 0.0));
    assert_eq!(figure(&outcome, "values.equal"), Value::Bool(true));
    assert!(values("p100_s") > 0.0 && values("p100_s") < 1.0);
}

#[test]
fn hosts_that_pulse_less_often_than_they_may_are_looked_for_too() {
    let step = "[[step]]\ndo = 'pulse'\nat_s = 1\nevery_s = 1.7\nwho = { nodes = [1, 2] }\n";
    let seldom = outcome(8, 10, &format!("config = {{ budgets = {{ pulses = 6000 }} }}\n{step}"));
    assert!(number(&seldom, "pulses.known") > 0.0 && number(&seldom, "pulses.mean_s") > 0.1);
}

#[test]
fn pulses_are_looked_for_at_all_others_and_refused_where_they_are_off() {
    let step = "[[step]]\ndo = 'pulse'\nat_s = 1\nevery_s = 0.1\nwho = { nodes = [1, 2] }\n";
    let on = outcome(8, 10, &format!("config = {{ budgets = {{ pulses = 6000 }} }}\n{step}"));
    let pulses = |of: &str| number(&on, &format!("pulses.{of}"));
    assert_eq!((pulses("known"), pulses("refused"), pulses("interval_s")), (1.0, 0.0, 0.1));
    assert!(pulses("mean_s") < 0.5 && pulses("p99_s") < 2.0 && pulses("bytes_per_pulse") > 20.0);
    let off = outcome(8, 3, step);
    assert_eq!((number(&off, "pulses.sent"), figure(&off, "pulses.known")), (0.0, Value::Null));
    assert!(number(&off, "pulses.refused") > 0.0);
}

#[test]
fn a_key_withdrawn_before_all_have_heard_of_it_is_missed_by_nobody() {
    // Node 3 hears nothing while node 1 publishes and withdraws: all that it hears later is that there is nothing.
    let steps = "[[step]]\ndo = 'cut'\nat_s = 1\nfor_s = 2\ndirection = 'inbound'\nloss = 0.999\nwho = { nodes = [3] }\n\
        [[step]]\ndo = 'publish'\nkey = 'k'\nat_s = 2\nwho = { nodes = [1] }\n\
        [[step]]\ndo = 'withdraw'\nkey = 'k'\nat_s = 2.1\nwho = { nodes = [1] }\n";
    let outcome = outcome(8, 20, steps);
    assert_eq!((number(&outcome, "state.changes"), number(&outcome, "state.missed")), (2.0, 0.0));
}

#[test]
fn what_an_earlier_life_published_is_not_taken_for_a_later_write() {
    // In its second life node 1 writes once, at a version that is below those of its first.
    let steps = "[[step]]\ndo = 'publish'\nkey = 'k'\nat_s = 2\nevery_s = 1\nuntil_s = 8\nwho = { nodes = [1] }\n\
        [[step]]\ndo = 'cut'\nat_s = 9\nfor_s = 20\nloss = 0.999\nwho = { nodes = [3] }\n\
        [[step]]\ndo = 'restart'\nat_s = 10\nwho = { nodes = [1] }\n\
        [[step]]\ndo = 'publish'\nname = 'second'\nkey = 'k'\nat_s = 15\nwho = { nodes = [1] }\n";
    let outcome = outcome(8, 20, steps);
    assert_eq!(number(&outcome, "publish.second.changes"), 1.0);
    assert_eq!(number(&outcome, "publish.second.missed"), 1.0, "{}", outcome.json());
}

#[test]
fn keys_change_while_a_cluster_runs_and_figures_show_it() {
    let step = |at: u32, what: &str| format!("[[step]]\ndo = 'keys'\nat_s = {at}\nstagger_s = 2\n{what}\n");
    let steps =
        [step(2, "keys = [1]\nmode = 'accept'"), step(6, "mode = 'prefer'"), step(10, "mode = 'require'")]
            .concat();
    let join = "[[step]]\ndo = 'join'\nat_s = 14\n";
    let sealed = outcome(8, 40, &format!("{steps}{join}"));
    assert!((0.5..0.95).contains(&number(&sealed, "sealing.share")), "{}", sealed.json());
    assert_eq!(figure(&sealed, "views_equal"), Value::Bool(true), "who joins has the present keys");
    assert_eq!(number(&sealed, "sealing.not_sealed"), 0.0);
    let clear = outcome(8, 40, join);
    assert_eq!(figure(&clear, "sealing.share"), Value::Null);
    assert!(number(&clear, "sent.bytes_per_node_s_mean") < number(&sealed, "sent.bytes_per_node_s_mean"));
    // One that misses a rotation needs the old key, which the others keep for it.
    let [add, promote, remove] =
        ["add", "promote", "remove"].map(|turn| format!("rotate = '{turn}'\nwho = {{ except = [5] }}"));
    let turns = [step(2, &add), step(12, &promote), step(22, &remove)].concat();
    let rotated = outcome(8, 60, &format!("[sealing]\nmode = 'require'\nkeys = [1]\n{turns}"));
    assert!(number(&rotated, "sealing.refused_keys") > 0.0, "{}", rotated.json());
    assert_eq!((number(&rotated, "suspicions"), figure(&rotated, "views_equal")), (0.0, Value::Bool(true)));
}

#[test]
fn nodes_that_begin_without_the_key_are_not_heard_where_it_is_required() {
    let sealing = "[sealing]\nmode = 'require'\nkeys = [1]\n";
    let watch =
        "[[step]]\ndo = 'watch'\nname = 'other'\nat_s = 30\nwho = { nodes = [5] }\ndirection = 'inbound'\n";
    let live = |other: &str| {
        let outcome =
            outcome(8, 40, &format!("{sealing}[[sealing.other]]\nwho = {{ nodes = [5] }}\n{other}\n{watch}"));
        number(&outcome, "watch.other.live.end")
    };
    assert_eq!([live("mode = 'off'"), live("keys = [2]"), live("mode = 'prefer'")], [0.0, 0.0, 1.0]);
}

#[test]
fn a_rotation_of_what_is_not_there_is_told_by_its_step() {
    let told = tried(3, 5, "[[step]]\ndo = 'keys'\nat_s = 1\nrotate = 'promote'\n").unwrap_err();
    assert!(told.contains("step 0: a host without a key has none to rotate"), "{told}");
    let modes = tried(3, 5, "[[step]]\ndo = 'keys'\nat_s = 1\nmode = 'require'\n").unwrap_err();
    assert!(modes.contains("step 0: without a key"), "{modes}");
}
