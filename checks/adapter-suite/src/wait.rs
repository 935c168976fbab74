//! Waiting for conditions instead of times.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake},
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// How long anything may take before a test fails. Far above what it does take, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(5);

/// Waits until there is something, and returns it.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let limit = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < limit, "waited in vain: {what}");
        thread::sleep(PERIOD);
    }
}

/// Runs a future on this thread: whatever the handle's futures need is `std`.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    let limit = Instant::now() + LIMIT;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let left = limit.checked_duration_since(Instant::now());
        thread::park_timeout(left.expect("a future that never resolves"));
    }
}
