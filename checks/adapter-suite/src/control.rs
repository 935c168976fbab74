//! What a test does to a node's loop from outside.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

/// Holds up a loop, or stops it. Whatever runtime the loop belongs to, it need only know wakers.
#[derive(Clone, Default, Debug)]
pub struct Control(Arc<Mutex<Orders>>);

#[derive(Default, Debug)]
struct Orders {
    stop: bool,
    hold_up: Option<Duration>,
    waker: Option<Waker>,
}

impl Control {
    /// Polls a driver until it ends, or the test stops it; it is dropped then.
    pub async fn over(self, driver: impl Future) {
        let mut driver = pin!(driver);
        poll_fn(|cx| {
            let stop = self.poll_stop(cx).is_ready();
            if stop || driver.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Ready when the loop must stop; otherwise the task is woken then. Blocks when the loop is to be held up.
    pub fn poll_stop(&self, cx: &Context<'_>) -> Poll<()> {
        let hold_up = {
            let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if orders.stop {
                return Poll::Ready(());
            }
            orders.waker = Some(cx.waker().clone());
            orders.hold_up.take()
        };
        hold_up.into_iter().for_each(thread::sleep);
        Poll::Pending
    }

    pub(crate) fn hold_up(&self, time: Duration) {
        self.order(|orders| orders.hold_up = Some(time));
    }

    pub(crate) fn stop(&self) {
        self.order(|orders| orders.stop = true);
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        let waker = {
            let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut orders);
            orders.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}
