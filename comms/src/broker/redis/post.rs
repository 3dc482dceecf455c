//! Taking messages in that are to be published.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::fields;
use super::publisher::Job;
use super::shared::Shared;
use crate::broker::{BrokerError, BrokerErrorKind, Confirm, Publishing, Receipt, validate_topic};
use crate::message::Envelope;

impl Shared {
    /// Hands the message to the task that publishes.
    pub(super) fn publish(&self, envelope: Arc<Envelope>) -> Publishing<'static> {
        if let Err(error) = self.check(&envelope) {
            return Publishing::done(Confirm::ready(Err(error)));
        }
        let deadline = self.deadline(&envelope);
        let (answer, answered) = oneshot::channel();
        match self.jobs.try_send(Job { envelope, deadline, answer: Some(answer) }) {
            Ok(()) => Publishing::done(Confirm::waiting(answered)),
            Err(TrySendError::Closed(_)) => Publishing::done(Confirm::ready(Err(BrokerError::closed("publish")))),
            Err(TrySendError::Full(job)) => Publishing::Waiting(Box::pin(hand_over(self.jobs.clone(), job, answered))),
        }
    }

    /// What can be said of a message before it is sent.
    fn check(&self, envelope: &Envelope) -> Result<(), BrokerError> {
        if self.stopping.is_cancelled() {
            return Err(BrokerError::closed("publish"));
        }
        let (size, limit) = (envelope.payload.len(), self.config.max_message);
        if size > limit {
            let message = format!(
                "a message of {size} bytes for the topic `{}` is larger than the {limit} bytes that the option `max_message` of the Redis URL allows",
                envelope.topic
            );
            return Err(BrokerError::new(BrokerErrorKind::TooLarge, message));
        }
        fields::check(envelope)?;
        validate_topic(&envelope.topic).map_err(|error| BrokerError::new(BrokerErrorKind::Config, format!("could not publish: {error}")))
    }

    fn deadline(&self, envelope: &Envelope) -> Instant {
        let left = match envelope.metadata.deadline {
            Some(deadline) => Duration::try_from(deadline.duration_since(Timestamp::now())).unwrap_or_default(),
            None => self.config.publish_timeout,
        };
        Instant::now() + left
    }
}

/// Waits for room; that is the back-pressure.
async fn hand_over(jobs: Sender<Job>, job: Job, answered: oneshot::Receiver<Result<Receipt, BrokerError>>) -> Confirm {
    match timeout_at(job.deadline, jobs.send(job)).await {
        Ok(Ok(())) => Confirm::waiting(answered),
        Ok(Err(_)) => Confirm::ready(Err(BrokerError::closed("publish"))),
        Err(_) => Confirm::ready(Err(no_room())),
    }
}

fn no_room() -> BrokerError {
    let message = "the message was not sent before its deadline: too many others wait for Redis to confirm them";
    BrokerError::new(BrokerErrorKind::Unknown, message)
}
