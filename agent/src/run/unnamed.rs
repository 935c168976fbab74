//! Events `up` that wait for the name of their member before a handler gets them: it arrives a moment after the member.

use crate::print::Line;
use adapter_tokio::NodeId;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// How long a handler's `up` waits for the name.
const LIMIT: Duration = Duration::from_millis(500);
/// Events that wait; for one more the oldest goes without its name.
const MAX: usize = 256;

/// Events that wait, the oldest first.
#[derive(Default)]
pub(super) struct Unnamed(VecDeque<(NodeId, Instant, Line)>);

impl Unnamed {
    /// Holds an event back. Returned is one that has to go for it.
    pub(super) fn hold(&mut self, id: NodeId, now: Instant, line: Line) -> Option<Line> {
        let oldest = if self.0.len() == MAX { self.0.pop_front() } else { None };
        self.0.push_back((id, now + LIMIT, line));
        oldest.map(|(.., line)| line)
    }

    /// When the next one has waited for long enough.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.front().map(|(_, due, _)| *due)
    }

    /// Those of a member, with its name if that is known.
    pub(super) fn of(&mut self, id: NodeId, name: Option<&str>) -> Vec<Line> {
        self.take(|other, _| (other == id).then(|| name.map(str::to_owned)))
    }

    /// Those that have waited for long enough, with what is their member's name by then.
    pub(super) fn late(&mut self, now: Instant, name: impl Fn(NodeId) -> Option<String>) -> Vec<Line> {
        self.take(|id, due| (due <= now).then(|| name(id)))
    }

    /// All.
    pub(super) fn all(&mut self) -> Vec<Line> {
        self.take(|_, _| Some(None))
    }

    /// Takes out those for which `name` says that it has a name or needs none.
    fn take(&mut self, name: impl Fn(NodeId, Instant) -> Option<Option<String>>) -> Vec<Line> {
        let mut taken = Vec::new();
        for (id, due, line) in std::mem::take(&mut self.0) {
            match name(id, due) {
                Some(name) => taken.push(line.named(name)),
                None => self.0.push_back((id, due, line)),
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn line(id: NodeId) -> Line {
        Line::of_member("up", SystemTime::UNIX_EPOCH, id, None)
    }

    fn names(lines: Vec<Line>) -> Vec<Option<String>> {
        lines.into_iter().map(|line| line.member().into_iter().next().flatten()).collect()
    }

    #[test]
    fn an_event_waits_for_its_name_and_no_longer_than_its_limit() {
        let [a, b] = ["a", "b"].map(|name| NodeId::from_name(name).unwrap());
        let now = Instant::now();
        let mut unnamed = Unnamed::default();
        for id in [a, b] {
            assert!(unnamed.hold(id, now, line(id)).is_none());
        }
        assert_eq!(names(unnamed.of(a, Some("a"))), [Some("a".to_owned())]);
        assert_eq!(unnamed.due(), Some(now + LIMIT));
        assert!(unnamed.late(now, |_| None).is_empty());
        assert_eq!(names(unnamed.late(now + LIMIT, |_| None)), [None]);
        assert_eq!(unnamed.due(), None);
    }

    #[test]
    fn where_too_many_wait_the_oldest_goes_without_its_name() {
        let ids: Vec<NodeId> = (0..=MAX).map(|n| NodeId::from_name(&n.to_string()).unwrap()).collect();
        let (now, mut unnamed) = (Instant::now(), Unnamed::default());
        let gone: Vec<Line> = ids.iter().filter_map(|&id| unnamed.hold(id, now, line(id))).collect();
        assert_eq!(gone.len(), 1);
        assert_eq!(gone[0].member()[1].as_deref(), Some(&*ids[0].to_string()));
        assert_eq!(unnamed.all().len(), MAX);
    }
}
