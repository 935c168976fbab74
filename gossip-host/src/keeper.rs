//! When the view is written to its file.

use crate::{
    lock::lock,
    shared::Shared,
    threads::spawn,
    view_file::{self, ViewFile},
};
use gossip_core::{Fingerprint, Heap, Instant, Node};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The first wait between two writes, doubled up to the interval asked for: a young node's view changes most.
const MIN_WAIT: Duration = Duration::from_secs(1);
/// How long a node that leaves waits for the last write.
const LAST_WRITE_WITHIN: Duration = Duration::from_secs(2);
/// Intervals after which a view is written although it is the same: its age decides whether it is of use.
const REFRESH_AFTER: u32 = 60;

/// Sees to it that the view is written: soon when it changed first, then less and less often, and when the node leaves.
pub(crate) struct Keeper {
    file: ViewFile,
    interval: Duration,
    wait: Duration,
    next: Instant,
    /// What was written last, and when that is to be refreshed.
    written: Option<Fingerprint>,
    refresh: Instant,
    /// A thread writes.
    writing: bool,
    /// The node leaves; until when it waits for the thread.
    last: Option<Instant>,
    /// It will write once more: what is being written is older than the leave.
    again: bool,
}

impl Keeper {
    pub(crate) fn new(file: ViewFile, interval: Duration, now: Instant) -> Self {
        let interval = interval.max(MIN_WAIT);
        Self {
            file,
            interval,
            wait: MIN_WAIT,
            next: now,
            written: None,
            refresh: now,
            writing: false,
            last: None,
            again: false,
        }
    }

    /// When to look at the view again.
    pub(crate) fn next(&self) -> Instant {
        match self.last {
            Some(until) if self.writing => until,
            Some(_) => Instant::NEVER,
            None if self.writing => Instant::NEVER,
            None => self.next,
        }
    }

    /// Writes the view, if it is time to.
    pub(crate) fn keep(&mut self, now: Instant, shared: &Arc<Shared>) {
        if !self.is_due(now) {
            return;
        }
        let (view, live) = {
            let node = lock(&shared.node);
            (node.fingerprint(), has_company(&node))
        };
        if self.looks_at(now, view, live) {
            self.write(shared);
        }
    }

    /// The node leaves: writes the view a last time.
    pub(crate) fn keep_last(&mut self, now: Instant, shared: &Arc<Shared>) {
        let live = has_company(&lock(&shared.node));
        if self.begin_last(now, live) {
            self.write(shared);
        }
    }

    /// Writes the live members on its own thread, since a disk may take longer than the protocol can wait. There is
    /// never more than one such thread.
    fn write(&mut self, shared: &Arc<Shared>) {
        let live = |node: &Node<Heap>| {
            let members = node.members().take_while(|member| member.status().is_live());
            members.take(view_file::MAX_MEMBERS).map(|member| *member.record()).collect::<Vec<_>>()
        };
        let (file, records) = (self.file.clone(), live(&lock(&shared.node)));
        let of_thread = Arc::clone(shared);
        let write = move || {
            let written = file.write(SystemTime::now(), &records).is_ok();
            lock(&of_thread.metrics).view_errors += u64::from(!written);
            of_thread.inbox.ask(|requests| requests.view_written = Some(written));
        };
        if spawn("gossip-view", write).is_err() {
            self.again = false;
            let _ = self.is_over(false);
            lock(&shared.metrics).view_errors += 1;
        }
    }

    /// Whether it is time to look at the view.
    fn is_due(&self, now: Instant) -> bool {
        self.last.is_none() && !self.writing && now >= self.next
    }

    /// The view has this fingerprint: whether to write it. One without `live` members is worth less than the one in the file.
    fn looks_at(&mut self, now: Instant, view: Fingerprint, live: bool) -> bool {
        let write = live && (self.written != Some(view) || now >= self.refresh);
        self.next = now + self.wait;
        if write {
            self.wait = (self.wait * 2).min(self.interval);
            (self.written, self.refresh, self.writing) =
                (Some(view), now + self.interval * REFRESH_AFTER, true);
        }
        write
    }

    /// The node leaves: whether to write the view once more.
    fn begin_last(&mut self, now: Instant, live: bool) -> bool {
        let wanted = live && self.last.is_none();
        self.last = self.last.or(Some(now + LAST_WRITE_WITHIN));
        self.again |= wanted && self.writing;
        let write = wanted && !self.writing;
        self.writing |= write;
        write
    }

    /// The thread has written, or failed to: it continues with the last write, if there was none yet.
    pub(crate) fn wrote(&mut self, written: bool, shared: &Arc<Shared>) {
        if self.is_over(written) {
            self.write(shared);
        }
    }

    /// A write is over: whether to write again.
    fn is_over(&mut self, written: bool) -> bool {
        if !written {
            self.written = None;
        }
        self.writing = std::mem::take(&mut self.again);
        self.writing
    }

    /// Whether a node that has left still waits for the last write.
    pub(crate) fn is_busy(&self, now: Instant) -> bool {
        self.writing && self.last.is_some_and(|until| now < until)
    }
}

/// Whether a node knows a live member.
fn has_company(node: &Node<Heap>) -> bool {
    node.members().next().is_some_and(|member| member.status().is_live())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gossip_core::ClusterName;
    use std::path::Path;

    const INTERVAL: Duration = Duration::from_secs(60);

    fn keeper() -> Keeper {
        let file = ViewFile::new(Path::new("unused"), ClusterName::named("keeper").unwrap());
        Keeper::new(file, INTERVAL, Instant::ZERO)
    }

    /// Looks whenever it is time to, for so long, at a view that is `view` of the time in seconds; when it was written.
    fn writes(keeper: &mut Keeper, span: u64, view: impl Fn(u64) -> u64) -> Vec<u64> {
        let mut writes = Vec::new();
        while keeper.next() < Instant::ZERO + Duration::from_secs(span) {
            let now = keeper.next();
            let second = now.as_micros() / 1_000_000;
            assert!(keeper.is_due(now));
            if keeper.looks_at(now, Fingerprint(view(second)), true) {
                assert!(!keeper.is_due(now + INTERVAL), "one thread at a time");
                assert!(!keeper.is_over(true));
                writes.push(second);
            }
        }
        writes
    }

    #[test]
    fn a_view_that_changes_is_written_soon_and_then_every_interval() {
        let times = writes(&mut keeper(), 600, |second| second);
        assert_eq!(times[..7], [0, 1, 3, 7, 15, 31, 63]);
        assert!(times[7..].windows(2).all(|pair| pair[1] - pair[0] == 60), "{times:?}");
    }

    #[test]
    fn a_view_that_stays_is_written_again_once_an_hour() {
        let times = writes(&mut keeper(), 4 * 3_600, |_| 7);
        assert!(times.len() == 4 && times.windows(2).all(|pair| pair[1] - pair[0] <= 3_661), "{times:?}");
    }

    #[test]
    fn nobody_is_no_view_and_a_write_that_failed_is_made_again() {
        let mut keeper = keeper();
        assert!(!keeper.looks_at(Instant::ZERO, Fingerprint(1), false));
        assert!(keeper.looks_at(keeper.next(), Fingerprint(1), true));
        assert!(!keeper.is_over(false));
        assert!(keeper.looks_at(keeper.next(), Fingerprint(1), true));
    }

    #[test]
    fn the_last_write_is_waited_for_but_not_for_long() {
        let mut keeper = keeper();
        assert!(keeper.begin_last(Instant::ZERO, true) && keeper.is_busy(Instant::ZERO));
        assert!(!keeper.begin_last(Instant::ZERO, true), "one is under way");
        assert_eq!(keeper.next(), Instant::ZERO + LAST_WRITE_WITHIN);
        assert!(!keeper.is_busy(keeper.next()));
        assert!(!keeper.is_over(true));
        assert!(!keeper.is_busy(Instant::ZERO) && keeper.next() == Instant::NEVER);
    }

    #[test]
    fn a_write_that_began_before_the_leave_is_not_the_last() {
        let mut keeper = keeper();
        assert!(keeper.looks_at(Instant::ZERO, Fingerprint(1), true));
        assert!(!keeper.begin_last(Instant::ZERO, true), "one thread at a time");
        assert!(keeper.is_over(true) && keeper.is_busy(Instant::ZERO));
        assert!(!keeper.is_over(true) && !keeper.is_busy(Instant::ZERO));
    }
}
