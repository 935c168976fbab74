use super::*;
use crate::{
    run,
    scenario::{Plan, Scenario},
};
use serde_json::Value;

const SCENARIO: &str = r#"
about = "A crash, a zone that is cut off, a leave and a join"
nodes = 40
duration_s = 45
[topology]
regions = 2
zones = 2
[[step]]
do = "update"
at_s = 2
who = { nodes = [7] }
[[step]]
do = "crash"
at_s = 4
who = { nodes = [5] }
[[step]]
do = "cut"
at_s = 12
for_s = 10
who = { region = 0, zone = 1 }
[[step]]
do = "leave"
at_s = 32
who = { nodes = [9] }
[[step]]
do = "join"
at_s = 35
[expect]
views_equal = true
suspicions = { min = 1000 }
"#;

fn scenario(settings: &[&str]) -> Scenario {
    let mut plan = Plan::parse("recorded", SCENARIO).unwrap();
    settings.iter().for_each(|setting| plan.set(setting).unwrap());
    plan.variants().unwrap().remove(0)
}

fn recorded(settings: &[&str], seed: u64) -> String {
    run::record(&scenario(settings), seed, &mut |_| {}).unwrap().1
}

fn lines(recording: &str) -> Vec<Value> {
    recording.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The names of all members, by their numbers, from the lines of the places.
fn names(lines: &[Value]) -> Vec<String> {
    let mut names = Vec::new();
    for place in lines.iter().filter(|line| line["place"].is_array()) {
        let n = place["n"].as_u64().unwrap();
        match place["names"].as_array() {
            Some(all) => names.extend(all.iter().map(|name| name.as_str().unwrap().to_owned())),
            None => names.extend((0..n).map(|i| {
                let number = place["first"].as_u64().unwrap() + i * place["step"].as_u64().unwrap();
                format!("{}{number}", place["name"].as_str().unwrap())
            })),
        }
    }
    names
}

/// The events of a word, with the number of the member that is called so.
fn told<'a>(lines: &'a [Value], word: &str, name: &str) -> Vec<&'a Value> {
    let member = names(lines).iter().position(|known| known == name).unwrap();
    let events = lines.iter().filter(|line| line.is_array());
    events.filter(|event| event[1] == word && event[2] == member).collect()
}

#[test]
fn one_seed_makes_one_recording_and_recording_changes_nothing_of_the_run() {
    let first = recorded(&[], 1);
    assert_eq!(first, recorded(&[], 1));
    assert_ne!(first, recorded(&[], 2));
    let (outcome, _) = run::record(&scenario(&[]), 1, &mut |_| {}).unwrap();
    let plain = run::run(&scenario(&[]), 1, &mut |_| {}).unwrap();
    assert_eq!(outcome.summary.trace_digest, plain.summary.trace_digest);
}

#[test]
fn each_change_is_told_once_by_who_knew_it_first() {
    let lines = lines(&recorded(&[], 1));
    let names = names(&lines);
    assert_eq!((lines[0]["gossip"].as_u64(), lines[0]["n"].as_u64()), (Some(1), Some(41)));
    assert_eq!(names.len(), 41);
    for (word, name) in
        [("health", "node-7"), ("suspected", "node-5"), ("down", "node-5"), ("left", "node-9")]
    {
        assert_eq!(told(&lines, word, name).len(), 1, "{word} {name}");
    }
    assert_eq!(told(&lines, "up", "node-40").len(), 1);
    let death = told(&lines, "down", "node-5")[0];
    assert!(death[0].as_u64().unwrap() > 4_000 && death[4].as_u64().unwrap() > 0, "{death}");
    let accusers = told(&lines, "accused", "node-5");
    assert!(accusers.iter().all(|event| event[3] != event[2]) && accusers.len() > 1);
    let suspected = told(&lines, "suspected", "node-5")[0];
    assert!(accusers.iter().any(|event| event[3] == suspected[3]), "the first accuser is named");
    let absent = lines.iter().find(|line| line["absent"].is_array()).unwrap();
    assert_eq!(names[absent["absent"][0].as_u64().unwrap() as usize], "node-40");
}

#[test]
fn faults_spreads_figures_and_verdicts_are_in_it() {
    let lines = lines(&recorded(&[], 1));
    let faults: Vec<&str> = lines.iter().filter_map(|line| line["text"].as_str()).collect();
    let expected = ["node-5 crashes", "zone 0/1 is cut off for 10 s", "node-9 leaves", "node-40 joins"];
    assert_eq!(faults, expected);
    let cut = lines.iter().find(|line| line["fault"] == "cut").unwrap();
    assert_eq!((&cut["zone"], &cut["t"], &cut["to"]), (&1.into(), &12_000.into(), &22_000.into()));
    let held: Vec<&Value> = lines.iter().filter(|line| line[1] == "zone_held").collect();
    assert!(held.iter().any(|event| event[2] == 1 && event[4].as_u64().unwrap() > 1), "{held:?}");
    let released = lines.iter().filter(|line| line[1] == "zone_released").count();
    assert_eq!(released, held.len());
    let seconds: Vec<&Value> = lines.iter().filter(|line| line["s"].is_u64()).collect();
    assert_eq!(seconds.len(), 45);
    let seen = |second: &Value| {
        second["fp"].as_array().unwrap().iter().map(|view| view[1].as_u64().unwrap()).sum::<u64>()
    };
    assert!(seconds.iter().all(|second| second["run"] == seen(second)));
    assert!(seconds.iter().any(|second| second["held"].as_f64() > Some(0.5)));
    assert!(seconds.iter().any(|second| second["acc"].is_array()));
    let spread = lines.iter().find(|line| line["spread"] == 0).unwrap();
    assert_eq!((&spread["t"], &spread["what"]), (&2_000.into(), &"health".into()));
    let two_bytes_a_member = (41 * 2_usize).div_ceil(3) * 4;
    assert_eq!(spread["heard"].as_str().unwrap().len(), two_bytes_a_member);
    let verdict = |name: &str| lines.iter().find(|line| line["expect"] == name).unwrap()["ok"].clone();
    assert_eq!((verdict("views_equal"), verdict("suspicions")), (true.into(), false.into()));
    assert_eq!(lines.last().unwrap()["ended"], 45_000);
}

#[test]
fn lines_stand_in_the_order_of_their_time() {
    let lines = lines(&recorded(&["step.1.who.nodes=[5,6,11]"], 3));
    let times = lines.iter().filter_map(|line| line[0].as_u64().or_else(|| line["s"].as_u64()));
    assert!(times.collect::<Vec<_>>().is_sorted());
}

#[test]
fn in_a_long_run_a_line_of_figures_is_of_several_seconds() {
    let mut recorder = Recorder::new(3 * MAX_SECONDS * SECOND);
    let views = [(Fingerprint(1), 2)];
    for second in 1..=3 * MAX_SECONDS {
        recorder.look(second * SECOND, &[], [12, 0, 0, 0, 0, 0], &views);
    }
    assert_eq!(recorder.seconds.len() as u64, MAX_SECONDS);
    assert_eq!(recorder.seconds[0].bytes[0], 6.0, "of one node in one second");
}

#[test]
fn what_exceeds_a_bound_is_left_out_and_counted() {
    let mut recorder = Recorder::new(SECOND);
    let fault = Fault { word: "crash", at: 0, to: None, hosts: vec![0], text: Default::default() };
    (0..MAX_FAULTS + 2).for_each(|_| recorder.fault(fault.clone()));
    for n in 0..MAX_EVENTS as u32 + 3 {
        recorder.words.say(Told { at: 0, word: Word::Updated, of: n, by: 0, x: 0 });
    }
    recorder.dropped.events += recorder.words.trim(MAX_EVENTS);
    assert_eq!((recorder.dropped.faults, recorder.dropped.events), (2, 3));
    // One node that is deaf accuses all others at once.
    let lines = lines(&recorded(
        &[
            "nodes=150",
            "step.2.direction='inbound'",
            "step.2.who={nodes=[1]}",
            "config.mechanisms.quarantines=false",
        ],
        1,
    ));
    let mut counts = BTreeMap::new();
    for event in lines.iter().filter(|line| line[1] == "accused") {
        *counts.entry(event[0].as_u64().unwrap() / 1_000).or_insert(0) += 1;
    }
    assert!(counts.values().all(|&count| count <= MAX_ACCUSED));
    let counted: u64 = lines
        .iter()
        .filter_map(|line| line["acc"].as_array())
        .flatten()
        .map(|pair| pair[2].as_u64().unwrap())
        .sum();
    let told: usize = counts.values().sum();
    assert_eq!(counted, told as u64 + lines.last().unwrap()["dropped"].as_u64().unwrap());
}
