//! How things are called and written: events as lines of words or of JSON, and the words for what a member is.

pub(crate) mod events;
mod line;

pub(crate) use line::{Format, Line};

use adapter_tokio::{Handle, Health, NodeId, Reachability, Status};
use serde::Serialize;
use std::{
    borrow::Cow,
    error::Error,
    io::{self, Write as _},
};

/// An error and what caused it, in one line.
pub(crate) fn with_sources(error: &(dyn Error + 'static)) -> String {
    let parts = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    parts.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A text as it may be printed: what a terminal would obey is escaped as in Rust, line ends excepted.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.is_control() && c != '\n')
}

/// A word that somebody has given, in a message that names it: line ends are escaped, too.
pub(crate) fn quoted(text: &str) -> Cow<'_, str> {
    escaped(text, char::is_control)
}

/// How secret keys begin where they are written.
const SECRETS: [&str; 2] = ["gossip-key-", "gossip-identity-"];
/// Hexadecimal digits in a row that tell one from a path or an option that begins in the same way.
const SECRET_DIGITS: usize = 8;

/// A text without the secret keys that are in it, whole or in part. Whatever this program says goes through here, since a key may
/// have been given where something else belongs.
pub(crate) fn without_keys(text: &str) -> Cow<'_, str> {
    let first = |text: &str| SECRETS.iter().filter_map(|key| Some((text.find(key)?, key.len()))).min();
    if first(text).is_none() {
        return text.into();
    }
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((at, length)) = first(rest) {
        let (before, behind) = rest.split_at(at + length);
        let end = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(behind.len());
        let (key, after) = behind.split_at(end);
        let is_secret = key.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() >= SECRET_DIGITS);
        shown.push_str(before);
        shown.push_str(if is_secret { "…" } else { key });
        rest = after;
    }
    shown.push_str(rest);
    shown.into()
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    // What turns the direction of writing can hide what follows.
    let is_escaped =
        |c: char| is_escaped(c) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(is_escaped) {
        return text.into();
    }
    let mut escaped = String::with_capacity(2 * text.len());
    for c in text.chars() {
        if is_escaped(c) { escaped.extend(c.escape_default()) } else { escaped.push(c) }
    }
    escaped.into()
}

/// Whoever read the output has read enough, as in `gossip run | head`, which is no failure.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A member's name, or its id where that is not known; this node's own name is `me`.
pub(crate) fn name_of(id: NodeId, handle: &Handle, me: &str) -> String {
    let own = (id == handle.id()).then(|| me.to_owned());
    own.or_else(|| handle.member(id)?.name).unwrap_or_else(|| id.to_string())
}

/// Writes a value as one line of JSON to standard output.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    writeln!(io::stdout(), "{}", without_keys(&serde_json::to_string(value)?))
}

/// A line in words: time, event, name or id, address, locality, status, reachability and health, and a note behind them.
pub(crate) fn in_columns(fields: [Option<&str>; 8], note: Option<&str>) -> String {
    let widths = [24, 13, 13, 21, 11, 7, 11, 9];
    let columns = fields.iter().zip(widths).map(|(field, width)| format!("{:width$}", field.unwrap_or("-")));
    let line = columns.collect::<Vec<_>>().join("  ");
    match note {
        Some(note) if !note.is_empty() => format!("{line}  {}", quoted(note)),
        _ => line.trim_end().to_owned(),
    }
}

/// A member's status in a word.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Alive => "alive",
        Status::Suspect => "suspect",
        Status::Dead => "dead",
        Status::Left => "left",
    }
}

/// Whether a member can be reached, in a word.
pub(crate) fn reachability(reachability: Reachability) -> &'static str {
    match reachability {
        Reachability::Unknown => "unknown",
        Reachability::Reachable => "reachable",
        Reachability::Unreachable => "unreachable",
    }
}

/// A member's health in a word.
pub(crate) fn health(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::Degraded => "degraded",
        Health::Unhealthy => "unhealthy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_shown_wherever_it_stands() {
        let digits = "8f0c1d7a53e2b94460aa1f3e7c5d92b8e4f60713a2c9d58b1e6f70432d8c9ba5";
        for (text, shown) in [
            ("a key is gossip-key-1- and 64 digits", "a key is gossip-key-1- and 64 digits"),
            ("/srv/gossip-key-files/a", "/srv/gossip-key-files/a"),
            ("gossip-key-1-DIGITS", "gossip-key-…"),
            ("'gossip-key-1-DIGITS', gossip-identity-1-DIGITS.", "'gossip-key-…', gossip-identity-…."),
            ("/etc/gossip-key-DIGITS/x", "/etc/gossip-key-…/x"),
            ("ä gossip-key-2-DIGITSä", "ä gossip-key-…ä"),
            ("gossip-key-gossip-key-1-DIGITS", "gossip-key-…"),
            ("gossip-key-1-8f0c1d7ag", "gossip-key-…"),
        ] {
            assert_eq!(without_keys(&text.replace("DIGITS", digits)), shown);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_the_rest_stays() {
        for (text, shown, word) in [
            ("plain ä", "plain ä", "plain ä"),
            ("two\nlines", "two\nlines", "two\\nlines"),
            (
                "\u{1b}[31mred\u{7}\t\u{9b}",
                "\\u{1b}[31mred\\u{7}\\t\\u{9b}",
                "\\u{1b}[31mred\\u{7}\\t\\u{9b}",
            ),
            ("a\u{202e}b", "a\\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!((&*printable(text), &*quoted(text)), (shown, word));
        }
    }
}
