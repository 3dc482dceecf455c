//! The throttle of a subscription, asked before each message.

use std::fmt;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use crate::limit::Throttle;

/// Lets messages through as its throttle says; without a rate it costs one load.
pub(super) struct Gate {
    throttle: Throttle,
    /// While the rate is used up: until there is room again, or another rate.
    pause: Option<BoxFuture<'static, ()>>,
}

impl Gate {
    pub(super) fn new(throttle: Throttle) -> Self {
        Self { throttle, pause: None }
    }

    /// Whether there is a rate; without one nothing else need be asked.
    #[inline]
    pub(super) fn is_shut_at_times(&self) -> bool {
        self.throttle.is_limited()
    }

    /// Whether a message may be taken; the task is woken once one may.
    pub(super) fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            // Before the throttle is asked: a rate that is set in between must not be missed.
            let mut changes = self.throttle.changes();
            let Some(at) = self.throttle.not_before() else {
                self.pause = None;
                return Poll::Ready(());
            };
            let pause = self.pause.get_or_insert_with(|| Box::pin(async move { changes.later(at).await }));
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
    }

    /// A message was taken.
    pub(super) fn pass(&self) {
        self.throttle.pass();
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({:?})", self.throttle)
    }
}
