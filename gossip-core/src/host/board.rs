//! Where the engine posts notices and handles' futures wait for them.

use super::{
    events::{Lagged, Notice},
    leave::LeaveOutcome,
    lock::lock,
};
use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

/// The most notices that a board keeps, whatever was asked for.
const MAX_NOTICES: usize = 1 << 20;

/// The last notices, numbered from 0 in the order in which they were posted; how the driver ended; and who
/// waits for either.
pub(super) struct Board(Mutex<Posted>);

/// What is on a board.
pub(super) struct Posted {
    notices: VecDeque<Notice>,
    capacity: usize,
    /// Notices ever posted: the number of the next one.
    total: u64,
    ended: Option<LeaveOutcome>,
    lagged: u64,
    waiting: BTreeMap<u64, Waker>,
    /// Subscriptions ever made: the key of the next one.
    subscriptions: u64,
}

impl Posted {
    /// The number of the next notice.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// How the driver ended, if it did.
    pub(super) fn ended(&self) -> Option<LeaveOutcome> {
        self.ended
    }

    /// The notice at `cursor`, which moves on: past those that are gone, if there are any.
    pub(super) fn read(&mut self, cursor: &mut u64) -> Option<Result<Notice, Lagged>> {
        let oldest = self.total - self.notices.len() as u64;
        if *cursor < oldest {
            let missed = oldest - *cursor;
            self.lagged += missed;
            *cursor = oldest;
            return Some(Err(Lagged(missed)));
        }
        let notice = *self.notices.get(usize::try_from(*cursor - oldest).ok()?)?;
        *cursor += 1;
        Some(Ok(notice))
    }
}

impl Board {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Mutex::new(Posted {
            notices: VecDeque::new(),
            capacity: capacity.clamp(1, MAX_NOTICES),
            total: 0,
            ended: None,
            lagged: 0,
            waiting: BTreeMap::new(),
            subscriptions: 0,
        }))
    }

    /// Posts notices, the oldest making room, and wakes whoever waits.
    pub(super) fn post(&self, notices: impl ExactSizeIterator<Item = Notice>) {
        if notices.len() == 0 {
            return;
        }
        self.change(|posted| {
            for notice in notices {
                if posted.notices.len() == posted.capacity {
                    posted.notices.pop_front();
                }
                posted.notices.push_back(notice);
                posted.total += 1;
            }
        });
    }

    /// The driver ended; the first word on how is the true one.
    pub(super) fn end(&self, outcome: LeaveOutcome) {
        self.change(|posted| {
            posted.ended.get_or_insert(outcome);
        });
    }

    pub(super) fn lagged(&self) -> u64 {
        lock(&self.0).lagged
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
pub(super) struct Subscription {
    board: Arc<Board>,
    key: u64,
}

impl Subscription {
    /// A subscription, and the number of the next notice.
    pub(super) fn new(board: Arc<Board>) -> (Self, u64) {
        let mut posted = lock(&board.0);
        let key = posted.subscriptions;
        posted.subscriptions += 1;
        let next = posted.total;
        drop(posted);
        (Self { board, key }, next)
    }

    /// Ready with what `read` finds; otherwise the task is woken when the board changes.
    pub(super) fn poll<T>(&self, cx: &Context<'_>, read: impl FnOnce(&mut Posted) -> Option<T>) -> Poll<T> {
        let mut posted = lock(&self.board.0);
        if let Some(found) = read(&mut posted) {
            return Poll::Ready(found);
        }
        posted.waiting.insert(self.key, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // A waker's destructor is foreign code: it runs after the lock is free.
        let waker = lock(&self.board.0).waiting.remove(&self.key);
        drop(waker);
    }
}
