//! What becomes of a message that was handed to a broker.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::{BrokerError, BrokerErrorKind};
use crate::metrics::{PublishCounters, Published};

/// Whether a published message reached any subscription.
///
/// Reaching none is no error, on any broker: an event is a statement, not a request. Where the broker
/// can tell, the receipt says so and it is counted; commands turn it into an error of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// At least one subscription gets it.
    Subscribed,
    /// No subscription gets it; the broker has dropped it.
    Unrouted,
    /// This broker does not say.
    Unknown,
}

/// The broker has taken responsibility for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// Whether any subscription gets it.
    pub reach: Reach,
}

impl Receipt {
    /// A receipt.
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self { reach }
    }
}

/// A message that was handed over and is not yet confirmed. Await it for the [`Receipt`].
///
/// Dropping it does not take the message back; it only gives up knowing.
#[must_use = "the message counts as accepted only once its confirmation has arrived"]
#[derive(Debug)]
pub struct Confirm(State);

#[derive(Debug)]
enum State {
    Ready(Option<Result<Receipt, BrokerError>>),
    Waiting { answer: oneshot::Receiver<Result<Receipt, BrokerError>>, counters: Option<Arc<PublishCounters>> },
}

impl Confirm {
    /// The broker answered at once.
    pub fn ready(result: Result<Receipt, BrokerError>) -> Self {
        Self(State::Ready(Some(result)))
    }

    /// The broker will answer through the channel.
    pub fn waiting(answer: oneshot::Receiver<Result<Receipt, BrokerError>>) -> Self {
        Self(State::Waiting { answer, counters: None })
    }

    /// What becomes of the message is counted: now, or once it is known to whoever waits for it.
    #[inline]
    pub(crate) fn counted(mut self, by: &Arc<PublishCounters>) -> Self {
        match &mut self.0 {
            State::Ready(Some(result)) => by.ended(how(result)),
            State::Ready(None) => {}
            State::Waiting { counters, .. } => *counters = Some(Arc::clone(by)),
        }
        self
    }
}

impl Future for Confirm {
    type Output = Result<Receipt, BrokerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Ready(result) => Poll::Ready(result.take().unwrap_or_else(|| Err(BrokerError::closed("publish")))),
            State::Waiting { answer, counters } => {
                let result = ready!(Pin::new(answer).poll(context)).unwrap_or_else(|_| Err(unanswered()));
                if let Some(counters) = counters.take() {
                    counters.ended(how(&result));
                }
                Poll::Ready(result)
            }
        }
    }
}

fn how(result: &Result<Receipt, BrokerError>) -> Published {
    match result {
        Ok(Receipt { reach: Reach::Unrouted }) => Published::Unrouted,
        Ok(_) => Published::Confirmed,
        Err(error) if error.kind() == BrokerErrorKind::Unknown => Published::Unknown,
        Err(_) => Published::Failed,
    }
}

fn unanswered() -> BrokerError {
    BrokerError::new(BrokerErrorKind::Unknown, "the connection ended before the broker confirmed the message")
}

/// A message that is being handed over; resolves to its [`Confirm`].
#[must_use = "nothing is published until this is awaited"]
pub enum Publishing<'a> {
    /// Handed over, or refused, without waiting.
    Done(Option<Confirm>),
    /// Waits for room or for the connection.
    Waiting(BoxFuture<'a, Confirm>),
}

impl Publishing<'_> {
    /// Handed over, or refused, without waiting.
    pub fn done(confirm: Confirm) -> Self {
        Self::Done(Some(confirm))
    }
}

impl Future for Publishing<'_> {
    type Output = Confirm;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Confirm> {
        match &mut *self {
            Self::Done(confirm) => Poll::Ready(confirm.take().unwrap_or_else(|| Confirm::ready(Err(BrokerError::closed("publish"))))),
            Self::Waiting(future) => future.as_mut().poll(context),
        }
    }
}

impl std::fmt::Debug for Publishing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Publishing")
    }
}
