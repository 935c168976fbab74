//! The loop of adapters that can await.

use crate::{
    engine::{Engine, Turn},
    stopped::Stopped,
    transport::Transport,
};
use gossip_core::Instant;
use std::{
    future::poll_fn,
    ops::ControlFlow,
    pin::pin,
    task::{Context, Poll},
};

/// A transport of an asynchronous runtime. Errors of readiness count as readiness: the next receive or send
/// reports them.
pub trait AsyncTransport: Transport {
    /// Ready when a receive may find something; otherwise the task is woken then.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Ready when a send may find room; otherwise the task is woken then.
    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Waits until the clock shows `until`. If it does already, lets other tasks have their turn first.
    fn sleep_until(&self, until: Instant) -> impl Future<Output = ()> + Send + use<Self>;
}

/// Runs a node until it has left.
pub async fn drive(mut engine: Engine, mut transport: impl AsyncTransport) -> Stopped {
    loop {
        match engine.turn(&mut transport) {
            ControlFlow::Continue(turn) => wait(&engine, &mut transport, turn).await,
            ControlFlow::Break(stopped) => return stopped,
        }
    }
}

/// Waits for the first of them. All are polled each time, so that each has the current waker.
async fn wait(engine: &Engine, transport: &mut impl AsyncTransport, turn: Turn) {
    let mut due = pin!(transport.sleep_until(turn.until));
    if turn.until <= transport.now() {
        // The next turn looks at everything else, so there is no need to register for it.
        return due.await;
    }
    poll_fn(|cx| {
        let ready = [
            due.as_mut().poll(cx).is_ready(),
            engine.poll_requests(cx).is_ready(),
            turn.readable && transport.poll_readable(cx).is_ready(),
            turn.writable && transport.poll_writable(cx).is_ready(),
        ];
        if ready.contains(&true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
