//! A stream of lines with its own writer: a reader that is slow, or does not read, holds up no one.

use crate::print::without_keys;
use std::{
    borrow::Cow,
    collections::VecDeque,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use tokio::sync::oneshot;

/// How long the writer waits before it tries again where someone has switched the stream to never block.
const FULL_WAIT: Duration = Duration::from_millis(10);

/// Lines on their way to a file descriptor, written by a thread in the order in which they came.
///
/// Adding a line never blocks. When `capacity` lines wait, further ones are dropped and counted, and one line in their
/// place says how many they were.
pub(crate) struct Stream {
    queue: Arc<Queue>,
    failure: oneshot::Receiver<io::Error>,
}

impl Stream {
    /// Starts the writer. `lost` makes the line that stands for this many dropped ones.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(crate) fn start(
        name: &str,
        mut sink: impl Write + Send + 'static,
        capacity: usize,
        lost: fn(u64) -> String,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue { state: Mutex::default(), changed: Condvar::new(), capacity });
        let (tell, failure) = oneshot::channel();
        let writer = {
            let queue = Arc::clone(&queue);
            move || {
                let written = queue.write_to(&mut sink, lost);
                queue.end();
                if let Err(error) = written {
                    // Whoever wanted to know may be gone.
                    let _ = tell.send(error);
                }
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(writer)?;
        Ok(Self { queue, failure })
    }

    /// Adds a line, or counts it as dropped. No line shows a key of a cluster.
    pub(crate) fn push(&self, line: String) {
        self.queue.push(match without_keys(&line) {
            Cow::Borrowed(_) => line,
            Cow::Owned(shown) => shown,
        });
    }

    /// Resolves when a line cannot be written: nothing more will be. To be awaited until it has resolved once.
    pub(crate) async fn failed(&mut self) -> io::Error {
        match (&mut self.failure).await {
            Ok(error) => error,
            // The writer ended without an error: there will be none.
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits until all is written, but no longer than `limit`; returns the number of lines that a writer which is stuck
    /// has not written by then. It ends with the process.
    pub(crate) fn finish(&self, limit: Duration) -> u64 {
        self.queue.finish(limit)
    }
}

enum Entry {
    Line(String),
    /// This many lines were dropped here.
    Lost(u64),
}

impl Entry {
    fn lines(&self) -> u64 {
        match self {
            Self::Line(_) => 1,
            Self::Lost(lines) => *lines,
        }
    }
}

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct State {
    /// At most one more than the capacity, which is then [`Entry::Lost`].
    waiting: VecDeque<Entry>,
    /// The writer is at work on an entry that it has taken.
    is_writing: bool,
    /// No more lines are coming.
    is_closed: bool,
    /// The writer is gone.
    has_ended: bool,
}

impl Queue {
    fn push(&self, line: String) {
        let mut state = self.lock();
        if state.waiting.len() < self.capacity {
            state.waiting.push_back(Entry::Line(line));
        } else if let Some(Entry::Lost(lines)) = state.waiting.back_mut() {
            *lines += 1;
        } else {
            state.waiting.push_back(Entry::Lost(1));
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Writes what comes until the queue is closed and empty.
    fn write_to(&self, sink: &mut impl Write, lost: fn(u64) -> String) -> io::Result<()> {
        while let Some(entry) = self.next() {
            let mut line = match entry {
                Entry::Line(line) => line,
                Entry::Lost(lines) => lost(lines),
            };
            line.push('\n');
            write_all(sink, line.as_bytes())?;
        }
        Ok(())
    }

    fn next(&self) -> Option<Entry> {
        let mut state = self.lock();
        state.is_writing = false;
        let idle = |state: &mut State| state.waiting.is_empty() && !state.is_closed;
        let mut state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        let entry = state.waiting.pop_front();
        state.is_writing = entry.is_some();
        drop(state);
        self.changed.notify_all();
        entry
    }

    fn end(&self) {
        self.lock().has_ended = true;
        self.changed.notify_all();
    }

    fn finish(&self, limit: Duration) -> u64 {
        let mut state = self.lock();
        state.is_closed = true;
        self.changed.notify_all();
        let busy = |state: &mut State| !state.has_ended;
        let waited = self.changed.wait_timeout_while(state, limit, busy);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.has_ended {
            return 0;
        }
        state.waiting.iter().map(Entry::lines).sum::<u64>() + u64::from(state.is_writing)
    }

    /// No code that can panic runs under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_all(sink: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match sink.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The descriptor is shared with a process that has switched it to never block.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(FULL_WAIT),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const LIMIT: Duration = Duration::from_secs(60);

    /// A reader that takes as many writes as it is told to, and shows them.
    struct Sink {
        allowed: Receiver<io::Result<()>>,
        shown: Sender<String>,
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Once the test is over no one waits any more.
            self.allowed.recv().map_err(|_| io::ErrorKind::BrokenPipe)??;
            let _ = self.shown.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Reader {
        stream: Stream,
        allow: Sender<io::Result<()>>,
        shown: Receiver<String>,
    }

    fn stalled(capacity: usize) -> Reader {
        let ((allow, allowed), (show, shown)) = (channel(), channel());
        let sink = Sink { allowed, shown: show };
        let stream = Stream::start("test", sink, capacity, |lost| format!("lost {lost}")).unwrap();
        Reader { stream, allow, shown }
    }

    impl Reader {
        fn push(&self, lines: std::ops::Range<u32>) {
            lines.for_each(|n| self.stream.push(n.to_string()));
        }

        fn read(&self) -> String {
            self.allow.send(Ok(())).unwrap();
            self.shown.recv_timeout(LIMIT).unwrap()
        }

        /// Waits until the writer holds the first line, and is stuck with it.
        fn until_it_is_stuck(&self) {
            let mut state = self.stream.queue.lock();
            while !state.is_writing {
                state = self.stream.queue.changed.wait(state).unwrap();
            }
        }
    }

    #[test]
    fn a_stalled_reader_is_told_how_much_it_missed_and_where() {
        let reader = stalled(3);
        reader.push(0..1);
        reader.until_it_is_stuck();
        reader.push(1..10);
        assert_eq!(reader.stream.queue.lock().waiting.len(), 4, "three lines, and the count of the others");
        let read: Vec<_> = (0..3).map(|_| reader.read()).collect();
        assert_eq!(read, ["0\n", "1\n", "2\n"]);
        reader.push(10..11);
        let read: Vec<_> = (0..3).map(|_| reader.read()).collect();
        assert_eq!(read, ["3\n", "lost 6\n", "10\n"]);
    }

    #[test]
    fn an_end_waits_for_what_is_read_and_for_no_longer_than_its_limit() {
        let reader = stalled(2);
        reader.push(0..5);
        assert_eq!(reader.stream.finish(Duration::from_millis(10)), 5, "nothing is read");
        let reader = stalled(2);
        reader.push(0..2);
        (0..2).for_each(|_| reader.allow.send(Ok(())).unwrap());
        assert_eq!(reader.stream.finish(LIMIT), 0);
    }

    #[test]
    fn a_stream_that_never_blocks_is_written_to_all_the_same() {
        let reader = stalled(2);
        reader.push(0..1);
        for error in [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted] {
            reader.allow.send(Err(error.into())).unwrap();
        }
        assert_eq!(reader.read(), "0\n");
    }

    #[tokio::test]
    async fn an_error_of_writing_is_told_and_ends_the_writer() {
        let mut reader = stalled(2);
        reader.push(0..2);
        reader.allow.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        assert_eq!(reader.stream.failed().await.kind(), io::ErrorKind::StorageFull);
        reader.push(2..9);
        assert_eq!(reader.stream.finish(LIMIT), 0, "nothing is waited for");
    }
}
