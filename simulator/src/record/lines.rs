//! A recording as lines of JSON.

use super::{
    Fault, MAX_HEARD, MAX_STRUCK, Recorder, Second, Told, figures::in_words, first_words::zone_number,
    numbers::Numbers,
};
use crate::engine::{Host, HostId, Micros};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Who has not heard.
const NEVER: u16 = u16::MAX;

/// What was run.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// What it is about.
    pub about: &'a str,
    /// Its seed.
    pub seed: u64,
    /// How long it took.
    pub duration: Micros,
    /// The classes of traffic, in the order of a second's bytes.
    pub classes: &'a [&'a str],
}

/// How one change spread.
#[derive(Clone, Debug)]
pub struct Spread {
    /// When it came about.
    pub since: Micros,
    /// Whose it is.
    pub origin: HostId,
    /// Of what.
    pub what: &'static str,
    /// When each that heard did.
    pub heard: HashMap<HostId, Micros>,
}

/// An expectation, and what came of it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The figure.
    pub name: String,
    /// What was expected: `max`, `min`, `is`.
    pub bounds: Vec<(&'static str, Value)>,
    /// What it is.
    pub got: Value,
    /// Whether that is as expected.
    pub is_met: bool,
}

/// What is known once the run is over.
#[derive(Debug)]
pub struct Ending<'a> {
    /// What was run.
    pub head: Head<'a>,
    /// In the order of their time.
    pub spreads: Vec<Spread>,
    /// The lag of news in ms, by powers of two: as the nodes measured it, and as it was.
    pub lag: (&'a [u64], &'a [u64]),
    /// What was expected.
    pub verdicts: Vec<Verdict>,
}

pub(super) fn all(recorder: &Recorder, hosts: &[Host], ending: &Ending<'_>) -> String {
    let numbers = Numbers::of(hosts);
    let mut lines = Lines(String::new());
    let Head { scenario, about, seed, duration, classes } = ending.head;
    lines.add(&json!({
        "gossip": 1, "source": "simulator", "scenario": scenario, "about": about, "seed": seed,
        "n": numbers.members(), "end": ms(duration), "view": "all", "classes": classes,
    }));
    for place in numbers.places() {
        lines.add(&place);
    }
    let absent = numbers.others(&recorder.formed);
    if !absent.is_empty() {
        lines.add(&json!({ "absent": absent }));
    }
    for fault in &recorder.faults {
        lines.add(&struck(fault, &numbers));
    }
    let dropped_spreads = lines.spreads(&ending.spreads, &numbers);
    lines.what_happened(&recorder.words.told, &recorder.seconds, &numbers);
    let (nodes, seen) = ending.lag;
    lines.add(&json!({ "lag": { "nodes": short(nodes), "seen": short(seen) } }));
    for verdict in &ending.verdicts {
        lines.add(&judged(verdict));
    }
    let dropped = recorder.dropped;
    let mut end = json!({ "ended": ms(duration), "dropped": dropped.accused });
    let others = [
        ("events", dropped.events),
        ("pairs", dropped.pairs),
        ("faults", dropped.faults),
        ("spreads", dropped_spreads),
    ];
    for (what, count) in others.into_iter().filter(|&(_, count)| count > 0) {
        end[format!("dropped_{what}")] = count.into();
    }
    lines.add(&end);
    lines.0
}

struct Lines(String);

impl Lines {
    fn add(&mut self, line: &Value) {
        self.0.push_str(&line.to_string());
        self.0.push('\n');
    }

    /// Adds the spreads that there is room for; returns how many others there are.
    fn spreads(&mut self, spreads: &[Spread], numbers: &Numbers) -> u64 {
        let room = MAX_HEARD / (2 * numbers.members()).max(1);
        for (n, spread) in spreads.iter().take(room).enumerate() {
            let mut heard = vec![NEVER; numbers.members()];
            let from_origin = [(spread.origin, spread.since)];
            let all = spread.heard.iter().map(|(&host, &at)| (host, at)).chain(from_origin);
            for (host, at) in all {
                if let Some(place) = numbers.of_host(host).and_then(|member| heard.get_mut(member as usize)) {
                    *place = ms(at.saturating_sub(spread.since)).min(u64::from(NEVER) - 1) as u16;
                }
            }
            let heard: Vec<u8> = heard.into_iter().flat_map(u16::to_le_bytes).collect();
            self.add(&json!({
                "spread": n, "t": ms(spread.since), "m": numbers.of_host(spread.origin), "what": spread.what,
                "heard": STANDARD.encode(heard),
            }));
        }
        spreads.len().saturating_sub(room) as u64
    }

    /// Events and figures in the order of their time.
    fn what_happened(&mut self, told: &[Told], seconds: &[Second], numbers: &Numbers) {
        let mut told = told.iter().peekable();
        for second in seconds {
            while let Some(next) = told.next_if(|told| told.at <= second.at) {
                self.add(&event(next, numbers));
            }
            self.add(&figures(second, numbers));
        }
        told.for_each(|told| self.add(&event(told, numbers)));
    }
}

fn event(told: &Told, numbers: &Numbers) -> Value {
    let of = if told.word.is_of_zone() { numbers.of_zone(told.of) } else { numbers.of_host(told.of) };
    let mut fields =
        vec![json!(ms(told.at)), json!(told.word.text()), json!(of), json!(numbers.of_host(told.by))];
    if told.word.has_number() || told.x > 0 {
        fields.push(json!(told.x));
    }
    Value::Array(fields)
}

fn figures(second: &Second, numbers: &Numbers) -> Value {
    let mut line = Map::new();
    let _ = line.insert("s".into(), ms(second.at).into());
    let _ = line.insert("run".into(), second.running.into());
    let bytes: Vec<Value> = second.bytes.iter().map(|&bytes| tenths(bytes)).collect();
    let _ = line.insert("b".into(), bytes.into());
    let views = second.views.iter().map(|(view, members)| json!([format!("{:016x}", view.0), members]));
    let _ = line.insert("fp".into(), views.collect());
    if second.held > 0.0 {
        let _ = line.insert("held".into(), json!((second.held * 100.0).round() / 100.0));
    }
    if !second.accused.is_empty() {
        let pairs = second.accused.iter().map(|&(from, to, count)| {
            json!([numbers.of_zone(zone_number(from)), numbers.of_zone(zone_number(to)), count])
        });
        let _ = line.insert("acc".into(), pairs.collect());
    }
    Value::Object(line)
}

fn struck(fault: &Fault, numbers: &Numbers) -> Value {
    let mut line = json!({ "fault": fault.word, "t": ms(fault.at) });
    if let Some(to) = fault.to {
        line["to"] = ms(to).into();
    }
    let mut members: Vec<u32> = fault.hosts.iter().filter_map(|&host| numbers.of_host(host)).collect();
    members.sort_unstable();
    let who = numbers.name_of(&members);
    for (key, value) in who.keys {
        line[key] = value;
    }
    if who.lists_members {
        line["m"] = members.iter().take(MAX_STRUCK).copied().collect();
        if members.len() > MAX_STRUCK {
            line["n"] = members.len().into();
        }
    }
    let (of_one, of_several) = &fault.text;
    let is_one = members.len() == 1 || !who.lists_members;
    line["text"] = format!("{} {}", who.name, if is_one { of_one } else { of_several }).into();
    line
}

fn judged(verdict: &Verdict) -> Value {
    let (words, unit) = in_words(&verdict.name);
    let mut line = json!({ "expect": verdict.name, "words": words, "unit": unit });
    for (key, bound) in &verdict.bounds {
        line[*key] = plain(bound);
    }
    line["got"] = plain(&verdict.got);
    line["ok"] = verdict.is_met.into();
    line
}

/// A whole number as one.
fn plain(value: &Value) -> Value {
    match value.as_f64() {
        Some(number) if number.fract() == 0.0 && number.abs() < 1e15 => (number as i64).into(),
        _ => value.clone(),
    }
}

/// Without the zeros at the end.
fn short(buckets: &[u64]) -> &[u64] {
    let len = buckets.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
    buckets.get(..len).unwrap_or_default()
}

fn ms(micros: Micros) -> u64 {
    micros / 1_000
}

/// To a tenth, and without it where it is none.
fn tenths(value: f64) -> Value {
    let tenths = (value * 10.0).round() as u64;
    if tenths.is_multiple_of(10) { (tenths / 10).into() } else { json!(tenths as f64 / 10.0) }
}
