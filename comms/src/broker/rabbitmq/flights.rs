//! What was handed to the publisher and is not yet answered, in publishing order.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::types::ShortString;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::broker::{BrokerError, Receipt};
use crate::message::Envelope;

/// A message to be published.
#[derive(Debug)]
pub(super) enum Letter {
    /// To the exchange, under its topic.
    Published(Arc<Envelope>),
    /// To an exchange of somebody else's.
    Routed(Box<Routed>),
    /// Straight to a queue: a retry, a dead letter, a replay.
    Copy(Box<QueueCopy>),
}

/// A message that goes straight to a queue.
#[derive(Debug)]
pub(super) struct QueueCopy {
    pub(super) queue: String,
    pub(super) properties: BasicProperties,
    pub(super) payload: Bytes,
}

/// A message to a topic that is on an exchange of somebody else's.
#[derive(Debug)]
pub(super) struct Routed {
    pub(super) exchange: ShortString,
    pub(super) key: ShortString,
    pub(super) properties: BasicProperties,
    pub(super) payload: Bytes,
}

/// A letter and who waits for its outcome.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) letter: Letter,
    pub(super) deadline: Instant,
    pub(super) answer: oneshot::Sender<Result<Receipt, BrokerError>>,
}

/// Jobs by sequence number; the numbers ascend, so the place of each is known.
#[derive(Debug, Default)]
pub(super) struct Flights {
    first: u64,
    jobs: VecDeque<Option<Job>>,
    open: usize,
}

impl Flights {
    pub(super) fn len(&self) -> usize {
        self.open
    }

    /// Adds a job and gives its number.
    pub(super) fn push(&mut self, job: Job) -> u64 {
        self.jobs.push_back(Some(job));
        self.open += 1;
        self.first + self.jobs.len() as u64 - 1
    }

    pub(super) fn get(&self, number: u64) -> Option<&Job> {
        self.jobs.get(self.place(number)?)?.as_ref()
    }

    pub(super) fn take(&mut self, number: u64) -> Option<Job> {
        let place = self.place(number)?;
        let job = self.jobs.get_mut(place)?.take()?;
        self.open -= 1;
        while let Some(None) = self.jobs.front() {
            self.jobs.pop_front();
            self.first += 1;
        }
        Some(job)
    }

    /// All that are open, in publishing order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Job)> {
        (self.first..).zip(&self.jobs).filter_map(|(number, job)| Some((number, job.as_ref()?)))
    }

    /// The numbers of all that are open, in publishing order.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.iter().map(|(number, _)| number).collect()
    }

    /// Takes those whose deadline has come.
    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<Job> {
        let expired: Vec<u64> = self.iter().filter(|(_, job)| job.deadline <= now).map(|(number, _)| number).collect();
        expired.into_iter().filter_map(|number| self.take(number)).collect()
    }

    pub(super) fn earliest_deadline(&self) -> Option<Instant> {
        self.jobs.iter().flatten().map(|job| job.deadline).min()
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Id, Metadata};

    fn job() -> Job {
        let envelope = Arc::new(Envelope::new("t".into(), Metadata::foreign(Id::new()), Bytes::new()));
        Job { letter: Letter::Published(envelope), deadline: Instant::now(), answer: oneshot::channel().0 }
    }

    #[tokio::test]
    async fn jobs_are_found_by_their_number_whatever_the_order_they_leave_in() {
        let mut flights = Flights::default();
        let numbers: Vec<u64> = (0..4).map(|_| flights.push(job())).collect();
        assert_eq!(numbers, [0, 1, 2, 3]);
        assert!(flights.take(1).is_some() && flights.take(1).is_none());
        assert!(flights.take(0).is_some());
        assert_eq!((flights.numbers(), flights.len()), (vec![2, 3], 2));
        assert_eq!(flights.push(job()), 4);
        assert!(flights.get(0).is_none() && flights.get(4).is_some() && flights.get(5).is_none());
        assert_eq!(flights.take_expired(Instant::now()).len(), 3);
        assert_eq!((flights.len(), flights.earliest_deadline()), (0, None));
    }
}
