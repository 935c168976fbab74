//! What an agent prints, line by line, and the view of the cluster that follows from it.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Lines that are kept of one agent; one that prints more has gone mad, and what it prints is no longer read.
const MAX_LINES: usize = 20_000;

/// One line of `gossip run --json`, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) event: String,
    pub(crate) id: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) address: Option<String>,
    status: Option<String>,
    reachability: Option<String>,
}

/// What an agent last said of a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Member {
    pub(crate) status: String,
    pub(crate) address: String,
    /// Found unreachable by itself. One of a zone that is quarantined is printed as unreachable, too, and that ends with the
    /// hold, without a line of its own.
    pub(crate) is_unreachable: bool,
}

#[derive(Default)]
struct Entries {
    lines: Vec<Line>,
    /// Lines as they were printed; what is no event is a warning or a panic.
    raw: Vec<String>,
    members: BTreeMap<String, Member>,
    id: Option<String>,
}

/// What an agent has printed, over all its lives.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Entries>>);

impl Journal {
    /// Forgets the view, as a process does that ends.
    pub(crate) fn begin_life(&self) {
        self.lock().members.clear();
    }

    /// Takes down what comes, until its end.
    ///
    /// # Errors
    /// A line that begins as an event and is none, or more lines than are kept.
    pub(crate) fn follow(&self, output: impl Read) -> Result<()> {
        for text in BufReader::new(output).lines() {
            let text = text?;
            let mut entries = self.lock();
            anyhow::ensure!(entries.raw.len() < MAX_LINES, "more than {MAX_LINES} lines");
            if text.starts_with('{') {
                let line: Line = serde_json::from_str(&text).with_context(|| text.clone())?;
                entries.note(&line);
                entries.lines.push(line);
            }
            entries.raw.push(text);
        }
        Ok(())
    }

    /// How many events there are, to look later only at what came since.
    pub(crate) fn mark(&self) -> usize {
        self.lock().lines.len()
    }

    /// The events of one kind since a mark.
    pub(crate) fn since(&self, mark: usize, event: &str) -> Vec<Line> {
        self.lock().lines.iter().skip(mark).filter(|line| line.event == event).cloned().collect()
    }

    /// How often the agent has taken over other keys since a mark.
    pub(crate) fn keys_changed(&self, mark: usize) -> usize {
        let changed = |line: &Line| line.note.as_ref().is_some_and(|note| note.contains("keys"));
        self.since(mark, "reloaded").into_iter().filter(changed).count()
    }

    /// The id that the agent's first line says.
    pub(crate) fn id(&self) -> Option<String> {
        self.lock().id.clone()
    }

    /// What was last said of a member.
    pub(crate) fn member(&self, id: &str) -> Option<Member> {
        self.lock().members.get(id).cloned()
    }

    /// The last lines, as they were printed.
    pub(crate) fn tail(&self, lines: usize) -> Vec<String> {
        let entries = self.lock();
        entries.raw.iter().skip(entries.raw.len().saturating_sub(lines)).cloned().collect()
    }

    /// A reader that panicked leaves whole lines behind, so the lock is good all the same.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Lines about a member say all that is known of it; those about the agent itself say no reachability.
    fn note(&mut self, line: &Line) {
        let Some(id) = line.id.clone() else { return };
        match (&line.status, &line.address, &line.reachability) {
            (Some(status), Some(address), Some(_)) => {
                let (status, address) = (status.clone(), address.clone());
                let is_unreachable = match line.event.as_str() {
                    "unreachable" => true,
                    "reachable" | "up" => false,
                    _ => self.members.get(&id).is_some_and(|member| member.is_unreachable),
                };
                self.members.insert(id, Member { status, address, is_unreachable });
            }
            _ if line.event == "started" => self.id = Some(id),
            _ if line.event == "reaped" => drop(self.members.remove(&id)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(event: &str, status: &str) -> String {
        format!(
            r#"{{"at":"x","event":"{event}","id":"A","address":"10.0.0.1:7946","locality":"1/1/1","status":"{status}","reachability":"unknown","health":"healthy","note":null}}"#
        ) + "\n"
    }

    #[test]
    fn the_view_is_what_was_said_last() {
        let journal = Journal::default();
        let printed = line("up", "alive") + "warning: something\n" + &line("down", "dead");
        journal.follow(printed.as_bytes()).unwrap();
        assert_eq!(journal.member("A").unwrap().status, "dead");
        assert_eq!((journal.since(0, "up").len(), journal.since(1, "up").len(), journal.mark()), (1, 0, 2));
        assert_eq!(journal.tail(2)[0], "warning: something");
        journal.begin_life();
        assert!(journal.member("A").is_none());
        assert_eq!(journal.mark(), 2, "what was said stays said");
    }

    #[test]
    fn a_member_of_a_quarantined_zone_was_not_found_unreachable_itself() {
        let journal = Journal::default();
        let says = |event: &str| {
            journal.follow(line(event, "alive").replace("unknown", "unreachable").as_bytes()).unwrap();
            journal.member("A").unwrap().is_unreachable
        };
        assert!(says("unreachable") && says("suspected") && !says("up") && !says("updated"));
    }

    #[test]
    fn half_an_event_is_no_warning() {
        assert!(Journal::default().follow(r#"{"event":"up","#.as_bytes()).is_err());
    }
}
