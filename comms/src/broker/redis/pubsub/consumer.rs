//! The deliveries of a subscription.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio_util::sync::WaitForCancellationFutureOwned;
use tokio_util::task::AbortOnDropHandle;

use super::follow::Follower;
use super::inbox::{Inbox, Settler};
use super::listening::Listening;
use crate::broker::{Consumer, Delivery, Settle, Shard};

/// Ends once the broker is closed; dropping it unsubscribes.
pub(super) struct ChannelConsumer {
    inbox: Arc<Inbox>,
    settle: Arc<dyn Settle>,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
    _following: AbortOnDropHandle<()>,
}

impl ChannelConsumer {
    pub(super) fn new(follower: Follower, connection: Listening, prefetch: usize, buffer: usize) -> Self {
        let inbox = Inbox::new(follower.name.clone(), prefetch, buffer);
        let stopping = Box::pin(follower.shared.stopping.clone().cancelled_owned());
        let following = AbortOnDropHandle::new(tokio::spawn(follower.run(connection, Arc::clone(&inbox))));
        Self { settle: Arc::new(Settler(Arc::clone(&inbox))), inbox, stopping, _following: following }
    }
}

impl Consumer for ChannelConsumer {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if self.stopping.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        self.inbox.poll_next(context).map(|(tag, envelope)| {
            let settle = Arc::clone(&self.settle);
            Some(Delivery::new(envelope, tag, 0, Shard::default(), settle))
        })
    }
}
