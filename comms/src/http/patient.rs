//! A connection to which nothing can be written for too long is lost: its client takes nothing, or is gone.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::busy::{Busy, Guard};

/// The connection with its patience.
#[derive(Debug)]
pub(super) struct Patient<I> {
    inner: I,
    patience: Duration,
    /// Also keeps the connection busy: a write that waits is part of an answer.
    waiting: Option<(Pin<Box<Sleep>>, Guard)>,
    busy: Busy,
}

impl<I> Patient<I> {
    pub(super) fn new(inner: I, patience: Duration, busy: Busy) -> Self {
        Self { inner, patience, waiting: None, busy }
    }

    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "a handshake looks at what is below"))]
    pub(super) fn get_ref(&self) -> &I {
        &self.inner
    }

    /// What came of it, unless that takes too long.
    fn bounded<T>(&mut self, polled: Poll<io::Result<T>>, task: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waiting = None;
            return polled;
        }
        let (waiting, _) = self.waiting.get_or_insert_with(|| (Box::pin(sleep(self.patience)), self.busy.begin()));
        ready!(waiting.as_mut().poll(task));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, format!("the client took nothing for {:?}", self.patience))))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Patient<I> {
    fn poll_read(mut self: Pin<&mut Self>, task: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(task, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Patient<I> {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(task, bytes);
        self.bounded(polled, task)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(task);
        self.bounded(polled, task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(task);
        self.bounded(polled, task)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, task: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(task, slices);
        self.bounded(polled, task)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
