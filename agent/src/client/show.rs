//! How answers are printed for people, and for programs.

use super::diff::Difference;
use crate::{
    UNWRITABLE,
    control::api::{Keys, Member, Reach, ReachAnswer, RoundTrip, Shared},
    print::{self, printable, quoted},
};
use anyhow::{Context as _, Result};
use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::Value;
use std::{
    io::{self, Write as _},
    slice,
};

/// One line of JSON.
pub(super) fn json(answer: &impl Serialize) -> Result<()> {
    print::print_json(answer).context(UNWRITABLE)
}

/// A line.
pub(super) fn line(text: &str) -> Result<()> {
    writeln!(io::stdout(), "{}", printable(text)).context(UNWRITABLE)
}

/// Lines for a program, as they are.
pub(super) fn text(lines: &str) -> Result<()> {
    io::stdout().write_all(lines.as_bytes()).context(UNWRITABLE)
}

/// An object, a line for each of its fields.
pub(super) fn fields(answer: &impl Serialize) -> Result<()> {
    let Value::Object(fields) = serde_json::to_value(answer)? else { return json(answer) };
    let width = fields.keys().map(String::len).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    for (name, value) in &fields {
        writeln!(out, "{name:width$}  {}", plain(value)).context(UNWRITABLE)?;
    }
    Ok(())
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => quoted(text).into_owned(),
        Value::Array(items) => match items.as_slice() {
            [] => "-".to_owned(),
            items => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        },
        Value::Object(fields) if fields.is_empty() => "-".to_owned(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(heads);
    table
}

fn print(table: &Table) -> Result<()> {
    let text = table.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    writeln!(io::stdout(), "{}", printable(&lines.join("\n"))).context(UNWRITABLE)
}

/// Members, one a line.
pub(super) fn members(members: &[Member], wide: bool) -> Result<()> {
    let mut heads = vec!["name", "address", "locality", "status", "health"];
    if wide {
        heads.extend(["reachability", "epoch", "id", "tags"]);
    }
    let mut table = table(&heads);
    for member in members {
        let name = member.name.clone().unwrap_or_else(|| member.id.clone());
        let mut row = vec![
            name,
            member.address.to_string(),
            member.place.clone(),
            member.status.clone(),
            member.health.clone(),
        ];
        if wide {
            let tags: Vec<String> = member.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
            row.extend([
                member.reachability.clone().unwrap_or_else(|| "-".to_owned()),
                member.epoch.to_string(),
                member.id.clone(),
                tags.join(" "),
            ]);
        }
        table.add_row(row);
    }
    print(&table)
}

/// Who reaches a member: the verdict, and what each says.
pub(super) fn reach(reach: &Reach) -> Result<()> {
    line(&reach.verdict)?;
    if reach.views.is_empty() {
        return Ok(());
    }
    let mut table = table(&["member", "zone", "answer"]);
    for view in &reach.views {
        let name = view.name.clone().unwrap_or_else(|| view.id.clone());
        table.add_row([name, view.zone.clone(), answer(view.answer).to_owned()]);
    }
    print(&table)
}

fn answer(answer: ReachAnswer) -> &'static str {
    match answer {
        ReachAnswer::Reaches => "reaches",
        ReachAnswer::Unreachable => "unreachable",
        ReachAnswer::Suspects => "suspects",
        ReachAnswer::Dead => "dead",
        ReachAnswer::Left => "left",
        ReachAnswer::NotTried => "not tried",
        ReachAnswer::Unknown => "unknown",
        ReachAnswer::CannotTell => "cannot tell",
        ReachAnswer::NoAnswer => "no answer",
        ReachAnswer::Refused => "refused",
    }
}

/// Round trips, a zone a line.
pub(super) fn round_trips(trips: &[RoundTrip]) -> Result<()> {
    if trips.is_empty() {
        return line("no round trip is measured yet: no other member has answered a probe");
    }
    let mut table = table(&["zone", "smoothed", "variation", "p99", "ack timeout"]);
    for trip in trips {
        let ms = |time: f64| format!("{time:.2} ms");
        table.add_row([
            trip.zone.clone(),
            ms(trip.smoothed_ms),
            ms(trip.variation_ms),
            ms(trip.p99_ms),
            ms(trip.ack_timeout_ms),
        ]);
    }
    print(&table)
}

/// The round trips of the zone that a member is in.
pub(super) fn round_trip_of(who: &str, trip: &RoundTrip) -> Result<()> {
    line(&format!("{who} is in zone {}, and these are the figures of the whole zone:", trip.zone))?;
    round_trips(slice::from_ref(trip))
}

/// How datagrams are sealed, the keys, one a line, and what came of datagrams.
pub(super) fn keys(keys: &Keys) -> Result<()> {
    let does = match keys.sealing.as_str() {
        "off" => "speaks and hears in the clear",
        "accept" => "speaks in the clear, hears both",
        "prefer" => "speaks sealed, hears both",
        _ => "speaks and hears sealed",
    };
    line(&format!("sealing  {}: this node {does}", keys.sealing))?;
    if !keys.keys.is_empty() {
        let mut table = table(&["key", "this node", "other members that seal with it"]);
        for key in &keys.keys {
            let does = match (key.seals, key.opens) {
                (true, _) => "seals, opens",
                (false, true) => "opens",
                (false, false) => "waits",
            };
            table.add_row([key.id.clone(), does.to_owned(), key.members.to_string()]);
        }
        print(&table)?;
    }
    let Keys { received_sealed, received_clear, unproven, .. } = keys;
    line(&format!("heard    {received_sealed} sealed ({unproven} unproven), {received_clear} clear"))?;
    let Keys { unknown_keys, forged, replayed, not_sealed, .. } = keys;
    line(&format!(
        "refused  {unknown_keys} unknown keys, {forged} forged, {replayed} replayed, {not_sealed} not sealed"
    ))
}

/// The cluster's values, one a line.
pub(super) fn values(values: &[Shared]) -> Result<()> {
    let mut table = table(&["key", "value", "set by"]);
    for shared in values {
        table.add_row([&shared.key, &shared.value, &shared.writer]);
    }
    print(&table)
}

/// What two agents see differently, one a line.
pub(super) fn differences(differences: &[Difference]) -> Result<()> {
    if differences.is_empty() {
        return line("the two agents see the same");
    }
    let mut table = table(&["member", "what", "here", "there"]);
    for one in differences {
        let seen = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
        table.add_row([one.member.clone(), one.field.clone(), seen(&one.here), seen(&one.there)]);
    }
    print(&table)
}

/// Something that happened, as the agent prints it, if it is among `only` those events (all, if there are none).
pub(super) fn happened(text: &str, json: bool, only: &[String]) -> Result<()> {
    let object: Value = serde_json::from_str(text).context("the agent is of another version")?;
    let field = |name: &str| object[name].as_str();
    // Whatever is asked for, one is told that something is missing.
    let is_asked_for = |event: &str| event == "lagged" || only.iter().any(|asked| asked == event);
    if !only.is_empty() && !field("event").is_some_and(is_asked_for) {
        return Ok(());
    }
    if json {
        return self::text(&format!("{text}\n"));
    }
    let fields = [
        field("at"),
        field("event"),
        field("name").or(field("id")),
        field("address"),
        field("locality"),
        field("status"),
        field("reachability"),
        field("health"),
    ];
    line(&print::in_columns(fields, field("note")))
}
