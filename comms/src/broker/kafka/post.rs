//! What was handed to the producer and is not confirmed yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, sleep_until};

use super::client::{Lookup, log};
use super::error::undelivered;
use super::health::Health;
use super::reports::Report;
use super::trail::{Destination, Leg, Trail};
use crate::broker::{BrokerError, BrokerErrorKind, Reach, Receipt};

/// Who waits for a confirmation.
pub(super) type Answer = oneshot::Sender<Result<Receipt, BrokerError>>;

/// The books of the producer.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) health: Arc<Health>,
    report: Arc<Report>,
    books: Mutex<Books>,
    /// A deadline comes before the books are looked at.
    changed: Notify,
    /// The producer can't go on and has to be replaced.
    broken: Mutex<bool>,
}

#[derive(Debug, Default)]
pub(super) struct Books {
    trail: Trail,
    flights: HashMap<u64, Answer>,
    deadlines: BTreeMap<(Instant, u64), ()>,
    next: u64,
    /// When they are looked at next.
    looked_at: Option<Instant>,
}

/// What librdkafka keeps with a message.
pub(super) struct Parcel {
    number: u64,
    deadline: Instant,
    topic: Arc<str>,
    destination: Destination,
    _room: OwnedSemaphorePermit,
}

impl Books {
    /// Enters a message; the parcel goes with it, to where is said.
    pub(super) fn enter(
        &mut self,
        topic: &Arc<str>,
        destination: Destination,
        deadline: Instant,
        answer: Answer,
        room: OwnedSemaphorePermit,
    ) -> (Box<Parcel>, Leg) {
        let number = self.next;
        self.next += 1;
        self.flights.insert(number, answer);
        self.deadlines.insert((deadline, number), ());
        let leg = self.trail.set_out(topic, destination);
        (Box::new(Parcel { number, deadline, topic: Arc::clone(topic), destination, _room: room }), leg)
    }

    /// Takes a message back that the producer refused.
    pub(super) fn withdraw(&mut self, parcel: Parcel) -> (Option<Answer>, OwnedSemaphorePermit) {
        self.trail.landed(&parcel.topic, parcel.destination, None);
        self.deadlines.remove(&(parcel.deadline, parcel.number));
        (self.flights.remove(&parcel.number), parcel._room)
    }

    /// Whether the deadline comes before anybody looks: rare, since deadlines are seldom shorter than those before them.
    pub(super) fn is_missed(&self, deadline: Instant) -> bool {
        self.looked_at.is_none_or(|at| deadline < at)
    }

    /// When to look next: at the next deadline, and now and then.
    fn look_next(&mut self) -> Instant {
        let at_last = Instant::now() + Duration::from_secs(1);
        let next = self.deadlines.keys().next().map_or(at_last, |(deadline, _)| at_last.min(*deadline));
        self.looked_at = Some(next);
        next
    }

    fn expired(&mut self, now: Instant) -> Vec<Answer> {
        let later = self.deadlines.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut self.deadlines, later);
        due.into_keys().filter_map(|(_, number)| self.flights.remove(&number)).collect()
    }
}

impl Post {
    pub(super) fn new(health: Arc<Health>) -> Self {
        let report = health.reports.open("publisher");
        Self { health, report, books: Mutex::default(), changed: Notify::new(), broken: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The books have to be looked at sooner.
    pub(super) fn look(&self) {
        self.changed.notify_one();
    }

    /// Whether the producer has to be replaced; says so once.
    pub(super) fn take_broken(&self) -> bool {
        std::mem::take(&mut *self.broken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers what is late, until nobody needs it any more.
    pub(super) async fn watch(post: Weak<Self>, lookup: Weak<Lookup>) {
        loop {
            let Some(strong) = post.upgrade() else { return };
            // What it has to say is taken up here; no message comes.
            if let Some(lookup) = lookup.upgrade() {
                let _ = lookup.poll(Duration::ZERO);
            }
            // Now and then, too: when everybody else is gone, it goes.
            let wait = strong.lock().look_next();
            tokio::select! {
                () = sleep_until(wait) => {}
                () = strong.changed.notified() => {}
            }
            let late = strong.lock().expired(Instant::now());
            for answer in late {
                let text = "the message was not confirmed by Kafka before its deadline; whether it was taken is unknown";
                let _ = answer.send(Err(BrokerError::new(BrokerErrorKind::Unknown, text)));
            }
        }
    }

    /// What is open may have reached the brokers.
    pub(super) fn give_up(&self) {
        let flights = std::mem::take(&mut self.lock().flights);
        for answer in flights.into_values() {
            let text = "the Kafka connection was closed by this process before the message was confirmed; whether it was taken is unknown";
            let _ = answer.send(Err(BrokerError::new(BrokerErrorKind::Unknown, text)));
        }
    }
}

/// The producer's context.
#[derive(Clone, Debug)]
pub(super) struct Clerk(pub(super) Arc<Post>);

impl ClientContext for Clerk {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn stats(&self, statistics: rdkafka::Statistics) {
        self.0.health.report(&statistics);
        self.0.report.take(&statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(Code::Fatal) {
            *self.0.broken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        }
        self.0.health.note(&error, reason);
    }
}

impl ProducerContext for Clerk {
    type DeliveryOpaque = Box<Parcel>;

    fn delivery(&self, result: &DeliveryResult<'_>, parcel: Box<Parcel>) {
        let place = result.as_ref().ok().map(|message| (message.partition(), message.offset()));
        let outcome = match result {
            Ok(_) => Ok(Receipt::new(Reach::Unknown)),
            Err((error, _)) => Err(undelivered(&parcel.topic, error)),
        };
        let mut books = self.0.lock();
        books.trail.landed(&parcel.topic, parcel.destination, place);
        books.deadlines.remove(&(parcel.deadline, parcel.number));
        let answer = books.flights.remove(&parcel.number);
        drop(books);
        drop(parcel);
        // Whoever dropped the receiver has given up knowing; who was answered before knows no more.
        if let Some(answer) = answer {
            let _ = answer.send(outcome);
        }
    }
}
