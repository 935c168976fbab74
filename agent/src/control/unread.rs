//! A connection that ends when nobody reads what is written to it: otherwise whoever stops reading keeps a place for ever.
//! Whoever loses its stream or its connection because it is slow is counted.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long what is sent may stay unread, with no byte taken of it.
pub(super) const UNREAD_LIMIT: Duration = Duration::from_secs(30);

/// How many readers were too slow. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct SlowReaders(Arc<AtomicU64>);

impl SlowReaders {
    /// One more has lost its stream or its connection.
    pub(super) fn count(&self) {
        let _ = self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Those so far.
    pub(super) fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A stream whose writes fail once nothing has been taken of them for [`UNREAD_LIMIT`].
pub(super) struct Unread<S> {
    stream: S,
    /// From the first write that found no room, until one finds some.
    limit: Option<Pin<Box<Sleep>>>,
    slow: SlowReaders,
}

impl<S> Unread<S> {
    pub(super) fn new(stream: S, slow: SlowReaders) -> Self {
        Self { stream, limit: None, slow }
    }

    fn bounded<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.limit = None;
            return written;
        }
        let limit = self.limit.get_or_insert_with(|| Box::pin(sleep(UNREAD_LIMIT)));
        ready!(limit.as_mut().poll(cx));
        self.limit = None;
        self.slow.count();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unread<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unread<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bounded(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.bounded(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
