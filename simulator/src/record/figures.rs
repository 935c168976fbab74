//! What figures are called where people read them.

/// Figures that scenarios expect something of, in words.
const WORDS: &[(&str, &str)] = &[
    ("cut_off_deaths", "deaths of members that were cut off"),
    ("detection.all_p50_s", "until all know of a crash, half of them"),
    ("detection.all_p99_s", "until all know of a crash, 99 % of them"),
    ("detection.first_p50_s", "until the first knows of a crash, half of them"),
    ("detection.first_p99_s", "until the first knows of a crash, 99 % of them"),
    ("false_deaths", "deaths of members that ran"),
    ("false_suspicions", "suspicions of members that ran"),
    ("heal_s", "after the last fault, until all views are equal and right"),
    ("join.full_view_max_s", "until a joiner sees all, the slowest"),
    ("join.full_view_p50_s", "until a joiner sees all, half of them"),
    ("malformed", "malformed datagrams"),
    ("missed_deaths", "crashes that somebody missed"),
    ("missed_updates", "news that somebody missed"),
    ("sent.bytes_per_node_s_idle", "sent by a node in the quietest second"),
    ("sent.bytes_per_node_s_max", "sent by a node in its busiest second"),
    ("sent.bytes_per_node_s_mean", "sent by a node in a second, on average"),
    ("sides_divergence", "share of a side that differed when the cut ended"),
    ("spread.p100_s", "until news is known to all"),
    ("spread.p50_s", "until news is known to half"),
    ("spread.p99_s", "until news is known to 99 %"),
    ("state.heal_s", "after the last fault, until all know all state"),
    ("status_changes_max", "changes of mind of a node about a member in a minute"),
    ("suspicions", "suspicions"),
    ("views_equal", "all views are equal at the end"),
];

/// A figure in words, and its unit; what has none of its own is called as it is.
pub(super) fn in_words(name: &str) -> (String, &'static str) {
    let known = WORDS.iter().find(|(figure, _)| *figure == name);
    let words = known.map_or_else(|| name.replace(['.', '_'], " "), |(_, words)| (*words).to_owned());
    let unit = match name {
        _ if name.contains("bytes") => "B",
        _ if name.ends_with("_ms") => "ms",
        _ if name.ends_with("_s") => "s",
        _ => "",
    };
    (words, unit)
}
