//! What publishers are told.

use redis::{RedisError, RedisResult, Value};

use super::error::broker_error;
use super::publisher::Job;
use crate::broker::{BrokerError, BrokerErrorKind, Receipt};

/// What became of a write.
pub(super) enum Settled {
    Done,
    Later,
    Lost,
}

/// The answers behind those to the names of new topics, all of which must have been taken.
pub(super) fn expect(values: Vec<Value>, new: usize) -> RedisResult<Vec<Value>> {
    let mut values = values.into_iter();
    for value in values.by_ref().take(new) {
        value.extract_error()?;
    }
    Ok(values.collect())
}

pub(super) fn refuse(job: Job, error: &RedisError) {
    let attempted = format!("publish to `{}`", job.envelope.topic);
    answer(job, Err(broker_error(&attempted, error)));
}

pub(super) fn answer(job: Job, result: Result<Receipt, BrokerError>) {
    if let Some(answer) = job.answer {
        // Whoever dropped the receiver has given up knowing.
        let _ = answer.send(result);
    }
}

pub(super) fn unanswered() -> BrokerError {
    let text =
        "the connection to Redis was lost before it confirmed the message; whether that was delivered is unknown, and it is not sent again";
    BrokerError::new(BrokerErrorKind::Unknown, text)
}

pub(super) fn late() -> BrokerError {
    let waited = "the message was not confirmed by Redis before its deadline; whether it was taken is unknown";
    BrokerError::new(BrokerErrorKind::Unknown, waited)
}
