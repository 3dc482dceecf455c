//! A stream for a reader that would take all that is there.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;

/// Gives one piece whenever it is asked, and none the next time, as if it had to be waited for. A reader that fills its buffer until it has
/// to wait, as that of forms does, holds one piece at a time then, and not all that a fast sender has sent.
pub(super) struct OneByOne<S> {
    stream: S,
    gave: bool,
}

impl<S> OneByOne<S> {
    pub(super) fn of(stream: S) -> Self {
        Self { stream, gave: false }
    }
}

impl<S: Stream + Unpin> Stream for OneByOne<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if std::mem::take(&mut self.gave) {
            task.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.stream).poll_next(task);
        self.gave = matches!(polled, Poll::Ready(Some(_)));
        polled
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream::{self, StreamExt as _};

    use super::*;

    #[tokio::test]
    async fn everything_comes_and_nothing_twice_at_once() {
        let mut stream = OneByOne::of(stream::iter(0..3));
        let mut task = Context::from_waker(std::task::Waker::noop());
        assert_eq!(stream.poll_next_unpin(&mut task), Poll::Ready(Some(0)));
        assert_eq!(stream.poll_next_unpin(&mut task), Poll::Pending);
        assert_eq!(stream.collect::<Vec<_>>().await, [1, 2]);
    }
}
