//! The tables of presets say what the presets are.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use documents::{root, rows};
use gossip_core::{ClusterName, Config};
use std::{collections::BTreeMap, fs};

/// Every knob of a configuration by its name, as its `Debug` form shows it: numbers as they are, durations in ms.
fn knobs(config: Config) -> BTreeMap<String, String> {
    let (mut knobs, mut groups) = (BTreeMap::new(), vec![]);
    for line in format!("{config:#?}").lines() {
        let (name, value) = line.trim().trim_end_matches(',').split_once(": ").unwrap_or((line.trim(), ""));
        match value {
            "" if name.ends_with('{') => groups.push(String::new()),
            "" => drop(groups.pop()),
            group if group.ends_with('{') => groups.push(format!("{name}.")),
            value => drop(knobs.insert(groups.concat() + name, plain(value))),
        }
    }
    knobs.retain(|name, _| !name.starts_with("cluster.") && !name.starts_with("mechanisms."));
    knobs
}

/// `1,200 bytes`, `24 h` or `250ms` as a plain number, or a word as it is.
fn plain(value: &str) -> String {
    let value = value.to_lowercase().replace([',', '-', ' '], "").replace("bytes", "");
    let digits = value.trim_end_matches(|c: char| c.is_alphabetic());
    let Ok(number) = digits.parse::<f64>() else { return value };
    let ms = match &value[digits.len()..] {
        "" | "ms" => 1.0,
        "s" => 1e3,
        "min" => 6e4,
        "h" => 3.6e6,
        unit => panic!("{unit} is no unit of {value}"),
    };
    (number * ms).to_string()
}

/// What the tables of a document say of each knob, by preset. A row may be of several knobs.
fn told(document: &str) -> BTreeMap<String, [String; 3]> {
    let mut told = BTreeMap::new();
    let text = fs::read_to_string(root().join(document)).unwrap();
    let rows = rows(&text);
    let table = rows.iter().skip_while(|row| *row != &["knob", "local", "lan", "wan"]).skip(1);
    for row in table.take_while(|row| row.len() == 4) {
        let columns: [Vec<_>; 4] = [0, 1, 2, 3].map(|n| match row[n].as_str() {
            "the same" => row[1].split(", ").collect(),
            cell => cell.split(", ").collect(),
        });
        let group = columns[0][0].split_once('.').map_or("", |(group, _)| group);
        for (n, name) in columns[0].iter().filter(|name| !name.starts_with("bytes")).enumerate() {
            let name = if name.starts_with('.') { format!("{group}{name}") } else { (*name).to_owned() };
            told.insert(name, [1, 2, 3].map(|preset| plain(columns[preset][n])));
        }
    }
    told
}

fn check(document: &str) {
    let cluster = ClusterName::named("documents").unwrap();
    let [local, lan, wan] = [Config::local, Config::lan, Config::wan].map(|preset| knobs(preset(cluster)));
    let presets: BTreeMap<_, _> = lan
        .into_iter()
        .map(|(name, lan)| (name.clone(), [local[&name].clone(), lan, wan[&name].clone()]))
        .collect();
    assert!(presets.len() > 20, "{presets:#?}");
    assert_eq!(told(document), presets);
}

#[test]
fn the_book_says_what_the_presets_are() {
    check("docs/src/tuning.md");
}

#[test]
fn the_documentation_of_config_says_what_the_presets_are() {
    check("gossip-core/src/vocabulary/config/presets.md");
}

#[test]
fn the_protocol_says_what_the_presets_are() {
    check("PROTOCOL.md");
}

#[test]
fn the_book_says_what_every_knob_does() {
    let text = fs::read_to_string(root().join("docs/src/tuning.md")).unwrap();
    for name in knobs(Config::lan(ClusterName::named("documents").unwrap())).keys() {
        let quoted = format!("`{name}`");
        assert!(text.matches(&quoted).count() > 1, "{name} is in the table of presets alone");
    }
}
