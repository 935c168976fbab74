//! Where the engine posts notices and handles' futures wait for them.

use crate::{
    lock::lock,
    notice::{Lagged, Notice},
    ring::Ring,
    stopped::Stopped,
    user_event::UserEvent,
};
use gossip_core::Event;
use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

/// The last notices and user events, how the driver ended, and who waits for any of it.
pub(crate) struct Board(Mutex<Posted>);

/// What is on a board.
pub(crate) struct Posted {
    notices: Ring<Notice>,
    user_events: Ring<UserEvent>,
    ended: Option<Stopped>,
    joined: bool,
    /// Alarms ever raised.
    alarms: u64,
    waiting: BTreeMap<u64, Waker>,
    /// Subscriptions ever made: the key of the next one.
    subscriptions: u64,
}

impl Posted {
    /// The number of the next notice.
    pub(crate) fn total(&self) -> u64 {
        self.notices.total()
    }

    /// How the driver ended, if it did.
    pub(crate) fn ended(&self) -> Option<Stopped> {
        self.ended
    }

    /// Whether the node has joined, and not started over since.
    pub(crate) fn is_joined(&self) -> bool {
        self.joined
    }

    /// How often an alarm was raised.
    pub(crate) fn alarms(&self) -> u64 {
        self.alarms
    }

    /// Notices that subscribers missed, and user events.
    pub(crate) fn lagged(&self) -> (u64, u64) {
        (self.notices.lagged(), self.user_events.lagged())
    }

    /// The notice at `cursor`, which moves on: past those that are gone, if there are any.
    pub(crate) fn read(&mut self, cursor: &mut u64) -> Option<Result<Notice, Lagged>> {
        self.notices.read(cursor)
    }

    /// The same for user events.
    pub(crate) fn read_user_event(&mut self, cursor: &mut u64) -> Option<Result<UserEvent, Lagged>> {
        self.user_events.read(cursor)
    }

    /// Shows all events from `cursor` on, which moves to the end; returns how many were gone.
    pub(crate) fn catch_up(&mut self, cursor: &mut u64, mut see: impl FnMut(Event)) -> u64 {
        self.notices.catch_up(cursor, |notice| see(notice.event))
    }
}

impl Board {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Mutex::new(Posted {
            notices: Ring::new(capacity),
            user_events: Ring::new(capacity),
            ended: None,
            joined: false,
            alarms: 0,
            waiting: BTreeMap::new(),
            subscriptions: 0,
        }))
    }

    /// Posts notices, the oldest making room, and wakes all that wait.
    pub(crate) fn post(&self, notices: impl ExactSizeIterator<Item = Notice>) {
        if notices.len() == 0 {
            return;
        }
        self.change(|posted| {
            for notice in notices {
                match notice.event {
                    Event::Joined => posted.joined = true,
                    Event::Reset => posted.joined = false,
                    _ => {}
                }
                posted.notices.push(notice);
            }
        });
    }

    /// Posts user events in the same way.
    pub(crate) fn post_user_events(&self, events: Vec<UserEvent>) {
        if !events.is_empty() {
            self.change(|posted| events.into_iter().for_each(|event| posted.user_events.push(event)));
        }
    }

    /// A time has come that someone asked for: wakes all that wait.
    pub(crate) fn raise_alarm(&self) {
        self.change(|posted| posted.alarms += 1);
    }

    /// The driver ended; the first word on how is the true one.
    pub(crate) fn end(&self, stopped: Stopped) {
        self.change(|posted| {
            posted.ended.get_or_insert(stopped);
        });
    }

    /// Whether the driver has ended.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.0).ended.is_some()
    }

    pub(crate) fn lagged(&self) -> (u64, u64) {
        lock(&self.0).lagged()
    }

    /// How often an alarm was raised.
    #[cfg(test)]
    pub(crate) fn alarms(&self) -> u64 {
        lock(&self.0).alarms()
    }

    /// Wakers are called after the lock is free: what they run may come back here.
    fn change(&self, change: impl FnOnce(&mut Posted)) {
        let waiting = {
            let mut posted = lock(&self.0);
            change(&mut posted);
            mem::take(&mut posted.waiting)
        };
        waiting.into_values().for_each(Waker::wake);
    }
}

/// The right to wait at a board: at most one waker, which goes away with it.
pub(crate) struct Subscription {
    board: Arc<Board>,
    key: u64,
}

impl Subscription {
    /// A subscription, and the number of the next notice.
    pub(crate) fn new(board: Arc<Board>) -> (Self, u64) {
        Self::with(board, |posted| posted.notices.total())
    }

    /// A subscription, and the number of the next user event.
    pub(crate) fn to_user_events(board: Arc<Board>) -> (Self, u64) {
        Self::with(board, |posted| posted.user_events.total())
    }

    fn with(board: Arc<Board>, next: impl FnOnce(&Posted) -> u64) -> (Self, u64) {
        let mut posted = lock(&board.0);
        let key = posted.subscriptions;
        posted.subscriptions += 1;
        let next = next(&posted);
        drop(posted);
        (Self { board, key }, next)
    }

    /// Ready with what `read` finds; otherwise the task is woken when the board changes.
    pub(crate) fn poll<T>(&self, cx: &Context<'_>, read: impl FnOnce(&mut Posted) -> Option<T>) -> Poll<T> {
        let mut posted = lock(&self.board.0);
        if let Some(found) = read(&mut posted) {
            return Poll::Ready(found);
        }
        let replaced = posted.waiting.insert(self.key, cx.waker().clone());
        drop(posted);
        // A waker's destructor is foreign code: it runs after the lock is free.
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let waker = lock(&self.board.0).waiting.remove(&self.key);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stopped::{LeaveError, Left};
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
        time::SystemTime,
    };

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn notice(epoch: u32) -> Notice {
        Notice { event: Event::EpochBumped { epoch }, member: None, at: SystemTime::UNIX_EPOCH }
    }

    fn post(board: &Board, epochs: std::ops::Range<u32>) {
        board.post(epochs.map(notice).collect::<Vec<_>>().into_iter());
    }

    /// All there is to read; the count for what was missed.
    fn read(board: &Board, cursor: &mut u64) -> Vec<Result<Event, u64>> {
        let mut posted = lock(&board.0);
        std::iter::from_fn(|| posted.read(cursor)).map(|n| n.map(|n| n.event).map_err(|l| l.0)).collect()
    }

    #[test]
    fn every_reader_reads_all_in_order() {
        let board = Board::new(8);
        let mut cursors = [0, 0];
        for start in [0, 3, 6] {
            post(&board, start..start + 3);
            for cursor in &mut cursors {
                let expected: Vec<_> = (start..start + 3).map(|e| Ok(notice(e).event)).collect();
                assert_eq!(read(&board, cursor), expected);
            }
        }
    }

    #[test]
    fn a_reader_that_falls_behind_learns_by_how_much_and_goes_on() {
        let board = Board::new(3);
        let mut cursor = 0;
        post(&board, 0..10);
        let expected = [Err(7), Ok(notice(7).event), Ok(notice(8).event), Ok(notice(9).event)];
        assert_eq!(read(&board, &mut cursor), expected);
        assert_eq!(board.lagged(), (7, 0));
        post(&board, 10..12);
        assert_eq!(read(&board, &mut cursor), [Ok(notice(10).event), Ok(notice(11).event)]);
    }

    #[test]
    fn a_reader_that_catches_up_sees_all_that_is_kept_and_how_much_is_gone() {
        let board = Board::new(3);
        let mut cursor = 0;
        let mut catch_up = || {
            let mut seen = Vec::new();
            (lock(&board.0).catch_up(&mut cursor, |event| seen.push(event)), seen)
        };
        assert_eq!(catch_up(), (0, vec![]));
        post(&board, 0..5);
        assert_eq!(catch_up(), (2, (2..5).map(|epoch| notice(epoch).event).collect()));
        assert_eq!(catch_up(), (0, vec![]));
        post(&board, 5..6);
        assert_eq!(catch_up(), (0, vec![notice(5).event]));
        assert_eq!(board.lagged(), (2, 0));
    }

    #[test]
    fn those_who_wait_are_woken_once_and_those_who_left_are_forgotten() {
        let board = Arc::new(Board::new(4));
        let woken = Arc::new(Woken::default());
        let waker = Arc::clone(&woken).into();
        let cx = Context::from_waker(&waker);
        let (stays, _) = Subscription::new(Arc::clone(&board));
        let (leaves, _) = Subscription::new(Arc::clone(&board));
        for _ in 0..100 {
            assert!(stays.poll(&cx, |posted| posted.ended()).is_pending());
            assert!(leaves.poll(&cx, |posted| posted.ended()).is_pending());
        }
        drop(leaves);
        assert_eq!(lock(&board.0).waiting.len(), 1);
        post(&board, 0..1);
        post(&board, 1..2);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(stays.poll(&cx, |posted| posted.ended()).is_pending());
        let left = Ok(Left { acknowledged: 2 });
        board.end(left);
        board.end(Err(LeaveError::DriverDropped));
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
        assert_eq!(stays.poll(&cx, |posted| posted.ended()), Poll::Ready(left));
    }
}
